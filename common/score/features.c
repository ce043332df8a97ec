/* features.c - see features.h. */
#include "common/score/features.h"
#include "common/metrics/metrics.h"
#include <math.h>

const struct feature feature_table[N_FEATURES] = {
	[FEATURE_HIGHEST] = { "highest", "logit", "the highest tile", 1 },
	[FEATURE_TOP_3] = { "top_3", "logit", "mean of the 3 highest", 1 },
	[FEATURE_TOP_10] = { "top_10", "logit", "mean of the 10 highest", 1 },
	[FEATURE_TOP_K] = { "top_k", "logit", "mean of the score.top highest", 1 },
	[FEATURE_Q50] = { "q50", "logit", "half of the tiles are higher", 0 },
	[FEATURE_Q90] = { "q90", "logit", "a tenth of the tiles is higher", 1 },
	[FEATURE_Q99] = { "q99", "logit", "a hundredth is higher", 1 },
	[FEATURE_Q999] = { "q999", "logit", "a thousandth is higher", 1 },
	[FEATURE_COUNT_50] = { "count_50", "log(1 + x)", "tiles over 0.5", 1 },
	[FEATURE_COUNT_90] = { "count_90", "log(1 + x)", "tiles over 0.9", 1 },
	[FEATURE_SHARE_50] = { "share_50", "log((x + 1/2) / (n + 1))", "their share of the tiles", 1 },
	[FEATURE_SHARE_90] = { "share_90", "log((x + 1/2) / (n + 1))", "their share of the tiles", 1 },
	[FEATURE_AREA] = { "area", "log(1 + x)", "um2 of the largest group over 0.5", 1 },
	[FEATURE_AXIS] = { "axis", "log(1 + x)", "um, its longest axis", 1 },
	[FEATURE_MEAN] = { "mean", "logit", "mean of its tiles", 1 },
	[FEATURE_DENSITY] = { "density", "as it is", "its share of the square over its axis", 0 },
};

guint feature_find(const char *name)
{
	guint i = 0;

	while (i < N_FEATURES && !g_str_equal(feature_table[i].name, name))
		i++;
	return i;
}

/* Finite ones, clamped, the lowest first; *n is how many. */
static double *in_order(const float *logits, gsize *n)
{
	double *sorted = g_new(double, *n + 1);
	gsize read = 0;

	for (gsize i = 0; i < *n; i++)
		if (isfinite(logits[i]))
			sorted[read++] = CLAMP((double)logits[i], -FEATURES_LOGIT, FEATURES_LOGIT);
	metrics_sort(sorted, read);
	*n = read;
	return sorted;
}

static double top_mean(const double *sorted, gsize n, gsize k)
{
	double sum = 0;

	k = CLAMP(k, 1, n);
	for (gsize i = n - k; i < n; i++)
		sum += sorted[i];
	return sum / (double)k;
}

static double count_over(const double *sorted, gsize n, double logit)
{
	gsize over = 0;

	while (over < n && sorted[n - 1 - over] > logit)
		over++;
	return (double)over;
}

/* 0..1e15, whatever it was: a square metre is 1e12 um2. */
static double log_size(double size)
{
	return size > 0 ? log1p(MIN(size, 1e15)) : 0;
}

static double within(double x, double low, double high)
{
	return isnan(x) ? 0 : CLAMP(x, low, high);
}

gboolean features_of(const float *logits, gsize n, double share, guint k, const struct feature_component *largest_opt,
		     double *out)
{
	const struct feature_component none = { 0 }, *largest = largest_opt != NULL ? largest_opt : &none;
	g_autofree double *sorted = in_order(logits, &n);
	gboolean read = n > 0;
	double over_50 = count_over(sorted, n, 0), over_90 = count_over(sorted, n, log(9)); /* the logit of 0.9 */

	if (!read)
		sorted[n++] = 0;
	out[FEATURE_HIGHEST] = sorted[n - 1];
	out[FEATURE_TOP_3] = top_mean(sorted, n, 3);
	out[FEATURE_TOP_10] = top_mean(sorted, n, 10);
	out[FEATURE_TOP_K] = top_mean(sorted, n, k);
	out[FEATURE_Q50] = metrics_quantile(sorted, n, 0.5);
	out[FEATURE_Q90] = metrics_quantile(sorted, n, 0.9);
	out[FEATURE_Q99] = metrics_quantile(sorted, n, 0.99);
	out[FEATURE_Q999] = metrics_quantile(sorted, n, 0.999);
	out[FEATURE_COUNT_50] = log1p(over_50 / share);
	out[FEATURE_COUNT_90] = log1p(over_90 / share);
	out[FEATURE_SHARE_50] = log((over_50 + 0.5) / ((double)n + 1));
	out[FEATURE_SHARE_90] = log((over_90 + 0.5) / ((double)n + 1));
	out[FEATURE_AREA] = log_size(largest->largest_area);
	out[FEATURE_AXIS] = log_size(largest->longest_axis);
	out[FEATURE_MEAN] = within(largest->mean, -FEATURES_LOGIT, FEATURES_LOGIT);
	out[FEATURE_DENSITY] = within(largest->density, 0, 1);
	return read;
}
