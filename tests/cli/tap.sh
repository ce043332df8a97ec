# tap.sh - what the tests of whole programs share, to be sourced: . "${0%/*}/tap.sh"
#
#   expect NAME EXIT PATTERN COMMAND...   runs it: its exit code, and a line of stderr that has PATTERN
#                                         ("" where stderr must be empty, "*" where it does not matter)
#   stdout_has NAME PATTERN               of the last command; PATTERN as grep -e has it
#   is NAME GOT WANTED                    two texts are the same
#   answered FOLDER ENDING ANSWER         prints "complete" where an answer has the folder's slides, sorted, each with a number
#                                         of six decimals; else what is wrong with it
#   finish                                prints the plan; the exit code says whether all was well
#
# $B is the folder with the programs, $T an empty one that is removed in the end; $out and $err are
# files with what the last command printed.

B=${B:-build}
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM
out=$T/.stdout err=$T/.stderr
tap_count=0 tap_failed=0

# NAME, whether it is well (0), what there is to say if not
tap_result() {
	tap_count=$((tap_count + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $tap_count - $1"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $1"
		printf '%s\n' "$3" | sed 's/^/# /'
	fi
}

expect() {
	tap_name=$1 tap_exit=$2 tap_pattern=$3
	shift 3
	"$@" > "$out" 2> "$err" < /dev/null
	tap_got=$? tap_bad=0
	[ "$tap_got" -eq "$tap_exit" ] || tap_bad=1
	case $tap_pattern in
	'*') ;;
	'') [ ! -s "$err" ] || tap_bad=1 ;;
	*) grep -q -e "$tap_pattern" "$err" || tap_bad=1 ;;
	esac
	tap_result "$tap_name" "$tap_bad" "exit $tap_got, expected $tap_exit with '$tap_pattern'
$(tail -n 20 "$err")"
}

stdout_has() {
	grep -q -e "$2" "$out"
	tap_result "$1" $? "expected '$2'
$(tail -n 20 "$out")"
}

is() {
	[ "$2" = "$3" ]
	tap_result "$1" $? "got '$2', expected '$3'"
}

answered() {
	for slide in "$1"/*."$2"; do
		slide=${slide##*/}
		echo "${slide%."$2"}"
	done | LC_ALL=C sort > "$T/.wanted"
	cut -d, -f1 "$3" > "$T/.names"
	if ! cmp -s "$T/.wanted" "$T/.names"; then
		echo "names: $(tr '\n' ' ' < "$T/.names")"
	elif grep -qvE '^[^,]+,(0\.[0-9]{6}|1\.000000)$' "$3"; then
		echo "form: $(grep -vE '^[^,]+,(0\.[0-9]{6}|1\.000000)$' "$3" | head -n 1)"
	else
		echo complete
	fi
}

finish() {
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ]
	exit
}
