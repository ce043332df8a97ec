/* The colour model. Vectors are near those of Ruifrok and Johnston 2001, eosin made pinker, as
 * frozen sections of the scanner show it. */
#include "stain.h"

static const double usual[2][3] = {
	{ 0.64, 0.70, 0.30 },	/* haematoxylin */
	{ 0.13, 0.86, 0.42 },	/* eosin */
};

void stain_shift_draw(struct StainShift *shift, double amount, guint64 seed)
{
	struct Random random = { seed };
	double sign = random_unit(&random) < 0.5 ? -1 : 1;

	/* More of one stain goes with less of the other, as with another staining protocol. */
	shift->gain[0] = 1 + amount * sign * random_between(&random, 0.8, 1.2);
	shift->gain[1] = 1 - amount * sign * random_between(&random, 0.8, 1.2);
	shift->bias[0] = amount * random_between(&random, -0.2, 0.2);
	shift->bias[1] = amount * random_between(&random, -0.2, 0.2);
}

void stain_draw(struct Stain *stain, const struct StainShift *shift, guint64 seed)
{
	struct Random random = { seed };

	stain->shift = *shift;
	for (int kind = 0; kind < 2; kind++) {
		double strength = random_between(&random, 0.88, 1.12);
		for (int c = 0; c < 3; c++)
			stain->density[kind][c] = strength * (usual[kind][c] + random_between(&random, -0.04, 0.04));
	}
}

void stain_palette_init(struct StainPalette *palette, const struct Stain *stain)
{
	const struct StainShift *shift = &stain->shift;

	for (int i = 0; i < STAIN_STEPS * STAIN_UNITS; i++) {
		double amount = (double)i / STAIN_STEPS;
		double h = MAX(amount * shift->gain[0] + shift->bias[0] * MIN(amount * 8, 1), 0);
		double e = MAX(amount * shift->gain[1] + shift->bias[1] * MIN(amount * 8, 1), 0);
		for (int c = 0; c < 3; c++) {
			palette->haematoxylin[i][c] = (float)exp(-h * stain->density[0][c]);
			palette->eosin[i][c] = (float)(STAIN_GLASS * exp(-e * stain->density[1][c]));
		}
	}
}

void stain_colour(const struct StainPalette *palette, double haematoxylin, double eosin, guint8 *rgb)
{
	int most = STAIN_STEPS * STAIN_UNITS - 1;
	const float *h = palette->haematoxylin[CLAMP((int)(haematoxylin * STAIN_STEPS), 0, most)];
	const float *e = palette->eosin[CLAMP((int)(eosin * STAIN_STEPS), 0, most)];

	for (int c = 0; c < 3; c++)
		rgb[c] = (guint8)(h[c] * e[c] + 0.5f);
}

static void cross(const double *a, const double *b, double *product)
{
	product[0] = a[1] * b[2] - a[2] * b[1];
	product[1] = a[2] * b[0] - a[0] * b[2];
	product[2] = a[0] * b[1] - a[1] * b[0];
}

/* Splits a density into haematoxylin, eosin and the rest that is at right angles to both, changes
 * the first two and puts the three together again: all of it one affine map. */
void stain_change_init(struct StainChange *change, const struct StainShift *shift)
{
	double rest[3], to_h[3], to_e[3], determinant = 0;

	cross(usual[0], usual[1], rest);
	cross(usual[1], rest, to_h);
	cross(rest, usual[0], to_e);
	for (int c = 0; c < 3; c++)
		determinant += usual[0][c] * to_h[c];
	for (int to = 0; to < 3; to++) {
		for (int from = 0; from < 3; from++)
			change->matrix[to][from] = (to == from) +
				(shift->gain[0] - 1) * usual[0][to] * to_h[from] / determinant +
				(shift->gain[1] - 1) * usual[1][to] * to_e[from] / determinant;
		change->bias[to] = shift->bias[0] * usual[0][to] + shift->bias[1] * usual[1][to];
	}
	for (int level = 0; level < 256; level++)
		change->density[level] = -log((level + 1) / 256.0);
}

void stain_change_pixel(const struct StainChange *change, const guint8 *rgb, guint8 *changed)
{
	double density[3];

	for (int c = 0; c < 3; c++)
		density[c] = change->density[rgb[c]];
	/* Where there is no stain there is nothing to bias. */
	double stained = MIN((density[0] + density[1] + density[2]) * 2, 1);
	for (int c = 0; c < 3; c++) {
		double sum = change->bias[c] * stained;
		for (int from = 0; from < 3; from++)
			sum += change->matrix[c][from] * density[from];
		changed[c] = (guint8)CLAMP(256 * exp(-sum) - 1 + 0.5, 0, 255);
	}
}
