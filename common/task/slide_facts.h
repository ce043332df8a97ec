/*
 * slide_facts.h - what training settled, as a model's manifest says it, and the answer that follows.
 *
 * The manifest may be damaged, or another's: a fact that is missing, no number or out of its range is as if
 * it were not there. No file beside common/task includes this, but for its tests.
 */
#pragma once
#include "common/score/choose.h"
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

struct slide_facts {
	double mpp;             /* um/px that slides were read at, in the range of tiles.mpp; 0: level 0 as it is */
	int input;              /* px that tiles were enlarged to, in the range of model.input; 0: not known */
	gboolean screen;        /* a screen learned beside the network */
	double prior;           /* share of positives, 0..1; standard: a half */
	struct slide_model model; /* from features to a probability; there where fitted */
	gboolean fitted;        /* else the first feature is the log odds */
	gboolean learned;       /* there are facts at all */
};

struct slide_facts slide_facts_read(JsonObject *facts_opt);

/* A slide's features, as struct task has them: the mean of its score.top highest tiles, those of common/score/features.h,
   and the logit of attention over its tiles. */
enum { SLIDE_TOP, SLIDE_FEATURES, SLIDE_ATTENTION = SLIDE_FEATURES + N_FEATURES, N_SLIDE_FEATURES };

/* A probability, 0..1; the prior where there are no features or the first is not finite; a half where nothing was
   learned. */
double slide_facts_answer(const struct slide_facts *facts, const double *features_opt);

G_END_DECLS
