/*
 * safetensors_header.h - what safetensors.c, safetensors_header.c and safetensors_write.c share: the header
 * of a file as it is said there, before anything of it is checked.
 */
#pragma once
#include "common/checkpoint/safetensors.h"

G_BEGIN_DECLS

struct safetensors_entry {
	struct safetensor view; /* name, type and shape */
	guint64 begin, end;     /* data_offsets */
};

struct safetensors_pair {       /* of metadata */
	const char *key, *value;
};

/* length bytes of JSON into GArrays of the two. They are decoded in place: names and values point into text,
   which changes. file is said in errors, FAULT_DATA with the byte. */
gboolean safetensors_header_parse(char *text, gsize length, const char *file, GArray *entries, GArray *pairs,
				  GError **error);

/* Why a text is no name of a tensor, or NULL: it must be fit to stand in a line of a log. */
const char *safetensors_name_fault(const char *name);

const char *safetensors_type_name(enum dtype type);     /* NULL where there is none */

/* Bytes of a tensor; FALSE where they overflow. */
gboolean safetensors_size(enum dtype type, dims shape, gsize *size);

G_END_DECLS
