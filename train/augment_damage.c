/* augment_damage.c - see augment.h: blur and sharpening, noise, JPEG, of those samples that have them. */
#include "common/random/random.h"
#include "train/augment_work.h"
#include <math.h>

enum { BLOCK = 8, CELL = BLOCK * BLOCK };       /* of JPEG */
#define SHARPEN_SIGMA 1.0                       /* px */
#define LEAST_SIGMA 0.1                         /* px: less is nothing */

gboolean augment_damages(const struct settings *s, struct draws *d)
{
	return draws_between(d, 0, 1) < s->augmentation.damage;
}

/* Where both are wanted, one or the other. */
void augment_draw_blur(const struct settings *s, double strength, struct draws *d, struct augmentation *out)
{
	const double blur = strength * s->augmentation.blur, sharpen = strength * s->augmentation.sharpen;
	const gboolean damages = augment_damages(s, d), blurs = blur > LEAST_SIGMA && (sharpen <= 0 || draws_between(d, 0, 1) < 0.5);

	if (!damages || (!blurs && sharpen <= 0))
		return;
	out->blur = (float)(blurs ? draws_between(d, LEAST_SIGMA, blur) : SHARPEN_SIGMA);
	out->blurred = (float)(blurs ? 1 : -draws_between(d, 0, sharpen));
}

void augment_draw_noise(const struct settings *s, double strength, struct draws *d, struct augmentation *out)
{
	const double most = strength * s->augmentation.noise;

	if (!augment_damages(s, d) || most <= 0)
		return;
	out->noise = (float)draws_between(d, 0, most);
	out->noise_seed = random_mix(d->key + 1000);
}

void augment_draw_jpeg(const struct settings *s, double strength, struct draws *d, struct augmentation *out)
{
	const double most = strength * s->augmentation.jpeg;

	if (augment_damages(s, d) && most > 0)
		out->quality = MAX(1, (int)lround(draws_between(d, 100 * (1 - most), 100)));
}

/* ---- blur ---- */

/* n x n: each pixel of a line as its Gaussian mean; the line is mirrored at its ends, so that its mean stays. */
static void gaussian(double sigma, gint64 n, float *out)
{
	const gint64 reach = (gint64)ceil(3 * sigma);
	g_autofree double *weight = g_new(double, (gsize)reach + 1);
	double sum = 0;

	memset(out, 0, (gsize)(n * n) * sizeof *out);
	for (gint64 k = 0; k <= reach; k++) {
		weight[k] = exp(-(double)(k * k) / (2 * sigma * sigma));
		sum += (k > 0 ? 2 : 1) * weight[k];
	}
	for (gint64 i = 0; i < n; i++)
		for (gint64 k = -reach; k <= reach; k++) {
			const gint64 at = ((i + k) % (2 * n) + 2 * n) % (2 * n);
			out[i * n + (at < n ? at : 2 * n - 1 - at)] += (float)(weight[ABS(k)] / sum);
		}
}

/* (n, side, side) */
static tensor *gaussians(scope *s, const struct augmentation *of, guint n, gint64 side, int device)
{
	const gsize size = (gsize)(side * side);
	g_autofree float *all = g_new(float, n * size);

	for (guint i = 0; i < n; i++)
		gaussian((double)of[i].blur, side, all + i * size);
	return t_from(s, all, DIMS(n, side, side), T_F32, device);
}

/* Two products: lines from left to right, lines from top to bottom. A Gaussian's matrix is its own transpose. */
static tensor *blur(scope *s, const tensor *x, const struct augmentation *of, guint n, int device)
{
	const gint64 channels = t_size(x, 1), h = t_size(x, 2), w = t_size(x, 3);
	tensor *wide = gaussians(s, of, n, w, device), *high = h == w ? wide : gaussians(s, of, n, h, device);
	tensor *across = t_matmul(s, t_reshape(s, x, DIMS(n, channels * h, w)), wide);
	tensor *y = t_matmul(s, t_reshape(s, high, DIMS(n, 1, h, h)), t_reshape(s, across, t_dims(x)));

	y = t_mul(s, t_sub(s, y, x), GATHER(blurred, 1, 1, 1));
	return t_clamp(s, t_add(s, x, y), 0, 1);
}

/* ---- noise ---- */

static tensor *add_noise(scope *s, const tensor *x, const struct augmentation *of, guint n, int device)
{
	const gint64 values = t_size(x, 1) * t_size(x, 2) * t_size(x, 3), even = values + values % 2;
	g_autofree gint64 *seeds = g_new(gint64, n);

	for (guint i = 0; i < n; i++)
		seeds[i] = (gint64)of[i].noise_seed;
	tensor *noise = t_noise(s, t_from(s, seeds, DIMS(n), T_I64, device), even);
	noise = t_reshape(s, t_narrow(s, noise, 1, 0, values), t_dims(x));
	return t_clamp(s, t_add(s, x, t_mul(s, noise, GATHER(noise, 1, 1, 1))), 0, 1);
}

/* ---- JPEG ---- */

static const guint8 luminance[CELL] = {         /* ITU-T T.81, table K.1 */
	16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
	18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
};
static const guint8 chrominance[CELL] = {       /* table K.2 */
	17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
};

/* (n, 1, 64): steps of each coefficient, as libjpeg scales a table to a quality. */
static tensor *steps(scope *s, const guint8 *table, const struct augmentation *of, guint n, int device)
{
	g_autofree float *all = g_new(float, (gsize)n * CELL);

	for (guint i = 0; i < n; i++)
		for (int k = 0; k < CELL; k++) {
			const int q = of[i].quality, scale = q < 50 ? 5000 / q : 200 - 2 * q;
			all[i * CELL + (guint)k] = (float)CLAMP((table[k] * scale + 50) / 100, 1, 255);
		}
	return t_from(s, all, DIMS(n, 1, CELL), T_F32, device);
}

/* (64, 64): a block's pixels, as a column, to its coefficients: the cosine transform of T.81, A.3.3. */
static tensor *cosines(scope *s, int device)
{
	float m[CELL * CELL];

	for (int at = 0; at < CELL * CELL; at++) {
		const int v = at / CELL / BLOCK, u = at / CELL % BLOCK, y = at % CELL / BLOCK, x = at % BLOCK;
		m[at] = (float)((u > 0 ? 1 : M_SQRT1_2) * (v > 0 ? 1 : M_SQRT1_2) / 4 *
				cos((2 * x + 1) * u * G_PI / 16) * cos((2 * y + 1) * v * G_PI / 16));
	}
	return t_from(s, m, DIMS(CELL, CELL), T_F32, device);
}

/* x (n, c, h, w), in steps of 1 of 255, through coefficients in whole steps and back; sides are multiples of 8. */
static tensor *quantise(scope *s, const tensor *x, const tensor *dct, const tensor *q)
{
	const gint64 n = t_size(x, 0), c = t_size(x, 1), h = t_size(x, 2), w = t_size(x, 3);
	tensor *blocks = t_reshape(s, x, DIMS(n * c, h / BLOCK, BLOCK, w / BLOCK, BLOCK));

	blocks = t_reshape(s, t_permute(s, blocks, DIMS(0, 1, 3, 2, 4)), DIMS(n, -1, CELL));
	tensor *coefficients = t_matmul(s, blocks, t_permute(s, dct, DIMS(1, 0)));
	coefficients = t_mul(s, t_round(s, t_div(s, coefficients, q)), q);
	blocks = t_reshape(s, t_matmul(s, coefficients, dct), DIMS(n * c, h / BLOCK, w / BLOCK, BLOCK, BLOCK));
	return t_reshape(s, t_permute(s, blocks, DIMS(0, 1, 3, 2, 4)), DIMS(n, c, h, w));
}

/* (n, 3, h, w) by one 3 x 3 matrix, of columns */
static tensor *recolour(scope *s, const tensor *x, const float m[9], int device)
{
	tensor *y = t_matmul(s, t_from(s, m, DIMS(3, 3), T_F32, device), t_reshape(s, x, DIMS(t_size(x, 0), 3, -1)));

	return t_reshape(s, y, t_dims(x));
}

/* A side up to the next multiple, by repeating the last line. */
static tensor *pad(scope *s, const tensor *x, int dim, gint64 multiple, int device)
{
	const gint64 n = t_size(x, dim), wide = (n + multiple - 1) / multiple * multiple;
	g_autofree gint64 *from = g_new(gint64, (gsize)wide);

	for (gint64 i = 0; i < wide; i++)
		from[i] = MIN(i, n - 1);
	return t_index(s, x, dim, t_from(s, from, DIMS(wide), T_I64, device));
}

/* JFIF's colours, less 128 in luminance; chrominance by 2 x 2 means, and back as libjpeg does, by triangles. */
static tensor *jpeg(scope *s, const tensor *values, const struct augmentation *of, guint n, int device)
{
	static const float there[9] = { 0.299f, 0.587f, 0.114f, -0.168736f, -0.331264f, 0.5f, 0.5f, -0.418688f, -0.081312f };
	static const float back[9] = { 1, 0, 1.402f, 1, -0.344136f, -0.714136f, 1, 1.772f, 0 };
	const gint64 h = t_size(values, 2), w = t_size(values, 3);
	tensor *x = t_affine(s, values, 255, 0), *dct = cosines(s, device);

	if (h % (2 * BLOCK) != 0 || w % (2 * BLOCK) != 0)
		x = pad(s, pad(s, x, 2, 2 * BLOCK, device), 3, 2 * BLOCK, device);
	x = recolour(s, x, there, device);
	tensor *y = t_affine(s, t_narrow(s, x, 1, 0, 1), 1, -128), *c = t_narrow(s, x, 1, 1, 2);
	y = t_affine(s, quantise(s, y, dct, steps(s, luminance, of, n, device)), 1, 128);
	c = quantise(s, t_avg_pool2d(s, c, (pool_opts){ .size = 2 }), dct, steps(s, chrominance, of, n, device));
	c = t_upsample2d(s, c, t_size(y, 2), t_size(y, 3));
	x = t_affine(s, recolour(s, t_cat(s, 1, LIST(y, c)), back, device), 1.0 / 255, 0);
	return t_clamp(s, t_narrow(s, t_narrow(s, x, 2, 0, h), 3, 0, w), 0, 1);
}

/* ---- a batch ---- */

static gboolean has_blur(const struct augmentation *a) { return a->blur > 0; }
static gboolean has_noise(const struct augmentation *a) { return a->noise > 0; }
static gboolean has_jpeg(const struct augmentation *a) { return a->quality > 0; }

static const struct damage {
	gboolean (*is)(const struct augmentation *of);
	tensor *(*does)(scope *s, const tensor *x, const struct augmentation *of, guint n, int device);
	int channels;           /* of a picture; 0: any */
} damages[] = { { has_blur, blur, 0 }, { has_noise, add_noise, 0 }, { has_jpeg, jpeg, 3 } };

/* Those of x that have it become others; which, and how many. */
static guint choose(const struct damage *damage, const struct augmentation *of, guint n, gint64 *at, struct augmentation *chosen)
{
	guint found = 0;

	for (guint i = 0; i < n; i++)
		if (damage->is(&of[i])) {
			at[found] = i;
			chosen[found++] = of[i];
		}
	return found;
}

static void change(scope *parent, tensor *x, const struct damage *damage, const gint64 *at, const struct augmentation *of,
		   guint n, int device)
{
	SCOPE(s, parent, 0);
	tensor *where = t_from(s, at, DIMS(n), T_I64, device);

	t_index_copy_(s, x, 0, where, damage->does(s, t_index(s, x, 0, where), of, n, device));
}

tensor *augment_damage(scope *parent, const tensor *values, const struct augmentation *of, guint n, int device)
{
	SCOPE(s, parent, SCOPE_NO_GRAD);
	g_autofree gint64 *at = g_new(gint64, n + 1);
	g_autofree struct augmentation *chosen = g_new(struct augmentation, n + 1);
	tensor *x = NULL;       /* a copy, once it is needed */

	for (guint i = 0; i < G_N_ELEMENTS(damages); i++) {
		const guint m = choose(&damages[i], of, n, at, chosen);
		if (m == 0 || (damages[i].channels != 0 && t_size(values, 1) != damages[i].channels))
			continue;
		if (x == NULL)
			x = t_affine(s, values, 1, 0);
		change(s, x, &damages[i], at, chosen, m, device);
	}
	return scope_keep(parent, x != NULL ? x : values);
}
