/*
 * test-features.c - each feature worked out by hand; what is higher is never told as lower; all finite, whatever
 * comes in.
 */
#include "common/score/features.h"
#include <math.h>
#include <string.h>

#define assert_close(a, b) g_assert_cmpfloat_with_epsilon(a, b, 1e-9)

/* 1000 tiles of logits -5.00, -4.99 ... 4.99, one in ten more not read, in no order. */
static float *ramp(gsize *n)
{
	float *logits = g_new(float, 1100);

	*n = 1100;
	for (gsize i = 0; i < 1000; i++)
		logits[i * 7 % 1000] = (float)(((double)i - 500) / 100);
	for (gsize i = 1000; i < 1100; i++)
		logits[i] = NAN;
	return logits;
}

static void test_ramp(void)
{
	const struct feature_component largest = { .largest_area = 5e4, .longest_axis = 300, .mean = 2.5, .density = 0.75 };
	const struct { guint feature; double value; } want[] = {
		{ FEATURE_HIGHEST, 4.99 }, { FEATURE_TOP_3, 4.98 }, { FEATURE_TOP_10, 4.945 }, { FEATURE_TOP_K, 4.97 },
		/* type 7: at 499.5, 899.1, 989.01 and 998.001 of 0..999 */
		{ FEATURE_Q50, -0.005 }, { FEATURE_Q90, 3.991 }, { FEATURE_Q99, 4.8901 }, { FEATURE_Q999, 4.98001 },
		/* over 0: 0.01..4.99; over log 9 = 2.197: 2.20..4.99 */
		{ FEATURE_COUNT_50, log(500) }, { FEATURE_COUNT_90, log(281) },
		{ FEATURE_SHARE_50, log(499.5 / 1001) }, { FEATURE_SHARE_90, log(280.5 / 1001) },
		{ FEATURE_AREA, log(50001) }, { FEATURE_AXIS, log(301) }, { FEATURE_MEAN, 2.5 }, { FEATURE_DENSITY, 0.75 },
	};
	double out[N_FEATURES];
	gsize n;
	g_autofree float *logits = ramp(&n);

	g_assert_cmpuint(G_N_ELEMENTS(want), ==, N_FEATURES);
	g_assert_true(features_of(logits, n, 1, 5, &largest, out));
	for (gsize i = 0; i < N_FEATURES; i++)
		g_assert_cmpfloat_with_epsilon(out[want[i].feature], want[i].value, 1e-6);
	/* a quarter of the tiles: four times as many are over, and nothing else is other */
	double part[N_FEATURES];
	g_assert_true(features_of(logits, n, 0.25, 5, &largest, part));
	g_assert_cmpfloat_with_epsilon(part[FEATURE_COUNT_50], log(1 + 4 * 499), 1e-6);
	g_assert_cmpfloat_with_epsilon(part[FEATURE_COUNT_90], log(1 + 4 * 280), 1e-6);
	for (guint i = 0; i < N_FEATURES; i++)
		g_assert_true(i == FEATURE_COUNT_50 || i == FEATURE_COUNT_90 || memcmp(&part[i], &out[i], sizeof part[i]) == 0);
}

static void test_few(void)
{
	const float one[] = { NAN, -2, INFINITY }, none[] = { NAN, -INFINITY };
	double out[N_FEATURES];

	g_assert_true(features_of(one, 3, 1, 0, NULL, out));
	for (guint i = FEATURE_HIGHEST; i <= FEATURE_Q999; i++)
		assert_close(out[i], -2);
	assert_close(out[FEATURE_SHARE_50], log(0.25));
	for (guint i = FEATURE_AREA; i < N_FEATURES; i++)
		g_assert_cmpfloat(out[i], ==, 0);
	g_assert_false(features_of(none, 2, 1, 3, NULL, out));
	assert_close(out[FEATURE_HIGHEST], 0);
	assert_close(out[FEATURE_COUNT_50], 0);
	g_assert_false(features_of(NULL, 0, 1, 3, NULL, out));
	assert_close(out[FEATURE_Q999], 0);
}

/* A tail says the same of 1e3 tiles and of 1e5 of the same kind. */
static void test_size(void)
{
	double few[N_FEATURES], many[N_FEATURES];
	g_autofree float *logits = g_new(float, 100000);

	for (gsize i = 0; i < 100000; i++)
		logits[i] = (float)(i % 1000) / 100 - 5;
	features_of(logits, 1000, 1, 3, NULL, few);
	features_of(logits, 100000, 1, 3, NULL, many);
	for (guint i = FEATURE_Q90; i <= FEATURE_Q999; i++)
		g_assert_cmpfloat_with_epsilon(few[i], many[i], 0.011);
	for (guint i = FEATURE_SHARE_50; i <= FEATURE_SHARE_90; i++)
		g_assert_cmpfloat_with_epsilon(few[i], many[i], 0.01);
}

static void test_monotone(void)
{
	g_autoptr(GRand) source = g_rand_new_with_seed(2018);

	for (int round = 0; round < 300; round++) {
		float low[50], high[50];
		double a[N_FEATURES], b[N_FEATURES];
		struct feature_component small = { g_rand_double(source) * 1e5, g_rand_double(source) * 500,
						   g_rand_double(source) * 3, 0.5 };
		struct feature_component large = { small.largest_area * 2, small.longest_axis * 1.5, small.mean + 1, 0.3 };
		for (int i = 0; i < 50; i++) {
			low[i] = (float)g_rand_double_range(source, -40, 40);
			high[i] = low[i] + (g_rand_boolean(source) ? (float)g_rand_double_range(source, 0, 10) : 0);
		}
		features_of(low, 50, 1, 5, &small, a);
		features_of(high, 50, 1, 5, &large, b);
		for (guint i = 0; i < N_FEATURES; i++)
			if (feature_table[i].sign > 0)
				g_assert_cmpfloat(b[i], >=, a[i]);
	}
}

static void test_finite(void)
{
	static const double odd[] = { NAN, INFINITY, -INFINITY, G_MAXDOUBLE, -G_MAXDOUBLE, -1, 0, 1e-300 };
	const float logits[] = { G_MAXFLOAT, -G_MAXFLOAT, 1e30f, -0.0f, NAN };
	double out[N_FEATURES];

	for (gsize i = 0; i < G_N_ELEMENTS(odd); i++)
		for (gsize n = 0; n <= G_N_ELEMENTS(logits); n++) {
			struct feature_component c = { odd[i], odd[i], odd[i], odd[i] };
			features_of(logits, n, 1, G_MAXUINT, &c, out);
			for (guint f = 0; f < N_FEATURES; f++)
				g_assert_true(isfinite(out[f]) && fabs(out[f]) < 50);
		}
}

static void test_table(void)
{
	for (guint i = 0; i < N_FEATURES; i++) {
		g_assert_cmpuint(feature_find(feature_table[i].name), ==, i);
		g_assert_true(feature_table[i].transform != NULL && feature_table[i].help != NULL);
		g_assert_true(feature_table[i].sign == 0 || feature_table[i].sign == 1);
	}
	g_assert_cmpuint(feature_find("none"), ==, N_FEATURES);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/features/ramp", test_ramp);
	g_test_add_func("/features/few", test_few);
	g_test_add_func("/features/size", test_size);
	g_test_add_func("/features/monotone", test_monotone);
	g_test_add_func("/features/finite", test_finite);
	g_test_add_func("/features/table", test_table);
	return g_test_run();
}
