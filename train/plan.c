/* plan.c - see plan.h. */
#include "train/plan.h"
#include <math.h>

struct plan plan_new(guint epochs, gint64 epoch_steps)
{
	struct plan p = { .set_epochs = MAX(epochs, 1), .set_steps = MAX(epoch_steps, 1) };

	p.epochs = epochs < PLAN_OPEN ? p.set_epochs : PLAN_EPOCHS;
	p.epoch_steps = p.set_steps;
	return p;
}

void plan_thin(struct plan *p, guint batch, guint64 judged)
{
	const guint least = MIN(3, p->set_epochs);
	const double step = 3.0 * batch; /* in passes forward: one back takes as long as two */
	const gint64 all = MAX(p->set_epochs * p->set_steps, (gint64)ceil((double)(least * judged) / step));
	const guint n = (guint)CLAMP(step * (double)all / (double)MAX(judged, 1), least, p->set_epochs);

	p->epochs = p->set_epochs = n;
	p->epoch_steps = p->set_steps = (all + n - 1) / n;
}

gint64 plan_left(const struct plan *p, guint epoch, gint64 at)
{
	return MAX((gint64)(p->epochs - MIN(epoch, p->epochs)) * p->epoch_steps - at, 0);
}

void plan_fit(struct plan *p, guint epoch, gint64 at, double left, struct plan_costs c)
{
	gint64 rest = MAX(p->set_epochs, epoch + 1) - epoch; /* epochs, this one among them */
	double beside = c.validation + c.mining, whole = (double)p->set_steps * c.step + beside;
	double done = (double)at * c.step;

	p->epochs = epoch + (guint)rest;
	p->epoch_steps = MAX(p->set_steps, at);
	if (!(whole > 0) || left + done >= (double)rest * whole)
		return;
	/* fewer epochs, while three are left in all; of those, one at least */
	gint64 fit = (gint64)floor((left + done) / whole), least = MAX(3 - (gint64)epoch, 1);
	rest = CLAMP(fit, MIN(least, rest), rest);
	/* validations take at most a sixth of what is left */
	while (rest > 1 && (double)rest * c.validation > (left + done) / 6)
		rest--;
	p->epochs = epoch + (guint)rest;
	if (!(c.step > 0))      /* not measured yet */
		return;
	double steps = ((left + done) / (double)rest - beside) / c.step;
	if (beside >= left + done)      /* it will not be judged in time, whatever is done: then half of it is learning */
		steps = (left + done) / 2 / c.step;
	if (p->set_epochs < PLAN_OPEN)
		steps = MIN(steps, (double)(p->set_epochs * p->set_steps - p->past) / (double)rest);
	p->epoch_steps = MAX((gint64)floor(steps), MAX(at, 1));
}

void plan_advance(struct plan *p, guint epoch, gint64 at)
{
	gint64 left = plan_left(p, epoch, at);

	p->progress += (1 - p->progress) / (double)MAX(left, 1);
}
