/*
 * slide_samples.c - a slide's tiles: drawn for training, read, and joined to the slide's features. A sample's at[] is its
 * upper left corner in level-0 px; at[2] is of further looks (slide_looks.c).
 */
#include "common/random/random.h"
#include "common/score/extent.h"
#include "common/score/score.h"
#include "common/task/slide_facts.h"
#include "common/task/slide_work.h"
#include <math.h>

guint32 slide_samples_count(const struct work *w, guint item, int stratum)
{
	const struct slide_case *c = &slide_work_of(w)->slides[item];
	const struct work_case *wc = &w->cases[item];
	const gboolean positive = case_positive(w, item);

	if (!wc->ready || positive != (stratum != STRATUM_NEGATIVE) || (positive && c->mask == NULL))
		return 0;
	if (stratum == STRATUM_TUMOUR)
		return c->tiles.most >= G_MAXUINT16 * w->settings->sampling.least ? c->tiles.n_tumour : 0;
	return stratum == STRATUM_NORMAL ? c->tiles.n - c->tiles.n_tumour : c->tiles.n;
}

/* Moved by up to the jitter, and kept on the scanned part where the tile fits on it. */
static gint32 moved(gint32 at, double jitter, double side, gint64 from, gint64 length, guint64 noise)
{
	double low = (double)from, high = (double)from + MAX((double)length - side, 0);
	double to = at + random_between(noise, -jitter, jitter);

	return (gint32)lround(CLAMP(to, low, MAX(high, at)));
}

static void place(const struct slide_case *c, double x, double y, double reach, guint64 random, struct sample *out)
{
	out->at[0] = moved((gint32)lround(x), reach, c->tiles.side, c->slide->x, c->slide->w, random_mix(random));
	out->at[1] = moved((gint32)lround(y), reach, c->tiles.side, c->slide->y, c->slide->h, random_mix(random + 1));
}

/* A lesion of the slide, each alike; then one of its tiles, or where it is small, itself anywhere in a tile: whole, off
   its middle, or a part of it. FALSE: there is none to draw. */
static gboolean pick_lesion(const struct slide_case *c, guint64 random, struct sample *out)
{
	const struct tiles *t = &c->tiles;

	if (t->n_lesions == 0)
		return FALSE;
	const struct tile_lesion *l = &t->lesion[random_below(random_mix(random + 2), t->n_lesions)];
	if (l->small) {
		place(c, l->x - t->side / 2, l->y - t->side / 2, t->side / 2, random, out);
		return TRUE;
	}
	const struct tile *tile = &t->tile[l->first + random_below(random_mix(random + 3), l->end - l->first)];
	place(c, tile->x, tile->y, c->jitter, random, out);
	return TRUE;
}

/* One of n tiles from `first` on that has the least share of tumour: what is drawn, or the next that has it. */
static const struct tile *pick_tile(const struct slide_case *c, guint32 first, guint32 n, double least, guint64 random)
{
	guint32 at = random_below(random_mix(random + 3), n);

	for (guint32 i = 0; i < n && c->tiles.tile[first + at].tumour < G_MAXUINT16 * least; i++)
		at = (at + 1) % n;
	return &c->tiles.tile[first + at];
}

void slide_samples_pick(const struct work *w, guint item, int stratum, guint64 random, struct sample *out)
{
	const struct slide_case *c = &slide_work_of(w)->slides[item];
	const guint32 first = stratum == STRATUM_NORMAL ? c->tiles.n_tumour : 0;
	const gboolean by_lesion = stratum == STRATUM_TUMOUR && w->settings->sampling.least <= 0 &&
				   random_unit(random_mix(random + 4)) < w->settings->sampling.lesions;

	*out = (struct sample){ .item = item };
	if (by_lesion && pick_lesion(c, random, out))
		return;
	const double least = stratum == STRATUM_TUMOUR ? w->settings->sampling.least : 0;
	const struct tile *t = pick_tile(c, first, slide_samples_count(w, item, stratum), least, random);
	place(c, t->x, t->y, c->jitter, random, out);
}

gboolean slide_samples_sure(const struct work *w, const struct sample *sample)
{
	const struct slide_case *c = &slide_work_of(w)->slides[sample->item];
	const double side = c->tiles.side;

	return c->mask == NULL || mask_share(c->mask, sample->at[0] - side, sample->at[1] - side, 3 * side, 3 * side) == 0;
}

static void swap(guint8 *a, guint8 *b)
{
	guint8 t[3];

	memcpy(t, a, 3);
	memcpy(a, b, 3);
	memcpy(b, t, 3);
}

void slide_samples_turn(guint8 *rgb, int side, guint turn)
{
	gsize n = (gsize)side;

	for (gsize y = 0; (turn & 1) != 0 && y < n; y++)
		for (gsize x = 0; x < y; x++)
			swap(rgb + 3 * (y * n + x), rgb + 3 * (x * n + y));
	for (gsize y = 0; (turn & 2) != 0 && y < n; y++)
		for (gsize x = 0; x < n / 2; x++)
			swap(rgb + 3 * (y * n + x), rgb + 3 * (y * n + n - 1 - x));
	for (gsize y = 0; (turn & 4) != 0 && y < n / 2; y++)
		for (gsize x = 0; x < n; x++)
			swap(rgb + 3 * (y * n + x), rgb + 3 * ((n - 1 - y) * n + x));
}

/* Each cell's share of tumour. Nobody learns from a turned view: it has none. */
static void read_map(const struct work *w, const struct sample *sample, const struct slide_case *c, float whole, float *map)
{
	const int cells = w->shape.map;
	const double side = c->tiles.side / MAX(cells, 1), x = sample->at[0], y = sample->at[1];

	for (int v = 0; v < cells; v++)
		for (int u = 0; u < cells; u++)
			map[v * cells + u] = sample->variant != 0 ? NAN : c->mask == NULL ? whole
					     : (float)mask_share(c->mask, x + u * side, y + v * side, side, side);
}

/* How much of from..to lies in the px i, which is as wide as `by`. */
static guint overlap(int from, int to, int i, int by) { return (guint)(MIN(to, (i + 1) * by) - MAX(from, i * by)); }

/* (size, size) px, each of by x by of a tile's, to (side, side): a pixel is the mean of those of the tile that it touches, as
   t_adaptive_pool2d has them of the tile itself. */
static void shrink(const guint8 *from, int size, int by, int side, guint8 *to)
{
	const int own = size * by;

	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++, to += 3) {
			const int top = y * own / side, left = x * own / side, bottom = ((y + 1) * own + side - 1) / side,
				  right = ((x + 1) * own + side - 1) / side;
			const guint n = (guint)((bottom - top) * (right - left));
			guint sum[3] = { n / 2, n / 2, n / 2 };
			for (int v = top / by; v * by < bottom; v++)
				for (int u = left / by; u * by < right; u++) {
					const guint times = overlap(top, bottom, v, by) * overlap(left, right, u, by);
					for (int k = 0; k < 3; k++)
						sum[k] += times * from[3 * (v * size + u) + k];
				}
			for (int k = 0; k < 3; k++)
				to[k] = (guint8)(sum[k] / n);
		}
}

/* The tile at `size` px, a divisor of its own, then shrunk: as the screen learned it, which saw tiles recoloured and then made small. */
static gboolean read_shrunk(const struct work *w, const struct sample *sample, int size, int side, guint8 *rgb, GError **error)
{
	const struct slide_case *c = &slide_work_of(w)->slides[sample->item];
	const gsize n = (gsize)size * (gsize)size;
	g_autofree guint8 *more = g_malloc(3 * n);

	if (!slide_read(c->slide, sample->at[0], sample->at[1], c->scale * w->shape.width / size, size, size, more, NULL, error))
		return FALSE;
	slide_stain_apply(c, w->settings->tiles.normalise, more, n);
	shrink(more, size, w->shape.width / size, side, rgb);
	return TRUE;
}

/* (side, side) px of the tile itself, less than it has: of a coarser level where there is one, of which there is less to decode, but
   of about twice the detail, as a JPEG's colours have half of it. Where that level is damaged, of the tile's own; which tiles of a
   slide come from where, then hangs on which were tried first. */
static gboolean read_coarse(const struct work *w, const struct sample *sample, int side, guint8 *rgb, GError **error)
{
	enum { IN_VAIN = 4 };           /* times; then it is not tried any more */
	struct slide_case *c = &slide_work_of(w)->slides[sample->item];
	int fewer = w->shape.width;

	while (fewer >= 4 * side && fewer % 2 == 0)
		fewer /= 2;
	const gboolean coarser = slide_level(c->slide, c->scale * w->shape.width / fewer) != slide_level(c->slide, c->scale) &&
				 g_atomic_int_get(&c->coarse_in_vain) < IN_VAIN;
	if (coarser && read_shrunk(w, sample, fewer, side, rgb, NULL))
		return TRUE;
	if (!read_shrunk(w, sample, w->shape.width, side, rgb, error))
		return FALSE;
	if (coarser)
		g_atomic_int_inc(&c->coarse_in_vain);   /* it was the level, not the slide */
	return TRUE;
}

/* The tile itself, 0; or what lies about it, 1. */
static gboolean read_picture(const struct work *w, const struct sample *sample, guint picture, guint8 *rgb, GError **error)
{
	const struct slide_case *c = &slide_work_of(w)->slides[sample->item];
	const int size = w->shape.width;
	const double wider = picture == 0 ? 1 : w->settings->tiles.context, before = (wider - 1) / 2 * c->tiles.side;

	if (!slide_read(c->slide, sample->at[0] - before, sample->at[1] - before, wider * c->scale, size, size, rgb, NULL, error))
		return FALSE;
	slide_stain_apply(c, w->settings->tiles.normalise, rgb, sample_pixels(&w->shape));
	if (sample->variant != 0)
		slide_samples_turn(rgb, size, sample->variant);
	return TRUE;
}

gboolean slide_samples_read(struct work *w, const struct sample *sample, guint8 *bytes, float *targets,
			    GError **error)
{
	const struct slide_case *c = &slide_work_of(w)->slides[sample->item];
	const int label = w->cases[sample->item].label;
	const struct sample_shape shape = sample_shape_of(&w->shape, sample->coarse != 0);

	if (shape.width < w->shape.width) {
		if (!read_coarse(w, sample, shape.width, bytes, error))
			return FALSE;
	} else {
		for (guint i = 0; i < sample_pictures(&shape); i++)
			if (!read_picture(w, sample, i, bytes + i * 3 * sample_pixels(&shape), error))
				return FALSE;
	}
	if (c->mask != NULL)
		targets[0] = (float)mask_share(c->mask, sample->at[0], sample->at[1], c->tiles.side, c->tiles.side);
	else
		targets[0] = label >= 0 && w->settings->data.classes[label + 1] != NULL ? 0 : NAN;
	read_map(w, sample, c, targets[0], targets + 1);
	return TRUE;
}

/* The largest component of tiles over a half. */
static struct feature_component largest(const struct slide_work *sw, guint item, const struct sample *samples, const float *tiles,
					gsize n)
{
	g_autoptr(GArray) found = slide_components(sw, item, samples, tiles, n, 0.5);

	if (found->len == 0)
		return (struct feature_component){ 0 };
	const struct extent *e = &g_array_index(found, struct extent, 0);
	const double p = CLAMP(e->probability, 1e-12, 1 - 1e-12);
	return (struct feature_component){ .largest_area = e->area, .longest_axis = e->longest_axis, .mean = log(p / (1 - p)),
					   .density = MIN(1, e->area / MAX(e->longest_axis * e->longest_axis / 2, 1e-9)) };
}

void slide_samples_features(const struct work *w, guint item, const struct sample *samples, const float *outputs,
			    gsize n, double *features)
{
	const guint top = (guint)w->settings->score.top;
	gsize n_tiles = n, n_closest = n;
	g_autofree float *tiles = slide_looks_tiles(samples, outputs, &n_tiles), *closest = slide_looks_closest(samples, outputs, &n_closest);
	const struct feature_component component = largest(slide_work_of(w), item, samples, tiles, n_tiles);

	const double share = CLAMP((double)n_tiles / MAX(slide_looks_most(w, item), 1), 1e-9, 1);
	features_of(tiles, n_tiles, share, top, &component, features + SLIDE_FEATURES);
	features[SLIDE_TOP] = score_top_mean(closest, n_closest, top) -
			      score_background(tiles, n_tiles, w->settings->score.background);
	features[SLIDE_ATTENTION] = NAN;
}
