#!/usr/bin/env bash
# Passes all tests: installs what they need (Debian packages, a Python virtual
# environment), then runs every check that a change must pass.
#
#   bash tests/run.sh          everything
#   bash tests/run.sh quick    tests only
set -euo pipefail
cd "$(dirname "$0")/.."

sudo=""
if [ "$(id -u)" -ne 0 ]; then sudo="sudo"; fi

section() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }

section "tools"
need=()
have() { command -v "$1" >/dev/null 2>&1 || need+=("$2"); }
have softhsm2-util softhsm2
have pkcs11-tool opensc
have pdfsig poppler-utils
have qpdf qpdf
have tiffcp libtiff-tools
have p11tool gnutls-bin
have xmllint libxml2-utils
have openssl openssl
have keytool default-jre-headless
have cc gcc
have python3 python3
python3 -c 'import venv, ensurepip' 2>/dev/null || need+=(python3-venv)
if [ "${#need[@]}" -gt 0 ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "please install: ${need[*]}" >&2
    exit 1
  fi
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq "${need[@]}" >/dev/null
fi

venv="${KYSO_VENV:-$PWD/target/venv}"
if ! "$venv/bin/python" -c 'import pyhanko, cffi, xsdata, lxml, certomancer, werkzeug, csc_dummy' 2>/dev/null; then
  python3 -m venv "$venv"
  "$venv/bin/pip" -q install 'pyhanko==0.38.0' 'cffi==2.1.1' 'xsdata==26.10' 'lxml==6.1.3' \
    'certomancer==0.16.0' 'certomancer-csc-dummy==0.4.2' 'werkzeug==3.1.9' 'jinja2==3.1.6'
fi
export KYSO_PYTHON="$venv/bin/python"
# The peers are installed now: a test that cannot find one fails.
export KYSO_PEERS_REQUIRED=1

if [ "${1:-}" != quick ]; then
  section "format and lints"
  cargo fmt --check
  cargo clippy --all-features --all-targets -- -D warnings

  section "features"
  cargo check -q
  for feature in pkcs11 http aws-lc-rs preview serde tracing capi cli; do
    cargo check -q --no-default-features --features "$feature"
  done

  section "documentation"
  RUSTDOCFLAGS="-D warnings" cargo doc -q --no-deps --all-features --document-private-items
fi

section "tests"
cargo test --all-features

section "tests by the second backend"
# What digests, signs or verifies through the default; the corpora of paths, certificates and algorithms
# go through both anyway, and the command takes this one by itself.
KYSO_TEST_BACKEND=aws-lc-rs cargo test --all-features --lib --test 'attack_*' --test batch --test 'cms_*' \
  --test corpus_pdf --test draft_fill --test 'evidence_*' --test 'exchange_*' --test 'expect_*' --test field_files \
  --test hidden_pdf --test key_csc --test key_token --test peers_csc --test peers_pki --test 'profile_*' \
  --test 'revocation_*' --test 'sign_[a-eg-z]*' --test 'timestamp_*' --test treasury --test trust --test 'validate_*'

if [ "${1:-}" != quick ]; then
  section "examples"
  for example in examples/*.rs examples/*/main.rs; do
    [ -e "$example" ] || continue
    name="${example#examples/}"; name="${name%/main.rs}"; name="${name%.rs}"
    echo "example $name"
    cargo run -q --all-features --example "$name"
  done

  section "commands of the README"
  bash tests/readme.sh
fi
section "done"
