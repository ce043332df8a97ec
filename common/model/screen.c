/*
 * screen.c - see model.h: a network's screen. Five 3x3 convolutions with batch norm and ReLU, the mean over the picture and a
 * linear layer; some 9 million products for a picture of SCREEN_SIDE px, where ResNet-18 has 330 million for 96 px.
 */
#include "common/fault/fault.h"
#include "common/model/networks.h"
#include "common/tensor/settled.h"

static const struct { int channels, stride; } layers[] = { { 24, 2 }, { 48, 2 }, { 48, 1 }, { 96, 2 }, { 96, 1 } };

struct at { char text[24]; };

static struct at at_of(gsize i)
{
	struct at at;

	g_snprintf(at.text, sizeof at.text, SCREEN ".%d", (int)i);
	return at;
}

gboolean model_add_screen(struct model *m, GError **error)
{
	int in = m->channels;

	for (gsize i = 0; i < G_N_ELEMENTS(layers); i++) {
		layer_make_conv_norm(m, at_of(i).text, "conv", "norm", DIMS(layers[i].channels, in, 3, 3));
		in = layers[i].channels;
	}
	layer_make_dense(m, SCREEN, "classifier", m->outputs, in, INIT_LINEAR);
	return scope_settled(m->params, SCREEN, FAULT_FAILED, error);
}

gboolean model_in_screen(const char *name) { return g_str_has_prefix(name, SCREEN "."); }

static tensor *layer(struct model *m, scope *s, const tensor *x, gsize i)
{
	return layer_conv_norm(m, s, x, at_of(i).text, "conv", "norm", (conv_opts){ .stride = layers[i].stride, .pad = 1 }, t_relu);
}

tensor *model_screen(struct model *m, scope *outer, const tensor *x)
{
	SCOPE(s, outer, 0);
	tensor *y = layer(m, s, x, 0);

	for (gsize i = 1; i < G_N_ELEMENTS(layers); i++) {
		tensor *before = y;
		y = layer(m, s, before, i);
		scope_drop(s, before);
	}
	return layer_f32(m, outer, s, layer_linear(m, s, t_mean_hw(s, y), SCREEN, "classifier"));
}
