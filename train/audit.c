/* audit.c - see audit.h. Look at all, then judge: what is done to cases is done after all looks, in their order. */
#include "train/audit.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/machine/jobs.h"
#include "common/machine/room.h"
#include "common/machine/stop.h"
#include "common/metrics/shift.h"
#include "common/model/model.h"
#include "train/classes.h"
#include "train/split.h"
#include "train/twins.h"
#include <math.h>

enum {
	TEST_SECONDS = 60,      /* for the test set, at least */
	SAVES = 15,             /* weights as large files: three models and three states of four each, one being written; and one of each
				   other member */
};

/* No chance, and no trifle: with many slides any laboratory differs from another. */
#define STAIN_P 0.05
#define STAIN_LEAST_SD 0.5
#define COLOUR_MIN 0.03         /* optical density: a change that an eye would see */

struct set {
	const char *of;         /* "train" or "test" */
	struct work *work;
	struct look *looks;     /* (n_cases) */
	GError **errors;        /* (n_cases) why a look failed */
	gboolean *looked;       /* (n_cases) */
	double until;           /* s since the program's start, when no further look begins; 0: no limit */
};

/* ---- looking ---- */

/* One look, in memory of its own: it may hang. */
struct looking {
	const struct set *set;
	guint item;
	struct look look;
	GError *error;
	gboolean looked;
};

static gpointer begin_look(gpointer what, gpointer user)
{
	struct looking *l = g_new0(struct looking, 1);

	l->set = user;
	l->item = GPOINTER_TO_UINT(what);
	return l;
}

static void look_one(gpointer data)
{
	struct looking *l = data;
	struct work *w = l->set->work;

	if (stop_asked() == NULL && (l->set->until <= 0 || log_seconds() <= l->set->until) &&
	    (w->phase != PHASE_TRAIN || w->cases[l->item].ready))
		l->looked = w->task->look(w, l->item, &l->look, &l->error);
}

static void drop_look(gpointer data)
{
	struct looking *l = data;

	look_clear(&l->look);
	g_clear_error(&l->error);
	g_free(l);
}

static void take_look(gpointer what, gpointer data, gpointer user)
{
	struct set *s = user;
	struct looking *l = data;

	(void)what;
	s->looks[l->item] = l->look;
	s->errors[l->item] = l->error;
	s->looked[l->item] = l->looked;
	g_free(l);
}

static void set_look(struct set *s, const char *of, struct work *w, guint threads, double until)
{
	static const struct jobs_kind kind = { "look", 0, begin_look, look_one, take_look, drop_look };
	guint done = 0;
	gpointer what;
	gboolean late;

	*s = (struct set){ .of = of, .work = w, .until = until };
	s->looks = g_new0(struct look, (gsize)w->n_cases + 1);
	s->errors = g_new0(GError *, (gsize)w->n_cases + 1);
	s->looked = g_new0(gboolean, (gsize)w->n_cases + 1);
	struct jobs *jobs = jobs_new(threads, w->patience, &kind, s);
	for (guint i = 0; i < w->n_cases; i++)
		jobs_push(jobs, GUINT_TO_POINTER(i));
	while (jobs_pop(jobs, TRUE, &what, &late)) {
		if (late)
			case_give_up(w, GPOINTER_TO_UINT(what), &s->errors[GPOINTER_TO_UINT(what)]);
		log_progress("looking of=%s n=%u/%u", of, ++done, w->n_cases);
	}
	jobs_free(jobs);
}

static void set_clear(struct set *s)
{
	for (guint i = 0; s->work != NULL && i < s->work->n_cases; i++) {
		look_clear(&s->looks[i]);
		g_clear_error(&s->errors[i]);
	}
	g_free(s->looks);
	g_free(s->errors);
	g_free(s->looked);
}

/* ---- what one case shows ---- */

static gboolean is_unreadable(const struct look *l) { return 2 * l->failed > l->tried; }

/* Of a test case: it is only said. */
static void judge_reads(struct set *s, guint i)
{
	const struct look *l = &s->looks[i];
	const char *id = s->work->cases[i].id;
	gboolean training = s->work->phase == PHASE_TRAIN;

	if (s->errors[i] != NULL)
		log_warn(training ? "case" : "test case", "%s; %s", s->errors[i]->message,
			 training ? "left out" : "it will be answered with the fallback: is it copied whole?");
	else if (l->failed > 0)
		log_warn(training ? "case" : "test case", "case '%s': %u of %u samples cannot be read: %s; %s", id, l->failed,
			 l->tried, l->reason, !training ? "is it copied whole?" : is_unreadable(l) ? "left out"
			 : "what cannot be read is passed over");
	if (training && (s->errors[i] != NULL || is_unreadable(l)))
		case_leave_out(s->work, i, s->errors[i] != NULL ? s->errors[i]->message : l->reason);
}

static void say_case(const struct set *s, guint i)
{
	const struct look *l = &s->looks[i];
	g_autoptr(GString) line = g_string_new("look");

	logfmt_append(line, "of", s->of);
	logfmt_append(line, "case", s->work->cases[i].id);
	g_string_append_printf(line, " read=%u/%u", l->tried - l->failed, l->tried);
	for (guint k = 0; k < l->n_numbers; k++)
		g_string_append_printf(line, " %s=%.6g", l->numbers[k].name, l->numbers[k].value);
	if (l->coloured)
		g_string_append_printf(line, " density=%.2f,%.2f,%.2f", l->colour[0], l->colour[1], l->colour[2]);
	log_detail("%s", line->str);
}

static void judge_cases(struct set *s)
{
	for (guint i = 0; i < s->work->n_cases; i++) {
		const struct look *l = &s->looks[i];
		if (s->looked[i])
			say_case(s, i);
		judge_reads(s, i);
		for (guint k = 0; l->doubts != NULL && k < l->doubts->len; k++)
			log_warn("doubt", "%s%s", s->work->phase == PHASE_TEST ? "test: " : "", (char *)l->doubts->pdata[k]);
	}
}

/* ---- the sets as wholes ---- */

/* First: it is why much of what follows is said. */
static void judge_together(const struct work *w)
{
	g_autofree char *doubt = w->task->doubt != NULL ? w->task->doubt(w) : NULL;

	if (doubt != NULL)
		log_warn("data", "%s", doubt);
}

/* Of a number by its name: least, median, highest over the cases that have it. */
static void append_range(const struct set *s, const char *name, GString *line)
{
	g_autofree double *value = g_new(double, (gsize)s->work->n_cases + 1);
	gsize n = 0;

	for (guint i = 0; i < s->work->n_cases; i++)
		for (guint k = 0; k < s->looks[i].n_numbers; k++)
			if (g_str_equal(s->looks[i].numbers[k].name, name))
				value[n++] = s->looks[i].numbers[k].value;
	if (n == 0)
		return;
	metrics_sort(value, n);
	g_string_append_printf(line, " %s=%.6g..%.6g..%.6g", name, value[0], metrics_quantile(value, n, 0.5), value[n - 1]);
}

/* Names in the order in which they are first met. */
static GPtrArray *names_of(const struct set *s)
{
	GPtrArray *names = g_ptr_array_new();

	for (guint i = 0; i < s->work->n_cases; i++)
		for (guint k = 0; k < s->looks[i].n_numbers; k++) {
			gpointer name = (gpointer)s->looks[i].numbers[k].name;
			if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
				g_ptr_array_add(names, name);
		}
	return names;
}

static void say_set(const struct set *s, guint cases)
{
	guint looked = 0, failed = 0, doubts = 0, tried = 0, bad = 0;
	g_autoptr(GPtrArray) names = names_of(s);
	g_autoptr(GString) line = g_string_new(NULL);

	for (guint i = 0; i < s->work->n_cases; i++) {
		const struct look *l = &s->looks[i];
		looked += s->looked[i] ? 1 : 0;
		failed += s->errors[i] != NULL;
		doubts += l->doubts != NULL ? l->doubts->len : 0;
		tried += l->tried;
		bad += l->failed;
	}
	g_autofree char *name = g_strconcat("audit ", s->of, NULL), *ranges = g_strconcat("ranges ", s->of, NULL);
	log_keep(name, "audit of=%s cases=%u looked_at=%u not_opened=%u doubts=%u samples_read=%u/%u", s->of, cases, looked, failed,
		doubts, tried - bad, tried);
	for (guint i = 0; i < names->len; i++)
		append_range(s, names->pdata[i], line);
	if (line->len > 0)
		log_keep(ranges, "ranges of=%s%s", s->of, line->str);
}

struct audit_shift audit_shift(const double *a, gsize n, const double *b, gsize m, double least)
{
	struct audit_shift s = { 0 };
	double mean[2] = { 0 }, variance[2] = { 0 };
	const double *of[] = { a, b };
	const gsize count[] = { n, m };

	if (n < 2 || m < 2)
		return s;
	for (int k = 0; k < 2; k++) {
		for (gsize i = 0; i < count[k]; i++)
			mean[k] += of[k][i] / (double)count[k];
		for (gsize i = 0; i < count[k]; i++)
			variance[k] += (of[k][i] - mean[k]) * (of[k][i] - mean[k]) / (double)(count[k] - 1);
	}
	double error = sqrt(variance[0] / (double)n + variance[1] / (double)m), moved = mean[1] - mean[0];
	s.from = mean[0];
	s.to = mean[1];
	if (n < 3 || m < 3)
		return s;
	s.by = variance[0] > 0 ? moved / sqrt(variance[0]) : 0;
	s.matters = fabs(moved) >= MAX(least, sqrt(variance[0])) && fabs(moved) >= 3 * error;
	return s;
}

/* One channel of the cases that have a colour. */
static gsize channel(const struct set *s, int k, double *out)
{
	gsize n = 0;

	for (guint i = 0; i < s->work->n_cases; i++)
		if (s->looks[i].coloured)
			out[n++] = s->looks[i].colour[k];
	return n;
}

/* What the looks say of stain, (n, LOOK_STAIN). */
static double *stains_of(const struct set *s, gsize *n)
{
	double *out = g_new(double, (gsize)s->work->n_cases * LOOK_STAIN + 1);

	*n = 0;
	for (guint i = 0; i < s->work->n_cases; i++)
		if (s->looks[i].stained)
			memcpy(out + LOOK_STAIN * (*n)++, s->looks[i].stain, sizeof s->looks[i].stain);
	return out;
}

static struct shift stain_shift(const struct set *train, const struct set *test)
{
	gsize n, m;
	g_autofree double *a = stains_of(train, &n), *b = stains_of(test, &m);

	return metrics_shift(a, n, b, m, LOOK_STAIN);
}

static double *colours_of(const struct set *s)
{
	double *out = g_new(double, 3 * (gsize)s->work->n_cases + 1);

	for (guint i = 0; i < s->work->n_cases; i++)
		for (int k = 0; k < 3; k++)
			out[3 * i + (guint)k] = s->looks[i].coloured ? s->looks[i].colour[k] : (double)NAN;
	return out;
}

void findings_clear(struct findings *f)
{
	g_clear_pointer(&f->colour, g_free);
	g_clear_pointer(&f->test_colour, g_free);
}

static void judge_colour(const struct set *train, const struct set *test, struct findings *out)
{
	static const char *const names[] = { "red", "green", "blue" };
	g_autofree double *a = g_new(double, (gsize)train->work->n_cases + 1);
	g_autofree double *b = g_new(double, (gsize)test->work->n_cases + 1);
	g_autoptr(GString) line = g_string_new(NULL), moved = g_string_new(NULL);

	out->stain_sd = NAN;
	for (int k = 0; k < 3; k++) {
		gsize n = channel(train, k, a), m = channel(test, k, b);
		if (n < 2 || m < 2)
			return;
		struct audit_shift s = audit_shift(a, n, b, m, COLOUR_MIN);
		g_string_append_printf(line, " %s=%.3f->%.3f(%+.1fsd)", names[k], s.from, s.to, s.by);
		out->stain_sd = MAX(out->stain_sd, fabs(s.by));
		out->stain_matters |= s.matters;
		if (s.matters)
			g_string_append_printf(moved, "%s%s by %+.2f", moved->len > 0 ? ", " : "", names[k], s.to - s.from);
	}
	const struct shift shift = stain_shift(train, test);
	out->stain_sd = isnan(shift.by) ? out->stain_sd : shift.by;
	out->stain_matters |= shift.p < STAIN_P && shift.by >= STAIN_LEAST_SD;
	g_autofree char *chance = isnan(shift.p) ? g_strdup("") : g_strdup_printf(", p = %.2g", shift.p);
	if (!isnan(shift.by))
		g_string_append_printf(line, " shift=%.2fsd p=%.2g", shift.by, shift.p);
	log_keep("stain", "stain%s", line->str);
	if (out->stain_matters)
		log_warn("stain", "the test set is stained otherwise than the training set (by %.1f standard deviations of it%s%s%s): "
			 "scores may be lower there than on held-out cases; leave tiles.normalise on, and raise augmentation.stain",
			 out->stain_sd, chance, moved->len > 0 ? "; optical density: " : "", moved->str);
}

/* ---- the machine ---- */

static void judge_disk(const char *key, const char *path, gint64 least)
{
	gint64 left = room_disk(path);

	if (left >= 0 && left < least)
		log_warn("disk", "%s has %.0f MB left, and %.0f MB are wanted: saving may fail there; make room, or take a smaller "
			 "network", key, (double)left / 1e6, (double)least / 1e6);
}

static void judge_room(const struct settings *s, const struct memory *memory, const struct device *device)
{
	const struct network *network = network_find(s->model.network, NULL);
	const gint64 model = network == NULL ? 0 : (gint64)network->parameters * 4 * (SAVES + (gint64)split_members(s) - 1);
	const gint64 answer = 1 << 20; /* bytes, for the answers */
	const double mb = 1e6;
	const double shm = g_file_test("/dev/shm", G_FILE_TEST_IS_DIR) ? (double)room_disk("/dev/shm") : 0;

	log_keep("room", "room disk_model_mb=%.0f wanted_mb=%.0f disk_output_mb=%.0f shm_mb=%.0f memory_mb=%.0f need_mb=%.0f "
		"files=%" G_GUINT64_FORMAT " gpu=%s", (double)room_disk(s->paths.model) / mb, (double)model / mb,
		(double)room_disk(s->paths.output) / mb, shm / mb, (double)memory->limit / mb,
		(double)memory_need(memory) / mb, room_files(), device->index == T_CPU ? "none" : "yes");
	judge_disk("paths.model", s->paths.model, model);
	judge_disk("paths.output", s->paths.output, answer);
}

/* ---- all of it ---- */

static gboolean has_files(const char *folder)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);

	return dir != NULL && g_dir_read_name(dir) != NULL;
}

/* Where training has no test set beside it, there is nothing to say on stderr. */
static void say_no_test(const struct settings *s, const char *why)
{
	g_autoptr(GString) line = g_string_new("audit of=test cases=0");

	logfmt_append(line, "why", why);
	log_keep("audit test", "%s", line->str);
	if (has_files(s->paths.test))
		log_warn("data", "test: %s: inference would have nothing to answer for", why);
}

/* The test set's cases, with what training has settled so far; NULL: there are none, which ends no training. */
static struct work *open_test(const struct work *train)
{
	g_autoptr(JsonObject) facts = json_object_new();
	g_autoptr(GError) error = NULL;

	train->task->facts(train, facts);
	struct work *test = train->task->open(train->settings, PHASE_TEST, facts, &error);
	if (test == NULL)
		say_no_test(train->settings, error->message);
	for (guint i = 0; test != NULL && i < test->notes->len; i++)
		log_warn("data", "test: %s", (char *)test->notes->pdata[i]);
	return test;
}

/* A hundredth of the time that there is. */
static double test_until(const struct settings *s)
{
	return log_seconds() + MAX(TEST_SECONDS, s->training.time / 100);
}

static void judge_all(struct set *train, struct set *test, struct findings *out)
{
	guint cases = 0;

	for (guint i = 0; i < train->work->n_cases; i++)
		cases += train->work->cases[i].ready ? 1 : 0;
	judge_together(train->work);
	judge_cases(train);
	if (test->work != NULL)
		judge_cases(test);
	say_set(train, cases);
	if (test->work != NULL) {
		say_set(test, test->work->n_cases);
		judge_colour(train, test, out);
		out->colour = colours_of(train);
		out->test_colour = colours_of(test);
		out->n_test = test->work->n_cases;
	}
	twins_judge(&(struct twins_side){ train->work, train->looks }, &(struct twins_side){ test->work, test->looks });
	if (train->work->task->samples != NULL)
		classes_say(train->work, train->looks);
}

gboolean audit(struct work *w, const struct memory *memory, const struct device *device, struct findings *out,
	       GError **error)
{
	struct set train = { 0 }, test = { 0 };
	double start = log_seconds();
	char took[16];

	if (w->task->look == NULL)
		return TRUE;
	judge_room(w->settings, memory, device);
	set_look(&train, "train", w, memory->readers, 0);
	struct work *other = open_test(w);
	if (other != NULL)
		set_look(&test, "test", other, memory->readers, test_until(w->settings));
	gboolean stopped = stop_asked() != NULL;
	if (stopped)
		g_set_error(error, FAULT, FAULT_STOPPED, "stopped by %s while the data were looked at", stop_asked());
	else
		judge_all(&train, &test, out);
	set_clear(&train);
	set_clear(&test);
	if (other != NULL)
		w->task->close(other);
	log_say("audit of=all left_out=%u seconds=%s", w->n_left_out, log_duration(log_seconds() - start, took));
	return !stopped;
}
