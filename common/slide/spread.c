/* spread.c - see spread.h. */
#include "common/slide/spread.h"
#include <math.h>

struct place { guint64 z; guint32 index; };

/* Bit i of x goes to bit 2 i. */
static guint64 apart(guint32 x)
{
	guint64 z = x;

	z = (z | z << 16) & 0x0000ffff0000ffff;
	z = (z | z << 8) & 0x00ff00ff00ff00ff;
	z = (z | z << 4) & 0x0f0f0f0f0f0f0f0f;
	z = (z | z << 2) & 0x3333333333333333;
	return (z | z << 1) & 0x5555555555555555;
}

static int along_curve(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->z != y->z)
		return x->z < y->z ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static struct place *curve(const struct tiles *tiles)
{
	struct place *places = g_new(struct place, tiles->n);
	gint32 left = G_MAXINT32, top = G_MAXINT32;

	for (guint32 i = 0; i < tiles->n; i++) {
		left = MIN(left, tiles->tile[i].x);
		top = MIN(top, tiles->tile[i].y);
	}
	for (guint32 i = 0; i < tiles->n; i++) {
		const struct tile *t = &tiles->tile[i];
		guint32 column = (guint32)llround(((double)t->x - left) / tiles->side);
		guint32 line = (guint32)llround(((double)t->y - top) / tiles->side);
		places[i] = (struct place){ apart(column) | apart(line) << 1, i };
	}
	qsort(places, tiles->n, sizeof *places, along_curve);
	return places;
}

/* The lowest `bits` bits of x, the other way round. */
static guint64 turned(guint64 x, guint bits)
{
	guint64 y = 0;

	for (guint i = 0; i < bits; i++)
		y |= (x >> i & 1) << (bits - 1 - i);
	return y;
}

void spread_choose(const struct tiles *tiles, guint32 want, guint8 *chosen)
{
	guint32 n = tiles->n;
	gboolean all = want >= n;

	memset(chosen, all ? 1 : 0, n);
	if (all || want == 0)
		return;
	g_autofree struct place *places = curve(tiles);
	guint bits = g_bit_storage(n - 1);
	for (guint64 i = 0; want > 0; i++) {
		guint64 at = turned(i, bits);
		if (at < n) {
			chosen[places[at].index] = 1;
			want--;
		}
	}
}
