/* shift.c - see shift.h. */
#include "common/metrics/shift.h"
#include "common/metrics/interval.h"
#include <math.h>

typedef double square[SHIFT_MOST][SHIFT_MOST];

/* Adds the products of a group's distances from its mean. */
static void add_scatter(const double *x, gsize n, gsize width, double *mean, square out)
{
	for (gsize k = 0; k < width; k++)
		mean[k] = 0;
	for (gsize i = 0; i < n; i++)
		for (gsize k = 0; k < width; k++)
			mean[k] += x[i * width + k] / (double)n;
	for (gsize i = 0; i < n; i++)
		for (gsize j = 0; j < width; j++)
			for (gsize k = 0; k < width; k++)
				out[j][k] += (x[i * width + j] - mean[j]) * (x[i * width + k] - mean[k]);
}

/* d' C^-1 d by Cholesky's factors: the squared length of what solves L y = d. NAN: C has no inverse. */
static double inverse_norm(square c, gsize width, const double *d)
{
	double y[SHIFT_MOST], sum = 0;

	for (gsize i = 0; i < width; i++) {
		const double own = c[i][i];
		y[i] = d[i];
		for (gsize j = 0; j <= i; j++) {
			for (gsize k = 0; k < j; k++)
				c[i][j] -= c[i][k] * c[j][k];
			if (j < i)
				c[i][j] /= c[j][j];
		}
		if (!(c[i][i] > 1e-12 * own))
			return NAN;
		c[i][i] = sqrt(c[i][i]);
		for (gsize k = 0; k < i; k++)
			y[i] -= c[i][k] * y[k];
		y[i] /= c[i][i];
		sum += y[i] * y[i];
	}
	return sum;
}

struct shift metrics_shift(const double *a, gsize n, const double *b, gsize m, gsize width)
{
	const struct shift none = { NAN, NAN };
	double from[SHIFT_MOST], to[SHIFT_MOST], d[SHIFT_MOST];
	square c = { 0 };

	if (n < 2 || m < 2 || n + m < width + 4)
		return none;
	add_scatter(a, n, width, from, c);
	add_scatter(b, m, width, to, c);
	const double all = (double)(n + m), p = (double)width;
	for (gsize j = 0; j < width; j++) {
		d[j] = to[j] - from[j];
		for (gsize k = 0; k < width; k++)
			c[j][k] /= all - 2;
	}
	const double distance = inverse_norm(c, width, d), free = all - p - 1;
	if (isnan(distance))
		return none;
	const double f = (double)n * (double)m / all * distance * free / (p * (all - 2));
	/* the upper tail of F as a beta distribution's */
	return (struct shift){ metrics_beta_cdf(free / 2, p / 2, free / (free + p * f)), sqrt(distance) };
}
