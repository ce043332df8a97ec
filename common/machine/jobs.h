/*
 * jobs.h - threads that do jobs, of which any may hang for ever, as reads from a network's folder do.
 *
 * A job that takes longer than the patience, or that long since it last said that it gets on, is given up: pop says
 * so, another thread takes the place of the one that hangs, and whatever that one may still come to is dropped. It
 * cannot be ended, so it is left, with what it uses, until the program ends; nobody waits for it. Once the program is
 * asked to stop (stop.h), or its time is over (jobs_hurry_after), patience is JOBS_STOP_S at most.
 *
 * So a job works in memory of its own, which begin makes; it is handed over where the job was not given up, and
 * dropped where it was. Only what work() itself reaches must be left as it is.
 *
 * Time: monotonic. Threads: new, push, pop and free on one thread, or handed on from one to the next.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

struct jobs;

enum { JOBS_STOP_S = 2 };

struct jobs_kind {
	const char *name;       /* of its threads */
	int nice;               /* theirs; 0: as the program */
	/* All in the job's thread; none but work may hang. NULL: what is made is `what`; nothing is to be done. */
	gpointer (*begin)(gpointer what, gpointer user);        /* under a lock: short */
	void (*work)(gpointer made);
	void (*hand_over)(gpointer what, gpointer made, gpointer user); /* takes `made` */
	void (*drop)(gpointer made);
};

/* threads: at most so many, >= 1, beside those that hang. patience: s; 0: without end. */
struct jobs *jobs_new(guint threads, double patience, const struct jobs_kind *kind, gpointer user);
/* Oldest first. */
void jobs_push(struct jobs *jobs, gpointer what);
/* One that is handed over (*late false) or given up, as one is for which not a single thread can be had; FALSE where there is
   none: with wait, no job is left at all. */
gboolean jobs_pop(struct jobs *jobs, gboolean wait, gpointer *what, gboolean *late);
void jobs_cancel(struct jobs *jobs);            /* drops those not begun: they are not popped. Any thread */
void jobs_hurry_these(struct jobs *jobs);       /* from now on, their patience is JOBS_STOP_S at most. Any thread */
double jobs_busy(struct jobs *jobs);            /* s that threads spent in jobs now done */
void jobs_free(struct jobs *jobs);              /* all must be popped or cancelled */

/* To be called by a job in its thread, now and then: it gets on. Elsewhere it does nothing. */
void jobs_get_on(void);

/* So many seconds from now on, all jobs of the program are in a hurry: its time is over then. Any thread. */
void jobs_hurry_after(double seconds);
gboolean jobs_hurry(void);

/* Keeps what cannot be freed where leak checkers see that it is meant. */
void jobs_leave(gpointer kept);

G_END_DECLS
