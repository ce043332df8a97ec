/* interval.c - see interval.h. */
#include "common/metrics/interval.h"
#include <math.h>

/* ---- the normal distribution ---- */

double metrics_normal_cdf(double x)
{
	return 0.5 * erfc(-x / G_SQRT2);
}

/* For the lower half: Acklam's rational approximation (2003; 1.2e-9), then a step of Halley's method on
   erfc, which keeps its relative precision down to the smallest p. */
static double lower_quantile(double p)
{
	static const double a[] = { -3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02,
				    1.383577518672690e+02, -3.066479806614716e+01, 2.506628277459239e+00 };
	static const double b[] = { -5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
				    6.680131188771972e+01, -1.328068155288572e+01 };
	static const double c[] = { -7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
				    -2.549732539343734e+00, 4.374664141464968e+00, 2.938163982698783e+00 };
	static const double d[] = { 7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
				    3.754408661907416e+00 };
	double x, step;

	if (p < 0.02425) {
		double q = sqrt(-2 * log(p));

		x = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
			((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
	} else {
		double q = p - 0.5, r = q * q;

		x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
			(((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
	}
	step = (metrics_normal_cdf(x) - p) * sqrt(2 * G_PI) * exp(x * x / 2);
	return x - step / (1 + x * step / 2);
}

double metrics_normal_quantile(double p)
{
	if (!(p > 0 && p < 1))
		return p == 0 ? -(double)INFINITY : p == 1 ? (double)INFINITY : (double)NAN;
	return p > 0.5 ? -lower_quantile(1 - p) : lower_quantile(p);
}

struct interval metrics_normal_interval(double value, double variance, double level)
{
	double reach = metrics_normal_quantile(0.5 + level / 2) * sqrt(variance);

	return (struct interval){ value, value - reach, value + reach };
}

/* ---- shares ---- */

/* The continued fraction of the incomplete beta function, by Lentz's method (Press et al., Numerical
   Recipes, 6.4). */
static double beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1), h;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	h = d;
	for (int m = 1; m < 10000; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double step;

		d = 1 + even * d;
		c = 1 + even / c;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = fabs(c) < tiny ? tiny : c;
		h *= d * c;
		d = 1 + odd * d;
		c = 1 + odd / c;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = fabs(c) < tiny ? tiny : c;
		step = d * c;
		h *= step;
		if (fabs(step - 1) < 1e-15)
			break;
	}
	return h;
}

double metrics_beta_cdf(double a, double b, double x)
{
	double front;
	int sign;

	if (x <= 0 || x >= 1)
		return x >= 1;
	/* lgamma_r, for lgamma writes a global */
	front = exp(lgamma_r(a + b, &sign) - lgamma_r(a, &sign) - lgamma_r(b, &sign) + a * log(x) +
		    b * log1p(-x));
	return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a :
		1 - front * beta_fraction(b, a, 1 - x) / b;
}

static double beta_quantile(double a, double b, double p)
{
	double low = 0, high = 1;

	for (int i = 0; i < 100 && low < high; i++) {
		double middle = low + (high - low) / 2;

		if (metrics_beta_cdf(a, b, middle) < p)
			low = middle;
		else
			high = middle;
	}
	return low + (high - low) / 2;
}

struct interval metrics_binomial_interval(double share, gsize n, double level)
{
	double tail = (1 - level) / 2, ones = share * (double)n, zeros = (double)n - ones;

	return (struct interval){
		.value = share,
		.low = ones > 0 ? beta_quantile(ones, zeros + 1, tail) : 0,
		.high = zeros > 0 ? beta_quantile(ones + 1, zeros, 1 - tail) : 1,
	};
}

struct interval metrics_wilson_interval(gsize k, gsize n, double level)
{
	double cases = (double)n, ones = (double)k, z = metrics_normal_quantile(0.5 + level / 2);
	double centre = (ones + z * z / 2) / (cases + z * z);
	double reach = z * sqrt(ones * (cases - ones) / cases + z * z / 4) / (cases + z * z);

	if (n == 0)
		return (struct interval){ NAN, NAN, NAN };
	return (struct interval){ ones / cases, k > 0 ? centre - reach : 0, k < n ? centre + reach : 1 };
}
