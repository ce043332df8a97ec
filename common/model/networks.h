/*
 * networks.h - what the networks share, for the files of this folder alone: layers by name.
 *
 * A layer `at.leaf` is the parameters at.leaf.weight, at.leaf.bias, ... (at may be ""). The layer_make_
 * functions make them; the others find them by name and use them, in the scope s.
 * Memory: every block computes in a scope of its own, and its result alone lives on in the scope around it
 * (scope_keep); so temporaries die with the block. Who calls a block drops the input that no one needs any
 * more.
 */
#pragma once
#include "common/model/model.h"

G_BEGIN_DECLS

/* at.leaf.weight (out, in, size, size) by how, and at.leaf.bias (out) of zeros where biased. */
void layer_make_conv(struct model *m, const char *at, const char *leaf, dims shape, enum init how,
		     gboolean biased);
/* at.leaf.weight (channels) of ones, .bias of zeros; the buffers .running_mean, .running_var. */
void layer_make_norm(struct model *m, const char *at, const char *leaf, int channels);
/* Both: at.conv.weight of shape, INIT_KAIMING, no bias; at.norm. */
void layer_make_conv_norm(struct model *m, const char *at, const char *conv, const char *norm, dims shape);
/* at.leaf.weight (width) of ones, .bias of zeros. */
void layer_make_layer_norm(struct model *m, const char *at, const char *leaf, int width);
/* at.leaf.weight (out, in) by how, and at.leaf.bias (out) of zeros. */
void layer_make_dense(struct model *m, const char *at, const char *leaf, int out, int in, enum init how);
/* The same for the classifier: outputs of vectors of width, which becomes the model's. */
void layer_make_classifier(struct model *m, const char *at, const char *leaf, int width);

typedef tensor *activation(scope *s, const tensor *x);  /* t_relu, ... */
tensor *layer_find(const struct model *m, const char *at, const char *leaf); /* the parameter at.leaf itself */
gboolean layer_exists(const struct model *m, const char *at, const char *leaf);
tensor *layer_conv(struct model *m, scope *s, const tensor *x, const char *at, const char *leaf, conv_opts o);
/* The same, and act behind it. */
tensor *layer_conv_act(struct model *m, scope *outer, const tensor *x, const char *at, const char *leaf, conv_opts o, activation *act);
tensor *layer_norm(struct model *m, scope *s, const tensor *x, const char *at, const char *leaf);
tensor *layer_linear(struct model *m, scope *s, const tensor *x, const char *at, const char *leaf);
tensor *layer_layer_norm(struct model *m, scope *s, const tensor *x, const char *at, const char *leaf, double eps);
/* A block: convolution, batch norm and, where there is one, activation. */
tensor *layer_conv_norm(struct model *m, scope *outer, const tensor *x, const char *at, const char *conv, const char *norm,
			conv_opts o, activation *act_opt);
/* The same with a shortcut (He et al. 2016) added, and ReLU. */
tensor *layer_conv_norm_add(struct model *m, scope *outer, const tensor *x, const char *at, const char *conv, const char *norm,
			    conv_opts o, const tensor *shortcut);
/* features (N, width) to (N, outputs), behind dropout by chance `dropout`. */
tensor *layer_classify(struct model *m, scope *s, const tensor *features, double dropout, const char *at, const char *leaf);

/* y, of the scope s, in T_F32 and in outer: losses and scores are no place for bfloat16. */
tensor *layer_f32(const struct model *m, scope *outer, scope *s, const tensor *y);

struct resnet_plan {
	int blocks[4];          /* in each of the four stages */
	gboolean bottleneck;
};
extern const struct resnet_plan resnet18, resnet34, resnet50;

/* The convolutions of a ResNet, for networks upon it: x (N, C, H, W) to (N, 64, H/4, W/4), behind the pool; then its
   blocks, in stages 0 to 3, each but the first of half the side. */
int resnet_make_stages(struct model *m);        /* channels of the last */
tensor *resnet_stem(struct model *m, scope *s, const tensor *x);
tensor *resnet_block(struct model *m, scope *s, const tensor *x, int stage, int block);

#define NETWORK(name) \
	void name##_build(struct model *m); \
	tensor *name##_forward(struct model *m, scope *s, const tensor *x, tensor **features);
NETWORK(simple)
NETWORK(squeezenet)
NETWORK(resnet)
NETWORK(inception)
NETWORK(densenet)
NETWORK(efficientnet)
NETWORK(convnext)
NETWORK(vit)
NETWORK(unet)
#undef NETWORK

G_END_DECLS
