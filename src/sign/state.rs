//! The stored state of a prepared signature.
//!
//! ```text
//! State      ::= SEQUENCE { magic UTF8String, body Body, sha256 OCTET STRING }   -- digest of the body's encoding
//! Body       ::= SEQUENCE { version INTEGER (1), format INTEGER, algorithm AlgorithmIdentifier,
//!                           documentDigest OCTET STRING, toBeSigned OCTET STRING, -- SHA-256 of it
//!                           signingTime [0] EXPLICIT GeneralizedTime OPTIONAL,
//!                           certificates SEQUENCE OF Certificate,                 -- the signer's first
//!                           plan SEQUENCE }                                       -- of the format
//! ```
//!
//! The digest of the body finds accidents. It does not stand against intent,
//! and need not: the signature value binds document, tail and certificate.

use crate::asn1::encode;
use crate::asn1::tlv::Reader;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::error::Unsupported;
use crate::key::SignerIdentity;
use crate::sign::signer::Signer;
use crate::x509::Certificate;

const MAGIC: &str = "kyso prepared signature";
const VERSION: u8 = 1;
/// Certificates that a state may hold.
const MOST_CERTIFICATES: usize = 64;

/// The format that a stored state is for, to know which document it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StateFormat {
    /// A PDF signature.
    Pades,
    /// A CMS signature.
    Cades,
    /// A counter-signature in a CMS.
    CounterSignature,
}

/// A state that was read; of what it says nothing is trusted yet.
pub(super) struct Stored<'s> {
    pub(super) signer: Signer,
    pub(super) digest: Digest,
    pub(super) plan: &'s [u8],
    to_be_signed: Vec<u8>,
}

impl StateFormat {
    /// Tells the format of a stored state.
    ///
    /// # Errors
    /// [`Error::Malformed`] where it is no state, or an altered one.
    pub fn of(state: &[u8]) -> Result<Self, Error> {
        open(state).map(|(format, _)| format)
    }

    const fn number(self) -> u8 {
        match self {
            Self::Pades => 1,
            Self::Cades => 2,
            Self::CounterSignature => 3,
        }
    }
}

impl Stored<'_> {
    /// Whether these are the octets that were to be signed.
    pub(super) fn fits(&self, to_be_signed: &[u8]) -> bool {
        DigestAlgorithm::Sha256.digest(to_be_signed).octets() == self.to_be_signed
    }
}

pub(super) fn write(
    format: StateFormat,
    signer: &Signer,
    digest: &Digest,
    to_be_signed: &[u8],
    plan: &[u8],
) -> Vec<u8> {
    let mut certificates = signer.certificate().der().to_vec();
    for certificate in signer.identity.chain() {
        certificates.extend_from_slice(certificate.der());
    }
    let time = signer.signing_time.map(|time| encode::explicit(0, &encode::generalized_time(time)));
    let body = encode::sequence(&[
        &encode::integer(u64::from(VERSION)),
        &encode::integer(u64::from(format.number())),
        &signer.algorithm.to_der(),
        &encode::octet_string(digest.octets()),
        &encode::octet_string(DigestAlgorithm::Sha256.digest(to_be_signed).octets()),
        time.as_deref().unwrap_or_default(),
        &encode::tlv(0x30, &certificates),
        &encode::tlv(0x30, plan),
    ]);
    seal(MAGIC, &body)
}

/// A stored state: what it is, its body, and the digest of that.
pub(super) fn seal(magic: &str, body: &[u8]) -> Vec<u8> {
    let sum = encode::octet_string(DigestAlgorithm::Sha256.digest(body).octets());
    encode::sequence(&[&encode::utf8_string(magic), body, &sum])
}

/// The body of a stored state, which has to be `what`.
pub(super) fn unseal<'s>(state: &'s [u8], magic: &str, what: &'static str) -> Result<Reader<'s>, Error> {
    let mut outer = Reader::new(state, Format::State);
    let mut parts = outer.expect(0x30, "state")?.reader(Format::State);
    outer.end("state")?;
    if parts.expect(0x0C, "magic")?.content != magic.as_bytes() {
        return Err(Malformed::new(Format::State, "magic", what).into());
    }
    let body = parts.expect(0x30, "body")?;
    let sum = parts.expect(0x04, "sha256")?;
    parts.end("state")?;
    if sum.content != DigestAlgorithm::Sha256.digest(body.raw).octets() {
        return Err(Malformed::new(Format::State, "sha256", "the digest of the body: it was altered").into());
    }
    Ok(body.reader(Format::State))
}

/// The format, and the reader behind it.
fn open(state: &[u8]) -> Result<(StateFormat, Reader<'_>), Error> {
    let mut body = unseal(state, MAGIC, "the state of a prepared signature")?;
    let version = body.expect(0x02, "version")?;
    if version.content != [VERSION] {
        return Err(Unsupported::new(Format::State, "its version").at(version.offset).into());
    }
    let format = body.expect(0x02, "format")?;
    let all = [StateFormat::Pades, StateFormat::Cades, StateFormat::CounterSignature];
    let known = all.into_iter().find(|known| format.content == [known.number()]);
    let known = known.ok_or_else(|| Unsupported::new(Format::State, "its signature format").at(format.offset))?;
    Ok((known, body))
}

pub(super) fn read(state: &[u8], wanted: StateFormat) -> Result<Stored<'_>, Error> {
    let (format, mut body) = open(state)?;
    if format != wanted {
        return Err(Misuse::new(format!("the state is for {format:?}, it was resumed as {wanted:?}")).into());
    }
    let algorithm = SignatureAlgorithm::from_der(body.expect(0x30, "algorithm")?.raw, None)?;
    let digest = body.expect(0x04, "documentDigest")?;
    let to_be_signed = body.expect(0x04, "toBeSigned")?.content.to_vec();
    let signing_time = match body.optional(0xA0, "signingTime")? {
        None => None,
        Some(outer) => Some(outer.reader(Format::State).any("signingTime")?.time(Format::State, "signingTime")?),
    };
    let mut list = body.expect(0x30, "certificates")?.reader(Format::State);
    let mut certificates = Vec::new();
    while !list.is_empty() {
        if certificates.len() == MOST_CERTIFICATES {
            return Err(list.fault("certificates", "few of them"));
        }
        certificates.push(Certificate::from_der(list.expect(0x30, "certificate")?.raw)?);
    }
    let plan = body.expect(0x30, "plan")?.content;
    body.end("body")?;
    let mut certificates = certificates.into_iter();
    let certificate = certificates.next().ok_or_else(|| list.fault("certificates", "the signer's certificate"))?;
    let identity = SignerIdentity::new(certificate, certificates.collect());
    let signer = Signer { identity, algorithm, signing_time, backend: Backend::default(), counter: false };
    let digest = Digest::from_octets(signer.digest_algorithm(), digest.content).ok_or_else(|| {
        Malformed::new(Format::State, "documentDigest", "a digest of the algorithm").at(digest.offset)
    })?;
    Ok(Stored { signer, digest, plan, to_be_signed })
}
