/* story.c - see story.h. Lines become facts as they are read; story_end() puts them in order of time, drops those of runs
   begun before, and keeps the last of those that tell the same. */
#include "common/report/story.h"
#include "common/fault/fault.h"
#include "common/log/discreet.h"
#include <errno.h>
#include <math.h>

enum { MOST_PAIRS = 256, PIECE = 65536, OTHER_LETTERS = 400 };

static const char *const programs[] = { "train", "inference" };

enum {
	ADDS_UP = 1,            /* what is told more than once: all its pairs, of each key the last */
	CLOSES = 2              /* told as a program ends: no more true when it goes on */
};

/* The words of LINES.md: by what a line is told from others of its word. */
static const struct kind {
	const char *word, *keys[2];
	guint how;
} kinds[] = {
	{ "start", { "time" }, 0 },		{ "machine", { NULL }, 0 },		{ "settings", { NULL }, ADDS_UP },
	{ "memory", { NULL }, 0 },		{ "case", { "slide" }, 0 },		{ "room", { NULL }, 0 },
	{ "look", { "of", "case" }, 0 },	{ "audit", { "of" }, 0 },		{ "ranges", { "of" }, 0 },
	{ "class", { "of" }, 0 },		{ "stain", { NULL }, 0 },		{ "twins", { NULL }, 0 },
	{ "data", { NULL }, 0 },		{ "split", { "member" }, 0 },		{ "rehearsal", { NULL }, 0 },
	{ "resume", { "time" }, 0 },	{ "model", { NULL }, 0 },		{ "plan", { "pass" }, 0 },
	{ "step", { "epoch", "n" }, 0 },	{ "epoch", { "n" }, 0 },		{ "held", { "case" }, CLOSES },
	{ "roc", { NULL }, CLOSES },		{ "plot", { "of", "row" }, CLOSES },	{ "outcome", { NULL }, CLOSES },
	{ "curve", { "of" }, CLOSES },		{ "verdict", { NULL }, CLOSES },		{ "confusion", { NULL }, CLOSES },
	{ "size", { "of" }, CLOSES },		{ "worst", { NULL }, CLOSES },		{ "forecast", { NULL }, CLOSES },
	{ "colour", { "of" }, CLOSES },
	{ "scores", { NULL }, CLOSES },		{ "spent", { NULL }, CLOSES },		{ "limit", { NULL }, CLOSES },
	{ "limits", { NULL }, CLOSES },		{ "left_out", { "case" }, CLOSES },	{ "survived", { "kind" }, 0 },
	{ "try", { "n" }, CLOSES },		{ "end", { NULL }, ADDS_UP | CLOSES },		{ "scanned", { "pass", "samples" }, 0 },
	{ "warning", { "kind", "text" }, 0 }, { "library", { "stream", "text" }, 0 },
	{ "looking", { "of" }, 0 },		{ "weights", { NULL }, 0 },		{ "trained", { NULL }, 0 },
	{ "ended", { NULL }, 0 },		{ "finished", { NULL }, 0 },	{ "pictures", { NULL }, 0 },
	{ "dropped", { NULL }, 0 },		{ "frozen", { "step" }, 0 },	{ "mined", { "epoch" }, 0 },	{ "member", { "n" }, 0 },
	{ "attention", { "member" }, 0 },	{ "fixed", { NULL }, 0 },		{ "copies", { NULL }, 0 },
	{ "anew", { "time" }, 0 },
};

struct line {
	struct fact fact;
	const struct kind *kind;
	double told, again;     /* t and again of the line; NAN: none */
};

struct story {
	gsize bytes;            /* read so far */
	GString *line;          /* being read */
	GStringChunk *texts;
	struct logfmt parts;
	GPtrArray *lines;       /* of struct line, all; they own the facts */
	GHashTable *facts;      /* "train epoch": GPtrArray of struct fact */
	GPtrArray *others, *none;
	guint n_others;
	const char *heard[G_N_ELEMENTS(programs)];
	guint starts[G_N_ELEMENTS(programs)], forgotten[G_N_ELEMENTS(programs)];
};

static void line_free(void *data)
{
	struct line *line = data;

	g_free((void *)line->fact.pairs);
	g_free(line);
}

static void array_unref(void *array) { g_ptr_array_unref(array); }

struct story *story_new(void)
{
	struct story *s = g_new0(struct story, 1);

	s->line = g_string_new(NULL);
	s->texts = g_string_chunk_new(PIECE);
	s->lines = g_ptr_array_new_with_free_func(line_free);
	s->facts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, array_unref);
	s->others = g_ptr_array_new_with_free_func(g_free);
	s->none = g_ptr_array_new();
	return s;
}

void story_free(struct story *s)
{
	if (s == NULL)
		return;
	g_string_free(s->line, TRUE);
	g_string_chunk_free(s->texts);
	logfmt_clear(&s->parts);
	g_hash_table_unref(s->facts);
	g_ptr_array_unref(s->lines);
	g_ptr_array_unref(s->others);
	g_ptr_array_unref(s->none);
	g_free(s);
}

/* ---- reading ---- */

/* The line as text that is safe to show: see story.h. */
static char *clean(const GString *line)
{
	char *text = g_utf8_make_valid(line->str, (gssize)line->len);
	char *to = text;

	for (const char *c = text, *next; *c != '\0'; c = next) {
		gunichar letter = g_utf8_get_char(c);
		GUnicodeType type = g_unichar_type(letter);

		next = g_utf8_next_char(c);     /* before it is written over */
		if (type == G_UNICODE_FORMAT)
			continue;
		if (type == G_UNICODE_CONTROL || type == G_UNICODE_LINE_SEPARATOR || type == G_UNICODE_PARAGRAPH_SEPARATOR)
			*to++ = ' ';
		else
			to += g_unichar_to_utf8(letter, to);
	}
	*to = '\0';
	return text;
}

static void keep_other(struct story *s, const char *text)
{
	s->n_others++;
	if (s->others->len == STORY_OTHERS)
		g_ptr_array_remove_index(s->others, STORY_OTHERS / 3);
	g_ptr_array_add(s->others, g_utf8_substring(text, 0, MIN(g_utf8_strlen(text, -1), OTHER_LETTERS)));
}

static const struct kind *find_kind(const char *word)
{
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (g_str_equal(kinds[i].word, word))
			return &kinds[i];
	return NULL;
}

static const char *find_program(const char *word)
{
	for (gsize i = 0; i < G_N_ELEMENTS(programs); i++)
		if (g_str_equal(programs[i], word))
			return programs[i];
	return NULL;
}

static double number_of(const char *text)
{
	char *end;
	double value = text != NULL ? g_ascii_strtod(text, &end) : NAN;

	return text == NULL || end == text || !isfinite(value) ? NAN : value;
}

/* `text` begins as a fact does. False: it is none after all. */
static gboolean take_fact(struct story *s, const char *text)
{
	gsize size = strlen(text);
	char *own = g_string_chunk_insert_len(s->texts, text, (gssize)size);

	logfmt_parse(&s->parts, own, size);
	const char *const *words = (const char *const *)s->parts.words->pdata;
	guint n_words = s->parts.words->len, n_pairs = MIN(s->parts.pairs->len, MOST_PAIRS);
	const char *program = n_words == 2 || n_words == 3 ? find_program(words[0]) : NULL;
	const struct kind *kind = program != NULL ? find_kind(words[1]) : NULL;
	if (kind == NULL)
		return FALSE;

	const struct logfmt_pair *all = (const struct logfmt_pair *)(void *)s->parts.pairs->data;
	struct logfmt_pair *pairs = g_new(struct logfmt_pair, n_pairs);
	struct line *line = g_new(struct line, 1);
	*line = (struct line){ .fact = { .program = program, .word = kind->word, .word2 = n_words == 3 ? words[2] : "",
					 .time = all[0].value, .pairs = pairs }, .kind = kind,
			       .told = number_of(logfmt_get(&s->parts, "t")), .again = number_of(logfmt_get(&s->parts, "again")) };
	for (guint i = 1; i < n_pairs; i++)
		if (!g_str_equal(all[i].key, "t") && !g_str_equal(all[i].key, "again"))
			pairs[line->fact.n_pairs++] = all[i];
	g_ptr_array_add(s->lines, line);
	return TRUE;
}

static void end_line(struct story *s)
{
	g_autofree char *text = clean(s->line);

	g_strchomp(text);
	if (text[0] != '\0' && (!g_str_has_prefix(text, "time=") || !take_fact(s, text)))
		keep_other(s, text);
	g_string_truncate(s->line, 0);
}

static void take_bytes(struct story *s, const char *bytes, gsize size)
{
	while (size > 0) {
		const char *newline = memchr(bytes, '\n', size);
		gsize n = newline != NULL ? (gsize)(newline - bytes) : size;

		g_string_append_len(s->line, bytes, (gssize)MIN(n, STORY_LINE_BYTES - MIN(s->line->len, STORY_LINE_BYTES)));
		if (newline != NULL)
			end_line(s);
		n += newline != NULL;
		bytes += n;
		size -= n;
	}
}

void story_take(struct story *s, const char *text, gsize size)
{
	size = MIN(size, STORY_BYTES - s->bytes);
	s->bytes += size;
	take_bytes(s, text, size);
	end_line(s);
}

gboolean story_read(struct story *s, const char *path, GError **error)
{
	char piece[PIECE];
	gsize n;
	FILE *file = fopen(path, "rbe");

	if (file == NULL) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: %s", path, g_strerror(errno));
		return FALSE;
	}
	errno = 0;
	while ((n = fread(piece, 1, sizeof piece, file)) > 0 && n <= STORY_BYTES - s->bytes) {
		s->bytes += n;
		take_bytes(s, piece, n);
	}
	int failed = ferror(file) ? errno : 0;
	fclose(file);
	end_line(s);
	if (failed != 0)
		g_set_error(error, FAULT, FAULT_DATA, "%s: %s", path, g_strerror(failed));
	else if (n > 0)
		g_set_error(error, FAULT, FAULT_DATA, "%s: more than %d MB of log: give its end, `tail -c %dM`", path,
			    STORY_BYTES >> 20, (STORY_BYTES >> 20) - 1);
	return failed == 0 && n == 0;
}

/* ---- putting in order ---- */

static int compare_lines(const void *a, const void *b)
{
	const struct line *x = *(const struct line *const *)a, *y = *(const struct line *const *)b;
	int by_time = strcmp(x->fact.time, y->fact.time);

	return by_time != 0 ? by_time : (x->told > y->told) - (x->told < y->told);
}

static gboolean is_of(const struct line *line, const char *program, const char *word)
{
	return line->fact.program == program && g_str_equal(line->kind->word, word);
}

static gboolean is_start(const struct line *line, const char *program) { return is_of(line, program, "start") && isnan(line->again); }

/* From which line on a program tells of the run that is the story: the last start that goes on with nothing. */
static guint first_line(struct story *s, guint p)
{
	gboolean resumes = FALSE;

	for (guint i = s->lines->len; i-- > 0;) {
		const struct line *line = s->lines->pdata[i];

		resumes |= is_of(line, programs[p], "resume") || is_of(line, programs[p], "finished");
		if (!is_start(line, programs[p]))
			continue;
		s->starts[p]++;
		if (!resumes)
			return i;
		resumes = FALSE;
	}
	return 0;
}

/* What a line is told by. One whose name is hidden is told by all that it says. */
static char *identity(const struct line *line)
{
	GString *text = g_string_new(line->fact.program);
	gboolean hidden = FALSE;

	g_string_append_printf(text, " %s\n%s", line->kind->word, line->fact.word2);
	for (gsize i = 0; i < G_N_ELEMENTS(line->kind->keys) && line->kind->keys[i] != NULL; i++) {
		const char *key = line->kind->keys[i];
		const char *value = g_str_equal(key, "time") ? line->fact.time : fact_text(&line->fact, key);

		/* the third of twenty, the third of eighteen: the third */
		g_string_append_printf(text, "\n%.*s", value == NULL ? 0 : g_str_equal(key, "n") || g_str_equal(key, "epoch") ?
				       (int)strcspn(value, "/") : (int)strlen(value), value != NULL ? value : "");
		hidden |= g_strcmp0(value, DISCREET_HIDDEN) == 0;
	}
	for (guint i = 0; hidden && i < line->fact.n_pairs; i++)
		g_string_append_printf(text, "\n%s", line->fact.pairs[i].value);
	return g_string_free(text, FALSE);
}

/* old, with what is told now; what both tell, as it is told now. */
static void add_up(struct fact *old, const struct fact *now)
{
	struct logfmt_pair *pairs = g_new(struct logfmt_pair, old->n_pairs + now->n_pairs);
	guint n = 0;

	for (guint i = 0; i < old->n_pairs; i++)
		if (fact_text(now, old->pairs[i].key) == NULL)
			pairs[n++] = old->pairs[i];
	for (guint i = 0; i < now->n_pairs && n < 16 * MOST_PAIRS; i++)
		pairs[n++] = now->pairs[i];
	g_free((void *)old->pairs);
	old->pairs = pairs;
	old->n_pairs = n;
}

/* Where the same was told before, this takes its place. */
static void tell(struct story *s, GHashTable *told, struct line *line)
{
	char *key = identity(line);
	struct line *before = g_hash_table_lookup(told, key);
	g_autofree char *word = g_strdup_printf("%s %s", line->fact.program, line->kind->word);
	GPtrArray *facts = g_hash_table_lookup(s->facts, word);

	if (before != NULL && line->kind->how & ADDS_UP) {
		add_up(&before->fact, &line->fact);
	} else if (before != NULL) {
		struct fact old = before->fact;

		before->fact = line->fact;
		line->fact = old;
	} else {
		if (facts == NULL)
			g_hash_table_insert(s->facts, g_strdup(word), facts = g_ptr_array_new());
		g_ptr_array_add(facts, &line->fact);
		g_hash_table_insert(told, g_steal_pointer(&key), line);
	}
	g_free(key);
}

/* Does the program that starts with this line find that nothing is left to do? */
static gboolean finds_finished(const struct story *s, guint start, const char *program)
{
	for (guint i = start + 1; i < s->lines->len && !is_start(s->lines->pdata[i], program); i++)
		if (is_of(s->lines->pdata[i], program, "finished"))
			return TRUE;
	return FALSE;
}

static gboolean closes(void *key, void *line, void *program)
{
	(void)key;
	return ((const struct line *)line)->fact.program == program && (((const struct line *)line)->kind->how & CLOSES) != 0;
}

/* It goes on: what was said as it ended, is not how it ended. */
static void reopen(struct story *s, GHashTable *told, const char *program)
{
	g_hash_table_foreach_remove(told, closes, (void *)program);
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *word = g_strdup_printf("%s %s", program, kinds[i].word);
		if (kinds[i].how & CLOSES)
			g_hash_table_remove(s->facts, word);
	}
}

static void end_program(struct story *s, GHashTable *told, guint p)
{
	guint first = first_line(s, p);
	double before = 0, last = 0;    /* s, up to the start, and to the line before */

	for (guint i = 0; i < s->lines->len; i++) {
		struct line *line = s->lines->pdata[i];
		double t = isnan(line->again) ? line->told : line->again;

		if (line->fact.program != programs[p])
			continue;
		s->heard[p] = line->fact.time;
		if (i < first) {
			s->forgotten[p] += is_start(line, programs[p]) ? 1 : 0;
			continue;
		}
		if (is_start(line, programs[p])) {      /* started by train.sh, its clock goes on */
			before = MAX(last - (line->told > 0 ? line->told : 0), 0);
			if (i > first && !finds_finished(s, i, programs[p]))
				reopen(s, told, programs[p]);
		}
		line->fact.t = before + t;
		if (isnan(line->again) && line->told >= 0)
			last = MAX(last, before + line->told);
		tell(s, told, line);
	}
}

void story_end(struct story *s)
{
	g_autoptr(GHashTable) told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	g_ptr_array_sort(s->lines, compare_lines);
	for (guint p = 0; p < G_N_ELEMENTS(programs); p++)
		end_program(s, told, p);
}

/* ---- asking ---- */

const GPtrArray *story_facts(const struct story *s, const char *program, const char *word)
{
	g_autofree char *key = g_strdup_printf("%s %s", program, word);
	const GPtrArray *facts = g_hash_table_lookup(s->facts, key);

	return facts != NULL ? facts : s->none;
}

const struct fact *story_last(const struct story *s, const char *program, const char *word)
{
	const GPtrArray *facts = story_facts(s, program, word);

	return facts->len > 0 ? facts->pdata[facts->len - 1] : NULL;
}

const struct fact *story_find(const struct story *s, const char *program, const char *word, const char *key, const char *value)
{
	const GPtrArray *facts = story_facts(s, program, word);

	for (guint i = facts->len; i-- > 0;)
		if (g_strcmp0(fact_text(facts->pdata[i], key), value) == 0)
			return facts->pdata[i];
	return NULL;
}

guint story_other_lines(const struct story *s) { return s->n_others; }
const GPtrArray *story_others(const struct story *s) { return s->others; }

static guint program_number(const char *program) { return g_str_equal(program, programs[0]) ? 0 : 1; }

const char *story_heard(const struct story *s, const char *program) { return s->heard[program_number(program)]; }
guint story_starts(const struct story *s, const char *program) { return s->starts[program_number(program)]; }
guint story_forgotten(const struct story *s, const char *program) { return s->forgotten[program_number(program)]; }

const char *fact_text(const struct fact *f, const char *key)
{
	for (guint i = 0; f != NULL && i < f->n_pairs; i++)
		if (g_str_equal(f->pairs[i].key, key))
			return f->pairs[i].value;
	return NULL;
}

double fact_number(const struct fact *f, const char *key) { return number_of(fact_text(f, key)); }

gboolean fact_range(const struct fact *f, const char *key, double *values, guint n)
{
	const char *text = fact_text(f, key);
	g_auto(GStrv) parts = g_strsplit(text != NULL ? text : "", "..", (int)n + 1);
	g_autofree double *numbers = g_new0(double, n);

	for (guint i = 0; i < n; i++)
		if (parts[i] == NULL || isnan(numbers[i] = number_of(parts[i])))
			return FALSE;
	if (parts[n] != NULL)
		return FALSE;
	memcpy(values, numbers, n * sizeof *values);
	return TRUE;
}
