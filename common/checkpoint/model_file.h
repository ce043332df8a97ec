/*
 * model_file.h - one file of a model folder, for model_folder.c alone: the parts of one role, one tensor after the other.
 *
 * Errors: those of writing it (safetensors.h); FAULT_FAILED where a tensor cannot be read.
 */
#pragma once
#include "common/checkpoint/model_folder.h"
#include "common/checkpoint/safetensors.h"

G_BEGIN_DECLS

struct model_file {
	const struct model_part *parts;
	guint n;                /* parts */
	guint count;            /* tensors */
	struct safetensor *views;
	const tensor **tensors;
	guint8 *buffer;         /* room for the largest of them */
	guint64 bytes;
};

/* Of n parts, those at the front that are of one role and have tensors: f->n of them. */
void model_file_open(struct model_file *f, const struct model_part *parts, guint n);
void model_file_clear(struct model_file *f);
/* Writes it to a name of its own; its entry of "files", or NULL. */
JsonObject *model_file_write(struct model_file *f, const char *folder, guint64 step, GError **error);

G_END_DECLS
