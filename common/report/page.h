/*
 * page.h - one page of HTML from one story, or from two, side by side: the summary first, then curves, held-out cases,
 * time, data, warnings, settings.
 *
 * The page is whole by itself: no script, nothing from elsewhere. It is light or dark as the reader has it, fits
 * phones and paper, and each figure has its numbers in a table. Its size is bounded, whatever the logs.
 * Errors: none: what the stories do not tell is not there. Threads: no state.
 */
#pragma once
#include "common/report/story.h"

G_BEGIN_DECLS

/* One or two ended stories, and what to call them: UTF-8. g_free() what it returns. */
char *page_html(const struct story *const *stories, const char *const *names, guint n);

G_END_DECLS
