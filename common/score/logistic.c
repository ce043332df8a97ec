/* logistic.c - see logistic.h. */
#include "common/score/logistic.h"
#include "common/random/random.h"
#include <math.h>

enum { WIDE = LOGISTIC_MOST + 1, STEPS = 200, GRID = 9 };

/* 0.001 to 10, half a decade apart */
static double grid(int i) { return pow(10, -3 + i / 2.0); }

static double sigmoid(double z) { return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z)); }
/* log loss of a label at margin z, without overflow */
static double loss_at(double z, guint8 label) { return (z > 0 ? z : 0) - (label ? z : 0) + log1p(exp(-fabs(z))); }

/* ---- standardisation ---- */

static double standardised(const struct logistic *f, guint j, double x)
{
	double z = (x - f->mean[j]) * f->scale[j];

	return isfinite(x) && isfinite(z) ? CLAMP(z, -100, 100) : 0;
}

static void standardise(struct logistic *f, const struct logistic_data *d)
{
	for (guint j = 0; j < d->p; j++) {
		double sum = 0, squares = 0, most = 0;
		gsize n = 0;
		for (gsize i = 0; i < d->n; i++)
			if (isfinite(d->x[i * d->p + j])) {
				sum += d->x[i * d->p + j];
				most = MAX(most, fabs(d->x[i * d->p + j]));
				n++;
			}
		double mean = n > 0 ? sum / (double)n : 0;
		for (gsize i = 0; i < d->n; i++) {
			double off = d->x[i * d->p + j] - mean;
			squares += isfinite(off) ? off * off : 0;
		}
		double sd = sqrt(squares / (double)MAX(n, 1));
		gboolean varies = isfinite(mean) && isfinite(sd) && sd > 1e-10 * most && isfinite(1 / sd);
		f->mean[j] = isfinite(mean) ? mean : 0;
		f->scale[j] = varies ? 1 / sd : 0;
	}
}

/* ---- the minimum ---- */

struct problem {
	const double *z;        /* (n, p) standardised */
	const guint8 *label;
	const gint8 *sign_opt;
	gsize n;
	guint p;
	double lambda;
};

static double margin(const struct problem *q, const double *w, gsize i)
{
	double sum = w[q->p];

	for (guint j = 0; j < q->p; j++)
		sum += w[j] * q->z[i * q->p + j];
	return sum;
}

static double objective(const struct problem *q, const double *w)
{
	double sum = 0, squares = 0;

	for (gsize i = 0; i < q->n; i++)
		sum += loss_at(margin(q, w, i), q->label[i]);
	for (guint j = 0; j < q->p; j++)
		squares += w[j] * w[j];
	return sum / (double)q->n + q->lambda / 2 * squares;
}

/* g: (p + 1); h: lower half of (p + 1, p + 1), the intercept last. */
static void derive(const struct problem *q, const double *w, double *g, double h[WIDE][WIDE])
{
	guint p = q->p;

	memset(g, 0, sizeof(double) * WIDE);
	memset(h, 0, sizeof(double) * WIDE * WIDE);
	for (gsize i = 0; i < q->n; i++) {
		const double *z = q->z + i * p;
		double at = sigmoid(margin(q, w, i)), miss = (at - (q->label[i] != 0)) / (double)q->n;
		double curve = at * (1 - at) / (double)q->n;
		for (guint j = 0; j < p; j++) {
			g[j] += miss * z[j];
			for (guint k = 0; k <= j; k++)
				h[j][k] += curve * z[j] * z[k];
			h[p][j] += curve * z[j];
		}
		g[p] += miss;
		h[p][p] += curve;
	}
	for (guint j = 0; j < p; j++) {
		g[j] += q->lambda * w[j];
		h[j][j] += q->lambda;
	}
	h[p][p] += 1e-12;       /* where all slides are sure */
}

/* x = h^-1 g by Cholesky's decomposition, in place of both; h is positive definite. */
static void solve(double h[WIDE][WIDE], double *g, guint n)
{
	for (guint j = 0; j < n; j++) {
		for (guint k = 0; k < j; k++)
			h[j][j] -= h[j][k] * h[j][k];
		h[j][j] = sqrt(MAX(h[j][j], 1e-300));
		for (guint i = j + 1; i < n; i++) {
			for (guint k = 0; k < j; k++)
				h[i][j] -= h[i][k] * h[j][k];
			h[i][j] /= h[j][j];
		}
	}
	for (guint i = 0; i < n; i++) {
		for (guint k = 0; k < i; k++)
			g[i] -= h[i][k] * g[k];
		g[i] /= h[i][i];
	}
	for (guint i = n; i-- > 0;) {
		for (guint k = i + 1; k < n; k++)
			g[i] -= h[k][i] * g[k];
		g[i] /= h[i][i];
	}
}

static int sign_of(const struct problem *q, guint j) { return q->sign_opt != NULL && j < q->p ? q->sign_opt[j] : 0; }

static double project(const struct problem *q, guint j, double w)
{
	int sign = sign_of(q, j);

	return sign > 0 ? MAX(w, 0) : sign < 0 ? MIN(w, 0) : w;
}

/* How far a step of the plain gradient would go: 0 at the minimum. */
static double distance(const struct problem *q, const double *w, const double *g)
{
	double sum = 0;

	for (guint j = 0; j <= q->p; j++) {
		double off = w[j] - project(q, j, w[j] - g[j]);
		sum += off * off;
	}
	return sqrt(sum);
}

/* Those at their bound that would leave it go by themselves; the others by Newton's method together. */
static void direct(const struct problem *q, const double *w, const double *g, double h[WIDE][WIDE], double near,
		   double *step)
{
	guint n = 0, free[WIDE];
	double part[WIDE];

	for (guint j = 0; j <= q->p; j++) {
		int sign = sign_of(q, j);
		gboolean bound = sign != 0 && sign * w[j] <= near && sign * g[j] > 0;
		if (bound)
			step[j] = g[j] / h[j][j];
		else
			free[n++] = j;
	}
	for (guint a = 0; a < n; a++) {
		part[a] = g[free[a]];
		for (guint b = 0; b <= a; b++)
			h[a][b] = h[free[a]][free[b]];
	}
	solve(h, part, n);
	for (guint a = 0; a < n; a++)
		step[free[a]] = part[a];
}

/* One step that lowers the objective; FALSE: none does, or it is as low as it gets. */
static gboolean descend(const struct problem *q, double *w)
{
	double g[WIDE], h[WIDE][WIDE], step[WIDE], next[WIDE], before = objective(q, w);

	derive(q, w, g, h);
	double far = distance(q, w, g);
	if (far < 1e-11)
		return FALSE;
	direct(q, w, g, h, MIN(far, 1e-6), step);
	for (double length = 1; length > 1e-12; length /= 2) {
		for (guint j = 0; j <= q->p; j++)
			next[j] = project(q, j, w[j] - length * step[j]);
		if (objective(q, next) < before) {
			memcpy(w, next, sizeof next);
			return TRUE;
		}
	}
	return FALSE;
}

static gsize positives(const struct logistic_data *d)
{
	gsize sum = 0;

	for (gsize i = 0; i < d->n; i++)
		sum += d->label[i] != 0;
	return sum;
}

/* The intercept where no feature tells anything. */
static double share_logit(gsize positive, gsize n)
{
	double more = positive == 0 || positive == n ? 1 : 0;

	return log(((double)positive + more) / ((double)(n - positive) + more));
}

/* Once standardised, the fits of a falling lambda each begin at the one before. */
static void fit(struct logistic *f, const struct logistic_data *d, const double *z, double lambda)
{
	const struct problem q = { z, d->label, d->sign_opt, d->n, d->p, lambda };
	gsize positive = positives(d);
	double w[WIDE] = { 0 };

	f->lambda = lambda;
	if (positive == 0 || positive == d->n) {
		f->intercept = share_logit(positive, d->n);
		return;
	}
	memcpy(w, f->weight, sizeof f->weight);
	w[d->p] = f->intercept;
	for (int i = 0; i < STEPS && descend(&q, w); i++)
		;
	memcpy(f->weight, w, sizeof(double) * d->p);
	f->intercept = w[d->p];
}

static struct logistic begin(const struct logistic_data *d, double **z)
{
	struct logistic f = { .p = d->p };

	g_return_val_if_fail(d->p <= LOGISTIC_MOST, f);
	standardise(&f, d);
	*z = g_new(double, d->n * d->p + 1);
	for (gsize i = 0; i < d->n * d->p; i++)
		(*z)[i] = standardised(&f, (guint)(i % d->p), d->x[i]);
	return f;
}

struct logistic logistic_fit(const struct logistic_data *d, double lambda)
{
	g_autofree double *z = NULL;
	struct logistic f = begin(d, &z);

	fit(&f, d, z, lambda);
	return f;
}

double logistic_logit(const struct logistic *f, const double *x)
{
	double sum = f->intercept;

	for (guint j = 0; j < f->p; j++)
		sum += f->weight[j] * standardised(f, j, x[j]);
	return sum;
}

/* ---- folds ---- */

struct dealt { gboolean positive; guint64 order; guint32 group; };

static int by_order(const void *a, const void *b)
{
	const struct dealt *x = a, *y = b;

	if (x->positive != y->positive)
		return x->positive ? -1 : 1;
	if (x->order != y->order)
		return x->order > y->order ? 1 : -1;
	return (x->group > y->group) - (x->group < y->group);
}

guint logistic_folds(const guint8 *label, const guint32 *group_opt, gsize n, guint most, guint64 seed, guint *fold)
{
	g_autoptr(GHashTable) at = g_hash_table_new(NULL, NULL);        /* group: its place in dealt, and 1 */
	g_autofree struct dealt *dealt = g_new0(struct dealt, n + 1);
	guint groups = 0;

	for (gsize i = 0; i < n; i++) {
		guint32 group = group_opt != NULL ? group_opt[i] : (guint32)i;
		guint place = GPOINTER_TO_UINT(g_hash_table_lookup(at, GUINT_TO_POINTER(group)));
		if (place == 0) {
			dealt[groups++] = (struct dealt){ FALSE, random_hash(seed, group, 0, 0), group };
			g_hash_table_insert(at, GUINT_TO_POINTER(group), GUINT_TO_POINTER(groups));
			place = groups;
		}
		dealt[place - 1].positive |= label[i] != 0;
	}
	qsort(dealt, groups, sizeof *dealt, by_order);
	guint folds = MIN(most, groups);
	for (guint i = 0; i < groups; i++)
		g_hash_table_insert(at, GUINT_TO_POINTER(dealt[i].group), GUINT_TO_POINTER(i % folds));
	for (gsize i = 0; i < n; i++) {
		guint32 group = group_opt != NULL ? group_opt[i] : (guint32)i;
		fold[i] = GPOINTER_TO_UINT(g_hash_table_lookup(at, GUINT_TO_POINTER(group)));
	}
	return folds;
}

/* The slides of all folds but one, in arrays of their own. */
struct rest { struct logistic_data d; double *x; guint8 *label; guint32 *group; };

static struct rest rest_new(const struct logistic_data *d, const guint *fold, guint without)
{
	struct rest r = { *d, g_new(double, d->n * d->p + 1), g_new(guint8, d->n + 1), g_new(guint32, d->n + 1) };
	gsize n = 0;

	for (gsize i = 0; i < d->n; i++) {
		if (fold[i] == without)
			continue;
		memcpy(r.x + n * d->p, d->x + i * d->p, sizeof(double) * d->p);
		r.label[n] = d->label[i];
		r.group[n++] = d->group_opt != NULL ? d->group_opt[i] : (guint32)i;
	}
	r.d.x = r.x;
	r.d.label = r.label;
	r.d.group_opt = r.group;
	r.d.n = n;
	return r;
}

static void rest_clear(struct rest *r)
{
	g_free(r->x);
	g_free(r->label);
	g_free(r->group);
}

/* ---- lambda ---- */

/* Mean log loss of the slides in one fold by a fit of the others, for each lambda of the grid. */
static void fold_losses(const struct logistic_data *d, const guint *fold, guint which, double *loss)
{
	struct rest r = rest_new(d, fold, which);
	g_autofree double *z = NULL;
	struct logistic f = begin(&r.d, &z);

	for (int k = GRID - 1; k >= 0; k--) {
		gsize n = 0;
		loss[k] = 0;
		fit(&f, &r.d, z, grid(k));
		for (gsize i = 0; i < d->n; i++)
			if (fold[i] == which) {
				loss[k] += loss_at(logistic_logit(&f, d->x + i * d->p), d->label[i]);
				n++;
			}
		loss[k] /= (double)n;
	}
	rest_clear(&r);
}

double logistic_choose(const struct logistic_data *d, guint64 seed)
{
	g_autofree guint *fold = g_new(guint, d->n + 1);
	guint folds = logistic_folds(d->label, d->group_opt, d->n, LOGISTIC_FOLDS, seed, fold);
	double loss[LOGISTIC_FOLDS][GRID], mean[GRID] = { 0 }, squares = 0;
	int best = GRID - 1, chosen;

	if (folds < 2)
		return grid(GRID - 1);
	for (guint i = 0; i < folds; i++) {
		fold_losses(d, fold, i, loss[i]);
		for (int k = 0; k < GRID; k++)
			mean[k] += loss[i][k] / folds;
	}
	for (int k = GRID - 1; k >= 0; k--)
		if (mean[k] < mean[best])
			best = k;
	for (guint i = 0; i < folds; i++)
		squares += (loss[i][best] - mean[best]) * (loss[i][best] - mean[best]);
	double error = sqrt(squares / (folds - 1) / folds);
	for (chosen = GRID - 1; mean[chosen] > mean[best] + error; chosen--)
		;
	return grid(chosen);
}

void logistic_out_of_fold(const struct logistic_data *d, guint64 seed, double *logit)
{
	g_autofree guint *fold = g_new(guint, d->n + 1);
	guint folds = logistic_folds(d->label, d->group_opt, d->n, LOGISTIC_FOLDS, seed, fold);
	double share = share_logit(positives(d), d->n);

	for (guint which = 0; which < folds; which++) {
		struct rest r = rest_new(d, fold, which);
		struct logistic f = logistic_fit(&r.d, logistic_choose(&r.d, random_mix(seed + which)));
		double shift = share - share_logit(positives(&r.d), r.d.n);
		for (gsize i = 0; i < d->n; i++)
			if (fold[i] == which)
				logit[i] = logistic_logit(&f, d->x + i * d->p) + shift;
		rest_clear(&r);
	}
}
