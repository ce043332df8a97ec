/*
 * log.h - the two streams that are all that comes back: stdout says what happened, stderr what is wrong
 * and what to do about it. One line, one fact:
 *
 *   2019-02-21T03:14:15Z train epoch=3/20 step=420/1250 loss=0.213 tile_auc=0.941
 *
 * Each stream has a budget of bytes for the whole run, since the cloud keeps the last 1 MB of it: progress
 * thins out, repeated warnings are folded into counts, and a reserve is kept for the last words.
 * Every line is flushed. Nothing but slide identifiers and numbers may stand in a line.
 *
 * Threads: any. Errors: none; a stream that cannot be written is given up in silence.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* program: the second word of each line. budget: bytes a stream. Clock starts here. */
void log_open(const char *program, gsize budget);
double log_seconds(void);                       /* monotonic, since log_open */
/* When a program must be done that was given so many seconds from its start: a fiftieth, and 2 s, are kept back
   for what comes last. As log_seconds; 0 for 0: no limit. */
double log_deadline(double limit);

void log_say(const char *format, ...) G_GNUC_PRINTF(1, 2);      /* news: stdout */
/* One of very many, such as a line a case: stdout, as long as two thirds of the budget are left. */
void log_detail(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Progress: stdout; written when none was written for a while, the longer the longer the run. */
void log_progress(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* stderr. kind: lines of one kind are written out 20 times, then counted. */
void log_warn(const char *kind, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Warnings so far, of a kind or of all (NULL). */
guint log_warnings(const char *kind_opt);

/* The last words: folded counts, then `cause` (NULL: nothing was wrong) as the last line of stderr and
   the exit code as the last of stdout. */
void log_close(int exit_code, const char *cause_opt);

/* "1h12m", "3m05s", "42s", "0.8s" in a buffer of the caller's. */
const char *log_duration(double seconds, char buffer[16]);

G_END_DECLS
