/*
 * colours.h - how far the cases to answer for are in colour from those that the model learned from.
 *
 * From the manifest's "colours" (of training cases, optical density of red, green, blue) and what task->colour says of each
 * case as it is scanned; distances are those of common/score/forecast.h: 1 is typical.
 * Threads: main. Errors: none; where there are no colours nothing is said.
 */
#pragma once
#include "common/task/task.h"

G_BEGIN_DECLS

struct colours;

struct colours *colours_new(const struct work *work, JsonObject *manifest_opt);
void colours_free(struct colours *c);
/* Of a case that is prepared. */
void colours_take(struct colours *c, guint item);
/* A line of the diagnosis, and a warning where more cases stray than chance would have it. */
void colours_say(const struct colours *c);

G_END_DECLS
