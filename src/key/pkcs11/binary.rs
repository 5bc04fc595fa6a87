//! Whether a file can be a library of this process at all. What the loader
//! says of one for another processor helps nobody.

use std::fs::File;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::path::Path;

use crate::error::Error;
use crate::error::IoError;

/// What is wrong with the library at `path`, where that can be told from its first octets.
pub(super) fn fault(path: &Path) -> Result<Option<String>, Error> {
    let failed = |e| IoError::new("read", path.display().to_string(), e);
    let mut file = File::open(path).map_err(failed)?;
    let mut start = Vec::new();
    file.by_ref().take(256).read_to_end(&mut start).map_err(failed)?;
    let mut header = Vec::new();
    if let Some(offset) = pe_header(&start) {
        file.seek(SeekFrom::Start(u64::from(offset))).map_err(failed)?;
        file.take(6).read_to_end(&mut header).map_err(failed)?;
    }
    let Some((system, machines)) = library(&start, &header) else {
        return Ok(Some("it is no library of any system".into()));
    };
    let process = Machine::of_process();
    Ok(if system != System::of_process() {
        Some(format!("it is a library for {}, not for this system", system.name()))
    } else if process.is_none_or(|process| machines.is_empty() || machines.contains(&process)) {
        None
    } else if machines.iter().all(|m| Some(m.bits()) != process.map(Machine::bits)) {
        let (is, wants) = (machines.first().map_or(0, |m| m.bits()), usize::BITS);
        Some(format!(
            "it is a {is}-bit library and this process has {wants} bits; take the module's {wants}-bit build, \
             or sign in two phases with the help of a {is}-bit process"
        ))
    } else {
        let names: Vec<_> = machines.iter().map(|m| m.name()).collect();
        let process = process.map_or("another one", Machine::name);
        Some(format!("it is a library for {} processors; this process needs one for {process}", names.join(" and ")))
    })
}

/// What the loader's complaint about the library at `path`, which is one of this system, means.
///
/// Which libraries a library needs could be read from it; where they are looked
/// for is known to the loader alone. It refuses before anything of the library runs.
pub(super) fn explained(path: &Path, error: &cryptoki::error::Error) -> String {
    match error {
        cryptoki::error::Error::LibraryLoading(e) => complaint(path, &e.to_string()),
        cryptoki::error::Error::MissingSymbol(_) => "it is a library, but no PKCS#11 module".into(),
        e => e.to_string(),
    }
}

fn complaint(path: &Path, text: &str) -> String {
    if let Some((version, library)) = missing_version(text) {
        return format!(
            "it was built for a newer system: version {version} of {library} is missing; \
             take the build of the token's driver for this system"
        );
    }
    match missing_library(path, text) {
        Some(name) => format!("a library that it needs is missing: {name}; install the token's driver whole"),
        // ERROR_MOD_NOT_FOUND, of a file that is there.
        None if cfg!(windows) && text.contains("126") => {
            format!("a library that it needs is missing; install the token's driver whole ({text})")
        }
        None => text.to_owned(),
    }
}

/// The library that was not found. The words around its name can be in the user's language.
fn missing_library<'t>(path: &Path, text: &'t str) -> Option<&'t str> {
    // musl and macOS.
    for before in ["Error loading shared library ", "Library not loaded: "] {
        if let Some((_, rest)) = text.split_once(before) {
            return rest.split([':', ' ', '\n']).next().filter(|name| !name.is_empty() && !path.ends_with(name));
        }
    }
    // glibc: a library that was found stands there with its folder.
    let (name, _) = text.split_once(": ")?;
    let plain = !name.is_empty() && !name.contains(['/', ' ']) && name.contains(".so");
    (plain && !path.ends_with(name)).then_some(name)
}

/// The version of a library's symbols that is not there, and the library; glibc has these words in English alone.
fn missing_version(text: &str) -> Option<(&str, &str)> {
    let (library, rest) = text.split_once(": version `")?;
    let (version, rest) = rest.split_once('\'')?;
    rest.contains("required by").then_some((version, library))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    Elf,
    Windows,
    Apple,
}

impl System {
    const fn of_process() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_vendor = "apple") {
            Self::Apple
        } else {
            Self::Elf
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Elf => "Linux or another system with ELF",
            Self::Windows => "Windows",
            Self::Apple => "macOS",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Machine {
    X86,
    X86_64,
    Arm,
    Arm64,
    /// Another one, of so many bits.
    Other(u32),
}

impl Machine {
    const fn of_process() -> Option<Self> {
        if cfg!(target_arch = "x86_64") {
            Some(Self::X86_64)
        } else if cfg!(target_arch = "aarch64") {
            Some(Self::Arm64)
        } else if cfg!(target_arch = "x86") {
            Some(Self::X86)
        } else if cfg!(target_arch = "arm") {
            Some(Self::Arm)
        } else {
            None
        }
    }

    const fn bits(self) -> u32 {
        match self {
            Self::X86 | Self::Arm => 32,
            Self::X86_64 | Self::Arm64 => 64,
            Self::Other(bits) => bits,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86",
            Self::X86_64 => "x86-64",
            Self::Arm => "32-bit ARM",
            Self::Arm64 => "64-bit ARM",
            Self::Other(_) => "other",
        }
    }
}

fn pe_header(start: &[u8]) -> Option<u32> {
    match start {
        [b'M', b'Z', ..] => Some(u32::from_le_bytes(start.get(0x3C..0x40)?.try_into().ok()?)),
        _ => None,
    }
}

/// For which system and machines a library is: none where the file does not say.
fn library(start: &[u8], pe: &[u8]) -> Option<(System, Vec<Machine>)> {
    let machines = |m: Option<Machine>| m.into_iter().collect();
    match (start, pe) {
        ([0x7F, b'E', b'L', b'F', class @ (1 | 2), order, ..], _) => {
            let octets: Option<[u8; 2]> = start.get(18..20).and_then(|m| m.try_into().ok());
            let number = octets.map(|m| if *order == 2 { u16::from_be_bytes(m) } else { u16::from_le_bytes(m) });
            let other = Machine::Other(if *class == 1 { 32 } else { 64 });
            let machine = match number {
                Some(3) => Machine::X86,
                // The ABI with short pointers has the same number and is a 32-bit library.
                Some(62) if *class == 2 => Machine::X86_64,
                Some(40) => Machine::Arm,
                Some(183) if *class == 2 => Machine::Arm64,
                _ => other,
            };
            Some((System::Elf, vec![machine]))
        }
        (_, [b'P', b'E', 0, 0, low, high]) => {
            let machine = match u16::from_le_bytes([*low, *high]) {
                0x014C => Some(Machine::X86),
                0x8664 => Some(Machine::X86_64),
                0x01C4 => Some(Machine::Arm),
                0xAA64 => Some(Machine::Arm64),
                _ => None,
            };
            Some((System::Windows, machines(machine)))
        }
        ([0xCF | 0xCE, 0xFA, 0xED, 0xFE, rest @ ..], _) => {
            let cpu = rest.get(..4).and_then(|c| c.try_into().ok()).map(u32::from_le_bytes);
            Some((System::Apple, machines(cpu.and_then(apple))))
        }
        // Several in one file: a count, then 20 octets for each. Java class files begin so too, and have a version here.
        ([0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, count @ 1..=16, rest @ ..], _) => {
            let each = rest.chunks_exact(20).take(usize::from(*count));
            let cpus = each.filter_map(|a| a.get(..4)?.try_into().ok()).map(u32::from_be_bytes);
            Some((System::Apple, cpus.filter_map(apple).collect()))
        }
        _ => None,
    }
}

const fn apple(cpu: u32) -> Option<Machine> {
    match cpu {
        7 => Some(Machine::X86),
        0x0100_0007 => Some(Machine::X86_64),
        0x0100_000C => Some(Machine::Arm64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(class: u8, machine: u8) -> Vec<u8> {
        let mut file = vec![0x7F, b'E', b'L', b'F', class, 1, 1];
        file.resize(18, 0);
        file.extend([machine, 0]);
        file
    }

    #[test]
    fn libraries_tell_for_whom_they_are() {
        let mut windows = vec![0; 0x40];
        windows[..2].copy_from_slice(b"MZ");
        windows[0x3C] = 0x80;
        assert_eq!(pe_header(&windows), Some(0x80));
        assert_eq!(pe_header(&windows[..0x3E]), None);
        assert_eq!(library(&windows, b"PE\0\0\x4C\x01"), Some((System::Windows, vec![Machine::X86])));
        assert_eq!(library(&windows, b"PE\0\0\x64\x86"), Some((System::Windows, vec![Machine::X86_64])));
        assert_eq!(library(&elf(1, 3), b""), Some((System::Elf, vec![Machine::X86])));
        assert_eq!(library(&elf(2, 183), b""), Some((System::Elf, vec![Machine::Arm64])));
        assert_eq!(library(&elf(2, 243), b""), Some((System::Elf, vec![Machine::Other(64)])));
        let apple = [0xCF, 0xFA, 0xED, 0xFE, 7, 0, 0, 1];
        assert_eq!(library(&apple, b""), Some((System::Apple, vec![Machine::X86_64])));
        let mut both = vec![0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, 2, 1, 0, 0, 7];
        both.resize(28, 0);
        both.extend([1, 0, 0, 0x0C]);
        both.resize(48, 0);
        assert_eq!(library(&both, b""), Some((System::Apple, vec![Machine::X86_64, Machine::Arm64])));
        assert_eq!(library(b"#!/bin/sh", b""), None);
        assert_eq!(library(&[0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, 52], b""), None);
    }

    #[test]
    fn complaints_of_loaders_are_understood() {
        let path = Path::new("/opt/vendor/module.so");
        let missing = |text: &str| complaint(path, text);
        for text in [
            "libvendor.so.2: cannot open shared object file: No such file or directory",
            "libvendor.so.2: không thể mở tập tin đối tượng dùng chung: Không có tập tin hoặc thư mục như vậy",
            "Error loading shared library libvendor.so.2: No such file or directory (needed by /opt/vendor/module.so)",
            "dlopen(/opt/vendor/module.so, 1): Library not loaded: libvendor.so.2\n  Referenced from: x",
        ] {
            assert!(missing(text).contains("missing: libvendor.so.2;"), "{}", missing(text));
        }
        let version =
            "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.99' not found (required by /opt/vendor/module.so)";
        assert!(missing(version).contains("version GLIBC_2.99 of /lib/x86_64-linux-gnu/libc.so.6"));
        for other in ["/opt/vendor/module.so: undefined symbol: x", "module.so: cannot open", "x", ""] {
            assert_eq!(missing(other), other);
        }
    }

    #[test]
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn faults_say_what_would_help() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("module.so");
        let fault_of = |octets: &[u8]| {
            std::fs::write(&path, octets).unwrap();
            fault(&path).unwrap()
        };
        assert!(fault_of(&elf(1, 3)).unwrap().contains("32-bit library"));
        let other = if cfg!(target_arch = "x86_64") { 183 } else { 62 };
        assert!(fault_of(&elf(2, other)).unwrap().contains("processors"));
        assert!(fault_of(b"no library").unwrap().contains("no library"));
        let mut windows = vec![0; 0x40];
        windows[..2].copy_from_slice(b"MZ");
        windows[0x3C] = 0x40;
        windows.extend(b"PE\0\0\x64\x86");
        assert!(fault_of(&windows).unwrap().contains("Windows"));
        assert_eq!(fault(&std::env::current_exe().unwrap()).unwrap(), None);
    }
}
