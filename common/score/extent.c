/* extent.c - see extent.h. Cells in reading order become runs of rows, which regions.h joins. */
#include "common/score/extent.h"
#include "common/slide/regions.h"
#include <math.h>

struct cell {
	double column, row;     /* whole */
	guint32 tile;           /* its index among all */
};

/* ---- the longest axis ---- */

static int by_place(const void *a, const void *b)
{
	const struct extent_point *p = a, *q = b;

	if (p->x < q->x || p->x > q->x)
		return p->x < q->x ? -1 : 1;
	return p->y < q->y ? -1 : p->y > q->y;
}

/* Twice the area of the triangle o, a, b; positive where it turns left. */
static double turn(struct extent_point o, struct extent_point a, struct extent_point b)
{
	return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
}

static void push(struct extent_point *hull, gsize *n, gsize least, struct extent_point p)
{
	while (*n >= least + 2 && turn(hull[*n - 2], hull[*n - 1], p) <= 0)
		--*n;
	hull[(*n)++] = p;
}

/* Of n > 0 points, sorted, into hull (2 n + 2): its corners in turn, none on a line between two others; how many. */
static gsize make_hull(const struct extent_point *p, gsize n, struct extent_point *hull)
{
	gsize k = 0;

	for (gsize i = 0; i < n; i++)
		push(hull, &k, 0, p[i]);
	const gsize lower = k - 1;
	for (gsize i = n - 1; i-- > 0;)
		push(hull, &k, lower, p[i]);
	return MAX(k - 1, 1);   /* the last is the first again */
}

static double distance(struct extent_point a, struct extent_point b) { return hypot(a.x - b.x, a.y - b.y); }

double extent_diameter(struct extent_point *p, gsize n)
{
	if (n < 2)
		return 0;
	qsort(p, n, sizeof *p, by_place);
	g_autofree struct extent_point *hull = g_new(struct extent_point, 2 * n + 2);
	const gsize m = make_hull(p, n, hull);
	double longest = 0;

	/* j: the corner furthest from the edge that begins at i; it only goes on as i does. */
	for (gsize i = 0, j = 1; i < m; i++) {
		const struct extent_point a = hull[i], b = hull[(i + 1) % m];
		for (gsize steps = 0; steps < m && turn(a, b, hull[(j + 1) % m]) > turn(a, b, hull[j % m]); steps++)
			j++;
		longest = MAX(longest, MAX(distance(a, hull[j % m]), distance(b, hull[j % m])));
		/* the edge opposite is parallel: its other end is as far */
		longest = MAX(longest, MAX(distance(a, hull[(j + 1) % m]), distance(b, hull[(j + 1) % m])));
	}
	return longest;
}

/* ---- components ---- */

static int by_row(const void *a, const void *b)
{
	const struct cell *p = a, *q = b;

	if (p->row < q->row || p->row > q->row)
		return p->row < q->row ? -1 : 1;
	if (p->column < q->column || p->column > q->column)
		return p->column < q->column ? -1 : 1;
	return p->tile < q->tile ? -1 : p->tile > q->tile;
}

/* Those over the threshold, in reading order; *kept: how many. */
static struct cell *find_cells(const double *x, const double *y, const double *probability, gsize n, double step, double threshold,
			       gsize *kept)
{
	struct cell *cells = g_new(struct cell, n + 1);
	double left = INFINITY, top = INFINITY;
	gsize k = 0;

	for (gsize i = 0; i < n; i++)
		if (probability[i] >= threshold) {
			left = MIN(left, x[i]);
			top = MIN(top, y[i]);
		}
	for (gsize i = 0; i < n; i++)
		if (probability[i] >= threshold)
			cells[k++] = (struct cell){ round((x[i] - left) / step), round((y[i] - top) / step), (guint32)i };
	qsort(cells, k, sizeof *cells, by_row);
	*kept = k;
	return cells;
}

/* Runs of neighbouring columns. Rows that have none between two that have some are one row here, and columns are counted from
   the first: neighbours stay neighbours, and others others. run_of (n): of each cell. Returns how many rows there are. */
static guint32 find_runs(const struct cell *cells, gsize n, struct region_run *runs, guint32 *rows, guint32 *run_of)
{
	guint32 n_runs = 0, row = 0;

	rows[0] = 0;
	for (gsize i = 0; i < n; i++) {
		const struct cell *c = &cells[i], *before = i > 0 ? c - 1 : NULL;
		const double down = before != NULL ? c->row - before->row : 0;
		for (double k = 0; k < MIN(down, 2); k++)
			rows[++row] = n_runs;
		const guint32 column = (guint32)MIN(c->column, G_MAXUINT32 - 1);
		if (before == NULL || down > 0 || c->column > before->column + 1)
			runs[n_runs++] = (struct region_run){ column, column + 1 };
		runs[n_runs - 1].end = column + 1;
		run_of[i] = n_runs - 1;
	}
	rows[++row] = n_runs;
	return row;
}

static int largest_first(gconstpointer a, gconstpointer b)
{
	const struct extent *p = a, *q = b;

	if (p->area < q->area || p->area > q->area)
		return p->area > q->area ? -1 : 1;
	return p->longest_axis > q->longest_axis ? -1 : p->longest_axis < q->longest_axis;
}

static void add_corners(struct extent_point *to, double x, double y, double side)
{
	for (int k = 0; k < 4; k++)
		to[k] = (struct extent_point){ x + k % 2 * side, y + k / 2 * side };
}

GArray *extent_components(const double *x, const double *y, const double *probability, gsize n, double side, double step,
			  double threshold, double mpp)
{
	g_return_val_if_fail(side > 0 && step > 0 && mpp > 0 && n < G_MAXUINT32 / 4, NULL);
	GArray *out = g_array_new(FALSE, TRUE, sizeof(struct extent));
	gsize kept;
	g_autofree struct cell *cells = find_cells(x, y, probability, n, step, threshold, &kept);

	if (kept == 0)
		return out;
	g_autofree struct region_run *runs = g_new(struct region_run, kept);
	g_autofree guint32 *rows = g_new(guint32, 2 * kept + 2), *run_of = g_new(guint32, kept), *label = g_new(guint32, kept);
	const guint32 height = find_runs(cells, kept, runs, rows, run_of), m = regions_label(runs, rows, height, TRUE, label);
	g_autofree gsize *start = g_new0(gsize, m + 1), *at = g_new(gsize, m);
	g_autofree struct extent_point *corners = g_new(struct extent_point, 4 * kept);
	const double tile = MIN(side, step) * mpp;

	g_array_set_size(out, m);
	struct extent *e = (struct extent *)(void *)out->data;
	for (gsize i = 0; i < kept; i++) {
		struct extent *of = &e[label[run_of[i]]];
		of->tiles++;
		of->probability += probability[cells[i].tile];
		/* jittered tiles may share a cell */
		if (i == 0 || cells[i].row > cells[i - 1].row || cells[i].column > cells[i - 1].column)
			of->area += tile * tile;
	}
	for (guint32 k = 0; k < m; k++) {
		at[k] = start[k];
		start[k + 1] = start[k] + 4 * (gsize)e[k].tiles;
	}
	for (gsize i = 0; i < kept; i++) {
		const guint32 k = label[run_of[i]], t = cells[i].tile;
		add_corners(corners + at[k], x[t] - x[cells[0].tile], y[t] - y[cells[0].tile], side);
		at[k] += 4;
	}
	for (guint32 k = 0; k < m; k++) {
		e[k].longest_axis = extent_diameter(corners + start[k], start[k + 1] - start[k]) * mpp;
		e[k].probability /= e[k].tiles;
	}
	g_array_sort(out, largest_first);
	return out;
}
