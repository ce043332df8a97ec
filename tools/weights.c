/*
 * weights.c - files of weights, for the user's own desk: lists what is in one, says what of it fits a network, and makes
 * the .safetensors that model.weights wants of what torch.save or torch.jit.save wrote.
 *
 * Names that older files have are made those of today: "module." in front (DataParallel), denselayer1.norm.1 of
 * torchvision's first DenseNets, mlp.linear_1 of its first transformers. Counts of batches are left out: no one asks.
 */
#include "common/checkpoint/safetensors.h"
#include "common/fault/fault.h"
#include "common/model/model.h"

struct weights {
	const char *path;
	struct safetensors *file;       /* of a .safetensors, else NULL */
	GMappedFile *map;               /* else */
	scope *tensors;
	guint8 *buffer;
	GArray *views;                  /* struct safetensor; names belong to it; data NULL: from tensors */
	GArray *from;                   /* guint: the index there of each view */
};

static const char *const types[] = { [T_F32] = "F32", [T_F16] = "F16", [T_BF16] = "BF16", [T_U8] = "U8", [T_I64] = "I64",
				     [T_F64] = "F64", [T_BOOL] = "BOOL" };
static const gsize sizes[] = { [T_F32] = 4, [T_F16] = 2, [T_BF16] = 2, [T_U8] = 1, [T_I64] = 8, [T_F64] = 8, [T_BOOL] = 1 };

static const struct rule { const char *pattern, *with; } rules[] = {
	{ "^module\\.", "" },
	{ "(denselayer\\d+\\.(?:norm|conv))\\.([12]\\.)", "\\1\\2" },
	{ "\\.mlp\\.linear_1\\.", ".mlp.0." },
	{ "\\.mlp\\.linear_2\\.", ".mlp.3." },
};

static char *name_today(const char *name)
{
	char *out = g_strdup(name);

	for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
		g_autoptr(GRegex) regex = g_regex_new(rules[i].pattern, 0, 0, NULL);
		char *next = g_regex_replace(regex, out, -1, 0, rules[i].with, 0, NULL);
		if (next == NULL)       /* no UTF-8: it stays as it is */
			break;
		g_free(out);
		out = next;
	}
	return out;
}

/* "64x3x7x7" */
static char *shape_text(dims shape)
{
	GString *text = g_string_new(shape.n == 0 ? "number" : NULL);

	for (int i = 0; i < shape.n; i++)
		g_string_append_printf(text, "%s%" G_GINT64_FORMAT, i == 0 ? "" : "x", shape.d[i]);
	return g_string_free(text, FALSE);
}

static void add(struct weights *w, const char *name, enum dtype type, dims shape, const void *data, guint from)
{
	struct safetensor view = { .type = type, .shape = shape, .data = data, .size = sizes[type] };

	if (g_str_has_suffix(name, ".num_batches_tracked"))
		return;
	for (int d = 0; d < shape.n; d++)
		view.size *= (gsize)shape.d[d];
	view.name = name_today(name);
	g_array_append_val(w->views, view);
	g_array_append_val(w->from, from);
}

static gboolean check(const scope *s, const char *path, GError **error)
{
	const char *message;
	enum scope_err failure = scope_error(s, &message);

	if (failure == SCOPE_OK)
		return TRUE;
	g_set_error(error, FAULT, failure == SCOPE_NO_MEMORY ? FAULT_ROOM : FAULT_DATA, "%s: %s", path, message);
	return FALSE;
}

static gboolean weights_open(struct weights *w, const char *path, GError **error)
{
	*w = (struct weights){ .path = path, .views = g_array_new(FALSE, FALSE, sizeof(struct safetensor)),
			       .from = g_array_new(FALSE, FALSE, sizeof(guint)), .tensors = scope_open(NULL, 0) };
	if (g_str_has_suffix(path, ".safetensors")) {
		w->file = safetensors_open(path, error);
		for (guint i = 0; w->file != NULL && i < safetensors_count(w->file); i++) {
			const struct safetensor *t = safetensors_at(w->file, i);
			add(w, t->name, t->type, t->shape, t->data, i);
		}
		return w->file != NULL;
	}
	g_autoptr(GError) unreadable = NULL;
	w->map = g_mapped_file_new(path, FALSE, &unreadable);
	if (w->map == NULL) {
		g_set_error_literal(error, FAULT, FAULT_DATA, unreadable->message);
		return FALSE;
	}
	scope_unpickle(w->tensors, g_mapped_file_get_contents(w->map), g_mapped_file_get_length(w->map));
	for (guint i = 0; i < scope_count(w->tensors); i++) {
		const char *name;
		const tensor *t = scope_at(w->tensors, i, &name, NULL);
		add(w, name, t_type(t), t_dims(t), NULL, i);
	}
	return check(w->tensors, path, error);
}

static void weights_close(struct weights *w)
{
	for (guint i = 0; i < w->views->len; i++)
		g_free((char *)(guintptr)g_array_index(w->views, struct safetensor, i).name);
	g_array_unref(w->views);
	g_array_unref(w->from);
	g_clear_pointer(&w->file, safetensors_close);
	g_clear_pointer(&w->map, g_mapped_file_unref);
	scope_close(w->tensors);
	g_free(w->buffer);
}

static const void *source(void *context, guint i, GError **error)
{
	struct weights *w = context;
	const struct safetensor *v = &g_array_index(w->views, struct safetensor, i);

	if (v->data != NULL)
		return v->data;
	g_free(w->buffer);
	w->buffer = g_malloc(v->size);
	SCOPE(s, NULL, SCOPE_NO_GRAD);
	t_read(s, scope_at(w->tensors, g_array_index(w->from, guint, i), NULL, NULL), w->buffer, v->size);
	return check(s, w->path, error) ? w->buffer : NULL;
}

static void list(const struct weights *w)
{
	static const char *const keys[] = { "architecture", "mean", "std" };

	for (gsize i = 0; w->file != NULL && i < G_N_ELEMENTS(keys); i++)
		if (safetensors_metadata(w->file, keys[i]) != NULL)
			g_print("%s: %s\n", keys[i], safetensors_metadata(w->file, keys[i]));
	for (guint i = 0; i < w->views->len; i++) {
		const struct safetensor *v = &g_array_index(w->views, struct safetensor, i);
		g_autofree char *shape = shape_text(v->shape);
		g_print("%s %s %s\n", v->name, types[v->type], shape);
	}
}

static gboolean same_shape(dims a, dims b)
{
	gboolean same = a.n == b.n;

	for (int i = 0; same && i < a.n; i++)
		same = a.d[i] == b.d[i];
	return same;
}

static const struct safetensor *find(const struct weights *w, const char *name)
{
	for (guint i = 0; i < w->views->len; i++)
		if (g_str_equal(g_array_index(w->views, struct safetensor, i).name, name))
			return &g_array_index(w->views, struct safetensor, i);
	return NULL;
}

/* Lines for what does not fit; how many of them keep the file from being started from, as model_load has it. */
static guint compare(const struct weights *w, const struct model *m)
{
	guint fit = 0, wrong = 0;

	for (size_t i = 0; i < scope_count(m->params); i++) {
		const char *name;
		bool trained;
		dims wanted = t_dims(scope_at(m->params, i, &name, &trained));
		const struct safetensor *v = find(w, name);
		gboolean number = v != NULL && v->type != T_U8 && v->type != T_I64 && v->type != T_BOOL;
		if (number && same_shape(v->shape, wanted)) {
			fit++;
			continue;
		}
		g_autofree char *ours = shape_text(wanted), *theirs = v != NULL ? shape_text(v->shape) : g_strdup("missing");
		gboolean head = model_in_head(m, name);
		g_print("%s: %s is %s%s%s, expected %s\n", head ? "starts at random" : "wrong", name, theirs,
			v != NULL && !number ? " of " : "", v != NULL && !number ? types[v->type] : "", ours);
		wrong += head ? 0 : 1;
	}
	for (guint i = 0; i < w->views->len; i++) {
		const struct safetensor *v = &g_array_index(w->views, struct safetensor, i);
		gboolean spare = network_spares(m->network, v->name);
		if (scope_find(m->params, v->name) != NULL || model_in_head(m, v->name))
			continue;
		g_autofree char *shape = shape_text(v->shape);
		g_print("%s: %s (%s) has no place\n", spare ? "passed over" : "wrong", v->name, shape);
		wrong += spare ? 0 : 1;
	}
	g_print("%u of %u tensors fit %s\n", fit, (guint)scope_count(m->params), m->network->name);
	return wrong;
}

static gboolean fits(const struct weights *w, const char *network, GError **error)
{
	g_autoptr(model_t) m = model_new(network, 3, 1, 2, T_CPU, error);
	guint wrong = m == NULL ? 0 : compare(w, m);

	if (wrong > 0)
		g_set_error(error, FAULT, FAULT_DATA, "%s: not weights of %s: %u tensor%s wrong", w->path, network, wrong,
			    wrong == 1 ? " is" : "s are");
	return m != NULL && wrong == 0;
}

/* As given, as the file says, or the standard. */
static const char *three(const struct weights *w, const char *given, const char *key, const char *standard)
{
	const char *said = w->file != NULL ? safetensors_metadata(w->file, key) : NULL;

	return given != NULL ? given : said != NULL ? said : standard;
}

static gboolean convert(struct weights *w, const char *to, const char *network, const char *mean, const char *std, GError **error)
{
	const char *architecture = network != NULL ? network : three(w, NULL, "architecture", "");
	const gboolean half = g_str_equal(architecture, "inception_v3");        /* torchvision's transform_input */
	const char *const metadata[] = { "mean", three(w, mean, "mean", half ? "[0.5, 0.5, 0.5]" : "[0.485, 0.456, 0.406]"),
					 "std", three(w, std, "std", half ? "[0.5, 0.5, 0.5]" : "[0.229, 0.224, 0.225]"),
					 *architecture != '\0' ? "architecture" : NULL, architecture, NULL };
	guint64 bytes;

	if (!safetensors_write(to, (struct safetensor *)(gpointer)w->views->data, w->views->len, metadata, source, w, NULL, &bytes,
			       error))
		return FALSE;
	g_print("%s: %u tensors, %" G_GUINT64_FORMAT " bytes\n", to, w->views->len, bytes);
	return TRUE;
}

int main(int argc, char **argv)
{
	g_autofree char *network = NULL, *to = NULL, *mean = NULL, *std = NULL;
	const GOptionEntry entries[] = {
		{ "network", 0, 0, G_OPTION_ARG_STRING, &network, "Say what fits it, and what not", "NAME" },
		{ "to", 0, 0, G_OPTION_ARG_FILENAME, &to, "Write a .safetensors for model.weights", "FILE" },
		{ "mean", 0, 0, G_OPTION_ARG_STRING, &mean, "Of pixels as they learned (default: the file's, or ImageNet's)", "'[R, G, B]'" },
		{ "std", 0, 0, G_OPTION_ARG_STRING, &std, "Their standard deviation", "'[R, G, B]'" },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) options = g_option_context_new("FILE");
	g_autoptr(GError) error = NULL;

	g_option_context_set_summary(options, "Weights of a network, from .safetensors, or from what torch.save or torch.jit.save wrote: "
				     "lists them; with --network,\nsays what fits; with --to, converts them. Ends with 3 where they "
				     "do not fit, or are none.");
	g_option_context_add_main_entries(options, entries, NULL);
	if (!g_option_context_parse(options, &argc, &argv, &error)) {
		/* said below */
	} else if (argc != 2) {
		g_set_error_literal(&error, FAULT, FAULT_USAGE, "FILE is wanted; see --help");
	} else {
		struct weights w;
		if (weights_open(&w, argv[1], &error) && (network == NULL || fits(&w, network, &error))) {
			if (to != NULL)
				convert(&w, to, network, mean, std, &error);
			else if (network == NULL)
				list(&w);
		}
		weights_close(&w);
	}
	if (error != NULL)
		g_printerr("weights: %s\n", error->message);
	return fault_exit_code(error);
}
