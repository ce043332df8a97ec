/*
 * slide_prepare.c - one slide looked into: its resolution, tissue, mask, stain, and so its tiles.
 */
#include "common/fault/fault.h"
#include "common/slide/annotation.h"
#include "common/task/slide_work.h"
#include <math.h>

enum { FINEST = 8 };

void slide_forget(struct slide_case *c)
{
	g_clear_pointer(&c->slide, slide_close);
	g_clear_pointer(&c->tissue, tissue_free);
	g_clear_pointer(&c->mask, mask_free);
	g_clear_pointer(&c->mask_wrong, g_free);
	tiles_clear(&c->tiles);
	c->coarse_in_vain = 0;
}

double slide_mpp(const struct slide_work *sw, const struct slide *slide)
{
	return slide->mpp > 0 ? slide->mpp : sw->work.settings->tiles.fallback_mpp;
}

double slide_scale(const struct slide_work *sw, const struct slide *slide)
{
	const double mpp = slide_mpp(sw, slide);

	if (sw->mpp <= 0 || mpp <= 0)
		return 1;
	double scale = sw->mpp / mpp;
	for (int level = 0; level < slide->levels; level++)
		if (fabs(scale / slide->downsample[level] - 1) <= 0.1)
			return slide->downsample[level];
	return scale;
}

mask_t *slide_mask(const struct settings *s, const slide_t *slide, const char *path, GError **error)
{
	const enum annotation_kind kind = annotation_kind(path);
	const int scale = s->data.mask_scale;

	if (kind == ANNOTATION_NONE) {
		g_autoptr(mask_t) mask = mask_read(path, scale, slide->x, slide->y, error);
		if (mask != NULL && !mask_fits(mask, slide->w, slide->h, NULL) && mask_fits(mask, slide->width, slide->height, NULL)) {
			mask->origin_x = mask->origin_y = 0;    /* of the whole slide, as OpenSlide has it */
			return g_steal_pointer(&mask);
		}
		return mask != NULL && mask_fits(mask, slide->w, slide->h, error) ? g_steal_pointer(&mask) : NULL;
	}
	const gboolean scanned = s->data.origin == ORIGIN_AUTO ? kind == ANNOTATION_GEOJSON : s->data.origin == ORIGIN_SCANNED;
	g_autoptr(polygons_t) drawn = annotation_read(path, kind, s->data.tumour, scanned ? (double)slide->x : 0,
						      scanned ? (double)slide->y : 0, error);
	return drawn == NULL ? NULL : polygons_mask(drawn, path, scale, slide->x, slide->y, slide->w, slide->h, error);
}

/* A positive slide's mask: there, or not, or empty, or wrong (then the slide counts for the slide score only: its tiles
   must not be learned as free of tumour). What is wrong with it is said by who looks at the slide. */
static void read_mask(struct slide_work *sw, struct slide_case *c)
{
	g_autoptr(GError) wrong = NULL;

	if (c->mask_path == NULL || !g_file_test(c->mask_path, G_FILE_TEST_IS_REGULAR))
		return;
	g_autoptr(mask_t) mask = slide_mask(sw->work.settings, c->slide, c->mask_path, &wrong);
	if (mask == NULL)
		c->mask_wrong = g_strdup(wrong->message);
	c->mask_empty = mask != NULL && mask->area == 0;
	c->mask_most = mask != NULL ? mask->most : 0;
	if (mask != NULL && !c->mask_empty)
		c->mask = g_steal_pointer(&mask);
}

static gboolean list_tiles(struct slide_work *sw, struct slide_case *c, GError **error)
{
	const struct settings *s = sw->work.settings;
	double side = s->tiles.size * c->scale;

	if (side < 1) {
		g_set_error(error, FAULT, FAULT_DATA, "a tile would be %.2g of its pixels wide, for it says that one is %.3g um, and tiles are "
			    "read at %.3g: leave it out, or correct tiles.mpp", side, slide_mpp(sw, c->slide), sw->mpp);
		return FALSE;
	}
	c->tissue = tissue_find(c->slide, side / FINEST, error);
	if (c->tissue == NULL)
		return FALSE;
	read_mask(sw, c);
	if (!tiles_index(c->tissue, c->mask, c->slide->w, c->slide->h, side, side, s->tiles.tissue, &c->tiles, error))
		return FALSE;
	if (c->mask != NULL && c->tiles.n_tumour == 0) {
		c->mask_wrong = g_strdup("its mask's tumour lies beside the scanned part of the slide");
		g_clear_pointer(&c->mask, mask_free);
		g_clear_pointer(&c->tiles.lesion, g_free);
		c->tiles.n_lesions = 0;
	}
	c->tissue_share = c->tissue->share;
	c->scanned_share = c->tissue->scanned;
	memcpy(c->colour, c->tissue->colour, sizeof c->colour);
	slide_stain_settle(c, s->tiles.normalise);
	c->jitter = s->sampling.jitter * side;
	g_clear_pointer(&c->tissue, tissue_free);
	if (c->tiles.n > 0)
		return TRUE;
	g_set_error(error, FAULT, FAULT_DATA, "no tissue was found on it");
	return FALSE;
}

/* Lesions of 1-4, 5-19, 20 tiles and more are strata of their own, so that held-out slides have each. */
static guint stratum_of(int label, const struct slide_case *c)
{
	guint size = c->mask == NULL ? 0 : c->tiles.n_tumour < 5 ? 1 : c->tiles.n_tumour < 20 ? 2 : 3;

	return (guint)MAX(label, 0) * 4 + size;
}

/* Into c alone. Its error names the slide. */
static gboolean look(struct slide_work *sw, guint item, struct slide_case *c, GError **error)
{
	g_autofree char *prefix = g_strdup_printf("slide '%s'", sw->work.cases[item].id);

	if (c->slide == NULL)
		c->slide = slide_cases_open_one(sw->pool, sw->work.cases[item].id, c->path, error);
	if (c->slide == NULL)
		return FALSE;
	c->scale = slide_scale(sw, c->slide);
	if (list_tiles(sw, c, error))
		return TRUE;
	if (!g_str_has_prefix((*error)->message, prefix))
		g_prefix_error(error, "%s: ", prefix);
	return FALSE;
}

/* What slide_forget frees. */
static void take_parts(struct slide_case *from, struct slide_case *to)
{
	to->slide = g_steal_pointer(&from->slide);
	to->tissue = g_steal_pointer(&from->tissue);
	to->mask = g_steal_pointer(&from->mask);
	to->mask_wrong = g_steal_pointer(&from->mask_wrong);
	to->tiles = from->tiles;
	from->tiles = (struct tiles){ 0 };
}

/* Where it was given up meanwhile, all that was made stays where it is: the case's slide, which a thread may hang in, may be
   part of it. */
gboolean slide_prepare(struct work *w, guint item, GError **error)
{
	struct slide_work *sw = slide_work_of(w);
	struct slide_case c = sw->slides[item], parts = { 0 };
	struct work_case *wc = &w->cases[item];
	g_autoptr(GError) wrong = NULL;

	if (case_given_up(w, item, error))
		return FALSE;
	const gboolean ok = look(sw, item, &c, &wrong);
	if (!case_change_begin(w, item, error))
		return FALSE;
	sw->slides[item] = c;
	if (ok) {
		wc->stratum = stratum_of(wc->label, &c);
		if (c.mask != NULL && c.mask->n_lesions > 0)
			wc->size = mask_lesion_area(c.mask, 0, slide_mpp(sw, c.slide));
		wc->ready = TRUE;
	} else {
		take_parts(&sw->slides[item], &parts);
	}
	case_change_end();
	slide_forget(&parts);           /* without the lock: closing files takes a while */
	if (!ok)
		g_propagate_error(error, g_steal_pointer(&wrong));
	return ok;
}

void slide_release(struct work *w, guint item)
{
	if (!w->cases[item].given_up)
		slide_forget(&slide_work_of(w)->slides[item]);
	w->cases[item].ready = FALSE;
}
