/*
 * augment.h - samples that look different each time: flips, quarter turns, zoom; stain and colour.
 *
 * What is drawn for a sample is a pure function of (seed, epoch, position), as two small matrices; a batch is
 * then changed on the device in a few tensor operations, whatever its size.
 *
 * Stain: absorbance (-ln of the light let through) is taken apart into haematoxylin, eosin and a rest by the
 * vectors of Ruifrok & Johnston 2001, each is scaled and shifted, and put together (Tellez et al. 2018).
 * Colour: brightness, contrast, saturation and hue, one affine map of RGB.
 */
#pragma once
#include "common/task/task.h"

G_BEGIN_DECLS

struct augmentation {           /* of one sample; row vectors: out = in * matrix + shift */
	float stain[9], stain_shift[3]; /* of absorbance */
	float colour[9], colour_shift[3]; /* of RGB, 0..1 */
	float geometry[6];      /* 2 x 3: from the output's -1..1 coordinates to the input's */
};

void augment_draw(const struct settings *settings, guint64 seed, guint64 epoch, guint64 position,
		  struct augmentation *out);
/* values (N, H*W, 3) in 0..1 to the same. */
tensor *augment_colour(scope *s, const tensor *values, const struct augmentation *of, guint n, int device);
/* Where in the sample each pixel of a changed one comes from: (N, H, W, 2), as t_grid_sample has it; size (N, C, H, W). */
tensor *augment_grid(scope *s, const struct augmentation *of, guint n, dims size, int device);
/* x (N, C, H, W) to the same; reflected at the border. */
tensor *augment_geometry(scope *s, const tensor *x, const struct augmentation *of, guint n, int device);

G_END_DECLS
