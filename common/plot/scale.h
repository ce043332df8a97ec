/*
 * scale.h - the values of an axis: where they lie on it, and the few round ones that are written beside it
 * ("nice numbers", Heckbert 1990).
 *
 * A value on the stack, without memory of its own. Errors: none; whatever the ends, 1 to SCALE_TICKS ticks, in order,
 * and low < high. Threads: no state.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

#define SCALE_TICKS 12

enum scale_flags {
	SCALE_ENDS = 1,         /* begins and ends where the data do; otherwise at ticks */
	SCALE_WHOLE = 2,        /* ticks are whole numbers */
	SCALE_LOG = 4,          /* logarithmic; both ends must be above 0, or it is not */
};

struct scale {
	double low, high;
	gboolean log;
	guint n;
	double tick[SCALE_TICKS];
	char text[SCALE_TICKS][16];     /* "0.25", "15k", "2e-5" */
};

/* For values least..most (in any order; not finite: 0 and 1), with about so many ticks, 2 to 10. */
void scale_init(struct scale *s, double least, double most, guint about, enum scale_flags flags);
/* 0 at the low end, 1 at the high one; beyond them, the end. NAN stays. */
double scale_place(const struct scale *s, double value);

G_END_DECLS
