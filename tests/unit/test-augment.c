/*
 * test-augment.c - what is drawn, and what it does to where pixels come from: against the eight symmetric pictures made
 * here, a ramp whose samples are known, and splines worked out point by point; and what it never does.
 */
#include "tests/unit/augment_test.h"
#include "train/map_targets.h"

enum { SIDE = 8, PIXELS = SIDE * SIDE, SIZE = 3 * PIXELS, N = 400 };

/* Symmetry k of the square: bit 0 transposes, then bit 1 mirrors left to right, bit 2 top to bottom. */
static float symmetric(const float *picture, int k, int c, int y, int x)
{
	int v = k & 4 ? SIDE - 1 - y : y, u = k & 2 ? SIDE - 1 - x : x;

	return picture[c * PIXELS + (k & 1 ? u * SIDE + v : v * SIDE + u)];
}

static int which_symmetry(const float *picture, const float *got)
{
	int found = -1;

	for (int k = 0; k < 8; k++) {
		float worst = 0;
		for (int i = 0; i < SIZE; i++)
			worst = fmaxf(worst, fabsf(got[i] - symmetric(picture, k, i / PIXELS, i / SIDE % SIDE, i % SIDE)));
		if (worst > 1e-4f)
			continue;
		g_assert_cmpint(found, ==, -1);
		found = k;
	}
	g_assert_cmpint(found, >=, 0);
	return found;
}

static void count_symmetries(gboolean flips, gboolean turns, guint *count)
{
	g_autoptr(settings_t) s = settings_plain();
	g_autofree float *picture = noise(SIZE, 5), *pictures = g_new(float, N * SIZE), *out = g_new(float, N * SIZE);

	s->augmentation.flips = flips;
	s->augmentation.turns = turns;
	g_autofree struct augmentation *of = draw_many(s, 1, 2018, N);
	memset(count, 0, 8 * sizeof *count);
	for (int i = 0; i < N; i++)
		memcpy(pictures + i * SIZE, picture, SIZE * sizeof *picture);
	apply(augment_geometry, pictures, SIDE, SIDE, of, N, out);
	for (int i = 0; i < N; i++)
		count[which_symmetry(picture, out + i * SIZE)]++;
}

static void test_symmetries(void)
{
	/* a mirror image is an odd number of the three bits; turns are an even number */
	static const struct { gboolean flips, turns, of[8]; } cases[] = {
		{ TRUE, TRUE, { 1, 1, 1, 1, 1, 1, 1, 1 } },
		{ TRUE, FALSE, { 1, 0, 1, 0, 1, 0, 1, 0 } },
		{ FALSE, TRUE, { 1, 0, 0, 1, 0, 1, 1, 0 } },
		{ FALSE, FALSE, { 1, 0, 0, 0, 0, 0, 0, 0 } },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		guint count[8], kinds = 0;
		count_symmetries(cases[i].flips, cases[i].turns, count);
		for (int k = 0; k < 8; k++)
			kinds += cases[i].of[k] ? 1 : 0;
		for (int k = 0; k < 8; k++)
			if (cases[i].of[k])     /* five deviations of at most 10 */
				g_assert_cmpfloat(fabs(count[k] - (double)N / kinds), <=, 50);
			else
				g_assert_cmpuint(count[k], ==, 0);
	}
}

/* A map's cells move as pixels do: as a picture of the map does, where each cell is 2 x 2 pixels; zoomed, as one where a
   cell is a pixel. What stands before the map stays. */
static void test_map(void)
{
	enum { CELLS = SIDE / 2, MAP = CELLS * CELLS, T = 2 + MAP };

	for (int zoomed = 0; zoomed < 2; zoomed++) {
		g_autoptr(settings_t) s = settings_plain();
		s->augmentation.flips = s->augmentation.turns = TRUE;
		s->augmentation.scale = zoomed ? 0.4 : 0;
		g_autofree struct augmentation *of = draw_many(s, 1, 4, N);
		g_autofree float *targets = noise(N * T, 8), *moved = g_new(float, N * T), *pictures = g_new0(float, N * SIZE);
		g_autofree float *out = g_new(float, N * SIZE);
		for (int i = 0; i < N; i++)
			for (int k = 0; k < PIXELS; k++)
				pictures[i * SIZE + k] = targets[i * T + 2 + k / SIDE / 2 * CELLS + k % SIDE / 2];
		apply(augment_geometry, pictures, SIDE, SIDE, of, N, out);
		SCOPE(look, NULL, SCOPE_NO_GRAD);
		tensor *t = t_from(look, targets, DIMS(N, T), T_F32, T_CPU);
		tensor *grid = augment_grid(look, of, N, SIDE, SIDE, T_CPU);
		t_read(look, map_targets_move(look, t, CELLS, grid), moved, N * T * sizeof *moved);
		/* the same of a picture of CELLS x CELLS pixels */
		g_autofree float *small = g_new(float, N * MAP);
		tensor *x = t_reshape(look, t_narrow(look, t, 1, 2, MAP), DIMS(N, 1, CELLS, CELLS));
		t_read(look, augment_geometry(look, x, of, N, T_CPU), small, N * MAP * sizeof *small);
		g_assert_cmpint(scope_error(look, NULL), ==, SCOPE_OK);
		for (int i = 0; i < N; i++) {
			g_assert_true(moved[i * T] == targets[i * T] && moved[i * T + 1] == targets[i * T + 1]);
			for (int k = 0; k < MAP; k++) {
				float got = moved[i * T + 2 + k], pixel = out[i * SIZE + k / CELLS * 2 * SIDE + k % CELLS * 2];
				g_assert_cmpfloat_with_epsilon(got, zoomed ? small[i * MAP + k] : pixel, 1e-4);
			}
		}
	}
}

/* A ramp is sampled exactly, bilinearly: each pixel shows where its matrix points, while that is inside. */
static void test_ramp(void)
{
	g_autoptr(settings_t) s = settings_plain();
	g_autofree float *ramps = g_new(float, N * SIZE), *out = g_new(float, N * SIZE);
	guint inside = 0;

	s->augmentation.flips = s->augmentation.turns = TRUE;
	s->augmentation.scale = s->augmentation.stretch = 0.3;
	s->augmentation.angle = 180;
	s->augmentation.shift = 0.1;
	g_autofree struct augmentation *of = draw_many(s, 1, 1, N);
	for (int i = 0; i < N * SIZE; i++)
		ramps[i] = (float)((i % SIDE) * 0.1 + (i / SIDE % SIDE) * 0.03 + (i / PIXELS % 3));
	apply(augment_geometry, ramps, SIDE, SIDE, of, N, out);
	for (int i = 0; i < N; i++)
		for (int k = 0; k < SIZE; k++) {
			const float *g = of[i].geometry;
			double u = (2.0 * (k % SIDE) + 1) / SIDE - 1, v = (2.0 * (k / SIDE % SIDE) + 1) / SIDE - 1;
			double x = ((g[0] * u + g[1] * v + g[2] + 1) * SIDE - 1) / 2;
			double y = ((g[3] * u + g[4] * v + g[5] + 1) * SIDE - 1) / 2;
			if (x < 0 || y < 0 || x > SIDE - 1 || y > SIDE - 1)
				continue;
			inside++;
			g_assert_cmpfloat_with_epsilon(out[i * SIZE + k], x * 0.1 + y * 0.03 + k / PIXELS, 1e-4);
		}
	g_assert_cmpuint(inside, >, N * SIZE / 2);
}

/* Half of them as they are but for flips and quarter turns, each of which is drawn as before; of the rest none. */
static void test_exact(void)
{
	enum { MANY = 2000 };
	static const double shares[] = { 0, 0.5, 1 };

	for (guint k = 0; k < G_N_ELEMENTS(shares); k++) {
		g_autoptr(settings_t) s = settings_plain();
		guint exact = 0, transposed = 0;
		s->augmentation.flips = s->augmentation.turns = TRUE;
		s->augmentation.scale = s->augmentation.shift = 0.3;
		s->augmentation.angle = 20;
		s->augmentation.exact = shares[k];
		g_autofree struct augmentation *of = draw_many(s, 1, 1, MANY);
		for (guint i = 0; i < MANY; i++) {
			const float *g = of[i].geometry;
			gboolean whole = TRUE;
			for (int at = 0; at < 6; at++)
				whole = whole && fabsf(g[at] - roundf(g[at])) < 1e-7f;
			exact += whole && g[2] * g[2] + g[5] * g[5] <= 0;
			transposed += fabsf(g[1]) > fabsf(g[0]);
		}
		g_assert_cmpfloat(fabs(exact - MANY * shares[k]), <=, k == 1 ? 5 * sqrt(MANY / 4.0) : 0);
		g_assert_cmpfloat(fabs(transposed - MANY / 2.0), <=, 5 * sqrt(MANY / 4.0));
	}
}

/* The range of a number over many draws of one effect alone: it reaches both ends, and goes no further. */
static double zoom_of(const float *g) { return log(sqrt(fabs((double)g[0] * g[4] - (double)g[1] * g[3]))); }
static double angle_of(const float *g)
{
	g_assert_cmpfloat_with_epsilon(g[0], g[4], 1e-6);
	g_assert_cmpfloat_with_epsilon(g[1], -g[3], 1e-6);
	g_assert_cmpfloat_with_epsilon(hypot((double)g[0], (double)g[1]), 1, 1e-6);
	return atan2((double)g[3], (double)g[0]) * 180 / G_PI;
}
static double shift_x_of(const float *g) { return g[2] / 2; }
static double shift_y_of(const float *g) { return g[5] / 2; }
/* of k and 1 / k the squares' sum is that of the matrix's numbers */
static double stretch_of(const float *g)
{
	double sum = 0;

	for (int i = 0; i < 6; i++)
		sum += i % 3 < 2 ? (double)g[i] * g[i] : 0;
	g_assert_cmpfloat_with_epsilon(zoom_of(g), 0, 1e-6);
	return 0.5 * acosh(MAX(1, sum / 2));
}

static void test_ranges(void)
{
	static const struct { gsize offset; double strength, low, high; double (*of)(const float *g); } cases[] = {
		{ G_STRUCT_OFFSET(struct settings, augmentation.scale), 0.3, -0.262364, 0.262364, zoom_of },   /* ln 1.3 */
		{ G_STRUCT_OFFSET(struct settings, augmentation.angle), 30, -30, 30, angle_of },
		{ G_STRUCT_OFFSET(struct settings, augmentation.shift), 0.1, -0.1, 0.1, shift_x_of },
		{ G_STRUCT_OFFSET(struct settings, augmentation.shift), 0.1, -0.1, 0.1, shift_y_of },
		{ G_STRUCT_OFFSET(struct settings, augmentation.stretch), 0.3, 0, 0.262364, stretch_of },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(settings_t) s = settings_plain();
		double least = 1e9, most = -1e9, span = cases[i].high - cases[i].low;
		G_STRUCT_MEMBER(double, s, cases[i].offset) = cases[i].strength;
		g_autofree struct augmentation *of = draw_many(s, 1, 1, N);
		for (int k = 0; k < N; k++) {
			double value = cases[i].of(of[k].geometry);
			least = MIN(least, value);
			most = MAX(most, value);
		}
		g_assert_cmpfloat(least, >=, cases[i].low - 1e-3 * span);
		g_assert_cmpfloat(least, <, cases[i].low + 0.02 * span);
		g_assert_cmpfloat(most, <=, cases[i].high + 1e-3 * span);
		g_assert_cmpfloat(most, >, cases[i].high - 0.02 * span);
	}
}

/* A turn by 90 degrees is a quarter turn; a move by a pixel shows the first one's mirror image at the border. */
static void test_by_hand(void)
{
	g_autofree float *picture = noise(2 * SIZE, 8);
	struct augmentation of[2] = { plain(), plain() };
	float out[2 * SIZE];

	of[0].geometry[0] = of[0].geometry[4] = (float)cos(G_PI / 2);
	of[0].geometry[1] = -(float)sin(G_PI / 2);
	of[0].geometry[3] = (float)sin(G_PI / 2);
	of[1].geometry[2] = -2.0f / SIDE;
	apply(augment_geometry, picture, SIDE, SIDE, of, 2, out);
	g_assert_cmpint(which_symmetry(picture, out), ==, 5);   /* x from y mirrored, y from x */
	for (int i = 0; i < SIZE; i++)
		g_assert_cmpfloat_with_epsilon(out[SIZE + i], picture[SIZE + (i % SIDE > 0 ? i - 1 : i)], 1e-5);
}

/* ---- elastic ---- */

/* Cox & de Boor: B-spline of a degree on whole knots, that begins at knot 0. */
static double de_boor(int degree, double t)
{
	if (degree == 0)
		return t >= 0 && t < 1;
	return t / degree * de_boor(degree - 1, t) + (degree + 1 - t) / degree * de_boor(degree - 1, t - 1);
}

static void read_grid(const struct augmentation *of, guint n, gint64 h, gint64 w, float *out)
{
	const char *message;
	SCOPE(s, NULL, SCOPE_NO_GRAD);

	t_read(s, augment_grid(s, of, n, h, w, T_CPU), out, (gsize)(n * h * w * 2) * sizeof *out);
	scope_error(s, &message);
	g_assert_cmpstr(message, ==, "");
}

static void test_spline(void)
{
	enum { H = 5, W = 12, P = ELASTIC_POINTS };
	struct augmentation of[2] = { plain(), plain() };
	float grid[2][H][W][2];
	g_autofree float *points = noise(2 * P * P, 4);

	memcpy(of[1].elastic, points, sizeof of[1].elastic);
	read_grid(of, 2, H, W, &grid[0][0][0][0]);
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++)
			for (int k = 0; k < 2; k++) {
				const double v = (y + 0.5) / H * ELASTIC_CELLS, u = (x + 0.5) / W * ELASTIC_CELLS;
				const double plain_at = k == 0 ? (2 * x + 1.0) / W - 1 : (2 * y + 1.0) / H - 1;
				double moved = 0;
				for (int i = 0; i < P; i++)
					for (int j = 0; j < P; j++)
						moved += points[k * P * P + i * P + j] * de_boor(3, v + 3 - i) * de_boor(3, u + 3 - j);
				g_assert_cmpfloat_with_epsilon(grid[0][y][x][k], plain_at, 1e-6);
				g_assert_cmpfloat_with_epsilon(grid[1][y][x][k], plain_at + moved, 1e-5);
			}
}

/* At its strongest: nothing moves further than it may, and tissue nowhere folds over. */
static void test_elastic(void)
{
	enum { G = 48 };
	g_autoptr(settings_t) s = settings_plain();
	g_autofree float *grid = g_new(float, N * G * G * 2);
	guint moved = 0;
	double most = 0;

	s->augmentation.elastic = 0.1;
	s->augmentation.damage = 0.5;
	g_autofree struct augmentation *of = draw_many(s, 1, 3, N);
	read_grid(of, N, G, G, grid);
	for (int i = 0; i < N; i++) {
		double far = 0;
		for (int at = 0; at < G * (G - 1) - 1; at++) {
			const float *p = grid + (i * G * G + at) * 2;
			const double dx = (double)p[0] - ((2 * (at % G) + 1.0) / G - 1), dy = (double)p[1] - ((2 * (at / G) + 1.0) / G - 1);
			far = MAX(far, MAX(fabs(dx), fabs(dy)));
			if (at % G < G - 1)
				g_assert_cmpfloat((p[2] - p[0]) * (p[2 * G + 1] - p[1]) - (p[3] - p[1]) * (p[2 * G] - p[0]), >, 0);
		}
		moved += far > 1e-6;
		most = MAX(most, far);
	}
	g_assert_cmpfloat(most, <=, 0.2);       /* of -1..1 */
	g_assert_cmpfloat(most, >, 0.1);
	g_assert_cmpfloat(fabs(moved - N / 2.0), <, 50);
}

/* ---- whatever it is ---- */

static void test_nothing(void)
{
	g_autoptr(settings_t) all = settings_all(), none = settings_plain();
	g_autofree float *pictures = noise(8 * SIZE, 3), *out = g_new(float, 8 * SIZE);

	for (int i = 0; i < 2; i++) {
		g_autofree struct augmentation *of = draw_many(i == 0 ? all : none, i == 0 ? 0 : 1, 2018, 8);
		g_autofree guint8 *bytes = g_malloc0(8 * PIXELS * 3);
		augment_mix(i == 0 ? all : none, i == 0 ? 0 : 1, 2018, 3, 1000, bytes, PIXELS, of, 8);
		apply(augment, pictures, SIDE, SIDE, of, 8, out);
		g_assert_true(memcmp(pictures, out, 8 * SIZE * sizeof *out) == 0);
	}
}

/* At a quarter of all strengths the draws are those of settings of a quarter. */
static void test_strength(void)
{
	static const gsize fields[] = {
#define FIELD(name) G_STRUCT_OFFSET(struct settings, augmentation.name)
		FIELD(angle), FIELD(scale), FIELD(shift), FIELD(stretch), FIELD(stain), FIELD(stain_mix), FIELD(colour),
		FIELD(elastic), FIELD(blur), FIELD(sharpen), FIELD(noise), FIELD(jpeg),
	};
	g_autoptr(settings_t) all = settings_all(), quarter = settings_all();

	for (gsize i = 0; i < G_N_ELEMENTS(fields); i++)
		G_STRUCT_MEMBER(double, quarter, fields[i]) *= 0.25;
	g_autofree struct augmentation *a = draw_many(all, 0.25, 2018, N), *b = draw_many(quarter, 1, 2018, N);
	g_assert_true(memcmp(a, b, N * sizeof *a) == 0);
}

/* A sample's changes are its own: the same in any batch, others at any other place. */
static void test_reproducible(void)
{
	enum { S = 32, P = 3 * S * S };
	g_autoptr(settings_t) s = settings_all();
	g_autofree struct augmentation *of = draw_many(s, 1, 2018, 8);
	g_autofree float *pictures = noise(8 * P, 3), *out = g_new(float, 8 * P), *alone = g_new(float, 8 * P);
	struct augmentation again, other[3];

	apply(augment, pictures, S, S, of, 8, out);
	for (guint i = 0; i < 8; i++) {
		augment_draw(s, 1, 2018, 3, 1000 + i, &again);
		g_assert_true(memcmp(&again, &of[i], sizeof again) == 0);
		apply(augment, pictures + i * P, S, S, &of[i], 1, alone);
		for (guint k = 0; k < P; k++) {
			g_assert_cmpfloat_with_epsilon(alone[k], out[i * P + k], 1e-5);
			g_assert_true(alone[k] >= 0 && alone[k] <= 1);
		}
	}
	augment_draw(s, 1, 2019, 3, 1000, &other[0]);
	augment_draw(s, 1, 2018, 4, 1000, &other[1]);
	augment_draw(s, 1, 2018, 3, 1001, &other[2]);
	for (int i = 0; i < 3; i++)
		g_assert_true(memcmp(&other[i], &of[0], sizeof other[i]) != 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	tensor_threads(1);
	g_test_add_func("/augment/symmetries", test_symmetries);
	g_test_add_func("/augment/map", test_map);
	g_test_add_func("/augment/ramp", test_ramp);
	g_test_add_func("/augment/exact", test_exact);
	g_test_add_func("/augment/ranges", test_ranges);
	g_test_add_func("/augment/by-hand", test_by_hand);
	g_test_add_func("/augment/spline", test_spline);
	g_test_add_func("/augment/elastic", test_elastic);
	g_test_add_func("/augment/nothing", test_nothing);
	g_test_add_func("/augment/strength", test_strength);
	g_test_add_func("/augment/reproducible", test_reproducible);
	return g_test_run();
}
