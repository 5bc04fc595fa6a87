//! `SignedData` in its `ContentInfo`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use super::oids;
use super::signer_info::SignerInfo;
use crate::asn1;
use crate::asn1::Oid;
use crate::asn1::encode;
use crate::asn1::pem;
use crate::asn1::tlv::Reader;
use crate::asn1::tlv::Tlv;
use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::error::Unsupported;
use crate::finding::Finding;
use crate::limits::Limits;
use crate::x509::Certificate;
use crate::x509::Crl;
use crate::x509::ocsp::OcspResponse;

const FORMAT: Format = Format::Cms;

/// A SignedData (RFC 5652 §5.1), decoded once.
#[derive(Clone, Debug)]
pub struct SignedData {
    der: Vec<u8>,
    version: u32,
    content_type: Oid,
    content: Option<Range<usize>>,
    certificates: Vec<Certificate>,
    crls: Vec<Crl>,
    ocsp: Vec<OcspResponse>,
    signers: Vec<SignerInfo>,
    findings: Vec<Finding>,
}

/// The choices of a SignedData as they stand.
pub(super) struct RawSets<'a> {
    pub(super) certificates: Vec<&'a [u8]>,
    pub(super) crls: Vec<&'a [u8]>,
}

impl SignedData {
    /// Reads a ContentInfo with a SignedData, in DER or BER, with nothing after it.
    ///
    /// # Errors
    /// Another content type, a malformed structure, octets after it, a limit.
    pub fn from_octets(octets: &[u8], limits: &Limits) -> Result<Self, Error> {
        let (signed, rest) = Self::read(octets, limits)?;
        if !rest.is_empty() {
            return Err(trailing(octets, rest, "nothing after it"));
        }
        Ok(signed)
    }

    /// As [`from_octets`](Self::from_octets), with zeros after it, as the
    /// `/Contents` of a PDF signature is filled up (ISO 32000-2 §12.8.3.3.1).
    /// Other octets there, which some producers leave and nobody reads, are a finding.
    ///
    /// # Errors
    /// As there, save for what follows.
    pub fn from_padded(octets: &[u8], limits: &Limits) -> Result<Self, Error> {
        let (mut signed, rest) = Self::read(octets, limits)?;
        if rest.iter().any(|b| *b != 0) {
            let message = "octets that are not zero fill the rest of /Contents; they are no part of the signature";
            let offset = octets.len() - rest.len();
            signed.findings.push(Finding::warning("CMS_PADDING", message).at(format!("offset {offset}")));
        }
        Ok(signed)
    }

    /// As [`from_octets`](Self::from_octets), in PEM (`CMS` or `PKCS7`, the first block of it) or not.
    ///
    /// # Errors
    /// As there; PEM without such a block.
    pub fn from_file(octets: &[u8], limits: &Limits) -> Result<Self, Error> {
        if !pem::is_pem(octets) {
            return Self::from_octets(octets, limits);
        }
        for block in pem::blocks(octets) {
            let block = block?;
            if matches!(block.label, b"CMS" | b"PKCS7" | b"PKCS #7 SIGNED DATA") {
                return Self::from_octets(&block.decode()?, limits);
            }
        }
        Err(Malformed::new(Format::Pem, "file", "a block of kind CMS or PKCS7").into())
    }

    fn read<'a>(octets: &'a [u8], limits: &Limits) -> Result<(Self, &'a [u8]), Error> {
        let (der, rest) = asn1::to_der(octets, limits)?;
        let mut findings = Vec::new();
        if matches!(der, Cow::Owned(_)) {
            findings.push(Finding::info("CMS_BER", "the CMS is written in BER, not in DER"));
        }
        let signed = Self::decode(der.into_owned(), findings, limits)?;
        Ok((signed, rest))
    }

    fn decode(der: Vec<u8>, mut findings: Vec<Finding>, limits: &Limits) -> Result<Self, Error> {
        let mut outer = Reader::new(&der, FORMAT);
        let mut info = outer.expect(0x30, "ContentInfo")?.reader(FORMAT);
        let kind = info.expect(0x06, "contentType")?;
        if kind.content != oids::SIGNED_DATA.content() {
            let kind = kind.oid(FORMAT, "contentType")?;
            return Err(Unsupported::new(FORMAT, format!("content type {kind} in place of SignedData")).into());
        }
        let mut content = info.expect(0xA0, "content")?.reader(FORMAT);
        info.end("ContentInfo")?;
        let mut parts = content.expect(0x30, "SignedData")?.reader(FORMAT);
        content.end("content")?;

        let version = parts.expect(0x02, "version")?.small(FORMAT, "version")?;
        parts.expect(0x31, "digestAlgorithms")?;
        let mut encapsulated = parts.expect(0x30, "encapContentInfo")?.reader(FORMAT);
        let content_type = encapsulated.expect(0x06, "eContentType")?.oid(FORMAT, "eContentType")?;
        let content = match encapsulated.optional(0xA0, "eContent")? {
            None => None,
            Some(explicit) => {
                let mut inner = explicit.reader(FORMAT);
                let octets = inner.expect(0x04, "eContent")?;
                inner.end("eContent")?;
                let start = usize::try_from(octets.offset).unwrap_or(usize::MAX).saturating_add(octets.raw.len())
                    - octets.content.len();
                Some(start..start.saturating_add(octets.content.len()))
            }
        };
        encapsulated.end("encapContentInfo")?;

        let mut certificates = Vec::new();
        if let Some(set) = parts.optional(0xA0, "certificates")? {
            let mut set = set.reader(FORMAT);
            while !set.is_empty() {
                certificate(&set.any("certificate")?, &mut certificates, &mut findings);
            }
        }
        let (mut crls, mut ocsp) = (Vec::new(), Vec::new());
        if let Some(set) = parts.optional(0xA1, "crls")? {
            let mut set = set.reader(FORMAT);
            while !set.is_empty() {
                revocation(&set.any("RevocationInfoChoice")?, &mut crls, &mut ocsp, &mut findings);
            }
        }
        let mut set = parts.expect(0x31, "signerInfos")?.reader(FORMAT);
        parts.end("SignedData")?;
        let mut signers = Vec::new();
        while !set.is_empty() {
            if signers.len() == limits.signatures {
                return Err(LimitExceeded::new("signatures", limits.signatures as u64).into());
            }
            signers.push(SignerInfo::read(&set.expect(0x30, "SignerInfo")?)?);
        }
        Ok(Self { version, content_type, content, certificates, crls, ocsp, signers, findings, der })
    }

    /// The ContentInfo in DER, without what followed it.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// `version`.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// `eContentType`.
    #[must_use]
    pub const fn content_type(&self) -> &Oid {
        &self.content_type
    }

    /// `eContent`; `None` where the signature is detached. Empty content is not absent content.
    #[must_use]
    pub fn content(&self) -> Option<&[u8]> {
        self.content.clone().map(|range| self.der.get(range).unwrap_or_default())
    }

    /// The certificates that can be read, in order. Untrusted.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The CRLs that can be read.
    #[must_use]
    pub fn crls(&self) -> &[Crl] {
        &self.crls
    }

    /// The OCSP responses that can be read (RFC 5940).
    #[must_use]
    pub fn ocsp_responses(&self) -> &[OcspResponse] {
        &self.ocsp
    }

    /// The signers, in order; there may be none.
    #[must_use]
    pub fn signers(&self) -> &[SignerInfo] {
        &self.signers
    }

    /// The octets of every choice in `certificates` and in `crls`, read or not.
    pub(super) fn raw_sets(&self) -> Result<RawSets<'_>, Error> {
        let mut info = Reader::new(&self.der, FORMAT).expect(0x30, "ContentInfo")?.reader(FORMAT);
        info.expect(0x06, "contentType")?;
        let mut parts = info.expect(0xA0, "content")?.reader(FORMAT).expect(0x30, "SignedData")?.reader(FORMAT);
        let mut sets = RawSets { certificates: Vec::new(), crls: Vec::new() };
        while !parts.is_empty() {
            let part = parts.any("SignedData")?;
            let set = match part.tag {
                0xA0 => &mut sets.certificates,
                0xA1 => &mut sets.crls,
                _ => continue,
            };
            let mut choices = part.reader(FORMAT);
            while !choices.is_empty() {
                set.push(choices.any("SignedData")?.raw);
            }
        }
        Ok(sets)
    }

    /// Deviations, and certificates or revocation data that cannot be read.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The same SignedData with one more unsigned attribute at the signer
    /// `index`: a time-stamp token, revocation data. Every other octet stays.
    ///
    /// # Errors
    /// Misuse where there is no such signer.
    pub fn with_unsigned_attribute(&self, index: usize, oid: &Oid, value: &[u8]) -> Result<Self, Error> {
        let new = encode::sequence(&[&encode::oid(oid), &encode::tlv(0x31, value)]);
        self.rewrite_signer(index, |signer| {
            let mut attributes: Vec<Vec<u8>> = signer.unsigned.iter().map(|a| a.der.clone()).collect();
            attributes.push(new.clone());
            attributes.sort();
            encode::tlv(0xA1, &attributes.concat())
        })
    }

    /// The same SignedData with a counter-signature on the signer `index`
    /// (RFC 5652 §11.4). The counter-signer's certificate is not put in here.
    ///
    /// # Errors
    /// Misuse where there is no such signer.
    pub fn with_counter_signature(&self, index: usize, counter: &SignerInfo) -> Result<Self, Error> {
        self.with_unsigned_attribute(index, &oids::COUNTER_SIGNATURE, counter.der())
    }

    /// The same SignedData with the signers of `other` behind its own, and
    /// their digest algorithms. Certificates are not put in here.
    ///
    /// # Errors
    /// Where it cannot be read again.
    pub fn with_signers_of(&self, other: &Self) -> Result<Self, Error> {
        let algorithms = |signed: &Self| -> Result<Vec<Vec<u8>>, Error> {
            let mut info = Reader::new(&signed.der, FORMAT).expect(0x30, "ContentInfo")?.reader(FORMAT);
            info.expect(0x06, "contentType")?;
            let mut parts = info.expect(0xA0, "content")?.reader(FORMAT).expect(0x30, "SignedData")?.reader(FORMAT);
            parts.expect(0x02, "version")?;
            let mut set = parts.expect(0x31, "digestAlgorithms")?.reader(FORMAT);
            let mut all = Vec::new();
            while !set.is_empty() {
                all.push(set.any("digestAlgorithm")?.raw.to_vec());
            }
            Ok(all)
        };
        let (old, new) = (algorithms(self)?, algorithms(other)?);
        let old: Vec<&[u8]> = old.iter().map(Vec::as_slice).collect();
        let digests = joined(&old, new.iter().map(Vec::as_slice)).concat();
        let mut info = Reader::new(&self.der, FORMAT).expect(0x30, "ContentInfo")?.reader(FORMAT);
        let kind = info.expect(0x06, "contentType")?;
        let mut parts = info.expect(0xA0, "content")?.reader(FORMAT).expect(0x30, "SignedData")?.reader(FORMAT);
        parts.expect(0x02, "version")?;
        parts.expect(0x31, "digestAlgorithms")?;
        let version = u64::from(self.version.max(other.version));
        let mut body = [encode::integer(version), encode::tlv(0x31, &digests)].concat();
        while parts.peek().is_some_and(|tag| tag != 0x31) {
            body.extend_from_slice(parts.any("SignedData")?.raw);
        }
        // Behind the others: signers are counted by place.
        let signers: Vec<&[u8]> = self.signers.iter().chain(&other.signers).map(SignerInfo::der).collect();
        body.extend_from_slice(&encode::tlv(0x31, &signers.concat()));
        let der = encode::sequence(&[kind.raw, &encode::explicit(0, &encode::tlv(0x30, &body))]);
        Self::decode(der, self.findings.clone(), &Limits::default())
    }

    /// The same SignedData with these certificates, CRLs and OCSP responses
    /// (RFC 5940) in its sets, each where it is not there yet; itself where
    /// nothing is new. Signers and content stay as they are.
    ///
    /// # Errors
    /// Where it cannot be read again.
    pub fn with_validation_data(
        &self,
        certificates: &[Certificate],
        crls: &[Crl],
        responses: &[OcspResponse],
    ) -> Result<Self, Error> {
        let raw = self.raw_sets()?;
        let responses: Vec<Vec<u8>> = responses.iter().map(|r| other_revocation(r.der())).collect();
        let certificates = joined(&raw.certificates, certificates.iter().map(Certificate::der));
        let revocation = crls.iter().map(Crl::der).chain(responses.iter().map(Vec::as_slice));
        let revocation = joined(&raw.crls, revocation);
        if certificates.len() == raw.certificates.len() && revocation.len() == raw.crls.len() {
            return Ok(self.clone());
        }
        let other = revocation.iter().any(|choice| choice.first() == Some(&0xA1));
        let mut info = Reader::new(&self.der, FORMAT).expect(0x30, "ContentInfo")?.reader(FORMAT);
        let kind = info.expect(0x06, "contentType")?;
        let mut parts = info.expect(0xA0, "content")?.reader(FORMAT).expect(0x30, "SignedData")?.reader(FORMAT);
        parts.expect(0x02, "version")?;
        // RFC 5652 §5.1: 5 with revocation information of another kind than CRLs.
        let version = if other { self.version.max(5) } else { self.version };
        let mut body = encode::integer(u64::from(version));
        body.extend_from_slice(parts.expect(0x31, "digestAlgorithms")?.raw);
        body.extend_from_slice(parts.expect(0x30, "encapContentInfo")?.raw);
        parts.optional(0xA0, "certificates")?;
        parts.optional(0xA1, "crls")?;
        for (tag, set) in [(0xA0, certificates), (0xA1, revocation)] {
            if !set.is_empty() {
                body.extend_from_slice(&encode::tlv(tag, &set.concat()));
            }
        }
        body.extend_from_slice(parts.expect(0x31, "signerInfos")?.raw);
        let der = encode::sequence(&[kind.raw, &encode::explicit(0, &encode::tlv(0x30, &body))]);
        Self::decode(der, self.findings.clone(), &Limits::default())
    }

    fn rewrite_signer(&self, index: usize, unsigned: impl Fn(&SignerInfo) -> Vec<u8>) -> Result<Self, Error> {
        let target =
            self.signers.get(index).ok_or_else(|| Misuse::new(format!("signer {index} of {}", self.signers.len())))?;
        let mut info = Reader::new(target.der(), FORMAT).expect(0x30, "SignerInfo")?.reader(FORMAT);
        let mut kept = Vec::new();
        while !info.is_empty() {
            let part = info.any("SignerInfo")?;
            if part.tag != 0xA1 {
                kept.extend_from_slice(part.raw);
            }
        }
        kept.extend_from_slice(&unsigned(target));
        let rewritten = encode::tlv(0x30, &kept);

        let mut info = Reader::new(&self.der, FORMAT).expect(0x30, "ContentInfo")?.reader(FORMAT);
        let kind = info.expect(0x06, "contentType")?;
        let mut parts = info.expect(0xA0, "content")?.reader(FORMAT).expect(0x30, "SignedData")?.reader(FORMAT);
        let mut body = Vec::with_capacity(self.der.len() + rewritten.len());
        loop {
            let part = parts.any("SignedData")?;
            if !parts.is_empty() {
                body.extend_from_slice(part.raw);
                continue;
            }
            // signerInfos is last. The order of SET OF is left as it was: signers are counted by place.
            let others = self.signers.iter().enumerate();
            let infos: Vec<&[u8]> =
                others.map(|(i, s)| if i == index { rewritten.as_slice() } else { s.der() }).collect();
            body.extend_from_slice(&encode::tlv(0x31, &infos.concat()));
            break;
        }
        let der = encode::sequence(&[kind.raw, &encode::explicit(0, &encode::tlv(0x30, &body))]);
        Self::decode(der, self.findings.clone(), &Limits::default())
    }
}

/// A set with what is new in it; in DER order, if it was so before.
fn joined<'a>(old: &[&'a [u8]], new: impl Iterator<Item = &'a [u8]>) -> Vec<&'a [u8]> {
    let ordered = old.is_sorted();
    let mut all = old.to_vec();
    let mut known: HashSet<&[u8]> = old.iter().copied().collect();
    all.extend(new.filter(|choice| known.insert(choice)));
    if ordered {
        all.sort_unstable();
    }
    all
}

/// An OCSP response as OtherRevocationInfoFormat (RFC 5940).
pub(super) fn other_revocation(response: &[u8]) -> Vec<u8> {
    encode::tlv(0xA1, &[encode::oid(&oids::OCSP_RESPONSE).as_slice(), response].concat())
}

fn trailing(octets: &[u8], rest: &[u8], expected: &'static str) -> Error {
    let end = octets.len() - rest.len();
    Malformed::new(FORMAT, "ContentInfo", expected).found(format!("{} octets", rest.len())).at(end as u64).into()
}

/// What cannot be read does not stop the rest: the signer may be another one.
pub(super) fn certificate(choice: &Tlv<'_>, into: &mut Vec<Certificate>, findings: &mut Vec<Finding>) {
    match choice.tag {
        0x30 => match Certificate::from_der(choice.raw) {
            Ok(certificate) => into.push(certificate),
            Err(e) => findings.push(unreadable("CMS_CERTIFICATE_UNREADABLE", &e, choice)),
        },
        _ => findings.push(
            Finding::info("CMS_CERTIFICATE_OTHER", "a certificate of another kind than X.509 was passed over")
                .at(format!("offset {}", choice.offset)),
        ),
    }
}

pub(super) fn revocation(
    choice: &Tlv<'_>,
    crls: &mut Vec<Crl>,
    ocsp: &mut Vec<OcspResponse>,
    findings: &mut Vec<Finding>,
) {
    if choice.tag == 0x30 {
        match Crl::from_der(choice.raw) {
            Ok(crl) => crls.push(crl),
            Err(e) => findings.push(unreadable("CMS_CRL_UNREADABLE", &e, choice)),
        }
        return;
    }
    let mut other = choice.reader(FORMAT);
    match (other.any("otherRevInfoFormat"), other.any("otherRevInfo")) {
        (Ok(format), Ok(info)) if choice.tag == 0xA1 && format.content == oids::OCSP_RESPONSE.content() => {
            match OcspResponse::from_der(info.raw) {
                Ok(response) => ocsp.push(response),
                Err(e) => findings.push(unreadable("CMS_OCSP_UNREADABLE", &e, choice)),
            }
        }
        _ => findings.push(
            Finding::info("CMS_REVOCATION_OTHER", "revocation data of an unknown kind was passed over")
                .at(format!("offset {}", choice.offset)),
        ),
    }
}

fn unreadable(code: &'static str, e: &Error, at: &Tlv<'_>) -> Finding {
    Finding::warning(code, e.to_string()).at(format!("offset {}", at.offset))
}
