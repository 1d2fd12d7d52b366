#!/bin/sh
# Text rules that need no tool: no tabs, no blanks at the end of a line, a newline at the end of each file.
set -eu
red=0
for file in src/*.rs tests/*.rs scripts/*.sh data/*.csv; do
    if grep -n "$(printf '[ \t]$')" "$file" || grep -n "$(printf '\t')" "$file"; then
        echo "style: $file has tabs, or blanks at the end of a line" >&2
        red=1
    fi
    if [ -n "$(tail -c 1 "$file")" ]; then
        echo "style: $file does not end with a newline" >&2
        red=1
    fi
done
exit "$red"
