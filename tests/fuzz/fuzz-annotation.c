/*
 * fuzz-annotation.c - any bytes as what QuPath or ASAP saved (ASAP, where they begin with <): a fault of one line, or
 * polygons, each of rings of three points and more; and their mask, compared with asking of each pixel's centre whether it lies
 * in a polygon.
 */
#include "common/fault/fault.h"
#include "common/slide/annotation.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SCALE = 16, X = 48, Y = 32, WIDTH = 20, HEIGHT = 12 };

static void assert_line(const GError *error)
{
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_true(g_str_has_prefix(error->message, "'a'"));
	g_assert_null(strpbrk(error->message, "\r\n"));
	g_assert_true(g_utf8_validate(error->message, -1, NULL));
}

static void assert_whole(const struct polygons *p)
{
	guint32 end = 0, ring = 0;

	g_assert_cmpuint(p->points->len, <=, POLYGONS_POINTS_MAX);
	for (guint i = 0; i < p->rings->len; i++) {
		g_assert_cmpuint(g_array_index(p->rings, guint32, i), >=, end + 3);
		end = g_array_index(p->rings, guint32, i);
	}
	g_assert_cmpuint(end, ==, p->points->len);
	for (guint i = 0; i < p->list->len; i++) {
		g_assert_cmpuint(g_array_index(p->list, struct polygon, i).ring_end, >, ring);
		ring = g_array_index(p->list, struct polygon, i).ring_end;
	}
	g_assert_cmpuint(ring, ==, p->rings->len);
}

/* An odd number of its edges is left of the point, or goes through it. */
static gboolean holds(const struct polygons *p, guint polygon, double x, double y)
{
	guint32 ring = polygon > 0 ? g_array_index(p->list, struct polygon, polygon - 1).ring_end : 0;
	gboolean in = FALSE;

	for (; ring < g_array_index(p->list, struct polygon, polygon).ring_end; ring++) {
		guint32 start = ring > 0 ? g_array_index(p->rings, guint32, ring - 1) : 0, end = g_array_index(p->rings, guint32, ring);
		for (guint32 i = start; i < end; i++) {
			struct polygon_point a = g_array_index(p->points, struct polygon_point, i);
			struct polygon_point b = g_array_index(p->points, struct polygon_point, i + 1 < end ? i + 1 : start);
			struct polygon_point top = a.y < b.y ? a : b, low = a.y < b.y ? b : a;
			in ^= top.y <= y && y < low.y && top.x + (y - top.y) * (low.x - top.x) / (low.y - top.y) <= x;
		}
	}
	return in;
}

static gboolean is_set(const struct mask *m, guint32 u, guint32 v)
{
	for (guint32 i = m->rows[v]; i < m->rows[v + 1]; i++)
		if (u >= m->runs[i].start && u < m->runs[i].end)
			return TRUE;
	return FALSE;
}

static void assert_mask(const struct polygons *p, const struct mask *m)
{
	guint64 area = 0, more = 0;

	for (guint32 v = 0; v < m->height; v++)
		for (guint32 u = 0; u < m->width; u++) {
			gboolean in = FALSE, cut = FALSE, set = is_set(m, u, v);
			for (guint i = 0; i < p->list->len; i++)
				*(g_array_index(p->list, struct polygon, i).cut ? &cut : &in) |=
					holds(p, i, X + (u + 0.5) * SCALE, Y + (v + 0.5) * SCALE);
			g_assert_true(cut ? !set : set || !in);
			area += set ? 1 : 0;
			more += set && !in ? 1 : 0;
		}
	g_assert_cmpuint(area, ==, m->area);
	g_assert_cmpuint(more, <=, p->list->len);       /* each may have one that its centre is not in */
}

static void draw(const char *text, gsize size, const char *const *tumour)
{
	const enum annotation_kind kind = size > 0 && text[0] == '<' ? ANNOTATION_ASAP : ANNOTATION_GEOJSON;
	g_autoptr(GError) error = NULL;
	g_autoptr(polygons_t) p = annotation_parse(text, size, "a", kind, (char *const *)tumour, 0, 0, &error);

	if (p == NULL) {
		assert_line(error);
		return;
	}
	g_assert_no_error(error);
	assert_whole(p);
	g_autoptr(mask_t) m = polygons_mask(p, "a", SCALE, X, Y, WIDTH * SCALE, HEIGHT * SCALE - 5, &error);
	if (m == NULL)
		assert_line(error);
	else if (p->points->len < 500)
		assert_mask(p, m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const any[] = { NULL }, *const named[] = { "tumor", "None", NULL };
	g_autofree char *exact = g_malloc(size + 1);    /* a NUL follows, as behind what a file gives */

	if (size > 0)
		memcpy(exact, data, size);
	exact[size] = '\0';
	draw(exact, size, any);
	draw(exact, size, named);
	return 0;
}
