/* resume.c - see resume.h. */
#include "train/resume.h"
#include "common/checkpoint/json.h"
#include "common/checkpoint/sha256.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include <glib/gstdio.h>

/* Keys, and sections with their dot, that may be others when a run goes on. */
static const char *const free_to_change[] = {
	"competition", "paths.", "data.test", "data.patience", "load.", "inference.", "answer.", "pictures.", "log.", "device", "precision", "threads",
	"score.axis_threshold",
	"training.time", "training.checkpoint", "training.run", NULL,
};

static gboolean may_change(const char *key)
{
	for (const char *const *k = free_to_change; *k != NULL; k++)
		if (g_str_has_suffix(*k, ".") ? g_str_has_prefix(key, *k) : g_str_equal(key, *k))
			return TRUE;
	return FALSE;
}

/* Keys that name a file, which may have other contents one day, and what the checksum of these is called. */
static const char *const files[][2] = { { "model.weights", "sha256 of model.weights" }, { "model.network", "sha256 of model.network" } };

/* Of a file that is there, else NULL. They are large, and asked for at each save: what did not change is not read again. */
static const char *checksum_of(const char *path)
{
	static GHashTable *sums;        /* path, size and time to sum; never many */
	GStatBuf st;

	if (g_stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return NULL;
	g_autofree char *key = g_strdup_printf("%s\n%" G_GINT64_FORMAT "\n%" G_GINT64_FORMAT, path, (gint64)st.st_size, (gint64)st.st_mtime);
	if (sums == NULL)
		sums = g_hash_table_new(g_str_hash, g_str_equal);
	char *sum = g_hash_table_lookup(sums, key);
	if (sum == NULL && (sum = sha256_of_file(path, NULL, NULL)) != NULL)
		g_hash_table_insert(sums, g_steal_pointer(&key), sum);
	return sum;
}

JsonObject *resume_settings_json(const struct settings *s)
{
	JsonObject *out = json_object_new();

	for (const char *const *key = settings_keys(); *key != NULL; key++) {
		g_autofree char *value = settings_get(s, *key);
		json_object_set_string_member(out, *key, value);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *path = settings_get(s, files[i][0]);
		const char *sum = checksum_of(path);
		if (sum != NULL)
			json_object_set_string_member(out, files[i][1], sum);
	}
	return out;
}

JsonObject *resume_to_json(const struct work *w, const struct state *state, JsonObject *facts, JsonArray *history,
			   JsonArray *held)
{
	g_autofree char *cases = case_sum(w);
	JsonObject *out = json_object_new();

	json_object_set_object_member(out, "settings", resume_settings_json(w->settings));
	json_object_set_string_member(out, "cases", cases);
	json_object_set_string_member(out, "listed", w->listed != NULL ? w->listed : cases);
	json_object_set_object_member(out, "state", state_to_json(state));
	json_object_set_object_member(out, "facts", json_object_ref(facts));
	json_object_set_array_member(out, "history", json_array_ref(history));
	json_object_set_array_member(out, "held", held);
	return out;
}

/* The first key of another value that may not change; *there: its value in the folder. */
static const char *first_difference(JsonObject *there, const struct settings *s, char **value)
{
	for (const char *const *key = settings_keys(); *key != NULL; key++) {
		g_autofree char *here = settings_get(s, *key);
		const char *other = json_text(there, *key, NULL);
		if (other == NULL || may_change(*key) || g_str_equal(here, other))      /* NULL: it is newer than that run */
			continue;
		*value = g_strdup(other);
		return *key;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *path = settings_get(s, files[i][0]);
		const char *here = checksum_of(path), *other = json_text(there, files[i][1], here);
		if (here != NULL && !g_str_equal(here, other)) {
			*value = g_strdup_printf("%s, with other contents,", path);
			return files[i][0];
		}
	}
	return NULL;
}

/* May it take longer than that run might? */
static gboolean has_more_time(JsonObject *there, const struct settings *s)
{
	g_autoptr(settings_t) then = settings_new();

	return settings_set(then, "training.time", json_text(there, "training.time", "0"), "", NULL) && then->training.time > 0 &&
	       (s->training.time <= 0 || s->training.time > then->training.time);
}

/* A list of names as a set; NULL where it is none. */
static GHashTable *read_names(JsonNode *node)
{
	g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	JsonArray *list = json_as_list(node);

	for (guint i = 0; list != NULL && i < json_array_get_length(list); i++) {
		JsonNode *name = json_array_get_element(list, i);
		if (!JSON_NODE_HOLDS_VALUE(name) || json_node_get_string(name) == NULL)
			return NULL;
		g_hash_table_add(names, json_node_dup_string(name));
	}
	return list != NULL ? g_steal_pointer(&names) : NULL;
}

static gboolean read_lists(JsonObject *from, struct resume *r)
{
	JsonArray *held = json_list(from, "held"), *history = json_list(from, "history"), *said = json_list(from, "out_of_fold");
	JsonObject *facts = json_child(from, "facts");

	if (held == NULL || history == NULL || said == NULL || facts == NULL)
		return FALSE;
	for (guint i = 0; i < json_array_get_length(held); i++) {
		GHashTable *names = read_names(json_array_get_element(held, i));
		if (names == NULL)
			return FALSE;
		g_ptr_array_add(r->held, names);
	}
	if (r->state.member >= r->held->len)
		return FALSE;
	for (guint i = 0; i < json_array_get_length(history); i++)
		if (!JSON_NODE_HOLDS_OBJECT(json_array_get_element(history, i)))
			return FALSE;
	r->cases = g_strdup(json_text(from, "cases", ""));
	r->listed = g_strdup(json_text(from, "listed", r->cases));
	r->hard = g_strdup(json_text(from, "hard", ""));
	r->facts = json_object_ref(facts);
	r->history = json_array_ref(history);
	r->out_of_fold = json_array_ref(said);
	return TRUE;
}

static gboolean read_resume(const struct model_folder *folder, JsonObject *from, struct resume *r, GError **error)
{
	JsonObject *state = json_child(from, "state");

	r->held = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
	if (state == NULL || !state_from_json(state, &r->state, error)) {
		if (state == NULL)
			g_set_error(error, FAULT, FAULT_DATA, "it has no state");
		return FALSE;
	}
	if (!read_lists(from, r)) {
		g_set_error(error, FAULT, FAULT_DATA, "it does not say which cases were held out, or what was reached");
		return FALSE;
	}
	if (r->state.finished)
		return TRUE;
	if (!model_folder_whole(folder)) {
		g_set_error(error, FAULT, FAULT_DATA, "its state is damaged");
		return FALSE;
	}
	r->file = model_folder_path(model_folder_at(folder), model_folder_now(folder), "state", error);
	return r->file != NULL;
}

gboolean resume_find(const struct model_folder *folder, const struct settings *s, gboolean fresh, struct resume **out,
		     GError **error)
{
	JsonObject *manifest = model_folder_now(folder), *from = manifest == NULL || fresh ? NULL : json_child(manifest, "resume");
	JsonObject *settings = from == NULL ? NULL : json_child(from, "settings");
	g_autofree char *there = NULL, *run = settings_get(s, "training.run");

	*out = NULL;
	if (settings == NULL || g_strcmp0(json_text(settings, "training.run", NULL), run) != 0)
		return TRUE;
	g_autoptr(resume_t) r = g_new0(struct resume, 1);
	g_autoptr(GError) unusable = NULL;
	if (!read_resume(folder, from, r, &unusable)) {
		log_warn("resume", "the run in '%s' cannot be gone on with: %s; a new one begins", model_folder_at(folder),
			 unusable->message);
		return TRUE;
	}
	const char *key = first_difference(settings, s, &there);
	if (r->state.finished && (key != NULL || has_more_time(settings, s))) {
		log_say("anew why=\"the run in the model folder is finished, and had another %s\"", key != NULL ? key : "training.time");
		return TRUE;
	}
	if (key != NULL) {
		g_autofree char *here = settings_get(s, key);
		g_set_error(error, FAULT, FAULT_USAGE, "'%s' holds an unfinished run of other settings: %s is '%s' there and '%s' "
			    "here; set it as it was, or begin anew with --fresh or another training.run", model_folder_at(folder),
			    key, there, here);
		return FALSE;
	}
	*out = g_steal_pointer(&r);
	return TRUE;
}

void resume_free(struct resume *r)
{
	if (r == NULL)
		return;
	g_clear_pointer(&r->facts, json_object_unref);
	g_clear_pointer(&r->history, json_array_unref);
	g_clear_pointer(&r->out_of_fold, json_array_unref);
	g_clear_pointer(&r->held, g_ptr_array_unref);
	g_free(r->cases);
	g_free(r->listed);
	g_free(r->hard);
	g_free(r->file);
	g_free(r);
}
