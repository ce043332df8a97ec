/*
 * squeezenet.c - SqueezeNet 1.1 (Iandola et al. 2016), as torchvision has it: pools that round up. With 1000 outputs its
 * classifier too: dropout, a 1x1 convolution, ReLU, the mean. With any other number, which no one has weights of, that is
 * a linear layer behind a batch norm of the features' means: nothing else in this network keeps them alike in size
 * (tests/bench/LEARN.md has what that gave).
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
enum { LAST = 512, IMAGENET = 1000 };  /* channels after the last of them; its classes */

void squeezenet_build(struct model *m)
{
	layer_make_conv(m, "features", "0", DIMS(64, m->channels, 3, 3), INIT_KAIMING_UNIFORM, TRUE);
	for (gsize i = 0; i < G_N_ELEMENTS(fires); i++) {
		const struct fire *f = &fires[i];
		char at[32];
		g_snprintf(at, sizeof at, "features.%d", f->index);
		layer_make_conv(m, at, "squeeze", DIMS(f->squeeze, f->in, 1, 1), INIT_KAIMING_UNIFORM, TRUE);
		layer_make_conv(m, at, "expand1x1", DIMS(f->expand, f->squeeze, 1, 1), INIT_KAIMING_UNIFORM, TRUE);
		layer_make_conv(m, at, "expand3x3", DIMS(f->expand, f->squeeze, 3, 3), INIT_KAIMING_UNIFORM, TRUE);
	}
	m->width = LAST;
	if (m->outputs == IMAGENET) {
		layer_make_conv(m, "classifier", "1", DIMS(m->outputs, LAST, 1, 1), INIT_NORMAL_001, TRUE);
	} else {
		layer_make_norm(m, "classifier", "norm", LAST);
		layer_make_dense(m, "classifier", "1", m->outputs, LAST, INIT_NORMAL_001);
	}
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
	for (gsize i = 0; i < G_N_ELEMENTS(fires); i++) {
		tensor *before = y;
		y = fire(m, s, before, &fires[i]);
		scope_drop(s, before);
	}
	if (m->outputs != IMAGENET) {
		*features = layer_norm(m, s, t_to(s, t_mean_hw(s, y), T_F32, m->device), "classifier", "norm");
		return layer_linear(m, s, *features, "classifier", "1");
	}
	*features = t_mean_hw(s, y);
	y = layer_conv(m, s, t_dropout(s, y, 0.5), "classifier", "1", (conv_opts){ 0 });
	return t_mean_hw(s, t_relu(s, y));
}
