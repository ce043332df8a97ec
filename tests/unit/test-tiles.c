/* test-tiles.c - the grid of tiles: where they lie, what they say of tissue and tumour, and what they cost. */
#include "common/fault/fault.h"
#include "common/image/png_file.h"
#include "common/slide/tiles.h"
#include <glib/gstdio.h>
#include <math.h>
#include <malloc.h>

/* A mask drawn in text at 1/16, # is tumour; freed by mask_free. Runs and one lesion a row. */
static struct mask *drawn(guint32 w, guint32 h, const char *text, gint64 x, gint64 y)
{
	struct mask *m = g_new0(struct mask, 1);

	g_assert_cmpuint(strlen(text), ==, w * h);
	m->width = w;
	m->height = h;
	m->scale = 16;
	m->origin_x = x;
	m->origin_y = y;
	m->rows = g_new0(guint32, h + 1);
	m->runs = g_new0(struct region_run, w * h);
	m->lesion_of = g_new0(guint32, w * h);
	m->n_lesions = h;
	m->lesions = g_new0(struct mask_lesion, h);
	for (guint32 v = 0, n = 0; v < h; v++) {
		for (guint32 u = 0; u < w; u++) {
			if (text[v * w + u] != '#')
				continue;
			m->runs[n].start = u;
			while (u < w && text[v * w + u] == '#')
				u++;
			m->runs[n].end = u;
			m->lesion_of[n] = v;
			m->area += u - m->runs[n++].start;
		}
		m->rows[v + 1] = n;
	}
	return m;
}

static void assert_tile(const struct tiles *t, guint32 i, int x, int y, int tissue, int tumour, int lesion)
{
	g_assert_cmpint(t->tile[i].x, ==, x);
	g_assert_cmpint(t->tile[i].y, ==, y);
	g_assert_cmpint(t->tile[i].tissue, ==, tissue);
	g_assert_cmpint(t->tile[i].tumour, ==, tumour);
	g_assert_cmpint(t->tile[i].lesion, ==, lesion);
}

/* A map of 6 x 4 px of 32 level-0 px at 1000, 2000: 192 x 128 px. */
static guint8 map[] = { 1, 1, 0, 0, 1, 0,
			1, 1, 0, 0, 0, 0,
			0, 0, 0, 0, 1, 1,
			0, 0, 0, 0, 1, 1 };
static const struct tissue TISSUE = { .x = 1000, .y = 2000, .scale = 32, .width = 6, .height = 4, .map = map };

static void test_tissue_only(void)
{
	struct tiles t = { 0 };
	GError *error = NULL;

	g_assert_true(tiles_index(&TISSUE, NULL, 192, 128, 64, 64, 0.25, &t, &error));
	g_assert_no_error(error);
	g_assert_cmpfloat(t.side, ==, 64);
	g_assert_cmpuint(t.n, ==, 3);
	g_assert_cmpuint(t.n_tumour, ==, 0);
	assert_tile(&t, 0, 1000, 2000, 255, 0, 0);
	assert_tile(&t, 1, 1128, 2000, 64, 0, 0);
	assert_tile(&t, 2, 1128, 2064, 255, 0, 0);
	tiles_clear(&t);
	g_assert_null(t.tile);
	g_assert_cmpuint(t.n, ==, 0);

	g_assert_true(tiles_index(&TISSUE, NULL, 192, 128, 64, 64, 0.26, &t, &error));
	g_assert_cmpuint(t.n, ==, 2);
	tiles_clear(&t);
	g_assert_true(tiles_index(&TISSUE, NULL, 192, 128, 64, 64, 0, &t, &error));
	g_assert_cmpuint(t.n, ==, 6);
	tiles_clear(&t);
}

/* Tumour stands first; a tile of tumour stays without tissue; little is not none. */
static void test_tumour(void)
{
	g_autoptr(mask_t) m = drawn(12, 8,
				    "............"
				    "............"
				    "......##...."   /* half of a row of tile 1, which has no tissue: 2 of 16 px */
				    "............"
				    "............"
				    "............"
				    "............"
				    ".########...", 1000, 2000); /* 3, 4 of 16 in the tiles below, and 1 */
	struct tiles t = { 0 };
	GError *error = NULL;

	g_assert_true(tiles_index(&TISSUE, m, 192, 128, 64, 64, 0.25, &t, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(t.n, ==, 6);
	g_assert_cmpuint(t.n_tumour, ==, 4);
	assert_tile(&t, 0, 1064, 2000, 0, 8192, 3);
	assert_tile(&t, 1, 1000, 2064, 0, 12288, 8);
	assert_tile(&t, 2, 1064, 2064, 0, 16384, 8);
	assert_tile(&t, 3, 1128, 2064, 255, 4096, 8);
	assert_tile(&t, 4, 1000, 2000, 255, 0, 0);
	assert_tile(&t, 5, 1128, 2000, 64, 0, 0);
	tiles_clear(&t);
}

/* A mask as it is read, so that its lesions are whole. */
static struct mask *read_drawn(guint32 w, guint32 h, const char *text, gint64 x, gint64 y)
{
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL), *path = g_build_filename(folder, "mask.png", NULL);
	g_autofree guint8 *px = g_malloc0(w * h);
	g_autoptr(GError) error = NULL;

	g_assert_cmpuint(strlen(text), ==, w * h);
	for (guint32 i = 0; i < w * h; i++)
		px[i] = text[i] == '#' ? 255 : 0;
	g_assert_true(png_write(path, px, w, h, 1, &error));
	struct mask *m = mask_read(path, 16, x, y, &error);
	g_assert_no_error(error);
	g_remove(path);
	g_rmdir(folder);
	return m;
}

static void assert_lesion(const struct tiles *t, guint32 i, guint32 first, guint32 end, gboolean small, int x, int y)
{
	g_assert_cmpuint(t->lesion[i].first, ==, first);
	g_assert_cmpuint(t->lesion[i].end, ==, end);
	g_assert_cmpint(t->lesion[i].small, ==, small);
	g_assert_cmpint(t->lesion[i].x, ==, x);
	g_assert_cmpint(t->lesion[i].y, ==, y);
}

/* Lesions of 30, 6, 3 and 1 mask px. In tiles of 4 x 4 of them the first has four tiles, the second, higher than a tile,
   two; the third is small and has none, for in its tile the first has more; the last has one. */
static void test_lesions(void)
{
	g_autoptr(mask_t) m = read_drawn(12, 12,
					 "..#........."
					 "..#........."
					 "..#........."
					 "..#........."
					 "..#........."
					 "..#.######.."
					 "....######.."
					 "....######.."
					 "....######.."
					 "....######.#"
					 "#..........#"
					 "...........#", 1000, 2000);
	static guint8 none[9];
	const struct tissue tissue = { .x = 1000, .y = 2000, .scale = 64, .width = 3, .height = 3, .map = none };
	const int at[7][3] = { { 1, 1, 1 }, { 2, 1, 1 }, { 1, 2, 1 }, { 2, 2, 1 }, { 0, 0, 2 }, { 0, 1, 2 }, { 0, 2, 4 } };
	struct tiles t = { 0 };

	g_assert_true(tiles_index(&tissue, m, 192, 192, 64, 64, 0.5, &t, NULL));
	g_assert_cmpuint(t.n, ==, 7);
	g_assert_cmpuint(t.n_tumour, ==, 7);
	for (guint i = 0; i < 7; i++) {
		g_assert_cmpint(t.tile[i].x, ==, 1000 + 64 * at[i][0]);
		g_assert_cmpint(t.tile[i].y, ==, 2000 + 64 * at[i][1]);
		g_assert_cmpint(t.tile[i].lesion, ==, at[i][2]);
	}
	g_assert_cmpuint(t.n_lesions, ==, 4);
	assert_lesion(&t, 0, 0, 4, FALSE, 1112, 2120);
	assert_lesion(&t, 1, 4, 6, FALSE, 1040, 2048);
	assert_lesion(&t, 2, 6, 6, TRUE, 1184, 2168);
	assert_lesion(&t, 3, 6, 7, TRUE, 1008, 2168);
	tiles_clear(&t);
	g_assert_null(t.lesion);
	/* in one of 16 x 16 all fit, and what is less than 4 px is a speck */
	g_assert_true(tiles_index(&tissue, m, 192, 192, 256, 256, 0.5, &t, NULL));
	g_assert_cmpuint(t.n_tumour, ==, 1);
	g_assert_cmpuint(t.n_lesions, ==, 2);
	assert_lesion(&t, 0, 0, 1, TRUE, 1112, 2120);
	assert_lesion(&t, 1, 1, 1, TRUE, 1040, 2048);
	tiles_clear(&t);
}

static void test_least_tumour(void)
{
	g_autoptr(mask_t) m = drawn(1, 1, "#", 1000, 2000);
	static guint8 none[16 * 16];
	struct tissue tissue = { .x = 0, .y = 0, .scale = 1024, .width = 16, .height = 16, .map = none };
	struct tiles t = { 0 };
	GError *error = NULL;

	/* 16 x 16 px in a tile of 16,000 x 16,000: 0.07 / 65535. */
	g_assert_true(tiles_index(&tissue, m, 16000, 16000, 16000, 16000, 0.1, &t, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(t.n, ==, 1);
	assert_tile(&t, 0, 0, 0, 0, 1, 1);
	tiles_clear(&t);
}

/* The 300th lesion's number does not fit: 255. */
static void test_many_lesions(void)
{
	g_autofree char *text = g_strnfill(300, '#');
	g_autoptr(mask_t) m = drawn(1, 300, text, 0, 0);
	static guint8 one[1] = { 1 };
	struct tissue tissue = { .scale = 4800, .width = 1, .height = 1, .map = one };
	struct tiles t = { 0 };

	g_assert_true(tiles_index(&tissue, m, 16, 4800, 16, 16, 0.5, &t, NULL));
	g_assert_cmpuint(t.n, ==, 300);
	g_assert_cmpint(t.tile[253].lesion, ==, 254);
	g_assert_cmpint(t.tile[254].lesion, ==, 255);
	g_assert_cmpint(t.tile[299].lesion, ==, 255);
	tiles_clear(&t);
}

static void assert_grid(gint64 w, double side, double step, guint32 n, int last)
{
	static guint8 one[1] = { 1 };
	struct tissue tissue = { .x = 7, .y = 9, .scale = 100000, .width = 1, .height = 1, .map = one };
	struct tiles t = { 0 };

	g_assert_true(tiles_index(&tissue, NULL, w, 1, side, step, 0, &t, NULL));
	g_assert_cmpuint(t.n, ==, n);
	g_assert_cmpint(t.tile[0].x, ==, 7);
	g_assert_cmpint(t.tile[0].y, ==, 9);
	g_assert_cmpint(t.tile[n - 1].x, ==, 7 + last);
	tiles_clear(&t);
}

static void test_grid(void)
{
	assert_grid(1024, 256, 256, 4, 768);
	assert_grid(1025, 256, 256, 5, 1024);   /* the last reaches over */
	assert_grid(100, 256, 256, 1, 0);       /* and may be the only one */
	assert_grid(1024, 256, 128, 7, 768);    /* overlap: no more than cover it */
	assert_grid(1000, 256, 128, 7, 768);
	assert_grid(1024, 256, 800, 2, 800);    /* gaps: none starts beyond */
	assert_grid(800, 256, 800, 1, 0);
	assert_grid(1000, 142.7, 142.7, 8, 999); /* 7 * 142.7 = 998.9 */
	assert_grid(1427, 142.7, 142.7, 10, 1284);
}

static void test_too_large(void)
{
	struct tissue tissue = { .x = 10, .scale = 1, .width = 1, .height = 1, .map = map };
	struct tiles t = { .n = 5 };
	GError *error = NULL;

	g_assert_false(tiles_index(&tissue, NULL, G_MAXINT32, 10, 100, 100, 0, &t, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, "a grid of 21474837 x 1 tiles is too large");
	g_assert_cmpuint(t.n, ==, 5);
	g_clear_error(&error);
}

/* The challenge's training set: 157 slides of 26,000 tiles. What malloc holds for the index is counted. */
static void test_memory(void)
{
	enum { SLIDES = 157, SIDE = 162, MAP = SIDE * 8 };
	struct tiles index[SLIDES] = { 0 };
	g_autofree guint8 *all = g_malloc(MAP * MAP);
	struct tissue tissue = { .scale = 32, .width = MAP, .height = MAP, .map = all };
	guint64 n = 0, bytes = 0;

	memset(all, 1, MAP * MAP);
	for (int i = 0; i < SLIDES; i++) {
		g_assert_true(tiles_index(&tissue, NULL, MAP * 32, MAP * 32, 256, 256, 0.1, &index[i], NULL));
		n += index[i].n;
		bytes += malloc_usable_size(index[i].tile) + sizeof(index[i]);
	}
	g_assert_cmpuint(n, ==, (guint64)SLIDES * SIDE * SIDE);
	g_assert_cmpuint(n, >, 4100000);
	if (!g_getenv("SANITIZE"))
		g_assert_cmpuint(bytes, <=, n * sizeof(struct tile) + SLIDES * 8192); /* whole pages */
	g_assert_cmpuint(bytes, <=, 64 << 20);
	g_test_message("%" G_GUINT64_FORMAT " tiles in %" G_GUINT64_FORMAT " bytes", n, bytes);
	for (int i = 0; i < SLIDES; i++)
		tiles_clear(&index[i]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tiles/tissue-only", test_tissue_only);
	g_test_add_func("/tiles/tumour", test_tumour);
	g_test_add_func("/tiles/lesions", test_lesions);
	g_test_add_func("/tiles/least-tumour", test_least_tumour);
	g_test_add_func("/tiles/many-lesions", test_many_lesions);
	g_test_add_func("/tiles/grid", test_grid);
	g_test_add_func("/tiles/too-large", test_too_large);
	g_test_add_func("/tiles/memory", test_memory);
	return g_test_run();
}
