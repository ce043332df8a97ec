/*
 * choose.h - the slide model: which of a few ways from a heat map to a score is taken, and the probability that
 * follows.
 *
 * Candidates, the simplest first:
 *   top        mean of the k highest tile logits
 *   max        the highest tile logit
 *   logistic   logistic regression of the features (features.h, logistic.h)
 *   attention  the logit of attention over tiles (attention.h)
 *   both       mean of the last two, each calibrated, as logits
 * Each is judged by scores of slides that no part of it learned from: the caller's are out of fold, those of the
 * logistic are made so here.
 *
 * The rule. `top` stands. Each candidate after it, in this order, takes the place of the one that stands where
 *   - its AUC is higher, and DeLong's paired test finds so with a one-sided p below 0.2 (a difference without variance
 *     counts), or
 *   - the AUCs are the same, and its log loss (natural, of probabilities by Platt's method, cross-validated) is lower
 *     by more than 0.01 and by at least one standard error of the paired difference.
 * So a candidate that is no better takes the place in about one choice of six, and then loses little: measured with
 * made-up slides, 100 choices each at 30, 60 and 150.
 * With fewer than 10 slides of a class, where DeLong's variance means little, `top` stays. Slides whose top is not
 * finite (no tile was read) are left out of everything; attention is a candidate where all others have it.
 *
 * Every candidate is calibrated by Platt's method on its out-of-fold scores; its slope is positive (score.h).
 *
 * Errors:  slide_model_read: FAULT_DATA, one line. Threads: no state.
 */
#pragma once
#include "common/config/config.h"
#include "common/metrics/interval.h"
#include "common/score/features.h"
#include "common/score/logistic.h"
#include "common/score/score.h"
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

enum candidate { BY_TOP, BY_MAX, BY_LOGISTIC, BY_ATTENTION, BY_BOTH, N_CANDIDATES };
extern const char *const candidate_names[N_CANDIDATES];

struct slides {
	gsize n;
	const double *top;              /* (n) mean of the k highest; NAN: no tile was read */
	const double *features;         /* (n, N_FEATURES) */
	const double *attention_opt;    /* (n) logits; NAN where there is none */
	const guint8 *label;            /* (n) */
	const guint32 *group_opt;       /* (n) */
};

struct candidate_fit {
	gboolean there;                 /* else nothing else counts */
	struct interval auc;            /* DeLong, 95 %; NAN: a class is missing */
	double log_loss;                /* cross-validated; NAN: one group alone */
	struct score_fit fit;
};

struct slide_model {
	enum candidate chosen;
	gsize slides;                   /* that it was chosen and fitted by */
	struct candidate_fit candidates[N_CANDIDATES];
	struct logistic logistic;       /* of all slides */
};

/* said_opt: (n), what the chosen one says of each slide that no part of it learned from, calibrated by all of them: a
   probability; NAN where top is not finite. A `wanted` that is not SCORE_MODEL_AUTO is taken where it is there, else top. The same seed, the same model. */
struct slide_model slide_model_choose(const struct slides *s, enum score_model wanted, guint64 seed, double *said_opt);
/* A probability, 0..1: by top where the chosen one's score is not finite; NAN where top's is neither. */
double slide_model_answer(const struct slide_model *m, double top, const double *features, double attention);

/* As JSON, from which the same answers follow, bit for bit. */
JsonObject *slide_model_json(const struct slide_model *m);
/* `slide model: candidates.top.slope: expected a number above 0`. What it returns is sound: its answers are 0..1 or
   NAN, whatever the scores. */
gboolean slide_model_read(JsonObject *in, struct slide_model *out, GError **error);

G_END_DECLS
