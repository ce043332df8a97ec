/*
 * metrics.h - how good answers are.
 *
 * Labels are 0 or 1, scores finite, higher for 1. Ties count half. Intervals are two-sided at `level`
 * (interval.h). A value that needs a class that is missing is NAN. Cases are taken as independent: where data.group puts
 * several slides of a patient together they are not, and intervals are too narrow (Obuchowski 1997).
 */
#pragma once
#include "common/metrics/interval.h"

G_BEGIN_DECLS

/* Area under the ROC curve: Mann-Whitney's U over the pairs (Hanley & McNeil 1982). O(n log n). */
double metrics_auc(const double *score, const guint8 *label, gsize n);
/* With DeLong's variance (DeLong et al. 1988, in the fast form of Sun & Xu 2014), on the logit scale, so
   that it stays within 0..1. Where that variance is 0 (all pairs in order, or all tied) or cannot be had
   (a single case of a class), the exact binomial interval takes its place, as if the AUC were a share of
   as many cases as the rarer class has (Clopper & Pearson 1934). */
struct interval metrics_auc_interval(const double *score, const guint8 *label, gsize n, double level);
/* DeLong's test of two scores of the same cases: auc(a) - auc(b) with its interval, and the two-sided p that they are
   the same (DeLong et al. 1988). p is 1, and the interval 0 to 0, where the scores order all pairs alike; both are
   NAN where a class has fewer than two cases or the difference has no variance. */
struct auc_test { struct interval difference; double p; };
struct auc_test metrics_auc_test(const double *a, const double *b, const guint8 *label, gsize n, double level);

struct roc_point { double threshold, sensitivity, specificity; };
/* The curve, from (0 sensitivity, 1 specificity; threshold INFINITY) on, one point a distinct score, the
   highest first; an array of struct roc_point, g_array_unref() it. "Positive" is score >= threshold. */
GArray *metrics_roc(const double *score, const guint8 *label, gsize n);
/* The point of the highest sensitivity at a specificity of at least this; of equal ones that of the highest threshold. */
struct roc_point metrics_at_specificity(const GArray *roc, double specificity);

struct confusion { gsize tp, fp, tn, fn; };
struct confusion metrics_confusion(const double *score, const guint8 *label, gsize n, double threshold);

/* Of probabilities: mean squared error (Brier 1950) and mean log loss, natural, clipped at 1e-15. NAN
   without a case. */
double metrics_brier(const double *probability, const guint8 *label, gsize n);
double metrics_log_loss(const double *probability, const guint8 *label, gsize n);

/* What a saturated network does to an order: scores that equal another, those above 1 - end, those below end. */
struct saturation { gsize tied, high, low; };
struct saturation metrics_saturation(const double *score, gsize n, double end);

/* Puts numbers in order, the lowest first. */
void metrics_sort(double *values, gsize n);
/* Of an ordered list of numbers, linear between ranks (type 7 of Hyndman & Fan 1996); q 0..1; n > 0. */
double metrics_quantile(const double *sorted, gsize n, double q);

G_END_DECLS
