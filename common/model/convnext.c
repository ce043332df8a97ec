/*
 * convnext.c - ConvNeXt-T (Liu et al. 2022), as torchvision has it: 7x7 convolutions a channel, layer norms of eps 1e-6,
 * each residual scaled by numbers that are learned from 1e-6 on, and in training left out by a chance that rises from
 * 0 to 0.1 with its depth (Huang et al. 2016). A block computes with channels last: as they lie in memory.
 */
#include "common/model/networks.h"

enum { STAGES = 4, BLOCKS = 18 };
static const int blocks[STAGES] = { 3, 3, 9, 3 }, widths[STAGES] = { 96, 192, 384, 768 };
static const double EPS = 1e-6, SCALE = 1e-6, DEPTH = 0.1;

static void make_block(struct model *m, const char *at, int width)
{
	char name[48];
	g_snprintf(name, sizeof name, "%s.layer_scale", at);
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	t_scale_(s, scope_param(m->params, name, DIMS(width, 1, 1), INIT_ONE), SCALE);
	g_snprintf(name, sizeof name, "%s.block", at);
	layer_make_conv(m, name, "0", DIMS(width, 1, 7, 7), INIT_NORMAL_002, TRUE);
	layer_make_layer_norm(m, name, "2", width);
	layer_make_dense(m, name, "3", 4 * width, width, INIT_NORMAL_002);
	layer_make_dense(m, name, "5", width, 4 * width, INIT_NORMAL_002);
}

void convnext_build(struct model *m)
{
	char at[32];
	layer_make_conv(m, "features.0", "0", DIMS(widths[0], m->channels, 4, 4), INIT_NORMAL_002, TRUE);
	layer_make_layer_norm(m, "features.0", "1", widths[0]);
	for (int k = 0; k < STAGES; k++) {
		for (int b = 0; b < blocks[k]; b++) {
			g_snprintf(at, sizeof at, "features.%d.%d", 2 * k + 1, b);
			make_block(m, at, widths[k]);
		}
		if (k + 1 == STAGES)
			break;
		g_snprintf(at, sizeof at, "features.%d", 2 * k + 2);
		layer_make_layer_norm(m, at, "0", widths[k]);
		layer_make_conv(m, at, "1", DIMS(widths[k + 1], widths[k], 2, 2), INIT_NORMAL_002, TRUE);
	}
	layer_make_layer_norm(m, "classifier", "0", widths[STAGES - 1]);
	layer_make_classifier(m, "classifier", "2", widths[STAGES - 1]);
}

/* Over the channels of x (N, C, H, W). */
static tensor *norm(struct model *m, scope *s, const tensor *x, const char *at, const char *leaf)
{
	tensor *y = layer_layer_norm(m, s, t_permute(s, x, DIMS(0, 2, 3, 1)), at, leaf, EPS);
	return t_permute(s, y, DIMS(0, 3, 1, 2));
}

/* x (N, C, H, W) to the same; left out by chance p. */
static tensor *block(struct model *m, scope *outer, const tensor *x, const char *at, double p)
{
	char name[48];
	SCOPE(s, outer, 0);
	g_snprintf(name, sizeof name, "%s.block", at);
	tensor *y = layer_conv(m, s, x, name, "0", (conv_opts){ .groups = (int)t_size(x, 1), .same = true });
	tensor *z = layer_layer_norm(m, s, t_permute(s, y, DIMS(0, 2, 3, 1)), name, "2", EPS);
	scope_drop(s, y);
	y = layer_linear(m, s, z, name, "3");
	scope_drop(s, z);
	z = t_gelu(s, y);
	scope_drop(s, y);
	y = t_permute(s, layer_linear(m, s, z, name, "5"), DIMS(0, 3, 1, 2));
	scope_drop(s, z);
	z = t_stochastic_depth(s, t_mul(s, y, layer_find(m, at, "layer_scale")), p);
	return scope_keep(outer, t_add(s, x, z));
}

/* To half the side and the next width. */
static tensor *halve(struct model *m, scope *outer, const tensor *x, const char *at)
{
	SCOPE(s, outer, 0);
	return scope_keep(outer, layer_conv(m, s, norm(m, s, x, at, "0"), at, "1", (conv_opts){ .stride = 2 }));
}

static tensor *stem(struct model *m, scope *outer, const tensor *x)
{
	SCOPE(s, outer, 0);
	tensor *y = layer_conv(m, s, x, "features.0", "0", (conv_opts){ .stride = 4 });
	return scope_keep(outer, norm(m, s, y, "features.0", "1"));
}

tensor *convnext_forward(struct model *m, scope *s, const tensor *x, tensor **features)
{
	tensor *y = stem(m, s, x), *before;
	int depth = 0;
	for (int k = 0; k < STAGES; k++) {
		char at[32];
		for (int b = 0; b < blocks[k]; b++, depth++) {
			g_snprintf(at, sizeof at, "features.%d.%d", 2 * k + 1, b);
			before = y;
			y = block(m, s, before, at, DEPTH * depth / (BLOCKS - 1));
			scope_drop(s, before);
		}
		if (k + 1 == STAGES)
			break;
		g_snprintf(at, sizeof at, "features.%d", 2 * k + 2);
		before = y;
		y = halve(m, s, before, at);
		scope_drop(s, before);
	}
	*features = layer_layer_norm(m, s, t_mean_hw(s, y), "classifier", "0", EPS);
	return layer_classify(m, s, *features, 0, "classifier", "2");
}
