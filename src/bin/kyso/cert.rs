//! `kyso cert`: show.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use kyso::x509::Certificate;

use crate::args::Lang;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::input;
use crate::print;

/// `kyso cert show`.
pub(crate) fn show(file: &Path, as_json: bool, lang: Lang) -> Outcome {
    let octets = input::read(file)?;
    let certificates = Certificate::all_from_file(&octets).map_err(|e| Stop::from(e).of_file(file))?;
    if certificates.is_empty() {
        return Err(Stop { exit: Exit::Input, message: format!("{}: no certificate in it", file.display()) });
    }
    if as_json {
        let list: Vec<Value> = certificates.iter().map(facts).collect();
        print::json(&Value::Array(list))?;
    } else {
        let texts: Vec<String> = certificates.iter().map(|c| text(c, lang)).collect();
        print::text(&texts.join("\n\n"))?;
    }
    Ok(Exit::Done)
}

/// Reads one fact; what cannot be read says so in its place.
fn read<T>(fact: Result<Option<T>, kyso::Error>, show: impl Fn(T) -> Value) -> Value {
    match fact {
        Ok(Some(value)) => show(value),
        Ok(None) => Value::Null,
        Err(e) => json!({ "unreadable": e.to_string() }),
    }
}

fn facts(c: &Certificate) -> Value {
    json!({
        "subject": c.subject().to_string(),
        "issuer": c.issuer().to_string(),
        "serial": c.serial().to_string(),
        "sha256": c.sha256().to_hex(),
        "not_before": c.not_before().to_rfc3339(0),
        "not_after": c.not_after().to_rfc3339(0),
        "public_key": c.public_key().key_type().to_string(),
        "ca": read(c.basic_constraints(), |b| json!(b.ca)),
        "key_usage": read(c.key_usage(), |u| json!(u.to_string())),
        "extended_key_usage": read(c.extended_key_usage(), |p| {
            json!(p.iter().map(ToString::to_string).collect::<Vec<_>>())
        }),
        "policies": read(c.policies(), |p| json!(p.iter().map(|p| p.policy.to_string()).collect::<Vec<_>>())),
    })
}

fn text(c: &Certificate, lang: Lang) -> String {
    let words = match lang {
        Lang::Vi => ["Chủ thể", "Bên cấp", "Số hiệu", "Hiệu lực từ", "đến", "Khóa", "SHA-256"],
        Lang::En => ["Subject", "Issuer", "Serial", "Valid from", "to", "Key", "SHA-256"],
    };
    let values = [
        c.subject().to_string(),
        c.issuer().to_string(),
        c.serial().to_string(),
        c.not_before().to_rfc3339(7 * 60),
        c.not_after().to_rfc3339(7 * 60),
        c.public_key().key_type().to_string(),
        c.sha256().to_hex(),
    ];
    words.iter().zip(values).map(|(word, value)| format!("{word:<12} {value}")).collect::<Vec<_>>().join("\n")
}
