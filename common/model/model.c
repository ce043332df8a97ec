/* model.c - see model.h: the table of networks, and weights from files that others made. */
#include "common/checkpoint/safetensors.h"
#include "common/fault/fault.h"
#include "common/model/module.h"
#include "common/model/networks.h"
#include "common/tensor/settled.h"
#include <math.h>

/* least: a network must have a pixel left behind its last pool, or (resnet) 1/32 of the side. */
const struct network networks[] = {
	/* 4 convolutions with ELU; 1.5 M parameters, trained from nothing */
	{ "simple", 16, "classifier.", simple_build, simple_forward, NULL,
	  1534000, { 2500, 1450 }, { 1450, 800 }, 0, NULL },
	/* SqueezeNet 1.1; 1.2 M parameters, the fastest */
	{ "squeezenet1_1", 17, "classifier.", squeezenet_build, squeezenet_forward, NULL,
	  724000, { 850, 550 }, { 400, 250 }, 0, NULL },
	/* ResNet-18; 11.7 M parameters */
	{ "resnet18", 32, "fc.", resnet_build, resnet_forward, &resnet18,
	  11178000, { 1200, 600 }, { 450, 300 }, 0, NULL },
	/* ResNet-34; 21.8 M parameters */
	{ "resnet34", 32, "fc.", resnet_build, resnet_forward, &resnet34,
	  21286000, { 1250, 750 }, { 450, 350 }, 0, NULL },
	/* ResNet-50; 25.6 M parameters */
	{ "resnet50", 32, "fc.", resnet_build, resnet_forward, &resnet50,
	  23512000, { 2850, 1400 }, { 850, 550 }, 0, NULL },
	/* DenseNet-121; 8.0 M parameters, much memory */
	{ "densenet121", 29, "classifier.", densenet_build, densenet_forward, NULL,
	  6956000, { 3500, 1850 }, { 650, 550 }, 0, NULL },
	/* Inception v3; 21.8 M parameters, for tiles from 75 px, best near 299 */
	{ "inception_v3", 75, "fc.", inception_build, inception_forward, NULL,
	  21790000, { 1400, 700 }, { 500, 300 }, 0, "AuxLogits." },
	/* EfficientNet-B0; 5.3 M parameters */
	{ "efficientnet_b0", 32, "classifier.", efficientnet_build, efficientnet_forward, NULL,
	  4010000, { 2350, 1100 }, { 650, 450 }, 0, NULL },
	/* ConvNeXt-T; 28.6 M parameters, to be started from weights */
	{ "convnext_tiny", 32, "classifier.2.", convnext_build, convnext_forward, NULL,
	  27822000, { 3100, 1750 }, { 750, 550 }, 0, NULL },
	/* ViT-S/16; 22.1 M parameters, to be started from weights */
	{ "vit_small", 16, "heads.", vit_build, vit_forward, NULL,
	  21666000, { 1900, 1150 }, { 450, 300 }, 0, NULL },
	/* U-Net over ResNet-18; learns where in a tile the mask has tumour */
	{ "unet", 32, "decoder.", unet_build, unet_forward, &resnet18,
	  14277000, { 1100, 600 }, { 450, 300 }, 16, "fc." },
	{ 0 },
};

static const double imagenet_mean[3] = { 0.485, 0.456, 0.406 }, imagenet_std[3] = { 0.229, 0.224, 0.225 };

const struct network *network_find(const char *name, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);
	if (g_str_has_suffix(name, ".pt"))
		return &module_network;
	for (const struct network *n = networks; n->name != NULL; n++) {
		if (strcmp(n->name, name) == 0)
			return n;
		g_string_append_printf(known, "%s%s", known->len == 0 ? "" : ", ", n->name);
	}
	g_set_error(error, FAULT, FAULT_USAGE, "network '%s' is unknown; there are %s, or the FILE.pt of a TorchScript module",
		    name, known->str);
	return NULL;
}

gboolean network_spares(const struct network *n, const char *name) { return n->spare != NULL && g_str_has_prefix(name, n->spare); }

#define WIDER "wider"

/* For the pictures behind the first, where there are any. */
static gboolean build_wider(struct model *m, GError **error)
{
	const int width = m->width;

	if (m->pictures == 1)
		return TRUE;
	m->width = m->pictures * width;
	scope_param(m->params, WIDER ".weight", DIMS(m->outputs, m->width - width), INIT_LINEAR);
	return scope_settled(m->params, WIDER, FAULT_FAILED, error);
}

/* bytes: of a module's file. */
static struct model *make(const struct network *found, const char *network, const void *bytes, gsize size, int channels,
			  int pictures, int outputs, int device, GError **error)
{
	if (pictures > 1 && found->map > 0) {
		g_set_error(error, FAULT, FAULT_USAGE, "network '%s' draws a map of one picture: set tiles.context to 1", network);
		return NULL;
	}
	g_autoptr(model_t) m = g_new0(struct model, 1);
	m->network = found;
	m->channels = channels;
	m->pictures = pictures;
	m->outputs = outputs;
	m->device = device;
	m->norm_eps = 1e-5;
	memcpy(m->mean, imagenet_mean, sizeof m->mean);
	memcpy(m->std, imagenet_std, sizeof m->std);
	m->params = scope_open(NULL, 0);
	scope_device(m->params, device);
	found->build(m);
	if (!scope_settled(m->params, network, FAULT_FAILED, error) ||
	    (found == &module_network && !module_build(m, bytes, size, network, error)) || !build_wider(m, error))
		return NULL;
	m->own = scope_count(m->params);
	return g_steal_pointer(&m);
}

struct model *model_new(const char *network, int channels, int pictures, int outputs, int device, GError **error)
{
	const struct network *found = network_find(network, error);
	if (found == NULL)
		return NULL;
	if (found != &module_network)
		return make(found, network, NULL, 0, channels, pictures, outputs, device, error);
	g_autoptr(GError) why = NULL;
	/* a pipe would be waited for */
	gboolean plain = g_file_test(network, G_FILE_TEST_IS_REGULAR) || !g_file_test(network, G_FILE_TEST_EXISTS);
	g_autoptr(GMappedFile) file = plain ? g_mapped_file_new(network, FALSE, &why) : NULL;
	if (file != NULL)
		return make(found, network, g_mapped_file_get_contents(file), g_mapped_file_get_length(file), channels, pictures,
			    outputs, device, error);
	g_set_error(error, FAULT, FAULT_DATA, "model.network: %s", why != NULL ? why->message : "it is no file");
	return NULL;
}

static gboolean in_classifier(const struct model *m, const char *name)
{
	return g_str_has_prefix(name, m->network->head) || g_str_has_prefix(name, WIDER ".");
}

gboolean model_in_head(const struct model *m, const char *name) { return in_classifier(m, name) || model_in_screen(name); }

void model_answer_on(struct model *m, unsigned flags)
{
	model_answer_off(m);
	m->packed = scope_open(NULL, flags | SCOPE_NO_GRAD);
	scope_device(m->packed, m->device);
}

void model_answer_off(struct model *m) { g_clear_pointer(&m->packed, scope_close); }

void model_free(struct model *m)
{
	if (m == NULL)
		return;
	model_answer_off(m);
	module_clear(m);
	scope_close(m->params);
	g_free(m);
}

/* "64x3x7x7"; "one number" where there is no dimension. */
static char *shape_text(dims shape)
{
	GString *text = g_string_new(shape.n == 0 ? "one number" : NULL);
	for (int i = 0; i < shape.n; i++)
		g_string_append_printf(text, "%s%" G_GINT64_FORMAT, i == 0 ? "" : "x", shape.d[i]);
	return g_string_free(text, FALSE);
}

static gboolean shape_equal(dims a, dims b)
{
	gboolean equal = a.n == b.n;
	for (int i = 0; equal && i < a.n; i++)
		equal = a.d[i] == b.d[i];
	return equal;
}

/* y, features: of each picture (N * pictures, ...), to those of each sample (N, ...). */
static tensor *join(struct model *m, scope *s, const tensor *y, tensor **features)
{
	const int one = m->width / m->pictures;

	y = t_narrow(s, t_reshape(s, y, DIMS(-1, m->pictures, m->outputs)), 1, 0, 1);
	*features = t_reshape(s, *features, DIMS(-1, m->width));
	tensor *wider = t_linear(s, t_narrow(s, *features, 1, one, m->width - one), layer_find(m, WIDER, "weight"), NULL);
	return t_add(s, t_reshape(s, y, DIMS(-1, m->outputs)), wider);
}

tensor *model_forward(struct model *m, scope *outer, const tensor *x, tensor **features_opt)
{
	SCOPE(s, outer, 0);
	tensor *features = NULL;
	if (features_opt != NULL)
		*features_opt = NULL;
	if (x == NULL)
		return NULL;
	dims d = t_dims(x);
	if (d.n != 4 || d.d[1] != m->channels || d.d[2] < m->network->least || d.d[3] < m->network->least) {
		g_autofree char *shape = shape_text(d);
		g_autofree char *message = g_strdup_printf("%s: expected N x %d x H x W, H and W at least %d, got %s",
							   m->network->name, m->channels, m->network->least, shape);
		scope_fail(s, message);
		return NULL;
	}
	tensor *y = m->network->forward(m, s, x, &features);
	if (m->pictures > 1)
		y = join(m, s, y, &features);
	if (features_opt != NULL)
		*features_opt = layer_f32(m, outer, s, features);
	return layer_f32(m, outer, s, y);
}

gint64 model_parameters(const struct model *m)
{
	gint64 total = 0;
	for (gsize i = 0; i < scope_count(m->params); i++) {
		bool trained;
		const char *name;
		dims shape = t_dims(scope_at(m->params, i, &name, &trained));
		gint64 size = 1;
		for (int d = 0; d < shape.n; d++)
			size *= shape.d[d];
		total += trained ? size : 0;
	}
	return total;
}

/* --- weights from a file ------------------------------------------------------------------------- */

/* "[1, 2, 3]" as three numbers. */
static gboolean parse_three(const char *text, double *three)
{
	const char *at = text;
	for (int i = 0; i < 3; i++) {
		char *end;
		at += strspn(at, " ");
		if (*at++ != "[,,"[i])
			return FALSE;
		three[i] = g_ascii_strtod(at, &end);
		if (end == at || !isfinite(three[i]))
			return FALSE;
		at = end;
	}
	at += strspn(at, " ");
	return *at == ']' && at[1 + strspn(at + 1, " ")] == '\0';
}

/* Metadata `key` into three, where there is one. */
static gboolean read_three(const struct safetensors *file, const char *path, const char *key, double least,
			   double *three, GError **error)
{
	const char *text = safetensors_metadata(file, key);
	double read[3];
	if (text == NULL)
		return TRUE;
	gboolean good = parse_three(text, read);
	for (int i = 0; good && i < 3; i++)
		good = read[i] > least;
	if (!good) {
		g_autofree char *start = g_strndup(text, 60), *shown = g_utf8_make_valid(start, -1);
		g_strdelimit(shown, "\b\f\n\r\t", ' ');
		g_set_error(error, FAULT, FAULT_DATA, "%s: metadata '%s': expected a list of 3 numbers%s, got %s",
			    path, key, least == 0 ? " above 0" : "", shown);
		return FALSE;
	}
	memcpy(three, read, sizeof read);
	return TRUE;
}

static gboolean fits(const struct safetensor *view, const tensor *param)
{
	gboolean number = view->type == T_F32 || view->type == T_F16 || view->type == T_BF16 || view->type == T_F64;
	return number && shape_equal(view->shape, t_dims(param));
}

static const char *head_noun(const struct model *m) { return m->network->map > 0 ? "decoder" : "classifier"; }

/* What is wrong with the classifier's parameters in the file, as a sentence; or NULL. */
static char *head_fault(const struct model *m, const struct safetensors *file, const char *path)
{
	for (gsize i = 0; i < scope_count(m->params); i++) {
		const char *name;
		bool trained;
		tensor *param = scope_at(m->params, i, &name, &trained);
		if (!in_classifier(m, name))
			continue;
		const struct safetensor *view = safetensors_find(file, name);
		if (view == NULL)
			return g_strdup_printf("%s has no %s: the %s starts at random", path, name, head_noun(m));
		if (!fits(view, param)) {
			g_autofree char *theirs = shape_text(view->shape), *ours = shape_text(t_dims(param));
			return g_strdup_printf("%s has %s of %s, here it is %s: the %s starts at random",
					       path, name, theirs, ours, head_noun(m));
		}
	}
	return NULL;
}

/* Every parameter but the classifier's is in the file, and every tensor of the file has its place; so the
   weights of a deeper network are no success. */
static gboolean check_fit(const struct model *m, const struct safetensors *file, const char *path,
			  GError **error)
{
	for (gsize i = 0; i < scope_count(m->params); i++) {
		const char *name;
		bool trained;
		tensor *param = scope_at(m->params, i, &name, &trained);
		const struct safetensor *view = safetensors_find(file, name);
		if (in_classifier(m, name) || (view != NULL && fits(view, param)))
			continue;
		g_autofree char *ours = shape_text(t_dims(param));
		g_autofree char *theirs = view == NULL ? NULL : shape_text(view->shape);
		if (view == NULL)
			g_set_error(error, FAULT, FAULT_DATA, "%s: not weights of %s: %s (%s) is missing", path,
				    m->network->name, name, ours);
		else
			g_set_error(error, FAULT, FAULT_DATA, "%s: not weights of %s: %s is %s%s, expected %s", path,
				    m->network->name, name, theirs,
				    shape_equal(view->shape, t_dims(param)) ? " of whole numbers" : "", ours);
		return FALSE;
	}
	for (guint i = 0; i < safetensors_count(file); i++) {
		const char *name = safetensors_at(file, i)->name;
		if (scope_find(m->params, name) == NULL && !in_classifier(m, name) && !network_spares(m->network, name) &&
		    !model_in_screen(name) && !g_str_has_suffix(name, ".num_batches_tracked")) { /* torchvision counts batches; no one asks */
			g_set_error(error, FAULT, FAULT_DATA, "%s: not weights of %s, which has no %s", path,
				    m->network->name, name);
			return FALSE;
		}
	}
	return TRUE;
}

static void copy_weights(struct model *m, scope *s, const struct safetensors *file, gboolean with_head)
{
	for (gsize i = 0; i < scope_count(m->params); i++) {
		const char *name;
		bool trained;
		tensor *param = scope_at(m->params, i, &name, &trained);
		if (!with_head && in_classifier(m, name))
			continue;
		const struct safetensor *view = safetensors_find(file, name);
		SCOPE(one, s, 0);
		if (view->type == T_F32)
			t_write_(one, param, view->data, view->size);
		else
			t_copy_(one, param, t_to(one, t_from(one, view->data, view->shape, view->type, T_CPU),
						 T_F32, m->device));
	}
}

static gboolean take_weights(struct model *m, const struct safetensors *file, const char *path, char **left_out, GError **error)
{
	double mean[3], std[3];
	memcpy(mean, m->mean, sizeof mean);
	memcpy(std, m->std, sizeof std);
	if (!check_fit(m, file, path, error) ||
	    !read_three(file, path, "mean", -HUGE_VAL, mean, error) ||
	    !read_three(file, path, "std", 0, std, error))
		return FALSE;
	g_autofree char *fault = head_fault(m, file, path);
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	copy_weights(m, s, file, fault == NULL);
	if (!scope_settled(s, path, FAULT_FAILED, error))
		return FALSE;
	memcpy(m->mean, mean, sizeof mean);
	memcpy(m->std, std, sizeof std);
	if (left_out != NULL)
		*left_out = g_steal_pointer(&fault);
	return TRUE;
}

gboolean model_load(struct model *m, const char *path, char **left_out, GError **error)
{
	g_autoptr(safetensors_t) file = safetensors_open(path, error);

	return file != NULL && take_weights(m, file, path, left_out, error);
}

struct model *model_read(const char *weights, const char *network, int channels, int pictures, int outputs, int device,
			 char **left_out, GError **error)
{
	const struct network *found = network_find(network, error);
	if (found == NULL)
		return NULL;
	g_autoptr(safetensors_t) file = safetensors_open(weights, error);
	if (file == NULL)
		return NULL;
	const struct safetensor *module = found == &module_network ? safetensors_find(file, MODULE_BYTES) : NULL;
	if (found == &module_network && module == NULL) {
		g_set_error(error, FAULT, FAULT_DATA, "%s: it has no " MODULE_BYTES, weights);
		return NULL;
	}
	g_autoptr(model_t) m = make(found, network, module != NULL ? module->data : NULL, module != NULL ? module->size : 0,
				    channels, pictures, outputs, device, error);
	if (m == NULL || (safetensors_find(file, SCREEN ".classifier.weight") != NULL && !model_add_screen(m, error)))
		return NULL;
	return take_weights(m, file, weights, left_out, error) ? g_steal_pointer(&m) : NULL;
}
