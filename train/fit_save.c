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

/* Where a later member has no model of bags yet, and those before it answer by theirs, it is judged by them alone: else the score
   would do without until its own is there. */
static gboolean by_bags(const struct fit *f, struct out_of_fold *of)
{
	const struct task *task = f->work->task;
	struct out_of_fold mean = { 0 };

	if (task->bags == NULL)
		return FALSE;
	out_of_fold_having(&f->judged_cases, (gsize)task->bags->feature, of);
	if (of->n == 0 || of->n == f->judged_cases.n)
		return FALSE;
	g_autoptr(JsonObject) facts = json_object_new();
	out_of_fold_mean(of, &mean);
	g_autofree double *said = g_new(double, mean.n);
	task->fit(f->work, mean.items, mean.n, mean.features, facts, said);
	out_of_fold_clear(&mean);
	return task->bags->needed(facts);
}

struct interval fit_judge(const struct fit *f, JsonObject *facts, JsonArray *held_opt, GString *labels_opt)
{
	const struct task *task = f->work->task;
	const gsize of = (gsize)task->n_features;
	struct out_of_fold v, having = { 0 };

	out_of_fold_mean(by_bags(f, &having) ? &having : &f->judged_cases, &v);
	out_of_fold_clear(&having);
	if (v.n == 0) {
		out_of_fold_clear(&v);
		return f->now.best;
	}
	g_autofree double *said = g_new(double, v.n);
	task->fit(f->work, v.items, v.n, v.features, facts, said);
	for (gsize i = 0; i < v.n; i++) {
		v.features[i * of] = said[i];   /* which ranks it */
		if (held_opt == NULL || !isfinite(said[i]))
			continue;
		g_autofree char *name = json_name(f->work->cases[v.items[i]].id);
		json_array_add_string_element(held_opt, name);
		json_array_add_double_element(held_opt, said[i]);
		g_string_append_c(labels_opt, case_positive(f->work, v.items[i]) ? '1' : '0');
	}
	const struct interval metric = task->measure(f->work, v.items, v.n, v.features);
	out_of_fold_clear(&v);
	return metric;
}

/* Of at most MOST training cases, evenly. */
static JsonArray *colours_of(const struct work *w)
{
	enum { MOST = 2000 };
	const guint n = MIN(w->n_cases, MOST);
	JsonArray *out = json_array_new();

	for (guint i = 0; i < n && w->task->colour != NULL; i++) {
		const guint item = (guint)((guint64)i * w->n_cases / n);
		double colour[3];
		if (!w->cases[item].ready)
			continue;
		JsonArray *row = json_array_new();
		w->task->colour(w, item, colour);
		for (int k = 0; k < 3; k++)
			json_array_add_double_element(row, isfinite(colour[k]) ? colour[k] : 0);
		json_array_add_array_element(out, row);
	}
	return out;
}

/* The score of a case as it is fitted now, and how good it is. */
static void set_score(const struct fit *f, JsonObject *about, gboolean judged)
{
	const struct task *task = f->work->task;
	JsonObject *facts = json_object_new();
	JsonArray *held = json_array_new();

	task->facts(f->work, facts);
	g_autoptr(GString) labels = g_string_new(NULL);
	const struct interval metric = fit_judge(f, facts, held, labels);
	json_object_set_int_member(facts, "bf16", (f->device.flags & SCOPE_BF16) != 0);
	json_object_set_object_member(about, "facts", facts);
	json_object_set_array_member(about, "held", held);
	json_object_set_string_member(about, "held_labels", labels->str);
	json_object_set_array_member(about, "colours", colours_of(f->work));
	if (judged)
		json_object_set_double_member(about, task->metric, isfinite(metric.value) ? metric.value : -1);
}

/* What inference needs to know of the weights, beside themselves. */
static JsonObject *about_weights(const struct fit *f, gboolean judged)
{
	JsonObject *about = json_object_new();

	json_object_set_object_member(about, "settings", resume_settings_json(f->settings));
	json_object_set_int_member(about, "step", f->now.steps_before + f->now.step);
	json_object_set_int_member(about, "epoch", f->now.epochs_before + f->now.epoch);
	json_object_set_int_member(about, "judged", judged);
	set_score(f, about, judged);
	return about;
}

/* By member, the names of what it holds out. */
static JsonArray *held_names(const struct fit *f)
{
	JsonArray *all = json_array_new();

	for (guint m = 0; m < f->job->members; m++) {
		JsonArray *names = json_array_new();
		for (guint i = 0; i < f->work->n_cases; i++) {
			g_autofree char *name = json_name(f->work->cases[i].id);
			if (f->job->held[m][i])
				json_array_add_string_element(names, name);
		}
		json_array_add_array_element(all, names);
	}
	return all;
}

static void set_resume(const struct fit *f, JsonObject *about)
{
	g_autoptr(JsonObject) facts = json_object_new();
	struct state now = f->now;

	now.optimiser_steps = f->optim->step;
	now.thawed = f->optim->thawed;
	now.part = f->memory.part;
	now.bf16 = (f->device.flags & SCOPE_BF16) != 0;
	now.gpu = f->device.index != T_CPU;
	now.seconds = f->seconds_before + log_seconds() - f->began;
	f->work->task->facts(f->work, facts);
	JsonObject *resume = resume_to_json(f->work, &now, facts, f->history, held_names(f));
	json_object_set_array_member(resume, "out_of_fold", out_of_fold_to_json(&f->judged_cases, f->work));
	if (!f->now.finished && f->hard->len > 0) {
		g_autofree char *hard = mine_to_text(f->hard);
		json_object_set_string_member(resume, "hard", hard);
	}
	json_object_set_object_member(about, "resume", resume);
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

/* What is said of those in the folder; of a model of bags beside them, what follows from it. */
static JsonObject *about_stays(const struct fit *f, enum weights which)
{
	JsonObject *about = copy(f->about);

	if (which == WEIGHTS_BAGS)
		set_score(f, about, TRUE);
	return about;
}

/* ---- saving ---- */

static gboolean stay(enum weights which) { return which == WEIGHTS_STAY || which == WEIGHTS_BAGS; }

/* The files of weights, and of models of bags: those of members before stay, and all of them where none is written. A
   model of bags does not stay where the weights that it goes with are written anew. */
static guint weights_parts(const struct fit *f, enum weights which, const char *const *metadata, struct model_part *parts)
{
	const struct model *m = f->average != NULL ? f->average : f->model;
	const guint here = (guint)f->now.member, members = stay(which) ? MEMBERS_MAX : here + 1;
	static struct role roles[MEMBERS_MAX], bags[MEMBERS_MAX];
	guint n = 0;

	for (guint i = 0; i < members; i++) {
		roles[i] = model_folder_weights(i);
		const gboolean written = !stay(which) && i == here;
		parts[n++] = (struct model_part){ roles[i].name, NULL, written ? m->params : NULL, written ? metadata : NULL };
		if (written && m->carried != NULL)
			parts[n++] = (struct model_part){ roles[i].name, NULL, m->carried, NULL };
	}
	for (guint i = 0; i < members; i++) {
		bags[i] = model_folder_bags(i);
		if (i != here || stay(which))
			parts[n++] = (struct model_part){ bags[i].name, NULL, i == here && which == WEIGHTS_BAGS ? f->attention->params : NULL,
							  NULL };
	}
	return n;
}

/* What is no fault of the disk, as of a GPU that is read here, has nothing to do with its room. */
static void prefix_disk(const struct fit *f, const struct model_part *parts, guint n, GError **error)
{
	struct statvfs disk;
	double free_mb = statvfs(model_folder_at(f->job->folder), &disk) == 0 ? (double)disk.f_bavail * (double)disk.f_frsize / 1e6
									      : NAN;

	if ((*error)->domain == G_FILE_ERROR || g_error_matches(*error, FAULT, FAULT_ROOM))
		g_prefix_error(error, "saving needs %.0f MB in '%s', where %.0f MB are free: ",
			       (double)model_folder_bytes(parts, n) / 1e6, model_folder_at(f->job->folder), free_mb);
}

gboolean fit_save(struct fit *f, enum weights which, GError **error)
{
	const struct model *m = f->average != NULL ? f->average : f->model;
	g_autofree char *mean = g_strdup_printf("[%.9g, %.9g, %.9g]", m->mean[0], m->mean[1], m->mean[2]);
	g_autofree char *std = g_strdup_printf("[%.9g, %.9g, %.9g]", m->std[0], m->std[1], m->std[2]);
	const char *const metadata[] = { "architecture", m->network->name, "mean", mean, "std", std, NULL };
	g_autoptr(JsonObject) about = stay(which) ? about_stays(f, which) : about_weights(f, which == WEIGHTS_BEST);
	struct model_part parts[2 * MEMBERS_MAX + 4];
	guint n = weights_parts(f, which, metadata, parts);
	double start = log_seconds();

	STAGE("saving");
	n += f->now.finished ? 0 : state_parts(f, parts + n);
	set_resume(f, about);
	gboolean ok = model_folder_save(f->job->folder, (guint64)(f->now.steps_before + f->now.step), parts, n, about, error);
	f->save_cost = log_seconds() - start;
	f->save_s += f->save_cost;
	if (!ok) {
		prefix_disk(f, parts, n, error);
		return FALSE;
	}
	if (which != WEIGHTS_STAY) {
		g_clear_pointer(&f->about, json_object_unref);
		f->about = g_steal_pointer(&about);
		f->judged = which == WEIGHTS_BEST || which == WEIGHTS_BAGS;
	}
	next_save(f, f->settings->training.checkpoint);
	return TRUE;
}

void fit_save_point(struct fit *f, gboolean now)
{
	g_autoptr(GError) wrong = NULL;

	if ((!now && log_seconds() < f->save_at) || fit_save(f, f->judged ? WEIGHTS_STAY : WEIGHTS_UNJUDGED, &wrong))
		return;
	log_warn("save", "%s; what was saved before stays; it is tried again in %d s", wrong->message, RETRY_S);
	next_save(f, RETRY_S);
}

static gboolean save_patiently(struct fit *f, gboolean patient, GError **error)
{
	for (double start = log_seconds();;) {
		g_autoptr(GError) wrong = NULL;
		double now = log_seconds();
		if (fit_save(f, WEIGHTS_BEST, &wrong))
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

gboolean fit_save_best(struct fit *f, const struct validation *v, gboolean patient, GError **error)
{
	struct out_of_fold before;

	out_of_fold_copy(&f->judged_cases, &before);
	out_of_fold_put(&f->judged_cases, (guint)f->now.member, v);
	gboolean ok = save_patiently(f, patient, error);
	out_of_fold_clear(ok ? &before : &f->judged_cases);
	if (!ok)
		f->judged_cases = before;
	return ok;
}

/* ---- going on ---- */

/* What was sought and found, where the cases are those that it was found in. */
static gboolean restore_hard(struct fit *f, const char *text, const char *cases, GError **error)
{
	g_autofree char *here = case_sum(f->work);

	if (!g_str_equal(here, cases))
		return TRUE;
	if (!mine_from_text(text, f->work, f->hard)) {
		g_set_error(error, FAULT, FAULT_DATA, "its list of hard samples is damaged");
		return FALSE;
	}
	fit_use_hard(f);
	return TRUE;
}

gboolean fit_restore(struct fit *f, GError **error)
{
	const struct resume *r = f->job->resume_opt;
	JsonObject *there = model_folder_now(f->job->folder);
	struct model_part parts[3];

	next_save(f, MIN(f->settings->training.checkpoint, FIRST_S));
	if (there != NULL && f->about == NULL) {
		f->about = json_object_ref(there);
		f->judged = json_number(there, "judged", 1) != 0;
	}
	if (r == NULL || r->state.member != f->now.member)
		return TRUE;
	guint n = state_parts(f, parts);
	f->now = r->state;      /* first: its plan says how often hard samples are drawn */
	if (!restore_hard(f, r->hard, r->cases, error) || !model_folder_restore(r->file, parts, n, error)) {
		g_prefix_error(error, "the run in '%s' cannot be gone on with; another training.run, or --fresh, begins anew: ",
			       model_folder_at(f->job->folder));
		return FALSE;
	}
	f->optim->step = r->state.optimiser_steps;
	if (r->state.thawed < 0)
		optim_freeze(f->optim, TRUE);
	else
		f->optim->thawed = r->state.thawed;
	f->seconds_before = r->state.seconds;
	f->first_step = r->state.step;
	json_array_unref(f->history);
	f->history = json_array_ref(r->history);
	if (!out_of_fold_from_json(r->out_of_fold, f->work, &f->judged_cases)) {
		g_set_error(error, FAULT, FAULT_DATA, "the run in '%s' cannot be gone on with: what it said of held-out cases is damaged; "
			    "another training.run, or --fresh, begins anew", model_folder_at(f->job->folder));
		return FALSE;
	}
	/* what was decided is taken over, as far as this machine allows it */
	if (f->device.index == T_CPU)   /* of a GPU another program may have had a share, or it was another one */
		f->memory.part = MIN(f->memory.part, (guint)r->state.part);
	if (r->state.gpu >= 0 && (r->state.gpu > 0) != (f->device.index != T_CPU)) {
		f->now.costs = (struct plan_costs){ 0 };
		f->now.timed = 0;
	}
	f->past_before = f->now.step - f->now.at - f->now.epoch * f->now.plan.epoch_steps;
	const struct plan *p = &f->now.plan;
	if (p->set_epochs == PLAN_OPEN && p->epochs == PLAN_EPOCHS && p->epoch_steps == p->set_steps)
		return TRUE;    /* it stopped before there was a plan */
	f->now.plan.set_epochs = p->epochs;
	f->now.plan.set_steps = p->epoch_steps;
	return TRUE;
}
