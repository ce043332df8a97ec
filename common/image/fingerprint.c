/* fingerprint.c - see fingerprint.h. */
#include "common/image/fingerprint.h"
#include <math.h>
#include <string.h>

enum { SIDE = FINGERPRINT_SIDE, PART = FINGERPRINT_CELLS / FINGERPRINT_PARTS, PX_MIN = 64 };

#define SPREAD 2.0              /* the grid reaches so many standard deviations: an ellipse's own border */
#define CONTRAST_MIN 0.0005     /* OD, of the cells: tissue without any pattern */
#define SIZE_RATIO 1.05

struct shape { double n, x, y, wide, high, mean; }; /* px; mean: density */

static void fill_densities(float density[766])
{
	for (int sum = 0; sum < 766; sum++)
		density[sum] = (float)-log10((sum + 3) / 768.0);
}

static int grey_of(const guint8 *rgb) { return rgb[0] + rgb[1] + rgb[2]; }

static struct shape measure(const guint8 *rgb, const guint8 *map, int width, int height, const float *density)
{
	double n = 0, x = 0, y = 0, xx = 0, yy = 0, sum = 0;

	for (int v = 0; v < height; v++)
		for (int u = 0; u < width; u++) {
			gsize i = (gsize)v * (gsize)width + (gsize)u;
			if (!map[i])
				continue;
			n++;
			x += u;
			y += v;
			xx += (double)u * u;
			yy += (double)v * v;
			sum += density[grey_of(rgb + 3 * i)];
		}
	if (n < PX_MIN)
		return (struct shape){ 0 };
	return (struct shape){ n, x / n, y / n, sqrt(MAX(xx / n - x / n * (x / n), 0)),
			       sqrt(MAX(yy / n - y / n * (y / n), 0)), sum / n };
}

/* Shared out among the four cells whose centres are around it, so that a shift of a part of a cell changes little. */
static void add(double cell[FINGERPRINT_CELLS], double u, double v, double value)
{
	int left = (int)floor(u), top = (int)floor(v);
	double right = u - left, low = v - top;

	for (int k = 0; k < 4; k++) {
		int x = left + (k & 1), y = top + (k >> 1);
		if (x >= 0 && x < SIDE && y >= 0 && y < SIDE)
			cell[y * SIDE + x] += value * (k & 1 ? right : 1 - right) * (k >> 1 ? low : 1 - low);
	}
}

/* Less the mean of the 3 x 3 cells around, at the border of those there are. */
static void sharpen(const double *from, double *to)
{
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++) {
			double sum = 0, n = 0;
			for (int v = MAX(y - 1, 0); v <= MIN(y + 1, SIDE - 1); v++)
				for (int u = MAX(x - 1, 0); u <= MIN(x + 1, SIDE - 1); u++, n++)
					sum += from[v * SIDE + u];
			to[y * SIDE + x] = from[y * SIDE + x] - sum / n;
		}
}

static double length_of(const double *cell, int from)
{
	double sum = 0;

	for (int i = from; i < FINGERPRINT_CELLS; i++)
		sum += cell[i] * cell[i];
	return sqrt(sum);
}

void fingerprint_take(const guint8 *rgb, const guint8 *map, int width, int height, double px, struct fingerprint *out)
{
	float density[766];
	double cell[FINGERPRINT_CELLS] = { 0 }, sharp[FINGERPRINT_CELLS], step[2];

	*out = (struct fingerprint){ 0 };
	fill_densities(density);
	const struct shape s = measure(rgb, map, width, height, density);
	if (s.n == 0 || s.wide <= 0 || s.high <= 0)
		return;
	out->wide = s.wide * px;
	out->high = s.high * px;
	step[0] = 2 * SPREAD * s.wide / SIDE;
	step[1] = 2 * SPREAD * s.high / SIDE;
	for (int v = 0; v < height; v++)
		for (int u = 0; u < width; u++) {
			gsize i = (gsize)v * (gsize)width + (gsize)u;
			if (map[i])
				add(cell, (u - s.x) / step[0] + (SIDE - 1) / 2.0, (v - s.y) / step[1] + (SIDE - 1) / 2.0,
				    density[grey_of(rgb + 3 * i)] - s.mean);
		}
	sharpen(cell, sharp);
	const double length = length_of(sharp, 0);
	/* a cell has step[0] * step[1] px; root mean square over the cells */
	if (length / SIDE <= CONTRAST_MIN * step[0] * step[1])
		return;
	for (int i = 0; i < FINGERPRINT_CELLS; i++)
		out->cell[i] = (float)(sharp[i] / length);
	for (int i = 0; i < FINGERPRINT_PARTS; i++)
		out->rest[i] = (float)(length_of(sharp, (i + 1) * PART) / length);
}

static gboolean near(double a, double b) { return a <= b * SIZE_RATIO && b <= a * SIZE_RATIO; }

static double dot(const float *a, const float *b)
{
	float sum[4] = { 0 };   /* four at a time: the compiler may not reorder a single sum */

	for (int i = 0; i < PART; i += 4)
		for (int k = 0; k < 4; k++)
			sum[k] += a[i + k] * b[i + k];
	return (double)sum[0] + sum[1] + sum[2] + sum[3];
}

/* Or less than `least`, where that is certain before the end. */
static double correlate(const struct fingerprint *a, const struct fingerprint *b, double least)
{
	const double rounding = 1e-5;
	double sum = 0;

	for (int i = 0; i < FINGERPRINT_PARTS; i++) {
		sum += dot(a->cell + i * PART, b->cell + i * PART);
		if (sum + (double)a->rest[i] * b->rest[i] + rounding < least)
			return -1;
	}
	return sum;
}

static gboolean alike_in_size(const struct fingerprint *a, const struct fingerprint *b)
{
	return near(a->wide, b->wide) && near(a->high, b->high);
}

double fingerprint_likeness(const struct fingerprint *a, const struct fingerprint *b)
{
	return alike_in_size(a, b) ? correlate(a, b, -1) : 0;
}

struct sized { const struct fingerprint *print; guint index; };

static int by_width(const void *a, const void *b)
{
	const struct sized *x = a, *y = b;

	if (x->print->wide != y->print->wide)
		return x->print->wide < y->print->wide ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

void fingerprint_pairs(const struct fingerprint *const *prints, guint n, double least, fingerprint_pair pair,
		       gpointer user)
{
	g_autofree struct sized *order = g_new(struct sized, (gsize)n + 1);

	for (guint i = 0; i < n; i++)
		order[i] = (struct sized){ prints[i], i };
	qsort(order, n, sizeof *order, by_width);
	for (guint i = 0; i < n; i++)
		for (guint k = i + 1; k < n && near(order[i].print->wide, order[k].print->wide); k++) {
			guint a = MIN(order[i].index, order[k].index), b = MAX(order[i].index, order[k].index);
			double likeness = alike_in_size(prints[a], prints[b]) ? correlate(prints[a], prints[b], least) : 0;
			if (likeness >= least)
				pair(a, b, likeness, user);
		}
}
