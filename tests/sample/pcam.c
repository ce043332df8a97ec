/* Dealing halves the slides again and again. At each halving normal tiles and tumour tiles are
 * sorted, each among themselves, by the colour that varies most, and the lower ones go to one half
 * of the slides. So a slide's tiles are alike, and a positive slide's normal tiles are no
 * different from a negative one's. */
#include "pcam.h"

#include <gio/gio.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#define FEATURES 3
#define SIDE_LIMIT 1024
#define BINS 256

struct Tile {
	guint8 *rgb;			/* (side, side, 3) */
	bool tumour;
	int slide;			/* that it was dealt to, or -1 */
	double features[FEATURES];	/* of its stain */
};

struct Pcam {
	int side;
	GArray *tiles;			/* struct Tile */
};

static struct Tile *tile_at(const struct Pcam *pcam, int index)
{
	return &g_array_index(pcam->tiles, struct Tile, index);
}

int pcam_tile(const struct Pcam *pcam)
{
	return pcam->side;
}

int pcam_count(const struct Pcam *pcam)
{
	return (int)pcam->tiles->len;
}

int pcam_slide_of(const struct Pcam *pcam, int tile)
{
	return tile_at(pcam, tile)->slide;
}

bool pcam_is_tumour(const struct Pcam *pcam, int tile)
{
	return tile_at(pcam, tile)->tumour;
}

static bool png_error_set(GError **error, const char *path, const char *what)
{
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "tile '%s': %s", path, what);
	return false;
}

static bool load_png(struct Pcam *pcam, const char *path, struct Tile *tile, GError **error)
{
	png_image image = { .version = PNG_IMAGE_VERSION };

	if (!png_image_begin_read_from_file(&image, path))
		return png_error_set(error, path, image.message);
	image.format = PNG_FORMAT_RGB;
	bool fits = image.width == image.height && image.width <= SIDE_LIMIT &&
		(pcam->side == 0 || image.width == (png_uint_32)pcam->side);
	if (!fits) {
		png_image_free(&image);
		return png_error_set(error, path, "not square, or not of the other tiles' size");
	}
	pcam->side = (int)image.width;
	tile->rgb = g_malloc(PNG_IMAGE_SIZE(image));
	if (!png_image_finish_read(&image, NULL, tile->rgb, 0, NULL)) {
		png_error_set(error, path, image.message);
		g_clear_pointer(&tile->rgb, g_free);
		return false;
	}
	return true;
}

/* Where in a histogram a share of all that it counts is reached, 0 to 1. */
static double quantile(const guint *histogram, guint total, double share_below)
{
	double target = share_below * total, sum = 0;

	for (int bin = 0; bin < BINS; bin++) {
		sum += histogram[bin];
		if (sum > target)
			return (bin + 0.5) / BINS;
	}
	return 1;
}

/* What the stain is like, and as little as can be what tissue it is on: the share of red in the
 * optical density of the bluest stained pixels (haematoxylin) and of the reddest (eosin), and the
 * share of blue in all. */
static void measure(const struct Pcam *pcam, struct Tile *tile)
{
	gsize pixels = (gsize)pcam->side * (gsize)pcam->side;
	guint histogram[BINS] = { 0 }, stained = 0;
	double blue = 0;

	for (gsize i = 0; i < pixels; i++) {
		double density[3], all = 0;
		for (int c = 0; c < 3; c++) {
			density[c] = -log((tile->rgb[3 * i + (gsize)c] + 1) / 256.0);
			all += density[c];
		}
		if (all < 0.4)
			continue;
		histogram[MIN((int)(density[0] / all * BINS), BINS - 1)]++;
		blue += density[2] / all;
		stained++;
	}
	tile->features[0] = quantile(histogram, stained, 0.9);
	tile->features[1] = quantile(histogram, stained, 0.1);
	tile->features[2] = stained ? blue / stained : 0;
}

static bool add_line(struct Pcam *pcam, const char *folder, const char *line, int number, GError **error)
{
	g_auto(GStrv) fields = g_strsplit(line, ",", -1);
	bool known = g_strv_length(fields) == 2 &&
		(g_str_equal(fields[1], "0") || g_str_equal(fields[1], "1"));

	if (!known || strchr(fields[0], '/')) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
			"labels.csv:%d: expected 'id,0' or 'id,1', found '%s'", number, line);
		return false;
	}
	g_autofree char *name = g_strconcat(fields[0], ".png", NULL);
	g_autofree char *path = g_build_filename(folder, "tiles", name, NULL);
	struct Tile tile = { .tumour = g_str_equal(fields[1], "1"), .slide = -1 };
	if (!load_png(pcam, path, &tile, error))
		return false;
	measure(pcam, &tile);
	g_array_append_val(pcam->tiles, tile);
	return true;
}

struct Pcam *pcam_open(const char *folder, GError **error)
{
	g_autoptr(Pcam) pcam = g_new0(struct Pcam, 1);
	g_autofree char *labels = g_build_filename(folder, "labels.csv", NULL);
	g_autofree char *text = NULL;

	pcam->tiles = g_array_new(FALSE, FALSE, sizeof(struct Tile));
	if (!g_file_get_contents(labels, &text, NULL, error))
		return NULL;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (int i = 1; lines[0] && lines[i]; i++) {
		g_strchomp(lines[i]);
		if (*lines[i] && !add_line(pcam, folder, lines[i], i + 1, error))
			return NULL;
	}
	return g_steal_pointer(&pcam);
}

void pcam_free(struct Pcam *pcam)
{
	if (!pcam)
		return;
	for (guint i = 0; pcam->tiles && i < pcam->tiles->len; i++)
		g_free(tile_at(pcam, (int)i)->rgb);
	g_clear_pointer(&pcam->tiles, g_array_unref);
	g_free(pcam);
}

struct Key {
	double value;
	int tile;
};

static int lower_first(const void *first, const void *second)
{
	const struct Key *a = first, *b = second;
	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return a->tile - b->tile;
}

static void sort_by(const struct Pcam *pcam, int feature, int *tiles, int count)
{
	g_autofree struct Key *keys = g_new(struct Key, (gsize)count + 1);

	for (int i = 0; i < count; i++)
		keys[i] = (struct Key){ tile_at(pcam, tiles[i])->features[feature], tiles[i] };
	qsort(keys, (gsize)count, sizeof *keys, lower_first);
	for (int i = 0; i < count; i++)
		tiles[i] = keys[i].tile;
}

static int widest_feature(const struct Pcam *pcam, const int *tiles, int count)
{
	int widest = 0;
	double most = -1;

	for (int feature = 0; feature < FEATURES; feature++) {
		double sum = 0, squares = 0;
		for (int i = 0; i < count; i++) {
			double value = tile_at(pcam, tiles[i])->features[feature];
			sum += value;
			squares += value * value;
		}
		double variance = squares / count - sum / count * (sum / count);
		if (variance > most) {
			most = variance;
			widest = feature;
		}
	}
	return widest;
}

/* Tiles and slides still to be matched; runs of larger arrays. */
struct Deal {
	int *normals, *tumours, *positives, *negatives;
	int normal_count, tumour_count, positive_count, negative_count;
};

static int share(int count, int part, int whole)
{
	return whole > 0 ? (int)((gint64)count * part / whole) : 0;
}

static void deal(struct Pcam *pcam, struct Deal all)
{
	int slides = all.positive_count + all.negative_count;

	if (slides <= 1) {
		int slide = all.positive_count ? all.positives[0] : all.negatives[0];
		for (int i = 0; i < all.normal_count; i++)
			tile_at(pcam, all.normals[i])->slide = slide;
		for (int i = 0; i < all.tumour_count; i++)
			tile_at(pcam, all.tumours[i])->slide = slide;
		return;
	}
	int feature = widest_feature(pcam, all.normals, all.normal_count);
	sort_by(pcam, feature, all.normals, all.normal_count);
	sort_by(pcam, feature, all.tumours, all.tumour_count);

	int half = slides / 2;
	struct Deal lower = all, upper = all;
	lower.positive_count = MAX(share(all.positive_count, half, slides), half - all.negative_count);
	lower.negative_count = half - lower.positive_count;
	lower.normal_count = share(all.normal_count, half, slides);
	lower.tumour_count = share(all.tumour_count, lower.positive_count, all.positive_count);
	upper.positives += lower.positive_count;
	upper.positive_count -= lower.positive_count;
	upper.negatives += lower.negative_count;
	upper.negative_count -= lower.negative_count;
	upper.normals += lower.normal_count;
	upper.normal_count -= lower.normal_count;
	upper.tumours += lower.tumour_count;
	upper.tumour_count -= lower.tumour_count;
	deal(pcam, lower);
	deal(pcam, upper);
}

bool pcam_deal(struct Pcam *pcam, const bool *positive, int slides, guint64 seed, GError **error)
{
	gsize count = pcam->tiles->len;
	g_autofree int *tiles = g_new(int, count * 2 + 1);
	g_autofree int *numbers = g_new(int, (gsize)slides * 2 + 1);
	struct Deal all = { .normals = tiles, .tumours = tiles + count,
		.positives = numbers, .negatives = numbers + slides };
	struct Random random = { seed };

	for (int i = 0; i < (int)count; i++)
		if (tile_at(pcam, i)->tumour)
			all.tumours[all.tumour_count++] = i;
		else
			all.normals[all.normal_count++] = i;
	for (int i = 0; i < slides; i++)
		if (positive[i])
			all.positives[all.positive_count++] = i;
		else
			all.negatives[all.negative_count++] = i;
	if (all.normal_count < slides || all.tumour_count < all.positive_count) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			"%d normal and %d tumour tiles are too few for %d slides, %d of them positive",
			all.normal_count, all.tumour_count, slides, all.positive_count);
		return false;
	}
	random_shuffle(&random, all.positives, all.positive_count);
	random_shuffle(&random, all.negatives, all.negative_count);
	deal(pcam, all);
	return true;
}

/* One slide's tissue: for each cell a tile and how it is turned. */
struct PcamTissue {
	const struct Pcam *pcam;
	const struct Layout *layout;
	int *tiles;			/* (rows, columns), -1 on glass */
	guint8 *turns;			/* (rows, columns), 0 to 7 */
	bool restain;
	struct StainChange change;
};

/* Deals a slide's own tiles of one class over its cells: all of them before any comes again, and
 * a tile turned another way when it does. */
static void fill_cells(struct PcamTissue *tissue, int slide, bool tumour, struct Random *random)
{
	const struct Pcam *pcam = tissue->pcam;
	const struct Layout *layout = tissue->layout;
	g_autofree int *own = g_new(int, pcam->tiles->len);
	int count = 0, next = 0;

	for (int i = 0; i < pcam_count(pcam); i++)
		if (tile_at(pcam, i)->slide == slide && tile_at(pcam, i)->tumour == tumour)
			own[count++] = i;
	if (count == 0)
		return;
	int turn = random_below(random, 8);
	for (int cell = 0; cell < layout->columns * layout->rows; cell++) {
		if (layout->cells[cell] != (tumour ? LAYOUT_TUMOUR : LAYOUT_NORMAL))
			continue;
		if (next % count == 0)
			random_shuffle(random, own, count);
		tissue->tiles[cell] = own[next % count];
		tissue->turns[cell] = (guint8)((turn + next / count + 3 * own[next % count]) % 8);
		next++;
	}
}

/* Where the pixel at (x, y) of a turned tile comes from. */
static gsize turned(int x, int y, int side, int turn)
{
	if (turn & 1)
		x = side - 1 - x;
	if (turn & 2)
		y = side - 1 - y;
	return turn & 4 ? (gsize)x * (gsize)side + (gsize)y : (gsize)y * (gsize)side + (gsize)x;
}

static bool pcam_cell(gpointer self, int column, int row, guint8 *rgba)
{
	const struct PcamTissue *tissue = self;
	int side = tissue->pcam->side;

	if (layout_cell(tissue->layout, column, row) == LAYOUT_GLASS)
		return false;
	gsize cell = (gsize)row * (gsize)tissue->layout->columns + (gsize)column;
	const guint8 *rgb = tile_at(tissue->pcam, tissue->tiles[cell])->rgb;
	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++, rgba += 4) {
			const guint8 *from = rgb + 3 * turned(x, y, side, tissue->turns[cell]);
			if (tissue->restain)
				stain_change_pixel(&tissue->change, from, rgba);
			else
				memcpy(rgba, from, 3);
			rgba[3] = 255;
		}
	return true;
}

static void pcam_tissue_free(gpointer self)
{
	struct PcamTissue *tissue = self;
	g_free(tissue->tiles);
	g_free(tissue->turns);
	g_free(tissue);
}

static const struct TissueKind pcam_kind = { "tiles", pcam_cell, pcam_tissue_free };

struct Tissue pcam_tissue(const struct Pcam *pcam, int slide, const struct Layout *layout,
	const struct StainShift *shift, guint64 seed)
{
	struct PcamTissue *tissue = g_new0(struct PcamTissue, 1);
	gsize cells = (gsize)layout->columns * (gsize)layout->rows;
	struct Random random = { seed };

	tissue->pcam = pcam;
	tissue->layout = layout;
	tissue->tiles = g_new(int, cells);
	tissue->turns = g_malloc0(cells);
	for (gsize i = 0; i < cells; i++)
		tissue->tiles[i] = -1;
	fill_cells(tissue, slide, false, &random);
	fill_cells(tissue, slide, true, &random);
	if (shift) {
		tissue->restain = true;
		stain_change_init(&tissue->change, shift);
	}
	return (struct Tissue){ &pcam_kind, tissue };
}
