/*
 * safetensors_write.c - see safetensors.h: writes a file in one pass, summing as it goes. What the reader
 * would refuse is refused before there is a file; what fails later leaves none.
 */
#include "common/checkpoint/safetensors.h"
#include "common/checkpoint/safetensors_header.h"
#include "common/checkpoint/sha256.h"
#include "common/fault/fault.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

struct writer {
	const char *path;
	int fd;
	struct sha256 *sha;
	guint64 size;
};

static gboolean write_failed(const struct writer *w, const char *doing, int code, GError **error)
{
	if (code == ENOSPC || code == EDQUOT || code == EFBIG)
		g_set_error(error, FAULT, FAULT_ROOM, "%s: %s: %s", w->path, doing, g_strerror(code));
	else
		g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(code), "%s: %s: %s", w->path,
			    doing, g_strerror(code));
	return FALSE;
}

static gboolean write_bytes(struct writer *w, const void *data, gsize size, GError **error)
{
	const guchar *at = data;
	while (size > 0) {
		gsize part = MIN(size, (gsize)1 << 20); /* summed while it is in the cache */
		gssize done = write(w->fd, at, part);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return write_failed(w, "writing", errno, error);
		sha256_add(w->sha, at, (gsize)done);
		at += done;
		size -= (gsize)done;
		w->size += (guint64)done;
	}
	return TRUE;
}

static void append_text(GString *to, const char *text)
{
	g_string_append_c(to, '"');
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			g_string_append_c(to, '\\');
		if ((guchar)*c < 0x20)
			g_string_append_printf(to, "\\u%04x", *c);
		else
			g_string_append_c(to, *c);
	}
	g_string_append_c(to, '"');
}

/* The header with its length before it, padded with blanks so that the data begins at a multiple of 8. */
static GString *make_header(const struct safetensor *tensors, guint n, const char *const *metadata,
			    gsize *sizes)
{
	GString *text = g_string_new("12345678{");
	guint64 at = 0;
	for (guint i = 0; metadata != NULL && metadata[i] != NULL; i += 2) {
		g_string_append(text, i == 0 ? "\"__metadata__\":{" : ",");
		append_text(text, metadata[i]);
		g_string_append_c(text, ':');
		append_text(text, metadata[i + 1]);
		if (metadata[i + 2] == NULL)
			g_string_append_c(text, '}');
	}
	for (guint i = 0; i < n; i++) {
		const struct safetensor *t = &tensors[i];
		if (text->str[text->len - 1] == '}')
			g_string_append_c(text, ',');
		append_text(text, t->name);
		g_string_append_printf(text, ":{\"dtype\":\"%s\",\"shape\":[", safetensors_type_name(t->type));
		for (int d = 0; d < t->shape.n; d++)
			g_string_append_printf(text, "%s%" G_GINT64_FORMAT, d == 0 ? "" : ",", t->shape.d[d]);
		g_string_append_printf(text, "],\"data_offsets\":[%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]}",
				       at, at + sizes[i]);
		at += sizes[i];
	}
	g_string_append_c(text, '}');
	while (text->len % 8 != 0)
		g_string_append_c(text, ' ');
	guint64 length = text->len - 8;
	memcpy(text->str, &length, 8);
	return text;
}

/* What the reader would refuse is refused here, before there is a file. */
static gboolean check_tensors(const char *path, const struct safetensor *tensors, guint n, gsize *sizes,
			      GError **error)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < n; i++) {
		const struct safetensor *t = &tensors[i];
		const char *wrong = NULL;
		gboolean fits = t->shape.n >= 0 && t->shape.n <= 5;
		for (int d = 0; fits && d < t->shape.n; d++)
			fits = t->shape.d[d] >= 0;
		if (safetensors_name_fault(t->name) != NULL || !g_utf8_validate(t->name, -1, NULL) ||
		    strcmp(t->name, "__metadata__") == 0)
			wrong = "no name for a tensor";
		else if (safetensors_type_name(t->type) == NULL)
			wrong = "no such dtype";
		else if (!fits || !safetensors_size(t->type, t->shape, &sizes[i]))
			wrong = "no such shape";
		else if (!g_hash_table_add(names, (gpointer)(guintptr)t->name))
			wrong = "a second one of that name";
		if (wrong != NULL) {
			g_set_error(error, FAULT, FAULT_FAILED, "%s: tensor '%s': %s", path, t->name, wrong);
			return FALSE;
		}
	}
	return TRUE;
}

static gboolean write_tensors(struct writer *w, const struct safetensor *tensors, const gsize *sizes, guint n,
			      safetensors_source source, void *context, GError **error)
{
	for (guint i = 0; i < n; i++) {
		const void *data = sizes[i] == 0 ? NULL : source(context, i, error);
		if (sizes[i] > 0 && data == NULL) {
			g_prefix_error(error, "%s: tensor '%s': ", w->path, tensors[i].name);
			return FALSE;
		}
		if (!write_bytes(w, data, sizes[i], error))
			return FALSE;
	}
	return TRUE;
}

/* The name must last as well as the bytes. */
static void sync_folder(const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd); /* some file systems cannot, and need not */
		close(fd);
	}
}

gboolean safetensors_write(const char *path, const struct safetensor *tensors, guint n,
			   const char *const *metadata, safetensors_source source, void *context,
			   char **sha256, guint64 *size, GError **error)
{
	g_autofree gsize *sizes = g_new0(gsize, n);
	if (!check_tensors(path, tensors, n, sizes, error))
		return FALSE;
	g_autoptr(GString) header = make_header(tensors, n, metadata, sizes);
	g_autoptr(sha256_t) sha = sha256_new();
	struct writer w = { path, -1, sha, 0 };
	w.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (w.fd < 0)
		return write_failed(&w, "creating", errno, error);
	gboolean good = write_bytes(&w, header->str, header->len, error) &&
			write_tensors(&w, tensors, sizes, n, source, context, error);
	if (good && fsync(w.fd) != 0)
		good = write_failed(&w, "writing", errno, error);
	if (close(w.fd) != 0 && good)
		good = write_failed(&w, "writing", errno, error);
	if (!good) {
		g_unlink(path);
		return FALSE;
	}
	sync_folder(path);
	if (sha256 != NULL)
		*sha256 = sha256_text(sha);
	if (size != NULL)
		*size = w.size;
	return TRUE;
}
