/*
 * polygons.h - regions that were drawn as polygons, and the mask that they come to.
 *
 * A polygon is one or more rings; what lies within an odd number of them is in it (even-odd: the second ring of a
 * polygon is its hole). A mask pixel is set where its centre lies in any polygon, and in none that is cut out. A centre
 * on an edge counts as lying right of it, or below it: polygons that share an edge neither overlap nor leave a gap. A
 * polygon that holds no centre sets the one pixel that a point in its middle lies in, so that what is thinner than a mask
 * pixel is not lost; one that is cut out and holds no centre takes nothing.
 *
 * Errors:    FAULT_DATA: more than POLYGONS_POINTS_MAX points, a coordinate that is no number or beyond
 *            POLYGONS_FARTHEST, more than 2^24 crossings of edges with rows of the mask; FAULT_ROOM.
 * Ownership: polygons_free. Threads: no state.
 */
#pragma once
#include "common/slide/mask.h"

G_BEGIN_DECLS

enum { POLYGONS_POINTS_MAX = 1 << 20, POLYGONS_FARTHEST = 1000000000 /* level-0 px, either way */ };

struct polygon_point { double x, y; };  /* level-0 px */
struct polygon {
	guint32 ring_end;       /* its rings are those from the end of the polygon before to here */
	gboolean cut;           /* it is cut out of all others */
};

struct polygons {
	GArray *points;         /* struct polygon_point, ring by ring; none is closed: the last joins the first */
	GArray *rings;          /* guint32: where each ends in points */
	GArray *list;           /* struct polygon */
};

struct polygons *polygons_new(void);
void polygons_free(struct polygons *p);
typedef struct polygons polygons_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(polygons_t, polygons_free)

/* Points, then the end of their ring; rings, then the end of their polygon. A ring of fewer than three points (a last one
   that repeats the first is none) is dropped, and so is a polygon without rings: both come from a slip of the mouse. */
gboolean polygons_add_point(struct polygons *p, double x, double y, GError **error);
void polygons_end_ring(struct polygons *p);
void polygons_end(struct polygons *p, gboolean cut);

/* Of a scanned part of w x h level-0 px at x, y; the mask covers it, its last pixels may reach over. What lies outside is
   clipped. FAULT_DATA also where there are polygons that are not cut out, and all lie wholly outside. */
struct mask *polygons_mask(const struct polygons *p, const char *name, int scale, gint64 x, gint64 y, gint64 w, gint64 h,
			   GError **error);

G_END_DECLS
