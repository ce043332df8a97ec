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
	for (guint way = 0; way < 4; way++) {
		struct scores s;
		struct table all;
		g_clear_error(&error);
		scores_init(&s);
		s.header = way % 2 == 1;
		s.n_answers = 1 + way / 2;      /* also against itself */
		s.answers[0] = s.answers[1] = answer;
		g_assert_true(take_specificities(&s, "0.9,1", &error));
		if (run(&s, truth, &error)) {
			table_init(&all, &s, 0, NO_LESION);
			double auc = metrics_auc(all.score[0], all.label, all.n);
			g_assert_true(auc >= 0 && auc <= 1);
			g_free(draw(&s, &all));
			table_clear(&all);
		} else {
			g_assert_error(error, FAULT, FAULT_DATA);
		}
		scores_clear(&s);
	}
	close(answers);
	close(truths);
	return 0;
}
