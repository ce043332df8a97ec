/* Places the tissue on a slide so that the photos' bounds start on a line of the cells' grid: the
 * first column and row of photos that show something are never off their place, and the tissue
 * starts a whole number of cells into them, further in than the photos before them reach. */
#include "slide.h"

#include <gio/gio.h>
#include <png.h>

#include "texture.h"

#define JITTER 16	/* px; photos are off their place by this or not at all: whole px up to level 4 */

static const struct Camera {
	int divisions, image, overlap_x, overlap_y;
} cameras[] = {
	{ 2, 128, 32, 32 },
	{ 2, 256, 32, 32 },
	{ 4, 256, 56, 112 },	/* overlaps that come to the scanner's size exactly */
};

#define FULL_X 97	/* positions that make 93,952 px of the last camera */
#define FULL_Y 145	/* and 132,352 px */

/* The smallest camera whose photo is two cells wide and still two px at the last level. */
static const struct Camera *choose_camera(const struct SampleOptions *options)
{
	gsize i = options->full_size ? G_N_ELEMENTS(cameras) - 1 : 0;

	for (; i < G_N_ELEMENTS(cameras) - 1; i++) {
		int photo = cameras[i].divisions * cameras[i].image;
		if (photo >= 2 * options->tile && photo >> (options->levels - 1) >= 2)
			break;
	}
	return &cameras[i];
}

/* One axis of a slide: how many positions, which is the first to show tissue, where tissue starts. */
struct Axis {
	int positions, first;
	gint64 origin;
};

/* cells: of tissue; room: px of ink beside it; full: positions of a full-size slide, or 0. */
static bool place(struct Axis *axis, const struct SampleOptions *options, const struct Camera *camera,
	int overlap, int cells, int room, int full, struct Random *random, GError **error)
{
	int tile = options->tile, fringe = tile / 2;
	int advance = camera->divisions * camera->image - overlap;
	gint64 inset = tile;

	while (inset - fringe < overlap + JITTER)
		inset += tile;
	if (options->unaligned)
		inset += 1 + random_below(random, tile - 1);
	gint64 extent = inset + (gint64)cells * tile + fringe + room;
	int needed = (int)((extent + advance - 1) / advance) + 1;
	int spare = full ? full - needed - 2 : 3;
	if (spare < 0) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			"%d tiles across do not fit on a slide of the scanner's size", cells);
		return false;
	}
	axis->first = 1 + random_below(random, spare + 1);
	axis->positions = full ? full : axis->first + needed + 1 + random_below(random, 2);
	axis->origin = (gint64)axis->first * advance + inset;
	return true;
}

static int magnification(double mpp)
{
	return mpp < 0.35 ? 40 : mpp < 0.7 ? 20 : 10;
}

static bool set_geometry(struct Slide *slide, const struct PlannedSlide *plan,
	const struct SampleOptions *options, struct Random *random, GError **error)
{
	const struct Camera *camera = choose_camera(options);
	int room = plan->ink ? scene_ink_room(options->tile) : 0;
	bool full = options->full_size;
	struct Axis x, y;

	if (!place(&x, options, camera, camera->overlap_x, slide->layout->columns, room, full ? FULL_X : 0,
			random, error) ||
	    !place(&y, options, camera, camera->overlap_y, slide->layout->rows, room, full ? FULL_Y : 0,
			random, error))
		return false;
	slide->geometry = (struct MiraxGeometry){
		.positions_x = x.positions, .positions_y = y.positions,
		.divisions = camera->divisions, .image = camera->image,
		.overlap_x = camera->overlap_x, .overlap_y = camera->overlap_y,
		.jitter = JITTER, .jitter_step = JITTER,
		.first_x = x.first, .first_y = y.first,
		.levels = options->levels, .quality = options->quality,
		.mpp = sample_options_mpp(options),
		.magnification = magnification(sample_options_mpp(options)),
		.seed = random_next(random),
	};
	slide->scene.origin_x = x.origin;
	slide->scene.origin_y = y.origin;
	return true;
}

static struct Tissue make_tissue(const struct Slide *slide, const struct PlannedSlide *plan, int number,
	const struct SampleOptions *options, const struct Pcam *pcam, guint64 seed)
{
	struct StainShift shift;
	struct Stain stain;

	stain_shift_draw(&shift, plan->test ? options->stain_shift : 0, random_mix((guint64)options->seed + 1));
	if (pcam)
		return pcam_tissue(pcam, number, slide->layout,
			plan->test && options->stain_shift > 0 ? &shift : NULL, seed);
	stain_draw(&stain, &shift, random_mix(seed));
	return texture_tissue(slide->layout, options->tile, sample_options_mpp(options), &stain, seed);
}

bool slide_compose(struct Slide *slide, const struct PlannedSlide *plan, int number,
	const struct SampleOptions *options, const struct Pcam *pcam, GError **error)
{
	struct Random random = { plan->seed };

	*slide = (struct Slide){ 0 };
	slide->layout = layout_new(plan->tissue, plan->lesion, options->extent, &random);
	if (!set_geometry(slide, plan, options, &random, error)) {
		g_clear_pointer(&slide->layout, layout_free);
		return false;
	}
	slide->scene.layout = slide->layout;
	slide->scene.tissue = make_tissue(slide, plan, number, options, pcam, random_next(&random));
	slide->scene.tile = options->tile;
	slide->scene.seed = random_next(&random);
	slide->scene.ink = plan->ink;
	scene_init(&slide->scene);
	return true;
}

void slide_clear(struct Slide *slide)
{
	scene_clear(&slide->scene);
	if (slide->scene.tissue.kind)
		slide->scene.tissue.kind->free(slide->scene.tissue.self);
	slide->scene.tissue.kind = NULL;
	g_clear_pointer(&slide->layout, layout_free);
}

static bool write_mask(const struct Slide *slide, const char *path, const struct MiraxBounds *bounds,
	GError **error)
{
	int width, height;
	g_autofree guint8 *mask = scene_mask(&slide->scene, bounds->x, bounds->y, bounds->width,
		bounds->height, &width, &height);
	png_image image = {
		.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_GRAY,
		.width = (png_uint_32)width, .height = (png_uint_32)height,
	};

	if (png_image_write_to_file(&image, path, 0, mask, 0, NULL))
		return true;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot write '%s': %s", path, image.message);
	return false;
}

bool slide_write(struct Slide *slide, const char *image_path, const char *mask_path,
	struct MiraxBounds *bounds, GError **error)
{
	const struct MiraxPicture picture = { &slide->scene, scene_shows, scene_render };

	return mirax_write(image_path, &slide->geometry, &picture, bounds, error) &&
		(!mask_path || write_mask(slide, mask_path, bounds, error));
}
