/*
 * test-fit-bags.c - the model of bags beside a member's weights: which cases teach it, that what it says of held-out cases is
 * what it says of them by the weights that answer, that a run which was stopped meanwhile ends alike, and when there is none.
 */
#include "common/checkpoint/json.h"
#include "common/checkpoint/model_folder.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/machine/remove_tree.h"
#include "common/machine/stop.h"
#include "common/random/random.h"
#include "train/fit_work.h"
#include <math.h>
#include <signal.h>

enum { CASES = 26, HELD = 4, SIDE = 16, SAMPLES = 12, LEARNED = CASES - HELD };

static struct work_case cases[CASES];
static gint reads[CASES];       /* atomic */
static int judged, stop_at;     /* batches that were judged; a signal comes during this one, 0: none */
static guint few;               /* cases of class 1 that say so; 0: all */
static int worse_from;          /* the metric of validations falls from this one on; 0: never */
static int measured;

/* Cases of odd number are positive: three of their samples are bright. Of those, every other has no stratum to draw from. */
static gboolean bright(guint item, int at) { return item % 2 == 1 && at % 4 == 1; }
static gboolean weak(guint item) { return item % 4 == 3; }

static void fill(guint item, int at, guint8 *bytes)
{
	for (guint64 i = 0; i < SIDE * SIDE * 3; i++)
		bytes[i] = (guint8)(random_hash(item, (guint64)at, i, 1) % 180 + (bright(item, at) ? 75 : 0));
}

static gboolean read_sample(struct work *w, const struct sample *s, guint8 *bytes, float *targets, GError **error)
{
	(void)w;
	(void)error;
	g_atomic_int_inc(&reads[s->item]);
	fill(s->item, s->at[0], bytes);
	targets[0] = bright(s->item, s->at[0]) ? 1 : 0;
	return TRUE;
}

static double share(const struct settings *s, int stratum)
{
	(void)s;
	(void)stratum;
	return 1;
}

static guint32 count(const struct work *w, guint item, int stratum)
{
	(void)w;
	return (int)item % 2 != stratum || weak(item) ? 0 : stratum == 1 ? SAMPLES / 4 : SAMPLES;
}

static void pick(const struct work *w, guint item, int stratum, guint64 random, struct sample *out)
{
	int at = (int)random_below(random, SAMPLES);

	(void)w;
	*out = (struct sample){ .item = item, .at = { stratum == 1 ? at / 4 * 4 + 1 : at } };
}

static void next(const struct work *w, guint item, int round, double part, const struct sample *samples,
		 const float *outputs, gsize n, GArray *out)
{
	(void)w;
	(void)part;
	(void)samples;
	(void)outputs;
	(void)n;
	for (gint32 i = 0; round == 0 && i < SAMPLES; i++) {
		struct sample s = { .item = item, .at = { i } };
		g_array_append_val(out, s);
	}
}

static guint64 samples_of(const struct work *w, guint item)
{
	(void)w;
	(void)item;
	return SAMPLES;
}

static tensor *loss(const struct work *w, scope *s, const tensor *output, const tensor *target, double smoothing)
{
	(void)w;
	return t_cross_entropy(s, output, t_cat(s, 1, LIST(t_affine(s, target, smoothing - 1, 1 - smoothing / 2),
							   t_affine(s, target, 1 - smoothing, smoothing / 2))));
}

static tensor *judge(const struct work *w, scope *s, const tensor *output)
{
	(void)w;
	if (++judged == stop_at)
		stop_ask(SIGTERM);
	return t_sub(s, t_narrow(s, output, 1, 1, 1), t_narrow(s, output, 1, 0, 1));
}

static int truth(const float *targets) { return targets[0] > 0; }

static void features(const struct work *w, guint item, const struct sample *samples, const float *outputs, gsize n,
		     double *out)
{
	(void)w;
	(void)item;
	(void)samples;
	out[0] = n > 0 ? (double)outputs[0] : NAN;
	out[1] = NAN;
}

static void facts(const struct work *w, JsonObject *out)
{
	(void)w;
	(void)out;
}

/* Says how many cases have a logit. */
static void fit_count(const struct work *w, const guint *items, gsize n, const double *of, JsonObject *out, double *said)
{
	gint64 with = 0;

	(void)w;
	(void)items;
	for (gsize i = 0; i < n; i++) {
		said[i] = of[2 * i];
		with += isfinite(of[2 * i + 1]);
	}
	json_object_set_int_member(out, "with", with);
}

static struct interval measure(const struct work *w, const guint *items, gsize n, const double *of)
{
	const double value = worse_from > 0 && measured++ >= worse_from ? 0.5 : 1;

	(void)w;
	(void)items;
	(void)n;
	(void)of;
	return (struct interval){ value, value, value };
}

static int bag_label(const struct work *w, guint item)
{
	return few > 0 && item % 2 == 1 && item >= 2 * few ? -1 : w->cases[item].label;
}

static gboolean bags_needed(JsonObject *said) { return json_object_get_int_member(said, "with") > 0; }

static const struct bag_task bags = { .feature = 1, .label = bag_label, .needed = bags_needed };
static const char *const strata[] = { "dark", "bright" };
static const struct task task = {
	.name = "fake", .n_strata = 2, .strata = strata, .share = share, .count = count, .pick = pick, .next = next,
	.read = read_sample, .samples = samples_of, .judged = 1, .loss = loss, .judge = judge, .truth = truth, .n_features = 2,
	.features = features, .facts = facts, .fit = fit_count, .measure = measure, .metric = "auc", .sample_metric = "auc",
	.bags = &bags,
};

static gboolean held_out[2][CASES];

static void work_open(struct work *w, const struct settings *settings)
{
	*w = (struct work){ .task = &task, .settings = settings, .shape = { 3, SIDE, SIDE, 1 }, .outputs = 2, .n_cases = CASES,
			    .cases = cases };
	for (guint i = 0; i < CASES; i++) {
		g_free(cases[i].id);
		cases[i] = (struct work_case){ .id = g_strdup_printf("c%02u", i), .label = (int)i % 2, .ready = TRUE };
		held_out[0][i] = i >= LEARNED;
		held_out[1][i] = i < HELD;
		reads[i] = 0;
	}
}

static settings_t *settings_of(const char *const *set)
{
	settings_t *settings = settings_new();

	for (; *set != NULL; set++)
		g_assert_true(settings_assign(settings, *set, NULL));
	return settings;
}

static const char *const usual[] = { "model.network=simple", "tiles.size=16", "training.batch=10", "training.epochs=1",
	"sampling.tiles_per_epoch=60", "training.learning_rate=0.001", "score.model=attention", "split.validation=0", NULL };

static gboolean learn(const char *path, const char *const *set, guint members, GError **error)
{
	gboolean *const folds[] = { held_out[0], held_out[1] };
	const struct device device = { .index = T_CPU, .flags = 0, .threads = 1 };
	const struct memory memory = { .batch = 10, .part = 10, .judged = 16, .readers = 2 };
	g_autoptr(settings_t) settings = settings_of(set);
	g_autoptr(resume_t) resume = NULL;
	struct fit_outcome outcome;
	struct work w;

	work_open(&w, settings);
	judged = measured = 0;
	g_autoptr(model_folder_t) folder = model_folder_take(path, NULL, error);
	g_assert_no_error(*error);
	g_assert_true(resume_find(folder, settings, FALSE, &resume, error));
	struct fit_job job = { .work = &w, .held = folds, .members = members, .device = &device, .memory = &memory,
			       .folder = folder, .resume_opt = resume };
	gboolean ok = fit(&job, &outcome, error);
	fit_outcome_clear(&outcome);
	return ok;
}

/* NULL: the manifest names no such file. */
static char *sum_of(JsonObject *manifest, const char *role)
{
	JsonObject *entry = json_child(json_child(manifest, "files"), role);

	return entry != NULL ? g_strdup(json_text(entry, "sha256", NULL)) : NULL;
}

static gint64 with_logit(JsonObject *manifest)
{
	return (gint64)json_number(json_child(manifest, "facts"), "with", -1);
}

/* The logit that attention in the folder gives a case by the weights in the folder. */
static double logit_of(const char *folder, JsonObject *manifest, guint item)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *weights = model_folder_path(folder, manifest, "weights", &error), *left_out = NULL;
	g_autofree char *path = model_folder_path(folder, manifest, "attention", &error);
	g_autoptr(model_t) m = model_read(weights, "simple", 3, 1, 2, T_CPU, &left_out, &error);
	g_autoptr(attention_t) a = attention_new(m->width, ATTENTION_HIDDEN, T_CPU, 99, &error);
	const struct model_part part = { "attention", NULL, a->params, NULL };
	g_autofree float *x = g_new(float, SAMPLES * 3 * SIDE * SIDE), *of = g_new(float, SAMPLES * m->width);
	guint8 bytes[SIDE * SIDE * 3];
	tensor *got;
	double logit;

	g_assert_true(model_folder_restore(path, &part, 1, &error));
	for (int at = 0; at < SAMPLES; at++) {
		fill(item, at, bytes);
		for (int i = 0; i < SIDE * SIDE; i++)
			for (int c = 0; c < 3; c++)
				x[(at * 3 + c) * SIDE * SIDE + i] = (float)((bytes[3 * i + c] / 255.0 - m->mean[c]) / m->std[c]);
	}
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	model_forward(m, s, t_from(s, x, DIMS(SAMPLES, 3, SIDE, SIDE), T_F32, T_CPU), &got);
	t_read(s, got, of, SAMPLES * (gsize)m->width * sizeof *of);
	const struct bag bag = { of, T_F32, SAMPLES, 0 };
	g_assert_true(attention_predict(a, &bag, &logit, NULL, &error));
	return logit;
}

/* Out of fold: [member, case, feature, logit]. */
static void assert_logits(const char *folder, JsonObject *manifest)
{
	JsonArray *rows = json_object_get_array_member(json_child(manifest, "resume"), "out_of_fold");

	g_assert_cmpuint(json_array_get_length(rows), ==, HELD);
	for (guint i = 0; i < HELD; i++) {
		JsonArray *row = json_array_get_array_element(rows, i);
		guint item = LEARNED + i;
		g_assert_cmpstr(json_array_get_string_element(row, 1), ==, cases[item].id);
		g_assert_cmpfloat_with_epsilon(json_array_get_double_element(row, 3), logit_of(folder, manifest, item), 0.02);
		g_assert_true((json_array_get_double_element(row, 3) > 0) == (item % 2 == 1));
	}
}

/* All cases that are not held out teach it, those among them that no sample is drawn of. */
static void test_learns(void)
{
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL), *sum = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(learn(folder, usual, 1, &error));
	g_assert_no_error(error);
	for (guint i = 0; i < CASES; i++)
		g_assert_cmpint(g_atomic_int_get(&reads[i]), >=, i >= LEARNED ? 3 * SAMPLES : 2 * SAMPLES);
	g_assert_cmpint(g_atomic_int_get(&reads[3]), ==, 2 * SAMPLES);
	g_autoptr(JsonObject) manifest = model_folder_open(folder, NULL, NULL, &error);
	g_assert_cmpint(with_logit(manifest), ==, HELD);
	assert_logits(folder, manifest);
	remove_tree(folder);
}

/* The second epoch is worse than the first, whose weights stay. */
static void test_best(void)
{
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	g_autoptr(GError) error = NULL;
	const char *set[G_N_ELEMENTS(usual) + 1] = { NULL };

	memcpy(set, usual, sizeof usual);
	set[G_N_ELEMENTS(usual) - 1] = "training.epochs=2";
	worse_from = 2;         /* a validation and the save behind it measure once each */
	g_assert_true(learn(folder, set, 1, &error));
	worse_from = 0;
	g_assert_no_error(error);
	g_autoptr(JsonObject) manifest = model_folder_open(folder, NULL, NULL, &error);
	g_assert_cmpint(json_object_get_int_member(manifest, "epoch"), ==, 1);
	g_assert_cmpint(with_logit(manifest), ==, HELD);
	assert_logits(folder, manifest);
	remove_tree(folder);
}

/* Stopped while one of its batches is judged; and the same files. A validation judges 3 batches of 16; then come 34 of cases
   to learn from and their bags, and 6 of those held out. */
static void test_resume(void)
{
	static const int at[] = { 4, 20, 41 };
	static const char *const roles[] = { "weights", "weights2", "attention", "attention2" };
	g_autofree char *reference = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	g_autoptr(GError) error = NULL;

	g_assert_true(learn(reference, usual, 2, &error));
	g_assert_no_error(error);
	const int all = judged;
	g_assert_cmpint(all, ==, 2 * 43);
	g_autoptr(JsonObject) want = model_folder_open(reference, NULL, NULL, &error);
	g_assert_cmpint(with_logit(want), ==, 2 * HELD);
	for (gsize i = 0; i < 2 * G_N_ELEMENTS(at); i++) {
		g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL);
		stop_at = at[i / 2] + (int)(i % 2) * all / 2;
		g_assert_false(learn(folder, usual, 2, &error));
		g_assert_error(error, FAULT, FAULT_STOPPED);
		g_clear_error(&error);
		stop_ask(0);
		stop_at = 0;
		g_assert_true(learn(folder, usual, 2, &error));
		g_assert_no_error(error);
		g_autoptr(JsonObject) got = model_folder_open(folder, NULL, NULL, &error);
		for (gsize r = 0; r < G_N_ELEMENTS(roles); r++) {
			g_autofree char *a = sum_of(want, roles[r]), *b = sum_of(got, roles[r]);
			g_assert_nonnull(a);
			g_assert_cmpstr(a, ==, b);
		}
		g_assert_true(json_object_equal(json_child(want, "facts"), json_child(got, "facts")));
		remove_tree(folder);
	}
	remove_tree(reference);
}

/* Nobody wants it; too few to choose by; too few to learn from. Then none is left of a run before either. */
static void test_none(void)
{
	static const char *const models[] = { "score.model=top", "score.model=auto", "score.model=attention" };

	for (gsize i = 0; i < G_N_ELEMENTS(models); i++) {
		g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL), *sum = NULL, *second = NULL;
		const char *set[G_N_ELEMENTS(usual) + 2] = { NULL };
		g_autoptr(GError) error = NULL;

		memcpy(set, usual, sizeof usual);
		set[G_N_ELEMENTS(usual) - 1] = models[i];
		set[G_N_ELEMENTS(usual)] = "training.run=other";
		g_assert_true(learn(folder, usual, 2, &error));
		few = i == 2 ? 9 : 0;
		g_assert_true(learn(folder, set, 1, &error));
		few = 0;
		g_assert_no_error(error);
		g_autoptr(JsonObject) manifest = model_folder_open(folder, NULL, NULL, &error);
		sum = sum_of(manifest, "attention");
		second = sum_of(manifest, "attention2");
		g_assert_null(sum);
		g_assert_null(second);
		g_assert_cmpint(with_logit(manifest), ==, 0);
		remove_tree(folder);
	}
}

/* By costs alone: 26 cases of `has` samples, of which 4 are held out; a validation of 4 has takes as many ms as samples. */
static guint64 has;

static guint64 samples_many(const struct work *w, guint item)
{
	(void)w;
	(void)item;
	return has;
}

static void test_time(void)
{
	/* held: 4 (10000 + 512); learned: 22 (looked + 512); learning 60 s of a minute at width 512: ms each
	   4096: 42048 + 101376; 2048: + 56320; 1024: + 33792; and 60 s */
	static const struct { const char *model; double time; gint64 bags, looked; double kept; } is[] = {
		{ "score.model=attention", 0, BAGS_WANTED, 4096, 0 },
		{ "score.model=attention", 2100, BAGS_WANTED, 4096, 1.25 * (42.048 + 101.376 + 60) },
		{ "score.model=attention", 1900, BAGS_WANTED, 2048, 1.25 * (42.048 + 56.320 + 60) },
		{ "score.model=attention", 1400, BAGS_WANTED, 1024, 1.25 * (42.048 + 33.792 + 60) },
		{ "score.model=attention", 1300, BAGS_WANTED, 1024, 1.25 * (42.048 + 33.792 + 60) },
		{ "score.model=auto", 1400, BAGS_NONE, 0, 0 },  /* too few are held out */
		{ "score.model=logistic", 1400, BAGS_NONE, 0, 0 },
	};
	gboolean most[2][CASES];
	struct task many = task;

	has = 10000;
	many.samples = samples_many;
	for (gsize i = 0; i < G_N_ELEMENTS(is) + 2; i++) {
		const gboolean all = i >= G_N_ELEMENTS(is);     /* in two members, all are held out */
		const char *const set[] = { all ? "score.model=auto" : is[i].model, NULL };
		g_autoptr(settings_t) settings = settings_of(set);
		struct work w;
		work_open(&w, settings);
		w.task = &many;
		for (guint k = 0; k < CASES; k++) {
			most[0][k] = held_out[0][k];
			most[1][k] = !held_out[0][k];
		}
		gboolean *const folds[] = { most[0], most[1] };
		struct fit_job job = { .work = &w, .held = folds, .members = all ? 2 : 1 };
		struct model m = { .width = 512 };
		struct fit f = { .job = &job, .work = &w, .settings = settings, .model = &m, .n_held = HELD, .held_samples = HELD * has };
		f.time = f.deadline = all ? (i == G_N_ELEMENTS(is) ? 1400 : 1300) : is[i].time;
		f.now.costs.validation = HELD * (double)has / 1000;
		fit_bags_decide(&f);
		g_assert_cmpint(f.now.bags, ==, all ? (i == G_N_ELEMENTS(is) ? BAGS_WANTED : BAGS_NONE) : is[i].bags);
		if (!all)
			g_assert_cmpint(f.now.looked, ==, is[i].looked);
		if (!all)
			g_assert_cmpfloat_with_epsilon(fit_bags_cost(&f), is[i].kept, 1e-9);
	}
}

/* A later member that has no model of bags yet does not take that of those before it away: its cases wait. */
static void test_later_member(void)
{
	static guint member[] = { 0, 0, 1, 1 }, items[] = { 3, 4, 0, 1 };
	double said[] = { 1, 0.5, 2, 0.25, 3, NAN, 4, NAN };
	struct fit_job job = { 0 };
	struct work w;
	struct fit f = { .job = &job, .work = &w, .judged_cases = { 4, 2, member, items, said } };

	g_autoptr(settings_t) settings = settings_of(usual);
	work_open(&w, settings);
	for (int later = 0; later < 2; later++) {
		g_autoptr(JsonObject) facts = json_object_new();
		g_autoptr(JsonArray) held = json_array_new();
		g_autoptr(GString) labels = g_string_new(NULL);
		fit_judge(&f, facts, held, labels);
		g_assert_cmpint(json_object_get_int_member(facts, "with"), ==, later ? 3 : 2);
		g_assert_cmpuint(json_array_get_length(held), ==, later ? 8 : 4);
		said[5] = 0.75;
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_open("test", 0);
	tensor_threads(1);
	g_test_add_func("/fit-bags/learns", test_learns);
	g_test_add_func("/fit-bags/best", test_best);
	g_test_add_func("/fit-bags/resume", test_resume);
	g_test_add_func("/fit-bags/none", test_none);
	g_test_add_func("/fit-bags/time", test_time);
	g_test_add_func("/fit-bags/later-member", test_later_member);
	return g_test_run();
}
