/* peer.h - the same, computed by a Python script beside the test; it exits with 77 where a package is missing. */
#pragma once
#include <gio/gio.h>
#include <glib/gstdio.h>

/* What `script PATH` prints, PATH a file with that text; NULL where no Python here can, with why. */
static inline char *peer_run(const char *folder_of, const char *script, const char *text, gssize length, char **why)
{
	/* $PYTHON; the first in PATH; the distribution's, where another one hides it */
	const char *pythons[] = { g_getenv("PYTHON"), "python3", "/usr/bin/python3" };
	g_autofree char *folder = g_path_get_dirname(folder_of), *path = g_build_filename(folder, script, NULL);
	g_autofree char *file = NULL, *out = NULL;
	int fd = g_file_open_tmp("peer-XXXXXX", &file, NULL), status = -1;

	*why = g_strdup_printf("no %s from here, or no python3", path);
	g_assert_cmpint(fd, >=, 0);
	g_close(fd, NULL);
	g_assert_true(g_file_set_contents(file, text, length, NULL));
	for (gsize i = 0; status != 0 && g_file_test(path, G_FILE_TEST_EXISTS) && i < G_N_ELEMENTS(pythons); i++) {
		const char *argv[] = { pythons[i], path, file, NULL };
		g_clear_pointer(&out, g_free);
		if (pythons[i] == NULL || !g_spawn_sync(NULL, (char **)(guintptr)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
							&out, NULL, &status, NULL))
			continue;
		if (status != 0 && status != 77 << 8)
			g_error("%s %s: status %d", pythons[i], path, status);
		g_free(*why);
		*why = g_strdup(g_strstrip(out));
	}
	g_unlink(file);
	return status == 0 ? g_steal_pointer(&out) : NULL;
}
