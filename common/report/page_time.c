/* page_time.c - where the time went, how fast it was, what limited it. */
#include "common/log/log.h"
#include "common/report/curve.h"
#include "common/report/page_parts.h"
#include <math.h>

enum { MOST_BARS = 24 };

/* What a time axis counts in, when it goes to so many seconds. */
static const struct unit { double seconds, up_to; const char *spent, *since; } units[] = {
	{ 1, 120, "time (s)", "time since the start (s)" },
	{ 60, 7200, "time (min)", "time since the start (min)" },
	{ 3600, INFINITY, "time (h)", "time since the start (h)" },
};

/* Seconds become those of the unit that is returned. */
static const struct unit *choose_unit(double *const *seconds, const guint *n, guint lists)
{
	const struct unit *unit = units;
	double most = 0;

	for (guint i = 0; i < lists; i++)
		for (guint k = 0; k < n[i]; k++)
			most = MAX(most, seconds[i][k]);
	while (most > unit->up_to)
		unit++;
	for (guint i = 0; i < lists; i++)
		for (guint k = 0; k < n[i]; k++)
			seconds[i][k] /= unit->seconds;
	return unit;
}

static const char *const programs[] = { "train", "inference" };
static const char *const done[] = { "training", "inference" };

/* ---- bars ---- */

struct bars {
	char *names[MOST_BARS + 1], *texts[MOST_BARS];
	double times[MOST_BARS], places[MOST_BARS];
	guint n;
};

static void add_bar(struct bars *b, const char *name, double seconds, double total)
{
	char took[16];

	if (b->n == MOST_BARS || !(seconds >= 0))
		return;
	b->names[b->n] = html_label(name);
	b->texts[b->n] = total > 0 ? g_strdup_printf("%s · %.0f %%", log_duration(seconds, took), 100 * MIN(seconds / total, 1)) :
				     g_strdup(log_duration(seconds, took));
	b->times[b->n] = seconds;
	b->places[b->n] = b->n;
	b->n++;
}

static void draw_spent(struct page *p, guint run, gsize program)
{
	const struct fact *spent = story_last(p->runs[run], programs[program], "spent");
	double total = fact_number(spent, "total");
	struct bars b = { .n = 0 };
	char took[16];

	for (guint i = 0; spent != NULL && i < spent->n_pairs; i++)
		if (!g_str_equal(spent->pairs[i].key, "total"))
			add_bar(&b, spent->pairs[i].key, fact_number(spent, spent->pairs[i].key), total);
	g_autofree char *what = g_strdup_printf("Where the time of %s went", done[program]);
	g_autofree char *title = page_titled(p, run, what);
	g_autofree char *desc = g_strdup_printf("%u parts of %s; the bars say how long each took.", b.n, log_duration(total, took));
	const struct unit *unit = choose_unit((double *[]){ b.times }, &b.n, 1);
	const struct chart_series series = { .kind = CHART_BARS, .color = run == 0 ? CHART_FIRST : CHART_SECOND, .n = b.n, .x = b.times,
					     .y = b.places, .texts_opt = (const char *const *)b.texts };
	struct chart chart = { .title = title, .desc = desc, .series = &series, .n_series = 1,
			       .x = { .title = unit->spent, .low = NAN, .high = NAN },
			       .y = { .low = NAN, .high = NAN, .names_opt = (const char *const *)b.names } };
	if (b.n > 0)
		page_chart(p, &chart, (int)(60 + 26 * b.n), NULL);
	for (guint i = 0; i < b.n; i++) {
		g_free(b.names[i]);
		g_free(b.texts[i]);
	}
}

/* ---- throughput ---- */

static void draw_speed(struct page *p, gsize program)
{
	struct curve *curves[PAGE_RUNS];
	double *times[PAGE_RUNS] = { NULL };
	guint n_times[PAGE_RUNS] = { 0 };
	struct chart_series series[PAGE_RUNS];
	g_autofree char *title = g_strdup_printf("Throughput of %s", done[program]);
	g_autoptr(GString) desc = g_string_new(NULL);
	gsize n = 0;

	for (guint run = 0; run < p->n; run++) {
		curves[run] = curve_over_time(p->runs[run], programs[program], program == 0 ? "step" : "scanned", "samples_per_s");
		times[run] = curves[run]->x;
		n_times[run] = curves[run]->n;
		if (curves[run]->n < 2)
			continue;
		series[n++] = (struct chart_series){ .kind = CHART_LINE, .color = run == 0 ? CHART_FIRST : CHART_SECOND,
						     .dashed = run > 0, .name_opt = p->n > 1 ? p->names[run] : NULL,
						     .n = curves[run]->n, .x = curves[run]->x, .y = curves[run]->y };
		g_string_append_printf(desc, "%s: %.0f samples/s at the start, %.0f at the end. ", p->names[run], curves[run]->y[0],
				       curves[run]->y[curves[run]->n - 1]);
	}
	const struct unit *unit = choose_unit(times, n_times, p->n);
	struct chart chart = { .title = title, .desc = desc->str, .series = series, .n_series = n,
			       .x = { .title = unit->since, .low = 0, .high = NAN },
			       .y = { .title = "samples/s", .low = 0, .high = NAN } };
	if (n > 0)
		page_chart(p, &chart, 220, NULL);
	for (guint run = 0; run < p->n; run++)
		curve_free(curves[run]);
}

void part_time(struct page *p)
{
	for (gsize i = 0; i < G_N_ELEMENTS(programs); i++)
		for (guint run = 0; run < p->n; run++) {
			const char *text = fact_text(story_last(p->runs[run], programs[i], "limit"), "text");
			g_autofree char *who = page_titled(p, run, i == 0 ? "Training" : "Inference");

			if (text != NULL)
				html_printf(p->out, "<p><b>%s:</b> %s</p>\n", who, text);
		}
	struct page_box grid = page_open(p, "<div class=\"grid\">\n");
	for (guint run = 0; run < p->n; run++)
		draw_spent(p, run, 0);
	draw_speed(p, 0);
	if (p->n > 1)           /* so that pairs stand beside each other */
		draw_speed(p, 1);
	for (guint run = 0; run < p->n; run++)
		draw_spent(p, run, 1);
	if (p->n == 1)
		draw_speed(p, 1);
	page_close(p, grid, "</div>\n");
	struct page_box fold = page_fold(p, "Time and limits in numbers");
	page_pairs(p, "Time of training (s)", "train", "spent");
	page_pairs(p, "Time of inference (s)", "inference", "spent");
	page_pairs(p, "Training in all", "train", "trained");
	page_pairs(p, "Limits of training", "train", "limits");
	page_pairs(p, "Limits of inference", "inference", "limits");
	page_facts(p, "Throughput of training", "train", "step", "epoch");
	page_facts(p, "Throughput of inference", "inference", "scanned", "pass");
	page_close(p, fold, "</details>\n");
}
