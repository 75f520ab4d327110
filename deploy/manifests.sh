#!/bin/sh
# Copies the workspace's manifests into a folder, with empty sources in the place of its own: what is built there is the
# dependencies. Run it at the top of the repository; the image's build does.
set -eu
to=$1
find . -path ./target -prune -o -path ./.git -prune -o \( -name Cargo.toml -o -name Cargo.lock \) -print |
    while read -r manifest; do
        folder=$(dirname "$manifest")
        mkdir -p "$to/$folder"
        cp "$manifest" "$to/$folder/"
        if [ -f "$folder/src/lib.rs" ]; then
            mkdir -p "$to/$folder/src"
            : >"$to/$folder/src/lib.rs"
        fi
        if [ -f "$folder/src/main.rs" ]; then
            mkdir -p "$to/$folder/src"
            echo 'fn main() {}' >"$to/$folder/src/main.rs"
        fi
    done
