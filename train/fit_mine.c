/* fit_mine.c - see fit_work.h: when hard samples are sought, and how many samples are judged for it. */
#include "common/log/log.h"
#include "common/log/stage.h"
#include "train/fit_work.h"

/* Judging a sample costs no more than learning from it: so this is the most of the time that it takes. */
static const double SHARE = 0.05;

static gboolean is_on(const struct fit *f)
{
	return f->settings->sampling.hard > 0 && f->work->task->sure != NULL && f->job->rehearse == 0;
}

/* By steps, not by a clock. */
static guint64 samples(const struct fit *f)
{
	return (guint64)(SHARE * (double)f->now.plan.epoch_steps * f->settings->sampling.mine_every * f->batch);
}

double fit_mine_guess(const struct fit *f)
{
	if (!is_on(f) || f->held_samples == 0)
		return 0;
	return f->now.costs.validation / (double)f->held_samples * (double)samples(f) / f->settings->sampling.mine_every;
}

void fit_use_hard(struct fit *f)
{
	sampler_set_hard(f->sampler, (const struct hard_sample *)(gpointer)f->hard->data, f->hard->len,
			 f->settings->sampling.hard, f->now.plan.epoch_steps * f->batch);
}

gboolean fit_mine(struct fit *f, GError **error)
{
	const gint64 every = f->settings->sampling.mine_every, epoch = f->now.epoch;
	struct scan scan = fit_scan(f, f->deadline);
	const double start = log_seconds();
	gboolean whole;
	guint found;
	char took[16];

	if (!is_on(f) || epoch == 0 || epoch % every != 0 || f->now.at > 0 || f->now.mined == epoch)
		return TRUE;
	g_autoptr(GArray) before = g_array_copy(f->hard);
	STAGE("judging");
	if (!mine_search(&scan, f->sampler, epoch, every, samples(f), f->hard, &whole, &found, error))
		return FALSE;
	if (fit_stopped(f, error)) {            /* it is done again */
		g_array_set_size(f->hard, 0);
		g_array_append_vals(f->hard, before->data, before->len);
		return FALSE;
	}
	fit_use_hard(f);
	f->now.mined = epoch;
	f->now.costs.mining = (log_seconds() - start) / (double)every;
	log_keep("mined", "mined epoch=%" G_GINT64_FORMAT " judged=%" G_GUINT64_FORMAT " found=%u hard=%u seconds=%s",
		 f->now.epochs_before + epoch + 1, scan.n_samples, found, f->hard->len, log_duration(log_seconds() - start, took));
	return TRUE;
}
