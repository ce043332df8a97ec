/*
 * scan.h - cases to outputs: prepares each case, reads the samples that its task wants next, runs them
 * through the network, and hands the case over when the task wants no more. Used to validate and to answer.
 *
 * Cases flow through one loader, the next being prepared while one is read and computed, so neither waits.
 * Errors of a case (unreadable, a sample failed) are handed over with it; the scan's own are the network's and
 * those that `done` sets. Where the network has no memory for a batch, it gets half of it at a time, and so on
 * down to one sample; that is said, and kept for what follows.
 * Threads: main. Memory: a few cases' samples and outputs, and of those that are about to be done their bags, whatever
 * the number of cases.
 */
#pragma once
#include "common/load/loader.h"
#include "common/model/model.h"

G_BEGIN_DECLS

struct scan_case {              /* what is handed over; valid during the call */
	guint item;
	const struct sample *samples;
	const float *outputs;   /* (n, judged) NAN where the sample was not read */
	const float *targets;   /* (n) the first of each sample, as read: a map would take far more room than the rest */
	gsize n, failed;
	gsize first;            /* of the n, the first of them: samples of its first round */
	const GError *error;    /* why it could not be prepared, or the first sample that failed; or NULL */
	gsize bag;              /* samples of its bag that were read; 0: it has none */
	const guint16 *const *features; /* (n_models) (bag, width of the model) T_F16: what each classifier takes of them */
};
typedef gboolean (*scan_done)(void *context, const struct scan_case *done, GError **error);

struct scan {
	struct work *work;
	struct model *const *models; /* (n_models) what they say of a sample is averaged, as judged: log odds are */
	guint n_models;         /* 1 or more */
	int device;
	unsigned flags;         /* SCOPE_BF16, SCOPE_CHANNELS_LAST */
	guint batch, readers;
	gboolean prepare;       /* prepare and release cases; else they are ready */
	int rounds;             /* at most so many rounds of task->next; 0: all */
	void (*choose)(void *context, guint item, int round, GArray *out); /* in the place of task->next; NULL: that */
	double share;           /* of a case's samples, as task->next has it; 0: all */
	guint64 most;           /* in the place of share: as much of each case as gives so many samples; 0: share */
	void (*begin)(void *context, guint item); /* a case is about to be prepared; NULL: who hands over needs not know */
	gsize n_alone;          /* so many of the items, the last, come one at a time: nothing else is under way then */
	guint bag;              /* at most so many samples of a case's first round make its bag, by attention_pick of what
				   task->bags->ranks says of them: they are read once more for it, last; 0: no bags */
	double deadline;        /* log_seconds() at which it ends with what it has; 0: none */
	guint at_once;          /* in and out: samples in the network at once; 0: batch */
	double batch_s;         /* in and out: what a batch took of late, by which it ends before the deadline; 0: not known */
	double network_s, wait_s; /* out: seconds in the network; waiting for samples */
	double coarse_s, coarse_wait_s; /* out: of these, for coarse looks */
	guint64 n_samples, n_coarse; /* out; of these, coarse looks */
	gboolean whole;         /* out: every case was handed over */
};

/* Items in the order given. done is called once for each, in any order (NULL: not at all); those not reached by the
   deadline, or before stop_asked(), are not handed over. It looks at both between two batches and while it waits, and
   begins none that would end behind the deadline if it took as long as those before it. */
gboolean scan_cases(struct scan *scan, const guint *items, gsize n, scan_done done, void *context,
		    GError **error);

G_END_DECLS
