/*
 * test-audit.c - what is done with what a look finds, on a task whose looks are made up: cases left out, groups
 * joined, a stop; and how far a mean has moved, by hand.
 */
#include "train/audit.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/machine/stop.h"
#include <math.h>
#include <signal.h>

enum { MOST = 10 };

static struct made { const char *id, *group, *content; int label; guint failed, looks; gboolean opens; int pattern; } made[MOST];
static guint n_made;

static const char *const ids[MOST] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };

/* One more case, in order; pattern: two of one pattern look the same; 0: like no other. */
static struct made *make(int label, const char *group, const char *content, int pattern)
{
	made[n_made] = (struct made){ ids[n_made], group, content, label, 0, 0, TRUE, pattern };
	return &made[n_made++];
}

static gboolean look(struct work *w, guint item, struct look *out, GError **error)
{
	struct made *m = &made[item];

	m->looks++;
	if (!m->opens) {
		g_set_error(error, FAULT, FAULT_DATA, "case '%s': cannot be opened", w->cases[item].id);
		return FALSE;
	}
	out->content = g_strdup(m->content);
	out->tried = 4;
	out->failed = m->failed;
	out->reason = m->failed > 0 ? g_strdup("torn") : NULL;
	if (m->pattern == 0)
		return TRUE;
	out->print.wide = out->print.high = 1;
	out->print.cell[m->pattern] = 1;
	for (int i = 0; i < m->pattern * FINGERPRINT_PARTS / FINGERPRINT_CELLS; i++)
		out->print.rest[i] = 1;
	return TRUE;
}

static void release(struct work *w, guint item) { w->cases[item].ready = FALSE; }
static void facts(const struct work *w, JsonObject *out) { json_object_set_int_member(out, "n", w->n_cases); }

static struct work *open_none(const struct settings *s, enum phase phase, JsonObject *facts_opt, GError **error)
{
	(void)s;
	g_assert_cmpint(phase, ==, PHASE_TEST);
	g_assert_nonnull(facts_opt);
	g_set_error(error, FAULT, FAULT_DATA, "there is no test set");
	return NULL;
}

static const struct task task = { .name = "made", .open = open_none, .release = release, .facts = facts, .look = look };

static struct work *run(gboolean stopped)
{
	static struct work work;
	static struct work_case cases[MOST];
	g_autoptr(settings_t) s = settings_new();
	const struct memory memory = { .readers = 2 };
	const struct device device = { .index = T_CPU, .flags = 0, .threads = 2 };
	g_auto(findings_t) findings = { 0 };
	g_autoptr(GError) error = NULL;

	settings_set_data_dir(s, g_get_tmp_dir());
	work = (struct work){ .task = &task, .settings = s, .phase = PHASE_TRAIN, .n_cases = n_made, .cases = cases };
	for (guint i = 0; i < n_made; i++) {
		g_free(cases[i].group);
		g_free(cases[i].left_out);
		cases[i] = (struct work_case){ .id = (char *)made[i].id, .label = made[i].label,
					       .group = g_strdup(made[i].group), .ready = TRUE };
	}
	gboolean ok = audit(&work, &memory, &device, &findings, &error);
	g_assert_cmpint(ok, ==, !stopped);
	if (stopped)
		g_assert_error(error, FAULT, FAULT_STOPPED);
	else
		g_assert_no_error(error);
	work.settings = NULL;
	return &work;
}

static const char *name_of(const struct work *w, guint i)
{
	return w->cases[i].group != NULL ? w->cases[i].group : w->cases[i].id;
}

static void test_left_out(void)
{
	n_made = 0;
	make(0, NULL, NULL, 0)->failed = 2;     /* half can be read */
	make(0, NULL, NULL, 0)->failed = 3;
	make(1, NULL, NULL, 0)->opens = FALSE;
	make(1, NULL, NULL, 0);
	const struct work *w = run(FALSE);
	g_assert_true(w->cases[0].ready);
	g_assert_false(w->cases[1].ready);
	g_assert_false(w->cases[2].ready);
	g_assert_true(w->cases[3].ready);
	g_assert_cmpuint(w->n_left_out, ==, 2);
	for (guint i = 0; i < n_made; i++)
		g_assert_cmpuint(made[i].looks, ==, 1);
}

static void test_groups(void)
{
	n_made = 0;
	make(0, NULL, "x", 0);                  /* a and d: the same bytes */
	make(0, "p", NULL, 5);                  /* b and e look the same; b's group has c too */
	make(0, "p", NULL, 0);
	make(0, NULL, "x", 0);
	make(0, "q", NULL, 5);                  /* e's group has f too */
	make(0, "q", "y", 0);
	make(0, "r", NULL, 200);                /* g, h and i: alone */
	make(0, NULL, "z", 0);
	make(0, NULL, NULL, 0);
	const struct work *w = run(FALSE);
	g_assert_cmpstr(name_of(w, 0), ==, "a");
	g_assert_cmpstr(name_of(w, 3), ==, "a");
	for (guint i = 1; i < 6; i++)
		if (i != 3)
			g_assert_cmpstr(name_of(w, i), ==, "p");
	g_assert_cmpstr(name_of(w, 6), ==, "r");
	g_assert_null(w->cases[7].group);
	g_assert_null(w->cases[8].group);
	g_assert_cmpuint(w->n_left_out, ==, 0);
}

/* Three of one content, one of them in another class: none can be believed. */
static void test_contradiction(void)
{
	n_made = 0;
	make(0, NULL, "x", 0);
	make(0, NULL, "x", 0);
	make(1, NULL, "x", 0);
	make(0, NULL, NULL, 70);
	make(1, NULL, NULL, 70);
	make(0, NULL, "y", 71);
	make(1, NULL, "z", 72);
	const struct work *w = run(FALSE);
	for (guint i = 0; i < 5; i++)
		g_assert_false(w->cases[i].ready);
	g_assert_true(w->cases[5].ready);
	g_assert_true(w->cases[6].ready);
	g_assert_cmpuint(w->n_left_out, ==, 5);
}

static void test_stop(void)
{
	n_made = 0;
	make(0, NULL, "x", 0)->failed = 4;
	make(1, NULL, "x", 0);
	stop_ask(SIGTERM);
	const struct work *w = run(TRUE);
	stop_ask(0);
	g_assert_true(w->cases[0].ready);
	g_assert_true(w->cases[1].ready);
	g_assert_cmpuint(made[0].looks + made[1].looks, ==, 0);
}

/* 1 2 3 has mean 2 and variance 1. */
static void test_shift(void)
{
	const double a[] = { 1, 2, 3 }, near[] = { 2, 3, 4 }, far[] = { 5, 6, 7 }, wild[] = { 0, 6, 12 };
	const double one[] = { 4, 4, 4, 4 }, same[] = { 2, 2, 2 }, little[] = { 2.01, 2.01, 2.01 };

	/* one deviation, 1 / sqrt(2/3) = 1.2 standard errors: by chance */
	struct audit_shift s = audit_shift(a, 3, near, 3, 0);
	g_assert_cmpfloat_with_epsilon(s.from, 2, 1e-12);
	g_assert_cmpfloat_with_epsilon(s.to, 3, 1e-12);
	g_assert_cmpfloat_with_epsilon(s.by, 1, 1e-12);
	g_assert_false(s.matters);
	/* four deviations, 4.9 standard errors */
	s = audit_shift(a, 3, far, 3, 0);
	g_assert_cmpfloat_with_epsilon(s.by, 4, 1e-12);
	g_assert_true(s.matters);
	g_assert_false(audit_shift(a, 3, far, 3, 4.5).matters);
	/* as many deviations, 4 / sqrt(1/3 + 36/3) = 1.1 standard errors */
	s = audit_shift(a, 3, wild, 3, 0);
	g_assert_cmpfloat_with_epsilon(s.by, 4, 1e-12);
	g_assert_false(s.matters);
	/* 2 / sqrt(1/3 + 0) = 3.5 */
	g_assert_true(audit_shift(a, 3, one, 4, 0).matters);
	/* nothing varies: a difference counts where it is large enough to be seen */
	g_assert_false(audit_shift(same, 3, little, 3, 0.03).matters);
	g_assert_true(audit_shift(same, 3, one, 3, 0.03).matters);
	/* too few */
	s = audit_shift(a, 3, far, 2, 0);
	g_assert_cmpfloat_with_epsilon(s.to, 5.5, 1e-12);
	g_assert_false(s.matters);
	s = audit_shift(a, 3, NULL, 0, 0);
	g_assert_cmpfloat(s.by, ==, 0);
	g_assert_false(s.matters);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_open("test", 0);
	g_test_add_func("/audit/left-out", test_left_out);
	g_test_add_func("/audit/groups", test_groups);
	g_test_add_func("/audit/contradiction", test_contradiction);
	g_test_add_func("/audit/stop", test_stop);
	g_test_add_func("/audit/shift", test_shift);
	return g_test_run();
}
