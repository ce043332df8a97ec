/*
 * text.h - small pictures in lines of text, for logs and terminals.
 *
 *   loss: ⠒ train, o held out
 *   0.69 ┤⠑⢄
 *        │ ⠈⠢⡀
 *        │   ⠈⠒⢄o
 *        │      ⠉⠒⢄⡀ooooo
 *        │         ⠈⠑⠒⠤⣀⡀oooooooooooooooo
 *   0.05 ┤              ⠈⠉⠒⠢⢄⣀⣀⡀⣀⣀⣀⣀⣀⣀⣀⣀⣀
 *        └─────────────────────────────────
 *         1           epoch             20
 *
 * A width counts characters, not bytes; no line is wider or has a blank at its end. With `ascii` a picture has only
 * ASCII, else UTF-8 (blocks and Braille); labels and names stand as the caller gives them, and are UTF-8. What is not
 * finite is a gap. Where there is nothing to draw or no room for it, there is no line ("" or an empty list).
 *
 * Errors: none. Memory: some bytes a character; O(n) time. Threads: no state.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* Values from the lowest (▁, or _) to the highest (█, or #), one character each; where there are more than `width`,
   a character is the mean of as many values as its neighbours, give or take one. Those that are all the same are
   drawn at half height. g_free() it. */
char *plot_spark(const double *values, gsize n, guint width, gboolean ascii);

struct plot_series {
	const char *name_opt;
	const double *x_opt;    /* (n) NULL: 1, 2, ... n */
	const double *y;        /* (n) */
	gsize n;
};

/* Of an axis. low = high (0, if nothing is said): from the lowest to the highest value that is drawn. What lies beyond
   is drawn at the edge. */
struct plot_axis {
	const char *name_opt;
	double low, high;
};

struct plot_form {
	guint width, height;    /* of all of it: characters, lines */
	gboolean ascii;
	struct plot_axis x, y;
	gboolean diagonal;      /* dots from the lower left to the upper right: where a ROC curve tells nothing */
};

/* One or two curves over the same axes: their points are joined in the order they have, so that steps are points with
   the same x or y. The first is drawn over the second. A line names the y axis and the series, unless none of them has
   a name. List of char *; g_ptr_array_unref() it. */
GPtrArray *plot_curves(const struct plot_form *form, const struct plot_series *first,
		       const struct plot_series *second_opt);

G_END_DECLS
