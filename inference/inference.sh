#!/bin/sh
# What the cloud runs to answer. Ends with 0 whenever a complete answer was written; inference's own exit code
# is in its last line. SIGTERM and SIGINT go on to inference, which writes the best answer so far.
here=$(dirname "$(readlink -f "$0")")
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY-passive}"
begun=$(date +%s)

# As the container's first process a shell ignores what it has no trap for, and never passes it on. A trap runs
# between two commands, and ends wait early: then there is more to wait for (127: no more, its code is known).
program='' caught=''
trap 'caught=TERM; kill -s TERM $program 2> /dev/null' TERM
trap 'caught=INT; kill -s INT $program 2> /dev/null' INT
"$here/inference" "$@" &
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

[ $code != 0 ] || exit 0
set_to() { "$here/inference" --print "$@" 2>/dev/null; }
answer=$(set_to paths.output "$@")/$(set_to answer.file "$@")
[ -f "$answer" ] && [ "$(stat -c %Y "$answer")" -ge "$begun" ] || exit $code
