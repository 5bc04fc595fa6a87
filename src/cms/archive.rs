//! Archive time-stamps (EN 319 122-1 §5.5.3): what the imprint of one is over,
//! and which certificates, revocation data and attributes its index names.

use std::collections::HashSet;

use super::attribute;
use super::attribute::digest_algorithm;
use super::oids;
use super::signed_data;
use super::signed_data::SignedData;
use super::signer_info::SignerInfo;
use crate::asn1::Oid;
use crate::asn1::encode;
use crate::asn1::tlv::Reader;
use crate::asn1::tlv::Tlv;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::x509::Certificate;
use crate::x509::Crl;
use crate::x509::ocsp::OcspResponse;

const FORMAT: Format = Format::Cms;

/// An `ats-hash-index` in any of its three versions, which differ in what is
/// digested of an unsigned attribute.
#[derive(Clone, Debug)]
pub struct HashIndex {
    der: Vec<u8>,
    algorithm: DigestAlgorithm,
    certificates: HashSet<Vec<u8>>,
    crls: HashSet<Vec<u8>>,
    attributes: HashSet<Vec<u8>>,
}

/// What an index names of the validation data of a SignedData.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Named {
    /// Certificates that can be read.
    pub certificates: Vec<Certificate>,
    /// CRLs that can be read.
    pub crls: Vec<Crl>,
    /// OCSP responses that can be read.
    pub ocsp_responses: Vec<OcspResponse>,
}

impl HashIndex {
    /// The index of an archive time-stamp: an unsigned attribute of the token's signer.
    ///
    /// # Errors
    /// A token without one, one that cannot be read.
    pub fn of(token: &SignerInfo) -> Result<Self, Error> {
        for oid in [oids::ATS_HASH_INDEX_V3, oids::ATS_HASH_INDEX_V2, oids::ATS_HASH_INDEX] {
            if let Some(value) = attribute::single(&token.unsigned, &oid, "ats-hash-index")? {
                return Self::read(&attribute::whole(value, 0x30, "ats-hash-index")?);
            }
        }
        Err(Malformed::new(FORMAT, "archive-time-stamp", "an ats-hash-index in the token").into())
    }

    /// An index, version 3, over everything that belongs to `signer` now, made with `algorithm`.
    ///
    /// # Errors
    /// A structure that cannot be read.
    pub fn over(signed: &SignedData, signer: &SignerInfo, algorithm: DigestAlgorithm) -> Result<Self, Error> {
        let raw = signed.raw_sets()?;
        let digest = |octets: &[u8]| algorithm.digest(octets).octets().to_vec();
        let certificates: Vec<Vec<u8>> = raw.certificates.into_iter().map(digest).collect();
        let crls: Vec<Vec<u8>> = raw.crls.into_iter().map(digest).collect();
        let values = signer.unsigned.iter().flat_map(|attribute| {
            let kind = encode::oid(&attribute.oid);
            attribute.values().map(move |value| digest(&[kind.as_slice(), value].concat())).collect::<Vec<_>>()
        });
        let attributes: Vec<Vec<u8>> = values.collect();
        let list = |digests: &[Vec<u8>]| {
            let all: Vec<u8> = digests.iter().flat_map(|digest| encode::octet_string(digest)).collect();
            encode::tlv(0x30, &all)
        };
        let algorithm_identifier = encode::sequence(&[&encode::oid(&algorithm.oid())]);
        let der = encode::sequence(&[&algorithm_identifier, &list(&certificates), &list(&crls), &list(&attributes)]);
        Ok(Self {
            der,
            algorithm,
            certificates: certificates.into_iter().collect(),
            crls: crls.into_iter().collect(),
            attributes: attributes.into_iter().collect(),
        })
    }

    /// The time-stamp token with this index as an unsigned attribute of its signer.
    ///
    /// # Errors
    /// A token without a signer.
    pub fn put_into(&self, token: &SignedData) -> Result<SignedData, Error> {
        token.with_unsigned_attribute(0, &oids::ATS_HASH_INDEX_V3, &self.der)
    }

    fn read(index: &Tlv<'_>) -> Result<Self, Error> {
        let mut parts = index.reader(FORMAT);
        // DEFAULT sha256: an AlgorithmIdentifier begins with an OBJECT IDENTIFIER, the lists with octets or nothing.
        let first = parts.expect(0x30, "ats-hash-index")?;
        let (algorithm, first) = match first.reader(FORMAT).peek() {
            Some(0x06) => (digest_algorithm(&first)?, parts.expect(0x30, "certificatesHashIndex")?),
            _ => (DigestAlgorithm::Sha256, first),
        };
        let certificates = list(&first)?;
        let crls = list(&parts.expect(0x30, "crlsHashIndex")?)?;
        let attributes = list(&parts.expect(0x30, "unsignedAttrsHashIndex")?)?;
        parts.end("ats-hash-index")?;
        Ok(Self { der: index.raw.to_vec(), algorithm, certificates, crls, attributes })
    }

    /// The certificates, CRLs and OCSP responses of `signed` that it names.
    ///
    /// # Errors
    /// A structure that cannot be read.
    pub fn named(&self, signed: &SignedData) -> Result<Named, Error> {
        let raw = signed.raw_sets()?;
        let mut named = Named::default();
        let mut passed_over = Vec::new();
        let digest = |octets: &[u8]| self.algorithm.digest(octets);
        for raw in raw.certificates.into_iter().filter(|raw| self.certificates.contains(digest(raw).octets())) {
            let choice = Reader::new(raw, FORMAT).any("certificate")?;
            signed_data::certificate(&choice, &mut named.certificates, &mut passed_over);
        }
        for raw in raw.crls.into_iter().filter(|raw| self.crls.contains(digest(raw).octets())) {
            let choice = Reader::new(raw, FORMAT).any("RevocationInfoChoice")?;
            signed_data::revocation(&choice, &mut named.crls, &mut named.ocsp_responses, &mut passed_over);
        }
        Ok(named)
    }

    /// Whether an unsigned attribute with this value is named.
    #[must_use]
    pub fn names_attribute(&self, oid: &Oid, value: &[u8]) -> bool {
        let kind = encode::oid(oid);
        let whole = encode::sequence(&[&kind, &encode::tlv(0x31, value)]);
        [[kind.as_slice(), value].concat(), whole]
            .iter()
            .any(|octets| self.attributes.contains(self.algorithm.digest(octets).octets()))
    }

    /// Whether everything that it names is still there. What was added since is not covered.
    ///
    /// # Errors
    /// A structure that cannot be read.
    pub fn is_complete(&self, signed: &SignedData, signer: &SignerInfo) -> Result<bool, Error> {
        let raw = signed.raw_sets()?;
        let digest = |octets: &[u8]| self.algorithm.digest(octets).octets().to_vec();
        let certificates: HashSet<Vec<u8>> = raw.certificates.into_iter().map(digest).collect();
        let crls: HashSet<Vec<u8>> = raw.crls.into_iter().map(digest).collect();
        let mut attributes = HashSet::new();
        for attribute in &signer.unsigned {
            attributes.insert(digest(&attribute.der));
            let kind = encode::oid(&attribute.oid);
            attributes.extend(attribute.values().map(|value| digest(&[kind.as_slice(), value].concat())));
        }
        Ok(self.certificates.is_subset(&certificates)
            && self.crls.is_subset(&crls)
            && self.attributes.is_subset(&attributes))
    }

    /// The digest that the token's imprint must be; `content` is the digest of
    /// the signed content by the imprint's algorithm.
    ///
    /// # Errors
    /// A structure that cannot be read.
    pub fn imprint(&self, signed: &SignedData, signer: &SignerInfo, content: &Digest) -> Result<Digest, Error> {
        let mut digester = content.algorithm().digester();
        digester.update(&encode::oid(signed.content_type()));
        digester.update(content.octets());
        let mut parts = Reader::new(signer.der(), FORMAT).expect(0x30, "SignerInfo")?.reader(FORMAT);
        while !parts.is_empty() {
            let part = parts.any("SignerInfo")?;
            if part.tag != 0xA1 {
                digester.update(part.raw);
            }
        }
        digester.update(&self.der);
        Ok(digester.finish())
    }
}

fn list(octets: &Tlv<'_>) -> Result<HashSet<Vec<u8>>, Error> {
    let mut found = HashSet::new();
    let mut list = octets.reader(FORMAT);
    while !list.is_empty() {
        found.insert(list.expect(0x04, "hash index")?.content.to_vec());
    }
    Ok(found)
}
