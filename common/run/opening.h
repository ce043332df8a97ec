/*
 * opening.h - what a program says of itself before it does anything: which program with which settings, on what
 * machine; and what its lines must not show.
 *
 * Threads: main. Errors: none; what cannot be found out is left out.
 */
#pragma once
#include "common/config/options.h"
#include "common/model/device.h"

G_BEGIN_DECLS

/* `start`, and a `settings` line a section; from here on the log is as settings log.* want it, and takes what
   libraries print. */
void opening_say(const struct options *options);
/* `machine`, once the device is known. */
void opening_say_machine(const struct device *device);

G_END_DECLS
