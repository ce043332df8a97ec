/*
 * metrics.c - see metrics.h. Everything about the ROC curve comes from one ordering of the scores and from
 * whole numbers of pairs, so that ties count exactly half and equal placements have a variance of exactly 0.
 */
#include "common/metrics/metrics.h"
#include <math.h>

struct ranked {
	double score;
	gsize index;    /* in the caller's arrays */
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return (x->score > y->score) - (x->score < y->score);
}

/* (n), lowest score first. */
static struct ranked *rank(const double *score, gsize n)
{
	struct ranked *order = g_new(struct ranked, n);

	for (gsize i = 0; i < n; i++)
		order[i] = (struct ranked){ score[i], i };
	if (n > 0)
		qsort(order, n, sizeof *order, compare_ranked);
	return order;
}

/* The end of the run of equal scores that begins at i; *positives of them are of class 1. */
static gsize run_end(const struct ranked *order, const guint8 *label, gsize n, gsize i, gsize *positives)
{
	gsize end = i;

	*positives = 0;
	for (; end == i || (end < n && order[end].score == order[i].score); end++)
		*positives += label[order[end].index] != 0;
	return end;
}

/* DeLong's placements: for a case, twice the cases of the other class that it is in order with, a tie
   counting half. */
struct placements {
	gsize positives, negatives;
	gint64 *wins;   /* (n) of each case */
	double auc;     /* NAN: a class is missing */
};

static void placements_init(struct placements *p, const double *score, const guint8 *label, gsize n)
{
	g_autofree struct ranked *order = rank(score, n);
	gsize below[2] = { 0, 0 };      /* cases of lower score, by class */
	guint64 pairs = 0;              /* in order, twice */

	*p = (struct placements){ .wins = g_new(gint64, n) };
	for (gsize i = 0; i < n; i++)
		p->positives += label[i] != 0;
	p->negatives = n - p->positives;
	for (gsize i = 0, end; i < n; i = end) {
		gsize ones, zeros;

		end = run_end(order, label, n, i, &ones);
		zeros = end - i - ones;
		for (gsize j = i; j < end; j++)
			p->wins[order[j].index] = label[order[j].index] != 0 ?
				(gint64)(2 * below[0] + zeros) :
				(gint64)(2 * (p->positives - below[1] - ones) + ones);
		pairs += (guint64)ones * (2 * below[0] + zeros);
		below[0] += zeros;
		below[1] += ones;
	}
	p->auc = p->positives == 0 || p->negatives == 0 ? (double)NAN :
		(double)pairs / (2.0 * (double)p->positives * (double)p->negatives);
}

static void placements_clear(struct placements *p)
{
	g_free(p->wins);
}

/* The variance of the mean placement of one class, of a or of the difference a - b; NAN: fewer than two
   cases. */
static double class_variance(const struct placements *a, const struct placements *b_opt, const guint8 *label,
			     gsize n, gboolean positive)
{
	gsize cases = positive ? a->positives : a->negatives;
	gsize others = positive ? a->negatives : a->positives;
	gint64 sum = 0;
	double mean, squares = 0;

	if (cases < 2 || others == 0)
		return (double)NAN;
	for (gsize i = 0; i < n; i++)
		if ((label[i] != 0) == positive)
			sum += a->wins[i] - (b_opt != NULL ? b_opt->wins[i] : 0);
	mean = (double)sum / (double)cases;
	for (gsize i = 0; i < n; i++)
		if ((label[i] != 0) == positive) {
			gint64 wins = a->wins[i] - (b_opt != NULL ? b_opt->wins[i] : 0);

			squares += ((double)wins - mean) * ((double)wins - mean);
		}
	return squares / ((double)cases - 1) / (4.0 * (double)others * (double)others) / (double)cases;
}

static double delong_variance(const struct placements *a, const struct placements *b_opt, const guint8 *label,
			      gsize n)
{
	return class_variance(a, b_opt, label, n, TRUE) + class_variance(a, b_opt, label, n, FALSE);
}

double metrics_auc(const double *score, const guint8 *label, gsize n)
{
	struct placements p;

	placements_init(&p, score, label, n);
	placements_clear(&p);
	return p.auc;
}

/* The continued fraction of the incomplete beta function, by Lentz's method (Press et al., Numerical
   Recipes, 6.4). */
static double beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1), h;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	h = d;
	for (int m = 1; m < 10000; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double step;

		d = 1 + even * d;
		c = 1 + even / c;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = fabs(c) < tiny ? tiny : c;
		h *= d * c;
		d = 1 + odd * d;
		c = 1 + odd / c;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = fabs(c) < tiny ? tiny : c;
		step = d * c;
		h *= step;
		if (fabs(step - 1) < 1e-15)
			break;
	}
	return h;
}

/* The distribution function of Beta(a, b); a, b > 0. */
static double beta_cdf(double a, double b, double x)
{
	double front;
	int sign;

	if (x <= 0 || x >= 1)
		return x >= 1;
	/* lgamma_r, for lgamma writes a global */
	front = exp(lgamma_r(a + b, &sign) - lgamma_r(a, &sign) - lgamma_r(b, &sign) + a * log(x) +
		    b * log1p(-x));
	return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a :
		1 - front * beta_fraction(b, a, 1 - x) / b;
}

static double beta_quantile(double a, double b, double p)
{
	double low = 0, high = 1;

	for (int i = 0; i < 100 && low < high; i++) {
		double middle = low + (high - low) / 2;

		if (beta_cdf(a, b, middle) < p)
			low = middle;
		else
			high = middle;
	}
	return low + (high - low) / 2;
}

/* Clopper & Pearson 1934, for a share of n cases; share * n need not be whole. */
static struct interval binomial_interval(double share, gsize n, double level)
{
	double tail = (1 - level) / 2, ones = share * (double)n, zeros = (double)n - ones;

	return (struct interval){
		.value = share,
		.low = ones > 0 ? beta_quantile(ones, zeros + 1, tail) : 0,
		.high = zeros > 0 ? beta_quantile(ones + 1, zeros, 1 - tail) : 1,
	};
}

struct interval metrics_auc_interval(const double *score, const guint8 *label, gsize n, double level)
{
	struct placements p;
	double variance, logit, reach;

	placements_init(&p, score, label, n);
	variance = delong_variance(&p, NULL, label, n);
	placements_clear(&p);
	if (isnan(p.auc))
		return (struct interval){ (double)NAN, (double)NAN, (double)NAN };
	if (!(variance > 0))
		return binomial_interval(p.auc, MIN(p.positives, p.negatives), level);
	logit = log(p.auc / (1 - p.auc));
	reach = metrics_normal_quantile(0.5 + level / 2) * sqrt(variance) / (p.auc * (1 - p.auc));
	return (struct interval){ p.auc, 1 / (1 + exp(reach - logit)), 1 / (1 + exp(-reach - logit)) };
}

double metrics_auc_test(const double *a, const double *b, const guint8 *label, gsize n, double *difference)
{
	struct placements pa, pb;
	double variance;
	gboolean alike = TRUE;

	placements_init(&pa, a, label, n);
	placements_init(&pb, b, label, n);
	variance = delong_variance(&pa, &pb, label, n);
	for (gsize i = 0; i < n; i++)
		alike &= pa.wins[i] == pb.wins[i];
	placements_clear(&pa);
	placements_clear(&pb);
	*difference = pa.auc - pb.auc;
	if (isnan(variance))
		return (double)NAN;
	if (variance > 0)
		return erfc(fabs(*difference) / sqrt(2 * variance));
	return alike ? 1 : (double)NAN;
}

GArray *metrics_roc(const double *score, const guint8 *label, gsize n)
{
	g_autofree struct ranked *order = rank(score, n);
	GArray *roc = g_array_new(FALSE, FALSE, sizeof(struct roc_point));
	gsize positives = 0, negatives, tp = 0, tn;
	struct roc_point point = { .threshold = (double)INFINITY };

	for (gsize i = 0; i < n; i++)
		positives += label[i] != 0;
	tn = negatives = n - positives;
	/* 0 / 0 is NAN, as it should be */
	point.sensitivity = (double)tp / (double)positives;
	point.specificity = (double)tn / (double)negatives;
	g_array_append_val(roc, point);
	for (gsize left = n; left > 0;) {
		point.threshold = order[left - 1].score;
		for (; left > 0 && order[left - 1].score == point.threshold; left--)
			if (label[order[left - 1].index] != 0)
				tp++;
			else
				tn--;
		point.sensitivity = (double)tp / (double)positives;
		point.specificity = (double)tn / (double)negatives;
		g_array_append_val(roc, point);
	}
	return roc;
}

double metrics_sensitivity_at(const GArray *roc, double specificity)
{
	double best = (double)NAN;

	for (guint i = 0; i < roc->len; i++) {
		const struct roc_point *p = &g_array_index(roc, struct roc_point, i);

		/* a specificity such as 0.9 is not exact; counts that meet it do */
		if (p->specificity >= specificity - 1e-12)
			best = p->sensitivity;
	}
	return best;
}

struct roc_point metrics_youden(const GArray *roc)
{
	struct roc_point best = g_array_index(roc, struct roc_point, 0);

	for (guint i = 1; i < roc->len; i++) {
		const struct roc_point *p = &g_array_index(roc, struct roc_point, i);

		if (p->sensitivity + p->specificity > best.sensitivity + best.specificity + 1e-12)
			best = *p;
	}
	return best;
}

struct confusion metrics_confusion(const double *score, const guint8 *label, gsize n, double threshold)
{
	struct confusion c = { 0 };

	for (gsize i = 0; i < n; i++) {
		if (score[i] >= threshold)
			*(label[i] != 0 ? &c.tp : &c.fp) += 1;
		else
			*(label[i] != 0 ? &c.fn : &c.tn) += 1;
	}
	return c;
}

double metrics_f(struct confusion c, double beta)
{
	double weight = beta * beta, hits = (1 + weight) * (double)c.tp;

	return hits / (hits + weight * (double)c.fn + (double)c.fp);
}

double metrics_brier(const double *probability, const guint8 *label, gsize n)
{
	double sum = 0;

	for (gsize i = 0; i < n; i++) {
		double off = probability[i] - (label[i] != 0);

		sum += off * off;
	}
	return sum / (double)n;
}

double metrics_log_loss(const double *probability, const guint8 *label, gsize n)
{
	double sum = 0;

	for (gsize i = 0; i < n; i++) {
		double p = CLAMP(probability[i], 1e-15, 1 - 1e-15);

		sum -= label[i] != 0 ? log(p) : log1p(-p);
	}
	return sum / (double)n;
}

double metrics_quantile(const double *sorted, gsize n, double q)
{
	double at = CLAMP(q, 0, 1) * (double)(n - 1);
	gsize below = (gsize)at;
	double part = at - (double)below;

	return part > 0 ? sorted[below] + part * (sorted[below + 1] - sorted[below]) : sorted[below];
}

double metrics_normal_cdf(double x)
{
	return 0.5 * erfc(-x / G_SQRT2);
}

/* For the lower half: Acklam's rational approximation (2003; 1.2e-9), then a step of Halley's method on
   erfc, which keeps its relative precision down to the smallest p. */
static double lower_quantile(double p)
{
	static const double a[] = { -3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02,
				    1.383577518672690e+02, -3.066479806614716e+01, 2.506628277459239e+00 };
	static const double b[] = { -5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
				    6.680131188771972e+01, -1.328068155288572e+01 };
	static const double c[] = { -7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
				    -2.549732539343734e+00, 4.374664141464968e+00, 2.938163982698783e+00 };
	static const double d[] = { 7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
				    3.754408661907416e+00 };
	double x, step;

	if (p < 0.02425) {
		double q = sqrt(-2 * log(p));

		x = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
			((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
	} else {
		double q = p - 0.5, r = q * q;

		x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
			(((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
	}
	step = (metrics_normal_cdf(x) - p) * sqrt(2 * G_PI) * exp(x * x / 2);
	return x - step / (1 + x * step / 2);
}

double metrics_normal_quantile(double p)
{
	if (!(p > 0 && p < 1))
		return p == 0 ? -(double)INFINITY : p == 1 ? (double)INFINITY : (double)NAN;
	return p > 0.5 ? -lower_quantile(1 - p) : lower_quantile(p);
}
