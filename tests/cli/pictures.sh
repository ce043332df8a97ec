#!/bin/sh
# pictures.sh - heat maps that inference draws where it is asked to, and what must not come of them: no other answer, no
# other end, no half a file; and contact sheets of slides and heat maps.
# shellcheck disable=SC2086
. "${0%/*}/tap.sh"

B=$(cd "$B" && pwd) || exit 1
cd "$T" || exit 1

cat > data.yaml << 'YAML'
tiles: {size: 64}
model: {network: simple}
sampling: {tiles_per_epoch: 32}
training: {epochs: 1, batch: 16, time: 190s}   # 2 % of it are too little to rehearse
inference: {batch: 32, turns: 2}
device: cpu
YAML
inference="$B/inference --config data.yaml --data d"
on="$inference --set pictures.heat=true"
at=d/model/pictures

# WIDTHxHEIGHT of a PNG, which must be whole
size_of() {
	[ "$(tail -c 8 "$1" | od -An -tx1 | tr -d ' ')" = 49454e44ae426082 ] || { echo broken; return; }
	od -An -tu1 -j16 -N8 "$1" | awk '{ print ($1 * 256 + $2) * 65536 + $3 * 256 + $4 "x" ($5 * 256 + $6) * 65536 + $7 * 256 + $8 }'
}

# The files of the pictures' folder, and how many of them have a longest side of 1000 px above their scale.
drawn() {
	for f in "$at"/*; do
		[ ! -e "$f" ] || size_of "$f"
	done | awk -Fx '{ n++; if ($1 == 1000 || $2 == 1024) right++ } END { print n + 0, right + 0 }'
}

expect 'sample' 0 '' "$B/sample" d --train 4 --test 4 --positive 0.5 --tile 64 --tissue-tiles 90:110 --lesion 20:40 \
	--levels 6 --ink 0 --seed 5
expect 'train' 0 'nothing failed' "$B/train" --config data.yaml --data d

# ---- off, and on ----
expect 'off' 0 'nothing failed' $inference
is 'nothing is drawn' "$([ -e $at ]; echo $?)" 1
cp d/output/output.csv plain.csv
expect 'on' 0 'nothing failed' $on
is 'a picture a slide, of the right size' "$(drawn)" '4 4'
is 'of their names' "$(ls $at | tr '\n' ' ')" "$(cut -d, -f1 plain.csv | sed 's/$/.png/' | LC_ALL=C sort | tr '\n' ' ')"
stdout_has 'all were drawn' ' pictures drawn=8 failed=0 left=0 '
is 'the answer is the same' "$(cmp plain.csv d/output/output.csv; echo $?)" 0
full=$(cat $at/* | cksum)
expect 'again' 0 'nothing failed' $on
is 'gives the same pictures' "$(cat $at/* | cksum)" "$full"
cp -R $at maps
expect 'a coarse look alone' 0 '*' $on --set inference.time=2.4s
is 'has pictures whole, or none' "$(drawn | awk '$1 == $2 { print "well" }')" well

# ---- what cannot be drawn ----
disk() { # NAME CALL ERROR WORDS: the folder takes no files
	if [ "${SANITIZE-}" ]; then
		tap_result "$1 # SKIP the sanitizers want to be loaded first" 0
		return
	fi
	rm -rf $at
	expect "$1" 0 "$4; no more pictures are drawn" env LD_PRELOAD="$B/fail.so" FAIL_CALL="$2" FAIL_PATH=/pictures/ \
		FAIL_DOES="$3" $on
	is 'is said once' "$(grep ' warning ' "$err" | grep -c picture)" 1
	is 'leaves nothing half' "$(drawn)" '0 0'
	is 'the answer is the same' "$(cmp plain.csv d/output/output.csv; echo $?)" 0
}
disk 'a full disk' write 28 'No space left on device'
disk 'a read-only folder' open 30 'Read-only file system'
rm -rf $at
: > $at
expect 'a file where the folder should be' 0 "cannot make 'd/model/pictures': .*; no pictures are drawn" $on
is 'the answer is the same' "$(cmp plain.csv d/output/output.csv; echo $?)" 0
rm $at
first=$(head -n 1 plain.csv | cut -d, -f1) second=$(sed -n 2p plain.csv | cut -d, -f1)
cp -R d/test whole
truncate -s 100 "d/test/$first/Index.dat"
expect 'a truncated slide' 0 "slide '$first': .*; it is answered with the fallback" $on
is 'has no picture' "$([ -e "$at/$first.png" ]; echo $?)" 1
is 'the others have' "$(drawn)" '3 3'
is 'and it is said once' "$(grep ' warning ' "$err" | grep -c "'$first'")" 1
for glass in d/test/$first d/test/$second; do rm -r "$glass"; done
cp -R whole/* d/test/

# ---- stopped ----
rm -rf $at
$on --set inference.batch=4 > .log 2> .err &
pid=$! n=0
until [ -e $at ] || ! kill -0 $pid 2> /dev/null || [ $((n += 1)) -gt 1200 ]; do sleep 0.05; done
kill -TERM $pid
wait $pid
is 'SIGTERM: its exit code' $? 6
is 'the answer is complete' "$("$B/check-answer" --config data.yaml d/output/output.csv d/test > /dev/null; echo $?)" 0
is 'pictures are whole' "$(drawn | awk '$1 == $2 { print "well" }')" well

# ---- contact sheets ----
sheet="$B/contact-sheet"
expect 'a sheet' 0 '' $sheet d/test -o sheet.png
is 'has three columns, two lines' "$(size_of sheet.png)" 732x580
names=$(cut -d, -f1 plain.csv | LC_ALL=C sort) last=$(echo "$names" | tail -n 1) low=$(echo "$names" | head -n 1)
is 'in the order of names' "$(cat "$out")" "sheet.png: 4 slides, $low to $last"
n=10 # all with two decimals
for name in $names; do
	echo "$name,0.$((n += 1))"
done > answer.csv
{ echo name,label; sed 's/,.*/,1/' answer.csv; } > truth.csv
highest=$(sort -t, -k2 -gr answer.csv | head -n 1 | cut -d, -f1) lowest=$(sort -t, -k2 -g answer.csv | head -n 1 | cut -d, -f1)
expect 'with all that there is' 0 '' $sheet d/test -o all.png --pictures maps --answer answer.csv --truth truth.csv
is 'the highest comes first' "$(cat "$out")" "all.png: 4 slides, $highest to $lowest"
is 'it is as large' "$(size_of all.png)" 732x580
is 'and another picture' "$(cmp -s sheet.png all.png; echo $?)" 1
sed 1d answer.csv > short.csv
rm "maps/$last.png"
expect 'a row and a picture are missing' 0 "short.csv: 1 of 4 slides have no row" \
	$sheet d/test -o some.png --pictures maps --answer short.csv
is 'who has no answer stands last' "$(cat "$out")" "some.png: 4 slides, $last to $low"
is 'and the picture is named' "$(grep -c "$last.png.*; the slide is shown without" "$err")" 1
rm -r "d/test/$low"
expect 'a slide that cannot be opened' 0 "slide '$low': cannot be opened: an .mrxs file needs its folder" \
	$sheet d/test -o bad.png
is 'has its place' "$(cat "$out") $(size_of bad.png)" "bad.png: 4 slides, $low to $last 732x580"
mkdir many empty
n=100
while [ $((n += 1)) -le 201 ]; do
	ln -s "$T/d/test/$last.mrxs" many/s$n.mrxs
	ln -s "$T/d/test/$last" many/s$n
done
expect 'of many, two pages' 0 '' $sheet many -o many.png
is 'a hundred on the first' "$(tr '\n' ';' < "$out")" 'many-1.png: 100 slides, s101 to s200;many-2.png: 1 slide, s201 to s201;'
is 'of ten columns' "$(size_of many-1.png) $(size_of many-2.png) $([ -e many.png ]; echo $?)" '2398x2708 2398x314 1'
expect 'by a pattern' 0 '' $sheet many -o two.png --test 's20{name}.mrxs'
is 'those alone' "$(cat "$out")" 'two.png: 2 slides, 0 to 1'
expect 'an empty folder' 3 "contact-sheet: no slide is in 'empty'\$" $sheet empty -o x.png
expect 'nothing that fits' 3 "contact-sheet: no slide matches '{name}.svs' in 'many'\$" $sheet many --test '{name}.svs' -o x.png
expect 'no folder' 1 "contact-sheet: .*none.*No such file" $sheet none -o x.png
expect 'nothing asked' 2 'FOLDER and -o SHEET.png are wanted; see --help' $sheet
expect 'nowhere to' 2 'FOLDER and -o SHEET.png are wanted; see --help' $sheet many
expect 'another ending' 2 "expected a name that ends in .png, not 'x.jpg'" $sheet many -o x.jpg
expect 'no such pictures' 2 "pictures: 'none' is no folder" $sheet many -o x.png --pictures none
expect 'a broken table' 3 'bad.csv:2: `slide,number` is wanted' sh -c 'printf "a,b\nc,d\n" > bad.csv; exec "$@"' sh \
	$sheet many -o x.png --answer bad.csv
is 'nothing was written' "$([ -e x.png ]; echo $?)" 1
finish
