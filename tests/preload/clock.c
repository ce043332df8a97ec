/*
 * clock.c - somebody sets the machine's clock, for tests: to be loaded by LD_PRELOAD. CLOCK_AFTER seconds after the
 * first look at it (default 0) the time of day is another by CLOCK_JUMP seconds; the monotonic clock goes on,
 * CLOCK_SPEED times as fast (default 1).
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

typedef int (*clock_call)(clockid_t, struct timespec *);

static time_t jump(void)
{
	static atomic_long first;
	const char *after = getenv("CLOCK_AFTER"), *by = getenv("CLOCK_JUMP");
	struct timespec now;
	long none = 0;

	((clock_call)dlsym(RTLD_NEXT, "clock_gettime"))(CLOCK_MONOTONIC, &now);
	atomic_compare_exchange_strong(&first, &none, now.tv_sec);
	return by == NULL || now.tv_sec - first < (after != NULL ? strtol(after, NULL, 10) : 0) ? 0 : strtol(by, NULL, 10);
}

static void hurry(struct timespec *now)
{
	static atomic_long first;
	const char *speed = getenv("CLOCK_SPEED");
	const long second = 1000000000;
	long none = 0, at = now->tv_sec * second + now->tv_nsec;

	atomic_compare_exchange_strong(&first, &none, at);
	at += (at - first) * (speed != NULL ? strtol(speed, NULL, 10) - 1 : 0);
	*now = (struct timespec){ at / second, at % second };
}

int clock_gettime(clockid_t which, struct timespec *out)
{
	int result = ((clock_call)dlsym(RTLD_NEXT, "clock_gettime"))(which, out);

	if (result == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
		out->tv_sec += jump();
	if (result == 0 && which == CLOCK_MONOTONIC)
		hurry(out);
	return result;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return -1;
	*out = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
