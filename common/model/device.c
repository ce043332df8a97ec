/* device.c - see device.h. */
#include "common/model/device.h"
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/machine/machine.h"
#include <math.h>

/* How many times as fast a convolution of the kind that networks are made of is in bf16, forward: the best of each, taken in
   turns, so that what else runs meanwhile slows both. 0: it failed. */
static double measure_bf16(const struct device *d)
{
	enum { N = 16, CHANNELS = 64, SIDE = 28, TIMES = 9 };   /* the first is laid out and compiled */
	const enum dtype types[] = { T_F32, T_BF16 };
	g_autofree float *values = g_new0(float, N * CHANNELS * SIDE * SIDE);
	double best[] = { INFINITY, INFINITY };

	for (int i = 0; i < 2 * TIMES; i++) {
		SCOPE(s, NULL, SCOPE_NO_GRAD | SCOPE_CHANNELS_LAST | (i % 2 ? SCOPE_BF16 : 0));
		const tensor *x = t_permute(s, t_from(s, values, DIMS(N, SIDE, SIDE, CHANNELS), T_F32, d->index), DIMS(0, 3, 1, 2));
		const tensor *w = t_from(s, values, DIMS(CHANNELS, CHANNELS, 3, 3), T_F32, d->index);
		x = t_to(s, x, types[i % 2], d->index);
		const gint64 start = g_get_monotonic_time();
		t_item(s, t_mean_all(s, t_conv2d(s, x, w, NULL, (conv_opts){ .pad = 1 })));
		best[i % 2] = MIN(best[i % 2], (double)(g_get_monotonic_time() - start));
		if (scope_error(s, NULL) != SCOPE_OK)
			return 0;
	}
	return best[0] / MAX(best[1], 1);
}

/* What the processor says is not always what libtorch makes of it. Where both are about as fast, bf16 it is: two runs beside
   other work must not differ in it, for what they learn in one and the other does. */
static gboolean choose_bf16(enum precision learned, struct device *d)
{
	static const double CLEARLY_SLOWER = 0.8;

	if (learned == PRECISION_FP32)
		return FALSE;
	if (!tensor_bf16_fast(d->index)) {
		if (learned == PRECISION_BF16)
			log_warn("device", "the weights were learned in bf16, which this device is slow in: they are taken in fp32, and "
				 "give slightly other numbers; precision: bf16 gives the same, slowly");
		return FALSE;
	}
	if (learned == PRECISION_BF16)
		return TRUE;
	d->bf16_gain = measure_bf16(d);
	return d->bf16_gain > CLEARLY_SLOWER;
}

/* A GPU that is there may be another program's alone, full, or of a kind that this libtorch has nothing for. NULL: it
   multiplies; else what is wrong. */
static char *try_gpu(int index)
{
	enum { SIDE = 8 };
	const float values[SIDE * SIDE] = { 1 };
	const char *message;

	SCOPE(s, NULL, SCOPE_NO_GRAD);
	tensor *x = t_from(s, values, DIMS(1, 1, SIDE, SIDE), T_F32, index), *w = t_from(s, values, DIMS(1, 1, 3, 3), T_F32, index);
	tensor *y = t_reshape(s, t_conv2d(s, x, w, NULL, (conv_opts){ .pad = 1 }), DIMS(SIDE, SIDE));
	t_item(s, t_mean_all(s, t_matmul(s, y, y)));
	return scope_error(s, &message) == SCOPE_OK ? NULL : g_strdup(message);
}

/* From `first` on, one that works: the first of whose memory half is available, else that with most. T_CPU where none works,
   and the reason of the last in *why. */
static int find_gpu(int first, int n, char **why)
{
	int best = T_CPU;
	uint64_t most = 0;

	for (int i = first; i < n; i++) {
		g_autofree char *wrong = try_gpu(i);
		uint64_t available = 0, all = 0;
		if (wrong != NULL) {
			g_free(*why);
			*why = g_strdup_printf("cuda:%d: %s", i, wrong);
			continue;
		}
		if (!tensor_gpu_memory(i, &available, &all) || available >= all / 2)
			return i;
		if (best == T_CPU || available > most) {
			best = i;
			most = available;
		}
	}
	return best;
}

gboolean device_open(const struct settings *s, enum precision learned, gboolean must, struct device *out, GError **error)
{
	const char *unusable = NULL;
	const gboolean named = g_str_has_prefix(s->device, "cuda");
	const int gpus = g_str_equal(s->device, "cpu") ? 0 : tensor_gpus(&unusable);
	const int wanted = named && s->device[4] == ':' ? (int)g_ascii_strtoll(s->device + 5, NULL, 10) : 0;
	g_autofree char *why = g_strdup(unusable);
	struct device d = { T_CPU, SCOPE_CHANNELS_LAST, machine_threads(s->threads), 0 };

	tensor_threads(d.threads);
	d.index = find_gpu(wanted, named && must ? MIN(gpus, wanted + 1) : gpus, &why);
	if (d.index == T_CPU && named && !must)
		d.index = find_gpu(0, MIN(gpus, wanted), &why);
	if (named && must && d.index == T_CPU) {
		g_set_error(error, FAULT, FAULT_USAGE, "device: %s: there are %d GPUs%s%s; use auto or cpu", s->device, gpus,
			    why != NULL ? ": " : "", why != NULL ? why : "");
		return FALSE;
	}
	if (named && d.index != wanted)
		log_warn("device", "device: %s does not work here%s%s; computing on %s", s->device, why != NULL ? ": " : "",
			 why != NULL ? why : "", d.index == T_CPU ? "the CPU" : "another GPU");
	else if (d.index == T_CPU && why != NULL)
		log_warn("device", "no GPU works here: %s; computing on the CPU", why);
	else if (why != NULL)
		log_warn("device", "%s; computing on cuda:%d", why, d.index);
	if (d.index == T_CPU && !tensor_onednn())
		log_warn("device", "computing without oneDNN, at a half of the speed or less: libtorch has none, or this is an AMD "
			 "processor whose hypervisor hides its caches, and libtorch's oneDNN would compute wrongly on it");
	if (s->precision == PRECISION_BF16 || (s->precision == PRECISION_AUTO && choose_bf16(learned, &d)))
		d.flags |= SCOPE_BF16;
	else if (d.index != T_CPU && !tensor_bf16_fast(d.index))        /* slower in fp32 before Ampere: PyTorch's issues 44943, 50036 */
		d.flags &= ~(unsigned)SCOPE_CHANNELS_LAST;
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
