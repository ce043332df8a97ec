/*
 * test-journal.c - what a run that was killed leaves for the next: cases under way, answers to the last digit; names that are hard
 * to write, lines that were cut off, noise.
 */
#include "common/log/log.h"
#include "inference/journal.h"
#include <unistd.h>

enum { CASES = 4 };

static struct work_case cases[CASES] = { { .id = "Slide 1" }, { .id = "a\"b\\c=d, e" }, { .id = "two\nlines\xe9" }, { .id = "Slide4" } };
static const struct answer_column columns[] = { { "probability", 0, 1, 0.5, -1 }, { "longest_axis_um", 0, 100, 0, 1 } };
static const struct work work = { .n_cases = CASES, .cases = cases, .n_answers = 2, .columns = columns };

struct fixture { char *folder, *path; };

static void set_up(struct fixture *f, gconstpointer data)
{
	(void)data;
	f->folder = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	f->path = g_build_filename(f->folder, "journal", NULL);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	(void)data;
	unlink(f->path);
	rmdir(f->folder);
	g_free(f->path);
	g_free(f->folder);
}

static void assert_answer(const struct journal *j, guint item, guint64 read, gboolean full, gboolean done, double p, double um)
{
	const struct journal_answer a = journal_answer(j, item);

	g_assert_cmpuint(a.read, ==, read);
	g_assert_cmpint(a.partly, ==, read == 7);
	g_assert_cmpint(a.full, ==, full);
	g_assert_cmpint(a.done, ==, done);
	g_assert_cmpfloat(a.numbers[0], ==, p);
	g_assert_cmpfloat(a.numbers[1], ==, um);
}

static void test_runs(struct fixture *f, gconstpointer data)
{
	const struct journal_answer first = { 7, TRUE, FALSE, FALSE, { 0.1, 3 } }, second = { 26000, FALSE, TRUE, TRUE, { 1.0 / 3, 1e-300 } };

	(void)data;
	for (guint run = 0; run < 4; run++) {
		g_autoptr(journal_t) j = journal_open(f->path, &work);
		g_assert_cmpuint(journal_killed(j), ==, run);
		for (guint i = 0; i < CASES; i++)
			g_assert_cmpuint(journal_killed_in(j, i), ==, i < 3 ? run : 0);
		if (run > 0)
			assert_answer(j, 3, 7, FALSE, FALSE, 0.1, 3);
		for (guint i = 0; i < CASES; i++)
			journal_begin(j, i);
		journal_end(j, 3, &first);
	}
	g_autoptr(journal_t) all = journal_open(f->path, &work);
	for (guint i = 0; i < CASES; i++)
		journal_end(all, i, &second);
	g_clear_pointer(&all, journal_free);
	all = journal_open(f->path, &work);
	for (guint i = 0; i < CASES; i++)
		assert_answer(all, i, 26000, TRUE, TRUE, 1.0 / 3, 1e-300);
	g_assert_cmpuint(log_warnings(NULL), ==, 0);
}

/* Half a line of a run that was killed as it wrote does not spoil the first of the next. */
static void test_torn(struct fixture *f, gconstpointer data)
{
	(void)data;
	g_assert_true(g_file_set_contents(f->path, "start\nbegin case=Slide4\nend case=Slide4 samples=9 partly=0 full=1 done=1 probability=0.5 longest_axis_um=1",
					  -1, NULL));
	journal_t *j = journal_open(f->path, &work);
	g_assert_cmpuint(journal_killed(j), ==, 1);
	g_assert_cmpuint(journal_killed_in(j, 3), ==, 1);
	g_assert_cmpuint(journal_answer(j, 3).read, ==, 0);
	journal_free(j);
	j = journal_open(f->path, &work);
	g_assert_cmpuint(journal_killed(j), ==, 2);
	g_assert_cmpuint(journal_killed_in(j, 3), ==, 1);       /* it was not under way any more in the second */
	g_assert_cmpuint(journal_answer(j, 3).read, ==, 0);
	journal_free(j);
}

static void test_noise(struct fixture *f, gconstpointer data)
{
	static const char noise[] = "start\n\n= =\nend\nbegin\nend case=Slide9 samples=1 partly=0 full=1 done=1 probability=1 longest_axis_um=1\n"
		"end case=Slide4 samples=-1 partly=0 full=1 done=1 probability=1 longest_axis_um=1\n"
		"end case=Slide4 samples=1e300 partly=0 full=1 done=1 probability=1 longest_axis_um=1\n"
		"end case=Slide4 samples=x partly=0 full=1 done=1 probability=1 longest_axis_um=1\n"
		"end case=Slide4 samples= partly=0 full=1 done=1 probability=1 longest_axis_um=1\n"
		"end case=Slide4 samples=1 partly=0 full=1 done=1 probability=1\n"
		"end case=Slide4 samples=1 partly=0 full=1 probability=1 longest_axis_um=1\n"
		"\0beginning case=Slide4\0\n\xff\xfe\n";

	(void)data;
	g_assert_true(g_file_set_contents(f->path, noise, sizeof noise - 1, NULL));
	g_autoptr(journal_t) j = journal_open(f->path, &work);
	g_assert_cmpuint(journal_killed(j), ==, 1);
	for (guint i = 0; i < CASES; i++) {
		g_assert_cmpuint(journal_killed_in(j, i), ==, 0);
		g_assert_cmpuint(journal_answer(j, i).read, ==, 0);
	}
}

static void test_none(struct fixture *f, gconstpointer data)
{
	const struct journal_answer a = { 7, FALSE, FALSE, FALSE, { 0.1, 3 } };
	const guint said = log_warnings("journal");
	g_autofree char *nowhere = g_build_filename(f->folder, "no", "journal", NULL);
	const char *const paths[] = { NULL, nowhere };

	(void)data;
	for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autoptr(journal_t) j = journal_open(paths[i], &work);
		g_assert_cmpuint(journal_killed(j), ==, 0);
		journal_begin(j, 0);
		journal_end(j, 0, &a);
		g_assert_cmpuint(journal_answer(j, 0).read, ==, 0);
		g_assert_cmpuint(log_warnings("journal"), ==, said + i);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_open("test-journal", 0);
	g_test_add("/journal/runs", struct fixture, NULL, set_up, test_runs, tear_down);
	g_test_add("/journal/torn", struct fixture, NULL, set_up, test_torn, tear_down);
	g_test_add("/journal/noise", struct fixture, NULL, set_up, test_noise, tear_down);
	g_test_add("/journal/none", struct fixture, NULL, set_up, test_none, tear_down);
	return g_test_run();
}
