/*
 * module.h - a network of the user's own: a TorchScript module that they exported (torch.jit.trace or script, then
 * save), as `model.network: FILE.pt`.
 *
 * It takes pixels (N, 3, H, W), normalised as any network's here, and gives (N, F), or (N, F, h, w), which is averaged.
 * Where F is the number of outputs wanted, that is its answer; else its answer goes through a linear layer, added_head.*.
 * F is found by one picture through it. Its parameters keep their names.
 * In a model folder the module's file lies within that of the weights, as a tensor of bytes: so one checksum confirms
 * both, and inference needs no path of training's machine.
 *
 * Errors: FAULT_DATA, one line with the file's name.
 */
#pragma once
#include "common/model/model.h"

G_BEGIN_DECLS

#define MODULE_BYTES "module.pt"        /* the tensor of bytes */

extern const struct network module_network;     /* of no table: it is known by its file */

/* Builds m, whose fields but those of the module are set, from the bytes of `file`. */
gboolean module_build(struct model *m, const void *bytes, gsize size, const char *file, GError **error);
void module_clear(struct model *m);

G_END_DECLS
