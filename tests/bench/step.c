/*
 * step.c - the bare network: training steps, or forward passes, on one batch that is already in memory, in
 * a plain loop over the shim. What train and inference reach is divided by this.
 *
 *   build/bench/step NETWORK SIDE BATCH fp32|bf16 SECONDS [GPU]
 */
#include "common/fault/fault.h"
#include "common/machine/machine.h"
#include "common/model/model.h"
#include "common/optim/optim.h"
#include <locale.h>

struct setup { model_t *m; optim_t *o; int side, batch, device; unsigned flags; };

static void check(const scope *s)
{
	const char *message;

	if (scope_error(s, &message) == SCOPE_OK)
		return;
	g_printerr("step: %s\n", message);
	exit(FAULT_FAILED);
}

static void learn(struct setup *u, tensor *x, tensor *y)
{
	SCOPE(net, NULL, u->flags | SCOPE_TRAIN);
	t_backward(net, t_cross_entropy(net, t_narrow(net, model_forward(u->m, net, x, NULL), 1, 0, 2), y)); /* unet: and a map */
	optim_step(u->o, net, 1e-4, 0.01);
	for (size_t i = 0; i < scope_count(u->m->params); i++)
		t_zero_grad(scope_at(u->m->params, i, NULL, NULL));
	check(net);
}

/* tiles/s over so many seconds, after three rounds that do not count */
static double measure(struct setup *u, double seconds, gboolean training, tensor *x, tensor *y)
{
	SCOPE(all, NULL, SCOPE_NO_GRAD | u->flags);
	gint64 start = 0, n = -3;
	tensor *y0 = t_narrow(all, t_narrow(all, y, 0, 0, 1), 1, 0, 1);

	if (!training)
		model_answer_on(u->m, u->flags);

	while (n <= 0 || g_get_monotonic_time() - start < seconds * G_USEC_PER_SEC) {
		if (n == 0)
			start = g_get_monotonic_time();
		if (training) {
			learn(u, x, y);
		} else {
			SCOPE(s, all, 0);
			t_mean_all(s, model_forward(u->m, s, x, NULL));
		}
		n++;
		if (n == 0 || n % 8 == 0)
			t_item(all, y0);        /* what a GPU has queued, done */
	}
	t_item(all, y0);
	check(all);
	return (double)(n * u->batch) * G_USEC_PER_SEC / (double)(g_get_monotonic_time() - start);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;

	machine_start(argv);
	if (argc < 6) {
		g_printerr("step NETWORK SIDE BATCH fp32|bf16 SECONDS [GPU]\n");
		return FAULT_USAGE;
	}
	struct setup u = { .side = (int)g_ascii_strtoll(argv[2], NULL, 10), .batch = (int)g_ascii_strtoll(argv[3], NULL, 10) };
	double seconds = g_ascii_strtod(argv[5], NULL);
	u.device = argc > 6 && tensor_gpus(NULL) > 0 ? (int)g_ascii_strtoll(argv[6], NULL, 10) : T_CPU;
	u.flags = SCOPE_CHANNELS_LAST | (g_str_equal(argv[4], "bf16") ? SCOPE_BF16 : 0);
	tensor_threads(machine_cores());
	u.m = model_new(argv[1], 3, 1, 2, u.device, &error);
	u.o = u.m == NULL ? NULL : optim_new("adamw", u.m, 1, 1, u.device, &error);
	if (u.o == NULL) {
		g_printerr("%s\n", error->message);
		return fault_exit_code(error);
	}
	gsize n = (gsize)u.batch * (gsize)u.side * (gsize)u.side * 3;
	g_autofree float *pixels = g_new(float, n), *labels = g_new0(float, 2 * (gsize)u.batch);
	for (gsize i = 0; i < n; i++)
		pixels[i] = (float)(i * 2654435761u % 1000) / 1000 - 0.5f;
	for (int i = 0; i < u.batch; i++)
		labels[2 * i + i % 2] = 1;
	SCOPE(data, NULL, 0);
	tensor *x = t_permute(data, t_from(data, pixels, DIMS(u.batch, u.side, u.side, 3), T_F32, u.device), DIMS(0, 3, 1, 2));
	tensor *y = t_from(data, labels, DIMS(u.batch, 2), T_F32, u.device);
	g_print("%s %d px batch %d %s libtorch %s: training %.1f tiles/s", argv[1], u.side, u.batch, argv[4], tensor_version(),
		measure(&u, seconds, TRUE, x, y));
	g_print(", inference %.1f tiles/s", measure(&u, seconds, FALSE, x, y));
	guint64 available, memory;
	if (tensor_gpu_memory(u.device, &available, &memory))
		g_print(", %.0f MB of the GPU taken", (double)(memory - available) / 1e6);
	g_print("\n");
	optim_free(u.o);
	model_free(u.m);
	return 0;
}
