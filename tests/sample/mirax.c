/* The MIRAX writer. Images are made depth first, from the coarsest level down, so that each
 * level needs one buffer; the index is kept in memory (16 bytes an image) and written last. */
#include "mirax.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "jpeg.h"
#include "random.h"

#define DATA_LIMIT (64 << 20)	/* bytes after which a further data file is begun */
#define PAGE_ENTRIES 512	/* images a page of the index */
#define MAX_LEVELS 16

struct Entry {
	gint32 image, offset, length, file;
};

struct Writer {
	const struct MiraxGeometry *geometry;
	const struct MiraxPicture *picture;
	char *folder;
	char id[33];
	guint8 *present;		/* (positions_y, positions_x) */
	guint8 *pixels[MAX_LEVELS];	/* (image, image, 3) each */
	GArray *entries[MAX_LEVELS];	/* struct Entry */
	struct JpegEncoder *encoder;
	FILE *data;
	gint32 data_file;		/* number of the file that is open */
	gint32 data_length;
	gint32 position_length;		/* of the position buffer, at the start of file 0 */
};

int mirax_photo(const struct MiraxGeometry *geometry)
{
	return geometry->image * geometry->divisions;
}

gint64 mirax_width(const struct MiraxGeometry *geometry)
{
	gint64 advance = mirax_photo(geometry) - geometry->overlap_x;
	return geometry->positions_x * advance + geometry->overlap_x;
}

gint64 mirax_height(const struct MiraxGeometry *geometry)
{
	gint64 advance = mirax_photo(geometry) - geometry->overlap_y;
	return geometry->positions_y * advance + geometry->overlap_y;
}

static gint64 off_place(const struct MiraxGeometry *geometry, guint64 hash)
{
	if (geometry->jitter == 0)
		return 0;
	int steps = geometry->jitter / geometry->jitter_step;
	return ((gint64)(hash % (guint64)(2 * steps + 1)) - steps) * geometry->jitter_step;
}

void mirax_position(const struct MiraxGeometry *geometry, int column, int row, gint64 *x, gint64 *y)
{
	int photo = mirax_photo(geometry);
	guint64 hash = random_at(geometry->seed, column, row);
	gint64 place_x = (gint64)column * (photo - geometry->overlap_x);
	gint64 place_y = (gint64)row * (photo - geometry->overlap_y);
	if (column != geometry->first_x)
		place_x += off_place(geometry, hash & 0xffff);
	if (row != geometry->first_y)
		place_y += off_place(geometry, hash >> 48);
	*x = CLAMP(place_x, 0, mirax_width(geometry) - photo);
	*y = CLAMP(place_y, 0, mirax_height(geometry) - photo);
}

static bool file_error(GError **error, const char *what, const char *path)
{
	int code = errno;
	g_set_error(error, G_IO_ERROR, (int)g_io_error_from_errno(code), "%s '%s': %s", what, path,
		g_strerror(code));
	return false;
}

/* Ends the data file that is open, if any. */
static bool data_close(struct Writer *writer, GError **error)
{
	if (!writer->data)
		return true;
	FILE *file = g_steal_pointer(&writer->data);
	if (fclose(file) != 0)
		return file_error(error, "cannot write a data file in", writer->folder);
	return true;
}

static bool data_open(struct Writer *writer, gint32 number, GError **error)
{
	if (!data_close(writer, error))
		return false;
	g_autofree char *name = g_strdup_printf("Data%04d.dat", number);
	g_autofree char *path = g_build_filename(writer->folder, name, NULL);
	writer->data = g_fopen(path, "wb");
	if (!writer->data)
		return file_error(error, "cannot create", path);
	writer->data_file = number;
	writer->data_length = 0;
	return true;
}

static bool data_append(struct Writer *writer, const void *bytes, gsize length, GError **error)
{
	if (fwrite(bytes, 1, length, writer->data) != length)
		return file_error(error, "cannot write a data file in", writer->folder);
	writer->data_length += (gint32)length;
	return true;
}

/* Which photos show something, and what they cover together. */
static bool find_present(struct Writer *writer, struct MiraxBounds *bounds, GError **error)
{
	const struct MiraxGeometry *geometry = writer->geometry;
	int photo = mirax_photo(geometry);
	gint64 left = G_MAXINT64, top = G_MAXINT64, right = 0, bottom = 0;

	for (int row = 0; row < geometry->positions_y; row++)
		for (int column = 0; column < geometry->positions_x; column++) {
			gint64 x, y;
			mirax_position(geometry, column, row, &x, &y);
			if (!writer->picture->shows(writer->picture->self, x, y, photo, photo))
				continue;
			writer->present[(gsize)row * (gsize)geometry->positions_x + (gsize)column] = 1;
			left = MIN(left, x);
			top = MIN(top, y);
			right = MAX(right, x + photo);
			bottom = MAX(bottom, y + photo);
		}
	if (right == 0) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "no photo shows anything");
		return false;
	}
	*bounds = (struct MiraxBounds){ left, top, right - left, bottom - top };
	return true;
}

static void append_number(GByteArray *bytes, gint64 number)
{
	guint32 value = GUINT32_TO_LE((guint32)number);
	g_byte_array_append(bytes, (const guint8 *)&value, sizeof value);
}

/* Nine bytes a position; absent ones are all zero. */
static bool write_positions(struct Writer *writer, GError **error)
{
	const struct MiraxGeometry *geometry = writer->geometry;
	g_autoptr(GByteArray) bytes = g_byte_array_new();

	for (int row = 0; row < geometry->positions_y; row++)
		for (int column = 0; column < geometry->positions_x; column++) {
			guint8 flag = writer->present[(gsize)row * (gsize)geometry->positions_x + (gsize)column];
			gint64 x = 0, y = 0;
			if (flag)
				mirax_position(geometry, column, row, &x, &y);
			g_byte_array_append(bytes, &flag, 1);
			append_number(bytes, x);
			append_number(bytes, y);
		}
	writer->position_length = (gint32)bytes->len;
	return data_append(writer, bytes->data, bytes->len, error);
}

/* Quarters an image by 2x2 averages into one quadrant of its parent. */
static void shrink_into(guint8 *parent, const guint8 *child, int side, int right, int lower)
{
	int half = side / 2;
	gsize stride = (gsize)side * 3;

	for (int y = 0; y < half; y++) {
		const guint8 *from = child + (gsize)(2 * y) * stride;
		guint8 *to = parent + (gsize)(y + lower * half) * stride + (gsize)(right * half) * 3;
		for (int x = 0; x < half; x++, from += 6, to += 3)
			for (int c = 0; c < 3; c++)
				to[c] = (guint8)((from[c] + from[c + 3] + from[(gsize)c + stride] +
					from[(gsize)c + 3 + stride] + 2) >> 2);
	}
}

static bool store_image(struct Writer *writer, int level, int x, int y, GError **error)
{
	const struct MiraxGeometry *geometry = writer->geometry;
	const guint8 *bytes;
	gsize length;

	if (!jpeg_encoder_encode(writer->encoder, writer->pixels[level], &bytes, &length, error))
		return false;
	if (writer->data_file == 0 || writer->data_length > DATA_LIMIT)
		if (!data_open(writer, writer->data_file + 1, error))
			return false;
	struct Entry entry = {
		.image = y * geometry->positions_x * geometry->divisions + x,
		.offset = writer->data_length,
		.length = (gint32)length,
		.file = writer->data_file,
	};
	g_array_append_val(writer->entries[level], entry);
	return data_append(writer, bytes, length, error);
}

static bool load_photo(struct Writer *writer, int x, int y)
{
	const struct MiraxGeometry *geometry = writer->geometry;
	int column = x / geometry->divisions, row = y / geometry->divisions;
	gint64 left, top;

	if (!writer->present[(gsize)row * (gsize)geometry->positions_x + (gsize)column])
		return false;
	mirax_position(geometry, column, row, &left, &top);
	left += (gint64)(x % geometry->divisions) * geometry->image;
	top += (gint64)(y % geometry->divisions) * geometry->image;
	writer->picture->render(writer->picture->self, left, top, geometry->image, geometry->image,
		writer->pixels[0]);
	return true;
}

/* Makes and stores the image of a level that starts at image (x, y) of level 0, and all below it.
 * *made is false when none of its photos is present. */
static bool write_image(struct Writer *writer, int level, int x, int y, bool *made, GError **error)
{
	const struct MiraxGeometry *geometry = writer->geometry;
	int side = geometry->image;

	*made = false;
	if (x >= geometry->positions_x * geometry->divisions ||
	    y >= geometry->positions_y * geometry->divisions)
		return true;
	if (level == 0) {
		*made = load_photo(writer, x, y);
		return !*made || store_image(writer, level, x, y, error);
	}
	memset(writer->pixels[level], 255, (gsize)side * (gsize)side * 3);
	for (int part = 0; part < 4; part++) {
		int right = part & 1, lower = part >> 1, step = 1 << (level - 1);
		bool made_part;
		if (!write_image(writer, level - 1, x + right * step, y + lower * step, &made_part, error))
			return false;
		if (made_part)
			shrink_into(writer->pixels[level], writer->pixels[level - 1], side, right, lower);
		*made |= made_part;
	}
	return !*made || store_image(writer, level, x, y, error);
}

static bool write_images(struct Writer *writer, GError **error)
{
	const struct MiraxGeometry *geometry = writer->geometry;
	int step = 1 << (geometry->levels - 1);

	for (int y = 0; y < geometry->positions_y * geometry->divisions; y += step)
		for (int x = 0; x < geometry->positions_x * geometry->divisions; x += step) {
			bool made;
			if (!write_image(writer, geometry->levels - 1, x, y, &made, error))
				return false;
		}
	return true;
}

/* One level's pages, one after the other, as readers expect them. */
static void append_pages(GByteArray *bytes, const GArray *entries)
{
	guint done = 0;
	do {
		guint count = MIN(entries->len - done, PAGE_ENTRIES);
		bool last = done + count == entries->len;
		append_number(bytes, count);
		append_number(bytes, last ? 0 : (gint64)bytes->len + 4 + 16 * (gint64)count);
		for (guint i = done; i < done + count; i++) {
			const struct Entry *entry = &g_array_index(entries, struct Entry, i);
			append_number(bytes, entry->image);
			append_number(bytes, entry->offset);
			append_number(bytes, entry->length);
			append_number(bytes, entry->file);
		}
		done += count;
	} while (done < entries->len);
}

static void patch_number(GByteArray *bytes, guint at, guint value)
{
	guint32 little = GUINT32_TO_LE(value);
	memcpy(bytes->data + at, &little, sizeof little);
}

static bool write_index(struct Writer *writer, GError **error)
{
	int levels = writer->geometry->levels;
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autofree char *path = g_build_filename(writer->folder, "Index.dat", NULL);

	g_byte_array_append(bytes, (const guint8 *)"01.02", 5);
	g_byte_array_append(bytes, (const guint8 *)writer->id, (guint)strlen(writer->id));
	guint roots = bytes->len;
	append_number(bytes, roots + 8);
	append_number(bytes, 0);
	guint table = bytes->len;
	for (int level = 0; level < levels; level++)
		append_number(bytes, 0);
	for (int level = 0; level < levels; level++) {
		patch_number(bytes, table + 4 * (guint)level, bytes->len);
		append_number(bytes, 0);
		append_number(bytes, (gint64)bytes->len + 4);
		append_pages(bytes, writer->entries[level]);
	}
	patch_number(bytes, roots + 4, bytes->len);
	append_number(bytes, (gint64)bytes->len + 4);
	append_number(bytes, 0);
	append_number(bytes, (gint64)bytes->len + 4);
	const gint64 record[] = { 1, 0, 0, 0, 0, writer->position_length, 0 };
	for (gsize i = 0; i < G_N_ELEMENTS(record); i++)
		append_number(bytes, record[i]);
	return g_file_set_contents(path, (const char *)bytes->data, bytes->len, error);
}

static void append_level(GString *text, const struct MiraxGeometry *geometry, int level)
{
	double scale = (double)(1 << level);
	char number[G_ASCII_DTOSTR_BUF_SIZE];

	g_string_append_printf(text, "[LAYER_0_LEVEL_%d_SECTION]\r\n", level);
	g_ascii_dtostr(number, sizeof number, geometry->overlap_x / scale);
	g_string_append_printf(text, "OVERLAP_X = %s\r\n", number);
	g_ascii_dtostr(number, sizeof number, geometry->overlap_y / scale);
	g_string_append_printf(text, "OVERLAP_Y = %s\r\n", number);
	g_ascii_dtostr(number, sizeof number, geometry->mpp * scale);
	g_string_append_printf(text, "MICROMETER_PER_PIXEL_X = %s\r\n", number);
	g_string_append_printf(text, "MICROMETER_PER_PIXEL_Y = %s\r\n", number);
	g_string_append(text, "IMAGE_FORMAT = JPEG\r\nIMAGE_FILL_COLOR_BGR = 16777215\r\n");
	g_string_append_printf(text, "DIGITIZER_WIDTH = %d\r\n", geometry->image);
	g_string_append_printf(text, "DIGITIZER_HEIGHT = %d\r\n", geometry->image);
	g_string_append_printf(text, "IMAGE_CONCAT_FACTOR = %d\r\n", level > 0);
}

/* As the scanner writes it: a byte-order mark, lines end in CR LF. */
static bool write_slidedat(const struct Writer *writer, GError **error)
{
	const struct MiraxGeometry *geometry = writer->geometry;
	g_autoptr(GString) text = g_string_new("\xef\xbb\xbf[GENERAL]\r\n");
	g_autofree char *path = g_build_filename(writer->folder, "Slidedat.ini", NULL);

	g_string_append_printf(text, "SLIDE_VERSION = 01.02\r\nSLIDE_ID = %s\r\n", writer->id);
	g_string_append_printf(text, "IMAGENUMBER_X = %d\r\n", geometry->positions_x * geometry->divisions);
	g_string_append_printf(text, "IMAGENUMBER_Y = %d\r\n", geometry->positions_y * geometry->divisions);
	g_string_append_printf(text, "OBJECTIVE_MAGNIFICATION = %d\r\n", geometry->magnification);
	g_string_append_printf(text, "CameraImageDivisionsPerSide = %d\r\n", geometry->divisions);
	g_string_append(text, "[HIERARCHICAL]\r\nHIER_COUNT = 1\r\nNONHIER_COUNT = 1\r\n"
		"INDEXFILE = Index.dat\r\nHIER_0_NAME = Slide zoom level\r\n");
	g_string_append_printf(text, "HIER_0_COUNT = %d\r\n", geometry->levels);
	for (int level = 0; level < geometry->levels; level++) {
		g_string_append_printf(text, "HIER_0_VAL_%d = ZoomLevel_%d\r\n", level, level);
		g_string_append_printf(text, "HIER_0_VAL_%d_SECTION = LAYER_0_LEVEL_%d_SECTION\r\n", level, level);
	}
	g_string_append(text, "NONHIER_0_NAME = VIMSLIDE_POSITION_BUFFER\r\nNONHIER_0_COUNT = 1\r\n"
		"NONHIER_0_VAL_0 = default\r\nNONHIER_0_VAL_0_SECTION = NONHIERLAYER_0_SECTION\r\n"
		"[NONHIERLAYER_0_SECTION]\r\nVIMSLIDE_POSITION_DATA_FORMAT_VERSION = 256\r\n[DATAFILE]\r\n");
	g_string_append_printf(text, "FILE_COUNT = %d\r\n", writer->data_file + 1);
	for (int file = 0; file <= writer->data_file; file++)
		g_string_append_printf(text, "FILE_%d = Data%04d.dat\r\n", file, file);
	for (int level = 0; level < geometry->levels; level++)
		append_level(text, geometry, level);
	return g_file_set_contents(path, text->str, (gssize)text->len, error);
}

static bool write_all(struct Writer *writer, struct MiraxBounds *bounds, GError **error)
{
	if (g_mkdir_with_parents(writer->folder, 0777) != 0)
		return file_error(error, "cannot create", writer->folder);
	return find_present(writer, bounds, error) && data_open(writer, 0, error) &&
		write_positions(writer, error) && write_images(writer, error) &&
		data_close(writer, error) && write_index(writer, error) && write_slidedat(writer, error);
}

bool mirax_write(const char *path, const struct MiraxGeometry *geometry,
	const struct MiraxPicture *picture, struct MiraxBounds *bounds, GError **error)
{
	g_return_val_if_fail(g_str_has_suffix(path, ".mrxs"), false);
	g_return_val_if_fail(geometry->levels >= 1 && geometry->levels <= MAX_LEVELS, false);

	gsize positions = (gsize)geometry->positions_x * (gsize)geometry->positions_y;
	gsize side = (gsize)geometry->image;
	struct MiraxBounds found;
	struct Writer writer = { .geometry = geometry, .picture = picture };
	writer.folder = g_strndup(path, strlen(path) - strlen(".mrxs"));
	writer.present = g_malloc0(positions);
	writer.encoder = jpeg_encoder_new(geometry->image, geometry->quality);
	jpeg_encoder_share_colour(writer.encoder, geometry->colour_w, geometry->colour_h);
	for (int level = 0; level < geometry->levels; level++) {
		writer.pixels[level] = g_malloc(side * side * 3);
		writer.entries[level] = g_array_new(FALSE, FALSE, sizeof(struct Entry));
	}
	g_snprintf(writer.id, sizeof writer.id, "%016" G_GINT64_MODIFIER "X%016" G_GINT64_MODIFIER "X",
		random_mix(geometry->seed), random_mix(~geometry->seed));

	bool written = write_all(&writer, &found, error) && g_file_set_contents(path, "", 0, error);
	if (written)
		*bounds = found;
	else
		data_close(&writer, NULL);

	for (int level = 0; level < geometry->levels; level++) {
		g_free(writer.pixels[level]);
		g_array_unref(writer.entries[level]);
	}
	jpeg_encoder_free(writer.encoder);
	g_free(writer.present);
	g_free(writer.folder);
	return written;
}
