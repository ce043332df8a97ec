#!/bin/sh
# report.sh - the program report: which page comes of which logs, and what it says when it is used wrongly.
. "${0%/*}/tap.sh"

tell=$(cd "${0%/*}/../page" && pwd)/tell.awk
B=$(cd "$B" && pwd) || exit 1
cd "$T" || exit 1
mkdir one two

# log FILE [-v NAME=VALUE...]: see tell.awk
log() {
	file=$1
	shift
	awk -f "$tell" "$@" >"$file"
}

# page NAME LOGS...: report makes page.html of them, in silence
page() {
	name=$1
	shift
	rm -f page.html
	expect "$name" 0 '' "$B/report" "$@" -o page.html
}

page_has() {
	grep -q -e "$2" page.html
	tap_result "$1" $? "expected '$2' in $(wc -c <page.html) bytes"
}

page_lacks() {
	! grep -q -e "$2" page.html
	tap_result "$1" $? "$(grep -e "$2" page.html | head -c 300)"
}

for program in train inference; do
	for stream in out err; do
		log one/$program.$stream -v program=$program -v stream=$stream
		log two/$program.$stream -v program=$program -v stream=$stream -v seed=2 -v day=22
	done
done

page 'a whole run' one/train.out one/train.err one/inference.out one/inference.err
page_has 'its score' '<p class="big">0.949<small>slide AUC, held out; 95 % interval 0.859 – 0.979; 40 cases; saved in epoch 12'
page_has 'train ended well' '<dt>Training</dt><dd><span class="state good">✓ done</span>, after 2h19m, 3 warnings'
page_has 'so did inference' '<dt>Inference</dt><dd><span class="state good">✓ done'
page_has 'what to try' '<li><code>training.time: 28h</code> the curve still rises'
page_has 'figures have tables' 'The epochs in numbers'
is 'charts' "$(grep -c '<svg ' page.html)" 10
page_lacks 'no script' '<script'
page_lacks 'nothing from elsewhere' 'https*://'
cp page.html whole.html
page 'the files in another order' one/inference.err one/train.err one/inference.out one/train.out
expect 'make the same page' 0 '' cmp whole.html page.html
cat one/inference.* one/train.* >all.log
page 'all in one file' all.log
sed 's/all\.log/one/g' page.html >renamed.html
expect 'is the same page, too' 0 '' cmp whole.html renamed.html
awk '{ print } NR % 3 == 0 { print "junk of a library " NR }' all.log >junk.log
page 'lines of others between' junk.log
page_has 'are shown apart' 'lines that are not of train or inference'
page_has 'and the score is there' '<p class="big">0.949'

log failed.out -v run=failed
log failed.err -v run=failed -v stream=err
page 'a run that failed' failed.out failed.err
page_has 'says how' '✗ failed: memory or disk</span>, exit code 4'
page_has 'and why' '<div class="cause"><h3>Why train failed, and what to do</h3><p>memory: 16000 MB are used up in epoch 4'
page 'its stderr alone' failed.err
page_has 'says that it failed' '✗ failed</span>'
page_has 'and why, too' '<p>memory: 16000 MB are used up'
page_has 'and how good it is' '<p class="big">0.832'
page 'inference alone' one/inference.out
page_lacks 'has no training' '<dt>Training'
log killed.out -v run=killed
page 'a run that was killed' killed.out
page_has 'has a score so far' '<p class="big">0.832<small>slide AUC, held out, so far;.*saved in epoch 4/12'
page_has 'has no last line' '? no last line</span>.*The last line is of 2019-02-21T'
log resumed.out -v run=resumed
page 'a run that was resumed' resumed.out
page_has 'went on' '2: each went on where the one before was'
page_has 'with all epochs' '<th scope="row">1/12</th>'
cat killed.out one/train.out >again.out
sed -i '1,/train start/s/T0[0-9]:/T00:/' again.out
page 'a run begun anew' again.out
page_has 'is not mixed with the one before' '1 start of other runs'

for bytes in 100000 30000 9000; do
	tail -c $bytes one/train.out >cut.out
	page "the last $bytes bytes" cut.out
	page_has 'hold the score' '<p class="big">0.949'
done
page_has 'and all epochs' '<th scope="row">1/12</th>'

page 'two runs' one/* --vs two/*
page_has 'side by side' '<h1>one and two</h1>'
page_has 'with what differs' '<tr class="marked"><th scope="row">model.network</th><td>resnet18</td><td>resnet34</td>'
page_has 'what differs by chance is said to' 'On the 40 held-out cases that both logs name, the slide AUC of two is 0.*DeLong'
page 'two files of one folder' one/train.out --vs one/train.err
page_has 'are called as the files' '<h1>train.out and train.err</h1>'
page 'a run against itself' one/train.out --vs one/train.out
page_has 'is called first and second' '<h1>first run and second run</h1>'

: >empty
page 'an empty log' empty
page_has 'says that it is empty' 'they are empty'
head -c 300000 "$B/report" >binary
page 'a program as a log' binary
page_has 'says that nothing is in it' 'The logs hold no line of train or inference: other lines are below'
log hostile.out -v run=hostile
page 'markup in the lines' hostile.out
page_lacks 'gets no script into the page' '<script'
page_lacks 'and no image' '<img'
page_has 'and is shown as text' '&lt;script&gt;alert(1)&lt;/script&gt;'
if command -v xmllint >/dev/null; then
	expect 'it is well-formed' 0 '*' xmllint --noout page.html
fi

log big.out -v epochs=100 -v steps=60 -v cases=900
log big2.out -v epochs=100 -v steps=60 -v cases=900 -v seed=2
page 'two logs of 1 MB' big.out --vs big2.out
[ "$(wc -c <page.html)" -lt 1000000 ]
tap_result 'make a page of less' $? "$(wc -c <page.html) bytes"
# Without a newline at all; and a page stays small whatever the lines are.
tr '\n' ' ' <big.out >one-line
page 'a line of 1 MB' one-line
awk 'BEGIN { for (i = 0; i < 60000; i++) printf "time=2019-02-21T03:14:15Z t=%d train warning kind=k%d text=t%d%d\n", i, i, i, i }' >warnings
page '60 000 kinds of warnings' warnings
[ "$(wc -c <page.html)" -lt 1000000 ]
tap_result 'are not all shown' $? "$(wc -c <page.html) bytes"

expect 'no logs' 2 '^report: LOG... are wanted; see --help$' "$B/report"
expect 'no other logs' 2 '^report: the logs of another run are wanted behind --vs$' "$B/report" empty --vs
expect 'a third run' 2 '^report: --vs is given twice: a page shows two runs at most$' "$B/report" empty --vs empty --vs empty
expect 'an unknown option' 2 '^report: Unknown option --what$' "$B/report" --what empty
expect 'no such log' 3 '^report: absent: No such file or directory$' "$B/report" absent
expect 'a folder' 3 '^report: one: Is a directory$' "$B/report" one
expect 'no such place' 1 '^report: absent/page.html: No such file or directory$' "$B/report" empty -o absent/page.html
expect 'a full disk' 4 '^report: /dev/full: No space left on device$' "$B/report" empty -o /dev/full
expect 'the help' 0 '' "$B/report" --help
stdout_has 'has an example' 'report monday/\*.log --vs tuesday/\*.log -o both.html'
expect 'without -o' 0 '' "$B/report" empty
[ -s report.html ]
tap_result 'it is report.html' $? ''

finish
