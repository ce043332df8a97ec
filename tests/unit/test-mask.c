/* test-mask.c - masks as runs: area by brute force, lesions, fits, and what a file that is none says. */
#include "common/fault/fault.h"
#include "common/image/png_file.h"
#include "common/slide/mask.h"
#include <glib/gstdio.h>
#include <math.h>

struct fixture {
	char *folder, *path;
};

static void set_up(struct fixture *f, gconstpointer data G_GNUC_UNUSED)
{
	f->folder = g_dir_make_tmp("blindrun-mask-XXXXXX", NULL);
	f->path = g_build_filename(f->folder, "m.png", NULL);
}

static void tear_down(struct fixture *f, gconstpointer data G_GNUC_UNUSED)
{
	g_unlink(f->path);
	g_rmdir(f->folder);
	g_free(f->path);
	g_free(f->folder);
}

static struct mask *mask_of(struct fixture *f, const guint8 *pixels, guint32 w, guint32 h, int scale, gint64 x,
			    gint64 y)
{
	GError *error = NULL;
	struct mask *mask;

	g_assert_true(png_write(f->path, pixels, w, h, 1, &error));
	mask = mask_read(f->path, scale, x, y, &error);
	g_assert_no_error(error);
	g_assert_nonnull(mask);
	return mask;
}

/* A drawing in text: # is tumour. */
static struct mask *drawn(struct fixture *f, guint32 w, guint32 h, const char *text, int scale, gint64 x, gint64 y)
{
	g_autofree guint8 *pixels = g_malloc(w * h);

	g_assert_cmpuint(strlen(text), ==, w * h);
	for (guint32 i = 0; i < w * h; i++)
		pixels[i] = text[i] == '#' ? 128 : 127;
	return mask_of(f, pixels, w, h, scale, x, y);
}

static void assert_lesion(const struct mask *m, guint32 i, guint32 left, guint32 top, guint32 right, guint32 bottom,
			  guint64 area)
{
	const struct mask_lesion *l = &m->lesions[i];

	g_assert_cmpuint(l->left, ==, left);
	g_assert_cmpuint(l->top, ==, top);
	g_assert_cmpuint(l->right, ==, right);
	g_assert_cmpuint(l->bottom, ==, bottom);
	g_assert_cmpuint(l->area, ==, area);
}

/* 0 and 1, as arrays of truth values are saved; a colour by its largest; and how bright what shows nothing is. */
static void test_values(struct fixture *f, gconstpointer data G_GNUC_UNUSED)
{
	static const guint8 truth[] = { 0, 1, 1, 0, 0, 1 }, dim[] = { 0, 1, 2, 0, 127, 1 }, none[6] = { 0 };
	static const guint8 red[] = { 200, 0, 0, 0, 0, 0, 127, 127, 127, 0, 0, 128, 0, 0, 0, 0, 0, 0 };
	g_autoptr(mask_t) one = mask_of(f, truth, 3, 2, 16, 0, 0), most = mask_of(f, dim, 3, 2, 16, 0, 0), no = mask_of(f, none, 3, 2, 16, 0, 0);
	g_autoptr(GError) error = NULL;

	g_assert_cmpuint(one->area, ==, 3);
	g_assert_cmpuint(one->n_lesions, ==, 1);
	g_assert_cmpuint(most->area, ==, 0);
	g_assert_cmpuint(most->most, ==, 127);
	g_assert_cmpuint(no->area, ==, 0);
	g_assert_cmpuint(no->most, ==, 0);
	g_assert_true(png_write(f->path, red, 3, 2, 3, &error));
	g_autoptr(mask_t) coloured = mask_read(f->path, 16, 0, 0, &error);
	g_assert_cmpuint(coloured->area, ==, 2);
}

static void test_lesions(struct fixture *f, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(mask_t) m = drawn(f, 10, 8,
				    "##......##"  /* 4 px, 8-connected by a corner; 2 px */
				    "..##......"
				    ".........."
				    "#.#.#.#..."  /* a comb of 18 px, joined at its foot */
				    "#.#.#.#..."
				    "##########"
				    ".........."
				    "#########.", 16, 1000, 2000);

	g_assert_cmpuint(m->width, ==, 10);
	g_assert_cmpuint(m->height, ==, 8);
	g_assert_cmpuint(m->area, ==, 33);
	g_assert_cmpuint(m->rows[8], ==, 13);
	g_assert_cmpuint(m->n_lesions, ==, 4);
	assert_lesion(m, 0, 0, 3, 10, 6, 18);
	assert_lesion(m, 1, 0, 7, 9, 8, 9);
	assert_lesion(m, 2, 0, 0, 4, 2, 4);
	assert_lesion(m, 3, 8, 0, 10, 1, 2);
	g_assert_cmpuint(m->lesion_of[0], ==, 2);
	g_assert_cmpuint(m->lesion_of[1], ==, 3);
	g_assert_cmpuint(m->lesion_of[2], ==, 2);
	g_assert_cmpuint(m->lesion_of[12], ==, 1);
	g_assert_cmpfloat(mask_lesion_area(m, 1, 0.25), ==, 9 * 16.0); /* a mask px is 4 um wide */

	/* Rectangles in level-0 px: mask px (u, v) is at 1000 + 16 u, 2000 + 16 v. */
	g_assert_cmpfloat(mask_share(m, 1000, 2000, 16, 16), ==, 1);
	g_assert_cmpfloat(mask_share(m, 1032, 2000, 16, 16), ==, 0);
	g_assert_cmpfloat(mask_share(m, 1024, 2000, 16, 16), ==, 0.5);
	g_assert_cmpfloat(mask_share(m, 992, 1992, 16, 16), ==, 0.25);  /* a quarter lies on the mask */
	g_assert_cmpfloat(mask_share(m, 1000, 2000, 160, 128), ==, 33 / 80.0);
	g_assert_cmpfloat(mask_share(m, 0, 0, 100, 100), ==, 0);
	g_assert_cmpfloat(mask_share(m, 1160, 2128, 100, 100), ==, 0);
	g_assert_cmpint(mask_lesion_at(m, 1000, 2000, 160, 128), ==, 0);
	g_assert_cmpint(mask_lesion_at(m, 1000, 2000, 160, 16), ==, 2);
	g_assert_cmpint(mask_lesion_at(m, 1120, 2000, 100, 16), ==, 3);
	g_assert_cmpint(mask_lesion_at(m, 1000, 2000 + 6 * 16, 160, 16), ==, -1);
	g_assert_cmpint(mask_lesion_at(m, 1000, 2000 + 5 * 16, 144, 48), ==, 0); /* as much of both: the larger */
	g_assert_cmpint(mask_lesion_at(m, 0, 0, 9, 9), ==, -1);
}

static void test_none(struct fixture *f, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(mask_t) m = drawn(f, 3, 2, "......", 16, 0, 0);

	g_assert_cmpuint(m->area, ==, 0);
	g_assert_cmpuint(m->n_lesions, ==, 0);
	g_assert_cmpuint(m->rows[2], ==, 0);
	g_assert_cmpfloat(mask_share(m, 0, 0, 48, 32), ==, 0);
	g_assert_cmpint(mask_lesion_at(m, 0, 0, 48, 32), ==, -1);
}

enum { W = 61, H = 47, SCALE = 8 };

/* Blobs of a random walk. */
static void scrawl(GRand *draw, guint8 *pixels)
{
	memset(pixels, 0, W * H);
	for (int blob = 0; blob < 6; blob++) {
		int x = g_rand_int_range(draw, 0, W), y = g_rand_int_range(draw, 0, H);

		for (int i = 0; i < 150; i++) {
			int dx = g_rand_int_range(draw, -1, 2), dy = g_rand_int_range(draw, -1, 2);

			pixels[y * W + x] = 255;
			x = CLAMP(x + dx, 0, W - 1);
			y = CLAMP(y + dy, 0, H - 1);
		}
	}
}

/* The share of a rectangle of whole level-0 px, counted. */
static double counted(const guint8 *pixels, int ox, int oy, int x, int y, int w, int h)
{
	int n = 0;

	for (int v = y; v < y + h; v++)
		for (int u = x; u < x + w; u++)
			n += u >= ox && v >= oy && u < ox + W * SCALE && v < oy + H * SCALE &&
			     pixels[(v - oy) / SCALE * W + (u - ox) / SCALE] != 0;
	return n / ((double)w * h);
}

/* The number of 8-connected components, by flooding. */
static guint32 flooded(const guint8 *pixels)
{
	g_autofree guint8 *left = g_memdup2(pixels, W * H);
	int stack[W * H * 9], n;
	guint32 components = 0;

	for (int i = 0; i < W * H; i++) {
		if (!left[i])
			continue;
		components++;
		left[stack[0] = i] = 0;
		for (n = 1; n > 0;) {
			int at = stack[--n];

			for (int v = MAX(at / W - 1, 0); v <= MIN(at / W + 1, H - 1); v++)
				for (int u = MAX(at % W - 1, 0); u <= MIN(at % W + 1, W - 1); u++)
					if (left[v * W + u])
						left[stack[n++] = v * W + u] = 0;
		}
	}
	return components;
}

static void test_brute_force(struct fixture *f, gconstpointer data G_GNUC_UNUSED)
{
	GRand *draw = g_rand_new_with_seed(20190221);
	guint8 pixels[W * H];

	for (int round = 0; round < 20; round++) {
		int ox = g_rand_int_range(draw, 0, 300), oy = g_rand_int_range(draw, 0, 300);
		g_autoptr(mask_t) m = NULL;
		guint64 sum = 0;

		scrawl(draw, pixels);
		m = mask_of(f, pixels, W, H, SCALE, ox, oy);
		g_assert_cmpuint(m->n_lesions, ==, flooded(pixels));
		for (guint32 i = 0; i < m->n_lesions; i++) {
			g_assert_true(i == 0 || m->lesions[i].area <= m->lesions[i - 1].area);
			sum += m->lesions[i].area;
		}
		g_assert_cmpuint(sum, ==, m->area);
		for (int i = 0; i < 100; i++) {
			int x = g_rand_int_range(draw, ox - 80, ox + W * SCALE), y = g_rand_int_range(draw, oy - 80, oy + H * SCALE);
			int w = g_rand_int_range(draw, 1, 200), h = g_rand_int_range(draw, 1, 200);
			double want = counted(pixels, ox, oy, x, y, w, h);

			g_assert_cmpfloat_with_epsilon(mask_share(m, x, y, w, h), want, 1e-12);
			g_assert_cmpint(mask_lesion_at(m, x, y, w, h) >= 0, ==, want > 0);
		}
	}
	g_rand_free(draw);
}

static void test_fractions(struct fixture *f, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(mask_t) m = drawn(f, 2, 2, "#...", 16, 0, 0);

	g_assert_cmpfloat_with_epsilon(mask_share(m, 15.5, 3.25, 1, 1), 0.5, 1e-12);
	g_assert_cmpfloat_with_epsilon(mask_share(m, 15.75, 15.75, 1, 1), 0.0625, 1e-12);
	g_assert_cmpfloat_with_epsilon(mask_share(m, -0.5, -0.5, 1, 1), 0.25, 1e-12);
}

static void test_fits(struct fixture *f, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *text = g_strnfill(200, '.');
	g_autoptr(mask_t) m = drawn(f, 10, 20, text, 16, 0, 0);
	GError *error = NULL;

	g_assert_true(mask_fits(m, 160, 320, &error));
	g_assert_true(mask_fits(m, 144, 304, &error));  /* 9 x 19: a pixel less */
	g_assert_true(mask_fits(m, 176, 336, &error));
	g_assert_true(mask_fits(m, 191, 351, &error));  /* 11.9 rounded down, 21.9 */
	g_assert_true(mask_fits(m, 129, 320, &error));  /* 8.06 rounded up */
	g_assert_no_error(error);
	g_assert_false(mask_fits(m, 192, 320, NULL));
	g_assert_false(mask_fits(m, 128, 320, NULL));
	g_assert_false(mask_fits(m, 160, 352, NULL));
	g_assert_false(mask_fits(m, 3200, 320, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==,
			"mask is 10 x 20 px, but its slide's scanned part of 3200 x 320 px wants 200 x 20 at 1/16");
	g_clear_error(&error);
	g_assert_false(mask_fits(m, 83, 157, &error));  /* 10.4 x 19.6 of 8 px; no other whole number has both within a half */
	g_assert_cmpstr(error->message, ==, "mask is 10 x 20 px, but its slide's scanned part of 83 x 157 px wants 6 x 10 at 1/16 "
			"(it is one of 1/8: set data.mask_scale=8)");
	g_clear_error(&error);
	g_assert_false(mask_fits(m, 80, 320, &error));  /* 1/8 one way, 1/16 the other: of another slide */
	g_assert_true(g_str_has_suffix(error->message, " at 1/16"));
	g_clear_error(&error);
}

static void test_faults(struct fixture *f, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *cut = g_strdup_printf("'%s': the file ends early", f->path);
	g_autofree char *none = g_strdup_printf("'%s': No such file or directory", f->path);
	g_autofree char *bytes = NULL;
	gsize length;
	GError *error = NULL;

	g_assert_null(mask_read(f->path, 16, 0, 0, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
	g_assert_cmpstr(error->message, ==, none);
	g_clear_error(&error);

	mask_free(drawn(f, 4, 4, "################", 16, 0, 0));
	g_assert_true(g_file_get_contents(f->path, &bytes, &length, NULL));
	g_assert_true(g_file_set_contents(f->path, bytes, (gssize)length / 2, NULL));
	g_assert_null(mask_read(f->path, 16, 0, 0, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, cut);
	g_clear_error(&error);
}

/* 16 megapixels with 40 drawn stripes: what stays is runs, a few a row. */
static void test_large(struct fixture *f, gconstpointer data G_GNUC_UNUSED)
{
	enum { SIDE = 4000 };
	g_autofree guint8 *pixels = g_malloc0(SIDE * SIDE);
	g_autoptr(mask_t) m = NULL;

	for (int y = 0; y < SIDE; y++)
		for (int k = 0; k < 40; k++)
			memset(pixels + y * SIDE + k * 100 + y / 100, 255, 10);
	m = mask_of(f, pixels, SIDE, SIDE, 16, 0, 0);
	g_assert_cmpuint(m->rows[SIDE], ==, 40 * SIDE);
	g_assert_cmpuint(m->area, ==, 400 * SIDE);
	g_assert_cmpuint(m->n_lesions, ==, 40);
	g_assert_cmpfloat_with_epsilon(mask_share(m, 0, 0, 16 * SIDE, 16 * SIDE), 0.1, 1e-9);
}

/* Every other pixel of every other row: 1024 x 1025 lesions, which is more than 2^20; without the last row of
   them it is just that many. */
static void test_noise(struct fixture *f, gconstpointer data G_GNUC_UNUSED)
{
	enum { WIDTH = 2048, HEIGHT = 2050 };
	g_autofree guint8 *pixels = g_new0(guint8, WIDTH * HEIGHT);
	g_autofree char *message = g_strdup_printf("'%s': 1049600 lesions: this is noise, no drawn mask", f->path);
	g_autoptr(GError) error = NULL;

	for (int y = 0; y < HEIGHT; y += 2)
		for (int x = 0; x < WIDTH; x += 2)
			pixels[y * WIDTH + x] = 255;
	g_assert_true(png_write(f->path, pixels, WIDTH, HEIGHT, 1, NULL));
	g_assert_null(mask_read(f->path, 16, 0, 0, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, message);
	g_autoptr(mask_t) mask = mask_of(f, pixels, WIDTH, HEIGHT - 2, 16, 0, 0);
	g_assert_cmpuint(mask->n_lesions, ==, 1 << 20);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/mask/lesions", struct fixture, NULL, set_up, test_lesions, tear_down);
	g_test_add("/mask/values", struct fixture, NULL, set_up, test_values, tear_down);
	g_test_add("/mask/none", struct fixture, NULL, set_up, test_none, tear_down);
	g_test_add("/mask/brute-force", struct fixture, NULL, set_up, test_brute_force, tear_down);
	g_test_add("/mask/fractions", struct fixture, NULL, set_up, test_fractions, tear_down);
	g_test_add("/mask/fits", struct fixture, NULL, set_up, test_fits, tear_down);
	g_test_add("/mask/faults", struct fixture, NULL, set_up, test_faults, tear_down);
	g_test_add("/mask/large", struct fixture, NULL, set_up, test_large, tear_down);
	g_test_add("/mask/noise", struct fixture, NULL, set_up, test_noise, tear_down);
	return g_test_run();
}
