/* model_settings.c - see model_settings.h. */
#include "common/checkpoint/model_settings.h"
#include "common/checkpoint/json.h"
#include "common/log/logfmt.h"

/* A key, or what keys begin with. */
static const char *const fixed[] = { "task", "data.classes", "tiles.", "model.network", "model.input", "score." };

/* Of those, what no weight and no fit depends on. */
static const char *const loose[] = { "score.axis_threshold", NULL };

static gboolean is_fixed(const char *key)
{
	if (g_strv_contains(loose, key))
		return FALSE;
	for (gsize i = 0; i < G_N_ELEMENTS(fixed); i++)
		if (g_str_equal(key, fixed[i]) || (g_str_has_suffix(fixed[i], ".") && g_str_has_prefix(key, fixed[i])))
			return TRUE;
	return FALSE;
}

gboolean model_settings_take(struct settings *s, JsonObject *from, GPtrArray *changed, GError **error)
{
	for (const char *const *key = settings_keys(); *key != NULL; key++) {
		const char *value = is_fixed(*key) ? json_text(from, *key, NULL) : NULL;

		if (value == NULL)
			continue;
		g_autofree char *before = settings_get(s, *key);
		if (!settings_set(s, *key, value, "model.json: ", error))
			return FALSE;
		g_autofree char *after = settings_get(s, *key);
		if (g_str_equal(before, after))
			continue;
		GString *line = g_string_new(NULL);
		logfmt_append(line, *key, after);
		logfmt_append(line, "from", "model");
		logfmt_append(line, "instead_of", before);
		g_ptr_array_add(changed, g_string_free(line, FALSE));
	}
	return TRUE;
}
