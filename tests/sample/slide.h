/* One slide of the sample: composed from its plan, and written with its mask.
 *
 * Composing and writing are apart so that a test can render again what was written. A composed
 * slide is on the caller's stack, between slide_compose and slide_clear, and used by one thread;
 * the tiles (pcam.h) are shared and must outlive it. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "layout.h"
#include "mirax.h"
#include "pcam.h"
#include "plan.h"
#include "scene.h"

struct Slide {
	struct MiraxGeometry geometry;
	struct Layout *layout;
	struct Scene scene;
};

/* pcam: the tiles if the options name any, else NULL; number: the slide's place in the plan.
 * Fails if the tissue does not fit on a slide of the scanner's size. */
bool slide_compose(struct Slide *slide, const struct PlannedSlide *plan, int number,
	const struct SampleOptions *options, const struct Pcam *pcam, GError **error);
void slide_clear(struct Slide *slide);

/* Writes image_path (.mrxs) and, unless mask_path is NULL, the mask as PNG. */
bool slide_write(struct Slide *slide, const char *image_path, const char *mask_path,
	struct MiraxBounds *bounds, GError **error);
