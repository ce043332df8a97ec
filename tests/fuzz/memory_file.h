/* memory_file.h - bytes as a file that is nowhere on disk, for functions that open a path. */
#pragma once
#include <glib.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Its descriptor, to close(); path (g_free() it) leads there until then. */
static inline int memory_file(const uint8_t *data, size_t size, char **path)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, data, size), ==, (gssize)size);
	*path = g_strdup_printf("/proc/self/fd/%d", fd);
	return fd;
}
