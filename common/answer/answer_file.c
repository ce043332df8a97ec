/* answer_file.c - see answer_file.h. */
#include "common/answer/answer_file.h"
#include "common/config/near.h"
#include "common/csv/csv_file.h"
#include "common/fault/fault.h"
#include <math.h>

enum { LONGEST_FILE = 64 << 20 /* bytes */ };

/* A name that is none of the cases': what it was meant to be is told when all rows are known. */
struct stray { guint64 line; char *id; guint at /* its place in `wrong` */; };

struct reading {
	const char *path;
	const struct answer_form *form;
	GHashTable *places;     /* id to its index + 1 */
	guint64 *lines;         /* (n) where it was answered; 0: not yet */
	double *values;         /* (n, n_columns) */
	GArray *strays;         /* struct stray */
	GPtrArray *wrong;
};

G_GNUC_PRINTF(4, 5) static void note(GPtrArray *notes, const char *path, guint64 line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_ptr_array_add(notes, line == 0 ? g_strdup_printf("%s: %s", path, text)
					 : g_strdup_printf("%s:%" G_GUINT64_FORMAT ": %s", path, line, text));
}

/* ---- columns ---- */

gboolean answer_columns_take(char *const *names, const char *where, struct answer_column columns[ANSWER_COLUMNS_MAX], guint *n,
			     GError **error)
{
	static const struct answer_column known[ANSWER_COLUMNS_MAX] = {
		{ "probability", 0, 1, 0.5, -1 },
		{ "longest_axis_um", 0, 1e6 /* 1 m: no slide is as long */, 0, 1 },
	};
	guint count = 0;

	for (; names[count] != NULL; count++) {
		guint i = 0;
		while (i < G_N_ELEMENTS(known) && !g_str_equal(known[i].name, names[count]))
			i++;
		if (i == G_N_ELEMENTS(known)) {
			g_set_error(error, FAULT, FAULT_USAGE, "%s: '%s' is unknown; there are %s, %s", where, names[count], known[0].name,
				    known[1].name);
			return FALSE;
		}
		for (guint k = 0; k < count; k++)
			if (columns[k].name == known[i].name) {
				g_set_error(error, FAULT, FAULT_USAGE, "%s: %s stands twice", where, known[i].name);
				return FALSE;
			}
		columns[count] = known[i];
	}
	if (count == 0 || columns[0].name != known[0].name) {
		g_set_error(error, FAULT, FAULT_USAGE, "%s: expected %s first: it is what cases are ranked by", where, known[0].name);
		return FALSE;
	}
	*n = count;
	return TRUE;
}

/* ---- rows ---- */

/* A decimal number; neither hexadecimal nor `infinity`, which a contest's reader need not know. */
static gboolean is_number(const char *text, double *value)
{
	char *end;

	*value = g_ascii_strtod(text, &end);
	return end != text && *end == '\0' && strpbrk(text, "xXpP") == NULL;
}

static void wrong_fields(struct reading *r, guint64 line, guint n, char *const *fields)
{
	g_autoptr(GString) wanted = g_string_new("slide");
	const char *why = n == 1 && strchr(fields[0], ';') != NULL ? ": a comma separates, not a semicolon"
			  : n == 1 && strchr(fields[0], '\t') != NULL ? ": a comma separates, not a tab"
			  : n == 2 * r->form->n_columns + 1 && fields[2][0] != '\0' && fields[2][strspn(fields[2], "0123456789")] == '\0'
				? ": a number has a point, not a comma" : "";

	for (guint k = 0; k < r->form->n_columns; k++)
		g_string_append_printf(wanted, ",%s", r->form->columns[k].name);
	note(r->wrong, r->path, line, "%u field%s where `%s` is wanted%s", n, n == 1 ? "" : "s", wanted->str, why);
}

/* The number of a row, or NAN and what is wrong with it. */
static double take_value(struct reading *r, guint64 line, const char *id, const struct answer_column *column, const char *text)
{
	const gboolean alone = r->form->n_columns == 1;
	const char *name = alone ? "" : column->name, *colon = alone ? "" : ": ";
	double value;

	if (!is_number(text, &value)) {
		gboolean header = line == 1 && g_ascii_isalpha(text[0]);
		note(r->wrong, r->path, line, "slide '%s': %s%s'%s' is not a number%s%s%s", id, name, colon, text,
		     header ? " (if this line is a header, " : "", header ? r->form->how : "", header ? ")" : "");
		return NAN;
	}
	if (isfinite(value) && value >= column->least && value <= column->most)
		return value;
	if (isfinite(value))
		note(r->wrong, r->path, line, "slide '%s': %s%s%s is not within %g to %g", id, name, colon, text, column->least,
		     column->most);
	else
		note(r->wrong, r->path, line, "slide '%s': %s%s%s is not finite", id, name, colon, text);
	return NAN;
}

static gboolean take_row(void *context, guint64 line, guint n, char **fields, GError **error G_GNUC_UNUSED)
{
	struct reading *r = context;
	gsize place = GPOINTER_TO_SIZE(g_hash_table_lookup(r->places, fields[0]));
	double value, values[ANSWER_COLUMNS_MAX];

	if (line == 1 && r->form->header) {
		if (n == r->form->n_columns + 1 && place != 0 && is_number(fields[1], &value))
			note(r->wrong, r->path, line, "slide '%s' where a header is wanted", fields[0]);
		return TRUE;
	}
	if (n != r->form->n_columns + 1) {
		wrong_fields(r, line, n, fields);
		return TRUE;
	}
	if (place == 0) {
		struct stray stray = { line, g_strdup(fields[0]), r->wrong->len };
		g_array_append_val(r->strays, stray);
		g_ptr_array_add(r->wrong, NULL);
	} else if (r->lines[place - 1] != 0) {
		note(r->wrong, r->path, line, "slide '%s' a second time, after line %" G_GUINT64_FORMAT, fields[0],
		     r->lines[place - 1]);
	}
	for (guint k = 0; k < r->form->n_columns; k++)
		values[k] = take_value(r, line, fields[0], &r->form->columns[k], fields[1 + k]);
	if (place != 0) {
		r->lines[place - 1] = line;
		memcpy(r->values + (place - 1) * r->form->n_columns, values, r->form->n_columns * sizeof *values);
	}
	return TRUE;
}

/* ---- names ---- */

/* The one missing case that is nearest to a name; NULL where none is near, or two are. */
static const char *meant(const struct reading *r, const char *typed)
{
	const char *nearest = NULL;
	int least = G_MAXINT;

	for (gsize i = 0; i < r->form->n; i++) {
		if (r->lines[i] != 0)
			continue;
		int letters = near_distance(typed, r->form->ids[i]);
		if (letters < least && near_enough(letters, r->form->ids[i])) {
			least = letters;
			nearest = r->form->ids[i];
		} else if (letters == least) {
			nearest = NULL;
		}
	}
	return nearest;
}

static char *describe_stray(const struct reading *r, const struct stray *s)
{
	g_autofree char *stem = g_strdup(s->id);
	char *dot = strrchr(stem, '.');
	GString *text = g_string_new(NULL);

	if (dot != NULL)
		*dot = '\0';
	g_string_printf(text, "%s:%" G_GUINT64_FORMAT ": slide '%s' is not in %s", r->path, s->line, s->id, r->form->where);
	const char *near = meant(r, s->id);
	if (dot != NULL && g_hash_table_contains(r->places, stem))
		g_string_append(text, ": a name goes without its ending");
	else if (near != NULL)
		g_string_append_printf(text, "; did you mean '%s'?", near);
	return g_string_free(text, FALSE);
}

static void name_all(const struct reading *r)
{
	for (guint i = 0; i < r->strays->len; i++) {
		const struct stray *s = &g_array_index(r->strays, struct stray, i);
		r->wrong->pdata[s->at] = describe_stray(r, s);
	}
	for (gsize i = 0; i < r->form->n; i++)
		if (r->lines[i] == 0)
			note(r->wrong, r->path, 0, "slide '%s' is missing", r->form->ids[i]);
}

/* ---- bytes ---- */

/* Blanks beside a comma or at an end; quoted fields may have them. line: without its line end. */
static gboolean has_blanks(const char *line)
{
	gsize length = strlen(line);

	if (length == 0 || strchr(line, '"') != NULL)
		return FALSE;
	for (gsize i = 0; i < length; i++)
		if (g_ascii_isspace(line[i]) &&
		    (i == 0 || i + 1 == length || line[i - 1] == ',' || line[i + 1] == ','))
			return TRUE;
	return FALSE;
}

/* What csv_file.h passes over, and a contest's reader may not. */
static gboolean look_at_bytes(const char *path, GPtrArray *wrong, GPtrArray *doubts, GError **error)
{
	g_autofree char *text = NULL;
	guint64 first_cr = 0, first_blank = 0, first_empty = 0;

	if (!g_file_get_contents(path, &text, NULL, error))
		return FALSE;
	gboolean marked = g_str_has_prefix(text, "\xef\xbb\xbf");
	g_auto(GStrv) lines = g_strsplit(text + (marked ? 3 : 0), "\n", -1);
	for (guint64 i = 0; lines[i] != NULL; i++) {
		gsize length = strlen(lines[i]);
		if (length > 0 && lines[i][length - 1] == '\r') {
			lines[i][--length] = '\0';
			first_cr = first_cr == 0 ? i + 1 : first_cr;
		}
		if (first_blank == 0 && has_blanks(lines[i]))
			first_blank = i + 1;
		if (first_empty == 0 && length == 0 && lines[i + 1] != NULL)
			first_empty = i + 1;
	}
	if (marked)
		note(wrong, path, 1, "a byte-order mark: save it as plain UTF-8, else the first name is read with it");
	if (first_blank != 0)
		note(wrong, path, first_blank, "a blank beside the comma or at an end: names are read with it");
	if (first_empty != 0)
		note(doubts, path, first_empty, "an empty line");
	if (first_cr != 0)
		note(doubts, path, first_cr, "lines end in CR LF: LF alone is safe");
	return TRUE;
}

/* ---- all ---- */

static void stray_clear(gpointer data) { g_free(((struct stray *)data)->id); }

gboolean answer_file_read(const char *path, const struct answer_form *form, double *values, GPtrArray *wrong,
			  GPtrArray *doubts, GError **error)
{
	g_autoptr(GHashTable) places = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree guint64 *lines = g_new0(guint64, form->n + 1);
	g_autoptr(GArray) strays = g_array_new(FALSE, FALSE, sizeof(struct stray));
	struct reading r = { path, form, places, lines, values, strays, wrong };

	g_array_set_clear_func(strays, stray_clear);
	for (gsize i = 0; i < form->n; i++) {
		g_hash_table_insert(places, (char *)form->ids[i], GSIZE_TO_POINTER(i + 1));
	}
	for (gsize i = 0; i < form->n * form->n_columns; i++)
		values[i] = NAN;
	gboolean ok = csv_read(path, LONGEST_FILE, take_row, &r, error);
	name_all(&r);
	return ok && (doubts == NULL || look_at_bytes(path, wrong, doubts, error));
}

void answer_doubt_values(const double *values, gsize n, GPtrArray *doubts)
{
	double low = INFINITY, high = -INFINITY;
	gsize there = 0, at_low = 0, at_high = 0;

	for (gsize i = 0; i < n; i++)
		if (!isnan(values[i])) {
			low = MIN(low, values[i]);
			high = MAX(high, values[i]);
			there++;
		}
	for (gsize i = 0; i < n; i++) {
		at_low += values[i] <= low;
		at_high += values[i] >= high;
	}
	if (there < 2)
		return;
	if (low >= high) {
		g_ptr_array_add(doubts, g_strdup_printf("all %" G_GSIZE_FORMAT " answers are %g: they tell no case from another",
							there, low));
		return;
	}
	if (at_low > 1 && 10 * at_low > there)
		g_ptr_array_add(doubts, g_strdup_printf("%" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " answers share the lowest value, "
							"%g: their order is lost", at_low, there, low));
	if (at_high > 1 && 10 * at_high > there)
		g_ptr_array_add(doubts, g_strdup_printf("%" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " answers share the highest value, "
							"%g: their order is lost", at_high, there, high));
}
