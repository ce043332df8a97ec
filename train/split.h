/*
 * split.h - which cases are held out: whole groups, the same share of every stratum.
 *
 * Chosen by a hash of seed and identifier, so that a case that comes or goes moves few others. Of each class
 * at least one ready case is held out where there are two groups or more of it, and one always stays.
 */
#pragma once
#include "common/task/task.h"

G_BEGIN_DECLS

/* held (n_cases): TRUE where held out. Cases that are not ready are never held out. share 0: none. */
void split_cases(const struct work *work, double share, guint64 seed, gboolean *held);

G_END_DECLS
