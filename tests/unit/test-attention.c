/*
 * test-attention.c - the forward pass against PyTorch (attention_reference.py beside this); bags of which one tile in
 * many says all, and their mean nothing; the same seed, the same weights; through a model folder; which tiles a bag
 * has.
 */
#include "common/checkpoint/model_folder.h"
#include "common/fault/fault.h"
#include "common/machine/remove_tree.h"
#include "common/metrics/metrics.h"
#include "common/score/attention.h"
#include "common/score/logistic.h"
#include "tests/unit/peer.h"
#include <math.h>

enum { WIDTH = 12, HIDDEN = ATTENTION_HIDDEN, TILES = 40, BAGS = 240 };

static double normal(GRand *source) { return metrics_normal_quantile(g_rand_double_range(source, 1e-12, 1)); }

/* Noise; and in a positive bag one tile that is high in both the first two features, in a negative one two tiles that
   are high in one each. So the means are alike. */
struct made { float *x; struct bag bags[BAGS]; };

static void make(struct made *m, guint32 seed)
{
	g_autoptr(GRand) source = g_rand_new_with_seed(seed);

	m->x = g_new(float, BAGS * TILES * WIDTH);
	for (int i = 0; i < BAGS * TILES * WIDTH; i++)
		m->x[i] = (float)(10 + 2 * normal(source));
	for (int i = 0; i < BAGS; i++) {
		float *x = m->x + i * TILES * WIDTH;
		guint8 positive = g_rand_boolean(source) ? 1 : 0;
		int a = g_rand_int_range(source, 0, TILES), b = (a + g_rand_int_range(source, 1, TILES)) % TILES;
		x[a * WIDTH] += 10;
		x[(positive ? a : b) * WIDTH + 1] += 10;
		m->bags[i] = (struct bag){ x, T_F32, TILES, positive };
	}
}

static double predicted_auc(struct attention *a, const struct made *m)
{
	double logit[BAGS];
	guint8 label[BAGS];

	for (int i = 0; i < BAGS; i++) {
		g_assert_true(attention_predict(a, &m->bags[i], &logit[i], NULL, NULL));
		label[i] = m->bags[i].label;
	}
	return metrics_auc(logit, label, BAGS);
}

static void means(const struct made *m, double *x, guint8 *label)
{
	memset(x, 0, sizeof(double) * BAGS * WIDTH);
	for (int i = 0; i < BAGS; i++) {
		label[i] = m->bags[i].label;
		for (int k = 0; k < TILES * WIDTH; k++)
			x[i * WIDTH + k % WIDTH] += m->x[i * TILES * WIDTH + k] / TILES;
	}
}

static double mean_pooling_auc(const struct made *learned, const struct made *judged)
{
	double x[BAGS * WIDTH], logit[BAGS];
	guint8 label[BAGS];
	struct logistic_data d = { .x = x, .label = label, .n = BAGS, .p = WIDTH };

	means(learned, x, label);
	struct logistic f = logistic_fit(&d, 0.01);
	means(judged, x, label);
	for (int i = 0; i < BAGS; i++)
		logit[i] = logistic_logit(&f, x + i * WIDTH);
	return metrics_auc(logit, label, BAGS);
}

static void test_learns(void)
{
	struct made train, test;
	struct attention_plan plan = ATTENTION_PLAN(5);
	g_autoptr(GError) error = NULL;
	g_autoptr(attention_t) a = attention_new(WIDTH, HIDDEN, T_CPU, 5, &error);
	float weight[TILES], highest = 0;
	double logit;
	int at = 0, positive = 0;

	make(&train, 1);
	make(&test, 2);
	g_assert_true(attention_train(a, train.bags, BAGS, &plan, &error));
	g_assert_no_error(error);
	double learned = predicted_auc(a, &test), pooled = mean_pooling_auc(&train, &test);
	g_test_message("auc %.3f, on its own bags %.3f; of means %.3f", learned, predicted_auc(a, &train), pooled);
	g_assert_cmpfloat(learned, >, 0.95);
	g_assert_cmpfloat(fabs(pooled - 0.5), <, 0.1);
	while (!test.bags[positive].label)
		positive++;
	g_assert_true(attention_predict(a, &test.bags[positive], &logit, weight, &error));
	for (int i = 0; i < TILES; i++) {
		highest = MAX(highest, weight[i]);
		if (weight[i] == highest)
			at = i;
	}
	const float *tile = test.x + (positive * TILES + at) * WIDTH;
	g_assert_true(tile[0] > 13 && tile[1] > 13);    /* the one */
	g_free(train.x);
	g_free(test.x);
}

static void append(GString *text, const char *name, const float *values, dims shape)
{
	gint64 n = 1;

	g_string_append_printf(text, "%s ", name);
	for (int i = 0; i < shape.n; i++) {
		g_string_append_printf(text, "%s%d", i > 0 ? "x" : "", (int)shape.d[i]);
		n *= shape.d[i];
	}
	for (gint64 i = 0; i < n; i++)
		g_string_append_printf(text, " %.9g", (double)values[i]);
	g_string_append_c(text, '\n');
}

/* All parameters get values that are no start. */
static void roughen(struct attention *a, GString *text)
{
	g_autoptr(GRand) source = g_rand_new_with_seed(4);

	SCOPE(s, NULL, SCOPE_NO_GRAD);
	for (size_t i = 0; i < scope_count(a->params); i++) {
		float values[200];
		const char *name;
		tensor *p = scope_at(a->params, i, &name, NULL);
		dims shape = t_dims(p);
		gsize n = (gsize)(shape.d[0] * (shape.n > 1 ? shape.d[1] : 1));
		for (gsize k = 0; k < n; k++)
			values[k] = (float)normal(source);
		g_assert_true(t_write_(s, p, values, n * sizeof *values));
		append(text, name, values, shape);
	}
}

static void test_reference(void)
{
	enum { W = 6, H = 5, N = 9 };
	g_autoptr(attention_t) a = attention_new(W, H, T_CPU, 1, NULL);
	g_autoptr(GRand) source = g_rand_new_with_seed(8);
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *out = NULL, *why = NULL;
	float tiles[N * W], weight[N];
	double logit, sum = 0;
	struct bag bag = { tiles, T_F32, N, 0 };

	for (int i = 0; i < N * W; i++)
		tiles[i] = i == 7 ? 100 : (float)normal(source);        /* one beyond the clamp */
	roughen(a, text);
	append(text, "tiles", tiles, DIMS(N, W));
	g_assert_true(attention_predict(a, &bag, &logit, weight, NULL));
	for (int i = 0; i < N; i++)
		sum += weight[i];
	g_assert_cmpfloat_with_epsilon(sum, 1, 1e-5);
	out = peer_run(__FILE__, "attention_reference.py", text->str, -1, &why);
	if (out == NULL) {
		g_test_skip(why);
		return;
	}
	g_auto(GStrv) lines = g_strsplit(out, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, N + 1);
	g_assert_cmpfloat_with_epsilon(logit, g_ascii_strtod(lines[0], NULL), 1e-5);
	for (int i = 0; i < N; i++)
		g_assert_cmpfloat_with_epsilon(weight[i], g_ascii_strtod(lines[i + 1], NULL), 1e-5);
}

static void assert_equal(struct attention *a, struct attention *b)
{
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	for (size_t i = 0; i < scope_count(a->params); i++) {
		float x[WIDTH * HIDDEN], y[WIDTH * HIDDEN];
		dims shape = t_dims(scope_at(a->params, i, NULL, NULL));
		gsize size = sizeof(float) * (gsize)(shape.d[0] * (shape.n > 1 ? shape.d[1] : 1));
		g_assert_true(t_read(s, scope_at(a->params, i, NULL, NULL), x, size));
		g_assert_true(t_read(s, scope_at(b->params, i, NULL, NULL), y, size));
		g_assert_true(memcmp(x, y, size) == 0);
	}
}

static void test_same(void)
{
	struct made m;
	struct attention_plan plan = ATTENTION_PLAN(9);
	g_autoptr(attention_t) a = attention_new(WIDTH, HIDDEN, T_CPU, 9, NULL);

	make(&m, 3);
	plan.steps = 9;
	g_assert_true(attention_train(a, m.bags, 30, &plan, NULL));
	tensor_seed(12345);     /* of another's draws between */
	g_autoptr(attention_t) b = attention_new(WIDTH, HIDDEN, T_CPU, 9, NULL);
	g_assert_true(attention_train(b, m.bags, 30, &plan, NULL));
	assert_equal(a, b);
	g_free(m.x);
}

/* What is in halves in 16 bits is the same in 32; a bag without tiles; what cannot be learned from. */
static void test_odd(void)
{
	static const guint16 half[] = { 0x3c00, 0xc000, 0x3800, 0x0000 };       /* 1, -2, 0.5, 0 */
	static const float single[] = { 1, -2, 0.5f, 0 }, broken[] = { 1, NAN, 3, 4 };
	struct bag bags[] = { { half, T_F16, 2, 1 }, { single, T_F32, 2, 0 }, { NULL, T_F32, 0, 1 } };
	struct attention_plan plan = ATTENTION_PLAN(1);
	g_autoptr(attention_t) a = attention_new(2, 3, T_CPU, 1, NULL);
	g_autoptr(GError) error = NULL;
	double x, y;

	plan.steps = 2;
	g_assert_true(attention_train(a, bags, 3, &plan, &error));
	g_assert_true(attention_predict(a, &bags[0], &x, NULL, NULL) && attention_predict(a, &bags[1], &y, NULL, NULL));
	g_assert_cmpfloat(x, ==, y);
	g_assert_true(attention_predict(a, &bags[2], &x, NULL, NULL) && isnan(x));
	bags[1].label = 1;
	g_assert_false(attention_train(a, bags, 3, &plan, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, "attention: there are bags of one class alone");
	g_clear_error(&error);
	bags[1] = (struct bag){ broken, T_F32, 2, 0 };
	g_assert_false(attention_train(a, bags, 2, &plan, &error));
	g_assert_cmpstr(error->message, ==, "attention: a feature of a tile is not finite");
	g_clear_error(&error);
	g_assert_false(attention_predict(a, &bags[1], &x, NULL, &error));
	g_assert_cmpstr(error->message, ==, "attention: the logit of a bag is not finite");
	attention_free(NULL);
}

static void test_folder(void)
{
	g_autofree char *path = g_dir_make_tmp("attention-XXXXXX", NULL), *file = NULL;
	g_autoptr(attention_t) a = attention_new(WIDTH, HIDDEN, T_CPU, 1, NULL);
	g_autoptr(attention_t) b = attention_new(WIDTH, HIDDEN, T_CPU, 2, NULL);
	struct model_part out = { .role = "weights", .prefix_opt = "slide.", .tensors = a->params };
	struct model_part in = { .role = "weights", .prefix_opt = "slide.", .tensors = b->params };
	g_autoptr(JsonObject) about = json_object_new(), manifest = NULL;
	g_autoptr(GError) error = NULL;

	{
		g_autoptr(model_folder_t) folder = model_folder_take(path, NULL, &error);
		g_assert_no_error(error);
		g_assert_true(model_folder_save(folder, 1, &out, 1, about, &error));
	}
	manifest = model_folder_open(path, NULL, NULL, &error);
	g_assert_no_error(error);
	file = model_folder_path(path, manifest, "weights", &error);
	g_assert_true(model_folder_restore(file, &in, 1, &error));
	g_assert_no_error(error);
	assert_equal(a, b);
	remove_tree(path);
}

static void test_pick(void)
{
	const float few[] = { 1, NAN, 3, 2 };
	float many[1001];
	guint32 picked[10];

	g_assert_cmpuint(attention_pick(few, 4, 10, picked), ==, 3);
	g_assert_true(picked[0] == 2 && picked[1] == 3 && picked[2] == 0);
	for (guint i = 0; i < 1001; i++)
		many[i] = (float)((i * 10) % 1001);     /* tile i has value 10 i mod 1001 */
	g_assert_cmpuint(attention_pick(many, 1001, 10, picked), ==, 10);
	/* ranks 0..4, and the middles of fifths of the other 996: 5 + 99.6, 298.8, 498, 697.2, 896.4 */
	const float want[] = { 1000, 999, 998, 997, 996, 1000 - 104, 1000 - 303, 1000 - 503, 1000 - 702, 1000 - 901 };
	for (int i = 0; i < 10; i++)
		g_assert_cmpfloat(many[picked[i]], ==, want[i]);
	g_assert_cmpuint(attention_pick(many, 1001, 1, picked), ==, 1);
	g_assert_cmpfloat(many[picked[0]], ==, 1000);
	g_assert_cmpuint(attention_pick(NULL, 0, 10, picked), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	tensor_threads(1);
	g_test_add_func("/attention/reference", test_reference);
	g_test_add_func("/attention/learns", test_learns);
	g_test_add_func("/attention/same", test_same);
	g_test_add_func("/attention/odd", test_odd);
	g_test_add_func("/attention/folder", test_folder);
	g_test_add_func("/attention/pick", test_pick);
	return g_test_run();
}
