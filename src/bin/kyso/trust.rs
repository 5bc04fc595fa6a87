//! Trust, evidence, time and policy from the command line.

use std::path::PathBuf;
use std::time::Duration;

use kyso::Limits;
use kyso::Time;
use kyso::evidence::EvidencePackage;
use kyso::fetch::Purpose;
use kyso::revocation::Evidence;
use kyso::revocation::RevocationRules;
use kyso::trust::TrustAnchors;
use kyso::validate::Expectations;
use kyso::validate::Policy;
use kyso::validate::RevocationDemand;
use kyso::x509::Certificate;

use crate::args::TrustArgs;
use crate::exit::Exit;
use crate::exit::Stop;
use crate::input;

/// What every validating command is given.
pub(crate) struct Given {
    pub(crate) anchors: TrustAnchors,
    /// Intermediates, CRLs, OCSP responses.
    pub(crate) evidence: Evidence,
    /// What was gathered at receipt; its contents are in the evidence too.
    pub(crate) package: Option<EvidencePackage>,
    pub(crate) at: Time,
    pub(crate) policy: Policy,
    /// What is known of a document's signatures beforehand.
    pub(crate) expectations: Expectations,
}

impl Given {
    /// The rules by which evidence of a status counts under the policy.
    pub(crate) fn rules(&self) -> RevocationRules {
        let mut rules = RevocationRules::default();
        rules.max_age = self.policy.max_revocation_age.map(Duration::from_secs);
        rules
    }

    /// Whether the policy asks for the status of certificates.
    pub(crate) fn asks_status(&self) -> bool {
        self.policy.revocation != RevocationDemand::Unchecked
    }
}

/// Reads anchors, evidence, time and policy.
pub(crate) fn given(args: &TrustArgs) -> Result<Given, Stop> {
    if args.online && args.no_revocation {
        return Err(Stop::usage("--online asks for what --no-revocation does without: give one of them"));
    }
    let mut anchors = TrustAnchors::none();
    for path in &args.trust {
        // One set a path, so that the report tells under which of them a signature passed.
        let set = kyso::files::read_trust_set(path, path.display().to_string())?;
        anchors.add_set(set);
    }
    let at = match &args.at {
        Some(text) => Time::parse_rfc3339(text).map_err(|e| Stop::usage(format!("--at: {e}")))?,
        None => input::now()?,
    };
    let mut policy = match &args.policy {
        Some(path) => {
            let octets = input::read(path)?;
            let text = String::from_utf8(octets).map_err(|_| {
                let message = format!("{}: expected a policy as JSON in UTF-8", path.display());
                Stop { exit: Exit::Input, message }
            })?;
            Policy::from_json(&text).map_err(|e| Stop::from(e).of_file(path))?
        }
        None => Policy::etsi(),
    };
    if args.no_revocation {
        policy = policy.without_revocation();
    }
    let mut evidence = evidence(args)?;
    let package = args.evidence.as_deref().map(package).transpose()?;
    if let Some(package) = &package {
        evidence.add_all(package.gathered());
    }
    Ok(Given { anchors, evidence, package, at, policy, expectations: Expectations::new() })
}

fn evidence(args: &TrustArgs) -> Result<Evidence, Stop> {
    let mut evidence = Evidence::new();
    for path in &args.intermediate {
        let all = certificates(path)?.into_iter().flat_map(|(_, c)| c);
        all.for_each(|c| evidence.add_certificate(c));
    }
    for (paths, purpose) in [(&args.crl, Purpose::Crl), (&args.ocsp, Purpose::Ocsp)] {
        for path in paths {
            for file in input::files(path)? {
                evidence.accept(purpose, &input::read(&file)?).map_err(|e| Stop::from(e).of_file(&file))?;
            }
        }
    }
    Ok(evidence)
}

fn package(path: &std::path::Path) -> Result<EvidencePackage, Stop> {
    EvidencePackage::from_octets(&input::read(path)?, &Limits::default()).map_err(|e| Stop::from(e).of_file(path))
}

/// The certificates of a file, or of every file of a folder.
pub(crate) fn certificates(path: &std::path::Path) -> Result<Vec<(PathBuf, Vec<Certificate>)>, Stop> {
    let mut all = Vec::new();
    for file in input::files(path)? {
        let octets = input::read(&file)?;
        let certificates = Certificate::all_from_file(&octets).map_err(|e| Stop::from(e).of_file(&file))?;
        all.push((file, certificates));
    }
    Ok(all)
}

/// The one certificate of a file.
pub(crate) fn certificate(path: &std::path::Path) -> Result<Certificate, Stop> {
    let octets = input::read(path)?;
    let certificates = Certificate::all_from_file(&octets).map_err(|e| Stop::from(e).of_file(path))?;
    certificates.into_iter().next().ok_or_else(|| Stop {
        exit: Exit::Input,
        message: format!("{}: expected a certificate, found none", path.display()),
    })
}
