/*
 * test-polygons.c - polygons as masks: areas worked out by hand, then anything against asking of each pixel's centre whether
 * it lies in a polygon (the crossings of a ray with all edges; Shimrat 1962).
 */
#include "common/fault/fault.h"
#include "common/slide/polygons.h"
#include <math.h>

enum { S = 16, OX = 100, OY = 200, W = 10, H = 8 };     /* most tests: 10 x 8 px of 16, from 100, 200 */

/* Points in mask px of that grid. */
static void add_ring(struct polygons *p, guint n, const double (*at)[2])
{
	for (guint i = 0; i < n; i++)
		g_assert_true(polygons_add_point(p, OX + S * at[i][0], OY + S * at[i][1], NULL));
	polygons_end_ring(p);
}

#define RING(p, ...)                                                              \
	do {                                                                      \
		static const double ring_[][2] = { __VA_ARGS__ };                 \
		add_ring(p, G_N_ELEMENTS(ring_), ring_);                          \
	} while (0)

static void add_box(struct polygons *p, double left, double top, double right, double bottom)
{
	const double at[][2] = { { left, top }, { right, top }, { right, bottom }, { left, bottom } };

	add_ring(p, 4, at);
}

static struct mask *mask_of(const struct polygons *p)
{
	GError *error = NULL;
	struct mask *m = polygons_mask(p, "a.geojson", S, OX, OY, W * S, H * S, &error);

	g_assert_no_error(error);
	g_assert_true(m->width == W && m->height == H && m->scale == S && m->origin_x == OX && m->origin_y == OY);
	return m;
}

static gboolean is_set(const struct mask *m, guint32 u, guint32 v)
{
	for (guint32 i = m->rows[v]; i < m->rows[v + 1]; i++)
		if (u >= m->runs[i].start && u < m->runs[i].end)
			return TRUE;
	return FALSE;
}

static void assert_drawn(const struct polygons *p, const char *text)
{
	g_autoptr(mask_t) m = mask_of(p);
	char got[W * H + 1] = { 0 };

	for (guint32 i = 0; i < W * H; i++)
		got[i] = is_set(m, i % W, i / W) ? '#' : '.';
	g_assert_cmpstr(got, ==, text);
}

static guint64 area_of(const struct polygons *p)
{
	g_autoptr(mask_t) m = mask_of(p);

	return m->area;
}

static void test_boxes(void)
{
	g_autoptr(polygons_t) p = polygons_new();

	add_box(p, 1, 1, 3, 4);
	polygons_end(p, FALSE);
	add_box(p, 2, 3, 5, 5);         /* laps over the first */
	polygons_end(p, FALSE);
	add_box(p, 6.5, 1.5, 8.5, 2.5); /* its edges go through centres: those on the left and above count */
	polygons_end(p, FALSE);
	assert_drawn(p, ".........."
			".##...##.."
			".##......."
			".####....."
			"..###....."
			".........."
			".........."
			"..........");
}

static void test_holes(void)
{
	g_autoptr(polygons_t) p = polygons_new();

	add_box(p, 1, 0, 9, 8);
	add_box(p, 3, 2, 7, 6);         /* a hole, and an island in it */
	add_box(p, 4, 3, 5, 4);
	polygons_end(p, FALSE);
	g_assert_cmpuint(area_of(p), ==, 64 - 16 + 1);
	add_box(p, 5, 3, 6, 5);         /* of another polygon: two more */
	polygons_end(p, FALSE);
	g_assert_cmpuint(area_of(p), ==, 51);
	add_box(p, 0, 0, 2, 8);         /* cut out of all: one column of 8 */
	polygons_end(p, TRUE);
	g_assert_cmpuint(area_of(p), ==, 43);
	assert_drawn(p, "..#######."
			"..#######."
			"..#....##."
			"..#.##.##."
			"..#..#.##."
			"..#....##."
			"..#######."
			"..#######.");
	add_box(p, 4.1, 0, 4.4, 8);     /* cut out, and holds no centre: takes nothing */
	polygons_end(p, TRUE);
	add_box(p, 8, 0, 8.5, 8);       /* its right edge is on centres: takes nothing; from there on, all */
	polygons_end(p, TRUE);
	g_assert_cmpuint(area_of(p), ==, 43);
	add_box(p, 8.5, -3, 20, 30);
	polygons_end(p, TRUE);
	g_assert_cmpuint(area_of(p), ==, 35);
}

/* Cuts before what they are cut from, several in one span, one over several. */
static void test_cuts(void)
{
	g_autoptr(polygons_t) p = polygons_new();

	add_box(p, 1, 0, 2, 8);
	polygons_end(p, TRUE);
	add_box(p, 3, 1, 8, 2);
	polygons_end(p, TRUE);
	add_box(p, 0, 0, 5, 4);
	polygons_end(p, FALSE);
	add_box(p, 6, 0, 9, 4);
	polygons_end(p, FALSE);
	assert_drawn(p, "#.###.###."
			"#.#.....#."
			"#.###.###."
			"#.###.###."
			".........."
			".........."
			".........."
			"..........");
}

static void test_slopes(void)
{
	g_autoptr(polygons_t) triangle = polygons_new(), bow = polygons_new(), again = polygons_new();

	/* u + 1/2 + v + 1/2 < 8; on the slope itself is right of it: 7 + 6 + ... + 1 */
	RING(triangle, { 0, 0 }, { 8, 0 }, { 0, 8 });
	polygons_end(triangle, FALSE);
	g_assert_cmpuint(area_of(triangle), ==, 28);
	/* the other half of the square has the slope: 8 + 7 + ... + 1 */
	RING(triangle, { 8, 0 }, { 0, 8 }, { 8, 8 });
	polygons_end(triangle, FALSE);
	g_assert_cmpuint(area_of(triangle), ==, 64);
	/* it touches itself at 4, 4: on the left 0 1 2 3 3 2 1 0, on the right, with its slopes, 1 2 3 4 4 3 2 1 */
	RING(bow, { 0, 0 }, { 8, 8 }, { 8, 0 }, { 0, 8 });
	polygons_end(bow, FALSE);
	g_assert_cmpuint(area_of(bow), ==, 12 + 20);
	/* twice round: even, so nothing is in it but the point that keeps it from being lost */
	RING(again, { 1, 1 }, { 5, 1 }, { 5, 5 }, { 1, 5 }, { 1, 1 }, { 5, 1 }, { 5, 5 }, { 1, 5 });
	polygons_end(again, FALSE);
	g_assert_cmpuint(area_of(again), ==, 1);
}

static void test_thin(void)
{
	g_autoptr(polygons_t) p = polygons_new();

	RING(p, { 2.1, 1.1 }, { 2.4, 1.1 }, { 2.2, 1.4 });                    /* within a pixel, beside its centre */
	polygons_end(p, FALSE);
	add_box(p, 1, 4.6, 8, 4.9);                                             /* a needle: the pixel in its middle */
	polygons_end(p, FALSE);
	RING(p, { 7, 2.7 }, { 9, 2.7 }, { 8, 2.7 });                          /* flat: where it begins */
	polygons_end(p, FALSE);
	RING(p, { 9.6, 6.6 }, { 30, 6.6 }, { 30, 6.9 }, { 9.6, 6.9 });        /* most of it is off the mask */
	polygons_end(p, FALSE);
	/* thin, round a hole: the middle of its wider side */
	RING(p, { 3.6, 5.6 }, { 5.4, 5.6 }, { 5.4, 7.4 }, { 3.6, 7.4 });
	RING(p, { 3.7, 5.7 }, { 5.2, 5.7 }, { 5.2, 7.3 }, { 3.7, 7.3 });
	polygons_end(p, FALSE);
	assert_drawn(p, ".........."
			"..#......."
			".......#.."
			".........."
			"....#....."
			".........."
			".....#...#"
			"..........");
}

static void test_slips(void)
{
	g_autoptr(polygons_t) p = polygons_new();

	polygons_end_ring(p);
	polygons_end(p, FALSE);
	RING(p, { 1, 1 });
	polygons_end(p, FALSE);
	RING(p, { 1, 1 }, { 5, 5 }, { 1, 1 });
	polygons_end(p, FALSE);
	g_assert_cmpuint(p->list->len, ==, 0);
	g_assert_cmpuint(p->points->len, ==, 0);
	g_assert_cmpuint(area_of(p), ==, 0);
	RING(p, { 1, 1 }, { 5, 1 }, { 5, 5 }, { 1, 5 }, { 1, 1 });
	RING(p, { 2, 2 }, { 3, 3 });
	polygons_end(p, FALSE);
	g_assert_cmpuint(p->list->len, ==, 1);
	g_assert_cmpuint(p->rings->len, ==, 1);
	g_assert_cmpuint(area_of(p), ==, 16);
}

static void test_clipped(void)
{
	g_autoptr(polygons_t) p = polygons_new(), off = polygons_new();
	g_autoptr(GError) error = NULL;

	RING(p, { -1e7, -1e7 }, { 2e7, -1e7 }, { 2e7, 2e7 }, { -1e7, 2e7 });
	polygons_end(p, FALSE);
	g_assert_cmpuint(area_of(p), ==, W * H);
	/* a scanned part that is no whole number of pixels: the last reach over */
	g_autoptr(mask_t) m = polygons_mask(p, "a", S, OX, OY, W * S + 1, H * S - 1, NULL);
	g_assert_true(m->width == W + 1 && m->height == H && m->area == (W + 1) * H);

	add_box(off, -20, 2, -1, 5);
	polygons_end(off, FALSE);
	g_assert_null(polygons_mask(off, "a.xml", S, OX, OY, W * S, H * S, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==,
			"'a.xml': all of it lies outside the slide's scanned part: it is drawn at -220..84, 232..280, and the "
			"scanned part is at 100..260, 200..328; coordinates are level-0 px, and data.origin says from where");
	add_box(off, 4, 4, 5, 5);       /* one is enough */
	polygons_end(off, FALSE);
	g_assert_cmpuint(area_of(off), ==, 1);
	add_box(off, 4, 4, 5, 5);       /* and may be cut out again: then it is an empty mask */
	polygons_end(off, TRUE);
	g_assert_cmpuint(area_of(off), ==, 0);
}

static void test_limits(void)
{
	static const double bad[][2] = { { NAN, 0 }, { 0, -INFINITY }, { 1.1e9, 0 }, { 0, -1e300 } };
	g_autoptr(polygons_t) p = polygons_new();
	g_autoptr(GError) error = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_assert_false(polygons_add_point(p, bad[i][0], bad[i][1], &error));
		g_assert_error(error, FAULT, FAULT_DATA);
		g_assert_true(g_str_has_suffix(error->message, " is no place on a slide; coordinates are level-0 px"));
		g_clear_error(&error);
	}
	/* 2^20 points up and down over 64 rows cross them 2^26 times */
	for (int i = 0; i < POLYGONS_POINTS_MAX; i++)
		g_assert_true(polygons_add_point(p, i % 1000, i % 2 * 64, NULL));
	g_assert_false(polygons_add_point(p, 0, 0, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_clear_error(&error);
	polygons_end_ring(p);
	polygons_end(p, FALSE);
	g_assert_null(polygons_mask(p, "n", 1, 0, 0, 1000, 64, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, "'n': more than 16777216 crossings with rows of the mask: this is noise, no drawing");
}

/* ---- anything ---- */

/* Of the edges from start to end, is an odd number right of the point or under it? */
static gboolean in_ring(const struct polygons *p, guint32 start, guint32 end, double x, double y)
{
	gboolean in = FALSE;

	for (guint32 i = start, j = end - 1; i < end; j = i++) {
		struct polygon_point a = g_array_index(p->points, struct polygon_point, i);
		struct polygon_point b = g_array_index(p->points, struct polygon_point, j);
		if ((a.y > y) != (b.y > y) && x < (b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x)
			in = !in;
	}
	return in;
}

static gboolean in_polygon(const struct polygons *p, guint32 polygon, double x, double y)
{
	guint32 from = polygon > 0 ? g_array_index(p->list, struct polygon, polygon - 1).ring_end : 0;
	gboolean in = FALSE;

	for (guint32 ring = from; ring < g_array_index(p->list, struct polygon, polygon).ring_end; ring++)
		in ^= in_ring(p, ring > 0 ? g_array_index(p->rings, guint32, ring - 1) : 0, g_array_index(p->rings, guint32, ring), x, y);
	return in;
}

static void assert_as_asked(const struct polygons *p, const struct mask *m)
{
	g_autofree gboolean *holds = g_new0(gboolean, p->list->len);
	guint64 more = 0, thin = 0;

	for (guint32 v = 0; v < m->height; v++)
		for (guint32 u = 0; u < m->width; u++) {
			double x = (double)m->origin_x + (u + 0.5) * m->scale, y = (double)m->origin_y + (v + 0.5) * m->scale;
			gboolean wanted = FALSE, cut = FALSE;
			for (guint32 i = 0; i < p->list->len; i++) {
				gboolean in = in_polygon(p, i, x, y);
				holds[i] |= in;
				*(g_array_index(p->list, struct polygon, i).cut ? &cut : &wanted) |= in;
			}
			g_assert_true(!is_set(m, u, v) || !cut);
			g_assert_true(is_set(m, u, v) || !wanted || cut);
			more += is_set(m, u, v) && !wanted;
		}
	for (guint32 i = 0; i < p->list->len; i++)
		thin += !holds[i] && !g_array_index(p->list, struct polygon, i).cut;
	g_assert_cmpuint(more, <=, thin);
}

/* Whole numbers, halves and any, so that edges go through centres now and then. */
static double draw_place(GRand *draw, int way, double low, double high)
{
	double at = g_rand_double_range(draw, low, high);

	return way == 0 ? at : way == 1 ? floor(at) : floor(at / 8) * 8;
}

static void test_random(void)
{
	GRand *draw = g_rand_new_with_seed(20190222);

	for (int round = 0; round < 400; round++) {
		const int scale = g_rand_int_range(draw, 1, 24), w = 40 * scale, h = 30 * scale, way = round % 3;
		const int ox = g_rand_int_range(draw, 0, 500), oy = g_rand_int_range(draw, 0, 500);
		g_autoptr(polygons_t) p = polygons_new();
		g_autoptr(GError) error = NULL;
		for (int i = g_rand_int_range(draw, 1, 6); i > 0; i--) {
			const double size = round % 4 == 0 ? 3 * scale : w;
			const double x = g_rand_double_range(draw, ox - 0.1 * w, ox + w), y = g_rand_double_range(draw, oy - 0.1 * h, oy + h);
			for (int ring = g_rand_int_range(draw, 1, 4); ring > 0; ring--) {
				for (int k = g_rand_int_range(draw, 3, 12); k > 0; k--)
					g_assert_true(polygons_add_point(p, draw_place(draw, way, x - size / 2, x + size / 2),
									 draw_place(draw, way, y - size / 2, y + size / 2), NULL));
				polygons_end_ring(p);
			}
			polygons_end(p, g_rand_int_range(draw, 0, 4) == 0);
		}
		g_autoptr(mask_t) m = polygons_mask(p, "r", scale, ox, oy, w, h, &error);
		if (m != NULL)
			assert_as_asked(p, m);
		else
			g_assert_true(g_str_has_prefix(error->message, "'r': all of it lies outside"));
	}
	g_rand_free(draw);
}

/* A square in two along any line: both halves together are all of it, and no pixel is in both. */
static void test_neighbours(void)
{
	GRand *draw = g_rand_new_with_seed(20190223);
	enum { N = 12, SIDE = 64 };

	for (int round = 0; round < 200; round++) {
		g_autoptr(polygons_t) both = polygons_new(), left_half = polygons_new(), right_half = polygons_new();
		double line[N][2];
		for (int i = 0; i < N; i++) {
			line[i][0] = i == 0 || i == N - 1 ? 32 : floor(g_rand_double_range(draw, 0, 2 * SIDE)) / 2;
			line[i][1] = i == N - 1 ? SIDE : (double)i * SIDE / (N - 1);
		}
		for (int side = 0; side < 2; side++)
			for (int k = 0; k < 2; k++) {
				struct polygons *p = k == 0 ? both : side == 0 ? left_half : right_half;
				polygons_add_point(p, side * SIDE, 0, NULL);
				for (int i = 0; i < N; i++)
					polygons_add_point(p, line[i][0], line[i][1], NULL);
				polygons_add_point(p, side * SIDE, SIDE, NULL);
				polygons_end_ring(p);
				polygons_end(p, FALSE);
			}
		g_autoptr(mask_t) all = polygons_mask(both, "b", 1, 0, 0, SIDE, SIDE, NULL);
		g_autoptr(mask_t) left = polygons_mask(left_half, "l", 1, 0, 0, SIDE, SIDE, NULL);
		g_autoptr(mask_t) right = polygons_mask(right_half, "r", 1, 0, 0, SIDE, SIDE, NULL);
		g_assert_cmpuint(all->area, ==, SIDE * SIDE);
		g_assert_cmpuint(left->area + right->area, ==, SIDE * SIDE);
	}
	g_rand_free(draw);
}

/* n points about a centre, in quarters of a pixel and a tenth: no centre of a pixel is on an edge. */
static void add_star(struct polygons *p, int n, double x, double y, double radius, double wave, double k)
{
	for (int i = 0; i < n; i++) {
		double r = radius + wave * sin(k * i), turn = 2 * G_PI * i / n;
		g_assert_true(polygons_add_point(p, floor(4 * (x + r * cos(turn)) + 0.5) / 4 + 0.1,
						 floor(4 * (y + r * sin(turn)) + 0.5) / 4 + 0.1, NULL));
	}
	polygons_end_ring(p);
}

static guint64 stars(gboolean first, gboolean second, gboolean cut, int scale, int n)
{
	g_autoptr(polygons_t) p = polygons_new();

	if (first) {
		add_star(p, 60, 500.1, 480.3, 300, 120, 7);
		add_star(p, 31, 520, 470, 100, 20, 3);
		polygons_end(p, FALSE);
	}
	if (second) {
		add_star(p, 9, 700, 300, 200, 30, 2);
		polygons_end(p, cut);
	}
	g_autoptr(mask_t) m = polygons_mask(p, "s", scale, 0, 0, (gint64)n * scale, (gint64)n * scale, NULL);
	return m->area;
}

/* What Shapely 1.8.5 (GEOS) counts of the same: centres that polygon.contains(), and of union() and difference(). */
static void test_shapely(void)
{
	g_assert_cmpuint(stars(TRUE, FALSE, FALSE, 16, 64), ==, 1060);
	g_assert_cmpuint(stars(FALSE, TRUE, FALSE, 16, 64), ==, 453);
	g_assert_cmpuint(stars(TRUE, TRUE, FALSE, 16, 64), ==, 1314);
	g_assert_cmpuint(stars(TRUE, TRUE, TRUE, 16, 64), ==, 861);
	g_assert_cmpuint(stars(TRUE, FALSE, FALSE, 5, 240), ==, 10866);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/polygons/boxes", test_boxes);
	g_test_add_func("/polygons/holes", test_holes);
	g_test_add_func("/polygons/cuts", test_cuts);
	g_test_add_func("/polygons/slopes", test_slopes);
	g_test_add_func("/polygons/thin", test_thin);
	g_test_add_func("/polygons/slips", test_slips);
	g_test_add_func("/polygons/clipped", test_clipped);
	g_test_add_func("/polygons/limits", test_limits);
	g_test_add_func("/polygons/shapely", test_shapely);
	g_test_add_func("/polygons/random", test_random);
	g_test_add_func("/polygons/neighbours", test_neighbours);
	return g_test_run();
}
