/*
 * png_file.h - PNG files, row by row: a mask of 10 gigapixels never stands in memory.
 *
 * Errors: FAULT_DATA with the file's name and libpng's message (its longjmp does not leave this module);
 *         GFileError when it cannot be opened or written.
 * Limits: sides up to 2^20 px; an interlaced file, which must be held whole, up to 2^28 bytes of pixels; other
 *         chunks, 8 MB. What cannot be read early ends there: time goes by the bytes of the file.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* Called for each row, top first: row y of width * channels bytes. False stops and is handed up with the
   error it set. */
typedef gboolean (*png_row)(void *context, guint32 y, const guint8 *row, GError **error);
/* Called once, before the first row: false stops, likewise. */
typedef gboolean (*png_size)(void *context, guint32 width, guint32 height, GError **error);

/* Any PNG as 8 bits a channel: 1 channel (of colours the largest, alpha is ignored) or 3 (RGB). (libpng has
   taken the name png_read_rows.) */
gboolean png_file_rows(const char *path, int channels, png_size size_opt, png_row row, void *context,
		       GError **error);
/* The same over bytes in memory; name is for messages. */
gboolean png_parse_rows(const void *data, gsize length, const char *name, int channels, png_size size_opt,
			png_row row, void *context, GError **error);
/* A small picture whole: at most `limit` px, channels bytes each; g_free() it. */
guint8 *png_read(const char *path, int channels, guint64 limit, guint32 *width, guint32 *height,
		 GError **error);
/* Written beside, then renamed. channels 1 or 3; rows are width * channels bytes, without gaps. */
gboolean png_write(const char *path, const guint8 *pixels, guint32 width, guint32 height, int channels,
		   GError **error);

G_END_DECLS
