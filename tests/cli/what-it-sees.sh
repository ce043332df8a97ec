#!/bin/sh
# what-it-sees.sh - a page of what the network sees, of slides that the sample writes: its size, that it is the same again,
# that strength 0 shows each sample as it was read, and what is said of what cannot be shown.
. "${0%/*}/tap.sh"

B=$(cd "$B" && pwd) || exit 1
cd "$T" || exit 1

cat > data.yaml << 'YAML'
tiles: {size: 64}
sampling: {jitter: 0}
device: cpu
YAML
see="$B/what-it-sees --config data.yaml --data d"

# WIDTHxHEIGHT of a PNG, which must be whole
size_of() {
	[ "$(tail -c 8 "$1" | od -An -tx1 | tr -d ' ')" = 49454e44ae426082 ] || { echo broken; return; }
	od -An -tu1 -j16 -N8 "$1" | awk '{ print ($1 * 256 + $2) * 65536 + $3 * 256 + $4 "x" ($5 * 256 + $6) * 65536 + $7 * 256 + $8 }'
}
same() { cmp -s "$1" "$2"; echo $?; }

expect 'sample' 0 '' "$B/sample" d --train 6 --test 1 --positive 0.5 --tile 64 --tissue-tiles 90:110 --lesion 20:40 --levels 6 \
	--ink 0 --seed 5
expect 'a page' 0 '' $see -o page.png
is 'of three samples of three kinds, in eight columns' "$(cat "$out") $(size_of page.png)" \
	'page.png: 9 samples, as read and in 7 epochs 566x816'
expect 'again' 0 '' $see -o again.png
is 'it is the same' "$(same page.png again.png)" 0
expect 'of another seed' 0 '' $see -o other.png --set split.seed=7
is 'it is another' "$(same page.png other.png)" 1
expect 'as many as are asked for' 0 '' $see -o few.png --samples 1 --epochs 2
is 'are shown' "$(size_of few.png)" 216x288
expect 'strength 0' 0 '' $see -o plain.png --samples 1 --epochs 2 --strength 0
expect 'is augmentation of nothing' 0 '' $see -o nothing.png --samples 1 --epochs 2 --set augmentation.flips=false \
	--set augmentation.turns=false --set augmentation.angle=0 --set augmentation.scale=0 --set augmentation.shift=0 \
	--set augmentation.stain=0 --set augmentation.colour=0
is 'to the last pixel' "$(same plain.png nothing.png) $(same plain.png few.png)" '0 1'
all='--set augmentation.stretch=0.2 --set augmentation.stain_mix=1 --set augmentation.damage=1 --set augmentation.elastic=0.05
	--set augmentation.blur=1.5 --set augmentation.sharpen=1 --set augmentation.noise=0.05 --set augmentation.jpeg=0.6'
# shellcheck disable=SC2086
expect 'all that there is' 0 '' $see -o all.png $all
is 'is another page' "$(same page.png all.png) $(size_of all.png)" '1 566x816'
for how in none reinhard macenko; do
	expect "normalised: $how" 0 '' $see -o $how.png --set tiles.normalise=$how
	is 'looks otherwise' "$(same page.png $how.png)" 1
done
expect 'two magnifications' 0 '' $see -o wider.png --samples 1 --epochs 1 --set tiles.context=4
is 'stand below each other' "$(size_of wider.png)" 146x552
expect 'a large sample is shown smaller' 0 'no case .* of kind normal: the others take its share' $see -o large.png --samples 1 --epochs 1 --set tiles.size=700
is 'by each second pixel, of the two kinds that there are' "$(size_of large.png) $(cat "$out")" \
	'718x772 large.png: 2 samples, as read and in 1 epochs'
expect 'a slide that cannot be read' 0 "left out" sh -c 'for i in d/train/image/negative/*/Index.dat; do truncate -s 100 "$i"; done; "$@"' \
	sh $see -o holes.png
expect 'no slides' 3 "what-it-sees: .*no slide matches" $see -o x.png --set data.images='none/{class}/{name}.mrxs'
expect 'nowhere to' 2 '^what-it-sees: -o SHEET.png is wanted; see --help$' $see
expect 'another ending' 2 'SHEET.png is wanted' $see -o x.jpg
expect 'no such strength' 2 '^what-it-sees: --strength: expected 0 to 1$' $see -o x.png --strength 2
expect 'no samples' 2 '^what-it-sees: --samples: expected 1 to 100$' $see -o x.png --samples 0
expect 'no such key' 2 'augmentation.blurr: unknown key; did you mean augmentation.blur?' $see -o x.png --set augmentation.blurr=1
is 'nothing was written' "$([ -e x.png ]; echo $?)" 1
finish
