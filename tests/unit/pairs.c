/*
 * pairs.c - no test, but what tests of whole programs read a log with: lines of logfmt on stdin, taken apart.
 *
 *   pairs                          each line: its words (as word=true) and pairs, sorted, with tabs between
 *   pairs WORD [KEY=VALUE]... [KEY]...   of the lines whose second word is WORD and that have those values and keys:
 *                                  the keys' values, with blanks between; where no KEY is asked for, all as above
 */
#include "common/log/logfmt.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_text(gconstpointer a, gconstpointer b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void print_all(const struct logfmt *l)
{
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < l->words->len; i++)
		g_ptr_array_add(items, g_strconcat(l->words->pdata[i], "=true", NULL));
	for (guint i = 0; i < l->pairs->len; i++) {
		const struct logfmt_pair *p = &g_array_index(l->pairs, struct logfmt_pair, i);
		g_ptr_array_add(items, g_strconcat(p->key, "=", p->value, NULL));
	}
	g_ptr_array_sort(items, by_text);
	for (guint i = 0; i < items->len; i++)
		printf("%s%s", i > 0 ? "\t" : "", (char *)items->pdata[i]);
	putchar('\n');
}

static gboolean fits(const struct logfmt *l, char *const *query)
{
	if (l->words->len < 2 || !g_str_equal(l->words->pdata[1], *query))
		return FALSE;
	while (*++query != NULL) {
		g_auto(GStrv) parts = g_strsplit(*query, "=", 2);
		const char *value = logfmt_get(l, parts[0]);
		if (value == NULL || (parts[1] != NULL && !g_str_equal(value, parts[1])))
			return FALSE;
	}
	return TRUE;
}

static void print_asked(const struct logfmt *l, char *const *query)
{
	const char *end = "";

	while (*++query != NULL)
		if (strchr(*query, '=') == NULL) {
			printf("%s%s", end, logfmt_get(l, *query));
			end = " ";
		}
	if (*end != '\0')
		putchar('\n');
	else
		print_all(l);
}

int main(int argc, char **argv)
{
	g_auto(logfmt_t) l = { 0 };
	char *line = NULL;
	size_t room = 0;

	for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
		logfmt_parse(&l, line, (gsize)n - (line[n - 1] == '\n'));
		if (argc < 2)
			print_all(&l);
		else if (fits(&l, argv + 1))
			print_asked(&l, argv + 1);
	}
	free(line);
	return 0;
}
