/* preparing.c - see preparing.h. */
#include "common/task/preparing.h"
#include "common/machine/jobs.h"

struct preparing {
	struct work *work;
	GError **errors;        /* (n_cases) of those that are done */
	struct jobs *jobs;      /* what: the item */
};

struct made {
	struct work *work;
	guint item;
	GError *error;
};

static gpointer begin(gpointer what, gpointer user)
{
	const struct preparing *p = user;
	struct made *made = g_new0(struct made, 1);

	made->work = p->work;
	made->item = GPOINTER_TO_UINT(what);
	return made;
}

static void prepare(gpointer data)
{
	struct made *made = data;

	made->work->task->prepare(made->work, made->item, &made->error);
}

static void drop(gpointer data)
{
	struct made *made = data;

	g_clear_error(&made->error);
	g_free(made);
}

static void hand_over(gpointer what, gpointer data, gpointer user)
{
	struct made *made = data;

	((struct preparing *)user)->errors[GPOINTER_TO_UINT(what)] = g_steal_pointer(&made->error);
	drop(made);
}

struct preparing *preparing_new(struct work *work, guint threads)
{
	static const struct jobs_kind kind = { "prepare", 0, begin, prepare, hand_over, drop };
	struct preparing *p = g_new0(struct preparing, 1);

	p->work = work;
	p->errors = g_new0(GError *, work->n_cases + 1);
	p->jobs = jobs_new(threads, work->patience, &kind, p);
	return p;
}

void preparing_push(struct preparing *p, guint item) { jobs_push(p->jobs, GUINT_TO_POINTER(item)); }

gboolean preparing_pop(struct preparing *p, gboolean wait, guint *item, GError **error)
{
	gpointer what;
	gboolean late;

	if (!jobs_pop(p->jobs, wait, &what, &late))
		return FALSE;
	*item = GPOINTER_TO_UINT(what);
	if (late) {
		case_give_up(p->work, *item, error);
		p->work->cases[*item].ready = FALSE;
	} else if (p->errors[*item] != NULL) {
		g_propagate_error(error, g_steal_pointer(&p->errors[*item]));
	}
	return TRUE;
}

void preparing_free(struct preparing *p)
{
	guint item;

	if (p == NULL)
		return;
	jobs_cancel(p->jobs);
	for (GError *error = NULL; preparing_pop(p, TRUE, &item, &error); g_clear_error(&error))
		p->work->task->release(p->work, item);
	jobs_free(p->jobs);
	g_free(p->errors);
	g_free(p);
}
