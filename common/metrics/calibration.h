/*
 * calibration.h - whether probabilities mean what they say: of the cases that are given 0.2, is a fifth of class 1?
 *
 * Labels are 0 or 1, probabilities 0..1. Intervals are two-sided at `level` (interval.h).
 *
 * Errors: none; what cannot be had is NAN. Threads: no state.
 */
#pragma once
#include "common/metrics/interval.h"

G_BEGIN_DECLS

struct calibration_bin {
	gsize n;                        /* cases */
	double low, high, mean;         /* of their probabilities */
	struct interval observed;       /* the share of class 1 (Wilson) */
};

/* Bins of equal counts (Nguyen & O'Connor 2015), the lowest first: a case with r cases below it is in bin
   floor(r * most / n), so that equal probabilities stay together; without those that are empty. An array of
   struct calibration_bin, g_array_unref() it. */
GArray *calibration_bins(const double *probability, const guint8 *label, gsize n, guint most, double level);

/* The expected calibration error: how far mean and observed share are apart, on average over the cases (Naeini et
   al. 2015). It depends on how many bins there are, and is above 0 by chance alone. NAN without a bin. */
double calibration_error(const GArray *bins);

/* The logistic recalibration logit(P(class 1)) = intercept + slope * logit(probability) (Cox 1958), by maximum
   likelihood, with Wald's intervals: 0 and 1 where all is well; a slope below 1 says that the probabilities are too
   extreme. in_the_large is the intercept where the slope is kept at 1: below 0, they are too high (as Van Calster et
   al. 2019 have it). Probabilities are clipped at 1e-6 for it. NAN: a class is missing; intercept and slope also
   where one probability parts the classes, since then the likelihood has no maximum (Albert & Anderson 1984). */
struct recalibration { struct interval in_the_large, intercept, slope; };
struct recalibration calibration_fit(const double *probability, const guint8 *label, gsize n, double level);

G_END_DECLS
