/* handles.c - see handles.h. One lock; files are opened, closed and read without it. */
#include "common/slide/handles.h"
#include "common/fault/fault.h"
#include <errno.h>
#include <glib/gstdio.h>

#ifdef OPENSLIDE_PROPERTY_NAME_ICC_SIZE /* first in 4.0, as is the cache that handles share */
#define SHARED_CACHE
#define SHARED_CACHE_MAX (256ull << 20) /* bytes */
#endif
#define HANDLE_CACHE (32ull << 20)      /* what 3.4.1 gives each handle */
#define HANDLE_INDEX (17ull << 20)      /* 210 bytes a photo were measured, and 90 of mirax.c; some 50,000 of them */
#define MIRAX_CACHE (32ull << 20)       /* of decoded images, of all slides together so much for each handle of OpenSlide */
enum { WEIGHT_DIRECT = 1, WEIGHT_FULL = 10 }; /* 5 MiB, and HANDLE_INDEX + HANDLE_CACHE */

#define LOOK_US (G_USEC_PER_SEC / 10)   /* how often who waits looks for handles that hang */

struct slide_pool {
	GMutex lock;
	GCond changed;
	gint64 patience;        /* us; 0: none */
	guint most, weight;     /* of the handles that are open, being opened or being closed */
	guint open;             /* so many they are */
	struct mirax_cache *images;
	GQueue all;             /* of handles: those that `open` counts, and those counted out */
	GQueue idle;            /* of handles; least recently used first */
	GQueue waiting;         /* of tickets; who waits longest is served first */
#ifdef SHARED_CACHE
	openslide_cache_t *cache;
#endif
};

struct slide_pool *slide_pool_new(guint most)
{
	struct slide_pool *pool = g_new0(struct slide_pool, 1);

	g_mutex_init(&pool->lock);
	g_cond_init(&pool->changed);
	pool->most = MAX(most, 1) * WEIGHT_FULL;
	pool->images = mirax_cache_new(MAX(most, 1) * MIRAX_CACHE);
	g_queue_init(&pool->all);
	g_queue_init(&pool->idle);
	g_queue_init(&pool->waiting);
#ifdef SHARED_CACHE
	pool->cache = openslide_cache_create((size_t)MIN(SHARED_CACHE_MAX, MAX(most, 1) * HANDLE_CACHE));
#endif
	return pool;
}

void slide_pool_set_patience(struct slide_pool *pool, double patience)
{
	pool->patience = (gint64)(patience * G_USEC_PER_SEC);
}

guint64 slide_pool_bytes(guint most)
{
#ifdef SHARED_CACHE
	return most * (HANDLE_INDEX + MIRAX_CACHE) + MIN(SHARED_CACHE_MAX, most * HANDLE_CACHE);
#else
	return most * (HANDLE_INDEX + MIRAX_CACHE + HANDLE_CACHE);
#endif
}

void slide_pool_free(struct slide_pool *pool)
{
	if (pool == NULL)
		return;
	g_return_if_fail(pool->open == 0);
#ifdef SHARED_CACHE
	openslide_cache_release(pool->cache);
#endif
	mirax_cache_free(pool->images);
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

static openslide_t *open_file(struct slide_pool *pool, const struct facts *f, const char *path, GError **error)
{
	const char *words;
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

/* A copy that is no good, or not wanted any more; under the lock. */
static void forget_copy(struct facts *f)
{
	g_clear_pointer(&f->copy, g_free);
}

static void close_files(struct handle *h)
{
	if (h->osr != NULL)
		openslide_close(h->osr);
	mirax_close(h->mirax);
}

/* By mirax.h, if it is still the slide that was opened first. */
static struct mirax *open_direct(struct slide_pool *pool, struct facts *f, const char *path)
{
	struct mirax *m = mirax_open(path, pool->images);

	g_mutex_lock(&pool->lock);
	if (m != NULL && f->sum == 0)
		f->sum = mirax_sum(m);
	const gboolean same = m != NULL && f->sum == mirax_sum(m);
	g_mutex_unlock(&pool->lock);
	if (same)
		return m;
	mirax_close(m);
	return NULL;
}

/* From its copy, if there is one and it is good. */
static void open_files(struct slide_pool *pool, struct facts *f, struct handle *h, GError **error)
{
	g_mutex_lock(&pool->lock);
	g_autofree char *copy = g_strdup(f->copy);
	g_mutex_unlock(&pool->lock);
	if (h->weight == WEIGHT_DIRECT) {
		h->copied = copy != NULL;
		h->mirax = open_direct(pool, f, copy != NULL ? copy : f->slide.path);
		return;
	}
	h->osr = copy != NULL ? open_file(pool, f, copy, NULL) : NULL;
	h->copied = h->osr != NULL;
	if (copy != NULL && !h->copied) {
		g_mutex_lock(&pool->lock);
		forget_copy(f);
		g_mutex_unlock(&pool->lock);
	}
	if (!h->copied)
		h->osr = open_file(pool, f, f->slide.path, error);
	if (h->osr != NULL)
		h->mirax = open_direct(pool, f, h->copied ? copy : f->slide.path);
}

/* Those that wait, if any do, that something changed; under the lock. A call of the system, which most reads need not make. */
static void tell(struct slide_pool *pool)
{
	if (pool->waiting.head != NULL)
		g_cond_broadcast(&pool->changed);
}

/* Takes an idle handle out of the pool, to be used or closed; under the lock. */
static void leave_idle(struct slide_pool *pool, struct handle *h)
{
	g_queue_unlink(&pool->idle, &h->in_idle);
}

/* A place in the pool, to open a handle in; under the lock. */
static struct handle *new_handle(struct slide_pool *pool, struct slide *slide, guint weight)
{
	struct handle *h = g_new0(struct handle, 1);

	h->slide = slide;
	h->users = 1;
	h->since = g_get_monotonic_time();
	h->in_slide.data = h->in_idle.data = h->in_pool.data = h;
	g_queue_push_tail_link(&pool->all, &h->in_pool);
	h->weight = weight;
	pool->weight += weight;
	pool->open++;
	return h;
}

/* Under the lock. */
static void uncount(struct slide_pool *pool, const struct handle *h)
{
	if (h->out)
		return;
	pool->open--;
	pool->weight -= h->weight;
}

/* Under the lock; the handle is the caller's then. */
static void leave_pool(struct slide_pool *pool, struct handle *h)
{
	g_queue_unlink(&pool->all, &h->in_pool);
	uncount(pool, h);
	tell(pool);
}

/* Handles that hang make room for others. Should one come back, it is closed. Under the lock. */
static void count_out(struct slide_pool *pool)
{
	gint64 now = g_get_monotonic_time();

	for (GList *l = pool->all.head; l != NULL; l = l->next) {
		struct handle *h = l->data;

		if (h->out || h->since == 0 || now - h->since <= pool->patience)
			continue;
		uncount(pool, h);
		h->out = h->broken = TRUE;
	}
}

/* Closes a handle that nobody else can reach any more. Without the lock: it takes a while. */
static void close_handle(struct slide_pool *pool, struct handle *h)
{
	close_files(h);
	g_mutex_lock(&pool->lock);
	leave_pool(pool, h);
	g_mutex_unlock(&pool->lock);
	g_free(h);
}

/* One of the slide's own that may be taken. */
static struct handle *own_handle(struct facts *f, enum handle_kind kind, gboolean idle)
{
	for (GList *l = f->handles.head; l != NULL; l = l->next) {
		struct handle *h = l->data;

		if (!h->broken && !h->alone && (h->users == 0) == idle && (kind == HANDLE_DIRECT ? h->mirax != NULL : h->osr != NULL))
			return h;
	}
	return NULL;
}

/* Takes idle handles out of the pool, to be closed, until there is room for one more; FALSE, and none, where there cannot be.
   Under the lock. */
static gboolean make_room(struct slide_pool *pool, guint weight, GQueue *closing)
{
	guint left = pool->weight;

	for (GList *l = pool->idle.head; l != NULL && left + weight > pool->most; l = l->next)
		left -= ((struct handle *)l->data)->weight;
	if (left + weight > pool->most)
		return FALSE;
	while (pool->weight + weight > pool->most) {
		struct handle *h = pool->idle.head->data;
		leave_idle(pool, h);
		g_queue_unlink(&facts_of(h->slide)->handles, &h->in_slide);
		leave_pool(pool, h);
		g_queue_push_tail_link(closing, &h->in_pool);
	}
	return TRUE;
}

/* One attempt, under the lock: a handle to read with, or one to open (*opened FALSE), maybe in place of some to
   close first; NULL when there is neither. */
static struct handle *try_take(struct slide_pool *pool, struct slide *slide, enum handle_kind kind, GQueue *closing, gboolean *opened)
{
	struct facts *f = facts_of(slide);
	struct handle *h = own_handle(f, kind, TRUE);
	const guint weight = kind == HANDLE_DIRECT ? WEIGHT_DIRECT : WEIGHT_FULL;

	*opened = TRUE;
	if (h != NULL) {
		leave_idle(pool, h);
	} else if (kind != HANDLE_ALONE && (h = own_handle(f, kind, FALSE)) != NULL) {
		h->shared = TRUE;
	} else {
		*opened = FALSE;
		return make_room(pool, weight, closing) ? new_handle(pool, slide, weight) : NULL;
	}
	h->users++;
	h->alone = kind == HANDLE_ALONE;
	h->since = g_get_monotonic_time();
	return h;
}

/* Under the lock. */
static void wait_for_change(struct slide_pool *pool)
{
	if (pool->patience == 0) {
		g_cond_wait(&pool->changed, &pool->lock);
		return;
	}
	g_cond_wait_until(&pool->changed, &pool->lock, g_get_monotonic_time() + LOOK_US);
	count_out(pool);
}

/* A thread waits only while it holds no handle, and whoever waits longest is served before anyone may share
   again, so every wait ends when the reads that run now do, or are counted out. */
struct handle *handle_take(struct slide *slide, enum handle_kind kind, GError **error)
{
	struct slide_pool *pool = slide->pool;
	struct facts *f = facts_of(slide);
	struct handle *h = NULL;
	GQueue closing = G_QUEUE_INIT;
	GList ticket = { 0 };
	gboolean opened;

	g_mutex_lock(&pool->lock);
	g_queue_push_tail_link(&pool->waiting, &ticket);
	while (pool->waiting.head != &ticket || (h = try_take(pool, slide, kind, &closing, &opened)) == NULL)
		wait_for_change(pool);
	g_queue_unlink(&pool->waiting, &ticket);
	tell(pool);
	g_mutex_unlock(&pool->lock);
	if (opened)
		return h;

	while (closing.head != NULL) {
		struct handle *old = g_queue_pop_head_link(&closing)->data;
		close_files(old);
		g_free(old);
	}
	open_files(pool, f, h, error);
	g_mutex_lock(&pool->lock);
	if (h->osr != NULL || h->mirax != NULL) {
		h->alone = kind == HANDLE_ALONE;
		g_queue_push_head_link(&f->handles, &h->in_slide);
		tell(pool);
	} else {
		leave_pool(pool, h);
		g_clear_pointer(&h, g_free);
	}
	g_mutex_unlock(&pool->lock);
	return h;
}

gboolean handle_give(struct handle *h, gboolean broken)
{
	struct slide_pool *pool = h->slide->pool;
	gboolean closing = FALSE, shared;

	g_mutex_lock(&pool->lock);
	shared = h->shared;
	h->broken = h->broken || broken;
	if (broken && h->copied && h->osr != NULL)      /* mirax.h refuses also what OpenSlide reads */
		forget_copy(facts_of(h->slide));
	h->alone = FALSE;
	if (--h->users == 0) {
		closing = h->broken;
		h->shared = FALSE;
		h->since = 0;
		if (closing)
			g_queue_unlink(&facts_of(h->slide)->handles, &h->in_slide);
		else
			g_queue_push_tail_link(&pool->idle, &h->in_idle);
		tell(pool);
	}
	g_mutex_unlock(&pool->lock);
	if (closing)
		close_handle(pool, h);
	return shared;
}

/* Handles that are in use are closed as soon as they are given back. */
void slide_move(struct slide *slide, const char *copy)
{
	struct slide_pool *pool = slide->pool;
	struct facts *f = facts_of(slide);
	GQueue closing = G_QUEUE_INIT;

	g_mutex_lock(&pool->lock);
	forget_copy(f);
	f->copy = g_strdup(copy);
	for (GList *l = f->handles.head, *next; l != NULL; l = next) {
		struct handle *h = l->data;

		next = l->next;
		h->broken = TRUE;
		if (h->users > 0)
			continue;
		g_queue_unlink(&f->handles, &h->in_slide);
		leave_idle(pool, h);
		g_queue_push_tail_link(&closing, &h->in_slide);
	}
	g_mutex_unlock(&pool->lock);
	while (closing.head != NULL)
		close_handle(pool, g_queue_pop_head_link(&closing)->data);
}

gboolean slide_moved(struct slide *slide)
{
	g_mutex_lock(&slide->pool->lock);
	const gboolean moved = facts_of(slide)->copy != NULL;
	g_mutex_unlock(&slide->pool->lock);
	return moved;
}

void handles_close(struct slide *slide)
{
	slide_move(slide, NULL);
	g_warn_if_fail(facts_of(slide)->handles.head == NULL);
}
