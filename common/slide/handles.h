/*
 * handles.h - the pool of OpenSlide handles behind slide.h, for slide.c alone: how a read gets a handle.
 *
 * Threads share a slide's handle rather than open another: for .mrxs files two threads read as fast from
 * one as from two, and one holds half the files and caches.
 */
#pragma once
#include "common/slide/jpeg_watch.h"
#include "common/slide/mirax.h"
#include "common/slide/slide.h"
#include <openslide.h>

G_BEGIN_DECLS

struct facts {                  /* a slide, and what its users need not see */
	struct slide slide;
	gint64 *level_width, *level_height; /* (levels) px */
	struct jpeg_ends *ends; /* (levels) */
	gint *in_vain;          /* (levels) reads that failed twice; atomic */
	struct direct { gint same, other; } *direct; /* (levels) reads by mirax.h, and those that it refused; atomic */
	GQueue handles;         /* this and what follows: under the pool's lock */
	guint64 sum;            /* mirax_sum, of its first handle; 0: not known */
	char *copy;             /* what it is read from instead of its own file, or NULL */
};

static inline struct facts *facts_of(const struct slide *slide)
{
	return (struct facts *)slide;
}

/* What may read with a handle: OpenSlide (and mirax.h), shared with others or alone; or mirax.h, which takes a tenth of the memory
   and of the time to open, and is all that reads of a sound level need. */
enum handle_kind { HANDLE_FULL, HANDLE_ALONE, HANDLE_DIRECT };

struct handle {
	openslide_t *osr;       /* NULL: it is for mirax.h alone, or is being opened */
	struct mirax *mirax;    /* the same file, or NULL */
	guint weight;           /* of the pool's room */
	struct slide *slide;
	guint users;            /* this and what follows: under the pool's lock */
	gboolean alone;         /* its user shares it with nobody */
	gboolean shared;        /* more than one user since it was last idle */
	gboolean broken;        /* OpenSlide refuses it for good, or its slide was moved */
	gboolean copied;        /* of the slide's copy */
	gboolean out;           /* it hung: counted out of the pool, and broken */
	gint64 since;           /* us, monotonic: its opening or newest read began; 0: idle */
	GList in_pool;
	GList in_slide;         /* links, so that no list operation allocates or searches */
	GList in_idle;
};

/* A handle for one read. It may wait for others' reads to end, so a thread must not hold one while it takes another. The error,
   FAULT_DATA, does not name the slide; of HANDLE_DIRECT there is none: where mirax.h cannot read the slide any more, or it is not
   the one that was opened first, that is OpenSlide's to say. */
struct handle *handle_take(struct slide *slide, enum handle_kind kind, GError **error);
/* Broken: it is closed when its last user has given it back. Did anyone else use it while this read had it? Then a fault may
   be theirs. */
gboolean handle_give(struct handle *handle, gboolean broken);
/* Closes all that a slide has; none may be in use. */
void handles_close(struct slide *slide);

G_END_DECLS
