/* augment.c - see augment.h. */
#include "train/augment_work.h"
#include "common/random/random.h"

#define UNIT { 1, 0, 0, 0, 1, 0, 0, 0, 1 }
static const struct augmentation nothing = { .geometry = { 1, 0, 0, 0, 1, 0 }, .stain = UNIT, .colour = UNIT };

double draws_between(struct draws *d, double low, double high)
{
	return random_between(random_mix(d->key + d->n++), low, high);
}

void augment_draw(const struct settings *s, double strength, guint64 seed, guint64 epoch, guint64 position,
		  struct augmentation *out)
{
	static void (*const effects[])(const struct settings *s, double strength, struct draws *d, struct augmentation *out) = {
		augment_draw_geometry, augment_draw_elastic, augment_draw_stain, augment_draw_colour, augment_draw_blur,
		augment_draw_noise, augment_draw_jpeg,
	};

	*out = nothing;
	for (guint i = 0; i < G_N_ELEMENTS(effects) && strength > 0; i++) {
		struct draws d = { random_hash(seed, epoch, position, PURPOSE_AUGMENT + i), 0 };
		effects[i](s, strength, &d, out);
	}
}

static void widen(struct augmentation *a, double wider)
{
	a->geometry[2] = (float)(a->geometry[2] / wider);
	a->geometry[5] = (float)(a->geometry[5] / wider);
	for (gsize i = 0; i < G_N_ELEMENTS(a->elastic); i++)
		a->elastic[i] = (float)(a->elastic[i] / wider);
}

void augment_spread(struct augmentation *of, guint n, guint pictures, double wider)
{
	for (guint i = n * pictures; i-- > 0;) {
		of[i] = of[i / pictures];
		if (i % pictures > 0)
			widen(&of[i], wider);
	}
}

tensor *augment_gather(scope *s, const struct augmentation *of, guint n, gsize offset, dims shape, int device)
{
	gsize width = 1;

	for (int i = 1; i < shape.n; i++)
		width *= (gsize)shape.d[i];
	g_autofree float *all = g_new(float, n * width);
	for (guint i = 0; i < n; i++)
		memcpy(all + i * width, (const char *)&of[i] + offset, width * sizeof *all);
	return t_from(s, all, shape, T_F32, device);
}

gboolean augment_any(const struct augmentation *of, guint n, gsize offset, gsize size)
{
	for (guint i = 0; i < n; i++)
		if (memcmp((const char *)&of[i] + offset, (const char *)&nothing + offset, size) != 0)
			return TRUE;
	return FALSE;
}

tensor *augment(scope *parent, const tensor *x, const struct augmentation *of, guint n, int device)
{
	SCOPE(s, parent, SCOPE_NO_GRAD);
	tensor *y = augment_geometry(s, x, of, n, device);

	if (t_size(x, 1) == 3)
		y = augment_colour(s, y, of, n, device);
	return scope_keep(parent, augment_damage(s, y, of, n, device));
}
