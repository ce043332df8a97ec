/*
 * test-logfmt.c - logfmt.h: lines to items, values to lines, and back again for whatever bytes.
 */
#include "common/log/logfmt.h"

/* `word`, `key=[value]`: words first, then pairs. */
static char *take_apart(const char *line, gsize size)
{
	g_auto(logfmt_t) l = { 0 };
	g_autofree char *copy = g_malloc(size + 1);     /* of its exact size: a step too far shows under a sanitizer */
	GString *seen = g_string_new(NULL);

	memcpy(copy, line, size);
	logfmt_parse(&l, copy, size);
	for (guint i = 0; i < l.words->len; i++)
		g_string_append_printf(seen, "%s ", (char *)l.words->pdata[i]);
	for (guint i = 0; i < l.pairs->len; i++) {
		const struct logfmt_pair *pair = &g_array_index(l.pairs, struct logfmt_pair, i);

		g_string_append_printf(seen, "%s=[%s] ", pair->key, pair->value);
	}
	if (seen->len > 0)
		g_string_truncate(seen, seen->len - 1);
	return g_string_free(seen, FALSE);
}

#define CHECK(line, items) do { \
	g_autofree char *got = take_apart(line, sizeof(line) - 1); \
	g_assert_cmpstr(got, ==, items); \
} while (0)

static void test_items(void)
{
	CHECK("", "");
	CHECK(" \t\r ", "");
	CHECK("time=2019-02-21T03:14:15Z t=812.4 train step n=420/1250 loss=0.213\r",
	      "train step time=[2019-02-21T03:14:15Z] t=[812.4] n=[420/1250] loss=[0.213]");
	CHECK("a= b=c=d =e == ==x=y", "=e == ==x=y a=[] b=[c=d]");
	CHECK("a\0b=c\0d", "a d b=[c]");
	CHECK("\xff=\xfe \xea\xb0\x80", "\xea\xb0\x80 \xff=[\xfe]");
}

static void test_quotes(void)
{
	CHECK("text=\"no slide 'x': look\" n=1", "text=[no slide 'x': look] n=[1]");
	CHECK("a=\"\" b=\" \" c=\"=\"", "a=[] b=[ ] c=[=]");
	CHECK("a=\"\\\"\\\\\\n\" b", "b a=[\"\\\\n]");
	CHECK("a=x\"y z\" b=C:\\\\x", "z\" a=[x\"y] b=[C:\\\\x]");
	CHECK("a=\"b\"c d", "c d a=[b]");
	CHECK("a=\"b\"c=d", "a=[b] c=[d]");
	CHECK("say \"a b\"", "say \"a b\"");
	CHECK("a=\"b\0\1c\"", "a=[b \1c]");
}

static void test_cut(void)
{
	CHECK("a=\"b c=d", "a=[b c=d]");
	CHECK("a=\"", "a=[]");
	CHECK("a=\"\\", "a=[\\]");
	CHECK("a=\"\\\"", "a=[\"]");
	CHECK("a=", "a=[]");
	CHECK("=", "=");
	CHECK("\"", "\"");
}

static void test_get(void)
{
	char line[] = "train a=1 b=2 a=3", other[] = "c=4";
	g_auto(logfmt_t) l = { 0 };

	logfmt_parse(&l, line, sizeof line - 1);
	g_assert_cmpstr(logfmt_get(&l, "a"), ==, "1");
	g_assert_cmpstr(logfmt_get(&l, "b"), ==, "2");
	g_assert_null(logfmt_get(&l, "train"));
	logfmt_parse(&l, other, sizeof other - 1);
	g_assert_null(logfmt_get(&l, "a"));
	g_assert_cmpstr(logfmt_get(&l, "c"), ==, "4");
	g_assert_cmpuint(l.words->len, ==, 0);
}

static void test_append(void)
{
	g_autoptr(GString) line = g_string_new(NULL);

	logfmt_append(line, "n", "3/20");
	logfmt_append(line, "none", "");
	logfmt_append(line, "path", "C:\\x");
	logfmt_append(line, "text", "say \"x\"\nand C:\\x");
	logfmt_append(line, "pair", "a=b");
	g_assert_cmpstr(line->str, ==,
			"n=3/20 none=\"\" path=\"C:\\\\x\" text=\"say \\\"x\\\" and C:\\\\x\" pair=\"a=b\"");
}

/* What is appended is what is read, behind and before others. */
static void test_back(void)
{
	static const char bytes[] = "\"\\ =xn;\xea\xff";
	g_autoptr(GRand) random = g_rand_new_with_seed(3);

	for (int i = 0; i < 20000; i++) {
		g_autoptr(GString) line = g_string_new("train outcome"), value = g_string_new(NULL);
		g_auto(logfmt_t) l = { 0 };

		for (int n = g_rand_int_range(random, 0, 9); n > 0; n--)
			g_string_append_c(value, bytes[g_rand_int_range(random, 0, (gint32)sizeof bytes - 1)]);
		logfmt_append(line, "text", value->str);
		logfmt_append(line, "end", "1");
		logfmt_parse(&l, line->str, line->len);
		g_assert_cmpstr(logfmt_get(&l, "text"), ==, value->str);
		g_assert_cmpstr(logfmt_get(&l, "end"), ==, "1");
		g_assert_cmpuint(l.words->len, ==, 2);
		g_assert_cmpuint(l.pairs->len, ==, 2);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/logfmt/items", test_items);
	g_test_add_func("/logfmt/quotes", test_quotes);
	g_test_add_func("/logfmt/cut", test_cut);
	g_test_add_func("/logfmt/get", test_get);
	g_test_add_func("/logfmt/append", test_append);
	g_test_add_func("/logfmt/back", test_back);
	return g_test_run();
}
