/*
 * simple.c - the small network of the team that came third in the challenge: four convolutions of 100, 200,
 * 300 and 300 channels with ELU, here as a classifier of tiles: each 3x3 and followed by a 2x2 max pool, then
 * the mean over the tile and a linear layer. Trained from nothing.
 */
#include "common/model/networks.h"

static const int channels[] = { 100, 200, 300, 300 };

void simple_build(struct model *m)
{
	int in = m->channels;
	for (gsize i = 0; i < G_N_ELEMENTS(channels); i++) {
		char leaf[16];
		g_snprintf(leaf, sizeof leaf, "%d", (int)i);
		layer_make_conv(m, "features", leaf, DIMS(channels[i], in, 3, 3), INIT_KAIMING_UNIFORM, TRUE);
		in = channels[i];
	}
	layer_make_classifier(m, "", "classifier", in);
}

/* x (N, C, H, W) to (N, channels[i], H/2, W/2). The pool comes first: ELU rises, so it changes nothing, and
   has a quarter of the work left. */
static tensor *block(struct model *m, scope *outer, const tensor *x, gsize i)
{
	SCOPE(s, outer, 0);
	char leaf[16];
	g_snprintf(leaf, sizeof leaf, "%d", (int)i);
	tensor *y = layer_conv(m, s, x, "features", leaf, (conv_opts){ .pad = 1 });
	return scope_keep(outer, t_elu(s, t_max_pool2d(s, y, (pool_opts){ .size = 2 })));
}

tensor *simple_forward(struct model *m, scope *s, const tensor *x, tensor **features)
{
	tensor *y = block(m, s, x, 0);
	for (gsize i = 1; i < G_N_ELEMENTS(channels); i++) {
		tensor *before = y;
		y = block(m, s, before, i);
		scope_drop(s, before);
	}
	*features = t_mean_hw(s, y);
	return layer_classify(m, s, *features, 0, "", "classifier");
}
