//! `TimeStampResp` (RFC 3161 §2.4.2).

use super::request::TimeStampRequest;
use super::token::TimeStampToken;
use crate::asn1;
use crate::asn1::tlv::Reader;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::limits::Limits;

const FORMAT: Format = Format::TimeStamp;

/// Bits of `PKIFailureInfo` that RFC 3161 gives a meaning.
const FAILURES: [(usize, &str); 8] = [
    (0, "badAlg: the digest algorithm is not accepted"),
    (2, "badRequest: the request is not permitted"),
    (5, "badDataFormat: the request has the wrong form"),
    (14, "timeNotAvailable: the time source is not available"),
    (15, "unacceptedPolicy: the policy is not supported"),
    (16, "unacceptedExtension: an extension is not supported"),
    (17, "addInfoNotAvailable: additional information is not available"),
    (25, "systemFailure: the request cannot be handled"),
];

/// The answer of a TSA.
#[derive(Clone, Debug)]
pub struct TimeStampResponse {
    status: u32,
    text: Vec<String>,
    failures: Vec<&'static str>,
    token: Option<TimeStampToken>,
}

impl TimeStampResponse {
    /// Reads an answer; BER is taken.
    ///
    /// # Errors
    /// Input that does not have its form, octets after it, a granted answer without a token.
    pub fn from_octets(octets: &[u8], limits: &Limits) -> Result<Self, Error> {
        let (der, rest) = asn1::to_der(octets, limits)?;
        if !rest.is_empty() {
            return Err(Malformed::new(FORMAT, "TimeStampResp", "nothing after it").at(der.len() as u64).into());
        }
        let mut parts = Reader::new(&der, FORMAT).expect(0x30, "TimeStampResp")?.reader(FORMAT);
        let mut info = parts.expect(0x30, "status")?.reader(FORMAT);
        let status = info.expect(0x02, "status")?.small(FORMAT, "status")?;
        let mut text = Vec::new();
        if let Some(strings) = info.optional(0x30, "statusString")? {
            let mut strings = strings.reader(FORMAT);
            while !strings.is_empty() {
                let string = strings.any("statusString")?;
                text.push(String::from_utf8_lossy(string.content).into_owned());
            }
        }
        let mut failures = Vec::new();
        if let Some(bits) = info.optional(0x03, "failInfo")? {
            let octets = bits.content.get(1..).unwrap_or_default();
            let set = |bit: usize| octets.get(bit / 8).is_some_and(|b| b & (0x80 >> (bit % 8)) != 0);
            failures.extend(FAILURES.iter().filter(|(bit, _)| set(*bit)).map(|(_, name)| *name));
        }
        info.end("status")?;
        let token = if parts.is_empty() {
            None
        } else {
            Some(TimeStampToken::from_octets(parts.expect(0x30, "timeStampToken")?.raw, limits)?)
        };
        parts.end("TimeStampResp")?;
        if status <= 1 && token.is_none() {
            return Err(Malformed::new(FORMAT, "timeStampToken", "a token in an answer that grants one").into());
        }
        Ok(Self { status, text, failures, token })
    }

    /// `PKIStatus`: 0 granted, 1 granted with modifications, 2 rejection, 3 waiting, 4 and 5 revocations.
    #[must_use]
    pub const fn status(&self) -> u32 {
        self.status
    }

    /// `statusString`, as the TSA wrote it.
    #[must_use]
    pub fn text(&self) -> &[String] {
        &self.text
    }

    /// `failInfo` in words.
    #[must_use]
    pub fn failures(&self) -> &[&'static str] {
        &self.failures
    }

    /// The token, whatever the status.
    #[must_use]
    pub const fn token(&self) -> Option<&TimeStampToken> {
        self.token.as_ref()
    }

    /// The token, if the answer grants one. What was asked for is not compared;
    /// whoever has the request takes [`accept`](Self::accept).
    ///
    /// # Errors
    /// [`Error::Refused`] with what the TSA said.
    pub fn granted(self) -> Result<TimeStampToken, Error> {
        match (self.status, self.token) {
            (0 | 1, Some(token)) => Ok(token),
            (status, _) => {
                let said: Vec<&str> =
                    self.text.iter().map(String::as_str).chain(self.failures.iter().copied()).collect();
                let said = if said.is_empty() { "it gave no reason".to_owned() } else { said.join("; ") };
                Err(refused(format!("the authority refused with status {status}: {said}")))
            }
        }
    }

    /// The token, if the answer grants one and fits the request: imprint,
    /// nonce and policy (§2.4.2). Whether it verifies is another question.
    ///
    /// # Errors
    /// [`Error::Refused`] with what the TSA said, or with what does not fit.
    pub fn accept(self, request: &TimeStampRequest) -> Result<TimeStampToken, Error> {
        let token = self.granted()?;
        if token.imprint() != request.imprint() {
            return Err(refused("the token is over another digest than the requested one".to_owned()));
        }
        if request.nonce_content().is_some_and(|nonce| token.nonce_content() != Some(nonce)) {
            return Err(refused("the token does not repeat the nonce; it may be an old one".to_owned()));
        }
        if request.requested_policy().is_some_and(|policy| token.policy() != policy) {
            return Err(refused(format!(
                "the token is under the policy {}, another one was asked for",
                token.policy()
            )));
        }
        Ok(token)
    }
}

fn refused(detail: String) -> Error {
    Refused::new(RefusalReason::TimeStamp, detail).into()
}
