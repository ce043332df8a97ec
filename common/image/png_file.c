/*
 * png_file.c - see png_file.h.
 *
 * libpng reports a fault by longjmp. Each function here that calls setjmp keeps all it changes behind one
 * pointer, owns nothing and frees nothing, so a jump can lose no value and no memory. Colour becomes grey
 * here and not in libpng, which would weigh it by the file's gamma and primaries.
 */
#include "common/image/png_file.h"
#include "common/fault/fault.h"
#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIDE_MAX (1u << 20)
#define HELD_MAX (1ull << 28)         /* bytes of an interlaced file's pixels */
#define CHUNK_MAX 8000000             /* bytes of a chunk that is not pixels: libpng's default */

struct source { /* bytes in memory or a file */
	FILE *file;
	const guint8 *data;
	gsize left;
};

struct reader {
	png_structp png;
	png_infop info;
	struct source *source;
	int channels;           /* wanted */
	png_size size;
	png_row row;
	void *context;
	GError **error;         /* the callbacks' */
	char message[256];      /* libpng's, or ours; empty: the callback's error stands */
	enum fault code;
	guint32 width, height, y;
	int passes, stored;     /* stored: channels that libpng gives */
	gsize stride;
	guint8 *raw, *grey;     /* one row as libpng gives it, or the whole interlaced picture; one row of 1 channel */
};

static void on_error(png_structp png, png_const_charp message) G_GNUC_NORETURN;
static void on_error(png_structp png, png_const_charp message)
{
	g_strlcpy(png_get_error_ptr(png), message, sizeof(((struct reader *)NULL)->message));
	png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
	(void)png;
	(void)message;
}

static void read_bytes(png_structp png, png_bytep to, size_t length)
{
	struct source *s = png_get_io_ptr(png);

	if (s->file != NULL) {
		if (fread(to, 1, length, s->file) != length)
			png_error(png, ferror(s->file) ? "it cannot be read" : "the file ends early");
		return;
	}
	if (length > s->left)
		png_error(png, "the file ends early");
	memcpy(to, s->data, length);
	s->data += length;
	s->left -= length;
}

/* Everything up to the first row; false with a message, or with the callback's error. */
static gboolean read_head(struct reader *r)
{
	int type;

	if (setjmp(png_jmpbuf(r->png)))
		return FALSE;
	png_set_read_fn(r->png, r->source, read_bytes);
	png_set_user_limits(r->png, SIDE_MAX, SIDE_MAX);
	png_set_chunk_malloc_max(r->png, CHUNK_MAX);
	/* Texts, profiles and the like are skipped: libpng would take the size that they claim. */
	png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
	png_read_info(r->png, r->info);
	r->width = png_get_image_width(r->png, r->info);
	r->height = png_get_image_height(r->png, r->info);
	if (r->size != NULL && !r->size(r->context, r->width, r->height, r->error))
		return FALSE;

	type = png_get_color_type(r->png, r->info);
	png_set_scale_16(r->png);
	if (type == PNG_COLOR_TYPE_PALETTE)
		png_set_palette_to_rgb(r->png);
	else if (type == PNG_COLOR_TYPE_GRAY)
		png_set_expand_gray_1_2_4_to_8(r->png);
	if ((type & PNG_COLOR_MASK_COLOR) == 0 && r->channels == 3)
		png_set_gray_to_rgb(r->png);
	png_set_strip_alpha(r->png);
	r->passes = png_set_interlace_handling(r->png);
	png_read_update_info(r->png, r->info);
	r->stored = png_get_channels(r->png, r->info);
	r->stride = png_get_rowbytes(r->png, r->info);
	if (png_get_bit_depth(r->png, r->info) != 8 || r->stride != (gsize)r->width * (gsize)r->stored ||
	    (r->stored != r->channels && !(r->stored == 3 && r->channels == 1)))
		png_error(r->png, "its pixels have an unexpected form");
	if (r->passes > 1 && (guint64)r->stride * r->height > HELD_MAX)
		png_error(r->png, "it is interlaced and too large to be held whole");
	return TRUE;
}

static gboolean give_row(struct reader *r, const guint8 *raw)
{
	if (r->stored == r->channels)
		return r->row(r->context, r->y, raw, r->error);
	for (guint32 x = 0; x < r->width; x++)
		r->grey[x] = MAX(raw[3 * x], MAX(raw[3 * x + 1], raw[3 * x + 2]));
	return r->row(r->context, r->y, r->grey, r->error);
}

static gboolean read_body(struct reader *r)
{
	if (setjmp(png_jmpbuf(r->png)))
		return FALSE;
	if (r->passes > 1) {
		for (int pass = 0; pass < r->passes; pass++)
			for (r->y = 0; r->y < r->height; r->y++)
				png_read_row(r->png, r->raw + r->y * r->stride, NULL);
		png_read_end(r->png, NULL);
		for (r->y = 0; r->y < r->height; r->y++)
			if (!give_row(r, r->raw + r->y * r->stride))
				return FALSE;
		return TRUE;
	}
	for (r->y = 0; r->y < r->height; r->y++) {
		png_read_row(r->png, r->raw, NULL);
		if (!give_row(r, r->raw))
			return FALSE;
	}
	png_read_end(r->png, NULL);
	return TRUE;
}

static gboolean read_all(struct reader *r)
{
	if (!read_head(r))
		return FALSE;
	r->raw = g_try_malloc0_n(r->passes > 1 ? r->height : 1, r->stride);
	r->grey = g_try_malloc(r->width);
	if (r->raw == NULL || r->grey == NULL) {
		r->code = FAULT_ROOM;
		g_snprintf(r->message, sizeof(r->message), "no memory for %u x %u px", r->width, r->height);
		return FALSE;
	}
	return read_body(r);
}

static gboolean parse(struct source *source, const char *name, int channels, png_size size, png_row row,
		      void *context, GError **error)
{
	struct reader r = { .source = source, .channels = channels, .size = size, .row = row,
			    .context = context, .code = FAULT_DATA };
	GError *given = NULL;
	gboolean done = FALSE;

	g_return_val_if_fail(channels == 1 || channels == 3, FALSE);
	r.error = &given;
	r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r.message, on_error, on_warning);
	if (r.png != NULL)
		r.info = png_create_info_struct(r.png);
	if (r.info != NULL)
		done = read_all(&r);
	else
		g_strlcpy(r.message, "libpng does not start", sizeof(r.message));
	png_destroy_read_struct(&r.png, &r.info, NULL);
	g_free(r.raw);
	g_free(r.grey);
	if (done)
		return TRUE;
	if (given != NULL)
		g_propagate_error(error, given);
	else
		g_set_error(error, FAULT, (int)r.code, "'%s': %s", name,
			    r.message[0] != '\0' ? r.message : "reading was stopped");
	return FALSE;
}

gboolean png_file_rows(const char *path, int channels, png_size size, png_row row, void *context,
		       GError **error)
{
	struct source source = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make it wait */
	int code = errno;
	struct stat st;
	gboolean done;

	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		g_set_error(error, FAULT, FAULT_DATA, "'%s': not a file", path);
		close(fd);
		return FALSE;
	}
	if (fd < 0 || (source.file = fdopen(fd, "rb")) == NULL) {
		g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(code), "'%s': %s", path,
			    g_strerror(code));
		if (fd >= 0)
			close(fd);
		return FALSE;
	}
	done = parse(&source, path, channels, size, row, context, error);
	fclose(source.file);
	return done;
}

gboolean png_parse_rows(const void *data, gsize length, const char *name, int channels, png_size size,
			png_row row, void *context, GError **error)
{
	struct source source = { .data = data, .left = length };

	return parse(&source, name, channels, size, row, context, error);
}

struct whole {
	const char *path;
	int channels;
	guint64 limit;
	guint32 width, height;
	guint8 *pixels;
};

static gboolean whole_size(void *context, guint32 width, guint32 height, GError **error)
{
	struct whole *w = context;

	if ((guint64)width * height > w->limit) {
		g_set_error(error, FAULT, FAULT_DATA, "'%s': %u x %u px; at most %" G_GUINT64_FORMAT
			    " px are wanted here", w->path, width, height, w->limit);
		return FALSE;
	}
	w->width = width;
	w->height = height;
	w->pixels = g_try_malloc_n((gsize)width * height, (gsize)w->channels);
	if (w->pixels == NULL)
		g_set_error(error, FAULT, FAULT_ROOM, "'%s': no memory for %u x %u px", w->path, width, height);
	return w->pixels != NULL;
}

static gboolean whole_row(void *context, guint32 y, const guint8 *row, GError **error)
{
	struct whole *w = context;
	gsize stride = (gsize)w->width * (gsize)w->channels;

	(void)error;
	memcpy(w->pixels + y * stride, row, stride);
	return TRUE;
}

guint8 *png_read(const char *path, int channels, guint64 limit, guint32 *width, guint32 *height,
		 GError **error)
{
	struct whole w = { .path = path, .channels = channels, .limit = limit };

	if (!png_file_rows(path, channels, whole_size, whole_row, &w, error)) {
		g_free(w.pixels);
		return NULL;
	}
	*width = w.width;
	*height = w.height;
	return w.pixels;
}

static void write_bytes(png_structp png, png_bytep from, size_t length)
{
	g_byte_array_append(png_get_io_ptr(png), from, (guint)length);
}

static void flush_bytes(png_structp png)
{
	(void)png;
}

static gboolean write_all(png_structp png, png_infop info, GByteArray *to, const guint8 *pixels, guint32 width,
			  guint32 height, int channels)
{
	if (setjmp(png_jmpbuf(png)))
		return FALSE;
	png_set_write_fn(png, to, write_bytes, flush_bytes);
	png_set_user_limits(png, SIDE_MAX, SIDE_MAX);
	png_set_IHDR(png, info, width, height, 8, channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
		     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	for (guint32 y = 0; y < height; y++)
		png_write_row(png, pixels + (gsize)y * width * (gsize)channels);
	png_write_end(png, info);
	return TRUE;
}

gboolean png_write(const char *path, const guint8 *pixels, guint32 width, guint32 height, int channels,
		   GError **error)
{
	g_autoptr(GByteArray) to = g_byte_array_new();
	char message[sizeof(((struct reader *)NULL)->message)] = "libpng does not start";
	png_structp png;
	png_infop info;
	gboolean done;

	g_return_val_if_fail(channels == 1 || channels == 3, FALSE);
	png = png_create_write_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
	info = png != NULL ? png_create_info_struct(png) : NULL;
	done = info != NULL && write_all(png, info, to, pixels, width, height, channels);
	png_destroy_write_struct(&png, &info);
	if (!done) {
		g_set_error(error, FAULT, FAULT_FAILED, "'%s': %s", path, message);
		return FALSE;
	}
	return g_file_set_contents_full(path, (const char *)to->data, (gssize)to->len,
					G_FILE_SET_CONTENTS_CONSISTENT, 0666, error);
}
