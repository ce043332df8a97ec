/* stain.c - see stain.h. */
#include "common/image/stain.h"
#include "common/metrics/metrics.h"
#include <math.h>
#include <string.h>

const struct stain stain_reference = {
	{ { 0.5626, 0.7201, 0.4062 }, { 0.2159, 0.8012, 0.5581 } }, { 1.9705, 1.0308 }
};

/* ---- estimating ---- */

/* Densities of the stained pixels (n, 3); how many. */
static gsize densities(const guint8 *rgb, gsize n, const double glass[3], double (*out)[3])
{
	double of[3][256];
	gsize found = 0;

	for (int k = 0; k < 3; k++)
		for (int v = 0; v < 256; v++)
			of[k][v] = MAX(0, log(MAX(glass[k], 1e-3) * 255 / MAX(v, 1)));
	for (gsize i = 0; i < n; i++, rgb += 3) {
		const double r = of[0][rgb[0]], g = of[1][rgb[1]], b = of[2][rgb[2]];
		if (r < STAIN_LEAST || g < STAIN_LEAST || b < STAIN_LEAST)
			continue;
		memcpy(out[found++], (double[]){ r, g, b }, sizeof *out);
	}
	return found;
}

static double dot(const double a[3], const double b[3]) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

/* The two main axes; the first points to more density. */
static void main_axes(const double (*od)[3], gsize n, matrix3 axes)
{
	double mean[3] = { 0 }, values[3];
	matrix3 covariance = { { 0 } };

	for (gsize i = 0; i < n; i++)
		for (int k = 0; k < 3; k++)
			mean[k] += od[i][k] / (double)n;
	for (gsize i = 0; i < n; i++)
		for (int j = 0; j < 3; j++)
			for (int k = 0; k < 3; k++)
				covariance[j][k] += (od[i][j] - mean[j]) * (od[i][k] - mean[k]);
	matrix3_eigen(covariance, values, axes);
	if (dot(mean, axes[0]) < 0)
		for (int k = 0; k < 3; k++)
			axes[0][k] = -axes[0][k];
}

/* Least squares of two vectors. */
static void amounts(const struct stain *s, const double od[3], double out[2])
{
	const double hh = dot(s->vector[0], s->vector[0]), ee = dot(s->vector[1], s->vector[1]);
	const double he = dot(s->vector[0], s->vector[1]), det = hh * ee - he * he;
	const double h = dot(s->vector[0], od), e = dot(s->vector[1], od);

	out[0] = (ee * h - he * e) / det;
	out[1] = (hh * e - he * h) / det;
}

static gboolean find_vectors(const double (*od)[3], gsize n, double *scratch, struct stain *out)
{
	matrix3 axes;

	main_axes(od, n, axes);
	for (gsize i = 0; i < n; i++)
		scratch[i] = atan2(dot(od[i], axes[1]), dot(od[i], axes[0]));
	metrics_sort(scratch, n);
	for (int side = 0; side < 2; side++) {
		const double angle = metrics_quantile(scratch, n, side == 0 ? 0.01 : 0.99);
		for (int k = 0; k < 3; k++)
			out->vector[side][k] = cos(angle) * axes[0][k] + sin(angle) * axes[1][k];
	}
	if (out->vector[0][0] < out->vector[1][0]) {
		double eosin[3];
		memcpy(eosin, out->vector[0], sizeof eosin);
		memcpy(out->vector[0], out->vector[1], sizeof eosin);
		memcpy(out->vector[1], eosin, sizeof eosin);
	}
	return dot(out->vector[0], out->vector[1]) < cos(STAIN_APART * G_PI / 180);
}

gboolean stain_estimate_vectors(const guint8 *rgb, gsize n, const double glass[3], struct stain *out)
{
	g_autofree double (*od)[3] = g_malloc_n(n + 1, sizeof *od);
	g_autofree double *scratch = g_new(double, n + 1);
	const gsize found = densities(rgb, n, glass, od);

	return found >= STAIN_PIXELS && find_vectors((const double (*)[3])od, found, scratch, out);
}

gboolean stain_estimate(const guint8 *rgb, gsize n, const double glass[3], struct stain *out)
{
	g_autofree double (*od)[3] = g_malloc_n(n + 1, sizeof *od);
	g_autofree double *scratch = g_new(double, n + 1);
	const gsize found = densities(rgb, n, glass, od);

	if (found < STAIN_PIXELS || !find_vectors((const double (*)[3])od, found, scratch, out))
		return FALSE;
	for (int stain = 0; stain < 2; stain++) {
		for (gsize i = 0; i < found; i++) {
			double of[2];
			amounts(out, od[i], of);
			scratch[i] = of[stain];
		}
		metrics_sort(scratch, found);
		out->most[stain] = metrics_quantile(scratch, found, 0.99);
	}
	return out->most[0] > 0 && out->most[1] > 0;
}

void stain_matrix(const struct stain *s, matrix3 out)
{
	const double *h = s->vector[0], *e = s->vector[1];
	double *rest = out[2], length = 0;

	memcpy(out[0], h, sizeof out[0]);
	memcpy(out[1], e, sizeof out[1]);
	for (int k = 0; k < 3; k++) {
		rest[k] = h[(k + 1) % 3] * e[(k + 2) % 3] - h[(k + 2) % 3] * e[(k + 1) % 3];
		length += rest[k] * rest[k];
	}
	for (int k = 0; k < 3; k++)
		rest[k] /= sqrt(length);
}

/* ---- recolouring ---- */

void recolour_macenko(const struct stain *s, const double glass[3], struct recolour *out)
{
	matrix3 there, apart, wanted, joined;

	stain_matrix(s, there);
	matrix3_invert(there, apart);   /* of a vector in the plane the third amount is 0: the others are least squares */
	memset(wanted, 0, sizeof wanted);
	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 3; k++)
			wanted[i][k] = stain_reference.most[i] / s->most[i] * stain_reference.vector[i][k];
	matrix3_multiply(apart, wanted, joined);
	*out = (struct recolour){ .most = 0 };
	for (int i = 0; i < 3; i++) {
		out->in[i][i] = (float)(1 / MAX(glass[i], 1e-3));
		out->out[i][i] = 1;
		for (int k = 0; k < 3; k++)
			out->map[i][k] = (float)joined[k][i];
	}
}

/* Ruderman et al. 1998, as Reinhard et al. 2001 have them: light of each cone, and axes of its logarithms */
static const double cones[3][3] = { { 0.3811, 0.5783, 0.0402 }, { 0.1967, 0.7244, 0.0782 }, { 0.0241, 0.1288, 0.8444 } };
#define L (1 / sqrt(3))
#define A (1 / sqrt(6))
#define B (1 / sqrt(2))

static gboolean lab_statistics(const guint8 *rgb, gsize n, matrix3 axes, double mean[3], double deviation[3])
{
	double sum[3] = { 0 }, squares[3] = { 0 };

	for (gsize i = 0; i < n; i++, rgb += 3) {
		double log_of[3];
		for (int k = 0; k < 3; k++)
			log_of[k] = log(MAX(1, cones[k][0] * rgb[0] + cones[k][1] * rgb[1] + cones[k][2] * rgb[2]));
		for (int k = 0; k < 3; k++) {
			const double v = dot(axes[k], log_of);
			sum[k] += v;
			squares[k] += v * v;
		}
	}
	for (int k = 0; k < 3; k++) {
		mean[k] = sum[k] / (double)n;
		deviation[k] = sqrt(MAX(0, squares[k] / (double)n - mean[k] * mean[k]));
	}
	return n > 0 && deviation[0] > 1e-6 && deviation[1] > 1e-6 && deviation[2] > 1e-6;
}

gboolean recolour_reinhard(const guint8 *rgb, gsize n, struct recolour *out)
{
	static const double wanted_mean[3] = { 8.63234435, -0.11501964, 0.03868433 };
	static const double wanted_deviation[3] = { 0.57506023, 0.10403329, 0.01364062 };
	matrix3 axes = { { L, L, L }, { A, A, -2 * A }, { B, -B, 0 } }, light, back;
	double mean[3], deviation[3], full = log(255);

	if (!lab_statistics(rgb, n, axes, mean, deviation))
		return FALSE;
	memcpy(light, cones, sizeof light);
	matrix3_invert(light, back);
	*out = (struct recolour){ .most = 1e9f };
	/* axes are orthonormal; logarithms here are of 0..1, ln 255 less */
	for (int i = 0; i < 3; i++) {
		double shift = -full;
		for (int c = 0; c < 3; c++)
			shift += axes[c][i] * (wanted_mean[c] - wanted_deviation[c] / deviation[c] * mean[c]);
		for (int k = 0; k < 3; k++) {
			double sum = 0;
			for (int c = 0; c < 3; c++)
				sum += axes[c][i] * wanted_deviation[c] / deviation[c] * axes[c][k];
			shift += sum * full;
			out->map[i][k] = (float)sum;
			out->in[i][k] = (float)cones[i][k];
			out->out[i][k] = (float)back[i][k];
		}
		out->shift[i] = (float)shift;
	}
	return TRUE;
}

/* ---- many pixels ---- */

enum { RUN = 64 };      /* px at once: loops of this length become vector instructions */
union lanes { float f[RUN]; gint32 i[RUN]; };
typedef union lanes pixels[3];

/* y = m * x + shift, each lane; y is not x */
static void product(const float m[3], float shift, const pixels x, union lanes *restrict y)
{
	const float m0 = m[0], m1 = m[1], m2 = m[2];

	for (int i = 0; i < RUN; i++)
		y->f[i] = m0 * x[0].f[i] + m1 * x[1].f[i] + m2 * x[2].f[i] + shift;
}

/* Two loops, each of which is one instruction a vector. */
static void clamp(union lanes *x, float low, float high)
{
	for (int i = 0; i < RUN; i++)
		x->f[i] = x->f[i] < low ? low : x->f[i];
	for (int i = 0; i < RUN; i++)
		x->f[i] = x->f[i] > high ? high : x->f[i];
}

/*
 * ln of 1/255 to 1e9: the exponent's bits, and of the mantissa, brought to sqrt(1/2)..sqrt(2), 2 atanh((m-1)/(m+1)) as
 * its series, 4 terms: 1e-7 off.
 */
static void logarithm(union lanes *x, float most)
{
	clamp(x, 1 / 255.0f, 1e9f);
	for (int i = 0; i < RUN; i++) {
		union { float f; gint32 i; } m = { .i = x->i[i] };
		const gint32 e = (m.i - 0x3f3504f3) >> 23;
		m.i -= e * (1 << 23);
		const float t = (m.f - 1) / (m.f + 1), s = t * t;
		x->f[i] = (float)e * 0.69314718f + 2 * t * (1 + s * (1 / 3.0f + s * (1 / 5.0f + s * (1 / 7.0f))));
	}
	clamp(x, -1e9f, most);
}

/* e to the -80..80: 2 to the whole part as bits, and of the rest, -1/2..1/2, the series to the 6th power: 1e-7 off. */
static void exponential(union lanes *x)
{
	clamp(x, -80, 80);
	for (int i = 0; i < RUN; i++) {
		const float v = x->f[i] * 1.44269504f;
		const gint32 whole = (gint32)(v + 128.5f) - 128;
		const float p = (v - (float)whole) * 0.69314718f;
		union { float f; gint32 i; } power = { .i = (whole + 127) * (1 << 23) };
		x->f[i] = power.f * (1 + p * (1 + p * (1 / 2.0f + p * (1 / 6.0f + p * (1 / 24.0f + p * (1 / 120.0f + p / 720))))));
	}
}

/* 0..1 to 0..255, rounded */
static void whole_values(union lanes *x)
{
	clamp(x, 0, 1);
	for (int i = 0; i < RUN; i++)
		x->i[i] = (gint32)(x->f[i] * 255 + 0.5f);
}

static void recolour_run(const struct recolour *r, pixels x)
{
	pixels y;

	for (int k = 0; k < 3; k++) {
		product(r->in[k], 0, x, &y[k]);
		logarithm(&y[k], r->most);
	}
	for (int k = 0; k < 3; k++) {
		product(r->map[k], r->shift[k], y, &x[k]);
		exponential(&x[k]);
	}
	for (int k = 0; k < 3; k++) {
		product(r->out[k], 0, x, &y[k]);
		whole_values(&y[k]);
	}
	memcpy(x, y, sizeof y);
}

void recolour_apply(const struct recolour *r, guint8 *rgb, gsize n)
{
	pixels x;

	memset(x, 0, sizeof x);
	for (gsize at = 0; at < n; at += RUN, rgb += 3 * RUN) {
		const gsize m = MIN(RUN, n - at);
		for (gsize i = 0; i < m; i++)
			for (gsize k = 0; k < 3; k++)
				x[k].f[i] = (float)rgb[3 * i + k] * (1 / 255.0f);
		recolour_run(r, x);
		for (gsize i = 0; i < m; i++)
			for (gsize k = 0; k < 3; k++)
				rgb[3 * i + k] = (guint8)x[k].i[i];
	}
}
