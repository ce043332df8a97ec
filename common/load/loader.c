/*
 * loader.c - see loader.h. Slots stand in a ring; a reader takes the next sample of the oldest slot that has
 * any left, so the batch that is wanted first is finished first.
 */
#include "common/load/loader.h"
#include <math.h>
#include <sys/resource.h>
#include <unistd.h>

/* Readers yield to compute: its threads wait for each other at barriers, some of them spinning (oneDNN's
   backward weights), and one that lost its core to a reader would hold up all. */
enum { READER_NICE = 10 };

struct slot {
	struct batch batch;     /* first: recycle gets this address */
	guint taken, done;      /* samples given to readers; read */
	gboolean in_use;
};

struct loader {
	struct work *work;
	guint batch, depth, readers;
	gsize size;             /* bytes a sample */
	struct slot *slots;     /* (depth) ring */
	guint64 pushed, popped; /* batches, ever */
	guint64 reading;        /* the oldest pushed batch with samples left to take */
	GThread **threads;
	GMutex lock;
	GCond work_there, batch_done;
	gboolean stop;
	double waited, busy;    /* s */
};

static struct slot *slot_at(struct loader *l, guint64 i) { return &l->slots[i % l->depth]; }

static gpointer reader(gpointer data)
{
	struct loader *l = data;
	const struct sample_shape *shape = &l->work->shape;

	setpriority(PRIO_PROCESS, (id_t)gettid(), READER_NICE);
	g_mutex_lock(&l->lock);
	while (!l->stop) {
		if (l->reading == l->pushed) {
			g_cond_wait(&l->work_there, &l->lock);
			continue;
		}
		struct slot *slot = slot_at(l, l->reading);
		if (slot->taken == slot->batch.n) {
			l->reading++;
			continue;
		}
		guint i = slot->taken++;
		g_mutex_unlock(&l->lock);

		gint64 start = g_get_monotonic_time();
		struct batch *b = &slot->batch;
		guint8 *bytes = b->bytes + i * l->size;
		float *targets = b->targets + i * (gsize)shape->targets;
		GError *error = NULL;
		if (!l->work->task->read(l->work, &b->samples[i], bytes, targets, &error)) {
			memset(bytes, 0, l->size);
			for (int t = 0; t < shape->targets; t++)
				targets[t] = NAN;
			b->failed[i] = error;
		}
		double took = (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC;

		g_mutex_lock(&l->lock);
		l->busy += took;
		if (++slot->done == b->n)
			g_cond_signal(&l->batch_done);
	}
	g_mutex_unlock(&l->lock);
	return NULL;
}

struct loader *loader_new(struct work *work, guint batch, guint depth, guint readers)
{
	struct loader *l = g_new0(struct loader, 1);

	l->work = work;
	l->batch = batch;
	l->depth = MAX(depth, 2);
	l->readers = MAX(readers, 1);
	l->size = (gsize)work->shape.height * (gsize)work->shape.width * (gsize)work->shape.channels;
	g_mutex_init(&l->lock);
	g_cond_init(&l->work_there);
	g_cond_init(&l->batch_done);
	l->slots = g_new0(struct slot, l->depth);
	for (guint i = 0; i < l->depth; i++) {
		struct batch *b = &l->slots[i].batch;
		b->samples = g_new0(struct sample, batch);
		b->bytes = g_malloc0_n(batch, l->size);
		b->targets = g_new0(float, (gsize)batch * (gsize)work->shape.targets);
		b->failed = g_new0(GError *, batch);
	}
	l->threads = g_new0(GThread *, l->readers);
	for (guint i = 0; i < l->readers; i++)
		l->threads[i] = g_thread_new("reader", reader, l);
	return l;
}

void loader_free(struct loader *l)
{
	if (l == NULL)
		return;
	g_mutex_lock(&l->lock);
	l->stop = TRUE;
	g_cond_broadcast(&l->work_there);
	g_mutex_unlock(&l->lock);
	for (guint i = 0; i < l->readers; i++)
		g_thread_join(l->threads[i]);
	for (guint i = 0; i < l->depth; i++) {
		struct batch *b = &l->slots[i].batch;
		for (guint k = 0; k < l->batch; k++)
			g_clear_error(&b->failed[k]);
		g_free(b->samples);
		g_free(b->bytes);
		g_free(b->targets);
		g_free(b->failed);
	}
	g_free(l->slots);
	g_free(l->threads);
	g_mutex_clear(&l->lock);
	g_cond_clear(&l->work_there);
	g_cond_clear(&l->batch_done);
	g_free(l);
}

gboolean loader_room(const struct loader *l) { return !l->slots[l->pushed % l->depth].in_use; }

guint loader_pending(const struct loader *l) { return (guint)(l->pushed - l->popped); }

void loader_push(struct loader *l, const struct sample *samples, guint n, gpointer tag)
{
	struct slot *slot = slot_at(l, l->pushed);

	g_return_if_fail(!slot->in_use && n >= 1 && n <= l->batch);
	memcpy(slot->batch.samples, samples, n * sizeof *samples);
	slot->batch.n = n;
	slot->batch.tag = tag;
	slot->in_use = TRUE;
	g_mutex_lock(&l->lock);
	slot->taken = slot->done = 0;
	l->pushed++;
	g_cond_broadcast(&l->work_there);
	g_mutex_unlock(&l->lock);
}

struct batch *loader_pop(struct loader *l)
{
	if (l->popped == l->pushed)
		return NULL;
	struct slot *slot = slot_at(l, l->popped);
	gint64 start = g_get_monotonic_time();
	g_mutex_lock(&l->lock);
	while (slot->done < slot->batch.n)
		g_cond_wait(&l->batch_done, &l->lock);
	l->popped++;
	g_mutex_unlock(&l->lock);
	l->waited += (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
	return &slot->batch;
}

void loader_recycle(struct loader *l, struct batch *batch)
{
	for (guint i = 0; i < batch->n; i++)
		g_clear_error(&batch->failed[i]);
	((struct slot *)batch)->in_use = FALSE;
	(void)l;
}

void loader_cancel(struct loader *l)
{
	g_mutex_lock(&l->lock);
	for (; l->reading < l->pushed; l->reading++) {
		struct slot *slot = slot_at(l, l->reading);
		slot->done += slot->batch.n - slot->taken;
		slot->taken = slot->batch.n;
	}
	g_mutex_unlock(&l->lock);
}

double loader_waited(const struct loader *l) { return l->waited; }

double loader_busy(struct loader *l)
{
	g_mutex_lock(&l->lock);
	double busy = l->busy;
	g_mutex_unlock(&l->lock);
	return busy;
}
