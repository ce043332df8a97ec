/* opening.c - see opening.h. */
#include "common/run/opening.h"
#include "common/checkpoint/sha256.h"
#include "common/log/log.h"
#include "common/machine/machine.h"
#include <sys/utsname.h>
#include <unistd.h>

/* Of the program's own file: what `sha256sum train` in the image begins with. */
static char *build(void)
{
	g_autoptr(GMappedFile) file = g_mapped_file_new("/proc/self/exe", FALSE, NULL);

	if (file == NULL)
		return g_strdup("unknown");
	g_autofree char *sum = sha256_of(g_mapped_file_get_contents(file), g_mapped_file_get_length(file));
	return g_strndup(sum, 12);
}

/* Of one section. */
static void keep_settings(const char *section, const char *line)
{
	g_autofree char *name = g_strconcat("settings ", section, NULL);

	log_keep(name, "%s", line);
}

static void say_settings(const struct settings *s)
{
	g_autoptr(GString) line = g_string_new("settings");
	g_autofree char *section = NULL;

	for (const char *const *key = settings_keys(); *key != NULL; key++) {
		g_autofree char *value = settings_get(s, *key);
		g_autofree char *of = g_strndup(*key, strcspn(*key, "."));
		if (section != NULL && !g_str_equal(section, of) && strchr(*key, '.') != NULL) {
			keep_settings(section, line->str);
			g_string_assign(line, "settings");
		}
		logfmt_append(line, *key, value);
		g_free(section);
		section = g_steal_pointer(&of);
	}
	keep_settings(section, line->str);
}

void opening_say(const struct options *o)
{
	const struct settings *s = o->settings;
	g_autoptr(GString) line = g_string_new("start");
	g_autofree char *sum = build();

	log_capture();
	log_set_ascii(s->log.ascii);
	if (!s->log.identifiers)
		log_hide_names();
	log_hide_folder(s->paths.train);
	log_hide_folder(s->paths.test);
	logfmt_append(line, "version", BLINDRUN_VERSION);
	logfmt_append(line, "build", sum);
	logfmt_append(line, "settings", o->source);
	log_keep("start", "%s", line->str);
	say_settings(s);
}

/* The rest of the first line that begins so, of a small file. */
static char *value_in(const char *path, const char *begin)
{
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return NULL;
	const char *at = strstr(text, begin);
	if (at == NULL)
		return NULL;
	at += strlen(begin);
	return g_strstrip(g_strndup(at, strcspn(at, "\n")));
}

/* The first number with a dot: what stands about it differs between kinds of the driver. */
static const char *version_in(char **words)
{
	for (; words != NULL && *words != NULL; words++)
		if (g_ascii_isdigit(**words) && strchr(*words, '.') != NULL)
			return *words;
	return NULL;
}

/* As the driver's own files name them, where they can be seen; else what the device is called. */
static void append_gpu(GString *line, const struct device *device)
{
	char bus[32] = "-";
	tensor_gpu_bus(device->index, bus, sizeof bus);
	g_autofree char *folder = g_ascii_strdown(bus, -1);
	g_autofree char *file = g_build_filename("/proc/driver/nvidia/gpus", folder, "information", NULL);
	g_autofree char *name = value_in(file, "Model:");
	g_autofree char *text = value_in("/proc/driver/nvidia/version", "Kernel Module");
	g_auto(GStrv) words = text != NULL ? g_strsplit(text, " ", -1) : NULL;
	const char *driver = version_in(words);

	logfmt_append(line, "gpu", device->index == T_CPU ? "none" : name != NULL ? name : "unknown");
	if (device->index != T_CPU)
		g_string_append_printf(line, " gpus=%d", tensor_gpus(NULL));
	if (driver != NULL)
		logfmt_append(line, "driver", driver);
	guint64 available, all;
	if (tensor_gpu_memory(device->index, &available, &all))
		g_string_append_printf(line, " gpu_memory_mb=%.0f gpu_available_mb=%.0f", (double)all / 1e6, (double)available / 1e6);
}

void opening_say_machine(const struct device *device)
{
	g_autoptr(GString) line = g_string_new("machine");
	g_autofree char *processor = machine_processor();
	struct utsname system;

	logfmt_append(line, "processor", processor);
	g_string_append_printf(line, " cores=%d host_cores=%ld bf16=%s", machine_cores(), sysconf(_SC_NPROCESSORS_ONLN),
			       tensor_bf16_fast(device->index) ? "fast" : "slow");
	append_gpu(line, device);
	g_string_append_printf(line, " memory_mb=%.0f host_memory_mb=%.0f", (double)machine_memory() / 1e6,
			       (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 1e6);
	if (uname(&system) == 0)
		logfmt_append(line, "kernel", system.release);
	logfmt_append(line, "libtorch", tensor_version());
	log_keep("machine", "%s", line->str);
}
