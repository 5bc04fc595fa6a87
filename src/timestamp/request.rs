//! `TimeStampReq` (RFC 3161 §2.4.1).

use crate::asn1;
use crate::asn1::Oid;
use crate::asn1::encode;
use crate::asn1::tlv::Reader;
use crate::asn1::tlv::Tlv;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::error::Unsupported;
use crate::limits::Limits;

const FORMAT: Format = Format::TimeStamp;

/// A request for a time-stamp over a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeStampRequest {
    imprint: Digest,
    policy: Option<Oid>,
    nonce: Option<Vec<u8>>,
    certificates: bool,
}

impl TimeStampRequest {
    /// The content type of a request over HTTP (§3.4).
    pub const CONTENT_TYPE: &'static str = "application/timestamp-query";

    /// For this digest; the TSA is asked to send its certificate along.
    #[must_use]
    pub const fn new(imprint: Digest) -> Self {
        Self { imprint, policy: None, nonce: None, certificates: true }
    }

    /// With a nonce: at least 8 random octets, big-endian.
    #[must_use]
    pub fn nonce(mut self, octets: &[u8]) -> Self {
        self.nonce = Some(asn1_unsigned(octets));
        self
    }

    /// Under a policy of the TSA.
    #[must_use]
    pub const fn policy(mut self, policy: Oid) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Without the TSA's certificate in the answer.
    #[must_use]
    pub const fn without_certificates(mut self) -> Self {
        self.certificates = false;
        self
    }

    /// `messageImprint`.
    #[must_use]
    pub const fn imprint(&self) -> &Digest {
        &self.imprint
    }

    /// `reqPolicy`.
    #[must_use]
    pub const fn requested_policy(&self) -> Option<&Oid> {
        self.policy.as_ref()
    }

    /// The content octets of the nonce INTEGER.
    #[must_use]
    pub fn nonce_content(&self) -> Option<&[u8]> {
        self.nonce.as_deref()
    }

    /// The request in DER.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let policy = self.policy.as_ref().map(encode::oid).unwrap_or_default();
        let nonce = self.nonce.as_ref().map(|n| encode::tlv(0x02, n)).unwrap_or_default();
        let certificates = if self.certificates { encode::boolean(true) } else { Vec::new() };
        encode::sequence(&[&encode::integer(1), &imprint_der(&self.imprint), &policy, &nonce, &certificates])
    }

    /// Reads a request, as a TSA would.
    ///
    /// # Errors
    /// Input that does not have its form, an unknown digest, octets after it.
    pub fn from_der(octets: &[u8]) -> Result<Self, Error> {
        let (der, rest) = asn1::to_der(octets, &Limits::default())?;
        let mut outer = Reader::new(&der, FORMAT);
        let mut parts = outer.expect(0x30, "TimeStampReq")?.reader(FORMAT);
        if !rest.is_empty() {
            return Err(Malformed::new(FORMAT, "TimeStampReq", "nothing after it").at(der.len() as u64).into());
        }
        parts.expect(0x02, "version")?.small(FORMAT, "version")?;
        let imprint = imprint(&parts.expect(0x30, "messageImprint")?)?;
        let policy = match parts.optional(0x06, "reqPolicy")? {
            Some(policy) => Some(policy.oid(FORMAT, "reqPolicy")?),
            None => None,
        };
        let nonce = match parts.optional(0x02, "nonce")? {
            Some(nonce) => Some(nonce.integer(FORMAT, "nonce")?.to_vec()),
            None => None,
        };
        let certificates = match parts.optional(0x01, "certReq")? {
            Some(flag) => flag.boolean(FORMAT, "certReq")?,
            None => false,
        };
        parts.optional(0xA0, "extensions")?;
        parts.end("TimeStampReq")?;
        Ok(Self { imprint, policy, nonce, certificates })
    }
}

/// INTEGER content of a non-negative number.
fn asn1_unsigned(octets: &[u8]) -> Vec<u8> {
    let encoded = encode::unsigned(octets);
    Reader::new(&encoded, FORMAT).any("nonce").map(|n| n.content.to_vec()).unwrap_or_default()
}

/// `MessageImprint`.
pub(super) fn imprint(sequence: &Tlv<'_>) -> Result<Digest, Error> {
    let mut parts = sequence.reader(FORMAT);
    let oid = parts.expect(0x30, "hashAlgorithm")?.reader(FORMAT).expect(0x06, "hashAlgorithm")?;
    let oid = oid.oid(FORMAT, "hashAlgorithm")?;
    let value = parts.expect(0x04, "hashedMessage")?;
    parts.end("messageImprint")?;
    let algorithm = DigestAlgorithm::from_oid(&oid)
        .ok_or_else(|| Error::from(Unsupported::new(FORMAT, format!("digest algorithm {oid}")).at(sequence.offset)))?;
    Digest::from_octets(algorithm, value.content)
        .ok_or_else(|| value.fault(FORMAT, "hashedMessage", "as many octets as its algorithm gives").into())
}

fn imprint_der(digest: &Digest) -> Vec<u8> {
    // NULL parameters: some authorities compare the identifier as octets with theirs.
    let algorithm = encode::sequence(&[&encode::oid(&digest.algorithm().oid()), &encode::null()]);
    encode::sequence(&[&algorithm, &encode::octet_string(digest.octets())])
}
