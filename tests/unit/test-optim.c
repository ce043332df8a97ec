/*
 * test-optim.c - each optimiser against its formulas in double, written here once more, and RAdam against PyTorch's too;
 * schedules and the moving average against values worked out by hand, or by PyTorch 1.13.
 */
#include "common/fault/fault.h"
#include "common/optim/optim.h"
#include <math.h>

enum { N = 6, STEPS = 12 };             /* weight (2, 3); norm (6) has one dimension */

static const float weight0[N] = { 0.5f, -1, 2, 0.25f, -0.125f, 3 }, norm0[N] = { 1, 1.5f, -0.5f, 0.75f, 2, -2 };

static const struct network small = { .name = "small", .head = "head." };

static struct model *small_model(void)
{
	struct model *m = g_new0(struct model, 1);

	m->network = &small;
	m->params = scope_open(NULL, 0);
	tensor *weight = scope_param(m->params, "weight", DIMS(2, 3), INIT_ZERO);
	tensor *mean = scope_buffer(m->params, "running_mean", DIMS(3), 7);
	tensor *norm = scope_param(m->params, "norm", DIMS(N), INIT_ZERO);
	tensor *idle = scope_param(m->params, "idle", DIMS(2, 2), INIT_ONE);
	g_assert_true(mean != NULL && idle != NULL);
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	t_write_(s, weight, weight0, sizeof weight0);
	t_write_(s, norm, norm0, sizeof norm0);
	return m;
}

static double gradient(int step, int i, gboolean of_norm)
{
	return sin(step * 1.7 + i * 0.9 + (of_norm ? 0.4 : 0)) * (i == 2 ? 100 : i == 3 ? 1e-3 : 1);
}

/* sum(p * g): its gradient is g. */
static tensor *product(scope *s, const tensor *p, int step, gboolean of_norm)
{
	float g[N];

	for (int i = 0; i < N; i++)
		g[i] = (float)gradient(step, i, of_norm);
	return t_sum(s, t_mul(s, t_reshape(s, p, DIMS(N)), t_from(s, g, DIMS(N), T_F32, T_CPU)), 0, false);
}

static void backward(struct model *m, int step)
{
	const char *message;

	SCOPE(s, NULL, 0);
	for (size_t i = 0; i < scope_count(m->params); i++)
		t_zero_grad(scope_at(m->params, i, NULL, NULL));
	t_backward(s, t_add(s, product(s, scope_find(m->params, "weight"), step, FALSE),
			    product(s, scope_find(m->params, "norm"), step, TRUE)));
	scope_error(s, &message);
	g_assert_cmpstr(message, ==, "");
}

static void assert_values(const scope *in, const char *name, const double *want, guint n)
{
	float got[N];

	SCOPE(s, NULL, SCOPE_NO_GRAD);
	g_assert_true(t_read(s, scope_find(in, name), got, n * sizeof *got));
	for (guint i = 0; i < n; i++)
		g_assert_cmpfloat_with_epsilon(got[i], want[i], 2e-5 * MAX(1, fabs(want[i])));
}

struct reference { double p[N], m[N], v[N]; };

/* Liu et al. 2020, algorithm 2: rectified from the 6th step on, where beta2 is 0.999. */
static void radam_step(struct reference *r, int i, double g, int step, double rate, double decay)
{
	const double b1 = pow(0.9, step), b2 = pow(0.999, step), inf = 1999, rho = inf - 2 * step * b2 / (1 - b2);

	r->p[i] *= 1 - rate * decay;
	r->m[i] = 0.9 * r->m[i] + 0.1 * g;
	r->v[i] = 0.999 * r->v[i] + 0.001 * g * g;
	double by = rho > 5 ? sqrt((rho - 4) * (rho - 2) * inf / ((inf - 4) * (inf - 2) * rho)) * sqrt(1 - b2) / (sqrt(r->v[i]) + 1e-8)
			    : 1;
	r->p[i] -= rate * r->m[i] / (1 - b1) * by;
}

/* Kingma & Ba 2015, algorithm 1; L2 joins the gradient; AdamW (Loshchilov & Hutter 2019, algorithm 2) shrinks the
   weight apart; momentum as Sutskever et al. 2013 in PyTorch's form. */
static void reference_step(const char *kind, struct reference *r, gboolean of_norm, int step, double rate, double decay)
{
	for (int i = 0; i < N; i++) {
		double g = (double)(float)gradient(step, i, of_norm);
		if (of_norm)
			decay = 0;
		if (g_str_equal(kind, "sgd")) {
			r->m[i] = 0.9 * r->m[i] + g + decay * r->p[i];
			r->p[i] -= rate * r->m[i];
			continue;
		}
		if (g_str_equal(kind, "radam")) {
			radam_step(r, i, g, step, rate, decay);
			continue;
		}
		if (g_str_equal(kind, "adam"))
			g += decay * r->p[i];
		else
			r->p[i] *= 1 - rate * decay;
		r->m[i] = 0.9 * r->m[i] + 0.1 * g;
		r->v[i] = 0.999 * r->v[i] + 0.001 * g * g;
		r->p[i] -= rate * (r->m[i] / (1 - pow(0.9, step))) / (sqrt(r->v[i] / (1 - pow(0.999, step))) + 1e-8);
	}
}

/* torch.optim.RAdam over the gradients below in float64, weights shrunk by 1 - rate decay before each step, as its
   decoupled_weight_decay has it from 2.2 on. */
static const double torch_weight[N] = { 0.468803038, -0.991263892, 3.42140537, 0.246115173, -0.106335866, 2.94829645 };
static const double torch_norm[N] = { 0.98206138, 1.50294687, 1.65619618, 0.750044631, 2.00812307, -2.01381239 };

static void test_optimiser(gconstpointer data)
{
	const char *kind = data;
	g_autoptr(GError) error = NULL;
	struct model *m = small_model();
	struct optim *o = optim_new(kind, m, 1, 1, T_CPU, &error);
	gboolean adam = !g_str_equal(kind, "sgd");
	struct reference weight = { 0 }, norm = { 0 };
	const double seven[] = { 7, 7, 7 }, one[] = { 1, 1, 1, 1 }, zero[N] = { 0 };

	g_assert_no_error(error);
	g_assert_cmpuint(scope_count(o->state), ==, adam ? 6 : 3);      /* for weight, norm and idle */
	assert_values(o->state, "m.weight", zero, N);
	for (int i = 0; i < N; i++) {
		weight.p[i] = weight0[i];
		norm.p[i] = norm0[i];
	}
	for (int step = 1; step <= STEPS; step++) {
		double rate = 0.02 / step, decay = step % 4 == 0 ? 0 : 0.3;
		backward(m, step);
		SCOPE(s, NULL, 0);
		optim_step(o, s, rate, decay);
		g_assert_cmpint(scope_error(s, NULL), ==, SCOPE_OK);
		reference_step(kind, &weight, FALSE, step, rate, decay);
		reference_step(kind, &norm, TRUE, step, rate, decay);
		g_assert_cmpint(o->step, ==, step);
		assert_values(m->params, "weight", weight.p, N);
		assert_values(m->params, "norm", norm.p, N);
		assert_values(o->state, "m.weight", weight.m, N);
		assert_values(o->state, "m.norm", norm.m, N);
		if (adam)
			assert_values(o->state, "v.weight", weight.v, N);
		assert_values(m->params, "running_mean", seven, 3);     /* no parameter */
		assert_values(m->params, "idle", one, 4);               /* without a gradient */
	}
	if (g_str_equal(kind, "radam")) {
		assert_values(m->params, "weight", torch_weight, N);
		assert_values(m->params, "norm", torch_norm, N);
	}
	optim_free(o);
	model_free(m);
}

static void test_unknown(void)
{
	struct model *m = small_model();
	g_autoptr(GError) error = NULL;

	g_assert_null(optim_new("adagrad", m, 1, 1, T_CPU, &error));
	g_assert_error(error, FAULT, FAULT_USAGE);
	g_assert_cmpstr(error->message, ==, "training.optimiser: 'adagrad' is unknown; there are adam, adamw, radam, sgd");
	optim_free(NULL);
	model_free(m);
}

/* What a model's names make of it, group by group from the input; * marks what is not decayed. */
static void assert_groups(const char *const *names, const dims *shapes, const char *want)
{
	struct model m = { .network = &small, .params = scope_open(NULL, 0) };
	struct optim_param of[32];
	g_autoptr(GString) got = g_string_new(NULL);
	gsize n = 0;

	for (; names[n] != NULL; n++) {
		if (strstr(names[n], "running_") != NULL)
			scope_buffer(m.params, names[n], shapes[n], 0);
		else
			scope_param(m.params, names[n], shapes[n], INIT_ONE);
	}
	guint groups = optim_groups(&m, of);
	for (gsize i = 0; i < n; i++) {
		g_string_append_printf(got, "%u%s ", of[i].group, of[i].decayed ? "" : "*");
		g_assert_cmpint(of[i].head, ==, g_str_has_prefix(names[i], "head."));
		g_assert_true(of[i].head == (of[i].group == groups - 1));
	}
	g_assert_cmpstr(got->str, ==, want);
	scope_close(m.params);
}

#define W DIMS(2, 2)
#define B DIMS(2)

static void test_groups(void)
{
	/* ResNet */
	assert_groups((const char *const[]){ "conv1.weight", "bn1.weight", "bn1.running_mean", "layer1.0.conv1.weight",
		"layer1.0.bn1.weight", "layer1.1.conv1.weight", "layer2.0.conv1.weight", "head.weight", "head.bias", NULL },
		(const dims[]){ DIMS(2, 2, 1, 1), B, B, W, B, W, W, W, B }, "0 0* 0* 1 1* 1 2 3 3* ");
	/* ViT */
	assert_groups((const char *const[]){ "class_token", "conv_proj.weight", "conv_proj.bias", "encoder.pos_embedding",
		"encoder.layers.encoder_layer_0.ln_1.weight", "encoder.layers.encoder_layer_0.mlp.0.weight",
		"encoder.layers.encoder_layer_1.ln_1.weight", "encoder.layers.encoder_layer_10.mlp.0.weight", "encoder.ln.weight",
		"head.weight", NULL }, (const dims[]){ DIMS(1, 1, 2), W, B, DIMS(1, 5, 2), B, W, B, W, B, W },
		"0* 0 0* 0* 1* 1 2* 3 3* 4 ");
	/* ConvNeXt, Swin */
	assert_groups((const char *const[]){ "features.0.0.weight", "features.0.1.weight", "features.1.0.layer_scale",
		"features.1.0.block.0.weight", "features.1.0.attn.relative_position_bias_table", "features.2.1.weight", "norm.weight",
		"head.weight", NULL }, (const dims[]){ W, B, DIMS(2, 1, 1), W, W, W, B, W }, "0 0* 1* 1 1* 2 2* 3 ");
	/* an exported module: its buffers stand behind its parameters, and begin no groups */
	assert_groups((const char *const[]){ "conv1.weight", "layer1.0.weight", "layer1.0.bn1.weight", "layer2.0.weight",
		"layer1.0.bn1.running_mean", "layer2.0.bn1.running_mean", "head.weight", NULL },
		(const dims[]){ W, W, B, W, B, B, W }, "0 1 1* 2 2* 2* 3 ");
	/* timm's ViT */
	assert_groups((const char *const[]){ "cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.mlp.weight", "head.weight", NULL },
		(const dims[]){ DIMS(1, 1, 2), DIMS(1, 5, 2), W, W, W }, "0* 0* 0 1 2 ");
	/* Inception v3: a block's branches lie side by side */
	assert_groups((const char *const[]){ "Conv2d_1a_3x3.conv.weight", "Conv2d_1a_3x3.bn.weight", "Conv2d_2a_3x3.conv.weight",
		"Mixed_5b.branch1x1.conv.weight", "Mixed_5b.branch3x3dbl_2.conv.weight", "Mixed_5b.branch_pool.conv.weight",
		"Mixed_5c.branch1x1.conv.weight", "head.weight", NULL }, (const dims[]){ W, B, W, W, W, W, W, W }, "0 0* 1 2 2 2 3 4 ");
	/* without numbers, and a head alone */
	assert_groups((const char *const[]){ "stem.weight", "stem.bias", "head.weight", NULL }, (const dims[]){ W, B, W }, "0 0* 1 ");
	assert_groups((const char *const[]){ "head.weight", NULL }, (const dims[]){ W }, "1 ");
}

/* Two layers and a head, y = sum of all: each gradient is 1. */
static struct model *layered_model(void)
{
	struct model *m = g_new0(struct model, 1);

	m->network = &small;
	m->params = scope_open(NULL, 0);
	scope_param(m->params, "layer1.weight", W, INIT_ONE);
	scope_param(m->params, "layer2.weight", W, INIT_ONE);
	scope_param(m->params, "head.weight", W, INIT_ONE);
	return m;
}

static void learn(struct optim *o, struct model *m, double clip)
{
	SCOPE(s, NULL, 0);
	tensor *sum = NULL;
	for (size_t i = 0; i < scope_count(m->params); i++) {
		tensor *p = t_mean_all(s, t_affine(s, scope_at(m->params, i, NULL, NULL), 4, 0));
		sum = sum == NULL ? p : t_add(s, sum, p);
	}
	t_backward(s, sum);
	if (clip > 0)
		t_grad_scale_(s, m->params, 0, G_MAXSIZE, MIN(1, clip / t_item(s, t_grad_norm(s, m->params, 0, G_MAXSIZE))));
	optim_step(o, s, 0.125, 0);
	for (size_t i = 0; i < scope_count(m->params); i++)
		t_zero_grad(scope_at(m->params, i, NULL, NULL));
	g_assert_cmpint(scope_error(s, NULL), ==, SCOPE_OK);
}

static void assert_first(const struct model *m, double layer1, double layer2, double head)
{
	const char *const names[] = { "layer1.weight", "layer2.weight", "head.weight" };
	const double want[] = { layer1, layer2, head };

	for (int i = 0; i < 3; i++)
		assert_values(m->params, names[i], (const double[]){ want[i], want[i], want[i], want[i] }, 4);
}

static void test_layer_decay(void)
{
	struct model *m = layered_model();
	struct optim *o = optim_new("sgd", m, 0.5, 1, T_CPU, NULL);

	learn(o, m, 0);
	assert_first(m, 1 - 0.125 / 4, 1 - 0.125 / 2, 1 - 0.125);
	optim_free(o);
	model_free(m);
}

/* Twelve gradients of 1: their norm is sqrt(12). */
static void test_clip(void)
{
	const double most[] = { 1, 100, 0.001 };

	for (int i = 0; i < 3; i++) {
		struct model *m = layered_model();
		struct optim *o = optim_new("sgd", m, 1, 1, T_CPU, NULL);
		double by = 0.125 * MIN(1, most[i] / sqrt(12));
		learn(o, m, most[i]);
		assert_first(m, 1 - by, 1 - by, 1 - by);
		optim_free(o);
		model_free(m);
	}
}

/* Frozen for 50 steps, the body stays; thawed, its moments begin as at a first step: Adam's is then the rate itself, and
   not 3 times it. */
static void test_freeze(void)
{
	struct model *m = layered_model();
	struct optim *o = optim_new("adamw", m, 1, 1, T_CPU, NULL);

	optim_freeze(o, TRUE);
	for (int i = 0; i < 50; i++)
		learn(o, m, 0);
	assert_first(m, 1, 1, 1 - 50 * 0.125);
	g_assert_cmpint(o->thawed, ==, -1);
	optim_freeze(o, FALSE);
	optim_freeze(o, FALSE);
	g_assert_cmpint(o->thawed, ==, 50);
	learn(o, m, 0);
	assert_first(m, 1 - 0.125, 1 - 0.125, 1 - 51 * 0.125);
	optim_free(o);
	model_free(m);
}

/* The lowest of the two layers stays, whether the rest of the body is frozen or thawed. */
static void test_fix(void)
{
	static const struct { double share; guint want; } shares[] = { { 0, 0 }, { 0.49, 0 }, { 0.5, 1 }, { 0.9, 1 } };

	for (gsize i = 0; i < G_N_ELEMENTS(shares); i++) {
		struct model *m = layered_model();
		struct optim *o = optim_new("sgd", m, 1, 1, T_CPU, NULL);
		const double low = shares[i].want > 0 ? 0 : 0.125;
		g_assert_cmpuint(optim_fix(o, shares[i].share), ==, shares[i].want);
		g_assert_cmpuint(o->groups, ==, 3);
		learn(o, m, 0);
		assert_first(m, 1 - low, 1 - 0.125, 1 - 0.125);
		optim_freeze(o, TRUE);
		optim_freeze(o, FALSE);
		learn(o, m, 0);
		const double ones[] = { 1, 1, 1, 1 };
		if (low <= 0)
			assert_values(m->params, "layer1.weight", ones, 4);
		optim_free(o);
		model_free(m);
	}
}

/* A frozen batch norm computes as one that answers, and its statistics stay. */
static void test_frozen_norm(void)
{
	const float x0[] = { 1, 2, 3, 6 };
	const double ones[] = { 1, 1 }, twos[] = { 2, 2 };
	struct model *m = g_new0(struct model, 1);

	m->network = &small;
	m->params = scope_open(NULL, 0);
	tensor *weight = scope_param(m->params, "bn1.weight", B, INIT_ONE), *bias = scope_param(m->params, "bn1.bias", B, INIT_ZERO);
	tensor *mean = scope_buffer(m->params, "bn1.running_mean", B, 1), *var = scope_buffer(m->params, "bn1.running_var", B, 2);
	for (int frozen = 1; frozen >= 0; frozen--) {
		float y[4];
		scope_freeze(weight, frozen);
		scope_freeze(bias, frozen);
		SCOPE(s, NULL, SCOPE_TRAIN);
		tensor *out = t_batch_norm(s, t_from(s, x0, DIMS(2, 2), T_F32, T_CPU), weight, bias, mean, var, 1e-5);
		g_assert_true(t_read(s, out, y, sizeof y));
		g_assert_cmpfloat_with_epsilon(y[0], frozen ? 0 : -1, 1e-4);
		g_assert_cmpfloat_with_epsilon(y[3], frozen ? 5 / sqrt(2) : 1, 1e-4);
		if (frozen) {
			assert_values(m->params, "bn1.running_mean", ones, 2);
			assert_values(m->params, "bn1.running_var", twos, 2);
		}
	}
	const double moved[] = { 1.1, 1.3 };    /* a tenth of the way to 2 and 4 */
	assert_values(m->params, "bn1.running_mean", moved, 2);
	model_free(m);
}

static void test_schedule(void)
{
	static const struct { enum schedule kind; double progress, warmup; int plateaus; double factor; } cases[] = {
		{ SCHEDULE_COSINE, 0, 0.1, 0, 0 }, { SCHEDULE_COSINE, 0.05, 0.1, 0, 0.5 }, { SCHEDULE_COSINE, 0.1, 0.1, 0, 1 },
		{ SCHEDULE_COSINE, 0.55, 0.1, 0, 0.5 }, { SCHEDULE_COSINE, 1, 0.1, 0, 0 },
		{ SCHEDULE_COSINE, 0.4, 0.1, 0, 0.75 },         /* a third of the way: (1 + cos 60) / 2 */
		{ SCHEDULE_COSINE, 0, 0, 0, 1 }, { SCHEDULE_COSINE, 0.25, 0, 0, 0.85355339059327373 },
		{ SCHEDULE_COSINE, 1.5, 0, 0, 0 }, { SCHEDULE_COSINE, -1, 0, 0, 1 }, { SCHEDULE_COSINE, -1, 0.5, 0, 0 },
		{ SCHEDULE_COSINE, 0.55, 0.1, 3, 0.5 },         /* plateaus are nothing to it */
		{ SCHEDULE_CONSTANT, 0.025, 0.05, 0, 0.5 }, { SCHEDULE_CONSTANT, 0.05, 0.05, 2, 1 },
		{ SCHEDULE_CONSTANT, 1, 0.05, 0, 1 },
		{ SCHEDULE_PLATEAU, 0.025, 0.05, 0, 0.5 }, { SCHEDULE_PLATEAU, 0.5, 0.05, 0, 1 },
		{ SCHEDULE_PLATEAU, 0.5, 0.05, 1, 0.3 }, { SCHEDULE_PLATEAU, 1, 0, 3, 0.027 },
		/* torch.optim.lr_scheduler.OneCycleLR(div_factor=25, final_div_factor=400), 30 of 100 steps up */
		{ SCHEDULE_ONE_CYCLE, 0, 0.3, 0, 0.04 }, { SCHEDULE_ONE_CYCLE, 0.1, 0.3, 0, 0.28 },
		{ SCHEDULE_ONE_CYCLE, 0.2, 0.3, 0, 0.76 }, { SCHEDULE_ONE_CYCLE, 0.3, 0.3, 0, 1 },
		{ SCHEDULE_ONE_CYCLE, 0.5, 0.3, 0, 0.811763726439274 }, { SCHEDULE_ONE_CYCLE, 0.65, 0.3, 0, 0.50005 },
		{ SCHEDULE_ONE_CYCLE, 0.9, 0.3, 0, 0.0496106144921856 }, { SCHEDULE_ONE_CYCLE, 1, 0.3, 0, 0.0001 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpfloat_with_epsilon(schedule_factor(cases[i].kind, cases[i].progress, cases[i].warmup,
							       cases[i].plateaus), cases[i].factor, 1e-12);
}

static void set_all(struct model *m, float value)
{
	float x[N];

	SCOPE(s, NULL, SCOPE_NO_GRAD);
	for (int i = 0; i < N; i++)
		x[i] = value;
	t_write_(s, scope_find(m->params, "weight"), x, sizeof x);
	t_write_(s, scope_find(m->params, "running_mean"), x, 3 * sizeof *x);
}

/* The average over the last steps, the newer the heavier: 0.9 of the first, 9/11 of the second, ... */
static void test_average(void)
{
	struct model *m = small_model(), *average = small_model();
	/* from -1000: -100 + 0.9; then 2/11 of it and 18/11; 3/12 and 3; 4/13 and 72/13 */
	const double want[] = { -99.1, -16.3818182, -1.0954545, 5.2013986 };

	set_all(average, -1000);
	for (int step = 0; step < 4; step++) {
		double values[N];
		set_all(m, (float)(1 << step));
		SCOPE(s, NULL, 0);
		average_step(s, average, m, 1000, step);
		g_assert_cmpint(scope_error(s, NULL), ==, SCOPE_OK);
		for (int i = 0; i < N; i++)
			values[i] = want[step];
		assert_values(average->params, "weight", values, N);
		assert_values(average->params, "running_mean", values, 3);
	}
	SCOPE(s, NULL, 0);
	average_step(s, average, m, 1000, -1);
	assert_values(average->params, "running_mean", (const double[]){ 8, 8, 8 }, 3);
	model_free(average);
	model_free(m);
}

/* Later on a difference is halved every half-life. */
static void test_half_life(void)
{
	static const struct { double half_life; int steps; double left; } cases[] = {
		{ 1, 1, 0.5 }, { 1, 3, 0.125 }, { 0.5, 1, 0.25 }, { 10, 10, 0.5 }, { 10, 20, 0.25 }, { 200, 100, 0.70710678 },
		{ 200, 1, 0.98623270 }, { 200, 4, 0.98623270 }, /* four at once */
	};
	struct model *m = small_model(), *average = small_model();

	set_all(m, 1);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		double values[N];
		set_all(average, 3);
		for (int step = 0; step < cases[i].steps; step++) {
			SCOPE(s, NULL, 0);
			average_step(s, average, m, cases[i].half_life, 1000000 + step);
		}
		for (int k = 0; k < N; k++)
			values[k] = 1 + 2 * cases[i].left;
		assert_values(average->params, "weight", values, N);
		assert_values(average->params, "running_mean", values, 3);
	}
	model_free(average);
	model_free(m);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	tensor_threads(1);
	for (const struct optimiser *k = optimisers; k->name != NULL; k++) {
		g_autofree char *path = g_strdup_printf("/optim/%s", k->name);
		g_test_add_data_func(path, k->name, test_optimiser);
	}
	g_test_add_func("/optim/unknown", test_unknown);
	g_test_add_func("/optim/groups", test_groups);
	g_test_add_func("/optim/layer-decay", test_layer_decay);
	g_test_add_func("/optim/clip", test_clip);
	g_test_add_func("/optim/freeze", test_freeze);
	g_test_add_func("/optim/fix", test_fix);
	g_test_add_func("/optim/frozen-norm", test_frozen_norm);
	g_test_add_func("/optim/schedule", test_schedule);
	g_test_add_func("/optim/average", test_average);
	g_test_add_func("/optim/half-life", test_half_life);
	return g_test_run();
}
