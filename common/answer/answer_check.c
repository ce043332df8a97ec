/* answer_check.c - see answer_check.h. */
#include "common/answer/answer_check.h"
#include "common/fault/fault.h"

gboolean answer_check_file(const struct work *work, const char *path, GPtrArray *doubts, GError **error)
{
	g_autoptr(GPtrArray) wrong = g_ptr_array_new_with_free_func(g_free);

	if (!work->task->check(work, path, wrong, doubts, error))
		return FALSE;
	if (wrong->len == 0)
		return TRUE;
	g_set_error(error, FAULT, FAULT_DATA, "%s", (char *)wrong->pdata[0]);
	if (wrong->len > 1)
		g_prefix_error(error, "%u things are wrong, the first: ", wrong->len);
	return FALSE;
}

char *answer_check_direction(const struct task *task, JsonObject *facts, double metric)
{
	g_autofree double *features = g_new0(double, task->n_features);
	double low, high;

	features[0] = -1;
	task->answer(facts, features, &low);
	features[0] = 1;
	task->answer(facts, features, &high);
	if (!isfinite(metric) || metric < 0 || low == high || (high > low) == (metric >= 0.5))
		return NULL;
	return g_strdup_printf("the order may be turned round: answers %s with the score, whose %s on held-out cases was %.3f; "
			       "look at the labels (data.classes: the last is the positive one), or train for longer",
			       high > low ? "rise" : "fall", task->metric, metric);
}
