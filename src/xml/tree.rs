//! A document as a tree of elements, with the places where they stand.
//!
//! The text of elements named as payloads stays in the source: only where it
//! stands is kept, so that an attachment of any size costs no memory.

use std::rc::Rc;

use quick_xml::events::Event;
use quick_xml::reader::Reader;

use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Unsupported;
use crate::finding::Finding;
use crate::limits::Limits;
use crate::source::Source;
use crate::xml::input::Input;
use crate::xml::syntax;
use crate::xml::syntax::Fault;

/// The namespace of `xmlns` itself.
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
/// The namespace of `xml:lang` and its like.
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Namespace declarations in scope at one place. Honest messages have a handful;
/// each costs a comparison for every name below.
const MOST_BINDINGS: usize = 64;

/// What a format adds to the rules of XML.
pub(crate) struct Options {
    /// Prefixes that, unbound, resolve to a namespace with an error finding.
    pub(crate) known_prefixes: &'static [(&'static str, &'static str)],
    /// Elements (by local name) whose text stays in the source.
    pub(crate) payload: &'static str,
}

/// A part of a payload: where its text stands in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    /// Whether the text holds references (`&#13;`).
    pub(crate) references: bool,
}

/// An element.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) prefix: Box<str>,
    pub(crate) local: Box<str>,
    pub(crate) namespace: Option<Rc<str>>,
    pub(crate) attributes: Vec<Attribute>,
    /// All character data directly in the element.
    pub(crate) text: String,
    /// The text of a payload element.
    pub(crate) payload: Vec<Segment>,
    pub(crate) offset: u64,
    pub(crate) end: u64,
    pub(crate) line: u64,
    first_child: Option<usize>,
    next_sibling: Option<usize>,
}

/// An attribute other than a namespace declaration.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) local: Box<str>,
    pub(crate) namespace: Option<Rc<str>>,
    pub(crate) value: String,
}

impl Element {
    /// The value of an attribute without a namespace.
    pub(crate) fn attribute(&self, local: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.namespace.is_none() && *a.local == *local).map(|a| a.value.as_str())
    }

    /// The name as written.
    pub(crate) fn name(&self) -> String {
        if self.prefix.is_empty() { self.local.to_string() } else { format!("{}:{}", self.prefix, self.local) }
    }
}

/// A document that is well-formed and namespace-well-formed, but for the tolerated prefixes.
#[derive(Debug)]
pub(crate) struct Tree {
    elements: Vec<Element>,
    findings: Vec<Finding>,
}

impl Tree {
    /// Reads a whole document.
    pub(crate) fn read(source: &dyn Source, options: &Options, limits: &Limits) -> Result<Self, Error> {
        let allowed = u64::try_from(limits.xml_octets).unwrap_or(u64::MAX);
        let mut input = Input::new(source, allowed);
        let mut findings = Vec::new();
        start_of_document(&mut input, &mut findings)?;
        let start = input.offset();
        let mut reader = Reader::from_reader(input);
        let config = reader.config_mut();
        config.check_comments = true;
        config.check_end_names = true;
        let mut build = Build {
            options,
            limits,
            start,
            elements: Vec::new(),
            findings,
            open: Vec::new(),
            bindings: Vec::new(),
            nodes: 0,
        };
        let mut buffer = Vec::new();
        while build.step(&mut reader, &mut buffer)? {
            buffer.clear();
        }
        Ok(Self { elements: build.elements, findings: build.findings })
    }

    /// The document element.
    pub(crate) fn root(&self) -> Option<&Element> {
        self.elements.first()
    }

    /// The child elements, in document order.
    pub(crate) fn children<'t>(&'t self, of: &Element) -> impl Iterator<Item = &'t Element> + use<'t> {
        let mut next = of.first_child;
        std::iter::from_fn(move || {
            let element = self.elements.get(next?)?;
            next = element.next_sibling;
            Some(element)
        })
    }

    /// What was tolerated.
    pub(crate) fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }
}

/// What stands before the first `<` tells whether this is XML at all, and in which encoding.
fn start_of_document(input: &mut Input<'_>, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let head = input.peek(64)?;
    if head.is_empty() {
        return Err(Malformed::new(Format::Xml, "document", "an XML document").found("an empty input").at(0).into());
    }
    if head.starts_with(&[0xFE, 0xFF])
        || head.starts_with(&[0xFF, 0xFE])
        || head.get(..2).is_some_and(|h| h.contains(&0))
    {
        return Err(Unsupported::new(Format::Xml, "an encoding other than UTF-8 (the input is UTF-16 or UTF-32)")
            .at(0)
            .into());
    }
    if head.starts_with(&[0xEF, 0xBB, 0xBF]) {
        findings
            .push(Finding::info("XML_BYTE_ORDER_MARK", "a byte order mark stands before the document").at("line 1"));
        input.skip(3);
    }
    let head = input.peek(64)?;
    let junk = head.iter().take_while(|b| **b != b'<').count();
    let text = head.get(..junk).unwrap_or_default();
    let declaration = head.get(junk..).is_some_and(|rest| rest.starts_with(b"<?xml"));
    if text.iter().any(|b| !b.is_ascii_whitespace()) || (junk > 0 && declaration) {
        let what = if declaration { "nothing before the XML declaration" } else { "an XML document" };
        let found = syntax::cut(&String::from_utf8_lossy(text));
        return Err(Malformed::new(Format::Xml, "document", what).found(found).at(input.offset()).into());
    }
    Ok(())
}

struct Build<'o> {
    options: &'o Options,
    limits: &'o Limits,
    start: u64,
    elements: Vec<Element>,
    findings: Vec<Finding>,
    open: Vec<Open>,
    bindings: Vec<(Box<str>, Option<Rc<str>>)>,
    nodes: usize,
}

struct Open {
    element: usize,
    last_child: Option<usize>,
    bindings: usize,
}

#[derive(Clone, Copy)]
struct Place {
    offset: u64,
    line: u64,
}

impl Place {
    fn error(self, what: &str, fault: Fault) -> Error {
        let field = format!("{what}, line {},", self.line);
        Malformed::new(Format::Xml, field, fault.expected).found(fault.found).at(self.offset).into()
    }
}

impl Build<'_> {
    /// Takes one token; `false` at the end of the document.
    fn step(&mut self, reader: &mut Reader<Input<'_>>, buffer: &mut Vec<u8>) -> Result<bool, Error> {
        let place = Place { offset: reader.get_ref().offset(), line: reader.get_ref().line() };
        let event = match reader.read_event_into(buffer) {
            Ok(event) => event,
            Err(e) => {
                if let Some(error) = reader.get_mut().take_error() {
                    return Err(error);
                }
                // The tokenizer's message may repeat any part of the input.
                let found: String = e.to_string().chars().take(200).collect();
                return Err(place.error("markup", Fault::new("well-formed XML", found)));
            }
        };
        match event {
            Event::Start(tag) => {
                let (name, rest) = (tag.name().into_inner(), tag.attributes_raw());
                self.start_tag(name, rest, place)?;
                if self.elements.last().is_some_and(|e| *e.local == *self.options.payload) {
                    let segments = self.payload(reader)?;
                    if let Some(element) = self.elements.last_mut() {
                        element.payload = segments;
                    }
                }
            }
            Event::Empty(tag) => {
                self.start_tag(tag.name().into_inner(), tag.attributes_raw(), place)?;
                self.end_tag(reader.get_ref().offset());
            }
            Event::End(_) => self.end_tag(reader.get_ref().offset()),
            Event::Text(text) => self.text(&text, place, true)?,
            Event::CData(text) => {
                self.inside(place, "a CDATA section")?;
                self.text(&text, place, false)?;
            }
            Event::GeneralRef(name) => {
                self.inside(place, "a reference")?;
                let c = syntax::reference(&name).map_err(|f| place.error("reference", f))?;
                if let Some(element) = self.current() {
                    element.text.push(c);
                }
            }
            Event::Comment(text) => {
                self.count()?;
                let mut ignored = String::new();
                syntax::append_text(&mut ignored, &text).map_err(|f| place.error("comment", f))?;
            }
            Event::Decl(declaration) => self.declaration(&declaration, place)?,
            Event::PI(instruction) => {
                self.count()?;
                if instruction.target().eq_ignore_ascii_case("xml") {
                    let fault = Fault::new("the XML declaration at the start of the document only", "a second one");
                    return Err(place.error("declaration", fault));
                }
                // The first is enough: a message of nothing else would fill a report with them.
                if !self.findings.iter().any(|f| f.code() == "XML_PROCESSING_INSTRUCTION") {
                    self.findings.push(
                        Finding::warning("XML_PROCESSING_INSTRUCTION", "a processing instruction, which is ignored")
                            .at(format_args!("{}, line {}", self.path(), place.line)),
                    );
                }
            }
            Event::DocType(_) => {
                let fault = Fault::new("no document type declaration", "a DTD, which is refused");
                return Err(place.error("DOCTYPE", fault));
            }
            Event::Eof => {
                if let Some(open) = self.open.last().and_then(|o| self.elements.get(o.element)) {
                    let found = format!("the end of the input inside of {} of line {}", open.name(), open.line);
                    return Err(place.error("document", Fault::new("end tags", found)));
                }
                if self.elements.is_empty() {
                    return Err(place.error("document", Fault::new("an element", "none")));
                }
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn count(&mut self) -> Result<(), Error> {
        self.nodes += 1;
        if self.nodes > self.limits.xml_nodes {
            return Err(LimitExceeded::new("xml_nodes", self.limits.xml_nodes as u64).into());
        }
        Ok(())
    }

    /// The way to the element that is open.
    fn path(&self) -> String {
        let names = self.open.iter().filter_map(|open| self.elements.get(open.element));
        names.map(|element| format!("/{}", element.local)).collect()
    }

    fn current(&mut self) -> Option<&mut Element> {
        self.elements.get_mut(self.open.last()?.element)
    }

    fn inside(&self, place: Place, what: &str) -> Result<(), Error> {
        if self.open.is_empty() {
            return Err(place.error("document", Fault::new("nothing but comments around the document element", what)));
        }
        Ok(())
    }

    fn text(&mut self, text: &str, place: Place, literal: bool) -> Result<(), Error> {
        if literal && text.contains("]]>") {
            return Err(place.error("text", Fault::new("text without `]]>`", syntax::cut(text))));
        }
        let Some(element) = self.current() else {
            if text.contains(|c: char| !matches!(c, ' ' | '\t' | '\r' | '\n')) {
                self.inside(place, &syntax::cut(text.trim()))?;
            }
            return Ok(());
        };
        syntax::append_text(&mut element.text, text).map_err(|f| place.error("text", f))
    }

    fn declaration(&mut self, text: &str, place: Place) -> Result<(), Error> {
        let wrong = |fault| place.error("XML declaration", fault);
        if place.offset != self.start {
            return Err(wrong(Fault::new("the start of the document only", "a second place")));
        }
        let mut rest = text.strip_prefix("xml").unwrap_or(text);
        let mut names = Vec::new();
        while let Some(part) = syntax::attribute(&mut rest).map_err(wrong)? {
            match (part.name, part.value.as_str()) {
                ("version", "1.0") | ("standalone", "yes" | "no") => {}
                ("version", other) => {
                    return Err(Unsupported::new(Format::Xml, format!("XML version {}", syntax::cut(other))).into());
                }
                ("encoding", name) if name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii") => {}
                ("encoding", other) => {
                    let feature = format!("the encoding {}; a message is UTF-8", syntax::cut(other));
                    return Err(Unsupported::new(Format::Xml, feature).at(place.offset).into());
                }
                (other, _) => return Err(wrong(Fault::new("version, encoding, standalone", syntax::cut(other)))),
            }
            names.push(part.name);
        }
        if !matches!(
            names.as_slice(),
            ["version"] | ["version", "encoding" | "standalone"] | ["version", "encoding", "standalone"]
        ) {
            return Err(wrong(Fault::new("version, then encoding, then standalone", names.join(", "))));
        }
        Ok(())
    }

    fn start_tag(&mut self, name: &str, mut rest: &str, place: Place) -> Result<(), Error> {
        self.count()?;
        let wrong = |fault| place.error("start tag", fault);
        if self.open.len() >= self.limits.depth {
            return Err(LimitExceeded::new("depth", self.limits.depth as u64).into());
        }
        if self.open.is_empty() && !self.elements.is_empty() {
            return Err(wrong(Fault::new("one document element", format!("a second one, {}", syntax::cut(name)))));
        }
        let (prefix, local) = syntax::qname(name).map_err(wrong)?;
        let outer = self.bindings.len();
        let mut raw = Vec::new();
        let mut seen = 0;
        while let Some(attribute) = syntax::attribute(&mut rest).map_err(wrong)? {
            seen += 1;
            if seen > self.limits.xml_attributes {
                return Err(LimitExceeded::new("xml_attributes", self.limits.xml_attributes as u64).into());
            }
            self.count()?;
            let (prefix, local) = syntax::qname(attribute.name).map_err(wrong)?;
            match (prefix, local) {
                ("", "xmlns") => self.bind("", &attribute.value, outer).map_err(wrong)?,
                ("xmlns", bound) => self.bind(bound, &attribute.value, outer).map_err(wrong)?,
                _ => raw.push((prefix, local, attribute.value)),
            }
        }
        let mut attributes: Vec<Attribute> = Vec::with_capacity(raw.len());
        for (prefix, local, value) in raw {
            let namespace = if prefix.is_empty() { None } else { self.resolve(prefix, place)? };
            // At most `xml_attributes` of them, so comparing each with each is bounded.
            if attributes.iter().any(|a| *a.local == *local && a.namespace == namespace) {
                return Err(wrong(Fault::new("each attribute once", format!("{} twice", syntax::cut(local)))));
            }
            attributes.push(Attribute { local: local.into(), namespace, value });
        }
        let namespace = self.resolve(prefix, place)?;
        let index = self.elements.len();
        if let Some(parent) = self.open.last_mut() {
            let before = parent.last_child.replace(index);
            let link = match before {
                Some(sibling) => self.elements.get_mut(sibling).map(|e| &mut e.next_sibling),
                None => self.elements.get_mut(parent.element).map(|e| &mut e.first_child),
            };
            if let Some(link) = link {
                *link = Some(index);
            }
        }
        self.elements.push(Element {
            prefix: prefix.into(),
            local: local.into(),
            namespace,
            attributes,
            text: String::new(),
            payload: Vec::new(),
            offset: place.offset,
            end: place.offset,
            line: place.line,
            first_child: None,
            next_sibling: None,
        });
        self.open.push(Open { element: index, last_child: None, bindings: outer });
        Ok(())
    }

    fn end_tag(&mut self, end: u64) {
        if let Some(open) = self.open.pop() {
            self.bindings.truncate(open.bindings);
            if let Some(element) = self.elements.get_mut(open.element) {
                element.end = end;
            }
        }
    }

    /// Namespaces in XML 1.0 §3 and §5: what may be bound to what.
    fn bind(&mut self, prefix: &str, uri: &str, outer: usize) -> Result<(), Fault> {
        let fixed = match (prefix, uri) {
            ("xml", XML) => return Ok(()),
            ("xml" | "xmlns", _) | (_, XML | XMLNS) => Some("the reserved prefixes and namespaces unchanged"),
            (p, "") if !p.is_empty() => Some("a namespace for a prefix"),
            _ => None,
        };
        if let Some(expected) = fixed {
            return Err(Fault::new(expected, format!("xmlns:{prefix}={}", syntax::cut(uri))));
        }
        if self.bindings.iter().skip(outer).any(|(p, _)| **p == *prefix) {
            return Err(Fault::new("each attribute once", format!("xmlns:{prefix} twice")));
        }
        if self.bindings.len() >= MOST_BINDINGS {
            return Err(Fault::new("at most 64 namespace declarations in scope", "more"));
        }
        self.bindings.push((prefix.into(), (!uri.is_empty()).then(|| Rc::from(uri))));
        Ok(())
    }

    fn resolve(&mut self, prefix: &str, place: Place) -> Result<Option<Rc<str>>, Error> {
        if let Some((_, bound)) = self.bindings.iter().rev().find(|(p, _)| **p == *prefix) {
            return Ok(bound.clone());
        }
        if prefix.is_empty() {
            return Ok(None);
        }
        if prefix == "xml" {
            return Ok(Some(XML.into()));
        }
        let Some((_, namespace)) = self.options.known_prefixes.iter().find(|(p, _)| *p == prefix) else {
            let fault = Fault::new("a declared namespace prefix", format!("{prefix}:, which is not declared"));
            return Err(place.error("start tag", fault));
        };
        let message = format!("the prefix {prefix}: is not declared here; it is taken for {namespace}");
        let same = |f: &Finding| f.code() == "XML_PREFIX_UNBOUND" && f.message() == message;
        if !self.findings.iter().any(same) {
            let finding = Finding::error("XML_PREFIX_UNBOUND", message);
            self.findings.push(finding.at(format_args!("{}/{prefix}:…, line {}", self.path(), place.line)));
        }
        Ok(Some((*namespace).into()))
    }

    /// Steps over the text of a payload element, up to its end tag, which stays.
    fn payload(&mut self, reader: &mut Reader<Input<'_>>) -> Result<Vec<Segment>, Error> {
        const CDATA: &[u8] = b"<![CDATA[";
        let mut segments: Vec<Segment> = Vec::new();
        loop {
            let input = reader.get_mut();
            let from = input.offset();
            let references = input.skip_until(b"<", b'&')?;
            if input.offset() > from {
                segments.push(Segment { offset: from, length: input.offset() - from, references });
            }
            let place = Place { offset: input.offset(), line: input.line() };
            let markup = input.peek(CDATA.len())?;
            if markup.starts_with(CDATA) {
                self.count()?;
                let input = reader.get_mut();
                input.skip(CDATA.len());
                let from = input.offset();
                input.skip_until(b"]]>", b'&')?;
                segments.push(Segment { offset: from, length: input.offset() - from, references: false });
                if !input.peek(3)?.starts_with(b"]]>") {
                    return Err(place.error("CDATA section", Fault::new("an end", "the end of the input")));
                }
                input.skip(3);
            } else if markup.starts_with(b"<!--") || markup.starts_with(b"<?") {
                let mut buffer = Vec::new();
                self.step(reader, &mut buffer)?;
            } else if markup.starts_with(b"</") || markup.is_empty() {
                return Ok(segments);
            } else {
                let found = syntax::cut(&String::from_utf8_lossy(markup));
                return Err(place.error("payload", Fault::new("text only", found)));
            }
        }
    }
}
