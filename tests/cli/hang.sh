#!/bin/sh
# hang.sh - folders that stop answering: a slide that hangs is given up and named, the others are learnt from and
# answered, the programs end, and end soon when they are asked to.
# shellcheck disable=SC2086
. "${0%/*}/tap.sh"

B=$(cd "$B" && pwd) || exit 1
cd "$T" || exit 1
if [ "${SANITIZE-}" ]; then
	tap_result 'folders that hang # SKIP the sanitizers want to be loaded first' 0
	finish
fi

cat > data.yaml << 'YAML'
data: {patience: 2s}
tiles: {size: 64}
model: {network: simple}
sampling: {tiles_per_epoch: 96}
training: {epochs: 2, batch: 32, time: 190s}   # 2 % of it are too little to rehearse
inference: {batch: 64, turns: 2}
device: cpu
YAML
train="$B/train --config data.yaml --data d --fresh"
inference="$B/inference --config data.yaml --data d"
given_up='gave no answer for 2 s; it is given up'

hang() {	# PATH AFTER COMMAND...: opening PATH hangs, once it was opened AFTER times
	path=$1 after=$2
	shift 2
	${exec-} env LD_PRELOAD="$B/hang.so" HANG_PATH="$path" HANG_AFTER="$after" "$@"
}

expect 'sample' 0 '' "$B/sample" d --train 8 --test 4 --positive 0.5 --tile 64 --tissue-tiles 24:32 --lesion 4:12 \
	--levels 6 --ink 0 --seed 5
test1=$(find d/test -name '*.mrxs' | LC_ALL=C sort | head -n 1)
test1=${test1##*/} test1=${test1%.mrxs}
one=Slide003

# ---- train ----
expect 'train, a slide hangs at opening' 0 "slide '$one': $given_up; left out" hang "$one.mrxs" 0 $train --set training.time=0
stdout_has 'learns from the others' ' train outcome saved_epoch='
stdout_has 'and counts it out' ' train data slides=7 .* left_out=1 '
expect 'train, one hangs when it is looked at' 0 "slide '$one': $given_up; left out" hang "$one/Data0001" 0 $train
stdout_has 'learns from the others, too' ' train data slides=7 .* left_out=1 '
expect 'train, one hangs while it learns' 0 "slide '$one': $given_up" hang "$one/Data0001" 10 $train
stdout_has 'and learns on' ' train outcome saved_epoch='

# ---- inference ----
expect 'inference, a slide hangs at opening' 0 "slide '$test1': $given_up; it is answered with the fallback" \
	hang "$test1.mrxs" 0 $inference
stdout_has 'the others are scored' ' outcome cases=4 scored=3 fallback=1 '
is 'all are answered' "$(wc -l < d/output/output.csv | tr -d ' ')" 4
expect 'inference, one hangs while it is read' 0 "slide '$test1': $given_up; [0-9]* of [0-9]* samples could not be read" \
	hang "$test1/Data0001" 10 $inference
stdout_has 'it is scored by what was read' ' outcome cases=4 scored=4 fallback=0 .* partly_read=1 '

# ---- a signal ----
exec=exec hang "$test1/Data0001" 10 $inference --set data.patience=1h > .out 2> .err &
pid=$!  # its own: without exec it were that of a shell around it
sleep 2
kill -TERM $pid
n=0
while kill -0 $pid 2> /dev/null && [ $n -lt 200 ]; do
	n=$((n + 1))
	sleep 0.1
done
is 'SIGTERM ends it in good time' "$([ $n -lt 200 ]; echo $?)" 0
kill -9 $pid 2> /dev/null
wait $pid 2> /dev/null
is 'and the answer stands' "$(wc -l < d/output/output.csv | tr -d ' ')" 4

finish
