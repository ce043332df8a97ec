# shellcheck shell=sh
# pass_on.sh - to be sourced by the scripts that start a program, and start it again where it was killed.
#
# `pass_on COMMAND...` runs it, and passes SIGTERM and SIGINT on to it. Then $code is what it
# ended with, and $asked the last signal that came, or empty. SIGINT goes on as SIGTERM: what a shell runs in the background
# ignores SIGINT, and a script cannot trap what it was started to ignore.
#
# As the container's first process a shell ignores what it has no trap for, and never passes it on. A trap runs
# between two commands, and ends wait early: then there is more to wait for (127: no more, its code is known).
program='' caught='' asked=''
trap 'asked=TERM caught=TERM; kill -s TERM $program 2> /dev/null' TERM
trap 'asked=INT caught=TERM; kill -s TERM $program 2> /dev/null' INT
trap '' PIPE # what nobody reads ends nothing

pass_on() {
	"$@" &
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
}

say_killed() { # PROGRAM KEY: its script; what takes less memory
	[ $code -le 128 ] || echo "$1.sh: $1 was killed by signal $((code - 128)); by 9 it is for want of memory, most often: give the" \
		"container more, or set $2 lower" >&2
}

uptime() { cut -d. -f1 /proc/uptime; }

# where it computes, as these options of it have it
device() { "$here/inference" --print device "$@" 2> /dev/null; }

# PROGRESS OPTION...: true where it is another than the last time, or else once more, with $other: another GPU than the device
# of these options, then none.
before=none other=''
further() {
	progress=$1
	shift
	if [ "$progress" = "$before" ]; then
		on=$(device "$@")
		gpus=$(ls /dev/nvidia[0-9]* 2> /dev/null | wc -l)
		[ "$on" != cpu ] || gpus=0
		case "$gpus $other" in
		"0 "* | *=cpu) return 1 ;;
		"1 "* | *=cuda:*) other='--set device=cpu' ;;
		*) [ "$on" = "cuda:$((gpus - 1))" ] && other='--set device=cuda:0' || other="--set device=cuda:$((gpus - 1))" ;;
		esac
	fi
	before=$progress
}
