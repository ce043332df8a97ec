/*
 * model_folder.h - /data/model: a manifest, and the files it names.
 *
 *   model.json                  the manifest: {"blindrun": version, "format": 1, "step": 420,
 *                               "files": {"weights": {"name", "sha256", "bytes"}, ...}, and what the
 *                               caller adds: settings, facts, history}
 *   model.before.json           the manifest before
 *   weights-000420.safetensors  never rewritten; a new name for each save
 *
 * Saving: files are written to new names and fsynced; then the manifest is written beside, fsynced and
 * renamed: that rename is the commit. What neither manifest names is swept afterwards. A reader takes only
 * what its checksum confirms, and falls back to the manifest before. So a kill at any instant leaves a
 * model that can be read, if there was one.
 *
 * Errors: saving: GFileError, FAULT_ROOM; what was there stays as it was. Opening: FAULT_DATA.
 */
#pragma once
#include "common/tensor/tensor.h"
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

struct model_part {
	const char *role;               /* "weights", "state": its key in "files" */
	const scope *tensors;           /* all parameters and buffers */
	const char *const *metadata_opt;/* key, value, ..., NULL */
};

/* Makes the folder where it is missing, and writes into it once: what would fail at the first save is said
   before the run. */
gboolean model_folder_ready(const char *folder, GError **error);

/* about: the manifest's further members; it is changed. The same
   step may be saved again. */
gboolean model_folder_save(const char *folder, guint64 step, const struct model_part *parts, guint n,
			   JsonObject *about, GError **error);

/* The newest manifest whose files are all there and right. json_object_unref it. notes_opt gets sentences
   on what was wrong with a newer one (char *, freed by the array). FAULT_DATA where there is none. */
JsonObject *model_folder_open(const char *folder, GPtrArray *notes_opt, GError **error);
/* The path of one of its files. */
char *model_folder_path(const char *folder, JsonObject *manifest, const char *role, GError **error);

G_END_DECLS
