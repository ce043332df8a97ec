/*
 * validate.h - how good a network is on the cases held out: by sample and by case.
 *
 * Ownership: validation_clear. Errors: the scan's. A held-out case that cannot be read is left out of the
 * numbers and said on stderr.
 */
#pragma once
#include "common/scan/scan.h"

G_BEGIN_DECLS

struct validation {
	struct interval metric; /* the task's, over cases */
	double sample_auc;      /* over samples whose truth is 0 or 1 */
	double sample_log_loss; /* of 1 / (1 + exp(-judged)), over the same */
	guint *items;           /* (n) cases that were scored */
	double *features;       /* (n, n_features) */
	gsize n;
	gsize broken;           /* of them; the network gives no number for them */
	double seconds;
};

gboolean validate(struct scan *scan, const guint *items, gsize n, struct validation *out, GError **error);
void validation_clear(struct validation *v);

/* Samples that a validation of a share of these cases' reads in all its rounds, as task_rounds() has them: to plan its
   time. share: as in struct scan, 0: all. */
guint64 validation_samples(const struct work *work, const guint *items, gsize n, double share);
/* Samples a second, measured on the first few of a case, and on as many of another as take about so many seconds; 0: not to be
   known. */
double validation_rate(struct scan *scan, const guint *items, gsize n, double seconds);

G_END_DECLS
