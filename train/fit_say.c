/* fit_say.c - see fit_work.h: what the fit says while it goes on, and what it keeps of each epoch. */
#include "common/log/log.h"
#include "train/fit_work.h"
#include <math.h>

/* Until the end of all members as planned; NAN before a step was measured. */
static double seconds_left(const struct fit *f)
{
	const struct plan_costs *costs = &f->now.costs;
	const struct plan *plan = &f->now.plan;
	const double others = (double)f->job->members - 1 - (double)f->now.member, deadline = f->job->deadline;
	const double left = (double)plan_left(plan, (guint)f->now.epoch, f->now.at) * costs->step +
			    (plan->epochs - (double)f->now.epoch) * (costs->validation + costs->mining) +
			    others * plan->epochs * ((double)plan->epoch_steps * costs->step + costs->validation + costs->mining);

	return costs->step <= 0 ? NAN : deadline > 0 ? MIN(left, deadline - log_seconds()) : left;
}

/* "7/15": of all epochs of all members, as far as is known; and behind it " member=2/3" where there are several. */
struct place { char text[96]; };
static struct place place_of(const struct fit *f, const struct state *now)
{
	const gint64 rest = (gint64)f->job->members - now->member;
	struct place p;
	int n = g_snprintf(p.text, sizeof p.text, "%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT, now->epochs_before + now->epoch + 1,
			   now->epochs_before + rest * now->plan.epochs);

	if (f->job->members > 1)
		g_snprintf(p.text + n, sizeof p.text - (gsize)n, " member=%" G_GINT64_FORMAT "/%u", now->member + 1, f->job->members);
	return p;
}

void fit_say_step(const struct fit *f)
{
	const struct state *now = &f->now;
	char left[16];

	log_progress("step n=%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT " epoch=%s loss=%.4f rate=%.3g gradient=%.3g "
		     "samples_per_s=%.1f wait=%.0f%% eta=%s", now->at, now->plan.epoch_steps, place_of(f, now).text,
		     now->loss_count > 0 ? now->loss_sum / (double)now->loss_count : NAN, fit_rate(f), f->gradient,
		     (double)f->samples / f->step_s, 100 * f->wait_s / f->step_s, log_duration(seconds_left(f), left));
}

/* What the epoch came to; of very many epochs, some: they are told, and nothing is decided by them. */
void fit_note_epoch(struct fit *f, const struct validation *v)
{
	enum { MOST = 2000 };
	const struct task *task = f->work->task;
	const struct { const char *name; double value; } numbers[] = {
		{ "loss", f->now.loss_sum / (double)MAX(f->now.loss_count, 1) },
		{ "rate", fit_rate(f) },
		{ "gradient", f->gradients > 0 ? f->gradient_sum / (double)f->gradients : NAN },
		{ "log_loss", v->sample_log_loss },
		{ task->sample_metric, v->sample_auc },
		{ task->metric, v->metric.value },
		{ "low", v->metric.low },
		{ "high", v->metric.high },
	};
	JsonObject *row = json_object_new();

	json_object_set_int_member(row, "epoch", f->now.epochs_before + f->now.epoch + 1);
	json_object_set_int_member(row, "member", f->now.member);
	json_object_set_int_member(row, "step", f->now.step);
	for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
		if (isfinite(numbers[i].value))
			json_object_set_double_member(row, numbers[i].name, numbers[i].value);
	for (guint i = json_array_get_length(f->history), full = i >= MOST; full && i > 1; i--)
		if (i % 2 == 0)
			json_array_remove_element(f->history, i - 1);
	json_array_add_object_element(f->history, row);
}

/* now: the state at the epoch's end, before it moved on. */
void fit_say_epoch(const struct fit *f, const struct state *now, const struct validation *v, gboolean saved)
{
	const struct task *task = f->work->task;
	double seconds = MAX(f->step_s - f->epoch_step_s, 1e-6);
	char took[16], highest[48] = "";

	if (saved && v->metric.value < f->now.peak.value)
		g_snprintf(highest, sizeof highest, " highest=%.4f", f->now.peak.value);
	log_row("epoch", saved, "epoch n=%s steps=%" G_GINT64_FORMAT " loss=%.4f rate=%.3g gradient=%.3g "
		"%s=%.4f log_loss=%.4f %s=%.4f interval=%.3f..%.3f cases=%" G_GSIZE_FORMAT " validation=%s samples_per_s=%.1f%s%s",
		place_of(f, now).text, now->step, now->loss_sum / (double)MAX(now->loss_count, 1), fit_rate(f),
		f->gradients > 0 ? f->gradient_sum / (double)f->gradients : NAN, task->sample_metric, v->sample_auc,
		v->sample_log_loss, task->metric, v->metric.value, v->metric.low, v->metric.high, v->n,
		log_duration(v->seconds, took), (double)(f->samples - f->epoch_samples) / seconds, saved ? " saved=best" : "", highest);
}

/* Why training ends here, and what is left of its time. */
void fit_say_ended(const struct fit *f)
{
	const double left = f->deadline - log_seconds();
	const gboolean all = f->deadline <= 0 || f->now.epoch >= fit_epochs_set(f->settings);
	g_autofree char *why = NULL;
	char rest[16], cost[16];

	if (all)
		why = g_strdup_printf("all epochs are done");
	else if (f->now.epoch >= f->now.plan.epochs)
		why = g_strdup_printf("the time was planned to end here");
	else
		why = g_strdup_printf("another epoch with its validation, %s, takes longer", log_duration(f->now.costs.validation, cost));
	log_keep("ended", "ended epochs=%" G_GINT64_FORMAT " left=%s why=\"%s\"", f->now.epoch,
		 f->deadline > 0 ? log_duration(MAX(left, 0), rest) : "unlimited", why);
}
