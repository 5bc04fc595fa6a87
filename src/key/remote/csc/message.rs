//! Requests and answers in JSON. What may be secret in them is wiped.

use std::io;

use serde_json::Map;
use serde_json::Value;
use zeroize::Zeroize;

use super::dialect::CscDialect;
use crate::error::Error;
use crate::error::FetchError;
use crate::error::FetchFault;
use crate::error::SecretError;
use crate::fetch::Response;

/// Characters of a service's own words that an error repeats.
const MOST_WORDS: usize = 300;

/// The members of a request.
pub(super) struct Members<'d> {
    dialect: &'d CscDialect,
    map: Map<String, Value>,
}

impl<'d> Members<'d> {
    pub(super) fn new(dialect: &'d CscDialect) -> Self {
        let extra = dialect.extra.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        Self { dialect, map: extra.collect() }
    }

    pub(super) fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.map.insert(self.dialect.field(name).to_owned(), value.into());
        self
    }

    pub(super) fn set_some(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    /// An object with renamed members, for lists of them.
    pub(super) fn object(dialect: &CscDialect, members: &[(&str, &str)]) -> Value {
        let renamed = members.iter().map(|(name, value)| (dialect.field(name).to_owned(), Value::from(*value)));
        Value::Object(renamed.collect())
    }

    /// The body. It is written into room of the right size, so that no smaller
    /// buffers with parts of a PIN are left behind.
    pub(super) fn into_body(self) -> Vec<u8> {
        let mut size = Size(0);
        let mut body = Vec::new();
        if serde_json::to_writer(&mut size, &self.map).is_ok() {
            body.reserve_exact(size.0);
            // Writing to memory does not fail.
            let _ = serde_json::to_writer(&mut body, &self.map);
        }
        body
    }
}

impl Drop for Members<'_> {
    fn drop(&mut self) {
        self.map.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(all) => all.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

struct Size(usize);

impl io::Write for Size {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0 += octets.len();
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An answer that was read.
pub(super) struct Answer(Map<String, Value>);

impl Drop for Answer {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

/// What a service answered.
pub(super) enum Said {
    Ready(Answer),
    /// Not yet: ask again.
    Pending,
}

/// Reads an answer; what the service refuses is an error in its own words.
pub(super) fn read(dialect: &CscDialect, url: &str, response: Result<Response, Error>) -> Result<Said, Error> {
    let (mut body, failure) = match response {
        Ok(response) => (response.body, None),
        Err(Error::Fetch(error)) => match error.answer().map(<[u8]>::to_vec) {
            Some(body) => (body, Some(error)),
            None => return Err(error.into()),
        },
        Err(other) => return Err(other),
    };
    let parsed: Result<Map<String, Value>, _> = serde_json::from_slice(&body);
    body.zeroize();
    match (parsed, failure) {
        (Ok(map), failure) => {
            let answer = Answer(map);
            let members = answer.members(dialect);
            let error = members.scalar("error").filter(|error| !dialect.success.contains(error));
            let description = members.scalar("error_description");
            match (error, failure) {
                (None, None) => Ok(Said::Ready(answer)),
                // Some name no code beside their words.
                (error, failure) => {
                    let waits = |said: &Option<String>| {
                        said.as_ref().is_some_and(|said| dialect.pending.iter().any(|p| said.contains(p.as_str())))
                    };
                    if error.as_ref().is_some_and(|e| dialect.pending.contains(e)) || waits(&description) {
                        return Ok(Said::Pending);
                    }
                    Err(refused(url, error, description, failure))
                }
            }
        }
        (Err(_), Some(error)) => Err(told(error)),
        (Err(error), None) => {
            let detail = format!("the answer is no JSON object: {error}");
            Err(FetchError::new(url, detail).into())
        }
    }
}

/// A refusal in the service's words.
fn refused(url: &str, error: Option<String>, description: Option<String>, failure: Option<FetchError>) -> Error {
    let said = [error.as_deref(), description.as_deref()].into_iter().flatten().map(legible);
    let said = said.collect::<Vec<_>>().join(": ");
    if let Some("invalid_pin" | "invalid_otp") = error.as_deref() {
        return SecretError::Wrong { what: format!("{url}: {said}").into(), tries: None }.into();
    }
    match failure {
        Some(failure) if said.is_empty() => told(failure),
        failure => {
            let fault = failure.map_or(FetchFault::Other, |failure| failure.fault());
            FetchError::new(url, format!("the service refused: {said}{}", hint(fault))).because(fault).into()
        }
    }
}

/// A status without reason, with what would help.
fn told(error: FetchError) -> Error {
    let (url, fault) = (error.url().to_owned(), error.fault());
    match (hint(fault), fault) {
        (hint, FetchFault::Status(status)) if !hint.is_empty() => {
            FetchError::new(url, format!("HTTP status {status}{hint}")).because(fault).into()
        }
        _ => error.into(),
    }
}

const fn hint(fault: FetchFault) -> &'static str {
    match fault {
        FetchFault::Status(401) => " (the access token is missing, wrong or expired)",
        FetchFault::Status(403) => " (the access token does not permit this)",
        FetchFault::Status(404) => " (is the base address right, with its version?)",
        _ => "",
    }
}

/// A stranger's words, without what steers terminals, and not too many.
fn legible(text: &str) -> String {
    let plain = |c: char| {
        if c.is_control() || matches!(c, '\u{200E}'..='\u{202E}' | '\u{2066}'..='\u{2069}') { ' ' } else { c }
    };
    text.chars().take(MOST_WORDS).map(plain).collect()
}

impl Answer {
    pub(super) const fn members<'a>(&'a self, dialect: &'a CscDialect) -> View<'a> {
        View { dialect, map: &self.0 }
    }
}

/// The members of an object in an answer.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    dialect: &'a CscDialect,
    map: &'a Map<String, Value>,
}

impl<'a> View<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(self.dialect.field(name)).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(Value::as_str)
    }

    /// A text, number or truth value as text: services mix them up.
    pub(super) fn scalar(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.scalar(name)?.parse().ok()
    }

    /// The texts of a list; a single text is a list of one.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<&'a str>> {
        match self.get(name)? {
            Value::String(text) => Some(vec![text]),
            Value::Array(all) => all.iter().map(Value::as_str).collect(),
            _ => None,
        }
    }

    pub(super) fn object(&self, name: &str) -> Option<Self> {
        self.get(name)?.as_object().map(|map| Self { dialect: self.dialect, map })
    }

    pub(super) fn objects(&self, name: &str) -> Vec<Self> {
        let all = self.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter_map(Value::as_object).map(|map| Self { dialect: self.dialect, map }).collect()
    }
}

/// Base64 of either alphabet, with or without padding and line ends.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let plain: Vec<u8> = text
        .bytes()
        .filter(|b| !b.is_ascii_whitespace() && *b != b'=')
        .map(|b| match b {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        })
        .collect();
    base64_simd::STANDARD_NO_PAD.decode_to_vec(&plain).ok()
}
