/* diagnosis.c - see diagnosis.h: the held-out cases, the curves, the forecast. */
#include "train/diagnosis.h"
#include "common/checkpoint/json.h"
#include "common/log/log.h"
#include "common/plot/text.h"
#include "common/run/closing.h"
#include "common/score/forecast.h"
#include "train/advice.h"
#include <math.h>

enum { PLOT_WIDTH = 64, PLOT_HEIGHT = 12, SPARK_WIDTH = 32, WORST = 5, ROC_POINTS = 60, HELD_SAID = 60 };
static const double LEVEL = 0.95, CALLED = 0.5; /* from this probability on a case is called positive */

struct held {                   /* the held-out cases as the saved weights see them */
	struct judged *cases;   /* (n) the surest positive first */
	gsize n, positives;
	double *p;              /* (n) the same, for the metrics */
	guint8 *label;
};

/* ---- what is known ---- */

static int by_probability(const void *a, const void *b)
{
	const struct judged *x = a, *y = b;

	return x->p != y->p ? (x->p < y->p) - (x->p > y->p) : (x->item > y->item) - (x->item < y->item);
}

static gint64 find_case(const struct work *w, const char *id)
{
	for (guint i = 0; i < w->n_cases; i++) {
		g_autofree char *name = json_name(w->cases[i].id);
		if (g_str_equal(name, id))
			return i;
	}
	return -1;
}

/* From each name, and the probability behind it. What is not as it should be is passed over. */
static void read_held(const struct diagnosis *d, struct held *h)
{
	JsonArray *list = json_list(d->about_opt, "held");
	const guint n = list != NULL ? json_array_get_length(list) : 0;

	h->cases = g_new(struct judged, n / 2 + 1);
	for (guint i = 0; i + 2 <= n; i += 2) {
		JsonNode *id = json_array_get_element(list, i), *p = json_array_get_element(list, i + 1);
		const gboolean good = json_node_get_value_type(id) == G_TYPE_STRING && json_is_number(p);
		const gint64 item = good ? find_case(d->work, json_node_get_string(id)) : -1;
		if (item >= 0)
			h->cases[h->n++] = (struct judged){ (guint)item, case_positive(d->work, (guint)item), json_node_get_double(p) };
	}
	qsort(h->cases, h->n, sizeof *h->cases, by_probability);
	h->p = g_new(double, h->n + 1);
	h->label = g_new(guint8, h->n + 1);
	for (gsize i = 0; i < h->n; i++) {
		h->p[i] = h->cases[i].p;
		h->label[i] = h->cases[i].label;
		h->positives += h->label[i];
	}
}

static void held_clear(struct held *h)
{
	g_free(h->cases);
	g_free(h->p);
	g_free(h->label);
}

static gint64 member_at(JsonArray *history, guint i)
{
	return json_whole(json_array_get_object_element(history, i), "member", 0);
}

/* Epochs of the last member: curves of several networks, each with other cases held out, are none. Where it had few, of the
   one before. */
static JsonArray *own_history(const struct diagnosis *d)
{
	enum { FEW = 3 };
	const guint n = json_array_get_length(d->history);
	JsonArray *own = json_array_new();
	gint64 member = n > 0 ? member_at(d->history, n - 1) : 0;
	guint of_last = 0;

	for (guint i = 0; i < n; i++)
		of_last += member_at(d->history, i) == member;
	member -= of_last < FEW && of_last < n;
	for (guint i = 0; i < n; i++)
		if (member_at(d->history, i) == member)
			json_array_add_object_element(own, json_object_ref(json_array_get_object_element(d->history, i)));
	return own;
}

static double *column(JsonArray *history, const char *name)
{
	guint n = json_array_get_length(history);
	double *values = g_new(double, n + 1);

	for (guint i = 0; i < n; i++)
		values[i] = json_number(json_array_get_object_element(history, i), name, NAN);
	return values;
}

/* ---- the story: cases, ROC, plots ---- */

/* All, or so many of them evenly. */
static void say_held(const struct work *w, const struct held *h)
{
	const gsize said = log_names_hidden() ? 0 : MIN(h->n, HELD_SAID);

	for (gsize k = 0; k < said; k++) {
		const struct judged *c = &h->cases[k * h->n / said];
		const struct work_case *wc = &w->cases[c->item];
		g_autoptr(GString) line = g_string_new("held");
		logfmt_append(line, "case", wc->id);
		logfmt_append(line, "class", case_class(w, c->item));
		log_row("held", TRUE, "%s positive=%d p=%.4f size=%.0f", line->str, c->label, c->p, c->label ? wc->size : 0);
	}
}

static void say_plot(const char *of, const struct plot_form *form, const struct plot_series *first,
		     const struct plot_series *second_opt)
{
	g_autoptr(GPtrArray) rows = plot_curves(form, first, second_opt);

	for (guint i = 0; i < rows->len; i++) {
		g_autoptr(GString) line = g_string_new("plot");
		g_autofree char *name = g_strdup_printf("plot of %s %u", of, i);
		logfmt_append(line, "of", of);
		logfmt_append(line, "row", rows->pdata[i]);
		log_keep(name, "%s", line->str);
	}
}

static void say_roc(const struct held *h)
{
	if (h->positives == 0 || h->positives == h->n)
		return;
	g_autoptr(GArray) roc = metrics_roc(h->p, h->label, h->n);
	g_autofree double *x = g_new(double, roc->len), *y = g_new(double, roc->len);
	g_autoptr(GString) points = g_string_new(NULL);
	const guint said = MIN(roc->len, ROC_POINTS);

	for (guint i = 0; i < roc->len; i++) {
		const struct roc_point *p = &g_array_index(roc, struct roc_point, i);
		x[i] = 1 - p->specificity;
		y[i] = p->sensitivity;
	}
	for (guint k = 0; k < said; k++) {
		guint i = said > 1 ? k * (roc->len - 1) / (said - 1) : 0;
		g_string_append_printf(points, "%s%.3f,%.3f", k > 0 ? ";" : "", x[i], y[i]);
	}
	log_keep("roc", "roc points=%s", points->str);
	const struct plot_form form = { .width = PLOT_WIDTH, .height = PLOT_HEIGHT, .ascii = log_ascii(), .diagonal = TRUE,
					.x = { "1 - specificity", 0, 1 }, .y = { "sensitivity", 0, 1 } };
	say_plot("roc", &form, &(struct plot_series){ .x_opt = x, .y = y, .n = roc->len }, NULL);
}

static void say_curves(const struct task *task, JsonArray *own)
{
	const guint n = json_array_get_length(own);
	g_autofree double *epoch = column(own, "epoch"), *loss = column(own, "loss");
	g_autofree double *held = column(own, "log_loss"), *metric = column(own, task->metric);
	g_autofree double *samples = column(own, task->sample_metric);
	struct plot_form form = { .width = PLOT_WIDTH, .height = PLOT_HEIGHT, .ascii = log_ascii(), .x = { "epoch", 0, 0 } };

	if (n < 2)
		return;
	form.y = (struct plot_axis){ "loss", 0, 0 };
	say_plot("loss", &form, &(struct plot_series){ "train", epoch, loss, n }, &(struct plot_series){ "held out", epoch, held, n });
	form.y = (struct plot_axis){ "AUC", 0, 0 };
	say_plot("auc", &form, &(struct plot_series){ task->metric, epoch, metric, n },
		 &(struct plot_series){ task->sample_metric, epoch, samples, n });
}

/* ---- the diagnosis ---- */

static void say_outcome(const struct diagnosis *d, const struct held *h)
{
	if (d->best_epoch > 0)
		log_last("outcome saved_epoch=%" G_GINT64_FORMAT " %s=%.4f interval=%.3f..%.3f cases=%" G_GSIZE_FORMAT, d->best_epoch,
			 d->work->task->metric, d->best.value, d->best.low, d->best.high, h->n);
	else
		log_last("outcome saved_epoch=none");
}

static double share(gsize n, gsize of) { return of > 0 ? (double)n / (double)of : NAN; }

static void say_confusion(const struct held *h)
{
	const struct confusion c = metrics_confusion(h->p, h->label, h->n, CALLED);

	if (h->n > 0)
		log_last("confusion at=%g tp=%" G_GSIZE_FORMAT " fn=%" G_GSIZE_FORMAT " fp=%" G_GSIZE_FORMAT " tn=%" G_GSIZE_FORMAT
			 " sensitivity=%.3f specificity=%.3f", CALLED, c.tp, c.fn, c.fp, c.tn,
			 share(c.tp, c.tp + c.fn), share(c.tn, c.tn + c.fp));
}

/* Positives of one class of sizes, against all negatives. A positive without a size is of none. */
static void say_size(const struct work *w, const struct held *h, const char *name, double above, double most)
{
	g_autofree double *p = g_new(double, h->n + 1);
	g_autofree guint8 *label = g_new(guint8, h->n + 1);
	gsize n = 0, found = 0, cases = 0;

	for (gsize i = 0; i < h->n; i++) {
		double size = w->cases[h->cases[i].item].size;
		gboolean of = h->label[i] && size > above && size <= most;
		if (h->label[i] && !of)
			continue;
		p[n] = h->p[i];
		label[n++] = h->label[i];
		cases += of ? 1 : 0;
		found += of && h->p[i] >= CALLED ? 1 : 0;
	}
	if (cases == 0)
		return;
	struct interval auc = metrics_auc_interval(p, label, n, LEVEL);
	log_last("size of=%s cases=%" G_GSIZE_FORMAT " found=%" G_GSIZE_FORMAT "/%" G_GSIZE_FORMAT " %s=%.3f interval=%.3f..%.3f", name,
		 cases, found, cases, w->task->metric, auc.value, auc.low, auc.high);
}

static void say_sizes(const struct work *w, const struct held *h)
{
	double above = 0;

	say_size(w, h, "not_known", -1, 0);
	for (const struct size_class *s = w->task->sizes; s != NULL && s->name != NULL; above = s->most, s++)
		say_size(w, h, s->name, above, s->most);
}

/* The surest of the mistakes: negatives called positive from the top, positives called negative from the end. */
static void say_worst(const struct work *w, const struct held *h)
{
	g_autoptr(GString) names = g_string_new(NULL), line = g_string_new("worst");
	gsize i = 0, k = h->n, said = 0;

	if (log_names_hidden())
		return;
	while (said < WORST) {
		while (i < h->n && h->label[i])
			i++;
		while (k > 0 && !h->label[k - 1])
			k--;
		double high = i < h->n && h->p[i] >= CALLED ? h->p[i] - CALLED : -1;
		double low = k > 0 && h->p[k - 1] < CALLED ? CALLED - h->p[k - 1] : -1;
		if (high < 0 && low < 0)
			break;
		const struct judged *c = high >= low ? &h->cases[i++] : &h->cases[--k];
		g_string_append_printf(names, "%s%s(%s):%.3f", said++ > 0 ? "," : "", w->cases[c->item].id, case_class(w, c->item), c->p);
	}
	logfmt_append(line, "cases", said > 0 ? names->str : "none");
	if (h->n > 0)
		log_last("%s", line->str);
}

static void say_spark(JsonArray *own, const char *of, gboolean higher)
{
	const guint n = json_array_get_length(own);
	g_autofree double *values = column(own, of);
	g_autofree char *plot = plot_spark(values, n, SPARK_WIDTH, log_ascii());
	g_autoptr(GString) line = g_string_new("curve");
	double best = NAN;

	if (n < 2)
		return;
	for (guint i = 0; i < n; i++)
		if (isfinite(values[i]) && !(higher ? values[i] <= best : values[i] >= best))
			best = values[i];
	g_string_append_printf(line, " of=%s first=%.4g last=%.4g best=%.4g", of, values[0], values[n - 1], best);
	logfmt_append(line, "plot", plot);
	log_last("%s", line->str);
}

enum course diagnosis_course(const double *loss, const double *log_loss, const double *auc, const double *metric, gsize n)
{
	double best_auc = -1, best_metric = -1;
	gsize least = 0;

	for (gsize i = 0; i < n; i++) {
		best_auc = MAX(best_auc, isfinite(auc[i]) ? auc[i] : -1);
		best_metric = MAX(best_metric, isfinite(metric[i]) ? metric[i] : -1);
		least = log_loss[i] < log_loss[least] || !isfinite(log_loss[least]) ? i : least;
	}
	if (n >= 3 && best_auc < 0 && best_metric >= 0)
		return COURSE_UNSEEN;
	if (n < 3 || best_auc < 0 || !isfinite(log_loss[n - 1]))
		return COURSE_UNKNOWN;
	if (best_auc < 0.6 && best_metric < 0.6)
		return COURSE_NOTHING;
	/* surer of what it gets wrong is no fault yet: what counts is the order */
	const gboolean order_fell = auc[n - 1] < best_auc && !(metric[n - 1] >= best_metric);
	if (order_fell && log_loss[n - 1] > 1.1 * log_loss[least] && loss[n - 1] < loss[least])
		return COURSE_OVERFITS;
	return least == n - 1 && log_loss[n - 1] < 0.95 * log_loss[n - 1 - n / 3] ? COURSE_RISING : COURSE_LEVEL;
}

static enum course course_of(JsonArray *own, const struct task *task)
{
	g_autofree double *loss = column(own, "loss"), *log_loss = column(own, "log_loss");
	g_autofree double *auc = column(own, task->sample_metric), *metric = column(own, task->metric);

	return diagnosis_course(loss, log_loss, auc, metric, json_array_get_length(own));
}

static void say_verdict(enum course course)
{
	static const char *const words[] = {
		[COURSE_UNKNOWN] = "whether it learned is not known: that takes three epochs and held-out cases",
		[COURSE_UNSEEN] = "whether it learned, the cases alone can say: of no positive one that was held out is it known where to look",
		[COURSE_NOTHING] = "it has learned next to nothing (underfitting): held-out samples are told apart hardly better than by chance",
		[COURSE_OVERFITS] = "it overfits: the training loss still falls, while that of held-out samples has risen by more than a tenth",
		[COURSE_RISING] = "it was still learning when it ended: the loss of held-out samples was falling to the last",
		[COURSE_LEVEL] = "it has learned what it can from these data and settings: the last third of the epochs brought little",
	};
	g_autoptr(GString) line = g_string_new("verdict");

	logfmt_append(line, "text", words[course]);
	log_last("%s", line->str);
}

/* What the AUC of a test set like the held-out cases will be, in numbers and words. */
static void say_forecast(const struct diagnosis *d, const struct held *h)
{
	const struct findings *f = d->findings;
	const gsize as_large = f->n_test > 1 ? f->n_test : MAX(h->n, 2);
	const struct forecast_auc auc = forecast_auc(h->p, h->label, h->n, as_large, LEVEL);
	g_autoptr(GString) line = g_string_new("forecast"), text = g_string_new(NULL);

	if (d->best_epoch == 0)
		return;
	g_string_append_printf(line, " %s=%.3f interval=%.3f..%.3f", d->work->task->metric, auc.expected, auc.low, auc.high);
	g_string_append_printf(text, "what a test set of %" G_GSIZE_FORMAT " cases like the %" G_GSIZE_FORMAT " that were held out will give",
			       as_large, h->n);
	if (f->stain_matters)
		g_string_append_printf(text, "; its stain is another (by %.1f standard deviations of the training set): expect less",
				       f->stain_sd);
	else if (f->n_test > 0 && isfinite(f->stain_sd))
		g_string_append_printf(text, "; its stain strays by %.1f standard deviations of the training set, which is no more than "
				       "chance or little", f->stain_sd);
	else
		g_string_append(text, "; how its stain compares is not known");
	logfmt_append(line, "text", text->str);
	log_last("%s", line->str);
}

/* How the score held up on training cases of the same distance in colour as the test cases. */
static void say_colours(const struct diagnosis *d, const struct held *h)
{
	static const char *const names[FORECAST_PARTS] = { "near", "middle", "far" };
	const struct findings *f = d->findings;
	const gsize n = d->work->n_cases;
	gsize beyond;
	g_autofree double *all = g_new(double, n + 1), *test = g_new(double, f->n_test + 1), *distance = g_new(double, h->n + 1);

	if (f->colour == NULL || f->n_test == 0 || d->best_epoch == 0)
		return;
	forecast_distances(f->colour, n, f->test_colour, f->n_test, all, test);
	for (gsize i = 0; i < h->n; i++)
		distance[i] = all[h->cases[i].item];
	const struct forecast_colour c = forecast_by_colour(distance, h->p, h->label, h->n, test, f->n_test);
	for (int k = 0; k < FORECAST_PARTS; k++) {
		const struct forecast_part *p = &c.parts[k];
		if (!p->few)
			log_last("colour of=%s cases=%" G_GSIZE_FORMAT " distance=%.2f..%.2f %s=%.3f interval=%.3f..%.3f test=%" G_GSIZE_FORMAT,
				 names[k], p->n, p->nearest, p->farthest, d->work->task->metric, p->auc.value, p->auc.low, p->auc.high,
				 p->test);
	}
	if (forecast_beyond(all, n, test, f->n_test, &beyond))
		log_last("colour of=beyond test=%" G_GSIZE_FORMAT " text=\"so many test cases differ more in colour from the training set than any "
			 "case of it does, which is no chance\"", beyond);
}

static void say_left_out(const struct work *w)
{
	enum { SAID = 4 };
	guint n = 0;

	for (guint i = 0; i < w->n_cases; i++) {
		g_autoptr(GString) line = g_string_new("left_out");
		if (w->cases[i].left_out == NULL || n++ >= SAID)
			continue;
		logfmt_append(line, "case", w->cases[i].id);
		logfmt_append(line, "why", w->cases[i].left_out);
		log_last("%s", line->str);
	}
	if (n > SAID)
		log_last("left_out more=%u", n - SAID);
}

void diagnosis_say(const struct diagnosis *d)
{
	const struct task *task = d->work->task;
	struct held h = { 0 };
	g_autoptr(JsonArray) own = own_history(d);
	const enum course course = course_of(own, task);

	read_held(d, &h);
	say_held(d->work, &h);
	say_roc(&h);
	say_curves(task, own);
	say_outcome(d, &h);
	say_forecast(d, &h);
	say_colours(d, &h);
	say_verdict(course);
	say_spark(own, "loss", FALSE);
	say_spark(own, "log_loss", FALSE);
	say_spark(own, task->sample_metric, TRUE);
	say_spark(own, task->metric, TRUE);
	say_confusion(&h);
	say_sizes(d->work, &h);
	say_worst(d->work, &h);
	say_left_out(d->work);
	closing_say(d->work->settings->paths.model, d->work->settings->training.time);
	advice_say(d, course, h.cases, h.n);
	held_clear(&h);
}
