/* model_folder.c - see model_folder.h. */
#include "common/checkpoint/model_folder.h"
#include "common/checkpoint/json.h"
#include "common/checkpoint/safetensors.h"
#include "common/config/options.h"
#include "common/fault/fault.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST "model.json"
#define BEFORE "model.before.json"
enum { FORMAT = 1 };

struct reading {
	const scope *tensors;
	const struct safetensor *views;
	guint8 *buffer;
};

static const void *tensor_bytes(void *context, guint i, GError **error)
{
	struct reading *r = context;
	const char *message;

	SCOPE(s, NULL, SCOPE_NO_GRAD);
	t_read(s, scope_at(r->tensors, i, NULL, NULL), r->buffer, r->views[i].size);
	if (scope_error(s, &message) == SCOPE_OK)
		return r->buffer;
	g_set_error(error, FAULT, FAULT_FAILED, "tensor %s: %s", r->views[i].name, message);
	return NULL;
}

static gsize type_size(enum dtype type)
{
	return type == T_F32 ? 4 : type == T_I64 || type == T_F64 ? 8 : type == T_F16 || type == T_BF16 ? 2 : 1;
}

/* One file of a save; its entry of "files", or NULL. */
static JsonObject *save_part(const char *folder, guint64 step, const struct model_part *part, GError **error)
{
	guint n = (guint)scope_count(part->tensors);
	g_autofree struct safetensor *views = g_new0(struct safetensor, n);
	g_autofree char *name = NULL, *path = NULL, *sha256 = NULL;
	guint64 size = 0;
	gsize largest = 1;

	for (guint i = 0; i < n; i++) {
		const tensor *t = scope_at(part->tensors, i, &views[i].name, NULL);
		views[i].type = t_type(t);
		views[i].shape = t_dims(t);
		views[i].size = type_size(views[i].type);
		for (int d = 0; d < views[i].shape.n; d++)
			views[i].size *= (gsize)views[i].shape.d[d];
		largest = MAX(largest, views[i].size);
	}
	/* a step that was saved before keeps its file: this one gets a name of its own */
	for (int again = 0; path == NULL || g_file_test(path, G_FILE_TEST_EXISTS); again++) {
		g_free(name);
		g_free(path);
		name = again == 0 ? g_strdup_printf("%s-%06" G_GUINT64_FORMAT ".safetensors", part->role, step)
				  : g_strdup_printf("%s-%06" G_GUINT64_FORMAT "-%d.safetensors", part->role, step, again);
		path = g_build_filename(folder, name, NULL);
	}
	g_autofree guint8 *buffer = g_malloc(largest);
	struct reading reading = { part->tensors, views, buffer };
	if (!safetensors_write(path, views, n, part->metadata_opt, tensor_bytes, &reading, &sha256, &size, error))
		return NULL;
	JsonObject *entry = json_object_new();
	json_object_set_string_member(entry, "name", name);
	json_object_set_string_member(entry, "sha256", sha256);
	json_object_set_int_member(entry, "bytes", (gint64)size);
	return entry;
}

/* Never waits on a pipe, never reads a device without end. */
static JsonObject *manifest_read(const char *folder, const char *name, GError **error)
{
	g_autofree char *path = g_build_filename(folder, name, NULL), *text = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int code = errno;
	struct stat st = { 0 };

	if (fd < 0) {
		g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(code), "%s: %s", name, g_strerror(code));
		return NULL;
	}
	gboolean plain = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= JSON_LENGTH_MAX;
	gssize length = -1;
	if (plain) {
		text = g_malloc((gsize)st.st_size + 1);
		length = read(fd, text, (gsize)st.st_size);     /* of a file, all at once */
	}
	close(fd);
	if (length == st.st_size)
		return json_parse(text, (gsize)length, name, error);
	g_set_error(error, FAULT, FAULT_DATA, "%s: %s", name, plain ? "it cannot be read"
		    : S_ISREG(st.st_mode) ? "larger than a manifest can be" : "it is no file");
	return NULL;
}

/* A member that is a plain value, whatever a manifest has there; else NULL, -1. */
static JsonNode *value_of(JsonObject *in, const char *name)
{
	JsonNode *node = in == NULL ? NULL : json_object_get_member(in, name);

	return node != NULL && JSON_NODE_HOLDS_VALUE(node) ? node : NULL;
}

static const char *text_of(JsonObject *in, const char *name)
{
	JsonNode *node = value_of(in, name);

	return node == NULL ? NULL : json_node_get_string(node);
}

static gint64 number_of(JsonObject *in, const char *name)
{
	JsonNode *node = value_of(in, name);

	return node == NULL || json_node_get_value_type(node) != G_TYPE_INT64 ? -1 : json_node_get_int(node);
}

/* The entry for a role, its members checked: a name without folders. */
static gboolean entry_of(JsonObject *manifest, const char *role, const char **name, const char **sha256,
			 guint64 *bytes, GError **error)
{
	JsonNode *node = json_object_get_member(manifest, "files");
	JsonObject *files = node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;

	node = files == NULL ? NULL : json_object_get_member(files, role);
	JsonObject *entry = node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
	gint64 size = number_of(entry, "bytes");
	*name = text_of(entry, "name");
	*sha256 = text_of(entry, "sha256");
	if (*name == NULL || *sha256 == NULL || size < 0 || strchr(*name, '/') != NULL || (*name)[0] == '.') {
		g_set_error(error, FAULT, FAULT_DATA, "the manifest names no %s", role);
		return FALSE;
	}
	*bytes = (guint64)size;
	return TRUE;
}

static gboolean file_right(const char *folder, JsonObject *manifest, const char *role, GError **error)
{
	const char *name, *sha256;
	guint64 bytes;

	if (!entry_of(manifest, role, &name, &sha256, &bytes, error))
		return FALSE;
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autoptr(GError) unreadable = NULL;
	g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, &unreadable);
	if (file == NULL) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: its manifest names it, but it %s", name,
			    g_error_matches(unreadable, G_FILE_ERROR, G_FILE_ERROR_NOENT) ? "is not there" : "cannot be read");
		return FALSE;
	}
	if (g_mapped_file_get_length(file) != bytes) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: %" G_GSIZE_FORMAT " bytes; its manifest says %" G_GUINT64_FORMAT,
			    name, g_mapped_file_get_length(file), bytes);
		return FALSE;
	}
	g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)
							   g_mapped_file_get_contents(file), bytes);
	if (g_strcmp0(sum, sha256) == 0)
		return TRUE;
	g_set_error(error, FAULT, FAULT_DATA, "%s: its checksum is wrong: the file is damaged", name);
	return FALSE;
}

static gboolean manifest_right(const char *folder, JsonObject *manifest, GError **error)
{
	if (number_of(manifest, "format") != FORMAT) {
		g_set_error(error, FAULT, FAULT_DATA, "made by another version of blindrun");
		return FALSE;
	}
	JsonNode *files = json_object_get_member(manifest, "files");
	if (files == NULL || !JSON_NODE_HOLDS_OBJECT(files) || json_object_get_size(json_node_get_object(files)) == 0) {
		g_set_error(error, FAULT, FAULT_DATA, "the manifest names no files");
		return FALSE;
	}
	g_autoptr(GList) roles = json_object_get_members(json_node_get_object(files));
	for (GList *role = roles; role != NULL; role = role->next)
		if (!file_right(folder, manifest, role->data, error))
			return FALSE;
	return TRUE;
}

JsonObject *model_folder_open(const char *folder, GPtrArray *notes, GError **error)
{
	const char *const names[] = { MANIFEST, BEFORE };
	g_autoptr(GError) first = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GError) wrong = NULL;
		g_autoptr(JsonObject) manifest = manifest_read(folder, names[i], &wrong);
		if (manifest != NULL && manifest_right(folder, manifest, &wrong)) {
			if (first != NULL && notes != NULL)
				g_ptr_array_add(notes, g_strdup_printf("model: %s; the one saved before it is used",
								       first->message));
			return g_steal_pointer(&manifest);
		}
		if (first == NULL)
			first = g_steal_pointer(&wrong);
	}
	if (g_error_matches(first, G_FILE_ERROR, G_FILE_ERROR_NOENT))
		g_set_error(error, FAULT, FAULT_DATA, "there is no model in '%s': train first", folder);
	else
		g_set_error(error, FAULT, FAULT_DATA, "no model can be used in '%s': %s", folder, first->message);
	return NULL;
}

char *model_folder_path(const char *folder, JsonObject *manifest, const char *role, GError **error)
{
	const char *name, *sha256;
	guint64 bytes;

	return entry_of(manifest, role, &name, &sha256, &bytes, error) ? g_build_filename(folder, name, NULL) : NULL;
}

static void names_of(const char *folder, const char *manifest, GHashTable *names)
{
	g_autoptr(JsonObject) json = manifest_read(folder, manifest, NULL);
	JsonNode *files = json == NULL ? NULL : json_object_get_member(json, "files");

	if (files == NULL || !JSON_NODE_HOLDS_OBJECT(files))
		return;
	g_autoptr(GList) roles = json_object_get_members(json_node_get_object(files));
	for (GList *role = roles; role != NULL; role = role->next) {
		const char *name, *sha256;
		guint64 bytes;
		if (entry_of(json, role->data, &name, &sha256, &bytes, NULL))
			g_hash_table_add(names, g_strdup(name));
	}
}

/* "weights-000420.safetensors", "weights-000420-1.safetensors": a name that a save gives. */
static gboolean ours(const char *name)
{
	return g_regex_match_simple("^[a-z]+-[0-9]{6,}(-[0-9]+)?\\.safetensors$", name, 0, 0);
}

/* Removes files of ours that no manifest names: what an earlier save, or one that was killed, left. */
static void sweep(const char *folder)
{
	g_autoptr(GHashTable) named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;

	names_of(folder, MANIFEST, named);
	names_of(folder, BEFORE, named);
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		if (!ours(name) || g_hash_table_contains(named, name))
			continue;
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_unlink(path);
	}
}

static gboolean write_text(const char *folder, const char *name, const char *text, gsize length, GError **error)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);

	return g_file_set_contents_full(path, text, (gssize)length,
					G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644, error);
}

/* The manifest becomes the one before, if it can be used: else the one before it is worth more. */
static gboolean keep_before(const char *folder, GError **error)
{
	g_autofree char *path = g_build_filename(folder, MANIFEST, NULL), *old = NULL;
	g_autoptr(JsonObject) manifest = manifest_read(folder, MANIFEST, NULL);
	gsize length;

	if (manifest == NULL || !manifest_right(folder, manifest, NULL))
		return TRUE;
	return g_file_get_contents(path, &old, &length, error) && write_text(folder, BEFORE, old, length, error);
}

static gboolean commit(const char *folder, JsonObject *about, GError **error)
{
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
	gsize length;

	json_node_set_object(root, about);
	g_autoptr(JsonGenerator) generator = json_generator_new();
	json_generator_set_pretty(generator, TRUE);
	json_generator_set_root(generator, root);
	if (!keep_before(folder, error))
		return FALSE;
	g_autofree char *text = json_generator_to_data(generator, &length);
	return write_text(folder, MANIFEST, text, length, error);
}

gboolean model_folder_ready(const char *folder, GError **error)
{
	g_autofree char *probe = g_build_filename(folder, "probe.tmp", NULL);

	if (g_mkdir_with_parents(folder, 0755) != 0) {
		g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "cannot make '%s': %s", folder,
			    g_strerror(errno));
		return FALSE;
	}
	int fd = g_open(probe, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0) {
		g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "cannot write into '%s': %s", folder,
			    g_strerror(errno));
		return FALSE;
	}
	g_close(fd, NULL);
	g_unlink(probe);
	return TRUE;
}

gboolean model_folder_save(const char *folder, guint64 step, const struct model_part *parts, guint n,
			   JsonObject *about, GError **error)
{
	if (!model_folder_ready(folder, error))
		return FALSE;
	JsonObject *files = json_object_new();
	json_object_set_int_member(about, "format", FORMAT);
	json_object_set_string_member(about, "blindrun", BLINDRUN_VERSION);
	json_object_set_int_member(about, "step", (gint64)step);
	json_object_set_object_member(about, "files", files);
	gboolean ok = TRUE;
	for (guint i = 0; ok && i < n; i++) {
		JsonObject *entry = save_part(folder, step, &parts[i], error);
		ok = entry != NULL;
		if (ok)
			json_object_set_object_member(files, parts[i].role, entry);
	}
	ok = ok && commit(folder, about, error);
	sweep(folder);
	return ok;
}
