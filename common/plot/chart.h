/*
 * chart.h - charts as SVG: what is to be seen is declared, where it goes is computed.
 *
 *   const struct chart_series auc = { .kind = CHART_LINE, .color = CHART_FIRST, .name_opt = "held-out tiles",
 *                                     .n = n, .x = epoch, .y = tile_auc };
 *   const struct chart chart = { .id = "auc", .title = "Tile AUC", .desc = "It rises from 0.71 to 0.94.",
 *                                .width = 400, .height = 240, .series = &auc, .n_series = 1,
 *                                .x = { .title = "epoch", .low = NAN, .high = NAN },
 *                                .y = { .title = "AUC", .low = 0.5, .high = 1 } };
 *   chart_append(html, &chart);
 *
 * Lines are labelled where they end, with room made for the labels, so there is no legend. Colours come from classes
 * (chart_style), light and dark, and are told apart by those who see few; dashes and rings tell series apart
 * without any. An image to screen readers (role=img), with title and description: the numbers belong into a table beside it.
 *
 * Text is UTF-8 and escaped here. Values: not finite is a gap; beyond an axis, drawn at its end. Sizes are px of the
 * view box, in which text is 12 px high: it looks best at about that width.
 * Errors: none. Threads: no state.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

enum chart_kind {
	CHART_LINE,     /* from point to point */
	CHART_STEP,     /* a value holds until the next x */
	CHART_BAND,     /* the area between y and high */
	CHART_POINTS,
	CHART_BARS,     /* from 0 to x, at y, which is a place among the names of the y axis */
	CHART_NOTE,     /* name_opt, written right of its first point, as far as there is room */
};

enum chart_color { CHART_NEUTRAL, CHART_FIRST, CHART_SECOND, CHART_THIRD };

struct chart_series {
	enum chart_kind kind;
	enum chart_color color;
	gboolean dashed;                /* a line of dashes; points are rings, bars and bands paler */
	const char *name_opt;
	gsize n;
	const double *x, *y;            /* (n) */
	const double *high;             /* (n), of a band */
	const char *const *texts_opt;   /* (n): behind a bar; of a point, shown where a pointer rests on it */
};

struct chart_axis {
	const char *title;              /* with the unit: "time (h)" */
	double low, high;               /* NAN: as the data have it */
	gboolean whole, log;            /* see scale.h */
	const char *const *names_opt;   /* of y alone: the places 0, 1, ... from the top, instead of numbers; NULL-ended */
};

struct chart {
	const char *id;                 /* letters, digits and '-'; of this chart alone in its page */
	const char *title, *desc;       /* what it is; what it shows, in a sentence */
	int width, height;              /* 200 to 2000 px */
	struct chart_axis x, y;
	const struct chart_series *series;
	gsize n_series;
};

/* An <svg> for an HTML page that has chart_style() among its styles. */
void chart_append(GString *html, const struct chart *chart);
/* A file of its own, with its title above it; g_free() it. */
char *chart_file(const struct chart *chart);
/* CSS. Pages may use its variables, too: --paper --ink --soft --grid --c1 --c2 --c3. Text in each of them but
   --grid has a contrast of 4.5 at least. */
const char *chart_style(void);

G_END_DECLS
