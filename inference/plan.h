/*
 * plan.h - which cases are looked at next, and how densely, so that the time allowed gives the best answers.
 *
 * First a coarse pass over all cases. Then, with no limit on time, all of each. With one, what fits into what is
 * left, by the speed that the last pass had: all samples of all cases; else the largest share of all, one for
 * all cases, for their order is what counts and a denser look finds more; else, where that would be no clear gain over
 * what was done, all of those cases that are nearest to undecided, as many as fit.
 *
 * Pure functions. Threads: no state. Errors: none.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

struct plan_case {
	guint64 samples, more;  /* that it has in round 0 at share 1; that later rounds add then; 0: not known */
	guint64 fixed;          /* of more: what does not grow with the share */
	guint64 bag;            /* that a look at all of it adds in the end, with all rounds */
	guint64 always, always_fixed; /* of `more` and `fixed`: in the second round, where no pass goes without it; else 0 */
	double doubt;           /* 0: its answer is sure; 1: as undecided as can be */
	gboolean read;          /* it has an answer of its own */
	gboolean done;          /* all of it was tried */
};

struct plan_rate { double sample_s, more_s, case_s; }; /* seconds a sample of round 0, of later rounds; beside them, a case */

struct plan {
	double share;           /* of each case, as task->next has it */
	int rounds;             /* at most; 0: all */
	guint n, *items;        /* (n), in order; none: there is nothing more to do */
	guint64 samples;        /* about */
	double seconds;         /* about */
};

/* The coarse pass: share 1/64, so many rounds, all of n cases as they stand but those that are done. */
void plan_first(const struct plan_case *cases, guint n, int rounds, struct plan *out);
/* left: seconds, INFINITY where there is no limit. share: of the last pass that went over all cases. */
void plan_next(const struct plan_case *cases, guint n, struct plan_rate rate, double left, double share,
	       struct plan *out);
void plan_clear(struct plan *plan);

G_END_DECLS
