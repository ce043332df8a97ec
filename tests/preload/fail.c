/*
 * fail.c - a disk that fails at a chosen moment, or a program that is killed there, for tests: to be loaded by
 * LD_PRELOAD.
 *
 * FAIL_CALL    open, rename, symlink, unlink, fsync, write or mmap; open is also openat and fopen
 * FAIL_PATH    a piece of the file's path; of rename and symlink, the new one
 * FAIL_WHEN    they are counted only once a file was renamed to a path with this piece, as a save ends
 * FAIL_AFTER   so many such calls pass first (default: none)
 * FAIL_TIMES   so many fail then; later ones pass (default: all fail)
 * FAIL_DOES    kill, term, int: that signal, then the call passes; an error by its number: 28 is ENOSPC; hang: for
 *              ever; wait: until the file FAIL_MARK is gone
 * FAIL_MARK    a file that is made when it comes to that
 *
 * Calls are counted for each process by itself. What libc calls within itself (fread, say) is not seen.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long seen;
static atomic_bool saved;

static long number(const char *name, long standard)
{
	const char *text = getenv(name);

	return text != NULL ? strtol(text, NULL, 10) : standard;
}

/* Says that it is here. */
static const char *leave_mark(void)
{
	const char *mark = getenv("FAIL_MARK");
	FILE *file = mark != NULL ? fopen(mark, "w") : NULL;

	if (file != NULL)
		fclose(file);
	return mark;
}

/* TRUE where the call must fail, errno set. */
static bool act(const char *does)
{
	static const struct { const char *name; int number; } signals[] = {
		{ "kill", SIGKILL }, { "term", SIGTERM }, { "int", SIGINT },
	};
	const char *mark = leave_mark();

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if (strcmp(does, signals[i].name) == 0)
			return kill(getpid(), signals[i].number) != 0;
	while (strcmp(does, "hang") == 0)
		pause();
	if (strcmp(does, "wait") == 0) {
		while (mark != NULL && access(mark, F_OK) == 0)
			usleep(10000);
		return false;
	}
	errno = (int)strtol(does, NULL, 10);
	return true;
}

static bool fails(const char *call, const char *path)
{
	const char *which = getenv("FAIL_CALL"), *piece = getenv("FAIL_PATH"), *does = getenv("FAIL_DOES");

	if (which == NULL || piece == NULL || does == NULL || strcmp(which, call) != 0 || strstr(path, piece) == NULL)
		return false;
	if (getenv("FAIL_WHEN") != NULL && !atomic_load(&saved))
		return false;
	long at = atomic_fetch_add(&seen, 1) - number("FAIL_AFTER", 0), times = number("FAIL_TIMES", -1);
	return at >= 0 && (times < 0 || at < times) && act(does);
}

static bool fails_at(const char *call, int fd)
{
	char link[32], path[4096];

	if (getenv("FAIL_CALL") == NULL)
		return false;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, sizeof path - 1);
	if (length < 0)
		return false;
	path[length] = '\0';
	return fails(call, path);
}

#define NEXT(type, name) ((type)dlsym(RTLD_NEXT, name))

#define OPENS(name) \
	int name(const char *path, int flags, ...) \
	{ \
		va_list rest; \
		va_start(rest, flags); \
		mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
		va_end(rest); \
		return fails("open", path) ? -1 : NEXT(int (*)(const char *, int, ...), #name)(path, flags, mode); \
	}

#define OPENS_AT(name) \
	int name(int at, const char *path, int flags, ...) \
	{ \
		va_list rest; \
		va_start(rest, flags); \
		mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
		va_end(rest); \
		return fails("open", path) ? -1 : NEXT(int (*)(int, const char *, int, ...), #name)(at, path, flags, mode); \
	}

#define FOPENS(name) \
	FILE *name(const char *path, const char *mode) \
	{ \
		return fails("open", path) ? NULL : NEXT(FILE *(*)(const char *, const char *), #name)(path, mode); \
	}

OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)
FOPENS(fopen)
FOPENS(fopen64)

int rename(const char *from, const char *to)
{
	const char *when = getenv("FAIL_WHEN");
	int result = fails("rename", to) ? -1 : NEXT(int (*)(const char *, const char *), "rename")(from, to);

	if (result == 0 && when != NULL && strstr(to, when) != NULL)
		atomic_store(&saved, true);
	return result;
}

int symlink(const char *to, const char *path)
{
	return fails("symlink", path) ? -1 : NEXT(int (*)(const char *, const char *), "symlink")(to, path);
}

int unlink(const char *path)
{
	return fails("unlink", path) ? -1 : NEXT(int (*)(const char *), "unlink")(path);
}

int fsync(int fd)
{
	return fails_at("fsync", fd) ? -1 : NEXT(int (*)(int), "fsync")(fd);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	return fails_at("write", fd) ? -1 : NEXT(ssize_t (*)(int, const void *, size_t), "write")(fd, bytes, n);
}

void *mmap(void *at, size_t n, int access, int flags, int fd, off_t from)
{
	return fd >= 0 && fails_at("mmap", fd) ? MAP_FAILED
	       : NEXT(void *(*)(void *, size_t, int, int, int, off_t), "mmap")(at, n, access, flags, fd, from);
}
