#!/bin/sh
# Puts the release program, its list and the price lists into dist/, with a checksum for each.
# Usage: package.sh VERSION
set -eu
version=$1
name=shop-$version
cargo build --release --offline --quiet
rm -rf "dist/$name"
mkdir -p "dist/$name"
cp target/release/shop data/stock.csv "dist/$name/"
cp dist/prices/*.csv "dist/$name/"
(cd dist && sha256sum "$name"/* >"$name.sha256")
tar -C dist -czf "dist/$name.tar.gz" "$name"
echo "package: dist/$name.tar.gz"
