/* machine.c - see machine.h. Linux. */
#include "common/machine/machine.h"
#include "common/machine/cgroup.h"
#include <fcntl.h>
#include <malloc.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

int machine_cores(void)
{
	enum { OTHER_TASKS = 8, TASKS_A_CORE = 3 };
	const struct cgroup_limits limits = cgroup_limits("");
	cpu_set_t set;
	double cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)g_get_num_processors();

	if (limits.cores > 0)
		cores = MIN(cores, ceil(limits.cores));
	if (limits.tasks > 0)
		cores = MIN(cores, floor(((double)limits.tasks - OTHER_TASKS) / TASKS_A_CORE));
	return MAX((int)cores, 1);
}

guint64 machine_memory(void)
{
	const char *given = g_getenv(MACHINE_MEMORY_VARIABLE);
	guint64 limit = cgroup_limits("").memory, share = given == NULL ? 0 : g_ascii_strtoull(given, NULL, 10);
	gint64 host = (gint64)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);

	if (share > 0 && (limit == 0 || share < limit))
		limit = share;
	return limit > 0 && (host <= 0 || limit < (guint64)host) ? limit : (guint64)MAX(host, 0);
}

guint64 machine_memory_now(void)
{
	g_autofree char *text = NULL;
	const char *second = g_file_get_contents("/proc/self/statm", &text, NULL, NULL) ? strchr(text, ' ') : NULL;

	return second == NULL ? 0 : g_ascii_strtoull(second, NULL, 10) * (guint64)sysconf(_SC_PAGESIZE);
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

/* A stream that was closed would give its number to the next file that is opened, a model's say, and lines
   meant for the stream would go into that. */
static void open_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

void machine_release(void) { malloc_trim(0); }

void machine_start(char **argv)
{
	open_streams();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);       /* a write beyond RLIMIT_FSIZE fails with EFBIG instead */
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, G_MAXINT);
	mallopt(M_TOP_PAD, 64 << 20);
	if (g_getenv("OMP_WAIT_POLICY") != NULL)
		return;
	g_setenv("OMP_WAIT_POLICY", "passive", TRUE);
	execv("/proc/self/exe", argv);
}
