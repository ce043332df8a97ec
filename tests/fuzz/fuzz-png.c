/*
 * fuzz-png.c - any bytes as a picture, grey and in colour: no crash, rows in order and of full width, and
 * a fault with a message otherwise. The input is in a buffer of its exact size, so that a read past its end
 * shows; pictures over 2^22 px are refused, to be fast. Then once more with the chunks' checksums made
 * right, which chance would not find; and that as a file, read whole.
 */
#include "common/fault/fault.h"
#include "common/image/png_file.h"
#include "tests/fuzz/memory_file.h"
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	guint32 width, height, next;
	int channels;
	guint64 sum;            /* every byte of every row is read */
};

static gboolean take_size(void *context, guint32 width, guint32 height, GError **error)
{
	struct seen *seen = context;

	g_assert_cmpuint(width, >=, 1);
	g_assert_cmpuint(height, >=, 1);
	seen->width = width;
	seen->height = height;
	if ((guint64)width * height <= 1 << 22)
		return TRUE;
	g_set_error(error, FAULT, FAULT_DATA, "too large");
	return FALSE;
}

static gboolean take_row(void *context, guint32 y, const guint8 *row, GError **error G_GNUC_UNUSED)
{
	struct seen *seen = context;

	g_assert_cmpuint(y, ==, seen->next++);
	for (guint32 i = 0; i < seen->width * (guint32)seen->channels; i++)
		seen->sum += row[i];
	return TRUE;
}

static void parse(const guint8 *data, gsize size)
{
	for (int channels = 1; channels <= 3; channels += 2) {
		g_autoptr(GError) error = NULL;
		struct seen seen = { .channels = channels };

		if (png_parse_rows(data, size, "fuzz.png", channels, take_size, take_row, &seen, &error)) {
			g_assert_no_error(error);
			g_assert_cmpuint(seen.next, ==, seen.height);
		} else {
			g_assert_error(error, FAULT, FAULT_DATA);
			g_assert_cmpuint(strlen(error->message), >, 0);
		}
	}
}

/* A chunk: length of its data, 4 bytes of type, data, checksum of both. */
static void mend(guint8 *data, gsize size)
{
	for (gsize at = 8; at + 12 <= size;) {
		guint32 length, sum;

		memcpy(&length, data + at, 4);
		length = GUINT32_FROM_BE(length);
		if (length > size - at - 12)
			return;
		sum = GUINT32_TO_BE((guint32)crc32(0, data + at + 4, length + 4));
		memcpy(data + at + 8 + length, &sum, 4);
		at += 12 + (gsize)length;
	}
}

static void read_whole(const guint8 *data, gsize size)
{
	g_autofree char *path = NULL;
	g_autofree guint8 *pixels = NULL;
	guint32 width = 0, height = 0;
	guint64 sum = 0;
	int fd = memory_file(data, size, &path);

	pixels = png_read(path, 3, 1 << 22, &width, &height, NULL);
	close(fd);
	for (gsize i = 0; pixels != NULL && i < (gsize)width * height * 3; i++)
		sum += pixels[i];
	g_assert_cmpuint(sum, <=, (guint64)width * height * 3 * 255);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree guint8 *copy = g_memdup2(data, size);

	parse(copy, size);
	mend(copy, size);
	parse(copy, size);
	read_whole(copy, size);
	return 0;
}
