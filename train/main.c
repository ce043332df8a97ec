/*
 * train - learns from paths.train and leaves a model in paths.model.
 *
 * settings > look at the data > split > rehearse > fit > report. Only this file prints errors and picks
 * the exit code (common/fault/fault.h).
 */
#include "common/checkpoint/model_folder.h"
#include "common/config/options.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/log/stage.h"
#include "common/machine/machine.h"
#include "common/machine/stop.h"
#include "common/run/closing.h"
#include "common/run/opening.h"
#include "common/task/preparing.h"
#include "train/audit.h"
#include "train/diagnosis.h"
#include "train/rehearse.h"
#include "train/split.h"

enum { LOG_BUDGET = 600 * 1000, NAMES_SAID = 200, NAMES_BYTES = 2000 };

struct job { gboolean fresh, rehearse_only; gint went_before; };  /* the command line of train alone */

/* Every case. What cannot be used is left out and said. */
static void prepare_all(struct work *w, guint threads)
{
	g_autofree GError **errors = g_new0(GError *, w->n_cases + 1);
	struct preparing *preparing = preparing_new(w, threads);
	GError *error = NULL;

	for (guint i = 0; i < w->n_cases; i++)
		preparing_push(preparing, i);
	for (guint i; preparing_pop(preparing, TRUE, &i, &error); error = NULL)
		errors[i] = error;
	preparing_free(preparing);
	for (guint i = 0; i < w->n_cases; i++) {
		if (errors[i] == NULL) {
			g_autofree char *line = w->task->describe(w, i);
			log_detail("case %s", line);
			continue;
		}
		log_warn("case", "%s; left out", errors[i]->message);
		w->cases[i].left_out = g_strdup(errors[i]->message);
		w->n_left_out++;
		g_error_free(errors[i]);
	}
}

/* Of one class alone nothing can be learned, however long. No case at all is the sampler's to say. */
static gboolean classes_differ(const struct work *w, GError **error)
{
	const struct work_case *first = NULL;
	guint n = 0;

	for (guint i = 0; i < w->n_cases; i++) {
		const struct work_case *c = &w->cases[i];
		if (!c->ready || c->label < 0)
			continue;
		if (first != NULL && c->label != first->label)
			return TRUE;
		first = c;
		n++;
	}
	if (first == NULL)
		return TRUE;
	g_set_error(error, FAULT, FAULT_DATA, "there is nothing to tell apart: all cases that can be used, %u, are of class '%s'; "
		    "check data.classes, data.images and paths.train", n, w->settings->data.classes[first->label]);
	return FALSE;
}

/* The held-out cases of a member, of so many: drawn, or those of the run that goes on. */
static gboolean *split(const struct work *w, const struct resume *resume, guint member, guint members)
{
	const struct settings *s = w->settings;
	gboolean *held = g_new0(gboolean, w->n_cases + 1);
	g_autoptr(GString) names = g_string_new(NULL), line = g_string_new("split");
	guint n = 0;

	if (resume == NULL)
		split_cases(w, s->split.validation, (guint64)s->split.seed, member, held);
	else
		split_again(w, resume->held->pdata[member], held);
	for (guint i = 0; i < w->n_cases; i++)
		if (held[i] && n++ < NAMES_SAID && names->len < NAMES_BYTES && !log_names_hidden())
			g_string_append_printf(names, "%s%s", names->len > 0 ? "," : "", w->cases[i].id);
	if (names->len >= NAMES_BYTES)
		g_string_append(names, ",...");
	if (members > 1)
		g_string_append_printf(line, " member=%u", member + 1);
	g_string_append_printf(line, " cases=%u", n);
	logfmt_append(line, "held_out", n == 0 ? "none" : names->len > 0 ? names->str : "(hidden)");
	log_keep(line->str, "%s", line->str);
	return held;
}

static GPtrArray *split_all(const struct work *w, const struct resume *resume)
{
	const guint members = resume != NULL ? resume->held->len : split_members(w->settings);
	GPtrArray *held = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < members; i++)
		g_ptr_array_add(held, split(w, resume, i, members));
	return held;
}

static gboolean look(struct work *w, const struct memory *memory, const struct device *device, struct findings *findings,
		     GError **error)
{
	STAGE_WHOLE("looking");
	prepare_all(w, memory->readers);
	if (!audit(w, memory, device, findings, error) || !classes_differ(w, error))
		return FALSE;
	machine_release();
	return TRUE;
}

static void report(const struct fit_outcome *o, const struct work *w, const struct findings *findings, const struct memory *memory)
{
	const struct diagnosis d = { .work = w, .history = o->history, .about_opt = o->about, .best = o->best,
				     .best_epoch = o->best_epoch, .cut = o->cut, .findings = findings, .memory = memory };

	log_keep("trained", "trained steps=%" G_GINT64_FORMAT " epochs=%u samples_per_s=%.1f waiting=%.0f%% saving=%.1f%%", o->steps,
		 o->epochs, o->samples_per_s, 100 * o->wait_share, 100 * o->save_share);
	diagnosis_say(&d);
}

/* The cases, looked at and split; then rehearsed, and learned from. */
static gboolean learn(const struct options *o, const struct job *job, const struct device *device,
		      struct model_folder *folder, struct work *w, const struct resume *resume, GError **error)
{
	g_auto(findings_t) findings = { 0 };
	struct fit_outcome outcome = { 0 };
	struct memory memory;
	char took[16];

	for (guint i = 0; i < w->notes->len; i++)
		log_warn("data", "%s", (char *)w->notes->pdata[i]);
	if (!memory_plan(w, device, machine_memory(), 1, &memory, error) || !look(w, &memory, device, &findings, error))
		return FALSE;
	g_autofree char *summary = w->task->summary(w);
	log_keep("data", "data %s seconds=%s", summary, log_duration(log_seconds(), took));
	g_autoptr(GPtrArray) held = split_all(w, resume);
	struct fit_job fit_job = { .work = w, .held = (gboolean *const *)held->pdata, .members = held->len, .device = device, .memory = &memory, .folder = folder,
				   .resume_opt = resume, .deadline = log_deadline(o->settings->training.time) };
	if (resume != NULL)
		log_keep("resume", "resume epoch=%" G_GINT64_FORMAT " step=%" G_GINT64_FORMAT " steps=%" G_GINT64_FORMAT " trained_before=%s",
			resume->state.epochs_before + resume->state.epoch + 1, resume->state.at,
			resume->state.steps_before + resume->state.step, log_duration(resume->state.seconds, took));
	else if (!rehearse(&fit_job, job->rehearse_only, error))
		return FALSE;
	if (job->rehearse_only)
		return TRUE;
	if (w->task->copy_begin != NULL)
		w->task->copy_begin(w);
	gboolean ok = fit(&fit_job, &outcome, error);
	if (w->task->copy_end != NULL)
		w->task->copy_end(w, !ok);
	memory.part = outcome.part;
	report(&outcome, w, &findings, &memory);
	fit_outcome_clear(&outcome);
	return ok;
}

/* Is the run of these settings and data finished? Of other data a new one begins, and *resume is none; but a slide that cannot
   be opened today makes no other data. An unfinished one goes on with what is there now. */
static gboolean is_done(const struct work *w, struct resume **resume)
{
	const struct resume *r = *resume;
	g_autofree char *cases = case_sum(w);
	const gboolean finished = r != NULL && r->state.finished;
	const gboolean same = r != NULL && (finished && w->listed != NULL ? g_str_equal(r->listed, w->listed) : g_str_equal(r->cases, cases));

	if (r == NULL || (same && !finished))
		return FALSE;
	if (same) {
		log_say("finished steps=%" G_GINT64_FORMAT " epochs=%" G_GINT64_FORMAT, r->state.steps_before + r->state.step,
			r->state.epochs_before + r->state.epoch);
		log_warn("resume", "training of these settings is done in '%s': nothing is left to do; another training.run, or --fresh, "
			 "trains anew",
			 w->settings->paths.model);
	} else if (finished) {
		log_say("anew why=\"the run in the model folder is finished, and was of other cases\"");
		g_clear_pointer(resume, resume_free);
	} else {
		log_warn("resume", "the cases are others than when the run began: it goes on with those that are there, and its "
			 "weights will be others; another training.run, or --fresh, begins anew");
	}
	return same;
}

static gboolean run(const struct options *o, const struct job *job, GError **error)
{
	const struct settings *s = o->settings;
	const struct task *task = task_find(s->task, error);
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	struct device device;
	enum precision learned = PRECISION_AUTO;
	g_autoptr(resume_t) resume = NULL;

	if (task == NULL)
		return FALSE;
	g_autoptr(model_folder_t) folder = model_folder_take(s->paths.model, notes, error);
	for (guint i = 0; i < notes->len; i++)
		log_warn("model", "%s", (char *)notes->pdata[i]);
	if (folder == NULL || !resume_find(folder, s, job->fresh || job->rehearse_only, &resume, error))
		return FALSE;
	const gboolean finished = resume != NULL && resume->state.finished;
	if (resume != NULL && !finished)
		learned = resume->state.bf16 ? PRECISION_BF16 : PRECISION_FP32;
	if (!device_open(s, learned, job->went_before == 0, &device, error))    /* a GPU that failed is no reason to end */
		return FALSE;
	opening_say_machine(&device);
	struct work *w = task->open(s, PHASE_TRAIN, resume != NULL && !finished ? resume->facts : NULL, error);
	if (w == NULL)
		return FALSE;
	gboolean done = is_done(w, &resume);
	gboolean ok = done || learn(o, job, &device, folder, w, resume, error);
	task->close(w);
	return ok;
}

static void late(void)
{
	log_close(FAULT_STOPPED, "stopped in the middle of a step: the last point that was saved stays; started again, it goes "
		  "on from there");
}

int main(int argc, char **argv)
{
	struct job job = { 0 };
	const GOptionEntry extra[] = {
		{ "fresh", 0, 0, G_OPTION_ARG_NONE, &job.fresh, "begin anew, whatever paths.model has", NULL },
		{ "rehearse-only", 0, 0, G_OPTION_ARG_NONE, &job.rehearse_only,
		  "look at the data, take a few steps, answer for a few slides, check that, and end", NULL },
		{ "went-before", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_INT, &job.went_before,
		  "seconds of training.time that are gone (train.sh)", "S" },
		G_OPTION_ENTRY_NULL,
	};
	struct options o = { 0 };
	g_autoptr(GError) error = NULL;

	machine_start(argv);
	stop_catch(late);
	log_open("train", LOG_BUDGET);
	if (!options_parse(&o, argc, argv, "learns from paths.train and leaves a model in paths.model", extra, &error)) {
		g_printerr("train: %s\n", error->message);
		return fault_exit_code(error);
	}
	if (o.done) {
		options_clear(&o);
		return 0;
	}
	log_went_before(job.went_before);
	opening_say(&o);
	gboolean ok = run(&o, &job, &error);
	int code = ok ? 0 : fault_exit_code(error);
	log_close(code, ok ? NULL : error->message);
	options_clear(&o);
	return code;
}
