#!/bin/sh
# config.sh - the command line and data.yaml as both programs take them: what is wrong is said in one
# line with where, what was expected and the nearest key, and ends with 2 before anything else is done.
. "${0%/*}/tap.sh"

B=$(cd "$B" && pwd) || exit 1
top=$(cd "${0%/*}/../.." && pwd) || exit 1
cd "$T" || exit 1
printf 'tiles:\n  size: 96\n  sise: 96\n' > key.yaml
printf 'tiles:\n  size: 96\n\ntraining:\n  epochs: many\n' > type.yaml
printf 'device: cpu\ntiles: {tissue: 1.5}\n' > range.yaml
printf 'tiles:\n\tsize: 96\n' > tab.yaml
printf 'tiles: {size: 96}\ndevice: cpu\n' > good.yaml
# data.yaml, or, where its user has set something in it, as it came
defaults() {
	if cmp -s "$out" "$top/data.yaml" || ! git -C "$top" show HEAD:data.yaml 2> /dev/null; then cat "$top/data.yaml"; fi
}
mkdir here && printf 'tiles: {size: 112}\n' > here/data.yaml

for program in train inference; do
	p=$B/$program
	expect "$program: unknown key in a file" 2 'key.yaml:3: tiles.sise: unknown key; did you mean tiles.size?$' \
		"$p" --config key.yaml
	is "$program: one line" "$(wc -l < "$err" | tr -d ' ')" 1
	expect "$program: wrong type in a file" 2 \
		"type.yaml:5: training.epochs: expected a whole number from 0 to 100000, not 'many'\$" "$p" --config type.yaml
	expect "$program: out of range in a file" 2 \
		"range.yaml:2: tiles.tissue: expected a number from 0 to 1, not '1.5'\$" "$p" --config range.yaml
	expect "$program: no YAML" 2 'tab.yaml:2: .*use spaces instead of tabs$' "$p" --config tab.yaml
	expect "$program: no file" 2 'none.yaml: cannot be read: No such file' "$p" --config none.yaml
	expect "$program: wrong file beats a right --set" 2 'key.yaml:3: ' "$p" --config key.yaml --set tiles.size=96

	expect "$program: unknown key" 2 '--set tiles.sise: unknown key; did you mean tiles.size?$' \
		"$p" --config good.yaml --set tiles.sise=96
	expect "$program: wrong type" 2 "--set tiles.size: expected a whole number from 16 to 4096, not 'big'\$" \
		"$p" --config good.yaml --set tiles.size=big
	expect "$program: no value" 2 '--set tiles.size: expected KEY=VALUE, such as tiles.size=96$' \
		"$p" --config good.yaml --set tiles.size
	expect "$program: more than one line" 2 "--set competition: expected text of one line, not 'a?b'\$" \
		"$p" --config good.yaml --set 'competition=a
b'
	expect "$program: keys that do not go together" 2 'data.images: expected {class} in ' \
		"$p" --config good.yaml --set 'data.images={name}.mrxs'
	expect "$program: wrong --set beats --settings" 2 'tiles.size: expected' \
		"$p" --config good.yaml --set tiles.size=0 --settings
	is "$program: and nothing is printed" "$(cat "$out")" ""

	expect "$program: unknown option" 2 'unknown option --foo; see --help$' "$p" --foo=3
	expect "$program: unexpected argument" 2 "unexpected argument 'data.yaml'; see --help\$" "$p" data.yaml
	expect "$program: option without its value" 2 '--config; see --help$' "$p" --config

	expect "$program: --version" 0 '' "$p" --version
	is "$program: its line" "$(cat "$out")" "blindrun 0.1.0"
	expect "$program: --help" 0 '' "$p" --help
	stdout_has "$program: has an example" '--set tiles.size=96'

	expect "$program: --settings" 0 '' "$p" --config good.yaml --data /d --set tiles.mpp=0.5 \
		--set paths.model=/m --set data.classes=a,b --set training.time=5400 --settings
	stdout_has "$program: from the file" '^  size: 96 '
	stdout_has "$program: from --data" '^  train: /d/train '
	stdout_has "$program: from --set" '^  mpp: 0.5 '
	stdout_has "$program: from --set, not --data" '^  model: /m '
	stdout_has "$program: a list" '^  classes: \[a, b\] '
	stdout_has "$program: a time" '^  time: 1h30m '
	cp "$out" printed.yaml
	expect "$program: what was printed is read" 0 '' "$p" --config printed.yaml --settings
	is "$program: and printed again" "$(cat "$out")" "$(cat printed.yaml)"
	expect "$program: the defaults" 0 '' "$p" --config /dev/null --settings
	is "$program: are data.yaml" "$(cat "$out")" "$(defaults)"
	expect "$program: the last --set wins" 0 '' "$p" --config good.yaml --set device=cuda --set device=cpu --settings
	stdout_has "$program: which is cpu" '^device: cpu '
	expect "$program: data.yaml here" 0 '' sh -c 'cd here && "$1" --settings' sh "$p"
	stdout_has "$program: is read" '^  size: 112 '
	mkdir -p "$program/bin" && cp "$p" "$program/bin/" && cp good.yaml "$program/data.yaml"
	expect "$program: data.yaml above the program" 0 '' "$program/bin/$program" --settings
	stdout_has "$program: is read" '^  size: 96 '
	cp here/data.yaml "$program/bin/"
	expect "$program: data.yaml beside the program" 0 '' "$program/bin/$program" --settings
	stdout_has "$program: is read before that" '^  size: 112 '
	expect "$program: one value" 0 '' "$p" --config good.yaml --set data.classes=a,b --print data.classes
	is "$program: is printed as --set takes it" "$(cat "$out")" '[a, b]'
	expect "$program: two values" 0 '' "$p" --config good.yaml --set tiles.size=64 --print data.classes --print tiles.size
	is "$program: are printed a line each" "$(sed -n '$p' "$out")" 64
	is "$program: and no more" "$(wc -l < "$out")" 2
	expect "$program: one value that is none" 2 '--print tiles.sise: unknown key; --settings prints them all$' \
		"$p" --config good.yaml --print tiles.sise
	expect "$program: a full disk" 1 'stdout cannot be written$' sh -c '"$1" --settings > /dev/full' sh "$p"
done
finish
