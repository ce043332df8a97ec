/*
 * heat.h - scores laid over a picture as colours: what is low leaves it as it is, what is high covers it.
 *
 * The colours are viridis (van der Walt and Smith 2015): their lightness rises with the score, so that higher and
 * lower are told apart in grey, too, and by who sees no red; and none of them is a colour of stained tissue.
 * Threads: no state. Errors: none.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* score: 0..1, and what is beyond is as the end; cover: the colour's share of what is seen, 0..1. */
void heat_colour(double score, guint8 rgb[3]);
double heat_cover(double score);

struct heat {                   /* to be laid over a picture of the same size */
	int width, height;      /* px */
	float *score;           /* (height, width) NAN: none */
	guint8 *edge;           /* (height, width) 1: of a square's frame */
};

void heat_init(struct heat *heat, int width, int height);
void heat_clear(struct heat *heat);
/* A square of the picture; it has at least a pixel, and what lies off the picture is cut off. Of those that share a
   pixel the highest is seen. framed: with a line around it, for a square that stands for more than was scored. */
void heat_add(struct heat *heat, double left, double top, double side, double score, gboolean framed);
/* rgb (height, width, 3) */
void heat_lay_over(const struct heat *heat, guint8 *rgb);

/* What the colours mean, from 0 at the left to 1 at the right: a strip of HEAT_SCALE_HEIGHT lines below a picture, of
   its width. rgb (HEAT_SCALE_HEIGHT, width, 3) */
enum { HEAT_SCALE_HEIGHT = 24 };
void heat_scale(guint8 *rgb, int width);

G_END_DECLS
