/*
 * copies.h - slides copied whole to a local disk, for folders that are slow to read in random order: a network's
 * (settings load.cache, load.folder).
 *
 * One thread copies slide after slide; a slide is read from its copy from then on (slide_move). A slide's copy has its
 * file and the folder that an .mrxs file has; a format that needs other files too does not open from it, and goes on being
 * read where it was.
 *
 *   FOLDER/blindrun-slides/HASH/            a copy that is whole; HASH is of the slide's path
 *   FOLDER/blindrun-slides/HASH.part/       one that is being made: renamed when all of it is on the disk
 *
 * So a kill at any instant leaves whole copies, which the next run takes, where sizes and times of their files are still
 * the slide's; what is of no slide of the run, or half, is removed. Only the owner may read the folder.
 *
 * Errors:  none but begin's: a slide that cannot be copied, or that there is no room for, is read where it was.
 * Threads: begin and end on one.
 */
#pragma once
#include "common/slide/slide.h"

G_BEGIN_DECLS

struct copies;

/* bytes: that copies may take at most; besides, COPIES_SPARE bytes of the disk stay free. patience: s that a read may
   take, > 0; a slide that hangs for longer counts as failed, and the next one is copied. slides: n, of
   which any may be NULL; they live until copies_end, and the array until here. FAULT_FAILED: another run has the folder, it
   cannot be made, it is another user's, or others may write to it. */
#define COPIES_SPARE (G_GUINT64_CONSTANT(2) << 30)
struct copies *copies_begin(const char *folder, guint64 bytes, double patience, struct slide *const *slides, guint n,
			    GError **error);

struct copies_report {
	guint copied, taken;    /* copies made; found, of a run before */
	guint read;             /* slides that are read from one, at the end */
	guint no_room, failed;  /* slides without one; the rest had not come to their turn */
	char *why;              /* what was wrong with the first that failed, or NULL */
};
/* Copies no more. keep: they stay for the next run; else they are removed, and slides are read where they were. Frees copies. */
void copies_end(struct copies *copies, gboolean keep, struct copies_report *report);
void copies_report_clear(struct copies_report *report);

G_END_DECLS
