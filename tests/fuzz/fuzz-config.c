/*
 * fuzz-config.c - any bytes as data.yaml: a fault of one line, or settings that fit their keys and are the same
 * when they are written and read again, and patterns that stay below their folder's name.
 */
#include "common/config/config.h"
#include "common/fault/fault.h"
#include "common/task/pattern.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_for(const struct settings *s)
{
	const char *const patterns[] = { s->data.images, s->data.masks, s->data.test };

	for (gsize i = 0; i < G_N_ELEMENTS(patterns); i++) {
		g_autofree char *path = pattern_path("/nowhere", patterns[i], s->data.classes[0], "Slide001");
		g_autoptr(GError) error = NULL;
		g_autoptr(GPtrArray) found = pattern_list("/nowhere", patterns[i], s->data.classes[0], &error);
		g_assert_true(g_str_has_prefix(path, "/nowhere"));
		g_assert_true((found == NULL) == (error != NULL));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(settings_t) settings = settings_new(), again = settings_new();
	g_autofree char *text = g_memdup2(data, size), *first = NULL, *second = NULL; /* so that reading on is seen */
	g_autoptr(GError) error = NULL;

	if (!settings_read(settings, text, size, "f.yaml", &error)) {
		g_assert_error(error, FAULT, FAULT_USAGE);
		g_assert_true(g_str_has_prefix(error->message, "f.yaml:"));
		g_assert_null(strchr(error->message, '\n'));
		g_assert_true(g_utf8_validate(error->message, -1, NULL));
		return 0;
	}
	if (!settings_check(settings, NULL))
		return 0;
	first = settings_to_yaml(settings);
	g_assert_true(settings_read(again, first, strlen(first), "again.yaml", &error));
	second = settings_to_yaml(again);
	g_assert_cmpstr(first, ==, second);
	look_for(again);
	return 0;
}
