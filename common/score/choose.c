/* choose.c - see choose.h. */
#include "common/score/choose.h"
#include "common/metrics/metrics.h"
#include "common/random/random.h"
#include <math.h>

enum { LEAST_OF_CLASS = 10 };
static const double LEVEL = 0.95, SURE = 0.2, LEAST_LOSS = 0.01;

const char *const candidate_names[N_CANDIDATES] = { "top", "max", "logistic", "attention", "both" };

static const enum candidate wanted_candidates[] = {
	[SCORE_MODEL_AUTO] = BY_TOP, [SCORE_MODEL_MAX] = BY_MAX, [SCORE_MODEL_TOP] = BY_TOP,
	[SCORE_MODEL_LOGISTIC] = BY_LOGISTIC, [SCORE_MODEL_ATTENTION] = BY_ATTENTION,
};

/* What the candidates are judged by: slides with a tile read. */
struct trial {
	gsize n;
	double *x, *score[N_CANDIDATES], *loss[N_CANDIDATES];   /* (n, N_FEATURES); (n) each */
	guint8 *label;
	guint32 *group;
	gboolean attention;     /* of all slides */
};

static struct trial trial_new(const struct slides *s)
{
	struct trial t = { .x = g_new(double, s->n * N_FEATURES + 1), .label = g_new(guint8, s->n + 1),
			   .group = g_new(guint32, s->n + 1), .attention = s->attention_opt != NULL };

	for (guint c = 0; c < N_CANDIDATES; c++) {
		t.score[c] = g_new(double, s->n + 1);
		t.loss[c] = g_new0(double, s->n + 1);  /* stays so where there are no folds */
	}
	for (gsize i = 0; i < s->n; i++) {
		if (!isfinite(s->top[i]))
			continue;
		memcpy(t.x + t.n * N_FEATURES, s->features + i * N_FEATURES, sizeof(double) * N_FEATURES);
		t.label[t.n] = s->label[i] != 0;
		t.group[t.n] = s->group_opt != NULL ? s->group_opt[i] : (guint32)i;
		t.score[BY_TOP][t.n] = s->top[i];
		t.score[BY_MAX][t.n] = s->features[i * N_FEATURES + FEATURE_HIGHEST];
		t.attention = t.attention && isfinite(s->attention_opt[i]);
		t.score[BY_ATTENTION][t.n++] = t.attention ? s->attention_opt[i] : 0;
	}
	t.attention = t.attention && t.n > 0;
	return t;
}

static void trial_clear(struct trial *t)
{
	for (guint c = 0; c < N_CANDIDATES; c++) {
		g_free(t->score[c]);
		g_free(t->loss[c]);
	}
	g_free(t->x);
	g_free(t->label);
	g_free(t->group);
}

/* ---- judging ---- */

/* Each slide's log loss by Platt's method, fitted on the other folds; returns the mean. */
static double cross_loss(const struct trial *t, const double *score, guint64 seed, double *loss)
{
	g_autofree guint *fold = g_new(guint, t->n + 1);
	g_autofree double *x = g_new(double, t->n + 1);
	g_autofree guint8 *label = g_new(guint8, t->n + 1);
	guint folds = logistic_folds(t->label, t->group, t->n, LOGISTIC_FOLDS, seed, fold);
	double sum = 0;

	if (folds < 2)
		return NAN;
	for (guint k = 0; k < folds; k++) {
		gsize n = 0;
		for (gsize i = 0; i < t->n; i++)
			if (fold[i] != k) {
				x[n] = score[i];
				label[n++] = t->label[i];
			}
		struct score_fit f = score_fit_logistic(x, label, n);
		for (gsize i = 0; i < t->n; i++)
			if (fold[i] == k) {
				double p = score_probability(f, score[i]);
				loss[i] = metrics_log_loss(&p, &t->label[i], 1);
				sum += loss[i];
			}
	}
	return sum / (double)t->n;
}

static struct candidate_fit judge(const struct trial *t, enum candidate c, guint64 seed)
{
	return (struct candidate_fit){
		.there = TRUE,
		.auc = metrics_auc_interval(t->score[c], t->label, t->n, LEVEL),
		.log_loss = cross_loss(t, t->score[c], seed, t->loss[c]),
		.fit = score_fit_logistic(t->score[c], t->label, t->n),
	};
}

/* The log odds that a fit gives a score. */
static double log_odds(struct score_fit f, double x) { return f.slope * x + f.intercept; }

static gboolean lower_loss(const double *a, const double *b, gsize n)
{
	double mean = 0, squares = 0;

	for (gsize i = 0; i < n; i++)
		mean += (b[i] - a[i]) / (double)n;
	for (gsize i = 0; i < n; i++)
		squares += (b[i] - a[i] - mean) * (b[i] - a[i] - mean);
	return mean > LEAST_LOSS && mean >= sqrt(squares / (double)(n - 1) / (double)n);
}

static gboolean better(const struct trial *t, enum candidate a, enum candidate b)
{
	struct auc_test test = metrics_auc_test(t->score[a], t->score[b], t->label, t->n, LEVEL);

	if (test.difference.value > 0)
		return isnan(test.p) || test.p / 2 < SURE;
	return test.difference.value == 0 && lower_loss(t->loss[a], t->loss[b], t->n);
}

static enum candidate choose(const struct trial *t, const struct slide_model *m)
{
	enum candidate best = BY_TOP;
	gsize positives = 0;

	for (gsize i = 0; i < t->n; i++)
		positives += t->label[i];
	if (MIN(positives, t->n - positives) < LEAST_OF_CLASS)
		return BY_TOP;
	for (enum candidate c = BY_MAX; c < N_CANDIDATES; c++)
		if (m->candidates[c].there && better(t, c, best))
			best = c;
	return best;
}

static void say(const struct slides *s, const struct trial *t, const struct slide_model *m, double *said)
{
	gsize at = 0;

	for (gsize i = 0; i < s->n; i++)
		said[i] = isfinite(s->top[i]) ? score_probability(m->candidates[m->chosen].fit, t->score[m->chosen][at++]) : (double)NAN;
}

struct slide_model slide_model_choose(const struct slides *s, enum score_model wanted, guint64 seed, double *said_opt)
{
	struct trial t = trial_new(s);
	struct slide_model m = { .slides = t.n };
	struct candidate_fit *of = m.candidates;
	gint8 sign[N_FEATURES];

	for (guint j = 0; j < N_FEATURES; j++)
		sign[j] = feature_table[j].sign;
	const struct logistic_data d = { t.x, t.label, t.group, sign, t.n, N_FEATURES };
	m.logistic = logistic_fit(&d, logistic_choose(&d, random_mix(seed)));
	logistic_out_of_fold(&d, random_mix(seed + 1), t.score[BY_LOGISTIC]);
	for (enum candidate c = BY_TOP; c <= (t.attention ? BY_ATTENTION : BY_LOGISTIC); c++)
		of[c] = judge(&t, c, random_mix(seed + 2));
	if (t.attention) {
		for (gsize i = 0; i < t.n; i++)
			t.score[BY_BOTH][i] = (log_odds(of[BY_LOGISTIC].fit, t.score[BY_LOGISTIC][i]) +
					       log_odds(of[BY_ATTENTION].fit, t.score[BY_ATTENTION][i])) / 2;
		of[BY_BOTH] = judge(&t, BY_BOTH, random_mix(seed + 2));
	}
	if (wanted == SCORE_MODEL_AUTO)
		m.chosen = choose(&t, &m);
	else if (of[wanted_candidates[wanted]].there)
		m.chosen = wanted_candidates[wanted];
	if (said_opt != NULL)
		say(s, &t, &m, said_opt);
	trial_clear(&t);
	return m;
}

/* ---- answering ---- */

static double score_of(const struct slide_model *m, enum candidate c, double top, const double *x, double attention)
{
	switch (c) {
	case BY_MAX:
		return x[FEATURE_HIGHEST];
	case BY_LOGISTIC:
		return logistic_logit(&m->logistic, x);
	case BY_ATTENTION:
		return attention;
	case BY_BOTH:
		return (log_odds(m->candidates[BY_LOGISTIC].fit, logistic_logit(&m->logistic, x)) +
			log_odds(m->candidates[BY_ATTENTION].fit, attention)) / 2;
	case BY_TOP:
	case N_CANDIDATES:
		break;
	}
	return top;
}

double slide_model_answer(const struct slide_model *m, double top, const double *x, double attention)
{
	double score = isfinite(top) ? score_of(m, m->chosen, top, x, attention) : NAN;

	if (isfinite(score))
		return score_probability(m->candidates[m->chosen].fit, score);
	return isfinite(top) ? score_probability(m->candidates[BY_TOP].fit, top) : (double)NAN;
}
