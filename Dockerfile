# blindrun's image: what a team hands in. `make image` builds it, `make submit-check` tries it as the cloud does.
#
#   TORCH=cpu               Debian's libtorch; cuda: its build for NVIDIA's GPUs (contrib and non-free)
#   TORCH_ARCHIVE=FILE.zip  the official libtorch archive instead, a file in this folder
#   CUDNN                   "I Decline": cuda without NVIDIA's cuDNN, to try the build (tools/image-packages)
#   VERSION, REVISION       for the labels
#
# What changes seldom comes first: packages, libtorch's shim, then all C code; data.yaml and weights last.
FROM debian:trixie-slim AS build
WORKDIR /blindrun
ARG TORCH=cpu
ARG TORCH_ARCHIVE=
ARG CUDNN=
COPY tools/deps tools/image-packages tools/
COPY Makefile ${TORCH_ARCHIVE:-Makefile} ./
RUN tools/image-packages "$TORCH" "$TORCH_ARCHIVE"
ENV TORCH=${TORCH_ARCHIVE:+/libtorch}
COPY tools/torch-flags tools/
COPY common/tensor common/tensor
RUN make build/obj/common/tensor/tensor.o
COPY common common
COPY train train
COPY inference inference
COPY tools/*.c tools/
COPY tests/sample tests/sample
RUN make -j"$(nproc)" -o build/obj/common/tensor/tensor.o all
COPY tools tools
COPY tests tests

# The programs, what they load, and a shell.
FROM build AS root
RUN tools/image-root /out build/train build/inference

# data.yaml, and weights/ where there is one.
FROM build AS settings
COPY data.yaml weight[s] /out/weights/
RUN mv /out/weights/data.yaml /out/ && rmdir --ignore-fail-on-non-empty /out/weights && chmod -R a+rX /out

FROM scratch
ENV PATH=/usr/local/bin:/usr/bin:/usr/sbin OMP_WAIT_POLICY=passive NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=root /out/system /
WORKDIR /blindrun
COPY --from=root /out/blindrun ./
COPY --from=settings /out ./
CMD ["./run.sh"]
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="blindrun" \
      org.opencontainers.image.description="Trains on medical images and answers where nobody can look" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.base.name="debian:trixie-slim" \
      org.opencontainers.image.licenses="LGPL-2.1-or-later AND BSD-3-Clause AND GPL-3.0-or-later"
