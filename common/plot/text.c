/*
 * text.c - see text.h. A curve is drawn in dots: one a character, or, in Braille, two across and four down. A second
 * curve and the diagonal have one dot a character, so that they can be told apart.
 */
#include "common/plot/text.h"
#include <math.h>

static const char spark_ascii[] = "_.:-=+*#";

enum {
	SPARK_LEVELS = sizeof spark_ascii - 1,
	SPARK_LOWEST = 0x2581,  /* ▁; the higher ones follow */
	BRAILLE = 0x2800,
	LEAST_ROWS = 2, LEAST_COLUMNS = 2,
};

/* Of low..high in `steps` steps, the one that a value is nearest to; 0 where high is not above low. */
static gint64 step_of(double value, double low, double high, gint64 steps)
{
	double span = high / 2 - low / 2;       /* halves, for the whole may be infinite */

	return span > 0 ? (gint64)(CLAMP((value / 2 - low / 2) / span, 0, 1) * (double)(steps - 1) + 0.5) : 0;
}

/* ---- one line ---- */

/* The mean of what is finite, NAN: nothing is. A mean of equal values is that value. */
static double finite_mean(const double *values, gsize n)
{
	double mean = NAN, count = 0;

	for (gsize i = 0; i < n; i++)
		if (isfinite(values[i])) {
			count++;
			mean = count > 1 ? mean + (values[i] / count - mean / count) : values[i];
		}
	return mean;
}

static void include(double value, double *low, double *high)
{
	if (isfinite(value)) {
		*low = MIN(*low, value);
		*high = MAX(*high, value);
	}
}

static gunichar spark_mark(double value, double low, double high, gboolean ascii)
{
	gint64 level = low < high ? step_of(value, low, high, SPARK_LEVELS) : SPARK_LEVELS / 2 - 1;

	return ascii ? (gunichar)spark_ascii[level] : SPARK_LOWEST + (gunichar)level;
}

char *plot_spark(const double *values, gsize n, guint width, gboolean ascii)
{
	gsize length = MIN(n, width);
	g_autofree double *mean = g_new(double, length + 1);
	double low = INFINITY, high = -INFINITY;
	GString *text = g_string_new(NULL);

	for (gsize i = 0, from = 0, to; i < length; i++, from = to) {
		to = (i + 1) * (n / length) + (i + 1) * (n % length) / length;
		mean[i] = finite_mean(values + from, to - from);
		include(mean[i], &low, &high);
	}
	for (gsize i = 0; i < length; i++)
		g_string_append_unichar(text, isfinite(mean[i]) ? spark_mark(mean[i], low, high, ascii) : ' ');
	return g_strchomp(g_string_free(text, FALSE));
}

/* ---- curves ---- */

/* One curve's dots. */
struct layer {
	guint columns, rows;    /* characters */
	guint across, down;     /* dots a character */
	guint8 *cells;          /* (rows, columns): bits, as Braille has them */
};

static void layer_init(struct layer *l, guint columns, guint rows, gboolean fine)
{
	*l = (struct layer){ columns, rows, fine ? 2 : 1, fine ? 4 : 1, g_new0(guint8, (gsize)columns * rows) };
}

static void set_dot(struct layer *l, gint64 x, gint64 y)
{
	static const guint8 bits[4][2] = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } };

	l->cells[y / l->down * l->columns + x / l->across] |= bits[y % l->down][x % l->across];
}

struct dot { gint64 x, y; };    /* y downwards */

static void join(struct layer *l, struct dot a, struct dot b)
{
	gint64 dx = b.x - a.x, dy = b.y - a.y, steps = MAX(ABS(dx), ABS(dy));

	set_dot(l, a.x, a.y);
	for (gint64 i = 1; i <= steps; i++)     /* to the nearest dot */
		set_dot(l, a.x + (2 * dx * i + (dx < 0 ? -steps : steps)) / (2 * steps),
			a.y + (2 * dy * i + (dy < 0 ? -steps : steps)) / (2 * steps));
}

static double x_of(const struct plot_series *s, gsize i) { return s->x_opt != NULL ? s->x_opt[i] : (double)i + 1; }

static gboolean is_drawn(const struct plot_series *s, gsize i) { return isfinite(x_of(s, i)) && isfinite(s->y[i]); }

static void draw(struct layer *l, const struct plot_form *f, const struct plot_series *s)
{
	gint64 width = (gint64)l->columns * l->across, height = (gint64)l->rows * l->down;
	struct dot before;
	gboolean joined = FALSE;

	for (gsize i = 0; i < s->n; i++) {
		if (!is_drawn(s, i)) {
			joined = FALSE;
			continue;
		}
		struct dot dot = { step_of(x_of(s, i), f->x.low, f->x.high, width),
				   height - 1 - step_of(s->y[i], f->y.low, f->y.high, height) };
		join(l, joined ? before : dot, dot);
		before = dot;
		joined = TRUE;
	}
}

static void fit(struct plot_form *f, const struct plot_series *s, gboolean fit_x, gboolean fit_y)
{
	for (gsize i = 0; i < s->n; i++) {
		if (!is_drawn(s, i))
			continue;
		if (fit_x)
			include(x_of(s, i), &f->x.low, &f->x.high);
		if (fit_y)
			include(s->y[i], &f->y.low, &f->y.high);
	}
}

/* Axes that are not given take the range of the series. FALSE: there is nothing to draw. */
static gboolean fit_axes(struct plot_form *f, const struct plot_series *const *series, guint n)
{
	gboolean fit_x = !(f->x.low < f->x.high), fit_y = !(f->y.low < f->y.high), any = FALSE;

	if (fit_x)
		f->x.low = INFINITY, f->x.high = -INFINITY;
	if (fit_y)
		f->y.low = INFINITY, f->y.high = -INFINITY;
	for (guint k = 0; k < n; k++) {
		for (gsize i = 0; i < series[k]->n && !any; i++)
			any = is_drawn(series[k], i);
		fit(f, series[k], fit_x, fit_y);
	}
	return any;
}

/* ---- the frame ---- */

struct frame {
	const struct plot_form *form;
	char *heading;          /* "": none */
	char *low[2], *high[2]; /* labels of x and y; high is "" where it is low */
	guint margin;           /* characters before the axis */
	guint columns, rows;    /* of the curves */
};

static guint length(const char *text) { return (guint)g_utf8_strlen(text, -1); }

static char *number(double value)
{
	char digits[32];

	if (value == 0)
		return g_strdup("0");   /* and not -0 */
	g_ascii_formatd(digits, sizeof digits, value == floor(value) && fabs(value) < 1e9 ? "%.0f" : "%.3g", value);
	return g_strdup(digits);
}

static void append_name(GString *heading, const char *before, const char *mark, const struct plot_series *s)
{
	if (s->name_opt != NULL)
		g_string_append_printf(heading, "%s%s %s", heading->len > 0 ? before : "", mark, s->name_opt);
}

/* Cut to the width. */
static char *make_heading(const struct plot_form *f, const struct plot_series *const *series, guint n)
{
	g_autoptr(GString) text = g_string_new(f->y.name_opt);

	append_name(text, ": ", f->ascii ? "*" : "⠒", series[0]);
	if (n > 1)
		append_name(text, series[0]->name_opt != NULL ? ", " : ": ", "o", series[1]);
	return g_utf8_substring(text->str, 0, MIN(length(text->str), f->width));
}

/* FALSE: no room. */
static gboolean frame_init(struct frame *r, const struct plot_form *f, const struct plot_series *const *series, guint n)
{
	const struct plot_axis axes[2] = { f->x, f->y };

	*r = (struct frame){ .form = f, .heading = make_heading(f, series, n) };
	for (int i = 0; i < 2; i++) {
		r->low[i] = number(axes[i].low);
		r->high[i] = axes[i].low < axes[i].high ? number(axes[i].high) : g_strdup("");
	}
	guint lines = 2 + (r->heading[0] != '\0'), labels = length(r->low[0]) + 1 + length(r->high[0]);
	r->margin = MAX(length(r->low[1]), length(r->high[1])) + 1;
	if (f->width < r->margin + 1 + MAX(labels, LEAST_COLUMNS) || f->height < lines + LEAST_ROWS)
		return FALSE;
	r->columns = f->width - r->margin - 1;
	r->rows = f->height - lines;
	return TRUE;
}

static void frame_clear(struct frame *r)
{
	g_free(r->heading);
	for (int i = 0; i < 2; i++) {
		g_free(r->low[i]);
		g_free(r->high[i]);
	}
}

static void add_line(GPtrArray *lines, GString *line)
{
	g_ptr_array_add(lines, g_strchomp(g_string_free(line, FALSE)));
}

static gunichar mark(const struct layer *layers, gsize cell, gboolean ascii)
{
	if (layers[0].cells[cell] != 0)
		return ascii ? '*' : BRAILLE + (gunichar)layers[0].cells[cell];
	if (layers[1].cells[cell] != 0)
		return 'o';
	return layers[2].cells[cell] == 0 ? ' ' : ascii ? '.' : 0xb7 /* · */;
}

static void add_rows(GPtrArray *lines, const struct frame *r, const struct layer *layers)
{
	gboolean ascii = r->form->ascii;

	for (guint row = 0; row < r->rows; row++) {
		const char *label = row == 0 ? r->high[1] : row + 1 == r->rows ? r->low[1] : "";
		GString *line = g_string_new(NULL);
		g_string_printf(line, "%*s %s", (int)r->margin - 1, label, ascii ? "|" : label[0] != '\0' ? "┤" : "│");
		for (guint column = 0; column < r->columns; column++)
			g_string_append_unichar(line, mark(layers, (gsize)row * r->columns + column, ascii));
		add_line(lines, line);
	}
}

static void add_x_axis(GPtrArray *lines, const struct frame *r)
{
	GString *rule = g_string_new(NULL), *labels = g_string_new(NULL);
	const char *name = r->form->x.name_opt != NULL ? r->form->x.name_opt : "";
	guint gap = r->columns - length(r->low[0]) - length(r->high[0]);

	g_string_printf(rule, "%*s%s", (int)r->margin, "", r->form->ascii ? "+" : "└");
	for (guint i = 0; i < r->columns; i++)
		g_string_append(rule, r->form->ascii ? "-" : "─");
	add_line(lines, rule);
	if (length(name) + 2 > gap)
		name = "";
	guint before = (gap - length(name)) / 2, after = gap - length(name) - before;
	g_string_printf(labels, "%*s%s%*s%s%*s%s", (int)r->margin + 1, "", r->low[0], (int)before, "", name, (int)after, "",
			r->high[0]);
	add_line(lines, labels);
}

static void add_picture(GPtrArray *lines, const struct frame *r, const struct plot_series *const *series, guint n)
{
	const struct plot_form *f = r->form;
	const double x[2] = { f->x.low, f->x.high }, y[2] = { f->y.low, f->y.high };
	const struct plot_series diagonal = { .x_opt = x, .y = y, .n = 2 };
	struct layer layers[3];

	for (int i = 0; i < 3; i++)
		layer_init(&layers[i], r->columns, r->rows, i == 0 && !f->ascii);
	for (guint i = 0; i < n; i++)
		draw(&layers[i], f, series[i]);
	if (f->diagonal)
		draw(&layers[2], f, &diagonal);
	if (r->heading[0] != '\0')
		add_line(lines, g_string_new(r->heading));
	add_rows(lines, r, layers);
	add_x_axis(lines, r);
	for (int i = 0; i < 3; i++)
		g_free(layers[i].cells);
}

GPtrArray *plot_curves(const struct plot_form *form, const struct plot_series *first,
		       const struct plot_series *second_opt)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	const struct plot_series *const series[] = { first, second_opt };
	guint n = second_opt != NULL ? 2 : 1;
	struct plot_form f = *form;
	struct frame frame;

	if (!fit_axes(&f, series, n))
		return lines;
	if (frame_init(&frame, &f, series, n))
		add_picture(lines, &frame, series, n);
	frame_clear(&frame);
	return lines;
}
