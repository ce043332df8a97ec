/*
 * answer_check.h - is the answer fit to be handed in? Used on the file that inference wrote, on that of a
 * rehearsal, and by tools/check-answer.
 *
 * Wrong is what a contest would refuse or misread; doubtful, what it takes and what may cost the score: answers
 * that are all alike, that share the lowest or highest value, or whose order may be turned round.
 *
 * Errors:  FAULT_DATA. Threads: no state.
 */
#pragma once
#include "common/task/task.h"

G_BEGIN_DECLS

/* The file, read back, against the cases of a work (open, for PHASE_TEST). What is doubtful is appended to
   doubts (char *); what is wrong is the error: the first of it, and how much more there is. */
gboolean answer_check_file(const struct work *work, const char *path, GPtrArray *doubts, GError **error);

/* Does a higher feature, which ranks cases, mean a higher answer, as the metric (an AUC; not finite or negative: not
   known) of cases that were held out says it should? NULL, or a sentence. The caller frees it. */
char *answer_check_direction(const struct task *task, JsonObject *facts, double metric);

G_END_DECLS
