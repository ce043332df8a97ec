/*
 * test-told.c - told.h: lines that take each other's place, rows that thin out, and what is told again from where.
 */
#include "common/log/told.h"

struct heard {
	GString *text;
	gsize end;              /* what a line that was written ends at; 0: nothing can be written */
};

static gsize hear(const char *text, double t, gpointer user)
{
	struct heard *h = user;

	g_string_append_printf(h->text, "%s@%g ", text, t);
	return h->end;
}

#define CHECK(told, since, end, wanted) do { \
	g_autoptr(GString) text = g_string_new(NULL); \
	told_again(told, since, hear, &(struct heard){ text, end }); \
	g_assert_cmpstr(text->str, ==, wanted); \
} while (0)

static void test_lines(void)
{
	struct told *told = told_new();

	CHECK(told, G_MAXSIZE, 1, "");
	told_line(told, "data", "data one", 1, 100);
	told_line(told, "plan", "plan one", 2, 200);
	told_line(told, "data", "data two", 3, 300);
	told_row(told, "epoch", "epoch 1", 4, 400);
	told_row(told, "epoch", "epoch 2", 5, 500);
	CHECK(told, G_MAXSIZE, 1000, "data two@3 plan one@2 epoch 1@4 epoch 2@5 ");
	CHECK(told, 1000, 2000, "");            /* they end at 1000 now */
	CHECK(told, 1001, 0, "data two@3 plan one@2 epoch 1@4 epoch 2@5 ");
	told_line(told, "plan", "plan two", 6, 3000);
	CHECK(told, 0, 4000, "data two@3 epoch 1@4 epoch 2@5 ");        /* those that could not be written */
	told_free(told);
	told_free(NULL);
}

/* Rows 0 to n - 1, as far as they are kept. */
static GArray *kept_of(guint n)
{
	struct told *told = told_new();
	g_autoptr(GString) text = g_string_new(NULL);
	GArray *kept = g_array_new(FALSE, FALSE, sizeof(guint));

	for (guint i = 0; i < n; i++) {
		g_autofree char *row = g_strdup_printf("%u", i);
		told_row(told, "row", row, 0, i + 1);
	}
	told_again(told, G_MAXSIZE, hear, &(struct heard){ text, 1 });
	told_free(told);
	g_auto(GStrv) words = g_strsplit(text->str, "@0 ", -1);
	for (char **word = words; **word != '\0'; word++) {
		guint i = (guint)g_ascii_strtoull(*word, NULL, 10);
		g_array_append_val(kept, i);
	}
	return kept;
}

/* All of up to 64; of 65 every second one; of 100 too, and the last; of 129 every fourth. */
static void test_thin(void)
{
	static const struct { guint n, kept, step; } cases[] = {
		{ 1, 1, 1 }, { 64, 64, 1 }, { 65, 33, 2 }, { 66, 34, 2 }, { 100, 51, 2 }, { 127, 64, 2 }, { 128, 33, 4 }, { 129, 33, 4 },
		{ 216000, 54, 4096 },
	};

	for (gsize c = 0; c < G_N_ELEMENTS(cases); c++) {
		g_autoptr(GArray) kept = kept_of(cases[c].n);
		g_assert_cmpuint(kept->len, ==, cases[c].kept);
		for (guint i = 0; i + 1 < kept->len; i++)
			g_assert_cmpuint(g_array_index(kept, guint, i), ==, i * cases[c].step);
		g_assert_cmpuint(g_array_index(kept, guint, kept->len - 1), ==, cases[c].n - 1);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/told/lines", test_lines);
	g_test_add_func("/told/thin", test_thin);
	return g_test_run();
}
