/*
 * test-chart.c - scale.h and chart.h: which ticks are written for which values, and where what is drawn lies.
 */
#include "common/plot/chart.h"
#include "common/plot/scale.h"
#include "tests/page/markup.h"
#include <math.h>

/* ---- scales ---- */

static void check_ticks(double least, double most, guint about, enum scale_flags flags, const char *ticks)
{
	struct scale s;
	g_autoptr(GString) text = g_string_new(NULL);

	scale_init(&s, least, most, about, flags);
	g_assert_cmpuint(s.n, >=, 1);
	g_assert_cmpfloat(s.low, <, s.high);
	for (guint i = 0; i < s.n; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? " " : "", s.text[i]);
	g_assert_cmpstr(text->str, ==, ticks);
}

static void test_ticks(void)
{
	check_ticks(0, 1, 5, 0, "0.0 0.2 0.4 0.6 0.8 1.0");
	check_ticks(0.512, 0.987, 5, 0, "0.5 0.6 0.7 0.8 0.9 1.0");
	check_ticks(0.512, 0.987, 5, SCALE_ENDS, "0.6 0.7 0.8 0.9");
	check_ticks(1, 12, 5, SCALE_ENDS | SCALE_WHOLE, "5 10");
	check_ticks(1, 2, 5, SCALE_ENDS | SCALE_WHOLE, "1 2");
	check_ticks(1.2, 1.4, 5, SCALE_ENDS | SCALE_WHOLE, "1.2");
	check_ticks(-3, 4, 4, 0, "-4 -2 0 2 4");
	check_ticks(0, 43000, 4, 0, "0 20k 40k 60k");
	check_ticks(0, 2.5e6, 4, 0, "0 1M 2M 3M");
	check_ticks(0, 1e-5, 4, 0, "0 5e-6 1e-5");
	check_ticks(0, 0.00093, 4, 0, "0.0000 0.0005 0.0010");
	check_ticks(7, 7, 4, 0, "6.0 6.5 7.0 7.5 8.0");
	check_ticks(0, 0, 4, 0, "0.0 0.5 1.0");
	check_ticks(NAN, 3, 4, 0, "0.0 0.5 1.0");
	check_ticks(INFINITY, -INFINITY, 4, 0, "0.0 0.5 1.0");
	check_ticks(2, 1, 2, 0, "1.0 1.5 2.0");
}

static void test_log_ticks(void)
{
	check_ticks(0.3, 7, 5, SCALE_LOG, "0.5 1 2 5");
	check_ticks(2e-6, 0.004, 5, SCALE_LOG, "1e-6 1e-5 0.0001 0.001 0.01");
	check_ticks(1e-9, 1e9, 5, SCALE_LOG | SCALE_ENDS, "1e-9 1e-5 0.1 1000 10M");
	check_ticks(0, 100, 5, SCALE_LOG, "0 20 40 60 80 100");
	check_ticks(3.1, 3.2, 5, SCALE_LOG, "3.1");
}

/* Whatever the ends are, there are ticks in order within them. */
static void test_any_ends(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(5);
	struct scale s;

	for (int i = 0; i < 100000; i++) {
		double least = g_rand_double_range(random, -1, 1) * pow(10, g_rand_int_range(random, -320, 309));
		double most = g_rand_boolean(random) ? least * (1 + 1e-12 * g_rand_double(random)) :
			      g_rand_double_range(random, -1, 1) * pow(10, g_rand_int_range(random, -320, 309));

		scale_init(&s, least, most, (guint)g_rand_int_range(random, 0, 20), (enum scale_flags)g_rand_int_range(random, 0, 8));
		g_assert_cmpfloat(s.low, <, s.high);
		g_assert_cmpuint(s.n, >=, 1);
		g_assert_cmpuint(s.n, <=, SCALE_TICKS);
		for (guint k = 0; k < s.n; k++) {
			double place = scale_place(&s, s.tick[k]);

			g_assert_true(place >= 0 && place <= 1);
			g_assert_true(k == 0 || s.tick[k] > s.tick[k - 1]);
		}
	}
}

static void test_place(void)
{
	struct scale s;

	scale_init(&s, 0, 10, 5, 0);
	g_assert_cmpfloat(scale_place(&s, 2.5), ==, 0.25);
	g_assert_cmpfloat(scale_place(&s, -INFINITY), ==, 0);
	g_assert_cmpfloat(scale_place(&s, 11), ==, 1);
	g_assert_true(isnan(scale_place(&s, NAN)));
	scale_init(&s, 0.01, 100, 5, SCALE_LOG | SCALE_ENDS);
	g_assert_cmpfloat_with_epsilon(scale_place(&s, 1), 0.5, 1e-12);
	g_assert_cmpfloat(scale_place(&s, -1), ==, 0);
	g_assert_true(isnan(scale_place(&s, NAN)));
}

/* ---- charts ---- */

static char *draw(const struct chart_series *series, gsize n, const struct chart_axis *x, const struct chart_axis *y)
{
	const struct chart chart = { .id = "c", .title = "A <b>title</b>", .desc = "\"Rises\" & falls.", .width = 240, .height = 162,
				     .x = *x, .y = *y, .series = series, .n_series = n };
	GString *html = g_string_new(NULL);

	chart_append(html, &chart);
	markup_check(html->str);
	return g_string_free(html, FALSE);
}

static void has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		g_error("no '%s' in:\n%s", part, text);
}

static const struct chart_axis unit = { .low = 0, .high = 1 }, titled = { .title = "t", .low = 0, .high = 1 };

static void test_line(void)
{
	const double x[] = { 0, 0.5, NAN, 1, 1 }, y[] = { 0, 1, 0.5, 0.25, 7 };
	struct chart_series s = { .kind = CHART_LINE, .color = CHART_FIRST, .n = 5, .x = x, .y = y };
	g_autofree char *line = draw(&s, 1, &unit, &unit);

	has(line, "<title id=\"c-t\">A &lt;b&gt;title&lt;/b&gt;</title>");
	has(line, "<desc id=\"c-d\">&quot;Rises&quot; &amp; falls.</desc>");
	has(line, "<g class=\"c1\">\n<path class=\"line\" d=\"M31.3 140.0h0L128.6 10.0M225.8 107.5h0L225.8 10.0\"/>");
	s.kind = CHART_STEP;
	s.dashed = TRUE;
	g_autofree char *step = draw(&s, 1, &unit, &unit);
	has(step, "<g class=\"c1 dashed\">\n<path class=\"line\" d=\"M31.3 140.0h0H128.6V10.0M225.8 107.5h0H225.8V10.0\"/>");
}

static void test_band(void)
{
	const double x[] = { 0, 1, NAN, 0, NAN }, low[] = { 0, 0.5, 0, 0, 0 }, high[] = { 0.5, 1, 1, 1, 1 };
	const struct chart_series s = { .kind = CHART_BAND, .n = 5, .x = x, .y = low, .high = high };
	g_autofree char *band = draw(&s, 1, &unit, &unit);

	has(band, "<path class=\"band\" d=\"M31.3 75.0L225.8 10.0L225.8 75.0L31.3 140.0ZM31.3 10.0L31.3 140.0Z\"/>");
}

static void test_bars(void)
{
	static const char *const names[] = { "<one>", "a name that is far too long to stand there", NULL };
	static const char *const texts[] = { "1 h", "half" };
	const double x[] = { 1, 0.5 }, y[] = { 0, 1 };
	const struct chart_series s = { .kind = CHART_BARS, .color = CHART_THIRD, .n = 2, .x = x, .y = y, .texts_opt = texts };
	const struct chart_axis any = { .low = NAN, .high = NAN }, named = { .low = NAN, .high = NAN, .names_opt = names };
	g_autofree char *bars = draw(&s, 1, &any, &named);

	has(bars, "<rect x=\"96.0\" y=\"22.4\" width=\"105.6\" height=\"40.3\" rx=\"2\"/>");
	has(bars, "<rect x=\"96.0\" y=\"87.3\" width=\"52.8\" height=\"40.3\" rx=\"2\"/>");
	has(bars, ">1 h</text>");
	has(bars, ">&lt;one&gt;</text>");
	has(bars, ">a name that…</text>");
}

static void test_points(void)
{
	static const char *const texts[] = { "Slide1: 0.5", "never", "<i>" };
	const double x[] = { 0.5, NAN, INFINITY }, y[] = { 0.5, 0, -INFINITY };
	const struct chart_series s[] = {
		{ .kind = CHART_POINTS, .dashed = TRUE, .n = 3, .x = x, .y = y, .texts_opt = texts },
		{ .kind = CHART_NOTE, .n = 1, .x = x, .y = y, .name_opt = "from here on" },
	};
	g_autofree char *points = draw(s, 2, &unit, &unit);

	has(points, "<circle cx=\"128.6\" cy=\"75.0\" r=\"3.5\"><title>Slide1: 0.5</title></circle>");
	has(points, "<circle cx=\"225.8\" cy=\"140.0\" r=\"3.5\"><title>&lt;i&gt;</title></circle>");
	has(points, "<text class=\"label\" x=\"134.6\" y=\"79.0\">from here on</text>");
	g_assert_null(strstr(points, "never"));
}

/* Lines that end at the same place have labels one below the other. */
static void test_labels(void)
{
	const double x[] = { 0, 1 }, y[] = { 0, 1 }, low[] = { 0, 0 };
	const struct chart_series s[] = {
		{ .kind = CHART_LINE, .color = CHART_FIRST, .name_opt = "one", .n = 2, .x = x, .y = y },
		{ .kind = CHART_LINE, .color = CHART_SECOND, .name_opt = "two", .n = 2, .x = x, .y = y },
		{ .kind = CHART_LINE, .color = CHART_THIRD, .name_opt = "end", .n = 2, .x = x, .y = low },
		{ .kind = CHART_LINE, .color = CHART_THIRD, .name_opt = "all", .n = 2, .x = x, .y = low },
		{ .kind = CHART_LINE, .name_opt = "none", .n = 0, .x = x, .y = low },
	};
	g_autofree char *lines = draw(s, G_N_ELEMENTS(s), &titled, &titled);

	has(lines, "y=\"30.0\">one</text>");
	has(lines, "y=\"44.0\">two</text>");
	has(lines, "y=\"112.0\">end</text>");
	has(lines, "y=\"126.0\">all</text>");
	g_assert_null(strstr(lines, ">none<"));
}

static void test_file(void)
{
	const struct chart chart = { .id = "roc", .title = "ROC", .desc = "Nothing.", .width = 400, .height = 400, .x = titled, .y = titled };
	g_autofree char *file = chart_file(&chart);

	markup_check(file);
	g_assert_true(g_str_has_prefix(file, "<svg "));
	has(file, "xmlns=\"http://www.w3.org/2000/svg\"");
	has(file, "<style>\n:root{");
	has(file, "<text class=\"heading\" x=\"2.0\" y=\"18.0\">ROC</text>");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/scale/ticks", test_ticks);
	g_test_add_func("/scale/log", test_log_ticks);
	g_test_add_func("/scale/any-ends", test_any_ends);
	g_test_add_func("/scale/place", test_place);
	g_test_add_func("/chart/line", test_line);
	g_test_add_func("/chart/band", test_band);
	g_test_add_func("/chart/bars", test_bars);
	g_test_add_func("/chart/points", test_points);
	g_test_add_func("/chart/labels", test_labels);
	g_test_add_func("/chart/file", test_file);
	return g_test_run();
}
