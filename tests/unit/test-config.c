/*
 * test-config.c - the settings: every type at its limits, and that text and struct say the same in both
 * directions. Expected values are worked out by hand. What is refused: test-config-messages.c.
 */
#include "common/config/config.h"
#include "common/fault/fault.h"
#include <glib/gstdio.h>
#include <locale.h>

static void assert_usage(const GError *error, const char *message)
{
	g_assert_error(error, FAULT, FAULT_USAGE);
	g_assert_cmpstr(error->message, ==, message);
}

static void test_defaults(void)
{
	g_autoptr(settings_t) s = settings_new();
	g_autoptr(GError) error = NULL;

	g_assert_cmpstr(s->paths.output, ==, "/data/output");
	g_assert_cmpstr(s->data.classes[0], ==, "negative");
	g_assert_cmpstr(s->data.classes[1], ==, "positive");
	g_assert_null(s->data.classes[2]);
	g_assert_cmpfloat(s->tiles.mpp, ==, MPP_AUTO);
	g_assert_cmpfloat(s->tiles.fallback_mpp, ==, 0);
	g_assert_cmpint(s->split.seed, ==, 2018);
	g_assert_cmpfloat(s->sampling.jitter, ==, 0);
	g_assert_cmpint((int)s->training.schedule, ==, SCHEDULE_COSINE);
	g_assert_cmpfloat(s->training.average, ==, 200);
	g_assert_cmpfloat(s->training.time, ==, 0);
	g_assert_cmpfloat(s->augmentation.scale, ==, 0.2);
	g_assert_true(s->augmentation.flips);
	g_assert_false(s->answer.header);
	g_assert_cmpint(s->inference.turns, ==, 8);
	g_assert_cmpint((int)s->precision, ==, PRECISION_AUTO);
	g_assert_true(settings_check(s, &error));
	g_assert_no_error(error);
}

static const struct {
	const char *key, *value, *read_back;
} good_values[] = {
	{ "tiles.size", "16", "16" }, { "tiles.size", "4096", "4096" }, { "tiles.size", "+96", "96" },
	{ "sampling.tiles_per_epoch", "1000000000", "1000000000" }, { "split.seed", "2147483647", "2147483647" },
	{ "inference.turns", "04", "4" },
	{ "tiles.tissue", "0", "0" }, { "tiles.tissue", "-0", "0" }, { "tiles.tissue", "1", "1" },
	{ "tiles.tissue", ".5", "0.5" }, { "tiles.tissue", "0.1", "0.1" }, { "tiles.tissue", "25E-2", "0.25" },
	{ "tiles.tissue", "0.30000000000000004", "0.30000000000000004" },
	{ "training.learning_rate", "0.00000001", "1e-8" }, { "training.learning_rate", "3e-4", "0.0003" },
	{ "tiles.mpp", "level0", "level0" }, { "tiles.mpp", "0.221", "0.221" }, { "tiles.mpp", "auto", "auto" },
	{ "tiles.fallback_mpp", "0.5", "0.5" }, { "tiles.fallback_mpp", "auto", "auto" },
	{ "training.time", "28h", "28h" }, { "training.time", "90s", "1m30s" }, { "training.time", "5400", "1h30m" },
	{ "training.time", "2d", "48h" }, { "training.time", "1d1h1m1s", "25h1m1s" }, { "training.time", "0.5", "0.5" },
	{ "load.cache", "20G", "20G" }, { "load.cache", "1.5T", "1500G" }, { "load.cache", "500M", "500M" }, { "load.cache", "64K", "64K" },
	{ "load.cache", "1234", "1234" }, { "load.cache", "0.5K", "500" }, { "load.cache", "0", "0" }, { "load.cache", "1000", "1K" },
	{ "training.time", "1.5h", "1h30m" }, { "training.time", "0s", "0" }, { "training.time", "365d", "8760h" },
	{ "training.schedule", "plateau", "plateau" }, { "precision", "bf16", "bf16" },
	{ "tiles.normalise", "macenko", "macenko" }, { "tiles.normalise", "true", "density" }, { "tiles.normalise", "No", "none" },
	{ "augmentation.flips", "no", "false" }, { "augmentation.flips", "True", "true" },
	{ "answer.header", "yes", "true" }, { "answer.header", "FALSE", "false" },
	{ "answer.file", "a b.csv", "a b.csv" }, { "device", "cuda:12", "cuda:12" }, { "model.weights", "", "" },
	{ "data.masks", "", "" }, { "data.images", "{name}/{class}-{name}.svs", "{name}/{class}-{name}.svs" },
	{ "data.classes", "a,b", "[a, b]" }, { "data.classes", "[ a , b, ]", "[a, b]" },
	{ "data.classes", "no, yes, 1", "[\"no\", \"yes\", \"1\"]" },
	{ "data.classes", "['a,b', \"c\\\"d\\\\\", \xc3\xa4]", "[\"a,b\", \"c\\\"d\\\\\", \"\xc3\xa4\"]" },
	{ "competition", "true # \"x\" \\ \xe2\x82\xac: {", "true # \"x\" \\ \xe2\x82\xac: {" },
	{ "competition", "a=b", "a=b" }, { "competition", "- a", "- a" }, { "competition", " a ", " a " },
};

static void assert_same(const struct settings *a, const struct settings *b)
{
	for (const char *const *key = settings_keys(); *key; key++) {
		g_autofree char *left = settings_get(a, *key), *right = settings_get(b, *key);

		g_assert_cmpstr(left, ==, right);
	}
}

/* Each value is set, read back, set again from that, and written to YAML and read from there. */
static void test_good_values(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(good_values); i++) {
		g_autoptr(settings_t) settings = settings_new(), again = settings_new(), read = settings_new();
		g_autoptr(GError) error = NULL;
		g_autofree char *assignment = g_strconcat(good_values[i].key, "=", good_values[i].value, NULL);
		g_autofree char *value = NULL, *yaml = NULL;

		settings_assign(settings, assignment, &error);
		g_assert_no_error(error);
		value = settings_get(settings, good_values[i].key);
		g_assert_cmpstr(value, ==, good_values[i].read_back);
		g_assert_true(settings_set(again, good_values[i].key, value, "", &error));
		assert_same(settings, again);
		yaml = settings_to_yaml(settings);
		settings_read(read, yaml, strlen(yaml), "f.yaml", &error);
		g_assert_no_error(error);
		assert_same(settings, read);
	}
}

static void test_fields(void)
{
	static const char yaml[] =
		"\xef\xbb\xbf%YAML 1.1\n---\n"
		"tiles: {size: 96, mpp: level0, fallback_mpp: 0.5}\r\n"
		"training:\n  time: 1h30m\n  schedule: constant\n  learning_rate: 3e-4\n"
		"augmentation:\n  flips: no\n"
		"sampling.jitter: 0.25\n"
		"data:\n  classes:\n  - 'no'\n  - low # grade\n  - \"high\"\n"
		"split:\n  # nothing\n"
		"precision: bf16\n...\n";
	g_autoptr(settings_t) s = settings_new();
	g_autoptr(GError) error = NULL;

	settings_read(s, yaml, sizeof yaml - 1, "f.yaml", &error);
	g_assert_no_error(error);
	g_assert_cmpint(s->tiles.size, ==, 96);
	g_assert_cmpfloat(s->tiles.mpp, ==, MPP_LEVEL0);
	g_assert_cmpfloat(s->tiles.fallback_mpp, ==, 0.5);
	g_assert_cmpfloat(s->training.time, ==, 5400);
	g_assert_cmpint((int)s->training.schedule, ==, SCHEDULE_CONSTANT);
	g_assert_cmpfloat(s->training.learning_rate, ==, 0.0003);
	g_assert_false(s->augmentation.flips);
	g_assert_true(s->augmentation.turns);
	g_assert_cmpfloat(s->sampling.jitter, ==, 0.25);
	g_assert_cmpuint(g_strv_length(s->data.classes), ==, 3);
	g_assert_cmpstr(s->data.classes[0], ==, "no");
	g_assert_cmpstr(s->data.classes[1], ==, "low");
	g_assert_cmpstr(s->data.classes[2], ==, "high");
	g_assert_cmpint((int)s->precision, ==, PRECISION_BF16);
	g_assert_cmpint(s->split.seed, ==, 2018);
	for (const char *const *empty = (const char *const[]){ "", "\n", "# none\n", "---\n", "{}", NULL }; *empty; empty++) {
		settings_read(s, *empty, strlen(*empty), "f.yaml", &error);
		g_assert_no_error(error);
	}
	g_assert_cmpint(s->tiles.size, ==, 96); /* a file changes what it names, and no more */
}

static void test_check(void)
{
	static const struct {
		const char *set[3], *message;
	} rows[] = {
		{ { "data.images={name}.mrxs" },
		  "data.images: expected {class} in '{name}.mrxs', or a CSV with the classes in data.labels" },
		{ { "data.images={name}.mrxs", "data.labels=labels.csv" }, NULL },
		{ { "sampling.tumour=0", "sampling.normal=0", "sampling.negative=0" },
		  "sampling.tumour, normal and negative: expected at least one above 0" },
		{ { "augmentation.mixup=0.7", "augmentation.cutmix=0.5" }, "augmentation.mixup and cutmix: expected at most 1 in all" },
		{ { "augmentation.mixup=0.5", "augmentation.cutmix=0.5" }, NULL },
		{ { "sampling.tumour=0", "sampling.normal=0" }, NULL },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(settings_t) settings = settings_new();
		g_autoptr(GError) error = NULL;

		for (gsize j = 0; j < G_N_ELEMENTS(rows[i].set) && rows[i].set[j]; j++)
			g_assert_true(settings_assign(settings, rows[i].set[j], &error));
		g_assert_cmpint(settings_check(settings, &error), ==, rows[i].message == NULL);
		if (rows[i].message)
			assert_usage(error, rows[i].message);
	}
}

static void test_data_dir(void)
{
	g_autoptr(settings_t) settings = settings_new();
	g_autoptr(GError) error = NULL;

	settings_set_data_dir(settings, "here/");
	g_assert_cmpstr(settings->paths.train, ==, "here/train");
	g_assert_cmpstr(settings->paths.test, ==, "here/test");
	g_assert_cmpstr(settings->paths.model, ==, "here/model");
	g_assert_cmpstr(settings->paths.output, ==, "here/output");
	g_assert_true(settings_check(settings, &error));
	settings_set_data_dir(settings, "a\nb");
	g_assert_false(settings_check(settings, &error));
	assert_usage(error, "paths.train: expected text of one line, not empty, not 'a?b/train'");
}

/* The file at the top of the project is the table's own text. */
static void test_data_yaml(void)
{
	g_autofree char *tests = g_path_get_dirname(__FILE__);
	g_autofree char *path = g_build_filename(tests, "..", "..", "data.yaml", NULL);
	g_autofree char *text = NULL, *yaml = NULL;
	g_autoptr(settings_t) settings = settings_new(), read = settings_new();
	g_autoptr(GError) error = NULL;

	settings_read_file(read, path, &error);
	g_assert_no_error(error);
	assert_same(settings, read);
	g_file_get_contents(path, &text, NULL, &error);
	g_assert_no_error(error);
	yaml = settings_to_yaml(settings);
	g_assert_cmpstr(text, ==, yaml);
	for (const char *const *key = settings_keys(); *key; key++) {
		const char *dot = strrchr(*key, '.');
		g_autofree char *line = dot ? g_strdup_printf("\n  %s: ", dot + 1) : g_strdup_printf("\n%s: ", *key);

		g_assert_nonnull(strstr(text, line));
	}
}

static void test_files(void)
{
	g_autofree char *dir = g_dir_make_tmp("config-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "f.yaml", NULL), *big = g_strnfill(1 << 20, '\n');
	g_autofree char *missing = g_strconcat(path, ": cannot be read: No such file or directory", NULL);
	g_autofree char *folder = g_strconcat(dir, ": cannot be read: Is a directory", NULL);
	g_autofree char *large = g_strconcat(path, ": expected settings, not a file of more than 1 MiB", NULL);
	g_autoptr(settings_t) settings = settings_new();
	g_autoptr(GError) error = NULL;

	g_assert_false(settings_read_file(settings, path, &error));
	assert_usage(error, missing);
	g_clear_error(&error);
	g_assert_false(settings_read_file(settings, dir, &error));
	assert_usage(error, folder);
	g_clear_error(&error);
	g_assert_true(g_file_set_contents(path, big, 1 << 20, NULL));
	g_assert_true(settings_read_file(settings, path, &error));
	g_free(big);
	big = g_strnfill((1 << 20) + 1, '\n');
	g_assert_true(g_file_set_contents(path, big, -1, NULL));
	g_assert_false(settings_read_file(settings, path, &error));
	assert_usage(error, large);
	g_unlink(path);
	g_rmdir(dir);
}

static void test_zero_bytes(void)
{
	g_autoptr(settings_t) settings = settings_new();
	g_autoptr(GError) error = NULL;

	g_assert_false(settings_read(settings, "task: a\n\0", 9, "f.yaml", &error));
	assert_usage(error, "f.yaml:2: expected text in UTF-8");
	g_clear_error(&error);
	g_assert_true(settings_read(settings, NULL, 0, "f.yaml", &error));
}

static void test_locale(void)
{
	static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8" };
	const char *set = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(names) && set == NULL; i++)
		set = setlocale(LC_ALL, names[i]);
	if (set == NULL) {
		g_test_skip("no locale with a decimal comma");
		return;
	}
	test_good_values();
	test_data_yaml();
	setlocale(LC_ALL, "C");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/config/defaults", test_defaults);
	g_test_add_func("/config/fields", test_fields);
	g_test_add_func("/config/good-values", test_good_values);
	g_test_add_func("/config/zero-bytes", test_zero_bytes);
	g_test_add_func("/config/check", test_check);
	g_test_add_func("/config/data-dir", test_data_dir);
	g_test_add_func("/config/data-yaml", test_data_yaml);
	g_test_add_func("/config/files", test_files);
	g_test_add_func("/config/locale", test_locale);
	return g_test_run();
}
