/*
 * test-jobs.c - jobs that hang: pop names them, others are done in spite of them, what comes late is dropped, and
 * nothing waits for them. Job n gives n * n; from HANGS on jobs wait until they are let go.
 */
#include "common/machine/jobs.h"
#include "common/machine/stop.h"
#include <signal.h>

enum { JOBS = 40, HANGS = 100 };

static GMutex lock;
static GCond changed;
static gboolean let_go;                 /* under the lock */
static gint begun, dropped;             /* atomic */
static int squares[2 * HANGS];          /* handed over */

static gpointer begin(gpointer what, gpointer user)
{
	int *n = g_new(int, 1);

	g_assert_true(user == squares);
	g_atomic_int_inc(&begun);
	*n = GPOINTER_TO_INT(what);
	return n;
}

static void square(gpointer made)
{
	int *n = made;

	g_mutex_lock(&lock);
	while (*n >= HANGS && !let_go)
		g_cond_wait(&changed, &lock);
	g_mutex_unlock(&lock);
	*n *= *n;
}

static void take(gpointer what, gpointer made, gpointer user)
{
	((int *)user)[GPOINTER_TO_INT(what)] = *(int *)made;
	g_free(made);
}

static void drop(gpointer made)
{
	g_free(made);
	g_atomic_int_inc(&dropped);
}

static const struct jobs_kind kind = { "job", 0, begin, square, take, drop };

static void let_all_go(int wanted)
{
	g_mutex_lock(&lock);
	let_go = TRUE;
	g_cond_broadcast(&changed);
	g_mutex_unlock(&lock);
	while (g_atomic_int_get(&dropped) < wanted)
		g_usleep(1000);
}

static void reset(void)
{
	memset(squares, 0, sizeof squares);
	let_go = FALSE;
	begun = dropped = 0;
}

static void test_all(void)
{
	for (guint threads = 1; threads <= 5; threads += 2) {
		struct jobs *j = jobs_new(threads, 0, &kind, squares);
		int popped[JOBS + 1] = { 0 };
		gpointer what;
		gboolean late;

		reset();
		g_assert_false(jobs_pop(j, TRUE, &what, &late));
		for (int i = 1; i <= JOBS; i++)
			jobs_push(j, GINT_TO_POINTER(i));
		while (jobs_pop(j, TRUE, &what, &late)) {
			g_assert_false(late);
			popped[GPOINTER_TO_INT(what)]++;
		}
		for (int i = 1; i <= JOBS; i++) {
			g_assert_cmpint(popped[i], ==, 1);
			g_assert_cmpint(squares[i], ==, i * i);
		}
		g_assert_cmpfloat(jobs_busy(j), >=, 0);
		jobs_free(j);
		g_assert_cmpint(dropped, ==, 0);
	}
	jobs_free(NULL);
}

/* More hang than there are threads. */
static void test_hang(void)
{
	struct jobs *j = jobs_new(2, 1, &kind, squares);
	int n_late = 0, n = 0;
	gpointer what;
	gboolean late;

	reset();
	for (int i = 0; i < 3; i++)
		jobs_push(j, GINT_TO_POINTER(HANGS + i));
	for (int i = 1; i <= JOBS; i++)
		jobs_push(j, GINT_TO_POINTER(i));
	while (jobs_pop(j, TRUE, &what, &late)) {
		g_assert_cmpint(late, ==, GPOINTER_TO_INT(what) >= HANGS);
		n_late += late;
		n++;
	}
	g_assert_cmpint(n, ==, JOBS + 3);
	g_assert_cmpint(n_late, ==, 3);
	jobs_free(j);
	g_assert_cmpint(dropped, ==, 0);
	let_all_go(3);
	for (int i = 0; i < 3; i++)
		g_assert_cmpint(squares[HANGS + i], ==, 0);
	for (int i = 1; i <= JOBS; i++)
		g_assert_cmpint(squares[i], ==, i * i);
}

/* Asked to stop, nobody waits an hour; what is cancelled is not begun. */
static void test_stop(void)
{
	struct jobs *j = jobs_new(1, 3600, &kind, squares);
	gpointer what;
	gboolean late;

	reset();
	jobs_push(j, GINT_TO_POINTER(HANGS));
	while (g_atomic_int_get(&begun) == 0)
		g_usleep(1000);
	jobs_push(j, GINT_TO_POINTER(1));
	g_assert_false(jobs_pop(j, FALSE, &what, &late));
	jobs_cancel(j);
	stop_ask(SIGTERM);
	g_assert_true(jobs_pop(j, TRUE, &what, &late));
	stop_ask(0);
	g_assert_true(late);
	g_assert_cmpint(GPOINTER_TO_INT(what), ==, HANGS);
	g_assert_false(jobs_pop(j, TRUE, &what, &late));
	jobs_free(j);
	let_all_go(1);
	g_assert_cmpint(begun, ==, 1);
}

/* When the time is over, neither. */
static void test_hurry(void)
{
	struct jobs *j = jobs_new(1, 0, &kind, squares);
	gpointer what;
	gboolean late;

	reset();
	g_assert_false(jobs_hurry());
	jobs_push(j, GINT_TO_POINTER(HANGS));
	jobs_hurry_after(0);
	g_assert_true(jobs_hurry());
	g_assert_true(jobs_pop(j, TRUE, &what, &late));
	g_assert_true(late);
	jobs_hurry_after(3600);
	g_assert_false(jobs_hurry());
	jobs_free(j);
	let_all_go(1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/jobs/all", test_all);
	g_test_add_func("/jobs/hang", test_hang);
	g_test_add_func("/jobs/stop", test_stop);
	g_test_add_func("/jobs/hurry", test_hurry);
	return g_test_run();
}
