/* sample OUT_DIR: writes sample data in the challenge's shape. Reads the command line, nothing
 * else; see dataset.h for what comes out. Exit status: 0, 1 if writing failed, 2 for bad options. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"

/* What GOption fills in before it is checked. */
struct Line {
	struct SampleOptions options;
	char *tiles, *tissue, *lesion;
	gboolean full_size, unaligned, annotations;
	char **rest;
};

static bool parse_count(const char *text, int *count)
{
	gint64 value;
	if (!g_ascii_string_to_signed(text, 10, 0, G_MAXINT, &value, NULL))
		return false;
	*count = (int)value;
	return true;
}

/* "N" or "MIN:MAX"; NULL leaves both as they are. */
static bool parse_range(const char *name, const char *text, int *least, int *most, GError **error)
{
	if (!text)
		return true;
	g_auto(GStrv) parts = g_strsplit(text, ":", -1);
	guint count = g_strv_length(parts);
	if ((count == 1 || count == 2) && parse_count(parts[0], least) && parse_count(parts[count - 1], most))
		return true;
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: expected N or MIN:MAX, found '%s'",
		name, text);
	return false;
}

static GOptionContext *line_context(struct Line *line)
{
	struct SampleOptions *options = &line->options;
	const GOptionEntry entries[] = {
		{ "train", 0, 0, G_OPTION_ARG_INT, &options->train, "Training slides (24)", "N" },
		{ "test", 0, 0, G_OPTION_ARG_INT, &options->test, "Test slides (12)", "N" },
		{ "positive", 0, 0, G_OPTION_ARG_DOUBLE, &options->positive,
			"Positive share, training (0.6)", "SHARE" },
		{ "test-positive", 0, 0, G_OPTION_ARG_DOUBLE, &options->test_positive,
			"Positive share, test (0.5)", "SHARE" },
		{ "tiles", 0, 0, G_OPTION_ARG_FILENAME, &line->tiles,
			"Photographed tiles (labels.csv, tiles/ID.png); else generated", "DIR" },
		{ "tile", 0, 0, G_OPTION_ARG_INT, &options->tile, "Side of a tile of tissue (96)", "PX" },
		{ "tissue-tiles", 0, 0, G_OPTION_ARG_STRING, &line->tissue, "Tiles of tissue a slide (200:400)", "N|MIN:MAX" },
		{ "lesion", 0, 0, G_OPTION_ARG_STRING, &line->lesion, "Tiles of tumour a positive slide (1:60)", "N|MIN:MAX" },
		{ "size", 0, 0, G_OPTION_ARG_INT, &options->extent, "Tiles across the tissue (as suits)", "TILES" },
		{ "seed", 0, 0, G_OPTION_ARG_INT64, &options->seed, "Same seed, same bytes (1)", "N" },
		{ "stain-shift", 0, 0, G_OPTION_ARG_DOUBLE, &options->stain_shift, "Of the test slides; 0.12 is usual (0)", "X" },
		{ "ink", 0, 0, G_OPTION_ARG_DOUBLE, &options->ink, "Share of slides with a pen stroke (0.15)", "SHARE" },
		{ "levels", 0, 0, G_OPTION_ARG_INT, &options->levels, "6 to 10 (8)", "N" },
		{ "full-size", 0, 0, G_OPTION_ARG_NONE, &line->full_size,
			"Slides of 93952 x 132352 px, mostly empty", NULL },
		{ "unaligned", 0, 0, G_OPTION_ARG_NONE, &line->unaligned,
			"Tissue tiles off the grid that starts at the bounds", NULL },
		{ "annotations", 0, 0, G_OPTION_ARG_NONE, &line->annotations,
			"Tumour also as polygons, beside the masks: .geojson, .xml", NULL },
		{ "mpp", 0, 0, G_OPTION_ARG_DOUBLE, &options->mpp, "Micrometres a pixel (0.97 for tiles, else 0.5)", "UM" },
		{ "quality", 0, 0, G_OPTION_ARG_INT, &options->quality, "JPEG, 1 to 100 (90)", "N" },
		{ "threads", 0, 0, G_OPTION_ARG_INT, &options->threads, "Slides written at once (2)", "N" },
		{ G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &line->rest, NULL, NULL },
		G_OPTION_ENTRY_NULL,
	};
	GOptionContext *context = g_option_context_new("OUT_DIR");

	g_option_context_set_summary(context, "Writes MIRAX slides, masks and tables in the challenge's shape.");
	g_option_context_add_main_entries(context, entries, NULL);
	return context;
}

static bool parse_line(struct Line *line, int argc, char **argv, GError **error)
{
	struct SampleOptions *options = &line->options;
	g_autoptr(GOptionContext) context = line_context(line);

	if (!g_option_context_parse(context, &argc, &argv, error) ||
	    !parse_range("--tissue-tiles", line->tissue, &options->tissue_least, &options->tissue_most, error) ||
	    !parse_range("--lesion", line->lesion, &options->lesion_least, &options->lesion_most, error))
		return false;
	if (!line->rest || line->rest[1]) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "expected one OUT_DIR (see --help)");
		return false;
	}
	options->folder = line->rest[0];
	options->tiles = line->tiles;
	options->full_size = line->full_size;
	options->unaligned = line->unaligned;
	options->annotations = line->annotations;
	return sample_options_check(options, error);
}

int main(int argc, char **argv)
{
	struct Line line = { 0 };
	g_autoptr(GError) error = NULL;
	int status = EXIT_SUCCESS;

	sample_options_init(&line.options);
	if (!parse_line(&line, argc, argv, &error))
		status = 2;
	else if (!dataset_write(&line.options, &error))
		status = EXIT_FAILURE;
	else
		printf("wrote %d training and %d test slides to %s\n", line.options.train, line.options.test,
			line.options.folder);
	if (error)
		fprintf(stderr, "sample: %s\n", error->message);

	g_strfreev(line.rest);
	g_free(line.tiles);
	g_free(line.tissue);
	g_free(line.lesion);
	return status;
}
