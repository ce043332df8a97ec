/*
 * model_folder.h - /data/model: a manifest, and the files it names.
 *
 *   model.json                  the manifest: {"blindrun": version, "format": 1, "files": {"weights":
 *                               {"name", "sha256", "bytes"}, ...}, and what the caller adds: settings, facts,
 *                               the point to go on from and how it was reached}
 *   model.before.json           the manifest before, of other weights
 *   weights-000420.safetensors  never rewritten; a new name for each save
 *   attention-000420.safetensors    a model of bags, where there is one
 *   state-000420.safetensors
 *
 * Saving: files are written to new names and fsynced; then the manifest is written beside, fsynced and
 * renamed: that rename is the commit; that before, where it is replaced, just before it. What neither manifest
 * names is swept afterwards. A reader takes only
 * what its checksum confirms, and falls back to the manifest before. So a kill at any instant leaves a
 * model that can be read, if there was one.
 *
 * Errors: saving: GFileError, FAULT_ROOM; what was there stays as it was. Opening: FAULT_DATA.
 */
#pragma once
#include "common/tensor/tensor.h"
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

struct model_folder;

/* Networks that answer together, "members": the role of the first one's weights is "weights", then "weights2" and so on.
   A reader wants the first one's; of the others, those that are right. */
enum { MEMBERS_MAX = 16 };
struct role { char name[16]; };
struct role model_folder_weights(guint member);   /* from 0 */
/* Beside a member's weights there may be a model of bags (common/score/attention.h): "attention", "attention2" ... */
struct role model_folder_bags(guint member);

struct model_part {
	const char *role;               /* "weights", "state": its key in "files"; parts of one role that follow each
					   other make one file */
	const char *prefix_opt;         /* before each name in the file */
	const scope *tensors;           /* all parameters and buffers; NULL: the file of that role stays, if there is one */
	const char *const *metadata_opt;/* key, value, ..., NULL; of a file's first part */
};

/* ---- to write ---- */

/* Makes the folder where it is missing, writes into it once (what would fail at the first save is said before
   the run), keeps every other writer out until model_folder_give(), and reads what is there: notes_opt as below.
   FAULT_FAILED where another process writes to it, and where what is there cannot be read just now, for 20 s: it is not
   begun anew over. */
struct model_folder *model_folder_take(const char *path, GPtrArray *notes_opt, GError **error);
void model_folder_give(struct model_folder *folder);
/* The newest manifest whose files are all right, else the newest whose weights are; what was saved last. NULL:
   there is none. It lives until the next save. */
JsonObject *model_folder_now(const struct model_folder *folder);
gboolean model_folder_whole(const struct model_folder *folder);     /* are all its files right? */
const char *model_folder_at(const struct model_folder *folder);        /* its path */

/* step: for the names of files; the same may be saved again. about: the manifest's further members. The manifest
   before is replaced where no file stays: so the two never share one, and damage to a file leaves the other whole. */
gboolean model_folder_save(struct model_folder *folder, guint64 step, const struct model_part *parts, guint n,
			   const JsonObject *about, GError **error);
/* Bytes that saving these parts takes on the disk. */
guint64 model_folder_bytes(const struct model_part *parts, guint n);

typedef struct model_folder model_folder_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(model_folder_t, model_folder_give)

/* ---- to read ---- */

/* The newest manifest whose file for `role` (NULL: all its files) is there and right. json_object_unref it.
   notes_opt gets sentences on what was wrong with a newer one (char *, freed by the array). FAULT_DATA where
   there is none; what the disk does not give is asked for again, for 4 s each. */
JsonObject *model_folder_open(const char *path, const char *role_opt, GPtrArray *notes_opt, GError **error);
/* Is one of its files there, and right? FAULT_DATA; FAULT_FAILED where it cannot be read, in 4 s of tries. */
gboolean model_folder_check(const char *path, JsonObject *manifest, const char *role, GError **error);
/* The path of one of its files. */
char *model_folder_path(const char *path, JsonObject *manifest, const char *role, GError **error);
/* Fills the parts' tensors from one of its files: each must be there, of the same type and shape. Nothing is
   changed where one is not: FAULT_DATA, which names it. */
gboolean model_folder_restore(const char *file, const struct model_part *parts, guint n, GError **error);

G_END_DECLS
