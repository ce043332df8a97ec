/* state.c - see state.h. */
#include "train/state.h"
#include "common/checkpoint/json.h"
#include "common/checkpoint/model_folder.h"
#include "common/fault/fault.h"
#include <math.h>

enum kind { INTEGER, UNSIGNED, NUMBER, MAYBE /* a number, or NAN: left out */ };

static const struct field { const char *name; enum kind kind; gsize at; double least, most; } fields[] = {
#define FIELD(name, kind, field, least, most) { name, kind, G_STRUCT_OFFSET(struct state, field), least, most }
	FIELD("member", INTEGER, member, 0, MEMBERS_MAX - 1),
	FIELD("steps_before", INTEGER, steps_before, 0, 1e15),
	FIELD("epochs_before", INTEGER, epochs_before, 0, 1e9),
	FIELD("epoch", INTEGER, epoch, 0, 1e9),
	FIELD("at", INTEGER, at, 0, 1e15),
	FIELD("step", INTEGER, step, 0, 1e15),
	FIELD("optimiser_steps", INTEGER, optimiser_steps, 0, 1e15),
	FIELD("thawed", INTEGER, thawed, -1, 1e15),
	FIELD("mined", INTEGER, mined, 0, 1e9),
	FIELD("loss_sum", NUMBER, loss_sum, -1e300, 1e300),
	FIELD("loss_count", INTEGER, loss_count, 0, 1e15),
	FIELD("not_finite", INTEGER, not_finite, 0, 1e9),
	FIELD("plateaus", INTEGER, plateaus, 0, 1e9),
	FIELD("stale", INTEGER, stale, 0, 1e9),
	FIELD("best", MAYBE, best.value, -1e300, 1e300),
	FIELD("best_low", MAYBE, best.low, -1e300, 1e300),
	FIELD("best_high", MAYBE, best.high, -1e300, 1e300),
	FIELD("best_epoch", INTEGER, best_epoch, 0, 1e9),
	FIELD("peak", MAYBE, peak.value, -1e300, 1e300),
	FIELD("peak_low", MAYBE, peak.low, -1e300, 1e300),
	FIELD("peak_high", MAYBE, peak.high, -1e300, 1e300),
	FIELD("bags", INTEGER, bags, BAGS_NONE, BAGS_MADE),
	FIELD("looked", INTEGER, looked, 0, 1e9),
	FIELD("share", MAYBE, share, 0, 1),
	FIELD("finished", INTEGER, finished, 0, 1),
	FIELD("seconds", NUMBER, seconds, 0, 1e12),
	FIELD("plan_epochs", UNSIGNED, plan.epochs, 1, 1e9),
	FIELD("plan_epoch_steps", INTEGER, plan.epoch_steps, 1, 1e15),
	FIELD("plan_progress", NUMBER, plan.progress, 0, 1.000001), /* a sum of shares: rounding may pass 1 */
	FIELD("plan_set_epochs", UNSIGNED, plan.set_epochs, 1, 1e9),
	FIELD("plan_set_steps", INTEGER, plan.set_steps, 1, 1e15),
	FIELD("cost_step", NUMBER, costs.step, 0, 1e9),
	FIELD("cost_validation", NUMBER, costs.validation, 0, 1e9),
	FIELD("cost_mining", NUMBER, costs.mining, 0, 1e9),
	FIELD("timed", INTEGER, timed, 0, 1e15),
	FIELD("part", INTEGER, part, 1, 65536),
	FIELD("bf16", INTEGER, bf16, 0, 1),
	FIELD("gpu", MAYBE, gpu, 0, 1),
#undef FIELD
};

static double value_of(const struct state *s, const struct field *f)
{
	const void *p = (const char *)s + f->at;

	return f->kind == INTEGER ? (double)*(const gint64 *)p : f->kind == UNSIGNED ? *(const guint *)p : *(const double *)p;
}

JsonObject *state_to_json(const struct state *s)
{
	JsonObject *out = json_object_new();

	for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
		const struct field *f = &fields[i];
		double value = value_of(s, f);
		if (f->kind == INTEGER || f->kind == UNSIGNED)
			json_object_set_int_member(out, f->name, (gint64)value);
		else if (isfinite(value))
			json_object_set_double_member(out, f->name, value);
	}
	return out;
}

gboolean state_from_json(JsonObject *json, struct state *out, GError **error)
{
	struct state s = { 0 };

	for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
		const struct field *f = &fields[i];
		void *p = (char *)&s + f->at;
		JsonNode *node = json_object_get_member(json, f->name);
		const double value = json_is_number(node) ? json_node_get_double(node) : NAN;
		const gboolean whole = f->kind == INTEGER || f->kind == UNSIGNED;
		if ((!(value >= f->least && value <= f->most) || (whole && json_node_get_value_type(node) != G_TYPE_INT64)) &&
		    !(f->kind == MAYBE && node == NULL)) {
			g_set_error(error, FAULT, FAULT_DATA, "its state has no usable '%s'", f->name);
			return FALSE;
		}
		if (f->kind == INTEGER)
			*(gint64 *)p = (gint64)value;
		else if (f->kind == UNSIGNED)
			*(guint *)p = (guint)value;
		else
			*(double *)p = value;
	}
	*out = s;
	return TRUE;
}
