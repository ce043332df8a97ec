/* near.h - numbers that two ways of computing them agree on: within 1e-12 of 1 or of the larger value. */
#pragma once
#include <glib.h>
#include <math.h>

static inline gboolean near(double a, double b)
{
	if (isnan(a) || isnan(b) || isinf(a) || isinf(b))
		return a == b || (isnan(a) && isnan(b));
	return fabs(a - b) <= 1e-12 * MAX(1, MAX(fabs(a), fabs(b)));
}

#define assert_near(a, b)                                                                         \
	G_STMT_START {                                                                            \
		double near_a = (a), near_b = (b);                                                \
		if (!near(near_a, near_b))                                                        \
			g_error("%s:%d: %s is %.17g, not %.17g", __FILE__, __LINE__, #a, near_a,  \
				near_b);                                                          \
	} G_STMT_END
