/*
 * augment_test.h - what the tests of augmentation share: settings of nothing, random numbers, draws, and a call that takes
 * pictures from memory.
 */
#pragma once
#include "common/config/config.h"
#include "train/augment.h"
#include <math.h>

/* Nothing is changed. */
static inline struct settings *settings_plain(void)
{
	struct settings *s = settings_new();

	memset(&s->augmentation, 0, sizeof s->augmentation);
	return s;
}

/* All that there is, as strong as it may be. */
static inline struct settings *settings_all(void)
{
	struct settings *s = settings_new();

	s->augmentation.angle = 180;
	s->augmentation.exact = 0;
	s->augmentation.scale = s->augmentation.shift = s->augmentation.stretch = s->augmentation.noise = 0.5;
	s->augmentation.stain = s->augmentation.stain_mix = s->augmentation.colour = s->augmentation.damage = 1;
	s->augmentation.elastic = 0.1;
	s->augmentation.blur = 10;
	s->augmentation.sharpen = 4;
	s->augmentation.jpeg = 0.95;
	return s;
}

static inline struct augmentation *draw_many(const struct settings *s, double strength, guint64 seed, guint n)
{
	struct augmentation *out = g_new(struct augmentation, n);

	for (guint i = 0; i < n; i++)
		augment_draw(s, strength, seed, 3, 1000 + i, &out[i]);
	return out;
}

/* One that changes nothing, for numbers set by hand. */
static inline struct augmentation plain(void)
{
	g_autoptr(settings_t) s = settings_plain();
	struct augmentation a;

	augment_draw(s, 1, 0, 0, 0, &a);
	return a;
}

static inline float *noise(gsize n, guint32 seed)
{
	g_autoptr(GRand) source = g_rand_new_with_seed(seed);
	float *x = g_new(float, n);

	for (gsize i = 0; i < n; i++)
		x[i] = (float)g_rand_double(source);
	return x;
}

typedef tensor *augment_part(scope *s, const tensor *x, const struct augmentation *of, guint n, int device);
static inline void apply_on(int device, augment_part *part, const float *pictures, gint64 h, gint64 w,
			    const struct augmentation *of, guint n, float *out)
{
	const char *message;
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	tensor *x = t_from(s, pictures, DIMS(n, 3, h, w), T_F32, device);

	t_read(s, part(s, x, of, n, device), out, (gsize)(n * 3 * h * w) * sizeof *out);
	scope_error(s, &message);
	g_assert_cmpstr(message, ==, "");
}

/* pictures and out (n, 3, h, w); a GPU, where there is one, does the same, but for what rounding moves by a step of JPEG's */
static inline void apply(augment_part *part, const float *pictures, gint64 h, gint64 w, const struct augmentation *of, guint n,
			 float *out)
{
	const gsize numbers = (gsize)(n * 3 * h * w);
	g_autofree float *there = g_new(float, numbers);
	double off = 0;

	apply_on(T_CPU, part, pictures, h, w, of, n, out);
	if (tensor_gpus(NULL) <= 0)
		return;
	apply_on(0, part, pictures, h, w, of, n, there);
	for (gsize i = 0; i < numbers; i++)
		off += fabs((double)there[i] - (double)out[i]) / (double)numbers;
	g_assert_cmpfloat(off, <, 1e-4);
}
