/*
 * thumbnail.h - a small picture of all that was scanned of a slide, from the coarsest level that has its detail.
 *
 * Errors:  FAULT_DATA, as slide_read. Threads: as slide_read.
 */
#pragma once
#include "common/slide/slide.h"

G_BEGIN_DECLS

struct thumbnail {
	int width, height;      /* px */
	double scale;           /* level-0 px a pixel of it */
	guint8 *rgb;            /* (height, width, 3) white where not scanned */
	guint8 *scanned;        /* (height, width) as slide_read gives it */
};

/* The scale at which the longest side is `side` px, below 1 for a slide that is smaller; 0 where no level is small
   enough: such a slide would have to be read as a whole. */
double thumbnail_scale(const struct slide *slide, int side);
/* thumbnail_clear() after, where it did not fail. */
gboolean thumbnail_read(struct slide *slide, double scale, struct thumbnail *out, GError **error);
void thumbnail_clear(struct thumbnail *thumbnail);

G_END_DECLS
