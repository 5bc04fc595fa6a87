//! The C header is what the sources say. `KYSO_BLESS=1` writes it anew.
#![cfg(feature = "capi")]
#![allow(clippy::unwrap_used)] // a test may stop where it stands

use std::fs;
use std::path::Path;
use std::process::Command;

/// In the order in which a reader of the header meets them.
const SOURCES: &[&str] = &["status", "bytes", "key", "signing", "validation", "envelope"];

const INTRODUCTION: &str = "\
/* kyso: sign, validate and open official electronic documents.
 *
 * Written from src/ffi by tests/ffi_header.rs; do not edit.
 *
 * What can fail returns a status; its last argument takes an error object and
 * may be NULL. A result is written on success only, the error on failure only.
 *
 * Octets and text are a pointer and a length, borrowed for the call; NULL is
 * allowed where the length is 0. Text is UTF-8.
 *
 * A handle that comes out belongs to the caller and goes back through the free
 * function of its type, once. Freeing NULL does nothing. A handle that goes in
 * is borrowed for the call. One handle belongs to one thread at a time.
 */";

fn generated(root: &Path) -> String {
    let mut config = cbindgen::Config {
        language: cbindgen::Language::C,
        header: Some(INTRODUCTION.to_owned()),
        include_guard: Some("KYSO_H".to_owned()),
        no_includes: true,
        sys_includes: vec!["stddef.h".to_owned(), "stdint.h".to_owned()],
        cpp_compat: true,
        usize_is_size_t: true,
        style: cbindgen::Style::Type,
        documentation_style: cbindgen::DocumentationStyle::C99,
        ..cbindgen::Config::default()
    };
    config.function.args = cbindgen::Layout::Vertical;
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(root.join("src/ffi").join(source).with_extension("rs"));
    }
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    String::from_utf8(header).unwrap()
}

#[test]
fn the_header_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("include/kyso.h");
    let header = generated(root);
    if std::env::var_os("KYSO_BLESS").is_some_and(|v| v == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &header).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == header, "include/kyso.h is not what the sources say: run this test with KYSO_BLESS=1");
}

/// Every source with an entry is in the header.
#[test]
fn no_source_is_forgotten() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in fs::read_dir(root.join("src/ffi")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert_eq!(text.contains("no_mangle"), SOURCES.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn the_header_is_c_and_cpp() {
    let dir = tempfile::tempdir().unwrap();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    for (compiler, language, standard) in
        [("cc", "c", "c99"), ("cc", "c", "c11"), ("c++", "c++", "c++11"), ("c++", "c++", "c++17")]
    {
        let source = dir.path().join("header");
        // Twice, for the guard.
        fs::write(
            &source,
            "#include \"kyso.h\"\n#include \"kyso.h\"\nint main(void) { kyso_error_free(0); return KYSO_STATUS_OK; }\n",
        )
        .unwrap();
        let output = Command::new(compiler)
            .args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-x", language])
            .arg(format!("-std={standard}"))
            .arg("-I")
            .arg(&include)
            .arg(&source)
            .output();
        let Ok(output) = output else {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "{compiler} not found");
            eprintln!("{compiler} not found: skipped");
            continue;
        };
        assert!(output.status.success(), "{standard}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
