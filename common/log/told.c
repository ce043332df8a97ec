/* told.c - see told.h. */
#include "common/log/told.h"

struct line { char *text; double t; gsize at; };

struct group {                  /* of one name */
	char *name;
	GPtrArray *lines;       /* struct line * */
	guint stride, count;    /* of the rows that came each stride-th is kept, from the first on */
};

struct told { GPtrArray *groups; };

static void line_free(gpointer data)
{
	struct line *l = data;

	g_free(l->text);
	g_free(l);
}

static struct line *line_new(const char *text, double t, gsize at)
{
	struct line *l = g_new(struct line, 1);

	*l = (struct line){ g_strdup(text), t, at };
	return l;
}

static void group_free(gpointer data)
{
	struct group *g = data;

	g_free(g->name);
	g_ptr_array_unref(g->lines);
	g_free(g);
}

struct told *told_new(void)
{
	struct told *told = g_new0(struct told, 1);

	told->groups = g_ptr_array_new_with_free_func(group_free);
	return told;
}

void told_free(struct told *told)
{
	if (told == NULL)
		return;
	g_ptr_array_unref(told->groups);
	g_free(told);
}

static struct group *group_of(struct told *told, const char *name)
{
	for (guint i = 0; i < told->groups->len; i++) {
		struct group *g = told->groups->pdata[i];
		if (g_str_equal(g->name, name))
			return g;
	}
	struct group *g = g_new(struct group, 1);
	*g = (struct group){ g_strdup(name), g_ptr_array_new_with_free_func(line_free), 1, 0 };
	g_ptr_array_add(told->groups, g);
	return g;
}

void told_line(struct told *told, const char *name, const char *text, double t, gsize at)
{
	struct group *g = group_of(told, name);

	g_ptr_array_set_size(g->lines, 0);
	g_ptr_array_add(g->lines, line_new(text, t, at));
}

/* Each second one goes, and from here on half as many are kept. */
static void thin(struct group *g)
{
	for (guint i = g->lines->len - 1; i > 0; i--)
		if (i % 2 == 1)
			g_ptr_array_remove_index(g->lines, i);
	g->stride *= 2;
}

void told_row(struct told *told, const char *name, const char *text, double t, gsize at)
{
	struct group *g = group_of(told, name);

	/* the newest is always there, until the next one comes */
	if (g->count > 0 && (g->count - 1) % g->stride != 0)
		g_ptr_array_set_size(g->lines, (gint)g->lines->len - 1);
	else if (g->lines->len == TOLD_ROWS)
		thin(g);
	g_ptr_array_add(g->lines, line_new(text, t, at));
	g->count++;
}

void told_again(struct told *told, gsize since, told_write write, gpointer user)
{
	for (guint i = 0; i < told->groups->len; i++) {
		const struct group *g = told->groups->pdata[i];
		for (guint k = 0; k < g->lines->len; k++) {
			struct line *l = g->lines->pdata[k];
			if (l->at == 0 || l->at < since)
				l->at = write(l->text, l->t, user);
		}
	}
}
