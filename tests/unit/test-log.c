/*
 * test-log.c - the lines as they come out: both streams go to files while a test writes, and are read back.
 */
#include "common/log/log.h"
#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

#define STAMP "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z "

typedef struct streams { char *text[2]; } streams_t;  /* stdout, stderr */

static struct streams capture(void (*write_lines)(void))
{
	struct streams got;
	int kept[2];
	char *path[2];

	fflush(stdout);
	fflush(stderr);
	for (int i = 0; i < 2; i++) {
		int fd = g_file_open_tmp("blindrun-log-XXXXXX", &path[i], NULL);
		g_assert_cmpint(fd, >=, 0);
		kept[i] = dup(i + 1);
		g_assert_cmpint(dup2(fd, i + 1), ==, i + 1);
		close(fd);
	}
	write_lines();
	for (int i = 0; i < 2; i++) {   /* not flushed here: each line must have been */
		dup2(kept[i], i + 1);
		close(kept[i]);
		g_assert_true(g_file_get_contents(path[i], &got.text[i], NULL, NULL));
		g_unlink(path[i]);
		g_free(path[i]);
	}
	return got;
}

static void streams_clear(struct streams *s)
{
	g_free(s->text[0]);
	g_free(s->text[1]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(streams_t, streams_clear)

static char **lines_of(const char *text)
{
	g_assert_true(text[0] == '\0' || g_str_has_suffix(text, "\n"));
	char **lines = g_strsplit(text, "\n", -1);
	guint n = g_strv_length(lines);
	if (n > 0) {                    /* what follows the last newline: nothing */
		g_assert_cmpstr(lines[n - 1], ==, "");
		g_clear_pointer(&lines[n - 1], g_free);
	}
	return lines;
}

/* A line without its stamp; it must have one. */
static const char *bare(const char *line)
{
	if (!g_regex_match_simple(STAMP, line, 0, 0))
		g_error("no time begins '%s'", line);
	return line + strlen("2019-02-21T03:14:15Z ");
}

static void write_form(void)
{
	log_open("train", 1000000);
	log_say("epoch=%d/%d loss=%.3f", 3, 20, 0.2134);
	log_say("one\ntwo\tthree\x1b[0m");
	log_warn("case", "slide '%s': %s", "Slide012", "left out");
	log_close(0, NULL);
}

static void test_form(void)
{
	gint64 before = g_get_real_time() / G_USEC_PER_SEC;
	g_auto(streams_t) got = capture(write_form);
	gint64 after = g_get_real_time() / G_USEC_PER_SEC;
	g_auto(GStrv) out = lines_of(got.text[0]);
	g_auto(GStrv) err = lines_of(got.text[1]);

	g_assert_cmpuint(g_strv_length(out), ==, 3);
	g_assert_cmpstr(bare(out[0]), ==, "train epoch=3/20 loss=0.213");
	g_assert_cmpstr(bare(out[1]), ==, "train one two three [0m");
	g_assert_true(g_regex_match_simple("^train end exit=0 seconds=[0-9]+\\.[0-9] warnings=1$", bare(out[2]), 0, 0));
	g_assert_cmpuint(g_strv_length(err), ==, 2);
	g_assert_cmpstr(bare(err[0]), ==, "train slide 'Slide012': left out");
	g_assert_cmpstr(bare(err[1]), ==, "train end: nothing failed, 1 warnings");

	g_autofree char *stamp = g_strndup(out[0], strlen("2019-02-21T03:14:15Z"));
	g_autoptr(GDateTime) at = g_date_time_new_from_iso8601(stamp, NULL);
	g_assert_cmpint(g_date_time_to_unix(at), >=, before);
	g_assert_cmpint(g_date_time_to_unix(at), <=, after);
}

static void write_folded(void)
{
	log_open("inference", 1000000);
	for (int i = 1; i <= 25; i++)
		log_warn("sample", "tile %d", i);
	for (int i = 1; i <= 20; i++)
		log_warn("case", "slide %d", i);
	g_assert_cmpuint(log_warnings("sample"), ==, 25);
	g_assert_cmpuint(log_warnings("case"), ==, 20);
	g_assert_cmpuint(log_warnings("other"), ==, 0);
	g_assert_cmpuint(log_warnings(NULL), ==, 45);
	log_close(3, "there is no model: train first");
}

static void test_folded(void)
{
	g_auto(streams_t) got = capture(write_folded);
	g_auto(GStrv) out = lines_of(got.text[0]);
	g_auto(GStrv) err = lines_of(got.text[1]);

	g_assert_cmpuint(g_strv_length(err), ==, 20 + 20 + 1 + 1);
	for (int i = 0; i < 20; i++) {
		g_autofree char *tile = g_strdup_printf("inference tile %d", i + 1);
		g_autofree char *slide = g_strdup_printf("inference slide %d", i + 1);
		g_assert_cmpstr(bare(err[i]), ==, tile);
		g_assert_cmpstr(bare(err[20 + i]), ==, slide);
	}
	g_assert_cmpstr(bare(err[40]), ==, "inference sample: 25 such lines in all, 5 of them not shown");
	g_assert_cmpstr(bare(err[41]), ==, "inference there is no model: train first");
	g_assert_cmpuint(g_strv_length(out), ==, 1);
	g_assert_true(g_regex_match_simple("^inference end exit=3 seconds=[0-9.]+ warnings=45$", bare(out[0]), 0, 0));
}

enum { BUDGET = 100 * 1024, LINES = 2000 };

static void write_too_much(void)
{
	log_open("train", BUDGET);
	for (int i = 0; i < LINES; i++)
		log_say("line=%04d %s", i, "0123456789012345678901234567890123456789");
	log_warn("case", "stderr has a budget of its own");
	log_close(1, "cause");
}

static void test_budget(void)
{
	g_auto(streams_t) got = capture(write_too_much);
	g_auto(GStrv) out = lines_of(got.text[0]);
	g_auto(GStrv) err = lines_of(got.text[1]);
	gsize line = strlen(out[0]) + 1;
	/* all lines are of one length, and 64 KiB are kept back for the last words */
	guint fit = (BUDGET - 64 * 1024) / (guint)line;

	g_assert_cmpuint(g_strv_length(out), ==, fit + 1);
	g_assert_cmpuint(strlen(got.text[0]), <=, BUDGET);
	g_assert_true(g_str_has_prefix(bare(out[fit - 1]), "train line="));
	g_assert_true(g_str_has_prefix(bare(out[fit]), "train end exit=1 "));
	g_autofree char *dropped = g_strdup_printf("train %u lines were left out to stay within %d bytes a stream",
						   LINES - fit, BUDGET);
	g_assert_cmpuint(g_strv_length(err), ==, 3);
	g_assert_cmpstr(bare(err[0]), ==, "train stderr has a budget of its own");
	g_assert_cmpstr(bare(err[1]), ==, dropped);
	g_assert_cmpstr(bare(err[2]), ==, "train cause");
}

static void write_details(void)
{
	log_open("train", BUDGET);
	for (int i = 0; i < LINES; i++)
		log_detail("line=%04d %s", i, "0123456789012345678901234567890123456789");
	log_say("news");
	log_close(0, NULL);
}

/* A line a case leaves two thirds of the budget to what comes after. */
static void test_details(void)
{
	g_auto(streams_t) got = capture(write_details);
	g_auto(GStrv) out = lines_of(got.text[0]);
	guint fit = BUDGET / 3 / (guint)(strlen(out[0]) + 1);

	g_assert_cmpuint(g_strv_length(out), ==, fit + 2);
	g_assert_true(g_str_has_prefix(bare(out[fit - 1]), "train line="));
	g_assert_cmpstr(bare(out[fit]), ==, "train news");
}

static void write_progress(void)
{
	log_open("train", 0);           /* no limit */
	for (int i = 0; i < 1000; i++)
		log_progress("step=%d", i);
	log_say("news");
	log_open("train", 0);           /* opened anew: as at first */
	log_progress("again");
	log_close(0, NULL);
}

static void test_progress(void)
{
	g_auto(streams_t) got = capture(write_progress);
	g_auto(GStrv) out = lines_of(got.text[0]);

	g_assert_cmpuint(g_strv_length(out), ==, 4);
	g_assert_cmpstr(bare(out[0]), ==, "train step=0");
	g_assert_cmpstr(bare(out[1]), ==, "train news");
	g_assert_cmpstr(bare(out[2]), ==, "train again");
}

static gpointer write_many(gpointer number)
{
	for (int i = 0; i < 200; i++) {
		log_say("thread=%d line=%d", GPOINTER_TO_INT(number), i);
		log_warn(i % 2 == 0 ? "even" : "odd", "thread=%d", GPOINTER_TO_INT(number));
	}
	return NULL;
}

static void write_threads(void)
{
	GThread *thread[4];

	log_open("train", 0);
	for (int i = 0; i < 4; i++)
		thread[i] = g_thread_new("writer", write_many, GINT_TO_POINTER(i));
	for (int i = 0; i < 4; i++)
		g_thread_join(thread[i]);
	log_close(0, NULL);
}

static void test_threads(void)
{
	g_auto(streams_t) got = capture(write_threads);
	g_auto(GStrv) out = lines_of(got.text[0]);
	g_auto(GStrv) err = lines_of(got.text[1]);

	g_assert_cmpuint(g_strv_length(out), ==, 4 * 200 + 1);
	for (int i = 0; i < 800; i++)
		g_assert_true(g_regex_match_simple("^train thread=[0-3] line=[0-9]+$", bare(out[i]), 0, 0));
	g_assert_cmpuint(g_strv_length(err), ==, 20 + 20 + 2 + 1);
	g_assert_cmpstr(bare(err[42]), ==, "train end: nothing failed, 800 warnings");
}

static void test_duration(void)
{
	static const struct { double seconds; const char *text; } cases[] = {
		{ 0, "0.0s" }, { 0.84, "0.8s" }, { 9.94, "9.9s" }, { 9.96, "10s" }, { 42.4, "42s" }, { 59.6, "1m00s" },
		{ 185, "3m05s" }, { 3599.4, "59m59s" }, { 3599.6, "1h00m" }, { 4320, "1h12m" }, { 360000, "100h00m" },
		{ -1, "?" }, { G_MAXDOUBLE, "?" }, { 0.0 / 0.0, "?" },
	};
	char buffer[16];

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpstr(log_duration(cases[i].seconds, buffer), ==, cases[i].text);
}

static void test_seconds(void)
{
	log_open("train", 0);
	double first = log_seconds();
	g_usleep(20000);
	g_assert_cmpfloat(first, >=, 0);
	g_assert_cmpfloat(log_seconds() - first, >=, 0.02);
	log_open("train", 0);

}

static void test_deadline(void)
{
	g_assert_cmpfloat(log_deadline(0), ==, 0);
	g_assert_cmpfloat_with_epsilon(log_deadline(1), 0.5, 1e-12);    /* half of it at least */
	g_assert_cmpfloat_with_epsilon(log_deadline(10), 7.8, 1e-12);
	g_assert_cmpfloat_with_epsilon(log_deadline(100000), 97998, 1e-6);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/log/deadline", test_deadline);
	g_test_add_func("/log/form", test_form);
	g_test_add_func("/log/folded", test_folded);
	g_test_add_func("/log/budget", test_budget);
	g_test_add_func("/log/details", test_details);
	g_test_add_func("/log/progress", test_progress);
	g_test_add_func("/log/threads", test_threads);
	g_test_add_func("/log/duration", test_duration);
	g_test_add_func("/log/seconds", test_seconds);
	return g_test_run();
}
