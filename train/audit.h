/*
 * audit.h - look first: every case of the training set and of the test set is looked at before anything long, and
 * what a person at the data would see is said: what cannot be read, what does not fit together, what is there
 * twice, whether the test set is stained otherwise, and what the machine may run out of.
 *
 * Nothing wrong with the data ends a run. A case most of whose samples cannot be read is left out, with its reason;
 * so are cases of one content in two classes, whose labels contradict each other. Cases of like content become one
 * group, so that none is learned from while its double is held out. All else is said on stderr, with what to do,
 * and changes nothing. The test set only ever gets sentences; it is looked at for a limited time.
 *
 * Cost: a few reads a case (task->look), in as many threads as read; said in the log. Memory: some 2 KB a case.
 */
#pragma once
#include "common/model/device.h"
#include "common/model/memory.h"

G_BEGIN_DECLS

struct findings {               /* for the diagnosis */
	double stain_sd;        /* the largest shift of a channel from train to test, in standard deviations of train; NAN: not
				   compared */
	gboolean stain_matters;
	guint n_test;           /* cases */
	double *colour;         /* (n_cases, 3) as struct look has it; NAN: not known; NULL: none */
	double *test_colour;    /* (n_test, 3) likewise */
};
void findings_clear(struct findings *findings);
typedef struct findings findings_t; /* for g_auto alone */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(findings_t, findings_clear)

/* work: of PHASE_TRAIN, prepared; changes cases' `ready` and `group`, and n_left_out. FALSE only where a stop was
   asked for (FAULT_STOPPED). */
gboolean audit(struct work *work, const struct memory *memory, const struct device *device, struct findings *out,
	       GError **error);

/* ---- its arithmetic ---- */

struct audit_shift {
	double from, to;        /* means, of 2 and more */
	double by;              /* their difference in standard deviations of the first; 0: they are not known */
	gboolean matters;
};

/* A mean of n numbers against one of m others. It matters where it is no chance (Welch's t of 3 and more; Welch
   1947), large against the differences among the first (one standard deviation and more; Cohen 1988 calls 0.8
   large), and at least `least`. With fewer than 3 on a side nothing is said. */
struct audit_shift audit_shift(const double *a, gsize n, const double *b, gsize m, double least);

G_END_DECLS
