/*
 * test-plot.c - pictures as text, drawn by hand in both character sets; what is empty, constant, not finite, huge or
 * without room; and, of pictures of all sizes, that no line is wider than asked for.
 */
#include "common/plot/text.h"
#include <float.h>
#include <math.h>

static void assert_text(char *got, const char *expected)
{
	g_assert_cmpstr(got, ==, expected);
	g_free(got);
}

static void assert_picture(GPtrArray *lines, const char *expected)
{
	g_ptr_array_add(lines, NULL);
	assert_text(g_strjoinv("\n", (char **)lines->pdata), expected);
	g_ptr_array_unref(lines);
}

static void test_spark(void)
{
	const double up[] = { 0, 1, 2, 3, 4, 5, 6, 7 }, gaps[] = { NAN, 0, INFINITY, 7, -INFINITY };
	const double pairs[] = { 0, 2, 6, 10 }, five[] = { 0, 0, 7, 7, 7 }, half_gone[] = { NAN, 3, NAN, NAN, 9, NAN };

	assert_text(plot_spark(up, 8, 8, FALSE), "▁▂▃▄▅▆▇█");
	assert_text(plot_spark(up, 8, 100, TRUE), "_.:-=+*#");
	assert_text(plot_spark(gaps, 5, 5, FALSE), " ▁ █");
	assert_text(plot_spark(gaps, 5, 5, TRUE), " _ #");
	assert_text(plot_spark(pairs, 4, 2, TRUE), "_#");
	assert_text(plot_spark(pairs, 4, 1, TRUE), "-");
	assert_text(plot_spark(five, 5, 2, FALSE), "▁█");       /* two, then three */
	assert_text(plot_spark(half_gone, 6, 3, TRUE), "_ #");  /* means of what is there */
}

static void test_spark_edges(void)
{
	const double same[] = { 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1 }, nothing[] = { NAN, INFINITY };
	const double ends[] = { DBL_MAX, DBL_MAX, -DBL_MAX, -DBL_MAX };
	gsize n = 1000000;
	g_autofree double *many = g_new(double, n);

	for (gsize i = 0; i < n; i++)
		many[i] = (double)(i * 8 / n);
	assert_text(plot_spark(many, n, 8, FALSE), "▁▂▃▄▅▆▇█");
	assert_text(plot_spark(same, 7, 7, FALSE), "▄▄▄▄▄▄▄");
	assert_text(plot_spark(same, 7, 2, TRUE), "--");
	assert_text(plot_spark(same, 1, 7, TRUE), "-");
	assert_text(plot_spark(ends, 4, 4, TRUE), "##__");
	assert_text(plot_spark(ends, 4, 2, TRUE), "#_");
	assert_text(plot_spark(nothing, 2, 7, TRUE), "");
	assert_text(plot_spark(NULL, 0, 7, TRUE), "");
	assert_text(plot_spark(same, 7, 0, TRUE), "");
}

static void test_curve(void)
{
	const double y[] = { 1, 2, 3 }, line[] = { 0, 1 };
	struct plot_form f = { .width = 8, .height = 5, .ascii = TRUE };

	assert_picture(plot_curves(&f, &(struct plot_series){ .y = y, .n = 3 }, NULL),
		       "3 |   **\n"
		       "  | **\n"
		       "1 |*\n"
		       "  +-----\n"
		       "   1   3");
	/* Braille: the diagonal of 8 x 8 dots */
	f = (struct plot_form){ .width = 7, .height = 4 };
	assert_picture(plot_curves(&f, &(struct plot_series){ .x_opt = line, .y = line, .n = 2 }, NULL),
		       "1 ┤  ⡠⠊\n"
		       "0 ┤⡠⠊\n"
		       "  └────\n"
		       "   0  1");
}

/* A step up and along, a second one along and up, and the diagonal below both. */
static void test_two_curves(void)
{
	const double low[] = { 0, 0, 1 }, high[] = { 0, 1, 1 };
	const struct plot_series a = { "a", low, high, 3 }, b = { "b", high, low, 3 };
	struct plot_form f = { .width = 8, .height = 8, .ascii = TRUE, .diagonal = TRUE };

	assert_picture(plot_curves(&f, &a, &b),
		       "* a, o b\n"
		       "1 |*****\n"
		       "  |*  .o\n"
		       "  |* . o\n"
		       "  |*.  o\n"
		       "0 |*oooo\n"
		       "  +-----\n"
		       "   0   1");
	f.ascii = FALSE;
	assert_picture(plot_curves(&f, &a, &b),
		       "⠒ a, o b\n"
		       "1 ┤⡏⠉⠉⠉⠉\n"
		       "  │⡇  ·o\n"
		       "  │⡇ · o\n"
		       "  │⡇·  o\n"
		       "0 ┤⡇oooo\n"
		       "  └─────\n"
		       "   0   1");
}

static void test_names(void)
{
	const double y[] = { 0, 1, 0.5 };
	const struct plot_series named = { "train", NULL, y, 3 }, other = { "held out", NULL, y, 3 };
	struct plot_form f = { .width = 12, .height = 5, .ascii = TRUE, .x.name_opt = "epoch", .y.name_opt = "Verlüste" };
	GPtrArray *lines = plot_curves(&f, &named, NULL);

	g_assert_cmpstr(lines->pdata[0], ==, "Verlüste: *");    /* `* train` has no room; no blank in the end */
	g_assert_cmpstr(lines->pdata[4], ==, "   1 epoch 3");
	g_ptr_array_unref(lines);
	f.width = 11;
	f.y.name_opt = NULL;
	lines = plot_curves(&f, &(struct plot_series){ .y = y, .n = 3 }, NULL);
	g_assert_cmpuint(lines->len, ==, 5);                    /* no heading: a row more */
	g_assert_cmpstr(lines->pdata[4], ==, "   1      3");
	g_ptr_array_unref(lines);
	f.width = 40;
	lines = plot_curves(&f, &named, &other);
	g_assert_cmpstr(lines->pdata[0], ==, "* train, o held out");
	g_ptr_array_unref(lines);
	f.y.name_opt = "loss";
	lines = plot_curves(&f, &(struct plot_series){ .y = y, .n = 3 }, &other);
	g_assert_cmpstr(lines->pdata[0], ==, "loss: o held out");
	g_ptr_array_unref(lines);
}

static void test_axes(void)
{
	const double beyond[] = { -5, 0.5, 7 }, small[] = { -0.0, 1.25e-5 }, large[] = { -DBL_MAX, DBL_MAX };
	struct plot_form f = { .width = 8, .height = 5, .ascii = TRUE, .y = { NULL, 0, 1 } };
	GPtrArray *lines;

	assert_picture(plot_curves(&f, &(struct plot_series){ .y = beyond, .n = 3 }, NULL),
		       "1 |   **\n"
		       "  | **\n"
		       "0 |*\n"
		       "  +-----\n"
		       "   1   3");
	f = (struct plot_form){ .width = 16, .height = 4, .ascii = TRUE };
	lines = plot_curves(&f, &(struct plot_series){ .x_opt = large, .y = small, .n = 2 }, NULL);
	g_assert_cmpuint(lines->len, ==, 0);    /* the labels of x have no room */
	g_ptr_array_unref(lines);
	f.width = 28;
	assert_picture(plot_curves(&f, &(struct plot_series){ .x_opt = large, .y = small, .n = 2 }, NULL),
		       "1.25e-05 |         *********\n"
		       "       0 |*********\n"
		       "         +------------------\n"
		       "          -1.8e+308 1.8e+308");
}

static void test_gaps(void)
{
	const double y[] = { 1, NAN, 1, INFINITY, 3 }, x[] = { 0, 1, NAN, 3, 4 }, flat[] = { 2, 2, 2, 2, 2 };
	struct plot_form f = { .width = 8, .height = 5, .ascii = TRUE };

	assert_picture(plot_curves(&f, &(struct plot_series){ .y = y, .n = 5 }, NULL),
		       "3 |    *\n"
		       "  |\n"
		       "1 |* *\n"
		       "  +-----\n"
		       "   1   5");
	assert_picture(plot_curves(&f, &(struct plot_series){ .x_opt = x, .y = flat, .n = 5 }, NULL),
		       "  |\n"
		       "  |\n"
		       "2 |** **\n"
		       "  +-----\n"
		       "   0   4");
}

static void test_curve_edges(void)
{
	const double five = 5, nothing[] = { NAN, INFINITY };
	struct plot_form f = { .width = 5, .height = 4, .ascii = TRUE };
	const struct plot_series one = { .y = &five, .n = 1 }, none = { .y = nothing, .n = 2 };

	assert_picture(plot_curves(&f, &one, NULL), "  |\n5 |*\n  +--\n   1");
	f.ascii = FALSE;
	assert_picture(plot_curves(&f, &one, NULL), "  │\n5 ┤⡀\n  └──\n   1");
	assert_picture(plot_curves(&f, &none, &one), "  │\n5 ┤o\n  └──\n   1");
	assert_picture(plot_curves(&f, &none, NULL), "");
	assert_picture(plot_curves(&f, &(struct plot_series){ 0 }, NULL), "");
	f.x.high = f.y.high = 1;
	assert_picture(plot_curves(&f, &none, &none), "");
}

static void test_many(void)
{
	gsize n = 1000000;
	g_autofree double *t = g_new(double, n);
	struct plot_form f = { .width = 8, .height = 5, .ascii = TRUE };

	for (gsize i = 0; i < n; i++)
		t[i] = (double)i / (double)(n - 1);
	assert_picture(plot_curves(&f, &(struct plot_series){ .x_opt = t, .y = t, .n = n }, NULL),
		       "1 |   **\n"
		       "  | ***\n"
		       "0 |**\n"
		       "  +-----\n"
		       "   0   1");
}

/* Of any size: as high as asked for, or nothing; no wider; no blank in the end; the character set that was wanted. */
static void test_sizes(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(1);
	double y[2][50];

	for (guint i = 0; i < 100; i++)
		y[i / 50][i % 50] = i % 7 == 0 ? NAN : g_rand_double_range(random, -1000, 1000);
	for (guint width = 0; width < 40; width++)
		for (guint height = 0; height < 9; height++) {
			struct plot_form f = { .width = width, .height = height, .ascii = width % 2 == 1,
					       .x.name_opt = "x", .y.name_opt = "y", .diagonal = TRUE };
			g_autoptr(GPtrArray) lines = plot_curves(&f, &(struct plot_series){ "a", NULL, y[0], 50 },
								 &(struct plot_series){ "b", NULL, y[1], 50 });
			g_assert_cmpuint(lines->len, ==, width >= 10 && height >= 5 ? height : 0);
			for (guint i = 0; i < lines->len; i++) {
				const char *line = lines->pdata[i];
				g_assert_true(g_utf8_validate(line, -1, NULL));
				g_assert_cmpint(g_utf8_strlen(line, -1), <=, width);
				g_assert_false(g_str_has_suffix(line, " "));
				g_assert_true(!f.ascii || g_str_is_ascii(line));
			}
		}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/plot/spark", test_spark);
	g_test_add_func("/plot/spark-edges", test_spark_edges);
	g_test_add_func("/plot/curve", test_curve);
	g_test_add_func("/plot/two-curves", test_two_curves);
	g_test_add_func("/plot/names", test_names);
	g_test_add_func("/plot/axes", test_axes);
	g_test_add_func("/plot/gaps", test_gaps);
	g_test_add_func("/plot/curve-edges", test_curve_edges);
	g_test_add_func("/plot/many", test_many);
	g_test_add_func("/plot/sizes", test_sizes);
	return g_test_run();
}
