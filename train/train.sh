#!/bin/sh
# What the cloud runs to train. Ends with 0 whenever the model folder holds a model that can answer, so that
# `./train.sh && ./inference.sh` goes on; train's own exit code is in its last line. SIGTERM and SIGINT go on to
# train, which saves what it has.
here=$(dirname "$(readlink -f "$0")")
. "$here/pass_on.sh"
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY-passive}"

pass_on "$here/train" "$@"
[ $code = 0 ] || "$here/inference" --check "$@" || exit $code
