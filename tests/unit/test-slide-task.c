/*
 * test-slide-task.c - slide classification on a small sample: which slides become cases and why others do
 * not; tiles, their targets against the mask's own pixels; views, features, answers and the file.
 */
#include "common/fault/fault.h"
#include "common/image/png_file.h"
#include "common/log/log.h"
#include "common/machine/remove_tree.h"
#include "common/random/random.h"
#include "common/score/coarse.h"
#include "common/task/slide_facts.h"
#include "common/task/slide_work.h"
#include "tests/sample/dataset.h"
#include "tests/sample/plan.h"
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TILE = 32, TRAIN = 6, TEST = 2 };

/* Written once: Slide001 to 006 for training, 007 and 008 to answer. Tests link to what they need. */
static char *sample;
static char *positives[TRAIN + 1], *negatives[TRAIN + 1];

struct fixture { char *root; settings_t *settings; };

static void assign(struct fixture *f, const char *assignment)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(settings_assign(f->settings, assignment, &error));
	g_assert_no_error(error);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	(void)data;
	f->root = g_dir_make_tmp("blindrun-task-XXXXXX", NULL);
	f->settings = settings_new();
	settings_set_data_dir(f->settings, f->root);
	assign(f, "tiles.size=32");
	assign(f, "device=cpu");
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	(void)data;
	remove_tree(f->root);
	g_free(f->root);
	settings_free(f->settings);
}

/* root/PATH, its folder made. */
static char *in(const struct fixture *f, const char *path)
{
	char *full = g_build_filename(f->root, path, NULL);
	g_autofree char *folder = g_path_get_dirname(full);

	g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
	return full;
}

static void put(const struct fixture *f, const char *path, const char *text)
{
	g_autofree char *full = in(f, path);

	g_assert_true(g_file_set_contents(full, text, -1, NULL));
}

/* root/TO.mrxs and its folder, links to a slide of the sample: "train/image/negative/Slide004", say. */
static void link_slide(const struct fixture *f, const char *from, const char *to)
{
	for (int i = 0; i < 2; i++) {
		const char *ending = i == 0 ? ".mrxs" : "";
		g_autofree char *target = g_strconcat(sample, "/", from, ending, NULL), *name = g_strconcat(to, ending, NULL);
		g_autofree char *path = in(f, name);
		g_assert_true(g_file_test(target, G_FILE_TEST_EXISTS));
		g_assert_cmpint(symlink(target, path), ==, 0);
	}
}

static void link_train(const struct fixture *f, const char *class, const char *name)
{
	g_autofree char *from = g_strdup_printf("train/image/%s/%s", class, name);

	link_slide(f, from, from);
}

static void link_mask(const struct fixture *f, const char *name)
{
	g_autofree char *mask = g_strdup_printf("train/mask/positive/%s.png", name);
	g_autofree char *from = g_build_filename(sample, mask, NULL), *to = in(f, mask);

	g_assert_cmpint(symlink(from, to), ==, 0);
}

static void link_all(const struct fixture *f)
{
	for (char **name = positives; *name != NULL; name++) {
		link_train(f, "positive", *name);
		link_mask(f, *name);
	}
	for (char **name = negatives; *name != NULL; name++)
		link_train(f, "negative", *name);
}

static struct work *open_work(const struct fixture *f, enum phase phase, JsonObject *facts)
{
	g_autoptr(GError) error = NULL;
	struct work *w = slide_classification.open(f->settings, phase, facts, &error);

	g_assert_no_error(error);
	g_assert_nonnull(w);
	return w;
}

static void prepare_all(struct work *w)
{
	for (guint i = 0; i < w->n_cases; i++) {
		g_autoptr(GError) error = NULL;
		slide_classification.prepare(w, i, &error);
		g_assert_no_error(error);
		g_assert_true(w->cases[i].ready);
	}
}

/* The index of a case, or -1. */
static int find(const struct work *w, const char *id)
{
	for (guint i = 0; i < w->n_cases; i++)
		if (g_str_equal(w->cases[i].id, id))
			return (int)i;
	return -1;
}

static void assert_note(const struct work *w, guint i, const char *text)
{
	g_assert_cmpuint(i, <, w->notes->len);
	g_assert_cmpstr(w->notes->pdata[i], ==, text);
}

/* ---- cases ---- */

static void test_folders(struct fixture *f, gconstpointer data)
{
	guint positive = g_strv_length(positives), negative = g_strv_length(negatives);
	g_autoptr(JsonObject) facts = json_object_new();
	guint64 tiles = 0, tumour = 0;

	(void)data;
	link_all(f);
	struct work *w = open_work(f, PHASE_TRAIN, NULL);
	g_assert_cmpuint(w->n_cases, ==, TRAIN);
	g_assert_cmpuint(w->notes->len, ==, 0);
	g_assert_cmpuint(w->n_left_out, ==, 0);
	g_assert_cmpint(w->shape.channels, ==, 3);
	g_assert_cmpint(w->shape.width, ==, TILE);
	g_assert_cmpint(w->shape.height, ==, TILE);
	g_assert_cmpint(w->shape.targets, ==, 1);
	g_assert_cmpint(w->outputs, ==, 2);
	for (guint i = 0; i < TRAIN; i++) {
		g_autofree char *id = g_strdup_printf("Slide%03u", i + 1);
		g_assert_cmpstr(w->cases[i].id, ==, id);
		g_assert_cmpint(w->cases[i].label, ==, g_strv_contains((const char *const *)positives, id));
		g_assert_null(w->cases[i].group);
		g_assert_false(w->cases[i].ready);
		g_assert_cmpuint(slide_samples_count(w, i, STRATUM_NEGATIVE), ==, 0);   /* not yet */
	}
	prepare_all(w);
	for (guint i = 0; i < TRAIN; i++) {
		const struct slide_case *c = &slide_work_of(w)->slides[i];
		gboolean is_positive = w->cases[i].label == 1;
		g_autofree char *line = slide_classification.describe(w, i);
		g_autofree char *begin = g_strdup_printf("slide=%s class=%s tiles=%u tissue=", w->cases[i].id,
							 is_positive ? "positive" : "negative", c->tiles.n);
		g_assert_true(g_str_has_prefix(line, begin));
		g_assert_true((strstr(line, " mpp=0.5 scale=1") != NULL));
		g_assert_true((strstr(line, " tumour_tiles=") != NULL) == is_positive);
		g_assert_cmpuint(slide_samples_count(w, i, STRATUM_TUMOUR), ==, is_positive ? c->tiles.n_tumour : 0);
		g_assert_cmpuint(slide_samples_count(w, i, STRATUM_NORMAL), ==,
				 is_positive ? c->tiles.n - c->tiles.n_tumour : 0);
		g_assert_cmpuint(slide_samples_count(w, i, STRATUM_NEGATIVE), ==, is_positive ? 0 : c->tiles.n);
		g_assert_true((w->cases[i].size > 0) == is_positive);
		guint size = !is_positive ? 0 : c->tiles.n_tumour < 5 ? 1 : c->tiles.n_tumour < 20 ? 2 : 3;
		g_assert_cmpuint(w->cases[i].stratum, ==, is_positive ? 4 + size : 0);
		g_assert_cmpuint(c->tiles.n, >=, 20);
		g_assert_true(is_positive ? c->tiles.n_tumour > 0 : c->tiles.n_tumour == 0);
		tiles += c->tiles.n;
		tumour += c->tiles.n_tumour;
	}
	slide_classification.facts(w, facts);
	g_assert_cmpfloat(json_object_get_double_member(facts, "mpp"), ==, 0.5);
	g_assert_cmpfloat_with_epsilon(json_object_get_double_member(facts, "prior"), (positive + 1.0) / (TRAIN + 2), 1e-12);
	g_autofree char *summary = slide_classification.summary(w);
	g_autofree char *begin = g_strdup_printf("slides=%d positive=%u negative=%u left_out=0 positive_without_mask=0 tiles=%d "
						 "tumour_tiles=%d tumour=%.3g%% tiles_a_slide=", TRAIN, positive, negative, (int)tiles,
						 (int)tumour, 100 * (double)tumour / (double)tiles);
	g_assert_true(g_str_has_prefix(summary, begin));
	slide_classification.close(w);
}

/* All training slides in one folder, with their classes and groups in tables that a test writes. */
static void set_tables(struct fixture *f)
{
	for (int i = 1; i <= 5; i++) {
		g_autofree char *name = g_strdup_printf("Slide%03d", i), *to = g_strdup_printf("train/flat/%s", name);
		g_autofree char *from = g_strdup_printf("train/image/%s/%s", g_strv_contains((const char *const *)positives, name)
							? "positive" : "negative", name);
		link_slide(f, from, to);
	}
	assign(f, "data.labels=labels.csv");
	assign(f, "data.group=patients.csv");
	assign(f, "data.classes=a, b");
	assign(f, "data.images=flat/{name}.mrxs");
}

/* Labels from a table, with its header, under names with and without ending. */
static void test_table(struct fixture *f, gconstpointer data)
{
	(void)data;
	set_tables(f);
	put(f, "train/labels.csv", "file name,class\r\nimages/Slide001.mrxs,A\nSlide002,b\nSlide003,benign\n\"Slide005\",a\nSlide099,b\n");
	put(f, "train/patients.csv", "Slide001,p1\nSlide002,\nC:\\x\\Slide005.mrxs,p1\n");
	struct work *w = open_work(f, PHASE_TRAIN, NULL);
	g_assert_cmpuint(w->n_cases, ==, 3);
	g_assert_cmpstr(w->cases[0].id, ==, "Slide001");
	g_assert_cmpint(w->cases[0].label, ==, 0);
	g_assert_cmpstr(w->cases[0].group, ==, "p1");
	g_assert_cmpstr(w->cases[1].id, ==, "Slide002");
	g_assert_cmpint(w->cases[1].label, ==, 1);
	g_assert_null(w->cases[1].group);
	g_assert_cmpstr(w->cases[2].id, ==, "Slide005");
	g_assert_cmpstr(w->cases[2].group, ==, "p1");
	g_assert_cmpuint(w->n_left_out, ==, 2);
	g_assert_cmpuint(w->notes->len, ==, 3);
	assert_note(w, 0, "slide 'Slide003': left out: its class 'benign' in labels.csv is none of data.classes");
	assert_note(w, 1, "1 slides have no row in labels.csv and are left out");
	assert_note(w, 2, "1 slides have no group in patients.csv: each is one of its own");
	slide_classification.close(w);
}

/* Slides that the pattern does not take are said, for training and to answer. */
static void test_others(struct fixture *f, gconstpointer data)
{
	g_autofree char *test = g_strdup_printf("'%s/test' has 1 slides more than fit data.test, 'Slide008.mrxs' for one: they get no "
						"answer", f->root);
	g_autofree char *train = g_strdup_printf("'%s/train/image/negative' has 1 slides more than fit data.images, 'x.mrxs' for one: "
						 "they are not learned from", f->root);
	g_autofree char *from = g_strdup_printf("train/image/negative/%s", negatives[0]);

	(void)data;
	link_all(f);
	link_slide(f, from, "train/image/negative/x");
	link_slide(f, "test/Slide007", "test/Slide007");
	link_slide(f, "test/Slide008", "test/Slide008");
	put(f, "test/notes.txt", "no slide");
	assign(f, "data.images=image/{class}/Slide{name}.mrxs");
	struct work *w = open_work(f, PHASE_TRAIN, NULL);
	g_assert_cmpuint(w->n_cases, ==, TRAIN);
	g_assert_cmpuint(w->notes->len, ==, 1);
	assert_note(w, 0, train);
	slide_classification.close(w);
	w = open_work(f, PHASE_TEST, NULL);
	g_assert_cmpuint(w->n_cases, ==, 2);
	g_assert_cmpuint(w->notes->len, ==, 0);
	slide_classification.close(w);
	/* where the class is part of the name, those of the other stand beside them */
	link_slide(f, from, "train/both/negative_1");
	link_slide(f, from, "train/both/positive_2");
	assign(f, "data.images=both/{class}_{name}.mrxs");
	assign(f, "data.masks=");
	w = open_work(f, PHASE_TRAIN, NULL);
	for (guint i = 0; i < w->notes->len; i++)
		g_assert_null(strstr(w->notes->pdata[i], "more than fit"));
	slide_classification.close(w);
	assign(f, "data.test={name}7.mrxs");
	w = open_work(f, PHASE_TEST, NULL);
	g_assert_cmpuint(w->n_cases, ==, 1);
	assert_note(w, w->notes->len - 1, test);
	slide_classification.close(w);
}

/* The pixels of the first positive slide's mask, w x h; that slide alone is there to learn from. */
static guint8 *mask_pixels(const struct fixture *f, guint32 *w, guint32 *h)
{
	g_autofree char *path = g_strdup_printf("%s/train/mask/positive/%s.png", sample, positives[0]);
	g_autoptr(GError) error = NULL;
	guint8 *pixels = png_read(path, 1, 1 << 20, w, h, &error);

	g_assert_no_error(error);
	link_train(f, "positive", positives[0]);
	return pixels;
}

/* With that slide and another mask, NULL: its own. The work, prepared. */
static struct work *open_with_mask(const struct fixture *f, const guint8 *pixels, guint32 w, guint32 h)
{
	g_autofree char *name = g_strdup_printf("train/mask/positive/%s.png", positives[0]), *path = in(f, name);
	g_autoptr(GError) error = NULL;

	unlink(path);
	if (pixels == NULL)
		link_mask(f, positives[0]);
	else
		g_assert_true(png_write(path, pixels, w, h, 1, &error));
	struct work *work = open_work(f, PHASE_TRAIN, NULL);
	prepare_all(work);
	return work;
}

/* A mask of all of the slide, not of its scanned part, is that of the same places. */
static void test_whole_mask(struct fixture *f, gconstpointer data)
{
	guint32 w = 0, h = 0;
	g_autofree guint8 *part = mask_pixels(f, &w, &h);

	(void)data;
	struct work *work = open_with_mask(f, NULL, 0, 0);
	const struct slide_case *c = &slide_work_of(work)->slides[0];
	const struct slide s = *c->slide;
	const int scale = c->mask->scale, left = (int)(s.x / scale), top = (int)(s.y / scale);
	const guint32 wide = (guint32)((s.width + scale - 1) / scale), high = (guint32)((s.height + scale - 1) / scale);
	const guint32 tumour = c->tiles.n_tumour;
	const guint64 area = c->mask->area;
	slide_classification.close(work);

	g_assert_true(wide > w + 2 && s.x % scale == 0 && s.y % scale == 0);
	g_autofree guint8 *whole = g_malloc0((gsize)wide * high);
	for (guint32 y = 0; y < h; y++)
		memcpy(whole + ((gsize)y + (gsize)top) * wide + left, part + (gsize)y * w, MIN(w, wide - (guint32)left));
	work = open_with_mask(f, whole, wide, high);
	c = &slide_work_of(work)->slides[0];
	g_assert_nonnull(c->mask);
	g_assert_cmpuint(c->mask->area, ==, area);
	g_assert_cmpuint(c->tiles.n_tumour, ==, tumour);
	slide_classification.close(work);

	/* one whose tumour lies beside that part says nothing of the slide's tiles */
	memset(whole, 0, (gsize)wide * high);
	whole[0] = 255;
	work = open_with_mask(f, whole, wide, high);
	c = &slide_work_of(work)->slides[0];
	g_assert_null(c->mask);
	g_assert_cmpstr(c->mask_wrong, ==, "its mask's tumour lies beside the scanned part of the slide");
	g_assert_cmpuint(c->tiles.n_lesions, ==, 0);
	slide_classification.close(work);
}

/* A mask that shows tumour in a corner where the slide has no tissue: of another slide, perhaps. */
static void test_off_tissue(struct fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	guint32 w = 0, h = 0;
	g_autofree guint8 *pixels = mask_pixels(f, &w, &h);
	struct look look = { 0 };

	(void)data;
	memset(pixels, 0, (gsize)w * h);
	for (int i = 0; i < 4; i++)
		pixels[(guint32)(i / 2) * w + (guint32)(i % 2)] = 255;
	struct work *work = open_with_mask(f, pixels, w, h);
	g_assert_true(slide_classification.look(work, 0, &look, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(look.doubts->len, ==, 1);
	g_assert_nonnull(strstr(look.doubts->pdata[0], "100% of the tumour in its mask lies where no tissue is found: is the mask inverted, "
							"another slide's, or data.origin wrong?"));
	look_clear(&look);
	slide_classification.close(work);
}

static void assert_open_fails(const struct fixture *f, enum phase phase, const char *message)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(slide_classification.open(f->settings, phase, NULL, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, message);
}

/* What spreadsheets leave in a table costs the rows that it is about, and no run. */
static void test_table_rows(struct fixture *f, gconstpointer data)
{
	(void)data;
	set_tables(f);
	put(f, "train/labels.csv", "case,class\r\nSlide001,a\r\nSlide001,a\r\nSlide002,a\r\nSlide002,b\r\nSlide002,a\r\nSlide003\r\n"
				   "Slide004,b\r\nSlide005,b\r\nof 2018\r\n,\r\n,,,\r\n");
	put(f, "train/patients.csv", "Slide001,p1\nSlide005,p1\nSlide004,p1\nSlide004,p2\n");
	struct work *w = open_work(f, PHASE_TRAIN, NULL);
	g_assert_cmpuint(w->n_cases, ==, 3);
	g_assert_cmpstr(w->cases[0].id, ==, "Slide001");
	g_assert_cmpint(w->cases[0].label, ==, 0);
	g_assert_cmpstr(w->cases[0].group, ==, "p1");
	g_assert_cmpstr(w->cases[1].id, ==, "Slide004");
	g_assert_cmpint(w->cases[1].label, ==, 1);
	g_assert_null(w->cases[1].group);
	g_assert_cmpstr(w->cases[2].id, ==, "Slide005");
	g_assert_cmpstr(w->cases[2].group, ==, "p1");
	g_assert_cmpuint(w->n_left_out, ==, 2);
	g_assert_cmpuint(w->notes->len, ==, 4);
	assert_note(w, 0, "labels.csv:5: case 'Slide002' has 'b' here and 'a' above: it is left out; correct the table");
	assert_note(w, 1, "labels.csv: 2 rows have one column where case and value are wanted, the first in line 7: they are passed over");
	assert_note(w, 2, "1 slides have no row in labels.csv and are left out");
	assert_note(w, 3, "patients.csv:4: case 'Slide004' has 'p2' here and 'p1' above: it is a group of its own; correct the table");
	slide_classification.close(w);
}

static void test_table_wrong(struct fixture *f, gconstpointer data)
{
	g_autofree char *none = g_strdup_printf("no slide matches '{name}.mrxs' in '%s/train'; labels.csv: ", f->root);
	g_autofree char *short_row = g_strconcat(none, "1 rows have one column where case and value are wanted, the first in line 2: "
						 "they are passed over", NULL);
	g_autofree char *semicolons = g_strconcat(none, "2 rows have one column where case and value are wanted, the first in line 1: "
						  "they are passed over; a comma separates, not a semicolon", NULL);
	g_autoptr(GError) error = NULL;

	(void)data;
	link_slide(f, "test/Slide007", "train/Slide007");
	assign(f, "data.labels=labels.csv");
	assign(f, "data.images={name}.mrxs");
	put(f, "train/labels.csv", "case,class\nSlide007\n");
	assert_open_fails(f, PHASE_TRAIN, short_row);
	put(f, "train/labels.csv", "case;class\nSlide007;positive\n");
	assert_open_fails(f, PHASE_TRAIN, semicolons);
	assign(f, "data.labels=none.csv");
	g_assert_null(slide_classification.open(f->settings, PHASE_TRAIN, NULL, &error));
	g_assert_true(strstr(error->message, "none.csv") != NULL);
}

static void test_left_out(struct fixture *f, gconstpointer data)
{
	g_autofree char *pipe = in(f, "train/image/negative/Pipe.mrxs"), *folder = in(f, "train/image/negative/Folder.mrxs/x");

	(void)data;
	link_all(f);
	/* the same name in both classes; no slide at all; a slide without its folder; a pipe; a folder */
	link_slide(f, "test/Slide007", "train/image/negative/Twin");
	link_slide(f, "test/Slide007", "train/image/positive/Twin");
	put(f, "train/image/negative/Broken.mrxs", "this is no slide");
	put(f, "train/image/positive/Alone.mrxs", "");
	put(f, "train/image/positive/Empty.mrxs", "");
	put(f, "train/image/positive/Empty/Slidedat.ini", "[GENERAL]\nSLIDE_VERSION = 1.9\n");
	g_assert_cmpint(mkfifo(pipe, 0644), ==, 0);
	struct work *w = open_work(f, PHASE_TRAIN, NULL);
	g_assert_cmpuint(w->n_cases, ==, TRAIN);
	g_assert_cmpint(find(w, "Twin"), ==, -1);
	g_assert_cmpuint(w->n_left_out, ==, 2 + 5);
	g_assert_cmpuint(w->notes->len, ==, 1 + 5);
	assert_note(w, 0, "slide 'Twin': left out: it stands in 2 classes");
	assert_note(w, 1, "slide 'Alone': cannot be opened: an .mrxs file needs its folder of the same name beside it; left out");
	assert_note(w, 2, "slide 'Broken': cannot be opened: an .mrxs file needs its folder of the same name beside it; "
		    "left out");
	g_assert_true(g_str_has_prefix(w->notes->pdata[3], "slide 'Empty': cannot be opened: "));
	g_assert_true(g_str_has_suffix(w->notes->pdata[3], "; left out"));
	assert_note(w, 4, "slide 'Folder': cannot be opened: it is no file; left out");
	assert_note(w, 5, "slide 'Pipe': cannot be opened: it is no file; left out");
	prepare_all(w);
	slide_classification.close(w);
}

static void test_no_slides(struct fixture *f, gconstpointer data)
{
	g_autofree char *nothing = in(f, "train/image/positive/x"), *no_test = in(f, "test/x");
	g_autofree char *train = g_build_filename(f->root, "train", NULL), *test = g_build_filename(f->root, "test", NULL);
	g_autofree char *negative = g_build_filename(train, "image/negative", NULL);
	g_autofree char *trained = g_strdup_printf("no slide matches 'image/{class}/{name}.mrxs' in '%s'; class 'negative': "
		"Error opening directory “%s”: No such file or directory; check paths.train and data.images", train, negative);
	g_autofree char *tested = g_strdup_printf("no slide matches '{name}.mrxs' in '%s'; check paths.test and data.test", test);
	g_autofree char *missing = g_strdup_printf("Error opening directory “%s”: No such file or directory; check paths.test "
						   "and data.test", test);

	(void)data;
	assert_open_fails(f, PHASE_TRAIN, trained);
	assert_open_fails(f, PHASE_TEST, tested);
	remove_tree(test);
	assert_open_fails(f, PHASE_TEST, missing);
}

static void test_without_mask(struct fixture *f, gconstpointer data)
{
	float target = 0;
	guint8 bytes[TILE * TILE * 3];
	struct sample s = { 0 };

	(void)data;
	link_train(f, "positive", positives[0]);
	link_train(f, "negative", negatives[0]);
	struct work *w = open_work(f, PHASE_TRAIN, NULL);
	prepare_all(w);
	guint i = (guint)find(w, positives[0]);
	for (int k = 0; k < N_STRATA; k++)
		g_assert_cmpuint(slide_samples_count(w, i, k), ==, 0);
	g_assert_cmpuint(w->cases[i].stratum, ==, 4);
	g_assert_cmpfloat(w->cases[i].size, ==, 0);
	s.item = i;
	s.at[0] = slide_work_of(w)->slides[i].tiles.tile[0].x;
	s.at[1] = slide_work_of(w)->slides[i].tiles.tile[0].y;
	g_assert_true(slide_samples_read(w, &s, bytes, &target, NULL));
	g_assert_true(isnan(target));
	g_autofree char *summary = slide_classification.summary(w);
	g_assert_nonnull(strstr(summary, " positive_without_mask=1 "));
	slide_classification.close(w);
}

/* It counts as one without a mask, and a look says why. */
static void test_wrong_mask(struct fixture *f, gconstpointer data)
{
	g_autofree guint8 *black = g_malloc0(10 * 20);
	g_autofree char *name = g_strdup_printf("train/mask/positive/%s.png", positives[0]), *path = in(f, name);
	g_autoptr(GError) error = NULL;
	struct look look = { 0 };

	(void)data;
	link_train(f, "positive", positives[0]);
	link_train(f, "positive", positives[1]);
	link_mask(f, positives[1]);
	g_assert_true(png_write(path, black, 10, 20, 1, &error));
	struct work *w = open_work(f, PHASE_TRAIN, NULL);
	const guint i = (guint)find(w, positives[0]);
	const struct slide *slide = slide_work_of(w)->slides[i].slide;
	g_autofree char *message = g_strdup_printf("slide '%s': mask is 10 x 20 px, but its slide's scanned part of %d x %d px "
		"wants %d x %d at 1/16: its tiles are not learned from; correct the mask, or data.masks", positives[0], (int)slide->w,
		(int)slide->h, (int)(slide->w + 15) / 16, (int)(slide->h + 15) / 16);
	prepare_all(w);
	g_assert_null(slide_work_of(w)->slides[i].mask);
	for (int k = 0; k < N_STRATA; k++)
		g_assert_cmpuint(slide_samples_count(w, i, k), ==, 0);
	g_autofree char *summary = slide_classification.summary(w);
	g_assert_nonnull(strstr(summary, " left_out=0 positive_without_mask=1 "));
	g_assert_true(slide_classification.look(w, i, &look, &error));
	g_assert_cmpuint(look.doubts->len, ==, 1);
	g_assert_cmpstr(look.doubts->pdata[0], ==, message);
	look_clear(&look);
	g_assert_null(slide_classification.doubt(w));   /* the other slide has its mask */
	slide_classification.release(w, i);
	g_assert_true(slide_classification.prepare(w, i, NULL));
	slide_classification.close(w);
}

/* One sentence where none of them is of any use: another scale, no PNG, empty, none. */
static void test_no_mask_fits(struct fixture *f, gconstpointer data)
{
	static const guint8 black[1];
	struct look look = { 0 };
	guint n = 0;

	(void)data;
	link_all(f);
	while (positives[n] != NULL)
		n++;
	g_assert_cmpuint(n, >=, 3);
	g_autofree char *all = g_strdup_printf("of %u positive slides none has a mask that can be used (%u cannot be read or do not fit, "
		"0 show no tumour, 0 are not there): where the tumour is cannot be learned; check data.masks and data.mask_scale", n, n);
	g_autofree char *mixed = g_strdup_printf("of %u positive slides none has a mask that can be used (1 cannot be read or do not fit, "
		"1 show no tumour, %u are not there): where the tumour is cannot be learned; check data.masks and data.mask_scale", n, n - 2);
	assign(f, "data.mask_scale=32");
	struct work *w = open_work(f, PHASE_TRAIN, NULL);
	prepare_all(w);
	g_autofree char *said = slide_classification.doubt(w);
	g_assert_cmpstr(said, ==, all);
	g_assert_true(slide_classification.look(w, (guint)find(w, positives[0]), &look, NULL));
	g_assert_cmpuint(look.doubts->len, ==, 1);
	g_assert_nonnull(strstr(look.doubts->pdata[0], " at 1/32 (it is one of 1/16: set data.mask_scale=16): its tiles are not learned "
					"from; correct the mask, or data.masks"));
	look_clear(&look);
	slide_classification.close(w);

	for (guint i = 0; i < n; i++) {
		g_autofree char *name = g_strdup_printf("train/mask/positive/%s.png", positives[i]), *path = in(f, name);
		g_assert_cmpint(unlink(path), ==, 0);
		if (i == 0)
			put(f, name, "no PNG");
	}
	assign(f, "data.mask_scale=1024");              /* where one pixel fits */
	g_autofree char *name = g_strdup_printf("train/mask/positive/%s.png", positives[1]), *path = in(f, name);
	g_assert_true(png_write(path, black, 1, 1, 1, NULL));
	w = open_work(f, PHASE_TRAIN, NULL);
	prepare_all(w);
	g_autofree char *again = slide_classification.doubt(w);
	g_assert_cmpstr(again, ==, mixed);
	slide_classification.close(w);

	assign(f, "data.masks=");                       /* nobody looks for any */
	w = open_work(f, PHASE_TRAIN, NULL);
	prepare_all(w);
	g_assert_null(slide_classification.doubt(w));
	slide_classification.close(w);
}

/* For answering: nothing is known of a slide, it is prepared and forgotten, and prepared again. */
static void test_phase_test(struct fixture *f, gconstpointer data)
{
	g_autoptr(JsonObject) facts = json_object_new();
	float target = 0;
	guint8 bytes[TILE * TILE * 3];

	(void)data;
	link_slide(f, "test/Slide008", "test/Slide008");
	link_slide(f, "test/Slide007", "test/Slide007");
	put(f, "test/Broken.mrxs", "this is no slide");
	put(f, "test/Upper.MRXS", "no slide either, and to be answered for");
	json_object_set_double_member(facts, "mpp", 1);
	struct work *w = open_work(f, PHASE_TEST, facts);
	g_assert_cmpuint(w->n_cases, ==, 4);
	g_assert_cmpstr(w->cases[0].id, ==, "Broken");
	g_assert_cmpstr(w->cases[1].id, ==, "Slide007");
	g_assert_cmpstr(w->cases[2].id, ==, "Slide008");
	g_assert_cmpstr(w->cases[3].id, ==, "Upper");
	g_autoptr(GError) error = NULL;
	g_assert_false(slide_classification.prepare(w, 0, &error));
	g_assert_cmpstr(error->message, ==, "slide 'Broken': cannot be opened: an .mrxs file needs its folder of the same name "
			"beside it");
	slide_classification.release(w, 0);
	g_clear_error(&error);
	g_assert_false(slide_classification.prepare(w, 3, &error));
	g_assert_true(g_str_has_prefix(error->message, "slide 'Upper': cannot be opened: "));
	slide_classification.release(w, 3);
	for (guint i = 1; i < 3; i++) {
		g_assert_cmpint(w->cases[i].label, ==, -1);
		for (int round = 0; round < 2; round++) {
			struct sample s = { .item = i };
			g_assert_true(slide_classification.prepare(w, i, NULL));
			const struct slide_case *c = &slide_work_of(w)->slides[i];
			g_assert_cmpfloat(c->scale, ==, 2);     /* trained at 1 um, scanned at 0.5 */
			g_assert_cmpfloat(c->tiles.side, ==, 2 * TILE);
			g_assert_cmpuint(c->tiles.n, >, 4);
			s.at[0] = c->tiles.tile[0].x;
			s.at[1] = c->tiles.tile[0].y;
			g_assert_true(slide_samples_read(w, &s, bytes, &target, NULL));
			g_assert_true(isnan(target));
			slide_classification.release(w, i);
			g_assert_false(w->cases[i].ready);
			g_assert_null(c->slide);
			g_assert_cmpuint(c->tiles.n, ==, 0);
		}
	}
	slide_classification.close(w);
}

/* ---- samples ---- */

/* The share of a square that is white, by the PNG's own pixels of 16 level-0 px, area by area. */
static double share_of(const guint8 *mask, guint32 width, guint32 height, double x, double y, double side)
{
	double sum = 0;

	for (guint32 v = 0; v < height; v++)
		for (guint32 u = 0; u < width; u++) {
			double w = MIN(x + side, 16.0 * (u + 1)) - MAX(x, 16.0 * u);
			double h = MIN(y + side, 16.0 * (v + 1)) - MAX(y, 16.0 * v);
			if (w > 0 && h > 0 && mask[v * width + u] > 127)
				sum += w * h;
		}
	return sum / side / side;
}

/* The tile of the stratum that the sample is at, give or take so many px a side, its index in the stratum; or an error. */
static guint32 nearest(const struct slide_case *c, int stratum, const struct sample *s, int most)
{
	const guint32 first = stratum == STRATUM_NORMAL ? c->tiles.n_tumour : 0;
	const guint32 end = stratum == STRATUM_TUMOUR ? c->tiles.n_tumour : c->tiles.n;

	for (guint32 i = first; i < end; i++)
		if (ABS(s->at[0] - c->tiles.tile[i].x) <= most && ABS(s->at[1] - c->tiles.tile[i].y) <= most)
			return i - first;
	g_assert_not_reached();
}

static void test_targets(struct fixture *f, gconstpointer data)
{
	guint8 bytes[TILE * TILE * 3], want[TILE * TILE * 3];
	guint between = 0, drawn = 0;

	(void)data;
	assign(f, "sampling.jitter=0.15");
	assign(f, "sampling.lesions=0");
	assign(f, "tiles.normalise=false");
	link_all(f);
	struct work *w = open_work(f, PHASE_TRAIN, NULL);
	prepare_all(w);
	for (guint i = 0; i < w->n_cases; i++) {
		const struct slide_case *c = &slide_work_of(w)->slides[i];
		g_autofree guint8 *mask = NULL;
		guint32 width = 0, height = 0;
		if (c->mask_path != NULL)
			mask = png_read(c->mask_path, 1, 1 << 20, &width, &height, NULL);
		for (int k = 0; k < N_STRATA; k++)
			for (guint32 n = slide_samples_count(w, i, k), t = 0; t < n; t += 2) {
				struct sample s;
				float target = -1;
				slide_samples_pick(w, i, k, random_mix(t), &s);
				g_assert_cmpuint(s.item, ==, i);
				g_assert_cmpuint(s.variant, ==, 0);
				nearest(c, k, &s, 5);   /* 0.15 of 32 */
				g_assert_true(slide_samples_read(w, &s, bytes, &target, NULL));
				double share = mask == NULL ? 0 : share_of(mask, width, height, (double)(s.at[0] - c->slide->x),
									   (double)(s.at[1] - c->slide->y), TILE);
				g_assert_cmpfloat_with_epsilon(target, share, 1e-6);
				g_assert_true(slide_read(c->slide, s.at[0], s.at[1], 1, TILE, TILE, want, NULL, NULL));
				g_assert_true(memcmp(bytes, want, sizeof bytes) == 0);
				between += target > 0 && target < 1;
				drawn++;
			}
	}
	g_assert_cmpuint(drawn, >, 60);
	g_assert_cmpuint(between, >, 2);
	slide_classification.close(w);
}

/* Behind each tile what lies about it, thrice as wide, turned as the tile is; the target is the tile's alone. A coarse look reads
   the tile alone. */
static void test_context(struct fixture *f, gconstpointer data)
{
	guint8 bytes[2][TILE * TILE * 3], want[2][TILE * TILE * 3];
	guint differing = 0;

	(void)data;
	assign(f, "tiles.context=3");
	assign(f, "tiles.normalise=none");
	link_all(f);
	struct work *w = open_work(f, PHASE_TRAIN, NULL);
	prepare_all(w);
	g_assert_cmpuint(sample_pictures(&w->shape), ==, 2);
	g_assert_cmpuint(sample_bytes(&w->shape), ==, sizeof bytes);
	for (guint i = 0; i < w->n_cases; i++) {
		const struct slide_case *c = &slide_work_of(w)->slides[i];
		for (guint n = 0; n < c->tiles.n; n += 5) {
			const int x = c->tiles.tile[n].x, y = c->tiles.tile[n].y;
			struct sample s = { .item = i, .at = { x, y } };
			float target = -1;
			g_assert_true(slide_read(c->slide, x, y, 1, TILE, TILE, want[0], NULL, NULL));
			g_assert_true(slide_read(c->slide, x - TILE, y - TILE, 3, TILE, TILE, want[1], NULL, NULL));
			memset(bytes, 1, sizeof bytes);
			s.coarse = 1;
			g_assert_true(slide_samples_read(w, &s, bytes[0], &target, NULL));
			g_assert_cmpint(memcmp(bytes[0], want[0], sizeof bytes[0]), ==, 0);
			g_assert_true(bytes[1][0] == 1 && bytes[1][TILE * TILE * 3 - 1] == 1);
			s.coarse = 0;
			for (s.variant = 0; s.variant < 8; s.variant += 5) {
				g_assert_true(slide_samples_read(w, &s, bytes[0], &target, NULL));
				g_assert_cmpint(memcmp(bytes, want, sizeof bytes), ==, 0);
				for (int k = 0; k < 2; k++)
					slide_samples_turn(want[k], TILE, 5);
			}
			if (c->mask != NULL)
				g_assert_cmpfloat_with_epsilon(target, mask_share(c->mask, x, y, TILE, TILE), 1e-6);
			differing += memcmp(want[0], want[1], sizeof want[0]) != 0;
		}
	}
	g_assert_cmpuint(differing, >, 20);
	slide_classification.close(w);
}

/* A folder's files, copied. */
static void copy_folder(const char *from, const char *to)
{
	g_autoptr(GDir) dir = g_dir_open(from, 0, NULL);
	const char *name;

	g_assert_cmpint(g_mkdir_with_parents(to, 0755), ==, 0);
	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *source = g_build_filename(from, name, NULL), *target = g_build_filename(to, name, NULL), *bytes = NULL;
		gsize n;
		g_assert_true(g_file_get_contents(source, &bytes, &n, NULL));
		g_assert_true(g_file_set_contents(target, bytes, (gssize)n, NULL));
	}
}

/* Zeros from a share of a file on. */
static void wipe(const char *path, double share)
{
	struct stat s;
	const int fd = open(path, O_WRONLY);

	g_assert_cmpint(fstat(fd, &s), ==, 0);
	const gsize from = (gsize)(share * (double)s.st_size), n = (gsize)s.st_size - from;
	g_autofree char *zeros = g_malloc0(n);
	g_assert_cmpint(pwrite(fd, zeros, n, (off_t)from), ==, (gssize)n);
	close(fd);
}

/* The mean difference of a coarse look's bytes from the means of the tile's pixels; -1: it cannot be read at all. */
static double coarse_differs(struct work *w, int tx, int ty)
{
	enum { TIMES = 4, SIZE = TIMES * SCREEN_SIDE };
	const struct sample s = { .coarse = 1, .at = { tx, ty } };
	guint8 got[SCREEN_SIDE * SCREEN_SIDE * 3 + 1], whole[SIZE * SIZE * 3];
	double differs = 0;
	float target;

	got[sizeof got - 1] = 77;
	const gboolean there = slide_read(slide_work_of(w)->slides[0].slide, tx, ty, 1, SIZE, SIZE, whole, NULL, NULL);
	g_assert_cmpint(slide_samples_read(w, &s, got, &target, NULL), >=, there);
	g_assert_cmpuint(got[sizeof got - 1], ==, 77);
	for (int i = 0; there && i < SCREEN_SIDE * SCREEN_SIDE * 3; i++) {
		const int y = i / 3 / SCREEN_SIDE, x = i / 3 % SCREEN_SIDE, k = i % 3;
		double sum = 0;
		for (int n = 0; n < TIMES * TIMES; n++)
			sum += whole[3 * ((TIMES * y + n / TIMES) * SIZE + TIMES * x + n % TIMES) + k];
		differs += fabs(sum / (TIMES * TIMES) - got[i]);
	}
	return there ? differs / (SCREEN_SIDE * SCREEN_SIDE * 3) : -1;
}

static int moved_x(const struct tile *t, guint i) { return t->x + 24 * (int)(i % 4); }
static int moved_y(const struct tile *t, guint i) { return t->y + 24 * (int)(i / 4 % 4); }

/* A copy of one test slide, with tiles of that size whose stain stays as it is. */
static struct work *open_copy(struct fixture *f, const char *size)
{
	g_autofree char *from = g_build_filename(sample, "test", "Slide007", NULL), *to = in(f, "test/Slide007");

	assign(f, size);
	assign(f, "tiles.normalise=none");
	put(f, "test/Slide007.mrxs", "");
	copy_folder(from, to);
	struct work *w = open_work(f, PHASE_TEST, NULL);
	prepare_all(w);
	g_assert_cmpuint(slide_work_of(w)->slides[0].tiles.n, >, 0);
	return w;
}

/* A coarse look's pixel is the mean of those of the tile that it touches, from floor(i 256 / 48) to ceil((i + 1) 256 / 48), six a side;
   the level that it is read from has one for four of them. */
static void test_coarse_windows(struct fixture *f, gconstpointer data)
{
	enum { SIZE = 256, HALF = SIZE / 2 };
	guint8 got[SCREEN_SIDE * SCREEN_SIDE * 3], half[HALF * HALF * 3];
	float target;

	(void)data;
	struct work *w = open_copy(f, "tiles.size=256");
	const struct slide_case *c = &slide_work_of(w)->slides[0];
	const struct sample s = { .coarse = 1, .at = { c->tiles.tile[0].x, c->tiles.tile[0].y } };
	g_assert_true(slide_samples_read(w, &s, got, &target, NULL));
	g_assert_true(slide_read(c->slide, s.at[0], s.at[1], 2, HALF, HALF, half, NULL, NULL));
	for (int i = 0; i < SCREEN_SIDE * SCREEN_SIDE * 3; i++) {
		static const int first[] = { 0, 5, 10 };        /* and 16 more for each three */
		const int y = i / 3 / SCREEN_SIDE, x = i / 3 % SCREEN_SIDE, top = 16 * (y / 3) + first[y % 3],
			  left = 16 * (x / 3) + first[x % 3];
		double sum = 0;
		for (int n = 0; n < 36; n++)
			sum += half[3 * ((top + n / 6) / 2 * HALF + (left + n % 6) / 2) + i % 3];
		g_assert_cmpfloat(fabs(sum / 36 - got[i]), <, 0.51);
	}
	slide_classification.close(w);
}

/* A coarse look is read from a level with twice of what a screen sees; where that is damaged, from the tile itself. */
static void test_coarse_read(struct fixture *f, gconstpointer data)
{
	enum { MOVES = 16 };        /* of a tile, 24 px each */
	g_autofree char *photos = in(f, "test/Slide007/Data0001.dat");
	guint levels = 0, own = 0, before = 0;

	(void)data;
	struct work *w = open_copy(f, "tiles.size=192");
	const struct tiles *t = &slide_work_of(w)->slides[0].tiles;
	for (guint i = 0; i < MOVES * t->n; i++)        /* a level-0 pixel off at most, and JPEG */
		g_assert_cmpfloat(coarse_differs(w, moved_x(&t->tile[i / MOVES], i), moved_y(&t->tile[i / MOVES], i)), <, 8);
	slide_classification.close(w);
	w = open_work(f, PHASE_TEST, NULL);     /* with nothing kept that was read */
	prepare_all(w);
	t = &slide_work_of(w)->slides[0].tiles;
	wipe(photos, 0.78);
	for (guint i = 0; i < MOVES * t->n; i++) {
		guint8 half[4 * SCREEN_SIDE * SCREEN_SIDE * 3];
		const int x = moved_x(&t->tile[i / MOVES], i), y = moved_y(&t->tile[i / MOVES], i);
		const double differs = coarse_differs(w, x, y);
		if (slide_read(slide_work_of(w)->slides[0].slide, x, y, 2, 2 * SCREEN_SIDE, 2 * SCREEN_SIDE, half, NULL, NULL))
			levels++;
		else if (differs >= 0)
			own++;
		g_assert_cmpfloat(differs, <, own > before ? 0.51 : 8);         /* but for rounding the same, or as above */
		before = own;
	}
	g_test_message("%u from the level, %u from their own", levels, own);
	g_assert_cmpuint(own, >, 0);
	slide_classification.close(w);
}

/* px that the network gets a tile of 32 px enlarged to; a model's own comes before what is asked for now. */
static void test_input(struct fixture *f, gconstpointer data)
{
	static const struct { const char *size, *input, *weights; int learned, want; } cases[] = {
		{ "32", "auto", "", -1, 0 }, { "32", "auto", "w.safetensors", -1, 64 }, { "128", "auto", "w.safetensors", -1, 192 },
		{ "192", "auto", "w.safetensors", -1, 0 }, { "256", "auto", "w.safetensors", -1, 0 },
		{ "32", "48", "", -1, 48 }, { "32", "24", "w.safetensors", -1, 0 },
		{ "32", "auto", "w.safetensors", 0, 0 }, { "32", "auto", "", 64, 64 }, { "32", "auto", "", 5000, 0 },
	};

	(void)data;
	link_all(f);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(JsonObject) facts = json_object_new();
		g_autofree char *size = g_strconcat("tiles.size=", cases[i].size, NULL);
		g_autofree char *input = g_strconcat("model.input=", cases[i].input, NULL);
		g_autofree char *weights = g_strconcat("model.weights=", cases[i].weights, NULL);
		assign(f, size);
		assign(f, input);
		assign(f, weights);
		json_object_set_int_member(facts, "input", cases[i].learned);
		struct work *w = open_work(f, PHASE_TRAIN, cases[i].learned < 0 ? NULL : facts);
		g_assert_cmpint(w->shape.input, ==, cases[i].want);
		g_autoptr(JsonObject) said = json_object_new();
		slide_classification.facts(w, said);
		g_assert_cmpint(json_object_get_int_member(said, "input"), ==, cases[i].want);
		slide_classification.close(w);
	}
}

/* The cells of a map are shares of the mask, row by row, and their mean is the tile's; a slide without tumour has none
   anywhere, and one to answer for no map. */
static void test_map(struct fixture *f, gconstpointer data)
{
	enum { CELLS = 16 };
	guint8 bytes[TILE * TILE * 3];
	float targets[1 + CELLS * CELLS];
	guint partly = 0;

	(void)data;
	assign(f, "model.network=unet");
	link_all(f);
	link_slide(f, "test/Slide008", "test/Slide008");
	struct work *w = open_work(f, PHASE_TRAIN, NULL);
	prepare_all(w);
	g_assert_cmpint(w->outputs, ==, 2);
	g_assert_cmpint(w->shape.targets, ==, 1 + CELLS * CELLS);
	g_assert_cmpint(w->shape.map, ==, CELLS);
	for (guint i = 0; i < w->n_cases; i++) {
		const struct slide_case *c = &slide_work_of(w)->slides[i];
		g_autofree guint8 *mask = NULL;
		guint32 width = 0, height = 0;
		if (c->mask_path != NULL)
			mask = png_read(c->mask_path, 1, 1 << 20, &width, &height, NULL);
		for (guint n = 0; n < c->tiles.n; n += 3) {
			struct sample s = { .item = i, .at = { c->tiles.tile[n].x + 5, c->tiles.tile[n].y + 3 } };
			double sum = 0, side = c->tiles.side / CELLS, x = (double)(s.at[0] - c->slide->x), y = (double)(s.at[1] - c->slide->y);
			g_assert_true(slide_samples_read(w, &s, bytes, targets, NULL));
			for (int k = 0; k < CELLS * CELLS; k++) {
				double u = x + k % CELLS * side, v = y + k / CELLS * side;
				double share = mask == NULL ? 0 : share_of(mask, width, height, u, v, side);
				g_assert_cmpfloat_with_epsilon(targets[1 + k], share, 1e-5);
				sum += share;
			}
			g_assert_cmpfloat_with_epsilon(sum / CELLS / CELLS, targets[0], 1e-5);
			partly += targets[0] > 0 && targets[0] < 1;
			s.variant = 1;
			g_assert_true(slide_samples_read(w, &s, bytes, targets, NULL));
			g_assert_true(isnan(targets[1]) && isnan(targets[CELLS * CELLS]));
		}
	}
	g_assert_cmpuint(partly, >, 0);
	slide_classification.close(w);
	w = open_work(f, PHASE_TEST, NULL);
	g_assert_cmpint(w->shape.targets, ==, 1);
	slide_classification.close(w);
}

/* Each channel's value is carried by a power of the light let through: white stays, order stays, and the slide's
   mean tissue becomes what an average slide's is (density 0.36, 0.65, 0.36), where that is within a factor 2. */
static void test_normalise(struct fixture *f, gconstpointer data)
{
	const double usual[3] = { 0.36, 0.65, 0.36 };
	guint8 bytes[TILE * TILE * 3], plain[TILE * TILE * 3];

	(void)data;
	link_all(f);
	struct work *w = open_work(f, PHASE_TRAIN, NULL);
	prepare_all(w);
	for (guint i = 0; i < w->n_cases; i++) {
		const struct slide_case *c = &slide_work_of(w)->slides[i];
		for (int k = 0; k < 3; k++) {
			int mean = (int)(c->colour[k] * 255 + 0.5);
			g_assert_cmpuint(c->look[k][255], ==, 255);
			for (int v = 1; v < 256; v++)
				g_assert_cmpuint(c->look[k][v], >=, c->look[k][v - 1]);
			double density = -log(c->colour[k]);
			if (density > usual[k] / 1.5 && density < usual[k] * 1.8)
				g_assert_cmpfloat_with_epsilon(-log(c->look[k][mean] / 255.0), usual[k], 0.02);
		}
		struct sample s;
		float target;
		int k = w->cases[i].label == 1 ? STRATUM_TUMOUR : STRATUM_NEGATIVE;
		slide_samples_pick(w, i, k, 1, &s);
		g_assert_true(slide_samples_read(w, &s, bytes, &target, NULL));
		g_assert_true(slide_read(c->slide, s.at[0], s.at[1], 1, TILE, TILE, plain, NULL, NULL));
		for (gsize n = 0; n < sizeof bytes; n++)
			g_assert_cmpuint(bytes[n], ==, c->look[n % 3][plain[n]]);
	}
	slide_classification.close(w);
}

/* By its slide's own map, laid over each pixel alike, the same with masks and without: a slide to answer for, the
   same one, is seen as it was learned from. Stains that cannot be told apart are no error. */
static void test_recolour(struct fixture *f, gconstpointer data)
{
	guint8 bytes[TILE * TILE * 3], plain[TILE * TILE * 3];
	struct recolour of[2][TRAIN];
	guint recoloured = 0;

	assign(f, data);
	link_all(f);
	for (int way = 0; way < 2; way++) {
		if (way == 1)
			assign(f, "data.masks=");
		struct work *w = open_work(f, PHASE_TRAIN, NULL);
		prepare_all(w);
		for (guint i = 0; i < w->n_cases; i++) {
			const struct slide_case *c = &slide_work_of(w)->slides[i];
			struct sample s = { .item = i, .at = { c->tiles.tile[0].x, c->tiles.tile[0].y } };
			float target;
			recoloured += c->recolours ? 1 : 0;
			of[way][i] = c->recolour;
			g_assert_true(slide_samples_read(w, &s, bytes, &target, NULL));
			g_assert_true(slide_read(c->slide, s.at[0], s.at[1], 1, TILE, TILE, plain, NULL, NULL));
			if (c->recolours) {
				g_assert_true(memcmp(plain, bytes, sizeof bytes) != 0);
				recolour_apply(&c->recolour, plain, TILE * TILE);
				g_assert_true(memcmp(plain, bytes, sizeof bytes) == 0);
			} else {
				g_assert_cmpuint(bytes[0], ==, c->look[0][plain[0]]);
			}
		}
		slide_classification.close(w);
	}
	g_assert_cmpuint(recoloured, >=, TRAIN);
	g_assert_true(memcmp(of[0], of[1], sizeof of[0]) == 0);
}

/* Every tile is drawn, moved by its jitter, a different way each time, and never off the scanned part; the same bits draw
   the same. */
static void test_jitter(struct fixture *f, gconstpointer data)
{
	(void)data;
	link_all(f);
	assign(f, "sampling.jitter=0.25");
	assign(f, "sampling.lesions=0");
	struct work *w = open_work(f, PHASE_TRAIN, NULL);
	prepare_all(w);
	for (guint i = 0; i < w->n_cases; i++) {
		const struct slide_case *c = &slide_work_of(w)->slides[i];
		for (int k = 0; k < N_STRATA; k++) {
			guint32 n = slide_samples_count(w, i, k), seen = 0;
			g_autofree gboolean *drawn = g_new0(gboolean, n + 1);
			int least = 99, most = -99;
			for (guint64 draw = 0; draw < 60 * n; draw++) {
				struct sample s, again;
				slide_samples_pick(w, i, k, random_mix(draw), &s);
				slide_samples_pick(w, i, k, random_mix(draw), &again);
				g_assert_true(memcmp(&s, &again, sizeof s) == 0);
				guint32 t = nearest(c, k, &s, TILE / 4);
				const struct tile *tile = &c->tiles.tile[(k == STRATUM_NORMAL ? c->tiles.n_tumour : 0) + t];
				seen += !drawn[t];
				drawn[t] = TRUE;
				g_assert_cmpint(s.at[0], >=, (int)c->slide->x);
				g_assert_cmpint(s.at[0] + TILE, <=, (int)MAX(c->slide->x + c->slide->w, tile->x + TILE));
				g_assert_cmpint(s.at[1] + TILE, <=, (int)MAX(c->slide->y + c->slide->h, tile->y + TILE));
				least = MIN(least, s.at[0] - tile->x);
				most = MAX(most, s.at[0] - tile->x);
			}
			g_assert_cmpuint(seen, ==, n);
			g_assert_true(n == 0 || most - least > TILE / 4);
		}
	}
	slide_classification.close(w);
}

/* A slide of three lesions: one of 4 x 2 tiles, one over the border of two, one of a quarter of a tile. Each is drawn a third of
   the time; a small one whole, off its middle and in part, but never further off than half a tile; and what is read says
   how much of it there is. Half as much by lesion, half as often. */
static void test_lesions(struct fixture *f, gconstpointer data)
{
	enum { PX = 16, N = 3000 };
	g_autofree char *name = g_strdup_printf("train/mask/positive/%s.png", positives[0]), *path = in(f, name);
	guint whole = 0, part = 0, none = 0;

	(void)data;
	link_train(f, "positive", positives[0]);
	link_train(f, "negative", negatives[0]);
	struct work *probe = open_work(f, PHASE_TRAIN, NULL);
	const struct slide *slide = slide_work_of(probe)->slides[0].slide;
	const guint32 width = (guint32)((slide->w + PX - 1) / PX), height = (guint32)((slide->h + PX - 1) / PX);
	g_autofree guint8 *mask = g_malloc0(width * height);
	slide_classification.close(probe);
	for (guint32 v = 4; v < 8; v++)         /* tiles are 2 mask px wide */
		memset(mask + v * width + 4, 255, 8);
	mask[15 * width + 7] = mask[15 * width + 8] = 255;      /* over the border of two tiles */
	mask[12 * width + 12] = 255;
	g_assert_true(png_write(path, mask, width, height, 1, NULL));
	for (int round = 0; round < 2; round++) {
		assign(f, round == 0 ? "sampling.lesions=1" : "sampling.lesions=0.5");
		struct work *w = open_work(f, PHASE_TRAIN, NULL);
		prepare_all(w);
		const guint item = g_str_equal(w->cases[0].id, positives[0]) ? 0 : 1;
		const struct slide_case *c = &slide_work_of(w)->slides[item];
		guint of[3] = { 0 };
		g_assert_cmpuint(c->tiles.n_lesions, ==, 3);
		for (guint64 i = 0; i < N; i++) {
			struct sample s;
			guint8 bytes[TILE * TILE * 3];
			float target;
			slide_samples_pick(w, item, STRATUM_TUMOUR, random_mix(i), &s);
			double x = (double)(s.at[0] - c->slide->x), y = (double)(s.at[1] - c->slide->y);
			guint k = y < 9 * PX ? 0 : x >= 10 * PX ? 2 : 1;
			of[k]++;
			if (round == 1 || i >= 300)
				continue;
			g_assert_true(slide_samples_read(w, &s, bytes, &target, NULL));
			g_assert_cmpfloat_with_epsilon(target, share_of(mask, width, height, x, y, TILE), 1e-6);
			if (k != 2)
				continue;
			g_assert_cmpfloat(fabs(x + TILE / 2 - 12.5 * PX), <=, TILE / 2 + 1);
			g_assert_cmpfloat(fabs(y + TILE / 2 - 12.5 * PX), <=, TILE / 2 + 1);
			whole += target > 0.2499;
			part += target > 0 && target <= 0.2499;
			none += target == 0;
		}
		/* by lesion a third, 1000 +- 26; by tile 8, 2 and 1 of 11: (1/3 + 1/11) / 2 is 0.212 */
		const double want[2][3] = { { 1000, 1000, 1000 }, { 3000 * (1 / 6.0 + 4 / 11.0), 3000 * (1 / 6.0 + 1 / 11.0), 3000 * (1 / 6.0 + 0.5 / 11) } };
		for (int k = 0; k < 3; k++)
			g_assert_cmpfloat(fabs(of[k] - want[round][k]), <, 135);
		/* next to the mask nothing is sure; in a negative slide all is */
		struct sample at = { .item = item, .at = { (gint32)c->slide->x + 8 * TILE, (gint32)c->slide->y + 2 * TILE } };
		g_assert_true(slide_samples_sure(w, &at));
		at.at[0] -= TILE + 1;
		g_assert_false(slide_samples_sure(w, &at));
		at.item = 1 - item;
		g_assert_true(slide_samples_sure(w, &at));
		slide_classification.close(w);
	}
	g_assert_cmpuint(whole, >, 15);
	g_assert_cmpuint(part, >, 15);
	g_assert_cmpuint(none, ==, 0);
	/* wholly tumour alone: the 8 tiles of the first */
	assign(f, "sampling.least=1");
	assign(f, "sampling.jitter=0");
	struct work *w = open_work(f, PHASE_TRAIN, NULL);
	prepare_all(w);
	const guint item = g_str_equal(w->cases[0].id, positives[0]) ? 0 : 1;
	guint drawn[4][2] = { 0 };
	for (guint64 i = 0; i < N; i++) {
		struct sample s;
		slide_samples_pick(w, item, STRATUM_TUMOUR, random_mix(i), &s);
		const gint64 x = (s.at[0] - slide_work_of(w)->slides[item].slide->x) / TILE - 2;
		const gint64 y = (s.at[1] - slide_work_of(w)->slides[item].slide->y) / TILE - 2;
		g_assert_true(x >= 0 && x < 4 && y >= 0 && y < 2);
		drawn[x][y]++;
	}
	for (int x = 0; x < 4; x++)
		g_assert_true(drawn[x][0] > N / 24 && drawn[x][1] > N / 24);
	slide_classification.close(w);
}

static void test_turns(void)
{
	enum { N = 5 };
	guint8 rgb[N * N * 3], turned[N * N * 3];

	for (int i = 0; i < N * N * 3; i++)
		rgb[i] = (guint8)(i * 3 + 1);
	for (guint k = 0; k < 8; k++) {
		memcpy(turned, rgb, sizeof rgb);
		slide_samples_turn(turned, N, k);
		for (int y = 0; y < N; y++)
			for (int x = 0; x < N; x++) {
				int v = k & 4 ? N - 1 - y : y, u = k & 2 ? N - 1 - x : x;
				int from = k & 1 ? u * N + v : v * N + u;
				for (int c = 0; c < 3; c++)
					g_assert_cmpint(turned[3 * (y * N + x) + c], ==, rgb[3 * from + c]);
			}
	}
}

/* The grid first; then the other views of the 24 tiles that came out highest; then nothing. */
static void test_next(struct fixture *f, gconstpointer data)
{
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct sample));
	g_autoptr(GArray) more = g_array_new(FALSE, FALSE, sizeof(struct sample));
	guint8 plain[TILE * TILE * 3], view[TILE * TILE * 3];
	float target;

	(void)data;
	link_slide(f, "test/Slide007", "test/Slide007");
	struct work *w = open_work(f, PHASE_TEST, NULL);
	prepare_all(w);
	const struct slide_case *c = &slide_work_of(w)->slides[0];
	slide_looks_next(w, 0, 0, 1, NULL, NULL, 0, all);
	const struct sample *samples = (const struct sample *)(gconstpointer)all->data;
	g_assert_cmpuint(all->len, ==, c->tiles.n);
	g_assert_cmpuint(all->len, >=, 26);
	for (guint i = 0; i < all->len; i++) {
		g_assert_cmpint(samples[i].at[0], ==, c->tiles.tile[i].x);
		g_assert_cmpint(samples[i].at[1], ==, c->tiles.tile[i].y);
		g_assert_cmpuint(samples[i].variant, ==, 0);
	}
	/* the tiles' outputs rise to the middle and fall again; two of them failed */
	g_autofree float *outputs = g_new(float, all->len);
	for (guint i = 0; i < all->len; i++)
		outputs[i] = -fabsf((float)i - 14);
	outputs[14] = outputs[20] = NAN;
	slide_looks_next(w, 0, 1, 1, samples, outputs, all->len, more);
	g_assert_cmpuint(more->len, ==, 24 * 7);
	for (guint i = 0; i < more->len; i++) {
		const struct sample *s = &g_array_index(more, struct sample, i);
		guint rank = i / 7 + 1, of = rank % 2 == 1 ? 14 - (rank + 1) / 2 : 14 + rank / 2; /* 13 15 12 16 ... */
		g_assert_cmpuint(s->variant, ==, 1 + i % 7);
		if (rank <= 11)         /* until the one that failed */
			g_assert_cmpint(s->at[2], ==, (int)of);
		g_assert_cmpint(s->at[2], !=, 14);
		g_assert_cmpint(s->at[2], !=, 20);
		g_assert_cmpint(s->at[0], ==, samples[s->at[2]].at[0]);
		g_assert_true(slide_samples_read(w, &samples[s->at[2]], plain, &target, NULL));
		g_assert_true(slide_samples_read(w, s, view, &target, NULL));
		slide_samples_turn(plain, TILE, s->variant);
		g_assert_true(memcmp(plain, view, sizeof plain) == 0);
	}
	g_autoptr(GArray) seen = g_array_copy(all);
	g_autofree float *said = g_new0(float, all->len + more->len);
	g_array_append_vals(seen, more->data, more->len);
	g_array_set_size(more, 0);
	slide_looks_next(w, 0, 2, 1, (const struct sample *)(gconstpointer)seen->data, said, seen->len, more);
	g_assert_cmpuint(more->len, ==, 0);
	assign(f, "inference.turns=1");
	slide_looks_next(w, 0, 1, 1, samples, outputs, all->len, more);
	g_assert_cmpuint(more->len, ==, 0);
	assign(f, "inference.turns=2");
	assign(f, "score.top=100");
	slide_looks_next(w, 0, 1, 1, samples, outputs, all->len, more);
	g_assert_cmpuint(more->len, ==, all->len - 2);
	slide_classification.close(w);
}

/* A slide that is held out is looked at where a test slide would be: a mask adds nothing, however much it covers. */
static void test_mask_unseen(struct fixture *f, gconstpointer data)
{
	g_autofree char *name = g_strdup_printf("train/mask/positive/%s.png", positives[0]), *path = in(f, name);
	g_autoptr(GArray) without = g_array_new(FALSE, FALSE, sizeof(struct sample));
	g_autoptr(GArray) with = g_array_new(FALSE, FALSE, sizeof(struct sample));
	GArray *looks[] = { without, with };
	guint32 tiles[2];

	(void)data;
	link_train(f, "positive", positives[0]);
	link_train(f, "negative", negatives[0]);
	for (int masked = 0; masked < 2; masked++) {
		struct work *w = open_work(f, PHASE_TRAIN, NULL);
		prepare_all(w);
		const guint item = (guint)find(w, positives[0]);
		const struct slide_case *c = &slide_work_of(w)->slides[item];
		slide_looks_next(w, item, 0, 1, NULL, NULL, 0, looks[masked]);
		tiles[masked] = c->tiles.n;
		const guint32 width = (guint32)((c->slide->w + 15) / 16), height = (guint32)((c->slide->h + 15) / 16);
		g_autofree guint8 *all = g_malloc(width * height);
		memset(all, 255, width * height);
		g_assert_true(masked || png_write(path, all, width, height, 1, NULL));
		slide_classification.close(w);
	}
	g_assert_cmpuint(tiles[1], >, tiles[0]);
	g_assert_cmpuint(looks[0]->len, ==, tiles[0]);
	g_assert_cmpuint(looks[1]->len, ==, tiles[0]);
	for (guint i = 0; i < tiles[0]; i++) {
		gboolean found = FALSE;         /* with a mask, tiles of tumour stand first */
		for (guint k = 0; k < tiles[0]; k++)
			found = found || memcmp(g_array_index(looks[0], struct sample, i).at, g_array_index(looks[1], struct sample, k).at,
						2 * sizeof(gint32)) == 0;
		g_assert_true(found);
	}
}

/* What the looks at a slide give, played through until nothing more is wanted: a look in full says twice of what a coarse one
   does, turned ones 1 less. */
static void play(struct work *w, GArray *samples, GArray *outputs, guint *rounds)
{
	for (*rounds = 0;; ++*rounds) {
		g_autoptr(GArray) more = g_array_new(FALSE, FALSE, sizeof(struct sample));
		slide_looks_next(w, 0, (int)*rounds, 1, (const struct sample *)(gconstpointer)samples->data,
				 (const float *)(gconstpointer)outputs->data, samples->len, more);
		if (more->len == 0)
			return;
		for (guint i = 0; i < more->len; i++) {
			const struct sample *s = &g_array_index(more, struct sample, i);
			const int of = *rounds == 0 ? (int)i : s->at[2];
			float said = -fabsf((float)of - 14) / 4;
			g_assert_cmpuint(s->coarse, ==, g_array_index(more, struct sample, 0).coarse);
			said = s->coarse ? said : of == 13 ? NAN : 2 * said - (s->variant != 0 ? 1 : 0);
			g_array_append_val(outputs, said);
		}
		g_array_append_vals(samples, more->data, more->len);
	}
}

static void assert_not_prepared(struct work *w, guint item, const char *words)
{
	g_autoptr(GError) error = NULL;

	g_assert_false(slide_classification.prepare(w, item, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_cmpstr(error->message, ==, words);
	g_assert_false(w->cases[item].ready);
}

/* A slide whose file is wrong about its resolution: 16 px of 0.01 um are 0.32 of its 0.5 um. */
static void test_wrong_mpp(struct fixture *f, gconstpointer data)
{
	(void)data;
	link_slide(f, "test/Slide007", "test/Slide007");
	assign(f, "tiles.size=16");
	assign(f, "tiles.mpp=0.01");
	struct work *w = open_work(f, PHASE_TEST, NULL);
	assert_not_prepared(w, 0, "slide 'Slide007': a tile would be 0.32 of its pixels wide, for it says that one is 0.5 um, and tiles are "
			    "read at 0.01: leave it out, or correct tiles.mpp");
	slide_classification.close(w);
}

/* A read of it may still hang: nothing of it is touched, whatever comes next. */
static void test_given_up(struct fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	link_slide(f, "test/Slide007", "test/Slide007");
	assign(f, "tiles.size=16");
	struct work *w = open_work(f, PHASE_TEST, NULL);
	prepare_all(w);
	const struct slide_case was = slide_work_of(w)->slides[0];
	case_give_up(w, 0, &error);
	slide_classification.release(w, 0);
	g_autofree char *path = in(f, "test/Slide007.mrxs");
	g_assert_cmpint(unlink(path), ==, 0);
	assert_not_prepared(w, 0, error->message);
	g_assert_true(slide_work_of(w)->slides[0].slide == was.slide);
	g_assert_true(slide_work_of(w)->slides[0].tiles.tile == was.tiles.tile);
	g_assert_cmpint(was.slide->levels, >, 1);
	/* as for threads that did come back */
	w->n_given_up = 0;
	w->cases[0].given_up = GIVEN_UP_NOT;
	slide_classification.close(w);
}

/* Coarsely first, where the network has a screen: then in full what may matter, then turned. */
static void test_coarse(struct fixture *f, gconstpointer data)
{
	const struct { const char *set; gboolean screen, coarse; } cases[] = {
		{ "inference.effort=0.4", TRUE, TRUE }, { "inference.effort=0", TRUE, TRUE },
		{ "inference.effort=1", TRUE, FALSE }, { "inference.effort=0.5", FALSE, FALSE },
	};
	double features[N_SLIDE_FEATURES];

	(void)data;
	link_slide(f, "test/Slide007", "test/Slide007");
	assign(f, "tiles.size=16");
	struct work *w = open_work(f, PHASE_TEST, NULL);
	prepare_all(w);
	for (gsize k = 0; k < G_N_ELEMENTS(cases); k++) {
		g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(struct sample));
		g_autoptr(GArray) outputs = g_array_new(FALSE, FALSE, sizeof(float));
		guint rounds, full = 0, turned = 0, tiles = slide_work_of(w)->slides[0].tiles.n;
		assign(f, cases[k].set);
		w->shape.screen = cases[k].screen;
		play(w, samples, outputs, &rounds);
		const struct sample *s = (const struct sample *)(gconstpointer)samples->data;
		const float *o = (const float *)(gconstpointer)outputs->data;
		g_assert_cmpuint(slide_looks_first(s, samples->len), ==, tiles);
		g_assert_cmpuint(s[0].coarse, ==, cases[k].coarse ? 1 : 0);
		for (guint i = tiles; i < samples->len; i++) {
			full += s[i].variant == 0;
			turned += s[i].variant != 0;
			g_assert_cmpuint(s[i].coarse, ==, 0);
			g_assert_cmpint(s[i].at[2], <, (int)tiles);
			g_assert_cmpint(s[i].at[0], ==, s[s[i].at[2]].at[0]);
			g_assert_true(s[i].variant == 0 || s[i].at[2] != 13);
		}
		g_assert_cmpuint(turned, ==, 24 * 7);
		g_assert_cmpuint(full, ==, !cases[k].coarse ? 0 : k == 0 ? (guint)ceil(0.4 * tiles) + COARSE_OTHERS : COARSE_LEAST + COARSE_OTHERS);
		g_assert_cmpuint(rounds, ==, cases[k].coarse ? 3 : 2);
		g_autoptr(GArray) counted = task_rounds(w, 0, 1);
		g_assert_cmpuint(counted->len, ==, rounds);
		g_assert_cmpuint(g_array_index(counted, guint64, 0), ==, tiles);
		g_assert_cmpuint(g_array_index(counted, guint64, rounds - 1), ==, turned);
		g_autoptr(GArray) part = task_rounds(w, 0, 0.5);
		g_assert_cmpuint(part->len, ==, rounds);
		g_assert_cmpuint(g_array_index(part, guint64, 0), ==, MIN(tiles, MAX((tiles + 1) / 2, (guint)SHARE_LEAST)));
		g_assert_cmpuint(g_array_index(part, guint64, rounds - 1), ==, turned);
		slide_samples_features(w, 0, s, o, samples->len, features);
		/* of tile 14: 0, and seven times 1 less; where its coarse look is there too, that does not count */
		g_assert_cmpfloat_with_epsilon(features[SLIDE_TOP], -7.0 / 8, 1e-6);
		gsize n = samples->len;
		g_autofree float *said = slide_looks_tiles(s, o, &n);
		g_assert_cmpuint(n, ==, tiles);
		for (guint i = 60; i < n; i++)  /* too low to be turned: as a look in full says, or about what it would say */
			g_assert_cmpfloat_with_epsilon(said[i], -((double)i - 14) / 2, 1e-3);
		n = samples->len;
		g_autofree float *ranks = slide_classification.bags->ranks(s, o, &n);
		g_assert_cmpuint(n, ==, tiles);
		g_assert_cmpfloat(ranks[14], ==, 0);    /* neither its turned views nor its coarse look */
		for (guint i = 60; i < n; i++)
			g_assert_cmpfloat(ranks[i], ==, said[i]);
	}
	slide_classification.close(w);
}

/* A share of the grid: fewer of its tiles, in the same order. */
static void test_share(struct fixture *f, gconstpointer data)
{
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct sample));
	g_autoptr(GArray) some = g_array_new(FALSE, FALSE, sizeof(struct sample));
	guint k = 0;

	(void)data;
	link_slide(f, "test/Slide007", "test/Slide007");
	assign(f, "tiles.size=16");
	struct work *w = open_work(f, PHASE_TEST, NULL);
	prepare_all(w);
	slide_looks_next(w, 0, 0, 1, NULL, NULL, 0, all);
	g_assert_cmpuint(all->len, >, 100);
	slide_looks_next(w, 0, 0, 0.01, NULL, NULL, 0, some);
	g_assert_cmpuint(some->len, ==, SHARE_LEAST);
	g_array_set_size(some, 0);
	slide_looks_next(w, 0, 0, 0.7, NULL, NULL, 0, some);
	g_assert_cmpuint(some->len, ==, (guint)ceil(0.7 * all->len));
	for (guint i = 0; i < some->len; i++, k++)
		while (memcmp(&g_array_index(some, struct sample, i), &g_array_index(all, struct sample, k),
			      sizeof(struct sample)) != 0)
			g_assert_cmpuint(++k, <, all->len);
	slide_classification.close(w);
}

static void test_features(struct fixture *f, gconstpointer data)
{
	/* four tiles; two of them seen again: tile 3 (5, then 1 and 3) and tile 1 (4, then NAN and 2) */
	struct sample samples[] = { { 0 }, { 0 }, { 0 }, { 0 }, { .variant = 1, .at = { 0, 0, 3 } },
				    { .variant = 2, .at = { 0, 0, 3 } }, { .variant = 1, .at = { 0, 0, 1 } },
				    { .variant = 2, .at = { 0, 0, 1 } } };
	const float outputs[] = { 1, 4, NAN, 5, 1, 3, NAN, 2 }, none[] = { NAN, NAN };
	double features[N_SLIDE_FEATURES], *rest = features + SLIDE_FEATURES;

	(void)data;
	link_all(f);
	assign(f, "score.top=2");
	struct work *w = open_work(f, PHASE_TRAIN, NULL);
	prepare_all(w);
	for (int i = 0; i < 4; i++) {   /* a row of tiles of the slide's grid, but for one between the third and the fourth */
		samples[i].at[0] = (gint32)slide_work_of(w)->slides[0].slide->x + TILE * (i == 3 ? 4 : i);
		samples[i].at[1] = (gint32)slide_work_of(w)->slides[0].slide->y;
	}
	slide_work_of(w)->slides[0].tiles.n = 4;        /* it was looked at in full */
	slide_samples_features(w, 0, samples, outputs, 4, features);
	g_assert_cmpfloat(features[SLIDE_TOP], ==, 4.5);
	g_assert_cmpfloat(rest[FEATURE_HIGHEST], ==, 5);
	g_assert_cmpfloat_with_epsilon(rest[FEATURE_COUNT_50], log(4), 1e-12);
	g_assert_true(isnan(features[SLIDE_ATTENTION]));
	/* the largest group: the first two of them */
	const double um = TILE * slide_work_of(w)->slides[0].slide->mpp, p = (1 / (1 + exp(-1)) + 1 / (1 + exp(-4))) / 2;
	g_assert_cmpfloat_with_epsilon(rest[FEATURE_AREA], log(1 + 2 * um * um), 1e-9);
	g_assert_cmpfloat_with_epsilon(rest[FEATURE_AXIS], log(1 + sqrt(5) * um), 1e-9);
	g_assert_cmpfloat_with_epsilon(rest[FEATURE_MEAN], log(p / (1 - p)), 1e-6);
	const double read_at = slide_work_of(w)->mpp * TILE, mpp = slide_work_of(w)->slides[0].slide->mpp;
	slide_work_of(w)->slides[0].slide->mpp = 0;     /* its file does not say: it is read as if it had that of the others */
	slide_samples_features(w, 0, samples, outputs, 4, features);
	g_assert_cmpfloat_with_epsilon(rest[FEATURE_AREA], log(1 + 2 * read_at * read_at), 1e-9);
	slide_work_of(w)->slides[0].slide->mpp = mpp;
	slide_samples_features(w, 0, samples, outputs, 8, features);
	g_assert_cmpfloat(features[SLIDE_TOP], ==, 3);  /* (5 + 1 + 3) / 3 and (4 + 2) / 2 */
	g_assert_cmpfloat(rest[FEATURE_HIGHEST], ==, 3);
	assign(f, "score.top=1");
	slide_samples_features(w, 0, samples, outputs, 4, features);
	g_assert_cmpfloat(features[SLIDE_TOP], ==, 5);
	slide_samples_features(w, 0, samples, none, 2, features);
	g_assert_true(isnan(features[SLIDE_TOP]));
	slide_classification.close(w);
}

/* ---- objective and answer ---- */

/* The cross entropy with shares of the tumour, smoothed, and the tumour's part of it w times the other's: 2 w / (1 + w) and
   2 / (1 + w). */
static void test_objective(struct fixture *f, gconstpointer data)
{
	const float logits[] = { 0.5f, -1, 2, 2, -3, 1 }, targets[] = { 1, 0, 0.25f };
	const struct { const char *set; double smoothing, tumour, rest; } cases[] = {
		{ "training.tumour_weight=1", 0, 1, 1 }, { "training.tumour_weight=1", 0.1, 1, 1 },
		{ "training.tumour_weight=3", 0.1, 1.5, 0.5 }, { "training.tumour_weight=0.25", 0, 0.4, 1.6 },
	};
	struct work w = { .settings = f->settings };
	float margins[3];

	(void)data;
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	tensor *output = t_from(s, logits, DIMS(3, 2), T_F32, T_CPU), *target = t_from(s, targets, DIMS(3, 1), T_F32, T_CPU);
	for (gsize k = 0; k < G_N_ELEMENTS(cases); k++) {
		double want = 0;
		assign(f, cases[k].set);
		for (int i = 0; i < 3; i++) {
			double a = logits[2 * i], b = logits[2 * i + 1], sum = log(exp(a) + exp(b));
			double p = targets[i] * (1 - cases[k].smoothing) + cases[k].smoothing / 2;
			want -= (cases[k].rest * (1 - p) * (a - sum) + cases[k].tumour * p * (b - sum)) / 3;
		}
		g_assert_cmpfloat_with_epsilon(t_item(s, slide_classification.loss(&w, s, output, target, cases[k].smoothing)), want,
					       1e-6);
	}
	g_assert_true(t_read(s, slide_classification.judge(&w, s, output), margins, sizeof margins));
	g_assert_cmpfloat(margins[0], ==, -1.5f);
	g_assert_cmpfloat(margins[1], ==, 0);
	g_assert_cmpfloat(margins[2], ==, 4);
	const float truths[] = { 0, 0.001f, 0.49f, 0.5f, 1, NAN };
	const int wanted[] = { 0, -1, -1, 1, 1, -1 };
	for (int i = 0; i < 6; i++)
		g_assert_cmpint(slide_classification.truth(&truths[i]), ==, wanted[i]);
}

/* Of a map of four cells: its binary cross entropy joins the loss; the tile's log odds are the log of the mean odds. */
static void test_map_objective(struct fixture *f, gconstpointer data)
{
	const float logits[] = { 0.5f, -1, 3, -2, 0, 1, 0, 0, -200, 200, -200, -200 };
	const float targets[] = { 0.25f, 1, 0, 0, 0, 1, 0, 1, 0, 0.5f };
	struct work w = { .settings = f->settings };
	double want = 0;
	float margins[2];

	(void)data;
	for (int i = 0; i < 2; i++) {
		const float *z = logits + 6 * i, *y = targets + 5 * i;
		double sum = log(exp(z[0]) + exp(z[1])), p = y[0] * 0.9 + 0.05;
		want -= ((1 - p) * (z[0] - sum) + p * (z[1] - sum)) / 2;
		for (int k = 0; k < 4; k++) {
			double q = y[1 + k] * 0.9 + 0.05, v = z[2 + k];
			want += (MAX(v, 0) - v * q + log1p(exp(-fabs(v)))) / 8;
		}
	}
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	tensor *output = t_from(s, logits, DIMS(2, 6), T_F32, T_CPU);
	tensor *loss = slide_classification.loss(&w, s, output, t_from(s, targets, DIMS(2, 5), T_F32, T_CPU), 0.1);
	g_assert_cmpfloat_with_epsilon(t_item(s, loss), want, 1e-4);
	g_assert_true(t_read(s, slide_classification.judge(&w, s, output), margins, sizeof margins));
	g_assert_cmpfloat_with_epsilon(margins[0], log((exp(3) + exp(-2) + 1 + exp(1)) / 4), 1e-5);
	g_assert_cmpfloat_with_epsilon(margins[1], 200 - log(4), 1e-4);
}

static double answer(JsonObject *facts, const double *feature)
{
	double out = -1;

	slide_classification.answer(facts, feature, &out);
	return out;
}

static void test_answer(void)
{
	g_autoptr(JsonObject) facts = json_object_new();
	const double two = 2, nan = NAN, infinite = INFINITY;

	g_assert_cmpfloat(answer(NULL, NULL), ==, 0.5);
	g_assert_cmpfloat(answer(NULL, &two), ==, 0.5);
	g_assert_cmpfloat(answer(facts, NULL), ==, 0.5);
	g_assert_cmpfloat_with_epsilon(answer(facts, &two), 1 / (1 + exp(-2)), 1e-12); /* not fitted: as it is */
	json_object_set_double_member(facts, "prior", 0.625);
	g_assert_cmpfloat(answer(facts, NULL), ==, 0.625);
	g_assert_cmpfloat(answer(facts, &nan), ==, 0.625);
	g_assert_cmpfloat(answer(facts, &infinite), ==, 0.625);
}

/* Three classes: the last one is positive, the others are not. */
static void test_fit_and_measure(struct fixture *f, gconstpointer data)
{
	struct work_case cases[] = { { .label = 2 }, { .label = 0 }, { .label = 1 }, { .label = 2 }, { .label = -1 } };
	struct work w = { .settings = f->settings, .n_cases = 5, .cases = cases };
	const guint items[] = { 3, 1, 2, 0 };
	const double highest[] = { 3, -1, 0.5, 0.25 };          /* positives: 3, 0.25; others: -1, 0.5 */
	double features[4][N_SLIDE_FEATURES] = { 0 }, said[4];
	g_autoptr(JsonObject) facts = json_object_new();

	(void)data;
	assign(f, "data.classes=a, b, c");
	for (int i = 0; i < 4; i++) {
		features[i][SLIDE_TOP] = highest[i];
		features[i][SLIDE_ATTENTION] = NAN;
	}
	g_assert_cmpfloat_with_epsilon(slide_classification.measure(&w, items, 4, *features).value, 0.75, 1e-12);
	slide_classification.fit(&w, items, 4, *features, facts, said);
	/* of so few slides the mean of the highest tiles is taken: it is what is answered, and what is said of each */
	for (int i = 0; i < 4; i++)
		g_assert_cmpfloat(answer(facts, features[i]), ==, said[i]);
	g_assert_true(said[0] > said[2] && said[2] > said[3] && said[3] > said[1]);
	g_assert_true(isnan(slide_classification.measure(&w, items, 0, *features).value));
	/* what is no number ranks last: a tie of one positive and one other, both below the rest */
	const double broken[] = { NAN, -INFINITY, 0.5, 0.75 };
	for (int i = 0; i < 4; i++)
		features[i][SLIDE_TOP] = broken[i];
	g_assert_cmpfloat_with_epsilon(slide_classification.measure(&w, items, 4, *features).value, 0.625, 1e-12);
}

static void assert_written(const struct fixture *f, const struct work *w, const double *answers, const char *file,
			   const char *want)
{
	g_autofree char *path = g_build_filename(f->root, "output", file, NULL), *got = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(slide_classification.write(w, answers, &error));
	g_assert_no_error(error);
	g_assert_true(g_file_get_contents(path, &got, NULL, NULL));
	g_assert_cmpstr(got, ==, want);
}

static void test_write(struct fixture *f, gconstpointer data)
{
	struct work_case cases[] = { { .id = (char *)"Slide158" }, { .id = (char *)"Slide159" }, { .id = (char *)"Slide160" } };
	struct answer_column columns[ANSWER_COLUMNS_MAX];
	struct work w = { .settings = f->settings, .n_cases = 3, .cases = cases, .columns = columns };
	const double answers[] = { 0.9731, 0, 0.99999996 }, both[] = { 0.9731, 1234.56, 0, 0, 0.5, 7 };
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_true(answer_columns_take(f->settings->answer.columns, "", columns, &w.n_answers, NULL));
	assert_written(f, &w, answers, "output.csv", "Slide158,0.973100\nSlide159,0.000000\nSlide160,1.000000\n");
	assign(f, "answer.decimals=12");
	assign(f, "answer.header=true");
	assert_written(f, &w, answers, "output.csv",
		       "case,probability\nSlide158,0.973100000000\nSlide159,0.000000000000\nSlide160,0.999999960000\n");
	assign(f, "answer.decimals=1");
	assign(f, "answer.header=false");
	assign(f, "answer.file=other.csv");
	assert_written(f, &w, answers, "other.csv", "Slide158,1.0\nSlide159,0.0\nSlide160,1.0\n");
	assign(f, "answer.columns=[probability, longest_axis_um]");
	g_assert_true(answer_columns_take(f->settings->answer.columns, "", columns, &w.n_answers, NULL));
	assert_written(f, &w, both, "other.csv", "Slide158,1.0,1234.6\nSlide159,0.0,0.0\nSlide160,0.5,7.0\n");
	assign(f, "answer.header=true");
	w.n_cases = 0;
	assert_written(f, &w, both, "other.csv", "case,probability,longest_axis_um\n");
	assign(f, "answer.header=false");
	w.n_answers = 1;
	cases[0].id = (char *)"a,\"b";
	w.n_cases = 1;
	assert_written(f, &w, answers, "other.csv", "\"a,\"\"b\",1.0\n");
	/* a blank at an end would be dropped by who reads it, unless quoted; one within is nothing special */
	cases[0].id = (char *)"Slide 158";
	cases[1].id = (char *)"Slide159 ";
	cases[2].id = (char *)"\tSlide160";
	w.n_cases = 3;
	assert_written(f, &w, answers, "other.csv", "Slide 158,1.0\n\"Slide159 \",0.0\n\"\tSlide160\",1.0\n");
	g_autofree char *written = g_build_filename(f->root, "output", "other.csv", NULL);
	g_autoptr(GPtrArray) wrong = g_ptr_array_new_with_free_func(g_free), doubts = g_ptr_array_new_with_free_func(g_free);
	g_assert_true(slide_classification.check(&w, written, wrong, doubts, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(wrong->len, ==, 0);
	w.n_cases = 0;
	assert_written(f, &w, answers, "other.csv", "");

	g_autofree char *file = g_build_filename(f->root, "output", "other.csv", NULL);
	g_autofree char *assignment = g_strdup_printf("paths.output=%s/deeper", file);
	g_autofree char *message = g_strdup_printf("cannot make '%s/deeper': Not a directory", file);
	assign(f, assignment);
	g_assert_false(slide_classification.write(&w, answers, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOTDIR);
	g_assert_cmpstr(error->message, ==, message);
}

/* Of a slide of 0.5 um a px, read as it is: 16 tiles of its grid, as they would lie, are made up. */
static void test_axis(struct fixture *f, gconstpointer data)
{
	static const char map[4][5] = { "##..", ".#..", "...#", "..##" };
	struct sample samples[17] = { 0 };
	float outputs[17];
	double answers[2] = { 0.9, -1 };
	const double side = TILE * 0.5; /* um */

	(void)data;
	link_slide(f, "test/Slide007", "test/Slide007");
	assign(f, "tiles.mpp=level0");
	assign(f, "answer.columns=probability, longest_axis_um");
	struct work *w = open_work(f, PHASE_TEST, NULL);
	prepare_all(w);
	struct slide_case *c = &slide_work_of(w)->slides[0];
	for (int i = 0; i < 16; i++) {
		samples[i].at[0] = (gint32)c->slide->x + TILE * (10 + i % 4);
		samples[i].at[1] = (gint32)c->slide->y + TILE * (i / 4);
		outputs[i] = map[i / 4][i % 4] == '#' ? 1 : -1;
	}
	const guint32 n = c->tiles.n;
	g_assert_cmpfloat(c->slide->mpp, ==, 0.5);
	c->tiles.n = 16;                /* all of it was looked at */
	slide_classification.further(w, 0, samples, outputs, 16, answers);
	g_assert_cmpfloat_with_epsilon(answers[1], side * hypot(2, 2), 1e-9);
	outputs[9] = 0.1f;              /* one more at 1, 2: both are joined, from corner to corner of all */
	slide_classification.further(w, 0, samples, outputs, 16, answers);
	g_assert_cmpfloat_with_epsilon(answers[1], side * hypot(4, 4), 1e-9);
	samples[16] = samples[9];       /* turned, it is below a half */
	samples[16].variant = 1;
	samples[16].at[2] = 9;
	outputs[16] = -1;
	slide_classification.further(w, 0, samples, outputs, 17, answers);
	g_assert_cmpfloat_with_epsilon(answers[1], side * hypot(2, 2), 1e-9);
	assign(f, "score.axis_threshold=0.8");
	slide_classification.further(w, 0, samples, outputs, 17, answers);
	g_assert_cmpfloat(answers[1], ==, 0);
	assign(f, "score.axis_threshold=0.5");
	c->tiles.n = 64;                /* a quarter was: each stands for 2 x 2 tiles */
	slide_classification.further(w, 0, samples, outputs, 16, answers);
	g_assert_cmpfloat_with_epsilon(answers[1], side * hypot(4, 4), 1e-9);
	answers[0] = 0.49;              /* it is called negative */
	slide_classification.further(w, 0, samples, outputs, 16, answers);
	g_assert_cmpfloat(answers[1], ==, 0);
	answers[0] = 0.9;
	const guint said = log_warnings("answer");
	c->slide->mpp = 0;              /* its size is not known: said once */
	for (int i = 0; i < 2; i++)
		slide_classification.further(w, 0, samples, outputs, 16, answers);
	g_assert_cmpfloat(answers[1], ==, 0);
	g_assert_cmpuint(log_warnings("answer"), ==, said + 1);
	assign(f, "tiles.fallback_mpp=2");
	slide_classification.further(w, 0, samples, outputs, 16, answers);
	g_assert_cmpfloat_with_epsilon(answers[1], 4 * side * hypot(4, 4), 1e-9);
	c->tiles.n = n;
	slide_classification.close(w);

	g_autoptr(GError) error = NULL;
	assign(f, "answer.columns=probability, diameter");
	g_assert_null(slide_classification.open(f->settings, PHASE_TEST, NULL, &error));
	g_assert_error(error, FAULT, FAULT_USAGE);
	g_assert_cmpstr(error->message, ==, "answer.columns: 'diameter' is unknown; there are probability, longest_axis_um");
}

static void test_find(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(task_find("slide-classification", &error) == &slide_classification);
	g_assert_no_error(error);
	g_assert_null(task_find("segmentation", &error));
	g_assert_error(error, FAULT, FAULT_USAGE);
	g_assert_cmpstr(error->message, ==, "task: 'segmentation' is unknown; there are slide-classification");
}

static void write_sample(void)
{
	struct SampleOptions options;
	g_autoptr(GError) error = NULL;
	guint n[2] = { 0, 0 };

	sample = g_dir_make_tmp("blindrun-sample-XXXXXX", NULL);
	sample_options_init(&options);
	options.folder = sample;
	options.train = TRAIN;
	options.test = TEST;
	options.positive = 0.5;
	options.tile = TILE;
	options.tissue_least = 30;
	options.tissue_most = 40;
	options.lesion_least = 3;
	options.lesion_most = 12;
	options.levels = 6;
	options.ink = 0;
	g_assert_true(dataset_write(&options, &error));
	g_assert_no_error(error);
	for (int i = 1; i <= TRAIN; i++) {
		g_autofree char *path = g_strdup_printf("%s/train/image/positive/Slide%03d.mrxs", sample, i);
		gboolean positive = g_file_test(path, G_FILE_TEST_EXISTS);
		*(positive ? &positives[n[0]++] : &negatives[n[1]++]) = g_strdup_printf("Slide%03d", i);
	}
	g_assert_cmpuint(n[0], ==, TRAIN / 2);
}

#define ADD(name, function) g_test_add("/slide-task/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	tensor_threads(1);
	log_open("test-slide-task", 0);
	write_sample();
	ADD("folders", test_folders);
	ADD("table", test_table);
	ADD("others", test_others);
	ADD("whole-mask", test_whole_mask);
	ADD("off-tissue", test_off_tissue);
	ADD("table-rows", test_table_rows);
	ADD("table-wrong", test_table_wrong);
	ADD("left-out", test_left_out);
	ADD("no-slides", test_no_slides);
	ADD("without-mask", test_without_mask);
	ADD("wrong-mask", test_wrong_mask);
	ADD("no-mask-fits", test_no_mask_fits);
	ADD("phase-test", test_phase_test);
	ADD("targets", test_targets);
	ADD("map", test_map);
	ADD("map-objective", test_map_objective);
	ADD("normalise", test_normalise);
	ADD("context", test_context);
	ADD("input", test_input);
	g_test_add("/slide-task/macenko", struct fixture, "tiles.normalise=macenko", set_up, test_recolour, tear_down);
	g_test_add("/slide-task/reinhard", struct fixture, "tiles.normalise=reinhard", set_up, test_recolour, tear_down);
	ADD("jitter", test_jitter);
	ADD("lesions", test_lesions);
	g_test_add_func("/slide-task/turns", test_turns);
	ADD("next", test_next);
	ADD("mask-unseen", test_mask_unseen);
	ADD("wrong-mpp", test_wrong_mpp);
	ADD("given-up", test_given_up);
	ADD("coarse", test_coarse);
	ADD("coarse-windows", test_coarse_windows);
	ADD("coarse-read", test_coarse_read);
	ADD("share", test_share);
	ADD("features", test_features);
	ADD("objective", test_objective);
	g_test_add_func("/slide-task/answer", test_answer);
	ADD("fit-and-measure", test_fit_and_measure);
	ADD("write", test_write);
	ADD("axis", test_axis);
	g_test_add_func("/slide-task/find", test_find);
	int failed = g_test_run();
	remove_tree(sample);
	g_free(sample);
	for (int i = 0; i < TRAIN; i++) {
		g_free(positives[i]);
		g_free(negatives[i]);
	}
	return failed;
}
