/*
 * streams.h - for tests of what is printed: both streams go to files while a function runs, here or in a child, and are
 * read back; lines and their stamps; a clock that stands still until it is moved.
 */
#pragma once
#include "common/log/log.h"
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct streams { char *text[2]; } streams_t;  /* stdout, stderr */

static inline void streams_clear(struct streams *s)
{
	g_free(s->text[0]);
	g_free(s->text[1]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(streams_t, streams_clear)

static inline void streams_redirect(char *path[2])
{
	fflush(stdout);
	fflush(stderr);
	for (int i = 0; i < 2; i++) {
		int fd = g_file_open_tmp("blindrun-log-XXXXXX", &path[i], NULL);
		g_assert_cmpint(fd, >=, 0);
		g_assert_cmpint(dup2(fd, i + 1), ==, i + 1);
		close(fd);
	}
}

static inline struct streams streams_read(char *path[2])
{
	struct streams got;

	for (int i = 0; i < 2; i++) {
		g_assert_true(g_file_get_contents(path[i], &got.text[i], NULL, NULL));
		g_unlink(path[i]);
		g_free(path[i]);
	}
	return got;
}

/* Not flushed before they are read: each line must have been. */
static inline struct streams streams_of(void (*write_lines)(void))
{
	int kept[] = { dup(1), dup(2) };
	char *path[2];

	streams_redirect(path);
	write_lines();
	for (int i = 0; i < 2; i++) {
		dup2(kept[i], i + 1);
		close(kept[i]);
	}
	return streams_read(path);
}

/* In a child of its own; *status as waitpid has it. */
static inline struct streams streams_of_child(void (*write_lines)(void), int *status)
{
	int kept[] = { dup(1), dup(2) };
	char *path[2];

	streams_redirect(path);
	pid_t child = fork();
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		g_log_set_default_handler(g_log_default_handler, NULL);
		write_lines();
		_exit(0);
	}
	for (int i = 0; i < 2; i++) {
		dup2(kept[i], i + 1);
		close(kept[i]);
	}
	g_assert_cmpint(waitpid(child, status, 0), ==, child);
	return streams_read(path);
}

static inline char **lines_of(const char *text)
{
	g_assert_true(text[0] == '\0' || g_str_has_suffix(text, "\n"));
	char **lines = g_strsplit(text, "\n", -1);
	guint n = g_strv_length(lines);
	if (n > 0) {                    /* what follows the last newline: nothing */
		g_assert_cmpstr(lines[n - 1], ==, "");
		g_clear_pointer(&lines[n - 1], g_free);
	}
	return lines;
}

/* A line without its time of day; it must have one. */
static inline const char *bare(const char *line)
{
	if (!g_regex_match_simple("^time=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z t=[0-9]+\\.[0-9] ", line, 0, 0))
		g_error("no time begins '%s'", line);
	return line + strlen("time=2019-02-21T03:14:15Z ");
}

/* "t=0.0 train one\nt=0.0 train two\n" */
static inline char *bare_of(const char *text)
{
	g_auto(GStrv) lines = lines_of(text);
	g_autoptr(GString) all = g_string_new(NULL);

	for (char **line = lines; *line != NULL; line++)
		g_string_append_printf(all, "%s\n", bare(*line));
	return g_string_free(g_steal_pointer(&all), FALSE);
}

/* Lines that have `part` in them. */
static inline guint count_lines(const char *text, const char *part)
{
	g_auto(GStrv) lines = lines_of(text);
	guint n = 0;

	for (char **line = lines; *line != NULL; line++)
		n += strstr(*line, part) != NULL;
	return n;
}

static double fake_seconds;
static inline gint64 fake_clock(void) { return (gint64)(fake_seconds * G_USEC_PER_SEC + 0.5); }

static inline void open_with_fake_clock(const char *program, gsize budget)
{
	fake_seconds = 0;
	log_set_clock(fake_clock);
	log_open(program, budget);
}
