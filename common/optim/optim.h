/*
 * optim.h - optimisers by table, the schedule of the learning rate, and the moving average of weights.
 *
 * Ownership: an optimiser's state is tensors named "m.PARAMETER", "v.PARAMETER" in a scope of its own, so
 * that a checkpoint can hold it. It refers to the model's parameters, which must outlive it.
 * Errors:    optim_new: FAULT_USAGE, naming those there are. The rest: the scope's.
 */
#pragma once
#include "common/config/config.h"
#include "common/model/model.h"

G_BEGIN_DECLS

struct optim {
	const struct optimiser *kind;
	scope *params, *state;
	gint64 step;            /* steps taken */
};

struct optimiser {
	const char *name, *help;
	const char *slots;      /* one letter a tensor of state, each like its parameter: "mv" */
	/* One parameter's step; decay is 0 for norms and biases. slot[0..] as in slots. */
	void (*step)(scope *s, tensor *p, tensor *grad, tensor *const *slot, double rate, double decay,
		     gint64 step);
};
extern const struct optimiser optimisers[]; /* ended by a row without a name */

struct optim *optim_new(const char *name, struct model *model, int device, GError **error);
void optim_free(struct optim *o);
/* One step of all parameters that have a gradient. Parameters of one dimension (norms, biases) are not
   decayed. */
void optim_step(struct optim *o, scope *s, double rate, double decay);

typedef struct optim optim_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(optim_t, optim_free)

/*
 * The factor of the learning rate at `progress` (0 at the start, 1 at the end) of training: a linear
 * warm-up over the share `warmup`, then by kind: cosine to 0 (Loshchilov & Hutter 2017, one cycle),
 * constant, or constant times 0.3^plateaus.
 */
double schedule_factor(enum schedule kind, double progress, double warmup, int plateaus);

/* average += w (model - average), parameters and buffers of two like models; w is 1 - 2^(-1 / half_life), and
   9 / (10 + step) where that is more, so that at every time it spans about a tenth of what was learned (as
   TensorFlow's ExponentialMovingAverage with num_updates). step counts from 0: then w is 0.9. */
void average_step(scope *s, const struct model *average, const struct model *model, double half_life,
		  gint64 step);

G_END_DECLS
