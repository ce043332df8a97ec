/*
 * stain.h - what colours a picture's stains have, and pictures brought to other ones.
 *
 * Density is the natural optical density over the glass, -ln(value / glass), at least 0; a value counts as at least 1
 * of 255. Stains (Macenko et al. 2009) are two unit vectors of density, found in the plane of the two main axes of the
 * pixels that have STAIN_LEAST in each channel, as the directions at percentiles 1 and 99 of the angle; haematoxylin
 * is the one of more red. `most` is the 99th percentile of the amount of each, by least squares.
 *
 * Threads: any. No errors: what cannot be estimated is FALSE.
 */
#pragma once
#include "common/image/matrix3.h"

G_BEGIN_DECLS

#define STAIN_LEAST 0.15                /* Macenko et al. 2009: beta */
enum { STAIN_PIXELS = 50 };             /* that must have it */

struct stain {
	double vector[2][3];            /* density of haematoxylin, of eosin, in red, green, blue */
	double most[2];
};

/* Density of haematoxylin, eosin and diaminobenzidine in red, green, blue (Ruifrok & Johnston 2001): for a matrix3. */
#define STAIN_RUIFROK { { 0.650, 0.704, 0.286 }, { 0.072, 0.990, 0.105 }, { 0.268, 0.570, 0.776 } }

/* The reference of Macenko's published code: their stain vectors and amounts. */
extern const struct stain stain_reference;

/* rgb (n, 3); glass: red, green, blue of it, 0..1. FALSE where fewer than STAIN_PIXELS are stained, or where the two
   are not STAIN_APART degrees apart, as of one stain alone. */
#define STAIN_APART 5.0
gboolean stain_estimate(const guint8 *rgb, gsize n, const double glass[3], struct stain *out);
/* The vectors alone. */
gboolean stain_estimate_vectors(const guint8 *rgb, gsize n, const double glass[3], struct stain *out);
/* Densities to amounts and back, as row vectors: density = amounts * matrix. The third row, of what is neither, is
   perpendicular to the two. */
void stain_matrix(const struct stain *stain, matrix3 out);

/* A map of colours: z = exp(map * min(ln(max(in * rgb, 1 / 255)), most) + shift), rgb' = out * z; rgb 0..1. */
struct recolour {
	float in[3][3], map[3][3], shift[3], out[3][3], most;
};

/* Each stain's vector becomes the reference's, and its `most`; what is neither stain goes. Glass becomes white. */
void recolour_macenko(const struct stain *stain, const double glass[3], struct recolour *out);
/* Reinhard et al. 2001: mean and s.d. of each channel of l-alpha-beta, of rgb's n pixels, become those of a picture of
   H&E of The Cancer Genome Atlas (the defaults of HistomicsTK). FALSE where all pixels are alike. Natural logarithms
   of 0..255. */
gboolean recolour_reinhard(const guint8 *rgb, gsize n, struct recolour *out);
/* In place, rounded; within 1 of 255 of what double precision gives. */
void recolour_apply(const struct recolour *r, guint8 *rgb, gsize n);

G_END_DECLS
