/*
 * test-split.c - which cases are held out: shares of every stratum, whole groups, at least one of a class on
 * either side, and few that change when a case comes or goes.
 */
#include "train/split.h"

enum { MOST = 400 };

static struct work_case cases[MOST];
static char ids[MOST][16], groups[MOST][16];
static struct work work = { .cases = cases };
static gboolean held[MOST];

static void add(const char *id, int label, guint stratum, const char *group)
{
	guint i = work.n_cases++;

	g_strlcpy(ids[i], id, sizeof ids[i]);
	if (group != NULL)
		g_strlcpy(groups[i], group, sizeof groups[i]);
	cases[i] = (struct work_case){ .id = ids[i], .label = label, .stratum = stratum, .ready = TRUE,
				       .group = group != NULL ? groups[i] : NULL };
}

/* n cases of a stratum, each by itself */
static void add_many(const char *prefix, guint n, int label, guint stratum)
{
	for (guint i = 0; i < n; i++) {
		char id[16];
		g_snprintf(id, sizeof id, "%s%03u", prefix, i);
		add(id, label, stratum, NULL);
	}
}

static guint count_held(int label, int stratum)
{
	guint n = 0;

	for (guint i = 0; i < work.n_cases; i++)
		n += held[i] && (label < 0 || cases[i].label == label) && (stratum < 0 || cases[i].stratum == (guint)stratum);
	return n;
}

static void test_shares(void)
{
	work.n_cases = 0;
	add_many("n", 50, 0, 0);
	add_many("s", 20, 1, 5);
	add_many("m", 15, 1, 6);
	add_many("l", 65, 1, 7);
	for (guint64 seed = 0; seed < 20; seed++) {
		split_cases(&work, 0.2, seed, 0, held);
		g_assert_cmpuint(count_held(0, 0), ==, 10);
		g_assert_cmpuint(count_held(1, 5), ==, 4);
		g_assert_cmpuint(count_held(1, 6), ==, 3);
		g_assert_cmpuint(count_held(1, 7), ==, 13);
		split_cases(&work, 0.5, seed, 0, held);
		g_assert_cmpuint(count_held(-1, -1), ==, 75);
		split_cases(&work, 0.0, seed, 0, held);
		g_assert_cmpuint(count_held(-1, -1), ==, 0);
	}
}

/* Strata too small for a whole case of their own: what one is short of the next one gives. */
static void test_small_strata(void)
{
	work.n_cases = 0;
	for (guint k = 0; k < 20; k++) {
		char prefix[8];
		g_snprintf(prefix, sizeof prefix, "k%02u-", k);
		add_many(prefix, 2, 1, k);
	}
	split_cases(&work, 0.25, 2018, 0, held);
	g_assert_cmpuint(count_held(-1, -1), ==, 10);   /* a quarter of 40 */
	for (int k = 0; k < 20; k++)
		g_assert_cmpuint(count_held(-1, k), <=, 1);
}

static void test_seed(void)
{
	gboolean first[MOST];
	guint differ = 0;

	work.n_cases = 0;
	add_many("n", 60, 0, 0);
	add_many("p", 60, 1, 4);
	split_cases(&work, 0.2, 2018, 0, held);
	memcpy(first, held, sizeof first);
	split_cases(&work, 0.2, 2018, 0, held);
	g_assert_true(memcmp(first, held, work.n_cases * sizeof *held) == 0);
	split_cases(&work, 0.2, 2019, 0, held);
	for (guint i = 0; i < work.n_cases; i++)
		differ += held[i] != first[i];
	g_assert_cmpuint(differ, >=, 10);
}

/* Taken out one by one, a case changes the side of at most one other of its stratum, and by what its stratum
   hands on of one of each other. */
static void test_stays(void)
{
	gboolean all[MOST];

	work.n_cases = 0;
	add_many("n", 60, 0, 0);
	add_many("p", 60, 1, 4);
	split_cases(&work, 0.2, 2018, 0, held);
	memcpy(all, held, sizeof all);
	for (guint out = 0; out < 120; out++) {
		guint moved = 0;
		cases[out].ready = FALSE;
		split_cases(&work, 0.2, 2018, 0, held);
		g_assert_false(held[out]);
		for (guint i = 0; i < 120; i++)
			moved += i != out && held[i] != all[i];
		g_assert_cmpuint(moved, <=, 2);
		cases[out].ready = TRUE;
	}
}

static void test_groups(void)
{
	work.n_cases = 0;
	for (guint i = 0; i < 200; i++) {       /* 50 patients of 4 slides, whose names say nothing of it */
		char id[16], group[16];
		g_snprintf(id, sizeof id, "%03u", i * 37 % 200);
		g_snprintf(group, sizeof group, "patient%u", i % 50);
		add(id, (int)(i % 50) % 2, (i % 50) % 2 * 4, group);
	}
	for (guint64 seed = 0; seed < 20; seed++) {
		split_cases(&work, 0.2, seed, 0, held);
		for (guint i = 0; i < 200; i++)
			g_assert_cmpint(held[i], ==, held[i % 50]);
		g_assert_cmpuint(count_held(-1, -1), ==, 40);
		g_assert_cmpuint(count_held(1, -1), ==, 20);
	}
}

/* A group with slides of both classes goes by its highest stratum, and goes whole. */
static void test_mixed_group(void)
{
	work.n_cases = 0;
	add_many("n", 20, 0, 0);
	add("a1", 0, 0, "a");
	add("a2", 1, 5, "a");
	add("b1", 1, 5, "b");
	add("b2", 0, 0, "b");
	for (guint64 seed = 0; seed < 20; seed++) {
		split_cases(&work, 0.2, seed, 0, held);
		g_assert_cmpint(held[20], ==, held[21]);
		g_assert_cmpint(held[22], ==, held[23]);
		g_assert_cmpint(held[20] + held[22], ==, 1);    /* of class 1 one is held and one stays */
	}
}

/* Of each class with two groups one at least on either side, whatever the share; of one group, none held. */
static void test_least(void)
{
	for (guint64 seed = 0; seed < 20; seed++) {
		work.n_cases = 0;
		add_many("n", 3, 0, 0);
		add_many("p", 2, 1, 4);
		split_cases(&work, 0.01, seed, 0, held);
		g_assert_cmpuint(count_held(0, -1), ==, 1);
		g_assert_cmpuint(count_held(1, -1), ==, 1);
		split_cases(&work, 0.5, seed, 0, held);
		g_assert_cmpuint(count_held(0, -1), <, 3);
		g_assert_cmpuint(count_held(1, -1), ==, 1);

		work.n_cases = 0;
		add_many("n", 9, 0, 0);
		add_many("p", 1, 1, 4);
		split_cases(&work, 0.5, seed, 0, held);
		g_assert_cmpuint(count_held(1, -1), ==, 0);

		work.n_cases = 0;
		add("x", 1, 4, "one");
		add("y", 1, 4, "one");
		split_cases(&work, 0.5, seed, 0, held);
		g_assert_cmpuint(count_held(-1, -1), ==, 0);
	}
}

static void test_not_ready(void)
{
	work.n_cases = 0;
	add_many("n", 20, 0, 0);
	for (guint i = 0; i < 10; i++)
		cases[2 * i].ready = FALSE;
	split_cases(&work, 0.5, 2018, 0, held);
	for (guint i = 0; i < 20; i += 2)
		g_assert_false(held[i]);
	g_assert_cmpuint(count_held(-1, -1), ==, 5);
	for (guint i = 0; i < 20; i++)
		cases[i].ready = FALSE;
	held[3] = TRUE;
	split_cases(&work, 0.5, 2018, 0, held);
	g_assert_cmpuint(count_held(-1, -1), ==, 0);
	work.n_cases = 0;
	split_cases(&work, 0.5, 2018, 0, held);    /* none at all */
}

/* Folds: each case is held out in one, each has its share of every stratum, and they come round again. */
static void test_folds(void)
{
	guint times[MOST] = { 0 };

	work.n_cases = 0;
	add_many("n", 54, 0, 0);
	add_many("s", 23, 1, 5);
	add_many("l", 80, 1, 7);
	g_assert_cmpuint(split_folds(0.2), ==, 5);
	g_assert_cmpuint(split_folds(0.15), ==, 7);
	g_assert_cmpuint(split_folds(0.5), ==, 2);
	g_assert_cmpuint(split_folds(0), ==, 1);
	for (guint fold = 0; fold < 5; fold++) {
		split_cases(&work, 0.2, 2018, fold, held);
		for (guint i = 0; i < work.n_cases; i++)
			times[i] += held[i] ? 1 : 0;
		g_assert_cmpint(ABS((int)count_held(0, 0) - 11), <=, 2);
		g_assert_cmpint(ABS((int)count_held(1, 5) - 5), <=, 2);
		g_assert_cmpint(ABS((int)count_held(1, 7) - 16), <=, 2);
	}
	for (guint i = 0; i < work.n_cases; i++)
		g_assert_cmpuint(times[i], ==, 1);
	gboolean first[MOST];
	split_cases(&work, 0.2, 2018, 0, first);
	split_cases(&work, 0.2, 2018, 5, held);
	for (guint i = 0; i < work.n_cases; i++)
		g_assert_true(held[i] == first[i]);
}

/* A run goes on: b, of the patient whose a is held out, can be read now; d cannot any more. */
static void test_again(void)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

	work.n_cases = 0;
	add("a", 1, 0, "p");
	add("b", 1, 0, "p");
	add("c", 0, 0, NULL);
	add("d", 0, 0, NULL);
	add("e", 0, 0, "q");
	add("f", 0, 0, NULL);
	cases[3].ready = FALSE;
	g_hash_table_add(names, ids[0]);
	g_hash_table_add(names, ids[3]);
	g_hash_table_add(names, ids[5]);
	split_again(&work, names, held);
	for (guint i = 0; i < work.n_cases; i++)
		g_assert_cmpint(held[i], ==, i == 0 || i == 1 || i == 5);
}

/* Three where there is half an hour, and parts enough to hold out; as set where it is. */
static void test_members(void)
{
	struct settings s = { 0 };
	const struct { int set; double time, validation; guint members; } cases_of[] = {
		{ 0, 0, 0.2, 1 }, { 0, 1799, 0.2, 1 }, { 0, 1800, 0.2, 3 }, { 0, 1e6, 0.2, 3 }, { 0, 1e6, 0.5, 2 }, { 0, 1e6, 0, 1 },
		{ 1, 1e6, 0.2, 1 }, { 5, 0, 0.2, 5 }, { 2, 10, 0, 2 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases_of); i++) {
		s.training.members = cases_of[i].set;
		s.training.time = cases_of[i].time;
		s.split.validation = cases_of[i].validation;
		g_assert_cmpuint(split_members(&s), ==, cases_of[i].members);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/split/shares", test_shares);
	g_test_add_func("/split/small-strata", test_small_strata);
	g_test_add_func("/split/seed", test_seed);
	g_test_add_func("/split/stays", test_stays);
	g_test_add_func("/split/groups", test_groups);
	g_test_add_func("/split/mixed-group", test_mixed_group);
	g_test_add_func("/split/least", test_least);
	g_test_add_func("/split/folds", test_folds);
	g_test_add_func("/split/not-ready", test_not_ready);
	g_test_add_func("/split/again", test_again);
	g_test_add_func("/split/members", test_members);
	return g_test_run();
}
