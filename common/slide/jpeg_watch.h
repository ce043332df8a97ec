/*
 * jpeg_watch.h - damage to a JPEG that shows only behind its last line.
 *
 * OpenSlide (3.4.1 and 4.0: openslide-decode-jpeg.c) takes each warning of libjpeg for an error, but never
 * calls jpeg_finish_decompress: it drops an image when its last line is out. A flipped bit shifts the Huffman
 * codes behind it; they soon fall into step again (Ferguson and Rabinowitz 1984), most often with a few blocks
 * too many or too few, so that the data end before the picture, which libjpeg says, or the picture before the
 * data, which nobody sees. So jpeg_read_scanlines is interposed: behind the last line of an image that is
 * watched the end of image must follow, else libjpeg's own words are raised as a warning through the
 * image's own error manager. OpenSlide then fails the read and keeps nothing of the image in its cache, so the
 * next tile that needs it fails too.
 *
 * What decodes to as many blocks is not found: a wrong coefficient is as good a picture as a right one.
 * tests/bench/damage measures the share.
 *
 * Some encoders leave bytes before the end of image. So each level of each slide (another level may come from
 * another encoder) is learnt first: of the first 32 images that are decoded none is refused, and where more than
 * four of them are torn, none ever is. Were a fifth of good images torn, four slides in five would be let alone.
 *
 * Interposed: the program's own jpeg_read_scanlines wins over libjpeg's in all libraries, since it stands in the
 * program's dynamic symbol table (the linker puts it there because libopenslide refers to it; test-slide
 * would notice if not). The struct is that of the libjpeg.h compiled against, which must be OpenSlide's.
 *
 * Threads: any; a thread watches its own decoding. JPEGs decoded outside of begin and end are left alone.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

struct jpeg_ends {              /* how the images of a slide's level end, as learnt; all 0 at first; atomic */
	gint seen, torn;
};

void jpeg_watch_begin(struct jpeg_ends *ends);
void jpeg_watch_end(void);
/* n images of the level more were decoded otherwise, and are whole. */
void jpeg_watch_whole(struct jpeg_ends *ends, gint n);

G_END_DECLS
