//! The options and exit codes of the command are a contract: what `--help`
//! prints is compared with what is written down here.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may stop where it stands

use std::fs;
use std::path::Path;
use std::process::Command;

const COMMANDS: [&str; 34] = [
    "",
    "sign",
    "draft",
    "fill",
    "scan",
    "prepare",
    "complete",
    "extend",
    "verify",
    "cert",
    "cert verify",
    "cert show",
    "revocation",
    "revocation check",
    "timestamp",
    "timestamp request",
    "timestamp reply",
    "timestamp verify",
    "envelope",
    "envelope new",
    "envelope add",
    "envelope status",
    "envelope register",
    "envelope check",
    "envelope open",
    "csc",
    "csc info",
    "csc list",
    "treasury",
    "treasury check",
    "treasury request",
    "treasury list",
    "token",
    "token list",
];

fn kyso(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_kyso")).args(arguments).env("LC_ALL", "C").env("COLUMNS", "100").output().unwrap()
}

#[test]
fn the_options_are_those_written_down() {
    let mut text = String::new();
    for command in COMMANDS {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("--help");
        let output = kyso(&arguments);
        assert!(output.status.success(), "{command} --help");
        text.push_str(&format!("$ kyso {command} --help\n{}\n", String::from_utf8(output.stdout).unwrap()));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/cli_help.txt");
    if std::env::var_os("KYSO_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == known, "the options changed: run with KYSO_BLESS=1, read the difference, commit it");
}

#[test]
fn wrong_usage_is_64() {
    for arguments in [&["nothing"][..], &["sign"], &["verify"], &["verify", "a", "--at"], &["archive", "x"]] {
        assert_eq!(kyso(arguments).status.code(), Some(64), "{arguments:?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_66_and_one_without_sense_is_65() {
    assert_eq!(kyso(&["cert", "show", "/nowhere/at-all.pem"]).status.code(), Some(66));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("noise");
    fs::write(&file, b"no certificate").unwrap();
    let output = kyso(&["cert", "show", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&output.stderr).contains("noise"), "the message names the file");
}
