/*
 * state.h - where a run stands, beside its tensors: what it has reached, and what was decided by a clock or a
 * measurement. Both are saved with each point to go on from, and taken over from there, not decided again: so a
 * run that went on learns what one that was never stopped learns.
 *
 * As JSON: one member a field, by the table in state.c; doubles with 17 digits, which gives back each bit; what
 * is not finite is left out.
 */
#pragma once
#include "common/metrics/metrics.h"
#include "train/plan.h"
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

enum bags { BAGS_NONE = -1, BAGS_UNDECIDED, BAGS_WANTED, BAGS_MADE };

struct state {
	gint64 member;          /* the network of the run that learns, from 0 */
	gint64 steps_before, epochs_before; /* of the members before */
	gint64 epoch;           /* from 0 */
	gint64 at;              /* steps of it done */
	gint64 step;            /* steps of this member */
	gint64 optimiser_steps; /* of them that changed the weights */
	gint64 thawed;          /* such steps when the body was thawed; -1: it is frozen */
	gint64 mined;           /* epoch before which hard samples were sought last; 0: never */
	double loss_sum;        /* of this epoch */
	gint64 loss_count;
	gint64 not_finite;      /* steps in a row */
	gint64 plateaus, stale; /* schedule: plateau */
	struct interval best;   /* the task's metric on held-out cases */
	gint64 best_epoch;      /* from 1; 0: none was saved yet */
	struct interval peak;   /* the highest metric so far, which the best may be a little below; NAN: none yet */
	gint64 bags;            /* enum bags: is a model of bags made at the member's end? */
	gint64 looked;          /* for it, at so many samples of a case to learn from; 0: undecided */
	double share;           /* of each held-out case's samples that are judged; not above 0: all */
	gint64 finished;        /* 1: nothing is left to do */
	double seconds;         /* that training took, in all its processes */

	struct plan plan;
	struct plan_costs costs;
	gint64 timed;           /* steps in costs.step */
	gint64 part;            /* samples in the network at once */
	gint64 bf16;
	double gpu;             /* 1: that is what costs are of, 0: of a CPU; NAN: not known */
};

JsonObject *state_to_json(const struct state *state);
/* FAULT_DATA where a number is missing that must be there, or is none, or out of its range. */
gboolean state_from_json(JsonObject *json, struct state *out, GError **error);

G_END_DECLS
