/*
 * stage.h - where the time goes: the main thread is in one stage at a time, and what is spent in all of them, with
 * the time in none ("other"), adds up to the time since the start. A stage that is entered within another stops the
 * clock of that one. A GPU's work counts where its result is waited for.
 *
 *	STAGE("saving");        to the end of the block
 *	STAGE_WHOLE("looking"); so, and whatever is entered within it counts for it
 *
 * Names are static; STAGE_NAMES of them at the most. Threads: main; elsewhere it does nothing.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

enum { STAGE_NAMES = 24 };

/* The clock is log_seconds(): after log_open(), which begins anew. */
void stage_begin(void);
/* Returns the stage that it is in now, for stage_leave. */
int stage_enter(const char *name);
int stage_enter_whole(const char *name);
void stage_leave(int before);
double stage_seconds(const char *name);         /* so far; 0: never entered */
/* " total=3600.2 looking=12.1 ... other=3.0": s, in the order in which they were first entered. */
void stage_append(GString *line);

static inline void stage_leavep(int *before) { stage_leave(*before); }
#define STAGE_PASTE(a, b) a##b
#define STAGE_NAME(line) STAGE_PASTE(stage_before_, line)
#define STAGE_OF(call) G_GNUC_UNUSED int STAGE_NAME(__LINE__) __attribute__((cleanup(stage_leavep))) = (call)
#define STAGE(name) STAGE_OF(stage_enter(name))
#define STAGE_WHOLE(name) STAGE_OF(stage_enter_whole(name))

G_END_DECLS
