//! `kyso cert verify`: one certificate, its path and its status.

use serde_json::Value;
use serde_json::json;

use kyso::Finding;
use kyso::asn1::Oid;
use kyso::path::Path;
use kyso::path::PathBuilder;
use kyso::path::PathFailure;
use kyso::path::PathReason;
use kyso::path::PathSettings;
use kyso::revocation::CertificateRevocation;
use kyso::revocation::Check;
use kyso::revocation::PathRevocation;
use kyso::revocation::RevocationStatus;
use kyso::validate::Failure;
use kyso::validate::Indeterminacy;
use kyso::validate::Language;
use kyso::x509::Certificate;
use kyso::x509::KeyPurpose;

use crate::args::CertVerifyArgs;
use crate::args::Lang;
use crate::arithmetic;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::network;
use crate::network::Search;
use crate::print;
use crate::trust;
use crate::trust::Given;

/// Paths that are judged before the best of them counts.
const MOST_PATHS: usize = 8;
/// Issuer certificates that are fetched one above the other.
const MOST_ROUNDS: usize = 8;

/// What was found of the certificate at the time asked for.
///
/// The question is on the certificate at that time and not on a signature,
/// so that expiry and revocation decide it: no proof of an earlier time can help.
enum Verdict {
    Passed,
    Failed(Failure),
    Indeterminate(Indeterminacy),
}

struct Judged {
    verdict: Verdict,
    reason: String,
    path: Vec<String>,
    policies: Vec<String>,
    revocation: Vec<CertificateRevocation>,
    findings: Vec<Finding>,
}

impl Verdict {
    const fn name(&self) -> &'static str {
        match self {
            Self::Passed => "TOTAL-PASSED",
            Self::Failed(_) => "TOTAL-FAILED",
            Self::Indeterminate(_) => "INDETERMINATE",
        }
    }

    const fn sub_indication(&self) -> Option<&'static str> {
        match self {
            Self::Passed => None,
            Self::Failed(failure) => Some(failure.name()),
            Self::Indeterminate(why) => Some(why.name()),
        }
    }

    /// Whether this one tells more than another.
    const fn rank(&self) -> u8 {
        match self {
            Self::Passed => 2,
            Self::Failed(_) => 1,
            Self::Indeterminate(_) => 0,
        }
    }
}

/// `kyso cert verify`.
pub(crate) fn verify(args: &CertVerifyArgs, lang: Lang) -> Outcome {
    let mut given = trust::given(&args.trust)?;
    let settings = settings(args)?;
    let certificate = trust::certificate(&args.cert)?;
    // A file with the certificate and its chain.
    for other in trust::certificates(&args.cert)?.into_iter().flat_map(|(_, all)| all) {
        given.evidence.add_certificate(other);
    }
    let judged = seek(&certificate, &settings, &mut given, args.trust.online)?;
    show(&judged, &certificate, args.json, lang)?;
    Ok(match judged.verdict {
        Verdict::Passed => Exit::Done,
        Verdict::Failed(_) => Exit::Failed,
        Verdict::Indeterminate(_) => Exit::Indeterminate,
    })
}

fn settings(args: &CertVerifyArgs) -> Result<PathSettings, Stop> {
    let oid = |option: &str, text: &String| {
        Oid::parse(text).ok_or_else(|| Stop::usage(format!("{option} {text}: expected an object identifier")))
    };
    let mut settings = PathSettings::default();
    for text in &args.eku {
        settings.purposes.push(KeyPurpose(oid("--eku", text)?));
    }
    if !args.policy_oid.is_empty() {
        let policies: Result<Vec<Oid>, Stop> = args.policy_oid.iter().map(|text| oid("--policy-oid", text)).collect();
        settings.initial_policies = Some(policies?);
    }
    settings.explicit_policy = args.explicit_policy;
    settings.inhibit_mapping = args.inhibit_mapping;
    settings.inhibit_any_policy = args.inhibit_any;
    Ok(settings)
}

/// Builds paths, on the network also through issuers that have to be fetched, and judges them.
fn seek(leaf: &Certificate, settings: &PathSettings, given: &mut Given, online: bool) -> Result<Judged, Stop> {
    let mut search = online.then(Search::new).transpose()?;
    for _ in 0..MOST_ROUNDS {
        match judge(leaf, settings, given, online)? {
            Ok(judged) => return Ok(judged),
            Err(failure) => {
                let search = search.as_mut();
                if !search.is_some_and(|search| search.fetch_into(&mut given.evidence, failure.wanted())) {
                    return Ok(without_path(&failure));
                }
            }
        }
    }
    Ok(judge(leaf, settings, given, online)?.unwrap_or_else(|failure| without_path(&failure)))
}

fn judge(
    leaf: &Certificate,
    settings: &PathSettings,
    given: &Given,
    online: bool,
) -> Result<Result<Judged, PathFailure>, Stop> {
    let builder = PathBuilder::new(&given.anchors, given.at)
        .backend(arithmetic::backend())
        .intermediates(given.evidence.certificates())
        .settings(settings.clone());
    let mut paths = builder.paths(leaf);
    let mut best: Option<Judged> = None;
    for path in paths.by_ref().take(MOST_PATHS) {
        let judged = judge_path(&path, given, online)?;
        if best.as_ref().is_none_or(|best| judged.verdict.rank() > best.verdict.rank()) {
            best = Some(judged);
        }
        if best.as_ref().is_some_and(|best| matches!(best.verdict, Verdict::Passed)) {
            break;
        }
    }
    Ok(best.ok_or_else(|| paths.into_failure()))
}

fn judge_path(path: &Path, given: &Given, online: bool) -> Result<Judged, Stop> {
    let mut findings = Vec::new();
    let mut facts = path.signatures().to_vec();
    let mut revocation = Vec::new();
    let mut verdict = Verdict::Passed;
    let mut reason = String::new();
    if given.asks_status() {
        let check = Check::new(path, &given.rules(), given.at).evidence(&given.evidence).backend(arithmetic::backend());
        let check = if online { check.nonce(network::nonce::<32>()?) } else { check };
        let checked = network::drive(check, online)?;
        if let Some((worst, why)) = status(&checked.revocation) {
            (verdict, reason) = (worst, why);
            findings.extend(checked.findings);
        }
        facts.extend(checked.revocation.certificates().iter().flat_map(CertificateRevocation::signatures));
        revocation = checked.revocation.certificates().to_vec();
    }
    let weak: Vec<Finding> = facts.iter().filter_map(|f| given.policy.algorithm_finding(f, given.at)).collect();
    if let (Verdict::Passed, Some(first)) = (&verdict, weak.first()) {
        verdict = Verdict::Indeterminate(Indeterminacy::CryptoConstraintsFailure);
        reason = first.message().to_owned();
    }
    for finding in weak {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    let above = path.anchor().certificate().filter(|anchor| path.certificates().last() != Some(anchor));
    let anchor = above.map_or_else(|| path.anchor().name().to_string(), |c| c.subject().to_string());
    let mut subjects: Vec<String> = path.certificates().iter().map(|c| c.subject().to_string()).collect();
    if subjects.last() != Some(&anchor) {
        subjects.push(anchor);
    }
    Ok(Judged {
        verdict,
        reason,
        path: subjects,
        policies: path.policies().user_constrained.iter().map(|p| p.policy.to_string()).collect(),
        revocation,
        findings,
    })
}

/// The status that decides, unless all is good.
fn status(revocation: &PathRevocation) -> Option<(Verdict, String)> {
    let deciding = revocation.deciding()?;
    let verdict = match &deciding.status {
        RevocationStatus::Good(_) => return None,
        RevocationStatus::Revoked(_) => Verdict::Failed(Failure::Revoked),
        _ => Verdict::Indeterminate(Indeterminacy::TryLater),
    };
    Some((verdict, format!("{}: {}", deciding.certificate.subject(), deciding.status)))
}

fn without_path(failure: &PathFailure) -> Judged {
    let verdict = match failure.reason() {
        PathReason::Expired => Verdict::Failed(Failure::Expired),
        PathReason::NotYetValid => Verdict::Failed(Failure::NotYetValid),
        PathReason::NoAnchor => Verdict::Indeterminate(Indeterminacy::NoCertificateChainFound),
        PathReason::KeyUsage
        | PathReason::ExtendedKeyUsage
        | PathReason::Policy
        | PathReason::PathLength
        | PathReason::NameConstraints
        | PathReason::AnchorConstraints => Verdict::Indeterminate(Indeterminacy::ChainConstraintsFailure),
        _ => Verdict::Indeterminate(Indeterminacy::CertificateChainGeneralFailure),
    };
    Judged {
        verdict,
        reason: failure.to_string(),
        path: failure.certificates().iter().map(|c| c.subject().to_string()).collect(),
        policies: Vec::new(),
        revocation: Vec::new(),
        findings: Vec::new(),
    }
}

fn revocation(judged: &CertificateRevocation) -> Value {
    let (since, why) = match &judged.status {
        RevocationStatus::Revoked(r) => (Some(r.time.to_rfc3339(0)), r.reason.map(|r| r.name())),
        _ => (None, None),
    };
    json!({
        "subject": judged.certificate.subject().to_string(),
        "serial": judged.certificate.serial().to_string(),
        "status": judged.status.name(),
        "revocation_time": since,
        "revocation_reason": why,
        "detail": judged.status.unknown().map(|unknown| unknown.detail.as_str()),
        "wanted": judged.status.unknown().map(|u| u.wanted.iter().map(|r| r.url.as_str()).collect::<Vec<_>>()),
        "evidence": judged.evidence.iter().map(|used| json!({
            "kind": used.source.kind(),
            "issuer": used.source.issuer(),
            "this_update": used.this_update.to_rfc3339(0),
            "next_update": used.next_update.map(|t| t.to_rfc3339(0)),
            "sha256": used.source.sha256().to_hex(),
        })).collect::<Vec<_>>(),
    })
}

fn show(judged: &Judged, certificate: &Certificate, as_json: bool, lang: Lang) -> Result<(), Stop> {
    let reason = Some(&judged.reason).filter(|reason| !reason.is_empty());
    if as_json {
        return print::json(&json!({
            "indication": judged.verdict.name(),
            "sub_indication": judged.verdict.sub_indication(),
            "reason": reason,
            "path": judged.path,
            "policies": judged.policies,
            "revocation": judged.revocation.iter().map(revocation).collect::<Vec<_>>(),
            "findings": judged.findings.iter().map(print::finding).collect::<Vec<_>>(),
        }));
    }
    let vi = lang == Lang::Vi;
    let pick = |in_vi: &'static str, in_en: &'static str| if vi { in_vi } else { in_en };
    let language = Language::from(lang);
    let word = match &judged.verdict {
        Verdict::Passed => pick("HỢP LỆ", "VALID").to_owned(),
        Verdict::Failed(failure) => {
            let why = match failure {
                Failure::Expired => pick("chứng thư số đã hết hạn", "the certificate has expired"),
                Failure::NotYetValid => pick("chứng thư số chưa có hiệu lực", "the certificate is not yet valid"),
                Failure::Revoked => pick("chứng thư số đã bị thu hồi", "the certificate is revoked"),
                other => language.failure(*other),
            };
            format!("{}: {why} [{}]", pick("KHÔNG HỢP LỆ", "NOT VALID"), failure.name())
        }
        Verdict::Indeterminate(why) => {
            let word = pick("CHƯA XÁC ĐỊNH ĐƯỢC", "NOT DECIDED");
            format!("{word}: {} [{}]", language.indeterminacy(*why), why.name())
        }
    };
    let mut lines = vec![format!("{}: {word}", certificate.subject())];
    lines.extend(reason.cloned());
    for (index, subject) in judged.path.iter().enumerate() {
        let status = judged.revocation.get(index).map_or(String::new(), |judged| format!(": {}", judged.status));
        lines.push(format!("{:indent$}- {subject}{status}", "", indent = 2 * index));
    }
    lines.extend(judged.findings.iter().map(|finding| format!("* {}", language.finding(finding))));
    print::text(&lines.join("\n"))
}
