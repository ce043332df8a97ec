/*
 * efficientnet.c - EfficientNet-B0 (Tan & Le 2019), as torchvision has it: inverted bottlenecks with a squeeze and
 * excitation (Hu et al. 2018) of a quarter of the channels that came in; in training a residual is left out by a
 * chance that rises from 0 to 0.2 with its depth (Huang et al. 2016); dropout of 0.2 before the classifier.
 */
#include "common/model/networks.h"

static const struct stage { int expand, size, stride, in, out, blocks; } stages[] = {
	{ 1, 3, 1, 32, 16, 1 },  { 6, 3, 2, 16, 24, 2 },   { 6, 5, 2, 24, 40, 2 },  { 6, 3, 2, 40, 80, 3 },
	{ 6, 5, 1, 80, 112, 3 }, { 6, 5, 2, 112, 192, 4 }, { 6, 3, 1, 192, 320, 1 },
};
enum { FIRST = 32, LAST = 1280, BLOCKS = 16 };
static const double DEPTH = 0.2, DROPOUT = 0.2;

/* at.block.LAYER, of one of a stage's blocks. */
struct place { char text[40]; };

static struct place place(const char *at, int layer)
{
	struct place p;
	g_snprintf(p.text, sizeof p.text, "%s.block.%d", at, layer);
	return p;
}

static void make_block(struct model *m, const char *at, const struct stage *k, int in)
{
	int wide = k->expand * in, squeeze = MAX(in / 4, 1), layer = 0;
	if (k->expand > 1)
		layer_make_conv_norm(m, place(at, layer++).text, "0", "1", DIMS(wide, in, 1, 1));
	layer_make_conv_norm(m, place(at, layer++).text, "0", "1", DIMS(wide, 1, k->size, k->size));
	layer_make_conv(m, place(at, layer).text, "fc1", DIMS(squeeze, wide, 1, 1), INIT_KAIMING, TRUE);
	layer_make_conv(m, place(at, layer++).text, "fc2", DIMS(wide, squeeze, 1, 1), INIT_KAIMING, TRUE);
	layer_make_conv_norm(m, place(at, layer).text, "0", "1", DIMS(k->out, wide, 1, 1));
}

void efficientnet_build(struct model *m)
{
	layer_make_conv_norm(m, "features.0", "0", "1", DIMS(FIRST, m->channels, 3, 3));
	for (gsize i = 0; i < G_N_ELEMENTS(stages); i++)
		for (int b = 0; b < stages[i].blocks; b++) {
			char at[24];
			g_snprintf(at, sizeof at, "features.%d.%d", (int)i + 1, b);
			make_block(m, at, &stages[i], b == 0 ? stages[i].in : stages[i].out);
		}
	layer_make_conv_norm(m, "features.8", "0", "1", DIMS(LAST, stages[G_N_ELEMENTS(stages) - 1].out, 1, 1));
	layer_make_classifier(m, "classifier", "1", LAST);
}

/* x (N, C, H, W), each channel scaled by what all of the picture says of it. */
static tensor *excite(struct model *m, scope *outer, const tensor *x, const char *at)
{
	SCOPE(s, outer, 0);
	tensor *mean = t_reshape(s, t_mean_hw(s, x), DIMS(t_size(x, 0), t_size(x, 1), 1, 1));
	tensor *y = t_silu(s, layer_conv(m, s, mean, at, "fc1", (conv_opts){ 0 }));
	return scope_keep(outer, t_mul(s, x, t_sigmoid(s, layer_conv(m, s, y, at, "fc2", (conv_opts){ 0 }))));
}

/* x (N, in, H, W) to (N, out, H/stride, W/stride); left out, as far as it is a residual, by chance p. */
static tensor *block(struct model *m, scope *outer, const tensor *x, const char *at, const struct stage *k, int stride, double p)
{
	SCOPE(s, outer, 0);
	int layer = 0, wide = k->expand * (int)t_size(x, 1);
	tensor *y = NULL, *z;
	if (k->expand > 1)
		y = layer_conv_norm(m, s, x, place(at, layer++).text, "0", "1", (conv_opts){ 0 }, t_silu);
	z = layer_conv_norm(m, s, y != NULL ? y : x, place(at, layer++).text, "0", "1",
			    (conv_opts){ .stride = stride, .groups = wide, .same = true }, t_silu);
	if (y != NULL)
		scope_drop(s, y);
	y = excite(m, s, z, place(at, layer++).text);
	scope_drop(s, z);
	z = layer_conv_norm(m, s, y, place(at, layer).text, "0", "1", (conv_opts){ 0 }, NULL);
	scope_drop(s, y);
	if (stride == 1 && t_size(x, 1) == k->out)
		z = t_add(s, x, t_stochastic_depth(s, z, p));
	return scope_keep(outer, z);
}

tensor *efficientnet_forward(struct model *m, scope *s, const tensor *x, tensor **features)
{
	tensor *y = layer_conv_norm(m, s, x, "features.0", "0", "1", (conv_opts){ .stride = 2, .pad = 1 }, t_silu), *before;
	int depth = 0;
	for (gsize i = 0; i < G_N_ELEMENTS(stages); i++)
		for (int b = 0; b < stages[i].blocks; b++, depth++) {
			char at[24];
			g_snprintf(at, sizeof at, "features.%d.%d", (int)i + 1, b);
			before = y;
			y = block(m, s, before, at, &stages[i], b == 0 ? stages[i].stride : 1, DEPTH * depth / BLOCKS);
			scope_drop(s, before);
		}
	before = y;
	y = layer_conv_norm(m, s, before, "features.8", "0", "1", (conv_opts){ 0 }, t_silu);
	scope_drop(s, before);
	*features = t_mean_hw(s, y);
	return layer_classify(m, s, *features, DROPOUT, "classifier", "1");
}
