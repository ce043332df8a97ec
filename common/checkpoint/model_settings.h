/*
 * model_settings.h - which settings come from the model and not from data.yaml: what was learned fixes what
 * is seen. They are task, data.classes, tiles.*, model.network and score.*.
 *
 * Errors: FAULT_USAGE, one line that begins with "model.json: "; keys before the wrong one are set.
 */
#pragma once
#include "common/config/config.h"
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* from: the manifest's "settings", texts by key; what is missing or no text stays as it is. changed gets a
   fact for each that became another (char *, freed by the array): `tiles.size=96 from=model instead_of=224`. */
gboolean model_settings_take(struct settings *settings, JsonObject *from, GPtrArray *changed, GError **error);

G_END_DECLS
