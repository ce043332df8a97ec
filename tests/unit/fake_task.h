/*
 * fake_task.h - a task for tests of what runs any task (scan, validate): cases whose samples, rounds,
 * failures, bytes and truths follow from numbers, so that a test can work everything out by itself.
 *
 * Case i, "c00" to "c11": fake_count(i) samples at first; then, again, the sample whose first output was
 * highest, i % 3 times over; then one more where i % 4 is 0. A share is the first of them. Cases 4 and 9 cannot be prepared, 11 has no
 * samples, no sample of 7 can be read and one in eleven of the others'. Where there is a screen, the first round is
 * coarse, and of later ones each second sample.
 */
#pragma once
#include "common/fault/fault.h"
#include "common/model/model.h"
#include "common/random/random.h"
#include "common/task/task.h"
#include <math.h>

enum { FAKE_CASES = 12, FAKE_SIDE = 16, FAKE_BYTES = FAKE_SIDE * FAKE_SIDE * 3, FAKE_JUDGED = 2, FAKE_TARGETS = 2,
       FAKE_FEATURES = 2 };

static struct work_case fake_cases[FAKE_CASES];
static gint fake_prepared[FAKE_CASES], fake_released[FAKE_CASES];      /* atomic */
static gint64 fake_room;        /* so many samples at once fit into memory; 0: any number; -1: none */

static inline guint fake_count(guint item) { return item == 11 ? 0 : 1 + item * 5 % 9; }
static inline guint fake_part(guint item, double share) { return (guint)ceil(share * fake_count(item)); }
static inline gboolean fake_usable(guint item) { return item != 4 && item != 9; }
static inline gboolean fake_readable(const struct sample *s)
{
	return s->item != 7 && (s->item * 100 + (guint)s->at[0] + s->variant) % 11 != 5;
}

static inline void fake_fill(const struct sample *s, guint8 *bytes, float *targets)
{
	guint64 key = random_hash(s->item, (guint64)s->at[0], s->variant, 9);

	for (int i = 0; i < FAKE_BYTES; i++)    /* a tint of its own, and noise */
		bytes[i] = (guint8)((key >> (8 * (i % 3)) & 127) + (random_mix(key + (guint64)i) & 127));
	targets[0] = (float)(s->at[0] % 3) - 1;
	targets[1] = (float)s->item;
}

static gboolean fake_prepare(struct work *w, guint item, GError **error)
{
	g_atomic_int_inc(&fake_prepared[item]);
	g_usleep(item * 100);
	if (fake_usable(item)) {
		w->cases[item].ready = TRUE;
		return TRUE;
	}
	g_set_error(error, FAULT, FAULT_DATA, "case '%s': cannot be prepared", w->cases[item].id);
	return FALSE;
}

static void fake_release(struct work *w, guint item)
{
	g_atomic_int_inc(&fake_released[item]);
	w->cases[item].ready = FALSE;
}

static void fake_next(const struct work *w, guint item, int round, double share, const struct sample *samples,
		      const float *outputs, gsize n, GArray *out)
{
	gsize best = 0;
	guint more = round == 1 ? item % 3 : round == 2 && item % 4 == 0 ? 1 : 0;

	g_assert_true(w->cases[item].ready);
	g_assert_true(round != 0 || n == 0);
	for (guint i = 0; round == 0 && i < fake_part(item, share); i++) {
		struct sample s = { .item = item, .coarse = w->shape.screen ? 1 : 0, .at = { (gint32)i } };
		g_array_append_val(out, s);
	}
	for (gsize i = 1; i < n; i++)
		if (isnan(outputs[best * FAKE_JUDGED]) || outputs[i * FAKE_JUDGED] > outputs[best * FAKE_JUDGED])
			best = i;
	for (guint i = 0; n > 0 && i < more; i++) {
		struct sample s = samples[best];
		s.variant = (guint)round * 10 + i;
		s.coarse = w->shape.screen && i % 2 == 1; /* looks of both kinds in one round */
		g_array_append_val(out, s);
	}
}

static guint64 fake_samples(const struct work *w, guint item)
{
	(void)w;
	return fake_count(item);
}

static gboolean fake_read(struct work *w, const struct sample *s, guint8 *bytes, float *targets, GError **error)
{
	g_assert_true(w->cases[s->item].ready);
	fake_fill(s, bytes, targets);
	if (fake_readable(s))
		return TRUE;
	g_set_error(error, FAULT, FAULT_DATA, "case '%s': sample %d cannot be read", w->cases[s->item].id, s->at[0]);
	return FALSE;
}

/* (N, 2): the difference of the two outputs, and their sum. */
static tensor *fake_judge(const struct work *w, scope *s, const tensor *output)
{
	tensor *a = t_narrow(s, output, 1, 0, 1), *b = t_narrow(s, output, 1, 1, 1);

	(void)w;
	if (fake_room != 0 && t_size(output, 0) > fake_room)
		t_from(s, "", DIMS(1000000000, 250000), T_F32, T_CPU);  /* a petabyte */
	return t_cat(s, 1, LIST(t_sub(s, b, a), t_add(s, b, a)));
}

static int fake_truth(const float *targets) { return targets[0] > 0 ? 1 : targets[0] == 0 ? 0 : -1; }

static void fake_features(const struct work *w, guint item, const struct sample *samples, const float *outputs, gsize n,
			  double *features)
{
	(void)w;
	(void)item;
	(void)samples;
	features[0] = -INFINITY;
	for (gsize i = 0; i < n; i++)
		if (!isnan(outputs[i * FAKE_JUDGED]))
			features[0] = MAX(features[0], outputs[i * FAKE_JUDGED]);
	features[1] = (double)n;
}

static struct interval fake_measure(const struct work *w, const guint *items, gsize n, const double *features)
{
	double sum = 0;

	(void)w;
	for (gsize i = 0; i < n; i++)
		sum += items[i] + features[i * FAKE_FEATURES + 1] / 100;
	return (struct interval){ sum, (double)n, 0 };
}

static const struct task fake_task = {
	.name = "fake", .noun = "case", .prepare = fake_prepare, .release = fake_release, .samples = fake_samples,
	.next = fake_next, .read = fake_read,
	.judged = FAKE_JUDGED, .judge = fake_judge, .truth = fake_truth,
	.n_features = FAKE_FEATURES, .features = fake_features, .measure = fake_measure,
};

static struct work fake_work = {
	.task = &fake_task, .shape = { 3, FAKE_SIDE, FAKE_SIDE, FAKE_TARGETS }, .outputs = 2, .n_cases = FAKE_CASES,
	.cases = fake_cases,
};

/* Starts anew; ready: as if all that can be were prepared. */
static inline void fake_reset(gboolean ready)
{
	static char ids[FAKE_CASES][8];

	for (guint i = 0; i < FAKE_CASES; i++) {
		g_snprintf(ids[i], sizeof ids[i], "c%02u", i);
		fake_cases[i] = (struct work_case){ .id = ids[i], .label = (int)i % 2, .ready = ready && fake_usable(i) };
		fake_prepared[i] = fake_released[i] = 0;
	}
}

static inline struct model *fake_model(int channels)
{
	GError *error = NULL;

	tensor_threads(1);
	tensor_seed(11);
	struct model *m = model_new("simple", channels, 1, 2, T_CPU, &error);
	g_assert_no_error(error);
	return m;
}

/* What a sample gives, worked out alone and with nothing of what is tested; out (FAKE_JUDGED). */
static inline void fake_output(struct model *m, const struct sample *sample, float *out)
{
	guint8 bytes[FAKE_BYTES];
	float x[FAKE_BYTES], y[2], targets[FAKE_TARGETS];
	const char *message;

	fake_fill(sample, bytes, targets);
	for (int i = 0; i < FAKE_SIDE * FAKE_SIDE; i++)
		for (int c = 0; c < 3; c++)
			x[c * FAKE_SIDE * FAKE_SIDE + i] = (float)((bytes[3 * i + c] / 255.0 - m->mean[c]) / m->std[c]);
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	tensor *in = t_from(s, x, DIMS(1, 3, FAKE_SIDE, FAKE_SIDE), T_F32, T_CPU);
	t_read(s, sample->coarse ? model_screen(m, s, in) : model_forward(m, s, in, NULL), y, sizeof y);
	scope_error(s, &message);
	g_assert_cmpstr(message, ==, "");
	out[0] = y[1] - y[0];
	out[1] = y[1] + y[0];
}

/* A share of a case: samples and outputs (n, FAKE_JUDGED), NAN where it cannot be read; at most `rounds`. */
static inline void fake_expect(struct model *m, guint item, int rounds, double share, GArray *samples, GArray *outputs)
{
	gboolean ready = fake_cases[item].ready;

	fake_cases[item].ready = TRUE;
	g_array_set_size(samples, 0);
	g_array_set_size(outputs, 0);
	for (int round = 0; fake_usable(item) && round < rounds; round++) {
		guint before = samples->len;
		g_autoptr(GArray) more = g_array_new(FALSE, FALSE, sizeof(struct sample));
		fake_next(&fake_work, item, round, share, (struct sample *)(gpointer)samples->data,
			  (float *)(gpointer)outputs->data, before, more);
		for (guint i = 0; i < more->len; i++) {
			const struct sample *s = &g_array_index(more, struct sample, i);
			float out[FAKE_JUDGED] = { NAN, NAN };
			if (fake_readable(s))
				fake_output(m, s, out);
			g_array_append_vals(samples, s, 1);
			g_array_append_vals(outputs, out, FAKE_JUDGED);
		}
		if (more->len == 0)
			break;
	}
	fake_cases[item].ready = ready;
}
