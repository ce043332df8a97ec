/* input.c - see input.h. */
#include "common/model/input.h"

tensor *input_values(scope *s, const guint8 *bytes, guint n, const struct sample_shape *shape, int device)
{
	tensor *x = t_from(s, bytes, DIMS((gint64)n * sample_pictures(shape), (gint64)sample_pixels(shape), shape->channels),
			   T_U8, device);
	return t_affine(s, t_to(s, x, T_F32, device), 1.0 / 255, 0);
}

/* (n * pictures, H * W, C) to (n * pictures, C, H, W). */
static tensor *pictures(scope *s, const tensor *values, const struct sample_shape *shape)
{
	tensor *x = t_reshape(s, values, DIMS(-1, shape->height, shape->width, shape->channels));

	return t_permute(s, x, DIMS(0, 3, 1, 2));
}

/* x (N, C, H, W) */
static tensor *standard(scope *s, const struct model *m, const tensor *x, int device)
{
	const int c = m->channels;
	float scale[3], shift[3];

	for (int i = 0; i < c && i < 3; i++) {
		scale[i] = (float)(1 / m->std[i]);
		shift[i] = (float)(-m->mean[i] / m->std[i]);
	}
	x = t_mul(s, x, t_from(s, scale, DIMS(1, c, 1, 1), T_F32, device));
	return t_add(s, x, t_from(s, shift, DIMS(1, c, 1, 1), T_F32, device));
}

tensor *input_normalise(scope *s, const struct model *m, const tensor *values, const struct sample_shape *shape, int device)
{
	const int height = shape->input > 0 ? shape->input : shape->height, width = shape->input > 0 ? shape->input : shape->width;
	tensor *x = standard(s, m, pictures(s, values, shape), device);

	return height != shape->height || width != shape->width ? t_upsample2d(s, x, height, width) : x;
}

tensor *input_screen(scope *s, const struct model *m, const tensor *values, const struct sample_shape *shape, int device)
{
	const int n = (int)sample_pictures(shape);
	const struct sample_shape small = sample_shape_of(shape, TRUE);

	if (n > 1) {
		tensor *all = t_reshape(s, values, DIMS(-1, n, (gint64)sample_pixels(shape), shape->channels));
		values = t_narrow(s, all, 1, 0, 1);
	}
	return standard(s, m, t_adaptive_pool2d(s, pictures(s, values, shape), small.height, small.width), device);
}
