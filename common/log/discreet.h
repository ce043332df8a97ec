/*
 * discreet.h - what a line may not show: the way to a file of the data, of which its name is enough; and, where the
 * organisers want aggregates alone, the names of cases.
 *
 * A name is found where it stands in single quotes (with or without an ending behind it), as the value of a key that
 * names cases, and as a word of letters, digits, `-` and `_`; there HIDDEN takes its place. A word that is nothing but
 * digits is left alone as a number, but for one with an ending: `12.mrxs`.
 *
 * Threads: the caller's lock.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

#define DISCREET_HIDDEN "(hidden)"

struct discreet;
struct discreet *discreet_new(void);
void discreet_free(struct discreet *d);
void discreet_folder(struct discreet *d, const char *path);
void discreet_name(struct discreet *d, const char *name);
/* The line as it may be shown. */
char *discreet_line(const struct discreet *d, const char *line);

G_END_DECLS
