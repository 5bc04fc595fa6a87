//! By which ways the objects of one revision are reached.
//!
//! Every object reachable from the trailer gets the set of roles in which it is
//! reached. A role stands for all paths of one kind, so "every path to the
//! object is on the allow-list" becomes "every role of the object allows it".

use std::collections::HashMap;
use std::collections::HashSet;

use crate::error::Error;
use crate::error::LimitExceeded;
use crate::pdf::document::Members;
use crate::pdf::document::Revision;
use crate::pdf::document::Sweep;
use crate::pdf::numbers::Numbers;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::xref::Place;

/// The meaning in which an object is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Role {
    Catalog,
    /// Document information and XMP metadata of the catalogue.
    Metadata,
    /// The document security store and all below it.
    Dss,
    /// Developer extensions.
    Extensions,
    Form,
    /// `/DR` of the form.
    FormResources,
    /// `/Fields` of the form or `/Kids` of a field, as an object of its own.
    FieldArray,
    /// A field, a widget, or both.
    Field,
    /// The value of a field that is no signature.
    FieldValue,
    /// The appearance of a widget whose field may be filled in.
    Appearance,
    /// Below such an appearance.
    AppearancePart,
    Page,
    /// `/Annots` of a page, as an object of its own.
    AnnotationArray,
    Annotation,
    /// Below an annotation that is no widget.
    AnnotationPart,
    /// From a key of the trailer that the standard does not know.
    Private,
    /// What a page is drawn with: contents, resources, optional content.
    Drawn,
    /// Everything else: may not change.
    Content,
}

impl Role {
    pub(super) const ALL: [Self; 18] = [
        Self::Catalog,
        Self::Metadata,
        Self::Dss,
        Self::Extensions,
        Self::Form,
        Self::FormResources,
        Self::FieldArray,
        Self::Field,
        Self::FieldValue,
        Self::Appearance,
        Self::AppearancePart,
        Self::Page,
        Self::AnnotationArray,
        Self::Annotation,
        Self::AnnotationPart,
        Self::Private,
        Self::Drawn,
        Self::Content,
    ];

    const fn bit(self) -> u32 {
        1 << self as u8
    }

    /// Whether a reference to a page or a field means it as a whole: a destination, a structure element, an action.
    const fn means_wholes(self) -> bool {
        matches!(self, Self::Content | Self::AnnotationPart | Self::FieldValue | Self::Private)
    }

    /// Whether everything below is reached in the same role, but for keys at which [`skim`] stops.
    ///
    /// [`skim`]: crate::pdf::skim
    const fn is_uniform(self) -> bool {
        matches!(
            self,
            Self::Content | Self::AnnotationPart | Self::AppearancePart | Self::Private | Self::Dss | Self::Extensions
        )
    }
}

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Roles(u32);

impl Roles {
    const fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }
}

/// The field an appearance or a value belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Field(Reference),
    /// Several fields, or not known.
    Many,
}

/// What is known of one object.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    roles: Roles,
    /// It is a leaf of the page tree.
    page: bool,
    /// It stands in the form or in the annotations of a page.
    field: bool,
    /// It is one of these and a dictionary: where it is meant as a whole, that says nothing of its inside.
    whole: bool,
}

/// One node for each object number: by index for those that a sound file has,
/// by search for the few beyond that a wild one may name.
#[derive(Debug, Default)]
struct Nodes {
    /// Pages of nodes, made when they are needed: a revision may have many numbers and reach few.
    near: Vec<Option<Box<[Node; NODES]>>>,
    far: HashMap<u32, Node>,
}

const NODES: usize = 128;

impl Nodes {
    fn of(revision: &Revision<'_>) -> Self {
        let dense = revision.entry_count().saturating_mul(4);
        let numbers = usize::try_from(revision.next_number()).unwrap_or(usize::MAX);
        let pages = numbers.min(dense) / NODES + 1;
        Self { near: vec![None; pages], far: HashMap::new() }
    }

    fn get(&self, number: u32) -> Node {
        let (page, index) = Self::place(number);
        match self.near.get(page) {
            Some(page) => page.as_ref().and_then(|page| page.get(index)).copied(),
            None => self.far.get(&number).copied(),
        }
        .unwrap_or_default()
    }

    fn at(&mut self, number: u32) -> &mut Node {
        let (page, index) = Self::place(number);
        let near = self.near.get_mut(page);
        let near = near.map(|page| page.get_or_insert_with(|| Box::new([Node::default(); NODES])));
        match near.and_then(|page| page.get_mut(index)) {
            Some(node) => node,
            None => self.far.entry(number).or_default(),
        }
    }

    fn place(number: u32) -> (usize, usize) {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        (number / NODES, number % NODES)
    }
}

#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: Nodes,
    owners: HashMap<u32, Owner>,
    /// Objects that could not be read: what they refer to is not known.
    pub(super) broken: Vec<u32>,
    /// Whether objects may have roles here in which nothing reaches them: then it is [`Role::Content`],
    /// or [`Role::Drawn`] below it. And what is broken in object streams may be missing.
    pub(super) rough: bool,
    /// What swept object streams may refer to.
    mentioned: Numbers,
    /// The number of the catalogue.
    root: u32,
}

impl Graph {
    pub(super) fn roles(&self, number: u32) -> Option<Roles> {
        let mut roles = self.nodes.get(number).roles;
        if self.mentioned.contains(number) && !self.may_be_whole(number) {
            roles.0 |= Role::Content.bit();
        }
        Some(roles).filter(|roles| *roles != Roles::default())
    }

    /// Whether it is one of the objects to which a reference may mean them as a whole.
    fn may_be_whole(&self, number: u32) -> bool {
        let node = self.nodes.get(number);
        node.page || node.field || self.root == number
    }

    pub(super) fn owner(&self, number: u32) -> Owner {
        self.owners.get(&number).copied().unwrap_or(Owner::Many)
    }

    /// Walks everything that the trailer of `revision` reaches.
    ///
    /// All of it, whatever was changed: an object that is left unread may be the one that refers to
    /// what changed, or to a number that the update is the first to give a meaning. To inflate object
    /// streams is therefore the least that this costs where there are any.
    pub(super) fn build(revision: &Revision<'_>) -> Result<Self, Error> {
        Self::walk(revision, None)
    }

    /// The same, only that what may be referred to in an object stream counts as reached
    /// as content, whether anything reaches the stream or not: so its objects need not be read.
    ///
    /// Those streams are read in which something may refer to one of `changed`: what these are asked about
    /// is how they are reached.
    pub(super) fn roughly(revision: &Revision<'_>, changed: &Numbers) -> Result<Self, Error> {
        Self::walk(revision, Some(changed))
    }

    fn walk(revision: &Revision<'_>, changed: Option<&Numbers>) -> Result<Self, Error> {
        let root = revision.root()?;
        let graph = Self { nodes: Nodes::of(revision), root: root.number, ..Self::default() };
        let mut walker = Walker {
            revision,
            root,
            graph,
            stack: Vec::new(),
            steps: 0,
            found: Vec::new(),
            packed: HashMap::new(),
            swept: Numbers::default(),
        };
        walker.collect_wholes(root)?;
        walker.stack.push(Step { id: root, role: Role::Catalog, owner: None });
        for (key, value) in revision.trailer().iter() {
            match key.octets() {
                b"Root" => {}
                b"Info" => walker.follow(value, Role::Metadata, None),
                b"Encrypt" => walker.follow(value, Role::Content, None),
                _ => walker.follow(value, Role::Private, None),
            }
        }
        // A reference to a page or a field says nothing of what may change inside, however many there are.
        let sweep = changed.and_then(|changed| {
            revision.sweep(&changed.iter().filter(|number| !walker.graph.may_be_whole(*number)).collect())
        });
        let Sweep { streams, mentioned } = sweep.unwrap_or_default();
        walker.graph.rough = !streams.is_empty();
        // Nothing refers to an object stream, yet what it depends on (an indirect /Length or
        // /First, or its own number while that is still free) decides which objects there are.
        for number in revision.object_streams().iter() {
            if streams.contains(number) && !walker.graph.may_be_whole(number) {
                walker.mark(number, Role::Content);
            } else {
                walker.stack.push(Step { id: Reference::new(number, 0), role: Role::Content, owner: None });
            }
        }
        walker.swept = streams;
        for number in mentioned.iter() {
            walker.mention(number)?;
        }
        walker.graph.mentioned = mentioned;
        while let Some(step) = walker.stack.pop() {
            walker.visit(step)?;
        }
        Ok(walker.graph)
    }
}

/// What a visit costs beside what it reads, as so many octets.
const VISIT: u64 = 32;

struct Step {
    id: Reference,
    role: Role,
    owner: Option<Reference>,
}

struct Walker<'w> {
    revision: &'w Revision<'w>,
    root: Reference,
    graph: Graph,
    stack: Vec<Step>,
    steps: usize,
    /// Memory for the references of one object.
    found: Vec<Reference>,
    /// The object streams met so far; `None` for those that only whole objects can be read from.
    packed: HashMap<u32, Option<Members>>,
    /// The object streams of which all was reached that their objects may refer to.
    swept: Numbers,
}

impl Walker<'_> {
    fn spend(&mut self) -> Result<(), Error> {
        self.steps += 1;
        let most = self.revision.pdf().limits().pdf_objects.saturating_mul(2);
        if self.steps > most {
            return Err(LimitExceeded::new("pdf_objects", most as u64).into());
        }
        Ok(())
    }

    /// The pages and the fields come first: elsewhere a reference to one of them
    /// (a destination, a structure element, an action) means it as a whole and
    /// says nothing about what may change inside.
    fn collect_wholes(&mut self, root: Reference) -> Result<(), Error> {
        let revision = self.revision;
        let catalog = revision.object(root)?;
        let Some(catalog) = catalog.as_dictionary() else { return Ok(()) };
        let mut stack: Vec<Object> = catalog.get("Pages").cloned().into_iter().collect();
        let mut seen = HashSet::new();
        while let Some(node) = stack.pop() {
            self.spend()?;
            let Some(id) = node.as_reference().filter(|id| seen.insert(id.number)) else { continue };
            let Ok(object) = revision.object(id) else { continue };
            let Some(dictionary) = object.as_dictionary() else { continue };
            match revision.get(dictionary, "Kids") {
                Ok(kids) if kids.as_array().is_some() => stack.extend_from_slice(kids.as_array().unwrap_or_default()),
                _ => {
                    self.graph.nodes.at(id.number).page = true;
                    self.stack.push(Step { id, role: Role::Page, owner: None });
                    let Ok(annotations) = revision.get(dictionary, "Annots") else { continue };
                    for id in annotations.as_array().unwrap_or_default().iter().filter_map(Object::as_reference) {
                        self.graph.nodes.at(id.number).field = true;
                        self.stack.push(Step { id, role: Role::Annotation, owner: None });
                    }
                }
            }
        }
        let Ok(form) = revision.get(catalog, "AcroForm") else { return Ok(()) };
        let Some(form) = form.as_dictionary() else { return Ok(()) };
        let mut stack: Vec<Object> = match revision.get(form, "Fields") {
            Ok(fields) => fields.as_array().unwrap_or_default().to_vec(),
            Err(_) => Vec::new(),
        };
        let mut seen = HashSet::new();
        while let Some(field) = stack.pop() {
            self.spend()?;
            let Some(id) = field.as_reference().filter(|id| seen.insert(id.number)) else { continue };
            self.graph.nodes.at(id.number).field = true;
            self.stack.push(Step { id, role: Role::Field, owner: None });
            let Ok(object) = revision.object(id) else { continue };
            let Some(dictionary) = object.as_dictionary() else { continue };
            if let Ok(kids) = revision.get(dictionary, "Kids") {
                stack.extend_from_slice(kids.as_array().unwrap_or_default());
            }
        }
        Ok(())
    }

    fn visit(&mut self, step: Step) -> Result<(), Error> {
        self.spend()?;
        let Step { id, role, owner } = step;
        // What draws a page is never meant as a whole: a content stream that is also listed among
        // the fields or the annotations would otherwise have to obey their rules only.
        let as_a_whole = role.means_wholes();
        if as_a_whole && self.root == id {
            return Ok(());
        }
        let known = self.graph.nodes.get(id.number);
        // Reading is what costs: these two roles alone depend on what the object is.
        let settled = owner.is_none() && !matches!(role, Role::Annotation | Role::Page);
        if settled && known.roles.has(role) {
            return Ok(());
        }
        let listed = known.page || known.field;
        if role == Role::Content && owner.is_none() && !listed && self.is_swept(id.number) {
            self.mark(id.number, role);
            return Ok(());
        }
        self.revision.pdf().spend(VISIT)?;
        if owner.is_none() && !listed && role.is_uniform() && self.skim(id, role) {
            return Ok(());
        }
        let Ok(object) = self.revision.object(id) else {
            // At the limit nothing can be read any more, and the walk would go on for nothing.
            self.revision.pdf().spend(0)?;
            // Unreadable: no rule can be applied, so whatever it is must not change.
            self.mark(id.number, Role::Content);
            self.graph.broken.push(id.number);
            return Ok(());
        };
        if as_a_whole && listed && matches!(&*object, Object::Dictionary(_)) {
            self.graph.nodes.at(id.number).whole = true;
            return Ok(());
        }
        let role = self.actual(&object, id, role);
        // A second owner must reach what lies below as well: two fields may share the
        // dictionary of their appearances, and through it the streams.
        let mut shared = false;
        if let Some(owner) = owner.map(Owner::Field) {
            let known = self.graph.owners.entry(id.number).or_insert(owner);
            if *known != owner && *known != Owner::Many {
                *known = Owner::Many;
                shared = true;
            }
        }
        if !self.mark(id.number, role) && !shared {
            return Ok(());
        }
        self.children(&object, role, id, owner);
        Ok(())
    }

    /// Goes on to what an object refers to without building it; tells whether that could be done.
    fn skim(&mut self, id: Reference, role: Role) -> bool {
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        let done = self.references(id, &mut found).is_some();
        if done {
            self.mark(id.number, role);
            for id in &found {
                self.reach(*id, role, None);
            }
        }
        self.found = found;
        done
    }

    /// Whether all was reached that the object `number` may refer to.
    fn is_swept(&self, number: u32) -> bool {
        let place = self.revision.place(number);
        matches!(place, Some((Place::Compressed { stream, .. }, _)) if self.swept.contains(stream))
    }

    /// Something in a swept object stream may refer to `number`.
    fn mention(&mut self, number: u32) -> Result<(), Error> {
        let generation = match self.revision.place(number) {
            Some((Place::Offset { generation, .. }, _)) => generation,
            Some((Place::Compressed { stream, .. }, _)) if !self.swept.contains(stream) => 0,
            _ if self.graph.may_be_whole(number) => 0,
            // It is swept, or not there.
            _ => return Ok(()),
        };
        self.spend()?;
        self.reach(Reference::new(number, generation), Role::Content, None);
        Ok(())
    }

    fn references(&mut self, id: Reference, found: &mut Vec<Reference>) -> Option<()> {
        let revision = self.revision;
        let Some((Place::Compressed { stream, index }, _)) = revision.place(id.number) else {
            return revision.references(id, found);
        };
        let members = self.packed.entry(stream).or_insert_with(|| revision.members(stream));
        found.extend_from_slice(members.as_ref()?.of(id.number, index).filter(|_| id.generation == 0)?);
        Some(())
    }

    /// Returns whether the role is new for the object.
    fn mark(&mut self, number: u32, role: Role) -> bool {
        let roles = &mut self.graph.nodes.at(number).roles;
        let known = roles.has(role);
        roles.0 |= role.bit();
        !known
    }

    /// Annotations that are widgets are fields; pages are told from nodes of their tree.
    fn actual(&self, object: &Object, id: Reference, role: Role) -> Role {
        let subtype = object.as_dictionary().and_then(|dictionary| dictionary.get("Subtype")).and_then(Object::as_name);
        match role {
            Role::Annotation if subtype == Some(b"Widget") => Role::Field,
            Role::Page if !self.graph.nodes.get(id.number).page => Role::Content,
            other => other,
        }
    }

    /// Follows the references in `value`, itself reached in `role`.
    fn follow(&mut self, value: &Object, role: Role, owner: Option<Reference>) {
        match value {
            Object::Reference(id) => self.reach(*id, role, owner),
            other => self.children(other, role, Reference::new(0, 0), owner),
        }
    }

    fn reach(&mut self, id: Reference, role: Role, owner: Option<Reference>) {
        let node = self.graph.nodes.get(id.number);
        if node.whole && role.means_wholes() {
            return;
        }
        // What was reached in this role before needs no second visit, save for its owner.
        if !node.roles.has(role) || owner.is_some() {
            self.stack.push(Step { id, role, owner });
        }
    }

    fn children(&mut self, object: &Object, role: Role, id: Reference, owner: Option<Reference>) {
        if let Object::Array(values) = object {
            let role = match role {
                Role::FieldArray => Role::Field,
                Role::AnnotationArray => Role::Annotation,
                other => other,
            };
            for value in values {
                self.follow(value, role, owner);
            }
            return;
        }
        let Some(dictionary) = object.as_dictionary() else { return };
        let signature = role == Role::Field && is_signature_field(self.revision, dictionary);
        let signed = signature && inherited(self.revision, dictionary, "V").is_some();
        for (key, value) in dictionary.iter() {
            let key = key.octets();
            let (role, owner) = match (role, key) {
                (Role::Catalog, b"Pages") => (Role::Page, None),
                (Role::Catalog, b"AcroForm") => (Role::Form, None),
                (Role::Catalog, b"DSS") => (Role::Dss, None),
                (Role::Catalog, b"Extensions") => (Role::Extensions, None),
                (Role::Catalog, b"OCProperties") => (Role::Drawn, None),
                (Role::Catalog, b"Metadata") => (Role::Metadata, None),
                (Role::Form, b"Fields") => (Role::FieldArray, None),
                (Role::Form, b"DR") => (Role::FormResources, None),
                // The tree itself is content; only its leaves are pages.
                (Role::Content, b"Kids") if dictionary.is_type("Pages") => (Role::Page, None),
                (Role::Page, b"Annots") => (Role::AnnotationArray, None),
                (Role::Page | Role::Content, b"Contents" | b"Resources" | b"Group") => (Role::Drawn, None),
                (Role::Page | Role::Content, b"Parent")
                    if dictionary.is_type("Page") || dictionary.is_type("Pages") =>
                {
                    continue;
                }
                (Role::Field, b"Kids") => (Role::FieldArray, None),
                (Role::Field, b"Parent") => (Role::Field, None),
                (Role::Field, b"P") => continue,
                (Role::Field, b"V") if !signature => (Role::FieldValue, Some(id)),
                (Role::Field, b"AP") if !signed => (Role::Appearance, Some(id)),
                (Role::Annotation, b"P") => continue,
                (Role::Annotation, b"Popup" | b"IRT" | b"Parent") => (Role::Annotation, None),
                (Role::Annotation | Role::AnnotationPart, _) => (Role::AnnotationPart, None),
                // /N, /D, /R and their states lead to the streams; what these use is shared.
                (Role::Appearance, _) if object.as_stream().is_none() => (Role::Appearance, owner),
                (Role::Appearance | Role::AppearancePart, _) => (Role::AppearancePart, None),
                (Role::Private, _) => (Role::Private, None),
                (Role::Dss, _) => (Role::Dss, None),
                (Role::Extensions, _) => (Role::Extensions, None),
                (Role::FieldValue, _) => (Role::FieldValue, owner),
                (Role::Drawn, b"PieceInfo") => (Role::Content, None),
                (Role::Drawn | Role::FormResources, _) => (Role::Drawn, None),
                _ => (Role::Content, None),
            };
            self.follow(value, role, owner);
        }
    }
}

/// Deeper inheritance is not followed.
const GENERATIONS: usize = 64;

/// An inheritable value of a field (ISO 32000-2 §12.7.4.1), resolved; `None` where there is none.
pub(super) fn inherited(revision: &Revision<'_>, field: &Dictionary, key: &str) -> Option<Object> {
    let mut field = field.clone();
    for _ in 0..GENERATIONS {
        if let Some(value) = field.get(key) {
            return revision.resolve(value).ok().map(|value| (*value).clone()).filter(|value| !value.is_null());
        }
        let parent = revision.get(&field, "Parent").ok()?;
        field = parent.as_dictionary()?.clone();
    }
    None
}

pub(super) fn is_signature_field(revision: &Revision<'_>, field: &Dictionary) -> bool {
    inherited(revision, field, "FT").is_some_and(|kind| kind.as_name() == Some(b"Sig"))
}
