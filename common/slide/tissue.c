/*
 * tissue.c - see tissue.h.
 *
 * Each pixel of a small picture of the slide gets a class (unscanned, ink, black, or neither) and a
 * strength: its mean optical density over the glass's plus the spread of its channels' densities. Stain
 * raises both, shade on the glass only the first, and faint tissue is weak in both but not in their sum.
 * A threshold on the strength gives the map, which is then cleaned of small holes and specks.
 */
#include "common/slide/tissue.h"
#include "common/fault/fault.h"
#include "common/slide/regions.h"
#include <math.h>

#define TILE_SIDE 8             /* map px that a tile is taken to be wide */
#define HOLE_MAX (TILE_SIDE * TILE_SIDE)
#define SPECK_MAX (TILE_SIDE * TILE_SIDE / 8)
#define STROKE_MIN 24           /* map px: less ink than this is a dark cell group, no stroke */
#define STROKE_RIM 2            /* map px that ink bleeds, or is blurred, into the glass */

/* The threshold's limits, in optical density (OD). Below 0.05 lie noise, uneven light and white filler
   beside glass of 230; faint frozen tissue has 0.08 in density alone. */
#define LEAST 0.05
#define MOST 0.07
#define BINS 256
#define STRENGTH_MAX 0.32       /* where the histogram ends: darker is tissue either way, and would draw
				   the threshold up into the tissue's own range */
enum class { OFF, INK, DARK, PLAIN };   /* unscanned, pen, black of a bad scan, glass or tissue */

static float density_of(int value, double glass)
{
	return (float)-log10((value + 1) / (glass + 1));
}

struct picture {
	const guint8 *rgb, *scanned; /* scanned may be NULL */
	gsize n;
	int width, height;
	float density[3][256];  /* OD over the glass's, by value */
	double glass[3];        /* 0..255 */
};

static gboolean is_scanned(const struct picture *p, gsize i)
{
	return p->scanned == NULL || p->scanned[i] > 127;
}

/*
 * The glass: the brightest neutral colour that there is much of (the 95th in a hundred by brightness of all
 * neutral pixels over 200). The brightest and not the most frequent, which may be faint tissue. Where less
 * than 1 in 200 pixels is so bright there is no glass to see, and white stands for it.
 */
static void find_glass(struct picture *p)
{
	guint64 count[256] = { 0 }, sum[256][3] = { { 0 } }, scanned = 0, bright = 0, seen = 0;
	double total[3] = { 0 }, of = 0;
	int v = 255;

	for (gsize i = 0; i < p->n; i++) {
		const guint8 *c = p->rgb + 3 * i;
		int low = MIN(MIN(c[0], c[1]), c[2]), high = MAX(MAX(c[0], c[1]), c[2]);

		if (!is_scanned(p, i))
			continue;
		scanned++;
		if (low < 200 || high - low > 16)
			continue;
		bright++;
		count[low]++;
		for (int k = 0; k < 3; k++)
			sum[low][k] += c[k];
	}
	for (int k = 0; k < 3; k++)
		p->glass[k] = 255;
	if (bright * 200 <= scanned)
		return;
	while (v > 0 && (seen += count[v]) * 20 < bright)
		v--;
	for (int u = MAX(v - 1, 0); u <= MIN(v + 1, 255); u++) {
		of += (double)count[u];
		for (int k = 0; k < 3; k++)
			total[k] += (double)sum[u][k];
	}
	for (int k = 0; k < 3; k++)
		p->glass[k] = total[k] / of;
}

/*
 * Ink by its densities in red, green and blue. Haematoxylin (0.65 0.70 0.29) and eosin (0.07 0.99 0.11:
 * Ruifrok and Johnston 2001) and all their mixtures absorb green most and blue much less.
 *   blue, green, cyan pens:  absorb red clearly more than green
 *   red pens:                absorb blue nearly as much as green, red hardly, and are strong (blood is less so)
 *   black pens:              absorb all alike, and strongly
 */
static enum class class_of(const float d[3])
{
	float low = MIN(MIN(d[0], d[1]), d[2]), high = MAX(MAX(d[0], d[1]), d[2]);

	if (low > 1.35f)
		return DARK;
	if (low > 0.55f && high - low < 0.2f * high)
		return INK;
	if (d[0] - d[1] > MAX(0.06f, 0.15f * d[0]))
		return INK;
	if (d[1] > 0.6f && d[2] > 0.7f * d[1] && d[0] < 0.3f * d[1])
		return INK;
	return PLAIN;
}

static float strength_of(const float d[3])
{
	float low = MIN(MIN(d[0], d[1]), d[2]), high = MAX(MAX(d[0], d[1]), d[2]);

	return (d[0] + d[1] + d[2]) / 3 + high - low;
}

static int bin_of(float strength)
{
	return (int)CLAMP(strength * (float)(BINS / STRENGTH_MAX), 0, BINS - 1);
}

static void classify(const struct picture *p, guint8 *class, guint8 *strength)
{
	for (gsize i = 0; i < p->n; i++) {
		const guint8 *c = p->rgb + 3 * i;
		float d[3] = { p->density[0][c[0]], p->density[1][c[1]], p->density[2][c[2]] };

		class[i] = (guint8)(is_scanned(p, i) ? class_of(d) : OFF);
		strength[i] = (guint8)bin_of(strength_of(d));
	}
}

/* Otsu 1979: the bin that parts the histogram with the largest variance between its halves. */
static int otsu(const guint64 count[BINS])
{
	double n = 0, sum = 0, below = 0, sum_below = 0, best = -1;
	int at = 0;

	for (int i = 0; i < BINS; i++) {
		n += (double)count[i];
		sum += (double)count[i] * i;
	}
	for (int i = 0; i < BINS - 1; i++) {
		double gap, between;

		below += (double)count[i];
		sum_below += (double)count[i] * i;
		if (below == 0 || below == n)
			continue;
		gap = sum_below / below - (sum - sum_below) / (n - below);
		between = below * (n - below) * gap * gap;
		if (between > best) {
			best = between;
			at = i + 1;
		}
	}
	return at;
}

/* ---- cleaning: regions of map pixels of one value ---- */

enum { GLASS, TISSUE, NEITHER };        /* map values, until it is done */

/* Does a run end at the picture's edge or at what is neither? */
static gboolean run_is_open(const guint8 *map, int width, int height, int y, const struct region_run *run)
{
	const guint8 *row = map + (gsize)y * (gsize)width;

	if (y == 0 || y == height - 1 || run->start == 0 || run->end == (guint32)width ||
	    row[run->start - 1] == NEITHER || row[run->end] == NEITHER)
		return TRUE;
	return memchr(row - width + run->start, NEITHER, run->end - run->start) != NULL ||
	       memchr(row + width + run->start, NEITHER, run->end - run->start) != NULL;
}

/* All regions of pixels that equal `value` and have fewer than `least` pixels become `to`. A hole must be
   closed all round, and its corners do not join. */
static gboolean drop_regions(guint8 *map, int width, int height, guint8 value, guint8 to, gboolean hole,
			     guint32 least)
{
	g_autofree guint32 *rows = g_try_new0(guint32, (gsize)height + 1), *label = NULL;
	g_autofree guint64 *area = NULL;
	g_autofree struct region_run *runs = NULL;
	guint32 n = 0, regions;

	for (gsize i = 0, all = (gsize)width * (gsize)height; i < all; i++)
		n += map[i] == value && (i % (gsize)width == 0 || map[i - 1] != value);
	runs = g_try_new(struct region_run, MAX(n, 1));
	label = g_try_new(guint32, MAX(n, 1));
	area = g_try_new0(guint64, MAX(n, 1));
	if (rows == NULL || runs == NULL || label == NULL || area == NULL)
		return FALSE;
	n = 0;
	for (int y = 0; y < height; y++) {
		const guint8 *row = map + (gsize)y * (gsize)width;

		for (int x = 0; x < width; x++) {
			if (row[x] != value)
				continue;
			runs[n].start = (guint32)x;
			while (x < width && row[x] == value)
				x++;
			runs[n++].end = (guint32)x;
		}
		rows[y + 1] = n;
	}
	regions = regions_label(runs, rows, (guint32)height, !hole, label);
	if (regions == 0)
		return TRUE;
	for (int y = 0; y < height; y++)
		for (guint32 i = rows[y]; i < rows[y + 1]; i++)
			area[label[i]] += hole && run_is_open(map, width, height, y, &runs[i]) ?
						  TISSUE_MAP_MAX :
						  runs[i].end - runs[i].start;
	for (int y = 0; y < height; y++)
		for (guint32 i = rows[y]; i < rows[y + 1]; i++)
			if (area[label[i]] < least)
				memset(map + (gsize)y * (gsize)width + runs[i].start, to,
				       runs[i].end - runs[i].start);
	return TRUE;
}

/* Ink runs into the plain pixels within STROKE_RIM of it. */
static gboolean spread_ink(guint8 *class, int width, int height)
{
	gsize n = (gsize)width * (gsize)height;
	g_autofree guint8 *ink = g_try_malloc(n);

	if (ink == NULL)
		return FALSE;
	for (gsize i = 0; i < n; i++)
		ink[i] = class[i] == INK;
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++) {
			if (!ink[(gsize)y * (gsize)width + (gsize)x])
				continue;
			for (int v = MAX(y - STROKE_RIM, 0); v <= MIN(y + STROKE_RIM, height - 1); v++)
				for (int u = MAX(x - STROKE_RIM, 0); u <= MIN(x + STROKE_RIM, width - 1); u++) {
					guint8 *c = &class[(gsize)v * (gsize)width + (gsize)u];

					*c = *c == PLAIN ? INK : *c;
				}
		}
	return TRUE;
}

/* ---- the whole of it ---- */

static void summarise(const struct picture *p, const guint8 *class, struct tissue *t)
{
	guint64 tissue = 0, scanned = 0, sum[3] = { 0 };

	for (gsize i = 0; i < p->n; i++) {
		scanned += class[i] != OFF;
		if (!t->map[i])
			continue;
		tissue++;
		for (int k = 0; k < 3; k++)
			sum[k] += p->rgb[3 * i + (gsize)k];
	}
	t->share = scanned > 0 ? (double)tissue / (double)scanned : 0;
	t->scanned = (double)scanned / (double)p->n;
	t->area = (double)tissue;
	for (int k = 0; k < 3; k++) {
		t->glass[k] = p->glass[k] / 255;
		t->colour[k] = tissue > 0 ? (double)sum[k] / (double)tissue / 255 : 0;
	}
}

static int threshold_of(const guint8 *class, const guint8 *strength, gsize n)
{
	guint64 count[BINS] = { 0 };

	for (gsize i = 0; i < n; i++)
		count[strength[i]] += class[i] == PLAIN;
	return CLAMP(otsu(count), bin_of((float)LEAST), bin_of((float)MOST));
}

static gboolean find(struct picture *p, guint8 *class, struct tissue *t)
{
	int w = p->width, h = p->height, threshold;
	guint8 *map = t->map; /* the strength first */

	find_glass(p);
	for (int k = 0; k < 3; k++)
		for (int v = 0; v < 256; v++)
			p->density[k][v] = density_of(v, p->glass[k]);
	classify(p, class, map);
	if (!drop_regions(class, w, h, INK, PLAIN, FALSE, STROKE_MIN) || !spread_ink(class, w, h))
		return FALSE;
	threshold = threshold_of(class, map, p->n);
	for (gsize i = 0; i < p->n; i++)
		map[i] = class[i] != PLAIN ? NEITHER : map[i] >= threshold ? TISSUE : GLASS;
	if (!drop_regions(map, w, h, TISSUE, GLASS, FALSE, SPECK_MAX) ||
	    !drop_regions(map, w, h, GLASS, TISSUE, TRUE, HOLE_MAX))
		return FALSE;
	for (gsize i = 0; i < p->n; i++)
		map[i] = map[i] == TISSUE;
	summarise(p, class, t);
	return TRUE;
}

struct tissue *tissue_from_rgb(const guint8 *rgb, const guint8 *scanned, int width, int height, GError **error)
{
	struct picture p = { .rgb = rgb, .scanned = scanned, .width = width, .height = height };
	g_autoptr(tissue_t) t = g_new0(struct tissue, 1);
	g_autofree guint8 *class = NULL;

	g_return_val_if_fail(width >= 1 && height >= 1 && (gint64)width * height <= TISSUE_MAP_MAX, NULL);
	p.n = (gsize)width * (gsize)height;
	t->scale = 1;
	t->width = width;
	t->height = height;
	t->map = g_try_malloc(p.n);
	class = g_try_malloc(p.n);
	if (t->map == NULL || class == NULL || !find(&p, class, t)) {
		g_set_error(error, FAULT, FAULT_ROOM, "no memory for a tissue map of %d x %d px", width, height);
		return NULL;
	}
	return g_steal_pointer(&t);
}

/* A level's own scale, if one is just coarse enough: it is read as it is. */
static double scale_for(const struct slide *s, double finest)
{
	double scale = MAX(finest, 1);
	double least = sqrt((double)s->w * (double)s->h / (TISSUE_MAP_MAX * 0.99));

	scale = MAX(scale, least * 1.001); /* at most TISSUE_MAP_MAX, whatever the sides are rounded to */
	for (int i = 0; i < s->levels; i++)
		if (s->downsample[i] >= scale && s->downsample[i] <= 1.5 * scale)
			return s->downsample[i];
	return scale;
}

/* In pieces that slide_read takes. */
static gboolean read_picture(struct slide *slide, double scale, int width, int height, guint8 *rgb, guint8 *scanned,
			     GError **error)
{
	enum { SIDE = 1024 };
	g_autofree guint8 *part = g_try_malloc(SIDE * SIDE * 3), *part_scanned = g_try_malloc(SIDE * SIDE);

	if (part == NULL || part_scanned == NULL) {
		g_set_error(error, FAULT, FAULT_ROOM, "slide '%s': no memory for a tissue map", slide->id);
		return FALSE;
	}
	for (int y = 0; y < height; y += SIDE)
		for (int x = 0; x < width; x += SIDE) {
			int w = MIN(SIDE, width - x), h = MIN(SIDE, height - y);

			if (!slide_read(slide, (double)slide->x + x * scale, (double)slide->y + y * scale, scale, w, h,
					part, part_scanned, error))
				return FALSE;
			for (int v = 0; v < h; v++) {
				gsize at = (gsize)(y + v) * (gsize)width + (gsize)x;

				memcpy(rgb + 3 * at, part + 3 * v * w, 3 * (gsize)w);
				memcpy(scanned + at, part_scanned + v * w, (gsize)w);
			}
		}
	return TRUE;
}

struct tissue *tissue_find(struct slide *slide, double finest, GError **error)
{
	double scale = scale_for(slide, finest);
	int width = (int)MAX(1, ceil((double)slide->w / scale - 0.01)),
	    height = (int)MAX(1, ceil((double)slide->h / scale - 0.01));
	gsize n = (gsize)width * (gsize)height;
	g_autofree guint8 *rgb = g_try_malloc_n(n, 3), *scanned = g_try_malloc(n);
	struct tissue *t;

	if (rgb == NULL || scanned == NULL) {
		g_set_error(error, FAULT, FAULT_ROOM, "slide '%s': no memory for a tissue map of %d x %d px", slide->id,
			    width, height);
		return NULL;
	}
	if (!read_picture(slide, scale, width, height, rgb, scanned, error))
		return NULL;
	t = tissue_from_rgb(rgb, scanned, width, height, error);
	if (t == NULL) {
		g_prefix_error(error, "slide '%s': ", slide->id);
		return NULL;
	}
	t->x = slide->x;
	t->y = slide->y;
	t->scale = scale;
	t->area *= scale * scale;
	return t;
}

void tissue_free(struct tissue *tissue)
{
	if (tissue == NULL)
		return;
	g_free(tissue->map);
	g_free(tissue);
}

double tissue_share(const struct tissue *t, double x, double y, double w, double h)
{
	double left = MAX(0, (x - (double)t->x) / t->scale), top = MAX(0, (y - (double)t->y) / t->scale);
	double right = MIN(t->width, (x + w - (double)t->x) / t->scale),
	       bottom = MIN(t->height, (y + h - (double)t->y) / t->scale);
	double area = 0;

	if (!(left < right && top < bottom))
		return 0;
	for (int v = (int)top; v < bottom; v++) {
		const guint8 *row = t->map + (gsize)v * (gsize)t->width;
		int first = (int)left, last = (int)ceil(right) - 1, inner = 0;
		double length;

		for (int u = first + 1; u < last; u++)
			inner += row[u];
		length = inner + row[first] * (MIN(first + 1, right) - left);
		if (last > first)
			length += row[last] * (right - last);
		area += length * (MIN(v + 1, bottom) - MAX(v, top));
	}
	return MIN(1, area * t->scale * t->scale / (w * h));
}

guint tissue_places(const struct tissue *t, guint n, double *x, double *y)
{
	guint64 seen = 0, all = 0;
	guint found = 0;

	for (gsize i = 0; i < (gsize)t->width * (gsize)t->height; i++)
		all += t->map[i] != 0;
	for (int v = 0; v < t->height; v++)
		for (int u = 0; u < t->width; u++) {
			if (!t->map[(gsize)v * (gsize)t->width + (gsize)u])
				continue;
			if (found < n && (seen + 1) * 2 * n > (2 * (guint64)found + 1) * all) {
				x[found] = (double)t->x + (u + 0.5) * t->scale;
				y[found++] = (double)t->y + (v + 0.5) * t->scale;
			}
			seen++;
		}
	return found;
}
