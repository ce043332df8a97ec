/*
 * machine.h - the machine as this process may use it: cores and memory of its container, not of the host.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* Cores to use, >= 1: the least of the affinity mask, the cgroups' quota of time, and as many as their limit
   of threads leaves room for (a thread that computes, one that reads and one that prepares each). */
int machine_cores(void);
/* Threads that read, and as many that compute: what is set, or where that is 0, one a core. */
static inline int machine_threads(int set) { return set > 0 ? set : machine_cores(); }
/* Bytes this process may take: the least of the host's memory and the cgroups' limit; 0: not known. */
guint64 machine_memory(void);
/* Where this is set in the environment it may take no more than so many bytes: of a process that shares its
   container with the one that started it. */
#define MACHINE_MEMORY_VARIABLE "BLINDRUN_MEMORY"
guint64 machine_memory_now(void);               /* bytes, resident, of this process */
guint64 machine_memory_peak(void);              /* bytes, resident, of this process so far */
/* The processor's name, or "unknown". */
char *machine_processor(void);

/* Gives memory that was freed, and is kept otherwise, back to the system: between the parts of a run. */
void machine_release(void);

/* To be called first in main. Of stdin, stdout and stderr those that are closed become /dev/null; a reader of a
   stream that goes away, or a limit on the size of files, does not end the program. glibc is told to keep memory that was freed: a step
   allocates and frees the same hundreds of megabytes, and giving them back each time costs a page fault for
   every 4 KiB of them (a fifth of the time of a training step was measured). And libgomp reads its settings
   when it is loaded, before main: where OMP_WAIT_POLICY is not set, it is set to passive (threads that wait
   must not hold the cores that readers need) and the program is started again. */
void machine_start(char **argv);

G_END_DECLS
