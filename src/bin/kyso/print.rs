//! What is said, and where: results to standard output, the rest to standard error.

use std::fmt::Write as _;
use std::io;
use std::io::Write;

use serde_json::Value;

use kyso::Finding;
use kyso::validate::Language;

use crate::args::Lang;
use crate::exit::Exit;
use crate::exit::Stop;

/// Text for people to standard output.
///
/// Names in it come out of certificates and documents: what would steer a
/// terminal or turn a line around is replaced.
pub(crate) fn text(text: &str) -> Result<(), Stop> {
    out(&legible(text))
}

/// JSON to standard output; the same characters are escaped.
pub(crate) fn json(value: &Value) -> Result<(), Stop> {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && steers(c) {
            // Such a character stands inside of a string; writing to a String does not fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    out(&escaped)
}

/// To standard output as it is. A reader that has gone away has seen enough.
pub(crate) fn out(text: &str) -> Result<(), Stop> {
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

/// A line to standard error.
pub(crate) fn note(text: &str) {
    // Where nobody can be told, nobody can be told.
    let _ = writeln!(io::stderr(), "kyso: {}", legible(text));
}

/// Warnings to standard error.
pub(crate) fn warnings(findings: &[Finding], lang: Lang) {
    let word = match lang {
        Lang::Vi => "lưu ý",
        Lang::En => "warning",
    };
    for finding in findings {
        note(&format!("{word}: {}", Language::from(lang).finding(finding)));
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

fn legible(text: &str) -> String {
    text.chars().map(|c| if c != '\n' && steers(c) { '\u{FFFD}' } else { c }).collect()
}

/// Controls of a terminal, and characters that change the order in which others are shown.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
        )
}
