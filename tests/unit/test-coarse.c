/* test-coarse.c - which tiles are looked at in full, and what is expected of the others (coarse_reference.py beside this). */
#include "common/score/coarse.h"
#include <math.h>

enum { N = 60 };

static void make(float *coarse, float *full)
{
	for (int i = 0; i < N; i++) {
		coarse[i] = (float)(i * 37 % N) * 0.1f - 3;
		full[i] = NAN;
	}
}

static void test_choose(void)
{
	const guint32 order[] = { 47, 34, 21, 8, 55, 42, 29, 16, 3, 50, 37, 24, 11, 58, 45, 32, 19, 6, 53, 40, 27, 14, 1, 48,
				  35, 9, 43, 17, 38, 12, 46, 20, 41, 15, 49, 23, 44, 18, 52, 26 };
	float coarse[N], full[N], merged[N];
	guint32 out[N];

	make(coarse, full);
	g_assert_cmpuint(coarse_choose(coarse, N, 0, out), ==, COARSE_LEAST + COARSE_OTHERS);
	g_assert_cmpuint(G_N_ELEMENTS(order), ==, COARSE_LEAST + COARSE_OTHERS);
	g_assert_true(memcmp(out, order, sizeof order) == 0);
	g_assert_cmpuint(coarse_choose(coarse, N, 0.45, out), ==, 27 + 16);
	g_assert_cmpuint(coarse_choose(coarse, N, 0.9, out), ==, N);
	for (gsize i = 0; i < G_N_ELEMENTS(order); i++)
		full[order[i]] = 1 + 1.5f * coarse[order[i]] + (float)((int)order[i] * 13 % 7 - 3) * 0.8f;
	coarse_merge(coarse, full, N, merged);
	for (int i = 0; i < N; i++)
		if (isfinite(full[i]))
			g_assert_cmpfloat(merged[i], ==, full[i]);
	g_assert_cmpfloat_with_epsilon(merged[22], 1.64526, 1e-4);
	g_assert_cmpfloat_with_epsilon(merged[56], 1.35080, 1e-4);
	g_assert_cmpfloat_with_epsilon(merged[30], 1.05633, 1e-4);
}

/* Few tiles, or few that could be read: all are looked at, none twice, and nothing else. */
static void test_few(void)
{
	float coarse[N], full[N], merged[N];
	guint32 out[N];

	make(coarse, full);
	g_assert_cmpuint(coarse_choose(coarse, 0, 0.1, out), ==, 0);
	g_assert_cmpuint(coarse_choose(coarse, 20, 0.1, out), ==, 20);
	for (int i = 0; i < N; i++)
		if (i != 7 && i != 9)
			coarse[i] = NAN;
	g_assert_cmpuint(coarse_choose(coarse, N, 0.1, out), ==, 2);
	g_assert_cmpuint(out[0], ==, coarse[7] > coarse[9] ? 7 : 9);
	full[9] = 3;                    /* too few for a line: as the coarse look says */
	coarse_merge(coarse, full, N, merged);
	g_assert_cmpfloat(merged[9], ==, 3);
	g_assert_cmpfloat(merged[7], ==, coarse[7]);
	g_assert_true(isnan(merged[8]));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/coarse/choose", test_choose);
	g_test_add_func("/coarse/few", test_few);
	return g_test_run();
}
