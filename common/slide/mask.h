/*
 * mask.h - where a slide's tumour is: annotated regions as runs of each row.
 *
 * Masks drawn by hand have few runs a row, so a mask of 48 megapixels takes some 100 KB and any
 * rectangle's share is exact, by area. Mask pixel (u, v) is the level-0 square of side `scale` at
 * (origin_x + scale u, origin_y + scale v).
 *
 * Errors: FAULT_DATA with the file's name; more than 2^24 runs or 2^20 lesions are refused (it is noise,
 *         no drawing).
 * Threads: read-only once read.
 */
#pragma once
#include "common/slide/regions.h"

G_BEGIN_DECLS

struct mask {
	guint32 width, height;  /* mask px */
	int scale;              /* level-0 px a mask px */
	gint64 origin_x, origin_y; /* level-0 px */
	guint64 area;           /* mask px set */
	guint8 most;            /* of a PNG of which none is: its brightest pixel */
	guint32 *rows;          /* (height + 1) first run of each row */
	struct region_run *runs; /* mask px */
	guint32 n_lesions;      /* connected components, 8-connected */
	struct mask_lesion { guint32 left, top, right, bottom; guint64 area; } *lesions; /* mask px; half-open; largest first */
	guint32 *lesion_of;     /* (runs) which lesion a run belongs to */
};

/* A PNG, grey or, in its largest colour, not: over 127 is tumour; where all are 0 or 1, 1 is. */
struct mask *mask_read(const char *path, int scale, gint64 origin_x, gint64 origin_y, GError **error);
/* The same over bytes in memory; name is for messages. */
struct mask *mask_parse(const void *data, gsize length, const char *name, int scale, gint64 origin_x, gint64 origin_y,
			GError **error);
/* The same of runs: rows (height + 1) and runs, as above, become the mask's, and are freed where that fails. */
struct mask *mask_of_runs(guint32 width, guint32 height, guint32 *rows, struct region_run *runs, const char *name, int scale,
			  gint64 origin_x, gint64 origin_y, GError **error);
void mask_free(struct mask *mask);
typedef struct mask mask_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(mask_t, mask_free)

/* Does it fit a scanned part of w x h level-0 px, give or take a mask pixel a side? If not, FAULT_DATA:
   `mask is 10 x 20 px, but its slide's scanned part of 3200 x 320 px wants 200 x 20 at 1/16`,
   and where another scale fits, which. */
gboolean mask_fits(const struct mask *mask, gint64 w, gint64 h, GError **error);

/* The share of a rectangle that is tumour, exact, 0..1; level-0 px. */
double mask_share(const struct mask *mask, double x, double y, double w, double h);
/* The lesion with the largest share of a rectangle, its index; -1 where there is none. */
int mask_lesion_at(const struct mask *mask, double x, double y, double w, double h);
/* A lesion's area, um2, at level-0 mpp. */
double mask_lesion_area(const struct mask *mask, guint lesion, double mpp);

G_END_DECLS
