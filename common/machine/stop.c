/* stop.c - see stop.h. The handler does only what signal-safety(7) allows. */
#include "common/machine/stop.h"
#include "common/fault/fault.h"
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define SAME_S 0.5

static volatile sig_atomic_t asked;
static struct timespec first;   /* written before asked is */
static sem_t came;

static void on_signal(int number)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (asked == 0) {
		first = now;
		asked = number;
		sem_post(&came);
	} else if ((double)(now.tv_sec - first.tv_sec) + (double)(now.tv_nsec - first.tv_nsec) / 1e9 > SAME_S) {
		_exit(128 + number);
	}
}

static gpointer watch(gpointer late)
{
	while (sem_wait(&came) != 0 && errno == EINTR)
		;
	g_usleep((gulong)STOP_S * G_USEC_PER_SEC);
	alarm(1);       /* the last words may wait for a stream that nobody reads: then without them */
	((void (*)(void))late)();
	_exit(FAULT_STOPPED);
}

void stop_catch(void (*late)(void))
{
	/* SA_RESTART: reads and waits under way go on */
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sem_init(&came, 0, 0);
	g_thread_unref(g_thread_new("stop", watch, (gpointer)late));
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGTERM);
	sigaddset(&action.sa_mask, SIGINT);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

const char *stop_asked(void)
{
	return asked == 0 ? NULL : asked == SIGINT ? "SIGINT" : "SIGTERM";
}

void stop_ask(int number)
{
	clock_gettime(CLOCK_MONOTONIC, &first);
	asked = number;
}
