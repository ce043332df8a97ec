/*
 * augment.h - samples that look different each time: their geometry, stain, colour, and damage as of a camera.
 *
 * What is drawn for a sample is a pure function of (seed, epoch, position), each effect from draws of its own: to switch
 * one on changes no other. A batch is then changed on the device in a few tensor operations, whatever its size, and
 * each sample by its own draws alone: it comes out the same, up to rounding, in any batch and any part of one. Only
 * augment_mix looks at others: at those of the whole batch that it is given, by their bytes.
 *
 * Geometry: flips, quarter turns, any angle, zoom, stretch, shift: one matrix. elastic adds a displacement, smooth as
 *           Simard et al. 2003 have it, as a cubic B-spline of random vectors (Rueckert et al. 1999) ELASTIC_CELLS to
 *           the side; up to 0.1 of a side it cannot fold (Choi & Lee 2000: 0.48 of a cell).
 * Stain:    density (-ln of the light let through) is taken apart into haematoxylin, eosin and a rest by the vectors of
 *           Ruifrok & Johnston 2001; each is multiplied by 1 +- stain and has +- stain added (Tellez et al. 2019,
 *           arXiv:1902.06543: HED-light is 0.05, HED-strong 0.2).
 * Mix:      a sample's stain vectors go a random share of the way to another's, its amounts of stain stay (after
 *           Chang et al. 2021, stain mix-up; the vectors are found as Macenko et al. 2009 do).
 * Colour:   brightness, contrast, saturation and hue, one affine map of RGB.
 * Damage:   each with probability augmentation.damage: a Gaussian blur, or an unsharp mask; Gaussian noise of each
 *           value; JPEG by the tables of its standard (ITU-T T.81, Annex K), scaled to a quality as libjpeg does,
 *           colours at half resolution.
 */
#pragma once
#include "common/task/task.h"

G_BEGIN_DECLS

enum { ELASTIC_CELLS = 4, ELASTIC_POINTS = ELASTIC_CELLS + 3 };

struct augmentation {           /* of one sample; row vectors: out = in * matrix + shift */
	float geometry[6];      /* 2 x 3: from the output's -1..1 coordinates to the input's */
	float elastic[2 * ELASTIC_POINTS * ELASTIC_POINTS]; /* (2, points, points): x and y, of -1..1 coordinates */
	float stain[9], stain_shift[3]; /* of density */
	float colour[9], colour_shift[3]; /* of RGB, 0..1 */
	float blur;             /* s.d., px; 0: neither of these */
	float blurred;          /* how far it goes to the blurred picture: 1, or below 0 where it is sharpened */
	float noise;            /* s.d., of 0..1 */
	int quality;            /* of JPEG, 1..100; 0: none */
	guint64 noise_seed;
};

/* strength: 0..1, what all strengths are multiplied by; flips and quarter turns stay, but with 0, which changes nothing. */
void augment_draw(const struct settings *settings, double strength, guint64 seed, guint64 epoch, guint64 position,
		  struct augmentation *out);
/* Mixes the stains of a whole batch: its samples stand at first.. of the epoch, bytes (n, pixels, 3). A sample where no
   two stains can be told apart gives none and takes none. */
void augment_mix(const struct settings *settings, double strength, guint64 seed, guint64 epoch, guint64 first,
		 const guint8 *bytes, gsize pixels, struct augmentation *of, guint n);

/* What was drawn for n samples, of[0..n), to that of their pictures, of[0..n * pictures): alike for all of a sample, but that
   those behind the first, `wider` times as wide, are moved as far in what they show. */
void augment_spread(struct augmentation *of, guint n, guint pictures, double wider);

/* x (N, C, H, W), of values 0..1, to the same: geometry, then where C is 3 stain and colour, then damage. */
tensor *augment(scope *s, const tensor *x, const struct augmentation *of, guint n, int device);

/* Its parts. Where no sample has any of it, what is given comes back, not a copy. */
tensor *augment_geometry(scope *s, const tensor *x, const struct augmentation *of, guint n, int device);
tensor *augment_colour(scope *s, const tensor *x, const struct augmentation *of, guint n, int device);
tensor *augment_damage(scope *s, const tensor *x, const struct augmentation *of, guint n, int device);

/* Where geometry samples (N, h, w, 2), for what must move along, such as a map of targets (t_grid_sample). */
tensor *augment_grid(scope *s, const struct augmentation *of, guint n, gint64 h, gint64 w, int device);

G_END_DECLS
