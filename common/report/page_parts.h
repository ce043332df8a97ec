/*
 * page_parts.h - what the parts of the page share. A part is a section with its heading, and is left out where the
 * stories tell nothing of it.
 */
#pragma once
#include "common/plot/chart.h"
#include "common/report/html.h"
#include "common/report/story.h"

G_BEGIN_DECLS

#define PAGE_RUNS   2
#define PAGE_ROWS   400         /* of a table, at most */

struct page {
	const struct story *const *runs;        /* (n) */
	const char *const *names;               /* (n) */
	guint n;                                /* 1 or PAGE_RUNS */
	GString *out;
	guint charts;                           /* so far */
};

/* A chart with its title above it and a line below it; id, size and colours come from here. */
void page_chart(struct page *p, struct chart *c, int height, const char *note_opt);
/* "title", or with two runs "title: name"; g_free() it. */
char *page_titled(const struct page *p, guint run, const char *title);
/* Begins and ends what is around others: a fold is shown when it is asked for. What stayed empty is not there. */
struct page_box { gsize begun, inner; };
struct page_box page_open(struct page *p, const char *markup);
struct page_box page_fold(struct page *p, const char *title);
void page_close(struct page *p, struct page_box box, const char *markup);

/* The pairs of the last fact of a word: a row a key, a column a run; what differs is marked. */
void page_pairs(struct page *p, const char *title, const char *program, const char *word);
/* The facts of a word, a row each, a column a key; a table a run. `first` is the key of the first column. */
void page_facts(struct page *p, const char *title, const char *program, const char *word, const char *first);

/* Whether a held-out case is positive: it has a lesion, or its class says so. */
gboolean page_positive(const struct fact *held);

void part_summary(struct page *p);
void part_compared(struct page *p);
void part_curves(struct page *p);
void part_held(struct page *p);
void part_time(struct page *p);
void part_data(struct page *p);
void part_answers(struct page *p);
void part_warnings(struct page *p);
void part_settings(struct page *p);
void part_others(struct page *p);

const char *page_style(void);

G_END_DECLS
