/*
 * slide_looks.c - the looks that answering takes at a slide's tiles: first at all, or a share, of its grid; where the network
 * has a screen, coarsely, and then in full at those that came out highest; last at turned views of the highest of these. A sample
 * behind the first look has in at[2] the index of the tile there that it is another look at.
 */
#include "common/score/coarse.h"
#include "common/score/score.h"
#include "common/slide/spread.h"
#include "common/task/slide_work.h"
#include <math.h>

typedef struct seen {           /* what the looks said of n tiles: NAN where there was none, or in vain */
	gsize n;
	float *coarse, *full, *turned; /* turned: the mean of all views in full */
} seen_t;

static void seen_clear(seen_t *s)
{
	g_free(s->coarse);
	g_free(s->full);
	g_free(s->turned);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(seen_t, seen_clear)

static float *nothing(gsize n)
{
	float *out = g_new(float, n + 1);

	for (gsize i = 0; i < n; i++)
		out[i] = NAN;
	return out;
}

gsize slide_looks_first(const struct sample *samples, gsize n)
{
	gsize first = 0;

	while (first < n && samples[first].variant == 0 && samples[first].coarse == samples[0].coarse)
		first++;
	return first;
}

static seen_t see(const struct sample *samples, const float *outputs, gsize n)
{
	const gsize tiles = slide_looks_first(samples, n);
	seen_t s = { tiles, nothing(tiles), nothing(tiles), nothing(tiles) };
	g_autofree double *sum = g_new0(double, tiles + 1);
	g_autofree guint *count = g_new0(guint, tiles + 1);

	for (gsize i = 0; i < n; i++) {
		const gsize of = i < tiles ? i : (gsize)samples[i].at[2];
		if (samples[i].coarse) {
			s.coarse[of] = outputs[i];
		} else if (samples[i].variant == 0) {
			s.full[of] = outputs[i];
		} else if (isfinite(outputs[i])) {
			sum[of] += outputs[i];
			count[of]++;
		}
	}
	for (gsize i = tiles; i < n; i++) {     /* also where all turned views failed: it had its look */
		const gsize of = (gsize)samples[i].at[2];
		if (samples[i].variant != 0)
			s.turned[of] = (float)((sum[of] + s.full[of]) / (count[of] + 1));
	}
	return s;
}

/* ---- what is looked at next ---- */

/* What is a tile for its mask alone is not, where there is no tissue: held out, it would be found too easily. */
static gboolean is_looked_at(const struct work *w, const struct tile *tile)
{
	return tile->tissue >= lround(w->settings->tiles.tissue * 255);
}

guint32 slide_looks_most(const struct work *w, guint item)
{
	const struct tiles *tiles = &slide_work_of(w)->slides[item].tiles;
	guint32 n = 0;

	for (guint32 i = 0; i < tiles->n; i++)
		n += is_looked_at(w, &tiles->tile[i]) ? 1 : 0;
	return n;
}

static void first_look(const struct work *w, guint item, double share, GArray *out)
{
	const struct tiles *tiles = &slide_work_of(w)->slides[item].tiles;
	const guint32 coarse = work_coarse_first(w) ? 1 : 0;
	g_autofree guint8 *chosen = g_new(guint8, tiles->n + 1);

	spread_choose(tiles, (guint32)share_count(share, tiles->n), chosen);
	for (guint32 i = 0; i < tiles->n; i++) {
		struct sample s = { .item = item, .coarse = coarse, .at = { tiles->tile[i].x, tiles->tile[i].y } };
		if (chosen[i] && is_looked_at(w, &tiles->tile[i]))
			g_array_append_val(out, s);
	}
}

static void add_look(const struct sample *samples, guint32 tile, guint turn, GArray *out)
{
	struct sample s = samples[tile];

	s.coarse = 0;
	s.variant = turn;
	s.at[2] = (gint32)tile;
	g_array_append_val(out, s);
}

static void full_looks(const struct work *w, const struct sample *samples, const float *outputs, gsize n, GArray *out)
{
	g_autofree guint32 *chosen = g_new(guint32, n);
	const gsize due = coarse_choose(outputs, n, w->settings->inference.effort, chosen);

	for (gsize i = 0; i < due; i++)
		add_look(samples, chosen[i], 0, out);
}

/* The highest tiles decide the score, so they alone are looked at again, turned: enough of them that the score's own stay
   among them. */
static void turned_looks(const struct work *w, const struct sample *samples, const float *outputs, gsize n, GArray *out)
{
	const struct settings *s = w->settings;
	const gsize most = (gsize)MAX(8 * s->score.top, 24);
	g_auto(seen_t) seen = see(samples, outputs, n);
	g_autofree guint32 *order = g_new(guint32, seen.n);
	const gsize highest = MIN(score_order(seen.full, seen.n, order), most);

	for (gsize i = 0; i < highest; i++)
		for (guint turn = 1; turn < (guint)s->inference.turns; turn++)
			add_look(samples, order[i], turn, out);
}

void slide_looks_next(const struct work *w, guint item, int round, double share, const struct sample *samples, const float *outputs,
		      gsize n, GArray *out)
{
	if (round == 0)
		first_look(w, item, share, out);
	else if (n > 0 && samples[n - 1].coarse)
		full_looks(w, samples, outputs, n, out);
	else if (n > 0 && samples[n - 1].variant == 0)
		turned_looks(w, samples, outputs, n, out);
}

/* ---- what they say ---- */

static float *upright(const seen_t *seen)
{
	float *out = nothing(seen->n);

	coarse_merge(seen->coarse, seen->full, seen->n, out);
	return out;
}

float *slide_looks_upright(const struct sample *samples, const float *outputs, gsize *n)
{
	g_auto(seen_t) seen = see(samples, outputs, *n);

	*n = seen.n;
	return upright(&seen);
}

float *slide_looks_tiles(const struct sample *samples, const float *outputs, gsize *n)
{
	g_auto(seen_t) seen = see(samples, outputs, *n);
	float *out = upright(&seen);

	for (gsize i = 0; i < seen.n; i++)
		out[i] = isfinite(seen.turned[i]) ? seen.turned[i] : out[i];
	*n = seen.n;
	return out;
}

float *slide_looks_closest(const struct sample *samples, const float *outputs, gsize *n)
{
	g_auto(seen_t) seen = see(samples, outputs, *n);
	const float *const looks[] = { seen.turned, seen.full, seen.coarse };
	float *out = g_new(float, seen.n + 1);

	*n = 0;
	for (gsize k = 0; k < G_N_ELEMENTS(looks) && *n == 0; k++)
		for (gsize i = 0; i < seen.n; i++)
			if (isfinite(looks[k][i]))
				out[(*n)++] = looks[k][i];
	return out;
}
