/*
 * blend.h - samples of a batch put together two by two, their targets in the same shares.
 *
 * mixup:  a share of a sample's value and the rest of another's, everywhere (Zhang et al. 2018, arXiv:1710.09412, with
 *         shares that are uniform in 0..1, their Beta(1, 1)).
 * cutmix: a rectangle of the other, of a share of the area that is uniform in 0..1, at the same place (Yun et al. 2019,
 *         arXiv:1905.04899).
 *
 * What is drawn is a pure function of (seed, epoch, position), as in augment.h; it works on a whole batch, before its
 * samples are changed otherwise.
 */
#pragma once
#include "common/task/task.h"

G_BEGIN_DECLS

/* strength: 0..1, of both shares of samples. The batch stands at first.. of the epoch: bytes (n, pictures, height, width,
   channels), targets (n, targets). A sample whose targets, or the other's, are not numbers stays as it is. */
void blend(const struct settings *settings, double strength, guint64 seed, guint64 epoch, guint64 first,
	   const struct sample_shape *shape, guint8 *bytes, float *targets, guint n);

G_END_DECLS
