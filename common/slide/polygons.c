/*
 * polygons.c - see polygons.h. Each polygon's edges are crossed with the rows of pixel centres, and every two crossings of
 * a row are a span of pixels; spans of all polygons are then joined, and those that are cut out taken away.
 */
#include "common/slide/polygons.h"
#include "common/fault/fault.h"
#include "common/metrics/metrics.h"
#include <math.h>

#define CROSSINGS_MAX (1u << 24)        /* 256 MB, and as much again for spans */

struct grid {                   /* of the mask */
	const char *name;
	int scale;
	gint64 x, y;
	guint32 width, height;
};

struct crossing { guint32 row; double x; };
struct span { guint32 row, start, end; };

struct spans { struct span *of; gsize n; };

struct raster {
	struct grid grid;
	const struct polygons *p;
	struct crossing *crossings;
	struct spans set, cut;
};

/* ---- what was drawn ---- */

struct polygons *polygons_new(void)
{
	struct polygons *p = g_new(struct polygons, 1);

	p->points = g_array_new(FALSE, FALSE, sizeof(struct polygon_point));
	p->rings = g_array_new(FALSE, FALSE, sizeof(guint32));
	p->list = g_array_new(FALSE, FALSE, sizeof(struct polygon));
	return p;
}

void polygons_free(struct polygons *p)
{
	if (p == NULL)
		return;
	g_array_unref(p->points);
	g_array_unref(p->rings);
	g_array_unref(p->list);
	g_free(p);
}

static const struct polygon_point *point_at(const struct polygons *p, guint32 i)
{
	return &g_array_index(p->points, struct polygon_point, i);
}

static guint32 ring_start(const struct polygons *p, guint32 ring)
{
	return ring > 0 ? g_array_index(p->rings, guint32, ring - 1) : 0;
}

static guint32 ring_end(const struct polygons *p, guint32 ring) { return g_array_index(p->rings, guint32, ring); }

static guint32 first_ring(const struct polygons *p, guint32 polygon)
{
	return polygon > 0 ? g_array_index(p->list, struct polygon, polygon - 1).ring_end : 0;
}

static guint32 end_ring(const struct polygons *p, guint32 polygon)
{
	return g_array_index(p->list, struct polygon, polygon).ring_end;
}

gboolean polygons_add_point(struct polygons *p, double x, double y, GError **error)
{
	struct polygon_point point = { x, y };

	if (!(fabs(x) <= POLYGONS_FARTHEST && fabs(y) <= POLYGONS_FARTHEST)) {
		g_set_error(error, FAULT, FAULT_DATA, "%g, %g is no place on a slide; coordinates are level-0 px", x, y);
		return FALSE;
	}
	if (p->points->len == POLYGONS_POINTS_MAX) {
		g_set_error(error, FAULT, FAULT_DATA, "more than %d points: simplify what was drawn, or export it as a PNG mask",
			    POLYGONS_POINTS_MAX);
		return FALSE;
	}
	g_array_append_val(p->points, point);
	return TRUE;
}

void polygons_end_ring(struct polygons *p)
{
	guint32 start = ring_start(p, p->rings->len), end = p->points->len;

	if (end > start + 1 && memcmp(point_at(p, start), point_at(p, end - 1), sizeof(struct polygon_point)) == 0)
		end--;
	if (end < start + 3)
		end = start;
	g_array_set_size(p->points, end);
	if (end > start)
		g_array_append_val(p->rings, end);
}

void polygons_end(struct polygons *p, gboolean cut)
{
	struct polygon polygon = { p->rings->len, cut };

	if (polygon.ring_end > first_ring(p, p->list->len))
		g_array_append_val(p->list, polygon);
}

/* ---- crossings ---- */

static double centre(gint64 origin, int scale, guint32 i) { return (double)origin + (i + 0.5) * scale; }

/* The first of n pixels whose centre is not before `at`; exact: centres are whole or half numbers. */
static guint32 first_px(double at, gint64 origin, int scale, guint32 n)
{
	double about = CLAMP(ceil((at - (double)origin) / scale - 0.5), 0, n);
	guint32 i = (guint32)about;

	while (i > 0 && centre(origin, scale, i - 1) >= at)
		i--;
	while (i < n && centre(origin, scale, i) < at)
		i++;
	return i;
}

struct edge { struct polygon_point top, bottom; guint32 first, end; /* rows that it crosses */ };

/* From point i of a ring to the next. From top to bottom whichever way it was drawn: then two polygons with one edge have
   it at the same place. */
static struct edge edge_at(const struct raster *r, guint32 ring, guint32 i)
{
	const struct polygon_point *a = point_at(r->p, i);
	const struct polygon_point *b = point_at(r->p, i + 1 < ring_end(r->p, ring) ? i + 1 : ring_start(r->p, ring));
	const struct grid *g = &r->grid;
	struct edge e = a->y < b->y ? (struct edge){ .top = *a, .bottom = *b } : (struct edge){ .top = *b, .bottom = *a };

	e.first = first_px(e.top.y, g->y, g->scale, g->height);
	e.end = first_px(e.bottom.y, g->y, g->scale, g->height);
	return e;
}

static double edge_x(const struct edge *e, double y)
{
	return e->top.x + (y - e->top.y) * (e->bottom.x - e->top.x) / (e->bottom.y - e->top.y);
}

static int by_row(const void *a, const void *b)
{
	const struct crossing *p = a, *q = b;

	if (p->row != q->row)
		return p->row < q->row ? -1 : 1;
	return p->x < q->x ? -1 : p->x > q->x;
}

/* How often a polygon's edges cross rows. */
static guint64 count_crossings(const struct raster *r, guint32 polygon)
{
	guint64 n = 0;

	for (guint32 ring = first_ring(r->p, polygon); ring < end_ring(r->p, polygon); ring++)
		for (guint32 i = ring_start(r->p, ring); i < ring_end(r->p, ring); i++) {
			struct edge e = edge_at(r, ring, i);
			n += e.end - e.first;
		}
	return n;
}

/* Sorted by row and place. */
static gsize find_crossings(struct raster *r, guint32 polygon)
{
	gsize n = 0;

	for (guint32 ring = first_ring(r->p, polygon); ring < end_ring(r->p, polygon); ring++)
		for (guint32 i = ring_start(r->p, ring); i < ring_end(r->p, ring); i++) {
			struct edge e = edge_at(r, ring, i);
			for (guint32 v = e.first; v < e.end; v++)
				r->crossings[n++] = (struct crossing){ v, edge_x(&e, centre(r->grid.y, r->grid.scale, v)) };
		}
	qsort(r->crossings, n, sizeof *r->crossings, by_row);
	return n;
}

/* ---- spans ---- */

/* Sorted, where a polygon's edges cross a line. */
static GArray *cross(const struct raster *r, guint32 polygon, double y)
{
	GArray *at = g_array_sized_new(FALSE, FALSE, sizeof(double), 8);

	for (guint32 ring = first_ring(r->p, polygon); ring < end_ring(r->p, polygon); ring++)
		for (guint32 i = ring_start(r->p, ring); i < ring_end(r->p, ring); i++) {
			struct edge e = edge_at(r, ring, i);
			double x = e.top.y <= y && y < e.bottom.y ? edge_x(&e, y) : NAN;
			if (!isnan(x))
				g_array_append_val(at, x);
		}
	metrics_sort((double *)(void *)at->data, at->len);
	return at;
}

/* The middle of the widest place of a polygon on the line half-way down the part of it that is on the mask. Where no edge
   crosses that, it is flat, and its first point does. */
static struct polygon_point point_within(const struct raster *r, guint32 polygon)
{
	const struct grid *g = &r->grid;
	const guint32 start = ring_start(r->p, first_ring(r->p, polygon)), end = ring_end(r->p, end_ring(r->p, polygon) - 1);
	const double right_end = (double)g->x + (double)g->width * g->scale, low_end = (double)g->y + (double)g->height * g->scale;
	struct polygon_point best = *point_at(r->p, start);
	double top = best.y, bottom = best.y, widest = -1;

	for (guint32 i = start; i < end; i++) {
		top = MIN(top, point_at(r->p, i)->y);
		bottom = MAX(bottom, point_at(r->p, i)->y);
	}
	const double y = (MAX(top, (double)g->y) + MIN(bottom, low_end)) / 2;
	g_autoptr(GArray) at = cross(r, polygon, y);
	for (guint i = 0; i + 1 < at->len; i += 2) {
		double left = MAX(g_array_index(at, double, i), (double)g->x);
		double right = MIN(g_array_index(at, double, i + 1), right_end);
		if (right - left > widest) {
			widest = right - left;
			best = (struct polygon_point){ (left + right) / 2, y };
		}
	}
	return best;
}

/* The pixel that a point lies in, if it lies in any. */
static void add_point_px(const struct grid *g, struct polygon_point at, struct spans *to)
{
	double u = floor((at.x - (double)g->x) / g->scale), v = floor((at.y - (double)g->y) / g->scale);

	if (u >= 0 && v >= 0 && u < g->width && v < g->height)
		to->of[to->n++] = (struct span){ (guint32)v, (guint32)u, (guint32)u + 1 };
}

/* The rows' centres that lie in a polygon: from the first crossing of a row to the second, from the third to the fourth. */
static void add_polygon(struct raster *r, guint32 polygon)
{
	const struct grid *g = &r->grid;
	const gboolean cut = g_array_index(r->p->list, struct polygon, polygon).cut;
	struct spans *to = cut ? &r->cut : &r->set;
	const gsize before = to->n, n = find_crossings(r, polygon);

	for (gsize i = 0; i + 1 < n; i += 2) {
		struct span s = { r->crossings[i].row, first_px(r->crossings[i].x, g->x, g->scale, g->width),
				  first_px(r->crossings[i + 1].x, g->x, g->scale, g->width) };
		if (s.start < s.end)
			to->of[to->n++] = s;
	}
	if (to->n == before && !cut)
		add_point_px(g, point_within(r, polygon), to);
}

static int by_start(const void *a, const void *b)
{
	const struct span *p = a, *q = b;

	if (p->row != q->row)
		return p->row < q->row ? -1 : 1;
	return p->start < q->start ? -1 : p->start > q->start;
}

/* In order, and none that touches another. */
static void join(struct spans *s)
{
	gsize n = 0;

	if (s->n > 0)
		qsort(s->of, s->n, sizeof *s->of, by_start);
	for (gsize i = 0; i < s->n; i++) {
		struct span *last = n > 0 ? &s->of[n - 1] : NULL;
		if (last != NULL && last->row == s->of[i].row && s->of[i].start <= last->end)
			last->end = MAX(last->end, s->of[i].end);
		else
			s->of[n++] = s->of[i];
	}
	s->n = n;
}

/* Into the runs of a row: a span without what is cut out of it. *at: the first cut that does not end before it. */
static guint32 add_runs(const struct span *s, const struct spans *cut, gsize *at, struct region_run *runs, guint32 n)
{
	guint32 start = s->start;

	while (*at < cut->n && (cut->of[*at].row < s->row || (cut->of[*at].row == s->row && cut->of[*at].end <= start)))
		++*at;
	for (gsize k = *at; k < cut->n && cut->of[k].row == s->row && cut->of[k].start < s->end; k++) {
		if (cut->of[k].start > start)
			runs[n++] = (struct region_run){ start, cut->of[k].start };
		start = cut->of[k].end;
	}
	if (start < s->end)
		runs[n++] = (struct region_run){ start, s->end };
	return n;
}

/* ---- the mask ---- */

static gboolean no_room(const struct grid *g, GError **error)
{
	g_set_error(error, FAULT, FAULT_ROOM, "'%s': no memory to draw it on %u x %u px", g->name, g->width, g->height);
	return FALSE;
}

static gboolean reserve(struct raster *r, GError **error)
{
	guint64 spans[2] = { 0 }, most = 0, all = 0;

	for (guint32 i = 0; i < r->p->list->len; i++) {
		guint64 n = count_crossings(r, i);
		spans[g_array_index(r->p->list, struct polygon, i).cut ? 1 : 0] += n / 2 + 1;
		most = MAX(most, n);
		all += n;
		if (all > CROSSINGS_MAX) {
			g_set_error(error, FAULT, FAULT_DATA, "'%s': more than %u crossings with rows of the mask: this is noise, no drawing",
				    r->grid.name, CROSSINGS_MAX);
			return FALSE;
		}
	}
	r->crossings = g_try_new(struct crossing, most + 1);
	r->set.of = g_try_new(struct span, spans[0] + 1);
	r->cut.of = g_try_new(struct span, spans[1] + 1);
	return (r->crossings != NULL && r->set.of != NULL && r->cut.of != NULL) || no_room(&r->grid, error);
}

static struct mask *take_mask(const struct raster *r, GError **error)
{
	const struct grid *g = &r->grid;
	guint32 *rows = g_try_new(guint32, (gsize)g->height + 1), n = 0;
	struct region_run *runs = g_try_new(struct region_run, r->set.n + r->cut.n + 1);
	gsize i = 0, cut = 0;

	if (rows == NULL || runs == NULL) {
		no_room(g, error);
		g_free(rows);
		g_free(runs);
		return NULL;
	}
	rows[0] = 0;
	for (guint32 v = 0; v < g->height; v++) {
		for (; i < r->set.n && r->set.of[i].row == v; i++)
			n = add_runs(&r->set.of[i], &r->cut, &cut, runs, n);
		rows[v + 1] = n;
	}
	return mask_of_runs(g->width, g->height, rows, runs, g->name, g->scale, g->x, g->y, error);
}

/* Where what was drawn and is not cut out lies: left, top, right, bottom. FALSE: there is none. */
static gboolean extent_of(const struct polygons *p, double box[4])
{
	gboolean any = FALSE;

	for (guint32 polygon = 0; polygon < p->list->len; polygon++) {
		if (g_array_index(p->list, struct polygon, polygon).cut)
			continue;
		for (guint32 i = ring_start(p, first_ring(p, polygon)); i < ring_end(p, end_ring(p, polygon) - 1); i++) {
			const struct polygon_point *at = point_at(p, i);
			box[0] = any ? MIN(box[0], at->x) : at->x;
			box[1] = any ? MIN(box[1], at->y) : at->y;
			box[2] = any ? MAX(box[2], at->x) : at->x;
			box[3] = any ? MAX(box[3], at->y) : at->y;
			any = TRUE;
		}
	}
	return any;
}

/* Nothing of what was drawn came onto the mask: then its places are no level-0 px, or another slide's. */
static gboolean lies_outside(const struct raster *r, GError **error)
{
	const struct grid *g = &r->grid;
	double box[4];

	if (r->set.n > 0 || !extent_of(r->p, box))
		return FALSE;
	g_set_error(error, FAULT, FAULT_DATA, "'%s': all of it lies outside the slide's scanned part: it is drawn at %.0f..%.0f, "
		    "%.0f..%.0f, and the scanned part is at %.0f..%.0f, %.0f..%.0f; coordinates are level-0 px, and data.origin "
		    "says from where", g->name, box[0], box[2], box[1], box[3], (double)g->x,
		    (double)g->x + (double)g->width * g->scale, (double)g->y, (double)g->y + (double)g->height * g->scale);
	return TRUE;
}

struct mask *polygons_mask(const struct polygons *p, const char *name, int scale, gint64 x, gint64 y, gint64 w, gint64 h,
			   GError **error)
{
	g_return_val_if_fail(scale >= 1 && w >= 1 && h >= 1 && w < G_MAXINT32 && h < G_MAXINT32, NULL);
	const guint32 width = (guint32)((w + scale - 1) / scale), height = (guint32)((h + scale - 1) / scale);
	struct raster r = { .grid = { name, scale, x, y, width, height }, .p = p };
	struct mask *mask = NULL;

	if (reserve(&r, error)) {
		for (guint32 i = 0; i < p->list->len; i++)
			add_polygon(&r, i);
		if (!lies_outside(&r, error)) {
			join(&r.set);
			join(&r.cut);
			mask = take_mask(&r, error);
		}
	}
	g_free(r.crossings);
	g_free(r.set.of);
	g_free(r.cut.of);
	return mask;
}
