//! OCSP responses (RFC 6960).

use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::x509::ocsp::OcspResponse;
use crate::x509::ocsp::ResponderId;
use crate::x509::ocsp::ResponseStatus;

/// A response that holds answers; what the responder said instead is the error.
pub(super) fn successful(response: &OcspResponse) -> Result<(), Error> {
    let said = match response.status() {
        ResponseStatus::Successful => return Ok(()),
        ResponseStatus::MalformedRequest => "malformedRequest".to_owned(),
        ResponseStatus::InternalError => "internalError".to_owned(),
        ResponseStatus::TryLater => "tryLater".to_owned(),
        ResponseStatus::SigRequired => "sigRequired".to_owned(),
        ResponseStatus::Unauthorized => "unauthorized".to_owned(),
        ResponseStatus::Other(code) => format!("responseStatus {code}"),
    };
    Err(Malformed::new(Format::Ocsp, "responseStatus", "successful").found(said).into())
}

/// The responder as the response names it.
pub(super) fn responder_text(response: &OcspResponse) -> String {
    match response.responder_id() {
        Some(ResponderId::Name(name)) => name.to_string(),
        Some(ResponderId::KeyHash(hash)) => hash.iter().map(|b| format!("{b:02x}")).collect(),
        None => String::new(),
    }
}
