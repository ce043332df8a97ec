/* advice.c - see advice.h. */
#include "train/advice.h"
#include "common/optim/optim.h"
#include "common/log/log.h"
#include "common/log/stage.h"
#include "train/plan.h"
#include "train/split.h"
#include <math.h>

struct seen {                   /* what the rows look at */
	const struct diagnosis *d;
	const struct settings *s;
	enum course course;
	const struct judged *held;
	gsize n;
};

/* ---- conditions ---- */

static gboolean learns_nothing(const struct seen *x) { return x->course == COURSE_NOTHING; }
static gboolean overfits(const struct seen *x) { return x->course == COURSE_OVERFITS; }
static gboolean rises(const struct seen *x) { return x->course == COURSE_RISING && !x->d->cut; }
static gboolean rises_cut(const struct seen *x) { return x->course == COURSE_RISING && x->d->cut; }
static gboolean was_cut(const struct seen *x) { return x->d->cut; }
static gboolean was_whole(const struct seen *x) { return !x->d->cut; }
static gboolean stain_differs(const struct seen *x) { return x->d->findings->stain_matters && x->s->augmentation.stain < 0.4; }
static gboolean is_random(const struct seen *x)
{
	return x->s->model.weights[0] == '\0' && g_str_equal(x->s->model.network, "resnet18");
}
/* Weights fit one network alone; and where it overfits, a larger one does more so. */
static gboolean may_grow(const struct seen *x) { return x->s->model.weights[0] == '\0' && x->course != COURSE_OVERFITS; }
static gboolean is_small(const struct seen *x)
{
	return may_grow(x) && (g_str_equal(x->s->model.network, "simple") || g_str_equal(x->s->model.network, "squeezenet1_1"));
}
static gboolean is_shallow(const struct seen *x)
{
	return is_small(x) || (may_grow(x) && g_str_equal(x->s->model.network, "resnet18"));
}
static gboolean turns_less(const struct seen *x) { return x->s->inference.turns < 8; }
static gboolean has_no_limit(const struct seen *x) { return x->s->training.time <= 0; }
static gboolean holds_few(const struct seen *x)
{
	return x->n > 0 && x->n < 40 && x->s->training.time >= SPLIT_SHARED && split_members(x->s) < MIN(5, split_folds(x->s->split.validation));
}
static gboolean is_cut(const struct seen *x)
{
	return x->d->memory != NULL && (gint64)x->d->memory->part < x->s->training.batch && x->s->tiles.size > 128;
}
static gboolean holds_none_back(const struct seen *x) { return x->s->split.validation <= 0; }
static gboolean always(const struct seen *x) { return x != NULL; }

static double learned_seconds(void) { return stage_seconds("augmenting") + stage_seconds("computing"); }

static gboolean waits(const struct seen *x)
{
	const double waiting = stage_seconds("waiting");

	return is_shallow(x) && waiting > 0.3 * (waiting + learned_seconds());
}

/* With epochs that are set, each is judged, however short it is. */
static gboolean judges_most(const struct seen *x)
{
	return x->s->training.epochs > 0 && stage_seconds("judging") > learned_seconds();
}

/* Several positives with the smallest lesions are called negative and rank below a negative, more than with others. */
static gboolean misses_small(const struct seen *x)
{
	const struct size_class *sizes = x->d->work->task->sizes;
	gsize small = 0, missed = 0, cases = 0, all_missed = 0;
	double highest = -1;    /* of the negatives */

	for (gsize i = 0; i < x->n; i++)
		highest = x->held[i].label ? highest : MAX(highest, x->held[i].p);
	for (gsize i = 0; sizes != NULL && i < x->n; i++) {
		const struct judged *c = &x->held[i];
		double size = x->d->work->cases[c->item].size;
		gboolean is_small_one = size > 0 && size <= sizes[0].most;
		small += c->label && is_small_one;
		const gboolean is_missed = c->label && c->p < 0.5 && c->p < highest;
		missed += is_missed && is_small_one ? 1 : 0;
		cases += c->label;
		all_missed += is_missed ? 1 : 0;
	}
	return missed > 1 && missed * cases >= all_missed * small && x->s->sampling.tumour < 2;
}

/* ---- values ---- */

static double less_rate(const struct settings *s) { return MAX(1e-8, optim_rate(s) / 10); }
static double double_epochs(const struct settings *s) { return MIN(PLAN_OPEN, 2.0 * (s->training.epochs > 0 ? s->training.epochs : PLAN_EPOCHS)); }
static double double_time(const struct settings *s) { return 2 * s->training.time; }
static double more_stain(const struct settings *s) { return MIN(1, s->augmentation.stain + 0.1); }
static double double_tumour(const struct settings *s) { return MAX(1, 2 * s->sampling.tumour); }
static double more_decay(const struct settings *s) { return MIN(1, 5 * s->training.weight_decay); }

/* In the order of what they bring. Where there is no number, value is the word. */
static const struct row {
	gboolean (*applies)(const struct seen *seen);
	const char *key;
	double (*number)(const struct settings *s);
	const char *value, *why;
} rows[] = {
	{ learns_nothing, "training.learning_rate", less_rate, NULL, "it learned next to nothing: a rate that is too high is the likeliest "
	  "cause; wrong masks the next (look at a few)" },
	{ holds_none_back, "split.validation", NULL, "0.2", "nothing is held out, so which epoch is best is not known" },
	{ overfits, "augmentation.stain", more_stain, NULL, "it overfits: more variation helps most" },
	{ stain_differs, "augmentation.stain", more_stain, NULL, "the test set is stained otherwise" },
	{ is_random, "model.weights", NULL, "weights/resnet18.safetensors", "pretrained weights are worth more than days of training; README "
	  "says where to put the file" },
	{ misses_small, "sampling.tumour", double_tumour, NULL, "slides with the smallest lesions are missed: let it see more of them" },
	{ judges_most, "training.epochs", NULL, "0", "more of the time went into judging held-out slides than into learning: left to itself, "
	  "an epoch is longer" },
	{ rises_cut, "training.time", double_time, NULL, "it was still learning when its time was over: give it more, if the contest does" },
	{ rises, "training.epochs", double_epochs, NULL, "it was still learning; training.time must allow it" },
	{ is_small, "model.network", NULL, "resnet18", "a larger network has room to learn more" },
	{ waits, "model.network", NULL, "resnet34", "the network waits for slides: a larger one costs no time" },
	{ is_cut, "tiles.size", NULL, "128", "batches are cut for want of memory: smaller tiles train faster" },
	{ overfits, "training.weight_decay", more_decay, NULL, "it overfits" },
	{ turns_less, "inference.turns", NULL, "8", "eight views of each tile, averaged, rank a little better, for more time" },
	{ has_no_limit, "training.time", NULL, "28h", "without a limit a run that the cloud ends early stops in mid-schedule" },
	{ holds_few, "training.members", NULL, "5", "so few held-out cases say little of the test set: several networks hold each case out "
	  "once, in the same time" },
	{ always, "split.seed", NULL, "7", "another seed shows how much of a score is chance: change nothing else" },
	{ was_cut, "training.time", double_time, NULL, "its time ended it: more, if the contest gives it" },
	{ was_whole, "training.epochs", double_epochs, NULL, "longer, with the same schedule; training.time must allow it" },
	{ is_shallow, "model.network", NULL, "resnet34", "a deeper network, where time and memory allow it" },
};

static gboolean is_set(const struct settings *s, const char *key, const char *value)
{
	g_autofree char *now = settings_get(s, key);

	return g_str_equal(now, value) || (g_ascii_isdigit(*value) && g_ascii_strtod(now, NULL) == g_ascii_strtod(value, NULL));
}

void advice_say(const struct diagnosis *d, enum course course, const struct judged *held, gsize n)
{
	const struct seen seen = { d, d->work->settings, course, held, n };
	const char *said[ADVICE_MOST];
	guint count = 0;

	for (gsize i = 0; i < G_N_ELEMENTS(rows) && count < ADVICE_MOST; i++) {
		const struct row *r = &rows[i];
		gboolean twice = FALSE;
		for (guint k = 0; k < count; k++)
			twice |= g_str_equal(said[k], r->key);
		if (twice || !r->applies(&seen))
			continue;
		g_autoptr(GString) line = g_string_new("try");
		g_autofree char *value = r->number != NULL ? g_strdup_printf("%g", r->number(seen.s)) : g_strdup(r->value);
		if (is_set(seen.s, r->key, value))
			continue;
		said[count++] = r->key;
		g_string_append_printf(line, " n=%u", count);
		logfmt_append(line, "key", r->key);
		logfmt_append(line, "value", value);
		logfmt_append(line, "why", r->why);
		log_last("%s", line->str);
	}
}
