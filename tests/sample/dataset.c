/* A pool of threads takes the slides of the plan; tables are written when all are done. */
#include "dataset.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>

#include "annotations.h"
#include "slide.h"

struct Work {
	const struct SampleOptions *options;
	const struct PlannedSlide *plan;
	const struct Pcam *pcam;
	struct MiraxBounds *bounds;	/* a slide */
	GMutex lock;
	GError *failed;			/* the first error */
};

static const char *class_name(const struct PlannedSlide *plan)
{
	return plan->positive ? "positive" : "negative";
}

static bool write_slide(const struct Work *work, int number, GError **error)
{
	const struct PlannedSlide *plan = &work->plan[number];
	const char *folder = work->options->folder;
	g_autofree char *image_name = g_strconcat(plan->name, ".mrxs", NULL);
	g_autofree char *image = plan->test ? g_build_filename(folder, "test", image_name, NULL) :
		g_build_filename(folder, "train", "image", class_name(plan), image_name, NULL);
	g_autofree char *mask_base = plan->test ? NULL :
		g_build_filename(folder, "train", "mask", class_name(plan), plan->name, NULL);
	g_autofree char *mask = plan->test ? NULL : g_strconcat(mask_base, ".png", NULL);
	struct Slide slide;

	if (!slide_compose(&slide, plan, number, work->options, work->pcam, error)) {
		g_prefix_error(error, "slide '%s': ", plan->name);
		return false;
	}
	bool written = slide_write(&slide, image, mask, &work->bounds[number], error) &&
		(!work->options->annotations || plan->test ||
		 annotations_write(mask_base, &slide.scene, &work->bounds[number], error));
	slide_clear(&slide);
	if (!written)
		g_prefix_error(error, "slide '%s': ", plan->name);
	return written;
}

/* job: the slide's place in the plan plus one, as a pool takes no NULL. */
static void do_job(gpointer job, gpointer data)
{
	struct Work *work = data;
	g_autoptr(GError) error = NULL;

	g_mutex_lock(&work->lock);
	bool failed = work->failed != NULL;
	g_mutex_unlock(&work->lock);
	if (failed || write_slide(work, GPOINTER_TO_INT(job) - 1, &error))
		return;
	g_mutex_lock(&work->lock);
	if (!work->failed)
		work->failed = g_steal_pointer(&error);
	g_mutex_unlock(&work->lock);
}

static bool write_slides(struct Work *work, GError **error)
{
	int count = work->options->train + work->options->test;
	GThreadPool *pool = g_thread_pool_new(do_job, work, work->options->threads, FALSE, error);

	if (!pool)
		return false;
	g_mutex_init(&work->lock);
	for (int i = 0; i < count; i++)
		g_thread_pool_push(pool, GINT_TO_POINTER(i + 1), NULL);
	g_thread_pool_free(pool, FALSE, TRUE);
	g_mutex_clear(&work->lock);
	if (work->failed) {
		g_propagate_error(error, g_steal_pointer(&work->failed));
		return false;
	}
	return true;
}

static bool write_tables(const struct Work *work, GError **error)
{
	const struct SampleOptions *options = work->options;
	g_autoptr(GString) train = g_string_new("file name,class,x-min offset,y-min offset\n");
	g_autoptr(GString) truth = g_string_new(NULL);

	for (int i = 0; i < options->train + options->test; i++) {
		const struct PlannedSlide *plan = &work->plan[i];
		if (plan->test)
			g_string_append_printf(truth, "%s,%d,%d\n", plan->name, plan->positive, plan->lesion);
		else
			g_string_append_printf(train, "%s.mrxs,%s,%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT "\n",
				plan->name, class_name(plan), work->bounds[i].x, work->bounds[i].y);
	}
	g_autofree char *train_path = g_build_filename(options->folder, "train", "Dataset_information.csv", NULL);
	g_autofree char *truth_path = g_build_filename(options->folder, "truth.csv", NULL);
	return g_file_set_contents(train_path, train->str, (gssize)train->len, error) &&
		g_file_set_contents(truth_path, truth->str, (gssize)truth->len, error);
}

static bool make_folders(const char *folder, GError **error)
{
	static const char *const inner[] = {
		"train/image/negative", "train/image/positive", "train/mask/negative",
		"train/mask/positive", "test", "model", "output",
	};
	static const char *const taken[] = { "train", "test", "truth.csv" };

	for (gsize i = 0; i < G_N_ELEMENTS(taken); i++) {
		g_autofree char *path = g_build_filename(folder, taken[i], NULL);
		if (g_file_test(path, G_FILE_TEST_EXISTS)) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS, "'%s' exists already", path);
			return false;
		}
	}
	for (gsize i = 0; i < G_N_ELEMENTS(inner); i++) {
		g_autofree char *path = g_build_filename(folder, inner[i], NULL);
		if (g_mkdir_with_parents(path, 0777) != 0) {
			int code = errno;
			g_set_error(error, G_IO_ERROR, (int)g_io_error_from_errno(code), "cannot create '%s': %s",
				path, g_strerror(code));
			return false;
		}
	}
	return true;
}

static struct Pcam *open_tiles(const struct SampleOptions *options, const struct PlannedSlide *plan,
	GError **error)
{
	int count = options->train + options->test;
	g_autofree bool *positive = g_new(bool, (gsize)count);
	g_autoptr(Pcam) pcam = pcam_open(options->tiles, error);

	if (!pcam)
		return NULL;
	if (pcam_tile(pcam) != options->tile) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			"the tiles are of %d px, --tile is %d", pcam_tile(pcam), options->tile);
		return NULL;
	}
	for (int i = 0; i < count; i++)
		positive[i] = plan[i].positive;
	if (!pcam_deal(pcam, positive, count, (guint64)options->seed, error))
		return NULL;
	return g_steal_pointer(&pcam);
}

bool dataset_write(const struct SampleOptions *options, GError **error)
{
	g_autofree struct PlannedSlide *plan = sample_plan(options);
	g_autofree struct MiraxBounds *bounds =
		g_new0(struct MiraxBounds, (gsize)(options->train + options->test));
	g_autoptr(Pcam) pcam = NULL;

	if (options->tiles) {
		pcam = open_tiles(options, plan, error);
		if (!pcam) {
			g_prefix_error(error, "tiles '%s': ", options->tiles);
			return false;
		}
	}
	struct Work work = { .options = options, .plan = plan, .pcam = pcam, .bounds = bounds };
	return make_folders(options->folder, error) && write_slides(&work, error) &&
		write_tables(&work, error);
}
