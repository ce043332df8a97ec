/*
 * test-validate.c - the numbers of a validation against naive ones: the AUC by all pairs, the log loss by
 * its formula, over samples whose truth is 0 or 1, as they are (no variant) and could be read.
 */
#include "common/log/log.h"
#include "tests/unit/fake_task.h"
#include "train/validate.h"

static void test_numbers(void)
{
	g_autoptr(model_t) m = fake_model(3);
	const guint items[] = { 0, 1, 2, 3, 5, 6, 7, 8, 10, 11 };       /* 7: none can be read; 11: has none */
	struct scan scan = { .work = &fake_work, .models = &m, .n_models = 1, .device = T_CPU, .batch = 6, .readers = 2 };
	struct validation v = { 0 };
	g_autoptr(GError) error = NULL;
	double p[256], auc = 0, pairs = 0, loss = 0;
	int truth[256];
	guint n = 0, all = 0, scored = 0;
	double metric = 0;

	fake_reset(TRUE);
	for (gsize k = 0; k < G_N_ELEMENTS(items); k++) {
		g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(struct sample));
		g_autoptr(GArray) outputs = g_array_new(FALSE, FALSE, sizeof(float));
		fake_expect(m, items[k], 10, 1, samples, outputs);
		all += samples->len;
		if (items[k] != 7 && items[k] != 11) {
			scored++;
			metric += items[k] + samples->len / 100.0;
		}
		for (guint i = 0; i < samples->len; i++) {
			const struct sample *s = &g_array_index(samples, struct sample, i);
			if (s->variant != 0 || !fake_readable(s) || s->at[0] % 3 == 0)
				continue;
			p[n] = 1 / (1 + exp(-(double)g_array_index(outputs, float, i * FAKE_JUDGED)));
			truth[n] = s->at[0] % 3 == 2;
			loss -= truth[n] ? log(p[n]) : log(1 - p[n]);
			n++;
		}
	}
	for (guint i = 0; i < n; i++)
		for (guint k = 0; k < n; k++)
			if (truth[i] && !truth[k]) {
				auc += p[i] > p[k] ? 1 : p[i] == p[k] ? 0.5 : 0;
				pairs++;
			}

	g_assert_true(validate(&scan, items, G_N_ELEMENTS(items), &v, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(scan.n_samples, ==, all);
	g_assert_cmpuint(v.n, ==, scored);
	g_assert_cmpuint(v.broken, ==, 0);
	g_assert_cmpfloat_with_epsilon(v.sample_auc, auc / pairs, 1e-9);
	g_assert_cmpfloat_with_epsilon(v.sample_log_loss, loss / n, 1e-5);
	g_assert_cmpfloat_with_epsilon(v.metric.value, metric, 1e-9);
	g_assert_cmpfloat(v.metric.low, ==, scored);
	g_assert_cmpfloat(v.seconds, >, 0);
	g_assert_cmpuint(log_warnings("validation"), >, 0);
	for (gsize i = 0; i < v.n; i++) {
		g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(struct sample));
		g_autoptr(GArray) outputs = g_array_new(FALSE, FALSE, sizeof(float));
		double features[FAKE_FEATURES];
		fake_expect(m, v.items[i], 10, 1, samples, outputs);
		fake_features(&fake_work, v.items[i], NULL, (float *)(gpointer)outputs->data, samples->len, features);
		g_assert_cmpfloat_with_epsilon(v.features[i * FAKE_FEATURES], features[0], 1e-4);
		g_assert_cmpfloat(v.features[i * FAKE_FEATURES + 1], ==, features[1]);
	}
	validation_clear(&v);
	g_assert_null(v.items);
	validation_clear(&v);
}

/* A network that gives no numbers: all its cases are counted so, and no sample. */
static void test_broken(void)
{
	g_autoptr(model_t) m = fake_model(3);
	struct scan scan = { .work = &fake_work, .models = &m, .n_models = 1, .device = T_CPU, .batch = 6, .readers = 2 };
	struct validation v = { 0 };
	const guint items[] = { 0, 1, 7 };
	const float bias[] = { NAN, NAN };
	g_autoptr(GError) error = NULL;

	fake_reset(TRUE);
	{
		SCOPE(s, NULL, SCOPE_NO_GRAD);
		t_write_(s, scope_find(m->params, "classifier.bias"), bias, sizeof bias);
	}
	g_assert_true(validate(&scan, items, 3, &v, &error));
	g_assert_cmpuint(v.n, ==, 2);
	g_assert_cmpuint(v.broken, ==, 2);
	g_assert_true(isnan(v.sample_auc));
	validation_clear(&v);
}

static void test_none(void)
{
	g_autoptr(model_t) m = fake_model(3);
	struct scan scan = { .work = &fake_work, .models = &m, .n_models = 1, .device = T_CPU, .batch = 6, .readers = 2 };
	struct validation v = { 0 };
	g_autoptr(GError) error = NULL;

	fake_reset(TRUE);
	g_assert_true(validate(&scan, NULL, 0, &v, &error));
	g_assert_cmpuint(v.n, ==, 0);
	g_assert_true(isnan(v.sample_auc));
	g_assert_true(isnan(v.sample_log_loss));
	validation_clear(&v);
}

static void test_fails(void)
{
	g_autoptr(model_t) m = fake_model(1);
	struct scan scan = { .work = &fake_work, .models = &m, .n_models = 1, .device = T_CPU, .batch = 6, .readers = 2 };
	struct validation v = { 0 }, untouched = { 0 };
	const guint items[] = { 0, 1 };
	g_autoptr(GError) error = NULL;

	fake_reset(TRUE);
	g_assert_false(validate(&scan, items, 2, &v, &error));
	g_assert_error(error, FAULT, FAULT_FAILED);
	g_assert_true(memcmp(&v, &untouched, sizeof v) == 0);
}

static void test_samples(void)
{
	const guint items[] = { 0, 8, 11, 7 };

	fake_reset(TRUE);
	g_assert_cmpuint(validation_samples(&fake_work, items, 4, 1), ==, 1 + (5 + 2 + 1) + 0 + (9 + 1)); /* item % 3 in the second round, and one in the third */
	g_assert_cmpuint(validation_samples(&fake_work, items, 4, 0.5), ==, 1 + (3 + 2 + 1) + 0 + (5 + 1)); /* half of 1, 5 and 9 */
	g_assert_cmpuint(validation_samples(&fake_work, items, 0, 1), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_open("test-validate", 0);
	g_test_add_func("/validate/numbers", test_numbers);
	g_test_add_func("/validate/broken", test_broken);
	g_test_add_func("/validate/none", test_none);
	g_test_add_func("/validate/fails", test_fails);
	g_test_add_func("/validate/samples", test_samples);
	return g_test_run();
}
