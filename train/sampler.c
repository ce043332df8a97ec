/* sampler.c - see sampler.h. */
#include "train/sampler.h"
#include "common/fault/fault.h"
#include "common/random/random.h"
#include <math.h>

enum { PURPOSE_STRATUM = 1, PURPOSE_CASE, PURPOSE_SAMPLE, PURPOSE_HARD };
enum { COUNTED_MOST = 100 };            /* of a case: so many tiles are no more drawn too often than more of them */
static const double MOST_AN_EPOCH = 4;  /* draws of one hard sample */

struct weighted { guint item; double upto; };   /* weights, cumulated */

struct sampler {
	const struct work *work;
	guint64 seed;
	struct stratum {
		GArray *items;          /* struct weighted */
		double until;           /* cumulated share, last 1 */
		GArray *hard;           /* struct sample */
		double hard_share;      /* of its draws that are from these */
	} *strata;
};

struct sampler *sampler_new(const struct work *work, const gboolean *held, guint64 seed, char **empty, GError **error)
{
	const struct task *task = work->task;
	g_autoptr(sampler_t) s = g_new0(struct sampler, 1);
	g_autoptr(GString) without = g_string_new(NULL);
	double sum = 0;

	s->work = work;
	s->seed = seed;
	s->strata = g_malloc0_n((gsize)task->n_strata, sizeof *s->strata);
	for (int k = 0; k < task->n_strata; k++) {
		s->strata[k].items = g_array_new(FALSE, FALSE, sizeof(struct weighted));
		s->strata[k].hard = g_array_new(FALSE, FALSE, sizeof(struct sample));
		double weight = 0;
		for (guint i = 0; i < work->n_cases; i++) {
			const guint32 n = work->cases[i].ready && !held[i] ? task->count(work, i, k) : 0;
			if (n == 0)
				continue;
			weight += pow(MIN(n, COUNTED_MOST), work->settings->sampling.power);
			const struct weighted one = { i, weight };
			g_array_append_val(s->strata[k].items, one);
		}
		double share = task->share(work->settings, k);
		if (s->strata[k].items->len == 0 && share > 0)
			g_string_append_printf(without, "%s%s", without->len > 0 ? ", " : "", task->strata[k]);
		sum += s->strata[k].items->len > 0 ? share : 0;
		s->strata[k].until = sum;
	}
	if (!(sum > 0)) {
		g_set_error(error, FAULT, FAULT_DATA, "there is nothing to learn from: no case has samples of kind %s",
			    without->str);
		return NULL;
	}
	for (int k = 0; k < task->n_strata; k++)
		s->strata[k].until /= sum;
	if (empty != NULL)
		*empty = without->len == 0 ? NULL
			 : g_strdup_printf("no case to learn from has samples of kind %s: the others take its share%s", without->str,
					   sampler_sees(s) ? "" : "; so the network learns nothing of what is sought: it stays as "
					   "model.weights has it, if there are any, and attention over what it says (score.model=attention) is all that "
					   "can tell cases apart; check data.masks");
	return g_steal_pointer(&s);
}

gboolean sampler_sees(const struct sampler *s) { return s->strata[0].items->len > 0; }

void sampler_free(struct sampler *s)
{
	if (s == NULL)
		return;
	for (int k = 0; k < s->work->task->n_strata; k++) {
		g_clear_pointer(&s->strata[k].items, g_array_unref);
		g_clear_pointer(&s->strata[k].hard, g_array_unref);
	}
	g_free(s->strata);
	g_free(s);
}

/* Van der Corput 1935, base 2: the bits of n mirrored behind the point. */
static double mirrored(guint64 n)
{
	guint32 x = (guint32)n;

	x = (x >> 16) | (x << 16);
	x = ((x & 0xff00ff00u) >> 8) | ((x & 0x00ff00ffu) << 8);
	x = ((x & 0xf0f0f0f0u) >> 4) | ((x & 0x0f0f0f0fu) << 4);
	x = ((x & 0xccccccccu) >> 2) | ((x & 0x33333333u) << 2);
	x = ((x & 0xaaaaaaaau) >> 1) | ((x & 0x55555555u) << 1);
	return x * 0x1p-32;
}

int sampler_stratum(const struct sampler *s, guint64 epoch, guint64 position)
{
	double u = mirrored(position) + random_unit(random_hash(s->seed, epoch, PURPOSE_STRATUM, 0));
	int k = 0;

	u -= u >= 1;
	while (k < s->work->task->n_strata - 1 && u >= s->strata[k].until)
		k++;
	while (s->strata[k].items->len == 0)    /* rounding at the end of the shares */
		k--;
	return k;
}

void sampler_set_hard(struct sampler *s, const struct hard_sample *hard, gsize n, double share, gint64 epoch_samples)
{
	const int n_strata = s->work->task->n_strata;

	for (int k = 0; k < n_strata; k++)
		g_array_set_size(s->strata[k].hard, 0);
	for (gsize i = 0; i < n; i++)
		g_array_append_val(s->strata[hard[i].stratum].hard, hard[i].sample);
	for (int k = 0; k < n_strata; k++) {
		struct stratum *of = &s->strata[k];
		double draws = (of->until - (k > 0 ? of[-1].until : 0)) * (double)epoch_samples;
		of->hard_share = of->hard->len == 0 ? 0 : MIN(share, MOST_AN_EPOCH * of->hard->len / MAX(draws, 1));
	}
}

/* One of a stratum's cases, by their weights. */
static guint draw_item(const struct stratum *of, guint64 random)
{
	const struct weighted *all = (const struct weighted *)(gpointer)of->items->data;
	guint low = 0, high = of->items->len - 1;
	const double at = random_unit(random) * all[high].upto;

	while (low < high) {
		const guint middle = (low + high) / 2;
		if (at < all[middle].upto)
			high = middle;
		else
			low = middle + 1;
	}
	return all[low].item;
}

void sampler_draw(const struct sampler *s, guint64 epoch, guint64 position, struct sample *out)
{
	const int k = sampler_stratum(s, epoch, position);
	const struct stratum *of = &s->strata[k];
	const guint64 which = random_hash(s->seed, epoch, position, PURPOSE_CASE);

	if (of->hard_share > 0 && random_unit(random_hash(s->seed, epoch, position, PURPOSE_HARD)) < of->hard_share) {
		*out = g_array_index(of->hard, struct sample, random_below(which, of->hard->len));
		return;
	}
	const guint item = draw_item(of, which);
	s->work->task->pick(s->work, item, k, random_hash(s->seed, epoch, position, PURPOSE_SAMPLE), out);
}
