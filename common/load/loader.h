/*
 * loader.h - threads that fill batches of samples. Batches are pushed as lists of samples and popped
 * filled, in the order in which they were pushed, whatever thread read what; so what comes out is a pure
 * function of what went in. The samples of a batch are all coarse, or none is.
 *
 * Memory: depth batches, allocated once and reused, and a sample a reader. Threads: push, pop and recycle on one
 * thread; `read` runs in the loader's. A sample that cannot be read has its error in `failed`, its bytes are 0 and
 * its targets NAN. So has one whose read takes longer than work->patience: its case is given up (task.h), and
 * another thread reads on.
 */
#pragma once
#include "common/task/task.h"

G_BEGIN_DECLS

struct loader;

enum { LOADER_DEPTH = 4 };      /* batches that wait: what is usual */

struct batch {
	guint n;                /* samples in it, <= the loader's batch size */
	struct sample *samples; /* (n) */
	guint8 *bytes;          /* (n, pictures, height, width, channels), or as sample_shape_of() says */
	float *targets;         /* (n, targets) */
	GError **failed;        /* (n) NULL where it was read */
	gpointer tag;           /* what push was given */
};

/* readers: threads, >= 1. depth: batches filled or being filled at once, >= 2. */
struct loader *loader_new(struct work *work, guint batch, guint depth, guint readers);
/* The bytes of its batches are pinned (tensor.h) where that can be, for a GPU to read. Once, before the first push. */
void loader_pin(struct loader *loader);
void loader_free(struct loader *loader);        /* waits for reads under way, or gives them up */
gboolean loader_room(const struct loader *loader);     /* whether push may be called */
guint loader_pending(const struct loader *loader);     /* batches pushed and not popped */
void loader_push(struct loader *loader, const struct sample *samples, guint n, gpointer tag);
/* The oldest pushed; NULL where none is pending. Give it back before the next push that needs room. */
struct batch *loader_pop(struct loader *loader);
void loader_recycle(struct loader *loader, struct batch *batch);
/* What is pushed and not being read yet is read no more: its batches come out soon, unfilled, to be recycled. */
void loader_cancel(struct loader *loader);
/* Seconds that pop waited so far. */
double loader_waited(const struct loader *loader);

G_END_DECLS
