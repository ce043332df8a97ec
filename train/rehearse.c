/* rehearse.c - see rehearse.h. */
#include "train/rehearse.h"
#include "common/answer/answer_check.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/log/stage.h"
#include "common/machine/machine.h"
#include "common/machine/remove_tree.h"
#include "common/machine/stop.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEPS = 3, LEAST_S = 4, CASES_A_CLASS = 2, CASES_MAX = 8 };

struct scratch { char *root, *model, *test /* may be elsewhere */, *output, *config, *out, *err; };

static void scratch_clear(struct scratch *s)
{
	remove_tree(s->test);
	remove_tree(s->root);
	g_free(s->root);
	g_free(s->model);
	g_free(s->test);
	g_free(s->output);
	g_free(s->config);
	g_free(s->out);
	g_free(s->err);
}

static gboolean scratch_make(struct scratch *s, const struct settings *settings, GError **error)
{
	*s = (struct scratch){ .root = g_build_filename(settings->paths.model, "rehearsal", NULL) };
	s->model = g_build_filename(s->root, "model", NULL);
	s->test = g_build_filename(s->root, "test", NULL);
	s->output = g_build_filename(s->root, "output", NULL);
	s->config = g_build_filename(s->root, "data.yaml", NULL);
	s->out = g_build_filename(s->root, "stdout", NULL);
	s->err = g_build_filename(s->root, "stderr", NULL);
	remove_tree(s->root);           /* of a run that was killed */
	if (g_mkdir_with_parents(s->test, 0755) == 0)
		return TRUE;
	g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "cannot make '%s': %s", s->test, g_strerror(errno));
	return FALSE;
}

/* ---- cases ---- */

struct candidate { guint item; int label; guint64 samples; };

static int fewest(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->samples != y->samples)
		return x->samples < y->samples ? -1 : 1;
	return x->item < y->item ? -1 : 1;
}

/* The smallest cases of each class, into the test folder. */
static gboolean stage(const struct work *w, const char *folder, guint *n, GError **error)
{
	g_autofree struct candidate *all = g_new(struct candidate, w->n_cases + 1);
	g_autoptr(GHashTable) of_class = g_hash_table_new(NULL, NULL);
	guint ready = 0;

	for (guint i = 0; i < w->n_cases; i++)
		if (w->cases[i].ready)
			all[ready++] = (struct candidate){ i, w->cases[i].label, validation_samples(w, &i, 1, 1) };
	qsort(all, ready, sizeof *all, fewest);
	*n = 0;
	for (guint i = 0; i < ready && *n < CASES_MAX; i++) {
		gpointer label = GINT_TO_POINTER(all[i].label);
		gint there = GPOINTER_TO_INT(g_hash_table_lookup(of_class, label));
		if (there >= CASES_A_CLASS)
			continue;
		if (!w->task->stage(w, all[i].item, folder, error))
			return FALSE;
		g_hash_table_insert(of_class, label, GINT_TO_POINTER(there + 1));
		++*n;
	}
	return TRUE;
}

/* The model folder's disk may have no links; then the program's own has. */
static gboolean stage_somewhere(const struct work *w, struct scratch *s, guint *n, GError **error)
{
	g_autoptr(GError) wrong = NULL;

	if (stage(w, s->test, n, &wrong))
		return TRUE;
	char *other = g_dir_make_tmp("blindrun-rehearsal-XXXXXX", NULL);
	if (other == NULL) {
		g_propagate_error(error, g_steal_pointer(&wrong));
		return FALSE;
	}
	g_free(s->test);
	s->test = other;
	return stage(w, s->test, n, error);
}

/* ---- inference ---- */

static char *last_line(const char *path)
{
	g_auto(logfmt_t) parts = { 0 };
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return g_strdup("it said nothing");
	g_strchomp(text);
	char *newline = strrchr(text, '\n'), *line = newline != NULL ? newline + 1 : text;
	g_autofree char *whole = g_strdup(line);
	logfmt_parse(&parts, line, strlen(line));
	const char *cause = logfmt_get(&parts, "cause");
	return g_utf8_make_valid(cause != NULL ? cause : whole[0] != '\0' ? whole : "it said nothing", -1);
}

/* Seconds it may take; then it is killed. */
static gboolean wait_for(GPid child, double seconds, int *status, GError **error)
{
	double end = log_seconds() + seconds;

	for (pid_t got; (got = waitpid(child, status, WNOHANG)) != child; g_usleep(G_USEC_PER_SEC / 50)) {
		gboolean lost = got < 0 && errno != EINTR, stopped = stop_asked() != NULL;
		if (!lost && !stopped && log_seconds() <= end)
			continue;
		kill(child, SIGKILL);
		waitpid(child, status, 0);
		g_set_error(error, FAULT, stopped ? FAULT_STOPPED : lost ? FAULT_FAILED : FAULT_TIME, "the rehearsal's inference %s "
			    "after %.0f s", stopped ? "was stopped" : lost ? "was lost" : "had not ended", log_seconds() - end + seconds);
		return FALSE;
	}
	return TRUE;
}

/* The program beside this one, whatever it was started as. */
static char *program_path(void)
{
	g_autofree char *here = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *folder = g_path_get_dirname(here != NULL ? here : "train");

	return g_build_filename(folder, "inference", NULL);
}

static char **environment(void)
{
	guint64 all = machine_memory(), mine = machine_memory_now();
	g_autofree char *rest = g_strdup_printf("%" G_GUINT64_FORMAT, all > mine ? all - mine : 0);

	return all == 0 ? g_get_environ() : g_environ_setenv(g_get_environ(), MACHINE_MEMORY_VARIABLE, rest, TRUE);
}

static gboolean answer(const struct scratch *s, double seconds, GError **error)
{
	g_autofree char *program = program_path();
	g_autofree char *test = g_strconcat("paths.test=", s->test, NULL), *model = g_strconcat("paths.model=", s->model, NULL);
	g_autofree char *output = g_strconcat("paths.output=", s->output, NULL);
	g_autofree char *time = g_strdup_printf("inference.time=%.1fs", seconds * 0.8);
	char *argv[] = { program, (char *)"--config", s->config, (char *)"--set", test, (char *)"--set", model,
			 (char *)"--set", output, (char *)"--set", time, NULL };
	g_auto(GStrv) environ_now = environment();
	int out = g_open(s->out, O_CREAT | O_WRONLY | O_CLOEXEC, 0644), err = g_open(s->err, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	int status = 0;
	GPid child;

	gboolean ok = g_spawn_async_with_fds(NULL, argv, environ_now, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDIN_FROM_DEV_NULL,
					     NULL, NULL, &child, -1, out, err, error);
	if (out >= 0)
		close(out);
	if (err >= 0)
		close(err);
	if (!ok) {
		g_prefix_error(error, "the rehearsal cannot start inference: ");
		return FALSE;
	}
	if (!wait_for(child, seconds, &status, error))
		return FALSE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return TRUE;
	g_autofree char *said = last_line(s->err);
	if (WIFEXITED(status))
		g_set_error(error, FAULT, FAULT_FAILED, "the rehearsal's inference ended with %d: %s", WEXITSTATUS(status), said);
	else
		g_set_error(error, FAULT, FAULT_FAILED, "the rehearsal's inference was killed by signal %d%s: %s", WTERMSIG(status),
			    WTERMSIG(status) == SIGKILL ? ", as happens where memory is short" : "", said);
	return FALSE;
}

/* Line by line, against the folder that it answers for. What an untrained network's answer may be (all alike,
   say) is no matter. */
static gboolean check(const struct work *training, const struct scratch *s, GError **error)
{
	g_autoptr(settings_t) settings = settings_new();
	g_autoptr(GPtrArray) doubts = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *answer = g_build_filename(s->output, training->settings->answer.file, NULL);

	if (!settings_read_file(settings, s->config, error))
		return FALSE;
	g_free(settings->paths.test);
	settings->paths.test = g_strdup(s->test);
	struct work *w = training->task->open(settings, PHASE_TEST, NULL, error);
	g_autoptr(GError) wrong = NULL;
	if (w == NULL)
		return FALSE;
	if (!answer_check_file(w, answer, doubts, &wrong))
		g_set_error(error, FAULT, FAULT_FAILED, "the rehearsal's answer: %s", wrong->message);
	training->task->close(w);
	return wrong == NULL;
}

/* ---- all of it ---- */

static gboolean learn(const struct fit_job *job, const struct scratch *s, double until, GError **error)
{
	g_autoptr(model_folder_t) folder = model_folder_take(s->model, NULL, error);
	struct fit_job small = *job;
	struct fit_outcome outcome = { 0 };

	small.folder = folder;
	small.resume_opt = NULL;
	small.deadline = 0;
	small.members = 1;
	small.rehearse = STEPS;
	small.rehearse_until = until;
	gboolean ok = folder != NULL && fit(&small, &outcome, error);
	fit_outcome_clear(&outcome);
	return ok;
}

/* limit: s, for all of it; inference has half of it also where learning took more. *unknown: what may go wrong then says nothing of
   how inference will do. */
static gboolean perform(const struct fit_job *job, struct scratch *s, double limit, guint *cases, gboolean *unknown, GError **error)
{
	g_autofree char *yaml = settings_to_yaml(job->work->settings);
	double start = log_seconds(), end = start + limit;

	if (!g_file_set_contents(s->config, yaml, -1, error) || !learn(job, s, start + limit / 3, error))
		return FALSE;
	machine_release();
	*unknown = TRUE;
	if (!stage_somewhere(job->work, s, cases, error))
		return FALSE;
	g_autoptr(GError) wrong = NULL;
	if (answer(s, MAX(end - log_seconds(), limit / 2), &wrong) && check(job->work, s, &wrong))
		return TRUE;
	*unknown = g_error_matches(wrong, FAULT, FAULT_TIME);   /* slow, or hangs: who can tell? */
	g_propagate_error(error, g_steal_pointer(&wrong));
	return FALSE;
}

gboolean rehearse(const struct fit_job *job, gboolean always, GError **error)
{
	const struct settings *settings = job->work->settings;
	double time = settings->training.time, start = log_seconds();
	double limit = always ? 10 * REHEARSAL_S : time > 0 ? MIN(REHEARSAL_S, time * REHEARSAL_SHARE) : REHEARSAL_S;
	struct scratch s;
	guint cases = 0;
	char took[16];

	STAGE_WHOLE("rehearsing");
	if (limit < LEAST_S) {
		log_say("rehearsal none=\"%.0f%% of training.time are %.1f s\"", 100 * REHEARSAL_SHARE, limit);
		return TRUE;
	}
	g_autoptr(GError) wrong = NULL;
	gboolean unknown = FALSE, ok = scratch_make(&s, settings, &wrong) && perform(job, &s, limit, &cases, &unknown, &wrong);
	scratch_clear(&s);
	if (!ok && unknown && !always) {
		log_warn("rehearsal", "%s; of %.0f s for the rehearsal (%d s, or %.0f%% of training.time): whether inference works is not known "
			 "yet; train --rehearse-only gives it longer", wrong->message, limit, REHEARSAL_S, 100 * REHEARSAL_SHARE);
		return TRUE;
	}
	if (!ok)
		g_propagate_error(error, g_steal_pointer(&wrong));
	else
		log_keep("rehearsal", "rehearsal steps=%d cases=%u seconds=%s result=\"train saves, inference answers\"", STEPS, cases,
			log_duration(log_seconds() - start, took));
	return ok;
}
