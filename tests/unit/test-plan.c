/*
 * test-plan.c - plans worked out by hand, and training played through with noisy clocks: it ends within its
 * time, with its schedule at the end.
 */
#include "train/plan.h"
#include <math.h>

static void assert_plan(const struct plan *p, guint epochs, gint64 steps)
{
	g_assert_cmpuint(p->epochs, ==, epochs);
	g_assert_cmpint(p->epoch_steps, ==, steps);
}

static void test_new(void)
{
	struct plan p = plan_new(20, 313);

	assert_plan(&p, 20, 313);
	g_assert_cmpfloat(p.progress, ==, 0);
	g_assert_cmpint(plan_left(&p, 0, 0), ==, 6260);
	g_assert_cmpint(plan_left(&p, 19, 312), ==, 1);
	g_assert_cmpint(plan_left(&p, 19, 313), ==, 0);
	g_assert_cmpint(plan_left(&p, 20, 0), ==, 0);
	g_assert_cmpint(plan_left(&p, 25, 0), ==, 0);
	p = plan_new(0, 0);
	assert_plan(&p, 1, 1);
	p = plan_new(PLAN_OPEN, 5);
	assert_plan(&p, PLAN_EPOCHS, 5);
}

/* 806,000 held-out tiles, as in the challenge, beside 20 epochs of 20,032: the same steps, and three validations. */
static void test_thin(void)
{
	struct plan p = plan_new(20, 313);

	plan_thin(&p, 64, 10000);
	assert_plan(&p, 20, 313);
	plan_thin(&p, 64, 60096);       /* as much as three passes of an epoch */
	assert_plan(&p, 20, 313);
	plan_thin(&p, 64, 120192);
	assert_plan(&p, 10, 626);
	p = plan_new(20, 313);
	plan_thin(&p, 64, 400000);      /* 6,250 steps */
	assert_plan(&p, 3, 2087);
	p = plan_new(20, 313);
	plan_thin(&p, 64, 806000);      /* 4,197.9 steps an epoch */
	assert_plan(&p, 3, 4198);
	p = plan_new(2, 313);
	plan_thin(&p, 64, 806000);
	assert_plan(&p, 2, 4198);
	p = plan_new(20, 313);
	plan_thin(&p, 64, 0);
	assert_plan(&p, 20, 313);
}

/* Validations that cost as much as 3,750 steps: they take a sixth at most, and what is learned is what was set, whatever the
   time, or where nothing was, what fits. */
static void test_expensive(void)
{
	const struct plan_costs costs = { 0.028, 105, 0 };
	struct plan p = plan_new(20, 313);

	plan_fit(&p, 0, 0, 2280, costs);        /* 20 of 113.76 s */
	assert_plan(&p, 20, 313);
	plan_fit(&p, 0, 0, 2200, costs);        /* three validations are less than 367 s: 6,260 / 3 steps */
	assert_plan(&p, 3, 2086);
	p.past = 2086;
	plan_fit(&p, 1, 0, 1000, costs);        /* one is less than 167 s: the 4,174 that are left */
	assert_plan(&p, 2, 4174);

	p = plan_new(PLAN_OPEN, 313);
	plan_fit(&p, 0, 0, 33600, costs);       /* 53 validations are less than 5,600 s: 33,600 / 53 - 105 = 528.96 s each */
	assert_plan(&p, 53, 18891);
	p.past = 18891;
	plan_fit(&p, 1, 0, 33600 - 634, costs); /* 52 of 633.96 s: as planned, 4 ms a step less or more */
	assert_plan(&p, 53, 18891);
	p = plan_new(PLAN_OPEN, 100);
	plan_fit(&p, 0, 10, 10990, (struct plan_costs){ 1, 10, 0 }); /* 100 of 110 s */
	assert_plan(&p, 100, 100);
}

static void test_fit(void)
{
	static const struct {
		guint epochs;
		gint64 steps;
		guint epoch;
		gint64 at;
		double left, step, validation;
		guint want_epochs;
		gint64 want_steps;
	} cases[] = {
		/* 10 epochs of 100 s and 10 s: 1100 s fit, as they are */
		{ 10, 100, 0, 0, 1100, 1, 10, 10, 100 },
		{ 10, 100, 0, 0, 1e9, 1, 10, 10, 100 },
		/* 600 s: 5 epochs (550 s) made longer, 600 / 5 - 10 */
		{ 10, 100, 0, 0, 600, 1, 10, 5, 110 },
		/* the same, 50 steps into the first: their 50 s count as there */
		{ 10, 100, 0, 50, 550, 1, 10, 5, 110 },
		/* two epochs done: 5 of the 8 left */
		{ 10, 100, 2, 0, 600, 1, 10, 7, 110 },
		/* 200 s: not one and a half fits, but three stay while validations (30 s) take a sixth at most: 200 / 6
		   is 33 */
		{ 10, 100, 0, 0, 200, 1, 10, 3, 56 },
		/* 150 s: a sixth is 25 s, two validations: 150 / 2 - 10 */
		{ 10, 100, 0, 0, 150, 1, 10, 2, 65 },
		/* 90 s: one */
		{ 10, 100, 0, 0, 90, 1, 10, 1, 80 },
		/* in the third epoch one is enough */
		{ 10, 100, 2, 0, 70, 1, 10, 3, 60 },
		/* less than a validation takes: half of it is learning; none at all: this epoch ends at the step it is at, or after one */
		{ 10, 100, 0, 0, 9, 1, 10, 1, 4 },
		{ 10, 100, 3, 40, -100, 1, 10, 4, 40 },
		{ 10, 100, 3, 0, -100, 1, 10, 4, 1 },
		/* never more than was set */
		{ 2, 100, 0, 0, 219, 1, 10, 2, 99 },
		/* a step that was not measured: epochs alone are left out */
		{ 10, 3, 1, 0, 100, 0, 20, 2, 3 },
		{ 10, 3, 1, 0, -1, 0, 0, 10, 3 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct plan p = plan_new(cases[i].epochs, cases[i].steps);
		p.progress = 0.25;
		plan_fit(&p, cases[i].epoch, cases[i].at, cases[i].left,
			 (struct plan_costs){ cases[i].step, cases[i].validation, 0 });
		if (p.epochs != cases[i].want_epochs || p.epoch_steps != cases[i].want_steps)
			g_test_message("case %u", (guint)i);
		assert_plan(&p, cases[i].want_epochs, cases[i].want_steps);
		g_assert_cmpfloat(p.progress, ==, 0.25);
	}
}

/* 5 s of mining an epoch: 1100 s are not enough for 10 epochs of 115 s any more, but for 9 with 1100 / 9 - 15 steps. */
static void test_mining(void)
{
	const struct plan_costs costs = { 1, 10, 5 };
	struct plan p = plan_new(10, 100);

	plan_fit(&p, 0, 0, 1100, costs);
	assert_plan(&p, 9, 107);
	plan_fit(&p, 0, 0, 1150, costs);
	assert_plan(&p, 10, 100);
}

/* What was left out when steps seemed slow comes back, and no more than was set. */
static void test_regrow(void)
{
	struct plan p = plan_new(10, 100);

	plan_fit(&p, 0, 10, 590, (struct plan_costs){ 1, 10, 0 });
	assert_plan(&p, 5, 110);
	plan_fit(&p, 0, 20, 580, (struct plan_costs){ 0.5, 10, 0 });       /* 590 s are nine epochs of 60 s, and 50 s */
	assert_plan(&p, 9, 111);
	plan_fit(&p, 0, 30, 1085, (struct plan_costs){ 0.5, 10, 0 });
	assert_plan(&p, 10, 100);
	plan_fit(&p, 0, 105, 1e9, (struct plan_costs){ 0.5, 10, 0 });      /* already beyond: the epoch ends */
	assert_plan(&p, 10, 105);
}

static void test_advance(void)
{
	struct plan p = plan_new(2, 5);
	double before = 0;

	for (int i = 0; i < 10; i++) {
		g_assert_cmpfloat_with_epsilon(p.progress, i / 10.0, 1e-12);
		if (i == 4)
			break;
		plan_advance(&p, (guint)i / 5, i % 5);
	}
	/* at 0.4 with 6 steps left, shortened to 3: from there 0.2 a step, and it ends at 1 */
	p.epochs = 1;
	p.epoch_steps = 7;
	for (gint64 at = 4; at < 7; at++) {
		before = p.progress;
		plan_advance(&p, 0, at);
		g_assert_cmpfloat_with_epsilon(p.progress - before, 0.2, 1e-12);
	}
	g_assert_cmpfloat_with_epsilon(p.progress, 1, 1e-12);
	plan_advance(&p, 0, 7);
	g_assert_cmpfloat_with_epsilon(p.progress, 1, 1e-12);
}

struct play { double clock, deadline, progress, longest_jump; gint64 steps, set; guint validations; gboolean whole; };

/* As train/fit.c goes about it: it measures, plans anew at times, and validates each epoch. */
static struct play play(guint32 seed, guint epochs, gint64 epoch_steps, double deadline, double step, double validation)
{
	g_autoptr(GRand) source = g_rand_new_with_seed(seed);
	struct plan p = plan_new(epochs, epoch_steps);
	struct plan_costs costs = { 0 };
	struct play out = { .deadline = deadline, .set = epochs * epoch_steps };
	guint epoch = 0;

	while (epoch < p.epochs) {
		p.past = out.steps;
		for (gint64 at = 0; at < p.epoch_steps;) {
			/* a slow start, noise of half a step, and now and then a stall */
			double took = step * g_rand_double_range(source, 0.5, 1.5) * (out.steps < 3 ? 5 : 1) +
				      (g_rand_int_range(source, 0, 200) == 0 ? step * 5 : 0);
			double before = p.progress;
			plan_advance(&p, epoch, at++);
			out.longest_jump = MAX(out.longest_jump, p.progress - before);
			g_assert_cmpfloat(p.progress, >=, before);
			out.clock += took;
			if (out.steps++ >= 3) {
				gint64 n = out.steps - 4;
				costs.step += MAX(1.0 / (double)(n + 1), 0.05) * (took - costs.step);
				if (costs.validation <= 0)      /* what the caller takes it for at first */
					costs.validation = validation * g_rand_double_range(source, 0.7, 1.3);
				if (n == 10 || (n > 10 && n % 50 == 0))
					plan_fit(&p, epoch, at, deadline - out.clock, costs);
			}
		}
		double took = validation * g_rand_double_range(source, 0.9, 1.1);
		out.clock += took;
		out.validations++;
		costs.validation = took;
		if (++epoch == p.epochs)
			break;
		p.past = out.steps;
		plan_fit(&p, epoch, 0, deadline - out.clock, costs);
		if (out.clock + costs.validation >= deadline)
			break;
	}
	out.progress = p.progress;
	out.whole = out.steps >= out.set - epochs;      /* of each a part of a step */
	return out;
}

static void test_in_time(void)
{
	for (guint32 seed = 0; seed < 300; seed++) {
		g_autoptr(GRand) source = g_rand_new_with_seed(1000 + seed);
		guint epochs = (guint)g_rand_int_range(source, 1, 40);
		gint64 steps = g_rand_int_range(source, 20, 600);
		double step = exp(g_rand_double_range(source, log(0.05), log(3)));
		double validation = step * g_rand_double_range(source, 2, 60);
		/* from what some 100 steps and two validations take to twice what all would */
		double least = 100 * step + 2 * validation, all = epochs * ((double)steps * step + validation);
		double deadline = least + g_rand_double_range(source, 0, 2) * all;
		struct play got = play(seed, epochs, steps, deadline, step, validation);

		/* over it by no more than what nobody could know: the last steps' pace, the last validation's; and what
		   was given is used, unless all was done */
		double unknown = 0.01 * deadline + 10 * step + 0.35 * validation;
		gboolean in_time = got.clock < deadline + unknown, used = got.whole || got.clock > deadline - unknown;
		if (!in_time || !used)
			g_test_message("seed %u: %u x %d steps of %.2f s, validation %.1f s, %.0f s: ended at %.0f s after %d "
				       "steps, %u validations", seed, epochs, (int)steps, step, validation, deadline,
				       got.clock, (int)got.steps, got.validations);
		g_assert_true(in_time);
		g_assert_true(used);
		g_assert_cmpuint(got.validations, >=, 1);
		g_assert_cmpfloat(got.progress, >, 0.9);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/plan/new", test_new);
	g_test_add_func("/plan/fit", test_fit);
	g_test_add_func("/plan/thin", test_thin);
	g_test_add_func("/plan/expensive", test_expensive);
	g_test_add_func("/plan/mining", test_mining);
	g_test_add_func("/plan/regrow", test_regrow);
	g_test_add_func("/plan/advance", test_advance);
	g_test_add_func("/plan/in-time", test_in_time);
	return g_test_run();
}
