/* jobs.c - see jobs.h. One lock; jobs run without it. */
#include "common/machine/jobs.h"
#include "common/machine/stop.h"
#include <sys/resource.h>
#include <unistd.h>

#define LOOK_US (G_USEC_PER_SEC / 10)   /* how often who waits looks at the clock and for a signal */

enum state { RUNS, HANDS_OVER, GIVEN_UP };

struct hand {                   /* a thread */
	struct jobs *jobs;
	GThread *thread;
	gboolean busy;
	enum state state;       /* of its job */
	gpointer what;
	gint64 begun, since;    /* us; since: it last got on */
};

static _Thread_local struct hand *own;

struct done { gpointer what; gboolean late; };

struct jobs {
	struct jobs_kind kind;
	gpointer user;
	guint most;             /* threads */
	gint64 patience;        /* us; 0: none */
	GMutex lock;
	GCond there, changed;
	GQueue waiting;         /* what */
	GArray *done;           /* struct done, oldest first */
	GPtrArray *hands;       /* struct hand, those given up left out */
	guint running, hanging; /* jobs under way; threads given up */
	gboolean stop, hurry;
	double busy;            /* s */
};

static struct { GMutex lock; gint64 from /* us; 0: never */; } hurry;

void jobs_leave(gpointer kept)
{
	static GMutex lock;
	static GSList *all;

	g_mutex_lock(&lock);
	all = g_slist_prepend(all, kept);
	g_mutex_unlock(&lock);
}

static void finish(struct jobs *j, gpointer what, gboolean late)
{
	struct done done = { what, late };

	g_array_append_val(j->done, done);
	j->running--;
	g_cond_broadcast(&j->changed);
}

/* One job, from lock to lock; false, without the lock, where it was given up. */
static gboolean do_job(struct hand *h)
{
	struct jobs *j = h->jobs;
	gpointer what = h->what = g_queue_pop_head(&j->waiting);

	h->busy = TRUE;
	h->state = RUNS;
	h->begun = h->since = g_get_monotonic_time();
	j->running++;
	gpointer made = j->kind.begin != NULL ? j->kind.begin(what, j->user) : what;
	g_mutex_unlock(&j->lock);
	j->kind.work(made);

	g_mutex_lock(&j->lock);
	if (h->state == GIVEN_UP) {
		g_mutex_unlock(&j->lock);
		if (j->kind.drop != NULL)
			j->kind.drop(made);
		return FALSE;
	}
	h->state = HANDS_OVER;
	g_mutex_unlock(&j->lock);
	if (j->kind.hand_over != NULL)
		j->kind.hand_over(what, made, j->user);

	g_mutex_lock(&j->lock);
	h->busy = FALSE;
	j->busy += (double)(g_get_monotonic_time() - h->begun) / G_USEC_PER_SEC;
	finish(j, what, FALSE);
	return TRUE;
}

static gboolean in_hurry(const struct jobs *j) { return stop_asked() != NULL || jobs_hurry() || j->hurry; }

void jobs_get_on(void)
{
	struct hand *h = own;

	if (h == NULL)
		return;
	g_mutex_lock(&h->jobs->lock);
	if (!in_hurry(h->jobs))
		h->since = g_get_monotonic_time();
	g_mutex_unlock(&h->jobs->lock);
}

static gpointer run(gpointer data)
{
	struct hand *h = own = data;
	struct jobs *j = h->jobs;

	if (j->kind.nice != 0)
		setpriority(PRIO_PROCESS, (id_t)gettid(), j->kind.nice);
	g_mutex_lock(&j->lock);
	while (!j->stop) {
		if (j->waiting.length == 0) {
			g_cond_wait(&j->there, &j->lock);
		} else if (!do_job(h)) {
			g_free(h);
			return NULL;
		}
	}
	g_mutex_unlock(&j->lock);
	return NULL;
}

struct jobs *jobs_new(guint threads, double patience, const struct jobs_kind *kind, gpointer user)
{
	struct jobs *j = g_new0(struct jobs, 1);

	j->kind = *kind;
	j->user = user;
	j->most = MAX(threads, 1);
	j->patience = (gint64)(patience * G_USEC_PER_SEC);
	g_mutex_init(&j->lock);
	g_cond_init(&j->there);
	g_cond_init(&j->changed);
	g_queue_init(&j->waiting);
	j->done = g_array_new(FALSE, FALSE, sizeof(struct done));
	j->hands = g_ptr_array_new();
	return j;
}

/* As many threads as there are jobs for, under the lock. Where the system gives none, those that are there do them, or, if none is,
   nobody: then they are late. */
static void start_threads(struct jobs *j)
{
	while (!j->stop && j->hands->len < j->most && j->hands->len - j->running < j->waiting.length) {
		struct hand *h = g_new0(struct hand, 1);
		h->jobs = j;
		h->thread = g_thread_try_new(j->kind.name, run, h, NULL);
		if (h->thread == NULL) {
			g_free(h);
			break;
		}
		g_ptr_array_add(j->hands, h);
	}
	while (j->hands->len == 0 && j->waiting.length > 0) {
		j->running++;   /* as finish counts it */
		finish(j, g_queue_pop_head(&j->waiting), TRUE);
	}
}

void jobs_push(struct jobs *j, gpointer what)
{
	g_mutex_lock(&j->lock);
	g_queue_push_tail(&j->waiting, what);
	start_threads(j);
	g_cond_signal(&j->there);
	g_mutex_unlock(&j->lock);
}

void jobs_hurry_after(double seconds)
{
	g_mutex_lock(&hurry.lock);
	hurry.from = g_get_monotonic_time() + (gint64)(MAX(seconds, 0) * G_USEC_PER_SEC);
	g_mutex_unlock(&hurry.lock);
}

gboolean jobs_hurry(void)
{
	g_mutex_lock(&hurry.lock);
	gboolean now = hurry.from > 0 && g_get_monotonic_time() >= hurry.from;
	g_mutex_unlock(&hurry.lock);
	return now;
}

static gint64 patience_now(const struct jobs *j)
{
	const gint64 brief = JOBS_STOP_S * G_USEC_PER_SEC;

	if (!in_hurry(j))
		return j->patience > 0 ? j->patience : G_MAXINT64;
	return j->patience > 0 ? MIN(j->patience, brief) : brief;
}

/* Gives up what takes too long, under the lock. */
static void give_up_late(struct jobs *j)
{
	gint64 now = g_get_monotonic_time(), patience = patience_now(j);

	for (guint i = j->hands->len; i-- > 0;) {
		struct hand *h = j->hands->pdata[i];
		if (!h->busy || h->state != RUNS || now - h->since < patience)
			continue;
		h->state = GIVEN_UP;
		g_thread_unref(h->thread);
		g_ptr_array_remove_index_fast(j->hands, i);
		j->hanging++;
		finish(j, h->what, TRUE);
	}
	start_threads(j);
}

static void wait_a_little(struct jobs *j)
{
	g_cond_wait_until(&j->changed, &j->lock, g_get_monotonic_time() + LOOK_US);
	give_up_late(j);
}

gboolean jobs_pop(struct jobs *j, gboolean wait, gpointer *what, gboolean *late)
{
	g_mutex_lock(&j->lock);
	if (!wait)
		give_up_late(j);
	while (wait && j->done->len == 0 && j->running + j->waiting.length > 0)
		wait_a_little(j);
	gboolean any = j->done->len > 0;
	if (any) {
		const struct done *d = &g_array_index(j->done, struct done, 0);
		*what = d->what;
		*late = d->late;
		g_array_remove_index(j->done, 0);
	}
	g_mutex_unlock(&j->lock);
	return any;
}

double jobs_busy(struct jobs *j)
{
	g_mutex_lock(&j->lock);
	double busy = j->busy;
	g_mutex_unlock(&j->lock);
	return busy;
}

void jobs_cancel(struct jobs *j)
{
	g_mutex_lock(&j->lock);
	g_queue_clear(&j->waiting);
	g_mutex_unlock(&j->lock);
}

void jobs_hurry_these(struct jobs *j)
{
	g_mutex_lock(&j->lock);
	j->hurry = TRUE;
	g_mutex_unlock(&j->lock);
}

void jobs_free(struct jobs *j)
{
	if (j == NULL)
		return;
	g_return_if_fail(j->running + j->waiting.length == 0);
	g_mutex_lock(&j->lock);
	j->stop = TRUE;
	g_cond_broadcast(&j->there);
	g_mutex_unlock(&j->lock);
	for (guint i = 0; i < j->hands->len; i++) {
		struct hand *h = j->hands->pdata[i];
		g_thread_join(h->thread);
		g_free(h);
	}
	g_ptr_array_unref(j->hands);
	g_array_unref(j->done);
	if (j->hanging > 0) {           /* they come back to its lock, if they come back */
		jobs_leave(j);
		return;
	}
	g_mutex_clear(&j->lock);
	g_cond_clear(&j->there);
	g_cond_clear(&j->changed);
	g_free(j);
}
