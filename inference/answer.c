/* answer.c - see answer.h. */
#include "inference/answer.h"
#include "common/answer/answer_check.h"
#include "common/log/log.h"
#include "common/log/stage.h"
#include <glib/gstdio.h>
#include <sys/stat.h>

enum {
	REWRITE_S = 10,         /* what SIGKILL costs at most, 10 s after SIGTERM as Docker sends it */
	REWRITE_SHARE = 20,     /* written anew each so many times as long as it takes, where that is sooner */
	TRIES = 10              /* of a case that was read before, and now cannot be */
};

struct kept {                   /* of a case */
	gsize read;             /* samples that its answer is from; 0: it has the fallback */
	struct plan_case of;    /* samples to always_fixed of it */
	gboolean full;          /* its answer is from all that it has */
	gboolean done;          /* all that it has was tried */
	gboolean partly, said;
	guint again;            /* so many passes over all of it were tried again */
	gsize failed;           /* samples, in the last of them */
	gboolean away;          /* that gave nothing */
	char *why;              /* a pass gave nothing for it; NULL: none did */
};

struct answers {
	struct work *work;
	JsonObject *facts;
	struct journal *journal;
	double *answer;         /* (n_cases, n_answers) */
	struct kept *kept;      /* (n_cases) */
	struct attention *const *bags; /* (n_bags) */
	guint n_bags;
	double share;           /* of the pass under way */
	int rounds;
	gboolean stands;        /* an answer of an earlier run for these cases, which stays until there is one of this run */
	double written, took;   /* log_seconds() as it was written last; s */
};

gboolean answers_write(struct answers *a, GError **error)
{
	STAGE("answering");
	if (a->stands)
		return TRUE;
	const double start = a->written = log_seconds();
	const gboolean ok = a->work->task->write(a->work, a->answer, error);
	a->took = ok ? log_seconds() - start : REWRITE_S;
	return ok;
}

static gboolean in_range(const struct work *w, const double *answer)
{
	for (guint k = 0; k < w->n_answers; k++)
		if (!isfinite(answer[k]) || answer[k] < w->columns[k].least || answer[k] > w->columns[k].most)
			return FALSE;
	return TRUE;
}

/* The number that cases are ranked by. */
static double first_of(const struct answers *a, guint item) { return a->answer[item * (gsize)a->work->n_answers]; }

/* Of the model, or, where its facts give no such number, that without a model. */
static void fallback(const struct work *w, JsonObject *facts, double *answer)
{
	for (guint k = 0; k < w->n_answers; k++)
		answer[k] = w->columns[k].without;
	w->task->answer(facts, NULL, answer);
	if (in_range(w, answer))
		return;
	log_warn("answer", "the model's fallback, %g, is no answer: %g to %g are; even odds are taken", answer[0],
		 w->columns[0].least, w->columns[0].most);
	w->task->answer(NULL, NULL, answer);
}

/* What runs that were killed as they wrote have left: GLib writes beside a file, under its name and six letters or digits. */
static void remove_begun(const struct settings *s)
{
	g_autofree char *path = g_build_filename(s->paths.output, s->answer.file, NULL), *folder = g_path_get_dirname(path);
	g_autofree char *file = g_path_get_basename(path), *begun = g_strconcat(file, ".", NULL);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const gsize n = strlen(begun);
	struct stat st;

	for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
		g_autofree char *at = g_build_filename(folder, name, NULL);
		if (g_str_has_prefix(name, begun) && strlen(name) == n + 6 && strspn(name + n, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS) == 6 &&
		    g_lstat(at, &st) == 0 && S_ISREG(st.st_mode))
			g_unlink(at);
	}
}

/* Where there is a right answer for these cases, it is written anew as it is. FALSE: there is none, or it could not be. */
static gboolean write_earlier(const struct work *w)
{
	g_autofree char *path = g_build_filename(w->settings->paths.output, w->settings->answer.file, NULL), *text = NULL;
	g_autoptr(GPtrArray) doubts = g_ptr_array_new_with_free_func(g_free);
	gsize length;

	return g_file_test(path, G_FILE_TEST_IS_REGULAR) && w->task->check != NULL && answer_check_file(w, path, doubts, NULL) &&
	       g_file_get_contents(path, &text, &length, NULL) &&
	       g_file_set_contents_full(path, text, (gssize)length, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644, NULL);
}

/* What the case keeps, for the message that says why. */
static char *describe_kept(const struct answers *a, guint item)
{
	const struct kept *k = &a->kept[item];
	const double answer = first_of(a, item);

	return k->read == 0 ? g_strdup_printf("it is answered with the fallback %.3g", answer)
			    : g_strdup_printf("it keeps its answer of an earlier pass, %.3g, from %" G_GSIZE_FORMAT " samples", answer,
					      k->read);
}

/* Says once of a case that a pass gave nothing for it. */
static void keep(struct answers *a, guint item, const char *why)
{
	struct kept *k = &a->kept[item];
	g_autofree char *kept = describe_kept(a, item);

	if (!k->said)
		log_warn("case", "%s; %s", why, kept);
	if (k->why == NULL)
		k->why = g_strdup(why);
	k->said = TRUE;
}

/* What runs that were killed have answered. */
static void take_over(struct answers *a)
{
	const struct work *w = a->work;

	for (guint i = 0; i < w->n_cases; i++) {
		const struct journal_answer was = journal_answer(a->journal, i);
		struct kept *k = &a->kept[i];
		if (was.read > 0 && in_range(w, was.numbers)) {
			memcpy(a->answer + i * (gsize)w->n_answers, was.numbers, w->n_answers * sizeof *a->answer);
			*k = (struct kept){ .read = was.read, .partly = was.partly, .full = was.full, .done = was.done };
			a->stands = FALSE;
		}
		if (!k->done && journal_killed_in(a->journal, i) > 1) {
			g_autofree char *why = g_strdup_printf("case '%s': inference was killed twice while it was looked at, the second "
							       "time alone; it is not tried again", w->cases[i].id);
			k->done = TRUE;
			keep(a, i, why);
		}
	}
}

struct answers *answers_new(struct work *work, JsonObject *facts, struct journal *journal, GError **error)
{
	const gsize n = work->n_answers;
	g_autoptr(answers_t) a = g_new0(struct answers, 1);

	a->work = work;
	a->facts = facts;
	a->journal = journal;
	a->answer = g_new(double, (work->n_cases + 1) * n);
	a->kept = g_new0(struct kept, work->n_cases + 1);
	remove_begun(work->settings);
	fallback(work, facts, a->answer);
	for (guint i = 1; i < work->n_cases; i++)
		memcpy(a->answer + i * n, a->answer, n * sizeof *a->answer);
	a->stands = write_earlier(work);
	take_over(a);
	return answers_write(a, error) ? g_steal_pointer(&a) : NULL;
}

void answers_free(struct answers *a)
{
	if (a == NULL)
		return;
	for (guint i = 0; i < a->work->n_cases; i++)
		g_free(a->kept[i].why);
	g_free(a->answer);
	g_free(a->kept);
	g_free(a);
}

void answers_set_bags(struct answers *a, struct attention *const *bags, guint n)
{
	a->bags = bags;
	a->n_bags = n;
}

guint answers_bag(const struct answers *a)
{
	for (guint k = 0; k < a->n_bags; k++)
		if (a->bags[k] != NULL)
			return ATTENTION_TILES;
	return 0;
}

void answers_begin(struct answers *a, double share, int rounds)
{
	a->share = share;
	a->rounds = rounds;
}

/* Samples of the case's first round; more: of those behind it; always: of the second, where no pass goes without it. */
static guint64 count_rounds(const struct answers *a, guint item, double share, guint64 *more, guint64 *always)
{
	g_autoptr(GArray) rounds = task_rounds(a->work, item, share);
	const guint64 first = rounds->len > 0 ? g_array_index(rounds, guint64, 0) : 0;

	*more = 0;
	*always = work_coarse_first(a->work) && rounds->len > 1 ? g_array_index(rounds, guint64, 1) : 0;
	for (guint i = 1; i < rounds->len; i++)
		*more += g_array_index(rounds, guint64, i);
	return first;
}

/* What share 1/2 has more than half of share 1 does not grow. */
static guint64 fixed_of(guint64 half, guint64 all) { return MIN(2 * half > all ? 2 * half - all : 0, all); }

/* How many samples the case has in all, while it is prepared. */
static void count_samples(const struct answers *a, guint item, struct kept *k)
{
	struct plan_case *of = &k->of;
	guint64 more, always;

	count_rounds(a, item, 0.5, &more, &always);
	of->samples = count_rounds(a, item, 1, &of->more, &of->always);
	of->bag = MIN(answers_bag(a), of->samples);
	of->fixed = fixed_of(more, of->more);
	of->always_fixed = fixed_of(always, of->always);
}

static void say_partly(struct answers *a, const struct scan_case *c)
{
	struct kept *k = &a->kept[c->item];

	if (!k->said)
		log_warn("sample", "%s; %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " samples could not be read",
			 c->error->message, c->failed, c->n);
	k->said = TRUE;
}

static void say_case(const struct work *w, guint item, gsize samples, const double *features, const double *answer)
{
	g_autoptr(GString) line = g_string_new("case");

	logfmt_append(line, w->task->noun, w->cases[item].id);
	g_string_append_printf(line, " samples=%" G_GSIZE_FORMAT " raw=%.4f", samples, features[0]);
	if (w->task->bags != NULL && isfinite(features[w->task->bags->feature]))
		g_string_append_printf(line, " attention=%.4f", features[w->task->bags->feature]);
	g_string_append_printf(line, " p=%.6f", answer[0]);
	for (guint k = 1; k < w->n_answers; k++)
		g_string_append_printf(line, " %s=%.1f", w->columns[k].name, answer[k]);
	log_detail("%s", line->str);
}

/* What the models of bags say of a case, on average; NAN: nothing. */
static double bag_logit(const struct answers *a, const struct scan_case *c)
{
	double sum = 0;
	guint n = 0;

	for (guint k = 0; c->bag > 0 && k < a->n_bags; k++) {
		g_autoptr(GError) wrong = NULL;
		double logit;
		if (a->bags[k] == NULL)
			continue;
		const struct bag bag = { c->features[k], T_F16, c->bag, 0 };
		if (!attention_predict(a->bags[k], &bag, &logit, NULL, &wrong)) {
			log_warn("attention", "case '%s': %s; its answer is without", a->work->cases[c->item].id, wrong->message);
			return NAN;
		}
		sum += logit;
		n++;
	}
	return n > 0 ? sum / n : NAN;
}

/* A new answer for a case that was read, where it is from at least as much as the one before. */
static void score(struct answers *a, const struct scan_case *c)
{
	const struct task *task = a->work->task;
	const struct work *w = a->work;
	const char *id = w->cases[c->item].id;
	struct kept *k = &a->kept[c->item];
	g_autofree double *features = g_new(double, task->n_features), *answer = g_new0(double, w->n_answers);

	if (c->n - c->failed < k->read) {
		if (c->failed == 0)
			return;
		g_autofree char *why = g_strdup_printf("%s; only %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " samples could be read",
						       c->error->message, c->n - c->failed, c->n);
		keep(a, c->item, why);
		return;
	}
	task->features(a->work, c->item, c->samples, c->outputs, c->n, features);
	if (task->bags != NULL)
		features[task->bags->feature] = bag_logit(a, c);
	if (isfinite(features[0]))
		task->answer(a->facts, features, answer);
	if (isfinite(features[0]) && task->further != NULL)
		task->further(a->work, c->item, c->samples, c->outputs, c->n, answer);
	if (!isfinite(features[0]) || !in_range(w, answer)) {
		g_autofree char *why = g_strdup_printf("case '%s': the network gave no number for it", id);
		keep(a, c->item, why);
		return;
	}
	a->stands = FALSE;
	memcpy(a->answer + c->item * (gsize)w->n_answers, answer, w->n_answers * sizeof *answer);
	k->read = c->n - c->failed;
	k->full = k->done;
	k->partly = c->failed > 0;
	if (k->partly)
		say_partly(a, c);
	if (a->rounds == 0)
		say_case(w, c->item, c->n, features, answer);
}

/* A case that could be read before is tried again: where nothing could be, for a while, and where a twentieth could not, as long
   as that makes it less. What it comes from may be away. A thread that hangs in it would do so again. */
static gboolean try_again(const struct work *w, struct kept *k, const struct scan_case *c)
{
	const gsize before = k->failed;
	const gboolean hopeless = k->read == 0 || case_given_up(w, c->item, NULL);

	k->away = !hopeless && c->n == c->failed && k->again < TRIES - 1;
	k->failed = c->failed;
	if (!k->away && (hopeless || c->n == c->failed || 20 * c->failed <= c->n || (k->again > 0 && c->failed >= before)))
		return FALSE;
	k->again++;
	return TRUE;
}

guint answers_away(const struct answers *a)
{
	guint n = 0;

	for (guint i = 0; i < a->work->n_cases; i++)
		n += a->kept[i].away ? 1 : 0;
	return n;
}

guint answers_killed(const struct answers *a) { return journal_killed(a->journal); }

guint answers_put_last(const struct answers *a, guint *items, guint n)
{
	g_autofree guint *last = g_new(guint, n + 1);
	guint n_last = 0, kept = 0;

	for (guint i = 0; i < n; i++)
		if (journal_killed_in(a->journal, items[i]) > 0)
			last[n_last++] = items[i];
		else
			items[kept++] = items[i];
	memcpy(items + kept, last, n_last * sizeof *last);
	return n_last;
}

void answers_case_begin(struct answers *a, guint item) { journal_begin(a->journal, item); }

static void note(struct answers *a, guint item)
{
	const struct kept *k = &a->kept[item];
	const gsize n = a->work->n_answers;
	struct journal_answer said = { .read = k->read, .partly = k->partly, .full = k->full, .done = k->done };

	memcpy(said.numbers, a->answer + item * n, n * sizeof *a->answer);
	journal_end(a->journal, item, &said);
}

gboolean answers_take(void *context, const struct scan_case *c, GError **error)
{
	struct answers *a = context;
	struct kept *k = &a->kept[c->item];
	g_autoptr(GError) wrong = NULL;

	STAGE("answering");
	(void)error;
	if (c->n > 0 && k->of.samples == 0)
		count_samples(a, c->item, k);
	if ((a->share >= 1 && a->rounds == 0) || (c->n > 0 && c->n >= k->of.samples && k->of.more + k->of.bag == 0))
		k->done = !try_again(a->work, k, c);
	g_autofree char *empty = g_strdup_printf("case '%s' has no samples", a->work->cases[c->item].id);
	if (c->n == c->failed)
		keep(a, c->item, c->error != NULL ? c->error->message : empty);
	else
		score(a, c);
	note(a, c->item);
	if (log_seconds() - a->written >= MIN(REWRITE_S, REWRITE_SHARE * a->took) && !answers_write(a, &wrong))
		log_warn("answer", "%s; what was written before stays, and it is tried again", wrong->message);
	return TRUE;
}

/* Written and read back. */
static gboolean write_checked(struct answers *a, GPtrArray *doubts, GError **error)
{
	const struct settings *s = a->work->settings;
	g_autofree char *path = g_build_filename(s->paths.output, s->answer.file, NULL);

	return answers_write(a, error) && (a->work->task->check == NULL || answer_check_file(a->work, path, doubts, error));
}

gboolean answers_finish(struct answers *a, double metric, GError **error)
{
	g_autoptr(GPtrArray) doubts = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) wrong = NULL;

	if (a->stands) {
		log_warn("answer", "no %s was scored, so the answer that '%s' had before this run stays", a->work->task->noun,
			 a->work->settings->answer.file);
		return TRUE;
	}
	if (!write_checked(a, doubts, &wrong)) {
		log_warn("answer", "%s; it is written once more", wrong->message);
		g_ptr_array_set_size(doubts, 0);
		if (!write_checked(a, doubts, error))
			return FALSE;
	}
	if (a->facts == NULL)   /* there is no model: all are alike, and that is said */
		return TRUE;
	char *turned = answer_check_direction(a->work->task, a->facts, metric);
	if (turned != NULL)
		g_ptr_array_add(doubts, turned);
	for (guint i = 0; i < doubts->len; i++)
		log_warn("answer", "the answer is doubtful: %s", (char *)doubts->pdata[i]);
	return TRUE;
}

struct answer_counts answers_count(const struct answers *a)
{
	struct answer_counts n = { .earlier = a->stands ? a->work->n_cases : 0 };

	for (guint i = 0; i < a->work->n_cases; i++) {
		const struct kept *k = &a->kept[i];
		n.fully += k->read > 0 && k->full;
		n.coarsely += k->read > 0 && !k->full;
		n.lost += k->read > 0 && !k->full && k->done;
		n.fallback += k->read == 0 && !a->stands;
		n.unreadable += k->read == 0 && k->said;
		n.partly += k->partly ? 1 : 0;
	}
	return n;
}

void answers_cases(const struct answers *a, struct plan_case *out)
{
	const struct answer_column *first = &a->work->columns[0];
	const double middle = (first->least + first->most) / 2, half = (first->most - first->least) / 2;

	for (guint i = 0; i < a->work->n_cases; i++) {
		const struct kept *k = &a->kept[i];
		out[i] = k->of;
		out[i].read = k->read > 0;
		out[i].done = k->done;
		out[i].doubt = 1 - fabs(first_of(a, i) - middle) / half;
	}
}

/* ---- the diagnosis ---- */

/* The first number of each answer. */
static void say_scores(const struct answers *a)
{
	const guint n = a->work->n_cases;
	g_autofree double *sorted = g_new(double, n + 1);
	g_autoptr(GString) line = g_string_new("scores quantiles=");
	guint ties = 0, above = 0;

	for (guint i = 0; i < n; i++)
		sorted[i] = first_of(a, i);
	metrics_sort(sorted, n);
	for (guint i = 0; i < n; i++) {
		ties += i > 0 && sorted[i] <= sorted[i - 1] ? 1 : 0;
		above += sorted[i] >= 0.5 ? 1 : 0;
	}
	for (int k = 0; n > 0 && k <= 4; k++)
		g_string_append_printf(line, "%s%.4f", k > 0 ? ".." : "", metrics_quantile(sorted, n, k / 4.0));
	if (n > 0)
		log_last("%s above_half=%u ties=%u", line->str, above, ties);
}

void answers_say(const struct answers *a)
{
	enum { SAID = 5 };
	guint n = 0;

	if (!a->stands)
		say_scores(a);
	for (guint i = 0; i < a->work->n_cases; i++) {
		const struct kept *k = &a->kept[i];
		g_autoptr(GString) line = g_string_new("left_out");
		if (k->read > 0 || k->why == NULL || n++ >= SAID)
			continue;
		logfmt_append(line, "case", a->work->cases[i].id);
		logfmt_append(line, "why", k->why);
		log_last("%s", line->str);
	}
	if (n > SAID)
		log_last("left_out more=%u", n - SAID);
}
