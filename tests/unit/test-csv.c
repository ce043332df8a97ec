/*
 * test-csv.c - csv_file.h: what is read as which rows on which lines, and each message in full.
 */
#include "common/csv/csv_file.h"
#include "common/fault/fault.h"
#include <glib/gstdio.h>

/* `line: field|field` for each row. */
static gboolean write_down(void *context, guint64 line, guint n, char **fields, GError **error)
{
	GString *text = context;

	g_assert_cmpuint(g_strv_length(fields), ==, n);
	if (g_str_equal(fields[0], "stop")) {
		g_set_error_literal(error, FAULT, FAULT_USAGE, "told to stop");
		return FALSE;
	}
	g_string_append_printf(text, "%" G_GUINT64_FORMAT ": ", line);
	for (guint i = 0; i < n; i++)
		g_string_append_printf(text, "%s%s", fields[i], i + 1 < n ? "|" : "\n");
	return TRUE;
}

static void check(const char *text, gsize size, const char *rows, const char *fault)
{
	g_autoptr(GString) seen = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	gboolean ok = csv_read_text("t.csv", text, size, write_down, seen, &error);

	g_assert_cmpstr(seen->str, ==, rows);
	g_assert_cmpstr(error != NULL ? error->message : NULL, ==, fault);
	g_assert_cmpint(ok, ==, error == NULL);
	if (error != NULL)
		g_assert_cmpint(error->code, ==, strstr(fault, "told") != NULL ? FAULT_USAGE : FAULT_DATA);
}

#define CHECK(text, rows, fault) check(text, sizeof(text) - 1, rows, fault)

static void test_rows(void)
{
	CHECK("", "", NULL);
	CHECK("\n\n \t\n", "", NULL);
	CHECK("a", "1: a\n", NULL);
	CHECK("Slide158,0.9731\nSlide159,0.1\n", "1: Slide158|0.9731\n2: Slide159|0.1\n", NULL);
	CHECK(" a b , c\t,\n", "1: a b|c|\n", NULL);
	CHECK("\" a \",\"\",\"b\"\"c\",\"d,e\"\n", "1:  a ||b\"c|d,e\n", NULL);
	CHECK(",\n", "1: |\n", NULL);
	CHECK("\"\"", "1: \n", NULL);
	CHECK("\xef\xbb\xbf" "a,b\n", "1: a|b\n", NULL);
	CHECK("\xea\xb0\x80,\xb0\xa1\n", "1: \xea\xb0\x80|\xb0\xa1\n", NULL);     /* UTF-8, CP949 */
}

static void test_lines(void)
{
	CHECK("a\r\nb\r\n\r\nc", "1: a\n2: b\n4: c\n", NULL);
	CHECK("a\rb\r\rc\r", "1: a\n2: b\n4: c\n", NULL);
	CHECK("\n\na\n\n\nb\n", "3: a\n6: b\n", NULL);
	CHECK("a,\"x\ny\"\nb\n", "1: a|x\ny\n3: b\n", NULL);
	CHECK("\n\"x\r\ny\r\n\r\nz\",\"\r\"\r\nb\n", "2: x\r\ny\r\n\r\nz|\r\n7: b\n", NULL);
	CHECK("\"a\nb\",c", "1: a\nb|c\n", NULL);
}

static void test_faults(void)
{
	const char *inside = "a quote within a field: such a field is quoted as a whole, and the quote doubled";
	g_autofree char *at = g_strconcat("t.csv:3: ", inside, NULL);

	CHECK("a\n\nb\"c\n", "1: a\n", at);
	CHECK("a\n\n\"b\"c\nd", "1: a\n", at);
	CHECK("\"x\ny\"\nb\"c\n", "1: x\ny\n", at);
	CHECK("a\nb,\"c\nd\n", "1: a\n", "t.csv:2: a quote that opens in this row is never closed");
	CHECK("a\nb,\0c\n", "1: a\n", "t.csv:2: a NUL byte: this is not a text file");
	CHECK("\xff\xfe" "a\0,\0", "", "t.csv:1: UTF-16 text: save it as UTF-8");
	CHECK("\"a\n\nb\"\n\nstop\nc\n", "1: a\n\nb\n", "t.csv:5: told to stop");
}

static void test_limits(void)
{
	g_autofree char *long_field = g_strnfill(CSV_FIELD_BYTES + 1, 'x');
	g_autofree char *huge = g_strnfill(10 * CSV_FIELD_BYTES, 'x');
	g_autofree char *commas = g_strnfill(CSV_FIELDS, ',');
	g_autoptr(GString) seen = g_string_new(NULL);
	g_autoptr(GString) two = g_string_new("a\n\"");

	check(long_field, CSV_FIELD_BYTES + 1, "", "t.csv:1: a field is longer than 65536 bytes");
	check(huge, 10 * CSV_FIELD_BYTES, "", "t.csv:1: a field is longer than 65536 bytes");
	g_assert_true(csv_read_text("t.csv", long_field, CSV_FIELD_BYTES, write_down, seen, NULL));
	g_assert_cmpuint(seen->len, ==, CSV_FIELD_BYTES + 4);
	check(commas, CSV_FIELDS, "", "t.csv:1: more than 4096 fields");
	g_string_truncate(seen, 0);
	g_assert_true(csv_read_text("t.csv", commas, CSV_FIELDS - 1, write_down, seen, NULL));
	g_assert_cmpuint(seen->len, ==, 3 + CSV_FIELDS);
	/* never closed: the field grows over the lines, but not without end */
	for (int i = 0; i < 40000; i++)
		g_string_append(two, "0123456789\n");
	check(two->str, two->len, "1: a\n", "t.csv:2: a field is longer than 65536 bytes");
}

static void test_file(void)
{
	g_autofree char *folder = g_dir_make_tmp("csv-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "labels.csv", NULL);
	g_autofree char *absent = g_strconcat(path, ": No such file or directory", NULL);
	g_autofree char *is_folder = g_strconcat(folder, ": Is a directory", NULL);
	g_autofree char *too_long = g_strconcat(path, ": longer than 9 bytes", NULL);
	g_autofree char *stopped = g_strconcat(path, ":2: told to stop", NULL);
	g_autoptr(GString) seen = g_string_new(NULL);
	g_autoptr(GError) error = NULL;

	g_assert_false(csv_read(path, 100, write_down, seen, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, absent);
	g_clear_error(&error);
	g_assert_false(csv_read(folder, 100, write_down, seen, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, is_folder);
	g_clear_error(&error);

	g_assert_true(g_file_set_contents(path, "a,b\nc,d\n\n\n", -1, NULL));
	g_assert_true(csv_read(path, 10, write_down, seen, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(seen->str, ==, "1: a|b\n2: c|d\n");
	g_assert_false(csv_read(path, 9, write_down, seen, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, too_long);
	g_clear_error(&error);
	g_assert_true(g_file_set_contents(path, "a,b\nstop\n", -1, NULL));
	g_assert_false(csv_read(path, 100, write_down, seen, &error));
	g_assert_error(error, FAULT, FAULT_USAGE);
	g_assert_cmpstr(error->message, ==, stopped);
	g_unlink(path);
	g_rmdir(folder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/csv/rows", test_rows);
	g_test_add_func("/csv/lines", test_lines);
	g_test_add_func("/csv/faults", test_faults);
	g_test_add_func("/csv/limits", test_limits);
	g_test_add_func("/csv/file", test_file);
	return g_test_run();
}
