/* model_manifest.c - see model_manifest.h; and what model_folder.h has to read. */
#include "common/checkpoint/model_manifest.h"
#include "common/checkpoint/json.h"
#include "common/checkpoint/model_folder.h"
#include "common/checkpoint/sha256.h"
#include "common/fault/fault.h"
#include "common/machine/stop.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READER_TRIES = 3, WRITER_TRIES = 11 };

/* What a disk does not give may be there again after a while: FAULT_FAILED. What is no file, or not for us: FAULT_DATA. */
static enum fault reading_fault(GFileError code)
{
	return code == G_FILE_ERROR_INVAL || code == G_FILE_ERROR_ACCES || code == G_FILE_ERROR_PERM || code == G_FILE_ERROR_NOTDIR ||
	       code == G_FILE_ERROR_LOOP || code == G_FILE_ERROR_NAMETOOLONG ? FAULT_DATA : FAULT_FAILED;
}

JsonObject *manifest_read(const char *folder, const char *name, GError **error)
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

/* An entry of "files", its members checked: a name without folders. */
struct entry { const char *name, *sha256; guint64 bytes; };

static gboolean entry_of(JsonObject *manifest, const char *role, struct entry *out, GError **error)
{
	JsonObject *entry = json_child(json_child(manifest, "files"), role);
	const gint64 size = json_whole(entry, "bytes", -1);

	*out = (struct entry){ json_text(entry, "name", NULL), json_text(entry, "sha256", NULL), (guint64)MAX(size, 0) };
	if (out->name == NULL || out->sha256 == NULL || size < 0 || strchr(out->name, '/') != NULL || out->name[0] == '.') {
		g_set_error(error, FAULT, FAULT_DATA, "the manifest names no %s", role);
		return FALSE;
	}
	return TRUE;
}

static gboolean check_file(const char *folder, JsonObject *manifest, const char *role, GError **error)
{
	struct entry e;

	if (!entry_of(manifest, role, &e, error))
		return FALSE;
	g_autofree char *path = g_build_filename(folder, e.name, NULL);
	g_autoptr(GError) wrong = NULL;
	guint64 there = 0;
	g_autofree char *sum = sha256_of_file(path, &there, &wrong);
	if (sum == NULL) {
		if (g_error_matches(wrong, G_FILE_ERROR, G_FILE_ERROR_NOENT))
			g_set_error(error, FAULT, FAULT_DATA, "%s: its manifest names it, but it is not there", e.name);
		else
			g_set_error(error, FAULT, reading_fault((GFileError)wrong->code),
				    "%s: its manifest names it, but it cannot be read: %s", e.name, wrong->message);
		return FALSE;
	}
	if (there != e.bytes) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: %" G_GUINT64_FORMAT " bytes; its manifest says %" G_GUINT64_FORMAT, e.name,
			    there, e.bytes);
		return FALSE;
	}
	if (g_strcmp0(sum, e.sha256) == 0)
		return TRUE;
	g_set_error(error, FAULT, FAULT_DATA, "%s: its checksum is wrong: the file is damaged", e.name);
	return FALSE;
}

/* role NULL: all its files */
static gboolean manifest_right(const char *folder, JsonObject *manifest, const char *role, GError **error)
{
	if (json_whole(manifest, "format", -1) != MANIFEST_FORMAT) {
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

JsonObject *manifest_newest(const char *folder, const char *role, gboolean to_write, GPtrArray *notes, GError **error)
{
	const char *const names[] = { MANIFEST_NOW, MANIFEST_BEFORE };
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
	return manifest_newest(folder, role, FALSE, notes, error);
}

char *model_folder_path(const char *folder, JsonObject *manifest, const char *role, GError **error)
{
	struct entry e;

	return entry_of(manifest, role, &e, error) ? g_build_filename(folder, e.name, NULL) : NULL;
}

gboolean manifest_names(const char *folder, const char *manifest, GHashTable *names)
{
	g_autoptr(GError) wrong = NULL;
	g_autoptr(JsonObject) json = manifest_read(folder, manifest, &wrong);
	JsonObject *files = json_child(json, "files");
	g_autoptr(GList) roles = files != NULL ? json_object_get_members(files) : NULL;

	for (GList *role = roles; role != NULL; role = role->next) {
		struct entry e;
		if (entry_of(json, role->data, &e, NULL))
			g_hash_table_add(names, g_strdup(e.name));
	}
	return wrong == NULL || g_error_matches(wrong, G_FILE_ERROR, G_FILE_ERROR_NOENT);
}
