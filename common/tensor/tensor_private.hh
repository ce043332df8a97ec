/*
 * tensor_private.hh - what the files of the shim share: how tensors and scopes are kept, how exceptions become
 * errors, and the two kinds of operation. For this folder alone.
 *
 * Each operation is one expression given to op() or act(), which check the arguments, set the scope's
 * modes for just that call (so that no error leaves any behind) and turn exceptions into its error.
 */
#pragma once
#include "common/tensor/tensor.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/version.h>

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

/* c10's own up to 2.1 */
#if TORCH_VERSION_MAJOR < 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR < 2)
using c10::optional;
#else
using std::optional;
#endif

struct tensor {
	at::Tensor v;
	scope *owner;
	tensor *prev, *next;    /* of the same scope, newest first */
	std::string name;       /* of a parameter or buffer; else "" */
	bool trained, frozen;   /* frozen: trained, but not now */
};

struct scope {
	scope *parent;
	unsigned flags;
	int device;
	int children;           /* open */
	int failed_below;       /* open descendants with an error of their own */
	tensor *newest;
	enum scope_err err;
	char message[512];
	std::vector<tensor *> named;
	std::unordered_map<std::string, tensor *> by_name;
};

/* ---- Errors ---- */

struct arg { const char *name; const tensor *t; bool optional = false; };
typedef std::initializer_list<arg> args;

inline const scope *failed(const scope *s)
{
	while (s && s->err == SCOPE_OK)
		s = s->parent;
	return s;
}

inline void set_error(scope *s, enum scope_err err, const char *message)
{
	if (failed(s))
		return;
	s->err = err;
	snprintf(s->message, sizeof s->message, "%.*s", (int)strcspn(message, "\n"), message);
	for (scope *p = s->parent; p; p = p->parent)
		p->failed_below++;
}

/* Appends what printf would, as far as it fits. */
__attribute__((format(printf, 3, 4))) inline void put(char *text, size_t size, const char *format, ...)
{
	const size_t at = strlen(text);
	va_list list;
	va_start(list, format);
	vsnprintf(text + at, size - at, format, list);
	va_end(list);
}

inline void put_shape(char *text, size_t size, at::IntArrayRef shape)
{
	put(text, size, "(");
	for (size_t i = 0; i < shape.size(); i++)
		put(text, size, i ? ",%lld" : "%lld", (long long)shape[i]);
	put(text, size, ")");
}

/* What libtorch says, as one line: of a module's error, whose trace comes first, that at its end. */
inline enum scope_err put_reason(char *text, size_t size, const char *what, bool no_memory)
{
	static const char tried[] = "you tried to allocate ", error[] = "RuntimeError: ";
	for (const char *last; (last = strstr(what, error)); )
		what = last + strlen(error);
	what += strspn(what, " \n");
	const char *asked = strstr(what, tried);
	/* the last one is what is left of it where cuDNN's plans of a convolution find no room for their work */
	for (const char *sign : { "can't allocate memory", "out of memory", "ALLOC_FAILED", "ALLOCATION_FAILED", "STATUS_NOT_INITIALIZED", "unable to find an engine" })
		no_memory = no_memory || strstr(what, sign);
	if (no_memory && asked)
		put(text, size, "out of memory at %lld bytes", strtoll(asked + strlen(tried), nullptr, 10));
	else
		put(text, size, "%.*s", (int)strcspn(what, "\n"), what);
	return no_memory ? SCOPE_NO_MEMORY : SCOPE_FAILED;
}

/* To be called while an exception is handled: makes it the error of s. */
inline void caught(scope *s, const char *op, args in) noexcept
{
	char text[sizeof s->message] = "";
	enum scope_err err = SCOPE_FAILED;
	int left = 0, shown = 0;
	put(text, sizeof text, "%s: ", op);
	for (const arg &a : in)
		left += a.t != nullptr;
	for (const arg &a : in)
		if (a.t) {
			put(text, sizeof text, "%s%s ", !shown ? "" : left == 1 ? " and " : ", ", a.name);
			put_shape(text, sizeof text, a.t->v.sizes());
			shown++, left--;
		}
	put(text, sizeof text, "%s", shown ? ": " : "");
	try {
		throw;
	} catch (const c10::Error &e) {
		err = put_reason(text, sizeof text, e.what_without_backtrace(), dynamic_cast<const c10::OutOfMemoryError *>(&e));
	} catch (const std::bad_alloc &) {
		err = SCOPE_NO_MEMORY;
		put(text, sizeof text, "out of memory");
	} catch (const std::exception &e) {
		err = put_reason(text, sizeof text, e.what(), false);
	} catch (...) {
		put(text, sizeof text, "unknown exception");
	}
	set_error(s, err, text);
}

/* Whether an operation can run. What is NULL because a scope below failed, whose error will come up when
   that scope closes, is no error of its own. */
inline bool ready(scope *s, const char *op, args in)
{
	if (!s || failed(s))
		return false;
	for (const arg &a : in)
		if (!a.t && !a.optional) {
			char text[160] = "";
			put(text, sizeof text, "%s: %s is NULL", op, a.name);
			if (!s->failed_below)
				set_error(s, SCOPE_FAILED, text);
			return false;
		}
	return true;
}

/* ---- Modes ---- */

/* Autocast keeps bfloat16 copies of parameters until the outermost scope of that mode closes or something
   changes in place. A copy made without gradients must not serve where they are wanted. */
inline thread_local int bf16_scopes;
inline thread_local bool bf16_copies_grad;

inline void autocast(bool on)
{
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
	for (at::DeviceType d : { at::kCPU, at::kCUDA }) {
		at::autocast::set_autocast_enabled(d, on);
		at::autocast::set_autocast_dtype(d, at::kBFloat16);
	}
#else
	at::autocast::set_cpu_enabled(on);
	at::autocast::set_enabled(on);
	at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
	at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
#endif
}

struct mode {
	at::AutoGradMode grad;
	const bool bf16;
	mode(bool wants_grad, bool wants_bf16) : grad(wants_grad), bf16(wants_bf16)
	{
		if (!bf16)
			return;
		if (bf16_copies_grad != wants_grad)
			at::autocast::clear_cache();
		bf16_copies_grad = wants_grad;
		autocast(true);
	}
	~mode() { if (bf16) autocast(false); }
};

/* ---- The two kinds of operation ---- */

inline tensor *own(scope *s, at::Tensor v)
{
	tensor *t = new tensor { std::move(v), s, nullptr, s->newest, {}, false, false };
	if (s->newest)
		s->newest->prev = t;
	return s->newest = t;
}

/* op: a new tensor of s, differentiable, in the scope's modes */
template <class F> tensor *op(scope *s, const char *name, args in, F f)
{
	if (!ready(s, name, in))
		return nullptr;
	try {
		mode m(!(s->flags & SCOPE_NO_GRAD), s->flags & SCOPE_BF16);
		return own(s, f());
	} catch (...) {
		caught(s, name, in);
		return nullptr;
	}
}

/* act: something is done, outside differentiation */
template <class F> bool act(scope *s, const char *name, args in, F f)
{
	if (!ready(s, name, in))
		return false;
	try {
		mode m(false, false);
		f();
		return true;
	} catch (...) {
		caught(s, name, in);
		return false;
	}
}

#define IN1(a) { { #a, a } }
#define IN2(a, b) { { #a, a }, { #b, b } }
#define IN2B(a, b, c) { { #a, a }, { #b, b }, { #c, c, true } }
#define IN3(a, b, c) { { #a, a }, { #b, b }, { #c, c } }
#define IN5(a, b, c, d, e) { { #a, a }, { #b, b }, { #c, c }, { #d, d }, { #e, e } }
/* A function that is one expression: OP1 of one tensor and whatever else, OP2 of two; DO acts */
#define OP(name, in, expression, ...) tensor *t_##name(scope *s, __VA_ARGS__) \
	{ return op(s, #name, in, [&] { return expression; }); }
#define OP1(name, expression, ...) OP(name, IN1(x), expression, const tensor *x, ##__VA_ARGS__)
#define OP2(name, a, b, expression) OP(name, IN2(a, b), expression, const tensor *a, const tensor *b)
#define DO(name, in, expression, ...) bool t_##name(scope *s, __VA_ARGS__) \
	{ return act(s, #name, in, [&] { expression; }); }

inline const at::ScalarType scalar_types[] = { at::kFloat, at::kHalf, at::kBFloat16, at::kByte, at::kLong, at::kDouble, at::kBool };

inline at::ScalarType scalar_type(enum dtype t)
{
	TORCH_CHECK((unsigned)t < sizeof scalar_types / sizeof *scalar_types, "no such type: ", (int)t);
	return scalar_types[t];
}

inline at::IntArrayRef shape(const dims &d)
{
	TORCH_CHECK(d.n >= 0 && d.n <= 5, "0 to 5 dimensions, not ", d.n);
	return at::IntArrayRef(d.d, (size_t)d.n);
}

inline at::Device device_of(int device)
{
	if (device == T_CPU)
		return at::Device(at::kCPU);
	TORCH_CHECK(device >= 0 && device < tensor_gpus(NULL), "no GPU ", device, " here (GPUs: ", tensor_gpus(NULL), ")");
	return at::Device(at::kCUDA, (c10::DeviceIndex)device);
}

inline at::Tensor host_view(const void *host, at::IntArrayRef sizes, at::ScalarType type)
{
	TORCH_CHECK(host, "host is NULL");
	return at::from_blob(const_cast<void *>(host), sizes, at::TensorOptions(type));
}

inline void same_shape(const tensor *a, const tensor *b)
{
	TORCH_CHECK(a->v.sizes() == b->v.sizes(), "the shapes differ");
}

/* What is sensitive to rounding is done in float32, whatever a bf16 scope's products gave. */
inline at::Tensor wide(const tensor *x)
{
	const at::ScalarType type = x->v.scalar_type();
	return type == at::kBFloat16 || type == at::kHalf ? x->v.to(at::kFloat) : x->v;
}

/* As the scope has convolutions work: cuDNN takes channels last as soon as one of its tensors is laid out so. */
inline at::Tensor in_layout(const scope *s, const at::Tensor &v)
{
	const auto format = s->flags & SCOPE_CHANNELS_LAST ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
	return v.dim() == 4 && !v.is_mkldnn() ? v.contiguous(format) : v;
}

inline at::Tensor opt(const tensor *t) { return t ? t->v : at::Tensor(); }

/* To be called after a change in place. */
inline void changed(void)
{
	if (bf16_scopes)
		at::autocast::clear_cache();
}

inline at::IntArrayRef shown(const dims &d) { return d.n < 0 || d.n > 5 ? at::IntArrayRef() : at::IntArrayRef(d.d, (size_t)d.n); }

/* A parameter or buffer of a model: what f gives, on the model's device. */
template <class F> tensor *scope_named(scope *model, const char *kind, const char *name, const dims &d, bool trained, F f)
{
	char label[256] = "";
	tensor *t = nullptr;
	put(label, 160, "%s '%s' ", kind, name ? name : "");
	put_shape(label, sizeof label, shown(d));
	const bool made = act(model, label, {}, [&] {
		TORCH_CHECK(name && *name, "no name");
		TORCH_CHECK(!model->by_name.count(name), "the name stands already");
		const at::Tensor v = in_layout(model, f()).to(device_of(model->device)).set_requires_grad(trained);
		std::string copy = name;
		model->named.reserve(model->named.size() + 1);
		t = own(model, v);
		model->by_name.emplace(copy, t);
		model->named.push_back(t);
		t->name = std::move(copy);
		t->trained = trained;
	});
	return made ? t : nullptr;
}
