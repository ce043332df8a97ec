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

	for (gsize i = 0; i < G_N_ELEMENTS(units); i++)
		if (g_str_has_suffix(words, units[i].end) && strlen(words) > strlen(units[i].end)) {
			words[strlen(words) - strlen(units[i].end)] = '\0';
			return g_strdup_printf("%s (%s)", words, units[i].unit);
		}
	return g_steal_pointer(&words);
}

char *html_value(const char *text)
{
	if (text == NULL || *text == '\0')
		return g_strdup("–");
	g_auto(GStrv) parts = g_strsplit(text, "..", 6);
	for (char **part = parts; *part != NULL; part++)
		if (!g_ascii_isdigit(**part == '-' ? (*part)[1] : **part))
			return g_strdup(text);          /* no range of numbers */
	return g_strjoinv(" – ", parts);
}

void html_table(GString *out, const char *caption, const char *const *heads)
{
	html_printf(out, "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table><caption>%s</caption>\n<thead><tr>",
		    caption, caption);
	for (; *heads != NULL; heads++)
		html_printf(out, **heads != '\0' ? "<th scope=\"col\">%s</th>" : "<td>%s</td>", *heads);
	g_string_append(out, "</tr></thead>\n<tbody>\n");
}

static gboolean is_number(const char *text) { return g_ascii_isdigit(*text == '-' ? text[1] : *text); }

void html_row(GString *out, const char *const *cells, guint n, gboolean marked)
{
	g_string_append(out, marked ? "<tr class=\"marked\">" : "<tr>");
	for (guint i = 0; i < n; i++) {
		const char *cell = cells[i] != NULL ? cells[i] : "–";

		html_printf(out, i == 0 ? "<th scope=\"row\">%s</th>" : is_number(cell) ? "<td class=\"n\">%s</td>" : "<td>%s</td>",
			    cell);
	}
	g_string_append(out, "</tr>\n");
}

void html_table_end(GString *out) { g_string_append(out, "</tbody></table></div>\n"); }
