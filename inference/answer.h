/*
 * answer.h - answers that are complete from the start and get better: every case has the fallback until it
 * is scored, and the file is written anew, atomically, now and then and at the end.
 */
#pragma once
#include "common/scan/scan.h"

G_BEGIN_DECLS

struct answers;

/* Writes the file once, all fallbacks: the first valid answer. facts_opt NULL: there is no model. */
struct answers *answers_new(struct work *work, JsonObject *facts_opt, GError **error);
void answers_free(struct answers *a);
/* A scan_done: context is the answers. A case that could not be read keeps the fallback, and is said. */
gboolean answers_take(void *context, const struct scan_case *c, GError **error);
gboolean answers_write(struct answers *a, GError **error);
guint answers_scored(const struct answers *a);
guint answers_unreadable(const struct answers *a);
/* Cases that were read in part: some samples failed. */
guint answers_partial(const struct answers *a);

typedef struct answers answers_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(answers_t, answers_free)

G_END_DECLS
