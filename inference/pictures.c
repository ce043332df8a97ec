/* pictures.c - see pictures.h. */
#include "inference/pictures.h"
#include "common/log/log.h"
#include "common/machine/jobs.h"
#include "common/machine/stop.h"
#include <errno.h>

enum {
	NICE = 10,              /* scoring comes first */
	PATIENCE = 60,          /* s: what hangs must not keep the program from its end */
};
static const char ON[] = "the answers are as they would be without";

struct drawing {                /* a job, and what it needs of a case; the scan keeps nothing */
	struct work *work;
	guint item;
	double share;
	struct sample *samples;
	float *outputs;         /* (n, judged) */
	gsize n;
	gboolean unread;        /* why is said already */
	char *path;
	GError *error;
};

struct pictures {
	struct work *work;
	char *folder;
	struct jobs *jobs;
	GHashTable *drawings;   /* struct drawing: those that are not done */
	gsize *seen;            /* (n_cases) samples of the last drawing + 1 */
	guint drawn, failed;
	gboolean ended;         /* no more are drawn, which was said */
};

static void drawing_free(gpointer data)
{
	struct drawing *d = data;

	g_free(d->samples);
	g_free(d->outputs);
	g_free(d->path);
	g_clear_error(&d->error);
	g_free(d);
}

/* The job: it has its drawing to itself until it is popped; one that is given up is left. */
static void draw(gpointer data)
{
	struct drawing *d = data;

	d->work->task->picture(d->work, d->item, d->share, d->samples, d->outputs, d->n, d->path, &d->error);
}

/* ---- what became of it ---- */

static void end(struct pictures *p, const char *why)
{
	if (!p->ended)
		log_warn("picture", "%s; no more pictures are drawn, %s", why, ON);
	p->ended = TRUE;
	jobs_cancel(p->jobs);
}

/* Its thread may still use it, and the work. */
static void leave(struct pictures *p, struct drawing *d)
{
	const struct work *w = p->work;
	g_autofree char *why = g_strdup_printf("%s '%s': its picture was not done in time", w->task->noun, w->cases[d->item].id);

	end(p, why);
	p->work->n_given_up++;
	g_hash_table_steal(p->drawings, d);
	jobs_leave(d);
}

static void settle(struct pictures *p, struct drawing *d, gboolean late)
{
	p->failed += late || d->error != NULL;
	if (late) {
		leave(p, d);
		return;
	}
	if (d->error == NULL)
		p->drawn++;
	else if (d->error->domain == G_FILE_ERROR)
		end(p, d->error->message);
	else if (!d->unread && !p->ended)
		log_warn("picture", "%s; it has no picture, %s", d->error->message, ON);
	g_hash_table_remove(p->drawings, d);
}

static gboolean settle_next(struct pictures *p, gboolean wait)
{
	gpointer drawing;
	gboolean late;

	if (!jobs_pop(p->jobs, wait, &drawing, &late))
		return FALSE;
	settle(p, drawing, late);
	return TRUE;
}

/* ---- from the first case to the last ---- */

struct pictures *pictures_new(struct work *w)
{
	static const struct jobs_kind kind = { .name = "draw", .nice = NICE, .work = draw };
	g_autofree char *folder = g_build_filename(w->settings->paths.model, "pictures", NULL);

	if (!w->settings->pictures.heat || w->task->picture == NULL)
		return NULL;
	if (g_mkdir_with_parents(folder, 0755) != 0) {
		log_warn("picture", "cannot make '%s': %s; no pictures are drawn, %s", folder, g_strerror(errno), ON);
		return NULL;
	}
	struct pictures *p = g_new0(struct pictures, 1);
	p->work = w;
	p->folder = g_steal_pointer(&folder);
	p->jobs = jobs_new(1, w->patience > 0 ? MIN(w->patience, PATIENCE) : PATIENCE, &kind, NULL);
	p->drawings = g_hash_table_new_full(NULL, NULL, drawing_free, NULL);
	p->seen = g_new0(gsize, w->n_cases + 1);
	return p;
}

/* Of all samples that the case has at first, those that were taken: further looks at some of them cover no more of it. */
static double share_of(struct work *w, const struct scan_case *c)
{
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct sample));

	if (c->first > 0)
		w->task->next(w, c->item, 0, 1, NULL, NULL, 0, all);
	return all->len > 0 ? MIN(1, (double)c->first / all->len) : 1;
}

void pictures_take(struct pictures *p, const struct scan_case *c)
{
	if (p == NULL)
		return;
	while (settle_next(p, FALSE))
		;
	struct work *w = p->work;
	const gsize read = c->n - c->failed;
	if (p->ended || read < p->seen[c->item] || case_given_up(w, c->item, NULL))
		return;
	p->seen[c->item] = read + 1;
	g_autofree char *name = g_strconcat(w->cases[c->item].id, ".png", NULL);
	struct drawing *d = g_new0(struct drawing, 1);
	*d = (struct drawing){ .work = w, .item = c->item, .share = share_of(w, c), .n = c->n, .unread = read == 0,
			       .samples = g_memdup2(c->samples, c->n * sizeof *c->samples),
			       .outputs = g_memdup2(c->outputs, c->n * (gsize)w->task->judged * sizeof *c->outputs),
			       .path = g_build_filename(p->folder, name, NULL) };
	g_hash_table_add(p->drawings, d);
	jobs_push(p->jobs, d);
}

void pictures_finish(struct pictures *p)
{
	if (p == NULL)
		return;
	do {
		if (stop_asked() != NULL || jobs_hurry())
			jobs_cancel(p->jobs);
	} while (settle_next(p, TRUE));
	log_say("pictures drawn=%u failed=%u left=%u seconds=%.1f", p->drawn, p->failed, g_hash_table_size(p->drawings),
		jobs_busy(p->jobs));
	jobs_free(p->jobs);
	g_hash_table_unref(p->drawings);
	g_free(p->seen);
	g_free(p->folder);
	g_free(p);
}
