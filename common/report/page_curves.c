/* page_curves.c - how it learned: each measure over the epochs, of one run with what belongs beside it, of two runs both. */
#include "common/report/curve.h"
#include "common/report/page_parts.h"
#include <math.h>

/* What a chart shows: `key` of the epochs, or of the steps where these tell it; of a single run also `other`. */
static const struct measure {
	const char *title, *unit;
	const char *key, *name, *other_opt, *other_name;
	const char *interval_opt;       /* the key of its interval */
	gboolean steps, log, two_runs;  /* of steps if they tell it; logarithmic; shown of two runs alone */
	double low, high;               /* of the axis; NAN: as the data have it */
} measures[] = {
	{ "Slide AUC", "AUC of held-out cases", "slide_auc", "slides", "tile_auc", "tiles", "interval", FALSE, FALSE, FALSE, NAN, 1 },
	{ "Tile AUC", "AUC of held-out tiles", "tile_auc", "tiles", NULL, NULL, NULL, FALSE, FALSE, TRUE, NAN, 1 },
	{ "Loss", "mean log loss", "loss", "training", "log_loss", "held out", NULL, FALSE, FALSE, FALSE, 0, NAN },
	{ "Held-out loss", "mean log loss", "log_loss", "held out", NULL, NULL, NULL, FALSE, FALSE, TRUE, 0, NAN },
	{ "Learning rate", "rate", "rate", "rate", NULL, NULL, NULL, TRUE, FALSE, FALSE, 0, NAN },
	{ "Gradient", "L2 norm, logarithmic", "gradient", "norm", NULL, NULL, NULL, TRUE, TRUE, FALSE, NAN, NAN },
};

enum { MOST_SERIES = 4 * PAGE_RUNS };   /* of a run: a band, its steps, its epochs, what stands beside it */

struct drawing {
	struct chart_series series[MOST_SERIES];
	struct curve *curves[MOST_SERIES];      /* whose points they are */
	char *names[MOST_SERIES];       /* with the last value */
	gboolean values;                /* that last value is of interest: it is in the labels */
	guint n;
};

static void drawing_clear(struct drawing *d)
{
	for (guint i = 0; i < d->n; i++) {
		curve_free(d->curves[i]);
		g_free(d->names[i]);
	}
}

static struct chart_series *add(struct drawing *d, enum chart_kind kind, struct curve *curve, guint run, enum chart_color color)
{
	struct chart_series *s = &d->series[d->n];

	*s = (struct chart_series){ .kind = kind, .color = color, .dashed = run > 0, .n = curve->n, .x = curve->x, .y = curve->y };
	d->curves[d->n++] = curve;
	return s;
}

/* Over the epochs, as a share of each where `word` is "step". False, and nothing added, where there are no points. */
static gboolean add_line(struct drawing *d, const struct page *p, guint run, const char *word, const char *key, const char *name,
			 enum chart_color color)
{
	struct curve *curve = curve_over_epochs(p->runs[run], word, key);

	if (curve->n == 0) {
		curve_free(curve);
		return FALSE;
	}
	struct chart_series *s = add(d, CHART_LINE, curve, run, color);
	if (name != NULL) {
		d->names[d->n - 1] = g_strdup_printf("%s %.3g", name, curve->y[curve->n - 1]);
		s->name_opt = d->values ? d->names[d->n - 1] : p->n > 1 ? name : NULL;
	}
	return TRUE;
}

static void add_band(struct drawing *d, const struct page *p, guint run, const char *key, enum chart_color color)
{
	struct curve *curve = curve_range_over_epochs(p->runs[run], key);

	add(d, CHART_BAND, curve, run, color)->high = curve->high;
}

static void draw_run(struct drawing *d, const struct page *p, guint run, const struct measure *m)
{
	enum chart_color color = run == 0 ? CHART_FIRST : CHART_SECOND;
	const char *name = p->n > 1 ? p->names[run] : m->name;

	if (m->interval_opt != NULL)
		add_band(d, p, run, m->interval_opt, color);
	if (p->n == 1 && !m->steps && g_str_equal(m->key, "loss"))
		add_line(d, p, run, "step", m->key, NULL, CHART_NEUTRAL);
	if (!m->steps || !add_line(d, p, run, "step", m->key, name, color))
		add_line(d, p, run, "epoch", m->key, name, color);
	if (p->n == 1 && m->other_opt != NULL)
		add_line(d, p, run, "epoch", m->other_opt, m->other_name, CHART_SECOND);
}

static void draw_measure(struct page *p, const struct measure *m)
{
	struct drawing d = { .values = !m->steps };
	g_autoptr(GString) desc = g_string_new(NULL);
	guint lines = 0;
	double last = 0;

	for (guint run = 0; run < p->n; run++)
		draw_run(&d, p, run, m);
	for (guint i = 0; i < d.n; i++) {
		last = MAX(last, d.series[i].n > 0 ? d.series[i].x[d.series[i].n - 1] : 0);
		lines += d.series[i].kind == CHART_LINE && d.series[i].n > 1;
		if (d.series[i].kind == CHART_LINE && d.names[i] != NULL)
			g_string_append_printf(desc, "%s at the end, from %.3g at the start. ", d.names[i], d.series[i].y[0]);
	}
	g_string_append(desc, "The table of epochs has the numbers.");
	struct chart chart = { .title = m->title, .desc = desc->str, .series = d.series, .n_series = d.n,
			       .x = { .title = "epoch", .low = NAN, .high = NAN, .whole = last > 2 },
			       .y = { .title = m->unit, .low = m->low, .high = m->high, .log = m->log } };
	if (lines > 0)
		page_chart(p, &chart, 250, NULL);
	drawing_clear(&d);
}

void part_curves(struct page *p)
{
	struct page_box grid = page_open(p, "<div class=\"grid\">\n");

	for (gsize i = 0; i < G_N_ELEMENTS(measures); i++)
		if (p->n > 1 || !measures[i].two_runs)
			draw_measure(p, &measures[i]);
	page_close(p, grid, "</div>\n");
	struct page_box fold = page_fold(p, "The epochs in numbers");
	page_facts(p, "Epochs", "train", "epoch", "n");
	page_facts(p, "Curves in short", "train", "curve", "of");
	page_close(p, fold, "</details>\n");
}
