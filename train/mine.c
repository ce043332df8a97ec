/* mine.c - see mine.h. */
#include "train/mine.h"
#include "common/random/random.h"
#include <math.h>

enum { KEEP_OF = 8, PASS_OVER_OF = 10, TRIES = 8, NUMBERS = 7 };
static const guint64 APART = 1ull << 40;        /* from the positions that training draws */

struct judged { struct hard_sample hard; float output; };

struct search {
	struct work *work;
	GArray *drawn;          /* struct hard_sample, those of a case together */
	guint32 *first;         /* (n_cases + 1) of each case in drawn */
	GArray *judged;         /* struct judged: of each case, what may be taken */
	guint cases;
	guint64 n;              /* samples that were judged */
	guint64 most, a_case;   /* that are listed, in all and of a case */
};

static guint hash(gconstpointer sample)
{
	const struct sample *s = sample;

	return (guint)random_hash(s->item, (guint64)s->at[0], (guint64)s->at[1], random_mix(s->variant) ^ (guint64)s->at[2]);
}

static gboolean equal(gconstpointer a, gconstpointer b) { return memcmp(a, b, sizeof(struct sample)) == 0; }

static int by_case(const void *a, const void *b)
{
	const struct hard_sample *x = a, *y = b;

	return x->sample.item < y->sample.item ? -1 : x->sample.item > y->sample.item;
}

/* By output, the highest first; then by what they are, so that no order depends on how they came. */
static int highest(const void *a, const void *b)
{
	const struct judged *x = a, *y = b;

	return x->output != y->output ? (x->output < y->output ? 1 : -1)
	       : memcmp(&x->hard.sample, &y->hard.sample, sizeof x->hard.sample);
}

static void draw(const struct sampler *sampler, struct search *s, gint64 epoch, guint64 n)
{
	g_autoptr(GHashTable) there = g_hash_table_new(hash, equal);

	for (guint64 i = 0; i < TRIES * n && s->drawn->len < n; i++) {
		struct hard_sample h = { .stratum = sampler_stratum(sampler, (guint64)epoch, APART + i), .epoch = epoch };
		sampler_draw(sampler, (guint64)epoch, APART + i, &h.sample);
		if (g_hash_table_contains(there, &h.sample) || !s->work->task->sure(s->work, &h.sample))
			continue;
		g_array_append_val(s->drawn, h);        /* there is room for n: it stays where it is */
		g_hash_table_add(there, &g_array_index(s->drawn, struct hard_sample, s->drawn->len - 1).sample);
	}
	g_array_sort(s->drawn, by_case);        /* stable */
	for (guint i = 0; i < s->drawn->len; i++)
		s->first[g_array_index(s->drawn, struct hard_sample, i).sample.item + 1]++;
	for (guint i = 0; i < s->work->n_cases; i++)
		s->first[i + 1] += s->first[i];
}

static void choose(void *context, guint item, int round, GArray *out)
{
	struct search *s = context;

	for (guint32 i = s->first[item]; round == 0 && i < s->first[item + 1]; i++)
		g_array_append_val(out, g_array_index(s->drawn, struct hard_sample, i).sample);
}

/* Whether it has samples of more than one stratum. */
static gboolean is_mixed(const struct work *w, guint item)
{
	int strata = 0;

	for (int k = 0; k < w->task->n_strata; k++)
		strata += w->task->count(w, item, k) > 0;
	return strata > 1;
}

static gboolean take(void *context, const struct scan_case *c, GError **error)
{
	struct search *s = context;
	const struct task *task = s->work->task;
	g_autoptr(GArray) of = g_array_new(FALSE, FALSE, sizeof(struct judged));

	(void)error;
	for (gsize i = 0; i < c->n; i++) {
		struct judged j = { g_array_index(s->drawn, struct hard_sample, s->first[c->item] + i),
				    c->outputs[i * (gsize)task->judged] };
		if (isfinite(j.output) && task->truth(c->targets + i) == 0)
			g_array_append_val(of, j);
	}
	g_array_sort(of, highest);
	guint over = is_mixed(s->work, c->item) ? (of->len + PASS_OVER_OF - 1) / PASS_OVER_OF : 0;
	guint n = MIN(of->len - over, (guint)s->a_case);
	if (n > 0)
		g_array_append_vals(s->judged, &g_array_index(of, struct judged, over), n);
	s->n += of->len;
	return TRUE;
}

/* The new ones, then those before, as far as there is room. How many are new. */
static guint join(struct search *s, gint64 forgotten, GArray *hard)
{
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct hard_sample));
	g_autofree guint *of_case = g_new0(guint, s->work->n_cases + 1);
	g_autoptr(GHashTable) there = g_hash_table_new(hash, equal);
	guint found = (guint)MIN(s->judged->len, (s->n + KEEP_OF - 1) / KEEP_OF), n = 0;

	g_array_sort(s->judged, highest);
	for (guint i = 0; i < found; i++)
		g_array_append_val(all, g_array_index(s->judged, struct judged, i).hard);
	if (hard->len > 0)
		g_array_append_vals(all, hard->data, hard->len);
	for (guint i = 0; i < all->len && n < s->most; i++) {
		const struct hard_sample h = g_array_index(all, struct hard_sample, i);
		if (h.epoch <= forgotten || of_case[h.sample.item] >= s->a_case || g_hash_table_contains(there, &h.sample))
			continue;
		of_case[h.sample.item]++;
		g_array_index(all, struct hard_sample, n) = h;
		g_hash_table_add(there, &g_array_index(all, struct hard_sample, n++).sample);
	}
	g_array_set_size(hard, 0);
	if (n > 0)
		g_array_append_vals(hard, all->data, n);
	return found;
}

gboolean mine_search(struct scan *scan, struct sampler *sampler, gint64 epoch, gint64 every, guint64 n, GArray *hard,
		     gboolean *whole, guint *found, GError **error)
{
	g_autoptr(GArray) drawn = g_array_sized_new(FALSE, FALSE, sizeof(struct hard_sample), (guint)n);
	g_autoptr(GArray) judged = g_array_new(FALSE, FALSE, sizeof(struct judged));
	g_autofree guint32 *first = g_new0(guint32, scan->work->n_cases + 1);
	g_autofree guint *items = g_new(guint, scan->work->n_cases + 1);
	struct search s = { scan->work, drawn, first, judged, 0, 0, CLAMP(n / 2, HARD_MOST, HARD_EVER),
			    MAX(HARD_A_CASE, n / 64) };

	sampler_set_hard(sampler, NULL, 0, 0, 0);
	draw(sampler, &s, epoch, n);
	for (guint i = 0; i < scan->work->n_cases; i++)
		if (first[i + 1] > first[i])
			items[s.cases++] = i;
	scan->choose = choose;
	if (!scan_cases(scan, items, s.cases, take, &s, error))
		return FALSE;
	*whole = scan->whole;
	*found = *whole ? join(&s, epoch - HARD_SEARCHES * every, hard) : 0;
	return TRUE;
}

/* ---- as text ---- */

char *mine_to_text(const GArray *hard)
{
	g_autofree gint32 *numbers = g_new(gint32, NUMBERS * hard->len + 1);
	gsize n = 0;

	for (guint i = 0; i < hard->len; i++) {
		const struct hard_sample *h = &g_array_index(hard, struct hard_sample, i);
		const gint64 of[NUMBERS] = { h->sample.item, h->sample.variant, h->sample.at[0], h->sample.at[1], h->sample.at[2],
					     h->stratum, h->epoch };
		for (int k = 0; k < NUMBERS; k++)
			numbers[n++] = GINT32_TO_LE((gint32)of[k]);
	}
	return g_base64_encode((const guchar *)numbers, n * sizeof *numbers);
}

gboolean mine_from_text(const char *text, const struct work *w, GArray *hard)
{
	gsize size;
	g_autofree gint32 *numbers = (gint32 *)(gpointer)g_base64_decode(text, &size);

	if (size % (NUMBERS * sizeof *numbers) != 0)
		return FALSE;
	for (const gint32 *of = numbers; (gsize)(of - numbers) < size / sizeof *numbers; of += NUMBERS) {
		gint32 is[NUMBERS];
		for (int k = 0; k < NUMBERS; k++)
			is[k] = GINT32_FROM_LE(of[k]);
		const struct hard_sample h = { { (guint32)is[0], (guint32)is[1], 0, { is[2], is[3], is[4] } }, is[5], is[6] };
		if (h.sample.item >= w->n_cases || h.stratum < 0 || h.stratum >= w->task->n_strata)
			return FALSE;
		if (w->cases[h.sample.item].ready)      /* else it is not there today */
			g_array_append_val(hard, h);
	}
	return TRUE;
}
