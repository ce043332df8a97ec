/*
 * test-answer-check.c - what is wrong with an answer file, and what is doubtful: every message, with its line. The
 * cases are S01 to S20; the direction is that of a task whose answer rises or falls with its feature.
 */
#include "common/answer/answer_check.h"
#include "common/answer/answer_file.h"
#include "common/fault/fault.h"
#include <glib/gstdio.h>

enum { N = 20 };

static const char *ids[N] = { "S01", "S02", "S03", "S04", "S05", "S06", "S07", "S08", "S09", "S10",
			      "S11", "S12", "S13", "S14", "S15", "S16", "S17", "S18", "S19", "S20" };

struct result {
	GPtrArray *wrong, *doubts;
	double values[2 * N];
	gboolean ok;
	GError *error;
};

static void result_clear(struct result *r)
{
	g_ptr_array_unref(r->wrong);
	g_ptr_array_unref(r->doubts);
	g_clear_error(&r->error);
}

static const struct answer_column columns[] = { { "probability", 0, 1, 0.5, -1 }, { "longest_axis_um", 0, 1e6, 0, 1 } };
static guint n_columns = 1;

/* The first n cases against a text. */
static struct result read_text(const char *text, gsize n, gboolean header)
{
	g_autofree char *folder = g_dir_make_tmp("blindrun-answer-XXXXXX", NULL), *before = g_get_current_dir();
	const struct answer_form form = { .ids = ids, .n = n, .columns = columns, .n_columns = n_columns, .where = "the test folder",
					  .header = header, .how = "set answer.header=true" };
	struct result r = { .wrong = g_ptr_array_new_with_free_func(g_free), .doubts = g_ptr_array_new_with_free_func(g_free) };

	g_assert_cmpint(g_chdir(folder), ==, 0);
	g_assert_true(g_file_set_contents("a.csv", text, -1, NULL));
	r.ok = answer_file_read("a.csv", &form, r.values, r.wrong, r.doubts, &r.error);
	g_unlink("a.csv");
	g_assert_cmpint(g_chdir(before), ==, 0);
	g_rmdir(folder);
	return r;
}

static void assert_lines(const GPtrArray *got, const char *const *wanted)
{
	for (guint i = 0; i < got->len && wanted[i] != NULL; i++)
		g_assert_cmpstr(got->pdata[i], ==, wanted[i]);
	g_assert_cmpuint(got->len, ==, g_strv_length((char **)wanted));
}

#define LINES(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(,) NULL })

static void assert_text(const char *text, gsize n, gboolean header, const char *const *wrong, const char *const *doubts)
{
	struct result r = read_text(text, n, header);

	g_assert_no_error(r.error);
	g_assert_true(r.ok);
	assert_lines(r.wrong, wrong);
	assert_lines(r.doubts, doubts);
	result_clear(&r);
}

static void test_good(void)
{
	struct result r = read_text("S02,0.25\nS01,1\n\"S03\",0\n", 3, FALSE);

	g_assert_true(r.ok);
	g_assert_cmpuint(r.wrong->len + r.doubts->len, ==, 0);
	g_assert_cmpfloat(r.values[0], ==, 1);
	g_assert_cmpfloat(r.values[1], ==, 0.25);
	g_assert_cmpfloat(r.values[2], ==, 0);
	result_clear(&r);
	assert_text("case,probability\nS01,0.5\n", 1, TRUE, LINES(), LINES());
}

static void test_cases(void)
{
	assert_text("S01,0.5\nS03,0.1\nS01,0.4\n", 3, FALSE,
		    LINES("a.csv:3: slide 'S01' a second time, after line 1", "a.csv: slide 'S02' is missing"), LINES());
	assert_text("S1,0.5\nS02,0.1\n", 2, FALSE,
		    LINES("a.csv:1: slide 'S1' is not in the test folder; did you mean 'S01'?", "a.csv: slide 'S01' is missing"),
		    LINES());
	/* two that are as near: neither is offered */
	assert_text("S3,0.5\n", 2, FALSE, LINES("a.csv:1: slide 'S3' is not in the test folder", "a.csv: slide 'S01' is missing",
						"a.csv: slide 'S02' is missing"), LINES());
	assert_text("S01.mrxs,0.5\nzebra,0.5\n", 1, FALSE,
		    LINES("a.csv:1: slide 'S01.mrxs' is not in the test folder: a name goes without its ending",
			  "a.csv:2: slide 'zebra' is not in the test folder", "a.csv: slide 'S01' is missing"), LINES());
	assert_text("", 1, FALSE, LINES("a.csv: slide 'S01' is missing"), LINES());
}

static void test_numbers(void)
{
	struct result r = read_text("S01,nan\nS02,-inf\nS03,1.5\nS04,-0.1\nS05,half\nS06,0x1\nS07,0.5\n", 7, FALSE);
	const char *const wrong[] = { "a.csv:1: slide 'S01': nan is not finite", "a.csv:2: slide 'S02': -inf is not finite",
				      "a.csv:3: slide 'S03': 1.5 is not within 0 to 1",
				      "a.csv:4: slide 'S04': -0.1 is not within 0 to 1",
				      "a.csv:5: slide 'S05': 'half' is not a number",
				      "a.csv:6: slide 'S06': '0x1' is not a number", NULL };

	assert_lines(r.wrong, wrong);
	for (int i = 0; i < 6; i++)
		g_assert_true(isnan(r.values[i]));
	g_assert_cmpfloat(r.values[6], ==, 0.5);
	result_clear(&r);
}

static void test_form(void)
{
	assert_text("S01;0.5\nS02\t0.5\nS03,0,5\n", 3, FALSE,
		    LINES("a.csv:1: 1 field where `slide,probability` is wanted: a comma separates, not a semicolon",
			  "a.csv:2: 1 field where `slide,probability` is wanted: a comma separates, not a tab",
			  "a.csv:3: 3 fields where `slide,probability` is wanted: a number has a point, not a comma",
			  "a.csv: slide 'S01' is missing", "a.csv: slide 'S02' is missing", "a.csv: slide 'S03' is missing"),
		    LINES());
	assert_text("slide,answer\nS01,0.5\n", 1, FALSE,
		    LINES("a.csv:1: slide 'slide' is not in the test folder",
			  "a.csv:1: slide 'slide': 'answer' is not a number (if this line is a header, set answer.header=true)"),
		    LINES());
	assert_text("S01,0.5\nS02,0.4\n", 2, TRUE, LINES("a.csv:1: slide 'S01' where a header is wanted", "a.csv: slide 'S01' is missing"),
		    LINES());
	assert_text("\xef\xbb\xbfS01,0.5\r\n\r\nS02, 0.4\r\n", 2, FALSE,
		    LINES("a.csv:1: a byte-order mark: save it as plain UTF-8, else the first name is read with it",
			  "a.csv:3: a blank beside the comma or at an end: names are read with it"),
		    LINES("a.csv:2: an empty line", "a.csv:1: lines end in CR LF: LF alone is safe"));
	struct result r = read_text("S01,0.5\nS\"02,0.4\n", 2, FALSE);
	g_assert_false(r.ok);
	g_assert_error(r.error, FAULT, FAULT_DATA);
	g_assert_true(g_str_has_prefix(r.error->message, "a.csv:2: a quote within a field"));
	result_clear(&r);
}

static void test_two_columns(void)
{
	n_columns = 2;
	struct result r = read_text("case,probability,longest_axis_um\nS02,0.25,0\nS01,1,1234.5\n", 2, TRUE);
	g_assert_true(r.ok);
	g_assert_cmpuint(r.wrong->len + r.doubts->len, ==, 0);
	g_assert_true(r.values[0] >= 1 && r.values[1] == 1234.5 && r.values[2] == 0.25 && r.values[3] == 0);
	result_clear(&r);
	assert_text("S01,0.5\nS02,0.5,-1\nS03,2,3\nS04,0.5,x\nS05,0.5,nan\n", 5, FALSE,
		    LINES("a.csv:1: 2 fields where `slide,probability,longest_axis_um` is wanted",
			  "a.csv:2: slide 'S02': longest_axis_um: -1 is not within 0 to 1e+06",
			  "a.csv:3: slide 'S03': probability: 2 is not within 0 to 1",
			  "a.csv:4: slide 'S04': longest_axis_um: 'x' is not a number",
			  "a.csv:5: slide 'S05': longest_axis_um: nan is not finite", "a.csv: slide 'S01' is missing"), LINES());
	assert_text("S01,0,5,7,5\n", 1, FALSE, LINES("a.csv:1: 5 fields where `slide,probability,longest_axis_um` is wanted: a number has a "
						     "point, not a comma", "a.csv: slide 'S01' is missing"), LINES());
	assert_text("S01,0.5,1\nS02,0.5,1\n", 2, TRUE, LINES("a.csv:1: slide 'S01' where a header is wanted",
							    "a.csv: slide 'S01' is missing"), LINES());
	n_columns = 1;
}

static void assert_columns(const char *list, guint wanted, const char *message)
{
	g_auto(GStrv) names = g_strsplit(list, ",", -1);
	struct answer_column got[ANSWER_COLUMNS_MAX];
	g_autoptr(GError) error = NULL;
	guint n = 0;

	g_assert_true(answer_columns_take(names, "answer.columns", got, &n, &error) == (message == NULL));
	g_assert_cmpuint(n, ==, wanted);
	if (message != NULL) {
		g_assert_error(error, FAULT, FAULT_USAGE);
		g_assert_cmpstr(error->message, ==, message);
	}
	for (guint i = 0; i < n; i++)
		g_assert_cmpstr(got[i].name, ==, names[i]);
}

static void test_columns(void)
{
	assert_columns("probability", 1, NULL);
	assert_columns("probability,longest_axis_um", 2, NULL);
	assert_columns("", 0, "answer.columns: expected probability first: it is what cases are ranked by");
	assert_columns("longest_axis_um,probability", 0, "answer.columns: expected probability first: it is what cases are ranked by");
	assert_columns("probability,axis", 0, "answer.columns: 'axis' is unknown; there are probability, longest_axis_um");
	assert_columns("probability,longest_axis_um,probability", 0, "answer.columns: probability stands twice");
}

static void assert_doubts(const double *values, gsize n, const char *const *wanted)
{
	g_autoptr(GPtrArray) doubts = g_ptr_array_new_with_free_func(g_free);

	answer_doubt_values(values, n, doubts);
	assert_lines(doubts, wanted);
}

static void test_values(void)
{
	double v[N];

	for (int i = 0; i < N; i++)
		v[i] = 0.03 * i + 0.1;
	assert_doubts(v, N, LINES());
	v[1] = v[0];                            /* two of twenty are a tenth, not more */
	assert_doubts(v, N, LINES());
	v[2] = v[0];
	assert_doubts(v, N, LINES("3 of 20 answers share the lowest value, 0.1: their order is lost"));
	for (int i = 12; i < N; i++)
		v[i] = 1;
	assert_doubts(v, N, LINES("3 of 20 answers share the lowest value, 0.1: their order is lost",
				  "8 of 20 answers share the highest value, 1: their order is lost"));
	for (int i = 0; i < N; i++)
		v[i] = 0.5;
	assert_doubts(v, N, LINES("all 20 answers are 0.5: they tell no case from another"));
	assert_doubts(v, 1, LINES());
	assert_doubts(v, 0, LINES());
	v[0] = NAN;
	assert_doubts(v, 2, LINES());
	v[3] = 0.25;                            /* of four, one at each end is no tie */
	assert_doubts(v + 2, 2, LINES());
}

/* ---- direction ---- */

static double slope;

static void answer(JsonObject *facts, const double *features, double *out)
{
	(void)facts;
	out[0] = 0.5 + slope * features[0];
}

static gboolean check_nothing(const struct work *w, const char *path, GPtrArray *wrong, GPtrArray *doubts, GError **error)
{
	(void)w;
	(void)error;
	g_ptr_array_add(wrong, g_strdup_printf("%s:1: no good", path));
	g_ptr_array_add(wrong, g_strdup("more"));
	g_ptr_array_add(doubts, g_strdup("perhaps"));
	return TRUE;
}

static const struct task fake_task = { .n_features = 2, .answer = answer, .check = check_nothing,
				       .metric = "slide_auc" };

static void test_direction(void)
{
	static const struct { double slope, metric; gboolean turned; } rows[] = {
		{ 0.1, 0.9, FALSE }, { 0.1, 0.5, FALSE }, { 0.1, 0.49, TRUE }, { -0.1, 0.9, TRUE }, { -0.1, 0.3, FALSE },
		{ 0, 0.3, FALSE }, { 0.1, NAN, FALSE }, { 0.1, -1, FALSE },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		slope = rows[i].slope;
		g_autofree char *text = answer_check_direction(&fake_task, NULL, rows[i].metric);
		g_assert_cmpint(text != NULL, ==, rows[i].turned);
	}
	slope = 1;
	g_autofree char *text = answer_check_direction(&fake_task, NULL, 0.25);
	g_assert_true(g_str_has_prefix(text, "the order may be turned round: answers rise with the score, whose slide_auc on "
				       "held-out cases was 0.250; "));
}

static void test_check_file(void)
{
	g_autoptr(GPtrArray) doubts = g_ptr_array_new_with_free_func(g_free);
	const struct work w = { .task = &fake_task };
	g_autoptr(GError) error = NULL;

	g_assert_false(answer_check_file(&w, "a.csv", doubts, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, "2 things are wrong, the first: a.csv:1: no good");
	g_assert_cmpuint(doubts->len, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/answer-check/good", test_good);
	g_test_add_func("/answer-check/cases", test_cases);
	g_test_add_func("/answer-check/numbers", test_numbers);
	g_test_add_func("/answer-check/form", test_form);
	g_test_add_func("/answer-check/two-columns", test_two_columns);
	g_test_add_func("/answer-check/columns", test_columns);
	g_test_add_func("/answer-check/values", test_values);
	g_test_add_func("/answer-check/direction", test_direction);
	g_test_add_func("/answer-check/check-file", test_check_file);
	return g_test_run();
}
