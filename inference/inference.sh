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
[ -f "$answer" ] && [ "$(standing)" != "$before" ] || exit $code
