#!/bin/sh
# real.sh - the main job on slides of real tiles, from real weights: it learns to find large lesions on slides
# that it never saw. Skipped where ../shared is absent.
. "${0%/*}/tap.sh"

shared=${BLINDRUN_SHARED:-../shared}/data
weights=$shared/weights/squeezenet1_1.safetensors
if [ ! -f "$shared/pcam/labels.csv" ] || [ ! -f "$weights" ]; then
	tap_result "real tiles # SKIP no $shared" 0
	finish
fi
if [ "${SANITIZE-}" ]; then
	tap_result 'real tiles # SKIP takes minutes under the sanitizers; pipeline.sh runs there' 0
	finish
fi

expect 'slides of real tiles' 0 '' "$B/sample" "$T/d" --tiles "$shared/pcam" --train 24 --test 24 --lesion 20:60 \
	--tissue-tiles 100:150 --seed 3
expect 'train' 0 'nothing failed, 0 warnings' "$B/train" --data "$T/d" --set model.network=squeezenet1_1 \
	--set model.weights="$weights" --set tiles.size=96 --set training.epochs=2 --set sampling.tiles_per_epoch=3000
stdout_has 'the classifier of 1000 classes is left out' 'weights .*the classifier starts at random'
stdout_has 'an epoch says loss, tile AUC and slide AUC' 'epoch n=2/2 .* loss=0.* tile_auc=0.* slide_auc='
expect 'inference' 0 'nothing failed, 0 warnings' "$B/inference" --data "$T/d"
stdout_has 'every slide is scored' 'outcome cases=24 scored=24 fallback=0'
expect 'score' 0 '' "$B/score" --auc "$T/d/output/output.csv" "$T/d/truth.csv"
auc=$(cat "$out")
awk -v auc="$auc" 'BEGIN { exit !(auc >= 0.75) }'
tap_result 'large lesions are found' $? "AUC $auc, expected at least 0.75"
finish
