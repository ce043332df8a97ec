/*
 * test-fingerprint.c - the same thing in another picture is known again, another thing is not: margins, brightness,
 * noise, resolution; sizes by hand; pairs against all comparisons one by one.
 */
#include "common/image/fingerprint.h"
#include "common/random/random.h"
#include <math.h>
#include <string.h>

enum { WIDTH = 320, HEIGHT = 240 };

struct scene {
	guint64 seed;           /* of the pattern */
	double x, y, wide, high; /* px: the ellipse's centre and half axes */
	double light;           /* of all */
	guint64 noise;          /* 0: none */
};

/* An ellipse with a pattern that goes with it, in patches of about a tenth of its width. */
static struct fingerprint take(const struct scene *s, double px)
{
	g_autofree guint8 *rgb = g_malloc(WIDTH * HEIGHT * 3), *map = g_malloc0(WIDTH * HEIGHT);
	struct fingerprint f;

	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++) {
			double u = (x - s->x) / s->wide, v = (y - s->y) / s->high;
			int i = y * WIDTH + x;
			guint64 patch = random_hash(s->seed, (guint64)floor(u * 10 + 100), (guint64)floor(v * 10 + 100), 0);
			map[i] = u * u + v * v <= 1;
			double value = (map[i] ? random_between(patch, 90, 190) : 240) * s->light;
			for (int k = 0; k < 3; k++)
				rgb[3 * i + k] = (guint8)(value + (s->noise == 0 ? 0 :
						  random_between(random_hash(s->noise, (guint64)i, (guint64)k, 1), -8, 8)));
		}
	fingerprint_take(rgb, map, WIDTH, HEIGHT, px, &f);
	return f;
}

static const struct scene plain = { 1, 140, 110, 100, 80, 1, 0 };

static void test_same(void)
{
	const struct fingerprint a = take(&plain, 2);
	struct scene moved = plain, dark = plain, noisy = plain, small = plain;

	g_assert_cmpfloat_with_epsilon(fingerprint_likeness(&a, &a), 1, 1e-6);
	moved.x += 57;
	moved.y -= 13;
	dark.light = 0.7;
	noisy.noise = 9;
	small.wide /= 2;
	small.high /= 2;
	const struct fingerprint b = take(&moved, 2), c = take(&dark, 2), d = take(&noisy, 2), e = take(&small, 4);
	g_assert_cmpfloat(fingerprint_likeness(&a, &b), >, 0.99);
	g_assert_cmpfloat(fingerprint_likeness(&a, &c), >, 0.97);
	g_assert_cmpfloat(fingerprint_likeness(&a, &d), >, 0.97);
	g_assert_cmpfloat(fingerprint_likeness(&a, &e), >, 0.9); /* half as many pixels, twice as wide */
}

static void test_different(void)
{
	const struct fingerprint a = take(&plain, 2);
	struct scene larger = plain;

	for (guint64 seed = 2; seed < 30; seed++) {
		struct scene other = plain;
		other.seed = seed;
		const struct fingerprint b = take(&other, 2);
		g_assert_cmpfloat(fingerprint_likeness(&a, &b), <, 0.5);
	}
	larger.wide *= 1.1;
	const struct fingerprint c = take(&larger, 2);
	g_assert_cmpfloat(fingerprint_likeness(&a, &c), ==, 0);
}

/* A full rectangle of w x h pixels: standard deviations sqrt((n^2 - 1) / 12), in px of 3 units. */
static void test_size(void)
{
	enum { W = 40, H = 30 };
	guint8 rgb[W * H * 3], map[W * H];
	struct fingerprint f;
	double sum = 0, later = 0;

	memset(map, 1, sizeof map);
	for (int i = 0; i < W * H * 3; i++)
		rgb[i] = (guint8)(i / 3 % 7 * 30);
	fingerprint_take(rgb, map, W, H, 3, &f);
	g_assert_cmpfloat_with_epsilon(f.wide, 3 * sqrt((W * W - 1) / 12.0), 1e-9);
	g_assert_cmpfloat_with_epsilon(f.high, 3 * sqrt((H * H - 1) / 12.0), 1e-9);
	for (int i = 0; i < FINGERPRINT_CELLS; i++) {
		sum += f.cell[i] * f.cell[i];
		later += i < FINGERPRINT_CELLS / FINGERPRINT_PARTS ? 0 : f.cell[i] * f.cell[i];
	}
	g_assert_cmpfloat_with_epsilon(sum, 1, 1e-5);
	g_assert_cmpfloat_with_epsilon(f.rest[0], sqrt(later), 1e-5);
	g_assert_cmpfloat(f.rest[FINGERPRINT_PARTS - 1], ==, 0);
}

static void test_nothing(void)
{
	g_autofree guint8 *rgb = g_malloc(WIDTH * HEIGHT * 3), *map = g_malloc0(WIDTH * HEIGHT);
	const struct fingerprint a = take(&plain, 2);
	struct fingerprint none, line;

	memset(rgb, 128, WIDTH * HEIGHT * 3);
	fingerprint_take(rgb, map, WIDTH, HEIGHT, 2, &none);
	g_assert_cmpfloat(fingerprint_likeness(&none, &none), ==, 0);
	g_assert_cmpfloat(fingerprint_likeness(&none, &a), ==, 0);
	memset(map + WIDTH, 1, WIDTH);  /* without height */
	fingerprint_take(rgb, map, WIDTH, HEIGHT, 2, &line);
	g_assert_cmpfloat(fingerprint_likeness(&line, &line), ==, 0);
	memset(map, 1, WIDTH * HEIGHT); /* all of one colour */
	fingerprint_take(rgb, map, WIDTH, HEIGHT, 2, &line);
	g_assert_cmpfloat(fingerprint_likeness(&line, &line), ==, 0);
}

enum { MANY = 60 };
struct found { guint n; double likeness[MANY][MANY]; };

static void keep(guint a, guint b, double likeness, gpointer user)
{
	struct found *f = user;

	g_assert_cmpuint(a, <, b);
	g_assert_cmpfloat(f->likeness[a][b], ==, 0);
	f->likeness[a][b] = likeness;
	f->n++;
}

/* Mixtures of a few patterns, so that likenesses lie everywhere; in three sizes. */
static void test_pairs(void)
{
	static struct fingerprint f[MANY];
	const struct fingerprint *prints[MANY];
	static struct found found;
	guint wanted = 0;

	for (guint i = 0; i < MANY; i++) {
		double length = 0;
		prints[i] = &f[i];
		f[i].wide = 1 + i % 3;
		f[i].high = 2 + i % 2;
		for (guint k = 0; k < FINGERPRINT_CELLS; k++) {
			f[i].cell[k] = (float)(random_between(random_hash(i % 5, k, 1, 0), -1, 1) +
					       random_between(random_hash(i, k, 2, 0), -1, 1) * (i % 7) / 7.0);
			length += f[i].cell[k] * f[i].cell[k];
		}
		for (guint k = 0; k < FINGERPRINT_CELLS; k++)
			f[i].cell[k] /= (float)sqrt(length);
		for (guint p = 0; p < FINGERPRINT_PARTS; p++) {
			double rest = 0;
			for (guint k = (p + 1) * FINGERPRINT_CELLS / FINGERPRINT_PARTS; k < FINGERPRINT_CELLS; k++)
				rest += f[i].cell[k] * f[i].cell[k];
			f[i].rest[p] = (float)sqrt(rest);
		}
	}
	fingerprint_pairs(prints, MANY, 0.8, keep, &found);
	for (guint a = 0; a < MANY; a++)
		for (guint b = a + 1; b < MANY; b++) {
			double sum = 0;
			for (guint k = 0; k < FINGERPRINT_CELLS; k++)
				sum += (double)f[a].cell[k] * f[b].cell[k];
			if (a % 6 != b % 6)     /* another size */
				sum = 0;
			g_assert_cmpfloat_with_epsilon(fingerprint_likeness(&f[a], &f[b]), sum, 1e-5);
			g_assert_cmpfloat_with_epsilon(found.likeness[a][b], sum >= 0.8 ? sum : 0, 1e-5);
			wanted += sum >= 0.8;
		}
	g_assert_cmpuint(found.n, ==, wanted);
	g_assert_cmpuint(wanted, >, 5);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fingerprint/same", test_same);
	g_test_add_func("/fingerprint/different", test_different);
	g_test_add_func("/fingerprint/size", test_size);
	g_test_add_func("/fingerprint/nothing", test_nothing);
	g_test_add_func("/fingerprint/pairs", test_pairs);
	return g_test_run();
}
