/*
 * attention.h - a slide's logit from its tiles' feature vectors, by gated attention (Ilse, Tomczak & Welling 2018,
 * arXiv 1802.04712, equations 7 and 9):
 *   h = (x - mean) / sd, clamped to +-10                       (n, width)
 *   a = softmax over tiles of w (tanh(V h + b) * sigmoid(U h + c))      (n)
 *   logit = head (sum a h)
 *
 * A bag is some of a slide's tiles, at most ATTENTION_TILES (attention_pick). Bags stay with their caller, in 16 or 32
 * bits: 512 tiles of 512 numbers in 16 bits are 0.5 MiB a slide. A training step keeps about 6 copies of its bags in 32
 * bits, 50 MB with these and the standard plan; all its steps are about 3e11 multiplications and additions, and
 * a minute of one core.
 *
 * Parameters, by which a model folder holds them (struct model_part): attention.V.weight (hidden, width), .bias
 * (hidden); attention.U likewise; attention.w.weight (1, hidden); head.weight (1, width), .bias (1); buffers
 * input.mean, input.scale (width).
 *
 * The caller sees to it that no bag is judged by a model that learned from it.
 * Ownership: attention_new() to attention_free().
 * Errors:    FAULT_ROOM, FAULT_FAILED; FAULT_DATA where there is nothing to learn from, or a number is not finite.
 * Threads:   one. attention_new and attention_train set tensor_seed.
 */
#pragma once
#include "common/tensor/tensor.h"
#include <glib.h>

G_BEGIN_DECLS

struct attention { int width, hidden, device; scope *params; };

struct bag {
	const void *tiles;      /* (n, width) */
	enum dtype type;        /* T_F16 or T_F32 */
	gsize n;                /* 0: passed over in training, NAN in prediction */
	guint8 label;
};

struct attention_plan {
	int steps, batch;       /* batch: bags a step */
	double rate, decay;     /* AdamW's; the rate falls by a cosine, after a warm-up of a twentieth */
	double dropout;         /* of gated units, and of the pooled features */
	guint64 seed;
};
/* Measured on made-up bags, 2 telling tiles of 100: with 16 hidden units 60 bags are enough for an AUC of 0.99; with 64
   they are learned by heart, at a decay of 0.1 always and at 1 sometimes. */
#define ATTENTION_PLAN(seed) ((struct attention_plan){ 750, 8, 2e-3, 1, 0.25, seed })
enum { ATTENTION_HIDDEN = 16, ATTENTION_TILES = 512 };

struct attention *attention_new(int width, int hidden, int device, guint64 seed, GError **error);
void attention_free(struct attention *a);
/* All steps of the plan, with no early end: a few hundred bags leave none to stop by. mean and sd are the bags'. The
   same seed, bags and machine: the same weights. */
gboolean attention_train(struct attention *a, const struct bag *bags, gsize n, const struct attention_plan *plan,
			 GError **error);
/* weight_opt: (n), each tile's attention; they sum to 1. */
gboolean attention_predict(struct attention *a, const struct bag *bag, double *logit, float *weight_opt,
			   GError **error);

/* Which tiles make the bag: those of the highest logits, half of `most`; the other half spread evenly over the ranks of
   the rest. picked: (most), the highest first; returns how many. Tiles that are not finite are passed over. */
gsize attention_pick(const float *logits, gsize n, gsize most, guint32 *picked);

typedef struct attention attention_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(attention_t, attention_free)

G_END_DECLS
