/* Lesion sizes are spread evenly on a logarithmic scale, over the training slides and over the
 * test slides separately, so that each has its share of the smallest. */
#include "plan.h"

#include <gio/gio.h>
#include <math.h>

#include "random.h"

#define SLIDE_LIMIT 10000
#define TISSUE_LIMIT 200000

void sample_options_init(struct SampleOptions *options)
{
	*options = (struct SampleOptions){
		.train = 24, .test = 12,
		.positive = 0.6, .test_positive = 0.5,
		.tile = 96,
		.tissue_least = 200, .tissue_most = 400,
		.lesion_least = 1, .lesion_most = 60,
		.seed = 1,
		.ink = 0.15,
		.levels = 8,
		.quality = 90,
		.threads = 2,
	};
}

double sample_options_mpp(const struct SampleOptions *options)
{
	if (options->mpp > 0)
		return options->mpp;
	return options->tiles ? 0.97 : 0.5;
}

static bool require(bool holds, GError **error, const char *message)
{
	if (!holds)
		g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, message);
	return holds;
}

static bool is_share(double value)
{
	return value >= 0 && value <= 1;
}

bool sample_options_check(const struct SampleOptions *options, GError **error)
{
	return require(options->train >= 0 && options->test >= 0 && options->train + options->test > 0 &&
			options->train <= SLIDE_LIMIT && options->test <= SLIDE_LIMIT - options->train,
			error, "--train and --test: 1 to 10000 slides in all") &&
		require(is_share(options->positive), error, "--positive: a share from 0 to 1") &&
		require(is_share(options->test_positive), error, "--test-positive: a share from 0 to 1") &&
		require(is_share(options->ink), error, "--ink: a share from 0 to 1") &&
		require(options->tile >= 16 && options->tile <= 512 && options->tile % 16 == 0, error,
			"--tile: a multiple of 16 from 16 to 512") &&
		require(options->tissue_least >= 4 && options->tissue_most <= TISSUE_LIMIT &&
			options->tissue_least <= options->tissue_most, error,
			"--tissue-tiles: N or MIN:MAX from 4 to 200000") &&
		require(options->lesion_least >= 1 && options->lesion_least <= options->lesion_most, error,
			"--lesion: N or MIN:MAX, at least 1") &&
		require(options->lesion_most < options->tissue_least, error,
			"--lesion: must be less than --tissue-tiles") &&
		require(options->extent >= 0 && options->extent <= 1000, error, "--size: 0 to 1000 tiles") &&
		require(options->stain_shift >= 0 && options->stain_shift <= 0.8, error,
			"--stain-shift: 0 to 0.8") &&
		require(options->levels >= 6 && options->levels <= 10, error, "--levels: 6 to 10") &&
		require(options->mpp >= 0 && options->mpp <= 4, error, "--mpp: above 0 and up to 4") &&
		require(options->quality >= 1 && options->quality <= 100, error, "--quality: 1 to 100") &&
		require(options->threads >= 1 && options->threads <= 64, error, "--threads: 1 to 64");
}

/* The k-th of `count` sizes between least and most, evenly spread on a logarithmic scale. */
static int spread(int least, int most, int k, int count, struct Random *random)
{
	double at = (k + random_unit(random)) / count;
	double size = least * pow((most + 1.0) / least, at);
	return CLAMP((int)size, least, most);
}

/* Classes and lesions of one set: `positive` of `count` slides, in random order. */
static void plan_set(const struct SampleOptions *options, struct PlannedSlide *slides, int count,
	int positive, struct Random *random)
{
	g_autofree int *order = g_new(int, (gsize)count + 1);

	for (int i = 0; i < count; i++)
		order[i] = i;
	random_shuffle(random, order, count);
	for (int i = 0; i < positive; i++) {
		struct PlannedSlide *slide = &slides[order[i]];
		slide->positive = true;
		slide->lesion = spread(options->lesion_least, options->lesion_most, i, positive, random);
	}
}

struct PlannedSlide *sample_plan(const struct SampleOptions *options)
{
	int count = options->train + options->test;
	struct PlannedSlide *slides = g_new0(struct PlannedSlide, (gsize)count);
	struct Random random = { random_mix((guint64)options->seed) };

	plan_set(options, slides, options->train, (int)lround(options->train * options->positive), &random);
	plan_set(options, slides + options->train, options->test,
		(int)lround(options->test * options->test_positive), &random);
	for (int i = 0; i < count; i++) {
		struct PlannedSlide *slide = &slides[i];
		int more = options->tissue_most - options->tissue_least;
		g_snprintf(slide->name, sizeof slide->name, "Slide%03d", i + 1);
		slide->test = i >= options->train;
		slide->tissue = options->tissue_least + random_below(&random, more + 1);
		slide->ink = random_unit(&random) < options->ink;
		slide->seed = random_next(&random);
	}
	return slides;
}
