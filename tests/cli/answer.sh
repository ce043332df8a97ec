#!/bin/sh
# answer.sh - the answer, whatever happens to inference: killed, stopped, out of time, run by its script; and what
# check-answer says of answers that were spoilt.
# shellcheck disable=SC2086
. "${0%/*}/tap.sh"

B=$(cd "$B" && pwd) || exit 1
top=$(cd "${0%/*}/../.." && pwd) || exit 1
cd "$T" || exit 1

cat > data.yaml << 'YAML'
tiles: {size: 64}
model: {network: resnet18}
sampling: {tiles_per_epoch: 128}
training: {epochs: 1, batch: 16, learning_rate: 0.00001}      # else all looks may round to 0
inference: {batch: 8, turns: 8}
device: cpu
YAML
inference="$B/inference --config data.yaml --data d"
check="$B/check-answer --config data.yaml"
answer=d/output/output.csv

# How an answer stands: absent, complete, or what is wrong with it.
standing() { if [ -e "$1" ]; then answered d/test mrxs "$1"; else echo absent; fi; }

# Starts a command in the background as $pid, its log in .log, and waits for a line of it.
start() { # PATTERN COMMAND...
	pattern=$1 n=0
	shift
	rm -rf d/output
	: > .log        # else the line of the one before may be found, and the signal come before there is who takes it
	"$@" > .log 2> .err &
	pid=$!
	until grep -q -e "$pattern" .log || ! kill -0 $pid 2> /dev/null || [ $((n += 1)) -gt 1200 ]; do sleep 0.05; done
}

# NAME SIGNAL CODE: ends it so
ended() {
	kill -s "$2" $pid
	wait $pid 2> /dev/null
	is "$1: its exit code" $? "$3"
}

expect 'sample' 0 '' "$B/sample" d --train 4 --test 6 --positive 0.5 --tile 64 --tissue-tiles 90:100 --lesion 20:40 \
	--levels 6 --ink 0 --seed 5
expect 'train' 0 'nothing failed' "$B/train" --config data.yaml --data d --set training.time=190s     # 2 % of it are too little to rehearse

# ---- stopped: the best so far, and 6 ----
counts='[0-9]* of 6 cases were scored fully, [0-9]* coarsely, 0 have the fallback; the answer in output.csv is complete'
for signal in TERM INT; do
	start ' scanned pass=1 ' $inference
	ended "SIG$signal" $signal 6
	is 'the answer' "$(standing $answer)" complete
	is 'is not the fallback' "$([ "$(cut -d, -f2 $answer | sort -u | wc -l)" -gt 1 ]; echo $?)" 0
	grep -q "stopped by SIG$signal: $counts" .err
	tap_result 'the last words say how far it came' $? "$(tail -n 3 .err)"
	is 'and its last line the code' "$(tail -n 1 .log | cut -d' ' -f3-5)" 'inference end exit=6'
done
start ' data cases=' $inference
ended 'early' TERM 6
is 'the answer' "$(standing $answer)" complete

# ---- killed: absent or complete, at any moment ----
for when in ' start version=' ' data cases=' ' model network=' ' plan pass=2 '; do
	start "$when" $inference
	ended "killed after '$when'" KILL 137
	stands=$(standing $answer)
	[ "$stands" = absent ] || [ "$stands" = complete ]
	tap_result 'the answer is absent or complete' $? "$stands"
done
is 'it is complete after the first pass' "$stands" complete

# what a kill in the midst of writing leaves, and what is only like it
rm -rf d/output && mkdir -p d/output/output.csv.folder && ln -s nowhere d/output/output.csv.linked
for name in output.csv.aB3dE9 output.csv.ABCDEFG output.csv.short output.csv.ab-de9 other.csv.aB3dE9; do : > d/output/$name; done
expect 'a half-written answer of a run that was killed' 0 'nothing failed' $inference --set inference.time=0.001
is 'is gone, and nothing else' "$(LC_ALL=C ls d/output | grep csv | tr '\n' ' ')" "other.csv.aB3dE9 output.csv output.csv.ABCDEFG \
output.csv.ab-de9 output.csv.folder output.csv.linked output.csv.short "

# ---- the scripts pass signals on, and wait ----
mkdir bin && cp "$B/train" "$B/inference" "$top/common/pass_on.sh" "$top/common/run.sh" "$top/train/train.sh" "$top/inference/inference.sh" data.yaml bin/
start ' scanned pass=1 ' sh bin/inference.sh --data d
ended 'inference.sh' TERM 0
is 'inference had ended' "$(tail -n 1 .log | cut -d' ' -f3-5)" 'inference end exit=6'
is 'the answer' "$(standing $answer)" complete
start ' data cases=' sh bin/inference.sh --data d --set paths.output=/dev/null/x
wait $pid
is 'nowhere to answer: its exit code' $? 1
# where inference is killed, it is started again
expect 'undisturbed' 0 'nothing failed' $inference
cp $answer undisturbed.csv
start ' scanned pass=1 ' sh bin/inference.sh --data d
kill -9 "$(pgrep -P $pid)"
wait $pid
is 'killed once: the exit code' $? 0
grep -q 'inference.sh: inference was killed by signal 9; .* give the container more, or set inference.batch lower' .err &&
	grep -q 'killed 1 time before this: it goes on from what it answered, with 4 samples in the network at once' .err
tap_result 'the log says so' $? "$(cat .err)"
is 'the answer is as if it had not been' "$(paste -d, undisturbed.csv $answer |
	awk -F, '$1 != $3 || $2 - $4 > 0.001 || $4 - $2 > 0.001' | wc -l)" 0
expect 'killed each time a slide is read' 0 "case 'Slide007': inference was killed twice while it was looked at.*not tried again" \
	env LD_PRELOAD="$B/fail.so" FAIL_CALL=open FAIL_PATH=Slide007/Data FAIL_WHEN=output.csv FAIL_DOES=kill sh bin/inference.sh --data d
is 'it is started twice more' "$(grep -c 'inference is started again' "$err")" 2
# Slide008 comes behind it where it was under way at the first kill, too
stdout_has 'it goes on' ' inference resume killed=2 answered=[45]$'
stdout_has 'and all others are scored in full' ' outcome cases=6 scored=5 fallback=1 fully=5 coarsely=0 '
expect 'killed before any is' 0 'inference is started again' \
	env LD_PRELOAD="$B/fail.so" FAIL_CALL=open FAIL_PATH=model/weights FAIL_WHEN=output.csv FAIL_DOES=kill sh bin/inference.sh --data d
is 'is tried once more, not for ever' "$(grep -c 'was killed by' "$err")" 2
expect 'no folder for what it notes' 0 'was killed by signal 9' \
	env TMPDIR=/nowhere LD_PRELOAD="$B/fail.so" FAIL_CALL=open FAIL_PATH=Slide007/Data FAIL_WHEN=output.csv FAIL_DOES=kill \
		sh bin/inference.sh --data d --set paths.output=alone
is 'it is not started again' "$(grep -c 'started again' "$err")" 0
# after a GPU that gets no further another one, and the CPU
gpus() { # N DEVICE: what is tried where there are so many
	sh -c 'ls() { seq "$0"; }; . bin/pass_on.sh; device() { echo "$1"; }; for at in a a a a; do further $at "$1" && printf "%s|" "$other"; done' "$1" "$2"
}
is 'without a GPU' "$(gpus 0 auto)" '|'
is 'with one' "$(gpus 1 cuda)" '|--set device=cpu|'
is 'with ten' "$(gpus 10 auto)" '|--set device=cuda:9|--set device=cpu|'
is 'where it was the last of two' "$(gpus 2 cuda:1)" '|--set device=cuda:0|--set device=cpu|'
is 'where none is wanted' "$(gpus 2 cpu)" '|'
# a program that takes its time to end, and ends with 7
mkdir slow && cp bin/*.sh slow/
cat > slow/inference << 'SH'
#!/bin/sh
trap 'echo caught; sleep 0.3; echo done; exit 7' TERM
trap 'echo interrupted; exit 8' INT
[ "$1" != --check ] || exit 3
[ "$1" != --print ] || exit 0
echo started
while :; do sleep 0.05; done
SH
cp slow/inference slow/train
chmod +x slow/inference slow/train
for script in inference train run; do
	start started sh slow/$script.sh
	ended "$script.sh" TERM 7
	is 'waited to the end' "$(tr '\n' ' ' < .log)" 'started caught done '
done
# a run that is asked to end begins nothing more, whatever its first phase ends with
sed 's/exit 7/exit 0/' slow/train > slow/ends && cp slow/ends slow/train
start started sh slow/run.sh
ended 'run.sh, after a good end' TERM 0
is 'it ends with the first phase' "$(tr '\n' ' ' < .log)" 'started caught done '
# a program that ends by itself
printf '#!/bin/sh\n[ "$1" = --check ] && exit 0\nexit 5\n' > slow/train
cp slow/train slow/inference
expect 'train.sh, with a model' 0 'train.sh: train failed, as it says above (exit code 5); inference has the model that is there' sh slow/train.sh
for closed in '2>&-' '2>/dev/full' '2>&1 | true'; do
	expect "train.sh, with a model and $closed" 0 '*' bash -o pipefail -c "{ sleep 0.2; sh slow/train.sh; } $closed"
done
expect 'inference.sh, without an answer' 5 '' sh slow/inference.sh
rm slow/train
expect 'no program' 0 'not found' sh slow/train.sh
rm slow/inference
expect 'no program at all' 127 'not found' sh slow/train.sh

# ---- passes within inference.time ----
sum() { sed -n 's/.* outcome cases=6 scored=\([0-9]*\) fallback=\([0-9]*\) fully=\([0-9]*\) coarsely=\([0-9]*\) .*/\1 \2 \3 \4/p' "$out" |
	awk '$1 + $2 == 6 && $3 + $4 == $1 { print "six" }'; }
for time in 0.001 6; do
	expect "in $time s" 0 'nothing failed' $inference --set inference.time=$time
	is 'the answer' "$(standing $answer)" complete
	is 'the counts are of six' "$(sum)" six
	# each pass was planned, and took place
	is 'plans and passes' "$(grep -c ' plan pass=' "$out")" "$(grep -c ' scanned pass=' "$out")"
done
expect 'in as much time as it wants' 0 'nothing failed' $inference --set inference.time=2h --set inference.turns=2
stdout_has 'all is looked at' ' plan pass=2 share=1 turns=2 cases=6 '
stdout_has 'in full' ' outcome cases=6 scored=6 fallback=0 fully=6 coarsely=0 partly_read=0 '
cp $answer timed.csv
expect 'without a limit' 0 'nothing failed' $inference --set inference.turns=2
is 'gives much the same' "$(paste -d, timed.csv $answer |
	awk -F, '{ d = $2 - $4; if (d < -0.05 || d > 0.05 || $1 != $3) n++ } END { print n + 0 }')" 0

# ---- two columns ----
both='--set answer.columns=[probability,longest_axis_um]'
expect 'an answer with the longest axis' 0 'nothing failed' $inference --set inference.turns=2 $both --set score.axis_threshold=0 \
	--set answer.header=true
stdout_has 'each slide says it' ' case slide=Slide[0-9]* samples=[0-9]* raw=.* p=0\.[0-9]* longest_axis_um=[0-9.]*$'
is 'has both columns' "$(head -n 1 $answer)" 'case,probability,longest_axis_um'
sed 1d $answer > rows
is 'their form' "$(grep -cvE '^Slide[0-9]+,[01]\.[0-9]{6},[0-9]+\.[0-9]$' rows)" 0
is 'the same probabilities' "$(cut -d, -f1,2 rows | cmp - timed.csv 2>&1)" ''
# where every tile counts, the axis is that of the tissue: tiles of 32 um; a negative slide has none
is 'and axes' "$(awk -F, '($2 < 0.5) != ($3 == 0) || ($3 > 0 && ($3 < 45 || $3 > 2000)) { n++ } END { print n + 0 }' rows)" 0
expect 'check-answer takes it' 0 '' $check $both --set answer.header=true $answer d/test
expect 'and misses it' 3 '*' $check --set answer.header=true $answer d/test
stdout_has 'with the columns that are wanted' '^wrong: .*:2: 3 fields where `slide,probability` is wanted$'
expect 'score ranks by the probability' 0 '' "$B/score" --header --columns probability,longest_axis_um --auc $answer d/truth.csv
cp "$out" auc
expect 'as without it' 0 '' "$B/score" --auc timed.csv d/truth.csv
is 'it is the same' "$(cat auc)" "$(cat "$out")"
expect 'a column that is unknown' 2 "answer.columns: 'diameter' is unknown; there are probability, longest_axis_um" \
	$inference --set answer.columns=[probability,diameter]
expect 'train says so, too' 2 "answer.columns: expected probability first" \
	"$B/train" --config data.yaml --data d --fresh --set answer.columns=[longest_axis_um]
cp timed.csv $answer

# ---- check-answer ----
says() { # NAME CODE PATTERN: of the answer in bad.csv
	expect "$1" "$2" '*' $check bad.csv d/test
	stdout_has "$1: said" "$3"
}
first=$(head -n 1 $answer | cut -d, -f1) second=$(sed -n 2p $answer | cut -d, -f1)
expect 'a good answer' 0 '' $check $answer d/test
is 'is said to be one' "$(cat "$out")" "$answer can be handed in: 6 cases, each answered once"
sed 1d $answer > bad.csv
says 'one missing' 3 "^wrong: bad.csv: slide '$first' is missing\$"
sed "1s/.*/&\n&/" $answer > bad.csv
says 'one twice' 3 "^wrong: bad.csv:2: slide '$first' a second time, after line 1\$"
sed "1s/^Slide/slode/" $answer > bad.csv
says 'a name misspelt' 3 "^wrong: bad.csv:1: slide 'slode[0-9]*' is not in the test folder; did you mean '$first'?\$"
sed "2s/,.*/,nan/" $answer > bad.csv
says 'no number' 3 "^wrong: bad.csv:2: slide '$second': nan is not finite\$"
sed 's/,/;/' $answer > bad.csv
says 'semicolons' 3 '^wrong: bad.csv:6: 1 field .*: a comma separates, not a semicolon$'
{ echo slide,p; cat $answer; } > bad.csv
says 'a header' 3 '^wrong: bad.csv:1: .*if this line is a header, set answer.header=true'
expect 'a header that is wanted' 0 '' $check --set answer.header=true bad.csv d/test
{ printf '\357\273\277'; cat $answer; } > bad.csv
says 'a byte-order mark' 3 '^wrong: bad.csv:1: a byte-order mark'
sed 's/$/\r/' $answer > bad.csv
says 'CRLF is a doubt' 0 '^doubtful: bad.csv:1: lines end in CR LF'
sed 's/,.*/,0.5/' $answer > bad.csv
says 'all alike is a doubt' 0 '^doubtful: all 6 answers are 0.5'
expect 'no answer' 3 'absent.csv: No such file' $check absent.csv d/test
expect 'no test folder' 3 'check paths.test and data.test' $check $answer none
expect 'nothing asked' 2 'ANSWER \[TEST_FOLDER\] are wanted' $check
finish
