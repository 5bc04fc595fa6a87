//! `kyso sign --preview`: the page as it will look, drawn and not signed.

use kyso::Time;
use kyso::files::FileSource;
use kyso::pdf::preview::draw_page;

use crate::args::Lang;
use crate::args::SignArgs;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::keys;
use crate::print;
use crate::request;
use crate::request::Format;
use crate::request::Opening;
use crate::sign;
use crate::trust::Given;

/// Pixels per inch.
const RESOLUTION: f64 = 150.0;

/// Writes the picture of the page that shows the signature. Where the key is on a token, its certificate is
/// enough: `--cert`.
pub(crate) fn preview(args: &SignArgs, given: &Given, claimed: Time, lang: Lang) -> Outcome {
    let wrong = || Stop::usage("--preview: a page of one PDF is drawn, into a PNG file: -o OUT.png");
    let ([input], Some(output)) = (args.inputs.as_slice(), &args.output) else { return Err(wrong()) };
    let source = FileSource::open(input)?;
    if request::format(&args.signature, &source)? != Format::Pades {
        return Err(wrong());
    }
    let key = &args.key;
    let alone = key.cert.as_ref().filter(|_| key.key.is_none() && key.p12.is_none());
    let identity = match alone {
        Some(certificate) => keys::identity(certificate, &key.chain)?,
        None => keys::open(key, args.signature.digest, args.signature.pss, 1, given)?.identity().clone(),
    };
    let (pdf, opening) = request::pdf_and_opening(&source, &args.pdf, input)?;
    let request = request::pades(&pdf, &args.signature, identity.certificate(), claimed, lang)?;
    let page = request.shown_page()?;
    let draft = request.draft().map_err(sign::of_pdf(input))?;
    let password = match &opening {
        Opening::Nothing => None,
        Opening::Password(password) => Some(password),
        Opening::Key(_) => {
            let message = "--preview: documents that are encrypted for recipients cannot be drawn";
            return Err(Stop { exit: Exit::Input, message: message.to_owned() }.of_file(input));
        }
    };
    let picture = draw_page(draft, password, page, RESOLUTION).map_err(sign::of_pdf(input))?;
    sign::write(output, &picture)?;
    let word = match lang {
        Lang::Vi => "Xem trước, chưa ký",
        Lang::En => "Preview, not signed",
    };
    print::text(&format!("{word}: {}", output.display()))?;
    Ok(Exit::Done)
}
