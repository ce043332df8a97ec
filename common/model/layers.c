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

tensor *layer_find(const struct model *m, const char *at, const char *leaf)
{
	char name[96];
	g_snprintf(name, sizeof name, "%s%s%s", at, *at == '\0' ? "" : ".", leaf);
	return scope_find(m->params, name);
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

void layer_make_conv_norm(struct model *m, const char *at, const char *conv, const char *norm, dims shape)
{
	layer_make_conv(m, at, conv, shape, INIT_KAIMING, FALSE);
	layer_make_norm(m, at, norm, (int)shape.d[0]);
}

void layer_make_layer_norm(struct model *m, const char *at, const char *leaf, int width)
{
	scope_param(m->params, name_of(at, leaf, "weight").text, DIMS(width), INIT_ONE);
	scope_param(m->params, name_of(at, leaf, "bias").text, DIMS(width), INIT_ZERO);
}

void layer_make_dense(struct model *m, const char *at, const char *leaf, int out, int in, enum init how)
{
	scope_param(m->params, name_of(at, leaf, "weight").text, DIMS(out, in), how);
	scope_param(m->params, name_of(at, leaf, "bias").text, DIMS(out), INIT_ZERO);
}

void layer_make_classifier(struct model *m, const char *at, const char *leaf, int width)
{
	m->width = width;
	layer_make_dense(m, at, leaf, m->outputs, width, INIT_LINEAR);
}

gboolean layer_exists(const struct model *m, const char *at, const char *leaf)
{
	return find(m, at, leaf, "weight") != NULL;
}

/* While the network only answers: a convolution, its norm and activation at once; laid out as it is met first. */
static tensor *answer(struct model *m, scope *s, const tensor *x, const char *at, const char *conv, const char *norm_opt,
		      conv_opts o, const tensor *add_opt, activation *act_opt)
{
	const enum act act = act_opt == t_relu ? ACT_RELU : act_opt == t_silu ? ACT_SILU : ACT_NONE;
	const struct name weight = name_of(at, conv, "weight"), bias = name_of(at, conv, "bias");

	if (scope_find(m->packed, weight.text) == NULL) {
		struct norm norm = { 0 };
		if (norm_opt != NULL)
			norm = (struct norm){ find(m, at, norm_opt, "weight"), find(m, at, norm_opt, "bias"),
					      find(m, at, norm_opt, "running_mean"), find(m, at, norm_opt, "running_var"), m->norm_eps };
		if (!conv_pack(m->packed, weight.text, scope_find(m->params, weight.text), bias.text, scope_find(m->params, bias.text),
			       norm_opt != NULL ? &norm : NULL, t_dims(x), o)) {
			scope_hand_error(m->packed, s); /* of memory there may be more for a smaller batch */
			return NULL;
		}
	}
	tensor *y = t_conv2d_packed(s, x, scope_find(m->packed, weight.text), scope_find(m->packed, bias.text), o, add_opt, act);
	return act == ACT_NONE && act_opt != NULL ? act_opt(s, y) : y;
}

tensor *layer_conv(struct model *m, scope *s, const tensor *x, const char *at, const char *leaf, conv_opts o)
{
	if (m->packed != NULL)
		return answer(m, s, x, at, leaf, NULL, o, NULL, NULL);
	return t_conv2d(s, x, find(m, at, leaf, "weight"), find(m, at, leaf, "bias"), o);
}

tensor *layer_conv_act(struct model *m, scope *outer, const tensor *x, const char *at, const char *leaf, conv_opts o, activation *act)
{
	SCOPE(s, outer, 0);
	return scope_keep(outer, m->packed != NULL ? answer(m, s, x, at, leaf, NULL, o, NULL, act) : act(s, layer_conv(m, s, x, at, leaf, o)));
}

tensor *layer_norm(struct model *m, scope *s, const tensor *x, const char *at, const char *leaf)
{
	return t_batch_norm(s, x, find(m, at, leaf, "weight"), find(m, at, leaf, "bias"),
			    find(m, at, leaf, "running_mean"), find(m, at, leaf, "running_var"), m->norm_eps);
}

tensor *layer_conv_norm(struct model *m, scope *outer, const tensor *x, const char *at, const char *conv, const char *norm,
			conv_opts o, activation *act_opt)
{
	SCOPE(s, outer, 0);
	if (m->packed != NULL)
		return scope_keep(outer, answer(m, s, x, at, conv, norm, o, NULL, act_opt));
	tensor *y = layer_conv(m, s, x, at, conv, o);
	tensor *z = layer_norm(m, s, y, at, norm);
	scope_drop(s, y);
	return scope_keep(outer, act_opt != NULL ? act_opt(s, z) : z);
}

tensor *layer_conv_norm_add(struct model *m, scope *outer, const tensor *x, const char *at, const char *conv, const char *norm,
			    conv_opts o, const tensor *shortcut)
{
	SCOPE(s, outer, 0);
	if (m->packed != NULL)
		return scope_keep(outer, answer(m, s, x, at, conv, norm, o, shortcut, t_relu));
	tensor *y = layer_conv_norm(m, s, x, at, conv, norm, o, NULL);
	tensor *z = t_add(s, y, shortcut);
	scope_drop(s, y);
	return scope_keep(outer, t_relu(s, z));
}

tensor *layer_layer_norm(struct model *m, scope *s, const tensor *x, const char *at, const char *leaf, double eps)
{
	return t_layer_norm(s, x, find(m, at, leaf, "weight"), find(m, at, leaf, "bias"), eps);
}

tensor *layer_linear(struct model *m, scope *s, const tensor *x, const char *at, const char *leaf)
{
	return t_linear(s, x, find(m, at, leaf, "weight"), find(m, at, leaf, "bias"));
}

tensor *layer_classify(struct model *m, scope *s, const tensor *features, double dropout, const char *at, const char *leaf)
{
	return layer_linear(m, s, dropout > 0 ? t_dropout(s, features, dropout) : features, at, leaf);
}

tensor *layer_f32(const struct model *m, scope *outer, scope *s, const tensor *y)
{
	return scope_keep(outer, y == NULL || t_type(y) == T_F32 ? y : t_to(s, y, T_F32, m->device));
}
