/* fit_member.c - see fit_work.h: a network that learns, with all that it needs, and what it holds out. */
#include "common/log/log.h"
#include "common/random/random.h"
#include "train/fit_work.h"
#include <math.h>

enum { PURPOSE_MEMBER = 300 };
/* Of a screen, which learns from nothing, at least. */
static const double SCREEN_RATE = 0.003;

static struct model *new_network(const struct fit *f, GError **error)
{
	return model_new(f->settings->model.network, f->work->shape.channels, (int)sample_pictures(&f->work->shape), f->work->outputs,
			 f->device.index, error);
}

static gboolean add_screen(const struct fit *f, struct model *m, GError **error)
{
	return !f->work->shape.screen || model_add_screen(m, error);
}

static gboolean make_average(struct fit *f, GError **error)
{
	const double half_life = f->settings->training.average;

	if (half_life <= 0)
		return TRUE;
	f->average = new_network(f, error);
	if (f->average == NULL || !add_screen(f, f->average, error))
		return FALSE;
	memcpy(f->average->mean, f->model->mean, sizeof f->model->mean);
	memcpy(f->average->std, f->model->std, sizeof f->model->std);
	SCOPE(begin, NULL, 0);
	average_step(begin, f->average, f->model, half_life, -1);
	return TRUE;
}

/* Whether, and how long, its body stays as it is: not where that is random, or where it is all that there is. Where there is nothing
   to learn of what is sought, all that was loaded stays, always: it would unlearn what it knows. */
static void freeze(struct fit *f)
{
	const double wanted = f->settings->training.frozen, share = sampler_sees(f->sampler) ? wanted : 1;
	gboolean headed = FALSE;

	f->keeps = settings_go_on(f->settings) && !sampler_sees(f->sampler);
	for (size_t i = 0; i < f->model->own; i++)
		headed = headed || f->optim->of[i].head;
	f->frozen = settings_go_on(f->settings) && headed ? share : 0;
	if (wanted > 0 && f->frozen <= 0 && !f->keeps && f->job->rehearse == 0 && f->now.member == 0)
		log_warn("frozen", "training.frozen is %g, but %s: all of it learns; set training.frozen=0%s", wanted,
			 headed ? "a network of random weights has nothing to keep" : "a network of your own that gives the classes "
			 "itself has no classifier apart", headed ? ", or model.weights" : ", or export it without its last layer");
}

static gboolean make_network(struct fit *f, GError **error)
{
	const struct settings *s = f->settings;
	g_autofree char *left_out = NULL;

	if (f->work->shape.screen && !sampler_sees(f->sampler)) {
		log_warn("screen", "no tile is known to have tumour, so there is nothing that a screen could learn: it is left out");
		f->work->shape.screen = FALSE;
	}
	tensor_seed(f->seed);
	f->model = new_network(f, error);
	if (f->model == NULL || (s->model.weights[0] != '\0' && !model_load(f->model, s->model.weights, &left_out, error)) ||
	    !add_screen(f, f->model, error) || !make_average(f, error))
		return FALSE;
	if (left_out != NULL && f->now.member == 0) {
		g_autoptr(GString) line = g_string_new("weights");
		logfmt_append(line, "left_out", left_out);
		log_keep("weights", "%s", line->str);
	}
	f->optim = optim_new(s->training.optimiser, f->model, s->training.layer_decay, MAX(1, SCREEN_RATE / optim_rate(s)),
			     f->device.index, error);
	if (f->optim == NULL)
		return FALSE;
	freeze(f);
	const double share = settings_go_on(s) ? s->training.fixed : 0;
	const guint fixed = optim_fix(f->optim, share);
	if (share > 0 && f->now.member == 0 && f->job->rehearse == 0)
		log_keep("fixed", "fixed layers=%u of=%u", fixed, f->optim->groups - 1);
	return TRUE;
}

void fit_count_held(struct fit *f)
{
	f->held_samples = validation_samples(f->work, f->held, f->n_held, f->now.share);
}

/* What it holds out, and how long it may take. */
static void set_member(struct fit *f)
{
	const gboolean *held = f->job->held[f->now.member];
	const guint64 seed = (guint64)f->settings->split.seed, member = (guint64)f->now.member;
	const double now = log_seconds(), left = f->job->deadline - now;

	f->now.peak.value = NAN;
	f->seed = member == 0 ? seed : random_hash(seed, member, 0, PURPOSE_MEMBER);
	f->time = f->job->deadline > 0 ? left / (f->job->members - (guint)member) : 0;
	f->deadline = f->job->deadline > 0 ? now + f->time : 0;
	f->n_held = 0;
	for (guint i = 0; i < f->work->n_cases; i++)
		if (held[i])
			f->held[f->n_held++] = i;
	fit_count_held(f);
}

static void say_member(const struct fit *f, gboolean resumed)
{
	const char *weights = f->settings->model.weights[0] != '\0' ? "loaded" : f->model->module != NULL ? "exported" : "random";
	g_autofree char *where = device_describe(&f->device);

	if (f->now.member == 0 || resumed)
		log_keep("model", "model network=%s input=%d parameters=%" G_GINT64_FORMAT " weights=%s %s", f->settings->model.network,
			 f->work->shape.input > 0 ? f->work->shape.input : f->work->shape.width, model_parameters(f->model),
			 resumed ? "resumed" : weights, where);
	if (f->job->members > 1)
		log_keep("member", "member n=%" G_GINT64_FORMAT "/%u held_out=%" G_GSIZE_FORMAT, f->now.member + 1, f->job->members,
			 f->n_held);
}

guint fit_epochs_set(const struct settings *s)
{
	return s->training.epochs > 0 ? (guint)s->training.epochs : s->training.time > 0 ? PLAN_OPEN : PLAN_EPOCHS;
}

/* No limit is set, so it ends by itself: that is early where there is much to learn from. */
static void warn_brief(const struct fit *f)
{
	const guint64 learns = (guint64)plan_left(&f->now.plan, 0, 0) * f->batch;
	guint64 all = 0;

	for (guint i = 0; i < f->work->n_cases; i++)
		all += f->work->cases[i].ready && !f->job->held[f->now.member][i] ? f->work->task->samples(f->work, i) : 0;
	if (2 * learns < all)
		log_warn("time", "neither training.time nor training.epochs is set: training ends after %" G_GUINT64_FORMAT " samples, of the %"
			 G_GUINT64_FORMAT " that there are to learn from; --set training.time=28h, or what else the contest gives", learns, all);
}

gboolean fit_member_start(struct fit *f, GError **error)
{
	const struct settings *s = f->settings;
	const gboolean resumed = f->job->resume_opt != NULL && f->job->resume_opt->state.member == f->now.member;
	g_autofree char *empty = NULL;

	set_member(f);
	if (f->device.index != T_CPU)           /* what else had of its memory may be over */
		f->memory.part = MIN(f->job->memory->part, f->batch);
	f->sampler = sampler_new(f->work, f->job->held[f->now.member], f->seed, &empty, error);
	if (f->sampler == NULL)
		return FALSE;
	if (empty != NULL)
		log_warn("strata", "%s", empty);
	if (!make_network(f, error))
		return FALSE;
	if (f->job->rehearse > 0)
		f->now.plan = plan_new(1, f->job->rehearse);
	else if (f->keeps)
		f->now.plan = plan_new(1, 1);
	else
		f->now.plan = plan_new(fit_epochs_set(s), (s->sampling.tiles_per_epoch + s->training.batch - 1) / s->training.batch);
	if (f->job->rehearse == 0 && !f->keeps && s->training.epochs == 0 && f->deadline <= 0) {
		plan_thin(&f->now.plan, f->batch, f->held_samples);
		warn_brief(f);
	}
	if (!fit_restore(f, error))
		return FALSE;
	fit_count_held(f);
	if (f->job->rehearse == 0)
		say_member(f, resumed);
	f->loader = loader_new(f->work, f->batch, LOADER_DEPTH, f->memory.readers);
	if (f->device.index != T_CPU)
		loader_pin(f->loader);
	return TRUE;
}

void fit_member_end(struct fit *f)
{
	g_clear_pointer(&f->loader, loader_free);
	g_clear_pointer(&f->sampler, sampler_free);
	g_clear_pointer(&f->optim, optim_free);
	g_clear_pointer(&f->average, model_free);
	g_clear_pointer(&f->model, model_free);
}
