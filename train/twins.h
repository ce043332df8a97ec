/*
 * twins.h - what is there twice, by its bytes or by how it looks: within the training set, and between it and the test set.
 *
 * Cases of like content become one group, so that none is learned from while its double is held out; of one content in
 * two classes all are left out. Said on stderr, pair by pair, and counted in a line `twins`.
 *
 * Threads: main. Errors: none.
 */
#pragma once
#include "common/task/task.h"

G_BEGIN_DECLS

/* How alike two cases must be to be taken for the same thing (grouped), and to be so for certain (left out where
   their classes differ): fingerprint.h has what was measured. Sections next to each other in a block are alike,
   and may well have different labels. */
#define TWINS_ALIKE 0.85
#define TWINS_SAME 0.95

struct twins_side {
	struct work *work;      /* NULL: there are none */
	const struct look *looks; /* (n_cases) */
};

/* Changes cases' `group` and `ready` of train, and its n_left_out. */
void twins_judge(const struct twins_side *train, const struct twins_side *test);

G_END_DECLS
