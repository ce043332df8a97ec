/*
 * test-module.c - networks that users export: read, run, trained, carried in a model folder; and files that are none.
 * A module of torchvision's resnet18 is compared with the network of that name here, on the module's own parameters.
 */
#include "common/checkpoint/model_folder.h"
#include "common/fault/fault.h"
#include "common/machine/remove_tree.h"
#include "common/model/module.h"
#include <math.h>

static char *files;             /* folder of what the peer exported; NULL: there is none, and why */
static char *why;

static void export_files(void)
{
	const char *pythons[] = { g_getenv("PYTHON"), "python3", "/usr/bin/python3" };
	g_autofree char *here = g_path_get_dirname(__FILE__), *peer = g_build_filename(here, "torchscript_peer.py", NULL);
	g_autofree char *folder = g_dir_make_tmp("blindrun-module-XXXXXX", NULL);

	for (guint i = 0; i < G_N_ELEMENTS(pythons) && files == NULL; i++) {
		g_autofree char *out = NULL, *err = NULL;
		const char *argv[] = { pythons[i], peer, folder, NULL };
		int status;
		if (pythons[i] == NULL || !g_spawn_sync(NULL, (char **)(guintptr)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out,
							&err, &status, NULL))
			continue;
		if (g_spawn_check_wait_status(status, NULL))
			files = g_strdup(folder);
		else if (status != 77 << 8 && g_file_test(peer, G_FILE_TEST_EXISTS))
			g_error("%s: %s", peer, err);
		g_free(why);
		why = g_strdup(g_strstrip(out));
	}
	if (files == NULL)
		remove_tree(folder);
}

static gboolean skipped(void)
{
	if (files == NULL)
		g_test_skip(why != NULL ? why : "no Python with torchvision");
	return files == NULL;
}

static struct model *open_module(const char *name, int outputs)
{
	g_autofree char *path = g_build_filename(files, name, NULL);
	GError *error = NULL;

	tensor_seed(7);
	struct model *m = model_new(path, 3, 1, outputs, T_CPU, &error);
	g_assert_no_error(error);
	return m;
}

static void assert_scope(const scope *s)
{
	const char *message;

	scope_error(s, &message);
	g_assert_cmpstr(message, ==, "");
}

static tensor *noise(scope *s, int n, int side)
{
	g_autoptr(GRand) source = g_rand_new_with_seed(99);
	gsize size = (gsize)(n * 3 * side * side);
	g_autofree float *x = g_new(float, size);

	for (gsize i = 0; i < size; i++)
		x[i] = (float)g_rand_double_range(source, -1, 1);
	return t_from(s, x, DIMS(n, 3, side, side), T_F32, T_CPU);
}

/* The greatest difference of two tensors of at most 4096 numbers, as a share of the greatest number of b. */
static double difference(scope *s, const tensor *a, const tensor *b)
{
	float x[4096], y[4096];
	double most = 0, scale = 0;
	dims d = t_dims(b);
	gsize n = 1;

	for (int i = 0; i < d.n; i++)
		n *= (gsize)d.d[i];
	g_assert_cmpuint(n, <=, G_N_ELEMENTS(x));
	g_assert_true(t_read(s, a, x, n * sizeof *x) && t_read(s, b, y, n * sizeof *y));
	for (gsize i = 0; i < n; i++) {
		most = MAX(most, fabs((double)x[i] - (double)y[i]));
		scale = MAX(scale, fabs((double)y[i]));
	}
	return most / MAX(scale, 1e-30);
}

/* Ours, with the parameters of the module: by their names. */
static struct model *twin_of(const struct model *m)
{
	struct model *twin = model_new("resnet18", 3, 1, 7, T_CPU, NULL);
	SCOPE(s, NULL, SCOPE_NO_GRAD);

	g_assert_cmpuint(scope_count(m->params), ==, scope_count(twin->params));
	for (size_t i = 0; i < scope_count(m->params); i++) {
		const char *name;
		bool trained, ours;
		tensor *t = scope_at(m->params, i, &name, &trained), *to = scope_find(twin->params, name);
		if (to == NULL)
			g_error("no %s here", name);
		t_copy_(s, to, t);
		for (size_t k = 0; k < scope_count(twin->params); k++)
			if (scope_at(twin->params, k, NULL, &ours) == to)
				g_assert_true(ours == trained);
	}
	assert_scope(s);
	return twin;
}

static void test_same(void)
{
	if (skipped())
		return;
	g_autoptr(model_t) m = open_module("resnet18.pt", 7), twin = twin_of(m);
	g_assert_cmpint(model_parameters(m), ==, model_parameters(twin));
	g_assert_cmpint(m->width, ==, 7);
	for (unsigned flags = 0; flags < 2; flags++) {
		SCOPE(s, NULL, SCOPE_NO_GRAD | (flags ? SCOPE_CHANNELS_LAST : 0));
		tensor *x = noise(s, 2, 75), *features, *y = model_forward(m, s, x, &features);
		g_assert_cmpfloat(difference(s, y, model_forward(twin, s, x, NULL)), <, 1e-5);
		g_assert_cmpfloat(difference(s, y, model_forward(m, s, x, NULL)), ==, 0);
		g_assert_cmpfloat(difference(s, y, features), ==, 0);
		assert_scope(s);
	}
	SCOPE(bf16, NULL, SCOPE_NO_GRAD | SCOPE_BF16);
	tensor *x = noise(bf16, 2, 75), *y = model_forward(m, bf16, x, NULL);
	g_assert_cmpint(t_type(y), ==, T_F32);
	g_assert_cmpfloat(difference(bf16, y, model_forward(twin, bf16, x, NULL)), <, 0.05);
	assert_scope(bf16);
}

/* Gradients, and what batch norms learn. */
static void test_step(void)
{
	if (skipped())
		return;
	g_autoptr(model_t) m = open_module("resnet18.pt", 7), twin = twin_of(m);
	struct model *both[] = { m, twin };
	for (int i = 0; i < 2; i++) {
		SCOPE(s, NULL, SCOPE_TRAIN);
		tensor *y = model_forward(both[i], s, noise(s, 4, 64), NULL);
		t_backward(s, t_mean_all(s, t_mul(s, y, y)));
		assert_scope(s);
	}
	static const char *const names[] = { "fc.weight", "layer4.1.bn2.weight", "layer1.0.bn1.bias", "bn1.weight" };
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		g_assert_cmpfloat(difference(s, t_grad(s, scope_find(m->params, names[i])), t_grad(s, scope_find(twin->params, names[i]))),
				  <, 1e-3);
	g_assert_cmpfloat(difference(s, scope_find(m->params, "layer3.0.bn1.running_var"),
				     scope_find(twin->params, "layer3.0.bn1.running_var")), <, 1e-4);
	/* what is written to a parameter is what the module computes with */
	tensor *x = noise(s, 1, 64), *before = model_forward(m, s, x, NULL);
	const float bias[7] = { 1, 2, 3, 4, 5, 6, 7 };
	t_write_(s, scope_find(m->params, "fc.bias"), bias, sizeof bias);
	g_assert_cmpfloat(difference(s, model_forward(m, s, x, NULL), before), >, 0.1);
	assert_scope(s);
	/* of a part that is frozen the norms stay, and go on when it is not */
	for (int frozen = 1; frozen >= 0; frozen--) {
		SCOPE(part, NULL, SCOPE_TRAIN);
		scope_freeze(scope_find(m->params, "bn1.weight"), frozen != 0);
		tensor *of[2], *were[2];
		for (int i = 0; i < 2; i++) {
			of[i] = scope_find(m->params, i == 0 ? "bn1.running_mean" : "layer4.1.bn2.running_mean");
			were[i] = t_affine(part, of[i], 1, 0);
		}
		model_forward(m, part, noise(part, 4, 64), NULL);
		g_assert_true((difference(part, of[0], were[0]) > 0) == (frozen == 0));
		g_assert_cmpfloat(difference(part, of[1], were[1]), >, 0);
		assert_scope(part);
	}
	/* frozen, it answers in training as ever, and its norms learn nothing */
	for (size_t i = 0; i < scope_count(m->params); i++)
		scope_freeze(scope_at(m->params, i, NULL, NULL), true);
	SCOPE(train, NULL, SCOPE_TRAIN);
	tensor *many = noise(train, 4, 64), *mean = t_affine(train, scope_find(m->params, "bn1.running_mean"), 1, 0);
	tensor *learning = model_forward(m, train, many, NULL);
	g_assert_cmpfloat(difference(train, mean, scope_find(m->params, "bn1.running_mean")), ==, 0);
	g_assert_cmpfloat(difference(s, learning, model_forward(m, s, many, NULL)), ==, 0);
	assert_scope(train);
}

/* Another number of outputs: a linear layer on what the module gives, which is its vector. */
static void test_head(void)
{
	static const struct { const char *name; int width, side; } cases[] = {
		{ "resnet18.pt", 7, 64 }, { "map.pt", 8, 64 }, { "fixed.pt", 5, 64 },
	};
	if (skipped())
		return;
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(model_t) m = open_module(cases[i].name, 3);
		SCOPE(s, NULL, SCOPE_NO_GRAD);
		tensor *features, *y = model_forward(m, s, noise(s, 2, cases[i].side), &features);
		tensor *w = scope_find(m->params, "added_head.weight"), *b = scope_find(m->params, "added_head.bias");
		assert_scope(s);
		g_assert_cmpint(m->width, ==, cases[i].width);
		g_assert_cmpint(t_size(features, 1), ==, cases[i].width);
		g_assert_cmpint(t_size(y, 1), ==, 3);
		g_assert_cmpfloat(difference(s, y, t_linear(s, features, w, b)), <, 1e-6);
		g_assert_true(model_in_head(m, "added_head.weight"));
		g_assert_false(model_in_head(m, "fc.weight"));
	}
	g_autoptr(model_t) several = open_module("several.pt", 2);
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	g_assert_cmpint(t_size(model_forward(several, s, noise(s, 2, 32), NULL), 1), ==, 2);
	g_assert_null(scope_find(several->params, "added_head.weight"));
	assert_scope(s);
}

/* Dropout drops where the scope trains, as the seed says, and nowhere else. */
static void test_modes(void)
{
	if (skipped())
		return;
	g_autoptr(model_t) m = open_module("map.pt", 3);
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	tensor *x = noise(s, 4, 64), *y[4];
	for (int i = 0; i < 4; i++) {
		SCOPE(train, s, SCOPE_TRAIN);
		tensor_seed(i == 2 ? 6 : 5);
		y[i] = scope_keep(s, model_forward(m, i == 3 ? s : train, x, NULL));
	}
	g_assert_cmpfloat(difference(s, y[1], y[0]), ==, 0);
	g_assert_cmpfloat(difference(s, y[2], y[0]), >, 0.01);
	g_assert_cmpfloat(difference(s, model_forward(m, s, x, NULL), y[3]), ==, 0);
	assert_scope(s);
}

/* The weights' file has the module in it: read from there, where its own file is no more. */
static void test_carried(void)
{
	if (skipped())
		return;
	g_autofree char *folder = g_dir_make_tmp("blindrun-module-XXXXXX", NULL), *left_out = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(model_t) m = open_module("map.pt", 3);
	g_autoptr(model_folder_t) f = model_folder_take(folder, NULL, &error);
	g_autoptr(JsonObject) about = json_object_new();
	const struct model_part parts[] = { { "weights", NULL, m->params, NULL }, { "weights", NULL, m->carried, NULL } };
	const float bias[3] = { 1, -2, 3 };
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	t_write_(s, scope_find(m->params, "added_head.bias"), bias, sizeof bias);
	g_assert_true(model_folder_save(f, 1, parts, 2, about, &error));
	g_autofree char *weights = model_folder_path(folder, model_folder_now(f), "weights", &error);
	tensor_seed(1234);
	g_autoptr(model_t) again = model_read(weights, "no/such/place.pt", 3, 1, 3, T_CPU, &left_out, &error);
	g_assert_no_error(error);
	g_assert_null(left_out);
	tensor *x = noise(s, 2, 64), *y = model_forward(m, s, x, NULL);
	g_assert_cmpfloat(difference(s, model_forward(again, s, x, NULL), y), ==, 0);
	assert_scope(s);
	/* and a network of the table as ever */
	g_autoptr(model_t) simple = model_new("simple", 3, 1, 2, T_CPU, NULL);
	const struct model_part plain[] = { { "weights", NULL, simple->params, NULL } };
	g_assert_true(model_folder_save(f, 2, plain, 1, about, &error));
	g_autofree char *second = model_folder_path(folder, model_folder_now(f), "weights", &error);
	g_autoptr(model_t) read = model_read(second, "simple", 3, 1, 2, T_CPU, &left_out, &error);
	g_assert_no_error(error);
	g_assert_nonnull(read);
	g_assert_null(model_read(second, "place.pt", 3, 1, 2, T_CPU, &left_out, &error));
	g_autofree char *message = g_strdup_printf("%s: it has no module.pt", second);
	g_assert_cmpstr(error->message, ==, message);
	remove_tree(folder);
}

/* Each is one line, with the file; what follows the dots is libtorch's. */
static void test_errors(void)
{
	static const struct { const char *name, *message; } cases[] = {
		{ "state.pt", "TorchScript: it holds tensors or a pickled network: torch.jit.script(network).save(file) writes a module" },
		{ "pickled.pt", "TorchScript: it holds tensors or a pickled network: torch.jit.script(network).save(file) writes a module" },
		{ "old.pt", "TorchScript: no file of torch.save or torch.jit.save (since PyTorch 1.6)" },
		{ "junk.pt", "TorchScript: no file of torch.save or torch.jit.save (since PyTorch 1.6)" },
		{ "zip.pt", "TorchScript: PytorchStreamReader failed ..." },
		{ "empty.pt", "TorchScript: it is empty" },
		{ "nms.pt", "TorchScript: Unknown builtin op: torchvision::nms." },
		{ "frozen.pt", "TorchScript: it has no parameters: it was frozen; export it without torch.jit.freeze" },
		{ "seven.pt", "no picture N x 3 x H x W goes through it, of none of 18 usual sizes from 32 to 518 px a side: module: x (1,3,224,224): mat1 and mat2 "
			      "shapes cannot be multiplied (1x3 and 7x2)" },
		{ "triple.pt", "no picture N x 3 x H x W goes through it, of none of 18 usual sizes from 32 to 518 px a side: it gives a tensor of 3 dimensions: "
			       "expected N x F or N x F x h x w" },
	};
	if (skipped())
		return;
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_build_filename(files, cases[i].name, NULL);
		g_autoptr(GError) error = NULL;
		g_assert_null(model_new(path, 3, 1, 2, T_CPU, &error));
		g_assert_error(error, FAULT, FAULT_DATA);
		g_assert_true(g_str_has_prefix(error->message, path));
		g_assert_null(strchr(error->message, '\n'));
		const char *got = error->message + strlen(path) + 2, *dots = strstr(cases[i].message, "...");
		if (dots != NULL)
			g_assert_true(strncmp(got, cases[i].message, (gsize)(dots - cases[i].message)) == 0);
		else
			g_assert_cmpstr(got, ==, cases[i].message);
	}
	g_autoptr(GError) error = NULL;
	g_assert_null(model_new("none/none.pt", 3, 1, 2, T_CPU, &error));
	g_assert_error(error, FAULT, FAULT_DATA);
	g_assert_true(g_str_has_prefix(error->message, "model.network: Failed to open file"));
	/* what depends on the size of the picture comes to light at another one */
	g_autoptr(model_t) m = open_module("places.pt", 2);
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	const char *message;
	model_forward(m, s, noise(s, 2, 64), NULL);
	scope_error(s, &message);
	g_assert_cmpstr(message, ==, "the module gives 100352 numbers at one size of picture, 8192 at another: expected a mean over places");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	tensor_threads(1);
	export_files();
	g_test_add_func("/module/same", test_same);
	g_test_add_func("/module/step", test_step);
	g_test_add_func("/module/head", test_head);
	g_test_add_func("/module/modes", test_modes);
	g_test_add_func("/module/carried", test_carried);
	g_test_add_func("/module/errors", test_errors);
	int result = g_test_run();
	if (files != NULL)
		remove_tree(files);
	return result;
}
