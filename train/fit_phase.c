/*
 * fit_phase.c - see fit_work.h: how training goes on, by its progress alone, so that a run that went on does the same.
 *
 * At first, where training.frozen says so, the head alone learns: a body that was trained before is not spoilt by what
 * a random head sends back. At last, in the closing share, where there is one, samples look more like those that will be
 * answered for, and labels are firmer; a schedule that falls has come down by then; the others come down here.
 */
#include "common/log/log.h"
#include "train/fit_work.h"
#include <math.h>

static const double CLOSING_STRENGTH = 0.25, CLOSING_SMOOTHING = 0.5, CLOSING_RATE = 0.3;

static gboolean is_closing(const struct fit *f)
{
	const double share = f->settings->training.closing;

	return share > 0 && f->now.plan.progress >= 1 - share;
}

double fit_rate(const struct fit *f)
{
	const enum schedule kind = f->settings->training.schedule;
	const gboolean falls = kind == SCHEDULE_COSINE || kind == SCHEDULE_ONE_CYCLE;
	const double factor = schedule_factor(kind, f->now.plan.progress, f->settings->training.warmup, (int)f->now.plateaus);

	return f->keeps ? 0 : optim_rate(f->settings) * factor * (!falls && is_closing(f) ? CLOSING_RATE : 1);
}

void fit_enter_phase(struct fit *f)
{
	const struct settings *s = f->settings;
	const gboolean closing = is_closing(f), frozen = f->frozen >= 1 || f->now.plan.progress < f->frozen;

	f->strength = closing ? CLOSING_STRENGTH : 1;
	f->smoothing = s->training.label_smoothing * (closing ? CLOSING_SMOOTHING : 1);
	if (frozen == (f->optim->thawed < 0))
		return;
	optim_freeze(f->optim, frozen);
	f->now.timed = 0;       /* steps cost more or less from here on */
	if (f->job->rehearse == 0)
		log_keep("frozen", "frozen epoch=%" G_GINT64_FORMAT " step=%" G_GINT64_FORMAT " learns=%s",
			 f->now.epochs_before + f->now.epoch + 1, f->now.at + 1,
			 f->keeps ? "nothing" : frozen ? "head" : "all");
}
