/*
 * remove_tree.h - for tests that write into a folder of their own: takes it away again, links unfollowed.
 */
#pragma once
#include <glib/gstdio.h>

static inline void remove_tree(const char *path)
{
	g_autoptr(GDir) dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *below = g_build_filename(path, name, NULL);
		remove_tree(below);
	}
	g_remove(path);
}
