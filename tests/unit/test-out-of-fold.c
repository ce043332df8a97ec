/*
 * test-out-of-fold.c - what members said of held-out cases: put, put again, the mean of several, and through JSON; what is
 * damaged is refused.
 */
#include "tests/unit/fake_task.h"
#include "common/checkpoint/json.h"
#include "train/out_of_fold.h"

static struct validation said(guint *items, double *features, gsize n)
{
	return (struct validation){ .items = items, .features = features, .n = n };
}

static struct out_of_fold three(void)
{
	struct out_of_fold all = { .n_features = FAKE_FEATURES };
	struct validation first = said((guint[]){ 2, 0 }, (double[]){ 1, 10, 2, 20 }, 2);
	struct validation worse = said((guint[]){ 5 }, (double[]){ 9, 90 }, 1);
	struct validation second = said((guint[]){ 5, 2 }, (double[]){ 3, NAN, 5, 50 }, 2);

	out_of_fold_put(&all, 0, &first);
	out_of_fold_put(&all, 1, &worse);
	out_of_fold_put(&all, 1, &second);      /* in its place */
	return all;
}

static void assert_three(const struct out_of_fold *all)
{
	static const guint member[] = { 0, 0, 1, 1 }, items[] = { 2, 0, 5, 2 };
	static const double features[] = { 1, 10, 2, 20, 3, NAN, 5, 50 };

	g_assert_cmpuint(all->n, ==, 4);
	for (int i = 0; i < 4; i++) {
		g_assert_cmpuint(all->member[i], ==, member[i]);
		g_assert_cmpuint(all->items[i], ==, items[i]);
		for (int k = 0; k < 2; k++)
			g_assert_true(all->features[2 * i + k] == features[2 * i + k] ||
				      (isnan(all->features[2 * i + k]) && isnan(features[2 * i + k])));
	}
}

static void test_put(void)
{
	struct out_of_fold all = three(), copy, mean;

	assert_three(&all);
	out_of_fold_copy(&all, &copy);
	assert_three(&copy);
	out_of_fold_mean(&all, &mean);
	g_assert_cmpuint(mean.n, ==, 3);        /* case 2 was said twice */
	g_assert_cmpuint(mean.items[0], ==, 2);
	g_assert_cmpfloat(mean.features[0], ==, 3);
	g_assert_cmpfloat(mean.features[1], ==, 30);
	g_assert_cmpuint(mean.items[2], ==, 5);
	out_of_fold_clear(&all);
	out_of_fold_clear(&copy);
	out_of_fold_clear(&mean);
}

/* Of the second member one case has no second feature, and it stays; of the third none has. */
static void test_having(void)
{
	struct out_of_fold all = three(), having;
	struct validation without = said((guint[]){ 1, 2 }, (double[]){ 4, NAN, 6, NAN }, 2);

	out_of_fold_put(&all, 2, &without);
	out_of_fold_having(&all, 1, &having);
	assert_three(&having);
	out_of_fold_clear(&having);
	out_of_fold_having(&all, 0, &having);
	g_assert_cmpuint(having.n, ==, 6);
	out_of_fold_clear(&having);
	out_of_fold_clear(&all);
}

static void test_json(void)
{
	static const char *const damaged[] = { "[1]", "[[0, \"c02\", 1]]", "[[0, 2, 1, 2]]", "[[-1, \"c02\", 1, 2]]",
		"[[0, \"c02\", \"1\", 2]]", "[[1, \"c02\", 1, 2], [0, \"c03\", 1, 2]]", "[[\"0\", \"c02\", 1, 2]]" };
	struct out_of_fold all = three(), back;

	fake_reset(TRUE);
	g_autoptr(JsonArray) json = out_of_fold_to_json(&all, &fake_work);
	g_assert_true(out_of_fold_from_json(json, &fake_work, &back));
	assert_three(&back);
	out_of_fold_clear(&back);
	fake_cases[5].ready = FALSE;            /* it is not there any more */
	g_assert_true(out_of_fold_from_json(json, &fake_work, &back));
	g_assert_cmpuint(back.n, ==, 3);
	out_of_fold_clear(&back);
	/* a name that is not UTF-8, through a file */
	fake_reset(TRUE);
	char *id = fake_cases[all.items[0]].id;
	fake_cases[all.items[0]].id = (char *)"caf\xe9";
	g_autoptr(JsonNode) list = json_node_new(JSON_NODE_ARRAY);
	json_node_take_array(list, out_of_fold_to_json(&all, &fake_work));
	g_autofree char *text = json_to_string(list, FALSE);
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) read = json_parse_any(text, strlen(text), 1 << 20, 1000, "x", &error);
	g_assert_no_error(error);
	g_assert_nonnull(strstr(text, "\"caf\\\\351\""));
	g_assert_true(out_of_fold_from_json(json_node_get_array(read), &fake_work, &back));
	assert_three(&back);
	out_of_fold_clear(&back);
	fake_cases[all.items[0]].id = id;
	out_of_fold_clear(&all);
	for (gsize i = 0; i < G_N_ELEMENTS(damaged); i++) {
		g_autoptr(JsonNode) node = json_from_string(damaged[i], NULL);
		g_assert_false(out_of_fold_from_json(json_node_get_array(node), &fake_work, &back));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/out-of-fold/put", test_put);
	g_test_add_func("/out-of-fold/having", test_having);
	g_test_add_func("/out-of-fold/json", test_json);
	return g_test_run();
}
