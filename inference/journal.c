/* journal.c - see journal.h. */
#include "inference/journal.h"
#include "common/log/log.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct entry {
	gboolean open;
	guint killed;
	struct journal_answer answer;
};

struct journal {
	const struct work *work;
	int fd;                 /* -1: none */
	guint killed;
	struct entry *entries;  /* (n_cases) */
};

static void give_up(struct journal *j, const char *why)
{
	log_warn("journal", "what is answered is not noted, in case inference is killed and started again: %s", why);
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

static void write_line(struct journal *j, GString *line)
{
	g_string_append_c(line, '\n');
	if (j->fd < 0 || write(j->fd, line->str, line->len) == (gssize)line->len)
		return;
	give_up(j, g_strerror(errno));
}

/* ---- what was ---- */

/* A run ended, without an end. */
static void take_kill(struct journal *j)
{
	for (guint i = 0; i < j->work->n_cases; i++) {
		j->entries[i].killed += j->entries[i].open ? 1 : 0;
		j->entries[i].open = FALSE;
	}
}

static gboolean take_number(const struct logfmt *l, const char *key, double *out)
{
	const char *text = logfmt_get(l, key);
	char *end = NULL;

	*out = text != NULL ? g_ascii_strtod(text, &end) : 0;
	return end != text && *end == '\0';
}

static gboolean take_answer(const struct journal *j, const struct logfmt *l, struct journal_answer *out)
{
	double read, partly, full, done;
	gboolean ok = take_number(l, "samples", &read) && take_number(l, "partly", &partly) && take_number(l, "full", &full) &&
		      take_number(l, "done", &done) && read >= 0 && read < (double)G_MAXUINT32;

	*out = (struct journal_answer){ .read = ok ? (guint64)read : 0, .partly = ok && partly > 0, .full = ok && full > 0,
					.done = ok && done > 0 };
	for (guint k = 0; ok && k < j->work->n_answers; k++)
		ok = take_number(l, j->work->columns[k].name, &out->numbers[k]);
	return ok;
}

static void take_line(struct journal *j, GHashTable *places, struct logfmt *l)
{
	const char *word = l->words->len > 0 ? l->words->pdata[0] : "", *id = logfmt_get(l, "case");
	const gsize place = id != NULL ? GPOINTER_TO_SIZE(g_hash_table_lookup(places, id)) : 0;
	struct entry *e = place > 0 ? &j->entries[place - 1] : NULL;
	struct journal_answer answer;

	if (g_str_equal(word, "start") && j->killed++ > 0)
		take_kill(j);
	if (e != NULL && g_str_equal(word, "begin"))
		e->open = TRUE;
	if (e != NULL && g_str_equal(word, "end") && take_answer(j, l, &answer)) {
		e->open = FALSE;
		e->answer = answer;
	}
}

static void take_text(struct journal *j, char *text, gsize length)
{
	g_autoptr(GHashTable) places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(logfmt_t) l = { 0 };

	for (guint i = 0; i < j->work->n_cases; i++)
		g_hash_table_insert(places, g_strescape(j->work->cases[i].id, NULL), GSIZE_TO_POINTER(i + 1));
	for (char *end; (end = memchr(text, '\n', length)) != NULL;) {
		const gsize n = (gsize)(end - text);
		logfmt_parse(&l, text, n);
		take_line(j, places, &l);
		text += n + 1;
		length -= n + 1;
	}
}

struct journal *journal_open(const char *path_opt, const struct work *work)
{
	struct journal *j = g_new0(struct journal, 1);
	g_autoptr(GString) line = g_string_new("start");
	g_autoptr(GError) wrong = NULL;
	g_autofree char *text = NULL;
	gsize length;

	j->work = work;
	j->fd = -1;
	j->entries = g_new0(struct entry, work->n_cases + 1);
	if (path_opt == NULL)
		return j;
	j->fd = open(path_opt, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (j->fd < 0 || !g_file_get_contents(path_opt, &text, &length, &wrong)) {
		give_up(j, wrong != NULL ? wrong->message : g_strerror(errno));
		return j;
	}
	if (length > 0 && text[length - 1] != '\n')
		g_string_prepend(line, "?\n");  /* what was cut off ends in no number */
	take_text(j, text, length);
	take_kill(j);
	write_line(j, line);
	return j;
}

void journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	if (j->fd >= 0)
		close(j->fd);
	g_free(j->entries);
	g_free(j);
}

guint journal_killed(const struct journal *j) { return j->killed; }

guint journal_killed_in(const struct journal *j, guint item) { return j->entries[item].killed; }

struct journal_answer journal_answer(const struct journal *j, guint item) { return j->entries[item].answer; }

/* ---- what is ---- */

static GString *line_of(const struct journal *j, const char *word, guint item)
{
	GString *line = g_string_new(word);
	g_autofree char *id = g_strescape(j->work->cases[item].id, NULL);       /* a line break in a name stays within its line */

	logfmt_append(line, "case", id);
	return line;
}

void journal_begin(struct journal *j, guint item)
{
	g_autoptr(GString) line = line_of(j, "begin", item);

	write_line(j, line);
}

void journal_end(struct journal *j, guint item, const struct journal_answer *answer)
{
	g_autoptr(GString) line = line_of(j, "end", item);
	char number[G_ASCII_DTOSTR_BUF_SIZE];

	g_string_append_printf(line, " samples=%" G_GUINT64_FORMAT " partly=%d full=%d done=%d", answer->read, answer->partly, answer->full,
			       answer->done);
	for (guint k = 0; k < j->work->n_answers; k++)
		logfmt_append(line, j->work->columns[k].name, g_ascii_dtostr(number, sizeof number, answer->numbers[k]));
	write_line(j, line);
}
