/*
 * near.h - the name that was probably meant. Names of at most 60 bytes; large and small letters are the same.
 * Threads: no state.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* How many letters to insert, drop, change or swap with the next (Damerau 1964); G_MAXINT for longer names. */
int near_distance(const char *typed, const char *name);
/* A third of a name may be wrong; more is another name. */
gboolean near_enough(int letters, const char *name);

G_END_DECLS
