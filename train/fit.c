/*
 * fit.c - see fit.h. A step is five calls: input, augment, forward, backward, optimiser; an epoch is steps,
 * a validation and, where it is the best, a save.
 */
#include "train/fit.h"
#include "common/checkpoint/model_folder.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/model/input.h"
#include "common/optim/optim.h"
#include "common/random/random.h"
#include "train/augment.h"
#include "train/sampler.h"
#include <math.h>

enum { PURPOSE_DROPOUT = 200, NOT_FINITE_MAX = 50 };

struct fit {
	struct work *work;
	const struct settings *settings;
	struct device device;
	struct memory memory;
	sampler_t *sampler;
	struct loader *loader;
	model_t *model, *average;       /* average NULL: off */
	optim_t *optim;
	struct plan plan;
	guint *held;                    /* (n_held) items */
	gsize n_held;
	guint64 held_samples;           /* that a validation reads, about */
	double deadline;                /* s; 0: none */
	struct plan_costs costs;        /* measured */
	guint epoch;                    /* from 0 */
	gint64 at;                      /* steps of it done */
	gint64 step;                    /* steps in all */
	gint64 timed;                   /* of them in costs.step */
	guint64 drawn;                  /* samples of this epoch pushed */
	int plateaus, stale;            /* schedule: plateau */
	guint not_finite;               /* steps in a row */
	double step_s, wait_s;          /* training alone */
	guint64 samples;
	JsonArray *history;
	struct interval best;
	guint best_epoch;
	gboolean saved;
};

static gboolean failed(scope *s, const char *doing, const struct fit *f, GError **error)
{
	const char *message;
	enum scope_err e = scope_error(s, &message);

	if (e == SCOPE_NO_MEMORY)
		g_set_error(error, FAULT, FAULT_ROOM, "%s: out of memory with %u samples at once; try --set training.batch=%u: %s",
			    doing, f->memory.part, MAX(f->memory.part / 2, 1), message);
	else if (e != SCOPE_OK)
		g_set_error(error, FAULT, FAULT_FAILED, "%s: %s", doing, message);
	return e != SCOPE_OK;
}

/* ---- one step ---- */

static void push_batch(struct fit *f)
{
	guint n = (guint)f->settings->training.batch;
	g_autofree struct sample *samples = g_new(struct sample, n);

	for (guint i = 0; i < n; i++)
		sampler_draw(f->sampler, f->epoch, f->drawn + i, &samples[i]);
	loader_push(f->loader, samples, n, (gpointer)(gsize)f->drawn);
	f->drawn += n;
}

/* Samples that could not be read give way to others of their batch; false where none could. */
static gboolean fill_gaps(struct fit *f, struct batch *b)
{
	gsize size = (gsize)f->work->shape.height * (gsize)f->work->shape.width * (gsize)f->work->shape.channels;
	gsize targets = (gsize)f->work->shape.targets;
	guint good = b->n;

	for (guint i = 0; i < b->n && good == b->n; i++)
		if (b->failed[i] == NULL)
			good = i;
	for (guint i = 0; i < b->n; i++) {
		if (b->failed[i] == NULL) {
			good = i;
			continue;
		}
		log_warn("sample", "%s; another takes its place", b->failed[i]->message);
		if (good == b->n)
			continue;
		memcpy(b->bytes + i * size, b->bytes + good * size, size);
		memcpy(b->targets + i * targets, b->targets + good * targets, targets * sizeof *b->targets);
	}
	return good < b->n;
}

static double rate(const struct fit *f)
{
	return f->settings->training.learning_rate * schedule_factor(f->settings->training.schedule, f->plan.progress,
								     f->settings->training.warmup, f->plateaus);
}

/* Samples from..from+n of a batch: their share of its loss is added to *loss, their gradients to those there. */
static gboolean learn_part(struct fit *f, const struct batch *b, guint from, guint n, double *loss, GError **error)
{
	const struct sample_shape *shape = &f->work->shape;
	g_autofree struct augmentation *augmentations = g_new0(struct augmentation, n);
	guint64 first = (gsize)b->tag + from, seed = (guint64)f->settings->split.seed;
	gsize size = (gsize)shape->height * (gsize)shape->width * (gsize)shape->channels;
	int device = f->device.index;

	for (guint i = 0; i < n; i++)
		augment_draw(f->settings, seed, f->epoch, first + i, &augmentations[i]);
	tensor_seed(random_hash(seed, f->epoch, first, PURPOSE_DROPOUT));

	SCOPE(s, NULL, 0);
	tensor *x = input_values(s, b->bytes + from * size, n, shape, device);
	if (shape->channels == 3)
		x = augment_colour(s, x, augmentations, n, device);
	x = augment_geometry(s, input_normalise(s, f->model, x, shape, device), augmentations, n, device);
	tensor *target = t_from(s, b->targets + from * (gsize)shape->targets, DIMS(n, shape->targets), T_F32, device);
	SCOPE(net, s, f->device.flags | SCOPE_TRAIN);
	tensor *y = t_to(net, model_forward(f->model, net, x), T_F32, device);
	tensor *mean = f->work->task->loss(f->work, net, y, target);
	double value = t_item(net, mean), share = (double)n / b->n;
	*loss += share * value;
	if (isfinite(value))
		t_backward(net, n < b->n ? t_affine(net, mean, share, 0) : mean);
	return !failed(s, "training step", f, error);
}

static void zero_gradients(struct fit *f)
{
	for (size_t i = 0; i < scope_count(f->model->params); i++)
		t_zero_grad(scope_at(f->model->params, i, NULL, NULL));
}

static gboolean take_step(struct fit *f, const struct batch *b, double *loss, GError **error)
{
	*loss = 0;
	for (guint from = 0; from < b->n && isfinite(*loss); from += f->memory.part)
		if (!learn_part(f, b, from, MIN(f->memory.part, b->n - from), loss, error))
			return FALSE;
	if (!isfinite(*loss)) {
		zero_gradients(f);
		log_warn("loss", "epoch %u step %" G_GINT64_FORMAT ": the loss is not finite; the step is left out; a lower "
			 "training.learning_rate helps", f->epoch + 1, f->at + 1);
		if (++f->not_finite < NOT_FINITE_MAX)
			return TRUE;
		g_set_error(error, FAULT, FAULT_FAILED, "the loss was not finite %d times in a row; try --set "
			    "training.learning_rate=%g", NOT_FINITE_MAX, f->settings->training.learning_rate / 10);
		return FALSE;
	}
	f->not_finite = 0;
	SCOPE(s, NULL, 0);
	optim_step(f->optim, s, rate(f), f->settings->training.weight_decay);
	zero_gradients(f);
	if (f->average != NULL)
		average_step(s, f->average, f->model, f->settings->training.average, f->step);
	return !failed(s, "optimiser step", f, error);
}

/* ---- one epoch ---- */

static void replan(struct fit *f, const char *why)
{
	struct plan before = f->plan;
	char left[16], step[16], validation[16];
	double seconds = f->deadline - log_seconds();

	if (f->costs.validation <= 0)   /* none was measured yet: a forward pass is a third of a step */
		f->costs.validation = f->costs.step / 3 * (double)f->held_samples / f->settings->training.batch;
	plan_fit(&f->plan, f->epoch, f->at, seconds, f->costs);
	gint64 moved = ABS(f->plan.epoch_steps - before.epoch_steps);
	if (before.epochs == f->plan.epochs && moved <= before.epoch_steps / 20)
		return;
	log_say("plan why=%s epochs=%u steps_an_epoch=%" G_GINT64_FORMAT " left=%s step=%s validation=%s", why,
		f->plan.epochs, f->plan.epoch_steps, log_duration(seconds, left), log_duration(f->costs.step, step),
		log_duration(f->costs.validation, validation));
}

/* A running mean of the costs of a step. The first ones, with their allocations, are left out, and the plan waits
   until some are measured; unless that would take a good part of the time: then every step counts. */
static void clock_step(struct fit *f, double seconds)
{
	enum { SETTLE = 3, MEASURE = 10, EVERY = 50, SHARE = 20 };
	double left = f->deadline - log_seconds();
	gboolean slow = f->deadline > 0 && f->timed <= MEASURE && seconds * (SETTLE + MEASURE) * SHARE > left;

	f->step_s += seconds;
	if (f->step < SETTLE && !slow)
		return;
	double weight = MAX(1.0 / (double)(f->timed + 1), 0.05);
	f->costs.step += weight * (seconds - f->costs.step);
	if (f->deadline > 0 && (slow || f->timed == MEASURE || (f->timed > MEASURE && f->timed % EVERY == 0)))
		replan(f, f->timed <= MEASURE ? "measured" : "pace");
	f->timed++;
}

/* Until the end as planned; NAN before a step was measured. */
static double seconds_left(const struct fit *f)
{
	double left = (double)plan_left(&f->plan, f->epoch, f->at) * f->costs.step +
		      (f->plan.epochs - f->epoch) * f->costs.validation;

	return f->costs.step <= 0 ? NAN : f->deadline > 0 ? MIN(left, f->deadline - log_seconds()) : left;
}

static gboolean train_epoch(struct fit *f, GError **error)
{
	double sum = 0;
	gint64 counted = 0;
	char left[16];

	f->drawn = 0;
	for (f->at = 0; f->at < f->plan.epoch_steps;) {
		double start = log_seconds(), loss = NAN, waited = loader_waited(f->loader);
		while (loader_room(f->loader) && f->at + loader_pending(f->loader) < f->plan.epoch_steps)
			push_batch(f);
		struct batch *b = loader_pop(f->loader);
		gboolean ok = !fill_gaps(f, b) || take_step(f, b, &loss, error);
		f->samples += b->n;
		loader_recycle(f->loader, b);
		if (!ok)
			return FALSE;
		sum += isfinite(loss) ? loss : 0;
		counted += isfinite(loss) ? 1 : 0;
		plan_advance(&f->plan, f->epoch, f->at);
		f->at++;
		clock_step(f, log_seconds() - start);
		f->step++;
		f->wait_s += loader_waited(f->loader) - waited;
		log_progress("epoch=%u/%u step=%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT
			     " loss=%.4f rate=%.3g samples_per_s=%.1f wait=%.0f%% eta=%s",
			     f->epoch + 1, f->plan.epochs, f->at, f->plan.epoch_steps,
			     counted > 0 ? sum / (double)counted : NAN, rate(f), (double)f->samples / f->step_s, 100 * f->wait_s / f->step_s,
			     log_duration(seconds_left(f), left));
	}
	while (loader_pending(f->loader) > 0)   /* pushed under a longer plan */
		loader_recycle(f->loader, loader_pop(f->loader));
	JsonObject *row = json_object_new();
	json_object_set_int_member(row, "epoch", f->epoch + 1);
	json_object_set_int_member(row, "step", f->step);
	json_object_set_double_member(row, "loss", sum / (double)MAX(counted, 1));
	json_array_add_object_element(f->history, row);
	return TRUE;
}

/* ---- validation and saving ---- */

static JsonObject *settings_json(const struct settings *s)
{
	JsonObject *out = json_object_new();

	for (const char *const *key = settings_keys(); *key != NULL; key++) {
		g_autofree char *value = settings_get(s, *key);
		json_object_set_string_member(out, *key, value);
	}
	return out;
}

static gboolean save(struct fit *f, const struct validation *v, GError **error)
{
	const struct model *m = f->average != NULL ? f->average : f->model;
	g_autofree char *mean = g_strdup_printf("[%.9g, %.9g, %.9g]", m->mean[0], m->mean[1], m->mean[2]);
	g_autofree char *std = g_strdup_printf("[%.9g, %.9g, %.9g]", m->std[0], m->std[1], m->std[2]);
	const char *const metadata[] = { "architecture", m->network->name, "mean", mean, "std", std, NULL };
	const struct model_part part = { "weights", m->params, metadata };
	g_autoptr(JsonObject) about = json_object_new();
	JsonObject *facts = json_object_new();

	f->work->task->facts(f->work, facts);
	f->work->task->fit(f->work, v->items, v->n, v->features, facts);
	json_object_set_object_member(about, "settings", settings_json(f->settings));
	json_object_set_object_member(about, "facts", facts);
	json_object_set_array_member(about, "history", json_array_ref(f->history));
	json_object_set_int_member(about, "epoch", f->epoch + 1);
	json_object_set_double_member(about, f->work->task->metric, isfinite(v->metric.value) ? v->metric.value : -1);
	return model_folder_save(f->settings->paths.model, (guint64)f->step, &part, 1, about, error);
}

/* The best by the task's metric. What so few cases cannot tell apart (half a standard error) is no reason
   to keep an earlier network before a later one. */
static gboolean is_best(const struct fit *f, const struct validation *v)
{
	if (v->n > 0 && v->broken == v->n)      /* a network that gives no numbers is no model */
		return FALSE;
	if (!f->saved || !isfinite(f->best.value) || !isfinite(v->metric.value))
		return TRUE;
	return v->metric.value >= f->best.value - (f->best.value - f->best.low) / 4;
}

static void note_plateau(struct fit *f, gboolean better)
{
	enum { PATIENCE = 2 };

	f->stale = better ? 0 : f->stale + 1;
	if (f->stale > PATIENCE) {
		f->plateaus++;
		f->stale = 0;
	}
}

static gboolean validate_epoch(struct fit *f, GError **error)
{
	struct scan scan = { .work = f->work, .model = f->average != NULL ? f->average : f->model,
			     .device = f->device.index, .flags = f->device.flags,
			     .batch = f->memory.judged, .readers = f->memory.readers };
	struct validation v = { 0 };
	double start = log_seconds();
	char took[16];

	if (!validate(&scan, f->held, f->n_held, &v, error))
		return FALSE;
	JsonObject *row = json_array_get_object_element(f->history, json_array_get_length(f->history) - 1);
	gboolean better = is_best(f, &v);
	if (isfinite(v.metric.value)) {
		json_object_set_double_member(row, f->work->task->metric, v.metric.value);
		json_object_set_double_member(row, f->work->task->sample_metric, isfinite(v.sample_auc) ? v.sample_auc : -1);
	}
	note_plateau(f, better);
	gboolean ok = !better || save(f, &v, error);
	if (ok && better) {
		f->best = v.metric;
		f->best_epoch = f->epoch + 1;
		f->saved = TRUE;
	}
	f->costs.validation = log_seconds() - start;
	log_say("epoch=%u/%u done steps=%" G_GINT64_FORMAT " loss=%.4f %s=%.4f log_loss=%.4f %s=%.4f "
		"interval=%.3f..%.3f cases=%" G_GSIZE_FORMAT " validation=%s samples_per_s=%.1f%s",
		f->epoch + 1, f->plan.epochs, f->step, json_object_get_double_member(row, "loss"),
		f->work->task->sample_metric, v.sample_auc, v.sample_log_loss, f->work->task->metric, v.metric.value, v.metric.low, v.metric.high, v.n,
		log_duration(v.seconds, took), (double)v.samples / v.seconds, better && ok ? " saved=best" : "");
	validation_clear(&v);
	return ok;
}

/* ---- all of it ---- */

static gboolean start(struct fit *f, const gboolean *held, GError **error)
{
	const struct settings *s = f->settings;
	g_autofree char *empty = NULL, *left_out = NULL;

	g_autofree char *where = device_describe(&f->device);
	tensor_seed((guint64)s->split.seed);
	f->sampler = sampler_new(f->work, held, (guint64)s->split.seed, &empty, error);
	if (f->sampler == NULL)
		return FALSE;
	if (empty != NULL)
		log_warn("strata", "%s", empty);
	f->model = model_new(s->model.network, f->work->shape.channels, f->work->outputs, f->device.index, error);
	if (f->model == NULL)
		return FALSE;
	if (s->model.weights[0] != '\0' && !model_load(f->model, s->model.weights, &left_out, error))
		return FALSE;
	if (left_out != NULL)
		log_say("weights %s", left_out);
	if (s->training.average > 0) {
		f->average = model_new(s->model.network, f->work->shape.channels, f->work->outputs, f->device.index, error);
		if (f->average == NULL)
			return FALSE;
		memcpy(f->average->mean, f->model->mean, sizeof f->model->mean);
		memcpy(f->average->std, f->model->std, sizeof f->model->std);
	}
	f->optim = optim_new(s->training.optimiser, f->model, f->device.index, error);
	if (f->optim == NULL)
		return FALSE;
	log_say("model network=%s parameters=%" G_GINT64_FORMAT " weights=%s %s", s->model.network,
		model_parameters(f->model), s->model.weights[0] != '\0' ? "loaded" : "random", where);
	f->loader = loader_new(f->work, (guint)s->training.batch, LOADER_DEPTH, f->memory.readers);
	return TRUE;
}

static gboolean run(struct fit *f, GError **error)
{
	const struct settings *s = f->settings;
	gint64 epoch_steps = (s->sampling.tiles_per_epoch + s->training.batch - 1) / s->training.batch;

	f->plan = plan_new((guint)s->training.epochs, epoch_steps);
	f->held_samples = validation_samples(f->work, f->held, f->n_held);
	while (f->epoch < f->plan.epochs) {
		if (!train_epoch(f, error) || !validate_epoch(f, error))
			return FALSE;
		f->epoch++;
		f->at = 0;
		if (f->deadline <= 0 || f->epoch == f->plan.epochs)
			continue;
		replan(f, "epoch");
		if (log_seconds() + f->costs.validation >= f->deadline)
			break;
	}
	if (f->saved)
		return TRUE;
	g_set_error(error, FAULT, FAULT_FAILED, "the network gave no numbers in any epoch, so no model was saved; try --set "
		    "training.learning_rate=%g", s->training.learning_rate / 10);
	return FALSE;
}

static void clear(struct fit *f)
{
	loader_free(f->loader);
	g_clear_pointer(&f->sampler, sampler_free);
	g_clear_pointer(&f->optim, optim_free);
	g_clear_pointer(&f->average, model_free);
	g_clear_pointer(&f->model, model_free);
	json_array_unref(f->history);
	g_free(f->held);
}

gboolean fit(struct work *work, const gboolean *held, const struct device *device, const struct memory *memory,
	     double deadline, struct fit_outcome *outcome, GError **error)
{
	struct fit f = { .work = work, .settings = work->settings, .device = *device, .memory = *memory, .deadline = deadline,
			 .history = json_array_new(), .held = g_new(guint, work->n_cases + 1) };

	for (guint i = 0; i < work->n_cases; i++)
		if (held[i])
			f.held[f.n_held++] = i;
	gboolean ok = start(&f, held, error) && run(&f, error);
	*outcome = (struct fit_outcome){ .steps = f.step, .epochs = f.epoch, .best_epoch = f.best_epoch, .best = f.best,
					 .samples_per_s = f.step_s > 0 ? (double)f.samples / f.step_s : 0,
					 .wait_share = f.step_s > 0 ? f.wait_s / f.step_s : 0, .saved = f.saved };
	clear(&f);
	return ok;
}
