/*
 * slide_classification.c - the first task: whole slides, yes or no. HeLP Challenge 2018, contest 2-2.
 * Case: slide. Sample: tile, its target the share of its area that is tumour. Answer: a probability, in a CSV.
 */
#include "common/answer/answer_file.h"
#include "common/log/logfmt.h"
#include "common/task/pattern.h"
#include "common/task/slide_facts.h"
#include "common/task/slide_work.h"
#include <errno.h>
#include <math.h>
#include <unistd.h>

static const char *const strata[] = { "tumour", "normal", "negative" };

static double share(const struct settings *s, int stratum)
{
	const double shares[] = { s->sampling.tumour, s->sampling.normal, s->sampling.negative };

	return shares[stratum];
}

/* ---- what the log says ---- */

static char *describe(const struct work *w, guint item)
{
	const struct slide_case *c = &slide_work_of(w)->slides[item];
	const struct work_case *wc = &w->cases[item];
	GString *s = g_string_new(NULL);

	logfmt_append(s, "slide", wc->id);
	logfmt_append(s, "class", case_class(w, item));
	g_string_append_printf(s, " tiles=%u tissue=%.3f scanned=%.3f mpp=%.4g scale=%.4g", c->tiles.n, c->tissue_share,
			       c->scanned_share, c->slide->mpp, c->scale);
	if (c->mask != NULL)
		g_string_append_printf(s, " tumour_tiles=%u lesions=%u largest_lesion_um2=%.0f", c->tiles.n_tumour,
				       c->mask->n_lesions, wc->size);
	return g_string_free(s, FALSE);
}

static char *summary(const struct work *w)
{
	const struct slide_work *sw = slide_work_of(w);
	guint slides[2] = { 0 }, without_mask = 0;
	guint64 tiles = 0, tumour = 0, least = G_MAXUINT64, most = 0;

	for (guint i = 0; i < w->n_cases; i++) {
		if (!w->cases[i].ready)
			continue;
		const struct slide_case *c = &sw->slides[i];
		const gboolean positive = case_positive(w, i);
		slides[positive]++;
		without_mask += positive && c->mask == NULL;
		tiles += c->tiles.n;
		tumour += c->tiles.n_tumour;
		least = MIN(least, c->tiles.n);
		most = MAX(most, c->tiles.n);
	}
	return g_strdup_printf("slides=%u positive=%u negative=%u left_out=%u positive_without_mask=%u tiles=%" G_GUINT64_FORMAT
			       " tumour_tiles=%" G_GUINT64_FORMAT " tumour=%.3g%% tiles_a_slide=%" G_GUINT64_FORMAT "..%" G_GUINT64_FORMAT
			       " mpp=%.4g index_bytes=%" G_GUINT64_FORMAT " reader=openslide-%s",
			       slides[0] + slides[1], slides[1], slides[0], w->n_left_out, without_mask, tiles, tumour,
			       100 * (double)tumour / (double)MAX(tiles, 1), tiles > 0 ? least : 0, most, sw->mpp,
			       tiles * sizeof(struct tile), slide_reader_version());
}

static guint64 tiles_of(const struct work *w, guint item) { return slide_work_of(w)->slides[item].tiles.n; }

static void colour(const struct work *w, guint item, double out[3])
{
	const struct slide_case *c = &slide_work_of(w)->slides[item];

	for (int k = 0; k < 3; k++)
		out[k] = -log(CLAMP(c->colour[k], 1e-3, 1));
}

/* By the area of the largest lesion, as if it were round: isolated tumour cells up to 0.2 mm across,
   micrometastases up to 2 mm, macrometastases (AJCC Cancer Staging Manual, 8th edition). */
static const struct size_class sizes[] = {
	{ "itc", G_PI / 4 * 200 * 200 }, { "micro", G_PI / 4 * 2000 * 2000 }, { "macro", G_MAXDOUBLE }, { NULL, 0 },
};

static void facts(const struct work *w, JsonObject *out)
{
	const struct slide_work *sw = slide_work_of(w);
	guint positive = 0, n = 0;

	for (guint i = 0; i < w->n_cases; i++) {
		if (!w->cases[i].ready)
			continue;
		positive += case_positive(w, i);
		n++;
	}
	json_object_set_double_member(out, "mpp", sw->mpp);
	json_object_set_int_member(out, "input", w->shape.input);
	json_object_set_int_member(out, "screen", w->shape.screen ? 1 : 0);
	json_object_set_double_member(out, "prior", (positive + 1.0) / (n + 2.0));
}

static gboolean link_to(const char *path, const char *at, GError **error)
{
	g_autofree char *whole = g_canonicalize_filename(path, NULL), *folder = g_path_get_dirname(at);

	if (g_mkdir_with_parents(folder, 0755) == 0 && symlink(whole, at) == 0)
		return TRUE;
	g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "cannot make '%s': %s", at, g_strerror(errno));
	return FALSE;
}

static char *without_ending(const char *path)
{
	const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');

	return dot != NULL && (slash == NULL || dot > slash) ? g_strndup(path, (gsize)(dot - path)) : g_strdup(path);
}

/* The file, and the folder of its name that .mrxs files have beside them. */
static gboolean stage(const struct work *w, guint item, const char *folder, GError **error)
{
	const char *path = slide_work_of(w)->slides[item].path;
	g_autofree char *at = pattern_path(folder, w->settings->data.test, NULL, w->cases[item].id);
	g_autofree char *beside = without_ending(path), *beside_at = without_ending(at);

	return link_to(path, at, error) &&
	       (!g_file_test(beside, G_FILE_TEST_IS_DIR) || link_to(beside, beside_at, error));
}

/* ---- objective ---- */

enum { LOGITS = 2 };            /* of a tile; behind them, where the network draws a map, one a cell */

/* Cross entropy of the tile's logits with its tumour share, and binary cross entropy of the map's with each cell's, alike
   in weight; shares are smoothed towards a half (Szegedy et al. 2016). Weights of the classes sum to 2, so that the loss
   stays of one size. No stratum has tiles whose share is not known. */
static tensor *loss(const struct work *w, scope *s, const tensor *output, const tensor *target, double smoothing)
{
	const double tumour = w->settings->training.tumour_weight, weight = 2 * tumour / (1 + tumour);
	const int64_t cells = t_size(output, 1) - LOGITS;
	tensor *smooth = t_affine(s, target, 1 - smoothing, smoothing / 2);
	tensor *p = t_narrow(s, smooth, 1, 0, 1); /* (N, 1) */
	tensor *q = t_affine(s, p, weight - 2, 2 - weight);
	tensor *tile = t_cross_entropy(s, t_narrow(s, output, 1, 0, LOGITS), t_cat(s, 1, LIST(q, t_affine(s, p, weight, 0))));

	if (cells <= 0)
		return tile;
	return t_add(s, tile, t_bce_logits(s, t_narrow(s, output, 1, LOGITS, cells), t_narrow(s, smooth, 1, 1, cells)));
}

/* The tile's log odds, (N, 1): the margin of its two logits. Of a map: the log of the mean of the cells' odds, a smooth
   maximum (log-sum-exp pooling: Pinheiro & Collobert 2015), so that one cell that is sure counts, however small the
   lesion is; log-softmax has the sum without overflow. */
static tensor *judge(const struct work *w, scope *s, const tensor *output)
{
	int64_t cells = t_size(output, 1) - LOGITS;

	(void)w;
	if (cells <= 0)
		return t_sub(s, t_narrow(s, output, 1, 1, 1), t_narrow(s, output, 1, 0, 1));
	tensor *map = t_narrow(s, output, 1, LOGITS, cells);
	tensor *sum = t_sub(s, t_narrow(s, map, 1, 0, 1), t_narrow(s, t_log_softmax(s, map, 1), 1, 0, 1));
	return t_affine(s, sum, 1, -log((double)cells));
}

/* Half tumour is positive, none is negative, between is neither: its border was drawn by hand. */
static int truth(const float *target)
{
	return *target >= 0.5f ? 1 : *target == 0 ? 0 : -1;
}

/* ---- answer ---- */

static struct interval measure(const struct work *w, const guint *items, gsize n, const double *features)
{
	g_autofree guint8 *labels = g_new(guint8, n + 1);
	g_autofree double *scores = g_new(double, n + 1);

	for (gsize i = 0; i < n; i++) {
		labels[i] = case_positive(w, items[i]);
		scores[i] = isfinite(features[i * N_SLIDE_FEATURES]) ? features[i * N_SLIDE_FEATURES] : -G_MAXDOUBLE; /* a network gone wrong ranks it last */
	}
	return metrics_auc_interval(scores, labels, n, 0.95);
}

/* By number; a slide without a group is one. */
static guint32 *groups_of(const struct work *w, const guint *items, gsize n)
{
	g_autoptr(GHashTable) numbers = g_hash_table_new(g_str_hash, g_str_equal);
	guint32 *groups = g_new(guint32, n + 1);

	for (gsize i = 0; i < n; i++) {
		const struct work_case *c = &w->cases[items[i]];
		gpointer at;
		groups[i] = (guint32)i;
		if (c->group == NULL)
			continue;
		if (g_hash_table_lookup_extended(numbers, c->group, NULL, &at))
			groups[i] = GPOINTER_TO_UINT(at);
		else
			g_hash_table_insert(numbers, c->group, GUINT_TO_POINTER(groups[i]));
	}
	return groups;
}

static void fit(const struct work *w, const guint *items, gsize n, const double *features, JsonObject *out, double *said)
{
	g_autofree guint8 *labels = g_new(guint8, n + 1);
	g_autofree guint32 *groups = groups_of(w, items, n);
	g_autofree double *top = g_new(double, n + 1), *attention = g_new(double, n + 1), *rest = g_new(double, n * N_FEATURES + 1);

	for (gsize i = 0; i < n; i++) {
		const double *of = features + i * N_SLIDE_FEATURES;
		labels[i] = case_positive(w, items[i]);
		top[i] = of[SLIDE_TOP];
		attention[i] = of[SLIDE_ATTENTION];
		memcpy(rest + i * N_FEATURES, of + SLIDE_FEATURES, N_FEATURES * sizeof *rest);
	}
	const struct slides slides = { n, top, rest, attention, labels, groups };
	const struct slide_model model = slide_model_choose(&slides, w->settings->score.model, (guint64)w->settings->split.seed, said);
	json_object_set_object_member(out, "slide_model", slide_model_json(&model));
}

static void answer(JsonObject *f, const double *features, double *out)
{
	struct slide_facts facts = slide_facts_read(f);

	out[0] = slide_facts_answer(&facts, features);
}

/* A name as a CSV's field: quoted where it must be (RFC 4180), and where a blank at its end would be dropped by who reads it. */
static void append_name(GString *text, const char *name)
{
	const gsize n = strlen(name);

	if (strpbrk(name, ",\"\r\n") == NULL && (n == 0 || !(g_ascii_isspace(name[0]) || g_ascii_isspace(name[n - 1])))) {
		g_string_append(text, name);
		return;
	}
	g_autoptr(GString) quoted = g_string_new(name);
	g_string_replace(quoted, "\"", "\"\"", 0);
	g_string_append_printf(text, "\"%s\"", quoted->str);
}

static void append_header(GString *text, const struct work *w)
{
	g_string_append(text, "case");
	for (guint k = 0; k < w->n_answers; k++)
		g_string_append_printf(text, ",%s", w->columns[k].name);
	g_string_append_c(text, '\n');
}

static void append_numbers(GString *text, const struct work *w, const double *answer)
{
	char number[64], format[16];

	for (guint k = 0; k < w->n_answers; k++) {
		int decimals = w->columns[k].decimals;
		g_snprintf(format, sizeof format, "%%.%df", decimals >= 0 ? decimals : w->settings->answer.decimals);
		g_string_append_printf(text, ",%s", g_ascii_formatd(number, sizeof number, format, answer[k]));
	}
	g_string_append_c(text, '\n');
}

static gboolean write_answers(const struct work *w, const double *answers, GError **error)
{
	const struct settings *s = w->settings;
	g_autofree char *path = g_build_filename(s->paths.output, s->answer.file, NULL);
	g_autoptr(GString) text = g_string_new(NULL);

	if (g_mkdir_with_parents(s->paths.output, 0755) != 0) {
		g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "cannot make '%s': %s",
			    s->paths.output, g_strerror(errno));
		return FALSE;
	}
	if (s->answer.header)
		append_header(text, w);
	for (guint i = 0; i < w->n_cases; i++) {
		append_name(text, w->cases[i].id);
		append_numbers(text, w, answers + i * (gsize)w->n_answers);
	}
	return g_file_set_contents_full(path, text->str, (gssize)text->len,
					G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644, error);
}

static gboolean check(const struct work *w, const char *path, GPtrArray *wrong, GPtrArray *doubts, GError **error)
{
	g_autofree const char **ids = g_new(const char *, w->n_cases + 1);
	g_autofree double *values = g_new(double, w->n_cases * (gsize)w->n_answers + 1);
	const struct answer_form form = { .ids = ids, .n = w->n_cases, .columns = w->columns, .n_columns = w->n_answers,
					  .where = "the test folder", .header = w->settings->answer.header,
					  .how = "set answer.header=true" };

	for (guint i = 0; i < w->n_cases; i++)
		ids[i] = w->cases[i].id;
	if (!answer_file_read(path, &form, values, wrong, doubts, error))
		return FALSE;
	for (guint i = 1; i < w->n_cases; i++)
		values[i] = values[i * (gsize)w->n_answers];
	answer_doubt_values(values, w->n_cases, doubts);
	return TRUE;
}

/* ---- bags ---- */

static int bag_label(const struct work *w, guint item) { return w->cases[item].label < 0 ? -1 : case_positive(w, item); }

static gboolean bags_needed(JsonObject *f)
{
	const struct slide_facts facts = slide_facts_read(f);

	return facts.fitted && (facts.model.chosen == BY_ATTENTION || facts.model.chosen == BY_BOTH);
}

static const struct bag_task bags = { SLIDE_ATTENTION, bag_label, bags_needed, slide_looks_upright };

/* Whole slides, yes or no; tiles with masks. */
const struct task slide_classification = {
	.name = "slide-classification",
	.noun = "slide",
	.open = slide_cases_open,
	.close = slide_cases_close,
	.prepare = slide_prepare,
	.release = slide_release,
	.copy_begin = slide_copy_begin,
	.copy_end = slide_copy_end,
	.facts = facts,
	.reading = slide_cases_reading,
	.stage = stage,
	.describe = describe,
	.summary = summary,
	.samples = tiles_of,
	.colour = colour,
	.sizes = sizes,
	.look = slide_look,
	.doubt = slide_doubt,
	.n_strata = N_STRATA,
	.strata = strata,
	.share = share,
	.count = slide_samples_count,
	.pick = slide_samples_pick,
	.sure = slide_samples_sure,
	.next = slide_looks_next,
	.read = slide_samples_read,
	.judged = 1,
	.loss = loss,
	.judge = judge,
	.truth = truth,
	.n_features = N_SLIDE_FEATURES,
	.features = slide_samples_features,
	.fit = fit,
	.answer = answer,
	.further = slide_axis,
	.write = write_answers,
	.check = check,
	.metric = "slide_auc",
	.sample_metric = "tile_auc",
	.measure = measure,
	.picture = slide_picture,
	.bags = &bags,
};
