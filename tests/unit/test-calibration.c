/*
 * test-calibration.c - calibration.h against values worked out by hand, and at its edges; test-metrics compares it
 * with another implementation.
 */
#include "common/metrics/calibration.h"
#include "tests/unit/near.h"

#define LEVEL 0.95
static const double z = 1.9599639845400545;

static const struct calibration_bin *bin_at(const GArray *bins, guint i)
{
	return &g_array_index(bins, struct calibration_bin, i);
}

static void test_bins(void)
{
	const double p[] = { 0.4, 0.1, 0.3, 0.2 };
	const guint8 label[] = { 1, 0, 1, 1 };
	g_autoptr(GArray) bins = calibration_bins(p, label, 4, 2, LEVEL);

	g_assert_cmpuint(bins->len, ==, 2);
	g_assert_cmpuint(bin_at(bins, 0)->n, ==, 2);
	g_assert_true(bin_at(bins, 0)->low == 0.1 && bin_at(bins, 0)->high == 0.2);
	g_assert_true(bin_at(bins, 1)->low == 0.3 && bin_at(bins, 1)->high == 0.4);
	assert_near(bin_at(bins, 0)->mean, 0.15);
	assert_near(bin_at(bins, 0)->observed.value, 0.5);
	assert_near(bin_at(bins, 0)->observed.high, 0.5 + z * sqrt(0.5 + z * z / 4) / (2 + z * z));
	assert_near(bin_at(bins, 1)->observed.value, 1);
	assert_near(calibration_error(bins), (2 * 0.35 + 2 * 0.65) / 4);
}

/* Equal ones stay together, in the bin of the first of them, and no bin is empty. */
static void test_bins_ties(void)
{
	const double p[] = { 0.5, 0.9, 0.5, 0.5 }, same[] = { 0, 0, 0, 0 };
	const guint8 label[] = { 1, 1, 0, 0 };
	g_autoptr(GArray) bins = calibration_bins(p, label, 4, 4, LEVEL), one = calibration_bins(same, label, 4, 4, LEVEL);
	g_autoptr(GArray) more = calibration_bins(p, label, 4, 100, LEVEL), all = calibration_bins(p, label, 4, 1, LEVEL);

	g_assert_cmpuint(bins->len, ==, 2);
	g_assert_cmpuint(more->len, ==, 2);
	g_assert_cmpuint(all->len, ==, 1);
	g_assert_cmpuint(bin_at(bins, 0)->n, ==, 3);
	assert_near(bin_at(bins, 0)->observed.value, 1.0 / 3);
	assert_near(calibration_error(bins), (3 * (0.5 - 1.0 / 3) + 0.1) / 4);
	g_assert_cmpuint(one->len, ==, 1);
	assert_near(calibration_error(one), 0.5);
}

static void test_bins_none(void)
{
	g_autoptr(GArray) none = calibration_bins(NULL, NULL, 0, 10, LEVEL);
	g_autoptr(GArray) one = calibration_bins((double[]){ 0.2 }, (guint8[]){ 1 }, 1, 10, LEVEL);

	g_assert_cmpuint(none->len, ==, 0);
	g_assert_true(isnan(calibration_error(none)));
	g_assert_cmpuint(one->len, ==, 1);
	assert_near(calibration_error(one), 0.8);
}

static void assert_interval(struct interval i, double value, double variance)
{
	assert_near(i.value, value);
	assert_near(i.low, value - z * sqrt(variance));
	assert_near(i.high, value + z * sqrt(variance));
}

/* Two probabilities, 1/4 and 3/4, whose logits are -+log 3: the line goes through the logits of both shares. */
static void test_fit(void)
{
	const double p[] = { 0.25, 0.25, 0.25, 0.25, 0.75, 0.75, 0.75, 0.75 };
	const guint8 well[] = { 0, 1, 0, 0, 1, 1, 0, 1 }, half[] = { 0, 1, 0, 9, 1, 0, 1, 9 };
	struct recalibration r = calibration_fit(p, well, 8, LEVEL);
	double x = log(3);

	/* weights of 3/16 */
	assert_interval(r.in_the_large, 0, 1 / (8 * 3 / 16.0));
	assert_interval(r.intercept, 0, 1 / (8 * 3 / 16.0));
	assert_interval(r.slope, 1, 1 / (8 * 3 / 16.0 * x * x));
	/* a third and two thirds: too extreme; weights of 2/9 */
	r = calibration_fit((double[]){ 0.25, 0.25, 0.25, 0.75, 0.75, 0.75 }, (guint8[]){ 0, 1, 0, 1, 0, 1 }, 6, LEVEL);
	assert_interval(r.in_the_large, 0, 1 / (6 * 3 / 16.0));
	assert_interval(r.intercept, 0, 1 / (6 * 2 / 9.0));
	assert_interval(r.slope, log(2) / x, 1 / (6 * 2 / 9.0 * x * x));
	/* a label that is not 0 is 1: a half and three quarters */
	r = calibration_fit(p, half, 8, LEVEL);
	assert_near(r.intercept.value, log(3) / 2);
	assert_near(r.slope.value, 0.5);
}

/* 0 and 1 are 1e-6 and 1 - 1e-6. */
static void test_fit_clipped(void)
{
	const double p[] = { 0, 1, 0, 1 }, zeros[] = { 0, 0 };
	struct recalibration r = calibration_fit(p, (guint8[]){ 0, 0, 1, 1 }, 4, LEVEL);

	assert_near(r.in_the_large.value, 0);
	assert_near(r.intercept.value, 0);
	assert_near(r.slope.value, 0);
	r = calibration_fit(zeros, (guint8[]){ 0, 1 }, 2, LEVEL);       /* a half, where they say 1e-6 */
	assert_near(r.in_the_large.value, log(999999));
}

static void test_fit_none(void)
{
	const double apart[] = { 0.1, 0.4, 0.4, 0.8 }, same[] = { 0.5, 0.5, 0.5, 0.5 };
	const guint8 up[] = { 0, 0, 1, 1 }, down[] = { 1, 1, 0, 0 }, three[] = { 1, 0, 1, 1 }, all[] = { 1, 1, 1, 1 };
	struct recalibration r;

	for (int i = 0; i < 2; i++) {
		r = calibration_fit(apart, i == 0 ? up : down, 4, LEVEL);
		g_assert_true(isfinite(r.in_the_large.low) && isnan(r.slope.value) && isnan(r.intercept.low));
	}
	r = calibration_fit(same, three, 4, LEVEL);
	assert_near(r.in_the_large.value, log(3));
	g_assert_true(isnan(r.slope.value));
	r = calibration_fit(apart, all, 4, LEVEL);
	g_assert_true(isnan(r.in_the_large.value) && isnan(r.slope.value));
	r = calibration_fit(NULL, NULL, 0, LEVEL);
	g_assert_true(isnan(r.in_the_large.value) && isnan(r.slope.value));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/calibration/bins", test_bins);
	g_test_add_func("/calibration/bins-ties", test_bins_ties);
	g_test_add_func("/calibration/bins-none", test_bins_none);
	g_test_add_func("/calibration/fit", test_fit);
	g_test_add_func("/calibration/fit-clipped", test_fit_clipped);
	g_test_add_func("/calibration/fit-none", test_fit_none);
	return g_test_run();
}
