/* page_held.c - the held-out cases: the ROC, each case's probability by class and size of lesion, the working point. */
#include "common/report/curve.h"
#include "common/report/page_parts.h"
#include <math.h>

enum { MOST_GROUPS = 12 };

/* By the circle of the largest lesion's area: 0.2 mm and 2 mm across, um2. */
static const double ITC_UM2 = G_PI * 100 * 100, MICRO_UM2 = G_PI * 1000 * 1000;

gboolean page_positive(const struct fact *held)
{
	const char *positive = fact_text(held, "positive");

	if (positive != NULL)
		return g_str_equal(positive, "1");
	return fact_number(held, "size") > 0 || g_strcmp0(fact_text(held, "class"), "positive") == 0;  /* of an older build */
}

/* ---- ROC ---- */

struct roc {
	struct curve *curve;
	char *note;                     /* its area, written in the chart */
	double note_x, note_y;
	double at_x, at_y;              /* the working point */
};

static void roc_init(struct roc *r, const struct page *p, guint run)
{
	const struct fact *outcome = story_last(p->runs[run], "train", "outcome");
	const struct fact *at = story_last(p->runs[run], "train", "confusion");
	g_autofree char *interval = html_value(fact_text(outcome, "interval"));
	g_autofree char *area = g_strdup_printf("AUC %.3f (%s)", fact_number(outcome, "slide_auc"), interval);

	*r = (struct roc){ .curve = curve_of_points(fact_text(story_last(p->runs[run], "train", "roc"), "points")),
			   .note = p->n > 1 ? g_strdup_printf("%s: %s", p->names[run], area) : g_strdup(area),
			   .note_x = 0.42, .note_y = 0.2 - 0.08 * run,
			   .at_x = 1 - fact_number(at, "specificity"), .at_y = fact_number(at, "sensitivity") };
}

static void roc_clear(struct roc *r)
{
	curve_free(r->curve);
	g_free(r->note);
}

/* Three series: the curve, the working point, the note. */
static void roc_series(const struct roc *r, guint run, struct chart_series *s)
{
	enum chart_color color = run == 0 ? CHART_FIRST : CHART_SECOND;

	s[0] = (struct chart_series){ .kind = CHART_LINE, .color = color, .dashed = run > 0, .n = r->curve->n, .x = r->curve->x,
				      .y = r->curve->y };
	s[1] = (struct chart_series){ .kind = CHART_POINTS, .color = color, .dashed = run > 0, .n = 1, .x = &r->at_x, .y = &r->at_y };
	s[2] = (struct chart_series){ .kind = CHART_NOTE, .color = color, .n = 1, .x = &r->note_x, .y = &r->note_y, .name_opt = r->note };
}

static void draw_roc(struct page *p)
{
	static const double ends[] = { 0, 1 };
	struct roc rocs[PAGE_RUNS];
	struct chart_series series[1 + 3 * PAGE_RUNS] = { { .kind = CHART_LINE, .dashed = TRUE, .n = 2, .x = ends, .y = ends } };
	guint n = 1;
	g_autoptr(GString) desc = g_string_new(NULL);

	for (guint run = 0; run < p->n; run++) {
		roc_init(&rocs[run], p, run);
		if (rocs[run].curve->n == 0)
			continue;
		roc_series(&rocs[run], run, &series[n]);
		n += 3;
		g_string_append_printf(desc, "%s. ", rocs[run].note);
	}
	g_string_append(desc, "The dashed line is chance; the dot, the working point. A table below has the points.");
	struct chart chart = { .title = "ROC of held-out cases", .desc = desc->str, .series = series, .n_series = n,
			       .x = { .title = "1 − specificity", .low = 0, .high = 1 },
			       .y = { .title = "sensitivity", .low = 0, .high = 1 } };
	if (n > 1)
		page_chart(p, &chart, 400, "The dot is the working point; the dashed line, chance.");
	for (guint run = 0; run < p->n; run++)
		roc_clear(&rocs[run]);
}

static void write_roc(struct page *p, guint run)
{
	static const char *const heads[] = { "1 − specificity", "sensitivity", NULL };
	g_autofree char *title = page_titled(p, run, "Points of the ROC");
	struct curve *curve = curve_of_points(fact_text(story_last(p->runs[run], "train", "roc"), "points"));

	if (curve->n > 0)
		html_table(p->out, title, heads, 2);
	for (guint i = 0; i < MIN(curve->n, PAGE_ROWS); i++) {
		char x[32], y[32];

		g_snprintf(x, sizeof x, "%.3f", curve->x[i]);
		g_snprintf(y, sizeof y, "%.3f", curve->y[i]);
		html_row(p->out, (const char *const[]){ x, y }, 2, 2, FALSE);
	}
	if (curve->n > 0)
		html_table_end(p->out);
	curve_free(curve);
}

/* ---- the cases ---- */

struct strip {
	const char *groups[MOST_GROUPS + 1];    /* NULL-ended */
	guint n_groups;
	GArray *x[2], *y[2];                    /* of double: called rightly, wrongly */
	GPtrArray *texts[2];
};

static const char *group_of(const struct fact *held)
{
	double size = fact_number(held, "size");
	const char *class = fact_text(held, "class");

	if (size > 0)
		return size <= ITC_UM2 ? "ITC, to 0.2 mm" : size <= MICRO_UM2 ? "micro, to 2 mm" : "macro";
	return class != NULL ? class : "?";
}

/* Classes as they come, then the sizes, from small to large; what is too many is not shown. */
static void find_groups(struct strip *s, const GPtrArray *held)
{
	static const char *const sizes[] = { "ITC, to 0.2 mm", "micro, to 2 mm", "macro" };

	for (gsize k = 0; k <= G_N_ELEMENTS(sizes); k++)
		for (guint i = 0; i < held->len && s->n_groups < MOST_GROUPS; i++) {
			const char *group = group_of(held->pdata[i]);
			gboolean sized = fact_number(held->pdata[i], "size") > 0;

			if ((k == 0 ? !sized : sized && g_str_equal(group, sizes[k - 1])) && !g_strv_contains(s->groups, group))
				s->groups[s->n_groups++] = group;
		}
}

/* Points of a group are spread over its height, so that those of about the same probability are seen. */
static void place_case(struct strip *s, const struct fact *held, double at)
{
	const char *group = group_of(held), *id = fact_text(held, "case");
	double p = fact_number(held, "p");
	guint row = 0;

	while (row < s->n_groups && !g_str_equal(s->groups[row], group))
		row++;
	if (row == s->n_groups || isnan(p))
		return;
	gsize wrong = isfinite(at) && (p >= at) != page_positive(held);
	double y = row + (s->texts[0]->len + s->texts[1]->len) * 0.618034;
	y = row + (y - floor(y) - 0.5) * 0.6;
	g_array_append_val(s->x[wrong], p);
	g_array_append_val(s->y[wrong], y);
	g_ptr_array_add(s->texts[wrong], g_strdup_printf("%s: %.3f", id != NULL ? id : "?", p));
}

static void draw_strip(struct page *p, struct strip *s, const char *title, double at)
{
	g_autofree char *note = g_strdup_printf("positive from %.3f on", at);
	double rule_x[] = { at, at }, rule_y[] = { -0.5, s->n_groups - 0.5 };
	g_autofree char *desc = g_strdup_printf("%u cases; %u on the wrong side of the working point, as rings. The table of "
						"cases has the numbers.", s->texts[0]->len + s->texts[1]->len, s->texts[1]->len);
	struct chart_series series[] = {
		{ .kind = CHART_LINE, .dashed = TRUE, .n = 2, .x = rule_x, .y = rule_y },
		{ .kind = CHART_POINTS, .color = CHART_FIRST },
		{ .kind = CHART_POINTS, .color = CHART_SECOND, .dashed = TRUE },
	};
	for (gsize i = 0; i < 2; i++) {
		series[1 + i].n = s->texts[i]->len;
		series[1 + i].x = (const double *)(void *)s->x[i]->data;
		series[1 + i].y = (const double *)(void *)s->y[i]->data;
		series[1 + i].texts_opt = (const char *const *)s->texts[i]->pdata;
	}
	struct chart chart = { .title = title, .desc = desc, .series = series, .n_series = G_N_ELEMENTS(series),
			       .x = { .title = "probability", .low = 0, .high = 1 },
			       .y = { .title = isfinite(at) ? note : NULL, .low = NAN, .high = NAN, .names_opt = s->groups } };
	page_chart(p, &chart, (int)(80 + 64 * s->n_groups), "Rings lie on the wrong side of the working point, the dashed line.");
}

static void strip_of(struct page *p, guint run)
{
	const GPtrArray *held = story_facts(p->runs[run], "train", "held");
	double at = fact_number(story_last(p->runs[run], "train", "confusion"), "at");
	g_autofree char *title = page_titled(p, run, "Probability of each case");
	struct strip s = { .n_groups = 0 };
	guint every = held->len / CURVE_POINTS + 1;

	find_groups(&s, held);
	for (gsize i = 0; i < 2; i++) {
		s.x[i] = g_array_new(FALSE, FALSE, sizeof(double));
		s.y[i] = g_array_new(FALSE, FALSE, sizeof(double));
		s.texts[i] = g_ptr_array_new_with_free_func(g_free);
	}
	for (guint i = 0; i < held->len; i += every)
		place_case(&s, held->pdata[i], at);
	if (s.texts[0]->len + s.texts[1]->len > 0)
		draw_strip(p, &s, title, at);
	for (gsize i = 0; i < 2; i++) {
		g_array_unref(s.x[i]);
		g_array_unref(s.y[i]);
		g_ptr_array_unref(s.texts[i]);
	}
}

/* ---- the working point ---- */

static void write_confusion(struct page *p, guint run)
{
	const struct fact *c = story_last(p->runs[run], "train", "confusion");
	g_autofree char *title = page_titled(p, run, "At the working point");
	static const char *const keys[] = { "tp", "fn", "fp", "tn", "sensitivity", "specificity", "at" };
	const char *text[G_N_ELEMENTS(keys)];

	if (c == NULL)
		return;
	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
		text[i] = fact_text(c, keys[i]) != NULL ? fact_text(c, keys[i]) : "–";
	html_printf(p->out, "<table class=\"confusion\"><caption>%s</caption>\n<thead><tr><td></td><th scope=\"col\">called positive</th>"
		    "<th scope=\"col\">called negative</th><th scope=\"col\">called rightly</th></tr></thead>\n<tbody>\n"
		    "<tr><th scope=\"row\">positive</th><td class=\"right\">%s</td><td>%s</td><td>%s (sensitivity)</td></tr>\n"
		    "<tr><th scope=\"row\">negative</th><td>%s</td><td class=\"right\">%s</td><td>%s (specificity)</td></tr>\n"
		    "</tbody></table>\n<p class=\"note\">Positive: a probability of %s or more.</p>\n", title, text[0], text[1], text[4],
		    text[2], text[3], text[5], text[6]);
}

static void write_worst(struct page *p, guint run)
{
	const char *cases = fact_text(story_last(p->runs[run], "train", "worst"), "cases");
	g_autofree char *title = page_titled(p, run, "Furthest on the wrong side");
	g_auto(GStrv) list = g_strsplit(cases != NULL ? cases : "", ",", 21);

	if (list[0] == NULL)
		return;
	html_printf(p->out, "<h3>%s</h3>\n<ul>\n", title);
	for (guint i = 0; list[i] != NULL && i < 20; i++)
		html_printf(p->out, "<li>%s</li>\n", list[i]);
	g_string_append(p->out, "</ul>\n");
}

void part_held(struct page *p)
{
	struct page_box grid = page_open(p, "<div class=\"grid\">\n");
	struct page_box left = page_open(p, "<div>\n");

	draw_roc(p);
	for (guint run = 0; run < p->n; run++)
		write_confusion(p, run);
	page_close(p, left, "</div>\n");
	struct page_box right = page_open(p, "<div>\n");
	for (guint run = 0; run < p->n; run++)
		strip_of(p, run);
	page_facts(p, "By the size of the lesions", "train", "size", "of");
	for (guint run = 0; run < p->n; run++)
		write_worst(p, run);
	page_close(p, right, "</div>\n");
	page_close(p, grid, "</div>\n");
	struct page_box fold = page_fold(p, "The cases in numbers");
	page_facts(p, "Held-out cases", "train", "held", "case");
	for (guint run = 0; run < p->n; run++)
		write_roc(p, run);
	page_close(p, fold, "</details>\n");
}
