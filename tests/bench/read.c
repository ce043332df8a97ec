/*
 * read.c - tiles a second: slide_read against a bare loop over openslide_read_region on the same positions, of which all (at a scale of
 * 1) was scanned, in turns, at random over all slides and in scan order. One thread by its processor time, so the numbers
 * are per core, whatever else runs; more threads by the clock.
 *
 *   read FOLDER [--tile=256] [--tiles=2000] [--rounds=5] [--threads=1] [--scale=1] [--open=64]
 *
 * --open: handles that slide_read has, as where memory has no room for all; the bare loop always has one for each slide.
 */
#include "common/slide/slide.h"
#include <math.h>
#include <openslide.h>
#include <time.h>

enum { SLIDES_MAX = 64, TRIES = 1000 };

struct bench {
	struct slide_pool *pool;
	struct slide *slide[SLIDES_MAX];
	openslide_t *bare[SLIDES_MAX];
	int slides, tile, tiles, rounds, threads, open;
	double scale;
	struct place { int slide; gint64 x, y; } *place; /* (tiles) */
};

struct share { /* of a thread */
	struct bench *bench;
	int first;
	gboolean ours;
};

static void find_slides(struct bench *b, const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	if (dir == NULL && b->slides < SLIDES_MAX) {
		g_autoptr(GError) error = NULL;
		struct slide *s = slide_open(b->pool, path, &error);
		guint8 rgb[3];

		if (s == NULL)
			return;
		if (!slide_read(s, (double)s->x, (double)s->y, 1, 1, 1, rgb, NULL, &error)) {
			slide_close(s);
			return;
		}
		b->bare[b->slides] = openslide_open(path);
		b->slide[b->slides++] = s;
		return;
	}
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *below = g_build_filename(path, name, NULL);

		find_slides(b, below);
	}
}

static gboolean all_scanned(const struct bench *b, const struct place *p)
{
	gsize n = (gsize)b->tile * (gsize)b->tile;
	g_autofree guint32 *argb = g_new(guint32, n);

	openslide_read_region(b->bare[p->slide], argb, p->x, p->y, 0, b->tile, b->tile);
	while (n > 0 && argb[n - 1] >> 24 == 255)
		n--;
	return n == 0;
}

/* At random over all slides; or row by row, slide after slide. */
static void choose(struct bench *b, gboolean scan)
{
	GRand *draw = g_rand_new_with_seed(1);
	double side = b->tile * b->scale;

	for (int i = 0, tried = 0; i < b->tiles; tried++) {
		int k = scan ? i * b->slides / b->tiles : g_rand_int_range(draw, 0, b->slides);
		const struct slide *s = b->slide[k];
		gint64 columns = MAX(1, (gint64)((double)s->w / side)), rows = MAX(1, (gint64)((double)s->h / side));
		gint64 n = (scan ? tried : g_rand_int_range(draw, 0, (gint32)(columns * rows))) % (columns * rows);

		b->place[i] = (struct place){ k, s->x + llround((double)(n % columns) * side),
					      s->y + llround((double)(n / columns) * side) };
		i += all_scanned(b, &b->place[i]);
		if (tried / TRIES > b->tiles) {
			g_printerr("read: too little of the slides was scanned\n");
			exit(3);
		}
	}
	g_rand_free(draw);
}

static gpointer read_share(gpointer data)
{
	struct share *share = data;
	struct bench *b = share->bench;
	gsize n = (gsize)b->tile * (gsize)b->tile;
	g_autofree guint32 *argb = g_new(guint32, n);
	g_autofree guint8 *rgb = g_malloc(3 * n);

	for (int i = share->first; i < b->tiles; i += b->threads) {
		const struct place *p = &b->place[i];
		g_autoptr(GError) error = NULL;

		if (!share->ours) {
			openslide_read_region(b->bare[p->slide], argb, p->x, p->y, 0, b->tile, b->tile);
		} else if (!slide_read(b->slide[p->slide], (double)p->x, (double)p->y, b->scale, b->tile, b->tile, rgb, NULL,
				       &error)) {
			g_printerr("%s\n", error->message);
			exit(1);
		}
	}
	return NULL;
}

static double seconds_now(const struct bench *b)
{
	struct timespec t;

	clock_gettime(b->threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double tiles_a_second(struct bench *b, gboolean ours)
{
	g_autofree struct share *share = g_new(struct share, b->threads);
	g_autofree GThread **thread = g_new(GThread *, b->threads);
	double start = seconds_now(b);

	for (int i = 0; i < b->threads; i++) {
		share[i] = (struct share){ b, i, ours };
		thread[i] = g_thread_new("read", read_share, &share[i]);
	}
	for (int i = 0; i < b->threads; i++)
		g_thread_join(thread[i]);
	return b->tiles / (seconds_now(b) - start);
}

static int ascending(const void *a, const void *b)
{
	double p = *(const double *)a, q = *(const double *)b;

	return (p > q) - (p < q);
}

static double median(double *value, int n)
{
	qsort(value, (gsize)n, sizeof(*value), ascending);
	return n % 2 == 1 ? value[n / 2] : (value[n / 2 - 1] + value[n / 2]) / 2;
}

static void compare(struct bench *b, gboolean scan)
{
	g_autofree double *ours = g_new(double, b->rounds), *bare = g_new(double, b->rounds),
			  *ratio = g_new(double, b->rounds);

	choose(b, scan);
	tiles_a_second(b, FALSE); /* files into memory */
	for (int i = 0; i < b->rounds; i++) {
		if (i % 2 == 0)
			bare[i] = tiles_a_second(b, FALSE);
		ours[i] = tiles_a_second(b, TRUE);
		if (i % 2 == 1)
			bare[i] = tiles_a_second(b, FALSE);
		ratio[i] = ours[i] / bare[i];
	}
	g_print("read order=%s slides=%d tile=%d scale=%g threads=%d slide_read=%.0f/s bare=%.0f/s ratio=%.3f (medians of "
		"%d)\n", scan ? "scan" : "random", b->slides, b->tile, b->scale, b->threads, median(ours, b->rounds),
		median(bare, b->rounds), median(ratio, b->rounds), b->rounds);
}

int main(int argc, char **argv)
{
	struct bench b = { .tile = 256, .tiles = 2000, .rounds = 5, .threads = 1, .scale = 1, .open = SLIDES_MAX };
	const GOptionEntry entries[] = {
		{ "tile", 0, 0, G_OPTION_ARG_INT, &b.tile, "Side, px (256)", "PX" },
		{ "tiles", 0, 0, G_OPTION_ARG_INT, &b.tiles, "Tiles a round (2000)", "N" },
		{ "rounds", 0, 0, G_OPTION_ARG_INT, &b.rounds, "Rounds (5)", "N" },
		{ "threads", 0, 0, G_OPTION_ARG_INT, &b.threads, "Threads (1)", "N" },
		{ "scale", 0, 0, G_OPTION_ARG_DOUBLE, &b.scale, "Level-0 px a pixel, of slide_read alone (1)", "X" },
		{ "open", 0, 0, G_OPTION_ARG_INT, &b.open, "Handles of slide_read (64)", "N" },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) options = g_option_context_new("FOLDER");
	g_autoptr(GError) error = NULL;

	g_option_context_add_main_entries(options, entries, NULL);
	if (!g_option_context_parse(options, &argc, &argv, &error) || argc != 2 || b.tile < 1 || b.tiles < 1 ||
	    b.rounds < 1 || b.threads < 1 || b.open < 1) {
		g_printerr("read: %s\n", error != NULL ? error->message : "expected one folder of slides (see --help)");
		return 2;
	}
	b.pool = slide_pool_new((guint)b.open);
	find_slides(&b, argv[1]);
	if (b.slides == 0) {
		g_printerr("read: no slides in '%s'\n", argv[1]);
		return 3;
	}
	b.place = g_new(struct place, b.tiles);
	compare(&b, FALSE);
	compare(&b, TRUE);
	for (int i = 0; i < b.slides; i++) {
		slide_close(b.slide[i]);
		openslide_close(b.bare[i]);
	}
	slide_pool_free(b.pool);
	g_free(b.place);
	return 0;
}
