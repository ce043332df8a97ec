/* The endless plane that generated tissue is cut from: what lies at each place of it.
 *
 * Where the tissue is and which of it is tumour follow a layout, loosely, so that no edge is
 * straight; all else is noise. A plane is plain values that the caller fills in and only reads
 * from then on; the layout must outlive it. Places are in px, (0, 0) the corner of the layout. */
#pragma once

#include <glib.h>

#include "canvas.h"
#include "layout.h"

struct Plane {
	const struct Layout *layout;
	int tile;		/* side of the layout's cells, px */
	double um;		/* um a px */
	guint64 seed;
	double direction;	/* of the collagen */
};

/* Draws the canvas's square, wherever the caller has put it. */
void plane_draw(const struct Plane *plane, struct Canvas *canvas);

/* How much haematoxylin and eosin there should be on average round a place, whatever its class. */
void plane_targets(const struct Plane *plane, double x, double y, double targets[2]);
