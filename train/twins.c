/* twins.c - see twins.h. */
#include "train/twins.h"
#include "common/log/log.h"
#include "common/slide/union_find.h"

enum { PAIRS_SAID = 1000 };     /* kept of each kind: with more there is one cause */

struct pair { guint a, b; double likeness; }; /* indices of both sets together; likeness 1 and more: the same bytes */

struct twins {
	const struct twins_side *train, *test;
	GArray *pairs;          /* struct pair, at most PAIRS_SAID */
	guint *root;            /* (training cases) union-find: the smallest index of those that belong together */
	guint *same;            /* the same of those that are the same for certain */
	gboolean *joined;       /* (training cases) */
	guint n_alike, n_across, n_test; /* pairs: training; of those of two classes; of training and test */
};

static const struct look *look_of(const struct twins *t, guint i)
{
	guint n = t->train->work->n_cases;

	return i < n ? &t->train->looks[i] : &t->test->looks[i - n];
}

static const struct work_case *case_of(const struct twins *t, guint i)
{
	guint n = t->train->work->n_cases;

	return i < n ? &t->train->work->cases[i] : &t->test->work->cases[i - n];
}

static void take_pair(guint a, guint b, double likeness, gpointer user)
{
	struct twins *t = user;
	const struct work_case *x = case_of(t, a), *y = case_of(t, b);
	struct pair p = { a, b, likeness };
	guint n = t->train->work->n_cases;

	if (a >= n || !x->ready || (b < n && !y->ready))
		return; /* two of the test set are nothing to training */
	if (t->pairs->len < PAIRS_SAID)
		g_array_append_val(t->pairs, p);
	if (b >= n) {
		t->n_test++;
		return;
	}
	t->n_alike++;
	union_join(t->root, a, b);
	t->joined[a] = t->joined[b] = TRUE;
	t->n_across += x->label != y->label;
	if (likeness >= TWINS_SAME)
		union_join(t->same, a, b);
}

/* The same bytes: each against the first that has them. */
static void find_same(struct twins *t, guint n)
{
	g_autoptr(GHashTable) first = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < n; i++) {
		char *content = look_of(t, i)->content;
		gpointer at;
		if (content == NULL || (i < t->train->work->n_cases && !case_of(t, i)->ready))
			continue;
		if (g_hash_table_lookup_extended(first, content, NULL, &at))
			take_pair(GPOINTER_TO_UINT(at), i, 1, t);
		else
			g_hash_table_insert(first, content, GUINT_TO_POINTER(i));
	}
}

/* The same to look at; pairs that find_same has are not taken again. */
static void take_alike(guint a, guint b, double likeness, gpointer user)
{
	const char *x = look_of(user, a)->content, *y = look_of(user, b)->content;

	if (x == NULL || y == NULL || !g_str_equal(x, y))
		take_pair(a, b, likeness, user);
}

static void say_pair(const struct twins *t, const struct pair *p)
{
	const struct work_case *x = case_of(t, p->a), *y = case_of(t, p->b);
	const struct work *w = t->train->work;
	g_autofree char *how = p->likeness >= 1 ? g_strdup("have the same content")
						: g_strdup_printf("show the same (likeness %.3f)", p->likeness);

	if (p->b >= w->n_cases)
		log_warn("train and test", "case '%s' of training and '%s' of the test set %s: held-out scores say less of the "
			 "test set than they seem to, if there are many", x->id, y->id, how);
	else if (x->label == y->label)
		log_warn("twins", "cases '%s' and '%s' %s: they stay together in the split; remove one if it is a copy", x->id,
			 y->id, how);
	else
		log_warn("contradiction", "cases '%s' (%s) and '%s' (%s) %s, in two classes: %s", x->id, case_class(w, p->a),
			 y->id, case_class(w, p->b), how, p->likeness >= TWINS_SAME ? "both are left out; find the right one" :
			 "they stay together in the split; look whether both labels are right");
}

/* Names of groups that are joined become one; those of a group are joined already. */
static void name_groups(struct twins *t)
{
	struct work *w = t->train->work;
	g_autoptr(GHashTable) first = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree gboolean *rename = g_new0(gboolean, (gsize)w->n_cases + 1);
	gpointer at;

	for (guint i = 0; i < w->n_cases; i++) {
		char *group = w->cases[i].group;
		if (group != NULL && g_hash_table_lookup_extended(first, group, NULL, &at))
			union_join(t->root, GPOINTER_TO_UINT(at), i);
		else if (group != NULL)
			g_hash_table_insert(first, group, GUINT_TO_POINTER(i));
	}
	for (guint i = 0; i < w->n_cases; i++)
		if (t->joined[i])
			rename[union_root(t->root, i)] = TRUE;
	g_hash_table_remove_all(first); /* it holds names that are freed below */
	for (guint i = 0; i < w->n_cases; i++) {
		const struct work_case *of = &w->cases[union_root(t->root, i)]; /* the first, so it has its new name */
		if (!rename[union_root(t->root, i)])
			continue;
		char *name = g_strdup(of->group != NULL ? of->group : of->id);
		g_free(w->cases[i].group);
		w->cases[i].group = name;
	}
}

/* Of what is the same for certain, all, where two of it have different labels. */
static void leave_out_contradictions(struct twins *t)
{
	struct work *w = t->train->work;
	g_autofree gboolean *contradicted = g_new0(gboolean, (gsize)w->n_cases + 1);

	for (guint i = 0; i < w->n_cases; i++) {
		guint first = union_root(t->same, i);
		contradicted[first] |= w->cases[i].label != w->cases[first].label;
	}
	for (guint i = 0; i < w->n_cases; i++)
		if (contradicted[union_root(t->same, i)])
			case_leave_out(w, i, "the same is there in another class");
}

static void find_twins(struct twins *t)
{
	struct work *w = t->train->work;
	guint n = w->n_cases + (t->test->work != NULL ? t->test->work->n_cases : 0);
	g_autofree const struct fingerprint **prints = g_new(const struct fingerprint *, (gsize)n + 1);

	for (guint i = 0; i < w->n_cases; i++)
		t->root[i] = t->same[i] = i;
	for (guint i = 0; i < n; i++)
		prints[i] = &look_of(t, i)->print;
	find_same(t, n);
	fingerprint_pairs(prints, n, TWINS_ALIKE, take_alike, t);
	for (guint i = 0; i < t->pairs->len; i++)
		say_pair(t, &g_array_index(t->pairs, struct pair, i));
	name_groups(t);
	leave_out_contradictions(t);
}

void twins_judge(const struct twins_side *train, const struct twins_side *test)
{
	gsize n = (gsize)train->work->n_cases + 1;
	g_autoptr(GArray) pairs = g_array_new(FALSE, FALSE, sizeof(struct pair));
	g_autofree guint *root = g_new0(guint, n), *same = g_new0(guint, n);
	g_autofree gboolean *joined = g_new0(gboolean, n);
	struct twins t = { train, test, pairs, root, same, joined, 0, 0, 0 };

	find_twins(&t);
	log_keep("twins", "twins cases=%u across_classes=%u train_and_test=%u", t.n_alike, t.n_across, t.n_test);
}
