/*
 * test-metrics.c - metrics.h against values worked out by hand, at its edges, and, on random cases with
 * ties, against scikit-learn, SciPy and a DeLong over all pairs (metrics_reference.py beside this).
 */
#include "common/metrics/calibration.h"
#include "common/metrics/metrics.h"
#include "tests/unit/near.h"
#include <glib/gstdio.h>
#include <sys/wait.h>

#define SCRIPT "metrics_reference.py"
#define NO_TEST 77      /* the script's exit code where a package is missing */

static void test_auc(void)
{
	const double score[] = { 0.1, 0.4, 0.35, 0.8 };
	const guint8 label[] = { 0, 0, 1, 1 };
	const double tied[] = { 1, 2, 2, 2, 3 };
	const guint8 tied_label[] = { 0, 1, 0, 1, 1 };
	const double zeros[] = { -0.0, 0.0 };
	const guint8 two[] = { 0, 1 };

	assert_near(metrics_auc(score, label, 4), 0.75);
	assert_near(metrics_auc(tied, tied_label, 5), 5.0 / 6); /* 3 + 0.5 + 0.5 + 1 of 6 pairs */
	g_assert_cmpfloat(metrics_auc(zeros, two, 2), ==, 0.5);
}

/* Of one class, or none: no curve, no interval, no test. */
static void test_class_missing(void)
{
	const double score[] = { 0.2, 0.7, 0.9 };
	const guint8 labels[2][3] = { { 0, 0, 0 }, { 1, 1, 1 } };

	for (gsize n = 0; n <= 3; n++)
		for (int class = 0; class < 2; class++) {
			g_autoptr(GArray) roc = metrics_roc(score, labels[class], n);
			struct interval interval = metrics_auc_interval(score, labels[class], n, 0.95);
			struct auc_test test = metrics_auc_test(score, score, labels[class], n, 0.95);

			g_assert_true(isnan(metrics_auc(score, labels[class], n)));
			g_assert_true(isnan(interval.value) && isnan(interval.low) && isnan(interval.high));
			g_assert_true(isnan(test.p) && isnan(test.difference.value) && isnan(test.difference.low));
			g_assert_cmpuint(roc->len, ==, n + 1);
			g_assert_true(isnan(metrics_at_specificity(roc, 0.9).sensitivity));
		}
	g_assert_true(isnan(metrics_brier(score, labels[0], 0)));
	g_assert_true(isnan(metrics_log_loss(score, labels[0], 0)));
	assert_near(metrics_brier(score, labels[0], 1), 0.04);
	assert_near(metrics_log_loss(score, labels[1], 1), -log(0.2));
}

/* No variance: the exact binomial interval of the rarer class, of which there are 3 (or 2, or 1). */
static void test_interval_exact(void)
{
	const double ordered[] = { 1, 2, 3, 4, 5, 6, 7 };
	const double same[] = { 4, 4, 4, 4, 4, 4, 4 };
	const guint8 last[] = { 0, 0, 0, 0, 1, 1, 1 }, first[] = { 1, 1, 1, 0, 0, 0, 0 };
	const guint8 one[] = { 0, 0, 0, 0, 0, 0, 1 };
	struct interval i = metrics_auc_interval(ordered, last, 7, 0.95);

	assert_near(i.value, 1);
	assert_near(i.low, cbrt(0.025));
	assert_near(i.high, 1);
	i = metrics_auc_interval(ordered, first, 7, 0.9);
	assert_near(i.value, 0);
	assert_near(i.low, 0);
	assert_near(i.high, 1 - cbrt(0.05));
	i = metrics_auc_interval(ordered, one, 7, 0.95);
	assert_near(i.low, 0.025);
	assert_near(i.high, 1);
	i = metrics_auc_interval(same, last, 7, 0.95);
	g_assert_cmpfloat(i.value, ==, 0.5);
	assert_near(i.low, 1 - i.high);
	g_assert_cmpfloat(i.low, >, 0.025);     /* of one case */
	g_assert_cmpfloat(i.low, <, 0.2);
	/* one of two cases */
	i = metrics_auc_interval(same, (const guint8[]){ 0, 1, 0, 1 }, 4, 0.95);
	assert_near(i.low, 1 - sqrt(0.975));
	assert_near(i.high, sqrt(0.975));
}

/* Placements by hand: of the ones 1/2 and 1, of the zeros 1 and 1/2; variance 1/8 / 2 twice: 1/8. */
static void test_interval_by_hand(void)
{
	const double score[] = { 0.1, 0.4, 0.35, 0.8 };
	const guint8 label[] = { 0, 0, 1, 1 };
	struct interval i = metrics_auc_interval(score, label, 4, 0.95);
	double reach = 1.9599639845400545 * sqrt(0.125) / (0.75 * 0.25);

	assert_near(i.value, 0.75);
	assert_near(i.low, 1 / (1 + exp(reach - log(3))));
	assert_near(i.high, 1 / (1 + exp(-reach - log(3))));
}

static void test_auc_test(void)
{
	const double a[] = { 0.1, 0.4, 0.35, 0.8 }, cubed[] = { 1, 64, 42, 512 }, back[] = { 4, 3, 2, 1 };
	const double up[] = { 1, 2, 3, 4 };
	const guint8 label[] = { 0, 0, 1, 1 }, one[] = { 0, 0, 0, 1 };
	struct auc_test t = metrics_auc_test(a, cubed, label, 4, 0.95);

	g_assert_cmpfloat(t.p, ==, 1);
	g_assert_true(t.difference.value == 0 && t.difference.low == 0 && t.difference.high == 0);
	/* all pairs in order against none: a difference of 1, without variance */
	t = metrics_auc_test(up, back, label, 4, 0.95);
	g_assert_true(isnan(t.p) && isnan(t.difference.low) && isnan(t.difference.high));
	g_assert_cmpfloat(t.difference.value, ==, 1);
	t = metrics_auc_test(a, back, one, 4, 0.95);
	g_assert_true(isnan(t.p) && isnan(t.difference.low));
	g_assert_cmpfloat(t.difference.value, ==, 1);
	/* a - back: placements of the ones 1/2 and 1, of the zeros 1 and 1/2, as back's are all 0: variance 1/8 */
	t = metrics_auc_test(a, back, label, 4, 0.95);
	assert_near(t.p, erfc(0.75 / sqrt(0.25)));
	assert_near(t.difference.value, 0.75);
	assert_near(t.difference.low, 0.75 - 1.9599639845400545 * sqrt(0.125));
	assert_near(t.difference.high, 0.75 + 1.9599639845400545 * sqrt(0.125));
}

static void test_roc(void)
{
	const double score[] = { 3, 1, 2, 2 };
	const guint8 label[] = { 1, 0, 0, 1 };
	const struct roc_point expected[] = { { (double)INFINITY, 0, 1 }, { 3, 0.5, 1 }, { 2, 1, 0.5 }, { 1, 1, 0 } };
	g_autoptr(GArray) roc = metrics_roc(score, label, 4);

	g_assert_cmpuint(roc->len, ==, G_N_ELEMENTS(expected));
	g_assert_cmpint(memcmp(roc->data, expected, sizeof expected), ==, 0);
	assert_near(metrics_at_specificity(roc, 1).sensitivity, 0.5);
	assert_near(metrics_at_specificity(roc, 0.51).sensitivity, 0.5);
	assert_near(metrics_at_specificity(roc, 0.5).sensitivity, 1);
	assert_near(metrics_at_specificity(roc, 0).sensitivity, 1);
	g_assert_cmpfloat(metrics_at_specificity(roc, 0).threshold, ==, 2);     /* of two equal ones, the higher */
}

static void test_confusion(void)
{
	const double score[] = { 0.5, 0.49, 0.9, 0.1, 0.6 };
	const guint8 label[] = { 1, 1, 0, 0, 1 };
	struct confusion c = metrics_confusion(score, label, 5, 0.5);

	g_assert_cmpuint(c.tp, ==, 2);
	g_assert_cmpuint(c.fn, ==, 1);
	g_assert_cmpuint(c.fp, ==, 1);
	g_assert_cmpuint(c.tn, ==, 1);
	/* clipped, not infinite */
	assert_near(metrics_log_loss((const double[]){ 0 }, (const guint8[]){ 1 }, 1), -log(1e-15));
	assert_near(metrics_brier((const double[]){ 0, 0.5 }, (const guint8[]){ 1, 1 }, 2), 0.625);
}

static void test_saturation(void)
{
	const double score[] = { 0.5, 0, 1, 0.5, 0.01, 0.5, 0.99, 1 };
	struct saturation s = metrics_saturation(score, 8, 0.01);

	g_assert_cmpuint(s.tied, ==, 5);
	g_assert_cmpuint(s.high, ==, 2);
	g_assert_cmpuint(s.low, ==, 1);
	g_assert_cmpuint(metrics_saturation(score, 1, 0.01).tied, ==, 0);
	g_assert_cmpuint(metrics_saturation(NULL, 0, 0.01).tied, ==, 0);
}

static void test_quantile(void)
{
	const double sorted[] = { 1, 2, 4, 8 };

	assert_near(metrics_quantile(sorted, 4, 0), 1);
	assert_near(metrics_quantile(sorted, 4, 1), 8);
	assert_near(metrics_quantile(sorted, 4, 0.5), 3);
	assert_near(metrics_quantile(sorted, 4, 0.25), 1.75);
	assert_near(metrics_quantile(sorted, 1, 0.3), 1);
}

static void test_normal(void)
{
	assert_near(metrics_normal_quantile(0.975), 1.9599639845400545);
	assert_near(metrics_normal_quantile(0.025), -1.9599639845400545);
	assert_near(metrics_normal_quantile(0.5), 0);
	g_assert_cmpfloat(metrics_normal_quantile(0), ==, -(double)INFINITY);
	g_assert_cmpfloat(metrics_normal_quantile(1), ==, (double)INFINITY);
	g_assert_true(isnan(metrics_normal_quantile(1.5)));
	g_assert_true(isnan(metrics_normal_quantile((double)NAN)));
	assert_near(metrics_normal_cdf(0), 0.5);
	for (double p = 1e-9; p < 1; p += 0.00137)
		assert_near(metrics_normal_cdf(metrics_normal_quantile(p)), p);
}

/* Of 1 of 2 at z = 1: centre 1/2, reach sqrt(1/2 + 1/4) / 3; of 0 of 3: high z^2 / (3 + z^2). */
static void test_shares(void)
{
	const double level = 2 * metrics_normal_cdf(1) - 1, z = 1.9599639845400545;
	struct interval i = metrics_wilson_interval(1, 2, level);

	assert_near(metrics_beta_cdf(1, 1, 0.3), 0.3);  /* x; x^2; 1 - (1 - x)^3 */
	assert_near(metrics_beta_cdf(2, 1, 0.3), 0.09);
	assert_near(metrics_beta_cdf(1, 3, 0.9), 0.999);
	g_assert_true(metrics_beta_cdf(2, 3, -1) == 0 && metrics_beta_cdf(2, 3, 2) == 1);
	assert_near(i.value, 0.5);
	assert_near(i.low, 0.5 - sqrt(0.75) / 3);
	assert_near(i.high, 0.5 + sqrt(0.75) / 3);
	i = metrics_wilson_interval(0, 3, 0.95);
	g_assert_true(i.value == 0 && i.low == 0);
	assert_near(i.high, z * z / (3 + z * z));
	i = metrics_wilson_interval(3, 3, 0.95);
	g_assert_true(i.value == 1 && i.high == 1);
	assert_near(i.low, 3 / (3 + z * z));
	i = metrics_wilson_interval(0, 0, 0.95);
	g_assert_true(isnan(i.value) && isnan(i.low) && isnan(i.high));
	i = metrics_binomial_interval(1, 3, 0.95);
	assert_near(i.low, cbrt(0.025));
	i = metrics_normal_interval(3, 4, level);
	assert_near(i.low, 1);
	assert_near(i.high, 5);
	g_assert_true(isnan(metrics_normal_interval(3, NAN, level).low));
}

/* ---- against the reference ---- */

#define LEVEL 0.9
#define BINS  7       /* as in the script */

struct random_case {
	gsize n;
	double *a, *b;
	guint8 *label;
	GArray *roc, *bins;     /* of a */
	struct recalibration fit;
};

static void random_case_clear(struct random_case *c)
{
	g_free(c->a);
	g_free(c->b);
	g_free(c->label);
	g_array_unref(c->roc);
	g_array_unref(c->bins);
}

/* Scores of few or many steps, so with many ties or few; at least one case of each class. */
static void random_case_init(struct random_case *c, GRand *random, int number)
{
	static const int steps[] = { 2, 4, 10, 100, 1 << 30 };
	int step = steps[number % (int)G_N_ELEMENTS(steps)];
	double shift = g_rand_double(random), share = g_rand_double(random);

	c->n = (gsize)g_rand_int_range(random, 2, number % 7 == 0 ? 400 : 40);
	c->a = g_new(double, c->n);
	c->b = g_new(double, c->n);
	c->label = g_new(guint8, c->n);
	for (gsize i = 0; i < c->n; i++) {
		double common = g_rand_double(random);

		c->label[i] = i < 2 ? (guint8)i : g_rand_double(random) < share;
		c->a[i] = (common + g_rand_double(random) + shift * c->label[i]) / 3;
		c->b[i] = (common + g_rand_double(random) + 0.3 * c->label[i]) / 3;
		c->a[i] = floor(c->a[i] * step) / step;
		c->b[i] = floor(c->b[i] * step) / step;
	}
	c->roc = metrics_roc(c->a, c->label, c->n);
	c->bins = calibration_bins(c->a, c->label, c->n, BINS, LEVEL);
	c->fit = calibration_fit(c->a, c->label, c->n, LEVEL);
}

static void append_numbers(GString *text, const double *values, gsize n)
{
	char digits[G_ASCII_DTOSTR_BUF_SIZE];

	for (gsize i = 0; i < n; i++) {
		g_string_append(text, g_ascii_dtostr(digits, sizeof digits, values[i]));
		g_string_append_c(text, i + 1 < n ? ' ' : '\n');
	}
}

static void append_case(GString *text, const struct random_case *c, int number)
{
	g_string_append_printf(text, "scores %d %g ", number, LEVEL);
	for (gsize i = 0; i < c->n; i++)
		g_string_append_c(text, c->label[i] != 0 ? '1' : '0');
	g_string_append_c(text, '\n');
	append_numbers(text, c->a, c->n);
	append_numbers(text, c->b, c->n);
}

static int compare_double(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double quantile(const struct random_case *c, double q)
{
	g_autofree double *sorted = g_memdup2(c->a, c->n * sizeof *sorted);

	qsort(sorted, c->n, sizeof *sorted, compare_double);
	return metrics_quantile(sorted, c->n, q);
}

/* The metric of that name, as the script prints it, `name` or `name@number`; FALSE: there is none. */
static gboolean ours(const struct random_case *c, const char *metric, double *value)
{
	g_auto(GStrv) parts = g_strsplit(metric, "@", 2);
	double at = parts[1] != NULL ? g_ascii_strtod(parts[1], NULL) : 0;
	struct interval interval = metrics_auc_interval(c->a, c->label, c->n, LEVEL);
	struct auc_test test = metrics_auc_test(c->a, c->b, c->label, c->n, LEVEL);
	struct confusion k = metrics_confusion(c->a, c->label, c->n, 0.5);
	struct roc_point best = metrics_at_specificity(c->roc, at);
	struct roc_point point = g_array_index(c->roc, struct roc_point, (guint)at % c->roc->len);
	struct calibration_bin bin = g_array_index(c->bins, struct calibration_bin, (guint)at % c->bins->len);
	const struct { const char *name; double value; } known[] = {
		{ "auc", metrics_auc(c->a, c->label, c->n) },
		{ "low", interval.low },
		{ "high", interval.high },
		{ "difference", test.difference.value },
		{ "difference_low", test.difference.low },
		{ "difference_high", test.difference.high },
		{ "p", test.p },
		{ "points", c->roc->len },
		{ "threshold", point.threshold },
		{ "sensitivity", point.sensitivity },
		{ "specificity", point.specificity },
		{ "best_sensitivity", best.sensitivity },
		{ "best_specificity", best.specificity },
		{ "tp", (double)k.tp },
		{ "fp", (double)k.fp },
		{ "tn", (double)k.tn },
		{ "fn", (double)k.fn },
		{ "brier", metrics_brier(c->a, c->label, c->n) },
		{ "log_loss", metrics_log_loss(c->a, c->label, c->n) },
		{ "quantile", quantile(c, CLAMP(at, 0, 1)) },
		{ "bins", c->bins->len },
		{ "bin_n", (double)bin.n },
		{ "bin_low", bin.low },
		{ "bin_high", bin.high },
		{ "bin_mean", bin.mean },
		{ "bin_observed", bin.observed.value },
		{ "bin_observed_low", bin.observed.low },
		{ "bin_observed_high", bin.observed.high },
		{ "ece", calibration_error(c->bins) },
		{ "in_the_large", c->fit.in_the_large.value },
		{ "in_the_large_low", c->fit.in_the_large.low },
		{ "intercept", c->fit.intercept.value },
		{ "intercept_low", c->fit.intercept.low },
		{ "slope", c->fit.slope.value },
		{ "slope_high", c->fit.slope.high },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
		if (g_str_equal(parts[0], known[i].name)) {
			*value = known[i].value;
			return TRUE;
		}
	return FALSE;
}

/* What the script prints of the cases in `text`; NULL and a reason where it cannot run. */
static char *reference(const char *text, char **reason)
{
	g_autofree char *folder = g_path_get_dirname(__FILE__);
	g_autofree char *script = g_build_filename(folder, SCRIPT, NULL);
	g_autofree char *output = NULL, *path = NULL;
	const char *given = g_getenv("PYTHON");
	const char *pythons[] = { given != NULL ? given : "python3", "/usr/bin/python3" };
	int fd = g_file_open_tmp("metrics-XXXXXX", &path, NULL), status = -1;

	*reason = NULL;
	g_assert_cmpint(fd, >=, 0);
	g_close(fd, NULL);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	if (!g_file_test(script, G_FILE_TEST_EXISTS))
		*reason = g_strdup_printf("no %s from here", script);
	for (gsize i = 0; *reason == NULL && status != 0 && i < G_N_ELEMENTS(pythons); i++) {
		const char *argv[] = { pythons[i], script, path, NULL };

		g_clear_pointer(&output, g_free);
		if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, NULL,
				  &status, NULL))
			status = -1;
		else if (status != 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == NO_TEST))
			g_error("%s %s: status %d", pythons[i], script, status);
	}
	if (*reason == NULL && status != 0)
		*reason = g_strdup(output != NULL ? g_strchomp(output) : "no python3");
	g_unlink(path);
	return *reason == NULL ? g_steal_pointer(&output) : NULL;
}

static void test_reference(void)
{
	struct random_case cases[200];
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GRand) random = g_rand_new_with_seed(2018);
	g_autofree char *output = NULL, *reason = NULL;
	g_auto(GStrv) lines = NULL;
	int compared = 0;

	for (int i = 0; i < (int)G_N_ELEMENTS(cases); i++) {
		random_case_init(&cases[i], random, i);
		append_case(text, &cases[i], i);
	}
	output = reference(text->str, &reason);
	if (output != NULL)
		lines = g_strsplit(output, "\n", -1);
	for (gsize i = 0; lines != NULL && lines[i] != NULL && lines[i][0] != '\0'; i++) {
		g_auto(GStrv) words = g_strsplit(lines[i], " ", 3);
		guint64 number = g_ascii_strtoull(words[0], NULL, 10);
		double value, theirs = g_ascii_strtod(words[2], NULL);

		g_assert_cmpuint(number, <, G_N_ELEMENTS(cases));
		g_assert_true(ours(&cases[number], words[1], &value));
		if (!near(value, theirs))
			g_error("case %s: %s is %.17g, the reference has %.17g", words[0], words[1], value,
				theirs);
		compared++;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
		random_case_clear(&cases[i]);
	if (reason != NULL)
		g_test_skip(reason);
	else
		g_assert_cmpint(compared, >, 60 * (int)G_N_ELEMENTS(cases));
}

static void test_reference_normal(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *output = NULL, *reason = NULL;
	g_auto(GStrv) lines = NULL;
	double points[60][2];

	for (int i = 0; i < (int)G_N_ELEMENTS(points); i++) {
		points[i][0] = i < 30 ? pow(10, -i - 1) : (i - 29) / 31.0;
		points[i][1] = (i - 30) / 4.0;
		g_string_append_printf(text, "normal %d %.17g %.17g\n", i, points[i][0], points[i][1]);
	}
	output = reference(text->str, &reason);
	if (output == NULL) {
		g_test_skip(reason);
		return;
	}
	lines = g_strsplit(output, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, 2 * G_N_ELEMENTS(points) + 1);
	for (gsize i = 0; i < 2 * G_N_ELEMENTS(points); i++) {
		g_auto(GStrv) words = g_strsplit(lines[i], " ", 3);
		const double *point = points[g_ascii_strtoull(words[0], NULL, 10)];
		double theirs = g_ascii_strtod(words[2], NULL);

		if (g_str_equal(words[1], "cdf"))
			assert_near(metrics_normal_cdf(point[1]), theirs);
		else
			assert_near(metrics_normal_quantile(point[0]), theirs);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/metrics/auc", test_auc);
	g_test_add_func("/metrics/class-missing", test_class_missing);
	g_test_add_func("/metrics/interval-exact", test_interval_exact);
	g_test_add_func("/metrics/interval-by-hand", test_interval_by_hand);
	g_test_add_func("/metrics/auc-test", test_auc_test);
	g_test_add_func("/metrics/roc", test_roc);
	g_test_add_func("/metrics/confusion", test_confusion);
	g_test_add_func("/metrics/saturation", test_saturation);
	g_test_add_func("/metrics/quantile", test_quantile);
	g_test_add_func("/metrics/normal", test_normal);
	g_test_add_func("/metrics/shares", test_shares);
	g_test_add_func("/metrics/reference", test_reference);
	g_test_add_func("/metrics/reference-normal", test_reference_normal);
	return g_test_run();
}
