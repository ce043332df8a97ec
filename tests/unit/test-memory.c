/*
 * test-memory.c - what a run takes of memory, worked out by hand for a task of round numbers; and how it is made
 * to fit.
 */
#include "common/fault/fault.h"
#include "common/load/loader.h"
#include "common/log/log.h"
#include "common/model/memory.h"
#include "common/model/model.h"

enum { MB = 1 << 20 };

static struct task_reading reading(const struct work *w)
{
	(void)w;
	return (struct task_reading){ 100 * MB, 50 * MB };
}
static const struct task task = { .name = "fake", .reading = reading };

static struct settings *settings(const char *network)
{
	struct settings *s = settings_new();
	const char *const set[] = { "tiles.size=128", "training.batch=64", "inference.batch=32", NULL };
	g_autofree char *net = g_strconcat("model.network=", network, NULL);

	for (const char *const *one = set; *one != NULL; one++)
		g_assert_true(settings_assign(s, *one, NULL));
	g_assert_true(settings_assign(s, net, NULL));
	return s;
}

static struct memory plan(enum phase phase, const struct settings *s, unsigned flags, guint64 limit)
{
	const struct work w = { .task = &task, .settings = s, .shape = { 3, 128, 128, 1 }, .phase = phase };
	const struct device device = { .index = T_CPU, .flags = flags, .threads = 4 };
	g_autoptr(GError) error = NULL;
	struct memory m;

	g_assert_true(memory_plan(&w, &device, limit, 1, &m, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(memory_need(&m), ==, m.base + m.network + m.pass + m.reading);
	return m;
}

static void test_all(void)
{
	g_autoptr(settings_t) s = settings("resnet18");
	const struct network *n = network_find("resnet18", NULL);
	const guint64 pixels = 128 * 128;
	struct memory m = plan(PHASE_TRAIN, s, 0, 0);

	/* weights, gradients, two moments, an average, and weights laid out to judge: six times 4 bytes */
	g_assert_cmpuint(m.network, ==, (guint64)n->parameters * 24);
	g_assert_cmpuint(m.pass, ==, (guint64)(64.0 * (double)pixels * n->learn_bytes[0]));
	/* four readers; four batches of 64 and of 32 samples wait, of 3 bytes a pixel */
	g_assert_cmpuint(m.reading, ==, (guint64)300 * MB + 4 * 96 * pixels * 3);
	g_assert_cmpuint(m.part, ==, 64);
	g_assert_cmpuint(m.judged, ==, 32);
	g_assert_cmpuint(m.readers, ==, 4);

	g_assert_true(settings_assign(s, "training.average=0", NULL));
	m = plan(PHASE_TRAIN, s, SCOPE_BF16, 0);       /* no average; weights twice more in 2 bytes: cast, and laid out */
	g_assert_cmpuint(m.network, ==, (guint64)n->parameters * 20);
	g_assert_cmpuint(m.pass, ==, (guint64)(64.0 * (double)pixels * n->learn_bytes[1]));

	m = plan(PHASE_TEST, s, 0, 0);
	g_assert_cmpuint(m.network, ==, (guint64)n->parameters * 8);
	g_assert_cmpuint(m.pass, ==, (guint64)(32.0 * (double)pixels * n->judge_bytes[0]));
	g_assert_cmpuint(m.part, ==, 32);
	g_assert_cmpuint(m.judged, ==, 32);
}

/* Whatever the limit, what is planned is within nine tenths of it; more memory means no fewer readers, and a part
   is at most halved for one more of them. */
static void test_fit(void)
{
	g_autoptr(settings_t) s = settings("resnet18");
	const struct work w = { .task = &task, .settings = s, .shape = { 3, 128, 128, 1 } };
	const struct device device = { .index = T_CPU, .flags = 0, .threads = 4 };
	struct memory before = { 0 };
	gboolean fitted = FALSE;

	for (guint64 limit = 100; limit < 16000; limit += 50) {
		g_autoptr(GError) error = NULL;
		struct memory m;
		if (!memory_plan(&w, &device, limit * MB, 1, &m, &error)) {
			g_assert_false(fitted);
			g_assert_error(error, FAULT, FAULT_ROOM);
			continue;
		}
		fitted = TRUE;
		g_assert_cmpuint(memory_need(&m) / 9, <=, limit * MB / 10);
		g_assert_cmpuint(2 * m.part, >=, MAX(before.part, 1));
		g_assert_cmpuint(2 * m.judged, >=, MAX(before.judged, 1));
		g_assert_cmpuint(m.readers, >=, MAX(before.readers, 1));
		before = m;
	}
	g_assert_true(fitted);
	g_assert_cmpuint(before.part, ==, 64);
	g_assert_cmpuint(before.readers, ==, 4);
}

static void test_gpu(void)
{
	g_autoptr(settings_t) s = settings("resnet50");
	const struct work w = { .task = &task, .settings = s, .shape = { 3, 128, 128, 1 } };
	const struct device device = { .index = 0, .flags = 0, .threads = 4 };
	struct memory m;

	g_assert_true(memory_plan(&w, &device, (guint64)2000 * MB, 1, &m, NULL));
	g_assert_cmpuint(m.network + m.pass, ==, 0);    /* they are the GPU's */
	g_assert_cmpuint(m.part, ==, 64);
}

static void test_too_little(void)
{
	g_autoptr(settings_t) s = settings("resnet50");
	const struct work w = { .task = &task, .settings = s, .shape = { 3, 128, 128, 1 } };
	const struct device device = { .index = T_CPU, .flags = 0, .threads = 4 };
	g_autoptr(GError) error = NULL;
	struct memory m;

	g_assert_false(memory_plan(&w, &device, (guint64)300 * MB, 1, &m, &error));
	g_assert_error(error, FAULT, FAULT_ROOM);
	g_assert_true(g_str_has_prefix(error->message, "315 MB of memory are too few: "));
	g_assert_nonnull(strstr(error->message, " are needed with tiles.size=128 and model.network=resnet50, a sample at a time; "
				"give the container more, or take smaller ones"));
	g_clear_error(&error);
	g_assert_true(settings_assign(s, "model.network=resnet19", NULL));
	g_assert_false(memory_plan(&w, &device, 0, 1, &m, &error));
	g_assert_error(error, FAULT, FAULT_USAGE);
}

/* The table's parameters are those that the networks have. */
static void test_parameters(void)
{
	for (const struct network *n = networks; n->name != NULL; n++) {
		g_autoptr(model_t) m = model_new(n->name, 3, 1, 2, T_CPU, NULL);
		g_assert_cmpfloat((double)model_parameters(m), <=, (double)n->parameters * 1.01);
		g_assert_cmpfloat((double)model_parameters(m), >=, (double)n->parameters * 0.99);
		for (int k = 0; k < 2; k++)
			g_assert_cmpfloat(n->learn_bytes[k], >, n->judge_bytes[k]);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_open("test", 0);
	g_test_add_func("/memory/all", test_all);
	g_test_add_func("/memory/fit", test_fit);
	g_test_add_func("/memory/gpu", test_gpu);
	g_test_add_func("/memory/too-little", test_too_little);
	g_test_add_func("/memory/parameters", test_parameters);
	return g_test_run();
}
