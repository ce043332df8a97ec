/*
 * logfmt.h - a line of a log taken apart, and put together: words and `key=value` pairs, as LINES.md has them.
 *
 * Blanks part them: every byte up to ' ', NUL too. A key is what stands before the first `=` of an item, one byte
 * at least; a value, what stands behind it, up to a blank. A value that begins with `"` goes to the next `"`,
 * with blanks and `=`; in it `\"` is a quote and `\\` a backslash, and any other backslash is itself. Whatever else
 * stands there is a word, so every line is one of logfmt: a quote that is never closed goes to the line's end.
 *
 * Memory:  keys, values and words point into the line that was parsed, which is overwritten with them.
 * Text:    bytes as they stand, not checked to be UTF-8.
 * Errors:  none.
 * Threads: no state.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

struct logfmt_pair { const char *key, *value; };

typedef struct logfmt {
	GPtrArray *words;       /* of const char *, in order */
	GArray *pairs;          /* of struct logfmt_pair, in order */
} logfmt_t;

/* Takes `line` apart, without its newline, in place: line[size] is overwritten with NUL. l is {0} before the first
   line, or has held another, which is then forgotten. */
void logfmt_parse(struct logfmt *l, char *line, gsize size);
void logfmt_clear(struct logfmt *l);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(logfmt_t, logfmt_clear)

/* The value of the first pair with that key; NULL: there is none. */
const char *logfmt_get(const struct logfmt *l, const char *key);

/* Appends ` key=value`, without the blank where the line is empty. The value is quoted where it needs that (a backslash:
   other readers take it for an escape anywhere), and where it is empty; its control characters become blanks, so that the
   line stays one. */
void logfmt_append(GString *line, const char *key, const char *value);

G_END_DECLS
