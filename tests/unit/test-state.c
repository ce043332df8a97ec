/*
 * test-state.c - the point to go on from, as text and back: every bit of it; and what is refused of a text that
 * someone changed.
 */
#include "common/fault/fault.h"
#include "train/state.h"
#include <math.h>

static const struct state some = {
	.epoch = 3, .at = 17, .step = 123456789012, .optimiser_steps = 123456789011, .thawed = 1234, .mined = 2, .loss_sum = 0.1 + 0.2, .loss_count = 16,
	.not_finite = 1, .plateaus = 2, .stale = 1, .best = { 0.9, 1.0 / 3, 1 }, .best_epoch = 2, .finished = 0,
	.seconds = 98765.4321, .plan = { 20, 313, 0.1 * 3, 25, 400 }, .costs = { 1e-3 / 7, 12.5, 1.0 / 7 }, .timed = 99, .part = 64,
	.bf16 = 1, .bags = BAGS_NONE, .looked = 2048, .share = 1.0 / 7,
};

static char *text_of(const struct state *s)
{
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);

	json_node_take_object(root, state_to_json(s));
	return json_to_string(root, TRUE);
}

static gboolean read_back(const char *text, struct state *out, GError **error)
{
	g_autoptr(JsonNode) root = json_from_string(text, NULL);

	return state_from_json(json_node_get_object(root), out, error);
}

static void test_round_trip(void)
{
	g_autofree char *text = text_of(&some);
	g_autoptr(GError) error = NULL;
	struct state got;

	memset(&got, 0xff, sizeof got);
	g_assert_true(read_back(text, &got, &error));
	g_assert_no_error(error);
	g_assert_cmpint(got.epoch, ==, 3);
	g_assert_cmpint(got.at, ==, 17);
	g_assert_cmpint(got.step, ==, 123456789012);
	g_assert_cmpint(got.optimiser_steps, ==, 123456789011);
	g_assert_true(got.loss_sum == some.loss_sum);
	g_assert_true(got.best.value == 0.9 && got.best.low == 1.0 / 3 && got.best.high == 1);
	g_assert_true(got.plan.progress == some.plan.progress);
	g_assert_cmpuint(got.plan.epochs, ==, 20);
	g_assert_cmpint(got.plan.epoch_steps, ==, 313);
	g_assert_cmpuint(got.plan.set_epochs, ==, 25);
	g_assert_cmpint(got.thawed, ==, 1234);
	g_assert_cmpint(got.mined, ==, 2);
	g_assert_true(got.costs.mining == 1.0 / 7);
	g_assert_true(got.costs.step == 1e-3 / 7 && got.costs.validation == 12.5);
	g_assert_cmpint(got.timed, ==, 99);
	g_assert_cmpint(got.part, ==, 64);
	g_assert_cmpint(got.bf16, ==, 1);
	g_assert_cmpint(got.bags, ==, BAGS_NONE);
	g_assert_cmpint(got.looked, ==, 2048);
	g_assert_true(got.share == 1.0 / 7);
}

/* Where no case was held out there is no best. */
static void test_no_best(void)
{
	struct state none = some, got;
	g_autoptr(GError) error = NULL;

	none.best = (struct interval){ NAN, NAN, NAN };
	g_autofree char *text = text_of(&none);
	g_assert_null(strstr(text, "nan"));
	g_assert_true(read_back(text, &got, &error));
	g_assert_true(isnan(got.best.value) && isnan(got.best.low) && isnan(got.best.high));
}

static void test_refused(void)
{
	static const struct { const char *line, *instead, *name; } changed[] = {
		{ "\"epoch\" : 3,", "", "epoch" },
		{ "\"epoch\" : 3,", "\"epoch\" : -1,", "epoch" },
		{ "\"epoch\" : 3,", "\"epoch\" : 3.5,", "epoch" },
		{ "\"epoch\" : 3,", "\"epoch\" : [3],", "epoch" },
		{ "\"part\" : 64,", "\"part\" : 0,", "part" },
		{ "\"part\" : 64,", "\"part\" : \"64\",", "part" },
		{ "\"bf16\" : 1", "\"bf16\" : true", "bf16" },
		{ "\"plan_epochs\" : 20,", "\"plan_epochs\" : 99999999999,", "plan_epochs" },
		{ "\"seconds\" : 98765.4321", "\"seconds\" : -0.5", "seconds" },
		{ "\"best_high\" : 1.0", "\"best_high\" : null", "best_high" },
	};
	g_autofree char *text = text_of(&some);

	for (gsize i = 0; i < G_N_ELEMENTS(changed); i++) {
		g_autoptr(GString) other = g_string_new(text);
		g_autoptr(GError) error = NULL;
		struct state got = { .epoch = 77 };
		g_autofree char *message = g_strdup_printf("its state has no usable '%s'", changed[i].name);
		g_string_replace(other, changed[i].line, changed[i].instead, 0);
		g_assert_cmpstr(other->str, !=, text);
		g_assert_false(read_back(other->str, &got, &error));
		g_assert_error(error, FAULT, FAULT_DATA);
		g_assert_cmpstr(error->message, ==, message);
		g_assert_cmpint(got.epoch, ==, 77);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/state/round-trip", test_round_trip);
	g_test_add_func("/state/no-best", test_no_best);
	g_test_add_func("/state/refused", test_refused);
	return g_test_run();
}
