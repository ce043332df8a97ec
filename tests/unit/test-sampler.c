/*
 * test-sampler.c - what is drawn at each position: strata by their shares in every run of 64, cases alike
 * whatever their size, each sample of a small lesion; and nothing but the seed decides.
 */
#include "common/fault/fault.h"
#include "common/random/random.h"
#include "train/sampler.h"
#include <math.h>

enum { STRATA = 3, MOST = 8 };

static double shares[STRATA];
static guint32 counts[MOST][STRATA];
static struct work_case cases[MOST];
static gboolean held[MOST];

static double fake_share(const struct settings *s, int k)
{
	(void)s;
	return shares[k];
}

static guint32 fake_count(const struct work *w, guint item, int k)
{
	(void)w;
	return counts[item][k];
}

static void fake_pick(const struct work *w, guint item, int k, guint64 random, struct sample *out)
{
	g_assert_true(w->cases[item].ready && !held[item]);
	g_assert_cmpuint(counts[item][k], >, 0);
	*out = (struct sample){ .item = item, .at = { k, (gint32)random_below(random, counts[item][k]), (gint32)(random & 0x7fffffff) } };
}

static const char *const names[] = { "tumour", "normal", "negative" };
static const struct task task = { .n_strata = STRATA, .strata = names, .share = fake_share, .count = fake_count,
				  .pick = fake_pick };
static struct settings settings;        /* of which the sampler asks sampling.power alone */
static struct work work = { .settings = &settings, .task = &task, .cases = cases };

/* 0, 1, 2: positive, of 3, 5000 and 100,000 tumour tiles; 3, 4: negative; 5: not ready; 6: held out */
static void reset(double tumour, double normal, double negative)
{
	const guint32 of[7][STRATA] = { { 3, 20000, 0 }, { 5000, 10, 0 }, { 100000, 18000, 0 }, { 0, 0, 1365 },
					{ 0, 0, 118000 }, { 9, 9, 9 }, { 9, 9, 9 } };

	memset(counts, 0, sizeof counts);
	memcpy(counts, of, sizeof of);
	work.n_cases = 7;
	for (guint i = 0; i < 7; i++) {
		cases[i].ready = i != 5;
		held[i] = i == 6;
	}
	settings.sampling.power = 0;
	shares[0] = tumour;
	shares[1] = normal;
	shares[2] = negative;
}

static struct sampler *make(guint64 seed, char **empty)
{
	g_autoptr(GError) error = NULL;
	struct sampler *s = sampler_new(&work, held, seed, empty, &error);

	g_assert_no_error(error);
	g_assert_nonnull(s);
	return s;
}

static void test_shares(void)
{
	char *empty = (char *)names;

	reset(1, 1, 2);
	for (guint64 seed = 0; seed < 10; seed++) {
		g_autoptr(sampler_t) s = make(seed, &empty);
		g_assert_null(empty);
		for (guint64 epoch = 0; epoch < 5; epoch++)
			for (guint64 first = 0; first < 64 * 100; first += 64) {
				guint n[STRATA] = { 0 };
				for (guint64 i = 0; i < 64; i++)
					n[sampler_stratum(s, epoch, first + i)]++;
				g_assert_cmpuint(n[0], ==, 16);
				g_assert_cmpuint(n[1], ==, 16);
				g_assert_cmpuint(n[2], ==, 32);
			}
	}
}

/* Shares that do not divide, and runs that begin anywhere: never off by more than the few that the sequence's
   discrepancy leaves. */
static void test_uneven(void)
{
	const double want[] = { 0.07 / 1.6, 0.53 / 1.6, 1 / 1.6 };

	reset(0.07, 0.53, 1);
	g_autoptr(sampler_t) s = make(1, NULL);
	for (guint64 first = 0; first < 3000; first += 37) {
		guint n[STRATA] = { 0 };
		for (guint64 i = 0; i < 500; i++)
			n[sampler_stratum(s, 3, first + i)]++;
		for (int k = 0; k < STRATA; k++)
			g_assert_cmpfloat(fabs(n[k] - 500 * want[k]), <=, 8);
	}
}

/* Each case of a stratum as often as any other, though one has 33,000 times as many samples; and each of the
   three of the smallest lesion, too. */
static void test_equal(void)
{
	enum { N = 40000 };
	guint of_case[MOST][STRATA] = { 0 }, of_lesion[3] = { 0 };
	guint distinct = 0;
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	reset(1, 1, 2);
	g_autoptr(sampler_t) s = make(2018, NULL);
	for (guint64 i = 0; i < N; i++) {
		struct sample x;
		sampler_draw(s, 0, i, &x);
		g_assert_cmpint(x.at[0], ==, sampler_stratum(s, 0, i));
		of_case[x.item][x.at[0]]++;
		if (x.item == 0 && x.at[0] == 0)
			of_lesion[x.at[1]]++;
		if (x.item == 4)
			distinct += g_hash_table_add(seen, GINT_TO_POINTER(x.at[1] + 1)) ? 1 : 0;
	}
	for (guint i = 0; i < 3; i++) { /* N / 4 / 3 is 3333: five deviations of some 47 */
		g_assert_cmpuint(of_case[i][0], >, 3333 - 235);
		g_assert_cmpuint(of_case[i][0], <, 3333 + 235);
		g_assert_cmpuint(of_case[i][1], >, 3333 - 235);
		g_assert_cmpuint(of_lesion[i], >, 1111 - 140);
		g_assert_cmpuint(of_lesion[i], <, 1111 + 140);
	}
	g_assert_cmpuint(of_case[3][2], >, 10000 - 350);
	g_assert_cmpuint(of_case[4][2], >, 10000 - 350);
	g_assert_cmpuint(of_case[3][2] + of_case[4][2], ==, N / 2);
	/* 10,000 of 118,000 with replacement: 118,000 (1 - exp(-10/118)) distinct ones */
	g_assert_cmpfloat(fabs(distinct / (of_case[4][2] - (double)of_case[4][2] * of_case[4][2] / 236000) - 1), <, 0.02);
}

/* By the root of their tiles, counted up to 100: of tumour 3, 5000 and 100,000 as 1.732, 10 and 10; of normal tissue 20,000, 10
   and 18,000 as 10, 3.162 and 10. */
static void test_power(void)
{
	enum { N = 40000 };
	static const double want[MOST][2] = { { 797.0, 4317.4 }, { 4601.5, 1365.3 }, { 4601.5, 4317.4 } };      /* of 10,000 each */
	guint of_case[MOST][STRATA] = { 0 };

	reset(1, 1, 2);
	settings.sampling.power = 0.5;
	g_autoptr(sampler_t) s = make(2018, NULL);
	for (guint64 i = 0; i < N; i++) {
		struct sample x;
		sampler_draw(s, 0, i, &x);
		of_case[x.item][x.at[0]]++;
	}
	for (guint i = 0; i < 3; i++)
		for (int k = 0; k < 2; k++) /* five deviations */
			g_assert_cmpfloat(fabs(of_case[i][k] - want[i][k]), <, 5 * sqrt(want[i][k]));
	g_assert_cmpfloat(fabs(of_case[3][2] - 10000.0), <, 350);
}

static void test_pure(void)
{
	reset(1, 1, 2);
	g_autoptr(sampler_t) a = make(7, NULL), b = make(7, NULL), other = make(8, NULL);
	guint differ_seed = 0, differ_epoch = 0, moved = 0;

	for (guint64 i = 2000; i-- > 0;) {      /* backwards: nothing is remembered */
		struct sample x, y, z, w;
		sampler_draw(a, 1, i, &x);
		sampler_draw(b, 1, 1999 - i, &y);
		sampler_draw(b, 1, i, &y);
		sampler_draw(other, 1, i, &z);
		sampler_draw(b, 2, i, &w);
		g_assert_true(memcmp(&x, &y, sizeof x) == 0);
		differ_seed += memcmp(&x, &z, sizeof x) != 0;
		differ_epoch += memcmp(&x, &w, sizeof x) != 0;
		moved += x.at[2] != z.at[2];
	}
	g_assert_cmpuint(differ_seed, ==, 2000);
	g_assert_cmpuint(differ_epoch, ==, 2000);
	g_assert_cmpuint(moved, >, 1990);
}

/* Of 4000 draws, 2000 are of the last stratum: half of them from its 300 hard ones, alike; a quarter of the 1000 of the
   second, where 10 hard ones may come 4 times each; the first has none. The others are what they were. */
static void test_hard(void)
{
	enum { N = 4000, MANY = 300, FEW = 10 };
	struct hard_sample hard[MANY + FEW];
	guint of[STRATA] = { 0 }, plain[STRATA] = { 0 }, times[MANY + FEW] = { 0 };

	reset(1, 1, 2);
	g_autoptr(sampler_t) s = make(5, NULL), before = make(5, NULL);
	for (gint32 i = 0; i < MANY + FEW; i++)
		hard[i] = (struct hard_sample){ { .item = i < MANY ? 3 : 1, .variant = 77, .at = { i } }, i < MANY ? 2 : 1, 1 };
	sampler_set_hard(s, hard, MANY + FEW, 0.5, N);
	for (guint64 i = 0; i < N; i++) {
		struct sample x, y;
		int k = sampler_stratum(s, 2, i);
		sampler_draw(s, 2, i, &x);
		sampler_draw(before, 2, i, &y);
		if (x.variant == 77) {
			of[k]++;
			times[x.at[0]]++;
			g_assert_cmpint(hard[x.at[0]].stratum, ==, k);
		} else {
			plain[k]++;
			g_assert_true(memcmp(&x, &y, sizeof x) == 0);
		}
	}
	g_assert_cmpuint(of[0], ==, 0);
	g_assert_cmpuint(plain[0], ==, 1000);
	g_assert_cmpfloat(fabs(of[1] - 40.0), <, 5 * 6.2);      /* deviations of a binomial */
	g_assert_cmpfloat(fabs(of[2] - 1000.0), <, 5 * 22.4);
	for (guint i = 0; i < MANY; i++)
		g_assert_cmpuint(times[i], <, 14);              /* 3.3 are expected */
	sampler_set_hard(s, NULL, 0, 0.5, N);
	for (guint64 i = 0; i < N; i++) {
		struct sample x, y;
		sampler_draw(s, 2, i, &x);
		sampler_draw(before, 2, i, &y);
		g_assert_true(memcmp(&x, &y, sizeof x) == 0);
	}
}

#define UNSEEN "; so the network learns nothing of what is sought: it stays as model.weights has it, if there are any, and attention over " \
	"what it says (score.model=attention) is all that can tell cases apart; check data.masks"

static void test_empty_strata(void)
{
	g_autofree char *empty = NULL, *two = NULL, *none = NULL;

	reset(1, 1, 2);
	for (int i = 0; i < 3; i++)
		counts[i][0] = 0;
	g_autoptr(sampler_t) s = make(1, &empty);
	g_assert_cmpstr(empty, ==, "no case to learn from has samples of kind tumour: the others take its share" UNSEEN);
	guint n[STRATA] = { 0 };
	for (guint64 i = 0; i < 3000; i++)
		n[sampler_stratum(s, 0, i)]++;
	g_assert_cmpuint(n[0], ==, 0);
	g_assert_cmpuint(n[1], >=, 990);
	g_assert_cmpuint(n[1], <=, 1010);

	counts[3][2] = counts[4][2] = 0;
	g_autoptr(sampler_t) alone = make(1, &two);
	g_assert_cmpstr(two, ==, "no case to learn from has samples of kind tumour, negative: the others take its share" UNSEEN);
	for (guint64 i = 0; i < 3000; i++)
		g_assert_cmpint(sampler_stratum(alone, 0, i), ==, 1);

	reset(0, 1, 2);         /* not wanted: none is drawn and nothing is said */
	for (int i = 0; i < 3; i++)
		counts[i][0] = 0;
	g_autoptr(sampler_t) unwanted = make(1, &none);
	g_assert_null(none);
	reset(0, 1, 2);
	g_autoptr(sampler_t) zero = make(1, &none);
	for (guint64 i = 0; i < 3000; i++)
		g_assert_cmpint(sampler_stratum(zero, 0, i), !=, 0);
}

static void test_nothing(void)
{
	g_autoptr(GError) error = NULL;
	char *empty = NULL;

	reset(1, 1, 2);
	for (guint i = 0; i < 7; i++)
		held[i] = TRUE;
	g_assert_null(sampler_new(&work, held, 1, &empty, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, "there is nothing to learn from: no case has samples of kind tumour, normal, "
			"negative");
	g_assert_null(empty);
	sampler_free(NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sampler/shares", test_shares);
	g_test_add_func("/sampler/uneven", test_uneven);
	g_test_add_func("/sampler/equal", test_equal);
	g_test_add_func("/sampler/power", test_power);
	g_test_add_func("/sampler/pure", test_pure);
	g_test_add_func("/sampler/hard", test_hard);
	g_test_add_func("/sampler/empty-strata", test_empty_strata);
	g_test_add_func("/sampler/nothing", test_nothing);
	return g_test_run();
}
