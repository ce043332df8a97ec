/*
 * test-log.c - log.h: the lines as they come out of both streams, under a clock that is moved by hand.
 */
#include "tests/unit/streams.h"
#include <math.h>

enum { BUDGET = 100 * 1024, RESERVE = 64 * 1024, LINES = 2000 };
static const char forty[] = "0123456789012345678901234567890123456789";

static void write_form(void)
{
	open_with_fake_clock("train", 1000000);
	log_say("epoch n=%d/%d loss=%.3f", 3, 20, 0.2134);
	fake_seconds = 812.44;
	log_say("one\ntwo\tthree\x1b[0m");
	log_warn("case", "slide '%s': %s", "Slide012", "left out = gone");
	fake_seconds = 216000;
	log_close(0, NULL);
}

static void test_form(void)
{
	gint64 before = g_get_real_time() / G_USEC_PER_SEC;
	g_auto(streams_t) got = streams_of(write_form);
	gint64 after = g_get_real_time() / G_USEC_PER_SEC;
	g_autofree char *out = bare_of(got.text[0]), *err = bare_of(got.text[1]);

	g_assert_cmpstr(out, ==, "t=0.0 train epoch n=3/20 loss=0.213\n"
			"t=812.4 train one two three [0m\n"
			"t=216000.0 train survived kind=case count=1 first=\"slide 'Slide012': left out = gone\"\n"
			"t=216000.0 train end exit=0 seconds=216000.0 warnings=1\n");
	g_assert_cmpstr(err, ==, "t=812.4 train warning kind=case text=\"slide 'Slide012': left out = gone\"\n"
			"t=216000.0 train survived kind=case count=1 first=\"slide 'Slide012': left out = gone\"\n"
			"t=216000.0 train end cause=\"nothing failed, 1 warning\"\n");

	g_autofree char *stamp = g_strndup(got.text[0] + strlen("time="), strlen("2019-02-21T03:14:15Z"));
	g_autoptr(GDateTime) at = g_date_time_new_from_iso8601(stamp, NULL);
	g_assert_cmpint(g_date_time_to_unix(at), >=, before);
	g_assert_cmpint(g_date_time_to_unix(at), <=, after);
}

/* ---- warnings ---- */

static void write_folded(void)
{
	open_with_fake_clock("inference", 0);
	for (int i = 1; i <= 1999; i++)
		log_warn("sample", "tile %d", i);
	for (int i = 1; i <= 20; i++)
		log_warn("test case", "slide %d", i);
	g_assert_cmpuint(log_warnings("sample"), ==, 1999);
	g_assert_cmpuint(log_warnings("test case"), ==, 20);
	g_assert_cmpuint(log_warnings("other"), ==, 0);
	g_assert_cmpuint(log_warnings(NULL), ==, 2019);
	log_close(3, "there is no model: train first");
}

static void test_folded(void)
{
	g_auto(streams_t) got = streams_of(write_folded);
	g_autofree char *out = bare_of(got.text[0]), *err = bare_of(got.text[1]);
	g_autoptr(GString) wanted = g_string_new(NULL);

	for (int i = 1; i <= 20; i++)
		g_string_append_printf(wanted, "t=0.0 inference warning kind=sample text=\"tile %d\"\n", i);
	g_string_append(wanted, "t=0.0 inference warning kind=sample count=100 text=\"tile 100\"\n"
			"t=0.0 inference warning kind=sample count=1000 text=\"tile 1000\"\n");
	for (int i = 1; i <= 20; i++)
		g_string_append_printf(wanted, "t=0.0 inference warning kind=\"test case\" text=\"slide %d\"\n", i);
	const gsize last = wanted->len;
	g_string_append(wanted, "t=0.0 inference survived kind=sample count=1999 first=\"tile 1\"\n"
			"t=0.0 inference survived kind=\"test case\" count=20 first=\"slide 1\"\n");
	g_autofree char *end = g_strconcat(wanted->str + last, "t=0.0 inference end exit=3 seconds=0.0 warnings=2019\n", NULL);
	g_string_append(wanted, "t=0.0 inference end cause=\"there is no model: train first\"\n");
	g_assert_cmpstr(err, ==, wanted->str);
	g_assert_cmpstr(out, ==, end);
}

/* ---- budgets ---- */

static void write_too_much(void)
{
	open_with_fake_clock("train", BUDGET);
	for (int i = 0; i < LINES; i++)
		log_say("line n=%04d text=%s", i, forty);
	log_last("outcome saved_epoch=none");
	log_warn("case", "stderr has a budget of its own");
	log_close(1, "cause");
}

static void test_budget(void)
{
	g_auto(streams_t) got = streams_of(write_too_much);
	g_autofree char *out = bare_of(got.text[0]), *err = bare_of(got.text[1]);
	g_auto(GStrv) lines = lines_of(got.text[0]);
	const guint fit = (BUDGET - RESERVE) / (guint)(strlen(lines[0]) + 1);   /* all are of one length */
	g_autofree char *last = g_strdup_printf("t=0.0 train outcome saved_epoch=none\n"
			"t=0.0 train survived kind=case count=1 first=\"stderr has a budget of its own\"\n"
			"t=0.0 train dropped lines=%u budget=%d\n", LINES - fit, BUDGET);
	g_autofree char *out_end = g_strconcat(last, "t=0.0 train end exit=1 seconds=0.0 warnings=1\n", NULL);
	g_autofree char *err_end = g_strconcat(last, "t=0.0 train end cause=cause\n", NULL);

	g_assert_cmpuint(count_lines(out, " train line "), ==, fit);
	g_assert_cmpuint(g_strv_length(lines), ==, fit + 4);
	g_assert_true(g_str_has_suffix(out, out_end));
	g_assert_true(g_str_has_suffix(err, err_end));
	g_assert_cmpuint(count_lines(err, ""), ==, 5);
}

static void write_details(void)
{
	open_with_fake_clock("train", BUDGET);
	for (int i = 0; i < LINES; i++)
		log_detail("line n=%04d text=%s", i, forty);
	log_say("news");
	log_close(0, NULL);
}

/* A line a case leaves three quarters of the budget to what comes after. */
static void test_details(void)
{
	g_auto(streams_t) got = streams_of(write_details);
	g_auto(GStrv) out = lines_of(got.text[0]);
	const guint fit = BUDGET / 4 / (guint)(strlen(out[0]) + 1);

	g_assert_cmpuint(g_strv_length(out), ==, fit + 3);
	g_assert_true(g_str_has_prefix(bare(out[fit - 1]), "t=0.0 train line "));
	g_assert_cmpstr(bare(out[fit]), ==, "t=0.0 train news");
}

/* ---- thinning ---- */

static void write_progress(void)
{
	static const struct { double from; int n; } parts[] = { { 0, 100 }, { 10000, 1000 } };

	open_with_fake_clock("train", 0);
	for (gsize k = 0; k < G_N_ELEMENTS(parts); k++)
		for (int i = 0; i < parts[k].n; i++) {
			fake_seconds = parts[k].from + i;
			log_progress("step n=%d", i);
		}
	open_with_fake_clock("train", 0);       /* as at first */
	log_progress("again");
}

/* Every 5 s at first, and each hundredth of the time since the start later. */
static void test_progress(void)
{
	g_auto(streams_t) got = streams_of(write_progress);
	g_autofree char *out = bare_of(got.text[0]);
	g_autoptr(GString) wanted = g_string_new(NULL);

	for (int i = 0; i < 100; i += 5)
		g_string_append_printf(wanted, "t=%d.0 train step n=%d\n", i, i);
	for (int i = 0; i < 1000; i = (int)ceil(i + (10000 + i) / 99.0)) /* now - then >= now / 100 */
		g_string_append_printf(wanted, "t=%d.0 train step n=%d\n", 10000 + i, i);
	g_string_append(wanted, "t=0.0 train again\n");
	g_assert_cmpstr(out, ==, wanted->str);
}

static void write_progress_late(void)
{
	enum { HALF = (BUDGET - RESERVE) / 2, LINE = sizeof "time=2019-02-21T03:14:15Z t=0.0 train \n" - 1 + 40 };

	open_with_fake_clock("train", BUDGET);
	for (int used = 0; used < HALF; used += LINE)
		log_say("%s", forty);
	for (int i = 0; i < 100; i++) {
		fake_seconds = i;
		log_progress("step n=%d", i);
	}
}

/* With half of the budget gone, each 40 s and a little. */
static void test_progress_late(void)
{
	g_auto(streams_t) got = streams_of(write_progress_late);

	g_assert_cmpuint(count_lines(got.text[0], " train step "), ==, 3);
	g_assert_nonnull(strstr(got.text[0], "t=0.0 train step n=0\n"));
	g_assert_nonnull(strstr(got.text[0], "t=41.0 train step n=41\n"));
	g_assert_nonnull(strstr(got.text[0], "t=82.0 train step n=82\n"));
}

/* ---- the story ---- */

static void say_much(gsize bytes)
{
	for (gsize i = 0; i < bytes; i += 128)
		log_say("much text=%0100d", 0);
}

static void write_story(void)
{
	open_with_fake_clock("train", 0);
	log_keep("data", "data slides=1");
	log_keep("plan", "plan epochs=2");
	log_keep("data", "data slides=2");
	fake_seconds = 10;
	log_row("epoch", FALSE, "epoch n=1/3");
	fake_seconds = 11;
	log_row("epoch", FALSE, "epoch n=2/3");         /* not due */
	fake_seconds = 12;
	log_row("epoch", TRUE, "epoch n=3/3 saved=best");
	fake_seconds = 13;
	log_row("epoch", FALSE, "epoch n=4/4");
	log_close(0, NULL);
}

static void write_long_story(void)
{
	open_with_fake_clock("train", 0);
	log_keep("data", "data slides=1");
	log_row("epoch", TRUE, "epoch n=1/3");
	fake_seconds = 20;
	say_much(LOG_AGAIN);
	log_keep("data", "data slides=2");
	fake_seconds = 30;
	say_much(13 * 1024);
	log_keep("plan", "plan epochs=2");
	log_close(0, NULL);
}

static void test_story(void)
{
	g_auto(streams_t) got = streams_of(write_story);
	g_autofree char *out = bare_of(got.text[0]);

	g_assert_cmpstr(out, ==, "t=0.0 train data slides=1\nt=0.0 train plan epochs=2\nt=0.0 train data slides=2\n"
			"t=10.0 train epoch n=1/3\nt=12.0 train epoch n=3/3 saved=best\n"
			"t=13.0 train epoch n=2/3 again=11.0\nt=13.0 train epoch n=4/4 again=13.0\n"
			"t=13.0 train end exit=0 seconds=13.0 warnings=0\n");
}

/* Once after LOG_AGAIN bytes; at the end what is further back than the last 12 KiB. */
static void test_story_again(void)
{
	g_auto(streams_t) got = streams_of(write_long_story);
	g_autofree char *out = bare_of(got.text[0]);
	char *first = strstr(out, "t=20.0 train data slides=1 again=0.0\nt=20.0 train epoch n=1/3 again=0.0\nt=20.0 train much ");

	g_assert_nonnull(first);
	g_assert_true(g_str_has_suffix(out, "t=30.0 train plan epochs=2\nt=30.0 train data slides=2 again=20.0\n"
				       "t=30.0 train epoch n=1/3 again=0.0\nt=30.0 train end exit=0 seconds=30.0 warnings=0\n"));
	g_assert_cmpuint(count_lines(out, "again="), ==, 4);
}

/* ---- the last lines ---- */

static void write_last(void)
{
	open_with_fake_clock("train", 0);
	for (int i = 0; i < 50; i++)
		log_last("left_out case=c%d", i);
	for (int k = 0; k < 14; k++)
		for (int i = 0; i <= k; i++) {
			g_autofree char *kind = g_strdup_printf("kind%d", k);
			log_warn(kind, "%0200d", k);
		}
	log_close(0, NULL);
}

/* The first of the diagnosis, the most frequent kinds, in few words. */
static void test_last(void)
{
	g_auto(streams_t) got = streams_of(write_last);
	g_autofree char *err = bare_of(got.text[1]);
	const char *diagnosis[] = { got.text[0], strstr(got.text[1], " left_out ") };

	g_assert_nonnull(diagnosis[1]);
	for (int i = 0; i < 2; i++) {
		g_assert_cmpuint(count_lines(diagnosis[i], ""), <=, LOG_LAST);
		g_assert_cmpuint(count_lines(diagnosis[i], " left_out "), ==, 28);
		g_assert_cmpuint(count_lines(diagnosis[i], " survived kind="), ==, 9);
		g_assert_nonnull(strstr(diagnosis[i], " train survived more=5\n"));
	}
	g_autofree char *most = g_strdup_printf(" train left_out case=c27\nt=0.0 train survived kind=kind13 count=14 first=%0200d\n", 13);
	g_assert_nonnull(strstr(err, most));
	g_assert_null(strstr(err, "survived kind=kind1 "));
}

/* ---- what is hidden ---- */

static void write_hidden(void)
{
	open_with_fake_clock("train", 0);
	log_name("Slide001");           /* not asked for yet */
	log_say("case case=Slide001");
	log_hide_folder("/data/train");
	log_hide_names();
	log_name("Slide002");
	log_detail("case case=Slide002");
	log_say("look case=Slide001 other=Slide002");
	log_warn("case", "cannot read /data/train/image/Slide002.mrxs");
	log_close(1, "slide 'Slide002': gone");
}

static void test_hidden(void)
{
	g_auto(streams_t) got = streams_of(write_hidden);
	g_autofree char *out = bare_of(got.text[0]), *err = bare_of(got.text[1]);

	g_assert_cmpstr(out, ==, "t=0.0 train case case=Slide001\nt=0.0 train look case=Slide001 other=(hidden)\n"
			"t=0.0 train survived kind=case count=1 first=\"cannot read (hidden).mrxs\"\n"
			"t=0.0 train end exit=1 seconds=0.0 warnings=1\n");
	g_assert_cmpstr(err, ==, "t=0.0 train warning kind=case text=\"cannot read (hidden).mrxs\"\n"
			"t=0.0 train survived kind=case count=1 first=\"cannot read (hidden).mrxs\"\n"
			"t=0.0 train end cause=\"slide '(hidden)': gone\"\n");
}

/* ---- threads, times ---- */

static gpointer write_many(gpointer number)
{
	for (int i = 0; i < 200; i++) {
		log_say("thread n=%d line=%d", GPOINTER_TO_INT(number), i);
		log_warn(i % 2 == 0 ? "even" : "odd", "thread=%d", GPOINTER_TO_INT(number));
	}
	return NULL;
}

static void write_threads(void)
{
	GThread *thread[4];

	open_with_fake_clock("train", 0);
	for (int i = 0; i < 4; i++)
		thread[i] = g_thread_new("writer", write_many, GINT_TO_POINTER(i));
	for (int i = 0; i < 4; i++)
		g_thread_join(thread[i]);
	log_close(0, NULL);
}

static void test_threads(void)
{
	g_auto(streams_t) got = streams_of(write_threads);
	g_auto(GStrv) out = lines_of(got.text[0]);

	g_assert_cmpuint(g_strv_length(out), ==, 4 * 200 + 3);
	for (int i = 0; i < 800; i++)
		g_assert_true(g_regex_match_simple("^t=0.0 train thread n=[0-3] line=[0-9]+$", bare(out[i]), 0, 0));
	g_assert_cmpuint(count_lines(got.text[1], " warning kind=odd "), ==, 20 + 1);
	g_assert_nonnull(strstr(got.text[1], "cause=\"nothing failed, 800 warnings\"\n"));
}

static void test_duration(void)
{
	static const struct { double seconds; const char *text; } cases[] = {
		{ 0, "0.0s" }, { 0.84, "0.8s" }, { 9.94, "9.9s" }, { 9.96, "10s" }, { 42.4, "42s" }, { 59.6, "1m00s" },
		{ 185, "3m05s" }, { 3599.4, "59m59s" }, { 3599.6, "1h00m" }, { 4320, "1h12m" }, { 360000, "100h00m" },
		{ -1, "?" }, { G_MAXDOUBLE, "?" }, { (double)NAN, "?" },
	};
	char buffer[16];

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpstr(log_duration(cases[i].seconds, buffer), ==, cases[i].text);
}

static void test_seconds(void)
{
	log_set_clock(NULL);
	log_open("train", 0);
	double first = log_seconds();
	g_usleep(20000);
	g_assert_cmpfloat(first, >=, 0);
	g_assert_cmpfloat(log_seconds() - first, >=, 0.02);
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
	g_test_add_func("/log/form", test_form);
	g_test_add_func("/log/folded", test_folded);
	g_test_add_func("/log/budget", test_budget);
	g_test_add_func("/log/details", test_details);
	g_test_add_func("/log/progress", test_progress);
	g_test_add_func("/log/progress-late", test_progress_late);
	g_test_add_func("/log/story", test_story);
	g_test_add_func("/log/story-again", test_story_again);
	g_test_add_func("/log/last", test_last);
	g_test_add_func("/log/hidden", test_hidden);
	g_test_add_func("/log/threads", test_threads);
	g_test_add_func("/log/duration", test_duration);
	g_test_add_func("/log/seconds", test_seconds);
	g_test_add_func("/log/deadline", test_deadline);
	return g_test_run();
}
