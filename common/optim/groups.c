/* groups.c - see optim.h: parameters by the layers that their names tell of. */
#include "common/optim/optim.h"

/* A name up to here ends in a number, or in a digit and a letter: "layer1", "Mixed_5b"; not in "conv2d", nor "resnet34d". */
static gboolean is_numbered(const char *name, const char *end)
{
	const gsize n = (gsize)(end - name);

	if (n > 0 && g_ascii_isdigit(end[-1]))
		return TRUE;
	return n > 2 && g_ascii_islower(end[-1]) && g_ascii_isdigit(end[-2]) && !g_ascii_isdigit(end[-3]) &&
	       !(end[-1] == 'd' && end[-2] <= '3');
}

/* Length of the name's layer; 0: it names none. *direct: the parameter is the layer's own, not of a part of it. */
static gsize layer_length(const char *name, gboolean *direct)
{
	for (const char *dot = strchr(name, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
		if (is_numbered(name, dot)) {
			*direct = strchr(dot + 1, '.') == NULL;
			return (gsize)(dot - name);
		}
	return 0;
}

/* By torchvision's names, in ViT, ConvNeXt and Swin, and those that timm's and Hugging Face's have for the same. */
static gboolean is_decayed(const char *name, dims shape)
{
	static const char *const not[] = { "class_token", "pos_embedding", "layer_scale", "relative_position_bias_table", "cls_token",
		"dist_token", "reg_token", "mask_token", "pos_embed", "position_embeddings" };
	const char *dot = strrchr(name, '.'), *leaf = dot != NULL ? dot + 1 : name;

	for (gsize i = 0; i < G_N_ELEMENTS(not); i++)
		if (g_str_equal(leaf, not[i]))
			return FALSE;
	return shape.n > 1;
}

guint optim_groups(const struct model *m, struct optim_param *out)
{
	const char *layer = "";
	gsize length = 0;
	guint group = 0;
	gboolean begun = FALSE;

	for (size_t i = 0; i < scope_count(m->params); i++) {
		const char *name;
		bool trained;
		const dims shape = t_dims(scope_at(m->params, i, &name, &trained));
		gboolean direct = FALSE;
		gsize n = layer_length(name, &direct);
		gboolean other = n > 0 && (n != length || strncmp(name, layer, n) != 0);
		out[i] = (struct optim_param){ .head = model_in_head(m, name), .decayed = is_decayed(name, shape) };
		/* buffers of an exported module stand behind all its parameters */
		if (trained && !out[i].head && other && (shape.n > 1 || !direct)) {
			group += begun ? 1 : 0;
			layer = name;
			length = n;
		}
		begun = begun || !out[i].head;
		out[i].group = group;
	}
	for (size_t i = 0; i < scope_count(m->params); i++)
		out[i].group += out[i].head ? 1 : 0;
	return group + 2;
}
