/* plan.c - see plan.h. */
#include "inference/plan.h"
#include "common/task/task.h"

/* Of 26,000 tiles, the mean of the challenge's slides, 406: seconds a slide, and every slide has an answer. */
static const double COARSE = 1.0 / 64;
/* A pass over all again wants twice the samples: less is no clear gain. */
static const double GAIN = 2;
/* What does not grow with the share (turned views of the highest tiles) may cost a quarter of what does; where it would cost
   more, that time finds more among tiles not seen yet. */
static const double LATER = 0.25;
enum { HALVINGS = 30 };

struct candidate { const struct plan_case *of; guint item; };

/* Cases that have an answer first, the least sure before; then those that could not be read. */
static int by_doubt(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->of->read != y->of->read)
		return x->of->read ? -1 : 1;
	if (x->of->doubt != y->of->doubt)
		return x->of->doubt > y->of->doubt ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

static int by_item(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->of->read != y->of->read)
		return x->of->read ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

/* Behind the first round, and the bag: looks in full, which are a share of those looked at coarsely, and of later rounds turned
   views of the highest. */
static guint64 behind(const struct plan_case *c, double share, gboolean later)
{
	const guint64 all = later ? c->more : c->always, fixed = later ? c->fixed : c->always_fixed;

	return fixed + (guint64)(share * (double)(all - fixed)) + (later && share >= 1 ? c->bag : 0);
}

static guint64 samples_of(const struct plan_case *c, double share, gboolean later)
{
	return share_count(share, c->samples) + behind(c, share, later);
}

static double seconds_of(const struct plan_case *c, struct plan_rate rate, double share, gboolean later)
{
	return rate.case_s + rate.sample_s * (double)share_count(share, c->samples) + rate.more_s * (double)behind(c, share, later);
}

static double seconds_all(const struct candidate *all, guint n, struct plan_rate rate, double share, gboolean later)
{
	double sum = 0;

	for (guint i = 0; i < n; i++)
		sum += seconds_of(all[i].of, rate, share, later);
	return sum;
}

/* Samples of the first round. */
static guint64 first_all(const struct candidate *all, guint n, double share)
{
	guint64 sum = 0;

	for (guint i = 0; i < n; i++)
		sum += share_count(share, all[i].of->samples);
	return sum;
}

/* The largest share up to 1 that fits; 0: not even the least. */
static double largest_share(const struct candidate *all, guint n, struct plan_rate rate, double left, gboolean later)
{
	double fits = 0, too_much = 1;

	if (seconds_all(all, n, rate, 1, later) <= left)
		return 1;
	for (int i = 0; i < HALVINGS; i++) {
		double share = (fits + too_much) / 2;
		if (seconds_all(all, n, rate, share, later) <= left)
			fits = share;
		else
			too_much = share;
	}
	return fits;
}

/* Does what later rounds add however small the share cost little beside the rest? */
static gboolean later_pays(const struct candidate *all, guint n, struct plan_rate rate, double share)
{
	const struct plan_rate looks = { rate.sample_s, rate.more_s, 0 };
	double fixed = 0;

	for (guint i = 0; i < n; i++)
		fixed += rate.more_s * (double)all[i].of->fixed;
	return fixed <= LATER * (seconds_all(all, n, looks, share, TRUE) - fixed);
}

/* Was any of them looked at alone, rather than that a pass over all saw all of it? */
static gboolean any_alone(const struct plan_case *cases, guint n, double share)
{
	for (guint i = 0; i < n; i++)
		if (cases[i].done && share_count(share, cases[i].samples) < cases[i].samples)
			return TRUE;
	return FALSE;
}

/* Takes a candidate into the plan. */
static void add(struct plan *p, const struct candidate *c, struct plan_rate rate)
{
	p->items[p->n++] = c->item;
	p->samples += samples_of(c->of, p->share, p->rounds == 0);
	p->seconds += seconds_of(c->of, rate, p->share, p->rounds == 0);
}

void plan_first(const struct plan_case *cases, guint n, int rounds, struct plan *out)
{
	*out = (struct plan){ .share = COARSE, .rounds = rounds, .items = g_new(guint, n + 1) };
	for (guint i = 0; i < n; i++)
		if (!cases[i].done)
			out->items[out->n++] = i;
}

void plan_next(const struct plan_case *cases, guint n, struct plan_rate rate, double left, double share,
	       struct plan *out)
{
	g_autofree struct candidate *all = g_new(struct candidate, n + 1);
	guint open = 0;
	int rounds = 1;

	for (guint i = 0; i < n; i++) {
		if (!cases[i].done)
			all[open++] = (struct candidate){ &cases[i], i };
		rounds = cases[i].always > 0 ? 2 : rounds;
	}
	qsort(all, open, sizeof *all, isinf(left) ? by_item : by_doubt);
	*out = (struct plan){ .share = 1, .items = g_new(guint, n + 1) };

	double with = largest_share(all, open, rate, left, TRUE), without = largest_share(all, open, rate, left, FALSE);
	gboolean later = with >= 1 || (with > 0 && later_pays(all, open, rate, with));
	double fits = later ? with : without;
	const gboolean denser = fits > 0 && (double)first_all(all, open, fits) >= GAIN * (double)first_all(all, open, share);
	gboolean together = (later && fits >= 1) || (!any_alone(cases, n, share) && denser);
	if (together) {
		out->share = fits;
		out->rounds = later ? 0 : rounds;
	}
	for (guint i = 0; i < open; i++)
		if (together || out->seconds + seconds_of(all[i].of, rate, 1, TRUE) <= left)
			add(out, &all[i], rate);
}

void plan_clear(struct plan *p)
{
	g_clear_pointer(&p->items, g_free);
	p->n = 0;
}
