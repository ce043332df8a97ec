/*
 * mask.c - see mask.h.
 *
 * Rows stream in and become runs at once, so the picture itself is never held; lesions are the regions
 * that the runs form.
 */
#include "common/slide/mask.h"
#include "common/fault/fault.h"
#include "common/image/png_file.h"
#include <math.h>

#define RUNS_MAX (1u << 24)    /* 192 MB with their lesions */
#define LESIONS_MAX (1u << 20) /* 90 MB */

struct builder {
	const char *path;
	struct mask *mask;
	guint32 n, room;
	guint8 over;            /* this is tumour */
};

static gboolean take_size(void *context, guint32 width, guint32 height, GError **error)
{
	struct builder *b = context;

	b->mask->width = width;
	b->mask->height = height;
	b->mask->rows = g_try_new0(guint32, (gsize)height + 1);
	if (b->mask->rows == NULL)
		g_set_error(error, FAULT, FAULT_ROOM, "'%s': no memory for %u rows", b->path, height);
	return b->mask->rows != NULL;
}

static gboolean add_run(struct builder *b, guint32 start, guint32 end, GError **error)
{
	struct mask *m = b->mask;

	if (b->n == b->room) {
		guint32 room = MAX(1024, b->room * 2);
		struct region_run *more;

		if (b->n == RUNS_MAX) {
			g_set_error(error, FAULT, FAULT_DATA,
				    "'%s': more than %u runs of tumour: this is noise, no drawn mask", b->path,
				    RUNS_MAX);
			return FALSE;
		}
		more = g_try_renew(struct region_run, m->runs, room);
		if (more == NULL) {
			g_set_error(error, FAULT, FAULT_ROOM, "'%s': no memory for %u runs", b->path, room);
			return FALSE;
		}
		m->runs = more;
		b->room = room;
	}
	m->runs[b->n++] = (struct region_run){ start, end };
	m->area += end - start;
	return TRUE;
}

static gboolean take_row(void *context, guint32 y, const guint8 *row, GError **error)
{
	static const guint8 none[64];
	struct builder *b = context;
	guint32 x = 0, width = b->mask->width;

	while (x < width) {
		guint32 start;

		while (x + 64 <= width && memcmp(row + x, none, 64) == 0)
			x += 64;
		for (; x < width && row[x] <= b->over; x++)
			b->mask->most = MAX(b->mask->most, row[x]);
		if (x == width)
			break;
		for (start = x; x < width && row[x] > b->over;)
			x++;
		if (!add_run(b, start, x, error))
			return FALSE;
	}
	b->mask->rows[y + 1] = b->n;
	return TRUE;
}

struct rank {
	struct mask_lesion lesion;
	guint32 was;
};

static int larger_first(const void *a, const void *b)
{
	const struct rank *p = a, *q = b;

	if (p->lesion.area != q->lesion.area)
		return p->lesion.area > q->lesion.area ? -1 : 1;
	return p->was < q->was ? -1 : p->was > q->was;
}

static void measure(const struct mask *m, struct rank *rank)
{
	for (guint32 y = 0; y < m->height; y++)
		for (guint32 i = m->rows[y]; i < m->rows[y + 1]; i++) {
			struct mask_lesion *l = &rank[m->lesion_of[i]].lesion;
			struct region_run run = m->runs[i];

			if (l->area == 0)
				*l = (struct mask_lesion){ .left = run.start, .top = y };
			l->left = MIN(l->left, run.start);
			l->right = MAX(l->right, run.end);
			l->bottom = y + 1;
			l->area += run.end - run.start;
		}
}

static gboolean find_lesions(struct mask *m, const char *path, GError **error)
{
	guint32 n = m->rows[m->height];
	g_autofree struct rank *rank = NULL;
	g_autofree guint32 *now = NULL;

	if (n == 0)
		return TRUE;
	m->lesion_of = g_try_new(guint32, n);
	if (m->lesion_of == NULL)
		goto no_memory;
	m->n_lesions = regions_label(m->runs, m->rows, m->height, TRUE, m->lesion_of);
	if (m->n_lesions > LESIONS_MAX) {
		g_set_error(error, FAULT, FAULT_DATA, "'%s': %u lesions: this is noise, no drawn mask", path, m->n_lesions);
		return FALSE;
	}
	rank = g_try_new0(struct rank, m->n_lesions);
	now = g_try_new(guint32, m->n_lesions);
	m->lesions = g_try_new(struct mask_lesion, m->n_lesions);
	if (rank == NULL || now == NULL || m->lesions == NULL)
		goto no_memory;
	measure(m, rank);
	for (guint32 i = 0; i < m->n_lesions; i++)
		rank[i].was = i;
	qsort(rank, m->n_lesions, sizeof(*rank), larger_first);
	for (guint32 i = 0; i < m->n_lesions; i++) {
		m->lesions[i] = rank[i].lesion;
		now[rank[i].was] = i;
	}
	for (guint32 i = 0; i < n; i++)
		m->lesion_of[i] = now[m->lesion_of[i]];
	return TRUE;

no_memory:
	g_set_error(error, FAULT, FAULT_ROOM, "'%s': no memory for %u runs", path, n);
	return FALSE;
}

/* What came of the rows becomes a mask. */
static gboolean finish(struct builder *b, GError **error)
{
	struct region_run *exact = g_try_renew(struct region_run, b->mask->runs, MAX(b->n, 1));

	if (exact != NULL)
		b->mask->runs = exact;
	return find_lesions(b->mask, b->path, error);
}

static struct mask *mask_new(int scale, gint64 origin_x, gint64 origin_y)
{
	struct mask *mask = g_new0(struct mask, 1);

	mask->scale = scale;
	mask->origin_x = origin_x;
	mask->origin_y = origin_y;
	return mask;
}

/* data NULL: of the file at name. */
static struct mask *parse(const char *name, const void *data, gsize length, int scale, gint64 origin_x, gint64 origin_y, GError **error)
{
	const guint8 over[] = { 127, 0 };       /* the latter where all are 0 or 1, as arrays of truth values are saved */

	for (gsize i = 0;; i++) {
		g_autoptr(mask_t) mask = mask_new(scale, origin_x, origin_y);
		struct builder b = { .path = name, .mask = mask, .over = over[i] };

		if (!(data == NULL ? png_file_rows(name, 1, take_size, take_row, &b, error)
				   : png_parse_rows(data, length, name, 1, take_size, take_row, &b, error)) ||
		    !finish(&b, error))
			return NULL;
		if (i + 1 == G_N_ELEMENTS(over) || mask->area > 0 || mask->most != 1)
			return g_steal_pointer(&mask);
	}
}

struct mask *mask_read(const char *path, int scale, gint64 origin_x, gint64 origin_y, GError **error)
{
	g_return_val_if_fail(scale >= 1, NULL);
	return parse(path, NULL, 0, scale, origin_x, origin_y, error);
}

struct mask *mask_parse(const void *data, gsize length, const char *name, int scale, gint64 origin_x, gint64 origin_y,
			GError **error)
{
	g_return_val_if_fail(scale >= 1 && data != NULL, NULL);
	return parse(name, data, length, scale, origin_x, origin_y, error);
}

struct mask *mask_of_runs(guint32 width, guint32 height, guint32 *rows, struct region_run *runs, const char *name, int scale,
			  gint64 origin_x, gint64 origin_y, GError **error)
{
	g_autoptr(mask_t) mask = mask_new(scale, origin_x, origin_y);
	struct builder b = { .path = name, .mask = mask, .n = rows[height] };

	mask->width = width;
	mask->height = height;
	mask->rows = rows;
	mask->runs = runs;
	for (guint32 i = 0; i < b.n; i++)
		mask->area += runs[i].end - runs[i].start;
	return finish(&b, error) ? g_steal_pointer(&mask) : NULL;
}

void mask_free(struct mask *mask)
{
	if (mask == NULL)
		return;
	g_free(mask->rows);
	g_free(mask->runs);
	g_free(mask->lesions);
	g_free(mask->lesion_of);
	g_free(mask);
}

/* px is one mask pixel more or less than `level0 / scale`, whichever way that was rounded. */
static gboolean side_fits(guint32 px, gint64 level0, int scale)
{
	return px >= level0 / scale - 1 && px <= (level0 + scale - 1) / scale + 1;
}

/* The scale at which it does fit, alike in both directions; 0: there is none. */
static int fitting_scale(const struct mask *mask, gint64 w, gint64 h)
{
	if (mask->width == 0 || mask->height == 0)
		return 0;
	const gint64 s = (w + mask->width / 2) / mask->width;

	return s >= 1 && s <= G_MAXINT && s == (h + mask->height / 2) / mask->height && side_fits(mask->width, w, (int)s) &&
	       side_fits(mask->height, h, (int)s) ? (int)s : 0;
}

gboolean mask_fits(const struct mask *mask, gint64 w, gint64 h, GError **error)
{
	int s = mask->scale;

	if (side_fits(mask->width, w, s) && side_fits(mask->height, h, s))
		return TRUE;
	const int other = fitting_scale(mask, w, h);
	g_autofree char *hint = other > 0 ? g_strdup_printf(" (it is one of 1/%d: set data.mask_scale=%d)", other, other) : g_strdup("");
	g_set_error(error, FAULT, FAULT_DATA, "mask is %u x %u px, but its slide's scanned part of %" G_GINT64_FORMAT
		    " x %" G_GINT64_FORMAT " px wants %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " at 1/%d%s",
		    mask->width, mask->height, w, h, (w + s - 1) / s, (h + s - 1) / s, s, hint);
	return FALSE;
}

/* A rectangle in mask px, clipped to the mask. */
struct window {
	double left, top, right, bottom;
	guint32 first, end; /* rows that it touches */
};

static gboolean window_of(const struct mask *m, double x, double y, double w, double h, struct window *out)
{
	double s = m->scale;

	out->left = MAX(0, (x - (double)m->origin_x) / s);
	out->top = MAX(0, (y - (double)m->origin_y) / s);
	out->right = MIN(m->width, (x + w - (double)m->origin_x) / s);
	out->bottom = MIN(m->height, (y + h - (double)m->origin_y) / s);
	if (!(out->left < out->right && out->top < out->bottom))
		return FALSE;
	out->first = (guint32)out->top;
	out->end = (guint32)ceil(out->bottom);
	return TRUE;
}

/* The first run of row y that ends after `left`. */
static guint32 first_run(const struct mask *m, guint32 y, double left)
{
	guint32 low = m->rows[y], high = m->rows[y + 1];

	while (low < high) {
		guint32 middle = low + (high - low) / 2;

		if (m->runs[middle].end > left)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static double run_length(const struct region_run *run, const struct window *win)
{
	return MIN(run->end, win->right) - MAX(run->start, win->left);
}

static double row_height(const struct window *win, guint32 y)
{
	return MIN(y + 1.0, win->bottom) - MAX(y, win->top);
}

double mask_share(const struct mask *mask, double x, double y, double w, double h)
{
	struct window win;
	double area = 0;

	if (mask->area == 0 || !window_of(mask, x, y, w, h, &win))
		return 0;
	for (guint32 v = win.first; v < win.end; v++) {
		double length = 0;

		for (guint32 i = first_run(mask, v, win.left);
		     i < mask->rows[v + 1] && mask->runs[i].start < win.right; i++)
			length += run_length(&mask->runs[i], &win);
		area += length * row_height(&win, v);
	}
	return MIN(1, area * mask->scale * mask->scale / (w * h));
}

struct piece {
	guint32 lesion;
	double area;
};

static int by_lesion(const void *a, const void *b)
{
	const struct piece *p = a, *q = b;

	return p->lesion < q->lesion ? -1 : p->lesion > q->lesion;
}

int mask_lesion_at(const struct mask *mask, double x, double y, double w, double h)
{
	g_autoptr(GArray) pieces = NULL;
	struct window win;
	double most = 0, sum = 0;
	int best = -1;

	if (mask->area == 0 || !window_of(mask, x, y, w, h, &win))
		return -1;
	pieces = g_array_new(FALSE, FALSE, sizeof(struct piece));
	for (guint32 v = win.first; v < win.end; v++)
		for (guint32 i = first_run(mask, v, win.left);
		     i < mask->rows[v + 1] && mask->runs[i].start < win.right; i++) {
			struct piece p = { mask->lesion_of[i],
					   run_length(&mask->runs[i], &win) * row_height(&win, v) };

			g_array_append_val(pieces, p);
		}
	g_array_sort(pieces, by_lesion);
	for (guint i = 0; i < pieces->len; i++) {
		const struct piece *p = &g_array_index(pieces, struct piece, i);

		sum = i > 0 && p[-1].lesion == p->lesion ? sum + p->area : p->area;
		if (sum > most) {
			most = sum;
			best = (int)p->lesion;
		}
	}
	return best;
}

double mask_lesion_area(const struct mask *mask, guint lesion, double mpp)
{
	double side = mask->scale * mpp;

	g_return_val_if_fail(lesion < mask->n_lesions, 0);
	return (double)mask->lesions[lesion].area * side * side;
}
