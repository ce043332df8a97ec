#!/bin/sh
# annotations.sh - tumour that was drawn, as QuPath and ASAP save it, in place of PNG masks: the same tiles are tumour, and what
# is wrong with a drawing costs its slide alone.
# shellcheck disable=SC2086
. "${0%/*}/tap.sh"

B=$(cd "$B" && pwd) || exit 1
cd "$T" || exit 1

has() {	# NAME PATTERN: a line of the last command's stderr
	grep -q -e "$2" "$err"
	tap_result "$1" $? "expected '$2'
$(tail -n 20 "$err")"
}

cat > data.yaml << 'YAML'
tiles: {size: 64}
model: {network: simple}
sampling: {tiles_per_epoch: 8}
training: {epochs: 1, batch: 8, time: 190s}   # 2 % of it are too little to rehearse
inference: {batch: 64, turns: 1}
device: cpu
YAML
train="$B/train --config data.yaml --data d --fresh"

# What was found of each slide, and of all.
found() { grep -oE ' (case slide=Slide.*|slide=Slide[0-9]* class=.*|data slides=.*)' "$out" | sed 's, seconds=.*,,' | sort; }

# Cells lie off the grid of tiles and of mask pixels, so that shares of tumour are any.
expect 'sample' 0 '' "$B/sample" d --train 8 --test 2 --positive 0.5 --tile 80 --tissue-tiles 24:32 --lesion 2:12 --levels 6 \
	--ink 0 --seed 5 --unaligned --annotations
masks=d/train/mask

expect 'PNG masks' 0 'nothing failed, 0 warnings' $train
found > png
is 'have tumour' "$(grep -c 'class=positive .* tumour_tiles=[1-9]' png)" 4
is 'none is empty' "$(grep -c 'data slides=8 positive=4 negative=4 left_out=0 positive_without_mask=0 ' png)" 1
for kind in geojson xml; do
	expect "$kind" 0 'nothing failed, 0 warnings' $train --set "data.masks=mask/{class}/{name}.$kind"
	found > "$kind"
	is "$kind: the same" "$(diff png $kind)" ''
done
expect 'another scale of the mask' 0 'nothing failed, 0 warnings' $train --set 'data.masks=mask/{class}/{name}.xml' --set data.mask_scale=1
is 'still has tumour' "$(found | grep -c 'class=positive .* tumour_tiles=[1-9]')" 4
expect 'classes by name' 0 'nothing failed, 0 warnings' $train --set 'data.masks=mask/{class}/{name}.geojson' --set 'data.tumour=[tumor]'
found > named
is 'are the same' "$(diff png named)" ''

# ---- what is wrong ----
expect 'classes that nobody drew' 0 "slide 'Slide002': its mask shows no tumour, though the slide is positive" \
	$train --set 'data.masks=mask/{class}/{name}.xml' --set 'data.tumour=[metastases]'
found | grep -q 'positive_without_mask=4 '
tap_result 'are as empty masks' $? "$(found)"
echo '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry":
{"type": "Polygon", "coordinates": [[[5, 5], [9e6, 7], [8, "x"]]]}}]}' > $masks/positive/Slide002.geojson
sed 's/\(\[*\[\)[0-9]*, /\19000000, /g' $masks/positive/Slide003.geojson > moved && mv moved $masks/positive/Slide003.geojson
printf '{"type": "FeatureCollection", "features": []}' > $masks/positive/Slide004.geojson
echo '[{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[100, 100], [900, 100], [100, 900]]]}}]' \
	> $masks/negative/Slide001.geojson
expect 'drawings that are wrong' 0 "slide 'Slide002': '.*Slide002.geojson': feature 1: ring 1: point 3: expected two numbers: its tiles are not learned from" \
	$train --set 'data.masks=mask/{class}/{name}.geojson'
has 'one that is elsewhere' "slide 'Slide003': '.*Slide003.geojson': all of it lies outside the slide's scanned part: .* data.origin"
found | grep -q ' data slides=8 positive=4 negative=4 left_out=0 positive_without_mask=3 '
tap_result 'none is left out' $? "$(found)"
has 'one that is empty' "slide 'Slide004': its mask shows no tumour, though the slide is positive"
has 'one of a slide without tumour' "slide 'Slide001': it is among the slides without tumour, and its mask has [1-9][0-9]* px"
sed 's/X="\([0-9]*\)"/X="\1,5"/' $masks/positive/Slide007.xml > comma && mv comma $masks/positive/Slide007.xml
expect 'a decimal comma' 0 "slide '.*': '.*Slide007.xml':11: X is '[0-9]*,5', no number: its tiles are not learned from" \
	$train --set 'data.masks=mask/{class}/{name}.xml' --rehearse-only
finish
