/*
 * story.h - what happened, from the logs of one run: the lines of common/log/LINES.md, from one or both streams of one or both
 * programs, in any order, in one file or several, cut anywhere, with lines of others between.
 *
 * A story holds facts. A fact is a line: of those that tell the same, as LINES.md has it, the last told is kept. They
 * stand in the order of time over all files; `t` runs on over the starts of a run that was resumed, and what was told
 * before a start that resumes nothing is forgotten: another run was begun in its place.
 *
 *   g_autoptr(story_t) story = story_new();
 *   if (!story_read(story, "train.out", &error) || !story_read(story, "train.err", &error)) ...
 *   story_end(story);
 *   const struct fact *outcome = story_last(story, "train", "outcome");
 *   double auc = fact_number(outcome, "slide_auc");
 *
 * Text:    UTF-8 without control characters and without those that turn the direction of reading; no more is promised:
 *          it is written by others.
 * Memory:  facts and their texts are the story's.
 * Errors:  FAULT_DATA, a file that cannot be read or is too long. A line is never an error.
 * Threads: one story, one thread.
 */
#pragma once
#include "common/log/logfmt.h"
#include <glib.h>

G_BEGIN_DECLS

#define STORY_BYTES      (64 << 20)     /* of log in all */
#define STORY_LINE_BYTES (1 << 20)      /* of a line; what is behind them is passed over */
#define STORY_OTHERS     60             /* other lines that are kept: the first third, and the last of them */

struct fact {
	const char *program, *word;     /* "train", "epoch" */
	const char *word2;              /* a third word, or "" */
	const char *time;               /* UTC, as it was written */
	double t;                       /* s, since the first start of the program; NAN: not told */
	const struct logfmt_pair *pairs;        /* (n_pairs), without time, t and again */
	guint n_pairs;
};

struct story *story_new(void);
typedef struct story story_t;
void story_free(struct story *s);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(story_t, story_free)

gboolean story_read(struct story *s, const char *path, GError **error);
/* The same from memory; what is beyond STORY_BYTES is passed over. */
void story_take(struct story *s, const char *text, gsize size);
/* All is read: puts it in order. Called once, before what follows. */
void story_end(struct story *s);

/* The facts of a program and a word, in order; without any: an array of none. Not to be freed. */
const GPtrArray *story_facts(const struct story *s, const char *program, const char *word);
/* The last of them, and the last whose key has that value; NULL: there is none. */
const struct fact *story_last(const struct story *s, const char *program, const char *word);
const struct fact *story_find(const struct story *s, const char *program, const char *word, const char *key, const char *value);
/* Lines that are no facts, or of a word that LINES.md does not have: how many, and those that are kept, of const char *. */
guint story_other_lines(const struct story *s);
const GPtrArray *story_others(const struct story *s);
/* The time of the last line of a program, UTC; NULL: it says nothing. */
const char *story_heard(const struct story *s, const char *program);
/* How often the program started in the run that the story tells, and how many starts before were of other runs. */
guint story_starts(const struct story *s, const char *program);
guint story_forgotten(const struct story *s, const char *program);

/* Of a fact, which may be NULL. A value as it stands, NULL: not told. */
const char *fact_text(const struct fact *f_opt, const char *key);
/* Its number: that before "/20", "%" or what else follows; NAN: none. */
double fact_number(const struct fact *f_opt, const char *key);
/* The numbers of "0.88..0.98", "3..14..15"; false, and values untouched, where there are not just n. */
gboolean fact_range(const struct fact *f_opt, const char *key, double *values, guint n);

G_END_DECLS
