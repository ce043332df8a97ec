/*
 * test-coarse.c - which tiles are worth a look in full: the numbers of coarse_reference.py beside this (SciPy); and slides
 * played through, where nothing that matters is missed, and not much else is looked at.
 */
#include "common/score/coarse.h"
#include <math.h>

enum { N = 60, MANY = 5000 };

static void test_bound(void)
{
	g_assert_cmpfloat_with_epsilon(coarse_bound(0.5), 0.1, 1e-12);
	g_assert_cmpfloat_with_epsilon(coarse_bound(0.9), 0.1 / 9, 1e-12);
	g_assert_cmpfloat(coarse_bound(1), ==, 0);
	g_assert_true(isinf(coarse_bound(0)));
}

static void make(float *coarse, float *full)
{
	for (int i = 0; i < N; i++) {
		coarse[i] = (float)(i * 37 % N) * 0.1f - 3;
		full[i] = NAN;
	}
}

static void look(const float *coarse, float *full, guint32 i)
{
	full[i] = 1 + 1.5f * coarse[i] + (float)((int)i * 13 % 7 - 3) * 0.8f;
}

static void test_choose(void)
{
	const guint32 first[] = { 47, 34, 21, 8, 55, 42, 29, 16, 3, 50, 37, 24, 11, 58, 45, 32,
				  19, 53, 14, 35, 56, 30, 51, 12, 33, 7, 28, 49, 10, 44, 5, 26 };
	const guint32 second[] = { 6, 40, 27, 1, 48, 22, 9, 43, 17, 4, 38, 25, 59, 46 };
	const struct { double bound; gsize due; } cases[] = { { INFINITY, 0 }, { 1e-2, 0 }, { 1e-3, 3 }, { 1e-6, 14 }, { 0, 28 } };
	float coarse[N], full[N], merged[N];
	guint32 out[N];

	make(coarse, full);
	for (int k = 0; k < 2; k++) {   /* whatever the bound */
		g_assert_cmpuint(coarse_choose(coarse, full, N, 2, k == 0 ? 0.1 : 1e-6, out), ==, G_N_ELEMENTS(first));
		g_assert_true(memcmp(out, first, sizeof first) == 0);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(first); i++)
		look(coarse, full, first[i]);
	for (gsize k = 0; k < G_N_ELEMENTS(cases); k++) {
		g_assert_cmpuint(coarse_choose(coarse, full, N, 2, cases[k].bound, out), ==, cases[k].due);
		g_assert_true(memcmp(out, second, MIN(cases[k].due, G_N_ELEMENTS(second)) * sizeof *out) == 0);
	}
	coarse_merge(coarse, full, N, merged);
	for (int i = 0; i < N; i++)
		if (isfinite(full[i]))
			g_assert_cmpfloat(merged[i], ==, full[i]);
	g_assert_cmpfloat_with_epsilon(merged[6], 2.66395, 1e-4);
	g_assert_cmpfloat_with_epsilon(merged[40], 2.32746, 1e-4);
	g_assert_cmpfloat_with_epsilon(merged[27], 2.15921, 1e-4);
}

/* Few tiles, or few that could be read: all are looked at, none twice, and nothing else. */
static void test_few(void)
{
	float coarse[N], full[N], merged[N];
	guint32 out[N];

	make(coarse, full);
	g_assert_cmpuint(coarse_choose(coarse, full, 0, 1, 0.1, out), ==, 0);
	g_assert_cmpuint(coarse_choose(coarse, full, 20, 1, 0.1, out), ==, 20);
	for (int i = 0; i < N; i++)
		if (i != 7 && i != 9)
			coarse[i] = NAN;
	g_assert_cmpuint(coarse_choose(coarse, full, N, 1, 0.1, out), ==, 2);
	g_assert_cmpuint(out[0], ==, coarse[7] > coarse[9] ? 7 : 9);
	coarse[7] = NAN;                /* a look in full failed */
	full[9] = 3;
	g_assert_cmpuint(coarse_choose(coarse, full, N, 1, 0.1, out), ==, 0);
	coarse_merge(coarse, full, N, merged);
	g_assert_cmpfloat(merged[9], ==, 3);
	g_assert_true(isnan(merged[7]));
}

static double normal(GRand *draw)
{
	return sqrt(-2 * log(g_rand_double_range(draw, 1e-12, 1))) * cos(2 * G_PI * g_rand_double(draw));
}

/* Looks in full differ from coarse ones by an error of s.d. 0.7: on average over slides the highest is missed by no more than
   the bound, for a small part of the tiles. */
static void test_played(void)
{
	const double efforts[] = { 0.2, 0.5, 0.9 };
	g_autofree float *coarse = g_new(float, MANY), *full = g_new(float, MANY), *truth = g_new(float, MANY);
	g_autofree guint32 *out = g_new(guint32, MANY);
	g_autoptr(GRand) draw = g_rand_new_with_seed(4);
	double before = 0;

	for (gsize k = 0; k < G_N_ELEMENTS(efforts); k++) {
		double missed = 0, looked = 0;
		for (int slide = 0; slide < 20; slide++) {
			double top = -INFINITY, found = -INFINITY;
			for (int i = 0; i < MANY; i++) {
				coarse[i] = (float)(2 * normal(draw) - 4);
				truth[i] = (float)(0.5 + 1.2 * coarse[i] + 0.7 * normal(draw));
				full[i] = NAN;
				top = MAX(top, truth[i]);
			}
			for (gsize n; (n = coarse_choose(coarse, full, MANY, 1, coarse_bound(efforts[k]), out)) > 0;)
				for (gsize i = 0; i < n; i++) {
					g_assert_true(isnan(full[out[i]]));
					full[out[i]] = truth[out[i]];
					looked++;
				}
			for (int i = 0; i < MANY; i++)
				found = isfinite(full[i]) ? MAX(found, (double)full[i]) : found;
			missed += top - found;
		}
		g_assert_cmpfloat(missed / 20, <=, coarse_bound(efforts[k]));
		g_assert_cmpfloat(looked, <, 0.1 * 20 * MANY);
		g_assert_cmpfloat(looked, >=, before);
		before = looked;
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/coarse/bound", test_bound);
	g_test_add_func("/coarse/choose", test_choose);
	g_test_add_func("/coarse/few", test_few);
	g_test_add_func("/coarse/played", test_played);
	return g_test_run();
}
