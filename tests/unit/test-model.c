/*
 * test-model.c - every network: names, sizes, shapes, gradients, its modes, and its outputs against
 * torchvision's on the same weights; weights from files, those that fit and those that do not.
 */
#include "common/checkpoint/safetensors.h"
#include "common/fault/fault.h"
#include "common/model/input.h"
#include "common/model/model.h"
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <math.h>

static const struct {
	const char *network;
	guint trained, buffers; /* tensors */
	gint64 numbers;         /* trained, at 1000 outputs; of torchvision, but for simple */
	const char *first, *last;
} expected[] = {
	/* 3*9*100+100 + 100*9*200+200 + 200*9*300+300 + 300*9*300+300 + 300*1000+1000 */
	{ "simple", 10, 0, 1834600, "features.0.weight", "classifier.bias" },
	{ "squeezenet1_1", 52, 0, 1235496, "features.0.weight", "classifier.1.bias" },
	{ "resnet18", 62, 40, 11689512, "conv1.weight", "fc.bias" },
	{ "resnet34", 110, 72, 21797672, "conv1.weight", "fc.bias" },
	{ "resnet50", 161, 106, 25557032, "conv1.weight", "fc.bias" },
	{ "densenet121", 364, 242, 7978856, "features.conv0.weight", "classifier.bias" },
	{ "inception_v3", 284, 188, 23834568, "Conv2d_1a_3x3.conv.weight", "fc.bias" },
	{ "efficientnet_b0", 213, 98, 5288548, "features.0.0.weight", "classifier.1.bias" },
	{ "convnext_tiny", 182, 0, 28589128, "features.0.0.weight", "classifier.2.bias" },
	{ "vit_small", 152, 0, 22050664, "class_token", "heads.head.bias" },
	/* ResNet-18, and 9*(768*256+256*256 + 384*128+128*128 + 192*64+64*64), 4*(256+128+64), 64+1 */
	{ "unet", 82, 52, 11689512 + 9 * 344064 + 4 * 448 + 65, "conv1.weight", "decoder.fc.bias" },
};

static int device = T_CPU;      /* of the models below */

static struct model *new_model(const char *network, int outputs)
{
	GError *error = NULL;
	tensor_seed(7);
	struct model *m = model_new(network, 3, 1, outputs, device, &error);
	g_assert_no_error(error);
	return m;
}

static void assert_scope(const scope *s)
{
	const char *message;
	scope_error(s, &message);
	g_assert_cmpstr(message, ==, "");
}

/* n numbers in -1..1, the same for the same seed. */
static float *noise(gsize n, guint32 seed)
{
	g_autoptr(GRand) source = g_rand_new_with_seed(seed);
	float *x = g_new(float, n);
	for (gsize i = 0; i < n; i++)
		x[i] = (float)g_rand_double_range(source, -1, 1);
	return x;
}

static gsize numbers_of(dims shape)
{
	gsize n = 1;
	for (int d = 0; d < shape.n; d++)
		n *= (gsize)shape.d[d];
	return n;
}

/* What starts at 0 or 1 gets values, as training gives it, so that nothing is hidden. */
static void roughen(struct model *m)
{
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	for (gsize i = 0; i < scope_count(m->params); i++) {
		const char *name;
		bool trained;
		tensor *t = scope_at(m->params, i, &name, &trained);
		gboolean scale = g_str_has_suffix(name, ".layer_scale"), flat = t_dims(t).n == 1;
		gboolean positive = g_str_has_suffix(name, "running_var") || g_str_has_suffix(name, ".weight") || scale;
		if (!flat && !scale && !g_str_equal(name, "class_token"))
			continue;
		gsize n = numbers_of(t_dims(t));
		g_autofree float *x = noise(n, (guint32)i);
		for (gsize k = 0; k < n; k++)
			x[k] = positive ? 1 + 0.4f * x[k] : 0.1f * x[k];
		t_write_(s, t, x, n * sizeof *x);
	}
	assert_scope(s);
}

static int numbers(const struct model *m) { return m->outputs + m->network->map * m->network->map; }

/* Where all networks can be. */
static int side_of(const struct network *net) { return MAX(64, net->least); }

static float *outputs_of(struct model *m, unsigned flags, int n, int side)
{
	gsize size = (gsize)n * (gsize)m->channels * (gsize)side * (gsize)side;
	g_autofree float *in = noise(size, 99);
	float *out = g_new(float, n * numbers(m));
	SCOPE(s, NULL, flags);
	tensor *features;
	tensor *y = model_forward(m, s, t_from(s, in, DIMS(n, m->channels, side, side), T_F32, device), &features);
	assert_scope(s);
	g_assert_cmpint(t_type(y), ==, T_F32);
	g_assert_cmpint(t_dims(y).n, ==, 2);
	g_assert_cmpint(t_size(y, 0), ==, n);
	g_assert_cmpint(t_size(y, 1), ==, numbers(m));
	g_assert_true(t_read(s, y, out, sizeof(float) * (gsize)(n * numbers(m))));
	g_assert_cmpint(t_type(features), ==, T_F32);
	g_assert_cmpint(t_dims(features).n, ==, 2);
	g_assert_cmpint(t_size(features, 0), ==, n);
	g_assert_cmpint(t_size(features, 1), ==, m->width);
	return out;
}

/* The greatest difference, as a share of the greatest number of b. */
static double difference(const float *a, const float *b, int n)
{
	double most = 0, scale = 0;
	for (int i = 0; i < n; i++) {
		g_assert_true(isfinite(a[i]) && isfinite(b[i]));
		most = MAX(most, fabs((double)a[i] - (double)b[i]));
		scale = MAX(scale, fabs((double)b[i]));
	}
	g_assert_cmpfloat(scale, >, 0);
	return most / scale;
}

/* Of two pictures a sample: the answer to the first, and the second's features times wider.weight; features side by side. */
static void test_pictures(void)
{
	static const char *const names[] = { "simple", "squeezenet1_1", "resnet18", "vit_small" };
	enum { N = 3, SIDE = 64, OUTPUTS = 2 };
	const gsize one = (gsize)3 * SIDE * SIDE;
	for (guint k = 0; k < G_N_ELEMENTS(names); k++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(model_t) single = new_model(names[k], OUTPUTS);
		tensor_seed(8);
		g_autoptr(model_t) both = model_new(names[k], 3, 2, OUTPUTS, T_CPU, &error);
		g_assert_no_error(error);
		g_assert_cmpint(both->width, ==, 2 * single->width);
		g_assert_true(model_in_head(both, "wider.weight"));
		SCOPE(s, NULL, SCOPE_NO_GRAD);
		for (gsize i = 0; i < scope_count(single->params); i++) {
			const char *name;
			tensor *from = scope_at(single->params, i, &name, NULL);
			t_copy_(s, scope_find(both->params, name), from);
		}
		g_autofree float *in = noise(2 * N * one, 5), *w = g_new(float, OUTPUTS * single->width);
		float y[N * OUTPUTS], first[2 * N * OUTPUTS];
		g_autofree float *features = g_new(float, 2 * N * single->width), *apart = g_new(float, 2 * N * single->width);
		tensor *x = t_from(s, in, DIMS(2 * N, 3, SIDE, SIDE), T_F32, T_CPU), *got, *alone;
		g_assert_true(t_read(s, model_forward(both, s, x, &got), y, sizeof y));
		g_assert_true(t_read(s, model_forward(single, s, x, &alone), first, sizeof first));
		g_assert_cmpint(t_size(got, 0), ==, N);
		g_assert_cmpint(t_size(got, 1), ==, both->width);
		const gsize all = sizeof(float) * (gsize)(2 * N * single->width);
		g_assert_true(t_read(s, got, features, all) && t_read(s, alone, apart, all));
		g_assert_cmpint(memcmp(features, apart, all), ==, 0);
		g_assert_true(t_read(s, scope_find(both->params, "wider.weight"), w, sizeof *w * (gsize)(OUTPUTS * single->width)));
		assert_scope(s);
		for (int n = 0; n < N; n++)
			for (int o = 0; o < OUTPUTS; o++) {
				double sum = (double)first[2 * n * OUTPUTS + o];
				for (int i = 0; i < single->width; i++)
					sum += (double)w[o * single->width + i] * (double)apart[(2 * n + 1) * single->width + i];
				g_assert_cmpfloat_with_epsilon((double)y[n * OUTPUTS + o], sum, 1e-4);
			}
	}
	g_autoptr(GError) error = NULL;
	g_assert_null(model_new("unet", 3, 2, 2, T_CPU, &error));
	g_assert_cmpstr(error->message, ==, "network 'unet' draws a map of one picture: set tiles.context to 1");
}

/* Twice as large, bilinear: between the middles of pixels a quarter from the one, three from the other. */
static void test_enlarged(void)
{
	static const guint8 bytes[2][2][3] = { { { 0, 0, 0 }, { 100, 40, 255 } }, { { 200, 0, 0 }, { 20, 40, 255 } } };
	static const double along[4] = { 0, 0.25, 0.75, 1 };
	const struct sample_shape shape = { .channels = 3, .height = 2, .width = 2, .targets = 1, .input = 4 };
	g_autoptr(model_t) m = new_model("simple", 2);
	float got[3][4][4];

	SCOPE(s, NULL, 0);
	tensor *x = input_normalise(s, m, input_values(s, &bytes[0][0][0], 1, &shape, T_CPU), &shape, T_CPU);
	g_assert_cmpint(t_size(x, 2), ==, 4);
	g_assert_true(t_read(s, x, got, sizeof got));
	assert_scope(s);
	for (int k = 0; k < 3; k++)
		for (int v = 0; v < 4; v++)
			for (int u = 0; u < 4; u++) {
				const double above = bytes[0][0][k] * (1 - along[u]) + bytes[0][1][k] * along[u];
				const double below = bytes[1][0][k] * (1 - along[u]) + bytes[1][1][k] * along[u];
				const double value = above * (1 - along[v]) + below * along[v];
				g_assert_cmpfloat_with_epsilon((double)got[k][v][u], (value / 255 - m->mean[k]) / m->std[k], 1e-5);
			}
}

/* A screen sees the first picture alone, and of 96 px the mean of each four; what is small it sees as it is. */
static void test_screen_input(void)
{
	enum { MOST = 2 * SCREEN_SIDE };
	g_autoptr(model_t) m = new_model("simple", 2);
	g_autofree guint8 *bytes = g_new(guint8, 2 * 2 * MOST * MOST * 3);
	g_autofree float *got = g_new(float, 2 * SCREEN_SIDE * SCREEN_SIDE * 3);

	for (int i = 0; i < 2 * 2 * MOST * MOST * 3; i++)
		bytes[i] = (guint8)(i * 77 % 251);
	SCOPE(s, NULL, 0);
	for (int more = 0; more < 2; more++)
		for (int large = 0; large < 2; large++) {
			const int side = large ? MOST : 7, of = large ? 2 : 1, seen = side / of;
			const struct sample_shape shape = { .channels = 3, .height = side, .width = side, .targets = 1, .more = more,
							    .input = 2 * side };
			tensor *x = input_screen(s, m, input_values(s, bytes, 2, &shape, T_CPU), &shape, T_CPU);
			g_assert_cmpint(t_size(x, 0), ==, 2);
			g_assert_cmpint(t_size(x, 2), ==, seen);
			g_assert_cmpint(t_size(x, 3), ==, seen);
			g_assert_true(t_read(s, x, got, (gsize)(2 * 3 * seen * seen) * sizeof *got));
			for (int i = 0; i < 2 * 3 * seen * seen; i++) {
				const int n = i / (3 * seen * seen), k = i / (seen * seen) % 3, v = i / seen % seen, u = i % seen;
				const guint8 *picture = bytes + n * (1 + more) * side * side * 3;
				double sum = 0;
				for (int j = 0; j < of * of; j++)
					sum += picture[((of * v + j / of) * side + of * u + j % of) * 3 + k];
				g_assert_cmpfloat_with_epsilon((double)got[i], (sum / (of * of) / 255 - m->mean[k]) / m->std[k], 1e-5);
			}
		}
	assert_scope(s);
}

/* One parameter or buffer, all of it. */
static float *values_of(struct model *m, const char *name)
{
	tensor *t = scope_find(m->params, name);
	const gsize size = numbers_of(t_dims(t)) * sizeof(float);
	float *out = g_malloc(size);

	SCOPE(s, NULL, SCOPE_NO_GRAD);
	g_assert_true(t_read(s, t, out, size));
	return out;
}

/* x (in, side, side) to (out, half, half): sums by hand of 3x3 pixels, the batch norm as it answers, and no less than 0. */
static double *layer_by_hand(struct model *m, int i, const double *x, int in, int side, int out, int stride)
{
	static const char *const leaves[] = { "conv.weight", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var" };
	const int to = (side + stride - 1) / stride;
	double *y = g_new(double, out * to * to);
	float *p[G_N_ELEMENTS(leaves)];

	for (gsize k = 0; k < G_N_ELEMENTS(leaves); k++) {
		g_autofree char *name = g_strdup_printf("coarse-screen.%d.%s", i, leaves[k]);
		p[k] = values_of(m, name);
	}
	for (int at = 0; at < out * to * to; at++) {
		const int o = at / (to * to), v = at / to % to * stride - 1, u = at % to * stride - 1;
		double sum = 0;
		for (int w = 0; w < in * 9; w++) {
			const int row = v + w % 9 / 3, column = u + w % 3;
			if (row >= 0 && row < side && column >= 0 && column < side)
				sum += (double)p[0][o * in * 9 + w] * x[(w / 9 * side + row) * side + column];
		}
		y[at] = MAX(0, (sum - (double)p[3][o]) / sqrt((double)p[4][o] + 1e-5) * (double)p[1][o] + (double)p[2][o]);
	}
	for (gsize k = 0; k < G_N_ELEMENTS(leaves); k++)
		g_free(p[k]);
	return y;
}

/* What the layers give one by one; the network's own answers stay as they are. */
static void test_screen(void)
{
	enum { SIDE = 20, OUTPUTS = 3 };
	static const int channels[] = { 3, 24, 48, 48, 96, 96 }, strides[] = { 2, 2, 1, 2, 1 };
	g_autoptr(model_t) m = new_model("simple", OUTPUTS);
	g_autofree float *in = noise(3 * SIDE * SIDE, 5);
	g_autoptr(GError) error = NULL;
	const gsize before = scope_count(m->params);
	const gint64 parameters = model_parameters(m);
	const char *name;
	bool trained;
	int side = SIDE;

	g_autofree float *alone = outputs_of(m, 0, 2, 32);
	g_assert_true(model_add_screen(m, &error));
	g_autofree float *beside = outputs_of(m, 0, 2, 32);
	g_assert_true(memcmp(alone, beside, 2 * OUTPUTS * sizeof *alone) == 0);
	roughen(m);
	/* 9 * (3*24 + 24*48 + 48*48 + 48*96 + 96*96), 2 * (24+48+48+96+96), 96*3+3 */
	g_assert_cmpint(model_parameters(m) - parameters, ==, 156168 + 624 + 291);
	for (gsize i = before; i < scope_count(m->params); i++) {
		scope_at(m->params, i, &name, &trained);
		g_assert_true(model_in_screen(name) && model_in_head(m, name));
	}
	g_assert_false(model_in_screen("screen.weight"));

	double *x = g_new(double, 3 * SIDE * SIDE);
	for (int i = 0; i < 3 * SIDE * SIDE; i++)
		x[i] = (double)in[i];
	for (int i = 0; i < 5; i++) {
		double *y = layer_by_hand(m, i, x, channels[i], side, channels[i + 1], strides[i]);
		side = (side + strides[i] - 1) / strides[i];
		g_free(x);
		x = y;
	}
	g_autofree float *weight = values_of(m, "coarse-screen.classifier.weight"), *bias = values_of(m, "coarse-screen.classifier.bias");
	for (int answers = 0; answers < 2; answers++) {
		float got[OUTPUTS];
		if (answers)
			model_answer_on(m, 0);
		SCOPE(s, NULL, SCOPE_NO_GRAD);
		tensor *y = model_screen(m, s, t_from(s, in, DIMS(1, 3, SIDE, SIDE), T_F32, T_CPU));
		g_assert_cmpint(t_type(y), ==, T_F32);
		g_assert_true(t_read(s, y, got, sizeof got));
		for (int o = 0; o < OUTPUTS; o++) {
			double want = (double)bias[o];
			for (int i = 0; i < 96 * side * side; i++)
				want += (double)weight[o * 96 + i / (side * side)] * x[i] / (side * side);
			g_assert_cmpfloat_with_epsilon((double)got[o], want, 1e-4);
		}
	}
	g_free(x);
	model_answer_off(m);
}

static void test_parameters(void)
{
	guint rows = 0;
	for (; networks[rows].name != NULL; rows++) {
		g_assert_cmpuint(rows, <, G_N_ELEMENTS(expected));
		g_assert_cmpstr(networks[rows].name, ==, expected[rows].network);
		g_autoptr(model_t) m = new_model(expected[rows].network, 1000);
		gsize n = scope_count(m->params);
		const char *first, *last, *name;
		guint all = 0;
		bool trained;
		g_assert_cmpint(model_parameters(m), ==, expected[rows].numbers);
		g_assert_cmpuint(n, ==, expected[rows].trained + expected[rows].buffers);
		for (gsize i = 0; i < n; i++) {
			scope_at(m->params, i, &name, &trained);
			g_assert_true(trained == !g_strrstr(name, ".running_"));
			all += trained;
		}
		g_assert_cmpuint(all, ==, expected[rows].trained);
		scope_at(m->params, 0, &first, &trained);
		scope_at(m->params, n - 1, &last, &trained);
		g_assert_cmpstr(first, ==, expected[rows].first);
		g_assert_cmpstr(last, ==, expected[rows].last);
		g_assert_true(g_str_has_prefix(last, networks[rows].head));
	}
	g_assert_cmpuint(rows, ==, G_N_ELEMENTS(expected));
}

/* The least size works, one less says so; and so does a wrong number of channels. */
static void test_shapes(void)
{
	for (const struct network *net = networks; net->name != NULL; net++) {
		g_autoptr(model_t) m = new_model(net->name, 2);
		g_free(outputs_of(m, SCOPE_NO_GRAD, 3, net->least));
		g_autofree float *in = noise((gsize)(4 * net->least * net->least), 1);
		SCOPE(s, NULL, SCOPE_NO_GRAD);
		const char *message;
		g_autofree char *small = g_strdup_printf("%s: expected N x 3 x H x W, H and W at least %d, got 1x3x%dx%d",
							 net->name, net->least, net->least, net->least - 1);
		g_autofree char *four = g_strdup_printf("%s: expected N x 3 x H x W, H and W at least %d, got 1x4x%dx%d",
							net->name, net->least, net->least, net->least);
		g_assert_null(model_forward(m, s, t_from(s, in, DIMS(1, 3, net->least, net->least - 1), T_F32, T_CPU), NULL));
		g_assert_cmpint(scope_error(s, &message), ==, SCOPE_FAILED);
		g_assert_cmpstr(message, ==, small);
		scope_forgive(s);
		g_assert_null(model_forward(m, s, t_from(s, in, DIMS(1, 4, net->least, net->least), T_F32, T_CPU), NULL));
		scope_error(s, &message);
		g_assert_cmpstr(message, ==, four);
	}
}

/* A training step is finite, in float32 and bfloat16, and reaches every parameter. */
static void gradients(const struct network *net, unsigned flags)
{
	g_autoptr(model_t) m = new_model(net->name, 2);
	int side = side_of(net), cells = net->map * net->map;
	g_autofree float *in = noise((gsize)(4 * 3 * side * side), 5);
	static const float share[] = { 1, 0, 0, 1, 0.3f, 0.7f, 1, 0 };
	SCOPE(s, NULL, SCOPE_TRAIN | flags);
	tensor *y = model_forward(m, s, t_from(s, in, DIMS(4, 3, side, side), T_F32, device), NULL);
	tensor *loss = t_cross_entropy(s, t_narrow(s, y, 1, 0, 2), t_from(s, share, DIMS(4, 2), T_F32, device));
	if (cells > 0) {
		tensor *map = t_narrow(s, y, 1, 2, cells);
		loss = t_add(s, loss, t_bce_logits(s, map, t_affine(s, map, 0, 0.25)));
	}
	g_assert_true(isfinite(t_item(s, loss)));
	t_backward(s, loss);
	assert_scope(s);
	for (gsize i = 0; i < scope_count(m->params); i++) {
		const char *name;
		bool trained;
		tensor *t = scope_at(m->params, i, &name, &trained);
		if (!trained)
			continue;
		SCOPE(one, s, SCOPE_NO_GRAD);
		tensor *g = t_grad(one, t);
		double size = g == NULL ? 0 : t_item(one, t_mean_all(one, t_mul(one, g, g)));
		if (!(size > 0) || !isfinite(size))
			g_error("%s: nothing flows to %s", net->name, name);
	}
}

static void test_gradients(void)
{
	for (const struct network *net = networks; net->name != NULL; net++) {
		gradients(net, 0);
		if (tensor_bf16_fast(T_CPU))
			gradients(net, SCOPE_BF16 | SCOPE_CHANNELS_LAST);
	}
}

/* A parameter's gradient is the slope of the loss: simple is smooth but for its pools, so a step shows it. */
static void test_slope(void)
{
	g_autoptr(model_t) m = new_model("simple", 2);
	g_autofree float *in = noise(2 * 3 * 32 * 32, 5);
	static const float share[] = { 1, 0, 0, 1 };
	double loss[3], slope = 0;
	tensor *bias = scope_find(m->params, "features.1.bias");
	float values[200] = { 0 }, grad[200];
	const float step = 0.01f; /* pools switch, so not too large; rounding, not too small */
	for (int i = 0; i < 3; i++) {
		SCOPE(s, NULL, SCOPE_TRAIN);
		values[17] = i == 0 ? 0 : i == 1 ? step : -step;
		t_write_(s, bias, values, sizeof values);
		tensor *y = model_forward(m, s, t_from(s, in, DIMS(2, 3, 32, 32), T_F32, T_CPU), NULL);
		tensor *l = t_cross_entropy(s, y, t_from(s, share, DIMS(2, 2), T_F32, T_CPU));
		loss[i] = t_item(s, l);
		if (i == 0) {
			t_backward(s, l);
			t_read(s, t_grad(s, bias), grad, sizeof grad);
			slope = (double)grad[17];
		}
		assert_scope(s);
	}
	double measured = (loss[1] - loss[2]) / (2 * (double)step);
	g_assert_cmpfloat(fabs(slope), >, 1e-6);
	g_assert_cmpfloat_with_epsilon(measured, slope, 0.05 * fabs(slope));
}

/* Training learns statistics and drops; inference does neither. */
static void test_training(void)
{
	g_autoptr(model_t) m = new_model("resnet18", 2);
	g_autofree float *a = outputs_of(m, SCOPE_NO_GRAD, 2, 64), *b = outputs_of(m, SCOPE_NO_GRAD, 2, 64);
	g_assert_cmpfloat(difference(a, b, 4), ==, 0);
	g_free(outputs_of(m, SCOPE_NO_GRAD | SCOPE_TRAIN, 2, 64));
	g_autofree float *c = outputs_of(m, SCOPE_NO_GRAD, 2, 64);
	g_assert_cmpfloat(difference(c, a, 4), >, 1e-3);

	g_autoptr(model_t) q = new_model("squeezenet1_1", 1000); /* that of torchvision drops */
	g_autofree float *e = outputs_of(q, SCOPE_NO_GRAD | SCOPE_TRAIN, 2, 64);
	g_autofree float *f = outputs_of(q, SCOPE_NO_GRAD | SCOPE_TRAIN, 2, 64);
	g_assert_cmpfloat(difference(e, f, 2000), >, 1e-3);
}

static void test_modes(void)
{
	for (const struct network *net = networks; net->name != NULL; net++) {
		g_autoptr(model_t) m = new_model(net->name, 5);
		int side = side_of(net), n = 3 * numbers(m);
		roughen(m);
		g_autofree float *plain = outputs_of(m, SCOPE_NO_GRAD, 3, side);
		g_autofree float *again = outputs_of(m, SCOPE_NO_GRAD, 3, side);
		g_autofree float *graded = outputs_of(m, 0, 3, side);
		g_autofree float *last = outputs_of(m, SCOPE_NO_GRAD | SCOPE_CHANNELS_LAST, 3, side);
		g_autofree float *bf16 = outputs_of(m, SCOPE_NO_GRAD | SCOPE_BF16, 3, side);
		g_autofree float *both = outputs_of(m, SCOPE_NO_GRAD | SCOPE_BF16 | SCOPE_CHANNELS_LAST, 3, side);
		g_test_message("%s: channels-last %.1e, bf16 %.1e, both %.1e", net->name, difference(last, plain, n),
			       difference(bf16, plain, n), difference(both, plain, n));
		g_assert_cmpfloat(difference(again, plain, n), ==, 0);
		g_assert_cmpfloat(difference(graded, plain, n), <, 1e-5);
		g_assert_cmpfloat(difference(last, plain, n), <, 1e-4);
		g_assert_cmpfloat(difference(bf16, plain, n), <, 0.05);
		g_assert_cmpfloat(difference(both, plain, n), <, 0.05);
		g_assert_cmpfloat(difference(bf16, plain, n), >, 1e-6); /* it was bfloat16 */
	}
}

/* With norms folded in and weights laid out, it answers as before; and learns again afterwards. */
static void test_answering(void)
{
	static const unsigned modes[] = { 0, SCOPE_CHANNELS_LAST, SCOPE_BF16, SCOPE_BF16 | SCOPE_CHANNELS_LAST };
	for (const struct network *net = networks; net->name != NULL; net++) {
		g_autoptr(model_t) m = new_model(net->name, 5);
		const int side = side_of(net), n = 3 * numbers(m);
		roughen(m);
		g_autofree float *plain = outputs_of(m, SCOPE_NO_GRAD, 3, side);
		for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
			model_answer_on(m, modes[i]);
			g_autofree float *first = outputs_of(m, SCOPE_NO_GRAD | modes[i], 3, side);
			g_autofree float *again = outputs_of(m, SCOPE_NO_GRAD | modes[i], 3, side);
			g_autofree float *other = outputs_of(m, SCOPE_NO_GRAD | modes[i], 2, side);     /* of another shape */
			model_answer_off(m);
			g_test_message("%s: mode %u %.1e", net->name, modes[i], difference(first, plain, n));
			g_assert_cmpfloat(difference(first, plain, n), <, modes[i] & SCOPE_BF16 ? 0.05 : 1e-4);
			g_assert_cmpfloat(difference(again, first, n), ==, 0);
			g_assert_cmpfloat(difference(other, plain, 1), <, modes[i] & SCOPE_BF16 ? 0.05 : 1e-4);
		}
		g_autofree float *after = outputs_of(m, SCOPE_NO_GRAD, 3, side);
		g_assert_cmpfloat(difference(after, plain, n), ==, 0);
	}
}

/* A GPU, where there is one, answers as the CPU does, also with weights laid out, and learns. */
static void test_gpu(void)
{
	static const unsigned modes[] = { 0, SCOPE_CHANNELS_LAST, SCOPE_BF16 | SCOPE_CHANNELS_LAST };

	for (const struct network *net = networks; net->name != NULL && tensor_gpus(NULL) > 0; net++) {
		g_autoptr(model_t) m = new_model(net->name, 5);
		roughen(m);
		device = 0;
		g_autoptr(model_t) gpu = new_model(net->name, 5);
		const int side = side_of(net), n = 3 * numbers(gpu);
		roughen(gpu);
		device = T_CPU;
		g_autofree float *want = outputs_of(m, SCOPE_NO_GRAD, 3, side);
		device = 0;
		for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
			const double most = modes[i] & SCOPE_BF16 ? 0.05 : 0.01;        /* its float32 may be TF32 */
			g_autofree float *plain = outputs_of(gpu, SCOPE_NO_GRAD | modes[i], 3, side);
			model_answer_on(gpu, modes[i]);
			g_autofree float *packed = outputs_of(gpu, SCOPE_NO_GRAD | modes[i], 3, side);
			model_answer_off(gpu);
			g_test_message("%s: mode %u %.1e, packed %.1e", net->name, modes[i], difference(plain, want, n), difference(packed, want, n));
			g_assert_cmpfloat(difference(plain, want, n), <, most);
			g_assert_cmpfloat(difference(packed, want, n), <, most);
			gradients(net, modes[i]);
		}
		device = T_CPU;
	}
}

/* --- files --------------------------------------------------------------------------------------- */

struct list {                   /* tensors for safetensors_write */
	GArray *views;          /* struct safetensor */
	GPtrArray *data, *names;
};

static void list_add(struct list *list, const char *name, enum dtype type, dims shape, const void *data, gsize size)
{
	struct safetensor view = { .name = g_strdup(name), .type = type, .shape = shape };
	g_ptr_array_add(list->names, (gpointer)(guintptr)view.name);
	g_array_append_val(list->views, view);
	g_ptr_array_add(list->data, g_memdup2(data, size));
}

static struct list list_new(void)
{
	return (struct list){ g_array_new(FALSE, FALSE, sizeof(struct safetensor)),
			      g_ptr_array_new_with_free_func(g_free), g_ptr_array_new_with_free_func(g_free) };
}

/* All of a model but what begins with `without` (or NULL). */
static struct list list_of_model(struct model *m, const char *without)
{
	struct list list = list_new();
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	for (gsize i = 0; i < scope_count(m->params); i++) {
		const char *name;
		bool trained;
		tensor *t = scope_at(m->params, i, &name, &trained);
		gsize size = numbers_of(t_dims(t)) * sizeof(float);
		g_autofree float *data = g_malloc(size);
		g_assert_true(t_read(s, t, data, size));
		if (without == NULL || !g_str_has_prefix(name, without))
			list_add(&list, name, T_F32, t_dims(t), data, size);
	}
	return list;
}

static const void *source_of_list(void *context, guint i, GError **error)
{
	(void)error;
	return ((const struct list *)context)->data->pdata[i];
}

/* Writes the list and ends it. The caller removes the file and frees its path. */
static char *list_write(struct list list, const char *const *metadata)
{
	GError *error = NULL;
	char *path;
	int fd = g_file_open_tmp("blindrun-XXXXXX.safetensors", &path, &error);
	g_assert_no_error(error);
	g_assert_true(g_close(fd, NULL));
	g_assert_cmpint(g_unlink(path), ==, 0);
	safetensors_write(path, (struct safetensor *)(gpointer)list.views->data, list.views->len, metadata,
			  source_of_list, &list, NULL, NULL, &error);
	g_assert_no_error(error);
	g_array_unref(list.views);
	g_ptr_array_unref(list.data);
	g_ptr_array_unref(list.names);
	return path;
}

static void discard(char *path)
{
	g_assert_cmpint(g_unlink(path), ==, 0);
	g_free(path);
}

static void assert_same_values(struct model *a, struct model *b, const char *without)
{
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	for (gsize i = 0; i < scope_count(a->params); i++) {
		const char *name;
		bool trained;
		tensor *x = scope_at(a->params, i, &name, &trained), *y = scope_find(b->params, name);
		if (without != NULL && g_str_has_prefix(name, without))
			continue;
		tensor *d = t_sub(s, x, y);
		g_assert_cmpfloat(t_item(s, t_mean_all(s, t_mul(s, d, d))), ==, 0);
	}
	assert_scope(s);
}

static void test_save_and_load(void)
{
	for (const struct network *net = networks; net->name != NULL; net++) {
		g_autoptr(model_t) a = new_model(net->name, 3), b = NULL;
		g_autoptr(GError) error = NULL;
		g_autofree char *left_out = NULL;
		roughen(a);
		struct list list = list_of_model(a, NULL);
		list_add(&list, "bn1.num_batches_tracked", T_I64, (dims){ 0, { 0 } }, &(gint64){ 5 }, 8);
		char *path = list_write(list, NULL);
		b = new_model(net->name, 3);
		gboolean loaded = model_load(b, path, &left_out, &error);
		g_assert_no_error(error);
		g_assert_true(loaded);
		g_assert_null(left_out);
		assert_same_values(a, b, NULL);
		const gboolean half = g_str_equal(net->name, "inception_v3"); /* torchvision's transform_input */
		g_assert_cmpfloat(b->mean[0], ==, half ? 0.5 : 0.485);
		g_assert_cmpfloat(b->std[2], ==, half ? 0.5 : 0.225);
		discard(path);
	}
}

static void test_other_types(void)
{
	static const guint16 half[] = { 0x3c00, 0xc000 }, bf16[] = { 0x3f80, 0xc000 };
	static const double f64[] = { 1, -2 };
	static const struct {
		enum dtype type;
		const void *data;
		gsize size;
	} rows[] = { { T_F16, half, 4 }, { T_BF16, bf16, 4 }, { T_F64, f64, 16 } };
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(model_t) m = new_model("simple", 2);
		g_autoptr(GError) error = NULL;
		g_autofree char *left_out = NULL;
		float read[2];
		struct list list = list_of_model(m, "classifier.bias");
		list_add(&list, "classifier.bias", rows[i].type, DIMS(2), rows[i].data, rows[i].size);
		char *path = list_write(list, NULL);
		g_assert_true(model_load(m, path, &left_out, &error));
		g_assert_null(left_out);
		SCOPE(s, NULL, 0);
		g_assert_true(t_read(s, scope_find(m->params, "classifier.bias"), read, sizeof read));
		g_assert_cmpfloat(read[0], ==, 1);
		g_assert_cmpfloat(read[1], ==, -2);
		discard(path);
	}
}

/* Loads the list into a new model of that network; the message, where the file is called F. */
static char *load_message(const char *network, int outputs, struct list list, const char *const *metadata,
			  gboolean fails)
{
	g_autoptr(model_t) m = new_model(network, outputs), untouched = new_model(network, outputs);
	g_autoptr(GError) error = NULL;
	char *left_out = NULL, *path = list_write(list, metadata);
	gboolean loaded = model_load(m, path, &left_out, &error);
	g_assert_true(loaded == !fails);
	if (fails) {
		g_assert_error(error, FAULT, FAULT_DATA);
		g_assert_null(left_out);
		assert_same_values(m, untouched, NULL);
		g_assert_cmpfloat(m->mean[0], ==, untouched->mean[0]);
		left_out = g_strdup(error->message);
	} else {
		g_assert_no_error(error);
	}
	GString *text = g_string_new(left_out);
	g_string_replace(text, path, "F", 0);
	g_free(left_out);
	discard(path);
	return g_string_free(text, FALSE);
}

static void test_other_classifier(void)
{
	g_autoptr(model_t) foreign = new_model("resnet18", 1000), two = new_model("resnet18", 2);
	g_autoptr(GError) error = NULL;
	char *left_out = NULL;
	roughen(foreign);
	g_autofree char *shape = load_message("resnet18", 2, list_of_model(foreign, NULL), NULL, FALSE);
	g_assert_cmpstr(shape, ==, "F has fc.weight of 1000x512, here it is 2x512: the classifier starts at random");
	g_autofree char *none = load_message("resnet18", 2, list_of_model(foreign, "fc."), NULL, FALSE);
	g_assert_cmpstr(none, ==, "F has no fc.weight: the classifier starts at random");
	g_autofree char *part = load_message("resnet18", 1000, list_of_model(foreign, "fc.bias"), NULL, FALSE);
	g_assert_cmpstr(part, ==, "F has no fc.bias: the classifier starts at random");

	char *path = list_write(list_of_model(foreign, NULL), NULL);
	g_autoptr(model_t) fresh = new_model("resnet18", 2);
	g_assert_true(model_load(two, path, &left_out, &error));
	assert_same_values(foreign, two, "fc.");
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	tensor *d = t_sub(s, scope_find(two->params, "fc.weight"), scope_find(fresh->params, "fc.weight"));
	g_assert_cmpfloat(t_item(s, t_mean_all(s, t_mul(s, d, d))), ==, 0);
	g_free(left_out);
	discard(path);
}

/* A folder's weights bring their screen, all of it or none; weights to start from do without. */
static void test_screen_files(void)
{
	g_autoptr(model_t) with = new_model("simple", 2), plain = new_model("simple", 2);
	g_autofree char *left_out = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(model_add_screen(with, &error));
	roughen(with);
	for (int k = 0; k < 3; k++) {
		static const char *const without[] = { NULL, "coarse-screen.", "coarse-screen.2.norm.bias" };
		char *path = list_write(list_of_model(with, without[k]), NULL);
		g_autoptr(model_t) m = model_read(path, "simple", 3, 1, 2, T_CPU, &left_out, &error);
		if (k == 2) {
			g_autofree char *message = g_strdup_printf("%s: not weights of simple: coarse-screen.2.norm.bias (48) is missing", path);
			g_assert_null(m);
			g_assert_error(error, FAULT, FAULT_DATA);
			g_assert_cmpstr(error->message, ==, message);
			g_clear_error(&error);
		} else {
			g_assert_no_error(error);
			g_assert_cmpuint(scope_count(m->params), ==, scope_count(k == 0 ? with->params : plain->params));
			assert_same_values(m, with, NULL);
		}
		g_assert_true(model_load(plain, path, &left_out, &error));
		g_assert_null(left_out);
		assert_same_values(plain, with, NULL);
		discard(path);
	}
}

/* A ResNet's weights start a U-Net: its classifier is passed over, as the auxiliary one of Inception is. */
static void test_spare(void)
{
	static const float aux[768];
	g_autoptr(model_t) r18 = new_model("resnet18", 1000), unet = new_model("unet", 2);
	g_autoptr(model_t) inception = new_model("inception_v3", 2);
	g_autoptr(GError) error = NULL;
	char *left_out = NULL;
	roughen(r18);
	char *path = list_write(list_of_model(r18, NULL), NULL);
	g_assert_true(model_load(unet, path, &left_out, &error));
	g_autofree char *sentence = g_strdup_printf("%s has no decoder.up3.conv1.weight: the decoder starts at random", path);
	g_assert_cmpstr(left_out, ==, sentence);
	assert_same_values(r18, unet, "fc.");
	g_free(left_out);
	discard(path);
	struct list list = list_of_model(inception, NULL);
	list_add(&list, "AuxLogits.fc.bias", T_F32, DIMS(768), aux, sizeof aux);
	g_autofree char *fits = load_message("inception_v3", 2, list, NULL, FALSE);
	g_assert_cmpstr(fits, ==, "");
	list = list_of_model(inception, NULL);
	list_add(&list, "Aux.fc.bias", T_F32, DIMS(768), aux, sizeof aux);
	g_autofree char *other = load_message("inception_v3", 2, list, NULL, TRUE);
	g_assert_cmpstr(other, ==, "F: not weights of inception_v3, which has no Aux.fc.bias");
}

static void test_misfits(void)
{
	g_autoptr(model_t) simple = new_model("simple", 2), r18 = new_model("resnet18", 2);
	g_autoptr(model_t) r34 = new_model("resnet34", 2);
	static const gint64 whole[100];
	static const float small[100];

	g_autofree char *missing = load_message("simple", 2, list_of_model(simple, "features.2.w"), NULL, TRUE);
	g_assert_cmpstr(missing, ==, "F: not weights of simple: features.2.weight (300x200x3x3) is missing");
	g_autofree char *buffer = load_message("resnet18", 2, list_of_model(r18, "layer1.0.bn1.running_var"), NULL, TRUE);
	g_assert_cmpstr(buffer, ==, "F: not weights of resnet18: layer1.0.bn1.running_var (64) is missing");

	struct list list = list_of_model(simple, "features.0.bias");
	list_add(&list, "features.0.bias", T_F32, DIMS(10, 10), small, sizeof small);
	g_autofree char *shape = load_message("simple", 2, list, NULL, TRUE);
	g_assert_cmpstr(shape, ==, "F: not weights of simple: features.0.bias is 10x10, expected 100");

	list = list_of_model(simple, "features.0.bias");
	list_add(&list, "features.0.bias", T_F32, (dims){ 0, { 0 } }, small, sizeof *small);
	g_autofree char *one = load_message("simple", 2, list, NULL, TRUE);
	g_assert_cmpstr(one, ==, "F: not weights of simple: features.0.bias is one number, expected 100");

	list = list_of_model(simple, "features.0.bias");
	list_add(&list, "features.0.bias", T_I64, DIMS(100), whole, sizeof whole);
	g_autofree char *type = load_message("simple", 2, list, NULL, TRUE);
	g_assert_cmpstr(type, ==, "F: not weights of simple: features.0.bias is 100 of whole numbers, expected 100");

	/* all of resnet18 is in resnet34, and it is still another network */
	g_autofree char *deeper = load_message("resnet18", 2, list_of_model(r34, NULL), NULL, TRUE);
	g_assert_cmpstr(deeper, ==, "F: not weights of resnet18, which has no layer1.2.conv1.weight");
	g_autofree char *other = load_message("resnet18", 2, list_of_model(simple, NULL), NULL, TRUE);
	g_assert_cmpstr(other, ==, "F: not weights of resnet18: conv1.weight (64x3x7x7) is missing");
}

static void test_mean_and_std(void)
{
	static const struct {
		const char *key, *value, *message;
	} rows[] = {
		{ "mean", "[1, 2]", "F: metadata 'mean': expected a list of 3 numbers, got [1, 2]" },
		{ "mean", "[1, 2, 3, 4]", "F: metadata 'mean': expected a list of 3 numbers, got [1, 2, 3, 4]" },
		{ "mean", "1, 2, 3", "F: metadata 'mean': expected a list of 3 numbers, got 1, 2, 3" },
		{ "mean", "[1, nan, 3]", "F: metadata 'mean': expected a list of 3 numbers, got [1, nan, 3]" },
		{ "mean", "a\nb", "F: metadata 'mean': expected a list of 3 numbers, got a b" },
		{ "std", "[1, 0, 3]", "F: metadata 'std': expected a list of 3 numbers above 0, got [1, 0, 3]" },
		{ "std", "", "F: metadata 'std': expected a list of 3 numbers above 0, got " },
	};
	g_autoptr(model_t) m = new_model("simple", 2);
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *message = load_message("simple", 2, list_of_model(m, NULL),
							(const char *[]){ rows[i].key, rows[i].value, NULL }, TRUE);
		g_assert_cmpstr(message, ==, rows[i].message);
	}
	g_autoptr(GError) error = NULL;
	char *path = list_write(list_of_model(m, NULL),
				(const char *[]){ "mean", "[-1,0,2e-1]", "std", " [ 1 , 0.5 , 0.25 ] ", NULL });
	g_assert_true(model_load(m, path, NULL, &error));
	g_assert_cmpfloat(m->mean[0], ==, -1);
	g_assert_cmpfloat(m->mean[2], ==, 0.2);
	g_assert_cmpfloat(m->std[1], ==, 0.5);
	g_assert_cmpfloat(m->std[2], ==, 0.25);
	discard(path);
}

static void test_errors(void)
{
	g_autoptr(GError) unknown = NULL, missing = NULL;
	g_autoptr(model_t) m = new_model("simple", 2);
	g_assert_null(model_new("resnet99", 3, 1, 2, T_CPU, &unknown));
	g_assert_error(unknown, FAULT, FAULT_USAGE);
	g_assert_cmpstr(unknown->message, ==, "network 'resnet99' is unknown; there are simple, squeezenet1_1, "
					      "resnet18, resnet34, resnet50, densenet121, inception_v3, efficientnet_b0, "
					      "convnext_tiny, vit_small, unet, or the FILE.pt of a TorchScript module");
	g_assert_false(model_load(m, "none/none.safetensors", NULL, &missing));
	g_assert_error(missing, FAULT, FAULT_DATA);
	g_assert_cmpstr(missing->message, ==, "none/none.safetensors: No such file or directory");
	model_free(NULL);
}

static char *peer(void)
{
	g_autofree char *folder = g_path_get_dirname(__FILE__);
	return g_build_filename(folder, "torchvision_peer.py", NULL);
}

/* A Python that has torchvision, started once: to write requests to, and to read a line for each from. */
static struct { GSubprocess *process; GDataInputStream *from; gboolean tried; char *why; } python;

static gboolean start_peer(void)
{
	/* $PYTHON; the first in PATH; the distribution's, where another one hides it */
	const char *pythons[] = { g_getenv("PYTHON"), "python3", "/usr/bin/python3" };
	g_autofree char *script = peer();

	for (guint i = 0; i < G_N_ELEMENTS(pythons) && !python.tried; i++) {
		const char *argv[] = { pythons[i], script, NULL };
		g_autoptr(GSubprocess) p = pythons[i] == NULL ? NULL : g_subprocess_newv(argv, G_SUBPROCESS_FLAGS_STDIN_PIPE |
											   G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL);
		if (p == NULL)
			continue;
		g_autoptr(GDataInputStream) from = g_data_input_stream_new(g_subprocess_get_stdout_pipe(p));
		g_free(python.why);
		python.why = g_data_input_stream_read_line(from, NULL, NULL, NULL);
		if (g_strcmp0(python.why, "ready") == 0) {
			python.process = g_steal_pointer(&p);
			python.from = g_steal_pointer(&from);
			break;
		}
		g_subprocess_wait(p, NULL, NULL);
		if (g_subprocess_get_exit_status(p) != 77)
			g_error("%s %s: %s", pythons[i], script, python.why);
	}
	python.tried = TRUE;
	return python.process != NULL;
}

static void end_peer(void)
{
	if (python.process != NULL) {
		g_output_stream_close(g_subprocess_get_stdin_pipe(python.process), NULL, NULL);
		g_subprocess_wait(python.process, NULL, NULL);
	}
	g_clear_object(&python.from);
	g_clear_object(&python.process);
	g_clear_pointer(&python.why, g_free);
}

/* What torchvision gives, as text; NULL where no Python here has it, as python.why says. */
static char *run_peer(const char *mode, const char *network, int outputs, const char *weights, const char *x)
{
	g_autofree char *request = g_strdup_printf("%s %s %d %s %s\n", mode, network, outputs, weights, x);

	if (!start_peer())
		return NULL;
	g_assert_true(g_output_stream_write_all(g_subprocess_get_stdin_pipe(python.process), request, strlen(request), NULL, NULL, NULL));
	char *line = g_data_input_stream_read_line(python.from, NULL, NULL, NULL);
	if (line == NULL)
		g_error("the peer failed at: %s", request);
	return line;
}

/* The peer's numbers on the model's weights and the same noise, n x 3 x side x side; NULL where the test is to be skipped. */
static float *theirs(struct model *m, const char *mode, int n, int side, guint count)
{
	const char *network = m->network->name;
	g_autofree char *script = peer();
	if (!g_file_test(script, G_FILE_TEST_EXISTS)) {
		g_test_skip("not run from the project's folder");
		return NULL;
	}
	g_autofree float *in = noise((gsize)(n * 3 * side * side), 99);
	char *weights = list_write(list_of_model(m, NULL), NULL);
	struct list list = list_new();
	list_add(&list, "x", T_F32, DIMS(n, 3, side, side), in, sizeof(float) * (gsize)(n * 3 * side * side));
	char *x = list_write(list, NULL);
	g_autofree char *text = run_peer(mode, network, m->outputs, weights, x);
	discard(weights);
	discard(x);
	if (text == NULL) {
		g_test_skip(python.why != NULL ? python.why : "no Python");
		return NULL;
	}
	g_auto(GStrv) lines = g_strsplit(g_strstrip(text), " ", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, count);
	float *out = g_new(float, count);
	for (guint i = 0; i < count; i++)
		out[i] = (float)g_ascii_strtod(lines[i], NULL);
	return out;
}

/* An odd side shows how pools round, and that vit_small brings it to a multiple of 16, with other positions. squeezenet1_1
   ends as torchvision's at 1000 outputs alone. */
static const struct peer_case {
	const char *network;
	int side, outputs;
} peer_cases[] = {
	{ "squeezenet1_1", 75, 1000 }, { "squeezenet1_1", 75, 7 }, { "resnet18", 75, 7 }, { "resnet34", 75, 7 }, { "resnet50", 75, 7 }, { "densenet121", 75, 7 },
	{ "inception_v3", 75, 7 }, { "inception_v3", 139, 7 }, { "efficientnet_b0", 75, 7 }, { "convnext_tiny", 75, 7 }, { "vit_small", 75, 7 },
	{ "vit_small", 224, 7 }, { "unet", 75, 7 },
};

static void test_torchvision(gconstpointer row)
{
	const struct peer_case *c = row;
	g_autoptr(model_t) m = new_model(c->network, c->outputs);
	int n = 2, count = n * numbers(m);
	roughen(m);
	g_autofree float *ours = outputs_of(m, SCOPE_NO_GRAD, n, c->side), *wanted = theirs(m, "eval", n, c->side, (guint)count);
	if (wanted == NULL)
		return;
	g_test_message("%s: difference %.1e", c->network, difference(ours, wanted, count));
	g_assert_cmpfloat(difference(ours, wanted, count), <, 1e-4);
}

/* A step of training: of each parameter's gradient the length, of each buffer the sum; where chance has no part in it. */
static const struct peer_case step_cases[] = { { "squeezenet1_1", 75, 7 }, { "resnet18", 75, 7 }, { "densenet121", 128, 7 }, { "vit_small", 64, 7 }, { "unet", 96, 7 } };

static void test_training_step(gconstpointer row)
{
	const struct peer_case *c = row;
	enum { N = 4 };
	g_autoptr(model_t) m = new_model(c->network, c->outputs);
	gsize count = scope_count(m->params), size = (gsize)(N * 3 * c->side * c->side);
	roughen(m);
	g_autofree float *wanted = theirs(m, "train", N, c->side, (guint)count), *in = noise(size, 99);
	if (wanted == NULL)
		return;
	SCOPE(s, NULL, SCOPE_TRAIN);
	tensor *y = model_forward(m, s, t_from(s, in, DIMS(N, 3, c->side, c->side), T_F32, T_CPU), NULL);
	t_backward(s, t_mean_all(s, t_mul(s, y, y)));
	SCOPE(look, s, SCOPE_NO_GRAD);
	for (gsize i = 0; i < count; i++) {
		const char *name;
		bool trained;
		tensor *t = scope_at(m->params, i, &name, &trained), *g = trained ? t_grad(look, t) : t;
		double n = (double)numbers_of(t_dims(t)), mean = t_item(look, t_mean_all(look, trained ? t_mul(look, g, g) : g));
		double ours = trained ? sqrt(n * mean) : n * mean, off = fabs(ours - (double)wanted[i]);
		if (!(off <= 1e-3 * fabs((double)wanted[i]) + 1e-6))
			g_error("%s: %s: %g, not %g", c->network, name, ours, (double)wanted[i]);
	}
	assert_scope(s);
}

static void test_real_weights(void)
{
	const char *shared = g_getenv("BLINDRUN_SHARED");
	g_autofree char *path = g_build_filename(shared != NULL ? shared : "../shared", "data", "weights",
						 "squeezenet1_1.safetensors", NULL);
	if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
		g_test_skip("no weights here; BLINDRUN_SHARED names the folder that has data/weights");
		return;
	}
	g_autoptr(model_t) m = new_model("squeezenet1_1", 2);
	g_autoptr(GError) error = NULL;
	g_autofree char *left_out = NULL;
	g_autofree char *sentence = g_strdup_printf("%s has no classifier.norm.weight: the classifier starts at random", path);
	g_autofree float *before = outputs_of(m, SCOPE_NO_GRAD, 2, 96);
	gboolean loaded = model_load(m, path, &left_out, &error);
	g_assert_no_error(error);
	g_assert_true(loaded);
	g_assert_cmpstr(left_out, ==, sentence);
	g_assert_cmpfloat(m->mean[0], ==, 0.48502);
	g_assert_cmpfloat(m->std[1], ==, 0.00392157);
	g_autofree float *after = outputs_of(m, SCOPE_NO_GRAD, 2, 96);
	g_assert_cmpfloat(difference(before, after, 4), >, 0.01);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	tensor_threads(1); /* small work: threads would only wait for each other */
	g_test_add_func("/model/parameters", test_parameters);
	g_test_add_func("/model/pictures", test_pictures);
	g_test_add_func("/model/screen_input", test_screen_input);
	g_test_add_func("/model/screen", test_screen);
	g_test_add_func("/model/screen_files", test_screen_files);
	g_test_add_func("/model/enlarged", test_enlarged);
	g_test_add_func("/model/shapes", test_shapes);
	g_test_add_func("/model/gradients", test_gradients);
	g_test_add_func("/model/slope", test_slope);
	g_test_add_func("/model/training", test_training);
	g_test_add_func("/model/modes", test_modes);
	g_test_add_func("/model/answering", test_answering);
	g_test_add_func("/model/gpu", test_gpu);
	g_test_add_func("/model/save-and-load", test_save_and_load);
	g_test_add_func("/model/other-types", test_other_types);
	g_test_add_func("/model/other-classifier", test_other_classifier);
	g_test_add_func("/model/spare", test_spare);
	g_test_add_func("/model/misfits", test_misfits);
	g_test_add_func("/model/mean-and-std", test_mean_and_std);
	g_test_add_func("/model/errors", test_errors);
	for (gsize i = 0; i < G_N_ELEMENTS(peer_cases); i++) {
		g_autofree char *path = g_strdup_printf("/model/torchvision/%s/%d%s", peer_cases[i].network, peer_cases[i].side,
							peer_cases[i].outputs == 1000 ? "/whole" : "");
		g_test_add_data_func(path, &peer_cases[i], test_torchvision);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(step_cases); i++) {
		g_autofree char *path = g_strdup_printf("/model/training-step/%s", step_cases[i].network);
		g_test_add_data_func(path, &step_cases[i], test_training_step);
	}
	g_test_add_func("/model/real-weights", test_real_weights);
	int failed = g_test_run();
	end_peer();
	return failed;
}
