/* jpeg_watch.c - see jpeg_watch.h. libjpeg's longjmp is caged: end_follows is left by return alone. */
#include "common/slide/jpeg_watch.h"
#include "common/slide/jpeg_leave.h"
#include <dlfcn.h>

enum { LEARNT = 32, TORN_MOST = 4 }; /* images */

typedef JDIMENSION (*read_scanlines)(j_decompress_ptr image, JSAMPARRAY rows, JDIMENSION most);

static _Thread_local struct jpeg_ends *watched;

void jpeg_watch_begin(struct jpeg_ends *ends) { watched = ends; }

void jpeg_watch_end(void) { watched = NULL; }

/* Reads on to the end of image, as jpeg_finish_decompress does, but leaves the image as it is, so that a caller
   who finishes it still can. If not, its error manager has libjpeg's words for why not. */
static gboolean end_follows(j_decompress_ptr image)
{
	struct jpeg_error_mgr *theirs = image->err;
	struct jpeg_leave end = { .manager = *theirs };
	int found;

	jpeg_leave_init(&end);
	image->err = &end.manager;
	if (setjmp(end.out) != 0) {
		image->err = theirs;
		theirs->msg_code = end.manager.msg_code;
		theirs->msg_parm = end.manager.msg_parm;
		return FALSE;
	}
	do
		found = jpeg_consume_input(image);
	while (found != JPEG_REACHED_EOI && found != JPEG_SUSPENDED);
	image->err = theirs;
	return TRUE;
}

/* Is an image damaged that ends so? Two threads that learn at once may see one image more. */
static gboolean refused(struct jpeg_ends *ends, gboolean whole)
{
	if (g_atomic_int_get(&ends->seen) >= LEARNT)
		return !whole && g_atomic_int_get(&ends->torn) <= TORN_MOST;
	if (!whole)
		g_atomic_int_inc(&ends->torn);
	g_atomic_int_inc(&ends->seen);
	return FALSE;
}

void jpeg_watch_whole(struct jpeg_ends *ends, gint n)
{
	if (g_atomic_int_get(&ends->seen) < LEARNT)
		g_atomic_int_add(&ends->seen, n);
}

/* In libjpeg's place. */
JDIMENSION jpeg_read_scanlines(j_decompress_ptr image, JSAMPARRAY rows, JDIMENSION most)
{
	static gsize libjpegs;

	if (g_once_init_enter(&libjpegs))
		g_once_init_leave(&libjpegs, (gsize)dlsym(RTLD_NEXT, "jpeg_read_scanlines"));
	JDIMENSION n = ((read_scanlines)libjpegs)(image, rows, most);
	if (watched != NULL && image->output_scanline == image->output_height && refused(watched, end_follows(image)))
		image->err->emit_message((j_common_ptr)image, -1);
	return n;
}
