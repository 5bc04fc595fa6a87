//! What is said, and where: results to standard output, the rest to standard error.

use std::io;
use std::io::Write;

use serde_json::Value;

use kyso::Finding;
use kyso::validate::Language;

use crate::args::Lang;
use crate::exit::Exit;
use crate::exit::Stop;

/// Text to standard output. A reader that has gone away has seen enough.
pub(crate) fn text(text: &str) -> Result<(), Stop> {
    let mut out = io::stdout().lock();
    let line_end: &[u8] = if text.ends_with('\n') { b"" } else { b"\n" };
    let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(line_end)).and_then(|()| out.flush());
    match written {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Stop { exit: Exit::File, message: format!("cannot write to standard output: {e}") })
        }
        _ => Ok(()),
    }
}

/// JSON to standard output.
pub(crate) fn json(value: &Value) -> Result<(), Stop> {
    text(&serde_json::to_string_pretty(value).unwrap_or_default())
}

/// Warnings to standard error.
pub(crate) fn warnings(findings: &[Finding], lang: Lang) {
    let word = match lang {
        Lang::Vi => "lưu ý",
        Lang::En => "warning",
    };
    for finding in findings {
        eprintln!("kyso: {word}: {}", Language::from(lang).finding(finding));
    }
}

/// A finding as the contract writes it.
pub(crate) fn finding(finding: &Finding) -> Value {
    serde_json::json!({
        "code": finding.code(),
        "severity": finding.severity().name(),
        "message": finding.message(),
        "where": finding.place(),
    })
}
