/* heat.c - see heat.h. */
#include "common/image/heat.h"
#include <math.h>
#include <string.h>

#define COVER 0.75              /* of the highest score: what is below shows through */
#define NOTHING 0.1             /* a score that is not seen */
#define EDGE 0.5                /* of a frame */

static const guint8 viridis[][3] = {
	{ 68, 1, 84 }, { 71, 44, 122 }, { 59, 81, 139 }, { 44, 113, 142 }, { 33, 144, 141 }, { 39, 173, 129 }, { 92, 200, 99 },
	{ 170, 220, 50 }, { 253, 231, 37 },
};
static const guint8 frame[3] = { 60, 60, 60 };

void heat_colour(double score, guint8 rgb[3])
{
	double at = CLAMP(score, 0, 1) * (G_N_ELEMENTS(viridis) - 1);
	gsize i = MIN((gsize)at, G_N_ELEMENTS(viridis) - 2);

	for (int k = 0; k < 3; k++)
		rgb[k] = (guint8)lround(viridis[i][k] + (at - (double)i) * (viridis[i + 1][k] - viridis[i][k]));
}

/* It rises steeply at first: the colours of the middle are dark, as tissue is. */
double heat_cover(double score)
{
	double rest = (1 - CLAMP(score, NOTHING, 1)) / (1 - NOTHING);

	return COVER * (1 - rest * rest);
}

static void blend(guint8 *rgb, const guint8 colour[3], double share)
{
	for (int k = 0; k < 3; k++)
		rgb[k] = (guint8)lround(rgb[k] + share * (colour[k] - rgb[k]));
}

/* What shows through loses its own colour, as far as it is covered, so that the score's is seen pure. */
static void blend_score(guint8 *rgb, double score)
{
	const double cover = heat_cover(score);
	guint8 colour[3], grey[3];

	heat_colour(score, colour);
	memset(grey, (rgb[0] + rgb[1] + rgb[2]) / 3, 3);
	blend(rgb, grey, cover / COVER);
	blend(rgb, colour, cover);
}

void heat_init(struct heat *h, int width, int height)
{
	const gsize n = (gsize)width * (gsize)height;

	*h = (struct heat){ width, height, g_new(float, n), g_new0(guint8, n) };
	for (gsize i = 0; i < n; i++)
		h->score[i] = NAN;
}

void heat_clear(struct heat *h)
{
	g_clear_pointer(&h->score, g_free);
	g_clear_pointer(&h->edge, g_free);
}

struct span { int from, to; };  /* [from, to) */

static struct span span_of(double at, double side, int length)
{
	double from = CLAMP(round(at), 0, length), to = CLAMP(round(at + side), 0, length);

	if (from >= to && at >= 0 && at < length)       /* narrower than a pixel */
		return (struct span){ (int)at, (int)at + 1 };
	return (struct span){ (int)from, (int)to };
}

void heat_add(struct heat *h, double left, double top, double side, double score, gboolean framed)
{
	const struct span x = span_of(left, side, h->width), y = span_of(top, side, h->height);

	for (int v = y.from; v < y.to; v++)
		for (int u = x.from; u < x.to; u++) {
			gsize i = (gsize)v * (gsize)h->width + (gsize)u;
			if (!(h->score[i] >= score))
				h->score[i] = (float)score;
			if (framed && (u == x.from || u == x.to - 1 || v == y.from || v == y.to - 1))
				h->edge[i] = 1;
		}
}

void heat_lay_over(const struct heat *h, guint8 *rgb)
{
	for (gsize i = 0; i < (gsize)h->width * (gsize)h->height; i++) {
		if (!isnan(h->score[i]))
			blend_score(rgb + 3 * i, h->score[i]);
		if (h->edge[i])
			blend(rgb + 3 * i, frame, EDGE);
	}
}

/* Over a grey as dark as tissue, for what is low lets it through; framed, with marks at 0, a half and 1. */
void heat_scale(guint8 *rgb, int width)
{
	enum { MARGIN = 8, TOP = 6, BOTTOM = 18, LONGEST = 200, TISSUE = 200 };
	const int length = MIN(width - 2 * MARGIN, LONGEST);

	memset(rgb, 255, (gsize)width * HEAT_SCALE_HEIGHT * 3);
	for (int u = 0; u < length; u++) {
		const gboolean mark = u == 0 || u == length / 2 || u == length - 1;
		for (int v = TOP - 2; v < BOTTOM + 2; v++) {
			guint8 *px = rgb + 3 * ((gsize)v * (gsize)width + (gsize)(MARGIN + u));
			const gboolean inside = v > TOP && v < BOTTOM - 1;
			if (inside) {
				memset(px, TISSUE, 3);
				blend_score(px, (u + 0.5) / length);
			}
			if ((mark && !(inside && u == length / 2)) || v == TOP || v == BOTTOM - 1)
				memcpy(px, frame, 3);
		}
	}
}
