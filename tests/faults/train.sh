# shellcheck shell=bash disable=SC2016
# train.sh - faults of training, to be sourced by run, which says what the columns mean.
#
# Of the slides, 1, 5, 6 and 8 are negative and 2, 3, 4 and 7 positive; 4 and 8 are held out.

first_save=d/model/model.json   # once it was saved, the steps begin
negative=d/train/image/negative positive=d/train/image/positive masks=d/train/mask/positive
whole_run='code=0 model=answers weights=same'
goes_on='model=answers again=0 weights=same'
begins_anew='model=none again=0 weights=same'

# ---- killed ----

fault train 'kill -9 before anything is read' "code=137 $begins_anew" '' at kill open d/train/image
fault train 'kill -9 while slides are opened' "code=137 $begins_anew" '' at kill open Slide005 FAIL_AFTER=2
fault train 'kill -9 while the test set is looked at' "code=137 $begins_anew" '' at kill open d/test/Slide011
fault train 'kill -9 while the rehearsal saves' "code=137 $begins_anew" '' at kill fsync rehearsal/model/weights-
fault train 'kill -9 while the rehearsal answers' "code=137 $begins_anew" '' \
	signal_when KILL '[ -e d/model/rehearsal/output ] || [ -s d/model/rehearsal/stdout ]'
fault train 'kill -9 in the first save, weights half written' "code=137 $begins_anew" '' \
	at kill write d/model/weights- FAIL_AFTER=2
fault train 'kill -9 in the first save, before the manifest' "code=137 $begins_anew" '' at kill rename "$first_save"
fault train 'kill -9 in mid-epoch' "code=137 $goes_on" '' \
	at kill open d/train/image FAIL_WHEN="$first_save" FAIL_AFTER=5
fault train 'kill -9 in validation' "code=137 $goes_on" '' at kill open Slide004 FAIL_WHEN="$first_save" FAIL_AFTER=1
fault train 'kill -9 in a save, weights half written' "code=137 $goes_on" '' \
	at kill write d/model/weights- FAIL_WHEN="$first_save" FAIL_AFTER=3
fault train 'kill -9 in a save, state half written' "code=137 $goes_on" '' \
	at kill write d/model/state- FAIL_WHEN="$first_save" FAIL_AFTER=3
fault train 'kill -9 in a save, between both manifests' "code=137 $goes_on" '' at kill rename "$first_save" FAIL_AFTER=1
fault train 'kill -9 in a save, as old files are swept' "code=137 $goes_on" '' \
	at kill unlink d/model FAIL_WHEN="$first_save"
fault train 'kill -9 in the last save' "code=137 $goes_on" '' at kill rename "$first_save" FAIL_AFTER=2
killed_often() { # in the second save after each start
	local kills=0
	for _ in 1 2 3 4 5 6; do
		at kill rename "$first_save" FAIL_AFTER=1 --set training.checkpoint=0.1s
		[ $code = 137 ] || break
		kills=$((kills + 1))
	done
	[ $kills -ge 4 ] || code="$code after $kills kills"
}
fault train 'kill -9 in six saves one after the other' "code=137 $goes_on" '' killed_often
fault train 'kill -9 of the inference in the rehearsal' 'code=1 model=none again=0 weights=same' \
	"the rehearsal's inference was killed by signal 9, as happens where memory is short" \
	at kill rename rehearsal/output

# ---- asked to end ----

stop_says='stopped by SIGTERM'
fault train 'SIGTERM before anything is read' "code=6 soon=yes $begins_anew" "$stop_says" \
	at term open d/train/image FAIL_TIMES=1
fault train 'SIGTERM while slides are opened' "code=6 soon=yes $begins_anew" "$stop_says" \
	at term open Slide005 FAIL_TIMES=1
fault train 'SIGTERM while the test set is looked at' "code=6 soon=yes $begins_anew" "$stop_says" \
	at term open d/test/Slide011 FAIL_TIMES=1
fault train 'SIGTERM while the rehearsal saves' "code=6 soon=yes $begins_anew" 'was stopped\|stopped by' \
	at term fsync rehearsal/model/weights- FAIL_TIMES=1
fault train 'SIGTERM while the rehearsal answers' "code=6 soon=yes $begins_anew" 'was stopped' \
	signal_when TERM '[ -s d/model/rehearsal/stdout ]'
fault train 'SIGTERM in the first save' "code=6 soon=yes $goes_on" 'stopped by SIGTERM at epoch 1 step [01];' \
	at term fsync d/model/weights- FAIL_TIMES=1
fault train 'SIGTERM in mid-epoch' "code=6 soon=yes $goes_on" \
	'stopped by SIGTERM at epoch 1 step [0-9]*; started again' \
	at term open d/train/image FAIL_WHEN="$first_save" FAIL_AFTER=5 FAIL_TIMES=1
fault train 'SIGINT in mid-epoch' "code=6 soon=yes $goes_on" \
	'stopped by SIGINT at epoch 1 step [0-9]*; started again' \
	at int open d/train/image FAIL_WHEN="$first_save" FAIL_AFTER=5 FAIL_TIMES=1
fault train 'SIGTERM in validation' "code=6 soon=yes $goes_on" 'stopped by SIGTERM at epoch 1 step 8;' \
	at term open Slide004 FAIL_WHEN="$first_save" FAIL_AFTER=1 FAIL_TIMES=1
fault train 'SIGTERM in a save' "code=6 soon=yes $goes_on" "$stop_says" \
	at term rename "$first_save" FAIL_AFTER=1 FAIL_TIMES=1
fault train 'SIGTERM in the last save' "code=0 $goes_on" '' at term rename "$first_save" FAIL_AFTER=2 FAIL_TIMES=1
fault train 'a second SIGTERM, in a save that hangs' "code=143 soon=yes $goes_on" '' \
	twice '[ -e .hangs ]' LD_PRELOAD="$B/fail.so" FAIL_CALL=fsync FAIL_PATH=d/model/state- \
		FAIL_WHEN="$first_save" FAIL_DOES=hang FAIL_MARK=.hangs
fault train 'SIGTERM in a save that hangs' "code=6 soon=yes $goes_on" 'stopped in the middle of a step' \
	signal_when TERM '[ -e .hangs ]' LD_PRELOAD="$B/fail.so" FAIL_CALL=fsync FAIL_PATH=d/model/state- \
		FAIL_WHEN="$first_save" FAIL_DOES=hang FAIL_MARK=.hangs
fault train 'SIGTERM to train.sh, with a model' "code=0 soon=yes $goes_on" 'stopped by SIGTERM at epoch' \
	by_script TERM "line ' model network='"
fault train 'SIGTERM to train.sh, before there is one' "code=6 soon=yes $begins_anew" "$stop_says" \
	by_script TERM "line ' train start '"

# ---- disks ----

on_disk() { disk "$1" d/model && run; }
fault train 'a disk too small for one save' 'code=4 model=none' 'No space left on device' on_disk 4m
filled_then_freed() { # after the first save the disk is filled, until that is said
	disk 200m d/model || return
	begin
	await test -e "$first_save"
	head -c 300M /dev/zero > d/model/full 2> /dev/null
	await line 'No space left'
	rm d/model/full
	ended
}
fault train 'a disk that fills after the first save, and is freed' "$whole_run" \
	'saving needs [0-9]* MB in .*, where [0-9]* MB are free: .*No space left on device' \
	filled_then_freed
fault train 'full for two saves, as weights are written' "$whole_run" 'No space left on device; ' \
	at 28 write d/model/weights- FAIL_WHEN="$first_save" FAIL_TIMES=2
fault train 'full as a state is written' "$whole_run" 'No space left on device; ' \
	at 28 write d/model/state- FAIL_WHEN="$first_save" FAIL_TIMES=1
fault train 'full as the manifest before is written' "$whole_run" 'No space left on device; ' \
	at 28 fsync model.before.json FAIL_WHEN="$first_save" FAIL_TIMES=1
fault train 'a disk error as a save is flushed' "$whole_run" 'Input/output error; ' \
	at 5 fsync d/model/weights- FAIL_WHEN="$first_save" FAIL_TIMES=1
fault train 'a disk error as the manifest is renamed' "$whole_run" 'Input/output error' \
	at 5 rename "$first_save" FAIL_AFTER=1 FAIL_TIMES=1
fault train 'a quota, for one save' "$whole_run" 'Disk quota exceeded' \
	at 122 write d/model/weights- FAIL_WHEN="$first_save" FAIL_TIMES=1
fault train 'old files cannot be removed' "$whole_run" '' at 1 unlink d/model FAIL_WHEN="$first_save"
full_for_good() { # the last save is tried for a minute; it is asked to end within it
	signal_when TERM "line 'it is tried again in 5 s'" LD_PRELOAD="$B/fail.so" FAIL_CALL=write \
		FAIL_PATH=d/model/weights- FAIL_WHEN="$first_save" FAIL_DOES=28
}
fault train 'full for good after the first save, then SIGTERM' "code=4 soon=yes $goes_on" 'No space left on device' \
	full_for_good
read_only() { # FOLDER
	disk 100m "$1" && mount -o remount,ro "$1" && run
}
fault train 'a model folder that is read-only' 'code=1 model=none' \
	"cannot write into 'd/model': Read-only file system" \
	read_only d/model
fault train 'a model folder that is a file' 'code=1 model=none' "cannot make 'd/model'" \
	first 'rm -rf d/model; touch d/model'
fault train 'a model folder of another user' 'code=1 model=none' "cannot write into 'd/model': Permission denied" \
	as_nobody 'mkdir -p d/model'
fault train 'model.json is a folder' 'code=1' 'model.json' first 'rm -rf d/model; mkdir -p d/model/model.json/x'
fault train 'a file named rehearsal in the model folder' "$whole_run" '' \
	first 'mkdir -p d/model; touch d/model/rehearsal'

fault train 'a model folder without symbolic links' "$whole_run" '' at 95 symlink d/model
fault train 'no symbolic links anywhere' "$whole_run" \
	"cannot make '.*Slide[0-9]*.mrxs': Operation not supported; .*whether inference works is not known yet" at 95 symlink mrxs

# ---- slides ----

# A short run, without a rehearsal, where only what it says of the data matters.
short='--set training.time=100s --set training.epochs=1 --set sampling.tiles_per_epoch=16'
damaged() { # COMMAND [OPTION...]: done to the data beforehand
	# shellcheck disable=SC2206
	settings=($short "${@:2}")
	first "$1"
}
learns='code=0 model=answers'
fault train 'a slide vanishes after the first save' "$learns" "slide 'Slide003': .*; another takes its place" \
	meanwhile open d/train/image "$first_save" "rm -r $positive/Slide003 $positive/Slide003.mrxs"
fault train 'all slides but two vanish after the first save' "$learns" 'another takes its place' \
	meanwhile open d/train/image "$first_save" "rm -r $positive/Slide00[34]* $negative/Slide00[568]*"
fault train 'a Data file vanishes after the first save' "$learns" "slide 'Slide003': .*another takes its place" \
	meanwhile open d/train/image "$first_save" "rm $positive/Slide003/Data0001.dat"
fault train 'a slide is replaced by another after the first save' "$learns" '' \
	meanwhile open d/train/image "$first_save" 'replace $positive/Slide003 $positive/Slide002'
fault train 'a slide is cut after the first save' "$learns" "slide 'Slide003': " \
	meanwhile open d/train/image "$first_save" "half $positive/Slide003/Data0001.dat"
gone_between_runs() { # DAMAGE
	at term open d/train/image FAIL_WHEN="$first_save" FAIL_AFTER=5 FAIL_TIMES=1
	eval "$1"
	run
}
fault train 'a slide is gone when the run goes on' "$learns" 'Slide003' gone_between_runs "rm -r $positive/Slide003*"
fault train 'a held-out slide is gone when the run goes on' "$learns" 'Slide004' \
	gone_between_runs "rm -r $positive/Slide004*"
fault train 'Data file cut in half' "$learns" "slide 'Slide003': .*; left out" \
	damaged "half $positive/Slide003/Data0001.dat"
fault train 'Data file of 0 bytes' "$learns" "slide 'Slide003': .*; left out" \
	damaged "cut_to 0 $positive/Slide003/Data0001.dat"
fault train 'a bit flipped every 500 bytes of a Data file' "$learns" "Slide003" \
	damaged "flip 500 $positive/Slide003/Data0001.dat"
fault train 'Index.dat cut in half' "$learns" "slide 'Slide003': .*; left out" \
	damaged "half $positive/Slide003/Index.dat"
fault train 'bits flipped in Index.dat' "$learns" "Slide003" damaged "flip 300 $positive/Slide003/Index.dat"
fault train 'Slidedat.ini cut in half' "$learns" "slide 'Slide003': .*; left out" \
	damaged "half $positive/Slide003/Slidedat.ini"
fault train 'Slidedat.ini of hostile numbers' "$learns" "slide 'Slide003': .*; left out" \
	damaged "sed -i 's/^IMAGENUMBER_\([XY]\) *=.*/IMAGENUMBER_\1 = 2000000000/' $positive/Slide003/Slidedat.ini"
fault train 'a slide of 0 bytes' "$learns" "slide 'Slide003': .*; left out" \
	damaged "cut_to 0 $positive/Slide003.mrxs; rm -r $positive/Slide003"
fault train 'a slide without its folder' "$learns" "slide 'Slide003': .*; left out" damaged "rm -r $positive/Slide003"
fault train 'a pipe in place of a slide' "$learns" "slide 'Slide003': .*; left out" \
	damaged "rm $positive/Slide003.mrxs; mkfifo $positive/Slide003.mrxs"
fault train 'a pipe in place of a Data file' "$learns" "slide 'Slide003': .*; left out" \
	damaged "rm $positive/Slide003/Data0001.dat; mkfifo $positive/Slide003/Data0001.dat"
fault train 'a socket in place of a slide' "$learns" "slide 'Slide003': .*; left out" \
	damaged "rm $positive/Slide003.mrxs; unix_socket $positive/Slide003.mrxs"
fault train 'a dangling link, a link to itself' "$learns" "slide 'Slide003': .*; left out" \
	damaged "ln -sf nowhere $positive/Slide002.mrxs; ln -sf Slide003.mrxs $positive/Slide003.mrxs"
fault train 'a slide that may not be read' "$learns" "slide 'Slide003': .*; left out" \
	as_nobody 'mkdir -p d/model; chmod 777 d/model; chmod 0 $positive/Slide003.mrxs; settings=($short)'
rename_slide() { # SLIDE NAME: and its folder and mask
	mv "$positive/$1" "$positive/$2"
	mv "$positive/$1.mrxs" "$positive/$2.mrxs"
	mv "$masks/$1.png" "$masks/$2.png"
	rm -f d/train/Dataset_information.csv
}
fault train 'names with a comma, a quote, UTF-8' "$learns" '' \
	damaged "rename_slide Slide002 'a,b\"c'; rename_slide Slide003 'Žluťoučký 🐎'"
fault train 'a name with a line break' "$learns" '' damaged "rename_slide Slide003 \$'two\nlines'"
fault train 'a name that is not UTF-8' "$learns" '' damaged \
	"for n in 2 3 4 7; do rename_slide Slide00\$n \$'caf\\xe9'\$n; done"

# ---- masks, tables ----

mask=$masks/Slide003.png
without="slide 'Slide003': .*: its tiles are not learned from"
fault train 'mask cut in half' "$learns" "$without" damaged "half $mask"
fault train 'mask of 0 bytes' "$learns" "$without" damaged "cut_to 0 $mask"
fault train 'mask of another size' "$learns" "$without" damaged "cp $masks/Slide004.png $mask"
fault train 'mask whose header says 10 gigapixels' "$learns" "$without" damaged "png 100000 100000 8 0 $mask"
fault train 'mask with bits flipped' "$learns" "$without" damaged "flip 40 $mask"
fault train 'mask that is a JPEG' "$learns" "$without" damaged "jpeg $positive/Slide003/Data0001.dat $mask"
fault train 'mask that is a folder' "$learns" "slide 'Slide003': it has no mask" damaged "rm $mask; mkdir $mask"
fault train 'mask that is a pipe' "$learns" "slide 'Slide003': it has no mask" damaged "rm $mask; mkfifo $mask"
fault train 'mask of 16 bits' "$learns" '' damaged "like 16 0 $mask"
fault train 'mask with a palette' "$learns" '' damaged "like 8 3 $mask"
fault train 'masks are all gone' 'code=0 model=answers' 'it has no mask' damaged "rm -r d/train/mask"
fault train 'masks of another scale' 'code=0 model=answers' \
	'of 4 positive slides none has a mask that can be used (4 cannot be read .*; check data.masks and data.mask_scale' \
	damaged true --set data.mask_scale=32
fault train 'masks are all damaged' 'code=0 model=answers' 'of 4 positive slides none has a mask that can be used (4 cannot be read ' \
	damaged "truncate -s 99 $masks/*.png"
fault train 'no training slides' 'code=3 model=none' "no slide matches 'image/{class}/{name}.mrxs' in 'd/train'" \
	damaged "rm -r d/train/image/*/*"
fault train 'no train folder' 'code=3 model=none' "d/train" damaged "rm -r d/train"
fault train 'one class is empty' 'code=3 model=none' "all cases that can be used, 4, are of class 'negative'" \
	damaged "rm -r $positive/*"
fault train 'every slide is damaged' 'code=3 model=none' 'left out' \
	damaged 'find d/train -name Index.dat -size +0 -exec truncate -s 9 {} +'
fault train 'one slide a class' "$learns" '' damaged "rm -r $positive/Slide00[347]* $negative/Slide00[568]*"
fault train 'no test folder' "$learns" '' damaged 'rm -r d/test'
fault train 'labels with a byte 0' 'code=3 model=none' 'labels.csv:2' \
	damaged "printf 'case,class\nSlide001,neg\0ative\n' > d/train/labels.csv" --set data.labels=labels.csv
fault train 'labels of a class that is none' 'code=3 model=none' \
	"its class 'maybe' in labels.csv is none of data.classes" \
	damaged "printf 'case,class\nSlide001,maybe\n' > d/train/labels.csv" --set data.labels=labels.csv --set \
		data.images=image/negative/{name}.mrxs
fault train 'Dataset_information.csv is noise' "$learns" 'Dataset_information.csv' \
	damaged 'head -c 30000 "$work/bin/train" > d/train/Dataset_information.csv'
fault train 'data.yaml with an unknown key' 'code=2' 'bad.yaml:1: .*sise' \
	damaged 'echo "tiles: {sise: 3}" > bad.yaml; settings=(--config bad.yaml)'
fault train 'data.yaml is noise' 'code=2' 'bad.yaml' \
	damaged 'head -c 30000 "$work/bin/train" > bad.yaml; settings=(--config bad.yaml)'

# ---- the machine ----

fault train '32 open files' "$whole_run" '' limited --nofile=32:32
fault train '16 open files' "$whole_run" '' limited --nofile=16:16
fault train 'memory for no batch' 'code=4 model=none' 'MB of memory are too few: [0-9]* MB are needed' \
	run BLINDRUN_MEMORY=100000000
fault train 'address space of 2 GB' 'model=answers' '' limited --as=2000000000
fault train 'files of at most 1 MB' 'code=4 model=none' 'File too large' limited --fsize=1000000
fault train 'a slide hangs as it is opened' "$learns" "slide 'Slide003': gave no answer for 2 s" \
	run LD_PRELOAD="$B/hang.so" HANG_PATH=Slide003.mrxs --set data.patience=2s
fault train 'a slide hangs in mid-epoch' "$learns" "slide 'Slide003': gave no answer for 2 s" \
	run LD_PRELOAD="$B/fail.so" FAIL_CALL=open FAIL_PATH=Slide003 FAIL_DOES=hang FAIL_WHEN="$first_save" --set \
		data.patience=2s
fault train 'every slide hangs in mid-epoch' 'model=answers' 'gave no answer for 1 s' \
	run LD_PRELOAD="$B/fail.so" FAIL_CALL=open FAIL_PATH=d/train/image FAIL_DOES=hang FAIL_WHEN="$first_save" \
		--set data.patience=1s
two_at_once() {
	meanwhile open d/train/image "$first_save" 'plain train > second.out 2> second.err; echo $? > second.code'
	[ "$(cat second.code)" = 1 ] || code="$code, the second one's $(cat second.code)"
	grep -q "another train writes to 'd/model': wait for its end" second.err || code="$code, and does not say why"
}
fault train 'two runs on one folder' "$whole_run" '' two_at_once
fault train 'a learning rate that ends in NaN' 'code=7 model=answers' 'training.learning_rate' \
	run --set training.optimiser=sgd --set training.learning_rate=10 --set training.warmup=0 --set \
		training.epochs=6 --set sampling.tiles_per_epoch=160
fault train 'the clock jumps by a year' "$whole_run" '' run LD_PRELOAD="$B/clock.so" CLOCK_JUMP=31536000 CLOCK_AFTER=3
fault train 'the clock jumps back by a year, within a time limit' 'code=0 model=answers' '' \
	run LD_PRELOAD="$B/clock.so" CLOCK_JUMP=-31536000 CLOCK_AFTER=2 --set training.time=40s
fault train 'stdout and stderr are closed' "$whole_run" '' streams '>&- 2>&-'
fault train 'stdout and stderr are full' "$whole_run" '' streams '> /dev/full 2>&1'
fault train 'nobody reads stdout' "$whole_run" '' streams '2> .err | true'

# ---- the model folder ----

earlier() { # COMMAND [OPTION...]: done to the model of a run that was stopped
	at term open d/train/image FAIL_WHEN="$first_save" FAIL_AFTER=5 FAIL_TIMES=1 --set training.checkpoint=0.1s
	eval "$1"
	run "${@:2}"
}
anew='code=0 model=answers weights=same'
fault train 'going on: model.json cut in half' "$anew" 'model.json' earlier 'half d/model/model.json'
fault train 'going on: model.json is noise' "$anew" 'model.json' \
	earlier 'head -c 5000 "$work/bin/train" > d/model/model.json'
fault train 'going on: model.json of 100,000 brackets' "$anew" 'model.json' \
	earlier 'perl -e "print q([) x 100000" > d/model/model.json'
fault train 'going on: model.json of another version' "$anew" 'another version' \
	earlier 'sed -i "s/\"format\" : 1/\"format\" : 999/" d/model/model*.json'
fault train 'going on: model.json is a pipe' "$anew" 'model.json' \
	earlier 'rm d/model/model.json; mkfifo d/model/model.json'
fault train 'going on: weights with a bit flipped' "$anew" 'checksum is wrong' earlier 'flip 1000000 "d/model/$(named weights)"'
fault train 'going on: state cut in half' "$anew" 'state-.*; the one saved before it is used' \
	earlier 'half "d/model/$(named state)"'
fault train 'going on: state is gone' "$anew" 'a new one begins' earlier 'rm d/model/state-*'
fault train 'going on: state with a hostile header' 'code=3 model=answers' \
	'begins anew: state-.*: not a safetensors file' \
	earlier 'hostile state "\377\377\377\377\377\377\377\177{}"'
fault train 'going on: weights are a pipe' "$anew" 'weights-' \
	earlier 'w=$(ls d/model/weights-*); rm $w; for p in $w; do mkfifo $p; done'
hostile_numbers() {
	sed -i -e 's/"at" : [0-9]*/"at" : 9223372036854775807/' -e 's/"epoch" : [0-9]*/"epoch" : -5/' d/model/model.json
}
fault train 'going on: in hostile numbers' "$anew" '' earlier hostile_numbers
