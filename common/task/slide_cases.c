/*
 * slide_cases.c - from folders, a labels table and data.yaml to a list of slides; and from one slide to its
 * tiles. What cannot be used is left out by name with its reason, and never ends a run that has others.
 */
#include "common/checkpoint/json.h"
#include "common/csv/csv_file.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/machine/jobs.h"
#include "common/machine/machine.h"
#include "common/machine/room.h"
#include "common/model/model.h"
#include "common/slide/annotation.h"
#include "common/task/pattern.h"
#include "common/task/slide_facts.h"
#include "common/task/slide_work.h"
#include <glib/gstdio.h>
#include <math.h>
#include <sys/stat.h>

enum { CSV_MAX = 64 * 1024 * 1024, FINEST = 8 };

struct found { char *id, *path, *mask_path, *group; int label; };

static void found_free(gpointer data)
{
	struct found *f = data;

	g_free(f->id);
	g_free(f->path);
	g_free(f->mask_path);
	g_free(f->group);
	g_free(f);
}

static int found_by_id(gconstpointer a, gconstpointer b)
{
	return strcmp((*(struct found *const *)a)->id, (*(struct found *const *)b)->id);
}

G_GNUC_PRINTF(2, 3) static void note(struct work *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(w->notes, g_strdup_vprintf(format, args));
	va_end(args);
}

/* ---- tables ---- */

struct table {
	GHashTable *rows;       /* case: value */
	const char *file;
	guint64 first;          /* line of the first row: it may be a header */
};

static gboolean table_row(void *context, guint64 line, guint n, char **fields, GError **error)
{
	struct table *t = context;

	if (n < 2) {
		g_set_error(error, FAULT, FAULT_DATA, "expected two columns: case and value");
		return FALSE;
	}
	if (t->first == 0)
		t->first = line;
	log_name(fields[0]);
	if (g_hash_table_contains(t->rows, fields[0])) {
		g_set_error(error, FAULT, FAULT_DATA, "case '%s' stands twice", fields[0]);
		return FALSE;
	}
	g_hash_table_insert(t->rows, g_strdup(fields[0]), g_strdup(fields[1]));
	return TRUE;
}

/* A CSV of (case, value); a relative name is below paths.train. */
static GHashTable *table_read(const struct settings *s, const char *file, GError **error)
{
	g_autofree char *path = g_path_is_absolute(file) ? g_strdup(file)
							  : g_build_filename(s->paths.train, file, NULL);
	g_autoptr(GHashTable) rows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	struct table t = { rows, file, 0 };

	return csv_read(path, CSV_MAX, table_row, &t, error) ? g_steal_pointer(&rows) : NULL;
}

/* The value of a case, under its name with or without ending. */
static const char *table_value(GHashTable *rows, const char *id, const char *path)
{
	g_autofree char *base = g_path_get_basename(path);
	const char *value = g_hash_table_lookup(rows, id);

	return value != NULL ? value : g_hash_table_lookup(rows, base);
}

/* ---- listing ---- */

static void add(GPtrArray *all, const struct pattern_match *m, int label, char *mask_path)
{
	struct found *f = g_new0(struct found, 1);

	log_name(m->name);
	f->id = g_strdup(m->name);
	f->path = g_strdup(m->path);
	f->label = label;
	f->mask_path = mask_path;
	g_ptr_array_add(all, f);
}

static char *mask_for(const struct settings *s, int label, const char *id)
{
	gboolean last = s->data.classes[label + 1] == NULL;

	if (!last || s->data.masks[0] == '\0')
		return NULL;
	return pattern_path(s->paths.train, s->data.masks, s->data.classes[label], id);
}

/* The files of a folder that must be there. */
static GPtrArray *list_needed(const char *root, const char *pattern, const char *keys, GError **error)
{
	g_autoptr(GError) wrong = NULL;
	GPtrArray *found = pattern_list(root, pattern, NULL, &wrong);

	if (found == NULL && wrong->domain == FAULT)
		g_propagate_error(error, g_steal_pointer(&wrong));
	else if (found == NULL)
		g_set_error(error, FAULT, FAULT_DATA, "%s; check %s", wrong->message, keys);
	return found;
}

static gboolean list_folders(const struct settings *s, struct work *w, GPtrArray *all, GError **error)
{
	for (int label = 0; s->data.classes[label] != NULL; label++) {
		g_autoptr(GError) missing = NULL;
		g_autoptr(GPtrArray) found = pattern_list(s->paths.train, s->data.images, s->data.classes[label],
							  &missing);
		if (found == NULL && missing->domain == FAULT) {
			g_propagate_error(error, g_steal_pointer(&missing));
			return FALSE;
		}
		if (found == NULL) {
			note(w, "class '%s': %s; check paths.train and data.images", s->data.classes[label],
			     missing->message);
			continue;
		}
		for (guint i = 0; i < found->len; i++) {
			const struct pattern_match *m = found->pdata[i];
			add(all, m, label, mask_for(s, label, m->name));
		}
	}
	return TRUE;
}

static gboolean list_table(const struct settings *s, struct work *w, GPtrArray *all, GError **error)
{
	g_autoptr(GHashTable) labels = table_read(s, s->data.labels, error);

	if (labels == NULL)
		return FALSE;
	g_autoptr(GPtrArray) found = list_needed(s->paths.train, s->data.images, "paths.train and data.images", error);
	if (found == NULL)
		return FALSE;
	guint unlabelled = 0;
	for (guint i = 0; i < found->len; i++) {
		const struct pattern_match *m = found->pdata[i];
		const char *value = table_value(labels, m->name, m->path);
		int label = 0;
		while (value != NULL && s->data.classes[label] != NULL && !g_str_equal(s->data.classes[label], value))
			label++;
		if (value == NULL) {
			unlabelled++;
		} else if (s->data.classes[label] == NULL) {
			log_name(m->name);
			note(w, "slide '%s': left out: its class '%s' in %s is none of data.classes", m->name, value,
			     s->data.labels);
			w->n_left_out++;
		} else {
			add(all, m, label, mask_for(s, label, m->name));
		}
	}
	if (unlabelled > 0)
		note(w, "%u slides have no row in %s and are left out", unlabelled, s->data.labels);
	w->n_left_out += unlabelled;
	return TRUE;
}

static gboolean list_groups(const struct settings *s, struct work *w, GPtrArray *all, GError **error)
{
	if (s->data.group[0] == '\0')
		return TRUE;
	g_autoptr(GHashTable) groups = table_read(s, s->data.group, error);
	if (groups == NULL)
		return FALSE;
	guint without = 0;
	for (guint i = 0; i < all->len; i++) {
		struct found *f = all->pdata[i];
		f->group = g_strdup(table_value(groups, f->id, f->path));
		without += f->group == NULL;
	}
	if (without > 0)
		note(w, "%u slides have no row in %s: each is a group of its own", without, s->data.group);
	return TRUE;
}

/* An identifier in two classes says two things: both are left out. Sorted by id before. */
static void drop_twins(struct work *w, GPtrArray *all)
{
	for (guint i = 0; i + 1 < all->len;) {
		const char *id = ((struct found *)all->pdata[i])->id;
		guint same = 1;
		while (i + same < all->len && g_str_equal(((struct found *)all->pdata[i + same])->id, id))
			same++;
		if (same > 1) {
			note(w, "slide '%s': left out: it stands in %u classes", id, same);
			g_ptr_array_remove_range(all, i, same);
			w->n_left_out += same;
		} else {
			i++;
		}
	}
}

static GPtrArray *list_all(const struct settings *s, struct work *w, GError **error)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(found_free);

	if (w->phase == PHASE_TEST) {
		g_autoptr(GPtrArray) found = list_needed(s->paths.test, s->data.test, "paths.test and data.test", error);
		for (guint i = 0; found != NULL && i < found->len; i++)
			add(all, found->pdata[i], -1, NULL);
		if (found == NULL || found->len > 0)
			return found == NULL ? NULL : g_steal_pointer(&all);
		g_set_error(error, FAULT, FAULT_DATA, "no slide matches '%s' in '%s'", s->data.test, s->paths.test);
		return NULL;
	}
	gboolean ok = s->data.labels[0] != '\0' ? list_table(s, w, all, error) : list_folders(s, w, all, error);
	if (!ok || !list_groups(s, w, all, error))
		return NULL;
	g_ptr_array_sort(all, found_by_id);
	drop_twins(w, all);
	if (all->len > 0)
		return g_steal_pointer(&all);
	g_set_error(error, FAULT, FAULT_DATA, "no slide matches '%s' in '%s'%s%s", s->data.images, s->paths.train,
		    w->notes->len > 0 ? "; " : "", w->notes->len > 0 ? (char *)w->notes->pdata[0] : "");
	return NULL;
}

/* ---- opening ---- */

static gboolean is_odd(const char *path)
{
	struct stat st;

	return g_stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/* Of the folder that an .mrxs file has beside it: the name of an entry that is neither file nor folder, or NULL. */
static char *odd_entry(const char *path)
{
	g_autofree char *folder = g_strndup(path, strlen(path) - MIN(strlen(path), strlen(".mrxs")));
	g_autoptr(GDir) dir = g_str_has_suffix(path, ".mrxs") ? g_dir_open(folder, 0, NULL) : NULL;

	for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
		g_autofree char *entry = g_build_filename(folder, name, NULL);
		if (is_odd(entry))
			return g_strdup(name);
	}
	return NULL;
}

/* A pipe or a device under the name of a slide, or in its folder, would be waited for without end. */
slide_t *slide_cases_open_one(struct slide_pool *pool, const char *id, const char *path, GError **error)
{
	g_autofree char *odd = odd_entry(path);

	if (is_odd(path) || g_file_test(path, G_FILE_TEST_IS_DIR))
		g_set_error(error, FAULT, FAULT_DATA, "slide '%s': cannot be opened: it is no file", id);
	else if (odd != NULL)
		g_set_error(error, FAULT, FAULT_DATA, "slide '%s': cannot be opened: '%s' in its folder is no file", id, odd);
	else
		return slide_open(pool, path, error);
	return NULL;
}

struct opening { struct slide_work *sw; GError **errors; };

struct opened {
	struct slide_pool *pool;
	char *id, *path;
	slide_t *slide;
	GError *error;
};

static gpointer begin_opening(gpointer what, gpointer user)
{
	const struct slide_work *sw = ((const struct opening *)user)->sw;
	struct opened *o = g_new0(struct opened, 1);
	guint i = GPOINTER_TO_UINT(what);

	o->pool = sw->pool;
	o->id = g_strdup(sw->work.cases[i].id);
	o->path = g_strdup(sw->slides[i].path);
	return o;
}

static void open_one(gpointer data)
{
	struct opened *o = data;

	o->slide = slide_cases_open_one(o->pool, o->id, o->path, &o->error);
}

static void drop_opened(gpointer data)
{
	struct opened *o = data;

	slide_close(o->slide);
	g_clear_error(&o->error);
	g_free(o->id);
	g_free(o->path);
	g_free(o);
}

static void take_opened(gpointer what, gpointer data, gpointer user)
{
	struct opening *opening = user;
	struct opened *o = data;
	guint i = GPOINTER_TO_UINT(what);

	opening->sw->slides[i].slide = g_steal_pointer(&o->slide);
	opening->errors[i] = g_steal_pointer(&o->error);
	drop_opened(o);
}

static void open_slides(struct slide_work *sw, GError **errors)
{
	static const struct jobs_kind kind = { "open", 0, begin_opening, open_one, take_opened, drop_opened };
	struct opening opening = { sw, errors };
	struct jobs *jobs = jobs_new((guint)machine_cores(), sw->work.patience, &kind, &opening);
	gpointer what;
	gboolean late;

	for (guint i = 0; i < sw->work.n_cases; i++)
		jobs_push(jobs, GUINT_TO_POINTER(i));
	while (jobs_pop(jobs, TRUE, &what, &late))
		if (late)
			case_give_up(&sw->work, GPOINTER_TO_UINT(what), &errors[GPOINTER_TO_UINT(what)]);
	jobs_free(jobs);
}

/* Every slide's facts, on all cores; those that do not open are left out with their reason. */
static void open_all(struct slide_work *sw)
{
	struct work *w = &sw->work;
	guint kept = 0;
	g_autofree GError **errors = g_new0(GError *, w->n_cases);

	open_slides(sw, errors);
	for (guint i = 0; i < w->n_cases; i++) {
		if (errors[i] == NULL) {
			w->cases[kept] = w->cases[i];
			sw->slides[kept++] = sw->slides[i];
			continue;
		}
		note(w, "%s; left out", errors[i]->message);
		g_error_free(errors[i]);
		g_free(w->cases[i].id);
		g_free(w->cases[i].group);
		g_free(w->cases[i].left_out);
		g_free(sw->slides[i].path);
		g_free(sw->slides[i].mask_path);
		w->n_left_out++;
	}
	w->n_cases = kept;
}

/* The training slides' median resolution; 0 where no file says any. */
static double median_mpp(const struct slide_work *sw)
{
	g_autofree double *mpp = g_new(double, sw->work.n_cases + 1);
	gsize n = 0;

	for (guint i = 0; i < sw->work.n_cases; i++)
		if (sw->slides[i].slide->mpp > 0)
			mpp[n++] = sw->slides[i].slide->mpp;
	metrics_sort(mpp, n);
	return n > 0 ? metrics_quantile(mpp, n, 0.5) : 0;
}

/* Slides to keep open: in training all, for any of them may be drawn next; to answer, those being prepared and
   read. As far as an eighth of the memory holds them, and as half of the files that may be open allows one each:
   OpenSlide 3.4.1 keeps none between reads of .mrxs and .svs files (measured), other versions may. */
static guint handles(enum phase phase, guint n_cases)
{
	enum { LEAST = 2, MOST = 1024 };
	const guint64 room = machine_memory() / 8;
	const guint most = (guint)CLAMP(room_files() / 2, LEAST, MOST);
	guint n = CLAMP(phase == PHASE_TRAIN ? n_cases : 2 * (guint)machine_cores() + 2, LEAST, most);

	while (n > LEAST && slide_pool_bytes(n) > room)
		n--;
	return n;
}

struct task_reading slide_cases_reading(const struct work *w)
{
	const gboolean draws = w->phase == PHASE_TEST && w->settings->pictures.heat;

	return (struct task_reading){ .all = slide_pool_bytes(slide_work_of(w)->handles) + (draws ? SLIDE_PICTURE_BYTES : 0),
				      .thread = SLIDE_READ_BYTES + (guint64)TISSUE_MAP_MAX * TISSUE_PX_BYTES };
}

static double mpp_learned(struct work *w, JsonObject *facts)
{
	double mpp = slide_facts_read(facts).mpp, told = json_number(facts, "mpp", 0);

	if (mpp != told) /* not copied: it was out of range */
		note(w, "the model was learned at %g um/px, which no slide has: its manifest is damaged, and slides are "
			"read at level 0; set tiles.mpp, or train again", told);
	return mpp;
}

/* A side of the map that the network draws; an unknown network is an error of who makes it. */
static int cells_of(const struct settings *settings)
{
	const struct network *network = network_find(settings->model.network, NULL);

	return network != NULL ? network->map : 0;
}

/* px that the network gets tiles enlarged to: networks that were learned on pictures of 224 px or so tell small tiles apart
   better so (SqueezeNet from ImageNet's weights on tiles of 96: tests/bench/learn). 0: as they are */
static int input_of(const struct settings *s, JsonObject *facts)
{
	enum { LARGE = 192 };
	const int size = s->tiles.size, wanted = (int)s->model.input;
	const int side = wanted > 0 ? wanted : facts != NULL ? slide_facts_read(facts).input
		       : s->model.weights[0] != '\0' ? MIN(2 * size, LARGE) : size;

	return side > size ? side : 0;
}

struct work *slide_cases_open(const struct settings *settings, enum phase phase, JsonObject *facts, GError **error)
{
	struct slide_work *sw = g_new0(struct slide_work, 1);
	struct work *w = &sw->work;

	w->task = &slide_classification;
	w->settings = settings;
	w->phase = phase;
	w->columns = sw->columns;
	int map = phase == PHASE_TRAIN ? cells_of(settings) : 0;        /* nothing is learned from a test slide */
	w->shape = (struct sample_shape){ 3, settings->tiles.size, settings->tiles.size, 1 + map * map, map,
					 settings->tiles.context > 1 ? 1 : 0, input_of(settings, facts) };
	w->outputs = 2;
	w->patience = settings->data.patience;
	w->notes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) all = NULL;
	if (answer_columns_take(settings->answer.columns, "answer.columns", sw->columns, &w->n_answers, error))
		all = list_all(settings, w, error);
	if (all == NULL) {
		slide_cases_close(w);
		return NULL;
	}
	sw->handles = handles(phase, all->len);
	sw->pool = slide_pool_new(sw->handles);
	slide_pool_set_patience(sw->pool, w->patience / 2);     /* who waits for a handle is given up later */
	w->n_cases = all->len;
	w->cases = g_new0(struct work_case, all->len);
	sw->slides = g_new0(struct slide_case, all->len);
	for (guint i = 0; i < all->len; i++) {
		struct found *f = all->pdata[i];
		w->cases[i] = (struct work_case){ .id = g_steal_pointer(&f->id), .label = f->label,
						  .group = g_steal_pointer(&f->group), .stratum = (guint)MAX(f->label, 0) };
		sw->slides[i].path = g_steal_pointer(&f->path);
		sw->slides[i].mask_path = g_steal_pointer(&f->mask_path);
	}
	if (phase == PHASE_TRAIN) {
		slide_table_read(sw);
		open_all(sw);
	}
	sw->mpp = settings->tiles.mpp > 0 ? settings->tiles.mpp
		: settings->tiles.mpp == MPP_LEVEL0 ? 0
		: phase == PHASE_TRAIN && facts == NULL ? median_mpp(sw) : mpp_learned(w, facts);
	return w;
}

static void forget(struct slide_case *c)
{
	g_clear_pointer(&c->slide, slide_close);
	g_clear_pointer(&c->tissue, tissue_free);
	g_clear_pointer(&c->mask, mask_free);
	tiles_clear(&c->tiles);
}

void slide_cases_close(struct work *w)
{
	struct slide_work *sw = slide_work_of(w);

	if (w->n_given_up > 0) {        /* threads hang that have it all */
		jobs_leave(w);
		return;
	}
	for (guint i = 0; i < w->n_cases; i++) {
		forget(&sw->slides[i]);
		g_free(sw->slides[i].path);
		g_free(sw->slides[i].mask_path);
		g_free(w->cases[i].id);
		g_free(w->cases[i].group);
		g_free(w->cases[i].left_out);
	}
	slide_pool_free(sw->pool);
	g_clear_pointer(&sw->table, g_hash_table_unref);
	g_ptr_array_unref(w->notes);
	g_free(w->cases);
	g_free(sw->slides);
	g_free(sw);
}

/* ---- one slide ---- */

double slide_cases_scale(const struct slide_work *sw, const struct slide *slide)
{
	double mpp = slide->mpp > 0 ? slide->mpp : sw->work.settings->tiles.fallback_mpp;

	if (sw->mpp <= 0 || mpp <= 0)
		return 1;
	double scale = sw->mpp / mpp;
	for (int level = 0; level < slide->levels; level++)
		if (fabs(scale / slide->downsample[level] - 1) <= 0.1)
			return slide->downsample[level];
	return scale;
}

mask_t *slide_cases_mask(const struct settings *s, const slide_t *slide, const char *path, GError **error)
{
	const enum annotation_kind kind = annotation_kind(path);
	const int scale = s->data.mask_scale;

	if (kind == ANNOTATION_NONE) {
		g_autoptr(mask_t) mask = mask_read(path, scale, slide->x, slide->y, error);
		return mask != NULL && mask_fits(mask, slide->w, slide->h, error) ? g_steal_pointer(&mask) : NULL;
	}
	const gboolean scanned = s->data.origin == ORIGIN_AUTO ? kind == ANNOTATION_GEOJSON : s->data.origin == ORIGIN_SCANNED;
	g_autoptr(polygons_t) drawn = annotation_read(path, kind, s->data.tumour, scanned ? (double)slide->x : 0,
						      scanned ? (double)slide->y : 0, error);
	return drawn == NULL ? NULL : polygons_mask(drawn, path, scale, slide->x, slide->y, slide->w, slide->h, error);
}

/* A positive slide's mask: there, or not, or empty (then the slide counts for the slide score only: its tiles
   must not be learned as free of tumour). */
static gboolean read_mask(struct slide_work *sw, struct slide_case *c, GError **error)
{
	if (c->mask_path == NULL || !g_file_test(c->mask_path, G_FILE_TEST_IS_REGULAR))
		return TRUE;
	g_autoptr(mask_t) mask = slide_cases_mask(sw->work.settings, c->slide, c->mask_path, error);
	if (mask == NULL)
		return FALSE;
	c->mask_empty = mask->area == 0;
	if (!c->mask_empty)
		c->mask = g_steal_pointer(&mask);
	return TRUE;
}

static gboolean list_tiles(struct slide_work *sw, struct slide_case *c, GError **error)
{
	const struct settings *s = sw->work.settings;
	double side = s->tiles.size * c->scale;

	c->tissue = tissue_find(c->slide, side / FINEST, error);
	if (c->tissue == NULL || !read_mask(sw, c, error) ||
	    !tiles_index(c->tissue, c->mask, c->slide->w, c->slide->h, side, side, s->tiles.tissue, &c->tiles, error))
		return FALSE;
	c->tissue_share = c->tissue->share;
	c->scanned_share = c->tissue->scanned;
	memcpy(c->colour, c->tissue->colour, sizeof c->colour);
	slide_stain_settle(c, s->tiles.normalise);
	c->jitter = s->sampling.jitter * side;
	g_clear_pointer(&c->tissue, tissue_free);
	if (c->tiles.n > 0)
		return TRUE;
	g_set_error(error, FAULT, FAULT_DATA, "no tissue was found on it");
	return FALSE;
}

/* Lesions of 1-4, 5-19, 20 tiles and more are strata of their own, so that held-out slides have each. */
static guint stratum_of(int label, const struct slide_case *c)
{
	guint size = c->mask == NULL ? 0 : c->tiles.n_tumour < 5 ? 1 : c->tiles.n_tumour < 20 ? 2 : 3;

	return (guint)MAX(label, 0) * 4 + size;
}

/* Into c alone. Its error names the slide. */
static gboolean look(struct slide_work *sw, guint item, struct slide_case *c, GError **error)
{
	g_autofree char *prefix = g_strdup_printf("slide '%s'", sw->work.cases[item].id);

	if (c->slide == NULL)
		c->slide = slide_cases_open_one(sw->pool, sw->work.cases[item].id, c->path, error);
	if (c->slide == NULL)
		return FALSE;
	c->scale = slide_cases_scale(sw, c->slide);
	if (list_tiles(sw, c, error))
		return TRUE;
	if (error != NULL && !g_str_has_prefix((*error)->message, prefix))
		g_prefix_error(error, "%s: ", prefix);
	forget(c);
	return FALSE;
}

/* Where it was given up meanwhile, all that was made stays where it is: the case's slide may be part of it. */
gboolean slide_cases_prepare(struct work *w, guint item, GError **error)
{
	struct slide_work *sw = slide_work_of(w);
	struct slide_case c = sw->slides[item];
	struct work_case *wc = &w->cases[item];
	g_autoptr(GError) wrong = NULL;
	gboolean ok = look(sw, item, &c, &wrong);

	if (!case_change_begin(w, item, error))
		return FALSE;
	sw->slides[item] = c;
	if (ok) {
		wc->stratum = stratum_of(wc->label, &c);
		if (c.mask != NULL && c.mask->n_lesions > 0)
			wc->size = mask_lesion_area(c.mask, 0, c.slide->mpp);
		wc->ready = TRUE;
	}
	case_change_end();
	if (!ok)
		g_propagate_error(error, g_steal_pointer(&wrong));
	return ok;
}

void slide_cases_release(struct work *w, guint item)
{
	if (!w->cases[item].given_up)
		forget(&slide_work_of(w)->slides[item]);
	w->cases[item].ready = FALSE;
}
