/*
 * remove_tree.h - a file, or a folder with all that is in it, taken away; links are removed and not followed. What cannot be
 * removed stays, without a word.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

void remove_tree(const char *path);

G_END_DECLS
