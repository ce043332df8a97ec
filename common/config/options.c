/* options.c - see options.h. GOption reads the line; what it would print or exit for is done here. */
#include "common/config/options.h"
#include "common/config/keys.h"
#include "common/fault/fault.h"

static const char description[] =
	"Every setting is a key of data.yaml, documented there. For one run alone:\n"
	"  --set tiles.size=96 --set training.time=28h\n"
	"  --set data.classes=negative,positive\n"
	"  --data /home/me/data    for /home/me/data/train, .../test, .../model, .../output\n"
	"--settings prints all keys with their help, as a data.yaml.";

/* What stands on the command line. */
struct line {
	char *config, *data;
	char **set, **print;
	gboolean settings, help, version;
};

static void line_clear(struct line *line)
{
	g_free(line->config);
	g_free(line->data);
	g_strfreev(line->set);
	g_strfreev(line->print);
}
typedef struct line line_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(line_t, line_clear)

static gboolean print_text(const char *text, GError **error)
{
	if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
		return TRUE;
	g_set_error(error, FAULT, FAULT_FAILED, "stdout cannot be written");
	return FALSE;
}

/* GOption's own "Unknown option" is in the user's language and without advice. */
static gboolean refuse_rest(char *const *rest, GError **error)
{
	const char *equals;
	g_autofree char *name = NULL;

	if (*rest == NULL)
		return TRUE;
	equals = strchr(*rest, '=');
	if (**rest != '-' || strcmp(*rest, "-") == 0 || strcmp(*rest, "--") == 0)
		return usage_error(error, "unexpected argument '%s'; see --help", *rest);
	name = equals ? g_strndup(*rest, (gsize)(equals - *rest)) : g_strdup(*rest);
	return usage_error(error, "unknown option %s; see --help", name);
}

/* *help_opt: the text that --help wants; NULL where it is not asked for. */
static gboolean line_parse(struct line *line, char *const *argv, const char *summary, const GOptionEntry *extra_opt,
			   char **help_opt, GError **error)
{
	const GOptionEntry entries[] = {
		{ "config", 0, 0, G_OPTION_ARG_FILENAME, &line->config,
		  "settings (default: data.yaml here, else beside the program, else one folder up)", "FILE" },
		{ "data", 0, 0, G_OPTION_ARG_FILENAME, &line->data,
		  "moves the four paths to DIR/train, DIR/test, DIR/model, DIR/output", "DIR" },
		{ "set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &line->set,
		  "any key, such as tiles.size=96; may be repeated; wins over all else", "KEY=VALUE" },
		{ "settings", 0, 0, G_OPTION_ARG_NONE, &line->settings, "print all settings as they apply", NULL },
		{ "print", 0, 0, G_OPTION_ARG_STRING_ARRAY, &line->print, "print one setting's value: for scripts; may be repeated", "KEY" },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &line->version, "print the version", NULL },
		{ "help", 'h', 0, G_OPTION_ARG_NONE, &line->help, "print this", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_auto(GStrv) copy = g_strdupv((char **)argv);
	g_autoptr(GError) bad = NULL;

	g_option_context_set_summary(context, summary);
	g_option_context_set_description(context, description);
	g_option_context_add_main_entries(context, entries, NULL);
	if (extra_opt)
		g_option_context_add_main_entries(context, extra_opt, NULL);
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_set_ignore_unknown_options(context, TRUE);
	if (!g_option_context_parse_strv(context, &copy, &bad))
		return usage_error(error, "%s; see --help", bad->message);
	if (!refuse_rest(*copy ? copy + 1 : copy, error))
		return FALSE;
	if (line->help) {
		g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);
		g_auto(GStrv) parts = g_strsplit(text, "\342\200\246", -1); /* an ellipsis: not on every terminal */

		*help_opt = g_strjoinv("...", parts);
	}
	return TRUE;
}

/* data.yaml here, beside the program or above it; NULL: there is none. */
static char *find_config(void)
{
	g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *folder = program ? g_path_get_dirname(program) : NULL;
	g_autofree char *above = folder ? g_path_get_dirname(folder) : NULL;
	const char *const folders[] = { "", folder, above };

	for (gsize i = 0; i < G_N_ELEMENTS(folders) && folders[i]; i++) {
		g_autofree char *path = g_build_filename(folders[i], "data.yaml", NULL);

		if (g_file_test(path, G_FILE_TEST_EXISTS))
			return g_steal_pointer(&path);
	}
	return NULL;
}

/* A relative path that the file gives is meant from where the file is: of weights, and of a network that is one. */
static void find_beside(char **path, const char *config)
{
	g_autofree char *folder = g_path_get_dirname(config), *given = *path;

	*path = *given == '\0' || g_path_is_absolute(given) || g_str_equal(folder, ".") ? g_strdup(given)
										     : g_build_filename(folder, given, NULL);
}

/* The file, then --data, then each --set. */
static gboolean apply(struct settings *settings, const struct line *line, const char *config_opt, GError **error)
{
	if (config_opt && !settings_read_file(settings, config_opt, error))
		return FALSE;
	if (config_opt)
		find_beside(&settings->model.weights, config_opt);
	if (config_opt && g_str_has_suffix(settings->model.network, ".pt"))
		find_beside(&settings->model.network, config_opt);
	if (line->data)
		settings_set_data_dir(settings, line->data);
	for (char **set = line->set; set && *set; set++)
		if (!settings_assign(settings, *set, error))
			return FALSE;
	settings_find_model(settings);
	return settings_check(settings, error);
}

/* The keys' values, one a line; NULL for an unknown key. */
static char *values_of(const struct settings *settings, char *const *keys, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (; *keys != NULL; keys++) {
		g_autofree char *value = g_strv_contains(settings_keys(), *keys) ? settings_get(settings, *keys) : NULL;

		if (value == NULL) {
			usage_error(error, "--print %s: unknown key; --settings prints them all", *keys);
			return NULL;
		}
		g_string_append_printf(text, "%s\n", value);
	}
	return g_strdup(text->str);
}

gboolean options_parse(struct options *options, int argc, char *const *argv, const char *summary,
		       const GOptionEntry *extra_opt, GError **error)
{
	g_auto(line_t) line = { 0 };
	g_autoptr(settings_t) settings = settings_new();
	g_autofree char *text = NULL, *config = NULL;
	gboolean done;

	g_return_val_if_fail(argc >= 0 && argv[argc] == NULL, FALSE);
	if (!line_parse(&line, argv, summary, extra_opt, &text, error))
		return FALSE;
	if (line.version && text == NULL)
		text = g_strdup("blindrun " BLINDRUN_VERSION "\n");
	if (text == NULL) {
		config = line.config ? g_strdup(line.config) : find_config();
		if (!apply(settings, &line, config, error))
			return FALSE;
		if (line.settings)
			text = settings_to_yaml(settings);
		else if (line.print && !(text = values_of(settings, line.print, error)))
			return FALSE;
	}
	done = text != NULL;
	if (done && !print_text(text, error))
		return FALSE;
	options->settings = g_steal_pointer(&settings);
	options->source = config ? g_steal_pointer(&config) : g_strdup("defaults");
	options->done = done;
	return TRUE;
}

void options_clear(struct options *options)
{
	g_clear_pointer(&options->settings, settings_free);
	g_clear_pointer(&options->source, g_free);
}
