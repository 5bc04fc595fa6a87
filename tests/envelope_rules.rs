//! Every rule of the schema (`data/edxml.xsd`) broken by itself, one at a time, in every place of a message
//! where it applies: each is found. The mutations are made from the schema, so that a rule that is added there
//! has its own; a rule or a finding that is added to the reader and has none fails here.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/messages.rs"]
mod messages;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kyso::Limits;
use kyso::Time;
use kyso::envelope::Enclosure;
use kyso::envelope::Envelope;
use kyso::envelope::Message;
use kyso::envelope::Writer;

fn source(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The value of an attribute in the text of a tag.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    tag.split_once(&format!(" {name}=\""))?.1.split('"').next()
}

/// A leaf: what its text may be.
#[derive(Clone, Debug, Default)]
struct Leaf {
    longest: Option<usize>,
    /// Whether not every text is one of its values.
    closed: bool,
}

#[derive(Clone, Debug)]
struct Declaration {
    name: String,
    kind: String,
    needed: bool,
    once: bool,
}

/// The schema: leaves and complex types by name. It is read as it is laid out, one declaration in a line.
struct Schema {
    leaves: BTreeMap<String, Leaf>,
    types: BTreeMap<String, Vec<Declaration>>,
}

impl Schema {
    fn read() -> Self {
        let (mut leaves, mut types) = (BTreeMap::new(), BTreeMap::new());
        for kind in ["xs:unsignedShort", "xs:boolean"] {
            leaves.insert(kind.to_owned(), Leaf { closed: true, ..Leaf::default() });
        }
        let text = source("tests/data/edxml.xsd");
        let mut current = String::new();
        for line in text.lines().map(str::trim) {
            if line.starts_with("<xs:simpleType") {
                let longest = line.split_once("maxLength value=\"").map(|(_, n)| n.split('"').next().unwrap());
                let closed = ["xs:pattern", "xs:enumeration", "xs:base64Binary"].iter().any(|w| line.contains(w));
                let leaf = Leaf { longest: longest.map(|n| n.parse().unwrap()), closed };
                leaves.insert(attribute(line, "name").unwrap().to_owned(), leaf);
            } else if line.starts_with("<xs:complexType") {
                current = attribute(line, "name").unwrap_or("edXML").to_owned();
                types.insert(current.clone(), Vec::new());
            } else if line.starts_with("<xs:element") && attribute(line, "type").is_some() {
                let declaration = Declaration {
                    name: attribute(line, "name").unwrap().to_owned(),
                    kind: attribute(line, "type").unwrap().to_owned(),
                    needed: attribute(line, "minOccurs") != Some("0"),
                    once: attribute(line, "maxOccurs").is_none(),
                };
                types.get_mut(&current).unwrap().push(declaration);
            } else if line == "<xs:sequence>" && current == "messageHeader" {
                // The second of the two sequences is that of statuses.
                let first = types.get("messageHeader").is_some_and(|all: &Vec<Declaration>| all.len() > 1);
                if first {
                    let from = types["messageHeader"][0].clone();
                    current = "statusHeader".to_owned();
                    types.insert(current.clone(), vec![from]);
                }
            }
        }
        assert!(leaves.len() > 20 && types.len() > 25, "{} {}", leaves.len(), types.len());
        Self { leaves, types }
    }
}

/// An element of a message, as the writer lays it out.
#[derive(Clone, Debug, Default)]
struct Node {
    /// The inside of the start tag.
    tag: String,
    text: String,
    children: Vec<Self>,
}

impl Node {
    fn parse(text: &str) -> Self {
        let mut open: Vec<Self> = vec![Self::default()];
        let body = text.split_once("?>").unwrap().1;
        for part in body.split('<').skip(1) {
            let (tag, text) = part.split_once('>').unwrap();
            if tag.starts_with('/') {
                let done = open.pop().unwrap();
                open.last_mut().unwrap().children.push(done);
            } else {
                open.push(Self { tag: tag.to_owned(), text: text.trim().to_owned(), children: Vec::new() });
            }
        }
        open.pop().unwrap().children.pop().unwrap()
    }

    fn write(&self, to: &mut String) {
        let name = self.tag.split(' ').next().unwrap();
        *to += &format!("<{}>{}", self.tag, self.text);
        self.children.iter().for_each(|child| child.write(to));
        *to += &format!("</{name}>\n");
    }

    fn octets(&self) -> Vec<u8> {
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut text);
        text.into_bytes()
    }

    fn local(&self) -> &str {
        let name = self.tag.split(' ').next().unwrap();
        name.rsplit_once(':').map_or(name, |(_, local)| local)
    }

    fn at(&self, path: &[usize]) -> &Self {
        path.iter().fold(self, |node, index| &node.children[*index])
    }

    /// A copy in which the element at `path` is another.
    fn with(&self, path: &[usize], change: &dyn Fn(&mut Self)) -> Self {
        let mut copy = self.clone();
        change(path.iter().fold(&mut copy, |node, index| &mut node.children[*index]));
        copy
    }
}

/// Every kind of message, with everything in it that a message can hold.
fn samples() -> Vec<Node> {
    let content = b"Noi dung".to_vec();
    let mut all = messages::all();
    all.push(("status", messages::status(kyso::envelope::StatusCode::Arrived).into(), 0));
    let write = |(_, message, count): &(&str, Message, usize)| {
        let mut writer = Writer::new(message);
        for n in 0..*count {
            let enclosure = Enclosure::new(format!("{n}.txt"), "text/plain", &content);
            writer = writer.enclose(if n == 0 { enclosure.described("mô tả") } else { enclosure });
        }
        Node::parse(&String::from_utf8(writer.to_vec().unwrap()).unwrap())
    };
    all.iter().map(write).collect()
}

/// The codes of all findings, payloads included; `None` where the message is refused as a whole.
fn codes(octets: &[u8]) -> Option<Vec<(String, String)>> {
    let octets = octets.to_vec();
    let now = Time::parse_rfc3339("2026-11-22T00:00:00Z").unwrap();
    let envelope = Envelope::read_at(&octets, &Limits::default(), now).ok()?;
    let findings = envelope.check().unwrap().findings;
    Some(findings.iter().map(|f| (f.code().to_owned(), f.place().unwrap_or_default().to_owned())).collect())
}

/// What breaking rules led to: which were broken at all, and which codes were seen.
#[derive(Default)]
struct Tried {
    rules: BTreeSet<String>,
    codes: BTreeSet<String>,
    missed: BTreeSet<String>,
}

impl Tried {
    /// The message must be refused, or one of `expected` told at an element of this name.
    fn broken(&mut self, rule: String, message: &Node, expected: &[&str], name: &str) {
        let text = message.octets();
        if let Some(found) = codes(&text) {
            let told = found.iter().any(|(code, place)| {
                let last = place.rsplit_once(", line ").map_or(place.as_str(), |(path, _)| path);
                expected.contains(&code.as_str()) && last.contains(name)
            });
            if !told {
                self.missed.insert(format!("{rule}: expected {expected:?} at {name:?}, found {found:?}"));
            }
            self.codes.extend(found.into_iter().map(|(code, _)| code));
        }
        self.rules.insert(rule);
    }
}

/// Breaks each rule that the schema has for the children of the element at `path`, and goes down.
fn break_all(schema: &Schema, message: &Node, path: &[usize], kind: &str, tried: &mut Tried) {
    let node = message.at(path);
    let status = node.children.iter().any(|c| c.local() == "StatusCode");
    let kind = if kind == "messageHeader" && status { "statusHeader" } else { kind };
    let Some(declarations) = schema.types.get(kind) else { return break_leaf(schema, message, path, kind, tried) };
    let here = node.local().to_owned();
    for child in &node.children {
        assert!(declarations.iter().any(|d| d.name == child.local()), "{} in {kind}", child.local());
    }
    for d in declarations {
        let rule = |what: &str| format!("{kind}/{}: {what}", d.name);
        let places: Vec<usize> = (0..node.children.len()).filter(|n| node.children[*n].local() == d.name).collect();
        let Some(first) = places.first() else { continue };
        if d.needed {
            let without = message.with(path, &|n| n.children.retain(|c| c.local() != d.name));
            // A list without its items, a message without its attachments.
            let codes =
                ["ELEMENT_MISSING", "VALUE_EMPTY", "ATTACHMENT_MISSING", "ATTACHMENT_UNLISTED", "BUSINESS_INCOMPLETE"];
            tried.broken(rule("needed"), &without, &codes, "");
        }
        if d.once {
            let twice = message.with(path, &|n| {
                let copy = n.children[*first].clone();
                n.children.push(copy);
            });
            tried.broken(rule("once"), &twice, &["ELEMENT_REPEATED"], &d.name);
        }
        for index in places {
            break_all(schema, message, &[path, &[index]].concat(), &d.kind, tried);
        }
    }
    let prefix = node.tag.split(' ').next().unwrap().strip_suffix(&here).unwrap_or_default().to_owned();
    let strange = Node { tag: format!("{prefix}Strange"), text: "x".to_owned(), children: Vec::new() };
    let more = message.with(path, &|n| n.children.push(strange.clone()));
    tried.broken(format!("{kind}: no other"), &more, &["ELEMENT_UNKNOWN"], "Strange");
    let text = message.with(path, &|n| n.text = "chữ".to_owned());
    tried.broken(format!("{kind}: no text"), &text, &["TEXT_UNEXPECTED"], &here);
}

fn break_leaf(schema: &Schema, message: &Node, path: &[usize], kind: &str, tried: &mut Tried) {
    let leaf = schema.leaves.get(kind).unwrap_or_else(|| panic!("no type {kind}"));
    let name = message.at(path).local().to_owned();
    let parent = message.at(&path[..path.len() - 1]).local().to_owned();
    let rule = |what: &str| format!("{parent}/{name} of {kind}: {what}");
    let saying = |text: String| message.with(path, &|n| n.text.clone_from(&text));
    let empty = ["VALUE_EMPTY", "ATTACHMENT_EMPTY"];
    tried.broken(rule("not empty"), &saying(String::new()), &empty, &name);
    let children = message.with(path, &|n| n.children.push(Node { tag: "edXML:b".into(), ..Node::default() }));
    if kind != "base64" {
        tried.broken(rule("text only"), &children, &["ELEMENT_UNKNOWN", "XML_PREFIX_UNBOUND"], &name);
        let own = message.at(path).text.clone();
        tried.broken(rule("no space around"), &saying(format!(" {own}")), &["VALUE_PADDED"], &name);
    }
    if let Some(longest) = leaf.longest {
        // As many characters, however many octets they take; the form of identifiers is another rule.
        let of = |count: usize| saying("ạ".repeat(count));
        let told = |message: &Node| {
            codes(&message.octets())
                .unwrap()
                .iter()
                .any(|(code, place)| code == "VALUE_TOO_LONG" && place.contains(&name))
        };
        assert!(!told(&of(longest)) && told(&of(longest + 1)), "{}", rule("length"));
        tried.broken(rule("length"), &of(longest + 1), &["VALUE_TOO_LONG"], &name);
    }
    if leaf.closed {
        let codes = ["VALUE_INVALID", "VALUE_FORM", "ORGAN_ID_SCHEME", "ATTACHMENT_DAMAGED"];
        // An attachment's identifier may be any; what counts is that the two places agree.
        let codes: &[&str] = if kind == "contentId" { &["ATTACHMENT_MISSING", "ATTACHMENT_UNLISTED"] } else { &codes };
        let at = if matches!(kind, "contentId" | "base64") { "" } else { &name };
        tried.broken(rule("its values"), &saying("?*".to_owned()), codes, at);
    }
}

fn everything_broken() -> (Schema, Tried) {
    let (schema, mut tried) = (Schema::read(), Tried::default());
    for message in samples() {
        assert_eq!(codes(&message.octets()).unwrap(), [], "a message without a fault");
        break_all(&schema, &message, &[], "edXML", &mut tried);
    }
    assert!(tried.missed.is_empty(), "{}", tried.missed.into_iter().collect::<Vec<_>>().join("\n"));
    (schema, tried)
}

#[test]
fn each_rule_of_the_schema_is_broken_somewhere_and_found() {
    let (schema, tried) = everything_broken();
    for (kind, declarations) in &schema.types {
        for d in declarations {
            for (has, what) in [(d.needed, "needed"), (d.once, "once")] {
                let rule = format!("{kind}/{}: {what}", d.name);
                assert!(!has || tried.rules.contains(&rule), "no message breaks {rule}");
            }
            if schema.leaves.contains_key(&d.kind) {
                let of = format!("/{} of {}: not empty", d.name, d.kind);
                assert!(tried.rules.iter().any(|rule| rule.ends_with(&of)), "no message has {kind}/{}", d.name);
            }
        }
    }
    assert!(tried.rules.len() > 400, "{}", tried.rules.len());
}

/// The rules of the reader, as its source states them, are those of the schema.
#[test]
fn the_reader_has_no_rule_that_the_schema_does_not_have() {
    let schema = Schema::read();
    let declared = |name: &str| schema.types.values().flatten().filter(|d| d.name == name).cloned().collect::<Vec<_>>();
    let (mut needed, mut lengths) = (0, 0);
    for path in ["src/envelope/parse.rs", "src/envelope/read.rs"] {
        let text: String = source(path).split_whitespace().collect::<Vec<_>>().join(" ");
        for call in text.split("needed(to, \"").skip(1).chain(text.split("needed_text(to, \"").skip(1)) {
            let name = call.split('"').next().unwrap();
            assert!(declared(name).iter().any(|d| d.needed), "{name} is needed in {path}, not in the schema");
            needed += 1;
        }
        for start in ["text(to, \"", "list(to, &f, \""] {
            for call in text.split(start).skip(1) {
                let (name, rest) = call.split_once('"').unwrap();
                let arguments = rest.split(')').next().unwrap();
                let item = rest.split('"').nth(1).filter(|_| start.starts_with("list")).unwrap_or(name);
                let longest = arguments.rsplit(", ").next().unwrap();
                let Ok(longest @ 1..) = longest.parse::<usize>() else { continue };
                let kinds = declared(item);
                let lengths_there: Vec<_> = kinds.iter().filter_map(|d| schema.leaves.get(&d.kind)?.longest).collect();
                assert!(
                    lengths_there.contains(&longest),
                    "{item}: {longest} in {path}, {lengths_there:?} in the schema"
                );
                lengths += 1;
            }
        }
    }
    assert!(needed > 30 && lengths > 20, "{needed} {lengths}");
}

/// Rules between elements, and those of the text itself.
#[test]
fn each_finding_is_provoked_by_some_mutation() {
    let (_, tried) = everything_broken();
    let mut seen = tried.codes;
    let text = |n: usize| String::from_utf8(samples()[n].octets()).unwrap();
    let of = |kind: &str| {
        messages::all().iter().position(|(k, _, count)| *k == kind && (kind != "new" || *count == 3)).unwrap()
    };
    let (new, update, replacement) = (text(of("new")), text(of("update")), text(of("replacement")));
    let recall = text(of("recall"));
    let status = String::from_utf8(samples().last().unwrap().octets()).unwrap();
    let whole = |text: &str, tag: &str| {
        let start = text.find(&format!("<edXML:{tag}>")).unwrap();
        let end = text[start..].find(&format!("</edXML:{tag}>")).unwrap() + tag.len() + 9;
        text[start..start + end].to_owned()
    };
    let header = "</edXML:MessageHeader>";
    let attachments = |text: &str| {
        let start = text.find("<AttachmentEncoded>").unwrap();
        text[start..text.find("</edXML>").unwrap()].to_owned()
    };
    let reference = whole(&new, "Reference");
    let cases: Vec<(&str, String)> = vec![
        ("ATTACHMENT_NAME_DIFFERS", new.replacen(">0.txt<", ">khác.txt<", 1)),
        ("ATTACHMENT_NAME_UNSAFE", new.replace(">0.txt<", ">../0.txt<")),
        ("ATTACHMENT_NONE", new.replace(&attachments(&new), "")),
        ("ATTACHMENT_TYPE_DIFFERS", new.replacen(">text/plain<", ">text/csv<", 1)),
        ("ATTACHMENT_UNEXPECTED", status.replace("</edXML>", &format!("{}</edXML>", attachments(&new)))),
        ("ATTACHMENT_UNLISTED", new.replacen(&reference, "", 1)),
        ("BUSINESS_INCOMPLETE", replacement.replace(&whole(&replacement, "ReplacementInfoList"), "")),
        ("BUSINESS_INCOMPLETE", update.replace(&whole(&update, "BussinessDocumentInfo"), "")),
        ("BUSINESS_UNEXPECTED", update.replace("DocType>2<", "DocType>1<")),
        ("BUSINESS_UNEXPECTED", replacement.replace("DocType>3<", "DocType>1<")),
        ("CONTENT_ID_REPEATED", new.replacen(&reference, &format!("{reference}{reference}"), 1)),
        ("DATE_IN_FUTURE", new.replace("2026/11/20", "2026/11/23")),
        ("DOCUMENT_ID_FORM", new.replace("G14,2026/11/20,", "G14,2026/02/30,")),
        ("DOCUMENT_ID_MISMATCH", new.replacen(">2154<", ">2155<", 1)),
        ("DOCUMENT_TYPE_NAME", new.replace(">Công văn<", ">Quyết định<")),
        ("DOCUMENT_TYPE_UNLISTED", new.replace(">18<", ">99<")),
        ("ELEMENT_MISPLACED", {
            let list = attachments(&new);
            new.replace(&list, "").replace("</edXML:edXMLEnvelope>", &format!("{list}</edXML:edXMLEnvelope>"))
        }),
        ("FINDINGS_CUT", new.replace(header, &format!("{}{header}", "<edXML:x/>".repeat(1_100)))),
        ("NAMESPACE_MISSING", new.replacen("<edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"", "<edXML", 1)),
        ("ORGAN_ID_REPEATED", new.replacen(">000.00.00.H41<", ">H14<", 1)),
        ("PREFIX_UNEXPECTED", new.replace("edXML:Subject>", "Subject>")),
        ("REASON_MISSING", recall.replace(&whole(&recall, "BussinessDocReason"), "")),
        ("REASON_MISSING", status.replace(&whole(&status, "Description"), "").replace(">01<", ">02<")),
        ("REPLACEMENT_REPEATED", replacement.replace("G14,2026/01/06,13/", "G14,2026/01/05,12/")),
        (
            "SIGNATURE_NOT_COUNTED",
            new.replace(header, &format!("{header}<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/>")),
        ),
        ("XML_BYTE_ORDER_MARK", format!("\u{FEFF}{new}")),
        ("XML_PREFIX_UNBOUND", new.replacen(" xmlns:edXML=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"", "", 1)),
        ("XML_PROCESSING_INSTRUCTION", new.replace(header, &format!("<?x?>{header}"))),
        ("VALUE_FORM", new.replacen("Date>2026/11/20<", "Date>20/11/2026<", 1)),
        ("ATTACHMENT_DAMAGED", new.replacen(">UEsD", ">UEsD*", 1)),
    ];
    for (code, text) in cases {
        let found = codes(text.as_bytes()).unwrap_or_else(|| panic!("{code}: refused"));
        assert!(found.iter().any(|(found, _)| found == code), "{code}: {found:?}");
        seen.extend(found.into_iter().map(|(code, _)| code));
    }
    let list = source("src/envelope/messages.rs");
    let list = list.split("#[cfg(test)]").next().unwrap();
    let all: BTreeSet<&str> = list.split("(\"").skip(1).map(|row| row.split('"').next().unwrap()).collect();
    // What only the writer says, and the limit that another test tries.
    let elsewhere = ["MESSAGE_DIFFERS", "MESSAGE_UNREADABLE", "TEXT_CHARACTER", "ATTACHMENT_TOO_LARGE"];
    let missing: Vec<_> = all.iter().filter(|c| !seen.contains(**c) && !elsewhere.contains(*c)).collect();
    assert!(all.len() > 35 && missing.is_empty(), "no mutation provokes {missing:?}");
}

/// In whatever order the elements stand, the message is the same.
#[test]
fn the_order_of_elements_says_nothing() {
    fn reversed(node: &Node) -> Node {
        let mut children: Vec<Node> = node.children.iter().map(reversed).collect();
        // Several of one name are a list, whose order is its own.
        let mut order: Vec<&str> = node.children.iter().map(Node::local).collect();
        order.dedup();
        children.sort_by_key(|c| std::cmp::Reverse(order.iter().position(|name| *name == c.local())));
        Node { children, ..node.clone() }
    }
    for sample in samples() {
        let (straight, back) = (sample.octets(), reversed(&sample).octets());
        assert_ne!(straight, back);
        let read = |text: &Vec<u8>| {
            let envelope = Envelope::read(text, &Limits::default()).unwrap();
            assert_eq!(envelope.findings(), []);
            envelope.message().clone()
        };
        assert_eq!(read(&straight), read(&back));
    }
}
