/*
 * fault.h - the one error domain. A fault's code is the exit code the program ends with when that
 * fault ends it; GLib's own errors (GFileError, ...) end it with FAULT_FAILED.
 *
 * A function that can fail takes GError **error last, returns false or NULL, and leaves its outputs
 * untouched. Context is added going up: g_prefix_error(error, "slide '%s': ", id). Only main.c prints.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

#define FAULT (fault_quark())
GQuark fault_quark(void);

enum fault {
	FAULT_FAILED = 1, /* anything else */
	FAULT_USAGE = 2,  /* the command line or data.yaml */
	FAULT_DATA = 3,   /* slides, masks, labels, weights, a model folder */
	FAULT_ROOM = 4,   /* memory or disk */
	FAULT_TIME = 5,   /* the time allowed is over and there is no answer */
	FAULT_STOPPED = 6, /* by SIGTERM or SIGINT; what was reached is saved */
	FAULT_DIVERGED = 7, /* training gives no finite numbers: another try would end alike */
};

/* The exit code for an error, 1..7; 0 for NULL. */
int fault_exit_code(const GError *error_opt);

G_END_DECLS
