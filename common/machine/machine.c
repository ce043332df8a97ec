/* machine.c - see machine.h. Linux: /proc, and cgroups of both versions as a container sees them. */
#include "common/machine/machine.h"
#include <malloc.h>
#include <math.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

/* The first number of a small file; -1 where there is none ("max"). */
static gint64 number_in(const char *path, gint64 *second_opt)
{
	g_autofree char *text = NULL;
	char *end;

	if (!g_file_get_contents(path, &text, NULL, NULL) || !g_ascii_isdigit(text[0]))
		return -1;
	gint64 value = g_ascii_strtoll(text, &end, 10);
	if (second_opt != NULL)
		*second_opt = g_ascii_strtoll(end, NULL, 10);
	return value;
}

int machine_cores(void)
{
	cpu_set_t set;
	gint64 period = 0;
	int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)g_get_num_processors();
	gint64 quota = number_in("/sys/fs/cgroup/cpu.max", &period);

	if (quota <= 0) {
		quota = number_in("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", NULL);
		period = number_in("/sys/fs/cgroup/cpu/cpu.cfs_period_us", NULL);
	}
	if (quota > 0 && period > 0)
		cores = MIN(cores, (int)((quota + period - 1) / period));
	return MAX(cores, 1);
}

guint64 machine_memory(void)
{
	gint64 host = (gint64)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
	gint64 limit = number_in("/sys/fs/cgroup/memory.max", NULL);

	if (limit <= 0)
		limit = number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes", NULL);
	if (limit > 0 && (host <= 0 || limit < host))
		return (guint64)limit;
	return (guint64)MAX(host, 0);
}

guint64 machine_memory_peak(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) == 0 ? (guint64)usage.ru_maxrss * 1024 : 0;
}

char *machine_processor(void)
{
	g_autofree char *text = NULL;

	if (g_file_get_contents("/proc/cpuinfo", &text, NULL, NULL)) {
		const char *at = strstr(text, "model name");
		const char *colon = at == NULL ? NULL : strchr(at, ':');
		if (colon != NULL)
			return g_strstrip(g_strndup(colon + 1, strcspn(colon + 1, "\n")));
	}
	return g_strdup("unknown");
}

void machine_start(char **argv)
{
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, G_MAXINT);
	mallopt(M_TOP_PAD, 64 << 20);
	if (g_getenv("OMP_WAIT_POLICY") != NULL)
		return;
	g_setenv("OMP_WAIT_POLICY", "passive", TRUE);
	execv("/proc/self/exe", argv);
}
