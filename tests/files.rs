//! Output files appear whole or not at all; documents are read in place.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use kyso::Error;
use kyso::error::RefusalReason;
use kyso::files;
use kyso::files::FileSource;
use kyso::files::Output;
use kyso::pdf::Source;

const OLD: &[u8] = b"what was there before";
const NEW: &[u8] = b"what comes in its place";

fn with_old() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out.pdf");
    fs::write(&target, OLD).unwrap();
    (folder, target)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn write(target: &Path) -> Result<(), Error> {
    let mut output = Output::create(target)?;
    output.write_all(NEW).unwrap();
    output.commit()
}

#[test]
fn a_commit_replaces_and_leaves_nothing_beside() {
    let (folder, target) = with_old();
    let mut output = Output::create(&target).unwrap();
    output.write_all(NEW).unwrap();
    output.flush().unwrap();
    assert_eq!(fs::read(&target).unwrap(), OLD, "until the commit");
    assert_eq!(names(folder.path()).len(), 2);
    output.commit().unwrap();
    assert_eq!(fs::read(&target).unwrap(), NEW);
    assert_eq!(names(folder.path()), ["out.pdf"]);
    let fresh = folder.path().join("fresh");
    write(&fresh).unwrap();
    assert_eq!(fs::read(&fresh).unwrap(), NEW);
}

#[test]
fn without_a_commit_everything_is_as_it_was() {
    let (folder, target) = with_old();
    let mut output = Output::create(&target).unwrap();
    output.write_all(&vec![7; 1 << 20]).unwrap();
    drop(output);
    assert_eq!(fs::read(&target).unwrap(), OLD);
    assert_eq!(names(folder.path()), ["out.pdf"]);
    drop(Output::create(&folder.path().join("fresh")).unwrap());
    assert_eq!(names(folder.path()), ["out.pdf"]);
}

#[test]
fn a_folder_is_no_target_and_none_is_made() {
    let (folder, target) = with_old();
    assert!(matches!(Output::create(folder.path()), Err(Error::Io(_))));
    assert!(matches!(Output::create(&folder.path().join("none/out.pdf")), Err(Error::Io(_))));
    assert!(matches!(Output::create(&target.join("out.pdf")), Err(Error::Io(_))), "a file is no folder");
    assert_eq!(names(folder.path()), ["out.pdf"]);
}

#[test]
fn a_read_only_file_is_not_replaced() {
    let (folder, target) = with_old();
    let mut permissions = fs::metadata(&target).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&target, permissions).unwrap();
    assert!(matches!(Output::create(&target), Err(Error::Io(_))));
    assert_eq!(names(folder.path()), ["out.pdf"]);
}

#[test]
fn a_new_name_is_never_one_that_something_has() {
    let (folder, target) = with_old();
    let refused = |result: Result<(), Error>| match result {
        Err(Error::Refused(refused)) => assert_eq!(refused.reason(), RefusalReason::Exists),
        other => panic!("{other:?}"),
    };
    refused(Output::create_new(&target).map(drop));
    let fresh = folder.path().join("fresh");
    let mut output = Output::create_new(&fresh).unwrap();
    output.write_all(NEW).unwrap();
    // Somebody else was faster.
    fs::write(&fresh, OLD).unwrap();
    refused(output.commit());
    assert_eq!(fs::read(&fresh).unwrap(), OLD);
    let other = folder.path().join("other");
    let mut output = Output::create_new(&other).unwrap();
    output.write_all(NEW).unwrap();
    output.commit().unwrap();
    assert_eq!(fs::read(&other).unwrap(), NEW);
    assert_eq!(names(folder.path()), ["fresh", "other", "out.pdf"]);
}

/// What a child process does before it is killed; on its own it does nothing.
#[test]
fn half_of_a_file() {
    let Some(target) = std::env::var_os("KYSO_TEST_HALF") else { return };
    let mut output = Output::create(Path::new(&target)).unwrap();
    output.write_all(&vec![7; 1 << 20]).unwrap();
    output.flush().unwrap();
    println!("\nhalf");
    loop {
        std::thread::park();
    }
}

#[test]
fn a_process_that_is_killed_leaves_the_old_file_whole() {
    let (folder, target) = with_old();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "half_of_a_file", "--nocapture"])
        .env("KYSO_TEST_HALF", &target)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "half"), "the child came so far");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read(&target).unwrap(), OLD);
    assert_eq!(names(folder.path()).len(), 2, "the unfinished file stays, under its own name");
    write(&target).unwrap();
    assert_eq!(fs::read(&target).unwrap(), NEW);
}

#[test]
fn a_file_is_read_in_place() {
    let (folder, target) = with_old();
    let source = FileSource::open(&target).unwrap();
    assert_eq!(source.len(), OLD.len() as u64);
    assert!(source.octets().is_none(), "nothing is held in memory");
    let mut buffer = [0; 5];
    assert_eq!(source.read_at(5, &mut buffer).unwrap(), 5);
    assert_eq!(buffer, OLD[5..10]);
    assert_eq!(source.read_at(OLD.len() as u64 - 2, &mut buffer).unwrap(), 2);
    assert_eq!(source.read_at(OLD.len() as u64 + 1, &mut buffer).unwrap(), 0);
    assert_eq!(source.read_at(u64::MAX, &mut buffer).unwrap(), 0);
    source.check_unchanged().unwrap();
    fs::OpenOptions::new().append(true).open(&target).unwrap().write_all(b"more").unwrap();
    assert_eq!(source.len(), OLD.len() as u64);
    assert_eq!(source.read_at(OLD.len() as u64, &mut buffer).unwrap(), 0, "what was appended is not seen");
    assert!(matches!(source.check_unchanged(), Err(Error::Io(_))));
    assert!(matches!(FileSource::open(folder.path()), Err(Error::Io(_))));
    assert!(matches!(FileSource::open(&folder.path().join("none")), Err(Error::Io(_))));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn permissions_are_kept() {
        let (_folder, target) = with_old();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
        write(&target).unwrap();
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o7777, 0o640);
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let (folder, target) = with_old();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let (link, second) = (inner.join("link"), folder.path().join("second"));
        symlink("../out.pdf", &link).unwrap();
        symlink("inner/link", &second).unwrap();
        write(&second).unwrap();
        assert_eq!(fs::read(&target).unwrap(), NEW);
        assert!(fs::symlink_metadata(&second).unwrap().is_symlink());
        assert_eq!(names(&inner), ["link"], "made beside the file, not beside the link");
        // A link that leads to nothing yet.
        symlink("later", folder.path().join("ahead")).unwrap();
        write(&folder.path().join("ahead")).unwrap();
        assert_eq!(fs::read(folder.path().join("later")).unwrap(), NEW);
        assert!(matches!(Output::create_new(&second), Err(Error::Refused(_))));
        symlink("round", folder.path().join("round")).unwrap();
        assert!(matches!(Output::create(&folder.path().join("round")), Err(Error::Io(_))));
    }

    #[test]
    fn a_folder_that_takes_no_files() {
        let (folder, target) = with_old();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
        // Whoever may do everything may do this too.
        let privileged = fs::write(folder.path().join("probe"), b"").is_ok();
        if !privileged {
            assert!(matches!(Output::create(&target), Err(Error::Io(_))));
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(fs::read(&target).unwrap(), OLD);
        if Path::new("/proc/self").exists() {
            assert!(matches!(Output::create(Path::new("/proc/out.pdf")), Err(Error::Io(_))));
        }
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            eprintln!("no /dev/full here: skipped");
            return;
        }
        assert!(matches!(write(full), Err(Error::Io(_))), "found when the buffer is written out");
        let mut output = Output::create(full).unwrap();
        assert!(output.write_all(&vec![7; 1 << 20]).is_err());
        drop(output);
        assert!(!fs::metadata(full).unwrap().is_file(), "a device is never replaced");
    }

    #[test]
    fn a_pipe_is_written_to_and_not_read_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        if !Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
            eprintln!("no mkfifo here: skipped");
            return;
        }
        assert!(matches!(FileSource::open(&pipe), Err(Error::Io(_))));
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        write(&pipe).unwrap();
        assert_eq!(reader.join().unwrap(), NEW);
        assert_eq!(names(folder.path()), ["pipe"]);
    }
}

#[test]
fn trust_sets_go_to_a_folder_and_come_back() {
    let root = |name: &str| {
        ca::Authority::root(ca::Template::ca(&[(ca::CN, name)], None), kyso::crypto::KeySpec::P256).certificate
    };
    let mut set = kyso::trust::TrustSet::new("office");
    set.extend([root("One"), root("Two")].map(kyso::trust::TrustAnchor::from_certificate));
    let folder = tempfile::tempdir().unwrap();
    files::write_trust_set(&set, folder.path()).unwrap();
    let read = files::read_trust_set(folder.path(), "office").unwrap();
    let digests = |set: &kyso::trust::TrustSet| {
        let mut all: Vec<String> = set.anchors().iter().map(|a| a.sha256().to_hex()).collect();
        all.sort();
        all
    };
    assert_eq!(digests(&read), digests(&set));
    // One file alone is read, too; a folder with a file that holds none says which.
    let one = folder.path().join(format!("{}.pem", digests(&set)[0]));
    assert_eq!(files::read_trust_set(&one, "one").unwrap().anchors().len(), 1);
    fs::write(folder.path().join("notes.txt"), "no certificate").unwrap();
    let error = files::read_trust_set(folder.path(), "office").unwrap_err();
    assert!(error.to_string().contains("notes.txt"), "{error}");
    assert!(files::read_trust_set(&folder.path().join("nowhere"), "none").is_err());
}
