/* Where a slide's tissue lies: a grid of cells, each one tile, that are glass, normal or tumour.
 *
 * The grid is exactly the tissue's bounding box. Plain data; layout_free frees it. */
#pragma once

#include <glib.h>

#include "random.h"

enum LayoutCell {
	LAYOUT_GLASS,
	LAYOUT_NORMAL,
	LAYOUT_TUMOUR,
};

struct Layout {
	int columns, rows;
	int tissue;		/* cells of tissue, tumour included */
	int lesion;		/* cells of tumour */
	guint8 *cells;		/* (rows, columns) of enum LayoutCell */
};

/* One to three rounded pieces of `tissue` cells in all, in a square about `extent` cells across
 * (0: what suits), and in them a lesion of `lesion` cells: one blob, or sometimes two.
 * lesion < tissue. */
struct Layout *layout_new(int tissue, int lesion, int extent, struct Random *random);
void layout_free(struct Layout *layout);

typedef struct Layout Layout;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Layout, layout_free)

/* Glass outside the grid. */
enum LayoutCell layout_cell(const struct Layout *layout, int column, int row);
