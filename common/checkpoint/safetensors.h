/*
 * safetensors.h - tensors with names in a file, in the safetensors format: 8 bytes of header length,
 * little-endian; a JSON header {"name": {"dtype", "shape", "data_offsets"}, "__metadata__": {text: text}};
 * the data. (github.com/huggingface/safetensors, README "Format".)
 *
 * A reader maps the file and checks everything before anything is used: header at most 100 MB, shapes
 * whose sizes multiply out without overflow and equal their offsets, no overlap, no hole, no name twice.
 * Errors are FAULT_DATA with the file's name; writing: GFileError, FAULT_ROOM when the disk is full, and
 * what was written is removed.
 * Ownership: views point into the file and live as long as it.
 */
#pragma once
#include "common/tensor/tensor.h"
#include <glib.h>

G_BEGIN_DECLS

struct safetensors;

struct safetensor {             /* one tensor of a file: a view */
	const char *name;
	enum dtype type;
	dims shape;
	const void *data;       /* little-endian, C order; not aligned */
	gsize size;             /* bytes */
};

struct safetensors *safetensors_open(const char *path, GError **error);
/* The same over memory, which must outlive it; for fuzzing and for files already read. */
struct safetensors *safetensors_parse(const void *data, gsize size, const char *name, GError **error);
void safetensors_close(struct safetensors *file);
guint safetensors_count(const struct safetensors *file);
const struct safetensor *safetensors_at(const struct safetensors *file, guint i);     /* in file order */
const struct safetensor *safetensors_find(const struct safetensors *file, const char *name);
const char *safetensors_metadata(const struct safetensors *file, const char *key);    /* or NULL */

/* Streams tensors into a new file, fsynced when it returns; an existing file is an error. Of each tensor
   name, type and shape are used; source(i) gives its bytes when they are wanted (never those of an empty
   one), in a buffer that is used until the next call. SHA-256 of the whole file (hex) and its size come
   back, each to a place or NULL. metadata: UTF-8 key, value, key, value, ..., NULL; or NULL. */
typedef const void *(*safetensors_source)(void *context, guint i, GError **error);
gboolean safetensors_write(const char *path, const struct safetensor *tensors, guint n,
			   const char *const *metadata_opt, safetensors_source source, void *context,
			   char **sha256, guint64 *size, GError **error);

typedef struct safetensors safetensors_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(safetensors_t, safetensors_close)

G_END_DECLS
