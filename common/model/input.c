/* input.c - see input.h. */
#include "common/model/input.h"

tensor *input_values(scope *s, const guint8 *bytes, guint n, const struct sample_shape *shape, int device)
{
	tensor *x = t_from(s, bytes, DIMS((gint64)n * sample_pictures(shape), (gint64)sample_pixels(shape), shape->channels),
			   T_U8, device);
	return t_affine(s, t_to(s, x, T_F32, device), 1.0 / 255, 0);
}

tensor *input_normalise(scope *s, const struct model *m, const tensor *values, const struct sample_shape *shape, gboolean half,
			int device)
{
	const int height = (shape->input > 0 ? shape->input : shape->height) / (half ? 2 : 1);
	const int width = (shape->input > 0 ? shape->input : shape->width) / (half ? 2 : 1);
	float scale[3], shift[3];
	int c = shape->channels;

	for (int i = 0; i < c && i < 3; i++) {
		scale[i] = (float)(1 / m->std[i]);
		shift[i] = (float)(-m->mean[i] / m->std[i]);
	}
	tensor *x = t_mul(s, values, t_from(s, scale, DIMS(1, 1, c), T_F32, device));
	x = t_add(s, x, t_from(s, shift, DIMS(1, 1, c), T_F32, device));
	x = t_reshape(s, x, DIMS(t_size(values, 0), shape->height, shape->width, c));
	x = t_permute(s, x, DIMS(0, 3, 1, 2));
	return height != shape->height || width != shape->width ? t_upsample2d(s, x, height, width) : x;
}
