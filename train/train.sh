#!/bin/sh
# What the cloud runs to train. Ends with 0 whenever the model folder holds a model that can answer, so that
# `./train.sh && ./inference.sh` goes on; train's own exit code is in its last line. SIGTERM and SIGINT go on to
# train, which saves what it has.
#
# Where train is killed, or a machine fails it (exit codes 1 and 4), it is started again and goes on from the point that it
# saved, within the time that it has: as long as each got further than the one before, or with the CPU after a GPU.
here=$(dirname "$(readlink -f "$0")")
. "$here/pass_on.sh"
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY-passive}"

uptime() { cut -d. -f1 /proc/uptime; }
saved() { cksum < "$("$here/inference" --print paths.model "$@")/model.json"; }

begun=$(uptime) before='' cpu=''
pass_on "$here/train" "$@"
while [ -z "$asked" ] && { [ $code = 1 ] || [ $code = 4 ] || [ $code -gt 128 ]; }; do
	[ $code -le 128 ] || echo "train.sh: train was killed by signal $((code - 128)); by 9 it is for want of memory, most often" >&2
	case " $* " in *' --fresh '* | *' --rehearse-only '*) break ;; esac
	after=$(saved "$@" 2> /dev/null)
	if [ "$after" = "$before" ]; then
		[ -e /dev/nvidia0 ] && [ -z "$cpu" ] || break
		cpu='--set device=cpu'
	fi
	before=$after
	echo "train.sh: train is started again${cpu:+, on the CPU}, and goes on from what it saved" >&2
	# shellcheck disable=SC2086
	pass_on "$here/train" "$@" $cpu --went-before=$(($(uptime) - begun))
done
[ $code = 0 ] || "$here/inference" --check "$@" || exit $code
