/*
 * classes.h - what each class is made of, in quantiles over its cases: samples, sizes, and the numbers that a look found.
 * Lines `class` of the story, as LINES.md has them. Threads: main. Errors: none.
 */
#pragma once
#include "common/task/task.h"

G_BEGIN_DECLS

/* work: prepared. looks: (n_cases), as task->look filled them. */
void classes_say(const struct work *work, const struct look *looks);

G_END_DECLS
