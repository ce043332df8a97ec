/*
 * test-fit.c - that a batch which goes through the network in parts teaches it what the whole one does (the
 * network "simple" has neither batch norm nor dropout, so only the order of sums may differ); that a run which was
 * stopped and went on ends where one ends that was not; and that there is a model at any time.
 */
#include "common/checkpoint/model_folder.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/machine/remove_tree.h"
#include "common/machine/stop.h"
#include "common/random/random.h"
#include "train/fit_work.h"
#include <math.h>
#include <signal.h>

enum { CASES = 6, SIDE = 16, SAMPLES = 20 };

static struct work_case cases[CASES];
static gint gone;               /* atomic: no sample can be read */
static double patience;         /* s; 0: any */
static gulong held_us;          /* that a read of a held-out sample takes */
static double time_s;           /* that it has; 0: any */

/* Cases of odd number have bright samples and are positive. */
static gboolean read_sample(struct work *w, const struct sample *s, guint8 *bytes, float *targets, GError **error)
{
	(void)w;
	if (g_atomic_int_get(&gone)) {
		g_set_error(error, FAULT, FAULT_DATA, "case 'c%u': gone", s->item);
		return FALSE;
	}
	g_usleep(s->item >= 4 ? held_us : 0);
	for (guint64 i = 0; i < SIDE * SIDE * 3; i++)
		bytes[i] = (guint8)(random_hash(s->item, (guint64)s->at[0], i, 1) % 200 + s->item % 2 * 55);
	targets[0] = (float)(s->item % 2);
	return TRUE;
}

static double share(const struct settings *s, int stratum)
{
	(void)s;
	(void)stratum;
	return 1;
}

static gboolean nothing_sought; /* no case has samples of the first stratum */

static guint32 count(const struct work *w, guint item, int stratum)
{
	(void)w;
	return (int)item % 2 == stratum && !(nothing_sought && stratum == 0) ? SAMPLES : 0;
}

static void pick(const struct work *w, guint item, int stratum, guint64 random, struct sample *out)
{
	(void)w;
	(void)stratum;
	*out = (struct sample){ .item = item, .at = { (gint32)random_below(random, SAMPLES) } };
}

static gboolean sure(const struct work *w, const struct sample *s)
{
	(void)w;
	return s->item % 2 == 0;
}

static void next(const struct work *w, guint item, int round, double part, const struct sample *samples,
		 const float *outputs, gsize n, GArray *out)
{
	(void)w;
	(void)samples;
	(void)outputs;
	(void)n;
	for (gint32 i = 0; round == 0 && i < ceil(part * SAMPLES); i++) {
		struct sample s = { .item = item, .at = { i } };
		g_array_append_val(out, s);
	}
}

static int losses, stop_at, gone_at, steep_at; /* steps so far; during these a signal comes, samples go, and the loss is too steep; 0: none */
static gboolean screen, of_screen; /* then each step has two losses, of which the first counts; and of the second: */
static int steep_screen_at;
static int judged, stop_at_judged; /* the same of batches that are judged */
static gint64 room;             /* so many samples at once fit into memory; 0: any number */

/* 0, with a slope of 1e60 by each output, which is more than a float. */
static tensor *steep(scope *s, const tensor *output)
{
	float now[64];

	g_assert_true(t_read(s, output, now, sizeof *now * (gsize)(t_size(output, 0) * t_size(output, 1))));
	tensor *nothing = t_sub(s, output, t_from(s, now, t_dims(output), T_F32, T_CPU));
	return t_mean_all(s, t_affine(s, t_affine(s, nothing, 1e30, 0), 1e30, 0));
}

static tensor *loss(const struct work *w, scope *s, const tensor *output, const tensor *target, double smoothing)
{
	(void)w;
	losses += !of_screen;
	of_screen = screen && !of_screen;
	if (losses == stop_at)
		stop_ask(SIGTERM);
	if (losses == gone_at)
		g_atomic_int_set(&gone, 1);
	if (room > 0 && t_size(output, 0) > room)
		t_from(s, "", DIMS(1000000000, 250000), T_F32, T_CPU);  /* a petabyte */
	tensor *mean = t_cross_entropy(s, output, t_cat(s, 1, LIST(t_affine(s, target, smoothing - 1, 1 - smoothing / 2),
								   t_affine(s, target, 1 - smoothing, smoothing / 2))));
	const gboolean is_steep = screen && !of_screen ? losses == steep_screen_at : losses == steep_at;
	return is_steep ? t_add(s, mean, steep(s, output)) : mean;
}

static tensor *judge(const struct work *w, scope *s, const tensor *output)
{
	(void)w;
	if (++judged == stop_at_judged)
		stop_ask(SIGTERM);
	return t_sub(s, t_narrow(s, output, 1, 1, 1), t_narrow(s, output, 1, 0, 1));
}

static int truth(const float *targets) { return targets[0] > 0; }

static guint64 samples_a_case;  /* as it says */

static guint64 count_samples(const struct work *w, guint item)
{
	(void)w;
	(void)item;
	return samples_a_case;
}

static int validations;         /* begun */
static gsize judged_of_last;    /* samples of the last case */

static void features(const struct work *w, guint item, const struct sample *samples, const float *outputs, gsize n,
		     double *out)
{
	(void)w;
	(void)samples;
	if (item == CASES - 1) {
		validations++;
		judged_of_last = n;
	}
	out[0] = n > 0 ? (double)outputs[0] : NAN;
}

static void facts(const struct work *w, JsonObject *out)
{
	(void)w;
	(void)out;
}

static void fit_nothing(const struct work *w, const guint *items, gsize n, const double *of, JsonObject *out, double *said)
{
	for (gsize i = 0; i < n; i++)
		said[i] = of[i];
	(void)w;
	(void)items;
	(void)out;
}

static const struct interval *measured; /* by each validation; NULL: 1 */

static struct interval measure(const struct work *w, const guint *items, gsize n, const double *of)
{
	(void)w;
	(void)items;
	(void)n;
	(void)of;
	return measured != NULL ? measured[validations - 1] : (struct interval){ 1, 1, 1 };
}

static const char *const strata[] = { "dark", "bright" };
static const struct task task = {
	.name = "fake", .n_strata = 2, .strata = strata, .share = share, .count = count, .pick = pick, .sure = sure,
	.samples = count_samples, .next = next,
	.read = read_sample, .judged = 1, .loss = loss, .judge = judge, .truth = truth, .n_features = 1,
	.features = features, .facts = facts, .fit = fit_nothing, .measure = measure, .metric = "auc", .sample_metric = "auc",
};

struct running { struct work work; settings_t *settings; };

static void running_open(struct running *r, const char *folder, const char *const *set)
{
	r->settings = settings_new();
	r->work = (struct work){ .task = &task, .settings = r->settings, .shape = { 3, SIDE, SIDE, 1 }, .outputs = 2, .patience = patience,
				 .n_cases = CASES, .cases = cases };
	for (guint i = 0; i < CASES; i++) {
		g_free(cases[i].id);
		cases[i] = (struct work_case){ .id = g_strdup_printf("c%u", i), .label = (int)i % 2, .ready = TRUE };
	}
	for (; *set != NULL; set++)
		g_assert_true(settings_assign(r->settings, *set, NULL));
	r->work.shape.input = (int)r->settings->model.input;
	r->work.shape.screen = screen = r->settings->training.screen;
	of_screen = FALSE;
	g_free(r->settings->paths.model);
	r->settings->paths.model = g_strdup(folder);
}

/* As train does it: over what the folder has. */
static gboolean learn(const char *path, const char *const *set, guint part, struct fit_outcome *outcome, GError **error)
{
	struct running r;
	gboolean held[CASES] = { [4] = TRUE, [5] = TRUE };
	gboolean *const folds[] = { held };
	const struct device device = { .index = T_CPU, .flags = 0, .threads = 1 };
	const struct memory memory = { .batch = 10, .part = part, .judged = 16, .readers = 2 };
	g_autoptr(resume_t) resume = NULL;

	running_open(&r, path, set);
	g_autoptr(settings_t) settings = r.settings;
	g_autoptr(model_folder_t) folder = model_folder_take(path, NULL, error);
	g_assert_no_error(*error);
	g_assert_true(resume_find(folder, settings, FALSE, &resume, error));
	struct fit_job job = { .work = &r.work, .held = folds, .members = 1, .device = &device, .memory = &memory, .folder = folder,
			       .resume_opt = resume, .deadline = time_s > 0 ? log_seconds() + time_s : 0 };
	gboolean ok = fit(&job, outcome, error);
	fit_outcome_clear(outcome);     /* the tests look at its numbers */
	return ok;
}

static void read_weights(const char *folder, float *weights, gsize n)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonObject) manifest = model_folder_open(folder, NULL, NULL, &error);
	g_autofree char *path = model_folder_path(folder, manifest, "weights", &error);
	g_autoptr(model_t) m = model_new("simple", 3, 1, 2, T_CPU, &error);

	g_assert_true(model_load(m, path, NULL, &error));
	SCOPE(out, NULL, 0);
	t_read(out, scope_find(m->params, "features.3.weight"), weights, n * sizeof *weights);
	g_assert_cmpint(scope_error(out, NULL), ==, SCOPE_OK);
}

enum { N = 300 * 300 * 3 * 3 };
static const gsize bytes = (gsize)N * sizeof(float);

static void test_parts(void)
{
	static const char *const set[] = { "model.network=simple", "tiles.size=16", "training.batch=10", "training.epochs=1",
		"sampling.tiles_per_epoch=60", "training.optimiser=sgd", "training.learning_rate=0.001", "training.average=0",
		"split.validation=0", NULL };
	static const guint sizes[] = { 10, 5, 4, 1 };
	g_autofree float *whole = g_new(float, N), *parts = g_new(float, N);

	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL);
		g_autoptr(GError) error = NULL;
		struct fit_outcome outcome;
		double most = 0;
		g_assert_true(learn(folder, set, sizes[i], &outcome, &error));
		g_assert_no_error(error);
		g_assert_cmpint(outcome.steps, ==, 6);
		read_weights(folder, i == 0 ? whole : parts, N);
		for (gsize k = 0; i > 0 && k < N; k++)
			most = fmax(most, fabs((double)whole[k] - (double)parts[k]));
		g_assert_cmpfloat(most, <, 2e-6);
		remove_tree(folder);
	}
}

/* Where the memory does not hold ten at once, nor five, it goes on with three: as if that had been planned. */
static void test_no_memory(void)
{
	static const char *const set[] = { "model.network=simple", "tiles.size=16", "training.batch=10", "training.epochs=1",
		"sampling.tiles_per_epoch=60", "training.optimiser=sgd", "training.average=0", "split.validation=0", NULL };
	g_autofree char *planned = g_dir_make_tmp("blindrun-XXXXXX", NULL), *found = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	g_autofree float *a = g_new(float, N), *b = g_new(float, N);
	g_autoptr(GError) error = NULL;
	struct fit_outcome outcome;
	guint before = log_warnings("memory");

	g_assert_true(learn(planned, set, 3, &outcome, &error));
	room = 3;
	g_assert_true(learn(found, set, 10, &outcome, &error));
	room = 0;
	g_assert_no_error(error);
	g_assert_cmpint(outcome.steps, ==, 6);
	g_assert_cmpuint(log_warnings("memory"), ==, before + 2);
	read_weights(planned, a, N);
	read_weights(found, b, N);
	g_assert_true(memcmp(a, b, bytes) == 0);
	remove_tree(planned);
	remove_tree(found);
}

/* Two epochs of four steps, whose every part that is kept from step to step is in use. */
static const char *const whole_run[] = { "model.network=simple", "tiles.size=16", "training.batch=10", "training.epochs=2",
	"sampling.tiles_per_epoch=40", "training.optimiser=adamw", "training.schedule=cosine", "training.average=5",
	"split.validation=0", NULL };

/* Stopped there, and gone on with: these weights, to the last bit. FALSE: it ended before. */
static gboolean stopped_at(const char *const *set, int step, int batch, const struct fit_outcome *whole, const float *want)
{
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	g_autofree float *got = g_new(float, N);
	g_autoptr(GError) error = NULL;
	struct fit_outcome outcome;

	losses = judged = 0;
	stop_at = step;
	stop_at_judged = batch;
	gboolean ended = learn(folder, set, 10, &outcome, &error);
	stop_ask(0);
	stop_at = stop_at_judged = 0;
	if (!ended) {
		g_assert_error(error, FAULT, FAULT_STOPPED);
		g_assert_true(step == 0 || outcome.steps == step);
		g_clear_error(&error);
		g_assert_true(learn(folder, set, 10, &outcome, &error));
	}
	g_assert_no_error(error);
	g_assert_cmpint(outcome.steps, ==, whole->steps);
	g_assert_cmpuint(outcome.best_epoch, ==, whole->epochs);
	read_weights(folder, got, N);
	g_assert_true(memcmp(want, got, bytes) == 0);
	remove_tree(folder);
	return !ended;
}

/* Stopped during each `every`th of its steps. */
static void stop_and_go_on(const char *const *set, int every, float *whole, struct fit_outcome *outcome)
{
	g_autofree char *reference = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	g_autoptr(GError) error = NULL;

	g_assert_true(learn(reference, set, 10, outcome, &error));
	g_assert_no_error(error);
	read_weights(reference, whole, N);
	for (int at = 1; at <= outcome->steps; at += every)
		g_assert_true(stopped_at(set, at, 0, outcome, whole));
	remove_tree(reference);
}

static void test_resume(void)
{
	g_autofree float *whole = g_new(float, N);
	struct fit_outcome outcome;

	stop_and_go_on(whole_run, 1, whole, &outcome);
}

/* From weights that are there: the body is frozen for 4 of 10 steps, hard samples are sought before each epoch but the
   first, the last 3 steps close. A validation judges 3 batches, a search one. */
static const char *many[] = { "model.network=simple", "tiles.size=16", "training.batch=10", "training.epochs=5",
	"sampling.tiles_per_epoch=20", "training.optimiser=radam", "training.schedule=one_cycle", "training.warmup=0.2",
	"training.average=5", "training.clip=0.5", "training.layer_decay=0.8", "training.frozen=0.35", "training.closing=0.3",
	"sampling.hard=0.9", "sampling.mine_every=1", "split.validation=0", "model.input=32", "training.screen=true", NULL /* model.weights=... */, NULL };

/* Nothing of what the screen learns reaches the network: without one it ends as `with`, bit for bit. */
static void assert_screen(const float *with)
{
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	g_autofree float *without = g_new(float, N);
	const char *settings[G_N_ELEMENTS(many) + 1] = { NULL };
	struct fit_outcome outcome;
	g_autoptr(GError) error = NULL;

	memcpy(settings, many, sizeof many);
	settings[G_N_ELEMENTS(many) - 1] = "training.screen=false";
	settings[G_N_ELEMENTS(many)] = NULL;
	g_assert_true(learn(folder, settings, 10, &outcome, &error));
	g_assert_no_error(error);
	read_weights(folder, without, N);
	g_assert_true(memcmp(with, without, bytes) == 0);
	remove_tree(folder);
}

static void test_all_at_once(void)
{
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	g_autofree float *weights = g_new(float, N), *usual = g_new(float, N), *other = g_new(float, N);
	struct fit_outcome outcome;
	g_autoptr(GError) error = NULL;

	g_assert_true(learn(folder, whole_run, 10, &outcome, &error));
	g_autoptr(JsonObject) manifest = model_folder_open(folder, NULL, NULL, &error);
	g_autofree char *path = model_folder_path(folder, manifest, "weights", &error);
	g_autofree char *set = g_strdup_printf("model.weights=%s", path);
	many[G_N_ELEMENTS(many) - 2] = set;
	stop_and_go_on(many, 3, usual, &outcome);
	for (int batch = 2; batch <= 12; batch += 2)    /* 4, 8 and 12: in a search */
		g_assert_true(stopped_at(many, 0, batch, &outcome, usual));

	/* frozen all the time, the body is as it was loaded, but for the average's rounding; and each of these changes what is learned */
	const char *const changes[] = { "training.frozen=1", "training.fixed=0.5", "training.frozen=0", "training.closing=0", "sampling.hard=0",
					"training.clip=0", "training.layer_decay=1" };
	for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
		g_autofree char *run = g_dir_make_tmp("blindrun-XXXXXX", NULL);
		const char *settings[G_N_ELEMENTS(many) + 1] = { NULL };
		memcpy(settings, many, sizeof many);
		settings[G_N_ELEMENTS(many) - 1] = changes[i];
		g_assert_true(learn(run, settings, 10, &outcome, &error));
		g_assert_no_error(error);
		read_weights(run, other, N);
		g_assert_true(memcmp(usual, other, bytes) != 0);
		read_weights(folder, weights, N);
		double most = 0;
		for (gsize k = 0; i == 0 && k < N; k++)
			most = fmax(most, fabs((double)weights[k] - (double)other[k]));
		g_assert_cmpfloat(most, <, 1e-7);
		remove_tree(run);
	}
	assert_screen(usual);
	remove_tree(folder);
}

/* The share that is closing, and what a schedule that does not fall has of it. */
static void test_phases(void)
{
	static const struct { const char *set[4]; double progress, rate, strength, smoothing; } is[] = {
		{ { "training.closing=0.1" }, 0.899, 0.001 * 0.0276308, 1, 0.1 },      /* (1 + cos(pi 0.849 / 0.95)) / 2 */
		{ { "training.closing=0.1" }, 0.9, 0.001 * 0.0270914, 0.25, 0.05 },
		{ { "training.closing=0" }, 1, 0, 1, 0.1 },
		{ { "training.schedule=constant", "training.closing=0.25" }, 0.74, 0.001, 1, 0.1 },
		{ { "training.schedule=constant", "training.closing=0.25" }, 0.75, 0.0003, 0.25, 0.05 },
		{ { "training.schedule=plateau", "training.closing=0.25" }, 1, 0.0003, 0.25, 0.05 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(is); i++) {
		g_autoptr(settings_t) settings = settings_new();
		struct optim optim = { 0 };
		struct work w = { 0 };
		struct fit f = { .settings = settings, .work = &w, .optim = &optim };
		for (const char *const *set = is[i].set; *set != NULL; set++)
			g_assert_true(settings_assign(settings, *set, NULL));
		f.now.plan.progress = is[i].progress;
		fit_enter_phase(&f);
		g_assert_cmpfloat_with_epsilon(fit_rate(&f), is[i].rate, 1e-8);
		g_assert_cmpfloat(f.strength, ==, is[i].strength);
		g_assert_cmpfloat(f.smoothing, ==, is[i].smoothing);
	}
}

/* A network of random weights is not frozen, and it is said. */
static void test_not_frozen(void)
{
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL), *frozen = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	const char *set[G_N_ELEMENTS(whole_run) + 1] = { "training.frozen=1" };
	g_autofree float *a = g_new(float, N), *b = g_new(float, N);
	struct fit_outcome outcome;
	g_autoptr(GError) error = NULL;
	guint before = log_warnings("frozen");

	memcpy(set + 1, whole_run, sizeof whole_run);
	g_assert_true(learn(folder, whole_run, 10, &outcome, &error));
	g_assert_cmpuint(log_warnings("frozen"), ==, before);
	g_assert_true(learn(frozen, set, 10, &outcome, &error));
	g_assert_cmpuint(log_warnings("frozen"), ==, before + 1);
	read_weights(folder, a, N);
	read_weights(frozen, b, N);
	g_assert_true(memcmp(a, b, bytes) == 0);
	remove_tree(folder);
	remove_tree(frozen);
}

/* A folder has a model from the first moment, and one that was validated is not given up for a newer run's that is
   not. */
static void test_baseline(void)
{
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	const char *other[G_N_ELEMENTS(whole_run) + 1] = { "training.run=other" };
	struct fit_outcome outcome;
	g_autoptr(GError) error = NULL;
	g_autofree float *first = g_new(float, N), *now = g_new(float, N);

	memcpy(other + 1, whole_run, sizeof whole_run);
	losses = 0;
	stop_at = 1;
	g_assert_false(learn(folder, whole_run, 10, &outcome, &error));
	g_clear_error(&error);
	stop_ask(0);
	stop_at = 0;
	g_autoptr(JsonObject) baseline = model_folder_open(folder, "weights", NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpint(json_object_get_int_member(baseline, "judged"), ==, 0);
	g_assert_true(learn(folder, whole_run, 10, &outcome, &error));
	read_weights(folder, first, N);
	losses = 0;
	stop_at = 2;
	g_assert_false(learn(folder, other, 10, &outcome, &error));
	g_assert_error(error, FAULT, FAULT_STOPPED);
	g_clear_error(&error);
	stop_ask(0);
	stop_at = 0;
	read_weights(folder, now, N);
	g_assert_true(memcmp(first, now, bytes) == 0);
	g_assert_true(learn(folder, other, 10, &outcome, &error));
	g_assert_no_error(error);
	g_assert_cmpint(outcome.steps, ==, 8);
	remove_tree(folder);
}

/* A gradient that is not finite, of a loss that is: the step is left out, and the rest learned as ever. */
static void test_steep(void)
{
	static const char *const set[] = { "model.network=simple", "tiles.size=16", "training.batch=10", "training.epochs=1",
		"sampling.tiles_per_epoch=40", "split.validation=0", NULL };
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	g_autofree float *got = g_new(float, N);
	struct fit_outcome outcome;
	g_autoptr(GError) error = NULL;
	const guint before = log_warnings("loss");

	losses = 0;
	steep_at = 2;
	g_assert_true(learn(folder, set, 10, &outcome, &error));
	steep_at = 0;
	g_assert_no_error(error);
	g_assert_cmpint(outcome.steps, ==, 4);
	g_assert_cmpuint(log_warnings("loss"), ==, before + 1);
	read_weights(folder, got, N);
	for (gsize i = 0; i < N; i++)
		g_assert_true(isfinite(got[i]));
	remove_tree(folder);
}

/* Where that is the screen's, it is the screen alone that takes no step. */
static void test_steep_screen(void)
{
	static const char *const set[] = { "model.network=simple", "tiles.size=16", "training.batch=10", "training.epochs=1",
		"sampling.tiles_per_epoch=40", "split.validation=0", "training.screen=true", "training.clip=0.5", NULL };
	g_autofree float *plain = g_new(float, N), *steep_one = g_new(float, N);
	struct fit_outcome outcome;
	g_autoptr(GError) error = NULL;
	const guint before = log_warnings("screen"), loss = log_warnings("loss");

	for (int i = 0; i < 2; i++) {
		g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL);
		losses = 0;
		steep_screen_at = i == 1 ? 2 : 0;
		g_assert_true(learn(folder, set, 10, &outcome, &error));
		g_assert_no_error(error);
		g_assert_cmpint(outcome.steps, ==, 4);
		g_assert_cmpuint(log_warnings("screen"), ==, before + (guint)i);
		g_assert_cmpuint(log_warnings("loss"), ==, loss);
		read_weights(folder, i == 0 ? plain : steep_one, N);
		remove_tree(folder);
	}
	steep_screen_at = 0;
	g_assert_true(memcmp(plain, steep_one, bytes) == 0);
}

/* What half a standard error below the highest is, (0.96 - 0.8) / 8, may be taken for it, but no lower step by step; nor
   what nothing could be read of. */
static void test_best(void)
{
	static const char *const set[] = { "model.network=simple", "tiles.size=16", "training.batch=10", "training.epochs=6",
		"sampling.tiles_per_epoch=20", "sampling.hard=0", NULL };
	static const struct interval each[] = { { 0.8, 0.7, 0.9 }, { 0.9, 0.8, 0.96 }, { 0.881, 0.8, 0.94 }, { 0.865, 0.78, 0.93 },
						{ NAN, NAN, NAN }, { 0.879, 0.8, 0.94 } };
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	struct fit_outcome outcome;
	g_autoptr(GError) error = NULL;
	const guint before = log_warnings("judged");

	validations = 0;
	measured = each;
	g_assert_true(learn(folder, set, 10, &outcome, &error));
	measured = NULL;
	g_assert_no_error(error);
	g_assert_cmpuint(outcome.epochs, ==, 6);
	g_assert_cmpuint(outcome.best_epoch, ==, 3);
	g_assert_cmpuint(log_warnings("judged"), ==, before + 1);
	remove_tree(folder);
}

/* Judging 40 held-out samples, of which two readers give 20 a second at most, takes 2 s or more of 6: an eighth of them are
   judged, three of each case or fewer, so that four validations take 1 s. */
static void test_share_judged(void)
{
	static const char *const set[] = { "model.network=simple", "tiles.size=16", "training.batch=10", "training.epochs=1",
		"sampling.tiles_per_epoch=200", "sampling.hard=0", "training.time=1h", NULL };
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	struct fit_outcome outcome;
	g_autoptr(GError) error = NULL;
	const guint before = log_warnings("time");

	held_us = 100000;
	time_s = 6;
	judged_of_last = 0;
	g_assert_true(learn(folder, set, 10, &outcome, &error));
	g_assert_no_error(error);
	held_us = 0;
	time_s = 0;
	g_assert_cmpuint(judged_of_last, >=, 1);
	g_assert_cmpuint(judged_of_last, <=, 3);
	g_assert_cmpuint(log_warnings("time"), ==, before + 1);
	remove_tree(folder);
}

/* 20 epochs of 20 samples: where four cases have more than 800 together and no limit is set, it is said that it ends early. */
static void test_brief(void)
{
	static const char *const set[] = { "model.network=simple", "tiles.size=16", "training.batch=10", "sampling.tiles_per_epoch=20",
		"sampling.hard=0", NULL };

	for (samples_a_case = 200; samples_a_case <= 201; samples_a_case++) {
		g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL);
		const guint before = log_warnings("time");
		struct fit_outcome outcome;
		g_autoptr(GError) error = NULL;

		g_assert_true(learn(folder, set, 10, &outcome, &error));
		g_assert_cmpint(outcome.steps, ==, 40);
		g_assert_cmpuint(log_warnings("time"), ==, before + (samples_a_case > 200 ? 1 : 0));
		remove_tree(folder);
	}
}

static struct model *model_at(const char *folder)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonObject) manifest = model_folder_open(folder, NULL, NULL, &error);
	g_autofree char *path = model_folder_path(folder, manifest, "weights", &error);
	struct model *m = model_new("simple", 3, 1, 2, T_CPU, &error);

	g_assert_true(model_load(m, path, NULL, &error));
	return m;
}

/* Where there is nothing to learn of what is sought, weights that were loaded stay, to the last bit: its classifier would unlearn
   what it knows. */
static void test_keeps(void)
{
	g_autofree char *first = g_dir_make_tmp("blindrun-XXXXXX", NULL), *second = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	const char *set[] = { "model.network=simple", "tiles.size=16", "training.batch=10", "training.epochs=1", "sampling.tiles_per_epoch=100",
		"sampling.hard=0", NULL, NULL };
	struct fit_outcome outcome;
	g_autoptr(GError) error = NULL;

	g_assert_true(learn(first, set, 10, &outcome, &error));
	g_autoptr(JsonObject) manifest = model_folder_open(first, NULL, NULL, &error);
	g_autofree char *path = model_folder_path(first, manifest, "weights", &error), *weights = g_strconcat("model.weights=", path, NULL);
	set[6] = weights;
	nothing_sought = TRUE;
	g_assert_true(learn(second, set, 10, &outcome, &error));
	nothing_sought = FALSE;
	g_assert_no_error(error);
	g_autoptr(model_t) was = model_at(first), is = model_at(second);
	g_assert_cmpuint(scope_count(was->params), >, 4);
	for (size_t i = 0; i < scope_count(was->params); i++) {
		SCOPE(s, NULL, SCOPE_NO_GRAD);
		tensor *moved = t_sub(s, scope_at(was->params, i, NULL, NULL), scope_at(is->params, i, NULL, NULL));
		g_assert_cmpfloat(t_item(s, t_mean_all(s, t_mul(s, moved, moved))), ==, 0);
	}
	remove_tree(first);
	remove_tree(second);
}

/* Stopped before its plan was made, it still has all the time when it goes on, not the 20 epochs that stood for it. */
static void test_no_plan_yet(void)
{
	static const char *const set[] = { "model.network=simple", "tiles.size=16", "training.batch=10", "sampling.tiles_per_epoch=40",
		"sampling.hard=0", "training.time=1h", NULL };
	g_autofree char *path = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	struct fit_outcome outcome;

	time_s = 3000;
	for (stop_at = 2; stop_at <= 22; stop_at += 20) {
		g_autoptr(GError) error = NULL;
		losses = 0;
		g_assert_false(learn(path, set, 10, &outcome, &error));
		g_assert_error(error, FAULT, FAULT_STOPPED);
		stop_ask(0);
		g_autoptr(model_folder_t) folder = model_folder_take(path, NULL, NULL);
		JsonObject *resume = json_object_get_object_member(model_folder_now(folder), "resume");
		JsonObject *state = json_object_get_object_member(resume, "state");
		g_assert_cmpint(json_object_get_int_member(state, "plan_set_epochs"), ==, PLAN_OPEN);
		if (stop_at > 2)
			g_assert_cmpint(json_object_get_int_member(state, "plan_epochs"), >, PLAN_EPOCHS);
	}
	stop_at = 0;
	time_s = 0;
	remove_tree(path);
}

/* Samples that are gone in the middle: it does not run on without learning, but ends, and goes on when they are back. */
static void test_unread(void)
{
	static const char *const set[] = { "model.network=simple", "tiles.size=16", "training.batch=10", "training.epochs=1",
		"sampling.tiles_per_epoch=400", "split.validation=0", NULL };
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL), *reference = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	g_autofree float *want = g_new(float, N), *got = g_new(float, N);
	struct fit_outcome outcome;
	g_autoptr(GError) error = NULL;

	g_assert_true(learn(reference, set, 10, &outcome, &error));
	g_assert_no_error(error);
	losses = 0;
	gone_at = 3;
	patience = 1;
	g_assert_false(learn(folder, set, 10, &outcome, &error));
	gone_at = 0;
	patience = 0;
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_true(g_str_has_prefix(error->message, "no sample of the last 2"));
	g_assert_nonnull(strstr(error->message, "is '/data/train' still there? Started again, it goes on"));
	g_assert_cmpint(outcome.steps, <, 40);
	g_clear_error(&error);
	g_atomic_int_set(&gone, 0);
	g_assert_true(learn(folder, set, 10, &outcome, &error));
	g_assert_no_error(error);
	g_assert_cmpint(outcome.steps, ==, 40);
	read_weights(reference, want, N);
	read_weights(folder, got, N);
	g_assert_true(memcmp(want, got, bytes) == 0);
	remove_tree(folder);
	remove_tree(reference);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_open("test", 0);
	tensor_threads(1);
	g_test_add_func("/fit/parts", test_parts);
	g_test_add_func("/fit/no-memory", test_no_memory);
	g_test_add_func("/fit/resume", test_resume);
	g_test_add_func("/fit/all-at-once", test_all_at_once);
	g_test_add_func("/fit/phases", test_phases);
	g_test_add_func("/fit/not-frozen", test_not_frozen);
	g_test_add_func("/fit/baseline", test_baseline);
	g_test_add_func("/fit/steep", test_steep);
	g_test_add_func("/fit/steep_screen", test_steep_screen);
	g_test_add_func("/fit/best", test_best);
	g_test_add_func("/fit/unread", test_unread);
	g_test_add_func("/fit/share-judged", test_share_judged);
	g_test_add_func("/fit/brief", test_brief);
	g_test_add_func("/fit/keeps", test_keeps);
	g_test_add_func("/fit/no-plan-yet", test_no_plan_yet);
	return g_test_run();
}
