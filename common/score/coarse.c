/* coarse.c - see coarse.h. */
#include "common/score/coarse.h"
#include <math.h>

#define BOUND_AT_HALF 0.1
enum {
	HIGHEST = 16, HIGHEST_PART = 64,        /* looked at first: so many of the highest, or one in so many of all */
	SPREAD = 16,                            /* and so many others, evenly over their order */
	PAIRS = 8,                              /* fewer are no ground for a line */
	AT_ONCE = 32,                           /* the best half of what is due, or so many: it may raise the bar for the rest */
};

struct line { double a, b, sd; };       /* full = a + b * coarse, and its error */
struct ranked { float coarse; guint32 index; };

double coarse_bound(double effort) { return BOUND_AT_HALF * (1 / effort - 1); }

/* Slopes are kept to what two looks at the same tiles can have. */
static struct line fit(const float *coarse, const float *full, gsize n)
{
	double count = 0, x = 0, y = 0, xx = 0, xy = 0, rest = 0;

	for (gsize i = 0; i < n; i++) {
		if (!isfinite(coarse[i]) || !isfinite(full[i]))
			continue;
		count++;
		x += coarse[i];
		y += full[i];
		xx += (double)coarse[i] * coarse[i];
		xy += (double)coarse[i] * full[i];
	}
	if (count < PAIRS)
		return (struct line){ 0, 1, 1 };
	const double spread = xx - x * x / count;
	const double b = spread > 0 ? CLAMP((xy - x * y / count) / spread, 0.25, 4) : 1, a = (y - b * x) / count;
	for (gsize i = 0; i < n; i++)
		if (isfinite(coarse[i]) && isfinite(full[i]))
			rest += pow(full[i] - a - b * coarse[i], 2);
	return (struct line){ a, b, MAX(sqrt(rest / (count - 2)), 1e-3) };
}

/* Of a standard normal variable's part above z. */
static double excess(double z)
{
	return exp(-z * z / 2) / sqrt(2 * G_PI) - z * erfc(z / G_SQRT2) / 2;
}

static int highest(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->coarse != y->coarse)
		return x->coarse < y->coarse ? 1 : -1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int falling(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

/* The lowest of the `top` highest that were looked at in full; -INFINITY: there are fewer. */
static double bar(const float *full, gsize n, guint top)
{
	g_autofree double *seen = g_new(double, n + 1);
	gsize count = 0;

	for (gsize i = 0; i < n; i++)
		if (isfinite(full[i]))
			seen[count++] = full[i];
	qsort(seen, count, sizeof *seen, falling);
	return count >= top ? seen[top - 1] : -INFINITY;
}

static gsize first(const struct ranked *order, gsize n, gsize highest_n, guint32 *out)
{
	const gsize rest = n - highest_n, others = MIN(SPREAD, rest);
	gsize count = 0;

	for (gsize i = 0; i < highest_n; i++)
		out[count++] = order[i].index;
	for (gsize i = 0; i < others; i++)
		out[count++] = order[highest_n + i * rest / others].index;
	return count;
}

gsize coarse_choose(const float *coarse, const float *full, gsize n, guint top, double bound, guint32 *out)
{
	g_autofree struct ranked *order = g_new(struct ranked, n + 1);
	gsize left = 0, seen = 0, due;

	for (gsize i = 0; i < n; i++) {
		seen += isfinite(full[i]) ? 1 : 0;
		if (!isfinite(full[i]) && isfinite(coarse[i]))
			order[left++] = (struct ranked){ coarse[i], (guint32)i };
	}
	qsort(order, left, sizeof *order, highest);
	if (seen == 0)
		return first(order, left, MIN(left, MAX(MAX(HIGHEST, top), left / HIGHEST_PART)), out);

	const struct line line = fit(coarse, full, n);
	const double t = bar(full, n, top);
	double missed = 0;
	for (due = left; due > 0; due--) {      /* those behind `due` stay unseen */
		missed += line.sd * excess((t - line.a - line.b * order[due - 1].coarse) / line.sd) / top;
		if (missed > bound)
			break;
	}
	due = MIN(due, MAX(AT_ONCE, (due + 1) / 2));
	for (gsize i = 0; i < due; i++)
		out[i] = order[i].index;
	return due;
}

void coarse_merge(const float *coarse, const float *full, gsize n, float *out)
{
	const struct line line = fit(coarse, full, n);

	for (gsize i = 0; i < n; i++)
		out[i] = isfinite(full[i]) ? full[i] : (float)(line.a + line.b * coarse[i]);
}
