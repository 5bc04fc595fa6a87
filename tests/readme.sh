#!/usr/bin/env bash
# Runs the commands of the README: every block marked `sh`, as a newcomer would,
# in the repository; what they write goes to `out`. Blocks marked `sh ignore`
# are run by tests/run.sh itself.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -e out/round-trip/2-sealed.pdf ] || cargo run -q --example round_trip >/dev/null
commands="$(awk '/^```sh$/ { on = 1; next } /^```/ { on = 0 } on' README.md)"
[ -n "$commands" ] || { echo "README.md has no commands to run" >&2; exit 1; }
# Where the build goes elsewhere, the command is found there.
export PATH="${CARGO_TARGET_DIR:-target}/debug:$PATH"
bash -euxo pipefail -c "$commands"
