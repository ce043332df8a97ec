/*
 * score.c - an answer file against the truth: first what a contest would refuse it for, every fault with its
 * line; then the ROC curve and its AUC with interval, by the size of the lesions where the truth has it, what it finds
 * at given specificities, and whether its probabilities can be believed. Of two answers: which is better, and
 * whether that is more than chance.
 */
#include "common/answer/answer_file.h"
#include "common/config/keys.h"
#include "common/csv/csv_file.h"
#include "common/fault/fault.h"
#include "common/metrics/calibration.h"
#include "common/metrics/metrics.h"
#include "common/plot/chart.h"
#include "common/plot/text.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <math.h>

#define LONGEST_FILE (64 << 20) /* bytes */
#define MOST_FAULTS  20         /* that are printed */
#define LEVEL        0.95
#define NO_LESION    G_MAXUINT64        /* the truth does not say how large */

enum {
	MOST_BINS = 10, LEAST_IN_BIN = 5,       /* of the calibration table */
	PLOT_WIDTH = 56, PLOT_HEIGHT = 16,
	CHART_WIDTH = 600, CHART_HEIGHT = 480,  /* px */
};

struct slide {
	char *id;
	guint64 truth_line;
	guint64 lesion;         /* tiles, or NO_LESION */
	guint8 label;
	double probability[2];  /* of each answer */
};

struct scores {
	GHashTable *slides;     /* by id */
	GPtrArray *order;       /* of struct slide, as in the truth */
	gboolean lesions;       /* the truth says how large they are */
	gboolean header;        /* the answers' first row is one */
	struct answer_column columns[ANSWER_COLUMNS_MAX]; /* that they have; the first is scored */
	guint n_columns;
	gboolean auc_only;
	GArray *specificities;  /* double */
	guint n_answers;
	const char *answers[2]; /* paths */
	char *svg;              /* the path; NULL: no picture is wanted */
};

static void slide_free(void *data)
{
	struct slide *slide = data;

	g_free(slide->id);
	g_free(slide);
}

static void scores_init(struct scores *s)
{
	*s = (struct scores){ .slides = g_hash_table_new(g_str_hash, g_str_equal),
			      .order = g_ptr_array_new_with_free_func(slide_free),
			      .specificities = g_array_new(FALSE, FALSE, sizeof(double)) };
	answer_columns_take((char *const[]){ (char *)"probability", NULL }, "", s->columns, &s->n_columns, NULL);
}

static void scores_clear(struct scores *s)
{
	g_hash_table_unref(s->slides);
	g_ptr_array_unref(s->order);
	g_array_unref(s->specificities);
	g_free(s->svg);
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

/* ---- the answers ---- */

static void print_faults(const GPtrArray *faults)
{
	guint printed = MIN(faults->len, MOST_FAULTS);

	for (guint i = 0; i < printed; i++)
		g_printerr("%s\n", (char *)faults->pdata[i]);
	if (printed < faults->len)
		g_printerr("... and %u more\n", faults->len - printed);
}

static gboolean read_answer(struct scores *s, guint which, GError **error)
{
	guint n = s->order->len;
	g_autofree const char **ids = g_new(const char *, n + 1);
	g_autofree double *values = g_new(double, n * (gsize)s->n_columns + 1);
	g_autoptr(GPtrArray) faults = g_ptr_array_new_with_free_func(g_free);
	const struct answer_form form = { .ids = ids, .n = n, .columns = s->columns, .n_columns = s->n_columns, .where = "the truth",
					  .header = s->header, .how = "give --header" };

	for (guint i = 0; i < n; i++)
		ids[i] = ((struct slide *)s->order->pdata[i])->id;
	if (!answer_file_read(s->answers[which], &form, values, faults, NULL, error))
		return FALSE;
	for (guint i = 0; i < n; i++)
		((struct slide *)s->order->pdata[i])->probability[which] = values[i * (gsize)s->n_columns];
	if (faults->len == 0)
		return TRUE;
	print_faults(faults);
	g_set_error(error, FAULT, FAULT_DATA, "%s: %u fault%s: a contest would refuse it", s->answers[which], faults->len,
		    faults->len == 1 ? "" : "s");
	return FALSE;
}

/* The faults of all are printed, so that all can be mended at once; the error is the first. */
static gboolean read_answers(struct scores *s, GError **error)
{
	gboolean ok = TRUE;

	for (guint i = 0; i < s->n_answers; i++)
		ok = read_answer(s, i, ok ? error : NULL) && ok;
	return ok;
}

/* ---- tables of slides ---- */

struct table {
	gsize n, positives;
	double *score[2];       /* (n) of each answer */
	guint8 *label;          /* (n) */
	GArray *roc[2];         /* struct roc_point */
	double *x[2], *y[2];    /* of each point: 1 - specificity, sensitivity */
};

static void table_add_curve(struct table *t, guint which)
{
	GArray *roc = metrics_roc(t->score[which], t->label, t->n);

	t->roc[which] = roc;
	t->x[which] = g_new(double, roc->len);
	t->y[which] = g_new(double, roc->len);
	for (guint i = 0; i < roc->len; i++) {
		t->x[which][i] = 1 - g_array_index(roc, struct roc_point, i).specificity;
		t->y[which][i] = g_array_index(roc, struct roc_point, i).sensitivity;
	}
}

/* All negatives, and the positives with low..high tiles of lesion. */
static void table_init(struct table *t, const struct scores *s, guint64 low, guint64 high)
{
	*t = (struct table){ .label = g_new(guint8, s->order->len) };
	for (guint k = 0; k < s->n_answers; k++)
		t->score[k] = g_new(double, s->order->len);
	for (guint i = 0; i < s->order->len; i++) {
		const struct slide *slide = s->order->pdata[i];

		if (slide->label == 1 && (slide->lesion < low || slide->lesion > high))
			continue;
		for (guint k = 0; k < s->n_answers; k++)
			t->score[k][t->n] = slide->probability[k];
		t->label[t->n++] = slide->label;
		t->positives += slide->label;
	}
	for (guint k = 0; k < s->n_answers; k++)
		table_add_curve(t, k);
}

static void table_clear(struct table *t)
{
	for (int k = 0; k < 2; k++) {
		g_free(t->score[k]);
		g_clear_pointer(&t->roc[k], g_array_unref);
		g_free(t->x[k]);
		g_free(t->y[k]);
	}
	g_free(t->label);
}

/* ---- the curve ---- */

static void report_curves(const struct scores *s, const struct table *t)
{
	const struct plot_form form = { .width = PLOT_WIDTH, .height = PLOT_HEIGHT, .ascii = !g_get_charset(NULL),
					.x = { "1 - specificity", 0, 1 }, .y = { "sensitivity", 0, 1 },
					.diagonal = TRUE };
	gboolean two = s->n_answers > 1;
	g_auto(GStrv) names = g_new0(char *, 3);
	struct plot_series series[2];

	for (guint k = 0; k < s->n_answers; k++) {
		names[k] = g_filename_display_basename(s->answers[k]);
		series[k] = (struct plot_series){ two ? names[k] : NULL, t->x[k], t->y[k], t->roc[k]->len };
	}
	g_autoptr(GPtrArray) lines = plot_curves(&form, &series[0], two ? &series[1] : NULL);
	for (guint i = 0; i < lines->len; i++)
		g_print("%s\n", (char *)lines->pdata[i]);
}

/* The same as SVG. */
static char *draw(const struct scores *s, const struct table *t)
{
	static const double ends[] = { 0, 1 };
	struct chart_series series[3] = { { CHART_LINE, CHART_NEUTRAL, .dashed = TRUE, .n = 2, .x = ends, .y = ends } };
	g_auto(GStrv) names = g_new0(char *, 3);
	g_autofree char *title = g_strdup_printf("ROC curve: %" G_GSIZE_FORMAT " slides, %" G_GSIZE_FORMAT " positive",
						 t->n, t->positives);

	for (guint k = 0; k < s->n_answers; k++) {
		g_autofree char *name = g_filename_display_basename(s->answers[k]);

		names[k] = g_strdup_printf("AUC %.3f, %s", metrics_auc(t->score[k], t->label, t->n), name);
		series[1 + k] = (struct chart_series){ CHART_LINE, CHART_FIRST + k, .name_opt = names[k],
						       .n = t->roc[k]->len, .x = t->x[k], .y = t->y[k] };
	}
	g_autofree char *desc = g_strjoinv("; ", names);
	return chart_file(&(struct chart){ .id = "roc", .title = title, .desc = desc, .width = CHART_WIDTH,
					   .height = CHART_HEIGHT, .x = { "1 - specificity", 0, 1 },
					   .y = { "sensitivity", 0, 1 }, .series = series, .n_series = 1 + s->n_answers });
}

static gboolean write_svg(const struct scores *s, const struct table *t, GError **error)
{
	g_autofree char *svg = draw(s, t);
	FILE *file = g_fopen(s->svg, "w");
	gboolean ok = file != NULL && fputs(svg, file) >= 0;

	if (file != NULL && fclose(file) != 0)
		ok = FALSE;
	if (!ok)
		g_set_error(error, FAULT, errno == ENOSPC ? FAULT_ROOM : FAULT_FAILED, "%s: %s", s->svg, g_strerror(errno));
	return ok;
}

/* ---- the report on one answer ---- */

static void report_size(const struct scores *s, const char *name, guint64 low, guint64 high)
{
	struct table t;
	struct interval auc;

	table_init(&t, s, low, high);
	auc = metrics_auc_interval(t.score[0], t.label, t.n, LEVEL);
	if (t.positives > 0) {
		g_print("  %-14s AUC %.3f (%.2f to %.2f), sensitivity", name, auc.value, auc.low, auc.high);
		for (guint i = 0; i < s->specificities->len; i++)
			g_print(" %.3f,", metrics_at_specificity(t.roc[0], g_array_index(s->specificities, double, i))
				.sensitivity);
		g_print(" %" G_GSIZE_FORMAT " slide%s\n", t.positives, t.positives == 1 ? "" : "s");
	}
	table_clear(&t);
}

static void report_sizes(const struct scores *s)
{
	g_print("by size of the lesions, in tiles; sensitivity at");
	for (guint i = 0; i < s->specificities->len; i++)
		g_print("%s %g %%", i > 0 ? "," : "", 100 * g_array_index(s->specificities, double, i));
	g_print(" specificity:\n");
	report_size(s, "none", 0, 0);
	report_size(s, "1 to 4", 1, 4);
	report_size(s, "5 to 19", 5, 19);
	report_size(s, "20 and more", 20, NO_LESION - 1);
	report_size(s, "not told", NO_LESION, NO_LESION);
}

/* Of each answer; the interval takes the threshold as given. */
static void report_sensitivity(const struct scores *s, const struct table *t, double specificity)
{
	g_print("sensitivity at %g %% specificity:", 100 * specificity);
	for (guint k = 0; k < s->n_answers; k++) {
		struct roc_point p = metrics_at_specificity(t->roc[k], specificity);
		struct confusion c = metrics_confusion(t->score[k], t->label, t->n, p.threshold);
		struct interval found = metrics_wilson_interval(c.tp, c.tp + c.fn, LEVEL);
		g_autofree char *threshold = isfinite(p.threshold) ? number_print(p.threshold) : g_strdup("none");

		g_print("%s %.3f (%.2f to %.2f), threshold %s", k > 0 ? ";" : "", found.value, found.low, found.high,
			threshold);
	}
	g_print("\n");
}

static void print_estimate(const char *name, struct interval i, const char *after)
{
	if (isnan(i.value))
		g_print(" %s none%s", name, after);
	else
		g_print(" %s %.2f (%.2f to %.2f)%s", name, i.value, i.low, i.high, after);
}

static void print_bins(const GArray *bins)
{
	for (guint i = 0; i < bins->len; i++) {
		const struct calibration_bin *b = &g_array_index(bins, struct calibration_bin, i);

		g_print("  %6" G_GSIZE_FORMAT "  %.4f to %.4f  %.4f  %.3f (%.2f to %.2f)\n", b->n, b->low, b->high, b->mean,
			b->observed.value, b->observed.low, b->observed.high);
	}
}

static void report_calibration(const struct table *t)
{
	guint most = (guint)CLAMP(t->n / LEAST_IN_BIN, 1, MOST_BINS);
	g_autoptr(GArray) bins = calibration_bins(t->score[0], t->label, t->n, most, LEVEL);
	g_autoptr(GArray) all = calibration_bins(t->score[0], t->label, t->n, 1, LEVEL);
	struct recalibration r = calibration_fit(t->score[0], t->label, t->n, LEVEL);

	g_print("recalibration (right: 0, 0, 1):");
	print_estimate("in the large", r.in_the_large, ",");
	print_estimate("intercept", r.intercept, ",");
	print_estimate("slope", r.slope, "\n");
	g_print("calibration error %.4f, of %u bin%s:\n", calibration_error(bins), bins->len,
		bins->len == 1 ? "" : "s; then all");
	g_print("  slides  probabilities     mean    observed\n");
	print_bins(bins);
	if (bins->len > 1)
		print_bins(all);
}

static void report_one(const struct scores *s, const struct table *t)
{
	struct interval auc = metrics_auc_interval(t->score[0], t->label, t->n, LEVEL);
	struct confusion c = metrics_confusion(t->score[0], t->label, t->n, 0.5);
	struct saturation order = metrics_saturation(t->score[0], t->n, 0.001);

	g_print("AUC %.3f (%g %% interval %.2f to %.2f), %" G_GSIZE_FORMAT " slides, %" G_GSIZE_FORMAT " positive\n",
		auc.value, 100 * LEVEL, auc.low, auc.high, t->n, t->positives);
	if (s->lesions)
		report_sizes(s);
	for (guint i = 0; i < s->specificities->len; i++)
		report_sensitivity(s, t, g_array_index(s->specificities, double, i));
	g_print("at 0.5: %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " positives found, %" G_GSIZE_FORMAT
		" of %" G_GSIZE_FORMAT " negatives called positive\n", c.tp, t->positives, c.fp, t->n - t->positives);
	g_print("scores: %" G_GSIZE_FORMAT " tied with another, %" G_GSIZE_FORMAT " above 0.999, %" G_GSIZE_FORMAT
		" below 0.001\n", order.tied, order.high, order.low);
	g_print("Brier score %.4f, log loss %.4f\n", metrics_brier(t->score[0], t->label, t->n),
		metrics_log_loss(t->score[0], t->label, t->n));
	report_calibration(t);
}

/* ---- the report on two ---- */

static void report_two(const struct scores *s, const struct table *t)
{
	struct auc_test test = metrics_auc_test(t->score[0], t->score[1], t->label, t->n, LEVEL);

	for (guint k = 0; k < 2; k++) {
		struct interval auc = metrics_auc_interval(t->score[k], t->label, t->n, LEVEL);

		g_print("%s: AUC %.3f (%g %% interval %.2f to %.2f), Brier score %.4f, log loss %.4f\n", s->answers[k],
			auc.value, 100 * LEVEL, auc.low, auc.high, metrics_brier(t->score[k], t->label, t->n),
			metrics_log_loss(t->score[k], t->label, t->n));
	}
	for (guint i = 0; i < s->specificities->len; i++)
		report_sensitivity(s, t, g_array_index(s->specificities, double, i));
	g_print("difference of the AUCs %.3f, %" G_GSIZE_FORMAT " slides, %" G_GSIZE_FORMAT " positive: ",
		test.difference.value, t->n, t->positives);
	if (isnan(test.p))
		g_print("too few to tell how sure that is\n");
	else
		g_print("%g %% interval %.3f to %.3f, p = %.3g (DeLong)\n", 100 * LEVEL, test.difference.low,
			test.difference.high, test.p);
}

/* ---- all ---- */

static gboolean run(struct scores *s, const char *truth, GError **error)
{
	struct table all;

	if (!read_truth(s, truth, error) || !read_answers(s, error))
		return FALSE;
	table_init(&all, s, 0, NO_LESION);
	if (s->auc_only) {
		for (guint k = 0; k < s->n_answers; k++)
			g_print("%.6f\n", metrics_auc(all.score[k], all.label, all.n));
	} else {
		report_curves(s, &all);
		if (s->n_answers == 1)
			report_one(s, &all);
		else
			report_two(s, &all);
	}
	gboolean ok = s->svg == NULL || write_svg(s, &all, error);
	table_clear(&all);
	return ok;
}

/* `0.8,0.95` */
static gboolean take_specificities(struct scores *s, const char *list, GError **error)
{
	g_auto(GStrv) texts = g_strsplit(list, ",", -1);

	for (guint i = 0; i == 0 || texts[i] != NULL; i++) {
		const char *text = texts[i] != NULL ? texts[i] : "", *end;
		double value;

		if (!number_parse(text, &end, &value) || *end != '\0' || value < 0 || value > 1) {
			g_set_error(error, FAULT, FAULT_USAGE, "--specificity: '%s' is not a number from 0 to 1", text);
			return FALSE;
		}
		g_array_append_val(s->specificities, value);
	}
	return TRUE;
}

/* `probability,longest_axis_um` */
static gboolean take_columns(struct scores *s, const char *list, GError **error)
{
	g_auto(GStrv) names = g_strsplit(list, ",", -1);

	return answer_columns_take(names, "--columns", s->columns, &s->n_columns, error);
}

/* What a data.yaml says of the answers. */
static gboolean take_config(struct scores *s, const char *path, GError **error)
{
	g_autoptr(settings_t) settings = settings_new();

	if (!settings_read_file(settings, path, error))
		return FALSE;
	s->header = s->header || settings->answer.header;
	return answer_columns_take(settings->answer.columns, "answer.columns", s->columns, &s->n_columns, error);
}

int main(int argc, char **argv)
{
	struct scores s;
	g_autofree char *specificities = NULL, *columns = NULL, *config = NULL;

	scores_init(&s);
	const GOptionEntry entries[] = {
		{ "config", 0, 0, G_OPTION_ARG_FILENAME, &config, "Take both of the next from its answer.header and answer.columns", "FILE" },
		{ "header", 0, 0, G_OPTION_ARG_NONE, &s.header, "The answers' first line is a header", NULL },
		{ "columns", 0, 0, G_OPTION_ARG_FILENAME, &columns, "The answers' columns, as answer.columns has them (default: "
		  "probability); the probability is scored", "LIST" },
		{ "auc", 0, 0, G_OPTION_ARG_NONE, &s.auc_only, "Print the AUC alone", NULL },
		{ "specificity", 0, 0, G_OPTION_ARG_FILENAME, &specificities,
		  "Where the sensitivity is wanted (default: 0.9,0.95)", "LIST" },
		{ "svg", 0, 0, G_OPTION_ARG_FILENAME, &s.svg, "Draw the ROC curve into it", "FILE" },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) options = g_option_context_new("ANSWER [OTHER] TRUTH");
	g_autoptr(GError) error = NULL;

	setlocale(LC_CTYPE, "");        /* whether the terminal takes UTF-8 */
	g_option_context_set_summary(options,
				     "Checks an answer file as a contest would, and scores it; with OTHER, compares the "
				     "two.\nANSWER, OTHER: slide,probability[,...]   TRUTH: slide,0|1[,tiles of lesion]");
	g_option_context_add_main_entries(options, entries, NULL);
	if (!g_option_context_parse(options, &argc, &argv, &error)) {
		/* said below */
	} else if (argc != 3 && argc != 4) {
		g_set_error_literal(&error, FAULT, FAULT_USAGE, "ANSWER [OTHER] TRUTH are wanted; see --help");
	} else if ((config == NULL || take_config(&s, config, &error)) && (columns == NULL || take_columns(&s, columns, &error)) &&
		   take_specificities(&s, specificities != NULL ? specificities : "0.9,0.95", &error)) {
		s.n_answers = (guint)argc - 2;
		memcpy(s.answers, argv + 1, s.n_answers * sizeof *s.answers);
		run(&s, argv[argc - 1], &error);
	}
	if (error != NULL)
		g_printerr("score: %s\n", error->message);
	scores_clear(&s);
	return fault_exit_code(error);
}
