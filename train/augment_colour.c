/* augment_colour.c - see augment.h: stain and colour, a map of densities and one of RGB. */
#include "common/image/stain.h"
#include "common/random/random.h"
#include "train/augment_work.h"
#include <math.h>

static void narrow(matrix3 m, float out[9])
{
	for (int i = 0; i < 9; i++)
		out[i] = (float)m[i / 3][i % 3];
}

void augment_draw_stain(const struct settings *s, double strength, struct draws *d, struct augmentation *out)
{
	matrix3 stains = STAIN_RUIFROK, apart, scaled, joined;
	double most = strength * s->augmentation.stain, shift[3];

	if (most <= 0)
		return;
	matrix3_invert(stains, apart);
	for (int i = 0; i < 3; i++) {
		double by = draws_between(d, 1 - most, 1 + most);
		for (int j = 0; j < 3; j++)
			scaled[i][j] = by * stains[i][j];
		shift[i] = draws_between(d, -most, most);
	}
	matrix3_multiply(apart, scaled, joined);
	narrow(joined, out->stain);
	for (int j = 0; j < 3; j++)
		out->stain_shift[j] = (float)(shift[0] * stains[0][j] + shift[1] * stains[1][j] + shift[2] * stains[2][j]);
}

/* Brightness and contrast by 1 +- strength, saturation likewise, hue by +- strength / 4 rad about grey. */
void augment_draw_colour(const struct settings *s, double by, struct draws *d, struct augmentation *out)
{
	const double luma[3] = { 0.299, 0.587, 0.114 }; /* ITU-R BT.601 */
	const double middle = 0.7;                      /* of stained tissue: about it contrast changes */
	const double strength = by * s->augmentation.colour;
	double brightness = draws_between(d, 1 - strength, 1 + strength), contrast = draws_between(d, 1 - strength, 1 + strength);
	double saturation = draws_between(d, 1 - strength, 1 + strength), hue = draws_between(d, -strength / 4, strength / 4);
	double c = cos(hue), t = sin(hue) / sqrt(3);
	matrix3 turned = { { c + (1 - c) / 3, (1 - c) / 3 + t, (1 - c) / 3 - t },
			   { (1 - c) / 3 - t, c + (1 - c) / 3, (1 - c) / 3 + t },
			   { (1 - c) / 3 + t, (1 - c) / 3 - t, c + (1 - c) / 3 } };
	matrix3 saturated, joined;

	if (strength <= 0)
		return;
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++)
			saturated[i][j] = (1 - saturation) * luma[i] + (i == j ? saturation : 0);
	matrix3_multiply(turned, saturated, joined);
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++)
			joined[i][j] *= brightness * contrast;
	narrow(joined, out->colour);
	for (int j = 0; j < 3; j++)
		out->colour_shift[j] = (float)(brightness * middle * (1 - contrast));
}

/* ---- mixing ---- */

struct found { gboolean is; struct stain stain; };

/* From MIX_PIXELS of a sample, evenly spread. */
static void find_stains(const guint8 *bytes, gsize pixels, struct found *out)
{
	enum { MIX_PIXELS = 512 };
	static const double glass[3] = { 1, 1, 1 };
	guint8 some[3 * MIX_PIXELS];
	gsize n = MIN(pixels, MIX_PIXELS);

	for (gsize i = 0; i < n; i++)
		memcpy(some + 3 * i, bytes + 3 * (i * pixels / n), 3);
	out->is = stain_estimate_vectors(some, n, glass, &out->stain);
}

/* Before the changes of stain that are drawn: density = amounts * vectors, of which the vectors become others. */
static void mix(const struct stain *own, const struct stain *other, double share, struct augmentation *out)
{
	struct stain mixed = *own;
	matrix3 before, apart, after, map, drawn, joined;

	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 3; k++)
			mixed.vector[i][k] += share * (other->vector[i][k] - own->vector[i][k]);
	stain_matrix(own, before);
	stain_matrix(&mixed, after);
	matrix3_invert(before, apart);
	matrix3_multiply(apart, after, map);
	for (int i = 0; i < 9; i++)
		drawn[i / 3][i % 3] = (double)out->stain[i];
	matrix3_multiply(map, drawn, joined);
	narrow(joined, out->stain);
}

void augment_mix(const struct settings *s, double strength, guint64 seed, guint64 epoch, guint64 first,
		 const guint8 *bytes, gsize pixels, struct augmentation *of, guint n)
{
	const double most = strength * s->augmentation.stain_mix;
	g_autofree struct found *found = g_new(struct found, n + 1);

	if (most <= 0)
		return;
	for (guint i = 0; i < n; i++)
		find_stains(bytes + 3 * pixels * i, pixels, &found[i]);
	for (guint i = 0; i < n; i++) {
		const guint64 key = random_hash(seed, epoch, first + i, PURPOSE_MIX);
		const guint other = random_below(random_mix(key), n);
		if (other != i && found[i].is && found[other].is)
			mix(&found[i].stain, &found[other].stain, random_between(random_mix(key + 1), 0, most), &of[i]);
	}
}

/* ---- a batch ---- */

/* x (N, 3, P) by each sample's matrix, and its shift added */
static tensor *map(scope *s, const tensor *x, const tensor *matrices, const tensor *shifts)
{
	return t_add(s, t_matmul(s, t_permute(s, matrices, DIMS(0, 2, 1)), x), shifts);
}

tensor *augment_colour(scope *parent, const tensor *values, const struct augmentation *of, guint n, int device)
{
	SCOPE(s, parent, SCOPE_NO_GRAD);
	tensor *x = t_reshape(s, values, DIMS(n, 3, -1));
	const gboolean stain = ANY(stain) || ANY(stain_shift), colour = ANY(colour) || ANY(colour_shift);

	if (!stain && !colour)
		return scope_keep(parent, values);
	if (stain) {
		x = t_log(s, t_clamp(s, x, 1.0 / 255, 1));
		x = map(s, x, GATHER(stain, 3, 3), t_affine(s, GATHER(stain_shift, 3, 1), -1, 0));
		x = t_exp(s, t_clamp(s, x, -8, 0));
	}
	if (colour)
		x = t_clamp(s, map(s, x, GATHER(colour, 3, 3), GATHER(colour_shift, 3, 1)), 0, 1);
	return scope_keep(parent, t_reshape(s, x, t_dims(values)));
}
