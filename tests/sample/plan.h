/* What a sample is to be: its options, and from them each slide's number, class and contents.
 *
 * The plan depends on the options alone, so the same options give the same sample. Callers fill
 * in a struct SampleOptions (sample_options_init sets the defaults) and free it themselves. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct SampleOptions {
	const char *folder;		/* to write into */
	const char *tiles;		/* folder of photographed tiles (pcam.h); NULL: generated texture */
	int train, test;		/* slides */
	double positive, test_positive;	/* share of positive slides in each */
	int tile;			/* side of a cell of tissue, px */
	int tissue_least, tissue_most;	/* cells of tissue a slide */
	int lesion_least, lesion_most;	/* cells of tumour a positive slide */
	int extent;			/* cells across; 0: what suits the tissue */
	gint64 seed;
	double stain_shift;		/* of the test slides; 0: none */
	double ink;			/* share of slides with a pen stroke */
	int levels;			/* 6 to 10 */
	bool full_size;			/* nominally 93,952 * 132,352 px, as the scanner's */
	bool annotations;		/* tumour is drawn as polygons, too, beside the masks */
	bool unaligned;			/* cells are off the grid of tiles that starts at the bounds */
	double mpp;			/* um a px; 0: 0.97 for tiles, 0.5 for texture */
	int quality;			/* JPEG, 1 to 100 */
	int threads;
};

struct PlannedSlide {
	char name[16];			/* "Slide001" */
	bool test;
	bool positive;
	int tissue, lesion;		/* cells */
	bool ink;
	guint64 seed;
};

void sample_options_init(struct SampleOptions *options);

/* Are the options possible? The error's message is one line for a user. */
bool sample_options_check(const struct SampleOptions *options, GError **error);

/* um a px: the option, or the default for the kind of tissue. */
double sample_options_mpp(const struct SampleOptions *options);

/* (train + test) slides, training first. Free with g_free. */
struct PlannedSlide *sample_plan(const struct SampleOptions *options);
