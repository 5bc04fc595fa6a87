//! Text put into fields that are there, with the appearance that belongs to it (ISO 32000-2 §12.7.4.3).

use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::error::Unsupported;
use crate::pdf::appearance::turned;
use crate::pdf::changes_graph::inherited;
use crate::pdf::document::Pdf;
use crate::pdf::document::Revision;
use crate::pdf::draft::MULTILINE;
use crate::pdf::fields::Field;
use crate::pdf::filter::deflate;
use crate::pdf::font::Font;
use crate::pdf::font::Subset;
use crate::pdf::font::number;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Real;
use crate::pdf::object::Reference;
use crate::pdf::object::hex_pair;
use crate::pdf::page::Rectangle;
use crate::pdf::page::Rotation;
use crate::pdf::protection;
use crate::pdf::protection::Intent;
use crate::pdf::text::Alignment;
use crate::pdf::text::Frame;
use crate::pdf::text::Text;
use crate::pdf::update::Tail;
use crate::pdf::update::Update;

/// Values for text fields.
///
/// Each value is written with its appearance, drawn in an embedded font, so
/// that every reader shows the same, and a signature that permits filling in
/// stays valid.
#[derive(Clone, Debug)]
pub struct Filling {
    values: Vec<(String, String)>,
    font: Font,
}

/// What the drawing of one widget depends on.
struct Style {
    /// `None`: as large as fits.
    size: Option<f64>,
    colour: String,
    alignment: Alignment,
    multiline: bool,
    /// Cells of a comb.
    cells: Option<usize>,
}

/// `/Ff` (ISO 32000-2 Tables 227 and 231).
const READ_ONLY: i64 = 1;
const PASSWORD: i64 = 1 << 13;
const FILE_SELECT: i64 = 1 << 20;
const COMB: i64 = 1 << 24;
const RICH_TEXT: i64 = 1 << 25;
/// Between the edge of a widget and its text.
const MARGIN: f64 = 2.0;
/// The size of text in fields that leave it open.
const AUTOMATIC: f64 = 12.0;
/// Below this nobody reads it.
const SMALLEST: f64 = 4.0;
/// How far the size shrinks between two attempts.
const STEP: f64 = 0.25;
/// Octets of one value.
const LONGEST: usize = 4096;
/// Widgets of one field.
const MOST_WIDGETS: usize = 64;

impl Default for Filling {
    fn default() -> Self {
        Self::new()
    }
}

impl Filling {
    /// No values yet; drawn in Liberation Serif.
    #[must_use]
    pub const fn new() -> Self {
        Self { values: Vec::new(), font: Font::liberation_serif() }
    }

    /// Drawn in another font.
    #[must_use]
    pub fn font(mut self, font: Font) -> Self {
        self.font = font;
        self
    }

    /// The value of the text field with the fully qualified name `field`.
    #[must_use]
    pub fn text(mut self, field: impl Into<String>, value: impl Into<String>) -> Self {
        self.values.push((field.into(), value.into()));
        self
    }

    /// The update that fills the fields in.
    ///
    /// # Errors
    /// Refused where a certification, a lock, the encryption or the field
    /// itself forbids it; misuse where there is no such text field, or the text
    /// does not fit; unsupported where the form has an XFA part, which would go
    /// on saying something else.
    pub fn finish(&self, pdf: &Pdf<'_>) -> Result<Tail, Error> {
        let latest = pdf.latest();
        let signatures = pdf.signatures()?;
        let form = Self::form(&latest)?;
        if form.get("XFA").is_some() {
            return Err(Unsupported::new(Format::Pdf, "filling in a form that has an XFA part").into());
        }
        let (fields, _) = latest.fields()?;
        let mut update = Update::new(pdf)?;
        for (index, (name, value)) in self.values.iter().enumerate() {
            if self.values.iter().take(index).any(|(earlier, _)| earlier == name) {
                return Err(Misuse::new(format!("two values for the field {name:?}")).into());
            }
            let mut named = fields.iter().filter(|field| field.name == *name);
            let field = match (named.next(), named.next()) {
                (Some(field), None) => field,
                (None, _) => return Err(missing(name, &fields)),
                (Some(_), Some(_)) => {
                    return Err(Malformed::new(Format::Pdf, "form", format!("one field {name:?}")).into());
                }
            };
            protection::check(pdf, &signatures, Intent::Fill(name))?;
            self.fill(&mut update, &form, field, value)?;
        }
        update.finish()
    }

    fn form(latest: &Revision<'_>) -> Result<Dictionary, Error> {
        let catalog = latest.catalog()?;
        let form = match catalog.as_dictionary() {
            Some(catalog) => latest.get(catalog, "AcroForm")?.as_dictionary().cloned(),
            None => None,
        };
        Ok(form.unwrap_or_default())
    }

    fn fill(&self, update: &mut Update<'_>, form: &Dictionary, field: &Field, value: &str) -> Result<(), Error> {
        let name = &field.name;
        if field.field_type.as_deref() != Some(b"Tx") {
            return Err(Misuse::new(format!("the field {name:?} is no text field")).into());
        }
        if field.flags & READ_ONLY != 0 {
            let detail = format!("the field {name:?} is read-only");
            return Err(Refused::new(RefusalReason::Locked, detail).into());
        }
        if field.flags & (PASSWORD | FILE_SELECT | RICH_TEXT) != 0 {
            let feature = format!("filling in {name:?}, a field for a password, a file or rich text");
            return Err(Unsupported::new(Format::Pdf, feature).into());
        }
        let Some(id) = field.id else {
            return Err(Malformed::new(Format::Pdf, format!("field {name:?}"), "an indirect object").into());
        };
        let latest = update.pdf().latest();
        let most = inherited(&latest, field.dictionary(), "MaxLen").and_then(|most| most.as_integer());
        let most = most.and_then(|most| usize::try_from(most).ok());
        let characters = value.chars().count();
        if let Some(most) = most.filter(|most| characters > *most) {
            return Err(
                Misuse::new(format!("{characters} characters for the field {name:?}, which takes {most}")).into()
            );
        }
        let multiline = field.flags & MULTILINE != 0;
        let control = value.chars().find(|c| c.is_control() && !(multiline && *c == '\n'));
        if let Some(control) = control {
            return Err(Misuse::new(format!("the control character {control:?} in the field {name:?}")).into());
        }
        if value.len() > LONGEST {
            return Err(Misuse::new(format!("more than {LONGEST} octets for the field {name:?}")).into());
        }
        let mut dictionary = update.dictionary(id)?;
        dictionary.set("V", Object::text(value));
        dictionary.remove("RV");
        update.set(id, dictionary)?;
        let cells = most.filter(|most| field.flags & COMB != 0 && *most > 0);
        for widget in field.widgets.iter().take(MOST_WIDGETS) {
            let mut style = Style::read(&latest, form, *widget, multiline)?;
            style.cells = cells;
            self.show(update, *widget, &style, value).map_err(|error| match error {
                Error::Misuse(misuse) => Misuse::new(format!("the field {name:?}: {misuse}")).into(),
                other => other,
            })?;
        }
        Ok(())
    }

    /// Draws the value for one widget.
    fn show(&self, update: &mut Update<'_>, id: Reference, style: &Style, value: &str) -> Result<(), Error> {
        let latest = update.pdf().latest();
        let mut widget = update.dictionary(id)?;
        let place = Rectangle::from_object(latest, &*latest.get(&widget, "Rect")?)?;
        let Some(place) = place.filter(|place| place.width() > 0.0 && place.height() > 0.0) else { return Ok(()) };
        let characteristics = latest.get(&widget, "MK")?;
        let characteristics = characteristics.as_dictionary().cloned().unwrap_or_default();
        let rotation = Rotation::from_degrees(latest.get(&characteristics, "R")?.as_integer().unwrap_or(0));
        let rotation = rotation.unwrap_or_default();
        let (width, height) = match rotation {
            Rotation::None | Rotation::Half => (place.width(), place.height()),
            Rotation::Quarter | Rotation::ThreeQuarters => (place.height(), place.width()),
        };
        let mut content = Vec::new();
        frame_and_ground(&latest, &widget, &characteristics, (width, height), &mut content)?;
        let mut subset = self.font.subset()?;
        let mut resources = Dictionary::new();
        content.extend_from_slice(b"/Tx BMC\n");
        if !value.is_empty() {
            let (w, h) = (Real::new((width - 2.0).max(0.0)), Real::new((height - 2.0).max(0.0)));
            content.extend_from_slice(format!("q\n1 1 {} {} re W n\n", w.as_str(), h.as_str()).as_bytes());
            self.draw(style, value, (width, height), &mut subset, &mut content)?;
            content.extend_from_slice(b"Q\n");
            let font = subset.add_to(update)?;
            resources.set("Font", Dictionary::new().with("F0", font));
        }
        content.extend_from_slice(b"EMC\n");
        let mut form = Dictionary::new()
            .with("Type", Object::name("XObject"))
            .with("Subtype", Object::name("Form"))
            .with("BBox", [0.0, 0.0, width, height].map(number).to_vec())
            .with("Resources", resources)
            .with("Filter", Object::name("FlateDecode"));
        if let Some(matrix) = turned(rotation, width, height) {
            form.set("Matrix", matrix.map(number).to_vec());
        }
        let form = update.add_stream(form, deflate(&content)?)?;
        widget.set("AP", Dictionary::new().with("N", form));
        update.set(id, widget)
    }

    fn draw(
        &self,
        style: &Style,
        value: &str,
        (width, height): (f64, f64),
        subset: &mut Subset<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        if style.multiline {
            let size = style.size.unwrap_or(AUTOMATIC);
            let text = Text::new(value).font(self.font.clone()).size(size).minimum(SMALLEST.min(size));
            let frame =
                Frame { left: MARGIN, bottom: MARGIN, width: width - 2.0 * MARGIN, height: height - 2.0 * MARGIN };
            return text.align(style.alignment).draw(frame, subset, "F0", false, out);
        }
        let (ascent, descent) = self.font.ascent_and_descent()?;
        let size = self.fitting(style, value, (width, height))?;
        let y = (height - (ascent + descent) * size) / 2.0 + descent * size;
        let mut line = |text: &str, x: f64, out: &mut Vec<u8>| -> Result<(), Error> {
            out.extend_from_slice(
                format!("1 0 0 1 {} {} Tm\n<", Real::new(x).as_str(), Real::new(y).as_str()).as_bytes(),
            );
            for octet in subset.encode(text)? {
                out.extend_from_slice(&hex_pair(octet));
            }
            out.extend_from_slice(b"> Tj\n");
            Ok(())
        };
        out.extend_from_slice(format!("BT\n{}\n/F0 {} Tf\n", style.colour, Real::new(size).as_str()).as_bytes());
        match style.cells {
            Some(cells) => {
                #[allow(clippy::cast_precision_loss)] // a few cells
                let cell = width / cells as f64;
                for (index, character) in value.chars().enumerate() {
                    let character = character.to_string();
                    let free = cell - self.font.width(&character)? * size;
                    #[allow(clippy::cast_precision_loss)]
                    line(&character, index as f64 * cell + free / 2.0, out)?;
                }
            }
            None => {
                let free = width - 2.0 * MARGIN - self.font.width(value)? * size;
                let shift = match style.alignment {
                    Alignment::Left => 0.0,
                    Alignment::Centre => free / 2.0,
                    Alignment::Right => free,
                };
                line(value, MARGIN + shift, out)?;
            }
        }
        out.extend_from_slice(b"ET\n");
        Ok(())
    }

    /// The size at which a line fits: the field's own, or less.
    fn fitting(&self, style: &Style, value: &str, (width, height): (f64, f64)) -> Result<f64, Error> {
        let (ascent, descent) = self.font.ascent_and_descent()?;
        let needed = self.font.width(value)?;
        let room = width - 2.0 * MARGIN;
        let mut size = style.size.unwrap_or_else(|| AUTOMATIC.min(height / (ascent + descent)));
        while style.cells.is_none() && needed * size > room {
            size -= STEP;
            if size < SMALLEST {
                let message = format!("the text does not fit into {room:.0} points at {SMALLEST} points");
                return Err(Misuse::new(message).into());
            }
        }
        Ok(size)
    }
}

impl Style {
    /// From `/DA` and `/Q`, which fields inherit, at last from the form.
    fn read(latest: &Revision<'_>, form: &Dictionary, widget: Reference, multiline: bool) -> Result<Self, Error> {
        let object = latest.object(widget)?;
        let empty = Dictionary::new();
        let widget = object.as_dictionary().unwrap_or(&empty);
        let value = |key: &str| match inherited(latest, widget, key) {
            Some(value) => Ok(value),
            None => latest.get(form, key).map(|value| (*value).clone()),
        };
        let appearance = value("DA")?;
        let alignment = match value("Q")?.as_integer() {
            Some(1) => Alignment::Centre,
            Some(2) => Alignment::Right,
            _ => Alignment::Left,
        };
        let (size, colour) = default_appearance(appearance.as_string().unwrap_or_default());
        Ok(Self { size, colour, alignment, multiline, cells: None })
    }
}

/// Size and colour operator of a `/DA` string; anything else in it is left out.
fn default_appearance(operators: &[u8]) -> (Option<f64>, String) {
    let text = String::from_utf8_lossy(operators).into_owned();
    let mut operands: Vec<f64> = Vec::new();
    let (mut size, mut colour) = (None, "0 g".to_owned());
    for word in text.split_ascii_whitespace().take(64) {
        if let Ok(operand) = word.parse::<f64>() {
            operands.push(operand);
            continue;
        }
        let wanted = match word {
            "g" => Some(1),
            "rg" => Some(3),
            "k" => Some(4),
            _ => None,
        };
        if word == "Tf" {
            size = operands.last().copied().filter(|size| size.is_finite() && (1.0..=1000.0).contains(size));
        } else if wanted == Some(operands.len()) && operands.iter().all(|operand| (0.0..=1.0).contains(operand)) {
            let operands: Vec<String> = operands.iter().map(|o| Real::new(*o).as_str().to_owned()).collect();
            colour = format!("{} {word}", operands.join(" "));
        }
        operands.clear();
    }
    (size, colour)
}

/// Background and border as `/MK` says (Table 192).
fn frame_and_ground(
    latest: &Revision<'_>,
    widget: &Dictionary,
    characteristics: &Dictionary,
    (width, height): (f64, f64),
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let colour = |key: &str, operators: [&str; 3]| -> Result<Option<String>, Error> {
        let values = latest.get(characteristics, key)?;
        let values: Vec<f64> = values.as_array().unwrap_or_default().iter().filter_map(Object::as_number).collect();
        let operator = match values.len() {
            1 => operators[0],
            3 => operators[1],
            4 => operators[2],
            _ => return Ok(None),
        };
        let values: Vec<String> =
            values.iter().map(|value| Real::new(value.clamp(0.0, 1.0)).as_str().to_owned()).collect();
        Ok(Some(format!("{} {operator}", values.join(" "))))
    };
    let (w, h) = (Real::new(width), Real::new(height));
    if let Some(ground) = colour("BG", ["g", "rg", "k"])? {
        out.extend_from_slice(format!("q\n{ground}\n0 0 {} {} re\nf\nQ\n", w.as_str(), h.as_str()).as_bytes());
    }
    if let Some(border) = colour("BC", ["G", "RG", "K"])? {
        let style = latest.get(widget, "BS")?;
        let line = style.as_dictionary().and_then(|style| style.get("W")).and_then(Object::as_number).unwrap_or(1.0);
        if line > 0.0 && line < width && line < height {
            let [edge, w, h, line] = [line / 2.0, width - line, height - line, line].map(Real::new);
            let (edge, w, h) = (edge.as_str(), w.as_str(), h.as_str());
            out.extend_from_slice(
                format!("q\n{border}\n{} w\n{edge} {edge} {w} {h} re\nS\nQ\n", line.as_str()).as_bytes(),
            );
        }
    }
    Ok(())
}

fn missing(name: &str, fields: &[Field]) -> Error {
    let texts = fields.iter().filter(|field| field.field_type.as_deref() == Some(b"Tx"));
    let there: Vec<String> = texts.take(20).map(|field| format!("{:?}", field.name)).collect();
    let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    Misuse::new(format!("the document has no field {name:?}; its text fields: {there}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_colour_are_taken_from_the_default_appearance() {
        let read = |text: &str| default_appearance(text.as_bytes());
        assert_eq!(read("/Helv 12 Tf 0 g"), (Some(12.0), "0 g".to_owned()));
        assert_eq!(read("0 0 1 rg /F1 9.5 Tf"), (Some(9.5), "0 0 1 rg".to_owned()));
        assert_eq!(read("/Helv 0 Tf 1 0 0 0 k"), (None, "1 0 0 0 k".to_owned()));
        assert_eq!(read("7 g (x) Tj ET /F1 NaN Tf"), (None, "0 g".to_owned()));
        assert_eq!(read(""), (None, "0 g".to_owned()));
    }
}
