/* Tissue from a folder of photographed tiles: labels.csv (id,label; 1 is tumour) and
 * tiles/ID.png, all square and of one size, as PatchCamelyon's.
 *
 * The tiles come from many slides and say not from which, so pcam_deal makes slides of them: each
 * gets tiles of like stain, normal and tumour alike, and no tile is dealt to two slides. A slide
 * repeats its own tiles, turned and mirrored. After pcam_deal the set is only read, so threads
 * may draw from it at once; it must outlive the tissues. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "layout.h"
#include "stain.h"
#include "tissue.h"

struct Pcam;

struct Pcam *pcam_open(const char *folder, GError **error);
void pcam_free(struct Pcam *pcam);

typedef struct Pcam Pcam;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pcam, pcam_free)

/* The side of a tile, px. */
int pcam_tile(const struct Pcam *pcam);

/* Deals all tiles to `slides` slides; positive: (slides), which of them get tumour tiles. */
bool pcam_deal(struct Pcam *pcam, const bool *positive, int slides, guint64 seed, GError **error);

/* The slide a tile was dealt to, and what a tile is; tiles count from 0 to pcam_count - 1. */
int pcam_count(const struct Pcam *pcam);
int pcam_slide_of(const struct Pcam *pcam, int tile);
bool pcam_is_tumour(const struct Pcam *pcam, int tile);

/* A slide's tissue. shift re-stains the tiles; NULL leaves them as they are. */
struct Tissue pcam_tissue(const struct Pcam *pcam, int slide, const struct Layout *layout,
	const struct StainShift *shift, guint64 seed);
