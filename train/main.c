/*
 * train - learns from paths.train and leaves a model in paths.model.
 *
 * settings > look at the data > index tiles > split > fit > report. Only this file prints errors and picks
 * the exit code (common/fault/fault.h).
 */
#include "common/checkpoint/model_folder.h"
#include "common/config/options.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/machine/machine.h"
#include "common/task/task.h"
#include "train/audit.h"
#include "train/fit.h"
#include "train/split.h"

enum { LOG_BUDGET = 600 * 1000 };

struct preparing { struct work *work; GError **errors; };

static void prepare_one(guint i, gpointer user)
{
	struct preparing *p = user;

	p->work->task->prepare(p->work, i, &p->errors[i]);
}

/* Every case. What cannot be used is left out and said. */
static void prepare_all(struct work *w, guint threads)
{
	g_autofree GError **errors = g_new0(GError *, w->n_cases + 1);
	struct preparing p = { w, errors };

	machine_each(w->n_cases, threads, prepare_one, &p);
	for (guint i = 0; i < w->n_cases; i++) {
		if (errors[i] == NULL) {
			g_autofree char *line = w->task->describe(w, i);
			log_detail("case %s", line);
			continue;
		}
		log_warn("case", "%s; left out", errors[i]->message);
		w->n_left_out++;
		g_error_free(errors[i]);
	}
}

static void say_settings(const struct options *o)
{
	g_autoptr(GString) line = g_string_new(NULL);
	g_autofree char *group = NULL;

	for (const char *const *key = settings_keys(); *key != NULL; key++) {
		g_autofree char *value = settings_get(o->settings, *key);
		g_autofree char *section = g_strndup(*key, strcspn(*key, "."));
		if (group != NULL && !g_str_equal(group, section)) {
			log_say("settings%s", line->str);
			g_string_truncate(line, 0);
		}
		g_string_append_printf(line, " %s=%s", *key, value[0] == '\0' ? "\"\"" : value);
		g_free(group);
		group = g_steal_pointer(&section);
	}
	log_say("settings%s", line->str);
}

static gboolean run(const struct options *o, struct fit_outcome *outcome, GError **error)
{
	const struct settings *s = o->settings;
	const struct task *task = task_find(s->task, error);
	struct device device;
	struct memory memory;
	char took[16];

	if (task == NULL || !model_folder_ready(s->paths.model, error) || !device_open(s, &device, error))
		return FALSE;
	struct work *w = task->open(s, PHASE_TRAIN, NULL, error);
	if (w == NULL)
		return FALSE;
	for (guint i = 0; i < w->notes->len; i++)
		log_warn("data", "%s", (char *)w->notes->pdata[i]);
	if (!memory_plan(w, &device, machine_memory(), &memory, error)) {
		task->close(w);
		return FALSE;
	}
	prepare_all(w, memory.readers);
	if (!audit(w, &memory, &device, error)) {
		task->close(w);
		return FALSE;
	}
	machine_release();
	g_autofree char *summary = task->summary(w);
	log_say("data %s seconds=%s", summary, log_duration(log_seconds(), took));

	g_autofree gboolean *held = g_new0(gboolean, w->n_cases + 1);
	g_autoptr(GString) names = g_string_new(NULL);
	split_cases(w, s->split.validation, (guint64)s->split.seed, held);
	for (guint i = 0; i < w->n_cases; i++)
		if (held[i])
			g_string_append_printf(names, "%s%s", names->len > 0 ? "," : "", w->cases[i].id);
	log_say("split held_out=%s", names->len > 0 ? names->str : "none");

	gboolean ok = fit(w, held, &device, &memory, log_deadline(s->training.time), outcome, error);
	task->close(w);
	return ok;
}

static void report(const struct fit_outcome *o, const struct task *task)
{
	log_say("trained steps=%" G_GINT64_FORMAT " epochs=%u samples_per_s=%.1f waiting=%.0f%% peak_memory_mb=%.0f",
		o->steps, o->epochs, o->samples_per_s, 100 * o->wait_share, (double)machine_memory_peak() / 1e6);
	if (o->saved)
		log_say("outcome saved_epoch=%u %s=%.4f interval=%.3f..%.3f", o->best_epoch, task->metric, o->best.value,
			o->best.low, o->best.high);
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct fit_outcome outcome = { 0 };
	g_autoptr(GError) error = NULL;

	machine_start(argv);
	log_open("train", LOG_BUDGET);
	if (!options_parse(&o, argc, argv, "learns from paths.train and leaves a model in paths.model", NULL, &error)) {
		g_printerr("train: %s\n", error->message);
		return fault_exit_code(error);
	}
	if (o.done) {
		options_clear(&o);
		return 0;
	}
	g_autofree char *processor = machine_processor();
	log_say("start version=%s settings=%s processor=\"%s\" cores=%d memory_mb=%.0f", BLINDRUN_VERSION, o.source,
		processor, machine_cores(), (double)machine_memory() / 1e6);
	say_settings(&o);
	gboolean ok = run(&o, &outcome, &error);
	const struct task *task = task_find(o.settings->task, NULL);
	if (task != NULL && outcome.steps > 0)
		report(&outcome, task);
	int code = ok ? 0 : fault_exit_code(error);
	log_close(code, ok ? NULL : error->message);
	options_clear(&o);
	return code;
}
