/*
 * test-answer-plan.c - which cases are looked at next: by hand-worked costs of a second a sample and 10 a case.
 */
#include "inference/plan.h"
#include <math.h>

enum { N = 4 };

static const struct plan_rate RATE = { .sample_s = 1, .more_s = 1, .case_s = 10 };

/* Four cases of 6400 samples, 168 more in later rounds, whatever the share; 2 is the least sure, 3 could not be read. */
static void four(struct plan_case cases[N])
{
	static const double doubt[N] = { 0.1, 0.5, 0.9, 1 };

	for (int i = 0; i < N; i++)
		cases[i] = (struct plan_case){ .samples = 6400, .more = 168, .fixed = 168, .doubt = doubt[i], .read = TRUE };
	cases[3].read = FALSE;
	cases[3].samples = cases[3].more = cases[3].fixed = 0;
}

static void assert_plan(struct plan *p, double share, int rounds, guint n, const guint *items)
{
	g_assert_cmpuint(p->n, ==, n);
	for (guint i = 0; i < n; i++)
		g_assert_cmpuint(p->items[i], ==, items[i]);
	if (n > 0) {
		g_assert_cmpfloat_with_epsilon(p->share, share, 1e-3);
		g_assert_cmpint(p->rounds, ==, rounds);
	}
	plan_clear(p);
	g_assert_cmpuint(p->n, ==, 0);
}

#define ITEMS(...) (guint)(sizeof((guint[]){ __VA_ARGS__ }) / sizeof(guint)), (const guint[]){ __VA_ARGS__ }

static void test_first(void)
{
	struct plan_case cases[3] = { { .done = FALSE } };
	struct plan p;

	plan_first(cases, 3, 1, &p);
	assert_plan(&p, 1.0 / 64, 1, ITEMS(0, 1, 2));
	cases[1].done = TRUE;           /* as where a GPU failed, and the CPU goes on */
	plan_first(cases, 3, 1, &p);
	assert_plan(&p, 1.0 / 64, 1, ITEMS(0, 2));
	plan_first(cases, 3, 2, &p);
	assert_plan(&p, 1.0 / 64, 2, ITEMS(0, 2));
	plan_first(cases, 0, 1, &p);
	assert_plan(&p, 0, 0, 0, NULL);
}

/* Without a limit: all of each, in their order; what could not be read is tried once more, last. */
static void test_no_limit(void)
{
	struct plan_case cases[N];
	struct plan p;

	four(cases);
	cases[0].read = FALSE;
	plan_next(cases, N, RATE, INFINITY, 1.0 / 64, &p);
	g_assert_cmpuint(p.samples, ==, 3 * (6400 + 168));
	assert_plan(&p, 1, 0, ITEMS(1, 2, 0, 3));
	for (int i = 0; i < N; i++)
		cases[i].done = TRUE;
	plan_next(cases, N, RATE, INFINITY, 1, &p);
	assert_plan(&p, 0, 0, 0, NULL);
}

static void test_fits(void)
{
	struct plan_case cases[N];
	const double all = 4 * 10 + 3 * (6400 + 168);
	struct plan p;

	four(cases);
	plan_next(cases, N, RATE, all, 1.0 / 64, &p);
	g_assert_cmpfloat(p.seconds, ==, all);
	assert_plan(&p, 1, 0, ITEMS(2, 1, 0, 3));
	cases[2].done = TRUE;                   /* what is done is not done again */
	plan_next(cases, N, RATE, all, 1.0 / 64, &p);
	assert_plan(&p, 1, 0, ITEMS(1, 0, 3));
}

/* A look in full costs four coarse ones: 4 * 10 + 3 * (6400 + 4 * 168) s. */
static void test_coarse(void)
{
	const struct plan_rate rate = { .sample_s = 1, .more_s = 4, .case_s = 10 };
	struct plan_case cases[N];
	struct plan p;

	four(cases);
	plan_next(cases, N, rate, 21256, 1.0 / 64, &p);
	g_assert_cmpfloat(p.seconds, ==, 21256);
	g_assert_cmpuint(p.samples, ==, 3 * (6400 + 168));
	assert_plan(&p, 1, 0, ITEMS(2, 1, 0, 3));
}

/* 3 * 1600 + 3 * 168 + 40 is a quarter with later rounds, which are a tenth of it. 3 * 200 + 3 * 168 + 40 would be a
   32nd with them, nearly as much again: without them it is (1144 - 40) / 3 = 368 of 6400. */
static void test_share(void)
{
	struct plan_case cases[N];
	struct plan p;

	four(cases);
	plan_next(cases, N, RATE, 3 * 1600 + 3 * 168 + 40, 1.0 / 64, &p);
	assert_plan(&p, 0.25, 0, ITEMS(2, 1, 0, 3));
	plan_next(cases, N, RATE, 3 * 200 + 3 * 168 + 40, 1.0 / 64, &p);
	g_assert_cmpuint(p.samples, ==, 3 * 368);
	assert_plan(&p, 368.0 / 6400, 1, ITEMS(2, 1, 0, 3));
}

/* Beside turned views, a fifth of the coarse looks is taken in full, each for four: 6400 s of them, 4 * 1280, 4 * 168 and 10 of a
   case. In a little over half the time all get half, rather than some of them all: 3 * (5760 + 672) + 40. */
static void test_share_in_full(void)
{
	const struct plan_rate rate = { .sample_s = 1, .more_s = 4, .case_s = 10 };
	struct plan_case cases[N];
	struct plan p;

	four(cases);
	for (int i = 0; i < 3; i++)
		cases[i].more = 1280 + 168;
	plan_next(cases, N, rate, 3 * (6400 + 4 * 1448) + 40, 1.0 / 64, &p);
	assert_plan(&p, 1, 0, ITEMS(2, 1, 0, 3));
	plan_next(cases, N, rate, 19336, 1.0 / 64, &p);
	g_assert_cmpfloat(p.seconds, <=, 19336);
	assert_plan(&p, 0.5, 0, ITEMS(2, 1, 0, 3));
}

/* The same, where no pass goes without those in full, 80 of them however small the share, and turned views cost more than the rest:
   3 * (3200 + 4 * (80 + 600)) + 40. */
static void test_always(void)
{
	const struct plan_rate rate = { .sample_s = 1, .more_s = 4, .case_s = 10 };
	struct plan_case cases[N];
	struct plan p;

	four(cases);
	for (int i = 0; i < 3; i++) {
		cases[i].more = 1280 + 5000;
		cases[i].fixed = 5000;
		cases[i].always = 1280;
		cases[i].always_fixed = 80;
	}
	plan_next(cases, N, rate, 17800, 1.0 / 64, &p);
	g_assert_cmpfloat(p.seconds, <=, 17800);
	g_assert_cmpuint(p.samples, ==, 3 * (3200 + 680));
	assert_plan(&p, 0.5, 2, ITEMS(2, 1, 0, 3));
}

/* A slide of 40 tiles was seen whole by the first pass: the others are looked at together all the same. */
static void test_small(void)
{
	struct plan_case cases[N];
	struct plan p;

	four(cases);
	cases[0] = (struct plan_case){ .samples = 40, .doubt = 0.1, .read = TRUE, .done = TRUE };
	for (int i = 1; i < 3; i++)
		cases[i].more = cases[i].fixed = 0;
	plan_next(cases, N, RATE, 3 * 10 + 2 * 3200, 1.0 / 64, &p);
	assert_plan(&p, 0.5, 0, ITEMS(2, 1, 3));
}

/* A second pass over all that would be no twice as dense is none: the least sure are looked at in full, as many as
   fit; a case too large for what is left does not keep a smaller one out. */
static void test_refine(void)
{
	struct plan_case cases[N];
	struct plan p;

	four(cases);
	plan_next(cases, N, RATE, 7000, 0.25, &p);
	assert_plan(&p, 1, 0, ITEMS(2, 3));
	cases[2].samples = 20000;
	plan_next(cases, N, RATE, 7000, 0.25, &p);
	assert_plan(&p, 1, 0, ITEMS(1, 3));
	four(cases);
	cases[2].done = TRUE;                   /* one in full: the others are not looked at in part */
	plan_next(cases, N, RATE, 7000, 1.0 / 64, &p);
	assert_plan(&p, 1, 0, ITEMS(1, 3));
	plan_next(cases, N, RATE, 5, 0.25, &p);
	assert_plan(&p, 0, 0, 0, NULL);
	plan_next(cases, N, RATE, -5, 0.25, &p);
	assert_plan(&p, 0, 0, 0, NULL);
}

/* 64 samples are looked at of any case that has them, so of 1,500, 1,500 and 200 the first pass saw 192. 290 are no clear gain: the
   least sure gets all of its own. 390 are: 163 of each large one. */
static void test_refine_small(void)
{
	struct plan_case cases[N];
	struct plan p;

	four(cases);
	for (int i = 0; i < 3; i++) {
		cases[i].samples = i < 2 ? 1500 : 200;
		cases[i].more = cases[i].fixed = 0;
	}
	plan_next(cases, N, RATE, 290 + 40, 1.0 / 64, &p);
	assert_plan(&p, 1, 0, ITEMS(2, 3));
	plan_next(cases, N, RATE, 390 + 40, 1.0 / 64, &p);
	g_assert_cmpuint(p.samples, ==, 163 + 163 + 64);
	assert_plan(&p, 163.0 / 1500, 0, ITEMS(2, 1, 0, 3));
}

/* A bag of 512 is read again where all of a case is looked at, and else costs nothing: 3 * 1600 + 3 * 168 + 40 is a quarter as
   without. */
static void test_bag(void)
{
	struct plan_case cases[N];
	const double all = 4 * 10 + 3 * (6400 + 168 + 512);
	struct plan p;

	four(cases);
	for (int i = 0; i < 3; i++)
		cases[i].bag = 512;
	plan_next(cases, N, RATE, all, 1.0 / 64, &p);
	g_assert_cmpfloat(p.seconds, ==, all);
	g_assert_cmpuint(p.samples, ==, 3 * (6400 + 168 + 512));
	assert_plan(&p, 1, 0, ITEMS(2, 1, 0, 3));
	plan_next(cases, N, RATE, 3 * 1600 + 3 * 168 + 40, 1.0 / 64, &p);
	assert_plan(&p, 0.25, 0, ITEMS(2, 1, 0, 3));
}

/* All samples of all cases once, but not their later rounds: not a second time. */
static void test_ends(void)
{
	struct plan_case cases[N];
	struct plan p;

	four(cases);
	for (int i = 0; i < 3; i++)
		cases[i].more = cases[i].fixed = 6400;
	plan_next(cases, N, RATE, 3 * 6400 + 40, 1.0 / 64, &p);
	assert_plan(&p, 1, 1, ITEMS(2, 1, 0, 3));
	plan_next(cases, N, RATE, 3 * 6400 + 40, 1, &p);
	assert_plan(&p, 1, 0, ITEMS(2, 3));     /* 12810 of 19240 s; the next would be too much */
}

/* Every plan fits into what is left, and with ever less left it ends. */
static void test_sequence(void)
{
	for (double left = 100; left < 60000; left *= 1.3) {
		struct plan_case cases[N];
		double share = 1.0 / 64, rest = left;
		struct plan p;
		int pass = 0;

		four(cases);
		for (plan_next(cases, N, RATE, rest, share, &p); p.n > 0; plan_next(cases, N, RATE, rest, share, &p)) {
			g_assert_cmpfloat(p.seconds, <=, rest);
			g_assert_cmpint(++pass, <, 20);
			for (guint i = 0; i < p.n; i++)
				cases[p.items[i]].done |= p.share >= 1 && p.rounds == 0;
			rest -= p.seconds;
			share = p.share;
			plan_clear(&p);
		}
		plan_clear(&p);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/answer-plan/first", test_first);
	g_test_add_func("/answer-plan/no-limit", test_no_limit);
	g_test_add_func("/answer-plan/fits", test_fits);
	g_test_add_func("/answer-plan/coarse", test_coarse);
	g_test_add_func("/answer-plan/share", test_share);
	g_test_add_func("/answer-plan/share-in-full", test_share_in_full);
	g_test_add_func("/answer-plan/always", test_always);
	g_test_add_func("/answer-plan/small", test_small);
	g_test_add_func("/answer-plan/refine", test_refine);
	g_test_add_func("/answer-plan/refine-small", test_refine_small);
	g_test_add_func("/answer-plan/bag", test_bag);
	g_test_add_func("/answer-plan/ends", test_ends);
	g_test_add_func("/answer-plan/sequence", test_sequence);
	return g_test_run();
}
