/*
 * test-mine.c - which samples a search for hard negatives takes: against outputs that the same network gave in a scan of
 * its own, sorted here; how long they stay; and the list as text and back.
 */
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/machine/stop.h"
#include "common/random/random.h"
#include "train/mine.h"
#include <signal.h>

enum { CASES = 3, SIDE = 16, SAMPLES = 40, NEAR = 4, STRATA = 3, ALL = CASES * SAMPLES };

/* Cases 0 and 1 are negative; 2 has positive samples (at[1] is 1) and others. The first four of a case are near a border,
   and of sample 10 of case 0 it is not known what it is. */
static gboolean read_sample(struct work *w, const struct sample *s, guint8 *bytes, float *targets, GError **error)
{
	(void)w;
	(void)error;
	for (guint64 i = 0; i < SIDE * SIDE * 3; i++)
		bytes[i] = (guint8)(random_hash(s->item, (guint64)s->at[0], i, 1) % 128 + random_hash(s->item, (guint64)s->at[0], 0, 2) % 128);
	targets[0] = s->at[1] > 0 ? 1 : s->item == 0 && s->at[0] == 10 ? 0.25f : 0;
	return TRUE;
}

static double share(const struct settings *s, int stratum)
{
	(void)s;
	return stratum + 1;
}

static guint32 count(const struct work *w, guint item, int stratum)
{
	(void)w;
	return (item < 2) == (stratum == 2) ? SAMPLES : 0;
}

static void pick(const struct work *w, guint item, int stratum, guint64 random, struct sample *out)
{
	(void)w;
	*out = (struct sample){ .item = item, .at = { (gint32)random_below(random, SAMPLES), stratum == 0 } };
}

static gboolean sure(const struct work *w, const struct sample *s)
{
	(void)w;
	return s->at[0] >= NEAR && s->at[1] == 0;
}

static tensor *judge(const struct work *w, scope *s, const tensor *output)
{
	(void)w;
	return t_sub(s, t_narrow(s, output, 1, 1, 1), t_narrow(s, output, 1, 0, 1));
}

static int truth(const float *targets) { return targets[0] == 0 ? 0 : targets[0] >= 0.5f ? 1 : -1; }

static const char *const strata[] = { "tumour", "normal", "negative" };
static struct work_case cases[CASES];
static const struct task task = { .n_strata = STRATA, .strata = strata, .share = share, .count = count, .pick = pick,
				  .sure = sure, .read = read_sample, .judged = 1, .judge = judge, .truth = truth };
static struct settings settings;        /* sampling.power 0 */
static struct work work = { .settings = &settings, .task = &task, .shape = { 3, SIDE, SIDE, 1 }, .outputs = 2, .n_cases = CASES, .cases = cases };
static struct scan scan = { .work = &work, .device = T_CPU, .batch = 16, .readers = 1 };
static sampler_t *sampler;

static struct outputs { struct sample sample; float output; } known[ALL];
static guint n_known;

static void choose_all(void *context, guint item, int round, GArray *out)
{
	(void)context;
	for (gint32 i = 0; round == 0 && i < SAMPLES; i++) {
		const struct sample s = { .item = item, .at = { i } };
		g_array_append_val(out, s);
	}
}

static gboolean note(void *context, const struct scan_case *c, GError **error)
{
	(void)context;
	(void)error;
	for (gsize i = 0; i < c->n; i++)
		known[n_known++] = (struct outputs){ c->samples[i], c->outputs[i] };
	return TRUE;
}

static int highest(const void *a, const void *b)
{
	const struct outputs *x = a, *y = b;

	return x->output < y->output ? 1 : x->output > y->output ? -1 : 0;
}

static GArray *list_new(void) { return g_array_new(FALSE, FALSE, sizeof(struct hard_sample)); }

static void search(gint64 epoch, gint64 every, GArray *hard, guint want)
{
	g_autoptr(GError) error = NULL;
	struct scan s = scan;
	gboolean whole = FALSE;
	guint found = 99;

	g_assert_true(mine_search(&s, sampler, epoch, every, 1000, hard, &whole, &found, &error));
	g_assert_no_error(error);
	g_assert_true(whole);
	g_assert_cmpuint(found, ==, want);
	g_assert_cmpuint(s.n_samples, ==, CASES * (SAMPLES - NEAR));    /* each that is sure, once */
}

/* 107 are sure and known: an eighth are 14. The mixed case has 36, of which the 4 highest are passed over. */
static void test_found(void)
{
	enum { WANT = 14, OVER = 4 };
	g_autoptr(GArray) hard = list_new();
	guint passed = 0, n = 0;

	search(2, 1, hard, WANT);
	g_assert_cmpuint(hard->len, ==, WANT);
	for (guint i = 0; n < WANT; i++) {
		const struct sample *s = &known[i].sample;
		if (s->at[0] < NEAR || (s->item == 0 && s->at[0] == 10) || (s->item == 2 && passed++ < OVER))
			continue;
		const struct hard_sample *h = &g_array_index(hard, struct hard_sample, n++);
		g_assert_true(memcmp(&h->sample, s, sizeof *s) == 0);
		g_assert_cmpint(h->stratum, ==, s->item < 2 ? 2 : 1);
		g_assert_cmpint(h->epoch, ==, 2);
	}
}

/* The same again adds nothing; of a case 64 stay, the newest; what is four searches old goes. */
static void test_kept(void)
{
	g_autoptr(GArray) hard = list_new();
	guint of[CASES] = { 0 };

	for (gint32 i = 0; i < 100; i++) {
		const struct hard_sample h = { { .item = 1, .at = { 1000 + i } }, 2, 4 };
		g_array_append_val(hard, h);
	}
	search(6, 2, hard, 14);
	for (guint i = 0; i < hard->len; i++) {
		const struct hard_sample *h = &g_array_index(hard, struct hard_sample, i);
		of[h->sample.item]++;
		g_assert_cmpint(h->epoch, ==, i < 14 ? 6 : 4);
	}
	g_assert_cmpuint(of[1], ==, HARD_A_CASE);
	guint before = hard->len;
	search(8, 2, hard, 14);
	search(10, 2, hard, 14);
	g_assert_cmpuint(hard->len, ==, before);
	search(12, 2, hard, 14);                /* those of epoch 4 are four searches old */
	g_assert_cmpuint(hard->len, ==, 14);
}

/* A search for 8,000 keeps 125 of a case. */
static void test_large(void)
{
	g_autoptr(GArray) hard = list_new();
	g_autoptr(GError) error = NULL;
	struct scan s = scan;
	gboolean whole;
	guint found;

	for (gint32 i = 0; i < 100; i++) {
		const struct hard_sample h = { { .item = 1, .at = { 1000 + i } }, 2, 4 };
		g_array_append_val(hard, h);
	}
	g_assert_true(mine_search(&s, sampler, 6, 2, 8000, hard, &whole, &found, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(found, ==, 14);
	g_assert_cmpuint(hard->len, ==, 114);
}

static void test_cut_short(void)
{
	g_autoptr(GArray) hard = list_new();
	g_autoptr(GError) error = NULL;
	struct scan s = scan;
	gboolean whole = TRUE;
	guint found = 99;

	search(2, 1, hard, 14);
	stop_ask(SIGTERM);
	g_assert_true(mine_search(&s, sampler, 7, 1, 1000, hard, &whole, &found, &error));
	stop_ask(0);
	g_assert_false(whole);
	g_assert_cmpuint(found, ==, 0);
	g_assert_cmpuint(hard->len, ==, 14);
	g_assert_cmpint(g_array_index(hard, struct hard_sample, 0).epoch, ==, 2);
}

/* How many are read back; -1: it is refused. */
static int readable(const struct hard_sample *h, gsize cut)
{
	g_autoptr(GArray) one = list_new(), back = list_new();

	g_array_append_val(one, *h);
	g_autofree char *text = mine_to_text(one);
	text[strlen(text) - cut] = '\0';
	return mine_from_text(text, &work, back) ? (int)back->len : -1;
}

static void test_text(void)
{
	g_autoptr(GArray) hard = list_new(), back = list_new(), none = list_new();
	const struct hard_sample first = { { 2, 7, 0, { -5, G_MAXINT32, 123456 } }, 2, 99999 };

	g_array_append_val(hard, first);
	search(2, 1, hard, 14);
	g_array_append_val(hard, first);
	g_autofree char *text = mine_to_text(hard), *empty = mine_to_text(none);
	g_assert_true(mine_from_text(text, &work, back));
	g_assert_cmpuint(back->len, ==, hard->len);
	g_assert_true(memcmp(&g_array_index(back, struct hard_sample, back->len - 1).sample, &first.sample, sizeof first.sample) == 0);
	g_assert_cmpint(g_array_index(back, struct hard_sample, back->len - 1).epoch, ==, 99999);
	g_autofree char *again = mine_to_text(back);
	g_assert_cmpstr(again, ==, text);
	g_assert_true(mine_from_text(empty, &work, none));
	g_assert_cmpuint(none->len, ==, 0);

	struct hard_sample wrong = first;
	g_assert_cmpint(readable(&wrong, 0), ==, 1);
	g_assert_cmpint(readable(&wrong, 4), ==, -1);
	wrong.stratum = STRATA;
	g_assert_cmpint(readable(&wrong, 0), ==, -1);
	wrong.stratum = -1;
	g_assert_cmpint(readable(&wrong, 0), ==, -1);
	wrong = first;
	wrong.sample.item = CASES;
	g_assert_cmpint(readable(&wrong, 0), ==, -1);
	cases[2].ready = FALSE;         /* it cannot be prepared today: that is no damage */
	g_assert_cmpint(readable(&first, 0), ==, 0);
	cases[2].ready = TRUE;
}

int main(int argc, char **argv)
{
	static const gboolean held[CASES];
	const guint items[] = { 0, 1, 2 };

	g_test_init(&argc, &argv, NULL);
	log_open("test", 0);
	tensor_threads(1);
	for (guint i = 0; i < CASES; i++)
		cases[i] = (struct work_case){ .id = (char *)"c", .ready = TRUE };
	tensor_seed(3);
	g_autoptr(model_t) model = model_new("simple", 3, 1, 2, T_CPU, NULL);
	scan.models = &model;
	scan.n_models = 1;
	sampler = sampler_new(&work, held, 11, NULL, NULL);
	struct scan all = scan;
	all.choose = choose_all;
	g_assert_true(scan_cases(&all, items, CASES, note, NULL, NULL));
	g_assert_cmpuint(n_known, ==, ALL);
	qsort(known, ALL, sizeof *known, highest);
	g_test_add_func("/mine/found", test_found);
	g_test_add_func("/mine/kept", test_kept);
	g_test_add_func("/mine/large", test_large);
	g_test_add_func("/mine/cut-short", test_cut_short);
	g_test_add_func("/mine/text", test_text);
	int failed = g_test_run();
	sampler_free(sampler);
	return failed;
}
