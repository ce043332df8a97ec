/*
 * report.c - logs into one page: what train and inference said on stdout and stderr, as HTML that opens anywhere.
 */
#include "common/fault/fault.h"
#include "common/report/page.h"
#include <errno.h>

enum { RUNS = 2 };

struct job {
	GPtrArray *logs[RUNS];  /* paths */
	guint run;              /* whose logs come now: the second's behind --vs */
	char *out;
};

static gboolean take_log(const char *name G_GNUC_UNUSED, const char *path, void *data, GError **error G_GNUC_UNUSED)
{
	struct job *job = data;

	g_ptr_array_add(job->logs[job->run], g_strdup(path));
	return TRUE;
}

static gboolean take_vs(const char *name, const char *value G_GNUC_UNUSED, void *data, GError **error)
{
	struct job *job = data;

	if (++job->run < RUNS)
		return TRUE;
	g_set_error(error, FAULT, FAULT_USAGE, "%s is given twice: a page shows two runs at most", name);
	return FALSE;
}

/* A run is called as the folder of its first log, or as that log. */
static char *name_of(const char *path, gboolean folder)
{
	g_autofree char *above = g_path_get_dirname(path);
	g_autofree char *base = g_path_get_basename(folder ? above : path);
	g_autofree char *name = g_utf8_make_valid(base, -1);

	return g_utf8_substring(name, 0, MIN(g_utf8_strlen(name, -1), 24));
}

/* Folders where all have one and they differ; else files, where these differ. */
static char **name_runs(const struct job *job)
{
	guint n = job->run + 1;

	for (int folder = 1; folder >= 0; folder--) {
		g_auto(GStrv) names = g_new0(char *, RUNS + 1);
		gboolean good = TRUE;

		for (guint i = 0; i < n; i++) {
			names[i] = name_of(job->logs[i]->pdata[0], folder);
			good &= strchr("./", names[i][0]) == NULL && (i == 0 || !g_str_equal(names[i], names[0]));
		}
		if (good)
			return g_steal_pointer(&names);
	}
	return g_strsplit("first run,second run", ",", RUNS);
}

static gboolean write_page(const char *path, const char *html, GError **error)
{
	FILE *file = fopen(path, "wbe");
	gboolean ok = file != NULL && fputs(html, file) >= 0;

	if (file != NULL)
		ok = fclose(file) == 0 && ok;
	if (!ok)
		g_set_error(error, FAULT, errno == ENOSPC ? FAULT_ROOM : FAULT_FAILED, "%s: %s", path, g_strerror(errno));
	return ok;
}

static gboolean run(const struct job *job, GError **error)
{
	g_autoptr(story_t) first = story_new(), second = story_new();
	struct story *stories[RUNS] = { first, second };

	for (guint i = 0; i <= job->run; i++) {
		for (guint k = 0; k < job->logs[i]->len; k++)
			if (!story_read(stories[i], job->logs[i]->pdata[k], error))
				return FALSE;
		story_end(stories[i]);
	}
	g_auto(GStrv) names = name_runs(job);
	g_autofree char *html = page_html((const struct story *const *)stories, (const char *const *)names, job->run + 1);
	return write_page(job->out != NULL ? job->out : "report.html", html, error);
}

static gboolean read_options(struct job *job, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
		{ "output", 'o', 0, G_OPTION_ARG_FILENAME, &job->out, "The page (default: report.html)", "FILE" },
		{ "vs", 0, G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, (void *)take_vs,
		  "The logs behind it are another run's: both are shown, with what differs", NULL },
		{ G_OPTION_REMAINING, 0, G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, (void *)take_log, NULL, "LOG..." },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) options = g_option_context_new("[--vs LOG...]");
	GOptionGroup *group = g_option_group_new("report", "", "", job, NULL);

	g_option_group_add_entries(group, entries);
	g_option_context_set_main_group(options, group);
	g_option_context_set_summary(options, "Makes one page of HTML from the logs of a run: stdout and stderr of train and inference, "
				     "as many\nof them as there are, in any order, cut or not.\n\n"
				     "  report train.out train.err inference.out -o report.html\n"
				     "  report monday/*.log --vs tuesday/*.log -o both.html");
	if (!g_option_context_parse(options, &argc, &argv, error))
		return FALSE;
	for (guint i = 0; i <= job->run; i++)
		if (job->logs[i]->len == 0) {
			g_set_error_literal(error, FAULT, FAULT_USAGE, i == 0 ? "LOG... are wanted; see --help" :
					    "the logs of another run are wanted behind --vs");
			return FALSE;
		}
	return TRUE;
}

int main(int argc, char **argv)
{
	struct job job = { .run = 0 };
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < RUNS; i++)
		job.logs[i] = g_ptr_array_new_with_free_func(g_free);
	if (read_options(&job, argc, argv, &error))
		run(&job, &error);
	if (error != NULL)
		g_printerr("report: %s\n", error->message);
	for (guint i = 0; i < RUNS; i++)
		g_ptr_array_unref(job.logs[i]);
	g_free(job.out);
	return fault_exit_code(error);
}
