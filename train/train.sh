#!/bin/sh
# What the cloud runs to train. Ends with 0 whenever the model folder holds a model that can answer, so that
# `./train.sh && ./inference.sh` goes on; train's own exit code is in its last line. SIGTERM and SIGINT go on to
# train, which saves what it has.
here=$(dirname "$(readlink -f "$0")")
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY-passive}"

# As the container's first process a shell ignores what it has no trap for, and never passes it on. A trap runs
# between two commands, and ends wait early: then there is more to wait for (127: no more, its code is known).
program='' caught=''
trap 'caught=TERM; kill -s TERM $program 2> /dev/null' TERM
trap 'caught=INT; kill -s INT $program 2> /dev/null' INT
"$here/train" "$@" &
program=$!
[ -z "$caught" ] || kill -s "$caught" "$program"
code=127
while :; do
	caught=''
	wait "$program"
	ended=$?
	[ $ended = 127 ] || code=$ended
	[ -n "$caught" ] || break
done
program=''

[ $code = 0 ] || "$here/inference" --check "$@" || exit $code
