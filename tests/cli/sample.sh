#!/bin/sh
# The sample program as a user runs it: folders, tables, what openslide-show-properties says of its
# slides, and bad options, each of which gives one line and exit status 2. Output is TAP.
# B: folder of the built programs (default: build).
set -u

sample=${B:-build}/sample
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT INT TERM
count=0
failed=0

check() {	# check NAME COMMAND...: the command succeeds
	what=$1
	shift
	count=$((count + 1))
	if "$@" >"$work/out" 2>&1; then
		echo "ok $count - $what"
	else
		echo "not ok $count - $what"
		sed 's/^/# /' "$work/out"
		failed=1
	fi
}

skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

refuses() {	# refuses STATUS MESSAGE ARGUMENT...: exit status, and the only line on stderr
	expected=$1
	message=$2
	shift 2
	"$sample" "$@" >"$work/stdout" 2>"$work/stderr"
	status=$?
	cat "$work/stderr"
	[ "$status" -eq "$expected" ] && [ ! -s "$work/stdout" ] &&
		[ "$(cat "$work/stderr")" = "sample: $message" ]
}

property() {	# property SLIDE NAME
	openslide-show-properties "$1" | sed -n "s/^$2: '\(.*\)'\$/\1/p"
}

data=$work/data
check "writes a sample" "$sample" "$data" --train 4 --test 2 --tissue-tiles 20 --lesion 1:5 --seed 7 --levels 7
check "says what it wrote" test "$(cat "$work/out")" = "wrote 4 training and 2 test slides to $data"
for path in train/image/negative train/image/positive train/mask/negative train/mask/positive \
	test/Slide005.mrxs test/Slide006/Slidedat.ini test/Slide006/Index.dat test/Slide006/Data0001.dat \
	model output truth.csv; do
	check "has $path" test -e "$data/$path"
done

csv=$data/train/Dataset_information.csv
check "table has its header" test "$(head -n 1 "$csv")" = "file name,class,x-min offset,y-min offset"
check "table has a line a slide" test "$(grep -cE '^Slide00[1-4]\.mrxs,(negative|positive),[1-9][0-9]*,[1-9][0-9]*$' "$csv")" -eq 4
check "half the slides or so are positive" test "$(grep -c positive "$csv")" -eq 2
check "truth names the test slides" test "$(grep -cE '^Slide00[56],(0,0|1,[1-5])$' "$data/truth.csv")" -eq 2
check "truth has nothing else" test "$(wc -l <"$data/truth.csv")" -eq 2
for line in $(sed -n '2,$p' "$csv" | tr -d ' '); do
	name=${line%%.*}
	class=$(echo "$line" | cut -d, -f2)
	check "$name is where its class says" test -e "$data/train/image/$class/$name.mrxs"
	check "$name has its mask" test -s "$data/train/mask/$class/$name.png"
done

if command -v openslide-show-properties >/dev/null 2>&1; then
	line=$(sed -n 2p "$csv")
	slide=$data/train/image/$(echo "$line" | cut -d, -f2)/$(echo "$line" | cut -d, -f1)
	check "vendor" test "$(property "$slide" openslide.vendor)" = mirax
	check "levels" test "$(property "$slide" openslide.level-count)" = 7
	check "mpp" test "$(property "$slide" openslide.mpp-x)" = 0.5
	check "objective" test "$(property "$slide" openslide.objective-power)" = 20
	check "bounds-x is the table's" test "$(property "$slide" openslide.bounds-x)" = "$(echo "$line" | cut -d, -f3)"
	check "bounds-y is the table's" test "$(property "$slide" openslide.bounds-y)" = "$(echo "$line" | cut -d, -f4)"
	check "writes a slide of full size" "$sample" "$work/full" --train 0 --test 1 --tissue-tiles 20 --lesion 1 --full-size --levels 10 --mpp 0.221
	check "full width" test "$(property "$work/full/test/Slide001.mrxs" 'openslide.level\[0\].width')" = 93952
	check "full height" test "$(property "$work/full/test/Slide001.mrxs" 'openslide.level\[0\].height')" = 132352
	check "ten levels" test "$(property "$work/full/test/Slide001.mrxs" openslide.level-count)" = 10
else
	skip "properties" "no openslide-show-properties"
fi

check "refuses an old sample" refuses 1 "'$data/train' exists already" "$data"
check "refuses no folder" refuses 2 "expected one OUT_DIR (see --help)"
check "refuses two folders" refuses 2 "expected one OUT_DIR (see --help)" a b
check "refuses an unknown option" refuses 2 "Unknown option --colour" --colour "$work/x"
check "refuses a bad share" refuses 2 "--positive: a share from 0 to 1" --positive 2 "$work/x"
check "refuses a bad range" refuses 2 "--lesion: expected N or MIN:MAX, found '1:2:3'" --lesion 1:2:3 "$work/x"
check "refuses too large a lesion" refuses 2 "--lesion: must be less than --tissue-tiles" --lesion 1:60 --tissue-tiles 60 "$work/x"
check "refuses a bad tile" refuses 2 "--tile: a multiple of 16 from 16 to 512" --tile 100 "$work/x"
check "refuses too many levels" refuses 2 "--levels: 6 to 10" --levels 11 "$work/x"
check "refuses no slides" refuses 2 "--train and --test: 1 to 10000 slides in all" --train 0 --test 0 "$work/x"
check "bad options write nothing" test ! -e "$work/x"
mkdir "$work/tiles"
printf 'id,label\nabc,2\n' >"$work/tiles/labels.csv"
check "names the bad line of labels" refuses 1 "tiles '$work/tiles': labels.csv:2: expected 'id,0' or 'id,1', found 'abc,2'" --tiles "$work/tiles" "$work/x"
printf 'id,label\nabc,1\n' >"$work/tiles/labels.csv"
check "names a missing tile" refuses 1 "tiles '$work/tiles': tile '$work/tiles/tiles/abc.png': No such file or directory" --tiles "$work/tiles" "$work/x"

echo "1..$count"
exit $failed
