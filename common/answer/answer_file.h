/*
 * answer_file.h - reading an answer as a contest would: `case,probability` and what other columns are wanted, each case
 * once, each number within its column's range.
 *
 * What is wrong with it is gathered, so that all can be mended at once: a contest refuses such a file, or reads it
 * otherwise than it was meant. Doubts are what a contest may take and what may still cost the score.
 *
 * Errors:  FAULT_DATA, where the file cannot be read as a table at all (csv_file.h).
 * Limits:  64 MiB. Threads: no state.
 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* A number of an answer: a column of its file. */
struct answer_column {
	const char *name;
	double least, most;     /* of a number that may be handed in */
	double without;         /* of a case that has none */
	int decimals;           /* -1: as answer.decimals says */
};
enum { ANSWER_COLUMNS_MAX = 2 };
/* By their names, as answer.columns has them: probability, the first, ranks cases; longest_axis_um is that of the largest
   component of the heat map (common/score/extent.h), 0 of a negative case. FAULT_USAGE: a name that is unknown, twice, or no
   probability first. where begins the message: "answer.columns". */
gboolean answer_columns_take(char *const *names, const char *where, struct answer_column columns[ANSWER_COLUMNS_MAX], guint *n,
			     GError **error);

struct answer_form {
	const char *const *ids; /* (n) the cases that are to be answered, no two alike */
	gsize n;
	const struct answer_column *columns; /* (n_columns) behind the name */
	guint n_columns;
	const char *where;      /* they come from: "the truth", "the test folder" */
	gboolean header;        /* the first row names the columns */
	const char *how;        /* to say that it does: "give --header" */
};

/* values (n, n_columns): the answers, NAN where there is none that counts. wrong, doubts_opt: char *, `answer.csv:3: ...`,
   appended (and also where it fails later in the file); with doubts the bytes are looked at too: byte-order mark, line ends, blanks. */
gboolean answer_file_read(const char *path, const struct answer_form *form, double *values, GPtrArray *wrong,
			  GPtrArray *doubts_opt, GError **error);

/* What makes an order doubtful, of values as they are printed (NAN: passed over): all are one; more than a tenth,
   and at least two, share the lowest or the highest. Appends char *. */
void answer_doubt_values(const double *values, gsize n, GPtrArray *doubts);

G_END_DECLS
