/* The plane's fields are smooth noise, read at every pixel or, if they vary slowly, at every COARSE
 * px and in between by interpolation. Shapes sit on jittered lattices, a lattice for each sort; what
 * a site bears depends on the site alone. Lengths are in um where not said otherwise. */
#include "plane.h"

#include <stdbool.h>
#include <string.h>

#include "random.h"

#define COARSE 8		/* px between points of a slowly varying field */

/* What varies slowly over the plane; each is a seed's offset. */
enum Field {
	FIELD_STROMA, FIELD_FAT, FIELD_FOLLICLE, FIELD_PALE, FIELD_FROZEN, FIELD_WAVE, FIELD_CLEFT, FIELD_GATE,
	FIELD_OUTLINE, FIELD_WARP_X, FIELD_WARP_Y, FIELD_FIBRE, FIELD_GRAIN, FIELD_TARGET_H,
	FIELD_TARGET_E, FIELD_LYMPHOCYTE, FIELD_TUMOUR, FIELD_SPINDLE, FIELD_VACUOLE, FIELD_ICE,
	FIELD_VESSEL,
};

/* A field at a place in px, with features about `size` um across. */
static double field(const struct Plane *plane, enum Field which, double x, double y, double size)
{
	double scale = plane->um / size;
	return random_noise(plane->seed + (guint64)which * 1000003u, x * scale, y * scale);
}

static double step(double value, double from, double to)
{
	double t = CLAMP((value - from) / (to - from), 0, 1);
	return t * t * (3 - 2 * t);
}

/* Tumour at a place in px: its cell's, the border between cells made uneven. */
static bool is_tumour(const struct Plane *plane, double x, double y)
{
	double reach = 9 / plane->um;
	double u = x + reach * (field(plane, FIELD_WARP_X, x, y, 14) - 0.5);
	double v = y + reach * (field(plane, FIELD_WARP_Y, x, y, 14) - 0.5);

	return layout_cell(plane->layout, (int)floor(u / plane->tile),
		(int)floor(v / plane->tile)) == LAYOUT_TUMOUR;
}

/* How far inside the tissue a place is: above 0.5 is tissue. Cells' middles are always as laid out. */
static double tissue_at(const struct Plane *plane, double x, double y)
{
	double u = x / plane->tile - 0.5, v = y / plane->tile - 0.5;
	int column = (int)floor(u), row = (int)floor(v);
	double corner[4];

	for (int i = 0; i < 4; i++)
		corner[i] = layout_cell(plane->layout, column + (i & 1), row + (i >> 1)) != LAYOUT_GLASS;
	u -= column;
	v -= row;
	double upper = corner[0] + (corner[1] - corner[0]) * u;
	double lower = corner[2] + (corner[3] - corner[2]) * u;
	return upper + (lower - upper) * v + 0.45 * (field(plane, FIELD_OUTLINE, x, y, 18) - 0.5);
}

static double stroma_at(const struct Plane *plane, double x, double y)
{
	double value = 0.6 * field(plane, FIELD_STROMA, x, y, 170) +
		0.4 * field(plane, FIELD_STROMA, x + 1e5, y, 55);
	return step(value, 0.52, 0.66);
}

/* Fields that each pixel needs, at every COARSE px. */
enum Coarse {
	COARSE_TISSUE, COARSE_STROMA, COARSE_TUMOUR, COARSE_WAVE, COARSE_CLEFT, COARSE_GATE,
	COARSE_PALE, COARSE_COUNT,
};

static void coarse_at(const struct Plane *plane, double x, double y, float *values)
{
	values[COARSE_TISSUE] = (float)tissue_at(plane, x, y);
	values[COARSE_STROMA] = (float)stroma_at(plane, x, y);
	values[COARSE_TUMOUR] = is_tumour(plane, x, y);
	values[COARSE_WAVE] = (float)field(plane, FIELD_WAVE, x, y, 70);
	values[COARSE_CLEFT] = (float)(0.65 * field(plane, FIELD_CLEFT, x, y, 120) +
		0.35 * field(plane, FIELD_CLEFT, x + 1e5, y, 45));
	values[COARSE_GATE] = (float)step(field(plane, FIELD_GATE, x, y, 130), 0.55, 0.75);
	values[COARSE_PALE] = (float)step(field(plane, FIELD_PALE, x, y, 260), 0.62, 0.85);
}

/* values: (side / COARSE + 2, side / COARSE + 2, COARSE_COUNT) round the canvas's pixels. */
static float *coarse_new(const struct Plane *plane, const struct Canvas *canvas, int *points)
{
	int count = canvas->side / COARSE + 2;
	float *values = g_new(float, (gsize)count * (gsize)count * COARSE_COUNT);

	for (int row = 0; row < count; row++)
		for (int column = 0; column < count; column++)
			coarse_at(plane, canvas->left + column * COARSE, canvas->top + row * COARSE,
				values + ((gsize)row * (gsize)count + (gsize)column) * COARSE_COUNT);
	*points = count;
	return values;
}

static float coarse_read(const float *values, int points, int x, int y, enum Coarse which)
{
	float u = (float)(x % COARSE) / COARSE, v = (float)(y % COARSE) / COARSE;
	const float *upper = values + which +
		((gsize)(y / COARSE) * (gsize)points + (gsize)(x / COARSE)) * COARSE_COUNT;
	const float *lower = upper + points * COARSE_COUNT;
	float a = upper[0] + (upper[COARSE_COUNT] - upper[0]) * u;
	float b = lower[0] + (lower[COARSE_COUNT] - lower[0]) * u;

	return a + (b - a) * v;
}

/* Collagen: streaks along the slide's direction that wave a little. */
static double fibre_at(const struct Plane *plane, double u, double v, double wave)
{
	double cosine = cos(plane->direction), sine = sin(plane->direction);
	double along = u * cosine + v * sine;
	double across = v * cosine - u * sine + 45 / plane->um * wave;

	return random_noise(plane->seed + FIELD_FIBRE, along * plane->um / 26, across * plane->um / 2.2);
}

/* Cytoplasm, collagen and clefts. */
static void draw_ground(const struct Plane *plane, struct Canvas *canvas, const float *coarse, int points)
{
	for (int y = 0; y < canvas->side; y++)
		for (int x = 0; x < canvas->side; x++) {
			gsize pixel = (gsize)y * (gsize)canvas->side + (gsize)x;
			double u = canvas->left + x, v = canvas->top + y;
			double stroma = coarse_read(coarse, points, x, y, COARSE_STROMA);
			double tumour = coarse_read(coarse, points, x, y, COARSE_TUMOUR);
			double gate = coarse_read(coarse, points, x, y, COARSE_GATE);
			double grain = field(plane, FIELD_GRAIN, u, v, 1.5) - 0.5;
			double eosin = 0.3 + 0.12 * tumour + 0.16 * grain;
			if (stroma > 0) {
				double wave = coarse_read(coarse, points, x, y, COARSE_WAVE);
				eosin += stroma * (0.08 + 0.5 * (fibre_at(plane, u, v, wave) - 0.35));
			}
			canvas->eosin[pixel] = (float)MAX(eosin, 0.03);
			canvas->haematoxylin[pixel] = (float)(0.1 + 0.08 * grain + 0.07 * tumour);
			if (gate > 0) {
				double cleft = coarse_read(coarse, points, x, y, COARSE_CLEFT);
				cleft = fabs(cleft - 0.5 + 0.006 * grain);
				canvas->hole[pixel] = (float)step(0.018 * gate - cleft, 0, 0.006);
			}
		}
}

/* Sites on a jittered lattice whose shapes may reach the canvas. */
struct Lattice {
	enum Field which;
	double spacing;			/* um */
	double reach;			/* um from a site to the end of its largest shape */
	void (*draw)(const struct Plane *plane, struct Canvas *canvas, struct Random *random,
		double x, double y);
};

static void draw_lymphocyte(const struct Plane *plane, struct Canvas *canvas, struct Random *random,
	double x, double y)
{
	bool tumour = is_tumour(plane, x, y);
	double follicle = step(field(plane, FIELD_FOLLICLE, x, y, 200), 0.62, 0.7);
	double chance = tumour ? 0.05 : 0.95 * (1 - 0.85 * stroma_at(plane, x, y));

	if (random_unit(random) > chance)
		return;
	struct Nucleus nucleus = { .x = x, .y = y, .pale = 0.1 + 0.3 * follicle, .rough = 0.1 };
	nucleus.radius = random_between(random, 2.8, 3.6) + 0.6 * follicle;
	nucleus.stretch = random_between(random, 1, 1.25);
	nucleus.angle = random_between(random, 0, G_PI);
	nucleus.amount = random_between(random, 0.85, 1.2) - 0.22 * follicle;
	nucleus.seed = random_next(random);
	canvas_nucleus(canvas, &nucleus);
}

static void draw_tumour(const struct Plane *plane, struct Canvas *canvas, struct Random *random,
	double x, double y)
{
	if (!is_tumour(plane, x, y) || random_unit(random) > 0.97 - 0.45 * stroma_at(plane, x, y))
		return;
	struct Nucleus nucleus = { .x = x, .y = y, .rough = 0.16 };
	nucleus.radius = random_between(random, 4.6, 7.4);
	nucleus.stretch = random_between(random, 1.05, 1.6);
	nucleus.angle = random_between(random, 0, G_PI);
	nucleus.amount = random_between(random, 0.55, 0.85);
	nucleus.pale = random_between(random, 0.4, 1);
	nucleus.nucleoli = random_below(random, 3);
	nucleus.seed = random_next(random);
	canvas_nucleus(canvas, &nucleus);
}

static void draw_spindle(const struct Plane *plane, struct Canvas *canvas, struct Random *random,
	double x, double y)
{
	if (random_unit(random) > 0.75 * stroma_at(plane, x, y))
		return;
	struct Nucleus nucleus = { .x = x, .y = y, .pale = 0.1, .rough = 0.08 };
	nucleus.radius = random_between(random, 2.2, 3);
	nucleus.stretch = random_between(random, 2.5, 5);
	nucleus.angle = plane->direction + random_between(random, -0.45, 0.45);
	nucleus.amount = random_between(random, 0.75, 1.05);
	nucleus.seed = random_next(random);
	canvas_nucleus(canvas, &nucleus);
}

static void draw_vacuole(const struct Plane *plane, struct Canvas *canvas, struct Random *random,
	double x, double y)
{
	if (field(plane, FIELD_FAT, x, y, 200) < 0.72)
		return;
	struct Hole hole = { .x = x, .y = y, .wall = 1, .wall_amount = 0.5 };
	hole.radius = random_between(random, 11, 19);
	hole.stretch = random_between(random, 1, 1.3);
	hole.angle = random_between(random, 0, G_PI);
	hole.seed = random_next(random);
	canvas_hole(canvas, &hole);
}

static void draw_ice(const struct Plane *plane, struct Canvas *canvas, struct Random *random,
	double x, double y)
{
	if (random_unit(random) > 0.6 * step(field(plane, FIELD_FROZEN, x, y, 150), 0.58, 0.75))
		return;
	struct Hole hole = { .x = x, .y = y };
	hole.radius = random_between(random, 0.8, 2.2);
	hole.stretch = random_between(random, 1, 3);
	hole.angle = random_between(random, 0, G_PI);
	hole.seed = random_next(random);
	canvas_hole(canvas, &hole);
}

/* A small vessel: a wall, and often blood in it. */
static void draw_vessel(const struct Plane *plane, struct Canvas *canvas, struct Random *random,
	double x, double y)
{
	(void)plane;
	if (random_unit(random) > 0.3)
		return;
	struct Hole hole = { .x = x, .y = y, .wall_amount = 0.62 };
	hole.radius = random_between(random, 6, 14);
	hole.stretch = random_between(random, 1, 2.2);
	hole.angle = random_between(random, 0, G_PI);
	hole.wall = random_between(random, 1.5, 4);
	hole.seed = random_next(random);
	canvas_hole(canvas, &hole);
	if (random_unit(random) < 0.6) {
		hole.radius -= 1;
		hole.wall = 0;
		hole.fill = 0.8;
		hole.seed++;
		canvas_hole(canvas, &hole);
	}
}

static const struct Lattice lattices[] = {
	{ FIELD_SPINDLE, 11, 9, draw_spindle },
	{ FIELD_LYMPHOCYTE, 7.4, 6, draw_lymphocyte },
	{ FIELD_TUMOUR, 12, 12, draw_tumour },
	{ FIELD_VACUOLE, 36, 30, draw_vacuole },
	{ FIELD_ICE, 6, 6, draw_ice },
	{ FIELD_VESSEL, 110, 36, draw_vessel },
};

static void draw_lattice(const struct Plane *plane, struct Canvas *canvas, const struct Lattice *lattice)
{
	double spacing = lattice->spacing / plane->um;
	double reach = lattice->reach / plane->um, side = canvas->side;
	gint64 left = (gint64)floor((canvas->left - reach) / spacing);
	gint64 right = (gint64)ceil((canvas->left + side + reach) / spacing);
	gint64 top = (gint64)floor((canvas->top - reach) / spacing);
	gint64 bottom = (gint64)ceil((canvas->top + side + reach) / spacing);

	for (gint64 row = top; row < bottom; row++)
		for (gint64 column = left; column < right; column++) {
			struct Random random = { random_at(plane->seed + (guint64)lattice->which, column, row) };
			double x = ((double)column + random_between(&random, 0.1, 0.9)) * spacing;
			double y = ((double)row + random_between(&random, 0.1, 0.9)) * spacing;
			double u = x - canvas->left, v = y - canvas->top;
			if (u < -reach || v < -reach || u > side + reach || v > side + reach)
				continue;
			lattice->draw(plane, canvas, &random, x, y);
		}
}

/* Marks where there is tissue and takes stain away from holes and pale patches. */
static void finish(struct Canvas *canvas, const float *coarse, int points)
{
	for (int y = 0; y < canvas->side; y++)
		for (int x = 0; x < canvas->side; x++) {
			gsize pixel = (gsize)y * (gsize)canvas->side + (gsize)x;
			float pale = coarse_read(coarse, points, x, y, COARSE_PALE);
			float left = (1 - canvas->hole[pixel]) * (1 - 0.5f * pale);
			canvas->haematoxylin[pixel] *= left;
			canvas->eosin[pixel] *= left;
			canvas->tissue[pixel] = coarse_read(coarse, points, x, y, COARSE_TISSUE) > 0.5f;
		}
}

void plane_draw(const struct Plane *plane, struct Canvas *canvas)
{
	gsize pixels = (gsize)canvas->side * (gsize)canvas->side;
	int points;
	g_autofree float *coarse = coarse_new(plane, canvas, &points);

	memset(canvas->hole, 0, pixels * sizeof *canvas->hole);
	draw_ground(plane, canvas, coarse, points);
	for (gsize i = 0; i < G_N_ELEMENTS(lattices); i++)
		draw_lattice(plane, canvas, &lattices[i]);
	finish(canvas, coarse, points);
}

void plane_targets(const struct Plane *plane, double x, double y, double targets[2])
{
	targets[0] = 0.28 + 0.3 * field(plane, FIELD_TARGET_H, x, y, 90);
	targets[1] = 0.2 + 0.22 * field(plane, FIELD_TARGET_E, x, y, 90);
}
