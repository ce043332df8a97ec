/*
 * tissue.h - where there is tissue on a slide, found at low resolution.
 *
 * Tissue is told from glass by colour and optical density, with a threshold that comes from the slide itself
 * (Otsu 1979) within stated limits, so that faint frozen tissue is found and clean glass is not split;
 * unscanned parts are never tissue, nor are pen marks (ink: blue, green, red and black strokes outside
 * the colours that haematoxylin and eosin take) nor the black of a bad scan. Holes smaller than a tile are
 * tissue, specks of less than an eighth of a tile are not (a tile taken as 8 x 8 map px).
 *
 * Errors:  FAULT_DATA, as slide.h; FAULT_ROOM.
 * Threads: tissue_find may run in many threads, for slides of their own; then read-only.
 */
#pragma once
#include "common/slide/slide.h"

G_BEGIN_DECLS

struct tissue {
	gint64 x, y;            /* level-0 px of the map's corner: the slide's bounds */
	double scale;           /* level-0 px a map px, a side */
	int width, height;      /* map px */
	guint8 *map;            /* (height, width) 1 tissue, 0 not */
	double share;           /* of the scanned part */
	double scanned;         /* share of the bounds that was scanned */
	double area;            /* level-0 px of tissue */
	double glass[3];        /* RGB of the glass, 0..1 */
	double colour[3];       /* mean RGB of the tissue, 0..1: how a slide is stained; 0 where there is none */
};

/* finest: level-0 px that a map pixel must at least be wide: an eighth of a tile is enough. The map has at
   most TISSUE_MAP_MAX px (it gets coarser, then), and TISSUE_PX_BYTES each are needed while it is made. */
enum { TISSUE_MAP_MAX = 1 << 24, TISSUE_PX_BYTES = 8 };
struct tissue *tissue_find(struct slide *slide, double finest, GError **error);
/* The same for a picture at hand, at position 0,0 and scale 1: rgb (height, width, 3), scanned_opt (height,
   width) as slide_read gives them. At most TISSUE_MAP_MAX px. */
struct tissue *tissue_from_rgb(const guint8 *rgb, const guint8 *scanned_opt, int width, int height, GError **error);
void tissue_free(struct tissue *tissue);
typedef struct tissue tissue_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(tissue_t, tissue_free)

/* The share of a rectangle that is tissue, 0..1; level-0 px. */
double tissue_share(const struct tissue *tissue, double x, double y, double w, double h);
/* n places of the tissue, evenly spread in reading order: the centres of their map pixels, level-0 px. Fewer where it has no more
   pixels; returns how many. */
guint tissue_places(const struct tissue *tissue, guint n, double *x, double *y);

G_END_DECLS
