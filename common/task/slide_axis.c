/*
 * slide_axis.c - the longest axis of a slide's tumour, as a number of its answer: that of the largest component of the heat map
 * (common/score/extent.h), where the slide is called positive. Where a part of the tiles was looked at, each stands for a
 * square as large as they lie apart, as in the slide's picture.
 */
#include "common/log/log.h"
#include "common/score/extent.h"
#include "common/task/slide_work.h"
#include <math.h>

#define POSITIVE 0.5            /* probability from which a slide is called so */

GArray *slide_components(const struct slide_work *sw, guint item, const struct sample *samples, const float *tiles, gsize n,
			 double threshold)
{
	const struct slide_case *c = &sw->slides[item];
	g_autofree double *x = g_new(double, n + 1), *y = g_new(double, n + 1), *p = g_new(double, n + 1);
	const double side = c->tiles.side, wide = slide_picture_square(MIN(1, (double)MAX(n, 1) / MAX(c->tiles.n, 1)));
	const double known = slide_mpp(sw, c->slide), mpp = known > 0 ? known : sw->mpp;        /* it is read as if it had that */

	for (gsize i = 0; i < n; i++) {
		/* the grid begins where the scanned part does; its tiles stand at whole px */
		x[i] = floor(round((samples[i].at[0] - (double)c->slide->x) / side) / wide);
		y[i] = floor(round((samples[i].at[1] - (double)c->slide->y) / side) / wide);
		p[i] = isfinite(tiles[i]) ? 1 / (1 + exp(-tiles[i])) : NAN;
	}
	return extent_components(x, y, p, n, 1, 1, threshold, wide * side * (mpp > 0 ? mpp : 1));
}

/* um; 0 where there is no tumour. */
static double longest_axis(const struct slide_work *sw, guint item, const struct sample *samples, const float *outputs, gsize n)
{
	g_autofree float *tiles = slide_looks_tiles(samples, outputs, &n);
	g_autoptr(GArray) found = slide_components(sw, item, samples, tiles, n, sw->work.settings->score.axis_threshold);

	return found->len > 0 ? g_array_index(found, struct extent, 0).longest_axis : 0;
}

void slide_axis(struct work *w, guint item, const struct sample *samples, const float *outputs, gsize n, double *answer)
{
	struct slide_work *sw = slide_work_of(w);

	if (w->n_answers < 2)
		return;
	answer[1] = 0;
	if (answer[0] < POSITIVE)
		return;
	if (slide_mpp(sw, sw->slides[item].slide) > 0) {
		answer[1] = longest_axis(sw, item, samples, outputs, n);
	} else if (!sw->size_unknown) {
		log_warn("answer", "slide '%s': its file says no resolution, so its longest axis is not known, and 0 is answered, for others "
			 "like it too; set tiles.fallback_mpp to what they have, and train again", w->cases[item].id);
		sw->size_unknown = TRUE;
	}
}
