/*
 * model.h - networks: a table of them, and one network with its parameters.
 *
 * Parameter names are torchvision's, so that its weights load. A network maps pixels, as the task
 * prepared them, to `outputs` numbers a sample: x (N, channels, H, W) to (N, outputs); one that also draws a
 * map (unet), to (N, outputs + map * map): behind them a logit for each of map x map cells, row by row.
 *
 * Where a sample is several pictures (the same place at several magnifications), x is (N * pictures, channels, H, W),
 * those of a sample together. Each goes through the network; the classifier sees the first, and of the features of
 * the others wider.weight (outputs, (pictures - 1) * width) adds their share: together one linear layer over all
 * features joined, where the classifier is one.
 *
 * Ownership: model_new() to model_free(); the parameters live in model->params.
 * Errors:    model_new, model_read and model_load: FAULT_USAGE for an unknown network (with the known ones), and for several
 *            pictures to one that draws a map,
 *            FAULT_DATA for weights that do not fit, or a module that cannot be used.
 * Threads:   one.
 */
#pragma once
#include "common/tensor/tensor.h"
#include <glib.h>

G_BEGIN_DECLS

struct model;

struct network {
	const char *name;
	int least;              /* px, the least height and width */
	const char *head;       /* prefix of the classifier's parameters: left out of foreign weights of
	                           another shape */
	/* Makes the parameters in m->params. */
	void (*build)(struct model *m);
	/* x (N, C, H, W) to (N, m->outputs + map * map), and to *features (N, m->width), what the classifier takes. */
	tensor *(*forward)(struct model *m, scope *s, const tensor *x, tensor **features);
	const void *plan;       /* the network's own, or NULL */
	/* For common/model/memory.h. Trained numbers with a head of two classes; and bytes a pixel of a sample that a batch takes on
	   its way, in fp32 and bf16: forward and backward, and forward alone. */
	gint64 parameters;
	double learn_bytes[2], judge_bytes[2];
	int map;                /* cells a side of the map that it draws; 0: none */
	const char *spare;      /* prefix of tensors in foreign weights that it has no use for, or NULL */
};

struct model {
	const struct network *network;
	int channels, pictures, outputs, device;
	int width;              /* of what the classifier takes, of all pictures of a sample */
	double norm_eps;        /* of its batch norms */
	scope *params;
	size_t own;             /* of these, before its screen's; all, where it has none */
	jit_module *module;     /* of a module (module.h), else NULL */
	scope *carried;         /* what its weights' file holds beside params; NULL: nothing */
	scope *packed;          /* while model_answer_on holds: its convolutions, laid out as they are met; else NULL */
	/* What the first layer wants: (pixel / 255 - mean) / std; ImageNet's unless the weights that were
	   loaded say otherwise in their metadata ("mean", "std"). */
	double mean[3], std[3];
};

/* All networks, ended by a row without a name. */
extern const struct network networks[];

/* Its row, or for a name that ends in .pt that of modules. */
const struct network *network_find(const char *name, GError **error);
/* Has it no use for a tensor of this name in foreign weights? */
gboolean network_spares(const struct network *network, const char *name);
/* network: a name of the table, or the path of a TorchScript module, FILE.pt. */
struct model *model_new(const char *network, int channels, int pictures, int outputs, int device, GError **error);
/* The same with the weights of a model folder: a module comes from their file, and not from where it once was, and there is a
   screen where the file has one. *left_out as of model_load. */
struct model *model_read(const char *weights, const char *network, int channels, int pictures, int outputs, int device,
			 char **left_out, GError **error);
void model_free(struct model *m);
/* Is a parameter of this name one of the classifier's, or of the screen? What training.frozen leaves free. */
gboolean model_in_head(const struct model *m, const char *name);
/* features_opt: gets the vectors that the classifier takes, before its dropout, of a sample's pictures in turn, (N, m->width).
   Both are T_F32, whatever the scope computes in. */
tensor *model_forward(struct model *m, scope *s, const tensor *x, tensor **features_opt);
/* From here on its weights do not change, and it answers in scopes of these flags, without SCOPE_TRAIN: then convolutions go
   by t_conv2d_packed. Until _off, which model_free does too. */
void model_answer_on(struct model *m, unsigned flags);
void model_answer_off(struct model *m);
/* Its screen: a small network of its own for coarse looks, of random weights, which for a small part of the work says about what
   the large one would. Its parameters are SCREEN.* in m->params, behind the others: no module of one's own has such a
   name. */
#define SCREEN "coarse-screen"
gboolean model_add_screen(struct model *m, GError **error);
gboolean model_in_screen(const char *name);
/* x (N, channels, H, W), of a sample's first picture alone, to (N, outputs), T_F32. */
tensor *model_screen(struct model *m, scope *s, const tensor *x);
gint64 model_parameters(const struct model *m);    /* trained numbers */

/* Parameters from a .safetensors file of F32, F16, BF16 or F64. A classifier of another shape, or that the
   file lacks, keeps its random start and is named in *left_out (a sentence for the log, or NULL); any other
   parameter that is missing or of another shape is an error that names it and both shapes, and so is a
   tensor of the file that the network has no place for (but num_batches_tracked, and a screen). "mean" and "std" of
   the file's metadata (JSON lists of 3) become the model's. An error leaves the model as it was. */
gboolean model_load(struct model *m, const char *path, char **left_out, GError **error);

typedef struct model model_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(model_t, model_free)

G_END_DECLS
