/*
 * fuzz-mask.c - any drawing as a mask: the first bytes say width, scale, origin and a rectangle, the others are
 * pixels, one a bit, in a PNG that is well made (those that are not: fuzz-png.c). Area, share, lesions and the
 * one with most of a rectangle are compared with what counting pixels gives.
 */
#include "common/fault/fault.h"
#include "common/slide/mask.h"
#include "tests/fuzz/memory_file.h"
#include <math.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 8, PX_MAX = 8192 };

struct drawing {
	guint32 width, height;  /* px; a row is whole bytes */
	const guint8 *bits;
};

static gboolean is_set(const struct drawing *d, gint64 x, gint64 y)
{
	return x >= 0 && y >= 0 && x < d->width && y < d->height &&
	       (d->bits[((gsize)y * d->width + (gsize)x) / 8] >> (7 - x % 8) & 1);
}

static void append_number(GByteArray *to, guint32 number)
{
	guint32 big = GUINT32_TO_BE(number);

	g_byte_array_append(to, (guint8 *)&big, 4);
}

static void append_chunk(GByteArray *to, const char *type, const guint8 *data, guint32 length)
{
	guint at = to->len + 4;

	append_number(to, length);
	g_byte_array_append(to, (const guint8 *)type, 4);
	g_byte_array_append(to, data, length);
	append_number(to, (guint32)crc32(0, to->data + at, length + 4));
}

/* PNG (ISO/IEC 15948) of one bit a pixel: each row begins with its filter, 0. */
static GByteArray *encode(const struct drawing *d)
{
	gsize stride = d->width / 8;
	g_autoptr(GByteArray) rows = g_byte_array_new(), head = g_byte_array_new();
	GByteArray *to = g_byte_array_new();

	for (guint32 y = 0; y < d->height; y++) {
		g_byte_array_append(rows, (const guint8 *)"", 1);
		g_byte_array_append(rows, d->bits + y * stride, (guint)stride);
	}
	uLongf packed = compressBound(rows->len);
	g_autofree guint8 *pixels = g_malloc(packed);
	g_assert_cmpint(compress2(pixels, &packed, rows->data, rows->len, 0), ==, Z_OK);
	append_number(head, d->width);
	append_number(head, d->height);
	g_byte_array_append(head, (const guint8 *)"\1\0\0\0\0", 5);
	g_byte_array_append(to, (const guint8 *)"\x89PNG\r\n\x1a\n", 8);
	append_chunk(to, "IHDR", head->data, head->len);
	append_chunk(to, "IDAT", pixels, (guint32)packed);
	append_chunk(to, "IEND", (const guint8 *)"", 0);
	return to;
}

/* Marks a lesion's pixels, and says how many they are. */
static guint64 flood(const struct drawing *d, guint8 *seen, guint32 first)
{
	g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof first);
	guint64 n = 0;

	seen[first] = 1;
	g_array_append_val(open, first);
	while (open->len > 0) {
		guint32 at = g_array_index(open, guint32, open->len - 1);
		g_array_set_size(open, open->len - 1);
		n++;
		for (int k = 0; k < 9; k++) {
			gint64 x = (gint64)(at % d->width) + k % 3 - 1, y = (gint64)(at / d->width) + k / 3 - 1;
			guint32 next = (guint32)(y * d->width + x);
			if (!is_set(d, x, y) || seen[next])
				continue;
			seen[next] = 1;
			g_array_append_val(open, next);
		}
	}
	return n;
}

static void assert_lesions(const struct mask *m, const struct drawing *d)
{
	g_autofree guint8 *seen = g_malloc0((gsize)d->width * d->height);
	guint64 sum = 0, largest = 0;
	guint n = 0;

	for (guint32 i = 0; i < d->width * d->height; i++) {
		if (seen[i] || !is_set(d, i % d->width, i / d->width))
			continue;
		guint64 area = flood(d, seen, i);
		largest = MAX(largest, area);
		sum += area;
		n++;
	}
	g_assert_cmpuint(m->area, ==, sum);
	g_assert_cmpuint(m->n_lesions, ==, n);
	for (guint32 i = 0; i < m->n_lesions; i++) {
		const struct mask_lesion *l = &m->lesions[i];
		g_assert_true(l->left < l->right && l->right <= d->width && l->top < l->bottom && l->bottom <= d->height);
		g_assert_cmpuint(l->area, >=, MAX(l->right - l->left, l->bottom - l->top));
		g_assert_cmpuint(l->area, <=, i == 0 ? largest : m->lesions[i - 1].area);
		sum -= l->area;
	}
	g_assert_cmpuint(sum, ==, 0);
	g_assert_true(n == 0 || m->lesions[0].area == largest);
}

/* Over a rectangle of x, y, w, h whole mask pixels, which may lie outside. */
static void assert_share(const struct mask *m, const struct drawing *d, const gint64 at[4])
{
	double s = m->scale, x = (double)m->origin_x + s * (double)at[0], y = (double)m->origin_y + s * (double)at[1];
	double w = s * (double)at[2], h = s * (double)at[3], share = mask_share(m, x, y, w, h);
	int lesion = mask_lesion_at(m, x, y, w, h);
	guint64 n = 0;

	for (gint64 v = at[1]; v < at[1] + at[3]; v++)
		for (gint64 u = at[0]; u < at[0] + at[2]; u++)
			n += is_set(d, u, v) ? 1 : 0;
	g_assert_true(fabs(share - (double)n / (double)(at[2] * at[3])) < 1e-9);
	g_assert_cmpint(lesion, >=, n > 0 ? 0 : -1);
	g_assert_cmpint(lesion, <, n > 0 ? (int)m->n_lesions : 0);
	if (lesion >= 0)
		g_assert_true(mask_lesion_area(m, (guint)lesion, 0.5) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size <= HEAD)
		return 0;
	guint32 width = 8 * (1 + data[0] % 32u), height = (guint32)MIN(size - HEAD, PX_MAX / 8) / (width / 8);
	struct drawing d = { width, height, data + HEAD };
	const gint64 at[4] = { (gint8)data[1], (gint8)data[2], 1 + data[3] % 64, 1 + data[4] % 64 };
	int scale = 1 + data[5] % 64, x = (gint8)data[6] * 100, y = (gint8)data[7] * 100;
	g_autoptr(GByteArray) png = height > 0 ? encode(&d) : NULL;
	g_autoptr(GError) error = NULL;

	if (png == NULL)
		return 0;
	g_autoptr(mask_t) mask = mask_parse(png->data, png->len, "fuzz.png", scale, x, y, &error);
	g_assert_no_error(error);
	g_autofree char *path = NULL;
	int fd = memory_file(png->data, png->len, &path);
	g_autoptr(mask_t) file = mask_read(path, scale, x, y, &error);
	close(fd);
	g_assert_no_error(error);
	g_assert_true(file->area == mask->area && file->n_lesions == mask->n_lesions);
	g_assert_true(mask->width == width && mask->height == height);
	g_assert_true(mask_fits(mask, (gint64)width * scale, (gint64)height * scale, &error));
	g_assert_false(mask_fits(mask, (gint64)(width + 3) * scale, (gint64)height * scale, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	assert_lesions(mask, &d);
	assert_share(mask, &d, at);
	return 0;
}
