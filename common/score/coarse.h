/*
 * coarse.h - from a coarse look at all of a slide's tiles to those that are worth a look in full.
 *
 * What a look in full will say of a tile is taken to be a straight line of what the coarse one said, and a normal error:
 * both fitted (least squares) to the slide's own tiles that have both. So the expected change of the score, the mean of
 * the `top` highest, by a tile of which a + b * coarse is expected with s.d. sd, is at most
 *
 *     sd * (phi(z) - z * Phi(-z)) / top,   z = (t - a - b * coarse) / sd,   t: the lowest of the `top` highest so far
 *
 * (the expected improvement of Jones, Schonlau & Welch 1998, Journal of Global Optimization 13, equation 15), and that of all
 * tiles that are left out at most its sum. Tiles are looked at in full, the most promising first, until that sum is under a
 * bound.
 *
 * Pure functions over log odds. coarse (n): NAN where a tile could not be read; full (n): NAN where it was not looked at so.
 * Threads: no state. Errors: none.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* The expected change of log odds that an effort leaves, 0 < effort <= 1: 0.1 at 0.5, 0 at 1; 0: without bound. */
double coarse_bound(double effort);
/* Tiles to look at in full next, to out (n): how many; 0: what may be left is within the bound. The first time those that
   promise most, and some of all kinds, to learn from. */
gsize coarse_choose(const float *coarse, const float *full, gsize n, guint top, double bound, guint32 *out);
/* out (n): full where it is there, else what is expected of it. */
void coarse_merge(const float *coarse, const float *full, gsize n, float *out);

G_END_DECLS
