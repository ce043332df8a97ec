/* device.c - see device.h. */
#include "common/model/device.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/machine/machine.h"
#include <math.h>

/* Seconds of a convolution of the kind that networks are made of, forward; the best of a few. */
static double convolution(const struct device *d, unsigned flags)
{
	enum { N = 16, CHANNELS = 64, SIDE = 28, TIMES = 6 };   /* the first is laid out and compiled */
	const gsize pixels = N * CHANNELS * SIDE * SIDE;
	g_autofree float *values = g_new0(float, pixels);
	double best = INFINITY;

	SCOPE(s, NULL, SCOPE_NO_GRAD | SCOPE_CHANNELS_LAST | flags);
	const tensor *x = t_permute(s, t_from(s, values, DIMS(N, SIDE, SIDE, CHANNELS), T_F32, d->index), DIMS(0, 3, 1, 2));
	const tensor *w = t_from(s, values, DIMS(CHANNELS, CHANNELS, 3, 3), T_F32, d->index);
	x = t_to(s, x, flags & SCOPE_BF16 ? T_BF16 : T_F32, d->index);
	for (int i = 0; i < TIMES; i++) {
		SCOPE(one, s, 0);
		const gint64 start = g_get_monotonic_time();
		t_item(one, t_mean_all(one, t_conv2d(one, x, w, NULL, (conv_opts){ .pad = 1 })));
		best = MIN(best, (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC);
	}
	return best;
}

/* What the processor says is not what libtorch makes of it. */
static gboolean faster_in_bf16(struct device *d)
{
	if (!tensor_bf16_fast(d->index))
		return FALSE;
	d->bf16_gain = convolution(d, 0) / MAX(convolution(d, SCOPE_BF16), 1e-9);
	return d->bf16_gain > 1;
}

gboolean device_open(const struct settings *s, struct device *out, GError **error)
{
	const char *why = NULL;
	int gpus = g_str_equal(s->device, "cpu") ? 0 : tensor_gpus(&why);
	struct device d = { T_CPU, SCOPE_CHANNELS_LAST, s->threads > 0 ? s->threads : machine_cores(), 0 };

	if (g_str_has_prefix(s->device, "cuda")) {
		d.index = s->device[4] == ':' ? (int)g_ascii_strtoll(s->device + 5, NULL, 10) : 0;
		if (d.index >= gpus) {
			g_set_error(error, FAULT, FAULT_USAGE, "device: %s: there are %d GPUs that work%s%s; use auto or cpu",
				    s->device, gpus, why != NULL ? ": " : "", why != NULL ? why : "");
			return FALSE;
		}
	} else if (gpus > 0) {
		d.index = 0;
	} else if (why != NULL) {
		log_warn("device", "no GPU works here: %s; computing on the CPU. Was the container given one (docker run --gpus "
			 "all), and is its driver new enough?", why);
	}
	tensor_threads(d.threads);
	if (s->precision == PRECISION_BF16 || (s->precision == PRECISION_AUTO && faster_in_bf16(&d)))
		d.flags |= SCOPE_BF16;
	*out = d;
	return TRUE;
}

char *device_describe(const struct device *d)
{
	g_autofree char *name = d->index == T_CPU ? g_strdup("cpu") : g_strdup_printf("cuda:%d", d->index);
	g_autofree char *gain = d->bf16_gain > 0 ? g_strdup_printf(" bf16_gain=%.2f", d->bf16_gain) : g_strdup("");

	return g_strdup_printf("device=%s precision=%s%s threads=%d libtorch=%s", name, d->flags & SCOPE_BF16 ? "bf16" : "fp32", gain,
			       d->threads, tensor_version());
}
