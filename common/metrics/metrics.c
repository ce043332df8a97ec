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
		return metrics_binomial_interval(p.auc, MIN(p.positives, p.negatives), level);
	logit = log(p.auc / (1 - p.auc));
	reach = metrics_normal_quantile(0.5 + level / 2) * sqrt(variance) / (p.auc * (1 - p.auc));
	return (struct interval){ p.auc, 1 / (1 + exp(reach - logit)), 1 / (1 + exp(-reach - logit)) };
}

struct auc_test metrics_auc_test(const double *a, const double *b, const guint8 *label, gsize n, double level)
{
	struct placements pa, pb;
	double difference, variance;
	gboolean alike = TRUE;

	placements_init(&pa, a, label, n);
	placements_init(&pb, b, label, n);
	difference = pa.auc - pb.auc;
	variance = delong_variance(&pa, &pb, label, n);
	for (gsize i = 0; i < n; i++)
		alike &= pa.wins[i] == pb.wins[i];
	placements_clear(&pa);
	placements_clear(&pb);
	if (!(variance > 0) && !(variance >= 0 && alike))
		return (struct auc_test){ { difference, NAN, NAN }, NAN };
	return (struct auc_test){ metrics_normal_interval(difference, variance, level),
				  alike ? 1 : erfc(fabs(difference) / sqrt(2 * variance)) };
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

struct roc_point metrics_at_specificity(const GArray *roc, double specificity)
{
	struct roc_point best = { NAN, NAN, NAN };

	for (guint i = 0; i < roc->len; i++) {
		const struct roc_point *p = &g_array_index(roc, struct roc_point, i);

		/* a specificity such as 0.9 is not exact; counts that meet it do */
		if (p->specificity >= specificity - 1e-12 && !(p->sensitivity <= best.sensitivity))
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

double metrics_brier(const double *probability, const guint8 *label, gsize n)
{
	double sum = 0;

	for (gsize i = 0; i < n; i++) {
		double off = probability[i] - (label[i] != 0);

		sum += off * off;
	}
	return n > 0 ? sum / (double)n : NAN;
}

double metrics_log_loss(const double *probability, const guint8 *label, gsize n)
{
	double sum = 0;

	for (gsize i = 0; i < n; i++) {
		double p = CLAMP(probability[i], 1e-15, 1 - 1e-15);

		sum -= label[i] != 0 ? log(p) : log1p(-p);
	}
	return n > 0 ? sum / (double)n : NAN; /* 0 / 0 has a sign, which logs would show */
}

struct saturation metrics_saturation(const double *score, gsize n, double end)
{
	g_autofree struct ranked *order = rank(score, n);
	struct saturation s = { 0 };

	for (gsize i = 0; i < n; i++) {
		s.tied += (i > 0 && order[i].score <= order[i - 1].score) ||
			(i + 1 < n && order[i].score >= order[i + 1].score);
		s.high += order[i].score > 1 - end;
		s.low += order[i].score < end;
	}
	return s;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void metrics_sort(double *values, gsize n) { qsort(values, n, sizeof *values, by_value); }

double metrics_quantile(const double *sorted, gsize n, double q)
{
	double at = CLAMP(q, 0, 1) * (double)(n - 1);
	gsize below = (gsize)at;
	double part = at - (double)below;

	return part > 0 ? sorted[below] + part * (sorted[below + 1] - sorted[below]) : sorted[below];
}
