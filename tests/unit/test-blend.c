/*
 * test-blend.c - samples put together, of one colour each, so that a blend tells its parts: bytes and targets must agree.
 */
#include "train/blend.h"
#include <math.h>

enum { N = 24, SIDE = 32, MAP = 4, TARGETS = 1 + MAP * MAP, PICTURES = 2, STEP = 10 };

static const struct sample_shape shape = { .channels = 3, .height = SIDE, .width = SIDE, .targets = TARGETS, .map = MAP,
					   .more = PICTURES - 1 };

struct batch_of {
	guint8 bytes[N][PICTURES][SIDE * SIDE][3];
	float targets[N][TARGETS];
};

/* Sample i is all i * STEP, and so are its targets. */
static void fill(struct batch_of *b)
{
	for (int i = 0; i < N; i++) {
		memset(b->bytes[i], i * STEP, sizeof b->bytes[i]);
		for (int k = 0; k < TARGETS; k++)
			b->targets[i][k] = (float)(i * STEP);
	}
}

static void run(double mixup, double cutmix, guint64 seed, struct batch_of *b)
{
	g_autoptr(settings_t) s = settings_new();

	s->augmentation.mixup = mixup;
	s->augmentation.cutmix = cutmix;
	blend(s, 1, seed, 3, 480, &shape, &b->bytes[0][0][0][0], &b->targets[0][0], N);
}

static double mean_of(const struct batch_of *b, int i, int left, int top, int side)
{
	double sum = 0;

	for (int y = top; y < top + side; y++)
		for (int x = left; x < left + side; x++) {
			const guint8 *rgb = b->bytes[i][0][y * SIDE + x];
			g_assert_true(rgb[0] == rgb[1] && rgb[0] == rgb[2]);
			g_assert_cmpint(memcmp(rgb, b->bytes[i][1][y * SIDE + x], 3), ==, 0);
			sum += rgb[0];
		}
	return sum / side / side;
}

static void test_mixup(void)
{
	g_autofree struct batch_of *b = g_new(struct batch_of, 1);
	int changed = 0, below_half = 0;

	fill(b);
	run(1, 0, 1, b);
	for (int i = 0; i < N; i++) {
		const guint8 value = b->bytes[i][0][0][0];
		const double target = (double)b->targets[i][0];
		for (int k = 0; k < SIDE * SIDE; k++)
			g_assert_cmpint(b->bytes[i][0][k][0], ==, value);
		g_assert_cmpfloat_with_epsilon(mean_of(b, i, 0, 0, SIDE), target, 0.51);
		for (int k = 1; k < TARGETS; k++)
			g_assert_cmpfloat_with_epsilon((double)b->targets[i][k], target, 1e-3);
		changed += value != i * STEP;
		below_half += fabs(target - i * STEP) > STEP * N / 4.0;
	}
	g_assert_cmpint(changed, >, N - 5);     /* not with itself, which 1 in N are */
	g_assert_cmpint(below_half, >, 0);
}

/* A cell of the map has what its pixels have; the tile's target, what all have; most pixels are one sample's alone. */
static void test_cutmix(void)
{
	enum { CELL = SIDE / MAP };
	g_autofree struct batch_of *b = g_new(struct batch_of, 1);
	int changed = 0, pure = 0;

	fill(b);
	run(0, 1, 2, b);
	for (int i = 0; i < N; i++) {
		g_assert_cmpfloat_with_epsilon(mean_of(b, i, 0, 0, SIDE), (double)b->targets[i][0], 0.3);
		for (int k = 0; k < MAP * MAP; k++)
			g_assert_cmpfloat_with_epsilon(mean_of(b, i, k % MAP * CELL, k / MAP * CELL, CELL),
						       (double)b->targets[i][1 + k], 0.3);
		int own = 0;
		for (int k = 0; k < SIDE * SIDE; k++) {
			own += b->bytes[i][0][k][0] == i * STEP;
			pure += b->bytes[i][0][k][0] % STEP == 0;
		}
		changed += own < SIDE * SIDE;
	}
	g_assert_cmpint(changed, >, N - 5);
	g_assert_cmpint(pure, >, N * SIDE * SIDE * 8 / 10);
}

static void test_shares(void)
{
	g_autofree struct batch_of *b = g_new(struct batch_of, 1), *as_it_was = g_new(struct batch_of, 1), *again = g_new(struct batch_of, 1);
	int changed = 0;

	fill(as_it_was);
	fill(b);
	run(0, 0, 1, b);
	g_assert_cmpint(memcmp(b, as_it_was, sizeof *b), ==, 0);
	for (guint64 seed = 0; seed < 40; seed++) {
		fill(b);
		run(0.2, 0.1, seed, b);
		for (int i = 0; i < N; i++)
			changed += b->targets[i][0] < (float)(i * STEP) || b->targets[i][0] > (float)(i * STEP);
	}
	/* 0.3 of 960, less those with themselves: 276, and 3.5 standard deviations about it */
	g_assert_cmpint(changed, >, 226);
	g_assert_cmpint(changed, <, 326);
	fill(again);
	run(0.2, 0.1, 39, again);
	g_assert_cmpint(memcmp(b, again, sizeof *b), ==, 0);
}

/* Not known whether it is tumour: then neither is a blend with it. */
static void test_unknown(void)
{
	g_autofree struct batch_of *b = g_new(struct batch_of, 1);

	fill(b);
	for (int i = 1; i < N; i++)
		b->targets[i][0] = NAN;
	run(0.5, 0.5, 5, b);
	for (int i = 0; i < N; i++) {
		g_assert_cmpint(b->bytes[i][0][0][0], ==, i * STEP);
		g_assert_cmpint(memcmp(b->bytes[i][0], b->bytes[i][0][1], sizeof b->bytes[i][0] - 3), ==, 0);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/blend/mixup", test_mixup);
	g_test_add_func("/blend/cutmix", test_cutmix);
	g_test_add_func("/blend/shares", test_shares);
	g_test_add_func("/blend/unknown", test_unknown);
	return g_test_run();
}
