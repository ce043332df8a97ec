/* Writes one MIRAX slide: Name.mrxs and, in the folder Name beside it, Slidedat.ini, Index.dat
 * and Data*.dat.
 *
 * A camera stands at positions_x * positions_y places. Each photo is cut into divisions *
 * divisions images of `image` px, is placed by the position buffer and shares `overlap` px with
 * its neighbours; all photos show one picture, so they agree where they overlap. A photo that
 * shows nothing is stored nowhere. Level k joins 2^k * 2^k images at 1/2^k, each made from the
 * level below by 2x2 averages. Memory holds one image a level, whatever the slide's size.
 *
 * Nothing here is shared between calls: threads may write different slides at once. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct MiraxGeometry {
	int positions_x, positions_y;	/* camera positions across and down */
	int divisions;			/* images a photo, a side: a power of two */
	int image;			/* side of an image, px: a power of two */
	int overlap_x, overlap_y;	/* between neighbouring photos, px */
	int jitter;			/* a photo is up to this far off its place, px; at most overlap / 2 */
	int jitter_step;		/* a position is off by a multiple of this, px */
	int first_x, first_y;		/* column never off in x, row never off in y (see mirax_position) */
	int levels;
	int quality;			/* JPEG, 1 to 100 */
	int colour_w, colour_h;		/* px of one colour, 1 or 2 (0: 1): 2, 2 is 4:2:0; 2, 1 is 4:2:2 */
	int magnification;		/* of the objective */
	double mpp;			/* um a px */
	guint64 seed;			/* of the slide's id and of the positions */
};

/* What the camera sees, in px of level 0. */
struct MiraxPicture {
	gpointer self;
	/* Is there more than glass in the rectangle? */
	bool (*shows)(gpointer self, gint64 x, gint64 y, int width, int height);
	/* Fills rgb: (height, width, 3). */
	void (*render)(gpointer self, gint64 x, gint64 y, int width, int height, guint8 *rgb);
};

/* What the photos that are present cover, in px of level 0: OpenSlide's openslide.bounds-*. */
struct MiraxBounds {
	gint64 x, y, width, height;
};

/* The side of a photo and the size of the slide, px. */
int mirax_photo(const struct MiraxGeometry *geometry);
gint64 mirax_width(const struct MiraxGeometry *geometry);
gint64 mirax_height(const struct MiraxGeometry *geometry);

/* Where a photo lies. Photos of column first_x start at exactly first_x * advance, photos of row
 * first_y at first_y * advance: if these are the first that show something, they are the bounds'
 * origin. */
void mirax_position(const struct MiraxGeometry *geometry, int column, int row, gint64 *x, gint64 *y);

/* path ends in .mrxs; its folder must exist. At least one photo must show something. */
bool mirax_write(const char *path, const struct MiraxGeometry *geometry,
	const struct MiraxPicture *picture, struct MiraxBounds *bounds, GError **error);
