/* chart.c - see chart.h. First the frame is laid out around the plot, from the texts that stand beside it; then the axes
   and the series are drawn into it, in the order in which they are given. */
#include "common/plot/chart.h"
#include "common/plot/scale.h"
#include <math.h>

#define LETTER   7.1    /* px, of a 12 px wide sans-serif, on average */
#define BOLD     1.1    /* times as wide */
#define LINE_GAP 14     /* px between lines of text */
#define DOT      3.5    /* px, a point's radius */
#define BAR      0.31   /* half a bar's height, in places */

struct frame {
	const struct chart *chart;
	GString *out;
	struct scale x, y;
	guint names;                            /* of the y axis; 0: numbers */
	double left, right, top, bottom;        /* of the plot, px */
};

/* ---- layout ---- */

static double text_px(const char *text)
{
	double letters = 0;

	for (; *text != '\0'; text = g_utf8_next_char(text))
		letters += g_unichar_iswide(g_utf8_get_char(text)) ? 2 : 1;
	return letters * LETTER;
}

/* The text, or so much of it as fits, and "…". */
static char *fit_text(const char *text, double px)
{
	glong letters = (glong)MAX(px / LETTER, 2);

	if (text_px(text) <= px || g_utf8_strlen(text, -1) <= letters)
		return g_strdup(text);
	g_autofree char *head = g_utf8_substring(text, 0, letters - 1);
	return g_strconcat(head, "…", NULL);
}

static void widen(double *low, double *high, const double *values, gsize n)
{
	for (gsize i = 0; i < n; i++)
		if (isfinite(values[i])) {
			*low = MIN(*low, values[i]);
			*high = MAX(*high, values[i]);
		}
}

/* The ends that are not given are those of the data; a bar begins at 0. */
static void fit_axis(struct scale *s, const struct chart *c, gboolean is_x, guint about)
{
	const struct chart_axis *axis = is_x ? &c->x : &c->y;
	double low = INFINITY, high = -INFINITY;
	enum scale_flags flags = (axis->whole ? SCALE_WHOLE : 0) | (axis->log ? SCALE_LOG : 0);
	gboolean bars = FALSE;

	for (gsize i = 0; i < c->n_series; i++) {
		const struct chart_series *series = &c->series[i];

		widen(&low, &high, is_x ? series->x : series->y, series->n);
		if (!is_x && series->kind == CHART_BAND)
			widen(&low, &high, series->high, series->n);
		bars |= series->kind == CHART_BARS;
	}
	if (is_x && bars)
		low = MIN(low, 0);
	if ((is_x && !bars) || (isfinite(axis->low) && isfinite(axis->high)))
		flags |= SCALE_ENDS;
	scale_init(s, isfinite(axis->low) ? axis->low : low, isfinite(axis->high) ? axis->high : high, about, flags);
}

static gboolean is_line(const struct chart_series *s) { return s->kind == CHART_LINE || s->kind == CHART_STEP; }

static double right_margin(const struct chart *c)
{
	double most = 2 * LETTER;       /* half a number below the end of the axis */

	for (gsize i = 0; i < c->n_series; i++) {
		const struct chart_series *s = &c->series[i];

		if (is_line(s) && s->name_opt != NULL)
			most = MAX(most, BOLD * text_px(s->name_opt) + 10);
		for (gsize k = 0; s->kind == CHART_BARS && s->texts_opt != NULL && k < s->n; k++)
			most = MAX(most, text_px(s->texts_opt[k]) + 10);
	}
	return MIN(most, c->width * 0.4);
}

static double left_margin(const struct frame *f)
{
	double most = 16;

	for (guint i = 0; i < (f->names > 0 ? f->names : f->y.n); i++)
		most = MAX(most, text_px(f->names > 0 ? f->chart->y.names_opt[i] : f->y.text[i]));
	return MIN(most + 10, f->chart->width * 0.4);
}

static void lay_out(struct frame *f, double heading)
{
	const struct chart *c = f->chart;

	while (c->y.names_opt != NULL && c->y.names_opt[f->names] != NULL)
		f->names++;
	f->top = heading + (c->y.title != NULL ? 26 : 10);
	f->bottom = c->height - (c->x.title != NULL ? 40 : 22);
	fit_axis(&f->y, c, FALSE, (guint)MAX((f->bottom - f->top) / 36, 2));
	f->left = left_margin(f);
	f->right = c->width - right_margin(c);
	fit_axis(&f->x, c, TRUE, (guint)MAX((f->right - f->left) / 48, 2));
}

static double x_px(const struct frame *f, double value)
{
	return f->left + scale_place(&f->x, value) * (f->right - f->left);
}

static double y_px(const struct frame *f, double value)
{
	if (f->names > 0)
		return f->top + CLAMP((value + 0.5) / f->names, 0, 1) * (f->bottom - f->top);
	return f->bottom - scale_place(&f->y, value) * (f->bottom - f->top);
}

/* ---- drawing ---- */

static void text_at(const struct frame *f, const char *class, double x, double y, const char *text)
{
	g_autofree char *escaped = g_markup_escape_text(text, -1);

	g_string_append_printf(f->out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", class, x, y, escaped);
}

static void rule(const struct frame *f, double x1, double y1, double x2, double y2)
{
	g_string_append_printf(f->out, "M%.1f %.1fL%.1f %.1f", x1, y1, x2, y2);
}

/* Lines across the plot where there are numbers: from those of y, or up from those of x where y has names. */
static void draw_grid(const struct frame *f)
{
	g_string_append(f->out, "<path class=\"grid\" d=\"");
	for (guint i = 0; f->names == 0 && i < f->y.n; i++)
		rule(f, f->left, y_px(f, f->y.tick[i]), f->right, y_px(f, f->y.tick[i]));
	for (guint i = 0; i < f->x.n; i++)
		rule(f, x_px(f, f->x.tick[i]), f->names > 0 ? f->top : f->bottom, x_px(f, f->x.tick[i]), f->bottom + 4);
	g_string_append(f->out, "\"/>\n<path class=\"axis\" d=\"");
	if (f->names > 0)
		rule(f, x_px(f, 0), f->top, x_px(f, 0), f->bottom);
	else
		rule(f, f->left, f->bottom, f->right, f->bottom);
	g_string_append(f->out, "\"/>\n");
}

static void draw_axes(const struct frame *f)
{
	const struct chart *c = f->chart;

	draw_grid(f);
	for (guint i = 0; i < f->x.n; i++)
		text_at(f, "mid", x_px(f, f->x.tick[i]), f->bottom + 17, f->x.text[i]);
	for (guint i = 0; f->names == 0 && i < f->y.n; i++)
		text_at(f, "end", f->left - 7, y_px(f, f->y.tick[i]) + 4, f->y.text[i]);
	for (guint i = 0; i < f->names; i++) {
		g_autofree char *name = fit_text(c->y.names_opt[i], f->left - 10);

		text_at(f, "end ink", f->left - 7, y_px(f, i) + 4, name);
	}
	if (c->y.title != NULL)
		text_at(f, "title", 2, f->top - 13, c->y.title);
	if (c->x.title != NULL)
		text_at(f, "end title", f->right, f->bottom + 34, c->x.title);
}

static gboolean is_point(const struct chart_series *s, gsize i)
{
	return i < s->n && !isnan(s->x[i]) && !isnan(s->y[i]) && (s->kind != CHART_BAND || !isnan(s->high[i]));
}

/* A lone point of a line is a dot: a line of no length with round ends. */
static void draw_line(const struct frame *f, const struct chart_series *s)
{
	g_string_append(f->out, "<path class=\"line\" d=\"");
	for (gsize i = 0; i < s->n; i++) {
		double x = x_px(f, s->x[i]), y = y_px(f, s->y[i]);

		if (!is_point(s, i))
			continue;
		if (i == 0 || !is_point(s, i - 1))
			g_string_append_printf(f->out, "M%.1f %.1fh0", x, y);
		else if (s->kind == CHART_STEP)
			g_string_append_printf(f->out, "H%.1fV%.1f", x, y);
		else
			g_string_append_printf(f->out, "L%.1f %.1f", x, y);
	}
	g_string_append(f->out, "\"/>\n");
}

static void draw_band(const struct frame *f, const struct chart_series *s)
{
	g_string_append(f->out, "<path class=\"band\" d=\"");
	for (gsize i = 0, end; i < s->n; i = end) {
		for (end = i; is_point(s, end); end++)
			g_string_append_printf(f->out, "%c%.1f %.1f", end == i ? 'M' : 'L', x_px(f, s->x[end]),
					       y_px(f, s->high[end]));
		for (gsize k = end; k > i; k--)
			g_string_append_printf(f->out, "L%.1f %.1f", x_px(f, s->x[k - 1]), y_px(f, s->y[k - 1]));
		if (end > i)
			g_string_append_c(f->out, 'Z');
		else
			end++;
	}
	g_string_append(f->out, "\"/>\n");
}

static void draw_points(const struct frame *f, const struct chart_series *s)
{
	for (gsize i = 0; i < s->n; i++) {
		if (!is_point(s, i))
			continue;
		g_string_append_printf(f->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\">", x_px(f, s->x[i]),
				       y_px(f, s->y[i]), DOT);
		if (s->texts_opt != NULL) {
			g_autofree char *text = g_markup_escape_text(s->texts_opt[i], -1);
			g_string_append_printf(f->out, "<title>%s</title>", text);
		}
		g_string_append(f->out, "</circle>\n");
	}
}

static void draw_bars(const struct frame *f, const struct chart_series *s)
{
	for (gsize i = 0; i < s->n; i++) {
		double zero = x_px(f, 0), x = x_px(f, s->x[i]), top = y_px(f, s->y[i] - BAR);

		if (!is_point(s, i))
			continue;
		g_string_append_printf(f->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\"/>\n",
				       MIN(zero, x), top, MAX(fabs(x - zero), 1), y_px(f, s->y[i] + BAR) - top);
		if (s->texts_opt != NULL)
			text_at(f, "ink", MAX(zero, x) + 6, y_px(f, s->y[i]) + 4, s->texts_opt[i]);
	}
}

static void draw_note(const struct frame *f, const struct chart_series *s)
{
	if (!is_point(s, 0) || s->name_opt == NULL)
		return;
	g_autofree char *text = fit_text(s->name_opt, f->chart->width / BOLD);
	double most = f->chart->width - BOLD * text_px(text);   /* where it still fits */
	text_at(f, "label", CLAMP(x_px(f, s->x[0]) + 6, 0, MAX(most, 0)), y_px(f, s->y[0]) + 4, text);
}

static void draw_series(const struct frame *f, const struct chart_series *s)
{
	static void (*const draw[])(const struct frame *, const struct chart_series *) = {
		[CHART_LINE] = draw_line, [CHART_STEP] = draw_line, [CHART_BAND] = draw_band,
		[CHART_POINTS] = draw_points, [CHART_BARS] = draw_bars, [CHART_NOTE] = draw_note,
	};

	g_string_append_printf(f->out, "<g class=\"c%d%s\">\n", s->color, s->dashed ? " dashed" : "");
	draw[s->kind](f, s);
	g_string_append(f->out, "</g>\n");
}

/* ---- labels behind lines ---- */

struct label { const struct chart_series *series; double x, y; };

static int compare_labels(const void *a, const void *b)
{
	const struct label *x = a, *y = b;

	return (x->y > y->y) - (x->y < y->y);
}

/* Down where they would overlap, then up again where that leaves the plot. */
static void spread_labels(const struct frame *f, struct label *labels, guint n)
{
	for (guint i = 1; i < n; i++)
		labels[i].y = MAX(labels[i].y, labels[i - 1].y + LINE_GAP);
	for (guint i = n; i-- > 0;)
		labels[i].y = MIN(labels[i].y, i + 1 == n ? f->bottom : labels[i + 1].y - LINE_GAP);
}

static void draw_labels(const struct frame *f)
{
	g_autoptr(GArray) labels = g_array_new(FALSE, FALSE, sizeof(struct label));

	for (gsize i = 0; i < f->chart->n_series; i++) {
		const struct chart_series *s = &f->chart->series[i];
		gsize last = s->n;

		while (last > 0 && !is_point(s, last - 1))
			last--;
		if (!is_line(s) || s->name_opt == NULL || last == 0)
			continue;
		struct label label = { s, x_px(f, s->x[last - 1]) + 7, y_px(f, s->y[last - 1]) };
		g_array_append_val(labels, label);
	}
	g_array_sort(labels, compare_labels);
	spread_labels(f, (struct label *)(void *)labels->data, labels->len);
	for (guint i = 0; i < labels->len; i++) {
		const struct label *label = &g_array_index(labels, struct label, i);
		g_autofree char *name = fit_text(label->series->name_opt, (f->chart->width - label->x) / BOLD);
		g_autofree char *class = g_strdup_printf("label c%d", label->series->color);

		text_at(f, class, label->x, label->y + 4, name);
	}
}

/* ---- the whole ---- */

static void append_svg(GString *out, const struct chart *c, gboolean file)
{
	struct frame f = { .chart = c, .out = out };
	g_autofree char *names = g_markup_printf_escaped("<title id=\"%s-t\">%s</title>\n<desc id=\"%s-d\">%s</desc>\n", c->id,
							  c->title, c->id, c->desc);

	lay_out(&f, file ? 28 : 0);
	g_string_append_printf(out, "<svg class=\"chart\" role=\"img\" aria-labelledby=\"%s-t\" aria-describedby=\"%s-d\" "
			       "viewBox=\"0 0 %d %d\"%s>\n%s", c->id, c->id, c->width, c->height,
			       file ? " xmlns=\"http://www.w3.org/2000/svg\"" : "", names);
	if (file) {
		g_string_append_printf(out, "<style>\n%s</style>\n<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n",
				       chart_style(), c->width, c->height);
		text_at(&f, "heading", 2, 18, c->title);
	}
	draw_axes(&f);
	for (gsize i = 0; i < c->n_series; i++)
		draw_series(&f, &c->series[i]);
	draw_labels(&f);
	g_string_append(out, "</svg>\n");
}

void chart_append(GString *html, const struct chart *chart) { append_svg(html, chart, FALSE); }

char *chart_file(const struct chart *chart)
{
	GString *out = g_string_new(NULL);

	append_svg(out, chart, TRUE);
	return g_string_free(out, FALSE);
}

const char *chart_style(void)
{
	/* a colour is said twice: programs that know no variables take the first */
	return ":root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#595f69;--grid:#e3e6ea;--c1:#0b62a4;--c2:#b34700;"
	       "--c3:#00704f}\n"
	       "@media screen and (prefers-color-scheme:dark){:root{--paper:#14171c;--ink:#e6e9ee;--soft:#9aa4b2;--grid:#2c323b;"
	       "--c1:#6cb6ff;--c2:#f2a65a;--c3:#5fd0a5}}\n"
	       ".chart{font:12px system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif;font-variant-numeric:tabular-nums}\n"
	       ".chart text{fill:#595f69;fill:var(--soft)}\n"
	       ".chart .ink,.chart .heading{fill:#1b1f24;fill:var(--ink)}\n"
	       ".chart .heading{font-size:15px;font-weight:600}\n"
	       ".chart .mid{text-anchor:middle}.chart .end{text-anchor:end}\n"
	       ".chart .c0{color:#595f69;color:var(--soft)}.chart .c1{color:#0b62a4;color:var(--c1)}\n"
	       ".chart .c2{color:#b34700;color:var(--c2)}.chart .c3{color:#00704f;color:var(--c3)}\n"
	       ".chart .label{fill:currentColor;font-weight:600;paint-order:stroke;stroke:#fff;stroke:var(--paper);stroke-width:3px}\n"
	       ".chart .line{fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}\n"
	       ".chart .c0 .line{stroke-width:1.2}\n"
	       ".chart .dashed .line{stroke-dasharray:5 4;stroke-linecap:butt}\n"
	       ".chart .band{fill:currentColor;fill-opacity:.16}.chart .dashed .band{fill-opacity:.09}\n"
	       ".chart circle{fill:currentColor;fill-opacity:.75}\n"
	       ".chart .dashed circle{fill:none;stroke:currentColor;stroke-width:1.6}\n"
	       ".chart rect{fill:currentColor}.chart .dashed rect{fill-opacity:.5}\n"
	       ".chart .paper{fill:#fff;fill:var(--paper)}\n"
	       ".chart .grid{stroke:#e3e6ea;stroke:var(--grid)}.chart .axis{stroke:#595f69;stroke:var(--soft)}\n";
}
