/*
 * log.h - the two streams that are all that comes back: stdout says what happened, stderr what is wrong and what to do
 * about it. One line, one fact, as logfmt has it; LINES.md beside this names the lines:
 *
 *   time=2019-02-21T03:14:15Z t=812.4 train step n=420/1250 epoch=3/20 loss=0.213
 *
 * Each stream has a budget of bytes for the whole run, since the cloud keeps the last 1 MB of it. Progress thins out as
 * time passes and as the budget is used; of warnings of one kind the first LOG_REPEATS are written, then counts; a
 * reserve is kept for the end. What log_keep and log_row say is the story: it is told again each LOG_AGAIN bytes and at
 * the end, so the last 64 KB of a run of any length hold settings, data, curves and outcome. The last lines of both
 * streams are the diagnosis (log_last).
 *
 * Formats give what follows time and program: "data slides=%u". Text of others goes in as a value, by logfmt_append.
 * Lines are written at once: a kill loses none. What holds a picture or a tag of the data is never a line's.
 *
 * Threads: any. Errors: none; a stream that cannot be written is given up in silence.
 */
#pragma once
#include "common/log/logfmt.h"

G_BEGIN_DECLS

enum { LOG_REPEATS = 20, LOG_AGAIN = 96 * 1024, LOG_LAST = 40 };

/* program: the first word of each line. budget: bytes a stream. Clock starts here. */
void log_open(const char *program, gsize budget);
double log_seconds(void);                       /* monotonic, since log_open */
/* So many seconds went before, in processes that this one goes on for: they count. Before anything asks for the time. */
void log_went_before(double seconds);
/* When a program must be done that was given so many seconds from its start: a fiftieth, and 2 s, are kept back
   for what comes last. As log_seconds; 0 for 0: no limit. */
double log_deadline(double limit);
/* What libraries print comes as lines, too, from here to log_close; and a crash says so in a last line. */
void log_capture(void);

/* Pictures made of letters: in ASCII alone. */
void log_set_ascii(gboolean ascii);
gboolean log_ascii(void);
/* Of paths below this folder a line shows the last part alone. */
void log_hide_folder(const char *path);
/* From here on lines of single cases are left out (log_detail), and names given to log_name do not show: a task gives
   each as soon as it is read from a folder or a table. */
void log_hide_names(void);
gboolean log_names_hidden(void);
void log_name(const char *identifier);

void log_say(const char *format, ...) G_GNUC_PRINTF(1, 2);      /* news: stdout */
/* News of the story: a later line of that name takes its place there. */
void log_keep(const char *name, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* A row of the story, one of many of that name. Said now where it is news, as long as half of the budget is left, or
   none was said for a while. */
void log_row(const char *name, gboolean news, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* One of very many, such as a line a case: stdout, as long as three quarters of the budget are left. */
void log_detail(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Progress: stdout; written when none was written for a while, the longer the longer the run. */
void log_progress(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* stderr. kind: a word or two. format: a sentence. */
void log_warn(const char *kind, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Warnings so far, of a kind or of all (NULL). */
guint log_warnings(const char *kind_opt);

/* A line of the diagnosis: it comes at the end, in both streams; of more than LOG_LAST, less those of log_close, the
   first. */
void log_last(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* The end: the story, the diagnosis, what was survived; then `cause` (NULL: nothing was wrong) as the last line of
   stderr and the exit code as the last of stdout. */
void log_close(int exit_code, const char *cause_opt);

/* "1h12m", "3m05s", "42s", "0.8s" in a buffer of the caller's. */
const char *log_duration(double seconds, char buffer[16]);

/* For tests: another clock, in us; NULL: the system's. Before log_open. */
void log_set_clock(gint64 (*monotonic)(void));

G_END_DECLS
