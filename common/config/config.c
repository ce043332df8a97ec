/*
 * config.c - struct settings as a whole: its defaults, one key at a time, and what keys must fulfil
 * together. Reading and writing YAML is in yaml_read.c and yaml_write.c, the table in keys.c.
 */
#include "common/config/keys.h"

struct settings *settings_new(void)
{
	struct settings *settings = g_new0(struct settings, 1);

	for (const struct key *key = key_table; key->name; key++)
		if (!value_set(settings, key, key->standard))
			g_error("%s: its default '%s' does not fit its row", key->name, key->standard);
	return settings;
}

struct settings *settings_copy(const struct settings *settings)
{
	struct settings *copy = g_new0(struct settings, 1);

	*copy = *settings;
	for (const struct key *key = key_table; key->name; key++)
		value_own(copy, key);
	return copy;
}

void settings_free(struct settings *settings)
{
	if (settings == NULL)
		return;
	for (const struct key *key = key_table; key->name; key++)
		value_clear(settings, key);
	g_free(settings);
}

static gboolean value_error(GError **error, const char *where, const struct key *key, const char *value)
{
	g_autofree char *expected = value_expected(key), *shown = excerpt(value);

	return usage_error(error, "%s%s: expected %s, not '%s'", where, key->name, expected, shown);
}

gboolean settings_set(struct settings *settings, const char *key, const char *value, const char *where,
		      GError **error)
{
	int row = key_find(key);

	if (row == KEY_NONE && section_find(key))
		return section_value_error(error, where, key);
	if (row == KEY_NONE)
		return unknown_key_error(error, where, key);
	return value_set(settings, &key_table[row], value) || value_error(error, where, &key_table[row], value);
}

gboolean settings_assign(struct settings *settings, const char *assignment, GError **error)
{
	const char *equals = strchr(assignment, '=');
	g_autofree char *key = NULL, *shown = NULL;

	if (equals == NULL || equals == assignment) {
		shown = excerpt(assignment);
		return usage_error(error, "--set %s: expected KEY=VALUE, such as tiles.size=96", shown);
	}
	key = g_strndup(assignment, (gsize)(equals - assignment));
	return settings_set(settings, key, equals + 1, "--set ", error);
}

void settings_set_data_dir(struct settings *settings, const char *dir)
{
	char **paths[] = { &settings->paths.train, &settings->paths.test, &settings->paths.model,
			   &settings->paths.output };
	static const char *const names[] = { "train", "test", "model", "output" };

	for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_free(*paths[i]);
		*paths[i] = g_build_filename(dir, names[i], NULL);
	}
}

void settings_find_model(struct settings *settings)
{
	g_autofree char *name = g_path_get_basename(settings->paths.model);
	g_autofree char *folder = g_path_get_dirname(settings->paths.model);
	g_autofree char *volume = g_build_filename(folder, "volume", NULL);

	if (!g_str_equal(name, "model") || g_file_test(settings->paths.model, G_FILE_TEST_EXISTS) ||
	    !g_file_test(volume, G_FILE_TEST_IS_DIR))
		return;
	g_free(settings->paths.model);
	settings->paths.model = g_steal_pointer(&volume);
}

gboolean settings_go_on(const struct settings *settings)
{
	return settings->model.weights[0] != '\0' || g_str_has_suffix(settings->model.network, ".pt");
}

gboolean settings_check(const struct settings *settings, GError **error)
{
	g_autofree char *shown = excerpt(settings->data.images);
	g_autoptr(settings_t) scratch = settings_copy(settings);

	for (const struct key *key = key_table; key->name; key++) {
		g_autofree char *value = value_get(settings, key);

		if (!value_set(scratch, key, value))
			return value_error(error, "", key, value);
	}
	if (*settings->data.labels == '\0' && strstr(settings->data.images, "{class}") == NULL)
		return usage_error(error, "data.images: expected {class} in '%s', or a CSV with the classes in "
				   "data.labels", shown);
	if (settings->sampling.tumour + settings->sampling.normal + settings->sampling.negative <= 0)
		return usage_error(error, "sampling.tumour, normal and negative: expected at least one above 0");
	if (settings->augmentation.mixup + settings->augmentation.cutmix > 1)
		return usage_error(error, "augmentation.mixup and cutmix: expected at most 1 in all");
	return TRUE;
}

const char *const *settings_keys(void)
{
	static const char **names;

	if (g_once_init_enter(&names)) {
		GPtrArray *list = g_ptr_array_new();

		for (const struct key *key = key_table; key->name; key++)
			g_ptr_array_add(list, (char *)key->name);
		g_ptr_array_add(list, NULL);
		g_once_init_leave(&names, (const char **)g_ptr_array_free(list, FALSE));
	}
	return names;
}

char *settings_get(const struct settings *settings, const char *key)
{
	int row = key_find(key);

	g_return_val_if_fail(row != KEY_NONE, NULL);
	return value_get(settings, &key_table[row]);
}
