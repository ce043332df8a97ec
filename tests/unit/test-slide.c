/*
 * test-slide.c - slides: facts, pixels against OpenSlide's own, resampling against plain sums, what was not
 * scanned, and what happens to handles when a read fails or many threads want few.
 */
#include "common/fault/fault.h"
#include "common/machine/remove_tree.h"
#include "common/slide/slide.h"
#include "tests/sample/jpeg.h"
#include "tests/sample/mirax.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <math.h>
#include <openslide.h>
#include <unistd.h>

static char *wsi; /* the folder of real slides, or NULL */

static gboolean without_slides(void)
{
	if (wsi == NULL)
		g_test_skip("no real slides: BLINDRUN_SHARED names no folder that has data/wsi");
	return wsi == NULL;
}

static char *path_of(const char *name)
{
	return g_build_filename(wsi, name, NULL);
}

static struct slide *open_named(struct slide_pool *pool, const char *name)
{
	g_autofree char *path = path_of(name);
	GError *error = NULL;
	struct slide *slide = slide_open(pool, path, &error);

	g_assert_no_error(error);
	return slide;
}

#define CMU "cmu-1-small-region.svs"
#define TCGA "tcga-cr-7395-01a-01-ts1.svs"

/* ---- conversion ---- */

static void assert_converts(guint32 argb, int r, int g, int b)
{
	guint8 rgb[3], scanned;

	slide_convert(&argb, 1, rgb, &scanned);
	g_assert_cmpint(rgb[0], ==, r);
	g_assert_cmpint(rgb[1], ==, g);
	g_assert_cmpint(rgb[2], ==, b);
	g_assert_cmpuint(scanned, ==, argb >> 24);
}

static void test_convert(void)
{
	assert_converts(0xff123456, 0x12, 0x34, 0x56);
	assert_converts(0xff000000, 0, 0, 0);
	assert_converts(0x00000000, 255, 255, 255);
	assert_converts(0x80402010, 128, 64, 32);      /* 64 * 255 / 128 = 127.5, 63.75, 31.9 */
	assert_converts(0x80808000, 255, 255, 0);
	assert_converts(0x01010001, 255, 0, 255);
	assert_converts(0xfe7f00fe, 128, 0, 255);      /* 127 * 255 / 254 = 127.5 */
	assert_converts(0x6463c800, 252, 255, 0);      /* no valid word: 200 of 100 */
}

/* Any length, at any alignment, any words among opaque ones: as one by one. */
static void test_convert_many(void)
{
	GRand *draw = g_rand_new_with_seed(7);

	for (int round = 0; round < 200; round++) {
		gsize n = (gsize)g_rand_int_range(draw, 0, 300);
		g_autofree guint32 *argb = g_new(guint32, n + 1);
		g_autofree guint8 *rgb = g_malloc(3 * n + 1), *scanned = g_malloc(n + 1), *alone = g_malloc(3 * n + 1);

		for (gsize i = 0; i < n; i++)
			argb[i] = 0xff000000 | g_rand_int(draw);
		for (int k = round % 3; k > 0 && n > 0; k--) {
			guint32 alpha = (guint32)g_rand_int_range(draw, 0, 256);

			argb[g_rand_int_range(draw, 0, (gint32)n)] = alpha << 24 | alpha << 15 | alpha / 3;
		}
		rgb[3 * n] = scanned[n] = 77;
		slide_convert(argb, n, rgb, scanned);
		for (gsize i = 0; i < n; i++) {
			guint8 one[3], one_scanned;

			slide_convert(&argb[i], 1, one, &one_scanned);
			g_assert_cmpint(memcmp(rgb + 3 * i, one, 3), ==, 0);
			g_assert_cmpuint(scanned[i], ==, one_scanned);
		}
		g_assert_cmpint(rgb[3 * n], ==, 77);
		g_assert_cmpint(scanned[n], ==, 77);
		slide_convert(argb, n, alone, NULL);
		g_assert_cmpint(memcmp(rgb, alone, 3 * n), ==, 0);
	}
	g_rand_free(draw);
}

static void test_id(void)
{
	static const char *const of[][2] = { { "/data/test/Slide158.mrxs", "Slide158" }, { "a.b.svs", "a.b" },
					     { "no-ending", "no-ending" }, { "x/.hidden", ".hidden" } };

	for (gsize i = 0; i < G_N_ELEMENTS(of); i++) {
		g_autofree char *id = slide_id(of[i][0]);

		g_assert_cmpstr(id, ==, of[i][1]);
	}
}

/* ---- facts ---- */

static void test_facts(void)
{
	struct slide_pool *pool = slide_pool_new(2);
	g_autoptr(slide_t) cmu = NULL, tcga = NULL;

	if (without_slides()) {
		slide_pool_free(pool);
		return;
	}
	cmu = open_named(pool, CMU);
	g_assert_cmpstr(cmu->id, ==, "cmu-1-small-region");
	g_assert_cmpint(cmu->width, ==, 2220);
	g_assert_cmpint(cmu->height, ==, 2967);
	g_assert_cmpint(cmu->x, ==, 0);
	g_assert_cmpint(cmu->w, ==, 2220);
	g_assert_cmpint(cmu->h, ==, 2967);
	g_assert_cmpfloat(cmu->mpp, ==, 0.499);
	g_assert_cmpint(cmu->levels, ==, 1);
	g_assert_cmpfloat(cmu->downsample[0], ==, 1);
	g_assert_cmpstr(cmu->vendor, ==, "aperio");
	g_assert_cmpstr(cmu->quickhash, ==, "6335ea0e6cc54c2cba64bb265d3c713a50cd84484924e3a9c109558c13521d5c");
	tcga = open_named(pool, TCGA);
	g_assert_cmpfloat(tcga->mpp, ==, 0);
	g_assert_cmpint(tcga->levels, ==, 2);
	g_assert_cmpfloat_with_epsilon(tcga->downsample[1], 2.0005, 0.0001);
	g_assert_cmpuint(slide_pool_open_handles(pool), ==, 2);
	g_clear_pointer(&cmu, slide_close);
	g_clear_pointer(&tcga, slide_close);
	g_assert_cmpuint(slide_pool_open_handles(pool), ==, 0);
	slide_pool_free(pool);
}

/* A copy of a slide in a folder of its own, to be harmed. */
struct copy {
	char *folder, *path, *bytes;
	gsize length;
};

static void copy_init(struct copy *c, const char *name)
{
	g_autofree char *from = path_of(name);
	GError *error = NULL;

	c->folder = g_dir_make_tmp("blindrun-slide-XXXXXX", &error);
	c->path = g_build_filename(c->folder, "copy.svs", NULL);
	g_assert_true(g_file_get_contents(from, &c->bytes, &c->length, &error));
	g_assert_true(g_file_set_contents(c->path, c->bytes, (gssize)c->length, &error));
}

static void copy_clear(struct copy *c)
{
	g_unlink(c->path);
	g_rmdir(c->folder);
	g_free(c->folder);
	g_free(c->path);
	g_free(c->bytes);
}

/* In place, as a handle that is open sees it. */
static void put(const struct copy *c, gsize at, const void *bytes, gsize length)
{
	int fd = g_open(c->path, O_WRONLY, 0);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(pwrite(fd, bytes, length, (off_t)at), ==, (gssize)length);
	g_assert_true(g_close(fd, NULL));
}

static double mpp_with(const char *text, const char *instead)
{
	struct slide_pool *pool = slide_pool_new(1);
	g_autoptr(slide_t) slide = NULL;
	struct copy c;
	gsize n = strlen(text);
	int found = 0;
	double mpp;
	GError *error = NULL;

	copy_init(&c, CMU);
	g_assert_cmpuint(strlen(instead), ==, n);
	for (gsize i = 0; i + n <= c.length; i++)
		if (memcmp(c.bytes + i, text, n) == 0) {
			put(&c, i, instead, n);
			found++;
		}
	g_assert_cmpint(found, >=, 1);
	slide = slide_open(pool, c.path, &error);
	g_assert_no_error(error);
	mpp = slide->mpp;
	g_clear_pointer(&slide, slide_close);
	slide_pool_free(pool);
	copy_clear(&c);
	return mpp;
}

static void test_mpp(void)
{
	if (without_slides())
		return;
	g_assert_cmpfloat(mpp_with("MPP = 0.4990", "MPP = 0.2500"), ==, 0.25);
	g_assert_cmpfloat(mpp_with("MPP = 0.4990", "XPP = 0.4990"), ==, 0.5);  /* by the objective: 20 */
	g_assert_cmpfloat(mpp_with("MPP = 0.4990", "MPP = 0.0000"), ==, 0.5);
	g_assert_cmpfloat(mpp_with("MPP = 0.4990", "MPP = 499000"), ==, 0.5);
	g_assert_cmpfloat(mpp_with("MPP = 0.4990", "MPP = nan   "), ==, 0.5);
	g_assert_cmpfloat(mpp_with("MPP = 0.4990", "MPP = -0.499"), ==, 0.5);
}

/* ---- what does not open ---- */

static void assert_unopened(const char *path, const char *message)
{
	struct slide_pool *pool = slide_pool_new(1);
	g_autoptr(GError) error = NULL;

	g_assert_null(slide_open(pool, path, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, message);
	g_assert_cmpuint(slide_pool_open_handles(pool), ==, 0);
	slide_pool_free(pool);
}

static void test_unopened(void)
{
	g_autofree char *folder = g_dir_make_tmp("blindrun-slide-XXXXXX", NULL);
	g_autofree char *none = g_build_filename(folder, "none.svs", NULL), *text = g_build_filename(folder, "text.svs", NULL);
	g_autofree char *mrxs = g_build_filename(folder, "Slide001.mrxs", NULL);
	g_autofree char *unknown = g_strdup_printf("slide 'text': cannot be opened: not a format that OpenSlide %s reads",
						   openslide_get_version());

	g_assert_true(g_file_set_contents(text, "no slide", -1, NULL));
	g_assert_true(g_file_set_contents(mrxs, "", 0, NULL));
	assert_unopened(none, "slide 'none': cannot be opened: No such file or directory");
	assert_unopened(text, unknown);
	assert_unopened(mrxs, "slide 'Slide001': cannot be opened: an .mrxs file needs its folder of the same name "
			      "beside it");
	g_unlink(text);
	g_unlink(mrxs);
	g_rmdir(folder);
}

/* Each of these opens and reads, or fails with a message that names it. */
static void test_negatives(void)
{
	static const struct {
		const char *name, *opening, *reading; /* the message's beginning; NULL: none */
	} expected[] = {
		{ "boxes.tiff", NULL, NULL },
		{ "small.svs", NULL, NULL },
		{ "broken.svs", "slide 'broken': cannot be opened: ", NULL },
		{ "unopenable.tiff", "slide 'unopenable': cannot be opened: ", NULL },
		{ "unreadable.svs", NULL, "slide 'unreadable': tile at 0,0 (16 x 16 px, level 0): " },
	};
	guint8 rgb[16 * 16 * 3];

	if (without_slides())
		return;
	for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
		g_autofree char *path = g_build_filename(wsi, "negative_tests", expected[i].name, NULL);
		struct slide_pool *pool = slide_pool_new(1);
		GError *error = NULL;
		g_autoptr(slide_t) slide = slide_open(pool, path, &error);
		const char *message = expected[i].opening;

		g_assert_true((slide == NULL) == (message != NULL));
		if (slide != NULL) {
			message = expected[i].reading;
			g_assert_true(slide_read(slide, 0, 0, 1, 16, 16, rgb, NULL, &error) == (message == NULL));
		}
		if (message != NULL) {
			g_assert_error(error, FAULT, FAULT_DATA);
			g_assert_true(g_str_has_prefix(error->message, message));
			g_assert_cmpuint(strlen(error->message), >, strlen(message));
			g_assert_cmpuint(slide_pool_open_handles(pool), ==, 0);
			g_clear_error(&error);
		}
		g_assert_no_error(error);
		g_clear_pointer(&slide, slide_close);
		slide_pool_free(pool);
	}
}

/* ---- pixels ---- */

/* A level's pixels as OpenSlide gives them, in RGB. */
static guint8 *level_rgb(const char *name, int level, gint64 x, gint64 y, int w, int h)
{
	g_autofree char *path = path_of(name);
	g_autofree guint32 *argb = g_new(guint32, (gsize)w * (gsize)h);
	guint8 *rgb = g_malloc((gsize)w * (gsize)h * 3);
	openslide_t *osr = openslide_open(path);

	openslide_read_region(osr, argb, x, y, level, w, h);
	g_assert_null(openslide_get_error(osr));
	openslide_close(osr);
	slide_convert(argb, (gsize)w * (gsize)h, rgb, NULL);
	return rgb;
}

static void assert_reads(struct slide *slide, double x, double y, double scale, int w, int h, const guint8 *want,
			 int tolerance)
{
	gsize n = (gsize)w * (gsize)h;
	g_autofree guint8 *rgb = g_malloc(3 * n), *scanned = g_malloc(n);
	GError *error = NULL;

	g_assert_true(slide_read(slide, x, y, scale, w, h, rgb, scanned, &error));
	g_assert_no_error(error);
	for (gsize i = 0; i < 3 * n; i++)
		g_assert_cmpint(ABS(rgb[i] - want[i]), <=, tolerance);
	for (gsize i = 0; i < n; i++)
		g_assert_cmpint(scanned[i], ==, 255);
}

static void test_straight(void)
{
	struct slide_pool *pool = slide_pool_new(1);

	if (!without_slides()) {
		g_autoptr(slide_t) cmu = open_named(pool, CMU), tcga = open_named(pool, TCGA);
		g_autofree guint8 *a = level_rgb(CMU, 0, 700, 800, 256, 200), *b = level_rgb(TCGA, 1, 1000, 1002, 150, 150);
		g_autofree guint8 *large = level_rgb(CMU, 0, 0, 0, 2220, 2900);

		assert_reads(cmu, 700, 800, 1, 256, 200, a, 0);
		assert_reads(cmu, 700.4, 799.6, 1.0009, 256, 200, a, 0);        /* to the nearest pixel */
		assert_reads(cmu, 0, 0, 1, 2220, 2900, large, 0);               /* in more than one piece */
		/* 2 is level 1's 2.0005; 1000 and 1002 are its pixels 499.87 and 500.87. */
		assert_reads(tcga, 1000, 1002, 2, 150, 150, b, 0);
		assert_reads(tcga, 1000, 1002, 2.0005055, 150, 150, b, 0);
	}
	slide_pool_free(pool);
}

/* The mean over each pixel's area, summed in double precision from level 0. */
static guint8 *mean_rgb(const guint8 *rgb, int stride, double x, double y, double scale, int w, int h)
{
	guint8 *out = g_malloc((gsize)(w * h * 3));

	for (int j = 0; j < h; j++)
		for (int i = 0; i < w; i++)
			for (int k = 0; k < 3; k++) {
				double left = x + i * scale, top = y + j * scale, sum = 0;

				for (int v = (int)top; v < top + scale; v++)
					for (int u = (int)left; u < left + scale; u++)
						sum += rgb[3 * (v * stride + u) + k] *
						       (MIN(u + 1, left + scale) - MAX(u, left)) *
						       (MIN(v + 1, top + scale) - MAX(v, top));
				out[3 * (j * w + i) + k] = (guint8)(sum / (scale * scale) + 0.5);
			}
	return out;
}

static void test_reduced(void)
{
	struct slide_pool *pool = slide_pool_new(1);

	if (!without_slides()) {
		static const double scales[] = { 1.0011, 1.7557, 2, 2.5, 7.3, 32 };
		g_autoptr(slide_t) cmu = open_named(pool, CMU);
		g_autofree guint8 *level = level_rgb(CMU, 0, 600, 700, 1200, 1200);

		for (gsize i = 0; i < G_N_ELEMENTS(scales); i++) {
			int w = (int)MIN(97, 1100 / scales[i]), h = (int)MIN(61, 1100 / scales[i]);
			g_autofree guint8 *want = mean_rgb(level, 1200, 10.25, 20.6, scales[i], w, h);

			assert_reads(cmu, 610.25, 720.6, scales[i], w, h, want, 1);
		}
	}
	slide_pool_free(pool);
}

/* 2,200 x 2,900 level pixels are read in blocks: their seams do not show. */
static void test_blocks(void)
{
	struct slide_pool *pool = slide_pool_new(1);

	if (!without_slides()) {
		g_autoptr(slide_t) cmu = open_named(pool, CMU);
		g_autofree guint8 *level = level_rgb(CMU, 0, 0, 0, 2220, 2967);
		g_autofree guint8 *want = mean_rgb(level, 2220, 1, 2, 1.3, 1690, 2240);

		assert_reads(cmu, 1, 2, 1.3, 1690, 2240, want, 1);
	}
	slide_pool_free(pool);
}

static void test_enlarged(void)
{
	struct slide_pool *pool = slide_pool_new(1);

	if (!without_slides()) {
		enum { N = 60 };
		g_autoptr(slide_t) cmu = open_named(pool, CMU);
		g_autofree guint8 *level = level_rgb(CMU, 0, 900, 900, 100, 100), *want = g_malloc(N * N * 3);

		for (int j = 0; j < N; j++)
			for (int i = 0; i < N; i++)
				for (int k = 0; k < 3; k++) {
					double x = 10.3 + (i + 0.5) * 0.57 - 0.5, y = 20.7 + (j + 0.5) * 0.57 - 0.5;
					int u = (int)x, v = (int)y;
					const guint8 *at = level + 3 * (v * 100 + u) + k;
					double a = x - u, b = y - v;

					want[3 * (j * N + i) + k] = (guint8)((1 - b) * ((1 - a) * at[0] + a * at[3]) +
									     b * ((1 - a) * at[300] + a * at[303]) + 0.5);
				}
		assert_reads(cmu, 910.3, 920.7, 0.57, N, N, want, 1);
	}
	slide_pool_free(pool);
}

/* Off the slide nothing was scanned, and it does not colour what is beside it. */
static void test_off_slide(void)
{
	struct slide_pool *pool = slide_pool_new(1);

	if (!without_slides()) {
		g_autoptr(slide_t) cmu = open_named(pool, CMU);
		g_autofree guint8 *level = level_rgb(CMU, 0, 2180, 2927, 40, 40);
		guint8 rgb[40 * 40 * 3], scanned[40 * 40];
		GError *error = NULL;

		g_assert_true(slide_read(cmu, 2200, 2947, 1, 40, 40, rgb, scanned, &error));
		for (int y = 0; y < 40; y++)
			for (int x = 0; x < 40; x++) {
				gboolean on = x < 20 && y < 20;
				guint8 white[3] = { 255, 255, 255 };

				g_assert_cmpint(scanned[y * 40 + x], ==, on ? 255 : 0);
				g_assert_cmpint(memcmp(rgb + 3 * (y * 40 + x),
						       on ? level + 3 * ((y + 20) * 40 + x + 20) : white, 3), ==, 0);
			}
		/* At half scale from 2218.5, 2965.5: the pixel is 1.5 x 1.5 px of slide, 9 of 16 parts. */
		g_assert_true(slide_read(cmu, 2218.5, 2965.5, 2, 1, 1, rgb, scanned, &error));
		g_assert_cmpint(scanned[0], ==, 143);
		for (int k = 0; k < 3; k++) {
			double mean = (level[3 * (38 * 40 + 38) + k] / 4.0 + level[3 * (38 * 40 + 39) + k] / 2.0 +
				       level[3 * (39 * 40 + 38) + k] / 2.0 + level[3 * (39 * 40 + 39) + k]) / 2.25;

			g_assert_cmpfloat_with_epsilon(rgb[k], mean, 0.51);
		}
		g_assert_true(slide_read(cmu, -5000, 70, 3.3, 40, 40, rgb, scanned, &error));
		for (int i = 0; i < 40 * 40; i++)
			g_assert_cmpint(scanned[i] + rgb[3 * i] + rgb[3 * i + 1] + rgb[3 * i + 2], ==, 3 * 255);
		g_assert_true(slide_read(cmu, -7, -9, 1, 8, 10, rgb, scanned, &error));
		g_assert_cmpint(scanned[79], ==, 255);
		g_assert_cmpint(scanned[78], ==, 0);
		g_assert_no_error(error);
	}
	slide_pool_free(pool);
}

static void assert_refused(struct slide *slide, double scale, int w, int h, const char *message)
{
	g_autoptr(GError) error = NULL;
	guint8 rgb[3] = { 1, 2, 3 };

	g_assert_false(slide_read(slide, 0, 0, scale, w, h, rgb, NULL, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, message);
	g_assert_cmpint(rgb[0], ==, 1);
}

static void test_limits(void)
{
	struct slide_pool *pool = slide_pool_new(1);

	if (!without_slides()) {
		g_autoptr(slide_t) s = open_named(pool, CMU);

		assert_refused(s, 1, 0, 5, "slide 'cmu-1-small-region': a tile of 0 x 5 px at 1/1 cannot be read");
		assert_refused(s, 1, 16385, 1, "slide 'cmu-1-small-region': a tile of 16385 x 1 px at 1/1 cannot be read");
		assert_refused(s, 1, 1, -1, "slide 'cmu-1-small-region': a tile of 1 x -1 px at 1/1 cannot be read");
		assert_refused(s, NAN, 1, 1, "slide 'cmu-1-small-region': a tile of 1 x 1 px at 1/nan cannot be read");
		assert_refused(s, 0, 1, 1, "slide 'cmu-1-small-region': a tile of 1 x 1 px at 1/0 cannot be read");
		assert_refused(s, 1025, 1, 1, "slide 'cmu-1-small-region': a tile of 1 x 1 px at 1/1025 cannot be read");
	}
	slide_pool_free(pool);
}

/* ---- MIRAX: bounds, and what the camera did not photograph ---- */

enum { ADVANCE = 240, LEFT = 2 * ADVANCE, TOP = 1 * ADVANCE };

/* Photos stand 240 px apart, 256 px wide. Shown: (2,1), (3,1), (2,2); not (3,2), nor any other. */
static bool shows(gpointer self G_GNUC_UNUSED, gint64 x, gint64 y, int width, int height)
{
	gint64 u = x + width / 2 - LEFT, v = y + height / 2 - TOP;

	return u >= 0 && v >= 0 && ((u < 500 && v < 250) || (u < 250 && v < 500));
}

static void render(gpointer self G_GNUC_UNUSED, gint64 x, gint64 y, int width, int height, guint8 *rgb)
{
	(void)x;
	(void)y;
	for (int i = 0; i < width * height; i++) {
		rgb[3 * i] = 200;
		rgb[3 * i + 1] = 120;
		rgb[3 * i + 2] = 160;
	}
}

static void assert_stained(const guint8 *rgb)
{
	g_assert_cmpint(ABS(rgb[0] - 200), <=, 3);
	g_assert_cmpint(ABS(rgb[1] - 120), <=, 3);
	g_assert_cmpint(ABS(rgb[2] - 160), <=, 3);
}

static void test_mirax(void)
{
	struct MiraxGeometry geometry = { .positions_x = 8, .positions_y = 8, .divisions = 2, .image = 128,
					  .overlap_x = 16, .overlap_y = 16, .first_x = 2, .first_y = 1, .levels = 4,
					  .quality = 95, .magnification = 20, .mpp = 0.25, .seed = 1 };
	struct MiraxPicture picture = { NULL, shows, render };
	struct MiraxBounds bounds;
	g_autofree char *folder = g_dir_make_tmp("blindrun-mirax-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "Slide001.mrxs", NULL);
	struct slide_pool *pool = slide_pool_new(1);
	g_autoptr(slide_t) slide = NULL;
	static guint8 rgb[600 * 600 * 3], scanned[600 * 600];
	GError *error = NULL;

	g_assert_true(mirax_write(path, &geometry, &picture, &bounds, &error));
	g_assert_no_error(error);
	slide = slide_open(pool, path, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(slide->id, ==, "Slide001");
	g_assert_cmpstr(slide->vendor, ==, "mirax");
	g_assert_cmpfloat(slide->mpp, ==, 0.25);
	g_assert_cmpint(slide->levels, ==, 4);
	g_assert_cmpint(slide->x, ==, LEFT);
	g_assert_cmpint(slide->y, ==, TOP);
	g_assert_cmpint(slide->w, ==, bounds.width);
	g_assert_cmpint(slide->h, ==, bounds.height);

	/* Level 0: from 40 px outside the bounds. */
	g_assert_true(slide_read(slide, LEFT - 40, TOP - 40, 1, 600, 600, rgb, scanned, &error));
	g_assert_no_error(error);
	for (int y = 0; y < 600; y++)
		for (int x = 0; x < 600; x++) {
			int u = x - 40, v = y - 40;
			gboolean on = u >= 0 && v >= 0 && ((u < 496 && v < 256) || (u < 256 && v < 496));
			const guint8 *c = rgb + 3 * (y * 600 + x);

			g_assert_cmpint(scanned[y * 600 + x], ==, on ? 255 : 0);
			if (on)
				assert_stained(c);
			else
				g_assert_cmpint(c[0] + c[1] + c[2], ==, 765);
		}
	/* At every level and between: where half was scanned the colour is the stain's, not a mix with black. */
	for (double scale = 1.5; scale <= 8; scale += 0.5) {
		int n = (int)(560 / scale), edges = 0;

		g_assert_true(slide_read(slide, LEFT - 20.3, TOP - 20.3, scale, n, n, rgb, scanned, &error));
		g_assert_no_error(error);
		for (int i = 0; i < n * n; i++) {
			edges += scanned[i] > 0 && scanned[i] < 255;
			if (scanned[i] > 8)
				assert_stained(rgb + 3 * i);
			else if (scanned[i] == 0)
				g_assert_cmpint(rgb[3 * i] + rgb[3 * i + 1] + rgb[3 * i + 2], ==, 765);
		}
		if (fmod(scale, 2) != 0)
			g_assert_cmpint(edges, >, 0);
	}
	g_clear_pointer(&slide, slide_close);
	slide_pool_free(pool);
	remove_tree(folder);
}

/* ---- failing reads ---- */

static void test_repaired(void)
{
	struct slide_pool *pool = slide_pool_new(1);
	g_autofree guint8 *before = g_malloc(64 * 64 * 3), *after = g_malloc(64 * 64 * 3);
	struct copy c;

	if (!without_slides()) {
		g_autoptr(slide_t) slide = NULL;
		const char *words = "slide 'copy': tile at 1200,1300 (64 x 64 px, level 0): ";
		GError *error = NULL;
		g_autofree char *zeros = NULL;

		copy_init(&c, CMU);
		zeros = g_malloc0(c.length);
		slide = slide_open(pool, c.path, &error);
		g_assert_no_error(error);
		g_assert_true(slide_read(slide, 1200, 1300, 1, 64, 64, before, NULL, &error));
		g_assert_cmpint(truncate(c.path, 1000), ==, 0);
		g_assert_true(slide_read(slide, 1200, 1300, 1, 64, 64, after, NULL, &error)); /* from the cache */
		g_assert_false(slide_read(slide, 100, 2300, 1, 64, 64, after, NULL, &error));
		g_assert_error(error, FAULT, FAULT_DATA);
		g_assert_true(g_str_has_prefix(error->message, "slide 'copy': tile at 100,2300 (64 x 64 px, level 0): "));
		g_clear_error(&error);
		g_assert_cmpuint(slide_pool_open_handles(pool), ==, 0);

		/* It stays an error, each time with where. */
		g_assert_false(slide_read(slide, 1200, 1300, 1, 64, 64, after, NULL, &error));
		g_assert_error(error, FAULT, FAULT_DATA);
		g_assert_true(g_str_has_prefix(error->message, words));
		g_clear_error(&error);

		put(&c, 0, c.bytes, c.length);
		memset(after, 0, 64 * 64 * 3);
		g_assert_true(slide_read(slide, 1200, 1300, 1, 64, 64, after, NULL, &error));
		g_assert_no_error(error);
		g_assert_cmpint(memcmp(before, after, 64 * 64 * 3), ==, 0);
		g_assert_cmpuint(slide_pool_open_handles(pool), ==, 1);
		g_clear_pointer(&slide, slide_close);
		copy_clear(&c);
	}
	slide_pool_free(pool);
}

/* Another file in its place, after the pool had closed it. */
static void test_replaced(void)
{
	struct slide_pool *pool = slide_pool_new(1);
	struct copy c;

	if (!without_slides()) {
		g_autoptr(slide_t) slide = NULL, other = NULL;
		g_autofree char *tcga = path_of(TCGA), *bytes = NULL;
		gsize length;
		guint8 rgb[3];
		GError *error = NULL;

		copy_init(&c, CMU);
		slide = slide_open(pool, c.path, &error);
		g_assert_no_error(error);
		other = open_named(pool, "negative_tests/small.svs");
		g_assert_cmpuint(slide_pool_open_handles(pool), ==, 1);
		g_assert_true(g_file_get_contents(tcga, &bytes, &length, NULL));
		g_assert_true(g_file_set_contents(c.path, bytes, (gssize)length, NULL));
		g_assert_false(slide_read(slide, 8, 9, 1, 1, 1, rgb, NULL, &error));
		g_assert_error(error, FAULT, FAULT_DATA);
		g_assert_cmpstr(error->message, ==, "slide 'copy': tile at 8,9 (1 x 1 px, level 0): the file is not the one "
						    "that was opened first");
		g_clear_error(&error);
		g_assert_cmpuint(slide_pool_open_handles(pool), ==, 0);
		g_clear_pointer(&slide, slide_close);
		g_clear_pointer(&other, slide_close);
		copy_clear(&c);
	}
	slide_pool_free(pool);
}

/* ---- threads ---- */

enum { TILE = 240, COLUMNS = 9, ROWS = 12, TILES = COLUMNS * ROWS, THREADS = 4 };

struct work {
	struct slide *slide;
	int start, failed, failed_at;
	guint8 *pixels;         /* (TILES, TILE, TILE, 3) */
};

/* Every tile once, from `start` on. */
static gpointer read_all(gpointer data)
{
	struct work *w = data;

	for (int k = 0; k < TILES; k++) {
		int i = (k * 7 + w->start) % TILES;
		g_autoptr(GError) error = NULL;

		if (slide_read(w->slide, i % COLUMNS * TILE, i / COLUMNS * TILE, 1, TILE, TILE,
			       w->pixels + (gsize)i * TILE * TILE * 3, NULL, &error))
			continue;
		g_assert_error(error, FAULT, FAULT_DATA);
		w->failed++;
		w->failed_at = i;
		memset(w->pixels + (gsize)i * TILE * TILE * 3, 0, TILE * TILE * 3);
	}
	return NULL;
}

static void work_init(struct work *w, struct slide *slide, int start)
{
	*w = (struct work){ .slide = slide, .start = start, .failed_at = -1,
			    .pixels = g_malloc0((gsize)TILES * TILE * TILE * 3) };
}

/* The middle one of the places where a JPEG image begins. */
static gsize middle_image(const struct copy *c)
{
	g_autoptr(GArray) at = g_array_new(FALSE, FALSE, sizeof(gsize));

	for (gsize i = 0; i + 3 <= c->length; i++)
		if (memcmp(c->bytes + i, "\xff\xd8\xff", 3) == 0)
			g_array_append_val(at, i);
	g_assert_cmpuint(at->len, >, TILES);
	return g_array_index(at, gsize, TILES / 2);
}

/* One tile of a slide is bad. Threads that share handles fail at that tile and at no other. */
static void test_one_bad_tile(void)
{
	struct copy c;

	if (without_slides())
		return;
	copy_init(&c, CMU);
	put(&c, middle_image(&c), "\0\0", 2);
	for (guint most = 1; most <= 3; most++) {
		struct slide_pool *pool = slide_pool_new(most);
		GError *error = NULL;
		g_autoptr(slide_t) slide = slide_open(pool, c.path, &error);
		struct work alone, work[THREADS];
		GThread *thread[THREADS];

		g_assert_no_error(error);
		work_init(&alone, slide, 0);
		read_all(&alone);
		g_assert_cmpint(alone.failed, ==, 1);
		for (int i = 0; i < THREADS; i++) {
			work_init(&work[i], slide, i * 13);
			thread[i] = g_thread_new("reader", read_all, &work[i]);
		}
		for (int i = 0; i < THREADS; i++) {
			g_thread_join(thread[i]);
			g_assert_cmpint(work[i].failed, ==, 1);
			g_assert_cmpint(work[i].failed_at, ==, alone.failed_at);
			g_assert_cmpint(memcmp(work[i].pixels, alone.pixels, (gsize)TILES * TILE * TILE * 3), ==, 0);
			g_free(work[i].pixels);
		}
		g_free(alone.pixels);
		g_assert_cmpuint(slide_pool_open_handles(pool), <=, most);
		g_clear_pointer(&slide, slide_close);
		g_assert_cmpuint(slide_pool_open_handles(pool), ==, 0);
		slide_pool_free(pool);
	}
	copy_clear(&c);
}

/* ---- damaged images ---- */

enum { IMAGE = 64, IMAGES = 8, FIRST_SEEN = 32, BAD = 20 };    /* a slide of 8 x 8 images, and the 44th */

static bool shows_all(gpointer self G_GNUC_UNUSED, gint64 x, gint64 y, int width, int height)
{
	return x + width > 0 && y + height > 0;
}

static void render_noise(gpointer self G_GNUC_UNUSED, gint64 x, gint64 y, int width, int height, guint8 *rgb)
{
	for (int i = 0; i < width * height; i++) {
		guint32 key = (guint32)((x + i % width) * 7919 + (y + i / width) * 104729) * 2654435761u;
		memset(rgb + 3 * i, 100 + (int)(key >> 25), 3);
	}
}

/* A plain picture in place of the images from the first on, and before its end bytes that are none of it: as
   long as what it replaces. */
static void spoil(const char *path, int first, int n)
{
	g_autoptr(JpegEncoder) encoder = jpeg_encoder_new(IMAGE, 90);
	g_autofree guint8 *plain = g_malloc0(IMAGE * IMAGE * 3);
	g_autofree char *bytes = NULL;
	const guint8 *image;
	gsize length, size, seen = 0;

	g_assert_true(jpeg_encoder_encode(encoder, plain, &image, &size, NULL));
	g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
	for (gsize i = 0; i + size < length; i++) {
		if (memcmp(bytes + i, "\xff\xd8\xff", 3) != 0 || (int)seen++ < first || (int)seen > first + n)
			continue;
		gsize end = i;
		while (memcmp(bytes + end, "\xff\xd9", 2) != 0)
			end++;
		g_assert_cmpuint(end - i, >, size + 20);
		memcpy(bytes + i, image, size - 2);
		memset(bytes + i + size - 2, 0x55, end - i - (size - 2));
	}
	g_assert_cmpuint(seen, >=, IMAGES * IMAGES);
	g_assert_true(g_file_set_contents(path, bytes, (gssize)length, NULL));
}

/* Reads all images one by one; how many fail, and the last one's words. */
static int count_failed(const char *path, char **words)
{
	struct slide_pool *pool = slide_pool_new(1);
	g_autoptr(slide_t) slide = slide_open(pool, path, NULL);
	guint8 rgb[IMAGE * IMAGE * 3];
	int failed = 0;

	g_assert_nonnull(slide);
	for (int i = 0; i < IMAGES * IMAGES; i++) {
		GError *error = NULL;
		if (slide_read(slide, i % IMAGES * IMAGE, i / IMAGES * IMAGE, 1, IMAGE, IMAGE, rgb, NULL, &error))
			continue;
		g_free(*words);
		*words = g_strdup(error->message);
		g_error_free(error);
		failed++;
	}
	g_clear_pointer(&slide, slide_close);
	slide_pool_free(pool);
	return failed;
}

static gboolean openslide_alone_reads(const char *path)
{
	openslide_t *osr = openslide_open(path);
	g_autofree guint32 *argb = g_new(guint32, IMAGES * IMAGE * IMAGES * IMAGE);
	gboolean ok;

	openslide_read_region(osr, argb, 0, 0, 0, IMAGES * IMAGE, IMAGES * IMAGE);
	ok = openslide_get_error(osr) == NULL;
	openslide_close(osr);
	return ok;
}

/* One image that decodes to a whole picture and has data left is found, each time. Where many are so, its
   encoder made them so, and none is. */
static void test_data_left(void)
{
	struct MiraxGeometry geometry = { .positions_x = IMAGES, .positions_y = IMAGES, .divisions = 1, .image = IMAGE,
					  .levels = 1, .quality = 90, .magnification = 20, .mpp = 0.5, .seed = 1 };
	struct MiraxPicture picture = { NULL, shows_all, render_noise };
	struct MiraxBounds bounds;
	g_autofree char *folder = g_dir_make_tmp("blindrun-damage-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "Slide001.mrxs", NULL);
	g_autofree char *data = g_build_filename(folder, "Slide001", "Data0001.dat", NULL), *words = NULL;
	GError *error = NULL;

	g_assert_true(mirax_write(path, &geometry, &picture, &bounds, &error));
	g_assert_no_error(error);
	g_assert_cmpint(count_failed(path, &words), ==, 0);
	spoil(data, FIRST_SEEN + BAD, 1);
	g_assert_true(openslide_alone_reads(path));
	g_assert_cmpint(count_failed(path, &words), ==, 1);
	g_assert_true(g_str_has_prefix(words, "slide 'Slide001': tile at "));
	g_assert_nonnull(strstr(words, "(64 x 64 px, level 0): Corrupt JPEG data: "));
	g_assert_true(g_str_has_suffix(words, " extraneous bytes before marker 0xd9"));
	spoil(data, 0, IMAGES * IMAGES);
	g_assert_true(openslide_alone_reads(path));
	g_assert_cmpint(count_failed(path, &words), ==, 0);
	remove_tree(folder);
}

/* A read that fails is tried once more, through a new handle: it finds the whole file that took the place of one
   that was cut off. */
static void test_tried_again(void)
{
	struct copy c;

	if (without_slides())
		return;
	copy_init(&c, CMU);
	struct slide_pool *pool = slide_pool_new(1);
	GError *error = NULL;
	g_autofree char *away = g_strconcat(c.path, ".away", NULL);
	slide_t *slide = slide_open(pool, c.path, &error);
	guint8 rgb[16 * 16 * 3];

	g_assert_no_error(error);
	g_assert_true(slide_read(slide, 0, 0, 1, 16, 16, rgb, NULL, &error));
	g_assert_no_error(error);
	g_assert_cmpint(g_rename(c.path, away), ==, 0);
	g_assert_cmpint(truncate(away, 1000), ==, 0);
	g_assert_true(g_file_set_contents(c.path, c.bytes, (gssize)c.length, &error));
	g_assert_true(slide_read(slide, 100, 2300, 1, 16, 16, rgb, NULL, &error));
	g_assert_no_error(error);
	slide_close(slide);
	slide_pool_free(pool);
	g_unlink(away);
	copy_clear(&c);
}

static void render_shade(gpointer self, gint64 x, gint64 y, int width, int height, guint8 *rgb)
{
	for (int i = 0; i < width * height; i++)
		memset(rgb + 3 * i, 40 + 10 * GPOINTER_TO_INT(self) + (int)((x + i % width) / 5 * 7 + (y + i / width) / 3 * 5) % 60, 3);
}

enum { SHADES = 12, SEEN = 20 };

/* Reads a tile of a slide, one of SEEN. */
static void read_shade(struct slide *slide, int tile, guint8 *rgb)
{
	GError *error = NULL;

	g_assert_true(slide_read(slide, 16 * tile, 9 * tile, 1, 32, 32, rgb, NULL, &error));
	g_assert_no_error(error);
}

/* Where mirax.h reads by itself, ten slides are open in the room of one; of another slide in its place nothing is read by what was
   known of the first. */
static void test_direct_handles(void)
{
	struct MiraxGeometry geometry = { .positions_x = IMAGES, .positions_y = IMAGES, .divisions = 1, .image = IMAGE,
					  .levels = 1, .quality = 90, .magnification = 20, .mpp = 0.5, .seed = 1 };
	g_autofree char *folder = g_dir_make_tmp("blindrun-shades-XXXXXX", NULL), *command = NULL;
	struct slide_pool *pool = slide_pool_new(1);
	struct slide *slides[SHADES];
	guint8 first[SHADES][32 * 32 * 3], rgb[32 * 32 * 3];
	GError *error = NULL;

	for (int i = 0; i < SHADES; i++) {
		struct MiraxPicture picture = { GINT_TO_POINTER(i), shows_all, render_shade };
		struct MiraxBounds bounds;
		g_autofree char *path = g_strdup_printf("%s/s%d.mrxs", folder, i);

		geometry.quality = 90 - i;      /* another Index.dat */
		g_assert_true(mirax_write(path, &geometry, &picture, &bounds, &error));
		g_assert_no_error(error);
		slides[i] = slide_open(pool, path, &error);
		g_assert_no_error(error);
		read_shade(slides[i], 0, first[i]);
		for (int k = 1; k < SEEN; k++)
			read_shade(slides[i], k, rgb);
		g_assert_cmpuint(slide_pool_open_handles(pool), ==, 1); /* OpenSlide's */
		g_assert_true(i == 0 || memcmp(first[i], first[i - 1], sizeof rgb) != 0);
	}
	for (int times = 0; times < 3; times++)
		for (int i = 0; i < SHADES; i++) {
			read_shade(slides[i], 0, rgb);
			g_assert_true(memcmp(rgb, first[i], sizeof rgb) == 0);
			g_assert_cmpuint(slide_pool_open_handles(pool), ==, times == 0 && i < 10 ? (guint)i + 1 : 10);
		}
	/* the last ten are open: the first is opened again */
	command = g_strdup_printf("cp %s/s5/* %s/s0/ && cp %s/s5.mrxs %s/s0.mrxs", folder, folder, folder, folder);
	g_assert_cmpint(system(command), ==, 0);
	read_shade(slides[0], 0, rgb);
	g_assert_true(memcmp(rgb, first[5], sizeof rgb) == 0);
	g_assert_cmpuint(slide_pool_open_handles(pool), ==, 1);         /* by OpenSlide */
	read_shade(slides[1], 0, rgb);
	g_assert_true(memcmp(rgb, first[1], sizeof rgb) == 0);
	for (int i = 0; i < SHADES; i++)
		slide_close(slides[i]);
	g_assert_cmpuint(slide_pool_open_handles(pool), ==, 0);
	slide_pool_free(pool);
	remove_tree(folder);
}

struct crowd {
	struct slide_pool *pool;
	struct slide *slides[3];
	guint most, seed;
};

static gpointer read_any(gpointer data)
{
	struct crowd *c = data;
	GRand *draw = g_rand_new_with_seed((guint)g_atomic_int_add((gint *)&c->seed, 1));
	guint8 rgb[16 * 16 * 3];

	for (int i = 0; i < 150; i++) {
		struct slide *s = c->slides[g_rand_int_range(draw, 0, 3)];
		GError *error = NULL;

		g_assert_true(slide_read(s, g_rand_int_range(draw, 0, 16), 0, 1, 16, 16, rgb, NULL, &error));
		g_assert_no_error(error);
		g_assert_cmpuint(slide_pool_open_handles(c->pool), <=, c->most);
	}
	g_rand_free(draw);
	return NULL;
}

/* Many threads, three slides, few handles: all are served, and never are more open. */
static void test_few_handles(void)
{
	if (without_slides())
		return;
	for (guint most = 1; most <= 4; most++) {
		struct crowd crowd = { .pool = slide_pool_new(most), .most = most };
		GThread *thread[8];

		crowd.slides[0] = open_named(crowd.pool, CMU);
		crowd.slides[1] = open_named(crowd.pool, "negative_tests/small.svs");
		crowd.slides[2] = open_named(crowd.pool, "negative_tests/boxes.tiff");
		for (int i = 0; i < 8; i++)
			thread[i] = g_thread_new("reader", read_any, &crowd);
		for (int i = 0; i < 8; i++)
			g_thread_join(thread[i]);
		for (int i = 0; i < 3; i++)
			slide_close(crowd.slides[i]);
		g_assert_cmpuint(slide_pool_open_handles(crowd.pool), ==, 0);
		slide_pool_free(crowd.pool);
	}
}

int main(int argc, char **argv)
{
	const char *shared = g_getenv("BLINDRUN_SHARED");
	int code;

	g_test_init(&argc, &argv, NULL);
	wsi = g_build_filename(shared != NULL ? shared : "../shared", "data", "wsi", NULL);
	if (!g_file_test(wsi, G_FILE_TEST_IS_DIR))
		g_clear_pointer(&wsi, g_free);
	g_test_add_func("/slide/convert", test_convert);
	g_test_add_func("/slide/convert-many", test_convert_many);
	g_test_add_func("/slide/id", test_id);
	g_test_add_func("/slide/facts", test_facts);
	g_test_add_func("/slide/mpp", test_mpp);
	g_test_add_func("/slide/unopened", test_unopened);
	g_test_add_func("/slide/negatives", test_negatives);
	g_test_add_func("/slide/straight", test_straight);
	g_test_add_func("/slide/reduced", test_reduced);
	g_test_add_func("/slide/blocks", test_blocks);
	g_test_add_func("/slide/enlarged", test_enlarged);
	g_test_add_func("/slide/off-slide", test_off_slide);
	g_test_add_func("/slide/limits", test_limits);
	g_test_add_func("/slide/mirax", test_mirax);
	g_test_add_func("/slide/repaired", test_repaired);
	g_test_add_func("/slide/replaced", test_replaced);
	g_test_add_func("/slide/one-bad-tile", test_one_bad_tile);
	g_test_add_func("/slide/data-left", test_data_left);
	g_test_add_func("/slide/tried-again", test_tried_again);
	g_test_add_func("/slide/few-handles", test_few_handles);
	g_test_add_func("/slide/direct-handles", test_direct_handles);
	code = g_test_run();
	g_free(wsi);
	return code;
}
