/*
 * diagnosis.h - what training has come to, for the end of the log: scores with intervals, what is still missed,
 * whether it learned, what to expect of the test set, and the three things to try next, with their keys.
 *
 * It reads what the model folder keeps of the weights that inference will use (facts; names and probabilities of held-out
 * cases) and the history of epochs, so a run that went on tells of the epochs before, too. Lines: common/log/LINES.md.
 *
 * Threads: main. Errors: none; what is not known is not said.
 */
#pragma once
#include "train/audit.h"

G_BEGIN_DECLS

struct diagnosis {
	const struct work *work;
	JsonArray *history;     /* of objects, one an epoch (fit.c) */
	JsonObject *about_opt;  /* of the weights in the folder */
	struct interval best;   /* the task's metric at the epoch that was saved */
	gint64 best_epoch;      /* 0: none was judged */
	gboolean cut;           /* it ended by training.time, not after the epochs that are set */
	const struct findings *findings;
	const struct memory *memory;
};

void diagnosis_say(const struct diagnosis *d);

/* ---- its arithmetic ---- */

enum course { COURSE_UNKNOWN, COURSE_UNSEEN /* no sample could be judged, cases could */, COURSE_NOTHING, COURSE_OVERFITS, COURSE_RISING, COURSE_LEVEL };

/* What the epochs say: loss (training), log_loss and auc (of held-out samples), the task's metric (of held-out cases), n each, NAN
   where not known. UNKNOWN: fewer than 3 epochs, no auc, no last log_loss. NOTHING: the best auc is below 0.6, and the best metric.
   OVERFITS: the last log_loss is more than a tenth above its least, while the training loss is still below what it was then, and
   auc and metric are below their best. RISING: the last log_loss is the least, and the last third took a twentieth off it. Thresholds
   are ours. */
enum course diagnosis_course(const double *loss, const double *log_loss, const double *auc, const double *metric, gsize n);

/* A case that was held out. */
struct judged { guint item; guint8 label; double p; };

G_END_DECLS
