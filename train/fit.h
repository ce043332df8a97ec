/*
 * fit.h - training: samples in, a model folder out. It knows no task but through common/task/task.h.
 *
 * Each epoch: draw, load, augment, forward, backward, step; then the held-out cases are validated and, where
 * that is the best so far, the model is saved at once. It ends at the last epoch or with the time.
 */
#pragma once
#include "common/model/memory.h"
#include "train/plan.h"
#include "train/validate.h"

G_BEGIN_DECLS

struct fit_outcome {
	gint64 steps;
	guint epochs, best_epoch;       /* from 1 */
	struct interval best;           /* the task's metric on held-out cases */
	double samples_per_s;           /* training alone */
	double wait_share;              /* of training time spent waiting for samples */
	gboolean saved;
};

/* work: prepared; held: the split. deadline: log_seconds() at which all must be done; 0: none. */
gboolean fit(struct work *work, const gboolean *held, const struct device *device, const struct memory *memory,
	     double deadline, struct fit_outcome *outcome, GError **error);

G_END_DECLS
