/* How haematoxylin and eosin colour a section: amounts of the two to RGB, and RGB re-stained.
 *
 * Light falls off exponentially with the amount of a stain, in each of red, green and blue at its
 * own rate (Beer and Lambert), so a change of stain is linear in optical density. Structs are the
 * caller's own, plain values; nothing here fails. */
#pragma once

#include <glib.h>

#include "random.h"

#define STAIN_GLASS 243		/* grey level of bare glass */
#define STAIN_STEPS 256		/* palette entries for one unit of stain */
#define STAIN_UNITS 4		/* the most of a stain that a palette holds */

/* A change of staining between laboratories: amount * gain + bias, of haematoxylin and of eosin. */
struct StainShift {
	double gain[2];
	double bias[2];
};

struct Stain {
	double density[2][3];	/* optical density of one unit of stain, in R, G, B */
	struct StainShift shift;
};

/* What light is left after so many units of one stain, in R, G, B. */
struct StainPalette {
	float haematoxylin[STAIN_STEPS * STAIN_UNITS][3];
	float eosin[STAIN_STEPS * STAIN_UNITS][3];
};

/* Re-stains RGB; made by stain_change_init from a shift. */
struct StainChange {
	double matrix[3][3];	/* on optical densities */
	double bias[3];
	double density[256];	/* of a grey level */
};

/* A laboratory's shift of size `amount` (0: none), in a direction that the seed gives. */
void stain_shift_draw(struct StainShift *shift, double amount, guint64 seed);

/* A slide's own stain: the usual vectors, somewhat off, with the shift given. */
void stain_draw(struct Stain *stain, const struct StainShift *shift, guint64 seed);

void stain_palette_init(struct StainPalette *palette, const struct Stain *stain);

/* rgb: (3). Amounts are in units of stain; what is beyond the palette is cut off. */
void stain_colour(const struct StainPalette *palette, double haematoxylin, double eosin, guint8 *rgb);

void stain_change_init(struct StainChange *change, const struct StainShift *shift);
void stain_change_pixel(const struct StainChange *change, const guint8 *rgb, guint8 *changed);
