/*
 * room.h - what else a run may run out of than cores and memory: files that may be open, and disk.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* Files that may be open at once, after the limit was raised as far as this process may (RLIMIT_NOFILE, from its
   soft to its hard value: the soft one is often 1024, for select(2) alone). Any thread. */
guint64 room_files(void);
/* Bytes that may still be written below a folder, or below the nearest one above it that is there; -1: not known. */
gint64 room_disk(const char *path);

G_END_DECLS
