/*
 * test-optim.c - each optimiser against its formulas in double, written here once more; schedules and the
 * moving average against values worked out by hand.
 */
#include "common/fault/fault.h"
#include "common/optim/optim.h"
#include <math.h>

enum { N = 6, STEPS = 12 };             /* weight (2, 3); norm (6) has one dimension */

static const float weight0[N] = { 0.5f, -1, 2, 0.25f, -0.125f, 3 }, norm0[N] = { 1, 1.5f, -0.5f, 0.75f, 2, -2 };

static struct model *small_model(void)
{
	struct model *m = g_new0(struct model, 1);

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
		if (g_str_equal(kind, "adam"))
			g += decay * r->p[i];
		else
			r->p[i] *= 1 - rate * decay;
		r->m[i] = 0.9 * r->m[i] + 0.1 * g;
		r->v[i] = 0.999 * r->v[i] + 0.001 * g * g;
		r->p[i] -= rate * (r->m[i] / (1 - pow(0.9, step))) / (sqrt(r->v[i] / (1 - pow(0.999, step))) + 1e-8);
	}
}

static void test_optimiser(gconstpointer data)
{
	const char *kind = data;
	g_autoptr(GError) error = NULL;
	struct model *m = small_model();
	struct optim *o = optim_new(kind, m, T_CPU, &error);
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
	optim_free(o);
	model_free(m);
}

static void test_unknown(void)
{
	struct model *m = small_model();
	g_autoptr(GError) error = NULL;

	g_assert_null(optim_new("adagrad", m, T_CPU, &error));
	g_assert_error(error, FAULT, FAULT_USAGE);
	g_assert_cmpstr(error->message, ==, "training.optimiser: 'adagrad' is unknown; there are adam, adamw, sgd");
	optim_free(NULL);
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
	model_free(average);
	model_free(m);
}

/* Later on a difference is halved every half-life. */
static void test_half_life(void)
{
	static const struct { double half_life; int steps; double left; } cases[] = {
		{ 1, 1, 0.5 }, { 1, 3, 0.125 }, { 0.5, 1, 0.25 }, { 10, 10, 0.5 }, { 10, 20, 0.25 }, { 200, 100, 0.70710678 },
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
	g_test_add_func("/optim/schedule", test_schedule);
	g_test_add_func("/optim/average", test_average);
	g_test_add_func("/optim/half-life", test_half_life);
	return g_test_run();
}
