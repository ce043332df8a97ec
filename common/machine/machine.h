/*
 * machine.h - the machine as this process may use it: cores and memory of its container, not of the host.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* Cores: the least of the affinity mask and the cgroup's quota (v2 cpu.max, v1 cpu.cfs_quota_us), >= 1. */
int machine_cores(void);
/* Bytes this process may take: the least of the host's memory and the cgroup's limit; 0: not known. */
guint64 machine_memory(void);
guint64 machine_memory_peak(void);              /* bytes, resident, of this process so far */
/* The processor's name, or "unknown". */
char *machine_processor(void);

/* To be called first in main. glibc is told to keep memory that was freed: a step allocates and frees the same
   hundreds of megabytes, and giving them back each time costs a page fault for every 4 KiB of them (a fifth
   of the time of a training step was measured). And libgomp reads its settings when it is loaded, before
   main: where OMP_WAIT_POLICY is not set, it is set to passive (threads that wait must not hold the cores
   that readers need) and the program is started again. */
void machine_start(char **argv);

G_END_DECLS
