/*
 * pictures.h - a picture of each case for whoever may look at them: <paths.model>/pictures/<case>.png, where
 * pictures.heat is set.
 *
 * The task draws in a thread beside the scan, whenever a pass saw more of a case than those before. It never costs an
 * answer: a case that cannot be drawn is one warning; a folder that cannot be written to, or a drawing that hangs, ends
 * it all with one. Once the time is over, or the program is asked to stop, what was not begun is left.
 *
 * Threads: main. Memory: samples and outputs of cases that wait; the task's picture of one (task->reading counts it).
 */
#pragma once
#include "common/scan/scan.h"

G_BEGIN_DECLS

struct pictures;

/* NULL: none are wanted, or there can be none, which is said; all that follows takes NULL. */
struct pictures *pictures_new(struct work *work);
/* Of a case that a scan hands over, while it is prepared. */
void pictures_take(struct pictures *pictures_opt, const struct scan_case *c);
/* Waits for those under way, says how many were drawn, and frees it. */
void pictures_finish(struct pictures *pictures_opt);

G_END_DECLS
