/*
 * rehearse.h - before the long run, all of it in small: a few steps, a checkpoint, and then the real inference
 * program, as a process of its own, on a few training cases, its answer checked line by line. What would fail in
 * the last hour fails in the first minutes.
 *
 * It takes place in a folder of its own below paths.model, which is removed in the end, and takes at most
 * REHEARSAL_S and REHEARSAL_SHARE of training.time. Where that is too little, it is left out; where it is not enough
 * on a slow machine, it ends without a verdict. Both are said.
 *
 * Errors: FAULT_FAILED with the cause: the last line of inference's stderr, or what is wrong with the answer.
 */
#pragma once
#include "train/fit.h"

G_BEGIN_DECLS

enum { REHEARSAL_S = 120 };
#define REHEARSAL_SHARE 0.02

/* job: as it will be run; its folder and deadline are not used. always: however little time there is, and for up to ten times
   REHEARSAL_S. */
gboolean rehearse(const struct fit_job *job, gboolean always, GError **error);

G_END_DECLS
