/* mirax_images.c - see mirax_images.h. libjpeg's longjmp is caged: decode is left by return alone. */
#include "common/slide/mirax_images.h"
#include "common/slide/jpeg_leave.h"
#include "common/slide/mirax.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define IMAGE_MOST (64 << 20)   /* bytes, encoded */
#define AREA_MOST (4 << 20)     /* px */
#define MARGIN 2                /* px to the sides, from which colour of half the detail is interpolated */
#define SOON (1.0 / 3)          /* share of images that come back soon, from which it pays to decode them in full */
#define MEMORY 64               /* images that the share is judged by, roughly */
#define WAIT_MOST G_TIME_SPAN_SECOND /* for another thread's image: it may hang */

struct image {
	guint32 offset, length; /* bytes */
	guint16 file, w, h;
	gint whole;             /* it was decoded to its end once; atomic */
};

struct entry {                  /* an image that was wanted of late */
	struct mirax_images *of;
	guint32 image;
	gsize bytes;            /* that it may take */
	guint32 *px;            /* in full, or NULL; counted */
	gboolean coming;        /* a thread decodes it in full */
	GList link;
};

struct mirax_cache {
	gsize most;             /* bytes */
	GMutex lock;            /* of what follows, and the entries of all slides */
	GCond came;             /* an image, or it cannot be had */
	GQueue newest;          /* of entries; first */
	gsize bytes;            /* of them */
};

struct mirax_images {
	struct mirax_cache *cache;
	GPtrArray *paths;
	GArray *images;         /* struct image */
	gsize px_most;          /* of the largest */
	GHashTable *entries;    /* by image; this and what follows: under the cache's lock */
	double soon;            /* share of those wanted that were wanted not long before */
};

struct mirax_cache *mirax_cache_new(gsize bytes)
{
	struct mirax_cache *cache = g_new0(struct mirax_cache, 1);

	cache->most = bytes;
	g_mutex_init(&cache->lock);
	g_cond_init(&cache->came);
	g_queue_init(&cache->newest);
	return cache;
}

void mirax_cache_free(struct mirax_cache *cache)
{
	if (cache == NULL)
		return;
	g_warn_if_fail(cache->newest.head == NULL);
	g_mutex_clear(&cache->lock);
	g_cond_clear(&cache->came);
	g_free(cache);
}

/* Under the lock. */
static void forget(struct entry *e)
{
	struct mirax_cache *cache = e->of->cache;

	g_queue_unlink(&cache->newest, &e->link);
	g_hash_table_remove(e->of->entries, GUINT_TO_POINTER(e->image));
	cache->bytes -= e->bytes;
	mirax_image_give(e->px);
	g_free(e);
}

struct mirax_images *mirax_images_new(struct mirax_cache *cache)
{
	struct mirax_images *all = g_new0(struct mirax_images, 1);

	all->cache = cache;
	all->paths = g_ptr_array_new_with_free_func(g_free);
	all->images = g_array_new(FALSE, FALSE, sizeof(struct image));
	all->entries = g_hash_table_new(NULL, NULL);
	return all;
}

void mirax_images_free(struct mirax_images *all)
{
	if (all == NULL)
		return;
	g_mutex_lock(&all->cache->lock);
	g_autoptr(GList) entries = g_hash_table_get_values(all->entries);
	for (GList *l = entries; l != NULL; l = l->next)
		forget(l->data);
	g_mutex_unlock(&all->cache->lock);
	g_hash_table_unref(all->entries);
	g_array_unref(all->images);
	g_ptr_array_unref(all->paths);
	g_free(all);
}

void mirax_images_add_file(struct mirax_images *all, char *path)
{
	g_ptr_array_add(all->paths, path);
}

gboolean mirax_images_add(struct mirax_images *all, gint32 file, gint32 offset, gint32 length, int w, int h,
			  guint32 *number)
{
	const struct image image = { (guint32)offset, (guint32)length, (guint16)file, (guint16)w, (guint16)h, FALSE };

	if (file < 0 || (guint)file >= all->paths->len || offset < 0 || length < 1 || length > IMAGE_MOST ||
	    (gint64)w * h > AREA_MOST)
		return FALSE;
	all->px_most = MAX(all->px_most, (gsize)w * (gsize)h);
	*number = all->images->len;
	g_array_append_val(all->images, image);
	return TRUE;
}

guint8 *mirax_images_bytes(const struct mirax_images *all, gint32 file, gint32 offset, gsize n)
{
	g_autofree guint8 *bytes = file >= 0 && (guint)file < all->paths->len ? g_try_malloc(n) : NULL;
	gsize have = 0;
	gssize got = 1;
	int fd;

	if (bytes == NULL || (fd = g_open(all->paths->pdata[file], O_RDONLY | O_CLOEXEC, 0)) < 0)
		return NULL;
	for (; have < n && got > 0; have += (gsize)MAX(got, 0))
		got = pread(fd, bytes + have, n - have, (off_t)offset + (off_t)have);
	close(fd);
	return have == n ? g_steal_pointer(&bytes) : NULL;
}

/* ---- decoding ---- */

/* Lines up to `to`, at their place. */
static void read_lines(struct jpeg_decompress_struct *jpeg, JDIMENSION to, guint32 *px, gsize pitch)
{
	while (jpeg->output_scanline < to) {
		JSAMPROW line = (JSAMPROW)(px + jpeg->output_scanline * pitch);

		jpeg_read_scanlines(jpeg, &line, 1);
	}
}

/* The last line is read, since libjpeg leaves out what follows the last one that is (jpeg_skip_scanlines). */
static void read_on(struct jpeg_decompress_struct *jpeg, guint32 *px, gsize pitch)
{
	if (jpeg->output_scanline + 1 < jpeg->output_height)
		jpeg_skip_scanlines(jpeg, jpeg->output_height - 1 - jpeg->output_scanline);
	read_lines(jpeg, jpeg->output_height, px, pitch);
	jpeg_finish_decompress(jpeg);
}

/* Lines from y to y + h and columns from x to x + w of px (image->h, image->w); what is beside them may be set, too. Its end
   shows whether it is damaged, so the first time all of it is read. */
static gboolean decode(struct image *image, const guint8 *bytes, int x, int y, int w, int h, guint32 *px, gint *ended)
{
	struct jpeg_decompress_struct jpeg = { 0 };
	struct jpeg_leave failure;
	JDIMENSION left = (JDIMENSION)MAX(0, x - MARGIN), width = (JDIMENSION)MIN(image->w, x + w + MARGIN) - left;

	jpeg.err = jpeg_std_error(&failure.manager);
	jpeg_leave_init(&failure);
	if (setjmp(failure.out) != 0) {
		jpeg_destroy_decompress(&jpeg);
		return FALSE;
	}
	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, bytes, image->length);
	jpeg_read_header(&jpeg, TRUE);
	if (jpeg.image_width != image->w || jpeg.image_height != image->h)
		jpeg_leave_now((j_common_ptr)&jpeg);
	jpeg.out_color_space = G_BYTE_ORDER == G_LITTLE_ENDIAN ? JCS_EXT_BGRA : JCS_EXT_ARGB;
	jpeg_start_decompress(&jpeg);
	if (width < image->w)
		jpeg_crop_scanline(&jpeg, &left, &width);
	else
		left = 0;
	if (y > 0)
		jpeg_skip_scanlines(&jpeg, (JDIMENSION)y);
	read_lines(&jpeg, (JDIMENSION)(y + h), px + left, image->w);
	if (!g_atomic_int_get(&image->whole)) {
		read_on(&jpeg, px + left, image->w);
		*ended += g_atomic_int_compare_and_exchange(&image->whole, FALSE, TRUE);
	}
	jpeg_destroy_decompress(&jpeg);
	return TRUE;
}

/* ---- what is kept ---- */

/* Under the lock: the image's entry, now the newest; *before: it was there. The oldest make room. */
static struct entry *entry_of(struct mirax_images *all, guint32 image, gboolean *before)
{
	struct mirax_cache *cache = all->cache;
	struct entry *e = g_hash_table_lookup(all->entries, GUINT_TO_POINTER(image));

	*before = e != NULL;
	if (e != NULL) {
		g_queue_unlink(&cache->newest, &e->link);
	} else {
		e = g_new(struct entry, 1);
		*e = (struct entry){ .of = all, .image = image, .bytes = all->px_most * sizeof(guint32), .link.data = e };
		while (cache->newest.tail != NULL && cache->bytes + e->bytes > cache->most)
			forget(cache->newest.tail->data);
		cache->bytes += e->bytes;
		g_hash_table_insert(all->entries, GUINT_TO_POINTER(image), e);
	}
	g_queue_push_head_link(&cache->newest, &e->link);
	return e;
}

/* The image, if it is kept, or another thread is about to; else, whether to decode it in full, and then to call keep(). */
static guint32 *find(struct mirax_images *all, guint32 image, gboolean *whole)
{
	const gint64 until = g_get_monotonic_time() + WAIT_MOST;
	gboolean before, waited = FALSE, in_time = TRUE;

	g_mutex_lock(&all->cache->lock);
	struct entry *e = entry_of(all, image, &before);
	all->soon += ((before ? 1 : 0) - all->soon) / MEMORY;
	*whole = all->soon > SOON;
	while (e->px == NULL && e->coming && in_time) {
		in_time = g_cond_wait_until(&all->cache->came, &all->cache->lock, until);
		e = entry_of(all, image, &before);      /* the one that was may have made room */
		waited = TRUE;
	}
	guint32 *px = e->px != NULL ? g_atomic_rc_box_acquire(e->px) : NULL;
	e->coming = px == NULL && *whole && !waited;    /* else all who waited in vain would try it one after another */
	g_mutex_unlock(&all->cache->lock);
	return px;
}

/* px_opt NULL: it cannot be had. */
static void keep(struct mirax_images *all, guint32 image, guint32 *px_opt)
{
	gboolean before;

	g_mutex_lock(&all->cache->lock);
	struct entry *e = entry_of(all, image, &before);
	if (e->px == NULL && px_opt != NULL)
		e->px = g_atomic_rc_box_acquire(px_opt);
	e->coming = FALSE;
	g_cond_broadcast(&all->cache->came);
	g_mutex_unlock(&all->cache->lock);
}

const guint32 *mirax_image_take(struct mirax_images *all, guint32 number, int x, int y, int w, int h, gint *ended)
{
	struct image *image = &g_array_index(all->images, struct image, number);
	g_autofree guint8 *bytes = NULL;
	gboolean whole;
	guint32 *px = find(all, number, &whole);

	if (px != NULL)
		return px;
	bytes = mirax_images_bytes(all, image->file, (gint32)image->offset, image->length);
	whole = whole || (w == image->w && h == image->h);
	px = bytes != NULL ? g_atomic_rc_box_alloc((gsize)image->w * image->h * sizeof(*px)) : NULL;
	if (px != NULL &&
	    !decode(image, bytes, whole ? 0 : x, whole ? 0 : y, whole ? image->w : w, whole ? image->h : h, px, ended))
		mirax_image_give(g_steal_pointer(&px));
	if (whole)
		keep(all, number, px);
	return px;
}

void mirax_image_give(const guint32 *px)
{
	if (px != NULL)
		g_atomic_rc_box_release((gpointer)px);
}
