/*
 * test-config-messages.c - what settings refuse, and each message in full: it is all that the user gets.
 * Whatever was refused, the settings are as they were.
 */
#include "common/config/config.h"
#include "common/fault/fault.h"

#define LIST "a list of 2 or more different names without '/', such as [a, b]"
#define BYTES "a size, such as 20G, 1.5T or 500M"
#define TIME "a time up to 365d, such as 28h, 1h30m or 90s"
#define TILES "expected a section, with the keys tiles.size, tiles.mpp, tiles.context, tiles.tissue, tiles.normalise, " \
	"tiles.fallback_mpp"
#define ANCHOR "anchors (&) and aliases (*) are not known here; quote text that begins so"
#define DEVICE "expected auto, cpu, cuda or cuda:N"
#define MAPPING "not a mapping; quote text that begins with {"
#define SIZE "f.yaml:2: tiles.size: expected a whole number from 16 to 4096"
#define IMAGES "f.yaml:2: data.images: expected a path with {name} in it, where wanted also {class}"
#define CLASSES "f.yaml:2: data.classes: expected " LIST
#define LONG_NAME "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 60 */

static const struct {
	const char *yaml, *message;
} bad_files[] = {
	/* keys that do not exist, and what was meant */
	{ "tiles:\n  sise: 96\n", "f.yaml:2: tiles.sise: unknown key; did you mean tiles.size?" },
	{ "\n\nsize: 96\n", "f.yaml:3: size: unknown key; did you mean tiles.size?" },
	{ "training:\n  batch: 8\n  optimizer: sgd\n",
	  "f.yaml:3: training.optimizer: unknown key; did you mean training.optimiser?" },
	{ "training: {lerning_rate: 0.1}",
	  "f.yaml:1: training.lerning_rate: unknown key; did you mean training.learning_rate?" },
	{ "augmentation:\n  color: 1",
	  "f.yaml:2: augmentation.color: unknown key; did you mean augmentation.colour?" },
	{ "inference:\n  bacth: 1", "f.yaml:2: inference.bacth: unknown key; did you mean inference.batch?" },
	{ "training:\n  tiles_per_epoch: 1",
	  "f.yaml:2: training.tiles_per_epoch: unknown key; did you mean sampling.tiles_per_epoch?" },
	{ "momentum: 0.9", "f.yaml:1: momentum: unknown key" },
	{ "tiles:\n  paths: 1", "f.yaml:2: tiles.paths: unknown key" },
	{ "\"a\\nb\": 1", "f.yaml:1: a?b: unknown key" },
	{ "\"\": 1", "f.yaml:1: : unknown key" },
	{ LONG_NAME "aaaaaaaaaa: 1", "f.yaml:1: " LONG_NAME "...: unknown key" },
	{ "tile:\n  size: 96\n", "f.yaml:1: tile: unknown section; did you mean tiles?" },
	{ "optics:\n  size: 96\n", "f.yaml:1: optics: unknown section" },
	/* twice */
	{ "device: cpu\ntask: a\ndevice: cuda\n", "f.yaml:3: device: given twice; first on line 1" },
	{ "tiles:\n  size: 96\n  size: 96\n", "f.yaml:3: tiles.size: given twice; first on line 2" },
	{ "tiles:\n  size: 96\ntiles:\n  mpp: 1\n", "f.yaml:3: tiles: given twice; first on line 1" },
	{ "tiles.size: 32\ntiles:\n  size: 96\n", "f.yaml:3: tiles.size: given twice; first on line 1" },
	/* a section for a value, a value for a section */
	{ "tiles: 96", "f.yaml:1: tiles: " TILES },
	{ "tiles: [96]", "f.yaml:1: tiles: " TILES },
	{ "tiles: \"\"", "f.yaml:1: tiles: " TILES },
	{ "device:\n  cpu: 1", "f.yaml:1: device: " DEVICE ", " MAPPING },
	{ "device: [cpu]", "f.yaml:1: device: " DEVICE ", not a list" },
	{ "data:\n  test: {name}.mrxs", "f.yaml:2: data.test: expected a path with {name} in it, " MAPPING },
	{ "data:\n  classes: a", CLASSES ", not 'a'" },
	{ "data:\n  classes: {a: b}", CLASSES ", " MAPPING },
	/* wrong types and ranges, each type */
	{ "tiles:\n  size: big", SIZE ", not 'big'" },
	{ "tiles:\n  size: 96px", SIZE ", not '96px'" },
	{ "tiles:\n  size: 96.0", SIZE ", not '96.0'" },
	{ "tiles:\n  size: 0x60", SIZE ", not '0x60'" },
	{ "tiles:\n  size: 15", SIZE ", not '15'" },
	{ "tiles:\n  size: 4097", SIZE ", not '4097'" },
	{ "tiles:\n  size:", SIZE ", not ''" },
	{ "tiles:\n  size: ~", SIZE ", not null" },
	{ "split:\n  seed: 99999999999999999999",
	  "f.yaml:2: split.seed: expected a whole number from 0 to 2147483647, not '99999999999999999999'" },
	{ "inference:\n  turns: 3", "f.yaml:2: inference.turns: expected 1, 2, 4 or 8, not '3'" },
	{ "tiles:\n  tissue: 1.5", "f.yaml:2: tiles.tissue: expected a number from 0 to 1, not '1.5'" },
	{ "tiles:\n  tissue: 0,5", "f.yaml:2: tiles.tissue: expected a number from 0 to 1, not '0,5'" },
	{ "tiles:\n  tissue: nan", "f.yaml:2: tiles.tissue: expected a number from 0 to 1, not 'nan'" },
	{ "tiles:\n  tissue: .inf", "f.yaml:2: tiles.tissue: expected a number from 0 to 1, not '.inf'" },
	{ "tiles:\n  tissue: 1e-400", "f.yaml:2: tiles.tissue: expected a number from 0 to 1, not '1e-400'" },
	{ "tiles:\n  tissue: -0.01", "f.yaml:2: tiles.tissue: expected a number from 0 to 1, not '-0.01'" },
	{ "tiles:\n  mpp: level1",
	  "f.yaml:2: tiles.mpp: expected auto, level0 or a number from 0.01 to 100, not 'level1'" },
	{ "tiles:\n  mpp: 0", "f.yaml:2: tiles.mpp: expected auto, level0 or a number from 0.01 to 100, not '0'" },
	{ "tiles:\n  fallback_mpp: level0",
	  "f.yaml:2: tiles.fallback_mpp: expected auto or a number from 0.01 to 100, not 'level0'" },
	{ "training:\n  learning_rate: 0",
	  "f.yaml:2: training.learning_rate: expected auto or a number from 1e-8 to 10, not '0'" },
	{ "training:\n  schedule: linear",
	  "f.yaml:2: training.schedule: expected cosine, plateau, constant or one_cycle, not 'linear'" },
	{ "tiles:\n  normalise: 1", "f.yaml:2: tiles.normalise: expected none, density, reinhard or macenko, not '1'" },
	{ "training:\n  schedule: true", "f.yaml:2: training.schedule: expected cosine, plateau, constant or one_cycle, not 'true'" },
	{ "training:\n  time: 28 h", "f.yaml:2: training.time: expected " TIME ", not '28 h'" },
	{ "training:\n  time: 30m1h", "f.yaml:2: training.time: expected " TIME ", not '30m1h'" },
	{ "training:\n  time: 1h1h", "f.yaml:2: training.time: expected " TIME ", not '1h1h'" },
	{ "training:\n  time: 1h30", "f.yaml:2: training.time: expected " TIME ", not '1h30'" },
	{ "training:\n  time: -1h", "f.yaml:2: training.time: expected " TIME ", not '-1h'" },
	{ "training:\n  time: h", "f.yaml:2: training.time: expected " TIME ", not 'h'" },
	{ "load:\n  cache: 20 G", "f.yaml:2: load.cache: expected " BYTES ", not '20 G'" },
	{ "load:\n  cache: 20g", "f.yaml:2: load.cache: expected " BYTES ", not '20g'" },
	{ "load:\n  cache: 20GB", "f.yaml:2: load.cache: expected " BYTES ", not '20GB'" },
	{ "load:\n  cache: -1G", "f.yaml:2: load.cache: expected " BYTES ", not '-1G'" },
	{ "load:\n  cache: G", "f.yaml:2: load.cache: expected " BYTES ", not 'G'" },
	{ "training:\n  time: 366d", "f.yaml:2: training.time: expected " TIME ", not '366d'" },
	{ "augmentation:\n  flips: 1", "f.yaml:2: augmentation.flips: expected true or false, not '1'" },
	{ "answer:\n  file: a/b.csv", "f.yaml:2: answer.file: expected a file's name, without '/', not 'a/b.csv'" },
	{ "answer:\n  file: \"\"", "f.yaml:2: answer.file: expected a file's name, without '/', not ''" },
	{ "answer:\n  file: ..", "f.yaml:2: answer.file: expected a file's name, without '/', not '..'" },
	{ "device: \"cuda:\"", "f.yaml:1: device: " DEVICE ", not 'cuda:'" },
	{ "device: cuda:x", "f.yaml:1: device: " DEVICE ", not 'cuda:x'" },
	{ "device: cuda:-1", "f.yaml:1: device: " DEVICE ", not 'cuda:-1'" },
	{ "paths:\n  train: \"\"", "f.yaml:2: paths.train: expected text of one line, not empty, not ''" },
	{ "model:\n  weights: null",
	  "f.yaml:2: model.weights: expected text of one line, not null; nothing is \"\"" },
	{ "competition: |\n  a\n  b\n", "f.yaml:1: competition: expected text of one line, not 'a?b?'" },
	{ "competition: \"a\\0b\"", "f.yaml:1: a zero byte in a text" },
	/* patterns */
	{ "data:\n  images: image.mrxs", IMAGES ", not 'image.mrxs'" },
	{ "data:\n  images: a/{name}/{id}", IMAGES ", not 'a/{name}/{id}'" },
	{ "data:\n  images: a/{name", IMAGES ", not 'a/{name'" },
	{ "data:\n  images: a/name}", IMAGES ", not 'a/name}'" },
	{ "data:\n  masks: mask.png",
	  "f.yaml:2: data.masks: expected a path with {name} in it, where wanted also {class}; or \"\", not 'mask.png'" },
	{ "data:\n  test: \"{class}/{name}\"",
	  "f.yaml:2: data.test: expected a path with {name} in it, not '{class}/{name}'" },
	/* lists */
	{ "data:\n  classes: [a]", CLASSES ", not [a]" },
	{ "data:\n  classes: []", CLASSES ", not []" },
	{ "data:\n  classes: [a, b, a]", CLASSES ", not [a, b, a]" },
	{ "data:\n  classes: [a, \"\"]", CLASSES ", not [a, \"\"]" },
	{ "data:\n  classes: [a, b/c]", CLASSES ", not [a, b/c]" },
	{ "data:\n  classes: [a, ..]", CLASSES ", not [a, \"..\"]" },
	{ "data:\n  classes: [a, ~]", CLASSES ", not a list of others" },
	{ "data:\n  classes:\n    - a\n    - [b]\n", CLASSES ", not a list of others" },
	/* what YAML has besides */
	{ "task: &a b\n", "f.yaml:1: " ANCHOR },
	{ "device: cpu\ntask: *a\n", "f.yaml:2: " ANCHOR },
	{ "tiles: &t {size: 96}\n", "f.yaml:1: " ANCHOR },
	{ "data: {classes: &c [a, b]}\n", "f.yaml:1: " ANCHOR },
	{ "task: !!str b\n", "f.yaml:1: tags (!) are not known here; quote text that begins so" },
	{ "device: cpu\n---\ndevice: cpu\n", "f.yaml:2: expected one document, and here begins a second" },
	{ "- a\n- b\n", "f.yaml:1: expected keys and values, such as device: cpu" },
	{ "# settings\nhello\n", "f.yaml:2: expected keys and values, such as device: cpu" },
	{ "[a]: b\n", "f.yaml:1: expected a key, such as device" },
	/* no YAML */
	{ "tiles:\n  size: 96\n mpp: 1\n", "f.yaml:3: did not find expected key, while parsing a block mapping" },
	{ "tiles:\n\tsize: 96\n",
	  "f.yaml:2: found character that cannot start any token, while scanning for the next "
	  "token; use spaces instead of tabs" },
	{ "data:\n  classes: [a, b\n", "f.yaml:3: did not find expected ',' or ']', while parsing a flow sequence" },
	{ "device: cuda:", "f.yaml:1: mapping values are not allowed in this context" },
	{ "\ntask: \"a\ndevice: \"cpu\"\n", "f.yaml:2: a quote is not closed in its line" },
	{ "task: \"a\n", "f.yaml:1: found unexpected end of stream, while scanning a quoted scalar" },
	{ "task: a\nb\001c\n", "f.yaml:2: control characters are not allowed" },
	{ "task: a\ndevice: \xff\n", "f.yaml:2: expected text in UTF-8" },
	{ "\xff\xfet\n", "f.yaml:1: expected text in UTF-8" },
};

static void assert_usage(const GError *error, const char *message)
{
	g_assert_error(error, FAULT, FAULT_USAGE);
	g_assert_cmpstr(error->message, ==, message);
}

static void test_bad_files(void)
{
	g_autoptr(settings_t) settings = settings_new();
	g_autofree char *before = settings_to_yaml(settings);

	for (gsize i = 0; i < G_N_ELEMENTS(bad_files); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *after = NULL;

		g_test_message("%s", bad_files[i].message);
		g_assert_false(settings_read(settings, bad_files[i].yaml, strlen(bad_files[i].yaml), "f.yaml", &error));
		assert_usage(error, bad_files[i].message);
		after = settings_to_yaml(settings);
		g_assert_cmpstr(after, ==, before);
	}
}

static const struct {
	const char *assignment, *message;
} bad_assignments[] = {
	{ "tiles.size=big", "--set tiles.size: expected a whole number from 16 to 4096, not 'big'" },
	{ "tiles.size= 96", "--set tiles.size: expected a whole number from 16 to 4096, not ' 96'" },
	{ "tiles.size=", "--set tiles.size: expected a whole number from 16 to 4096, not ''" },
	{ "tiles.size", "--set tiles.size: expected KEY=VALUE, such as tiles.size=96" },
	{ "=96", "--set =96: expected KEY=VALUE, such as tiles.size=96" },
	{ "", "--set : expected KEY=VALUE, such as tiles.size=96" },
	{ "tiles.sise=96", "--set tiles.sise: unknown key; did you mean tiles.size?" },
	{ "tiles=96", "--set tiles: " TILES },
	{ "competition=a\nb", "--set competition: expected text of one line, not 'a?b'" },
	{ "competition=\xff", "--set competition: expected text of one line, not '\357\277\275'" },
	{ "competition=\342\200\250", "--set competition: expected text of one line, not '\342\200\250'" },
	{ "data.classes=a", "--set data.classes: expected " LIST ", not 'a'" },
	{ "data.classes=[a, b", "--set data.classes: expected " LIST ", not '[a, b'" },
	{ "data.classes=a, b]", "--set data.classes: expected " LIST ", not 'a, b]'" },
	{ "data.classes=[[a, b]]", "--set data.classes: expected " LIST ", not '[[a, b]]'" },
	{ "data.classes=a: 1, b", "--set data.classes: expected " LIST ", not 'a: 1, b'" },
	{ "data.classes=[a, b]\n--- [c]", "--set data.classes: expected " LIST ", not '[a, b]?--- [c]'" },
	{ "tiles.tissue=1e999", "--set tiles.tissue: expected a number from 0 to 1, not '1e999'" },
};

static void test_bad_assignments(void)
{
	g_autoptr(settings_t) settings = settings_new();

	for (gsize i = 0; i < G_N_ELEMENTS(bad_assignments); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(settings_assign(settings, bad_assignments[i].assignment, &error));
		assert_usage(error, bad_assignments[i].message);
	}
	g_assert_cmpint(settings->tiles.size, ==, 256);
	g_assert_cmpstr(settings->competition, ==, "help-2018-2-2");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/config/bad-files", test_bad_files);
	g_test_add_func("/config/bad-assignments", test_bad_assignments);
	return g_test_run();
}
