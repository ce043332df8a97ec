/*
 * plan.h - how many steps, in how many epochs, so that training ends in the time it has, with the learning
 * rate at its end and the last validation done. Pure arithmetic: clocks are the caller's.
 *
 * Without a limit: the epochs and their length as set. With one that does not hold them, first epochs are left out, as long
 * as three remain, of which validations take a sixth at most, and those that remain are made as long as the time allows, up to
 * the steps that are set in all; where not one validation fits, half of the time is for steps. With PLAN_OPEN: as many, and as long, as fill the time, by the same rule. Progress, 0 to 1, is
 * what schedules follow: it moves by its rest over the steps left, so that a change of plan bends it but never makes it jump.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

enum {
	PLAN_EPOCHS = 20,       /* where neither epochs nor a time are set */
	PLAN_OPEN = 100000      /* epochs: no number of them is set; the most that can be */
};

struct plan {
	guint epochs;           /* in all */
	gint64 epoch_steps;     /* of the epoch under way and those to come */
	double progress;        /* 0..1 */
	guint set_epochs;       /* as set, or PLAN_OPEN: what was left out comes back when steps turn out faster */
	gint64 set_steps;
	gint64 past;            /* steps of the epochs that are over, which the caller counts */
};

struct plan_costs {
	double step;            /* s, one */
	double validation;      /* s, one, with saving */
	double mining;          /* s an epoch, on average, for hard samples */
};

/* epochs and epoch_steps: as set; PLAN_OPEN: as many as the time holds that plan_fit gets;
   until then PLAN_EPOCHS. */
struct plan plan_new(guint epochs, gint64 epoch_steps);
/* Without a limit: where to judge, so many samples an epoch, would cost more than to learn, fewer epochs, as much longer; where
   it would with three, they are longer yet. By numbers of samples, not by a clock. */
void plan_thin(struct plan *plan, guint batch, guint64 judged);
/* Plans anew, at step `at` of epoch `epoch` (both from 0), for what is left of the time, s. */
void plan_fit(struct plan *plan, guint epoch, gint64 at, double left, struct plan_costs costs);
/* Steps from here to the end. */
gint64 plan_left(const struct plan *plan, guint epoch, gint64 at);
void plan_advance(struct plan *plan, guint epoch, gint64 at);

G_END_DECLS
