/* memory.c - see memory.h. */
#include "common/model/memory.h"
#include "common/fault/fault.h"
#include "common/load/loader.h"
#include "common/log/log.h"
#include "common/model/model.h"
#include <glib/gstdio.h>

enum {
	BASE_MB = 340,          /* 180 to 330 were measured: tests/bench/memory */
	GPU_BASE_MB = 1200,     /* with CUDA; 1,000 on an H100 */
	F32 = 4, BF16 = 2,
};
static const double SHARE = 0.9;        /* of the limit: the rest is for the index of tiles, and files' pages */

/* Of a module they are as many as its file has room for; where that is not here, as a middling network's. */
static guint64 parameters_of(const struct settings *s, const struct network *n)
{
	enum { MIDDLING = 25000000 };
	GStatBuf file;

	return n->parameters > 0 ? (guint64)n->parameters
				 : g_stat(s->model.network, &file) == 0 ? (guint64)file.st_size / F32 : MIDDLING;
}

/* Weights, and as they are laid out to answer (model_answer_on), in training too, which judges; where they learn, gradients
   and two moments as well, the average, and what a step in bf16 casts. */
static guint64 network_bytes(gboolean learns, const struct settings *s, const struct device *d, const struct network *n)
{
	guint64 copies = !learns ? 1 : s->training.average > 0 ? 5 : 4;
	guint64 laid_out = d->flags & SCOPE_BF16 ? BF16 : F32, cast = learns && d->flags & SCOPE_BF16 ? BF16 : 0;

	return parameters_of(s, n) * (copies * F32 + laid_out + cast);
}

/* Bytes a sample: in the network, learning or not. */
static double pass_bytes(const struct sample_shape *shape, const struct device *d, const struct network *n, gboolean learns)
{
	const double *factor = learns ? n->learn_bytes : n->judge_bytes;

	return factor[d->flags & SCOPE_BF16 ? 1 : 0] * sample_pictures(shape) * (double)sample_input(shape);
}

static guint64 queue_bytes(const struct sample_shape *shape, guint batch)
{
	return sample_bytes(shape) * batch * LOADER_DEPTH;
}

/* A batch, halved until it fits. */
static guint fit_batch(guint batch, double sample, double room)
{
	while (batch > 1 && batch * sample > room)
		batch = (batch + 1) / 2;
	return batch;
}

guint64 memory_need(const struct memory *m) { return m->base + m->network + m->pass + m->reading; }

static void say(const struct memory *m)
{
	const double mb = 1e6;

	log_keep("memory", "memory need_mb=%.0f limit_mb=%.0f base_mb=%.0f network_mb=%.0f pass_mb=%.0f reading_mb=%.0f batch=%u "
		"at_once=%u readers=%u", (double)memory_need(m) / mb, (double)m->limit / mb, (double)m->base / mb,
		(double)m->network / mb, (double)m->pass / mb, (double)m->reading / mb, m->batch, m->part, m->readers);
}

gboolean memory_plan(const struct work *work, const struct device *d, guint64 limit, guint members, struct memory *out,
		     GError **error)
{
	const struct settings *s = work->settings;
	const struct network *n = network_find(s->model.network, error);
	const gboolean learns = work->phase == PHASE_TRAIN, gpu = d->index != T_CPU;
	const guint judged = (guint)s->inference.batch, batch = learns ? (guint)s->training.batch : judged;
	const double most = limit > 0 ? SHARE * (double)limit : G_MAXDOUBLE;

	*out = (struct memory){ 0 };
	if (n == NULL)
		return FALSE;
	const struct task_reading reading = work->task->reading(work);
	struct memory m = { .limit = limit, .base = (guint64)(gpu ? GPU_BASE_MB : BASE_MB) << 20, .batch = batch,
			    .part = batch, .judged = judged, .network = gpu ? 0 : members * network_bytes(learns, s, d, n), .readers = (guint)d->threads };
	m.reading = reading.all + queue_bytes(&work->shape, judged) + (learns ? queue_bytes(&work->shape, batch) : 0);
	const double rest = most - (double)(m.base + m.network + m.reading);
	/* half of what is left for readers, at least one; the network has what they leave */
	m.readers = (guint)CLAMP(rest / 2 / (double)MAX(reading.thread, 1), 1, m.readers);
	m.reading += m.readers * reading.thread;
	const double room = most - (double)(m.base + m.network + m.reading);
	const double learn = learns && !gpu ? pass_bytes(&work->shape, d, n, TRUE) : 0, judge = gpu ? 0 : pass_bytes(&work->shape, d, n, FALSE);
	m.judged = fit_batch(judged, judge, room);
	m.part = learns ? fit_batch(batch, learn, room) : m.judged;
	m.pass = (guint64)MAX(m.part * learn, m.judged * judge);
	*out = m;
	say(&m);
	if ((double)memory_need(&m) <= most)
		return TRUE;
	g_set_error(error, FAULT, FAULT_ROOM, "%.0f MB of memory are too few: %.0f MB are needed with tiles.size=%d and "
		    "model.network=%s, a sample at a time; give the container more, or take smaller ones",
		    (double)limit / 1e6, (double)memory_need(&m) / SHARE / 1e6, s->tiles.size, n->name);
	return FALSE;
}

