/* model_folder.c - see model_folder.h. */
#include "common/checkpoint/model_folder.h"
#include "common/checkpoint/json.h"
#include "common/checkpoint/model_file.h"
#include "common/checkpoint/model_manifest.h"
#include "common/config/options.h"
#include "common/fault/fault.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <unistd.h>

#define BESIDE "model.new.json"

struct model_folder {
	char *path;
	int fd;                 /* of the folder, locked; -1: none */
	JsonObject *now;
	gboolean whole;
};

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

	if (!manifest_names(folder, MANIFEST_NOW, named) || !manifest_names(folder, MANIFEST_BEFORE, named))
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
	g_autofree char *beside = g_build_filename(f->path, BESIDE, NULL), *path = g_build_filename(f->path, MANIFEST_NOW, NULL);

	if (write_manifest(f->path, BESIDE, manifest, error) && (!replace || write_manifest(f->path, MANIFEST_BEFORE, f->now, error)) &&
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
	g_autofree char *now = g_build_filename(folder, MANIFEST_NOW, NULL), *before = g_build_filename(folder, MANIFEST_BEFORE, NULL);

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
	f->now = manifest_newest(path, NULL, TRUE, notes, &unusable);
	f->whole = f->now != NULL;
	if (!f->whole && !g_error_matches(unusable, FAULT, FAULT_FAILED)) {
		g_clear_error(&unusable);
		f->now = manifest_newest(path, "weights", TRUE, NULL, &unusable);
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
		struct model_file f;
		model_file_open(&f, parts + i, n - i);
		JsonObject *entry = model_file_write(&f, folder->path, step, error);
		i += f.n;
		model_file_clear(&f);
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
	json_object_set_int_member(manifest, "format", MANIFEST_FORMAT);
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
