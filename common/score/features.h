/*
 * features.h - a slide's heat map as a few numbers, after Wang et al. 2016 (arXiv 1606.05718, who take 28): how high
 * tiles score, how many do, and the largest group of neighbours that do.
 *
 * A tile's score is a logit; what is not finite was not read and is passed over. Scores are clamped to
 * +-FEATURES_LOGIT, where a probability differs from 0 or 1 by 1e-13. Slides have 1e3 to 1e5 tiles, so that tails are
 * quantiles too, and counts and sizes are logarithms.
 *
 * Errors: none; every feature is finite, whatever comes in. Threads: no state.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

#define FEATURES_LOGIT 30.0

/* The largest connected group of tiles of a probability over a half. All 0: there is none. */
struct feature_component {
	double largest_area;    /* um2 */
	double longest_axis;    /* um */
	double mean;            /* of its tiles' logits */
	double density;         /* its area / that of the square whose diagonal is its longest axis, at most 1 */
};

struct feature {
	const char *name, *transform, *help;
	gint8 sign;             /* 1: more of it must not make the slide less probable; 0: free */
};

enum {
	FEATURE_HIGHEST, FEATURE_TOP_3, FEATURE_TOP_10, FEATURE_TOP_K, FEATURE_Q50, FEATURE_Q90, FEATURE_Q99, FEATURE_Q999,
	FEATURE_COUNT_50, FEATURE_COUNT_90, FEATURE_SHARE_50, FEATURE_SHARE_90, FEATURE_AREA, FEATURE_AXIS,
	FEATURE_MEAN, FEATURE_DENSITY, N_FEATURES
};
extern const struct feature feature_table[N_FEATURES];
/* A feature's number by its name; N_FEATURES where there is none of it. */
guint feature_find(const char *name);

/* logits: of `share` of the case's tiles, above 0 to 1. out: (N_FEATURES). top_k is the mean of the k highest. FALSE: no tile was
   read, and out is as of one tile of logit 0 that is not counted. */
gboolean features_of(const float *logits, gsize n, double share, guint k, const struct feature_component *largest_opt,
		     double *out);

G_END_DECLS
