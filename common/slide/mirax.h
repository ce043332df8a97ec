/*
 * mirax.h - pixels of an MIRAX slide straight from its JPEG images, with only what is wanted of each decoded.
 *
 * OpenSlide 3.4.1 decodes every image that a tile touches in full and paints it through cairo. Of a tile drawn at random
 * most of that is thrown away, and drawing at random is what training does. Here only the lines and columns that are wanted
 * are made; the first time, an image's data are read to their end all the same, as damage shows there (jpeg_watch.h). Where
 * images come back soon, as in scan order, they are decoded in full, once, and kept.
 *
 * Only where the result is OpenSlide's to the bit: levels whose images are JPEGs that lie at whole pixels. That is level 0 of
 * every such slide, and further ones where photos do not overlap. All else, and whatever is not as expected, is left to
 * OpenSlide, whose words also stand for every failure: nothing here reports one. The format: OpenSlide's
 * openslide-vendor-mirax.c and openslide-grid.c (3.4.1), and its page on MIRAX, https://openslide.org/formats/mirax/.
 *
 * Threads: mirax_read may be called by any number at once, with no lock held while they decode; one that wants an image that another
 * is decoding in full waits for it, a second at most.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

struct mirax;
struct mirax_cache;             /* decoded images that are kept, of any number of slides; any number of threads */

enum { MIRAX_LEVELS = 3 };      /* the most */

struct mirax_cache *mirax_cache_new(gsize bytes);
void mirax_cache_free(struct mirax_cache *cache_opt);   /* its slides are closed */

/* path ends in .mrxs. NULL: not a slide that this reads. */
struct mirax *mirax_open(const char *path, struct mirax_cache *cache);
void mirax_close(struct mirax *slide_opt);
/* Of what says where its images are: other slides have others. */
guint64 mirax_sum(const struct mirax *slide);
/* Words as openslide_read_region gives them, of w x h px at x, y >= 0, level px. To *ended are added the images that were decoded
   to their end for the first time. FALSE: read it otherwise; argb is undefined. */
gboolean mirax_read(struct mirax *slide, int level, gint64 x, gint64 y, int w, int h, guint32 *argb, gint *ended);

G_END_DECLS
