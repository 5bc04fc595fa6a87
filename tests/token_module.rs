//! What is loaded and is no module that works here: told apart, and nothing of it has run.
#![cfg(all(feature = "pkcs11", target_os = "linux"))]
#![allow(clippy::unwrap_used)] // a test may stop where it stands

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use kyso::Error;
use kyso::key::pkcs11::Module;

/// Builds a library; none where there is no C compiler.
fn build(dir: &Path, name: &str, source: &str, more: &[&str]) -> Option<PathBuf> {
    let (from, to) = (dir.join(format!("{name}.c")), dir.join(name));
    fs::write(&from, source).unwrap();
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(compiler)
        .args(["-shared", "-fPIC", "-Wl,-z,now", "-o"])
        .args([&to, &from])
        .args(more)
        .current_dir(dir)
        .output();
    let Ok(output) = output else {
        assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "no C compiler found");
        eprintln!("no C compiler found: skipped");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(to)
}

/// A module that leaves a mark where it runs, and calls something of another library.
fn module(dir: &Path) -> String {
    let mark = dir.join("ran");
    format!(
        "#include <stdio.h>\n\
         int vendor(void);\n\
         __attribute__((constructor)) static void ran(void) {{ fclose(fopen(\"{}\", \"w\")); }}\n\
         unsigned long C_GetFunctionList(void **list) {{ *list = 0; return (unsigned long)vendor(); }}\n",
        mark.display()
    )
}

fn refusal(path: &Path) -> String {
    match Module::load(path).unwrap_err() {
        Error::Token(error) => error.to_string(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_module_whose_own_library_is_missing_names_it_and_does_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let library = "int vendor(void) { return 5; }\n";
    let soname = "-Wl,-soname,libvendor-base.so.2";
    let Some(base) = build(dir, "libvendor-base.so", library, &[soname]) else { return };
    let path = build(dir, "module.so", &module(dir), &["-L.", "-lvendor-base"]).unwrap();
    fs::remove_file(base).unwrap();
    let text = refusal(&path);
    assert!(text.contains("a library that it needs is missing: libvendor-base.so.2"), "{text}");
    assert!(text.contains("module.so") && text.contains("install the token's driver whole"), "{text}");
    assert!(!dir.join("ran").exists());

    // Once it is there, the same module is taken up without a new process.
    build(dir, "libvendor-base.so.2", library, &[soname]).unwrap();
    let path = build(dir, "module.so", &module(dir), &["-L.", "-l:libvendor-base.so.2", "-Wl,-rpath,$ORIGIN"]).unwrap();
    let text = refusal(&path);
    assert!(!text.contains("missing"), "{text}");
    assert!(dir.join("ran").exists(), "it was loaded: {text}");
}

#[test]
fn a_library_of_a_library_that_is_missing_is_named_too() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let deep = build(dir, "libvendor-deep.so", "int deep(void) { return 5; }\n", &["-Wl,-soname,libvendor-deep.so"]);
    let Some(deep) = deep else { return };
    let source = "int deep(void); int vendor(void) { return deep(); }\n";
    build(dir, "libvendor-mid.so", source, &["-L.", "-lvendor-deep", "-Wl,-soname,libvendor-mid.so"]).unwrap();
    let more = ["-L.", "-lvendor-mid", "-Wl,-rpath,$ORIGIN", "-Wl,--allow-shlib-undefined"];
    let path = build(dir, "module.so", &module(dir), &more).unwrap();
    fs::remove_file(deep).unwrap();
    let text = refusal(&path);
    assert!(text.contains("a library that it needs is missing: libvendor-deep.so;"), "{text}");
    assert!(!dir.join("ran").exists());
}

#[test]
fn a_module_for_a_newer_system_says_which_version_it_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let library = "int vendor(void) { return 5; }\n";
    let versions = |text: &str| fs::write(dir.join("versions"), text).unwrap();
    let more = ["-Wl,-soname,libvendor-ver.so", "-Wl,--version-script,versions"];
    versions("VENDOR_2.0 { global: vendor; };\n");
    if build(dir, "libvendor-ver.so", library, &more).is_none() {
        return;
    }
    let path = build(dir, "module.so", &module(dir), &["-L.", "-lvendor-ver", "-Wl,-rpath,$ORIGIN"]).unwrap();
    versions("VENDOR_1.0 { global: vendor; };\n");
    build(dir, "libvendor-ver.so", library, &more).unwrap();
    let text = refusal(&path);
    assert!(text.contains("built for a newer system: version VENDOR_2.0 of"), "{text}");
    assert!(!dir.join("ran").exists());
}

#[test]
fn a_library_that_is_no_module_is_told_from_one_that_fails() {
    let dir = tempfile::tempdir().unwrap();
    let Some(path) = build(dir.path(), "other.so", "int x(void) { return 1; }\n", &[]) else { return };
    let text = refusal(&path);
    assert!(text.contains("a library, but no PKCS#11 module"), "{text}");
    // One that lacks a symbol at its loading.
    let source =
        "int nowhere(void); int (*keep)(void) = nowhere; unsigned long C_GetFunctionList(void **l) { return 5; }\n";
    let path = build(dir.path(), "torn.so", source, &[]).unwrap();
    let text = refusal(&path);
    assert!(text.contains("nowhere") && !text.contains("missing:"), "{text}");
}
