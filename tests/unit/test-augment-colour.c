/*
 * test-augment-colour.c - stain and colour against values worked out by hand, densities taken apart anew, and slides of
 * two known stains mixed.
 */
#include "common/image/stain.h"
#include "tests/unit/augment_test.h"

enum { N = 400 };

/* values and out (n, pixels, 3) */
static void colour(const float *values, guint pixels, const struct augmentation *of, guint n, float *out)
{
	const gsize size = (gsize)n * pixels * 3;
	g_autofree float *planes = g_new(float, size), *got = g_new(float, size);

	for (gsize i = 0; i < size; i++)
		planes[i] = values[i / (3 * pixels) * 3 * pixels + i % pixels * 3 + i / pixels % 3];
	apply(augment_colour, planes, 1, pixels, of, n, got);
	for (gsize i = 0; i < size; i++)
		out[i / (3 * pixels) * 3 * pixels + i % pixels * 3 + i / pixels % 3] = got[i];
}

static void test_by_hand(void)
{
	const float values[] = { 0.25f, 0.5f, 0.8f };
	struct augmentation of[6];
	float in[6 * 3], out[6 * 3];
	const double want[6][3] = {
		{ 0.0625, 0.25, 0.64 },                 /* twice the density: the square */
		{ 0.25 * 0.8, 0.5 * 0.8, 0.8 * 0.8 },   /* ln 1.25 more density everywhere */
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
static void test_range(void)
{
	g_autoptr(settings_t) s = settings_all();
	g_autofree struct augmentation *of = draw_many(s, 1, 77, N);
	g_autofree float *values = noise(N * 16 * 3, 9), *out = g_new(float, N * 16 * 3);

	for (int i = 0; i < N * 16 * 3; i += 7)
		values[i] = (float)(i % 2);
	colour(values, 16, of, N, out);
	for (int i = 0; i < N * 16 * 3; i++)
		g_assert_true(out[i] >= 0 && out[i] <= 1);
}

/* ---- stain ---- */

/* Amounts of the stains of Ruifrok & Johnston in a colour, by Cramer's rule. */
static void amounts_of(const float *rgb, double out[3])
{
	static const double v[3][3] = { { 0.650, 0.704, 0.286 }, { 0.072, 0.990, 0.105 }, { 0.268, 0.570, 0.776 } };
	double det[4];

	for (int which = 0; which < 4; which++) {       /* 3: none replaced */
		double m[3][3];
		for (int i = 0; i < 3; i++)
			for (int k = 0; k < 3; k++)
				m[i][k] = i == which ? -log((double)rgb[k]) : v[i][k];
		det[which] = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
			     m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
	}
	for (int i = 0; i < 3; i++)
		out[i] = det[i] / det[3];
}

/* Of each stain the amount becomes a * amount + b, with a of 1 +- 0.2 and b of +- 0.2. */
static void test_stain(void)
{
	const float two[6] = { 0.35f, 0.25f, 0.4f, 0.5f, 0.2f, 0.3f };
	g_autoptr(settings_t) s = settings_plain();
	g_autofree float *in = g_new(float, N * 6), *out = g_new(float, N * 6);
	double least[2] = { 9, 9 }, most[2] = { -9, -9 };

	s->augmentation.stain = 0.2;
	g_autofree struct augmentation *of = draw_many(s, 1, 2018, N);
	for (int i = 0; i < N; i++)
		memcpy(in + 6 * i, two, sizeof two);
	colour(in, 2, of, N, out);
	for (int i = 0; i < N; i++) {
		double before[2][3], after[2][3];
		for (int p = 0; p < 2; p++) {
			amounts_of(two + 3 * p, before[p]);
			amounts_of(out + 6 * i + 3 * p, after[p]);
		}
		for (int k = 0; k < 3; k++) {
			const double a = (after[1][k] - after[0][k]) / (before[1][k] - before[0][k]);
			const double by[2] = { a, after[0][k] - a * before[0][k] };
			for (int j = 0; j < 2; j++) {
				least[j] = MIN(least[j], by[j]);
				most[j] = MAX(most[j], by[j]);
			}
		}
	}
	for (int j = 0; j < 2; j++) {
		const double middle = j == 0 ? 1 : 0;
		g_assert_cmpfloat(least[j], >, middle - 0.201);
		g_assert_cmpfloat(least[j], <, middle - 0.19);
		g_assert_cmpfloat(most[j], <, middle + 0.201);
		g_assert_cmpfloat(most[j], >, middle + 0.19);
	}
}

/* Grey stays grey, and its brightness and contrast within their strength. */
static void test_colour(void)
{
	g_autoptr(settings_t) s = settings_plain();

	s->augmentation.colour = 0.2;
	g_autofree struct augmentation *of = draw_many(s, 1, 2018, N);
	for (int i = 0; i < N; i++) {
		const float *m = of[i].colour;
		double grey = m[0] + m[3] + m[6];
		g_assert_cmpfloat_with_epsilon(m[1] + m[4] + m[7], grey, 1e-5);
		g_assert_cmpfloat_with_epsilon(m[2] + m[5] + m[8], grey, 1e-5);
		g_assert_cmpfloat(grey, >, 0.8 * 0.8 - 1e-5);
		g_assert_cmpfloat(grey, <, 1.2 * 1.2 + 1e-5);
	}
}

/* ---- mixing ---- */

enum { P = 400 };
/* haematoxylin and eosin of two laboratories */
static const double stains_of[2][2][3] = { { { 0.60, 0.70, 0.39 }, { 0.22, 0.88, 0.42 } }, { { 0.72, 0.60, 0.35 }, { 0.30, 0.86, 0.42 } } };

/* Pixels of either stain alone and of both, P; then, where `single`, of one alone: no two can be told apart. */
static void stain_pixels(int lab, gboolean single, guint8 *bytes)
{
	for (int i = 0; i < P; i++) {
		const double h = single ? 1 + i % 7 * 0.1 : i % 4 == 0 ? 0 : 0.7 + i % 5 * 0.1;
		const double e = single || i % 4 == 1 ? 0 : 0.9 + i % 3 * 0.1;
		for (int k = 0; k < 3; k++)
			bytes[3 * i + k] = (guint8)lround(255 * exp(-h * stains_of[lab][0][k] - e * stains_of[lab][1][k]));
	}
}

/* density * the sample's matrix */
static void mixed(const struct augmentation *of, const double density[3], double out[3])
{
	for (int k = 0; k < 3; k++)
		out[k] = density[0] * of->stain[k] + density[1] * of->stain[3 + k] + density[2] * of->stain[6 + k];
}

static void test_mix(void)
{
	enum { BATCH = 3, EPOCHS = 60 };
	g_autoptr(settings_t) s = settings_plain();
	g_autofree guint8 *bytes = g_malloc(BATCH * P * 3);
	guint changed = 0;
	double most = 0;

	s->augmentation.stain_mix = 0.8;
	for (int i = 0; i < BATCH; i++)
		stain_pixels(i % 2, i == 2, bytes + 3 * P * i);
	for (guint64 epoch = 0; epoch < EPOCHS; epoch++) {
		struct augmentation of[BATCH];
		double share[2] = { NAN, NAN };
		for (guint64 i = 0; i < BATCH; i++)
			augment_draw(s, 1, 1, epoch, i, &of[i]);
		augment_mix(s, 1, 1, epoch, 0, bytes, P, of, BATCH);
		for (int i = 0; i < 9; i++)     /* it gives none and takes none */
			g_assert_cmpfloat(of[2].stain[i], ==, i % 4 == 0 ? 1 : 0);
		for (int stain = 0; stain < 2; stain++) {
			double out[3];
			mixed(&of[0], stains_of[0][stain], out);
			share[stain] = (out[0] - stains_of[0][stain][0]) / (stains_of[1][stain][0] - stains_of[0][stain][0]);
			for (int k = 0; k < 3; k++) /* on the line from one's stain to the other's; bytes are rounded */
				g_assert_cmpfloat_with_epsilon(out[k], stains_of[0][stain][k] + share[stain] *
							       (stains_of[1][stain][k] - stains_of[0][stain][k]), 0.02);
		}
		g_assert_cmpfloat_with_epsilon(share[0], share[1], 0.1);
		g_assert_cmpfloat(share[0], >, -0.05);
		g_assert_cmpfloat(share[0], <, 0.85);
		changed += share[0] > 0.03;
		most = MAX(most, share[0]);
	}
	g_assert_cmpfloat(most, >, 0.6);
	g_assert_cmpuint(changed, >, EPOCHS / 6);       /* a third has the other as its partner */
	g_assert_cmpuint(changed, <, EPOCHS / 2);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	tensor_threads(1);
	g_test_add_func("/augment-colour/by-hand", test_by_hand);
	g_test_add_func("/augment-colour/range", test_range);
	g_test_add_func("/augment-colour/stain", test_stain);
	g_test_add_func("/augment-colour/colour", test_colour);
	g_test_add_func("/augment-colour/mix", test_mix);
	return g_test_run();
}
