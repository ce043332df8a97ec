/*
 * slide_stain.c - a slide's stain brought to one look (tiles.normalise): settled once, when the slide is prepared, and
 * laid over each tile as it is read.
 *
 * density:  each channel's optical density over the slide's glass is scaled so that its tissue's mean, at low
 *           resolution, becomes that of an average H&E slide; by at most 2 either way: what strays further is no stain.
 *           (In the spirit of Reinhard et al. 2001, but on densities, so that glass stays white.)
 * reinhard, macenko: as common/image/stain.h says, from squares of the tissue at the resolution that is learned from:
 *           at a lower one nuclei and what lies around them are one colour, and stains cannot be told apart. The
 *           squares follow from the tissue map alone, so they are the same with a mask and without. Where too little
 *           tissue can be read: density.
 */
#include "common/task/slide_work.h"
#include <math.h>

enum {
	PLACES = 32,            /* evenly spread over the tissue */
	SIDE = 64,              /* px of a square, a side */
};

static void set_density(struct slide_case *c)
{
	static const double usual[3] = { 0.36, 0.65, 0.36 }; /* -ln of the mean red, green, blue of H&E tissue */

	for (int k = 0; k < 3; k++) {
		double glass = CLAMP(c->tissue->glass[k] * 255, 1, 255);
		double density = -log(CLAMP(c->tissue->colour[k] * 255 / glass, 0.01, 0.99));
		double by = CLAMP(usual[k] / density, 0.5, 2);
		for (int v = 0; v < 256; v++)
			c->look[k][v] = (guint8)lround(255 * pow(MIN(v / glass, 1), by));
	}
}

/* Of a square at level-0 px x, y, the pixels that the map calls tissue, appended to rgb. */
static void add_square(const struct slide_case *c, double x, double y, GByteArray *rgb)
{
	const struct tissue *t = c->tissue;
	guint8 square[SIDE * SIDE * 3];

	x -= SIDE / 2 * c->scale;
	y -= SIDE / 2 * c->scale;
	if (!slide_read(c->slide, x, y, c->scale, SIDE, SIDE, square, NULL, NULL))
		return;         /* who reads a tile there will say so */
	for (int i = 0; i < SIDE * SIDE; i++) {
		const double u = (x + (i % SIDE + 0.5) * c->scale - (double)t->x) / t->scale;
		const double v = (y + (i / SIDE + 0.5) * c->scale - (double)t->y) / t->scale;
		if (u >= 0 && v >= 0 && u < t->width && v < t->height && t->map[(gsize)v * (gsize)t->width + (gsize)u])
			g_byte_array_append(rgb, square + 3 * i, 3);
	}
}

static GByteArray *read_tissue(const struct slide_case *c)
{
	GByteArray *rgb = g_byte_array_new();
	double x[PLACES], y[PLACES];
	const guint n = tissue_places(c->tissue, PLACES, x, y);

	for (guint i = 0; i < n; i++)
		add_square(c, x[i], y[i], rgb);
	return rgb;
}

void slide_stain_settle(struct slide_case *c, enum normalise how)
{
	c->recolours = FALSE;
	if (how == NORMALISE_NONE)
		return;
	set_density(c);
	if (how == NORMALISE_DENSITY)
		return;
	g_autoptr(GByteArray) rgb = read_tissue(c);
	struct stain stain;
	if (how == NORMALISE_REINHARD) {
		c->recolours = recolour_reinhard(rgb->data, rgb->len / 3, &c->recolour);
	} else if (stain_estimate(rgb->data, rgb->len / 3, c->tissue->glass, &stain)) {
		recolour_macenko(&stain, c->tissue->glass, &c->recolour);
		c->recolours = TRUE;
	}
}

void slide_stain_apply(const struct slide_case *c, enum normalise how, guint8 *rgb, gsize n)
{
	if (how == NORMALISE_NONE)
		return;
	if (c->recolours) {
		recolour_apply(&c->recolour, rgb, n);
		return;
	}
	for (gsize i = 0; i < n; i++)
		for (gsize k = 0; k < 3; k++)
			rgb[3 * i + k] = c->look[k][rgb[3 * i + k]];
}
