/*
 * test-pattern.c - patterns to files: what fits, in which order, and what is said of what does not.
 */
#include "common/fault/fault.h"
#include "common/machine/remove_tree.h"
#include "common/task/pattern.h"

static char *root;

static void touch(const char *path)
{
	g_autofree char *full = g_build_filename(root, path, NULL), *folder = g_path_get_dirname(full);

	g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
	g_assert_true(g_file_set_contents(full, "", 0, NULL));
}

/* "name name ..." of what a pattern finds; paths are checked too, but for the case of their endings. */
static char *names(const char *pattern, const char *class)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) found = pattern_list(root, pattern, class, &error);
	g_autoptr(GString) all = g_string_new(NULL);

	g_assert_no_error(error);
	for (guint i = 0; i < found->len; i++) {
		const struct pattern_match *m = found->pdata[i];
		g_autofree char *path = pattern_path(root, pattern, class, m->name);
		g_assert_cmpint(g_ascii_strcasecmp(m->path, path), ==, 0);
		g_assert_true(g_file_test(m->path, G_FILE_TEST_EXISTS));
		g_string_append_printf(all, "%s%s", i > 0 ? " " : "", m->name);
	}
	return g_string_free(g_steal_pointer(&all), FALSE);
}

#define ASSERT_NAMES(pattern, class, want) do { \
		g_autofree char *got = names(pattern, class); \
		g_assert_cmpstr(got, ==, want); \
	} while (0)

static void test_list(void)
{
	touch("image/positive/Slide010.mrxs");
	touch("image/positive/Slide002.mrxs");
	touch("image/positive/slide1.mrxs");
	touch("image/positive/Slide002/Data0000.dat");
	touch("image/positive/.hidden.mrxs");
	touch("image/positive/.mrxs");
	touch("image/positive/Slide003.MRXS");
	touch("image/positive/Slide004.mrxs.part");
	touch("image/negative/Slide001.mrxs");
	touch("a-1-z.svs");
	touch("a--z.svs");
	touch("a-z.svs");
	touch("a-2.svs");

	ASSERT_NAMES("image/{class}/{name}.mrxs", "positive", "Slide002 Slide003 Slide010 slide1"); /* by bytes */
	ASSERT_NAMES("image/{class}/{name}.mrxs", "negative", "Slide001");
	ASSERT_NAMES("image/positive/{name}.mrxs", NULL, "Slide002 Slide003 Slide010 slide1");
	ASSERT_NAMES("image/{class}/Slide{name}.mrxs", "positive", "002 003 010");
	ASSERT_NAMES("a-{name}-z.svs", NULL, "1");      /* a--z: the name would be empty; a-z: too short */
	ASSERT_NAMES("{name}.svs", NULL, "a--z a-1-z a-2 a-z");
	ASSERT_NAMES("{class}-{name}.svs", "a", "-z 1-z 2 z");
	ASSERT_NAMES("{name}.tiff", NULL, "");

	/* a folder each */
	touch("cases/p7/p7.svs");
	touch("cases/p7/p7-mask.svs");
	touch("cases/p8/p7.svs");
	touch("cases/p9-b/slide.svs");
	touch("cases/p9-b/p9-b.svs");
	touch("cases/readme.svs");
	ASSERT_NAMES("cases/{name}/{name}.svs", NULL, "p7 p9-b");
	ASSERT_NAMES("cases/{name}/slide.svs", NULL, "p9-b");
	ASSERT_NAMES("{class}/p{name}/p{name}.svs", "cases", "7 9-b");
	ASSERT_NAMES("cases/{name}/{name}-mask.svs", NULL, "p7");
}

/* The one entry of a name: its file below the folder. */
static void assert_file(const char *pattern, const char *name, const char *file)
{
	g_autofree char *full = g_build_filename(root, file, NULL);
	g_autoptr(GPtrArray) found = pattern_list(root, pattern, NULL, NULL);
	guint n = 0;

	for (guint i = 0; i < found->len; i++) {
		const struct pattern_match *m = found->pdata[i];
		if (!g_str_equal(m->name, name))
			continue;
		g_assert_cmpstr(m->path, ==, full);
		n++;
	}
	g_assert_cmpuint(n, ==, 1);
}

/* Cameras and file servers write endings as they like; the rest of a name tells files apart. */
static void test_endings(void)
{
	touch("case/a.SVS");
	touch("case/a.svs");
	touch("case/b.SVS");
	touch("case/b.Svs");
	touch("case/c.sVs");
	touch("case/C.svs");
	touch("case/d_HE.SVS");
	touch("case/e_he.svs");
	touch("case/.SVS");
	touch("each/p1/p1.SVS");
	touch("each/p1/P1.svs");
	touch("each/p2/p2.svs");
	touch("each/p2/p2.SVS");
	touch("each/P3.SVS");

	ASSERT_NAMES("case/{name}.svs", NULL, "C a b c d_HE e_he");
	assert_file("case/{name}.svs", "a", "case/a.svs");
	assert_file("case/{name}.SVS", "a", "case/a.SVS");
	assert_file("case/{name}.svs", "b", "case/b.SVS");      /* neither is exact: the first by bytes */
	assert_file("case/{name}.svs", "c", "case/c.sVs");
	ASSERT_NAMES("case/{name}_HE.svs", NULL, "d");
	ASSERT_NAMES("case/C{name}svs", NULL, ".");             /* what has no dot is no ending */
	ASSERT_NAMES("case/C{name}SVS", NULL, "");
	ASSERT_NAMES("each/{name}/{name}.svs", NULL, "p1 p2");
	assert_file("each/{name}/{name}.svs", "p1", "each/p1/p1.SVS");
	assert_file("each/{name}/{name}.svs", "p2", "each/p2/p2.svs");
}

static void test_path(void)
{
	g_autofree char *mask = pattern_path("/data/train", "mask/{class}/{name}.png", "positive", "Slide002");
	g_autofree char *plain = pattern_path("/data/test", "{name}.mrxs", NULL, "Slide158");
	g_autofree char *twice = pattern_path("/d", "{class}/{name}/{class}-{name}.png", "a", "b");

	g_assert_cmpstr(mask, ==, "/data/train/mask/positive/Slide002.png");
	g_assert_cmpstr(plain, ==, "/data/test/Slide158.mrxs");
	g_assert_cmpstr(twice, ==, "/d/a/b/a-b.png");
}

static void assert_usage(const char *pattern, const char *message)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(pattern_list(root, pattern, "positive", &error));
	g_assert_error(error, FAULT, FAULT_USAGE);
	g_assert_cmpstr(error->message, ==, message);
}

static void test_errors(void)
{
	g_autoptr(GError) error = NULL;

	assert_usage("image/{class}/all.mrxs",
		     "pattern 'image/{class}/all.mrxs': expected {name}, and once in the part where it first stands");
	assert_usage("{name}-{name}/{name}.mrxs",
		     "pattern '{name}-{name}/{name}.mrxs': expected {name}, and once in the part where it first stands");
	assert_usage("{name}{name}.mrxs", "pattern '{name}{name}.mrxs': expected {name}, and once in the part where it first stands");
	g_assert_null(pattern_list(root, "none/{class}/{name}.mrxs", "positive", &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
	g_assert_nonnull(strstr(error->message, "none/positive"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	root = g_dir_make_tmp("blindrun-pattern-XXXXXX", NULL);
	g_test_add_func("/pattern/list", test_list);
	g_test_add_func("/pattern/endings", test_endings);
	g_test_add_func("/pattern/path", test_path);
	g_test_add_func("/pattern/errors", test_errors);
	int failed = g_test_run();
	remove_tree(root);
	g_free(root);
	return failed;
}
