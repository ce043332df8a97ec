/* augment.c - see augment.h. */
#include "train/augment.h"
#include "common/random/random.h"
#include <math.h>

typedef double matrix[3][3];

static void multiply(matrix a, matrix b, matrix out)
{
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++)
			out[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
}

static void invert(matrix m, matrix out)
{
	double det = 0;

	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++) {
			int r = (j + 1) % 3, s = (j + 2) % 3, c = (i + 1) % 3, d = (i + 2) % 3;
			out[i][j] = m[r][c] * m[s][d] - m[r][d] * m[s][c];
		}
	for (int j = 0; j < 3; j++)
		det += m[0][j] * out[j][0];
	for (int i = 0; i < 9; i++)
		((double *)out)[i] /= det;
}

static void narrow(matrix m, float out[9])
{
	for (int i = 0; i < 9; i++)
		out[i] = (float)((double *)m)[i];
}

struct draws { guint64 key; guint n; };

static double between(struct draws *d, double low, double high)
{
	return random_between(random_mix(d->key + d->n++), low, high);
}

/* Ruifrok & Johnston 2001: absorbance of haematoxylin, eosin and diaminobenzidine in red, green, blue */
static void draw_stain(double strength, struct draws *d, struct augmentation *out)
{
	matrix stains = { { 0.650, 0.704, 0.286 }, { 0.072, 0.990, 0.105 }, { 0.268, 0.570, 0.776 } };
	matrix apart, scaled, joined;
	double shift[3];

	invert(stains, apart);
	for (int i = 0; i < 3; i++) {
		double by = between(d, 1 - strength, 1 + strength);
		for (int j = 0; j < 3; j++)
			scaled[i][j] = by * stains[i][j];
		shift[i] = between(d, -strength / 4, strength / 4);
	}
	multiply(apart, scaled, joined);
	narrow(joined, out->stain);
	for (int j = 0; j < 3; j++)
		out->stain_shift[j] = (float)(shift[0] * stains[0][j] + shift[1] * stains[1][j] + shift[2] * stains[2][j]);
}

/* Brightness and contrast by 1 +- strength, saturation likewise, hue by +- strength / 4 rad about grey. */
static void draw_colour(double strength, struct draws *d, struct augmentation *out)
{
	const double luma[3] = { 0.299, 0.587, 0.114 }; /* ITU-R BT.601 */
	const double middle = 0.7;                      /* of stained tissue: about it contrast changes */
	double brightness = between(d, 1 - strength, 1 + strength), contrast = between(d, 1 - strength, 1 + strength);
	double saturation = between(d, 1 - strength, 1 + strength), hue = between(d, -strength / 4, strength / 4);
	double c = cos(hue), s = sin(hue) / sqrt(3);
	matrix turned = { { c + (1 - c) / 3, (1 - c) / 3 + s, (1 - c) / 3 - s },
			  { (1 - c) / 3 - s, c + (1 - c) / 3, (1 - c) / 3 + s },
			  { (1 - c) / 3 + s, (1 - c) / 3 - s, c + (1 - c) / 3 } };
	matrix saturated, joined;

	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++)
			saturated[i][j] = (1 - saturation) * luma[i] + (i == j ? saturation : 0);
	multiply(turned, saturated, joined);
	for (int i = 0; i < 9; i++)
		((double *)joined)[i] *= brightness * contrast;
	narrow(joined, out->colour);
	for (int j = 0; j < 3; j++)
		out->colour_shift[j] = (float)(brightness * middle * (1 - contrast));
}

/* Transposing, mirroring and zooming are one matrix over the square. */
static void draw_geometry(const struct settings *s, struct draws *d, struct augmentation *out)
{
	gboolean transpose = between(d, 0, 1) < 0.5 && s->augmentation.turns;
	double x = between(d, 0, 1) < 0.5 && s->augmentation.flips ? -1 : 1;
	double y = between(d, 0, 1) < 0.5 && s->augmentation.flips ? -1 : 1;
	double zoom = exp(between(d, -1, 1) * log(1 + s->augmentation.scale));

	if (s->augmentation.turns && !s->augmentation.flips) {  /* turns alone: no mirrored tissue */
		y = between(d, 0, 1) < 0.5 ? -1 : 1;
		x = transpose ? -y : y;
	}
	out->geometry[0] = (float)(transpose ? 0 : x * zoom);
	out->geometry[1] = (float)(transpose ? x * zoom : 0);
	out->geometry[2] = 0;
	out->geometry[3] = (float)(transpose ? y * zoom : 0);
	out->geometry[4] = (float)(transpose ? 0 : y * zoom);
	out->geometry[5] = 0;
}

void augment_draw(const struct settings *s, guint64 seed, guint64 epoch, guint64 position, struct augmentation *out)
{
	struct draws d = { random_hash(seed, epoch, position, 100), 0 };

	draw_geometry(s, &d, out);
	draw_stain(s->augmentation.stain, &d, out);
	draw_colour(s->augmentation.colour, &d, out);
}

/* A field of each augmentation, side by side: (n, width). */
static tensor *gather(scope *s, const struct augmentation *of, guint n, gsize offset, dims shape, int device)
{
	gsize width = 1;

	for (int i = 1; i < shape.n; i++)
		width *= (gsize)shape.d[i];
	g_autofree float *all = g_new(float, n * width);
	for (guint i = 0; i < n; i++)
		memcpy(all + i * width, (const char *)&of[i] + offset, width * sizeof *all);
	return t_from(s, all, shape, T_F32, device);
}

#define GATHER(field, ...) gather(s, of, n, offsetof(struct augmentation, field), DIMS(n, __VA_ARGS__), device)

tensor *augment_colour(scope *parent, const tensor *values, const struct augmentation *of, guint n, int device)
{
	SCOPE(s, parent, SCOPE_NO_GRAD);
	tensor *x = t_log(s, t_clamp(s, values, 1.0 / 255, 1));
	x = t_add(s, t_matmul(s, x, GATHER(stain, 3, 3)), t_affine(s, GATHER(stain_shift, 1, 3), -1, 0));
	x = t_exp(s, t_clamp(s, x, -8, 0));
	x = t_add(s, t_matmul(s, x, GATHER(colour, 3, 3)), GATHER(colour_shift, 1, 3));
	return scope_keep(parent, t_clamp(s, x, 0, 1));
}

tensor *augment_grid(scope *s, const struct augmentation *of, guint n, dims size, int device)
{
	return t_affine_grid(s, GATHER(geometry, 2, 3), size);
}

tensor *augment_geometry(scope *parent, const tensor *x, const struct augmentation *of, guint n, int device)
{
	SCOPE(s, parent, SCOPE_NO_GRAD);
	return scope_keep(parent, t_grid_sample(s, x, augment_grid(s, of, n, t_dims(x), device)));
}
