/*
 * slide.c - see slide.h. A slide's facts, a level's pixels, and pixels of any size made of them. With
 * handles.c, the only file that knows OpenSlide.
 */
#include "common/slide/handles.h"
#include "common/fault/fault.h"
#include "common/machine/jobs.h"
#include "common/slide/resample.h"
#include <math.h>

#define SIDE_MAX 16384                 /* px of a read */
#define BLOCK_MAX (4 << 20)            /* px read from OpenSlide at once */
#define REDUCE_MAX 1024.0              /* a pixel's level pixels, a side: its area stays within a block */
#define ENLARGE_MAX 64.0
#define SAME_SCALE 1e-3
#define RETRIES 32                     /* of a level, in vain */
#define RETRY_AFTER 200000             /* us */
#define SAME_LEAST 8                   /* reads of a level that must have come out the same before mirax.h is believed */
#define SAME_MOST (1 << 20)            /* that are counted */
#define OTHER_MOST 4                   /* reads of a level that it may refuse, for damage, before it is asked no more; */
#define OTHER_SHARE 8                  /* and one more for so many that it did not */

const char *slide_reader_version(void) { return openslide_get_version(); }

char *slide_id(const char *path)
{
	char *id = g_path_get_basename(path);
	char *dot = strrchr(id, '.');

	if (dot != NULL && dot != id)
		*dot = '\0';
	return id;
}

gboolean slide_known(const char *path)
{
	return g_file_test(path, G_FILE_TEST_IS_REGULAR) &&
	       (g_str_has_suffix(path, ".mrxs") || openslide_detect_vendor(path) != NULL);
}

static double number_of(openslide_t *osr, const char *property)
{
	const char *text = openslide_get_property_value(osr, property);
	char *end = NULL;
	double value = text != NULL ? g_ascii_strtod(text, &end) : 0;

	return text == NULL || end == text || !isfinite(value) ? 0 : value;
}

static double mpp_of(openslide_t *osr)
{
	double x = number_of(osr, OPENSLIDE_PROPERTY_NAME_MPP_X), y = number_of(osr, OPENSLIDE_PROPERTY_NAME_MPP_Y);
	double mpp = x > 0 && y > 0 ? (x + y) / 2 : MAX(x, y);
	double power = number_of(osr, OPENSLIDE_PROPERTY_NAME_OBJECTIVE_POWER);

	if (!(mpp > 0.01 && mpp < 100)) /* no microscope's */
		mpp = power > 0.1 && power < 1000 ? 10 / power : 0;
	return mpp;
}

static void read_bounds(openslide_t *osr, struct slide *s)
{
	double x = number_of(osr, OPENSLIDE_PROPERTY_NAME_BOUNDS_X), y = number_of(osr, OPENSLIDE_PROPERTY_NAME_BOUNDS_Y);
	double w = number_of(osr, OPENSLIDE_PROPERTY_NAME_BOUNDS_WIDTH),
	       h = number_of(osr, OPENSLIDE_PROPERTY_NAME_BOUNDS_HEIGHT);

	s->w = s->width;
	s->h = s->height;
	if (x < 0 || y < 0 || w < 1 || h < 1 || x + w > (double)s->width || y + h > (double)s->height)
		return;
	s->x = (gint64)x;
	s->y = (gint64)y;
	s->w = (gint64)w;
	s->h = (gint64)h;
}

static gboolean read_facts(openslide_t *osr, struct facts *f, GError **error)
{
	struct slide *s = &f->slide;

	s->levels = openslide_get_level_count(osr);
	openslide_get_level0_dimensions(osr, &s->width, &s->height);
	if (s->levels < 1 || s->width < 1 || s->height < 1 || s->width > G_MAXINT32 || s->height > G_MAXINT32) {
		g_set_error(error, FAULT, FAULT_DATA, "has %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
			    " px in %d levels", s->width, s->height, s->levels);
		return FALSE;
	}
	s->downsample = g_new0(double, s->levels);
	f->level_width = g_new0(gint64, s->levels);
	f->level_height = g_new0(gint64, s->levels);
	f->ends = g_new0(struct jpeg_ends, s->levels);
	f->direct = g_new0(struct direct, s->levels);
	f->in_vain = g_new0(gint, s->levels);
	for (int i = 0; i < s->levels; i++) {
		s->downsample[i] = openslide_get_level_downsample(osr, i);
		openslide_get_level_dimensions(osr, i, &f->level_width[i], &f->level_height[i]);
		if (!isfinite(s->downsample[i]) || s->downsample[i] <= 0 || f->level_width[i] < 1 ||
		    f->level_height[i] < 1) {
			g_set_error(error, FAULT, FAULT_DATA, "its level %d has no size", i);
			return FALSE;
		}
	}
	read_bounds(osr, s);
	s->mpp = mpp_of(osr);
	s->quickhash = g_strdup(openslide_get_property_value(osr, OPENSLIDE_PROPERTY_NAME_QUICKHASH1));
	s->vendor = g_strdup(openslide_get_property_value(osr, OPENSLIDE_PROPERTY_NAME_VENDOR));
	return TRUE;
}

struct slide *slide_open(struct slide_pool *pool, const char *path, GError **error)
{
	g_autoptr(slide_t) slide = (struct slide *)g_new0(struct facts, 1);
	struct handle *h;
	gboolean read;

	g_queue_init(&facts_of(slide)->handles);
	slide->pool = pool;
	slide->path = g_strdup(path);
	slide->id = slide_id(path);
	h = handle_take(slide, HANDLE_ALONE, error);
	read = h != NULL && read_facts(h->osr, facts_of(slide), error);
	if (h != NULL)
		handle_give(h, !read);
	if (!read) {
		g_prefix_error(error, "slide '%s': ", slide->id);
		return NULL;
	}
	return g_steal_pointer(&slide);
}

void slide_close(struct slide *slide)
{
	if (slide == NULL)
		return;
	handles_close(slide);
	g_free(slide->path);
	g_free(slide->id);
	g_free(slide->downsample);
	g_free(slide->quickhash);
	g_free(slide->vendor);
	g_free(facts_of(slide)->level_width);
	g_free(facts_of(slide)->level_height);
	g_free(facts_of(slide)->ends);
	g_free(facts_of(slide)->direct);
	g_free(facts_of(slide)->in_vain);
	g_free(slide);
}

/* ---- pixels ---- */

/* Buffers of a thread, kept from read to read. */
struct scratch {
	guint32 *argb, *narrow; /* px */
	gsize argb_room, narrow_room;
	float *sums;
	gsize sums_room;
};

static void scratch_free(void *data)
{
	struct scratch *s = data;

	g_free(s->argb);
	g_free(s->narrow);
	g_free(s->sums);
	g_free(s);
}

static GPrivate scratch_key = G_PRIVATE_INIT(scratch_free);

static struct scratch *scratch_get(void)
{
	struct scratch *s = g_private_get(&scratch_key);

	if (s == NULL) {
		s = g_new0(struct scratch, 1);
		g_private_set(&scratch_key, s);
	}
	return s;
}

static void *room_for(void *buffer, gsize *room, gsize n, gsize size)
{
	if (*room >= n)
		return buffer;
	g_free(buffer);
	buffer = g_try_malloc_n(n, size);
	*room = buffer != NULL ? n : 0;
	return buffer;
}

/* One read, as its messages name it. */
struct request {
	struct slide *slide;
	double x, y;            /* level-0 px */
	int w, h, level;
};

static gboolean fail(const struct request *r, int code, const char *words, GError **error)
{
	g_set_error(error, FAULT, code, "slide '%s': tile at %.0f,%.0f (%d x %d px, level %d): %s", r->slide->id,
		    floor(r->x), floor(r->y), r->w, r->h, r->level, words);
	return FALSE;
}

/* Part of a level, in its px. */
struct part { gint64 x, y, w, h; };

/* By mirax.h alone. */
static gboolean read_direct(const struct request *r, const struct part *p, guint32 *argb)
{
	struct facts *f = facts_of(r->slide);
	struct handle *h = handle_take(r->slide, HANDLE_DIRECT, NULL);
	gint ended = 0;
	gboolean read = h != NULL && mirax_read(h->mirax, r->level, p->x, p->y, (int)p->w, (int)p->h, argb, &ended);

	if (h != NULL)
		handle_give(h, !read && h->osr == NULL);
	jpeg_watch_whole(&f->ends[r->level], ended);
	if (!read)
		g_atomic_int_inc(&f->direct[r->level].other);
	else if (g_atomic_int_get(&f->direct[r->level].same) < SAME_MOST)
		g_atomic_int_inc(&f->direct[r->level].same);
	return read;
}

/* Reads it by mirax.h too. One difference from what OpenSlide gave, and it is not asked again. */
static void compare_direct(const struct request *r, const struct handle *h, const struct part *p, const guint32 *argb)
{
	gsize n = (gsize)p->w * (gsize)p->h;
	g_autofree guint32 *ours = slide_unscanned(argb, n) ? NULL : g_try_new(guint32, n);
	gint ended = 0;

	if (ours == NULL)
		return;
	if (!mirax_read(h->mirax, r->level, p->x, p->y, (int)p->w, (int)p->h, ours, &ended))
		g_atomic_int_inc(&facts_of(r->slide)->direct[r->level].other);
	else if (memcmp(ours, argb, n * sizeof(*argb)) == 0)
		g_atomic_int_inc(&facts_of(r->slide)->direct[r->level].same);
	else
		g_atomic_int_set(&facts_of(r->slide)->direct[r->level].other, G_MAXINT / 2);
}

/* One attempt. Why it failed, in *words, else NULL; shared: was it maybe another's fault? */
static void try_level(const struct request *r, const gint64 at[2], const struct part *p, gboolean alone, guint32 *argb,
		      char **words, gboolean *shared)
{
	struct facts *f = facts_of(r->slide);
	const gint same = g_atomic_int_get(&f->direct[r->level].same), other = g_atomic_int_get(&f->direct[r->level].other);
	const gboolean maybe = !alone && other <= OTHER_MOST + same / OTHER_SHARE;
	GError *why = NULL;

	*shared = FALSE;
	if (maybe && same >= SAME_LEAST && read_direct(r, p, argb))
		return;
	struct handle *handle = handle_take(r->slide, alone ? HANDLE_ALONE : HANDLE_FULL, &why);
	if (handle == NULL) {
		*words = g_strdup(why->message);
		g_error_free(why);
		return;
	}
	jpeg_watch_begin(&f->ends[r->level]);
	openslide_read_region(handle->osr, argb, at[0], at[1], r->level, p->w, p->h);
	jpeg_watch_end();
	*words = g_strdup(openslide_get_error(handle->osr));
	if (maybe && same < SAME_LEAST && *words == NULL && handle->mirax != NULL)
		compare_direct(r, handle, p, argb);
	*shared = handle_give(handle, *words != NULL);
}

/*
 * A rectangle that lies on the slide, in level px. OpenSlide wants its corner in whole level-0 pixels; where
 * a level's downsample is no whole number the nearest is taken, less than half a level pixel away.
 *
 * What fails is read once more, alone, through another handle, for a fault puts a handle in error for all who
 * share it, and a file may be away for a moment. Opening a slide takes up to seconds, so where that has been in vain
 * RETRIES times on a level, only those try again who shared the handle.
 */
static gboolean read_level(const struct request *r, const struct part *p, guint32 *argb, GError **error)
{
	double d = r->slide->downsample[r->level];
	gint64 at[2] = { llround((double)p->x * d), llround((double)p->y * d) };
	gint *in_vain = &facts_of(r->slide)->in_vain[r->level];
	g_autofree char *words = NULL, *again = NULL;
	gboolean shared;

	jobs_get_on();          /* whoever reads much may take long, as long as no read does */
	try_level(r, at, p, FALSE, argb, &words, &shared);
	if (words == NULL)
		return TRUE;
	if (!shared && g_atomic_int_get(in_vain) >= RETRIES)
		return fail(r, FAULT_DATA, words, error);
	if (!shared)
		g_usleep(RETRY_AFTER);
	try_level(r, at, p, TRUE, argb, &again, &shared);
	if (again == NULL)
		return TRUE;
	g_atomic_int_inc(in_vain);
	return fail(r, FAULT_DATA, again, error);
}

/* The same of any rectangle: what is off the slide is transparent, as what was never scanned. */
static gboolean read_argb(const struct request *r, struct scratch *s, gint64 u, gint64 v, gint64 w, gint64 h,
			  GError **error)
{
	const struct facts *f = facts_of(r->slide);
	gint64 left = CLAMP(0, u, u + w), right = CLAMP(f->level_width[r->level], u, u + w);
	gint64 top = CLAMP(0, v, v + h), bottom = CLAMP(f->level_height[r->level], v, v + h);
	const struct part part = { left, top, right - left, bottom - top };
	gsize width = (gsize)part.w;
	guint32 *argb;

	s->argb = argb = room_for(s->argb, &s->argb_room, (gsize)(w * h), sizeof(*argb));
	if (argb == NULL)
		return fail(r, FAULT_ROOM, "no memory", error);
	if (part.w == w && part.h == h)
		return read_level(r, &part, argb, error);
	memset(argb, 0, (gsize)(w * h) * sizeof(*argb));
	if (left >= right || top >= bottom)
		return TRUE;
	s->narrow = room_for(s->narrow, &s->narrow_room, width * (gsize)(bottom - top), sizeof(*argb));
	if (s->narrow == NULL)
		return fail(r, FAULT_ROOM, "no memory", error);
	if (!read_level(r, &part, s->narrow, error))
		return FALSE;
	for (gint64 y = top; y < bottom; y++)
		memcpy(argb + (y - v) * w + (left - u), s->narrow + (gsize)(y - top) * width, width * sizeof(*argb));
	return TRUE;
}

/* Whole level pixels: the corner goes to the nearest. */
static gboolean read_straight(const struct request *r, guint8 *rgb, guint8 *scanned, GError **error)
{
	double d = r->slide->downsample[r->level];
	gint64 u = llround(r->x / d), v = llround(r->y / d);
	int rows = MAX(1, BLOCK_MAX / r->w);
	struct scratch *s = scratch_get();

	for (int y = 0; y < r->h; y += rows) {
		int n = MIN(rows, r->h - y);
		gsize at = (gsize)y * (gsize)r->w;

		if (!read_argb(r, s, u, v + y, r->w, n, error))
			return FALSE;
		slide_convert(s->argb, (gsize)n * (gsize)r->w, rgb + 3 * at, scanned != NULL ? scanned + at : NULL);
	}
	return TRUE;
}

/* Pixels [x0, x1) x [y0, y1) of the read. */
static gboolean read_part(const struct request *r, const struct resample *a, int x0, int x1, int y0, int y1, guint8 *rgb,
			  guint8 *scanned, GError **error)
{
	struct scratch *s = scratch_get();
	struct resample_part p = { .x0 = x0, .x1 = x1, .y0 = y0, .y1 = y1 };

	resample_source(a, &p);
	if (!read_argb(r, s, p.left, p.top, p.right - p.left, p.bottom - p.top, error))
		return FALSE;
	s->sums = room_for(s->sums, &s->sums_room, (gsize)(p.right - p.left) * 4, sizeof(float));
	if (s->sums == NULL)
		return fail(r, FAULT_ROOM, "no memory", error);
	resample_part(a, &p, s->argb, s->sums, r->w, rgb, scanned);
	return TRUE;
}

static gboolean read_resampled(const struct request *r, double scale, guint8 *rgb, guint8 *scanned, GError **error)
{
	double d = r->slide->downsample[r->level];
	struct resample a = { r->x / d, r->y / d, scale / d };
	int columns = (int)CLAMP(sqrt(BLOCK_MAX) / a.wide - 2, 1, r->w), rows;

	if (r->w <= 2 * columns) /* a tile is one block, if it can be */
		columns = r->w;
	rows = (int)CLAMP(BLOCK_MAX / (columns * a.wide + 3) / a.wide - 3, 1, r->h);
	for (int y = 0; y < r->h; y += rows)
		for (int x = 0; x < r->w; x += columns)
			if (!read_part(r, &a, x, MIN(x + columns, r->w), y, MIN(y + rows, r->h), rgb, scanned, error))
				return FALSE;
	return TRUE;
}

/* The coarsest level that has the wanted detail. */
int slide_level(const struct slide *slide, double scale)
{
	int best = 0;

	for (int i = 1; i < slide->levels; i++)
		if (slide->downsample[i] <= scale * (1 + SAME_SCALE) && slide->downsample[i] > slide->downsample[best])
			best = i;
	return best;
}

gboolean slide_read(struct slide *slide, double x, double y, double scale, int w, int h, guint8 *rgb,
		    guint8 *scanned, GError **error)
{
	struct request r = { slide, x, y, w, h, slide_level(slide, scale) };
	double wide = scale / slide->downsample[r.level];

	if (!(fabs(x) < 1e12 && fabs(y) < 1e12) || w < 1 || w > SIDE_MAX || h < 1 || h > SIDE_MAX ||
	    !(wide >= 1 / ENLARGE_MAX && wide <= REDUCE_MAX)) {
		g_set_error(error, FAULT, FAULT_DATA, "slide '%s': a tile of %d x %d px at 1/%g cannot be read",
			    slide->id, w, h, scale);
		return FALSE;
	}
	if (fabs(wide - 1) <= SAME_SCALE)
		return read_straight(&r, rgb, scanned, error);
	return read_resampled(&r, scale, rgb, scanned, error);
}
