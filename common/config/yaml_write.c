/*
 * yaml_write.c - settings as a data.yaml that explains itself: grouped, each key with its help behind
 * it. The project's own data.yaml is what this writes of the defaults.
 */
#include "common/config/keys.h"

#define HELP_COLUMN 38

static const char head[] =
	"# The settings of blindrun, for train and for inference. A key that is left out has its default.\n"
	"# For one run alone, on the command line:  --set tiles.size=96 --set training.time=28h\n"
	"# All values as they apply in the end:      train --settings\n"
	"# inference takes task, data.classes, tiles, model and score from the model, as train had them.\n"
	"# Times are 90s, 30m, 28h, 1h30m, 2d, or plain seconds; sizes 500M, 200G, 1T, or plain bytes.\n\n";

/* Text that no reader of YAML takes for a number, a switch, a date or anything but itself. */
static gboolean is_plain(const char *text, gboolean in_list)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on", "off", "y", "n", "null" };

	if (!g_ascii_isalpha(*text) && *text != '/')
		return FALSE;
	for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
		if (g_ascii_strcasecmp(text, words[i]) == 0)
			return FALSE;
	for (const char *c = text; *c; c++)
		if (!g_ascii_isalnum(*c) && strchr(in_list ? "/._-" : "/._-{}", *c) == NULL &&
		    (*c != ':' || in_list || !g_ascii_isdigit(c[1]))) /* cuda:1 */
			return FALSE;
	return TRUE;
}

static void append_text(GString *yaml, const char *text, gboolean in_list)
{
	if (is_plain(text, in_list)) {
		g_string_append(yaml, text);
		return;
	}
	g_string_append_c(yaml, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			g_string_append_c(yaml, '\\');
		g_string_append_c(yaml, *text);
	}
	g_string_append_c(yaml, '"');
}

char *yaml_join(char *const *parts)
{
	GString *text = g_string_new("[");

	for (char *const *part = parts; *part; part++) {
		g_string_append(text, part > parts ? ", " : "");
		append_text(text, *part, TRUE);
	}
	g_string_append_c(text, ']');
	return g_string_free(text, FALSE);
}

/* Comments behind a line that begins at start; a comment's further lines stand below. */
static void append_help(GString *yaml, gsize start, const char *help)
{
	g_auto(GStrv) lines = g_strsplit(help, "\n", -1);

	for (char **line = lines; *line && **line; line++) {
		glong column = g_utf8_strlen(yaml->str + start, (gssize)(yaml->len - start));

		g_string_append_printf(yaml, "%*s# %s", (int)MAX(2, HELP_COLUMN - column), "", *line);
		if (line[1])
			g_string_append_c(yaml, '\n');
		start = yaml->len;
	}
	g_string_append_c(yaml, '\n');
}

static void append_key(GString *yaml, const struct settings *settings, const struct key *key)
{
	g_autofree char *value = value_get(settings, key), *range = value_range(key), *help = NULL;
	const char *last = key_last_part(key->name);
	gsize start = yaml->len;

	g_string_append_printf(yaml, "%s%s: ", last > key->name ? "  " : "", last);
	if (key_is_text(key))
		append_text(yaml, value, FALSE);
	else
		g_string_append(yaml, value);
	help = range && *key->help ? g_strdup_printf("%s (%s)", key->help, range) : g_strdup(range ? range : key->help);
	append_help(yaml, start, help);
}

static void append_section(GString *yaml, const struct section *section)
{
	gsize start = yaml->len;

	g_string_append_printf(yaml, "%s:", section->name);
	append_help(yaml, start, section->help);
}

char *settings_to_yaml(const struct settings *settings)
{
	GString *yaml = g_string_new(head);
	const struct section *section = NULL;

	for (const struct key *key = key_table; key->name; key++) {
		gboolean leaves = section && !key_is_in(key, section->name);
		gboolean enters = strchr(key->name, '.') && (section == NULL || leaves);

		if (leaves || enters)
			g_string_append_c(yaml, '\n');
		if (leaves)
			section = NULL;
		if (enters) {
			section = section ? section + 1 : section_table;
			while (!key_is_in(key, section->name))
				section++;
			append_section(yaml, section);
		}
		append_key(yaml, settings, key);
	}
	return g_string_free(yaml, FALSE);
}
