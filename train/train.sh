#!/bin/sh
# What the cloud runs to train. Ends with 0 whenever the model folder holds a model that can answer, so that
# `./train.sh && ./inference.sh` goes on; train's own exit code is in its last line. SIGTERM and SIGINT go on to
# train, which saves what it has.
#
# Where train is killed, or a machine fails it (exit codes 1 and 4), it is started again and goes on from the point that it
# saved, within the time that it has: once in any case, then as long as each got further than the one before, then on another
# GPU, and last on the CPU after a GPU. What --fresh began is gone on with, once it saved something.
here=$(dirname "$(readlink -f "$0")")
. "$here/pass_on.sh"
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY-passive}"

saved() { cksum < "$("$here/inference" --print paths.model "$@")/model.json"; }

begun=$(uptime) there='' fresh=''
for argument; do
	shift
	if [ "$argument" = --fresh ]; then fresh=$argument; else set -- "$@" "$argument"; fi
done
[ -z "$fresh" ] || there=$(saved "$@" 2> /dev/null)
# shellcheck disable=SC2086
pass_on "$here/train" "$@" $fresh
while [ -z "$asked" ] && { [ $code = 1 ] || [ $code = 4 ] || [ $code -gt 128 ]; }; do
	say_killed train training.batch
	case " $* " in *' --rehearse-only '*) break ;; esac
	after=$(saved "$@" 2> /dev/null)
	further "$after" "$@" || break
	[ -z "$after" ] || [ "$after" = "$there" ] || fresh=''
	echo "train.sh: train is started again${other:+, with ${other#--set }}, and goes on from what it saved" >&2
	# shellcheck disable=SC2086
	pass_on "$here/train" "$@" $fresh $other --went-before=$(($(uptime) - begun + 1))
done
[ $code != 0 ] || exit 0
"$here/inference" --check "$@" || exit $code
[ -n "$asked" ] ||
	echo "train.sh: train failed, as it says above (exit code $code); inference has the model that is there, to answer with" >&2 || :
