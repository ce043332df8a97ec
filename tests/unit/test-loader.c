/*
 * test-loader.c - what comes out is what went in, in order, whatever the threads do. The task is a fake one:
 * its samples' bytes and targets follow from a number, numbers that end in 3 cannot be read.
 */
#include "common/load/loader.h"
#include "common/fault/fault.h"
#include "common/machine/stop.h"
#include <math.h>
#include <signal.h>

enum { BATCH = 5, HEIGHT = 4, WIDTH = 3, SIZE = HEIGHT * WIDTH * 3 };

static int reads[100000];               /* how often each number was read; atomic */
static gboolean slow;

static guint8 byte_of(int number, int i) { return (guint8)(number * 31 + i * 7); }

static gboolean fake_read(struct work *w, const struct sample *s, guint8 *bytes, float *targets, GError **error)
{
	g_assert_cmpint(w->shape.width, ==, WIDTH);
	g_atomic_int_inc(&reads[s->at[0]]);
	if (slow)
		g_usleep((gulong)(s->at[0] * 7919 % 400));
	for (int i = 0; i < SIZE; i++)
		bytes[i] = byte_of(s->at[0], i);
	targets[0] = (float)s->at[0];
	targets[1] = -0.5f;
	if (s->at[0] % 10 != 3)
		return TRUE;
	g_set_error(error, FAULT, FAULT_DATA, "sample %d is broken", s->at[0]);
	return FALSE;
}

static const struct task fake_task = { .name = "fake", .noun = "case", .read = fake_read };
static struct work_case fake_cases[2] = { { .id = (char *)"c0" }, { .id = (char *)"c1" } };
static struct work fake = { .task = &fake_task, .shape = { 3, HEIGHT, WIDTH, 2 }, .cases = fake_cases };

static void push(struct loader *l, int first, guint n)
{
	struct sample samples[BATCH] = { 0 };

	for (guint i = 0; i < n; i++)
		samples[i].at[0] = first + (int)i;
	loader_push(l, samples, n, GINT_TO_POINTER(first));
	memset(samples, 0xff, sizeof samples);  /* the loader has its own */
}

static void assert_batch(const struct batch *b, int first, guint n)
{
	g_assert_nonnull(b);
	g_assert_cmpint(GPOINTER_TO_INT(b->tag), ==, first);
	g_assert_cmpuint(b->n, ==, n);
	for (guint i = 0; i < n; i++) {
		int number = first + (int)i;
		gboolean broken = number % 10 == 3;
		g_autofree char *message = g_strdup_printf("sample %d is broken", number);

		g_assert_cmpint(b->samples[i].at[0], ==, number);
		for (int k = 0; k < SIZE; k++)
			g_assert_cmpint(b->bytes[i * SIZE + (guint)k], ==, broken ? 0 : byte_of(number, k));
		if (!broken) {
			g_assert_no_error(b->failed[i]);
			g_assert_cmpfloat(b->targets[2 * i], ==, (float)number);
			g_assert_cmpfloat(b->targets[2 * i + 1], ==, -0.5f);
			continue;
		}
		g_assert_error(b->failed[i], FAULT, FAULT_DATA);
		g_assert_cmpstr(b->failed[i]->message, ==, message);
		g_assert_true(isnan(b->targets[2 * i]) && isnan(b->targets[2 * i + 1]));
	}
}

/* Many more batches than slots, of changing size, the ring always as full as it can be. */
static void pass(guint depth, guint readers, int batches)
{
	struct loader *l = loader_new(&fake, BATCH, depth, readers);
	int pushed = 0, next = 0, wanted = 0;

	memset(reads, 0, sizeof reads);
	g_assert_null(loader_pop(l));
	for (int popped = 0; popped < batches; popped++) {
		for (; pushed < batches && loader_room(l); pushed++) {
			push(l, next, 1 + (guint)pushed % BATCH);
			next += 1 + pushed % BATCH;
		}
		g_assert_cmpuint(loader_pending(l), ==, MIN((guint)(batches - popped), depth));
		struct batch *b = loader_pop(l);
		assert_batch(b, wanted, 1 + (guint)popped % BATCH);
		wanted += (int)b->n;
		loader_recycle(l, b);
	}
	g_assert_cmpuint(loader_pending(l), ==, 0);
	g_assert_null(loader_pop(l));
	for (int i = 0; i < next; i++)
		g_assert_cmpint(reads[i], ==, 1);
	g_assert_cmpint(reads[next], ==, 0);
	g_assert_cmpfloat(loader_waited(l), >=, 0);
	loader_free(l);
}

static void test_order(void)
{
	slow = FALSE;
	pass(2, 1, 300);
	pass(2, 8, 300);
	pass(4, 2, 300);
	pass(7, 16, 300);
}

/* 60 x 30 px, two pictures, or coarsely one of 48 x 30 px: all bytes are the sample's number. */
static gboolean wide_read(struct work *w, const struct sample *s, guint8 *bytes, float *targets, GError **error)
{
	memset(bytes, s->at[0], s->coarse ? 48 * 30 * 3 : 2 * 60 * 30 * 3);
	targets[0] = 0;
	if (s->at[0] != 3)
		return TRUE;
	g_set_error(error, FAULT, FAULT_DATA, "sample 3 of %s is broken", w->cases[0].id);
	return FALSE;
}

/* A batch of coarse samples is as small as they are, and all of it is filled, between batches of others. */
static void test_coarse(void)
{
	const struct task task = { .name = "fake", .noun = "case", .read = wide_read };
	struct work w = { .task = &task, .shape = { .channels = 3, .height = 30, .width = 60, .targets = 1, .more = 1 },
			  .cases = fake_cases };
	struct loader *l = loader_new(&w, BATCH, 2, 2);

	for (guint32 round = 0; round < 6; round++) {
		struct sample samples[BATCH] = { 0 };
		const gsize size = round % 2 != 0 ? 48 * 30 * 3 : 2 * 60 * 30 * 3;
		for (int i = 0; i < BATCH; i++)
			samples[i] = (struct sample){ .coarse = round % 2, .at = { 1 + i } };
		loader_push(l, samples, BATCH, NULL);
		struct batch *b = loader_pop(l);
		for (gsize i = 0; i < BATCH * size; i++)
			g_assert_cmpuint(b->bytes[i], ==, i / size == 2 ? 0 : 1 + i / size);
		g_assert_error(b->failed[2], FAULT, FAULT_DATA);
		loader_recycle(l, b);
	}
	loader_free(l);
}

static void test_order_slow(void)
{
	slow = TRUE;
	pass(2, 3, 60);
	pass(5, 12, 60);
	slow = FALSE;
}

/* A batch stays as it is while others are filled, until it is given back. */
static void test_held(void)
{
	struct loader *l = loader_new(&fake, BATCH, 3, 2);

	push(l, 0, BATCH);
	push(l, 5, BATCH);
	push(l, 10, BATCH);
	g_assert_false(loader_room(l));
	struct batch *first = loader_pop(l);
	g_assert_false(loader_room(l));         /* popped, but not given back */
	struct batch *second = loader_pop(l), *third = loader_pop(l);
	assert_batch(first, 0, BATCH);
	loader_recycle(l, first);
	g_assert_true(loader_room(l));
	push(l, 20, 4);
	g_assert_false(loader_room(l));
	assert_batch(second, 5, BATCH);
	assert_batch(third, 10, BATCH);
	loader_recycle(l, second);
	loader_recycle(l, third);
	assert_batch(loader_pop(l), 20, 4);     /* in the slot of one that failed: nothing is left of that */
	loader_free(l);
}

/* Whatever was read by then: all batches come out, in order, and the loader goes on. */
static void test_cancel(void)
{
	slow = TRUE;
	for (int i = 0; i < 20; i++) {
		struct loader *l = loader_new(&fake, BATCH, 4, 3);
		for (int k = 0; k < i % 5; k++)
			push(l, 5 * k, BATCH);
		loader_cancel(l);
		for (int k = 0; k < i % 5; k++) {
			struct batch *b = loader_pop(l);
			g_assert_cmpint(GPOINTER_TO_INT(b->tag), ==, 5 * k);
			loader_recycle(l, b);
		}
		g_assert_null(loader_pop(l));
		push(l, 40, BATCH);
		assert_batch(loader_pop(l), 40, BATCH);
		loader_free(l);
	}
	slow = FALSE;
}

static void test_free(void)
{
	slow = TRUE;
	for (int i = 0; i < 20; i++) {
		struct loader *l = loader_new(&fake, BATCH, 4, 3);
		for (int k = 0; k < i % 5; k++)
			push(l, 5 * k, BATCH);
		if (i % 2 == 1 && loader_pending(l) > 0)
			g_assert_nonnull(loader_pop(l));
		loader_free(l);                 /* with reads under way, and samples never taken */
	}
	loader_free(NULL);
	slow = FALSE;
}

/* ---- reads that hang ---- */

static GMutex lock;
static GCond changed;
static gboolean let_go;         /* under the lock */
static gint returned;           /* hung reads that came back after all; atomic */

/* Numbers from 100 on hang until they are let go, and then are read as if nothing were. */
static gboolean hanging_read(struct work *w, const struct sample *s, guint8 *bytes, float *targets, GError **error)
{
	if (s->at[0] < 100)
		return fake_read(w, s, bytes, targets, error);
	g_mutex_lock(&lock);
	while (!let_go)
		g_cond_wait(&changed, &lock);
	g_mutex_unlock(&lock);
	gboolean ok = fake_read(w, s, bytes, targets, error);
	g_atomic_int_inc(&returned);
	return ok;
}

static const struct task hanging_task = { .name = "fake", .noun = "case", .read = hanging_read };

static void push_of_case(struct loader *l, guint item, const int numbers[], guint n)
{
	struct sample samples[BATCH] = { 0 };

	for (guint i = 0; i < n; i++) {
		samples[i].item = item;
		samples[i].at[0] = numbers[i];
	}
	loader_push(l, samples, n, NULL);
}

static void assert_given_up(const struct batch *b, guint i, const char *message)
{
	g_assert_error(b->failed[i], FAULT, FAULT_DATA);
	g_assert_cmpstr(b->failed[i]->message, ==, message);
	for (int k = 0; k < SIZE; k++)
		g_assert_cmpint(b->bytes[i * SIZE + (guint)k], ==, 0);
	g_assert_true(isnan(b->targets[2 * i]) && isnan(b->targets[2 * i + 1]));
}

/* More reads hang than there are readers: they are given up and their case with it, the other case's come, and the
   late ones change nothing when they come back, with the loader gone or not. */
static void test_hangs(void)
{
	const char *message = "case 'c1': gave no answer for 1 s; it is given up";

	fake.task = &hanging_task;
	fake.patience = 1;
	for (int free_first = 0; free_first < 2; free_first++) {
		struct loader *l = loader_new(&fake, BATCH, 4, 2);

		fake_cases[1].given_up = 0;
		let_go = FALSE;
		returned = 0;
		push_of_case(l, 1, (const int[]){ 100, 101 }, 2);       /* both readers */
		push_of_case(l, 0, (const int[]){ 1, 2 }, 2);
		struct batch *b = loader_pop(l);
		assert_given_up(b, 0, message);
		assert_given_up(b, 1, message);
		loader_recycle(l, b);
		push_of_case(l, 1, (const int[]){ 4 }, 1);              /* could be read, but for its case */
		g_assert_cmpint(g_atomic_int_get(&fake_cases[1].given_up), ==, 1);
		g_assert_cmpint(g_atomic_int_get(&fake_cases[0].given_up), ==, 0);
		b = loader_pop(l);
		for (guint i = 0; i < 2; i++) {
			g_assert_no_error(b->failed[i]);
			g_assert_cmpfloat(b->targets[2 * i], ==, (float)(i + 1));
		}
		loader_recycle(l, b);
		memset(reads, 0, sizeof reads);
		b = loader_pop(l);
		assert_given_up(b, 0, message);
		loader_recycle(l, b);
		if (free_first)
			loader_free(l);
		g_mutex_lock(&lock);
		let_go = TRUE;
		g_cond_broadcast(&changed);
		g_mutex_unlock(&lock);
		while (g_atomic_int_get(&returned) < 2)
			g_usleep(1000);
		g_assert_null(free_first ? NULL : loader_pop(l));
		if (!free_first)
			loader_free(l);
	}
	g_assert_cmpuint(fake.n_given_up, ==, 2);       /* once a round */
	fake_cases[1].given_up = 0;
	fake.n_given_up = 0;
	fake.patience = 0;
	fake.task = &fake_task;
}

/* Freed with a read under way that hangs: it is given up, not waited for. Asked to stop, sooner than its time. */
static void test_hangs_to_the_end(void)
{
	struct loader *l;

	fake.task = &hanging_task;
	let_go = FALSE;
	returned = 0;
	for (int stop = 0; stop < 2; stop++) {
		fake.patience = stop ? 3600 : 1;
		l = loader_new(&fake, BATCH, 2, 1);
		push_of_case(l, 1, (const int[]){ 100, 101 }, 2);
		stop_ask(stop ? SIGTERM : 0);
		struct batch *b = stop ? loader_pop(l) : NULL;
		g_assert_true(b == NULL || b->failed[0] != NULL);
		loader_free(l);
		fake_cases[1].given_up = 0;
	}
	stop_ask(0);
	g_mutex_lock(&lock);
	let_go = TRUE;
	g_cond_broadcast(&changed);
	g_mutex_unlock(&lock);
	fake.n_given_up = 0;
	fake.patience = 0;
	fake.task = &fake_task;
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/loader/order", test_order);
	g_test_add_func("/loader/coarse", test_coarse);
	g_test_add_func("/loader/order-slow", test_order_slow);
	g_test_add_func("/loader/held", test_held);
	g_test_add_func("/loader/cancel", test_cancel);
	g_test_add_func("/loader/free", test_free);
	g_test_add_func("/loader/hangs", test_hangs);
	g_test_add_func("/loader/hangs-to-the-end", test_hangs_to_the_end);
	return g_test_run();
}
