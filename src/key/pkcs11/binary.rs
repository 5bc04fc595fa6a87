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
    file.by_ref().take(64).read_to_end(&mut start).map_err(failed)?;
    let mut header = Vec::new();
    if let Some(offset) = pe_header(&start) {
        file.seek(SeekFrom::Start(u64::from(offset))).map_err(failed)?;
        file.take(6).read_to_end(&mut header).map_err(failed)?;
    }
    let Some(bits) = bits(&start, &header) else { return Ok(None) };
    let process = usize::BITS;
    Ok((bits != process).then(|| {
        format!(
            "it is a {bits}-bit library and this process has {process} bits; take the module's {process}-bit build, \
             or sign in two phases with the help of a {bits}-bit process"
        )
    }))
}

fn pe_header(start: &[u8]) -> Option<u32> {
    match start {
        [b'M', b'Z', ..] => Some(u32::from_le_bytes(start.get(0x3C..0x40)?.try_into().ok()?)),
        _ => None,
    }
}

/// Bits of an ELF file (its class) or of a PE file (its machine).
fn bits(start: &[u8], header: &[u8]) -> Option<u32> {
    match (start, header) {
        ([0x7F, b'E', b'L', b'F', 1, ..], _) => Some(32),
        ([0x7F, b'E', b'L', b'F', 2, ..], _) => Some(64),
        (_, [b'P', b'E', 0, 0, 0x4C, 0x01]) => Some(32),
        (_, [b'P', b'E', 0, 0, 0x64, 0x86 | 0xAA]) => Some(64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_tell_their_bits() {
        let mut windows = vec![0; 0x40];
        windows[..2].copy_from_slice(b"MZ");
        windows[0x3C] = 0x80;
        assert_eq!(pe_header(&windows), Some(0x80));
        assert_eq!(pe_header(&windows[..0x3E]), None);
        assert_eq!(bits(&windows, b"PE\0\0\x4C\x01"), Some(32));
        assert_eq!(bits(&windows, b"PE\0\0\x64\x86"), Some(64));
        assert_eq!(bits(b"\x7FELF\x01\x01", b""), Some(32));
        assert_eq!(bits(b"#!/bin/sh", b""), None);

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("module.so");
        let other = if usize::BITS == 64 { 1 } else { 2 };
        std::fs::write(&path, [0x7F, b'E', b'L', b'F', other]).unwrap();
        assert!(fault(&path).unwrap().unwrap().contains("-bit build"));
    }
}
