/*
 * curve.h - points out of facts, for charts: sorted by x, and of very many, one of each few.
 * Memory: curve_free() them. Errors: none; a fact that does not tell its point is passed over. Threads: no state.
 */
#pragma once
#include "common/report/story.h"

G_BEGIN_DECLS

#define CURVE_POINTS 1500       /* at most */

struct curve {
	guint n;
	double *x, *y, *high;   /* (n); high of ranges alone, else NULL */
};

/* A key of train's lines of a word, over the epochs: those of "epoch" at their number, those of "step" at the share of it. */
struct curve *curve_over_epochs(const struct story *s, const char *word, const char *key);
/* A key that is a range, of the lines of "epoch". */
struct curve *curve_range_over_epochs(const struct story *s, const char *key);
/* A key over the time since the program's start, in s. */
struct curve *curve_over_time(const struct story *s, const char *program, const char *word, const char *key);
/* "0,0;0.05,0.4;1,1", in the order in which they stand there; not finite: passed over. */
struct curve *curve_of_points(const char *text_opt);
void curve_free(struct curve *c_opt);

G_END_DECLS
