/*
 * mine.h - hard negatives: samples that are negative beyond doubt and that the network takes for positive, sought from
 * time to time so that they are drawn more often (bootstrapping: Sung & Poggio 1998; Felzenszwalb et al. 2010).
 *
 * A search draws samples as training does, keeps those of which the task is sure, judges them, and takes the highest
 * eighth. Of a case that has samples of other strata too, the highest tenth is passed over: it may be positive, and
 * nobody marked it. What was found joins what was found before: no more than 64 a case and 8,192 in all, or where a search judges
 * many a sixty-fourth and a half of these, 65,536 at most (they are saved as text), the newest, and none that is four searches old, for
 * the network has learned it since.
 *
 * A pure function of the seed, the epoch, the network and the list before; so a search that was stopped is done again.
 * Errors: the scan's.
 */
#pragma once
#include "common/scan/scan.h"
#include "train/sampler.h"

G_BEGIN_DECLS

enum { HARD_MOST = 8192, HARD_EVER = 65536, HARD_A_CASE = 64, HARD_SEARCHES = 4 };

/* Judges up to n samples; hard: of struct hard_sample. sampler: has no hard ones afterwards. every: epochs from search to
   search. *whole: FALSE where the scan was cut short, by its deadline or stop_asked(): then hard is as it was, as on failure.
   *found: new ones. */
gboolean mine_search(struct scan *scan, struct sampler *sampler, gint64 epoch, gint64 every, guint64 n, GArray *hard,
		     gboolean *whole, guint *found, GError **error);

/* The list as one word, and back into an empty one: FALSE where it is damaged, or not of this work's cases and strata. */
char *mine_to_text(const GArray *hard);
gboolean mine_from_text(const char *text, const struct work *work, GArray *hard);

G_END_DECLS
