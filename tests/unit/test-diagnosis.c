/*
 * test-diagnosis.c - diagnosis.h, advice.h and closing.h: verdicts on series worked out by hand, and the lines for eight
 * held-out cases of a fake task.
 */
#include "common/log/stage.h"
#include "train/advice.h"
#include "common/run/closing.h"
#include "common/score/forecast.h"
#include "tests/unit/fake_task.h"
#include "tests/unit/streams.h"

/* ---- the arithmetic ---- */

#define COURSE(wanted, loss, log_loss, auc) do { \
	const double a[] = loss, b[] = log_loss, c[] = auc; \
	G_STATIC_ASSERT(sizeof a == sizeof b && sizeof b == sizeof c); \
	g_assert_cmpint(diagnosis_course(a, b, c, c, G_N_ELEMENTS(a)), ==, wanted); \
} while (0)
#define L(...) { __VA_ARGS__ }

static void test_course(void)
{
	g_assert_cmpint(diagnosis_course(NULL, NULL, NULL, NULL, 0), ==, COURSE_UNKNOWN);
	COURSE(COURSE_UNKNOWN, L(0.7, 0.5), L(0.7, 0.5), L(0.9, 0.95));
	COURSE(COURSE_UNKNOWN, L(0.7, 0.6, 0.5), L(NAN, NAN, NAN), L(NAN, NAN, NAN));   /* nothing is held out */
	COURSE(COURSE_UNKNOWN, L(0.7, 0.6, 0.5), L(0.7, 0.6, NAN), L(0.9, 0.9, NAN));
	const double none[] = { NAN, NAN, NAN }, fell[] = { 0.7, 0.6, 0.5 }, rose[] = { 0.8, 0.9, 0.9 };
	g_assert_cmpint(diagnosis_course(fell, fell, none, rose, 3), ==, COURSE_UNSEEN);
	COURSE(COURSE_NOTHING, L(0.7, 0.69, 0.69), L(0.7, 0.69, 0.68), L(0.5, 0.599, NAN));
	COURSE(COURSE_RISING, L(0.7, 0.69, 0.69), L(0.7, 0.69, 0.65), L(0.5, 0.6, NAN));
	/* more than a tenth above its least, and the training loss below what it was there; but not while the order is as good */
	COURSE(COURSE_OVERFITS, L(0.7, 0.4, 0.3), L(0.6, 0.4, 0.441), L(0.9, 0.92, 0.9));
	COURSE(COURSE_LEVEL, L(0.7, 0.4, 0.3), L(0.6, 0.4, 0.441), L(0.9, 0.9, 0.9));
	COURSE(COURSE_LEVEL, L(0.7, 0.4, 0.3), L(0.6, 0.4, 0.439), L(0.9, 0.9, 0.9));
	COURSE(COURSE_LEVEL, L(0.7, 0.4, 0.4), L(0.6, 0.4, 0.441), L(0.9, 0.9, 0.9));
	COURSE(COURSE_OVERFITS, L(0.7, 0.4, 0.3), L(NAN, 0.4, 0.441), L(NAN, 0.92, 0.9));
	const double flat[] = { 0.7, 0.7, 0.7 }, tiles[] = { 0.5, 0.55, 0.5 }, cases[] = { 0.5, 0.9, 0.8 };
	g_assert_cmpint(diagnosis_course(flat, flat, tiles, cases, 3), ==, COURSE_LEVEL);
	/* fell at first, then rose a little: the last is not the least */
	COURSE(COURSE_LEVEL, L(1, 1, 1), L(0.192, 0.216, 0.201), L(0.8, 0.9, 0.9));
	/* the last third, two of six, took a twentieth off, or not quite */
	COURSE(COURSE_RISING, L(1, 1, 1, 1, 1, 1), L(0.9, 0.8, 0.7, 0.6, 0.6, 0.569), L(0.9, 0.9, 0.9, 0.9, 0.9, 0.9));
	COURSE(COURSE_LEVEL, L(1, 1, 1, 1, 1, 1), L(0.9, 0.8, 0.7, 0.6, 0.6, 0.571), L(0.9, 0.9, 0.9, 0.9, 0.9, 0.9));
}

static void test_limit(void)
{
	static const struct { double waiting, augmenting, computing; const char *begins; } cases[] = {
		{ 0, 0, 0, "nothing was computed" },
		{ 51, 0, 49, "reading the slides: most of the time" },
		{ 50, 0, 50, "reading the slides, in part: " },
		{ 21, 60, 19, "reading the slides, in part: " },
		{ 20, 41, 39, "augmenting: " },
		{ 20, 40, 40, "computing: " },
		{ 0, 0, 1, "computing: " },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_true(g_str_has_prefix(closing_limit(cases[i].waiting, cases[i].augmenting, cases[i].computing),
					       cases[i].begins));
}

/* ---- a training that is over ---- */

static const struct size_class sizes[] = { { "itc", 100 }, { "micro", 1000 }, { "macro", G_MAXDOUBLE }, { NULL, 0 } };

/* Pairs of a positive and a negative in the right order: 14 of 16. */
static const struct { const char *id; double p, size; } held[] = {
	{ "c00", 0.1, 0 }, { "c01", 0.9, 5000 }, { "c02", 0.2, 0 }, { "c03", 0.4, 100 }, { "c05", 0.8, 101 }, { "c06", 0.7, 0 },
	{ "c07", 0.6, 0 }, { "c08", 0.3, 0 }, { "gone", 0.9, 0 },
};

static const double epochs[][4] = {     /* loss, log_loss, tile_auc, slide_auc */
	{ 0.7, 0.6, 0.6, 0.5 }, { 0.5, 0.5, 0.7, 0.75 }, { 0.4, 0.4, 0.9, 0.875 }, { 0.3, 0.45, 0.88, 0.75 }, { 0.2, 0.5, 0.85, 0.8 },
};

static JsonArray *history(guint n)
{
	static const char *const names[] = { "loss", "log_loss", "tile_auc", "slide_auc" };
	JsonArray *rows = json_array_new();

	for (guint i = 0; i < n; i++) {
		JsonObject *row = json_object_new();
		json_object_set_int_member(row, "epoch", i + 1);
		for (gsize k = 0; k < G_N_ELEMENTS(names); k++)
			json_object_set_double_member(row, names[k], epochs[i][k]);
		json_array_add_object_element(rows, row);
	}
	return rows;
}

static JsonObject *about(void)
{
	JsonObject *all = json_object_new();
	JsonArray *list = json_array_new();

	for (gsize i = 0; i < G_N_ELEMENTS(held); i++) {
		json_array_add_string_element(list, held[i].id);
		json_array_add_double_element(list, held[i].p);
	}
	json_array_add_boolean_element(list, TRUE);     /* what is no name or no number is passed over */
	json_array_add_double_element(list, 0.5);
	json_array_add_string_element(list, "c03");
	json_array_add_string_element(list, "0.5");
	json_object_set_array_member(all, "held", list);
	return all;
}

static struct task task;
static struct work work;
static struct findings findings;
static gboolean hidden;

static void begin(struct settings *settings)
{
	fake_reset(TRUE);
	task = fake_task;

	task.metric = "slide_auc";
	task.sample_metric = "tile_auc";
	task.sizes = sizes;
	work = fake_work;
	work.task = &task;
	work.settings = settings;
	for (gsize i = 0; i < G_N_ELEMENTS(held) - 1; i++)
		fake_cases[g_ascii_strtoull(held[i].id + 1, NULL, 10)].size = held[i].size;
	open_with_fake_clock("train", 0);
	log_set_ascii(TRUE);
	if (hidden)
		log_hide_names();
	for (guint i = 0; i < FAKE_CASES; i++)
		log_name(fake_cases[i].id);
}

static void write_diagnosis(void)
{
	g_autoptr(settings_t) settings = settings_new();
	g_autoptr(JsonArray) rows = history(G_N_ELEMENTS(epochs));
	g_autoptr(JsonObject) weights = about();

	begin(settings);
	fake_cases[4].left_out = (char *)"no tissue was found on it";
	diagnosis_say(&(struct diagnosis){ .work = &work, .history = rows, .about_opt = weights, .best = { 0.875, 0.5, 0.99 },
					   .best_epoch = 3, .findings = &findings });
	log_close(0, NULL);
}

#define HAS(text, line) do { \
	if (strstr(text, line) == NULL) \
		g_error("no '%s' in:\n%s", line, text); \
} while (0)

static const char outcome[] = "t=0.0 train outcome saved_epoch=3 slide_auc=0.8750 interval=0.500..0.990 cases=8\n";
static const char forecast[] = " train forecast slide_auc=";

/* In the order of the lines; what is measured here and now is left out. */
static const char *const diagnosed[] = {
	outcome, forecast,
	" train verdict text=\"it overfits: the training loss still falls, while that of held-out samples has risen by more than a "
	"tenth\"\n",
	" train curve of=loss first=0.7 last=0.2 best=0.2 plot=", " train curve of=log_loss first=0.6 last=0.5 best=0.4 plot=",
	" train curve of=tile_auc first=0.6 last=0.85 best=0.9 plot=", " train curve of=slide_auc first=0.5 last=0.8 best=0.875 plot=",
	" train confusion at=0.5 tp=3 fn=1 fp=1 tn=3 sensitivity=0.750 specificity=0.750\n",
	" train size of=not_known cases=1 found=1/1 slide_auc=0.750 interval=",
	" train size of=itc cases=1 found=0/1 slide_auc=0.750 interval=",
	" train size of=micro cases=1 found=1/1 slide_auc=1.000 interval=",
	" train size of=macro cases=1 found=1/1 slide_auc=1.000 interval=",
	" train worst cases=c06(negative):0.700,c03(positive):0.400\n",
	" train left_out case=c04 why=\"no tissue was found on it\"\n", " train spent total=0.0 other=0.0\n",
	" train limit text=\"nothing was computed\"\n", " train limits peak_memory_mb=",
	" train try n=1 key=augmentation.stain value=0.25 why=\"it overfits: more variation helps most\"\n",
	" train try n=2 key=model.weights value=weights/resnet18.safetensors why=", " train try n=3 key=training.weight_decay value=0.25 why=",
	" train end ",
};

static void test_lines(void)
{
	findings = (struct findings){ .stain_sd = 0.4, .n_test = 5 };
	g_auto(streams_t) got = streams_of(write_diagnosis);

	for (int i = 0; i < 2; i++) {
		g_autofree char *text = bare_of(got.text[i]);
		const char *at = text;
		for (gsize k = 0; k < G_N_ELEMENTS(diagnosed); k++) {
			HAS(at, diagnosed[k]);
			at = strstr(at, diagnosed[k]) + 1;
		}
		HAS(text, "; its stain strays by 0.4 standard deviations of the training set, which is no more than chance or little\"\n");
		g_assert_cmpuint(count_lines(text, " try "), ==, 3);
	}
	HAS(got.text[0], " train held case=c01 class=positive positive=1 p=0.9000 size=5000\n");
	HAS(got.text[0], " train held case=c06 class=negative positive=0 p=0.7000 size=0\n");
	g_assert_cmpuint(count_lines(got.text[0], " held case="), ==, 8);
	HAS(got.text[0], " train roc points=0.000,0.000;0.000,0.250;0.000,0.500;0.250,0.500;0.250,0.750;0.250,1.000;0.500,1.000;"
	    "0.750,1.000;1.000,1.000\n");
	g_assert_cmpuint(count_lines(got.text[0], " plot of=roc row="), ==, 12);
	g_assert_cmpuint(count_lines(got.text[0], " plot of=loss row="), ==, 12);
	g_assert_cmpuint(count_lines(got.text[0], " plot of=auc row="), ==, 12);
}

/* The numbers are those of the forecast, of 5 test cases. Colours: the held-out cases' are 0, but for one; both test cases are
   farther than all. */
static void test_forecast(void)
{
	double p[8], colour[3 * FAKE_CASES] = { 0 }, test_colour[6] = { 9, 9, 9, 8, 8, 8 };
	guint8 label[8];

	for (int i = 0; i < 8; i++) {
		p[i] = held[i].p;
		label[i] = fake_cases[g_ascii_strtoull(held[i].id + 1, NULL, 10)].label == 1;
	}
	const struct forecast_auc want = forecast_auc(p, label, 8, 5, 0.95);
	findings = (struct findings){ .stain_sd = 0.4, .n_test = 5 };
	g_auto(streams_t) got = streams_of(write_diagnosis);
	g_autofree char *line = g_strdup_printf(" train forecast slide_auc=%.3f interval=%.3f..%.3f text=\"what a test set of 5 cases like "
						"the 8 that were held out will give; ", want.expected, want.low, want.high);
	HAS(got.text[0], line);
	for (int i = 0; i < 3 * FAKE_CASES; i++)
		colour[i] = 0.01 * i;
	findings = (struct findings){ .n_test = 2, .colour = colour, .test_colour = test_colour };
	g_auto(streams_t) far = streams_of(write_diagnosis);
	HAS(far.text[0], " train colour of=beyond test=2 text=");
	g_assert_cmpuint(count_lines(far.text[0], " train colour of=near"), ==, 0);     /* too few cases */
}

static void test_shift(void)
{
	findings = (struct findings){ .stain_sd = 2.5, .stain_matters = TRUE, .n_test = 5 };
	g_auto(streams_t) other = streams_of(write_diagnosis);
	findings = (struct findings){ 0 };
	g_auto(streams_t) none = streams_of(write_diagnosis);

	HAS(other.text[1], "; its stain is another (by 2.5 standard deviations of the training set): expect less\"\n");
	HAS(none.text[1], "; how its stain compares is not known\"\n");
}

static void test_hidden(void)
{
	hidden = TRUE;
	g_auto(streams_t) got = streams_of(write_diagnosis);
	hidden = FALSE;
	for (int i = 0; i < 2; i++) {
		g_assert_false(g_regex_match_simple("c[01][0-9]", got.text[i], 0, 0));
		g_assert_cmpuint(count_lines(got.text[i], " held case="), ==, 0);
		g_assert_cmpuint(count_lines(got.text[i], " worst "), ==, 0);
		HAS(got.text[i], " left_out case=(hidden) why=\"no tissue was found on it\"\n");
		HAS(got.text[i], outcome + strlen("t=0.0"));
	}
}

static void write_nothing(void)
{
	g_autoptr(settings_t) settings = settings_new();
	g_autoptr(JsonArray) rows = history(0);

	begin(settings);
	diagnosis_say(&(struct diagnosis){ .work = &work, .history = rows, .findings = &findings });
	log_close(1, "cause");
}

/* Stopped in the first epoch, say. */
static void test_nothing(void)
{
	static const char *const absent[] = { " forecast ", " curve ", " confusion ", " size ", " worst ", " plot " };
	g_auto(streams_t) got = streams_of(write_nothing);

	HAS(got.text[1], " train outcome saved_epoch=none\n");
	HAS(got.text[1], " train verdict text=\"whether it learned is not known: that takes three epochs and held-out cases\"\n");
	for (gsize i = 0; i < G_N_ELEMENTS(absent); i++)
		g_assert_cmpuint(count_lines(got.text[0], absent[i]), ==, 0);
}

/* Two members of three epochs, or the second of one alone: the curves are one network's, not from the one's last to the
   other's. */
static guint of_second;

static void write_members(void)
{
	g_autoptr(settings_t) settings = settings_new();
	g_autoptr(JsonArray) rows = history(3), second = history(5);

	for (guint i = 0; i < of_second; i++) {
		JsonObject *row = json_object_ref(json_array_get_object_element(second, 2 + i));
		json_object_set_int_member(row, "member", 1);
		json_array_add_object_element(rows, row);
	}
	begin(settings);
	diagnosis_say(&(struct diagnosis){ .work = &work, .history = rows, .findings = &findings });
	log_close(0, NULL);
}

static void test_members(void)
{
	of_second = 3;
	g_auto(streams_t) both = streams_of(write_members);
	HAS(both.text[1], " train curve of=loss first=0.4 last=0.2 best=0.2 plot=");
	of_second = 1;
	g_auto(streams_t) first = streams_of(write_members);
	HAS(first.text[1], " train curve of=loss first=0.7 last=0.4 best=0.4 plot=");
}

/* ---- what to try ---- */

static enum course course;
static const char *network;
static double strength;         /* of what can be turned up */

static void set(struct settings *s, const char *key, double number)
{
	g_autofree char *text = g_strdup_printf("%g", number);
	g_autoptr(GError) error = NULL;

	settings_set(s, key, text, "", &error);
	g_assert_no_error(error);
}

static struct settings *settings_to_advise(void)
{
	struct settings *s = settings_new();
	g_autoptr(GError) error = NULL;

	settings_set(s, "model.network", network, "", &error);
	g_assert_no_error(error);
	set(s, "augmentation.stain", strength);
	set(s, "training.epochs", 2 + 99998 * strength);
	set(s, "training.learning_rate", 1e-8 + (1 - strength) * 1e-3);
	set(s, "training.weight_decay", strength);
	set(s, "inference.turns", strength < 1 ? 1 : 8);
	set(s, "split.seed", 7);
	return s;
}

static void write_advice(void)
{
	g_autoptr(settings_t) settings = settings_to_advise();

	begin(settings);
	advice_say(&(struct diagnosis){ .work = &work, .findings = &findings }, course, NULL, 0);
	log_close(0, NULL);
}

/* Keys that are different, values that are taken and change something. */
static void check_advice(void)
{
	g_auto(streams_t) got = streams_of(write_advice);
	g_auto(GStrv) lines = lines_of(got.text[1]);
	g_autoptr(settings_t) settings = settings_to_advise();
	g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (char **line = lines; *line != NULL; line++) {
		g_auto(logfmt_t) parts = { 0 };
		g_autoptr(GError) error = NULL;
		logfmt_parse(&parts, *line, strlen(*line));
		if (!g_str_equal(parts.words->pdata[1], "try"))
			continue;
		const char *key = logfmt_get(&parts, "key"), *value = logfmt_get(&parts, "value");
		g_autofree char *before = settings_get(settings, key);
		settings_set(settings, key, value, "", &error);
		g_assert_no_error(error);
		g_autofree char *after = settings_get(settings, key);
		g_assert_cmpstr(before, !=, after);
		g_assert_true(g_hash_table_add(keys, g_strdup(key)));
	}
	g_assert_cmpuint(g_hash_table_size(keys), >=, strength < 1 ? 3 : 1);
	g_assert_cmpuint(g_hash_table_size(keys), <=, 3);
}

static void test_advice(void)
{
	static const char *const names[] = { "simple", "squeezenet1_1", "resnet18", "resnet34", "resnet50", "densenet121", "unet" };

	for (course = COURSE_UNKNOWN; course <= COURSE_LEVEL; course++)
		for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
			for (strength = 0; strength <= 1; strength += 0.5) {
				network = names[i];
				check_advice();
			}
}

/* Two positives of the smallest lesions, c03 and c05, called negative; the negative c00 is above them, or below. */
static double negative;

static void write_small(void)
{
	g_autoptr(settings_t) settings = settings_new();
	const struct judged judged[] = { { 0, 0, negative }, { 3, 1, 0.4 }, { 5, 1, 0.3 }, { 1, 1, 0.9 } };

	begin(settings);
	fake_cases[3].size = fake_cases[5].size = 50;
	advice_say(&(struct diagnosis){ .work = &work, .findings = &findings }, COURSE_LEVEL, judged, G_N_ELEMENTS(judged));
	log_close(0, NULL);
}

static void test_small(void)
{
	negative = 0.45;
	g_auto(streams_t) missed = streams_of(write_small);
	HAS(missed.text[1], " key=sampling.tumour value=2 why=");
	negative = 0.35;                /* one of the two is above it */
	g_auto(streams_t) one = streams_of(write_small);
	g_assert_cmpuint(count_lines(one.text[1], " key=sampling.tumour "), ==, 0);
}

/* The epochs that are set did not fit into the time: more epochs would be none. With weights of its own, no other network. */
static void write_cut(void)
{
	g_autoptr(settings_t) settings = settings_new();

	set(settings, "training.time", 3600);
	set(settings, "split.seed", 7);
	settings_set(settings, "model.weights", "w.safetensors", "", NULL);
	settings_set(settings, "model.network", "simple", "", NULL);
	begin(settings);
	advice_say(&(struct diagnosis){ .work = &work, .findings = &findings, .cut = TRUE }, COURSE_RISING, NULL, 0);
	log_close(0, NULL);
}

static void test_cut(void)
{
	g_auto(streams_t) got = streams_of(write_cut);

	HAS(got.text[1], " key=training.time value=7200 why=");
	g_assert_cmpuint(count_lines(got.text[1], " key=training.epochs "), ==, 0);
	g_assert_cmpuint(count_lines(got.text[1], " key=model.network "), ==, 0);
}

/* Epochs that are set, of which judging takes 3 s and learning `strength`. */
static void write_judging(void)
{
	g_autoptr(settings_t) settings = settings_new();

	set(settings, "training.epochs", 30);
	begin(settings);
	stage_begin();
	int before = stage_enter("computing");
	fake_seconds += strength;
	stage_leave(before);
	before = stage_enter("judging");
	fake_seconds += 3;
	stage_leave(before);
	advice_say(&(struct diagnosis){ .work = &work, .findings = &findings }, COURSE_LEVEL, NULL, 0);
	log_close(0, NULL);
}

static void test_judging(void)
{
	strength = 2;
	g_auto(streams_t) most = streams_of(write_judging);
	HAS(most.text[1], " key=training.epochs value=0 why=");
	strength = 4;
	g_auto(streams_t) less = streams_of(write_judging);
	g_assert_cmpuint(count_lines(less.text[1], " key=training.epochs value=0 "), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/diagnosis/course", test_course);
	g_test_add_func("/diagnosis/limit", test_limit);
	g_test_add_func("/diagnosis/lines", test_lines);
	g_test_add_func("/diagnosis/forecast", test_forecast);
	g_test_add_func("/diagnosis/shift", test_shift);
	g_test_add_func("/diagnosis/hidden", test_hidden);
	g_test_add_func("/diagnosis/nothing", test_nothing);
	g_test_add_func("/diagnosis/members", test_members);
	g_test_add_func("/diagnosis/advice", test_advice);
	g_test_add_func("/diagnosis/small", test_small);
	g_test_add_func("/diagnosis/cut", test_cut);
	g_test_add_func("/diagnosis/judging", test_judging);
	return g_test_run();
}
