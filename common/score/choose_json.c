/* choose_json.c - see choose.h: the slide model as JSON, and back. */
#include "common/checkpoint/json.h"
#include "common/fault/fault.h"
#include "common/score/choose.h"
#include <math.h>

/* ---- to write ---- */

/* JSON knows no NAN: then there is no such member. */
static void put(JsonObject *out, const char *name, double value)
{
	if (isfinite(value))
		json_object_set_double_member(out, name, value);
}

static JsonObject *candidate_json(const struct candidate_fit *c)
{
	JsonObject *out = json_object_new();

	put(out, "auc", c->auc.value);
	put(out, "auc_low", c->auc.low);
	put(out, "auc_high", c->auc.high);
	put(out, "log_loss", c->log_loss);
	put(out, "slope", c->fit.slope);
	put(out, "intercept", c->fit.intercept);
	return out;
}

static JsonObject *logistic_json(const struct logistic *l)
{
	JsonObject *out = json_object_new(), *all = json_object_new();

	put(out, "lambda", l->lambda);
	put(out, "intercept", l->intercept);
	for (guint j = 0; j < N_FEATURES; j++) {
		JsonObject *one = json_object_new();
		put(one, "mean", l->mean[j]);
		put(one, "scale", l->scale[j]);
		put(one, "weight", l->weight[j]);
		json_object_set_object_member(all, feature_table[j].name, one);
	}
	json_object_set_object_member(out, "features", all);
	return out;
}

JsonObject *slide_model_json(const struct slide_model *m)
{
	JsonObject *out = json_object_new(), *all = json_object_new();

	json_object_set_string_member(out, "model", candidate_names[m->chosen]);
	json_object_set_int_member(out, "slides", (gint64)m->slides);
	for (guint c = 0; c < N_CANDIDATES; c++)
		if (m->candidates[c].there)
			json_object_set_object_member(all, candidate_names[c], candidate_json(&m->candidates[c]));
	json_object_set_object_member(out, "candidates", all);
	json_object_set_object_member(out, "logistic", logistic_json(&m->logistic));
	return out;
}

/* ---- to read ---- */

static gboolean bad(GError **error, const char *where, const char *name, const char *expected)
{
	g_set_error(error, FAULT, FAULT_DATA, "slide model: %s%s: expected %s", where, name, expected);
	return FALSE;
}

enum range { ANY, NOT_BELOW_0, ABOVE_0, SHARE };
static const char *const range_words[] = {
	"a number", "a number not below 0", "a number above 0", "a number from 0 to 1",
};

static gboolean in_range(double x, enum range range)
{
	switch (range) {
	case NOT_BELOW_0:
		return x >= 0;
	case ABOVE_0:
		return x > 0;
	case SHARE:
		return x >= 0 && x <= 1;
	case ANY:
		break;
	}
	return isfinite(x);
}

static gboolean take(JsonObject *in, const char *where, const char *name, enum range range, double *out, GError **error)
{
	double value = json_number(in, name, NAN);

	if (!in_range(value, range))
		return bad(error, where, name, range_words[range]);
	*out = value;
	return TRUE;
}

/* What may be missing: NAN. */
static gboolean take_opt(JsonObject *in, const char *where, const char *name, enum range range, double *out,
			 GError **error)
{
	*out = NAN;
	return !json_object_has_member(in, name) || take(in, where, name, range, out, error);
}

static gboolean read_candidate(JsonObject *all, enum candidate c, struct candidate_fit *out, GError **error)
{
	g_autofree char *where = g_strdup_printf("candidates.%s.", candidate_names[c]);
	JsonObject *in = json_child(all, candidate_names[c]);

	if (in == NULL)
		return !json_object_has_member(all, candidate_names[c]) ||
		       bad(error, "candidates.", candidate_names[c], "an object");
	out->there = TRUE;
	return take_opt(in, where, "auc", SHARE, &out->auc.value, error) &&
	       take_opt(in, where, "auc_low", SHARE, &out->auc.low, error) &&
	       take_opt(in, where, "auc_high", SHARE, &out->auc.high, error) &&
	       take_opt(in, where, "log_loss", NOT_BELOW_0, &out->log_loss, error) &&
	       take(in, where, "slope", ABOVE_0, &out->fit.slope, error) &&
	       take(in, where, "intercept", ANY, &out->fit.intercept, error);
}

static gboolean read_feature(JsonObject *all, guint j, struct logistic *out, GError **error)
{
	g_autofree char *where = g_strdup_printf("logistic.features.%s.", feature_table[j].name);
	JsonObject *in = json_child(all, feature_table[j].name);

	if (in == NULL)
		return bad(error, "logistic.features.", feature_table[j].name, "an object");
	return take(in, where, "mean", ANY, &out->mean[j], error) &&
	       take(in, where, "scale", NOT_BELOW_0, &out->scale[j], error) &&
	       take(in, where, "weight", ANY, &out->weight[j], error);
}

static gboolean read_logistic(JsonObject *in, struct logistic *out, GError **error)
{
	JsonObject *all = json_child(in, "features");

	if (in == NULL)
		return bad(error, "", "logistic", "an object");
	if (all == NULL || json_object_get_size(all) != N_FEATURES)
		return bad(error, "logistic.", "features", "this program's features");
	out->p = N_FEATURES;
	for (guint j = 0; j < N_FEATURES; j++)
		if (!read_feature(all, j, out, error))
			return FALSE;
	return take(in, "logistic.", "lambda", NOT_BELOW_0, &out->lambda, error) &&
	       take(in, "logistic.", "intercept", ANY, &out->intercept, error);
}

static gboolean read_chosen(JsonObject *in, struct slide_model *m, GError **error)
{
	const char *name = json_text(in, "model", "");
	guint c = 0;

	while (c < N_CANDIDATES && !g_str_equal(name, candidate_names[c]))
		c++;
	if (c == N_CANDIDATES)
		return bad(error, "", "model", "top, max, logistic, attention or both");
	m->chosen = (enum candidate)c;
	for (guint part = BY_TOP; part <= c; part++) {
		gboolean needed = part == BY_TOP || part == c ||
				  (c == BY_BOTH && (part == BY_LOGISTIC || part == BY_ATTENTION));
		if (needed && !m->candidates[part].there)
			return bad(error, "candidates.", candidate_names[part], "an object");
	}
	return TRUE;
}

gboolean slide_model_read(JsonObject *in, struct slide_model *out, GError **error)
{
	struct slide_model m = { 0 };
	JsonObject *all = json_child(in, "candidates");
	double slides;

	if (in == NULL || all == NULL)
		return bad(error, "", "candidates", "an object");
	for (guint c = 0; c < N_CANDIDATES; c++)
		if (!read_candidate(all, (enum candidate)c, &m.candidates[c], error))
			return FALSE;
	if (!read_chosen(in, &m, error))
		return FALSE;
	const gboolean needed = m.chosen == BY_LOGISTIC || m.chosen == BY_BOTH;
	if (!read_logistic(json_child(in, "logistic"), &m.logistic, needed ? error : NULL)) {
		if (needed)
			return FALSE;
		m.logistic = (struct logistic){ 0 };    /* of another build's features: no answer asks for it */
	}
	if (!take(in, "", "slides", NOT_BELOW_0, &slides, error))
		return FALSE;
	m.slides = (gsize)MIN(slides, 1e9);
	*out = m;
	return TRUE;
}
