/*
 * vit.c - a small vision transformer, ViT-S/16 (Dosovitskiy et al. 2021; the small one is of Touvron et al. 2021, DeiT):
 * 12 layers of width 384, 6 heads; names are those of torchvision's VisionTransformer, layer norms of eps 1e-6.
 *
 * Positions are learned for 224 px, 14 x 14 patches. For another number of patches they are interpolated, bicubic, as
 * the centres of patches lie (corners not aligned). A picture whose sides are no multiples of 16 is first brought to
 * the nearest ones, bilinear: nothing at its border is lost.
 */
#include "common/model/networks.h"
#include <math.h>

enum { PATCH = 16, GRID = 14 /* patches a side at 224 px */, WIDTH = 384, DEPTH = 12, HEADS = 6, HEAD = WIDTH / HEADS, MLP = 1536 };
static const double EPS = 1e-6;

static void make_param(struct model *m, const char *at, const char *leaf, dims shape, enum init how)
{
	char name[96];
	g_snprintf(name, sizeof name, "%s%s%s", at, *at == '\0' ? "" : ".", leaf);
	scope_param(m->params, name, shape, how);
}

static void make_layer(struct model *m, int i)
{
	char at[48], attention[64];
	g_snprintf(at, sizeof at, "encoder.layers.encoder_layer_%d", i);
	g_snprintf(attention, sizeof attention, "%s.self_attention", at);
	layer_make_layer_norm(m, at, "ln_1", WIDTH);
	make_param(m, attention, "in_proj_weight", DIMS(3 * WIDTH, WIDTH), INIT_GLOROT);
	make_param(m, attention, "in_proj_bias", DIMS(3 * WIDTH), INIT_ZERO);
	layer_make_dense(m, attention, "out_proj", WIDTH, WIDTH, INIT_LINEAR);
	layer_make_layer_norm(m, at, "ln_2", WIDTH);
	layer_make_dense(m, at, "mlp.0", MLP, WIDTH, INIT_GLOROT);
	layer_make_dense(m, at, "mlp.3", WIDTH, MLP, INIT_GLOROT);
}

void vit_build(struct model *m)
{
	make_param(m, "", "class_token", DIMS(1, 1, WIDTH), INIT_ZERO);
	layer_make_conv(m, "", "conv_proj", DIMS(WIDTH, m->channels, PATCH, PATCH), INIT_LINEAR, TRUE);
	make_param(m, "encoder", "pos_embedding", DIMS(1, GRID * GRID + 1, WIDTH), INIT_NORMAL_002);
	for (int i = 0; i < DEPTH; i++)
		make_layer(m, i);
	layer_make_layer_norm(m, "encoder", "ln", WIDTH);
	layer_make_classifier(m, "heads", "head", WIDTH);
}

/* (1, 1 + h w, WIDTH): that of the class token, then those of h x w patches. */
static tensor *positions(struct model *m, scope *s, int64_t h, int64_t w)
{
	tensor *learned = layer_find(m, "encoder", "pos_embedding");
	if (h == GRID && w == GRID)
		return learned;
	tensor *grid = t_reshape(s, t_narrow(s, learned, 1, 1, GRID * GRID), DIMS(1, GRID, GRID, WIDTH));
	grid = t_cubic2d(s, t_permute(s, grid, DIMS(0, 3, 1, 2)), h, w);
	grid = t_reshape(s, t_permute(s, grid, DIMS(0, 2, 3, 1)), DIMS(1, h * w, WIDTH));
	return t_cat(s, 1, LIST(t_narrow(s, learned, 1, 0, 1), grid));
}

/* x (N, C, H, W) to (N, 1 + patches, WIDTH) */
static tensor *embed(struct model *m, scope *outer, const tensor *x)
{
	SCOPE(s, outer, 0);
	int64_t n = t_size(x, 0), h = (t_size(x, 2) + PATCH / 2) / PATCH, w = (t_size(x, 3) + PATCH / 2) / PATCH;
	if (h * PATCH != t_size(x, 2) || w * PATCH != t_size(x, 3))
		x = t_upsample2d(s, x, h * PATCH, w * PATCH);
	tensor *y = layer_conv(m, s, x, "", "conv_proj", (conv_opts){ .stride = PATCH });
	y = t_reshape(s, t_permute(s, y, DIMS(0, 2, 3, 1)), DIMS(n, h * w, WIDTH));
	/* one token, for each sample */
	tensor *zeros = t_affine(s, t_narrow(s, y, 1, 0, 1), 0, 0);
	y = t_cat(s, 1, LIST(t_add(s, zeros, layer_find(m, "", "class_token")), y));
	return scope_keep(outer, t_add(s, y, positions(m, s, h, w)));
}

/* Part 0, 1, 2: queries, keys or values of all heads, (N, HEADS, L, HEAD), of (3, N, HEADS, L, HEAD). */
static tensor *part(scope *s, const tensor *all, int i)
{
	return t_reshape(s, t_narrow(s, all, 0, i, 1), DIMS(t_size(all, 1), HEADS, t_size(all, 3), HEAD));
}

/* Vaswani et al. 2017: x (N, L, WIDTH) to the same. */
static tensor *attend(struct model *m, scope *outer, const tensor *x, const char *at)
{
	SCOPE(s, outer, 0);
	int64_t n = t_size(x, 0), l = t_size(x, 1);
	tensor *all = t_linear(s, x, layer_find(m, at, "in_proj_weight"), layer_find(m, at, "in_proj_bias"));
	all = t_permute(s, t_reshape(s, all, DIMS(n, l, 3, HEADS, HEAD)), DIMS(2, 0, 3, 1, 4));
	tensor *q = t_affine(s, part(s, all, 0), 1 / sqrt(HEAD), 0), *k = part(s, all, 1);
	tensor *scores = t_matmul(s, q, t_permute(s, k, DIMS(0, 1, 3, 2)));
	tensor *shares = t_softmax(s, scores, -1);
	scope_drop(s, scores);
	tensor *y = t_permute(s, t_matmul(s, shares, part(s, all, 2)), DIMS(0, 2, 1, 3));
	return scope_keep(outer, layer_linear(m, s, t_reshape(s, y, DIMS(n, l, WIDTH)), at, "out_proj"));
}

static tensor *layer(struct model *m, scope *outer, const tensor *x, int i)
{
	char at[48], attention[64];
	SCOPE(s, outer, 0);
	g_snprintf(at, sizeof at, "encoder.layers.encoder_layer_%d", i);
	g_snprintf(attention, sizeof attention, "%s.self_attention", at);
	tensor *y = attend(m, s, layer_layer_norm(m, s, x, at, "ln_1", EPS), attention);
	tensor *z = t_add(s, x, y);
	y = layer_linear(m, s, layer_layer_norm(m, s, z, at, "ln_2", EPS), at, "mlp.0");
	y = layer_linear(m, s, t_gelu(s, y), at, "mlp.3");
	return scope_keep(outer, t_add(s, z, y));
}

tensor *vit_forward(struct model *m, scope *s, const tensor *x, tensor **features)
{
	tensor *y = embed(m, s, x);
	for (int i = 0; i < DEPTH; i++) {
		tensor *before = y;
		y = layer(m, s, before, i);
		scope_drop(s, before);
	}
	tensor *token = t_reshape(s, t_narrow(s, y, 1, 0, 1), DIMS(t_size(y, 0), WIDTH));
	*features = layer_layer_norm(m, s, token, "encoder", "ln", EPS);
	return layer_classify(m, s, *features, 0, "heads", "head");
}
