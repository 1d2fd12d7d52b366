#!/bin/sh
# Unpacks the archive elsewhere, compares the checksums and asks the program inside for a price.
# Usage: verify.sh VERSION
set -eu
name=shop-$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tar -C "$scratch" -xzf "dist/$name.tar.gz"
cp "dist/$name.sha256" "$scratch/"
cd "$scratch"
sha256sum --quiet -c "$name.sha256"
said=$("$name/shop" totals "$name/stock.csv" tea=1)
[ "$said" = "net 4.20 tax 0.80 gross 5.00" ] || {
    echo "verify: the packaged program says \`$said\`" >&2
    exit 1
}
echo "verify: $name is whole"
