/*
 * safetensors.c - see safetensors.h: reads a file, and checks that shapes, types and offsets agree and that
 * the tensors cover the data, each byte once. Writing is in safetensors_write.c.
 */
#include "common/checkpoint/safetensors.h"
#include "common/checkpoint/safetensors_header.h"
#include "common/fault/fault.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

G_STATIC_ASSERT(G_BYTE_ORDER == G_LITTLE_ENDIAN); /* numbers are passed on as they lie in the file */

#define HEADER_MAX 100000000 /* bytes, as the reference implementation */

struct safetensors {
	GMappedFile *map;       /* or NULL: the caller's memory */
	char *text;             /* the header, decoded in place: all names and metadata lie in it */
	GArray *tensors;        /* struct safetensors_entry, in file order once checked */
	const struct safetensor **by_name; /* sorted; a sorted list, unlike a hash, has no bad cases */
	GArray *metadata;       /* struct safetensors_pair, sorted by key */
};

static int compare_offsets(gconstpointer a, gconstpointer b)
{
	const struct safetensors_entry *x = a, *y = b;
	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return strcmp(x->view.name, y->view.name);
}

static int compare_pairs(gconstpointer a, gconstpointer b)
{
	const struct safetensors_pair *x = a, *y = b;
	return strcmp(x->key, y->key);
}

static int compare_names(const void *a, const void *b)
{
	const struct safetensor *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

/* Sizes equal offsets, and the tensors cover the data: each begins where the one before it ends. */
static gboolean check_data(struct safetensors *file, const char *name, const guchar *data, gsize size,
			   GError **error)
{
	const char *before = NULL;
	guint64 at = 0;
	g_array_sort(file->tensors, compare_offsets);
	for (guint i = 0; i < file->tensors->len; i++) {
		struct safetensors_entry *e = &g_array_index(file->tensors, struct safetensors_entry, i);
		g_autofree char *wrong = NULL;
		if (!safetensors_size(e->view.type, e->view.shape, &e->view.size))
			wrong = g_strdup("its shape overflows");
		else if (e->end > size)
			wrong = g_strdup_printf("ends at byte %" G_GUINT64_FORMAT " of %" G_GSIZE_FORMAT
						" bytes of data", e->end, size);
		else if (e->begin > e->end || e->end - e->begin != e->view.size)
			wrong = g_strdup_printf("shape and dtype make %" G_GSIZE_FORMAT " bytes, but "
						"data_offsets are %" G_GUINT64_FORMAT " and %"
						G_GUINT64_FORMAT, e->view.size, e->begin, e->end);
		else if (e->begin < at)
			wrong = g_strdup_printf("overlaps '%s'", before);
		else if (e->begin > at)
			wrong = g_strdup_printf("begins at byte %" G_GUINT64_FORMAT " of the data, but what is "
						"before it ends at %" G_GUINT64_FORMAT, e->begin, at);
		if (wrong != NULL) {
			g_set_error(error, FAULT, FAULT_DATA, "%s: tensor '%s': %s", name, e->view.name, wrong);
			return FALSE;
		}
		e->view.data = data + e->begin;
		at = e->end;
		before = e->view.name;
	}
	if (at == size)
		return TRUE;
	g_set_error(error, FAULT, FAULT_DATA, "%s: %" G_GUINT64_FORMAT " bytes at the end belong to no tensor",
		    name, size - at);
	return FALSE;
}

static gboolean check_names(struct safetensors *file, const char *name, GError **error)
{
	guint n = file->tensors->len;
	file->by_name = g_new(const struct safetensor *, n);
	for (guint i = 0; i < n; i++)
		file->by_name[i] = safetensors_at(file, i);
	if (n > 1)
		qsort(file->by_name, n, sizeof *file->by_name, compare_names);
	for (guint i = 1; i < n; i++) {
		if (compare_names(&file->by_name[i - 1], &file->by_name[i]) == 0) {
			g_set_error(error, FAULT, FAULT_DATA, "%s: two tensors are named '%s'", name,
				    file->by_name[i]->name);
			return FALSE;
		}
	}
	g_array_sort(file->metadata, compare_pairs);
	for (guint i = 1; i < file->metadata->len; i++) {
		const struct safetensors_pair *pair = &g_array_index(file->metadata, struct safetensors_pair, i);
		if (compare_pairs(pair - 1, pair) == 0) {
			g_set_error(error, FAULT, FAULT_DATA, "%s: two metadata are named '%s'", name, pair->key);
			return FALSE;
		}
	}
	return TRUE;
}

struct safetensors *safetensors_parse(const void *data, gsize size, const char *name, GError **error)
{
	const guchar *bytes = data;
	guint64 header = 0;
	if (size < 8) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: not a safetensors file: %" G_GSIZE_FORMAT
			    " bytes long", name, size);
		return NULL;
	}
	memcpy(&header, bytes, 8);
	if (header > size - 8 && (memcmp(bytes, "PK\3\4", 4) == 0 || memcmp(bytes, "\200\2", 2) == 0)) { /* ZIP; an older one's pickle */
		g_set_error(error, FAULT, FAULT_DATA, "%s: not a safetensors file, but one of PyTorch's own: build/weights FILE --to "
			    "OUT.safetensors makes one of it", name);
		return NULL;
	}
	if (header > size - 8) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: not a safetensors file, or cut short: the header "
			    "should be %" G_GUINT64_FORMAT " bytes long, %" G_GSIZE_FORMAT " follow", name,
			    header, size - 8);
		return NULL;
	}
	if (header > HEADER_MAX) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: a header of %" G_GUINT64_FORMAT " bytes: at most "
			    G_STRINGIFY(HEADER_MAX) " are read", name, header);
		return NULL;
	}
	g_autoptr(safetensors_t) file = g_new0(struct safetensors, 1);
	file->text = g_malloc((gsize)header + 1); /* never NULL */
	memcpy(file->text, bytes + 8, (gsize)header);
	file->tensors = g_array_new(FALSE, FALSE, sizeof(struct safetensors_entry));
	file->metadata = g_array_new(FALSE, FALSE, sizeof(struct safetensors_pair));
	if (!safetensors_header_parse(file->text, (gsize)header, name, file->tensors, file->metadata, error) ||
	    !check_data(file, name, bytes + 8 + header, (gsize)(size - 8 - header), error) ||
	    !check_names(file, name, error))
		return NULL;
	return g_steal_pointer(&file);
}

struct safetensors *safetensors_open(const char *path, GError **error)
{
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make it wait */
	if (fd < 0 || fstat(fd, &info) != 0) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: %s", path, g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	if (!S_ISREG(info.st_mode)) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: not a file", path);
		close(fd);
		return NULL;
	}
	g_autoptr(GError) why = NULL;
	g_autoptr(GMappedFile) map = g_mapped_file_new_from_fd(fd, FALSE, &why);
	close(fd);
	if (map == NULL) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: %s", path, why->message);
		return NULL;
	}
	struct safetensors *file = safetensors_parse(g_mapped_file_get_contents(map),
						     g_mapped_file_get_length(map), path, error);
	if (file != NULL)
		file->map = g_steal_pointer(&map);
	return file;
}

void safetensors_close(struct safetensors *file)
{
	if (file == NULL)
		return;
	g_free(file->by_name);
	g_array_unref(file->tensors);
	g_array_unref(file->metadata);
	g_free(file->text);
	g_clear_pointer(&file->map, g_mapped_file_unref);
	g_free(file);
}

guint safetensors_count(const struct safetensors *file)
{
	return file->tensors->len;
}

const struct safetensor *safetensors_at(const struct safetensors *file, guint i)
{
	return i < file->tensors->len ? &g_array_index(file->tensors, struct safetensors_entry, i).view : NULL;
}

const struct safetensor *safetensors_find(const struct safetensors *file, const char *name)
{
	const struct safetensor wanted = { .name = name }, *key = &wanted;
	const struct safetensor *const *found =
		file->tensors->len == 0 ? NULL : bsearch(&key, file->by_name, file->tensors->len,
							 sizeof *file->by_name, compare_names);
	return found == NULL ? NULL : *found;
}

const char *safetensors_metadata(const struct safetensors *file, const char *key)
{
	struct safetensors_pair wanted = { key, NULL };
	guint i;
	if (!g_array_binary_search(file->metadata, &wanted, compare_pairs, &i))
		return NULL;
	return g_array_index(file->metadata, struct safetensors_pair, i).value;
}
