/*
 * tensor.h - all of libtorch that C code may see. Plain C; nothing of C++ crosses it, and no exception.
 *
 * Ownership: every tensor lives in one scope and dies with it; nothing else frees one.
 * Errors:    the first failure sticks to its scope; later calls on it do nothing and return NULL, 0 or
 *            false. A scope's error counts for its children too; closing a scope hands its error to
 *            the parent, where none is there yet. A message is one line: the operation, then the shapes
 *            or libtorch's first line.
 * Optionals: a tensor marked _opt may be NULL. Any other NULL is an error of the scope (unless one
 *            sticks already, in it or in an open child: a chain of calls needs one check, at its end).
 * Modes:     train, no-grad, bf16, channels-last belong to the scope, never to a model.
 * Threads:   a scope is used by the thread that opened it; scopes close innermost first. Worker
 *            threads never see a tensor.
 * Shapes:    N batch, C channels, H, W, D space. A name ending in _ changes its first tensor and
 *            returns nothing but success.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct tensor tensor;
typedef struct scope scope;
typedef struct jit_module jit_module;   /* a TorchScript module */
typedef struct dims { int n; int64_t d[5]; } dims;                           /* n 0..5 */
typedef struct conv_opts { int stride, pad, dilation, groups; bool same; } conv_opts; /* 0: 1, 0, 1, 1 */
/* same: each side is padded by half of what the filter, of odd sides, overlaps: at stride 1 the size stays. pad is not asked. */
typedef struct pool_opts { int size, stride, pad; bool ceil; } pool_opts;    /* stride 0: size */
enum dtype { T_F32, T_F16, T_BF16, T_U8, T_I64, T_F64, T_BOOL };
enum { T_CPU = -1 };                         /* device: CPU, or a GPU's index */
enum scope_flag {
	SCOPE_TRAIN = 1 << 0,         /* batch norm learns its statistics, dropout drops */
	SCOPE_NO_GRAD = 1 << 1,       /* nothing is recorded for t_backward */
	SCOPE_BF16 = 1 << 2,          /* convolutions and products in bfloat16 (autocast); what follows them
	                                 too, but for what rounding harms (marked F32). Parameters are
	                                 converted once while such a scope stays open: open one a step,
	                                 or one for a whole run of inference */
	SCOPE_CHANNELS_LAST = 1 << 3, /* convolutions work on N,H,W,C in memory; shapes stay N,C,H,W */
};
enum scope_err { SCOPE_OK, SCOPE_FAILED, SCOPE_NO_MEMORY };
enum init { INIT_ZERO, INIT_ONE, INIT_KAIMING /* He et al. 2015: normal, fan out, gain of ReLU */,
	    INIT_KAIMING_UNIFORM /* fan in */, INIT_LINEAR /* uniform, +-1/sqrt(fan in) */,
	    INIT_NORMAL_001 /* normal, standard deviation 0.01 */, INIT_NORMAL_002 /* the same, 0.02 */,
	    INIT_GLOROT /* Glorot & Bengio 2010: uniform, +-sqrt(6/(fan in + fan out)) */ };
/* Fans need a shape of two dimensions or more: an error otherwise (a bias has none of its own). */

#define DIMS(...) ((dims){ (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / 8), { __VA_ARGS__ } })
#define LIST(...) (tensor *[]){ __VA_ARGS__ }, \
	(int)(sizeof((tensor *[]){ __VA_ARGS__ }) / sizeof(tensor *))
#define SCOPE(s, parent, flags) \
	scope *s __attribute__((cleanup(scope_closep))) = scope_open(parent, flags)

/* The machine. All may be called before any scope; none fails. */
const char *tensor_version(void);               /* "2.6.0" */
void tensor_threads(int n);                     /* threads of one operation; before any other call */
int tensor_gpus(const char **why_opt);          /* 0 where there is none that works; why: NULL, or one line
						   where this libtorch is made for GPUs */
bool tensor_bf16_fast(int device);              /* it multiplies in bfloat16: a CPU with AMX or AVX512_BF16,
						   a GPU from compute capability 8.0 on */
bool tensor_onednn(void);                       /* oneDNN computes on the CPU; without it all is slower: libtorch has none, or it
						   is one that would compute wrongly on this processor */
bool tensor_gpu_memory(int device, uint64_t *available, uint64_t *all); /* bytes; false: of a CPU, or not known */
bool tensor_gpu_bus(int device, char *id, int size); /* "0000:3B:00.0", where it is in the machine; size >= 13 */
/* Host memory that a GPU reads on its own, while work goes on: what t_from takes of it must stay as it is until something
   that follows has been read (t_item, t_read). False: there is no GPU, or the system refuses, and copies take longer. What
   is pinned is unpinned before it is freed. */
bool tensor_pin(void *host, size_t size);
void tensor_unpin(void *host);
void tensor_seed(uint64_t seed);                /* for dropout and scope_param, on all devices */

/* Scopes. A child has its parent's flags and its own. A root scope has no parent; model parameters
   live in a root scope of their own. Closing one with open children is a bug: it aborts. */
scope *scope_open(scope *parent_opt, unsigned flags);
void scope_close(scope *s);                     /* NULL is fine */
static inline void scope_closep(scope **s) { scope_close(*s); }
enum scope_err scope_error(const scope *s, const char **msg_opt); /* msg lives as long as the scope */
void scope_fail(scope *s, const char *message); /* an error of the caller's own */
void scope_hand_error(scope *from, scope *to);  /* from's own becomes to's, and is forgotten */
void scope_forgive(scope *s);                   /* forget the error, e.g. to retry smaller */
tensor *scope_keep(scope *dst, const tensor *t);/* the same values, living as long as dst */
void scope_drop(scope *s, tensor *t);           /* t, of s and unnamed, ends now: its memory can be used again */

/* Parameters: tensors with a name (as in a checkpoint) in a model's scope. A parameter requires
   gradients, a buffer does not. A name that stands already is an error. Both start on `device` given
   to scope_device, CPU at first. */
void scope_device(scope *model, int device);
tensor *scope_param(scope *model, const char *name, dims shape, enum init how);
tensor *scope_buffer(scope *model, const char *name, dims shape, double value);
tensor *scope_bytes(scope *model, const char *name, const void *bytes, size_t size); /* a buffer of T_U8, a copy */
size_t scope_count(const scope *model);         /* parameters and buffers, in order of creation */
tensor *scope_at(const scope *model, size_t i, const char **name, bool *trained);
/* A frozen parameter gets no gradient, and is none the less one; batch norm by a frozen weight keeps its statistics and
   uses them, also where the scope trains. */
void scope_freeze(tensor *param, bool frozen);
tensor *scope_find(const scope *model, const char *name); /* NULL where there is none; no error */

/* What others exported, from the bytes of a file; an error of the scope where it is none, or wants an operation that
   this libtorch has not.
   script_open: a module that torch.jit.save wrote, computing in float32 on the device of `model`, where its parameters
   and buffers get their places under their own names (whole numbers stay as they are in the module alone). Close it
   before the scope. A fault of its own while it runs is one of the scope that it runs in.
   scope_unpickle: buffers, on the CPU: of such a module all tensors; or those of a dict {name: tensor} that torch.save
   wrote (no OrderedDict: libtorch reads none), alone or as "state_dict" or "model" of another; other whole numbers
   than bytes become T_I64. */
jit_module *script_open(scope *model, const void *bytes, size_t size);
void script_close(jit_module *m);               /* NULL is fine */
bool scope_unpickle(scope *model, const void *bytes, size_t size);

/* In and out. Host memory is only ever copied, before t_from returns unless it is pinned. */
tensor *t_from(scope *s, const void *host, dims shape, enum dtype type, int device);
tensor *t_leaf(scope *s, const void *host, dims shape, enum dtype type, int device); /* and gradients reach it */
tensor *t_to(scope *s, const tensor *x, enum dtype type, int device);
bool t_read(scope *s, const tensor *x, void *host, size_t size);  /* x's type; size must match */
bool t_write_(scope *s, tensor *x, const void *host, size_t size);/* host to x, of x's type, no gradient */
double t_item(scope *s, const tensor *x);       /* of one element */
int64_t t_size(const tensor *x, int dim);       /* dim < 0 counts from the end; -1 where x is NULL */
dims t_dims(const tensor *x);
enum dtype t_type(const tensor *x);

/* Layers. x is N,C,H,W; batch_norm and dropout ask the scope whether it trains. */
tensor *t_conv2d(scope *s, const tensor *x, const tensor *w, const tensor *b_opt, conv_opts o);
tensor *t_batch_norm(scope *s, const tensor *x, const tensor *w, const tensor *b, /* (C) each */
		     tensor *mean, tensor *var, double eps); /* momentum 0.1, as torchvision. One value a channel has
		     no variance: it is as when the scope does not train */
tensor *t_layer_norm(scope *s, const tensor *x, const tensor *w, const tensor *b, double eps); /* Ba et al. 2016: over the
		     last dimension; w, b of its length. F32 */
tensor *t_linear(scope *s, const tensor *x, const tensor *w, const tensor *b_opt); /* w (out, in) */
tensor *t_max_pool2d(scope *s, const tensor *x, pool_opts o);
tensor *t_avg_pool2d(scope *s, const tensor *x, pool_opts o);   /* padding counts, as zeros */
tensor *t_mean_hw(scope *s, const tensor *x);   /* N,C,H,W to N,C */
tensor *t_upsample2d(scope *s, const tensor *x, int64_t h, int64_t w); /* or down; bilinear, corners not aligned */
tensor *t_cubic2d(scope *s, const tensor *x, int64_t h, int64_t w);    /* bicubic (Keys 1981, a = -0.75), corners not aligned */
tensor *t_adaptive_pool2d(scope *s, const tensor *x, int64_t h, int64_t w); /* means; output i of n is of the inputs from
		     floor(i H / n) to ceil((i + 1) H / n) */
tensor *t_dropout(scope *s, const tensor *x, double p);        /* 0 <= p < 1, taken to the nearest 1/256; 0: none */
tensor *t_stochastic_depth(scope *s, const tensor *x, double p); /* Huang et al. 2016: where the scope trains, each
		     sample (of the first dimension) is 0 by chance p, else divided by 1 - p */

/* Convolutions of a network that only answers, without gradients: a batch norm that follows folded into the weights (in
   F32), weights laid out once, and an activation in the same pass; by oneDNN's own operators on a CPU where this libtorch has
   them (2.0 and later).
   conv_pack: to buffers of these names in `packed`, a scope with the modes that they will be used with; x: the shape that
   is expected most. norm_opt: of the channels that come out, as t_batch_norm has them. */
enum act { ACT_NONE, ACT_RELU, ACT_SILU };
struct norm { const tensor *w, *b, *mean, *var; double eps; };
bool conv_pack(scope *packed, const char *w_name, const tensor *w, const char *b_name, const tensor *b_opt,
	       const struct norm *norm_opt, dims x, conv_opts o);
/* add_opt, of the shape of what comes out: added to it before the activation. */
tensor *t_conv2d_packed(scope *s, const tensor *x, const tensor *w, const tensor *b, conv_opts o, const tensor *add_opt, enum act act);

/* x through the module, which learns or not as the scope does; of several tensors that it gives, the first. */
tensor *t_script(scope *s, jit_module *m, const tensor *x);

/* Element by element; two tensors broadcast as in NumPy. */
tensor *t_relu(scope *s, const tensor *x);
tensor *t_elu(scope *s, const tensor *x);       /* alpha 1 */
tensor *t_gelu(scope *s, const tensor *x);      /* exact, by erf */
tensor *t_silu(scope *s, const tensor *x);
tensor *t_sigmoid(scope *s, const tensor *x);
tensor *t_tanh(scope *s, const tensor *x);
tensor *t_exp(scope *s, const tensor *x);       /* F32, of a 16-bit x too (F64 stays) */
tensor *t_log(scope *s, const tensor *x);       /* F32 */
tensor *t_add(scope *s, const tensor *a, const tensor *b);
tensor *t_sub(scope *s, const tensor *a, const tensor *b);
tensor *t_mul(scope *s, const tensor *a, const tensor *b);
tensor *t_div(scope *s, const tensor *a, const tensor *b);
tensor *t_affine(scope *s, const tensor *x, double scale, double shift); /* scale * x + shift */
tensor *t_clamp(scope *s, const tensor *x, double low, double high);
tensor *t_round(scope *s, const tensor *x);     /* halves to the even number */

/* Shape */
tensor *t_reshape(scope *s, const tensor *x, dims shape);       /* one of them may be -1 */
tensor *t_permute(scope *s, const tensor *x, dims order);
tensor *t_cat(scope *s, int dim, tensor *const *list, int n);
tensor *t_narrow(scope *s, const tensor *x, int dim, int64_t start, int64_t length);
tensor *t_index(scope *s, const tensor *x, int dim, const tensor *indices); /* indices T_I64 (n) */
/* x N,C,H,W sampled at grid N,h,w,2 of (x, y) in -1..1, corners not aligned, bilinear; reflected
   at the border. F32 */
tensor *t_grid_sample(scope *s, const tensor *x, const tensor *grid);
tensor *t_affine_grid(scope *s, const tensor *theta, dims size);/* theta N,2,3; size N,C,h,w */
/* Normal noise, F32 (N, n), of mean 0 and s.d. 1: a pure function of a row's seed and the place in it, the same on any
   device up to rounding. seeds T_I64 (N), of which 31 bits count; n is even. Two hashes (the finaliser of Appleby's
   MurmurHash3, 2011) of seed + place make two numbers (Box & Muller 1958). */
tensor *t_noise(scope *s, const tensor *seeds, int64_t n);

/* Sums and products */
tensor *t_sum(scope *s, const tensor *x, int dim, bool keep);
tensor *t_mean_all(scope *s, const tensor *x);                  /* F32 */
tensor *t_softmax(scope *s, const tensor *x, int dim);          /* F32 */
tensor *t_log_softmax(scope *s, const tensor *x, int dim);      /* F32 */
tensor *t_matmul(scope *s, const tensor *a, const tensor *b);   /* batched, as torch.matmul */
/* Mean over N of the cross entropy; x logits (N, C), y class shares (N, C) that sum to 1, or those times weights of
   the classes. F32 */
tensor *t_cross_entropy(scope *s, const tensor *x, const tensor *y);
/* Mean of binary cross entropy; x logits, y in 0..1, of one shape. F32 */
tensor *t_bce_logits(scope *s, const tensor *x, const tensor *y);

/* Differentiation. t_grad is NULL where nothing flowed. */
bool t_backward(scope *s, const tensor *loss);
tensor *t_grad(scope *s, const tensor *param);
void t_zero_grad(tensor *param);
/* (): Euclidean, of the gradients of scope_at's from..from+n. F32 */
tensor *t_grad_norm(scope *s, const scope *model, size_t from, size_t n);
bool t_grad_scale_(scope *s, const scope *model, size_t from, size_t n, double factor);

/* In place, outside differentiation: for optimisers and averages. */
bool t_scale_(scope *s, tensor *y, double a);                           /* y *= a */
bool t_axpy_(scope *s, tensor *y, double a, const tensor *x);           /* y += a x */
bool t_lerp_(scope *s, tensor *y, double a, const tensor *x);           /* y += a (x - y) */
bool t_copy_(scope *s, tensor *y, const tensor *x);
bool t_index_copy_(scope *s, tensor *y, int dim, const tensor *indices, const tensor *x); /* y's at indices, T_I64, = x's */
/* One step of Adam (Kingma & Ba 2015) for n parameters, decoupled decay as AdamW (Loshchilov & Hutter 2019) where
   decay is not 0: p *= 1 - lr decay; then p -= lr m^ / (sqrt(v^) + eps), with m^, v^ bias-corrected
   for step >= 1. grad, m, v like p. */
bool t_adam_(scope *s, int n, tensor *const *p, tensor *const *grad, tensor *const *m, tensor *const *v, double lr, double beta1,
	     double beta2, double eps, double decay, int64_t step);

#ifdef __cplusplus
}
#endif
