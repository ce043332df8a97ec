/*
 * slide_picture.c - a slide's heat map: its scanned part, small, and over each tile that was scored the probability that
 * the network gave it. Where only a part of the tiles was looked at, a square is as large as they lie apart, and has a
 * frame: so a coarse look is told from a full one, and what was not looked at is left as it is.
 */
#include "common/fault/fault.h"
#include "common/image/heat.h"
#include "common/image/png_file.h"
#include "common/slide/thumbnail.h"
#include "common/task/slide_work.h"
#include <math.h>

enum { SIDE = 1000 };           /* px, the longest */

double slide_picture_square(double share) { return exp2(MAX(0, round(-log2(share) / 2))); }

/* side: level-0 px of a tile. */
static void add_tiles(struct heat *heat, const struct slide *slide, double scale, double side, double share,
		      const struct sample *samples, const float *outputs, gsize n)
{
	g_autofree float *tiles = slide_looks_tiles(samples, outputs, &n);
	const double tiles_wide = slide_picture_square(share), wide = side * tiles_wide;

	for (gsize i = 0; i < n; i++) {
		/* the grid begins where the scanned part does; its tiles stand at whole px */
		double x = round((samples[i].at[0] - (double)slide->x) / side), y = round((samples[i].at[1] - (double)slide->y) / side);
		if (isfinite(tiles[i]))
			heat_add(heat, floor(x / tiles_wide) * wide / scale, floor(y / tiles_wide) * wide / scale, wide / scale,
				 1 / (1 + exp(-tiles[i])), tiles_wide > 1);
	}
}

/* The picture with the scale below; it takes the thumbnail's pixels. */
static gboolean write_with_scale(const char *path, struct thumbnail *t, GError **error)
{
	const gsize row = (gsize)t->width * 3, height = (gsize)t->height;

	t->rgb = g_realloc(t->rgb, (height + HEAT_SCALE_HEIGHT) * row);
	heat_scale(t->rgb + height * row, t->width);
	return png_write(path, t->rgb, (guint32)t->width, (guint32)height + HEAT_SCALE_HEIGHT, 3, error);
}

gboolean slide_picture(struct work *w, guint item, double share, const struct sample *samples, const float *outputs,
		       gsize n, const char *path, GError **error)
{
	const struct slide_work *sw = slide_work_of(w);
	const char *id = w->cases[item].id;
	g_autoptr(slide_t) slide = slide_cases_open_one(sw->pool, id, sw->slides[item].path, error);
	double scale = slide != NULL ? thumbnail_scale(slide, SIDE) : 0;
	struct thumbnail t;
	struct heat heat;

	if (slide == NULL)
		return FALSE;
	if (scale <= 0) {
		g_set_error(error, FAULT, FAULT_DATA, "slide '%s': it has no level of low resolution", id);
		return FALSE;
	}
	if (!thumbnail_read(slide, scale, &t, error))
		return FALSE;
	heat_init(&heat, t.width, t.height);
	add_tiles(&heat, slide, scale, w->settings->tiles.size * slide_scale(sw, slide), share, samples, outputs, n);
	heat_lay_over(&heat, t.rgb);
	heat_clear(&heat);
	gboolean ok = write_with_scale(path, &t, error);
	thumbnail_clear(&t);
	return ok;
}
