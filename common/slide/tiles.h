/*
 * tiles.h - a slide's tiles: a grid over the scanned part, those with tissue, each with its tumour share.
 *
 * 12 bytes a tile, so the challenge's 4.1 million take 47 MiB. Tumour tiles stand first: [0, n_tumour) have
 * tumour > 0, sorted by their lesion, the largest first; [n_tumour, n) have none. Otherwise in reading order.
 *
 * A lesion can be drawn where it has tiles, or fits into one, and is no speck of the drawing: at least 1/64 of a tile's
 * area (a cell's, at 0.25 um/px and 256 px), for with less in it a tile teaches nothing.
 */
#pragma once
#include "common/slide/mask.h"
#include "common/slide/tissue.h"

G_BEGIN_DECLS

struct tile {                   /* 12 bytes */
	gint32 x, y;            /* level-0 px of its upper left corner */
	guint16 tumour;         /* share of its area, 0..65535 is 0..1; never 0 where there is any */
	guint8 tissue;          /* share, 0..255 is 0..1 */
	guint8 lesion;          /* index of its lesion + 1, 255 for all later ones; 0 none */
};
G_STATIC_ASSERT(sizeof(struct tile) == 12);

struct tile_lesion {
	guint32 first, end;     /* tiles where no other lesion has more: [first, end), may be none where it is small */
	gboolean small;         /* no wider or higher than a tile */
	gint32 x, y;            /* level-0 px of the middle of its bounds */
};

struct tiles {
	struct tile *tile;      /* (n) */
	guint32 n, n_tumour, n_lesions;
	guint16 most;           /* tumour of the tile that has most */
	struct tile_lesion *lesion; /* (n_lesions) those that can be drawn, the largest first */
	double side;            /* level-0 px of a tile's side */
};

/* A grid of step level-0 px from the tissue map's corner; tiles of side level-0 px, of which at least
   `least` is tissue (or, with a mask, any of which is tumour: what was drawn as tumour is never dropped)
   stay. Right and lower edge: a last tile may reach over the bounds. */
gboolean tiles_index(const struct tissue *tissue, const struct mask *mask_opt, gint64 w, gint64 h, double side,
		     double step, double least, struct tiles *out, GError **error);
void tiles_clear(struct tiles *tiles);

G_END_DECLS
