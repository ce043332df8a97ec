/* curve.c - see curve.h. */
#include "common/report/curve.h"
#include <math.h>

struct point { double x, y, high; };

static int compare_points(const void *a, const void *b)
{
	const struct point *p = a, *q = b;

	return (p->x > q->x) - (p->x < q->x);
}

static void add(GArray *points, double x, double y, double high)
{
	struct point point = { x, y, high };

	if (isfinite(x) && isfinite(y) && isfinite(high))
		g_array_append_val(points, point);
}

/* Where another network begins to learn than the fact before told of, the curve breaks, just before x. */
static void add_break(GArray *points, const GPtrArray *facts, guint i, double x)
{
	struct point none = { x - 1e-6, NAN, NAN };

	if (i > 0 && isfinite(x) && g_strcmp0(fact_text(facts->pdata[i - 1], "member"), fact_text(facts->pdata[i], "member")) != 0)
		g_array_append_val(points, none);
}

/* Takes the points. Of n, one of each few, and the last. */
static struct curve *curve_new(GArray *points, gboolean ranges)
{
	struct curve *c = g_new0(struct curve, 1);
	guint every = points->len / CURVE_POINTS + 1;

	c->x = g_new(double, CURVE_POINTS + 1);
	c->y = g_new(double, CURVE_POINTS + 1);
	c->high = ranges ? g_new(double, CURVE_POINTS + 1) : NULL;
	for (guint i = points->len == 0 ? 0 : (points->len - 1) % every; i < points->len; i += every) {
		const struct point *point = &g_array_index(points, struct point, i);

		if (c->n == 0 && isnan(point->y))       /* a break, come first by thinning */
			continue;
		c->x[c->n] = point->x;
		c->y[c->n] = point->y;
		if (ranges)
			c->high[c->n] = point->high;
		c->n++;
	}
	while (c->n > 0 && isnan(c->y[c->n - 1]))       /* a break, and nothing behind it */
		c->n--;
	g_array_unref(points);
	return c;
}

void curve_free(struct curve *c)
{
	if (c == NULL)
		return;
	g_free(c->x);
	g_free(c->y);
	g_free(c->high);
	g_free(c);
}

/* What stands behind the `/` of "3/20"; NAN: nothing. */
static double out_of(const char *text)
{
	const char *slash = text != NULL ? strchr(text, '/') : NULL;
	double value = slash != NULL ? g_ascii_strtod(slash + 1, NULL) : NAN;

	return value > 0 ? value : NAN;
}

/* A number of the last line of a word that has it, whose key has that value; NAN: there is none. */
static double last_of(const struct story *s, const char *word, const char *key, double value, double (*number)(const struct fact *f))
{
	const GPtrArray *facts = story_facts(s, "train", word);

	for (guint i = facts->len; i > 0; i--)
		if (fact_number(facts->pdata[i - 1], key) == value && isfinite(number(facts->pdata[i - 1])))
			return number(facts->pdata[i - 1]);
	return NAN;
}

static double steps_of(const struct fact *f) { return fact_number(f, "steps"); }
static double planned_of(const struct fact *f) { return out_of(fact_text(f, "n")); }

/* Steps of an epoch: as many as it had in the end, for they are planned anew while it goes on; else as last planned. */
static double length_of(const struct story *s, double epoch)
{
	double end = last_of(s, "epoch", "n", epoch, steps_of);
	double begin = epoch > 1 ? last_of(s, "epoch", "n", epoch - 1, steps_of) : 0;

	return end > begin ? end - begin : last_of(s, "step", "epoch", epoch, planned_of);
}

struct length { double epoch, steps; };        /* the last that was asked for */

static double epoch_of(const struct story *s, const struct fact *f, struct length *length)
{
	double epoch = fact_number(f, "epoch");

	if (!g_str_equal(f->word, "step"))
		return fact_number(f, "n");
	if (!isfinite(epoch))
		return NAN;
	if (epoch != length->epoch)
		*length = (struct length){ epoch, length_of(s, epoch) };
	double share = fact_number(f, "n") / length->steps;
	return epoch - 1 + (share > 1 ? 1 : share);
}

struct curve *curve_over_epochs(const struct story *s, const char *word, const char *key)
{
	const GPtrArray *facts = story_facts(s, "train", word);
	GArray *points = g_array_new(FALSE, FALSE, sizeof(struct point));
	struct length length = { NAN, NAN };

	for (guint i = 0; i < facts->len; i++) {
		const double x = epoch_of(s, facts->pdata[i], &length);
		add_break(points, facts, i, x);
		add(points, x, fact_number(facts->pdata[i], key), 0);
	}
	g_array_sort(points, compare_points);
	return curve_new(points, FALSE);
}

struct curve *curve_range_over_epochs(const struct story *s, const char *key)
{
	const GPtrArray *facts = story_facts(s, "train", "epoch");
	GArray *points = g_array_new(FALSE, FALSE, sizeof(struct point));
	double range[2];

	for (guint i = 0; i < facts->len; i++)
		if (fact_range(facts->pdata[i], key, range, 2)) {
			add_break(points, facts, i, fact_number(facts->pdata[i], "n"));
			add(points, fact_number(facts->pdata[i], "n"), range[0], range[1]);
		}
	g_array_sort(points, compare_points);
	return curve_new(points, TRUE);
}

struct curve *curve_over_time(const struct story *s, const char *program, const char *word, const char *key)
{
	const GPtrArray *facts = story_facts(s, program, word);
	GArray *points = g_array_new(FALSE, FALSE, sizeof(struct point));

	for (guint i = 0; i < facts->len; i++)
		add(points, ((const struct fact *)facts->pdata[i])->t, fact_number(facts->pdata[i], key), 0);
	g_array_sort(points, compare_points);
	return curve_new(points, FALSE);
}

struct curve *curve_of_points(const char *text)
{
	GArray *points = g_array_new(FALSE, FALSE, sizeof(struct point));

	while (text != NULL && *text != '\0') {
		char *end;
		double x = g_ascii_strtod(text, &end);

		if (end == text || *end != ',')
			break;
		text = end + 1;
		double y = g_ascii_strtod(text, &end);
		if (end == text)
			break;
		add(points, x, y, 0);
		text = *end == ';' ? end + 1 : NULL;
	}
	return curve_new(points, FALSE);
}
