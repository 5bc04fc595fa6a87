//! Signatures of PDF documents (EN 319 142-1, ISO 32000-2 §12.8).
//!
//! Document time-stamps are judged from the newest to the oldest, each proving
//! for what lies before it that it existed then (EN 319 102-1 §5.6.3); the
//! report lists everything in the order in which it was applied.

use std::collections::BTreeSet;
use std::ops::Range;

use super::chain::Certificates;
use super::cms;
use super::indication::Failure;
use super::indication::Indeterminacy;
use super::indication::Indication;
use super::indication::Signed;
use super::level;
use super::level::Carried;
use super::report::CertificateSummary;
use super::report::Changes;
use super::report::Coverage;
use super::report::Integrity;
use super::report::Outcome;
use super::report::Report;
use super::report::SignatureFormat;
use super::report::SignatureKind;
use super::report::SignatureReport;
use super::report::TimeProof;
use super::signer;
use super::signer::Content;
use super::signer::Demands;
use super::signer::Verified;
use super::token;
use super::token::Stamped;
use super::trust::Existence;
use crate::cms::CONTENT_DATA;
use crate::cms::SignedData;
use crate::cms::Verification;
use crate::cms::VerificationFault;
use crate::cms::verify_rsa_sha1;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::finding::Finding;
use crate::finding::Severity;
use crate::pdf;
use crate::pdf::ChangeLevel;
use crate::pdf::History;
use crate::pdf::PageChange;
use crate::pdf::Pdf;
use crate::pdf::SignatureFacts;
use crate::pdf::SubFilter;
use crate::revocation::Evidence;
use crate::time::Time;
use crate::timestamp::TimeStampToken;
use crate::x509::Certificate;

/// The first octet of signed attributes in DER.
const SET: u8 = 0x31;

/// What `/Contents` holds, by the rules of the `/SubFilter`.
enum Container {
    Cms(SignedData),
    Token(Box<TimeStampToken>),
    /// `adbe.x509.rsa_sha1`, with the certificates of `/Cert`.
    Bare(Vec<Certificate>),
    Unreadable(Finding),
}

/// One signature of the document with all that is known before judging it.
struct Entry<'d> {
    facts: &'d SignatureFacts,
    container: Container,
    /// The digest of the covered octets, by the algorithm that the container needs.
    digest: Option<Digest>,
}

/// Validates every signature of `document` into `report`.
pub(super) fn validate(
    mut certificates: Certificates<'_>,
    document: &Pdf<'_>,
    place_changes: bool,
    report: &mut Report,
) {
    report.findings.extend_from_slice(document.findings());
    let all = match document.signatures() {
        Ok(facts) => facts,
        Err(error) => return report.signatures.push(unreadable(&error, certificates.at)),
    };
    let (granting, facts): (Vec<_>, Vec<_>) =
        all.iter().partition(|facts| facts.kind == pdf::SignatureKind::UsageRights);
    for facts in granting {
        let message = "a signature of a reader's vendor grants usage rights; it is no signature of a person";
        let finding = Finding::warning("PDF_USAGE_RIGHTS", message);
        report.findings.push(match facts.object {
            Some(id) => finding.at(id),
            None => finding,
        });
    }
    if !facts.is_empty() {
        document.watch_for_objects();
    }
    let (entries, mut history) = entries(document, &facts, certificates.backend, || document.history(&all));
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => return report.signatures.push(unreadable(&error, certificates.at)),
    };
    if let Ok(history) = &mut history {
        history.relax(|rule| certificates.policy.relaxes(rule));
    }
    let hidden = if facts.is_empty() {
        // Nobody signed it yet: what is said now can still be heeded.
        document.hidden_content()
    } else {
        document.objects_outside()
    };
    match hidden {
        Ok(findings) => report.findings.extend(findings),
        Err(error) => {
            let message = format!("hidden content cannot be looked for: {error}");
            report.findings.push(Finding::warning("HIDDEN_NOT_SEARCHED", message));
        }
    }

    let mut carried = Evidence::new();
    for entry in &entries {
        entry.offer(&mut carried);
    }
    match document.latest().security_store() {
        Ok(store) => {
            if let Some(store) = store {
                report.findings.extend_from_slice(&store.findings);
                report.findings.extend(carried.add_security_store(&store));
            }
        }
        Err(error) => {
            let message = format!("the document security store cannot be read: {error}");
            report.findings.push(Finding::warning("DSS_UNREADABLE", message));
        }
    }
    certificates.carried(&carried);

    let places = history.as_ref().ok().filter(|_| place_changes).map(|history| document.page_changes(&history.all()));
    let mut walk = Walk {
        document,
        entries: &entries,
        history: &history,
        places: places.as_ref(),
        carried: &carried,
        covering: None,
    };
    let mut judged: Vec<SignatureReport> =
        (0..entries.len()).rev().filter_map(|index| walk.judge(index, &mut certificates)).collect();
    judged.reverse();
    report.signatures.extend(judged);
}

/// The state of judging from the newest signature to the oldest.
struct Walk<'w> {
    document: &'w Pdf<'w>,
    entries: &'w [Entry<'w>],
    history: &'w Result<History, Error>,
    places: Option<&'w Result<Vec<PageChange>, Error>>,
    carried: &'w Evidence,
    /// The earliest proof by the document time-stamps judged so far, and what it covers.
    covering: Option<Covering>,
}

/// A document time-stamp whose octets cover what was applied before it.
struct Covering {
    existence: Existence,
    /// It verifies, trusted or not.
    revision: usize,
}

impl Walk<'_> {
    fn judge(&mut self, index: usize, certificates: &mut Certificates<'_>) -> Option<SignatureReport> {
        let entry = self.entries.get(index)?;
        let mut report = draft(entry.facts, certificates);
        changes(entry.facts, self.history, self.places, certificates, &mut report);
        let existence = match &self.covering {
            Some(covering) => covering.existence.clone(),
            None => certificates.existence.clone(),
        };
        let mut sound = entry.facts.findings.iter().all(|f| f.severity() != Severity::Error);
        match &entry.container {
            Container::Unreadable(finding) => {
                report.findings.push(finding.clone());
                sound = false;
            }
            Container::Token(token) => {
                let stamped = entry.digest.map_or(Stamped::Missing, Stamped::Digest);
                let kind = SignatureKind::DocumentTimestamp;
                let name = &entry.facts.field_name;
                let judged = token::validate(token, name, kind, &stamped, &existence, certificates);
                report.take_over(judged);
                self.covers(index, entry.facts, token, &report, certificates);
            }
            Container::Cms(signed) => {
                if let Err(fault) = self.signature(entry, signed, existence, certificates, &mut report) {
                    report.findings.push(fault);
                    sound = false;
                }
            }
            Container::Bare(own) => {
                if let Err(fault) = bare(entry, own, &existence, certificates, &mut report) {
                    report.findings.push(fault);
                    sound = false;
                }
            }
        }
        settle(sound, &mut report);
        Some(report)
    }

    fn signature(
        &self,
        entry: &Entry<'_>,
        signed: &SignedData,
        existence: Existence,
        certificates: &Certificates<'_>,
        report: &mut SignatureReport,
    ) -> Result<(), Finding> {
        report.deviations.extend_from_slice(signed.findings());
        let [signer] = signed.signers() else {
            let message = format!("the CMS has {} signers; a PDF signature has one", signed.signers().len());
            return Err(Finding::error("SIGNER_COUNT", message));
        };
        // Octets that are the signed attributes of another signature cannot be told from content where a signer
        // has none. ISO 32000-2 §12.8.3.3 permits to have none, and old signatures do; but a document begins otherwise.
        let first = self.document.read(0..1).unwrap_or_default();
        if signer.signed_attributes().is_none() && first.first() == Some(&SET) {
            let message = "there are no signed attributes, and the file may be those of another signature";
            return Err(Finding::error("SIGNED_ATTRIBUTES", message));
        }
        let pades = report.format == SignatureFormat::Pades;
        let require = pades || certificates.policy.require_signing_certificate;
        let demands = Demands { signed_attributes: pades, signing_certificate: require };
        let (digest, altered) = content(entry, signed)?;
        let sha1 = entry.facts.sub_filter == SubFilter::Pkcs7Sha1;
        let octets = signed.content().filter(|_| sha1);
        let held = Content { content_type: Some(*signed.content_type()), digest, octets };
        let mut verified = signer::verify(signer, signed.certificates(), &held, demands, certificates, report);
        if altered {
            let fault = Some(VerificationFault::ContentDigest);
            verified.decided = None;
            verified.take(Verification { fault, deviations: Vec::new() }, report);
        }

        let in_cms = signer.signing_time().ok().flatten();
        if pades && in_cms.is_some() {
            let message = "the claimed signing time stands in the CMS, where PAdES has it in /M alone";
            report.deviations.push(Finding::info("PADES_SIGNING_TIME", message));
        }
        let in_dictionary = entry.facts.claimed_time.as_deref().and_then(Time::parse_pdf);
        cms::claimed(in_cms.or(in_dictionary), certificates, report);
        let stamps = cms::timestamps(signer, &|_| existence.clone(), certificates, report).or(existence.clone());
        if signer.archive_time_stamps().next().is_some() {
            let message =
                "an archive time-stamp of CAdES is there, which PDF signatures do not have; it proves nothing";
            report.findings.push(Finding::warning("ARCHIVE_TIMESTAMP_IGNORED", message));
        }
        let what = ranges_signed(entry);
        cms::finish(verified, &stamps, what, certificates, report);
        if pades {
            let last = self.document.revisions().len().saturating_sub(1);
            let covering = self.covering.as_ref();
            let carried = Carried {
                evidence: self.carried,
                document_timestamp: covering.is_some(),
                archived: covering.is_some_and(|c| self.store_covered(c.revision, last)),
            };
            level::of(signer, carried, certificates, report);
        }
        Ok(())
    }

    /// Whether a document security store stands in the revisions that a time-stamp covers.
    fn store_covered(&self, revision: usize, last: usize) -> bool {
        let store = |index: usize| self.document.revision(index)?.security_store().ok().flatten();
        revision <= last && store(revision).is_some()
    }

    /// Notes what an intact document time-stamp proves to have existed.
    fn covers(
        &mut self,
        index: usize,
        facts: &SignatureFacts,
        token: &TimeStampToken,
        report: &SignatureReport,
        certificates: &mut Certificates<'_>,
    ) {
        if report.integrity != Integrity::Intact || facts.coverage == pdf::Coverage::Partial {
            return;
        }
        let existence = match token::proven(report, token) {
            Some(time) => {
                let mut proven = Evidence::new();
                self.entries.iter().take(index).for_each(|entry| entry.offer(&mut proven));
                let store = self.document.revision(facts.revision).map(|r| r.security_store());
                if let Some(Ok(Some(store))) = store {
                    proven.add_security_store(&store);
                }
                certificates.note(&proven, time);
                let (name, tsa) = (facts.field_name.clone(), token::authority(report));
                Existence { time, proof: TimeProof::DocumentTimestamp { name, tsa } }
            }
            None => certificates.existence.clone(),
        };
        let (revision, existence) = match self.covering.take() {
            Some(newer) => (newer.revision, newer.existence.or(existence)),
            None => (facts.revision, existence),
        };
        self.covering = Some(Covering { existence, revision });
    }
}

impl Entry<'_> {
    fn offer(&self, evidence: &mut Evidence) {
        match &self.container {
            Container::Cms(signed) => evidence.add_signed_data(signed),
            Container::Token(token) => evidence.add_token(token),
            Container::Bare(certificates) => certificates.iter().for_each(|c| evidence.add_certificate(c.clone())),
            Container::Unreadable(_) => {}
        }
    }
}

impl SignatureReport {
    /// Takes what was judged on a token into the draft for its field.
    fn take_over(&mut self, judged: Self) {
        let draft = std::mem::replace(self, judged);
        self.coverage = draft.coverage;
        self.changes = draft.changes;
        self.changes_permitted = draft.changes_permitted;
        self.change_list = draft.change_list;
        self.form_filled = draft.form_filled;
        self.page_changes = draft.page_changes;
        self.deviations.splice(0..0, draft.deviations);
        self.findings.splice(0..0, draft.findings);
        self.checks.splice(0..0, draft.checks);
    }
}

/// Reads what the signatures hold and digests what they cover, in one pass over the document, and does `work` meanwhile.
fn entries<'d, T>(
    document: &Pdf<'_>,
    facts: &[&'d SignatureFacts],
    backend: Backend,
    work: impl FnOnce() -> T,
) -> (Result<Vec<Entry<'d>>, Error>, T) {
    let mut entries: Vec<Entry<'d>> =
        facts.iter().map(|facts| Entry { facts, container: container(facts, document), digest: None }).collect();
    let mut wanted: Vec<([Range<u64>; 2], DigestAlgorithm)> = Vec::new();
    let mut whose = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        if let (Some(ranges), Some(algorithm)) = (entry.facts.covered_ranges(), algorithm(&entry.container)) {
            wanted.push((ranges, algorithm));
            whose.push(index);
        }
    }
    let (digests, done) = document.digests_beside(backend, &wanted, work);
    let entries = digests.map(|digests| {
        for (index, digest) in whose.into_iter().zip(digests) {
            if let Some(entry) = entries.get_mut(index) {
                entry.digest = Some(digest);
            }
        }
        entries
    });
    (entries, done)
}

fn container(facts: &SignatureFacts, document: &Pdf<'_>) -> Container {
    let limits = document.limits();
    if facts.contents.iter().all(|octet| *octet == 0) {
        let message = "/Contents is empty: the field was prepared for a signature that was not put in";
        return Container::Unreadable(Finding::error("SIGNATURE_PLACEHOLDER", message));
    }
    let read = match &facts.sub_filter {
        SubFilter::Rfc3161 => {
            TimeStampToken::from_padded(&facts.contents, limits).map(|t| Container::Token(Box::new(t)))
        }
        SubFilter::Pkcs7Detached | SubFilter::Pkcs7Sha1 | SubFilter::CadesDetached => {
            SignedData::from_padded(&facts.contents, limits).map(Container::Cms)
        }
        SubFilter::X509RsaSha1 => {
            Ok(Container::Bare(facts.certificates.iter().filter_map(|c| Certificate::from_der(c).ok()).collect()))
        }
        SubFilter::Other(_) if facts.kind == pdf::SignatureKind::DocumentTimestamp => {
            TimeStampToken::from_padded(&facts.contents, limits).map(|t| Container::Token(Box::new(t)))
        }
        SubFilter::Other(name) => {
            let message = format!("/SubFilter {name:?} is not supported");
            return Container::Unreadable(Finding::error("SUB_FILTER_UNSUPPORTED", message));
        }
    };
    read.unwrap_or_else(|error| {
        let message = format!("/Contents cannot be read: {error}");
        Container::Unreadable(Finding::error("CONTENTS_UNREADABLE", message))
    })
}

/// The algorithm by which the covered octets are to be digested.
fn algorithm(container: &Container) -> Option<DigestAlgorithm> {
    match container {
        Container::Cms(signed) if signed.content().is_some() => Some(DigestAlgorithm::Sha1),
        Container::Cms(signed) => signed.signers().first().and_then(|s| s.digest_algorithm().ok()),
        Container::Token(token) => Some(token.imprint().algorithm()),
        Container::Bare(_) => Some(DigestAlgorithm::Sha1),
        Container::Unreadable(_) => None,
    }
}

/// The digest that the signer's message-digest must be, by the rules of the
/// `/SubFilter`, and whether the covered octets were altered under it.
fn content(entry: &Entry<'_>, signed: &SignedData) -> Result<(Option<Digest>, bool), Finding> {
    match (&entry.facts.sub_filter, signed.content()) {
        // The ranges are covered through their SHA-1 digest, which is what the CMS signs.
        (SubFilter::Pkcs7Sha1, Some(inner)) => {
            let altered = entry.digest.is_some_and(|digest| digest.octets() != inner);
            let algorithm = signed.signers().first().and_then(|s| s.digest_algorithm().ok());
            Ok((algorithm.filter(|_| entry.digest.is_some()).map(|a| a.digest(inner)), altered))
        }
        (SubFilter::Pkcs7Sha1, None) => {
            let message = "the CMS has no content, where adbe.pkcs7.sha1 wants the digest of the ranges";
            Err(Finding::error("CMS_CONTENT_MISSING", message))
        }
        // A reader that verifies the content inside would not look at the document.
        (_, Some(_)) => {
            let message = "the CMS carries content of its own, which a detached signature must not";
            Err(Finding::error("CMS_CONTENT_INSIDE", message))
        }
        (_, None) if *signed.content_type() != CONTENT_DATA => {
            let message = format!("the content type is {}, not data", signed.content_type());
            Err(Finding::error("CMS_CONTENT_TYPE", message))
        }
        (_, None) => Ok((entry.digest, false)),
    }
}

/// `adbe.x509.rsa_sha1` (ISO 32000-1 §12.8.3.2): the first certificate of `/Cert` is the signer's.
fn bare(
    entry: &Entry<'_>,
    own: &[Certificate],
    existence: &Existence,
    certificates: &Certificates<'_>,
    report: &mut SignatureReport,
) -> Result<(), Finding> {
    let algorithm = SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha1);
    let mut verified = Verified { certificate: own.first().cloned(), algorithm: Some(algorithm), decided: None };
    report.algorithm = Some(algorithm.name());
    match (&verified.certificate, &entry.digest) {
        (Some(certificate), Some(digest)) => {
            report.signer = Some(CertificateSummary::of(certificate));
            let key = certificate.public_key();
            let outcome = verify_rsa_sha1(&entry.facts.contents, key, digest, certificates.backend)
                .map_err(|error| Finding::error("CONTENTS_UNREADABLE", format!("/Contents cannot be read: {error}")))?;
            verified.take(outcome, report);
        }
        (None, _) => {
            let message = "/Cert holds no certificate that can be read";
            report.findings.push(Finding::warning("SIGNING_CERTIFICATE_MISSING", message));
        }
        (_, None) => {}
    }
    cms::claimed(entry.facts.claimed_time.as_deref().and_then(Time::parse_pdf), certificates, report);
    let what = ranges_signed(entry);
    cms::finish(verified, existence, what, certificates, report);
    Ok(())
}

fn ranges_signed(entry: &Entry<'_>) -> Signed {
    match (entry.facts.covered_ranges(), entry.digest) {
        (Some(ranges), Some(digest)) => Signed::Ranges { ranges: ranges.to_vec(), digest },
        _ => Signed::Encapsulated(Vec::new()),
    }
}

/// Structure and later changes overrule whatever cryptography and trust say.
fn settle(sound: bool, report: &mut SignatureReport) {
    if !sound {
        report.integrity = Integrity::Broken;
        report.indication = Indication::TotalFailed(Failure::FormatFailure);
    } else if !report.changes_permitted && !matches!(report.indication, Indication::TotalFailed(_)) {
        report.indication = Indication::TotalFailed(Failure::FormatFailure);
    }
    if report.integrity != Integrity::Intact {
        report.level = None;
    }
}

/// Nobody may read this as a document without signatures.
fn unreadable(error: &Error, at: Time) -> SignatureReport {
    let mut report = SignatureReport::draft("", SignatureKind::Signature, SignatureFormat::PdfPkcs7, at);
    report.indication = Indication::TotalFailed(Failure::FormatFailure);
    report.integrity = Integrity::Broken;
    let message = format!("the document's signatures cannot be read: {error}");
    report.findings.push(Finding::error("SIGNATURES_UNREADABLE", message));
    report
}

fn changes(
    facts: &SignatureFacts,
    history: &Result<History, Error>,
    places: Option<&Result<Vec<PageChange>, Error>>,
    certificates: &Certificates<'_>,
    report: &mut SignatureReport,
) {
    let clause = "ISO 32000-2 §12.8.2.2";
    match history {
        Ok(history) => {
            let changes = history.after(facts);
            let policy = certificates.policy;
            report.changes = Some(level_of(changes.level));
            let (waived, judged): (Vec<_>, Vec<_>) = changes.list.iter().partition(|c| policy.relaxes(c.rule));
            let level = judged.iter().map(|change| change.level).max().unwrap_or(ChangeLevel::None);
            report.changes_permitted = changes.permitted && policy.permits(level_of(level));
            let rules: BTreeSet<&str> = waived.iter().filter(|c| c.level > ChangeLevel::Lta).map(|c| c.rule).collect();
            for rule in rules {
                let message = "later changes are accepted because the rule against them was relaxed";
                report.findings.push(Finding::warning("CHANGES_RELAXED", message).at(rule));
            }
            report.change_list = changes.list.iter().map(change_text).collect();
            report.form_filled = changes.fills_forms();
            match places {
                None => {}
                Some(Ok(places)) => {
                    let after = places.iter().filter(|place| place.revision > facts.revision);
                    report.page_changes = Some(after.cloned().collect());
                }
                Some(Err(error)) => {
                    let message = format!("later changes cannot be placed on the pages: {error}");
                    report.findings.push(Finding::info("CHANGES_NOT_PLACED", message));
                }
            }
        }
        Err(error) => {
            report.changes = Some(Changes::Other);
            report.changes_permitted = false;
            let message = format!("later changes cannot be judged: {error}");
            report.findings.push(Finding::error("CHANGES_UNREADABLE", message));
        }
    }
    if report.changes_permitted {
        report.check("CHANGES", clause, Outcome::Passed, "");
    } else {
        let message = "the document was changed after this signature in a way that is not permitted";
        report.check("CHANGES", clause, Outcome::Failed, message);
        report.findings.push(Finding::warning("CHANGES_NOT_PERMITTED", message));
    }
}

/// What the signature dictionary alone says.
fn draft(facts: &SignatureFacts, certificates: &Certificates<'_>) -> SignatureReport {
    let (kind, format) = match (facts.kind, &facts.sub_filter) {
        (pdf::SignatureKind::DocumentTimestamp, _) => (SignatureKind::DocumentTimestamp, SignatureFormat::Rfc3161),
        (_, SubFilter::CadesDetached) => (SignatureKind::Signature, SignatureFormat::Pades),
        _ => (SignatureKind::Signature, SignatureFormat::PdfPkcs7),
    };
    let mut report = SignatureReport::draft(&facts.field_name, kind, format, certificates.at);
    report.coverage = Some(match facts.coverage {
        pdf::Coverage::WholeDocument => Coverage::WholeDocument,
        pdf::Coverage::Revision => Coverage::Revision,
        pdf::Coverage::Partial => Coverage::Partial,
    });
    for finding in &facts.findings {
        match finding.severity() {
            Severity::Warning => report.deviations.push(finding.clone()),
            _ => report.findings.push(finding.clone()),
        }
    }
    report.indication = Indication::Indeterminate(Indeterminacy::NoSigningCertificateFound);
    report
}

const fn level_of(level: ChangeLevel) -> Changes {
    match level {
        ChangeLevel::None => Changes::None,
        ChangeLevel::Lta => Changes::Lta,
        ChangeLevel::Form => Changes::Form,
        ChangeLevel::Annotation => Changes::Annotation,
        ChangeLevel::Other => Changes::Other,
    }
}

fn change_text(change: &pdf::Change) -> String {
    let object = change.object.map_or_else(|| "trailer".to_owned(), |id| format!("object {id}"));
    format!("revision {}, {object}: {} [{}]", change.revision + 1, change.reason, change.rule)
}
