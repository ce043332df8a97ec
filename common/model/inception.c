/*
 * inception.c - Inception v3 (Szegedy et al. 2016), as torchvision has it: batch norms of eps 0.001, dropout of a half
 * before the classifier, no change of the input's scale (transform_input off). The auxiliary classifier is left out:
 * the weights that a file has for it are passed over.
 * The blocks are tables: a branch is a row of convolutions; its parameters are BLOCK.CONV.conv and BLOCK.CONV.bn.
 */
#include "common/model/networks.h"

/* Nx1 is h, 1xN is w; stride 2 goes without padding, any other keeps the size. */
struct conv { const char *name; int out, h, w, stride; };
enum pool { POOL_NONE, POOL_MEAN /* before the branch, 3x3 */, POOL_MAX /* the branch itself, 3x3, stride 2 */ };
/* fork: the last so many convolutions stand side by side, on what is before them */
struct branch { enum pool pool; struct conv convs[5]; int fork; };
struct block { const char *name; const struct branch *branches; };

#define ONE(name, out) { name, out, 1, 1, 1 }
#define TRIPLE(pool_out) { \
	{ .convs = { ONE("branch1x1", 64) } }, \
	{ .convs = { ONE("branch5x5_1", 48), { "branch5x5_2", 64, 5, 5, 1 } } }, \
	{ .convs = { ONE("branch3x3dbl_1", 64), { "branch3x3dbl_2", 96, 3, 3, 1 }, { "branch3x3dbl_3", 96, 3, 3, 1 } } }, \
	{ .pool = POOL_MEAN, .convs = { ONE("branch_pool", pool_out) } }, { 0 } }
#define SEVEN(c) { \
	{ .convs = { ONE("branch1x1", 192) } }, \
	{ .convs = { ONE("branch7x7_1", c), { "branch7x7_2", c, 1, 7, 1 }, { "branch7x7_3", 192, 7, 1, 1 } } }, \
	{ .convs = { ONE("branch7x7dbl_1", c), { "branch7x7dbl_2", c, 7, 1, 1 }, { "branch7x7dbl_3", c, 1, 7, 1 }, \
		     { "branch7x7dbl_4", c, 7, 1, 1 }, { "branch7x7dbl_5", 192, 1, 7, 1 } } }, \
	{ .pool = POOL_MEAN, .convs = { ONE("branch_pool", 192) } }, { 0 } }

static const struct branch a32[] = TRIPLE(32), a64[] = TRIPLE(64), c128[] = SEVEN(128), c160[] = SEVEN(160), c192[] = SEVEN(192);
static const struct branch b[] = {
	{ .convs = { { "branch3x3", 384, 3, 3, 2 } } },
	{ .convs = { ONE("branch3x3dbl_1", 64), { "branch3x3dbl_2", 96, 3, 3, 1 }, { "branch3x3dbl_3", 96, 3, 3, 2 } } },
	{ .pool = POOL_MAX }, { 0 },
};
static const struct branch d[] = {
	{ .convs = { ONE("branch3x3_1", 192), { "branch3x3_2", 320, 3, 3, 2 } } },
	{ .convs = { ONE("branch7x7x3_1", 192), { "branch7x7x3_2", 192, 1, 7, 1 }, { "branch7x7x3_3", 192, 7, 1, 1 },
		     { "branch7x7x3_4", 192, 3, 3, 2 } } },
	{ .pool = POOL_MAX }, { 0 },
};
static const struct branch e[] = {
	{ .convs = { ONE("branch1x1", 320) } },
	{ .convs = { ONE("branch3x3_1", 384), { "branch3x3_2a", 384, 1, 3, 1 }, { "branch3x3_2b", 384, 3, 1, 1 } }, .fork = 2 },
	{ .convs = { ONE("branch3x3dbl_1", 448), { "branch3x3dbl_2", 384, 3, 3, 1 }, { "branch3x3dbl_3a", 384, 1, 3, 1 },
		     { "branch3x3dbl_3b", 384, 3, 1, 1 } }, .fork = 2 },
	{ .pool = POOL_MEAN, .convs = { ONE("branch_pool", 192) } }, { 0 },
};
/* The layers before them: a convolution, with padding or without, and behind some a max pool. */
static const struct stem { struct conv conv; gboolean pad, pool; } stem[] = {
	{ { "Conv2d_1a_3x3", 32, 3, 3, 2 }, FALSE, FALSE }, { { "Conv2d_2a_3x3", 32, 3, 3, 1 }, FALSE, FALSE },
	{ { "Conv2d_2b_3x3", 64, 3, 3, 1 }, TRUE, TRUE },   { ONE("Conv2d_3b_1x1", 80), FALSE, FALSE },
	{ { "Conv2d_4a_3x3", 192, 3, 3, 1 }, FALSE, TRUE },
};
static const struct block blocks[] = {
	{ "Mixed_5b", a32 }, { "Mixed_5c", a64 }, { "Mixed_5d", a64 }, { "Mixed_6a", b }, { "Mixed_6b", c128 },
	{ "Mixed_6c", c160 }, { "Mixed_6d", c160 }, { "Mixed_6e", c192 }, { "Mixed_7a", d }, { "Mixed_7b", e }, { "Mixed_7c", e },
};

static gboolean ended(const struct branch *r) { return r->convs[0].name == NULL && r->pool == POOL_NONE; }

static int convs_of(const struct branch *r)
{
	int n = 0;
	while (n < (int)G_N_ELEMENTS(r->convs) && r->convs[n].name != NULL)
		n++;
	return n;
}

static void make(struct model *m, const char *block, const struct conv *c, int in)
{
	char at[48];
	g_snprintf(at, sizeof at, "%s%s%s", block, *block == '\0' ? "" : ".", c->name);
	layer_make_conv_norm(m, at, "conv", "bn", DIMS(c->out, in, c->h, c->w));
}

/* Channels that it gives. */
static int make_branch(struct model *m, const char *block, const struct branch *r, int in)
{
	int n = convs_of(r), sum = r->fork > 0 ? 0 : in, trunk = n - r->fork;
	for (int i = 0; i < n; i++) {
		make(m, block, &r->convs[i], in);
		if (i < trunk)
			in = r->convs[i].out;
		else
			sum += r->convs[i].out;
	}
	return r->fork > 0 ? sum : in;
}

void inception_build(struct model *m)
{
	int in = m->channels;

	/* its published weights were learned elsewhere: torchvision's transform_input */
	for (int k = 0; k < 3; k++)
		m->mean[k] = m->std[k] = 0.5;
	m->norm_eps = 0.001;
	for (gsize i = 0; i < G_N_ELEMENTS(stem); i++) {
		make(m, "", &stem[i].conv, in);
		in = stem[i].conv.out;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(blocks); i++) {
		int out = 0;
		for (const struct branch *r = blocks[i].branches; !ended(r); r++)
			out += make_branch(m, blocks[i].name, r, in);
		in = out;
	}
	layer_make_classifier(m, "", "fc", in);
}

static tensor *conv(struct model *m, scope *s, const tensor *x, const char *block, const struct conv *c, gboolean pad)
{
	char at[48];
	g_snprintf(at, sizeof at, "%s%s%s", block, *block == '\0' ? "" : ".", c->name);
	const conv_opts o = { .stride = c->stride, .same = pad && c->stride == 1 };
	return layer_conv_norm(m, s, x, at, "conv", "bn", o, t_relu);
}

static tensor *branch(struct model *m, scope *outer, const tensor *x, const char *block, const struct branch *r)
{
	SCOPE(s, outer, 0);
	if (r->pool == POOL_MAX)
		return scope_keep(outer, t_max_pool2d(s, x, (pool_opts){ .size = 3, .stride = 2 }));
	tensor *y = r->pool == POOL_MEAN ? t_avg_pool2d(s, x, (pool_opts){ .size = 3, .stride = 1, .pad = 1 }) : NULL;
	int n = convs_of(r), trunk = n - r->fork;
	for (int i = 0; i < trunk; i++) {
		tensor *before = y;
		y = conv(m, s, before != NULL ? before : x, block, &r->convs[i], TRUE);
		if (before != NULL)
			scope_drop(s, before);
	}
	if (r->fork > 0)
		y = t_cat(s, 1, LIST(conv(m, s, y, block, &r->convs[trunk], TRUE),
				     conv(m, s, y, block, &r->convs[trunk + 1], TRUE)));
	return scope_keep(outer, y);
}

static tensor *block(struct model *m, scope *outer, const tensor *x, const struct block *k)
{
	SCOPE(s, outer, 0);
	tensor *parts[4];
	int n = 0;
	for (const struct branch *r = k->branches; !ended(r); r++)
		parts[n++] = branch(m, s, x, k->name, r);
	return scope_keep(outer, t_cat(s, 1, parts, n));
}

tensor *inception_forward(struct model *m, scope *s, const tensor *x, tensor **features)
{
	tensor *y = NULL;
	for (gsize i = 0; i < G_N_ELEMENTS(stem); i++) {
		tensor *before = y;
		y = conv(m, s, before != NULL ? before : x, "", &stem[i].conv, stem[i].pad);
		if (before != NULL)
			scope_drop(s, before);
		before = y;
		if (stem[i].pool) {
			y = t_max_pool2d(s, before, (pool_opts){ .size = 3, .stride = 2 });
			scope_drop(s, before);
		}
	}
	for (gsize i = 0; i < G_N_ELEMENTS(blocks); i++) {
		tensor *before = y;
		y = block(m, s, before, &blocks[i]);
		scope_drop(s, before);
	}
	*features = t_mean_hw(s, y);
	return layer_classify(m, s, *features, 0.5, "", "fc");
}
