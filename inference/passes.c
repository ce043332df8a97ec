/* passes.c - see passes.h. */
#include "inference/passes.h"
#include "common/log/log.h"
#include "common/log/stage.h"
#include "common/machine/jobs.h"
#include "common/machine/machine.h"
#include "common/machine/stop.h"
#include "inference/pictures.h"

/* Of the time that is left, this much is planned with: a pass may be slower than the one before it. */
static const double PLANNED = 0.9;

static void say_plan(guint pass, const struct plan *p, const struct work *w, double left)
{
	const struct settings *s = w->settings;
	const double effort = work_coarse_first(w) ? s->inference.effort : 1;
	char needs[16], rest[16];

	if (pass == 1)
		log_row("plan", TRUE, "plan pass=1 share=%.4g turns=1 cases=%u effort=%.3g left=%s", p->share, p->n, effort,
			isinf(left) ? "unlimited" : log_duration(left, rest));
	else
		log_row("plan", TRUE, "plan pass=%u share=%.4g turns=%d cases=%u effort=%.3g samples=%" G_GUINT64_FORMAT " needs=%s left=%s", pass, p->share,
			p->rounds == 0 ? s->inference.turns : 1, p->n, effort, p->samples, log_duration(p->seconds, needs),
			isinf(left) ? "unlimited" : log_duration(left, rest));
}

struct takers { struct answers *answers; struct pictures *pictures; struct colours *colours; };

static void begin(void *context, guint item) { answers_case_begin(((const struct takers *)context)->answers, item); }

static gboolean take(void *context, const struct scan_case *c, GError **error)
{
	const struct takers *to = context;

	pictures_take(to->pictures, c);
	colours_take(to->colours, c->item);
	return answers_take(to->answers, c, error);
}

/* A look in the network, coarse or in full, and the waiting for it. The next pass begins no batch that would end late; how
   long this one waited, as for a read that hung, says nothing of that. */
static void rate_of(struct scan *scan, struct plan_rate *rate)
{
	const double coarse = (double)scan->n_coarse, full = (double)scan->n_samples - coarse;
	const double look = (scan->network_s - scan->coarse_s) / MAX(full, 1), wait = (scan->wait_s - scan->coarse_wait_s) / MAX(full, 1);

	rate->more_s = look + wait;
	rate->sample_s = coarse > 0 ? (scan->coarse_s + scan->coarse_wait_s) / coarse : rate->more_s;
	scan->batch_s = look * scan->batch;
}

/* One pass; rate: what it cost. */
static gboolean scan_pass(struct scan *scan, guint pass, const struct plan *p, struct takers *to, struct plan_rate *rate,
			  GError **error)
{
	double start = log_seconds();

	scan->share = p->share;
	scan->rounds = p->rounds;
	scan->n_alone = answers_put_last(to->answers, p->items, p->n);
	scan->bag = p->share >= 1 && p->rounds == 0 ? answers_bag(to->answers) : 0;
	STAGE("computing");
	answers_begin(to->answers, p->share, p->rounds);
	gboolean ok = scan_cases(scan, p->items, p->n, take, to, error);
	double took = MAX(log_seconds() - start, 1e-6), busy = scan->network_s + scan->wait_s;
	log_row("scanned", TRUE, "scanned pass=%u samples=%" G_GUINT64_FORMAT " coarse=%" G_GUINT64_FORMAT
		" samples_per_s=%.1f network=%.0f%% waiting=%.0f%% seconds=%.1f peak_memory_mb=%.0f", pass, scan->n_samples,
		scan->n_coarse, (double)scan->n_samples / took, 100 * scan->network_s / took, 100 * scan->wait_s / took, took,
		(double)machine_memory_peak() / 1e6);
	rate_of(scan, rate);
	rate->case_s = MAX(took - busy, 0) / MAX(p->n, 1);
	return ok;
}

static double left_of(double deadline) { return deadline > 0 ? deadline - log_seconds() : INFINITY; }

/* Cases that could be read before may be there again after a while: as long as one read is waited for, in all tries together,
   and a small part of the time. */
static void await_those_away(const struct work *w, guint n, double left)
{
	const double wait = MIN(work_patience(w) / 10, left / 20);

	if (n == 0 || wait <= 0 || stop_asked() != NULL)
		return;
	log_warn("case", "%u %ss that were read before cannot be read any more: is '%s' still there? They are tried again in %.0f s", n,
		 w->task->noun, w->settings->paths.test, wait);
	STAGE("waiting");
	for (double from = log_seconds(); log_seconds() - from < wait && stop_asked() == NULL;)
		g_usleep(G_USEC_PER_SEC / 10);
}

/* Runs are killed for want of memory, most often: each has half of what the one before had on its way. */
static guint half_each(guint n, guint killed) { return MAX(n >> MIN(killed, 31), 1); }

gboolean passes_run(struct work *w, struct model *const *models, guint n_models, const struct device *device,
		    const struct memory *memory, struct answers *a, struct colours *colours, GError **error)
{
	const struct settings *s = w->settings;
	const guint killed = answers_killed(a);
	struct scan scan = { .work = w, .models = models, .n_models = n_models, .device = device->index, .flags = device->flags,
			     .batch = half_each(memory->judged, killed), .readers = half_each(memory->readers, killed), .prepare = TRUE,
			     .begin = begin, .deadline = log_deadline(s->inference.time) };
	g_autofree struct plan_case *cases = g_new(struct plan_case, w->n_cases + 1);
	struct takers to = { a, pictures_new(w), colours };
	struct plan plan;
	gboolean ok = TRUE;

	if (killed > 0)
		log_warn("killed", "inference was killed %u time%s before this: it goes on from what it answered, with %u samples in the network "
			 "at once and %u threads that read", killed, killed == 1 ? "" : "s", scan.batch, scan.readers);
	if (scan.deadline > 0)
		jobs_hurry_after(left_of(scan.deadline));
	answers_cases(a, cases);
	plan_first(cases, w->n_cases, work_coarse_first(w) ? 2 : 1, &plan);
	for (guint pass = 1; ok && plan.n > 0 && stop_asked() == NULL && left_of(scan.deadline) > 0; pass++) {
		g_autoptr(GError) unwritten = NULL;
		struct plan_rate rate;
		double share = plan.share;

		say_plan(pass, &plan, w, left_of(scan.deadline));
		ok = scan_pass(&scan, pass, &plan, &to, &rate, error);
		if (!answers_write(a, &unwritten))
			log_warn("answer", "%s; what was written before stays, and it is tried again", unwritten->message);
		plan_clear(&plan);
		if (ok && !scan.whole && scan.n_samples == 0)
			break;  /* what is left is less than a batch takes */
		answers_cases(a, cases);
		if (ok)
			await_those_away(w, answers_away(a), left_of(scan.deadline));
		plan_next(cases, w->n_cases, rate, PLANNED * left_of(scan.deadline), share, &plan);
	}
	plan_clear(&plan);
	STAGE("drawing");
	pictures_finish(to.pictures);
	return ok;
}
