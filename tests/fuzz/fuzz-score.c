/*
 * fuzz-score.c - any bytes as an answer file and its truth, up to the first NUL and behind it: what the
 * program of that name does with them, to its report, and an AUC that is within 0 to 1.
 */
int score_main(int argc, char **argv);
#define main score_main
#include "tools/score.c"
#undef main
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drop(const char *text)
{
	(void)text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	size_t first = nul != NULL ? (size_t)(nul - data) : size, behind = MIN(first + 1, size);
	g_autofree char *answer = NULL, *truth = NULL;
	g_autoptr(GError) error = NULL;

	g_set_print_handler(drop);
	g_set_printerr_handler(drop);
	int answers = memory_file(data, first, &answer);
	int truths = memory_file(data + behind, size - behind, &truth);
	for (int header = 0; header < 2; header++) {
		struct scores s = { .slides = g_hash_table_new(g_str_hash, g_str_equal),
				    .order = g_ptr_array_new_with_free_func(slide_free),
				    .faults = g_ptr_array_new_with_free_func(g_free),
				    .header = header, .answer = answer };
		struct table all;
		g_clear_error(&error);
		if (run(&s, truth, FALSE, &error)) {
			table_init(&all, &s, 0, NO_LESION);
			double auc = metrics_auc(all.score, all.label, all.n);
			g_assert_true(auc >= 0 && auc <= 1);
			table_clear(&all);
		} else {
			g_assert_error(error, FAULT, FAULT_DATA);
		}
		g_hash_table_unref(s.slides);
		g_ptr_array_unref(s.order);
		g_ptr_array_unref(s.faults);
	}
	close(answers);
	close(truths);
	return 0;
}
