/*
 * closing.h - what both programs say at their end: where the time went, what limited the speed, and how near to its
 * limits the run was. Lines of the diagnosis (log_last).
 *
 * Threads: main. Errors: none.
 */
#pragma once
#include "common/config/config.h"

G_BEGIN_DECLS

/* folder: that was written to; time: that the program was given, s; 0: no limit. */
void closing_say(const char *folder, double time);

/* ---- its arithmetic ---- */

/* What the speed hung on, in words, from seconds spent waiting for samples, augmenting and computing. */
const char *closing_limit(double waiting, double augmenting, double computing);

G_END_DECLS
