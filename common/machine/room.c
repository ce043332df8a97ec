/* room.c - see room.h. Linux. */
#include "common/machine/room.h"
#include <sys/resource.h>
#include <sys/statvfs.h>

guint64 room_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1024; /* what Linux gives where nobody said otherwise */
	struct rlimit raised = { limit.rlim_max, limit.rlim_max };
	if (limit.rlim_cur < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &raised) == 0)
		limit = raised;
	return limit.rlim_cur;
}

gint64 room_disk(const char *path)
{
	g_autofree char *at = g_strdup(path);
	struct statvfs fs;

	while (statvfs(at, &fs) != 0) {
		char *above = g_path_get_dirname(at);
		gboolean top = g_str_equal(above, at);
		g_free(at);
		at = above;
		if (top)
			return -1;
	}
	return (gint64)MIN((guint64)fs.f_bavail * fs.f_frsize, (guint64)G_MAXINT64);
}
