//! OCSP requests and responses (RFC 6960).

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;

use super::certificate::Certificate;
use super::certificate::Serial;
use super::certificate::Signed;
use super::certificate::range;
use super::extension;
use super::extension::Extension;
use super::extension::RevocationReason;
use super::memo::SignatureMemo;
use super::name::Name;
use super::oids;
use crate::asn1;
use crate::asn1::encode;
use crate::asn1::tlv::Reader;
use crate::asn1::tlv::Tlv;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::PublicKey;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::limits::Limits;
use crate::time::Time;

const FORMAT: Format = Format::Ocsp;

/// `OCSPResponseStatus` (RFC 6960 §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseStatus {
    /// `successful` (0): there is a response, which may say anything.
    Successful,
    /// `malformedRequest` (1).
    MalformedRequest,
    /// `internalError` (2).
    InternalError,
    /// `tryLater` (3).
    TryLater,
    /// `sigRequired` (5).
    SigRequired,
    /// `unauthorized` (6).
    Unauthorized,
    /// A value that RFC 6960 does not define.
    Other(u8),
}

/// A response: octets, decoded once. Cloning shares it.
///
/// What is not [successful](ResponseStatus::Successful) is not signed and
/// holds nothing: no responder, no time, no answer, and empty octets.
#[derive(Clone)]
pub struct OcspResponse(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    status: ResponseStatus,
    basic: Option<Basic>,
    sha256: OnceLock<Digest>,
    memo: SignatureMemo,
}

struct Basic {
    whole: Range<usize>,
    tbs: Range<usize>,
    signature_algorithm: Range<usize>,
    signature: Range<usize>,
    responder_id: ResponderId,
    produced_at: Time,
    responses: Vec<SingleResponse>,
    extensions: Vec<Extension>,
    certificates: Vec<Certificate>,
}

/// `ResponderID` (RFC 6960 §4.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponderId {
    /// `byName`: the subject of the responder's certificate.
    Name(Name),
    /// `byKey`: SHA-1 of the responder's key octets.
    KeyHash(Vec<u8>),
}

/// `CertID` (RFC 6960 §4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertId {
    /// `hashAlgorithm`, of both digests.
    pub hash: DigestAlgorithm,
    /// Digest of the issuer's name in DER.
    pub issuer_name_hash: Vec<u8>,
    /// Digest of the issuer's key octets.
    pub issuer_key_hash: Vec<u8>,
    /// The certificate's serial number.
    pub serial: Serial,
}

/// `CertStatus` (RFC 6960 §4.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertStatus {
    /// `good`: not revoked, as far as the responder knows.
    Good,
    /// `revoked`.
    Revoked {
        /// `revocationTime`.
        time: Time,
        /// `revocationReason`, where present.
        reason: Option<RevocationReason>,
    },
    /// `unknown`: the responder does not know the certificate.
    Unknown,
}

/// `SingleResponse` (RFC 6960 §4.2.1).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SingleResponse {
    /// `None` where the hash algorithm is unknown.
    pub cert_id: Option<CertId>,
    /// `certStatus`.
    pub status: CertStatus,
    /// `thisUpdate`.
    pub this_update: Time,
    /// `nextUpdate`; absent: newer information may be had at any time.
    pub next_update: Option<Time>,
    /// `singleExtensions`.
    pub extensions: Vec<Extension>,
}

impl CertId {
    /// Identifies the certificate with `serial` issued by `issuer`.
    #[must_use]
    pub fn new(hash: DigestAlgorithm, issuer: &Certificate, serial: &Serial) -> Self {
        Self::of_issuer(hash, issuer.subject(), issuer.public_key(), serial)
    }

    /// Identifies the certificate with `serial` issued by who has this name and key.
    #[must_use]
    pub fn of_issuer(hash: DigestAlgorithm, name: &Name, key: &PublicKey, serial: &Serial) -> Self {
        Self {
            hash,
            issuer_name_hash: hash.digest(name.der()).octets().to_vec(),
            issuer_key_hash: hash.digest(key.key_octets()).octets().to_vec(),
            serial: serial.clone(),
        }
    }

    /// This identifies a certificate with `serial` issued by `issuer`.
    #[must_use]
    pub fn matches(&self, issuer: &Certificate, serial: &Serial) -> bool {
        self.serial == *serial
            && self.issuer_key_hash == self.hash.digest(issuer.public_key().key_octets()).octets()
            && self.issuer_name_hash == self.hash.digest(issuer.subject().der()).octets()
    }

    fn to_der(&self) -> Vec<u8> {
        // NULL parameters, which every responder reads; without them some do not.
        encode::sequence(&[
            &encode::sequence(&[&encode::oid(&self.hash.oid()), &encode::null()]),
            &encode::octet_string(&self.issuer_name_hash),
            &encode::octet_string(&self.issuer_key_hash),
            &encode::tlv(0x02, self.serial.content()),
        ])
    }
}

impl OcspResponse {
    /// `OCSPResponse`, or a bare `BasicOCSPResponse` as CMS revocation values and some PDF files hold it.
    ///
    /// # Errors
    /// Input that does not have the form of either, has something after it, or
    /// is a response of another type than basic.
    pub fn from_der(input: &[u8]) -> Result<Self, Error> {
        let (der, rest) = asn1::to_der(input, &Limits::default())?;
        if !rest.is_empty() {
            return Err(Malformed::new(FORMAT, "OCSPResponse", "nothing after it").at(der.len() as u64).into());
        }
        let der = der.into_owned();
        let mut reader = Reader::new(&der, FORMAT);
        let outer = reader.expect(0x30, "OCSPResponse")?;
        let mut parts = outer.reader(FORMAT);
        if parts.peek() == Some(0x30) {
            let basic = Some(Basic::read(&outer)?);
            return Ok(Self(Arc::new(Inner {
                status: ResponseStatus::Successful,
                basic,
                sha256: OnceLock::new(),
                memo: SignatureMemo::default(),
                der,
            })));
        }
        let status = ResponseStatus::read(&parts.expect(0x0A, "responseStatus")?)?;
        let bytes = parts.optional(0xA0, "responseBytes")?;
        parts.end("OCSPResponse")?;
        let basic = match (status, bytes) {
            (ResponseStatus::Successful, Some(bytes)) => {
                let mut inner = bytes.reader(FORMAT);
                let mut parts = inner.expect(0x30, "responseBytes")?.reader(FORMAT);
                inner.end("responseBytes")?;
                let kind = parts.expect(0x06, "responseType")?;
                if kind.content != oids::OCSP_BASIC.content() {
                    return Err(kind.fault(FORMAT, "responseType", "id-pkix-ocsp-basic").into());
                }
                let octets = parts.expect(0x04, "response")?;
                parts.end("responseBytes")?;
                let mut response = octets.reader(FORMAT);
                let basic = Basic::read(&response.expect(0x30, "BasicOCSPResponse")?)?;
                response.end("BasicOCSPResponse")?;
                Some(basic)
            }
            (ResponseStatus::Successful, None) => {
                return Err(outer.fault(FORMAT, "responseBytes", "them in a successful response").into());
            }
            _ => None,
        };
        Ok(Self(Arc::new(Inner { status, basic, sha256: OnceLock::new(), memo: SignatureMemo::default(), der })))
    }

    /// The octets, as they were read (in DER).
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// SHA-256 of the octets, computed once.
    #[must_use]
    pub fn sha256(&self) -> Digest {
        *self.0.sha256.get_or_init(|| DigestAlgorithm::Sha256.digest(self.der()))
    }

    /// What is known of its signature.
    pub(crate) fn signature_memo(&self) -> &SignatureMemo {
        &self.0.memo
    }

    /// The `BasicOCSPResponse` alone, as CMS revocation values want it.
    #[must_use]
    pub fn basic_der(&self) -> &[u8] {
        self.slice(|basic| &basic.whole)
    }

    /// `responseStatus`; successful for a bare `BasicOCSPResponse`.
    #[must_use]
    pub fn status(&self) -> ResponseStatus {
        self.0.status
    }

    /// The octets that the responder signed: `tbsResponseData` with its tag and length.
    #[must_use]
    pub fn tbs_octets(&self) -> &[u8] {
        self.slice(|basic| &basic.tbs)
    }

    /// `responderID`; `None` where the status is not successful.
    #[must_use]
    pub fn responder_id(&self) -> Option<&ResponderId> {
        self.0.basic.as_ref().map(|basic| &basic.responder_id)
    }

    /// `producedAt`; `None` where the status is not successful.
    #[must_use]
    pub fn produced_at(&self) -> Option<Time> {
        self.0.basic.as_ref().map(|basic| basic.produced_at)
    }

    /// The answers, in their order.
    #[must_use]
    pub fn responses(&self) -> &[SingleResponse] {
        self.0.basic.as_ref().map_or(&[], |basic| &basic.responses)
    }

    /// `responseExtensions`.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        self.0.basic.as_ref().map_or(&[], |basic| &basic.extensions)
    }

    /// Content of the nonce extension.
    ///
    /// RFC 8954 §2.1 wraps it into an OCTET STRING, which older responders do
    /// not; the value is then given as it stands.
    #[must_use]
    pub fn nonce(&self) -> Option<&[u8]> {
        let value = self.extensions().iter().find(|e| e.oid == oids::OCSP_NONCE)?.value.as_slice();
        let mut reader = Reader::new(value, FORMAT);
        match reader.expect(0x04, "nonce") {
            Ok(inner) if reader.is_empty() => Some(inner.content),
            _ => Some(value),
        }
    }

    /// DER `AlgorithmIdentifier` of the signature.
    #[must_use]
    pub fn signature_algorithm(&self) -> &[u8] {
        self.slice(|basic| &basic.signature_algorithm)
    }

    /// The octets of the signature; none where it has bits left over, as no signature has.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.slice(|basic| &basic.signature)
    }

    /// The certificates that came along. Nothing is known about them.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        self.0.basic.as_ref().map_or(&[], |basic| &basic.certificates)
    }

    fn slice(&self, range: impl FnOnce(&Basic) -> &Range<usize>) -> &[u8] {
        self.0.basic.as_ref().and_then(|basic| self.0.der.get(range(basic).clone())).unwrap_or(&[])
    }
}

impl fmt::Debug for OcspResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OcspResponse")
            .field("status", &self.status())
            .field("responder_id", &self.responder_id())
            .field("produced_at", &self.produced_at())
            .finish_non_exhaustive()
    }
}

/// DER `OCSPRequest` for one certificate, unsigned (RFC 6960 §4.1).
#[must_use]
pub fn request(id: &CertId, nonce: Option<&[u8]>) -> Vec<u8> {
    let list = encode::sequence(&[&encode::sequence(&[&id.to_der()])]);
    let extensions = nonce.map(|nonce| {
        let value = encode::octet_string(&encode::octet_string(nonce));
        let extension = encode::sequence(&[&encode::oid(&oids::OCSP_NONCE), &value]);
        encode::explicit(2, &encode::sequence(&[&extension]))
    });
    encode::sequence(&[&encode::sequence(&[&list, extensions.as_deref().unwrap_or(&[])])])
}

impl ResponseStatus {
    fn read(value: &Tlv<'_>) -> Result<Self, Error> {
        Ok(match value.content {
            [0] => Self::Successful,
            [1] => Self::MalformedRequest,
            [2] => Self::InternalError,
            [3] => Self::TryLater,
            [5] => Self::SigRequired,
            [6] => Self::Unauthorized,
            [other] => Self::Other(*other),
            _ => return Err(value.fault(FORMAT, "responseStatus", "an ENUMERATED of one octet").into()),
        })
    }
}

impl Basic {
    /// `BasicOCSPResponse` (RFC 6960 §4.2.1).
    fn read(outer: &Tlv<'_>) -> Result<Self, Error> {
        let signed = Signed::read(outer, "tbsResponseData", FORMAT)?;
        let mut rest = signed.rest;
        let mut certificates = Vec::new();
        if let Some(explicit) = rest.optional(0xA0, "certs")? {
            let mut inner = explicit.reader(FORMAT);
            let mut list = inner.expect(0x30, "certs")?.reader(FORMAT);
            inner.end("certs")?;
            while !list.is_empty() {
                certificates.push(Certificate::from_der(list.expect(0x30, "certs")?.raw)?);
            }
        }
        rest.end("BasicOCSPResponse")?;

        let mut tbs = signed.tbs.reader(FORMAT);
        tbs.optional(0xA0, "version")?;
        let choice = tbs.any("responderID")?;
        let mut inner = choice.reader(FORMAT);
        let responder_id = match choice.tag {
            0xA1 => ResponderId::Name(Name::from_der(inner.expect(0x30, "responderID byName")?.raw)?),
            0xA2 => ResponderId::KeyHash(inner.expect(0x04, "responderID byKey")?.content.to_vec()),
            _ => return Err(choice.fault(FORMAT, "responderID", "byName or byKey").into()),
        };
        inner.end("responderID")?;
        let produced_at = tbs.expect(0x18, "producedAt")?.time(FORMAT, "producedAt")?;
        let mut list = tbs.expect(0x30, "responses")?.reader(FORMAT);
        let mut responses = Vec::new();
        while !list.is_empty() {
            responses.push(single(&list.expect(0x30, "SingleResponse")?)?);
        }
        let extensions = extensions(&mut tbs, "responseExtensions")?;
        tbs.end("tbsResponseData")?;
        Ok(Self {
            whole: range(outer),
            tbs: range(&signed.tbs),
            signature_algorithm: range(&signed.algorithm),
            signature: signed.signature,
            responder_id,
            produced_at,
            responses,
            extensions,
            certificates,
        })
    }
}

/// `[1] EXPLICIT Extensions OPTIONAL`.
fn extensions(parts: &mut Reader<'_>, field: &'static str) -> Result<Vec<Extension>, Error> {
    let Some(explicit) = parts.optional(0xA1, field)? else { return Ok(Vec::new()) };
    let mut inner = explicit.reader(FORMAT);
    let all = extension::extensions(&inner.expect(0x30, field)?, FORMAT)?;
    inner.end(field)?;
    Ok(all)
}

fn single(value: &Tlv<'_>) -> Result<SingleResponse, Error> {
    let mut parts = value.reader(FORMAT);
    let cert_id = cert_id(&parts.expect(0x30, "certID")?)?;
    let choice = parts.any("certStatus")?;
    let status = match choice.tag {
        0x80 => CertStatus::Good,
        0xA1 => {
            let mut info = choice.reader(FORMAT);
            let time = info.expect(0x18, "revocationTime")?.time(FORMAT, "revocationTime")?;
            let reason = match info.optional(0xA0, "revocationReason")? {
                Some(explicit) => {
                    let mut inner = explicit.reader(FORMAT);
                    let reason = RevocationReason::read(&inner.expect(0x0A, "revocationReason")?, FORMAT)?;
                    inner.end("revocationReason")?;
                    Some(reason)
                }
                None => None,
            };
            info.end("RevokedInfo")?;
            CertStatus::Revoked { time, reason }
        }
        0x82 => CertStatus::Unknown,
        _ => return Err(choice.fault(FORMAT, "certStatus", "good, revoked or unknown").into()),
    };
    let this_update = parts.expect(0x18, "thisUpdate")?.time(FORMAT, "thisUpdate")?;
    let next_update = match parts.optional(0xA0, "nextUpdate")? {
        Some(explicit) => {
            let mut inner = explicit.reader(FORMAT);
            let time = inner.expect(0x18, "nextUpdate")?.time(FORMAT, "nextUpdate")?;
            inner.end("nextUpdate")?;
            Some(time)
        }
        None => None,
    };
    let extensions = extensions(&mut parts, "singleExtensions")?;
    parts.end("SingleResponse")?;
    Ok(SingleResponse { cert_id, status, this_update, next_update, extensions })
}

fn cert_id(value: &Tlv<'_>) -> Result<Option<CertId>, Error> {
    let mut parts = value.reader(FORMAT);
    let mut algorithm = parts.expect(0x30, "hashAlgorithm")?.reader(FORMAT);
    let oid = algorithm.expect(0x06, "hashAlgorithm")?.oid(FORMAT, "hashAlgorithm")?;
    let issuer_name_hash = parts.expect(0x04, "issuerNameHash")?.content.to_vec();
    let issuer_key_hash = parts.expect(0x04, "issuerKeyHash")?.content.to_vec();
    let serial = Serial::from_content(parts.expect(0x02, "serialNumber")?.integer(FORMAT, "serialNumber")?);
    parts.end("CertID")?;
    Ok(DigestAlgorithm::from_oid(&oid).map(|hash| CertId { hash, issuer_name_hash, issuer_key_hash, serial }))
}
