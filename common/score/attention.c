/* attention.c - see attention.h. */
#include "common/score/attention.h"
#include "common/fault/fault.h"
#include "common/optim/optim.h"
#include "common/random/random.h"
#include "common/score/score.h"
#include "common/tensor/settled.h"
#include <math.h>

enum purpose { PURPOSE_START, PURPOSE_ORDER, PURPOSE_DROPOUT };

static gboolean bad(GError **error, const char *what)
{
	g_set_error(error, FAULT, FAULT_DATA, "attention: %s", what);
	return FALSE;
}

struct attention *attention_new(int width, int hidden, int device, guint64 seed, GError **error)
{
	g_autoptr(attention_t) a = g_new0(struct attention, 1);

	*a = (struct attention){ width, hidden, device, scope_open(NULL, 0) };
	scope_device(a->params, device);
	tensor_seed(random_hash(seed, 0, 0, PURPOSE_START));
	scope_buffer(a->params, "input.mean", DIMS(width), 0);
	scope_buffer(a->params, "input.scale", DIMS(width), 1);
	scope_param(a->params, "attention.V.weight", DIMS(hidden, width), INIT_LINEAR);
	scope_param(a->params, "attention.V.bias", DIMS(hidden), INIT_ZERO);
	scope_param(a->params, "attention.U.weight", DIMS(hidden, width), INIT_LINEAR);
	scope_param(a->params, "attention.U.bias", DIMS(hidden), INIT_ZERO);
	scope_param(a->params, "attention.w.weight", DIMS(1, hidden), INIT_LINEAR);
	scope_param(a->params, "head.weight", DIMS(1, width), INIT_LINEAR);
	scope_param(a->params, "head.bias", DIMS(1), INIT_ZERO);
	return scope_settled(a->params, "attention", FAULT_FAILED, error) ? g_steal_pointer(&a) : NULL;
}

void attention_free(struct attention *a)
{
	if (a == NULL)
		return;
	scope_close(a->params);
	g_free(a);
}

static tensor *of(const struct attention *a, const char *name) { return scope_find(a->params, name); }

/* ---- forward ---- */

/* (n, width), F32 */
static tensor *tiles_of(const struct attention *a, scope *s, const struct bag *bag)
{
	tensor *x = t_from(s, bag->tiles, DIMS((int64_t)bag->n, a->width), bag->type, a->device);

	return t_to(s, x, T_F32, a->device);
}

static tensor *standardised(const struct attention *a, scope *s, const tensor *x)
{
	return t_clamp(s, t_mul(s, t_sub(s, x, of(a, "input.mean")), of(a, "input.scale")), -10, 10);
}

/* h (n, width) to each tile's attention before the softmax (n, 1). */
static tensor *gate(const struct attention *a, scope *s, const tensor *h, double dropout)
{
	tensor *v = t_tanh(s, t_linear(s, h, of(a, "attention.V.weight"), of(a, "attention.V.bias")));
	tensor *u = t_sigmoid(s, t_linear(s, h, of(a, "attention.U.weight"), of(a, "attention.U.bias")));

	return t_linear(s, t_dropout(s, t_mul(s, v, u), dropout), of(a, "attention.w.weight"), NULL);
}

/* h (n, width), weight (n, 1) to the logit (1, 1). */
static tensor *pool(const struct attention *a, scope *s, const tensor *h, const tensor *weight, double dropout)
{
	tensor *z = t_matmul(s, t_permute(s, weight, DIMS(1, 0)), h);

	return t_linear(s, t_dropout(s, z, dropout), of(a, "head.weight"), of(a, "head.bias"));
}

gboolean attention_predict(struct attention *a, const struct bag *bag, double *logit, float *weight_opt,
			   GError **error)
{
	double got = NAN;

	if (bag->n > 0) {
		SCOPE(s, NULL, SCOPE_NO_GRAD);
		tensor *h = standardised(a, s, tiles_of(a, s, bag));
		tensor *weight = t_softmax(s, gate(a, s, h, 0), 0);
		got = t_item(s, pool(a, s, h, weight, 0));
		if (weight_opt != NULL)
			t_read(s, weight, weight_opt, sizeof(float) * bag->n);
		if (!scope_settled(s, "attention", FAULT_FAILED, error))
			return FALSE;
		if (!isfinite(got))
			return bad(error, "the logit of a bag is not finite");
	}
	*logit = got;
	return TRUE;
}

/* ---- training ---- */

/* input.mean and input.scale: of all tiles of all bags; a feature that is constant has scale 0. */
static gboolean learn_input(struct attention *a, const struct bag *bags, gsize n, GError **error)
{
	gsize size = sizeof(double) * (gsize)a->width;
	g_autofree double *zero = g_malloc0(size), *mean = g_malloc(size), *square = g_malloc(size);
	g_autofree float *out = g_new(float, 2 * a->width);
	gsize tiles = 0;

	SCOPE(s, NULL, SCOPE_NO_GRAD);
	tensor *sums = t_from(s, zero, DIMS(a->width), T_F64, T_CPU);
	tensor *squares = t_from(s, zero, DIMS(a->width), T_F64, T_CPU);
	for (gsize i = 0; i < n; i++) {
		SCOPE(one, s, 0);
		if (bags[i].n == 0)
			continue;
		tensor *x = t_to(one, t_from(one, bags[i].tiles, DIMS((int64_t)bags[i].n, a->width), bags[i].type, T_CPU),
				 T_F64, T_CPU);
		t_axpy_(one, sums, 1, t_sum(one, x, 0, false));
		t_axpy_(one, squares, 1, t_sum(one, t_mul(one, x, x), 0, false));
		tiles += bags[i].n;
	}
	t_read(s, sums, mean, size);
	t_read(s, squares, square, size);
	for (int j = 0; j < a->width; j++) {
		double middle = mean[j] / (double)tiles, variance = square[j] / (double)tiles - middle * middle;
		if (!isfinite(middle) || !isfinite(variance))
			return bad(error, "a feature of a tile is not finite");
		out[j] = (float)middle;
		out[a->width + j] = variance > 1e-9 * (1e-9 + middle * middle) ? (float)(1 / sqrt(variance)) : 0;
	}
	t_write_(s, of(a, "input.mean"), out, sizeof(float) * (gsize)a->width);
	t_write_(s, of(a, "input.scale"), out + a->width, sizeof(float) * (gsize)a->width);
	return scope_settled(s, "attention", FAULT_FAILED, error);
}

/* Loss of some bags: their tiles pass the gate together. */
static tensor *loss_of(struct attention *a, scope *s, const struct bag *const *bags, int n, double dropout)
{
	g_autofree tensor **part = g_new(tensor *, n), **logit = g_new(tensor *, n);
	g_autofree float *label = g_new(float, n);
	int64_t from = 0;

	for (int i = 0; i < n; i++) {
		part[i] = tiles_of(a, s, bags[i]);
		label[i] = bags[i]->label != 0;
	}
	tensor *h = standardised(a, s, t_cat(s, 0, part, n)), *score = gate(a, s, h, dropout);
	for (int i = 0; i < n; i++) {
		int64_t tiles = (int64_t)bags[i]->n;
		tensor *weight = t_softmax(s, t_narrow(s, score, 0, from, tiles), 0);
		logit[i] = pool(a, s, t_narrow(s, h, 0, from, tiles), weight, dropout);
		from += tiles;
	}
	return t_bce_logits(s, t_cat(s, 0, logit, n), t_from(s, label, DIMS(n, 1), T_F32, a->device));
}

struct place { guint64 order; const struct bag *bag; };

static int by_order(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

/* The bags of an epoch, in an order of its own. */
static void shuffle(const struct bag *const *bags, gsize n, guint64 seed, int epoch, const struct bag **out)
{
	g_autofree struct place *places = g_new(struct place, n);

	for (gsize i = 0; i < n; i++)
		places[i] = (struct place){ random_hash(seed, (guint64)epoch, i, PURPOSE_ORDER), bags[i] };
	qsort(places, n, sizeof *places, by_order);
	for (gsize i = 0; i < n; i++)
		out[i] = places[i].bag;
}

static void step(struct attention *a, scope *s, struct optim *o, const struct bag *const *bags, int n, double progress,
		 const struct attention_plan *plan)
{
	tensor_seed(random_hash(plan->seed, (guint64)o->step, 0, PURPOSE_DROPOUT));
	for (size_t i = 0; i < scope_count(a->params); i++)
		t_zero_grad(scope_at(a->params, i, NULL, NULL));
	t_backward(s, loss_of(a, s, bags, n, plan->dropout));
	optim_step(o, s, plan->rate * schedule_factor(SCHEDULE_COSINE, progress, 0.05, 0), plan->decay);
}

static gboolean learn(struct attention *a, const struct bag *const *bags, gsize n, const struct attention_plan *plan,
		      GError **error)
{
	static const struct network network = { .head = "head" };
	struct model shell = { .network = &network, .params = a->params, .device = a->device };
	int per_epoch = (int)((n + (gsize)plan->batch - 1) / (gsize)plan->batch);
	g_autofree const struct bag **order = g_new(const struct bag *, n);
	g_autoptr(optim_t) o = optim_new("adamw", &shell, 1, 1, a->device, error);

	for (int k = 0; o != NULL && k < plan->steps; k++) {
		gsize from = (gsize)k % (gsize)per_epoch * (gsize)plan->batch;
		if (from == 0)
			shuffle(bags, n, plan->seed, k / per_epoch, order);
		SCOPE(s, NULL, SCOPE_TRAIN);
		step(a, s, o, order + from, (int)MIN((gsize)plan->batch, n - from), (k + 0.5) / plan->steps, plan);
		if (!scope_settled(s, "attention", FAULT_FAILED, error))
			return FALSE;
	}
	return o != NULL;
}

gboolean attention_train(struct attention *a, const struct bag *bags, gsize n, const struct attention_plan *plan,
			 GError **error)
{
	g_autofree const struct bag **full = g_new(const struct bag *, n + 1);
	gsize kept = 0, positives = 0;

	for (gsize i = 0; i < n; i++)
		if (bags[i].n > 0) {
			full[kept++] = &bags[i];
			positives += bags[i].label != 0;
		}
	if (positives == 0 || positives == kept)
		return bad(error, "there are bags of one class alone");
	return learn_input(a, bags, n, error) && learn(a, full, kept, plan, error);
}

/* ---- bags ---- */

gsize attention_pick(const float *logits, gsize n, gsize most, guint32 *picked)
{
	g_autofree guint32 *order = g_new(guint32, n + 1);
	const gsize read = score_order(logits, n, order);
	gsize count = MIN(read, most), top = read <= most ? read : (most + 1) / 2, rest = count - top;

	for (gsize i = 0; i < count; i++)
		picked[i] = order[i < top ? i : top + (2 * (i - top) + 1) * (read - top) / (2 * rest)];
	return count;
}
