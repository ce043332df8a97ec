/* task.c - the table of tasks, and cases that are given up. */
#include "common/task/task.h"
#include "common/fault/fault.h"
#include "common/machine/jobs.h"
#include "common/machine/stop.h"

static const struct task *const tasks[] = { &slide_classification };

const struct task *task_find(const char *name, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(tasks); i++) {
		if (g_str_equal(tasks[i]->name, name))
			return tasks[i];
		g_string_append_printf(known, "%s%s", known->len > 0 ? ", " : "", tasks[i]->name);
	}
	g_set_error(error, FAULT, FAULT_USAGE, "task: '%s' is unknown; there are %s", name, known->str);
	return NULL;
}

char *case_sum(const struct work *w)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

	for (guint i = 0; i < w->n_cases; i++) {
		g_autofree char *line = g_strdup_printf("%s\n%d\n", w->cases[i].id, w->cases[i].label);
		g_checksum_update(sum, (const guchar *)line, -1);
	}
	return g_strdup(g_checksum_get_string(sum));
}

double work_patience(const struct work *w)
{
	enum { USUAL = 300 };

	return w->patience > 0 ? w->patience : USUAL;
}

/* ---- cases that are given up ---- */

static GMutex changing;         /* a case is given up, or changed, whichever comes first */

gboolean case_given_up(const struct work *w, guint item, GError **error)
{
	const char *id = w->cases[item].id;

	switch (g_atomic_int_get(&w->cases[item].given_up)) {
	case GIVEN_UP_LATE:
		g_set_error(error, FAULT, FAULT_DATA, "%s '%s': gave no answer for %g s; it is given up", w->task->noun, id,
			    w->patience);
		return TRUE;
	case GIVEN_UP_AT_STOP:
		g_set_error(error, FAULT, FAULT_DATA, "%s '%s': it was being read when the program was asked to stop",
			    w->task->noun, id);
		return TRUE;
	case GIVEN_UP_AT_END:
		g_set_error(error, FAULT, FAULT_DATA, "%s '%s': it was being read when the time was over", w->task->noun, id);
		return TRUE;
	default:
		return FALSE;
	}
}

void case_give_up(struct work *w, guint item, GError **error)
{
	gint *state = &w->cases[item].given_up;

	g_mutex_lock(&changing);
	if (g_atomic_int_get(state) == GIVEN_UP_NOT) {
		w->n_given_up++;
		g_atomic_int_set(state, stop_asked() != NULL ? GIVEN_UP_AT_STOP : jobs_hurry() ? GIVEN_UP_AT_END : GIVEN_UP_LATE);
	}
	g_mutex_unlock(&changing);
	case_given_up(w, item, error);
}

gboolean case_change_begin(struct work *w, guint item, GError **error)
{
	g_mutex_lock(&changing);
	if (!case_given_up(w, item, error))
		return TRUE;
	g_mutex_unlock(&changing);
	return FALSE;
}

void case_change_end(void) { g_mutex_unlock(&changing); }

void case_leave_out(struct work *w, guint item, const char *why)
{
	struct work_case *c = &w->cases[item];

	if (!c->ready)
		return;
	w->task->release(w, item);
	c->ready = FALSE;
	c->left_out = g_strdup(why);
	w->n_left_out++;
}

void look_clear(struct look *look)
{
	g_free(look->content);
	g_free(look->reason);
	g_clear_pointer(&look->doubts, g_ptr_array_unref);
	*look = (struct look){ 0 };
}

GArray *task_rounds(const struct work *w, guint item, double share)
{
	g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(struct sample));
	g_autoptr(GArray) outputs = g_array_new(FALSE, TRUE, sizeof(float)); /* all alike: any will do */
	GArray *rounds = g_array_new(FALSE, FALSE, sizeof(guint64));

	for (int round = 0;; round++) {
		g_autoptr(GArray) more = g_array_new(FALSE, FALSE, sizeof(struct sample));
		w->task->next(w, item, round, share, (const struct sample *)(gconstpointer)samples->data,
			      (const float *)(gconstpointer)outputs->data, samples->len, more);
		if (more->len == 0)
			return rounds;
		const guint64 n = more->len;
		g_array_append_val(rounds, n);
		g_array_append_vals(samples, more->data, more->len);
		g_array_set_size(outputs, samples->len * (guint)w->task->judged);
	}
}
