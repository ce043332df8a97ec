#!/bin/sh
# attention.sh - attention over tiles in both programs: slides without masks teach it, inference answers by it, a run that
# was killed while it was learned ends alike, and where its file is damaged answers go without.
# shellcheck disable=SC2086
. "${0%/*}/tap.sh"

B=$(cd "$B" && pwd) || exit 1
cd "$T" || exit 1

if [ "${SANITIZE-}" ]; then
	tap_result 'attention # SKIP trainings; test-fit-bags learns it under the sanitizers' 0
	finish
fi

cat > data.yaml << 'YAML'
tiles: {size: 64}
model: {network: simple}
sampling: {tiles_per_epoch: 64}
training: {epochs: 1, batch: 8, members: 2}
score: {model: attention}
inference: {batch: 64, turns: 2}
device: cpu
YAML
train="$B/train --config data.yaml --data d"
inference="$B/inference --config data.yaml --data d"
sums() { grep -o '"sha256" : "[0-9a-f]*"' "$1/model.json"; grep -e '"slope"' -e '"intercept"' -e '"auc"' "$1/model.json"; }
files() { (cd "$1" && ls ./attention*) | sed 's/-[0-9-]*\.safetensors//' | tr '\n' ' '; }

expect 'sample' 0 '' "$B/sample" d --train 28 --test 6 --positive 0.5 --tile 64 --tissue-tiles 16:24 --lesion 4:8 \
	--levels 6 --ink 0 --seed 5
n=0
for mask in d/train/mask/positive/*.png; do
	[ $((n += 1)) -gt 5 ] || rm "$mask"
done

expect 'train' 0 '*' $train
stdout_has 'five slides have no mask' ' positive_without_mask=5 '
learned=$(grep -c ' attention member=[12] bags=2[0-9] tiles=[0-9]* looked_at=4096 seconds=[0-9.]*s slide_auc=[01]' "$out")
is 'each member learns it' "$([ "$learned" -ge 2 ]; echo $?)" 0
is 'and it is saved' "$(files d/model)" './attention ./attention2 '
is 'the score is by it' "$(grep -c '"model" : "attention"' d/model/model.json)" 1
expect 'inference' 0 'nothing failed' $inference
is 'says of each slide what it was told' "$(grep -c ' case slide=[^ ]* samples=[0-9]* raw=[^ ]* attention=[-0-9.]* p=0\.' "$out")" 6
cp d/output/output.csv usual
sums d/model > whole

# the first member's is there, the second's is being learned
: > "$out"
$train --set paths.model=part > "$out" 2> "$err" &
pid=$! n=0
until [ "$(grep -c ' ended epochs=1 ' "$out")" -ge 2 ] || ! kill -0 $pid 2> /dev/null || [ $((n += 1)) -gt 6000 ]; do
	sleep 0.02
done
kill -9 $pid
wait $pid 2> /dev/null
expect 'killed: goes on' 0 '*' $train --set paths.model=part
stdout_has 'with the second' ' attention member=2 '
is 'to the same files and the same score' "$(sums part)" "$(cat whole)"

expect 'for want of time' 0 '*' $inference --set inference.time=1h
is 'the same, as there was enough' "$(cat d/output/output.csv)" "$(cat usual)"
for file in d/model/attention*; do
	printf x >> "$file"
done
expect 'damaged' 0 'attention-[0-9]*.safetensors: [0-9]* bytes; its manifest says [0-9]*; answers are without it' $inference
is 'the answer is complete' "$(wc -l < d/output/output.csv)" 6
is 'and another' "$(cmp -s d/output/output.csv usual; echo $?)" 1
finish
