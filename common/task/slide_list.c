/*
 * slide_list.c - which slides there are: by folders, or by a labels table, as data.yaml has it. What cannot be used is left
 * out by name with its reason, and never ends a run that has others.
 */
#include "common/csv/csv_file.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/slide/annotation.h"
#include "common/task/pattern.h"
#include "common/task/slide_work.h"

enum { CSV_MAX = 64 * 1024 * 1024 };

void slide_note(struct work *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(w->notes, g_strdup_vprintf(format, args));
	va_end(args);
}

static void found_free(gpointer data)
{
	struct slide_found *f = data;

	g_free(f->id);
	g_free(f->path);
	g_free(f->mask_path);
	g_free(f->group);
	g_free(f);
}

static int found_by_id(gconstpointer a, gconstpointer b)
{
	return strcmp((*(struct slide_found *const *)a)->id, (*(struct slide_found *const *)b)->id);
}

/* ---- tables ---- */

struct table {
	struct work *work;
	GHashTable *rows;       /* case: value; NULL: its rows contradict each other */
	const char *file, *without; /* data.yaml's name of it; what becomes of a case that has no value */
	guint64 first;          /* line of the first row: it may be a header */
	guint64 short_line;     /* of the first row of one column */
	guint n_short;
	gboolean semicolons;    /* in it */
	gboolean flat;          /* a case is told by its file's name alone */
};

/* Does a slide's file have its name, rather than a folder that it is in? */
static gboolean is_flat(const char *pattern)
{
	const char *name = strstr(pattern, "{name}");

	return name != NULL && strchr(name, '/') == NULL;
}

int slide_class(const struct settings *s, const char *name)
{
	int like = -1;

	for (int i = 0; name != NULL && s->data.classes[i] != NULL; i++) {
		if (g_str_equal(s->data.classes[i], name))
			return i;
		if (like < 0 && g_ascii_strcasecmp(s->data.classes[i], name) == 0)
			like = i;
	}
	return like;
}

/* A case's file may stand there with the folders that it is in. */
static const char *without_folders(const char *field)
{
	const char *slash = MAX(strrchr(field, '/'), strrchr(field, '\\'));

	return slash != NULL && slash[1] != '\0' ? slash + 1 : field;
}

/* No row ends a run: what it says that cannot be used is noted. A row without a case, as spreadsheets leave below a table, says
   nothing. */
static gboolean table_row(void *context, guint64 line, guint n, char **fields, GError **error G_GNUC_UNUSED)
{
	struct table *t = context;
	const char *id = t->flat ? without_folders(fields[0]) : fields[0];
	gpointer before;

	if (t->first == 0)
		t->first = line;
	if (fields[0][0] == '\0')
		return TRUE;
	if (n < 2) {
		t->semicolons |= strchr(fields[0], ';') != NULL;
		if (t->n_short++ == 0)
			t->short_line = line;
		return TRUE;
	}
	if (line != t->first)           /* "case" or "slide", say, is no name; one that is has it from its slide, too */
		log_name(id);
	if (!g_hash_table_lookup_extended(t->rows, id, NULL, &before)) {
		g_hash_table_insert(t->rows, g_strdup(id), g_strdup(fields[1]));
	} else if (before != NULL && g_ascii_strcasecmp(before, fields[1]) != 0) {
		slide_note(t->work, "%s:%" G_GUINT64_FORMAT ": case '%s' has '%s' here and '%s' above: it is %s; correct the table", t->file,
			   line, id, fields[1], (const char *)before, t->without);
		g_hash_table_insert(t->rows, g_strdup(id), NULL);
	}
	return TRUE;
}

/* A CSV of (case, value); a relative name is below paths.train. */
static GHashTable *table_read(const struct settings *s, struct work *w, const char *file, const char *without, GError **error)
{
	g_autofree char *path = g_path_is_absolute(file) ? g_strdup(file)
							  : g_build_filename(s->paths.train, file, NULL);
	g_autoptr(GHashTable) rows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	struct table t = { .work = w, .rows = rows, .file = file, .without = without, .flat = is_flat(s->data.images) };

	if (!csv_read(path, CSV_MAX, table_row, &t, error))
		return NULL;
	if (t.n_short > 0)
		slide_note(w, "%s: %u rows have one column where case and value are wanted, the first in line %" G_GUINT64_FORMAT
			   ": they are passed over%s", file, t.n_short, t.short_line,
			   t.semicolons ? "; a comma separates, not a semicolon" : "");
	return g_steal_pointer(&rows);
}

/* Is a case in it, under its name with or without ending? *value: NULL where that is not known. */
static gboolean table_has(GHashTable *rows, const char *id, const char *path, const char **value)
{
	g_autofree char *base = g_path_get_basename(path);
	gpointer found = NULL;
	const gboolean there = g_hash_table_lookup_extended(rows, id, NULL, &found) ||
			       g_hash_table_lookup_extended(rows, base, NULL, &found);

	*value = found;
	return there;
}

/* ---- listing ---- */

static void add(GPtrArray *all, const struct pattern_match *m, int label, char *mask_path)
{
	struct slide_found *f = g_new0(struct slide_found, 1);

	log_name(m->name);
	f->id = g_strdup(m->name);
	f->path = g_strdup(m->path);
	f->label = label;
	f->mask_path = mask_path;
	g_ptr_array_add(all, f);
}

static char *mask_for(const struct settings *s, int label, const char *id)
{
	gboolean last = s->data.classes[label + 1] == NULL;

	if (!last || s->data.masks[0] == '\0')
		return NULL;
	g_autofree char *path = pattern_path(s->paths.train, s->data.masks, s->data.classes[label], id);
	char *there = pattern_ending(path);
	return there != NULL ? there : g_steal_pointer(&path);
}

/* Slides beside those found that have another ending, say: nobody would miss them. becomes: what becomes of them. */
static void note_others(struct work *w, const char *root, const char *pattern, const char *class, const char *key, const GPtrArray *found,
			const char *becomes)
{
	enum { MOST = 1000 };   /* files that are opened */
	const char *last = strrchr(pattern, '/') != NULL ? strrchr(pattern, '/') : pattern, *entry;
	g_autofree char *any = pattern_path(root, pattern, class, "x"), *folder = g_path_get_dirname(any), *first = NULL;
	g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
	guint others = 0, opened = 0;

	if (!is_flat(pattern) || strstr(last, "{class}") != NULL) /* another class's, or none at all, stand beside them */
		return;
	for (guint i = 0; i < found->len; i++)
		g_hash_table_add(known, ((struct pattern_match *)found->pdata[i])->path);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	while (dir != NULL && opened < MOST && (entry = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(folder, entry, NULL);
		if (entry[0] == '.' || g_hash_table_contains(known, path) || !g_file_test(path, G_FILE_TEST_IS_REGULAR))
			continue;
		opened++;
		if (!slide_known(path))
			continue;
		if (others++ == 0)
			first = g_strdup(entry);
	}
	if (others == 0)
		return;
	log_name(first);
	slide_note(w, "'%s' has %s%u slides more than fit %s, '%s' for one: %s", folder, opened < MOST ? "" : "at least ", others, key, first,
		   becomes);
}

/* The files of a folder that must be there. */
static GPtrArray *list_needed(const char *root, const char *pattern, const char *keys, GError **error)
{
	g_autoptr(GError) wrong = NULL;
	GPtrArray *found = pattern_list(root, pattern, NULL, &wrong);

	if (found == NULL && wrong->domain == FAULT)
		g_propagate_error(error, g_steal_pointer(&wrong));
	else if (found == NULL)
		g_set_error(error, FAULT, FAULT_DATA, "%s; check %s", wrong->message, keys);
	return found;
}

static gboolean list_folders(const struct settings *s, struct work *w, GPtrArray *all, GError **error)
{
	for (int label = 0; s->data.classes[label] != NULL; label++) {
		g_autoptr(GError) missing = NULL;
		g_autoptr(GPtrArray) found = pattern_list(s->paths.train, s->data.images, s->data.classes[label],
							  &missing);
		if (found == NULL && missing->domain == FAULT) {
			g_propagate_error(error, g_steal_pointer(&missing));
			return FALSE;
		}
		if (found == NULL) {
			slide_note(w, "class '%s': %s; check paths.train and data.images", s->data.classes[label],
			     missing->message);
			continue;
		}
		for (guint i = 0; i < found->len; i++) {
			const struct pattern_match *m = found->pdata[i];
			add(all, m, label, mask_for(s, label, m->name));
		}
		note_others(w, s->paths.train, s->data.images, s->data.classes[label], "data.images", found, "they are not learned from");
	}
	return TRUE;
}

static gboolean list_table(const struct settings *s, struct work *w, GPtrArray *all, GError **error)
{
	g_autoptr(GHashTable) labels = table_read(s, w, s->data.labels, "left out", error);

	if (labels == NULL)
		return FALSE;
	g_autoptr(GPtrArray) found = list_needed(s->paths.train, s->data.images, "paths.train and data.images", error);
	if (found == NULL)
		return FALSE;
	guint unlabelled = 0;
	note_others(w, s->paths.train, s->data.images, NULL, "data.images", found, "they are not learned from");
	for (guint i = 0; i < found->len; i++) {
		const struct pattern_match *m = found->pdata[i];
		const char *value;
		const gboolean there = table_has(labels, m->name, m->path, &value);
		const int label = slide_class(s, value);
		if (!there) {
			unlabelled++;
		} else if (value == NULL) {     /* its note is there */
			w->n_left_out++;
		} else if (label < 0) {
			log_name(m->name);
			slide_note(w, "slide '%s': left out: its class '%s' in %s is none of data.classes", m->name, value,
			     s->data.labels);
			w->n_left_out++;
		} else {
			add(all, m, label, mask_for(s, label, m->name));
		}
	}
	if (unlabelled > 0)
		slide_note(w, "%u slides have no row in %s and are left out", unlabelled, s->data.labels);
	w->n_left_out += unlabelled;
	return TRUE;
}

static gboolean list_groups(const struct settings *s, struct work *w, GPtrArray *all, GError **error)
{
	if (s->data.group[0] == '\0')
		return TRUE;
	g_autoptr(GHashTable) groups = table_read(s, w, s->data.group, "a group of its own", error);
	if (groups == NULL)
		return FALSE;
	guint without = 0;
	for (guint i = 0; i < all->len; i++) {
		struct slide_found *f = all->pdata[i];
		const char *value;
		const gboolean there = table_has(groups, f->id, f->path, &value);
		without += !there || (value != NULL && *value == '\0');
		f->group = value != NULL && *value != '\0' ? g_strdup(value) : NULL;
	}
	if (without > 0)
		slide_note(w, "%u slides have no group in %s: each is one of its own", without, s->data.group);
	return TRUE;
}

/* An identifier in two classes says two things: both are left out. Sorted by id before. */
static void drop_twins(struct work *w, GPtrArray *all)
{
	for (guint i = 0; i + 1 < all->len;) {
		const char *id = ((struct slide_found *)all->pdata[i])->id;
		guint same = 1;
		while (i + same < all->len && g_str_equal(((struct slide_found *)all->pdata[i + same])->id, id))
			same++;
		if (same > 1) {
			slide_note(w, "slide '%s': left out: it stands in %u classes", id, same);
			g_ptr_array_remove_range(all, i, same);
			w->n_left_out += same;
		} else {
			i++;
		}
	}
}

GPtrArray *slide_list(const struct settings *s, struct work *w, GError **error)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(found_free);

	if (w->phase == PHASE_TEST) {
		g_autoptr(GPtrArray) found = list_needed(s->paths.test, s->data.test, "paths.test and data.test", error);
		for (guint i = 0; found != NULL && i < found->len; i++)
			add(all, found->pdata[i], -1, NULL);
		if (found != NULL && found->len > 0)
			note_others(w, s->paths.test, s->data.test, NULL, "data.test", found, "they get no answer");
		if (found == NULL || found->len > 0)
			return found == NULL ? NULL : g_steal_pointer(&all);
		g_set_error(error, FAULT, FAULT_DATA, "no slide matches '%s' in '%s'; check paths.test and data.test",
			    s->data.test, s->paths.test);
		return NULL;
	}
	gboolean ok = s->data.labels[0] != '\0' ? list_table(s, w, all, error) : list_folders(s, w, all, error);
	if (!ok || !list_groups(s, w, all, error))
		return NULL;
	g_ptr_array_sort(all, found_by_id);
	drop_twins(w, all);
	if (all->len > 0)
		return g_steal_pointer(&all);
	g_set_error(error, FAULT, FAULT_DATA, "no slide matches '%s' in '%s'; %s", s->data.images, s->paths.train,
		    w->notes->len > 0 ? (char *)w->notes->pdata[0] : "check paths.train and data.images");
	return NULL;
}
