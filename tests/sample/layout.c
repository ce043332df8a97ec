/* Pieces of tissue are the cells that lie deepest in a few ellipses with a ragged edge; a lesion
 * grows from one cell to neighbours picked at random. */
#include "layout.h"

#include <stdlib.h>
#include <string.h>

struct Place {
	double depth;	/* the greater, the further inside a piece */
	int index;
};

struct Piece {
	double x, y, across, down, angle;
};

static int deepest_first(const void *first, const void *second)
{
	const struct Place *a = first, *b = second;
	if (a->depth != b->depth)
		return a->depth < b->depth ? 1 : -1;
	return a->index - b->index;
}

static double piece_depth(const struct Piece *piece, double x, double y)
{
	double u = x - piece->x, v = y - piece->y;
	double along = (u * cos(piece->angle) + v * sin(piece->angle)) / piece->across;
	double beside = (v * cos(piece->angle) - u * sin(piece->angle)) / piece->down;
	return 1 - sqrt(along * along + beside * beside);
}

/* The `tissue` deepest cells of a square, marked in (side, side). */
static guint8 *mark_tissue(int tissue, int side, struct Random *random)
{
	struct Piece pieces[3];
	int count = tissue < 24 ? 1 : 1 + random_below(random, 3);
	int total = side * side;
	guint64 seed = random_next(random);
	g_autofree struct Place *places = g_new(struct Place, (gsize)total);
	guint8 *cells = g_malloc0((gsize)total);

	for (int i = 0; i < count; i++) {
		pieces[i].x = side * random_between(random, 0.25, 0.75);
		pieces[i].y = side * random_between(random, 0.25, 0.75);
		pieces[i].across = side * random_between(random, 0.25, 0.45);
		pieces[i].down = side * random_between(random, 0.18, 0.35);
		pieces[i].angle = random_between(random, 0, G_PI);
	}
	for (int i = 0; i < total; i++) {
		double x = i % side + 0.5, y = i / side + 0.5;
		double ragged = 0.35 * (random_noise(seed, x / 4, y / 4) - 0.5);
		double depth = piece_depth(&pieces[0], x, y);
		for (int piece = 1; piece < count; piece++)
			depth = MAX(depth, piece_depth(&pieces[piece], x, y));
		places[i] = (struct Place){ depth + ragged, i };
	}
	qsort(places, (gsize)total, sizeof *places, deepest_first);
	for (int i = 0; i < tissue; i++)
		cells[places[i].index] = LAYOUT_NORMAL;
	return cells;
}

/* Cuts the marked square down to its bounding box. */
static struct Layout *crop(const guint8 *marked, int side)
{
	int left = side, top = side, right = 0, bottom = 0;
	struct Layout *layout = g_new0(struct Layout, 1);

	for (int i = 0; i < side * side; i++)
		if (marked[i]) {
			left = MIN(left, i % side);
			right = MAX(right, i % side + 1);
			top = MIN(top, i / side);
			bottom = MAX(bottom, i / side + 1);
			layout->tissue++;
		}
	layout->columns = right - left;
	layout->rows = bottom - top;
	layout->cells = g_malloc((gsize)layout->columns * (gsize)layout->rows);
	for (int row = 0; row < layout->rows; row++)
		memcpy(layout->cells + (gsize)row * (gsize)layout->columns,
			marked + (gsize)(row + top) * (gsize)side + (gsize)left, (gsize)layout->columns);
	return layout;
}

enum LayoutCell layout_cell(const struct Layout *layout, int column, int row)
{
	if (column < 0 || row < 0 || column >= layout->columns || row >= layout->rows)
		return LAYOUT_GLASS;
	return layout->cells[(gsize)row * (gsize)layout->columns + (gsize)column];
}

/* Makes tumour of one cell and gathers its normal neighbours. */
static void invade(struct Layout *layout, int cell, GArray *border)
{
	static const int steps[4][2] = { { -1, 0 }, { 1, 0 }, { 0, -1 }, { 0, 1 } };

	layout->cells[cell] = LAYOUT_TUMOUR;
	layout->lesion++;
	for (int i = 0; i < 4; i++) {
		int column = cell % layout->columns + steps[i][0];
		int row = cell / layout->columns + steps[i][1];
		if (layout_cell(layout, column, row) == LAYOUT_NORMAL) {
			int next = row * layout->columns + column;
			g_array_append_val(border, next);
		}
	}
}

/* Grows one blob of up to `size` cells; fewer where the piece of tissue ends. */
static void grow_blob(struct Layout *layout, int size, struct Random *random)
{
	g_autoptr(GArray) border = g_array_new(FALSE, FALSE, sizeof(int));
	int total = layout->columns * layout->rows;
	int cell, until = layout->lesion + size;

	do {
		cell = random_below(random, total);
	} while (layout->cells[cell] != LAYOUT_NORMAL);
	invade(layout, cell, border);
	while (layout->lesion < until && border->len > 0) {
		guint pick = (guint)random_below(random, (int)border->len);
		cell = g_array_index(border, int, pick);
		g_array_remove_index_fast(border, pick);
		if (layout->cells[cell] == LAYOUT_NORMAL)
			invade(layout, cell, border);
	}
}

struct Layout *layout_new(int tissue, int lesion, int extent, struct Random *random)
{
	int least = (int)ceil(sqrt(tissue)) + 1;
	int side = MAX(extent > 0 ? extent : (int)ceil(sqrt(tissue) * 1.7), least);
	g_autofree guint8 *marked = mark_tissue(tissue, side, random);
	struct Layout *layout = crop(marked, side);

	if (lesion >= 4 && random_unit(random) < 0.25)
		grow_blob(layout, (int)(lesion * random_between(random, 0.5, 0.8)), random);
	while (layout->lesion < lesion)
		grow_blob(layout, lesion - layout->lesion, random);
	return layout;
}

void layout_free(struct Layout *layout)
{
	if (!layout)
		return;
	g_free(layout->cells);
	g_free(layout);
}
