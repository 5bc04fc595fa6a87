//! Messages that software of the national exchange emitted: what the reader makes of
//! them, and what the writer makes of that. Every remark is listed with its reason in
//! `exceptions/edxml.tsv`: what is not listed there, and what is listed and no
//! longer so, fails.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/corpus.rs"]
mod corpus;

use std::collections::BTreeMap;
use std::fs;

use corpus::Exceptions;
use kyso::Error;
use kyso::Finding;
use kyso::Limits;
use kyso::envelope::Check;
use kyso::envelope::Document;
use kyso::envelope::DocumentId;
use kyso::envelope::Enclosure;
use kyso::envelope::Envelope;
use kyso::envelope::Message;
use kyso::envelope::OrganId;
use kyso::envelope::Packing;
use kyso::envelope::Writer;
use kyso::envelope::code;
use kyso::envelope::code::DocumentClass;

/// File, kind, attachments with their names.
const MESSAGES: &[(&str, &str, &[&str])] = &[
    ("edoc_2019_received.edxml", "new", &["GUIDE_INSTALL OPENVPN.SIGNED.PDF"]),
    ("edoc_2025_three_attachments_inner_type.edxml", "new", &["localA.txt", "localB.txt", "localC.txt"]),
    ("edoc_2025_three_attachments_trace_without_organid.edxml", "new", &["localA.txt", "localB.txt", "localC.txt"]),
    ("edoc_new.edxml", "new", &["1896_QD-TTg_m_294779.doc"]),
    ("edoc_new_leading_junk.edxml", "refused", &[]),
    ("edoc_new_sdk_output_multi_to.edxml", "new", &["1896_QD-TTg_m_294779.doc"]),
    ("edoc_replacement.edxml", "replacement", &["1896_QD-TTg_m_294779.doc"]),
    ("edoc_revocation.edxml", "recall", &["1896_QD-TTg_m_294779.doc"]),
    ("edoc_unbound_prefixes.edxml", "new", &["GUIDE_INSTALL OPENVPN.SIGNED.PDF"]),
    ("edoc_update.edxml", "update", &["1896_QD-TTg_m_294779.doc"]),
    ("status_01_da_den.edxml", "status", &[]),
    ("status_01_sdk_output.edxml", "status", &[]),
    ("status_02_tu_choi.edxml", "status", &[]),
    ("status_03_tiep_nhan.edxml", "status", &[]),
    ("status_04_phan_cong.edxml", "status", &[]),
    ("status_05_dang_xu_ly.edxml", "status", &[]),
    ("status_06_hoan_thanh.edxml", "status", &[]),
    ("status_13_lay_lai.edxml", "status", &[]),
    ("status_15_dong_y.edxml", "status", &[]),
    ("status_16_tu_choi_cap_nhat.edxml", "status", &[]),
];

/// Code and place of each finding, told apart where two are the same.
fn remarks(findings: &[Finding]) -> Vec<(String, &'static str)> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let remark = |f: &Finding| {
        let remark = format!("{} {}", f.code(), f.place().unwrap_or_default());
        let count = seen.entry(remark.clone()).or_default();
        *count += 1;
        (if *count > 1 { format!("{remark} #{count}") } else { remark }, f.severity().name())
    };
    findings.iter().map(remark).collect()
}

/// The message with the same attachments, written by us.
fn rewrite(envelope: &Envelope<'_>, message: &Message) -> Result<Vec<u8>, Error> {
    let contents: Vec<_> = envelope.attachments().iter().map(|a| envelope.content(a).unwrap().0).collect();
    let mut writer = Writer::new(message);
    for (attachment, content) in envelope.attachments().iter().zip(&contents) {
        let declared = attachment.declared();
        let (name, kind) = (declared.name.as_deref(), declared.content_type.as_deref());
        writer = writer.enclose(Enclosure::new(name.unwrap_or_default(), kind.unwrap_or_default(), content));
    }
    writer.to_vec()
}

fn assert_same(text: &[u8], message: &Message, check: &Check, file: &str) {
    let source = text.to_vec();
    let envelope = Envelope::read(&source, &Limits::default()).unwrap();
    assert_eq!(envelope.message(), message, "{file}");
    let again = envelope.check().unwrap();
    assert!(again.findings.is_empty(), "{file}: {:?}", again.findings);
    let digests = |check: &Check| -> Vec<_> {
        check.attachments.iter().map(|a| a.content.as_ref().map(|c| (c.size, c.sha256))).collect()
    };
    assert_eq!(digests(&again), digests(check), "{file}");
}

/// The message with the faults of the samples mended, so that the writer takes it.
fn mended(message: &Message) -> Message {
    let Message::Document(sample) = message else { return message.clone() };
    let mut d: Document = (**sample).clone();
    d.document_type = code::document_type(DocumentClass::Administrative, 18).unwrap().into();
    d.code.number.truncate(11);
    let known = |id: &OrganId| if id.scheme().is_some() { id.clone() } else { "H14".into() };
    d.from.id = known(&d.from.id);
    d.to.iter_mut().for_each(|to| to.id = known(&to.id));
    d.trace.iter_mut().for_each(|t| t.organ = Some(t.organ.as_ref().map_or_else(|| "H14".into(), known)));
    d.document_id = DocumentId::of(&d.from.id, *d.promulgation.date.known().unwrap(), &d.code.number, &d.code.notation);
    if let Some(business) = &mut d.business {
        business.document_id = business.document_id.is_some().then(|| d.document_id.clone());
        business.replaces.dedup();
    }
    d.into()
}

#[test]
fn messages_of_the_exchange_are_read_and_rewritten() {
    let Some(corpus) = corpus::corpus() else { return };
    let folder = corpus.join("edxml");
    let mut exceptions = Exceptions::load("edxml");
    let mut files: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".edxml"))
        .collect();
    files.sort();
    let listed: Vec<&str> = MESSAGES.iter().map(|(file, ..)| *file).collect();
    assert_eq!(files, listed, "each file of the corpus is a row here");
    for (file, kind, names) in MESSAGES {
        let data = fs::read(folder.join(file)).unwrap();
        let envelope = match Envelope::read(&data, &Limits::default()) {
            Ok(envelope) => envelope,
            Err(e) => {
                assert_eq!(*kind, "refused", "{file}: {e}");
                exceptions.record(file, false, &e.to_string());
                continue;
            }
        };
        assert_eq!(envelope.message().kind(), *kind, "{file}");
        let check = envelope.check().unwrap();
        let found: Vec<&str> = check.attachments.iter().map(|a| a.name.as_deref().unwrap()).collect();
        assert_eq!(&found, names, "{file}");
        for attachment in &check.attachments {
            let content = attachment.content.as_ref().unwrap();
            assert!(content.packing == Packing::Zip && content.size > 0, "{file}: {content:?}");
        }
        for (remark, severity) in remarks(&check.findings) {
            exceptions.record(&format!("{file} {remark}"), false, severity);
        }
        match rewrite(&envelope, envelope.message()) {
            Ok(text) => assert_same(&text, envelope.message(), &check, file),
            Err(e) => {
                let why = e.to_string();
                let codes: Vec<&str> =
                    why.split('[').skip(1).filter_map(|c| Some(c.split_once(']')?.0)).filter(|c| c.len() > 2).collect();
                exceptions.record(&format!("{file} rewritten"), false, &codes.join(", "));
            }
        }
        let mended = mended(envelope.message());
        let text = rewrite(&envelope, &mended).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_same(&text, &mended, &check, file);
    }
    exceptions.finish(MESSAGES.len());
}
