/* Tests of the sample data (tests/sample): slides are read back through OpenSlide and compared with
 * the scene they were made from, at every level; classes, masks, tables and repeatability.
 * Slides of real tissue are tested if BLINDRUN_SHARED (else ../shared beside BLINDRUN_SOURCE, else
 * beside the current folder) holds data/pcam or pcam. */
#include <glib/gstdio.h>
#include <locale.h>
#include <openslide.h>
#include <string.h>

#include "tests/sample/dataset.h"
#include "tests/sample/slide.h"

static char *root;	/* folder of this run, removed at its end */

static void remove_tree(const char *path)
{
	GDir *dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *child = g_build_filename(path, name, NULL);
		remove_tree(child);
	}
	if (dir)
		g_dir_close(dir);
	g_remove(path);
}

static struct SampleOptions small_options(void)
{
	struct SampleOptions options;
	sample_options_init(&options);
	options.train = options.test = 1;
	options.tissue_least = options.tissue_most = 40;
	options.lesion_least = options.lesion_most = 6;
	options.quality = 95;
	return options;
}

/* A slide composed, written and opened. */
struct Opened {
	struct SampleOptions options;
	struct Slide slide;
	struct MiraxBounds bounds;
	openslide_t *reader;
};

static void opened_init(struct Opened *opened, const struct SampleOptions *options, const char *name, bool ink)
{
	struct PlannedSlide plan = { .tissue = options->tissue_least, .lesion = options->lesion_least,
		.positive = true, .ink = ink, .seed = 42 };
	g_autofree char *path = g_build_filename(root, name, NULL);
	g_autoptr(GError) error = NULL;

	opened->options = *options;
	g_assert_true(slide_compose(&opened->slide, &plan, 0, &opened->options, NULL, &error));
	g_assert_true(slide_write(&opened->slide, path, NULL, &opened->bounds, &error));
	opened->reader = openslide_open(path);
	g_assert_nonnull(opened->reader);
	g_assert_null(openslide_get_error(opened->reader));
}

static void opened_clear(struct Opened *opened)
{
	openslide_close(opened->reader);
	slide_clear(&opened->slide);
}

static gint64 property(openslide_t *reader, const char *name)
{
	const char *value = openslide_get_property_value(reader, name);
	gint64 number;
	g_assert_nonnull(value);
	g_assert_true(g_ascii_string_to_signed(value, 10, G_MININT64, G_MAXINT64, &number, NULL));
	return number;
}

/* The scene within the bounds at 1/scale by averages of scale * scale; (height, width, 3). */
static float *shrunk_scene(struct Opened *opened, int scale, int width, int height)
{
	gsize stride = (gsize)width * (gsize)scale * 3;
	g_autofree guint8 *rows = g_malloc(stride * (gsize)scale);
	float *mean = g_new0(float, (gsize)width * (gsize)height * 3);

	for (int y = 0; y < height; y++) {
		scene_render(&opened->slide.scene, opened->bounds.x, opened->bounds.y + (gint64)y * scale,
			width * scale, scale, rows);
		for (int v = 0; v < scale; v++)
			for (int u = 0; u < width * scale; u++)
				for (int c = 0; c < 3; c++)
					mean[((gsize)y * (gsize)width + (gsize)(u / scale)) * 3 + (gsize)c] +=
						(float)rows[(gsize)v * stride + (gsize)u * 3 + (gsize)c] / (float)(scale * scale);
	}
	return mean;
}

/* Mean absolute difference, grey levels a channel, over pixels that are wholly photographed. */
static double level_difference(struct Opened *opened, int level, double *compared)
{
	int scale = 1 << level;
	int width = (int)opened->bounds.width / scale, height = (int)opened->bounds.height / scale;
	gsize pixels = (gsize)width * (gsize)height, count = 0;
	g_autofree guint32 *argb = g_new(guint32, pixels);
	g_autofree float *expected = shrunk_scene(opened, scale, width, height);
	double sum = 0;

	openslide_read_region(opened->reader, argb, opened->bounds.x, opened->bounds.y, level, width, height);
	g_assert_null(openslide_get_error(opened->reader));
	for (gsize i = 0; i < pixels; i++) {
		if (argb[i] >> 24 != 255)
			continue;
		count++;
		for (gsize c = 0; c < 3; c++)
			sum += fabs((double)(argb[i] >> (16 - 8 * c) & 255) - (double)expected[3 * i + c]) / 3;
	}
	*compared = (double)count / (double)pixels;
	g_assert_cmpuint(count, >, 0);
	return sum / (double)count;
}

/* How far each level may be off on average: JPEG, and from level 5 on positions that are no whole
 * number of px of that level, which the reader interpolates. */
static const double allowed[10] = { 2, 2, 2, 2, 3, 6, 7, 7, 8, 6 };

static void check_levels(int levels, bool full)
{
	struct SampleOptions options = small_options();
	struct Opened opened;

	options.levels = levels;
	options.full_size = full;
	opened_init(&opened, &options, "levels.mrxs", true);
	g_assert_cmpint(openslide_get_level_count(opened.reader), ==, levels);
	for (int level = 0; level < levels; level++) {
		double compared, difference;
		gint64 width, height;
		g_assert_cmpfloat(openslide_get_level_downsample(opened.reader, level), ==, 1 << level);
		openslide_get_level_dimensions(opened.reader, level, &width, &height);
		g_assert_cmpint(width, ==, mirax_width(&opened.slide.geometry) >> level);
		g_assert_cmpint(height, ==, mirax_height(&opened.slide.geometry) >> level);
		if (opened.bounds.width >> level < 2 || opened.bounds.height >> level < 2)
			break;
		difference = level_difference(&opened, level, &compared);
		g_test_message("level %d: differs by %.2f over %.0f %%", level, difference, 100 * compared);
		g_assert_cmpfloat(difference, <, allowed[level]);
		g_assert_true(level > 5 || compared > 0.4);
	}
	if (full) {
		g_assert_cmpint(mirax_width(&opened.slide.geometry), ==, 93952);
		g_assert_cmpint(mirax_height(&opened.slide.geometry), ==, 132352);
	}
	opened_clear(&opened);
}

static void test_levels(void)
{
	for (int levels = 6; levels <= 10; levels++)
		check_levels(levels, false);
}

static void test_full_size(void)
{
	check_levels(10, true);
}

static void test_bounds(void)
{
	static const int tiles[] = { 16, 32, 96, 112, 128, 144, 512 };

	for (gsize i = 0; i < 2 * G_N_ELEMENTS(tiles); i++) {
		struct SampleOptions options = small_options();
		struct Opened opened;
		options.tile = tiles[i / 2];
		options.unaligned = i % 2;
		options.tissue_least = options.tile > 200 ? 4 : 40;
		options.lesion_least = 1;
		opened_init(&opened, &options, "bounds.mrxs", false);
		g_assert_cmpint(property(opened.reader, "openslide.bounds-x"), ==, opened.bounds.x);
		g_assert_cmpint(property(opened.reader, "openslide.bounds-y"), ==, opened.bounds.y);
		g_assert_cmpint(property(opened.reader, "openslide.bounds-width"), ==, opened.bounds.width);
		g_assert_cmpint(property(opened.reader, "openslide.bounds-height"), ==, opened.bounds.height);
		g_assert_cmpint(opened.bounds.x, >, 0);
		g_assert_cmpint(opened.bounds.y, >, 0);
		bool aligned = (opened.slide.scene.origin_x - opened.bounds.x) % options.tile == 0 &&
			(opened.slide.scene.origin_y - opened.bounds.y) % options.tile == 0;
		g_assert_true(options.unaligned || aligned);
		g_assert_true(!options.unaligned || !aligned || options.tile > 200);
		g_assert_cmpstr(openslide_get_property_value(opened.reader, "openslide.mpp-x"), ==, "0.5");
		opened_clear(&opened);
	}
}

/* A photo is stored if, and only if, it shows more than glass; what no photo covers reads as
 * transparent. */
static void test_sparse(void)
{
	struct SampleOptions options = small_options();
	struct Opened opened;
	const struct MiraxGeometry *geometry = &opened.slide.geometry;
	int absent = 0, present = 0, photo;

	opened_init(&opened, &options, "sparse.mrxs", false);
	photo = mirax_photo(geometry);
	for (int row = 0; row < geometry->positions_y; row++)
		for (int column = 0; column < geometry->positions_x; column++) {
			guint32 middle;
			gint64 x, y;
			mirax_position(geometry, column, row, &x, &y);
			bool shows = scene_shows(&opened.slide.scene, x, y, photo, photo);
			openslide_read_region(opened.reader, &middle, x + photo / 2, y + photo / 2, 0, 1, 1);
			g_assert_cmpuint(middle >> 24, ==, shows ? 255 : 0);
			present += shows;
			absent += !shows;
		}
	g_assert_null(openslide_get_error(opened.reader));
	g_assert_cmpint(present, >, 4);
	g_assert_cmpint(absent, >, present);
	opened_clear(&opened);
}

static void test_mask(void)
{
	struct SampleOptions options = small_options();
	struct Opened opened;
	int width, height, white = 0;

	opened_init(&opened, &options, "mask.mrxs", false);
	g_autofree guint8 *mask = scene_mask(&opened.slide.scene, opened.bounds.x, opened.bounds.y,
		opened.bounds.width, opened.bounds.height, &width, &height);
	g_assert_cmpint(width, ==, (opened.bounds.width + 15) / 16);
	g_assert_cmpint(height, ==, (opened.bounds.height + 15) / 16);
	for (int v = 0; v < height; v++)
		for (int u = 0; u < width; u++) {
			bool tumour = scene_is_tumour(&opened.slide.scene, opened.bounds.x + 16 * u,
				opened.bounds.y + 16 * v);
			g_assert_cmpint(mask[v * width + u], ==, tumour ? 255 : 0);
			white += tumour;
		}
	g_assert_cmpint(white, ==, 6 * (96 / 16) * (96 / 16));
	opened_clear(&opened);
}

static int by_name(gconstpointer first, gconstpointer second)
{
	return g_strcmp0(*(char *const *)first, *(char *const *)second);
}

/* All files under a folder, names and bytes, as one checksum. */
static void checksum_tree(const char *path, GChecksum *sum)
{
	g_autofree char *bytes = NULL;
	gsize length;

	if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
		g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
		g_checksum_update(sum, (const guchar *)bytes, (gssize)length);
		return;
	}
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	GDir *dir = g_dir_open(path, 0, NULL);
	for (const char *name; (name = g_dir_read_name(dir));)
		g_ptr_array_add(names, g_strdup(name));
	g_dir_close(dir);
	g_ptr_array_sort(names, by_name);
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *child = g_build_filename(path, names->pdata[i], NULL);
		g_checksum_update(sum, names->pdata[i], -1);
		checksum_tree(child, sum);
	}
}

static char *write_and_checksum(const char *name, gint64 seed, int threads, double shift)
{
	struct SampleOptions options = small_options();
	g_autofree char *folder = g_build_filename(root, name, NULL);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	g_autoptr(GError) error = NULL;

	options.folder = folder;
	options.seed = seed;
	options.threads = threads;
	options.stain_shift = shift;
	options.train = 3;
	g_assert_true(dataset_write(&options, &error));
	checksum_tree(folder, sum);
	g_assert_false(dataset_write(&options, &error));
	g_assert_true(g_str_has_suffix(error->message, "exists already"));
	return g_strdup(g_checksum_get_string(sum));
}

static void test_repeatable(void)
{
	g_autofree char *first = write_and_checksum("first", 5, 1, 0);
	g_autofree char *again = write_and_checksum("again", 5, 3, 0);
	g_autofree char *other = write_and_checksum("other", 6, 2, 0);
	g_autofree char *shifted = write_and_checksum("shifted", 5, 2, 0.2);

	g_assert_cmpstr(first, ==, again);
	g_assert_cmpstr(first, !=, other);
	g_assert_cmpstr(first, !=, shifted);
}

static void test_options(void)
{
	struct SampleOptions options = small_options();
	g_autoptr(GError) error = NULL;

	g_assert_true(sample_options_check(&options, &error));
	options.lesion_most = 40;
	g_assert_false(sample_options_check(&options, &error));
	g_assert_cmpstr(error->message, ==, "--lesion: must be less than --tissue-tiles");
	g_clear_error(&error);
	options = small_options();
	options.tile = 100;
	g_assert_false(sample_options_check(&options, &error));
	g_assert_cmpstr(error->message, ==, "--tile: a multiple of 16 from 16 to 512");
}

static char *find_tiles(void)
{
	const char *shared = g_getenv("BLINDRUN_SHARED"), *source = g_getenv("BLINDRUN_SOURCE");
	g_autofree char *beside = g_build_filename(source ? source : ".", "..", "shared", NULL);
	char *nested = g_build_filename(shared ? shared : beside, "data", "pcam", NULL);

	if (g_file_test(nested, G_FILE_TEST_IS_DIR))
		return nested;
	g_free(nested);
	nested = g_build_filename(shared ? shared : beside, "pcam", NULL);
	if (g_file_test(nested, G_FILE_TEST_IS_DIR))
		return nested;
	g_free(nested);
	return NULL;
}

/* A sum over a tile's pixels that no turning changes. */
static guint64 tile_sum(struct Scene *scene, gint64 x, gint64 y)
{
	g_autofree guint8 *rgb = g_malloc((gsize)scene->tile * (gsize)scene->tile * 3);
	guint64 sum = 0;

	scene_render(scene, x, y, scene->tile, scene->tile, rgb);
	for (int i = 0; i < scene->tile * scene->tile; i++)
		sum += random_mix((guint64)rgb[3 * i] << 16 | (guint64)rgb[3 * i + 1] << 8 | rgb[3 * i + 2]);
	return sum;
}

/* What slides of real tissue show is in no other slide, and each tile is of its own class. */
static void test_tiles(void)
{
	g_autofree char *folder = find_tiles();
	if (!folder) {
		g_test_skip("no pcam tiles");
		return;
	}
	enum { SLIDES = 12 };
	struct SampleOptions options = small_options();
	g_autoptr(GError) error = NULL;
	g_autoptr(Pcam) pcam = pcam_open(folder, &error);
	bool positive[SLIDES];
	GHashTable *seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

	g_assert_no_error(error);
	for (int i = 0; i < SLIDES; i++)
		positive[i] = i % 3 != 0;
	g_assert_true(pcam_deal(pcam, positive, SLIDES, 3, &error));
	for (int i = 0; i < pcam_count(pcam); i++) {
		int slide = pcam_slide_of(pcam, i);
		g_assert_true(slide >= 0 && slide < SLIDES && (positive[slide] || !pcam_is_tumour(pcam, i)));
	}
	options.tiles = folder;
	for (int number = 0; number < SLIDES; number++) {
		struct PlannedSlide plan = { .tissue = 300, .lesion = positive[number] ? 60 : 0, .seed = 9 };
		struct Slide slide;
		g_assert_true(slide_compose(&slide, &plan, number, &options, pcam, &error));
		for (int cell = 0; cell < slide.layout->columns * slide.layout->rows; cell++) {
			if (slide.layout->cells[cell] == LAYOUT_GLASS)
				continue;
			guint64 sum = tile_sum(&slide.scene, slide.scene.origin_x + cell % slide.layout->columns * 96,
				slide.scene.origin_y + cell / slide.layout->columns * 96);
			int mark = 2 * number + (slide.layout->cells[cell] == LAYOUT_TUMOUR) + 1;
			int was = GPOINTER_TO_INT(g_hash_table_lookup(seen, &sum));
			g_assert_true(was == 0 || was == mark);
			g_hash_table_insert(seen, g_memdup2(&sum, sizeof sum), GINT_TO_POINTER(mark));
		}
		slide_clear(&slide);
	}
	g_test_message("%u tiles shown", g_hash_table_size(seen));
	g_assert_cmpuint(g_hash_table_size(seen), >, 1000);
	g_hash_table_unref(seen);
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	g_test_init(&argc, &argv, NULL);
	root = g_dir_make_tmp("test-sample-XXXXXX", NULL);
	g_assert_nonnull(root);
	g_test_add_func("/sample/levels", test_levels);
	g_test_add_func("/sample/full-size", test_full_size);
	g_test_add_func("/sample/bounds", test_bounds);
	g_test_add_func("/sample/sparse", test_sparse);
	g_test_add_func("/sample/mask", test_mask);
	g_test_add_func("/sample/repeatable", test_repeatable);
	g_test_add_func("/sample/options", test_options);
	g_test_add_func("/sample/tiles", test_tiles);
	int failed = g_test_run();
	remove_tree(root);
	g_free(root);
	return failed;
}
