/*
 * index.c - what the index of the challenge's training set costs: bytes a tile and seconds, for 157 slides
 * of 26,000 tissue tiles of 256 px, from synthetic tissue maps and masks of three lesions. Of slides that are given, what it takes
 * from opening one to its list of tiles: seconds, and how far memory rose above that of the program as it stood.
 *
 *   index [SLIDE...]
 */
#include "common/machine/machine.h"
#include "common/slide/tiles.h"
#include <malloc.h>

enum { SLIDES = 157, COLUMNS = 360, ROWS = 500, TILE = 256, FINER = 8, WANTED = 26000 };

/* A disc of WANTED tiles in a grid of COLUMNS x ROWS. */
static void draw_tissue(guint8 *map)
{
	double radius = WANTED / 3.14159265 * FINER * FINER;

	for (int y = 0; y < ROWS * FINER; y++)
		for (int x = 0; x < COLUMNS * FINER; x++) {
			double u = x - COLUMNS * FINER / 2, v = y - ROWS * FINER / 2;

			map[y * COLUMNS * FINER + x] = u * u + v * v < radius;
		}
}

static struct mask *draw_mask(void)
{
	enum { W = COLUMNS * TILE / 16, H = ROWS * TILE / 16 };
	struct mask *m = g_new0(struct mask, 1);
	guint32 n = 0;

	m->width = W;
	m->height = H;
	m->scale = 16;
	m->rows = g_new0(guint32, H + 1);
	m->runs = g_new(struct region_run, 3 * H);
	m->lesion_of = g_new(guint32, 3 * H);
	m->lesions = g_new0(struct mask_lesion, 3);
	m->n_lesions = 3;
	for (guint32 y = 0; y < H; y++) {
		for (guint32 k = 0; k < 3 && y > H / 3 && y < H / 3 + 600; k++) {
			m->lesion_of[n] = k;
			m->runs[n++] = (struct region_run){ W / 4 + k * 900 + y % 7, W / 4 + k * 900 + 500 };
			m->area += 500 - y % 7;
		}
		m->rows[y + 1] = n;
	}
	return m;
}

static gboolean look(const char *path, GError **error)
{
	const guint64 before = machine_memory_now();
	const gint64 start = g_get_monotonic_time();
	struct slide_pool *pool = slide_pool_new(1);
	slide_t *slide = slide_open(pool, path, error);
	g_autoptr(tissue_t) tissue = slide != NULL ? tissue_find(slide, (double)TILE / FINER, error) : NULL;
	struct tiles tiles = { 0 };
	const gboolean ok = tissue != NULL && tiles_index(tissue, NULL, slide->w, slide->h, TILE, TILE, 0.25, &tiles, error);

	if (ok)
		g_print("index slide=%s width_px=%" G_GINT64_FORMAT " height_px=%" G_GINT64_FORMAT " tiles=%u seconds=%.2f mb=%.0f\n", slide->id,
			slide->width, slide->height, tiles.n, (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC,
			((double)machine_memory_peak() - (double)before) / 1e6);
	tiles_clear(&tiles);
	slide_close(slide);
	slide_pool_free(pool);
	return ok;
}

static int look_at_all(char **paths)
{
	for (; *paths != NULL; paths++) {
		g_autoptr(GError) error = NULL;
		if (!look(*paths, &error)) {
			g_printerr("index: %s\n", error->message);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct tiles index[SLIDES];
	g_autofree guint8 *map = g_malloc(ROWS * FINER * COLUMNS * FINER);
	g_autoptr(mask_t) mask = draw_mask();
	struct tissue tissue = { .scale = (double)TILE / FINER, .width = COLUMNS * FINER, .height = ROWS * FINER, .map = map };
	guint64 n = 0, tumour = 0, bytes = 0;
	gint64 start;
	double seconds;

	if (argc > 1)
		return look_at_all(argv + 1);
	draw_tissue(map);
	start = g_get_monotonic_time();
	for (int i = 0; i < SLIDES; i++) {
		g_autoptr(GError) error = NULL;

		if (!tiles_index(&tissue, i % 3 > 0 ? mask : NULL, COLUMNS * TILE, ROWS * TILE, TILE, TILE, 0.5, &index[i],
				 &error)) {
			g_printerr("index: %s\n", error->message);
			return 1;
		}
	}
	seconds = (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
	for (int i = 0; i < SLIDES; i++) {
		n += index[i].n;
		tumour += index[i].n_tumour;
		bytes += malloc_usable_size(index[i].tile) + sizeof(index[i]);
		tiles_clear(&index[i]);
	}
	g_print("index slides=%d tiles=%" G_GUINT64_FORMAT " tumour=%" G_GUINT64_FORMAT " bytes_a_tile=%.2f mib=%.1f "
		"seconds=%.2f\n", SLIDES, n, tumour, (double)bytes / (double)n, (double)bytes / (1 << 20), seconds);
	return 0;
}
