/*
 * check-answer.c - an answer file against the test folder, before it is handed in: every line that a contest would
 * refuse or read otherwise than it was meant, then what is doubtful. Nothing of the truth is needed.
 */
#include "common/config/config.h"
#include "common/fault/fault.h"
#include "common/task/task.h"

enum { MOST_LINES = 50 };       /* that are printed of each kind */

static void print(const char *before, const GPtrArray *lines)
{
	guint printed = MIN(lines->len, MOST_LINES);

	for (guint i = 0; i < printed; i++)
		g_print("%s%s\n", before, (char *)lines->pdata[i]);
	if (printed < lines->len)
		g_print("%s... and %u more\n", before, lines->len - printed);
}

static gboolean check(const struct work *w, const char *answer, GError **error)
{
	g_autoptr(GPtrArray) wrong = g_ptr_array_new_with_free_func(g_free), doubts = g_ptr_array_new_with_free_func(g_free);
	gboolean ok = w->task->check(w, answer, wrong, doubts, error);

	print("wrong: ", wrong);
	print("doubtful: ", doubts);
	if (!ok)
		return FALSE;
	if (wrong->len == 0) {
		g_print("%s can be handed in: %u cases, each answered once%s\n", answer, w->n_cases,
			doubts->len > 0 ? "; look at what is doubtful" : "");
		return TRUE;
	}
	g_set_error(error, FAULT, FAULT_DATA, "%s: %u fault%s: a contest would refuse it", answer, wrong->len,
		    wrong->len == 1 ? "" : "s");
	return FALSE;
}

/* data.yaml: what the test folder's files are called, and whether the answer has a header. */
static struct settings *read_settings(const char *config, char *const *set, const char *folder, GError **error)
{
	g_autoptr(settings_t) s = settings_new();

	if (config == NULL && g_file_test("data.yaml", G_FILE_TEST_EXISTS))
		config = "data.yaml";
	if (config != NULL && !settings_read_file(s, config, error))
		return NULL;
	if (folder != NULL && !settings_set(s, "paths.test", folder, "TEST_FOLDER: ", error))
		return NULL;
	for (; set != NULL && *set != NULL; set++)
		if (!settings_assign(s, *set, error))
			return NULL;
	return settings_check(s, error) ? g_steal_pointer(&s) : NULL;
}

static gboolean run(const char *answer, const char *folder, const char *config, char *const *set, GError **error)
{
	g_autoptr(settings_t) s = read_settings(config, set, folder, error);
	const struct task *task = s != NULL ? task_find(s->task, error) : NULL;
	struct work *w = task != NULL ? task->open(s, PHASE_TEST, NULL, error) : NULL;

	if (w == NULL)
		return FALSE;
	gboolean ok = check(w, answer, error);
	task->close(w);
	return ok;
}

int main(int argc, char **argv)
{
	g_autofree char *config = NULL;
	g_auto(GStrv) set = NULL;
	const GOptionEntry entries[] = {
		{ "config", 0, 0, G_OPTION_ARG_FILENAME, &config, "Settings (default: data.yaml here, if there is one)", "FILE" },
		{ "set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &set, "Any key of data.yaml, such as data.test={name}.svs", "KEY=VALUE" },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) options = g_option_context_new("ANSWER [TEST_FOLDER]");
	g_autoptr(GError) error = NULL;

	g_option_context_set_summary(options, "Checks an answer file as a contest would: each case of the test folder once, a "
				     "number from 0 to 1.\nEnds with 0 where it can be handed in, with 3 where something is wrong.");
	g_option_context_add_main_entries(options, entries, NULL);
	if (!g_option_context_parse(options, &argc, &argv, &error))
		/* said below */;
	else if (argc != 2 && argc != 3)
		g_set_error_literal(&error, FAULT, FAULT_USAGE, "ANSWER [TEST_FOLDER] are wanted; see --help");
	else
		run(argv[1], argc == 3 ? argv[2] : NULL, config, set, &error);
	if (error != NULL)
		g_printerr("check-answer: %s\n", error->message);
	return fault_exit_code(error);
}
