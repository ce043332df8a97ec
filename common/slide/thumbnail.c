/* thumbnail.c - see thumbnail.h. */
#include "common/slide/thumbnail.h"
#include <math.h>

#define SOURCE_MAX (1 << 26)    /* px of a level that may be read for it */
#define SCALE_MIN (1.0 / 16)    /* a slide of a few pixels is not enlarged without end */

double thumbnail_scale(const struct slide *s, int side)
{
	double scale = MAX(SCALE_MIN, (double)MAX(s->w, s->h) / side), finest = 1;

	for (int i = 0; i < s->levels; i++)
		if (s->downsample[i] <= scale)
			finest = MAX(finest, s->downsample[i]);
	return (double)s->w / finest * ((double)s->h / finest) <= SOURCE_MAX ? scale : 0;
}

gboolean thumbnail_read(struct slide *s, double scale, struct thumbnail *out, GError **error)
{
	int w = (int)MAX(1, floor((double)s->w / scale)), h = (int)MAX(1, floor((double)s->h / scale));
	g_autofree guint8 *rgb = g_malloc((gsize)w * (gsize)h * 3), *scanned = g_malloc((gsize)w * (gsize)h);

	if (!slide_read(s, (double)s->x, (double)s->y, scale, w, h, rgb, scanned, error))
		return FALSE;
	*out = (struct thumbnail){ w, h, scale, g_steal_pointer(&rgb), g_steal_pointer(&scanned) };
	return TRUE;
}

void thumbnail_clear(struct thumbnail *t)
{
	g_clear_pointer(&t->rgb, g_free);
	g_clear_pointer(&t->scanned, g_free);
}
