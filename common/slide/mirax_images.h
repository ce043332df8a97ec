/* mirax_images.h - the JPEGs in a slide's data files, for mirax.c: decoded as far as is wanted, and kept where they come back. */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

struct mirax_cache;             /* mirax.h */
struct mirax_images;

struct mirax_images *mirax_images_new(struct mirax_cache *cache);
void mirax_images_free(struct mirax_images *images_opt);
void mirax_images_add_file(struct mirax_images *images, char *path); /* takes it; files are counted from 0 */
/* The next image, of w x h px; its number in *image. FALSE: there can be none. */
gboolean mirax_images_add(struct mirax_images *images, gint32 file, gint32 offset, gint32 length, int w, int h, guint32 *image);
/* n bytes of a file, to be freed; NULL: they are not there. */
guint8 *mirax_images_bytes(const struct mirax_images *images, gint32 file, gint32 offset, gsize n);
/* Words 0xffRRGGBB of the whole image, of which w x h px at x, y alone need be set; to be given back. NULL: it cannot be read, is
   damaged, or is not of its size. *ended: one more, if it was decoded to its end for the first time. Any number of threads; one may
   wait, a second at most, for an image that another decodes. */
const guint32 *mirax_image_take(struct mirax_images *images, guint32 image, int x, int y, int w, int h, gint *ended);
void mirax_image_give(const guint32 *px_opt);

G_END_DECLS
