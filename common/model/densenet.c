/*
 * densenet.c - DenseNet-121 (Huang et al. 2017), as torchvision has it: each layer sees what all before it in its
 * block gave, 32 channels each, through a bottleneck of 128; between blocks channels and sides are halved.
 */
#include "common/model/networks.h"

enum { BLOCKS = 4, GROWTH = 32, BOTTLENECK = 4 * GROWTH, FIRST = 64 };
static const int layers[BLOCKS] = { 6, 12, 24, 16 };

void densenet_build(struct model *m)
{
	int in = FIRST;
	char at[64];
	layer_make_conv_norm(m, "features", "conv0", "norm0", DIMS(in, m->channels, 7, 7));
	for (int b = 0; b < BLOCKS; b++) {
		for (int i = 0; i < layers[b]; i++, in += GROWTH) {
			g_snprintf(at, sizeof at, "features.denseblock%d.denselayer%d", b + 1, i + 1);
			layer_make_norm(m, at, "norm1", in);
			layer_make_conv_norm(m, at, "conv1", "norm2", DIMS(BOTTLENECK, in, 1, 1));
			layer_make_conv(m, at, "conv2", DIMS(GROWTH, BOTTLENECK, 3, 3), INIT_KAIMING, FALSE);
		}
		if (b + 1 == BLOCKS)
			break;
		g_snprintf(at, sizeof at, "features.transition%d", b + 1);
		layer_make_norm(m, at, "norm", in);
		layer_make_conv(m, at, "conv", DIMS(in / 2, in, 1, 1), INIT_KAIMING, FALSE);
		in /= 2;
	}
	layer_make_norm(m, "features", "norm5", in);
	layer_make_classifier(m, "", "classifier", in);
}

static tensor *norm_relu(struct model *m, scope *outer, const tensor *x, const char *at, const char *norm)
{
	SCOPE(s, outer, 0);
	return scope_keep(outer, t_relu(s, layer_norm(m, s, x, at, norm)));
}

/* x (N, in, H, W) to (N, in + GROWTH, H, W): behind what it was given, what it found. */
static tensor *dense(struct model *m, scope *outer, const tensor *x, const char *at)
{
	SCOPE(s, outer, 0);
	tensor *y = norm_relu(m, s, x, at, "norm1");
	tensor *z = layer_conv_norm(m, s, y, at, "conv1", "norm2", (conv_opts){ 0 }, t_relu);
	scope_drop(s, y);
	return scope_keep(outer, t_cat(s, 1, LIST((tensor *)x, layer_conv(m, s, z, at, "conv2", (conv_opts){ .pad = 1 }))));
}

static tensor *transition(struct model *m, scope *outer, const tensor *x, int b)
{
	char at[32];
	SCOPE(s, outer, 0);
	g_snprintf(at, sizeof at, "features.transition%d", b + 1);
	tensor *y = layer_conv(m, s, norm_relu(m, s, x, at, "norm"), at, "conv", (conv_opts){ 0 });
	return scope_keep(outer, t_avg_pool2d(s, y, (pool_opts){ .size = 2 }));
}

tensor *densenet_forward(struct model *m, scope *s, const tensor *x, tensor **features)
{
	tensor *before = layer_conv_norm(m, s, x, "features", "conv0", "norm0", (conv_opts){ .stride = 2, .pad = 3 }, t_relu);
	tensor *y = t_max_pool2d(s, before, (pool_opts){ .size = 3, .stride = 2, .pad = 1 });
	scope_drop(s, before);
	for (int b = 0; b < BLOCKS; b++) {
		for (int i = 0; i < layers[b]; i++) {
			char at[64];
			g_snprintf(at, sizeof at, "features.denseblock%d.denselayer%d", b + 1, i + 1);
			before = y;
			y = dense(m, s, before, at);
			scope_drop(s, before);
		}
		before = y;
		y = b + 1 < BLOCKS ? transition(m, s, before, b) : norm_relu(m, s, before, "features", "norm5");
		scope_drop(s, before);
	}
	*features = t_mean_hw(s, y);
	return layer_classify(m, s, *features, 0, "", "classifier");
}
