/* coarse.c - see coarse.h. */
#include "common/score/coarse.h"
#include "common/score/score.h"
#include <math.h>

enum { PAIRS = 8 };             /* fewer are no ground for a line */

struct line { double a, b; };   /* full = a + b * coarse */

gsize coarse_choose(const float *coarse, gsize n, double share, guint32 *out)
{
	g_autofree guint32 *order = g_new(guint32, n + 1);
	const gsize readable = score_order(coarse, n, order);
	const gsize high = MIN(readable, MAX((gsize)ceil(share * (double)n), COARSE_LEAST));
	const gsize rest = readable - high, others = MIN(COARSE_OTHERS, rest);
	for (gsize i = 0; i < high; i++)
		out[i] = order[i];
	for (gsize i = 0; i < others; i++)
		out[high + i] = order[high + i * rest / others];
	return high + others;
}

/* Slopes are kept to what two looks at the same tiles can have. */
static struct line fit(const float *coarse, const float *full, gsize n)
{
	double count = 0, x = 0, y = 0, xx = 0, xy = 0;

	for (gsize i = 0; i < n; i++) {
		if (!isfinite(coarse[i]) || !isfinite(full[i]))
			continue;
		count++;
		x += coarse[i];
		y += full[i];
		xx += (double)coarse[i] * coarse[i];
		xy += (double)coarse[i] * full[i];
	}
	if (count < PAIRS)
		return (struct line){ 0, 1 };
	const double spread = xx - x * x / count;
	const double b = spread > 0 ? CLAMP((xy - x * y / count) / spread, 0.25, 4) : 1;
	return (struct line){ (y - b * x) / count, b };
}

void coarse_merge(const float *coarse, const float *full, gsize n, float *out)
{
	const struct line line = fit(coarse, full, n);

	for (gsize i = 0; i < n; i++)
		out[i] = isfinite(full[i]) ? full[i] : (float)(line.a + line.b * coarse[i]);
}
