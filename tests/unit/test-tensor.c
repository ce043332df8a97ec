/*
 * test-tensor.c - the shim over libtorch. Each operation's values are compared with loops written here,
 * in double, and its gradients with central differences of those loops: no number comes from libtorch
 * twice. Then the rules of scopes, errors, modes and parameters, by the texts they give.
 */
#include "common/tensor/tensor.h"
#include <glib.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>

#define FOR(i, n) for (int i = 0; i < (n); i++)

/* Under the address sanitizer a failed allocation shall return, as it does without. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }

/* ---- Operations: how each is called, and the same in loops ---- */

static int device = T_CPU;      /* where operations are checked */

struct op {
	const char *name;
	tensor *(*run)(scope *s, tensor **x);
	void (*ref)(const double *const *x, double *y);
	int inputs;
	dims in[5], out;
	double low, high;       /* range of the inputs; 0, 0: -1.5 to 1.5 */
	unsigned fixed;         /* bits: inputs that are not differentiated */
	unsigned flags;
	double tolerance;       /* 0: 1e-10 */
};

#define ELEMENT(name, expression) \
	static void ref_##name(const double *const *x, double *y) \
	{ FOR(i, 12) { const double v = x[0][i]; y[i] = expression; } } \
	static tensor *run_##name(scope *s, tensor **x) { return t_##name(s, x[0]); }
ELEMENT(relu, v > 0 ? v : 0)
ELEMENT(elu, v > 0 ? v : exp(v) - 1)
ELEMENT(gelu, v * 0.5 * (1 + erf(v / sqrt(2))))
ELEMENT(silu, v / (1 + exp(-v)))
ELEMENT(sigmoid, 1 / (1 + exp(-v)))
ELEMENT(tanh, tanh(v))
ELEMENT(exp, exp(v))
ELEMENT(log, log(v))

/* a (2,3,2), b (3,1) */
#define PAIR(name, operator) \
	static void ref_##name(const double *const *x, double *y) { FOR(i, 12) y[i] = x[0][i] operator x[1][i / 2 % 3]; } \
	static tensor *run_##name(scope *s, tensor **x) { return t_##name(s, x[0], x[1]); }
PAIR(add, +)
PAIR(sub, -)
PAIR(mul, *)
PAIR(div, /)

#define OP(name, call) static tensor *run_##name(scope *s, tensor **x) { return call; } \
	static void ref_##name(const double *const *x, double *y)

OP(affine, t_affine(s, x[0], -2.5, 0.75)) { FOR(i, 12) y[i] = -2.5 * x[0][i] + 0.75; }
OP(scale, t_affine(s, x[0], 3, 0)) { FOR(i, 12) y[i] = 3 * x[0][i]; }
OP(shift, t_affine(s, x[0], 1, 3)) { FOR(i, 12) y[i] = x[0][i] + 3; }
OP(clamp, t_clamp(s, x[0], -0.5, 1)) { FOR(i, 12) y[i] = fmin(fmax(x[0][i], -0.5), 1); }
OP(to, t_to(s, t_to(s, x[0], T_F32, device), t_type(x[0]), device)) { FOR(i, 12) y[i] = x[0][i]; }
/* no slope: all inputs are fixed but a second one, of which nothing depends but by adding */
OP(round, t_add(s, t_round(s, x[0]), x[1])) { FOR(i, 12) y[i] = nearbyint(x[0][i]) + x[1][i]; }

static void conv(const double *const *x, double *y, int n, int c, int h, int w, int out, int k, int stride, int pad, int dilation,
		 int groups, bool bias)
{
	const int oh = (h + 2 * pad - dilation * (k - 1) - 1) / stride + 1, ow = (w + 2 * pad - dilation * (k - 1) - 1) / stride + 1;
	FOR(b, n) FOR(o, out) FOR(i, oh) FOR(j, ow) {
		double sum = bias ? x[2][o] : 0;
		FOR(q, c / groups) FOR(u, k) FOR(v, k) {
			const int r = i * stride - pad + u * dilation, t = j * stride - pad + v * dilation;
			const int from = o / (out / groups) * (c / groups) + q;
			if (r >= 0 && r < h && t >= 0 && t < w)
				sum += x[0][((b * c + from) * h + r) * w + t] * x[1][((o * (c / groups) + q) * k + u) * k + v];
		}
		y[((b * out + o) * oh + i) * ow + j] = sum;
	}
}
OP(conv2d, t_conv2d(s, x[0], x[1], NULL, (conv_opts){})) { conv(x, y, 2, 3, 5, 4, 4, 3, 1, 0, 1, 1, false); }
OP(conv2d_all, t_conv2d(s, x[0], x[1], x[2], (conv_opts){ 2, 3, 2, 2, false })) { conv(x, y, 2, 4, 5, 6, 6, 3, 2, 3, 2, 2, true); }
OP(conv2d_deep, t_conv2d(s, x[0], x[1], x[2], (conv_opts){ .pad = 1, .groups = 4 })) { conv(x, y, 1, 4, 4, 4, 4, 3, 1, 1, 1, 4, true); }

/* filters of 1 x 3, one in two: of 4 columns, 2 on each side are beyond the border */
OP(conv2d_same, t_conv2d(s, x[0], x[1], NULL, (conv_opts){ .dilation = 2, .same = true }))
{
	FOR(o, 2) FOR(i, 3) FOR(j, 4) {
		double sum = 0;
		FOR(c, 2) FOR(v, 3) {
			const int from = j + 2 * (v - 1);
			sum += from >= 0 && from < 4 ? x[0][(c * 3 + i) * 4 + from] * x[1][(o * 2 + c) * 3 + v] : 0;
		}
		y[(o * 3 + i) * 4 + j] = sum;
	}
}

/* x (2,3,4), w and b (4) */
OP(layer_norm, t_layer_norm(s, x[0], x[1], x[2], 0.01))
{
	FOR(i, 6) {
		double mean = 0, var = 0;
		FOR(j, 4) mean += x[0][i * 4 + j] / 4;
		FOR(j, 4) var += pow(x[0][i * 4 + j] - mean, 2) / 4;
		FOR(j, 4) y[i * 4 + j] = (x[0][i * 4 + j] - mean) / sqrt(var + 0.01) * x[1][j] + x[2][j];
	}
}

/* x (2,3,2,2), then w, b, mean, var (3) */
static void norm(const double *const *x, double *y, bool train)
{
	FOR(c, 3) {
		double mean = train ? 0 : x[3][c], var = train ? 0 : x[4][c];
		if (train) {
			FOR(n, 2) FOR(i, 4) mean += x[0][(n * 3 + c) * 4 + i] / 8;
			FOR(n, 2) FOR(i, 4) var += pow(x[0][(n * 3 + c) * 4 + i] - mean, 2) / 8;
		}
		FOR(n, 2) FOR(i, 4) {
			const int at = (n * 3 + c) * 4 + i;
			y[at] = (x[0][at] - mean) / sqrt(var + 1e-5) * x[1][c] + x[2][c];
		}
	}
}
OP(batch_norm, t_batch_norm(s, x[0], x[1], x[2], x[3], x[4], 1e-5)) { norm(x, y, false); }
OP(batch_norm_train, t_batch_norm(s, x[0], x[1], x[2], x[3], x[4], 1e-5)) { norm(x, y, true); }

static void product(const double *a, const double *b, const double *bias, double *y, int n, int k, int m, bool transposed)
{
	FOR(i, n) FOR(j, m) {
		double sum = bias ? bias[j] : 0;
		FOR(q, k) sum += a[i * k + q] * (transposed ? b[j * k + q] : b[q * m + j]);
		y[i * m + j] = sum;
	}
}
OP(linear, t_linear(s, x[0], x[1], x[2])) { product(x[0], x[1], x[2], y, 3, 4, 2, true); }
OP(linear_plain, t_linear(s, x[0], x[1], NULL)) { product(x[0], x[1], NULL, y, 3, 4, 2, true); }
OP(matmul, t_matmul(s, x[0], x[1])) { product(x[0], x[1], NULL, y, 3, 4, 2, false); }
OP(matmul_batch, t_matmul(s, x[0], x[1])) { FOR(b, 2) product(x[0] + b * 12, x[1], NULL, y + b * 6, 3, 4, 2, false); }

/* x (2,1,h,w) */
static void pool(const double *x, double *y, int h, int w, pool_opts o, bool max)
{
	const int k = o.size, stride = o.stride ? o.stride : k, round = o.ceil ? stride - 1 : 0;
	int oh = (h + 2 * o.pad - k + round) / stride + 1, ow = (w + 2 * o.pad - k + round) / stride + 1;
	oh -= (oh - 1) * stride >= h + o.pad, ow -= (ow - 1) * stride >= w + o.pad;
	FOR(n, 2) FOR(i, oh) FOR(j, ow) {
		double best = -INFINITY, sum = 0;
		int count = 0;
		FOR(u, k) FOR(v, k) {
			const int r = i * stride - o.pad + u, t = j * stride - o.pad + v;
			const bool inside = r >= 0 && r < h && t >= 0 && t < w;
			count += r < h + o.pad && t < w + o.pad;
			if (inside)
				best = fmax(best, x[(n * h + r) * w + t]), sum += x[(n * h + r) * w + t];
		}
		y[(n * oh + i) * ow + j] = max ? best : sum / count;
	}
}
static const pool_opts plain = { .size = 2 }, resnet = { 3, 2, 1, false }, ceiled = { 3, 2, 1, true };
OP(max_pool, t_max_pool2d(s, x[0], plain)) { pool(x[0], y, 5, 4, plain, true); }
OP(max_pool_pad, t_max_pool2d(s, x[0], resnet)) { pool(x[0], y, 6, 4, resnet, true); }
OP(max_pool_ceil, t_max_pool2d(s, x[0], ceiled)) { pool(x[0], y, 6, 4, ceiled, true); }
OP(avg_pool, t_avg_pool2d(s, x[0], plain)) { pool(x[0], y, 5, 4, plain, false); }
OP(avg_pool_pad, t_avg_pool2d(s, x[0], resnet)) { pool(x[0], y, 6, 4, resnet, false); }
OP(avg_pool_ceil, t_avg_pool2d(s, x[0], ceiled)) { pool(x[0], y, 6, 4, ceiled, false); }

OP(mean_hw, t_mean_hw(s, x[0])) { FOR(i, 6) FOR(j, 4) y[i] = (j ? y[i] : 0) + x[0][i * 4 + j] / 4; }

/* The value at r, t of an h x w plane, bilinear; the border's value beyond it */
static double between(const double *x, int h, int w, double r, double t)
{
	r = fmin(fmax(r, 0), h - 1), t = fmin(fmax(t, 0), w - 1);
	const int i = MIN((int)r, h - 1), j = MIN((int)t, w - 1), i1 = MIN(i + 1, h - 1), j1 = MIN(j + 1, w - 1);
	const double a = r - i, b = t - j;
	return (1 - a) * ((1 - b) * x[i * w + j] + b * x[i * w + j1]) + a * ((1 - b) * x[i1 * w + j] + b * x[i1 * w + j1]);
}
static void resize(const double *x, double *y, int planes, int h, int w, int oh, int ow)
{
	FOR(p, planes) FOR(i, oh) FOR(j, ow)
		y[(p * oh + i) * ow + j] = between(x + p * h * w, h, w, (i + 0.5) * h / oh - 0.5, (j + 0.5) * w / ow - 0.5);
}
OP(upsample, t_upsample2d(s, x[0], 5, 7)) { resize(x[0], y, 4, 3, 4, 5, 7); }
OP(downsample, t_upsample2d(s, x[0], 2, 3)) { resize(x[0], y, 4, 3, 4, 2, 3); }

/* Keys 1981, equation 4, at a = -0.75 */
static double keys(double d)
{
	const double a = -0.75, v = fabs(d);
	return v <= 1 ? (a + 2) * v * v * v - (a + 3) * v * v + 1 : v < 2 ? a * v * v * v - 5 * a * v * v + 8 * a * v - 4 * a : 0;
}
OP(cubic, t_cubic2d(s, x[0], 5, 7))
{
	FOR(p, 4) FOR(i, 5) FOR(j, 7) {
		const double r = (i + 0.5) * 3 / 5 - 0.5, t = (j + 0.5) * 4 / 7 - 0.5;
		double sum = 0;
		for (int u = (int)floor(r) - 1; u <= (int)floor(r) + 2; u++)
			for (int v = (int)floor(t) - 1; v <= (int)floor(t) + 2; v++)
				sum += keys(r - u) * keys(t - v) * x[0][(p * 3 + CLAMP(u, 0, 2)) * 4 + CLAMP(v, 0, 3)];
		y[(p * 5 + i) * 7 + j] = sum;
	}
}
OP(adaptive_pool, t_adaptive_pool2d(s, x[0], 2, 3))
{
	/* 5 rows: 0 to 3, 2 to 5; 4 columns: 0 to 2, 1 to 3, 2 to 4 */
	FOR(p, 2) FOR(i, 2) FOR(j, 3) {
		double sum = 0;
		FOR(u, 3) FOR(v, 2) sum += x[0][(p * 5 + 2 * i + u) * 4 + j + v];
		y[(p * 2 + i) * 3 + j] = sum / 6;
	}
}

/* v mirrored at -0.5 and n - 0.5 until it lies between */
static double mirrored(double v, int n)
{
	while (v < -0.5 || v > n - 0.5)
		v = v < -0.5 ? -1 - v : 2 * n - 1 - v;
	return v;
}
OP(grid_sample, t_grid_sample(s, x[0], x[1]))
{
	FOR(n, 2) FOR(c, 2) FOR(i, 6) {
		const double *at = x[1] + (n * 6 + i) * 2;
		y[(n * 2 + c) * 6 + i] = between(x[0] + (n * 2 + c) * 12, 3, 4, mirrored(((at[1] + 1) * 3 - 1) / 2, 3),
						 mirrored(((at[0] + 1) * 4 - 1) / 2, 4));
	}
}
OP(affine_grid, t_affine_grid(s, x[0], DIMS(2, 3, 4, 5)))
{
	FOR(n, 2) FOR(i, 4) FOR(j, 5) FOR(k, 2) {
		const double *theta = x[0] + (n * 2 + k) * 3;
		y[((n * 4 + i) * 5 + j) * 2 + k] = theta[0] * ((2 * j + 1) / 5. - 1) + theta[1] * ((2 * i + 1) / 4. - 1) + theta[2];
	}
}

OP(reshape, t_reshape(s, x[0], DIMS(4, -1))) { FOR(i, 12) y[i] = x[0][i]; }
OP(permute, t_permute(s, x[0], DIMS(2, 0, 1))) { FOR(k, 2) FOR(i, 2) FOR(j, 3) y[(k * 2 + i) * 3 + j] = x[0][(i * 3 + j) * 2 + k]; }
OP(cat, t_cat(s, 1, LIST(x[0], x[1]))) { FOR(i, 2) FOR(j, 10) y[i * 10 + j] = j < 6 ? x[0][i * 6 + j] : x[1][i * 4 + j - 6]; }
OP(narrow, t_narrow(s, x[0], 1, 1, 2)) { FOR(i, 2) FOR(j, 4) y[i * 4 + j] = x[0][i * 6 + 2 + j]; }
OP(index, t_index(s, x[0], 1, t_to(s, x[1], T_I64, device))) { FOR(i, 2) FOR(q, 4) FOR(k, 2) y[(i * 4 + q) * 2 + k] = x[0][(i * 3 + (int)x[1][q]) * 2 + k]; }

OP(sum, t_sum(s, x[0], 1, false)) { FOR(i, 2) FOR(k, 2) FOR(j, 3) y[i * 2 + k] = (j ? y[i * 2 + k] : 0) + x[0][(i * 3 + j) * 2 + k]; }
OP(mean_all, t_mean_all(s, x[0])) { FOR(i, 12) *y = (i ? *y : 0) + x[0][i] / 12; }
OP(softmax, t_softmax(s, x[0], 1))
{
	FOR(i, 2) FOR(k, 2) {
		double sum = 0;
		FOR(j, 3) sum += exp(x[0][(i * 3 + j) * 2 + k]);
		FOR(j, 3) y[(i * 3 + j) * 2 + k] = exp(x[0][(i * 3 + j) * 2 + k]) / sum;
	}
}
OP(log_softmax, t_log_softmax(s, x[0], 1)) { ref_softmax(x, y); FOR(i, 12) y[i] = log(y[i]); }
OP(cross_entropy, t_cross_entropy(s, x[0], x[1]))
{
	*y = 0;
	FOR(i, 3) {
		double sum = 0;
		FOR(j, 4) sum += exp(x[0][i * 4 + j]);
		FOR(j, 4) *y -= x[1][i * 4 + j] * (x[0][i * 4 + j] - log(sum)) / 3;
	}
}
OP(bce_logits, t_bce_logits(s, x[0], x[1]))
{
	*y = 0;
	FOR(i, 12) {
		const double p = 1 / (1 + exp(-x[0][i]));
		*y -= (x[1][i] * log(p) + (1 - x[1][i]) * log(1 - p)) / 12;
	}
}

#define D(...) { (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / 8), { __VA_ARGS__ } }
#define CASE(name) #name, run_##name, ref_##name
static const struct op ops[] = {
	{ CASE(relu), 1, { D(2, 3, 2) }, .out = D(2, 3, 2) },
	{ CASE(elu), 1, { D(2, 3, 2) }, .out = D(2, 3, 2) },
	{ CASE(gelu), 1, { D(2, 3, 2) }, .out = D(2, 3, 2) },
	{ CASE(silu), 1, { D(2, 3, 2) }, .out = D(2, 3, 2) },
	{ CASE(sigmoid), 1, { D(2, 3, 2) }, .out = D(2, 3, 2) },
	{ CASE(tanh), 1, { D(2, 3, 2) }, .out = D(2, 3, 2) },
	{ CASE(exp), 1, { D(2, 3, 2) }, .out = D(2, 3, 2) },
	{ CASE(log), 1, { D(2, 3, 2) }, .out = D(2, 3, 2), .low = 0.5, .high = 2 },
	{ CASE(add), 2, { D(2, 3, 2), D(3, 1) }, .out = D(2, 3, 2) },
	{ CASE(sub), 2, { D(2, 3, 2), D(3, 1) }, .out = D(2, 3, 2) },
	{ CASE(mul), 2, { D(2, 3, 2), D(3, 1) }, .out = D(2, 3, 2) },
	{ CASE(div), 2, { D(2, 3, 2), D(3, 1) }, .out = D(2, 3, 2), .low = 0.5, .high = 2 },
	{ CASE(affine), 1, { D(2, 3, 2) }, .out = D(2, 3, 2) },
	{ CASE(scale), 1, { D(2, 3, 2) }, .out = D(2, 3, 2) },
	{ CASE(shift), 1, { D(2, 3, 2) }, .out = D(2, 3, 2) },
	{ CASE(clamp), 1, { D(2, 3, 2) }, .out = D(2, 3, 2) },
	{ CASE(to), 1, { D(2, 3, 2) }, .out = D(2, 3, 2), .tolerance = 1e-6 },
	{ CASE(round), 2, { D(2, 3, 2), D(2, 3, 2) }, .out = D(2, 3, 2), .low = -3, .high = 3, .fixed = 1 },
	{ CASE(conv2d), 2, { D(2, 3, 5, 4), D(4, 3, 3, 3) }, .out = D(2, 4, 3, 2) },
	{ CASE(conv2d_all), 3, { D(2, 4, 5, 6), D(6, 2, 3, 3), D(6) }, .out = D(2, 6, 4, 4) },
	{ CASE(conv2d_deep), 3, { D(1, 4, 4, 4), D(4, 1, 3, 3), D(4) }, .out = D(1, 4, 4, 4) },
	{ CASE(conv2d_same), 2, { D(1, 2, 3, 4), D(2, 2, 1, 3) }, .out = D(1, 2, 3, 4) },
	{ CASE(layer_norm), 3, { D(2, 3, 4), D(4), D(4) }, .out = D(2, 3, 4) },
	{ CASE(batch_norm), 5, { D(2, 3, 2, 2), D(3), D(3), D(3), D(3) }, .out = D(2, 3, 2, 2), .low = 0.5, .high = 2, .fixed = 24 },
	{ CASE(batch_norm_train), 5, { D(2, 3, 2, 2), D(3), D(3), D(3), D(3) }, .out = D(2, 3, 2, 2), .low = 0.5, .high = 2, .fixed = 24, .flags = SCOPE_TRAIN },
	{ CASE(linear), 3, { D(3, 4), D(2, 4), D(2) }, .out = D(3, 2) },
	{ CASE(linear_plain), 2, { D(3, 4), D(2, 4) }, .out = D(3, 2) },
	{ CASE(matmul), 2, { D(3, 4), D(4, 2) }, .out = D(3, 2) },
	{ CASE(matmul_batch), 2, { D(2, 3, 4), D(4, 2) }, .out = D(2, 3, 2) },
	{ CASE(max_pool), 1, { D(2, 1, 5, 4) }, .out = D(2, 1, 2, 2) },
	{ CASE(max_pool_pad), 1, { D(2, 1, 6, 4) }, .out = D(2, 1, 3, 2) },
	{ CASE(max_pool_ceil), 1, { D(2, 1, 6, 4) }, .out = D(2, 1, 4, 3) },
	{ CASE(avg_pool), 1, { D(2, 1, 5, 4) }, .out = D(2, 1, 2, 2) },
	{ CASE(avg_pool_pad), 1, { D(2, 1, 6, 4) }, .out = D(2, 1, 3, 2) },
	{ CASE(avg_pool_ceil), 1, { D(2, 1, 6, 4) }, .out = D(2, 1, 4, 3) },
	{ CASE(mean_hw), 1, { D(2, 3, 2, 2) }, .out = D(2, 3) },
	{ CASE(upsample), 1, { D(2, 2, 3, 4) }, .out = D(2, 2, 5, 7) },
	{ CASE(downsample), 1, { D(2, 2, 3, 4) }, .out = D(2, 2, 2, 3) },
	{ CASE(cubic), 1, { D(2, 2, 3, 4) }, .out = D(2, 2, 5, 7) },
	{ CASE(adaptive_pool), 1, { D(2, 1, 5, 4) }, .out = D(2, 1, 2, 3) },
	{ CASE(grid_sample), 2, { D(2, 2, 3, 4), D(2, 2, 3, 2) }, .out = D(2, 2, 2, 3), .low = -2, .high = 2 },
	{ CASE(affine_grid), 1, { D(2, 2, 3) }, .out = D(2, 4, 5, 2) },
	{ CASE(reshape), 1, { D(2, 3, 2) }, .out = D(4, 3) },
	{ CASE(permute), 1, { D(2, 3, 2) }, .out = D(2, 2, 3) },
	{ CASE(cat), 2, { D(2, 3, 2), D(2, 2, 2) }, .out = D(2, 5, 2) },
	{ CASE(narrow), 1, { D(2, 3, 2) }, .out = D(2, 2, 2) },
	{ CASE(index), 2, { D(2, 3, 2), D(4) }, .out = D(2, 4, 2), .low = 0, .high = 2.99, .fixed = 2 },
	{ CASE(sum), 1, { D(2, 3, 2) }, .out = D(2, 2) },
	{ CASE(mean_all), 1, { D(2, 3, 2) }, .out = { 0 } },
	{ CASE(softmax), 1, { D(2, 3, 2) }, .out = D(2, 3, 2) },
	{ CASE(log_softmax), 1, { D(2, 3, 2) }, .out = D(2, 3, 2) },
	{ CASE(cross_entropy), 2, { D(3, 4), D(3, 4) }, .out = { 0 }, .low = 0, .high = 1 },
	{ CASE(bce_logits), 2, { D(2, 3, 2), D(2, 3, 2) }, .out = { 0 }, .low = 0, .high = 1 },
};
enum { MOST = 256 };            /* elements of an input or output above */

/* ---- Checking one operation ---- */

static void good(const scope *s)
{
	const char *message;
	if (scope_error(s, &message))
		g_error("%s", message);
}

static int elements(dims d)
{
	int64_t n = 1;
	FOR(i, d.n) n *= d.d[i];
	g_assert_cmpint(n, <=, MOST);
	return (int)n;
}

static void near_to(double got, double want, double tolerance, const char *what, int i)
{
	if (!(fabs(got - want) <= tolerance * fmax(1, fabs(want))))
		g_error("%s [%d]: %.17g, not %.17g", what, i, got, want);
}

static void values(scope *s, const tensor *x, double *to)
{
	t_read(s, t_to(s, x, T_F64, T_CPU), to, (size_t)elements(t_dims(x)) * sizeof *to);
	good(s);
}

static double *fill(double *x, int n, double low, double high, guint32 seed)
{
	g_autoptr(GRand) g = g_rand_new_with_seed(seed);
	FOR(i, n) x[i] = g_rand_double_range(g, low, high);
	return x;
}

/* The loss of a test: the output weighted by fixed numbers. */
static double loss_of(const struct op *o, const double *const *x, const double *weight)
{
	double y[MOST], loss = 0;
	o->ref(x, y);
	FOR(i, elements(o->out)) loss += weight[i] * y[i];
	return loss;
}

static void check_op(const struct op *o, enum dtype type, unsigned flags)
{
	static double data[5][MOST], weight[MOST], want[MOST], got[MOST];
	const double *x[5];
	tensor *leaf[5], *in[5];
	const bool bf16 = flags & SCOPE_BF16, ranged = o->low != 0 || o->high != 0;
	const double tolerance = bf16 ? 1. / 32 : o->tolerance > 0 ? o->tolerance : 1e-10;
	SCOPE(s, NULL, flags | o->flags);
	FOR(k, o->inputs) {
		const int n = elements(o->in[k]);
		x[k] = fill(data[k], n, ranged ? o->low : -1.5, ranged ? o->high : 1.5, (guint32)k);
		float narrow[MOST];
		FOR(i, n) narrow[i] = (float)x[k][i];
		const bool fixed = o->fixed >> k & 1;
		leaf[k] = type == T_F64 ? (fixed ? t_from : t_leaf)(s, x[k], o->in[k], T_F64, device)
					: (fixed ? t_from : t_leaf)(s, narrow, o->in[k], T_F32, device);
		in[k] = bf16 && !k && !fixed ? t_to(s, leaf[k], T_BF16, device) : leaf[k];
	}
	const int n = elements(o->out);
	fill(weight, n, -1, 1, 99);
	o->ref(x, want);
	tensor *y = o->run(s, in);
	good(s);
	const dims shape = t_dims(y);
	g_assert_true(memcmp(&shape, &o->out, sizeof shape) == 0);
	values(s, y, got);
	FOR(i, n) near_to(got[i], want[i], tolerance, o->name, i);

	tensor *w = t_from(s, weight, o->out, T_F64, device);
	g_assert_true(t_backward(s, t_affine(s, t_mean_all(s, t_mul(s, t_to(s, y, T_F64, device), w)), n, 0)));
	FOR(k, o->inputs) {
		if (o->fixed >> k & 1)
			continue;
		tensor *g = t_grad(s, leaf[k]);
		g_assert_nonnull(g);
		values(s, g, got);
		FOR(i, elements(o->in[k])) {
			const double at = data[k][i], step = 1e-5;
			data[k][i] = at + step;
			const double above = loss_of(o, x, weight);
			data[k][i] = at - step;
			const double below = loss_of(o, x, weight);
			data[k][i] = at;
			if (bf16)
				g_assert_true(isfinite(got[i]));
			else
				near_to(got[i], (above - below) / (2 * step), fmax(tolerance, 2e-8), o->name, i);
		}
	}
	good(s);
}

static void test_op(gconstpointer data)
{
	FOR(gpu, 1 + (tensor_gpus(NULL) > 0)) {
		device = gpu ? 0 : T_CPU;
		check_op(data, T_F64, 0);
		check_op(data, T_F64, SCOPE_CHANNELS_LAST);
		check_op(data, T_F32, SCOPE_BF16);
		check_op(data, T_F32, SCOPE_BF16 | SCOPE_CHANNELS_LAST);
	}
}

/* ---- Rules ---- */

static void expect(scope *s, enum scope_err err, const char *text)
{
	const char *message;
	g_assert_cmpint((int)scope_error(s, &message), ==, (int)err);
	g_assert_cmpstr(message, ==, text);
	scope_forgive(s);
}

static tensor *counted(scope *s, dims d)
{
	double x[MOST];
	FOR(i, MOST) x[i] = i;
	elements(d);
	return t_from(s, x, d, T_F64, T_CPU);
}

/* A convolution that is laid out to answer, in loops: x (2,4,7,6), w (4,4/groups,3,3), stride 2, pad 1. */
static double packed_at(const float *x, const float *w, const float *b, const float (*n)[4], int groups, int sample, int o, int v, int u)
{
	const int in = 4 / groups;
	double sum = b != NULL ? (double)b[o] : 0;

	FOR(c, in) FOR(j, 3) FOR(i, 3) {
		const int y = 2 * v + j - 1, z = 2 * u + i - 1, channel = o / (4 / groups) * in + c;
		if (y >= 0 && y < 7 && z >= 0 && z < 6)
			sum += (double)w[((o * in + c) * 3 + j) * 3 + i] * (double)x[((sample * 4 + channel) * 7 + y) * 6 + z];
	}
	return n == NULL ? sum : (sum - (double)n[2][o]) / sqrt((double)n[3][o] + 1e-3) * (double)n[0][o] + (double)n[1][o];
}

static void test_packed(void)
{
	enum { X = 2 * 4 * 7 * 6, W = 4 * 4 * 9, Y = 2 * 4 * 4 * 3 };
	float x[X], w[W], b[4], n[4][4], add[Y], y[Y];
	g_autoptr(GRand) source = g_rand_new_with_seed(3);

	FOR(i, X) x[i] = (float)g_rand_double_range(source, -1, 1);
	FOR(i, W) w[i] = (float)g_rand_double_range(source, -1, 1);
	FOR(i, 4) b[i] = (float)g_rand_double_range(source, -1, 1);
	FOR(k, 4) FOR(i, 4) n[k][i] = (float)g_rand_double_range(source, k == 3 ? 0.5 : -1, 1.5);
	FOR(i, Y) add[i] = (float)g_rand_double_range(source, -2, 2);
	FOR(k, 48) {
		const int groups = k & 1 ? 4 : 1, activation = k / 16;
		const gboolean biased = (k & 2) != 0, normed = (k & 4) != 0, added = (k & 8) != 0;
		const conv_opts o = { .stride = 2, .pad = 1, .groups = groups };
		SCOPE(s, NULL, SCOPE_NO_GRAD | (k % 5 == 0 ? SCOPE_CHANNELS_LAST : 0));
		SCOPE(packed, NULL, SCOPE_NO_GRAD | (k % 5 == 0 ? SCOPE_CHANNELS_LAST : 0));
		tensor *of[4], *bias = t_from(s, b, DIMS(4), T_F32, T_CPU), *other = t_from(s, add, DIMS(2, 4, 4, 3), T_F32, T_CPU);
		FOR(i, 4) of[i] = t_from(s, n[i], DIMS(4), T_F32, T_CPU);
		const struct norm norm = { of[0], of[1], of[2], of[3], 1e-3 };
		tensor *weight = t_from(s, w, DIMS(4, 4 / groups, 3, 3), T_F32, T_CPU), *in = t_from(s, x, DIMS(2, 4, 7, 6), T_F32, T_CPU);
		g_assert_true(conv_pack(packed, "a.weight", weight, "a.bias", biased ? bias : NULL, normed ? &norm : NULL, t_dims(in), o));
		tensor *got = t_conv2d_packed(s, in, scope_find(packed, "a.weight"), scope_find(packed, "a.bias"), o, added ? other : NULL,
					      (enum act)activation);
		const gboolean was_read = t_read(s, got, y, sizeof y);
		expect(s, SCOPE_OK, "");
		g_assert_true(was_read);
		FOR(i, Y) {
			double want = packed_at(x, w, biased ? b : NULL, normed ? (const float (*)[4])n : NULL, groups, i / 48, i / 12 % 4, i / 3 % 4, i % 3);
			want += added ? (double)add[i] : 0;
			want = activation == ACT_RELU ? MAX(want, 0) : activation == ACT_SILU ? want / (1 + exp(-want)) : want;
			g_assert_cmpfloat_with_epsilon((double)y[i], want, 1e-5);
		}
		expect(s, SCOPE_OK, "");
		t_conv2d_packed(s, other, scope_find(packed, "a.weight"), NULL, o, NULL, ACT_NONE);
		expect(s, SCOPE_FAILED, "conv2d_packed: b is NULL");
		g_assert_false(conv_pack(packed, "a.weight", weight, "a.bias", NULL, NULL, t_dims(in), o));
		expect(packed, SCOPE_FAILED, groups == 1 ? "packed 'a.weight' (4,4,3,3): the name stands already"
						  : "packed 'a.weight' (4,1,3,3): the name stands already");
	}
}

/* One pixel, or one channel out, is laid out both ways at once, which libtorch 2.6 does not add to. */
static void test_packed_small(void)
{
	enum { W = 2 * 3 * 9 };
	float w[W] = { 0 }, y[6];
	/* of the kernel only the middle counts: out 0 is x0 + 2 x1 - x2, out 1 is -x0 */
	w[4] = 1, w[9 + 4] = 2, w[18 + 4] = -1, w[27 + 4] = -1;
	static const float pixel[] = { 1, 2, 3, 4, 5, 6 }, line[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, add[] = { 0.5F, 1, 0.5F, 5 };
	const struct small { dims x, added; int out, n; const float *in; float want[4]; } cases[] = {
		{ DIMS(2, 3, 1, 1), DIMS(2, 2, 1, 1), 2, 4, pixel, { 2.5F, 0, 8.5F, 1 } },
		{ DIMS(1, 3, 1, 3), DIMS(1, 1, 1, 3), 1, 3, line, { 2.5F, 5, 6.5F } },
	};

	FOR(k, 4) {
		const struct small *c = &cases[k & 1];
		const unsigned flags = SCOPE_NO_GRAD | SCOPE_CHANNELS_LAST | (k & 2 ? SCOPE_BF16 : 0);
		SCOPE(s, NULL, flags);
		SCOPE(packed, NULL, flags);
		tensor *x = t_from(s, c->in, c->x, T_F32, T_CPU), *other = t_from(s, add, c->added, T_F32, T_CPU);
		tensor *weight = t_from(s, w, DIMS(c->out, 3, 3, 3), T_F32, T_CPU);
		const conv_opts o = { .pad = 1 };
		g_assert_true(conv_pack(packed, "w", weight, "b", NULL, NULL, t_dims(x), o));
		tensor *got = t_conv2d_packed(s, x, scope_find(packed, "w"), scope_find(packed, "b"), o, other, ACT_RELU);
		const gboolean was_read = t_read(s, t_to(s, got, T_F32, T_CPU), y, (size_t)c->n * sizeof *y);
		expect(s, SCOPE_OK, "");
		g_assert_true(was_read);
		FOR(i, c->n) g_assert_cmpfloat_with_epsilon((double)y[i], (double)c->want[i], 1e-6);
	}
}

/* What oneDNN is told of the caches, whatever the processor tells: nothing that its reorders go wrong with. */
unsigned _ZN4dnnl4impl3cpu8platform23get_per_core_cache_sizeEi(int level);

static void test_caches(void)
{
	FOR(level, 5) {
		const unsigned size = _ZN4dnnl4impl3cpu8platform23get_per_core_cache_sizeEi(level);
		if (level == 0 || level == 4)
			g_assert_cmpuint(size, ==, 0);
		else
			g_assert_cmpuint(size, >=, 4096);
	}
}

static void test_errors(void)
{
	SCOPE(s, NULL, 0);
	tensor *x = counted(s, DIMS(2, 3, 8, 5)), *w = counted(s, DIMS(4, 5, 3, 3)), *a = counted(s, DIMS(2, 3)), *b = counted(s, DIMS(2));
	expect(s, SCOPE_OK, "");

	g_assert_null(t_conv2d(s, x, w, NULL, (conv_opts){}));
	g_assert_null(t_relu(s, x));
	g_assert_null(t_relu(s, NULL));
	g_assert_false(t_scale_(s, x, 2));
	g_assert_cmpfloat(t_item(s, x), ==, 0);
	expect(s, SCOPE_FAILED, "conv2d: x (2,3,8,5) and w (4,5,3,3): Given groups=1, weight of size [4, 5, 3, 3], "
				"expected input[2, 3, 8, 5] to have 5 channels, but got 3 channels instead");
	g_assert_nonnull(t_relu(s, x));

	t_conv2d(s, NULL, w, NULL, (conv_opts){});
	expect(s, SCOPE_FAILED, "conv2d: x is NULL");
	t_batch_norm(s, x, b, b, b, NULL, 1e-5);
	expect(s, SCOPE_FAILED, "batch_norm: var is NULL");
	t_cat(s, 0, LIST(a, NULL));
	expect(s, SCOPE_FAILED, "cat: list[1] is NULL");
	t_cat(s, 0, NULL, 2);
	expect(s, SCOPE_FAILED, "cat: the list is empty");
	t_cross_entropy(s, a, b);
	expect(s, SCOPE_FAILED, "cross_entropy: x (2,3) and y (2): the shapes differ");
	t_axpy_(s, a, 1, b);
	expect(s, SCOPE_FAILED, "axpy_: y (2,3) and x (2): the shapes differ");
	t_adam_(s, 1, &a, &a, &a, &a, 1, 0.9, 0.999, 1e-8, 0, 0);
	expect(s, SCOPE_FAILED, "adam_: p (2,3), grad (2,3), m (2,3) and v (2,3): step is 0");
	t_reshape(s, a, DIMS(4, -1));
	expect(s, SCOPE_FAILED, "reshape: x (2,3): shape '[4, -1]' is invalid for input of size 6");
	t_reshape(s, a, (dims){ .n = 6 });
	expect(s, SCOPE_FAILED, "reshape: x (2,3): 0 to 5 dimensions, not 6");
	t_item(s, a);
	expect(s, SCOPE_FAILED, "item: x (2,3): not one element");
	t_read(s, a, (double[6]){ 0 }, 24);
	expect(s, SCOPE_FAILED, "read: x (2,3): 48 bytes, not 24");
	t_write_(s, a, (double[6]){ 0 }, 24);
	expect(s, SCOPE_FAILED, "write_: x (2,3): 48 bytes, not 24");
	t_read(s, a, NULL, 48);
	expect(s, SCOPE_FAILED, "read: x (2,3): host is NULL");
	t_from(s, NULL, DIMS(2), T_F32, T_CPU);
	expect(s, SCOPE_FAILED, "from (2): host is NULL");
	t_from(s, "", DIMS(1), T_U8, 1000);
	g_autofree char *gpus = g_strdup_printf("from (1): no GPU 1000 here (GPUs: %d)", tensor_gpus(NULL));
	expect(s, SCOPE_FAILED, gpus);
	t_leaf(s, "", DIMS(1), T_U8, T_CPU);
	expect(s, SCOPE_FAILED, "leaf (1): only floating point has gradients");
	t_backward(s, t_mean_all(s, a));
	expect(s, SCOPE_FAILED, "backward: loss (): element 0 of tensors does not require grad and does not have a grad_fn");
	scope_fail(s, "of the caller\nand a second line");
	expect(s, SCOPE_FAILED, "of the caller");
}

static void test_no_memory(void)
{
	SCOPE(s, NULL, 0);
	g_assert_null(scope_buffer(s, "big", DIMS(1000000000, 250000), 0));
	expect(s, SCOPE_NO_MEMORY, "buffer 'big' (1000000000,250000): out of memory at 1000000000000000 bytes");
	g_assert_cmpuint(scope_count(s), ==, 0);
	g_assert_null(t_from(s, "", DIMS(1000000000, 250000), T_F32, T_CPU));
	expect(s, SCOPE_NO_MEMORY, "from (1000000000,250000): out of memory at 1000000000000000 bytes");
}

static void test_scopes(void)
{
	scope *parent = scope_open(NULL, SCOPE_NO_GRAD), *child = scope_open(parent, SCOPE_TRAIN);
	tensor *x = counted(child, DIMS(2, 3)), *kept = scope_keep(parent, t_affine(child, x, 2, 0));
	scope_drop(child, x);
	scope_close(child);
	double got[6];
	values(parent, kept, got);
	FOR(i, 6) g_assert_cmpfloat(got[i], ==, 2 * i);

	/* A child's error stops at the child until that closes; what it left NULL is no error of the parent. */
	child = scope_open(parent, 0);
	scope_fail(child, "first");
	g_assert_null(scope_keep(parent, t_relu(child, kept)));
	g_assert_nonnull(t_relu(parent, kept));
	g_assert_cmpint((int)scope_error(parent, NULL), ==, SCOPE_OK);
	scope_close(child);
	child = scope_open(parent, 0);
	g_assert_null(t_relu(child, kept));     /* the parent's error is its children's */
	scope_fail(child, "second");
	scope_close(child);
	expect(parent, SCOPE_FAILED, "first");

	/* Forgiven in the child, nothing goes up. */
	child = scope_open(parent, 0);
	scope_fail(child, "forgiven");
	scope_forgive(child);
	g_assert_nonnull(t_relu(child, kept));
	scope_close(child);
	expect(parent, SCOPE_OK, "");
	g_assert_null(scope_keep(parent, NULL));
	expect(parent, SCOPE_FAILED, "keep: t is NULL");

	/* First, middle and last of a scope dropped; foreign and named ones not */
	tensor *t[3];
	FOR(i, 3) t[i] = counted(parent, DIMS(2));
	scope_drop(parent, t[1]);
	scope_drop(parent, t[2]);
	scope_drop(parent, t[0]);
	child = scope_open(parent, 0);
	scope_drop(child, kept);
	expect(child, SCOPE_FAILED, "drop: t is of another scope");
	scope_close(child);
	scope_drop(parent, scope_buffer(parent, "b", DIMS(1), 0));
	expect(parent, SCOPE_FAILED, "drop: t is a parameter or buffer");
	scope_drop(parent, NULL);
	expect(parent, SCOPE_FAILED, "drop: t is NULL");
	scope_close(parent);

	scope_close(NULL);
	g_assert_null(t_relu(NULL, NULL));
	const char *message;
	g_assert_cmpint((int)scope_error(NULL, &message), ==, SCOPE_NO_MEMORY);
	g_assert_cmpint(t_size(NULL, 0), ==, -1);
	g_assert_cmpint(t_dims(NULL).n, ==, 0);
}

static long peak(void)          /* KiB */
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static void test_drop_frees(void)
{
	const size_t size = 32 << 20;
	g_autofree char *host = g_malloc0(size);
	SCOPE(s, NULL, 0);
	const long before = peak();
	FOR(i, 40) scope_drop(s, t_from(s, host, DIMS((int64_t)size), T_U8, T_CPU));
	good(s);
	g_assert_cmpint(peak() - before, <, 640 << 10);   /* the sanitizer keeps 256 MiB of what was freed */
}

static void test_types(void)
{
	const guint8 bytes[] = { 0, 1, 200, 255 };
	const enum dtype all[] = { T_F32, T_F16, T_BF16, T_U8, T_I64, T_F64 };
	const size_t width[] = { 4, 2, 2, 1, 8, 8 };
	SCOPE(s, NULL, 0);
	tensor *x = t_from(s, bytes, DIMS(2, 2), T_U8, T_CPU);
	g_assert_cmpint(t_size(x, -1), ==, 2);
	g_assert_cmpint(t_size(x, 2), ==, -1);
	FOR(i, 6) {
		guint8 back[32];
		double got[4];
		tensor *y = t_to(s, x, all[i], T_CPU);
		g_assert_cmpint((int)t_type(y), ==, (int)all[i]);
		g_assert_true(t_read(s, y, back, 4 * width[i]));
		values(s, t_from(s, back, DIMS(2, 2), all[i], T_CPU), got);
		FOR(k, 4) g_assert_cmpfloat(got[k], ==, all[i] == T_BF16 && k == 3 ? 255 : bytes[k]);
	}
	g_assert_cmpint((int)t_type(t_affine(s, x, 1. / 255, 0)), ==, T_F32);
	g_assert_cmpint((int)t_type(t_to(s, x, T_BOOL, T_CPU)), ==, T_BOOL);
	g_assert_cmpfloat(t_item(s, t_from(s, (int64_t[]){ -7 }, DIMS(1), T_I64, T_CPU)), ==, -7);
	good(s);
}

static void test_parameters(void)
{
	SCOPE(m, NULL, SCOPE_CHANNELS_LAST);
	tensor_seed(5);
	tensor *w = scope_param(m, "conv.weight", DIMS(64, 32, 3, 3), INIT_KAIMING), *v = scope_buffer(m, "bn.var", DIMS(3), 1);
	g_assert_true(w == scope_find(m, "conv.weight") && v == scope_find(m, "bn.var"));
	g_assert_null(scope_find(m, "none"));
	g_assert_cmpint((int)scope_error(m, NULL), ==, SCOPE_OK);
	g_assert_null(scope_param(m, "bn.var", DIMS(2), INIT_ZERO));
	expect(m, SCOPE_FAILED, "param 'bn.var' (2): the name stands already");
	g_assert_null(scope_param(m, "fc.bias", DIMS(5), INIT_LINEAR));
	expect(m, SCOPE_FAILED, "param 'fc.bias' (5): fans need two dimensions");
	g_assert_null(scope_param(m, "", DIMS(5), INIT_ZERO));
	expect(m, SCOPE_FAILED, "param '' (5): no name");

	const char *name;
	bool trained;
	g_assert_cmpuint(scope_count(m), ==, 2);
	g_assert_true(scope_at(m, 1, &name, &trained) == v && !trained);
	g_assert_cmpstr(name, ==, "bn.var");
	g_assert_true(scope_at(m, 0, NULL, &trained) == w && trained);
	g_assert_null(scope_at(m, 2, NULL, NULL));

	/* Spread and bounds of each start; the same seed, the same numbers */
	const struct { enum init how; double deviation, bound; } starts[] = {
		{ INIT_KAIMING, sqrt(2. / (64 * 9)), 1 }, { INIT_KAIMING_UNIFORM, sqrt(2. / (32 * 9)), sqrt(6. / (32 * 9)) },
		{ INIT_LINEAR, sqrt(1. / (3 * 32 * 9)), sqrt(1. / (32 * 9)) }, { INIT_NORMAL_001, 0.01, 0.1 },
		{ INIT_ONE, 0, 1 }, { INIT_ZERO, 0, 0 },
	};
	enum { N = 64 * 32 * 9 };
	g_autofree float *x = g_new(float, N), *y = g_new(float, N);
	FOR(k, (int)G_N_ELEMENTS(starts)) {
		FOR(again, 2) {
			SCOPE(model, NULL, again ? SCOPE_CHANNELS_LAST : 0);
			tensor_seed(5);
			t_read(model, scope_param(model, "w", DIMS(64, 32, 3, 3), starts[k].how), again ? y : x, N * sizeof *x);
			good(model);
		}
		g_assert_true(memcmp(x, y, N * sizeof *y) == 0);
		double sum = 0, squares = 0, most = 0;
		FOR(i, N) sum += x[i], squares += (double)x[i] * x[i], most = fmax(most, fabs((double)x[i]));
		const double mean = sum / N;
		g_assert_cmpfloat_with_epsilon(sqrt(fmax(0, squares / N - mean * mean)), starts[k].deviation, 0.03 * starts[k].deviation + 1e-9);
		g_assert_cmpfloat_with_epsilon(mean, (starts[k].how == INIT_ONE ? 1. : 0.), 0.03 * starts[k].deviation + 1e-9);
		g_assert_cmpfloat(most, <=, starts[k].bound * (1 + 1e-6));
	}

	/* C order in and out, whatever lies in memory */
	FOR(i, N) y[i] = (float)i;
	g_assert_true(t_write_(m, w, y, N * sizeof *y) && t_read(m, w, x, N * sizeof *x));
	g_assert_true(memcmp(x, y, N * sizeof *y) == 0);
}

static void test_batch_statistics(void)
{
	double x[24], got[3];
	fill(x, 24, -1, 3, 1);
	SCOPE(s, NULL, SCOPE_TRAIN);
	tensor *w = t_from(s, (double[]){ 1, 2, 3 }, DIMS(3), T_F64, T_CPU), *mean = counted(s, DIMS(3)), *var = counted(s, DIMS(3));
	t_batch_norm(s, t_from(s, x, DIMS(2, 3, 2, 2), T_F64, T_CPU), w, w, mean, var, 1e-5);
	FOR(v, 2) {
		values(s, v ? var : mean, got);
		FOR(c, 3) {
			double m = 0, q = 0;
			FOR(n, 2) FOR(i, 4) m += x[(n * 3 + c) * 4 + i] / 8;
			FOR(n, 2) FOR(i, 4) q += pow(x[(n * 3 + c) * 4 + i] - m, 2) / 7;
			near_to(got[c], 0.9 * c + 0.1 * (v ? q : m), 1e-12, "statistics", c);
		}
	}

	/* of one value a channel there are none: (5 - 1) / 2, (6 - 3) / 3, as when it answers; nothing is learned of them */
	tensor *one = t_from(s, (double[]){ 5, 6 }, DIMS(1, 2), T_F64, T_CPU), *unit = t_from(s, (double[]){ 1, 1 }, DIMS(2), T_F64, T_CPU);
	tensor *zero = t_from(s, (double[]){ 0, 0 }, DIMS(2), T_F64, T_CPU), *at = t_from(s, (double[]){ 1, 3 }, DIMS(2), T_F64, T_CPU);
	tensor *wide = t_from(s, (double[]){ 4, 9 }, DIMS(2), T_F64, T_CPU);
	values(s, t_batch_norm(s, one, unit, zero, at, wide, 0), got);
	near_to(got[0], 2, 1e-12, "alone", 0);
	near_to(got[1], 1, 1e-12, "alone", 1);
	values(s, at, got);
	near_to(got[0], 1, 0, "mean", 0);
	values(s, wide, got);
	near_to(got[0], 4, 0, "variance", 0);
}

static void test_dropout(void)
{
	enum { N = 10000 };
	g_autofree double *x = g_new(double, N), *y = g_new(double, N), *z = g_new(double, N), *g = g_new(double, N);
	fill(x, N, 1, 2, 3);
	SCOPE(s, NULL, SCOPE_TRAIN);
	SCOPE(plainly, NULL, 0);
	tensor *t = t_leaf(s, x, DIMS(N), T_F64, T_CPU), *out;
	FOR(again, 2) {
		tensor_seed(7);
		out = t_dropout(s, t, 0.25);
		t_read(s, out, again ? z : y, N * sizeof *x);
	}
	t_backward(s, t_affine(s, t_mean_all(s, out), N, 0));
	t_read(s, t_grad(s, t), g, N * sizeof *x);
	good(s);
	g_assert_true(memcmp(y, z, N * sizeof *z) == 0);
	int kept = 0;
	FOR(i, N) {
		const double factor = y[i] > 0 ? 1 / 0.75 : 0;
		kept += y[i] > 0;
		near_to(y[i], x[i] * factor, 1e-12, "dropout", i);
		near_to(g[i], factor, 1e-12, "its gradient", i);
	}
	g_assert_cmpint(ABS(kept - 7500), <, 200);
	t_read(plainly, t_dropout(plainly, t, 0.25), y, N * sizeof *y);
	g_assert_true(memcmp(x, y, N * sizeof *y) == 0);
}

/* Whole samples are dropped, the same ones for the same seed; in no other mode any. */
static void test_stochastic_depth(void)
{
	enum { N = 5000 };
	g_autofree double *x = g_new(double, 2 * N), *y = g_new(double, 2 * N), *z = g_new(double, 2 * N);
	fill(x, 2 * N, 1, 2, 3);
	SCOPE(s, NULL, SCOPE_TRAIN);
	SCOPE(plainly, NULL, 0);
	tensor *t = t_from(s, x, DIMS(N, 2, 1), T_F64, T_CPU);
	FOR(again, 2) {
		tensor_seed(7);
		t_read(s, t_stochastic_depth(s, t, 0.25), again ? z : y, 2 * N * sizeof *x);
	}
	good(s);
	g_assert_true(memcmp(y, z, 2 * N * sizeof *z) == 0);
	int kept = 0;
	FOR(i, N) {
		const double factor = y[2 * i] > 0 ? 1 / 0.75 : 0;
		kept += y[2 * i] > 0;
		FOR(k, 2) near_to(y[2 * i + k], x[2 * i + k] * factor, 1e-12, "stochastic depth", i);
	}
	g_assert_cmpint(ABS(kept - N * 3 / 4), <, 150);
	t_read(plainly, t_stochastic_depth(plainly, t, 0.25), y, 2 * N * sizeof *y);
	g_assert_true(memcmp(x, y, 2 * N * sizeof *y) == 0);
	t_stochastic_depth(s, t, 1);
	expect(s, SCOPE_FAILED, "stochastic_depth: x (5000,2,1): p is 1");
}

static void test_modes(void)
{
	SCOPE(m, NULL, 0);
	tensor *w = scope_param(m, "w", DIMS(2, 2), INIT_ONE), *other = scope_param(m, "other", DIMS(1, 1), INIT_ONE);
	SCOPE(s, NULL, 0);
	tensor *x = t_from(s, (float[]){ 1, 2 }, DIMS(1, 2), T_F32, T_CPU);
	g_assert_null(t_grad(s, w));
	good(s);
	SCOPE(off, s, SCOPE_NO_GRAD);
	t_backward(off, t_mean_all(off, t_linear(off, x, w, NULL)));
	expect(off, SCOPE_FAILED, "backward: loss (): element 0 of tensors does not require grad and does not have a grad_fn");
	FOR(i, 2) t_backward(s, t_mean_all(s, t_linear(s, x, w, NULL)));
	double got[4];
	values(s, t_grad(s, w), got);
	FOR(i, 4) g_assert_cmpfloat(got[i], ==, 1 + i % 2);      /* 0.5 x, twice */
	t_backward(s, t_mean_all(s, t_affine(s, other, 3, 0)));
	g_assert_cmpfloat_with_epsilon(t_item(s, t_grad_norm(s, m, 0, 1)), sqrt(10), 1e-6);
	g_assert_cmpfloat_with_epsilon(t_item(s, t_grad_norm(s, m, 1, 5)), 3, 1e-6);
	g_assert_cmpfloat_with_epsilon(t_item(s, t_grad_norm(s, m, 0, 2)), sqrt(19), 1e-6);
	g_assert_true(t_grad_scale_(s, m, 0, 1, 0.5));
	g_assert_cmpfloat_with_epsilon(t_item(s, t_grad_norm(s, m, 0, 1)), sqrt(10) / 2, 1e-6);
	g_assert_cmpfloat_with_epsilon(t_item(s, t_grad_norm(s, m, 1, 1)), 3, 1e-6);
	t_zero_grad(w);
	g_assert_null(t_grad(s, w));
	g_assert_cmpfloat(t_item(s, t_grad_norm(s, m, 0, 1)), ==, 0);
	t_zero_grad(NULL);
	good(s);
}

/* bfloat16 copies of a parameter follow its changes, and one made without gradients does not stay. */
static void test_bf16_copies(void)
{
	const float twos[] = { 2, 2, 2, 2 };
	const double sums[] = { 0, 6, 12, 9 };
	double got[2];
	SCOPE(m, NULL, 0);
	tensor *w = scope_param(m, "w", DIMS(2, 2), INIT_ONE);
	SCOPE(s, NULL, 0);
	tensor *x = t_from(s, (float[]){ 1, 2 }, DIMS(1, 2), T_F32, T_CPU);
	scope *half = scope_open(s, SCOPE_BF16), *off = scope_open(half, SCOPE_NO_GRAD);
	g_assert_cmpint((int)t_type(t_linear(off, x, w, NULL)), ==, T_BF16);
	t_backward(half, t_mean_all(half, t_linear(half, x, w, NULL)));
	g_assert_nonnull(t_grad(half, w));
	scope_close(off);
	t_scale_(half, w, 2);
	values(half, t_linear(half, x, w, NULL), got);
	g_assert_cmpfloat(got[0], ==, 6);
	FOR(way, 4) {
		t_linear(half, x, w, NULL);
		if (way == 0) t_write_(half, w, (float[4]){ 0 }, 16);
		if (way == 1) t_axpy_(half, w, 1, t_from(half, twos, DIMS(2, 2), T_F32, T_CPU));
		if (way == 2) t_copy_(half, w, t_affine(half, w, 2, 0));
		if (way == 3) t_lerp_(half, w, 0.5, t_from(half, twos, DIMS(2, 2), T_F32, T_CPU));
		values(half, t_linear(half, x, w, NULL), got);
		g_assert_cmpfloat(got[0], ==, sums[way]);
	}
	tensor *logits = t_linear(half, x, w, NULL), *shares = t_from(s, (float[]){ 0.5, 0.5 }, DIMS(1, 2), T_F32, T_CPU);
	g_assert_cmpint((int)t_type(t_cross_entropy(half, logits, shares)), ==, T_F32);
	g_assert_cmpint((int)t_type(t_bce_logits(half, logits, shares)), ==, T_F32);
	good(half);
	scope_close(half);
	t_scale_(s, w, 2);
	half = scope_open(s, SCOPE_BF16);
	values(half, t_linear(half, x, w, NULL), got);
	g_assert_cmpfloat(got[0], ==, 18);
	scope_close(half);
}

/* Two convolutions with all that stands between them in a network; also the gradient of the first. */
static void network(scope *m, unsigned flags, double *loss, double *grad)
{
	double pixels[192];
	const char *const names[] = { "a", "g", "b", "c", "f" };
	tensor *p[5];
	FOR(i, 5) p[i] = scope_find(m, names[i]), t_zero_grad(p[i]);
	SCOPE(s, NULL, flags | SCOPE_TRAIN);
	tensor *x = t_to(s, t_from(s, fill(pixels, 192, -1, 1, 4), DIMS(1, 3, 8, 8), T_F64, device), T_F32, device);
	tensor *y = t_conv2d(s, x, p[0], NULL, (conv_opts){ .pad = 1 });
	y = t_relu(s, t_batch_norm(s, y, p[1], p[2], scope_find(m, "mean"), scope_find(m, "var"), 1e-5));
	tensor *z = t_conv2d(s, t_max_pool2d(s, y, (pool_opts){ .size = 2 }), p[3], NULL, (conv_opts){ .pad = 1 });
	y = t_cat(s, 1, LIST(t_upsample2d(s, t_silu(s, z), 8, 8), t_add(s, y, y)));
	y = t_linear(s, t_mean_hw(s, y), p[4], NULL);
	y = t_cross_entropy(s, y, t_from(s, (float[]){ 0.25, 0.75 }, DIMS(1, 2), T_F32, device));
	*loss = t_item(s, y);
	t_backward(s, y);
	values(s, t_grad(s, p[0]), grad);
	good(s);
}

static void test_network(void)
{
	FOR(gpu, 1 + (tensor_gpus(NULL) > 0)) {
		double loss[4], grad[4][MOST], most = 0;
		device = gpu ? 0 : T_CPU;       /* whose float32 convolutions may round as TF32 */
		FOR(k, 4) {
			const unsigned flags = (k & 1 ? SCOPE_CHANNELS_LAST : 0) | (k & 2 ? SCOPE_BF16 : 0);
			SCOPE(m, NULL, flags & SCOPE_CHANNELS_LAST);
			scope_device(m, device);
			tensor_seed(1);
			scope_param(m, "a", DIMS(4, 3, 3, 3), INIT_KAIMING);
			scope_param(m, "g", DIMS(4), INIT_ONE), scope_param(m, "b", DIMS(4), INIT_ZERO);
			scope_buffer(m, "mean", DIMS(4), 0), scope_buffer(m, "var", DIMS(4), 1);
			scope_param(m, "c", DIMS(4, 4, 3, 3), INIT_KAIMING), scope_param(m, "f", DIMS(2, 8), INIT_LINEAR);
			good(m);
			network(m, flags, &loss[k], grad[k]);
			if (!k)
				FOR(i, 108) most = fmax(most, fabs(grad[0][i]));
			near_to(loss[k], loss[0], k & 2 ? 1. / 128 : gpu ? 1e-3 : 1e-6, "loss", k);
			FOR(i, 108) near_to(grad[k][i] / most, grad[0][i] / most, k & 2 ? 0.1 : gpu ? 1e-2 : 1e-4, "gradient", i);
		}
	}
}

static void test_bf16_products(void)
{
	enum { K = 64 };
	double a[4 * K], b[4 * K], want[16], got[16], scale = 0;
	fill(a, 4 * K, -1, 1, 1), fill(b, 4 * K, -1, 1, 2);
	product(a, b, NULL, want, 4, K, 4, true);
	SCOPE(s, NULL, SCOPE_BF16);
	tensor *x = t_to(s, t_from(s, a, DIMS(4, K), T_F64, T_CPU), T_F32, T_CPU);
	tensor *w = t_to(s, t_from(s, b, DIMS(4, K), T_F64, T_CPU), T_F32, T_CPU);
	tensor *results[] = {
		t_linear(s, x, w, NULL), t_matmul(s, x, t_permute(s, w, DIMS(1, 0))),
		t_conv2d(s, t_reshape(s, x, DIMS(4, K, 1, 1)), t_reshape(s, w, DIMS(4, K, 1, 1)), NULL, (conv_opts){}),
	};
	FOR(i, 16) scale = fmax(scale, fabs(want[i]));
	FOR(k, 3) {
		g_assert_cmpint((int)t_type(results[k]), ==, T_BF16);
		values(s, results[k], got);
		FOR(i, 16) g_assert_cmpfloat(fabs(got[i] - want[i]), <=, scale / 128);
	}
}

static void test_in_place(void)
{
	double got[6];
	SCOPE(s, NULL, 0);
	tensor *y = counted(s, DIMS(2, 3)), *x = t_affine(s, y, -1, 1);
	t_scale_(s, y, 2);              /* 2 i */
	t_axpy_(s, y, 3, x);            /* 2 i + 3 (1 - i) */
	t_lerp_(s, y, 0.25, x);
	values(s, y, got);
	FOR(i, 6) g_assert_cmpfloat_with_epsilon(got[i], 0.75 * (3 - i) + 0.25 * (1 - i), 1e-12);
	t_copy_(s, y, x);
	values(s, y, got);
	FOR(i, 6) g_assert_cmpfloat(got[i], ==, 1 - i);
}

static void test_adam(void)
{
	const double lr = 0.01, beta1 = 0.9, beta2 = 0.99, eps = 1e-3;
	FOR(decayed, 2) {
		const double decay = decayed ? 0.1 : 0;
		double p[6], m[6] = { 0 }, v[6] = { 0 }, g[6], got[6];
		SCOPE(s, NULL, 0);
		tensor *tp = t_leaf(s, fill(p, 6, -1, 1, 1), DIMS(2, 3), T_F64, T_CPU);
		tensor *tm = t_from(s, m, DIMS(2, 3), T_F64, T_CPU), *tv = t_from(s, v, DIMS(2, 3), T_F64, T_CPU);
		for (int step = 1; step <= 3; step++) {
			tensor *tg = t_from(s, fill(g, 6, -1, 1, (guint32)step + 10), DIMS(2, 3), T_F64, T_CPU);
			g_assert_true(t_adam_(s, 1, &tp, &tg, &tm, &tv, lr, beta1, beta2, eps, decay, step));
			FOR(i, 6) {
				p[i] *= 1 - lr * decay;
				m[i] = beta1 * m[i] + (1 - beta1) * g[i];
				v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
				p[i] -= lr * (m[i] / (1 - pow(beta1, step))) / (sqrt(v[i] / (1 - pow(beta2, step))) + eps);
			}
			values(s, tp, got);
			FOR(i, 6) near_to(got[i], p[i], 1e-13, "adam", i);
		}
	}
}

static void test_index_copy(void)
{
	const int64_t at[] = { 3, 0 };
	const double want[] = { 3, 4, 5, 3, 4, 5, 6, 7, 8, 0, 1, 2 };
	double x[4 * 3];

	FOR(gpu, 1 + (tensor_gpus(NULL) > 0)) {
		SCOPE(s, NULL, 0);
		device = gpu ? 0 : T_CPU;
		tensor *y = t_to(s, counted(s, DIMS(4, 3)), T_F64, device), *to = t_from(s, at, DIMS(2), T_I64, device);
		g_assert_true(t_index_copy_(s, y, 0, to, t_to(s, counted(s, DIMS(2, 3)), T_F64, device)));
		values(s, y, x);
		FOR(i, 12) g_assert_cmpfloat(x[i], ==, want[i]);
		g_assert_false(t_index_copy_(s, y, 0, to, y));
		scope_forgive(s);
	}
}

static uint32_t murmur(uint32_t x)
{
	x = (x ^ x >> 16) * 0x85ebca6b;
	x = (x ^ x >> 13) * 0xc2b2ae35;
	return x ^ x >> 16;
}

/* Each number is what its seed and place say, worked out one by one; they are as normal noise is. */
static void test_noise(void)
{
	enum { ROWS = 3, N = 20000 };
	const int64_t seeds[ROWS] = { 7, 0x7ffffff0, 1LL << 31 | 7 };   /* the second wraps; the third's 31 bits are the first's */
	static float x[ROWS][N];

	FOR(gpu, 1 + (tensor_gpus(NULL) > 0)) {
		SCOPE(s, NULL, 0);
		device = gpu ? 0 : T_CPU;
		g_assert_true(t_read(s, t_noise(s, t_from(s, seeds, DIMS(ROWS), T_I64, device), N), x, sizeof x));
		FOR(k, ROWS) {
			double sum = 0, squares = 0, fourth = 0;
			FOR(i, N) {
				const uint32_t first = (uint32_t)(seeds[k] & 0x7fffffff) + (uint32_t)(i % (N / 2)), second = first + N / 2;
				const double r = sqrt(-2 * log(((murmur(first) & 0xffffff) + 0.5) / 0x1p24));
				const double angle = 2 * G_PI * ((murmur(second) & 0xffffff) + 0.5) / 0x1p24;
				near_to((double)x[k][i], r * (i < N / 2 ? cos(angle) : sin(angle)), 1e-5, "noise", i);
				sum += (double)x[k][i];
				squares += pow((double)x[k][i], 2);
				fourth += pow((double)x[k][i], 4);
			}
			g_assert_cmpfloat(fabs(sum / N), <, 5 / sqrt(N));       /* five deviations each */
			g_assert_cmpfloat(fabs(squares / N - 1), <, 5 * sqrt(2.0 / N));
			g_assert_cmpfloat(fabs(fourth / N - 3), <, 5 * sqrt(96.0 / N));
		}
		g_assert_true(memcmp(x[0], x[2], sizeof x[0]) == 0);
		g_assert_null(t_noise(s, t_from(s, seeds, DIMS(ROWS), T_I64, device), 7));
		expect(s, SCOPE_FAILED, "noise: seeds (3): n is 7");
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	tensor_threads(2);
	g_test_message("libtorch %s, GPUs %d, fast bf16 %d", tensor_version(), tensor_gpus(NULL), tensor_bf16_fast(T_CPU));
	FOR(i, (int)G_N_ELEMENTS(ops)) {
		g_autofree char *path = g_strdup_printf("/tensor/op/%s", ops[i].name);
		g_test_add_data_func(path, &ops[i], test_op);
	}
	g_test_add_func("/tensor/packed", test_packed);
	g_test_add_func("/tensor/packed-small", test_packed_small);
	g_test_add_func("/tensor/caches", test_caches);
	g_test_add_func("/tensor/errors", test_errors);
	g_test_add_func("/tensor/no-memory", test_no_memory);
	g_test_add_func("/tensor/scopes", test_scopes);
	g_test_add_func("/tensor/drop-frees", test_drop_frees);
	g_test_add_func("/tensor/types", test_types);
	g_test_add_func("/tensor/parameters", test_parameters);
	g_test_add_func("/tensor/batch-statistics", test_batch_statistics);
	g_test_add_func("/tensor/dropout", test_dropout);
	g_test_add_func("/tensor/stochastic-depth", test_stochastic_depth);
	g_test_add_func("/tensor/modes", test_modes);
	g_test_add_func("/tensor/bf16-copies", test_bf16_copies);
	g_test_add_func("/tensor/network", test_network);
	g_test_add_func("/tensor/bf16-products", test_bf16_products);
	g_test_add_func("/tensor/in-place", test_in_place);
	g_test_add_func("/tensor/adam", test_adam);
	g_test_add_func("/tensor/index-copy", test_index_copy);
	g_test_add_func("/tensor/noise", test_noise);
	return g_test_run();
}
