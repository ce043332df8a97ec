/* capture.c - see capture.h. The handler does only what signal-safety(7) allows. */
#include "common/log/capture.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

enum { STREAMS = 2 };

static struct {
	GThread *thread;
	capture_take take;
	int real[STREAMS];      /* the streams */
	int pipe[STREAMS];      /* their pipes' ends to read */
	int wake[2];            /* a byte: it is over */
	char line[STREAMS][CAPTURE_BYTES + 1];
	gsize length[STREAMS];
	const char *before, *after;
	gint busy, crashing;    /* atomic: the thread has bytes that it has not passed on; it shall take no more */
} all = { .before = "", .after = "\n" };

/* ---- the thread ---- */

static void hand_over(int stream)
{
	all.line[stream][all.length[stream]] = '\0';
	if (all.length[stream] > 0)
		all.take(stream + 1, all.line[stream]);
	all.length[stream] = 0;
}

static void add(int stream, const char *bytes, gsize n)
{
	for (gsize i = 0; i < n; i++) {
		if (bytes[i] != '\n')
			all.line[stream][all.length[stream]++] = bytes[i];
		if (bytes[i] == '\n' || all.length[stream] == CAPTURE_BYTES)
			hand_over(stream);
	}
}

/* All that there is; the pipe does not block. */
static void drain(int stream)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(all.pipe[stream], bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
		add(stream, bytes, (gsize)MAX(n, 0));
}

static gpointer run(gpointer unused)
{
	struct pollfd wait[] = { { all.pipe[0], POLLIN, 0 }, { all.pipe[1], POLLIN, 0 }, { all.wake[0], POLLIN, 0 } };

	(void)unused;
	while (wait[STREAMS].revents == 0) {
		if (poll(wait, STREAMS + 1, -1) < 0 && errno != EINTR)
			break;
		g_atomic_int_set(&all.busy, TRUE);
		for (int i = 0; i < STREAMS && !g_atomic_int_get(&all.crashing); i++)
			drain(i);
		g_atomic_int_set(&all.busy, FALSE);
		while (g_atomic_int_get(&all.crashing))
			pause();
	}
	for (int i = 0; i < STREAMS; i++) {
		drain(i);
		hand_over(i);
	}
	return NULL;
}

/* ---- a crash ---- */

static void out(const char *text, gsize n)
{
	if (write(all.real[1], text, n) < 0)
		return;         /* nobody is left to tell */
}

/* What the thread has, it writes, unless it is what crashed or waits for who did; half a line it has not passed on is
   written here, with what it has not read. The last words begin a line. */
static void out_rest(void)
{
	enum { TRIES = 50 };
	const struct timespec try = { .tv_nsec = 10 * 1000 * 1000 };
	char bytes[4096], last = '\n';
	ssize_t n;

	g_atomic_int_set(&all.crashing, TRUE);
	for (int i = 0; i < TRIES && g_atomic_int_get(&all.busy); i++)
		nanosleep(&try, NULL);
	if (!g_atomic_int_get(&all.busy) && all.length[1] > 0) {
		out(all.line[1], all.length[1]);
		last = all.line[1][all.length[1] - 1];
	}
	for (; (n = read(all.pipe[1], bytes, sizeof bytes)) > 0; last = bytes[n - 1])
		out(bytes, (gsize)n);
	if (last != '\n')
		out("\n", 1);
}

static void on_crash(int number)
{
	static const struct { int number; const char *name; } names[] = {
		{ SIGSEGV, "SIGSEGV" }, { SIGBUS, "SIGBUS" }, { SIGFPE, "SIGFPE" }, { SIGILL, "SIGILL" }, { SIGTRAP, "SIGTRAP" },
		{ SIGABRT, "SIGABRT" },
	};

	out_rest();
	out(all.before, strlen(all.before));
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		if (names[i].number == number)
			out(names[i].name, strlen(names[i].name));
	out(all.after, strlen(all.after));
	signal(number, SIG_DFL);
	raise(number);
}

static void watch_crashes(void (*handler)(int))
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT };
	static char stack[64 * 1024];   /* of the main thread: its own may be what ran over */
	const stack_t other = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK };

	sigaltstack(&other, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
		sigaction(numbers[i], &action, NULL);
}

/* ---- begin and end ---- */

enum { WAKE = STREAMS, PIPES };

static void close_both(int ends[2])
{
	for (int k = 0; k < 2; k++)
		if (ends[k] >= 0)
			close(ends[k]);
}

/* All descriptors that it takes, or none. */
static gboolean open_all(int ends[PIPES][2], int kept[STREAMS])
{
	gboolean ok = TRUE;

	for (int i = 0; i < PIPES; i++)
		if (pipe2(ends[i], O_CLOEXEC) != 0) {
			ends[i][0] = ends[i][1] = -1;
			ok = FALSE;
		}
	for (int i = 0; i < STREAMS; i++) {
		kept[i] = fcntl(i + 1, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		ok = ok && kept[i] >= 0;
	}
	for (int i = 0; !ok && i < PIPES; i++)
		close_both(ends[i]);
	if (!ok)
		close_both(kept);
	return ok;
}

gboolean capture_begin(int real[2], capture_take take)
{
	int ends[PIPES][2], kept[STREAMS];

	if (SANITIZED || all.thread != NULL || !open_all(ends, kept))
		return FALSE;
	all.take = take;
	all.busy = all.crashing = FALSE;
	memcpy(all.wake, ends[WAKE], sizeof all.wake);
	for (int i = 0; i < STREAMS; i++) {
		all.pipe[i] = ends[i][0];
		all.length[i] = 0;
		fcntl(all.pipe[i], F_SETFL, O_NONBLOCK);
	}
	all.thread = g_thread_try_new("capture", run, NULL, NULL);
	if (all.thread == NULL) {
		for (int i = 0; i < PIPES; i++)
			close_both(ends[i]);
		close_both(kept);
		return FALSE;
	}
	for (int i = 0; i < STREAMS; i++) {
		all.real[i] = real[i] = kept[i];
		dup2(ends[i][1], i + 1);
		close(ends[i][1]);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);       /* else libc would keep what a library prints into a pipe */
	watch_crashes(on_crash);
	return TRUE;
}

void capture_end(void)
{
	if (all.thread == NULL)
		return;
	watch_crashes(SIG_DFL);
	fflush(stdout);
	for (int i = 0; i < STREAMS; i++)
		dup2(all.real[i], i + 1);
	if (write(all.wake[1], "", 1) == 1)
		g_thread_join(all.thread);
	all.thread = NULL;
	close_both(all.real);
	close_both(all.pipe);
	close_both(all.wake);
}

void capture_words(const char *before, const char *after)
{
	all.before = before;
	all.after = after;
}
