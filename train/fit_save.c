/* fit_save.c - see fit_work.h: weights and points to go on from, into the model folder and out of it. */
#include "common/checkpoint/json.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/log/stage.h"
#include "common/machine/stop.h"
#include "train/fit_work.h"
#include <math.h>
#include <sys/statvfs.h>

enum { RETRY_S = 60, PATIENCE_S = 60, PAUSE_S = 5, FIRST_S = 60 };

static void next_save(struct fit *f, double seconds) { f->save_at = log_seconds() + seconds; }

/* ---- what is in a file ---- */

static guint state_parts(const struct fit *f, struct model_part parts[3])
{
	guint n = 0;

	parts[n++] = (struct model_part){ "state", "model.", f->model->params, NULL };
	if (f->average != NULL)
		parts[n++] = (struct model_part){ "state", "average.", f->average->params, NULL };
	parts[n++] = (struct model_part){ "state", "optimiser.", f->optim->state, NULL };
	return n;
}

/* The held-out cases as the weights see them: each one's name, then its features; those that have them all. */
static JsonArray *held_features(const struct work *w, const struct validation *v)
{
	JsonArray *out = json_array_new();
	const gsize n = (gsize)w->task->n_features;

	for (gsize i = 0; i < v->n; i++) {
		gsize finite = 0;
		for (gsize k = 0; k < n; k++)
			finite += isfinite(v->features[i * n + k]) ? 1 : 0;
		if (finite < n)
			continue;
		json_array_add_string_element(out, w->cases[v->items[i]].id);
		for (gsize k = 0; k < n; k++)
			json_array_add_double_element(out, v->features[i * n + k]);
	}
	return out;
}

/* What inference needs to know of the weights, beside themselves. */
static JsonObject *about_weights(const struct fit *f, const struct validation *v)
{
	const struct task *task = f->work->task;
	JsonObject *about = json_object_new(), *facts = json_object_new();

	task->facts(f->work, facts);
	if (v != NULL)
		task->fit(f->work, v->items, v->n, v->features, facts);
	json_object_set_object_member(about, "settings", resume_settings_json(f->settings));
	json_object_set_object_member(about, "facts", facts);
	json_object_set_int_member(about, "step", f->now.step);
	json_object_set_int_member(about, "epoch", f->now.epoch);
	json_object_set_int_member(about, "judged", v != NULL);
	if (v != NULL)
		json_object_set_array_member(about, "held", held_features(f->work, v));
	if (v != NULL)
		json_object_set_double_member(about, task->metric, isfinite(v->metric.value) ? v->metric.value : -1);
	return about;
}

static char **held_names(const struct fit *f)
{
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();

	for (gsize i = 0; i < f->n_held; i++)
		g_strv_builder_add(names, f->work->cases[f->held[i]].id);
	return g_strv_builder_end(names);
}

static void set_resume(const struct fit *f, JsonObject *about)
{
	g_auto(GStrv) held = held_names(f);
	g_autoptr(JsonObject) facts = json_object_new();
	struct state now = f->now;

	now.optimiser_steps = f->optim->step;
	now.part = f->memory.part;
	now.bf16 = (f->device.flags & SCOPE_BF16) != 0;
	now.seconds = f->seconds_before + log_seconds() - f->began;
	f->work->task->facts(f->work, facts);
	json_object_set_object_member(about, "resume", resume_to_json(f->work, &now, facts, f->history,
								      (const char *const *)held));
}

static void copy_member(JsonObject *from, const char *name, JsonNode *node, gpointer to)
{
	(void)from;
	json_object_set_member(to, name, json_node_copy(node));
}

/* The members are shared. */
static JsonObject *copy(JsonObject *from)
{
	JsonObject *to = json_object_new();

	json_object_foreach_member(from, copy_member, to);
	return to;
}

/* ---- saving ---- */

gboolean fit_save(struct fit *f, enum weights which, const struct validation *v, GError **error)
{
	const struct model *m = f->average != NULL ? f->average : f->model;
	g_autofree char *mean = g_strdup_printf("[%.9g, %.9g, %.9g]", m->mean[0], m->mean[1], m->mean[2]);
	g_autofree char *std = g_strdup_printf("[%.9g, %.9g, %.9g]", m->std[0], m->std[1], m->std[2]);
	const char *const metadata[] = { "architecture", m->network->name, "mean", mean, "std", std, NULL };
	g_autoptr(JsonObject) about = which == WEIGHTS_STAY ? copy(f->about) : about_weights(f, v);
	struct model_part parts[5] = { { "weights", NULL, which == WEIGHTS_STAY ? NULL : m->params, metadata } };
	guint n = 1;
	double start = log_seconds();

	STAGE("saving");
	if (which != WEIGHTS_STAY && m->carried != NULL)
		parts[n++] = (struct model_part){ "weights", NULL, m->carried, NULL };
	if (!f->now.finished)
		n += state_parts(f, parts + n);
	set_resume(f, about);
	gboolean ok = model_folder_save(f->job->folder, (guint64)f->now.step, parts, n, about, error);
	f->save_cost = log_seconds() - start;
	f->save_s += f->save_cost;
	if (!ok) {
		struct statvfs disk;
		double free_mb = statvfs(model_folder_at(f->job->folder), &disk) == 0
				 ? (double)disk.f_bavail * (double)disk.f_frsize / 1e6 : NAN;
		g_prefix_error(error, "saving needs %.0f MB in '%s', where %.0f MB are free: ",
			       (double)model_folder_bytes(parts, n) / 1e6, model_folder_at(f->job->folder), free_mb);
		return FALSE;
	}
	if (which != WEIGHTS_STAY) {
		g_clear_pointer(&f->about, json_object_unref);
		f->about = g_steal_pointer(&about);
		f->judged = which == WEIGHTS_BEST;
	}
	next_save(f, f->settings->training.checkpoint);
	return TRUE;
}

void fit_save_point(struct fit *f, gboolean now)
{
	g_autoptr(GError) wrong = NULL;

	if ((!now && log_seconds() < f->save_at) || fit_save(f, f->judged ? WEIGHTS_STAY : WEIGHTS_UNJUDGED, NULL, &wrong))
		return;
	log_warn("save", "%s; what was saved before stays; it is tried again in %d s", wrong->message, RETRY_S);
	next_save(f, RETRY_S);
}

gboolean fit_save_best(struct fit *f, const struct validation *v, gboolean patient, GError **error)
{
	for (double start = log_seconds();;) {
		g_autoptr(GError) wrong = NULL;
		double now = log_seconds();
		if (fit_save(f, WEIGHTS_BEST, v, &wrong))
			return TRUE;
		if (!patient || now - start > PATIENCE_S || stop_asked() || (f->job->deadline > 0 && now > f->job->deadline)) {
			g_propagate_error(error, g_steal_pointer(&wrong));
			return FALSE;
		}
		log_warn("save", "%s; it is tried again in %d s", wrong->message, PAUSE_S);
		for (int i = 0; i < 10 * PAUSE_S && !stop_asked(); i++)
			g_usleep(G_USEC_PER_SEC / 10);
	}
}

/* ---- going on ---- */

gboolean fit_restore(struct fit *f, GError **error)
{
	const struct resume *r = f->job->resume_opt;
	JsonObject *there = model_folder_now(f->job->folder);
	struct model_part parts[3];

	next_save(f, MIN(f->settings->training.checkpoint, FIRST_S));
	if (there != NULL) {
		f->about = json_object_ref(there);
		f->judged = json_number(there, "judged", 1) != 0;
	}
	if (r == NULL)
		return TRUE;
	guint n = state_parts(f, parts);
	if (!model_folder_restore(r->file, parts, n, error)) {
		g_prefix_error(error, "the run in '%s' cannot be gone on with; --fresh begins anew: ", model_folder_at(f->job->folder));
		return FALSE;
	}
	f->now = r->state;
	f->optim->step = r->state.optimiser_steps;
	f->seconds_before = r->state.seconds;
	f->first_step = r->state.step;
	json_array_unref(f->history);
	f->history = json_array_ref(r->history);
	/* what was decided is taken over, as far as this machine allows it */
	f->memory.part = MIN(f->memory.part, (guint)r->state.part);
	f->now.plan.set_epochs = f->now.plan.epochs;
	f->now.plan.set_steps = f->now.plan.epoch_steps;
	unsigned bf16 = f->device.flags & SCOPE_BF16;
	if (r->state.bf16 != (bf16 != 0)) {
		if (!r->state.bf16 || tensor_bf16_fast(f->device.index))
			f->device.flags ^= SCOPE_BF16;
		else
			log_warn("resume", "the run was begun in bf16, which this machine is slow in: it goes on in fp32");
	}
	return TRUE;
}
