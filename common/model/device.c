/* device.c - see device.h. */
#include "common/model/device.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/machine/machine.h"

gboolean device_open(const struct settings *s, struct device *out, GError **error)
{
	const char *why = NULL;
	int gpus = g_str_equal(s->device, "cpu") ? 0 : tensor_gpus(&why);
	struct device d = { T_CPU, SCOPE_CHANNELS_LAST, s->threads > 0 ? s->threads : machine_cores() };

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
	if (s->precision == PRECISION_BF16 || (s->precision == PRECISION_AUTO && tensor_bf16_fast(d.index)))
		d.flags |= SCOPE_BF16;
	tensor_threads(d.threads);
	*out = d;
	return TRUE;
}

char *device_describe(const struct device *d)
{
	g_autofree char *name = d->index == T_CPU ? g_strdup("cpu") : g_strdup_printf("cuda:%d", d->index);

	return g_strdup_printf("device=%s precision=%s threads=%d libtorch=%s", name,
			       d->flags & SCOPE_BF16 ? "bf16" : "fp32", d->threads, tensor_version());
}
