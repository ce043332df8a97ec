/*
 * fuzz-mirax.c - any bytes as an MIRAX slide: its Slidedat.ini, Index.dat and Data0000.dat, with a line of %% between them.
 * Whatever they say, each level is read or it is not, and nothing beside what is asked for is written.
 */
#include "common/slide/mirax.h"
#include <glib/gstdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *slide, *parts[3];
static struct mirax_cache *cache;

static void forget(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
		g_remove(parts[i]);
	slide[strlen(slide) - strlen(".mrxs")] = '\0';
	g_rmdir(slide);
	*strrchr(slide, '/') = '\0';
	g_rmdir(slide);
	mirax_cache_free(cache);
}

/* In memory, where that is to be had: files of a folder cannot be nowhere. */
static void prepare(void)
{
	static const char *const names[] = { "Slidedat.ini", "Index.dat", "Data0000.dat" };
	const char *root = g_file_test("/dev/shm", G_FILE_TEST_IS_DIR) ? "/dev/shm" : g_get_tmp_dir();
	g_autofree char *folder = g_build_filename(root, "fuzz-mirax-XXXXXX", NULL), *inside = NULL;

	g_assert_nonnull(g_mkdtemp(folder));
	inside = g_build_filename(folder, "s", NULL);
	g_assert_cmpint(g_mkdir(inside, 0700), ==, 0);
	slide = g_strconcat(inside, ".mrxs", NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
		parts[i] = g_build_filename(inside, names[i], NULL);
	cache = mirax_cache_new(32 << 20);
	atexit(forget);
}

static void put(const char *path, const char *bytes, gsize n)
{
	FILE *file = g_fopen(path, "wb");

	g_assert_nonnull(file);
	g_assert_cmpuint(fwrite(bytes, 1, n, file), ==, n);
	fclose(file);
}

/* Its words are exactly as many as are asked for, so that the address sanitizer sees one more. */
static void read_part(struct mirax *m, int level, int x, int y, int w, int h)
{
	g_autofree guint32 *argb = g_new(guint32, w * h);
	gint ended = 0;

	if (!mirax_read(m, level, x, y, w, h, argb, &ended))
		return;
	for (int i = 0; i < w * h; i++)
		g_assert_true(argb[i] == 0 || argb[i] >> 24 == 255);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;

	if (slide == NULL)
		prepare();
	for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
		const char *mark = i + 1 < G_N_ELEMENTS(parts) ? memmem(at, (gsize)(end - at), "\n%%\n", 4) : NULL;

		put(parts[i], at, (gsize)((mark != NULL ? mark : end) - at));
		at = mark != NULL ? mark + 4 : end;
	}
	struct mirax *m = mirax_open(slide, cache);
	for (int level = 0; m != NULL && level < MIRAX_LEVELS; level++) {
		read_part(m, level, 0, 0, 40, 30);
		read_part(m, level, 13, 9, 1, 1);
		read_part(m, level, 13, 9, 17, 25);     /* again, and kept by now */
		read_part(m, level, 1 << 20, 5, 8, 8);
	}
	mirax_close(m);
	return 0;
}
