/*
 * inference - answers for paths.test with the model in paths.model.
 *
 * settings > model > list cases > write fallbacks > coarse pass > denser passes > check > report. With no model,
 * every case is answered all the same, with even odds, and it ends with 1; SIGTERM and SIGINT end it with the best
 * answer so far, and 6. Only this file prints errors and picks the code.
 */
#include "common/checkpoint/json.h"
#include "common/checkpoint/model_folder.h"
#include "common/checkpoint/model_settings.h"
#include "common/config/options.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/machine/machine.h"
#include "common/machine/stop.h"
#include "common/run/closing.h"
#include "common/run/opening.h"
#include "common/score/forecast.h"
#include "inference/passes.h"

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
		log_keep(changed->pdata[i], "settings %s", (char *)changed->pdata[i]);
	return TRUE;
}

static enum precision learned_in(JsonObject *facts)
{
	const double bf16 = json_number(facts, "bf16", -1);

	return bf16 < 0 ? PRECISION_AUTO : bf16 > 0 ? PRECISION_BF16 : PRECISION_FP32;
}

/* A model of bags that goes with a network; NULL where there is none, or none that can be read, which is said. */
static struct attention *read_bags(const struct settings *s, JsonObject *manifest, guint member, const struct model *m)
{
	const struct role role = model_folder_bags(member);
	JsonObject *files = json_child(manifest, "files");
	g_autoptr(GError) wrong = NULL;

	if (!json_object_has_member(files, role.name))
		return NULL;
	g_autofree char *path = model_folder_path(s->paths.model, manifest, role.name, &wrong);
	g_autoptr(attention_t) a = path != NULL ? attention_new(m->width, ATTENTION_HIDDEN, m->device, 0, &wrong) : NULL;
	const struct model_part part = { role.name, NULL, a != NULL ? a->params : NULL, NULL };
	if (a != NULL && model_folder_check(s->paths.model, manifest, role.name, &wrong) &&
	    model_folder_restore(path, &part, 1, &wrong))
		return g_steal_pointer(&a);
	log_warn("attention", "%s; answers are without it", wrong->message);
	return NULL;
}

static struct model *read_member(const struct settings *s, JsonObject *manifest, guint member, const struct work *w,
				 const struct device *device, GError **error)
{
	const struct role role = model_folder_weights(member);
	g_autofree char *path = model_folder_path(s->paths.model, manifest, role.name, error);
	g_autofree char *left_out = NULL;

	/* the first one's file was checked as the manifest was opened */
	if (path == NULL || (member > 0 && !model_folder_check(s->paths.model, manifest, role.name, error)))
		return NULL;
	g_autoptr(model_t) m = model_read(path, s->model.network, w->shape.channels, (int)sample_pictures(&w->shape), w->outputs,
					    device->index, &left_out, error);
	if (m == NULL)
		return NULL;
	if (left_out == NULL)
		return g_steal_pointer(&m);
	g_set_error(error, FAULT, FAULT_DATA, "the model's weights do not fit its network: %s", left_out);
	return NULL;
}

/* How many networks the manifest names. */
static guint members_of(JsonObject *manifest)
{
	JsonObject *files = json_child(manifest, "files");
	guint n = 0;

	while (files != NULL && n < MEMBERS_MAX && json_object_has_member(files, model_folder_weights(n).name))
		n++;
	return n;
}

/* Of n networks those that can be read, (struct model *). None: the first one's error. bags: of each (struct attention *), where
   the answer makes use of them. */
static GPtrArray *read_models(const struct settings *s, JsonObject *manifest, guint n, const struct work *w,
			      const struct device *device, GPtrArray *bags, GError **error)
{
	const gboolean needed = w->task->bags != NULL && w->task->bags->needed(json_child(manifest, "facts"));
	GPtrArray *models = g_ptr_array_new_with_free_func((GDestroyNotify)model_free);
	g_autoptr(GError) first = NULL;

	for (guint i = 0; i < n; i++) {
		g_autoptr(GError) wrong = NULL;
		struct model *m = read_member(s, manifest, i, w, device, &wrong);
		if (m != NULL) {
			g_ptr_array_add(models, m);
			g_ptr_array_add(bags, needed ? read_bags(s, manifest, i, m) : NULL);
		} else if (first == NULL) {
			first = g_steal_pointer(&wrong);
		}
	}
	if (models->len == 0 && first != NULL)
		g_propagate_error(error, g_steal_pointer(&first));
	else if (models->len < n)
		log_warn("model", "%s; of %u networks %u answer", first->message, n, models->len);
	return models;
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
	if (manifest != NULL && json_number(manifest, "judged", 1) == 0)
		log_warn("model", "the model was never validated, since training ended early, after %.0f steps: its answers may be no better "
			 "than chance; the end of train's own lines says why", json_number(manifest, "step", 0));
	return manifest;
}

/* Cases that more time would have done something for. */
static guint unfinished(const struct answer_counts *n) { return n->coarsely - n->lost + n->fallback + n->earlier - n->unreadable; }

/* What the model can still not say for want of time, or because the run was asked to end. */
static void say_rest(const struct work *w, const struct answers *a, GError **wrong)
{
	const struct answer_counts n = answers_count(a);

	if (*wrong != NULL || unfinished(&n) == 0)
		return;
	if (stop_asked() != NULL)
		g_set_error(wrong, FAULT, FAULT_STOPPED, "stopped by %s: %u of %u cases were scored fully, %u coarsely, %u have the "
			    "fallback; the answer in %s is complete", stop_asked(), n.fully, w->n_cases, n.coarsely, n.fallback,
			    w->settings->answer.file);
	else if (w->settings->inference.time > 0)
		log_warn("time", "inference.time was too short to look at all: of %u cases %u have a coarse answer, %u %s; "
			 "give it more, or --set inference.turns=1", w->n_cases, n.coarsely - n.lost, n.fallback + n.earlier - n.unreadable,
			 n.earlier > 0 ? "the one that they had before" : "the fallback");
}

/* What would make the next answer better. */
static void say_tries(const struct work *w, const struct answers *a)
{
	const struct settings *s = w->settings;
	const struct answer_counts n = answers_count(a);
	const guint late = unfinished(&n);
	const gboolean ended = s->inference.time > 0 || stop_asked() != NULL;
	guint count = 0;

	if (late > 0 && s->inference.time > 0)
		log_last("try n=%u key=inference.time value=%.0f why=\"%u of %u cases were not looked at in full\"", ++count,
			 2 * s->inference.time, late, w->n_cases);
	if (late > 0 && ended && s->inference.turns > 1)
		log_last("try n=%u key=inference.turns value=1 why=\"one view of each tile takes less time, and leaves more for all\"",
			 ++count);
	if (late == 0 && s->inference.turns < 8)
		log_last("try n=%u key=inference.turns value=8 why=\"there was time: eight views of a tile rank a little better\"", ++count);
	if (count == 0)
		log_last("try n=1 key=training why=\"inference did all it can: what is left to gain is in training, whose log ends with what to "
			 "try\"");
}

/* Of these cases, by those that were held out of training. */
static void say_forecast(const struct work *w, JsonObject *manifest)
{
	JsonArray *held = json_list(manifest, "held");
	const char *labels = json_text(manifest, "held_labels", "");
	const gsize n = strlen(labels);
	g_autofree double *p = g_new(double, n + 1);
	g_autofree guint8 *label = g_new(guint8, n + 1);

	if (held == NULL || json_array_get_length(held) != 2 * n)       /* of an older build */
		return;
	for (gsize i = 0; i < n; i++) {
		JsonNode *said = json_array_get_element(held, (guint)(2 * i + 1));
		p[i] = json_is_number(said) ? json_node_get_double(said) : NAN;
		label[i] = labels[i] == '1';
	}
	const struct forecast_auc auc = forecast_auc(p, label, n, w->n_cases, 0.95);
	if (isfinite(auc.expected))
		log_last("forecast %s=%.3f interval=%.3f..%.3f text=\"what %u cases like the %" G_GSIZE_FORMAT " that training held out will "
			 "give, 19 times in 20\"", w->task->metric, auc.expected, auc.low, auc.high, w->n_cases, n);
}

static gboolean settle(const struct work *w, struct answers *a, JsonObject *manifest, GError **error)
{
	if (!answers_finish(a, json_number(manifest, w->task->metric, -1), error))      /* by the manifest's own word */
		return FALSE;
	const struct answer_counts n = answers_count(a);
	log_last("outcome cases=%u scored=%u fallback=%u fully=%u coarsely=%u partly_read=%u file=%s", w->n_cases,
		n.fully + n.coarsely, n.fallback, n.fully, n.coarsely, n.partly, w->settings->answer.file);
	answers_say(a);
	return TRUE;
}

/* As many networks of `all` as there is memory for. */
static gboolean plan_memory(const struct work *w, const struct device *device, guint all, guint *members, struct memory *out,
			    GError **error)
{
	g_autoptr(GError) wrong = NULL;

	for (*members = all; !memory_plan(w, device, machine_memory(), *members, out, &wrong); --*members) {
		if (*members <= 1 || !g_error_matches(wrong, FAULT, FAULT_ROOM)) {
			g_propagate_error(error, g_steal_pointer(&wrong));
			return FALSE;
		}
		g_clear_error(&wrong);
	}
	return TRUE;
}

/* The networks, and what they say of the cases. FALSE: not all of it, or nothing. */
static gboolean answer_on(struct settings *s, JsonObject *manifest, struct work *w, const struct device *device, struct answers *a,
			  struct colours *colours, GPtrArray *bags, GError **error)
{
	const guint all = members_of(manifest);
	struct memory memory;
	guint members;
	g_autofree char *where = device_describe(device);

	if (!plan_memory(w, device, all, &members, &memory, error))
		return FALSE;
	if (members < all)
		log_warn("memory", "there is no memory for %u networks at once: %u answer; give the container more", all, members);
	g_autoptr(GPtrArray) models = read_models(s, manifest, members, w, device, bags, error);
	if (models->len == 0)
		return FALSE;
	g_autoptr(GString) line = g_string_new("model");
	logfmt_append(line, "network", s->model.network);
	g_string_append_printf(line, " members=%u", models->len);
	logfmt_append(line, "run", json_text(json_child(manifest, "settings"), "training.run", ""));
	log_keep("model", "%s step=%.0f epoch=%.0f %s", line->str, json_number(manifest, "step", 0), json_number(manifest, "epoch", 0),
		 where);
	answers_set_bags(a, (struct attention *const *)bags->pdata, bags->len);
	return passes_run(w, (struct model *const *)models->pdata, models->len, device, &memory, a, colours, error);
}

/* wrong: why there are not the best answers; error: why there is no answer. */
static gboolean run(struct settings *s, const char *journal_path, GError **wrong, GError **error)
{
	g_autoptr(JsonObject) manifest = find_model(s, wrong);
	JsonObject *facts = manifest != NULL ? member(manifest, "facts", wrong) : NULL;
	const struct task *task = task_find(s->task, error);
	struct device device = { .index = T_CPU };
	g_autoptr(journal_t) journal = NULL;
	g_autoptr(answers_t) a = NULL;
	g_autoptr(GPtrArray) bags = g_ptr_array_new_with_free_func((GDestroyNotify)attention_free);
	struct colours *colours = NULL;

	struct work *w = task == NULL ? NULL : task->open(s, PHASE_TEST, facts, error);
	if (w == NULL)
		return FALSE;
	for (guint i = 0; i < w->notes->len; i++)
		log_warn("data", "%s", (char *)w->notes->pdata[i]);
	log_keep("data", "data cases=%u", w->n_cases);
	journal = journal_open(journal_path, w);
	a = answers_new(w, facts, journal, error);
	colours = colours_new(w, manifest);
	gboolean ok = a != NULL;
	if (ok && answers_killed(a) > 0)
		log_keep("resume", "resume killed=%u answered=%u", answers_killed(a), answers_count(a).fully + answers_count(a).coarsely);
	if (ok && facts != NULL)
		device_open(s, learned_in(facts), FALSE, &device, NULL);
	opening_say_machine(&device);
	if (ok && facts != NULL) {
		gboolean answered = answer_on(s, manifest, w, &device, a, colours, bags, wrong);
		if (!answered && device.index != T_CPU && stop_asked() == NULL) {
			log_warn("device", "%s; the CPU answers in place of the GPU", (*wrong)->message);
			g_clear_error(wrong);
			answers_set_bags(a, NULL, 0);
			g_ptr_array_set_size(bags, 0);
			settings_assign(s, "device=cpu", NULL);
			device_open(s, learned_in(facts), FALSE, &device, NULL);
			answered = answer_on(s, manifest, w, &device, a, colours, bags, wrong);
		}
		if (answered)
			say_rest(w, a, wrong);
	}
	ok = ok && settle(w, a, facts != NULL ? manifest : NULL, error);
	if (facts != NULL && a != NULL && answers_count(a).fully + answers_count(a).coarsely > 0)
		say_forecast(w, manifest);
	colours_say(colours);
	colours_free(colours);
	if (*wrong != NULL && a != NULL && !g_error_matches(*wrong, FAULT, FAULT_STOPPED)) {
		g_autofree char *was = (*wrong)->message;
		(*wrong)->message = g_strconcat(was, answers_count(a).earlier > 0 ? "; the answer that was there before stays"
						: "; every case without a score was answered with the fallback", NULL);
	}
	closing_say(s->paths.output, s->inference.time);
	if (a != NULL)
		say_tries(w, a);
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

static void late(void)
{
	log_close(FAULT_STOPPED, "stopped in the middle of a batch: the answer that was written last stays");
}

int main(int argc, char **argv)
{
	gboolean check_only = FALSE, of_train;
	gint went_before = 0;
	g_autofree char *journal = NULL;
	const GOptionEntry extra[] = {
		{ "check", 0, 0, G_OPTION_ARG_NONE, &check_only, "end with 0 where there is a model that can answer", NULL },
		{ "went-before", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_INT, &went_before,
		  "seconds of inference.time that are gone (inference.sh)", "S" },
		{ "journal", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &journal,
		  "what was answered by runs that were killed, and is by this one (inference.sh)", "FILE" },
		/* of train: scripts give both programs the same */
		{ "fresh", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &of_train, NULL, NULL },
		{ "rehearse-only", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &of_train, NULL, NULL },
		G_OPTION_ENTRY_NULL,
	};
	struct options o = { 0 };
	g_autoptr(GError) error = NULL, wrong = NULL;

	machine_start(argv);
	stop_catch(late);
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
	log_went_before(went_before);
	opening_say(&o);
	gboolean ok = run(o.settings, journal, &wrong, &error);
	const gboolean stopped = g_error_matches(wrong, FAULT, FAULT_STOPPED);
	int code = !ok ? fault_exit_code(error) : stopped ? FAULT_STOPPED : wrong != NULL ? FAULT_FAILED : 0;
	log_close(code, !ok ? error->message : wrong != NULL ? wrong->message : NULL);
	options_clear(&o);
	return code;
}
