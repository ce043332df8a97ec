/* Tests of the sample's generated tissue: a logistic model cannot tell tumour tiles from normal ones
 * by their mean colour, and can by how quickly grey levels change from pixel to pixel, so that what
 * there is to learn is texture. Slides are composed, not written. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sample/slide.h"

enum { COLOURS = 3, LAGS = 5, FEATURES = COLOURS + LAGS, SLIDES = 16 };

struct Tile {
	double features[FEATURES];	/* mean R, G, B; then mean difference at 1, 2, 4, 8, 16 px */
	bool tumour;
	int slide;
};

static void measure(struct Tile *tile, const guint8 *rgb, int side)
{
	memset(tile->features, 0, sizeof tile->features);
	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++) {
			const guint8 *pixel = rgb + 3 * (y * side + x);
			for (int c = 0; c < COLOURS; c++)
				tile->features[c] += pixel[c];
			for (int lag = 0; lag < LAGS; lag++)
				if (x + (1 << lag) < side)
					tile->features[COLOURS + lag] += abs(pixel[0] - pixel[3 << lag]);
		}
}

static GArray *make_tiles(void)
{
	GArray *tiles = g_array_new(FALSE, FALSE, sizeof(struct Tile));
	struct SampleOptions options;

	sample_options_init(&options);
	for (int number = 0; number < SLIDES; number++) {
		struct PlannedSlide plan = { .tissue = 120, .lesion = 50, .seed = random_mix((guint64)number) };
		g_autofree guint8 *rgb = g_malloc((gsize)options.tile * (gsize)options.tile * 3);
		struct Slide slide;
		g_assert_true(slide_compose(&slide, &plan, number, &options, NULL, NULL));
		for (int cell = 0; cell < slide.layout->columns * slide.layout->rows; cell++) {
			struct Tile tile = { .slide = number, .tumour = slide.layout->cells[cell] == LAYOUT_TUMOUR };
			if (slide.layout->cells[cell] == LAYOUT_GLASS)
				continue;
			scene_render(&slide.scene, slide.scene.origin_x + cell % slide.layout->columns * options.tile,
				slide.scene.origin_y + cell / slide.layout->columns * options.tile,
				options.tile, options.tile, rgb);
			measure(&tile, rgb, options.tile);
			g_array_append_val(tiles, tile);
		}
		slide_clear(&slide);
	}
	return tiles;
}

/* Brings features to mean 0 and deviation 1. */
static void standardise(GArray *tiles)
{
	for (int feature = 0; feature < FEATURES; feature++) {
		double sum = 0, squares = 0;
		for (guint i = 0; i < tiles->len; i++) {
			double value = g_array_index(tiles, struct Tile, i).features[feature];
			sum += value;
			squares += value * value;
		}
		double mean = sum / tiles->len, deviation = sqrt(squares / tiles->len - mean * mean);
		for (guint i = 0; i < tiles->len; i++) {
			double *value = &g_array_index(tiles, struct Tile, i).features[feature];
			*value = (*value - mean) / deviation;
		}
	}
}

static double logit(const double *weights, const struct Tile *tile, int first, int count)
{
	double sum = weights[count];
	for (int i = 0; i < count; i++)
		sum += weights[i] * tile->features[first + i];
	return sum;
}

/* A logistic model on `count` features from `first`, on slides of even number, by gradient descent. */
static void fit(const GArray *tiles, int first, int count, double *weights)
{
	double step[FEATURES + 1];

	memset(weights, 0, (gsize)(count + 1) * sizeof *weights);
	for (int round = 0; round < 1500; round++) {
		memset(step, 0, sizeof step);
		for (guint i = 0; i < tiles->len; i++) {
			const struct Tile *tile = &g_array_index(tiles, struct Tile, i);
			if (tile->slide % 2)
				continue;
			double miss = tile->tumour - 1 / (1 + exp(-logit(weights, tile, first, count)));
			for (int k = 0; k < count; k++)
				step[k] += miss * tile->features[first + k];
			step[count] += miss;
		}
		for (int k = 0; k <= count; k++)
			weights[k] += 4 * step[k] / tiles->len;
	}
}

/* Area under the ROC curve over the tiles of odd (or even) slides. */
static double area(const GArray *tiles, const double *weights, int first, int count, int odd)
{
	double wins = 0, pairs = 0;

	for (guint i = 0; i < tiles->len; i++) {
		const struct Tile *a = &g_array_index(tiles, struct Tile, i);
		if (!a->tumour || a->slide % 2 != odd)
			continue;
		double score = logit(weights, a, first, count);
		for (guint j = 0; j < tiles->len; j++) {
			const struct Tile *b = &g_array_index(tiles, struct Tile, j);
			if (b->tumour || b->slide % 2 != odd)
				continue;
			double other = logit(weights, b, first, count);
			wins += score > other ? 1 : score == other ? 0.5 : 0;
			pairs++;
		}
	}
	return wins / pairs;
}

static void test_colour(void)
{
	g_autoptr(GArray) tiles = make_tiles();
	double weights[FEATURES + 1];

	standardise(tiles);
	fit(tiles, 0, COLOURS, weights);
	double colour_seen = area(tiles, weights, 0, COLOURS, 0);
	double colour = area(tiles, weights, 0, COLOURS, 1);
	fit(tiles, 0, FEATURES, weights);
	double texture = area(tiles, weights, 0, FEATURES, 1);
	g_test_message("AUC by mean colour: %.3f (%.3f on the slides it was fitted to); by texture: %.3f",
		colour, colour_seen, texture);
	g_assert_cmpfloat(colour, <, 0.75);
	g_assert_cmpfloat(colour_seen, <, 0.75);
	g_assert_cmpfloat(texture, >, 0.9);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sample/texture/colour", test_colour);
	return g_test_run();
}
