/* slide_facts.c - see slide_facts.h. */
#include "common/task/slide_facts.h"
#include "common/checkpoint/json.h"
#include <math.h>

/* um/px: the range of tiles.mpp in common/config/keys.c */
#define MPP_MIN 0.01
#define MPP_MAX 100
/* px: of model.input */
#define INPUT_MIN 16
#define INPUT_MAX 4096

static double within(JsonObject *facts, const char *name, double low, double high, double standard)
{
	double value = json_number(facts, name, standard);

	return value >= low && value <= high ? value : standard;
}

struct slide_facts slide_facts_read(JsonObject *facts)
{
	struct slide_facts out = {
		.mpp = within(facts, "mpp", MPP_MIN, MPP_MAX, 0),
		.input = (int)within(facts, "input", INPUT_MIN, INPUT_MAX, 0),
		.screen = within(facts, "screen", 0, 1, 0) > 0,
		.prior = within(facts, "prior", 0, 1, 0.5),
		.learned = facts != NULL,
	};

	out.fitted = slide_model_read(json_child(facts, "slide_model"), &out.model, NULL);
	return out;
}

double slide_facts_answer(const struct slide_facts *facts, const double *features)
{
	const struct score_fit plain = { 1, 0 };

	if (!facts->learned)
		return 0.5;
	if (features == NULL || !isfinite(features[SLIDE_TOP]))
		return facts->prior;
	if (!facts->fitted)
		return score_probability(plain, features[SLIDE_TOP]);
	return slide_model_answer(&facts->model, features[SLIDE_TOP], features + SLIDE_FEATURES, features[SLIDE_ATTENTION]);
}
