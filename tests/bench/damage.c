/*
 * damage.c - what share of the tiles that flipped bits change is found. Of a copy of an .mrxs slide, so many
 * random bits in its Data*.dat are flipped, for each seed anew, and all tiles of a level are read before and
 * after. A tile that fails is read once more with OpenSlide alone, from a handle of its own: did that fail too,
 * and if not, were its pixels other ones?
 *
 *   damage SLIDE.mrxs [--bits=200] [--seeds=5] [--tile=256] [--level=0]
 */
#include "common/machine/remove_tree.h"
#include "common/slide/slide.h"
#include <math.h>
#include <openslide.h>

static int bits = 200, seeds = 5, tile = 256, level;

struct file { char *path; guint8 *bytes; gsize size; };        /* a Data*.dat */

struct bench {
	char *folder, *slide;   /* the copy */
	GArray *files;
	int across, down;
	char **sums;            /* (down, across) of the tiles as they were */
};

struct counts { int changed, found, found_alone, unchanged; };

static void stop(const char *what, GError *error)
{
	g_printerr("damage: %s: %s\n", what, error != NULL ? error->message : "failed");
	exit(1);
}

static void copy_file(const char *from, const char *to, GArray *files)
{
	GError *error = NULL;
	char *bytes;
	gsize size;

	if (!g_file_get_contents(from, &bytes, &size, &error) ||
	    !g_file_set_contents(to, bytes, (gssize)size, &error))
		stop("copy", error);
	struct file f = { g_strdup(to), (guint8 *)bytes, size };
	g_autofree char *name = g_path_get_basename(to);
	if (g_str_has_prefix(name, "Data"))
		g_array_append_val(files, f);
	else
		g_free(bytes);
}

static void copy_slide(struct bench *b, const char *path)
{
	GError *error = NULL;
	g_autofree char *from = g_strndup(path, strlen(path) - strlen(".mrxs"));
	g_autofree char *to = NULL;
	GDir *dir = g_dir_open(from, 0, &error);
	const char *name;

	if (dir == NULL || (b->folder = g_dir_make_tmp("damage-XXXXXX", &error)) == NULL)
		stop("copy", error);
	b->slide = g_build_filename(b->folder, "Slide.mrxs", NULL);
	b->files = g_array_new(FALSE, FALSE, sizeof(struct file));
	to = g_build_filename(b->folder, "Slide", NULL);
	g_mkdir_with_parents(to, 0700);
	copy_file(path, b->slide, b->files);
	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *one = g_build_filename(from, name, NULL), *other = g_build_filename(to, name, NULL);
		copy_file(one, other, b->files);
	}
	g_dir_close(dir);
}

static void flip_bits(struct bench *b, int seed)
{
	g_autoptr(GRand) draw = g_rand_new_with_seed((guint32)seed);
	gsize all = 0;

	for (guint i = 0; i < b->files->len; i++)
		all += g_array_index(b->files, struct file, i).size;
	for (int k = 0; k < bits; k++) {
		gsize at = (gsize)(g_rand_double(draw) * (double)all);
		guint i = 0;
		while (at >= g_array_index(b->files, struct file, i).size)
			at -= g_array_index(b->files, struct file, i++).size;
		g_array_index(b->files, struct file, i).bytes[at] ^= (guint8)(1 << g_rand_int_range(draw, 0, 8));
	}
	for (guint i = 0; i < b->files->len; i++) {
		struct file *f = &g_array_index(b->files, struct file, i);
		if (!g_file_set_contents(f->path, (char *)f->bytes, (gssize)f->size, NULL))
			stop("write", NULL);
	}
}

static char *sum_of(const guint8 *rgb) { return g_compute_checksum_for_data(G_CHECKSUM_MD5, rgb, (gsize)(3 * tile * tile)); }

/* With OpenSlide alone; NULL where it fails. */
static char *sum_alone(const char *path, double x, double y)
{
	openslide_t *osr = openslide_open(path);
	gsize n = (gsize)(tile * tile);
	g_autofree guint32 *argb = g_new0(guint32, n);
	g_autofree guint8 *rgb = g_malloc(3 * n);
	gboolean ok;

	if (osr == NULL)
		return NULL;
	openslide_read_region(osr, argb, llround(x), llround(y), level, tile, tile);
	ok = openslide_get_error(osr) == NULL;
	openslide_close(osr);
	slide_convert(argb, n, rgb, NULL);
	return ok ? sum_of(rgb) : NULL;
}

static void read_all(struct bench *b, struct slide *s, struct counts *c)
{
	g_autofree guint8 *rgb = g_malloc((gsize)(3 * tile * tile));
	double scale = s->downsample[level], side = tile * scale;

	for (int i = 0; i < b->across * b->down; i++) {
		double x = floor((double)s->x + i % b->across * side), y = floor((double)s->y + i / b->across * side);
		g_autofree char *sum = NULL;
		g_autoptr(GError) error = NULL;
		gboolean read = slide_read(s, x, y, scale, tile, tile, rgb, NULL, &error);

		if (c == NULL && !read)
			stop("before", error);
		if (c == NULL) {
			b->sums[i] = sum_of(rgb);
			continue;
		}
		sum = read ? sum_of(rgb) : sum_alone(b->slide, x, y);
		gboolean changed = g_strcmp0(sum, b->sums[i]) != 0;
		c->changed += changed;
		c->found += !read;
		c->found_alone += sum == NULL;
		c->unchanged += !read && !changed;
		if (!read && g_getenv("G_MESSAGES_DEBUG") != NULL)
			g_printerr("%s\n", error->message);
	}
}

static struct slide *open_or_stop(struct slide_pool *pool, const char *path)
{
	GError *error = NULL;
	struct slide *s = slide_open(pool, path, &error);

	if (s == NULL)
		stop("open", error);
	return s;
}

static void damage(struct bench *b, int seed)
{
	struct slide_pool *pool = slide_pool_new(2);
	g_autoptr(GError) error = NULL;
	struct counts c = { 0 };

	flip_bits(b, seed);
	struct slide *s = slide_open(pool, b->slide, &error);
	if (s == NULL) {
		g_print("seed=%d the slide does not open: %s\n", seed, error->message);
	} else {
		read_all(b, s, &c);
		g_print("seed=%d tiles=%d changed=%d found=%d found_by_openslide_alone=%d found_unchanged=%d\n", seed,
			b->across * b->down, c.changed, c.found, c.found_alone, c.unchanged);
	}
	slide_close(s);
	slide_pool_free(pool);
	flip_bits(b, seed);     /* and back */
}

int main(int argc, char **argv)
{
	const GOptionEntry options[] = {
		{ "bits", 0, 0, G_OPTION_ARG_INT, &bits, "bits flipped a seed", "N" },
		{ "seeds", 0, 0, G_OPTION_ARG_INT, &seeds, "1 to N", "N" },
		{ "tile", 0, 0, G_OPTION_ARG_INT, &tile, "px, a side", "N" },
		{ "level", 0, 0, G_OPTION_ARG_INT, &level, "of the slide", "N" },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("SLIDE.mrxs");
	GError *error = NULL;
	struct bench b = { 0 };

	g_option_context_add_main_entries(context, options, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error) || argc != 2 ||
	    !g_str_has_suffix(argv[1], ".mrxs"))
		stop("damage SLIDE.mrxs", error);
	copy_slide(&b, argv[1]);
	struct slide_pool *pool = slide_pool_new(2);
	struct slide *s = open_or_stop(pool, b.slide);
	b.across = (int)((double)s->w / s->downsample[level] / tile);
	b.down = (int)((double)s->h / s->downsample[level] / tile);
	b.sums = g_new0(char *, b.across * b.down + 1);
	read_all(&b, s, NULL);
	slide_close(s);
	slide_pool_free(pool);
	for (int seed = 1; seed <= seeds; seed++)
		damage(&b, seed);
	g_strfreev(b.sums);
	for (guint i = 0; i < b.files->len; i++) {
		g_free(g_array_index(b.files, struct file, i).path);
		g_free(g_array_index(b.files, struct file, i).bytes);
	}
	g_array_unref(b.files);
	remove_tree(b.folder);
	g_free(b.folder);
	g_free(b.slide);
	return 0;
}
