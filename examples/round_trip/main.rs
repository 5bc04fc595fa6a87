//! A document's whole way from one office to another, without any network:
//! signed by an officer, sealed by the agency, sent as an edXML message,
//! opened, validated, validated again years later; a tampered copy and a revoked
//! signer are refused.
//!
//! ```sh
//! cargo run --example round_trip
//! ```
//!
//! The time is fixed to the morning on which the document was signed, so that
//! every run tells the same story; the keys are new in every run. Each step is
//! checked, and the program fails where one does not end as it should.

#[path = "../../tests/support/ca.rs"]
mod ca;
#[path = "../../tests/support/der.rs"]
mod der;
mod receiving;
mod sending;
mod services;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use kyso::Time;
use kyso::error::RefusalReason;
use kyso::key::SigningKey;
use kyso::validate::BaselineLevel;
use kyso::validate::Changes;
use kyso::validate::Coverage;
use kyso::validate::Indication;
use kyso::validate::Integrity;
use kyso::validate::Language;
use kyso::validate::Overall;
use kyso::validate::Report;

use crate::services::Services;

/// When the officer signs.
const SIGNED: &str = "2026-11-23T09:30:00+07:00";
const ORIGINAL: &[u8] = include_bytes!("../data/cong-van.pdf");
const OUT: &str = "out/round-trip";

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let story = Stopwatch::start();
    let mut out = Folder::create(OUT)?;
    let signed_at = Time::parse_rfc3339(SIGNED)?;
    let sealed_at = signed_at.saturating_add(MINUTE * 15);
    let received_at = signed_at.saturating_add(MINUTE * 90);

    let step = Stopwatch::start();
    let (mut services, signers) = Services::new(signed_at)?;
    services.save(&signers, &out.path.join("pki"))?;
    let trust = services.trust();
    step.done("authorities, keys and certificates made", "");

    // The sending office.
    let step = Stopwatch::start();
    sending::check_before_signing(&signers.officer, &services)?;
    let signed = sending::sign(ORIGINAL, &signers.officer, &services)?;
    out.save("1-signed.pdf", &signed, "signed by the officer")?;
    step.done("the officer signed, level B-T", &services.take_answered());

    let step = Stopwatch::start();
    services.set_time(sealed_at);
    sending::check_before_signing(&signers.agency, &services)?;
    let sealed = sending::seal(&signed, &signers.agency, &services)?;
    check(sealed.starts_with(&signed) && signed.starts_with(ORIGINAL), "each signature only appends")?;
    out.save("2-sealed.pdf", &sealed, "and sealed by the agency")?;
    step.done("the agency sealed, level B-T", &services.take_answered());

    let step = Stopwatch::start();
    let refused = sending::check_before_signing(&signers.revoked, &services);
    let Err(kyso::Error::Refused(refused)) = refused else {
        return Err(format!("a revoked certificate must be refused: {refused:?}").into());
    };
    check(refused.reason() == RefusalReason::CertificateRevoked, "refused for the revocation")?;
    services.take_answered();
    step.done("a revoked signer was stopped before signing", &refused.to_string());

    let step = Stopwatch::start();
    let message = sending::envelope("cong-van-128.pdf", &sealed, sealed_at)?;
    out.save("3-message.edxml", &message, "the message")?;
    step.done("sent as an edXML message", &format!("{} octets", message.len()));

    // The receiving office.
    let step = Stopwatch::start();
    services.set_time(received_at);
    let (what, files) = receiving::open(&message, received_at)?;
    let [received] = files.as_slice() else { return Err(format!("one file, not {}", files.len()).into()) };
    check(received.octets == sealed, "the octets arrive as they were sealed")?;
    out.save("4-received.pdf", &received.octets, "its attachment as it arrived")?;
    step.done("opened", &what);
    println!("            {}, SHA-256 {}", received.file_name, received.sha256);

    let step = Stopwatch::start();
    let report = receiving::validate(&received.octets, &trust, received_at, &services)?;
    accepted(&report, signed_at, sealed_at)?;
    out.save("4-report.vi.txt", report.to_text(Language::Vietnamese).as_bytes(), "the report in Vietnamese")?;
    out.save("4-report.en.txt", report.to_text(Language::English).as_bytes(), "in English")?;
    out.save("4-report.json", report.to_json().as_bytes(), "for machines")?;
    step.done("validated: both signatures TOTAL-PASSED", &services.take_answered());

    let step = Stopwatch::start();
    let tampered = one_octet_changed(&received.octets)?;
    let refused_tampered = receiving::validate(&tampered, &trust, received_at, &services)?;
    check(refused_tampered.overall() == Overall::TotalFailed, "a changed octet fails")?;
    check(reason(&refused_tampered) == "HASH_FAILURE", "for the digest")?;
    check(refused_tampered.signatures().iter().all(|s| s.integrity() == Integrity::Broken), "both broken")?;
    out.save("5-tampered.pdf", &tampered, "one octet changed")?;
    out.save("5-report.vi.txt", refused_tampered.to_text(Language::Vietnamese).as_bytes(), "why it is refused")?;
    step.done("a copy with one changed octet was refused", &reason(&refused_tampered));

    // Software that checks nothing before signing exists; the receiver finds out.
    // Nothing proves that the signature is older than the revocation, so it never
    // passes; nothing proves that it is younger, so EN 319 102-1 says INDETERMINATE.
    let step = Stopwatch::start();
    let careless = sending::sign(ORIGINAL, &signers.revoked, &services)?;
    let refused_revoked = receiving::validate(&careless, &trust, received_at, &services)?;
    check(refused_revoked.overall() == Overall::Indeterminate, "a revoked signer does not pass")?;
    check(reason(&refused_revoked) == "REVOKED_NO_POE", "for the revocation")?;
    out.save("6-revoked.pdf", &careless, "signed after the revocation")?;
    out.save("6-report.vi.txt", refused_revoked.to_text(Language::Vietnamese).as_bytes(), "why it is refused")?;
    step.done("a document of a revoked signer was refused", &reason(&refused_revoked));

    // A year later the officer leaves and her certificate is revoked. The time-stamp
    // proves that her signature is older than that.
    let step = Stopwatch::start();
    services.set_time(received_at.saturating_add(MINUTE * YEAR));
    services.revoke(signers.officer.identity().certificate());
    let years_later = received_at.saturating_add(MINUTE * 2 * YEAR);
    services.set_time(years_later);
    let then = receiving::validate(&received.octets, &trust, years_later, &services)?;
    accepted(&then, signed_at, sealed_at)?;
    step.done("two years later, the officer's certificate revoked meanwhile: both TOTAL-PASSED", "");

    println!("\n{}\n{}", report.to_text(Language::Vietnamese), report.to_text(Language::English));
    out.list();
    println!("  pki/                              demonstration certificates, CRLs, and the officer's key");
    story.done("all as it should be", "");
    Ok(())
}

/// What an office that relies on the document has to see.
fn accepted(report: &Report, signed_at: Time, sealed_at: Time) -> Outcome<()> {
    check(report.overall() == Overall::TotalPassed, "passed")?;
    let [officer, agency] = report.signatures() else { return Err("two signatures".into()) };
    for (signature, name, time) in [(officer, "NguoiKy", signed_at), (agency, "CoQuan", sealed_at)] {
        check(signature.name() == name, "in document order")?;
        let Indication::TotalPassed(passed) = signature.indication() else { return Err(name.into()) };
        check(passed.trust_set() == "Danh sách tin cậy minh họa", "under the anchor stated")?;
        check(passed.best_signature_time() == time, "the time that the time-stamp proves")?;
        check(signature.level() == Some(BaselineLevel::T), "level B-T")?;
        check(signature.changes_permitted(), "later changes permitted")?;
    }
    check(officer.coverage() == Some(Coverage::Revision), "the officer signed the first revision")?;
    check(officer.changes() == Some(Changes::Form), "after which the agency signed")?;
    check(agency.coverage() == Some(Coverage::WholeDocument), "the seal covers everything")
}

/// The reason of the first signature that did not pass.
fn reason(report: &Report) -> String {
    report.signatures().iter().find_map(|s| s.indication().sub_indication()).unwrap_or("none").to_owned()
}

/// Changes one octet of the page, deep in the officer's revision.
fn one_octet_changed(document: &[u8]) -> Outcome<Vec<u8>> {
    let stream = document.windows(7).position(|w| w == b"stream\n").ok_or("the page has a stream")?;
    let mut changed = document.to_vec();
    *changed.get_mut(stream + 100).ok_or("a short stream")? ^= 1;
    Ok(changed)
}

fn check(holds: bool, what: &str) -> Outcome<()> {
    if holds { Ok(()) } else { Err(format!("not as it should be: {what}").into()) }
}

/// Where the files are left.
struct Folder {
    path: PathBuf,
    saved: Vec<String>,
}

impl Folder {
    fn create(name: &str) -> Outcome<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        fs::create_dir_all(&path)?;
        Ok(Self { path, saved: Vec::new() })
    }

    fn save(&mut self, name: &str, octets: &[u8], note: &str) -> Outcome<()> {
        fs::write(self.path.join(name), octets)?;
        self.saved.push(format!("  {name:<17} {:>7} octets  {note}", octets.len()));
        Ok(())
    }

    fn list(&self) {
        println!("{}/\n{}", self.path.display(), self.saved.join("\n"));
    }
}

const MINUTE: Duration = Duration::from_secs(60);
/// In minutes.
const YEAR: u32 = 365 * 24 * 60;

/// How long a step took, for the person who watches.
struct Stopwatch(Instant);

impl Stopwatch {
    #[allow(clippy::disallowed_methods)] // a program may read the clock; only the library may not
    fn start() -> Self {
        Self(Instant::now())
    }

    fn done(&self, what: &str, note: &str) {
        println!("{:>7.1?} ms  {what}", self.0.elapsed().as_secs_f64() * 1_000.0);
        if !note.is_empty() {
            println!("            {note}");
        }
    }
}
