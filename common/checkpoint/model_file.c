/* model_file.c - see model_file.h; and what model_folder.h has of restoring one. */
#include "common/checkpoint/model_file.h"
#include "common/fault/fault.h"

static gsize type_size(enum dtype type)
{
	return type == T_F32 ? 4 : type == T_I64 || type == T_F64 ? 8 : type == T_F16 || type == T_BF16 ? 2 : 1;
}

void model_file_open(struct model_file *f, const struct model_part *parts, guint n)
{
	*f = (struct model_file){ .parts = parts };
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

void model_file_clear(struct model_file *f)
{
	for (guint i = 0; i < f->count; i++)
		g_free((char *)f->views[i].name);
	g_free(f->views);
	g_free(f->tensors);
	g_free(f->buffer);
}

guint64 model_folder_bytes(const struct model_part *parts, guint n)
{
	struct model_file f;
	guint64 bytes = 0;

	for (guint i = 0; i < n; i += MAX(f.n, 1)) {
		model_file_open(&f, parts + i, n - i);
		bytes += f.bytes;
		model_file_clear(&f);
	}
	return bytes;
}

static const void *tensor_bytes(void *context, guint i, GError **error)
{
	struct model_file *f = context;
	const char *message;

	SCOPE(s, NULL, SCOPE_NO_GRAD);
	t_read(s, f->tensors[i], f->buffer, f->views[i].size);
	if (scope_error(s, &message) == SCOPE_OK)
		return f->buffer;
	g_set_error(error, FAULT, FAULT_FAILED, "tensor %s: %s", f->views[i].name, message);
	return NULL;
}

JsonObject *model_file_write(struct model_file *f, const char *folder, guint64 step, GError **error)
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
static gboolean match(const struct safetensors *from, const struct model_file *f, const struct safetensor **found, GError **error)
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
		struct model_file f;
		model_file_open(&f, parts + i, n - i);
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
		model_file_clear(&f);
	}
	if (!ok) {
		g_autofree char *name = g_path_get_basename(path);
		g_prefix_error(error, "%s: ", name);
	}
	return ok;
}
