/*
 * what-it-sees.c - what the network sees, on one page, for who sets the strengths of augmentation: in each line a sample
 * as it is read (and its stain normalised), then as it may look in one epoch after the other. Samples are drawn as in
 * training, so many of each kind, from some of the cases.
 */
#include "common/config/options.h"
#include "common/fault/fault.h"
#include "common/image/png_file.h"
#include "common/machine/machine.h"
#include "common/model/input.h"
#include "common/random/random.h"
#include "common/slide/slide.h"
#include "common/task/preparing.h"
#include "train/augment.h"
#include "train/sampler.h"
#include <cairo.h>
#include <math.h>

enum {
	GAP = 6, NAME = 18, HEAD = 24,  /* px: between pictures; a line's name; the page's head */
	SIDE_MAX = 512,                 /* px: larger samples are shown with each second, third ... pixel */
	POSITIONS = 100000,             /* of an epoch, that are looked through for samples of each kind */
	PURPOSE_CHOICE = 300,
};

struct line { struct sample sample; guint64 position; int stratum; };

struct sheet {
	const struct settings *settings;
	struct work *work;
	double strength;
	int each, columns, cases;       /* samples of a kind; epochs shown; cases they come from */
	guint n;
	struct line *lines;             /* (n) */
	guint8 *bytes;                  /* (n, pictures, height, width, 3) */
	int step;                       /* each so many-th pixel is shown */
	cairo_surface_t *page;
};

/* ---- samples ---- */

static int by_hash(gconstpointer a, gconstpointer b, gpointer seed)
{
	const guint64 x = random_hash(*(guint64 *)seed, PURPOSE_CHOICE, *(const guint *)a, 0);
	const guint64 y = random_hash(*(guint64 *)seed, PURPOSE_CHOICE, *(const guint *)b, 0);

	return x < y ? -1 : x > y;
}

/* As many of each class; some of those that cannot be used are said. */
static void prepare_some(struct sheet *s, guint64 seed)
{
	struct work *w = s->work;
	const guint classes = g_strv_length(s->settings->data.classes);
	g_autofree guint *order = g_new(guint, w->n_cases + 1), *taken = g_new0(guint, classes);
	struct preparing *preparing = preparing_new(w, (guint)machine_cores());
	GError *error = NULL;

	for (guint i = 0; i < w->n_cases; i++)
		order[i] = i;
	g_qsort_with_data(order, (int)w->n_cases, sizeof *order, by_hash, &seed);
	for (guint i = 0; i < w->n_cases; i++)
		if (w->cases[order[i]].label >= 0 && taken[w->cases[order[i]].label]++ < ((guint)s->cases + classes - 1) / classes)
			preparing_push(preparing, order[i]);
	for (guint i; preparing_pop(preparing, TRUE, &i, &error); g_clear_error(&error))
		if (error != NULL)
			g_printerr("what-it-sees: %s; left out\n", error->message);
	preparing_free(preparing);
}

static gboolean read_line(struct sheet *s, const struct line *l)
{
	const struct sample_shape *shape = &s->work->shape;
	g_autofree float *targets = g_new(float, (gsize)shape->targets);
	g_autoptr(GError) error = NULL;

	if (s->work->task->read(s->work, &l->sample, s->bytes + s->n * sample_bytes(shape), targets,
				&error))
		return TRUE;
	g_printerr("what-it-sees: %s; left out\n", error->message);
	return FALSE;
}

static int by_stratum(gconstpointer a, gconstpointer b)
{
	const struct line *x = a, *y = b;

	return x->stratum != y->stratum ? x->stratum - y->stratum : x->position < y->position ? -1 : 1;
}

/* The first of each kind among the positions of an epoch. */
static gboolean draw_lines(struct sheet *s, guint64 seed, GError **error)
{
	const struct task *task = s->work->task;
	const struct sample_shape *shape = &s->work->shape;
	g_autofree gboolean *held = g_new0(gboolean, s->work->n_cases + 1);
	g_autofree int *found = g_new0(int, task->n_strata);
	g_autofree char *empty = NULL;
	g_autoptr(sampler_t) sampler = sampler_new(s->work, held, seed, &empty, error);
	const guint most = (guint)(s->each * task->n_strata);
	guint n = 0;

	if (sampler == NULL)
		return FALSE;
	if (empty != NULL)
		g_printerr("what-it-sees: %s\n", empty);
	s->lines = g_new0(struct line, most);
	s->bytes = g_malloc_n(most, sample_bytes(shape));
	for (guint64 p = 0; p < POSITIONS && n < most; p++) {
		const int k = sampler_stratum(sampler, 0, p);
		if (found[k] == s->each)
			continue;
		found[k]++;
		s->lines[n].stratum = k;
		s->lines[n].position = p;
		sampler_draw(sampler, 0, p, &s->lines[n++].sample);
	}
	qsort(s->lines, n, sizeof *s->lines, by_stratum);
	for (guint i = 0; i < n; i++)
		if (read_line(s, &s->lines[i]))
			s->lines[s->n++] = s->lines[i];
	if (s->n == 0)
		g_set_error(error, FAULT, FAULT_DATA, "no sample can be read");
	return s->n > 0;
}

/* ---- the page ---- */

static int shown(int side, const struct sheet *s) { return (side + s->step - 1) / s->step; }
static int column_at(const struct sheet *s, int column) { return GAP + column * (shown(s->work->shape.width, s) + GAP); }
static int line_at(const struct sheet *s, guint line) { return HEAD + (int)line * (shown(s->work->shape.height, s) + NAME + GAP); }

/* values (3, height, width), 0..1 */
static void put_picture(struct sheet *s, guint line, int column, const float *values)
{
	const int w = s->work->shape.width, h = s->work->shape.height, area = w * h;
	const int stride = cairo_image_surface_get_stride(s->page);
	guint8 *to = cairo_image_surface_get_data(s->page) + (line_at(s, line) + NAME) * stride + 4 * column_at(s, column);

	for (int y = 0; y < h; y += s->step, to += stride)
		for (int x = 0; x < w; x += s->step) {
			guint32 word = 0xff;
			for (int k = 0; k < 3; k++)
				word = word << 8 | (guint32)lroundf(255 * values[k * area + y * w + x]);
			((guint32 *)(gpointer)to)[x / s->step] = word;
		}
}

static void put_text(cairo_t *c, int x, int y, const char *text)
{
	cairo_move_to(c, x, y);
	cairo_show_text(c, text);
}

static void put_names(struct sheet *s)
{
	const guint pictures = sample_pictures(&s->work->shape);
	cairo_t *c = cairo_create(s->page);

	cairo_set_source_rgb(c, 1, 1, 1);
	cairo_paint(c);
	cairo_set_source_rgb(c, 0.15, 0.15, 0.15);
	cairo_select_font_face(c, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(c, 12);
	for (int k = 0; k <= s->columns; k++) {
		g_autofree char *text = k == 0 ? g_strdup("as read") : g_strdup_printf("epoch %d", k);
		put_text(c, column_at(s, k), HEAD - 6, text);
	}
	for (guint i = 0; i < s->n * pictures; i++) {
		const struct line *l = &s->lines[i / pictures];
		g_autofree char *text = g_strdup_printf("%s, %s%s", s->work->task->strata[l->stratum],
							s->work->cases[l->sample.item].id, i % pictures > 0 ? ", wider" : "");
		g_autofree char *valid = g_utf8_make_valid(text, -1);
		put_text(c, GAP, line_at(s, i) + NAME - 5, valid);
	}
	cairo_destroy(c);
	cairo_surface_flush(s->page);
}

/* All lines in one epoch; 0: as read. */
static gboolean put_column(struct sheet *s, guint64 seed, int epoch, GError **error)
{
	const struct sample_shape *shape = &s->work->shape;
	const gsize area = sample_pixels(shape);
	const guint pictures = sample_pictures(shape), n = s->n * pictures;
	g_autofree struct augmentation *of = g_new(struct augmentation, n);
	g_autofree float *values = g_new(float, n * area * 3);
	const double strength = epoch == 0 ? 0 : s->strength;
	const char *message;

	for (guint i = 0; i < s->n; i++)
		augment_draw(s->settings, strength, seed, (guint64)epoch, s->lines[i].position, &of[i]);
	augment_mix(s->settings, strength, seed, (guint64)epoch, 0, s->bytes, pictures * area, of, s->n);
	augment_spread(of, s->n, pictures, s->settings->tiles.context);
	SCOPE(all, NULL, SCOPE_NO_GRAD);
	tensor *x = t_reshape(all, input_values(all, s->bytes, s->n, shape, T_CPU), DIMS(n, shape->height, shape->width, 3));
	x = augment(all, t_permute(all, x, DIMS(0, 3, 1, 2)), of, n, T_CPU);
	t_read(all, x, values, n * area * 3 * sizeof *values);
	if (scope_error(all, &message) != SCOPE_OK) {
		g_set_error(error, FAULT, FAULT_FAILED, "%s", message);
		return FALSE;
	}
	for (guint i = 0; i < n; i++)
		put_picture(s, i, epoch, values + i * area * 3);
	return TRUE;
}

static gboolean write_page(struct sheet *s, const char *path, GError **error)
{
	const int w = cairo_image_surface_get_width(s->page), h = cairo_image_surface_get_height(s->page);
	g_autofree guint8 *rgb = g_malloc((gsize)w * (gsize)h * 3);

	slide_convert((const guint32 *)(gpointer)cairo_image_surface_get_data(s->page), (gsize)w * (gsize)h, rgb, NULL);
	if (!png_write(path, rgb, (guint32)w, (guint32)h, 3, error))
		return FALSE;
	g_print("%s: %u samples, as read and in %d epochs\n", path, s->n, s->columns);
	return TRUE;
}

static gboolean draw_page(struct sheet *s, guint64 seed, const char *path, GError **error)
{
	const struct sample_shape *shape = &s->work->shape;
	gboolean ok = TRUE;

	s->step = (MAX(shape->width, shape->height) + SIDE_MAX - 1) / SIDE_MAX;
	s->page = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, column_at(s, s->columns + 1), line_at(s, s->n * sample_pictures(shape)));
	if (cairo_surface_status(s->page) != CAIRO_STATUS_SUCCESS) {
		g_set_error(error, FAULT, FAULT_FAILED, "%s: %s; ask for fewer --samples or --epochs", path,
			    cairo_status_to_string(cairo_surface_status(s->page)));
		return FALSE;
	}
	put_names(s);
	for (int epoch = 0; ok && epoch <= s->columns; epoch++)
		ok = put_column(s, seed, epoch, error);
	return ok && write_page(s, path, error);
}

static gboolean make(struct sheet *s, const char *path, GError **error)
{
	const guint64 seed = (guint64)s->settings->split.seed;
	const struct task *task = task_find(s->settings->task, error);

	s->work = task != NULL ? task->open(s->settings, PHASE_TRAIN, NULL, error) : NULL;
	if (s->work == NULL)
		return FALSE;
	for (guint i = 0; i < s->work->notes->len; i++)
		g_printerr("what-it-sees: %s\n", (char *)s->work->notes->pdata[i]);
	gboolean ok = s->work->shape.channels == 3;
	if (!ok)
		g_set_error(error, FAULT, FAULT_DATA, "samples of %d channels are no pictures", s->work->shape.channels);
	if (ok)
		prepare_some(s, seed);
	ok = ok && draw_lines(s, seed, error) && draw_page(s, seed, path, error);
	if (s->page != NULL)
		cairo_surface_destroy(s->page);
	g_free(s->lines);
	g_free(s->bytes);
	task->close(s->work);
	return ok;
}

/* ---- the command line ---- */

static gboolean check_usage(const struct sheet *s, const char *path, GError **error)
{
	static const char *const ranges[] = { "--samples: expected 1 to 100", "--epochs: expected 1 to 100",
					      "--cases: expected 1 or more", "--strength: expected 0 to 1" };
	const gboolean fits[] = { s->each >= 1 && s->each <= 100, s->columns >= 1 && s->columns <= 100, s->cases >= 1,
				  s->strength >= 0 && s->strength <= 1 };

	if (path == NULL || !g_str_has_suffix(path, ".png")) {
		g_set_error_literal(error, FAULT, FAULT_USAGE, "-o SHEET.png is wanted; see --help");
		return FALSE;
	}
	for (guint i = 0; i < G_N_ELEMENTS(fits); i++)
		if (!fits[i]) {
			g_set_error_literal(error, FAULT, FAULT_USAGE, ranges[i]);
			return FALSE;
		}
	return TRUE;
}

int main(int argc, char **argv)
{
	g_autofree char *path = NULL;
	struct sheet s = { .strength = 1, .each = 3, .columns = 7, .cases = 12 };
	const GOptionEntry extra[] = {
		{ "output", 'o', 0, G_OPTION_ARG_FILENAME, &path, "the page", "SHEET.png" },
		{ "samples", 0, 0, G_OPTION_ARG_INT, &s.each, "of each kind (3)", "N" },
		{ "epochs", 0, 0, G_OPTION_ARG_INT, &s.columns, "how often each is shown augmented (7)", "N" },
		{ "cases", 0, 0, G_OPTION_ARG_INT, &s.cases, "from so many, of all classes alike (12)", "N" },
		{ "strength", 0, 0, G_OPTION_ARG_DOUBLE, &s.strength, "all strengths are multiplied by it (1)", "0..1" },
		G_OPTION_ENTRY_NULL,
	};
	struct options o = { 0 };
	g_autoptr(GError) error = NULL;

	machine_start(argv);
	gboolean ok = options_parse(&o, argc, argv, "draws what the network sees, as read and as augmented", extra, &error);
	if (ok && !o.done && check_usage(&s, path, &error)) {
		tensor_threads(machine_cores());
		s.settings = o.settings;
		make(&s, path, &error);
	}
	if (error != NULL)
		g_printerr("what-it-sees: %s\n", error->message);
	if (ok)
		options_clear(&o);
	return fault_exit_code(error);
}
