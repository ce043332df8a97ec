/*
 * mirax.c - see mirax.h. What the format's files say, and what a tile shows.
 *
 * Terms as in OpenSlide's reader. The camera takes a photo at each position; a photo is cut into divisions x divisions images.
 * An image of a further level joins concat x concat of level 0. As photos overlap, it is taken apart again into tiles, each of
 * one position, which are laid where that position says. At level 0 a tile is an image.
 */
#include "common/slide/mirax.h"
#include "common/slide/mirax_images.h"
#include <math.h>
#include <string.h>
#include <zlib.h>
#include <sys/stat.h>

#define CELLS_MOST (4 << 20)    /* images across times down */
#define SIDE_MOST 65536         /* images across or down; px of an image */
#define PX_MOST (G_MAXINT32 / 2) /* a position */
#define OFF_MOST 4              /* that a tile lies off its place, in its own sides */

struct tile {
	gint32 x, y;            /* level px */
	guint32 image;
	guint16 left, top;      /* px, in its image */
};

struct level {
	gboolean readable;
	int concat, divisor, parts, positions; /* of level-0 images in one; tiles an image, a side; positions a tile, a side */
	int image_w, image_h, tile_w, tile_h;
	double advance_x, advance_y;    /* from tile to tile, but for what a position is off */
	double west, east, north, south; /* the farthest that a tile is off its place */
	gint32 *at;             /* (down, across) the tile, or -1 */
	GArray *tiles;          /* struct tile */
};

struct mirax {
	int across, down, divisions, n_levels; /* level-0 images; levels */
	struct level level[MIRAX_LEVELS];
	gint32 *position;       /* (down / divisions, across / divisions, 2) level-0 px */
	guint8 *active;         /* (down / divisions, across / divisions) has a photo */
	struct mirax_images *images;
	guint64 sum;
};

/* ---- Slidedat.ini ---- */

struct ini {
	GKeyFile *keys;
	gboolean wrong;         /* something was not as it must be */
};

static char *text_of(struct ini *ini, const char *group, const char *key)
{
	char *text = g_key_file_get_value(ini->keys, group, key, NULL);

	ini->wrong = ini->wrong || text == NULL;
	return text;
}

static int int_of(struct ini *ini, const char *group, const char *key, int least, int most)
{
	GError *error = NULL;
	int n = g_key_file_get_integer(ini->keys, group, key, &error);

	if (error != NULL || n < least || n > most) {
		ini->wrong = TRUE;
		n = least;
	}
	g_clear_error(&error);
	return n;
}

static double px_of(struct ini *ini, const char *group, const char *key)
{
	double x = g_key_file_get_double(ini->keys, group, key, NULL);

	ini->wrong = ini->wrong || !(x >= 0 && x < SIDE_MOST);
	return x;
}

G_GNUC_PRINTF(1, 2) static const char *key_of(const char *format, ...)
{
	static _Thread_local char key[64];
	va_list words;

	va_start(words, format);
	g_vsnprintf(key, sizeof(key), format, words);
	va_end(words);
	return key;
}

/* The place of a kind of records among all that are not of a level; -1: there is none. */
static int record_of(struct ini *ini, const char *name)
{
	int kinds = int_of(ini, "HIERARCHICAL", "NONHIER_COUNT", 0, SIDE_MOST), record = 0;

	for (int i = 0; i < kinds && !ini->wrong; i++) {
		g_autofree char *of = text_of(ini, "HIERARCHICAL", key_of("NONHIER_%d_NAME", i));

		if (g_strcmp0(of, name) == 0)
			return record;
		record += int_of(ini, "HIERARCHICAL", key_of("NONHIER_%d_COUNT", i), 1, SIDE_MOST);
	}
	return -1;
}

/* CRC-32 and length of a file's text are added to the slide's sum. */
static void add_to_sum(struct mirax *m, const char *text, gsize n)
{
	m->sum = (m->sum ^ n) << 32 | crc32_z((guint32)(m->sum >> 32 ^ m->sum), (const Bytef *)text, n);
}

static gboolean read_ini(struct mirax *m, const char *folder, GKeyFile *keys)
{
	g_autofree char *path = g_build_filename(folder, "Slidedat.ini", NULL), *text = NULL;
	gsize n;

	if (!g_file_get_contents(path, &text, &n, NULL))
		return FALSE;
	add_to_sum(m, text, n);
	return g_key_file_load_from_data(keys, g_str_has_prefix(text, "\xef\xbb\xbf") ? text + 3 : text, (gsize)-1, G_KEY_FILE_NONE,
					 NULL);
}

/* ---- Index.dat: 32-bit words, little-endian ---- */

struct words {
	char *bytes;
	gsize n;
	gboolean wrong;         /* one was asked for that is not there */
};

static gint32 word_at(struct words *w, gint64 at)
{
	gint32 word;

	if (at < 0 || (guint64)at + sizeof(word) > w->n) {
		w->wrong = TRUE;
		return -1;
	}
	memcpy(&word, w->bytes + at, sizeof(word));
	return GINT32_FROM_LE(word);
}

enum { INDEX_MOST = 256 << 20 };        /* bytes; one of a slide of the scanner's size has some 1 << 20 */

static gboolean read_words(struct mirax *m, const char *folder, const char *name, struct words *w)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	struct stat st;

	if (stat(path, &st) != 0 || st.st_size > INDEX_MOST || !g_file_get_contents(path, &w->bytes, &w->n, NULL))
		return FALSE;
	add_to_sum(m, w->bytes, w->n);
	return TRUE;
}

/* ---- where photos lie ---- */

enum { POSITION = 9 }; /* bytes: a flag, x, y */

/* The record's bytes, at *n; packed: they are deflated, and *n is what they come to. */
static guint8 *read_record(const struct mirax *m, struct words *index, gint64 root, int record, gboolean packed, gsize n)
{
	gint64 at = word_at(index, word_at(index, word_at(index, root) + 4ll * record) + 4ll);
	gint32 offset = word_at(index, at + 16), length = word_at(index, at + 20), file = word_at(index, at + 24);
	g_autofree guint8 *bytes = NULL;
	guint8 *out;
	uLongf became = n;

	if (index->wrong || length < 0 || (!packed && (gsize)length != n))
		return NULL;
	bytes = mirax_images_bytes(m->images, file, offset, (gsize)length);
	if (bytes == NULL || !packed)
		return g_steal_pointer(&bytes);
	out = g_try_malloc(n);
	if (out != NULL && uncompress(out, &became, bytes, (uLong)length) == Z_OK && became == n)
		return out;
	g_free(out);
	return NULL;
}

/* A position, cut off to a whole number, as OpenSlide does; add_tile refuses what is out of reach. */
static gint32 px_within(double px)
{
	return (gint32)CLAMP(px, -1, PX_MOST + 1);
}

static gboolean read_positions(struct mirax *m, struct ini *ini, struct words *index, gint64 root, double overlap_x,
			       double overlap_y)
{
	const int columns = m->across / m->divisions, rows = m->down / m->divisions, n = columns * rows;
	int record = record_of(ini, "VIMSLIDE_POSITION_BUFFER");
	gboolean packed = record < 0;
	g_autofree guint8 *bytes = NULL;

	if (packed)
		record = record_of(ini, "StitchingIntensityLayer");
	if (n < 1 || ini->wrong)
		return FALSE;
	m->position = g_new0(gint32, 2 * (gsize)n);
	m->active = g_new0(guint8, n);
	for (int i = 0; record < 0 && i < n; i++) {
		m->position[2 * i] = px_within(i % columns * ((double)m->level[0].image_w * m->divisions - overlap_x));
		m->position[2 * i + 1] = px_within(i / columns * ((double)m->level[0].image_h * m->divisions - overlap_y));
	}
	if (record < 0)
		return TRUE;
	bytes = read_record(m, index, root, record, packed, (gsize)n * POSITION);
	for (int i = 0; bytes != NULL && i < n; i++) {
		memcpy(&m->position[2 * i], bytes + i * POSITION + 1, 8);
		for (int k = 2 * i; k < 2 * i + 2; k++)
			m->position[k] = px_within((double)GINT32_FROM_LE(m->position[k]) * m->level[0].concat);
	}
	return bytes != NULL;
}

/* ---- levels ---- */

static gboolean read_level_facts(struct mirax *m, struct ini *ini, int i, gboolean apart)
{
	struct level *l = &m->level[i];
	g_autofree char *group = text_of(ini, "HIERARCHICAL", key_of("HIER_0_VAL_%d_SECTION", i)), *format = NULL;
	double overlap_x, overlap_y;
	int joined, exponent;

	if (group == NULL)
		return FALSE;
	exponent = int_of(ini, group, "IMAGE_CONCAT_FACTOR", i > 0 ? 1 : 0, 8);
	l->concat = (i > 0 ? m->level[i - 1].concat : 1) << exponent;
	l->image_w = int_of(ini, group, "DIGITIZER_WIDTH", 1, SIDE_MOST - 1);
	l->image_h = int_of(ini, group, "DIGITIZER_HEIGHT", 1, SIDE_MOST - 1);
	overlap_x = px_of(ini, group, "OVERLAP_X");
	overlap_y = px_of(ini, group, "OVERLAP_Y");
	format = text_of(ini, group, "IMAGE_FORMAT");
	if (ini->wrong || l->concat > SIDE_MOST)
		return FALSE;
	joined = MAX(1, l->concat / m->divisions);
	l->divisor = apart ? MIN(l->concat, m->divisions) : l->concat;
	l->parts = apart ? joined : 1;
	l->positions = apart ? 1 : joined;
	l->tile_w = l->image_w / l->parts;
	l->tile_h = l->image_h / l->parts;
	l->advance_x = l->tile_w - overlap_x / MAX(1, m->divisions / l->concat);
	l->advance_y = l->tile_h - overlap_y / MAX(1, m->divisions / l->concat);
	l->readable = g_strcmp0(format, "JPEG") == 0 && l->tile_w * l->parts == l->image_w && l->tile_h * l->parts == l->image_h &&
		l->tile_w > 0 && l->tile_h > 0 && l->advance_x >= 1 && l->advance_y >= 1;
	return TRUE;
}

/* Has the tile at x, y, in level-0 images, a photo? At level 0 it is found out: a position of 0, 0 is none, but for the first.
   Positions behind the last of a row are those of the next, as OpenSlide counts them. */
static gboolean shows(struct mirax *m, const struct level *l, gboolean first, int x, int y)
{
	const int columns = m->across / m->divisions, rows = m->down / m->divisions;
	const int column = x / m->divisions, row = y / m->divisions;

	if (first) {
		const gint32 *at = &m->position[2 * (row * columns + column)];

		return m->active[row * columns + column] = at[0] != 0 || at[1] != 0 || (column == 0 && row == 0);
	}
	for (int v = row; v < row + l->positions; v++)
		for (int u = column; u < column + l->positions; u++)
			if (v * columns + u < rows * columns && m->active[v * columns + u])
				return TRUE;
	return FALSE;
}

/* FALSE: it does not lie at whole pixels, or far off. */
static gboolean add_tile(struct mirax *m, struct level *l, guint32 image, int x, int y, int part_x, int part_y)
{
	const int columns = m->across / m->divisions, column = x / m->divisions, row = y / m->divisions;
	const gint32 *at = &m->position[2 * (row * columns + column)];
	const gint64 left = at[0] + (gint64)m->level[0].image_w * (x - column * m->divisions);
	const gint64 top = at[1] + (gint64)m->level[0].image_h * (y - row * m->divisions);
	const int tile_x = (x - part_x * m->divisions) / l->divisor + part_x;
	const int tile_y = (y - part_y * m->divisions) / l->divisor + part_y;
	const struct tile tile = { (gint32)(left / l->concat), (gint32)(top / l->concat), image, (guint16)(part_x * l->tile_w),
				   (guint16)(part_y * l->tile_h) };
	const double off_x = tile.x - tile_x * l->advance_x, off_y = tile.y - tile_y * l->advance_y;

	if (left % l->concat != 0 || top % l->concat != 0 || at[0] < 0 || at[1] < 0 || left > PX_MOST || top > PX_MOST ||
	    fabs(off_x) > OFF_MOST * l->tile_w || fabs(off_y) > OFF_MOST * l->tile_h || tile_x >= m->across || tile_y >= m->down)
		return FALSE;
	l->west = MIN(l->west, off_x);
	l->east = MAX(l->east, off_x);
	l->north = MIN(l->north, off_y);
	l->south = MAX(l->south, off_y);
	l->at[(gsize)tile_y * (gsize)m->across + (gsize)tile_x] = (gint32)l->tiles->len;
	g_array_append_val(l->tiles, tile);
	return TRUE;
}

/* An entry of a page: an image, and the tiles that it is taken apart into. */
static gboolean add_image(struct mirax *m, int i, struct words *index, gint64 at)
{
	struct level *l = &m->level[i];
	const gint32 number = word_at(index, at), offset = word_at(index, at + 4), length = word_at(index, at + 8);
	const gint32 file = word_at(index, at + 12);
	const int x = number % m->across, y = number / m->across;
	guint32 image;

	if (index->wrong || number < 0 || y >= m->down || x % l->concat != 0 || y % l->concat != 0 ||
	    !mirax_images_add(m->images, file, offset, length, l->image_w, l->image_h, &image))
		return FALSE;
	for (int v = 0; v < l->parts && y + v * m->divisions < m->down; v++)
		for (int u = 0; u < l->parts && x + u * m->divisions < m->across; u++) {
			const int tile_x = x + u * m->divisions, tile_y = y + v * m->divisions;

			if (tile_x / m->divisions >= m->across / m->divisions || tile_y / m->divisions >= m->down / m->divisions)
				return FALSE; /* photos that are cut off have no position */
			if (shows(m, l, i == 0, tile_x, tile_y) && !add_tile(m, l, image, tile_x, tile_y, u, v))
				return FALSE;
		}
	return TRUE;
}

/* pages: where the level's first page is written down. */
static gboolean read_pages(struct mirax *m, int i, struct words *index, gint64 pages)
{
	struct level *l = &m->level[i];
	gint64 page = word_at(index, word_at(index, pages) + 4ll);

	l->at = g_try_new(gint32, (gsize)m->across * (gsize)m->down);
	if (l->at == NULL)
		return FALSE;
	memset(l->at, -1, (gsize)m->across * (gsize)m->down * sizeof(*l->at));
	l->tiles = g_array_new(FALSE, FALSE, sizeof(struct tile));
	while (page > 0 && !index->wrong) {
		const gint32 n = word_at(index, page), next = word_at(index, page + 4);

		if (n < 0 || (next != 0 && next != page + 8 + 16ll * n)) /* OpenSlide takes what follows for the next */
			return FALSE;
		for (gint32 k = 0; k < n; k++)
			if (!add_image(m, i, index, page + 8 + 16ll * k))
				return FALSE;
		page = next;
	}
	return !index->wrong;
}

static void forget_level(struct level *l)
{
	l->readable = FALSE;
	g_clear_pointer(&l->at, g_free);
	g_clear_pointer(&l->tiles, g_array_unref);
}

static gboolean read_files(struct mirax *m, struct ini *ini, const char *folder, struct mirax_cache *cache)
{
	const int n = int_of(ini, "DATAFILE", "FILE_COUNT", 1, G_MAXUINT16);

	m->images = mirax_images_new(cache);
	for (int i = 0; i < n && !ini->wrong; i++) {
		g_autofree char *name = text_of(ini, "DATAFILE", key_of("FILE_%d", i));

		if (name != NULL)
			mirax_images_add_file(m->images, g_build_filename(folder, name, NULL));
	}
	return !ini->wrong;
}

static gboolean read_slide(struct mirax *m, struct ini *ini, struct words *index, const char *folder, struct mirax_cache *cache)
{
	g_autofree char *name = text_of(ini, "HIERARCHICAL", "INDEXFILE"), *id = text_of(ini, "GENERAL", "SLIDE_ID");
	g_autofree char *first = text_of(ini, "HIERARCHICAL", "HIER_0_VAL_0_SECTION");
	g_autofree char *zoom = text_of(ini, "HIERARCHICAL", "HIER_0_NAME");
	double overlap_x, overlap_y;
	gint64 root;
	gboolean apart;

	m->across = int_of(ini, "GENERAL", "IMAGENUMBER_X", 1, SIDE_MOST);
	m->down = int_of(ini, "GENERAL", "IMAGENUMBER_Y", 1, SIDE_MOST);
	m->divisions = g_key_file_has_key(ini->keys, "GENERAL", "CameraImageDivisionsPerSide", NULL) ?
		int_of(ini, "GENERAL", "CameraImageDivisionsPerSide", 1, SIDE_MOST) : 1;
	m->n_levels = MIN(MIRAX_LEVELS, int_of(ini, "HIERARCHICAL", "HIER_0_COUNT", 1, SIDE_MOST));
	if (ini->wrong || strcmp(zoom, "Slide zoom level") != 0 || (gint64)m->across * m->down > CELLS_MOST)
		return FALSE;
	overlap_x = px_of(ini, first, "OVERLAP_X");
	overlap_y = px_of(ini, first, "OVERLAP_Y");
	apart = overlap_x != 0 || overlap_y != 0 || record_of(ini, "VIMSLIDE_POSITION_BUFFER") >= 0 ||
		record_of(ini, "StitchingIntensityLayer") >= 0;
	for (int i = 0; i < m->n_levels; i++)
		if (!read_level_facts(m, ini, i, apart))
			return FALSE;
	root = (gint64)(strlen("01.02") + strlen(id));
	if (!read_files(m, ini, folder, cache) || !read_words(m, folder, name, index) ||
	    !read_positions(m, ini, index, root + 4, overlap_x, overlap_y))
		return FALSE;
	for (int i = 0; i < m->n_levels; i++)
		if (!m->level[i].readable || !read_pages(m, i, index, word_at(index, root) + 4ll * i))
			forget_level(&m->level[i]);
	return m->level[0].readable;
}

struct mirax *mirax_open(const char *path, struct mirax_cache *cache)
{
	g_autofree char *folder = g_str_has_suffix(path, ".mrxs") ? g_strndup(path, strlen(path) - strlen(".mrxs")) : NULL;
	struct mirax *m;
	struct ini ini = { NULL, FALSE };
	struct words index = { NULL, 0, FALSE };
	gboolean good;

	if (folder == NULL)
		return NULL;
	m = g_new0(struct mirax, 1);
	ini.keys = g_key_file_new();
	good = read_ini(m, folder, ini.keys) && read_slide(m, &ini, &index, folder, cache);
	g_key_file_free(ini.keys);
	g_free(index.bytes);
	g_clear_pointer(&m->position, g_free);
	g_clear_pointer(&m->active, g_free);
	if (good)
		return m;
	mirax_close(m);
	return NULL;
}

guint64 mirax_sum(const struct mirax *m) { return m->sum; }

void mirax_close(struct mirax *m)
{
	if (m == NULL)
		return;
	for (int i = 0; i < m->n_levels; i++)
		forget_level(&m->level[i]);
	mirax_images_free(m->images);
	g_free(m);
}

/* ---- pixels ---- */

struct rectangle { gint64 x, y; int w, h; };

static gboolean covered(const guint32 *px, gsize pitch, int w, int h)
{
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			if (px[(gsize)y * pitch + (gsize)x] == 0)
				return FALSE;
	return TRUE;
}

/* What is there stays. */
static void lay(guint32 *to, const guint32 *from, int n)
{
	for (int i = 0; i < n; i++)
		to[i] = to[i] != 0 ? to[i] : from[i];
}

static gboolean paint_tile(struct mirax *m, const struct level *l, const struct tile *t, const struct rectangle *r, guint32 *argb,
			   gint *ended)
{
	const gint64 left = MAX(t->x, r->x), right = MIN((gint64)t->x + l->tile_w, r->x + r->w);
	const gint64 top = MAX(t->y, r->y), bottom = MIN((gint64)t->y + l->tile_h, r->y + r->h);
	const int u = (int)(left - t->x) + t->left, v = (int)(top - t->y) + t->top;
	const int w = (int)(right - left), h = (int)(bottom - top);
	const guint32 *px;
	guint32 *to;

	if (w <= 0 || h <= 0)
		return TRUE;
	to = argb + (top - r->y) * r->w + (left - r->x);
	if (covered(to, (gsize)r->w, w, h))
		return TRUE;
	px = mirax_image_take(m->images, t->image, u, v, w, h, ended);
	for (int i = 0; px != NULL && i < h; i++)
		lay(to + (gsize)i * (gsize)r->w, px + (gsize)(v + i) * (gsize)l->image_w + u, w);
	mirax_image_give(px);
	return px != NULL;
}

/* From the last tile to the first, and whatever is painted first stays, as OpenSlide's grid does. */
gboolean mirax_read(struct mirax *m, int level, gint64 x, gint64 y, int w, int h, guint32 *argb, gint *ended)
{
	const struct level *l = level < m->n_levels ? &m->level[level] : NULL;
	const struct rectangle r = { x, y, w, h };
	gint64 left, right, top, bottom;

	if (l == NULL || !l->readable)
		return FALSE;
	left = MAX(0, (gint64)floor(((double)x - l->east - l->tile_w) / l->advance_x));
	right = MIN(m->across - 1, (gint64)ceil(((double)(x + w) - l->west) / l->advance_x));
	top = MAX(0, (gint64)floor(((double)y - l->south - l->tile_h) / l->advance_y));
	bottom = MIN(m->down - 1, (gint64)ceil(((double)(y + h) - l->north) / l->advance_y));
	memset(argb, 0, (gsize)w * (gsize)h * sizeof(*argb));
	for (gint64 row = bottom; row >= top; row--)
		for (gint64 column = right; column >= left; column--) {
			const gint32 at = l->at[row * m->across + column];

			if (at >= 0 && !paint_tile(m, l, &g_array_index(l->tiles, struct tile, at), &r, argb, ended))
				return FALSE;
		}
	return TRUE;
}
