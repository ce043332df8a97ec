/* One slide's tissue, cell by cell, whatever it is made of.
 *
 * A kind is a table of functions: tissue from photographed tiles (pcam.h) or generated (texture.h).
 * A tissue is used by one thread at a time and gives the same pixels for a cell at every call. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct TissueKind {
	const char *name;
	/* Fills rgba (tile, tile, 4), alpha 255 where there is tissue and 0 on glass. False when the
	 * cell is all glass; rgba is then left as it was. Cells beside the layout may be asked for. */
	bool (*cell)(gpointer self, int column, int row, guint8 *rgba);
	void (*free)(gpointer self);
};

struct Tissue {
	const struct TissueKind *kind;
	gpointer self;
};
