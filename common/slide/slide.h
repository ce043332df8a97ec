/*
 * slide.h - a whole slide, through OpenSlide, with our errors.
 *
 * Every format that OpenSlide reads; MIRAX mostly without it, which comes to the same (mirax.h).
 * Pixels come as RGB, un-premultiplied; what was never scanned
 * (alpha 0) is white in RGB and told apart by `scanned`. Positions are level-0 pixels of the whole
 * slide, as in OpenSlide, not of its bounds.
 *
 * A slide is facts alone, read once; handles are taken from a pool, which keeps at most `most` of them
 * open (an .mrxs handle holds files and a cache) and opens again what it had to close. After a failed
 * read OpenSlide leaves a handle in error for good: the pool throws it away and the next read opens anew. A
 * read that fails is tried once more, so, before it counts as failed. A JPEG that is damaged fails where libjpeg
 * has anything to say about it, at its end too (jpeg_watch.h).
 *
 * Errors:  FAULT_DATA: `slide 'Slide012': tile at 1024,2048 (256 x 256 px, level 0): OpenSlide's words`.
 *          A failed read leaves the buffer undefined; it never returns white for it.
 * Threads: slide_open, slide_read and the pool may be used by any number at once; slide_read holds no
 *          lock while it decodes.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

struct slide_pool;

struct slide {                  /* facts of one slide */
	struct slide_pool *pool;
	char *path;
	char *id;               /* the file's name without its ending; all that a log may show */
	gint64 width, height;   /* level 0, px */
	gint64 x, y, w, h;      /* the scanned part (openslide.bounds-*), or all of it; level 0, px */
	double mpp;             /* um/px at level 0, mean of x and y; 0: the file does not say */
	int levels;
	double *downsample;     /* (levels) */
	char *quickhash;        /* OpenSlide's quickhash-1, or NULL */
	char *vendor;
};

/* most: OpenSlide's handles open at once, over all slides, >= 1; of those that mirax.h alone reads ten take the room of one.
   Threads that read one slide share its handle; where all are in use a read waits its turn. OpenSlide 3.4.1 gives each handle a
   cache of 32 MiB; 4.0 has one for all, of 32 MiB a handle and at most 256 MiB; mirax.h has one for all, of 32 MiB for each of
   OpenSlide's handles. */
struct slide_pool *slide_pool_new(guint most);
guint64 slide_pool_bytes(guint most);           /* what so many open slides of the challenge's size take */
/* Where a read waits for a handle, those whose read or opening began longer ago hang and are counted out: others
   may be opened in their place. s; 0, as at first: none. */
void slide_pool_set_patience(struct slide_pool *pool, double patience);
void slide_pool_free(struct slide_pool *pool);  /* all its slides must be closed */
guint slide_pool_open_handles(struct slide_pool *pool);        /* now */

/* Where the objective's power is given but no mpp, mpp = 10 / power (10 um/px at 1x: the usual objectives
   of 20x and 40x scan at 0.5 and 0.25). */
struct slide *slide_open(struct slide_pool *pool, const char *path, GError **error);
void slide_close(struct slide *slide);
/* From here on it is read from a copy of its file, and of what belongs to that; NULL: from its own again. Where the copy cannot
   be opened or read it goes back to its own file by itself: then slide_moved is false. Any thread. */
void slide_move(struct slide *slide, const char *copy_opt);
gboolean slide_moved(struct slide *slide);
typedef struct slide slide_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(slide_t, slide_close)

/* Does OpenSlide know the file's format? An .mrxs file counts without its folder, too. */
gboolean slide_known(const char *path);
/* OpenSlide's version, as it runs: "3.4.1". */
const char *slide_reader_version(void);
/* The identifier for a path: its last part without the ending. */
char *slide_id(const char *path);

/*
 * Reads w x h pixels, each `scale` level-0 pixels wide, from level-0 position x, y: rgb (h, w, 3). It reads
 * the coarsest level with that detail; what is left of the scale, if more than 1 in 1000, is resampled by
 * area mean (reduction) or bilinear (enlargement), weighed by what was scanned. What lies off the slide was
 * never scanned. scanned_opt (h, w): 255 where scanned, 0 where not, between at edges.
 *
 * A position between pixels is kept exactly when resampling; a level read as it is starts at the nearest of
 * its pixels. Limits: w, h 1..16384; scale 1/64 to 1024 times a level's. Each thread keeps buffers of
 * at most SLIDE_READ_BYTES for its next read.
 */
enum { SLIDE_READ_BYTES = 33 << 20 };
gboolean slide_read(struct slide *slide, double x, double y, double scale, int w, int h, guint8 *rgb,
		    guint8 *scanned_opt, GError **error);

/* The level that it reads. */
int slide_level(const struct slide *slide, double scale);

/* BGRA premultiplied, native-endian words as OpenSlide gives them, to RGB and scanned; n pixels. */
void slide_convert(const guint32 *argb, gsize n, guint8 *rgb, guint8 *scanned_opt);
gboolean slide_unscanned(const guint32 *argb, gsize n);  /* all of them? */

G_END_DECLS
