/*
 * test-model-folder.c - the model folder: what is saved is read; a kill or damage at any place leaves the
 * model before, and says so; nothing that a manifest names is ever removed, nor what is not of its making.
 */
#include "common/checkpoint/model_folder.h"
#include "common/checkpoint/safetensors.h"
#include "common/config/options.h"
#include "common/fault/fault.h"
#include "common/machine/remove_tree.h"
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NUMBERS = 300 };

struct fixture { char *root, *folder; };

static void set_up(struct fixture *f, gconstpointer data)
{
	(void)data;
	f->root = g_dir_make_tmp("blindrun-model-XXXXXX", NULL);
	f->folder = g_build_filename(f->root, "a", "model", NULL);      /* made by the first save */
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	(void)data;
	remove_tree(f->root);
	g_free(f->root);
	g_free(f->folder);
}

static char *in(const struct fixture *f, const char *name) { return g_build_filename(f->folder, name, NULL); }

static gboolean there(const struct fixture *f, const char *name)
{
	g_autofree char *path = in(f, name);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void put(const struct fixture *f, const char *name, const char *text)
{
	g_autofree char *path = in(f, name);

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static guint count_files(const struct fixture *f)
{
	g_autoptr(GDir) dir = g_dir_open(f->folder, 0, NULL);
	guint n = 0;

	while (dir != NULL && g_dir_read_name(dir) != NULL)
		n++;
	return n;
}

/* A model whose numbers are all `value`; with a state, too. */
static gboolean save(const struct fixture *f, guint64 step, float value, GError **error)
{
	scope *weights = scope_open(NULL, 0), *state = scope_open(NULL, 0);
	const char *const metadata[] = { "architecture", "tiny", NULL };
	const struct model_part parts[] = { { "weights", NULL, weights, metadata }, { "state", "o.", state, NULL } };
	g_autoptr(JsonObject) about = json_object_new();

	scope_buffer(weights, "fc.weight", DIMS(NUMBERS / 3, 3), value);
	scope_buffer(weights, "fc.bias", DIMS(2), value + 0.5);
	scope_buffer(state, "m.fc.weight", DIMS(1), -value);
	json_object_set_double_member(about, "score", value);
	json_object_set_int_member(about, "step", (gint64)step);
	g_autoptr(model_folder_t) folder = model_folder_take(f->folder, NULL, error);
	gboolean ok = folder != NULL && model_folder_save(folder, step, parts, 2, about, error);
	scope_close(weights);
	scope_close(state);
	return ok;
}

static void save_well(const struct fixture *f, guint64 step, float value)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(save(f, step, value, &error));
	g_assert_no_error(error);
}

/* The model of `value` is read, of the files named, with one note or none (NULL). */
static void assert_model(const struct fixture *f, guint64 step, float value, const char *weights, const char *note)
{
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonObject) manifest = model_folder_open(f->folder, NULL, notes, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(notes->len, ==, note != NULL);
	if (note != NULL)
		g_assert_cmpstr(notes->pdata[0], ==, note);
	g_assert_cmpint(json_object_get_int_member(manifest, "step"), ==, (gint64)step);
	g_assert_cmpint(json_object_get_int_member(manifest, "format"), ==, 1);
	g_assert_cmpstr(json_object_get_string_member(manifest, "blindrun"), ==, BLINDRUN_VERSION);
	g_assert_cmpfloat(json_object_get_double_member(manifest, "score"), ==, value);
	g_autofree char *path = model_folder_path(f->folder, manifest, "weights", &error);
	g_autofree char *wanted = in(f, weights);
	g_assert_cmpstr(path, ==, wanted);
	g_autoptr(safetensors_t) file = safetensors_open(path, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(safetensors_count(file), ==, 2);
	g_assert_cmpstr(safetensors_metadata(file, "architecture"), ==, "tiny");
	const struct safetensor *t = safetensors_find(file, "fc.weight");
	g_assert_cmpuint(t->size, ==, NUMBERS * sizeof(float));
	for (int i = 0; i < NUMBERS; i++) {
		float got;
		memcpy(&got, (const char *)t->data + (gsize)i * sizeof got, sizeof got);
		g_assert_cmpfloat(got, ==, value);
	}
	g_assert_null(model_folder_path(f->folder, manifest, "gradients", &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, "the manifest names no gradients");
}

/* %s stands for the folder. */
G_GNUC_PRINTF(2, 0) static void assert_none(const struct fixture *f, const char *format)
{
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	g_autofree char *message = g_strdup_printf(format, f->folder);
#pragma GCC diagnostic pop
	g_assert_null(model_folder_open(f->folder, NULL, notes, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, message);
	g_assert_cmpuint(notes->len, ==, 0);
}

static void cut(const struct fixture *f, const char *name, gsize keep)
{
	g_autofree char *path = in(f, name);

	g_assert_cmpint(truncate(path, (off_t)keep), ==, 0);
}

static void flip_bit(const struct fixture *f, const char *name, gsize at)
{
	g_autofree char *path = in(f, name), *bytes = NULL;
	gsize n;

	g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
	bytes[at < n ? at : n - 1] ^= 4;
	g_assert_true(g_file_set_contents(path, bytes, (gssize)n, NULL));
}

static gsize size_of(const struct fixture *f, const char *name)
{
	g_autofree char *path = in(f, name), *bytes = NULL;
	gsize n;

	g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
	return n;
}

static void test_round_trip(struct fixture *f, gconstpointer data)
{
	(void)data;
	assert_none(f, "there is no model in '%s': train first");
	save_well(f, 7, 1);
	assert_model(f, 7, 1, "weights-000007.safetensors", NULL);
	g_assert_cmpuint(count_files(f), ==, 3);
	save_well(f, 420, 2);
	assert_model(f, 420, 2, "weights-000420.safetensors", NULL);
	g_assert_cmpuint(count_files(f), ==, 6);        /* and the one before */
	save_well(f, 12345678, 3);
	assert_model(f, 12345678, 3, "weights-12345678.safetensors", NULL);
	g_assert_cmpuint(count_files(f), ==, 6);
	g_assert_false(there(f, "weights-000007.safetensors"));
	g_assert_true(there(f, "weights-000420.safetensors"));
	g_assert_true(there(f, "state-000420.safetensors"));
}

/* Killed after the weights, after both files, or while the manifest was written beside: as if nothing had been. */
static void test_killed(struct fixture *f, gconstpointer data)
{
	(void)data;
	save_well(f, 1, 1);
	put(f, "weights-000002.safetensors", "half a fi");
	assert_model(f, 1, 1, "weights-000001.safetensors", NULL);
	put(f, "state-000002.safetensors", "whole");
	put(f, "model.json.XYZ123", "{\"format\": 1, \"fil");
	assert_model(f, 1, 1, "weights-000001.safetensors", NULL);
	save_well(f, 2, 2);     /* the names are taken: it finds others, and sweeps */
	assert_model(f, 2, 2, "weights-000002-1.safetensors", NULL);
	g_assert_false(there(f, "weights-000002.safetensors"));
	g_assert_false(there(f, "state-000002.safetensors"));
	g_assert_true(there(f, "state-000002-1.safetensors"));
	g_assert_true(there(f, "weights-000001.safetensors"));
}

/* Killed between the two manifests: both say the same. */
static void test_killed_between(struct fixture *f, gconstpointer data)
{
	g_autofree char *manifest = in(f, "model.json"), *text = NULL;

	(void)data;
	save_well(f, 1, 1);
	g_assert_true(g_file_get_contents(manifest, &text, NULL, NULL));
	put(f, "model.before.json", text);
	put(f, "weights-000002.safetensors", "never committed");
	assert_model(f, 1, 1, "weights-000001.safetensors", NULL);
	save_well(f, 3, 3);
	assert_model(f, 3, 3, "weights-000003.safetensors", NULL);
	g_assert_false(there(f, "weights-000002.safetensors"));
	g_unlink(manifest);
	assert_model(f, 1, 1, "weights-000001.safetensors",
		     "model: model.json: No such file or directory; the one saved before it is used");
}

/* The manifest cannot be written: neither model that is there loses a file. */
static void test_not_written(struct fixture *f, gconstpointer data)
{
	g_autofree char *beside = in(f, "model.new.json"), *inner = g_build_filename(beside, "x", NULL);
	g_autoptr(GError) error = NULL;

	(void)data;
	save_well(f, 1, 1);
	save_well(f, 2, 2);
	g_assert_cmpint(g_mkdir_with_parents(inner, 0755), ==, 0);
	g_assert_false(save(f, 3, 3, &error));
	assert_model(f, 2, 2, "weights-000002.safetensors", NULL);
	flip_bit(f, "weights-000002.safetensors", 3);
	assert_model(f, 1, 1, "weights-000001.safetensors",
		     "model: weights-000002.safetensors: its checksum is wrong: the file is damaged; the one saved before it is used");
	g_assert_false(there(f, "weights-000003.safetensors"));
	g_rmdir(inner);
	g_rmdir(beside);
	flip_bit(f, "weights-000002.safetensors", 3);
	save_well(f, 3, 3);
	assert_model(f, 3, 3, "weights-000003.safetensors", NULL);
}

#define USED "; the one saved before it is used"

static void test_damaged(struct fixture *f, gconstpointer data)
{
	const char *newest = "weights-000002.safetensors";

	(void)data;
	save_well(f, 1, 1);
	save_well(f, 2, 2);
	gsize size = size_of(f, newest);
	flip_bit(f, newest, size - 10);
	assert_model(f, 1, 1, "weights-000001.safetensors",
		     "model: weights-000002.safetensors: its checksum is wrong: the file is damaged" USED);
	flip_bit(f, newest, size - 10);
	assert_model(f, 2, 2, newest, NULL);
	flip_bit(f, newest, 3);
	assert_model(f, 1, 1, "weights-000001.safetensors",
		     "model: weights-000002.safetensors: its checksum is wrong: the file is damaged" USED);
	cut(f, newest, size - 1);
	g_autofree char *shorter = g_strdup_printf("model: %s: %d bytes; its manifest says %d" USED, newest, (int)size - 1,
						   (int)size);
	assert_model(f, 1, 1, "weights-000001.safetensors", shorter);
	cut(f, newest, 0);
	g_autofree char *empty = g_strdup_printf("model: %s: 0 bytes; its manifest says %d" USED, newest, (int)size);
	assert_model(f, 1, 1, "weights-000001.safetensors", empty);
	g_autofree char *path = in(f, newest);
	g_unlink(path);
	assert_model(f, 1, 1, "weights-000001.safetensors",
		     "model: weights-000002.safetensors: its manifest names it, but it is not there" USED);
	flip_bit(f, "state-000001.safetensors", 5);
	assert_none(f, "no model can be used in '%s': weights-000002.safetensors: its manifest names it, but it is not there");
}

/* Cut anywhere, a manifest is no manifest. */
static void test_manifest_cut(struct fixture *f, gconstpointer data)
{
	g_autofree char *manifest = in(f, "model.json"), *text = NULL;
	gsize length;

	(void)data;
	save_well(f, 1, 1);
	save_well(f, 2, 2);
	g_assert_true(g_file_get_contents(manifest, &text, &length, NULL));
	for (gsize keep = 0; keep < length - 1; keep += 13) {
		g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
		g_autoptr(GError) error = NULL;
		g_assert_true(g_file_set_contents(manifest, text, (gssize)keep, NULL));
		g_autoptr(JsonObject) got = model_folder_open(f->folder, NULL, notes, &error);
		g_assert_no_error(error);
		g_assert_cmpint(json_object_get_int_member(got, "step"), ==, 1);
		g_assert_cmpuint(notes->len, ==, 1);
		g_assert_true(g_str_has_prefix(notes->pdata[0], "model: model.json: "));
		g_assert_true(g_str_has_suffix(notes->pdata[0], USED));
	}
	/* the next save keeps the one that can be read as the one before, not the broken one */
	save_well(f, 3, 3);
	assert_model(f, 3, 3, "weights-000003.safetensors", NULL);
	g_assert_false(there(f, "weights-000002.safetensors"));
	flip_bit(f, "weights-000003.safetensors", 100);
	assert_model(f, 1, 1, "weights-000001.safetensors",
		     "model: weights-000003.safetensors: its checksum is wrong: the file is damaged" USED);
}

/* The same where its manifest is whole but its weights are not. */
static void test_saved_over_damage(struct fixture *f, gconstpointer data)
{
	(void)data;
	save_well(f, 1, 1);
	save_well(f, 2, 2);
	flip_bit(f, "weights-000002.safetensors", 200);
	save_well(f, 3, 3);
	flip_bit(f, "weights-000003.safetensors", 200);
	assert_model(f, 1, 1, "weights-000001.safetensors",
		     "model: weights-000003.safetensors: its checksum is wrong: the file is damaged" USED);
}

#define SUM "0000000000000000000000000000000000000000000000000000000000000000"

static void test_manifest_wrong(struct fixture *f, gconstpointer data)
{
	static const struct { const char *text, *message; } cases[] = {
		{ "[1, 2]", "model.json: no JSON object" },
		{ "{\"format\": 2, \"files\": {}}", "made by another version of blindrun" },
		{ "{\"format\": \"1\"}", "made by another version of blindrun" },
		{ "{\"format\": {}}", "made by another version of blindrun" },
		{ "{}", "made by another version of blindrun" },
		{ "{\"format\": 1}", "the manifest names no files" },
		{ "{\"format\": 1, \"files\": []}", "the manifest names no files" },
		{ "{\"format\": 1, \"files\": {}}", "the manifest names no files" },
		{ "{\"format\": 1, \"files\": {\"weights\": 3}}", "the manifest names no weights" },
		{ "{\"format\": 1, \"files\": {\"weights\": {\"name\": \"outside\", \"bytes\": 7}}}",
		  "the manifest names no weights" },
		{ "{\"format\": 1, \"files\": {\"weights\": {\"name\": [], \"sha256\": {}, \"bytes\": \"x\"}}}",
		  "the manifest names no weights" },
		{ "{\"format\": 1, \"files\": {\"weights\": {\"name\": \"w\", \"sha256\": \"" SUM "\", \"bytes\": -1}}}",
		  "the manifest names no weights" },
		{ "{\"format\": 1, \"files\": {\"weights\": {\"name\": \"../outside\", \"sha256\": \"" SUM "\", \"bytes\": 7}}}",
		  "the manifest names no weights" },
		{ "{\"format\": 1, \"files\": {\"weights\": {\"name\": \"/etc/passwd\", \"sha256\": \"" SUM "\", \"bytes\": 7}}}",
		  "the manifest names no weights" },
		{ "{\"format\": 1, \"files\": {\"weights\": {\"name\": \"..\", \"sha256\": \"" SUM "\", \"bytes\": 7}}}",
		  "the manifest names no weights" },
		{ "{\"format\": 1, \"files\": {\"weights\": {\"name\": \"none\", \"sha256\": \"" SUM "\", \"bytes\": 7}}}",
		  "none: its manifest names it, but it is not there" },
		{ "{\"format\": 1, \"files\": {\"weights\": {\"name\": \"inside\", \"sha256\": \"" SUM "\", \"bytes\": 7}}}",
		  "inside: its checksum is wrong: the file is damaged" },
	};
	g_autofree char *outside = g_build_filename(f->root, "a", "outside", NULL), *manifest = in(f, "model.json");

	(void)data;
	g_assert_cmpint(g_mkdir_with_parents(f->folder, 0755), ==, 0);
	put(f, "inside", "inside!");
	g_assert_true(g_file_set_contents(outside, "outside", 7, NULL));
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *format = g_strdup_printf("no model can be used in '%%s': %s", cases[i].message);
		put(f, "model.json", cases[i].text);
		assert_none(f, format);
	}
	put(f, "model.json", "{");
	g_assert_cmpint(truncate(manifest, (off_t)65 << 20), ==, 0);    /* sparse */
	assert_none(f, "no model can be used in '%s': model.json: larger than a manifest can be");
}

static void test_sweep(struct fixture *f, gconstpointer data)
{
	static const char *const stay[] = { "resnet18-f37072fd.safetensors", "weights.safetensors", "mine-420.safetensors",
					    "notes.txt", "weights-000001.safetensors.gz", "Weights-000001.safetensors" };
	static const char *const go[] = { "weights-000001.safetensors", "state-000009.safetensors",
					  "weights-000420-3.safetensors", "weights-12345678.safetensors" };

	(void)data;
	g_assert_cmpint(g_mkdir_with_parents(f->folder, 0755), ==, 0);
	for (gsize i = 0; i < G_N_ELEMENTS(stay); i++)
		put(f, stay[i], "x");
	for (gsize i = 0; i < G_N_ELEMENTS(go); i++)
		put(f, go[i], "x");
	save_well(f, 2, 2);
	for (gsize i = 0; i < G_N_ELEMENTS(stay); i++)
		g_assert_true(there(f, stay[i]));
	for (gsize i = 0; i < G_N_ELEMENTS(go); i++)
		g_assert_false(there(f, go[i]));
	assert_model(f, 2, 2, "weights-000002.safetensors", NULL);
}

/* A manifest that cannot be read for a while, as of a share that is away, names what must not be swept. */
static void test_sweep_blind(struct fixture *f, gconstpointer data)
{
	g_autofree char *manifest = in(f, "model.json"), *aside = in(f, "aside"), *in_it = in(f, "model.json/x");

	(void)data;
	save_well(f, 7, 7);
	g_assert_cmpint(g_rename(manifest, aside), ==, 0);
	g_assert_cmpint(g_mkdir_with_parents(in_it, 0755), ==, 0);      /* no file can take its place */
	g_assert_false(save(f, 8, 8, NULL));
	remove_tree(manifest);
	g_assert_cmpint(g_rename(aside, manifest), ==, 0);
	assert_model(f, 7, 7, "weights-000007.safetensors", NULL);
}

static void test_same_step(struct fixture *f, gconstpointer data)
{
	(void)data;
	save_well(f, 420, 1);
	save_well(f, 420, 2);
	assert_model(f, 420, 2, "weights-000420-1.safetensors", NULL);
	flip_bit(f, "weights-000420-1.safetensors", 100);
	assert_model(f, 420, 1, "weights-000420.safetensors",
		     "model: weights-000420-1.safetensors: its checksum is wrong: the file is damaged" USED);
	flip_bit(f, "weights-000420-1.safetensors", 100);
	save_well(f, 420, 3);
	assert_model(f, 420, 3, "weights-000420-2.safetensors", NULL);
	g_assert_false(there(f, "weights-000420.safetensors"));
	save_well(f, 420, 4);   /* the first name is free again */
	assert_model(f, 420, 4, "weights-000420.safetensors", NULL);
}

static void test_no_folder(struct fixture *f, gconstpointer data)
{
	g_autofree char *blocked = g_build_filename(f->root, "a", NULL);
	g_autofree char *message = g_strdup_printf("cannot make '%s': Not a directory", f->folder);
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_true(g_file_set_contents(blocked, "a file", -1, NULL));
	g_assert_false(save(f, 1, 1, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOTDIR);
	g_assert_cmpstr(error->message, ==, message);
}

/* As a user who may not write there. */
static void test_read_only(struct fixture *f, gconstpointer data)
{
	uid_t user = geteuid();
	g_autofree char *message = g_strdup_printf("cannot write into '%s': Permission denied", f->folder);
	g_autoptr(GError) error = NULL;

	(void)data;
	save_well(f, 1, 1);
	g_assert_cmpint(g_chmod(f->root, 0755), ==, 0);
	g_assert_cmpint(g_chmod(f->folder, 0555), ==, 0);
	if (user == 0 && seteuid(65534) != 0) {
		g_test_skip("root may write anywhere");
		return;
	}
	gboolean ok = save(f, 2, 2, &error);
	g_assert_cmpint(seteuid(user), ==, 0);
	g_assert_cmpint(g_chmod(f->folder, 0755), ==, 0);
	g_assert_false(ok);
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_ACCES);
	g_assert_cmpstr(error->message, ==, message);
	assert_model(f, 1, 1, "weights-000001.safetensors", NULL);
}

/* No room for a file of that size: what was there stays, nothing half done does. */
static void test_full(struct fixture *f, gconstpointer data)
{
	struct rlimit before, small = { 600, 600 };
	g_autoptr(GError) error = NULL;

	(void)data;
	save_well(f, 1, 1);
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
	small.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
	gboolean ok = save(f, 2, 2, &error);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
	g_assert_false(ok);
	g_assert_error(error, FAULT, FAULT_ROOM);
	g_assert_cmpuint(count_files(f), ==, 3);
	assert_model(f, 1, 1, "weights-000001.safetensors", NULL);
}

#define ADD(name, function) g_test_add("/model-folder/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("round-trip", test_round_trip);
	ADD("killed", test_killed);
	ADD("killed-between", test_killed_between);
	ADD("not-written", test_not_written);
	ADD("damaged", test_damaged);
	ADD("manifest-cut", test_manifest_cut);
	ADD("saved-over-damage", test_saved_over_damage);
	ADD("manifest-wrong", test_manifest_wrong);
	ADD("sweep", test_sweep);
	ADD("sweep-blind", test_sweep_blind);
	ADD("same-step", test_same_step);
	ADD("no-folder", test_no_folder);
	ADD("read-only", test_read_only);
	ADD("full", test_full);
	return g_test_run();
}
