/*
 * fit.h - training: samples in, a model folder out. It knows no task but through common/task/task.h.
 *
 * Each epoch: draw, load, augment, forward, backward, step; then the held-out cases are validated and, where
 * that is the best so far, the model is saved at once. It ends at the last epoch or with the time.
 *
 * Where there are several members, each is a network that learns from the start, with other cases held out and other
 * draws, and all of them make the model: they answer together, and what each says of its held-out cases is what the score of
 * a case is fitted on.
 *
 * From its start the folder holds a model: where there was none, the network as it begins; until the first
 * validation, the newest weights. Every training.checkpoint a point to go on from is saved; a job with `resume`
 * goes on there, and on the CPU, with as many threads, it ends with the same weights, bit for bit, as one that was
 * never stopped.
 *
 * Errors: FAULT_STOPPED after SIGTERM or SIGINT, with the point to go on from saved; what else ends it.
 */
#pragma once
#include "common/model/memory.h"
#include "train/resume.h"
#include "train/validate.h"

G_BEGIN_DECLS

struct fit_job {
	struct work *work;              /* prepared */
	gboolean *const *held;          /* (members) (n_cases) what each holds out */
	guint members;                  /* networks to learn, one after the other; they share the time */
	const struct device *device;
	const struct memory *memory;
	struct model_folder *folder;
	const struct resume *resume_opt;
	double deadline;                /* log_seconds() at which all must be done; 0: none */
	gint64 rehearse;                /* so many small steps, and the weights are saved; 0: all of training */
	double rehearse_until;          /* log_seconds() from which no further one is begun */
};

struct fit_outcome {
	gint64 steps;                   /* of all members */
	guint epochs, best_epoch;       /* of all; of the last member's weights, counted alike */
	struct interval best;           /* the task's metric on all cases that were held out */
	double samples_per_s;           /* training alone */
	double wait_share;              /* of training time spent waiting for samples */
	double save_share;              /* of all time spent saving */
	gboolean cut;                   /* it ended well, by training.time and not after the epochs that are set */
	guint part;                     /* samples at once in the network, at the end */
	JsonArray *history;             /* of objects, one an epoch */
	JsonObject *about;              /* of the weights in the folder; NULL: there are none */
};

void fit_outcome_clear(struct fit_outcome *outcome);
/* outcome: zeroed before; set, and to be cleared, also where it fails. */
gboolean fit(const struct fit_job *job, struct fit_outcome *outcome, GError **error);

G_END_DECLS
