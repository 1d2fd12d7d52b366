#!/bin/sh
# A stand-in for an exchange that is down now and then: it refuses the first two attempts of a task, and answers the third.
# Usage: fetch-rates.sh FILE
set -eu
attempt=${FORMIC_ATTEMPT_NUMBER:-3}
if [ "$attempt" -lt 3 ]; then
    echo "fetch-rates: connect to rates.example port 443 failed: connection refused (attempt $attempt)" >&2
    exit 7
fi
cp data/rates.csv "$1"
echo "fetch-rates: $(wc -l <"$1" | tr -d ' ') rates on attempt $attempt"
