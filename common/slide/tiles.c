/* tiles.c - see tiles.h. One pass over the grid collects; a second puts tumour first, by lesions, at exact size. */
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

/* Of each tumour tile as it was found, which lesion has most of it. */
static struct tile tile_at(const struct mask *mask, gint64 x, gint64 y, double side, double tissue, GArray *lesions)
{
	struct tile t = { .x = (gint32)x, .y = (gint32)y, .tissue = (guint8)lround(tissue * 255) };
	double tumour = mask != NULL ? mask_share(mask, (double)x, (double)y, side, side) : 0;

	if (tumour > 0) {
		guint32 lesion = (guint32)MAX(mask_lesion_at(mask, (double)x, (double)y, side, side), 0);
		t.tumour = (guint16)MAX(1, lround(tumour * G_MAXUINT16));
		t.lesion = (guint8)MIN(255, lesion + 1);
		g_array_append_val(lesions, lesion);
	}
	return t;
}

static gboolean to_room(const char *what, GError **error)
{
	g_set_error(error, FAULT, FAULT_ROOM, "no memory for %s", what);
	return FALSE;
}

/* Lesion k of the mask has the tumour tiles [first[k], first[k + 1]), and can be drawn where the header says so. */
static struct tile_lesion *list_lesions(const struct mask *m, const guint32 *first, double side, guint32 *n)
{
	const double scale = m->scale;
	g_autoptr(GArray) out = g_array_new(FALSE, FALSE, sizeof(struct tile_lesion));

	for (guint32 k = 0; k < m->n_lesions; k++) {
		const struct mask_lesion *l = &m->lesions[k];
		struct tile_lesion t = { .first = first[k], .end = first[k + 1],
			.small = (l->right - l->left) * scale <= side && (l->bottom - l->top) * scale <= side,
			.x = (gint32)((double)m->origin_x + (l->left + l->right) * scale / 2),
			.y = (gint32)((double)m->origin_y + (l->top + l->bottom) * scale / 2) };
		if ((double)l->area * scale * scale * 64 >= side * side && (t.small || t.end > t.first))
			g_array_append_val(out, t);
	}
	*n = out->len;
	return (struct tile_lesion *)(gpointer)g_array_steal(out, NULL);
}

/* lesions: of the tumour tiles in `from`, in their order. A counting sort by it, stable. */
static gboolean tumour_first(const struct tile *from, guint32 n, const struct mask *mask, const GArray *lesions, double side,
			     struct tiles *out, GError **error)
{
	struct tile *tile = n > 0 ? g_try_new(struct tile, n) : NULL;
	guint32 known = mask != NULL ? mask->n_lesions : 0, with = 0, without = lesions->len;
	g_autofree guint32 *first = g_new0(guint32, known + 2);

	if (n > 0 && tile == NULL)
		return to_room("the index of tiles", error);
	/* first[k + 2] counts those of k; summed up, first[k + 1] is where the next of k goes, and at last where they end */
	for (guint i = 0; i < lesions->len; i++)
		first[g_array_index(lesions, guint32, i) + 2]++;
	for (guint32 k = 3; k < known + 2; k++)
		first[k] += first[k - 1];
	for (guint32 i = 0; i < n; i++)
		tile[from[i].tumour > 0 ? first[g_array_index(lesions, guint32, with++) + 1]++ : without++] = from[i];
	out->tile = tile;
	out->n = n;
	out->n_tumour = lesions->len;
	out->most = 0;
	for (guint32 i = 0; i < out->n_tumour; i++)
		out->most = MAX(out->most, tile[i].tumour);
	out->side = side;
	if (known > 0)
		out->lesion = list_lesions(mask, first, side, &out->n_lesions);
	return TRUE;
}

gboolean tiles_index(const struct tissue *tissue, const struct mask *mask, gint64 w, gint64 h, double side,
		     double step, double least, struct tiles *out, GError **error)
{
	g_autofree struct tile *found = NULL;
	g_autoptr(GArray) lesions = g_array_new(FALSE, FALSE, sizeof(guint32));
	guint32 n = 0, room = 0;
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
			struct tile t = tile_at(mask, x, y, side, share, lesions);

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
			found[n++] = t;
		}
	return tumour_first(found, n, mask, lesions, side, out, error);
}

void tiles_clear(struct tiles *tiles)
{
	g_free(tiles->tile);
	g_free(tiles->lesion);
	*tiles = (struct tiles){ 0 };
}
