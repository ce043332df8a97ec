/*
 * answer.h - answers that are complete from the start and get better: every case has the fallback until it
 * is scored, and the file is written anew, atomically, now and then, after each pass and at the end, and read back.
 *
 * What stands for a case is what most of its samples said: a coarser look never replaces a denser one, and a case
 * that cannot be read any more keeps what it had. Every number is one that may be handed in: what is not finite,
 * or out of the task's range, is said and left out.
 *
 * Threads: main. Errors: those of writing the file.
 */
#pragma once
#include "common/scan/scan.h"
#include "common/score/attention.h"
#include "inference/journal.h"
#include "inference/plan.h"

G_BEGIN_DECLS

struct answers;

/* Writes the file once, all fallbacks: the first valid answer; where an earlier run left one for the same cases, that stays until
   one of them was scored, but is written anew: so it can be. What killed runs left half written is removed. facts_opt NULL:
   there is no model. journal: outlives the answers; what it has is taken over, and a case that two runs were killed in is done. */
struct answers *answers_new(struct work *work, JsonObject *facts_opt, struct journal *journal, GError **error);
void answers_free(struct answers *a);
/* Models of bags, (n) of as many networks, each NULL where it has none: the mean of what they say is the task's feature
   (task->bags). They outlive the answers. */
void answers_set_bags(struct answers *a, struct attention *const *bags, guint n);
/* Samples a case that a scan takes into a bag, where it looks at all of it; 0: no bags. */
guint answers_bag(const struct answers *a);
/* The scan that follows looks at so much of its cases. */
void answers_begin(struct answers *a, double share, int rounds);
/* Runs that were killed before this one. */
guint answers_killed(const struct answers *a);
/* Of items, those that a run was killed in are put last: so many it returns. */
guint answers_put_last(const struct answers *a, guint *items, guint n);
void answers_case_begin(struct answers *a, guint item);
/* A scan_done: context is the answers. A case that could not be read keeps what it had, and is said once. Never
   fails: where the file cannot be written, that is said, and tried again later. */
gboolean answers_take(void *context, const struct scan_case *c, GError **error);
gboolean answers_write(struct answers *a, GError **error);
/* The last time: written, read back and checked, once more where that went wrong. Says what is doubtful; metric: of
   the cases that were held out in training (not finite or negative: not known). FAULT_DATA: still wrong. */
gboolean answers_finish(struct answers *a, double metric, GError **error);

/* The diagnosis (log_last): how the answers lie, and the cases that have none of their own, with the reason. */
void answers_say(const struct answers *a);

struct answer_counts {
	guint fully, coarsely, fallback, earlier; /* they add up to all cases; earlier: that run's answer stays, for all of them */
	guint unreadable;       /* of those with the fallback, or of an earlier answer: tried in vain */
	guint lost;             /* of those answered coarsely: the rest of them was tried in vain */
	guint partly;           /* some of what was looked at could not be read */
};
struct answer_counts answers_count(const struct answers *a);
/* Cases of which an earlier pass read something, and the last nothing: they are tried again. */
guint answers_away(const struct answers *a);
/* out: (n_cases), for plan_first and plan_next. */
void answers_cases(const struct answers *a, struct plan_case *out);

typedef struct answers answers_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(answers_t, answers_free)

G_END_DECLS
