/*
 * slide_look.c - a slide looked at before anything long: is it readable at every level and at a few places of its
 * tissue, what size and stain has it, is its mask what a mask of its class should be, what else looks like it.
 * One small picture of the scanned part gives the tissue, its colour and the fingerprint.
 */
#include "common/image/matrix3.h"
#include "common/slide/thumbnail.h"
#include "common/task/pattern.h"
#include "common/task/slide_work.h"
#include <math.h>

enum {
	PICTURE_SIDE = 512,     /* px: tissue of a cell of the fingerprint is then some 20 px wide */
	PLACES = 12,            /* where the tissue is read */
	LEVEL_SIDE = 128,       /* px that are read of each level */
	SAMPLE_SIDE = 512,      /* px at most, of a tile */
};

struct looking {
	struct slide_work *sw;
	guint item;
	slide_t *slide;
	double x[PLACES], y[PLACES]; /* level-0 px: centres of what is read */
	double sum[2], squares[2], pixels; /* of haematoxylin and eosin, over the pixels of tissue that were read */
	struct look *out;
};

G_GNUC_PRINTF(2, 3) static void doubt(struct looking *l, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_ptr_array_add(l->out->doubts, g_strdup_printf("slide '%s': %s", l->sw->work.cases[l->item].id, text));
}

/* An error's words, without the slide's name where they begin with it. */
static const char *words_of(const struct looking *l, const GError *error)
{
	g_autofree char *prefix = g_strdup_printf("slide '%s': ", l->sw->work.cases[l->item].id);

	return g_str_has_prefix(error->message, prefix) ? error->message + strlen(prefix) : error->message;
}

static void number(struct looking *l, const char *name, double value)
{
	g_return_if_fail(l->out->n_numbers < LOOK_NUMBERS);
	l->out->numbers[l->out->n_numbers++] = (struct look_number){ name, value };
}

/* ---- the picture ---- */

/* PLACES of the tissue, again from the first where it has fewer; scale: level-0 px a pixel of the picture. */
static void choose_places(struct looking *l, const struct tissue *t, double scale)
{
	const guint found = tissue_places(t, PLACES, l->x, l->y);

	for (guint i = 0; i < found; i++) {
		l->x[i] = (double)l->slide->x + l->x[i] * scale;
		l->y[i] = (double)l->slide->y + l->y[i] * scale;
	}
	for (guint i = found; found > 0 && i < PLACES; i++) {
		l->x[i] = l->x[i - found];
		l->y[i] = l->y[i - found];
	}
}

/* Of the tissue over the slide's own glass, natural, as the stain is normalised by. */
static void take_colour(struct look *out, const struct tissue *t)
{
	for (int k = 0; k < 3; k++)
		out->colour[k] = -log(CLAMP(t->colour[k] / MAX(t->glass[k], 1e-3), 1e-3, 1));
	out->coloured = TRUE;
}

static void judge_picture(struct looking *l, const struct thumbnail *p)
{
	const struct slide *s = l->slide;
	double um = s->mpp > 0 ? s->mpp : 1;
	g_autoptr(tissue_t) t = tissue_from_rgb(p->rgb, p->scanned, p->width, p->height, NULL);

	if (t == NULL)
		return;
	number(l, "scanned", t->scanned);
	number(l, "tissue", t->share);
	if (t->area < 1) {
		doubt(l, "no tissue is to be seen at low resolution; look at the slide");
		return;
	}
	choose_places(l, t, p->scale);
	take_colour(l->out, t);
	fingerprint_take(p->rgb, t->map, p->width, p->height, p->scale * um, &l->out->print);
}

static void look_at_picture(struct looking *l)
{
	const struct slide *s = l->slide;
	double scale = thumbnail_scale(s, PICTURE_SIDE);
	g_autoptr(GError) error = NULL;
	struct thumbnail picture;

	for (int i = 0; i < PLACES; i++) {
		l->x[i] = (double)s->x + (double)s->w / 2;
		l->y[i] = (double)s->y + (double)s->h / 2;
	}
	if (scale <= 0) {
		doubt(l, "it has no level of low resolution, so it is not compared with others");
		return;
	}
	if (!thumbnail_read(l->slide, MAX(scale, 1), &picture, &error)) {
		doubt(l, "no picture of it can be read: %s; copy the slide again", words_of(l, error));
		return;
	}
	judge_picture(l, &picture);
	thumbnail_clear(&picture);
}

/* ---- stain ---- */

/* Haematoxylin and eosin, of what has STAINED and more in all three channels. */
static void add_stain(struct looking *l, const guint8 *rgb, const guint8 *scanned, gsize n)
{
	static const double STAINED = 0.4;
	matrix3 vectors = STAIN_RUIFROK, apart;
	double density[256];

	matrix3_invert(vectors, apart);
	for (int i = 0; i < 256; i++)
		density[i] = -log((i + 1) / 256.0);
	for (gsize i = 0; i < n; i++) {
		const double d[3] = { density[rgb[3 * i]], density[rgb[3 * i + 1]], density[rgb[3 * i + 2]] };
		if (scanned[i] < 255 || d[0] + d[1] + d[2] < STAINED)
			continue;
		for (int k = 0; k < 2; k++) {
			const double amount = d[0] * apart[0][k] + d[1] * apart[1][k] + d[2] * apart[2][k];
			l->sum[k] += amount;
			l->squares[k] += amount * amount;
		}
		l->pixels++;
	}
}

/* Their means and standard deviations: a laboratory's recipe moves both. */
static void take_stain(struct looking *l)
{
	enum { LEAST = 1000 };

	if (l->pixels < LEAST)
		return;
	for (int k = 0; k < 2; k++) {
		const double mean = l->sum[k] / l->pixels;
		l->out->stain[k] = mean;
		l->out->stain[2 + k] = sqrt(MAX(l->squares[k] / l->pixels - mean * mean, 0));
	}
	l->out->stained = TRUE;
}

/* ---- places and levels ---- */

/* A square around a place, kept on the scanned part; stain: its stain counts; scanned_share: how much of it was scanned. */
static gboolean read_at(struct looking *l, int place, double scale, int side, gboolean stain, double *scanned_share, GError **error)
{
	const struct slide *s = l->slide;
	double wide = side * scale;
	double x = CLAMP(l->x[place] - wide / 2, (double)s->x, MAX((double)s->x, (double)(s->x + s->w) - wide));
	double y = CLAMP(l->y[place] - wide / 2, (double)s->y, MAX((double)s->y, (double)(s->y + s->h) - wide));
	gsize n = (gsize)side * (gsize)side;
	g_autofree guint8 *rgb = g_malloc(3 * n), *scanned = g_malloc(n);
	guint64 sum = 0;

	if (!slide_read(l->slide, x, y, scale, side, side, rgb, scanned, error))
		return FALSE;
	for (gsize i = 0; i < n; i++)
		sum += scanned[i];
	if (stain)
		add_stain(l, rgb, scanned, n);
	*scanned_share = (double)sum / (255.0 * (double)n);
	return TRUE;
}

/* At the resolution that is learned from. What a small picture shows as tissue, and is empty here, is missing. */
static void look_at_places(struct looking *l)
{
	double scale = slide_scale(l->sw, l->slide), share = 0;
	int side = MIN(l->sw->work.settings->tiles.size, SAMPLE_SIDE);

	for (int i = 0; i < PLACES; i++) {
		g_autoptr(GError) error = NULL;
		gboolean ok = read_at(l, i, scale, side, TRUE, &share, &error);
		l->out->tried++;
		if (ok && (share > 0 || !l->out->coloured))
			continue;
		l->out->failed++;
		if (l->out->reason == NULL)
			l->out->reason = ok ? g_strdup_printf("at %.0f,%.0f nothing is stored, though there is tissue at low "
							      "resolution", l->x[i], l->y[i])
					    : g_strdup(words_of(l, error));
	}
}

static void look_at_levels(struct looking *l)
{
	const struct slide *s = l->slide;
	g_autoptr(GString) bad = g_string_new(NULL);
	g_autofree char *why = NULL;
	double share = 0;

	for (int i = 0; i < s->levels; i++) {
		g_autoptr(GError) error = NULL;
		if (read_at(l, i % PLACES, s->downsample[i], LEVEL_SIDE, FALSE, &share, &error))
			continue;
		g_string_append_printf(bad, "%s%d", bad->len > 0 ? ", " : "", i);
		if (why == NULL)
			why = g_strdup(words_of(l, error));
	}
	if (why != NULL)
		doubt(l, "of its %d levels these cannot be read everywhere: %s (%s); copy the slide again", s->levels, bad->str,
		      why);
}

/* ---- mask ---- */

/* What prepare does not read, since a negative slide needs none: it should show no tumour. */
static void look_at_negative_mask(struct looking *l)
{
	const struct settings *s = l->sw->work.settings;
	const struct work_case *wc = &l->sw->work.cases[l->item];
	g_autofree char *wanted = pattern_path(s->paths.train, s->data.masks, s->data.classes[wc->label], wc->id);
	g_autofree char *path = pattern_ending(wanted);
	g_autoptr(GError) error = NULL;

	if (path == NULL || !g_file_test(path, G_FILE_TEST_IS_REGULAR))
		return;
	g_autoptr(mask_t) mask = slide_mask(s, l->slide, path, &error);
	if (mask == NULL)
		doubt(l, "its mask is not needed, but not right: %s", error->message);
	else if (mask->area > 0)
		doubt(l, "it is among the slides without tumour, and its mask has %" G_GUINT64_FORMAT " px of tumour; it is "
		      "learned from as %s: look which is right", mask->area, s->data.classes[wc->label]);
}

/* How much of the tumour can lie where tissue is, by what tiles have of both, 0..1. */
static double on_tissue(const struct tiles *t)
{
	double all = 0, on = 0;

	for (guint32 i = 0; i < t->n_tumour; i++) {
		all += t->tile[i].tumour;
		on += MIN(t->tile[i].tumour, t->tile[i].tissue / 255.0 * G_MAXUINT16);
	}
	return all > 0 ? on / all : 1;
}

static void look_at_mask(struct looking *l)
{
	const double little = 0.3;      /* of the tumour, on tissue */
	const struct settings *s = l->sw->work.settings;
	const struct work_case *wc = &l->sw->work.cases[l->item];
	const struct slide_case *c = &l->sw->slides[l->item];

	if (wc->label < 0 || s->data.masks[0] == '\0')
		return;
	if (!case_positive(&l->sw->work, l->item))
		look_at_negative_mask(l);
	else if (c->mask_empty && c->mask_most > 0)
		doubt(l, "its mask shows no tumour, though the slide is %s: its brightest pixel is %d, and over 127 is tumour; its tiles are "
		      "not learned from", s->data.classes[wc->label], c->mask_most);
	else if (c->mask_empty)
		doubt(l, "its mask shows no tumour, though the slide is %s: its tiles are not learned from; draw the mask, or "
		      "look at the class", s->data.classes[wc->label]);
	else if (c->mask_wrong != NULL)
		doubt(l, "%s: its tiles are not learned from; correct the mask, or data.masks", c->mask_wrong);
	else if (wc->ready && c->mask == NULL)
		doubt(l, "it has no mask: its tiles are not learned from; put one where data.masks says");
	if (c->mask == NULL)
		return;
	const double on = on_tissue(&c->tiles);
	if (on < little)
		doubt(l, "%.0f%% of the tumour in its mask lies where no tissue is found: is the mask inverted, another slide's, or data.origin "
		      "wrong?", 100 * (1 - on));
	number(l, "tumour_mm2", (double)c->mask->area * pow(c->mask->scale * slide_mpp(l->sw, l->slide) / 1e3, 2));
}

/* A setting that is wrong costs every mask, and a line a slide does not say so. */
char *slide_doubt(const struct work *w)
{
	guint positive = 0, wrong = 0, empty = 0;

	for (guint i = 0; i < w->n_cases; i++) {
		const struct slide_case *c = &slide_work_of(w)->slides[i];
		if (!w->cases[i].ready || !case_positive(w, i))
			continue;
		if (c->mask != NULL)
			return NULL;
		positive++;
		wrong += c->mask_wrong != NULL;
		empty += c->mask_empty ? 1 : 0;
	}
	if (positive == 0 || w->settings->data.masks[0] == '\0')
		return NULL;
	return g_strdup_printf("of %u positive slides none has a mask that can be used (%u cannot be read or do not fit, %u show no tumour, %u "
			       "are not there): where the tumour is cannot be learned; check data.masks and data.mask_scale", positive, wrong,
			       empty, positive - wrong - empty);
}

gboolean slide_look(struct work *w, guint item, struct look *out, GError **error)
{
	struct slide_work *sw = slide_work_of(w);
	slide_t *prepared = w->cases[item].ready ? sw->slides[item].slide : NULL;
	g_autoptr(slide_t) own = prepared == NULL ? slide_cases_open_one(sw->pool, w->cases[item].id, sw->slides[item].path, error)
							 : NULL;
	struct looking l = { .sw = sw, .item = item, .slide = prepared != NULL ? prepared : own, .out = out };

	if (l.slide == NULL)
		return FALSE;
	out->doubts = g_ptr_array_new_with_free_func(g_free);
	out->content = g_strdup(l.slide->quickhash);
	number(&l, "width_px", (double)l.slide->w);
	number(&l, "height_px", (double)l.slide->h);
	number(&l, "levels", l.slide->levels);
	number(&l, "mpp", l.slide->mpp);
	if (l.slide->mpp <= 0 && sw->mpp > 0 && w->settings->tiles.fallback_mpp <= 0)
		doubt(&l, "its file says no resolution, so it is read at level 0; set tiles.fallback_mpp to what it has");
	look_at_picture(&l);
	look_at_places(&l);
	take_stain(&l);
	look_at_levels(&l);
	look_at_mask(&l);
	slide_table_check(sw, item, l.slide, out->doubts);
	return TRUE;
}
