/*
 * logistic.h - logistic regression of a slide's features: few slides, many features that say the same, and signs that
 * are known beforehand.
 *
 * The fit minimises, over weights w of standardised features and a free intercept,
 *   (1 / n) sum log(1 + exp(-y z)) + lambda / 2 |w|^2,   w_j >= 0 where sign[j] is 1 (<= 0 where -1),
 * with y +-1 and z the margin: scikit-learn's C is 1 / (n lambda). Labels are taken as they are: the penalty keeps the
 * fit of separable slides finite, as Platt's targets would, and Platt's calibration follows on scores that were made
 * out of fold (choose.h). By projected Newton steps (Bertsekas 1982).
 *
 * lambda is the largest of a fixed grid whose cross-validated log loss is within one standard error of the least
 * (Breiman et al. 1984; Hastie, Tibshirani & Friedman 2009, 7.10). Slides of one group are never split. Folds are a
 * pure function of seed, groups and labels.
 *
 * A feature that is constant, or whose spread is not finite, has weight 0; one that is not finite counts as the mean.
 * One class only, or no slide: all weights are 0 and the intercept is that of the share (N+ + 1) / (n + 2).
 * Errors: none; every fit is finite. Threads: no state.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

enum { LOGISTIC_MOST = 32, LOGISTIC_FOLDS = 5 };

struct logistic_data {
	const double *x;                /* (n, p) */
	const guint8 *label;            /* (n) */
	const guint32 *group_opt;       /* (n); NULL: each slide is its own */
	const gint8 *sign_opt;          /* (p); NULL: all free */
	gsize n;
	guint p;                        /* up to LOGISTIC_MOST */
};

struct logistic {
	guint p;
	double mean[LOGISTIC_MOST], scale[LOGISTIC_MOST];       /* z = (x - mean) scale; scale 0: constant */
	double weight[LOGISTIC_MOST], intercept;                /* of z */
	double lambda;
};

struct logistic logistic_fit(const struct logistic_data *d, double lambda);
/* The lambda; the largest of the grid where there are fewer than two groups. */
double logistic_choose(const struct logistic_data *d, guint64 seed);
/* x: (p). z is clamped to +-100. */
double logistic_logit(const struct logistic *f, const double *x);
/* logit: (n), each slide's from a fit with lambda of its own, of the other folds alone. Intercepts are moved to the
   share of label 1 in all slides, so that folds of different shares can be ranked together (King & Zeng 2001, prior
   correction). */
void logistic_out_of_fold(const struct logistic_data *d, guint64 seed, double *logit);

/* fold: (n), in 0..most-1: groups with a label 1 and those without are dealt apart, each in an order drawn from the
   seed. Returns how many folds there are: `most`, or as many as groups. */
guint logistic_folds(const guint8 *label, const guint32 *group_opt, gsize n, guint most, guint64 seed, guint *fold);

G_END_DECLS
