# shellcheck shell=bash disable=SC2016
# inference.sh - faults of inference, to be sourced by run, which says what the columns mean. Each has the model of the
# undisturbed run in its folder.

first_answer=d/output/output.csv        # the fallback; once it was saved, slides are opened
as_before='again=0 answers=model'

# ---- killed ----

fault inference 'kill -9 before anything is read' "code=137 model=answers answer=absent $as_before" '' \
	at kill open d/model/model.json
fault inference 'kill -9 as the first answer is written' "code=137 answer=absent $as_before" '' at kill fsync d/output
fault inference 'kill -9 as the first answer is renamed' "code=137 answer=absent $as_before" '' \
	at kill rename "$first_answer"
fault inference 'kill -9 as the weights are read' "code=137 answer=whole answers=fallback $as_before" '' \
	at kill open d/model/weights FAIL_WHEN="$first_answer"
fault inference 'kill -9 as slides are opened' "code=137 answer=whole answers=fallback $as_before" '' \
	at kill open Slide011.mrxs FAIL_WHEN="$first_answer"
fault inference 'kill -9 in the middle of the slides' "code=137 answer=whole $as_before" '' \
	at kill open d/test/ FAIL_WHEN="$first_answer" FAIL_AFTER=60
fault inference 'kill -9 as a better answer is written' "code=137 answer=whole $as_before" '' \
	at kill fsync d/output/ FAIL_WHEN="$first_answer"
fault inference 'kill -9 as the last answer is renamed' "code=137 answer=whole $as_before" '' \
	at kill rename "$first_answer" FAIL_AFTER=2

# ---- asked to end ----

asked='stopped by SIGTERM: [0-9]* of 4 cases were scored fully, .* have the fallback; the answer in output.csv is complete'
fault inference 'SIGTERM before anything is read' "code=6 soon=yes answer=whole $as_before" "$asked" \
	at term open d/model/model.json
fault inference 'SIGTERM as slides are opened' "code=6 soon=yes answer=whole $as_before" "$asked" \
	at term open Slide011.mrxs FAIL_TIMES=1
fault inference 'SIGTERM in the middle of the slides' "code=6 soon=yes answer=whole $as_before" "$asked" \
	at term open d/test/ FAIL_WHEN="$first_answer" FAIL_AFTER=60 FAIL_TIMES=1
fault inference 'SIGINT in the middle of the slides' "code=6 soon=yes answer=whole $as_before" 'stopped by SIGINT' \
	at int open d/test/ FAIL_WHEN="$first_answer" FAIL_AFTER=60 FAIL_TIMES=1
# the last of eleven, where the clock stands still: as 'full as the last answer is written, once' below
fault inference 'SIGTERM as the last answer is renamed' "soon=yes answer=whole answers=model $as_before" '' \
	at term rename "$first_answer" LD_PRELOAD="$B/clock.so:$B/fail.so" CLOCK_SPEED=0 FAIL_WHEN="$first_answer" FAIL_AFTER=10 FAIL_TIMES=1
hangs="LD_PRELOAD=$B/fail.so FAIL_CALL=open FAIL_PATH=Slide011/Data FAIL_WHEN=$first_answer FAIL_AFTER=10"
hangs="$hangs FAIL_DOES=hang FAIL_MARK=.hangs"
# shellcheck disable=SC2086
fault inference 'SIGTERM while a read hangs' "code=6 soon=yes answer=whole $as_before" "$asked" \
	signal_when TERM '[ -e .hangs ]' $hangs
fault inference 'SIGTERM while the last answer hangs' "code=6 soon=yes answer=whole $as_before" \
	'the answer that was written last stays' \
	signal_when TERM '[ -e .hangs ]' LD_PRELOAD="$B/fail.so" FAIL_CALL=fsync FAIL_PATH=d/output/ FAIL_AFTER=2 \
		FAIL_WHEN="$first_answer" FAIL_DOES=hang FAIL_MARK=.hangs
# shellcheck disable=SC2086
fault inference 'a second SIGTERM while the answer hangs' "code=143 soon=yes answer=whole $as_before" '' \
	twice '[ -e .hangs ]' LD_PRELOAD="$B/fail.so" FAIL_CALL=fsync FAIL_PATH=d/output/ FAIL_WHEN="$first_answer" \
		FAIL_DOES=hang FAIL_MARK=.hangs
fault inference 'SIGTERM to inference.sh' "code=0 soon=yes answer=whole $as_before" "$asked" \
	by_script TERM "line ' scanned pass=1 '"

# ---- disks ----

output_on() { # SIZE COMMAND
	disk "$1" d/output || return
	eval "$2"
	run
}
fault inference 'an output folder that is full' 'code=4 answer=absent' 'No space left on device' \
	output_on 4k 'head -c 1M /dev/zero > d/output/full 2> /dev/null'
fault inference 'a read-only output folder' 'code=1 answer=absent' 'Read-only file system' \
	output_on 1m 'mount -o remount,ro d/output'
fault inference 'an output folder that is a file' 'code=1' "cannot make 'd/output'" \
	first 'rm -rf d/output; touch d/output'
fault inference 'output.csv is a folder' 'code=1' 'output.csv' first 'mkdir -p d/output/output.csv/x'
fault inference 'an output folder of another user' 'code=1 answer=absent' 'Permission denied' \
	as_nobody 'mkdir -p d/output; chmod 755 d/output'
fault inference 'an old answer that may not be written' 'code=0 answer=whole answers=model' '' \
	first 'mkdir -p d/output; echo old > d/output/output.csv; chmod 0 d/output/output.csv'
fault inference 'full as a pass is written' 'code=0 answer=whole answers=model' \
	'No space left on device; what was written before stays' \
	at 28 fsync d/output/ FAIL_WHEN="$first_answer" FAIL_TIMES=1
# where the clock stands still it is written anew with each of 4 slides, and after each of 2 passes; then comes the last time
fault inference 'full as the last answer is written, once' 'code=0 answer=whole answers=model' \
	'No space left on device; it is written once more' \
	run LD_PRELOAD="$B/clock.so:$B/fail.so" CLOCK_SPEED=0 FAIL_CALL=fsync FAIL_PATH=d/output/ FAIL_DOES=28 FAIL_WHEN="$first_answer" \
		FAIL_AFTER=10 FAIL_TIMES=1
fault inference 'full for good after the first answer' 'code=4 answer=whole answers=fallback' \
	'No space left on device' \
	at 28 fsync d/output/ FAIL_WHEN="$first_answer"
fault inference 'the output folder is removed in the middle' 'code=0 answer=whole answers=model' '' \
	meanwhile open Slide011.mrxs "$first_answer" 'rm -r d/output'

# ---- pictures: they cost no answer ----

drawing="LD_PRELOAD=$B/fail.so FAIL_PATH=/pictures/"
# shellcheck disable=SC2086
fault inference 'a full disk for pictures' 'code=0 answer=whole answers=model' \
	'No space left on device; no more pictures are drawn' \
	run $drawing FAIL_CALL=write FAIL_DOES=28 --set pictures.heat=true
# shellcheck disable=SC2086
fault inference 'drawing hangs' 'code=0 answer=whole answers=model' \
	'its picture was not done in time; no more pictures are drawn' \
	run $drawing FAIL_CALL=open FAIL_DOES=hang --set pictures.heat=true --set data.patience=2s
# shellcheck disable=SC2086
fault inference 'SIGTERM while drawing hangs' "code=6 soon=yes answer=whole $as_before" "$asked" \
	signal_when TERM '[ -e .hangs ]' $drawing FAIL_CALL=open FAIL_DOES=hang FAIL_MARK=.hangs --set pictures.heat=true

# ---- the model ----

fault inference 'no model' 'code=1 model=none answer=whole answers=fallback' \
	"there is no model in 'd/model': train first" \
	first 'rm -r d/model'
fault inference 'the model is removed before its weights are read' 'code=1 answer=whole answers=fallback' 'weights-' \
	meanwhile open d/model/weights "$first_answer" 'rm -r d/model'
fault inference 'the model is removed in the middle' 'code=0 answer=whole answers=model' '' \
	meanwhile open Slide011/Data "$first_answer" 'rm -r d/model'
for damage in 'cut in half:half' 'of 0 bytes:cut_to 0' 'noise:noise' '100,000 brackets:brackets' 'a pipe:pipe' \
	'a folder:folder'; do
	fault inference "model.json is ${damage%:*}" 'code=0 answer=whole scored=4' \
		'model.json: .*; the one saved before it is used' \
		first "${damage#*:} d/model/model.json"
done
newest() { sed -n 's/^ *"name" : "\(weights-.*\)",*$/d\/model\/\1/p' d/model/model.json | head -n 1; }
fault inference 'model.json is of another version' 'code=1 answer=whole answers=fallback' 'made by another version' \
	first 'sed -i "s/\"format\" : 1/\"format\" : 999/" d/model/model*.json'
fault inference 'weights cut in half' 'code=0 answer=whole scored=4' \
	'its manifest says .*; the one saved before it is used' \
	first 'half "$(newest)"'
fault inference 'weights with a bit flipped' 'code=0 answer=whole scored=4' \
	'checksum is wrong.*; the one saved before it is used' \
	first 'flip 4000000 "$(newest)"'
fault inference 'weights are a pipe' 'code=0 answer=whole scored=4' 'the one saved before it is used' \
	first 'pipe "$(newest)"'
fault inference 'weights with a hostile header' 'code=1 answer=whole answers=fallback' 'weights-' \
	first 'hostile weights "\377\377\377\377\377\377\377\177{}"'
fault inference 'weights of another network' 'code=1 answer=whole answers=fallback' 'weights' \
	first 'sed -i "s/\"model.network\" : \"simple\"/\"model.network\" : \"resnet18\"/" d/model/model.json'
fault inference 'both models are damaged' 'code=1 model=broken answer=whole answers=fallback' \
	"no model can be used in 'd/model'" \
	first 'for f in d/model/weights-*; do half $f; done'

# ---- slides ----

answered='code=0 answer=whole'
by_fallback="slide 'Slide011': .*; it is answered with the fallback"
slide=d/test/Slide011
still_listed() { # the answer is for all slides that were there when it began
	test=$work/d/test
	meanwhile "$@"
}
fault inference 'no test slides' 'code=3' "no slide matches '{name}.mrxs' in 'd/test'" first 'rm -r d/test/*'
fault inference 'no test folder' 'code=3' 'd/test' first 'rm -r d/test'
fault inference 'every test slide is damaged' "$answered scored=0 answers=fallback" "$by_fallback" \
	first 'for s in d/test/*/Index.dat; do half $s; done'
for damage in 'Data file cut in half:half $slide/Data0001.dat' 'Index.dat cut in half:half $slide/Index.dat' \
	'Slidedat.ini cut in half:half $slide/Slidedat.ini' 'Slidedat.ini of 0 bytes:cut_to 0 $slide/Slidedat.ini' \
	'slide of 0 bytes:cut_to 0 $slide.mrxs; rm -r $slide' 'slide without its folder:rm -r $slide' \
	'a pipe in place of a slide:pipe $slide.mrxs' 'a pipe in place of a Data file:pipe $slide/Data0001.dat' \
	'a folder in place of a slide:folder $slide.mrxs' \
	'a socket in place of a slide:rm $slide.mrxs; unix_socket $slide.mrxs' \
	'a link to itself:rm $slide.mrxs; ln -s Slide011.mrxs $slide.mrxs'; do
	fault inference "${damage%%:*}" "$answered scored=3" "$by_fallback" first "${damage#*:}"
done
fault inference 'a bit flipped every 500 bytes of a Data file' "$answered" 'Slide011' \
	first 'flip 500 $slide/Data0001.dat'
fault inference 'bits flipped in Index.dat' "$answered" 'Slide011' first 'flip 300 $slide/Index.dat'
fault inference 'a slide that may not be read' "$answered scored=3" "$by_fallback" \
	as_nobody 'mkdir -p d/output; chmod 777 d/output; chmod 0 $slide.mrxs'
fault inference 'a slide vanishes after it was listed' "$answered scored=3" "$by_fallback" \
	still_listed open Slide011.mrxs "$first_answer" 'rm -r $slide $slide.mrxs'
fault inference 'a slide vanishes while it is read' "$answered" "slide 'Slide011'" \
	still_listed open Slide011/Data "$first_answer" 'rm -r $slide $slide.mrxs'
fault inference 'a slide is replaced by another while it is read' "$answered" '' \
	meanwhile open Slide011/Data "$first_answer" \
		'replace $slide d/test/Slide009'
fault inference 'a slide is cut while it is read' "$answered" "slide 'Slide011'" \
	meanwhile open Slide011/Data "$first_answer" 'half $slide/Data0001.dat'
renamed() { mv "$slide" "d/test/$1" && mv "$slide.mrxs" "d/test/$1.mrxs"; }
fault inference 'names with a comma, a quote, UTF-8' "$answered scored=4" '' first "renamed 'a,b\"ž 🐎'"
fault inference 'a name with a line break' "$answered scored=4" '' first "renamed \$'two\nlines'"
fault inference 'a name that is not UTF-8' 'code=0 scored=4' '' first "renamed \$'caf\\xe9'"
fault inference 'a slide hangs as it is opened' "$answered scored=3" \
	"slide 'Slide011': gave no answer for 2 s; it is given up; it is answered" \
	run LD_PRELOAD="$B/hang.so" HANG_PATH=Slide011.mrxs --set data.patience=2s
fault inference 'every slide hangs in the middle' "$answered" 'gave no answer for 1 s; it is given up' \
	run LD_PRELOAD="$B/fail.so" FAIL_CALL=open FAIL_PATH=d/test/ FAIL_DOES=hang FAIL_WHEN="$first_answer" \
		FAIL_AFTER=60 --set data.patience=1s
fault inference 'a read hangs, and the time ends' "$answered" '' \
	run LD_PRELOAD="$B/fail.so" FAIL_CALL=open FAIL_PATH=Slide011/Data FAIL_DOES=hang FAIL_WHEN="$first_answer" \
		FAIL_AFTER=10 --set inference.time=12s

# ---- the machine ----

fault inference '32 open files' "$answered answers=model" '' limited --nofile=32:32
fault inference '16 open files' "$answered answers=model" '' limited --nofile=16:16
fault inference 'memory for no batch' 'code=1 answer=whole answers=fallback' 'MB of memory are too few' \
	run BLINDRUN_MEMORY=100000000
fault inference 'address space of 1 GB' 'answer=whole' '' limited --as=1000000000
fault inference 'files of at most 0 bytes' 'code=1 answer=absent' 'File too large' limited --fsize=0
fault inference 'the clock jumps by a year, within a time limit' "$answered answers=model" '' \
	run LD_PRELOAD="$B/clock.so" CLOCK_JUMP=31536000 CLOCK_AFTER=1 --set inference.time=10m
fault inference 'the clock jumps back by a year, within a time limit' "$answered answers=model" '' \
	run LD_PRELOAD="$B/clock.so" CLOCK_JUMP=-31536000 CLOCK_AFTER=1 --set inference.time=10m
fault inference 'stdout and stderr are closed' "$answered answers=model" '' streams '>&- 2>&-'
fault inference 'stdout and stderr are full' "$answered answers=model" '' streams '> /dev/full 2>&1'
two_answers() {
	begin
	plain inference > .second.out 2> .second.err || code=1
	local second=$code
	ended
	[ "$second" = 0 ] || code="$second of the second"
}
fault inference 'two runs into one folder' "$answered answers=model" '' two_answers
fault inference 'data.yaml with an unknown key' 'code=2 answer=absent' 'bad.yaml:1: .*sise' \
	first 'echo "tiles: {sise: 3}" > bad.yaml; settings=(--config bad.yaml)'
