/* test-heat.c - the colours of scores, and scores laid over a picture: known squares give known pixels. */
#include "common/image/heat.h"
#include <math.h>

enum { WIDTH = 8, HEIGHT = 6, BYTES = WIDTH * HEIGHT * 3, GREY = 200 };

/* What is a grey pixel under a score; framed: half of it the frame's. */
static guint8 expected(double score, int k, gboolean framed)
{
	guint8 colour[3];

	heat_colour(score, colour);
	double value = isnan(score) ? GREY : round(GREY + heat_cover(score) * (colour[k] - GREY));
	return (guint8)lround(framed ? value + 0.5 * (60 - value) : value);
}

static void assert_pixel(const guint8 *rgb, int x, int y, double score, gboolean framed)
{
	for (int k = 0; k < 3; k++)
		g_assert_cmpint(rgb[3 * (y * WIDTH + x) + k], ==, expected(score, k, framed));
}

static void lay_over(struct heat *h, guint8 rgb[BYTES])
{
	memset(rgb, GREY, BYTES);
	heat_lay_over(h, rgb);
	heat_clear(h);
}

static void test_colours(void)
{
	const struct { double score; guint8 rgb[3]; } known[] = {
		{ -1, { 68, 1, 84 } }, { 0, { 68, 1, 84 } }, { 0.25, { 59, 81, 139 } }, { 0.5, { 33, 144, 141 } },
		{ 0.4375, { 39, 129, 142 } }, { 1, { 253, 231, 37 } }, { 7, { 253, 231, 37 } },
	};
	double before = -1;

	for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
		guint8 rgb[3];
		heat_colour(known[i].score, rgb);
		for (int k = 0; k < 3; k++)
			g_assert_cmpint(rgb[k], ==, known[i].rgb[k]);
	}
	for (int i = 0; i <= 100; i++) {        /* lighter and lighter (Rec. 709) */
		guint8 rgb[3];
		heat_colour(i / 100.0, rgb);
		double light = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
		g_assert_cmpfloat(light, >, before);
		before = light;
	}
}

static void test_cover(void)
{
	double before = 0;

	g_assert_cmpfloat(heat_cover(-3), ==, 0);
	g_assert_cmpfloat(heat_cover(0.1), ==, 0);
	for (int i = 11; i <= 100; i++) {
		g_assert_cmpfloat(heat_cover(i / 100.0), >, before);
		before = heat_cover(i / 100.0);
	}
	g_assert_cmpfloat_with_epsilon(heat_cover(1), 0.75, 1e-9);
	g_assert_cmpfloat(heat_cover(9), ==, heat_cover(1));
}

/* Two by two squares of 3 px from 1,0 on, one of them without a score. */
static void test_grid(void)
{
	const double score[2][2] = { { 0.9, 0.02 }, { 0.5, NAN } };
	guint8 rgb[BYTES];
	struct heat h;

	heat_init(&h, WIDTH, HEIGHT);
	for (int i = 0; i < 4; i++)
		if (!isnan(score[i / 2][i % 2]))
			heat_add(&h, 1 + 3 * (i % 2), 3 * (i / 2), 3, score[i / 2][i % 2], FALSE);
	lay_over(&h, rgb);
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++)
			assert_pixel(rgb, x, y, x < 1 || x >= 7 ? NAN : (double)(float)score[y / 3][(x - 1) / 3], FALSE);
}

/* The highest is seen, whatever came first; squares are cut at the border, and never vanish within it. */
static void test_squares(void)
{
	guint8 rgb[BYTES];
	struct heat h;

	heat_init(&h, WIDTH, HEIGHT);
	heat_add(&h, 0, 0, 2, 0.3, FALSE);
	heat_add(&h, 1, 1, 2, 0.75, FALSE);
	heat_add(&h, 1, 1, 1, 0.5, FALSE);
	heat_add(&h, 6.6, -3, 40, 0.25, FALSE);
	heat_add(&h, 4.55, 4.55, 0.1, 1, FALSE);        /* narrower than a pixel */
	heat_add(&h, WIDTH, 0, 0.1, 1, FALSE);
	heat_add(&h, -50, -50, 20, 1, FALSE);
	lay_over(&h, rgb);
	assert_pixel(rgb, 0, 0, 0.3f, FALSE);
	assert_pixel(rgb, 1, 1, 0.75, FALSE);
	assert_pixel(rgb, 2, 2, 0.75, FALSE);
	assert_pixel(rgb, 3, 3, NAN, FALSE);
	assert_pixel(rgb, 4, 4, 1, FALSE);
	assert_pixel(rgb, 5, 4, NAN, FALSE);
	assert_pixel(rgb, 6, 0, NAN, FALSE);
	assert_pixel(rgb, 7, 0, 0.25, FALSE);
	assert_pixel(rgb, 7, 5, 0.25, FALSE);
}

static void test_frame(void)
{
	guint8 rgb[BYTES];
	struct heat h;

	heat_init(&h, WIDTH, HEIGHT);
	heat_add(&h, 1, 1, 4, 0, TRUE);         /* seen though its score is not */
	heat_add(&h, 1, 1, 4, 0.5, TRUE);       /* and drawn once */
	lay_over(&h, rgb);
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++) {
			gboolean in = x >= 1 && x < 5 && y >= 1 && y < 5, middle = x >= 2 && x < 4 && y >= 2 && y < 4;
			assert_pixel(rgb, x, y, in ? 0.5 : NAN, in && !middle);
		}
}

/* Tissue under a score loses its own colour as far as it is covered. */
static void test_pure(void)
{
	guint8 pink[3] = { 240, 90, 180 }, grey[3] = { 170, 170, 170 };

	for (int i = 0; i < 2; i++) {
		struct heat h;
		heat_init(&h, 1, 1);
		heat_add(&h, 0, 0, 1, 1, FALSE);
		heat_lay_over(&h, i == 0 ? pink : grey);
		heat_clear(&h);
	}
	g_assert_cmpint(memcmp(pink, grey, sizeof pink), ==, 0);
}

static void test_scale(void)
{
	static const int widths[] = { 1, 10, 18, 40, 1000 };

	for (gsize i = 0; i < G_N_ELEMENTS(widths); i++) {
		const gsize bytes = (gsize)widths[i] * HEAT_SCALE_HEIGHT * 3;
		g_autofree guint8 *rgb = g_malloc(bytes);
		guint coloured = 0;
		heat_scale(rgb, widths[i]);
		for (gsize k = 0; k < bytes; k++)
			coloured += rgb[k] != 255;
		g_assert_true((coloured > 0) == (widths[i] > 16));
		for (int k = 0; k < 3; k++)     /* a margin all around */
			g_assert_cmpint(rgb[bytes - 3 + (gsize)k], ==, 255);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/heat/colours", test_colours);
	g_test_add_func("/heat/cover", test_cover);
	g_test_add_func("/heat/grid", test_grid);
	g_test_add_func("/heat/squares", test_squares);
	g_test_add_func("/heat/frame", test_frame);
	g_test_add_func("/heat/pure", test_pure);
	g_test_add_func("/heat/scale", test_scale);
	return g_test_run();
}
