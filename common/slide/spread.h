/*
 * spread.h - a part of a slide's tiles that lies evenly over its tissue: a first look at all of it.
 *
 * Tiles are put in the order of a Z-curve over the grid (Morton 1966), along which neighbours stay together; along
 * that order they are taken by the radical inverse of base 2 (van der Corput 1935). So of every square block of
 * 2^k x 2^k tiles, aligned to the grid, about the same share is taken, however the tissue is cut; a larger part
 * contains each smaller one; and there is no chance in it: the same tiles give the same part.
 *
 * Memory: 16 bytes a tile during the call. Threads: no state. Errors: none.
 */
#pragma once
#include "common/slide/tiles.h"

G_BEGIN_DECLS

/* chosen (tiles->n): 1 for those of the part, else 0. want: how many; all where there are not more. */
void spread_choose(const struct tiles *tiles, guint32 want, guint8 *chosen);

G_END_DECLS
