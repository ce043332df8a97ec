/*
 * model_manifest.h - the manifests of a model folder, for model_folder.c alone: read, and held against the files that they name.
 *
 * Errors: FAULT_DATA; FAULT_FAILED where the disk does not give what is there.
 */
#pragma once
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define MANIFEST_NOW "model.json"
#define MANIFEST_BEFORE "model.before.json"
enum { MANIFEST_FORMAT = 1 };

/* Never waits on a pipe, never reads a device without end. Not there: GFileError. */
JsonObject *manifest_read(const char *folder, const char *name, GError **error);
/* The newest whose file for a role (NULL: all its files) is right. to_write: where the disk does not give one that is there, nothing
   else is taken for the newest: FAULT_FAILED. notes_opt: as model_folder_open has it. */
JsonObject *manifest_newest(const char *folder, const char *role_opt, gboolean to_write, GPtrArray *notes_opt, GError **error);
/* Adds the files that a manifest names to a set. FALSE: it is there, and cannot be read. */
gboolean manifest_names(const char *folder, const char *manifest, GHashTable *names);

G_END_DECLS
