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
/* From here on so many px across and down share one colour, 1 or 2 (0: 1): 2, 2 is 4:2:0. */
void jpeg_encoder_share_colour(struct JpegEncoder *encoder, int width, int height);
void jpeg_encoder_free(struct JpegEncoder *encoder);
typedef struct JpegEncoder JpegEncoder;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JpegEncoder, jpeg_encoder_free)

/* rgb: (side, side, 3). On success *data is the encoder's own. */
bool jpeg_encoder_encode(struct JpegEncoder *encoder, const guint8 *rgb, const guint8 **data,
	gsize *length, GError **error);
