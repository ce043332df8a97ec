/*
 * journal.h - what a run did, for the one that inference.sh starts in its place where it was killed: which cases were under
 * way, and what was answered.
 *
 * A file of log lines (common/log/logfmt.h), each written as it happens; what a kill cut off, and cases that are not there any
 * more, are passed over. A case that was under way when a run was killed may be why.
 *
 * Threads: main. Errors: none; where it cannot be read or written, that is said, and it holds what it has.
 */
#pragma once
#include "common/task/task.h"

G_BEGIN_DECLS

struct journal;

/* What stands in `path` is read, and that a run begins is noted. NULL: nothing is, and nothing was. */
struct journal *journal_open(const char *path_opt, const struct work *work);
void journal_free(struct journal *journal);

/* Runs that were killed before; and of these, those that this case was under way in. */
guint journal_killed(const struct journal *journal);
guint journal_killed_in(const struct journal *journal, guint item);

struct journal_answer {
	guint64 read;           /* samples that it is from; 0: there is none */
	gboolean partly;        /* some of what was looked at could not be read */
	gboolean full, done;    /* it is from all that the case has; no more of that is to be tried */
	double numbers[ANSWER_COLUMNS_MAX]; /* (work->n_answers) as they were written: whether they may be handed in is the reader's */
};
/* The last one of earlier runs. */
struct journal_answer journal_answer(const struct journal *journal, guint item);

void journal_begin(struct journal *journal, guint item);
/* Its samples are back. answer: what stands for it. */
void journal_end(struct journal *journal, guint item, const struct journal_answer *answer);

typedef struct journal journal_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(journal_t, journal_free)

G_END_DECLS
