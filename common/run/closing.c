/* closing.c - see closing.h. */
#include "common/run/closing.h"
#include "common/log/log.h"
#include "common/log/stage.h"
#include "common/machine/machine.h"
#include "common/machine/room.h"

const char *closing_limit(double waiting, double augmenting, double computing)
{
	const double all = waiting + augmenting + computing;

	if (all <= 0)
		return "nothing was computed";
	if (waiting > 0.5 * all)
		return "reading the slides: most of the time the network waited for tiles; more cores, copies on a faster disk (load.cache) "
		       "or a larger network cost nothing, more tiles do";
	if (waiting > 0.2 * all)
		return "reading the slides, in part: the network waited for tiles more than a fifth of the time; more cores or copies "
		       "on a faster disk (load.cache) help";
	if (augmenting > 0.4 * all)
		return "augmenting: it takes more than two fifths of the time; augmentation.stain=0 and augmentation.colour=0 would free "
		       "half of it";
	return "computing: the network is what takes the time; a smaller model.network or tiles.size, or a GPU or a faster one, helps, faster disks do "
	       "not";
}

static guint files_open(void)
{
	g_autoptr(GDir) files = g_dir_open("/proc/self/fd", 0, NULL);
	guint n = 0;

	while (files != NULL && g_dir_read_name(files) != NULL)
		n++;
	return n;
}

static void say_limits(const char *folder, double time)
{
	g_autoptr(GString) line = g_string_new("limits");
	char left[16];

	g_string_append_printf(line, " peak_memory_mb=%.0f memory_mb=%.0f disk_left_mb=%.0f files_open=%u files=%" G_GUINT64_FORMAT,
			       (double)machine_memory_peak() / 1e6, (double)machine_memory() / 1e6,
			       (double)MAX(room_disk(folder), 0) / 1e6, files_open(), room_files());
	g_string_append_printf(line, " time_left=%s", time > 0 ? log_duration(MAX(time - log_seconds(), 0), left) : "unlimited");
	log_last("%s", line->str);
}

void closing_say(const char *folder, double time)
{
	g_autoptr(GString) spent = g_string_new("spent"), limit = g_string_new("limit");

	stage_append(spent);
	log_last("%s", spent->str);
	logfmt_append(limit, "text", closing_limit(stage_seconds("waiting"), stage_seconds("augmenting"), stage_seconds("computing")));
	log_last("%s", limit->str);
	say_limits(folder, time);
}
