/*
 * pattern.h - which files are cases: "image/{class}/{name}.mrxs" below a folder; "{name}/{name}.svs" where each has a folder.
 *
 * {class} may stand anywhere, and so may {name}, but once in the part (between slashes) where it first stands: that part's
 * entries are listed. An ending, from the last dot on, fits in upper and lower case alike (ASCII); of files that have one name
 * by that, the one whose ending is the pattern's is taken, else the first by bytes. Errors: FAULT_USAGE for another pattern,
 * GFileError for a folder that cannot be read.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

struct pattern_match { char *name, *path; };

/* All files that fit, sorted by name (bytes); class_opt stands for {class}. A GPtrArray of struct
   pattern_match *, which frees them. Names that begin with a dot are passed over. */
GPtrArray *pattern_list(const char *root, const char *pattern, const char *class_opt, GError **error);
/* The file there, or that with its ending in capitals or without any; NULL: there is none. */
char *pattern_ending(const char *path);
/* The path for a name. */
char *pattern_path(const char *root, const char *pattern, const char *class_opt, const char *name);

G_END_DECLS
