/*
 * fit_bags.c - see fit_work.h: a model of bags (common/score/attention.h) beside each member's weights. When the member is
 * done, the weights that answer are read back from the folder. Bags of cases that it learned from teach the model; then it
 * judges those of cases that were held out, one by one: of all their samples, as inference will, or of the share of them that is
 * judged. Of cases to learn
 * from so much is looked at as there is time for, 1024 to 4096 samples.
 */
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/log/stage.h"
#include "common/random/random.h"
#include "train/fit_work.h"
#include <math.h>

enum { PURPOSE_BAGS = 310, LEAST_OF_CLASS = 10, LEAST_TILES = 16, LOOKED_LEAST = 1024, LOOKED_MOST = 4096 };
static const double SHARE = 0.1;        /* of the member's time, where nobody asked for it by name */
static const guint64 ROOM = 512 << 20;  /* bytes for all bags, or an eighth of the memory */
static const double LEARN_S = 60;       /* with 512 tiles of 512 numbers (attention.h) */
static const double KEPT_BACK = 1.25;   /* times what it costs: the last epoch may take longer than those before */

static gboolean asked(const struct fit *f) { return f->settings->score.model == SCORE_MODEL_ATTENTION; }

static gboolean held_by_any(const struct fit_job *job, guint item)
{
	for (guint m = 0; m < job->members; m++)
		if (job->held[m][item])
			return TRUE;
	return FALSE;
}

/* Its class, 0 or 1, where it takes part; else -1. */
static int class_of(const struct fit *f, guint item)
{
	return f->work->cases[item].ready ? f->work->task->bags->label(f->work, item) : -1;
}

/* Cases of each class to learn from; and, where the score is chosen by them, held out (choose.h). */
static gboolean enough(const struct fit *f)
{
	guint learned[2] = { 0 }, held[2] = { 0 };

	for (guint i = 0; i < f->work->n_cases; i++) {
		const int class = class_of(f, i);
		if (class < 0)
			continue;
		learned[class] += !f->job->held[f->now.member][i];
		held[class] += held_by_any(f->job, i) ? 1 : 0;
	}
	return f->n_held > 0 && MIN(learned[0], learned[1]) >= LEAST_OF_CLASS &&
	       (asked(f) || MIN(held[0], held[1]) >= LEAST_OF_CLASS);
}

/* ---- what it costs, and whether it is made ---- */

/* s, where so many samples of a case to learn from are looked at */
static double cost(const struct fit *f, guint64 most)
{
	const double sample_s = f->now.costs.validation / (double)MAX(f->held_samples, 1);
	const double share = f->now.share > 0 ? f->now.share : 1;
	double samples = 0, tiles = 0, bags = 0;

	for (guint i = 0; i < f->work->n_cases; i++) {
		if (class_of(f, i) < 0)
			continue;
		const gboolean held = f->job->held[f->now.member][i];
		const guint64 has = f->work->task->samples(f->work, i), bag = MIN(has, ATTENTION_TILES);
		samples += (double)(held ? share_count(share, has) : MIN(has, most)) + (double)bag;
		tiles += held ? 0 : (double)bag;
		bags += held ? 0 : 1;
	}
	return samples * sample_s + LEARN_S * tiles / MAX(bags, 1) / 512 * f->model->width / 512;
}

double fit_bags_cost(const struct fit *f)
{
	return f->now.bags == BAGS_WANTED && f->deadline > 0 ? KEPT_BACK * cost(f, (guint64)f->now.looked) : 0;
}

void fit_bags_decide(struct fit *f)
{
	const enum score_model model = f->settings->score.model;
	const double time = SHARE * f->time;
	char needs[16], may[16];

	if (f->now.bags != BAGS_UNDECIDED)
		return;
	f->now.bags = BAGS_NONE;
	if (f->work->task->bags == NULL || f->job->rehearse > 0 || (model != SCORE_MODEL_AUTO && !asked(f)) || !enough(f))
		return;
	f->now.looked = LOOKED_MOST;
	while (f->deadline > 0 && f->now.looked > LOOKED_LEAST && cost(f, (guint64)f->now.looked) > time)
		f->now.looked /= 2;
	const double seconds = cost(f, (guint64)f->now.looked);
	if (f->deadline <= 0 || asked(f) || seconds <= time)
		f->now.bags = BAGS_WANTED;
	else
		log_keep("attention", "attention none=\"it needs %s of at most %s, a tenth of the time\"", log_duration(seconds, needs),
			 log_duration(time, may));
}

/* ---- bags ---- */

struct gathering { struct fit *f; struct attention *attention; struct bag *bags; double *logits; guint64 tiles; guint n; };

static gboolean take_bag(void *context, const struct scan_case *c, GError **error)
{
	struct gathering *g = context;
	const int class = class_of(g->f, c->item);

	(void)error;
	if (c->bag == 0 || class < 0)
		return TRUE;
	void *tiles = g_memdup2(c->features[0], c->bag * (gsize)g->attention->width * sizeof **c->features);
	g->bags[c->item] = (struct bag){ tiles, T_F16, c->bag, (guint8)class };
	g->tiles += c->bag;
	g->n++;
	return TRUE;
}

static gboolean take_logit(void *context, const struct scan_case *c, GError **error)
{
	struct gathering *g = context;
	const struct bag bag = { c->bag > 0 ? c->features[0] : NULL, T_F16, c->bag, 0 };

	return attention_predict(g->attention, &bag, &g->logits[c->item], NULL, error);
}

/* So many tiles a bag that all have room. */
static guint tiles_of(const struct fit *f, gsize bags, int width)
{
	const guint64 room = f->memory.limit > 0 ? MIN(ROOM, f->memory.limit / 8) : ROOM;

	return (guint)CLAMP(room / (MAX(bags, 1) * (guint64)width * 2), LEAST_TILES, ATTENTION_TILES);
}

/* FAULT_TIME where it is over in less than so many seconds. */
static gboolean in_time(const struct fit *f, double seconds, GError **error)
{
	if (f->job->deadline <= 0 || log_seconds() + seconds <= f->job->deadline)
		return TRUE;
	g_set_error(error, FAULT, FAULT_TIME, "training.time is over");
	return FALSE;
}

static gboolean look(struct fit *f, struct scan *scan, const guint *items, gsize n, scan_done done, struct gathering *g,
		     GError **error)
{
	if (!scan_cases(scan, items, n, done, g, error) || fit_stopped(f, error))
		return FALSE;
	if (!scan->whole)
		g_set_error(error, FAULT, FAULT_TIME, "training.time is over");
	return scan->whole;
}

static gboolean learn(struct gathering *g, struct scan *scan, guint64 seed, GError **error)
{
	struct fit *f = g->f;
	g_autofree guint *items = g_new(guint, f->work->n_cases + 1);
	struct attention_plan plan = ATTENTION_PLAN(seed);
	gsize n = 0;

	for (guint i = 0; i < f->work->n_cases; i++)
		if (class_of(f, i) >= 0 && !f->job->held[f->now.member][i])
			items[n++] = i;
	scan->most = (guint64)f->now.looked;
	scan->bag = tiles_of(f, n, g->attention->width);
	return look(f, scan, items, n, take_bag, g, error) && attention_train(g->attention, g->bags, f->work->n_cases, &plan, error);
}

static gboolean judge(struct gathering *g, struct scan *scan, GError **error)
{
	scan->most = 0;
	scan->share = g->f->now.share;
	scan->bag = ATTENTION_TILES;
	return look(g->f, scan, g->f->held, g->f->n_held, take_logit, g, error);
}

/* ---- the model ---- */

/* The weights that answer: those of the best epoch, which are not always the newest. */
static struct model *read_best(const struct fit *f, GError **error)
{
	const char *folder = model_folder_at(f->job->folder);
	const struct role role = model_folder_weights((guint)f->now.member);
	g_autofree char *path = model_folder_path(folder, model_folder_now(f->job->folder), role.name, error), *left_out = NULL;

	return path == NULL ? NULL : model_read(path, f->settings->model.network, f->work->shape.channels,
						(int)sample_pictures(&f->work->shape), f->work->outputs, f->device.index,
						&left_out, error);
}

/* To what this member said of its held-out cases; logits NULL: not known. */
static void put_logits(struct fit *f, const double *logits)
{
	struct out_of_fold *o = &f->judged_cases;
	const gsize feature = (gsize)f->work->task->bags->feature;

	for (gsize i = 0; i < o->n; i++)
		if (o->member[i] == (guint)f->now.member)
			o->features[i * o->n_features + feature] = logits != NULL ? logits[o->items[i]] : NAN;
}

/* How well the logits alone rank the held-out cases. */
static double metric_of(const struct fit *f, const double *logits)
{
	const gsize of = (gsize)f->work->task->n_features;
	g_autofree double *features = g_new0(double, f->n_held * of + 1);

	for (gsize i = 0; i < f->n_held; i++)
		features[i * of] = logits[f->held[i]];
	return f->work->task->measure(f->work, f->held, f->n_held, features).value;
}

static gboolean save(struct fit *f, struct attention *attention, const double *logits, GError **error)
{
	put_logits(f, logits);
	f->now.bags = BAGS_MADE;
	f->attention = attention;
	gboolean ok = fit_save(f, WEIGHTS_BAGS, error);
	f->attention = NULL;
	if (!ok)
		put_logits(f, NULL);
	return ok;
}

static void say(const struct gathering *g, double seconds)
{
	const struct fit *f = g->f;
	g_autoptr(GString) line = g_string_new("attention");
	char took[16];

	if (f->job->members > 1)
		g_string_append_printf(line, " member=%" G_GINT64_FORMAT, f->now.member + 1);
	g_string_append_printf(line, " bags=%u tiles=%" G_GUINT64_FORMAT " looked_at=%" G_GINT64_FORMAT " seconds=%s %s=%.4f", g->n,
			       g->tiles, f->now.looked, log_duration(seconds, took), f->work->task->metric,
			       metric_of(f, g->logits));
	log_keep(line->str, "%s", line->str);
}

static gboolean make(struct fit *f, GError **error)
{
	const guint64 seed = random_hash(f->seed, 0, 0, PURPOSE_BAGS);
	const double start = log_seconds();
	g_autoptr(model_t) best = read_best(f, error);
	g_autoptr(attention_t) attention = best == NULL ? NULL : attention_new(best->width, ATTENTION_HIDDEN, f->device.index, seed,
										error);
	g_autofree struct bag *bags = g_new0(struct bag, f->work->n_cases + 1);
	g_autofree double *logits = g_new(double, f->work->n_cases + 1);
	struct gathering g = { f, attention, bags, logits, 0, 0 };
	struct scan scan = fit_scan(f, f->job->deadline);
	struct model *const models[] = { best };

	if (attention == NULL || !in_time(f, cost(f, (guint64)f->now.looked), error))
		return FALSE;
	scan.models = models;
	scan.rounds = 1;
	for (guint i = 0; i < f->work->n_cases; i++)
		logits[i] = NAN;
	gboolean ok = learn(&g, &scan, seed, error);
	for (guint i = 0; i < f->work->n_cases; i++)
		g_free((void *)bags[i].tiles);
	if (!ok || !judge(&g, &scan, error) || !save(f, attention, logits, error))
		return FALSE;
	say(&g, log_seconds() - start);
	return TRUE;
}

gboolean fit_bags(struct fit *f, GError **error)
{
	g_autoptr(GError) wrong = NULL;

	fit_bags_decide(f);
	if (f->now.bags != BAGS_WANTED || f->now.best_epoch == 0 || f->cut)
		return TRUE;
	STAGE("judging");
	if (make(f, &wrong))
		return TRUE;
	if (g_error_matches(wrong, FAULT, FAULT_STOPPED)) {     /* it is done again */
		g_propagate_error(error, g_steal_pointer(&wrong));
		return FALSE;
	}
	f->now.bags = BAGS_NONE;
	log_warn("attention", "there is none, and the score of a case does without it: %s", wrong->message);
	return TRUE;
}
