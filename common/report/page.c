/* page.c - see page.h: the frame of the page, and the pieces that its parts share. */
#include "common/report/page.h"
#include "common/report/page_parts.h"

enum {
	CHART_WIDTH = 440,      /* px, of the view box: about as wide as it is drawn on a phone and beside another */
	MOST_COLUMNS = 16,
};

static const struct part {
	const char *id, *title;
	void (*write)(struct page *);
} parts[] = {
	{ "summary", "Summary", part_summary },		{ "compared", "What differs", part_compared },
	{ "curves", "Learning", part_curves },		{ "held", "Held-out cases", part_held },
	{ "answers", "Answers", part_answers },		{ "time", "Time", part_time },
	{ "data", "Data", part_data },			{ "warnings", "Warnings", part_warnings },
	{ "settings", "Settings and machine", part_settings }, { "others", "Other lines", part_others },
};

char *page_titled(const struct page *p, guint run, const char *title)
{
	return p->n == 1 ? g_strdup(title) : g_strdup_printf("%s: %s", title, p->names[run]);
}

struct page_box page_open(struct page *p, const char *markup)
{
	struct page_box box = { .begun = p->out->len };

	g_string_append(p->out, markup);
	box.inner = p->out->len;
	return box;
}

struct page_box page_fold(struct page *p, const char *title)
{
	g_autofree char *markup = g_markup_printf_escaped("<details><summary>%s</summary>\n", title);

	return page_open(p, markup);
}

void page_close(struct page *p, struct page_box box, const char *markup)
{
	if (p->out->len == box.inner)
		g_string_truncate(p->out, box.begun);
	else
		g_string_append(p->out, markup);
}

void page_chart(struct page *p, struct chart *c, int height, const char *note)
{
	g_autofree char *id = g_strdup_printf("chart-%u", ++p->charts);

	c->id = id;
	c->width = CHART_WIDTH;
	c->height = height;
	html_printf(p->out, "<figure><h3>%s</h3>\n", c->title);
	chart_append(p->out, c);
	if (note != NULL)
		html_printf(p->out, "<figcaption>%s</figcaption>", note);
	g_string_append(p->out, "</figure>\n");
	c->id = NULL;
}

/* ---- tables of facts ---- */

/* The keys of facts, each once, in the order in which they first come; of const char *. */
static GPtrArray *keys_of(const struct fact *const *facts, guint n)
{
	GPtrArray *keys = g_ptr_array_new();
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < n; i++)
		for (guint k = 0; facts[i] != NULL && k < facts[i]->n_pairs && keys->len < PAGE_ROWS; k++)
			if (g_hash_table_add(seen, (void *)facts[i]->pairs[k].key))
				g_ptr_array_add(keys, (void *)facts[i]->pairs[k].key);
	return keys;
}

static void pairs_row(struct page *p, const struct fact *const *facts, const char *key)
{
	g_autofree char *label = html_label(key);
	char *cells[1 + PAGE_RUNS] = { label };

	for (guint i = 0; i < p->n; i++)
		cells[1 + i] = html_value(fact_text(facts[i], key));
	html_row(p->out, (const char *const *)cells, 1 + p->n, 0, p->n > 1 && !g_str_equal(cells[1], cells[2]));
	for (guint i = 0; i < p->n; i++)
		g_free(cells[1 + i]);
}

void page_pairs(struct page *p, const char *title, const char *program, const char *word)
{
	const struct fact *facts[PAGE_RUNS] = { NULL };
	const char *heads[] = { "", p->names[0], p->n > 1 ? p->names[1] : NULL, NULL };

	for (guint i = 0; i < p->n; i++)
		facts[i] = story_last(p->runs[i], program, word);
	g_autoptr(GPtrArray) keys = keys_of(facts, p->n);
	if (keys->len == 0)
		return;
	html_table(p->out, title, p->n > 1 ? heads : NULL, 0);
	for (guint i = 0; i < keys->len; i++)
		pairs_row(p, facts, keys->pdata[i]);
	html_table_end(p->out);
}

/* By the first fact that tells it. */
static gboolean column_is_number(const struct fact *const *facts, guint n, const char *key)
{
	for (guint i = 0; i < n; i++)
		if (fact_text(facts[i], key) != NULL)
			return html_is_number(fact_text(facts[i], key));
	return FALSE;
}

/* n facts, or so many of them as a table takes, evenly. */
static void facts_table(struct page *p, const char *title, const struct fact *const *facts, guint n, const char *first)
{
	g_autoptr(GPtrArray) keys = keys_of(facts, n), heads = g_ptr_array_new_with_free_func(g_free);
	guint every = (n + PAGE_ROWS - 1) / PAGE_ROWS, right = 0, at;

	if (g_ptr_array_find_with_equal_func(keys, first, g_str_equal, &at))
		g_ptr_array_remove_index(keys, at);
	g_ptr_array_set_size(keys, (gint)MIN(keys->len, MOST_COLUMNS));
	g_ptr_array_add(heads, html_label(first));
	for (guint i = 0; i < keys->len; i++) {
		g_ptr_array_add(heads, html_label(keys->pdata[i]));
		right |= (guint)column_is_number(facts, n, keys->pdata[i]) << (i + 1);
	}
	g_ptr_array_add(heads, NULL);
	html_table(p->out, title, (const char *const *)heads->pdata, right);
	for (guint i = 0; i < n; i += every) {
		g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);

		g_ptr_array_add(cells, html_value(fact_text(facts[i], first)));
		for (guint k = 0; k < keys->len; k++)
			g_ptr_array_add(cells, html_value(fact_text(facts[i], keys->pdata[k])));
		html_row(p->out, (const char *const *)cells->pdata, cells->len, right, FALSE);
	}
	html_table_end(p->out);
	if (every > 1)
		html_printf(p->out, "<p class=\"note\">One of each %u of %u lines.</p>\n", every, n);
}

void page_facts(struct page *p, const char *title, const char *program, const char *word, const char *first)
{
	for (guint i = 0; i < p->n; i++) {
		const GPtrArray *facts = story_facts(p->runs[i], program, word);
		g_autofree char *titled = page_titled(p, i, title);

		if (facts->len > 0)
			facts_table(p, titled, (const struct fact *const *)facts->pdata, facts->len, first);
	}
}

/* ---- the frame ---- */

/* The parts that have something to show, in p->out; links to them. */
static void write_parts(struct page *p, GString *links)
{
	for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
		const char *id = parts[i].id;
		g_autofree char *head = g_strdup_printf("<section id=\"%s\" aria-labelledby=\"%s-h\">\n<h2 id=\"%s-h\">%s</h2>\n",
							id, id, id, parts[i].title);
		struct page_box section = page_open(p, head);

		parts[i].write(p);
		if (p->out->len > section.inner)
			html_printf(links, "<li><a href=\"#%s\">%s</a></li>\n", id, parts[i].title);
		page_close(p, section, "</section>\n");
	}
}

char *page_html(const struct story *const *stories, const char *const *names, guint n)
{
	g_autoptr(GString) body = g_string_new(NULL), links = g_string_new(NULL);
	struct page p = { .runs = stories, .names = names, .n = MIN(n, PAGE_RUNS), .out = body };
	g_autofree char *title = n == 1 ? g_strdup(names[0]) : g_strdup_printf("%s and %s", names[0], names[1]);
	GString *page = g_string_new("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
				     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
				     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
				     "style-src 'unsafe-inline'; img-src data:\"/>\n<link rel=\"icon\" href=\"data:,\"/>\n");

	write_parts(&p, links);
	html_printf(page, "<title>%s: blindrun report</title>\n", title);
	g_string_append_printf(page, "<style>\n%s%s</style>\n</head>\n<body>\n", chart_style(), page_style());
	html_printf(page, "<header>\n<p class=\"kind\">blindrun report</p>\n<h1>%s</h1>\n", title);
	g_string_append_printf(page, "<nav aria-label=\"Parts of the page\"><ul>\n%s</ul></nav>\n</header>\n<main>\n%s</main>\n"
			       "</body>\n</html>\n", links->str, body->str);
	return g_string_free(page, FALSE);
}
