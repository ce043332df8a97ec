/* A scene asks its tissue for a cell once, keeps the pixels and copies rectangles out of them;
 * glass and ink are computed pixel by pixel. */
#include "scene.h"

#include <string.h>

#include "random.h"
#include "stain.h"

#define KEPT_CELLS 4096		/* after which all are dropped: 150 MB of 96 px */
#define MASK_SCALE 16

static const guint8 inks[3][3] = {
	{ 38, 58, 140 },	/* blue */
	{ 30, 110, 70 },	/* green */
	{ 45, 44, 48 },		/* black */
};

void scene_init(struct Scene *scene)
{
	guint64 hash = random_mix(scene->seed);

	scene->cells = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	scene->ink_below = hash & 1;
	memcpy(scene->ink_colour, inks[(hash >> 8) % G_N_ELEMENTS(inks)], 3);
}

void scene_clear(struct Scene *scene)
{
	g_clear_pointer(&scene->cells, g_hash_table_unref);
}

int scene_fringe(const struct Scene *scene)
{
	return scene->tile / 2;
}

int scene_ink_room(int tile)
{
	return 3 * tile;
}

/* The cell's pixels, or NULL when it is all glass. */
static const guint8 *cell_pixels(struct Scene *scene, gint64 column, gint64 row)
{
	const struct Layout *layout = scene->layout;
	gpointer pixels;

	if (column < -1 || row < -1 || column > layout->columns || row > layout->rows)
		return NULL;
	gint64 key = (row + 1) * (layout->columns + 2) + column + 1;
	if (g_hash_table_lookup_extended(scene->cells, &key, NULL, &pixels))
		return pixels;
	if (g_hash_table_size(scene->cells) >= KEPT_CELLS)
		g_hash_table_remove_all(scene->cells);

	pixels = g_malloc((gsize)scene->tile * (gsize)scene->tile * 4);
	if (!scene->tissue.kind->cell(scene->tissue.self, (int)column, (int)row, pixels))
		g_clear_pointer(&pixels, g_free);
	g_hash_table_insert(scene->cells, g_memdup2(&key, sizeof key), pixels);
	return pixels;
}

static gint64 floor_divide(gint64 value, gint64 by)
{
	return value >= 0 ? value / by : -((by - 1 - value) / by);
}

/* How much ink there is at a pixel that is not tissue, 0 to 1: a wavy stroke along one side. */
static double ink_at(const struct Scene *scene, gint64 x, gint64 y)
{
	double tile = scene->tile;
	double u = (double)(x - scene->origin_x), v = (double)(y - scene->origin_y);
	double across = scene->layout->columns * tile, down = scene->layout->rows * tile;
	double along = scene->ink_below ? u : v, beside = scene->ink_below ? v - down : u - across;
	double length = scene->ink_below ? across : down;

	if (along < 0.1 * length || along > 0.9 * length || beside < 0.6 * tile || beside > 2.8 * tile)
		return 0;
	double middle = tile * (1 + 1.4 * random_noise(scene->seed, along / (4 * tile), 0.5));
	double half = tile * (0.14 + 0.12 * random_noise(scene->seed + 1, along / tile, 0.5));
	double edge = (half - fabs(beside - middle)) / 3;
	if (edge <= 0)
		return 0;
	double streak = 0.75 + 0.25 * random_noise(scene->seed + 2, along / 40, beside / 4);
	return MIN(edge, 1) * streak;
}

static void bare_pixel(const struct Scene *scene, gint64 x, gint64 y, guint8 *rgb)
{
	guint64 hash = random_at(scene->seed, x, y);
	double ink = scene->ink ? ink_at(scene, x, y) : 0;

	for (int c = 0; c < 3; c++) {
		int grey = STAIN_GLASS - 1 + (int)((hash >> (8 * c + 8)) % 3);
		rgb[c] = (guint8)(grey * (1 - ink) + scene->ink_colour[c] * ink + 0.5);
	}
}

static bool has_ink(const struct Scene *scene, gint64 x, gint64 y, int width, int height)
{
	for (int v = 0; v < height; v += 2)
		for (int u = 0; u < width; u += 2)
			if (ink_at(scene, x + u, y + v) > 0)
				return true;
	return false;
}

static bool has_tissue(const guint8 *pixels, int tile, int left, int top, int right, int bottom)
{
	for (int v = top; v < bottom; v++)
		for (int u = left; u < right; u++)
			if (pixels[((gsize)v * (gsize)tile + (gsize)u) * 4 + 3])
				return true;
	return false;
}

bool scene_shows(gpointer self, gint64 x, gint64 y, int width, int height)
{
	struct Scene *scene = self;
	int tile = scene->tile;
	gint64 u = x - scene->origin_x, v = y - scene->origin_y;
	const struct Layout *layout = scene->layout;

	/* Most photos of a large slide are far from everything. */
	if (u + width <= -tile || v + height <= -tile ||
	    u >= (gint64)layout->columns * tile + scene_ink_room(tile) ||
	    v >= (gint64)layout->rows * tile + scene_ink_room(tile))
		return false;
	for (gint64 row = floor_divide(v, tile); row * tile < v + height; row++)
		for (gint64 column = floor_divide(u, tile); column * tile < u + width; column++) {
			const guint8 *pixels = cell_pixels(scene, column, row);
			gint64 left = column * tile, top = row * tile;
			if (pixels && has_tissue(pixels, tile, (int)MAX(u - left, 0), (int)MAX(v - top, 0),
					(int)MIN(u + width - left, tile), (int)MIN(v + height - top, tile)))
				return true;
		}
	return scene->ink && has_ink(scene, x, y, width, height);
}

void scene_render(gpointer self, gint64 x, gint64 y, int width, int height, guint8 *rgb)
{
	struct Scene *scene = self;
	int tile = scene->tile;

	for (int line = 0; line < height; line++) {
		gint64 v = y + line - scene->origin_y, row = floor_divide(v, tile);
		for (int at = 0; at < width;) {
			gint64 u = x + at - scene->origin_x, column = floor_divide(u, tile);
			const guint8 *pixels = cell_pixels(scene, column, row);
			int inside = (int)(u - column * tile);
			int count = MIN(tile - inside, width - at);
			const guint8 *from = pixels ?
				pixels + ((gsize)(v - row * tile) * (gsize)tile + (gsize)inside) * 4 : NULL;
			for (int i = 0; i < count; i++, rgb += 3)
				if (from && from[4 * i + 3])
					memcpy(rgb, from + 4 * i, 3);
				else
					bare_pixel(scene, x + at + i, y + line, rgb);
			at += count;
		}
	}
}

bool scene_is_tumour(const struct Scene *scene, gint64 x, gint64 y)
{
	gint64 column = floor_divide(x - scene->origin_x, scene->tile);
	gint64 row = floor_divide(y - scene->origin_y, scene->tile);

	if (column < 0 || row < 0 || column >= scene->layout->columns || row >= scene->layout->rows)
		return false;
	return layout_cell(scene->layout, (int)column, (int)row) == LAYOUT_TUMOUR;
}

guint8 *scene_mask(const struct Scene *scene, gint64 x, gint64 y, gint64 width, gint64 height,
	int *mask_width, int *mask_height)
{
	int columns = (int)((width + MASK_SCALE - 1) / MASK_SCALE);
	int rows = (int)((height + MASK_SCALE - 1) / MASK_SCALE);
	guint8 *mask = g_malloc((gsize)columns * (gsize)rows);

	for (int v = 0; v < rows; v++)
		for (int u = 0; u < columns; u++) {
			gint64 across = x + (gint64)u * MASK_SCALE + MASK_SCALE / 2;
			gint64 down = y + (gint64)v * MASK_SCALE + MASK_SCALE / 2;
			mask[(gsize)v * (gsize)columns + (gsize)u] = scene_is_tumour(scene, across, down) ? 255 : 0;
		}
	*mask_width = columns;
	*mask_height = rows;
	return mask;
}
