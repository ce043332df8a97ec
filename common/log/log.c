/* log.c - see log.h. One lock; one line is one write. */
#include "common/log/log.h"
#include <math.h>

enum { REPEATS = 20, RESERVE = 64 * 1024 };

static struct {
	GMutex lock;
	char *program;
	gsize budget, used[2];  /* stdout, stderr */
	gint64 start, last_progress;
	GHashTable *kinds;      /* kind: number of warnings */
	guint warnings, dropped;
} state;

void log_open(const char *program, gsize budget)
{
	g_mutex_lock(&state.lock);
	g_free(state.program);
	state.program = g_strdup(program);
	state.budget = budget;
	state.used[0] = state.used[1] = 0;
	state.start = g_get_monotonic_time();
	state.last_progress = 0;
	g_clear_pointer(&state.kinds, g_hash_table_unref);
	state.kinds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	state.warnings = state.dropped = 0;
	g_mutex_unlock(&state.lock);
}

double log_seconds(void)
{
	return (double)(g_get_monotonic_time() - state.start) / G_USEC_PER_SEC;
}

double log_deadline(double limit) { return limit > 0 ? MAX(limit * 0.98 - 2, limit / 2) : 0; }

enum rank { DETAIL, NEWS, LAST };

/* Locked. What does not fit the budget, less the reserve, is dropped and counted. */
static void put(int stream, enum rank rank, const char *text)
{
	const gsize limit[] = { [DETAIL] = state.budget / 3, [NEWS] = state.budget - MIN(state.budget, RESERVE),
				[LAST] = state.budget };
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *stamp = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
	g_autofree char *line = g_strdup_printf("%s %s %s\n", stamp, state.program ? state.program : "-", text);
	gsize size = strlen(line);

	for (char *c = line; c < line + size - 1; c++)
		if ((guchar)*c < ' ')
			*c = ' ';
	if (state.budget != 0 && state.used[stream] + size > limit[rank]) {
		state.dropped++;
		return;
	}
	state.used[stream] += size;
	FILE *file = stream == 0 ? stdout : stderr;
	fputs(line, file);
	fflush(file);
}

G_GNUC_PRINTF(2, 0) static void say(enum rank rank, const char *format, va_list args)
{
	g_autofree char *text = g_strdup_vprintf(format, args);

	g_mutex_lock(&state.lock);
	put(0, rank, text);
	g_mutex_unlock(&state.lock);
}

void log_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(NEWS, format, args);
	va_end(args);
}

void log_detail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(DETAIL, format, args);
	va_end(args);
}

void log_progress(const char *format, ...)
{
	g_mutex_lock(&state.lock);
	gint64 now = g_get_monotonic_time();
	/* every 5 s at first; later each 1/100 of the time that has passed */
	gint64 pause = MAX(5 * G_USEC_PER_SEC, (now - state.start) / 100);
	if (now - state.last_progress >= pause) {
		va_list args;
		va_start(args, format);
		g_autofree char *text = g_strdup_vprintf(format, args);
		va_end(args);
		state.last_progress = now;
		put(0, NEWS, text);
	}
	g_mutex_unlock(&state.lock);
}

void log_warn(const char *kind, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_mutex_lock(&state.lock);
	guint count = 1;
	if (state.kinds != NULL) {
		count += GPOINTER_TO_UINT(g_hash_table_lookup(state.kinds, kind));
		g_hash_table_insert(state.kinds, g_strdup(kind), GUINT_TO_POINTER(count));
	}
	state.warnings++;
	if (count <= REPEATS)
		put(1, NEWS, text);
	g_mutex_unlock(&state.lock);
}

guint log_warnings(const char *kind)
{
	g_mutex_lock(&state.lock);
	guint n = kind == NULL ? state.warnings : GPOINTER_TO_UINT(g_hash_table_lookup(state.kinds, kind));
	g_mutex_unlock(&state.lock);
	return n;
}

void log_close(int exit_code, const char *cause)
{
	GHashTableIter iter;
	gpointer kind, count;

	g_mutex_lock(&state.lock);
	g_hash_table_iter_init(&iter, state.kinds);
	while (g_hash_table_iter_next(&iter, &kind, &count)) {
		if (GPOINTER_TO_UINT(count) <= REPEATS)
			continue;
		g_autofree char *folded = g_strdup_printf("%s: %u such lines in all, %u of them not shown",
							  (char *)kind, GPOINTER_TO_UINT(count),
							  GPOINTER_TO_UINT(count) - REPEATS);
		put(1, LAST, folded);
	}
	if (state.dropped > 0) {
		g_autofree char *dropped = g_strdup_printf("%u lines were left out to stay within %" G_GSIZE_FORMAT
							   " bytes a stream", state.dropped, state.budget);
		put(1, LAST, dropped);
	}
	g_autofree char *warned = g_strdup_printf("end: nothing failed, %u warnings", state.warnings);
	put(1, LAST, cause != NULL ? cause : warned);
	g_autofree char *end = g_strdup_printf("end exit=%d seconds=%.1f warnings=%u", exit_code, log_seconds(),
					       state.warnings);
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
