/*
 * sampler.h - which sample stands at position p of epoch e: a pure function of the seed, with no list.
 *
 * A stratum by its share, so evenly that any run of positions has its parts; a case of the stratum, by its number of
 * samples in it, counted up to 100, to the power sampling.power; one of the case's samples in it; and a move of that. So a
 * case of 118,000 samples does not drown one of 1,365. Where samples were found that the network errs on (mine.h), a share of a stratum's draws is from
 * those.
 */
#pragma once
#include "common/task/task.h"

G_BEGIN_DECLS

struct sampler;

/* From cases that are ready and not held. A stratum without samples gives its share to the others, and is
   named in *empty_opt (a sentence, or NULL). FAULT_DATA where no stratum has any. */
struct sampler *sampler_new(const struct work *work, const gboolean *held, guint64 seed, char **empty_opt,
			    GError **error);
void sampler_free(struct sampler *s);
/* hard: (n) of their strata, copied; share: of each stratum's draws that is from its own, at most, for none is drawn more
   than about 4 times in an epoch of so many samples. n 0: none from now on. */
struct hard_sample { struct sample sample; int stratum; gint64 epoch; /* of the search that found it */ };
void sampler_set_hard(struct sampler *s, const struct hard_sample *hard, gsize n, double share, gint64 epoch_samples);
void sampler_draw(const struct sampler *s, guint64 epoch, guint64 position, struct sample *out);
/* Has the first stratum, what is sought, any samples? */
gboolean sampler_sees(const struct sampler *s);
int sampler_stratum(const struct sampler *s, guint64 epoch, guint64 position);

typedef struct sampler sampler_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sampler_t, sampler_free)

G_END_DECLS
