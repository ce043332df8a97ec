/* layers.c - see networks.h: layers by the names of their parameters. */
#include "common/model/networks.h"

struct name {
	char text[96];
};

static struct name name_of(const char *at, const char *leaf, const char *what)
{
	struct name name;
	g_snprintf(name.text, sizeof name.text, "%s%s%s.%s", at, *at == '\0' ? "" : ".", leaf, what);
	return name;
}

static tensor *find(const struct model *m, const char *at, const char *leaf, const char *what)
{
	return scope_find(m->params, name_of(at, leaf, what).text);
}

void layer_make_conv(struct model *m, const char *at, const char *leaf, dims shape, enum init how,
		     gboolean biased)
{
	scope_param(m->params, name_of(at, leaf, "weight").text, shape, how);
	if (biased)
		scope_param(m->params, name_of(at, leaf, "bias").text, DIMS(shape.d[0]), INIT_ZERO);
}

void layer_make_norm(struct model *m, const char *at, const char *leaf, int channels)
{
	scope_param(m->params, name_of(at, leaf, "weight").text, DIMS(channels), INIT_ONE);
	scope_param(m->params, name_of(at, leaf, "bias").text, DIMS(channels), INIT_ZERO);
	scope_buffer(m->params, name_of(at, leaf, "running_mean").text, DIMS(channels), 0);
	scope_buffer(m->params, name_of(at, leaf, "running_var").text, DIMS(channels), 1);
}

void layer_make_linear(struct model *m, const char *at, const char *leaf, int out, int in)
{
	scope_param(m->params, name_of(at, leaf, "weight").text, DIMS(out, in), INIT_LINEAR);
	scope_param(m->params, name_of(at, leaf, "bias").text, DIMS(out), INIT_ZERO);
}

gboolean layer_exists(const struct model *m, const char *at, const char *leaf)
{
	return find(m, at, leaf, "weight") != NULL;
}

tensor *layer_conv(struct model *m, scope *s, const tensor *x, const char *at, const char *leaf, conv_opts o)
{
	return t_conv2d(s, x, find(m, at, leaf, "weight"), find(m, at, leaf, "bias"), o);
}

tensor *layer_norm(struct model *m, scope *s, const tensor *x, const char *at, const char *leaf)
{
	return t_batch_norm(s, x, find(m, at, leaf, "weight"), find(m, at, leaf, "bias"),
			    find(m, at, leaf, "running_mean"), find(m, at, leaf, "running_var"));
}

tensor *layer_linear(struct model *m, scope *s, const tensor *x, const char *at, const char *leaf)
{
	return t_linear(s, x, find(m, at, leaf, "weight"), find(m, at, leaf, "bias"));
}
