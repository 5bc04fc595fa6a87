//! What a validation found, for machines and people.

use std::collections::BTreeSet;

use super::indication::Indeterminacy;
use super::indication::Indication;
use super::indication::Overall;
use crate::asn1::Oid;
use crate::fetch::Request;
use crate::finding::Finding;
use crate::level::BaselineLevel;
use crate::pdf::PageChange;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::RevocationReason;

/// `id-at-organizationName`.
const ORGANISATION: Oid = Oid::known(&[0x55, 4, 10]);
/// `id-at-title`.
const TITLE: Oid = Oid::known(&[0x55, 4, 12]);
/// `uid` (RFC 4519), where identity and tax numbers stand.
const UID: Oid = Oid::known(&[0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 0x01, 0x01]);

/// The outcome of one validation run, reproducible from what it names:
/// time, policy, trust anchors and the version of this crate.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) validation_time: Time,
    pub(super) policy_name: String,
    pub(super) policy_version: String,
    pub(super) trust: Vec<TrustSetUsed>,
    pub(super) findings: Vec<Finding>,
    pub(super) signatures: Vec<SignatureReport>,
    pub(super) evidence: Vec<SignatureReport>,
    pub(super) expectations_met: Option<bool>,
}

/// A set of trust anchors that a validation was given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustSetUsed {
    /// The set's name.
    pub name: String,
    /// SHA-256 of each anchor, in hexadecimal, sorted.
    pub anchors: Vec<String>,
}

impl Report {
    /// The version of the crate that judged.
    pub const CRATE_VERSION: &'static str = env!("CARGO_PKG_VERSION");

    /// The time for which the validation was asked.
    #[must_use]
    pub const fn validation_time(&self) -> Time {
        self.validation_time
    }

    /// The policy's name.
    #[must_use]
    pub fn policy_name(&self) -> &str {
        &self.policy_name
    }

    /// The policy's version.
    #[must_use]
    pub fn policy_version(&self) -> &str {
        &self.policy_version
    }

    /// The trust anchors that were given; empty means that nothing can pass.
    #[must_use]
    pub fn trust(&self) -> &[TrustSetUsed] {
        &self.trust
    }

    /// Findings on the document as a whole.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The signatures and document time-stamps, in document order.
    #[must_use]
    pub fn signatures(&self) -> &[SignatureReport] {
        &self.signatures
    }

    /// The time-stamps of the evidence packages that were given, the oldest first. They are proofs, and count as
    /// no signature of the document.
    #[must_use]
    pub fn evidence(&self) -> &[SignatureReport] {
        &self.evidence
    }

    /// The worst indication among the signatures, document time-stamps included.
    ///
    /// Where the caller's [expectations](super::Expectations) are not met, it is INDETERMINATE at best.
    #[must_use]
    pub fn overall(&self) -> Overall {
        let worst = self.signatures.iter().map(|s| s.indication.overall()).max().unwrap_or(Overall::NoSignature);
        match self.expectations_met {
            Some(false) if worst == Overall::TotalPassed => Overall::Indeterminate,
            _ => worst,
        }
    }

    /// Whether the signatures are those that the caller expects; `None` where nothing was expected.
    #[must_use]
    pub const fn expectations_met(&self) -> Option<bool> {
        self.expectations_met
    }

    /// Everything that could decide what is undecided, each request once.
    #[must_use]
    pub fn wanted(&self) -> Vec<&Wanted> {
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        for signature in self.signatures.iter().chain(&self.evidence) {
            signature.collect_wanted(&mut all);
        }
        // Two certificates may have the same subject and different places to ask.
        let urls = |w: &Wanted| w.requests.iter().map(|r| (r.url.clone(), r.body.clone())).collect::<Vec<_>>();
        all.retain(|w| seen.insert((w.what.name(), w.subject.clone(), urls(w))));
        all
    }
}

/// The judgement on one signature, seal or time-stamp token.
#[derive(Clone, Debug)]
pub struct SignatureReport {
    pub(super) name: String,
    pub(super) kind: SignatureKind,
    pub(super) format: SignatureFormat,
    pub(super) level: Option<BaselineLevel>,
    pub(super) level_notes: Vec<Finding>,
    pub(super) indication: Indication,
    pub(super) integrity: Integrity,
    pub(super) coverage: Option<Coverage>,
    pub(super) changes: Option<Changes>,
    pub(super) changes_permitted: bool,
    pub(super) change_list: Vec<String>,
    pub(super) form_filled: bool,
    pub(super) page_changes: Option<Vec<PageChange>>,
    pub(super) signer: Option<CertificateSummary>,
    pub(super) claimed_signing_time: Option<Time>,
    pub(super) best_signature_time: Time,
    pub(super) time_proof: TimeProof,
    pub(super) algorithm: Option<String>,
    pub(super) deviations: Vec<Finding>,
    pub(super) timestamps: Vec<Self>,
    pub(super) counter_signatures: Vec<Self>,
    pub(super) findings: Vec<Finding>,
    pub(super) wanted: Vec<Wanted>,
    pub(super) checks: Vec<Check>,
    pub(super) path: Vec<PathEntry>,
    pub(super) trust_set: Option<String>,
}

impl SignatureReport {
    /// A report on which nothing was decided yet.
    pub(super) fn draft(name: &str, kind: SignatureKind, format: SignatureFormat, at: Time) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            format,
            level: None,
            level_notes: Vec::new(),
            indication: Indication::Indeterminate(Indeterminacy::NoSigningCertificateFound),
            integrity: Integrity::Undetermined,
            coverage: None,
            changes: None,
            changes_permitted: true,
            change_list: Vec::new(),
            form_filled: false,
            page_changes: None,
            signer: None,
            claimed_signing_time: None,
            best_signature_time: at,
            time_proof: TimeProof::ValidationTime,
            algorithm: None,
            deviations: Vec::new(),
            timestamps: Vec::new(),
            counter_signatures: Vec::new(),
            findings: Vec::new(),
            wanted: Vec::new(),
            checks: Vec::new(),
            path: Vec::new(),
            trust_set: None,
        }
    }

    /// The field, element or file that holds it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A signature or some kind of time-stamp.
    #[must_use]
    pub const fn kind(&self) -> SignatureKind {
        self.kind
    }

    /// The format it claims and was held to.
    #[must_use]
    pub const fn format(&self) -> SignatureFormat {
        self.format
    }

    /// The baseline level that it reaches; `None` where it reaches none.
    #[must_use]
    pub const fn level(&self) -> Option<BaselineLevel> {
        self.level
    }

    /// Why the level is not higher.
    #[must_use]
    pub fn level_notes(&self) -> &[Finding] {
        &self.level_notes
    }

    /// The verdict.
    #[must_use]
    pub const fn indication(&self) -> &Indication {
        &self.indication
    }

    /// Digest, signature value and structure alone, apart from trust.
    #[must_use]
    pub const fn integrity(&self) -> Integrity {
        self.integrity
    }

    /// How much of the document it covers; `None` where that question does not arise.
    #[must_use]
    pub const fn coverage(&self) -> Option<Coverage> {
        self.coverage
    }

    /// The gravest change after it; `None` where that question does not arise.
    #[must_use]
    pub const fn changes(&self) -> Option<Changes> {
        self.changes
    }

    /// Whether policy, certification and locks permit every later change.
    #[must_use]
    pub const fn changes_permitted(&self) -> bool {
        self.changes_permitted
    }

    /// The later changes one by one, with the object and the rule.
    #[must_use]
    pub fn change_list(&self) -> &[String] {
        &self.change_list
    }

    /// Whether a form field other than one for a signature was filled in after it:
    /// further signatures and validation data alone leave what people read as it was.
    #[must_use]
    pub const fn form_filled(&self) -> bool {
        self.form_filled
    }

    /// The later changes that can be seen, as places on the pages, to be drawn over them; `None`
    /// where they were not [asked for](super::Validator::place_changes).
    #[must_use]
    pub fn page_changes(&self) -> Option<&[PageChange]> {
        self.page_changes.as_deref()
    }

    /// The signing certificate, once identified.
    #[must_use]
    pub const fn signer(&self) -> Option<&CertificateSummary> {
        self.signer.as_ref()
    }

    /// What the signer wrote as signing time. Proves nothing.
    #[must_use]
    pub const fn claimed_signing_time(&self) -> Option<Time> {
        self.claimed_signing_time
    }

    /// The earliest time at which it is proven to have existed; without any
    /// proof of existence that is the validation time.
    #[must_use]
    pub const fn best_signature_time(&self) -> Time {
        self.best_signature_time
    }

    /// What proves the best signature time.
    #[must_use]
    pub const fn time_proof(&self) -> &TimeProof {
        &self.time_proof
    }

    /// The signature algorithm's name, once read.
    #[must_use]
    pub fn algorithm(&self) -> Option<&str> {
        self.algorithm.as_deref()
    }

    /// Deviations from the standards that were tolerated, each by name.
    #[must_use]
    pub fn deviations(&self) -> &[Finding] {
        &self.deviations
    }

    /// The time-stamp tokens inside of it.
    #[must_use]
    pub fn timestamps(&self) -> &[Self] {
        &self.timestamps
    }

    /// The countersignatures on it. Anybody can add one, so they count for nothing here but themselves.
    #[must_use]
    pub fn counter_signatures(&self) -> &[Self] {
        &self.counter_signatures
    }

    /// What led to the verdict, and what else a reader should know.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What could turn INDETERMINATE into an answer.
    #[must_use]
    pub fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    /// Every check that was made, in order.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The certification path, signer first, with each certificate's status.
    #[must_use]
    pub fn path(&self) -> &[PathEntry] {
        &self.path
    }

    /// The name of the trust set whose anchor ends the path.
    #[must_use]
    pub fn trust_set(&self) -> Option<&str> {
        self.trust_set.as_deref()
    }

    /// The signing certificate's standing at the best signature time.
    #[must_use]
    pub fn certificate_standing(&self) -> Standing {
        let Some(signer) = &self.signer else { return Standing::Unknown };
        let at = self.best_signature_time;
        match self.path.first().map(|e| &e.status) {
            Some(CertificateStatus::Revoked { time, .. }) if *time <= at => Standing::Revoked { time: *time },
            _ if at < signer.not_before => Standing::NotYetValid,
            _ if at > signer.not_after => Standing::Expired,
            Some(CertificateStatus::Good | CertificateStatus::Revoked { .. } | CertificateStatus::Anchor) => {
                Standing::Valid
            }
            _ => Standing::Unknown,
        }
    }

    fn collect_wanted<'r>(&'r self, all: &mut Vec<&'r Wanted>) {
        all.extend(&self.wanted);
        for timestamp in &self.timestamps {
            timestamp.collect_wanted(all);
        }
    }
}

macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant),* }

        impl $name {
            /// The name in reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

named! {
    /// What a signature report speaks of.
    #[non_exhaustive]
    SignatureKind {
        /// A signature or a seal.
        Signature = "signature",
        /// A signature over the signature value of another signer.
        CounterSignature = "counter-signature",
        /// A time-stamp over a whole document.
        DocumentTimestamp = "document-timestamp",
        /// A time-stamp over a signature value.
        SignatureTimestamp = "signature-timestamp",
        /// A time-stamp over the content, made before the signature.
        ContentTimestamp = "content-timestamp",
        /// A time-stamp over a signature with its validation data.
        ArchiveTimestamp = "archive-timestamp",
        /// A time-stamp over an evidence package.
        EvidenceTimestamp = "evidence-timestamp",
        /// A time-stamp token on its own.
        Timestamp = "timestamp",
    }
}

named! {
    /// The format that a signature claims.
    #[non_exhaustive]
    SignatureFormat {
        /// EN 319 142.
        Pades = "PAdES",
        /// A PDF signature by ISO 32000 alone.
        PdfPkcs7 = "PDF-PKCS7",
        /// EN 319 122.
        Cades = "CAdES",
        /// RFC 5652 alone.
        Cms = "CMS",
        /// EN 319 132.
        Xades = "XAdES",
        /// XML signature alone.
        XmlDsig = "XMLDSig",
        /// A time-stamp token.
        Rfc3161 = "RFC3161",
    }
}

named! {
    /// Digest, signature value and structure, apart from trust.
    #[allow(clippy::exhaustive_enums)] // complete
    Integrity {
        /// All hold.
        Intact = "intact",
        /// One does not hold.
        Broken = "broken",
        /// One could not be checked.
        Undetermined = "undetermined",
    }
}

named! {
    /// How much of a document a signature covers.
    #[non_exhaustive]
    Coverage {
        /// Every octet but the signature itself.
        WholeDocument = "whole-document",
        /// One revision whole; later revisions follow.
        Revision = "revision",
        /// Less than a revision, or octets follow that are no revision.
        Partial = "partial",
    }
}

named! {
    /// The gravest change after a signature, in ascending order.
    #[non_exhaustive]
    Changes {
        /// Nothing was added.
        None = "none",
        /// Validation data, time-stamps, further signatures.
        Lta = "lta",
        /// Form fields were filled in.
        Form = "form",
        /// Annotations were added or changed.
        Annotation = "annotation",
        /// Anything else.
        Other = "other",
    }
}

named! {
    /// How a check ended.
    #[allow(clippy::exhaustive_enums)] // complete
    Outcome {
        /// It holds.
        Passed = "passed",
        /// It does not hold.
        Failed = "failed",
        /// It could not be decided.
        Undetermined = "undetermined",
        /// It was not made: an earlier one had decided, or the policy says so.
        Skipped = "skipped",
    }
}

/// One check: what, by which clause, how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// A stable name.
    pub id: &'static str,
    /// The clause that demands it.
    pub clause: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// Particulars, in English; empty where there are none.
    pub detail: String,
}

/// A certificate as a report names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateSummary {
    /// Subject, RFC 4514 text.
    pub subject: String,
    /// The subject's common name, for people.
    pub subject_name: String,
    /// The subject's organisation.
    pub subject_organisation: Option<String>,
    /// The subject's title.
    pub subject_title: Option<String>,
    /// The subject's `uid`: in Vietnam the number of an identity card or a tax number.
    /// It is personal data.
    pub subject_identifier: Option<String>,
    /// Issuer, RFC 4514 text.
    pub issuer: String,
    /// The issuer's common name, for people.
    pub issuer_name: String,
    /// The issuer's organisation: the body that manages the certificate.
    pub issuer_organisation: Option<String>,
    /// Serial number, hexadecimal.
    pub serial: String,
    /// SHA-256 of the certificate, hexadecimal.
    pub sha256: String,
    /// Start of validity.
    pub not_before: Time,
    /// End of validity.
    pub not_after: Time,
}

impl CertificateSummary {
    pub(super) fn of(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject().to_string(),
            subject_name: certificate.subject().display_name(),
            subject_organisation: certificate.subject().attribute(&ORGANISATION),
            subject_title: certificate.subject().attribute(&TITLE),
            subject_identifier: certificate.subject().attribute(&UID),
            issuer: certificate.issuer().to_string(),
            issuer_name: certificate.issuer().display_name(),
            issuer_organisation: certificate.issuer().attribute(&ORGANISATION),
            serial: certificate.serial().to_string(),
            sha256: certificate.sha256().to_hex(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
        }
    }
}

/// One certificate of a path, with its revocation status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathEntry {
    /// The certificate.
    pub certificate: CertificateSummary,
    /// Its status at the time for which the path was judged.
    pub status: CertificateStatus,
    /// The CRL or OCSP response that says so.
    pub evidence: Option<EvidenceUsed>,
}

/// The revocation status of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateStatus {
    /// A trust anchor: trusted by statement, not by status.
    Anchor,
    /// Not revoked at the time in question.
    Good,
    /// Revoked, now or later than the time in question.
    Revoked {
        /// Since when.
        time: Time,
        /// Why, where stated.
        reason: Option<RevocationReason>,
    },
    /// Nothing at hand tells. Never to be read as good.
    Unknown,
    /// The policy said not to ask.
    Unchecked,
}

impl CertificateStatus {
    /// The name in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::Good => "good",
            Self::Revoked { .. } => "revoked",
            Self::Unknown => "unknown",
            Self::Unchecked => "unchecked",
        }
    }
}

/// A CRL or an OCSP response that decided a status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EvidenceUsed {
    /// `crl` or `ocsp`.
    pub kind: &'static str,
    /// Who issued it.
    pub issuer: String,
    /// `thisUpdate`.
    pub this_update: Time,
    /// `nextUpdate`, where present.
    pub next_update: Option<Time>,
    /// SHA-256 of its octets, hexadecimal.
    pub sha256: String,
}

/// What proves the best signature time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeProof {
    /// Nothing: the signature exists now, at the validation time.
    ValidationTime,
    /// A validated time-stamp over the signature.
    SignatureTimestamp {
        /// The time-stamping authority.
        tsa: String,
    },
    /// A validated document time-stamp that covers it.
    DocumentTimestamp {
        /// The field that holds it.
        name: String,
        /// The time-stamping authority.
        tsa: String,
    },
    /// A validated archive time-stamp over the signature.
    ArchiveTimestamp {
        /// The time-stamping authority.
        tsa: String,
    },
    /// A validated time-stamp over an evidence package on the document.
    EvidencePackage {
        /// The time-stamping authority.
        tsa: String,
    },
    /// The caller stated it.
    Stated,
    /// The token's own genTime, in the report on a time-stamp.
    GenTime,
}

impl TimeProof {
    /// The name in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ValidationTime => "validation-time",
            Self::SignatureTimestamp { .. } => "signature-timestamp",
            Self::DocumentTimestamp { .. } => "document-timestamp",
            Self::ArchiveTimestamp { .. } => "archive-timestamp",
            Self::EvidencePackage { .. } => "evidence-package",
            Self::Stated => "stated",
            Self::GenTime => "gen-time",
        }
    }
}

/// How the signing certificate stood at the best signature time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// Inside its validity and not revoked.
    Valid,
    /// Its validity had not begun.
    NotYetValid,
    /// Its validity had ended.
    Expired,
    /// It was revoked.
    Revoked {
        /// Since when.
        time: Time,
    },
    /// Its status is not known.
    Unknown,
}

/// Something that could decide what is undecided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wanted {
    /// What is missing.
    pub what: WantedKind,
    /// For which certificate or file.
    pub subject: String,
    /// Requests that could bring it; empty where no address is known.
    pub requests: Vec<Request>,
    /// Not before this time, where waiting is what helps.
    pub not_before: Option<Time>,
}

named! {
    /// What kind of thing is missing.
    #[non_exhaustive]
    WantedKind {
        /// The status of a certificate.
        Revocation = "revocation",
        /// The certificate of an issuer.
        IssuerCertificate = "issuer-certificate",
        /// A trust anchor.
        TrustAnchor = "trust-anchor",
        /// The signing certificate.
        SigningCertificate = "signing-certificate",
        /// The signed content.
        Content = "content",
        /// A proof that the signature existed earlier.
        ProofOfExistence = "proof-of-existence",
    }
}
