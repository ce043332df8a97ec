/*
 * test-machine.c - cores and memory as this process may use them, and the start anew with OpenMP's waiting
 * threads passive. The test starts itself as a child for that: `--child` prints what it finds.
 */
#include "common/machine/machine.h"
#include <sched.h>
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

int main(int argc, char **argv)
{
	if (argc == 3 && g_str_equal(argv[1], "--child")) {
		machine_start(argv);
		g_print("%s, %s\n", g_getenv("OMP_WAIT_POLICY"), argv[2]);
		return 0;
	}
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/machine/cores", test_cores);
	g_test_add_func("/machine/memory", test_memory);
	g_test_add_func("/machine/processor", test_processor);
	g_test_add_func("/machine/start", test_start);
	return g_test_run();
}
