/*
 * settled.h - a scope's error as one of the program's: "WHAT: ..." of code FAULT_ROOM where memory ran out, else of code
 * `otherwise`.
 */
#pragma once
#include "common/fault/fault.h"
#include "common/tensor/tensor.h"

G_BEGIN_DECLS

/* Is there no error? */
gboolean scope_settled(const scope *s, const char *what, enum fault otherwise, GError **error);

G_END_DECLS
