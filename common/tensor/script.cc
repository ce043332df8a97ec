/*
 * script.cc - TorchScript behind tensor.h: modules that others exported, and tensors that torch.save wrote.
 */
#include "common/tensor/tensor_private.hh"

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include <istream>
#include <streambuf>

struct jit_module { torch::jit::Module module; };

namespace {

/* A stream over memory that is only read. */
struct memory : std::streambuf {
	memory(const void *bytes, size_t size)
	{
		char *at = static_cast<char *>(const_cast<void *>(bytes));
		setg(at, at, at + size);
	}
	pos_type seekoff(off_type off, std::ios_base::seekdir way, std::ios_base::openmode) override
	{
		char *from = way == std::ios_base::beg ? eback() : way == std::ios_base::cur ? gptr() : egptr();
		if (off < eback() - from || off > egptr() - from)
			return pos_type(off_type(-1));
		setg(eback(), from + off, egptr());
		return gptr() - eback();
	}
	pos_type seekpos(pos_type at, std::ios_base::openmode mode) override { return seekoff(at, std::ios_base::beg, mode); }
};

/* Both kinds of file are ZIP archives; this is in a module's alone. */
bool is_module(const void *bytes, size_t size)
{
	TORCH_CHECK(bytes && size, "it is empty");
	TORCH_CHECK(size > 4 && !memcmp(bytes, "PK\3\4", 4), "no file of torch.save or torch.jit.save (since PyTorch 1.6)");
	memory buffer(bytes, size);
	std::istream stream(&buffer);
	return caffe2::serialize::PyTorchStreamReader(&stream).hasRecord("constants.pkl");
}

torch::jit::Module load(const void *bytes, size_t size, at::Device device)
{
	TORCH_CHECK(is_module(bytes, size), "it holds tensors or a pickled network: torch.jit.script(network).save(file) writes "
		    "a module");
	memory buffer(bytes, size);
	std::istream stream(&buffer);
	return torch::jit::load(stream, device);
}

at::Tensor plain(const at::Tensor &t)
{
	TORCH_CHECK(t.defined() && !t.is_nested() && t.layout() == at::kStrided, "it gives a tensor that is not a plain one");
	return t;
}

/* The output of a module: a tensor, or the first of several. */
at::Tensor first(const c10::IValue &y)
{
	if (y.isTensor())
		return plain(y.toTensor());
	TORCH_CHECK(y.isTuple() && !y.toTupleRef().elements().empty() && y.toTupleRef().elements()[0].isTensor(),
		    "it gives no tensor, but ", y.tagKind());
	return plain(y.toTupleRef().elements()[0].toTensor());
}

bool keep(scope *model, const std::string &name, const at::Tensor &v, bool trained)
{
	dims d = {};
	TORCH_CHECK(v.dim() <= 5, name, " has more than 5 dimensions");
	for (int64_t i = 0; i < v.dim(); i++)
		d.d[d.n++] = v.size(i);
	return scope_named(model, trained ? "param" : "buffer", name.c_str(), d, trained, [&] { return v; }) != nullptr;
}

/* The module's own tensor, made float32, and laid out as t_adam_ wants it; whole numbers are left out. */
void keep_float(scope *model, const std::string &name, at::Tensor v, bool trained)
{
	if (!at::isFloatingType(v.scalar_type()))
		return;
	v.set_data(v.to(at::kFloat).contiguous());
	keep(model, name, v, trained);
}

/* Of a type that tensor.h names. */
at::Tensor known(const at::Tensor &v)
{
	const at::ScalarType type = v.scalar_type();
	return at::isIntegralType(type, false) && type != at::kByte ? v.to(at::kLong) : v;
}

/* What torch.save wrote. libtorch reads an OrderedDict, as state_dict() is one, as nothing, and stumbles over its content. */
c10::IValue unpickle(const char *bytes, size_t size)
{
	try {
		return torch::jit::pickle_load(std::vector<char>(bytes, bytes + size));
	} catch (const c10::Error &e) {
		TORCH_CHECK(!strstr(e.what(), "Expected GenericDict but got None"), "libtorch reads no OrderedDict: "
			    "torch.save(dict(network.state_dict()), file) writes what it reads, and so does "
			    "torch.jit.script(network).save(file)");
		throw;
	}
}

/* {name: tensor}, or such a dict in one under a name that checkpoints use. What is no tensor is passed over. */
void keep_dict(scope *model, const c10::IValue &value)
{
	TORCH_CHECK(value.isGenericDict(), "it holds no dict of tensors, but ", value.tagKind());
	for (const auto &entry : value.toGenericDict())
		if (entry.key().isString() && entry.value().isGenericDict() &&
		    (entry.key().toStringRef() == "state_dict" || entry.key().toStringRef() == "model")) {
			keep_dict(model, entry.value());
			return;
		}
	for (const auto &entry : value.toGenericDict())
		if (entry.key().isString() && entry.value().isTensor())
			keep(model, entry.key().toStringRef(), known(entry.value().toTensor()), false);
	TORCH_CHECK(scope_count(model), "it holds no dict of tensors");
}

}

jit_module *script_open(scope *model, const void *bytes, size_t size)
{
	jit_module *m = nullptr;
	const bool good = act(model, "TorchScript", {}, [&] {
		m = new jit_module { load(bytes, size, device_of(model->device)) };
		/* optimised, the same input gives other roundings at first than later: a run gone on with would not be the same */
		torch::jit::setGraphExecutorOptimize(false);
		for (const auto &p : m->module.named_parameters(true))
			keep_float(model, p.name, p.value, true);
		for (const auto &b : m->module.named_buffers(true))
			keep_float(model, b.name, b.value, false);
		TORCH_CHECK(scope_count(model), "it has no parameters: it was frozen; export it without torch.jit.freeze");
	});
	if (good && !failed(model))
		return m;
	delete m;
	return nullptr;
}

void script_close(jit_module *m) { delete m; }

/* Those whose weight is frozen keep their statistics, as t_batch_norm's do. */
static void fix_norms(const torch::jit::Module &module)
{
	for (torch::jit::Module part : module.modules()) {
		if (!part.hasattr("running_mean") || !part.hasattr("weight") || !part.attr("weight").isTensor())
			continue;
		const bool learns = part.attr("weight").toTensor().requires_grad();
		if (part.is_training() != learns)
			part.train(learns);
	}
}

tensor *t_script(scope *s, jit_module *m, const tensor *x)
{
	return op(s, "module", IN1(x), [&] {
		bool learns = false;    /* frozen all of it, its norms must not move either */
		for (const auto &p : m->module.parameters(true))
			learns = learns || p.requires_grad();
		const bool train = s->flags & SCOPE_TRAIN && learns;
		if (m->module.is_training() != train)
			m->module.train(train);
		if (train)
			fix_norms(m->module);
		return first(m->module.forward({ in_layout(s, x->v) }));
	});
}

bool scope_unpickle(scope *model, const void *bytes, size_t size)
{
	return act(model, "tensors", {}, [&] {
		if (is_module(bytes, size)) {
			const torch::jit::Module module = load(bytes, size, at::kCPU);
			for (const auto &p : module.named_parameters(true))
				keep(model, p.name, known(p.value.detach()), false);
			for (const auto &b : module.named_buffers(true))
				keep(model, b.name, known(b.value), false);
			return;
		}
		keep_dict(model, unpickle(static_cast<const char *>(bytes), size));
	});
}
