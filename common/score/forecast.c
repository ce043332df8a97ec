/* forecast.c - see forecast.h. */
#include "common/score/forecast.h"
#include "common/metrics/metrics.h"
#include <math.h>

enum { GRID = 96, MOST_SLIDES = 2000 }; /* true AUCs, which lie too far apart for more slides */

/* ---- the AUC ---- */

struct beta { double a, b; };

/* Of an AUC of that many slides of each class where the true one is `at`. */
static struct beta beta_of(double at, double positives, double negatives)
{
	double q1 = at / (2 - at), q2 = 2 * at * at / (1 + at), spread = at * (1 - at);
	double variance = (spread + (positives - 1) * (q1 - at * at) + (negatives - 1) * (q2 - at * at)) /
			  (positives * negatives);
	/* one slide of each class: the variance of a coin, of which there is no density */
	double size = MAX(spread / variance - 1, 1e-3);

	return (struct beta){ at * size, (1 - at) * size };
}

static double below(struct beta b, double x) { return metrics_beta_cdf(b.a, b.b, x); }

/* Evenly spaced in the square root of what an AUC lacks to 1. */
static double true_auc(int i)
{
	double root = (GRID - i - 0.5) / GRID;

	return 1 - (1 - FORECAST_LEAST) * root * root;
}

/* Finite scores alone; *positives of them. */
static gsize finite_slides(const double *score, const guint8 *label, gsize n, double *x, guint8 *y, gsize *positives)
{
	gsize kept = 0;

	*positives = 0;
	for (gsize i = 0; i < n; i++) {
		if (!isfinite(score[i]))
			continue;
		x[kept] = score[i];
		y[kept++] = label[i] != 0;
		*positives += label[i] != 0;
	}
	return kept;
}

/* weight: (GRID), which sums to 1. */
static void posterior(double seen, double positives, double negatives, double *weight)
{
	double half = 0.5 / (positives * negatives), sum = 0;

	for (int i = 0; i < GRID; i++) {
		struct beta b = beta_of(true_auc(i), positives, negatives);
		/* a seen AUC that none explains is far below all: as if of the least */
		weight[i] = below(b, seen + half) - below(b, seen - half) + (i == 0 ? 1e-12 : 0);
		sum += weight[i];
	}
	for (int i = 0; i < GRID; i++)
		weight[i] /= sum;
}

/* The most pairs of `pairs` for which the forecast is below them with at most probability p. */
static guint64 pairs_at(const double *weight, const struct beta *of, guint64 pairs, double p)
{
	guint64 low = 0, high = pairs;

	while (high - low > 1) {
		guint64 middle = low + (high - low) / 2;
		double sum = 0;
		for (int i = 0; i < GRID; i++)
			if (weight[i] > 1e-9)
				sum += weight[i] * below(of[i], (double)middle / (double)pairs);
		if (sum <= p)
			low = middle;
		else
			high = middle;
	}
	return low;
}

struct forecast_auc forecast_auc(const double *score, const guint8 *label, gsize n, gsize n_test, double level)
{
	g_autofree double *x = g_new(double, n + 1);
	g_autofree guint8 *y = g_new(guint8, n + 1);
	struct forecast_auc f = { NAN, NAN, NAN, NAN, 0 };
	double weight[GRID];
	struct beta of[GRID];
	gsize positives;

	n = finite_slides(score, label, n, x, y, &positives);
	f.seen = metrics_auc(x, y, n);
	if (isnan(f.seen) || n_test < 2)
		return f;
	double share = (double)positives / (double)n;
	f.test_positives = CLAMP((gsize)lround(share * (double)n_test), 1, n_test - 1);
	double most = (double)MIN(n, MOST_SLIDES);
	posterior(f.seen, MAX(share * most, 1), MAX((1 - share) * most, 1), weight);
	f.expected = 0;
	for (int i = 0; i < GRID; i++) {
		of[i] = beta_of(true_auc(i), (double)f.test_positives, (double)(n_test - f.test_positives));
		f.expected += weight[i] * true_auc(i);
	}
	guint64 pairs = (guint64)f.test_positives * (n_test - f.test_positives);
	f.low = (double)pairs_at(weight, of, pairs, (1 - level) / 2) / (double)pairs;
	f.high = (double)(pairs_at(weight, of, pairs, (1 + level) / 2) + 1) / (double)pairs;
	return f;
}

/* ---- colour ---- */

enum { NEIGHBOURS = 5 };
static const double LEAST_UNIT = 0.004;

static gboolean known(const double *c) { return isfinite(c[0]) && isfinite(c[1]) && isfinite(c[2]); }

/* Mean distance of a colour to its nearest in (n, 3), but for number `self`. */
static double to_nearest(const double *c, const double *colour, gsize n, gsize self)
{
	double nearest[NEIGHBOURS];     /* ascending */
	guint have = 0;
	double sum = 0;

	for (gsize i = 0; i < n; i++) {
		const double *o = colour + 3 * i;
		if (i == self || !known(o))
			continue;
		double far = sqrt((c[0] - o[0]) * (c[0] - o[0]) + (c[1] - o[1]) * (c[1] - o[1]) + (c[2] - o[2]) * (c[2] - o[2]));
		if (have == NEIGHBOURS && far >= nearest[have - 1])
			continue;
		guint at = have < NEIGHBOURS ? have++ : have - 1;
		for (; at > 0 && nearest[at - 1] > far; at--)
			nearest[at] = nearest[at - 1];
		nearest[at] = far;
	}
	for (guint i = 0; i < have; i++)
		sum += nearest[i];
	return have > 0 && known(c) ? sum / have : (double)NAN;
}

static gsize finite_only(const double *from, gsize n, double *to)
{
	gsize kept = 0;

	for (gsize i = 0; i < n; i++)
		if (isfinite(from[i]))
			to[kept++] = from[i];
	metrics_sort(to, kept);
	return kept;
}

double forecast_distances(const double *colour, gsize n, const double *test_colour, gsize n_test, double *distance,
			  double *test_distance)
{
	g_autofree double *sorted = g_new(double, n + 1);

	for (gsize i = 0; i < n; i++)
		distance[i] = to_nearest(colour + 3 * i, colour, n, i);
	gsize found = finite_only(distance, n, sorted);
	double unit = found > 0 ? MAX(metrics_quantile(sorted, found, 0.5), LEAST_UNIT) : LEAST_UNIT;
	for (gsize i = 0; i < n; i++)
		distance[i] /= unit;
	for (gsize i = 0; i < n_test; i++)
		test_distance[i] = to_nearest(test_colour + 3 * i, colour, n, n) / unit;
	return unit;
}

struct placed { double distance, score; guint8 label; };

static int by_distance(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return (x->distance > y->distance) - (x->distance < y->distance);
}

static struct forecast_part part_of(const struct placed *p, gsize n)
{
	g_autofree double *score = g_new(double, n + 1);
	g_autofree guint8 *label = g_new(guint8, n + 1);
	struct forecast_part part = { .n = n, .nearest = NAN, .farthest = NAN, .auc = { NAN, NAN, NAN } };

	for (gsize i = 0; i < n; i++) {
		score[i] = p[i].score;
		label[i] = p[i].label;
		part.positives += p[i].label;
	}
	part.few = MIN(part.positives, n - part.positives) < FORECAST_FEW;
	if (n > 0) {
		part.nearest = p[0].distance;
		part.farthest = p[n - 1].distance;
	}
	if (!part.few)
		part.auc = metrics_auc_interval(score, label, n, 0.95);
	return part;
}

struct forecast_colour forecast_by_colour(const double *distance, const double *score, const guint8 *label, gsize n,
					  const double *test_distance, gsize n_test)
{
	g_autofree struct placed *p = g_new(struct placed, n + 1);
	struct forecast_colour f = { 0 };
	gsize kept = 0;

	for (gsize i = 0; i < n; i++)
		if (isfinite(distance[i]) && isfinite(score[i]))
			p[kept++] = (struct placed){ distance[i], score[i], label[i] != 0 };
	qsort(p, kept, sizeof *p, by_distance);
	for (gsize k = 0; k < FORECAST_PARTS; k++) {
		gsize from = kept * k / FORECAST_PARTS, to = kept * (k + 1) / FORECAST_PARTS;
		f.parts[k] = part_of(p + from, to - from);
	}
	for (gsize i = 0; i < n_test; i++) {
		guint k = FORECAST_PARTS - 1;
		if (!isfinite(test_distance[i])) {
			f.unknown++;
			continue;
		}
		while (k > 0 && !(test_distance[i] >= f.parts[k].nearest))
			k--;
		f.parts[k].test++;
	}
	return f;
}

gboolean forecast_beyond(const double *distance, gsize n, const double *test_distance, gsize n_test, gsize *beyond)
{
	double farthest = 0;
	gsize known = 0;

	for (gsize i = 0; i < n; i++)
		farthest = distance[i] > farthest ? distance[i] : farthest;
	*beyond = 0;
	for (gsize i = 0; i < n_test; i++) {
		known += isfinite(test_distance[i]) ? 1 : 0;
		*beyond += test_distance[i] > farthest ? 1 : 0;
	}
	return n > 0 && *beyond > 1 + 3 * known / n;
}
