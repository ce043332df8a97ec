/*
 * test-logistic.c - fits against scikit-learn and SciPy (logistic_reference.py beside this) and one worked out by hand;
 * signs, odd data, the choice of lambda, folds.
 */
#include "common/score/logistic.h"
#include "tests/unit/peer.h"
#include <math.h>

enum { CASES = 24 };

struct made { double *x; guint8 *label; gint8 *sign; struct logistic_data d; };

/* Correlated features of different units, of which some tell; some signs are the wrong way. */
static struct made make(guint32 seed, gsize n, guint p, gboolean bound)
{
	g_autoptr(GRand) source = g_rand_new_with_seed(seed);
	struct made m = { .x = g_new(double, n * p + 1), .label = g_new(guint8, n + 1), .sign = g_new(gint8, p) };

	for (gsize i = 0; i < n; i++) {
		double common = g_rand_double_range(source, -1, 1), sum = common;
		for (guint j = 0; j < p; j++) {
			double v = common + g_rand_double_range(source, -1, 1);
			sum += j % 3 == 1 ? 0 : (j % 3 == 0 ? 1 : -1) * v;
			m.x[i * p + j] = 5 * j + pow(10, j % 4 - 1.0) * v;
		}
		m.label[i] = i == 0 || (i > 1 && sum + g_rand_double_range(source, -1, 1) > 0);
	}
	for (guint j = 0; j < p; j++)
		m.sign[j] = !bound ? 0 : j % 5 == 3 ? -1 : j % 5 == 4 ? 0 : 1;
	m.d = (struct logistic_data){ .x = m.x, .label = m.label, .sign_opt = bound ? m.sign : NULL, .n = n, .p = p };
	return m;
}

static void made_clear(struct made *m)
{
	g_free(m->x);
	g_free(m->label);
	g_free(m->sign);
}

static void append_case(GString *text, const struct made *m, double lambda)
{
	g_string_append_printf(text, "%" G_GSIZE_FORMAT " %u %.17g\n", m->d.n, m->d.p, lambda);
	for (guint j = 0; j < m->d.p; j++)
		g_string_append_printf(text, "%d ", m->sign[j]);
	for (gsize i = 0; i < m->d.n; i++) {
		g_string_append_printf(text, "\n%d", m->label[i]);
		for (guint j = 0; j < m->d.p; j++)
			g_string_append_printf(text, " %.17g", m->x[i * m->d.p + j]);
	}
	g_string_append_c(text, '\n');
}

static void test_reference(void)
{
	static const gsize sizes[] = { 12, 30, 150, 600 };
	static const guint widths[] = { 1, 5, 20 };
	static const double lambdas[] = { 0.003, 0.1, 1 };
	struct logistic fits[CASES];
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *out = NULL, *why = NULL;
	double worst = 0;

	for (guint i = 0; i < CASES; i++) {
		struct made m = make(i + 1, sizes[i / 6], widths[i % 3], i % 2);
		fits[i] = logistic_fit(&m.d, lambdas[i % 4 % 3]);
		append_case(text, &m, lambdas[i % 4 % 3]);
		made_clear(&m);
	}
	out = peer_run(__FILE__, "logistic_reference.py", text->str, -1, &why);
	if (out == NULL) {
		g_test_skip(why);
		return;
	}
	g_auto(GStrv) lines = g_strsplit(out, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, CASES);
	for (guint i = 0; i < CASES; i++) {
		g_auto(GStrv) words = g_strsplit(lines[i], " ", -1);
		g_assert_cmpuint(g_strv_length(words), ==, fits[i].p + 1);
		for (guint j = 0; j <= fits[i].p; j++) {
			double ours = j < fits[i].p ? fits[i].weight[j] : fits[i].intercept, theirs = g_ascii_strtod(words[j], NULL);
			worst = MAX(worst, fabs(ours - theirs));
			g_test_message("case %u weight %u: %.9g, theirs %.9g", i, j, ours, theirs);
			g_assert_cmpfloat_with_epsilon(ours, theirs, 1e-6);
		}
	}
	g_test_message("largest difference %.1e", worst);
}

/* Two slides at z = -1 and 1: w = 1 / (lambda (1 + e^w)), so that lambda = 1 / (2 (1 + e^2)) gives 2. */
static void test_by_hand(void)
{
	const double x[] = { 10, 30 };
	const guint8 label[] = { 0, 1 };
	const gint8 down[] = { -1 };
	struct logistic_data d = { .x = x, .label = label, .n = 2, .p = 1 };
	struct logistic f = logistic_fit(&d, 1 / (2 * (1 + exp(2))));

	g_assert_cmpfloat_with_epsilon(f.mean[0], 20, 1e-12);
	g_assert_cmpfloat_with_epsilon(f.scale[0], 0.1, 1e-12);
	g_assert_cmpfloat_with_epsilon(f.weight[0], 2, 1e-9);
	g_assert_cmpfloat_with_epsilon(f.intercept, 0, 1e-9);
	g_assert_cmpfloat_with_epsilon(logistic_logit(&f, (const double[]){ 25 }), 1, 1e-9);
	g_assert_cmpfloat_with_epsilon(logistic_logit(&f, (const double[]){ NAN }), 0, 1e-9);
	g_assert_cmpfloat_with_epsilon(logistic_logit(&f, (const double[]){ INFINITY }), 0, 1e-9);
	g_assert_cmpfloat_with_epsilon(logistic_logit(&f, (const double[]){ G_MAXDOUBLE }), 200, 1e-6);
	d.sign_opt = down;
	f = logistic_fit(&d, 0.01);
	g_assert_cmpfloat(f.weight[0], ==, 0);
}

static void test_signs(void)
{
	for (guint32 seed = 1; seed <= 40; seed++) {
		struct made m = make(seed, 20 + seed, 10, TRUE);
		struct logistic f = logistic_fit(&m.d, 0.001);
		for (guint j = 0; j < 10; j++)
			g_assert_cmpfloat(m.sign[j] * f.weight[j], >=, 0);
		made_clear(&m);
	}
}

static void assert_finite(const struct logistic_data *d)
{
	g_autofree double *out = g_new(double, d->n + 1);
	double lambda = logistic_choose(d, 1);
	struct logistic f = logistic_fit(d, lambda);

	g_assert_true(lambda >= 0.00099 && lambda <= 10.001);
	g_assert_true(isfinite(f.intercept));
	for (guint j = 0; j < d->p; j++)
		g_assert_true(isfinite(f.weight[j]) && isfinite(f.mean[j]) && isfinite(f.scale[j]));
	logistic_out_of_fold(d, 1, out);
	for (gsize i = 0; i < d->n; i++)
		g_assert_true(isfinite(out[i]));
}

/* Separable, constant, one class, fewer slides than features, nothing, not finite, huge. */
static void test_odd(void)
{
	static const double huge[] = { G_MAXDOUBLE, -G_MAXDOUBLE, 1e300, NAN, INFINITY, -INFINITY, 1, 2, 0, 1e-300, 3, 4 };

	for (gsize n = 0; n <= 12; n++) {
		struct made m = make((guint32)n + 1, n, 20, n % 2);
		assert_finite(&m.d);
		memset(m.label, 1, n);
		assert_finite(&m.d);
		struct logistic f = logistic_fit(&m.d, 0.1);
		g_assert_cmpfloat_with_epsilon(f.intercept, log((double)n + 1), 1e-12);
		for (guint j = 0; j < 20; j++)
			g_assert_cmpfloat(f.weight[j], ==, 0);
		for (gsize i = 0; i < n; i++)
			m.label[i] = i % 2;
		for (gsize i = 0; i < n; i++)
			for (guint j = 0; j < 20; j++)
				m.x[i * 20 + j] = j == 0 ? m.label[i] * 1e-5 : j == 1 ? 0.1 : huge[(i + j) % 12];
		assert_finite(&m.d);
		f = logistic_fit(&m.d, 0.1);
		g_assert_cmpfloat(f.scale[1], ==, 0);
		g_assert_cmpfloat(f.weight[1], ==, 0);
		g_assert_true(n < 2 || f.weight[0] > 0);
		made_clear(&m);
	}
}

/* What says nothing gets the strongest penalty, what says much a weaker one; the same seed, the same. */
static void test_choose(void)
{
	struct made noise = make(1, 100, 5, FALSE), tells = make(2, 300, 5, FALSE);
	double out[300], again[300];
	g_autoptr(GRand) source = g_rand_new_with_seed(9);

	for (gsize i = 0; i < 100; i++)
		noise.label[i] = g_rand_boolean(source);
	for (gsize i = 0; i < 300; i++)
		tells.label[i] = tells.x[i * 5] > 0.05;
	g_assert_cmpfloat_with_epsilon(logistic_choose(&noise.d, 1), 10, 1e-9);
	g_assert_cmpfloat(logistic_choose(&tells.d, 1), <, 0.02);
	logistic_out_of_fold(&tells.d, 7, out);
	logistic_out_of_fold(&tells.d, 7, again);
	g_assert_true(memcmp(out, again, sizeof out) == 0);
	gsize right = 0;
	for (gsize i = 0; i < 300; i++)
		right += (out[i] > 0) == tells.label[i];
	g_assert_cmpuint(right, >, 280);
	made_clear(&noise);
	made_clear(&tells);
}

/* A feature that names the group tells its slides' label, but only to a fit that saw the group. */
static void test_groups(void)
{
	enum { N = 120, P = 20 };
	double x[N * P] = { 0 }, out[N];
	guint8 label[N];
	guint32 group[N];
	gsize right = 0;
	struct logistic_data d = { .x = x, .label = label, .group_opt = group, .n = N, .p = P };

	for (guint i = 0; i < N; i++) {
		group[i] = 7000 + i / 6;
		label[i] = i / 6 % 2;
		x[i * P + i / 6] = 1;
	}
	logistic_out_of_fold(&d, 3, out);
	for (guint i = 0; i < N; i++)
		right += (out[i] > 0) == label[i];
	g_assert_cmpuint(right, <=, N / 2);
}

static void test_folds(void)
{
	guint8 label[100];
	guint32 group[100];
	guint fold[100], again[100], slides[5] = { 0 }, ones[5] = { 0 };

	for (guint i = 0; i < 100; i++) {
		group[i] = i / 2;
		label[i] = i % 10 == 3;
	}
	g_assert_cmpuint(logistic_folds(label, group, 100, 5, 11, fold), ==, 5);
	g_assert_cmpuint(logistic_folds(label, group, 100, 5, 11, again), ==, 5);
	g_assert_true(memcmp(fold, again, sizeof fold) == 0);
	logistic_folds(label, group, 100, 5, 12, again);
	g_assert_true(memcmp(fold, again, sizeof fold) != 0);
	for (guint i = 0; i < 100; i++) {
		g_assert_cmpuint(fold[i], ==, fold[i / 2 * 2]);
		slides[fold[i]]++;
		ones[fold[i]] += label[i];
	}
	for (int k = 0; k < 5; k++) {
		g_assert_cmpuint(slides[k], ==, 20);
		g_assert_cmpuint(ones[k], ==, 2);
	}
	g_assert_cmpuint(logistic_folds(label, group, 6, 5, 11, fold), ==, 3);
	g_assert_cmpuint(logistic_folds(label, NULL, 4, 5, 11, fold), ==, 4);
	g_assert_cmpuint(logistic_folds(label, NULL, 0, 5, 11, fold), ==, 0);
}

/* Constant scores: a fold that lacks positives has a lower intercept, which must not order it. */
static void test_shift(void)
{
	double x[7] = { 0 }, out[7];
	guint8 label[] = { 1, 1, 0, 0, 0, 0, 1 };
	struct logistic_data d = { .x = x, .label = label, .n = 7, .p = 1 };

	logistic_out_of_fold(&d, 3, out);
	for (int i = 1; i < 7; i++)
		g_assert_cmpfloat_with_epsilon(out[i], out[0], 1e-9);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/logistic/reference", test_reference);
	g_test_add_func("/logistic/by-hand", test_by_hand);
	g_test_add_func("/logistic/signs", test_signs);
	g_test_add_func("/logistic/odd", test_odd);
	g_test_add_func("/logistic/choose", test_choose);
	g_test_add_func("/logistic/groups", test_groups);
	g_test_add_func("/logistic/folds", test_folds);
	g_test_add_func("/logistic/shift", test_shift);
	return g_test_run();
}
