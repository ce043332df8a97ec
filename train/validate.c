/* validate.c - see validate.h. */
#include "train/validate.h"
#include "common/log/log.h"
#include <math.h>

enum { SAMPLES_MOST = 2000000 };        /* that the AUC of samples is of, evenly: 24 bytes each */

struct gathering {
	struct work *work;
	guint64 seen, every;    /* samples; of which each `every`th is taken */
	struct validation *out;
	GArray *probability;    /* double */
	GArray *label;          /* guint8 */
};

static gboolean gather(void *context, const struct scan_case *c, GError **error)
{
	struct gathering *g = context;
	const struct task *task = g->work->task;
	gsize judged = (gsize)task->judged;

	(void)error;
	if (c->error != NULL)
		log_warn("validation", "validation: %s; %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " samples failed",
			 c->error->message, c->failed, c->n);
	if (c->n == c->failed)
		return TRUE;
	for (gsize i = 0; i < c->n; i++) {
		int truth = task->truth(c->targets + i);
		double p = 1 / (1 + exp(-(double)c->outputs[i * judged]));
		if (truth < 0 || !isfinite(p) || c->samples[i].variant != 0 || g->seen++ % g->every != 0)
			continue;
		guint8 label = (guint8)truth;
		g_array_append_val(g->probability, p);
		g_array_append_val(g->label, label);
	}
	double *features = g->out->features + g->out->n * (gsize)task->n_features;
	g->out->items[g->out->n] = c->item;
	task->features(g->work, c->item, c->samples, c->outputs, c->n, features);
	g->out->broken += isfinite(features[0]) ? 0 : 1;
	g->out->n++;
	return TRUE;
}

gboolean validate(struct scan *scan, const guint *items, gsize n, struct validation *out, GError **error)
{
	const struct task *task = scan->work->task;
	struct validation v = { .items = g_new0(guint, n), .features = g_new0(double, n * (gsize)task->n_features) };
	g_autoptr(GArray) probability = g_array_new(FALSE, FALSE, sizeof(double));
	g_autoptr(GArray) label = g_array_new(FALSE, FALSE, sizeof(guint8));
	struct gathering g = { .work = scan->work, .every = 1 + validation_samples(scan->work, items, n, scan->share) / SAMPLES_MOST,
			       .out = &v, .probability = probability, .label = label };
	double start = log_seconds();

	if (!scan_cases(scan, items, n, gather, &g, error)) {
		validation_clear(&v);
		return FALSE;
	}
	const double *p = &g_array_index(probability, double, 0);
	const guint8 *l = &g_array_index(label, guint8, 0);
	v.sample_auc = metrics_auc(p, l, label->len);
	v.sample_log_loss = metrics_log_loss(p, l, label->len);
	v.metric = task->measure(scan->work, v.items, v.n, v.features);
	v.seconds = log_seconds() - start;
	*out = v;
	return TRUE;
}

void validation_clear(struct validation *v)
{
	g_clear_pointer(&v->items, g_free);
	g_clear_pointer(&v->features, g_free);
	v->n = 0;
}

guint64 validation_samples(const struct work *work, const guint *items, gsize n, double share)
{
	guint64 sum = 0;

	for (gsize i = 0; i < n; i++) {
		g_autoptr(GArray) rounds = task_rounds(work, items[i], share > 0 ? share : 1);
		for (guint k = 0; k < rounds->len; k++)
			sum += g_array_index(rounds, guint64, k);
	}
	return sum;
}

double validation_rate(struct scan *scan, const guint *items, gsize n, double seconds)
{
	enum { MOST = 4096 };
	double best = 0;

	/* the first pass opens files, makes room and casts weights: of two, the faster counts */
	for (gsize i = 0; n > 0 && i < 2; i++) {
		struct scan probe = *scan;
		double start = log_seconds();
		probe.rounds = 1;
		probe.most = (guint64)CLAMP(best * seconds, SHARE_LEAST, MOST);
		if (!scan_cases(&probe, &items[i % n], 1, NULL, NULL, NULL))
			return 0;
		best = MAX(best, (double)probe.n_samples / MAX(log_seconds() - start, 1e-6));
	}
	return best;
}
