/*
 * test-augment-damage.c - blur against sums over a mirrored line, noise by its moments, JPEG against a cosine transform
 * in double precision and against libjpeg itself.
 */
#include "tests/unit/augment_test.h"
#include <stdio.h>
#include <jpeglib.h>
#include <stdlib.h>

enum { H = 12, W = 17, SIZE = 3 * H * W };

static gint64 mirrored(gint64 i, gint64 n)
{
	while (i < 0 || i >= n)
		i = i < 0 ? -1 - i : 2 * n - 1 - i;
	return i;
}

/* Two sums over all pixels that weigh anything, in double precision. */
static double blurred(const float *plane, int y, int x, double sigma)
{
	const int reach = (int)ceil(3 * sigma);
	double sum = 0, weights = 0;

	for (int v = -reach; v <= reach; v++)
		for (int u = -reach; u <= reach; u++) {
			const double weight = exp(-(u * u + v * v) / (2 * sigma * sigma));
			sum += weight * plane[mirrored(y + v, H) * W + mirrored(x + u, W)];
			weights += weight;
		}
	return sum / weights;
}

static void test_blur(void)
{
	static const double sigmas[] = { 0.6, 2, 9, 1, 0 };
	static const double far[] = { 1, 1, 1, -0.7, 1 };
	enum { CASES = G_N_ELEMENTS(sigmas) };
	g_autofree float *pictures = noise(CASES * SIZE, 2), *out = g_new(float, CASES * SIZE);
	struct augmentation of[CASES];

	for (int i = 0; i < CASES; i++) {
		of[i] = plain();
		of[i].blur = (float)sigmas[i];
		of[i].blurred = (float)far[i];
	}
	apply(augment_damage, pictures, H, W, of, CASES, out);
	for (int i = 0; i < CASES; i++)
		for (int c = 0; c < 3; c++) {
			const float *plane = pictures + i * SIZE + c * H * W, *got = out + i * SIZE + c * H * W;
			double before = 0, after = 0;
			for (int k = 0; k < H * W; k++) {
				const double blur = sigmas[i] > 0 ? blurred(plane, k / W, k % W, sigmas[i]) : plane[k];
				g_assert_cmpfloat_with_epsilon(got[k], CLAMP(plane[k] + far[i] * (blur - plane[k]), 0, 1), 2e-6);
				before += plane[k];
				after += got[k];
			}
			if (far[i] > 0)
				g_assert_cmpfloat_with_epsilon(after / (H * W), before / (H * W), 1e-5);
		}
}

static void test_blur_draws(void)
{
	enum { N = 400 };
	g_autoptr(settings_t) s = settings_plain();
	guint blur = 0, sharp = 0;

	s->augmentation.damage = 0.5;
	s->augmentation.blur = 3;
	s->augmentation.sharpen = 2;
	g_autofree struct augmentation *of = draw_many(s, 1, 5, N);
	for (int i = 0; i < N; i++) {
		blur += of[i].blur > 0 && of[i].blurred == 1;
		sharp += of[i].blur > 0 && of[i].blurred < 0;
		g_assert_true(of[i].blur <= 3 && of[i].blurred >= -2 && of[i].blurred <= 1);
	}
	g_assert_cmpfloat(fabs(blur - N / 4.0), <, 45);
	g_assert_cmpfloat(fabs(sharp - N / 4.0), <, 45);
}

/* Of grey, so that nothing is clamped: mean 0, the deviation that was drawn, no two alike, the same again. */
static void test_noise(void)
{
	enum { S = 64, P = 3 * S * S };
	g_autofree float *grey = g_new(float, 3 * P), *out = g_new(float, 3 * P), *again = g_new(float, P);
	struct augmentation of[3] = { plain(), plain(), plain() };

	for (int i = 0; i < 3 * P; i++)
		grey[i] = 0.5f;
	for (guint i = 0; i < 3; i++) {
		of[i].noise = i < 2 ? 0.05f : 0;
		of[i].noise_seed = 99 + (guint64)i;
	}
	apply(augment_damage, grey, S, S, of, 3, out);
	apply(augment_damage, grey, S, S, &of[1], 1, again);
	g_assert_true(memcmp(again, out + P, P * sizeof *out) == 0);
	g_assert_true(memcmp(grey, out + 2 * P, P * sizeof *out) == 0);
	double sum[2] = { 0 }, squares[2] = { 0 }, both = 0;
	for (int k = 0; k < P; k++) {
		for (int i = 0; i < 2; i++) {
			const double x = out[i * P + k] - 0.5;
			sum[i] += x;
			squares[i] += x * x;
		}
		both += (out[k] - 0.5) * (out[P + k] - 0.5);
	}
	for (int i = 0; i < 2; i++) {   /* five deviations of 1 / sqrt(P) and 1 / sqrt(2 P) */
		g_assert_cmpfloat(fabs(sum[i] / P), <, 0.05 * 5 / sqrt(P));
		g_assert_cmpfloat(fabs(sqrt(squares[i] / P) - 0.05), <, 0.05 * 5 / sqrt(2 * P));
	}
	g_assert_cmpfloat(fabs(both / P), <, 0.05 * 0.05 * 5 / sqrt(P));
}

/* ---- JPEG ---- */

/* A first line of the luminance table at quality 50, whose steps are the table's own. */
static const int table[64] = {
	16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
	18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100,
	103, 99,
};

/* The cosine transform of one block, quantised, and back: the sums of ITU-T T.81, A.3.3. */
static void naive(const double in[64], double out[64])
{
	double kept[64];

	for (int at = 0; at < 64; at++) {
		const int v = at / 8, u = at % 8;
		double sum = 0;
		for (int p = 0; p < 64; p++)
			sum += in[p] * cos((2 * (p % 8) + 1) * u * G_PI / 16) * cos((2 * (p / 8) + 1) * v * G_PI / 16);
		kept[at] = round(sum * (u ? 1 : sqrt(0.5)) * (v ? 1 : sqrt(0.5)) / 4 / table[at]) * table[at];
	}
	for (int p = 0; p < 64; p++) {
		out[p] = 0;
		for (int at = 0; at < 64; at++) {
			const int v = at / 8, u = at % 8;
			out[p] += kept[at] * (u ? 1 : sqrt(0.5)) * (v ? 1 : sqrt(0.5)) / 4 * cos((2 * (p % 8) + 1) * u * G_PI / 16) *
				  cos((2 * (p / 8) + 1) * v * G_PI / 16);
		}
	}
}

/* Grey is luminance alone. */
static void test_cosines(void)
{
	enum { S = 16 };
	g_autofree float *grey = noise(S * S, 11), *picture = g_new(float, 3 * S * S), *out = g_new(float, 3 * S * S);
	struct augmentation of = plain();

	of.quality = 50;
	for (int i = 0; i < 3 * S * S; i++)
		picture[i] = 0.25f + grey[i % (S * S)] / 2;
	apply(augment_damage, picture, S, S, &of, 1, out);
	for (int block = 0; block < 4; block++) {
		double in[64], want[64];
		for (int p = 0; p < 64; p++)
			in[p] = 255.0 * picture[(block / 2 * 8 + p / 8) * S + block % 2 * 8 + p % 8] - 128;
		naive(in, want);
		for (int p = 0; p < 64; p++)
			for (int c = 0; c < 3; c++)
				g_assert_cmpfloat_with_epsilon(out[c * S * S + (block / 2 * 8 + p / 8) * S + block % 2 * 8 + p % 8],
							       CLAMP((want[p] + 128) / 255, 0, 1), 1e-4);
	}
}

/* rgb (h, w, 3), written and read by libjpeg, in place. */
static void through_libjpeg(guint8 *rgb, int h, int w, int quality)
{
	struct jpeg_error_mgr errors;
	struct jpeg_compress_struct to = { .err = jpeg_std_error(&errors) };
	struct jpeg_decompress_struct from = { .err = jpeg_std_error(&errors) };
	unsigned char *bytes = NULL;
	unsigned long size = 0;

	jpeg_create_compress(&to);
	jpeg_mem_dest(&to, &bytes, &size);
	to.image_width = (JDIMENSION)w;
	to.image_height = (JDIMENSION)h;
	to.input_components = 3;
	to.in_color_space = JCS_RGB;
	jpeg_set_defaults(&to);
	jpeg_set_quality(&to, quality, TRUE);
	to.dct_method = JDCT_FLOAT;
	jpeg_start_compress(&to, TRUE);
	for (int y = 0; y < h; y++)
		jpeg_write_scanlines(&to, (JSAMPARRAY)&(JSAMPROW){ rgb + y * w * 3 }, 1);
	jpeg_finish_compress(&to);
	jpeg_destroy_compress(&to);
	jpeg_create_decompress(&from);
	jpeg_mem_src(&from, bytes, size);
	jpeg_read_header(&from, TRUE);
	from.dct_method = JDCT_FLOAT;
	jpeg_start_decompress(&from);
	for (int y = 0; y < h; y++)
		jpeg_read_scanlines(&from, (JSAMPARRAY)&(JSAMPROW){ rgb + y * w * 3 }, 1);
	jpeg_finish_decompress(&from);
	jpeg_destroy_decompress(&from);
	free(bytes);
}

/* How far what comes out is from libjpeg's, and from what went in; of 255. */
static void compare(int quality, gboolean grey, double *wrong, double *damage)
{
	enum { JH = 37, JW = 50, AREA = JH * JW };
	g_autofree float *random = noise(64, 3), *picture = g_new(float, 3 * AREA), *out = g_new(float, 3 * AREA);
	guint8 rgb[3 * AREA];
	struct augmentation of = plain();

	for (int i = 0; i < 3 * AREA; i++) {
		const int c = grey ? 0 : i / AREA, at = i % AREA, y = at / JW, x = at % JW;
		rgb[3 * at + i / AREA] = (guint8)lround(128 + 60 * sin(0.31 * x + c) * cos(0.23 * y + 2 * c) + 50 * random[at % 61] - 25);
		picture[i] = rgb[3 * at + i / AREA] / 255.0f;
	}
	of.quality = quality;
	apply(augment_damage, picture, JH, JW, &of, 1, out);
	through_libjpeg(rgb, JH, JW, quality);
	*wrong = *damage = 0;
	for (int i = 0; i < 3 * AREA; i++) {
		*wrong += fabs(255.0 * out[i] - rgb[3 * (i % AREA) + i / AREA]) / (3 * AREA);
		*damage += fabs(255.0 * (out[i] - picture[i])) / (3 * AREA);
	}
}

/* Of grey only what comes out is rounded there and not here, by 1/4 on average. Of colours luminance and chrominance are as well,
   before they are transformed, and a coefficient near the middle of two steps may so go either way. */
static void test_libjpeg(void)
{
	static const int qualities[] = { 10, 30, 50, 75, 95 };

	for (gsize q = 0; q < G_N_ELEMENTS(qualities); q++) {
		double wrong, damage;
		compare(qualities[q], TRUE, &wrong, &damage);
		g_test_message("grey at quality %d: damage %.2f, difference %.2f", qualities[q], damage, wrong);
		g_assert_cmpfloat(wrong, <, 0.3);
		compare(qualities[q], FALSE, &wrong, &damage);
		g_test_message("colour at quality %d: damage %.2f, difference %.2f", qualities[q], damage, wrong);
		g_assert_cmpfloat(wrong, <, 2.5);
		g_assert_cmpfloat(damage, >, 2 * wrong);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	tensor_threads(1);
	g_test_add_func("/augment-damage/blur", test_blur);
	g_test_add_func("/augment-damage/blur-draws", test_blur_draws);
	g_test_add_func("/augment-damage/noise", test_noise);
	g_test_add_func("/augment-damage/cosines", test_cosines);
	g_test_add_func("/augment-damage/libjpeg", test_libjpeg);
	return g_test_run();
}
