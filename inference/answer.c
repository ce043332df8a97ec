/* answer.c - see answer.h. */
#include "inference/answer.h"
#include "common/log/log.h"

enum { REWRITE_S = 60 };

struct answers {
	struct work *work;
	JsonObject *facts;
	double *answer;         /* (n_cases, n_answers) */
	guint scored, unreadable, partial;
	double written;         /* log_seconds() */
};

gboolean answers_write(struct answers *a, GError **error)
{
	a->written = log_seconds();
	return a->work->task->write(a->work, a->answer, error);
}

struct answers *answers_new(struct work *work, JsonObject *facts, GError **error)
{
	const struct task *task = work->task;
	g_autoptr(answers_t) a = g_new0(struct answers, 1);

	a->work = work;
	a->facts = facts;
	a->answer = g_new(double, (work->n_cases + 1) * (gsize)task->n_answers);
	for (guint i = 0; i < work->n_cases; i++)
		task->answer(facts, NULL, a->answer + i * (gsize)task->n_answers);
	return answers_write(a, error) ? g_steal_pointer(&a) : NULL;
}

void answers_free(struct answers *a)
{
	if (a == NULL)
		return;
	g_free(a->answer);
	g_free(a);
}

gboolean answers_take(void *context, const struct scan_case *c, GError **error)
{
	struct answers *a = context;
	const struct task *task = a->work->task;
	double *answer = a->answer + c->item * (gsize)task->n_answers;

	if (c->n == c->failed) {
		a->unreadable++;
		log_warn("case", "%s; it is answered with the fallback %.3g", c->error != NULL ? c->error->message : "empty",
			 answer[0]);
		return TRUE;
	}
	if (c->failed > 0) {
		a->partial++;
		log_warn("sample", "%s; %" G_GSIZE_FORMAT " of its %" G_GSIZE_FORMAT " samples could not be read",
			 c->error->message, c->failed, c->n);
	}
	g_autofree double *features = g_new(double, task->n_features);
	task->features(a->work, c->item, c->samples, c->outputs, c->n, features);
	task->answer(a->facts, features, answer);
	a->scored++;
	log_detail("case %s samples=%" G_GSIZE_FORMAT " raw=%.4f answer=%.6f", a->work->cases[c->item].id, c->n, features[0],
		answer[0]);
	return log_seconds() - a->written < REWRITE_S || answers_write(a, error);
}

guint answers_scored(const struct answers *a) { return a->scored; }
guint answers_unreadable(const struct answers *a) { return a->unreadable; }
guint answers_partial(const struct answers *a) { return a->partial; }
