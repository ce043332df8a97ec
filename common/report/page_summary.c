/* page_summary.c - the first parts of the page: how it ended, how good it is, what to try; and of two runs, what differs. */
#include "common/log/discreet.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "common/report/page_parts.h"
#include <math.h>

/* ---- summary ---- */

static const char *exit_text(double code)
{
	static const char *const texts[] = { "done", "failed", "failed: settings", "failed: data", "failed: memory or disk",
					     "out of time", "stopped by a signal" };

	return code >= 0 && code < G_N_ELEMENTS(texts) ? texts[(int)code] : "failed";
}

/* What is told of how a program ended: stderr says why, stdout the exit code; either may be missing. */
struct ending {
	double code;            /* NAN: not told */
	const char *cause_opt;  /* of a failure */
	gboolean told, good;
};

static struct ending ending_of(const struct fact *end)
{
	const char *cause = fact_text(end, "cause");
	struct ending e = { .code = fact_number(end, "exit") };

	e.told = !isnan(e.code) || cause != NULL;
	e.good = isnan(e.code) ? cause != NULL && g_str_has_prefix(cause, "nothing failed") : e.code == 0;
	e.cause_opt = e.good ? NULL : cause;
	return e;
}

static void write_end(struct page *p, const char *label, const struct fact *end, const struct ending *e)
{
	double seconds = fact_number(end, "seconds");
	const char *warnings = fact_text(end, "warnings");
	char took[16];

	html_printf(p->out, "<dt>%s</dt><dd><span class=\"state %s\">%s %s</span>", label, e->good ? "good" : "bad", e->good ? "✓" : "✗",
		    exit_text(isnan(e->code) ? !e->good : e->code));
	if (!e->good && !isnan(e->code))
		html_printf(p->out, ", exit code %.0f", e->code);
	if (!isnan(seconds))
		html_printf(p->out, ", after %s", log_duration(seconds, took));
	if (warnings != NULL && !g_str_equal(warnings, "0"))
		html_printf(p->out, ", %s warning%s", warnings, g_str_equal(warnings, "1") ? "" : "s");
	g_string_append(p->out, "</dd>\n");
}

/* How a program ended, where the logs say anything of it. */
static void write_state(struct page *p, const struct story *s, const char *program, const char *label)
{
	const struct fact *end = story_last(s, program, "end");
	const struct ending e = ending_of(end);
	const char *heard = story_heard(s, program);

	if (heard == NULL)
		return;
	if (e.told)
		write_end(p, label, end, &e);
	else
		html_printf(p->out, "<dt>%s</dt><dd><span class=\"state bad\">? no last line</span>: it was killed, still runs, or its "
			    "log is cut at the end. The last line is of %s.</dd>\n", label, heard);
	if (story_starts(s, program) > 1)
		html_printf(p->out, "<dt>Starts</dt><dd>%u: each went on where the one before was.</dd>\n", story_starts(s, program));
	if (story_forgotten(s, program) > 0)
		html_printf(p->out, "<dt>Before</dt><dd>%u start%s of other runs: the last is shown. For a comparison, give each run's logs "
			    "apart, with --vs.</dd>\n", story_forgotten(s, program), story_forgotten(s, program) == 1 ? "" : "s");
}

static void write_cause(struct page *p, const struct story *s, const char *program)
{
	const struct ending e = ending_of(story_last(s, program, "end"));

	if (e.cause_opt != NULL)
		html_printf(p->out, "<div class=\"cause\"><h3>Why %s failed, and what to do</h3><p>%s</p></div>\n", program,
			    e.cause_opt);
}

/* Where there is no outcome, that of the best epoch so far. */
static void write_score(struct page *p, const struct story *s)
{
	const struct fact *outcome = story_last(s, "train", "outcome");
	gboolean over = fact_text(outcome, "slide_auc") != NULL;
	const struct fact *best = over ? outcome : story_find(s, "train", "epoch", "saved", "best");
	const char *cases = fact_text(best, "cases"), *epoch = fact_text(best, over ? "saved_epoch" : "n");
	g_autofree char *interval = html_value(fact_text(best, "interval"));

	if (isnan(fact_number(best, "slide_auc")))
		return;
	html_printf(p->out, "<p class=\"big\">%.3f<small>slide AUC, held out%s; 95 %% interval %s", fact_number(best, "slide_auc"),
		    over ? "" : ", so far", interval);
	if (cases != NULL)
		html_printf(p->out, "; %s cases", cases);
	if (epoch != NULL)
		html_printf(p->out, "; saved in epoch %s", epoch);
	g_string_append(p->out, "</small></p>\n");
}

static void write_answered(struct page *p, const struct story *s)
{
	const struct fact *outcome = story_last(s, "inference", "outcome");
	const char *fallback = fact_text(outcome, "fallback");

	if (outcome == NULL)
		return;
	html_printf(p->out, "<dt>Answers</dt><dd>%s of %s cases scored",
		    fact_text(outcome, "scored") != NULL ? fact_text(outcome, "scored") : "?",
		    fact_text(outcome, "cases") != NULL ? fact_text(outcome, "cases") : "?");
	if (fallback != NULL && !g_str_equal(fallback, "0"))
		html_printf(p->out, "; %s answered with the fallback", fallback);
	g_string_append(p->out, "</dd>\n");
}

static void write_words(struct page *p, const char *label, const struct fact *fact)
{
	if (fact_text(fact, "text") != NULL)
		html_printf(p->out, "<dt>%s</dt><dd>%s</dd>\n", label, fact_text(fact, "text"));
}

static void write_forecast(struct page *p, const struct story *s)
{
	const struct fact *forecast = story_last(s, "train", "forecast");
	g_autofree char *interval = html_value(fact_text(forecast, "interval"));

	if (fact_text(forecast, "slide_auc") == NULL)
		write_words(p, "Forecast", forecast);
	else
		html_printf(p->out, "<dt>Forecast</dt><dd>%s (%s): %s</dd>\n", fact_text(forecast, "slide_auc"),
			    interval, fact_text(forecast, "text") != NULL ? fact_text(forecast, "text") : "of the test set");
}

static void write_tries(struct page *p, const struct story *s)
{
	for (gsize i = 0; i < 2; i++) {
		const char *program = i == 0 ? "train" : "inference";
		const GPtrArray *tries = story_facts(s, program, "try");

		if (tries->len > 0)
			html_printf(p->out, "<h3>Try next%s</h3>\n<ol>\n", i == 0 ? "" : ", for inference");
		for (guint k = 0; k < MIN(tries->len, 5); k++) {
			const struct fact *try = tries->pdata[k];
			const char *key = fact_text(try, "key"), *value = fact_text(try, "value"), *why = fact_text(try, "why");

			html_printf(p->out, "<li><code>%s%s%s</code> %s</li>\n", key != NULL ? key : "?", value != NULL ? ": " : "",
				    value != NULL ? value : "", why != NULL ? why : "");
		}
		if (tries->len > 0)
			g_string_append(p->out, "</ol>\n");
	}
}

static void summary_of(struct page *p, guint run)
{
	const struct story *s = p->runs[run];

	g_string_append(p->out, "<article>\n");
	if (p->n > 1)
		html_printf(p->out, "<h3>%s</h3>\n", p->names[run]);
	write_score(p, s);
	write_cause(p, s, "train");
	write_cause(p, s, "inference");
	g_string_append(p->out, "<dl>\n");
	write_state(p, s, "train", "Training");
	write_state(p, s, "inference", "Inference");
	write_answered(p, s);
	write_words(p, "Verdict", story_last(s, "train", "verdict"));
	write_forecast(p, s);
	if (story_heard(s, "train") == NULL && story_heard(s, "inference") == NULL)
		html_printf(p->out, "<dt>Nothing</dt><dd>The logs hold no line of train or inference%s</dd>\n",
			    story_other_lines(s) > 0 ? ": other lines are below." : "; they are empty.");
	g_string_append(p->out, "</dl>\n");
	write_tries(p, s);
	g_string_append(p->out, "</article>\n");
}

void part_summary(struct page *p)
{
	g_string_append(p->out, "<div class=\"grid\">\n");
	for (guint i = 0; i < p->n; i++)
		summary_of(p, i);
	g_string_append(p->out, "</div>\n");
}

/* ---- two runs ---- */

static void compare_row(struct page *p, const char *label, const char *const *texts)
{
	g_autofree char *a = html_value(texts[0]), *b = html_value(texts[1]);
	const char *cells[] = { label, a, b };

	if (texts[0] != NULL || texts[1] != NULL)
		html_row(p->out, cells, G_N_ELEMENTS(cells), 0, !g_str_equal(a, b));
}

static void compare_outcomes(struct page *p)
{
	static const char *const rows[][4] = {
		{ "slide AUC, held out", "train", "outcome", "slide_auc" },	{ "its 95 % interval", "train", "outcome", "interval" },
		{ "held-out cases", "train", "outcome", "cases" },		{ "saved in epoch", "train", "outcome", "saved_epoch" },
		{ "sensitivity at the working point", "train", "confusion", "sensitivity" },
		{ "specificity there", "train", "confusion", "specificity" },	{ "exit code of train", "train", "end", "exit" },
		{ "warnings of train", "train", "end", "warnings" },		{ "training took (s)", "train", "end", "seconds" },
		{ "peak memory (MB)", "train", "limits", "peak_memory_mb" },	{ "exit code of inference", "inference", "end", "exit" },
		{ "cases scored", "inference", "outcome", "scored" },		{ "answered with the fallback", "inference", "outcome", "fallback" },
		{ "inference took (s)", "inference", "end", "seconds" },
	};
	const char *heads[] = { "", p->names[0], p->names[1], NULL };

	html_table(p->out, "Outcome", heads, 0);
	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *texts[PAGE_RUNS];

		for (guint run = 0; run < p->n; run++)
			texts[run] = fact_text(story_last(p->runs[run], rows[i][1], rows[i][2]), rows[i][3]);
		compare_row(p, rows[i][0], texts);
	}
	html_table_end(p->out);
}

/* The keys of run `of` whose values differ; those of the second that the first has, too, are told with the first. */
static guint compare_settings_of(struct page *p, const char *program, guint of)
{
	const struct fact *a = story_last(p->runs[0], program, "settings"), *b = story_last(p->runs[1], program, "settings");
	const struct fact *own = of == 0 ? a : b;
	guint n = 0;

	for (guint i = 0; own != NULL && i < own->n_pairs && n < PAGE_ROWS; i++) {
		const char *key = own->pairs[i].key;
		const char *texts[] = { fact_text(a, key), fact_text(b, key) };

		if (g_strcmp0(texts[0], texts[1]) == 0 || (of == 1 && texts[0] != NULL))
			continue;
		compare_row(p, key, texts);
		n++;
	}
	return n;
}

static void compare_settings(struct page *p, const char *program)
{
	const char *heads[] = { "", p->names[0], p->names[1], NULL };
	g_autofree char *title = g_strdup_printf("Settings of %s that differ", program);
	gsize begun = p->out->len;

	html_table(p->out, title, heads, 0);
	if (compare_settings_of(p, program, 0) + compare_settings_of(p, program, 1) > 0)
		html_table_end(p->out);
	else
		g_string_truncate(p->out, begun);
}

/* The held-out cases of both runs, with both probabilities. */
static void compare_held(struct page *p)
{
	const GPtrArray *held = story_facts(p->runs[0], "train", "held");
	g_autoptr(GHashTable) other = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree double *a = g_new(double, held->len + 1), *b = g_new(double, held->len + 1);
	g_autofree guint8 *label = g_new(guint8, held->len + 1);
	const GPtrArray *others = story_facts(p->runs[1], "train", "held");
	guint n = 0;

	for (guint i = 0; i < others->len; i++)
		if (fact_text(others->pdata[i], "case") != NULL)
			g_hash_table_insert(other, (void *)fact_text(others->pdata[i], "case"), others->pdata[i]);
	for (guint i = 0; i < held->len; i++) {
		const char *id = fact_text(held->pdata[i], "case");
		const struct fact *twin = id != NULL && !g_str_equal(id, DISCREET_HIDDEN) ? g_hash_table_lookup(other, id) : NULL;

		a[n] = fact_number(held->pdata[i], "p");
		b[n] = fact_number(twin, "p");
		label[n] = page_positive(held->pdata[i]) ? 1 : 0;
		n += isfinite(a[n]) && isfinite(b[n]);
	}
	struct auc_test test = metrics_auc_test(a, b, label, n, 0.95);
	if (isfinite(test.p))
		html_printf(p->out, "<p>On the %u held-out cases that both logs name, the slide AUC of %s is %.3f %s than that of %s (DeLong's test: "
			    "p = %.2g). %s</p>\n", n, p->names[1], fabs(test.difference.value),
			    test.difference.value > 0 ? "lower" : "higher", p->names[0], test.p,
			    test.p < 0.05 ? "Chance alone seldom makes such a difference." :
			    "Chance alone may make such a difference.");
}

void part_compared(struct page *p)
{
	if (p->n < 2)
		return;
	compare_held(p);
	g_string_append(p->out, "<div class=\"grid\"><div>\n");
	compare_outcomes(p);
	g_string_append(p->out, "</div><div>\n");
	compare_settings(p, "train");
	compare_settings(p, "inference");
	g_string_append(p->out, "</div></div>\n");
}
