/*
 * optim.h - optimisers by table, the schedule of the learning rate, and the moving average of weights.
 *
 * A network's parameters form groups, from its input to its head (optim_groups). Layer-wise rates give a group the rate
 * of the one above it times a factor (Howard & Ruder 2018); freezing leaves all groups but the head as they are.
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
	gint64 thawed;          /* steps taken when the body was thawed, from which its own are counted; -1: it is frozen */
	guint groups;           /* of parameters, as optim_groups counts them */
	/* (parameters and buffers) rate: a factor; state: where its own begins in that scope */
	struct optim_param { guint group; gboolean head, decayed, fixed; double rate; size_t state; } *of;
	size_t *order, trained; /* (trained) parameters, those that take the same step side by side */
};

struct optimiser {
	const char *name;
	const char *slots;      /* one letter a tensor of state, each like its parameter: "mv" */
	/* The `step`th step of n parameters; decay is 0 for what is not decayed. slot[0..] (n) as in slots. */
	void (*step)(scope *s, int n, tensor *const *p, tensor *const *grad, tensor *const *const *slot, double rate, double decay,
		     gint64 step);
};
extern const struct optimiser optimisers[]; /* ended by a row without a name */

/* layer_decay: the factor from each group to the one below, 0 < layer_decay <= 1; 1: all learn alike. screen: of the rate of the
   model's screen, where it has one. */
struct optim *optim_new(const char *name, struct model *model, double layer_decay, double screen, int device, GError **error);
void optim_free(struct optim *o);
/* From the start, and for good: the lowest so many of the groups, share * (groups - 1) rounded down, take no step. What lies
   below the first that learns has no backward pass either. Returns how many. */
guint optim_fix(struct optim *o, double share);
/* The body: all but the head. Frozen, it takes no step, has no gradients, and its batch norm's statistics stay. */
void optim_freeze(struct optim *o, gboolean frozen);
/* One step of all parameters that have a gradient. Not decayed: parameters of one dimension (norms, biases), and what
   is added to or scales activations (position embeddings, class tokens, layer scale), as torchvision trains them. */
void optim_step(struct optim *o, scope *s, double rate, double decay);

typedef struct optim optim_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(optim_t, optim_free)

/* Sets out[i].group, .head and .decayed of the model's i-th parameter or buffer; returns how many groups there are, the
   head being the last. A name's layer is the part up to its first component that ends in a digit (conv1, layer3,
   features.0, encoder.layers.encoder_layer_11); a group begins with a parameter of another layer than the one before
   it. What names no layer, and norms between layers (bn1), join the group that they follow. */
guint optim_groups(const struct model *model, struct optim_param *out);

/* training.learning_rate, or what it is where that is auto. */
double optim_rate(const struct settings *settings);

/*
 * The factor of the learning rate at `progress` (0 at the start, 1 at the end) of training: a linear
 * warm-up over the share `warmup`, then by kind: cosine to 0 (Loshchilov & Hutter 2017, one cycle),
 * constant, or constant times 0.3^plateaus. One cycle (Smith & Topin 2018) rises from 1/25 instead, along a cosine,
 * and falls along another to 1/10,000, as PyTorch's OneCycleLR with final_div_factor 400.
 */
double schedule_factor(enum schedule kind, double progress, double warmup, int plateaus);

/* average += w (model - average), parameters and buffers of two like models; w is 1 - 2^(-1 / half_life), and
   9 / (10 + step) where that is more, so that at every time it spans about a tenth of what was learned (as
   TensorFlow's ExponentialMovingAverage with num_updates). step counts from 0: then w is 0.9;
   before it, at -1, w is 1. A long average, of a half-life from 100 on, is taken each fourth step from step 40 on, by as
   much as four of them: it is two hundredths of ResNet-18's step. */
void average_step(scope *s, const struct model *average, const struct model *model, double half_life,
		  gint64 step);

G_END_DECLS
