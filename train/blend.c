/* blend.c - see blend.h. */
#include "train/blend.h"
#include "common/random/random.h"
#include <math.h>

enum { PURPOSE_BLEND = 160 };

/* What comes from the other: `share` of everything, or all within a rectangle, in 0..1 of the sides. */
struct recipe { gboolean cut; double share, left, top, right, bottom; };

static gboolean draw(const struct settings *s, double strength, guint64 key, struct recipe *out)
{
	const double which = random_unit(random_mix(key)), mixup = strength * s->augmentation.mixup;
	const double share = random_unit(random_mix(key + 1)), side = sqrt(share);
	const double x = random_between(random_mix(key + 2), 0, 1 - side), y = random_between(random_mix(key + 3), 0, 1 - side);

	*out = (struct recipe){ which >= mixup, share, x, y, x + side, y + side };
	return which < mixup + strength * s->augmentation.cutmix;
}

/* How much of the place from..to of n along a side lies within low..high of it. */
static double within(double at, double n, double low, double high)
{
	return CLAMP(MIN((at + 1) / n, high) - MAX(at / n, low), 0, 1 / n) * n;
}

/* A whole picture of columns * rows places, each of `channels` values. */
static double share_at(const struct recipe *r, int column, int columns, int row, int rows)
{
	return !r->cut ? r->share : within(column, columns, r->left, r->right) * within(row, rows, r->top, r->bottom);
}

static void blend_picture(const struct recipe *r, const struct sample_shape *shape, const guint8 *other, guint8 *own)
{
	const gsize channels = (gsize)shape->channels;

	for (int row = 0; row < shape->height; row++)
		for (int column = 0; column < shape->width; column++) {
			const float share = (float)share_at(r, column, shape->width, row, shape->height);
			for (gsize k = 0; k < channels; k++, own++, other++)
				*own = (guint8)lrintf((float)*own + share * (float)(*other - *own));
		}
}

static gboolean known(const float *targets, int n)
{
	for (int i = 0; i < n; i++)
		if (!isfinite(targets[i]))
			return FALSE;
	return TRUE;
}

static void blend_targets(const struct recipe *r, const struct sample_shape *shape, const float *other, float *own)
{
	const int map = shape->map, first = shape->targets - map * map;

	for (int i = 0; i < first; i++)
		own[i] += (float)r->share * (other[i] - own[i]);
	for (int i = 0; i < map * map; i++)
		own[first + i] += (float)share_at(r, i % map, map, i / map, map) * (other[first + i] - own[first + i]);
}

void blend(const struct settings *s, double strength, guint64 seed, guint64 epoch, guint64 first,
	   const struct sample_shape *shape, guint8 *bytes, float *targets, guint n)
{
	const gsize size = sample_bytes(shape), picture = sample_pixels(shape) * (gsize)shape->channels;
	const gsize count = (gsize)shape->targets;

	if (strength * (s->augmentation.mixup + s->augmentation.cutmix) <= 0)
		return;
	g_autofree guint8 *bytes_before = g_memdup2(bytes, n * size);
	g_autofree float *targets_before = g_memdup2(targets, n * count * sizeof *targets);
	for (guint i = 0; i < n; i++) {
		const guint64 key = random_hash(seed, epoch, first + i, PURPOSE_BLEND);
		const guint other = random_below(random_mix(key + 4), n);
		struct recipe r;
		if (!draw(s, strength, key, &r) || !known(targets + i * count, shape->targets) ||
		    !known(targets_before + other * count, shape->targets))
			continue;
		for (guint k = 0; k < sample_pictures(shape); k++)
			blend_picture(&r, shape, bytes_before + other * size + k * picture, bytes + i * size + k * picture);
		blend_targets(&r, shape, targets_before + other * count, targets + i * count);
	}
}
