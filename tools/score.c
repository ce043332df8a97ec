/*
 * score.c - an answer file against the truth: first what a contest would refuse it for, every fault with its
 * line; then the AUC with its interval, by the size of the lesions where the truth has it, and what else
 * tells whether the scores are of use.
 */
#include "common/answer/answer_file.h"
#include "common/csv/csv_file.h"
#include "common/fault/fault.h"
#include "common/metrics/metrics.h"
#include <math.h>

#define LONGEST_FILE (64 << 20) /* bytes */
#define MOST_FAULTS  20         /* that are printed */
#define LEVEL        0.95
#define NO_LESION    G_MAXUINT64        /* the truth does not say how large */

struct slide {
	char *id;
	guint64 truth_line;
	guint64 lesion;         /* tiles, or NO_LESION */
	guint8 label;
	double probability;
};

struct scores {
	GHashTable *slides;     /* by id */
	GPtrArray *order;       /* of struct slide, as in the truth */
	gboolean lesions;       /* the truth says how large they are */
	gboolean header;        /* the answer's first row is one */
	GPtrArray *faults;      /* texts: what is wrong with the answer */
	const char *answer;     /* its path */
};

static void slide_free(void *data)
{
	struct slide *slide = data;

	g_free(slide->id);
	g_free(slide);
}

/* ---- the truth ---- */

static gboolean is_count(const char *text, guint64 *value)
{
	return g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32, value, NULL);
}

/* `id,0|1[,lesion tiles]`; a first row whose second field is no number is a header. */
static gboolean take_truth(void *context, guint64 line, guint n, char **fields, GError **error)
{
	struct scores *s = context;
	struct slide *slide, *before = g_hash_table_lookup(s->slides, fields[0]);
	gboolean sized = n == 3 && fields[2][0] != '\0';
	guint64 label = 0, lesion = NO_LESION;

	if (line == 1 && n >= 2 && g_ascii_isalpha(fields[1][0]))
		return TRUE;
	if (n != 2 && n != 3) {
		g_set_error(error, FAULT, FAULT_DATA, "%u field%s where `slide,label[,lesion tiles]` is wanted", n,
			    n == 1 ? "" : "s");
		return FALSE;
	}
	if (before != NULL) {
		g_set_error(error, FAULT, FAULT_DATA, "slide '%s' a second time, after line %" G_GUINT64_FORMAT,
			    fields[0], before->truth_line);
		return FALSE;
	}
	if (!is_count(fields[1], &label) || label > 1) {
		g_set_error(error, FAULT, FAULT_DATA, "slide '%s': the label is '%s', not 0 or 1", fields[0],
			    fields[1]);
		return FALSE;
	}
	if (sized && !is_count(fields[2], &lesion)) {
		g_set_error(error, FAULT, FAULT_DATA, "slide '%s': '%s' is no number of tiles", fields[0],
			    fields[2]);
		return FALSE;
	}
	slide = g_new0(struct slide, 1);
	*slide = (struct slide){ .id = g_strdup(fields[0]), .truth_line = line, .lesion = lesion,
				 .label = (guint8)label };
	g_ptr_array_add(s->order, slide);
	g_hash_table_insert(s->slides, slide->id, slide);
	s->lesions |= sized;
	return TRUE;
}

static gboolean read_truth(struct scores *s, const char *path, GError **error)
{
	gsize positives = 0;

	if (!csv_read(path, LONGEST_FILE, take_truth, s, error))
		return FALSE;
	for (guint i = 0; i < s->order->len; i++)
		positives += ((struct slide *)s->order->pdata[i])->label;
	if (positives == 0 || positives == s->order->len) {
		g_set_error(error, FAULT, FAULT_DATA,
			    "%s: %u slides, %" G_GSIZE_FORMAT " of them positive: AUC needs both classes", path,
			    s->order->len, positives);
		return FALSE;
	}
	return TRUE;
}

/* ---- the answer ---- */

static gboolean read_answer(struct scores *s, GError **error)
{
	guint n = s->order->len;
	g_autofree const char **ids = g_new(const char *, n + 1);
	g_autofree double *values = g_new(double, n + 1);
	const struct answer_form form = { ids, n, "the truth", s->header, "give --header" };

	for (guint i = 0; i < n; i++)
		ids[i] = ((struct slide *)s->order->pdata[i])->id;
	if (!answer_file_read(s->answer, &form, values, s->faults, NULL, error))
		return FALSE;
	for (guint i = 0; i < n; i++)
		((struct slide *)s->order->pdata[i])->probability = values[i];
	if (s->faults->len == 0)
		return TRUE;
	guint printed = MIN(s->faults->len, MOST_FAULTS);
	for (guint i = 0; i < printed; i++)
		g_printerr("%s\n", (char *)s->faults->pdata[i]);
	if (printed < s->faults->len)
		g_printerr("... and %u more\n", s->faults->len - printed);
	g_set_error(error, FAULT, FAULT_DATA, "%s: %u fault%s: a contest would refuse it", s->answer, s->faults->len,
		    s->faults->len == 1 ? "" : "s");
	return FALSE;
}

/* ---- the report ---- */

struct table {
	gsize n, positives;
	double *score;  /* (n) */
	guint8 *label;  /* (n) */
};

/* All negatives, and the positives with low..high tiles of lesion. */
static void table_init(struct table *t, const struct scores *s, guint64 low, guint64 high)
{
	*t = (struct table){ .score = g_new(double, s->order->len), .label = g_new(guint8, s->order->len) };
	for (guint i = 0; i < s->order->len; i++) {
		const struct slide *slide = s->order->pdata[i];

		if (slide->label == 1 && (slide->lesion < low || slide->lesion > high))
			continue;
		t->score[t->n] = slide->probability;
		t->label[t->n++] = slide->label;
		t->positives += slide->label;
	}
}

static void table_clear(struct table *t)
{
	g_free(t->score);
	g_free(t->label);
}

static void report_size(const struct scores *s, const char *name, guint64 low, guint64 high)
{
	struct table t;
	struct interval auc;

	table_init(&t, s, low, high);
	auc = metrics_auc_interval(t.score, t.label, t.n, LEVEL);
	if (t.positives > 0)
		g_print("  %-14s AUC %.3f (%.2f to %.2f), %" G_GSIZE_FORMAT " slide%s\n", name, auc.value, auc.low,
			auc.high, t.positives, t.positives == 1 ? "" : "s");
	table_clear(&t);
}

static int compare_double(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* What a saturated network does to an order: scores that are equal, or all at an end. */
static void report_ties(const struct table *t)
{
	g_autofree double *sorted = g_memdup2(t->score, t->n * sizeof *sorted);
	gsize tied = 0, high = 0, low = 0;

	qsort(sorted, t->n, sizeof *sorted, compare_double);
	for (gsize i = 0; i < t->n; i++) {
		if ((i > 0 && sorted[i] <= sorted[i - 1]) || (i + 1 < t->n && sorted[i] >= sorted[i + 1]))
			tied++;
		if (sorted[i] > 0.999)
			high++;
		if (sorted[i] < 0.001)
			low++;
	}
	g_print("scores: %" G_GSIZE_FORMAT " tied with another, %" G_GSIZE_FORMAT " above 0.999, %" G_GSIZE_FORMAT
		" below 0.001\n", tied, high, low);
}

static void report(const struct scores *s, const struct table *all)
{
	g_autoptr(GArray) roc = metrics_roc(all->score, all->label, all->n);
	struct interval auc = metrics_auc_interval(all->score, all->label, all->n, LEVEL);
	struct confusion c = metrics_confusion(all->score, all->label, all->n, 0.5);

	g_print("AUC %.3f (%g %% interval %.2f to %.2f), %" G_GSIZE_FORMAT " slides, %" G_GSIZE_FORMAT " positive\n",
		auc.value, 100 * LEVEL, auc.low, auc.high, all->n, all->positives);
	if (s->lesions) {
		g_print("by size of the lesions, in tiles:\n");
		report_size(s, "none", 0, 0);
		report_size(s, "1 to 4", 1, 4);
		report_size(s, "5 to 19", 5, 19);
		report_size(s, "20 and more", 20, NO_LESION - 1);
		report_size(s, "not told", NO_LESION, NO_LESION);
	}
	g_print("sensitivity %.3f at 90 %% specificity, %.3f at 95 %%\n", metrics_at_specificity(roc, 0.90).sensitivity,
		metrics_at_specificity(roc, 0.95).sensitivity);
	g_print("Brier score %.4f, log loss %.4f\n", metrics_brier(all->score, all->label, all->n),
		metrics_log_loss(all->score, all->label, all->n));
	g_print("at 0.5: %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " positives found, %" G_GSIZE_FORMAT
		" of %" G_GSIZE_FORMAT " negatives called positive\n", c.tp, all->positives, c.fp,
		all->n - all->positives);
	report_ties(all);
}

static gboolean run(struct scores *s, const char *truth, gboolean auc_only, GError **error)
{
	struct table all;

	if (!read_truth(s, truth, error) || !read_answer(s, error))
		return FALSE;
	table_init(&all, s, 0, NO_LESION);
	if (auc_only)
		g_print("%.6f\n", metrics_auc(all.score, all.label, all.n));
	else
		report(s, &all);
	table_clear(&all);
	return TRUE;
}

int main(int argc, char **argv)
{
	struct scores s = { .slides = g_hash_table_new(g_str_hash, g_str_equal),
			    .order = g_ptr_array_new_with_free_func(slide_free),
			    .faults = g_ptr_array_new_with_free_func(g_free) };
	gboolean auc_only = FALSE;
	const GOptionEntry entries[] = {
		{ "header", 0, 0, G_OPTION_ARG_NONE, &s.header, "The answer's first line is a header", NULL },
		{ "auc", 0, 0, G_OPTION_ARG_NONE, &auc_only, "Print the AUC alone", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) options = g_option_context_new("ANSWER TRUTH");
	g_autoptr(GError) error = NULL;

	g_option_context_set_summary(options,
				     "Checks an answer file as a contest would, and scores it.\n"
				     "ANSWER: slide,probability   TRUTH: slide,0|1[,tiles of lesion]");
	g_option_context_add_main_entries(options, entries, NULL);
	if (!g_option_context_parse(options, &argc, &argv, &error)) {
		/* said below */
	} else if (argc != 3) {
		g_set_error_literal(&error, FAULT, FAULT_USAGE, "ANSWER and TRUTH are wanted; see --help");
	} else {
		s.answer = argv[1];
		run(&s, argv[2], auc_only, &error);
	}
	if (error != NULL)
		g_printerr("score: %s\n", error->message);
	g_hash_table_unref(s.slides);
	g_ptr_array_unref(s.order);
	g_ptr_array_unref(s.faults);
	return fault_exit_code(error);
}
