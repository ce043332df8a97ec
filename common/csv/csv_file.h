/*
 * csv_file.h - small tables: labels, groups, answers.
 *
 * Comma-separated, as RFC 4180 has it, and as programs write it: quoted fields with commas, "" and
 * newlines within, LF or CRLF or CR, a byte-order mark at the start, no newline at the end. Blanks around
 * a field are dropped, unless quoted; empty lines are no rows. A header is a row: what it means is the
 * caller's. Fields are bytes as they stand, without NUL, not checked to be UTF-8.
 *
 * Errors:  FAULT_DATA, `labels.csv:12: ...`, the line on which the row begins; also when there is no such
 *          file. What the row function returns gets the same prefix, and ends the reading.
 * Limits:  the bytes of the file, by the caller; CSV_FIELD_BYTES a field, CSV_FIELDS a row.
 * Threads: no state.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

#define CSV_FIELD_BYTES 65536   /* without the NUL */
#define CSV_FIELDS      4096

/* Takes one row: n >= 1 fields, NULL after the last; they are gone after the call. False and an error
   (a message without file and line) end the reading. */
typedef gboolean (*csv_row)(void *context, guint64 line, guint n, char **fields, GError **error);

/* Reads at most `limit` bytes; a longer file is an error. */
gboolean csv_read(const char *path, gsize limit, csv_row row, void *context, GError **error);
/* The same from memory; name stands for the file in messages. */
gboolean csv_read_text(const char *name, const void *text, gsize size, csv_row row, void *context,
		       GError **error);

G_END_DECLS
