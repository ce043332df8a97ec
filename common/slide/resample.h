/*
 * resample.h - pixels of another size: each a weighted mean of a level's, by area where they are larger and
 * bilinear where they are smaller. Pure arithmetic, for slide.c alone.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

struct resample {
	double u, v;            /* corner of the picture to be made, level px */
	double wide;            /* level px a pixel, a side */
};

struct resample_part {          /* pixels [x0, x1) x [y0, y1) of the picture */
	int x0, x1, y0, y1;
	gint64 left, top, right, bottom; /* the level px they are made of; filled in by resample_source */
};

void resample_source(const struct resample *resample, struct resample_part *part);
/* argb: the source's pixels, premultiplied; sums: 4 floats for each pixel of a row of it; rgb and scanned_opt:
   the whole picture, `width` px wide. Colour is weighed by how much of it was scanned, so what was not does
   not darken its neighbours. */
void resample_part(const struct resample *resample, const struct resample_part *part, const guint32 *argb, float *sums,
		   int width, guint8 *rgb, guint8 *scanned_opt);

G_END_DECLS
