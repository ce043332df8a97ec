/* calibration.c - see calibration.h. */
#include "common/metrics/calibration.h"
#include <math.h>

/* ---- bins ---- */

struct judged { double probability; gsize positive; };

static int compare_judged(const void *a, const void *b)
{
	const struct judged *x = a, *y = b;

	return (x->probability > y->probability) - (x->probability < y->probability);
}

/* (n), the lowest first. */
static struct judged *in_order(const double *probability, const guint8 *label, gsize n)
{
	struct judged *order = g_new(struct judged, n + 1);

	for (gsize i = 0; i < n; i++)
		order[i] = (struct judged){ probability[i], label[i] != 0 };
	qsort(order, n, sizeof *order, compare_judged);
	return order;
}

static struct calibration_bin make_bin(const struct judged *first, gsize n, double level)
{
	struct calibration_bin bin = { .n = n, .low = first[0].probability, .high = first[n - 1].probability };
	gsize positives = 0;

	for (gsize i = 0; i < n; i++) {
		bin.mean += first[i].probability;
		positives += first[i].positive;
	}
	bin.mean /= (double)n;
	bin.observed = metrics_wilson_interval(positives, n, level);
	return bin;
}

GArray *calibration_bins(const double *probability, const guint8 *label, gsize n, guint most, double level)
{
	g_autofree struct judged *order = in_order(probability, label, n);
	GArray *bins = g_array_new(FALSE, FALSE, sizeof(struct calibration_bin));
	gsize from = 0, below = 0;      /* where this bin begins; the cases below the one at i */

	for (gsize i = 1; i <= n; i++) {
		gsize bin = below * most / n;
		if (i < n && order[i].probability > order[i - 1].probability)
			below = i;
		if (i < n && below * most / n == bin)
			continue;
		struct calibration_bin made = make_bin(order + from, i - from, level);
		g_array_append_val(bins, made);
		from = i;
	}
	return bins;
}

double calibration_error(const GArray *bins)
{
	double sum = 0, n = 0;

	for (guint i = 0; i < bins->len; i++) {
		const struct calibration_bin *bin = &g_array_index(bins, struct calibration_bin, i);
		sum += (double)bin->n * fabs(bin->mean - bin->observed.value);
		n += (double)bin->n;
	}
	return sum / n;
}

/* ---- recalibration ---- */

enum { MOST_STEPS = 100, LONGEST_STEP = 4 /* of a case's logit */ };

struct line { double intercept, slope; };       /* logit(P) = intercept + slope * x */

struct fit {
	double *x;              /* (n) logits */
	const guint8 *label;    /* (n) */
	gsize n;
	double low, high;       /* of x */
};

static double logistic(double z) { return 1 / (1 + exp(-z)); }

static double loss(const struct fit *f, struct line l)
{
	double sum = 0;

	for (gsize i = 0; i < f->n; i++) {
		double z = l.intercept + l.slope * f->x[i];
		sum -= log(logistic(f->label[i] != 0 ? z : -z));
	}
	return sum;
}

/* About the weighted mean of x the information matrix is diagonal. */
struct information {
	double weight, mean, spread;    /* sum w, mean x, sum w (x - mean)^2; w = P (1 - P) */
	double lift, tilt;              /* the gradient: sum (label - P), and the same times (x - mean) */
};

static struct information inform(const struct fit *f, struct line l)
{
	struct information in = { 0 };

	for (gsize i = 0; i < f->n; i++) {
		double z = l.intercept + l.slope * f->x[i], w = logistic(z) * logistic(-z);
		in.weight += w;
		in.mean += w * f->x[i];
	}
	in.mean /= in.weight;
	for (gsize i = 0; i < f->n; i++) {
		double z = l.intercept + l.slope * f->x[i], w = logistic(z) * logistic(-z);
		double miss = f->label[i] != 0 ? logistic(-z) : -logistic(z), off = f->x[i] - in.mean;
		in.spread += w * off * off;
		in.lift += miss;
		in.tilt += miss * off;
	}
	return in;
}

/* Newton's method from the middle. Steps are cut to LONGEST_STEP, since far out the curvature says nothing, and halved
   until they help. The maximum must exist. */
static struct line maximise(const struct fit *f, gboolean with_slope)
{
	struct line l = { 0, with_slope ? 0 : 1 };

	for (int i = 0; i < MOST_STEPS; i++) {
		struct information in = inform(f, l);
		double turn = with_slope ? in.tilt / in.spread : 0, rise = in.lift / in.weight - in.mean * turn;
		double farthest = MAX(fabs(rise + turn * f->low), fabs(rise + turn * f->high));
		double most = loss(f, l) * (1 + 1e-9), step = MIN(1, LONGEST_STEP / farthest);
		struct line next;
		do {
			next = (struct line){ l.intercept + step * rise, l.slope + step * turn };
			step /= 2;
		} while (step > 1e-9 && !(loss(f, next) <= most));
		l = next;
		if (farthest < 1e-10)   /* the error left is of its square */
			break;
	}
	return l;
}

/* FALSE: one value of x has all of one class on its one side and all of the other on the other, or itself. */
static gboolean overlap(const struct fit *f)
{
	double low[2] = { INFINITY, INFINITY }, high[2] = { -INFINITY, -INFINITY };

	for (gsize i = 0; i < f->n; i++) {
		int class = f->label[i] != 0;
		low[class] = MIN(low[class], f->x[i]);
		high[class] = MAX(high[class], f->x[i]);
	}
	return low[0] < high[1] && low[1] < high[0];
}

struct recalibration calibration_fit(const double *probability, const guint8 *label, gsize n, double level)
{
	const struct interval none = { NAN, NAN, NAN };
	struct recalibration r = { none, none, none };
	g_autofree double *x = g_new(double, n + 1);
	struct fit f = { x, label, n, INFINITY, -INFINITY };
	gsize positives = 0;

	for (gsize i = 0; i < n; i++) {
		double p = CLAMP(probability[i], 1e-6, 1 - 1e-6);
		x[i] = log(p) - log1p(-p);
		f.low = MIN(f.low, x[i]);
		f.high = MAX(f.high, x[i]);
		positives += label[i] != 0;
	}
	if (positives == 0 || positives == n)
		return r;
	struct line l = maximise(&f, FALSE);
	struct information in = inform(&f, l);
	r.in_the_large = metrics_normal_interval(l.intercept, 1 / in.weight, level);
	if (!overlap(&f))
		return r;
	l = maximise(&f, TRUE);
	in = inform(&f, l);
	r.slope = metrics_normal_interval(l.slope, 1 / in.spread, level);
	r.intercept = metrics_normal_interval(l.intercept, 1 / in.weight + in.mean * in.mean / in.spread, level);
	return r;
}
