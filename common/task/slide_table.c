/*
 * slide_table.c - Dataset_information.csv, which the organisers put beside the training slides: file name, class,
 * x-min offset, y-min offset (HeLP Challenge 2018, briefing on pathology). It decides nothing here; it is held
 * against the folders and the slides, since a mask is laid where the scanned part begins and is off where that is.
 */
#include "common/csv/csv_file.h"
#include "common/log/log.h"
#include "common/task/slide_work.h"
#include <math.h>

static const char FILE_NAME[] = "Dataset_information.csv";
enum { CSV_MAX = 16 * 1024 * 1024 };
enum { COLUMN_NAME, COLUMN_CLASS, COLUMN_X, COLUMN_Y };

static void row_free(gpointer data)
{
	struct slide_row *r = data;

	g_free(r->class);
	g_free(r);
}

static gboolean number_of(const char *text, double *out)
{
	char *end;

	*out = g_ascii_strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*out);
}

/* A first row whose offsets are no numbers is the header. */
static gboolean take_row(void *context, guint64 line, guint n, char **fields, GError **error)
{
	GHashTable *table = context;
	struct slide_row row = { 0 };

	(void)error;
	row.placed = n > COLUMN_Y && number_of(fields[COLUMN_X], &row.x) && number_of(fields[COLUMN_Y], &row.y);
	if ((line == 1 && !row.placed) || fields[COLUMN_NAME][0] == '\0' || g_hash_table_contains(table, fields[COLUMN_NAME]))
		return TRUE;
	log_name(fields[COLUMN_NAME]);
	row.class = n > COLUMN_CLASS ? g_strdup(fields[COLUMN_CLASS]) : NULL;
	g_hash_table_insert(table, g_strdup(fields[COLUMN_NAME]), g_memdup2(&row, sizeof row));
	return TRUE;
}

/* Under its name with or without ending. */
static struct slide_row *row_of(const struct slide_work *sw, guint item)
{
	struct slide_row *row = g_hash_table_lookup(sw->table, sw->work.cases[item].id);
	g_autofree char *base = g_path_get_basename(sw->slides[item].path);

	return row != NULL ? row : g_hash_table_lookup(sw->table, base);
}

static void say_unmatched(struct slide_work *sw, guint without)
{
	GHashTableIter iter;
	gpointer name, row;
	const char *first = NULL;
	guint rows = 0, other = 0;

	g_hash_table_iter_init(&iter, sw->table);
	while (g_hash_table_iter_next(&iter, &name, &row)) {
		const struct slide_row *r = row;
		other += r->class != NULL && slide_class(sw->work.settings, r->class) < 0;
		if (r->matched)
			continue;
		rows++;
		if (first == NULL || strcmp(name, first) < 0)
			first = name;
	}
	if (rows > 0)
		slide_note(&sw->work, "%s names %u slides that are not there, '%s' first; look whether all were copied", FILE_NAME, rows,
			   first);
	if (without > 0)
		slide_note(&sw->work, "%s has no row for %u slides: nothing can be held against them", FILE_NAME, without);
	if (other > 0)
		slide_note(&sw->work, "%s: %u rows have a class that is none of data.classes; it is not compared", FILE_NAME, other);
}

void slide_table_read(struct slide_work *sw)
{
	g_autofree char *path = g_build_filename(sw->work.settings->paths.train, FILE_NAME, NULL);
	g_autoptr(GError) error = NULL;
	guint without = 0;

	if (!g_file_test(path, G_FILE_TEST_IS_REGULAR))
		return;
	sw->table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, row_free);
	if (!csv_read(path, CSV_MAX, take_row, sw->table, &error)) {
		slide_note(&sw->work, "%s; it is not used", error->message);
		g_clear_pointer(&sw->table, g_hash_table_unref);
		return;
	}
	for (guint i = 0; i < sw->work.n_cases; i++) {
		struct slide_row *row = row_of(sw, i);
		without += row == NULL;
		if (row != NULL)
			row->matched = TRUE;
	}
	say_unmatched(sw, without);
}

void slide_table_check(const struct slide_work *sw, guint item, const struct slide *slide, GPtrArray *doubts)
{
	const struct slide_row *row = sw->table != NULL ? row_of(sw, item) : NULL;
	const struct settings *s = sw->work.settings;
	const struct work_case *wc = &sw->work.cases[item];

	if (row == NULL)
		return;
	int class = slide_class(s, row->class);
	if (class >= 0 && class != wc->label)
		g_ptr_array_add(doubts, g_strdup_printf("slide '%s': %s says %s, its place among the slides %s, which is "
				"taken; look which is right", wc->id, FILE_NAME, s->data.classes[class], s->data.classes[wc->label]));
	/* less than a mask pixel moves no mask */
	if (row->placed && MAX(fabs(row->x - (double)slide->x), fabs(row->y - (double)slide->y)) >= s->data.mask_scale)
		g_ptr_array_add(doubts, g_strdup_printf("slide '%s': %s puts the scanned part at %.0f,%.0f, the slide itself "
				"at %" G_GINT64_FORMAT ",%" G_GINT64_FORMAT ", which is taken; look whether its mask lies on its tissue",
				wc->id, FILE_NAME, row->x, row->y, slide->x, slide->y));
}
