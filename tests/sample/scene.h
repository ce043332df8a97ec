/* What lies at each pixel of a slide: tissue, glass and ink, and which of it is tumour.
 *
 * The tissue's cells lie on a grid of `tile` px whose cell (0, 0) starts at (origin_x, origin_y).
 * A scene is made by its caller, who fills it in up to `ink`, calls scene_init and, at the end,
 * scene_clear; the layout and the tissue stay the caller's. Cells are kept once made, up to a
 * limit. One thread at a time. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "layout.h"
#include "tissue.h"

struct Scene {
	const struct Layout *layout;
	struct Tissue tissue;
	int tile;			/* side of a cell, px */
	gint64 origin_x, origin_y;	/* of cell (0, 0), px */
	guint64 seed;			/* of the glass and the ink */
	bool ink;			/* a pen stroke on the glass right of the tissue or below it */

	/* scene_init's own */
	GHashTable *cells;		/* of cell number to (tile, tile, 4), NULL if all glass */
	bool ink_below;
	guint8 ink_colour[3];
};

void scene_init(struct Scene *scene);
void scene_clear(struct Scene *scene);

/* How far tissue may reach beyond its cells, px. */
int scene_fringe(const struct Scene *scene);

/* How much glass the ink needs right of the tissue or below it, px. */
int scene_ink_room(int tile);

/* Is there tissue or ink in the rectangle? (struct MiraxPicture) */
bool scene_shows(gpointer scene, gint64 x, gint64 y, int width, int height);

/* rgb: (height, width, 3). (struct MiraxPicture) */
void scene_render(gpointer scene, gint64 x, gint64 y, int width, int height, guint8 *rgb);

/* Does the pixel lie in a cell of tumour? */
bool scene_is_tumour(const struct Scene *scene, gint64 x, gint64 y);

/* The scene's mask over a rectangle: 255 tumour, 0 not, one pixel for each 16 * 16, taken at
 * their middle. Size is the rectangle's over 16, rounded up. The caller frees it. */
guint8 *scene_mask(const struct Scene *scene, gint64 x, gint64 y, gint64 width, gint64 height,
	int *mask_width, int *mask_height);
