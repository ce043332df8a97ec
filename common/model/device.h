/*
 * device.h - where and how a network computes: settings device, precision and threads, resolved.
 *
 * device auto is the first GPU that works, else the CPU; precision auto is bf16 where the device multiplies in it, and a
 * convolution that is run in both at start was faster so. A libtorch that could use a GPU, and finds none, is a warning.
 * Errors: FAULT_USAGE for a device that is not there.
 */
#pragma once
#include "common/config/config.h"
#include "common/tensor/tensor.h"

G_BEGIN_DECLS

struct device {
	int index;              /* T_CPU, or a GPU's */
	unsigned flags;         /* SCOPE_BF16, SCOPE_CHANNELS_LAST */
	int threads;            /* of compute; also readers */
	double bf16_gain;       /* where it was measured: how many times as fast a convolution is in bf16; else 0 */
};

/* Also sets the threads of tensor operations. */
gboolean device_open(const struct settings *settings, struct device *out, GError **error);
/* "device=cpu precision=bf16 bf16_gain=1.9 threads=2 libtorch=2.6.0", for the log. */
char *device_describe(const struct device *d);

G_END_DECLS
