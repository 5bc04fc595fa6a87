//! Pages: found by their index, with what they inherit, and the coordinates a person sees.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::pdf::document::Revision;
use crate::pdf::font::number;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;

/// A rectangle in points, or in the units of user space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rectangle {
    /// Least x.
    pub left: f64,
    /// Least y.
    pub bottom: f64,
    /// Greatest x.
    pub right: f64,
    /// Greatest y.
    pub top: f64,
}

/// How far a page is turned clockwise when it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // a circle has four quarters
pub enum Rotation {
    /// Not at all.
    #[default]
    None,
    /// 90 degrees.
    Quarter,
    /// 180 degrees.
    Half,
    /// 270 degrees.
    ThreeQuarters,
}

/// A transformation of the plane: x' = ax + cy + e, y' = bx + dy + f (ISO 32000-2 §8.3.3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Matrix(pub(super) [f64; 6]);

/// A page with its inherited attributes (ISO 32000-2 §7.7.3.4).
#[derive(Clone, Debug)]
pub struct Page {
    id: Reference,
    resources: Arc<Object>,
    /// Missing where the page tree tells no size; needed only by who places something.
    shown: Option<Rectangle>,
    rotation: Rotation,
    unit: f64,
}

/// Attributes on their way down the page tree.
#[derive(Clone, Default)]
struct Inherited {
    media_box: Option<Rectangle>,
    crop_box: Option<Rectangle>,
    rotate: Option<i64>,
    resources: Arc<Object>,
}

impl Matrix {
    pub(super) const IDENTITY: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    pub(super) const fn translation(x: f64, y: f64) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y])
    }

    /// Six finite numbers.
    pub(super) fn from_operands(operands: &[Object]) -> Option<Self> {
        Self::from_numbers(operands.iter().map(Object::as_number))
    }

    /// Six finite numbers.
    pub(super) fn from_numbers(numbers: impl ExactSizeIterator<Item = Option<f64>>) -> Option<Self> {
        let mut values = [0.0; 6];
        if numbers.len() != values.len() {
            return None;
        }
        for (value, number) in values.iter_mut().zip(numbers) {
            *value = number.filter(|number| number.is_finite())?;
        }
        Some(Self(values))
    }

    /// This one first, then `after`.
    pub(super) fn then(self, after: Self) -> Self {
        let Self([a, b, c, d, e, f]) = self;
        let [(a, b), (c, d)] = [after.vector(a, b), after.vector(c, d)];
        let (e, f) = after.point(e, f);
        Self([a, b, c, d, e, f])
    }

    /// What takes a form whose matrix this is, and whose box is `bounds`, onto
    /// the rectangle of its annotation (ISO 32000-2 §12.5.5, algorithm).
    pub(super) fn onto(self, bounds: Rectangle, target: Rectangle) -> Option<Self> {
        let Rectangle { left, bottom, right, top } = bounds;
        let corners = [(left, bottom), (left, top), (right, bottom), (right, top)];
        let around = Rectangle::around(corners.map(|(x, y)| self.point(x, y)))?;
        if around.width() <= 0.0 || around.height() <= 0.0 {
            return None;
        }
        let (x, y) = (target.width() / around.width(), target.height() / around.height());
        let scale = [x, 0.0, 0.0, y, target.left - around.left * x, target.bottom - around.bottom * y];
        Some(self.then(Self(scale)))
    }

    pub(super) fn point(self, x: f64, y: f64) -> (f64, f64) {
        let Self([.., e, f]) = self;
        let (right, up) = self.vector(x, y);
        (right + e, up + f)
    }

    /// A difference of points.
    pub(super) fn vector(self, x: f64, y: f64) -> (f64, f64) {
        let Self([a, b, c, d, ..]) = self;
        (a * x + c * y, b * x + d * y)
    }
}

impl Rectangle {
    /// A rectangle by its lower left corner and its size.
    #[must_use]
    pub fn new(left: f64, bottom: f64, width: f64, height: f64) -> Self {
        Self { left, bottom, right: left + width, top: bottom + height }
    }

    /// Its width.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    /// Its height.
    #[must_use]
    pub fn height(&self) -> f64 {
        self.top - self.bottom
    }

    /// From two opposite corners, in whatever order they were written (ISO 32000-2 §7.9.5).
    pub(super) fn from_object(revision: Revision<'_>, object: &Object) -> Result<Option<Self>, Error> {
        let Some(corners) = object.as_array().filter(|corners| corners.len() == 4) else { return Ok(None) };
        let mut values = [0.0; 4];
        for (value, corner) in values.iter_mut().zip(corners) {
            match revision.resolve(corner)?.as_number() {
                Some(number) if number.is_finite() => *value = number,
                _ => return Ok(None),
            }
        }
        let [a, b, c, d] = values;
        Ok(Some(Self { left: a.min(c), bottom: b.min(d), right: a.max(c), top: b.max(d) }))
    }

    pub(super) fn to_object(self) -> Object {
        // Hundredths of a point: what a person places, no printer resolves.
        let rounded = |value: f64| number((value * 100.0).round() / 100.0);
        vec![rounded(self.left), rounded(self.bottom), rounded(self.right), rounded(self.top)].into()
    }

    /// The least rectangle around points; `None` where one of them is nowhere.
    pub(super) fn around(points: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        let mut around: Option<Self> = None;
        for (x, y) in points {
            if !x.is_finite() || !y.is_finite() {
                return None;
            }
            let point = Self { left: x, bottom: y, right: x, top: y };
            around = Some(around.map_or(point, |around| around.union(&point)));
        }
        around
    }

    /// The least rectangle around both.
    #[must_use]
    pub(super) fn union(&self, other: &Self) -> Self {
        Self {
            left: self.left.min(other.left),
            bottom: self.bottom.min(other.bottom),
            right: self.right.max(other.right),
            top: self.top.max(other.top),
        }
    }

    /// Whether the two have area in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let common = self.intersection(other);
        common.width() > 0.0 && common.height() > 0.0
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        Self {
            left: self.left.max(other.left),
            bottom: self.bottom.max(other.bottom),
            right: self.right.min(other.right),
            top: self.top.min(other.top),
        }
    }
}

impl Rotation {
    pub(super) const fn from_degrees(degrees: i64) -> Option<Self> {
        match degrees.rem_euclid(360) {
            0 => Some(Self::None),
            90 => Some(Self::Quarter),
            180 => Some(Self::Half),
            270 => Some(Self::ThreeQuarters),
            _ => None,
        }
    }
}

impl Page {
    /// The page at `index`, 0 being the first.
    ///
    /// `/Count` is not believed: the tree is walked.
    ///
    /// # Errors
    /// Misuse where there is no such page; malformed page trees.
    pub fn find(revision: Revision<'_>, index: usize) -> Result<Self, Error> {
        let mut left = index;
        let mut found = None;
        walk(revision, |id, dictionary, inherited| {
            if left == 0 {
                found = Some(Self::new(revision, id, dictionary, inherited)?);
                return Ok(false);
            }
            left -= 1;
            Ok(true)
        })?;
        let pages = index - left;
        found.ok_or_else(|| Misuse::new(format!("page {} of a document of {pages} pages", index + 1)).into())
    }

    /// All pages in order.
    ///
    /// # Errors
    /// Malformed page trees.
    pub(super) fn all(revision: Revision<'_>) -> Result<Vec<Self>, Error> {
        let mut all = Vec::new();
        walk(revision, |id, dictionary, inherited| {
            all.push(Self::new(revision, id, dictionary, inherited)?);
            Ok(true)
        })?;
        Ok(all)
    }

    /// The page whose object is `id`.
    ///
    /// # Errors
    /// Misuse where `id` is no page; malformed page trees.
    pub fn by_id(revision: Revision<'_>, id: Reference) -> Result<Self, Error> {
        let mut found = None;
        walk(revision, |page, dictionary, inherited| {
            if page == id {
                found = Some(Self::new(revision, page, dictionary, inherited)?);
            }
            Ok(found.is_none())
        })?;
        found.ok_or_else(|| Misuse::new(format!("object {id} is no page of the document")).into())
    }

    /// The number of pages.
    ///
    /// # Errors
    /// Malformed page trees.
    pub fn count(revision: Revision<'_>) -> Result<usize, Error> {
        let mut count = 0;
        walk(revision, |_, _, _| {
            count += 1;
            Ok(true)
        })?;
        Ok(count)
    }

    fn new(revision: Revision<'_>, id: Reference, page: &Dictionary, inherited: &Inherited) -> Result<Self, Error> {
        let fault = |expected: &'static str| Malformed::new(Format::Pdf, format!("page {id}"), expected);
        let shown = inherited.media_box.map(|media_box| match &inherited.crop_box {
            Some(crop_box) => crop_box.intersection(&media_box),
            None => media_box,
        });
        let shown = shown.filter(|shown| shown.width() > 0.0 && shown.height() > 0.0);
        let rotation = Rotation::from_degrees(inherited.rotate.unwrap_or(0));
        let rotation = rotation.ok_or_else(|| fault("a /Rotate that is a multiple of 90"))?;
        let unit = revision.get(page, "UserUnit")?.as_number().unwrap_or(1.0);
        let unit = Some(unit).filter(|unit| unit.is_finite() && *unit > 0.0);
        let unit = unit.ok_or_else(|| fault("a /UserUnit above zero"))?;
        Ok(Self { id, resources: Arc::clone(&inherited.resources), shown, rotation, unit })
    }

    /// Visits the pages in order, with their index, until `visit` returns false.
    pub(super) fn each(
        revision: Revision<'_>,
        mut visit: impl FnMut(usize, Self) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut index = 0;
        walk(revision, |id, dictionary, inherited| {
            let next = visit(index, Self::new(revision, id, dictionary, inherited)?)?;
            index += 1;
            Ok(next)
        })
    }

    /// The page of an annotation and its index: the one that it names, else the one whose `/Annots` lists it.
    pub(super) fn holding(
        revision: Revision<'_>,
        annotation: Reference,
        named: Option<Reference>,
    ) -> Result<Option<(usize, Self)>, Error> {
        let mut found = None;
        Self::each(revision, |index, page| {
            let here = match named {
                Some(named) => page.id() == named,
                None => page.lists(revision, annotation)?,
            };
            if here {
                found = Some((index, page));
            }
            Ok(!here)
        })?;
        Ok(found)
    }

    /// `/Resources`, own or inherited, not resolved.
    pub(super) fn resources(&self) -> &Object {
        &self.resources
    }

    /// Its object.
    #[must_use]
    pub const fn id(&self) -> Reference {
        self.id
    }

    /// How it is turned when shown.
    #[must_use]
    pub const fn rotation(&self) -> Rotation {
        self.rotation
    }

    /// Whether `/Annots` lists the annotation.
    pub(super) fn lists(&self, revision: Revision<'_>, annotation: Reference) -> Result<bool, Error> {
        let page = revision.object(self.id)?;
        let Some(page) = page.as_dictionary() else { return Ok(false) };
        let annotations = revision.get(page, "Annots")?;
        let mut listed = annotations.as_array().unwrap_or_default().iter().filter_map(Object::as_reference);
        Ok(listed.any(|listed| listed == annotation))
    }

    fn shown(&self) -> Result<Rectangle, Error> {
        let expected = "a /MediaBox, and a /CropBox within it, that show something";
        self.shown.ok_or_else(|| Malformed::new(Format::Pdf, format!("page {}", self.id), expected).into())
    }

    /// Width and height as shown, in points.
    ///
    /// # Errors
    /// Where the document does not tell its size.
    pub fn size(&self) -> Result<(f64, f64), Error> {
        let shown = self.shown()?;
        let (width, height) = (shown.width() * self.unit, shown.height() * self.unit);
        Ok(match self.rotation {
            Rotation::None | Rotation::Half => (width, height),
            Rotation::Quarter | Rotation::ThreeQuarters => (height, width),
        })
    }

    /// From the default user space of the page to points as a person sees them.
    pub(super) fn seen_matrix(&self) -> Result<Matrix, Error> {
        let Rectangle { left, bottom, right, top } = self.shown()?;
        let unit = self.unit;
        Ok(Matrix(match self.rotation {
            Rotation::None => [unit, 0.0, 0.0, unit, -left * unit, -bottom * unit],
            Rotation::Quarter => [0.0, -unit, unit, 0.0, -bottom * unit, right * unit],
            Rotation::Half => [-unit, 0.0, 0.0, -unit, right * unit, top * unit],
            Rotation::ThreeQuarters => [0.0, unit, -unit, 0.0, top * unit, -left * unit],
        }))
    }

    /// A rectangle of the default user space of the page as a person sees it:
    /// the way back of [`to_user_space`](Self::to_user_space).
    ///
    /// # Errors
    /// Where the document does not tell the size of the page.
    pub fn to_seen(&self, user: Rectangle) -> Result<Rectangle, Error> {
        let matrix = self.seen_matrix()?;
        let (a, b) = (matrix.point(user.left, user.bottom), matrix.point(user.right, user.top));
        Ok(Rectangle { left: a.0.min(b.0), bottom: a.1.min(b.1), right: a.0.max(b.0), top: a.1.max(b.1) })
    }

    /// A rectangle as a person sees it (points from the lower left corner of
    /// the page as shown) in the default user space of the page.
    ///
    /// # Errors
    /// Where the document does not tell the size of the page.
    pub fn to_user_space(&self, seen: Rectangle) -> Result<Rectangle, Error> {
        let Rectangle { left, bottom, right, top } = seen;
        let [left, bottom, right, top] = [left, bottom, right, top].map(|value| value / self.unit);
        let page = self.shown()?;
        let (a, b) = match self.rotation {
            Rotation::None => ((page.left + left, page.bottom + bottom), (page.left + right, page.bottom + top)),
            Rotation::Quarter => ((page.right - top, page.bottom + left), (page.right - bottom, page.bottom + right)),
            Rotation::Half => ((page.right - right, page.top - top), (page.right - left, page.top - bottom)),
            Rotation::ThreeQuarters => ((page.left + bottom, page.top - right), (page.left + top, page.top - left)),
        };
        Ok(Rectangle { left: a.0, bottom: a.1, right: b.0, top: b.1 })
    }
}

/// Visits the pages in order until `visit` returns false.
fn walk(
    revision: Revision<'_>,
    mut visit: impl FnMut(Reference, &Dictionary, &Inherited) -> Result<bool, Error>,
) -> Result<(), Error> {
    let fault =
        |id: Reference, expected: &'static str| Malformed::new(Format::Pdf, format!("page tree {id}"), expected);
    let limits = revision.pdf().limits();
    let root = revision.root()?;
    let catalog = revision.catalog()?;
    let pages = catalog.as_dictionary().and_then(|catalog| catalog.get("Pages")).and_then(Object::as_reference);
    let pages = pages.ok_or_else(|| fault(root, "a reference to /Pages in the catalogue"))?;
    let mut seen = BTreeSet::new();
    let mut open = vec![(pages, 0, Inherited::default())];
    while let Some((id, depth, mut inherited)) = open.pop() {
        if !seen.insert(id) {
            return Err(fault(id, "each node once").into());
        }
        if depth > limits.depth {
            return Err(LimitExceeded::new("depth", limits.depth as u64).into());
        }
        let node = revision.object(id)?;
        let Some(node) = node.as_dictionary() else { return Err(fault(id, "a dictionary").into()) };
        inherited.take(revision, node)?;
        let kids: Arc<Object> = revision.get(node, "Kids")?;
        match kids.as_array() {
            Some(kids) if !node.is_type("Page") => {
                // The last is pushed first, so that the first comes out first.
                for kid in kids.iter().rev() {
                    let kid = kid.as_reference().ok_or_else(|| fault(id, "references as /Kids"))?;
                    open.push((kid, depth + 1, inherited.clone()));
                }
                if seen.len() + open.len() > limits.pdf_objects {
                    return Err(LimitExceeded::new("pdf_objects", limits.pdf_objects as u64).into());
                }
            }
            _ if node.is_type("Pages") => return Err(fault(id, "/Kids").into()),
            _ => {
                if !visit(id, node, &inherited)? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

impl Inherited {
    fn take(&mut self, revision: Revision<'_>, node: &Dictionary) -> Result<(), Error> {
        for (key, slot) in [("MediaBox", &mut self.media_box), ("CropBox", &mut self.crop_box)] {
            if node.get(key).is_some() {
                *slot = Rectangle::from_object(revision, &*revision.get(node, key)?)?;
            }
        }
        if let Some(resources) = node.get("Resources") {
            self.resources = Arc::new(resources.clone());
        }
        if node.get("Rotate").is_some() {
            self.rotate = revision.get(node, "Rotate")?.as_integer();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rotation: Rotation) -> Page {
        let shown = Rectangle { left: 10.0, bottom: 20.0, right: 110.0, top: 320.0 };
        Page { id: Reference::new(1, 0), resources: Arc::default(), shown: Some(shown), rotation, unit: 1.0 }
    }

    #[test]
    fn what_is_seen_lower_left_lies_at_each_corner_of_a_turned_page() {
        let seen = Rectangle::new(1.0, 2.0, 30.0, 10.0);
        let cases = [
            (Rotation::None, Rectangle::new(11.0, 22.0, 30.0, 10.0)),
            (Rotation::Quarter, Rectangle::new(98.0, 21.0, 10.0, 30.0)),
            (Rotation::Half, Rectangle::new(79.0, 308.0, 30.0, 10.0)),
            (Rotation::ThreeQuarters, Rectangle::new(12.0, 289.0, 10.0, 30.0)),
        ];
        for (rotation, expected) in cases {
            assert_eq!(page(rotation).to_user_space(seen).unwrap(), expected, "{rotation:?}");
            assert_eq!(page(rotation).to_seen(expected).unwrap(), seen, "{rotation:?}");
        }
    }

    #[test]
    fn the_whole_page_stays_the_whole_page() {
        for rotation in [Rotation::None, Rotation::Quarter, Rotation::Half, Rotation::ThreeQuarters] {
            let mut page = page(rotation);
            page.unit = 2.0;
            let (width, height) = page.size().unwrap();
            assert_eq!(page.to_user_space(Rectangle::new(0.0, 0.0, width, height)).unwrap(), page.shown.unwrap());
        }
    }

    #[test]
    fn degrees_are_taken_modulo_a_turn() {
        assert_eq!(Rotation::from_degrees(-90), Some(Rotation::ThreeQuarters));
        assert_eq!(Rotation::from_degrees(450), Some(Rotation::Quarter));
        assert_eq!(Rotation::from_degrees(45), None);
    }
}
