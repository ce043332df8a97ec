/*
 * html.h - the pieces of a page: text that is escaped, tables that line up.
 *
 * Text is UTF-8; none of it becomes markup. Errors: none. Threads: no state.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* As printf; what %s stands for is escaped, the format is markup. */
void html_printf(GString *out, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* "peak_memory_mb": "peak memory (MB)"; g_free() it. */
char *html_label(const char *key);
/* With the separators of a page: "0.88..0.98" is "0.88 – 0.98", "a->b" is "a → b", NULL and "" are "–"; g_free() it. */
char *html_value(const char *text_opt);

/* A table that scrolls sideways where it is wider than the page. heads, NULL-ended, stand above its columns, "" above
   the heads of rows; NULL: none do. Where `right`, n bits, has a column's, it stands to the right. */
void html_table(GString *out, const char *caption, const char *const *heads_opt, guint right);
/* A cell is text as it stands, NULL is "–"; the first is the row's head. */
void html_row(GString *out, const char *const *cells, guint n, guint right, gboolean marked);
/* Whether it is to be read as a number or a range of them. */
gboolean html_is_number(const char *text_opt);
void html_table_end(GString *out);

G_END_DECLS
