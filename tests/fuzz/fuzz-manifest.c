/*
 * fuzz-manifest.c - any bytes as a model's manifest: a fault of one line, or an object whose every member can
 * be asked for as anything; then what inference takes from it: settings that fit their keys, and answers
 * within 0 to 1 for whatever score, by the slide model too. The files that it names are model_folder.c's, and need tensors.
 */
#include "common/checkpoint/json.h"
#include "common/checkpoint/model_settings.h"
#include "common/fault/fault.h"
#include "common/score/choose.h"
#include "common/task/slide_facts.h"
#include <math.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_line(const GError *error, int code)
{
	g_assert_error(error, FAULT, code);
	g_assert_true(g_str_has_prefix(error->message, "model.json: "));
	g_assert_null(strchr(error->message, '\n'));
	g_assert_true(g_utf8_validate(error->message, -1, NULL));
}

/* Each member as each type; returns how many there are, with those below. */
static guint look(JsonObject *object, int depth)
{
	g_autoptr(GList) names = json_object_get_members(object);
	guint n = 0;

	g_assert_cmpint(depth, <=, JSON_DEPTH_MAX);
	for (GList *name = names; name != NULL; name = name->next) {
		const char *text = json_text(object, name->data, NULL);
		JsonObject *child = json_child(object, name->data);
		g_assert_true(g_utf8_validate(name->data, -1, NULL));
		g_assert_true(text == NULL || g_utf8_validate(text, -1, NULL));
		g_assert_true(isfinite(json_number(object, name->data, 0)));
		g_assert_true(text == NULL || child == NULL);
		n += 1 + (child != NULL ? look(child, depth + 1) : 0);
	}
	return n;
}

static void take_settings(JsonObject *from)
{
	g_autoptr(GPtrArray) changed = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(settings_t) settings = settings_new();
	g_autoptr(GError) error = NULL;

	if (!model_settings_take(settings, from, changed, &error))
		assert_line(error, FAULT_USAGE);
	for (guint i = 0; i < changed->len; i++)
		g_assert_null(strchr(changed->pdata[i], '\n'));
	g_clear_error(&error);
	g_assert_true(settings_check(settings, &error));
	g_assert_no_error(error);
}

static const double scores[] = { 0, -0.0, 1, -3.5, 1e-300, 1e300, -G_MAXDOUBLE, G_MAXDOUBLE, INFINITY, -INFINITY, NAN };

static void answer(JsonObject *from)
{
	struct slide_facts facts = slide_facts_read(from);
	double none = slide_facts_answer(&facts, NULL);

	g_assert_true(facts.mpp == 0 || (facts.mpp >= 0.01 && facts.mpp <= 100));
	g_assert_true(none >= 0 && none <= 1);
	for (gsize i = 0; i < G_N_ELEMENTS(scores); i++) {
		double features[N_SLIDE_FEATURES];
		for (gsize k = 0; k < N_SLIDE_FEATURES; k++)
			features[k] = scores[(i + k) % G_N_ELEMENTS(scores)];
		double p = slide_facts_answer(&facts, features);
		g_assert_true(p >= 0 && p <= 1);
	}
}

static void answer_by_model(JsonObject *from)
{
	struct slide_model model;
	g_autoptr(GError) error = NULL;

	if (!slide_model_read(from, &model, &error)) {
		g_assert_error(error, FAULT, FAULT_DATA);
		g_assert_true(g_str_has_prefix(error->message, "slide model: ") && strchr(error->message, '\n') == NULL);
		return;
	}
	g_assert_no_error(error);
	for (gsize i = 0; i < G_N_ELEMENTS(scores); i++) {
		double x[N_FEATURES];
		for (guint j = 0; j < N_FEATURES; j++)
			x[j] = scores[(i + j) % G_N_ELEMENTS(scores)];
		double p = slide_model_answer(&model, scores[i], x, scores[G_N_ELEMENTS(scores) - 1 - i]);
		g_assert_true(isfinite(scores[i]) ? p >= 0 && p <= 1 : isnan(p));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *exact = g_memdup2(data, size);
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonObject) manifest = json_parse(exact, size, "model.json", &error);

	if (manifest == NULL) {
		assert_line(error, FAULT_DATA);
		return 0;
	}
	g_assert_no_error(error);
	g_assert_cmpuint(look(manifest, 1), <=, size);
	take_settings(json_child(manifest, "settings"));
	answer(json_child(manifest, "facts"));
	answer_by_model(json_child(json_child(manifest, "facts"), "slide_model"));
	return 0;
}
