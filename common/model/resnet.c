/*
 * resnet.c - ResNet-18, -34 and -50 (He et al. 2016), as torchvision has them: in a bottleneck the 3x3
 * convolution strides (not the first 1x1, as in the paper).
 * The classifier's biases start at 0, torchvision's at random within 1/sqrt(in).
 */
#include "common/model/networks.h"

const struct resnet_plan resnet18 = { { 2, 2, 2, 2 }, FALSE };
const struct resnet_plan resnet34 = { { 3, 4, 6, 3 }, FALSE };
const struct resnet_plan resnet50 = { { 3, 4, 6, 3 }, TRUE };

static int stage_stride(int stage, int block)
{
	return stage > 0 && block == 0 ? 2 : 1;
}

static void make_block(struct model *m, const char *at, gboolean bottleneck, int in, int width, int out,
		       int stride)
{
	int size = bottleneck ? 1 : 3;
	layer_make_conv_norm(m, at, "conv1", "bn1", DIMS(width, in, size, size));
	layer_make_conv_norm(m, at, "conv2", "bn2", DIMS(width, width, 3, 3));
	if (bottleneck)
		layer_make_conv_norm(m, at, "conv3", "bn3", DIMS(out, width, 1, 1));
	if (stride != 1 || in != out)
		layer_make_conv_norm(m, at, "downsample.0", "downsample.1", DIMS(out, in, 1, 1));
}

int resnet_make_stages(struct model *m)
{
	const struct resnet_plan *plan = m->network->plan;
	int in = 64;
	layer_make_conv_norm(m, "", "conv1", "bn1", DIMS(in, m->channels, 7, 7));
	for (int stage = 0; stage < 4; stage++) {
		int width = 64 << stage, out = plan->bottleneck ? 4 * width : width;
		for (int block = 0; block < plan->blocks[stage]; block++) {
			char at[32];
			g_snprintf(at, sizeof at, "layer%d.%d", stage + 1, block);
			make_block(m, at, plan->bottleneck, in, width, out, stage_stride(stage, block));
			in = out;
		}
	}
	return in;
}

void resnet_build(struct model *m)
{
	layer_make_classifier(m, "", "fc", resnet_make_stages(m));
}

/* x (N, C, H, W) to (N, out, H/stride, W/stride). */
static tensor *residual(struct model *m, scope *outer, const tensor *x, const char *at, int stride)
{
	const struct resnet_plan *plan = m->network->plan;
	SCOPE(s, outer, 0);
	const tensor *shortcut = x;
	if (layer_exists(m, at, "downsample.0"))
		shortcut = layer_conv_norm(m, s, x, at, "downsample.0", "downsample.1", (conv_opts){ .stride = stride }, NULL);
	if (!plan->bottleneck) {
		tensor *z = layer_conv_norm(m, s, x, at, "conv1", "bn1", (conv_opts){ .stride = stride, .pad = 1 }, t_relu);
		return scope_keep(outer, layer_conv_norm_add(m, s, z, at, "conv2", "bn2", (conv_opts){ .pad = 1 }, shortcut));
	}
	tensor *y = layer_conv_norm(m, s, x, at, "conv1", "bn1", (conv_opts){ 0 }, t_relu);
	tensor *z = layer_conv_norm(m, s, y, at, "conv2", "bn2", (conv_opts){ .stride = stride, .pad = 1 }, t_relu);
	scope_drop(s, y);
	return scope_keep(outer, layer_conv_norm_add(m, s, z, at, "conv3", "bn3", (conv_opts){ 0 }, shortcut));
}

tensor *resnet_stem(struct model *m, scope *outer, const tensor *x)
{
	SCOPE(s, outer, 0);
	tensor *y = layer_conv_norm(m, s, x, "", "conv1", "bn1", (conv_opts){ .stride = 2, .pad = 3 }, t_relu);
	return scope_keep(outer, t_max_pool2d(s, y, (pool_opts){ .size = 3, .stride = 2, .pad = 1 }));
}

tensor *resnet_block(struct model *m, scope *s, const tensor *x, int stage, int block)
{
	char at[32];
	g_snprintf(at, sizeof at, "layer%d.%d", stage + 1, block);
	return residual(m, s, x, at, stage_stride(stage, block));
}

tensor *resnet_forward(struct model *m, scope *s, const tensor *x, tensor **features)
{
	const struct resnet_plan *plan = m->network->plan;
	tensor *y = resnet_stem(m, s, x);
	for (int stage = 0; stage < 4; stage++) {
		for (int block = 0; block < plan->blocks[stage]; block++) {
			tensor *before = y;
			y = resnet_block(m, s, before, stage, block);
			scope_drop(s, before);
		}
	}
	*features = t_mean_hw(s, y);
	return layer_classify(m, s, *features, 0, "", "fc");
}
