/* Writes the whole sample: folders as the challenge lays out /data, slides, masks and tables.
 *
 * OUT/train/image/{negative,positive}/SlideNNN.mrxs with its folder, OUT/train/mask/.../SlideNNN.png
 * (where wanted also .geojson and .xml),
 * OUT/train/Dataset_information.csv, OUT/test/SlideNNN.mrxs, OUT/truth.csv (test slides:
 * name,0|1,tiles of lesion; no header) and empty OUT/model and OUT/output. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "plan.h"

/* Slides are written by options->threads threads; the first error ends the work and what was
 * written stays. Refuses a folder that already holds a sample. */
bool dataset_write(const struct SampleOptions *options, GError **error);
