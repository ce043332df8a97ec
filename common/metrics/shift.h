/*
 * shift.h - do two groups of points have the same mean? Hotelling's test for two samples (Hotelling 1931).
 *
 * T2 = n m / (n + m) d' C^-1 d with d the difference of the means and C the pooled covariance; (n + m - p - 1) / (p (n + m - 2)) T2
 * is of an F distribution with p and n + m - p - 1 degrees of freedom where both are normal with one covariance.
 * Threads: no state. Errors: none; what cannot be had is NAN.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

enum { SHIFT_MOST = 8 };

struct shift {
	double p;               /* of so large a difference by chance */
	double by;              /* the difference in standard deviations: Mahalanobis' distance, sqrt(d' C^-1 d) */
};

/* a (n, width), b (m, width), finite; 1 <= width <= SHIFT_MOST. NAN: n + m < width + 4, a group of fewer than 2, or all points on a
   plane. */
struct shift metrics_shift(const double *a, gsize n, const double *b, gsize m, gsize width);

G_END_DECLS
