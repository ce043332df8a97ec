/*
 * slide_work.h - what the files of slide classification share: a case is a slide, a sample is a tile.
 * Private to common/task.
 */
#pragma once
#include "common/image/stain.h"
#include "common/slide/tiles.h"
#include "common/task/task.h"

G_BEGIN_DECLS

enum { STRATUM_TUMOUR, STRATUM_NORMAL, STRATUM_NEGATIVE, N_STRATA };

struct slide_case {
	char *path, *mask_path; /* mask_path NULL: none is looked for */
	slide_t *slide;         /* from open (training) or prepare (test) */
	double scale;           /* level-0 px a pixel that the network sees */
	tissue_t *tissue;       /* until its tiles are listed; then its numbers alone, below */
	double tissue_share, scanned_share, colour[3];
	mask_t *mask;           /* NULL: not known where the tumour is */
	gboolean mask_empty;    /* a positive slide's mask shows none, which says as little as no mask */
	guint8 mask_most;       /* then: its brightest pixel */
	char *mask_wrong;       /* why it cannot be used, which is as none, too; NULL: nothing is wrong */
	struct tiles tiles;
	guint8 look[3][256];    /* red, green, blue as read to what the network sees */
	gboolean recolours;     /* not that look, but this: */
	struct recolour recolour;
	double jitter;          /* level-0 px that a drawn tile may move, a side */
	gint coarse_in_vain;    /* coarse looks of which the tile itself could be read, and its level not; atomic */
};

struct slide_work {
	struct work work;       /* first */
	struct slide_pool *pool;
	guint handles;          /* slides that it keeps open at most */
	struct slide_case *slides; /* (n_cases) beside work.cases */
	double mpp;             /* um/px that is read at; 0: level 0 as it is */
	struct answer_column columns[ANSWER_COLUMNS_MAX]; /* work.columns */
	gboolean size_unknown;  /* it was said that a slide's resolution is, so its longest axis too */
	struct copies *copies;  /* between slide_copy_begin and _end; NULL: none are made */
	GHashTable *table;      /* file: struct slide_row *, of the organisers' table; NULL: there is none */
};

static inline struct slide_work *slide_work_of(const struct work *w) { return (struct slide_work *)w; }

/* slide_list.c: the slides of a phase, sorted by id, training's with label, mask and group (struct slide_found *); those that
   cannot be used are in work->notes. FAULT_DATA: there are none. */
struct slide_found { char *id, *path, *mask_path, *group; int label; };
GPtrArray *slide_list(const struct settings *settings, struct work *work, GError **error);
void slide_note(struct work *work, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The index of a class by its name in a table: as it is written, else in capitals or not; -1: it is none, or not known. */
int slide_class(const struct settings *settings, const char *name_opt);

/* slide_cases.c */
struct work *slide_cases_open(const struct settings *settings, enum phase phase, JsonObject *facts_opt,
			      GError **error);
void slide_cases_close(struct work *work);
struct task_reading slide_cases_reading(const struct work *work);
/* A slide of its own for the caller, through the work's pool. */
slide_t *slide_cases_open_one(struct slide_pool *pool, const char *id, const char *path, GError **error);

/* slide_copy.c */
void slide_copy_begin(struct work *work);
void slide_copy_end(struct work *work, gboolean keep);

/* slide_prepare.c */
gboolean slide_prepare(struct work *work, guint item, GError **error);
void slide_release(struct work *work, guint item);
void slide_forget(struct slide_case *c);       /* closes and frees what is the slide's */
/* A slide's mask, whether it is a PNG, of the scanned part or of all of the slide, or was drawn (data.masks says which, by its
   ending). */
mask_t *slide_mask(const struct settings *settings, const slide_t *slide, const char *path, GError **error);
/* um a level-0 pixel: what its file says, else tiles.fallback_mpp; 0: not known. */
double slide_mpp(const struct slide_work *sw, const struct slide *slide);
/* Level-0 pixels a pixel that is read: the wanted resolution over the slide's, and a level's own where that
   is within a tenth: then nothing is resampled. */
double slide_scale(const struct slide_work *sw, const struct slide *slide);

/* slide_table.c: the table that the organisers gave along, if it is there. Reading it adds to the notes. */
struct slide_row {
	char *class;            /* NULL: none is said */
	gboolean placed;
	double x, y;            /* where placed: the scanned part's corner, level-0 px */
	gboolean matched;       /* by a slide */
};
void slide_table_read(struct slide_work *sw);
/* What it says of a slide that the slide does not, as sentences. */
void slide_table_check(const struct slide_work *sw, guint item, const struct slide *slide, GPtrArray *doubts);

/* slide_look.c */
char *slide_doubt(const struct work *work);
gboolean slide_look(struct work *work, guint item, struct look *out, GError **error);

/* slide_picture.c */
enum { SLIDE_PICTURE_BYTES = SLIDE_READ_BYTES + (16 << 20) }; /* that one takes */
gboolean slide_picture(struct work *work, guint item, double share, const struct sample *samples, const float *outputs,
		       gsize n, const char *path, GError **error);
/* Of tiles a side, a power of 2: so many tiles have about one, of which a share was looked at, 0 < share <= 1. */
double slide_picture_square(double share);

/* slide_stain.c: from a prepared slide's tissue map; and over n pixels, in place */
void slide_stain_settle(struct slide_case *c, enum normalise how);
void slide_stain_apply(const struct slide_case *c, enum normalise how, guint8 *rgb, gsize n);

/* slide_axis.c: the components (struct extent) of n tiles from a probability on; px where no um a px are known */
GArray *slide_components(const struct slide_work *sw, guint item, const struct sample *samples, const float *tiles, gsize n,
			 double threshold);
void slide_axis(struct work *work, guint item, const struct sample *samples, const float *outputs, gsize n, double *answer);

/* slide_looks.c */
void slide_looks_next(const struct work *work, guint item, int round, double share, const struct sample *samples,
		      const float *outputs, gsize n, GArray *out);
/* How many tiles a first look at all of a case is. */
guint32 slide_looks_most(const struct work *work, guint item);
/* Samples of a case: how many are its first look, a tile each; behind them stand further looks at some of these. */
gsize slide_looks_first(const struct sample *samples, gsize n);
/* What the looks in full say of each tile, on average; or what a coarse one lets expect. NAN: nothing. n: of samples, then of
   tiles. The caller frees them. */
float *slide_looks_tiles(const struct sample *samples, const float *outputs, gsize *n);
/* The same without the turned views. */
float *slide_looks_upright(const struct sample *samples, const float *outputs, gsize *n);
/* The same of those tiles alone that had the closest look that any had: turned, else in full, else coarse. n: of samples, then
   of these. The caller frees them. */
float *slide_looks_closest(const struct sample *samples, const float *outputs, gsize *n);

/* slide_samples.c */
guint32 slide_samples_count(const struct work *work, guint item, int stratum);
void slide_samples_pick(const struct work *work, guint item, int stratum, guint64 random, struct sample *out);
/* Free of tumour, and a tile's side or more from what was drawn as such. */
gboolean slide_samples_sure(const struct work *work, const struct sample *sample);
gboolean slide_samples_read(struct work *work, const struct sample *sample, guint8 *bytes, float *targets,
			    GError **error);
void slide_samples_features(const struct work *work, guint item, const struct sample *samples,
			    const float *outputs, gsize n, double *features);
/* Turns an n x n picture of 3 bytes in place by one of the 8 flips and quarter turns: bit 0 transposes,
   then bit 1 mirrors left-right, bit 2 top-bottom. */
void slide_samples_turn(guint8 *rgb, int n, guint turn);

G_END_DECLS
