/*
 * forecast.h - what the answers for slides without labels will probably be worth, said before anyone scores them.
 *
 * From training slides with scores that were made out of fold, and from how far the test slides' colours are from
 * theirs. Slides whose score is not finite are passed over. Labels are 0 or 1. Cases are taken as independent: where data.group
 * puts several slides of a patient together they are not, and intervals are too narrow (Obuchowski 1997).
 *
 * Errors: none; what cannot be had is NAN. Threads: no state.
 */
#pragma once
#include "common/metrics/interval.h"

G_BEGIN_DECLS

/* ---- the AUC ---- */

struct forecast_auc {
	double seen;            /* AUC of the training slides' out-of-fold scores; NAN: a class is missing */
	double expected;        /* mean of the forecast of the test set's AUC */
	double low, high;       /* it is between them with probability `level` */
	gsize test_positives;   /* as the training slides' share has it, at least one of each class */
};

/*
 * A prediction interval of the AUC of n_test slides of the same kind. The true AUC a has a prior from FORECAST_LEAST
 * to 1, uniform in sqrt(1 - a); the seen one and the test set's, given a, are of beta distributions with mean a and
 * the variance of Hanley & McNeil 1982 (Q1 = a / (2 - a), Q2 = 2 a^2 / (1 + a)) for their numbers of slides; the seen
 * one counts as the interval of half a pair around it, so that 1 is a value like others, and of at most 2000 slides.
 * The forecast is the posterior predictive distribution, its ends rounded outwards to whole pairs. With binormal
 * scores, 7 to 60 training slides, 40 to 100 test slides and true AUCs of 0.7 to 0.98 an interval at 0.95 covers 0.90
 * to 0.99 (tests/unit/test-forecast.c). It knows nothing of a shift from training to test slides; for that see below.
 * All NAN: a class is missing, or n_test < 2.
 */
#define FORECAST_LEAST 0.4
struct forecast_auc forecast_auc(const double *score, const guint8 *label, gsize n, gsize n_test, double level);

/* ---- colour ---- */

/*
 * How far slides are in colour from the training slides: the mean Euclidean distance to the 5 nearest of them (fewer
 * where there are fewer) in mean optical density of red, green, blue, over the median of the training slides' own
 * distances to the others: 1 is typical. The unit is at least 0.004, one of 255 grey levels. Nearest neighbours,
 * since slides of several scanners or laboratories are several clouds. Colours are (n, 3), the distances (n) and
 * (n_test); NAN where a colour is not finite, or where there is no other slide. Returns the unit.
 */
double forecast_distances(const double *colour, gsize n, const double *test_colour, gsize n_test, double *distance,
			  double *test_distance);

/* How many test slides are farther than any training slide, of distances as above; are they more than chance explains? The
   farthest of n + n_test alike is among the n_test as often as any other, so that about n_test / n are. */
gboolean forecast_beyond(const double *distance, gsize n, const double *test_distance, gsize n_test, gsize *beyond);

enum { FORECAST_PARTS = 3, FORECAST_FEW = 5 };
struct forecast_part {
	gsize n, positives;             /* training slides */
	double nearest, farthest;       /* their distances */
	struct interval auc;            /* of their out-of-fold scores (metrics_auc_interval, 95 %); NAN: few */
	gboolean few;                   /* fewer than FORECAST_FEW of a class: says nothing */
	gsize test;                     /* test slides this far: up to the next part's nearest */
};
struct forecast_colour {
	struct forecast_part parts[FORECAST_PARTS];     /* thirds of the training slides, the nearest first */
	gsize unknown;                  /* test slides without a colour */
};
/* distance: (n), test_distance: (n_test), as above. */
struct forecast_colour forecast_by_colour(const double *distance, const double *score, const guint8 *label, gsize n,
					  const double *test_distance, gsize n_test);

G_END_DECLS
