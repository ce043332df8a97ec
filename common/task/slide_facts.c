/* slide_facts.c - see slide_facts.h. */
#include "common/task/slide_facts.h"
#include "common/checkpoint/json.h"
#include <math.h>

/* um/px: the range of tiles.mpp in common/config/keys.c */
#define MPP_MIN 0.01
#define MPP_MAX 100

static double within(JsonObject *facts, const char *name, double low, double high, double standard)
{
	double value = json_number(facts, name, standard);

	return value >= low && value <= high ? value : standard;
}

struct slide_facts slide_facts_read(JsonObject *facts)
{
	return (struct slide_facts){
		.mpp = within(facts, "mpp", MPP_MIN, MPP_MAX, 0),
		.prior = within(facts, "prior", 0, 1, 0.5),
		.fit = { json_number(facts, "score_slope", 1), json_number(facts, "score_intercept", 0) },
		.learned = facts != NULL,
	};
}

/* Slope and score are finite, so their product may be infinite, but the sum with a finite intercept is a
   number, and so is the answer. */
double slide_facts_answer(const struct slide_facts *facts, const double *score)
{
	if (!facts->learned)
		return 0.5;
	if (score == NULL || !isfinite(*score))
		return facts->prior;
	return score_probability(facts->fit, *score);
}
