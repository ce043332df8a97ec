/* test-tissue.c - tissue told from glass, ink and what was not scanned, on drawn pictures and on real slides. */
#include "common/fault/fault.h"
#include "common/slide/tissue.h"
#include <math.h>

enum { W = 160, H = 120 };

struct colour {
	int r, g, b;
};

static const struct colour GLASS = { 243, 242, 244 }, EOSIN = { 215, 150, 185 }, NUCLEI = { 78, 45, 112 };

struct picture {
	guint8 rgb[H][W][3], scanned[H][W];
};

/* A reproducible value of -2..2: a camera's noise. */
static int noise_at(int x, int y, int k)
{
	guint32 h = (guint32)x * 73856093u ^ (guint32)y * 19349663u ^ (guint32)k * 83492791u;

	h ^= h >> 13;
	h *= 0x5bd1e995;
	h ^= h >> 15;
	return (int)(h % 5) - 2;
}

static void set_px(struct picture *p, int x, int y, struct colour c)
{
	int value[3] = { c.r, c.g, c.b };

	for (int k = 0; k < 3; k++)
		p->rgb[y][x][k] = (guint8)CLAMP(value[k] + noise_at(x, y, k), 0, 255);
}

static void fill(struct picture *p, int left, int top, int w, int h, struct colour c)
{
	for (int y = top; y < top + h; y++)
		for (int x = left; x < left + w; x++)
			set_px(p, x, y, c);
}

static struct picture *picture_of(struct colour c)
{
	struct picture *p = g_new(struct picture, 1);

	memset(p->scanned, 255, sizeof(p->scanned));
	fill(p, 0, 0, W, H, c);
	return p;
}

static struct tissue *find(const struct picture *p)
{
	GError *error = NULL;
	struct tissue *t = tissue_from_rgb(&p->rgb[0][0][0], &p->scanned[0][0], W, H, &error);

	g_assert_no_error(error);
	g_assert_cmpint(t->width, ==, W);
	g_assert_cmpint(t->height, ==, H);
	return t;
}

/* The tissue is that rectangle, pixel by pixel. */
static void assert_is(const struct tissue *t, int left, int top, int w, int h)
{
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++)
			if (t->map[y * W + x] != (x >= left && x < left + w && y >= top && y < top + h))
				g_error("map at %d,%d is %d", x, y, t->map[y * W + x]);
	g_assert_cmpfloat(t->area, ==, w * h);
}

static void test_glass(void)
{
	static const struct colour glasses[] = { { 255, 255, 255 }, { 243, 242, 244 }, { 230, 230, 230 }, { 222, 220, 225 },
						 { 235, 240, 228 } };

	for (gsize i = 0; i < G_N_ELEMENTS(glasses); i++) {
		g_autofree struct picture *p = picture_of(glasses[i]);
		g_autoptr(tissue_t) t = find(p);

		assert_is(t, 0, 0, 0, 0);
		g_assert_cmpfloat(t->share, ==, 0);
		g_assert_cmpfloat(t->scanned, ==, 1);
		g_assert_cmpfloat(t->colour[0], ==, 0);
		g_assert_cmpfloat_with_epsilon(t->glass[1], glasses[i].g / 255.0, 3 / 255.0);
	}
}

static void test_stains(void)
{
	static const struct colour stains[] = {
		{ 215, 150, 185 },      /* eosin */
		{ 78, 45, 112 },        /* close nuclei, dark */
		{ 150, 110, 170 },      /* lymphocytes */
		{ 95, 85, 140 },        /* bluish haematoxylin */
		{ 190, 95, 115 },       /* blood */
		{ 204, 200, 203 },      /* faint frozen tissue: OD 0.08, hardly any colour */
		{ 232, 214, 228 },      /* faint and pink */
	};

	for (gsize i = 0; i < G_N_ELEMENTS(stains); i++) {
		g_autofree struct picture *p = picture_of(GLASS);
		g_autoptr(tissue_t) t = NULL;

		fill(p, 40, 30, 70, 50, stains[i]);
		t = find(p);
		assert_is(t, 40, 30, 70, 50);
		g_assert_cmpfloat(t->share, ==, 70.0 * 50 / (W * H));
		g_assert_cmpfloat_with_epsilon(t->colour[0], stains[i].r / 255.0, 0.5 / 255);
		g_assert_cmpfloat_with_epsilon(t->colour[2], stains[i].b / 255.0, 0.5 / 255);
	}
}

/* Faint tissue is found though much of the slide is dense, which draws Otsu's threshold up. */
static void test_faint_beside_dense(void)
{
	g_autofree struct picture *p = picture_of(GLASS);
	g_autoptr(tissue_t) t = NULL;

	fill(p, 20, 10, 60, 100, NUCLEI);
	fill(p, 80, 10, 60, 100, (struct colour){ 204, 200, 203 });
	t = find(p);
	assert_is(t, 20, 10, 120, 100);
}

static void test_unscanned(void)
{
	static const guint8 fillers[] = { 0, 255 };

	for (int i = 0; i < 2; i++) {
		g_autofree struct picture *p = picture_of(GLASS);
		g_autoptr(tissue_t) t = NULL;

		memset(p->rgb, fillers[i], W * H * 3 / 2); /* the upper half */
		memset(p->scanned, 0, W * H / 2);
		fill(p, 30, 70, 40, 30, EOSIN);
		t = find(p);
		assert_is(t, 30, 70, 40, 30);
		g_assert_cmpfloat(t->scanned, ==, 0.5);
		g_assert_cmpfloat(t->share, ==, 40 * 30 / (W * H / 2.0));
	}
}

static void test_nothing_scanned(void)
{
	g_autofree struct picture *p = picture_of(GLASS);
	g_autoptr(tissue_t) t = NULL;

	memset(p->scanned, 0, sizeof(p->scanned));
	t = find(p);
	assert_is(t, 0, 0, 0, 0);
	g_assert_cmpfloat(t->scanned, ==, 0);
	g_assert_cmpfloat(t->share, ==, 0);
}

/* Opaque black, and a white filler beside grey glass: as some formats give what was not scanned. */
static void test_fillers(void)
{
	g_autofree struct picture *p = picture_of((struct colour){ 232, 230, 233 });
	g_autoptr(tissue_t) t = NULL;

	fill(p, 0, 0, W, 30, (struct colour){ 2, 2, 2 });
	for (int y = 90; y < H; y++)
		memset(p->rgb[y], 255, sizeof(p->rgb[y]));
	fill(p, 30, 40, 40, 30, EOSIN);
	t = find(p);
	assert_is(t, 30, 40, 40, 30);
}

static struct colour between(struct colour a, struct colour b)
{
	return (struct colour){ (a.r + b.r) / 2, (a.g + b.g) / 2, (a.b + b.b) / 2 };
}

static void test_pens(void)
{
	static const struct colour inks[] = { { 40, 70, 180 }, { 110, 150, 220 }, { 30, 140, 90 },  { 20, 90, 100 },
					      { 205, 35, 45 }, { 30, 30, 34 },    { 60, 60, 60 } };

	for (gsize i = 0; i < G_N_ELEMENTS(inks); i++) {
		g_autofree struct picture *p = picture_of(GLASS);
		g_autoptr(tissue_t) t = NULL;

		fill(p, 20, 10, 120, 9, between(inks[i], GLASS)); /* a stroke whose rim is blurred */
		fill(p, 20, 11, 120, 7, inks[i]);
		fill(p, 40, 50, 70, 50, EOSIN);
		t = find(p);
		assert_is(t, 40, 50, 70, 50);
	}
}

/* What looks like ink but is a few pixels wide is a cell group: it stays. */
static void test_dark_group(void)
{
	g_autofree struct picture *p = picture_of(GLASS);
	g_autoptr(tissue_t) t = NULL;

	fill(p, 40, 30, 70, 50, EOSIN);
	fill(p, 60, 50, 4, 5, (struct colour){ 40, 40, 42 });
	t = find(p);
	assert_is(t, 40, 30, 70, 50);
}

static void test_holes_and_specks(void)
{
	g_autofree struct picture *p = picture_of(GLASS);
	g_autoptr(tissue_t) t = NULL;

	fill(p, 20, 20, 80, 80, EOSIN);
	for (int y = 24; y < 52; y += 9)
		for (int x = 24; x < 90; x += 9)
			fill(p, x, y, 7, 9 - 2, GLASS); /* fat: holes of 49 px */
	fill(p, 120, 20, 2, 3, EOSIN);          /* a speck */
	t = find(p);
	assert_is(t, 20, 20, 80, 80);
	g_clear_pointer(&t, tissue_free);

	fill(p, 50, 70, 8, 8, GLASS);           /* as large as a tile: a hole */
	fill(p, 120, 60, 2, 4, EOSIN);          /* an eighth of one: tissue */
	t = find(p);
	g_assert_cmpfloat(t->area, ==, 80 * 80 - 64 + 8);
	g_assert_cmpint(t->map[75 * W + 55], ==, 0);
	g_assert_cmpint(t->map[61 * W + 120], ==, 1);
}

/* A bit of glass that was scanned alone is no hole. */
static void test_island(void)
{
	g_autofree struct picture *p = picture_of(GLASS);
	g_autoptr(tissue_t) t = NULL;

	memset(p->scanned, 0, sizeof(p->scanned));
	for (int y = 10; y < 15; y++)
		memset(&p->scanned[y][10], 255, 5);
	t = find(p);
	assert_is(t, 0, 0, 0, 0);
	g_assert_cmpfloat(t->scanned, ==, 25.0 / (W * H));
}

/* No glass in sight: all is tissue, whatever Otsu would part. */
static void test_all_tissue(void)
{
	g_autofree struct picture *p = picture_of(EOSIN);
	g_autoptr(tissue_t) t = NULL;

	fill(p, 0, 0, W / 2, H, NUCLEI);
	t = find(p);
	assert_is(t, 0, 0, W, H);
	g_assert_cmpfloat(t->share, ==, 1);
	g_assert_cmpfloat(t->glass[0], ==, 1);
}

static void test_share(void)
{
	guint8 map[6] = { 1, 0, 1,
			  0, 1, 1 };
	struct tissue t = { .x = 100, .y = 200, .scale = 32, .width = 3, .height = 2, .map = map };

	g_assert_cmpfloat(tissue_share(&t, 100, 200, 32, 32), ==, 1);
	g_assert_cmpfloat(tissue_share(&t, 132, 200, 32, 32), ==, 0);
	g_assert_cmpfloat(tissue_share(&t, 116, 216, 32, 32), ==, 0.5);
	g_assert_cmpfloat(tissue_share(&t, 100, 200, 96, 64), ==, 4 / 6.0);
	g_assert_cmpfloat(tissue_share(&t, 84, 184, 32, 32), ==, 0.25);         /* reaches over the corner */
	g_assert_cmpfloat(tissue_share(&t, 108, 208, 8, 8), ==, 1);
	g_assert_cmpfloat(tissue_share(&t, 180, 248, 32, 32), ==, 0.25);
	g_assert_cmpfloat(tissue_share(&t, 0, 0, 100, 200), ==, 0);
	g_assert_cmpfloat(tissue_share(&t, 196, 264, 10, 10), ==, 0);
}

static void test_slides(void)
{
	const char *shared = g_getenv("BLINDRUN_SHARED");
	static const struct {
		const char *name;
		double finest, scale, least, most;
	} expected[] = {
		{ "cmu-1-small-region.svs", 16, 16, 0.37, 0.40 },
		{ "cmu-1-small-region.svs", 8, 8, 0.36, 0.39 },
		{ "tcga-cr-7395-01a-01-ts1.svs", 32, 32, 0.62, 0.65 },
	};
	g_autofree char *folder = g_build_filename(shared != NULL ? shared : "../shared", "data", "wsi", NULL);
	struct slide_pool *pool;

	if (!g_file_test(folder, G_FILE_TEST_IS_DIR)) {
		g_test_skip("no real slides: BLINDRUN_SHARED names no folder that has data/wsi");
		return;
	}
	pool = slide_pool_new(1);
	for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
		g_autofree char *path = g_build_filename(folder, expected[i].name, NULL);
		GError *error = NULL;
		g_autoptr(slide_t) slide = slide_open(pool, path, &error);
		g_autoptr(tissue_t) t = NULL;

		g_assert_no_error(error);
		t = tissue_find(slide, expected[i].finest, &error);
		g_assert_no_error(error);
		g_assert_cmpfloat(t->scale, ==, expected[i].scale);
		g_assert_cmpint(t->width, ==, (int)ceil((double)slide->w / t->scale));
		g_assert_cmpfloat(t->share, >, expected[i].least);
		g_assert_cmpfloat(t->share, <, expected[i].most);
		g_assert_cmpfloat(t->area, <=, (double)slide->w * (double)slide->h);
		g_assert_cmpfloat(t->colour[1], <, t->colour[0]); /* haematoxylin and eosin absorb green most */
		g_assert_cmpfloat(t->colour[1], <, t->colour[2]);
	}
	slide_pool_free(pool);
}

/* Of 6 pixels in two rows, 3: the second, the fourth and the sixth, each in the middle of a third. */
static void test_places(void)
{
	guint8 map[] = { 0, 1, 1, 1,
			 1, 1, 1, 0 };
	const struct tissue t = { .x = 10, .y = 5, .scale = 2, .width = 4, .height = 2, .map = map };
	double x[8], y[8];

	g_assert_cmpuint(tissue_places(&t, 3, x, y), ==, 3);
	g_assert_true(x[0] == 15 && y[0] == 6 && x[1] == 11 && y[1] == 8 && x[2] == 15 && y[2] == 8);
	g_assert_cmpuint(tissue_places(&t, 8, x, y), ==, 6);
	g_assert_true(x[0] == 13 && y[0] == 6 && x[5] == 15 && y[5] == 8);
	memset(map, 0, sizeof map);
	g_assert_cmpuint(tissue_places(&t, 3, x, y), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tissue/glass", test_glass);
	g_test_add_func("/tissue/stains", test_stains);
	g_test_add_func("/tissue/faint-beside-dense", test_faint_beside_dense);
	g_test_add_func("/tissue/unscanned", test_unscanned);
	g_test_add_func("/tissue/nothing-scanned", test_nothing_scanned);
	g_test_add_func("/tissue/fillers", test_fillers);
	g_test_add_func("/tissue/pens", test_pens);
	g_test_add_func("/tissue/dark-group", test_dark_group);
	g_test_add_func("/tissue/holes-and-specks", test_holes_and_specks);
	g_test_add_func("/tissue/island", test_island);
	g_test_add_func("/tissue/all-tissue", test_all_tissue);
	g_test_add_func("/tissue/share", test_share);
	g_test_add_func("/tissue/slides", test_slides);
	g_test_add_func("/tissue/places", test_places);
	return g_test_run();
}
