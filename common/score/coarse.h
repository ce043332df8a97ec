/*
 * coarse.h - from a coarse look at all of a slide's tiles to those that are looked at in full, and to what the others would
 * have said.
 *
 * Where tumour is, both looks mostly see it, so the share that the coarse look puts highest loses little: with the mean over 5 sets
 * of 60 slides, lesions of 1 to 60 tiles, 0.001 of the AUC of slides at 0.2 and nothing at 0.1 and 0.05, with intervals of 0.013
 * around them (tests/bench/learn effort; tests/bench/LEARN.md). Some others are looked at too, evenly over their order: from the tiles
 * that have both looks, a line (least squares) tells what a look in full is expected to say of the rest.
 *
 * Pure functions over log odds. coarse (n): NAN where a tile could not be read; full (n): NAN where it was not looked at so.
 * Threads: no state. Errors: none.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

enum { COARSE_LEAST = 24, COARSE_OTHERS = 16 };

/* Tiles to look at in full, to out (n): the highest share of them, 0..1, at least COARSE_LEAST, then the COARSE_OTHERS; as far
   as there are so many. How many. */
gsize coarse_choose(const float *coarse, gsize n, double share, guint32 *out);
/* out (n): full where it is there, else what is expected of it. */
void coarse_merge(const float *coarse, const float *full, gsize n, float *out);

G_END_DECLS
