#!/bin/sh
# What the cloud runs to answer. Ends with 0 whenever a complete answer was written; inference's own exit code
# is in its last line. SIGTERM and SIGINT go on to inference, which writes the best answer so far.
here=$(dirname "$(readlink -f "$0")")
. "$here/pass_on.sh"
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY-passive}"
# each answer is another file, renamed into place: a clock would have to be that of the disk's server
standing() { stat -c '%i %y %s' "$answer" 2>/dev/null; }
answer=$("$here/inference" --print paths.output --print answer.file "$@" 2>/dev/null | paste -sd /)
before=$(standing)

pass_on "$here/inference" "$@"
[ $code != 0 ] || exit 0
[ $code -le 128 ] || [ -n "$asked" ] || echo "inference.sh: inference was killed by signal $((code - 128)); by 9 it is for want of" \
	"memory, most often: give the container more, or set inference.batch lower; the answer written last stays" >&2
[ -f "$answer" ] && [ "$(standing)" != "$before" ] || exit $code
