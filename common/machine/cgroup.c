/* cgroup.c - see cgroup.h. A file that is not there, or says "max" or -1, is no limit. */
#include "common/machine/cgroup.h"

/* What a limit is read from: in version 1 the tree of a controller, in version 2 (NULL) the one there is. */
struct source {
	const char *controller, *file, *period; /* period: the file's value is one a period (NULL: is in the file) */
};

/* The numbers that a small file begins with; how many of the two there are. */
static int numbers_in(const char *folder, const char *file, double out[2])
{
	g_autofree char *path = g_build_filename(folder, file, NULL), *text = NULL;
	int n = 0;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	for (char *at = text, *end; n < 2; at = end) {
		double value = g_ascii_strtod(at, &end);
		if (end == at)
			break;
		out[n++] = value;
	}
	return n;
}

/* One group's own limit; 0: none. */
static double limit_of(const char *group, const struct source *source)
{
	double value[2] = { 0, 0 }, period[2] = { 0, 0 };

	if (numbers_in(group, source->file, value) < 1 || value[0] <= 0)
		return 0;
	if (source->period == NULL)
		return value[1] > 0 ? value[0] / value[1] : value[0];
	return numbers_in(group, source->period, period) > 0 && period[0] > 0 ? value[0] / period[0] : 0;
}

/* The process's group in the tree of a controller (NULL: version 2), as /proc/self/cgroup has it: lines of
   "hierarchy:controller,controller:/path". NULL: it is in none. */
static char *group_path(const char *root, const char *controller)
{
	g_autofree char *path = g_build_filename(*root ? root : "/", "proc/self/cgroup", NULL), *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return NULL;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		g_auto(GStrv) parts = g_strsplit(*line, ":", 3);
		if (g_strv_length(parts) != 3)
			continue;
		g_auto(GStrv) controllers = g_strsplit(parts[1], ",", -1);
		if (controller == NULL ? parts[1][0] == '\0' : g_strv_contains((const char *const *)controllers, controller))
			return g_strdup(parts[2]);
	}
	return NULL;
}

static void lower(double *least, double limit)
{
	if (limit > 0 && (*least <= 0 || limit < *least))
		*least = limit;
}

/* The least of a limit from the process's group up to the root of its tree. */
static void walk(const char *root, const struct source *source, double *least)
{
	g_autofree char *tree = g_build_filename(*root ? root : "/", "sys/fs/cgroup", source->controller, NULL);
	g_autofree char *own = group_path(root, source->controller);
	g_autofree char *group = g_build_filename(tree, own, NULL);

	while (strlen(group) > strlen(tree)) {
		lower(least, limit_of(group, source));
		char *above = g_path_get_dirname(group);
		g_free(group);
		group = above;
	}
	lower(least, limit_of(tree, source));
}

static double least_of(const char *root, const struct source *sources)
{
	double least = 0;

	for (const struct source *s = sources; s->file != NULL; s++)
		walk(root, s, &least);
	return least;
}

struct cgroup_limits cgroup_limits(const char *root)
{
	static const struct source cores[] = { { NULL, "cpu.max", NULL },
		{ "cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us" }, { NULL, NULL, NULL } };
	static const struct source memory[] = { { NULL, "memory.max", NULL }, { NULL, "memory.high", NULL },
		{ "memory", "memory.limit_in_bytes", NULL }, { NULL, NULL, NULL } };
	static const struct source tasks[] = { { NULL, "pids.max", NULL }, { "pids", "pids.max", NULL },
		{ NULL, NULL, NULL } };

	return (struct cgroup_limits){ least_of(root, cores), (guint64)least_of(root, memory),
				       (guint64)least_of(root, tasks) };
}
