/*
 * hang.c - a network's folder that stopped answering, for tests: to be loaded by LD_PRELOAD. Whoever opens a file
 * whose path has HANG_PATH in it waits for ever, once HANG_AFTER of them (default: none) were opened.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long opened;

static void hang_on(const char *path)
{
	const char *piece = getenv("HANG_PATH"), *after = getenv("HANG_AFTER");

	if (piece == NULL || strstr(path, piece) == NULL)
		return;
	if (atomic_fetch_add(&opened, 1) >= (after != NULL ? strtol(after, NULL, 10) : 0))
		for (;;)
			pause();
}

#define OPENS(name) \
	int name(const char *path, int flags, ...) \
	{ \
		int (*next)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
		va_list rest; \
		va_start(rest, flags); \
		mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
		va_end(rest); \
		hang_on(path); \
		return next(path, flags, mode); \
	}

#define FOPENS(name) \
	FILE *name(const char *path, const char *mode) \
	{ \
		FILE *(*next)(const char *, const char *) = (FILE *(*)(const char *, const char *))dlsym(RTLD_NEXT, #name); \
		hang_on(path); \
		return next(path, mode); \
	}

OPENS(open)
OPENS(open64)
FOPENS(fopen)
FOPENS(fopen64)
