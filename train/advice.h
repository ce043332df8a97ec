/*
 * advice.h - the three things to try next, each a key with a value and a reason: the first three rows of a table that
 * apply and would change something.
 */
#pragma once
#include "train/diagnosis.h"

G_BEGIN_DECLS

enum { ADVICE_MOST = 3 };

void advice_say(const struct diagnosis *d, enum course course, const struct judged *held, gsize n);

G_END_DECLS
