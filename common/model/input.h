/*
 * input.h - bytes to what a network wants.
 *
 * Two steps, so that colour can be changed between them: bytes (N, H, W, C) to values 0..1 as (N, H*W, C),
 * where a colour transform is one product; and those, by the model's mean and deviation, to (N, C, H, W),
 * laid out channels-last, and resized (bilinear) where the network wants them larger, or made smaller for its screen. Neither
 * has a product that a bf16 scope would take, so both are exact in any scope.
 */
#pragma once
#include "common/model/model.h"
#include "common/task/task.h"

G_BEGIN_DECLS

tensor *input_values(scope *s, const guint8 *bytes, guint n, const struct sample_shape *shape, int device);
tensor *input_normalise(scope *s, const struct model *m, const tensor *values, const struct sample_shape *shape, int device);
/* Of the first picture of each sample, means of pixels: (N, C, h, w), h and w at most SCREEN_SIDE. */
tensor *input_screen(scope *s, const struct model *m, const tensor *values, const struct sample_shape *shape, int device);

G_END_DECLS
