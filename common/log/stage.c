/* stage.c - see stage.h. */
#include "common/log/stage.h"
#include "common/log/log.h"

enum { STAYS = -1, OTHER };     /* nothing was entered; stage 0 */

static struct {
	GThread *thread;
	const char *name[STAGE_NAMES];
	double spent[STAGE_NAMES];
	int n, now;
	gboolean whole;         /* `now` takes all that is entered within it */
	double since;           /* log_seconds() when `now` went on */
} clocks;

void stage_begin(void)
{
	clocks.thread = g_thread_self();
	clocks.name[OTHER] = "other";
	for (int i = 0; i < STAGE_NAMES; i++)
		clocks.spent[i] = 0;
	clocks.n = 1;
	clocks.now = OTHER;
	clocks.whole = FALSE;
	clocks.since = 0;
}

static void go_to(int stage)
{
	double now = log_seconds();

	clocks.spent[clocks.now] += now - clocks.since;
	clocks.since = now;
	clocks.now = stage;
}

/* OTHER where there is no room for a new one. */
static int find(const char *name, gboolean add)
{
	for (int i = 0; i < clocks.n; i++)
		if (g_str_equal(clocks.name[i], name))
			return i;
	if (!add || clocks.n == STAGE_NAMES)
		return OTHER;
	clocks.name[clocks.n] = name;
	return clocks.n++;
}

int stage_enter(const char *name)
{
	int before = clocks.now;

	if (clocks.thread != g_thread_self() || clocks.whole)
		return STAYS;
	go_to(find(name, TRUE));
	return before;
}

int stage_enter_whole(const char *name)
{
	int before = stage_enter(name);

	clocks.whole |= before != STAYS;
	return before;
}

void stage_leave(int before)
{
	if (before == STAYS)
		return;
	clocks.whole = FALSE;
	go_to(before);
}

double stage_seconds(const char *name)
{
	int i = find(name, FALSE);

	if (i == OTHER && !g_str_equal(name, clocks.name[OTHER]))
		return 0;
	return clocks.spent[i] + (i == clocks.now ? log_seconds() - clocks.since : 0);
}

void stage_append(GString *line)
{
	go_to(clocks.now);
	g_string_append_printf(line, " total=%.1f", clocks.since);
	for (int i = 1; i < clocks.n; i++)
		g_string_append_printf(line, " %s=%.1f", clocks.name[i], clocks.spent[i]);
	g_string_append_printf(line, " %s=%.1f", clocks.name[OTHER], clocks.spent[OTHER]);
}
