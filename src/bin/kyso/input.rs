//! Files, secrets and evidence from the command line.

use std::fs;
use std::io::IsTerminal;
use std::path::Path;
use std::path::PathBuf;

use kyso::crypto::Digest;
use kyso::crypto::DigestAlgorithm;
use kyso::pdf::Source;

use crate::arithmetic;
use crate::exit::Exit;
use crate::exit::Stop;

/// A whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    fs::read(path).map_err(|e| Stop { exit: Exit::File, message: format!("cannot read {}: {e}", path.display()) })
}

/// What a document is, by its first octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Pdf,
    Other,
}

/// Tells a PDF, whose header stands somewhere in the first 1024 octets, from a
/// CMS, which may hold a PDF as its content.
pub(crate) fn kind(source: &dyn Source) -> Result<Kind, Stop> {
    let mut head = [0; 1024];
    let count = source.read_at(0, &mut head)?;
    let head = head.get(..count).unwrap_or_default();
    // A SEQUENCE that is longer than 127 octets.
    if matches!(head, [0x30, 0x80..=0x88, ..]) {
        return Ok(Kind::Other);
    }
    Ok(if head.windows(5).any(|five| five == b"%PDF-") { Kind::Pdf } else { Kind::Other })
}

/// The digest of a whole source, read in pieces.
pub(crate) fn digest(source: &dyn Source, algorithm: DigestAlgorithm) -> Result<Digest, Stop> {
    let mut digester = arithmetic::backend().digester(algorithm);
    let mut buffer = vec![0; 256 << 10];
    let mut offset = 0;
    loop {
        let count = source.read_at(offset, &mut buffer)?;
        if count == 0 {
            break;
        }
        digester.update(buffer.get(..count).unwrap_or_default());
        offset += count as u64;
    }
    if offset != source.len() {
        let message = format!("the file became shorter while it was read: {offset} of {} octets", source.len());
        return Err(Stop { exit: Exit::File, message });
    }
    Ok(digester.finish())
}

/// The files named by a path: itself, or the files of a folder in the order of their names.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>, Stop> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path)
        .map_err(|e| Stop { exit: Exit::File, message: format!("cannot read {}: {e}", path.display()) })?;
    let mut files: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).filter(|p| p.is_file()).collect();
    files.sort();
    Ok(files)
}

/// A secret from an environment variable, a file (without its line end), or,
/// where `prompt` is given and standard input is a terminal, from the person.
pub(crate) fn secret(
    env: Option<&str>,
    file: Option<&Path>,
    prompt: Option<&str>,
) -> Result<Option<zeroize::Zeroizing<String>>, Stop> {
    let stop = |message: String| Stop { exit: Exit::Secret, message };
    if let Some(var) = env {
        let value =
            std::env::var(var).map_err(|_| stop(format!("environment variable {var} is not set, or is not UTF-8")))?;
        return Ok(Some(zeroize::Zeroizing::new(value)));
    }
    if let Some(path) = file {
        let octets = zeroize::Zeroizing::new(read(path)?);
        let text = std::str::from_utf8(&octets).map_err(|_| stop(format!("{}: not UTF-8", path.display())))?;
        return Ok(Some(zeroize::Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())));
    }
    match prompt {
        Some(prompt) if std::io::stdin().is_terminal() => rpassword::prompt_password(prompt)
            .map(|s| Some(zeroize::Zeroizing::new(s)))
            .map_err(|e| stop(format!("cannot read from the terminal: {e}"))),
        _ => Ok(None),
    }
}

/// The time of this machine: the one place where the command reads a clock.
#[allow(clippy::disallowed_methods)] // the core takes the time as an argument; this is where it comes from
pub(crate) fn now() -> Result<kyso::Time, Stop> {
    kyso::Time::from_system(std::time::SystemTime::now())
        .ok_or_else(|| Stop::usage("the clock of this machine is out of range; state the time"))
}
