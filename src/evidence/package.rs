//! The package itself: read, held against a document, extended by stamps.

use crate::asn1::encode;
use crate::asn1::tlv::Reader;
use crate::asn1::tlv::Tlv;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::limits::Limits;
use crate::revocation::Evidence;
use crate::source::Source;
use crate::timestamp::TimeStampToken;
use crate::x509::Certificate;
use crate::x509::Crl;
use crate::x509::ocsp::OcspResponse;

const FORMAT: Format = Format::EvidencePackage;
const VERSION: u64 = 1;

/// Two families of digests, so that the end of one leaves the other.
const DIGESTS: [DigestAlgorithm; 2] = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha3_512];

/// Stamps of one package: one at receipt, and a renewal every few years.
const MOST_STAMPS: usize = 64;

/// Octets of a document that are digested at a time.
const CHUNK: usize = 256 << 10;

/// What was gathered on one document, with the time-stamps over it.
///
/// Reading verifies nothing: a validator does, which takes the package for what
/// its time-stamps prove and for nothing else.
#[derive(Clone, Debug)]
pub struct EvidencePackage {
    content: Vec<u8>,
    digests: Vec<Digest>,
    gathered: Evidence,
    stamps: Vec<Stamp>,
}

#[derive(Clone, Debug)]
struct Stamp {
    der: Vec<u8>,
    token: TimeStampToken,
    gathered: Evidence,
}

/// A package, or the next stamp of one, that waits for its time-stamp token.
#[derive(Clone, Debug)]
pub struct PackageDraft {
    content: Vec<u8>,
    digests: Vec<Digest>,
    gathered: Evidence,
    stamps: Vec<Stamp>,
}

impl PackageDraft {
    /// A package on `document` with what was gathered on its signatures:
    /// certificates of their paths, CRLs, OCSP responses.
    ///
    /// # Errors
    /// What reading the document gives.
    pub fn new(document: &dyn Source, gathered: &Evidence) -> Result<Self, Error> {
        let digests = digests(document)?;
        let list = digests
            .iter()
            .map(|d| encode::sequence(&[&encode::oid(&d.algorithm().oid()), &encode::octet_string(d.octets())]))
            .collect::<Vec<_>>();
        let content = encode::sequence(&[&encode::tlv(0x30, &list.concat()), &validation_data(gathered)]);
        Ok(Self { content, digests, gathered: gathered.clone(), stamps: Vec::new() })
    }

    /// What the time-stamp has to be over.
    #[must_use]
    pub fn to_be_stamped(&self) -> Vec<u8> {
        covered(&self.content, &self.stamps)
    }

    /// Puts the token in, with what is known of its authority.
    ///
    /// # Errors
    /// [`Error::Misuse`] where the token is over something else.
    pub fn stamp(mut self, token: TimeStampToken, gathered: &Evidence) -> Result<EvidencePackage, Error> {
        if token.imprint().algorithm().digest(&self.to_be_stamped()) != *token.imprint() {
            return Err(Misuse::new("the time-stamp token is not over this evidence package").into());
        }
        let der = encode::sequence(&[token.der(), &validation_data(gathered)]);
        self.stamps.push(Stamp { der, token, gathered: gathered.clone() });
        let Self { content, digests, gathered, stamps } = self;
        Ok(EvidencePackage { content, digests, gathered, stamps })
    }
}

impl EvidencePackage {
    /// Reads a package.
    ///
    /// # Errors
    /// Input that does not have its form, a certificate or piece of revocation
    /// data in it that cannot be read, a limit.
    pub fn from_octets(octets: &[u8], limits: &Limits) -> Result<Self, Error> {
        let mut outer = Reader::new(octets, FORMAT);
        let mut parts = outer.expect(0x30, "EvidencePackage")?.reader(FORMAT);
        outer.end("EvidencePackage")?;
        let version = parts.expect(0x02, "version")?;
        if u64::from(version.small(FORMAT, "version")?) != VERSION {
            return Err(version.fault(FORMAT, "version", "1").into());
        }
        let content = parts.expect(0x30, "content")?;
        let mut inner = content.reader(FORMAT);
        let mut list = inner.expect(0x30, "digests")?.reader(FORMAT);
        let mut digests = Vec::new();
        while !list.is_empty() && digests.len() < 16 {
            digests.extend(digest(&list.expect(0x30, "digest")?)?);
        }
        list.end("digests")?;
        if digests.is_empty() {
            return Err(Malformed::new(FORMAT, "digests", "a digest by an algorithm that is known").into());
        }
        let gathered = gathered(&inner.expect(0x30, "gathered")?)?;
        inner.end("content")?;
        let mut list = parts.expect(0x30, "stamps")?.reader(FORMAT);
        parts.end("EvidencePackage")?;
        let mut stamps = Vec::new();
        while !list.is_empty() {
            if stamps.len() == MOST_STAMPS {
                return Err(LimitExceeded::new("stamps of an evidence package", MOST_STAMPS as u64).into());
            }
            let stamp = list.expect(0x30, "stamp")?;
            let mut fields = stamp.reader(FORMAT);
            let token = TimeStampToken::from_octets(fields.expect(0x30, "token")?.raw, limits)?;
            let gathered = self::gathered(&fields.expect(0x30, "gathered")?)?;
            fields.end("stamp")?;
            stamps.push(Stamp { der: stamp.raw.to_vec(), token, gathered });
        }
        if stamps.is_empty() {
            return Err(Malformed::new(FORMAT, "stamps", "at least one time-stamp").into());
        }
        Ok(Self { content: content.raw.to_vec(), digests, gathered, stamps })
    }

    /// The package in DER.
    #[must_use]
    pub fn to_octets(&self) -> Vec<u8> {
        let stamps: Vec<&[u8]> = self.stamps.iter().map(|s| s.der.as_slice()).collect();
        encode::sequence(&[&encode::integer(VERSION), &self.content, &encode::tlv(0x30, &stamps.concat())])
    }

    /// The digests of the document that it is about.
    #[must_use]
    pub fn digests(&self) -> &[Digest] {
        &self.digests
    }

    /// Whether it is about this document; every digest must agree.
    ///
    /// # Errors
    /// What reading the document gives.
    pub fn is_about(&self, document: &dyn Source) -> Result<bool, Error> {
        let algorithms: Vec<DigestAlgorithm> = self.digests.iter().map(|d| d.algorithm()).collect();
        Ok(digests_by(&algorithms, document)? == self.digests)
    }

    /// What was gathered on the document's signatures. Untrusted, as all evidence is.
    #[must_use]
    pub const fn gathered(&self) -> &Evidence {
        &self.gathered
    }

    /// The time-stamps, the oldest first.
    pub fn stamps(&self) -> impl ExactSizeIterator<Item = &TimeStampToken> {
        self.stamps.iter().map(|stamp| &stamp.token)
    }

    /// A further stamp over everything, before the newest one loses its force:
    /// its certificate ends, or its algorithms do.
    #[must_use]
    pub fn renew(self) -> PackageDraft {
        let Self { content, digests, gathered, stamps } = self;
        PackageDraft { content, digests, gathered, stamps }
    }

    /// What the stamp `index` is over, and what was gathered on it.
    pub(crate) fn stamp(&self, index: usize) -> Option<(&TimeStampToken, Vec<u8>, &Evidence)> {
        let stamp = self.stamps.get(index)?;
        Some((&stamp.token, covered(&self.content, self.stamps.get(..index)?), &stamp.gathered))
    }
}

/// Content and the stamps before: what a stamp is over.
fn covered(content: &[u8], stamps: &[Stamp]) -> Vec<u8> {
    let mut all = content.to_vec();
    stamps.iter().for_each(|stamp| all.extend_from_slice(&stamp.der));
    all
}

fn digests(document: &dyn Source) -> Result<Vec<Digest>, Error> {
    digests_by(&DIGESTS, document)
}

/// Every digest of a document, in one pass.
fn digests_by(algorithms: &[DigestAlgorithm], document: &dyn Source) -> Result<Vec<Digest>, Error> {
    let mut running: Vec<_> = algorithms.iter().map(|a| a.digester()).collect();
    let mut buffer = vec![0; CHUNK];
    let mut position = 0;
    while position < document.len() {
        let count = document.read_at(position, &mut buffer)?;
        let Some(octets) = buffer.get(..count).filter(|octets| !octets.is_empty()) else { break };
        running.iter_mut().for_each(|digester| digester.update(octets));
        position = position.saturating_add(count as u64);
    }
    Ok(running.into_iter().map(crate::crypto::Digester::finish).collect())
}

/// A digest; one by an algorithm that is not known is passed over.
fn digest(info: &Tlv<'_>) -> Result<Option<Digest>, Error> {
    let mut parts = info.reader(FORMAT);
    let oid = parts.expect(0x06, "algorithm")?.oid(FORMAT, "algorithm")?;
    let value = parts.expect(0x04, "digest")?;
    parts.end("digest")?;
    let Some(algorithm) = DigestAlgorithm::from_oid(&oid) else { return Ok(None) };
    match Digest::from_octets(algorithm, value.content) {
        Some(digest) => Ok(Some(digest)),
        None => Err(value.fault(FORMAT, "digest", "as many octets as its algorithm gives").into()),
    }
}

fn validation_data(evidence: &Evidence) -> Vec<u8> {
    let certificates: Vec<&[u8]> = evidence.certificates().iter().map(Certificate::der).collect();
    let crls: Vec<&[u8]> = evidence.crls().iter().map(Crl::der).collect();
    let responses: Vec<&[u8]> = evidence.ocsp_responses().iter().map(OcspResponse::der).collect();
    let list = |parts: &[&[u8]]| encode::tlv(0x30, &parts.concat());
    encode::sequence(&[&list(&certificates), &list(&crls), &list(&responses)])
}

fn gathered(data: &Tlv<'_>) -> Result<Evidence, Error> {
    let mut evidence = Evidence::new();
    let mut parts = data.reader(FORMAT);
    let mut list = parts.expect(0x30, "certificates")?.reader(FORMAT);
    while !list.is_empty() {
        evidence.add_certificate(Certificate::from_der(list.expect(0x30, "certificate")?.raw)?);
    }
    let mut list = parts.expect(0x30, "crls")?.reader(FORMAT);
    while !list.is_empty() {
        evidence.add_crl(Crl::from_der(list.expect(0x30, "crl")?.raw)?);
    }
    let mut list = parts.expect(0x30, "responses")?.reader(FORMAT);
    while !list.is_empty() {
        evidence.add_ocsp(OcspResponse::from_der(list.expect(0x30, "response")?.raw)?);
    }
    parts.end("ValidationData")?;
    Ok(evidence)
}
