/*
 * test-extent.c - components of a heat map: areas and axes worked out by hand, then anything against flooding from tile to tile
 * and trying all pairs of corners.
 */
#include "common/score/extent.h"
#include <math.h>

enum { SIDE = 16 };

/* A drawing in text, `width` wide: digits are probabilities in tenths, 9 is 0.9. */
static GArray *of_text(const char *text, int width, double mpp)
{
	const gsize n = strlen(text);
	g_autofree double *x = g_new(double, n), *y = g_new(double, n), *p = g_new(double, n);

	for (gsize i = 0; i < n; i++) {
		x[i] = 1000 + SIDE * (double)(i % (gsize)width);
		y[i] = 5000 + SIDE * (double)(i / (gsize)width);
		p[i] = text[i] == '.' ? NAN : (text[i] - '0') / 10.0;
	}
	return extent_components(x, y, p, n, SIDE, SIDE, 0.5, mpp);
}

static void assert_extent(const GArray *all, guint i, guint tiles, double area, double axis, double probability)
{
	const struct extent *e = &g_array_index(all, struct extent, i);

	g_assert_cmpuint(e->tiles, ==, tiles);
	g_assert_cmpfloat_with_epsilon(e->area, area, 1e-9);
	g_assert_cmpfloat_with_epsilon(e->longest_axis, axis, 1e-9);
	g_assert_cmpfloat_with_epsilon(e->probability, probability, 1e-12);
}

static void test_hand(void)
{
	g_autoptr(GArray) none = of_text("0004.4", 3, 1), one = of_text("..5", 3, 0.25);
	g_autoptr(GArray) all = of_text("9.......88"     /* a corner joins: 3 tiles; 2 */
					"6.......00"
					".9........"
					".........."
					"5555555554"     /* a bar of 9, then one tile below the threshold */
					"4444444444"
					"..6.......", 10, 0.5);

	g_assert_cmpuint(none->len, ==, 0);
	g_assert_cmpuint(one->len, ==, 1);
	assert_extent(one, 0, 1, 16, 4 * sqrt(2), 0.5);         /* a tile is 4 um wide */
	g_assert_cmpuint(all->len, ==, 4);
	assert_extent(all, 0, 9, 9 * 64, 8 * hypot(9, 1), 0.5);
	assert_extent(all, 1, 3, 3 * 64, 8 * hypot(2, 3), 0.8);
	assert_extent(all, 2, 2, 2 * 64, 8 * hypot(2, 1), 0.8);
	assert_extent(all, 3, 1, 64, 8 * sqrt(2), 0.6);
}

/* As large, but longer; a ring, whose axis is that of its hull; a U, whose ends are far from each other only through it. */
static void test_shapes(void)
{
	g_autoptr(GArray) two = of_text("99..999.."
					"99.....9.", 9, 1);
	g_autoptr(GArray) ring = of_text("9999"
					 "9..9"
					 "9999", 4, 1);
	g_autoptr(GArray) u = of_text("9...9"
				      "9...9"
				      "99999", 5, 1);

	g_assert_cmpuint(two->len, ==, 2);
	assert_extent(two, 0, 4, 4 * 256, 16 * hypot(4, 2), 0.9);
	assert_extent(two, 1, 4, 4 * 256, 16 * hypot(2, 2), 0.9);
	assert_extent(ring, 0, 10, 10 * 256, 16 * 5, 0.9);
	assert_extent(u, 0, 9, 9 * 256, 16 * hypot(5, 3), 0.9);
}

/* Off the grid by less than half a step, two in one cell, tiles smaller and larger than the step, columns far away. */
static void test_grid(void)
{
	static const double x[] = { 0, 103, 98, 200, 1e9 }, y[] = { 40, 0, 8, 30, 1e9 }, p[] = { 1, 0.5, 0.6, 0.9, 1 };
	g_autoptr(GArray) small = extent_components(x, y, p, 5, 60, 100, 0.5, 1);
	g_autoptr(GArray) large = extent_components(x, y, p, 4, 120, 100, 0.5, 1);

	g_assert_cmpuint(small->len, ==, 2);
	assert_extent(small, 0, 4, 3 * 3600, hypot(260, 70), 0.75);     /* 0, 100 to 260, 30 */
	assert_extent(small, 1, 1, 3600, 60 * sqrt(2), 1);
	assert_extent(large, 0, 4, 3 * 1e4, hypot(320, 130), 0.75);     /* 0, 160 to 320, 30 */
}

static void test_diameter(void)
{
	struct extent_point none[1] = { { 3, 4 } }, same[] = { { 1, 1 }, { 1, 1 }, { 1, 1 } };
	struct extent_point line[] = { { 0, 0 }, { 5, 5 }, { 1, 1 }, { 3, 3 }, { -1, -1 } }, two[] = { { 0, 0 }, { 3, 4 } };
	struct extent_point thin[] = { { 0, 0 }, { 10, 1 }, { 5, 0.5 }, { 5, 0.6 } };
	struct extent_point square[] = { { 0, 0 }, { 2, 0 }, { 1, 0 }, { 2, 2 }, { 0, 2 }, { 0, 1 }, { 2, 1 }, { 1, 2 }, { 1, 1 } };

	g_assert_cmpfloat(extent_diameter(none, 0), ==, 0);
	g_assert_cmpfloat(extent_diameter(none, 1), ==, 0);
	g_assert_cmpfloat(extent_diameter(same, 3), ==, 0);
	g_assert_cmpfloat(extent_diameter(two, 2), ==, 5);
	g_assert_cmpfloat_with_epsilon(extent_diameter(line, 5), 6 * sqrt(2), 1e-12);
	g_assert_cmpfloat_with_epsilon(extent_diameter(thin, 4), hypot(10, 1), 1e-12);
	g_assert_cmpfloat_with_epsilon(extent_diameter(square, 9), 2 * sqrt(2), 1e-12);
}

/* ---- anything ---- */

enum { W = 14, H = 11 };

static double furthest(const struct extent_point *p, gsize n)
{
	double most = 0;

	for (gsize i = 0; i < n; i++)
		for (gsize k = 0; k < i; k++)
			most = MAX(most, hypot(p[i].x - p[k].x, p[i].y - p[k].y));
	return most;
}

/* Takes the component of a cell out of map; its area in cells, its axis and its sum. */
static struct extent flood(double *map, const double *x, const double *y, int first)
{
	struct extent_point corners[4 * W * H];
	int open[W * H], n_open = 0;
	gsize n = 0;
	struct extent e = { .probability = map[first] };

	open[n_open++] = first;
	map[first] = 0;
	while (n_open > 0) {
		const int at = open[--n_open];
		e.tiles++;
		for (int k = 0; k < 4; k++)
			corners[n++] = (struct extent_point){ x[at] + k % 2 * SIDE, y[at] + k / 2 * SIDE };
		for (int v = MAX(at / W - 1, 0); v <= MIN(at / W + 1, H - 1); v++)
			for (int u = MAX(at % W - 1, 0); u <= MIN(at % W + 1, W - 1); u++)
				if (map[v * W + u] >= 0.5) {
					e.probability += map[v * W + u];
					map[v * W + u] = 0;
					open[n_open++] = v * W + u;
				}
	}
	e.area = e.tiles * 256.0;
	e.longest_axis = furthest(corners, n);
	e.probability /= e.tiles;
	return e;
}

static int larger(gconstpointer a, gconstpointer b)
{
	const struct extent *p = a, *q = b;

	return p->tiles != q->tiles ? (p->tiles > q->tiles ? -1 : 1) : p->longest_axis > q->longest_axis ? -1 : p->longest_axis < q->longest_axis;
}

static void test_random(void)
{
	GRand *draw = g_rand_new_with_seed(20190224);

	for (int round = 0; round < 300; round++) {
		const double dense = g_rand_double_range(draw, 0.05, 0.7), jitter = round % 3 == 0 ? 0 : 3;
		g_autoptr(GArray) wanted = g_array_new(FALSE, FALSE, sizeof(struct extent));
		double x[W * H], y[W * H], p[W * H];
		for (int i = 0; i < W * H; i++) {
			x[i] = 300 + i % W * SIDE + g_rand_double_range(draw, -jitter, jitter + 1e-9);
			y[i] = -40 + i / W * SIDE + g_rand_double_range(draw, -jitter, jitter + 1e-9);
			p[i] = g_rand_double(draw) < dense ? g_rand_double_range(draw, 0.5, 1) : g_rand_double_range(draw, 0, 0.49);
		}
		g_autoptr(GArray) got = extent_components(x, y, p, W * H, SIDE, SIDE, 0.5, 1);
		for (int i = 0; i < W * H; i++)
			if (p[i] >= 0.5) {
				struct extent e = flood(p, x, y, i);
				g_array_append_val(wanted, e);
			}
		g_array_sort(wanted, larger);
		g_assert_cmpuint(got->len, ==, wanted->len);
		for (guint i = 0; i < got->len; i++) {
			const struct extent *e = &g_array_index(wanted, struct extent, i);
			assert_extent(got, i, e->tiles, e->area, e->longest_axis, g_array_index(got, struct extent, i).probability);
		}
		if (got->len > 0 && (got->len < 2 || g_array_index(got, struct extent, 0).tiles > g_array_index(got, struct extent, 1).tiles))
			assert_extent(got, 0, g_array_index(wanted, struct extent, 0).tiles, g_array_index(wanted, struct extent, 0).area,
				      g_array_index(wanted, struct extent, 0).longest_axis,
				      g_array_index(wanted, struct extent, 0).probability);
	}
	g_rand_free(draw);
}

/* Few places, so that many are on one line or the same. */
static void test_random_points(void)
{
	GRand *draw = g_rand_new_with_seed(20190225);

	for (int round = 0; round < 2000; round++) {
		struct extent_point p[40];
		const int n = g_rand_int_range(draw, 1, 40), wide = g_rand_int_range(draw, 1, 12), high = g_rand_int_range(draw, 1, 12);
		for (int i = 0; i < n; i++)
			p[i] = (struct extent_point){ g_rand_int_range(draw, 0, wide), g_rand_int_range(draw, 0, high) };
		const double wanted = furthest(p, (gsize)n);
		g_assert_cmpfloat_with_epsilon(extent_diameter(p, (gsize)n), wanted, 1e-12);
	}
	g_rand_free(draw);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/extent/hand", test_hand);
	g_test_add_func("/extent/shapes", test_shapes);
	g_test_add_func("/extent/grid", test_grid);
	g_test_add_func("/extent/diameter", test_diameter);
	g_test_add_func("/extent/random", test_random);
	g_test_add_func("/extent/random-points", test_random_points);
	return g_test_run();
}
