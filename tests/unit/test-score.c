/*
 * test-score.c - the mean of the highest tiles against sorting; the logistic fit against one by gradient
 * descent, written here without any of its shortcuts, and its promises where data are odd.
 */
#include "common/score/score.h"
#include <math.h>
#include <stdlib.h>

static void test_order(void)
{
	const float values[] = { 1, NAN, 3, -2, 3, INFINITY, 0 };
	const guint32 want[] = { 2, 4, 0, 6, 3 };
	guint32 order[7];

	g_assert_cmpuint(score_order(values, 7, order), ==, 5);
	g_assert_true(memcmp(order, want, sizeof want) == 0);
	g_assert_cmpuint(score_order(values, 0, order), ==, 0);
	g_assert_cmpuint(score_order(values + 1, 1, order), ==, 0);
}

static void test_top_mean(void)
{
	const float values[] = { 1, 5, NAN, -2, 5, INFINITY, 3, -INFINITY, 4 };
	const float ties[] = { 2, 2, 2, 2 }, none[] = { NAN, NAN }, negative[] = { -8, -1, -4 };

	g_assert_cmpfloat(score_top_mean(values, 9, 1), ==, 5);
	g_assert_cmpfloat(score_top_mean(values, 9, 2), ==, 5);
	g_assert_cmpfloat_with_epsilon(score_top_mean(values, 9, 3), 14 / 3.0, 1e-12);
	g_assert_cmpfloat_with_epsilon(score_top_mean(values, 9, 4), 17 / 4.0, 1e-12);
	g_assert_cmpfloat_with_epsilon(score_top_mean(values, 9, 6), 16 / 6.0, 1e-12); /* all that are finite */
	g_assert_cmpfloat_with_epsilon(score_top_mean(values, 9, 1000), 16 / 6.0, 1e-12);
	g_assert_cmpfloat(score_top_mean(ties, 4, 3), ==, 2);
	g_assert_cmpfloat(score_top_mean(negative, 3, 2), ==, -2.5);
	g_assert_true(isnan(score_top_mean(none, 2, 3)));
	g_assert_true(isnan(score_top_mean(NULL, 0, 3)));
}

static int descending(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x < y) - (x > y);
}

static void test_top_mean_sorted(void)
{
	g_autoptr(GRand) source = g_rand_new_with_seed(3);

	for (int round = 0; round < 200; round++) {
		float values[60], sorted[60];
		guint n = (guint)g_rand_int_range(source, 1, 60), k = (guint)g_rand_int_range(source, 1, 70);
		double sum = 0;
		for (guint i = 0; i < n; i++)   /* few values: many ties */
			sorted[i] = values[i] = (float)g_rand_int_range(source, -9, 10) / 4;
		qsort(sorted, n, sizeof *sorted, descending);
		for (guint i = 0; i < MIN(n, k); i++)
			sum += sorted[i];
		g_assert_cmpfloat_with_epsilon(score_top_mean(values, n, k), sum / MIN(n, k), 1e-6);
	}
}

static void test_probability(void)
{
	struct score_fit f = { 2, -1 };

	g_assert_cmpfloat(score_probability(f, 0.5), ==, 0.5);
	g_assert_cmpfloat_with_epsilon(score_probability(f, 1), 0.7310585786300049, 1e-15);
	g_assert_cmpfloat(score_probability(f, 1e6), ==, 1);
	g_assert_cmpfloat(score_probability(f, -1e6), ==, 0);
}

/* Gradient descent on Platt's loss in x as it is; x of about -5..5. */
static struct score_fit descend(const double *x, const guint8 *label, gsize n)
{
	struct score_fit f = { 0, 0 };
	double positive = 0, negative = 0;

	for (gsize i = 0; i < n; i++)
		*(label[i] ? &positive : &negative) += 1;
	for (int round = 0; round < 400000; round++) {
		double ga = 0, gb = 0;
		for (gsize i = 0; i < n; i++) {
			double t = label[i] ? (positive + 1) / (positive + 2) : 1 / (negative + 2);
			double d = 1 / (1 + exp(-(f.slope * x[i] + f.intercept))) - t;
			ga += d * x[i] / (double)n;
			gb += d / (double)n;
		}
		f.slope -= 0.3 * ga;
		f.intercept -= 0.3 * gb;
		if (fabs(ga) + fabs(gb) < 1e-12)
			break;
	}
	return f;
}

static void assert_fit(const double *x, const guint8 *label, gsize n)
{
	struct score_fit got = score_fit_logistic(x, label, n), want = descend(x, label, n);

	g_assert_cmpfloat_with_epsilon(got.slope, want.slope, 1e-4 * MAX(1, fabs(want.slope)));
	g_assert_cmpfloat_with_epsilon(got.intercept, want.intercept, 1e-4 * MAX(1, fabs(want.intercept)));
}

static void test_fit(void)
{
	const double x[] = { -3, -2.5, -1, -0.5, 0, 0.5, 0.75, 2, 3, 4 };
	const guint8 label[] = { 0, 0, 0, 1, 0, 1, 0, 1, 1, 1 };
	const double few[] = { -1, 2, 0.5 };
	const guint8 one[] = { 0, 1, 0 };

	assert_fit(x, label, 10);
	assert_fit(few, one, 3);
	for (guint32 seed = 1; seed <= 5; seed++) {
		g_autoptr(GRand) source = g_rand_new_with_seed(seed);
		double values[40];
		guint8 labels[40];
		for (int i = 0; i < 40; i++) {
			labels[i] = i % 3 == 0;
			values[i] = labels[i] + g_rand_double_range(source, -1.5, 1.5);
		}
		assert_fit(values, labels, 40);
	}
}

/* Scores of another unit or origin: the same probabilities. */
static void test_moved(void)
{
	const double x[] = { -3, -2.5, -1, -0.5, 0, 0.5, 0.75, 2, 3, 4 };
	const guint8 label[] = { 0, 0, 0, 1, 0, 1, 0, 1, 1, 1 };
	double far[10];
	struct score_fit near = score_fit_logistic(x, label, 10);

	for (int i = 0; i < 10; i++)
		far[i] = 1e6 + 1e-3 * x[i];
	struct score_fit moved = score_fit_logistic(far, label, 10);
	for (int i = 0; i < 10; i++)
		g_assert_cmpfloat_with_epsilon(score_probability(moved, far[i]), score_probability(near, x[i]), 1e-5);
}

/* Platt's targets keep the fit of separable data finite: the probabilities come to the targets. */
static void test_separable(void)
{
	const double x[] = { -2, -1, 1, 2, 3 }, two[] = { -1, 1 };
	const guint8 label[] = { 0, 0, 1, 1, 1 }, apart[] = { 0, 1 };
	struct score_fit f = score_fit_logistic(x, label, 5);

	g_assert_true(isfinite(f.slope) && isfinite(f.intercept));
	g_assert_cmpfloat(f.slope, >, 0);
	for (int i = 0; i < 5; i++)
		g_assert_true((score_probability(f, x[i]) > 0.5) == label[i]);
	f = score_fit_logistic(two, apart, 2);
	g_assert_cmpfloat_with_epsilon(f.slope, log(2), 1e-6);          /* targets 2/3 and 1/3 */
	g_assert_cmpfloat_with_epsilon(f.intercept, 0, 1e-6);
}

static void assert_plain(const double *x, const guint8 *label, gsize n, double mean, double share)
{
	struct score_fit f = score_fit_logistic(x, label, n);

	g_assert_cmpfloat(f.slope, ==, 1);
	g_assert_cmpfloat_with_epsilon(f.intercept, log(share / (1 - share)) - mean, 1e-12);
}

/* Reversed, one class, one value, nothing: slope 1 about the mean, moved to the share of label 1. */
static void test_plain(void)
{
	const double x[] = { -2, -1, 1, 4 }, same[] = { 3, 3, 3 };
	const guint8 reversed[] = { 1, 1, 0, 0 }, ones[] = { 1, 1, 1, 1 }, zeros[] = { 0, 0, 0, 0 }, mixed[] = { 0, 1, 1 };

	assert_plain(x, reversed, 4, 0.5, 3.0 / 6);
	assert_plain(x, ones, 4, 0.5, 5.0 / 6);
	assert_plain(x, zeros, 4, 0.5, 1.0 / 6);
	assert_plain(same, mixed, 3, 3, 3.0 / 5);
	assert_plain(NULL, NULL, 0, 0, 0.5);
}

static void test_not_finite(void)
{
	const double x[] = { NAN, -1, INFINITY, 2, 0.5, -INFINITY }, clean[] = { -1, 2, 0.5 }, none[] = { NAN, NAN };
	const guint8 label[] = { 1, 0, 0, 1, 0, 1 }, clean_label[] = { 0, 1, 0 };
	struct score_fit a = score_fit_logistic(x, label, 6), b = score_fit_logistic(clean, clean_label, 3);

	g_assert_cmpfloat(a.slope, ==, b.slope);
	g_assert_cmpfloat(a.intercept, ==, b.intercept);
	assert_plain(none, label, 2, 0, 0.5);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/score/order", test_order);
	g_test_add_func("/score/top-mean", test_top_mean);
	g_test_add_func("/score/top-mean-sorted", test_top_mean_sorted);
	g_test_add_func("/score/probability", test_probability);
	g_test_add_func("/score/fit", test_fit);
	g_test_add_func("/score/moved", test_moved);
	g_test_add_func("/score/separable", test_separable);
	g_test_add_func("/score/plain", test_plain);
	g_test_add_func("/score/not-finite", test_not_finite);
	return g_test_run();
}
