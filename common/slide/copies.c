/* copies.c - see copies.h. */
#include "common/slide/copies.h"
#include "common/fault/fault.h"
#include "common/machine/jobs.h"
#include "common/machine/remove_tree.h"
#include "common/machine/room.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "blindrun-slides"
#define PART ".part"
enum { HASH = 32 /* letters */ };

enum result { WAITS, COPIED, TAKEN, NO_ROOM, FAILED };

struct copies {
	char *folder;
	int lock;               /* a descriptor of it, or -1 */
	guint64 bytes, used;    /* that copies may take, and take; used is of the job under way */
	struct slide **slides;  /* (n) or NULL */
	guint n;
	enum result *results;   /* (n) this and what follows: of the slide's job */
	GError **errors;        /* (n) */
	GCancellable **stops;   /* (n) */
	gint ending;            /* atomic */
	double patience;        /* s */
	struct jobs *jobs;
	GThread *watch;         /* it gives up what hangs */
};

/* A slide's copy, as the thread that makes it has it: all its own. */
struct copying {
	char *path, *target;    /* the slide's; HASH below copies->folder */
	guint64 bytes, used;    /* as those of struct copies */
	GCancellable *stop;
	enum result result;
	GError *error;
};

/* ---- a slide's files ---- */

/* Adds a file of the slide, told by its path below the slide's folder. */
static gboolean add_file(const char *top, const char *name, GPtrArray *files)
{
	g_autofree char *path = g_build_filename(top, name, NULL);
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return FALSE;
	g_ptr_array_add(files, g_strdup(name));
	return TRUE;
}

/* The slide's file, and what the folder of an .mrxs file holds, by their paths below the folder that it is in. */
static GPtrArray *files_of(const char *path, const char *top)
{
	GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *name = g_path_get_basename(path), *stem = slide_id(path), *folder = g_build_filename(top, stem, NULL);
	g_autoptr(GDir) dir = g_str_has_suffix(name, ".mrxs") ? g_dir_open(folder, 0, NULL) : NULL;

	add_file(top, name, files);
	for (const char *entry; dir != NULL && (entry = g_dir_read_name(dir)) != NULL;) {
		g_autofree char *below = g_build_filename(stem, entry, NULL);
		add_file(top, below, files);
	}
	return files;
}

/* Bytes of files below a folder; of those, how many are in `like` as large and as old. */
static guint64 measure(const char *top, const GPtrArray *files, const char *like, guint *alike)
{
	guint64 bytes = 0;

	*alike = 0;
	for (guint i = 0; i < files->len; i++) {
		g_autofree char *path = g_build_filename(top, files->pdata[i], NULL);
		g_autofree char *twin = g_build_filename(like, files->pdata[i], NULL);
		struct stat st, other;
		if (stat(path, &st) != 0)
			continue;
		bytes += (guint64)st.st_size;
		*alike += stat(twin, &other) == 0 && other.st_size == st.st_size && other.st_mtime == st.st_mtime;
	}
	return bytes;
}

static guint64 bytes_below(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	guint64 bytes = 0;

	for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
		g_autofree char *entry = g_build_filename(path, name, NULL);
		struct stat st;
		if (lstat(entry, &st) == 0)
			bytes += S_ISDIR(st.st_mode) ? bytes_below(entry) : (guint64)st.st_size;
	}
	return bytes;
}

/* ---- a slide, in the thread ---- */

static void get_on(goffset now, goffset all, gpointer user)
{
	(void)now, (void)all, (void)user;
	jobs_get_on();
}

static gboolean fail(GError **error)
{
	const int code = errno;

	g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(code), "its copy: %s", g_strerror(code));
	return FALSE;
}

/* To the disk itself: a file system that was cut off may else have its size without its bytes. */
static gboolean settle(const char *path, GError **error)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	gboolean ok = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP);

	if (!ok)
		fail(error);
	if (fd >= 0)
		close(fd);
	return ok;
}

static gboolean copy_file(const char *from, const char *to, GCancellable *stop, GError **error)
{
	g_autoptr(GFile) source = g_file_new_for_path(from), copy = g_file_new_for_path(to);
	g_autofree char *above = g_path_get_dirname(to);

	return (g_mkdir_with_parents(above, 0700) == 0 || fail(error)) &&
	       g_file_copy(source, copy, G_FILE_COPY_OVERWRITE | G_FILE_COPY_ALL_METADATA, stop, get_on, NULL, error) &&
	       settle(to, error);
}

static gboolean copy_files(const struct copying *c, const char *top, const GPtrArray *files, GError **error)
{
	g_autofree char *part = g_strconcat(c->target, PART, NULL);
	gboolean ok = TRUE;

	for (guint i = 0; ok && i < files->len; i++) {
		g_autofree char *from = g_build_filename(top, files->pdata[i], NULL), *to = g_build_filename(part, files->pdata[i], NULL);
		ok = copy_file(from, to, c->stop, error);
	}
	if (ok && (g_rename(part, c->target) == 0 || fail(error)))
		return TRUE;
	remove_tree(part);
	return FALSE;
}

static void copy_slide(gpointer data)
{
	struct copying *c = data;
	g_autofree char *top = g_path_get_dirname(c->path), *folder = g_path_get_dirname(c->target);
	g_autoptr(GPtrArray) files = files_of(c->path, top);
	guint alike;
	const guint64 bytes = measure(top, files, c->target, &alike), there = bytes_below(c->target);

	if (g_cancellable_is_cancelled(c->stop))
		return;
	if (files->len > 0 && alike == files->len && c->used <= c->bytes) {
		c->result = TAKEN;
		return;
	}
	remove_tree(c->target);
	c->used -= MIN(there, c->used);
	const gint64 room = room_disk(folder);
	if (c->used + bytes > c->bytes || (room >= 0 && (guint64)room < bytes + COPIES_SPARE)) {
		c->result = NO_ROOM;
	} else if (copy_files(c, top, files, &c->error)) {
		c->result = COPIED;
		c->used += bytes;
	} else if (!g_cancellable_is_cancelled(c->stop)) {
		c->result = FAILED;
	}
}

static char *target_of(const struct copies *all, const char *path)
{
	g_autofree char *whole = g_canonicalize_filename(path, NULL), *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, whole, -1);

	hash[HASH] = '\0';
	return g_build_filename(all->folder, hash, NULL);
}

static gpointer begin_copying(gpointer what, gpointer user)
{
	const struct copies *all = user;
	struct copying *c = g_new0(struct copying, 1);
	const char *path = all->slides[GPOINTER_TO_UINT(what)]->path;

	c->path = g_strdup(path);
	c->target = target_of(all, path);
	c->bytes = all->bytes;
	c->used = all->used;
	c->stop = g_object_ref(all->stops[GPOINTER_TO_UINT(what)]);
	return c;
}

static void drop_copying(gpointer data)
{
	struct copying *c = data;

	g_free(c->path);
	g_free(c->target);
	g_clear_error(&c->error);
	g_object_unref(c->stop);
	g_free(c);
}

static void take_copying(gpointer what, gpointer data, gpointer user)
{
	struct copies *all = user;
	struct copying *c = data;
	const guint i = GPOINTER_TO_UINT(what);
	g_autofree char *name = g_path_get_basename(c->path), *copy = g_build_filename(c->target, name, NULL);

	all->used = c->used;
	all->results[i] = c->result;
	if (c->result == FAILED)
		all->errors[i] = g_steal_pointer(&c->error);
	if (c->result == COPIED || c->result == TAKEN)
		slide_move(all->slides[i], copy);
	drop_copying(c);
}

static gpointer watch(gpointer data)
{
	struct copies *all = data;
	gpointer what;
	gboolean late;

	while (jobs_pop(all->jobs, TRUE, &what, &late)) {
		const guint i = GPOINTER_TO_UINT(what);
		if (!late || g_atomic_int_get(&all->ending))
			continue;
		g_cancellable_cancel(all->stops[i]);    /* should it come back */
		all->results[i] = FAILED;
		all->errors[i] = g_error_new(FAULT, FAULT_DATA, "reading it to copy it hung for %g s", all->patience);
	}
	return NULL;
}

/* ---- all of them ---- */

/* Removes what is half, and what is of none of the slides. */
static void sweep(const struct copies *all)
{
	g_autoptr(GHashTable) ours = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GDir) dir = g_dir_open(all->folder, 0, NULL);

	for (guint i = 0; i < all->n; i++)
		if (all->slides[i] != NULL)
			g_hash_table_add(ours, target_of(all, all->slides[i]->path));
	for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
		g_autofree char *path = g_build_filename(all->folder, name, NULL);
		if (!g_hash_table_contains(ours, path))
			remove_tree(path);
	}
}

static void copies_free(struct copies *all)
{
	if (all->lock >= 0)
		close(all->lock);
	for (guint i = 0; i < all->n; i++)
		g_object_unref(all->stops[i]);
	g_free(all->stops);
	g_free(all->folder);
	g_free(all->slides);
	g_free(all->results);
	for (guint i = 0; i < all->n; i++)
		g_clear_error(&all->errors[i]);
	g_free(all->errors);
	g_free(all);
}

/* Who else may put files there could put other slides there. */
static gboolean ours_alone(int folder)
{
	struct stat st;

	return fstat(folder, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

struct copies *copies_begin(const char *folder, guint64 bytes, double patience, struct slide *const *slides, guint n,
			    GError **error)
{
	static const struct jobs_kind kind = { "copy", 0, begin_copying, copy_slide, take_copying, drop_copying };
	struct copies *all = g_new0(struct copies, 1);

	*all = (struct copies){ .folder = g_build_filename(folder, NAME, NULL), .lock = -1, .bytes = bytes,
				.slides = g_memdup2(slides, n * sizeof *slides), .n = n, .results = g_new0(enum result, n),
				.errors = g_new0(GError *, n), .stops = g_new(GCancellable *, n), .patience = patience };
	for (guint i = 0; i < n; i++)
		all->stops[i] = g_cancellable_new();
	if (g_mkdir_with_parents(all->folder, 0700) != 0 || (all->lock = open(all->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0) {
		g_set_error(error, FAULT, FAULT_FAILED, "cannot make '%s': %s", all->folder, g_strerror(errno));
	} else if (!ours_alone(all->lock)) {
		g_set_error(error, FAULT, FAULT_FAILED, "'%s' belongs to somebody else, or others may write to it", all->folder);
	} else if (flock(all->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
		g_set_error(error, FAULT, FAULT_FAILED, "another run has '%s'", all->folder);
	} else {
		sweep(all);
		all->used = bytes_below(all->folder);
		all->jobs = jobs_new(1, all->patience, &kind, all);
		for (guint i = 0; i < n; i++)
			if (slides[i] != NULL)
				jobs_push(all->jobs, GUINT_TO_POINTER(i));
		all->watch = g_thread_try_new("copies", watch, all, NULL);
		return all;
	}
	copies_free(all);
	return NULL;
}

void copies_end(struct copies *all, gboolean keep, struct copies_report *report)
{
	guint counts[FAILED + 1] = { 0 };

	g_atomic_int_set(&all->ending, TRUE);
	for (guint i = 0; i < all->n; i++)
		g_cancellable_cancel(all->stops[i]);
	jobs_cancel(all->jobs);
	jobs_hurry_these(all->jobs);
	if (all->watch != NULL)
		g_thread_join(all->watch);
	else
		watch(all);
	jobs_free(all->jobs);
	for (guint i = 0; i < all->n; i++)
		counts[all->results[i]]++;
	*report = (struct copies_report){ counts[COPIED], counts[TAKEN], 0, counts[NO_ROOM], counts[FAILED], NULL };
	for (guint i = 0; i < all->n; i++) {
		if (all->slides[i] == NULL)
			continue;
		if (all->errors[i] != NULL && report->why == NULL)
			report->why = g_strdup_printf("slide '%s': %s", all->slides[i]->id, all->errors[i]->message);
		report->read += slide_moved(all->slides[i]) ? 1 : 0;
		if (!keep)
			slide_move(all->slides[i], NULL);
	}
	if (!keep)
		remove_tree(all->folder);
	copies_free(all);
}

void copies_report_clear(struct copies_report *report)
{
	g_clear_pointer(&report->why, g_free);
}
