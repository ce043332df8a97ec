/* tiles.c - see tiles.h. One pass over the grid collects; a second puts tumour first, at exact size. */
#include "common/slide/tiles.h"
#include "common/fault/fault.h"
#include <math.h>

/* How many tiles cover `length`: the last may reach over; with gaps between tiles, none starts beyond. */
static gint64 tiles_along(gint64 length, double side, double step)
{
	double reach = step > side ? 0 : side - step;
	double n = ceil(((double)length - reach) / step - 1e-9);

	return (gint64)CLAMP(n, 1, 2e9);
}

static struct tile tile_at(const struct mask *mask, gint64 x, gint64 y, double side, double tissue)
{
	struct tile t = { .x = (gint32)x, .y = (gint32)y, .tissue = (guint8)lround(tissue * 255) };
	double tumour = mask != NULL ? mask_share(mask, (double)x, (double)y, side, side) : 0;

	if (tumour > 0) {
		t.tumour = (guint16)MAX(1, lround(tumour * G_MAXUINT16));
		t.lesion = (guint8)MIN(255, mask_lesion_at(mask, (double)x, (double)y, side, side) + 1);
	}
	return t;
}

static gboolean to_room(const char *what, GError **error)
{
	g_set_error(error, FAULT, FAULT_ROOM, "no memory for %s", what);
	return FALSE;
}

static gboolean tumour_first(const struct tile *from, guint32 n, guint32 n_tumour, struct tiles *out, GError **error)
{
	struct tile *tile = n > 0 ? g_try_new(struct tile, n) : NULL;
	guint32 with = 0, without = n_tumour;

	if (n > 0 && tile == NULL)
		return to_room("the index of tiles", error);
	for (guint32 i = 0; i < n; i++)
		tile[from[i].tumour > 0 ? with++ : without++] = from[i];
	out->tile = tile;
	out->n = n;
	out->n_tumour = n_tumour;
	return TRUE;
}

gboolean tiles_index(const struct tissue *tissue, const struct mask *mask, gint64 w, gint64 h, double side,
		     double step, double least, struct tiles *out, GError **error)
{
	g_autofree struct tile *found = NULL;
	guint32 n = 0, room = 0, n_tumour = 0;
	gint64 columns, lines;

	g_return_val_if_fail(side >= 1 && step >= 1 && w >= 1 && h >= 1, FALSE);
	columns = tiles_along(w, side, step);
	lines = tiles_along(h, side, step);
	if (tissue->x < 0 || tissue->y < 0 || tissue->x + w > G_MAXINT32 || tissue->y + h > G_MAXINT32 ||
	    columns > G_MAXUINT32 / lines) {
		g_set_error(error, FAULT, FAULT_DATA, "a grid of %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
			    " tiles is too large", columns, lines);
		return FALSE;
	}
	for (gint64 j = 0; j < lines; j++)
		for (gint64 i = 0; i < columns; i++) {
			gint64 x = tissue->x + llround((double)i * step), y = tissue->y + llround((double)j * step);
			double share = tissue_share(tissue, (double)x, (double)y, side, side);
			struct tile t = tile_at(mask, x, y, side, share);

			if (share < least && t.tumour == 0)
				continue;
			if (n == room) {
				guint32 more = MAX(1024, room + room / 2);
				struct tile *grown = g_try_renew(struct tile, found, more);

				if (grown == NULL)
					return to_room("the index of tiles", error);
				found = grown;
				room = more;
			}
			n_tumour += t.tumour > 0;
			found[n++] = t;
		}
	if (!tumour_first(found, n, n_tumour, out, error))
		return FALSE;
	out->side = side;
	return TRUE;
}

void tiles_clear(struct tiles *tiles)
{
	g_free(tiles->tile);
	*tiles = (struct tiles){ 0 };
}
