#!/bin/sh
# pipeline.sh - train, then inference, on small slides, as the cloud runs them: the model folder, the answer
# file, and what is said and left behind when slides, model, folders or the run itself are not as they should be.
# shellcheck disable=SC2086
. "${0%/*}/tap.sh"

B=$(cd "$B" && pwd) || exit 1
top=$(cd "${0%/*}/../.." && pwd) || exit 1
shared=$(cd "$top" && cd "${BLINDRUN_SHARED:-../shared}" 2> /dev/null && pwd)
cd "$T" || exit 1

has() {	# NAME PATTERN: a line of the last command's stderr
	grep -q -e "$2" "$err"
	tap_result "$1" $? "expected '$2'
$(tail -n 20 "$err")"
}

skip() { tap_result "$1 # SKIP $2" 0; }

last() { tail -n 1 "$1" | cut -d' ' -f3-; }

# NAME MODEL: every file that the manifest names is there with its size and checksum
model_right() {
	bad=
	names=$(sed -n 's/^ *"name" : "\(.*\)",*$/\1/p' "$2/model.json")
	[ -n "$names" ] || bad="no names in $2/model.json"
	for name in $names; do
		sum=$(sha256sum "$2/$name" | cut -d' ' -f1) size=$(wc -c < "$2/$name" | tr -d ' ')
		grep -q "\"sha256\" : \"$sum\"" "$2/model.json" || bad="$bad $name: checksum"
		grep -q "\"bytes\" : $size\$" "$2/model.json" || grep -q "\"bytes\" : $size," "$2/model.json" ||
			bad="$bad $name: size"
	done
	is "$1" "$bad" ''
}

flip() {	# FILE: one bit near its end
	size=$(wc -c < "$1")
	byte=$(tail -c 100 "$1" | head -c 1 | od -An -tu1)
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $((byte ^ 1)))" | dd of="$1" bs=1 seek=$((size - 100)) conv=notrunc 2> /dev/null
}

cat > data.yaml << 'YAML'
tiles: {size: 64}
model: {network: simple}
sampling: {tiles_per_epoch: 96}
training: {epochs: 2, batch: 32, screen: true, time: 190s}       # 2 % of it are too little to rehearse
inference: {batch: 64, turns: 2}
device: cpu
YAML
train="$B/train --config data.yaml --data d"
inference="$B/inference --config data.yaml --data d"
quick='--set training.epochs=1 --set training.batch=8 --set sampling.tiles_per_epoch=8'       # where how much is learned does not matter

expect 'sample' 0 '' "$B/sample" d --train 8 --test 4 --positive 0.5 --tile 64 --tissue-tiles 24:32 --lesion 4:12 \
	--levels 6 --ink 0 --seed 5

# ---- before there is a model ----
expect 'inference without a model' 1 "there is no model in 'd/model': train first; every case" $inference
is 'every slide has even odds' "$(cut -d, -f2 d/output/output.csv | sort -u)" 0.500000
is 'and is answered' "$(answered d/test mrxs d/output/output.csv)" complete
expect 'check without a model' 3 "there is no model in 'd/model': train first" $inference --check

# ---- train ----
expect 'a model folder that cannot be made' 1 "cannot make '/proc/none': " $train --set paths.model=/proc/none
expect 'train' 0 'nothing failed, 0 warnings' $train --set training.time=0
stdout_has 'train says what there is' ' train data slides=8 positive=4 negative=4 left_out=0 '
stdout_has 'train says what it left' ' train outcome saved_epoch='
is 'train ends with its code' "$(last "$out" | cut -d' ' -f1-3)" 'train end exit=0'
is 'each line has its form' "$(grep -cvE '^time=20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z t=[0-9]+\.[0-9] train ' "$out")" 0
model_right 'the manifest is right' d/model
if command -v jq > /dev/null; then
	is 'the manifest is JSON' "$(jq -r '.format, .facts.mpp, .settings["tiles.size"]' d/model/model.json | tr '\n' ' ')" '1 0.5 64 '
elif command -v python3 > /dev/null; then
	is 'the manifest is JSON' "$(python3 -c 'import json; m = json.load(open("d/model/model.json"))
print(m["format"], m["facts"]["mpp"], m["settings"]["tiles.size"], "")')" '1 0.5 64 '
else
	skip 'the manifest is JSON' 'neither jq nor python3'
fi
expect 'check with a model' 0 '' $inference --check

# ---- inference ----
expect 'inference' 0 'nothing failed, 0 warnings' $inference
stdout_has 'it looks coarsely first' ' scanned pass=2 samples=[0-9]* coarse=[1-9]'
is 'and in full at some, from the first pass on' "$(sed -n 's/.* scanned pass=1 samples=\([0-9]*\) coarse=\([0-9]*\) .*/\1 \2/p' "$out" | awk '{ print ($1 > $2 && $2 > 0) }')" 1
is 'each slide once, sorted' "$(answered d/test mrxs d/output/output.csv)" complete
is 'and its form' "$(grep -cvE '^Slide[0-9]+,[01]\.[0-9]{6}$' d/output/output.csv)" 0
is 'not all alike' "$([ "$(cut -d, -f2 d/output/output.csv | sort -u | wc -l)" -ge 3 ]; echo $?)" 0
is 'inference ends with its code' "$(last "$out" | cut -d' ' -f1-3)" 'inference end exit=0'
cp d/output/output.csv first.csv
expect 'again, other batches, other order of work' 0 'nothing failed' $inference --set inference.batch=7 --set threads=1
is 'gives much the same' "$(paste -d, first.csv d/output/output.csv |
	awk -F, '{ d = $2 - $4; if (d < -0.05 || d > 0.05 || $1 != $3) n++ } END { print n + 0 }')" 0
expect 'the model says what a tile is' 0 'nothing failed' $inference --set tiles.size=96 --set data.classes=a,b
stdout_has 'and so does the log' 'settings tiles.size=64 from=model instead_of=96'
is 'and the answers are the same' "$(cmp first.csv d/output/output.csv 2>&1)" ''
cp -R d/model fp32 && sed 's/"bf16" : [01]/"bf16" : 0/' d/model/model.json > fp32/model.json
expect 'a model that was learned in fp32, another file, with a header' 0 'nothing failed' $inference --set paths.model=fp32 \
	--set answer.file=other.csv --set answer.header=true --set answer.decimals=2
stdout_has 'answers in fp32, wherever it is' ' precision=fp32 threads='
is 'has the header' "$(head -n 1 d/output/other.csv)" 'case,probability'
is 'and its decimals' "$(grep -cE '^Slide[0-9]+,[01]\.[0-9]{2}$' d/output/other.csv)" 4

# ---- train again, over that ----
cp -R d/model old
expect 'train over a model that is finished' 0 "done in 'd/model': nothing is left to do; another training.run, or --fresh, trains anew" $train
is 'leaves it' "$(cmp old/model.json d/model/model.json 2>&1)" ''
expect 'train with other settings over it' 0 'nothing failed' $train --set split.seed=7 $quick
model_right 'the new one is right' d/model
is 'it is another' "$(cmp -s old/model.json d/model/model.json; echo $?)" 1
is 'the old one is the one before' "$(cmp old/model.json d/model/model.before.json 2>&1)" ''
is 'and nothing else is left' "$(find d/model -name '*.safetensors' | wc -l | tr -d ' ')" 2

# ---- damage ----
newest=$(sed -n 's/^ *"name" : "\(.*\)",*$/\1/p' d/model/model.json)
flip "d/model/$newest"
expect 'a damaged file' 0 "$newest: its checksum is wrong: the file is damaged; the one saved before it is used" $inference
is 'the model before answers' "$(cmp first.csv d/output/output.csv 2>&1)" ''
mkdir both && cp d/model/model*.json both/
for name in d/model/*.safetensors; do head -c 1000 "$name" > "both/${name##*/}"; done
expect 'all damaged, with an answer of before' 1 "no model can be used in 'both': .*; the answer that was there before stays" \
	$inference --set paths.model=both
is 'which stays' "$(cmp first.csv d/output/output.csv 2>&1)" ''
rm d/output/output.csv
expect 'all damaged' 1 "no model can be used in 'both': .*: 1000 bytes; its manifest says" $inference --set paths.model=both
is 'all answered all the same' "$(cut -d, -f2 d/output/output.csv | sort -u)" 0.500000
expect 'and check says so' 3 "no model can be used in 'both'" $inference --set paths.model=both --check
rm -r d/model && cp -R old d/model

# ---- a run that is ended ----
$train --set training.epochs=5000 > .out 2> .err &
pid=$!
n=0
until [ "$(find d/model -name 'model.json' -newer data.yaml)" ] && ! cmp -s old/model.json d/model/model.json; do
	n=$((n + 1))
	[ $n -lt 300 ] || break
	sleep 0.1
done
kill -9 $pid
wait $pid 2> /dev/null
model_right 'killed while it trains: a model' d/model
expect 'that answers' 0 '' $inference --check
rm -r d/model && cp -R old d/model
expect 'a limit on time' 0 'nothing failed' $train --set training.epochs=100000 --set training.time=8s
took=$(tail -n 1 "$out" | sed 's/.*seconds=\([0-9]*\).*/\1/')
[ "$took" -le 12 ] && [ "$took" -ge 3 ]
tap_result 'is kept' $? "$took s"
model_right 'and a model is there' d/model
expect 'a limit on time of a few steps' 0 'nothing failed' $train --set training.batch=200 --set training.epochs=100000 \
	--set training.time=8s
stdout_has 'is planned from the first on' ' plan why=measured '
rm d/output/output.csv
expect 'no time to answer' 0 'nothing failed' $inference --set inference.time=0.001
is 'every slide is answered' "$(answered d/test mrxs d/output/output.csv)" complete
stdout_has 'with what there is' ' outcome cases=4 scored=0 fallback=4 '
rm -r d/model && cp -R old d/model

# ---- data that are not as they should be ----
expect 'no training folder' 3 "no slide matches 'image/{class}/{name}.mrxs' in 'none'; class 'negative': .*check paths.train" \
	$train --set paths.train=none
is 'the model is untouched' "$(cmp old/model.json d/model/model.json 2>&1)" ''
mkdir -p empty/test
expect 'an empty test folder' 3 "no slide matches '{name}.mrxs' in 'empty/test'" $inference --set paths.test=empty/test
expect 'no test folder' 3 "none.*No such file or directory; check paths.test and data.test" $inference --set paths.test=none
expect 'a training that diverges' 7 'training.learning_rate=1"$' $train --set training.optimiser=sgd \
	--set training.learning_rate=10 --set training.warmup=0 --set paths.model=diverged
expect 'leaves the network as it began' 0 '' $inference --set paths.model=diverged --check
expect 'nowhere to save' 1 "cannot make 'data.yaml/model'" $train --set paths.model=data.yaml/model --set training.epochs=1
expect 'nowhere to answer' 1 "cannot make 'data.yaml/output'" $inference --set paths.output=data.yaml/output

mkdir -p bad/train/image/negative bad/train/mask bad/test
ln -s "$T"/d/train/image/negative/* bad/train/image/negative/
ln -s "$T"/d/train/image/positive bad/train/image/positive
ln -s "$T"/d/train/mask/positive bad/train/mask/positive
echo 'no slide' > bad/train/image/negative/Slide900.mrxs
mkfifo bad/train/image/negative/Slide901.mrxs
expect 'training with slides that cannot be read' 0 "slide 'Slide900': cannot be opened: .*; left out" $train \
	--set paths.train=bad/train $quick --set paths.model=bad/model
has 'each is named' "slide 'Slide901': cannot be opened: it is no file; left out"
stdout_has 'and counted' 'train data slides=8 positive=4 negative=4 left_out=2 '

ln -s "$T"/d/test/* bad/test/
half=$(basename "$(ls -d d/test/Slide*.mrxs | head -n 1)" .mrxs)
rm "bad/test/$half"
cp -R "d/test/$half" "bad/test/$half"
for name in "bad/test/$half"/Data*.dat; do
	head -c $(($(wc -c < "$name") / 2)) "$name" > cut && cp cut "$name"
done
echo 'no slide' > bad/test/Slide900.mrxs
: > bad/test/Slide901.mrxs
mkfifo bad/test/Slide902.mrxs
mkdir bad/test/Slide903.mrxs
ln -s nowhere bad/test/Slide904.mrxs
expect 'test slides that cannot be read' 0 "slide '$half': " $inference --set paths.test=bad/test
is 'all are answered' "$(answered bad/test mrxs d/output/output.csv)" complete
for name in Slide900 Slide901 Slide902 Slide903 Slide904; do
	has "$name is named" "slide '$name': cannot be opened: .*; it is answered with the fallback 0\.5"
	is "$name has the fallback" "$(grep "^$name," d/output/output.csv)" "$name,0.500000"
done
is 'the others are as before' "$(grep -vE "^(Slide90.|$half)," d/output/output.csv)" "$(grep -v "^$half," first.csv)"
is 'the last line is what to look at' "$(last "$out" | cut -d' ' -f1-3)" 'inference end exit=0'

# ---- the scripts of the image ----
mkdir bin && cp "$B/train" "$B/inference" "$top/common/pass_on.sh" "$top/common/run.sh" "$top/train/train.sh" "$top/inference/inference.sh" data.yaml bin/
chmod +x bin/*.sh
data="--data $T/s"
mkdir s && ln -s "$T/d/train" s/train && ln -s "$T/d/test" s/test
expect 'inference.sh without a model' 0 'train first' bin/inference.sh $data
is 'has answered' "$(answered d/test mrxs s/output/output.csv)" complete
# an answer is new where it is another file than before, whatever the clock of who keeps it says
expect "inference.sh, where the files' clock is behind" 0 'train first' \
	env LD_PRELOAD="$B/clock.so" CLOCK_JUMP=3600 bin/inference.sh $data
expect 'train.sh without data or a model' 3 'no slide matches' bin/train.sh $data --set paths.train=/none
expect 'train.sh' 0 'nothing failed' bin/train.sh $data $quick
expect 'train.sh without data, with a model' 0 'no slide matches' bin/train.sh $data --set paths.train=/none
expect 'both, from elsewhere' 0 'nothing failed' sh -c 'cd / && "$0/bin/train.sh" --data "$0/s" "$@" &&
	"$0/bin/inference.sh" --data "$0/s"' "$T" $quick
expect 'both, by run.sh, with an option of train alone' 0 'nothing failed' bin/run.sh $data --fresh $quick
is 'have answered' "$(answered d/test mrxs s/output/output.csv)" complete
for age in '1 second ago' '1 hour'; do
	touch -d "$age" s/output/output.csv
	expect "inference.sh with an answer of $age and no slides" 3 'no slide matches' bin/inference.sh $data --set paths.test="$T/empty/test"
done
expect 'inference.sh with wrong settings' 2 'unknown key' bin/inference.sh $data --set tiles.sise=3

ln -s bin/train.sh bin/inference.sh .
mkdir -p v/volume && ln -s "$T/d/train" v/train && ln -s "$T/d/test" v/test
expect 'by links, into a volume folder' 0 'nothing failed' sh -c './train.sh --data v "$@" &&
	./inference.sh --data v' sh $quick
is 'which has the model' "$(find v/* -maxdepth 1 -name model.json)" v/volume/model.json
is 'and it answers' "$(answered d/test mrxs v/output/output.csv)" complete
[ -z "${SANITIZE-}" ] || skip 'closed streams' 'six trainings under the sanitizers'
[ "${SANITIZE-}" ] || for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-' '>/dev/full 2>&1' '| true'; do
	rm -rf s/output s/model
	expect "with $closed" 0 '*' sh -c "(bin/train.sh $data $quick && bin/inference.sh $data) $closed"
	while [ "$closed" = '| true' ] && [ ! -f s/output/output.csv ] && [ $((n += 1)) -lt 600 ]; do sleep 0.1; done
	model_right 'the model is right' s/model
	is 'and every slide answered' "$(answered d/test mrxs s/output/output.csv)" complete
done

# ---- weights to start from, seen from data.yaml; a batch in parts ----
mkdir -p other/weights && cp "d/model/$(sed -n 's/^ *"name" : "\(.*\)",*$/\1/p' d/model/model.json)" other/weights/w.safetensors
{ cat data.yaml; echo 'model: {network: simple, weights: weights/w.safetensors}'; } | sed '/^model: {network: simple}$/d' > other/data.yaml
expect 'weights beside data.yaml' 0 'nothing failed' "$B/train" --config other/data.yaml --data s $quick --set training.batch=32
stdout_has 'are loaded, for tiles twice as large' ' model network=simple input=128 .* weights=loaded '
stdout_has 'memory is named before anything is read' ' train memory need_mb=[1-9][0-9]* limit_mb=[1-9][0-9]* .* batch=32 at_once=32 readers='

# ---- two magnifications ----
expect 'each place at two magnifications' 0 'nothing failed' $train --set tiles.context=4 $quick --set paths.model=wider \
	--set model.weights=other/weights/w.safetensors --set model.input=64 --set training.time=0
stdout_has 'what is wider begins at random' ' weights left_out=".* has no wider.weight: the classifier starts at random"'
expect 'answers likewise' 0 'nothing failed' $inference --set paths.model=wider
stdout_has 'by the model' 'settings tiles.context=4 from=model instead_of=1'
is 'every slide is answered' "$(answered d/test mrxs d/output/output.csv)" complete
expect 'a network that draws a map has one' 2 "network 'unet' draws a map of one picture: set tiles.context to 1" $train --set tiles.context=4 \
	--set model.network=unet --set paths.model=map

# ---- slides of other formats that are broken in their own ways ----
if [ -d "${shared:-/none}/data/wsi/negative_tests" ]; then
	for ending in svs tiff; do
		mkdir "other-$ending"
		ln -s "$shared"/data/wsi/negative_tests/*."$ending" "other-$ending/"
		expect "broken .$ending files" 0 '*' $inference --set paths.test="other-$ending" --set "data.test={name}.$ending"
		is 'are all answered' "$(answered "other-$ending" "$ending" d/output/output.csv)" complete
		for name in $(cut -d, -f1 d/output/output.csv); do
			grep -q -e " case slide=$name samples=" "$out" || grep -q -e "slide '$name': .*fallback" "$err"
			tap_result "$name is scored or named" $? "$(tail -n 20 "$out" "$err")"
		done
	done
else
	skip 'broken files of other formats' 'there is no shared/data/wsi/negative_tests'
fi
finish
