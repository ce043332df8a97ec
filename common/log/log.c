/* log.c - see log.h. One lock; one line is one write. */
#include "common/log/log.h"
#include "common/log/capture.h"
#include "common/log/discreet.h"
#include "common/log/stage.h"
#include "common/log/told.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum {
	RESERVE = 64 * 1024,    /* of the budget, for the end */
	RECENT = 12 * 1024,     /* what ends no further back than this is not told again at the end */
	LINE_BYTES = 16 * 1024,
	EXAMPLE_BYTES = 320,    /* of the first warning of a kind, in the diagnosis */
	KINDS_SAID = 9,         /* kinds of warnings in the diagnosis */
	DIAGNOSIS = LOG_LAST - KINDS_SAID - 3,
};

struct kind {                   /* of warnings */
	char *name, *first;
	guint count;
};

static struct {
	GMutex lock;
	char *program;
	int fd[2];              /* stdout, stderr */
	gsize budget, used[2], again; /* bytes; used[0] when the story was last told whole */
	gint64 start;
	double progress, row;   /* s: when the last of each was written */
	gboolean progressed, rowed;
	GPtrArray *kinds;       /* struct kind *, in the order in which they came */
	guint warnings, dropped;
	struct told *told;
	GPtrArray *last;        /* char * */
	struct discreet *discreet;
	gboolean ascii, nameless;
	gint64 (*clock)(void);
	char crash[256];
} state = { .fd = { STDOUT_FILENO, STDERR_FILENO } };

static void kind_free(gpointer data)
{
	struct kind *k = data;

	g_free(k->name);
	g_free(k->first);
	g_free(k);
}

static gint64 now_us(void) { return state.clock != NULL ? state.clock() : g_get_monotonic_time(); }

void log_set_clock(gint64 (*monotonic)(void)) { state.clock = monotonic; }

void log_open(const char *program, gsize budget)
{
	g_mutex_lock(&state.lock);
	g_free(state.program);
	g_clear_pointer(&state.kinds, g_ptr_array_unref);
	g_clear_pointer(&state.last, g_ptr_array_unref);
	g_clear_pointer(&state.told, told_free);
	g_clear_pointer(&state.discreet, discreet_free);
	state.program = g_strdup(program);
	state.budget = budget;
	state.used[0] = state.used[1] = state.again = 0;
	state.start = now_us();
	state.progressed = state.rowed = FALSE;
	state.kinds = g_ptr_array_new_with_free_func(kind_free);
	state.last = g_ptr_array_new_with_free_func(g_free);
	state.told = told_new();
	state.discreet = discreet_new();
	state.warnings = state.dropped = 0;
	state.ascii = state.nameless = FALSE;
	g_mutex_unlock(&state.lock);
	stage_begin();
}

void log_went_before(double seconds)
{
	if (!(seconds > 0))
		return;
	const int other = stage_enter("before");
	state.start -= (gint64)(seconds * G_USEC_PER_SEC);
	stage_leave(other);
}

double log_seconds(void) { return (double)(now_us() - state.start) / G_USEC_PER_SEC; }

double log_deadline(double limit) { return limit > 0 ? MAX(limit * 0.98 - 2, limit / 2) : 0; }

/* ---- a line, all under the lock ---- */

enum rank { DETAIL, NEWS, STORY, LAST }; /* STORY: told for the last time, before the diagnosis, which must have room */

static gsize limit_of(enum rank rank)
{
	gsize reserve = MIN(state.budget, RESERVE);

	if (state.budget == 0)
		return G_MAXSIZE;
	return rank == LAST ? state.budget : rank == STORY ? state.budget - reserve / 4 : rank == NEWS ? state.budget - reserve
	       : state.budget / 4;
}

static void write_all(int fd, const char *text, gsize size)
{
	while (size > 0) {
		gssize n = write(fd, text, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		size -= (gsize)n;
	}
}

/* What begins the last line, should the program crash. */
static void note_crash(const char *stamp)
{
	g_snprintf(state.crash, sizeof state.crash, "time=%s t=%.1f %s end cause=\"the program crashed: ", stamp, log_seconds(),
		   state.program != NULL ? state.program : "-");
}

static char *stamp_now(void)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();

	return g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
}

/* What does not fit the budget is dropped and counted. Returns the byte of the stream at which it ends; 0: dropped. */
static gsize put(int stream, enum rank rank, const char *text)
{
	g_autofree char *stamp = stamp_now();
	g_autofree char *shown = state.discreet != NULL ? discreet_line(state.discreet, text) : g_strdup(text);
	g_autofree char *line = g_strdup_printf("time=%s t=%.1f %s %.*s\n", stamp, log_seconds(), state.program ? state.program : "-",
						LINE_BYTES, shown);
	gsize size = strlen(line);

	for (char *c = line; c < line + size - 1; c++)
		if ((guchar)*c < ' ')
			*c = ' ';
	if (state.used[stream] + size > limit_of(rank)) {
		state.dropped++;
		return 0;
	}
	state.used[stream] += size;
	write_all(state.fd[stream], line, size);
	note_crash(stamp);
	return state.used[stream];
}

static gsize put_again(const char *text, double t, gpointer rank)
{
	g_autofree char *line = g_strdup_printf("%s again=%.1f", text, t);

	return put(0, (enum rank)GPOINTER_TO_INT(rank), line);
}

/* All of the story, now and then. */
static void tell_again(void)
{
	if (state.used[0] - state.again < LOG_AGAIN)
		return;
	state.again = state.used[0];
	told_again(state.told, G_MAXSIZE, put_again, GINT_TO_POINTER(NEWS));
	state.again = state.used[0];
}

/* Seconds between two lines of one sort: more as time passes, and as the budget is used, so that it is never at its end. */
static double pause_now(void)
{
	double used = state.budget == 0 ? 0 : (double)state.used[0] / (double)limit_of(NEWS);

	return MAX(5, log_seconds() / 100) * exp2(6 * used);
}

static gboolean is_due(double *last, gboolean *any)
{
	double now = log_seconds();

	if (*any && now - *last < pause_now())
		return FALSE;
	*any = TRUE;
	*last = now;
	return TRUE;
}

/* ---- what is said ---- */

#define TEXT(name) \
	va_list args; \
	va_start(args, format); \
	g_autofree char *name = g_strdup_vprintf(format, args); \
	va_end(args)

static void say(enum rank rank, const char *text)
{
	g_mutex_lock(&state.lock);
	put(0, rank, text);
	tell_again();
	g_mutex_unlock(&state.lock);
}

void log_say(const char *format, ...)
{
	TEXT(text);
	say(NEWS, text);
}

void log_detail(const char *format, ...)
{
	if (state.nameless)
		return;
	TEXT(text);
	say(DETAIL, text);
}

void log_keep(const char *name, const char *format, ...)
{
	TEXT(text);
	g_mutex_lock(&state.lock);
	told_line(state.told, name, text, log_seconds(), put(0, NEWS, text));
	tell_again();
	g_mutex_unlock(&state.lock);
}

void log_row(const char *name, gboolean news, const char *format, ...)
{
	TEXT(text);
	g_mutex_lock(&state.lock);
	gboolean said = is_due(&state.row, &state.rowed) || (news && state.used[0] < limit_of(NEWS) / 2);
	told_row(state.told, name, text, log_seconds(), said ? put(0, NEWS, text) : 0);
	tell_again();
	g_mutex_unlock(&state.lock);
}

void log_progress(const char *format, ...)
{
	g_mutex_lock(&state.lock);
	if (is_due(&state.progress, &state.progressed)) {
		TEXT(text);
		put(0, NEWS, text);
		tell_again();
	}
	g_mutex_unlock(&state.lock);
}

static struct kind *kind_of(const char *name, gboolean add)
{
	for (guint i = 0; i < state.kinds->len; i++) {
		struct kind *k = state.kinds->pdata[i];
		if (g_str_equal(k->name, name))
			return k;
	}
	if (!add)
		return NULL;
	struct kind *k = g_new0(struct kind, 1);
	k->name = g_strdup(name);
	g_ptr_array_add(state.kinds, k);
	return k;
}

/* The first ones, then the hundredth, the thousandth and so on. */
static gboolean is_said(guint count)
{
	guint power = count;

	while (power % 10 == 0)
		power /= 10;
	return count <= LOG_REPEATS || power == 1;
}

/* Locked. words: "warning". */
static void warn(const char *words, const char *kind, const char *text)
{
	struct kind *k = kind_of(kind, TRUE);
	g_autoptr(GString) line = g_string_new(words);

	if (k->first == NULL)
		k->first = g_strndup(text, EXAMPLE_BYTES);
	k->count++;
	if (!is_said(k->count))
		return;
	logfmt_append(line, "kind", kind);
	if (k->count > LOG_REPEATS)
		g_string_append_printf(line, " count=%u", k->count);
	logfmt_append(line, "text", text);
	put(1, NEWS, line->str);
}

void log_warn(const char *kind, const char *format, ...)
{
	TEXT(text);
	g_mutex_lock(&state.lock);
	state.warnings++;
	warn("warning", kind, text);
	g_mutex_unlock(&state.lock);
}

guint log_warnings(const char *kind)
{
	g_mutex_lock(&state.lock);
	const struct kind *k = kind != NULL && state.kinds != NULL ? kind_of(kind, FALSE) : NULL;
	guint n = kind == NULL ? state.warnings : k != NULL ? k->count : 0;
	g_mutex_unlock(&state.lock);
	return n;
}

/* ---- what is not said ---- */

void log_set_ascii(gboolean ascii) { state.ascii = ascii; }
gboolean log_ascii(void) { return state.ascii; }

void log_hide_folder(const char *path)
{
	g_mutex_lock(&state.lock);
	discreet_folder(state.discreet, path);
	g_mutex_unlock(&state.lock);
}

void log_hide_names(void) { state.nameless = TRUE; }
gboolean log_names_hidden(void) { return state.nameless; }

void log_name(const char *identifier)
{
	g_mutex_lock(&state.lock);
	if (state.nameless)
		discreet_name(state.discreet, identifier);
	g_mutex_unlock(&state.lock);
}

/* ---- what libraries print ---- */

static void take_print(int stream, const char *line)
{
	const char *words = stream == 1 ? "library stream=stdout" : "library stream=stderr";

	g_mutex_lock(&state.lock);
	warn(words, stream == 1 ? "library stdout" : "library stderr", line);   /* much of the one hides none of the other */
	g_mutex_unlock(&state.lock);
}

void log_capture(void)
{
	g_autofree char *stamp = stamp_now();

	note_crash(stamp);
	capture_words(state.crash, ". Started again it goes on from what was saved last; if it crashes again at the same place, "
		      "that slide or setting is the cause\"\n");
	capture_begin(state.fd, take_print);
}

/* ---- the end ---- */

void log_last(const char *format, ...)
{
	TEXT(text);
	g_mutex_lock(&state.lock);
	if (state.last->len < DIAGNOSIS)
		g_ptr_array_add(state.last, g_steal_pointer(&text));
	g_mutex_unlock(&state.lock);
}

static void put_both(const char *text)
{
	put(0, LAST, text);
	put(1, LAST, text);
}

static int by_count(gconstpointer a, gconstpointer b)
{
	const struct kind *const *x = a, *const *y = b;

	return ((*x)->count < (*y)->count) - ((*x)->count > (*y)->count);
}

static void put_kinds(void)
{
	g_ptr_array_sort(state.kinds, by_count);
	for (guint i = 0; i < MIN(state.kinds->len, KINDS_SAID); i++) {
		const struct kind *k = state.kinds->pdata[i];
		g_autoptr(GString) line = g_string_new("survived");
		logfmt_append(line, "kind", k->name);
		g_string_append_printf(line, " count=%u", k->count);
		logfmt_append(line, "first", k->first);
		put_both(line->str);
	}
	if (state.kinds->len > KINDS_SAID) {
		g_autofree char *line = g_strdup_printf("survived more=%u", state.kinds->len - KINDS_SAID);
		put_both(line);
	}
	if (state.dropped > 0) {
		g_autofree char *line = g_strdup_printf("dropped lines=%u budget=%" G_GSIZE_FORMAT, state.dropped, state.budget);
		put_both(line);
	}
}

void log_close(int exit_code, const char *cause)
{
	capture_end();
	g_mutex_lock(&state.lock);
	state.fd[0] = STDOUT_FILENO;
	state.fd[1] = STDERR_FILENO;
	told_again(state.told, state.used[0] - MIN(state.used[0], RECENT), put_again, GINT_TO_POINTER(STORY));
	for (guint i = 0; i < state.last->len; i++)
		put_both(state.last->pdata[i]);
	put_kinds();
	g_autofree char *nothing = g_strdup_printf("nothing failed, %u warning%s", state.warnings, state.warnings == 1 ? "" : "s");
	g_autoptr(GString) why = g_string_new("end");
	logfmt_append(why, "cause", cause != NULL ? cause : nothing);
	put(1, LAST, why->str);
	g_autofree char *end = g_strdup_printf("end exit=%d seconds=%.1f warnings=%u", exit_code, log_seconds(), state.warnings);
	put(0, LAST, end);
	g_mutex_unlock(&state.lock);
}

const char *log_duration(double seconds, char buffer[16])
{
	gint64 s = (gint64)llround(seconds);

	if (!(seconds >= 0) || seconds > 1e8)
		g_strlcpy(buffer, "?", 16);
	else if (seconds < 9.95)
		g_snprintf(buffer, 16, "%.1fs", seconds);
	else if (s < 60)
		g_snprintf(buffer, 16, "%ds", (int)s);
	else if (s < 3600)
		g_snprintf(buffer, 16, "%dm%02ds", (int)(s / 60), (int)(s % 60));
	else
		g_snprintf(buffer, 16, "%dh%02dm", (int)(s / 3600), (int)(s / 60 % 60));
	return buffer;
}
