/* test-png.c - png_file: every kind of PNG as 8 bits, exact values, and what broken files say. */
#include "common/fault/fault.h"
#include "common/image/png_file.h"
#include <glib/gstdio.h>
#include <png.h>
#include <sys/stat.h>
#include <zlib.h>

/* ---- files made here, with libpng ---- */

struct kind {
	int colour, bits;
	gboolean interlaced;
};

static void append(png_structp png, png_bytep from, size_t length)
{
	g_byte_array_append(png_get_io_ptr(png), from, (guint)length);
}

/* rows: packed as the kind has them. The palette is black, red, green, white. */
static GByteArray *encode(struct kind kind, guint32 width, guint32 height, const guint8 *rows)
{
	GByteArray *to = g_byte_array_new();
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);
	png_color palette[4] = { { 0, 0, 0 }, { 255, 0, 0 }, { 0, 255, 0 }, { 255, 255, 255 } };
	int passes;

	png_set_write_fn(png, to, append, NULL);
	png_set_IHDR(png, info, width, height, kind.bits, kind.colour,
		     kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
	png_set_gAMA(png, info, 0.3); /* has no influence */
	if (kind.colour == PNG_COLOR_TYPE_PALETTE) {
		png_byte alpha[2] = { 0, 128 };

		png_set_PLTE(png, info, palette, 4);
		png_set_tRNS(png, info, alpha, 2, NULL);
	}
	png_write_info(png, info);
	passes = png_set_interlace_handling(png);
	for (int pass = 0; pass < passes; pass++)
		for (guint32 y = 0; y < height; y++)
			png_write_row(png, rows + y * png_get_rowbytes(png, info));
	png_write_end(png, NULL);
	png_destroy_write_struct(&png, &info);
	return to;
}

struct got {
	guint32 width, height, next;
	int channels, sizes;
	GByteArray *bytes;
	guint32 stop_at; /* 0: nowhere */
};

static gboolean got_size(void *context, guint32 width, guint32 height, GError **error)
{
	struct got *g = context;

	if (width == 77) {
		g_set_error(error, FAULT, FAULT_DATA, "77 is not wanted");
		return FALSE;
	}
	g->width = width;
	g->height = height;
	g->sizes++;
	return TRUE;
}

static gboolean got_row(void *context, guint32 y, const guint8 *row, GError **error)
{
	struct got *g = context;

	g_assert_cmpint(g->sizes, ==, 1);
	g_assert_cmpuint(y, ==, g->next++);
	if (g->stop_at > 0 && y == g->stop_at) {
		g_set_error(error, FAULT, FAULT_ROOM, "row %u is enough", y);
		return FALSE;
	}
	g_byte_array_append(g->bytes, row, g->width * (guint)g->channels);
	return TRUE;
}

static void assert_bytes(const guint8 *got, gsize n, const guint8 *want, gsize n_want)
{
	g_assert_cmpuint(n, ==, n_want);
	for (gsize i = 0; i < n; i++)
		g_assert_cmpuint(got[i], ==, want[i]);
}

static void expect(struct kind kind, guint32 width, guint32 height, const guint8 *rows, int channels,
		   const guint8 *pixels)
{
	g_autoptr(GByteArray) png = encode(kind, width, height, rows), bytes = g_byte_array_new();
	struct got got = { .channels = channels, .bytes = bytes };
	GError *error = NULL;

	g_assert_true(png_parse_rows(png->data, png->len, "it", channels, got_size, got_row, &got, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(got.width, ==, width);
	g_assert_cmpuint(got.next, ==, height);
	assert_bytes(bytes->data, bytes->len, pixels, (gsize)width * height * (gsize)channels);
}

static void test_kinds(void)
{
	static const guint8 bits[] = { 0xa0, 0x40 }, bits_grey[] = { 255, 0, 255, 0, 255, 0 },
			    bits_rgb[] = { 255, 255, 255, 0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255, 0, 0, 0 };
	static const guint8 deep[] = { 0x12, 0x34, 0xff, 0xff, 0x80, 0x7f, 0x00, 0x81 },
			    deep_grey[] = { 0x12, 0xff, 0x80, 0x01 };
	static const guint8 palette[] = { 0x1b }, palette_rgb[] = { 0, 0, 0, 255, 0, 0, 0, 255, 0, 255, 255, 255 },
			    palette_grey[] = { 0, 255, 255, 255 };
	static const guint8 rgba[] = { 10, 20, 30, 0, 200, 100, 50, 128 }, rgba_rgb[] = { 10, 20, 30, 200, 100, 50 },
			    rgba_grey[] = { 30, 200 };      /* the largest of three */
	static const guint8 grey_alpha[] = { 7, 0, 9, 255 }, grey_alpha_grey[] = { 7, 9 };

	for (int i = 0; i < 2; i++) {
		expect((struct kind){ PNG_COLOR_TYPE_GRAY, 1, i }, 3, 2, bits, 1, bits_grey);
		expect((struct kind){ PNG_COLOR_TYPE_GRAY, 1, i }, 3, 2, bits, 3, bits_rgb);
		expect((struct kind){ PNG_COLOR_TYPE_GRAY, 16, i }, 2, 2, deep, 1, deep_grey);
		expect((struct kind){ PNG_COLOR_TYPE_PALETTE, 2, i }, 4, 1, palette, 3, palette_rgb);
		expect((struct kind){ PNG_COLOR_TYPE_PALETTE, 2, i }, 4, 1, palette, 1, palette_grey);
		expect((struct kind){ PNG_COLOR_TYPE_RGB_ALPHA, 8, i }, 1, 2, rgba, 3, rgba_rgb);
		expect((struct kind){ PNG_COLOR_TYPE_RGB_ALPHA, 8, i }, 1, 2, rgba, 1, rgba_grey);
		expect((struct kind){ PNG_COLOR_TYPE_GRAY_ALPHA, 8, i }, 2, 1, grey_alpha, 1, grey_alpha_grey);
	}
}

static void test_interlaced(void)
{
	g_autofree guint8 *pixels = g_malloc(37 * 23 * 3);

	for (int i = 0; i < 37 * 23 * 3; i++)
		pixels[i] = (guint8)(i * 7 + i / 111);
	expect((struct kind){ PNG_COLOR_TYPE_RGB, 8, TRUE }, 37, 23, pixels, 3, pixels);
}

/* ---- faults ---- */

static void assert_fault(const guint8 *data, gsize length, guint32 stop_at, int code, const char *message)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(GError) error = NULL;
	struct got got = { .channels = 1, .bytes = bytes, .stop_at = stop_at };

	g_assert_false(png_parse_rows(data, length, "masks/a.png", 1, got_size, got_row, &got, &error));
	g_assert_error(error, FAULT, code);
	g_assert_cmpstr(error->message, ==, message);
}

static void test_faults(void)
{
	static const guint8 rows[100 * 77];
	g_autoptr(GByteArray) good = encode((struct kind){ PNG_COLOR_TYPE_GRAY, 8, FALSE }, 50, 40, rows);
	g_autoptr(GByteArray) wide = encode((struct kind){ PNG_COLOR_TYPE_GRAY, 8, FALSE }, 77, 2, rows);
	g_autofree guint8 *bad = g_memdup2(good->data, good->len);

	assert_fault((const guint8 *)"GIF89a, no PNG", 14, 0, FAULT_DATA, "'masks/a.png': Not a PNG file");
	assert_fault(good->data, 0, 0, FAULT_DATA, "'masks/a.png': the file ends early");
	assert_fault(good->data, good->len / 2, 0, FAULT_DATA, "'masks/a.png': the file ends early");
	assert_fault(good->data, good->len - 1, 0, FAULT_DATA, "'masks/a.png': the file ends early");
	assert_fault(good->data, good->len, 3, FAULT_ROOM, "row 3 is enough");
	assert_fault(wide->data, wide->len, 0, FAULT_DATA, "77 is not wanted");
	bad[good->len - 14] ^= 1; /* the last byte of the pixels' checksum */
	assert_fault(bad, good->len, 0, FAULT_DATA, "'masks/a.png': IDAT: CRC error");
}

/* The head of a file of 8 x 8 px says 2^20 + 1 px; others', interlaced, more than 2^28 bytes, in grey and in
   colour, and just 2^28, which are read as far as they go. */
static void test_limits(void)
{
	static const guint8 rows[3 * 64];
	static const struct { guint32 sides[2]; struct kind kind; const char *message; } cases[] = {
		{ { (1 << 20) + 1, 1 }, { PNG_COLOR_TYPE_GRAY, 8, FALSE }, "'masks/a.png': Invalid IHDR data" },
		{ { 1 << 14, (1 << 14) + 1 }, { PNG_COLOR_TYPE_GRAY, 8, TRUE },
		  "'masks/a.png': it is interlaced and too large to be held whole" },
		{ { 1 << 14, 1 << 13 }, { PNG_COLOR_TYPE_RGB, 8, TRUE },
		  "'masks/a.png': it is interlaced and too large to be held whole" },
		{ { 1 << 14, 1 << 14 }, { PNG_COLOR_TYPE_GRAY, 8, TRUE }, "'masks/a.png': Not enough image data" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GByteArray) png = encode(cases[i].kind, 8, 8, rows);
		guint32 sum;

		for (int k = 0; k < 2; k++) {
			guint32 side = GUINT32_TO_BE(cases[i].sides[k]);

			memcpy(png->data + 16 + 4 * k, &side, 4);
		}
		sum = GUINT32_TO_BE((guint32)crc32(0, png->data + 12, 17));
		memcpy(png->data + 29, &sum, 4);
		assert_fault(png->data, png->len, 0, FAULT_DATA, cases[i].message);
	}
}

static void test_files(void)
{
	g_autofree char *folder = g_dir_make_tmp("blindrun-png-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "p.png", NULL), *none = g_build_filename(folder, "none", NULL);
	g_autofree char *in_none = g_build_filename(none, "p.png", NULL), *expected = NULL;
	static const guint8 pixels[2 * 3 * 3] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 251, 252, 253, 254, 255, 0, 0, 9 };
	g_autofree guint8 *rgb = NULL, *grey = NULL;
	guint32 w = 0, h = 0;
	GError *error = NULL;

	g_assert_true(png_write(path, pixels, 3, 2, 3, &error));
	rgb = png_read(path, 3, 6, &w, &h, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(w, ==, 3);
	g_assert_cmpuint(h, ==, 2);
	assert_bytes(rgb, 18, pixels, 18);

	g_assert_true(png_write(path, pixels, 9, 2, 1, &error)); /* in its place */
	grey = png_read(path, 1, 18, &w, &h, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(w, ==, 9);
	assert_bytes(grey, 18, pixels, 18);

	w = 5;
	g_assert_null(png_read(path, 1, 17, &w, &h, &error));
	expected = g_strdup_printf("'%s': 9 x 2 px; at most 17 px are wanted here", path);
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, expected);
	g_assert_cmpuint(w, ==, 5);
	g_clear_error(&error);

	g_assert_null(png_read(none, 1, 17, &w, &h, &error));
	g_free(expected);
	expected = g_strdup_printf("'%s': No such file or directory", none);
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
	g_assert_cmpstr(error->message, ==, expected);
	g_clear_error(&error);

	g_assert_null(png_read(folder, 1, 17, &w, &h, &error));
	g_free(expected);
	expected = g_strdup_printf("'%s': not a file", folder);
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, expected);
	g_clear_error(&error);

	g_assert_cmpint(mkfifo(none, 0600), ==, 0);     /* no one writes: it must not wait */
	g_assert_null(png_read(none, 1, 17, &w, &h, &error));
	g_free(expected);
	expected = g_strdup_printf("'%s': not a file", none);
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, expected);
	g_clear_error(&error);
	g_assert_cmpint(g_unlink(none), ==, 0);

	g_assert_false(png_write(in_none, pixels, 3, 2, 3, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
	g_clear_error(&error);
	g_assert_false(png_write(path, pixels, 0, 2, 3, &error));
	g_free(expected);
	expected = g_strdup_printf("'%s': Invalid IHDR data", path);
	g_assert_error(error, FAULT, FAULT_FAILED);
	g_assert_cmpstr(error->message, ==, expected);
	g_clear_error(&error);
	g_free(grey);
	grey = png_read(path, 1, 18, &w, &h, &error); /* what was there is still there */
	assert_bytes(grey, 18, pixels, 18);

	g_unlink(path);
	g_rmdir(folder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/png/kinds", test_kinds);
	g_test_add_func("/png/interlaced", test_interlaced);
	g_test_add_func("/png/faults", test_faults);
	g_test_add_func("/png/limits", test_limits);
	g_test_add_func("/png/files", test_files);
	return g_test_run();
}
