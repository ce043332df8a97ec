/*
 * stop.h - a tidy end when the cloud, or a person, asks for it: SIGTERM and SIGINT.
 *
 * The first one sets a flag, which everything that takes long looks at between two pieces of work; what was
 * reached is saved and the program ends with FAULT_STOPPED. A second one ends it at once, with 128 + its number,
 * as an unhandled signal would. Signals less than half a second apart are one: a terminal and the script above
 * the program may both pass the same one on.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* Once, at the start of main, after machine_start(). Also where the caller had them ignored (a shell's `&`).
   late: called in a thread of its own where the program has not ended STOP_S after the first signal, one step
   of a large network being that long, say; it should say so; then the program ends with FAULT_STOPPED. */
enum { STOP_S = 8 };
void stop_catch(void (*late)(void));
/* "SIGTERM", "SIGINT"; NULL as long as none came. Any thread. */
const char *stop_asked(void);
/* As a signal would: for tests, and for what must end the same way. 0 takes it back. */
void stop_ask(int number);

G_END_DECLS
