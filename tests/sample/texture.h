/* Tissue that is generated: a lymph node in H&E, with or without metastasis.
 *
 * Normal: sheets of small dark nuclei, follicles with somewhat larger ones, collagen with
 * spindle-shaped nuclei, fat, vessels, clefts, ice-crystal holes and pale patches as of a frozen
 * section. Tumour: nuclei larger, closer and paler, with nucleoli; all else as in normal tissue.
 * Both classes are brought to amounts of stain from one distribution, so mean colour does not
 * tell them apart. Everything is one plane without seams; the outline is not the cells' own. */
#pragma once

#include "layout.h"
#include "stain.h"
#include "tissue.h"

/* The layout and nothing else must outlive the tissue. mpp: um a px; tile: side of a cell, px.
 * Memory: two bytes a pixel of tissue. */
struct Tissue texture_tissue(const struct Layout *layout, int tile, double mpp,
	const struct Stain *stain, guint64 seed);
