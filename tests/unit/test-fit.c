/*
 * test-fit.c - that a batch which goes through the network in parts teaches it what the whole one does. The
 * network "simple" has neither batch norm nor dropout, so only the order of sums may differ.
 */
#include "common/checkpoint/model_folder.h"
#include "common/log/log.h"
#include "common/random/random.h"
#include "tests/unit/remove_tree.h"
#include "train/fit.h"
#include <math.h>

enum { CASES = 6, SIDE = 16, SAMPLES = 20 };

static struct work_case cases[CASES];

/* Cases of odd number have bright samples and are positive. */
static gboolean read_sample(struct work *w, const struct sample *s, guint8 *bytes, float *targets, GError **error)
{
	(void)w;
	(void)error;
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

static guint32 count(const struct work *w, guint item, int stratum)
{
	(void)w;
	return (int)item % 2 == stratum ? SAMPLES : 0;
}

static void pick(const struct work *w, guint item, int stratum, guint32 index, guint64 noise, struct sample *out)
{
	(void)w;
	(void)stratum;
	(void)noise;
	*out = (struct sample){ .item = item, .at = { (gint32)index } };
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

static tensor *loss(const struct work *w, scope *s, const tensor *output, const tensor *target)
{
	(void)w;
	return t_cross_entropy(s, output, t_cat(s, 1, LIST(t_affine(s, target, -1, 1), t_affine(s, target, 1, 0))));
}

static tensor *judge(const struct work *w, scope *s, const tensor *output)
{
	(void)w;
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
}

static void facts(const struct work *w, JsonObject *out)
{
	(void)w;
	(void)out;
}

static void fit_nothing(const struct work *w, const guint *items, gsize n, const double *of, JsonObject *out)
{
	(void)w;
	(void)items;
	(void)n;
	(void)of;
	(void)out;
}

static struct interval measure(const struct work *w, const guint *items, gsize n, const double *of)
{
	(void)w;
	(void)items;
	(void)n;
	(void)of;
	return (struct interval){ 1, 1, 1 };
}

static const char *const strata[] = { "dark", "bright" };
static const struct task task = {
	.name = "fake", .n_strata = 2, .strata = strata, .share = share, .count = count, .pick = pick, .next = next,
	.read = read_sample, .judged = 1, .loss = loss, .judge = judge, .truth = truth, .n_features = 1,
	.features = features, .facts = facts, .fit = fit_nothing, .measure = measure, .metric = "auc", .sample_metric = "auc",
};

/* The weights that six steps leave, with so many samples in the network at once. */
static void learn(const char *folder, guint part, float *weights, gsize n)
{
	static const char *const set[] = { "model.network=simple", "tiles.size=16", "training.batch=10", "training.epochs=1",
		"sampling.tiles_per_epoch=60", "training.optimiser=sgd", "training.learning_rate=0.001", "training.average=0",
		"split.validation=0" };
	g_autoptr(settings_t) s = settings_new();
	g_autoptr(GError) error = NULL;
	struct work w = { .task = &task, .settings = s, .shape = { 3, SIDE, SIDE, 1 }, .outputs = 2, .n_cases = CASES,
			  .cases = cases };
	gboolean held[CASES] = { [4] = TRUE, [5] = TRUE };
	const struct device device = { T_CPU, 0, 1 };
	const struct memory memory = { .batch = 10, .part = part, .judged = 16, .readers = 2 };
	struct fit_outcome outcome;

	for (guint i = 0; i < CASES; i++)
		cases[i] = (struct work_case){ .id = (char *)"c", .label = (int)i % 2, .ready = TRUE };
	for (gsize i = 0; i < G_N_ELEMENTS(set); i++)
		g_assert_true(settings_assign(s, set[i], NULL));
	g_free(s->paths.model);
	s->paths.model = g_strdup(folder);
	g_assert_true(fit(&w, held, &device, &memory, 0, &outcome, &error));
	g_assert_no_error(error);
	g_assert_cmpint(outcome.steps, ==, 6);

	g_autoptr(JsonObject) manifest = model_folder_open(folder, NULL, &error);
	g_autofree char *path = model_folder_path(folder, manifest, "weights", &error);
	g_autoptr(model_t) m = model_new("simple", 3, 2, T_CPU, &error);
	g_assert_true(model_load(m, path, NULL, &error));
	SCOPE(out, NULL, 0);
	t_read(out, scope_find(m->params, "features.3.weight"), weights, n * sizeof *weights);
	g_assert_cmpint(scope_error(out, NULL), ==, SCOPE_OK);
}

static void test_parts(void)
{
	enum { N = 300 * 300 * 3 * 3 };
	g_autofree char *folder = g_dir_make_tmp("blindrun-XXXXXX", NULL);
	g_autofree float *whole = g_new(float, N), *parts = g_new(float, N);
	static const guint sizes[] = { 5, 4, 1 };

	learn(folder, 10, whole, N);
	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
		double most = 0;
		learn(folder, sizes[i], parts, N);
		for (gsize k = 0; k < N; k++)
			most = fmax(most, fabs((double)whole[k] - (double)parts[k]));
		g_assert_cmpfloat(most, <, 2e-6);
	}
	remove_tree(folder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_open("test", 0);
	tensor_threads(1);
	g_test_add_func("/fit/parts", test_parts);
	return g_test_run();
}
