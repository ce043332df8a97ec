/*
 * test-scan.c - cases to outputs: each case handed over once, with what its samples give one by one, whatever
 * the batch, the number of readers and the order; and nothing left prepared, however a scan ends.
 */
#include "common/log/log.h"
#include "common/machine/stop.h"
#include "common/scan/scan.h"
#include "tests/unit/fake_task.h"
#include <signal.h>

struct taken {
	struct model *model;
	int rounds;
	double share;
	guint times[FAKE_CASES], n, stop_at;    /* stop_at: fails at that case; 0: never */
	guint64 samples, coarse;
	guint begun, alone;     /* from this one on nothing else is under way */
};

static void begin(void *context, guint item)
{
	struct taken *t = context;

	(void)item;
	if (t->begun++ >= t->alone)
		g_assert_cmpuint(t->n, ==, t->begun - 1);
}

/* The first sample that failed, or why it could not be prepared. */
static char *expected_error(guint item, const GArray *samples)
{
	if (!fake_usable(item))
		return g_strdup_printf("case 'c%02u': cannot be prepared", item);
	for (guint i = 0; i < samples->len; i++) {
		const struct sample *s = &g_array_index(samples, struct sample, i);
		if (!fake_readable(s))
			return g_strdup_printf("case 'c%02u': sample %d cannot be read", item, s->at[0]);
	}
	return NULL;
}

static gboolean take(void *context, const struct scan_case *c, GError **error)
{
	struct taken *t = context;
	g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(struct sample));
	g_autoptr(GArray) outputs = g_array_new(FALSE, FALSE, sizeof(float));
	gsize failed = 0;

	t->times[c->item]++;
	fake_expect(t->model, c->item, t->rounds, t->share > 0 ? t->share : 1, samples, outputs);
	g_autofree char *message = expected_error(c->item, samples);
	g_assert_cmpuint(c->n, ==, samples->len);
	g_assert_cmpuint(c->first, ==, fake_usable(c->item) ? fake_part(c->item, t->share > 0 ? t->share : 1) : 0);
	for (guint i = 0; i < samples->len; i++) {
		const struct sample *s = &g_array_index(samples, struct sample, i);
		guint8 bytes[FAKE_BYTES];
		float targets[FAKE_TARGETS];

		g_assert_true(memcmp(&c->samples[i], s, sizeof *s) == 0);
		fake_fill(s, bytes, targets);
		for (guint k = 0; k < FAKE_JUDGED; k++) {
			float want = g_array_index(outputs, float, i * FAKE_JUDGED + k), got = c->outputs[i * FAKE_JUDGED + k];
			g_assert_true(isnan(want) ? isnan(got) : fabsf(got - want) < 1e-4f);
		}
		g_assert_true(fake_readable(s) ? c->targets[i] == targets[0] : isnan(c->targets[i]));
		failed += !fake_readable(s);
		t->coarse += s->coarse;
	}
	g_assert_cmpuint(c->failed, ==, failed);
	g_assert_cmpstr(c->error != NULL ? c->error->message : NULL, ==, message);
	t->samples += c->n;
	if (++t->n != t->stop_at)
		return TRUE;
	g_set_error(error, FAULT, FAULT_ROOM, "the disk is full");
	return FALSE;
}

static void assert_released(void)
{
	for (guint i = 0; i < FAKE_CASES; i++) {
		g_assert_cmpint(fake_prepared[i], <=, 1);
		g_assert_cmpint(fake_released[i], ==, fake_prepared[i]);
	}
}

static void scan_share(struct model *m, guint batch, guint readers, gboolean prepare, int rounds, double share)
{
	const guint order[] = { 11, 3, 0, 7, 4, 10, 1, 9, 2, 8, 5, 6 };
	struct scan scan = { .work = &fake_work, .models = &m, .n_models = 1, .device = T_CPU, .batch = batch, .readers = readers,
			     .prepare = prepare, .rounds = rounds, .share = share };
	struct taken t = { .model = m, .rounds = rounds == 0 ? 10 : rounds, .share = share };
	g_autoptr(GError) error = NULL;
	guint items[FAKE_CASES];
	gsize n = 0;

	fake_reset(!prepare);
	for (guint i = 0; i < FAKE_CASES; i++)
		if (prepare || fake_usable(order[i]))
			items[n++] = order[i];
	g_assert_true(scan_cases(&scan, items, n, take, &t, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(t.n, ==, n);
	for (gsize i = 0; i < n; i++)
		g_assert_cmpuint(t.times[items[i]], ==, 1);
	g_assert_cmpuint(scan.n_samples, ==, t.samples);
	g_assert_cmpuint(scan.n_coarse, ==, t.coarse);
	g_assert_cmpfloat(scan.network_s, >, 0);
	g_assert_true(t.coarse > 0 ? scan.coarse_s > 0 && scan.coarse_s <= scan.network_s : scan.coarse_s <= 0);
	g_assert_cmpfloat(scan.wait_s, >=, 0);
	assert_released();
	for (guint i = 0; i < FAKE_CASES; i++)
		g_assert_cmpint(fake_prepared[i], ==, prepare ? 1 : 0);
}

static void scan_once(struct model *m, guint batch, guint readers, gboolean prepare, int rounds)
{
	scan_share(m, batch, readers, prepare, rounds, 0);
}

static void test_all(void)
{
	g_autoptr(model_t) m = fake_model(3);
	const guint batches[] = { 1, 2, 7, 64 };

	for (gsize i = 0; i < G_N_ELEMENTS(batches); i++) {
		scan_once(m, batches[i], 1, TRUE, 0);
		scan_once(m, batches[i], 4, TRUE, 0);
		scan_once(m, batches[i], 3, FALSE, 0);
	}
}

/* Cases that a run was killed in come last, one by one. */
static void test_alone(void)
{
	g_autoptr(model_t) m = fake_model(3);
	const guint items[] = { 0, 1, 2, 3, 6, 8, 4 };
	const guint n = G_N_ELEMENTS(items);

	for (guint n_alone = 0; n_alone <= n; n_alone++) {
		struct scan scan = { .work = &fake_work, .models = &m, .n_models = 1, .device = T_CPU, .batch = 4, .readers = 2,
				     .prepare = TRUE, .begin = begin, .n_alone = n_alone };
		struct taken t = { .model = m, .rounds = 10, .alone = n - n_alone };

		fake_reset(FALSE);
		g_assert_true(scan_cases(&scan, items, n, take, &t, NULL));
		g_assert_cmpuint(t.n, ==, n);
		g_assert_cmpuint(t.begun, ==, n);
		assert_released();
	}
}

static void test_rounds(void)
{
	g_autoptr(model_t) m = fake_model(3);

	scan_once(m, 4, 2, TRUE, 1);
	scan_once(m, 4, 2, FALSE, 2);
	scan_once(m, 64, 2, FALSE, 3);
}

static void test_share(void)
{
	g_autoptr(model_t) m = fake_model(3);

	scan_share(m, 4, 2, TRUE, 1, 0.5);
	scan_share(m, 7, 2, FALSE, 0, 0.01);
	scan_share(m, 7, 2, TRUE, 0, 1);
}

/* Coarse looks and looks in full never share a batch, and each case gets what each of its samples gives alone. */
static void test_coarse(void)
{
	g_autoptr(model_t) m = fake_model(3);
	const guint batches[] = { 1, 4, 64 };

	g_assert_true(model_add_screen(m, NULL));
	fake_work.shape.screen = TRUE;
	for (gsize i = 0; i < G_N_ELEMENTS(batches); i++) {
		scan_once(m, batches[i], 3, TRUE, 0);
		scan_once(m, batches[i], 1, FALSE, 1);
	}
	fake_work.shape.screen = FALSE;
}

struct bagged { struct model *const *models; guint most, cases; float sign; };

/* What the classifier of a network takes of a sample, worked out alone. */
static void features_of(struct model *m, const struct sample *sample, float *out)
{
	guint8 bytes[FAKE_BYTES];
	float x[FAKE_BYTES], targets[FAKE_TARGETS];
	tensor *features;

	fake_fill(sample, bytes, targets);
	for (int i = 0; i < FAKE_SIDE * FAKE_SIDE; i++)
		for (int c = 0; c < 3; c++)
			x[c * FAKE_SIDE * FAKE_SIDE + i] = (float)((bytes[3 * i + c] / 255.0 - m->mean[c]) / m->std[c]);
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	model_forward(m, s, t_from(s, x, DIMS(1, 3, FAKE_SIDE, FAKE_SIDE), T_F32, T_CPU), &features);
	t_read(s, features, out, (gsize)m->width * sizeof *out);
	g_assert_cmpint(scope_error(s, NULL), ==, SCOPE_OK);
}

static void assert_features(struct model *m, const struct sample *sample, const guint16 *half)
{
	const gsize width = (gsize)m->width;
	g_autofree float *want = g_new(float, width), *got = g_new(float, width);

	features_of(m, sample, want);
	SCOPE(s, NULL, 0);
	t_read(s, t_to(s, t_from(s, half, DIMS(m->width), T_F16, T_CPU), T_F32, T_CPU), got, width * sizeof *got);
	for (gsize i = 0; i < width; i++)
		g_assert_cmpfloat_with_epsilon(got[i], want[i], 1e-3 * (1 + fabs((double)want[i])));
}

/* With three samples or fewer all are in the bag, those with the highest output first; of more, the two highest and the middle
   one of the rest. No sample of 7 can be read. */
static gboolean take_bag(void *context, const struct scan_case *c, GError **error)
{
	struct bagged *t = context;
	const guint first = MIN(t->most, fake_count(c->item));
	guint order[16], n = 0;

	(void)error;
	t->cases++;
	for (guint i = 0; i < first; i++)
		if (!isnan(c->outputs[i * FAKE_JUDGED]))
			order[n++] = i;
	for (guint i = 0; i < n; i++)
		for (guint k = i + 1; k < n; k++)
			if (t->sign * (c->outputs[order[k] * FAKE_JUDGED] - c->outputs[order[i] * FAKE_JUDGED]) > 0) {
				guint other = order[i];
				order[i] = order[k];
				order[k] = other;
			}
	if (n > 3)
		order[2] = order[2 + (n - 2) / 2];
	g_assert_cmpuint(c->bag, ==, MIN(n, 3));
	for (guint i = 0; i < c->bag; i++)
		for (guint k = 0; k < 2; k++)
			assert_features(t->models[k], &c->samples[order[i]], c->features[k] + i * (gsize)t->models[k]->width);
	return TRUE;
}

/* The other way round, of the first round alone. */
static float *lowest_first(const struct sample *samples, const float *outputs, gsize *n)
{
	const gsize first = MIN(*n, fake_count(samples[0].item));
	float *ranks = g_new(float, first);

	for (gsize i = 0; i < first; i++)
		ranks[i] = -outputs[i * FAKE_JUDGED];
	*n = first;
	return ranks;
}

/* Their samples are read behind all others, and do not count among them; of each case at most so many are looked at. */
static void test_bags(void)
{
	g_autoptr(model_t) a = fake_model(3), b = fake_model(3);
	struct model *const models[] = { a, b };
	const guint items[] = { 0, 1, 2, 3, 5, 6, 7, 8, 10, 11 };
	const struct bag_task other = { .ranks = lowest_first };
	struct task ranked = fake_task;

	ranked.bags = &other;
	for (int all = 0; all < 3; all++) {
		struct bagged t = { .models = models, .most = all ? 100 : 5, .sign = all < 2 ? 1 : -1 };
		struct scan scan = { .work = &fake_work, .models = models, .n_models = 2, .device = T_CPU, .batch = 4, .readers = 2,
				     .rounds = all ? 0 : 1, .most = all ? 0 : 5, .bag = 3 };
		g_autoptr(GError) error = NULL;
		fake_reset(TRUE);
		fake_work.task = all < 2 ? &fake_task : &ranked;
		g_assert_true(scan_cases(&scan, items, G_N_ELEMENTS(items), take_bag, &t, &error));
		g_assert_no_error(error);
		g_assert_cmpuint(t.cases, ==, G_N_ELEMENTS(items));
		fake_work.task = &fake_task;
	}
	struct taken t = { .model = a, .rounds = 10 };
	struct scan scan = { .work = &fake_work, .models = models, .n_models = 1, .device = T_CPU, .batch = 4, .readers = 2, .bag = 3 };
	g_assert_true(scan_cases(&scan, items, G_N_ELEMENTS(items), take, &t, NULL));
}

/* The outputs are those of whole batches; the smaller size stays, and is said once. */
static void test_no_memory(void)
{
	g_autoptr(model_t) m = fake_model(3);
	const guint items[] = { 8, 0, 1 };      /* 8 alone has 8 samples */
	struct scan scan = { .work = &fake_work, .models = &m, .n_models = 1, .device = T_CPU, .batch = 4, .readers = 2 };
	struct taken t = { .model = m, .rounds = 10 };
	g_autoptr(GError) error = NULL;
	guint before = log_warnings("memory");

	fake_reset(TRUE);
	fake_room = 1;
	g_assert_true(scan_cases(&scan, items, 3, take, &t, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(t.n, ==, 3);
	g_assert_cmpuint(scan.at_once, ==, 1);
	g_assert_cmpuint(log_warnings("memory"), ==, before + 1);
	g_assert_true(scan_cases(&scan, items, 3, take, &t, &error));
	g_assert_cmpuint(log_warnings("memory"), ==, before + 1);
	fake_room = 3;
	scan.at_once = 0;
	g_assert_true(scan_cases(&scan, items, 3, take, &t, &error));
	g_assert_cmpuint(scan.at_once, ==, 2);
	fake_room = 0;
}

static void test_no_memory_for_one(void)
{
	g_autoptr(model_t) m = fake_model(3);
	const guint items[] = { 0, 1 };
	struct scan scan = { .work = &fake_work, .models = &m, .n_models = 1, .device = T_CPU, .batch = 4, .readers = 2, .prepare = TRUE };
	struct taken t = { .model = m, .rounds = 10 };
	g_autoptr(GError) error = NULL;

	fake_reset(FALSE);
	fake_room = -1;
	g_assert_false(scan_cases(&scan, items, 2, take, &t, &error));
	fake_room = 0;
	g_assert_error(error, FAULT, FAULT_ROOM);
	g_assert_cmpstr(error->message, ==, "network: from (1000000000,250000): out of memory at 1000000000000000 bytes");
	g_assert_cmpuint(t.n, ==, 0);
	assert_released();
}

static void test_nothing(void)
{
	g_autoptr(model_t) m = fake_model(3);
	struct scan scan = { .work = &fake_work, .models = &m, .n_models = 1, .device = T_CPU, .batch = 4, .readers = 2, .prepare = TRUE };
	struct taken t = { .model = m, .rounds = 10 };
	const guint useless[] = { 4, 11, 9 };   /* not one sample among them */
	g_autoptr(GError) error = NULL;

	fake_reset(FALSE);
	g_assert_true(scan_cases(&scan, NULL, 0, take, &t, &error));
	g_assert_cmpuint(t.n, ==, 0);
	g_assert_true(scan_cases(&scan, useless, 3, take, &t, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(t.n, ==, 3);
	g_assert_cmpuint(scan.n_samples, ==, 0);
	assert_released();
}

/* One case's samples in many batches, and many cases' in one. */
static void test_one(void)
{
	g_autoptr(model_t) m = fake_model(3);
	struct scan scan = { .work = &fake_work, .models = &m, .n_models = 1, .device = T_CPU, .batch = 2, .readers = 5, .prepare = TRUE };
	const guint item = 8;
	g_autoptr(GError) error = NULL;

	fake_reset(FALSE);
	struct taken t = { .model = m, .rounds = 10 };
	g_assert_true(scan_cases(&scan, &item, 1, take, &t, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(t.times[8], ==, 1);
	g_assert_cmpuint(scan.n_samples, ==, 5 + 2 + 1);        /* 1 + 40 % 9; 8 % 3; 8 % 4 is 0 */
	assert_released();
}

/* Late from the start: nothing is handed over, and nothing stays prepared. */
static void test_deadline(void)
{
	g_autoptr(model_t) m = fake_model(3);
	struct scan scan = { .work = &fake_work, .models = &m, .n_models = 1, .device = T_CPU, .batch = 4, .readers = 2, .prepare = TRUE,
			     .deadline = 1e-9 };
	struct taken t = { .model = m, .rounds = 10 };
	const guint items[] = { 0, 1, 2, 3 };
	g_autoptr(GError) error = NULL;

	fake_reset(FALSE);
	g_assert_true(scan_cases(&scan, items, 4, take, &t, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(t.n, ==, 0);
	assert_released();
	scan.deadline = log_seconds() + 3600;
	g_assert_true(scan_cases(&scan, items, 4, take, &t, &error));
	g_assert_cmpuint(t.n, ==, 4);
	g_assert_true(scan.whole && scan.batch_s > 0);
	scan.batch_s = 3600;            /* an earlier scan's: one more of these would end too late */
	scan.deadline = log_seconds() + 1800;
	g_assert_true(scan_cases(&scan, items, 4, take, &t, &error));
	g_assert_cmpuint(t.n, ==, 4);
	g_assert_false(scan.whole);
}

/* Asked to stop, it ends like that at once; and between two cases. */
static gboolean take_and_ask(void *context, const struct scan_case *c, GError **error)
{
	stop_ask(SIGTERM);
	return take(context, c, error);
}

static void test_stop(void)
{
	g_autoptr(model_t) m = fake_model(3);
	struct scan scan = { .work = &fake_work, .models = &m, .n_models = 1, .device = T_CPU, .batch = 1, .readers = 2, .prepare = TRUE };
	struct taken t = { .model = m, .rounds = 10 };
	const guint items[] = { 0, 1, 2, 3, 5, 6, 8, 10 };
	g_autoptr(GError) error = NULL;

	fake_reset(FALSE);
	stop_ask(SIGINT);
	g_assert_true(scan_cases(&scan, items, G_N_ELEMENTS(items), take, &t, &error));
	g_assert_cmpuint(t.n, ==, 0);
	stop_ask(0);
	g_assert_true(scan_cases(&scan, items, G_N_ELEMENTS(items), take_and_ask, &t, &error));
	stop_ask(0);
	g_assert_no_error(error);
	g_assert_cmpuint(t.n, ==, 1);
	assert_released();
}

/* An error of `done` ends the scan at once, whatever is under way. */
static void test_done_fails(void)
{
	g_autoptr(model_t) m = fake_model(3);
	struct scan scan = { .work = &fake_work, .models = &m, .n_models = 1, .device = T_CPU, .batch = 3, .readers = 3, .prepare = TRUE };
	const guint items[] = { 11, 3, 0, 7, 4, 10, 1, 9, 2, 8, 5, 6 };

	for (guint at = 1; at <= FAKE_CASES; at += 3) {
		struct taken t = { .model = m, .rounds = 10, .stop_at = at };
		g_autoptr(GError) error = NULL;

		fake_reset(FALSE);
		g_assert_false(scan_cases(&scan, items, FAKE_CASES, take, &t, &error));
		g_assert_error(error, FAULT, FAULT_ROOM);
		g_assert_cmpstr(error->message, ==, "the disk is full");
		g_assert_cmpuint(t.n, ==, at);
		assert_released();
	}
}

static void test_network_fails(void)
{
	g_autoptr(model_t) m = fake_model(1);   /* it wants one channel and gets three */
	struct scan scan = { .work = &fake_work, .models = &m, .n_models = 1, .device = T_CPU, .batch = 3, .readers = 3, .prepare = TRUE };
	struct taken t = { .model = m, .rounds = 10 };
	const guint items[] = { 0, 1, 2, 3, 5, 6 };
	g_autoptr(GError) error = NULL;

	fake_reset(FALSE);
	g_assert_false(scan_cases(&scan, items, G_N_ELEMENTS(items), take, &t, &error));
	g_assert_error(error, FAULT, FAULT_FAILED);
	/* how many samples the first batch has, one to three, is the threads' affair */
	g_assert_true(g_str_has_prefix(error->message, "network: simple: expected N x 1 x H x W, H and W at least 16, got "));
	g_assert_true(g_str_has_suffix(error->message, "x3x16x16"));
	g_assert_cmpuint(t.n, ==, 0);
	assert_released();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_open("test-scan", 0);
	g_test_add_func("/scan/all", test_all);
	g_test_add_func("/scan/alone", test_alone);
	g_test_add_func("/scan/rounds", test_rounds);
	g_test_add_func("/scan/coarse", test_coarse);
	g_test_add_func("/scan/share", test_share);
	g_test_add_func("/scan/bags", test_bags);
	g_test_add_func("/scan/no-memory", test_no_memory);
	g_test_add_func("/scan/no-memory-for-one", test_no_memory_for_one);
	g_test_add_func("/scan/nothing", test_nothing);
	g_test_add_func("/scan/one", test_one);
	g_test_add_func("/scan/deadline", test_deadline);
	g_test_add_func("/scan/stop", test_stop);
	g_test_add_func("/scan/done-fails", test_done_fails);
	g_test_add_func("/scan/network-fails", test_network_fails);
	return g_test_run();
}
