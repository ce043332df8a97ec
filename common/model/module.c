/* module.c - see module.h. */
#include "common/model/module.h"
#include "common/fault/fault.h"
#include "common/model/networks.h"
#include "common/tensor/settled.h"

#define HEAD "added_head"

/* (N, F) of what a module gives; else NULL and an error of the scope. */
static tensor *flat(scope *s, tensor *y)
{
	dims d = t_dims(y);

	if (y == NULL || d.n == 2)
		return y;
	if (d.n == 4)
		return t_mean_hw(s, y);
	g_autofree char *message = g_strdup_printf("it gives a tensor of %d dimensions: expected N x F or N x F x h x w", d.n);
	scope_fail(s, message);
	return NULL;
}

static tensor *forward(struct model *m, scope *s, const tensor *x, tensor **features)
{
	tensor *y = flat(s, t_script(s, m->module, x));

	if (y != NULL && t_size(y, 1) != m->width) {
		g_autofree char *message = g_strdup_printf("the module gives %d numbers at one size of picture, %d at another: "
							   "expected a mean over places", m->width, (int)t_size(y, 1));
		scope_fail(s, message);
	}
	*features = y;
	return layer_exists(m, "", HEAD) ? layer_classify(m, s, y, 0, "", HEAD) : y;
}

static void no_build(struct model *m) { (void)m; }

/* What a pass takes is not known: as much as the networks here that take the most. Parameters: by the file's size. */
const struct network module_network = {
	"module", 1, HEAD ".", no_build, forward, NULL, 0, { 3500, 1850 }, { 850, 550 },
	0, MODULE_BYTES,
};

/* Numbers that it gives, of a picture of a size that it takes: some take one size alone. 0: of none, and an error of s. */
static int width_of(struct model *m, scope *parent)
{
	static const int sides[] = { 224, 256, 299, 384, 512, 96, 64, 32, 128, 160, 192, 240, 320, 336, 380, 448, 480, 518 };
	g_autofree char *first = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(sides); i++) {
		SCOPE(s, parent, SCOPE_NO_GRAD);
		gsize n = (gsize)m->channels * (gsize)sides[i] * (gsize)sides[i];
		g_autofree float *zeros = g_new0(float, n);
		tensor *x = t_from(s, zeros, DIMS(1, m->channels, sides[i], sides[i]), T_F32, m->device);
		tensor *y = flat(s, t_script(s, m->module, x));
		const char *message;
		if (scope_error(s, &message) == SCOPE_OK)
			return (int)t_size(y, 1);
		if (first == NULL)
			first = g_strdup_printf("no picture N x %d x H x W goes through it, of none of 18 usual sizes from 32 to 518 px a "
						"side: %s", m->channels, message);
		scope_forgive(s);
	}
	scope_fail(parent, first);
	return 0;
}

gboolean module_build(struct model *m, const void *bytes, gsize size, const char *file, GError **error)
{
	m->module = script_open(m->params, bytes, size);
	if (!scope_settled(m->params, file, FAULT_DATA, error))
		return FALSE;
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	m->width = width_of(m, s);
	if (!scope_settled(s, file, FAULT_DATA, error))
		return FALSE;
	if (m->width != m->outputs)
		layer_make_classifier(m, "", HEAD, m->width);
	m->carried = scope_open(NULL, 0);
	scope_bytes(m->carried, MODULE_BYTES, bytes, size);
	return scope_settled(m->params, file, FAULT_DATA, error) && scope_settled(m->carried, file, FAULT_DATA, error);
}

void module_clear(struct model *m)
{
	script_close(m->module);
	scope_close(m->carried);
}
