/*
 * random.h - draws without state: a number is a pure function of what it is drawn for (seed, epoch,
 * position, purpose), so that a run that was stopped draws on as if it had not been.
 */
#pragma once
#include <glib.h>

/* splitmix64's finaliser (Steele, Lea & Flood 2014). */
static inline guint64 random_mix(guint64 x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static inline guint64 random_hash(guint64 a, guint64 b, guint64 c, guint64 d)
{
	return random_mix(random_mix(random_mix(random_mix(a) ^ b) ^ c) ^ d);
}

/* In [0, 1). */
static inline double random_unit(guint64 hash) { return (double)(hash >> 11) * 0x1p-53; }
/* In [low, high). */
static inline double random_between(guint64 hash, double low, double high)
{
	return low + (high - low) * random_unit(hash);
}
/* In 0..n-1; n > 0. */
static inline guint32 random_below(guint64 hash, guint32 n) { return (guint32)(((hash >> 32) * n) >> 32); }
