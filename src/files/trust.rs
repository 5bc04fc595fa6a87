//! Trust sets as files and folders.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::error::Error;
use crate::error::Format;
use crate::error::IoError;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::files::Output;
use crate::trust::TrustAnchor;
use crate::trust::TrustSet;
use crate::x509::Certificate;

/// Octets of one file of certificates.
const MOST_OCTETS: u64 = 64 << 20;
/// Files of one folder.
const MOST_FILES: usize = 10_000;

/// Every certificate of a file (PEM, DER or PKCS#7), or of every file of a
/// folder in the order of their names, as an anchor.
///
/// # Errors
/// [`Error::Io`]; [`Error::Malformed`], with the file's name, where one of them
/// holds no certificate: an anchor that is not there would be missed late.
pub fn read_trust_set(path: &Path, name: impl Into<String>) -> Result<TrustSet, Error> {
    let mut set = TrustSet::new(name);
    for file in files(path)? {
        let octets = read(&file)?;
        let certificates = Certificate::all_from_file(&octets).unwrap_or_default();
        if certificates.is_empty() {
            let fault =
                Malformed::new(Format::Certificate, file.display().to_string(), "a certificate that can be read");
            return Err(fault.into());
        }
        set.extend(certificates.into_iter().map(TrustAnchor::from_certificate));
    }
    Ok(set)
}

/// Writes each anchor of a set to a file of its own in `folder`, which is there:
/// PEM, under the SHA-256 of the certificate.
///
/// # Errors
/// [`Error::Io`]; [`Error::Misuse`] as [`TrustSet::to_pem`].
pub fn write_trust_set(set: &TrustSet, folder: &Path) -> Result<(), Error> {
    for anchor in set.anchors() {
        let mut one = TrustSet::new(set.name());
        one.add(anchor.clone());
        let text = one.to_pem()?;
        let path = folder.join(format!("{}.pem", anchor.sha256().to_hex()));
        let mut out = Output::create(&path)?;
        out.write_all(text.as_bytes()).map_err(|e| IoError::new("write", path.display().to_string(), e))?;
        out.commit()?;
    }
    Ok(())
}

fn files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |e| Error::from(IoError::new("read", path.display().to_string(), e));
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.is_file() {
            files.push(file);
        }
        if files.len() > MOST_FILES {
            return Err(LimitExceeded::new("files of a folder of anchors", MOST_FILES as u64).into());
        }
    }
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    let failed = |e| Error::from(IoError::new("read", file.display().to_string(), e));
    if fs::metadata(file).map_err(failed)?.len() > MOST_OCTETS {
        return Err(LimitExceeded::new("octets of a file of certificates", MOST_OCTETS).into());
    }
    fs::read(file).map_err(failed)
}
