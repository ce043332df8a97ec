/*
 * test-story.c - story.h: lines to facts; what is told again, resumed, forgotten; logs cut anywhere. Then the page of each,
 * which must be well-formed whatever the lines say.
 */
#include "common/fault/fault.h"
#include "common/report/curve.h"
#include "common/report/page.h"
#include "tests/page/markup.h"
#include <glib/gstdio.h>
#include <math.h>

#define AT(clock, t) "time=2019-02-21T" clock "Z t=" t " "

static struct story *tell(const char *text)
{
	struct story *s = story_new();

	story_take(s, text, strlen(text));
	story_end(s);
	return s;
}

static void check_page(const struct story *s)
{
	static const char *const names[] = { "one <&>", "two" };
	const struct story *const runs[] = { s, s };

	for (guint n = 1; n <= 2; n++) {
		g_autofree char *html = page_html(runs, names, n);
		markup_check(html);
	}
}

/* `word key=value`... of a program's facts of a word, in order, without the key of the t. */
static void check_facts(const struct story *s, const char *program, const char *word, const char *told)
{
	const GPtrArray *facts = story_facts(s, program, word);
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < facts->len; i++) {
		const struct fact *f = facts->pdata[i];

		g_string_append_printf(text, "%s%g%s%s:", i > 0 ? "; " : "", f->t, *f->word2 != '\0' ? " " : "", f->word2);
		for (guint k = 0; k < f->n_pairs; k++)
			g_string_append_printf(text, " %s=%s", f->pairs[k].key, f->pairs[k].value);
	}
	g_assert_cmpstr(text->str, ==, told);
}

static void test_facts(void)
{
	g_autoptr(story_t) s = tell(
		"Killed\n"
		AT("03:00:05", "5.0") "train step n=10/100 epoch=1/3 loss=0.7\r\n"
		AT("03:00:06", "6.0") "train audit of=train cases=3\n"
		AT("03:00:06", "6.1") "train audit done left_out=1\n"
		AT("03:00:07", "7.0") "train other thing=1\n"
		AT("03:00:08", "8.0") "somebody outcome slide_auc=1\n"
		AT("03:00:09", "9.0") "train outcome slide_auc=0.9 interval=0.8..0.95\n"
		"t=9.5 train outcome slide_auc=0.1\n"
		"\n"
		AT("03:00:10", "0.1") "inference outcome cases=4 scored=3\n"
		"time=yesterday train verdict text=\"It \\\"learned\\\"\"");

	check_facts(s, "train", "step", "5: n=10/100 epoch=1/3 loss=0.7");
	check_facts(s, "train", "audit", "6: of=train cases=3; 6.1 done: left_out=1");
	check_facts(s, "train", "outcome", "9: slide_auc=0.9 interval=0.8..0.95");
	check_facts(s, "inference", "outcome", "0.1: cases=4 scored=3");
	check_facts(s, "train", "verdict", "nan: text=It \"learned\"");
	check_facts(s, "train", "epoch", "");
	g_assert_cmpuint(story_other_lines(s), ==, 4);
	g_assert_cmpstr(story_others(s)->pdata[0], ==, "Killed");
	g_assert_cmpstr(story_others(s)->pdata[3], ==, "t=9.5 train outcome slide_auc=0.1");
	g_assert_cmpstr(story_heard(s, "inference"), ==, "2019-02-21T03:00:10Z");
	g_assert_null(story_last(s, "train", "epoch"));
	g_assert_cmpstr(fact_text(story_find(s, "train", "audit", "of", "train"), "cases"), ==, "3");
	g_assert_null(story_find(s, "train", "audit", "of", "test"));
	check_page(s);
}

static void test_values(void)
{
	g_autoptr(story_t) s = tell(AT("03:00:05", "5.0") "train outcome a=3/20 b=12% c=-1.5e-3x d=nan e= f=0..1 g=0.5..1..20 h=1..x i=1h12m\n");
	const struct fact *f = story_last(s, "train", "outcome");
	double v[3] = { 7, 7, 7 };

	g_assert_cmpfloat(fact_number(f, "a"), ==, 3);
	g_assert_cmpfloat(fact_number(f, "b"), ==, 12);
	g_assert_cmpfloat(fact_number(f, "c"), ==, -1.5e-3);
	g_assert_true(isnan(fact_number(f, "d")) && isnan(fact_number(f, "e")) && isnan(fact_number(f, "none")));
	g_assert_true(isnan(fact_number(NULL, "a")));
	g_assert_null(fact_text(NULL, "a"));
	g_assert_true(fact_range(f, "f", v, 2) && v[0] == 0 && v[1] == 1);
	g_assert_true(fact_range(f, "g", v, 3) && v[0] == 0.5 && v[1] == 1 && v[2] == 20);
	v[0] = 7;
	g_assert_false(fact_range(f, "f", v, 3) || fact_range(f, "g", v, 2) || fact_range(f, "h", v, 2) || fact_range(NULL, "f", v, 2));
	g_assert_cmpfloat(v[0], ==, 7);
}

/* The same told twice, in any order of files: the last in time counts, at the place of the first. */
static void test_again(void)
{
	g_autoptr(story_t) s = tell(
		AT("03:00:30", "30.0") "again=9.0 train epoch n=1/4 loss=0.5 saved=best\n"
		AT("03:00:31", "31.0") "train survived kind=case count=2\n"
		AT("03:00:20", "20.0") "train epoch n=2/5 loss=0.4\n"
		AT("03:00:09", "9.0") "train epoch n=1/5 loss=0.5\n"
		AT("03:00:25", "25.0") "train survived kind=case count=1\n"
		AT("03:00:26", "26.0") "train warning kind=case text=\"a\"\n"
		AT("03:00:27", "27.0") "train warning kind=case text=\"b\"\n"
		AT("03:00:28", "28.0") "again=26.0 train warning kind=case text=\"a\"\n"
		AT("03:00:01", "1.0") "train settings a=1 b=2\n"
		AT("03:00:02", "2.0") "train settings b=3 c=4\n"
		AT("03:00:32", "32.0") "train end exit=0 seconds=32\n"
		AT("03:00:32", "32.0") "train end exit=0 cause=\"nothing failed\"\n");

	check_facts(s, "train", "epoch", "9: n=1/4 loss=0.5 saved=best; 20: n=2/5 loss=0.4");
	check_facts(s, "train", "survived", "31: kind=case count=2");
	check_facts(s, "train", "warning", "26: kind=case text=a; 27: kind=case text=b");
	check_facts(s, "train", "settings", "1: a=1 b=3 c=4");
	check_facts(s, "train", "end", "32: seconds=32 exit=0 cause=nothing failed");
}

/* Where names are hidden, cases are still each its own. */
static void test_hidden(void)
{
	g_autoptr(story_t) s = tell(
		AT("03:00:09", "9.0") "train held case=(hidden) class=positive p=0.5 size=3\n"
		AT("03:00:09", "9.0") "train held case=(hidden) class=positive p=0.6 size=3\n"
		AT("03:00:10", "10.0") "train held case=(hidden) class=positive p=0.5 size=3 again=9.0\n");

	g_assert_cmpuint(story_facts(s, "train", "held")->len, ==, 2);
	check_page(s);
}

#define FIRST AT("03:00:00", "0.0") "train start version=1\n" AT("03:00:10", "10.0") "train epoch n=1/3 loss=0.5\n" \
	AT("03:00:15", "15.0") "train step n=5/10 epoch=2/3 loss=0.4\n"
#define SECOND AT("03:01:00", "0.0") "train start version=1\n"

static void test_starts(void)
{
	g_autoptr(story_t) resumed = tell(SECOND AT("03:01:01", "1.0") "train resume epoch=2 step=5\n"
					  AT("03:01:09", "9.0") "train epoch n=2/3 loss=0.3\n" FIRST);
	g_autoptr(story_t) anew = tell(FIRST SECOND AT("03:01:09", "9.0") "train epoch n=1/3 loss=0.9\n"
				       AT("03:01:10", "10.0") "again=0.0 train start version=1\n");
	g_autoptr(story_t) cut = tell(AT("03:00:10", "10.0") "train epoch n=1/3 loss=0.5\n" SECOND
				      AT("03:01:01", "1.0") "train resume epoch=2\n");

	check_facts(resumed, "train", "epoch", "10: n=1/3 loss=0.5; 24: n=2/3 loss=0.3");
	check_facts(resumed, "train", "step", "15: n=5/10 epoch=2/3 loss=0.4");
	g_assert_cmpuint(story_starts(resumed, "train"), ==, 2);
	g_assert_cmpuint(story_forgotten(resumed, "train"), ==, 0);
	check_facts(anew, "train", "epoch", "9: n=1/3 loss=0.9");
	check_facts(anew, "train", "step", "");
	g_assert_cmpuint(story_starts(anew, "train"), ==, 1);
	g_assert_cmpuint(story_forgotten(anew, "train"), ==, 1);
	check_facts(cut, "train", "epoch", "10: n=1/3 loss=0.5");
	check_page(resumed);
	check_page(anew);
}

#define LAST(code) AT("03:00:20", "20.0") "train outcome slide_auc=0.9\n" AT("03:00:20", "20.0") "train held case=a p=0.5\n" \
	AT("03:00:21", "21.0") "train end exit=" code "\n"

/* What was said as it was stopped is forgotten when it goes on; not where a later start finds that all is done. Started by train.sh,
   its clock goes on. */
static void test_goes_on(void)
{
	g_autoptr(story_t) on = tell(FIRST LAST("6") SECOND AT("03:01:01", "1.0") "train resume epoch=2 step=5\n"
				     AT("03:01:09", "9.0") "train held case=b p=0.25\n");
	g_autoptr(story_t) done = tell(FIRST LAST("0") SECOND AT("03:01:01", "1.0") "train finished steps=5 epochs=3\n"
				       AT("03:01:02", "2.0") "train end exit=0\n");
	g_autoptr(story_t) by_script = tell(FIRST AT("03:01:00", "70.0") "train start version=1\n"
					    AT("03:01:01", "71.0") "train resume epoch=2 step=5\n"
					    AT("03:01:09", "79.0") "train epoch n=2/3 loss=0.3\n");

	check_facts(on, "train", "outcome", "");
	check_facts(on, "train", "end", "");
	check_facts(on, "train", "held", "30: case=b p=0.25");
	check_facts(on, "train", "epoch", "10: n=1/3 loss=0.5");
	check_facts(done, "train", "outcome", "20: slide_auc=0.9");
	check_facts(done, "train", "end", "21: exit=0");
	check_facts(done, "train", "epoch", "10: n=1/3 loss=0.5");
	g_assert_cmpuint(story_forgotten(done, "train"), ==, 0);
	check_facts(by_script, "train", "epoch", "10: n=1/3 loss=0.5; 79: n=2/3 loss=0.3");
	check_page(on);
	check_page(done);
}

/* Two networks are two curves. */
static void test_members(void)
{
	g_autoptr(story_t) s = tell(
		AT("03:00:10", "10.0") "train epoch n=1/4 member=1/2 loss=0.5 interval=0.5..0.75\n"
		AT("03:00:11", "11.0") "train epoch n=2/4 member=1/2 loss=0.4 interval=0.5..0.75\n"
		AT("03:00:12", "12.0") "train epoch n=3/4 member=2/2 loss=0.9 interval=0.5..0.75\n"
		AT("03:00:13", "13.0") "train epoch n=4/4 member=2/2 loss=0.8 interval=0.5..0.75\n");
	struct curve *loss = curve_over_epochs(s, "epoch", "loss"), *band = curve_range_over_epochs(s, "interval");

	g_assert_true(loss->n == 5 && loss->y[1] == 0.4 && isnan(loss->y[2]) && loss->x[3] == 3);
	g_assert_true(band->n == 5 && isnan(band->y[2]) && band->high[4] == 0.75);
	curve_free(loss);
	curve_free(band);
	check_page(s);
}

static void test_curves(void)
{
	g_autoptr(story_t) s = tell(
		AT("03:00:10", "10.0") "train step n=5/10 epoch=2/3 loss=0.4\n"
		AT("03:00:12", "12.0") "train step n=2/0 epoch=2/3 loss=0.4\n"
		AT("03:00:13", "13.0") "train step n=1/10 epoch=1/3 loss=nan\n"
		AT("03:00:14", "14.0") "train step n=10/10 epoch=1/3 loss=0.6\n"
		AT("03:00:15", "15.0") "train epoch n=2/3 interval=0.5..0.75\n"
		AT("03:00:16", "16.0") "train epoch n=1/3 interval=0.4\n");
	struct curve *loss = curve_over_epochs(s, "step", "loss"), *band = curve_range_over_epochs(s, "interval");
	struct curve *speed = curve_over_time(s, "train", "step", "loss"), *roc = curve_of_points("0,0;0.5,1;x"), *none = curve_of_points(NULL);

	g_assert_cmpuint(loss->n, ==, 3);       /* what is said of the epoch's length serves the line that says none */
	g_assert_true(loss->x[0] == 1 && loss->y[0] == 0.6 && loss->x[2] == 1.5 && loss->y[2] == 0.4);
	g_assert_cmpfloat_with_epsilon(loss->x[1], 1.2, 1e-12);
	g_assert_cmpuint(band->n, ==, 1);
	g_assert_true(band->x[0] == 2 && band->y[0] == 0.5 && band->high[0] == 0.75);
	g_assert_true(speed->n == 3 && speed->x[0] == 10);
	g_assert_true(roc->n == 2 && roc->x[1] == 0.5 && roc->y[1] == 1);
	g_assert_cmpuint(none->n, ==, 0);
	curve_free(loss);
	curve_free(band);
	curve_free(speed);
	curve_free(roc);
	curve_free(none);
}

/* An epoch that is planned anew while it goes on: each step stands where it is in what the epoch came to. */
static void test_replanned(void)
{
	g_autoptr(story_t) s = tell(
		AT("03:00:10", "10.0") "train step n=10/20 epoch=1/2 loss=0.9\n"
		AT("03:00:12", "12.0") "train step n=20/40 epoch=1/2 loss=0.8\n"
		AT("03:00:13", "13.0") "train epoch n=1/2 steps=40 loss=0.7\n"
		AT("03:00:14", "14.0") "train step n=5/10 epoch=2/2 loss=0.6\n"
		AT("03:00:15", "15.0") "train step n=10/50 epoch=2/2 loss=0.5\n");
	struct curve *loss = curve_over_epochs(s, "step", "loss");
	const double x[] = { 0.25, 0.5, 1.1, 1.2 };

	g_assert_cmpuint(loss->n, ==, 4);
	for (gsize i = 0; i < G_N_ELEMENTS(x); i++)
		g_assert_cmpfloat_with_epsilon(loss->x[i], x[i], 1e-12);
	curve_free(loss);
}

/* Of very many points, few; the last is among them. */
static void test_many_points(void)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (int i = 0; i < 10001; i++)
		g_string_append_printf(text, "%s%d,1", i > 0 ? ";" : "", i);
	struct curve *c = curve_of_points(text->str);
	g_assert_cmpuint(c->n, <=, CURVE_POINTS);
	g_assert_cmpuint(c->n, >, CURVE_POINTS / 2);
	g_assert_cmpfloat(c->x[c->n - 1], ==, 10000);
	curve_free(c);
}

/* ---- hostile and cut logs ---- */

static void test_hostile(void)
{
	const char *evil = "</title></style><script>alert(1)</script>&lt;\\\"' onload=x \xe2\x80\xae\xe2\x80\xa8\x01\x7f\xff\xc2\x85\xc2\x85.";
	g_autoptr(GString) log = g_string_new(NULL);
	static const char *const lines[] = {
		"start version=%s settings=%s", "settings %s=%s a=%s", "epoch n=1/2 loss=0.5 slide_auc=0.5 interval=%s saved=%s", "held case=%s class=%s p=0.5 size=%s",
		"held case=b class=%s p=0.1 size=12", "outcome slide_auc=0.9 interval=%s cases=%s", "verdict text=%s", "worst cases=%s,%s",
		"confusion at=0.5 tp=%s fn=%s", "spent total=10 %s=3 waiting=2", "warning kind=%s text=%s count=%s", "try n=%s key=%s value=%s why=%s",
		"end exit=1 cause=%s warnings=%s", "survived kind=%s count=%s first=%s", "limit text=%s", "roc points=0,0;%s", "size of=%s cases=%s",
		"forecast slide_auc=%s interval=%s text=%s", "library stream=%s text=%s", "left_out case=%s why=%s", "%s", "machine %s gpu=%s",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_auto(GStrv) parts = g_strsplit(lines[i], "%s", -1);
		g_autofree char *value = g_strdup_printf("\"%s\"", evil), *line = g_strjoinv(value, parts);

		g_string_append_printf(log, AT("03:00:00", "1.0") "%s %s\n", i % 2 ? "train" : "inference", line);
		g_string_append_printf(log, AT("03:00:00", "1.0") "train %s\n%s\n", line, line);
	}
	g_autoptr(story_t) s = tell(log->str);
	check_page(s);
	g_assert_nonnull(strstr(fact_text(story_last(s, "train", "verdict"), "text"), "alert(1)</script>&lt;\"' onload=x    \xef\xbf\xbd "));
}

/* Whatever was lost at the front, what is told at the end is there, and nothing that was not told. */
static void test_cut(void)
{
	const char *log =
		AT("03:00:00", "0.0") "train start version=1 build=abc settings=data.yaml\n"
		AT("03:00:09", "9.0") "train epoch n=1/2 steps=10 loss=0.5 rate=0.001 slide_auc=0.7 interval=0.5..0.9 saved=best\n"
		"some library says \"what\n"
		AT("03:00:19", "19.0") "train epoch n=2/2 steps=20 loss=0.4 rate=0.001 slide_auc=0.8 interval=0.6..0.9 saved=best\n"
		AT("03:00:20", "20.0") "train warning kind=case text=\"case 'a=b': \\\"odd\\\"\"\n";
	const char *end =
		AT("03:00:30", "30.0") "again=9.0 train epoch n=1/2 steps=10 loss=0.5 rate=0.001 slide_auc=0.7 interval=0.5..0.9\n"
		AT("03:00:30", "30.0") "again=19.0 train epoch n=2/2 steps=20 loss=0.4 rate=0.001 slide_auc=0.8 interval=0.6..0.9 saved=best\n"
		AT("03:00:30", "30.0") "train outcome saved_epoch=2 slide_auc=0.8 interval=0.6..0.9\n"
		AT("03:00:30", "30.0") "train end exit=0 seconds=30.0 warnings=1\n";
	g_autofree char *whole = g_strconcat(log, end, NULL);

	for (gsize cut = 0; cut <= strlen(whole); cut++) {
		g_autoptr(story_t) s = tell(whole + cut), head = story_new();
		g_autofree char *copy = g_memdup2(whole, cut + 1);      /* of its exact size */

		story_take(head, copy, cut);
		story_end(head);
		if (cut <= strlen(log)) {
			g_assert_cmpuint(story_facts(s, "train", "epoch")->len, ==, 2);
			g_assert_cmpstr(fact_text(story_find(s, "train", "epoch", "n", "1/2"), "slide_auc"), ==, "0.7");
			g_assert_cmpstr(fact_text(story_last(s, "train", "outcome"), "slide_auc"), ==, "0.8");
			g_assert_cmpfloat(fact_number(story_last(s, "train", "end"), "exit"), ==, 0);
		}
		g_assert_cmpuint(story_other_lines(s), <=, 2);
		if (cut % 7 == 0) {
			check_page(s);
			check_page(head);
		}
	}
}

static void test_limits(void)
{
	g_autoptr(story_t) s = story_new();
	g_autoptr(GString) text = g_string_new(AT("03:00:00", "1.0") "train verdict text=\"");

	for (int i = 0; i < 300000; i++)
		g_string_append(text, "0123456789");
	g_string_append(text, "\"\n" AT("03:00:01", "2.0") "train limits a=1\n");
	for (int i = 0; i < 1000; i++)
		g_string_append_printf(text, "line %d\n", i);
	g_string_append(text, AT("03:00:02", "3.0") "train settings");
	for (int i = 0; i < 5000; i++)
		g_string_append_printf(text, " key%d=%d", i, i);
	story_take(s, text->str, text->len);
	story_end(s);
	g_assert_cmpuint(strlen(fact_text(story_last(s, "train", "verdict"), "text")), <=, STORY_LINE_BYTES);
	g_assert_nonnull(story_last(s, "train", "limits"));
	g_assert_cmpuint(story_last(s, "train", "settings")->n_pairs, <=, 256);
	g_assert_cmpuint(story_other_lines(s), ==, 1000);
	g_assert_cmpuint(story_others(s)->len, ==, STORY_OTHERS);
	g_assert_cmpstr(story_others(s)->pdata[STORY_OTHERS / 3 - 1], ==, "line 19");
	g_assert_cmpstr(story_others(s)->pdata[STORY_OTHERS - 1], ==, "line 999");
	check_page(s);
}

static void test_files(void)
{
	g_autofree char *folder = g_dir_make_tmp("story-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "train.out", NULL);
	g_autofree char *absent = g_strconcat(path, ": No such file or directory", NULL);
	g_autofree char *is_folder = g_strconcat(folder, ": Is a directory", NULL);
	g_autofree char *too_long = g_strconcat(path, ": more than 64 MB of log: give its end, `tail -c 63M`", NULL);
	g_autoptr(story_t) s = story_new();
	g_autoptr(GError) error = NULL;

	g_assert_false(story_read(s, path, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, absent);
	g_clear_error(&error);
	g_assert_false(story_read(s, folder, &error));
	g_assert_cmpstr(error->message, ==, is_folder);
	g_clear_error(&error);
	g_assert_true(g_file_set_contents(path, FIRST, -1, NULL));
	g_assert_true(story_read(s, path, &error));
	g_assert_no_error(error);
	g_assert_true(g_file_set_contents(path, "", 0, NULL));
	g_assert_true(story_read(s, path, NULL));
	g_assert_cmpint(truncate(path, STORY_BYTES), ==, 0);
	g_assert_false(story_read(s, path, &error));
	g_assert_cmpstr(error->message, ==, too_long);
	story_end(s);
	check_facts(s, "train", "epoch", "10: n=1/3 loss=0.5");
	g_unlink(path);
	g_rmdir(folder);
}

static void test_nothing(void)
{
	g_autoptr(story_t) s = tell("");

	g_assert_null(story_heard(s, "train"));
	g_assert_cmpuint(story_starts(s, "inference"), ==, 0);
	check_page(s);
	story_free(NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/story/facts", test_facts);
	g_test_add_func("/story/values", test_values);
	g_test_add_func("/story/again", test_again);
	g_test_add_func("/story/hidden", test_hidden);
	g_test_add_func("/story/starts", test_starts);
	g_test_add_func("/story/goes-on", test_goes_on);
	g_test_add_func("/story/members", test_members);
	g_test_add_func("/story/curves", test_curves);
	g_test_add_func("/story/replanned", test_replanned);
	g_test_add_func("/story/many-points", test_many_points);
	g_test_add_func("/story/hostile", test_hostile);
	g_test_add_func("/story/cut", test_cut);
	g_test_add_func("/story/limits", test_limits);
	g_test_add_func("/story/files", test_files);
	g_test_add_func("/story/nothing", test_nothing);
	return g_test_run();
}
