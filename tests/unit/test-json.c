/*
 * test-json.c - JSON that others may have written: what RFC 8259 allows is read, what would harm json-glib or
 * is none is refused with its byte; members of any type give what is asked for or the standard. And what a
 * model's facts and settings make of such members.
 */
#include "common/checkpoint/json.h"
#include "common/checkpoint/model_settings.h"
#include "common/fault/fault.h"
#include "common/task/slide_facts.h"
#include <math.h>

static JsonObject *parsed(const char *text)
{
	g_autoptr(GError) error = NULL;
	JsonObject *object = json_parse(text, strlen(text), "m.json", &error);

	g_assert_no_error(error);
	g_assert_nonnull(object);
	return object;
}

static void assert_refused(const char *text, gsize length, const char *message)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(json_parse(text, length, "m.json", &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, message);
}

static void test_refused(void)
{
	static const struct { const char *text, *message; } cases[] = {
		{ "", "m.json: byte 0: expected a value" },
		{ " \n", "m.json: byte 2: expected a value" },
		{ "[1]", "m.json: no JSON object" },
		{ "1", "m.json: no JSON object" },
		{ "null", "m.json: no JSON object" },
		{ "{} x", "m.json: byte 3: something behind the end" },
		{ "{}}", "m.json: byte 2: something behind the end" },
		{ "{", "m.json: byte 1: expected a text in quotes" },
		{ "{\"a\"", "m.json: byte 4: expected a colon" },
		{ "{\"a\":", "m.json: byte 5: expected a value" },
		{ "{\"a\":1", "m.json: byte 6: expected a comma or }" },
		{ "{\"a\":1,}", "m.json: byte 7: expected a text in quotes" },
		{ "{\"a\":[1,]}", "m.json: byte 8: expected a value" },
		{ "{\"a\":[1}", "m.json: byte 7: expected a comma or ]" },
		{ "{\"a\":{]}", "m.json: byte 6: expected a text in quotes" },
		{ "{a:1}", "m.json: byte 1: expected a text in quotes" },
		{ "{'a':1}", "m.json: byte 1: expected a text in quotes" },
		{ "// \"\n{}", "m.json: byte 0: expected a value" },
		{ "{}/* */", "m.json: byte 2: something behind the end" },
		{ "var x = {}", "m.json: byte 0: expected a value" },
		{ "{\"a\":01}", "m.json: byte 6: expected a comma or }" },
		{ "{\"a\":0x1}", "m.json: byte 6: expected a comma or }" },
		{ "{\"a\":.5}", "m.json: byte 5: expected a value" },
		{ "{\"a\":5.}", "m.json: byte 7: expected a digit" },
		{ "{\"a\":1e}", "m.json: byte 7: expected a digit" },
		{ "{\"a\":-}", "m.json: byte 6: expected a digit" },
		{ "{\"a\":+1}", "m.json: byte 5: expected a value" },
		{ "{\"a\":NaN}", "m.json: byte 5: expected a value" },
		{ "{\"a\":nul}", "m.json: byte 5: expected a value" },
		{ "{\"a\":truer}", "m.json: byte 9: expected a comma or }" },
		{ "{\"a\":\"b", "m.json: byte 7: a text without an end" },
		{ "{\"a\":\"\n\"}", "m.json: byte 6: a control character in a text" },
		{ "{\"a\":\"\\x\"}", "m.json: byte 7: an escape that is no character" },
		{ "{\"a\":\"\\u00g0\"}", "m.json: byte 8: an escape that is no character" },
		{ "{\"a\":\"\\u0000\"}", "m.json: byte 12: an escape that is no character" },
		{ "{\"a\":\"\\ud800A\"}", "m.json: byte 12: an escape that is no character" },
		{ "{\"a\":\"\\ud800\\u0041\"}", "m.json: byte 18: an escape that is no character" },
		{ "{\"a\":\"\\udc00\"}", "m.json: byte 12: an escape that is no character" },
		{ "{\"a\":\"\xff\"}", "m.json: byte 6: not UTF-8" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_refused(cases[i].text, strlen(cases[i].text), cases[i].message);
	assert_refused("{\0}", 3, "m.json: byte 1: not UTF-8");
	assert_refused("{}", 1, "m.json: byte 1: expected a text in quotes"); /* no further than the length */
}

/* { "a": and then lists: one less than is allowed, and one more, and very many. */
static void test_depth(void)
{
	for (guint depth = JSON_DEPTH_MAX; depth <= 1 << 20; depth = depth == JSON_DEPTH_MAX ? depth + 1 : depth * 64) {
		g_autoptr(GString) text = g_string_new("{\"a\":");
		for (guint i = 1; i < depth; i++)
			g_string_append_c(text, '[');
		for (guint i = 1; i < depth; i++)
			g_string_append_c(text, ']');
		g_string_append_c(text, '}');
		if (depth == JSON_DEPTH_MAX)
			json_object_unref(parsed(text->str));
		else
			assert_refused(text->str, text->len, "m.json: byte 68: nested deeper than anything of ours");
	}
}

static void test_size(void)
{
	g_autofree char *blanks = g_strnfill(JSON_LENGTH_MAX + 1, ' ');
	g_autoptr(GString) members = g_string_new("{");

	blanks[0] = '{';
	blanks[JSON_LENGTH_MAX - 1] = '}';
	json_object_unref(json_parse(blanks, JSON_LENGTH_MAX, "m.json", NULL));
	assert_refused(blanks, JSON_LENGTH_MAX + 1, "m.json: 33554433 bytes of JSON; at most 33554432 are read");
	for (int i = 0; i < JSON_MEMBERS_MAX; i++)
		g_string_append_printf(members, "%s\"%d\":0", i > 0 ? "," : "", i);
	g_string_append_c(members, '}');
	g_autoptr(JsonObject) many = parsed(members->str);
	g_assert_cmpuint(json_object_get_size(many), ==, JSON_MEMBERS_MAX);
	g_string_truncate(members, members->len - 1);
	gsize at = members->len + 1;
	g_string_append(members, ",\"one more\":0}");
	g_autofree char *message = g_strdup_printf("m.json: byte %" G_GSIZE_FORMAT ": more members than an object of ours has", at);
	assert_refused(members->str, members->len, message);
}

/* An object, its list, and zeros: as many as are allowed, and one more. Zero k, from 1, is byte 6 + 2 (k - 1), and
   2^20 - 1 is the first too many. */
static void test_values(void)
{
	g_autoptr(GString) text = g_string_new("{\"a\":[0");

	for (int i = 3; i < JSON_VALUES_MAX; i++)
		g_string_append(text, ",0");
	g_string_append(text, "]}");
	json_object_unref(parsed(text->str));
	g_string_truncate(text, text->len - 2);
	g_string_append(text, ",0]}");
	assert_refused(text->str, text->len, "m.json: byte 2097154: more values than a file of ours has");
}

#define MIXED "{ \"whole\": -12, \"real\": 2.5e-1, \"huge\": 1e999, \"text\": \"A\\u00e9\\ud83d\\ude00\\n\", \"yes\": true,\r\n" \
	      "\t\"nothing\": null, \"list\": [1, [], {}, \"2\"], \"object\": {\"a\": {\"b\": 1}}, \"zero\": 0, \"empty\": \"\" }"

static void test_members(void)
{
	static const char *const names[] = { "whole", "real", "huge", "text", "yes", "nothing", "list", "object", "none" };
	g_autoptr(JsonObject) m = parsed(MIXED);

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_assert_cmpfloat(json_number(m, names[i], 7), ==, i == 0 ? -12 : i == 1 ? 0.25 : 7);
		g_assert_cmpstr(json_text(m, names[i], "?"), ==, i == 3 ? "A\u00e9\U0001f600\n" : "?");
		g_assert_cmpint(json_child(m, names[i]) != NULL, ==, i == 7);
	}
	g_assert_cmpfloat(json_number(m, "zero", 7), ==, 0);
	g_assert_cmpstr(json_text(m, "empty", NULL), ==, "");
	g_assert_cmpfloat(json_number(json_child(json_child(m, "object"), "a"), "b", 7), ==, 1);
	g_assert_cmpfloat(json_number(NULL, "a", 7), ==, 7);
	g_assert_null(json_text(NULL, "a", NULL));
	g_assert_null(json_child(NULL, "a"));
}

static void test_facts(void)
{
	static const double zero = 0, two = 2, most = G_MAXDOUBLE, nan = NAN;
	static const struct { const char *text; double mpp, prior, at_two; int input; } cases[] = {
		{ "{}", 0, 0.5, 0.88079707797788, 0 },     /* 1 / (1 + exp(-2)) */
		{ "{\"mpp\": 0.25, \"prior\": 0.75, \"input\": 192}", 0.25, 0.75, 0.88079707797788, 192 },
		{ "{\"mpp\": 1e300, \"prior\": 7, \"input\": 1e10}", 0, 0.5, 0.88079707797788, 0 },
		{ "{\"mpp\": -1, \"prior\": -0.1, \"slide_model\": 1, \"input\": -3}", 0, 0.5, 0.88079707797788, 0 },
		{ "{\"mpp\": [], \"prior\": {}, \"slide_model\": {}}", 0, 0.5, 0.88079707797788, 0 },
		{ "{\"mpp\": 1e999, \"prior\": true, \"slide_model\": []}", 0, 0.5, 0.88079707797788, 0 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(JsonObject) object = parsed(cases[i].text);
		struct slide_facts facts = slide_facts_read(object);
		g_assert_cmpfloat(facts.mpp, ==, cases[i].mpp);
		g_assert_cmpint(facts.input, ==, cases[i].input);
		g_assert_cmpfloat(facts.prior, ==, cases[i].prior);
		g_assert_cmpfloat_with_epsilon(slide_facts_answer(&facts, &two), cases[i].at_two, 1e-12);
		g_assert_cmpfloat(slide_facts_answer(&facts, NULL), ==, cases[i].prior);
		g_assert_cmpfloat(slide_facts_answer(&facts, &nan), ==, cases[i].prior);
		double far = slide_facts_answer(&facts, &most), none = slide_facts_answer(&facts, &zero);
		g_assert_true(far >= 0 && far <= 1 && none >= 0 && none <= 1);
	}
	struct slide_facts nothing = slide_facts_read(NULL);
	g_assert_cmpfloat(slide_facts_answer(&nothing, &two), ==, 0.5);
}

static void test_settings(void)
{
	g_autoptr(JsonObject) good = parsed("{\"tiles.size\": \"96\", \"score.top\": 3, \"data.classes\": \"a, b\", \"tiles.mpp\": [],"
					    " \"training.epochs\": \"77\", \"device\": {}, \"tiles.tissue\": \"0.250\"}");
	g_autoptr(JsonObject) wrong = parsed("{\"tiles.size\": \"1e9\"}");
	g_autoptr(GPtrArray) changed = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(settings_t) s = settings_new(), standard = settings_new();
	g_autoptr(GError) error = NULL;

	g_assert_true(settings_set(s, "tiles.size", "128", "", NULL));
	g_assert_true(model_settings_take(s, good, changed, &error));
	g_assert_no_error(error);
	g_assert_cmpint(s->tiles.size, ==, 96);
	g_assert_cmpstr(s->data.classes[1], ==, "b");
	g_assert_cmpint(s->training.epochs, ==, standard->training.epochs);
	g_assert_cmpuint(changed->len, ==, 2);
	g_assert_cmpstr(changed->pdata[0], ==, "data.classes=\"[a, b]\" from=model instead_of=\"[negative, positive]\"");
	g_assert_cmpstr(changed->pdata[1], ==, "tiles.size=96 from=model instead_of=128");
	g_assert_false(model_settings_take(s, wrong, changed, &error));
	g_assert_error(error, FAULT, FAULT_USAGE);
	g_assert_cmpstr(error->message, ==, "model.json: tiles.size: expected a whole number from 16 to 4096, not '1e9'");
	g_assert_cmpint(s->tiles.size, ==, 96);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/json/refused", test_refused);
	g_test_add_func("/json/depth", test_depth);
	g_test_add_func("/json/size", test_size);
	g_test_add_func("/json/values", test_values);
	g_test_add_func("/json/members", test_members);
	g_test_add_func("/json/facts", test_facts);
	g_test_add_func("/json/settings", test_settings);
	return g_test_run();
}
