#!/bin/sh
# page.sh - pages of report in a browser: see tests/page/check.mjs. $PAGE_MODULES is the folder with the node_modules that
# has playwright-core and axe-core (npm install --prefix FOLDER axe-core playwright-core); the browser is Debian's chromium.
. "${0%/*}/tap.sh"

page=$(cd "${0%/*}/../page" && pwd)
modules=$(cd "${PAGE_MODULES-$B/node}" 2>/dev/null && pwd)
browser=$(command -v chromium)
missing=
command -v node >/dev/null || missing=node
[ -n "$browser" ] || missing=chromium
for package in playwright-core axe-core; do
	[ -d "$modules/node_modules/$package" ] || missing=$package
done
if [ -n "$missing" ]; then
	echo "ok 1 - pages in a browser # skip there is no $missing"
	echo 1..1
	exit 0
fi

for run in ok failed killed hostile; do
	awk -f "$page/tell.awk" -v run=$run >"$T/$run.log"
	awk -f "$page/tell.awk" -v run=$run -v stream=err >>"$T/$run.log"
done
awk -f "$page/tell.awk" -v program=inference >>"$T/ok.log"
awk -f "$page/tell.awk" -v seed=2 -v epochs=40 >"$T/other.log"
for run in ok failed killed hostile; do
	"$B/report" "$T/$run.log" -o "$T/$run.html"
done
"$B/report" "$T/ok.log" --vs "$T/other.log" -o "$T/two.html"
"$B/report" /dev/null -o "$T/empty.html"
node "$page/check.mjs" "$modules" "$browser" "$T/two.html" "$T"/[!t]*.html
