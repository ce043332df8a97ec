/*
 * test-spread.c - the part of a slide's tiles that is looked at first: as many as wanted, evenly over the tissue
 * whatever its shape, a larger part with all of a smaller one, and the same for the tiles in any order.
 */
#include "common/random/random.h"
#include "common/slide/spread.h"
#include "common/task/task.h"

enum { SIDE = 200, LEFT = 70000, TOP = 90000 };

/* Of a grid of width x height tiles those that keep() wants. */
static struct tiles tissue(int width, int height, gboolean (*keep)(int column, int line))
{
	struct tiles t = { .tile = g_new0(struct tile, (gsize)(width * height)), .side = SIDE + 0.4 };

	for (int line = 0; line < height; line++)
		for (int column = 0; column < width; column++)
			if (keep(column, line))
				t.tile[t.n++] = (struct tile){ .x = LEFT + (int)lround(column * t.side),
							       .y = TOP + (int)lround(line * t.side) };
	return t;
}

static int column_of(const struct tiles *t, guint32 i) { return (int)lround((t->tile[i].x - LEFT) / t->side); }
static int line_of(const struct tiles *t, guint32 i) { return (int)lround((t->tile[i].y - TOP) / t->side); }

static guint32 count(const guint8 *chosen, guint32 n)
{
	guint32 sum = 0;

	for (guint32 i = 0; i < n; i++) {
		g_assert_cmpuint(chosen[i], <=, 1);
		sum += chosen[i];
	}
	return sum;
}

static gboolean all(int column, int line) { return column >= 0 && line >= 0; }

/* Two islands and a thread of single tiles between them; the corner (0, 0) is tissue. */
static gboolean islands(int column, int line)
{
	return (column < 9 && line < 9) || hypot(column - 70, line - 50) < 25 || (line == 4 && column < 70);
}

/* 64 of 64 x 64: one in each square of 8 x 8; 1024: one in each of 2 x 2. */
static void test_grid(void)
{
	struct tiles t = tissue(64, 64, all);
	g_autofree guint8 *chosen = g_new(guint8, t.n);

	for (int square = 8; square >= 2; square /= 2) {
		int across = 64 / square;
		g_autofree guint *in = g_new0(guint, (gsize)(across * across));
		spread_choose(&t, (guint32)(across * across), chosen);
		for (guint32 i = 0; i < t.n; i++)
			in[line_of(&t, i) / square * across + column_of(&t, i) / square] += chosen[i];
		for (int i = 0; i < across * across; i++)
			g_assert_cmpuint(in[i], ==, 1);
	}
	tiles_clear(&t);
}

/*
 * Along the curve the chosen lie g or g / 2 apart, g the power of two with ceil(n / g) <= want < ceil(2 n / g); a
 * square of 2^k tiles, aligned, is a run of the curve, so of its m tiles floor(m / g) to ceil(2 m / g) are chosen.
 */
static void test_islands(void)
{
	struct tiles t = tissue(128, 128, islands);
	g_autofree guint8 *chosen = g_new(guint8, t.n);

	g_assert_cmpuint(t.n, >, 1900);
	for (guint32 want = 1; want < t.n; want += 1 + want / 3) {
		guint32 g = 1;
		while ((t.n + g - 1) / g > want)
			g *= 2;
		spread_choose(&t, want, chosen);
		g_assert_cmpuint(count(chosen, t.n), ==, want);
		for (int square = 2; square <= 32; square *= 2) {
			int across = 128 / square;
			g_autofree guint32 *in = g_new0(guint32, (gsize)(across * across));
			g_autofree guint32 *there = g_new0(guint32, (gsize)(across * across));
			for (guint32 i = 0; i < t.n; i++) {
				int at = line_of(&t, i) / square * across + column_of(&t, i) / square;
				there[at]++;
				in[at] += chosen[i];
			}
			for (int i = 0; i < across * across; i++) {
				g_assert_cmpuint(in[i], >=, there[i] / g);
				g_assert_cmpuint(in[i], <=, (2 * there[i] + g - 1) / g);
			}
		}
	}
	tiles_clear(&t);
}

static void test_grows(void)
{
	struct tiles t = tissue(100, 100, islands);
	g_autofree guint8 *smaller = g_new0(guint8, t.n), *larger = g_new(guint8, t.n);

	for (guint32 want = 0; want <= t.n + 1; want++) {
		spread_choose(&t, want, larger);
		g_assert_cmpuint(count(larger, t.n), ==, MIN(want, t.n));
		for (guint32 i = 0; i < t.n; i++)
			g_assert_cmpuint(larger[i], >=, smaller[i]);
		memcpy(smaller, larger, t.n);
	}
	tiles_clear(&t);
}

/* Tumour stands first in training, reading order holds in answering: the part is the same. */
static void test_order(void)
{
	struct tiles t = tissue(40, 40, islands);
	g_autofree guint8 *before = g_new(guint8, t.n), *after = g_new(guint8, t.n);
	g_autofree struct tile *tile = g_memdup2(t.tile, t.n * sizeof *tile);
	g_autofree guint32 *from = g_new(guint32, t.n);

	for (guint32 i = 0; i < t.n; i++)
		from[i] = i;
	for (guint32 i = t.n; i > 1; i--) {
		guint32 k = (guint32)(random_mix(i) % i), swap = from[k];
		from[k] = from[i - 1];
		from[i - 1] = swap;
	}
	spread_choose(&t, 30, before);
	for (guint32 i = 0; i < t.n; i++)
		t.tile[i] = tile[from[i]];
	spread_choose(&t, 30, after);
	for (guint32 i = 0; i < t.n; i++)
		g_assert_cmpuint(after[i], ==, before[from[i]]);
	tiles_clear(&t);
}

static void test_few(void)
{
	struct tiles one = tissue(1, 1, all), none = { .side = SIDE };
	guint8 chosen = 9;

	spread_choose(&none, 5, &chosen);
	g_assert_cmpuint(chosen, ==, 9);
	spread_choose(&one, 0, &chosen);
	g_assert_cmpuint(chosen, ==, 0);
	spread_choose(&one, 1, &chosen);
	g_assert_cmpuint(chosen, ==, 1);
	tiles_clear(&one);
}

static void test_share(void)
{
	g_assert_cmpuint(share_count(1, 26000), ==, 26000);
	g_assert_cmpuint(share_count(1.0 / 64, 26000), ==, 407);        /* 406.25 */
	g_assert_cmpuint(share_count(1.0 / 64, 4096), ==, 64);
	g_assert_cmpuint(share_count(1.0 / 64, 4097), ==, 65);
	g_assert_cmpuint(share_count(1e-9, 4000000000), ==, 64);
	g_assert_cmpuint(share_count(0.5, 100), ==, 64);
	g_assert_cmpuint(share_count(0.01, 63), ==, 63);
	g_assert_cmpuint(share_count(1, 0), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/spread/grid", test_grid);
	g_test_add_func("/spread/islands", test_islands);
	g_test_add_func("/spread/grows", test_grows);
	g_test_add_func("/spread/order", test_order);
	g_test_add_func("/spread/few", test_few);
	g_test_add_func("/spread/share", test_share);
	return g_test_run();
}
