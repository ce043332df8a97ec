/*
 * machine.cc - what tensor.h says of the machine: its processor, as libtorch uses it, and its GPUs.
 */
#include "common/tensor/tensor_private.hh"

#include <torch/cuda.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <dlfcn.h>
#include <glob.h>
#include <unistd.h>

const char *tensor_version(void) { return TORCH_VERSION; }

void tensor_threads(int n)
{
	try {
		at::set_num_threads(n > 0 ? n : 1);
		at::set_num_interop_threads(1);
	} catch (...) { /* the second can be set only once */
	}
}

/* The part for GPUs is loaded by name, and only where there is a driver: so a program for GPUs starts as fast
   as any other where there is none, and starts at all where one of that part's many libraries is missing. */
static int find_gpus(char *why, size_t size)
{
#ifdef TORCH_CUDA
#define GIVEN " (was the container given one: docker run --gpus all? Is its driver new enough?)"
	const char *const needed[] = { "libcuda.so.1", TORCH_CUDA };
	for (const char *name : needed)
		if (!dlopen(name, RTLD_NOW | RTLD_GLOBAL)) {
			snprintf(why, size, "%s" GIVEN, dlerror());
			return 0;
		}
	try {
		if (torch::cuda::is_available())
			return (int)torch::cuda::device_count();
		snprintf(why, size, "the driver finds none that this libtorch can use" GIVEN);
	} catch (const std::exception &e) {
		snprintf(why, size, "%.*s", (int)strcspn(e.what(), "\n"), e.what());
	}
#else
	glob_t found;   /* a container that is given the second has that alone */
	const bool there = !glob("/dev/nvidia[0-9]*", 0, nullptr, &found);
	globfree(&found);
	if (there)
		snprintf(why, size, "there is one, but this program is built for CPUs alone (make image TORCH=cuda builds for both)");
#endif
	return 0;
}

int tensor_gpus(const char **why_opt)
{
	static char why[300];
	static const int n = find_gpus(why, sizeof why);

	if (why_opt)
		*why_opt = why[0] ? why : NULL;
	return n;
}

/* The CUDA runtime, where libtorch brought one along, is asked by name. Whether it did it; what it says of itself is taken off
   it, else libtorch would find that after its own next call. */
template <class... A> static bool cuda(const char *name, A... a)
{
	auto *call = reinterpret_cast<int (*)(A...)>(dlsym(RTLD_DEFAULT, name));
	auto *forget = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "cudaGetLastError"));

	if (!call || call(a...) == 0)
		return call;
	if (forget)
		forget();
	return false;
}

/* Compute capability 8.0 (Ampere) is the first with bfloat16 in its matrix units: 75 is
   cudaDevAttrComputeCapabilityMajor. */
static bool gpu_bf16(int device)
{
	int major = 0;

	return cuda("cudaDeviceGetAttribute", &major, 75, device) && major >= 8;
}

/* ---- oneDNN on a processor that does not tell of its caches ----

   oneDNN 3.2 to 3.7 asks an AMD processor for them by CPUID 8000_001Dh (AMD's APM, volume 3) and takes whatever comes for an
   answer: behind a hypervisor that hides them each is one byte, and with that its reorders leave parts out and write beyond
   their ends. Mended in 3.8 (Xbyak, Cpu::setCacheHierarchy). Where it is a library of its own, as Debian's, its question comes
   here first, as any exported function's does; where it is a part of libtorch, it has to be done without. */

#define ASKED _ZN4dnnl4impl3cpu8platform23get_per_core_cache_sizeEi /* dnnl::impl::cpu::platform::get_per_core_cache_size(int) */
#define TEXT_(name) #name
#define TEXT(name) TEXT_(name)

typedef unsigned cache_size(int);

static cache_size *onednns_own(void)
{
	static auto *own = reinterpret_cast<cache_size *>(dlsym(RTLD_NEXT, TEXT(ASKED)));
	return own;
}

/* In oneDNN's place: bytes of the cache of a level for one core; where it found none that can be, what it guesses elsewhere. */
extern "C" __attribute__((visibility("default"))) unsigned ASKED(int level)
{
	static const unsigned smallest = 4096, guess[] = { 0, 32 << 10, 512 << 10, 1024 << 10 };
	const unsigned found = onednns_own() ? onednns_own()(level) : 0;

	return found >= smallest || level < 1 || level > 3 ? found : guess[level];
}

static bool answered_here(void)
{
	Dl_info where;
	return onednns_own() && dladdr(reinterpret_cast<void *>(onednns_own()), &where) && strstr(where.dli_fname, "libdnnl.so");
}

static bool hides_caches(void)
{
#ifdef __x86_64__
	unsigned a, b, c, d;

	return __get_cpuid(0, &a, &b, &c, &d) && c == signature_AMD_ecx &&
	       (!__get_cpuid_count(0x8000001d, 0, &a, &b, &c, &d) || (a & 31) == 0);
#else
	return false;
#endif
}

bool tensor_onednn(void)
{
	static const bool used = [] {
		const bool asks = TORCH_VERSION_MAJOR * 100 + TORCH_VERSION_MINOR > 200; /* from 2.1 on: oneDNN 3.2 or newer */
		const bool sound = !asks || !hides_caches() || answered_here();
		if (!sound)
			at::globalContext().setUserEnabledMkldnn(false);
		return at::hasMKLDNN() && sound;
	}();
	return used;
}

/* libtorch 1.13's oneDNN uses both instruction sets as 2.6's does: with AMX, 3x3 convolutions ran 3 to 6
   times as fast as in float32 in either, forward and backward. */
bool tensor_bf16_fast(int device)
{
	if (device != T_CPU)
		return gpu_bf16(device);
	if (!tensor_onednn())
		return false;
#ifdef __x86_64__
	unsigned a, b, c, d, low, high;
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return false;
	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	const bool os_avx512 = (low & 0xe6) == 0xe6, os_amx = (low & 0x60000) == 0x60000;
	const bool amx = __get_cpuid_count(7, 0, &a, &b, &c, &d) && d >> 22 & 1;
	const bool avx512_bf16 = __get_cpuid_count(7, 1, &a, &b, &c, &d) && a >> 5 & 1;
	return os_avx512 && (avx512_bf16 || (amx && os_amx));
#else
	return false;
#endif
}

bool tensor_gpu_memory(int device, uint64_t *available, uint64_t *all)
{
	size_t free = 0, total = 0;

	if (device == T_CPU || !cuda("cudaSetDevice", device) || !cuda("cudaMemGetInfo", &free, &total))
		return false;
	*available = free;
	*all = total;
	return true;
}

bool tensor_gpu_bus(int device, char *id, int size)
{
	return device != T_CPU && cuda("cudaDeviceGetPCIBusId", id, size, device);
}

bool tensor_pin(void *host, size_t size) { return tensor_gpus(nullptr) > 0 && cuda("cudaHostRegister", host, size, 0u); }

void tensor_unpin(void *host) { cuda("cudaHostUnregister", host); }

void tensor_seed(uint64_t seed)
{
	try {
		at::manual_seed(seed);
	} catch (...) { /* a GPU that fails here fails again, in a scope */
	}
}
