/* classes.c - see classes.h. */
#include "train/classes.h"
#include "common/log/log.h"
#include <math.h>

struct numbers {                /* of one name, over the cases of one class */
	const char *name;
	double *value;
	gsize n;
};

static void append(GString *line, struct numbers *of)
{
	static const double shares[] = { 0, 0.25, 0.5, 0.75, 1 };

	if (of->n == 0)
		return;
	metrics_sort(of->value, of->n);
	g_string_append_printf(line, " %s=", of->name);
	for (gsize i = 0; i < G_N_ELEMENTS(shares); i++) {
		double value = metrics_quantile(of->value, of->n, shares[i]);
		g_string_append_printf(line, "%s%.*g", i > 0 ? ".." : "", fabs(value) < 1e4 ? 4 : 15, fabs(value) < 1e4 ? value : rint(value));
	}
}

/* A number that looks found, over the cases that have it. */
static void append_look(GString *line, const struct work *w, const struct look *looks, int label, const char *name,
			double *value)
{
	struct numbers of = { name, value, 0 };

	for (guint i = 0; i < w->n_cases; i++)
		for (guint k = 0; w->cases[i].ready && w->cases[i].label == label && k < looks[i].n_numbers; k++)
			if (g_str_equal(looks[i].numbers[k].name, name))
				value[of.n++] = looks[i].numbers[k].value;
	append(line, &of);
}

/* The look with the most numbers, of a class: it names them. */
static const struct look *fullest(const struct work *w, const struct look *looks, int label)
{
	static const struct look none;
	const struct look *best = &none;

	for (guint i = 0; i < w->n_cases; i++)
		if (w->cases[i].ready && w->cases[i].label == label && looks[i].n_numbers > best->n_numbers)
			best = &looks[i];
	return best;
}

static void say_class(const struct work *w, const struct look *looks, int label)
{
	const struct look *first = fullest(w, looks, label);
	g_autofree double *value = g_new(double, (gsize)w->n_cases + 1), *size = g_new(double, (gsize)w->n_cases + 1);
	struct numbers samples = { "samples", value, 0 }, sizes = { "size", size, 0 };
	g_autoptr(GString) line = g_string_new("class");
	g_autofree char *name = g_strdup_printf("class %d", label);

	for (guint i = 0; i < w->n_cases; i++) {
		const struct work_case *c = &w->cases[i];
		if (!c->ready || c->label != label)
			continue;
		value[samples.n++] = (double)w->task->samples(w, i);
		if (c->size > 0)
			size[sizes.n++] = c->size;
	}
	logfmt_append(line, "of", w->settings->data.classes[label]);
	g_string_append_printf(line, " cases=%" G_GSIZE_FORMAT, samples.n);
	append(line, &samples);
	append(line, &sizes);
	for (guint k = 0; k < first->n_numbers; k++)
		append_look(line, w, looks, label, first->numbers[k].name, value);
	log_keep(name, "%s", line->str);
}

void classes_say(const struct work *w, const struct look *looks)
{
	for (int label = 0; w->settings->data.classes[label] != NULL; label++)
		say_class(w, looks, label);
}
