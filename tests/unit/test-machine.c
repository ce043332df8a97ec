/*
 * test-machine.c - cores and memory as this process may use them, from control groups too; and the start anew
 * with OpenMP's waiting threads passive and no stream closed. The test starts itself as a child for that:
 * `--child` prints what it finds.
 */
#include "common/machine/cgroup.h"
#include "common/machine/machine.h"
#include "common/machine/remove_tree.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_cores(void)
{
	cpu_set_t all, one;
	int cores = machine_cores();

	g_assert_cmpint(cores, >=, 1);
	g_assert_cmpint(cores, <=, (int)sysconf(_SC_NPROCESSORS_ONLN));
	if (sched_getaffinity(0, sizeof all, &all) != 0) {
		g_test_skip("no affinity can be asked for");
		return;
	}
	g_assert_cmpint(cores, <=, CPU_COUNT(&all));
	CPU_ZERO(&one);
	for (gsize i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	g_assert_cmpint(sched_setaffinity(0, sizeof one, &one), ==, 0);
	g_assert_cmpint(machine_cores(), ==, 1);
	g_assert_cmpint(sched_setaffinity(0, sizeof all, &all), ==, 0);
	g_assert_cmpint(machine_cores(), ==, cores);
}

static void test_memory(void)
{
	enum { SIZE = 64 << 20 };
	guint64 most = (guint64)sysconf(_SC_PHYS_PAGES) * (guint64)sysconf(_SC_PAGESIZE);

	g_assert_cmpuint(machine_memory(), >=, 64 << 20);
	g_assert_cmpuint(machine_memory(), <=, most);
	guint64 before = machine_memory_peak();
	g_assert_cmpuint(before, >=, 1 << 20);
	volatile guint8 *touched = g_malloc(SIZE);
	for (gsize i = 0; i < SIZE; i += 4096)
		touched[i] = 1;
	g_assert_cmpuint(machine_memory_peak(), >=, SIZE);
	g_assert_cmpuint(machine_memory_peak(), <=, most);
	g_free((gpointer)touched);
	g_assert_cmpuint(machine_memory_peak(), >=, MAX(before, SIZE)); /* a peak stays */
}

/* Folders and files as a machine with control groups has them: path, contents, ... */
static char *fake_root(const char *const *files)
{
	g_autoptr(GError) error = NULL;
	char *root = g_dir_make_tmp("blindrun-XXXXXX", &error);

	g_assert_no_error(error);
	for (; *files != NULL; files += 2) {
		g_autofree char *path = g_build_filename(root, files[0], NULL), *folder = g_path_get_dirname(path);
		g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
		g_file_set_contents(path, files[1], -1, &error);
		g_assert_no_error(error);
	}
	return root;
}

static const struct {
	const char *name;
	const char *files[16];
	double cores;
	guint64 memory, tasks;
} groups[] = {
	{ "none", { "proc/self/cgroup", "0::/\n" }, 0, 0, 0 },
	{ "no-proc", { "sys/fs/cgroup/cpu.max", "50000 100000\n" }, 0.5, 0, 0 },
	/* a container of version 2: its own group is the root that it sees */
	{ "v2-container", { "proc/self/cgroup", "0::/\n", "sys/fs/cgroup/cpu.max", "150000 100000\n",
			    "sys/fs/cgroup/memory.max", "2147483648\n", "sys/fs/cgroup/memory.high", "max\n",
			    "sys/fs/cgroup/pids.max", "64\n" }, 1.5, 2147483648, 64 },
	{ "v2-unlimited", { "proc/self/cgroup", "0::/\n", "sys/fs/cgroup/cpu.max", "max 100000\n",
			    "sys/fs/cgroup/memory.max", "max\n", "sys/fs/cgroup/pids.max", "max\n" }, 0, 0, 0 },
	/* a job in slices: each limit stands somewhere else */
	{ "v2-slices", { "proc/self/cgroup", "0::/slurm/job7/step\n", "sys/fs/cgroup/slurm/cpu.max", "400000 100000\n",
			 "sys/fs/cgroup/slurm/job7/cpu.max", "max 100000\n",
			 "sys/fs/cgroup/slurm/job7/memory.max", "8000000000\n",
			 "sys/fs/cgroup/slurm/job7/step/memory.max", "9000000000\n",
			 "sys/fs/cgroup/slurm/job7/step/memory.high", "7000000000\n" }, 4, 7000000000, 0 },
	/* a group beside the own one does not count */
	{ "v2-neighbour", { "proc/self/cgroup", "0::/a/b\n", "sys/fs/cgroup/a/c/memory.max", "1000\n",
			    "sys/fs/cgroup/a/memory.max", "5000000\n" }, 0, 5000000, 0 },
	/* a container of version 1: /proc names the host's path, the trees begin at the container's group */
	{ "v1-container", { "proc/self/cgroup", "4:memory:/docker/7f\n3:pids:/docker/7f\n2:cpu,cpuacct:/docker/7f\n",
			    "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "250000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n",
			    "sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n",
			    "sys/fs/cgroup/pids/pids.max", "100\n" }, 2.5, 1073741824, 100 },
	{ "v1-unlimited", { "proc/self/cgroup", "2:cpu,cpuacct:/\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n",
			    "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n", "sys/fs/cgroup/pids/pids.max", "max\n" }, 0, 0, 0 },
	/* on the host, the process's own path */
	{ "v1-host", { "proc/self/cgroup", "9:memory:/user/a\n1:name=systemd:/\n",
		       "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n",
		       "sys/fs/cgroup/memory/user/a/memory.limit_in_bytes", "500000000\n" }, 0, 500000000, 0 },
	{ "nonsense", { "proc/self/cgroup", "what\n::\n0::../../x\n", "sys/fs/cgroup/cpu.max", "", "sys/fs/cgroup/memory.max",
			"lots\n", "sys/fs/cgroup/pids.max", "-3\n" }, 0, 0, 0 },
};

static void test_groups(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	g_autofree char *root = fake_root(groups[i].files);
	struct cgroup_limits limits = cgroup_limits(root);

	g_assert_cmpfloat(limits.cores, ==, groups[i].cores);
	g_assert_cmpuint(limits.memory, ==, groups[i].memory);
	g_assert_cmpuint(limits.tasks, ==, groups[i].tasks);
	remove_tree(root);
}

static void test_processor(void)
{
	g_autofree char *name = machine_processor();

	g_assert_cmpstr(name, !=, "");
	g_assert_null(strchr(name, '\n'));
	g_assert_false(g_ascii_isspace(name[0]));
}

static char *child(const char *policy)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	char *argv[] = { self, (char *)"--child", (char *)"two words", NULL };
	g_auto(GStrv) env = g_get_environ();
	g_autoptr(GError) error = NULL;
	char *out = NULL;
	int status = -1;

	env = policy != NULL ? g_environ_setenv(env, "OMP_WAIT_POLICY", policy, TRUE)
			     : g_environ_unsetenv(env, "OMP_WAIT_POLICY");
	g_spawn_sync(NULL, argv, env, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, &status, &error);
	g_assert_no_error(error);
	g_assert_cmpint(status, ==, 0);
	return out;
}

static void test_start(void)
{
	g_autofree char *unset = child(NULL), *set = child("active");

	g_assert_cmpstr(unset, ==, "passive, two words\n");
	g_assert_cmpstr(set, ==, "active, two words\n");
}

/* With all three streams closed: what machine_start opens then, and what a write without a reader does. */
static void test_streams(void)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	char *argv[] = { self, (char *)"--streams", NULL };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		execv(self, argv);
		_exit(99);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

static int check_streams(void)
{
	int ends[2], fd = open("/dev/null", O_RDONLY);

	if (fd != 3 || write(STDOUT_FILENO, "x", 1) != 1 || write(STDERR_FILENO, "x", 1) != 1 || pipe(ends) != 0)
		return 1;
	close(ends[0]);
	return write(ends[1], "x", 1) == -1 ? 0 : 2;
}

int main(int argc, char **argv)
{
	if (argc == 2 && g_str_equal(argv[1], "--streams")) {
		machine_start(argv);
		return check_streams();
	}
	if (argc == 3 && g_str_equal(argv[1], "--child")) {
		machine_start(argv);
		g_print("%s, %s\n", g_getenv("OMP_WAIT_POLICY"), argv[2]);
		return 0;
	}
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/machine/cores", test_cores);
	g_test_add_func("/machine/memory", test_memory);
	for (gsize i = 0; i < G_N_ELEMENTS(groups); i++) {
		g_autofree char *path = g_strconcat("/machine/groups/", groups[i].name, NULL);
		g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_groups);
	}
	g_test_add_func("/machine/streams", test_streams);
	g_test_add_func("/machine/processor", test_processor);
	g_test_add_func("/machine/start", test_start);
	return g_test_run();
}
