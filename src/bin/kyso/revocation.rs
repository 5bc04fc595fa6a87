//! `kyso revocation check`: one CRL or OCSP response on its own.

use serde_json::json;

use kyso::Finding;
use kyso::Time;
use kyso::revocation::EvidenceJudgement;
use kyso::revocation::RevocationStatus;
use kyso::revocation::Stated;
use kyso::revocation::Surroundings;
use kyso::revocation::judge_crl;
use kyso::revocation::judge_ocsp;
use kyso::validate::Language;
use kyso::x509::Certificate;
use kyso::x509::Crl;
use kyso::x509::ocsp::OcspResponse;

use crate::args::Lang;
use crate::args::RevocationCheckArgs;
use crate::arithmetic;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::input;
use crate::network::Search;
use crate::print;
use crate::trust;
use crate::trust::Given;

/// Rounds of asking for the status of whoever signed the evidence.
const MOST_ROUNDS: usize = 4;

enum Piece {
    Crl(Box<Crl>),
    Ocsp(Box<OcspResponse>),
}

/// The judgement with what the policy says of the algorithm.
struct Verdict {
    judged: EvidenceJudgement,
    algorithm_ok: bool,
    status: &'static str,
    findings: Vec<Finding>,
}

/// `kyso revocation check`.
pub(crate) fn check(args: &RevocationCheckArgs, lang: Lang) -> Outcome {
    if args.trust.no_revocation {
        return Err(Stop::usage("--no-revocation: there is nothing else to check here"));
    }
    let mut given = trust::given(&args.trust)?;
    let piece = read(&input::read(&args.file)?).map_err(|e| Stop::from(e).of_file(&args.file))?;
    let issuer = trust::certificate(&args.issuer)?;
    let certificate = args.cert.as_deref().map(trust::certificate).transpose()?;
    let judge = |given: &Given| judge(&piece, &issuer, certificate.as_ref(), given);
    let mut verdict = judge(&given).map_err(|e| Stop::from(e).of_file(&args.file))?;
    if args.trust.online {
        let mut search = Search::new()?;
        for _ in 0..MOST_ROUNDS {
            let wanted = verdict.judged.status.unknown().map(|unknown| unknown.wanted.clone()).unwrap_or_default();
            if !search.fetch_into(&mut given.evidence, &wanted) {
                break;
            }
            verdict = judge(&given).map_err(|e| Stop::from(e).of_file(&args.file))?;
        }
    }
    show(&verdict, args.json, lang)?;
    Ok(match verdict.status {
        "good" => Exit::Done,
        "revoked" => Exit::Failed,
        _ => Exit::Indeterminate,
    })
}

/// The first element tells them apart: a response begins with its status, a CRL with what is signed.
fn read(octets: &[u8]) -> Result<Piece, kyso::Error> {
    match Crl::from_file(octets) {
        Ok(crl) => Ok(Piece::Crl(Box::new(crl))),
        Err(crl_error) => match OcspResponse::from_der(octets) {
            Ok(response) => Ok(Piece::Ocsp(Box::new(response))),
            Err(ocsp_error) if begins_with_status(octets) => Err(ocsp_error),
            Err(_) => Err(crl_error),
        },
    }
}

fn begins_with_status(octets: &[u8]) -> bool {
    let long = octets.get(1).map_or(0, |length| if length & 0x80 == 0 { 0 } else { usize::from(length & 0x7F) });
    octets.get(2 + long) == Some(&0x0A)
}

fn judge(
    piece: &Piece,
    issuer: &Certificate,
    certificate: Option<&Certificate>,
    given: &Given,
) -> Result<Verdict, kyso::Error> {
    let rules = given.rules();
    let around = Surroundings::new(&given.anchors, &given.evidence, &rules, given.at).backend(arithmetic::backend());
    let judged = match piece {
        Piece::Crl(crl) => judge_crl(crl, issuer, certificate, &around)?,
        Piece::Ocsp(response) => judge_ocsp(response, issuer, certificate, &around)?,
    };
    let mut findings = judged.findings.clone();
    let own = judged.signature.iter();
    let of_path = judged.signer.iter().flat_map(|path| path.signatures());
    let faults: Vec<Finding> =
        own.chain(of_path).filter_map(|fact| given.policy.algorithm_finding(fact, given.at)).collect();
    let algorithm_ok = judged.signature.is_some() && faults.is_empty();
    // A revocation is believed rather than doubted; a good status is not.
    let status = match &judged.status {
        RevocationStatus::Good(_) if !algorithm_ok => "unknown",
        status => status.name(),
    };
    findings.extend(faults);
    Ok(Verdict { judged, algorithm_ok, status, findings })
}

fn show(verdict: &Verdict, as_json: bool, lang: Lang) -> Result<(), Stop> {
    let Verdict { judged, algorithm_ok, status, findings } = verdict;
    let time = |time: Option<Time>| time.map(|t| t.to_rfc3339(0));
    let revocation = match (&judged.status, &judged.stated) {
        (RevocationStatus::Revoked(revocation), _) | (_, Stated::Revoked(revocation)) => Some(revocation),
        _ => None,
    };
    let stated = match judged.stated {
        Stated::Good => Some("good"),
        Stated::Revoked(_) => Some("revoked"),
        _ => None,
    };
    if as_json {
        return print::json(&json!({
            "authentic": judged.authentic,
            "responder_authorised": judged.signer_entitled,
            "status": status,
            "stated": stated,
            "fresh": judged.fresh,
            "algorithm_ok": algorithm_ok,
            "this_update": time(judged.this_update),
            "next_update": time(judged.next_update),
            "revocation_time": revocation.map(|r| r.time.to_rfc3339(0)),
            "revocation_reason": revocation.and_then(|r| r.reason).map(|r| r.name()),
            "findings": findings.iter().map(print::finding).collect::<Vec<_>>(),
        }));
    }
    let vi = lang == Lang::Vi;
    let pick = |in_vi: &'static str, in_en: &'static str| if vi { in_vi } else { in_en };
    let yes_no = |yes: bool| if yes { pick("có", "yes") } else { pick("KHÔNG", "NO") };
    let word = match *status {
        "good" => pick("còn hiệu lực", "good"),
        "revoked" => pick("ĐÃ BỊ THU HỒI", "REVOKED"),
        _ => pick("CHƯA XÁC ĐỊNH ĐƯỢC", "NOT DECIDED"),
    };
    let local = |t: Time| t.to_rfc3339(if vi { 7 * 60 } else { 0 });
    let mut lines = vec![format!("{}: {word}", pick("Tình trạng", "Status"))];
    lines.extend(revocation.map(|r| format!("{}: {}", pick("Thu hồi từ", "Revoked since"), local(r.time))));
    lines.push(format!("{}: {}", pick("Chữ ký đúng", "Authentic"), yes_no(judged.authentic)));
    lines.push(format!("{}: {}", pick("Bên ký có thẩm quyền", "Signer entitled"), yes_no(judged.signer_entitled)));
    lines.push(format!("{}: {}", pick("Còn mới", "Fresh"), yes_no(judged.fresh)));
    lines.push(format!("{}: {}", pick("Thuật toán được chấp nhận", "Algorithm acceptable"), yes_no(*algorithm_ok)));
    let updates = [("thisUpdate", judged.this_update), ("nextUpdate", judged.next_update)];
    lines.extend(updates.into_iter().filter_map(|(name, t)| t.map(|t| format!("{name}: {}", local(t)))));
    lines.extend(findings.iter().map(|f| format!("- {}", Language::from(lang).finding(f))));
    print::text(&lines.join("\n"))
}
