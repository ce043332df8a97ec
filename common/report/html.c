/* html.c - see html.h. */
#include "common/report/html.h"

void html_printf(GString *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_autofree char *text = g_markup_vprintf_escaped(format, args);
	va_end(args);
	g_string_append(out, text);
}

char *html_label(const char *key)
{
	static const struct { const char *end, *unit; } units[] = {
		{ " mb", "MB" }, { " px", "px" }, { " um2", "µm²" }, { " mm2", "mm²" }, { " bytes", "bytes" },
	};
	g_autofree char *words = g_strdelimit(g_strdup(key), "_", ' ');
	char *auc = g_str_has_suffix(words, "auc") ? words + strlen(words) - 3 : NULL;

	if (auc != NULL)
		memcpy(auc, "AUC", 3);
	if (g_str_equal(words, "size"))
		return g_strdup("size (µm²)");
	for (gsize i = 0; i < G_N_ELEMENTS(units); i++)
		if (g_str_has_suffix(words, units[i].end) && strlen(words) > strlen(units[i].end)) {
			words[strlen(words) - strlen(units[i].end)] = '\0';
			return g_strdup_printf("%s (%s)", words, units[i].unit);
		}
	return g_steal_pointer(&words);
}

gboolean html_is_number(const char *text) { return text != NULL && g_ascii_isdigit(*text == '-' ? text[1] : *text); }

char *html_value(const char *text)
{
	if (text == NULL || *text == '\0')
		return g_strdup("–");
	const char *arrow = strstr(text, "->");
	if (arrow != NULL)
		return g_strdup_printf("%.*s → %s", (int)(arrow - text), text, arrow + 2);
	g_auto(GStrv) parts = g_strsplit(text, "..", 6);
	for (char **part = parts; *part != NULL; part++)
		if (!html_is_number(*part))
			return g_strdup(text);
	return g_strjoinv(" – ", parts);
}

void html_table(GString *out, const char *caption, const char *const *heads, guint right)
{
	html_printf(out, "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"%s\"><table><caption>%s</caption>\n",
		    caption, caption);
	if (heads != NULL)
		g_string_append(out, "<thead><tr>");
	for (guint i = 0; heads != NULL && heads[i] != NULL; i++)
		html_printf(out, *heads[i] == '\0' ? "<td>%s</td>" : right >> i & 1 ? "<th scope=\"col\" class=\"n\">%s</th>" :
			    "<th scope=\"col\">%s</th>", heads[i]);
	g_string_append(out, heads != NULL ? "</tr></thead>\n<tbody>\n" : "<tbody>\n");
}

void html_row(GString *out, const char *const *cells, guint n, guint right, gboolean marked)
{
	g_string_append(out, marked ? "<tr class=\"marked\">" : "<tr>");
	for (guint i = 0; i < n; i++)
		html_printf(out, i == 0 ? "<th scope=\"row\">%s</th>" : right >> i & 1 ? "<td class=\"n\">%s</td>" : "<td>%s</td>",
			    cells[i] != NULL ? cells[i] : "–");
	g_string_append(out, "</tr>\n");
}

void html_table_end(GString *out) { g_string_append(out, "</tbody></table></div>\n"); }
