/*
 * test-shift.c - Hotelling's test against Student's where there is one number, a case worked out by hand, and how often it is
 * wrong.
 */
#include "common/metrics/shift.h"
#include <math.h>

/* Of one number it is Student's: 1, 2, 3, 4 and 3, 4, 5, 6: t = 2 / sqrt(5/3 / 2) = 2.19089, 6 degrees, p = 0.0710 (R: t.test, var.equal). */
static void test_one(void)
{
	const double a[] = { 1, 2, 3, 4 }, b[] = { 3, 4, 5, 6 };
	struct shift s = metrics_shift(a, 4, b, 4, 1);

	g_assert_cmpfloat_with_epsilon(s.by, 2 / sqrt(5.0 / 3), 1e-12);
	g_assert_cmpfloat_with_epsilon(s.p, 0.07098766, 1e-6);
}

/* Corners of a square, and the same moved by (1, 2): pooled covariance 4/3 each way; D2 = 5 * 3/4; T2 = 2 D2 = 7.5;
   F = 7.5 * 5 / 12 = 3.125 with 2 and 5 degrees of freedom, of which the tail is (1 + 2 F / 5)^(-5/2). */
static void test_two(void)
{
	const double a[] = { 1, 1, 1, -1, -1, 1, -1, -1 }, b[] = { 2, 3, 2, 1, 0, 3, 0, 1 };
	struct shift s = metrics_shift(a, 4, b, 4, 2);

	g_assert_cmpfloat_with_epsilon(s.by, sqrt(5 * 0.75), 1e-12);
	g_assert_cmpfloat_with_epsilon(s.p, pow(1 + 2 * 3.125 / 5, -2.5), 1e-9);
}

/* Nothing changes where all is turned and stretched. */
static void test_affine(void)
{
	double a[36], b[36], a2[36], b2[36];
	g_autoptr(GRand) r = g_rand_new_with_seed(5);

	for (int i = 0; i < 36; i++) {
		a[i] = g_rand_double(r);
		b[i] = g_rand_double(r) + 0.1;
	}
	for (int i = 0; i < 12; i++)
		for (int k = 0; k < 3; k++) {
			a2[3 * i + k] = 3 * a[3 * i + k] - 7 * a[3 * i + (k + 1) % 3] + k;
			b2[3 * i + k] = 3 * b[3 * i + k] - 7 * b[3 * i + (k + 1) % 3] + k;
		}
	struct shift s = metrics_shift(a, 12, b, 12, 3), t = metrics_shift(a2, 12, b2, 12, 3);
	g_assert_cmpfloat_with_epsilon(s.by, t.by, 1e-9);
	g_assert_cmpfloat_with_epsilon(s.p, t.p, 1e-9);
}

/* Of 1000 pairs of groups alike, 5 in 100 are below 0.05. */
static void test_chance(void)
{
	g_autoptr(GRand) r = g_rand_new_with_seed(9);
	guint below = 0;

	for (int t = 0; t < 1000; t++) {
		double x[4 * 40];
		for (int i = 0; i < 160; i++)
			x[i] = g_rand_double(r) + g_rand_double(r) + g_rand_double(r);
		below += metrics_shift(x, 15, x + 60, 25, 4).p < 0.05 ? 1 : 0;
	}
	g_assert_cmpuint(below, >, 25);
	g_assert_cmpuint(below, <, 80);
}

static void test_none(void)
{
	const double flat[] = { 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6 };

	g_assert_true(isnan(metrics_shift(flat, 3, flat + 6, 3, 2).p));  /* on a line */
	g_assert_true(isnan(metrics_shift(flat, 1, flat + 2, 5, 1).p));
	g_assert_true(isnan(metrics_shift(flat, 2, flat + 4, 2, 2).p));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/shift/one", test_one);
	g_test_add_func("/shift/two", test_two);
	g_test_add_func("/shift/affine", test_affine);
	g_test_add_func("/shift/chance", test_chance);
	g_test_add_func("/shift/none", test_none);
	return g_test_run();
}
