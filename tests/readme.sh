#!/usr/bin/env bash
# Runs the commands of the README: every block marked `sh`, in a folder of its
# own that looks like the repository, with the `kyso` that was built on PATH.
# Blocks marked `sh ignore` are run by tests/run.sh itself.
set -euo pipefail
cd "$(dirname "$0")/.."
repository="$PWD"
target="${CARGO_TARGET_DIR:-$repository/target}"
[ -e out/round-trip/2-sealed.pdf ] || cargo run -q --example round_trip >/dev/null

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
for entry in Cargo.toml Cargo.lock src examples tests benches README.md out; do
  [ -e "$entry" ] && ln -s "$repository/$entry" "$folder/$entry"
done
awk '/^```sh$/ { on = 1; next } /^```/ { on = 0 } on' README.md >"$folder/commands.sh"
[ -s "$folder/commands.sh" ] || { echo "README.md has no commands to run" >&2; exit 1; }
cd "$folder"
CARGO_TARGET_DIR="$target" PATH="$target/debug:$PATH" bash -euxo pipefail commands.sh
