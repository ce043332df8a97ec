/*
 * memory.h - what a run takes of the machine's memory, from the settings and the number of cases, before it
 * starts; and how it is made to fit its container.
 *
 * base: the program, its libraries and what their heap keeps. network: weights, gradients, the optimiser's
 * moments, the moving average. pass: a batch on its way through the network; it grows with samples and
 * pixels, by a factor of each network's own (struct network; measured by tests/bench/memory). reading: batches
 * that wait, open slides and their caches, and what each thread needs that reads or prepares.
 *
 * Where that is more than nine tenths of the limit, fewer threads read, then the network gets a batch in parts.
 * In training the gradients of the parts add up, so a step is still one of the whole batch (Huang et al.
 * 2019, GPipe, call them micro-batches); only batch norm's statistics are those of a part.
 * On a GPU, `pass` and `network` are the GPU's and none of the host's; there nothing is made to fit.
 *
 * Errors: FAULT_ROOM where the least that there can be does not fit.
 */
#pragma once
#include "common/model/device.h"
#include "common/task/task.h"

G_BEGIN_DECLS

struct memory {
	guint64 limit;          /* bytes that there are; 0: not known */
	guint64 base, network, pass, reading; /* bytes */
	guint batch;            /* that was asked for: training.batch or inference.batch */
	guint part;             /* samples in the network at once, in training or answering */
	guint judged;           /* the same where nothing is learned: validation, answering */
	guint readers;          /* threads that read and prepare, 1 to device->threads */
};

/* work: open, of the phase that is meant. limit: machine_memory(). members: networks that answer together. The plan is said in the log:
   "memory need_mb=812 limit_mb=2147 base_mb=440 network_mb=234 pass_mb=... batch=64 at_once=16 readers=2". */
gboolean memory_plan(const struct work *work, const struct device *device, guint64 limit, guint members,
		     struct memory *out, GError **error);
guint64 memory_need(const struct memory *memory);      /* bytes in all */

G_END_DECLS
