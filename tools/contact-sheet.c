/*
 * contact-sheet.c - a folder of slides on one page: each one small, with its name. With the heat maps that inference
 * drew (pictures.heat), those; with an answer, its probabilities, the highest first; with the truth, a frame around
 * what is positive. One page holds PAGE slides and is all that stands in memory; more slides, more pages.
 */
#include "common/csv/csv_file.h"
#include "common/fault/fault.h"
#include "common/image/heat.h"
#include "common/image/png_file.h"
#include "common/slide/thumbnail.h"
#include "common/task/pattern.h"
#include <cairo.h>
#include <math.h>

enum {
	PAGE = 100, COLUMNS_MIN = 3, COLUMNS_MAX = 10,
	BOX = 220, GAP = 18, NAME = 28, HEAD = 48,      /* px: a picture's longest side; between; its name; the page's head */
	PICTURE_MAX = 1 << 24,                          /* px of a heat map */
	CSV_MAX = 64 << 20,                             /* bytes */
};

struct colour { double r, g, b; };
static const struct colour TEXT = { 0.15, 0.15, 0.15 }, PALE = { 0.55, 0.55, 0.55 }, NOTHING = { 0.93, 0.93, 0.93 };
static const struct colour POSITIVE = { 0.84, 0.37, 0 }, NEGATIVE = { 0.6, 0.6, 0.6 };

struct entry {                  /* a slide */
	char *id, *path;
	double probability, truth;      /* NAN: not known */
};

struct sheet {
	const char *folder, *pattern, *pictures, *answer, *truth, *out;         /* all but folder and out: or NULL */
	GPtrArray *entries;
	struct slide_pool *pool;
	guint columns, pages;
};

/* ---- tables ---- */

static gboolean take_number(void *context, guint64 line, guint n, char **fields, GError **error)
{
	char *end = NULL;
	double value = n >= 2 ? g_ascii_strtod(fields[1], &end) : 0;
	const gboolean number = n >= 2 && end != fields[1] && *end == '\0';

	if (number)
		g_hash_table_insert(context, g_strdup(fields[0]), g_memdup2(&value, sizeof value));
	else if (line > 1)      /* else a header */
		g_set_error(error, FAULT, FAULT_DATA, "`slide,number` is wanted");
	return number || line <= 1;
}

/* The second column, by the first, into a field of the entries; says how many have none. path NULL: nothing is done. */
static gboolean read_numbers(const struct sheet *s, const char *path, gsize field, GError **error)
{
	g_autoptr(GHashTable) rows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	guint without = 0;

	if (path == NULL)
		return TRUE;
	if (!csv_read(path, CSV_MAX, take_number, rows, error))
		return FALSE;
	for (guint i = 0; i < s->entries->len; i++) {
		struct entry *e = s->entries->pdata[i];
		const double *value = g_hash_table_lookup(rows, e->id);
		G_STRUCT_MEMBER(double, e, field) = value != NULL ? *value : NAN;
		without += value == NULL;
	}
	if (without > 0)
		g_printerr("contact-sheet: %s: %u of %u slides have no row\n", path, without, s->entries->len);
	return TRUE;
}

/* ---- slides ---- */

static void entry_free(gpointer data)
{
	struct entry *e = data;

	g_free(e->id);
	g_free(e->path);
	g_free(e);
}

/* Highest first; who has no answer stands last. */
static int by_answer(gconstpointer a, gconstpointer b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
	const double p = isnan(x->probability) ? -INFINITY : x->probability, q = isnan(y->probability) ? -INFINITY : y->probability;

	return p != q ? (p < q ? 1 : -1) : strcmp(x->id, y->id);
}

/* With no pattern: what OpenSlide knows. */
static gboolean list_slides(struct sheet *s, GError **error)
{
	g_autoptr(GPtrArray) found = pattern_list(s->folder, s->pattern != NULL ? s->pattern : "{name}", NULL, error);

	for (guint i = 0; found != NULL && i < found->len; i++) {
		const struct pattern_match *m = found->pdata[i];
		if (s->pattern == NULL && !slide_known(m->path))
			continue;
		struct entry *e = g_new(struct entry, 1);
		*e = (struct entry){ s->pattern != NULL ? g_strdup(m->name) : slide_id(m->path), g_strdup(m->path), NAN, NAN };
		g_ptr_array_add(s->entries, e);
	}
	if (found != NULL && s->entries->len == 0)
		g_set_error(error, FAULT, FAULT_DATA, "no slide %s%s%sin '%s'", s->pattern != NULL ? "matches '" : "is ",
			    s->pattern != NULL ? s->pattern : "", s->pattern != NULL ? "' " : "", s->folder);
	return s->entries->len > 0;
}

/* ---- pictures ---- */

/* rgb (h, w, 3) */
static cairo_surface_t *surface_of(const guint8 *rgb, int w, int h)
{
	cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, w, h);
	guint8 *to = cairo_image_surface_get_data(surface);

	for (int y = 0; to != NULL && y < h; y++, to += cairo_image_surface_get_stride(surface))
		for (int x = 0; x < w; x++, rgb += 3)
			((guint32 *)(gpointer)to)[x] = (guint32)rgb[0] << 16 | (guint32)rgb[1] << 8 | rgb[2];
	cairo_surface_mark_dirty(surface);
	return surface;
}

/* NULL where the slide has none. */
static cairo_surface_t *heat_map(const struct sheet *s, const struct entry *e, GError **error)
{
	g_autofree char *name = g_strconcat(e->id, ".png", NULL), *path = g_build_filename(s->pictures, name, NULL);
	guint32 w, h;
	g_autofree guint8 *rgb = png_read(path, 3, PICTURE_MAX, &w, &h, error);

	/* without its scale: the page's head has one */
	return rgb != NULL ? surface_of(rgb, (int)w, (int)(h > HEAT_SCALE_HEIGHT ? h - HEAT_SCALE_HEIGHT : h)) : NULL;
}

static cairo_surface_t *thumbnail(const struct sheet *s, const struct entry *e, GError **error)
{
	g_autoptr(slide_t) slide = slide_open(s->pool, e->path, error);
	const double scale = slide != NULL ? thumbnail_scale(slide, BOX) : 0;
	struct thumbnail t;

	if (slide != NULL && scale <= 0)
		g_set_error(error, FAULT, FAULT_DATA, "slide '%s': it has no level of low resolution", e->id);
	if (scale <= 0 || !thumbnail_read(slide, scale, &t, error))
		return NULL;
	cairo_surface_t *surface = surface_of(t.rgb, t.width, t.height);
	thumbnail_clear(&t);
	return surface;
}

/* What is not there is said, and done without. */
static cairo_surface_t *picture_of(const struct sheet *s, const struct entry *e)
{
	g_autoptr(GError) no_map = NULL, error = NULL;
	cairo_surface_t *picture = s->pictures != NULL ? heat_map(s, e, &no_map) : NULL;

	if (no_map != NULL)
		g_printerr("contact-sheet: %s; the slide is shown without\n", no_map->message);
	if (picture == NULL)
		picture = thumbnail(s, e, &error);
	if (picture == NULL)
		g_printerr("contact-sheet: %s\n", error->message);
	return picture;
}

/* ---- drawing ---- */

static void set_colour(cairo_t *c, struct colour colour) { cairo_set_source_rgb(c, colour.r, colour.g, colour.b); }

static double text_width(cairo_t *c, const char *text)
{
	cairo_text_extents_t extents;

	cairo_text_extents(c, text, &extents);
	return extents.x_advance;
}

/* Text from x on, or where `right`, up to x; gives its width. */
static double put_text(cairo_t *c, double x, double y, gboolean right, struct colour colour, const char *text)
{
	const double width = text_width(c, text);

	set_colour(c, colour);
	cairo_move_to(c, right ? x - width : x, y);
	cairo_show_text(c, text);
	return width;
}

/* A name as it fits into `room` px: its end stays, which tells it from its neighbours. */
static char *fitting(cairo_t *c, const char *name, double room)
{
	g_autofree char *whole = g_utf8_make_valid(name, -1);
	char *text = g_strdup(whole);

	for (const char *rest = whole; *rest != '\0' && text_width(c, text) > room;) {
		rest = g_utf8_next_char(rest);
		g_free(text);
		text = g_strconcat("…", rest, NULL);
	}
	return text;
}

static void frame(cairo_t *c, double x, double y, double w, double h, gboolean positive)
{
	const double line = positive ? 5 : 2;

	set_colour(c, positive ? POSITIVE : NEGATIVE);
	cairo_set_line_width(c, line);
	cairo_rectangle(c, x - line / 2, y - line / 2, w + line, h + line);
	cairo_stroke(c);
}

static void box_text(cairo_t *c, double x, double y, const char *text)
{
	set_colour(c, NOTHING);
	cairo_rectangle(c, x, y, BOX, BOX);
	cairo_fill(c);
	put_text(c, x + (BOX - text_width(c, text)) / 2, y + BOX / 2.0, FALSE, PALE, text);
}

/* Into the box at x, y, in its middle. Its frame is the truth. */
static void draw_picture(cairo_t *c, const struct entry *e, cairo_surface_t *picture, double x, double y)
{
	const double wide = picture != NULL ? cairo_image_surface_get_width(picture) : BOX;
	const double high = picture != NULL ? cairo_image_surface_get_height(picture) : BOX;
	const double by = BOX / MAX(wide, high), left = x + (BOX - by * wide) / 2, top = y + (BOX - by * high) / 2;

	if (picture == NULL) {
		box_text(c, x, y, "cannot be read");
	} else {
		cairo_save(c);
		cairo_translate(c, left, top);
		cairo_scale(c, by, by);
		cairo_set_source_surface(c, picture, 0, 0);
		cairo_pattern_set_filter(cairo_get_source(c), CAIRO_FILTER_GOOD);
		cairo_rectangle(c, 0, 0, wide, high);
		cairo_fill(c);
		cairo_restore(c);
	}
	if (!isnan(e->truth))
		frame(c, left, top, by * wide, by * high, e->truth >= 0.5);
}

static void draw_entry(cairo_t *c, const struct sheet *s, const struct entry *e, double x, double y)
{
	cairo_surface_t *picture = picture_of(s, e);
	double number = 0;

	draw_picture(c, e, picture, x, y);
	if (picture != NULL)
		cairo_surface_destroy(picture);
	if (s->answer != NULL) {
		g_autofree char *text = isnan(e->probability) ? g_strdup("no answer") : g_strdup_printf("%.4f", e->probability);
		number = put_text(c, x + BOX, y + BOX + NAME - 6, TRUE, isnan(e->probability) ? PALE : TEXT, text) + GAP / 2.0;
	}
	g_autofree char *name = fitting(c, e->id, BOX - number);
	put_text(c, x, y + BOX + NAME - 6, FALSE, TEXT, name);
}

/* What is seen on the page: how many, in which order, what frames and colours mean. */
static void draw_head(cairo_t *c, const struct sheet *s, guint page)
{
	const double y = GAP + 10;
	double x = GAP;
	g_autofree char *pages = s->pages > 1 ? g_strdup_printf(", page %u of %u", page + 1, s->pages) : g_strdup("");
	g_autofree char *text = g_strdup_printf("%u slide%s%s%s", s->entries->len, s->entries->len == 1 ? "" : "s",
						s->answer != NULL ? ", highest probability first" : "", pages);

	x += put_text(c, x, y, FALSE, TEXT, text) + 2 * GAP;
	for (int positive = 1; s->truth != NULL && positive >= 0; positive--) {
		frame(c, x, y - 11, 14, 12, positive);
		x += put_text(c, x + 24, y, FALSE, TEXT, positive ? "positive" : "negative") + 24 + GAP;
	}
	if (s->pictures != NULL) {
		guint8 rgb[HEAT_SCALE_HEIGHT * 136 * 3];
		heat_scale(rgb, 136);
		cairo_surface_t *scale = surface_of(rgb, 136, HEAT_SCALE_HEIGHT);
		x += GAP + put_text(c, x + GAP, y, FALSE, TEXT, "0");
		cairo_set_source_surface(c, scale, x - 2, y - 17);
		cairo_paint(c);
		cairo_surface_destroy(scale);
		put_text(c, x + 132, y, FALSE, TEXT, "1");
	}
}

/* ---- pages ---- */

/* sheet.png, or of several: sheet-1.png */
static char *page_path(const struct sheet *s, guint page)
{
	return s->pages == 1 ? g_strdup(s->out)
			     : g_strdup_printf("%.*s-%u.png", (int)(strlen(s->out) - strlen(".png")), s->out, page + 1);
}

static gboolean write_surface(cairo_surface_t *surface, const char *path, GError **error)
{
	const int w = cairo_image_surface_get_width(surface), h = cairo_image_surface_get_height(surface);
	g_autofree guint8 *rgb = g_malloc((gsize)w * (gsize)h * 3);

	cairo_surface_flush(surface);
	slide_convert((const guint32 *)(gpointer)cairo_image_surface_get_data(surface), (gsize)w * (gsize)h, rgb, NULL);
	return png_write(path, rgb, (guint32)w, (guint32)h, 3, error);
}

static gboolean write_page(const struct sheet *s, guint page, GError **error)
{
	const guint first = page * PAGE, n = MIN(PAGE, s->entries->len - first), lines = (n + s->columns - 1) / s->columns;
	g_autofree char *path = page_path(s, page);
	cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, (int)(GAP + s->columns * (BOX + GAP)),
							       (int)(HEAD + lines * (BOX + NAME + GAP)));
	cairo_t *c = cairo_create(surface);

	cairo_set_source_rgb(c, 1, 1, 1);
	cairo_paint(c);
	cairo_select_font_face(c, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(c, 14);
	draw_head(c, s, page);
	for (guint i = 0; i < n; i++)
		draw_entry(c, s, s->entries->pdata[first + i], GAP + i % s->columns * (BOX + GAP),
			   HEAD + i / s->columns * (BOX + NAME + GAP));
	gboolean ok = cairo_status(c) == CAIRO_STATUS_SUCCESS;
	if (!ok)
		g_set_error(error, FAULT, FAULT_FAILED, "%s: %s", path, cairo_status_to_string(cairo_status(c)));
	ok = ok && write_surface(surface, path, error);
	cairo_destroy(c);
	cairo_surface_destroy(surface);
	const struct entry *const *shown = (const struct entry *const *)s->entries->pdata + first;
	if (ok)
		g_print("%s: %u slide%s, %s to %s\n", path, n, n == 1 ? "" : "s", shown[0]->id, shown[n - 1]->id);
	return ok;
}

static gboolean make(struct sheet *s, GError **error)
{
	if (!list_slides(s, error) || !read_numbers(s, s->answer, G_STRUCT_OFFSET(struct entry, probability), error) ||
	    !read_numbers(s, s->truth, G_STRUCT_OFFSET(struct entry, truth), error))
		return FALSE;
	const guint n = s->entries->len;
	g_ptr_array_sort(s->entries, by_answer);
	s->columns = (guint)CLAMP(ceil(sqrt(n)), COLUMNS_MIN, COLUMNS_MAX);
	s->pages = (n + PAGE - 1) / PAGE;
	for (guint page = 0; page < s->pages; page++)
		if (!write_page(s, page, error))
			return FALSE;
	return TRUE;
}

/* ---- the command line ---- */

static gboolean check_usage(const struct sheet *s, int argc, GError **error)
{
	if (argc != 2 || s->out == NULL)
		g_set_error_literal(error, FAULT, FAULT_USAGE, "FOLDER and -o SHEET.png are wanted; see --help");
	else if (!g_str_has_suffix(s->out, ".png"))
		g_set_error(error, FAULT, FAULT_USAGE, "-o: expected a name that ends in .png, not '%s'", s->out);
	else if (s->pictures != NULL && !g_file_test(s->pictures, G_FILE_TEST_IS_DIR))
		g_set_error(error, FAULT, FAULT_USAGE, "--pictures: '%s' is no folder", s->pictures);
	else
		return TRUE;
	return FALSE;
}

int main(int argc, char **argv)
{
	g_autofree char *out = NULL, *pictures = NULL, *answer = NULL, *truth = NULL, *pattern = NULL;
	const GOptionEntry entries[] = {
		{ "output", 'o', 0, G_OPTION_ARG_FILENAME, &out, "The sheet; of more than 100 slides SHEET-1.png, SHEET-2.png ...",
		  "SHEET.png" },
		{ "pictures", 0, 0, G_OPTION_ARG_FILENAME, &pictures, "Heat maps to show, where there are: MODEL/pictures", "DIR" },
		{ "answer", 0, 0, G_OPTION_ARG_FILENAME, &answer, "Probabilities, which set the order", "CSV" },
		{ "truth", 0, 0, G_OPTION_ARG_FILENAME, &truth, "What is positive: `slide,0|1`", "CSV" },
		{ "test", 0, 0, G_OPTION_ARG_FILENAME, &pattern, "Which files, as data.test says it (all that OpenSlide knows)",
		  "{name}.svs" },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) options = g_option_context_new("FOLDER");
	g_autoptr(GError) error = NULL;

	g_option_context_set_summary(options, "Draws a folder of slides on one page, each with its name.");
	g_option_context_add_main_entries(options, entries, NULL);
	gboolean ok = g_option_context_parse(options, &argc, &argv, &error);
	struct sheet s = { .folder = argc > 1 ? argv[1] : NULL, .pattern = pattern, .pictures = pictures, .answer = answer,
			   .truth = truth, .out = out };
	if (ok && check_usage(&s, argc, &error)) {
		s.entries = g_ptr_array_new_with_free_func(entry_free);
		s.pool = slide_pool_new(1);
		make(&s, &error);
		g_ptr_array_unref(s.entries);
		slide_pool_free(s.pool);
	}
	if (error != NULL)
		g_printerr("contact-sheet: %s\n", error->message);
	return fault_exit_code(error);
}
