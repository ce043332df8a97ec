/*
 * split.h - which cases are held out: whole groups, the same share of every stratum.
 *
 * Chosen by a hash of seed and identifier, so that a case that comes or goes moves few others. Of each class
 * at least one ready case is held out where there are two groups or more of it, and one always stays.
 */
#pragma once
#include "common/task/task.h"

G_BEGIN_DECLS

/* held (n_cases): TRUE where held out. Cases that are not ready are never held out. share 0: none.
   fold: of split_folds(share), from 0 on, and over again: no group is held out in two of them (but where a class has too
   few), and what is left in the last one is, so that all are held out once. */
void split_cases(const struct work *work, double share, guint64 seed, guint fold, gboolean *held);
/* As a run before held them out, by their names; and whoever belongs to one of them, which may not have been ready then. */
void split_again(const struct work *work, GHashTable *names, gboolean *held);
enum { SPLIT_SHARED = 1800 };   /* s of training.time; in less, one network that learns on is better than three: tests/bench/LEARN.md */
/* How many networks are to learn: as set, else 3, but no more than folds, where training.time is SPLIT_SHARED or more, and 1 where
   it is less or not limited, for they would take three times as long. */
guint split_members(const struct settings *settings);
/* How many shares make a whole, at least 1. */
guint split_folds(double share);

G_END_DECLS
