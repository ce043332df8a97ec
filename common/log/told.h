/*
 * told.h - what of a log is told again: lines that later ones of their name replace, and rows, of which there may be
 * any number and some are kept. So the last part of a log holds the whole story, however long the run was.
 *
 * Memory is bounded by the names: TOLD_ROWS rows a name, evenly over those that came, the first and the newest
 * among them. Threads: the caller's lock.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

enum { TOLD_ROWS = 64 };

struct told;
struct told *told_new(void);
void told_free(struct told *told);

/* A line, `t` seconds after the start, that ends at byte `at` of its stream. */
void told_line(struct told *told, const char *name, const char *text, double t, gsize at);
void told_row(struct told *told, const char *name, const char *text, double t, gsize at);

/* Returns the byte at which what it wrote ends; 0: it was not written, and counts as not told. */
typedef gsize (*told_write)(const char *text, double t, gpointer user);
/* Writes those that ended before byte `since` or were not written, by name in the order of their first lines. */
void told_again(struct told *told, gsize since, told_write write, gpointer user);

G_END_DECLS
