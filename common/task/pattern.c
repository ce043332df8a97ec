/* pattern.c - see pattern.h. */
#include "common/task/pattern.h"
#include "common/fault/fault.h"

#define NAME "{name}"

static char *replace(const char *text, const char *what, const char *by)
{
	GString *out = g_string_new(text);

	g_string_replace(out, what, by, 0);
	return g_string_free(out, FALSE);
}

char *pattern_path(const char *root, const char *pattern, const char *class, const char *name)
{
	g_autofree char *classed = replace(pattern, "{class}", class != NULL ? class : "");
	g_autofree char *named = replace(classed, NAME, name);

	return g_build_filename(root, named, NULL);
}

static void match_free(gpointer data)
{
	struct pattern_match *m = data;

	g_free(m->name);
	g_free(m->path);
	g_free(m);
}

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp((*(struct pattern_match *const *)a)->name, (*(struct pattern_match *const *)b)->name);
}

GPtrArray *pattern_list(const char *root, const char *pattern, const char *class, GError **error)
{
	g_autofree char *classed = replace(pattern, "{class}", class != NULL ? class : "");
	g_autofree char *full = g_build_filename(root, classed, NULL);
	const char *at = strstr(full, NAME);
	const char *end = at != NULL ? at + strcspn(at, "/") : NULL, *entry;

	if (at == NULL || g_strstr_len(at + 1, end - at - 1, NAME) != NULL) {
		g_set_error(error, FAULT, FAULT_USAGE, "pattern '%s': expected " NAME ", and once in the part where it first stands", pattern);
		return NULL;
	}
	g_autofree char *before = g_strndup(full, (gsize)(at - full)), *folder = g_path_get_dirname(before);
	const char *prefix = strrchr(before, '/') != NULL ? strrchr(before, '/') + 1 : before;
	g_autofree char *suffix = g_strndup(at + strlen(NAME), (gsize)(end - at) - strlen(NAME));
	gsize around = strlen(prefix) + strlen(suffix);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
	if (dir == NULL)
		return NULL;
	GPtrArray *found = g_ptr_array_new_with_free_func(match_free);
	while ((entry = g_dir_read_name(dir)) != NULL) {
		if (entry[0] == '.' || strlen(entry) <= around || !g_str_has_prefix(entry, prefix) ||
		    !g_str_has_suffix(entry, suffix))
			continue;
		g_autofree char *name = g_strndup(entry + strlen(prefix), strlen(entry) - around);
		g_autofree char *below = replace(end, NAME, name), *there = g_build_filename(folder, entry, NULL);
		g_autofree char *path = g_strconcat(there, below, NULL);
		if (*end != '\0' && !g_file_test(path, G_FILE_TEST_EXISTS))
			continue;
		struct pattern_match *m = g_new(struct pattern_match, 1);
		*m = (struct pattern_match){ g_steal_pointer(&name), g_steal_pointer(&path) };
		g_ptr_array_add(found, m);
	}
	g_ptr_array_sort(found, by_name);
	return found;
}
