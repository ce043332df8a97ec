/*
 * split.c - see split.h. Groups are sorted by stratum, then by hash; of each stratum the first ones are held
 * out until its share is reached, and what a stratum is short of, or has over, goes to the next one.
 */
#include "train/split.h"
#include "common/checkpoint/json.h"
#include "common/random/random.h"
#include <math.h>

struct group {
	guint first;            /* a case of it; its name is the case's group, or id */
	guint cases, stratum;   /* ready ones; the highest stratum among them */
	int label;              /* of that case */
	guint64 order;
	gboolean held, taken;   /* in this fold; in one before */
};

static const char *name_of(const struct work_case *c) { return c->group != NULL ? c->group : c->id; }

static guint64 hash_text(const char *text)
{
	guint64 h = 0xcbf29ce484222325u;        /* FNV-1a (Fowler, Noll, Vo) */

	for (; *text != '\0'; text++)
		h = (h ^ (guchar)*text) * 0x100000001b3u;
	return h;
}

static int by_stratum(gconstpointer a, gconstpointer b)
{
	const struct group *x = a, *y = b;

	if (x->stratum != y->stratum)
		return x->stratum < y->stratum ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* Each class with two groups or more: one at least on either side; one that was not held out before, if there is. */
static void mend(GArray *groups, int label)
{
	struct group *last = NULL;
	guint held = 0, n = 0;

	for (guint i = 0; i < groups->len; i++) {
		struct group *g = &g_array_index(groups, struct group, i);
		if (g->label != label)
			continue;
		n++;
		held += g->held ? 1 : 0;
		if (last == NULL || g->taken < last->taken || (g->taken == last->taken && g->order < last->order))
			last = g;
	}
	if (n >= 2 && (held == 0 || held == n))
		last->held = held == 0;
	if (n == 1)
		last->held = FALSE;
}

/* Of the stratum that begins here. */
static guint cases_from(const GArray *groups, guint first)
{
	guint stratum = g_array_index(groups, struct group, first).stratum, n = 0;

	for (guint i = first; i < groups->len && g_array_index(groups, struct group, i).stratum == stratum; i++)
		n += g_array_index(groups, struct group, i).cases;
	return n;
}

/* One fold of them. rest: all that no fold before it took. */
static void hold(GArray *groups, double share, gboolean rest, int labels)
{
	double wanted = 0.5, have = 0;

	for (guint i = 0; i < groups->len; i++) {
		struct group *g = &g_array_index(groups, struct group, i);
		g->taken = g->taken || g->held;
		if (i == 0 || g->stratum != g[-1].stratum)
			wanted += share * cases_from(groups, i);
		g->held = !g->taken && (rest || wanted - have >= g->cases);
		have += g->held ? g->cases : 0;
	}
	for (int label = 0; label < labels; label++)
		mend(groups, label);
}

guint split_members(const struct settings *s)
{
	enum { USUAL = 3 };

	return s->training.members > 0 ? (guint)s->training.members
				       : s->training.time >= SPLIT_SHARED ? MIN(USUAL, split_folds(s->split.validation)) : 1;
}

guint split_folds(double share)
{
	return share > 0 ? MAX((guint)lround(1 / share), 1) : 1;
}

void split_cases(const struct work *work, double share, guint64 seed, guint fold, gboolean *held)
{
	g_autoptr(GHashTable) index = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GArray) groups = g_array_new(FALSE, TRUE, sizeof(struct group));
	guint folds = split_folds(share);
	int labels = 0;

	memset(held, 0, work->n_cases * sizeof *held);
	for (guint i = 0; i < work->n_cases && share > 0; i++) {
		const struct work_case *c = &work->cases[i];
		gpointer at;
		if (!c->ready)
			continue;
		labels = MAX(labels, c->label + 1);
		if (!g_hash_table_lookup_extended(index, name_of(c), NULL, &at)) {
			struct group fresh = { .first = i, .label = c->label,
					       .order = random_hash(seed, hash_text(name_of(c)), 0, 0) };
			at = GUINT_TO_POINTER(groups->len);
			g_hash_table_insert(index, (gpointer)name_of(c), at);
			g_array_append_val(groups, fresh);
		}
		struct group *g = &g_array_index(groups, struct group, GPOINTER_TO_UINT(at));
		g->cases++;
		if (c->stratum >= g->stratum) {
			g->stratum = c->stratum;
			g->label = c->label;
		}
	}
	g_array_sort(groups, by_stratum);
	for (guint k = 0; k <= fold % folds; k++)
		hold(groups, share, folds > 1 && k == folds - 1, labels);
	g_hash_table_remove_all(index);
	for (guint i = 0; i < groups->len; i++) {
		struct group *g = &g_array_index(groups, struct group, i);
		g_hash_table_insert(index, (gpointer)name_of(&work->cases[g->first]), GINT_TO_POINTER(g->held));
	}
	for (guint i = 0; i < work->n_cases && share > 0; i++)
		held[i] = work->cases[i].ready && g_hash_table_lookup(index, name_of(&work->cases[i])) != NULL;
}

void split_again(const struct work *w, GHashTable *names, gboolean *held)
{
	g_autoptr(GHashTable) groups = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < w->n_cases; i++) {
		g_autofree char *name = json_name(w->cases[i].id);
		if (g_hash_table_contains(names, name))
			g_hash_table_add(groups, (gpointer)name_of(&w->cases[i]));
	}
	for (guint i = 0; i < w->n_cases; i++)
		held[i] = w->cases[i].ready && g_hash_table_contains(groups, name_of(&w->cases[i]));
}
