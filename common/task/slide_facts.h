/*
 * slide_facts.h - what training settled, as a model's manifest says it, and the answer that follows.
 *
 * The manifest may be damaged, or another's: a fact that is missing, no number or out of its range is as if
 * it were not there. No file beside common/task includes this, but for its tests.
 */
#pragma once
#include "common/score/score.h"
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

struct slide_facts {
	double mpp;             /* um/px that slides were read at, in the range of tiles.mpp; 0: level 0 as it is */
	double prior;           /* share of positives, 0..1; standard: a half */
	struct score_fit fit;   /* of the slide score; standard: slope 1, intercept 0 */
	gboolean learned;       /* there are facts at all */
};

struct slide_facts slide_facts_read(JsonObject *facts_opt);

/* A probability, 0..1: of a slide score; the prior where there is none or it is not finite; a half where
   nothing was learned. */
double slide_facts_answer(const struct slide_facts *facts, const double *score_opt);

G_END_DECLS
