/* Repeatable randomness: a hash, a generator and smooth noise, each a pure function of its seed.
 *
 * Everything the sample draws comes from here, so that one seed gives the same bytes at every run
 * and with any number of threads. A function draws in statements of its own, never twice in one
 * expression or initialiser, whose order a compiler may choose. Not for anything secret. */
#pragma once

#include <glib.h>
#include <math.h>

struct Random {
	guint64 state;
};

/* SplitMix64's finaliser (Steele et al. 2014). */
static inline guint64 random_mix(guint64 value)
{
	value += 0x9e3779b97f4a7c15u;
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
	return value ^ (value >> 31);
}

/* A hash of a place on a lattice. */
static inline guint64 random_at(guint64 seed, gint64 x, gint64 y)
{
	return random_mix(seed ^ ((guint64)x * 0xd6e8feb86659fd93u) ^ ((guint64)y * 0xa5a3564e27f8865bu));
}

/* The top 24 bits of a hash, in [0, 1). */
static inline double random_fraction(guint64 hash)
{
	return (double)(hash >> 40) * 0x1p-24;
}

static inline guint64 random_next(struct Random *random)
{
	return random->state = random_mix(random->state);
}

/* In [0, 1). */
static inline double random_unit(struct Random *random)
{
	return random_fraction(random_next(random));
}

/* In [low, high). */
static inline double random_between(struct Random *random, double low, double high)
{
	return low + random_unit(random) * (high - low);
}

/* In 0..count-1; count > 0. */
static inline int random_below(struct Random *random, int count)
{
	return (int)(random_unit(random) * (double)count);
}

static inline void random_shuffle(struct Random *random, int *values, int count)
{
	for (int i = count - 1; i > 0; i--) {
		int j = random_below(random, i + 1);
		int kept = values[i];
		values[i] = values[j];
		values[j] = kept;
	}
}

/* As random_at, but quick rather than good: enough for noise. In [0, 1). */
static inline double random_corner(guint64 seed, gint64 x, gint64 y)
{
	guint64 hash = seed + (guint64)x * 0xd6e8feb86659fd93u + (guint64)y * 0xa5a3564e27f8865bu;
	hash = (hash ^ (hash >> 29)) * 0xbf58476d1ce4e5b9u;
	return (double)(gint64)((hash ^ (hash >> 32)) & 0xffffff) * 0x1p-24;
}

/* Smooth value noise in [0, 1) with features about one unit across. */
static inline double random_noise(guint64 seed, double x, double y)
{
	gint64 column = (gint64)x - (x < 0), row = (gint64)y - (y < 0);
	double u = x - (double)column, v = y - (double)row;
	u = u * u * (3 - 2 * u);
	v = v * v * (3 - 2 * v);
	double a = random_corner(seed, column, row);
	double b = random_corner(seed, column + 1, row);
	double c = random_corner(seed, column, row + 1);
	double d = random_corner(seed, column + 1, row + 1);
	double upper = a + (b - a) * u;
	return upper + (c + (d - c) * u - upper) * v;
}
