/* Compresses RGB images of one fixed size to JPEG in memory.
 *
 * The encoder owns its output buffer; a caller copies or writes it out before the next call.
 * One encoder is used by one thread at a time. Colour is kept at full resolution (4:4:4) where nothing else is asked for. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct JpegEncoder;

/* side: width and height, px; quality: 1 to 100, libjpeg's scale. */
struct JpegEncoder *jpeg_encoder_new(int side, int quality);
void jpeg_encoder_halve_colour(struct JpegEncoder *encoder);	/* 4:2:0 from here on */
void jpeg_encoder_free(struct JpegEncoder *encoder);
typedef struct JpegEncoder JpegEncoder;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JpegEncoder, jpeg_encoder_free)

/* rgb: (side, side, 3). On success *data is the encoder's own. */
bool jpeg_encoder_encode(struct JpegEncoder *encoder, const guint8 *rgb, const guint8 **data,
	gsize *length, GError **error);
