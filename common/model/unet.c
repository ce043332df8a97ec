/*
 * unet.c - a U-Net (Ronneberger et al. 2015) over ResNet-18, whose parameters keep torchvision's names, so that its
 * weights load. It says two things of a picture: its class, as a ResNet does, by a linear layer on the mean of what
 * is deepest; and for each of 16 x 16 cells a logit.
 *
 * The decoder begins at 1/32 of the side and ends at 1/4: up by bilinear interpolation to the size of the encoder's
 * stage there, joined with it, two 3x3 convolutions with batch norm. A 1x1 convolution gives the map at 1/4; a cell is
 * the mean of what lies in it. All that a ResNet has not is named decoder.*.
 */
#include "common/model/networks.h"

/* decoder.upN: from (deep + skip) channels to out */
static const struct up { const char *name; int deep, skip, out; } ups[] = {
	{ "decoder.up3", 512, 256, 256 }, { "decoder.up2", 256, 128, 128 }, { "decoder.up1", 128, 64, 64 },
};

void unet_build(struct model *m)
{
	int deepest = resnet_make_stages(m);
	for (gsize i = 0; i < G_N_ELEMENTS(ups); i++) {
		layer_make_conv_norm(m, ups[i].name, "conv1", "bn1", DIMS(ups[i].out, ups[i].deep + ups[i].skip, 3, 3));
		layer_make_conv_norm(m, ups[i].name, "conv2", "bn2", DIMS(ups[i].out, ups[i].out, 3, 3));
	}
	layer_make_conv(m, "decoder", "map", DIMS(1, ups[G_N_ELEMENTS(ups) - 1].out, 1, 1), INIT_KAIMING_UNIFORM, TRUE);
	layer_make_classifier(m, "decoder", "fc", deepest);
}

static tensor *stage(struct model *m, scope *outer, const tensor *x, int i)
{
	SCOPE(s, outer, 0);
	const struct resnet_plan *plan = m->network->plan;
	tensor *y = resnet_block(m, s, x, i, 0);
	for (int b = 1; b < plan->blocks[i]; b++) {
		tensor *before = y;
		y = resnet_block(m, s, before, i, b);
		scope_drop(s, before);
	}
	return scope_keep(outer, y);
}

static tensor *up(struct model *m, scope *outer, const tensor *deep, tensor *skip, const struct up *u)
{
	SCOPE(s, outer, 0);
	tensor *y = t_cat(s, 1, LIST(t_upsample2d(s, deep, t_size(skip, 2), t_size(skip, 3)), skip));
	tensor *z = layer_conv_norm(m, s, y, u->name, "conv1", "bn1", (conv_opts){ .pad = 1 }, t_relu);
	scope_drop(s, y);
	return scope_keep(outer, layer_conv_norm(m, s, z, u->name, "conv2", "bn2", (conv_opts){ .pad = 1 }, t_relu));
}

tensor *unet_forward(struct model *m, scope *s, const tensor *x, tensor **features)
{
	int cells = m->network->map;
	tensor *stages[4], *y = resnet_stem(m, s, x);
	for (int i = 0; i < 4; i++) {
		stages[i] = stage(m, s, y, i);
		if (i == 0)
			scope_drop(s, y);
		y = stages[i];
	}
	*features = t_mean_hw(s, y);
	tensor *class = layer_classify(m, s, *features, 0, "decoder", "fc");
	for (gsize i = 0; i < G_N_ELEMENTS(ups); i++) {
		tensor *before = y, *skip = stages[2 - i];
		y = up(m, s, before, skip, &ups[i]);
		scope_drop(s, before);
		scope_drop(s, skip);
	}
	y = t_adaptive_pool2d(s, layer_conv(m, s, y, "decoder", "map", (conv_opts){ 0 }), cells, cells);
	return t_cat(s, 1, LIST(class, t_reshape(s, y, DIMS(t_size(x, 0), cells * cells))));
}
