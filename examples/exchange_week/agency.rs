//! One agency: its register, and the people who do what the register says has to be done.

use std::collections::BTreeMap;

use kyso::Limits;
use kyso::crypto::Digest;
use kyso::envelope::BusinessKind;
use kyso::envelope::Date;
use kyso::envelope::Document;
use kyso::envelope::DocumentId;
use kyso::envelope::Enclosure;
use kyso::envelope::Envelope;
use kyso::envelope::Message;
use kyso::envelope::Organization;
use kyso::envelope::StatusCode;
use kyso::envelope::Timestamp;
use kyso::envelope::Writer;
use kyso::envelope::code;
use kyso::envelope::code::DocumentClass;
use kyso::envelope::model::Business;
use kyso::envelope::model::Code;
use kyso::envelope::model::OtherInfo;
use kyso::envelope::model::Promulgation;
use kyso::envelope::model::Replacement;
use kyso::envelope::model::TraceHeader;
use kyso::envelope::model::UpdateInfo;
use kyso::envelope::value::Coded;
use kyso::envelope::value::Flag;
use kyso::exchange::Content;
use kyso::exchange::Duty;
use kyso::exchange::Key;
use kyso::exchange::Register;
use kyso::exchange::Ruling;
use kyso::exchange::Side;

use crate::Outcome;
use crate::check;
use crate::network::Chance;
use crate::network::Network;

/// Something that a person of the agency will do.
struct Task {
    due: usize,
    key: Key,
    code: StatusCode,
}

pub(crate) struct Agency {
    us: Organization,
    notation: &'static str,
    register: Register,
    tasks: Vec<Task>,
    /// What was sent of each document last, and every status, to be sent again unchanged.
    documents: BTreeMap<DocumentId, Document>,
    statuses: BTreeMap<(Key, StatusCode), Vec<u8>>,
    /// What has to be sent again at the next occasion.
    again: Vec<Vec<u8>>,
    /// Refused documents, to be mended and sent anew.
    refused: Vec<DocumentId>,
    arrivals: u64,
    numbers: usize,
}

impl Agency {
    pub(crate) fn new(id: &str, name: &str, notation: &'static str) -> Self {
        let us = Organization::new(id, name);
        let register = Register::new(us.id.clone());
        let (tasks, again, refused) = (Vec::new(), Vec::new(), Vec::new());
        let (documents, statuses) = (BTreeMap::new(), BTreeMap::new());
        Self { us, notation, register, tasks, documents, statuses, again, refused, arrivals: 0, numbers: 0 }
    }

    pub(crate) const fn us(&self) -> &Organization {
        &self.us
    }

    pub(crate) const fn register(&self) -> &Register {
        &self.register
    }

    pub(crate) fn is_busy(&self) -> bool {
        !self.tasks.is_empty() || !self.again.is_empty()
    }

    /// The other one of the two.
    fn peer(&self) -> usize {
        usize::from(self.us.id.as_str() == "H14")
    }

    /// Records a message of our own and sends it; `false` where the rules forbid it.
    fn send(
        &mut self,
        message: &Message,
        content: Option<&Vec<u8>>,
        step: usize,
        chance: &mut Chance,
        network: &mut Network,
    ) -> Outcome<Option<Vec<u8>>> {
        let writer = Writer::new(message);
        let writer = match content {
            Some(content) => writer.enclose(Enclosure::new("cong-van.txt", "text/plain", content)),
            None => writer,
        };
        let octets = writer.to_vec()?;
        let contents = Envelope::read(&octets, &Limits::default())?.check()?;
        let digests: Vec<Digest> =
            contents.attachments.iter().filter_map(|a| Some(a.content.as_ref()?.sha256)).collect();
        let taken = self.register.take(message, &digests);
        if taken.iter().any(|t| t.ruling == Ruling::Refused) {
            return Ok(None);
        }
        network.send(self.peer(), octets.clone(), step, chance);
        Ok(Some(octets))
    }

    /// A new document, now and then one in the place of an earlier one.
    pub(crate) fn send_document(
        &mut self,
        to: &Organization,
        now: Timestamp,
        step: usize,
        chance: &mut Chance,
        network: &mut Network,
    ) -> Outcome<()> {
        self.numbers += 1;
        let date = Date::of(now.time());
        let number = self.numbers.to_string();
        let kind = code::document_type(DocumentClass::Administrative, 18).ok_or("no such document type")?;
        let mut d = Document::new(
            self.us.clone(),
            vec![to.clone()],
            DocumentId::of(&self.us.id, date, &number, self.notation),
            Code::new(&number, self.notation),
            Promulgation::new("Việt Nam", date),
            kind.into(),
            format!("V/v báo cáo số {number}"),
        );
        let mut other = OtherInfo::default();
        other.pages = Some(Coded::Known(1));
        d.other = Some(other);
        d.trace = vec![TraceHeader::new(self.us.id.clone(), now)];
        if chance.percent(6)
            && let Some(old) = self.in_force(chance)
        {
            let mut business = Business::new(BusinessKind::Replacement);
            business.reason = Some("Thay thế văn bản có sai sót".to_owned());
            business.replaces = vec![Replacement::new(old.as_str(), vec![to.id.clone()])];
            d.business = Some(business);
        }
        let content = format!("Nội dung văn bản số {number}").into_bytes();
        let message: Message = d.clone().into();
        if self.send(&message, Some(&content), step, chance, network)?.is_some() {
            self.documents.insert(d.document_id.clone(), d);
        }
        Ok(())
    }

    /// An outgoing document of which nothing is asked.
    fn in_force(&self, chance: &mut Chance) -> Option<DocumentId> {
        let idle = |e: &&kyso::exchange::Entry| {
            let open = e.delivery.request().is_some_and(|r| r.answer == kyso::exchange::Answer::Open);
            e.key.side == Side::Sender && e.delivery.content() == Content::Current && !open
        };
        let all: Vec<_> = self.register.entries().filter(idle).collect();
        all.get(chance.below(all.len())).map(|e| e.key.document.clone())
    }

    /// Recalls, takes back, updates and mends.
    pub(crate) fn think_again(
        &mut self,
        to: &Organization,
        now: Timestamp,
        step: usize,
        chance: &mut Chance,
        network: &mut Network,
    ) -> Outcome<()> {
        if let Some(id) = self.refused.pop()
            && let Some(mut d) = self.documents.get(&id).cloned()
        {
            d.subject.push_str(" (đã sửa)");
            d.business = None;
            let (message, content) = (d.clone().into(), "Nội dung đã sửa".as_bytes().to_vec());
            let key = Key { side: Side::Sender, other: to.id.clone(), document: id.clone() };
            let in_force = self.register.entry(&key).is_some_and(|e| e.delivery.content() == Content::Current);
            if self.send(&message, Some(&content), step, chance, network)?.is_some() {
                self.documents.insert(id, d);
            } else if in_force {
                // Something is asked about it, and not answered: later.
                self.refused.insert(0, id);
            }
        }
        if !chance.percent(25) {
            return Ok(());
        }
        let Some(id) = self.in_force(chance) else { return Ok(()) };
        let Some(mut d) = self.documents.get(&id).cloned() else { return Ok(()) };
        d.trace = vec![TraceHeader::new(self.us.id.clone(), now)];
        let kind = match chance.below(3) {
            0 => BusinessKind::Recall,
            1 => BusinessKind::Update,
            _ => {
                let key = Key { side: Side::Sender, other: to.id.clone(), document: id };
                let status = self.register.status(&key, &self.us, StatusCode::TakeBack, now);
                let mut status = status.ok_or("a document that is in force is in the register")?;
                status.description = Some("Gửi nhầm nơi nhận".to_owned());
                self.send(&status.into(), None, step, chance, network)?;
                return Ok(());
            }
        };
        let mut business = Business::new(kind);
        business.reason = Some("Có sai sót".to_owned());
        if kind == BusinessKind::Update {
            let mut update = UpdateInfo::default();
            update.document = Some(Coded::Known(Flag(true)));
            business.update = Some(update);
            d.subject.push_str(" (cập nhật)");
            d.other.get_or_insert_default().pages = Some(Coded::Known(2));
        }
        d.business = Some(business);
        self.send(&d.into(), None, step, chance, network)?;
        Ok(())
    }

    /// Takes what arrived, and plans what has to be done.
    pub(crate) fn receive(&mut self, octets: &[u8], step: usize, chance: &mut Chance) -> Outcome<()> {
        let source = octets.to_vec();
        let envelope = Envelope::read(&source, &Limits::default())?;
        let contents = envelope.check()?;
        check(contents.findings.is_empty(), "both sides write without a fault")?;
        let digests: Vec<Digest> =
            contents.attachments.iter().filter_map(|a| Some(a.content.as_ref()?.sha256)).collect();
        for taken in self.register.take(envelope.message(), &digests) {
            check(taken.ruling != Ruling::Refused, &format!("two that keep the rules: {taken:?}"))?;
            for duty in taken.duties {
                self.plan(&taken.key, duty, step, chance);
            }
        }
        Ok(())
    }

    fn plan(&mut self, key: &Key, duty: Duty, step: usize, chance: &mut Chance) {
        let mut task = |wait: usize, code| self.tasks.push(Task { due: step + wait, key: key.clone(), code });
        match duty {
            Duty::Report(code) => {
                task(0, code);
                let refuses = code == StatusCode::Arrived && chance.percent(8);
                task(1 + chance.below(12), if refuses { StatusCode::Refused } else { StatusCode::Accepted });
            }
            Duty::Decide(_) => {
                let agrees = chance.percent(75);
                task(1 + chance.below(20), if agrees { StatusCode::Agreed } else { StatusCode::Declined });
            }
            Duty::Repeat(code) => self.again.extend(self.statuses.get(&(key.clone(), code)).cloned()),
            Duty::TellAuthor => self.refused.push(key.document.clone()),
            _ => {}
        }
    }

    /// Does what is due.
    pub(crate) fn work(
        &mut self,
        now: Timestamp,
        step: usize,
        chance: &mut Chance,
        network: &mut Network,
    ) -> Outcome<()> {
        for octets in std::mem::take(&mut self.again) {
            network.send(self.peer(), octets, step, chance);
        }
        let (due, later): (Vec<Task>, Vec<Task>) =
            std::mem::take(&mut self.tasks).into_iter().partition(|t| t.due <= step);
        self.tasks = later;
        for Task { key, code, .. } in due {
            let status = self.register.status(&key, &self.us, code, now);
            let mut status = status.ok_or("what has to be done is about something in the register")?;
            if matches!(code, StatusCode::Refused | StatusCode::Declined) {
                status.description = Some("Không thuộc thẩm quyền".to_owned());
            }
            // The rules tell where there is nothing to say any more: the document is gone, or was refused.
            let Some(octets) = self.send(&status.into(), None, step, chance, network)? else { continue };
            self.statuses.insert((key.clone(), code), octets);
            if code == StatusCode::Accepted {
                self.arrivals += 1;
                if let Some(record) = self.register.record_mut(&key) {
                    record.arrival_number = Some(self.arrivals);
                    record.arrival_date = Some(Date::of(now.time()));
                }
            }
            let next = match code {
                StatusCode::Accepted => Some(StatusCode::Assigned),
                StatusCode::Assigned => Some(StatusCode::InProgress),
                StatusCode::InProgress if chance.percent(15) => Some(StatusCode::Assigned),
                StatusCode::InProgress => Some(StatusCode::Finished),
                _ => None,
            };
            self.tasks.extend(next.map(|code| Task { due: step + 1 + chance.below(24), key, code }));
        }
        Ok(())
    }
}
