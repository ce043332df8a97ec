/* One cell of generated tissue while it is drawn: how much of each stain there is at each pixel,
 * and the shapes that go on it (nuclei, holes).
 *
 * A canvas shows a square of an endless plane; a shape is placed on the plane and the part of it
 * that falls into the square is drawn, so shapes continue in the neighbouring square. */
#pragma once

#include <glib.h>

struct Canvas {
	int side;		/* px */
	double left, top;	/* of the square on the plane, px */
	double um;		/* um a px */
	float *haematoxylin;	/* (side, side) */
	float *eosin;		/* (side, side) */
	float *hole;		/* (side, side), 0 to 1: how much of the pixel is empty */
	guint8 *tissue;		/* (side, side), 1 where there is tissue */
};

struct Nucleus {
	double x, y;		/* on the plane, px */
	double radius;		/* um, of a circle of the same area */
	double stretch;		/* long axis over short axis */
	double angle;		/* of the long axis */
	double amount;		/* of haematoxylin */
	double pale;		/* 0: evenly dark; 1: clear inside with a dark rim (vesicular) */
	double rough;		/* how uneven the outline is, 0 to 0.5 */
	int nucleoli;		/* 0 to 2 */
	guint64 seed;
};

struct Hole {
	double x, y;		/* on the plane, px */
	double radius;		/* um */
	double stretch, angle;
	double wall;		/* thickness of the eosin ring round it, um */
	double wall_amount;	/* of eosin in the ring */
	double fill;		/* of eosin inside, as of blood; 0: empty */
	guint64 seed;
};

void canvas_init(struct Canvas *canvas, int side, double um);
void canvas_clear(struct Canvas *canvas);

void canvas_nucleus(struct Canvas *canvas, const struct Nucleus *nucleus);
void canvas_hole(struct Canvas *canvas, const struct Hole *hole);
