/*
 * fuzz-safetensors.c - any bytes as a .safetensors file: refused with an error, or every tensor's first and
 * last byte can be read and every name be found. Then it is a file, which says the same.
 */
#include "common/checkpoint/safetensors.h"
#include "common/fault/fault.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_file(const uint8_t *data, size_t size, const struct safetensors *parsed)
{
	g_autofree char *path = NULL;
	int fd = memory_file(data, size, &path);
	g_autoptr(safetensors_t) file = safetensors_open(path, NULL);
	close(fd);
	g_assert_true((file == NULL) == (parsed == NULL));
	if (file != NULL)
		g_assert_cmpuint(safetensors_count(file), ==, safetensors_count(parsed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static volatile guint8 sink;
	g_autofree guint8 *exact = g_memdup2(data, size);
	g_autoptr(GError) error = NULL;
	g_autoptr(safetensors_t) file = safetensors_parse(exact, size, "fuzz", &error);
	open_file(data, size, file);
	if (file == NULL) {
		g_assert_error(error, FAULT, FAULT_DATA);
		g_assert_true(g_utf8_validate(error->message, -1, NULL));
		g_assert_null(strchr(error->message, '\n'));
		return 0;
	}
	g_assert_no_error(error);
	for (guint i = 0; i < safetensors_count(file); i++) {
		const struct safetensor *t = safetensors_at(file, i);
		const guint8 *bytes = t->data;
		g_assert_true(safetensors_find(file, t->name) == t);
		gsize elements = 1;
		for (int d = 0; d < t->shape.n; d++)
			elements *= (gsize)t->shape.d[d];
		g_assert_true(t->size == 0 ? elements == 0 : t->size % elements == 0 && t->size / elements <= 8);
		if (t->size > 0)
			sink = (guint8)(sink ^ bytes[0] ^ bytes[t->size - 1]);
	}
	safetensors_metadata(file, "mean");
	return 0;
}
