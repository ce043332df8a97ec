/*
 * test-slide-picture.c - a slide's heat map: outputs that are given must be seen where their tiles lie, in the
 * colours of their probabilities, over the picture that is drawn without any.
 */
#include "common/fault/fault.h"
#include "common/image/heat.h"
#include "common/image/png_file.h"
#include "common/machine/remove_tree.h"
#include "common/slide/thumbnail.h"
#include "common/task/slide_work.h"
#include "tests/sample/dataset.h"
#include <math.h>
#include <sys/stat.h>

enum { TILE = 64, SIDE = 1000 };

static char *root;
static settings_t *settings;
static struct work *work;
static GArray *tiles;           /* struct sample: all of the first slide */

struct picture { guint8 *rgb; guint32 width, height; };

static char *path_of(const char *name) { return g_build_filename(root, name, NULL); }

static struct picture draw(double share, const struct sample *samples, const float *outputs, gsize n)
{
	g_autofree char *path = path_of("picture.png");
	g_autoptr(GError) error = NULL;
	struct picture p;

	g_assert_true(slide_classification.picture(work, 0, share, samples, outputs, n, path, &error));
	g_assert_no_error(error);
	p.rgb = png_read(path, 3, 1 << 24, &p.width, &p.height, &error);
	g_assert_no_error(error);
	return p;
}

/* px a level-0 px. */
static double zoom(void)
{
	const struct slide *s = slide_work_of(work)->slides[0].slide;

	return SIDE / (double)MAX(s->w, s->h);
}

/* Of the pixel in the middle of a tile, moved by so many tiles. */
static gsize pixel(const struct picture *p, const struct sample *tile, double dx, double dy)
{
	const struct slide *s = slide_work_of(work)->slides[0].slide;
	double x = ((double)tile->at[0] - (double)s->x + (0.5 + dx) * TILE) * zoom();
	double y = ((double)tile->at[1] - (double)s->y + (0.5 + dy) * TILE) * zoom();

	return 3 * ((gsize)y * p->width + (gsize)x);
}

static void assert_seen(const struct picture *without, const struct picture *with, gsize at, double output)
{
	guint8 colour[3];
	const double score = 1 / (1 + exp(-output)), cover = heat_cover(score);
	const guint8 *from = without->rgb + at;
	const int grey = (from[0] + from[1] + from[2]) / 3;

	heat_colour(score, colour);
	for (int k = 0; k < 3; k++) {
		double base = isnan(output) ? from[k] : from[k] + cover / heat_cover(1) * (grey - from[k]);
		double wanted = isnan(output) ? base : base + cover * (colour[k] - base);
		g_assert_cmpfloat_with_epsilon(with->rgb[at + (gsize)k], wanted, 1.01);
	}
}

static void test_alone(void)
{
	const struct slide *s = slide_work_of(work)->slides[0].slide;
	struct picture p = draw(1, NULL, NULL, 0);

	g_assert_cmpuint(MAX(p.width, p.height - HEAT_SCALE_HEIGHT), ==, SIDE);
	g_assert_cmpfloat_with_epsilon(p.width, (double)s->w * zoom(), 1);
	g_assert_cmpfloat_with_epsilon(p.height - HEAT_SCALE_HEIGHT, (double)s->h * zoom(), 1);
	g_free(p.rgb);
}

/* Each tile has the colour of its own output, and what is no tile is as it was. */
static void test_full(void)
{
	g_autofree float *outputs = g_new(float, tiles->len);
	const struct sample *s = &g_array_index(tiles, struct sample, 0);

	for (guint i = 0; i < tiles->len; i++)
		outputs[i] = i % 7 == 0 ? NAN : (float)(i % 5) * 2 - 4;
	struct picture without = draw(1, NULL, NULL, 0), with = draw(1, s, outputs, tiles->len);
	for (guint i = 0; i < tiles->len; i++)
		assert_seen(&without, &with, pixel(&with, &s[i], 0, 0), outputs[i]);
	for (gsize i = 0; i < 3 * without.width; i++)   /* no tile reaches up there */
		g_assert_cmpint(without.rgb[i], ==, with.rgb[i]);
	g_free(without.rgb);
	g_free(with.rgb);
}

/* A tile with its turned views: their mean. */
static void test_turned(void)
{
	struct sample s[5];
	const float outputs[5] = { -3, -6, 2, NAN, 4 };         /* the second tile, and its views */

	for (int i = 0; i < 5; i++) {
		s[i] = g_array_index(tiles, struct sample, MIN(i, 1));
		s[i].variant = i < 2 ? 0 : (guint)i;
		s[i].at[2] = i < 2 ? 0 : 1;
	}
	struct picture without = draw(1, NULL, NULL, 0), with = draw(1, s, outputs, 5);
	assert_seen(&without, &with, pixel(&with, &s[0], 0, 0), -3);
	assert_seen(&without, &with, pixel(&with, &s[1], 0, 0), 0);
	g_free(without.rgb);
	g_free(with.rgb);
}

/* One tile of sixteen: it stands for a square of four by four, on the grid, with a frame; the square beside has none. */
static void test_coarse(void)
{
	const struct slide *slide = slide_work_of(work)->slides[0].slide;
	struct sample s = g_array_index(tiles, struct sample, tiles->len / 2);
	const float high = 3;
	struct picture without = draw(1, NULL, NULL, 0), with = draw(1.0 / 16, &s, &high, 1);
	const gint64 column = (s.at[0] - slide->x) / TILE % 4, line = (s.at[1] - slide->y) / TILE % 4;

	for (int i = 0; i < 16; i++) {
		double dx = i % 4 - (double)column, dy = i / 4 - (double)line;
		assert_seen(&without, &with, pixel(&with, &s, dx, dy), high);
	}
	assert_seen(&without, &with, pixel(&with, &s, -(double)column - 1, 0), NAN);
	assert_seen(&without, &with, pixel(&with, &s, 4 - (double)column, 0), NAN);
	gsize edge = pixel(&with, &s, -(double)column - 0.5, 0) + 3;
	g_assert_cmpint(with.rgb[edge + 1], <, with.rgb[pixel(&with, &s, 0, 0) + 1]);
	g_free(without.rgb);
	g_free(with.rgb);
}

static void test_scale(void)
{
	double downsample[8];
	struct slide s = { .w = 93952, .h = 132352, .levels = 8, .downsample = downsample };

	for (int i = 0; i < 8; i++)
		downsample[i] = 1 << i;
	g_assert_cmpfloat_with_epsilon(thumbnail_scale(&s, SIDE), 132.352, 1e-9);
	s.levels = 2;           /* none is small enough */
	g_assert_cmpfloat(thumbnail_scale(&s, SIDE), ==, 0);
	s.w = s.h = 500;
	g_assert_cmpfloat(thumbnail_scale(&s, SIDE), ==, 0.5);
	s.w = s.h = 2;
	g_assert_cmpfloat(thumbnail_scale(&s, SIDE), ==, 1.0 / 16);
}

static void test_fails(void)
{
	g_autofree char *nowhere = path_of("none/picture.png"), *slide = path_of("test/Slide002.mrxs"), *path = path_of("two.png");
	g_autoptr(GError) error = NULL;

	g_assert_false(slide_classification.picture(work, 0, 1, NULL, NULL, 0, nowhere, &error));
	g_assert_cmpuint(error->domain, ==, G_FILE_ERROR);
	g_clear_error(&error);
	g_assert_cmpint(remove(slide), ==, 0);
	g_assert_false(slide_classification.picture(work, 1, 1, NULL, NULL, 0, path, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, "slide 'Slide002': cannot be opened: No such file or directory");
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void write_sample(void)
{
	struct SampleOptions options;
	g_autoptr(GError) error = NULL;

	root = g_dir_make_tmp("blindrun-picture-XXXXXX", NULL);
	sample_options_init(&options);
	options.folder = root;
	options.train = 0;
	options.test = 2;
	options.tile = TILE;
	options.tissue_least = 60;
	options.tissue_most = 80;
	options.levels = 6;
	options.ink = 0;
	g_assert_true(dataset_write(&options, &error));
	g_assert_no_error(error);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;

	g_test_init(&argc, &argv, NULL);
	write_sample();
	settings = settings_new();
	settings_set_data_dir(settings, root);
	g_assert_true(settings_assign(settings, "tiles.size=64", &error));
	work = slide_classification.open(settings, PHASE_TEST, NULL, &error);
	g_assert_no_error(error);
	g_assert_true(slide_classification.prepare(work, 0, &error));
	tiles = g_array_new(FALSE, FALSE, sizeof(struct sample));
	slide_classification.next(work, 0, 0, 1, NULL, NULL, 0, tiles);
	g_assert_cmpuint(tiles->len, >, 30);
	g_test_add_func("/slide-picture/alone", test_alone);
	g_test_add_func("/slide-picture/full", test_full);
	g_test_add_func("/slide-picture/turned", test_turned);
	g_test_add_func("/slide-picture/coarse", test_coarse);
	g_test_add_func("/slide-picture/scale", test_scale);
	g_test_add_func("/slide-picture/fails", test_fails);
	int failed = g_test_run();
	g_array_unref(tiles);
	slide_classification.close(work);
	settings_free(settings);
	remove_tree(root);
	g_free(root);
	return failed;
}
