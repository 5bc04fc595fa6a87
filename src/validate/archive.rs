//! Archive time-stamps of CMS signatures (EN 319 102-1 §5.6.3, EN 319 122-1
//! §5.5.3): judged from the newest to the oldest, each proving for what its
//! index names that it existed then.

use super::chain::Certificates;
use super::indication::Failure;
use super::indication::Indication;
use super::report::Integrity;
use super::report::SignatureFormat;
use super::report::SignatureKind;
use super::report::SignatureReport;
use super::report::TimeProof;
use super::token;
use super::token::Stamped;
use super::trust::Existence;
use crate::cms::ARCHIVE_TIME_STAMP_V3;
use crate::cms::HashIndex;
use crate::cms::SIGNATURE_TIME_STAMP;
use crate::cms::SignedData;
use crate::cms::SignerInfo;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::finding::Finding;
use crate::limits::Limits;
use crate::revocation::Evidence;
use crate::timestamp::TimeStampToken;

/// Archive time-stamps of one signer that are judged.
const MOST: usize = 64;

/// What the archive time-stamps of one signer prove.
pub(super) struct Archived {
    base: Existence,
    proven: Vec<(HashIndex, Existence)>,
    reports: Vec<SignatureReport>,
}

/// Judges the archive time-stamps of `signer`; `content` gives the digest of the signed content by an algorithm.
pub(super) fn validate(
    signed: &SignedData,
    signer: &SignerInfo,
    content: &dyn Fn(DigestAlgorithm) -> Option<Digest>,
    certificates: &mut Certificates<'_>,
    report: &mut SignatureReport,
) -> Archived {
    let mut archived = Archived { base: certificates.existence.clone(), proven: Vec::new(), reports: Vec::new() };
    let mut tokens = Vec::new();
    for octets in signer.archive_time_stamps().take(MOST) {
        match TimeStampToken::from_octets(octets, &Limits::default()) {
            Ok(token) => tokens.push((token, octets)),
            Err(error) => {
                let message = format!("an archive time-stamp cannot be read: {error}");
                report.findings.push(Finding::warning("TIMESTAMP_UNREADABLE", message));
            }
        }
    }
    tokens.sort_by_key(|(token, _)| std::cmp::Reverse(token.time()));
    for (token, octets) in tokens {
        let existence = archived.of_attribute(&ARCHIVE_TIME_STAMP_V3, octets);
        let index = token.signer().map(HashIndex::of);
        let index = match index {
            Some(Ok(index)) => index,
            Some(Err(error)) => {
                archived.reports.push(unusable(&error, certificates));
                continue;
            }
            None => continue,
        };
        let imprint = content(token.imprint().algorithm()).map(|content| index.imprint(signed, signer, &content));
        let stamped = match imprint {
            Some(Ok(imprint)) => Stamped::Digest(imprint),
            Some(Err(error)) => {
                archived.reports.push(unusable(&error, certificates));
                continue;
            }
            None => Stamped::Missing,
        };
        let kind = SignatureKind::ArchiveTimestamp;
        let mut stamp = token::validate(&token, "", kind, &stamped, &existence, certificates);
        if !index.is_complete(signed, signer).unwrap_or(false) {
            let message = "something that the archive time-stamp covers is not there any more";
            stamp.findings.push(Finding::error("ARCHIVE_TIMESTAMP_INCOMPLETE", message));
            stamp.integrity = Integrity::Broken;
            stamp.indication = Indication::TotalFailed(Failure::HashFailure);
        }
        if let Some(time) = token::proven(&stamp, &token) {
            note(&index, signed, signer, time, certificates);
            let proof = TimeProof::ArchiveTimestamp { tsa: token::authority(&stamp) };
            archived.proven.push((index, Existence { time, proof }));
        }
        archived.reports.push(stamp);
    }
    archived.reports.reverse();
    archived
}

impl Archived {
    /// What is proven of the signature itself.
    pub(super) fn whole(&self) -> Existence {
        self.proven.iter().fold(self.base.clone(), |best, (_, existence)| best.or(existence.clone()))
    }

    /// What is proven of a signature time-stamp.
    pub(super) fn of(&self, token: &[u8]) -> Existence {
        self.of_attribute(&SIGNATURE_TIME_STAMP, token)
    }

    fn of_attribute(&self, kind: &crate::asn1::Oid, value: &[u8]) -> Existence {
        let naming = self.proven.iter().filter(|(index, _)| index.names_attribute(kind, value));
        naming.fold(self.base.clone(), |best, (_, existence)| best.or(existence.clone()))
    }

    pub(super) fn into_reports(self) -> Vec<SignatureReport> {
        self.reports
    }
}

/// Everything that the index names existed at `time`.
fn note(
    index: &HashIndex,
    signed: &SignedData,
    signer: &SignerInfo,
    time: crate::time::Time,
    certificates: &mut Certificates<'_>,
) {
    let mut proven = Evidence::new();
    if let Ok(named) = index.named(signed) {
        named.certificates.into_iter().for_each(|c| proven.add_certificate(c));
        named.crls.into_iter().for_each(|c| proven.add_crl(c));
        named.ocsp_responses.into_iter().for_each(|r| proven.add_ocsp(r));
    }
    let stamps = signer.signature_time_stamps().map(|t| (SIGNATURE_TIME_STAMP, t));
    for (kind, octets) in stamps.chain(signer.archive_time_stamps().map(|t| (ARCHIVE_TIME_STAMP_V3, t))) {
        if index.names_attribute(&kind, octets)
            && let Ok(token) = TimeStampToken::from_octets(octets, &Limits::default())
        {
            proven.add_token(&token);
        }
    }
    certificates.note(&proven, time);
}

fn unusable(error: &Error, certificates: &Certificates<'_>) -> SignatureReport {
    let mut report =
        SignatureReport::draft("", SignatureKind::ArchiveTimestamp, SignatureFormat::Rfc3161, certificates.at);
    let message = format!("the index of the archive time-stamp cannot be used: {error}");
    report.findings.push(Finding::error("ARCHIVE_TIMESTAMP_INDEX", message));
    report.integrity = Integrity::Broken;
    report.indication = Indication::TotalFailed(Failure::FormatFailure);
    report
}
