# blindrun: make, make demo, make check. `make help` lists the rest.
#
# TORCH=/path/to/libtorch   another libtorch (the official archive, or site-packages/torch)
# CC, CXX, CFLAGS, B, V=1   compilers, flags, the folder that is built into, whole commands
# IMAGE, DATA, ARGS         of the targets that use Docker: tools/image, save, run, submit-check say more;
#                           ARGS also of fuzz (tests/fuzz/run) and kills (tests/kills)

B       ?= build
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
CXX     := $(if $(filter default,$(origin CXX)),g++,$(CXX))
CFLAGS  ?= -O2 -g
say      = $(if $(V),,@echo '$(1)';)
PKGS    := glib-2.0 gio-2.0 openslide yaml-0.1 json-glib-1.0 libpng libjpeg zlib cairo libcrypto
LIBTORCH ?= $(if $(TORCH),,libtorch-dev)
PACKAGES := gcc g++ make pkg-config perl libglib2.0-dev libopenslide-dev libyaml-dev libjson-glib-dev \
	libpng-dev libjpeg-dev zlib1g-dev libcairo2-dev libcsv-dev libssl-dev $(LIBTORCH) libopenblas0-openmp openslide-tools procps
IMAGE   ?= blindrun
ARCHIVE ?= $(B)/$(IMAGE).tar.gz

# The goals that compile want to know the libtorch at hand.
ifneq ($(filter-out deps help clean demo check faults kills sanitize fuzz fuzzers bench image save run submit-check reproduce,$(or $(MAKECMDGOALS),all)),)
-include $(B)/torch.mk
endif

WARN    := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wmissing-prototypes -Werror=implicit-function-declaration
PKGC    := $(shell pkg-config --cflags $(PKGS) 2>/dev/null | sed 's/-I/-isystem /g')
PKGL    := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CPPFLAGS += -I. -D_GNU_SOURCE -DG_LOG_DOMAIN='"blindrun"' $(PKGC) -include common/banned.h
# no folder's name gets into a program: the same sources make the same bytes anywhere
HERE    := -ffile-prefix-map="$(CURDIR)"=.
ALLC    := -std=gnu17 -pthread $(WARN) $(HERE) $(CFLAGS) $(SAN)
ALLCXX  := -pthread -Wall -Wextra -Wshadow $(HERE) $(CFLAGS) $(SAN)
# what machine.cc answers in oneDNN's place
EXPORT  := -Wl,--export-dynamic-symbol=_ZN4dnnl4impl3cpu8platform23get_per_core_cache_sizeEi
LDLIBS  := $(TORCH_LIBS) $(PKGL) -lcsv -lstdc++ -lm -pthread

lib_src    := $(sort $(wildcard common/*/*.c))
train_src  := $(sort $(wildcard train/*.c))
inf_src    := $(sort $(wildcard inference/*.c))
sample_src := $(sort $(wildcard tests/sample/*.c))
tool_src   := $(sort $(wildcard tools/*.c))
unit_src   := $(sort $(wildcard tests/unit/*.c))
bench_src  := $(sort $(wildcard tests/bench/*.c))
obj         = $(patsubst %.c,$(B)/obj/%.o,$(1))
shim_obj   := $(patsubst %.cc,$(B)/obj/%.o,$(sort $(wildcard common/tensor/*.cc)))
lib_obj    := $(call obj,$(lib_src)) $(shim_obj)
train_lib  := $(filter-out $(B)/obj/train/main.o,$(call obj,$(train_src)))
inf_lib    := $(filter-out $(B)/obj/inference/main.o,$(call obj,$(inf_src)))
sample_lib := $(filter-out $(B)/obj/tests/sample/main.o,$(call obj,$(sample_src)))
tools      := $(patsubst tools/%.c,$(B)/%,$(tool_src))
units      := $(patsubst tests/unit/%.c,$(B)/unit/%,$(unit_src))
fuzz_src   := $(sort $(wildcard tests/fuzz/fuzz-*.c))
fuzzers    := $(patsubst tests/fuzz/fuzz-%.c,$(B)/fuzz/%,$(fuzz_src))
# What reads what others wrote; nothing of it needs libtorch.
parser_src := $(wildcard common/config/*.c common/csv/*.c common/fault/*.c common/image/*.c common/log/*.c common/metrics/*.c \
	common/plot/*.c common/report/*.c common/score/*.c) $(addprefix common/,answer/answer_file.c checkpoint/json.c checkpoint/model_settings.c \
	checkpoint/safetensors.c checkpoint/safetensors_header.c slide/annotation.c slide/mask.c slide/mirax.c slide/mirax_images.c slide/polygons.c slide/regions.c task/pattern.c task/slide_facts.c)
# The replayer of files; empty, with -fsanitize=fuzzer in LDFLAGS: an engine.
FUZZ_MAIN  ?= $(B)/obj/tests/fuzz/replay.o
preloads   := $(patsubst tests/preload/%.c,$(B)/%.so,$(sort $(wildcard tests/preload/*.c)))
benches    := $(patsubst tests/bench/%.c,$(B)/bench/%,$(bench_src))
programs   := $(B)/train $(B)/inference $(B)/sample $(tools)
headers    := $(wildcard common/*/*.h common/*.h train/*.h inference/*.h tests/sample/*.h)

.PHONY: FORCE all help deps demo check faults kills sanitize fuzz fuzzers headers bench clean image save run submit-check reproduce
.DELETE_ON_ERROR:
all: $(programs)

help:
	@echo 'make            build $(programs)'
	@echo 'make deps       install what is missing, with apt'
	@echo 'make demo       sample slides, training, answer, score: at most 10 minutes'
	@echo 'make check      all tests'
	@echo 'make faults     more than a hundred faults, injected for real  (ONLY=PATTERN)'
	@echo 'make kills      kill -9 at random instants  (ARGS="N [train|inference]")'
	@echo 'make sanitize   all tests under the address and undefined-behaviour sanitizers'
	@echo 'make fuzz       hostile files for each parser, 15 minutes each  (ARGS="SECONDS [NAME...]")'
	@echo 'make headers    compile each header alone;  make bench: speeds;  make clean'
	@echo 'make reproduce  build again elsewhere: the same bytes?'
	@echo 'make image      the Docker image $(IMAGE)      (TORCH=cuda, TORCH_ARCHIVE=FILE.zip)'
	@echo 'make save       $(ARCHIVE), what is handed in'
	@echo 'make run        DATA=DIR: train and answer in the image, as the cloud does'
	@echo 'make submit-check   the contest and its hardships, with what is handed in'

deps:
	@tools/deps $(PACKAGES)

# $@.new becomes $@ where it differs.
keep_same = @cmp -s $@ $@.new && rm $@.new || mv $@.new $@

# What that libtorch wants of the compiler: include folders, libraries, C++ and its ABI. Looked up each time, since
# TORCH may be another, and written where it changed.
$(B)/torch.mk: FORCE
	@mkdir -p $(@D)
	@tools/torch-flags "$(CXX)" "$(TORCH)" > $@.new
	$(keep_same)
FORCE:
$(shim_obj): $(B)/torch.mk

# Other flags, other objects.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(ALLC) $(CXX) $(ALLCXX)' > $@.new
	$(keep_same)

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC $<)$(CC) $(CPPFLAGS) $(ALLC) -MMD -MP -c $< -o $@

$(B)/obj/%.o: %.cc $(B)/flags
	@mkdir -p $(@D)
	$(call say,CXX $<)$(CXX) -I. $(TORCH_CFLAGS) $(ALLCXX) -MMD -MP -c $< -o $@

$(B)/libblindrun.a: $(lib_obj)
	@rm -f $@
	$(call say,AR $@)ar rcs $@ $^

link = $(call say,LD $@)$(CC) $(ALLC) -Wl,--as-needed $(EXPORT) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS)

$(B)/train: $(call obj,$(train_src)) $(B)/libblindrun.a
	$(link)
$(B)/inference: $(call obj,$(inf_src)) $(B)/libblindrun.a
	$(link)
$(B)/sample: $(call obj,$(sample_src)) $(B)/libblindrun.a
	$(link)
$(B)/what-it-sees: $(train_lib)
$(tools): $(B)/%: $(B)/obj/tools/%.o $(B)/libblindrun.a
	$(link)
$(units): $(B)/unit/%: $(B)/obj/tests/unit/%.o $(B)/libtested.a $(B)/libblindrun.a
	@mkdir -p $(@D)
	$(link)
# archives: a test of what needs no libtorch starts without it
$(B)/libtested.a: $(train_lib) $(inf_lib) $(sample_lib)
$(B)/libparsers.a: $(call obj,$(parser_src))
$(B)/libtested.a $(B)/libparsers.a:
	@rm -f $@
	$(call say,AR $@)ar rcs $@ $^
fuzzers: $(fuzzers)
$(fuzzers): $(B)/fuzz/%: $(B)/obj/tests/fuzz/fuzz-%.o $(FUZZ_MAIN) $(B)/libparsers.a
	@mkdir -p $(@D)
	$(link)
$(benches): $(B)/bench/%: $(B)/obj/tests/bench/%.o $(train_lib) $(sample_lib) $(B)/libblindrun.a
	@mkdir -p $(@D)
	$(link)

demo: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@B=$(B) tools/demo

check: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all headers $(B)/units
	@B=$(B) tests/run

# What tests put between a program and the C library.
$(preloads): $(B)/%.so: tests/preload/%.c
	@mkdir -p $(@D)
	$(call say,LD $@)$(CC) -std=gnu17 -D_GNU_SOURCE $(WARN) -Wno-missing-prototypes $(HERE) -O2 -g -shared -fPIC -o $@ $<

$(B)/units: $(units) $(fuzzers) $(preloads)
	@touch $@

# What must never cost a run, done to it; and many runs killed.
faults: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all $(preloads)
	@B=$(B) tests/faults/run
kills: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@B=$(B) tests/kills $(ARGS)

sanitize: deps
	@$(MAKE) --no-print-directory -j$$(nproc) B=$(B)-sanitize CFLAGS='-O1 -g -fno-omit-frame-pointer' \
		SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined' all $(B)-sanitize/units
	@B=$(B)-sanitize SANITIZE=1 tests/run

fuzz:
	@tools/deps $(filter-out $(LIBTORCH),$(PACKAGES)) clang llvm libclang-rt-dev
	@B=$(B) tests/fuzz/run $(ARGS)

bench: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all $(benches)
	@B=$(B) tests/bench/run

# Two builds of the same sources, in other folders and at other times.
reproduce: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@rm -rf $(B)/again && mkdir -p $(B)/again/sources
	@cp -R Makefile common train inference tools tests $(B)/again/sources
	@$(MAKE) --no-print-directory -s -C $(B)/again/sources -j$$(nproc) B=elsewhere elsewhere/train elsewhere/inference
	@cmp $(B)/train $(B)/again/sources/elsewhere/train
	@cmp $(B)/inference $(B)/again/sources/elsewhere/inference
	@rm -r $(B)/again
	@echo 'the same, byte for byte: train and inference'

# What is handed in.
image:
	@tools/image $(IMAGE) $(if $(TORCH),TORCH=$(TORCH)) $(if $(TORCH_ARCHIVE),TORCH_ARCHIVE=$(TORCH_ARCHIVE)) \
		$(if $(CUDNN),"CUDNN=$(CUDNN)")
save:
	@tools/save $(IMAGE) $(ARCHIVE)
run:
	@tools/run $(IMAGE) "$(DATA)" $(ARGS)
submit-check: save
	@B=$(B) tools/submit-check $(IMAGE) $(ARCHIVE) "$(DATA)"

# Each header compiles alone; the shim's also as C++.
header_ok := $(patsubst %.h,$(B)/headers/%.ok,$(headers)) $(B)/headers/common/tensor/tensor.cxx.ok
headers: $(header_ok)
$(B)/headers/%.ok: %.h
	@mkdir -p $(@D)
	@echo '#include "$<"' | $(CC) $(CPPFLAGS) $(ALLC) -fsyntax-only -x c -
	@touch $@
$(B)/headers/%.cxx.ok: %.h
	@mkdir -p $(@D)
	@echo '#include "$<"' | $(CXX) -I. -std=c++17 $(ALLCXX) -fsyntax-only -x c++ -
	@touch $@

clean:
	rm -rf $(B) $(B)-sanitize

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
