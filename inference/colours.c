/* colours.c - see colours.h. */
#include "inference/colours.h"
#include "common/checkpoint/json.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "common/score/forecast.h"

struct colours {
	const struct work *work;
	double *learned;        /* (n, 3) */
	gsize n;
	double *here;           /* (n_cases, 3); NAN: not known */
};

/* What is not three numbers is passed over. */
static void read_learned(struct colours *c, JsonArray *list)
{
	const guint n = json_array_get_length(list);

	c->learned = g_new(double, 3 * (gsize)n + 1);
	for (guint i = 0; i < n; i++) {
		JsonArray *row = json_as_list(json_array_get_element(list, i));
		gboolean good = row != NULL && json_array_get_length(row) == 3;
		for (guint k = 0; good && k < 3; k++) {
			JsonNode *x = json_array_get_element(row, k);
			good = json_is_number(x);
			c->learned[3 * c->n + k] = good ? json_node_get_double(x) : 0;
		}
		c->n += good ? 1 : 0;
	}
}

struct colours *colours_new(const struct work *w, JsonObject *manifest)
{
	JsonArray *list = json_list(manifest, "colours");
	struct colours *c = g_new0(struct colours, 1);

	c->work = w;
	c->here = g_new(double, 3 * (gsize)w->n_cases + 1);
	for (gsize i = 0; i < 3 * (gsize)w->n_cases; i++)
		c->here[i] = NAN;
	if (list != NULL)
		read_learned(c, list);
	return c;
}

void colours_free(struct colours *c)
{
	if (c == NULL)
		return;
	g_free(c->learned);
	g_free(c->here);
	g_free(c);
}

void colours_take(struct colours *c, guint item)
{
	if (c->work->task->colour != NULL && c->work->cases[item].ready)
		c->work->task->colour(c->work, item, c->here + 3 * (gsize)item);
}

void colours_say(const struct colours *c)
{
	enum { FEW = 5 };
	const gsize m = c->work->n_cases;
	g_autofree double *own = g_new(double, c->n + 1), *test = g_new(double, m + 1);
	gsize known = 0, beyond;

	if (c->n < FEW)
		return;
	forecast_distances(c->learned, c->n, c->here, m, own, test);
	const gboolean stray = forecast_beyond(own, c->n, test, m, &beyond);
	for (gsize i = 0; i < m; i++)
		if (isfinite(test[i]))
			test[known++] = test[i];
	if (known == 0)
		return;
	metrics_sort(test, known);
	log_last("colour of=test cases=%" G_GSIZE_FORMAT " distance=%.2f..%.2f..%.2f beyond=%" G_GSIZE_FORMAT, known, test[0],
		 metrics_quantile(test, known, 0.5), test[known - 1], beyond);
	if (stray)
		log_warn("stain", "%" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " cases differ more in colour from those that were learned from than any "
			 "of those does: their scores are less sure; a training with a higher augmentation.stain copes better", beyond,
			 known);
}
