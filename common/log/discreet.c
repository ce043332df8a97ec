/* discreet.c - see discreet.h. */
#include "common/log/discreet.h"
#include <string.h>

struct discreet {
	GPtrArray *folders;     /* char *, each with its '/' at the end */
	GHashTable *names;
};

struct discreet *discreet_new(void)
{
	struct discreet *d = g_new(struct discreet, 1);

	d->folders = g_ptr_array_new_with_free_func(g_free);
	d->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return d;
}

void discreet_free(struct discreet *d)
{
	if (d == NULL)
		return;
	g_ptr_array_unref(d->folders);
	g_hash_table_unref(d->names);
	g_free(d);
}

void discreet_folder(struct discreet *d, const char *path)
{
	gsize n = strlen(path);

	while (n > 0 && path[n - 1] == '/')
		n--;
	if (n > 0)
		g_ptr_array_add(d->folders, g_strdup_printf("%.*s/", (int)n, path));
}

void discreet_name(struct discreet *d, const char *name) { g_hash_table_add(d->names, g_strdup(name)); }

/* Of each path below a folder the last part. */
static char *without_folder(const char *line, const char *folder)
{
	GString *out = g_string_new(NULL);
	const char *at, *from = line;

	while ((at = strstr(from, folder)) != NULL) {
		const char *end = at + strcspn(at, "'\":,; \t"), *name = end;
		while (name > at && name[-1] != '/')
			name--;
		if (at > line && (g_ascii_isalnum(at[-1]) || strchr("/._-{}", at[-1]) != NULL))
			name = at;      /* it begins before the folder: another one */
		g_string_append_len(out, from, at - from);
		g_string_append_len(out, name, end - name);
		from = end;
	}
	g_string_append(out, from);
	return g_string_free(out, FALSE);
}

static gboolean has(const struct discreet *d, const char *text, gsize n)
{
	g_autofree char *name = g_strndup(text, n);

	return g_hash_table_contains(d->names, name);
}

/* The whole of it, or all before its ending. */
static gboolean is_name(const struct discreet *d, const char *text, gsize n)
{
	const char *dot = memrchr(text, '.', n);

	return has(d, text, n) || (dot != NULL && has(d, text, (gsize)(dot - text)));
}

static gsize word_length(const char *text, gboolean *letters)
{
	gsize n = 0;

	*letters = FALSE;
	for (; g_ascii_isalnum(text[n]) || text[n] == '_' || text[n] == '-' || (guchar)text[n] >= 0x80; n++)
		*letters |= !g_ascii_isdigit(text[n]);
	return n;
}

/* Behind a quote: up to another one, not always the next, since a name may have one in it. */
static gsize quoted_length(const struct discreet *d, const char *at)
{
	for (gsize n = strcspn(at, "'"); at[n] == '\''; n += 1 + strcspn(at + n + 1, "'"))
		if (n > 0 && is_name(d, at, n))
			return n;
	return 0;
}

static gboolean stands_before(const char *line, const char *at, const char *text)
{
	gsize n = strlen(text);

	return (gsize)(at - line) >= n && memcmp(at - n, text, n) == 0;
}

static gsize value_length(const struct discreet *d, const char *line, const char *at)
{
	static const char *const keys[] = { " case=", " slide=", " held_out=" };
	const gboolean quoted = at > line && at[-1] == '"';
	const gsize n = strcspn(at, quoted ? "\"" : " ,");

	for (gsize k = 0; n > 0 && k < G_N_ELEMENTS(keys); k++)
		if (stands_before(line, quoted ? at - 1 : at, keys[k]) && has(d, at, n))
			return n;
	return 0;
}

/* With a letter in it, or an ending behind it. */
static gsize bare_length(const struct discreet *d, const char *line, const char *at)
{
	gboolean begins = at == line || !(g_ascii_isalnum(at[-1]) || at[-1] == '_' || at[-1] == '-' || (guchar)at[-1] >= 0x80);
	gboolean letters = FALSE;
	gsize n = begins ? word_length(at, &letters) : 0;

	letters |= at[n] == '.' && g_ascii_isalpha(at[n + 1]);
	return n > 0 && letters && has(d, at, n) ? n : 0;
}

/* Where a name may begin at `at`: its length, 0 where there is none. */
static gsize name_length(const struct discreet *d, const char *line, const char *at)
{
	gsize n = at > line && at[-1] == '\'' ? quoted_length(d, at) : 0;

	n = n > 0 ? n : value_length(d, line, at);
	return n > 0 ? n : bare_length(d, line, at);
}

static char *without_names(const struct discreet *d, const char *line)
{
	GString *out = g_string_new(NULL);

	for (const char *at = line; *at != '\0';) {
		gsize n = name_length(d, line, at);
		if (n > 0)
			g_string_append(out, DISCREET_HIDDEN);
		else
			g_string_append_c(out, *at);
		at += MAX(n, 1);
	}
	return g_string_free(out, FALSE);
}

char *discreet_line(const struct discreet *d, const char *line)
{
	char *shown = g_strdup(line);

	for (guint i = 0; i < d->folders->len; i++) {
		char *shorter = without_folder(shown, d->folders->pdata[i]);
		g_free(shown);
		shown = shorter;
	}
	if (g_hash_table_size(d->names) == 0)
		return shown;
	char *hidden = without_names(d, shown);
	g_free(shown);
	return hidden;
}
