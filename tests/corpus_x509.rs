//! Certificates, CRLs and OCSP responses of the corpora: each reads or fails
//! with words, keeps its octets, and none panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/corpus.rs"]
mod corpus;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use corpus::Exceptions;
use kyso::Error;
use kyso::Limits;
use kyso::asn1;
use kyso::x509::Certificate;
use kyso::x509::Crl;
use kyso::x509::ocsp::OcspResponse;

const FOLDERS: &[&str] = &[
    "pkits/certs",
    "pkits/crls",
    "pkits-p256",
    "openssl-verify",
    "ocsp-openssl",
    "certvalidator",
    "rust-pki",
    "formats",
    "dss/dss-crl-parser",
    "dss/dss-spi",
];

/// What a file says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Certificates,
    Crl,
    Ocsp,
    /// Not told: then it may be anything, and only must not panic.
    Unknown,
}

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

fn kind(id: &str, octets: &[u8]) -> Kind {
    let text = String::from_utf8_lossy(octets);
    let label = |l: &str| text.contains(&format!("-----BEGIN {l}-----"));
    let extension = id.rsplit('.').next().unwrap();
    if label("CERTIFICATE") || label("TRUSTED CERTIFICATE") || label("PKCS7") && extension == "p7b" {
        return Kind::Certificates;
    }
    if label("X509 CRL") {
        return Kind::Crl;
    }
    if text.contains("-----BEGIN") {
        return Kind::Unknown;
    }
    let name = id.rsplit('/').next().unwrap();
    match extension {
        // Attribute certificates (RFC 5755) and requests are other structures.
        _ if name.ends_with(".attr.crt") || name.starts_with("req-") => Kind::Unknown,
        "crt" | "p7c" => Kind::Certificates,
        "crl" => Kind::Crl,
        "ors" | "ocspResp" => Kind::Ocsp,
        _ if name.contains("-resp") || name.contains("-res.") || name == "ocsp_response" => Kind::Ocsp,
        "der" if name.ends_with("-crt.der") || (id.starts_with("rust-pki/") && !name.contains("req")) => {
            if name == "resp.der" { Kind::Ocsp } else { Kind::Certificates }
        }
        _ => Kind::Unknown,
    }
}

/// Every getter, so that none panics; the first error among them.
fn read_all(certificate: &Certificate) -> Result<(), Error> {
    let _ = (certificate.to_string_all(), certificate.sha256(), certificate.has_ocsp_nocheck());
    certificate.basic_constraints()?;
    certificate.key_usage()?;
    certificate.extended_key_usage()?;
    certificate.subject_key_identifier()?;
    certificate.authority_key_identifier()?;
    certificate.subject_alternative_names()?;
    certificate.name_constraints()?;
    certificate.policies()?;
    certificate.policy_mappings()?;
    certificate.policy_constraints()?;
    certificate.inhibit_any_policy()?;
    certificate.crl_distribution_points()?;
    certificate.freshest_crl()?;
    certificate.authority_information_access()?;
    Ok(())
}

trait Words {
    fn to_string_all(&self) -> String;
}

impl Words for Certificate {
    fn to_string_all(&self) -> String {
        format!("{} {} {} {:?}", self.subject(), self.issuer(), self.serial(), self)
    }
}

fn check_certificates(octets: &[u8]) -> Result<(), Error> {
    for certificate in Certificate::all_from_file(octets)? {
        let again = Certificate::from_der(certificate.der())?;
        assert_eq!(again.der(), certificate.der());
        assert_eq!(Certificate::all_from_pem(certificate.to_pem().as_bytes())?, std::slice::from_ref(&certificate));
        assert!(certificate.der().ends_with(certificate.signature()));
        assert!(certificate.der()[2..].windows(certificate.tbs_octets().len()).any(|w| w == certificate.tbs_octets()));
        assert_eq!(certificate.issuer(), again.issuer());
        read_all(&certificate)?;
    }
    Ok(())
}

fn check_crl(octets: &[u8]) -> Result<(), Error> {
    let crl = Crl::from_file(octets)?;
    assert_eq!(Crl::from_der(crl.der())?.der(), crl.der());
    assert!(crl.der().ends_with(crl.signature()));
    crl.crl_number()?;
    crl.delta_base()?;
    crl.authority_key_identifier()?;
    crl.issuing_distribution_point()?;
    crl.freshest_crl()?;
    crl.expired_certs_on_crl()?;
    crl.unknown_critical_entry_extension()?;
    // Each entry that the reader counts is found again under its serial number and issuer.
    let mut count = 0;
    for entry in crl.entries() {
        let entry = entry?;
        let issuer = entry.certificate_issuer.as_ref().unwrap_or_else(|| crl.issuer());
        let found = crl.entry(issuer, &entry.serial)?.expect("an entry is found by its own number");
        assert_eq!(found.serial, entry.serial);
        assert!(found.revocation_time <= entry.revocation_time);
        count += 1;
    }
    assert_eq!(count, crl.len());
    Ok(())
}

fn check_ocsp(octets: &[u8]) -> Result<(), Error> {
    let response = OcspResponse::from_der(octets)?;
    assert_eq!(response.der(), asn1::to_der(octets, &Limits::default())?.0.as_ref());
    if response.responder_id().is_some() {
        let basic = OcspResponse::from_der(response.basic_der())?;
        assert_eq!(basic.tbs_octets(), response.tbs_octets());
        assert_eq!(basic.responses().len(), response.responses().len());
        assert_eq!(basic.produced_at(), response.produced_at());
        assert_eq!(basic.nonce(), response.nonce());
    }
    response.certificates().iter().try_for_each(read_all)
}

fn anything(octets: &[u8]) {
    let _ = check_certificates(octets);
    let _ = check_crl(octets);
    let _ = check_ocsp(octets);
}

#[test]
fn every_file_reads_or_is_a_known_exception() {
    let Some(root) = corpus::corpus() else { return };
    let root = root.join("pkix");
    let mut exceptions = Exceptions::load("x509");
    let (mut rows, mut unknown) = (0, 0);
    for folder in FOLDERS {
        let mut all = Vec::new();
        files(&root.join(folder), &mut all);
        for path in all {
            let id = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            let mut octets = fs::read(&path).unwrap();
            if id.ends_with(".ors") && octets.is_ascii() {
                let text: Vec<u8> = octets.into_iter().filter(|b| !b.is_ascii_whitespace()).collect();
                octets = base64_simd::STANDARD.decode_to_vec(text).unwrap();
            }
            let result = match kind(&id, &octets) {
                Kind::Certificates => check_certificates(&octets),
                Kind::Crl => check_crl(&octets),
                Kind::Ocsp => check_ocsp(&octets),
                Kind::Unknown => {
                    anything(&octets);
                    unknown += 1;
                    continue;
                }
            };
            let words = result.as_ref().err().map(ToString::to_string).unwrap_or_default();
            exceptions.record(&id, result.is_ok(), &words);
            rows += 1;
        }
    }
    eprintln!("{unknown} files of no told kind read without a panic");
    exceptions.finish(rows);
}

#[test]
fn truncated_and_flipped_samples_never_panic() {
    let Some(root) = corpus::corpus() else { return };
    let root = root.join("pkix");
    for id in [
        "pkits/certs/nameConstraintsDN1CACert.crt",
        "pkits/crls/indirectCRLCA5CRL.crl",
        "certvalidator/freshness/alice-2020-10-01.ors",
    ] {
        let octets = fs::read(root.join(id)).unwrap();
        let reads = |octets: &[u8]| match kind(id, octets) {
            Kind::Certificates => check_certificates(octets).is_ok(),
            Kind::Crl => check_crl(octets).is_ok(),
            _ => check_ocsp(octets).is_ok(),
        };
        assert!(reads(&octets), "{id}");
        for end in 0..octets.len() {
            assert!(!reads(&octets[..end]), "{id} cut at {end}");
        }
        let mut mutated = octets.clone();
        for i in 0..octets.len() {
            for bit in [0x01, 0x20, 0x80, 0xFF] {
                mutated[i] ^= bit;
                anything(&mutated);
                mutated[i] = octets[i];
            }
        }
    }
}

/// Magnitude in upper-case hexadecimal with its sign, as the command prints it.
fn signed_hex(content: &[u8]) -> String {
    let negative = content[0] & 0x80 != 0;
    let mut octets = content.to_vec();
    if negative {
        octets.iter_mut().for_each(|b| *b = !*b);
        for b in octets.iter_mut().rev() {
            let (sum, carry) = b.overflowing_add(1);
            *b = sum;
            if !carry {
                break;
            }
        }
    }
    let hex: String = octets.iter().skip_while(|b| **b == 0).map(|b| format!("{b:02X}")).collect();
    format!("{}{}", if negative { "-" } else { "" }, if hex.is_empty() { "00" } else { &hex })
}

#[test]
fn fields_agree_with_the_openssl_command() {
    let Some(root) = corpus::corpus() else { return };
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("openssl not found: skipped");
        return;
    }
    let mut all = Vec::new();
    files(&root.join("pkix/pkits/certs"), &mut all);
    // Every seventh, and those whose names or numbers are the odd ones.
    let odd = |p: &Path| {
        ["Number", "Name", "UTF8", "GeneralizedTime", "UTCTime", "Whitespace"]
            .iter()
            .any(|word| p.to_str().unwrap().contains(word))
    };
    let sample: Vec<&PathBuf> = all.iter().enumerate().filter(|(i, p)| i % 7 == 0 || odd(p)).map(|(_, p)| p).collect();
    assert!(sample.len() > 80);
    for path in sample {
        let output = Command::new("openssl")
            .args(["x509", "-inform", "DER", "-noout", "-serial", "-subject", "-issuer", "-dates"])
            .args(["-dateopt", "iso_8601", "-nameopt", "RFC2253,-esc_msb,utf8", "-in"])
            .arg(path)
            .output()
            .unwrap();
        let certificate = Certificate::from_der(&fs::read(path).unwrap()).unwrap();
        let date = |t: kyso::Time| t.to_string().replace('T', " ");
        let ours = format!(
            "serial={}\nsubject={}\nissuer={}\nnotBefore={}\nnotAfter={}\n",
            signed_hex(certificate.serial().content()),
            certificate.subject(),
            certificate.issuer(),
            date(certificate.not_before()),
            date(certificate.not_after()),
        );
        assert_eq!(ours, String::from_utf8_lossy(&output.stdout), "{}", path.display());
    }
}
