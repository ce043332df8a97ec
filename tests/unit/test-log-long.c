/*
 * test-log-long.c - what is left of very long runs: sixty hours under a clock that is moved by hand, with the lines that
 * train says. Both streams stay within their budget; the last 64 KiB of a run that ended, and the last 160 KiB of one that
 * was killed at any moment, hold the whole story.
 */
#include "common/log/stage.h"
#include "common/run/opening.h"
#include "tests/unit/fake_task.h"
#include "tests/unit/streams.h"
#include "train/diagnosis.h"

enum { BUDGET = 600 * 1000, HOURS = 60, HELD = 40, KINDS = 20, LAST = 64 * 1024, LAST_OF_KILLED = 160 * 1024 };

static struct run { guint slides, steps, epochs, warnings; } run;

/* ---- what train says ---- */

static struct task task;
static struct work work;

static void make_work(struct settings *settings)
{
	static const struct size_class sizes[] = { { "itc", 31416 }, { "micro", 3141593 }, { "macro", G_MAXDOUBLE }, { NULL, 0 } };

	task = fake_task;
	task.metric = "slide_auc";
	task.sample_metric = "tile_auc";
	task.sizes = sizes;
	work = fake_work;
	work.task = &task;
	work.settings = settings;
	work.n_cases = run.slides;
	work.cases = g_new0(struct work_case, run.slides);
	for (guint i = 0; i < run.slides; i++)
		work.cases[i] = (struct work_case){ .id = g_strdup_printf("Slide%05u", i), .label = (int)i % 2, .ready = TRUE,
						    .size = i % 2 == 0 ? 0 : exp(i % 16) };
}

static void drop_work(void)
{
	for (guint i = 0; i < run.slides; i++)
		g_free(work.cases[i].id);
	g_free(work.cases);
}

static void say_data(void)
{
	static const char numbers[] = "samples=1203..4210..6120..9230..21034 size=4.1e+03..2.2e+04..1.3e+05..2.6e+06..3.1e+07 "
		"width_px=40960..61440..81920..97280..110592 height_px=81920..102400..153600..194560..219136 levels=9..9..10..10..10 "
		"mpp=0.221..0.243..0.243..0.25..0.25 scanned=0.31..0.62..0.7..0.81..0.98 tissue=0.04..0.09..0.14..0.22..0.41";
	static const char *const classes[] = { "negative", "positive" };

	for (guint i = 0; i < run.slides; i++)
		log_detail("case slide=%s class=%s tiles=%u tissue=0.298 scanned=0.772 mpp=0.243 scale=1 tumour_tiles=%u lesions=3 "
			   "largest_lesion_um2=%.0f", work.cases[i].id, classes[i % 2], 4000 + i, i % 2 * 300, work.cases[i].size);
	for (guint i = 0; i < run.slides; i++)
		log_detail("look of=train case=%s read=4/4 width_px=97792 height_px=221184 levels=10 mpp=0.243 scanned=0.771203 "
			   "tissue=0.290764 density=0.30,0.54,0.25", work.cases[i].id);
	log_keep("audit train", "audit of=train cases=%u looked_at=%u not_opened=0 doubts=0 samples_read=%u/%u", run.slides, run.slides,
		 4 * run.slides, 4 * run.slides);
	log_keep("stain", "stain red=0.287->0.283(-0.2sd) green=0.569->0.546(-0.6sd) blue=0.265->0.256(-0.4sd)");
	for (int i = 0; i < 2; i++) {
		g_autofree char *name = g_strdup_printf("class %d", i);
		log_keep(name, "class of=%s cases=%u %s", classes[i], run.slides / 2, numbers);
	}
	log_keep("data", "data slides=%u positive=%u negative=%u left_out=0 tiles=940211 tumour_tiles=23011 tumour=2.4%% mpp=0.243 "
		 "reader=openslide-3.4.1 seconds=12m31s", run.slides, run.slides / 2, run.slides - run.slides / 2);
	g_autoptr(GString) names = g_string_new(NULL);
	for (guint i = 0; i < HELD; i++)
		g_string_append_printf(names, "%s%s", i > 0 ? "," : "", work.cases[i].id);
	log_keep("split", "split cases=%d held_out=%s", HELD, names->str);
	log_keep("model", "model network=resnet18 parameters=11177538 weights=loaded device=cuda:0 precision=bf16 "
		 "threads=8 libtorch=2.4.1");
}

static void say_epoch(guint n)
{
	log_row("epoch", n % 7 == 1, "epoch n=%u/%u steps=%u loss=%.4f rate=0.000895 gradient=64.1 tile_auc=0.9864 log_loss=0.2200 "
		"slide_auc=0.9100 interval=0.858..0.970 cases=%d validation=3m05s samples_per_s=1214.9%s", n, run.epochs,
		n * (run.steps / run.epochs), 1.0 / n, HELD, n % 7 == 1 ? " saved=best" : "");
}

static void train(void)
{
	const double step_s = HOURS * 3600.0 / run.steps;
	const guint epoch_steps = run.steps / run.epochs;
	STAGE("computing");

	for (guint n = 1; n <= run.steps; n++) {
		fake_seconds += step_s;
		log_progress("step n=%u/%u epoch=%u/%u loss=0.2347 rate=0.000997 gradient=64.1 samples_per_s=1215.6 wait=12%% eta=31h12m",
			     n % epoch_steps, epoch_steps, n / epoch_steps + 1, run.epochs);
		if (run.warnings > 0 && n % (run.steps / run.warnings) == 0) {
			g_autofree char *kind = g_strdup_printf("kind %u", n / (run.steps / run.warnings) % KINDS);
			log_warn(kind, "slide 'Slide%05u': tile 12,34 cannot be read: %0*d; another takes its place", n, (int)(50 + n % 100), 0);
		}
		if (n % epoch_steps == 0)
			say_epoch(n / epoch_steps);
	}
}

static JsonArray *history(void)
{
	static const char *const names[] = { "loss", "log_loss", "tile_auc", "slide_auc" };
	JsonArray *rows = json_array_new();

	for (guint i = 0; i < MIN(run.epochs, 2000); i++) {
		JsonObject *row = json_object_new();
		json_object_set_int_member(row, "epoch", i + 1);
		for (gsize k = 0; k < G_N_ELEMENTS(names); k++)
			json_object_set_double_member(row, names[k], 0.3 + 0.1 * (double)k + 1.0 / (i + 3));
		json_array_add_object_element(rows, row);
	}
	return rows;
}

static JsonObject *about(void)
{
	JsonObject *all = json_object_new();
	JsonArray *list = json_array_new();

	for (guint i = 0; i < HELD; i++) {
		json_array_add_string_element(list, work.cases[i].id);
		json_array_add_double_element(list, (double)(i * 7 % HELD) / HELD);
	}
	json_object_set_array_member(all, "held", list);
	return all;
}

static void write_run(void)
{
	g_autoptr(settings_t) settings = settings_new();
	struct device device = { .index = T_CPU };
	struct findings findings = { .n_test = HELD };

	open_with_fake_clock("train", BUDGET);
	opening_say(&(struct options){ .settings = settings, .source = (char *)"data.yaml" });
	opening_say_machine(&device);
	make_work(settings);
	say_data();
	train();
	g_autoptr(JsonArray) rows = history();
	g_autoptr(JsonObject) weights = about();
	diagnosis_say(&(struct diagnosis){ .work = &work, .history = rows, .about_opt = weights, .best = { 0.91, 0.858, 0.97 },
					   .best_epoch = run.epochs, .findings = &findings });
	log_close(0, NULL);
	drop_work();
}

/* ---- what comes back ---- */

/* Cut as the cloud cuts, in the middle of a line. */
static const char *last_of(const char *text, gsize bytes)
{
	const gsize size = strlen(text);
	const char *begin = text + size - MIN(size, bytes);

	return size <= bytes ? text : strchr(begin, '\n') + 1;
}

struct story {
	GHashTable *settings, *lines; /* keys; second words, with "of" behind it */
	GHashTable *epochs;     /* numbers */
};

static void take_line(struct story *s, char *line)
{
	g_auto(logfmt_t) parts = { 0 };

	logfmt_parse(&parts, line, strlen(line));
	g_assert_cmpuint(parts.words->len, ==, 2);
	const char *word = parts.words->pdata[1], *of = logfmt_get(&parts, "of");
	g_hash_table_add(s->lines, of != NULL ? g_strconcat(word, " ", of, NULL) : g_strdup(word));
	for (guint i = 0; g_str_equal(word, "settings") && i < parts.pairs->len; i++)
		g_hash_table_add(s->settings, g_strdup(g_array_index(parts.pairs, struct logfmt_pair, i).key));
	if (g_str_equal(word, "epoch"))
		g_hash_table_add(s->epochs, GUINT_TO_POINTER((guint)g_ascii_strtoull(logfmt_get(&parts, "n"), NULL, 10)));
}

/* All settings, what the data were, curves from the first epoch to the last, the outcome. */
static void check_end(const char *out)
{
	static const char *const wanted[] = { "start", "machine", "data", "class negative", "class positive", "stain", "split", "model",
					      "held", "roc", "plot roc", "plot loss", "plot auc", "outcome", "curve loss", "confusion",
					      "spent", "limits", "try", "end" };
	struct story s = { g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
			   g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL), g_hash_table_new(NULL, NULL) };
	g_auto(GStrv) lines = lines_of(last_of(out, LAST));
	guint most = 0;

	for (char **line = lines; *line != NULL; line++)
		take_line(&s, *line);
	for (const char *const *key = settings_keys(); *key != NULL; key++)
		if (!g_hash_table_contains(s.settings, *key))
			g_error("the end has no setting %s", *key);
	for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++)
		if (!g_hash_table_contains(s.lines, wanted[i]))
			g_error("the end has no line %s", wanted[i]);
	g_assert_true(g_hash_table_contains(s.epochs, GUINT_TO_POINTER(1)));
	g_assert_true(g_hash_table_contains(s.epochs, GUINT_TO_POINTER(run.epochs)));
	for (guint n = 1, gap = 0; n <= run.epochs; n++) {
		gap = g_hash_table_contains(s.epochs, GUINT_TO_POINTER(n)) ? 0 : gap + 1;
		most = MAX(most, gap);
	}
	g_assert_cmpuint(most, <=, run.epochs / 20);
	g_assert_cmpuint(g_hash_table_size(s.epochs), >=, MIN(run.epochs, 33));
	if (run.epochs == 80)
		g_assert_cmpuint(g_hash_table_size(s.epochs), >=, 40);
	g_hash_table_unref(s.settings);
	g_hash_table_unref(s.lines);
	g_hash_table_unref(s.epochs);
}

/* Wherever it was killed: what had been said is there, first and last epoch too. */
static void check_killed(const char *out)
{
	static const char *const wanted[] = { " train start ", " train machine ", " train data ", " train class of=negative ",
		" train class of=positive ", " train split ", " train model ", " train settings data.", " train settings tiles.",
		" train settings training.", " train settings answer.", " train settings competition=", " train epoch n=1/" };
	const gsize size = strlen(out);

	for (gsize end = LAST_OF_KILLED; end <= size; end += 997) {
		g_autofree char *prefix = g_strndup(out, end);
		const char *last = last_of(prefix, LAST_OF_KILLED);
		for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++)
			if (strstr(last, wanted[i]) == NULL && strstr(prefix, wanted[i]) != NULL)
				g_error("killed after %" G_GSIZE_FORMAT " bytes it has no%s", end, wanted[i]);
	}
}

static void check(struct run of)
{
	run = of;
	g_auto(streams_t) got = streams_of(write_run);
	g_test_message("%u epochs, %u slides: %" G_GSIZE_FORMAT " and %" G_GSIZE_FORMAT " bytes", run.epochs, run.slides,
		       strlen(got.text[0]), strlen(got.text[1]));

	for (int i = 0; i < 2; i++)
		g_assert_cmpuint(strlen(got.text[i]), <, BUDGET);
	check_end(got.text[0]);
	check_killed(got.text[0]);
	g_assert_nonnull(strstr(last_of(got.text[1], LAST), " train outcome "));
	g_assert_true((strstr(got.text[0], " train dropped ") != NULL) == (run.slides > 1000)); /* details alone */
}

static void test_usual(void) { check((struct run){ 157, 100000, 80, 10000 }); }
static void test_many_slides(void) { check((struct run){ 10000, 100000, 80, 10000 }); }

/* 216000 epochs of a second each. */
static void test_many_epochs(void)
{
	struct rusage before, after;

	getrusage(RUSAGE_SELF, &before);
	check((struct run){ 157, 216000, 216000, 10000 });
	getrusage(RUSAGE_SELF, &after);
#if !defined(__SANITIZE_ADDRESS__)      /* which keeps what was freed */
	g_assert_cmpint(after.ru_maxrss - before.ru_maxrss, <, 16 * 1024); /* KB */
#endif
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/log-long/usual", test_usual);
	g_test_add_func("/log-long/many-slides", test_many_slides);
	g_test_add_func("/log-long/many-epochs", test_many_epochs);
	return g_test_run();
}
