/*
 * slide_cases.c - the slides of a phase, opened all at once for training, one by one for answering; and closed.
 */
#include "common/checkpoint/json.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/machine/jobs.h"
#include "common/machine/machine.h"
#include "common/machine/room.h"
#include "common/model/model.h"
#include "common/task/slide_facts.h"
#include "common/task/slide_work.h"
#include <glib/gstdio.h>
#include <math.h>
#include <sys/stat.h>

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

/* But for its slide. */
static void free_case(struct slide_work *sw, guint i)
{
	g_free(sw->slides[i].path);
	g_free(sw->slides[i].mask_path);
	g_free(sw->work.cases[i].id);
	g_free(sw->work.cases[i].group);
	g_free(sw->work.cases[i].left_out);
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
		slide_note(w, "%s; left out", errors[i]->message);
		g_error_free(errors[i]);
		free_case(sw, i);
		w->n_left_out++;
	}
	w->n_cases = kept;
}

/* The training slides' median resolution; 0 where none is known. */
static double median_mpp(const struct slide_work *sw)
{
	g_autofree double *mpp = g_new(double, sw->work.n_cases + 1);
	gsize n = 0;

	for (guint i = 0; i < sw->work.n_cases; i++) {
		const double known = slide_mpp(sw, sw->slides[i].slide);
		if (known > 0)
			mpp[n++] = known;
	}
	metrics_sort(mpp, n);
	return n > 0 ? metrics_quantile(mpp, n, 0.5) : 0;
}

/* Slides to keep open: in training all, for any of them may be drawn next; to answer, those being prepared and
   read. As far as an eighth of the memory holds them (of .mrxs slides that are read without OpenSlide, ten in the room of one), and
   as half of the files that may be open allows one each: OpenSlide 3.4.1 keeps none between reads of .mrxs and .svs files
   (measured), other versions may. */
static guint handles(const struct settings *s, enum phase phase, guint n_cases)
{
	enum { LEAST = 2, MOST = 1024 };
	const guint64 room = machine_memory() / 8;
	const guint most = (guint)CLAMP(room_files() / 2, LEAST, MOST);
	guint n = CLAMP(phase == PHASE_TRAIN ? n_cases : 2 * (guint)machine_threads(s->threads) + 2, LEAST, most);

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

static double mpp_learned(struct work *w, JsonObject *facts, double mpp)
{
	const double told = json_number(facts, "mpp", 0);

	if (mpp != told) /* not copied: it was out of range */
		slide_note(w, "the model was learned at %g um/px, which no slide has: its manifest is damaged, and slides are "
			"read at level 0; train again", told);
	return mpp;
}

/* From tiles to a slide as it was learned; else by the highest tiles alone, and that is said. */
static void note_unfit(struct work *w, JsonObject *facts)
{
	struct slide_model model;
	g_autoptr(GError) why = NULL;

	if (facts != NULL && json_object_has_member(facts, "slide_model") &&
	    !slide_model_read(json_child(facts, "slide_model"), &model, &why))
		slide_note(w, "%s: slides are ranked by their highest tiles alone; train again with this program", why->message);
}

/* A side of the map that the network draws; an unknown network is an error of who makes it. */
static int cells_of(const struct settings *settings)
{
	const struct network *network = network_find(settings->model.network, NULL);

	return network != NULL ? network->map : 0;
}

/* px that the network gets tiles enlarged to: networks that were learned on pictures of 224 px or so tell small tiles apart
   better so (SqueezeNet from ImageNet's weights on tiles of 96: tests/bench/learn). 0: as they are */
static int input_of(const struct settings *s, const struct slide_facts *known)
{
	enum { LARGE = 192 };
	const int size = s->tiles.size, wanted = (int)s->model.input;
	const int side = wanted > 0 ? wanted : known->learned ? known->input
		       : s->model.weights[0] != '\0' ? MIN(2 * size, LARGE) : size;

	return side > size ? side : 0;
}

struct work *slide_cases_open(const struct settings *settings, enum phase phase, JsonObject *facts, GError **error)
{
	struct slide_work *sw = g_new0(struct slide_work, 1);
	struct work *w = &sw->work;
	const struct slide_facts known = slide_facts_read(facts);

	w->task = &slide_classification;
	w->settings = settings;
	w->phase = phase;
	w->columns = sw->columns;
	int map = phase == PHASE_TRAIN ? cells_of(settings) : 0;        /* nothing is learned from a test slide */
	w->shape = (struct sample_shape){ 3, settings->tiles.size, settings->tiles.size, 1 + map * map, map,
					 settings->tiles.context > 1 ? 1 : 0, input_of(settings, &known),
					 phase == PHASE_TRAIN ? settings->training.screen : known.screen };
	w->outputs = 2;
	w->patience = settings->data.patience;
	w->notes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) all = NULL;
	if (answer_columns_take(settings->answer.columns, "answer.columns", sw->columns, &w->n_answers, error))
		all = slide_list(settings, w, error);
	if (all == NULL) {
		slide_cases_close(w);
		return NULL;
	}
	sw->handles = handles(settings, phase, all->len);
	sw->pool = slide_pool_new(sw->handles);
	slide_pool_set_patience(sw->pool, w->patience / 2);     /* who waits for a handle is given up later */
	w->n_cases = all->len;
	w->cases = g_new0(struct work_case, all->len);
	sw->slides = g_new0(struct slide_case, all->len);
	for (guint i = 0; i < all->len; i++) {
		struct slide_found *f = all->pdata[i];
		w->cases[i] = (struct work_case){ .id = g_steal_pointer(&f->id), .label = f->label,
						  .group = g_steal_pointer(&f->group), .stratum = (guint)MAX(f->label, 0) };
		sw->slides[i].path = g_steal_pointer(&f->path);
		sw->slides[i].mask_path = g_steal_pointer(&f->mask_path);
	}
	if (phase == PHASE_TEST && !known.fitted)
		note_unfit(w, facts);
	if (phase == PHASE_TRAIN) {
		w->listed = case_sum(w);
		slide_table_read(sw);
		open_all(sw);
	}
	sw->mpp = settings->tiles.mpp > 0 ? settings->tiles.mpp
		: settings->tiles.mpp == MPP_LEVEL0 ? 0
		: phase == PHASE_TRAIN && facts == NULL ? median_mpp(sw) : mpp_learned(w, facts, known.mpp);
	return w;
}

void slide_cases_close(struct work *w)
{
	struct slide_work *sw = slide_work_of(w);

	if (w->n_given_up > 0) {        /* threads hang that have it all */
		jobs_leave(w);
		return;
	}
	for (guint i = 0; i < w->n_cases; i++) {
		slide_forget(&sw->slides[i]);
		free_case(sw, i);
	}
	slide_pool_free(sw->pool);
	g_clear_pointer(&sw->table, g_hash_table_unref);
	g_ptr_array_unref(w->notes);
	g_free(w->cases);
	g_free(w->listed);
	g_free(sw->slides);
	g_free(sw);
}
