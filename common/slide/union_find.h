/*
 * union_find.h - the project's one union-find, with path halving: what belongs together has one root, the smallest index of it.
 * Before, parent[i] is i for all. No state, no errors.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

static inline guint32 union_root(guint32 *parent, guint32 i)
{
	while (parent[i] != i)
		i = parent[i] = parent[parent[i]];
	return i;
}

static inline void union_join(guint32 *parent, guint32 a, guint32 b)
{
	a = union_root(parent, a);
	b = union_root(parent, b);
	parent[MAX(a, b)] = MIN(a, b);
}

G_END_DECLS
