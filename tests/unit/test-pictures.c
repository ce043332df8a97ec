/*
 * test-pictures.c - which looks at a case are drawn, and what it costs where drawing fails, hangs or is not wanted: a
 * warning, never more. The task draws files that say what it was given.
 */
#include "common/log/log.h"
#include "common/machine/remove_tree.h"
#include "common/machine/stop.h"
#include "inference/pictures.h"
#include "tests/unit/fake_task.h"
#include <signal.h>
#include <sys/stat.h>

static settings_t *settings;
static char *root;
static gint let_go = TRUE;      /* atomic; else case 2 is not drawn before */

static gboolean fake_picture(struct work *w, guint item, double share, const struct sample *samples, const float *outputs,
			     gsize n, const char *path, GError **error)
{
	g_autofree char *text = g_strdup_printf("share=%.2f n=%d first=%g variant=%u", share, (int)n, n > 0 ? outputs[0] : 0,
						n > 0 ? samples[0].variant : 0);

	while (item == 2 && !g_atomic_int_get(&let_go))
		g_usleep(1000);
	if (item == 3 || item == 8) {
		g_set_error(error, FAULT, FAULT_DATA, "case '%s': cannot be seen", w->cases[item].id);
		return FALSE;
	}
	return g_file_set_contents(path, text, -1, error);
}

static struct task task;
static struct work work;

static struct pictures *begin(const char *heat)
{
	g_autoptr(GError) error = NULL;

	fake_reset(TRUE);
	task = fake_task;
	task.picture = fake_picture;
	work = fake_work;
	work.task = &task;
	work.settings = settings;
	g_assert_true(settings_assign(settings, heat, &error));
	return pictures_new(&work);
}

/* A look at n samples, `first` of the case's own and others again, of which so many failed. */
static void take_looks(struct pictures *p, guint item, gsize first, gsize n, gsize failed)
{
	const struct sample samples[8] = { { .variant = 7 } };
	const float outputs[8 * FAKE_JUDGED] = { (float)n };
	const struct scan_case c = { .item = item, .samples = samples, .outputs = outputs, .n = n, .failed = failed,
				      .first = first };

	pictures_take(p, &c);
}

static void take(struct pictures *p, guint item, gsize n, gsize failed) { take_looks(p, item, n, n, failed); }

static void assert_picture(guint item, const char *wanted)
{
	g_autofree char *path = g_strdup_printf("%s/pictures/c%02u.png", root, item), *text = NULL;

	g_file_get_contents(path, &text, NULL, NULL);
	g_assert_cmpstr(text, ==, wanted);
	remove(path);
}

static void test_off(void)
{
	g_autofree char *folder = g_build_filename(root, "pictures", NULL);
	struct pictures *p = begin("pictures.heat=false");

	g_assert_null(p);
	take(p, 1, 2, 0);
	pictures_finish(p);
	g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
	pictures_finish(begin("pictures.heat=true"));
	task.picture = NULL;
	g_assert_null(pictures_new(&work));
}

/* Of the looks at a case the one that saw most; the share goes by all that the case has. */
static void test_denser(void)
{
	struct pictures *p = begin("pictures.heat=true");
	guint said = log_warnings(NULL);

	take(p, 1, 3, 0);
	take(p, 1, 6, 0);
	take(p, 1, 6, 1);
	take(p, 5, 4, 4);               /* nothing of it was read: it is drawn alone */
	take(p, 6, 0, 0);
	take(p, 7, 8, 7);
	take(p, 7, 0, 0);
	take_looks(p, 10, 3, 8, 0);     /* 3 of 6, and 5 further looks at these */
	pictures_finish(p);
	g_assert_cmpuint(fake_count(1), ==, 6);
	g_assert_cmpuint(fake_count(10), ==, 6);
	assert_picture(1, "share=1.00 n=6 first=6 variant=7");
	assert_picture(5, "share=0.50 n=4 first=4 variant=7");
	assert_picture(6, "share=1.00 n=0 first=0 variant=0");
	assert_picture(7, "share=0.89 n=8 first=8 variant=7");
	assert_picture(10, "share=0.50 n=8 first=8 variant=7");
	assert_picture(0, NULL);
	g_assert_cmpuint(log_warnings(NULL), ==, said);
}

static void test_fails(void)
{
	struct pictures *p = begin("pictures.heat=true");
	guint said = log_warnings("picture");

	take(p, 3, 2, 0);
	take(p, 8, 2, 2);               /* could not be read, which was said */
	take(p, 1, 2, 0);
	pictures_finish(p);
	assert_picture(1, "share=0.33 n=2 first=2 variant=7");
	g_assert_cmpuint(log_warnings("picture"), ==, said + 1);
}

/* A folder that is none, or takes no files: one warning, whatever the number of cases. */
static void test_folder(void)
{
	g_autofree char *folder = g_build_filename(root, "pictures", NULL);
	guint said = log_warnings("picture");

	remove_tree(folder);
	g_assert_true(g_file_set_contents(folder, "", 0, NULL));
	g_assert_null(begin("pictures.heat=true"));
	g_assert_cmpuint(log_warnings("picture"), ==, said + 1);
	remove(folder);
	struct pictures *p = begin("pictures.heat=true");
	g_assert_cmpint(remove(folder), ==, 0);
	for (guint i = 5; i < 8; i++)
		take(p, i, 1, 0);
	pictures_finish(p);
	g_assert_cmpuint(log_warnings("picture"), ==, said + 2);
	g_assert_cmpuint(work.n_given_up, ==, 0);
}

/* What hangs is left behind, and ends it: a hundred of them would keep the program from its end. */
static void test_hangs(void)
{
	struct pictures *p = begin("pictures.heat=true");
	guint said = log_warnings("picture");

	pictures_finish(p);
	work.patience = 0.3;
	p = pictures_new(&work);
	let_go = FALSE;
	take(p, 1, 2, 0);
	take(p, 2, 2, 0);
	take(p, 5, 2, 0);
	pictures_finish(p);
	assert_picture(1, "share=0.33 n=2 first=2 variant=7");
	assert_picture(2, NULL);        /* 5 is drawn where a thread took it before the end was known */
	g_assert_cmpuint(log_warnings("picture"), ==, said + 1);
	g_assert_cmpuint(work.n_given_up, ==, 1);       /* its work is not freed under it */
	g_atomic_int_set(&let_go, TRUE);
}

/* Asked to stop: what was not begun is left. */
static void test_stop(void)
{
	struct pictures *p = begin("pictures.heat=true");
	guint said = log_warnings("picture");

	let_go = FALSE;
	take(p, 2, 2, 0);
	take(p, 1, 2, 0);
	g_usleep(G_USEC_PER_SEC / 10);
	stop_ask(SIGTERM);
	pictures_finish(p);
	stop_ask(0);
	g_atomic_int_set(&let_go, TRUE);
	assert_picture(1, NULL);
	g_assert_cmpuint(log_warnings("picture"), ==, said + 1);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;

	g_test_init(&argc, &argv, NULL);
	log_open("test-pictures", 0);
	root = g_dir_make_tmp("blindrun-pictures-XXXXXX", NULL);
	g_autofree char *model = g_strconcat("paths.model=", root, NULL);
	settings = settings_new();
	g_assert_true(settings_assign(settings, model, &error));
	g_test_add_func("/pictures/off", test_off);
	g_test_add_func("/pictures/denser", test_denser);
	g_test_add_func("/pictures/fails", test_fails);
	g_test_add_func("/pictures/folder", test_folder);
	g_test_add_func("/pictures/hangs", test_hangs);
	g_test_add_func("/pictures/stop", test_stop);
	int failed = g_test_run();
	settings_free(settings);
	remove_tree(root);
	g_free(root);
	return failed;
}
