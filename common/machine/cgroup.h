/*
 * cgroup.h - the limits that Linux control groups put on this process.
 *
 * A limit holds for a group and all groups in it, so the least of a limit's values from the process's own group
 * up to the root counts. Both versions are read: 2 (one tree) and 1 (a tree a controller), at their usual
 * place, below /sys/fs/cgroup. In a container the own group is often seen as the root, under whatever name
 * /proc/self/cgroup gives it: then the root's values are the own.
 * Source: the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

struct cgroup_limits {          /* 0: no limit, or not known */
	double cores;           /* processor time a second: 1.5 is one and a half cores */
	guint64 memory;         /* bytes; of memory.max and memory.high the lower */
	guint64 tasks;          /* processes and threads, of the whole group */
};

/* root: "" for this machine; or a folder that stands for /, for tests. */
struct cgroup_limits cgroup_limits(const char *root);

G_END_DECLS
