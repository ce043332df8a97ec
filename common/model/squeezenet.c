/*
 * squeezenet.c - SqueezeNet 1.1 (Iandola et al. 2016), as torchvision has it: pools that round up, dropout
 * before the classifier, a 1x1 convolution. The shallow one ends after four of its eight fire modules (tests/bench/LEARN.md
 * has what they tell); of ResNet-50 others take the lower part too (Lu et al. 2021). Its classifier is a linear layer behind a
 * batch norm of the features, which are not alike in size. The norm's statistics are those of one size of picture. With 1000 outputs a ReLU follows the classifier, as there. With
 * any other number it is left out: it keeps logits from being below 0, and of few outputs one that is below
 * 0 for all samples would never learn again.
 */
#include "common/model/networks.h"

/* features.INDEX: squeeze (squeeze, in, 1, 1), then expand1x1 and expand3x3, `expand` channels each */
static const struct fire {
	int index, in, squeeze, expand;
	gboolean pool;          /* a max pool comes before it */
} fires[] = {
	{ 3, 64, 16, 64, TRUE },    { 4, 128, 16, 64, FALSE },   { 6, 128, 32, 128, TRUE },
	{ 7, 256, 32, 128, FALSE }, { 9, 256, 48, 192, TRUE },   { 10, 384, 48, 192, FALSE },
	{ 11, 384, 64, 256, FALSE }, { 12, 512, 64, 256, FALSE },
};

const int squeezenet_whole = G_N_ELEMENTS(fires), squeezenet_shallow = 4;       /* fire modules */

static int modules(const struct model *m) { return *(const int *)m->network->plan; }
static gboolean is_shallow(const struct model *m) { return m->network->plan == &squeezenet_shallow; }

void squeezenet_build(struct model *m)
{
	layer_make_conv(m, "features", "0", DIMS(64, m->channels, 3, 3), INIT_KAIMING_UNIFORM, TRUE);
	for (int i = 0; i < modules(m); i++) {
		const struct fire *f = &fires[i];
		char at[32];
		m->width = 2 * f->expand;
		g_snprintf(at, sizeof at, "features.%d", f->index);
		layer_make_conv(m, at, "squeeze", DIMS(f->squeeze, f->in, 1, 1), INIT_KAIMING_UNIFORM, TRUE);
		layer_make_conv(m, at, "expand1x1", DIMS(f->expand, f->squeeze, 1, 1), INIT_KAIMING_UNIFORM, TRUE);
		layer_make_conv(m, at, "expand3x3", DIMS(f->expand, f->squeeze, 3, 3), INIT_KAIMING_UNIFORM, TRUE);
	}
	if (is_shallow(m)) {
		layer_make_norm(m, "classifier", "norm", m->width);
		layer_make_dense(m, "classifier", "1", m->outputs, m->width, INIT_NORMAL_001);
		return;
	}
	layer_make_conv(m, "classifier", "1", DIMS(m->outputs, m->width, 1, 1), INIT_NORMAL_001, TRUE);
}

/* x (N, in, H, W) to (N, 2 expand, H, W); behind a pool, H and W are halved. */
static tensor *fire(struct model *m, scope *outer, const tensor *x, const struct fire *f)
{
	SCOPE(s, outer, 0);
	char at[32];
	g_snprintf(at, sizeof at, "features.%d", f->index);
	if (f->pool)
		x = t_max_pool2d(s, x, (pool_opts){ .size = 3, .stride = 2, .ceil = true });
	tensor *squeezed = layer_conv_act(m, s, x, at, "squeeze", (conv_opts){ 0 }, t_relu);
	tensor *wide = layer_conv_act(m, s, squeezed, at, "expand3x3", (conv_opts){ .pad = 1 }, t_relu);
	tensor *narrow = layer_conv_act(m, s, squeezed, at, "expand1x1", (conv_opts){ 0 }, t_relu);
	return scope_keep(outer, t_cat(s, 1, LIST(narrow, wide)));
}

tensor *squeezenet_forward(struct model *m, scope *s, const tensor *x, tensor **features)
{
	tensor *y = layer_conv_act(m, s, x, "features", "0", (conv_opts){ .stride = 2 }, t_relu);
	for (int i = 0; i < modules(m); i++) {
		tensor *before = y;
		y = fire(m, s, before, &fires[i]);
		scope_drop(s, before);
	}
	*features = t_mean_hw(s, y);
	if (is_shallow(m)) {
		*features = layer_norm(m, s, t_to(s, *features, T_F32, m->device), "classifier", "norm");
		return layer_classify(m, s, *features, 0, "classifier", "1");
	}
	y = layer_conv(m, s, t_dropout(s, y, 0.5), "classifier", "1", (conv_opts){ 0 });
	if (m->outputs == 1000)
		y = t_relu(s, y);
	return t_mean_hw(s, y);
}
