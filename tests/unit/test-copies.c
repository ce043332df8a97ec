/*
 * test-copies.c - slides copied to another folder: they are read from there, and give the same; what an earlier run left is
 * taken where it is whole and the slide's; what cannot be copied is read where it was.
 */
#include "common/fault/fault.h"
#include "common/machine/remove_tree.h"
#include "common/machine/room.h"
#include "common/slide/copies.h"
#include "tests/sample/mirax.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N = 3, SIDE = 64, WAIT_S = 30, MB = 1 << 20 };

static char *top, *from, *to;   /* a folder, and in it: slides, copies */

static bool shows_all(gpointer self G_GNUC_UNUSED, gint64 x, gint64 y, int width, int height)
{
	return x + width > 0 && y + height > 0;
}

static void render(gpointer self, gint64 x, gint64 y, int width, int height, guint8 *rgb)
{
	for (int i = 0; i < width * height; i++)
		memset(rgb + 3 * i, 50 + 20 * GPOINTER_TO_INT(self) + (int)((x + i % width + y + i / width) % 64), 3);
}

static char *path_of(int i)
{
	return g_strdup_printf("%s/s%d.mrxs", from, i);
}

static void write_slide(int i)
{
	const struct MiraxGeometry geometry = { .positions_x = 2, .positions_y = 2, .divisions = 2, .image = SIDE, .levels = 2, .quality = 90,
						.magnification = 20, .mpp = 0.5, .seed = 1 };
	const struct MiraxPicture picture = { GINT_TO_POINTER(i), shows_all, render };
	g_autofree char *path = path_of(i);
	struct MiraxBounds bounds;
	GError *error = NULL;

	g_assert_true(mirax_write(path, &geometry, &picture, &bounds, &error));
	g_assert_no_error(error);
}

struct set {
	struct slide_pool *pool;
	struct slide *slides[N];
	struct copies *copies;
};

static void open_slides(struct set *s)
{
	GError *error = NULL;

	s->pool = slide_pool_new(2);
	for (int i = 0; i < N; i++) {
		g_autofree char *path = path_of(i);
		s->slides[i] = slide_open(s->pool, path, &error);
		g_assert_no_error(error);
	}
}

static void begin(struct set *s, guint64 bytes)
{
	GError *error = NULL;

	open_slides(s);
	s->copies = copies_begin(to, bytes, 300, s->slides, N, &error);
	g_assert_no_error(error);
}

static guint moved(const struct set *s)
{
	guint n = 0;

	for (int i = 0; i < N; i++)
		n += slide_moved(s->slides[i]) ? 1 : 0;
	return n;
}

static void await(const struct set *s, guint n)
{
	for (int i = 0; moved(s) < n && i < WAIT_S * 100; i++)
		g_usleep(G_USEC_PER_SEC / 100);
	g_assert_cmpuint(moved(s), ==, n);
}

/* Whatever it is read from, these are its pixels: JPEG is a few levels off. */
static void assert_reads_at(struct slide *slide, int i, int left)
{
	g_autofree guint8 *rgb = g_malloc(SIDE * SIDE * 3);
	GError *error = NULL;

	g_assert_true(slide_read(slide, left, 20, 1, SIDE, SIDE, rgb, NULL, &error));
	g_assert_no_error(error);
	for (int y = 0; y < SIDE; y += 7)
		for (int x = 0; x < SIDE; x += 7) {
			const int step = (left + x + 20 + y) % 64;
			if (step > 8 && step < 56)
				g_assert_cmpint(ABS(rgb[3 * (y * SIDE + x)] - (50 + 20 * i + step)), <, 12);
		}
}

static void assert_reads(struct slide *slide, int i)
{
	assert_reads_at(slide, i, 10);
}

static void end(struct set *s, gboolean keep, guint copied, guint taken, guint no_room, guint failed)
{
	struct copies_report r;

	copies_end(s->copies, keep, &r);
	g_assert_cmpuint(r.copied, ==, copied);
	g_assert_cmpuint(r.taken, ==, taken);
	g_assert_cmpuint(r.no_room, ==, no_room);
	g_assert_cmpuint(r.failed, ==, failed);
	g_assert_cmpint(r.why != NULL, ==, failed > 0);
	copies_report_clear(&r);
	for (int i = 0; i < N; i++)
		slide_close(s->slides[i]);
	g_assert_cmpuint(slide_pool_open_handles(s->pool), ==, 0);
	slide_pool_free(s->pool);
}

/* Of the folder of copies. */
static guint entries(void)
{
	g_autofree char *path = g_build_filename(to, "blindrun-slides", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	guint n = 0;

	while (dir != NULL && g_dir_read_name(dir) != NULL)
		n++;
	return n;
}

static guint64 bytes_below(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	guint64 bytes = 0;
	struct stat st;

	for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
		g_autofree char *entry = g_build_filename(path, name, NULL);
		g_assert_cmpint(stat(entry, &st), ==, 0);
		bytes += S_ISDIR(st.st_mode) ? bytes_below(entry) : (guint64)st.st_size;
	}
	return bytes;
}

static void away(gboolean yes)
{
	g_autofree char *elsewhere = g_strconcat(from, "-away", NULL);

	g_assert_cmpint(yes ? rename(from, elsewhere) : rename(elsewhere, from), ==, 0);
}

static gboolean without_room(void)
{
	const gboolean without = room_disk(top) < (gint64)COPIES_SPARE + 64 * MB;

	if (without)
		g_test_skip("the disk is nearly full");
	return without;
}

static void test_reads_copies(void)
{
	if (without_room())
		return;
	struct set s;
	begin(&s, 64 * MB);
	struct stat st;

	await(&s, N);
	g_assert_cmpuint(entries(), ==, N);
	away(TRUE);
	for (int i = 0; i < N; i++)
		assert_reads(s.slides[i], i);
	away(FALSE);
	g_autofree char *folder = g_build_filename(to, "blindrun-slides", NULL);
	g_assert_cmpint(stat(folder, &st), ==, 0);
	g_assert_cmpint(st.st_mode & 0777, ==, 0700);
	end(&s, FALSE, N, 0, 0, 0);
	g_assert_cmpint(g_access(folder, F_OK), !=, 0);
}

/* A run that was killed: its copies are there, one is half, and a slide is another by now. */
static void test_takes_copies(void)
{
	if (without_room())
		return;
	struct set s;
	begin(&s, 64 * MB);
	g_autofree char *part = g_build_filename(to, "blindrun-slides", "0123456789abcdef0123456789abcdef.part", NULL);
	g_autofree char *path = path_of(1), *text = NULL;
	gsize length;

	await(&s, N);
	end(&s, TRUE, N, 0, 0, 0);
	g_assert_cmpint(g_mkdir(part, 0700), ==, 0);
	g_assert_true(g_file_get_contents(path, &text, &length, NULL));
	g_autofree char *longer = g_strconcat(length > 0 ? text : "", "x", NULL);
	g_assert_true(g_file_set_contents(path, longer, -1, NULL));
	begin(&s, 64 * MB);
	await(&s, N);
	g_assert_cmpuint(entries(), ==, N);
	for (int i = 0; i < N; i++)
		assert_reads(s.slides[i], i);
	end(&s, FALSE, 1, N - 1, 0, 0);
	write_slide(1);
}

/* Copies that go bad, or away, while they are in use: the slide itself is read. */
static void test_bad_copy(void)
{
	if (without_room())
		return;
	struct set s;
	begin(&s, 64 * MB);
	g_autofree char *folder = g_build_filename(to, "blindrun-slides", NULL);

	await(&s, N);
	assert_reads(s.slides[0], 0);   /* its handle is open, and has this in its cache */
	remove_tree(folder);
	for (int i = 0; i < N; i++)
		assert_reads_at(s.slides[i], i, 3 * SIDE);
	g_assert_cmpuint(moved(&s), ==, 0);
	end(&s, FALSE, N, 0, 0, 0);
}

static void test_no_room(void)
{
	if (without_room())
		return;
	struct set s;
	begin(&s, 1000);

	g_usleep(G_USEC_PER_SEC / 2);
	g_assert_cmpuint(moved(&s), ==, 0);
	for (int i = 0; i < N; i++)
		assert_reads(s.slides[i], i);
	end(&s, FALSE, 0, 0, N, 0);
}

/* A disk that takes no more: no file may be longer than 100 bytes. */
static void test_fails(void)
{
	struct rlimit before, none = { 100, RLIM_INFINITY };

	if (without_room())
		return;
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
	none.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &none), ==, 0);
	struct set s;
	begin(&s, 64 * MB);
	g_usleep(G_USEC_PER_SEC);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
	g_assert_cmpuint(moved(&s), ==, 0);
	g_assert_cmpuint(entries(), ==, 0);
	for (int i = 0; i < N; i++)
		assert_reads(s.slides[i], i);
	end(&s, FALSE, 0, 0, 0, N);
}

/* An earlier run was given more room: of its copies stays what there is room for now, and the rest is removed. */
static void test_less_room(void)
{
	if (without_room())
		return;
	struct set s;
	begin(&s, 64 * MB);

	await(&s, N);
	end(&s, TRUE, N, 0, 0, 0);
	g_autofree char *folder = g_build_filename(to, "blindrun-slides", NULL);
	const guint64 all = bytes_below(folder);
	begin(&s, all * 2 / 3 + 1000);  /* they are alike, but for some bytes */
	await(&s, N - 1);
	end(&s, TRUE, 0, N - 1, 1, 0);
	g_assert_cmpuint(entries(), ==, N - 1);
	g_assert_cmpuint(bytes_below(folder), <=, all * 2 / 3 + 1000);
	begin(&s, 64 * MB);
	await(&s, N);
	end(&s, FALSE, 1, N - 1, 0, 0);
}

/* Whoever opens a file that another has a lease on waits for it: as a folder of a network that stopped answering. */
static void test_hangs(void)
{
	if (without_room())
		return;
	struct set s;
	struct copies_report r;
	GError *error = NULL;
	g_autofree char *path = g_build_filename(from, "s0", "Slidedat.ini", NULL);
	const int fd = open(path, O_RDONLY);

	open_slides(&s);
	signal(SIGIO, SIG_IGN);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) != 0) {
		g_test_skip("no leases here");
	} else {
		s.copies = copies_begin(to, 64 * MB, 5, s.slides, N, &error);
		g_assert_no_error(error);
		await(&s, N - 1);
		g_assert_false(slide_moved(s.slides[0]));
		copies_end(s.copies, FALSE, &r);
		g_assert_cmpuint(r.copied, ==, N - 1);
		g_assert_cmpuint(r.failed, ==, 1);
		g_assert_cmpstr(r.why, ==, "slide 's0': reading it to copy it hung for 5 s");
		copies_report_clear(&r);
		/* and at the end, whatever the patience */
		s.copies = copies_begin(to, 64 * MB, 300, s.slides, N, &error);
		g_assert_no_error(error);
		g_usleep(G_USEC_PER_SEC / 5);
		const gint64 start = g_get_monotonic_time();
		copies_end(s.copies, FALSE, &r);
		g_assert_cmpint(g_get_monotonic_time() - start, <, 20 * G_USEC_PER_SEC);
		g_assert_cmpuint(r.copied + r.failed, ==, 0);
		copies_report_clear(&r);
		g_assert_cmpint(fcntl(fd, F_SETLEASE, F_UNLCK), ==, 0);
	}
	close(fd);
	for (int i = 0; i < N; i++) {
		assert_reads(s.slides[i], i);
		slide_close(s.slides[i]);
	}
	slide_pool_free(s.pool);
}

static void test_two_runs(void)
{
	if (without_room())
		return;
	struct set s;
	begin(&s, 64 * MB);
	GError *error = NULL;

	g_assert_null(copies_begin(to, 64 * MB, 300, s.slides, N, &error));
	g_assert_error(error, FAULT, FAULT_FAILED);
	g_assert_true(g_str_has_prefix(error->message, "another run has '"));
	g_clear_error(&error);
	await(&s, N);
	g_assert_null(copies_begin("/proc/none", 64 * MB, 300, s.slides, N, &error));
	g_assert_error(error, FAULT, FAULT_FAILED);
	g_assert_true(g_str_has_prefix(error->message, "cannot make '/proc/none/blindrun-slides': "));
	g_clear_error(&error);
	end(&s, FALSE, N, 0, 0, 0);
}

/* Ended while it copies: nothing half is left, and all is read. */
static void test_ended_early(void)
{
	for (int i = 0; i < 20; i++) {
		struct set s;
		begin(&s, 64 * MB);
		struct copies_report r;
		g_usleep((gulong)i * 500);
		copies_end(s.copies, i % 2, &r);
		g_assert_cmpuint(r.failed, ==, 0);
		copies_report_clear(&r);
		for (int k = 0; k < N; k++) {
			assert_reads(s.slides[k], k);
			slide_close(s.slides[k]);
		}
		slide_pool_free(s.pool);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	top = g_dir_make_tmp("copies-XXXXXX", NULL);
	from = g_build_filename(top, "slides", NULL);
	to = g_build_filename(top, "near", NULL);
	g_mkdir(from, 0755);
	for (int i = 0; i < N; i++)
		write_slide(i);
	g_test_add_func("/copies/read", test_reads_copies);
	g_test_add_func("/copies/taken", test_takes_copies);
	g_test_add_func("/copies/bad", test_bad_copy);
	g_test_add_func("/copies/no-room", test_no_room);
	g_test_add_func("/copies/fail", test_fails);
	g_test_add_func("/copies/less-room", test_less_room);
	g_test_add_func("/copies/hang", test_hangs);
	g_test_add_func("/copies/two-runs", test_two_runs);
	g_test_add_func("/copies/ended-early", test_ended_early);
	const int failed = g_test_run();
	remove_tree(top);
	g_free(top);
	g_free(from);
	g_free(to);
	return failed;
}
