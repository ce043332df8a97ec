#!/bin/sh
# score.sh - the program score: what it prints of good answers, and every fault of a bad one in full.
. "${0%/*}/tap.sh"

B=$(cd "$B" && pwd) || exit 1
export LC_ALL=C         # pictures in ASCII
cd "$T" || exit 1

# check NAME CODE ARGUMENTS: runs score; expected.out and expected.err are all that it prints.
check() {
	name=$1 code=$2
	shift 2
	"$B/score" "$@" >"$out" 2>"$err"
	got=$? bad=1
	[ "$got" = "$code" ] && cmp -s "$out" expected.out && cmp -s "$err" expected.err && bad=0
	tap_result "$name" $bad "exit $got, expected $code; expected and printed:
$(diff expected.out "$out")
$(diff expected.err "$err")"
}

# refused NAME FAULTS...: the answer in answer.csv is refused with these faults.
refused() {
	name=$1
	shift
	: >expected.out
	printf 'answer.csv%s\n' "$@" >expected.err
	s=s
	[ $# -gt 1 ] || s=
	echo "score: answer.csv: $# fault$s: a contest would refuse it" >>expected.err
	check "$name" 3 answer.csv truth.csv
}

# fails NAME CODE MESSAGE ARGUMENTS: nothing but one line of error.
fails() {
	name=$1 code=$2
	: >expected.out
	echo "score: $3" >expected.err
	shift 3
	check "$name" "$code" "$@"
}

cat >truth.csv <<END
Slide1,0,0
Slide2,1,3
Slide3,0,0
Slide4,1,7
Slide5,1,40
Slide6,0,0
END
cat >answer.csv <<END
Slide6,0.2
Slide5,0.9995
Slide4,0.6
Slide3,0.6
Slide2,0.3
Slide1,0.0001
END
: >expected.err
cat >curve <<END
sensitivity
1 |                 ************************************
  |                 *                            ....
  |                 *                        ....
  |                 *                   .....
  |               ***               ....
  |           ****              ....
  |       ****             .....
  |   ****             ....
  |***             ....
  |*          .....
  |*      ....
  |*  ....
0 |*..
  +-----------------------------------------------------
   0                  1 - specificity                  1
END
cat >rest <<END
sensitivity at 90 % specificity: 0.333 (0.06 to 0.79), threshold 0.9995
sensitivity at 95 % specificity: 0.333 (0.06 to 0.79), threshold 0.9995
at 0.5: 2 of 3 positives found, 1 of 3 negatives called positive
scores: 2 tied with another, 1 above 0.999, 1 below 0.001
Brier score 0.1750, log loss 0.4758
recalibration (right: 0, 0, 1): in the large 0.35 (-1.76 to 2.46), intercept 0.22 (-1.86 to 2.30), slope 0.61 (-1.05 to 2.27)
calibration error 0.0501, of 1 bin:
  slides  probabilities     mean    observed
       6  0.0001 to 0.9995  0.4499  0.500 (0.19 to 0.81)
END
{ cat curve - rest; } >expected.out <<END
AUC 0.833 (95 % interval 0.25 to 0.99), 6 slides, 3 positive
by size of the lesions, in tiles; sensitivity at 90 %, 95 % specificity:
  1 to 4         AUC 0.667 (0.00 to 1.00), sensitivity 0.000, 0.000, 1 slide
  5 to 19        AUC 0.833 (0.01 to 1.00), sensitivity 0.000, 0.000, 1 slide
  20 and more    AUC 1.000 (0.03 to 1.00), sensitivity 1.000, 1.000, 1 slide
END
check 'a good answer' 0 answer.csv truth.csv
echo 0.833333 >expected.out
check 'the AUC alone' 0 --auc answer.csv truth.csv

mv answer.csv plain.csv
{ printf '\357\273\277id,probability\r\n'; sed 's/,/ , /; s/$/\r/' plain.csv; } >answer.csv
check 'a header, CRLF, blanks and a byte-order mark' 0 --auc --header answer.csv truth.csv
{ echo id,probability,longest_axis_um; sed 's/$/,12.5/' plain.csv; } >wide.csv
printf 'answer: {header: true, columns: [probability, longest_axis_um]}\n' >wide.yaml
check 'both as a data.yaml has them' 0 --auc --config wide.yaml wide.csv truth.csv
check 'from a pipe' 0 --auc --config /dev/stdin wide.csv truth.csv <wide.yaml
check 'the same by hand' 0 --auc --header --columns probability,longest_axis_um wide.csv truth.csv
{ echo slide,label,lesion; cat truth.csv; } >headed.csv
check 'a header of the truth' 0 --auc plain.csv headed.csv
cut -d, -f1,2 truth.csv >unsized.csv
{ cat curve - rest; } >expected.out <<END
AUC 0.833 (95 % interval 0.25 to 0.99), 6 slides, 3 positive
END
check 'a truth without sizes' 0 plain.csv unsized.csv

sed -i '/^sensitivity at/d; /^AUC/a\
sensitivity at 50 % specificity: 1.000 (0.44 to 1.00), threshold 0.3\
sensitivity at 66.6 % specificity: 1.000 (0.44 to 1.00), threshold 0.3\
sensitivity at 66.7 % specificity: 0.333 (0.06 to 0.79), threshold 0.9995' expected.out
check 'other specificities' 0 --specificity 0.5,.666,0.667 plain.csv unsized.csv
LC_ALL=C.UTF-8 "$B/score" plain.csv unsized.csv | sed -n 2p >"$out"
is 'a curve in Braille' "$(cut -c1-10 "$out")" "$(printf '1 \342\224\244     ')"

# ties: a diagonal; no threshold finds some without all
sed 's/,.*/,0.5/' plain.csv >tied.csv
cat >expected.out <<END
sensitivity
1 |                                                  ***
  |                                              ****
  |                                          ****
  |                                     *****
  |                                 ****
  |                             ****
  |                        *****
  |                    ****
  |                ****
  |           *****
  |       ****
  |   ****
0 |***
  +-----------------------------------------------------
   0                  1 - specificity                  1
AUC 0.500 (95 % interval 0.04 to 0.96), 6 slides, 3 positive
sensitivity at 90 % specificity: 0.000 (0.00 to 0.56), threshold none
sensitivity at 95 % specificity: 0.000 (0.00 to 0.56), threshold none
at 0.5: 3 of 3 positives found, 3 of 3 negatives called positive
scores: 6 tied with another, 0 above 0.999, 0 below 0.001
Brier score 0.2500, log loss 0.6931
recalibration (right: 0, 0, 1): in the large 0.00 (-1.60 to 1.60), intercept none, slope none
calibration error 0.0000, of 1 bin:
  slides  probabilities     mean    observed
       6  0.5000 to 0.5000  0.5000  0.500 (0.19 to 0.81)
END
check 'all ties' 0 tied.csv unsized.csv

# a second answer, with all in order. Placements of the first: 2/3, 5/6, 1 and 1, 1/2, 1: variance 1/108 + 1/36
cat >other.csv <<END
Slide1,0
Slide2,0.7
Slide3,0.1
Slide4,0.8
Slide5,0.9
Slide6,0.2
END
cat >expected.out <<END
sensitivity: * plain.csv, o other.csv
1 |ooooooooooooooooo************************************
  |o                *                            ....
  |o                *                        ....
  |o                *                   .....
  |o              ***               ....
  |o          ****              ....
  |o      ****             .....
  |o  ****             ....
  |***             ....
  |*          .....
  |*      ....
  |*  ....
0 |*..
  +-----------------------------------------------------
   0                  1 - specificity                  1
plain.csv: AUC 0.833 (95 % interval 0.25 to 0.99), Brier score 0.1750, log loss 0.4758
other.csv: AUC 1.000 (95 % interval 0.29 to 1.00), Brier score 0.0317, log loss 0.1689
sensitivity at 90 % specificity: 0.333 (0.06 to 0.79), threshold 0.9995; 1.000 (0.44 to 1.00), threshold 0.7
sensitivity at 95 % specificity: 0.333 (0.06 to 0.79), threshold 0.9995; 1.000 (0.44 to 1.00), threshold 0.7
difference of the AUCs -0.167, 6 slides, 3 positive: 95 % interval -0.544 to 0.211, p = 0.386 (DeLong)
END
check 'two answers' 0 plain.csv other.csv truth.csv
printf '0.833333\n1.000000\n' >expected.out
check 'both AUCs alone' 0 --auc plain.csv other.csv truth.csv
"$B/score" plain.csv plain.csv truth.csv | tail -n 1 >"$out"
is 'an answer against itself' "$(cat "$out")" \
	'difference of the AUCs 0.000, 6 slides, 3 positive: 95 % interval 0.000 to 0.000, p = 1 (DeLong)'
sed 's/,0\.7/,0.3/; s/,0\.8/,0.2/; s/,0\.9/,0.1/; s/,0$/,0.9/' other.csv >back.csv
grep -v 'Slide[346]' truth.csv >few.csv
for answer in other back; do
	grep -v 'Slide[346]' $answer.csv >few-$answer.csv
done
"$B/score" few-other.csv few-back.csv few.csv | tail -n 1 >"$out"
is 'too few for a test' "$(cat "$out")" \
	'difference of the AUCs 1.000, 3 slides, 2 positive: too few to tell how sure that is'

# the curve as SVG
cp other.csv 'a&b.csv'
printf '0.833333\n1.000000\n' >expected.out
check 'an SVG' 0 --auc --svg roc.svg plain.csv 'a&b.csv' truth.csv
is 'it is one' "$(head -c 4 roc.svg)$(tail -n 1 roc.svg)" '<svg</svg>'
is 'with two curves and the diagonal' "$(grep -c '<path class="line"' roc.svg)" 3
is 'that say what they are' "$(sed -n 's/<desc.*>\(.*\)<.desc>/\1/p' roc.svg)" 'AUC 0.833, plain.csv; AUC 1.000, a&amp;b.csv'
echo 0.833333 >expected.out
echo 'score: /dev/full: No space left on device' >expected.err
check 'an SVG to a full disk' 4 --auc --svg /dev/full plain.csv truth.csv
echo 'score: absent/roc.svg: No such file or directory' >expected.err
check 'an SVG to no folder' 1 --auc --svg absent/roc.svg plain.csv truth.csv

sed 's/0\.7/none/' other.csv >answer.csv
: >expected.out
cat >expected.err <<END
answer.csv:2: slide 'Slide2': 'none' is not a number
score: answer.csv: 1 fault: a contest would refuse it
END
check 'of two answers, the second is refused' 3 plain.csv answer.csv truth.csv
check 'of two answers, the first is refused' 3 answer.csv plain.csv truth.csv
grep -v Slide4 other.csv >short.csv
sed -i "1i short.csv: slide 'Slide4' is missing" expected.err
sed -i 's/^score: answer/score: short/' expected.err
check 'two answers that are refused' 3 short.csv answer.csv truth.csv

{ echo slide,probability; cat plain.csv; } >answer.csv
refused 'a header that was not announced' \
	":1: slide 'slide' is not in the truth" \
	":1: slide 'slide': 'probability' is not a number (if this line is a header, give --header)"
sed 's/^Slide3,/Slide5,/' plain.csv >answer.csv
refused 'a slide twice, another missing' \
	":4: slide 'Slide5' a second time, after line 2" ": slide 'Slide3' is missing"
sed 's/^\(Slide[34]\),/\1.mrxs,/; s/^Slide6/Slide7/' plain.csv >answer.csv
refused 'unknown slides' \
	":1: slide 'Slide7' is not in the truth" \
	":3: slide 'Slide4.mrxs' is not in the truth: a name goes without its ending" \
	":4: slide 'Slide3.mrxs' is not in the truth: a name goes without its ending" \
	": slide 'Slide3' is missing" ": slide 'Slide4' is missing" ": slide 'Slide6' is missing"
cat >answer.csv <<END
Slide6,nan
Slide5,inf

Slide4,1.0001
Slide3,-0.1
Slide2,0x1p-1
Slide1,0.5 %
END
refused 'what is no probability' \
	":1: slide 'Slide6': nan is not finite" \
	":2: slide 'Slide5': inf is not finite" \
	":4: slide 'Slide4': 1.0001 is not within 0 to 1" \
	":5: slide 'Slide3': -0.1 is not within 0 to 1" \
	":6: slide 'Slide2': '0x1p-1' is not a number" \
	":7: slide 'Slide1': '0.5 %' is not a number"
sed 's/,0.3$//; s/^Slide5,/"Slide5",1,/; s/,0.2/,/' plain.csv >answer.csv
refused 'fields too few and too many' \
	":1: slide 'Slide6': '' is not a number" \
	":2: 3 fields where \`slide,probability\` is wanted" \
	":5: 1 field where \`slide,probability\` is wanted" \
	": slide 'Slide2' is missing" ": slide 'Slide5' is missing"
: >answer.csv
i=0
: >many.csv
while [ $i -lt 25 ]; do
	i=$((i + 1))
	echo "S$i,$((i % 2))" >>many.csv
done
: >expected.out
head -n 20 many.csv | sed "s/\(.*\),.*/answer.csv: slide '\1' is missing/" >expected.err
cat >>expected.err <<END
... and 5 more
score: answer.csv: 25 faults: a contest would refuse it
END
check 'an empty answer' 3 answer.csv many.csv
printf 'Slide1,0.5\nSl"ide2,0.5\n' >answer.csv
fails 'no CSV' 3 "answer.csv:2: a quote within a field: such a field is quoted as a whole, and the quote doubled" \
	answer.csv truth.csv
fails 'no answer' 3 'absent.csv: No such file or directory' absent.csv truth.csv

fails 'no truth' 3 'absent.csv: No such file or directory' plain.csv absent.csv
printf 'Slide1,0\nSlide2,2\n' >bad.csv
fails 'a label that is none' 3 "bad.csv:2: slide 'Slide2': the label is '2', not 0 or 1" plain.csv bad.csv
printf 'Slide1,0\nSlide1,1\n' >bad.csv
fails 'a slide twice in the truth' 3 "bad.csv:2: slide 'Slide1' a second time, after line 1" plain.csv bad.csv
printf 'Slide1,1,few\n' >bad.csv
fails 'a size that is none' 3 "bad.csv:1: slide 'Slide1': 'few' is no number of tiles" plain.csv bad.csv
printf 'Slide1\n' >bad.csv
# shellcheck disable=SC2016
fails 'a truth without labels' 3 'bad.csv:1: 1 field where `slide,label[,lesion tiles]` is wanted' plain.csv bad.csv
printf 'Slide1,1\nSlide2,1\n' >bad.csv
fails 'one class alone' 3 'bad.csv: 2 slides, 2 of them positive: AUC needs both classes' plain.csv bad.csv

fails 'one class alone, and two answers' 3 'bad.csv: 2 slides, 2 of them positive: AUC needs both classes' \
	plain.csv other.csv bad.csv
fails 'no arguments' 2 'ANSWER [OTHER] TRUTH are wanted; see --help'
fails 'one argument too many' 2 'ANSWER [OTHER] TRUTH are wanted; see --help' a b c d
for list in 0.9,x 1.5,0.9 -0.1 '0.9,' ''; do
	bad=$(echo "$list" | sed 's/^0\.9,//; s/,0\.9$//')
	fails "--specificity '$list'" 2 "--specificity: '$bad' is not a number from 0 to 1" --specificity="$list" a b
done
fails 'an unknown option' 2 'Unknown option --what' --what a b

finish
