/* resample.c - see resample.h. Along columns first, a row of the level at a time, then along the row of sums. */
#include "common/slide/resample.h"
#include <math.h>

typedef float pixel __attribute__((vector_size(16)));   /* a channel each, premultiplied, in a word's bytes' order */
typedef guint8 bytes __attribute__((vector_size(4)));

#if G_BYTE_ORDER == G_LITTLE_ENDIAN
enum { BLUE, GREEN, RED, ALPHA };
#else
enum { ALPHA, RED, GREEN, BLUE };
#endif

/* What one pixel takes of the level along an axis: [first, last], the ends by their own weights, all between
   by `inner`; the weights sum to 1. */
struct tap {
	gint64 first, last;
	float at_first, inner, at_last;
};

/* Pixel i of an axis that starts at level position `start`, pixels `wide` level pixels each. */
static struct tap tap_at(double start, double wide, int i)
{
	struct tap t = { 0 };

	if (wide >= 1) { /* the mean over its area: ends count by how far it covers them */
		double from = start + i * wide, to = start + (i + 1) * wide;

		t.first = (gint64)floor(from);
		t.last = MAX(t.first, (gint64)ceil(to) - 1);
		t.inner = (float)(1 / wide);
		t.at_first = (float)((MIN(to, (double)t.first + 1) - from) / wide);
		t.at_last = t.last > t.first ? (float)((to - (double)t.last) / wide) : 0;
	} else { /* bilinear between the centres of level pixels */
		double at = start + (i + 0.5) * wide - 0.5;

		t.first = (gint64)floor(at);
		t.last = t.first + 1;
		t.at_last = (float)(at - (double)t.first);
		t.at_first = 1 - t.at_last;
	}
	return t;
}

static float weight(const struct tap *t, gint64 i)
{
	return i == t->first ? t->at_first : i == t->last ? t->at_last : t->inner;
}

static void add_row(pixel *sums, const guint32 *argb, gsize n, float by)
{
	pixel factor = { by, by, by, by };

	for (gsize i = 0; i < n; i++) {
		bytes b;

		memcpy(&b, &argb[i], sizeof(b));
		sums[i] += factor * __builtin_convertvector(b, pixel);
	}
}

static guint8 rounded(float value)
{
	return (guint8)CLAMP(value + 0.5f, 0, 255);
}

static void store(pixel sum, guint8 *rgb, guint8 *scanned)
{
	float alpha = sum[ALPHA];
	gboolean any = rounded(alpha) > 0;

	rgb[0] = any ? rounded(sum[RED] * 255 / alpha) : 255;
	rgb[1] = any ? rounded(sum[GREEN] * 255 / alpha) : 255;
	rgb[2] = any ? rounded(sum[BLUE] * 255 / alpha) : 255;
	if (scanned != NULL)
		*scanned = rounded(alpha);
}

void resample_source(const struct resample *r, struct resample_part *p)
{
	p->left = tap_at(r->u, r->wide, p->x0).first;
	p->right = tap_at(r->u, r->wide, p->x1 - 1).last + 1;
	p->top = tap_at(r->v, r->wide, p->y0).first;
	p->bottom = tap_at(r->v, r->wide, p->y1 - 1).last + 1;
}

void resample_part(const struct resample *r, const struct resample_part *p, const guint32 *argb, float *sums, int width,
		   guint8 *rgb, guint8 *scanned)
{
	gsize n = (gsize)(p->right - p->left);
	pixel *sum = (pixel *)(void *)sums;

	for (int y = p->y0; y < p->y1; y++) {
		struct tap rows = tap_at(r->v, r->wide, y);

		memset(sum, 0, n * sizeof(*sum));
		for (gint64 v = rows.first; v <= rows.last; v++)
			add_row(sum, argb + (gsize)(v - p->top) * n, n, weight(&rows, v));
		for (int x = p->x0; x < p->x1; x++) {
			struct tap t = tap_at(r->u, r->wide, x);
			gsize at = (gsize)y * (gsize)width + (gsize)x;
			pixel mean = { 0 };

			for (gint64 u = t.first; u <= t.last; u++)
				mean += sum[u - p->left] * weight(&t, u);
			store(mean, rgb + 3 * at, scanned != NULL ? scanned + at : NULL);
		}
	}
}
