/* score.c - see score.h. */
#include "common/score/score.h"
#include "common/metrics/metrics.h"
#include <math.h>

double score_top_mean(const float *values, gsize n, guint k)
{
	g_autofree double *top = g_new(double, MAX(k, 1)); /* descending */
	guint have = 0;

	for (gsize i = 0; i < n; i++) {
		double v = values[i];
		if (!isfinite(v) || (have == k && v <= top[k - 1]))
			continue;
		guint at = have < k ? have++ : k - 1;
		for (; at > 0 && top[at - 1] < v; at--)
			top[at] = top[at - 1];
		top[at] = v;
	}
	double sum = 0;
	for (guint i = 0; i < have; i++)
		sum += top[i];
	return have > 0 ? sum / have : NAN;
}

struct ranked { float value; guint32 index; };

static int highest(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

gsize score_order(const float *values, gsize n, guint32 *order)
{
	g_autofree struct ranked *ranked = g_new(struct ranked, n + 1);
	gsize finite = 0;

	for (gsize i = 0; i < n; i++)
		if (isfinite(values[i]))
			ranked[finite++] = (struct ranked){ values[i], (guint32)i };
	qsort(ranked, finite, sizeof *ranked, highest);
	for (gsize i = 0; i < finite; i++)
		order[i] = ranked[i].index;
	return finite;
}

double score_background(const float *values, gsize n, double quantile)
{
	g_autofree double *sorted = g_new(double, n + 1);
	gsize read = 0;

	for (gsize i = 0; i < n; i++)
		if (isfinite(values[i]))
			sorted[read++] = values[i];
	if (read == 0 || quantile <= 0)
		return 0;
	metrics_sort(sorted, read);
	return MIN(metrics_quantile(sorted, read, quantile), 0);
}

double score_probability(struct score_fit fit, double x)
{
	return 1 / (1 + exp(-(fit.slope * x + fit.intercept)));
}

/* log loss of one case with target t at margin z, without overflow */
static double loss_at(double z, double t) { return (z > 0 ? z : 0) - z * t + log1p(exp(-fabs(z))); }

static double loss_of(struct score_fit f, const double *x, const double *target, gsize n)
{
	double sum = 0;

	for (gsize i = 0; i < n; i++)
		sum += loss_at(f.slope * x[i] + f.intercept, target[i]);
	return sum;
}

/* One damped Newton step over centred, scaled x; false when it no longer helps. */
static gboolean newton(struct score_fit *f, const double *x, const double *target, gsize n)
{
	double ga = 0, gb = 0, haa = 1e-9, hab = 0, hbb = 1e-9;

	for (gsize i = 0; i < n; i++) {
		double p = score_probability(*f, x[i]), d = p - target[i], h = p * (1 - p);
		ga += d * x[i];
		gb += d;
		haa += h * x[i] * x[i];
		hab += h * x[i];
		hbb += h;
	}
	double det = haa * hbb - hab * hab;
	double da = -(hbb * ga - hab * gb) / det, db = -(haa * gb - hab * ga) / det;
	double before = loss_of(*f, x, target, n);

	for (double step = 1; step > 1e-6; step /= 2) {
		struct score_fit next = { f->slope + step * da, f->intercept + step * db };
		double after = loss_of(next, x, target, n);
		if (after < before) {
			*f = next;
			return before - after > 1e-12;
		}
	}
	return FALSE;
}

struct score_fit score_fit_logistic(const double *x, const guint8 *label, gsize n)
{
	g_autofree double *z = g_new(double, n + 1), *target = g_new(double, n + 1);
	gsize positive = 0, finite = 0;
	double mean = 0, scale = 0;

	for (gsize i = 0; i < n; i++) {
		if (!isfinite(x[i]))
			continue;
		z[finite] = x[i];
		target[finite++] = label[i];
		positive += label[i];
	}
	n = finite;
	for (gsize i = 0; i < n; i++)
		mean += z[i] / (double)n;
	for (gsize i = 0; i < n; i++)
		scale += (z[i] - mean) * (z[i] - mean) / (double)n;
	scale = sqrt(scale);
	gsize negative = n - positive;
	double high = ((double)positive + 1) / ((double)positive + 2), low = 1 / ((double)negative + 2);
	/* with n = 0 the share is a half */
	double share = ((double)positive + 1) / ((double)n + 2);
	struct score_fit plain = { 1, log(share / (1 - share)) - mean };

	if (positive == 0 || negative == 0 || !(scale > 0))
		return plain;
	for (gsize i = 0; i < n; i++) {
		z[i] = (z[i] - mean) / scale;
		target[i] = target[i] > 0 ? high : low;
	}
	struct score_fit f = { 0, log(share / (1 - share)) };
	for (int i = 0; i < 100 && newton(&f, z, target, n); i++)
		;
	if (!(f.slope > 0.01) || !isfinite(f.intercept))
		return plain;
	return (struct score_fit){ f.slope / scale, f.intercept - f.slope * mean / scale };
}
