//! The layering of the crate, held by a test: a module imports only modules of
//! lower rank, within its rank only what is named here, and what does I/O
//! imports downwards only.

#![allow(clippy::unwrap_used)] // a test may stop where it stands

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Module (or submodule, by its longest match) and its rank.
const RANKS: &[(&str, u8)] = &[
    ("error", 0),
    ("finding", 0),
    ("level", 0),
    ("limits", 0),
    ("secret", 0),
    ("source", 0),
    ("time", 0),
    ("asn1", 1),
    ("crypto", 1),
    ("fetch", 1),
    ("x509", 2),
    ("cms", 2),
    ("timestamp", 2),
    ("pdf", 2),
    ("xml", 2),
    ("container", 2),
    ("envelope", 2),
    ("trust", 3),
    ("path", 3),
    ("evidence", 3),
    ("revocation", 3),
    ("key", 4),
    ("sign", 5),
    ("validate", 5),
    ("profile", 6),
    ("exchange", 6),
    ("archive", 6),
    ("files", 7),
    ("batch", 7),
    // Reads answers to see how long they count.
    ("fetch::cache", 3),
    ("fetch::cache_dir", 7),
    ("fetch::http", 7),
    ("key::pkcs11", 7),
    ("ffi", 8),
];

/// Imports inside one rank that are meant to be.
const SIDEWAYS: &[(&str, &str)] = &[
    ("finding", "error"),
    ("limits", "error"),
    ("secret", "error"),
    ("source", "error"),
    ("time", "error"),
    ("crypto", "asn1"),
    ("cms", "x509"),
    ("timestamp", "cms"),
    ("timestamp", "x509"),
    ("envelope", "xml"),
    ("envelope", "container"),
    ("path", "trust"),
    ("revocation", "path"),
    ("revocation", "trust"),
    ("evidence", "path"),
    ("evidence", "revocation"),
    ("evidence", "trust"),
    ("fetch::cache_dir", "files"),
    ("batch", "files"),
    ("key::pkcs11", "files"),
];

fn module_of(path: &str) -> Option<(&'static str, u8)> {
    RANKS
        .iter()
        .filter(|(m, _)| path == *m || path.strip_prefix(m).is_some_and(|r| r.starts_with("::")))
        .max_by_key(|(m, _)| m.len())
        .copied()
}

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn imports() -> BTreeMap<(String, String), Vec<String>> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut found: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        if relative.starts_with("bin") || relative == Path::new("lib.rs") {
            continue;
        }
        let module: Vec<_> = relative.with_extension("").iter().map(|c| c.to_str().unwrap().to_owned()).collect();
        let module = module.join("::");
        let module = module.strip_suffix("::mod").unwrap_or(&module).to_owned();
        let text = fs::read_to_string(&file).unwrap();
        // What unit tests import does not count.
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for line in text.lines() {
            let code = line.split("//").next().unwrap();
            let mut rest = code;
            while let Some(i) = rest.find("crate::") {
                rest = &rest[i + 7..];
                if rest.starts_with('{') {
                    panic!("{}: nested `use crate::{{..}}` hides an import: {line}", file.display());
                }
                let path: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect();
                found.entry((module.clone(), path)).or_default().push(line.trim().to_owned());
            }
        }
    }
    found
}

#[test]
fn modules_import_downwards() {
    let mut wrong = Vec::new();
    for ((module, import), lines) in imports() {
        let Some((from, from_rank)) = module_of(&module) else {
            wrong.push(format!("{module}: has no rank"));
            continue;
        };
        let Some((to, to_rank)) = module_of(&import) else {
            // A name re-exported at the root.
            if !["Error", "Limits", "Time"].contains(&import.as_str()) {
                wrong.push(format!("{module}: unknown import {import}"));
            }
            continue;
        };
        let same = from == to || from.split("::").next() == to.split("::").next() && from_rank >= to_rank;
        if to_rank < from_rank || same || SIDEWAYS.contains(&(from, to)) {
            continue;
        }
        wrong.push(format!("{module} (rank {from_rank}) imports {import} (rank {to_rank}): {}", lines[0]));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn signing_and_validation_do_not_know_each_other() {
    for ((module, import), lines) in imports() {
        let pair = (module.split("::").next().unwrap(), import.split("::").next().unwrap());
        assert!(pair != ("sign", "validate") && pair != ("validate", "sign"), "{module}: {}", lines[0]);
    }
}
