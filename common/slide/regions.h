/*
 * regions.h - the connected components of a picture that is given as runs of its rows.
 *
 * Masks find lesions with it, tissue its specks and holes. Its cost goes by runs, not pixels.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

struct region_run {
	guint32 start, end;     /* [start, end) px, ascending in a row, not touching */
};

/* Which region each run belongs to, regions counted in reading order of their first runs, into label (as
   many as runs); returns how many regions. rows: (height + 1) first run of each row, the last is the number
   of runs. Corners join if diagonal. */
guint32 regions_label(const struct region_run *runs, const guint32 *rows, guint32 height, gboolean diagonal,
		      guint32 *label);

G_END_DECLS
