#!/bin/sh
# fuzz.sh - each parser over its corpus, without a fuzzing engine: what once crashed must not again.
. "${0%/*}/tap.sh"

for folder in "${0%/*}"/../fuzz/corpus/*/; do
	parser=$(basename "$folder")
	expect "$parser: its corpus" 0 '' "$B/fuzz/$parser" "$folder"
done
finish
