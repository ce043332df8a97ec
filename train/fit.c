/*
 * fit.c - see fit.h. A member (fit_member.c) goes through epochs: steps (fit_step.c), a validation and, where it is the best, a save;
 * before some, hard samples are sought (fit_mine.c). The rate and what else changes as training goes on: fit_phase.c.
 */
#include "common/checkpoint/json.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/log/stage.h"
#include "common/machine/jobs.h"
#include "common/machine/stop.h"
#include "train/fit_work.h"
#include <math.h>

enum { REHEARSAL_BATCH = 8 };

/* ---- one epoch ---- */

struct scan fit_scan(const struct fit *f, double deadline)
{
	return (struct scan){ .work = f->work, .models = f->average != NULL ? &f->average : &f->model, .n_models = 1, .device = f->device.index,
			      .flags = f->device.flags, .batch = f->memory.judged, .readers = f->memory.readers,
			      .deadline = deadline };
}

/* Where a validation of all would take more than a sixth of the member's time, four of a share of it do: so three fit into the sixth
   of what is left that plan_fit gives them. So it stays for the member, whose epochs are judged alike; and none has more than one
   before it, since what they say makes one fit of the score. most: the highest share; 0: all. */
static void decide_share(struct fit *f, double rate, double most)
{
	char takes[16], has[16];

	f->now.share = 0;
	fit_count_held(f);
	const guint64 all = f->held_samples;
	const double seconds = (double)all / rate, may = f->time / 6;
	const double share = MIN(seconds <= may ? 1 : MAX(may / 4 / seconds, 1e-9), most > 0 ? most : 1);
	if (share >= 1)
		return;
	f->now.share = share;
	fit_count_held(f);
	if (f->held_samples < all)
		log_warn("time", "to judge all %" G_GUINT64_FORMAT " held-out samples would take %s of the %s that a network has: %"
			 G_GUINT64_FORMAT " are judged, evenly over each %s. The forecast, and from where on one counts as positive, "
			 "rest on these; give it more time or a GPU, or set split.validation lower", all, log_duration(seconds, takes),
			 log_duration(f->time, has), f->held_samples, f->work->task->noun);
}

/* By what validations of the members before took. */
static void decide_share_again(struct fit *f)
{
	const double sample_s = f->now.costs.validation / (double)MAX(f->held_samples, 1);

	if (f->deadline <= 0 || f->now.step > 0 || !(sample_s > 0))
		return;
	decide_share(f, 1 / sample_s, f->now.share);
	f->now.costs.validation = sample_s * (double)f->held_samples;
}

/* Before one was done: it, and the save behind it. */
static double guess_validation(struct fit *f)
{
	struct scan scan = fit_scan(f, 0);
	const double rate = validation_rate(&scan, f->held, f->n_held, f->time / 200);

	if (!(rate > 0))
		return f->save_cost;
	decide_share(f, rate, f->now.share);
	return f->save_cost + (double)f->held_samples / rate;
}

static void replan(struct fit *f, const char *why)
{
	struct plan before = f->now.plan;
	char left[16], step[16], validation[16];

	if (f->now.costs.validation <= 0)
		f->now.costs.validation = guess_validation(f);
	f->planned_at = log_seconds();
	fit_bags_decide(f);
	double seconds = f->deadline - f->planned_at - fit_bags_cost(f);
	if (f->now.costs.mining <= 0)
		f->now.costs.mining = fit_mine_guess(f);
	f->now.plan.past = f->now.step - f->now.at - f->past_before;
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
	double deadline = f->deadline, left = deadline - log_seconds();
	gint64 *timed = &f->now.timed;
	gboolean slow = deadline > 0 && *timed <= MEASURE && seconds * (SETTLE + MEASURE) * SHARE > left;

	f->step_s += seconds;
	if (f->now.step - f->first_step <= SETTLE && !slow)
		return;
	double weight = MAX(1.0 / (double)(*timed + 1), 0.05);
	f->now.costs.step += weight * (seconds - f->now.costs.step);
	gboolean due = *timed % EVERY == 0 || log_seconds() - f->planned_at > deadline / LOOKS;
	if (deadline > 0 && (slow || *timed == MEASURE || (*timed > MEASURE && due)))
		replan(f, *timed <= MEASURE ? "measured" : "pace");
	++*timed;
}

static gboolean any_failed(const struct batch *b)
{
	for (guint i = 0; i < b->n; i++)
		if (b->failed[i] != NULL)
			return TRUE;
	return FALSE;
}

static gboolean one_step(struct fit *f, GError **error)
{
	double start = log_seconds(), loss, waited = loader_waited(f->loader);

	while (loader_room(f->loader) && f->now.at + loader_pending(f->loader) < f->now.plan.epoch_steps)
		fit_push(f);
	int before = stage_enter("waiting");
	struct batch *b = loader_pop(f->loader);
	stage_leave(before);
	if (stop_asked() != NULL && any_failed(b)) {    /* reads were hurried: it is drawn again by the run that goes on */
		loader_recycle(f->loader, b);
		return TRUE;
	}
	gboolean ok = fit_step(f, b, &loss, error);
	f->samples += b->n;
	loader_recycle(f->loader, b);
	if (!ok)
		return FALSE;
	f->now.loss_sum += isfinite(loss) ? loss : 0;
	f->now.loss_count += isfinite(loss) ? 1 : 0;
	plan_advance(&f->now.plan, (guint)f->now.epoch, f->now.at);
	f->now.at++;
	f->now.step++;
	clock_step(f, log_seconds() - start);
	f->wait_s += loader_waited(f->loader) - waited;
	return TRUE;
}

gboolean fit_stopped(const struct fit *f, GError **error)
{
	if (stop_asked() == NULL)
		return FALSE;
	g_set_error(error, FAULT, FAULT_STOPPED, "stopped by %s at epoch %" G_GINT64_FORMAT " step %" G_GINT64_FORMAT
		    "; started again, it goes on from there", stop_asked(), f->now.epochs_before + f->now.epoch + 1,
		    f->now.at);
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
		if (fit_stopped(f, error) || !one_step(f, error))
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

static gboolean enough_judged(const struct fit *f, const struct validation *v)
{
	return isfinite(v->metric.value) && 2 * v->n >= f->n_held;
}

/* The best by the task's metric. What so few cases cannot tell apart (half a standard error below the highest so far, whose
   interval is four wide) is no reason to keep an earlier network before a later one. But cases that could not be read are: they may
   be those that the network gets wrong. */
static gboolean is_best(const struct fit *f, const struct validation *v)
{
	const struct interval *peak = &f->now.peak;

	if (v->n > 0 && v->broken == v->n)      /* a network that gives no numbers is no model */
		return FALSE;
	if (f->now.best_epoch == 0 || !isfinite(f->now.best.value))
		return TRUE;
	if (!enough_judged(f, v)) {
		log_warn("judged", "epoch %" G_GINT64_FORMAT " was judged by %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " held-out cases, for "
			 "the others could not be read: the best of those before stays", f->now.epochs_before + f->now.epoch + 1, v->n,
			 f->n_held);
		return FALSE;
	}
	return !isfinite(peak->value) || v->metric.value >= peak->value - (peak->high - peak->low) / 8;
}

/* Does the highest so far rise no more? */
static void note_plateau(struct fit *f, const struct validation *v)
{
	enum { PATIENCE = 2 };

	if (!enough_judged(f, v))
		return;
	f->now.stale = v->metric.value <= f->now.peak.value ? f->now.stale + 1 : 0;
	if (f->now.stale > PATIENCE) {
		f->now.plateaus++;
		f->now.stale = 0;
	}
}

/* The weights are the best, and are saved. Where that fails, what was the best before stays it: a later epoch may be
   better; after the last one there is none, and that is an error where no validated model is in the folder. */
static gboolean keep_best(struct fit *f, const struct validation *v, GError **error)
{
	const struct interval best = f->now.best, peak = f->now.peak;
	gint64 best_epoch = f->now.best_epoch;
	gboolean last = f->now.epoch >= f->now.plan.epochs;
	g_autoptr(GError) wrong = NULL;

	f->now.best = v->metric;
	f->now.best_epoch = f->now.epoch;
	if (enough_judged(f, v) && !(v->metric.value <= peak.value))
		f->now.peak = v->metric;
	if (fit_save_best(f, v, last, &wrong)) {
		g_clear_error(&f->unsaved);
		return TRUE;
	}
	f->now.best = best;
	f->now.peak = peak;
	f->now.best_epoch = best_epoch;
	if (last && !f->judged)
		g_propagate_error(error, g_steal_pointer(&wrong));
	else
		log_warn("save", "%s; what was saved before stays", wrong->message);
	g_clear_error(&f->unsaved);
	f->unsaved = g_steal_pointer(&wrong);
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
	log_warn("time", "training.time was over before epoch %" G_GINT64_FORMAT " was validated: %s",
		 f->now.epochs_before + f->now.epoch + 1, f->judged ? "what was saved before stays" : "its weights are kept, unjudged");
	f->cut = TRUE;
	f->now.epoch = f->now.plan.epochs;
	return f->judged || fit_save(f, WEIGHTS_UNJUDGED, error);
}

/* Judges the epoch, and moves on to the next: what is saved is the point behind it. */
static gboolean end_epoch(struct fit *f, GError **error)
{
	struct scan scan = fit_scan(f, last_moment(f));
	struct validation v = { 0 };
	g_autoptr(GError) wrong = NULL;
	double start = log_seconds();

	scan.share = f->now.share;
	STAGE("judging");
	if (!validate(&scan, f->held, f->n_held, &v, error))
		return FALSE;
	f->memory.judged = MIN(f->memory.judged, scan.at_once);
	if (fit_stopped(f, error)) {        /* it may have been cut short: it is done again */
		validation_clear(&v);
		return FALSE;
	}
	if (!scan.whole) {
		validation_clear(&v);
		return end_unjudged(f, error);
	}
	const gboolean best = is_best(f, &v);
	note_plateau(f, &v);
	fit_note_epoch(f, &v);
	struct state ended = f->now;
	f->now.epoch++;
	f->now.at = 0;
	f->now.loss_sum = 0;
	f->now.loss_count = 0;
	gboolean saved = best && keep_best(f, &v, &wrong);
	fit_say_epoch(f, &ended, &v, saved);
	f->now.costs.validation = log_seconds() - start;
	validation_clear(&v);
	if (wrong == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&wrong));
	return FALSE;
}

/* ---- a member ---- */

static gboolean rehearse(struct fit *f, GError **error)
{
	return train_epoch(f, error) && fit_save(f, WEIGHTS_UNJUDGED, error);
}

static gboolean run_member(struct fit *f, GError **error)
{
	if (f->about == NULL && !fit_save(f, WEIGHTS_UNJUDGED, error))
		return FALSE;
	while (f->now.epoch < f->now.plan.epochs) {
		if (!fit_mine(f, error) || !train_epoch(f, error) || !end_epoch(f, error))
			return FALSE;
		fit_save_point(f, FALSE);
		if (f->deadline <= 0 || f->now.epoch == f->now.plan.epochs)
			continue;
		replan(f, "epoch");
		if (log_seconds() + f->now.costs.validation + fit_bags_cost(f) >= f->deadline)
			break;
	}
	if (f->now.best_epoch == 0 && !f->cut) {
		if (f->unsaved != NULL)
			g_propagate_error(error, g_steal_pointer(&f->unsaved));
		else
			g_set_error(error, FAULT, FAULT_DIVERGED, "the network gave no numbers in any epoch, so no model was saved; try --set "
				    "training.learning_rate=%g", optim_rate(f->settings) / 10);
		return FALSE;
	}
	fit_say_ended(f);
	return fit_bags(f, error);
}

/* ---- all of it ---- */

/* Is there another member, and time to make something of it? */
static gboolean next_member(struct fit *f)
{
	const struct state was = f->now;

	if (was.member + 1 >= f->job->members || f->cut)
		return FALSE;
	if (f->job->deadline > 0 && log_seconds() + 2 * was.costs.validation >= f->job->deadline) {
		log_warn("time", "training.time is over after %" G_GINT64_FORMAT " of %u members: they make the model", was.member + 1,
			 f->job->members);
		return FALSE;
	}
	f->now = (struct state){ .member = was.member + 1, .steps_before = was.steps_before + was.step,
				 .epochs_before = was.epochs_before + was.epoch, .costs = was.costs, .share = was.share };
	f->first_step = 0;
	f->past_before = 0;
	g_clear_error(&f->unsaved);
	g_array_set_size(f->hard, 0);
	return TRUE;
}

static gboolean run(struct fit *f, GError **error)
{
	if (f->job->deadline > 0)       /* a read that hangs must not outlast the time */
		jobs_hurry_after(last_moment(f) - log_seconds());
	do {
		g_autoptr(GError) wrong = NULL;
		fit_member_end(f);
		if (!fit_member_start(f, error))
			return FALSE;
		decide_share_again(f);
		if (run_member(f, &wrong))
			continue;
		if (!f->judged || f->now.member == 0 || !g_error_matches(wrong, FAULT, FAULT_DIVERGED)) {
			g_propagate_error(error, g_steal_pointer(&wrong));
			return FALSE;
		}
		log_warn("member", "network %" G_GINT64_FORMAT " of %u failed: %s; what was saved before it makes the model",
			 f->now.member + 1, f->job->members, wrong->message);
		break;
	} while (next_member(f));
	f->now.finished = 1;
	fit_save_point(f, TRUE);
	return TRUE;
}

static void set_outcome(const struct fit *f, struct fit_outcome *out)
{
	const double took = MAX(log_seconds() - f->began, 1e-6);
	g_autoptr(JsonObject) facts = json_object_new();

	*out = (struct fit_outcome){ .steps = f->now.steps_before + f->now.step, .epochs = (guint)(f->now.epochs_before + f->now.epoch),
				     /* of a member that has none yet, that of those before stands in the folder */
				     .best_epoch = f->now.best_epoch > 0 ? (guint)(f->now.epochs_before + f->now.best_epoch)
						   : f->now.member > 0 && f->judged ? (guint)json_whole(f->about, "epoch", 0) : 0,
				     .best = fit_judge(f, facts, NULL, NULL), .samples_per_s = f->step_s > 0 ? (double)f->samples / f->step_s : 0,
				     .wait_share = f->step_s > 0 ? f->wait_s / f->step_s : 0, .save_share = f->save_s / took,
				     .part = f->memory.part, .history = json_array_ref(f->history),
				     .about = f->about != NULL ? json_object_ref(f->about) : NULL };
}

static void clear(struct fit *f)
{
	fit_member_end(f);
	g_clear_pointer(&f->about, json_object_unref);
	json_array_unref(f->history);
	g_array_unref(f->hard);
	out_of_fold_clear(&f->judged_cases);
	g_clear_error(&f->unsaved);
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
			 .held = g_new(guint, job->work->n_cases + 1),
			 .judged_cases = { .n_features = (gsize)job->work->task->n_features },
			 .hard = g_array_new(FALSE, FALSE, sizeof(struct hard_sample)) };
	GError *wrong = NULL;

	if (job->rehearse > 0)
		f.batch = MIN(f.batch, REHEARSAL_BATCH);
	f.memory.part = MIN(f.memory.part, f.batch);
	if (job->resume_opt != NULL)
		f.now.member = job->resume_opt->state.member;
	gboolean ok = job->rehearse > 0 ? fit_member_start(&f, &wrong) && rehearse(&f, &wrong) : run(&f, &wrong);
	if (g_error_matches(wrong, FAULT, FAULT_STOPPED) && job->rehearse == 0)
		fit_save_point(&f, TRUE);
	set_outcome(&f, outcome);
	outcome->cut = ok && (f.cut || (job->deadline > 0 && f.now.plan.epochs < fit_epochs_set(s)));
	clear(&f);
	if (wrong != NULL)
		g_propagate_error(error, wrong);
	return ok;
}
