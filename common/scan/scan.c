/*
 * scan.c - see scan.h. A flight is a case on its way: prepared in a thread, its samples waiting, in
 * the loader or judged; a batch holds samples of several flights, named by tickets.
 */
#include "common/scan/scan.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/log/stage.h"
#include "common/machine/machine.h"
#include "common/machine/stop.h"
#include "common/model/input.h"
#include "common/score/attention.h"
#include "common/task/preparing.h"
#include "common/tensor/settled.h"
#include <math.h>

enum { LOOK_US = 2000 };        /* while a case is prepared and nothing else is to do: is the time over? */

struct flight {
	const struct scan *scan;
	guint item;
	gboolean prepared;
	int round;
	GArray *samples, *outputs, *targets;    /* struct sample; float (n, judged); float (n), the first of each */
	gsize back;                             /* samples whose outputs are there */
	gsize first;                            /* samples of its first round */
	gsize failed;
	gsize plain;                            /* samples; those behind them are its bag's; G_MAXSIZE: there is no bag yet */
	gsize bag;                              /* of these, how many were read */
	guint16 **features;                     /* (n_models) (bag, width) */
	GError *error;
};

struct ticket {
	struct flight *flight;
	gsize index;            /* of flight->samples */
};

struct state {
	struct scan *scan;
	scan_done done;
	void *context;
	struct loader *loader;
	struct preparing *preparer;     /* NULL: cases are ready */
	GQueue ready;           /* struct flight: where they are, those begun */
	struct waiting { GArray *tickets; guint first; } waiting[2]; /* struct ticket, from `first` on; [1]: coarse looks */
	gsize preparing, finished;
	GHashTable *open;       /* item: flight; handed to nobody yet */
	float *row;             /* outputs of a batch */
	guint16 **features;     /* (n_models) (batch, width) of a batch with samples of bags */
	scope *all;             /* open as long as the scan: weights are cast to bf16 once */
};

static void features_free(const struct scan *scan, guint16 **features)
{
	for (guint k = 0; features != NULL && k < scan->n_models; k++)
		g_free(features[k]);
	g_free(features);
}

static guint16 **features_new(const struct scan *scan, gsize rows)
{
	guint16 **features = g_new(guint16 *, scan->n_models);

	for (guint k = 0; k < scan->n_models; k++)
		features[k] = g_new(guint16, rows * (gsize)scan->models[k]->width);
	return features;
}

static void flight_free(struct flight *f)
{
	features_free(f->scan, f->features);
	g_array_unref(f->samples);
	g_array_unref(f->outputs);
	g_array_unref(f->targets);
	g_clear_error(&f->error);
	g_free(f);
}

static void start(struct state *st, guint item)
{
	struct flight *f = g_new0(struct flight, 1);

	f->scan = st->scan;
	f->item = item;
	f->plain = G_MAXSIZE;
	f->samples = g_array_new(FALSE, FALSE, sizeof(struct sample));
	f->outputs = g_array_new(FALSE, FALSE, sizeof(float));
	f->targets = g_array_new(FALSE, FALSE, sizeof(float));
	if (st->scan->begin != NULL)
		st->scan->begin(st->context, item);
	st->preparing++;
	g_hash_table_insert(st->open, GUINT_TO_POINTER(item), f);
	if (st->preparer != NULL)
		preparing_push(st->preparer, item);
	else
		g_queue_push_tail(&st->ready, f);
}

/* The next that is prepared, or given up; NULL: none yet. */
static struct flight *prepared(struct state *st)
{
	GError *error = NULL;
	guint item;

	if (st->preparer == NULL)
		return g_queue_pop_head(&st->ready);
	if (!preparing_pop(st->preparer, FALSE, &item, &error))
		return NULL;
	struct flight *f = g_hash_table_lookup(st->open, GUINT_TO_POINTER(item));
	f->error = error;
	f->prepared = TRUE;
	return f;
}

static gboolean finish(struct state *st, struct flight *f, GError **error)
{
	struct scan_case c = { f->item, &g_array_index(f->samples, struct sample, 0),
			       &g_array_index(f->outputs, float, 0), &g_array_index(f->targets, float, 0),
			       MIN(f->back, f->plain), f->failed, f->first, f->error, f->bag, (const guint16 *const *)f->features };
	gboolean ok = st->done == NULL || st->done(st->context, &c, error);

	if (st->scan->prepare)
		st->scan->work->task->release(st->scan->work, f->item);
	st->finished++;
	g_hash_table_remove(st->open, GUINT_TO_POINTER(f->item));      /* frees it */
	return ok;
}

/* What the samples of its bag are picked by; n: of these. */
static float *bag_ranks(const struct flight *f, gsize *n)
{
	const struct task *task = f->scan->work->task;

	if (f->first > 0 && task->bags != NULL && task->bags->ranks != NULL) {
		*n = f->samples->len;
		return task->bags->ranks(&g_array_index(f->samples, struct sample, 0), &g_array_index(f->outputs, float, 0), n);
	}
	float *ranks = g_new(float, f->first + 1);
	for (gsize i = 0; i < f->first; i++)
		ranks[i] = g_array_index(f->outputs, float, i * (gsize)task->judged);
	*n = f->first;
	return ranks;
}

/* Samples of its bag, once more. */
static void fill_bag(struct flight *f, GArray *out)
{
	gsize n;
	g_autofree float *ranks = bag_ranks(f, &n);
	g_autofree guint32 *picked = g_new(guint32, f->scan->bag);

	n = attention_pick(ranks, n, f->scan->bag, picked);
	for (gsize i = 0; i < n; i++) {
		struct sample s = g_array_index(f->samples, struct sample, picked[i]);
		s.coarse = 0;
		g_array_append_val(out, s);
	}
	f->plain = f->samples->len;
	f->features = features_new(f->scan, n);
}

static double share_of(const struct scan *scan, guint item)
{
	if (scan->most > 0)
		return MIN(1, (double)scan->most / (double)MAX(scan->work->task->samples(scan->work, item), 1));
	return scan->share > 0 ? scan->share : 1;
}

/* All its outputs are there: what next? */
static gboolean advance(struct state *st, struct flight *f, GError **error)
{
	struct scan *scan = st->scan;
	const struct task *task = scan->work->task;
	gsize before = f->samples->len;
	g_autoptr(GArray) more = g_array_new(FALSE, FALSE, sizeof(struct sample));

	gboolean usable = (f->round > 0 || f->error == NULL) && f->plain == G_MAXSIZE; /* else it could not be prepared, or is done */

	if (usable && scan->choose != NULL)
		scan->choose(st->context, f->item, f->round++, more);
	else if (usable && (scan->rounds == 0 || f->round < scan->rounds))
		task->next(scan->work, f->item, f->round++, share_of(scan, f->item),
			   &g_array_index(f->samples, struct sample, 0), &g_array_index(f->outputs, float, 0), before, more);
	if (before == 0)
		f->first = more->len;
	if (more->len == 0 && usable && scan->bag > 0)
		fill_bag(f, more);
	if (more->len == 0)
		return finish(st, f, error);
	g_array_append_vals(f->samples, more->data, more->len);
	g_array_set_size(f->outputs, f->samples->len * (guint)task->judged);
	g_array_set_size(f->targets, f->samples->len);
	/* a case that was begun goes before those behind it: else all that are under way would end together */
	guint at[] = { before > 0 ? st->waiting[0].first : st->waiting[0].tickets->len,
		       before > 0 ? st->waiting[1].first : st->waiting[1].tickets->len };
	g_autofree struct ticket *tickets = g_new(struct ticket, more->len);
	for (guint coarse = 0; coarse < G_N_ELEMENTS(at); coarse++) {
		guint n = 0;
		for (gsize i = before; i < f->samples->len; i++)
			if (g_array_index(f->samples, struct sample, i).coarse == coarse)
				tickets[n++] = (struct ticket){ f, i };
		g_array_insert_vals(st->waiting[coarse].tickets, at[coarse], tickets, n);
	}
	return TRUE;
}

static guint waiting(const struct waiting *w) { return w->tickets->len - w->first; }

/* Of what a batch can be made now, all of full looks or all of coarse ones: a whole one, or where nothing else is under
   way one of what there is. NULL: of none. */
static struct waiting *next_batch(struct state *st)
{
	struct waiting *full = &st->waiting[0], *coarse = &st->waiting[1];

	if (!loader_room(st->loader))
		return NULL;
	if (waiting(full) >= st->scan->batch || waiting(coarse) >= st->scan->batch)
		return waiting(full) >= st->scan->batch ? full : coarse;        /* full looks end cases */
	if (loader_pending(st->loader) > 0 || waiting(full) + waiting(coarse) == 0)
		return NULL;
	return waiting(full) > 0 ? full : coarse;
}

static void push(struct state *st, struct waiting *w)
{
	guint n = MIN(waiting(w), st->scan->batch);
	g_autofree struct sample *samples = g_new(struct sample, n);
	struct ticket *tickets = g_memdup2(&g_array_index(w->tickets, struct ticket, w->first), n * sizeof *tickets);

	for (guint i = 0; i < n; i++)
		samples[i] = g_array_index(tickets[i].flight->samples, struct sample, tickets[i].index);
	loader_push(st->loader, samples, n, tickets);
	w->first += n;
	if (w->first > w->tickets->len / 2) {   /* amortised: each ticket moves at most once */
		g_array_remove_range(w->tickets, 0, w->first);
		w->first = 0;
	}
}

/* What the classifier takes, (n, width), in 16 bits. */
static void read_features(scope *s, const tensor *x, guint n, int width, guint16 *out)
{
	const double most = 65504;      /* of such a number */

	t_read(s, t_to(s, t_clamp(s, x, -most, most), T_F16, T_CPU), out, n * (gsize)width * sizeof *out);
}

/* What the model says of values, in full or coarsely. */
static tensor *look(const struct scan *scan, scope *s, struct model *m, const tensor *values, const struct sample_shape *shape,
		    gboolean coarse, tensor **features_opt)
{
	if (coarse)
		return model_screen(m, s, input_screen(s, m, values, shape, scan->device));
	return model_forward(m, s, input_normalise(s, m, values, shape, scan->device), features_opt);
}

/* outputs: (n, judged); features_opt: from their row `at` on. FAULT_ROOM: there is no memory for n. */
static gboolean judge_part(struct scan *scan, scope *all, const guint8 *bytes, guint n, gboolean coarse, float *outputs,
			   guint16 *const *features_opt, gsize at, GError **error)
{
	const struct task *task = scan->work->task;
	const struct sample_shape shape = sample_shape_of(&scan->work->shape, coarse);

	SCOPE(root, all, 0);
	tensor *x = input_values(root, bytes, n, &shape, scan->device), *sum = NULL;
	for (guint k = 0; k < scan->n_models; k++) {
		SCOPE(s, root, 0);
		const gsize width = (gsize)scan->models[k]->width;
		tensor *features = NULL;
		tensor *y = look(scan, s, scan->models[k], x, &shape, coarse, features_opt != NULL ? &features : NULL);
		y = task->judge(scan->work, s, y);
		if (features_opt != NULL)
			read_features(s, features, n, (int)width, features_opt[k] + at * width);
		sum = scope_keep(root, sum == NULL ? y : t_add(s, sum, y));
	}
	if (scan->n_models > 1)
		sum = t_affine(root, sum, 1.0 / scan->n_models, 0);
	t_read(root, sum, outputs, n * (gsize)task->judged * sizeof *outputs);
	const gboolean ok = scope_settled(root, "network", FAULT_FAILED, error);
	if (scope_error(root, NULL) == SCOPE_NO_MEMORY)
		scope_forgive(root);    /* else it would be that of `all`, and of all that follows */
	return ok;
}

/* A batch as a whole, or in parts where there was no memory for more. outputs: (n, judged) */
static gboolean judge(struct scan *scan, scope *all, const struct batch *b, float *outputs, guint16 *const *features_opt,
		      GError **error)
{
	const gboolean coarse = b->samples[0].coarse != 0;
	const struct sample_shape shape = sample_shape_of(&scan->work->shape, coarse);
	const gsize size = sample_bytes(&shape);
	const gsize judged = (gsize)scan->work->task->judged;
	const guint wanted = MIN(scan->at_once, b->n);
	gint64 begin = g_get_monotonic_time();
	gboolean ok = TRUE;

	for (guint done = 0; ok && done < b->n;) {
		g_autoptr(GError) wrong = NULL;
		guint n = MIN(scan->at_once, b->n - done);

		if (judge_part(scan, all, b->bytes + done * size, n, coarse, outputs + done * judged, features_opt, done, &wrong)) {
			done += n;
		} else if (g_error_matches(wrong, FAULT, FAULT_ROOM) && n > 1) {
			scan->at_once = (n + 1) / 2;
			machine_release();
		} else {
			g_propagate_error(error, g_steal_pointer(&wrong));
			ok = FALSE;
		}
	}
	const double took = (double)(g_get_monotonic_time() - begin) / G_USEC_PER_SEC;
	scan->network_s += took;
	scan->coarse_s += coarse ? took : 0;
	if (ok && scan->at_once < wanted)
		log_warn("memory", "no memory for %u samples in the network at once: it gets %u from here on; give the %s "
			 "more memory, or --set inference.batch=%u", wanted, scan->at_once,
			 scan->device == T_CPU ? "container" : "GPU", scan->at_once);
	return ok;
}

static gboolean of_bag(const struct ticket *t) { return t->index >= t->flight->plain; }

static gboolean any_of_bag(const struct ticket *tickets, guint n)
{
	for (guint i = 0; i < n; i++)
		if (of_bag(&tickets[i]))
			return TRUE;
	return FALSE;
}

/* The features of row i of the batch. */
static void put_in_bag(const struct state *st, struct flight *f, guint i)
{
	for (guint k = 0; k < st->scan->n_models; k++) {
		gsize width = (gsize)st->scan->models[k]->width;
		memcpy(f->features[k] + f->bag * width, st->features[k] + i * width, width * sizeof **f->features);
	}
	f->bag++;
}

static gboolean take(struct state *st, GError **error)
{
	const struct task *task = st->scan->work->task;
	gsize judged = (gsize)task->judged, targets = (gsize)st->scan->work->shape.targets;
	const double waited = loader_waited(st->loader);
	int before = stage_enter("waiting");
	struct batch *b = loader_pop(st->loader);
	stage_leave(before);
	const gboolean coarse = b->samples[0].coarse != 0;
	st->scan->coarse_wait_s += coarse ? loader_waited(st->loader) - waited : 0;
	g_autofree struct ticket *tickets = b->tag;

	if (!judge(st->scan, st->all, b, st->row, any_of_bag(tickets, b->n) ? st->features : NULL, error)) {
		loader_recycle(st->loader, b);
		return FALSE;
	}
	for (guint i = 0; i < b->n; i++) {
		struct flight *f = tickets[i].flight;
		for (gsize k = 0; k < judged; k++)
			g_array_index(f->outputs, float, tickets[i].index * judged + k) =
				b->failed[i] != NULL ? NAN : st->row[i * judged + k];
		g_array_index(f->targets, float, tickets[i].index) = b->targets[i * targets];
		if (b->failed[i] == NULL && of_bag(&tickets[i])) {
			put_in_bag(st, f, i);
		} else if (b->failed[i] != NULL && !of_bag(&tickets[i])) {
			f->failed++;
			if (f->error == NULL)
				f->error = g_error_copy(b->failed[i]);
		}
		f->back++;
	}
	guint n = b->n;
	st->scan->n_samples += n;
	st->scan->n_coarse += coarse ? n : 0;
	loader_recycle(st->loader, b);
	/* each flight advances once, at its last sample of this batch, where its own are side by side: a round is queued at once */
	for (guint i = 0; i < n; i++) {
		struct flight *f = tickets[i].flight;
		gboolean last = (i + 1 == n || tickets[i + 1].flight != f) && f->back == f->samples->len;
		if (last && !advance(st, f, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean run(struct state *st, const guint *items, gsize n, GError **error)
{
	struct scan *scan = st->scan;
	gsize next = 0, ahead = scan->prepare ? scan->readers + 2 : 4;

	while (st->finished < n) {
		const double now = log_seconds();
		gboolean late = (scan->deadline > 0 && now + scan->batch_s > scan->deadline) || stop_asked() != NULL;
		while (!late && next < n && g_hash_table_size(st->open) < (next + scan->n_alone < n ? ahead : 1))
			start(st, items[next++]);
		gboolean idle = loader_pending(st->loader) == 0 && waiting(&st->waiting[0]) + waiting(&st->waiting[1]) == 0;
		if (late || (idle && st->preparing == 0))
			break;
		struct flight *f = prepared(st);
		if (f == NULL && idle) {
			STAGE("waiting");
			g_usleep(LOOK_US);
			continue;
		}
		if (f != NULL) {
			st->preparing--;
			if (!advance(st, f, error))
				return FALSE;
			continue;
		}
		struct waiting *ready = next_batch(st);
		if (ready != NULL) {
			push(st, ready);
			continue;
		}
		const guint64 coarse = scan->n_coarse;
		if (loader_pending(st->loader) > 0 && !take(st, error))
			return FALSE;
		/* coarse ones tell nothing of the others */
		scan->batch_s = MAX(log_seconds() - now, scan->n_coarse > coarse ? scan->batch_s : scan->batch_s / 2);
	}
	return TRUE;
}

gboolean scan_cases(struct scan *scan, const guint *items, gsize n, scan_done done, void *context,
		    GError **error)
{
	struct state st = { .scan = scan, .done = done, .context = context };

	st.loader = loader_new(scan->work, scan->batch, LOADER_DEPTH, scan->readers);
	if (scan->device != T_CPU)
		loader_pin(st.loader);
	g_queue_init(&st.ready);
	for (gsize i = 0; i < G_N_ELEMENTS(st.waiting); i++)
		st.waiting[i].tickets = g_array_new(FALSE, FALSE, sizeof(struct ticket));
	st.open = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)flight_free);
	st.row = g_new(float, scan->batch * (gsize)scan->work->task->judged);
	st.features = scan->bag > 0 ? features_new(scan, scan->batch) : NULL;
	if (scan->prepare)
		st.preparer = preparing_new(scan->work, scan->readers);
	scan->at_once = scan->at_once > 0 ? MIN(scan->at_once, scan->batch) : scan->batch;
	scan->network_s = scan->coarse_s = scan->wait_s = scan->coarse_wait_s = 0;
	scan->n_samples = scan->n_coarse = 0;

	st.all = scope_open(NULL, SCOPE_NO_GRAD | scan->flags);
	for (guint k = 0; k < scan->n_models; k++)
		model_answer_on(scan->models[k], scan->flags);
	gboolean ok = run(&st, items, n, error);
	scan->whole = st.finished == n;
	for (guint k = 0; k < scan->n_models; k++)
		model_answer_off(scan->models[k]);
	scope_close(st.all);
	scan->wait_s = loader_waited(st.loader);

	loader_cancel(st.loader);
	preparing_free(st.preparer);    /* waits for those under way, or gives them up */
	for (struct batch *b; (b = loader_pop(st.loader)) != NULL; loader_recycle(st.loader, b))
		g_free(b->tag);
	loader_free(st.loader);
	GHashTableIter iter;
	gpointer f;
	g_hash_table_iter_init(&iter, st.open);
	while (g_hash_table_iter_next(&iter, NULL, &f))
		if (((struct flight *)f)->prepared)
			scan->work->task->release(scan->work, ((struct flight *)f)->item);
	g_hash_table_unref(st.open);
	g_queue_clear(&st.ready);
	for (gsize i = 0; i < G_N_ELEMENTS(st.waiting); i++)
		g_array_unref(st.waiting[i].tickets);
	g_free(st.row);
	features_free(scan, st.features);
	return ok;
}
