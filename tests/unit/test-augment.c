/*
 * test-augment.c - what augmentation does to pixels, against the eight symmetric pictures made here, a ramp
 * whose samples are known, and colours worked out by hand; and what it never does.
 */
#include "common/config/config.h"
#include "train/augment.h"
#include "train/map_targets.h"
#include <math.h>

enum { SIDE = 8, PIXELS = SIDE * SIDE, SIZE = 3 * PIXELS, N = 400 };

static struct settings *make_settings(double stain, double colour, double scale, gboolean flips, gboolean turns)
{
	struct settings *s = settings_new();

	s->augmentation.stain = stain;
	s->augmentation.colour = colour;
	s->augmentation.scale = scale;
	s->augmentation.flips = flips;
	s->augmentation.turns = turns;
	return s;
}

static void draw_many(const struct settings *s, guint64 seed, struct augmentation *out, guint n)
{
	for (guint i = 0; i < n; i++)
		augment_draw(s, seed, 3, 1000 + i, &out[i]);
}

static void assert_scope(const scope *s)
{
	const char *message;

	scope_error(s, &message);
	g_assert_cmpstr(message, ==, "");
}

/* Each of n pictures (3, SIDE, SIDE) by an augmentation of its own. */
static void geometry(const float *pictures, const struct augmentation *of, guint n, float *out)
{
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	tensor *x = t_from(s, pictures, DIMS(n, 3, SIDE, SIDE), T_F32, T_CPU);
	t_read(s, augment_geometry(s, x, of, n, T_CPU), out, n * SIZE * sizeof *out);
	assert_scope(s);
}

/* values (n, pixels, 3) */
static void colour(const float *values, guint pixels, const struct augmentation *of, guint n, float *out)
{
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	tensor *x = t_from(s, values, DIMS(n, pixels, 3), T_F32, T_CPU);
	t_read(s, augment_colour(s, x, of, n, T_CPU), out, n * pixels * 3 * sizeof *out);
	assert_scope(s);
}

static float *noise(gsize n, guint32 seed)
{
	g_autoptr(GRand) source = g_rand_new_with_seed(seed);
	float *x = g_new(float, n);

	for (gsize i = 0; i < n; i++)
		x[i] = (float)g_rand_double(source);
	return x;
}

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
	g_autoptr(settings_t) s = make_settings(0, 0, 0, flips, turns);
	g_autofree struct augmentation *of = g_new(struct augmentation, N);
	g_autofree float *picture = noise(SIZE, 5), *pictures = g_new(float, N * SIZE), *out = g_new(float, N * SIZE);

	memset(count, 0, 8 * sizeof *count);
	for (int i = 0; i < N; i++)
		memcpy(pictures + i * SIZE, picture, SIZE * sizeof *picture);
	draw_many(s, 2018, of, N);
	geometry(pictures, of, N, out);
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
		g_autoptr(settings_t) s = make_settings(0, 0, zoomed ? 0.4 : 0, TRUE, TRUE);
		g_autofree struct augmentation *of = g_new(struct augmentation, N);
		g_autofree float *targets = noise(N * T, 8), *moved = g_new(float, N * T), *pictures = g_new0(float, N * SIZE);
		g_autofree float *out = g_new(float, N * SIZE);
		draw_many(s, 4, of, N);
		for (int i = 0; i < N; i++)
			for (int k = 0; k < PIXELS; k++)
				pictures[i * SIZE + k] = targets[i * T + 2 + k / SIDE / 2 * CELLS + k % SIDE / 2];
		geometry(pictures, of, N, out);
		SCOPE(look, NULL, SCOPE_NO_GRAD);
		tensor *t = t_from(look, targets, DIMS(N, T), T_F32, T_CPU);
		tensor *grid = augment_grid(look, of, N, DIMS(N, 3, SIDE, SIDE), T_CPU);
		t_read(look, map_targets_move(look, t, CELLS, grid), moved, N * T * sizeof *moved);
		/* the same of a picture of CELLS x CELLS pixels */
		g_autofree float *small = g_new(float, N * MAP);
		tensor *x = t_reshape(look, t_narrow(look, t, 1, 2, MAP), DIMS(N, 1, CELLS, CELLS));
		t_read(look, augment_geometry(look, x, of, N, T_CPU), small, N * MAP * sizeof *small);
		assert_scope(look);
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
static void test_zoom(void)
{
	g_autoptr(settings_t) s = make_settings(0, 0, 0.3, TRUE, TRUE);
	g_autofree struct augmentation *of = g_new(struct augmentation, N);
	g_autofree float *ramps = g_new(float, N * SIZE), *out = g_new(float, N * SIZE);
	double least = 10, most = 0;
	guint inside = 0;

	draw_many(s, 1, of, N);
	for (int i = 0; i < N * SIZE; i++)
		ramps[i] = (float)((i % SIDE) * 0.1 + (i / SIDE % SIDE) * 0.03 + (i / PIXELS % 3));
	geometry(ramps, of, N, out);
	for (int i = 0; i < N; i++) {
		const float *g = of[i].geometry;
		double zoom = sqrt(fabs((double)g[0] * g[4] - (double)g[1] * g[3]));
		least = MIN(least, zoom);
		most = MAX(most, zoom);
		for (int k = 0; k < SIZE; k++) {
			double u = (2.0 * (k % SIDE) + 1) / SIDE - 1, v = (2.0 * (k / SIDE % SIDE) + 1) / SIDE - 1;
			double x = ((g[0] * u + g[1] * v + g[2] + 1) * SIDE - 1) / 2;
			double y = ((g[3] * u + g[4] * v + g[5] + 1) * SIDE - 1) / 2;
			if (x < 0 || y < 0 || x > SIDE - 1 || y > SIDE - 1)
				continue;
			inside++;
			g_assert_cmpfloat_with_epsilon(out[i * SIZE + k], x * 0.1 + y * 0.03 + k / PIXELS, 1e-4);
		}
	}
	g_assert_cmpuint(inside, >, N * SIZE / 2);
	g_assert_cmpfloat(least, >=, 1 / 1.3 - 1e-6);
	g_assert_cmpfloat(least, <, 0.79);
	g_assert_cmpfloat(most, <=, 1.3 + 1e-6);
	g_assert_cmpfloat(most, >, 1.27);
}

static void test_colour_identity(void)
{
	g_autoptr(settings_t) s = make_settings(0, 0, 0.1, TRUE, TRUE);
	struct augmentation of[4];
	float values[4 * 256 * 3], out[4 * 256 * 3];

	draw_many(s, 2018, of, 4);
	for (int i = 0; i < 4 * 256 * 3; i++)
		values[i] = (float)((i / 3 * (1 + i % 3 * 2)) % 256) / 255;
	colour(values, 256, of, 4, out);
	for (int i = 0; i < 4 * 256 * 3; i++)   /* black comes back as the darkest grey */
		g_assert_cmpfloat_with_epsilon(out[i], MAX(values[i], 1.0f / 255), 2e-5);
}

/* One sample's numbers set by hand. */
static struct augmentation plain(void)
{
	struct augmentation a = { 0 };

	for (int i = 0; i < 3; i++)
		a.stain[4 * i] = a.colour[4 * i] = 1;
	return a;
}

static void test_colour_by_hand(void)
{
	const float values[] = { 0.25f, 0.5f, 0.8f };
	struct augmentation of[6];
	float in[6 * 3], out[6 * 3];
	const double want[6][3] = {
		{ 0.0625, 0.25, 0.64 },                 /* twice the absorbance: the square */
		{ 0.25 * 0.8, 0.5 * 0.8, 0.8 * 0.8 },   /* ln 1.25 more absorbance everywhere */
		{ 0.225, 0.35, 0.5 },                   /* half, and 0.1 */
		{ 0.8, 0.25, 0.5 },                     /* red goes to green, green to blue, blue to red */
		{ 1, 1, 1 },                            /* too bright */
		{ 0, 0, 0 },                            /* too dark */
	};

	for (int i = 0; i < 6; i++) {
		of[i] = plain();
		memcpy(in + 3 * i, values, sizeof values);
	}
	for (int i = 0; i < 3; i++) {
		of[0].stain[4 * i] = 2;
		of[1].stain_shift[i] = (float)log(1.25);
		of[2].colour[4 * i] = 0.5f;
		of[2].colour_shift[i] = 0.1f;
		of[3].colour[4 * i] = 0;
		of[3].colour[3 * i + (i + 1) % 3] = 1;
		of[4].colour_shift[i] = 2;
		of[5].colour_shift[i] = -2;
	}
	colour(in, 1, of, 6, out);
	for (int i = 0; i < 6; i++)
		for (int c = 0; c < 3; c++)
			g_assert_cmpfloat_with_epsilon(out[3 * i + c], want[i][c], 1e-5);
}

/* Whatever is drawn, at full strength: values stay within 0..1. */
static void test_colour_range(void)
{
	g_autoptr(settings_t) s = make_settings(1, 1, 0.5, TRUE, TRUE);
	g_autofree struct augmentation *of = g_new(struct augmentation, N);
	g_autofree float *values = noise(N * 16 * 3, 9), *out = g_new(float, N * 16 * 3);

	for (int i = 0; i < N * 16 * 3; i += 7)
		values[i] = (float)(i % 2);
	draw_many(s, 77, of, N);
	colour(values, 16, of, N, out);
	for (int i = 0; i < N * 16 * 3; i++)
		g_assert_true(out[i] >= 0 && out[i] <= 1);
}

/* Each stain alone is scaled by its own factor of 1 +- strength; grey stays grey when colour is changed. */
static void test_draws(void)
{
	const double stains[2][3] = { { 0.650, 0.704, 0.286 }, { 0.072, 0.990, 0.105 } };
	g_autoptr(settings_t) s = make_settings(0.3, 0.2, 0, FALSE, FALSE);
	double least[2] = { 9, 9 }, most[2] = { 0, 0 };

	for (guint64 p = 0; p < N; p++) {
		struct augmentation a;
		augment_draw(s, 2018, 0, p, &a);
		for (int k = 0; k < 2; k++) {
			double by[3];
			for (int j = 0; j < 3; j++)
				by[j] = (stains[k][0] * a.stain[j] + stains[k][1] * a.stain[3 + j] +
					 stains[k][2] * a.stain[6 + j]) / stains[k][j];
			g_assert_cmpfloat_with_epsilon(by[1], by[0], 1e-4);
			g_assert_cmpfloat_with_epsilon(by[2], by[0], 1e-4);
			least[k] = MIN(least[k], by[0]);
			most[k] = MAX(most[k], by[0]);
		}
		double grey = a.colour[0] + a.colour[3] + a.colour[6];
		g_assert_cmpfloat_with_epsilon(a.colour[1] + a.colour[4] + a.colour[7], grey, 1e-5);
		g_assert_cmpfloat_with_epsilon(a.colour[2] + a.colour[5] + a.colour[8], grey, 1e-5);
		g_assert_cmpfloat(grey, >, 0.8 * 0.8 - 1e-5);
		g_assert_cmpfloat(grey, <, 1.2 * 1.2 + 1e-5);
	}
	for (int k = 0; k < 2; k++) {
		g_assert_cmpfloat(least[k], >=, 0.7 - 1e-4);
		g_assert_cmpfloat(least[k], <, 0.72);
		g_assert_cmpfloat(most[k], <=, 1.3 + 1e-4);
		g_assert_cmpfloat(most[k], >, 1.28);
	}
}

/* A sample's changes are its own: the same in any batch, others at any other place. */
static void test_reproducible(void)
{
	g_autoptr(settings_t) s = make_settings(0.25, 0.25, 0.1, TRUE, TRUE);
	struct augmentation of[8], again, other[3];
	g_autofree float *pictures = noise(8 * SIZE, 3), *out = g_new(float, 8 * SIZE), *tinted = g_new(float, 8 * SIZE);
	float alone[SIZE];

	draw_many(s, 2018, of, 8);
	geometry(pictures, of, 8, out);
	colour(pictures, PIXELS, of, 8, tinted);
	for (guint i = 0; i < 8; i++) {
		augment_draw(s, 2018, 3, 1000 + i, &again);
		g_assert_true(memcmp(&again, &of[i], sizeof again) == 0);
		geometry(pictures + i * SIZE, &of[i], 1, alone);
		for (int k = 0; k < SIZE; k++)
			g_assert_cmpfloat_with_epsilon(alone[k], out[i * SIZE + (guint)k], 1e-6);
		colour(pictures + i * SIZE, PIXELS, &of[i], 1, alone);
		for (int k = 0; k < SIZE; k++)
			g_assert_cmpfloat_with_epsilon(alone[k], tinted[i * SIZE + (guint)k], 1e-6);
	}
	augment_draw(s, 2019, 3, 1000, &other[0]);
	augment_draw(s, 2018, 4, 1000, &other[1]);
	augment_draw(s, 2018, 3, 1001, &other[2]);
	for (int i = 0; i < 3; i++)
		g_assert_true(memcmp(&other[i], &of[0], sizeof other[i]) != 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	tensor_threads(1);
	g_test_add_func("/augment/symmetries", test_symmetries);
	g_test_add_func("/augment/map", test_map);
	g_test_add_func("/augment/zoom", test_zoom);
	g_test_add_func("/augment/colour-identity", test_colour_identity);
	g_test_add_func("/augment/colour-by-hand", test_colour_by_hand);
	g_test_add_func("/augment/colour-range", test_colour_range);
	g_test_add_func("/augment/draws", test_draws);
	g_test_add_func("/augment/reproducible", test_reproducible);
	return g_test_run();
}
