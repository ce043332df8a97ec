# blindrun's image: what a team hands in.
#
#   docker build --network host -t blindrun .
#   docker run --rm --network none -v DIR:/data blindrun sh -c './train.sh && ./inference.sh'
#
# Stages: build compiles; check is build with the tests, to be run (docker run ... make check).
FROM debian:trixie-slim AS build
WORKDIR /blindrun
COPY Makefile ./
COPY tools/deps tools/
RUN apt-get update && make_packages="make" && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $make_packages && \
    make -s deps && apt-get clean
COPY . .
RUN make -j"$(nproc)" all

FROM build AS check
RUN make -j"$(nproc)" headers build/units

# The programs and the shared libraries that they load, and nothing else of the packages.
FROM build AS closure
RUN mkdir /out && for f in build/train build/inference; do ldd "$f"; done | \
    awk '$3 ~ /^\// { print $3 }' | sort -u | while read -r lib; do \
        mkdir -p "/out$(dirname "$lib")" && cp -L "$lib" "/out$lib"; done

FROM debian:trixie-slim
COPY --from=closure /out/ /
WORKDIR /blindrun
COPY --from=build /blindrun/build/train /blindrun/build/inference ./
COPY train/train.sh inference/inference.sh data.yaml ./
RUN ldconfig
CMD ["sh", "-c", "./train.sh && ./inference.sh"]
