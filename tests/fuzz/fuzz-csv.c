/*
 * fuzz-csv.c - any bytes as a table: no crash, rows within the limits, lines that only go up, and no
 * further than the text does. The input is in a buffer of its exact size, so that a read past its end shows;
 * then it is a file, which says the same.
 */
#include "common/csv/csv_file.h"
#include "common/fault/fault.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	guint64 line;           /* of the row before */
	guint64 rows;
};

static gboolean row(void *context, guint64 line, guint n, char **fields, GError **error G_GNUC_UNUSED)
{
	struct seen *seen = context;

	g_assert_cmpuint(line, >, seen->line);
	g_assert_cmpuint(n, >=, 1);
	g_assert_cmpuint(n, <=, CSV_FIELDS);
	g_assert_cmpuint(g_strv_length(fields), ==, n);
	for (guint i = 0; i < n; i++)
		g_assert_cmpuint(strlen(fields[i]), <=, CSV_FIELD_BYTES);
	seen->line = line;
	seen->rows++;
	return TRUE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree guint8 *copy = g_memdup2(data, size);
	g_autoptr(GError) error = NULL;
	g_autofree char *path = NULL;
	struct seen seen = { 0 }, again = { 0 };
	guint64 lines = 1;
	gboolean good;

	good = csv_read_text("fuzz.csv", copy, size, row, &seen, &error);
	if (good)
		g_assert_no_error(error);
	else
		g_assert_error(error, FAULT, FAULT_DATA);
	for (gsize i = 0; i < size; i++)
		lines += data[i] == '\n' || data[i] == '\r';
	g_assert_cmpuint(seen.line, <=, lines);
	int fd = memory_file(data, size, &path);
	g_assert_true(csv_read(path, size, row, &again, NULL) == good);
	g_assert_cmpuint(seen.rows, ==, again.rows);
	close(fd);
	return 0;
}
