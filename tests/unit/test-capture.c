/*
 * test-capture.c - capture.h as the log uses it: what others print becomes lines; a crash loses none of the last words and
 * ends in a line that says so; no descriptor is left behind. Under a sanitizer there is no capture, and nothing to test.
 */
#include "common/log/capture.h"
#include "tests/unit/streams.h"
#include <signal.h>

#if defined(__SANITIZE_ADDRESS__)
#define NEEDS_CAPTURE() do { g_test_skip("nothing is captured under a sanitizer"); return; } while (0)
#else
#define NEEDS_CAPTURE() do { } while (0)
#endif

static void put(int fd, const char *text) { g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text)); }

static void begin(void)
{
	open_with_fake_clock("train", 0);
	log_capture();
}

static guint descriptors(void)
{
	g_autoptr(GDir) open = g_dir_open("/proc/self/fd", 0, NULL);
	guint n = 0;

	while (g_dir_read_name(open) != NULL)
		n++;
	return n;
}

/* ---- lines ---- */

static void write_lines(void)
{
	begin();
	printf("from %s\nand another\n", "printf");
	fflush(stdout);
	put(1, "\n\nin ");
	put(1, "parts\n");
	log_say("own");
	put(1, "not ended");
	log_close(0, NULL);
	put(1, "afterwards\n");
}

static void write_lines_of_child(void)
{
	begin();
	pid_t child = fork();
	if (child == 0) {
		put(2, "from a \"child\"\n");
		_exit(0);
	}
	waitpid(child, NULL, 0);
	log_close(0, NULL);
}

static void test_lines(void)
{
	NEEDS_CAPTURE();
	g_auto(streams_t) got = streams_of(write_lines), child = streams_of(write_lines_of_child);
	char *after = strstr(got.text[0], "afterwards\n");

	g_assert_nonnull(after);
	*after = '\0';
	g_autofree char *out = bare_of(got.text[0]), *err = bare_of(got.text[1]), *of_child = bare_of(child.text[1]);
	g_assert_true(g_str_has_prefix(out, "t=0.0 train own\n"));
	g_assert_true(g_str_has_prefix(err, "t=0.0 train library stream=stdout kind=\"library stdout\" text=\"from printf\"\n"
				       "t=0.0 train library stream=stdout kind=\"library stdout\" text=\"and another\"\n"
				       "t=0.0 train library stream=stdout kind=\"library stdout\" text=\"in parts\"\n"
				       "t=0.0 train library stream=stdout kind=\"library stdout\" text=\"not ended\"\n"
				       "t=0.0 train survived kind=\"library stdout\" count=4 first=\"from printf\"\n"));
	g_assert_true(g_str_has_prefix(of_child,
				       "t=0.0 train library stream=stderr kind=\"library stderr\" text=\"from a \\\"child\\\"\"\n"));
}

static void write_long(void)
{
	g_autofree char *text = g_strnfill(2 * CAPTURE_BYTES + 5, 'x');

	begin();
	put(2, text);
	put(2, "\nshort\n");
	for (int i = 0; i < 30000; i++) /* more than a pipe holds */
		put(1, "0123456789\n");
	log_close(0, NULL);
}

static void test_long(void)
{
	NEEDS_CAPTURE();
	g_auto(streams_t) got = streams_of(write_long);
	g_autofree char *piece = g_strnfill(CAPTURE_BYTES, 'x'), *whole = g_strdup_printf(" text=%s\n", piece);

	g_assert_cmpuint(count_lines(got.text[1], piece), ==, 2);
	g_assert_nonnull(strstr(got.text[1], whole));
	g_assert_nonnull(strstr(got.text[1], " text=xxxxx\n"));
	g_assert_cmpuint(count_lines(got.text[1], " text=short"), ==, 1);
	g_assert_nonnull(strstr(got.text[1], " library stream=stdout kind=\"library stdout\" count=10000 text=0123456789\n"));
	g_assert_nonnull(strstr(got.text[1], " survived kind=\"library stdout\" count=30000 "));
}

/* ---- crashes ---- */

static const char last_words[] = "last words\n";

static void crash_by_abort(void)
{
	begin();
	log_say("own");
	put(2, last_words);
	abort();
}

static void crash_by_signal(void)
{
	begin();
	put(2, last_words);
	raise(SIGSEGV);
}

static void crash_by_error(void)
{
	begin();
	put(2, last_words);
	g_error("GLib gives up");
}

static void crash_in_half_a_line(void)
{
	begin();
	put(2, "last words");
	g_usleep(50000);        /* taken by then */
	put(2, ", and more");
	abort();
}

static gpointer crash_here(gpointer unused)
{
	put(2, last_words);
	raise(SIGBUS);
	return unused;
}

static void crash_in_thread(void)
{
	begin();
	g_thread_join(g_thread_new("crash", crash_here, NULL));
}

static int recurse(volatile int depth)
{
	volatile char room[4096];

	room[0] = (char)depth;
	return depth > 0 ? recurse(depth + 1) + room[0] : 0;
}

static void crash_by_recursion(void)
{
	begin();
	put(2, last_words);
	recurse(1);
}

static void test_crash(void)
{
	static const struct { void (*crash)(void); int signal; const char *name; } cases[] = {
		{ crash_by_abort, SIGABRT, "SIGABRT" }, { crash_by_signal, SIGSEGV, "SIGSEGV" }, { crash_by_error, SIGTRAP, "SIGTRAP" },
		{ crash_in_half_a_line, SIGABRT, "SIGABRT" }, { crash_in_thread, SIGBUS, "SIGBUS" },
		{ crash_by_recursion, SIGSEGV, "SIGSEGV" },
	};

	NEEDS_CAPTURE();
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		int status;
		g_auto(streams_t) got = streams_of_child(cases[i].crash, &status);
		g_auto(GStrv) lines = lines_of(got.text[1]);
		g_autofree char *end = g_strdup_printf("t=0.0 train end cause=\"the program crashed: %s. Started again it goes on from "
						       "what was saved last; if it crashes again at the same place, that slide or "
						       "setting is the cause\"", cases[i].name);

		g_assert_true(WIFSIGNALED(status));
		g_assert_cmpint(WTERMSIG(status), ==, cases[i].signal);
		g_assert_nonnull(strstr(got.text[1], "last words"));
		g_assert_cmpstr(bare(lines[g_strv_length(lines) - 1]), ==, end);
		if (cases[i].crash == crash_by_error)
			g_assert_nonnull(strstr(got.text[1], "GLib gives up"));
		if (cases[i].crash == crash_in_half_a_line)
			g_assert_nonnull(strstr(got.text[1], "last words, and more\n"));
	}
}

static gulong delay;    /* us */

static void crash_after_delay(void)
{
	begin();
	for (int i = 0; i < 15; i++)
		put(2, last_words);
	g_usleep(delay);
	abort();
}

/* The thread may have read what the crash has to wait for. */
static void test_race(void)
{
	NEEDS_CAPTURE();
	for (delay = 0; delay < 400; delay += 10) {
		int status;
		g_auto(streams_t) got = streams_of_child(crash_after_delay, &status);
		g_assert_cmpuint(count_lines(got.text[1], "last words"), ==, 15);
		g_assert_nonnull(strstr(got.text[1], " end cause="));
	}
}

/* ---- descriptors ---- */

static void write_little(void)
{
	begin();
	put(1, "little\n");
	log_close(0, NULL);
}

static void test_descriptors(void)
{
	NEEDS_CAPTURE();
	const guint before = descriptors();

	for (int i = 0; i < 3; i++) {
		g_auto(streams_t) got = streams_of(write_little);
		g_assert_nonnull(strstr(got.text[1], " text=little\n"));
		g_assert_cmpuint(descriptors(), ==, before);
	}
	capture_end();          /* of nothing */
	g_assert_cmpuint(descriptors(), ==, before);
}

/* Six or seven are free, and eight are wanted: none is taken. */
static void write_without_descriptors(void)
{
	int most = dup(0);

	for (rlim_t n = (rlim_t)most; n <= (rlim_t)most + 7; n++) {
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){ n, n + 100 });
		begin();
		put(1, "as it is\n");
		log_say("own n=%d", (int)n - most);
		log_close(0, NULL);
	}
}

static void test_no_descriptors(void)
{
	int status;

	NEEDS_CAPTURE();
	g_auto(streams_t) got = streams_of_child(write_without_descriptors, &status);
	g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	g_assert_cmpuint(count_lines(got.text[0], "as it is"), ==, 8);
	g_assert_cmpuint(count_lines(got.text[0], " train own n="), ==, 8);
	g_assert_null(strstr(got.text[1], "library"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/capture/lines", test_lines);
	g_test_add_func("/capture/long", test_long);
	g_test_add_func("/capture/crash", test_crash);
	g_test_add_func("/capture/race", test_race);
	g_test_add_func("/capture/descriptors", test_descriptors);
	g_test_add_func("/capture/no-descriptors", test_no_descriptors);
	return g_test_run();
}
