/* Shapes are ellipses with an uneven outline, drawn with a soft edge about one pixel wide. */
#include "canvas.h"

#include <math.h>

#include "random.h"

void canvas_init(struct Canvas *canvas, int side, double um)
{
	gsize pixels = (gsize)side * (gsize)side;

	*canvas = (struct Canvas){ .side = side, .um = um };
	canvas->haematoxylin = g_new0(float, pixels);
	canvas->eosin = g_new0(float, pixels);
	canvas->hole = g_new0(float, pixels);
	canvas->tissue = g_new0(guint8, pixels);
}

void canvas_clear(struct Canvas *canvas)
{
	g_clear_pointer(&canvas->haematoxylin, g_free);
	g_clear_pointer(&canvas->eosin, g_free);
	g_clear_pointer(&canvas->hole, g_free);
	g_clear_pointer(&canvas->tissue, g_free);
}

/* The part of a square round (x, y) that lies on the canvas, px; empty if low >= high. */
static void clip(const struct Canvas *canvas, double x, double y, double reach, int low[2], int high[2])
{
	double middle[2] = { x - canvas->left, y - canvas->top };

	for (int axis = 0; axis < 2; axis++) {
		low[axis] = (int)MAX(floor(middle[axis] - reach), 0);
		high[axis] = (int)MIN(ceil(middle[axis] + reach) + 1, canvas->side);
	}
}

/* A pixel's place in an ellipse: 0 at its middle, 1 on its outline. */
static double inside(double u, double v, double cosine, double sine, double long_axis, double short_axis)
{
	double along = (u * cosine + v * sine) / long_axis;
	double beside = (v * cosine - u * sine) / short_axis;
	return sqrt(along * along + beside * beside);
}

/* One or two dark spots within the nucleus; u, v from its middle, over its radius. */
static double nucleolus(const struct Nucleus *nucleus, double u, double v)
{
	double spot = 0;

	for (int i = 0; i < nucleus->nucleoli; i++) {
		guint64 hash = random_at(nucleus->seed, i, 77);
		double a = (random_fraction(hash) - 0.5) * 0.9;
		double b = (random_fraction(hash << 24) - 0.5) * 0.9;
		double distance = hypot(u - a, v - b) / 0.24;
		spot = MAX(spot, MIN(MAX(1.5 - distance, 0), 1));
	}
	return spot;
}

void canvas_nucleus(struct Canvas *canvas, const struct Nucleus *nucleus)
{
	double px = nucleus->radius / canvas->um, root = sqrt(nucleus->stretch);
	double long_axis = px * root, short_axis = px / root;
	double grain = 1.1 / canvas->um;
	int low[2], high[2];

	clip(canvas, nucleus->x, nucleus->y, long_axis * (1 + nucleus->rough) + 1, low, high);
	if (low[0] >= high[0] || low[1] >= high[1])
		return;
	double cosine = cos(nucleus->angle), sine = sin(nucleus->angle);
	for (int y = low[1]; y < high[1]; y++)
		for (int x = low[0]; x < high[0]; x++) {
			double u = x + canvas->left - nucleus->x, v = y + canvas->top - nucleus->y;
			double distance = inside(u, v, cosine, sine, long_axis, short_axis);
			double soft = 0.5 / short_axis;
			if (distance > 1 + nucleus->rough + soft)
				continue;
			if (distance > 1 - nucleus->rough - soft)
				distance += nucleus->rough * (2 * random_noise(nucleus->seed, u / px * 1.6,
					v / px * 1.6) - 1);
			double cover = MIN((1 - distance) * short_axis + 0.5, 1);
			if (cover <= 0)
				continue;
			double chromatin = random_noise(nucleus->seed + 1, u / grain, v / grain) - 0.5;
			double rim = distance * distance;
			double amount = nucleus->amount * (1 + 0.35 * chromatin);
			amount *= 1 - nucleus->pale * 0.45 * (1 - rim * rim);
			amount += 0.45 * nucleolus(nucleus, u / px, v / px);
			gsize at = (gsize)y * (gsize)canvas->side + (gsize)x;
			double was = canvas->haematoxylin[at];
			canvas->haematoxylin[at] = (float)(was + (MAX(amount, was * 0.6) - was) * cover);
			canvas->eosin[at] *= (float)(1 - 0.35 * cover);
		}
}

void canvas_hole(struct Canvas *canvas, const struct Hole *hole)
{
	double px = hole->radius / canvas->um, root = sqrt(hole->stretch);
	double long_axis = px * root, short_axis = px / root;
	double wall = hole->wall / canvas->um;
	int low[2], high[2];

	clip(canvas, hole->x, hole->y, (long_axis + wall) * 1.25 + 1, low, high);
	if (low[0] >= high[0] || low[1] >= high[1])
		return;
	double cosine = cos(hole->angle), sine = sin(hole->angle);
	for (int y = low[1]; y < high[1]; y++)
		for (int x = low[0]; x < high[0]; x++) {
			double u = x + canvas->left - hole->x, v = y + canvas->top - hole->y;
			double distance = inside(u, v, cosine, sine, long_axis, short_axis);
			distance += 0.3 * (random_noise(hole->seed, u / px * 1.2, v / px * 1.2) - 0.5);
			double beyond = (distance - 1) * short_axis;	/* px outside the outline */
			gsize at = (gsize)y * (gsize)canvas->side + (gsize)x;
			double empty = CLAMP(0.5 - beyond, 0, 1);
			double ring = CLAMP(wall + 0.5 - beyond, 0, 1) * (1 - empty);
			if (ring > 0) {
				canvas->haematoxylin[at] *= (float)(1 - 0.8 * ring);
				canvas->eosin[at] += (float)((hole->wall_amount - canvas->eosin[at]) * ring);
			}
			if (empty > 0 && hole->fill > 0) {
				canvas->haematoxylin[at] *= (float)(1 - empty);
				canvas->eosin[at] += (float)((hole->fill - canvas->eosin[at]) * empty);
				canvas->hole[at] *= (float)(1 - empty);
			} else if (empty > canvas->hole[at])
				canvas->hole[at] = (float)empty;
		}
}
