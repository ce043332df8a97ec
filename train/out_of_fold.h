/*
 * out_of_fold.h - what networks said of cases that they did not learn from: the features of each held-out case, by
 * the member of the run that it was held out of. From these the score of a case is fitted, and what a test set will
 * give is foretold.
 *
 * Ownership: out_of_fold_clear. Threads: one. As JSON: an array of [member, case, feature, ...].
 */
#pragma once
#include "common/task/task.h"
#include "train/validate.h"

G_BEGIN_DECLS

struct out_of_fold {
	gsize n, n_features;
	guint *member;          /* (n) from 0, ascending */
	guint *items;           /* (n) */
	double *features;       /* (n, n_features) */
};

/* What a member said, in place of all that it had said before. */
void out_of_fold_put(struct out_of_fold *all, guint member, const struct validation *said);
/* Each case once, in the order of items: the mean of what several members said. Cleared by the caller. */
void out_of_fold_mean(const struct out_of_fold *all, struct out_of_fold *mean);
/* Of the members that have a number for this feature of any case. */
void out_of_fold_having(const struct out_of_fold *all, gsize feature, struct out_of_fold *out);
void out_of_fold_copy(const struct out_of_fold *from, struct out_of_fold *to);
void out_of_fold_clear(struct out_of_fold *all);

JsonArray *out_of_fold_to_json(const struct out_of_fold *all, const struct work *work);
/* Cases that are not there any more are passed over; FALSE where it is damaged. */
gboolean out_of_fold_from_json(JsonArray *json, const struct work *work, struct out_of_fold *out);

G_END_DECLS
