//! A court: what an attack must meet there, and what an honest document.
#![allow(unreachable_pub, dead_code, missing_docs, clippy::unwrap_used)]

use kyso::Limits;
use kyso::cms::SignedData;
use kyso::pdf::Pdf;
use kyso::pdf::Source;
use kyso::revocation::Evidence;
use kyso::trust::TrustAnchors;
use kyso::validate::Expectations;
use kyso::validate::Overall;
use kyso::validate::Policy;
use kyso::validate::Report;
use kyso::validate::SignatureReport;
use kyso::validate::Validator;

use super::ca::at;
use super::office::Office;
use super::office::Plan;

pub const SIGNED: &str = "2026-11-23T01:00:00Z";
pub const STAMPED: &str = "2026-11-23T01:00:05Z";
pub const TODAY: &str = "2026-11-23T02:00:00Z";

pub struct Court {
    pub office: Office,
    anchors: TrustAnchors,
    evidence: Evidence,
    policy: Policy,
}

impl Court {
    pub fn open() -> Self {
        let office = Plan::new().open();
        let (anchors, evidence) = (office.anchors(), office.crls("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"));
        Self { office, anchors, evidence, policy: Policy::etsi() }
    }

    /// `Err` where the document is not even read.
    pub fn judge_by(&self, policy: &Policy, document: &[u8]) -> Result<Report, String> {
        let pdf = Pdf::parse(document, &Limits::default()).map_err(|error| error.to_string())?;
        Ok(Validator::new(policy, &self.anchors, at(TODAY)).evidence(&self.evidence).pdf(&pdf))
    }

    pub fn judge(&self, document: &[u8]) -> Result<Report, String> {
        self.judge_by(&self.policy, document)
    }

    pub fn judge_pdf(&self, pdf: &Pdf<'_>) -> Report {
        Validator::new(&self.policy, &self.anchors, at(TODAY)).evidence(&self.evidence).pdf(pdf)
    }

    pub fn judge_expecting(&self, document: &[u8], expectations: &Expectations) -> Report {
        let pdf = Pdf::parse(document, &Limits::default()).unwrap();
        let validator = Validator::new(&self.policy, &self.anchors, at(TODAY)).evidence(&self.evidence);
        validator.expect(expectations).pdf(&pdf)
    }

    /// With the places of changes on the pages.
    pub fn judge_placing(&self, document: &[u8]) -> Report {
        let pdf = Pdf::parse(document, &Limits::default()).unwrap();
        let validator = Validator::new(&self.policy, &self.anchors, at(TODAY)).evidence(&self.evidence);
        validator.place_changes().pdf(&pdf)
    }

    pub fn judge_cms(&self, signed: &SignedData, content: Option<&Vec<u8>>) -> Report {
        let validator = Validator::new(&self.policy, &self.anchors, at(TODAY)).evidence(&self.evidence);
        validator.cms(signed, content.map(|content| content as &dyn Source))
    }

    /// Refused, and for the reason that `marker` is a part of.
    #[track_caller]
    pub fn refuses(&self, document: &[u8], name: &str, marker: &str) {
        self.refuses_by(&self.policy, document, name, marker);
    }

    #[track_caller]
    pub fn refuses_by(&self, policy: &Policy, document: &[u8], name: &str, marker: &str) {
        let (overall, said) = match self.judge_by(policy, document) {
            Ok(report) => (report.overall(), all(&report)),
            Err(error) => (Overall::TotalFailed, vec![error]),
        };
        keep(name, document);
        assert!(overall != Overall::TotalPassed && overall != Overall::NoSignature, "{name} passes: {said:#?}");
        assert!(said.iter().any(|line| line.contains(marker)), "{name}: no {marker:?} in {said:#?}");
    }

    #[track_caller]
    pub fn passes(&self, document: &[u8], name: &str) -> Report {
        self.passes_by(&self.policy, document, name)
    }

    #[track_caller]
    pub fn passes_by(&self, policy: &Policy, document: &[u8], name: &str) -> Report {
        let report = self.judge_by(policy, document).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(report.overall(), Overall::TotalPassed, "{name}: {:#?}", all(&report));
        report
    }
}

/// Everything that a report gives as a reason: indications, findings, changes.
pub fn all(report: &Report) -> Vec<String> {
    let of = |signature: &SignatureReport| {
        let indication = signature.indication();
        let mut lines = vec![indication.sub_indication().unwrap_or_else(|| indication.name()).to_owned()];
        lines.extend(signature.findings().iter().map(|f| format!("{}: {}", f.code(), f.message())));
        lines.extend(signature.change_list().iter().cloned());
        lines
    };
    let mut lines: Vec<String> = report.signatures().iter().flat_map(of).collect();
    lines.extend(report.signatures().iter().flat_map(SignatureReport::timestamps).flat_map(of));
    lines
}

/// Attacks are written into the folder that `KYSO_ATTACKS` names, for a look with other readers.
fn keep(name: &str, document: &[u8]) {
    let Some(folder) = std::env::var_os("KYSO_ATTACKS") else { return };
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(std::path::Path::new(&folder).join(format!("{name}.pdf")), document).unwrap();
}
