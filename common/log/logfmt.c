/* logfmt.c - see logfmt.h. */
#include "common/log/logfmt.h"
#include <string.h>

static gboolean is_blank(char c) { return (guchar)c <= ' '; }

/* The value behind an opening quote, moved to where the quote is; *from is left behind the closing one. */
static const char *take_quoted(char **from, const char *end)
{
	char *value = *from, *to = value, *c = value + 1;

	while (c < end && *c != '"') {
		if (*c == '\\' && c + 1 < end && (c[1] == '"' || c[1] == '\\'))
			c++;
		*to++ = *c++;
	}
	*from = c < end ? c + 1 : c;
	*to = '\0';
	for (char *nul = to; (nul = memchr(value, '\0', (gsize)(to - value))) != NULL;)
		*nul = ' ';
	return value;
}

/* One item, whose first byte is no blank; the next begins at what it returns, or later. */
static char *take_item(struct logfmt *l, char *item, char *end)
{
	char *c = item;
	struct logfmt_pair pair = { .key = item };

	while (c < end && !is_blank(*c) && (*c != '=' || *item == '='))
		c++;
	if (c == end || is_blank(*c)) {
		g_ptr_array_add(l->words, item);
		*c = '\0';
		return c;
	}
	*c++ = '\0';
	if (c < end && *c == '"') {
		pair.value = take_quoted(&c, end);
	} else {
		pair.value = c;
		while (c < end && !is_blank(*c))
			c++;
		*c = '\0';
	}
	g_array_append_val(l->pairs, pair);
	return c;
}

void logfmt_parse(struct logfmt *l, char *line, gsize size)
{
	char *end = line + size;

	if (l->words == NULL) {
		l->words = g_ptr_array_new();
		l->pairs = g_array_new(FALSE, FALSE, sizeof(struct logfmt_pair));
	}
	g_ptr_array_set_size(l->words, 0);
	g_array_set_size(l->pairs, 0);
	*end = '\0';
	for (char *c = line; c < end;)
		if (is_blank(*c))
			c++;
		else
			c = take_item(l, c, end);
}

void logfmt_clear(struct logfmt *l)
{
	g_clear_pointer(&l->words, g_ptr_array_unref);
	g_clear_pointer(&l->pairs, g_array_unref);
}

const char *logfmt_get(const struct logfmt *l, const char *key)
{
	for (guint i = 0; i < l->pairs->len; i++) {
		const struct logfmt_pair *pair = &g_array_index(l->pairs, struct logfmt_pair, i);

		if (g_str_equal(pair->key, key))
			return pair->value;
	}
	return NULL;
}

static gboolean needs_quotes(const char *value)
{
	if (*value == '\0')
		return TRUE;
	for (; *value != '\0'; value++)
		if (is_blank(*value) || strchr("\"=\\", *value) != NULL)
			return TRUE;
	return FALSE;
}

void logfmt_append(GString *line, const char *key, const char *value)
{
	gboolean quoted = needs_quotes(value);

	g_string_append_printf(line, "%s%s=%s", line->len > 0 ? " " : "", key, quoted ? "\"" : "");
	for (; *value != '\0'; value++) {
		if (quoted && (*value == '"' || *value == '\\'))
			g_string_append_c(line, '\\');
		g_string_append_c(line, is_blank(*value) ? ' ' : *value);
	}
	if (quoted)
		g_string_append_c(line, '"');
}
