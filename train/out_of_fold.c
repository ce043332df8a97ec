/* out_of_fold.c - see out_of_fold.h. */
#include "train/out_of_fold.h"
#include "common/checkpoint/json.h"
#include <math.h>

static void append(struct out_of_fold *a, guint member, guint item, const double *features)
{
	a->member = g_renew(guint, a->member, a->n + 1);
	a->items = g_renew(guint, a->items, a->n + 1);
	a->features = g_renew(double, a->features, (a->n + 1) * a->n_features);
	a->member[a->n] = member;
	a->items[a->n] = item;
	memcpy(a->features + a->n * a->n_features, features, a->n_features * sizeof *features);
	a->n++;
}

void out_of_fold_put(struct out_of_fold *a, guint member, const struct validation *said)
{
	while (a->n > 0 && a->member[a->n - 1] >= member)
		a->n--;
	for (gsize i = 0; i < said->n; i++)
		append(a, member, said->items[i], said->features + i * a->n_features);
}

void out_of_fold_mean(const struct out_of_fold *a, struct out_of_fold *mean)
{
	g_autoptr(GHashTable) at = g_hash_table_new(NULL, NULL);
	g_autofree double *times = g_new0(double, a->n + 1);

	*mean = (struct out_of_fold){ .n_features = a->n_features };
	for (gsize i = 0; i < a->n; i++) {
		const double *f = a->features + i * a->n_features;
		gpointer found;
		if (!g_hash_table_lookup_extended(at, GUINT_TO_POINTER(a->items[i]), NULL, &found)) {
			times[mean->n] = 1;
			g_hash_table_insert(at, GUINT_TO_POINTER(a->items[i]), GSIZE_TO_POINTER(mean->n));
			append(mean, a->member[i], a->items[i], f);
			continue;
		}
		const gsize k = GPOINTER_TO_SIZE(found);
		double *to = mean->features + k * a->n_features;
		times[k]++;
		for (gsize j = 0; j < a->n_features; j++)
			to[j] += (f[j] - to[j]) / times[k];
	}
}

static gboolean has(const struct out_of_fold *a, guint member, gsize feature)
{
	for (gsize i = 0; i < a->n; i++)
		if (a->member[i] == member && isfinite(a->features[i * a->n_features + feature]))
			return TRUE;
	return FALSE;
}

void out_of_fold_having(const struct out_of_fold *a, gsize feature, struct out_of_fold *out)
{
	gboolean having = FALSE;

	*out = (struct out_of_fold){ .n_features = a->n_features };
	for (gsize i = 0; i < a->n; i++) {
		if (i == 0 || a->member[i] != a->member[i - 1])
			having = has(a, a->member[i], feature);
		if (having)
			append(out, a->member[i], a->items[i], a->features + i * a->n_features);
	}
}

void out_of_fold_copy(const struct out_of_fold *from, struct out_of_fold *to)
{
	*to = (struct out_of_fold){ .n_features = from->n_features };
	for (gsize i = 0; i < from->n; i++)
		append(to, from->member[i], from->items[i], from->features + i * from->n_features);
}

void out_of_fold_clear(struct out_of_fold *a)
{
	g_clear_pointer(&a->member, g_free);
	g_clear_pointer(&a->items, g_free);
	g_clear_pointer(&a->features, g_free);
	a->n = 0;
}

/* What is not finite is null. */
JsonArray *out_of_fold_to_json(const struct out_of_fold *a, const struct work *w)
{
	JsonArray *out = json_array_new();

	for (gsize i = 0; i < a->n; i++) {
		JsonArray *row = json_array_new();
		json_array_add_int_element(row, a->member[i]);
		g_autofree char *name = json_name(w->cases[a->items[i]].id);
		json_array_add_string_element(row, name);
		for (gsize k = 0; k < a->n_features; k++) {
			double x = a->features[i * a->n_features + k];
			if (isfinite(x))
				json_array_add_double_element(row, x);
			else
				json_array_add_null_element(row);
		}
		json_array_add_array_element(out, row);
	}
	return out;
}

static gboolean read_row(JsonArray *row, GHashTable *by_id, struct out_of_fold *out)
{
	if (json_array_get_length(row) != 2 + out->n_features)
		return FALSE;
	JsonNode *member = json_array_get_element(row, 0), *id = json_array_get_element(row, 1);
	if (!json_is_number(member) || !JSON_NODE_HOLDS_VALUE(id) || json_node_get_string(id) == NULL)
		return FALSE;
	g_autofree double *features = g_new(double, out->n_features + 1);
	for (guint k = 0; k < out->n_features; k++) {
		JsonNode *x = json_array_get_element(row, 2 + k);
		if (!json_is_number(x) && !JSON_NODE_HOLDS_NULL(x))
			return FALSE;
		features[k] = json_is_number(x) ? json_node_get_double(x) : NAN;
	}
	gint64 m = json_node_get_int(member);
	if (m < 0 || m > G_MAXINT || (out->n > 0 && (guint)m < out->member[out->n - 1]))
		return FALSE;
	gpointer item;
	if (g_hash_table_lookup_extended(by_id, json_node_get_string(id), NULL, &item))
		append(out, (guint)m, GPOINTER_TO_UINT(item), features);
	return TRUE;
}

gboolean out_of_fold_from_json(JsonArray *json, const struct work *w, struct out_of_fold *out)
{
	g_autoptr(GHashTable) by_id = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	*out = (struct out_of_fold){ .n_features = (gsize)w->task->n_features };
	for (guint i = 0; i < w->n_cases; i++)
		if (w->cases[i].ready)
			g_hash_table_insert(by_id, json_name(w->cases[i].id), GUINT_TO_POINTER(i));
	for (guint i = 0; i < json_array_get_length(json); i++) {
		JsonArray *row = json_as_list(json_array_get_element(json, i));
		if (row == NULL || !read_row(row, by_id, out)) {
			out_of_fold_clear(out);
			return FALSE;
		}
	}
	return TRUE;
}
