/*
 * slide.c - see slide.h.
 *
 * From the bottom: the pool of OpenSlide handles, a slide's facts, pixels of one level, and pixels
 * resampled from it. Nothing outside this file sees OpenSlide.
 */
#include "common/slide/slide.h"
#include "common/fault/fault.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>
#include <openslide.h>

#ifdef OPENSLIDE_PROPERTY_NAME_ICC_SIZE /* first in 4.0, as is the cache that handles share */
#define SHARED_CACHE
#endif
#define HANDLE_CACHE (32ull << 20)     /* bytes; what 3.4.1 gives each handle */
#define SHARED_CACHE_MAX (256ull << 20)
#define SIDE_MAX 16384                 /* px of a read */
#define BLOCK_MAX (4 << 20)            /* px read from OpenSlide at once */
#define REDUCE_MAX 1024.0              /* a pixel's level pixels, a side: its area stays within a block */
#define ENLARGE_MAX 64.0
#define SAME_SCALE 1e-3

/* ---- the pool ---- */

struct handle {
	openslide_t *osr;
	struct slide *slide;
	guint users;
	gboolean shared;        /* more than one user since it was last idle */
	gboolean broken;        /* OpenSlide refuses it for good */
	GList in_slide;         /* links, so that no list operation allocates or searches */
	GList in_idle;
};

struct slide_pool {
	GMutex lock;
	GCond changed;
	guint most, open;       /* open counts those being opened and closed */
	GQueue idle;            /* of handles; least recently used first */
	GQueue waiting;         /* of tickets; who waits longest is served first */
#ifdef SHARED_CACHE
	openslide_cache_t *cache;
#endif
};

struct facts { /* a slide, and what its users need not see */
	struct slide slide;
	gint64 *level_width, *level_height; /* (levels) px */
	GQueue handles;         /* under the pool's lock */
};

static struct facts *facts_of(const struct slide *slide)
{
	return (struct facts *)slide;
}

struct slide_pool *slide_pool_new(guint most)
{
	struct slide_pool *pool = g_new0(struct slide_pool, 1);

	g_mutex_init(&pool->lock);
	g_cond_init(&pool->changed);
	pool->most = MAX(most, 1);
	g_queue_init(&pool->idle);
	g_queue_init(&pool->waiting);
#ifdef SHARED_CACHE
	pool->cache = openslide_cache_create((size_t)MIN(SHARED_CACHE_MAX, pool->most * HANDLE_CACHE));
#endif
	return pool;
}

void slide_pool_free(struct slide_pool *pool)
{
	if (pool == NULL)
		return;
	g_return_if_fail(pool->open == 0);
#ifdef SHARED_CACHE
	openslide_cache_release(pool->cache);
#endif
	g_cond_clear(&pool->changed);
	g_mutex_clear(&pool->lock);
	g_free(pool);
}

guint slide_pool_open_handles(struct slide_pool *pool)
{
	guint open;

	g_mutex_lock(&pool->lock);
	open = pool->open;
	g_mutex_unlock(&pool->lock);
	return open;
}

/* Is this still the slide whose facts were read? */
static gboolean same_slide(openslide_t *osr, const struct facts *f)
{
	gint64 width = 0, height = 0;

	if (f->slide.levels == 0) /* not read yet */
		return TRUE;
	openslide_get_level0_dimensions(osr, &width, &height);
	return openslide_get_level_count(osr) == f->slide.levels && width == f->slide.width &&
	       height == f->slide.height;
}

static openslide_t *open_file(struct slide_pool *pool, const struct facts *f, GError **error)
{
	const char *path = f->slide.path, *words;
	openslide_t *osr;

	if (g_access(path, R_OK) != 0) {
		g_set_error(error, FAULT, FAULT_DATA, "cannot be opened: %s", g_strerror(errno));
		return NULL;
	}
	osr = openslide_open(path);
	if (osr == NULL) {
		gsize stem = g_str_has_suffix(path, ".mrxs") ? strlen(path) - strlen(".mrxs") : 0;
		g_autofree char *folder = g_strndup(path, stem);

		if (stem > 0 && !g_file_test(folder, G_FILE_TEST_IS_DIR))
			g_set_error(error, FAULT, FAULT_DATA, "cannot be opened: an .mrxs file needs its folder "
				    "of the same name beside it");
		else
			g_set_error(error, FAULT, FAULT_DATA, "cannot be opened: not a format that OpenSlide %s "
				    "reads", openslide_get_version());
		return NULL;
	}
	words = openslide_get_error(osr);
	if (words != NULL) {
		g_set_error(error, FAULT, FAULT_DATA, "cannot be opened: %s", words);
		openslide_close(osr);
		return NULL;
	}
	if (!same_slide(osr, f)) {
		g_set_error(error, FAULT, FAULT_DATA, "the file is not the one that was opened first");
		openslide_close(osr);
		return NULL;
	}
#ifdef SHARED_CACHE
	openslide_set_cache(osr, pool->cache);
#else
	(void)pool;
#endif
	return osr;
}

/* Takes an idle handle out of the pool, to be used or closed; under the lock. */
static void leave_idle(struct slide_pool *pool, struct handle *h)
{
	g_queue_unlink(&pool->idle, &h->in_idle);
}

/* Closes a handle that nobody else can reach any more. Without the lock: it takes a while. */
static void close_handle(struct slide_pool *pool, struct handle *h)
{
	openslide_close(h->osr);
	g_free(h);
	g_mutex_lock(&pool->lock);
	pool->open--;
	g_cond_broadcast(&pool->changed);
	g_mutex_unlock(&pool->lock);
}

static struct handle *own_handle(struct facts *f, gboolean idle)
{
	for (GList *l = f->handles.head; l != NULL; l = l->next) {
		struct handle *h = l->data;

		if (!h->broken && (h->users == 0) == idle)
			return h;
	}
	return NULL;
}

/* One attempt, under the lock: a handle to read with, or the right to open one (*open_new), maybe in place
   of one to close first (*close_first); false when there is neither. */
static gboolean try_take(struct slide_pool *pool, struct facts *f, gboolean alone, struct handle **take,
			 gboolean *open_new, struct handle **close_first)
{
	struct handle *h = own_handle(f, TRUE);

	if (h != NULL) {
		leave_idle(pool, h);
	} else if (!alone && (h = own_handle(f, FALSE)) != NULL) {
		h->shared = TRUE;
	} else if (pool->open < pool->most) {
		pool->open++;
		*open_new = TRUE;
		return TRUE;
	} else if (pool->idle.head != NULL) {
		h = pool->idle.head->data;
		leave_idle(pool, h);
		g_queue_unlink(&facts_of(h->slide)->handles, &h->in_slide);
		*close_first = h;
		*open_new = TRUE;
		return TRUE;
	} else {
		return FALSE;
	}
	h->users++;
	*take = h;
	return TRUE;
}

/*
 * A handle for one read; alone: one that nobody shares. A thread waits only while it holds none, and
 * whoever waits longest is served before anyone may share again, so every wait ends when the reads that
 * run now do.
 */
static struct handle *take_handle(struct slide *slide, gboolean alone, GError **error)
{
	struct slide_pool *pool = slide->pool;
	struct facts *f = facts_of(slide);
	struct handle *h = NULL, *old = NULL;
	gboolean open_new = FALSE;
	GList ticket = { 0 };

	g_mutex_lock(&pool->lock);
	g_queue_push_tail_link(&pool->waiting, &ticket);
	while (pool->waiting.head != &ticket || !try_take(pool, f, alone, &h, &open_new, &old))
		g_cond_wait(&pool->changed, &pool->lock);
	g_queue_unlink(&pool->waiting, &ticket);
	if (pool->waiting.head != NULL)
		g_cond_broadcast(&pool->changed);
	g_mutex_unlock(&pool->lock);
	if (!open_new)
		return h;

	if (old != NULL) { /* its place is taken over: pool->open stays */
		openslide_close(old->osr);
		g_free(old);
	}
	h = g_new0(struct handle, 1);
	h->osr = open_file(pool, f, error);
	h->slide = slide;
	h->users = 1;
	h->shared = FALSE;
	h->in_slide.data = h->in_idle.data = h;
	g_mutex_lock(&pool->lock);
	if (h->osr != NULL) {
		g_queue_push_head_link(&f->handles, &h->in_slide);
	} else {
		pool->open--;
		g_clear_pointer(&h, g_free);
	}
	g_cond_broadcast(&pool->changed);
	g_mutex_unlock(&pool->lock);
	return h;
}

static void give_handle(struct handle *h, gboolean broken)
{
	struct slide_pool *pool = h->slide->pool;
	gboolean last;

	g_mutex_lock(&pool->lock);
	h->broken = h->broken || broken;
	last = --h->users == 0;
	if (last && h->broken) {
		g_queue_unlink(&facts_of(h->slide)->handles, &h->in_slide);
	} else if (last) {
		h->shared = FALSE;
		g_queue_push_tail_link(&pool->idle, &h->in_idle);
	}
	if (last && !h->broken)
		g_cond_broadcast(&pool->changed);
	last = last && h->broken;
	g_mutex_unlock(&pool->lock);
	if (last)
		close_handle(pool, h);
}

/* ---- a slide's facts ---- */

char *slide_id(const char *path)
{
	char *id = g_path_get_basename(path);
	char *dot = strrchr(id, '.');

	if (dot != NULL && dot != id)
		*dot = '\0';
	return id;
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
	h = take_handle(slide, TRUE, error);
	read = h != NULL && read_facts(h->osr, facts_of(slide), error);
	if (h != NULL)
		give_handle(h, !read);
	if (!read) {
		g_prefix_error(error, "slide '%s': ", slide->id);
		return NULL;
	}
	return g_steal_pointer(&slide);
}

void slide_close(struct slide *slide)
{
	struct facts *f = facts_of(slide);
	GQueue closing = G_QUEUE_INIT;

	if (slide == NULL)
		return;
	g_mutex_lock(&slide->pool->lock);
	while (f->handles.head != NULL) {
		struct handle *h = f->handles.head->data;

		g_warn_if_fail(h->users == 0);
		g_queue_unlink(&f->handles, &h->in_slide);
		leave_idle(slide->pool, h);
		g_queue_push_tail_link(&closing, &h->in_slide);
	}
	g_mutex_unlock(&slide->pool->lock);
	while (closing.head != NULL)
		close_handle(slide->pool, g_queue_pop_head_link(&closing)->data);
	g_free(slide->path);
	g_free(slide->id);
	g_free(slide->downsample);
	g_free(slide->quickhash);
	g_free(slide->vendor);
	g_free(f->level_width);
	g_free(f->level_height);
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

/*
 * A rectangle that lies on the slide, in level px. OpenSlide wants its corner in whole level-0 pixels; where
 * a level's downsample is no whole number the nearest is taken, less than half a level pixel away.
 *
 * A fault puts the handle in error for all who share it, so whoever shared it reads once more, alone:
 * only the tile at fault fails.
 */
static gboolean read_level(const struct request *r, gint64 u, gint64 v, gint64 w, gint64 h, guint32 *argb,
			   GError **error)
{
	double d = r->slide->downsample[r->level];

	for (gboolean alone = FALSE;; alone = TRUE) {
		GError *why = NULL;
		struct handle *handle = take_handle(r->slide, alone, &why);
		g_autofree char *words = NULL;
		gboolean shared;

		if (handle == NULL) {
			fail(r, FAULT_DATA, why->message, error);
			g_error_free(why);
			return FALSE;
		}
		openslide_read_region(handle->osr, argb, llround((double)u * d), llround((double)v * d), r->level, w,
				      h);
		words = g_strdup(openslide_get_error(handle->osr));
		g_mutex_lock(&r->slide->pool->lock);
		shared = handle->shared;
		g_mutex_unlock(&r->slide->pool->lock);
		give_handle(handle, words != NULL);
		if (words == NULL)
			return TRUE;
		if (alone || !shared)
			return fail(r, FAULT_DATA, words, error);
	}
}

/* The same of any rectangle: what is off the slide is transparent, as what was never scanned. */
static gboolean read_argb(const struct request *r, struct scratch *s, gint64 u, gint64 v, gint64 w, gint64 h,
			  GError **error)
{
	const struct facts *f = facts_of(r->slide);
	gint64 left = CLAMP(0, u, u + w), right = CLAMP(f->level_width[r->level], u, u + w);
	gint64 top = CLAMP(0, v, v + h), bottom = CLAMP(f->level_height[r->level], v, v + h);
	gsize width = (gsize)(right - left);
	guint32 *argb;

	s->argb = argb = room_for(s->argb, &s->argb_room, (gsize)(w * h), sizeof(*argb));
	if (argb == NULL)
		return fail(r, FAULT_ROOM, "no memory", error);
	if (right - left == w && bottom - top == h)
		return read_level(r, u, v, w, h, argb, error);
	memset(argb, 0, (gsize)(w * h) * sizeof(*argb));
	if (left >= right || top >= bottom)
		return TRUE;
	s->narrow = room_for(s->narrow, &s->narrow_room, width * (gsize)(bottom - top), sizeof(*argb));
	if (s->narrow == NULL)
		return fail(r, FAULT_ROOM, "no memory", error);
	if (!read_level(r, left, top, right - left, bottom - top, s->narrow, error))
		return FALSE;
	for (gint64 y = top; y < bottom; y++)
		memcpy(argb + (y - v) * w + (left - u), s->narrow + (gsize)(y - top) * width, width * sizeof(*argb));
	return TRUE;
}

/* 4 opaque words to 12 bytes, as three words: a third of the stores. */
static void convert_four(const guint32 *argb, guint8 *rgb)
{
	guint32 a = GUINT32_SWAP_LE_BE(argb[0] << 8), b = GUINT32_SWAP_LE_BE(argb[1] << 8),
		c = GUINT32_SWAP_LE_BE(argb[2] << 8), d = GUINT32_SWAP_LE_BE(argb[3] << 8);
	guint32 out[3] = { GUINT32_TO_LE(a | b << 24), GUINT32_TO_LE(b >> 8 | c << 16),
			   GUINT32_TO_LE(c >> 16 | d << 8) };

	memcpy(rgb, out, sizeof(out));
}

static guint8 whole(guint32 premultiplied, guint32 alpha)
{
	return (guint8)MIN(255, (premultiplied * 255 + alpha / 2) / alpha);
}

static void convert_one(guint32 argb, guint8 *rgb)
{
	guint32 alpha = argb >> 24;

	if (alpha == 0)
		argb = 0xffffffff;
	if (alpha == 0 || alpha == 255) {
		rgb[0] = (guint8)(argb >> 16);
		rgb[1] = (guint8)(argb >> 8);
		rgb[2] = (guint8)argb;
		return;
	}
	rgb[0] = whole(argb >> 16 & 255, alpha);
	rgb[1] = whole(argb >> 8 & 255, alpha);
	rgb[2] = whole(argb & 255, alpha);
}

void slide_convert(const guint32 *argb, gsize n, guint8 *rgb, guint8 *scanned)
{
	for (gsize i = 0, step; i < n; i += step) {
		guint32 opaque = 0xff000000;

		step = MIN(64, n - i);
		for (gsize k = 0; k < step; k++)
			opaque &= argb[i + k];
		if (opaque >> 24 == 255 && step == 64) {
			for (gsize k = 0; k < 64; k += 4)
				convert_four(argb + i + k, rgb + 3 * (i + k));
			if (scanned != NULL)
				memset(scanned + i, 255, 64);
			continue;
		}
		for (gsize k = i; k < i + step; k++) {
			convert_one(argb[k], rgb + 3 * k);
			if (scanned != NULL)
				scanned[k] = (guint8)(argb[k] >> 24);
		}
	}
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

/* ---- resampling: each pixel is a weighted mean of level pixels, along one axis and then the other ---- */

typedef float pixel __attribute__((vector_size(16)));   /* a channel each, premultiplied, in a word's bytes' order */
typedef guint8 bytes __attribute__((vector_size(4)));

#if G_BYTE_ORDER == G_LITTLE_ENDIAN
enum { BLUE, GREEN, RED, ALPHA };
#else
enum { ALPHA, RED, GREEN, BLUE };
#endif

/* What one pixel takes of the level along an axis: [first, last], the ends by their own weights, all between
   by `inner`; the weights sum to 1. */
struct tap {
	gint64 first, last;
	float at_first, inner, at_last;
};

/* Pixel i of an axis that starts at level position `start`, pixels `wide` level pixels each. */
static struct tap tap_at(double start, double wide, int i)
{
	struct tap t = { 0 };

	if (wide >= 1) { /* the mean over its area: ends count by how far it covers them */
		double from = start + i * wide, to = start + (i + 1) * wide;

		t.first = (gint64)floor(from);
		t.last = MAX(t.first, (gint64)ceil(to) - 1);
		t.inner = (float)(1 / wide);
		t.at_first = (float)((MIN(to, (double)t.first + 1) - from) / wide);
		t.at_last = t.last > t.first ? (float)((to - (double)t.last) / wide) : 0;
	} else { /* bilinear between the centres of level pixels */
		double at = start + (i + 0.5) * wide - 0.5;

		t.first = (gint64)floor(at);
		t.last = t.first + 1;
		t.at_last = (float)(at - (double)t.first);
		t.at_first = 1 - t.at_last;
	}
	return t;
}

static float weight(const struct tap *t, gint64 i)
{
	return i == t->first ? t->at_first : i == t->last ? t->at_last : t->inner;
}

static void add_row(pixel *sums, const guint32 *argb, gsize n, float by)
{
	pixel factor = { by, by, by, by };

	for (gsize i = 0; i < n; i++) {
		bytes b;

		memcpy(&b, &argb[i], sizeof(b));
		sums[i] += factor * __builtin_convertvector(b, pixel);
	}
}

static guint8 rounded(float value)
{
	return (guint8)CLAMP(value + 0.5f, 0, 255);
}

/* Colour is weighed by how much of it was scanned, so what was not does not darken its neighbours. */
static void store(pixel sum, guint8 *rgb, guint8 *scanned)
{
	float alpha = sum[ALPHA];
	gboolean any = rounded(alpha) > 0;

	rgb[0] = any ? rounded(sum[RED] * 255 / alpha) : 255;
	rgb[1] = any ? rounded(sum[GREEN] * 255 / alpha) : 255;
	rgb[2] = any ? rounded(sum[BLUE] * 255 / alpha) : 255;
	if (scanned != NULL)
		*scanned = rounded(alpha);
}

struct axes { /* of one read */
	double u, v;            /* corner, level px */
	double wide;            /* level px a pixel, a side */
};

/* Pixels [x0, x1) x [y0, y1) of the read. */
static gboolean resample_block(const struct request *r, const struct axes *a, int x0, int x1, int y0, int y1,
			       guint8 *rgb, guint8 *scanned, GError **error)
{
	struct scratch *s = scratch_get();
	gint64 left = tap_at(a->u, a->wide, x0).first, right = tap_at(a->u, a->wide, x1 - 1).last + 1;
	gint64 top = tap_at(a->v, a->wide, y0).first, bottom = tap_at(a->v, a->wide, y1 - 1).last + 1;
	gsize width = (gsize)(right - left);
	pixel *sums;

	if (!read_argb(r, s, left, top, right - left, bottom - top, error))
		return FALSE;
	s->sums = room_for(s->sums, &s->sums_room, width * 4, sizeof(float));
	if (s->sums == NULL)
		return fail(r, FAULT_ROOM, "no memory", error);
	sums = (pixel *)(void *)s->sums;
	for (int y = y0; y < y1; y++) {
		struct tap rows = tap_at(a->v, a->wide, y);

		memset(sums, 0, width * sizeof(*sums));
		for (gint64 v = rows.first; v <= rows.last; v++)
			add_row(sums, s->argb + (gsize)(v - top) * width, width, weight(&rows, v));
		for (int x = x0; x < x1; x++) {
			struct tap t = tap_at(a->u, a->wide, x);
			gsize at = (gsize)y * (gsize)r->w + (gsize)x;
			pixel sum = { 0 };

			for (gint64 u = t.first; u <= t.last; u++)
				sum += sums[u - left] * weight(&t, u);
			store(sum, rgb + 3 * at, scanned != NULL ? scanned + at : NULL);
		}
	}
	return TRUE;
}

static gboolean read_resampled(const struct request *r, double scale, guint8 *rgb, guint8 *scanned, GError **error)
{
	double d = r->slide->downsample[r->level];
	struct axes a = { r->x / d, r->y / d, scale / d };
	int columns = (int)CLAMP(sqrt(BLOCK_MAX) / a.wide - 2, 1, r->w), rows;

	if (r->w <= 2 * columns) /* a tile is one block, if it can be */
		columns = r->w;
	rows = (int)CLAMP(BLOCK_MAX / (columns * a.wide + 3) / a.wide - 3, 1, r->h);
	for (int y = 0; y < r->h; y += rows)
		for (int x = 0; x < r->w; x += columns)
			if (!resample_block(r, &a, x, MIN(x + columns, r->w), y, MIN(y + rows, r->h), rgb, scanned,
					    error))
				return FALSE;
	return TRUE;
}

/* The coarsest level that has the wanted detail. */
static int level_for(const struct slide *slide, double scale)
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
	struct request r = { slide, x, y, w, h, level_for(slide, scale) };
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
