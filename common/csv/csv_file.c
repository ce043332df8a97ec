/*
 * csv_file.c - see csv_file.h. libcsv takes the table apart but counts no lines, so it is fed a line at a
 * time: the lines are counted here, and libcsv alone knows which line breaks stand within quotes.
 */
#include "common/csv/csv_file.h"
#include "common/fault/fault.h"
#include <csv.h>
#include <errno.h>

#define PIECE 65536     /* bytes of a long line given to libcsv at once */

struct reader {
	const char *name;
	csv_row row;
	void *context;
	GPtrArray *fields;      /* of the row so far */
	guint64 line;           /* being fed, from 1 */
	guint64 start;          /* the line on which the row begins */
	gboolean ended;         /* the line ended outside quotes */
	GError *error;
};

static void fault_at(struct reader *r, guint64 line, const char *message)
{
	if (r->error == NULL)
		g_set_error(&r->error, FAULT, FAULT_DATA, "%s:%" G_GUINT64_FORMAT ": %s", r->name, line,
			    message);
}

static void take_field(void *bytes, size_t size, void *data)
{
	struct reader *r = data;

	if (r->error != NULL)
		return;
	if (size > CSV_FIELD_BYTES)
		fault_at(r, r->start, "a field is longer than " G_STRINGIFY(CSV_FIELD_BYTES) " bytes");
	else if (r->fields->len == CSV_FIELDS)
		fault_at(r, r->start, "more than " G_STRINGIFY(CSV_FIELDS) " fields");
	else if (size > 0 && memchr(bytes, 0, size) != NULL)
		fault_at(r, r->start, "a NUL byte: this is not a text file");
	else
		g_ptr_array_add(r->fields, size > 0 ? g_strndup(bytes, size) : g_strdup(""));
}

/* Also called where there is no row: for an empty line, and for the LF of CRLF. */
static void take_row(int end G_GNUC_UNUSED, void *data)
{
	struct reader *r = data;
	guint n = r->fields->len;

	r->ended = TRUE;
	if (r->error != NULL || n == 0)
		return;
	g_ptr_array_add(r->fields, NULL);
	if (!r->row(r->context, r->start, n, (char **)r->fields->pdata, &r->error))
		g_prefix_error(&r->error, "%s:%" G_GUINT64_FORMAT ": ", r->name, r->start);
	g_ptr_array_set_size(r->fields, 0);
}

static void take_parser_error(struct reader *r, struct csv_parser *parser)
{
	int error = csv_error(parser);

	if (r->error != NULL || error == CSV_SUCCESS)
		return;
	if (error == CSV_ENOMEM || error == CSV_ETOOBIG)
		g_set_error(&r->error, FAULT, FAULT_ROOM, "%s: out of memory", r->name);
	else
		fault_at(r, r->line, "a quote within a field: such a field is quoted as a whole, and the "
				     "quote doubled");
}

/* The bytes of the first line, with its end: LF, CRLF or CR. It looks at no byte behind that, so that all lines
   together cost one pass. */
static gsize line_length(const char *text, gsize size)
{
	gsize n = 0;

	while (n < size && text[n] != '\n' && text[n] != '\r')
		n++;
	if (n == size)
		return n;
	return n + (text[n] == '\r' && n + 1 < size && text[n + 1] == '\n' ? 2 : 1);
}

static void feed_line(struct reader *r, struct csv_parser *parser, const char *text, gsize size)
{
	r->ended = FALSE;
	for (gsize done = 0; done < size && r->error == NULL;) {
		gsize n = MIN(size - done, PIECE);

		if (csv_parse(parser, text + done, n, take_field, take_row, r) != n)
			take_parser_error(r, parser);
		if (csv_get_buffer_size(parser) > CSV_FIELD_BYTES + PIECE)
			fault_at(r, r->start,
				 "a field is longer than " G_STRINGIFY(CSV_FIELD_BYTES) " bytes");
		done += n;
	}
}

static void feed(struct reader *r, struct csv_parser *parser, const char *text, gsize size)
{
	while (size > 0 && r->error == NULL) {
		gsize n = line_length(text, size);

		r->line++;
		feed_line(r, parser, text, n);
		text += n;
		size -= n;
		if (r->ended)
			r->start = r->line + 1;
	}
	if (r->error == NULL && csv_fini(parser, take_field, take_row, r) != 0)
		fault_at(r, r->start, "a quote that opens in this row is never closed");
}

gboolean csv_read_text(const char *name, const void *text, gsize size, csv_row row, void *context,
		       GError **error)
{
	struct reader r = { .name = name, .row = row, .context = context, .start = 1 };
	struct csv_parser parser;
	const char *bytes = text;

	if (size >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0)) {
		g_set_error(error, FAULT, FAULT_DATA, "%s:1: UTF-16 text: save it as UTF-8", name);
		return FALSE;
	}
	if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		bytes += 3;
		size -= 3;
	}
	csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);
	csv_set_blk_size(&parser, 4096);
	r.fields = g_ptr_array_new_with_free_func(g_free);
	feed(&r, &parser, bytes, size);
	g_ptr_array_unref(r.fields);
	csv_free(&parser);
	if (r.error != NULL) {
		g_propagate_error(error, r.error);
		return FALSE;
	}
	return TRUE;
}

gboolean csv_read(const char *path, gsize limit, csv_row row, void *context, GError **error)
{
	g_autoptr(GByteArray) text = g_byte_array_new();
	guint8 piece[16384];
	gsize n;
	FILE *file = fopen(path, "rbe");
	int failed;

	if (file == NULL) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: %s", path, g_strerror(errno));
		return FALSE;
	}
	limit = MIN(limit, G_MAXUINT / 2);      /* what a GByteArray holds */
	errno = 0;
	while (text->len <= limit && (n = fread(piece, 1, sizeof piece, file)) > 0)
		g_byte_array_append(text, piece, (guint)n);
	failed = ferror(file) ? errno : 0;
	fclose(file);
	if (failed != 0) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: %s", path, g_strerror(failed));
		return FALSE;
	}
	if (text->len > limit) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: longer than %" G_GSIZE_FORMAT " bytes", path, limit);
		return FALSE;
	}
	return csv_read_text(path, text->data, text->len, row, context, error);
}
