/*
 * test-mirax.c - MIRAX slides read without OpenSlide: every word as OpenSlide has it, whatever the geometry, the order and the
 * number of threads; what is not read so; what damage does.
 */
#include "common/machine/remove_tree.h"
#include "common/slide/mirax.h"
#include "tests/sample/mirax.h"
#include <openslide.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum { IMAGE = 64, LEVELS = 4, READS = 300, THREADS = 4 };

static struct mirax_cache *cache;

static const struct geometry {
	const char *name;
	struct MiraxGeometry is; /* but for what write_slide sets */
	int readable;           /* levels that lie at whole pixels, of those that are tried */
} geometries[] = {
	{ "photos off their places",
	  { .positions_x = 6, .positions_y = 5, .divisions = 2, .overlap_x = 16, .overlap_y = 12, .jitter = 6, .jitter_step = 1 }, 1 },
	{ "off by 4 px",
	  { .positions_x = 6, .positions_y = 5, .divisions = 2, .overlap_x = 16, .overlap_y = 16, .jitter = 8, .jitter_step = 4 }, 3 },
	{ "one image a photo", { .positions_x = 9, .positions_y = 11, .divisions = 1 }, 3 },
	{ "many images a photo", { .positions_x = 3, .positions_y = 3, .divisions = 4, .overlap_x = 20, .overlap_y = 28 }, 3 },
	{ "colour of half the detail",
	  { .positions_x = 5, .positions_y = 5, .divisions = 2, .overlap_x = 8, .overlap_y = 8, .jitter = 4, .jitter_step = 1,
	    .colour_w = 2, .colour_h = 2 }, 1 },
	{ "of half the detail, one image a photo",
	  { .positions_x = 8, .positions_y = 8, .divisions = 1, .colour_w = 2, .colour_h = 2 }, 3 },
	{ "of half the detail across",
	  { .positions_x = 5, .positions_y = 5, .divisions = 2, .overlap_x = 8, .overlap_y = 8, .jitter = 4, .jitter_step = 1,
	    .colour_w = 2 }, 1 },
	{ "of half the detail down", { .positions_x = 8, .positions_y = 8, .divisions = 1, .colour_h = 2 }, 3 },
};

static bool shows(gpointer self G_GNUC_UNUSED, gint64 x, gint64 y, int width, int height)
{
	return (((x + width / 2) / 100) * 7 + (y + height / 2) / 100 * 3) % 5 != 0;
}

/* Shades that change in steps of their own in each colour, and grain. */
static void render(gpointer self G_GNUC_UNUSED, gint64 x, gint64 y, int width, int height, guint8 *rgb)
{
	for (int i = 0; i < width * height; i++) {
		const gint64 u = x + i % width, v = y + i / width;
		const guint32 grain = ((guint32)(u * 7919 + v * 104729) * 2654435761u) >> 27;

		rgb[3 * i] = (guint8)(90 + (u / 9 * 37 + v / 5 * 11) % 100 + grain);
		rgb[3 * i + 1] = (guint8)(60 + (u / 7 * 17 + v / 11 * 29) % 120 + grain);
		rgb[3 * i + 2] = (guint8)(80 + (u / 13 * 53 + v / 3 * 7) % 110 + grain);
	}
}

struct written {
	char *folder, *path, *inside; /* inside: the slide's own folder */
};

static void write_slide(const struct geometry *g, struct written *w)
{
	struct MiraxGeometry geometry = g->is;
	const struct MiraxPicture picture = { NULL, shows, render };
	struct MiraxBounds bounds;
	GError *error = NULL;

	geometry.image = IMAGE;
	geometry.levels = LEVELS;
	geometry.quality = 90;
	geometry.magnification = 20;
	geometry.mpp = 0.5;
	geometry.seed = 1;
	w->folder = g_dir_make_tmp("blindrun-mirax-XXXXXX", NULL);
	w->path = g_build_filename(w->folder, "Slide001.mrxs", NULL);
	w->inside = g_build_filename(w->folder, "Slide001", NULL);
	g_assert_true(mirax_write(w->path, &geometry, &picture, &bounds, &error));
	g_assert_no_error(error);
}

static void remove_slide(struct written *w)
{
	remove_tree(w->folder);
	g_free(w->folder);
	g_free(w->path);
	g_free(w->inside);
}

struct compared {
	struct mirax *slide;
	int level, w, h;
	guint32 *want;          /* (h, w) all of the level, by OpenSlide */
	gboolean readable;
};

static gpointer compare(gpointer data)
{
	const struct compared *c = data;
	GRand *draw = g_rand_new_with_seed(3);
	gint ended = 0;

	for (int i = 0; i < READS; i++) {
		const int w = g_rand_int_range(draw, 1, MIN(c->w, 150)), h = g_rand_int_range(draw, 1, MIN(c->h, 150));
		const int x = g_rand_int_range(draw, 0, c->w - w + 1), y = g_rand_int_range(draw, 0, c->h - h + 1);
		g_autofree guint32 *got = g_new(guint32, (gsize)w * (gsize)h);

		g_assert_cmpint(mirax_read(c->slide, c->level, x, y, w, h, got, &ended), ==, c->readable);
		for (int v = 0; c->readable && v < h; v++)
			g_assert_cmpint(memcmp(got + v * w, c->want + (y + v) * c->w + x, (gsize)w * sizeof(*got)), ==, 0);
	}
	g_rand_free(draw);
	return NULL;
}

/* Returns how many words of what OpenSlide read were scanned. */
static gsize compare_level(openslide_t *osr, struct mirax *slide, int level, gboolean readable, int threads)
{
	struct compared c = { .slide = slide, .level = level, .readable = readable };
	GThread *thread[THREADS];
	gint64 w, h;
	gsize scanned = 0;

	openslide_get_level_dimensions(osr, level, &w, &h);
	c.w = (int)w;
	c.h = (int)h;
	c.want = g_new(guint32, (gsize)c.w * (gsize)c.h);
	openslide_read_region(osr, c.want, 0, 0, level, w, h);
	g_assert_null(openslide_get_error(osr));
	for (int i = 0; i < c.w * c.h; i++)
		scanned += c.want[i] >> 24 == 255;
	for (int i = 0; i < threads; i++)
		thread[i] = g_thread_new("compare", compare, &c);
	for (int i = 0; i < threads; i++)
		g_thread_join(thread[i]);
	g_free(c.want);
	return scanned;
}

static void compare_slide(const char *path, int readable, int threads)
{
	openslide_t *osr = openslide_open(path);
	struct mirax *slide = mirax_open(path, cache);

	g_assert_nonnull(slide);
	g_assert_nonnull(osr);
	for (int level = 0; level < LEVELS; level++)
		g_assert_cmpuint(compare_level(osr, slide, level, level < readable, threads), >, 100);
	mirax_close(slide);
	openslide_close(osr);
}

static void test_same(gconstpointer data)
{
	const struct geometry *g = data;
	struct written w;

	write_slide(g, &w);
	compare_slide(w.path, g->readable, 1);
	compare_slide(w.path, g->readable, THREADS);
	remove_slide(&w);
}

/* ---- positions that are not written down as our samples have them ---- */

static void replace(const struct written *w, const char *name, const char *from, const char *to)
{
	g_autofree char *path = g_build_filename(w->inside, name, NULL), *text = NULL;
	g_autoptr(GString) edited = NULL;
	gsize n;

	g_assert_true(g_file_get_contents(path, &text, &n, NULL));
	edited = g_string_new(text);
	g_assert_cmpuint(g_string_replace(edited, from, to, 0), >, 0);
	g_assert_true(g_file_set_contents(path, edited->str, (gssize)edited->len, NULL));
}

/* None, and photos side by side: images are not taken apart. */
static void test_no_positions(void)
{
	struct written w;

	write_slide(&geometries[2], &w);
	replace(&w, "Slidedat.ini", "NONHIER_COUNT = 1", "NONHIER_COUNT = 0");
	replace(&w, "Slidedat.ini", "CameraImageDivisionsPerSide = 1\r\n", "");
	compare_slide(w.path, 3, 1);
	remove_slide(&w);
}

static guint32 word(const char *bytes, gsize at)
{
	guint32 n;

	memcpy(&n, bytes + at, 4);
	return GUINT32_FROM_LE(n);
}

/* Deflated, as newer scanners write them: at the start of Data0000.dat, in less room than before. */
static void test_stitching(void)
{
	struct written w;
	g_autofree char *index_path = NULL, *data_path = NULL, *index = NULL, *data = NULL;
	gsize n_index, n_data, record;
	guint32 length;

	write_slide(&geometries[0], &w);
	replace(&w, "Slidedat.ini", "VIMSLIDE_POSITION_BUFFER", "StitchingIntensityLayer");
	index_path = g_build_filename(w.inside, "Index.dat", NULL);
	data_path = g_build_filename(w.inside, "Data0000.dat", NULL);
	g_assert_true(g_file_get_contents(index_path, &index, &n_index, NULL));
	g_assert_true(g_file_get_contents(data_path, &data, &n_data, NULL));
	record = n_index - 8;           /* the index ends with the record's offset, length, file */
	length = word(index, record);
	g_assert_cmpuint(length, ==, 6 * 5 * 9);
	uLongf packed = compressBound(length);
	g_autofree guint8 *deflated = g_malloc(packed);
	g_assert_cmpint(compress(deflated, &packed, (const guint8 *)data, length), ==, Z_OK);
	g_assert_cmpuint(packed, <, length);
	memcpy(data, deflated, packed);
	const guint32 now = GUINT32_TO_LE((guint32)packed);
	memcpy(index + record, &now, 4);
	g_assert_true(g_file_set_contents(index_path, index, (gssize)n_index, NULL));
	g_assert_true(g_file_set_contents(data_path, data, (gssize)n_data, NULL));
	compare_slide(w.path, 1, 1);
	remove_slide(&w);
}

/* ---- what is not a slide, or not whole ---- */

static void put(const char *path, const char *bytes, gsize n)
{
	g_assert_true(g_file_set_contents(path, bytes, (gssize)n, NULL));
}

enum { SHARED = 3 };

static guint32 *read_all(struct mirax *m, int side)
{
	guint32 *argb = g_new(guint32, side * side);
	gint ended = 0;

	g_assert_true(mirax_read(m, 0, 0, 0, side, side, argb, &ended));
	return argb;
}

/* Slides share what is kept, and one that is closed leaves the others theirs, whether it holds all images or not even one. */
static void test_cache(void)
{
	const gsize image = IMAGE * IMAGE * sizeof(guint32), rooms[] = { 1, image - 1, image, 7 * image, 10000 * image };
	const int side = 5 * IMAGE;
	struct written w[SHARED];
	guint32 *want[SHARED];

	for (int i = 0; i < SHARED; i++) {
		struct mirax *m;

		write_slide(&geometries[i], &w[i]);
		m = mirax_open(w[i].path, cache);
		want[i] = read_all(m, side);
		for (int k = 0; k < i; k++)
			g_assert_true(memcmp(want[k], want[i], (gsize)side * (gsize)side * sizeof(guint32)) != 0);
		mirax_close(m);
	}
	for (gsize room = 0; room < G_N_ELEMENTS(rooms); room++) {
		struct mirax_cache *shared = mirax_cache_new(rooms[room]);
		struct mirax *m[SHARED];

		for (int i = 0; i < SHARED; i++)
			m[i] = mirax_open(w[i].path, shared);
		for (int closed = 0; closed < SHARED; closed++) {
			for (int times = 0; times < 4; times++)
				for (int i = closed; i < SHARED; i++) {
					g_autofree guint32 *got = read_all(m[i], side);
					g_assert_true(memcmp(got, want[i], (gsize)side * (gsize)side * sizeof(guint32)) == 0);
				}
			mirax_close(m[closed]);
		}
		mirax_cache_free(shared);
	}
	for (int i = 0; i < SHARED; i++) {
		g_free(want[i]);
		remove_slide(&w[i]);
	}
}

/* By its sum a slide is told from another that took its place. */
static void test_sum(void)
{
	struct written w[2];
	struct mirax *m[3];

	write_slide(&geometries[2], &w[0]);
	write_slide(&geometries[5], &w[1]);
	for (int i = 0; i < 3; i++)
		m[i] = mirax_open(w[i % 2].path, cache);
	g_assert_cmpuint(mirax_sum(m[0]), !=, 0);
	g_assert_cmpuint(mirax_sum(m[0]), ==, mirax_sum(m[2]));
	g_assert_cmpuint(mirax_sum(m[0]), !=, mirax_sum(m[1]));
	for (int i = 0; i < 3; i++)
		mirax_close(m[i]);
	remove_slide(&w[0]);
	remove_slide(&w[1]);
}

/* Whatever it makes of a file, it reads nothing that is not there (make sanitize). */
static int try_one(const char *path)
{
	static guint32 argb[200 * 200];
	struct mirax *slide = mirax_open(path, cache);
	gint read = 0, ended = 0;

	for (int level = 0; slide != NULL && level < LEVELS; level++)
		read += mirax_read(slide, level, 50, 70, 200, 200, argb, &ended);
	mirax_close(slide);
	return read;
}

static void spoil_file(const struct written *w, const char *name, gsize step)
{
	g_autofree char *path = g_build_filename(w->inside, name, NULL), *bytes = NULL;
	GRand *draw = g_rand_new_with_seed(5);
	gsize n;

	g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
	for (gsize cut = 0; cut < n; cut += step) {
		put(path, bytes, cut);
		try_one(w->path);
	}
	for (int i = 0; i < 300; i++) {
		g_autofree char *other = g_memdup2(bytes, n);

		for (int k = g_rand_int_range(draw, 1, 4); k > 0; k--)
			other[g_rand_int_range(draw, 0, (gint32)n)] = (char)g_rand_int(draw);
		put(path, other, n);
		try_one(w->path);
	}
	put(path, bytes, n);
	g_assert_cmpint(try_one(w->path), ==, 3);
	g_rand_free(draw);
}

static void test_hostile(void)
{
	struct written w;
	g_autofree char *index = NULL;

	write_slide(&geometries[1], &w);
	g_assert_null(mirax_open(w.inside, cache));
	g_assert_null(mirax_open("/nowhere/Slide001.mrxs", cache));
	spoil_file(&w, "Index.dat", 41);
	spoil_file(&w, "Slidedat.ini", 17);
	index = g_build_filename(w.inside, "Index.dat", NULL);
	g_assert_cmpint(remove(index), ==, 0);
	g_assert_null(mirax_open(w.path, cache));
	remove_slide(&w);
}

/* How many images of level 0 cannot be read, of 64; in *ended, how many were read to their end just now. */
static int count_refused(struct mirax *slide, gint *ended)
{
	guint32 argb[16 * 16];
	int refused = 0;

	*ended = 0;
	for (int y = 8; y < 8 * IMAGE; y += IMAGE)
		for (int x = 8; x < 8 * IMAGE; x += IMAGE)
			refused += !mirax_read(slide, 0, x, y, 16, 16, argb, ended);
	return refused;
}

/* An image whose end is damaged is refused, though what is read of it lies before. Images that the file does not reach are, too. */
static void test_damage(void)
{
	struct written w;
	g_autofree char *data = NULL, *bytes = NULL;
	struct mirax *slide, *before;
	gsize n, end;
	gint ended, all;

	write_slide(&geometries[5], &w);
	data = g_build_filename(w.inside, "Data0001.dat", NULL);
	g_assert_true(g_file_get_contents(data, &bytes, &n, NULL));
	before = mirax_open(w.path, cache);
	g_assert_cmpint(count_refused(before, &all), ==, 0);
	g_assert_cmpint(all, >, 40);
	g_assert_cmpint(count_refused(before, &ended), ==, 0);
	g_assert_cmpint(ended, ==, 0);
	for (end = n / 8; memcmp(bytes + end, "\xff\xd9", 2) != 0;)
		end++;
	memcpy(bytes + end - 6, "\x55\x55\xff\xd9\x55\x55", 6);        /* it ends early */
	put(data, bytes, n);
	slide = mirax_open(w.path, cache);
	g_assert_cmpint(count_refused(slide, &ended), ==, 1);
	g_assert_cmpint(ended, ==, all - 1);
	g_assert_cmpint(count_refused(slide, &ended), ==, 1);
	g_assert_cmpint(ended, ==, 0);
	mirax_close(slide);
	put(data, bytes, n / 2);
	slide = mirax_open(w.path, cache);
	g_assert_cmpint(count_refused(slide, &ended), >, 10);
	mirax_close(slide);
	mirax_close(before);
	remove_slide(&w);
}

int main(int argc, char **argv)
{
	int code;

	g_test_init(&argc, &argv, NULL);
	cache = mirax_cache_new(32 << 20);
	for (gsize i = 0; i < G_N_ELEMENTS(geometries); i++) {
		g_autofree char *name = g_strdup_printf("/mirax/same/%s", geometries[i].name);

		g_test_add_data_func(name, &geometries[i], test_same);
	}
	g_test_add_func("/mirax/no-positions", test_no_positions);
	g_test_add_func("/mirax/stitching", test_stitching);
	g_test_add_func("/mirax/cache", test_cache);
	g_test_add_func("/mirax/sum", test_sum);
	g_test_add_func("/mirax/hostile", test_hostile);
	g_test_add_func("/mirax/damage", test_damage);
	code = g_test_run();
	mirax_cache_free(cache);
	return code;
}
