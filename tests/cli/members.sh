#!/bin/sh
# members.sh - several networks in one run: each with other slides held out, stopped in the second and gone on with; what is
# said of slides that were held out; answers by both, and by one where the other's file is damaged.
# shellcheck disable=SC2086
. "${0%/*}/tap.sh"

B=$(cd "$B" && pwd) || exit 1
cd "$T" || exit 1
if [ "${SANITIZE-}" ]; then
	tap_result 'members # SKIP four trainings; pipeline.sh runs under the sanitizers' 0
	finish
fi

cat > data.yaml << 'YAML'
tiles: {size: 64}
model: {network: simple}
split: {validation: 0.5}
sampling: {tiles_per_epoch: 160}
training: {members: 2, epochs: 2, batch: 8, checkpoint: 1, time: 190s}        # 2 % of it are too little to rehearse
inference: {batch: 64, turns: 2}
device: cpu
YAML
train="$B/train --config data.yaml --data d"
inference="$B/inference --config data.yaml --data d"
weights() { cat "$1"/weights-*.safetensors "$1"/weights2-*.safetensors | sha256sum | cut -d' ' -f1; }

expect 'sample' 0 '' "$B/sample" d --train 8 --test 4 --positive 0.5 --tile 64 --tissue-tiles 24:32 --lesion 4:12 \
	--levels 6 --ink 0 --seed 5
expect 'two members' 0 'nothing failed' $train --set training.time=0
stdout_has 'the first holds out four slides' ' split member=1 cases=4 held_out='
stdout_has 'the second the other four' ' split member=2 cases=4 held_out='
is 'each slide once' "$(sed -n 's/.* split member=[12] cases=4 held_out=\([^ ]*\)$/\1/p' "$out" | sort -u | tr ',\n' '\n\n' | sort -u | grep -c Slide)" 8
stdout_has 'the second begins' ' member n=2/2 held_out=4'
stdout_has 'epochs are counted on' ' epoch n=4/4 member=2/2 '
stdout_has 'all slides are judged' ' outcome saved_epoch=[34] slide_auc=[0-9.]* interval=[^ ]* cases=8'
is 'two networks are kept' "$(tr -d '\n' < d/model/model.json | grep -c '"weights" : {.*"weights2" : {')" 1
whole=$(weights d/model)

expect 'both answer' 0 'nothing failed' $inference
stdout_has 'it says so' ' model network=simple members=2 '
cp d/output/output.csv both.csv

mkdir stopped
$train --set paths.model=stopped > log 2> errors &
pid=$!
n=0
until grep -q ' epoch n=3/4 ' log || ! kill -0 $pid 2> /dev/null || [ $n -gt 6000 ]; do
	n=$((n + 1))
	sleep 0.05
done
kill -9 $pid
wait $pid 2> /dev/null
expect 'stopped in the second, it goes on there' 0 'nothing failed' $train --set paths.model=stopped
stdout_has 'not from the first' ' resume epoch='
is 'the first is not learned again' "$(grep -c ' member n=1/2 ' "$out")" 0
is 'with the same weights' "$(weights stopped)" "$whole"
stdout_has 'and all that was said' ' outcome saved_epoch=[34] slide_auc=[0-9.]* interval=[^ ]* cases=8'

printf 'x' | dd of="$(ls stopped/weights2-*)" bs=1 seek=5000 conv=notrunc 2> /dev/null
expect 'one of two is damaged' 0 'weights2-.*: its checksum is wrong: the file is damaged; of 2 networks 1 answer' $inference \
	--set paths.model=stopped
stdout_has 'the other answers' ' outcome cases=4 scored=4 '
is 'otherwise than both' "$(cmp -s d/output/output.csv both.csv && echo same)" ''
finish
