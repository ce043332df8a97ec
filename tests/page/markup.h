/* markup.h - what a page of report, or a chart, may be made of: well-formed, of known elements, without a script. */
#pragma once
#include <glib.h>

static inline void markup_element(GMarkupParseContext *context G_GNUC_UNUSED, const char *name, const char **keys, const char **values,
				  gpointer data, GError **error G_GNUC_UNUSED)
{
	static const char *const known[] = {
		"html", "head", "meta", "link", "title", "style", "body", "header", "main", "nav", "section", "article", "div", "p", "h1",
		"h2", "h3", "ul", "ol", "li", "a", "dl", "dt", "dd", "b", "small", "span", "code", "pre", "details", "summary", "figure",
		"figcaption", "table", "caption", "thead", "tbody", "tr", "th", "td", "svg", "desc", "g", "path", "text", "circle", "rect",
		NULL,
	};
	GHashTable *ids = data;

	g_assert_true(g_strv_contains(known, name));
	for (; *keys != NULL; keys++, values++) {
		g_assert_false(g_str_has_prefix(*keys, "on"));
		if (g_str_equal(*keys, "href"))
			g_assert_true(**values == '#' || g_str_equal(*values, "data:,"));
		if (g_str_equal(*keys, "id"))
			g_assert_true(g_hash_table_add(ids, g_strdup(*values)));
		if (g_str_equal(*keys, "d"))
			g_assert_null(strstr(*values, "nan"));
	}
}

/* Ends the test where it is not so. */
static inline void markup_check(const char *markup)
{
	const GMarkupParser parser = { .start_element = markup_element };
	g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, G_MARKUP_PREFIX_ERROR_POSITION, ids, NULL);
	g_autoptr(GError) error = NULL;

	g_assert_true(g_utf8_validate(markup, -1, NULL));
	g_markup_parse_context_parse(context, markup, -1, &error);
	g_assert_no_error(error);
	g_markup_parse_context_end_parse(context, &error);
	g_assert_no_error(error);
}
