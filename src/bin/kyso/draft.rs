//! `kyso draft` and `kyso fill`: the form around the signatures.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use serde_json::json;

use kyso::files;
use kyso::files::FileSource;
use kyso::files::Output;
use kyso::pdf::Draft;
use kyso::pdf::Filling;
use kyso::pdf::Font;
use kyso::pdf::Pdf;
use kyso::pdf::Permission;
use kyso::pdf::SeedValues;
use kyso::pdf::SignatureField;
use kyso::pdf::TextField;
use kyso::pdf::page::Rectangle;
use kyso::pdf::text::Alignment;
use kyso::pdf::update::Tail;

use crate::args::Certify;
use crate::args::Lang;
use crate::args::PdfPasswordArgs;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::input;
use crate::print;
use crate::progress::Watched;
use crate::request;
use crate::sign;

/// Where the changed document goes.
#[derive(Args, Debug)]
pub(crate) struct Target {
    /// The document.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The document with what was added.
    #[arg(short, long, value_name = "OUT", required_unless_present = "in_place")]
    output: Option<PathBuf>,
    /// Append to the document itself.
    #[arg(long, conflicts_with = "output")]
    in_place: bool,
    #[command(flatten)]
    pdf: PdfPasswordArgs,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct DraftArgs {
    #[command(flatten)]
    target: Target,
    /// A field, in the order of completion: text:NAME=PAGE,X,Y,W,H or signature:NAME[=PAGE,X,Y,W,H];
    /// points from the lower left corner of the page as shown.
    #[arg(long, value_name = "FIELD", required_unless_present = "template")]
    field: Vec<String>,
    /// Fields from a file: {"fields": [{"kind", "name", "page", "rect", "size", "align", "multiline",
    /// "most", "label", "reasons"}]}.
    #[arg(long, value_name = "JSON", conflicts_with = "field")]
    template: Option<PathBuf>,
    /// The first signature is to certify the document, and permit this.
    #[arg(long, value_enum, default_value = "form-filling")]
    certify: Certify,
}

#[derive(Args, Debug)]
pub(crate) struct FillArgs {
    #[command(flatten)]
    target: Target,
    /// The value of a text field.
    #[arg(long, value_name = "NAME=VALUE", required = true)]
    set: Vec<String>,
    /// A TrueType font to draw the values with.
    #[arg(long, value_name = "TTF")]
    font: Option<PathBuf>,
}

/// `kyso draft`.
pub(crate) fn draft(args: &DraftArgs, lang: Lang) -> Outcome {
    let mut fields = match &args.template {
        Some(path) => template(path)?,
        None => args.field.iter().map(|field| option(field)).collect::<Result<_, Stop>>()?,
    };
    let permission = match args.certify {
        Certify::None => None,
        Certify::NoChanges => Some(Permission::NoChanges),
        Certify::FormFilling => Some(Permission::FormFilling),
        Certify::Annotating => Some(Permission::Annotating),
    };
    let first = fields.iter_mut().find_map(|field| match field {
        Field::Signature(field) => Some(&mut field.1),
        Field::Text(_) => None,
    });
    if let (Some(permission), Some(seed)) = (permission, first) {
        *seed = std::mem::take(seed).certify(permission);
    }
    let count = fields.len();
    let draft = fields.into_iter().fold(Draft::new(), |draft, field| match field {
        Field::Text(field) => draft.text(field),
        Field::Signature(field) => draft.signature(field.0.seed(field.1)),
    });
    args.target.change(|pdf| Ok(draft.finish(pdf)?))?;
    args.target.tell(&json!({ "fields": count }), lang, "Đã chuẩn bị", "Prepared")
}

/// `kyso fill`.
pub(crate) fn fill(args: &FillArgs, lang: Lang) -> Outcome {
    let mut filling = Filling::new();
    if let Some(path) = &args.font {
        filling = filling.font(Font::from_ttf(input::read(path)?).map_err(|e| Stop::from(e).of_file(path))?);
    }
    for set in &args.set {
        let (name, value) =
            set.split_once('=').ok_or_else(|| Stop::usage(format!("--set {set}: expected NAME=VALUE")))?;
        filling = filling.text(name, value);
    }
    args.target.change(|pdf| Ok(filling.finish(pdf)?))?;
    args.target.tell(&json!({ "fields": args.set.len() }), lang, "Đã điền", "Filled in")
}

impl Target {
    /// Writes the document and what `update` adds to it.
    fn change(&self, update: impl FnOnce(&Pdf<'_>) -> Result<Tail, Stop>) -> Result<(), Stop> {
        if self.in_place {
            sign::recover(&self.input)?;
        }
        let source = FileSource::open(&self.input)?;
        let watched = Watched::new(&source, 1);
        let pdf = request::pdf(&watched, &self.pdf, &self.input)?;
        let tail = update(&pdf)?;
        let Some(output) = &self.output else { return Ok(files::append(&self.input, &source, tail.octets())?) };
        let mut out = Output::create(output)?;
        tail.write_after(&pdf, &mut out)?;
        source.check_unchanged()?;
        Ok(out.commit()?)
    }

    fn tell(&self, what: &Value, lang: Lang, vi: &str, en: &str) -> Outcome {
        let output = self.output.as_ref().unwrap_or(&self.input).display().to_string();
        if self.json {
            let mut what = what.clone();
            if let Some(what) = what.as_object_mut() {
                what.insert("output".to_owned(), output.into());
            }
            print::json(&what)?;
        } else {
            print::text(&format!("{}: {output}", if lang == Lang::Vi { vi } else { en }))?;
        }
        Ok(Exit::Done)
    }
}

enum Field {
    Text(TextField),
    Signature(Box<(SignatureField, SeedValues)>),
}

fn signature(field: SignatureField, seed: SeedValues) -> Field {
    Field::Signature(Box::new((field, seed)))
}

/// `KIND:NAME=PAGE,X,Y,W,H`.
fn option(text: &str) -> Result<Field, Stop> {
    let wrong = || {
        let message = "expected text:NAME=PAGE,X,Y,W,H or signature:NAME[=PAGE,X,Y,W,H]";
        Stop::usage(format!("--field {text}: {message}"))
    };
    let (kind, rest) = text.split_once(':').ok_or_else(wrong)?;
    let (name, place) = match rest.split_once('=') {
        Some((name, place)) => (name, Some(place)),
        None => (rest, None),
    };
    let place = place.map(|place| -> Result<(usize, Rectangle), Stop> {
        let numbers: Vec<f64> =
            place.split(',').map(|n| n.trim().parse().map_err(|_| wrong())).collect::<Result<_, Stop>>()?;
        let [page, rest @ ..] = numbers.as_slice() else { return Err(wrong()) };
        located(*page, rest).ok_or_else(wrong)
    });
    match (kind, place.transpose()?) {
        ("text", Some((page, place))) => Ok(Field::Text(TextField::new(name, page, place))),
        ("signature", Some((page, place))) => {
            Ok(signature(SignatureField::new(name).visible(page, place), SeedValues::new()))
        }
        ("signature", None) => Ok(signature(SignatureField::new(name), SeedValues::new())),
        _ => Err(wrong()),
    }
}

/// A page, counted from 1, and a rectangle on it.
fn located(page: f64, rectangle: &[f64]) -> Option<(usize, Rectangle)> {
    let [left, bottom, width, height] = *rectangle else { return None };
    let whole = page.fract() == 0.0 && (1.0..=1e6).contains(&page);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked
    whole.then(|| (page as usize - 1, Rectangle::new(left, bottom, width, height)))
}

/// The fields of a template file.
fn template(path: &Path) -> Result<Vec<Field>, Stop> {
    let wrong = |what: &str| Stop { exit: Exit::Input, message: what.to_owned() }.of_file(path);
    let value: Value = serde_json::from_slice(&input::read(path)?).map_err(|e| wrong(&e.to_string()))?;
    let fields = value
        .get("fields")
        .and_then(Value::as_array)
        .ok_or_else(|| wrong("expected an object with the array \"fields\""))?;
    fields
        .iter()
        .enumerate()
        .map(|(index, field)| entry(field).map_err(|e| wrong(&format!("fields[{index}]: {e}"))))
        .collect()
}

fn entry(field: &Value) -> Result<Field, String> {
    const KNOWN: [&str; 10] =
        ["kind", "name", "page", "rect", "size", "align", "multiline", "most", "label", "reasons"];
    let object = field.as_object().ok_or("expected an object")?;
    if let Some(key) = object.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(format!("{key:?} is not known; there are {}", KNOWN.join(", ")));
    }
    let name = field["name"].as_str().ok_or("expected \"name\"")?;
    let place = match object.get("rect") {
        None => None,
        Some(rectangle) => {
            let numbers: Option<Vec<f64>> =
                rectangle.as_array().and_then(|values| values.iter().map(Value::as_f64).collect());
            let page = object.get("page").map_or(Some(1.0), Value::as_f64);
            let place = numbers.zip(page).and_then(|(numbers, page)| located(page, &numbers));
            Some(place.ok_or("expected \"page\" from 1 and \"rect\" [x, y, width, height]")?)
        }
    };
    let label = field["label"].as_str();
    match field["kind"].as_str() {
        Some("text") => {
            let (page, place) = place.ok_or("a text field needs \"rect\"")?;
            let mut text = TextField::new(name, page, place);
            if let Some(size) = field["size"].as_f64() {
                text = text.size(size);
            }
            text = match field["align"].as_str() {
                None | Some("left") => text,
                Some("centre" | "center") => text.align(Alignment::Centre),
                Some("right") => text.align(Alignment::Right),
                Some(other) => return Err(format!("\"align\": {other:?} is not left, centre or right")),
            };
            if field["multiline"].as_bool() == Some(true) {
                text = text.multiline();
            }
            if let Some(most) = field["most"].as_u64() {
                text = text.most(u32::try_from(most).map_err(|e| e.to_string())?);
            }
            Ok(Field::Text(match label {
                Some(label) => text.label(label),
                None => text,
            }))
        }
        Some("signature") => {
            let mut made = SignatureField::new(name);
            if let Some((page, place)) = place {
                made = made.visible(page, place);
            }
            if let Some(label) = label {
                made = made.label(label);
            }
            let mut seed = SeedValues::new();
            if let Some(reasons) = field["reasons"].as_array() {
                seed = seed.reasons(reasons.iter().filter_map(Value::as_str));
            }
            Ok(signature(made, seed))
        }
        _ => Err("\"kind\" is not text or signature".to_owned()),
    }
}
