/*
 * tensor.cc - libtorch behind tensor.h. The folder has the only C++ of the project, and no place for anything but
 * calls of libtorch: what can be said in C by these calls is said there.
 */
#include "common/tensor/tensor_private.hh"
#include <ATen/core/dispatch/Dispatcher.h>

/* ---- Scopes ---- */

scope *scope_open(scope *parent, unsigned flags)
{
	scope *s = new (std::nothrow) scope {};
	if (!s)
		return nullptr;
	tensor_onednn(); /* before anything is computed */
	s->parent = parent;
	s->flags = flags | (parent ? parent->flags : 0);
	s->device = parent ? parent->device : (int)T_CPU;
	if (parent)
		parent->children++;
	bf16_scopes += !!(s->flags & SCOPE_BF16);
	return s;
}

void scope_close(scope *s)
{
	if (!s)
		return;
	if (s->children) {
		fprintf(stderr, "scope_close: %d scopes inside this one are still open\n", s->children);
		abort();
	}
	for (tensor *t = s->newest, *next; t; t = next) {
		next = t->next;
		delete t;
	}
	if (s->flags & SCOPE_BF16 && !--bf16_scopes)
		at::autocast::clear_cache();
	if (s->parent) {
		scope_hand_error(s, s->parent);
		s->parent->children--;
	}
	delete s;
}

enum scope_err scope_error(const scope *s, const char **msg)
{
	const scope *f = failed(s);
	if (msg)
		*msg = !s ? "no scope: out of memory" : f ? f->message : "";
	return !s ? SCOPE_NO_MEMORY : f ? f->err : SCOPE_OK;
}

void scope_fail(scope *s, const char *message)
{
	if (s)
		set_error(s, SCOPE_FAILED, message ? message : "unknown error");
}

void scope_hand_error(scope *from, scope *to)
{
	if (!from || from->err == SCOPE_OK)
		return;
	if (to)
		set_error(to, from->err, from->message);
	scope_forgive(from);
}

void scope_forgive(scope *s)
{
	if (!s || s->err == SCOPE_OK)
		return;
	s->err = SCOPE_OK;
	for (scope *p = s->parent; p; p = p->parent)
		p->failed_below--;
}

tensor *scope_keep(scope *dst, const tensor *t)
{
	return op(dst, "keep", IN1(t), [&] { return dst->flags & SCOPE_NO_GRAD ? t->v.detach() : t->v; });
}

void scope_drop(scope *s, tensor *t)
{
	if (!s || (!t && !ready(s, "drop", IN1(t))))
		return;
	if (t->owner != s || !t->name.empty()) {
		set_error(s, SCOPE_FAILED, t->owner != s ? "drop: t is of another scope" : "drop: t is a parameter or buffer");
		return;
	}
	(t->prev ? t->prev->next : s->newest) = t->next;
	if (t->next)
		t->next->prev = t->prev;
	delete t;
}

/* ---- Parameters ---- */

void scope_device(scope *model, int device)
{
	if (model)
		model->device = device;
}

/* Values come from the CPU's generator on every device, so that a seed means the same network. */
static at::Tensor initial(const dims &d, enum init how)
{
	const at::IntArrayRef size = shape(d);
	if (how == INIT_ZERO || how == INIT_ONE)
		return at::full(size, how == INIT_ONE, at::kFloat);
	at::Tensor v = at::empty(size, at::kFloat);
	const at::Generator random = at::detail::getDefaultCPUGenerator();
	if (how == INIT_NORMAL_001)
		return v.normal_(0, 0.01, random);
	if (how == INIT_NORMAL_002)
		return v.normal_(0, 0.02, random);
	TORCH_CHECK(d.n >= 2, "fans need two dimensions");
	double field = 1;
	for (int i = 2; i < d.n; i++)
		field *= (double)d.d[i];
	const double out = (double)d.d[0] * field, in = (double)d.d[1] * field;
	if (how == INIT_KAIMING)
		return v.normal_(0, std::sqrt(2 / out), random);
	const double bound = std::sqrt(how == INIT_GLOROT ? 6 / (in + out) : (how == INIT_KAIMING_UNIFORM ? 6 : 1) / in);
	return v.uniform_(-bound, bound, random);
}

tensor *scope_param(scope *model, const char *name, dims d, enum init how)
{
	return scope_named(model, "param", name, d, true, [&] { return initial(d, how); });
}

tensor *scope_buffer(scope *model, const char *name, dims d, double value)
{
	return scope_named(model, "buffer", name, d, false, [&] { return at::full(shape(d), value, at::kFloat); });
}

tensor *scope_bytes(scope *model, const char *name, const void *bytes, size_t size)
{
	return scope_named(model, "bytes", name, DIMS((int64_t)size), false,
			   [&] { return host_view(bytes, { (int64_t)size }, at::kByte).clone(); });
}

size_t scope_count(const scope *model) { return model ? model->named.size() : 0; }

tensor *scope_at(const scope *model, size_t i, const char **name, bool *trained)
{
	if (i >= scope_count(model))
		return nullptr;
	tensor *t = model->named[i];
	if (name)
		*name = t->name.c_str();
	if (trained)
		*trained = t->trained;
	return t;
}

void scope_freeze(tensor *param, bool frozen)
{
	if (!param || !param->trained)
		return;
	param->frozen = frozen;
	param->v.set_requires_grad(!frozen);
	if (frozen)
		t_zero_grad(param);
}

tensor *scope_find(const scope *model, const char *name)
{
	if (!model || !name)
		return nullptr;
	try {
		const auto i = model->by_name.find(name);
		return i == model->by_name.end() ? nullptr : i->second;
	} catch (...) { /* no memory for the key */
		return nullptr;
	}
}

/* ---- In and out ---- */

static tensor *from(scope *s, const char *name, const void *host, const dims &d, enum dtype type, int device, bool leaf)
{
	char label[160] = "";
	put(label, sizeof label, "%s ", name);
	put_shape(label, sizeof label, shown(d));
	return op(s, label, {}, [&] {
		const at::ScalarType t = scalar_type(type);
		TORCH_CHECK(!leaf || at::isFloatingType(t), "only floating point has gradients");
		/* not waited for: of memory that is not pinned CUDA takes a copy first */
		return host_view(host, shape(d), t).to(device_of(device), t, device != T_CPU, true).set_requires_grad(leaf);
	});
}

tensor *t_from(scope *s, const void *host, dims d, enum dtype type, int device)
{
	return from(s, "from", host, d, type, device, false);
}

tensor *t_leaf(scope *s, const void *host, dims d, enum dtype type, int device)
{
	return from(s, "leaf", host, d, type, device, true);
}

OP1(to, x->v.to(device_of(device), scalar_type(type)), enum dtype type, int device)

bool t_read(scope *s, const tensor *x, void *host, size_t size)
{
	return act(s, "read", IN1(x), [&] {
		TORCH_CHECK(x->v.nbytes() == size, x->v.nbytes(), " bytes, not ", size);
		host_view(host, x->v.sizes(), x->v.scalar_type()).copy_(x->v.detach());
	});
}

bool t_write_(scope *s, tensor *x, const void *host, size_t size)
{
	return act(s, "write_", IN1(x), [&] {
		TORCH_CHECK(x->v.nbytes() == size, x->v.nbytes(), " bytes, not ", size);
		x->v.copy_(host_view(host, x->v.sizes(), x->v.scalar_type())), changed();
	});
}

double t_item(scope *s, const tensor *x)
{
	double value = 0;
	act(s, "item", IN1(x), [&] {
		TORCH_CHECK(x->v.numel() == 1, "not one element");
		value = x->v.item().toDouble();
	});
	return value;
}

int64_t t_size(const tensor *x, int dim)
{
	const int64_t n = x ? x->v.dim() : 0, i = dim < 0 ? dim + n : dim;
	return i >= 0 && i < n ? x->v.sizes()[(size_t)i] : -1;
}

dims t_dims(const tensor *x)
{
	dims d = {};
	for (int64_t n = x ? x->v.dim() : 0; d.n < n && d.n < 5; d.n++)
		d.d[d.n] = x->v.sizes()[(size_t)d.n];
	return d;
}

enum dtype t_type(const tensor *x)
{
	int i = 0;
	while (x && i < (int)T_BOOL && scalar_types[i] != x->v.scalar_type())
		i++;
	return (enum dtype)i;
}

/* ---- Layers ---- */

struct geometry { int64_t stride[2], pad[2], dilation[2], groups; };

static geometry geometry_of(const tensor *w, const conv_opts &o)
{
	const int64_t stride = o.stride ? o.stride : 1, dilation = o.dilation ? o.dilation : 1;
	TORCH_CHECK(!o.same || (w->v.dim() == 4 && w->v.size(2) % 2 && w->v.size(3) % 2), "w is not O,C,h,w with odd sides");
	const int64_t up = o.same ? dilation * (w->v.size(2) - 1) / 2 : o.pad;
	const int64_t left = o.same ? dilation * (w->v.size(3) - 1) / 2 : o.pad;
	return { { stride, stride }, { up, left }, { dilation, dilation }, o.groups ? o.groups : 1 };
}

tensor *t_conv2d(scope *s, const tensor *x, const tensor *w, const tensor *b, conv_opts o)
{
	return op(s, "conv2d", IN2B(x, w, b), [&] {
		const geometry g = geometry_of(w, o);
		return at::conv2d(in_layout(s, x->v), in_layout(s, w->v), opt(b), g.stride, g.pad, g.dilation, g.groups);
	});
}

/* ---- Convolutions that only answer ---- */

static optional<c10::OperatorHandle> fused_conv(const char *overload)
{
	return c10::Dispatcher::singleton().findSchema({ "mkldnn::_convolution_pointwise", overload });
}

static bool fuses(const at::Tensor &w)
{
	static const bool there = TORCH_VERSION_MAJOR >= 2 && tensor_onednn() && fused_conv("") && fused_conv("binary");
	return w.is_cpu() && there;
}

static at::ScalarType product_type(const scope *s) { return s->flags & SCOPE_BF16 ? at::kBFloat16 : at::kFloat; }

static at::Tensor laid_out(const scope *s, const at::Tensor &w, const geometry &g, [[maybe_unused]] const dims &x)
{
	const at::Tensor cast = w.to(product_type(s));
	if (!fuses(w))
		return in_layout(s, cast);
	return at::mkldnn_reorder_conv2d_weight(cast.contiguous().to_mkldnn(), g.pad, g.stride, g.dilation, g.groups
#if TORCH_VERSION_MAJOR >= 2
						, at::IntArrayRef(x.d, (size_t)x.n)
#endif
						);
}

bool conv_pack(scope *packed, const char *w_name, const tensor *w, const char *b_name, const tensor *b, const struct norm *norm, dims x,
	       conv_opts o)
{
	at::Tensor weight, bias;
	const bool ok = act(packed, "conv_pack", IN1(w), [&] {
		weight = w->v.detach();
		bias = b ? b->v.detach() : at::zeros({ weight.size(0) }, weight.options());
		if (norm) {
			const at::Tensor by = norm->w->v.detach() / at::sqrt(norm->var->v + norm->eps);
			weight = weight * by.reshape({ -1, 1, 1, 1 });
			bias = (bias - norm->mean->v) * by + norm->b->v.detach();
		}
		weight = laid_out(packed, weight, geometry_of(w, o), x);
		bias = bias.to(product_type(packed));
	});
	return ok && scope_named(packed, "packed", w_name, t_dims(w), false, [&] { return weight; }) &&
	       scope_named(packed, "packed", b_name, dims { 1, { bias.size(0) } }, false, [&] { return bias; });
}

static at::Tensor activated(at::Tensor y, enum act act)
{
	return act == ACT_RELU ? at::relu_(y) : act == ACT_SILU ? at::silu_(y) : y;
}

tensor *t_conv2d_packed(scope *s, const tensor *x, const tensor *w, const tensor *b, conv_opts o, const tensor *add, enum act act)
{
	static const char *const names[] = { "none", "relu", "swish" };
	return op(s, "conv2d_packed", { { "x", x }, { "w", w }, { "b", b }, { "add", add, true } }, [&] {
		const geometry g = geometry_of(w, o);
		const at::Tensor in = in_layout(s, x->v.to(product_type(s)));
		if (!w->v.is_mkldnn()) {
			const at::Tensor y = at::conv2d(in, w->v, b->v, g.stride, g.pad, g.dilation, g.groups);
			return activated(add ? y + add->v : y, act);
		}
		static const c10::OperatorHandle alone = *fused_conv(""), binary = *fused_conv("binary");
		const at::IntArrayRef pad = g.pad, stride = g.stride, dilation = g.dilation;
		const c10::List<optional<at::Scalar>> no_scalars;
		std::vector<c10::IValue> stack { in, w->v, b->v, pad, stride, dilation, g.groups };
		const at::Tensor other = add ? in_layout(s, add->v.to(product_type(s))) : at::Tensor();
		/* of a sum that is laid out both ways, one pixel or one channel, libtorch 2.6 "could not create a memory" */
		if (add && !(other.is_contiguous() && other.is_contiguous(at::MemoryFormat::ChannelsLast))) {
			stack.insert(stack.begin() + 1, other);
			/* ReLU alone can follow a sum */
			stack.insert(stack.end(), { "add", 1.0, act == ACT_RELU ? c10::IValue("relu") : c10::IValue(), no_scalars, c10::IValue() });
			binary.callBoxed(&stack);
			return act == ACT_RELU ? stack[0].toTensor() : activated(stack[0].toTensor(), act);
		}
		stack.insert(stack.end(), { names[add ? ACT_NONE : act], no_scalars, "" });
		alone.callBoxed(&stack);
		return add ? activated(stack[0].toTensor() + other, act) : stack[0].toTensor();
	});
}

OP(linear, IN2B(x, w, b), at::linear(x->v, w->v, opt(b)), const tensor *x, const tensor *w, const tensor *b)

tensor *t_batch_norm(scope *s, const tensor *x, const tensor *w, const tensor *b, tensor *mean, tensor *var, double eps)
{
	return op(s, "batch_norm", IN5(x, w, b, mean, var), [&] {
		TORCH_CHECK(x->v.dim() >= 2, "x is not N,C,...");
		const bool train = s->flags & SCOPE_TRAIN && !w->frozen && x->v.numel() > x->v.size(1);
		return at::batch_norm(x->v, w->v, b->v, mean->v, var->v, train, 0.1, eps, true);
	});
}

OP(layer_norm, IN3(x, w, b), at::layer_norm(wide(x), { x->v.dim() ? x->v.size(-1) : 1 }, w->v, b->v, eps), const tensor *x,
   const tensor *w, const tensor *b, double eps)

static int64_t stride_of(pool_opts o) { return o.stride ? o.stride : o.size; }

OP1(max_pool2d, at::max_pool2d(x->v, { o.size, o.size }, { stride_of(o), stride_of(o) }, { o.pad, o.pad }, { 1, 1 }, o.ceil),
    pool_opts o)
OP1(avg_pool2d, at::avg_pool2d(x->v, { o.size, o.size }, { stride_of(o), stride_of(o) }, { o.pad, o.pad }, o.ceil, true),
    pool_opts o)
OP1(mean_hw, at::mean(x->v, { 2, 3 }))
OP1(upsample2d, at::upsample_bilinear2d(x->v, { h, w }, false), int64_t h, int64_t w)
OP1(cubic2d, at::upsample_bicubic2d(wide(x), { h, w }, false), int64_t h, int64_t w)
OP1(adaptive_pool2d, at::adaptive_avg_pool2d(x->v, { h, w }), int64_t h, int64_t w)

/* As at::dropout, which draws a number for each element, one after the other; here of each draw of 64 bits eight elements take
   8. So p is a multiple of 1/256, and what is kept is scaled by that. */
tensor *t_dropout(scope *s, const tensor *x, double p)
{
	return op(s, "dropout", IN1(x), [&] {
		TORCH_CHECK(p >= 0 && p < 1, "p is ", p);
		if (!(s->flags & SCOPE_TRAIN) || p == 0)
			return x->v;
		const at::Tensor in = x->v.is_non_overlapping_and_dense() ? x->v : x->v.contiguous();
		const int kept = std::clamp((int)std::lround((1 - p) * 256), 1, 255);
		const at::Tensor draws = at::empty({ in.numel() / 8 + 1 }, in.options().dtype(at::kLong));
		draws.random_(INT64_MIN, optional<int64_t>());
		const at::Tensor mask = draws.view(at::kByte).as_strided(in.sizes(), in.strides()) < kept;
		return in * mask.to(in.scalar_type()).mul_(256.0 / kept);
	});
}

tensor *t_stochastic_depth(scope *s, const tensor *x, double p)
{
	return op(s, "stochastic_depth", IN1(x), [&] {
		TORCH_CHECK(x->v.dim() >= 1 && p >= 0 && p < 1, "p is ", p);
		if (!(s->flags & SCOPE_TRAIN) || p == 0)
			return x->v;
		std::vector<int64_t> size((size_t)x->v.dim(), 1);
		size[0] = x->v.size(0);
		return x->v * at::empty(size, x->v.options()).bernoulli_(1 - p).div_(1 - p);
	});
}

/* ---- Element by element ---- */

OP1(relu, at::relu(x->v))
OP1(elu, at::elu(x->v))
OP1(gelu, at::gelu(x->v))
OP1(silu, at::silu(x->v))
OP1(sigmoid, at::sigmoid(x->v))
OP1(tanh, at::tanh(x->v))
OP1(exp, at::exp(wide(x)))
OP1(log, at::log(wide(x)))
OP1(affine, scale == 1 ? at::add(x->v, shift) : shift == 0 ? at::mul(x->v, scale) : at::mul(x->v, scale).add_(shift),
    double scale, double shift)
OP1(clamp, at::clamp(x->v, low, high), double low, double high)
OP2(add, a, b, at::add(a->v, b->v))
OP2(sub, a, b, at::sub(a->v, b->v))
OP2(mul, a, b, at::mul(a->v, b->v))
OP2(div, a, b, at::div(a->v, b->v))

OP1(round, at::round(x->v))

/* ---- Shape ---- */

OP1(reshape, at::reshape(x->v, shape(d)), dims d)
OP1(permute, at::permute(x->v, shape(order)), dims order)
OP1(narrow, at::narrow(x->v, dim, start, length), int dim, int64_t start, int64_t length)
OP(index, IN2(x, indices), at::index_select(x->v, dim, indices->v), const tensor *x, int dim, const tensor *indices)

tensor *t_cat(scope *s, int dim, tensor *const *list, int n)
{
	for (int i = 0; list && i < n; i++) {
		char name[32] = "";
		put(name, sizeof name, "list[%d]", i);
		if (!ready(s, "cat", { { name, list[i] } }))
			return nullptr;
	}
	return op(s, "cat", {}, [&] {
		TORCH_CHECK(list && n > 0, "the list is empty");
		std::vector<at::Tensor> all;
		for (int i = 0; i < n; i++)
			all.push_back(list[i]->v);
		return at::cat(all, dim);
	});
}

OP2(grid_sample, x, grid, at::grid_sampler(wide(x), wide(grid), 0 /* bilinear */, 2 /* reflection */, false))
OP(affine_grid, IN1(theta), at::affine_grid_generator(wide(theta), shape(size), false), const tensor *theta, dims size)

/* int32 wraps; its shift is arithmetic, and the mask makes it logical */
static void mix(at::Tensor &x)
{
	static const struct { int64_t shift; int32_t times; } steps[] = { { 16, (int32_t)0x85ebca6b }, { 13, (int32_t)0xc2b2ae35 },
									  { 16, 1 } };
	for (const auto &step : steps) {
		x.bitwise_xor_(at::bitwise_right_shift(x, step.shift).bitwise_and_((1 << (32 - step.shift)) - 1));
		if (step.times != 1)
			x.mul_(step.times);
	}
}

tensor *t_noise(scope *s, const tensor *seeds, int64_t n)
{
	return op(s, "noise", IN1(seeds), [&] {
		TORCH_CHECK(seeds->v.dim() == 1 && seeds->v.scalar_type() == at::kLong, "seeds are not T_I64 (N)");
		TORCH_CHECK(n > 0 && n % 2 == 0 && n <= 1 << 30, "n is ", n);
		const at::Tensor seed = at::bitwise_and(seeds->v, INT32_MAX).to(at::kInt);
		at::Tensor x = at::add(seed.unsqueeze(1), at::arange(n, seed.options()).unsqueeze(0));
		mix(x);
		const at::Tensor u = x.bitwise_and_(0xffffff).to(at::kFloat).add_(0.5).mul_(0x1p-24); /* within 0..1 */
		const at::Tensor r = at::log(u.narrow(1, 0, n / 2)).mul_(-2).sqrt_();
		const at::Tensor angle = at::mul(u.narrow(1, n / 2, n / 2), 2 * M_PI);
		return at::cat({ at::cos(angle).mul_(r), at::sin(angle).mul_(r) }, 1);
	});
}

/* ---- Sums and products ---- */

OP1(sum, at::sum(x->v, { dim }, keep), int dim, bool keep)
OP1(mean_all, at::mean(wide(x)))
OP1(softmax, at::softmax(wide(x), dim), int dim)
OP1(log_softmax, at::log_softmax(wide(x), dim), int dim)
OP2(matmul, a, b, at::matmul(a->v, b->v))

tensor *t_cross_entropy(scope *s, const tensor *x, const tensor *y)
{
	return op(s, "cross_entropy", IN2(x, y), [&] {
		same_shape(x, y);
		TORCH_CHECK(x->v.dim() == 2, "x is not (N, C)");
		return at::cross_entropy_loss(wide(x), wide(y));
	});
}

OP2(bce_logits, x, y, (same_shape(x, y), at::binary_cross_entropy_with_logits(wide(x), wide(y))))

/* ---- Differentiation ---- */

DO(backward, IN1(loss), loss->v.backward(), const tensor *loss)

tensor *t_grad(scope *s, const tensor *param)
{
	tensor *t = nullptr;
	act(s, "grad", IN1(param), [&] {
		if (param->v.grad().defined())
			t = own(s, param->v.grad());
	});
	return t;
}

void t_zero_grad(tensor *param)
{
	if (param)
		param->v.mutable_grad().reset();
}

static std::vector<at::Tensor> gradients(const scope *model, size_t from, size_t n)
{
	std::vector<at::Tensor> grads;
	for (size_t i = from; i < scope_count(model) && i - from < n; i++)
		if (const at::Tensor &g = model->named[i]->v.grad(); g.defined())
			grads.push_back(g);
	return grads;
}

tensor *t_grad_norm(scope *s, const scope *model, size_t from, size_t n)
{
	return op(s, "grad_norm", {}, [&] {
		const std::vector<at::Tensor> grads = gradients(model, from, n);
		return grads.empty() ? at::zeros({}) : at::stack(at::_foreach_norm(grads, 2)).norm().to(at::kFloat);
	});
}

bool t_grad_scale_(scope *s, const scope *model, size_t from, size_t n, double factor)
{
	return act(s, "grad_scale_", {}, [&] {
		for (at::Tensor g : gradients(model, from, n))
			g.mul_(factor);
	});
}

/* ---- In place ---- */

DO(scale_, IN1(y), (y->v.mul_(a), changed()), tensor *y, double a)
DO(axpy_, IN2(y, x), (same_shape(y, x), y->v.add_(x->v, a), changed()), tensor *y, double a, const tensor *x)
DO(lerp_, IN2(y, x), (same_shape(y, x), y->v.lerp_(x->v, a), changed()), tensor *y, double a, const tensor *x)
DO(copy_, IN2(y, x), (same_shape(y, x), y->v.copy_(x->v), changed()), tensor *y, const tensor *x)
DO(index_copy_, IN3(y, indices, x), (y->v.index_copy_(dim, indices->v, x->v), changed()), tensor *y, int dim,
   const tensor *indices, const tensor *x)

/* libtorch's own fused step from 2.5 on: it came to CPUs with 2.4, which refuses gradients of 1 x 1 convolutions as cuDNN lays them
   out (pytorch/pytorch issue 134546). It takes all as they lie in memory, so they lie alike. Before it, the corrections of the two moments are folded into the
   last line's factor and eps. */
bool t_adam_(scope *s, int n, tensor *const *p, tensor *const *grad, tensor *const *m, tensor *const *v, double lr, double beta1,
	     double beta2, double eps, double decay, int64_t step)
{
	for (int i = 1; i < n; i++)
		if (!ready(s, "adam_", { { "p", p[i] }, { "grad", grad[i] }, { "m", m[i] }, { "v", v[i] } }))
			return false;
	return n == 0 || act(s, "adam_", { { "p", *p }, { "grad", *grad }, { "m", *m }, { "v", *v } }, [&] {
		TORCH_CHECK(step >= 1, "step is ", step);
		for (int i = 0; i < n; i++)
			same_shape(p[i], grad[i]), same_shape(p[i], m[i]), same_shape(p[i], v[i]);
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 5)
		std::vector<at::Tensor> ps, grads, ms, vs;
		for (int i = 0; i < n; i++) {
			ps.push_back(p[i]->v), ms.push_back(m[i]->v), vs.push_back(v[i]->v);
			grads.push_back(grad[i]->v.contiguous());
		}
		const std::vector<at::Tensor> steps((size_t)n, at::full({}, (double)step, p[0]->v.options().dtype(at::kFloat)));
		at::_fused_adamw_(ps, grads, ms, vs, {}, steps, lr, beta1, beta2, decay, eps, false, false);
#else
		const double bias1 = 1 - std::pow(beta1, (double)step), bias2 = std::sqrt(1 - std::pow(beta2, (double)step));
		for (int i = 0; i < n; i++) {
			at::Tensor &to = p[i]->v, &first = m[i]->v, &second = v[i]->v;
			if (decay != 0)
				to.mul_(1 - lr * decay);
			first.lerp_(grad[i]->v, 1 - beta1);
			second.mul_(beta2).addcmul_(grad[i]->v, grad[i]->v, 1 - beta2);
			to.addcdiv_(first, at::sqrt(second).add_(eps * bias2), -lr * bias2 / bias1);
		}
#endif
		changed();
	});
}
