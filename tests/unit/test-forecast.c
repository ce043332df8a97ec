/*
 * test-forecast.c - how often the forecast holds, by simulation; its edges; colour distances and thirds by hand.
 */
#include "common/metrics/metrics.h"
#include "common/score/forecast.h"
#include <math.h>

enum { MOST = 100 };

static double normal(GRand *source) { return metrics_normal_quantile(g_rand_double_range(source, 1e-12, 1)); }

/* Binormal scores of an AUC, until both classes are there. */
static void draw(GRand *source, gsize n, double share, double auc, double *score, guint8 *label)
{
	double apart = G_SQRT2 * metrics_normal_quantile(auc);
	gsize ones;

	do {
		ones = 0;
		for (gsize i = 0; i < n; i++) {
			label[i] = g_rand_double(source) < share;
			ones += label[i];
			score[i] = normal(source) + apart * label[i];
		}
	} while (ones == 0 || ones == n);
}

/* A forecast depends on few numbers that come again and again. */
static const struct forecast_auc *forecast(GHashTable *known, const double *score, const guint8 *label, gsize n,
					   gsize n_test)
{
	gsize ones = 0;

	for (gsize i = 0; i < n; i++)
		ones += label[i];
	char *key = g_strdup_printf("%" G_GSIZE_FORMAT " %" G_GSIZE_FORMAT " %" G_GSIZE_FORMAT " %.9f", n, ones, n_test,
				    metrics_auc(score, label, n));
	struct forecast_auc *f = g_hash_table_lookup(known, key);
	if (f == NULL) {
		f = g_new(struct forecast_auc, 1);
		*f = forecast_auc(score, label, n, n_test, 0.95);
		g_hash_table_insert(known, key, f);
	} else {
		g_free(key);
	}
	return f;
}

/* 2000 draws a size of training set, 1600 a true AUC. */
static void test_coverage(void)
{
	static const gsize sizes[] = { 7, 15, 30, 60 }, tests[] = { 40, 100 };
	static const double aucs[] = { 0.7, 0.8, 0.9, 0.95, 0.98 };
	g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GRand) source = g_rand_new_with_seed(2018);
	double by_size[4] = { 0 }, by_auc[5] = { 0 }, score[MOST];
	guint8 label[MOST];

	for (int r = 0; r < 8000; r++) {
		int size = r % 4, auc = r / 4 % 5;
		gsize n_test = tests[r / 20 % 2];
		double share = r / 40 % 2 ? 0.65 : 0.45;
		draw(source, sizes[size], share, aucs[auc], score, label);
		const struct forecast_auc *f = forecast(known, score, label, sizes[size], n_test);
		g_assert_true(f->low >= 0 && f->low <= f->expected && f->expected <= f->high && f->high <= 1);
		draw(source, n_test, share, aucs[auc], score, label);
		double got = metrics_auc(score, label, n_test);
		gboolean in = f->low <= got && got <= f->high;
		by_size[size] += in / 2000.0;
		by_auc[auc] += in / 1600.0;
	}
	for (int i = 0; i < 4; i++) {
		g_test_message("%d training slides: covers %.3f", (int)sizes[i], by_size[i]);
		g_assert_cmpfloat(by_size[i], >=, 0.90);
		g_assert_cmpfloat(by_size[i], <=, 0.99);
	}
	for (int i = 0; i < 5; i++) {
		g_test_message("true AUC %.2f: covers %.3f", aucs[i], by_auc[i]);
		g_assert_cmpfloat(by_auc[i], >=, 0.90);
		g_assert_cmpfloat(by_auc[i], <=, 0.99);
	}
}

/* n slides, half of them positive, all in order but for the lowest `wrong` positives, which are last. */
static struct forecast_auc of_order(gsize n, gsize wrong, gsize n_test)
{
	g_autofree double *score = g_new(double, n);
	g_autofree guint8 *label = g_new(guint8, n);

	for (gsize i = 0; i < n; i++) {
		label[i] = i >= n / 2;
		score[i] = label[i] && i < n / 2 + wrong ? -1.0 : (double)i;
	}
	return forecast_auc(score, label, n, n_test, 0.95);
}

/* More slides, a narrower interval; never narrower than the test set's own. */
static void test_width(void)
{
	struct forecast_auc few = of_order(20, 1, 100), more = of_order(100, 5, 100), most = of_order(20000, 1000, 100);
	struct forecast_auc small = of_order(100, 5, 40), whole = of_order(20000, 1000, 20000);

	g_assert_cmpfloat_with_epsilon(few.seen, 0.9, 1e-12);
	g_assert_cmpfloat_with_epsilon(more.seen, 0.9, 1e-12);
	g_assert_cmpuint(more.test_positives, ==, 50);
	g_assert_cmpfloat(few.high - few.low, >, more.high - more.low);
	g_assert_cmpfloat(more.high - more.low, >, most.high - most.low);
	g_assert_cmpfloat(small.high - small.low, >, more.high - more.low);
	/* Hanley & McNeil's standard error for 50 and 50 at 0.9: 0.0316 */
	g_assert_cmpfloat_with_epsilon(most.high - most.low, 2 * 1.96 * 0.0316, 0.02);
	g_assert_cmpfloat_with_epsilon(most.expected, 0.9, 0.01);
	g_assert_cmpfloat(whole.high - whole.low, <, 0.05);
	g_assert_cmpfloat(whole.low, <, 0.9);
	g_assert_cmpfloat(whole.high, >, 0.9);
}

/* All in order says little with 6 slides; all the wrong way, one of a class, a class missing, nothing. */
static void test_edges(void)
{
	const double score[] = { 3, 2, 1, NAN }, big[] = { INFINITY, 1, 2 };
	const guint8 wrong[] = { 0, 1, 1, 1 }, ones[] = { 1, 1, 1, 0 };
	struct forecast_auc f = of_order(6, 0, 40);

	g_assert_cmpfloat(f.seen, ==, 1);
	g_assert_cmpfloat(f.low, <, 0.75);
	g_assert_cmpfloat(f.high, ==, 1);
	g_assert_cmpfloat(f.expected, <, 0.95);
	f = of_order(200, 100, 40);
	g_assert_cmpfloat(f.seen, ==, 0);
	g_assert_true(f.low >= 0 && f.low < 0.4 && f.high < 0.8);
	f = forecast_auc(score, wrong, 4, 2, 0.95);
	g_assert_cmpuint(f.test_positives, ==, 1);
	g_assert_true(f.low == 0 && f.high == 1);
	f = forecast_auc(big, (const guint8[]){ 0, 0, 1 }, 3, 50, 0.95);
	g_assert_cmpfloat(f.seen, ==, 1);
	g_assert_true(f.low > 0.2 && f.low < 0.7 && f.high == 1);
	g_assert_true(isnan(forecast_auc(score, ones, 4, 40, 0.95).low));       /* the negative has no score */
	g_assert_true(isnan(forecast_auc(NULL, NULL, 0, 40, 0.95).expected));
	g_assert_true(isnan(forecast_auc(score, wrong, 3, 1, 0.95).high));
}

/* On a line at 0, 1, 3: each has two others, at means of 2, 1.5 and 2.5; the median is 2. */
static void test_distances(void)
{
	const double colour[] = { 0, 0, 0, 0, 1, 0, 0, 3, 0, NAN, 0, 0 }, test[] = { 0, 0, 0, 3, 1, 4, 0, INFINITY, 0 };
	double distance[4], test_distance[3];

	g_assert_cmpfloat_with_epsilon(forecast_distances(colour, 4, test, 3, distance, test_distance), 2, 1e-12);
	g_assert_cmpfloat_with_epsilon(distance[0], 1, 1e-12);
	g_assert_cmpfloat_with_epsilon(distance[1], 0.75, 1e-12);
	g_assert_cmpfloat_with_epsilon(distance[2], 1.25, 1e-12);
	g_assert_true(isnan(distance[3]) && isnan(test_distance[2]));
	g_assert_cmpfloat_with_epsilon(test_distance[0], (0 + 1 + 3) / 3.0 / 2, 1e-12);
	g_assert_cmpfloat_with_epsilon(test_distance[1], (sqrt(26) + 5 + sqrt(29)) / 3 / 2, 1e-12);
}

/* Alike, alone, none. */
static void test_distances_few(void)
{
	const double same[] = { 0.5, 0.6, 0.4, 0.5, 0.6, 0.4 }, near[] = { 0.5, 0.6, 0.408 };
	double distance[2], test_distance[1];

	g_assert_cmpfloat(forecast_distances(same, 2, near, 1, distance, test_distance), ==, 0.004);
	g_assert_cmpfloat(distance[1], ==, 0);
	g_assert_cmpfloat_with_epsilon(test_distance[0], 2, 1e-9);
	forecast_distances(same, 1, near, 1, distance, test_distance);
	g_assert_true(isnan(distance[0]) && isfinite(test_distance[0]));
	forecast_distances(NULL, 0, near, 1, NULL, test_distance);
	g_assert_true(isnan(test_distance[0]));
}

/* Of one colour's cloud and another's: both are near, what lies between is far. */
static void test_clouds(void)
{
	double colour[60], test[9], distance[20], test_distance[3];
	g_autoptr(GRand) source = g_rand_new_with_seed(1);

	for (int i = 0; i < 60; i++)
		colour[i] = (i / 3 % 2 ? 0.9 : 0.3) + g_rand_double_range(source, -0.03, 0.03);
	for (int i = 0; i < 9; i++)
		test[i] = (double[]){ 0.3, 0.9, 0.6 }[i / 3];
	forecast_distances(colour, 20, test, 3, distance, test_distance);
	g_assert_cmpfloat(test_distance[0], <, 1.3);
	g_assert_cmpfloat(test_distance[1], <, 1.3);
	g_assert_cmpfloat(test_distance[2], >, 10);
}

static void test_by_colour(void)
{
	double distance[36], score[36];
	guint8 label[36];
	const double test[] = { 0, 5, 11.4, 12, 23, 24, 35, 36, 1e9, NAN };

	for (int i = 0; i < 36; i++) {
		int k = (i * 7) % 36;   /* in no order */
		distance[i] = k;
		label[i] = k % 2 == 1;
		/* in the first third all in order, in the last all the wrong way, but three slides positive there */
		score[i] = (k < 24 ? 1 : -1) * (label[i] * 100 + k);
		if (k >= 24)
			label[i] = k % 4 == 3;
	}
	struct forecast_colour f = forecast_by_colour(distance, score, label, 36, test, G_N_ELEMENTS(test));
	g_assert_cmpuint(f.parts[0].n, ==, 12);
	g_assert_cmpuint(f.parts[0].positives, ==, 6);
	g_assert_false(f.parts[0].few);
	g_assert_cmpfloat(f.parts[0].auc.value, ==, 1);
	g_assert_cmpfloat(f.parts[0].farthest, ==, 11);
	g_assert_cmpfloat(f.parts[1].nearest, ==, 12);
	g_assert_true(f.parts[2].few && isnan(f.parts[2].auc.value));
	g_assert_cmpuint(f.parts[2].positives, ==, 3);
	g_assert_cmpuint(f.parts[0].test, ==, 3);
	g_assert_cmpuint(f.parts[1].test, ==, 2);
	g_assert_cmpuint(f.parts[2].test, ==, 4);
	gsize beyond;
	g_assert_true(forecast_beyond(distance, 36, test, G_N_ELEMENTS(test), &beyond));
	g_assert_cmpuint(beyond, ==, 2);
	g_assert_false(forecast_beyond(distance, 36, test, 8, &beyond));        /* one alone is chance */
	g_assert_cmpuint(beyond, ==, 1);
	g_assert_false(forecast_beyond(distance, 4, test, G_N_ELEMENTS(test), &beyond) && beyond < 8);
	g_assert_cmpuint(f.unknown, ==, 1);
	f = forecast_by_colour(NULL, NULL, NULL, 0, test, 3);
	g_assert_true(f.parts[0].few && f.parts[2].few);
	g_assert_cmpuint(f.parts[0].test, ==, 3);
	g_assert_false(forecast_beyond(NULL, 0, test, 3, &beyond));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/forecast/coverage", test_coverage);
	g_test_add_func("/forecast/width", test_width);
	g_test_add_func("/forecast/edges", test_edges);
	g_test_add_func("/forecast/distances", test_distances);
	g_test_add_func("/forecast/distances-few", test_distances_few);
	g_test_add_func("/forecast/clouds", test_clouds);
	g_test_add_func("/forecast/by-colour", test_by_colour);
	return g_test_run();
}
