/*
 * device.h - where and how a network computes: settings device, precision and threads, resolved.
 *
 * device auto is the first GPU that works, tried with a small product, else the CPU. precision auto is what the weights were
 * learned in, so that they answer as they were judged; before there are any, bf16 where the device multiplies in it and a
 * convolution that is run in both at start is not slower so. Warnings: a libtorch that could use a GPU, and finds none; weights that were learned in bf16,
 * which this device is slow in, and are taken in fp32.
 * Errors: FAULT_USAGE for a GPU that is named and does not work, where it must be that one; else none: another one, or the
 * CPU, and a warning.
 */
#pragma once
#include "common/config/config.h"
#include "common/tensor/tensor.h"

G_BEGIN_DECLS

struct device {
	int index;              /* T_CPU, or a GPU's */
	unsigned flags;         /* SCOPE_BF16; SCOPE_CHANNELS_LAST, but not in fp32 on a GPU before Ampere */
	int threads;            /* of compute; also readers */
	double bf16_gain;       /* where it was measured: how many times as fast a convolution is in bf16; else 0 */
};

/* learned: what the weights were learned in; PRECISION_AUTO: there are none. Also sets the threads of tensor operations. */
gboolean device_open(const struct settings *settings, enum precision learned, gboolean must, struct device *out, GError **error);
/* "device=cpu precision=bf16 bf16_gain=1.9 threads=2 libtorch=2.6.0", for the log. */
char *device_describe(const struct device *d);

G_END_DECLS
