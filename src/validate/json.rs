//! Reports as JSON, schema version 1.
//!
//! Written by hand, so that every build has it and the order of the members
//! never changes. Times are RFC 3339 in UTC, digests and serial numbers
//! hexadecimal in lower case. Members may be added; what stands stays.

use std::fmt::Write;

use super::indication::Indication;
use super::report::Check;
use super::report::EvidenceUsed;
use super::report::PathEntry;
use super::report::Report;
use super::report::SignatureReport;
use super::report::TimeProof;
use super::report::Wanted;
use crate::finding::Finding;
use crate::pdf::PageChange;
use crate::pdf::page::Rectangle;
use crate::time::Time;

use super::report::CertificateStatus;
use super::report::CertificateSummary;

/// The version of the schema; it rises when a member changes its meaning or goes away.
const SCHEMA_VERSION: &str = "1";

impl Report {
    /// The report as JSON, indented, ending in a line feed.
    ///
    /// The same report always gives the same octets.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = Json::default();
        json.object(|o| {
            o.member("schema_version").raw(SCHEMA_VERSION);
            o.member("indication").string(self.overall().name());
            o.member("validation_time").time(self.validation_time());
            o.member("policy").object(|o| {
                o.member("name").string(self.policy_name());
                o.member("version").string(self.policy_version());
            });
            o.member("findings").list(self.findings(), finding);
            o.member("signatures").list(self.signatures(), signature);
            o.member("evidence").list(self.evidence(), signature);
            o.member("trust").list(self.trust(), |o, set| {
                o.object(|o| {
                    o.member("name").string(&set.name);
                    o.member("anchors").list(&set.anchors, |o, sha256| o.string(sha256));
                });
            });
            match self.expectations_met() {
                Some(met) => o.member("expectations_met").bool(met),
                None => o.member("expectations_met").raw("null"),
            }
            o.member("kyso_version").string(Self::CRATE_VERSION);
        });
        json.out.push('\n');
        json.out
    }
}

fn signature(json: &mut Json, report: &SignatureReport) {
    json.object(|o| {
        o.member("name").string(report.name());
        o.member("kind").string(report.kind().name());
        o.member("format").string(report.format().name());
        o.member("level").optional(report.level().map(|l| l.name()));
        o.member("indication").string(report.indication().name());
        o.member("sub_indication").optional(report.indication().sub_indication());
        o.member("integrity").string(report.integrity().name());
        o.member("coverage").optional(report.coverage().map(|c| c.name()));
        o.member("changes").optional(report.changes().map(|c| c.name()));
        o.member("changes_permitted").bool(report.changes_permitted());
        match report.signer() {
            Some(signer) => certificate(o.member("signer"), signer),
            None => o.member("signer").raw("null"),
        }
        o.member("claimed_signing_time").optional_time(report.claimed_signing_time());
        o.member("best_signature_time").time(report.best_signature_time());
        o.member("deviations").list(report.deviations(), |o, d| o.string(d.code()));
        o.member("timestamps").list(report.timestamps(), signature);
        o.member("counter_signatures").list(report.counter_signatures(), signature);
        o.member("findings").list(report.findings().iter().chain(report.deviations()), finding);
        o.member("wanted").list(report.wanted(), wanted);
        o.member("time_proof").object(|o| proof(o, report.time_proof()));
        o.member("algorithm").optional(report.algorithm());
        o.member("trust_set").optional(match report.indication() {
            Indication::TotalPassed(passed) => Some(passed.trust_set()),
            _ => report.trust_set(),
        });
        o.member("path").list(report.path(), entry);
        o.member("level_notes").list(report.level_notes(), finding);
        o.member("change_list").list(report.change_list(), |o, c| o.string(c));
        match report.page_changes() {
            Some(changes) => o.member("page_changes").list(changes, page_change),
            None => o.member("page_changes").raw("null"),
        }
        o.member("checks").list(report.checks(), check);
    });
}

/// Pages and revisions are counted from 1, as in what people read.
fn page_change(json: &mut Json, change: &PageChange) {
    json.object(|o| {
        o.member("revision").raw(&(change.revision + 1).to_string());
        o.member("page").raw(&(change.page + 1).to_string());
        let Rectangle { left, bottom, right, top } = change.rectangle;
        // Hundredths of a point; a number that is none does not come out of a page.
        o.member("rectangle").list([left, bottom, right, top], |o, edge| o.raw(&format!("{edge:.2}")));
        o.member("kind").string(change.kind.name());
        o.member("level").string(change.level.name());
        o.member("object").optional(change.object.map(|id| id.to_string()).as_deref());
        o.member("name").optional(change.name.as_deref());
        o.member("text").string(&change.text);
        o.member("reason").string(&change.reason);
    });
}

fn finding(json: &mut Json, finding: &Finding) {
    json.object(|o| {
        o.member("code").string(finding.code());
        o.member("severity").string(finding.severity().name());
        o.member("message").string(finding.message());
        o.member("where").optional(finding.place());
    });
}

fn certificate(json: &mut Json, certificate: &CertificateSummary) {
    json.object(|o| {
        o.member("subject").string(&certificate.subject);
        o.member("issuer").string(&certificate.issuer);
        o.member("serial").string(&certificate.serial);
        o.member("sha256").string(&certificate.sha256);
        o.member("subject_name").string(&certificate.subject_name);
        o.member("issuer_name").string(&certificate.issuer_name);
        o.member("issuer_organisation").optional(certificate.issuer_organisation.as_deref());
        o.member("not_before").time(certificate.not_before);
        o.member("not_after").time(certificate.not_after);
    });
}

fn entry(json: &mut Json, entry: &PathEntry) {
    json.object(|o| {
        certificate(o.member("certificate"), &entry.certificate);
        o.member("status").string(entry.status.name());
        if let CertificateStatus::Revoked { time, reason } = &entry.status {
            o.member("revocation_time").time(*time);
            o.member("revocation_reason").optional(reason.map(|r| r.name()));
        }
        match &entry.evidence {
            Some(used) => evidence(o.member("evidence"), used),
            None => o.member("evidence").raw("null"),
        }
    });
}

fn evidence(json: &mut Json, used: &EvidenceUsed) {
    json.object(|o| {
        o.member("kind").string(used.kind);
        o.member("issuer").string(&used.issuer);
        o.member("this_update").time(used.this_update);
        o.member("next_update").optional_time(used.next_update);
        o.member("sha256").string(&used.sha256);
    });
}

fn proof(json: &mut Json, proof: &TimeProof) {
    json.member("kind").string(proof.name());
    match proof {
        TimeProof::SignatureTimestamp { tsa }
        | TimeProof::ArchiveTimestamp { tsa }
        | TimeProof::EvidencePackage { tsa } => json.member("tsa").string(tsa),
        TimeProof::DocumentTimestamp { name, tsa } => {
            json.member("name").string(name);
            json.member("tsa").string(tsa);
        }
        TimeProof::ValidationTime | TimeProof::Stated | TimeProof::GenTime => {}
    }
}

fn wanted(json: &mut Json, wanted: &Wanted) {
    json.object(|o| {
        o.member("what").string(wanted.what.name());
        o.member("subject").string(&wanted.subject);
        o.member("urls").list(&wanted.requests, |o, r| o.string(&r.url));
        o.member("not_before").optional_time(wanted.not_before);
    });
}

fn check(json: &mut Json, check: &Check) {
    json.object(|o| {
        o.member("id").string(check.id);
        o.member("clause").string(check.clause);
        o.member("outcome").string(check.outcome.name());
        o.member("detail").string(&check.detail);
    });
}

/// A JSON text in the making.
#[derive(Debug, Default)]
struct Json {
    out: String,
    depth: usize,
    /// The innermost object or array has something in it.
    filled: bool,
}

impl Json {
    fn member(&mut self, name: &str) -> &mut Self {
        self.separate();
        self.quote(name);
        self.out.push_str(": ");
        self
    }

    fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.nest('{', '}', members);
    }

    fn list<T>(&mut self, items: impl IntoIterator<Item = T>, mut each: impl FnMut(&mut Self, T)) {
        self.nest('[', ']', |json| {
            for item in items {
                json.separate();
                each(json, item);
            }
        });
    }

    fn nest(&mut self, open: char, close: char, inside: impl FnOnce(&mut Self)) {
        self.out.push(open);
        self.depth += 1;
        self.filled = false;
        inside(self);
        self.depth -= 1;
        if self.filled {
            self.line();
        }
        self.out.push(close);
        self.filled = true;
    }

    fn separate(&mut self) {
        if self.filled {
            self.out.push(',');
        }
        self.filled = true;
        self.line();
    }

    fn line(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n("  ", self.depth));
    }

    fn raw(&mut self, value: &str) {
        self.out.push_str(value);
    }

    fn bool(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    fn string(&mut self, value: &str) {
        self.quote(value);
    }

    fn optional(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.quote(value),
            None => self.raw("null"),
        }
    }

    fn time(&mut self, value: Time) {
        self.quote(&value.to_rfc3339(0));
    }

    fn optional_time(&mut self, value: Option<Time>) {
        match value {
            Some(value) => self.time(value),
            None => self.raw("null"),
        }
    }

    /// RFC 8259 §7. Bidirectional controls are escaped too: a name out of a
    /// certificate must not rearrange a report on a terminal.
    fn quote(&mut self, value: &str) {
        self.out.push('"');
        for c in value.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                c if c.is_control() || super::text::rearranges(c) => {
                    // Writing to a String does not fail.
                    let _ = write!(self.out, "\\u{:04x}", u32::from(c));
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;

    #[test]
    fn a_report_writes_its_snapshot() {
        sample::snapshot("report.json", &sample::report().to_json());
    }

    #[test]
    fn it_is_json_with_the_members_of_the_contract() {
        let text = sample::report().to_json();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["schema_version"], 1);
        assert_eq!(value["indication"], "TOTAL-FAILED");
        assert_eq!(value["signatures"][1]["name"], "Signature\u{202E}2\n");
        assert_eq!(value["signatures"][1]["sub_indication"], "FORMAT_FAILURE");
        assert_eq!(value["signatures"][2]["signer"], serde_json::Value::Null);
        assert_eq!(value["signatures"][0]["timestamps"][0]["wanted"][0]["what"], "revocation");
        assert_eq!(value["signatures"][0]["deviations"][0], "TIMESTAMP_TYPE");
        assert!(!text.chars().any(super::super::text::rearranges));
    }
}
