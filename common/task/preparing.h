/*
 * preparing.h - cases prepared by threads; those whose prepare takes longer than work->patience are given up, as
 * task.h says.
 */
#pragma once
#include "common/task/task.h"

G_BEGIN_DECLS

struct preparing;

/* threads: >= 1. All but `prepare` itself on the main thread. */
struct preparing *preparing_new(struct work *work, guint threads);
void preparing_push(struct preparing *preparing, guint item);
/* The next that is done, in any order; *error: why it cannot be used, or NULL. FALSE where there is none yet, or
   with wait, none at all. */
gboolean preparing_pop(struct preparing *preparing, gboolean wait, guint *item, GError **error);
/* Waits for those under way, or gives them up, and releases them; the others are not prepared. */
void preparing_free(struct preparing *preparing);

G_END_DECLS
