/*
 * loader.c - see loader.h. Slots stand in a ring; a sample is a job, and jobs are begun in the order in which they
 * are pushed, so the batch that is wanted first is finished first.
 */
#include "common/load/loader.h"
#include "common/machine/jobs.h"
#include "common/tensor/tensor.h"
#include <math.h>

/* Readers yield to compute: its threads wait for each other at barriers, some of them spinning (oneDNN's
   backward weights), and one that lost its core to a reader would hold up all. */
enum { READER_NICE = 10 };

struct slot;
struct unit { struct slot *slot; guint i; };    /* a sample of a slot, to be read */

struct slot {
	struct batch batch;     /* first: recycle gets this address */
	struct unit *units;     /* (batch) */
	guint done;             /* samples read, or given up */
	gboolean in_use, pinned;
};

struct loader {
	struct work *work;
	guint batch, depth;
	struct slot *slots;     /* (depth) ring */
	guint64 pushed, popped; /* batches, ever */
	struct jobs *jobs;
	double waited;          /* s */
};

struct made {                   /* a read, in memory of its own */
	struct work *work;
	struct sample sample;
	GError *failed;
	guint8 *bytes;
	float targets[];        /* (targets) */
};

static struct slot *slot_at(struct loader *l, guint64 i) { return &l->slots[i % l->depth]; }

static gsize size_of(const struct work *w, const struct sample *sample)
{
	const struct sample_shape shape = sample_shape_of(&w->shape, sample->coarse != 0);
	return sample_bytes(&shape);
}

static gpointer begin(gpointer what, gpointer user)
{
	const struct unit *u = what;
	const struct loader *l = user;
	struct made *made = g_malloc(sizeof *made + (gsize)l->work->shape.targets * sizeof(float));

	made->work = l->work;
	made->sample = u->slot->batch.samples[u->i];
	made->failed = NULL;
	made->bytes = g_malloc(size_of(l->work, &made->sample));
	return made;
}

static void read_one(gpointer data)
{
	struct made *made = data;
	struct work *w = made->work;

	if (!case_given_up(w, made->sample.item, &made->failed))
		w->task->read(w, &made->sample, made->bytes, made->targets, &made->failed);
}

static void drop(gpointer data)
{
	struct made *made = data;

	g_clear_error(&made->failed);
	g_free(made->bytes);
	g_free(made);
}

static void fail(const struct loader *l, const struct unit *u, GError *error)
{
	struct batch *b = &u->slot->batch;
	const gsize size = size_of(l->work, &b->samples[u->i]);

	memset(b->bytes + u->i * size, 0, size);
	for (int t = 0; t < l->work->shape.targets; t++)
		b->targets[u->i * (gsize)l->work->shape.targets + (gsize)t] = NAN;
	b->failed[u->i] = error;
}

static void take(gpointer what, gpointer data, gpointer user)
{
	const struct unit *u = what;
	const struct loader *l = user;
	struct made *made = data;
	const gsize targets = (gsize)l->work->shape.targets, size = size_of(l->work, &made->sample);

	if (made->failed != NULL) {
		fail(l, u, g_steal_pointer(&made->failed));
	} else {
		memcpy(u->slot->batch.bytes + u->i * size, made->bytes, size);
		memcpy(u->slot->batch.targets + u->i * targets, made->targets, targets * sizeof(float));
	}
	drop(made);
}

/* Waits for one sample, of whatever batch; false where none is left. */
static gboolean settle_one(struct loader *l)
{
	gpointer what;
	gboolean late;

	if (!jobs_pop(l->jobs, TRUE, &what, &late))
		return FALSE;
	struct unit *u = what;
	if (late) {
		GError *error = NULL;
		case_give_up(l->work, u->slot->batch.samples[u->i].item, &error);
		fail(l, u, error);
	}
	u->slot->done++;
	return TRUE;
}

struct loader *loader_new(struct work *work, guint batch, guint depth, guint readers)
{
	static const struct jobs_kind kind = { "reader", READER_NICE, begin, read_one, take, drop };
	struct loader *l = g_new0(struct loader, 1);

	l->work = work;
	l->batch = batch;
	l->depth = MAX(depth, 2);
	l->slots = g_new0(struct slot, l->depth);
	for (guint i = 0; i < l->depth; i++) {
		struct batch *b = &l->slots[i].batch;
		b->samples = g_new0(struct sample, batch);
		b->bytes = g_malloc0_n(batch, sample_bytes(&work->shape));
		b->targets = g_new0(float, (gsize)batch * (gsize)work->shape.targets);
		b->failed = g_new0(GError *, batch);
		l->slots[i].units = g_new(struct unit, batch);
		for (guint k = 0; k < batch; k++)
			l->slots[i].units[k] = (struct unit){ &l->slots[i], k };
	}
	l->jobs = jobs_new(readers, work->patience, &kind, l);
	return l;
}

void loader_pin(struct loader *l)
{
	for (guint i = 0; i < l->depth; i++)
		l->slots[i].pinned = tensor_pin(l->slots[i].batch.bytes, l->batch * sample_bytes(&l->work->shape));
}

void loader_free(struct loader *l)
{
	if (l == NULL)
		return;
	loader_cancel(l);
	jobs_free(l->jobs);
	for (guint i = 0; i < l->depth; i++) {
		struct batch *b = &l->slots[i].batch;
		for (guint k = 0; k < l->batch; k++)
			g_clear_error(&b->failed[k]);
		g_free(b->samples);
		if (l->slots[i].pinned)
			tensor_unpin(b->bytes);
		g_free(b->bytes);
		g_free(b->targets);
		g_free(b->failed);
		g_free(l->slots[i].units);
	}
	g_free(l->slots);
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
	slot->done = 0;
	l->pushed++;
	for (guint i = 0; i < n; i++)
		jobs_push(l->jobs, &slot->units[i]);
}

struct batch *loader_pop(struct loader *l)
{
	if (l->popped == l->pushed)
		return NULL;
	struct slot *slot = slot_at(l, l->popped);
	gint64 start = g_get_monotonic_time();
	while (slot->done < slot->batch.n)
		settle_one(l);
	l->popped++;
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
	jobs_cancel(l->jobs);
	while (settle_one(l))
		;
	for (guint64 i = l->popped; i < l->pushed; i++)
		slot_at(l, i)->done = slot_at(l, i)->batch.n;
}

double loader_waited(const struct loader *l) { return l->waited; }
