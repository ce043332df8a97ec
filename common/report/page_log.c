/* page_log.c - the parts that are tables: the data, the answers, warnings, settings, and the lines of others. */
#include "common/report/page_parts.h"

enum { MOST_WARNINGS = 300 };

void part_data(struct page *p)
{
	struct page_box columns = page_open(p, "<div class=\"columns\">\n");
	page_pairs(p, "Training data", "train", "data");
	page_pairs(p, "Stain: optical density, training to test (difference in sd)", "train", "stain");
	page_pairs(p, "Cases that are there twice", "train", "twins");
	page_facts(p, "Left out", "train", "left_out", "case");
	page_close(p, columns, "</div>\n");
	page_facts(p, "Classes: least, quarter, median, three quarters, most", "train", "class", "of");
	page_facts(p, "Ranges: least, median, most", "train", "ranges", "of");
	struct page_box fold = page_fold(p, "The look at the data");
	page_facts(p, "What was looked at", "train", "audit", "of");
	page_facts(p, "Held out", "train", "split", "member");
	page_pairs(p, "Rehearsal", "train", "rehearsal");
	page_facts(p, "Networks", "train", "member", "n");
	page_facts(p, "Attention", "train", "attention", "member");
	page_pairs(p, "Why training ended", "train", "ended");
	page_facts(p, "By distance in colour", "train", "colour", "of");
	page_facts(p, "Cases, looked at", "train", "look", "case");
	page_facts(p, "Cases", "train", "case", "slide");
	page_close(p, fold, "</details>\n");
}

void part_answers(struct page *p)
{
	struct page_box columns = page_open(p, "<div class=\"columns\">\n");
	page_pairs(p, "Outcome", "inference", "outcome");
	page_pairs(p, "Forecast", "inference", "forecast");
	page_facts(p, "By distance in colour", "inference", "colour", "of");
	page_pairs(p, "Scores; quantiles: 0, 25, 50, 75, 100 %", "inference", "scores");
	page_facts(p, "Left out", "inference", "left_out", "case");
	page_close(p, columns, "</div>\n");
	struct page_box fold = page_fold(p, "Passes and cases");
	page_facts(p, "Passes", "inference", "plan", "pass");
	page_facts(p, "Cases", "inference", "case", "slide");
	page_close(p, fold, "</details>\n");
}

/* ---- warnings ---- */

/* Those of a kind, folded; how many there were, the last line of the kind may tell. */
static void warnings_of(struct page *p, const GPtrArray *warnings, const char *program, const char *kind)
{
	g_autoptr(GPtrArray) texts = g_ptr_array_new();
	const char *count = NULL;

	for (guint i = 0; i < warnings->len; i++) {
		const struct fact *warning = warnings->pdata[i];

		if (g_strcmp0(fact_text(warning, "kind"), kind) != 0 || fact_text(warning, "text") == NULL)
			continue;
		g_ptr_array_add(texts, (void *)fact_text(warning, "text"));
		if (fact_text(warning, "count") != NULL)
			count = fact_text(warning, "count");
	}
	g_autofree char *lines = count != NULL ? g_strdup(count) : g_strdup_printf("%u", texts->len);
	g_autofree char *title = g_strdup_printf("%s: %s (%s)", program, kind, lines);
	struct page_box fold = page_fold(p, title);
	struct page_box list = page_open(p, "<ul>\n");
	for (guint i = 0; i < MIN(texts->len, MOST_WARNINGS); i++)
		html_printf(p->out, "<li>%s</li>\n", (char *)texts->pdata[i]);
	page_close(p, list, "</ul>\n");
	page_close(p, fold, "</details>\n");
}

static void warnings_by_kind(struct page *p, guint run, const char *program)
{
	const GPtrArray *warnings = story_facts(p->runs[run], program, "warning");
	g_autoptr(GPtrArray) kinds = g_ptr_array_new();

	for (guint i = 0; i < warnings->len && kinds->len < 100; i++) {
		const char *kind = fact_text(warnings->pdata[i], "kind");

		if (kind != NULL && !g_ptr_array_find_with_equal_func(kinds, kind, g_str_equal, NULL))
			g_ptr_array_add(kinds, (void *)kind);
	}
	for (guint i = 0; i < kinds->len; i++)
		warnings_of(p, warnings, program, kinds->pdata[i]);
}

void part_warnings(struct page *p)
{
	for (guint run = 0; run < p->n; run++) {
		g_autofree char *head = p->n > 1 ? g_markup_printf_escaped("<h3>%s</h3>\n", p->names[run]) : g_strdup("");
		struct page_box box = page_open(p, head);

		warnings_by_kind(p, run, "train");
		warnings_by_kind(p, run, "inference");
		page_close(p, box, "");
	}
	page_facts(p, "What training survived", "train", "survived", "kind");
	page_facts(p, "What inference survived", "inference", "survived", "kind");
	struct page_box fold = page_fold(p, "What libraries said");
	page_facts(p, "To train", "train", "library", "stream");
	page_facts(p, "To inference", "inference", "library", "stream");
	page_close(p, fold, "</details>\n");
}

/* ---- settings and others ---- */

void part_settings(struct page *p)
{
	static const char *const programs[] = { "train", "inference" };

	for (gsize i = 0; i < G_N_ELEMENTS(programs); i++) {
		g_autofree char *title = g_strdup_printf("Of %s", programs[i]);
		struct page_box fold = page_fold(p, title);
		struct page_box columns = page_open(p, "<div class=\"columns\">\n");

		page_pairs(p, "Program", programs[i], "start");
		page_pairs(p, "Machine", programs[i], "machine");
		page_pairs(p, "Model", programs[i], "model");
		page_pairs(p, "Weights", programs[i], "weights");
		page_pairs(p, "Memory", programs[i], "memory");
		page_pairs(p, "Room", programs[i], "room");
		if (i == 0)
			page_pairs(p, "Plan", programs[i], "plan");
		page_pairs(p, "Settings", programs[i], "settings");
		page_close(p, columns, "</div>\n");
		page_close(p, fold, "</details>\n");
	}
}

void part_others(struct page *p)
{
	for (guint run = 0; run < p->n; run++) {
		const GPtrArray *others = story_others(p->runs[run]);
		g_autofree char *title = g_strdup_printf("%u line%s that %s not of train or inference", story_other_lines(p->runs[run]),
							 story_other_lines(p->runs[run]) == 1 ? "" : "s",
							 story_other_lines(p->runs[run]) == 1 ? "is" : "are");
		g_autofree char *titled = page_titled(p, run, title);
		struct page_box fold = page_fold(p, titled);
		struct page_box list = page_open(p, "<pre>");

		for (guint i = 0; i < others->len; i++)
			html_printf(p->out, i == STORY_OTHERS / 3 && story_other_lines(p->runs[run]) > STORY_OTHERS ? "…\n%s\n" : "%s\n",
				    (char *)others->pdata[i]);
		page_close(p, list, "</pre>\n");
		page_close(p, fold, "</details>\n");
	}
}
