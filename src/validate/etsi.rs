//! Reports as XML by ETSI TS 119 102-2.
//!
//! Certificates, revocation data and time-stamps are validation objects, each
//! once, named by the SHA-256 of its octets; the signatures refer to them.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::indication::Indication;
use super::report::CertificateStatus;
use super::report::Check;
use super::report::Outcome;
use super::report::PathEntry;
use super::report::Report;
use super::report::SignatureKind;
use super::report::SignatureReport;
use super::report::TimeProof;
use crate::time::Time;

const NAMESPACE: &str = "http://uri.etsi.org/19102/v1.2.1#";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
/// Before every identifier that the standard leaves to the validator.
const OWN: &str = "urn:x-kyso";

impl Report {
    /// The report as XML by ETSI TS 119 102-2 (namespace v1.2.1), not signed.
    ///
    /// The same report always gives the same octets. Document time-stamps have
    /// a signature validation report of their own, as signatures have.
    #[must_use]
    pub fn to_etsi_xml(&self) -> String {
        let mut xml = Xml::default();
        xml.out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = writeln!(xml.out, "<ValidationReport xmlns=\"{NAMESPACE}\" xmlns:ds=\"{DSIG}\">");
        xml.depth = 1;
        for (index, signature) in self.signatures().iter().enumerate() {
            self.signature(&mut xml, signature, &format!("signature-{}", index + 1));
        }
        self.objects(&mut xml);
        xml.out.push_str("</ValidationReport>\n");
        xml.out
    }

    fn signature(&self, xml: &mut Xml, signature: &SignatureReport, id: &str) {
        xml.element("SignatureValidationReport", "", |xml| {
            xml.element("SignatureIdentifier", &format!(" id=\"{id}\""), |xml| {
                xml.text("HashOnly", "false");
                xml.text("DocHashOnly", "false");
                if !signature.name().is_empty() {
                    xml.text("DAIdentifier", signature.name());
                }
            });
            xml.element("ValidationConstraintsEvaluationReport", "", |xml| {
                constraint(
                    xml,
                    "policy",
                    Outcome::Passed,
                    &format!("{} {}", self.policy_name(), self.policy_version()),
                );
                for check in signature.checks() {
                    checked(xml, check);
                }
            });
            xml.element("ValidationTimeInfo", "", |xml| {
                xml.time("ValidationTime", self.validation_time());
                xml.element("BestSignatureTime", "", |xml| {
                    xml.time("POETime", signature.best_signature_time());
                    xml.text("TypeOfProof", poe(signature.time_proof()));
                });
            });
            xml.element("SignatureAttributes", "", |xml| {
                if let Some(time) = signature.claimed_signing_time() {
                    xml.element("SigningTime", "", |xml| xml.time("Time", time));
                }
                for stamp in signature.timestamps().iter().filter(|s| s.kind() == SignatureKind::SignatureTimestamp) {
                    xml.element("SignatureTimeStamp", "", |xml| {
                        xml.time("TimeStampValue", stamp.best_signature_time());
                    });
                }
            });
            if let Some(signer) = signature.signer() {
                xml.element("SignerInformation", "", |xml| {
                    xml.reference("SignerCertificate", &signer.sha256);
                    xml.text("Signer", &signer.subject);
                });
            }
            xml.element("SignatureValidationProcess", "", |xml| {
                xml.text("SignatureValidationProcessID", "urn:etsi:019102:validationprocess:LTA");
            });
            self.status(xml, signature);
        });
    }

    fn status(&self, xml: &mut Xml, signature: &SignatureReport) {
        xml.element("SignatureValidationStatus", "", |xml| {
            let name = signature.indication().name().to_ascii_lowercase();
            xml.text("MainIndication", &format!("urn:etsi:019102:mainindication:{name}"));
            if let Some(sub) = signature.indication().sub_indication() {
                xml.text("SubIndication", &format!("urn:etsi:019102:subindication:{sub}"));
            }
            xml.element("AssociatedValidationReportData", "", |xml| {
                let anchor = signature.path().iter().find(|e| e.status == CertificateStatus::Anchor);
                if let Some(anchor) = anchor {
                    xml.reference("TrustAnchor", &anchor.certificate.sha256);
                }
                chain(xml, signature.path());
                let revoked = signature.path().iter().find_map(|entry| match entry.status {
                    CertificateStatus::Revoked { time, reason } => Some((entry, time, reason)),
                    _ => None,
                });
                if let Some((entry, time, reason)) = revoked {
                    xml.element("RevocationStatusInformation", "", |xml| {
                        xml.reference("ValidationObjectId", &entry.certificate.sha256);
                        xml.time("RevocationTime", time);
                        if let Some(reason) = reason {
                            xml.text("RevocationReason", &format!("urn:etsi:019102:revocationReason:{reason}"));
                        }
                        if let Some(evidence) = &entry.evidence {
                            xml.reference("RevocationObject", &evidence.sha256);
                        }
                    });
                }
                let findings = signature.findings().iter().chain(signature.deviations());
                let findings: Vec<_> = findings.collect();
                if !findings.is_empty() {
                    xml.element("AdditionalValidationReportData", "", |xml| {
                        for finding in &findings {
                            xml.element("ReportData", "", |xml| {
                                xml.text("Type", &format!("{OWN}:finding:{}", finding.code()));
                                xml.text("Value", finding.message());
                            });
                        }
                    });
                }
            });
        });
    }

    /// Everything that the signatures refer to, in the order of first mention.
    fn objects(&self, xml: &mut Xml) {
        let mut all = Vec::new();
        for signature in self.signatures().iter().chain(self.evidence()) {
            collect(signature, &mut all);
        }
        let mut seen = BTreeSet::new();
        all.retain(|(_, sha256)| seen.insert((*sha256).clone()));
        let stamps: Vec<&SignatureReport> =
            self.signatures().iter().flat_map(SignatureReport::timestamps).chain(self.evidence()).collect();
        if all.is_empty() && stamps.is_empty() {
            return;
        }
        xml.element("SignatureValidationObjects", "", |xml| {
            for (kind, sha256) in all {
                xml.element("ValidationObject", &format!(" id=\"{}\"", object_id(sha256)), |xml| {
                    xml.text("ObjectType", &format!("urn:etsi:019102:validationObject:{kind}"));
                    xml.element("ValidationObjectRepresentation", "", |xml| {
                        xml.element("DigestAlgAndValue", "", |xml| {
                            xml.empty("ds:DigestMethod", &format!(" Algorithm=\"{SHA256}\""));
                            xml.text("ds:DigestValue", &base64(sha256));
                        });
                    });
                });
            }
            for (index, stamp) in stamps.into_iter().enumerate() {
                let id = format!("time-stamp-{}", index + 1);
                xml.element("ValidationObject", &format!(" id=\"{id}\""), |xml| {
                    xml.text("ObjectType", "urn:etsi:019102:validationObject:timestamp");
                    xml.element("ValidationObjectRepresentation", "", |xml| xml.text("URI", &format!("#{id}-report")));
                    if matches!(stamp.indication(), Indication::TotalPassed(_)) {
                        xml.element("POEProvisioning", "", |xml| xml.time("POETime", stamp.best_signature_time()));
                    }
                    // The report on a time-stamp is a report as any other, under another name.
                    self.nested(xml, stamp, &format!("{id}-report"));
                });
            }
        });
    }

    fn nested(&self, xml: &mut Xml, stamp: &SignatureReport, id: &str) {
        xml.rename = Some("ValidationReport");
        self.signature(xml, stamp, id);
    }
}

fn collect<'r>(signature: &'r SignatureReport, all: &mut Vec<(&'static str, &'r String)>) {
    all.extend(signature.signer().map(|signer| ("certificate", &signer.sha256)));
    for entry in signature.path() {
        all.push(("certificate", &entry.certificate.sha256));
        if let Some(evidence) = &entry.evidence {
            all.push((if evidence.kind == "crl" { "CRL" } else { "OCSPResponse" }, &evidence.sha256));
        }
    }
    signature.timestamps().iter().for_each(|stamp| collect(stamp, all));
}

fn chain(xml: &mut Xml, path: &[PathEntry]) {
    let Some((leaf, issuers)) = path.split_first() else { return };
    xml.element("CertificateChain", "", |xml| {
        xml.reference("SigningCertificate", &leaf.certificate.sha256);
        for entry in issuers {
            let name =
                if entry.status == CertificateStatus::Anchor { "TrustAnchor" } else { "IntermediateCertificate" };
            xml.reference(name, &entry.certificate.sha256);
        }
    });
}

fn checked(xml: &mut Xml, check: &Check) {
    let detail = match check.detail.as_str() {
        "" => check.clause.to_owned(),
        detail => format!("{}: {detail}", check.clause),
    };
    constraint(xml, check.id, check.outcome, &detail);
}

fn constraint(xml: &mut Xml, id: &str, outcome: Outcome, detail: &str) {
    xml.element("ValidationConstraint", "", |xml| {
        xml.text("ValidationConstraintIdentifier", &format!("{OWN}:constraint:{id}"));
        xml.element("ValidationConstraintParameter", "", |xml| {
            xml.text("Type", &format!("{OWN}:detail"));
            xml.text("Value", detail);
        });
        xml.element("ConstraintStatus", "", |xml| {
            let status = if outcome == Outcome::Skipped { "disabled" } else { "applied" };
            xml.text("Status", &format!("urn:etsi:019102:constraintStatus:{status}"));
        });
        let indication = match outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Undetermined => "indeterminate",
            Outcome::Skipped => return,
        };
        xml.element("ValidationStatus", "", |xml| {
            xml.text("MainIndication", &format!("urn:etsi:019102:mainindication:{indication}"));
        });
    });
}

const fn poe(proof: &TimeProof) -> &'static str {
    match proof {
        TimeProof::Stated => "urn:etsi:019102:poetype:provided",
        _ => "urn:etsi:019102:poetype:validation",
    }
}

/// An XML identifier may not begin with a digit.
fn object_id(sha256: &str) -> String {
    format!("object-{sha256}")
}

/// Base64 of octets that are given in hexadecimal.
fn base64(hex: &str) -> String {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok()).unwrap_or(0);
    let octets: Vec<u8> = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| digit(pair.first().copied().unwrap_or(b'0')) << 4 | digit(pair.get(1).copied().unwrap_or(b'0')))
        .collect();
    base64_simd::STANDARD.encode_to_string(octets)
}

/// XML text that grows; elements are indented by their depth.
#[derive(Default)]
struct Xml {
    out: String,
    depth: usize,
    /// The name of the next element, in place of the one that is asked for.
    rename: Option<&'static str>,
}

impl Xml {
    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n("  ", self.depth));
    }

    fn element(&mut self, name: &'static str, attributes: &str, content: impl FnOnce(&mut Self)) {
        let name = self.rename.take().unwrap_or(name);
        self.indent();
        let _ = writeln!(self.out, "<{name}{attributes}>");
        self.depth += 1;
        content(self);
        self.depth -= 1;
        self.indent();
        let _ = writeln!(self.out, "</{name}>");
    }

    fn empty(&mut self, name: &str, attributes: &str) {
        self.indent();
        let _ = writeln!(self.out, "<{name}{attributes}/>");
    }

    fn text(&mut self, name: &str, text: &str) {
        self.indent();
        let _ = write!(self.out, "<{name}>");
        for c in text.chars() {
            match c {
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '&' => self.out.push_str("&amp;"),
                // XML 1.0 cannot hold these, and a report has no use for them.
                c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => self.out.push('\u{FFFD}'),
                c => self.out.push(c),
            }
        }
        let _ = writeln!(self.out, "</{name}>");
    }

    fn time(&mut self, name: &str, time: Time) {
        self.text(name, &time.to_rfc3339(0));
    }

    fn reference(&mut self, name: &str, sha256: &str) {
        self.empty(name, &format!(" VOReference=\"{}\"", object_id(sha256)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;

    #[test]
    fn a_report_reads_as_its_snapshot() {
        sample::snapshot("report_etsi.xml", &sample::report().to_etsi_xml());
    }
}
