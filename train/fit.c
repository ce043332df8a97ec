/*
 * fit.c - see fit.h. A step is five calls: input, augment, forward, backward, optimiser; an epoch is steps,
 * a validation and, where it is the best, a save.
 */
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/log/stage.h"
#include "common/machine/stop.h"
#include "common/random/random.h"
#include "train/augment.h"
#include "train/fit_work.h"
#include "train/map_targets.h"
#include <math.h>

enum { PURPOSE_DROPOUT = 200, NOT_FINITE_MAX = 50, REHEARSAL_BATCH = 8 };

static gboolean failed(scope *s, const char *doing, const struct fit *f, GError **error)
{
	const char *message;
	enum scope_err e = scope_error(s, &message);

	if (e == SCOPE_NO_MEMORY)
		g_set_error(error, FAULT, FAULT_ROOM, "%s: out of memory with %u samples at once; a smaller network or tiles.size "
			    "helps: %s", doing, f->memory.part, message);
	else if (e != SCOPE_OK)
		g_set_error(error, FAULT, FAULT_FAILED, "%s: %s", doing, message);
	return e != SCOPE_OK;
}

/* ---- one step ---- */

static void push_batch(struct fit *f)
{
	guint n = f->batch;
	g_autofree struct sample *samples = g_new(struct sample, n);

	for (guint i = 0; i < n; i++)
		sampler_draw(f->sampler, (guint64)f->now.epoch, f->drawn + i, &samples[i]);
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

double fit_rate(const struct fit *f)
{
	return f->settings->training.learning_rate * schedule_factor(f->settings->training.schedule, f->now.plan.progress,
								     f->settings->training.warmup, (int)f->now.plateaus);
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
		augment_draw(f->settings, seed, (guint64)f->now.epoch, first + i, &augmentations[i]);
	tensor_seed(random_hash(seed, (guint64)f->now.epoch, first, PURPOSE_DROPOUT));

	SCOPE(s, NULL, 0);
	int before = stage_enter("augmenting");
	tensor *x = input_values(s, b->bytes + from * size, n, shape, device);
	if (shape->channels == 3)
		x = augment_colour(s, x, augmentations, n, device);
	x = augment_geometry(s, input_normalise(s, f->model, x, shape, device), augmentations, n, device);
	stage_leave(before);
	tensor *target = t_from(s, b->targets + from * (gsize)shape->targets, DIMS(n, shape->targets), T_F32, device);
	if (shape->map > 0)
		target = map_targets_move(s, target, shape->map, augment_grid(s, augmentations, n, t_dims(x), device));
	SCOPE(net, s, f->device.flags | SCOPE_TRAIN);
	tensor *y = t_to(net, model_forward(f->model, net, x, NULL), T_F32, device);
	tensor *mean = f->work->task->loss(f->work, net, y, target);
	double value = t_item(net, mean), share = (double)n / b->n;
	*loss += share * value;
	if (isfinite(value))
		t_backward(net, n < b->n ? t_affine(net, mean, share, 0) : mean);
	return !failed(net, "training step", f, error); /* and so of s */
}

static void zero_gradients(struct fit *f)
{
	for (size_t i = 0; i < scope_count(f->model->params); i++)
		t_zero_grad(scope_at(f->model->params, i, NULL, NULL));
}

/* All of a batch, in parts; where the memory of the device does not hold one, in smaller ones from then on. */
static gboolean learn(struct fit *f, const struct batch *b, double *loss, GError **error)
{
	for (;;) {
		g_autoptr(GError) wrong = NULL;
		gboolean ok = TRUE;
		*loss = 0;
		for (guint from = 0; ok && from < b->n && isfinite(*loss); from += f->memory.part)
			ok = learn_part(f, b, from, MIN(f->memory.part, b->n - from), loss, &wrong);
		if (ok)
			return TRUE;
		zero_gradients(f);
		if (!g_error_matches(wrong, FAULT, FAULT_ROOM) || f->memory.part <= 1) {
			g_propagate_error(error, g_steal_pointer(&wrong));
			return FALSE;
		}
		f->memory.part = (MIN(f->memory.part, b->n) + 1) / 2;
		log_warn("memory", "epoch %" G_GINT64_FORMAT " step %" G_GINT64_FORMAT ": %s; it goes on with %u at once",
			 f->now.epoch + 1, f->now.at + 1, wrong->message, f->memory.part);
	}
}

/* Each tenth step, or where steps take long each second: it waits for the device. */
static void look_at_gradient(struct fit *f, scope *s)
{
	enum { EVERY = 10 };

	if (f->now.step % EVERY != 0 && log_seconds() - f->gradient_at < 1)
		return;
	f->gradient_at = log_seconds();
	f->gradient = t_grad_norm(s, f->model->params);
	f->gradient_sum += f->gradient;
	f->gradients++;
}

static gboolean take_step(struct fit *f, const struct batch *b, double *loss, GError **error)
{
	if (!learn(f, b, loss, error))
		return FALSE;
	if (!isfinite(*loss)) {
		zero_gradients(f);
		log_warn("loss", "epoch %" G_GINT64_FORMAT " step %" G_GINT64_FORMAT ": the loss is not finite; the step is left "
			 "out; a lower training.learning_rate helps", f->now.epoch + 1, f->now.at + 1);
		if (++f->now.not_finite < NOT_FINITE_MAX)
			return TRUE;
		g_set_error(error, FAULT, FAULT_FAILED, "the loss was not finite %d times in a row; try --set "
			    "training.learning_rate=%g", NOT_FINITE_MAX, f->settings->training.learning_rate / 10);
		return FALSE;
	}
	f->now.not_finite = 0;
	SCOPE(s, NULL, 0);
	look_at_gradient(f, s);
	optim_step(f->optim, s, fit_rate(f), f->settings->training.weight_decay);
	zero_gradients(f);
	if (f->average != NULL)
		average_step(s, f->average, f->model, f->settings->training.average, f->now.step);
	return !failed(s, "optimiser step", f, error);
}

/* ---- one epoch ---- */

static struct scan scan_of(const struct fit *f, double deadline)
{
	return (struct scan){ .work = f->work, .model = f->average != NULL ? f->average : f->model, .device = f->device.index,
			      .flags = f->device.flags, .batch = f->memory.judged, .readers = f->memory.readers,
			      .deadline = deadline };
}

/* Before one was done: it, and the save behind it. */
static double guess_validation(const struct fit *f)
{
	struct scan scan = scan_of(f, 0);
	double rate = validation_rate(&scan, f->held, f->n_held);

	return f->save_cost + (rate > 0 ? (double)f->held_samples / rate : 0);
}

static void replan(struct fit *f, const char *why)
{
	struct plan before = f->now.plan;
	char left[16], step[16], validation[16];

	if (f->now.costs.validation <= 0)
		f->now.costs.validation = guess_validation(f);
	f->planned_at = log_seconds();
	double seconds = f->job->deadline - f->planned_at;
	plan_fit(&f->now.plan, (guint)f->now.epoch, f->now.at, seconds, f->now.costs);
	gint64 moved = ABS(f->now.plan.epoch_steps - before.epoch_steps);
	if (before.epochs == f->now.plan.epochs && moved <= before.epoch_steps / 20)
		return;
	log_keep("plan", "plan why=%s epochs=%u steps_an_epoch=%" G_GINT64_FORMAT " left=%s step=%s validation=%s", why,
		f->now.plan.epochs, f->now.plan.epoch_steps, log_duration(seconds, left), log_duration(f->now.costs.step, step),
		log_duration(f->now.costs.validation, validation));
}

/* A running mean of the costs of a step. The first ones, with their allocations, are left out, and the plan waits
   until some are measured; unless that would take a good part of the time: then every step counts. */
static void clock_step(struct fit *f, double seconds)
{
	enum { SETTLE = 3, MEASURE = 10, EVERY = 50, SHARE = 20, LOOKS = 50 /* at the plan, in all the time */ };
	double deadline = f->job->deadline, left = deadline - log_seconds();
	gint64 *timed = &f->now.timed;
	gboolean slow = deadline > 0 && *timed <= MEASURE && seconds * (SETTLE + MEASURE) * SHARE > left;

	f->step_s += seconds;
	if (f->now.step - f->first_step < SETTLE && !slow)
		return;
	double weight = MAX(1.0 / (double)(*timed + 1), 0.05);
	f->now.costs.step += weight * (seconds - f->now.costs.step);
	gboolean due = *timed % EVERY == 0 || log_seconds() - f->planned_at > deadline / LOOKS;
	if (deadline > 0 && (slow || *timed == MEASURE || (*timed > MEASURE && due)))
		replan(f, *timed <= MEASURE ? "measured" : "pace");
	++*timed;
}

static gboolean one_step(struct fit *f, GError **error)
{
	double start = log_seconds(), loss = NAN, waited = loader_waited(f->loader);

	while (loader_room(f->loader) && f->now.at + loader_pending(f->loader) < f->now.plan.epoch_steps)
		push_batch(f);
	int before = stage_enter("waiting");
	struct batch *b = loader_pop(f->loader);
	stage_leave(before);
	gboolean ok = !fill_gaps(f, b) || take_step(f, b, &loss, error);
	f->samples += b->n;
	loader_recycle(f->loader, b);
	if (!ok)
		return FALSE;
	f->now.loss_sum += isfinite(loss) ? loss : 0;
	f->now.loss_count += isfinite(loss) ? 1 : 0;
	plan_advance(&f->now.plan, (guint)f->now.epoch, f->now.at);
	f->now.at++;
	clock_step(f, log_seconds() - start);
	f->now.step++;
	f->wait_s += loader_waited(f->loader) - waited;
	return TRUE;
}

static gboolean stopped(const struct fit *f, GError **error)
{
	if (stop_asked() == NULL)
		return FALSE;
	g_set_error(error, FAULT, FAULT_STOPPED, "stopped by %s at epoch %" G_GINT64_FORMAT " step %" G_GINT64_FORMAT
		    "; started again, it goes on from there", stop_asked(), f->now.epoch + 1, f->now.at);
	return TRUE;
}

static gboolean train_epoch(struct fit *f, GError **error)
{
	STAGE("computing");
	f->drawn = (guint64)f->now.at * f->batch;
	f->epoch_step_s = f->step_s;
	f->epoch_samples = f->samples;
	f->gradient_sum = 0;
	f->gradients = 0;
	while (f->now.at < f->now.plan.epoch_steps) {
		if (stopped(f, error) || !one_step(f, error))
			return FALSE;
		if (f->job->rehearse > 0 && log_seconds() > f->job->rehearse_until)
			break;
		if (f->job->rehearse > 0)
			continue;
		fit_say_step(f);
		fit_save_point(f, FALSE);
	}
	while (loader_pending(f->loader) > 0)   /* pushed under a longer plan */
		loader_recycle(f->loader, loader_pop(f->loader));
	return TRUE;
}

/* ---- validation and saving ---- */

/* The best by the task's metric. What so few cases cannot tell apart (half a standard error) is no reason
   to keep an earlier network before a later one. */
static gboolean is_best(const struct fit *f, const struct validation *v)
{
	const struct interval *best = &f->now.best;

	if (v->n > 0 && v->broken == v->n)      /* a network that gives no numbers is no model */
		return FALSE;
	if (f->now.best_epoch == 0 || !isfinite(best->value) || !isfinite(v->metric.value))
		return TRUE;
	return v->metric.value >= best->value - (best->value - best->low) / 4;
}

static void note_plateau(struct fit *f, gboolean better)
{
	enum { PATIENCE = 2 };

	f->now.stale = better ? 0 : f->now.stale + 1;
	if (f->now.stale > PATIENCE) {
		f->now.plateaus++;
		f->now.stale = 0;
	}
}

/* The weights are the best, and are saved. Where that fails, what was the best before stays it: a later epoch may be
   better; after the last one there is none, and that is an error where no validated model is in the folder. */
static gboolean keep_best(struct fit *f, const struct validation *v, GError **error)
{
	struct interval best = f->now.best;
	gint64 best_epoch = f->now.best_epoch;
	gboolean last = f->now.epoch >= f->now.plan.epochs;
	g_autoptr(GError) wrong = NULL;

	f->now.best = v->metric;
	f->now.best_epoch = f->now.epoch;
	if (fit_save_best(f, v, last, &wrong))
		return TRUE;
	f->now.best = best;
	f->now.best_epoch = best_epoch;
	if (last && !f->judged)
		g_propagate_error(error, g_steal_pointer(&wrong));
	else
		log_warn("save", "%s; what was saved before stays", wrong->message);
	return FALSE;
}

/* When a validation is cut short: then there is time to save, even if that takes half as long again as it did, and
   half of what is kept back of the time. 0: never. */
static double last_moment(const struct fit *f)
{
	const double time = f->settings->training.time, deadline = f->job->deadline;

	return deadline > 0 ? time - MAX((time - deadline) / 2, 1.5 * f->save_cost) : 0;
}

/* The time is over before the epoch was judged: its weights are kept where there are no better ones known. */
static gboolean end_unjudged(struct fit *f, GError **error)
{
	log_warn("time", "training.time was over before epoch %" G_GINT64_FORMAT " was validated: %s", f->now.epoch + 1,
		 f->judged ? "what was saved before stays" : "its weights are kept, unjudged");
	f->cut = TRUE;
	f->now.epoch = f->now.plan.epochs;
	return f->judged || fit_save(f, WEIGHTS_UNJUDGED, NULL, error);
}

/* Judges the epoch, and moves on to the next: what is saved is the point behind it. */
static gboolean end_epoch(struct fit *f, GError **error)
{
	struct scan scan = scan_of(f, last_moment(f));
	struct validation v = { 0 };
	g_autoptr(GError) wrong = NULL;
	double start = log_seconds();

	STAGE("judging");
	if (!validate(&scan, f->held, f->n_held, &v, error))
		return FALSE;
	if (stopped(f, error)) {        /* it may have been cut short: it is done again */
		validation_clear(&v);
		return FALSE;
	}
	if (scan.deadline > 0 && log_seconds() > scan.deadline) {
		validation_clear(&v);
		return end_unjudged(f, error);
	}
	gboolean better = is_best(f, &v);
	note_plateau(f, better);
	fit_note_epoch(f, &v);
	struct state ended = f->now;
	f->now.epoch++;
	f->now.at = 0;
	f->now.loss_sum = 0;
	f->now.loss_count = 0;
	gboolean saved = better && keep_best(f, &v, &wrong);
	fit_say_epoch(f, &ended, &v, saved);
	f->now.costs.validation = log_seconds() - start;
	validation_clear(&v);
	if (wrong == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&wrong));
	return FALSE;
}

/* ---- all of it ---- */

static gboolean start(struct fit *f, GError **error)
{
	const struct settings *s = f->settings;
	g_autofree char *empty = NULL, *left_out = NULL;

	tensor_seed((guint64)s->split.seed);
	f->sampler = sampler_new(f->work, f->job->held, (guint64)s->split.seed, &empty, error);
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
		log_keep("weights", "weights %s", left_out);
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
	f->now.plan = f->job->rehearse > 0 ? plan_new(1, f->job->rehearse)
					   : plan_new((guint)s->training.epochs, (s->sampling.tiles_per_epoch +
										  s->training.batch - 1) / s->training.batch);
	f->held_samples = validation_samples(f->work, f->held, f->n_held);
	if (!fit_restore(f, error))
		return FALSE;
	g_autofree char *where = device_describe(&f->device);
	if (f->job->rehearse == 0)
		log_keep("model", "model network=%s parameters=%" G_GINT64_FORMAT " weights=%s %s", s->model.network,
			model_parameters(f->model), f->job->resume_opt != NULL ? "resumed" : s->model.weights[0] != '\0' ? "loaded"
			: f->model->module != NULL ? "exported" : "random", where);
	f->loader = loader_new(f->work, f->batch, LOADER_DEPTH, f->memory.readers);
	return TRUE;
}

static gboolean rehearse(struct fit *f, GError **error)
{
	return train_epoch(f, error) && fit_save(f, WEIGHTS_UNJUDGED, NULL, error);
}

static gboolean run(struct fit *f, GError **error)
{
	double deadline = f->job->deadline;

	if (f->about == NULL && !fit_save(f, WEIGHTS_UNJUDGED, NULL, error))
		return FALSE;
	while (f->now.epoch < f->now.plan.epochs) {
		if (!train_epoch(f, error) || !end_epoch(f, error))
			return FALSE;
		fit_save_point(f, FALSE);
		if (deadline <= 0 || f->now.epoch == f->now.plan.epochs)
			continue;
		replan(f, "epoch");
		if (log_seconds() + f->now.costs.validation >= deadline)
			break;
	}
	if (f->now.best_epoch == 0 && !f->cut) {
		g_set_error(error, FAULT, FAULT_FAILED, "the network gave no numbers in any epoch, so no model was saved; try --set "
			    "training.learning_rate=%g", f->settings->training.learning_rate / 10);
		return FALSE;
	}
	fit_say_ended(f);
	f->now.finished = 1;
	fit_save_point(f, TRUE);
	return TRUE;
}

static void clear(struct fit *f)
{
	loader_free(f->loader);
	g_clear_pointer(&f->sampler, sampler_free);
	g_clear_pointer(&f->optim, optim_free);
	g_clear_pointer(&f->average, model_free);
	g_clear_pointer(&f->model, model_free);
	g_clear_pointer(&f->about, json_object_unref);
	json_array_unref(f->history);
	g_free(f->held);
}

void fit_outcome_clear(struct fit_outcome *o)
{
	g_clear_pointer(&o->history, json_array_unref);
	g_clear_pointer(&o->about, json_object_unref);
}

gboolean fit(const struct fit_job *job, struct fit_outcome *outcome, GError **error)
{
	const struct settings *s = job->work->settings;
	struct fit f = { .job = job, .work = job->work, .settings = s, .device = *job->device, .memory = *job->memory,
			 .batch = (guint)s->training.batch, .history = json_array_new(), .began = log_seconds(),
			 .held = g_new(guint, job->work->n_cases + 1) };
	GError *wrong = NULL;

	if (job->rehearse > 0)
		f.batch = MIN(f.batch, REHEARSAL_BATCH);
	f.memory.part = MIN(f.memory.part, f.batch);
	for (guint i = 0; i < job->work->n_cases; i++)
		if (job->held[i])
			f.held[f.n_held++] = i;
	gboolean ok = start(&f, &wrong);
	ok = ok && (job->rehearse > 0 ? rehearse(&f, &wrong) : run(&f, &wrong));
	if (g_error_matches(wrong, FAULT, FAULT_STOPPED) && job->rehearse == 0)
		fit_save_point(&f, TRUE);
	double took = MAX(log_seconds() - f.began, 1e-6);
	*outcome = (struct fit_outcome){ .steps = f.now.step, .epochs = (guint)f.now.epoch, .best_epoch = (guint)f.now.best_epoch,
					 .best = f.now.best, .samples_per_s = f.step_s > 0 ? (double)f.samples / f.step_s : 0,
					 .wait_share = f.step_s > 0 ? f.wait_s / f.step_s : 0, .save_share = f.save_s / took,
					 .saved = f.now.best_epoch > 0, .history = json_array_ref(f.history),
					 .about = f.about != NULL ? json_object_ref(f.about) : NULL };
	clear(&f);
	if (wrong != NULL)
		g_propagate_error(error, wrong);
	return ok;
}
