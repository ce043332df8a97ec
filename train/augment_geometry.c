/* augment_geometry.c - see augment.h: where a sample's pixels come from. */
#include "train/augment_work.h"
#include <math.h>

typedef double matrix2[2][2];

static void turn(matrix2 m, double angle)
{
	double c = cos(angle), s = sin(angle);
	matrix2 of = { { m[0][0], m[0][1] }, { m[1][0], m[1][1] } };

	for (int i = 0; i < 2; i++) {
		m[i][0] = of[i][0] * c + of[i][1] * s;
		m[i][1] = of[i][1] * c - of[i][0] * s;
	}
}

/* x longer by the factor, y narrower, along an axis. */
static void stretch(matrix2 m, double factor, double axis)
{
	turn(m, axis);
	for (int i = 0; i < 2; i++) {
		m[i][0] *= factor;
		m[i][1] /= factor;
	}
	turn(m, -axis);
}

/* Transposing and mirroring first, exactly; then, of some, each by a strength of its own, what is not: it reads between the
   pixels, which takes sharpness that tiles have when they are answered for. */
void augment_draw_geometry(const struct settings *s, double strength, struct draws *d, struct augmentation *out)
{
	gboolean flips = s->augmentation.flips, transpose = draws_between(d, 0, 1) < 0.5 && s->augmentation.turns;
	double x = draws_between(d, 0, 1) < 0.5 && flips ? -1 : 1, y = draws_between(d, 0, 1) < 0.5 && flips ? -1 : 1;
	const double by = draws_between(d, 0, 1) < s->augmentation.exact ? 0 : strength;
	double zoom = exp(draws_between(d, -1, 1) * log(1 + by * s->augmentation.scale));
	double angle = draws_between(d, -1, 1) * by * s->augmentation.angle * G_PI / 180;
	double longer = exp(draws_between(d, 0, 1) * log(1 + by * s->augmentation.stretch));
	double axis = draws_between(d, 0, G_PI), shift = 2 * by * s->augmentation.shift;

	if (s->augmentation.turns && !flips) {  /* turns alone: no mirrored tissue */
		y = draws_between(d, 0, 1) < 0.5 ? -1 : 1;
		x = transpose ? -y : y;
	}
	matrix2 m = { { transpose ? 0 : x * zoom, transpose ? x * zoom : 0 }, { transpose ? y * zoom : 0, transpose ? 0 : y * zoom } };
	if (longer > 1)
		stretch(m, longer, axis);
	if (angle != 0)
		turn(m, angle);
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < 2; k++)
			out->geometry[3 * i + k] = (float)m[i][k];
		out->geometry[3 * i + 2] = (float)(shift > 0 ? draws_between(d, -shift, shift) : 0);
	}
}

void augment_draw_elastic(const struct settings *s, double strength, struct draws *d, struct augmentation *out)
{
	const double most = 2 * strength * s->augmentation.elastic;

	if (!augment_damages(s, d) || most <= 0)
		return;
	const double reach = draws_between(d, 0, most);
	for (guint i = 0; i < G_N_ELEMENTS(out->elastic); i++)
		out->elastic[i] = (float)draws_between(d, -reach, reach);
}

/* (n, points): the weight of each point at each of n pixels of a side, by uniform cubic B-splines. */
static tensor *spline(scope *s, gint64 n, int device)
{
	g_autofree float *weight = g_new0(float, (gsize)n * ELASTIC_POINTS);

	for (gint64 i = 0; i < n; i++) {
		const double at = ((double)i + 0.5) / (double)n * ELASTIC_CELLS, t = at - floor(at);
		float *w = weight + i * ELASTIC_POINTS + (int)at;
		w[0] = (float)((1 - t) * (1 - t) * (1 - t) / 6);
		w[1] = (float)((3 * t * t * t - 6 * t * t + 4) / 6);
		w[2] = (float)((-3 * t * t * t + 3 * t * t + 3 * t + 1) / 6);
		w[3] = (float)(t * t * t / 6);
	}
	return t_from(s, weight, DIMS(n, ELASTIC_POINTS), T_F32, device);
}

tensor *augment_grid(scope *parent, const struct augmentation *of, guint n, gint64 h, gint64 w, int device)
{
	SCOPE(s, parent, SCOPE_NO_GRAD);
	tensor *grid = t_affine_grid(s, GATHER(geometry, 2, 3), DIMS(n, 1, h, w));

	if (ANY(elastic)) {
		tensor *points = GATHER(elastic, 2, ELASTIC_POINTS, ELASTIC_POINTS);
		tensor *across = t_permute(s, spline(s, w, device), DIMS(1, 0));
		tensor *moved = t_matmul(s, t_matmul(s, spline(s, h, device), points), across);
		grid = t_add(s, grid, t_permute(s, moved, DIMS(0, 2, 3, 1)));
	}
	return scope_keep(parent, grid);
}

tensor *augment_geometry(scope *parent, const tensor *x, const struct augmentation *of, guint n, int device)
{
	SCOPE(s, parent, SCOPE_NO_GRAD);

	if (!ANY(geometry) && !ANY(elastic))
		return scope_keep(parent, x);
	return scope_keep(parent, t_grid_sample(s, x, augment_grid(s, of, n, t_size(x, 2), t_size(x, 3), device)));
}
