/*
 * test-discreet.c - discreet.h: what of a line shows where folders and names are hidden, and what must not change.
 */
#include "common/log/discreet.h"

static void check(const struct discreet *d, const char *line, const char *wanted)
{
	g_autofree char *shown = discreet_line(d, line);

	g_assert_cmpstr(shown, ==, wanted);
}

static void test_folders(void)
{
	struct discreet *d = discreet_new();

	check(d, "cannot read /data/train/image/a.mrxs", "cannot read /data/train/image/a.mrxs");
	discreet_folder(d, "/data/train//");
	discreet_folder(d, "d/test");
	discreet_folder(d, "/");        /* the root hides nothing */
	discreet_folder(d, "");
	check(d, "cannot read /data/train/image/negative/a.mrxs: gone", "cannot read a.mrxs: gone");
	check(d, "'/data/train/a/b.dat' and \"/data/train/c.png\", d/test/x.mrxs;", "'b.dat' and \"c.png\", x.mrxs;");
	check(d, "text=\"slide '/data/train/a.mrxs': bad\"", "text=\"slide 'a.mrxs': bad\"");
	check(d, "/data/train/a /data/train/b", "a b");
	check(d, "paths.train=/data/train paths.test=d/test", "paths.train=/data/train paths.test=d/test");
	/* other folders: one whose name begins so, one that ends so, one far above */
	check(d, "/data/training/a.mrxs /data/train2/a.mrxs", "/data/training/a.mrxs /data/train2/a.mrxs");
	check(d, "/mnt/data/train/a.mrxs good/test/a.mrxs", "/mnt/data/train/a.mrxs good/test/a.mrxs");
	check(d, "", "");
	discreet_free(d);
	discreet_free(NULL);
}

static void test_names(void)
{
	struct discreet *d = discreet_new();

	discreet_name(d, "Slide012");
	discreet_name(d, "a-b_c");
	discreet_name(d, "Ärzte 7");
	discreet_name(d, "조직01");
	discreet_name(d, "O'Brien");
	check(d, "Slide012", "(hidden)");
	check(d, "slide 'Slide012': Slide012.mrxs (Slide012)", "slide '(hidden)': (hidden).mrxs ((hidden))");
	check(d, "'Slide012.mrxs' or 'Slide012.tar'", "'(hidden)' or '(hidden)'");
	check(d, "left_out case=Slide012 why=\"no Slide012\"", "left_out case=(hidden) why=\"no (hidden)\"");
	check(d, "worst cases=Slide012(positive):0.03,a-b_c(negative):0.9", "worst cases=(hidden)(positive):0.03,(hidden)(negative):0.9");
	check(d, "Slide0123 xSlide012 Slide012-b Slide01", "Slide0123 xSlide012 Slide012-b Slide01");
	check(d, "slide 'Ärzte 7': case=\"Ärzte 7\" n=7", "slide '(hidden)': case=\"(hidden)\" n=7");
	check(d, "조직01, 조직012, x조직01 '조직01'", "(hidden), 조직012, x조직01 '(hidden)'");
	check(d, "slide 'O'Brien': and 'O' and 'Brien'", "slide '(hidden)': and 'O' and 'Brien'");
	check(d, "an open quote 'Slide01", "an open quote 'Slide01");
	discreet_free(d);
}

/* A name that is only digits may stand anywhere as a number. */
static void test_numbers(void)
{
	struct discreet *d = discreet_new();

	discreet_name(d, "12");
	discreet_name(d, "0.5");
	check(d, "time=2019-02-12T12:12:12Z t=12.0 train step n=12/120 loss=0.5 cases=12",
	      "time=2019-02-12T12:12:12Z t=12.0 train step n=12/120 loss=0.5 cases=12");
	check(d, "slide '12': 12 of 12 samples", "slide '(hidden)': 12 of 12 samples");
	check(d, "look of=train case=12 read=12/12", "look of=train case=(hidden) read=12/12");
	check(d, "case slide=12 tiles=12", "case slide=(hidden) tiles=12");
	check(d, "12.mrxs is no slide; 12.5 12. and 112.mrxs", "(hidden).mrxs is no slide; 12.5 12. and 112.mrxs");
	check(d, "case=0.5 p=0.5", "case=0.5 p=0.5");   /* behind a blank alone is a key */
	check(d, "held case=0.5 p=0.5", "held case=(hidden) p=0.5");
	discreet_free(d);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/discreet/folders", test_folders);
	g_test_add_func("/discreet/names", test_names);
	g_test_add_func("/discreet/numbers", test_numbers);
	return g_test_run();
}
