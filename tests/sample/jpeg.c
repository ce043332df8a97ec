/* libjpeg with its longjmp caged: no function of this file is left other than by return.
 * Nothing between setjmp and longjmp owns memory outside the encoder. */
#include "jpeg.h"

#include <gio/gio.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

struct JpegEncoder {
	struct jpeg_compress_struct compress;
	struct jpeg_error_mgr manager;
	jmp_buf failed;
	char message[JMSG_LENGTH_MAX];
	int side;
	int quality;
	int colour_w, colour_h;		/* px */
	unsigned char *buffer;		/* as large as any image can get, so that libjpeg never grows it */
	unsigned long capacity;
	unsigned char *grown;		/* libjpeg's own, if it did */
};

static void fail(j_common_ptr common)
{
	struct JpegEncoder *encoder = common->client_data;
	common->err->format_message(common, encoder->message);
	longjmp(encoder->failed, 1);
}

static void keep_quiet(j_common_ptr common)
{
	(void)common;
}

struct JpegEncoder *jpeg_encoder_new(int side, int quality)
{
	struct JpegEncoder *encoder = g_new0(struct JpegEncoder, 1);
	encoder->side = side;
	encoder->quality = quality;
	encoder->colour_w = encoder->colour_h = 1;
	encoder->capacity = (unsigned long)side * (unsigned long)side * 6 + 65536;
	encoder->buffer = g_malloc(encoder->capacity);
	encoder->compress.err = jpeg_std_error(&encoder->manager);
	encoder->manager.error_exit = fail;
	encoder->manager.output_message = keep_quiet;
	encoder->compress.client_data = encoder;
	jpeg_create_compress(&encoder->compress);
	encoder->compress.client_data = encoder;
	return encoder;
}

void jpeg_encoder_share_colour(struct JpegEncoder *encoder, int width, int height)
{
	encoder->colour_w = MAX(width, 1);
	encoder->colour_h = MAX(height, 1);
}

void jpeg_encoder_free(struct JpegEncoder *encoder)
{
	if (!encoder)
		return;
	jpeg_destroy_compress(&encoder->compress);
	free(encoder->grown);
	g_free(encoder->buffer);
	g_free(encoder);
}

static void compress_rows(struct JpegEncoder *encoder, const guint8 *rgb)
{
	struct jpeg_compress_struct *compress = &encoder->compress;
	compress->image_width = (JDIMENSION)encoder->side;
	compress->image_height = (JDIMENSION)encoder->side;
	compress->input_components = 3;
	compress->in_color_space = JCS_RGB;
	jpeg_set_defaults(compress);
	jpeg_set_quality(compress, encoder->quality, TRUE);
	compress->comp_info[0].h_samp_factor = encoder->colour_w;
	compress->comp_info[0].v_samp_factor = encoder->colour_h;
	jpeg_start_compress(compress, TRUE);
	while (compress->next_scanline < compress->image_height) {
		gsize offset = (gsize)compress->next_scanline * (gsize)encoder->side * 3;
		JSAMPROW row = (JSAMPROW)(rgb + offset);
		jpeg_write_scanlines(compress, &row, 1);
	}
	jpeg_finish_compress(compress);
}

bool jpeg_encoder_encode(struct JpegEncoder *encoder, const guint8 *rgb, const guint8 **data,
	gsize *length, GError **error)
{
	unsigned char *out = encoder->buffer;
	unsigned long size = encoder->capacity;

	if (setjmp(encoder->failed)) {
		jpeg_abort_compress(&encoder->compress);
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "JPEG: %s", encoder->message);
		return false;
	}
	jpeg_mem_dest(&encoder->compress, &out, &size);
	compress_rows(encoder, rgb);
	free(encoder->grown);
	encoder->grown = out == encoder->buffer ? NULL : out;
	*data = out;
	*length = size;
	return true;
}
