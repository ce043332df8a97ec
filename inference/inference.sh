#!/bin/sh
# What the cloud runs to answer. Ends with 0 whenever a complete answer was written; inference's own exit code
# is in its last line. SIGTERM and SIGINT go on to inference, which writes the best answer so far.
#
# Where inference is killed it is started again, within the time that it has, and goes on from what it answered: once in any
# case, then as long as each got further than the one before, then on another GPU, and last on the CPU after a GPU. A slide that
# it is killed over twice is left out, which is further, too.
here=$(dirname "$(readlink -f "$0")")
. "$here/pass_on.sh"
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY-passive}"
# each answer is another file, renamed into place: a clock would have to be that of the disk's server
standing() { stat -c '%i %y %s' "$answer" 2>/dev/null; }
answer=$("$here/inference" --print paths.output --print answer.file "$@" 2>/dev/null | paste -sd /)
earlier=$(standing)
journal=$(mktemp 2> /dev/null)
# cases that are done, and those that a kill interrupted
noted() { awk '/^begin / { n++ } /^end / { n-- } / done=1 / { n++ } END { print n + 0 }' "$journal"; }

begun=$(uptime)
pass_on "$here/inference" "$@" ${journal:+"--journal=$journal"}
while [ -z "$asked" ] && [ $code -gt 128 ]; do
	say_killed inference inference.batch
	[ -n "$journal" ] || break
	further "$(noted)" "$@" || break
	echo "inference.sh: inference is started again${other:+, with ${other#--set }}, and goes on from what it answered" >&2
	# shellcheck disable=SC2086
	pass_on "$here/inference" "$@" $other "--journal=$journal" --went-before=$(($(uptime) - begun + 1))
done
[ -z "$journal" ] || rm -f "$journal"
[ $code != 0 ] || exit 0
[ -f "$answer" ] && [ "$(standing)" != "$earlier" ] || exit $code
