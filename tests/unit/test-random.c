/*
 * test-random.c - draws without state. The expected numbers were computed apart, with Python's whole
 * numbers, from the published finaliser; random_mix(0) is also the first number of splitmix64 seeded with 0.
 */
#include "common/random/random.h"
#include <math.h>

static void test_values(void)
{
	g_assert_cmphex(random_mix(0), ==, 0xe220a8397b1dcdafu);
	g_assert_cmphex(random_mix(1), ==, 0x910a2dec89025cc1u);
	g_assert_cmphex(random_mix(G_MAXUINT64), ==, 0xe4d971771b652c20u);
	g_assert_cmphex(random_hash(2018, 0, 0, 1), ==, 0x15488edd4adfdfdfu);
	g_assert_cmphex(random_hash(2018, 3, 41, 2), ==, 0xebd875934ca8b1edu);
	g_assert_cmphex(random_hash(G_MAXUINT64, G_MAXUINT64, G_MAXUINT64, G_MAXUINT64), ==, 0x9c666618c8f279d7u);
	g_assert_cmpfloat(random_unit(0xebd875934ca8b1edu), ==, 0.9212716564767642);
	g_assert_cmpuint(random_below(0xebd875934ca8b1edu, 1000), ==, 921);
}

static void test_limits(void)
{
	g_assert_cmpfloat(random_unit(0), ==, 0);
	g_assert_cmpfloat(random_unit(G_MAXUINT64), <, 1);
	g_assert_cmpfloat(random_between(0, -0.25, 0.75), ==, -0.25);
	g_assert_cmpfloat(random_between(G_MAXUINT64, -0.25, 0.75), <, 0.75);
	g_assert_cmpfloat(random_between(1ull << 63, 10, 20), ==, 15);
	g_assert_cmpuint(random_below(0, 1), ==, 0);
	g_assert_cmpuint(random_below(G_MAXUINT64, 1), ==, 0);
	g_assert_cmpuint(random_below(G_MAXUINT64, 7), ==, 6);
	g_assert_cmpuint(random_below(G_MAXUINT64, G_MAXUINT32), ==, G_MAXUINT32 - 1);
}

/* Positions that follow one another, as a run draws them: each of 16 parts gets its share (chi squared
   with 15 degrees of freedom is below 37.7 in 999 of 1000), and mean and variance are those of 0..1. */
static void test_uniform(void)
{
	enum { N = 64000, PARTS = 16 };
	guint count[PARTS] = { 0 };
	double sum = 0, squares = 0, chi = 0;

	for (guint64 i = 0; i < N; i++) {
		guint64 hash = random_hash(2018, 0, i, 3);
		double u = random_unit(hash);
		g_assert_cmpuint(random_below(hash, PARTS), ==, (guint)(u * PARTS));
		count[random_below(hash, PARTS)]++;
		sum += u;
		squares += u * u;
	}
	for (int i = 0; i < PARTS; i++)
		chi += pow(count[i] - (double)N / PARTS, 2) / ((double)N / PARTS);
	g_assert_cmpfloat(chi, <, 37.7);
	g_assert_cmpfloat_with_epsilon(sum / N, 0.5, 0.005);
	g_assert_cmpfloat_with_epsilon(squares / N, 1.0 / 3, 0.005);
}

/* One bit more or less in any argument changes about half the bits. */
static void test_apart(void)
{
	guint64 base[4] = { 2018, 1, 20000, 2 };

	for (int which = 0; which < 4; which++)
		for (int bit = 0; bit < 64; bit += 9) {
			guint64 a[4];
			memcpy(a, base, sizeof a);
			a[which] ^= 1ull << bit;
			int changed = __builtin_popcountll(random_hash(a[0], a[1], a[2], a[3]) ^
							   random_hash(base[0], base[1], base[2], base[3]));
			g_assert_cmpint(changed, >=, 14);
			g_assert_cmpint(changed, <=, 50);
		}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/random/values", test_values);
	g_test_add_func("/random/limits", test_limits);
	g_test_add_func("/random/uniform", test_uniform);
	g_test_add_func("/random/apart", test_apart);
	return g_test_run();
}
