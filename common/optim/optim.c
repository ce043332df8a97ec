/* optim.c - see optim.h. */
#include "common/optim/optim.h"
#include "common/fault/fault.h"
#include "common/tensor/settled.h"
#include <math.h>

/* Kingma & Ba 2015: beta 0.9, 0.999, eps 1e-8 */
static void adam(scope *s, int n, tensor *const *p, tensor *const *grad, tensor *const *const *slot, double rate, double decay,
		 gint64 step)
{
	for (int i = 0; i < n && decay > 0; i++)
		t_axpy_(s, grad[i], decay, p[i]);       /* Adam's decay is of the loss, L2 */
	t_adam_(s, n, p, grad, slot[0], slot[1], rate, 0.9, 0.999, 1e-8, 0, step);
}

static void adamw(scope *s, int n, tensor *const *p, tensor *const *grad, tensor *const *const *slot, double rate, double decay,
		  gint64 step)
{
	t_adam_(s, n, p, grad, slot[0], slot[1], rate, 0.9, 0.999, 1e-8, decay, step);
}

/* Liu et al. 2020, algorithm 2, with decoupled decay; eps where PyTorch has it. While too few gradients are known for
   the variance of 1/sqrt(v) to be bounded, the step is that of momentum alone. */
static void radam(scope *s, int n, tensor *const *p, tensor *const *grad, tensor *const *const *slot, double rate, double decay,
		  gint64 step)
{
	const double beta1 = 0.9, beta2 = 0.999, longest = 2 / (1 - beta2) - 1, left = pow(beta2, (double)step);
	const double length = longest - 2 * (double)step * left / (1 - left);

	if (length > 5) {
		double rectified = sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length));
		t_adam_(s, n, p, grad, slot[0], slot[1], rate * rectified, beta1, beta2, 1e-8 / sqrt(1 - left), decay / rectified,
			step);
		return;
	}
	for (int i = 0; i < n; i++) {
		t_lerp_(s, slot[0][i], 1 - beta1, grad[i]);
		t_scale_(s, slot[1][i], beta2);
		t_axpy_(s, slot[1][i], 1 - beta2, t_mul(s, grad[i], grad[i]));
		t_scale_(s, p[i], 1 - rate * decay);
		t_axpy_(s, p[i], -rate / (1 - pow(beta1, (double)step)), slot[0][i]);
	}
}

/* Momentum 0.9: m = 0.9 m + g + decay p; p -= rate m */
static void sgd(scope *s, int n, tensor *const *p, tensor *const *grad, tensor *const *const *slot, double rate, double decay,
		gint64 step)
{
	(void)step;
	for (int i = 0; i < n; i++) {
		t_scale_(s, slot[0][i], 0.9);
		t_axpy_(s, slot[0][i], 1, grad[i]);
		if (decay > 0)
			t_axpy_(s, slot[0][i], decay, p[i]);
		t_axpy_(s, p[i], -rate, slot[0][i]);
	}
}

const struct optimiser optimisers[] = {
	{ "adam", "mv", adam },          /* Kingma & Ba 2015; weight decay as L2 */
	{ "adamw", "mv", adamw },        /* Loshchilov & Hutter 2019 */
	{ "radam", "mv", radam },        /* Liu et al. 2020; decoupled weight decay */
	{ "sgd", "m", sgd },             /* with momentum 0.9 */
	{ 0 },
};

static const struct optimiser *find(const char *name, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);

	for (const struct optimiser *k = optimisers; k->name != NULL; k++) {
		if (g_str_equal(k->name, name))
			return k;
		g_string_append_printf(known, "%s%s", known->len > 0 ? ", " : "", k->name);
	}
	g_set_error(error, FAULT, FAULT_USAGE, "training.optimiser: '%s' is unknown; there are %s", name, known->str);
	return NULL;
}

/* Whether two parameters take the same step. */
static gboolean alike(const struct optim_param *a, const struct optim_param *b)
{
	return a->decayed == b->decayed && a->head == b->head && a->rate >= b->rate && a->rate <= b->rate;
}

/* Those that take the same step side by side, else as they were. */
static void sort(struct optim *o)
{
	for (size_t from = 0, to; from < o->trained; from = to) {
		to = from + 1;
		for (size_t i = to; i < o->trained; i++) {
			const size_t at = o->order[i];
			if (!alike(&o->of[o->order[from]], &o->of[at]))
				continue;
			memmove(&o->order[to + 1], &o->order[to], (i - to) * sizeof *o->order);
			o->order[to++] = at;
		}
	}
}

struct optim *optim_new(const char *name, struct model *model, double layer_decay, double screen, int device, GError **error)
{
	const struct optimiser *kind = find(name, error);

	if (kind == NULL)
		return NULL;
	g_autoptr(optim_t) o = g_new0(struct optim, 1);
	o->kind = kind;
	o->params = model->params;
	o->of = g_new0(struct optim_param, scope_count(o->params) + 1);
	o->groups = optim_groups(model, o->of);
	o->order = g_new(size_t, scope_count(o->params) + 1);
	o->state = scope_open(NULL, SCOPE_NO_GRAD);
	scope_device(o->state, device);
	for (size_t i = 0; i < scope_count(o->params); i++) {
		const char *of;
		bool trained;
		const tensor *p = scope_at(o->params, i, &of, &trained);
		o->of[i].rate = pow(layer_decay, o->groups - 1 - o->of[i].group) * (model_in_screen(of) ? screen : 1);
		o->of[i].state = scope_count(o->state);
		if (trained)
			o->order[o->trained++] = i;
		for (const char *c = kind->slots; trained && *c != '\0'; c++) {
			g_autofree char *slot = g_strdup_printf("%c.%s", *c, of);
			scope_buffer(o->state, slot, t_dims(p), 0);
		}
	}
	sort(o);
	return scope_settled(o->state, "optimiser", FAULT_FAILED, error) ? g_steal_pointer(&o) : NULL;
}

void optim_free(struct optim *o)
{
	if (o == NULL)
		return;
	scope_close(o->state);
	g_free(o->order);
	g_free(o->of);
	g_free(o);
}

guint optim_fix(struct optim *o, double share)
{
	const guint n = (guint)(share * (o->groups - 1) + 1e-9);

	for (size_t i = 0; i < scope_count(o->params); i++) {
		o->of[i].fixed = o->of[i].group < n;
		if (o->of[i].fixed)
			scope_freeze(scope_at(o->params, i, NULL, NULL), true);
	}
	return n;
}

void optim_freeze(struct optim *o, gboolean frozen)
{
	if (frozen == (o->thawed < 0))
		return;
	o->thawed = frozen ? -1 : o->step;
	for (size_t i = 0; i < scope_count(o->params); i++)
		scope_freeze(scope_at(o->params, i, NULL, NULL), o->of[i].fixed || (frozen && !o->of[i].head));
}

void optim_step(struct optim *o, scope *parent, double rate, double decay)
{
	enum { SLOTS = 2 };
	const size_t slots = strlen(o->kind->slots);
	g_autofree tensor **lists = g_new(tensor *, (2 + SLOTS) * (o->trained + 1));
	tensor **p = lists, **grad = p + o->trained, **slot[SLOTS] = { grad + o->trained, grad + 2 * o->trained };

	SCOPE(s, parent, SCOPE_NO_GRAD);
	o->step++;
	for (size_t at = 0; at < o->trained;) {
		const struct optim_param *of = &o->of[o->order[at]];
		int n = 0;
		for (; at < o->trained && alike(of, &o->of[o->order[at]]); at++) {
			const size_t i = o->order[at];
			p[n] = scope_at(o->params, i, NULL, NULL);
			grad[n] = t_grad(s, p[n]);
			for (size_t k = 0; k < slots; k++)
				slot[k][n] = scope_at(o->state, o->of[i].state + k, NULL, NULL);
			n += grad[n] != NULL;
		}
		o->kind->step(s, n, p, grad, (tensor *const *const *)slot, rate * of->rate, of->decayed ? decay : 0,
			      o->step - (of->head ? 0 : o->thawed));
	}
}

static double along_cosine(double from, double to, double share) { return to + (from - to) * 0.5 * (1 + cos(G_PI * share)); }

double optim_rate(const struct settings *s)
{
	const double rate = s->training.learning_rate;

	return rate > 0 ? rate : settings_go_on(s) ? 3e-4 : 1e-3;
}

double schedule_factor(enum schedule kind, double progress, double warmup, int plateaus)
{
	double p = CLAMP(progress, 0, 1), down = warmup >= 1 ? 0 : (p - warmup) / (1 - warmup);

	if (p < warmup)
		return kind == SCHEDULE_ONE_CYCLE ? along_cosine(1.0 / 25, 1, p / warmup) : p / warmup;
	switch (kind) {
	case SCHEDULE_COSINE:
		return along_cosine(1, 0, down);
	case SCHEDULE_ONE_CYCLE:
		return along_cosine(1, 1e-4, down);
	case SCHEDULE_PLATEAU:
		return pow(0.3, plateaus);
	case SCHEDULE_CONSTANT:
		return 1;
	}
	return 1;
}

void average_step(scope *parent, const struct model *average, const struct model *model, double half_life,
		  gint64 step)
{
	const int stride = half_life >= 100 && step >= 40 ? 4 : 1;
	const double weight = MAX(1 - exp2(-1 / half_life), 9.0 / (10.0 + (double)step));

	if (step % stride != 0)
		return;
	SCOPE(s, parent, SCOPE_NO_GRAD);
	for (size_t i = 0; i < scope_count(model->params); i++)
		t_lerp_(s, scope_at(average->params, i, NULL, NULL), 1 - pow(1 - weight, stride),
			scope_at(model->params, i, NULL, NULL));
}
