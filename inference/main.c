/*
 * inference - answers for paths.test with the model in paths.model.
 *
 * settings > model > list cases > write fallbacks > scan > write > report. With no model, every case is
 * answered all the same, with even odds, and it ends with 1. Only this file prints errors and picks the code.
 */
#include "common/checkpoint/json.h"
#include "common/checkpoint/model_folder.h"
#include "common/checkpoint/model_settings.h"
#include "common/config/options.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/machine/machine.h"
#include "common/model/memory.h"
#include "inference/answer.h"

enum { LOG_BUDGET = 300 * 1000 };

static JsonObject *member(JsonObject *in, const char *name, GError **error)
{
	JsonObject *child = json_child(in, name);

	if (child == NULL)
		g_set_error(error, FAULT, FAULT_DATA, "the model's manifest has no '%s'", name);
	return child;
}

static gboolean take_settings(struct settings *s, JsonObject *manifest, GError **error)
{
	JsonObject *from = member(manifest, "settings", error);
	g_autoptr(GPtrArray) changed = g_ptr_array_new_with_free_func(g_free);

	if (from == NULL || !model_settings_take(s, from, changed, error))
		return FALSE;
	for (guint i = 0; i < changed->len; i++)
		log_say("settings %s", (char *)changed->pdata[i]);
	return TRUE;
}

static struct model *read_model(const struct settings *s, JsonObject *manifest, const struct work *w,
				const struct device *device, GError **error)
{
	g_autofree char *path = model_folder_path(s->paths.model, manifest, "weights", error);
	g_autofree char *left_out = NULL;

	if (path == NULL)
		return NULL;
	g_autoptr(model_t) m = model_new(s->model.network, w->shape.channels, w->outputs, device->index, error);
	if (m == NULL || !model_load(m, path, &left_out, error))
		return NULL;
	if (left_out == NULL)
		return g_steal_pointer(&m);
	g_set_error(error, FAULT, FAULT_DATA, "the model's weights do not fit its network: %s", left_out);
	return NULL;
}

static gboolean scan_all(struct work *w, struct model *m, const struct device *device, const struct memory *memory,
			 struct answers *a, GError **error)
{
	const struct settings *s = w->settings;
	struct scan scan = { .work = w, .model = m, .device = device->index, .flags = device->flags,
			     .batch = memory->judged, .readers = memory->readers, .prepare = TRUE,
			     .deadline = log_deadline(s->inference.time) };
	g_autofree guint *items = g_new(guint, w->n_cases + 1);
	double start = log_seconds();

	for (guint i = 0; i < w->n_cases; i++)
		items[i] = i;
	gboolean ok = scan_cases(&scan, items, w->n_cases, answers_take, a, error);
	double took = MAX(log_seconds() - start, 1e-6);
	log_say("scanned samples=%" G_GUINT64_FORMAT " samples_per_s=%.1f network=%.0f%% waiting=%.0f%% peak_memory_mb=%.0f",
		scan.n_samples, (double)scan.n_samples / took, 100 * scan.network_s / took, 100 * scan.wait_s / took,
		(double)machine_memory_peak() / 1e6);
	return ok;
}

/* The model, or NULL with the reason on stderr: then the cases still get an answer. */
static JsonObject *find_model(struct settings *s, GError **error)
{
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	JsonObject *manifest = model_folder_open(s->paths.model, "weights", notes, error);

	for (guint i = 0; i < notes->len; i++)
		log_warn("model", "%s", (char *)notes->pdata[i]);
	if (manifest != NULL && !take_settings(s, manifest, error))
		g_clear_pointer(&manifest, json_object_unref);
	return manifest;
}

/* wrong: why there are only fallbacks; error: why there is no answer. */
static gboolean run(struct settings *s, GError **wrong, GError **error)
{
	g_autoptr(JsonObject) manifest = find_model(s, wrong);
	JsonObject *facts = manifest != NULL ? member(manifest, "facts", wrong) : NULL;
	const struct task *task = task_find(s->task, error);
	struct device device;
	struct memory memory;
	g_autoptr(answers_t) a = NULL;
	g_autoptr(model_t) m = NULL;

	struct work *w = task == NULL ? NULL : task->open(s, PHASE_TEST, facts, error);
	if (w == NULL)
		return FALSE;
	for (guint i = 0; i < w->notes->len; i++)
		log_warn("data", "%s", (char *)w->notes->pdata[i]);
	log_say("data cases=%u", w->n_cases);
	a = answers_new(w, facts, error);
	gboolean ok = a != NULL;
	if (ok && facts != NULL && device_open(s, &device, wrong) &&
	    memory_plan(w, &device, machine_memory(), &memory, wrong))
		m = read_model(s, manifest, w, &device, wrong);
	if (m != NULL) {
		g_autofree char *where = device_describe(&device);
		log_say("model network=%s step=%.0f %s", s->model.network, json_number(manifest, "step", 0), where);
		if (!scan_all(w, m, &device, &memory, a, wrong))
			log_warn("scan", "%s; what was scored so far is kept", (*wrong)->message);
		guint late = w->n_cases - answers_scored(a) - answers_unreadable(a);
		if (*wrong == NULL && late > 0)
			log_warn("time", "inference.time was over before %u of %u cases were scored: they have the fallback; "
				 "give it more, or --set inference.turns=1", late, w->n_cases);
		ok = answers_write(a, error);
	}
	if (ok)
		log_say("outcome cases=%u scored=%u fallback=%u partly_read=%u file=%s", w->n_cases, answers_scored(a),
			w->n_cases - answers_scored(a), answers_partial(a), s->answer.file);
	g_clear_pointer(&a, answers_free);
	task->close(w);
	return ok;
}

/* --check: is there a model that can answer? Its cases are not looked at. */
static gboolean check(struct settings *s, GError **error)
{
	g_autoptr(JsonObject) manifest = model_folder_open(s->paths.model, "weights", NULL, error);

	return manifest != NULL && member(manifest, "facts", error) != NULL && take_settings(s, manifest, error);
}

int main(int argc, char **argv)
{
	gboolean check_only = FALSE;
	const GOptionEntry extra[] = {
		{ "check", 0, 0, G_OPTION_ARG_NONE, &check_only, "end with 0 where there is a model that can answer", NULL },
		G_OPTION_ENTRY_NULL,
	};
	struct options o = { 0 };
	g_autoptr(GError) error = NULL, wrong = NULL;

	machine_start(argv);
	log_open("inference", LOG_BUDGET);
	if (!options_parse(&o, argc, argv, "answers for paths.test with the model in paths.model", extra, &error)) {
		g_printerr("inference: %s\n", error->message);
		return fault_exit_code(error);
	}
	if (o.done) {
		options_clear(&o);
		return 0;
	}
	if (check_only) {
		if (!check(o.settings, &error))
			g_printerr("inference: %s\n", error->message);
		options_clear(&o);
		return fault_exit_code(error);
	}
	log_say("start version=%s settings=%s", BLINDRUN_VERSION, o.source);
	gboolean ok = run(o.settings, &wrong, &error);
	int code = !ok ? fault_exit_code(error) : wrong != NULL ? FAULT_FAILED : 0;
	g_autofree char *cause = !ok ? g_strdup(error->message) : wrong == NULL ? NULL
				 : g_strdup_printf("%s; every case without a score was answered with the fallback", wrong->message);
	log_close(code, cause);
	options_clear(&o);
	return code;
}
