/*
 * augment.c - what augmentation costs: of a batch that is in memory, ms of each effect alone (of all samples where it damages
 * some: with augmentation.damage as it is by default), of the defaults and of all together, and of drawing and mixing.
 * The share of a step follows from `step`.
 *
 *   build/bench/augment SIDE BATCH SECONDS
 */
#include "common/config/config.h"
#include "common/machine/machine.h"
#include "train/augment.h"

static const char *const cases[] = {
	"", "flips=true turns=true", "angle=10 scale=0.2 shift=0.05", "elastic=0.05 damage=0.3", "stain=0.2", "colour=0.25",
	"stain_mix=1", "blur=2 damage=0.3", "noise=0.05 damage=0.3", "jpeg=0.6 damage=0.3", "default",
	"default elastic=0.05 stain_mix=1 blur=2 noise=0.05 jpeg=0.6",
};

static struct settings *settings_of(const char *words)
{
	static const char *const off = "flips=false turns=false angle=0 scale=0 shift=0 stretch=0 stain=0 stain_mix=0 colour=0";
	g_autofree char *text = g_strconcat(g_str_has_prefix(words, "default") ? "" : off, " ", words, NULL);
	g_auto(GStrv) all = g_strsplit(text, " ", -1);
	struct settings *s = settings_new();

	for (char **one = all; *one != NULL; one++) {
		g_autofree char *set = g_strconcat("augmentation.", *one, NULL);
		g_autoptr(GError) error = NULL;
		if (strchr(*one, '=') != NULL && !settings_assign(s, set, &error))
			g_error("%s", error->message);
	}
	return s;
}

/* ms a batch: on the host, and in tensor operations. */
static void measure(const struct settings *s, gint64 side, guint n, double seconds, double ms[2])
{
	const gsize area = (gsize)(side * side);
	g_autofree struct augmentation *of = g_new(struct augmentation, n);
	g_autofree guint8 *bytes = g_malloc(n * area * 3);
	const gint64 start = g_get_monotonic_time();
	guint64 batches = 0;

	for (gsize i = 0; i < n * area * 3; i++)
		bytes[i] = (guint8)(60 + i * 2654435761u % 180);
	SCOPE(all, NULL, SCOPE_NO_GRAD);
	tensor *x = t_from(all, bytes, DIMS(n, side, side, 3), T_U8, T_CPU);
	x = t_permute(all, t_affine(all, t_to(all, x, T_F32, T_CPU), 1.0 / 255, 0), DIMS(0, 3, 1, 2));
	ms[0] = ms[1] = 0;
	while (g_get_monotonic_time() - start < seconds * G_USEC_PER_SEC) {
		const gint64 a = g_get_monotonic_time();
		for (guint i = 0; i < n; i++)
			augment_draw(s, 1, 1, 0, batches * n + i, &of[i]);
		augment_mix(s, 1, 1, 0, batches * n, bytes, area, of, n);
		const gint64 b = g_get_monotonic_time();
		SCOPE(one, all, 0);
		augment(one, x, of, n, T_CPU);
		ms[0] += (double)(b - a) / 1000;
		ms[1] += (double)(g_get_monotonic_time() - b) / 1000;
		batches++;
	}
	ms[0] /= (double)batches;
	ms[1] /= (double)batches;
}

int main(int argc, char **argv)
{
	machine_start(argv);
	if (argc < 4) {
		g_printerr("augment SIDE BATCH SECONDS\n");
		return 2;
	}
	tensor_threads(machine_cores());
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(settings_t) s = settings_of(cases[i]);
		double ms[2];
		measure(s, g_ascii_strtoll(argv[1], NULL, 10), (guint)g_ascii_strtoll(argv[2], NULL, 10), g_ascii_strtod(argv[3], NULL), ms);
		g_print("%-60s host %6.2f ms, device %6.2f ms\n", *cases[i] ? cases[i] : "nothing", ms[0], ms[1]);
	}
	return 0;
}
