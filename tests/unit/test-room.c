/* test-room.c - the limit of open files is raised; disk below folders that are there, and that are not yet. */
#include "common/machine/room.h"
#include <sys/resource.h>
#include <sys/statvfs.h>

static void test_files(void)
{
	struct rlimit limit;

	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	const guint64 hard = limit.rlim_max;
	limit.rlim_cur = MIN(limit.rlim_cur, 100);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	g_assert_cmpuint(room_files(), ==, hard);
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	g_assert_cmpuint(limit.rlim_cur, ==, hard);
	g_assert_cmpuint(room_files(), ==, hard);
}

/* Others write meanwhile, so /proc, which has no room at all, and a wide margin. */
static void test_disk(void)
{
	struct statvfs fs;
	g_autofree char *deep = g_build_filename(g_get_tmp_dir(), "blindrun-none", "such", "folder", NULL);

	g_assert_cmpint(statvfs(g_get_tmp_dir(), &fs), ==, 0);
	const gint64 left = (gint64)(fs.f_bavail * fs.f_frsize);
	g_assert_cmpint(room_disk(deep), >=, left / 2);
	g_assert_cmpint(room_disk(deep), <=, left * 2 + 1);
	g_assert_cmpint(room_disk("/proc"), ==, 0);
	g_assert_cmpint(room_disk("/proc/none/such"), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/room/files", test_files);
	g_test_add_func("/room/disk", test_disk);
	return g_test_run();
}
