/*
 * capture.h - what libraries print to stdout and stderr comes line by line to a function instead; and what stood in
 * the pipe when the program crashed still gets out, with a last line that says so.
 *
 * Descriptors 1 and 2 become pipes that a thread reads; real[] are the streams as they were, for what the program
 * itself has to say. On SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP and SIGABRT what was printed to stderr and not taken goes out
 * as it is, then a line of capture_words(), and the signal takes its course.
 *
 * Errors: FALSE, and nothing is changed, where there are no descriptors. Under a sanitizer it does nothing: those
 * report on stderr, and end. Threads: begin and end on the main thread; `take` is called in its own.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

typedef void (*capture_take)(int stream, const char *line);    /* 1 or 2; without its newline, at most CAPTURE_BYTES */
enum { CAPTURE_BYTES = 2000 };

gboolean capture_begin(int real[2], capture_take take);
/* All that was printed is taken; descriptors 1 and 2 are what they were. Does nothing where nothing was begun. */
void capture_end(void);
/* What stands before the cause in a crash's last line, and behind it. Kept, not copied: static. */
void capture_words(const char *before, const char *after);

G_END_DECLS
