/*
 * test-answers.c - what stands for a case after each pass: a denser look replaces a coarser one and never the other
 * way round, a case that cannot be read keeps what it has, and only numbers that may be handed in are written. The
 * task is a fake one: a case has 100 samples and 10 more in a later round, its feature is its first output, its
 * answer a tenth of that, and where there are two numbers ten times that; its file is an array.
 */
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "inference/answer.h"
#include <math.h>
#include <unistd.h>

enum { CASES = 3, SAMPLES = 100, MORE = 10 };

static struct work_case cases[CASES] = { { .id = "a" }, { .id = "b" }, { .id = "c" } };
static double file[CASES], second[CASES], prior;
static const char *at = "out/output.csv";
static guint writes, checks, bad_checks;        /* bad_checks: so many that follow say that the file is wrong */

static void next(const struct work *w, guint item, int round, double share, const struct sample *samples,
		 const float *outputs, gsize n, GArray *out)
{
	(void)w;
	(void)share;
	(void)samples;
	(void)outputs;
	(void)n;
	for (int i = 0; i < (round == 0 ? SAMPLES : round == 1 ? MORE : 0); i++) {
		struct sample s = { .item = item };
		g_array_append_val(out, s);
	}
}

static void features(const struct work *w, guint item, const struct sample *samples, const float *outputs, gsize n,
		     double *out)
{
	(void)w;
	(void)item;
	(void)samples;
	(void)n;
	out[0] = (double)outputs[0];
}

static void answer(JsonObject *facts, const double *of, double *out)
{
	out[0] = facts == NULL ? 0.5 : of == NULL ? prior : of[0] / 10;
}

static void further(struct work *w, guint item, const struct sample *samples, const float *outputs, gsize n, double *answer_of)
{
	(void)item;
	(void)samples;
	(void)n;
	if (w->n_answers > 1)
		answer_of[1] = 10 * (double)outputs[0];
}

static gboolean write_file(const struct work *w, const double *answers, GError **error)
{
	(void)error;
	for (guint i = 0; i < CASES; i++) {
		file[i] = answers[i * w->n_answers];
		second[i] = w->n_answers > 1 ? answers[2 * i + 1] : NAN;
	}
	writes++;
	return TRUE;
}

static gboolean check_file(const struct work *w, const char *path, GPtrArray *wrong, GPtrArray *doubts, GError **error)
{
	(void)w;
	(void)error;
	g_assert_cmpstr(path, ==, at);
	checks++;
	if (bad_checks > 0) {
		bad_checks--;
		g_ptr_array_add(wrong, g_strdup("output.csv: slide 'a' is missing"));
	}
	g_ptr_array_add(doubts, g_strdup("perhaps"));
	return TRUE;
}

static const struct answer_column columns[] = { { "p", 0, 1, 0.5, -1 }, { "um", 0, 100, 7, 1 } };
static const struct task task = { .n_features = 1, .next = next, .features = features,
				  .answer = answer, .further = further, .write = write_file, .check = check_file, .metric = "auc" };

struct fixture { settings_t *settings; JsonObject *facts; struct work work; struct journal *journal; struct answers *a; };

static void set_up(struct fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	f->settings = settings_new();
	g_assert_true(settings_assign(f->settings, "paths.output=out", &error));
	f->facts = json_object_new();
	f->work = (struct work){ .task = &task, .settings = f->settings, .n_cases = CASES, .cases = cases, .n_answers = 1, .columns = columns };
	prior = data != NULL ? *(const double *)data : 0.3;
	writes = checks = bad_checks = 0;
	f->journal = journal_open(NULL, &f->work);
	f->a = answers_new(&f->work, f->facts, f->journal, &error);
	g_assert_no_error(error);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	(void)data;
	answers_free(f->a);
	journal_free(f->journal);
	json_object_unref(f->facts);
	settings_free(f->settings);
}

/* A pass gives a case n samples, of which so many failed, and a feature. */
static void give(struct fixture *f, guint item, gsize n, gsize failed, float feature)
{
	static const struct sample samples[SAMPLES + MORE];
	g_autoptr(GError) wrong = failed > 0 || n == 0 ? g_error_new(FAULT, FAULT_DATA, "case '%s': no", cases[item].id) : NULL;
	const struct scan_case c = { .item = item, .samples = samples, .outputs = &feature, .n = n, .failed = failed,
				     .error = wrong };
	g_autoptr(GError) error = NULL;

	g_assert_true(answers_take(f->a, &c, &error));
	g_assert_no_error(error);
}

static void assert_file(struct fixture *f, double a, double b, double c)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(answers_write(f->a, &error));
	g_assert_cmpfloat_with_epsilon(file[0], a, 1e-6);
	g_assert_cmpfloat_with_epsilon(file[1], b, 1e-6);
	g_assert_cmpfloat_with_epsilon(file[2], c, 1e-6);
}

static void assert_counts(struct fixture *f, guint fully, guint coarsely, guint fallback, guint unreadable, guint partly)
{
	const struct answer_counts n = answers_count(f->a);

	g_assert_cmpuint(n.fully, ==, fully);
	g_assert_cmpuint(n.coarsely, ==, coarsely);
	g_assert_cmpuint(n.fallback, ==, fallback);
	g_assert_cmpuint(n.unreadable, ==, unreadable);
	g_assert_cmpuint(n.partly, ==, partly);
}

static void test_fallback(struct fixture *f, gconstpointer data)
{
	(void)data;
	g_assert_cmpuint(writes, ==, 1);        /* complete before anything is looked at */
	assert_file(f, 0.3, 0.3, 0.3);
	assert_counts(f, 0, 0, 3, 0, 0);
}

/* Answers of an earlier run, in a file that is right, are worth more than fallbacks: they stay until there is one of this run. */
static void test_stands(struct fixture *f, gconstpointer data)
{
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL), *path = g_build_filename(folder, "output.csv", NULL);
	g_autofree char *set = g_strconcat("paths.output=", folder, NULL);
	const guint said = log_warnings("answer");

	(void)data;
	g_assert_true(settings_assign(f->settings, set, NULL) && g_file_set_contents(path, "a,0.9\n", -1, NULL));
	at = path;
	answers_free(f->a);
	writes = 0;
	f->a = answers_new(&f->work, f->facts, f->journal, NULL);
	answers_begin(f->a, 0.1, 1);
	give(f, 0, 0, 0, 0);
	g_assert_true(answers_write(f->a, NULL) && answers_finish(f->a, -1, NULL));
	g_assert_cmpuint(writes, ==, 0);
	g_assert_cmpuint(log_warnings("answer"), ==, said + 1);
	g_assert_cmpuint(answers_count(f->a).earlier, ==, CASES);
	g_assert_cmpuint(answers_count(f->a).unreadable, ==, 1);        /* which more time would do nothing for */
	g_assert_cmpuint(answers_count(f->a).fallback, ==, 0);
	give(f, 1, 10, 0, 9);
	assert_file(f, 0.3, 0.9, 0.3);
	/* one that is wrong does not stay */
	answers_free(f->a);
	writes = 0;
	bad_checks = 1;
	f->a = answers_new(&f->work, f->facts, f->journal, NULL);
	g_assert_cmpuint(writes, ==, 1);
	at = "out/output.csv";
	unlink(path);
	rmdir(folder);
}

/* What killed runs answered is gone on from; a case that two of them were killed in is left. */
static void test_killed(struct fixture *f, gconstpointer data)
{
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL), *path = g_build_filename(folder, "journal", NULL);
	struct plan_case plan[CASES];
	guint items[] = { 2, 0, 1 };

	(void)data;
	g_assert_true(g_file_set_contents(path, "start\nbegin case=a\nbegin case=b\nbegin case=c\nend case=b samples=10 partly=0 full=0 done=0 p=0.4\n"
					  "start\nbegin case=a\nend case=a samples=110 partly=0 full=1 done=1 p=0.75\nbegin case=c\n", -1, NULL));
	answers_free(f->a);
	journal_free(f->journal);
	f->journal = journal_open(path, &f->work);
	f->a = answers_new(&f->work, f->facts, f->journal, NULL);
	g_assert_cmpuint(answers_killed(f->a), ==, 2);
	assert_file(f, 0.75, 0.4, 0.3);
	assert_counts(f, 1, 1, 1, 1, 0);
	answers_cases(f->a, plan);
	g_assert_true(plan[0].done && plan[0].read && !plan[1].done && plan[1].read && plan[2].done && !plan[2].read);
	g_assert_cmpuint(answers_put_last(f->a, items, CASES), ==, 2);  /* a and c were under way at the first kill */
	g_assert_true(items[0] == 1 && items[1] == 2 && items[2] == 0);
	answers_begin(f->a, 0.1, 1);
	answers_case_begin(f->a, 1);
	give(f, 1, 5, 0, 9);                    /* coarser than what it has */
	assert_file(f, 0.75, 0.4, 0.3);
	answers_begin(f->a, 1, 0);
	answers_case_begin(f->a, 1);
	give(f, 1, SAMPLES + MORE, 0, 6);
	assert_file(f, 0.75, 0.6, 0.3);
	/* and noted for the next */
	answers_free(f->a);
	journal_free(f->journal);
	f->journal = journal_open(path, &f->work);
	f->a = answers_new(&f->work, f->facts, f->journal, NULL);
	assert_file(f, 0.75, 0.6, 0.3);
	assert_counts(f, 2, 0, 1, 1, 0);
	/* a number that may not be handed in is none */
	answers_free(f->a);
	journal_free(f->journal);
	g_assert_true(g_file_set_contents(path, "start\nend case=a samples=9 partly=0 full=1 done=1 p=1.5\nend case=b samples=9 partly=0 full=1 done=1 p=nan\n",
					  -1, NULL));
	f->journal = journal_open(path, &f->work);
	f->a = answers_new(&f->work, f->facts, f->journal, NULL);
	assert_file(f, 0.3, 0.3, 0.3);
	assert_counts(f, 0, 0, 3, 0, 0);
	unlink(path);
	rmdir(folder);
}

/* Even odds, where the model's own fallback is none. */
static void test_bad_fallback(struct fixture *f, gconstpointer data)
{
	(void)data;
	assert_file(f, 0.5, 0.5, 0.5);
}

static void test_denser(struct fixture *f, gconstpointer data)
{
	struct plan_case plan[CASES];
	guint said = log_warnings(NULL);

	(void)data;
	answers_begin(f->a, 0.1, 1);
	give(f, 0, 10, 0, 4);
	give(f, 1, 10, 0, 9);
	give(f, 2, 10, 0, 1);
	assert_file(f, 0.4, 0.9, 0.1);
	assert_counts(f, 0, 3, 0, 0, 0);
	g_assert_cmpuint(answers_count(f->a).lost, ==, 0);
	answers_cases(f->a, plan);
	g_assert_cmpuint(plan[0].samples, ==, SAMPLES);
	g_assert_cmpuint(plan[0].more, ==, MORE);
	g_assert_cmpfloat_with_epsilon(plan[0].doubt, 0.8, 1e-6);       /* 0.1 from a half */
	g_assert_cmpfloat_with_epsilon(plan[1].doubt, 0.2, 1e-6);
	g_assert_true(plan[2].read && !plan[2].done);
	answers_begin(f->a, 1, 0);
	give(f, 0, SAMPLES + MORE, 0, 6);
	give(f, 1, SAMPLES + MORE, 105, 0.5f);  /* five samples: fewer than it had */
	give(f, 2, 0, 0, 5);                    /* cannot be prepared any more */
	assert_file(f, 0.6, 0.9, 0.1);
	assert_counts(f, 1, 2, 0, 0, 0);
	g_assert_cmpuint(log_warnings(NULL), ==, said + 2);
	answers_cases(f->a, plan);
	g_assert_true(plan[0].done && !plan[1].done && !plan[2].done);
	g_assert_cmpuint(answers_away(f->a), ==, 1);    /* the last, of which nothing was read: it is waited for, ten times in all */
	give(f, 1, SAMPLES + MORE, 20, 7);      /* better, and worth another try */
	answers_cases(f->a, plan);
	g_assert_false(plan[1].done);
	give(f, 1, SAMPLES + MORE, 20, 8);      /* not better: that is how it is */
	answers_cases(f->a, plan);
	g_assert_true(plan[1].done);
	assert_file(f, 0.6, 0.8, 0.1);
	assert_counts(f, 2, 1, 0, 0, 1);
	for (int i = 2; i <= 10; i++) {
		g_assert_cmpuint(answers_away(f->a), ==, 1);
		give(f, 2, 0, 0, 5);
	}
	g_assert_cmpuint(answers_away(f->a), ==, 0);
	answers_cases(f->a, plan);
	g_assert_true(plan[0].done && plan[1].done && plan[2].done);
	g_assert_cmpuint(answers_count(f->a).lost, ==, 1);      /* time is not what it wants for */
	answers_begin(f->a, 0.1, 1);
	give(f, 0, 10, 0, 1);                   /* coarser than what it has */
	assert_file(f, 0.6, 0.8, 0.1);
	assert_counts(f, 2, 1, 0, 0, 1);
}

static void test_unreadable(struct fixture *f, gconstpointer data)
{
	guint cases_said = log_warnings("case"), samples_said = log_warnings("sample");

	(void)data;
	answers_begin(f->a, 0.1, 1);
	give(f, 0, 0, 0, 0);
	give(f, 1, 10, 10, NAN);
	give(f, 2, 10, 3, 2);
	assert_file(f, 0.3, 0.3, 0.2);
	assert_counts(f, 0, 1, 2, 2, 1);
	answers_begin(f->a, 1, 0);
	give(f, 0, 0, 0, 0);                    /* said once */
	give(f, 1, SAMPLES + MORE, 0, 8);       /* it can be read after all */
	give(f, 2, SAMPLES + MORE, 30, 7);
	assert_file(f, 0.3, 0.8, 0.7);
	assert_counts(f, 1, 1, 1, 1, 1);        /* it is tried once more */
	give(f, 2, SAMPLES + MORE, 30, 7);
	assert_counts(f, 2, 0, 1, 1, 1);
	g_assert_cmpuint(log_warnings("case"), ==, cases_said + 2);
	g_assert_cmpuint(log_warnings("sample"), ==, samples_said + 1);
}

/* What is no number, or out of range, never gets into the file. */
static void test_numbers(struct fixture *f, gconstpointer data)
{
	guint said = log_warnings("case");

	(void)data;
	answers_begin(f->a, 0.1, 1);
	give(f, 0, 10, 0, NAN);
	give(f, 1, 10, 0, 10.5f);
	give(f, 2, 10, 0, 5);
	assert_file(f, 0.3, 0.3, 0.5);
	g_assert_cmpuint(log_warnings("case"), ==, said + 2);
	answers_begin(f->a, 1, 0);
	give(f, 2, SAMPLES + MORE, 0, -INFINITY);
	assert_file(f, 0.3, 0.3, 0.5);
	assert_counts(f, 0, 1, 2, 2, 0);
}

/* Two numbers a case: both are new or neither; without any, the second is its column's. */
static void test_columns(struct fixture *f, gconstpointer data)
{
	static const double wanted[] = { 7, 40, 7 };

	(void)data;
	answers_free(f->a);
	f->work.n_answers = 2;
	f->a = answers_new(&f->work, f->facts, f->journal, NULL);
	assert_file(f, 0.3, 0.3, 0.3);
	for (int i = 0; i < CASES; i++)
		g_assert_cmpfloat(second[i], ==, 7);
	answers_begin(f->a, 1, 0);
	give(f, 0, SAMPLES + MORE, 0, -1);      /* below 0, both */
	give(f, 1, SAMPLES + MORE, 0, 4);
	give(f, 2, SAMPLES + MORE, 0, 10.1f);   /* beyond 1 and 100 */
	assert_file(f, 0.3, 0.4, 0.3);
	for (int i = 0; i < CASES; i++)
		g_assert_cmpfloat_with_epsilon(second[i], wanted[i], 1e-6);
	assert_counts(f, 1, 0, 2, 2, 0);
}

static void test_finish(struct fixture *f, gconstpointer data)
{
	guint said = log_warnings("answer");
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_true(answers_finish(f->a, 0.9, &error));
	g_assert_cmpuint(writes, ==, 2);
	g_assert_cmpuint(checks, ==, 1);
	g_assert_cmpuint(log_warnings("answer"), ==, said + 1);         /* "perhaps" */
	g_assert_true(answers_finish(f->a, 0.1, &error));
	g_assert_cmpuint(log_warnings("answer"), ==, said + 3);         /* and turned round */
	bad_checks = 1;
	g_assert_true(answers_finish(f->a, -1, &error));                /* written once more */
	g_assert_cmpuint(writes, ==, 5);
	bad_checks = 2;
	g_assert_false(answers_finish(f->a, -1, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, "output.csv: slide 'a' is missing");
}

/* A second feature, by which it answers where it is known: the mean of what models of bags say. */
static void two_features(const struct work *w, guint item, const struct sample *samples, const float *outputs, gsize n,
			 double *out)
{
	features(w, item, samples, outputs, n, out);
	out[1] = NAN;
}

static void answer_by_bag(JsonObject *facts, const double *of, double *out)
{
	if (facts != NULL && of != NULL && isfinite(of[1]))
		*out = 1 / (1 + exp(-of[1]));
	else
		answer(facts, of, out);
}

static void give_bag(struct fixture *f, gsize bag, const guint16 *const *of)
{
	static const struct sample samples[SAMPLES];
	const float feature = 6;
	const struct scan_case c = { .samples = samples, .outputs = &feature, .n = SAMPLES, .bag = bag, .features = of };

	g_assert_true(answers_take(f->a, &c, NULL));
	g_assert_true(answers_write(f->a, NULL));
}

static void test_bags(struct fixture *f, gconstpointer data)
{
	static const guint16 first[] = { 0x3c00, 0xc000 }, other[] = { 0x3800, 0x3c00 }, broken[] = { 0x7e00, 0x3c00 };
	static const float x[2] = { 1, -2 }, y[2] = { 0.5f, 1 };        /* the same numbers */
	static const struct bag_task bag_task = { .feature = 1 };
	const struct bag bags[] = { { x, T_F32, 2, 0 }, { y, T_F32, 2, 0 } };
	g_autoptr(attention_t) a = attention_new(1, 2, T_CPU, 1, NULL), b = attention_new(1, 2, T_CPU, 2, NULL);
	struct attention *const both[] = { a, b }, *const one[] = { NULL, b }, *const none[] = { NULL, NULL };
	const guint16 *const of[] = { first, other }, *const wrong[] = { first, broken };
	struct task with = task;
	struct plan_case plans[CASES];
	double p, q;

	(void)data;
	with.n_features = 2;
	with.features = two_features;
	with.answer = answer_by_bag;
	with.bags = &bag_task;
	f->work.task = &with;
	g_assert_true(attention_predict(a, &bags[0], &p, NULL, NULL) && attention_predict(b, &bags[1], &q, NULL, NULL));
	g_assert_cmpuint(answers_bag(f->a), ==, 0);
	answers_set_bags(f->a, none, 2);
	g_assert_cmpuint(answers_bag(f->a), ==, 0);
	answers_set_bags(f->a, both, 2);
	g_assert_cmpuint(answers_bag(f->a), ==, ATTENTION_TILES);
	answers_begin(f->a, 1, 0);
	give_bag(f, 2, of);
	g_assert_cmpfloat_with_epsilon(file[0], 1 / (1 + exp(-(p + q) / 2)), 1e-6);
	answers_cases(f->a, plans);
	g_assert_cmpuint(plans[0].more, ==, MORE);
	g_assert_cmpuint(plans[0].bag, ==, SAMPLES);            /* it is read again */
	answers_set_bags(f->a, one, 2);
	give_bag(f, 2, of);
	g_assert_cmpfloat_with_epsilon(file[0], 1 / (1 + exp(-q)), 1e-6);
	give_bag(f, 0, NULL);
	g_assert_cmpfloat_with_epsilon(file[0], 0.6, 1e-6);
	give_bag(f, 2, wrong);
	g_assert_cmpfloat_with_epsilon(file[0], 0.6, 1e-6);
	g_assert_cmpuint(log_warnings("attention"), ==, 1);
	f->work.task = &task;
}

int main(int argc, char **argv)
{
	static const double bad[] = { NAN, 1.5 };

	g_test_init(&argc, &argv, NULL);
	log_open("test-answers", 0);
	g_test_add("/answers/fallback", struct fixture, NULL, set_up, test_fallback, tear_down);
	g_test_add("/answers/stands", struct fixture, NULL, set_up, test_stands, tear_down);
	g_test_add("/answers/bad-fallback", struct fixture, &bad[0], set_up, test_bad_fallback, tear_down);
	g_test_add("/answers/bad-fallback-range", struct fixture, &bad[1], set_up, test_bad_fallback, tear_down);
	g_test_add("/answers/killed", struct fixture, NULL, set_up, test_killed, tear_down);
	g_test_add("/answers/denser", struct fixture, NULL, set_up, test_denser, tear_down);
	g_test_add("/answers/unreadable", struct fixture, NULL, set_up, test_unreadable, tear_down);
	g_test_add("/answers/numbers", struct fixture, NULL, set_up, test_numbers, tear_down);
	g_test_add("/answers/columns", struct fixture, NULL, set_up, test_columns, tear_down);
	g_test_add("/answers/bags", struct fixture, NULL, set_up, test_bags, tear_down);
	g_test_add("/answers/finish", struct fixture, NULL, set_up, test_finish, tear_down);
	return g_test_run();
}
