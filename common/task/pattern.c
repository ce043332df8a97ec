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

struct candidate {
	struct pattern_match match;     /* first: it is what is handed out */
	gboolean exact;                 /* its ending is written as the pattern's */
};

/* Of one name the one that is to be taken first. */
static int by_name(gconstpointer a, gconstpointer b)
{
	const struct candidate *x = *(struct candidate *const *)a, *y = *(struct candidate *const *)b;
	const int names = strcmp(x->match.name, y->match.name);

	return names != 0 ? names : x->exact != y->exact ? y->exact - x->exact : strcmp(x->match.path, y->match.path);
}

static void drop_doubles(GPtrArray *found)
{
	guint kept = 0;

	g_ptr_array_sort(found, by_name);
	for (guint i = 0; i < found->len; i++) {
		struct candidate *c = found->pdata[i];
		if (kept > 0 && g_str_equal(((struct candidate *)found->pdata[kept - 1])->match.name, c->match.name))
			match_free(c);
		else
			found->pdata[kept++] = c;
	}
	g_ptr_array_set_free_func(found, NULL);
	g_ptr_array_set_size(found, (gint)kept);
	g_ptr_array_set_free_func(found, match_free);
}

/* But for the ASCII case of the ending, from the last dot on. */
static gboolean has_suffix(const char *text, const char *suffix)
{
	const gsize n = strlen(text), m = strlen(suffix);
	const char *dot = strrchr(suffix, '.'), *end = text + n - MIN(m, n);
	const gsize exact = dot != NULL ? (gsize)(dot - suffix) : m;

	return n >= m && strncmp(end, suffix, exact) == 0 && g_ascii_strcasecmp(end + exact, suffix + exact) == 0;
}

/* The file there, or the first that has another case in its ending alone; NULL: there is none. */
static char *find_file(const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path), *file = g_path_get_basename(path), *first = NULL;
	g_autoptr(GDir) dir = NULL;
	const char *entry;

	if (g_file_test(path, G_FILE_TEST_EXISTS))
		return g_strdup(path);
	dir = g_dir_open(folder, 0, NULL);
	while (dir != NULL && (entry = g_dir_read_name(dir)) != NULL)
		if (strlen(entry) == strlen(file) && has_suffix(entry, file) && (first == NULL || strcmp(entry, first) < 0)) {
			g_free(first);
			first = g_strdup(entry);
		}
	return first != NULL ? g_build_filename(folder, first, NULL) : NULL;
}

char *pattern_ending(const char *path)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash != NULL ? slash : path, '.');
	const char *end = dot != NULL ? dot : path + strlen(path);
	g_autofree char *stem = g_strndup(path, (gsize)(end - path)), *upper = g_ascii_strup(end, -1), *lower = g_ascii_strdown(end, -1);
	const char *const endings[] = { end, upper, lower };

	for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
		g_autofree char *there = g_strconcat(stem, endings[i], NULL);
		if (g_file_test(there, G_FILE_TEST_EXISTS))
			return g_steal_pointer(&there);
	}
	return NULL;
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
		    !has_suffix(entry, suffix))
			continue;
		g_autofree char *name = g_strndup(entry + strlen(prefix), strlen(entry) - around);
		g_autofree char *below = replace(end, NAME, name), *there = g_build_filename(folder, entry, NULL);
		g_autofree char *wanted = g_strconcat(there, below, NULL);
		char *path = *end == '\0' ? g_steal_pointer(&wanted) : find_file(wanted);
		if (path == NULL)
			continue;
		struct candidate *c = g_new(struct candidate, 1);
		*c = (struct candidate){ { g_steal_pointer(&name), path }, g_str_has_suffix(entry, suffix) };
		g_ptr_array_add(found, c);
	}
	drop_doubles(found);
	return found;
}
