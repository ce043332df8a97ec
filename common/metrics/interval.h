/*
 * interval.h - how far a value that was computed from few cases can be trusted.
 *
 * Intervals are two-sided at `level` (0.95, say).
 *
 * Errors: none; what cannot be had is NAN. Threads: no state.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

struct interval { double value, low, high; };

/* Of a share of n > 0 cases, exact: never too narrow (Clopper & Pearson 1934). share * n need not be whole. */
struct interval metrics_binomial_interval(double share, gsize n, double level);
/* Of k of n cases, right on average (Wilson 1927, as Brown, Cai & DasGupta 2001 have it, who recommend it for few
   cases); NAN for n = 0. */
struct interval metrics_wilson_interval(gsize k, gsize n, double level);
/* Of a value with a normal error of that variance; NAN where there is none. */
struct interval metrics_normal_interval(double value, double variance, double level);

/* The point that a standard normal is below with probability p, and the probability that it is below x. */
double metrics_normal_quantile(double p);
double metrics_normal_cdf(double x);
/* The probability that a number of the beta distribution is below x; a, b > 0. */
double metrics_beta_cdf(double a, double b, double x);

G_END_DECLS
