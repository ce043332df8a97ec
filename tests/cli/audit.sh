#!/bin/sh
# audit.sh - what train says of data that are not as they should be, before it learns: copies, contradictions, masks,
# tables, damaged and odd files, another stain. None of it ends the run.
# shellcheck disable=SC2086
. "${0%/*}/tap.sh"

B=$(cd "$B" && pwd) || exit 1
cd "$T" || exit 1
if [ "${SANITIZE-}" ]; then
	tap_result 'audit # SKIP a dozen trainings; pipeline.sh runs under the sanitizers' 0
	finish
fi

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
split: {validation: 0.4}
device: cpu
YAML
train="$B/train --config data.yaml --data d --fresh"

# Negative: 1, 6, 8, 9, 10, 12. Positive: 2 (its mask 31 x 58 px), 3, 4, 5, 7, 11. Test: 13 to 16.
expect 'sample' 0 '' "$B/sample" d --train 12 --test 4 --positive 0.5 --tile 64 --tissue-tiles 24:32 --lesion 4:12 \
	--levels 6 --ink 0 --seed 5
images=d/train/image masks=d/train/mask

expect 'as it should be' 0 'nothing failed, 0 warnings' $train --set training.time=0
stdout_has 'training slides are looked at' ' audit of=train cases=12 looked_at=12 not_opened=0 doubts=0 samples_read=144/144$'
stdout_has 'test slides too' ' audit of=test cases=4 looked_at=4 not_opened=0 doubts=0 samples_read=48/48$'
stdout_has 'each has a line' ' look of=test case=Slide013 read=12/12 width_px='
stdout_has 'and all together' ' ranges of=train .* levels=6..6..6 mpp=0.5..0.5..0.5 '
stdout_has 'none is like another' ' twins cases=0 across_classes=0 train_and_test=0$'
stdout_has 'the machine is named' ' room disk_model_mb=[0-9]* wanted_mb=92 .* files=[0-9]* gpu=none$'

copy() {	# FROM TO: a slide with its folder
	cp "$1.mrxs" "$2.mrxs" && cp -R "$1" "$2"
}

# ---- what is there twice ----
cp -R d whole
copy $images/negative/Slide001 $images/negative/Slide101
copy $images/positive/Slide003 $images/positive/Slide103
cp $masks/positive/Slide003.png $masks/positive/Slide103.png
copy $images/negative/Slide008 d/test/Slide108
copy $images/negative/Slide006 $images/positive/Slide106
cp $masks/negative/Slide006.png $masks/positive/Slide106.png
expect 'copies' 0 "cases 'Slide001' and 'Slide101' have the same content: they stay together" $train \
	--set training.members=3 --set split.validation=0.33
has 'in the other class too' "cases 'Slide003' and 'Slide103' have the same content: they stay together"
has 'in the test set' "case 'Slide008' of training and 'Slide108' of the test set have the same content"
has 'of two classes' "cases 'Slide006' (negative) and 'Slide106' (positive) have the same content, in two classes: both are left out"
has 'an empty mask of a positive' "slide 'Slide106': its mask shows no tumour, though the slide is positive"
has 'slides that the table has not' 'Dataset_information.csv has no row for 3 slides'
stdout_has 'all are counted' ' twins cases=3 across_classes=1 train_and_test=1$'
stdout_has 'and two left out' ' data slides=13 positive=7 negative=6 left_out=2 positive_without_mask=0 '
# each of three members holds out a third: no copy without the other, and each with one of them
splits() { sed -n 's/.* split member=[123] cases=[0-9]* held_out=\(.*\)/,\1,/p' "$out"; }
splits > held
expect 'another split' 0 '*' $train --set training.members=3 --set split.validation=0.33 --set split.seed=1 --set training.time=1s
splits >> held
for pair in 'Slide001 Slide101' 'Slide003 Slide103'; do
	is "copies are on one side of the split: $pair" "$(grep -c -e ",${pair% *}," held) $(grep ",${pair% *}," held | grep -c -e ",${pair#* },") \
$(grep -c -e ",${pair#* }," held)" '2 2 2'
done
rm -r d && cp -R whole d

# ---- the same slide, compressed anew ----
expect 'sample of less quality' 0 '' "$B/sample" e --train 12 --test 4 --positive 0.5 --tile 64 --tissue-tiles 24:32 --lesion 4:12 \
	--levels 6 --ink 0 --seed 5 --quality 60
copy e/train/image/positive/Slide004 $images/positive/Slide104
cp $masks/positive/Slide004.png $masks/positive/Slide104.png
copy e/train/image/negative/Slide010 $images/positive/Slide110
expect 'other bytes' 0 "cases 'Slide004' and 'Slide104' show the same (likeness [01]\.[0-9]*): they stay together" $train
has 'in two classes' "cases 'Slide010' (negative) and 'Slide110' (positive) show the same (likeness [01]\.[0-9]*), in two classes: both are left out"
has 'without a mask' "slide 'Slide110': it has no mask: its tiles are not learned from"
stdout_has 'no other two are alike' ' twins cases=2 across_classes=1 train_and_test=0$'
rm -r d && cp -R whole d

# ---- masks and the table ----
mv $images/positive/Slide005 $images/positive/Slide005.mrxs $images/negative/
mv $masks/positive/Slide005.png $masks/negative/
cp $masks/positive/Slide002.png $masks/positive/Slide003.png
table=d/train/Dataset_information.csv
sed -e 's/^Slide012.mrxs,negative,\([0-9]*\),/Slide012.mrxs,negative,1\1,/' -e 's/^Slide010.mrxs,negative/Slide010,positive/' \
	-e '/^Slide011/d' -e 's/^Slide009.mrxs,negative/Slide009.mrxs,N/' $table > new.csv
echo 'Slide999.mrxs,positive,1,2' >> new.csv && cp new.csv $table
expect 'a painted mask of a negative' 0 "slide 'Slide005': it is among the slides without tumour, and its mask has [1-9][0-9]* px" $train
has 'a mask of another size' "slide 'Slide003': mask is 31 x 58 px, but its slide's scanned part .*: its tiles are not learned from"
stdout_has 'whose slide stays' ' data slides=12 positive=5 negative=7 left_out=0 positive_without_mask=1 '
has 'another place in the table' "slide 'Slide012': Dataset_information.csv puts the scanned part at 1224,672, the slide itself at 224,672"
has 'another class' "slide 'Slide010': Dataset_information.csv says positive, its place among the slides negative"
has 'a slide that is not there' "Dataset_information.csv names 1 slides that are not there, 'Slide999.mrxs' first"
has 'a slide without a row' 'Dataset_information.csv has no row for 1 slides'
has 'another word for a class' 'Dataset_information.csv: 1 rows have a class that is none of data.classes'
printf 'a,"b\n' > $table
expect 'a table that is none' 0 'Dataset_information.csv:1: .*; it is not used' $train
rm $table && mkfifo $table
expect 'a table that is a pipe' 0 "slide 'Slide005': " $train
rm -r d && cp -R whole d

# ---- damage ----
# Photos stand in the file from the finest level on: without the first half, the coarse ones remain.
spoil() {	# FOLDER
	for name in "$1"/Data*.dat; do
		size=$(wc -c < "$name")
		[ "$size" -lt 10000 ] || dd if=/dev/zero of="$name" bs=1000 count=$((size / 2000)) conv=notrunc 2> /dev/null
	done
}
spoil $images/negative/Slide009
spoil d/test/Slide013
head -c 50000 d/test/Slide014/Data0001.dat > cut && cp cut d/test/Slide014/Data0001.dat
head -c 50000 $images/negative/Slide012/Data0001.dat > cut && cp cut $images/negative/Slide012/Data0001.dat
echo 'no slide' > d/test/Slide900.mrxs
mkfifo d/test/Slide901.mrxs
mkdir d/test/Slide902.mrxs
copy d/test/Slide015 d/test/Slide903
mkfifo d/test/Slide903/Data0099.dat
expect 'photos that are gone' 0 "case 'Slide009': [0-9]* of 12 samples cannot be read: .*; left out" $train
has 'its levels' "slide 'Slide009': of its 6 levels these cannot be read everywhere: 0.* (.*); copy the slide again"
has 'a file cut short' "slide 'Slide012': .*; left out"
has 'photos of a test slide' "case 'Slide013': [0-9]* of 12 samples cannot be read: .*; is it copied whole?"
has 'a test slide cut short' "slide 'Slide014': cannot be opened: .*; it will be answered with the fallback"
for name in Slide900 Slide901 Slide902; do
	has "$name is named" "slide '$name': cannot be opened: .*; it will be answered with the fallback"
done
has 'a pipe in a folder' "slide 'Slide903': cannot be opened: 'Data0099.dat' in its folder is no file"
stdout_has 'all are counted' ' audit of=test cases=8 looked_at=3 not_opened=5 '
stdout_has 'two are left out' ' data slides=10 positive=6 negative=4 left_out=2 '
rm -r d && cp -R whole d

# ---- the test set ----
expect 'sample of another stain' 0 '' "$B/sample" f --train 8 --test 8 --positive 0.5 --tile 64 --tissue-tiles 24:32 --lesion 4:12 \
	--levels 6 --ink 0 --seed 5 --stain-shift 0.8
expect 'another stain' 0 'the test set is stained otherwise than the training set (by ' $train --data f
rm -r d/test
expect 'no test set' 0 'nothing failed, 0 warnings' $train
stdout_has 'is no fault' ' audit of=test cases=0 why='
finish
