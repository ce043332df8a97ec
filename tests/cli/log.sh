#!/bin/sh
# log.sh - what a competitor has in the end is the last part of two streams: questions.txt beside this is asked of them.
# Then what must not show, a run that is stopped, one that goes on, ones that fail at once; and a parser of others.
# shellcheck disable=SC2086
. "${0%/*}/tap.sh"

B=$(cd "$B" && pwd) || exit 1
here=$(cd "${0%/*}" && pwd) || exit 1
cd "$T" || exit 1

if [ "${SANITIZE-}" ]; then
	tap_result 'what the log says # SKIP five trainings; the unit tests of the log run under the sanitizers' 0
	finish
fi

cat > data.yaml << 'YAML'
tiles: {size: 64}
model: {network: simple}
sampling: {tiles_per_epoch: 64}
training: {epochs: 3, batch: 32}
inference: {batch: 64, turns: 2}
split: {validation: 0.4}
device: cpu
YAML
train="$B/train --config data.yaml --data d"
inference="$B/inference --config data.yaml --data d"
pairs=$B/unit/pairs
quick="$train --set training.time=190s"   # 2 % of it are too little to rehearse

# As the cloud does, cut in the middle of a line: the last 60 KB, less of a short one. One so short that it tells nothing
# again stays whole.
cut_log() { # FROM TO
	size=$(wc -c < "$1")
	tail -c $((size < 16000 ? size : size < 61500 ? size - 1500 : 60000)) "$1" > "$2"
}

# NAME FILE...: each line is one of logfmt as strict readers have it, with two words
well_formed() {
	name=$1
	shift
	begins='time=[-0-9]{10}T[0-9:]{8}Z t=[0-9]+\.[0-9] (train|inference) [a-z_]+'
	value='"([^"\\]|\\["\\])*"|[^" \\=]+'
	is "$name" "$(cat "$@" | grep -vxE "$begins( [a-z_.0-9]+=($value))*")" ''
}

# NAME ERR: at most 40 lines of diagnosis, to the end
diagnosed() {
	is "$1" "$(sed -n '/ outcome /,$p' "$2" | awk '{ w = $4 } END { print (NR >= 8 && NR <= 40), w }')" '1 end'
}

expect 'sample' 0 '' "$B/sample" d --train 12 --test 4 --positive 0.5 --tile 64 --tissue-tiles 24:32 --lesion 4:12 \
	--levels 6 --ink 0 --seed 5
echo 'no slide' > d/train/image/negative/Slide900.mrxs
echo 'no slide' > d/test/Slide901.mrxs
damaged=d/train/image/positive/Slide003/Data0001.dat     # its end: what an overview is made of
size=$(stat -c %s $damaged)
truncate -s $((size - 10000)) $damaged && truncate -s "$size" $damaged

# ---- the questions ----
for program in train inference; do
	expect "$program" 0 'cause="nothing failed, ' "$B/$program" --config data.yaml --data d
	cp "$out" $program.whole && cp "$err" $program-err.whole
	cut_log $program.whole $program
	cp $program-err.whole $program-err
	well_formed "$program: each line has its form" $program.whole $program-err.whole
	for stream in $program.whole $program-err; do
		diagnosed "$stream: the diagnosis" $stream
	done
done

ask() { # STREAM QUERY...
	stream=$1
	shift
	$pairs "$@" < "$stream"
}

number='-?[0-9]+(\.[0-9]+)?(e[-+][0-9]+)?'
while read -r stream rest; do
	case $stream in
	'#' | '') continue ;;
	'?') question=$rest; continue ;;
	esac
	pattern=$(printf '%s\n' "${rest#* : }" | sed -E "s/\bN/$number/g; s/\bQ\b/$number(\\\\.\\\\.$number){4}/g
		s/\bR\b/$number(\\\\.\\\\.$number){1,2}/g; s/\bI\b/$number\\\\.\\\\.$number/g")
	answers=$(ask "$stream" ${rest%% : *})
	[ "$answers" ] && ! printf '%s\n' "$answers" | grep -qvxE -e "$pattern"
	tap_result "$question $stream: ${rest%% : *}" $? "$answers
is not $pattern"
done < "$here/questions.txt"

is 'all epochs are there' "$(ask train epoch n | sort -u | tr '\n' ' ')" '1/3 2/3 3/3 '
is 'and all held-out cases' "$(ask train held case | sort -u | tr '\n' ,)" \
	"$(ask train split held_out | tail -n 1 | tr , '\n' | sort | tr '\n' ,)"
is 'the time adds up' "$(ask train spent | tr '\t' '\n' | awk -F= '/^(t|time|spent|train)=/ { next }
	$1 == "total" { all = $2; next } { sum += $2 } END { print (sum > all - 1 && sum < all + 1) }')" 1
is 'the last line of stderr' "$(tail -n 1 train-err | cut -d' ' -f3-)" 'train end cause="nothing failed, 4 warnings"'

# --settings as lines "key value"
$train --settings | awk '/^[a-z]+: *(#|$)/ { sub(/:.*/, ""); section = $0 "."; next } /^[a-z]/ { section = "" }
	/^ *[a-z_]+: / { sub(/^ */, ""); sub(/  *#.*/, ""); sub(/: */, " "); gsub(/"/, ""); print section $0 }' > all.txt
is 'there are many settings' "$([ "$(wc -l < all.txt)" -gt 50 ]; echo $?)" 0
for program in train inference; do
	while read -r key value; do
		[ "$(ask $program settings "$key" | tail -n 1)" = "$value" ] || echo "$key=$value"
	done < all.txt > wrong
	is "$program: every setting is there, as it applies" "$(cat wrong)" ''
	ask $program try key value > tries
	while read -r key value; do
		expect "$program: $key=$value can be tried" 0 '' $train --set "$key=$value" --print "$key"
		is 'and changes something' "$(grep -cx "$key $(cat "$out")" all.txt)" 0
	done < tries
done
is 'three things to try' "$(ask train try key | sort -u | wc -l | tr -d ' ')" 3

# ---- a parser of others ----
if NODE_PATH=${NODE_PATH-}:$B/node/node_modules node -e 'require("logfmt")' 2> /dev/null; then
	for log in train inference train-err inference-err; do
		$pairs < $log > ours
		NODE_PATH=${NODE_PATH-}:$B/node/node_modules node "$here/logfmt-peer.js" < $log > theirs
		is "$log: Heroku's logfmt reads the same" "$(diff ours theirs | head -n 10)" ''
	done
else
	tap_result "Heroku's logfmt # SKIP not installed: npm install --prefix $B/node logfmt" 0
fi

# ---- what must not show ----
echo 'Slide998.mrxs,positive,1,2' >> d/train/Dataset_information.csv     # there is no such slide
hide="--set log.identifiers=false --set log.ascii=true"
for program in train inference; do
	[ $program = inference ] || fresh='--fresh --set training.time=190s'
	expect "$program without names" 0 'cause="nothing failed, ' "$B/$program" --config data.yaml --data d $hide ${fresh-}
	fresh=
	is 'no name' "$(cat "$out" "$err" | grep -E '(Slide|slide)[0-9]+')" ''
	is 'no path of the data' "$(cat "$out" "$err" | grep -E 'd/(train|test)/')" ''
	is 'ASCII alone' "$(cat "$out" "$err" | LC_ALL=C grep '[^ -~]')" ''
	well_formed 'each line has its form' "$out" "$err"
	is 'what was left out is said' "$(grep -c "(hidden)': " "$err" | awk '{ print ($1 > 0) }')" 1
done

# ---- stopped, and started again ----
rm -rf d/model
: > .log
$quick > .log 2> .err &
pid=$! n=0
until grep -q ' epoch n=1/3 ' .log || ! kill -0 $pid || [ $((n += 1)) -gt 2400 ]; do sleep 0.05; done
kill -TERM $pid
wait $pid
is 'SIGTERM: its code' $? 6
diagnosed 'SIGTERM: the diagnosis' .err
for line in outcome verdict confusion spent limit limits try; do
	grep -q " train $line " .err
	tap_result "SIGTERM: $line" $? "$(tail -n 30 .err)"
done
stopped='stopped by SIGTERM at epoch [123] step [0-9]*; started again, it goes on from there'
is 'SIGTERM: the last line' "$(tail -n 1 .err | grep -c " train end cause=\"$stopped\"\$")" 1
loss=$(ask .log epoch n=1/3 loss | head -n 1)
expect 'started again' 0 'cause="nothing failed, ' $quick
is 'it tells of the epoch before' "$(ask "$out" curve of=loss first | head -n 1 |
	awk -v a="$loss" '{ print ($1 - a < 0.001 && a - $1 < 0.001) }')" 1
for line in resume held roc; do
	stdout_has "and has $line" " train $line "
done
diagnosed 'and a diagnosis' "$err"

# ---- over at once ----
over() { # NAME CODE CAUSE COMMAND...
	over_name=$1 over_code=$2 cause=$3
	shift 3
	expect "$over_name" "$over_code" '*' "$@"
	is 'the last line says why' "$(tail -n 1 "$err" | grep -c " end cause=\"$cause")" 1
	well_formed 'each line has its form' "$out" "$err"
}
mkdir -p empty/train empty/test
over 'no slides' 3 "no slide matches 'image/{class}/{name}.mrxs' in 'empty/train'; .* check paths.train and data.images\"\$" \
	$train --set paths.train=empty/train
over 'no folder for the model' 1 "cannot make '/proc/none': " $train --set paths.model=/proc/none
over 'no slides to answer for' 3 "no slide matches '{name}.mrxs' in 'empty/test'; check paths.test and data.test\"\$" $inference --set paths.test=empty/test
over 'no model' 1 "there is no model in 'nowhere': train first; " $inference --set paths.model=nowhere
finish
