#!/bin/sh
# resume.sh - training that is stopped and started again: by kill -9 and by signals, over finished, unfinished, other and
# damaged folders; the rehearsal; two runs on one folder.
# shellcheck disable=SC2086
. "${0%/*}/tap.sh"

top=$(cd "${0%/*}/../.." && pwd) B=$(cd "$B" && pwd) || exit 1
cd "$T" || exit 1

if [ "${SANITIZE-}" ]; then
	tap_result 'stopped and started # SKIP a dozen trainings; test-fit stops and starts under the sanitizers' 0
	finish
fi

cat > data.yaml << 'YAML'
tiles: {size: 64}
model: {network: simple}
sampling: {tiles_per_epoch: 240, hard: 0.5, mine_every: 1}
training: {epochs: 2, batch: 8, checkpoint: 1, optimiser: radam, schedule: one_cycle, clip: 1, closing: 0.2, layer_decay: 0.9, screen: true, time: 190s}
inference: {batch: 64, turns: 2}
device: cpu
YAML
train="$B/train --config data.yaml --data d"
inference="$B/inference --config data.yaml --data d"
rehearsed="--set training.time=0"       # of 190 s there is too little time for it
short="--set training.epochs=1 --set sampling.tiles_per_epoch=24"
weights() { cat "$1"/weights-*.safetensors | sha256sum | cut -d' ' -f1; }

# PATTERN PID LOG: until the log of a program has it, or the program ended
await() {
	n=0
	until grep -q -e "$1" "$3" 2> /dev/null; do
		n=$((n + 1))
		[ $n -lt 1200 ] && kill -0 "$2" 2> /dev/null || return 1
		sleep 0.05
	done
}

expect 'sample' 0 '' "$B/sample" d --train 8 --test 4 --positive 0.5 --tile 64 --tissue-tiles 24:32 --lesion 4:12 \
	--levels 6 --ink 0 --seed 5

# ---- rehearsal ----
expect 'rehearse only' 0 'nothing failed' $train --rehearse-only
stdout_has 'says what it did' ' rehearsal steps=3 cases=4 seconds='
is 'and leaves nothing' "$(ls d/model)" ''
mkdir alone && cp "$B/train" alone/
expect 'a rehearsal without inference' 1 'the rehearsal cannot start inference: ' alone/train --config data.yaml --data d $rehearsed
is 'trains nothing' "$(ls d/model)" ''
printf '#!/bin/sh\necho "time=2026-01-01T00:00:00Z t=0.1 inference end cause=\\"the moon is full\\"" >&2\nexit 3\n' > alone/inference
chmod +x alone/inference
expect 'a rehearsal that fails' 1 "the rehearsal's inference ended with 3: the moon is full\"$" alone/train --config data.yaml \
	--data d $rehearsed
printf '#!/bin/sh\nexit 0\n' > alone/inference
expect 'a rehearsal without an answer' 1 "the rehearsal's answer" alone/train --config data.yaml --data d $rehearsed
is 'leaves no model' "$(ls d/model)" ''
printf '#!/bin/sh\nexec sleep 100\n' > alone/inference
expect 'a rehearsal whose inference has not ended in time' 0 "the rehearsal's inference had not ended after [0-9]* s; of 120 s .*not known" \
	env LD_PRELOAD="$B/clock.so" CLOCK_SPEED=30 alone/train --config data.yaml --data d $rehearsed $short --set paths.model=slow
is 'ends no run' "$(find slow -name model.json)" slow/model.json
expect 'a rehearsal alone does' 5 'had not ended' env LD_PRELOAD="$B/clock.so" CLOCK_SPEED=300 alone/train --config data.yaml --data d \
	--rehearse-only --set paths.model=slower
expect 'too little time for one' 0 'nothing failed' $train --set training.time=20s $short --set paths.model=short
stdout_has 'is said' ' rehearsal none="2% of training.time are 0.4 s"'

# ---- stopped and started ----
expect 'the run that is never stopped' 0 'nothing failed' $train $rehearsed
stdout_has 'seeks hard tiles' ' mined epoch=2 judged=12 found=[12] hard=[12] seconds='
whole=$(weights d/model)
copies='--set load.cache=1G --set load.folder=near'

# SIGNAL EPOCH ERR: to the run that is $pid, which catches it
ends() {
	begun=$(date +%s)
	kill -$1 $pid
	wait $pid
	is "SIG$1: its code" $? 6
	is "SIG$1: within 10 s" "$([ $(($(date +%s) - begun)) -le 10 ]; echo $?)" 0
	grep -q "stopped by SIG$1 at epoch $2 step [0-9]*; started again, it goes on from there" "$3"
	tap_result "SIG$1: says so" $? "$(tail -n 3 "$3")"
}

for signal in TERM KILL; do     # the latter with copies of the slides
	[ $signal = KILL ] && with=$copies || with=
	rm -rf part
	: > "$out"
	$train --set paths.model=part $with > "$out" 2> "$err" &
	pid=$!
	await ' epoch n=1/2 ' $pid "$out"
	if [ $signal = TERM ]; then
		ends TERM '[12]' "$err"
	else
		kill -9 $pid
		wait $pid
		is 'SIGKILL: its code' $? 137
		is 'SIGKILL: copies stay' "$(find near/blindrun-slides -name '*.mrxs' | grep -qvF .part/; echo $?)" 0
	fi
	expect "SIG$signal: a model is there" 0 '' $inference --set paths.model=part --check
	expect "SIG$signal: goes on" 0 'nothing failed' $train --set paths.model=part $with
	stdout_has "SIG$signal: from where it was" ' resume epoch=[12] step='
	[ $signal = TERM ] || stdout_has 'SIGKILL: with the copies' ' copies copied=[0-7] found=[1-8] read=[1-8] '
	is "SIG$signal: to the same weights" "$(weights part)" "$whole"
done
expect 'finished' 0 'nothing is left to do' $train --set paths.model=part
is 'stays as it is' "$(weights part)" "$whole"
slide=$(find d/train/image -name '*.mrxs' | sort | head -n 1)
mv "${slide%.mrxs}" away
expect 'finished, and a slide cannot be opened today' 0 'nothing is left to do' $train --set paths.model=part
mv away "${slide%.mrxs}"
expect 'anew, with copies' 0 'nothing failed' $train --set paths.model=part --fresh $copies
stdout_has 'of all slides' ' copies copied=[1-8] found=0 read=[1-8] no_room=0 failed=0'
is 'the weights are the same' "$(weights part)" "$whole"
is 'and no copy is left' "$(ls near)" ''
expect 'no room for copies' 0 '[1-8] slides found no room below .near. and were read where they are' $train --set paths.model=none \
	$short --set load.cache=1K --set load.folder=near
expect 'no folder for copies' 0 "load.cache: cannot make '/proc/none/blindrun-slides': .*; slides are read where they are" $train \
	--set paths.model=none2 $short --set load.cache=1G --set load.folder=/proc/none

# ---- train.sh, where train is killed ----
mkdir bin && cp "$B/train" "$B/inference" "$top/train/train.sh" "$top/common/pass_on.sh" bin/
killed="env LD_PRELOAD=$B/fail.so FAIL_CALL=rename FAIL_PATH=killed/model.json FAIL_DOES=kill FAIL_TIMES=1"
expect 'killed at the eleventh save of each process' 0 'train.sh: train was killed by signal 9; ' $killed FAIL_AFTER=10 \
	bin/train.sh --config data.yaml --data d --set paths.model=killed --set training.checkpoint=0.1s
stdout_has 'it goes on' ' resume epoch=[12] step='
stdout_has 'and its time runs on' ' spent total=.* before=[1-9]'
is 'to the same weights' "$(weights killed)" "$whole"
expect 'killed at the first save of each' 137 'train.sh: train was killed by signal 9; ' $killed \
	bin/train.sh --config data.yaml --data d --set paths.model=first/killed --set training.checkpoint=0.1s
is 'is tried once more, not for ever' "$(grep -c 'was killed' "$err")" 2

# ---- an unfinished run ----
rm -rf part
$train --set paths.model=part --set training.epochs=1000 > .out 2> .err &
pid=$!
await ' epoch n=1/' $pid .out       # of fewer than 1000: of those that the time holds
expect 'two runs on one folder' 1 "another train writes to 'part': wait for its end" $train --set paths.model=part
ends INT '[1-9][0-9]*' .err
before=$(sha256sum < part/model.json)
expect 'other settings' 2 "'part' holds an unfinished run of other settings: training.epochs is '1000' there and '2' here; set it" \
	$train --set paths.model=part
is 'leave it as it was' "$(sha256sum < part/model.json)" "$before"
cp "$(ls d/model/weights-*.safetensors | head -n 1)" w.safetensors
from="$train --set paths.model=from $short --set model.weights=w.safetensors"
expect 'from weights' 0 'nothing failed' $from
expect 'from the same again' 0 'training of these settings is done' $from
cp "$(ls part/weights-*.safetensors | head -n 1)" w.safetensors
expect 'from others of the same name' 0 'nothing failed' $from
stdout_has 'it is trained' ' trained steps=3 '
expect 'settings that change no weights' 6 'stopped by SIGTERM' sh -c "$train --set paths.model=part --set \
training.epochs=1000 --set training.checkpoint=9m --set inference.turns=8 --set training.time=10h > .o & p=\$!
until grep -q ' resume epoch=' .o; do sleep 0.05; done; kill -TERM \$p; wait \$p"
mkdir other && cp -R part/. other/
for state in other/state-*.safetensors; do
	head -c 5000 "$state" > cut && cp cut "$state"
done
expect 'a damaged state' 0 "the run in 'other' cannot be gone on with: its state is damaged; a new one begins" $train \
	--set paths.model=other $short
cp -R part third
expect 'another name' 0 'nothing failed' $train --set paths.model=part --set training.run=second $short
is 'begins anew' "$(grep -c ' resume epoch=' "$out")" 0
expect 'or --fresh' 0 'nothing failed' $train --set paths.model=third --fresh $short
finish
