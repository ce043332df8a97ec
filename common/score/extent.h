/*
 * extent.h - how far what a heat map shows reaches: its connected parts over a threshold, and of each its area and its longest
 * axis, which is what pathologists measure a metastasis by.
 *
 * Tiles are squares. Each belongs to the cell of a grid that it is nearest to, so tiles may be jittered by less than half a step, and
 * any may be missing; cells that touch, at a corner too, are one component. The longest axis is the largest distance between
 * two points of a component's tiles, exact: between two corners of their convex hull (Andrew 1979), found by rotating calipers
 * (Shamos 1978).
 *
 * Cost: O(n log n), 200 bytes a tile over the threshold. Threads: no state. Errors: none.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

struct extent {                 /* of one component */
	guint32 tiles;
	double area;            /* um2: of its cells, each as large as a tile, or as a step where that is less */
	double longest_axis;    /* um */
	double probability;     /* mean of its tiles */
};

/* x, y (n): tiles' upper left corners, px, any origin; probability (n): one that is below the threshold, or no number, is
   as if it were not there. side: of a tile; step: of the grid, > 0; px. mpp: um a px. The components, the largest area first, then
   the longest axis: a GArray of struct extent, g_array_unref() it. */
GArray *extent_components(const double *x, const double *y, const double *probability, gsize n, double side, double step,
			  double threshold, double mpp);

/* The largest distance between two of n points (x, y); they are put in another order. 0 where n < 2. */
struct extent_point { double x, y; };
double extent_diameter(struct extent_point *points, gsize n);

G_END_DECLS
