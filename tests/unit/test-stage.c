/*
 * test-stage.c - stage.h under a clock that is moved by hand: what is spent where, and that it adds up.
 */
#include "common/log/stage.h"
#include "tests/unit/streams.h"

static void begin(void) { open_with_fake_clock("train", 0); }

static void pass(double seconds) { fake_seconds += seconds; }

#define SPENT(wanted) do { \
	g_autoptr(GString) line = g_string_new(NULL); \
	stage_append(line); \
	g_assert_cmpstr(line->str, ==, wanted); \
} while (0)

static void test_nested(void)
{
	begin();
	SPENT(" total=0.0 other=0.0");
	pass(1);
	{
		STAGE("computing");
		pass(2);
		{
			STAGE("waiting");
			pass(4);
		}
		pass(8);
		int before = stage_enter("augmenting");
		pass(16);
		g_assert_cmpfloat(stage_seconds("augmenting"), ==, 16);
		g_assert_cmpfloat(stage_seconds("computing"), ==, 10);
		stage_leave(before);
		STAGE("waiting");       /* to the end of this block */
		pass(32);
	}
	pass(64);
	SPENT(" total=127.0 computing=10.0 waiting=36.0 augmenting=16.0 other=65.0");
	g_assert_cmpfloat(stage_seconds("waiting"), ==, 36);
	g_assert_cmpfloat(stage_seconds("other"), ==, 65);
	g_assert_cmpfloat(stage_seconds("never"), ==, 0);
}

static void test_whole(void)
{
	begin();
	{
		STAGE("computing");
		pass(1);
		{
			STAGE_WHOLE("rehearsing");
			pass(2);
			{
				STAGE("saving");
				pass(4);
				STAGE_WHOLE("judging");
				pass(8);
			}
			pass(16);
		}
		pass(32);
		STAGE("saving");
		pass(64);
	}
	SPENT(" total=127.0 computing=33.0 rehearsing=30.0 saving=64.0 other=0.0");
}

static gpointer elsewhere(gpointer unused)
{
	STAGE("elsewhere");
	STAGE_WHOLE("anywhere");
	pass(1);
	return unused;
}

static void test_thread(void)
{
	begin();
	STAGE("waiting");
	pass(2);
	g_thread_join(g_thread_new("other", elsewhere, NULL));
	SPENT(" total=3.0 waiting=3.0 other=0.0");
}

/* What is one too many counts for none. */
static void test_many(void)
{
	static char names[STAGE_NAMES + 2][8];

	begin();
	for (int i = 0; i < STAGE_NAMES + 2; i++) {
		g_snprintf(names[i], sizeof names[i], "n%d", i);
		STAGE(names[i]);
		pass(1);
	}
	g_assert_cmpfloat(stage_seconds("n0"), ==, 1);
	g_assert_cmpfloat(stage_seconds(names[STAGE_NAMES - 2]), ==, 1);        /* "other" is one of them */
	g_assert_cmpfloat(stage_seconds(names[STAGE_NAMES - 1]), ==, 0);
	g_assert_cmpfloat(stage_seconds("other"), ==, 3);
	begin();                /* anew */
	SPENT(" total=0.0 other=0.0");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/stage/nested", test_nested);
	g_test_add_func("/stage/whole", test_whole);
	g_test_add_func("/stage/thread", test_thread);
	g_test_add_func("/stage/many", test_many);
	return g_test_run();
}
