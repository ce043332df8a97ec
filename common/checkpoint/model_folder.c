/* model_folder.c - see model_folder.h. */
#include "common/checkpoint/model_folder.h"
#include "common/checkpoint/json.h"
#include "common/checkpoint/safetensors.h"
#include "common/checkpoint/sha256.h"
#include "common/config/options.h"
#include "common/fault/fault.h"
#include "common/machine/stop.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST "model.json"
#define BEFORE "model.before.json"
#define BESIDE "model.new.json"
enum { FORMAT = 1, READER_TRIES = 3, WRITER_TRIES = 11 };

struct model_folder {
	char *path;
	int fd;                 /* of the folder, locked; -1: none */
	JsonObject *now;
	gboolean whole;
};

/* The parts of one file, one tensor after the other. */
struct file {
	const struct model_part *parts;
	guint n;                /* parts */
	guint count;            /* tensors */
	struct safetensor *views;
	const tensor **tensors;
	guint8 *buffer;         /* room for the largest of them */
	guint64 bytes;
};

static gsize type_size(enum dtype type)
{
	return type == T_F32 ? 4 : type == T_I64 || type == T_F64 ? 8 : type == T_F16 || type == T_BF16 ? 2 : 1;
}

static void file_open(struct file *f, const struct model_part *parts, guint n)
{
	*f = (struct file){ .parts = parts };
	while (f->n < n && parts[f->n].tensors != NULL && g_str_equal(parts[f->n].role, parts[0].role))
		f->count += (guint)scope_count(parts[f->n++].tensors);
	f->views = g_new0(struct safetensor, f->count);
	f->tensors = g_new0(const tensor *, f->count);
	gsize largest = 1;
	for (guint p = 0, at = 0; p < f->n; p++)
		for (gsize i = 0, end = scope_count(parts[p].tensors); i < end; i++, at++) {
			const char *name;
			struct safetensor *view = &f->views[at];
			f->tensors[at] = scope_at(parts[p].tensors, i, &name, NULL);
			view->name = g_strconcat(parts[p].prefix_opt != NULL ? parts[p].prefix_opt : "", name, NULL);
			view->type = t_type(f->tensors[at]);
			view->shape = t_dims(f->tensors[at]);
			view->size = type_size(view->type);
			for (int d = 0; d < view->shape.n; d++)
				view->size *= (gsize)view->shape.d[d];
			largest = MAX(largest, view->size);
			f->bytes += view->size;
		}
	f->buffer = g_malloc(largest);
}

static void file_clear(struct file *f)
{
	for (guint i = 0; i < f->count; i++)
		g_free((char *)f->views[i].name);
	g_free(f->views);
	g_free(f->tensors);
	g_free(f->buffer);
}

guint64 model_folder_bytes(const struct model_part *parts, guint n)
{
	struct file f;
	guint64 bytes = 0;

	for (guint i = 0; i < n; i += MAX(f.n, 1)) {
		file_open(&f, parts + i, n - i);
		bytes += f.bytes;
		file_clear(&f);
	}
	return bytes;
}

static const void *tensor_bytes(void *context, guint i, GError **error)
{
	struct file *f = context;
	const char *message;

	SCOPE(s, NULL, SCOPE_NO_GRAD);
	t_read(s, f->tensors[i], f->buffer, f->views[i].size);
	if (scope_error(s, &message) == SCOPE_OK)
		return f->buffer;
	g_set_error(error, FAULT, FAULT_FAILED, "tensor %s: %s", f->views[i].name, message);
	return NULL;
}

/* Writes a file; its entry of "files", or NULL. */
static JsonObject *file_write(struct file *f, const char *folder, guint64 step, GError **error)
{
	g_autofree char *name = NULL, *path = NULL, *sha256 = NULL;
	const char *role = f->parts[0].role;
	guint64 size = 0;

	/* a step that was saved before keeps its file: this one gets a name of its own */
	for (int again = 0; path == NULL || g_file_test(path, G_FILE_TEST_EXISTS); again++) {
		g_free(name);
		g_free(path);
		name = again == 0 ? g_strdup_printf("%s-%06" G_GUINT64_FORMAT ".safetensors", role, step)
				  : g_strdup_printf("%s-%06" G_GUINT64_FORMAT "-%d.safetensors", role, step, again);
		path = g_build_filename(folder, name, NULL);
	}
	if (!safetensors_write(path, f->views, f->count, f->parts[0].metadata_opt, tensor_bytes, f, &sha256, &size, error))
		return NULL;
	JsonObject *entry = json_object_new();
	json_object_set_string_member(entry, "name", name);
	json_object_set_string_member(entry, "sha256", sha256);
	json_object_set_int_member(entry, "bytes", (gint64)size);
	return entry;
}

/* A view of the file for each tensor, or an error that names what is not as it must be. */
static gboolean match(const struct safetensors *from, const struct file *f, const struct safetensor **found, GError **error)
{
	for (guint i = 0; i < f->count; i++) {
		const struct safetensor *v = &f->views[i];
		found[i] = safetensors_find(from, v->name);
		gboolean same = found[i] != NULL && found[i]->type == v->type && found[i]->shape.n == v->shape.n;
		for (int d = 0; same && d < v->shape.n; d++)
			same = found[i]->shape.d[d] == v->shape.d[d];
		if (same)
			continue;
		g_set_error(error, FAULT, FAULT_DATA, "tensor %s %s", v->name,
			    found[i] == NULL ? "is missing" : "is of another type or shape");
		return FALSE;
	}
	return TRUE;
}

gboolean model_folder_restore(const char *path, const struct model_part *parts, guint n, GError **error)
{
	g_autoptr(safetensors_t) from = safetensors_open(path, error);
	gboolean ok = from != NULL;

	for (guint i = 0, taken; ok && i < n; i += taken) {
		struct file f;
		file_open(&f, parts + i, n - i);
		taken = MAX(f.n, 1);
		g_autofree const struct safetensor **found = g_new0(const struct safetensor *, f.count + 1);
		ok = match(from, &f, found, error);
		SCOPE(s, NULL, SCOPE_NO_GRAD);
		for (guint k = 0; ok && k < f.count; k++)
			t_write_(s, (tensor *)f.tensors[k], found[k]->data, found[k]->size);
		const char *message;
		if (ok && scope_error(s, &message) != SCOPE_OK) {
			g_set_error(error, FAULT, FAULT_FAILED, "%s", message);
			ok = FALSE;
		}
		file_clear(&f);
	}
	if (!ok) {
		g_autofree char *name = g_path_get_basename(path);
		g_prefix_error(error, "%s: ", name);
	}
	return ok;
}

/* What a disk does not give may be there again after a while: FAULT_FAILED. What is no file, or not for us: FAULT_DATA. */
static enum fault reading_fault(GFileError code)
{
	return code == G_FILE_ERROR_INVAL || code == G_FILE_ERROR_ACCES || code == G_FILE_ERROR_PERM || code == G_FILE_ERROR_NOTDIR ||
	       code == G_FILE_ERROR_LOOP || code == G_FILE_ERROR_NAMETOOLONG ? FAULT_DATA : FAULT_FAILED;
}

/* Never waits on a pipe, never reads a device without end. Not there: GFileError. */
static JsonObject *manifest_read(const char *folder, const char *name, GError **error)
{
	g_autofree char *path = g_build_filename(folder, name, NULL), *text = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int code = errno;
	struct stat st = { 0 };

	if (fd < 0 && code == ENOENT) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "%s: %s", name, g_strerror(code));
		return NULL;
	}
	if (fd < 0) {
		g_set_error(error, FAULT, reading_fault(g_file_error_from_errno(code)), "%s: it cannot be opened: %s", name, g_strerror(code));
		return NULL;
	}
	gboolean plain = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= JSON_LENGTH_MAX;
	gssize length = -1;
	if (plain) {
		text = g_malloc((gsize)st.st_size + 1);
		length = read(fd, text, (gsize)st.st_size);     /* of a file, all at once */
		code = errno;
	}
	close(fd);
	if (length >= 0 && length == st.st_size)
		return json_parse(text, (gsize)length, name, error);
	if (plain && length < 0)
		g_set_error(error, FAULT, FAULT_FAILED, "%s: it cannot be read: %s", name, g_strerror(code));
	else
		g_set_error(error, FAULT, FAULT_DATA, "%s: %s", name, plain ? "it was cut while it was read"
		    : S_ISREG(st.st_mode) ? "larger than a manifest can be" : "it is no file");
	return NULL;
}

/* The entry for a role, its members checked: a name without folders. */
static gboolean entry_of(JsonObject *manifest, const char *role, const char **name, const char **sha256,
			 guint64 *bytes, GError **error)
{
	JsonObject *entry = json_child(json_child(manifest, "files"), role);
	const gint64 size = json_whole(entry, "bytes", -1);

	*name = json_text(entry, "name", NULL);
	*sha256 = json_text(entry, "sha256", NULL);
	if (*name == NULL || *sha256 == NULL || size < 0 || strchr(*name, '/') != NULL || (*name)[0] == '.') {
		g_set_error(error, FAULT, FAULT_DATA, "the manifest names no %s", role);
		return FALSE;
	}
	*bytes = (guint64)size;
	return TRUE;
}

static gboolean check_file(const char *folder, JsonObject *manifest, const char *role, GError **error)
{
	const char *name, *sha256;
	guint64 bytes;

	if (!entry_of(manifest, role, &name, &sha256, &bytes, error))
		return FALSE;
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autoptr(GError) wrong = NULL;
	guint64 there = 0;
	g_autofree char *sum = sha256_of_file(path, &there, &wrong);
	if (sum == NULL) {
		if (g_error_matches(wrong, G_FILE_ERROR, G_FILE_ERROR_NOENT))
			g_set_error(error, FAULT, FAULT_DATA, "%s: its manifest names it, but it is not there", name);
		else
			g_set_error(error, FAULT, reading_fault((GFileError)wrong->code),
				    "%s: its manifest names it, but it cannot be read: %s", name, wrong->message);
		return FALSE;
	}
	if (there != bytes) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: %" G_GUINT64_FORMAT " bytes; its manifest says %" G_GUINT64_FORMAT, name,
			    there, bytes);
		return FALSE;
	}
	if (g_strcmp0(sum, sha256) == 0)
		return TRUE;
	g_set_error(error, FAULT, FAULT_DATA, "%s: its checksum is wrong: the file is damaged", name);
	return FALSE;
}

/* role NULL: all its files */
static gboolean manifest_right(const char *folder, JsonObject *manifest, const char *role, GError **error)
{
	if (json_whole(manifest, "format", -1) != FORMAT) {
		g_set_error(error, FAULT, FAULT_DATA, "made by another version of blindrun");
		return FALSE;
	}
	JsonObject *files = json_child(manifest, "files");
	if (files == NULL || json_object_get_size(files) == 0) {
		g_set_error(error, FAULT, FAULT_DATA, "the manifest names no files");
		return FALSE;
	}
	if (role != NULL)
		return check_file(folder, manifest, role, error);
	g_autoptr(GList) roles = json_object_get_members(files);
	for (GList *r = roles; r != NULL; r = r->next)
		if (!check_file(folder, manifest, r->data, error))
			return FALSE;
	return TRUE;
}

/* What the disk does not give is asked for again, so many times: it may be away for a moment. */
static gboolean ask_again(int tried, int tries, const GError *wrong)
{
	enum { PAUSE_S = 2 };

	if (tried >= tries || stop_asked() != NULL || !g_error_matches(wrong, FAULT, FAULT_FAILED))
		return FALSE;
	g_usleep(PAUSE_S * G_USEC_PER_SEC);
	return TRUE;
}

gboolean model_folder_check(const char *folder, JsonObject *manifest, const char *role, GError **error)
{
	for (int i = 1;; i++) {
		g_autoptr(GError) wrong = NULL;
		if (check_file(folder, manifest, role, &wrong))
			return TRUE;
		if (ask_again(i, READER_TRIES, wrong))
			continue;
		g_propagate_error(error, g_steal_pointer(&wrong));
		return FALSE;
	}
}

static JsonObject *read_right(const char *folder, const char *name, const char *role, int tries, GError **error)
{
	for (int i = 1;; i++) {
		g_autoptr(GError) wrong = NULL;
		g_autoptr(JsonObject) manifest = manifest_read(folder, name, &wrong);
		if (manifest != NULL && manifest_right(folder, manifest, role, &wrong))
			return g_steal_pointer(&manifest);
		if (ask_again(i, tries, wrong))
			continue;
		g_propagate_error(error, g_steal_pointer(&wrong));
		return NULL;
	}
}

/* to_write: where the disk does not give one that is there, nothing else is taken for the newest: FAULT_FAILED. */
static JsonObject *open_newest(const char *folder, const char *role, gboolean to_write, GPtrArray *notes, GError **error)
{
	const char *const names[] = { MANIFEST, BEFORE };
	g_autoptr(GError) first = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GError) wrong = NULL;
		g_autoptr(JsonObject) manifest = read_right(folder, names[i], role, to_write ? WRITER_TRIES : READER_TRIES, &wrong);
		if (manifest == NULL && to_write && g_error_matches(wrong, FAULT, FAULT_FAILED)) {
			g_propagate_prefixed_error(error, g_steal_pointer(&wrong), "the model in '%s' is left as it is (move it away, or "
						   "set another paths.model): ", folder);
			return NULL;
		}
		if (manifest != NULL) {
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

JsonObject *model_folder_open(const char *folder, const char *role, GPtrArray *notes, GError **error)
{
	return open_newest(folder, role, FALSE, notes, error);
}

static struct role role_of(const char *name, guint member)
{
	struct role role;

	if (member == 0)
		g_strlcpy(role.name, name, sizeof role.name);
	else
		g_snprintf(role.name, sizeof role.name, "%s%u", name, member + 1);
	return role;
}

struct role model_folder_weights(guint member) { return role_of("weights", member); }
struct role model_folder_bags(guint member) { return role_of("attention", member); }

char *model_folder_path(const char *folder, JsonObject *manifest, const char *role, GError **error)
{
	const char *name, *sha256;
	guint64 bytes;

	return entry_of(manifest, role, &name, &sha256, &bytes, error) ? g_build_filename(folder, name, NULL) : NULL;
}

/* FALSE: it is there, and cannot be read. */
static gboolean names_of(const char *folder, const char *manifest, GHashTable *names)
{
	g_autoptr(GError) wrong = NULL;
	g_autoptr(JsonObject) json = manifest_read(folder, manifest, &wrong);
	JsonObject *files = json_child(json, "files");
	g_autoptr(GList) roles = files != NULL ? json_object_get_members(files) : NULL;

	for (GList *role = roles; role != NULL; role = role->next) {
		const char *name, *sha256;
		guint64 bytes;
		if (entry_of(json, role->data, &name, &sha256, &bytes, NULL))
			g_hash_table_add(names, g_strdup(name));
	}
	return wrong == NULL || g_error_matches(wrong, G_FILE_ERROR, G_FILE_ERROR_NOENT);
}

/* "weights-000420.safetensors", "weights-000420-1.safetensors": a name that a save gives. */
static gboolean ours(const char *name)
{
	return g_regex_match_simple("^[a-z]+[0-9]*-[0-9]{6,}(-[0-9]+)?\\.safetensors$", name, 0, 0);
}

/* Removes files of ours that no manifest names: what an earlier save, or one that was killed, left. A manifest that cannot be read
   now may be there again at the next save. */
static void sweep(const char *folder)
{
	g_autoptr(GHashTable) named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;

	if (!names_of(folder, MANIFEST, named) || !names_of(folder, BEFORE, named))
		return;
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		if (!ours(name) || g_hash_table_contains(named, name))
			continue;
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_unlink(path);
	}
}

static gboolean write_manifest(const char *folder, const char *name, JsonObject *manifest, GError **error)
{
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
	g_autoptr(JsonGenerator) generator = json_generator_new();
	gsize length;

	json_node_set_object(root, manifest);
	json_generator_set_pretty(generator, TRUE);
	json_generator_set_root(generator, root);
	g_autofree char *path = g_build_filename(folder, name, NULL), *text = json_generator_to_data(generator, &length);
	g_autoptr(JsonObject) back = json_parse(text, length, name, error);     /* within what a reader takes? */
	return back != NULL && g_file_set_contents_full(path, text, (gssize)length,
					G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644, error);
}

static gboolean fail(GError **error, const char *doing, const char *path)
{
	int number = errno;

	g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(number), "cannot %s '%s': %s", doing, path,
		    g_strerror(number));
	return FALSE;
}

/* The manifest, and that before in its own place where it is of other weights: what needs room is done first. */
static gboolean write_manifests(const struct model_folder *f, JsonObject *manifest, gboolean replace, GError **error)
{
	g_autofree char *beside = g_build_filename(f->path, BESIDE, NULL), *path = g_build_filename(f->path, MANIFEST, NULL);

	if (write_manifest(f->path, BESIDE, manifest, error) && (!replace || write_manifest(f->path, BEFORE, f->now, error)) &&
	    (g_rename(beside, path) == 0 || fail(error, "rename", beside))) {
		if (f->fd >= 0)
			fsync(f->fd);
		return TRUE;
	}
	g_unlink(beside);
	return FALSE;
}

static gboolean probe(const char *folder, GError **error)
{
	g_autofree char *path = g_build_filename(folder, "probe.tmp", NULL);

	if (g_mkdir_with_parents(folder, 0755) != 0)
		return fail(error, "make", folder);
	int fd = g_open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(error, "write into", folder);
	g_close(fd, NULL);
	g_unlink(path);
	return TRUE;
}

/* Where the file system knows no locks, there is none. */
static gboolean lock(struct model_folder *f, GError **error)
{
	f->fd = g_open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (f->fd < 0 || flock(f->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return TRUE;
	g_set_error(error, FAULT, FAULT_FAILED, "another train writes to '%s': wait for its end, or set another paths.model",
		    f->path);
	return FALSE;
}

/* Has it no manifest at all? */
static gboolean empty(const char *folder)
{
	g_autofree char *now = g_build_filename(folder, MANIFEST, NULL), *before = g_build_filename(folder, BEFORE, NULL);

	return !g_file_test(now, G_FILE_TEST_EXISTS) && !g_file_test(before, G_FILE_TEST_EXISTS);
}

struct model_folder *model_folder_take(const char *path, GPtrArray *notes, GError **error)
{
	g_autoptr(model_folder_t) f = g_new0(struct model_folder, 1);
	g_autoptr(GError) unusable = NULL;

	f->path = g_strdup(path);
	f->fd = -1;
	if (!probe(path, error) || !lock(f, error))
		return NULL;
	f->now = open_newest(path, NULL, TRUE, notes, &unusable);
	f->whole = f->now != NULL;
	if (!f->whole && !g_error_matches(unusable, FAULT, FAULT_FAILED)) {
		g_clear_error(&unusable);
		f->now = open_newest(path, "weights", TRUE, NULL, &unusable);
	}
	if (g_error_matches(unusable, FAULT, FAULT_FAILED)) {   /* saves would replace it */
		g_propagate_error(error, g_steal_pointer(&unusable));
		return NULL;
	}
	if (unusable != NULL && notes != NULL && !empty(path))
		g_ptr_array_add(notes, g_strdup_printf("%s: it is not gone on with, and the first save replaces it",
						       unusable->message));
	return g_steal_pointer(&f);
}

void model_folder_give(struct model_folder *f)
{
	if (f == NULL)
		return;
	if (f->fd >= 0)
		g_close(f->fd, NULL);
	g_clear_pointer(&f->now, json_object_unref);
	g_free(f->path);
	g_free(f);
}

JsonObject *model_folder_now(const struct model_folder *f) { return f->now; }
gboolean model_folder_whole(const struct model_folder *f) { return f->whole; }
const char *model_folder_at(const struct model_folder *f) { return f->path; }

/* *stays: a file of the manifest as it is stands in this one too. */
static gboolean write_files(struct model_folder *folder, guint64 step, const struct model_part *parts, guint n,
			    JsonObject *files, gboolean *stays, GError **error)
{
	JsonObject *old = folder->now == NULL ? NULL : json_child(folder->now, "files");

	for (guint i = 0; i < n;) {
		const char *role = parts[i].role;
		if (parts[i].tensors == NULL) {
			i++;
			if (old == NULL || !json_object_has_member(old, role))
				continue;
			*stays = TRUE;
			json_object_set_member(files, role, json_node_copy(json_object_get_member(old, role)));
			continue;
		}
		struct file f;
		file_open(&f, parts + i, n - i);
		JsonObject *entry = file_write(&f, folder->path, step, error);
		i += f.n;
		file_clear(&f);
		if (entry == NULL)
			return FALSE;
		json_object_set_object_member(files, role, entry);
	}
	return TRUE;
}

static void add_member(JsonObject *from, const char *name, JsonNode *node, gpointer to)
{
	(void)from;
	json_object_set_member(to, name, json_node_copy(node));
}

gboolean model_folder_save(struct model_folder *folder, guint64 step, const struct model_part *parts, guint n,
			   const JsonObject *about, GError **error)
{
	g_autoptr(JsonObject) manifest = json_object_new();
	JsonObject *files = json_object_new();
	gboolean stays = FALSE;

	json_object_foreach_member((JsonObject *)about, add_member, manifest);
	json_object_set_int_member(manifest, "format", FORMAT);
	json_object_set_string_member(manifest, "blindrun", BLINDRUN_VERSION);
	json_object_set_object_member(manifest, "files", files);
	gboolean ok = g_mkdir_with_parents(folder->path, 0755) == 0 || fail(error, "make", folder->path);
	ok = ok && write_files(folder, step, parts, n, files, &stays, error) &&
	     write_manifests(folder, manifest, !stays && folder->now != NULL, error);
	if (ok) {
		g_clear_pointer(&folder->now, json_object_unref);
		folder->now = g_steal_pointer(&manifest);
		folder->whole = TRUE;
	}
	sweep(folder->path);
	return ok;
}
