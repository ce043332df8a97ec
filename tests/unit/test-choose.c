/*
 * test-choose.c - which candidate wins where it is made to; that few slides choose nothing; answers through JSON, bit
 * for bit; and what a damaged manifest is told.
 */
#include "common/checkpoint/json.h"
#include "common/fault/fault.h"
#include "common/metrics/metrics.h"
#include "common/score/choose.h"
#include <math.h>

enum { MOST = 200 };

/* n slides. The label shows in the top score, in the number of tiles over 0.5 and in the attention, each that strongly
   over noise of its own. */
struct made {
	double top[MOST], x[MOST * N_FEATURES], attention[MOST];
	guint8 label[MOST];
	struct slides s;
};

static double normal(GRand *source) { return metrics_normal_quantile(g_rand_double_range(source, 1e-12, 1)); }

static void make(struct made *m, guint32 seed, gsize n, double by_top, double by_count, double by_attention)
{
	g_autoptr(GRand) source = g_rand_new_with_seed(seed);

	for (gsize i = 0; i < n; i++) {
		double *x = m->x + i * N_FEATURES, common, count;
		m->label[i] = i % 5 < 2;
		common = by_top * m->label[i] + normal(source);
		count = by_count * m->label[i] + normal(source);
		for (guint j = 0; j < N_FEATURES; j++)
			x[j] = common + 0.1 * normal(source);
		for (guint j = FEATURE_COUNT_50; j <= FEATURE_SHARE_90; j++)
			x[j] = count + 0.1 * normal(source);
		m->top[i] = common;
		m->attention[i] = 5 * (by_attention * m->label[i] + normal(source));
	}
	m->s = (struct slides){ n, m->top, m->x, m->attention, m->label, NULL };
}

static void assert_chosen(const struct made *m, enum candidate c)
{
	struct slide_model got = slide_model_choose(&m->s, SCORE_MODEL_AUTO, 2018, NULL);

	for (guint k = 0; k < N_CANDIDATES; k++)
		if (got.candidates[k].there)
			g_test_message("%s: auc %.3f (%.3f..%.3f), log loss %.3f", candidate_names[k], got.candidates[k].auc.value,
				       got.candidates[k].auc.low, got.candidates[k].auc.high, got.candidates[k].log_loss);
	g_assert_cmpstr(candidate_names[got.chosen], ==, candidate_names[c]);
}

static void test_choose(void)
{
	struct made m;

	make(&m, 1, 150, 3, 0, 0);
	assert_chosen(&m, BY_TOP);
	make(&m, 2, 150, 0, 3, 0);
	assert_chosen(&m, BY_LOGISTIC);
	m.s.attention_opt = NULL;
	assert_chosen(&m, BY_LOGISTIC);
	make(&m, 3, 150, 0, 0, 3);
	assert_chosen(&m, BY_ATTENTION);
	make(&m, 4, 200, 0, 1.7, 1.7);
	assert_chosen(&m, BY_BOTH);
	m.attention[17] = NAN;  /* one slide lacks it */
	assert_chosen(&m, BY_LOGISTIC);
	make(&m, 5, 150, 0, 0, 0);
	for (gsize i = 0; i < 150; i++)
		m.x[i * N_FEATURES + FEATURE_HIGHEST] = 3 * m.label[i] + m.top[i];
	m.s.attention_opt = NULL;
	struct slide_model got = slide_model_choose(&m.s, SCORE_MODEL_AUTO, 1, NULL);
	g_assert_true(got.chosen == BY_MAX || got.chosen == BY_LOGISTIC);
}

/* However good the others look. */
static void test_few(void)
{
	struct made m;

	for (guint32 seed = 0; seed < 50; seed++)
		for (gsize n = 0; n <= 7; n++) {
			make(&m, seed, n, 0, 6, 6);
			assert_chosen(&m, BY_TOP);
		}
	make(&m, 1, 21, 0, 6, 6);       /* 9 positive */
	assert_chosen(&m, BY_TOP);
	make(&m, 1, 30, 0, 6, 6);       /* 12 */
	g_assert_cmpint(slide_model_choose(&m.s, SCORE_MODEL_AUTO, 1, NULL).chosen, !=, BY_TOP);
	memset(m.label, 1, sizeof m.label);
	assert_chosen(&m, BY_TOP);
	make(&m, 1, 60, 3, 0, 0);       /* one group: no folds, no log loss */
	m.s.group_opt = (const guint32[60]){ 0 };
	m.s.attention_opt = NULL;
	assert_chosen(&m, BY_TOP);
	g_assert_true(isnan(slide_model_choose(&m.s, SCORE_MODEL_AUTO, 1, NULL).candidates[BY_TOP].log_loss));
}

/* The same order, but top runs away from a straight line in the log odds, which max keeps: its log loss decides. */
static void test_tie(void)
{
	struct made m;

	make(&m, 1, 200, 0, 0, 0);
	for (gsize i = 0; i < 200; i++) {
		double at = 4 * ((double)i + 0.5) / 200 - 2;
		m.label[i] = at + (double)(i % 3) > 1;
		m.top[i] = at < -0.5 ? at * 1e4 : at;
		for (guint j = 0; j < N_FEATURES; j++)
			m.x[i * N_FEATURES + j] = j == FEATURE_HIGHEST ? at : 0;
	}
	m.s.attention_opt = NULL;
	assert_chosen(&m, BY_MAX);
	for (gsize i = 0; i < 200; i++)
		m.top[i] = 2 * m.x[i * N_FEATURES + FEATURE_HIGHEST] - 1;
	assert_chosen(&m, BY_TOP);      /* Platt's method makes them one */
}

static void test_wanted(void)
{
	static const enum candidate want[] = { BY_LOGISTIC, BY_MAX, BY_TOP, BY_LOGISTIC, BY_ATTENTION };
	struct made m;

	make(&m, 2, 60, 0, 4, 1);
	for (int w = SCORE_MODEL_MAX; w <= SCORE_MODEL_ATTENTION; w++)
		g_assert_cmpint(slide_model_choose(&m.s, (enum score_model)w, 1, NULL).chosen, ==, want[w]);
	m.s.attention_opt = NULL;
	g_assert_cmpint(slide_model_choose(&m.s, SCORE_MODEL_ATTENTION, 1, NULL).chosen, ==, BY_TOP);
}

/* By top alone the answer is that of score.h, as before there was a choice. */
static void test_answer(void)
{
	struct made m;

	make(&m, 3, 60, 2, 1, 1);
	m.top[5] = NAN;
	struct slide_model top = slide_model_choose(&m.s, SCORE_MODEL_TOP, 1, NULL);
	struct slide_model both = slide_model_choose(&m.s, SCORE_MODEL_ATTENTION, 1, NULL);
	struct score_fit fit = score_fit_logistic(m.top, m.label, 60);
	g_assert_cmpuint(top.slides, ==, 59);
	for (gsize i = 0; i < 60; i++) {
		const double *x = m.x + i * N_FEATURES;
		double p = slide_model_answer(&top, m.top[i], x, m.attention[i]);
		if (i == 5) {
			g_assert_true(isnan(p));
			continue;
		}
		g_assert_cmpfloat(p, ==, score_probability(fit, m.top[i]));
		g_assert_cmpfloat(slide_model_answer(&both, m.top[i], x, NAN), ==, p);
		g_assert_cmpfloat(slide_model_answer(&both, m.top[i], x, 2.5), ==,
				  score_probability(both.candidates[BY_ATTENTION].fit, 2.5));
	}
	both.chosen = BY_BOTH;
	const double *l = &both.candidates[BY_LOGISTIC].fit.slope, *a = &both.candidates[BY_ATTENTION].fit.slope;
	double middle = (l[0] * logistic_logit(&both.logistic, m.x) + l[1] + a[0] * 2.5 + a[1]) / 2;
	g_assert_cmpfloat(slide_model_answer(&both, m.top[0], m.x, 2.5), ==,
			  score_probability(both.candidates[BY_BOTH].fit, middle));
}

static char *text_of(const struct slide_model *m)
{
	g_autoptr(JsonObject) object = slide_model_json(m);
	g_autoptr(JsonNode) node = json_node_alloc();

	return json_to_string(json_node_init_object(node, object), FALSE);
}

static gboolean read_text(const char *text, struct slide_model *out, GError **error)
{
	g_autoptr(JsonObject) object = json_parse(text, strlen(text), "text", NULL);

	g_assert_nonnull(object);
	return slide_model_read(object, out, error);
}

static void assert_same_answers(const struct slide_model *a, const struct slide_model *b, const struct made *m)
{
	for (gsize i = 0; i < m->s.n; i++)
		g_assert_cmpfloat(slide_model_answer(a, m->top[i], m->x + i * N_FEATURES, m->attention[i]), ==,
				  slide_model_answer(b, m->top[i], m->x + i * N_FEATURES, m->attention[i]));
}

static void test_json(void)
{
	struct made m;

	for (gsize n = 0; n <= 60; n += 20)
		for (int way = BY_TOP; way < N_CANDIDATES; way++) {
			struct slide_model back = { 0 };
			g_autoptr(GError) error = NULL;
			make(&m, 6, n, 1, 1, 1);
			struct slide_model made = slide_model_choose(&m.s, SCORE_MODEL_TOP, 1, NULL);
			if (n > 0)
				made.chosen = (enum candidate)way;
			g_autofree char *text = text_of(&made);
			gboolean read = read_text(text, &back, &error);
			g_assert_no_error(error);
			g_assert_true(read);
			g_assert_cmpint(back.chosen, ==, made.chosen);
			g_assert_cmpuint(back.slides, ==, n);
			m.s.n = 60;
			make(&m, 7, 60, 1, 1, 1);
			assert_same_answers(&made, &back, &m);
			g_autofree char *again = text_of(&back);
			g_assert_cmpstr(again, ==, text);
		}
}

/* Each line takes what its regular expression finds in a good text for something else. */
static const struct { const char *find, *put, *message; } damages[] = {
	{ "\"model\":\"both\"", "\"model\":\"best\"", "model: expected top, max, logistic, attention or both" },
	{ "\"model\":\"both\"", "\"model\":3", "model: expected top, max, logistic, attention or both" },
	{ "\"candidates\":\\{", "\"others\":{", "candidates: expected an object" },
	{ "\"top\":\\{[^}]*\\},", "", "candidates.top: expected an object" },
	{ "\"max\":\\{[^}]*\\}", "\"max\":[]", "candidates.max: expected an object" },
	{ ",\"attention\":\\{[^}]*\\}", "", "candidates.attention: expected an object" },
	{ "\"slope\":[^,]*,", "\"slope\":0,", "candidates.top.slope: expected a number above 0" },
	{ "\"slope\":[^,]*,", "\"slope\":-1e5,", "candidates.top.slope: expected a number above 0" },
	{ "\"slope\":[^,]*,", "\"slope\":1e999,", "candidates.top.slope: expected a number above 0" },
	{ "\"intercept\":[^}]*\\}", "\"intercept\":\"1\"}", "candidates.top.intercept: expected a number" },
	{ "\"auc\":[^,]*", "\"auc\":1.5", "candidates.top.auc: expected a number from 0 to 1" },
	{ "\"log_loss\":[^,]*", "\"log_loss\":null", "candidates.top.log_loss: expected a number not below 0" },
	{ "\"logistic\":\\{\"lambda\"", "\"regression\":{\"lambda\"", "logistic: expected an object" },
	{ "\"features\":", "\"feature\":", "logistic.features: expected this program's features" },
	{ "\"highest\":\\{[^}]*\\},", "", "logistic.features: expected this program's features" },
	{ "\"highest\":", "\"height\":", "logistic.features.highest: expected an object" },
	{ "\"scale\":[^,]*", "\"scale\":-1", "logistic.features.highest.scale: expected a number not below 0" },
	{ "\"weight\":[^}]*", "\"weight\":true", "logistic.features.highest.weight: expected a number" },
	{ "\"lambda\":[^,]*,", "", "logistic.lambda: expected a number not below 0" },
	{ "\"slides\":[^,]*", "\"slides\":-1", "slides: expected a number not below 0" },
};

static void test_damage(void)
{
	struct made m;

	make(&m, 6, 40, 1, 1, 1);
	struct slide_model good = slide_model_choose(&m.s, SCORE_MODEL_TOP, 1, NULL);
	good.chosen = BY_BOTH;
	g_autofree char *text = text_of(&good);
	for (gsize i = 0; i < G_N_ELEMENTS(damages); i++) {
		g_autoptr(GRegex) regex = g_regex_new(damages[i].find, 0, 0, NULL);
		g_autoptr(GMatchInfo) match = NULL;
		g_autoptr(GError) error = NULL;
		struct slide_model out = { .slides = 77 };
		int from, to;
		g_assert_true(g_regex_match(regex, text, 0, &match) && g_match_info_fetch_pos(match, 0, &from, &to));
		g_autofree char *head = g_strndup(text, (gsize)from), *bad = g_strconcat(head, damages[i].put, text + to, NULL);
		g_autofree char *message = g_strconcat("slide model: ", damages[i].message, NULL);
		g_assert_false(read_text(bad, &out, &error));
		g_assert_error(error, FAULT, FAULT_DATA);
		g_assert_cmpstr(error->message, ==, message);
		g_assert_cmpuint(out.slides, ==, 77);
	}
	g_autoptr(GError) error = NULL;
	g_assert_false(slide_model_read(NULL, &good, &error));
	g_assert_cmpstr(error->message, ==, "slide model: candidates: expected an object");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/choose/choose", test_choose);
	g_test_add_func("/choose/few", test_few);
	g_test_add_func("/choose/tie", test_tie);
	g_test_add_func("/choose/wanted", test_wanted);
	g_test_add_func("/choose/answer", test_answer);
	g_test_add_func("/choose/json", test_json);
	g_test_add_func("/choose/damage", test_damage);
	return g_test_run();
}
