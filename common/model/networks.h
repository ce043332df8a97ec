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
/* at.leaf.weight (out, in) and at.leaf.bias (out) of zeros. */
void layer_make_linear(struct model *m, const char *at, const char *leaf, int out, int in);

gboolean layer_exists(const struct model *m, const char *at, const char *leaf);
tensor *layer_conv(struct model *m, scope *s, const tensor *x, const char *at, const char *leaf, conv_opts o);
tensor *layer_norm(struct model *m, scope *s, const tensor *x, const char *at, const char *leaf);
tensor *layer_linear(struct model *m, scope *s, const tensor *x, const char *at, const char *leaf);

struct resnet_plan {
	int blocks[4];          /* in each of the four stages */
	gboolean bottleneck;
};
extern const struct resnet_plan resnet18, resnet34, resnet50;

void resnet_build(struct model *m);
void squeezenet_build(struct model *m);
void simple_build(struct model *m);
tensor *resnet_forward(struct model *m, scope *s, const tensor *x);
tensor *squeezenet_forward(struct model *m, scope *s, const tensor *x);
tensor *simple_forward(struct model *m, scope *s, const tensor *x);

G_END_DECLS
