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

static void make_conv_norm(struct model *m, const char *at, const char *conv, const char *norm, int out, int in,
			   int size)
{
	layer_make_conv(m, at, conv, DIMS(out, in, size, size), INIT_KAIMING, FALSE);
	layer_make_norm(m, at, norm, out);
}

static void make_block(struct model *m, const char *at, gboolean bottleneck, int in, int width, int out,
		       int stride)
{
	make_conv_norm(m, at, "conv1", "bn1", width, in, bottleneck ? 1 : 3);
	make_conv_norm(m, at, "conv2", "bn2", width, width, 3);
	if (bottleneck)
		make_conv_norm(m, at, "conv3", "bn3", out, width, 1);
	if (stride != 1 || in != out)
		make_conv_norm(m, at, "downsample.0", "downsample.1", out, in, 1);
}

void resnet_build(struct model *m)
{
	const struct resnet_plan *plan = m->network->plan;
	int in = 64;
	make_conv_norm(m, "", "conv1", "bn1", in, m->channels, 7);
	for (int stage = 0; stage < 4; stage++) {
		int width = 64 << stage, out = plan->bottleneck ? 4 * width : width;
		for (int block = 0; block < plan->blocks[stage]; block++) {
			char at[32];
			g_snprintf(at, sizeof at, "layer%d.%d", stage + 1, block);
			make_block(m, at, plan->bottleneck, in, width, out, stage_stride(stage, block));
			in = out;
		}
	}
	layer_make_linear(m, "", "fc", m->outputs, in);
}

/* Convolution and batch norm, and ReLU where relu. */
static tensor *conv_norm(struct model *m, scope *outer, const tensor *x, const char *at, const char *conv,
			 const char *norm, conv_opts o, gboolean relu)
{
	SCOPE(s, outer, 0);
	tensor *y = layer_conv(m, s, x, at, conv, o);
	tensor *z = layer_norm(m, s, y, at, norm);
	scope_drop(s, y);
	return scope_keep(outer, relu ? t_relu(s, z) : z);
}

/* x (N, C, H, W) to (N, out, H/stride, W/stride). */
static tensor *residual(struct model *m, scope *outer, const tensor *x, const char *at, int stride)
{
	const struct resnet_plan *plan = m->network->plan;
	SCOPE(s, outer, 0);
	tensor *y, *z;
	if (plan->bottleneck) {
		y = conv_norm(m, s, x, at, "conv1", "bn1", (conv_opts){ 0 }, TRUE);
		z = conv_norm(m, s, y, at, "conv2", "bn2", (conv_opts){ .stride = stride, .pad = 1 }, TRUE);
		scope_drop(s, y);
		y = conv_norm(m, s, z, at, "conv3", "bn3", (conv_opts){ 0 }, FALSE);
		scope_drop(s, z);
	} else {
		z = conv_norm(m, s, x, at, "conv1", "bn1", (conv_opts){ .stride = stride, .pad = 1 }, TRUE);
		y = conv_norm(m, s, z, at, "conv2", "bn2", (conv_opts){ .pad = 1 }, FALSE);
		scope_drop(s, z);
	}
	if (layer_exists(m, at, "downsample.0"))
		x = conv_norm(m, s, x, at, "downsample.0", "downsample.1", (conv_opts){ .stride = stride }, FALSE);
	z = t_add(s, y, x);
	scope_drop(s, y);
	return scope_keep(outer, t_relu(s, z));
}

tensor *resnet_forward(struct model *m, scope *s, const tensor *x)
{
	const struct resnet_plan *plan = m->network->plan;
	tensor *y = conv_norm(m, s, x, "", "conv1", "bn1", (conv_opts){ .stride = 2, .pad = 3 }, TRUE);
	tensor *z = t_max_pool2d(s, y, (pool_opts){ .size = 3, .stride = 2, .pad = 1 });
	scope_drop(s, y);
	for (int stage = 0; stage < 4; stage++) {
		for (int block = 0; block < plan->blocks[stage]; block++) {
			char at[32];
			g_snprintf(at, sizeof at, "layer%d.%d", stage + 1, block);
			y = z;
			z = residual(m, s, y, at, stage_stride(stage, block));
			scope_drop(s, y);
		}
	}
	return layer_linear(m, s, t_mean_hw(s, z), "", "fc");
}
