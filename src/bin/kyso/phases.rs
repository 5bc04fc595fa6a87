//! `kyso prepare` and `kyso complete`: the key is elsewhere.

use serde_json::json;

use kyso::Limits;
use kyso::cms::SignedData;
use kyso::fetch;
use kyso::files::FileSource;
use kyso::files::Output;
use kyso::key::SignatureValue;
use kyso::key::ToBeSigned;
use kyso::pdf::Source;
use kyso::revocation::Evidence;
use kyso::sign::Prepared;
use kyso::sign::StateFormat;
use kyso::sign::cades::CadesRequest;
use kyso::sign::cades::Content;

use crate::args::CompleteArgs;
use crate::args::Lang;
use crate::args::Level;
use crate::args::PrepareArgs;
use crate::arithmetic;
use crate::augment::Raise;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::input;
use crate::keys;
use crate::network;
use crate::print;
use crate::progress::Watched;
use crate::request;
use crate::request::Format;
use crate::sign;
use crate::trust;

/// A signature value in base64 is no longer than this; RSA with 16384 bits has 2732.
const LONGEST_TEXT: usize = 8192;

/// `kyso prepare`.
pub(crate) fn prepare(args: &PrepareArgs, lang: Lang) -> Outcome {
    let mut checked = args.signature.clone();
    if checked.level != Level::BB && checked.tsa.is_none() {
        // The authority is asked by `complete`.
        checked.level = Level::BB;
    }
    request::check(&checked)?;
    if args.signature.tsa.is_some() {
        return Err(Stop::usage("--tsa: the time-stamp is asked for by complete; give it there"));
    }
    let claimed = request::claimed(&args.signature)?;
    let source = FileSource::open(&args.input)?;
    let format = request::format(&args.signature, &source)?;
    let identity = keys::identity(&args.cert, &args.chain)?;
    let digest = request::digest(&args.signature);
    let (state, to_be_signed) = match format {
        Format::Pades => {
            let watched = Watched::new(&source, 1);
            let pdf = request::pdf(&watched, &args.pdf, &args.input)?;
            let mut wanted = request::pades(&pdf, &args.signature, identity.certificate(), claimed, lang)?;
            if let Some(digest) = digest {
                wanted = wanted.digest(digest);
            }
            if args.signature.pss {
                wanted = wanted.pss();
            }
            if args.signature.level != Level::BB {
                wanted = wanted.room_for_timestamp();
            }
            let prepared = wanted.prepare(&identity).map_err(sign::of_pdf(&args.input))?;
            (prepared.to_bytes(), prepared.to_be_signed().clone())
        }
        Format::Cades => {
            let watched = Watched::new(&source, 1);
            let mut wanted = CadesRequest::from_source(&watched, claimed).backend(arithmetic::backend());
            if args.signature.detached {
                wanted = wanted.detached();
            }
            if let Some(digest) = digest {
                wanted = wanted.digest(digest);
            }
            if args.signature.pss {
                wanted = wanted.pss();
            }
            let prepared = wanted.prepare(&identity)?;
            (prepared.to_bytes(), prepared.to_be_signed().clone())
        }
    };
    source.check_unchanged()?;
    sign::write(&args.output, &state)?;
    show(&to_be_signed, args.json)?;
    Ok(Exit::Done)
}

/// What the far signer needs: the digest, or for Ed25519, which takes none, the octets themselves.
fn show(to_be_signed: &ToBeSigned, as_json: bool) -> Result<(), Stop> {
    let algorithm = to_be_signed.algorithm();
    let octets = to_be_signed.octets();
    let digest = algorithm.digest().map(|a| a.digest(octets));
    if as_json {
        let base64 = |octets: &[u8]| base64_simd::STANDARD.encode_to_string(octets);
        return print::json(&json!({
            "algorithm": algorithm.name(),
            "digest_algorithm": digest.map(|d| d.algorithm().name()),
            "digest": digest.map(|d| base64(d.octets())),
            "digest_hex": digest.map(|d| d.to_hex()),
            "to_be_signed": base64(octets),
        }));
    }
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    print::text(&digest.map_or_else(|| hex(octets), |d| d.to_hex()))
}

/// `kyso complete`.
pub(crate) fn complete(args: &CompleteArgs, lang: Lang) -> Outcome {
    let of_state = |e: kyso::Error| match e {
        kyso::Error::Malformed(_) | kyso::Error::Unsupported(_) => Stop::from(e).of_file(&args.state),
        other => other.into(),
    };
    let level = match (args.level, &args.tsa) {
        (Some(level), _) => level,
        (None, Some(_)) => Level::BT,
        (None, None) => Level::BB,
    };
    request::level(level, args.tsa.as_deref())?;
    let given = trust::given(&args.trust)?;
    let (tsa, online) = (args.tsa.as_deref(), args.trust.online);
    let raise = Raise { level, tsa, given: &given, online, vri: false, lang };
    let state = input::read(&args.state)?;
    let format = StateFormat::of(&state).map_err(of_state)?;
    let value = SignatureValue::new(signature_value(input::read(&args.signature)?));
    let source = FileSource::open(&args.input)?;
    let format = match format {
        StateFormat::Pades => {
            let watched = Watched::new(&source, if level.is_long_term() { 4 } else { 2 });
            let (pdf, opening) = request::pdf_and_opening(&watched, &args.pdf, &args.input)?;
            let prepared = Prepared::resume(&state, &pdf).map_err(of_state)?;
            let mut out = Output::create(&args.output)?;
            let signed = match tsa {
                Some(url) => {
                    let job = prepared.complete_timestamped(&value, request::timestamp(url)?)?;
                    fetch::run(job, &network::client()?)?
                }
                None => prepared.complete(&value)?,
            };
            sign::write_raised(&signed, &watched, opening, &raise, &Evidence::new(), &mut out)?;
            source.check_unchanged()?;
            out.commit()?;
            Format::Pades
        }
        StateFormat::Cades => {
            let watched = Watched::new(&source, if level.is_long_term() { 3 } else { 2 });
            let prepared = Prepared::resume(&state, Content::Source(&watched)).map_err(of_state)?;
            let mut signed = match tsa {
                Some(url) => {
                    let job = prepared.complete_timestamped(&value, request::timestamp(url)?)?;
                    fetch::run(job, &network::client()?)?
                }
                None => prepared.complete(&value)?,
            };
            let inside: Option<&dyn Source> = if signed.lacks_content() { Some(&watched) } else { None };
            if level.is_long_term() {
                let cms = SignedData::from_octets(signed.octets(), &Limits::default())?;
                signed = raise.cms(cms, Some(&watched), &Evidence::new())?;
            }
            sign::write_cms(&args.output, &signed, inside, || source.check_unchanged())?;
            Format::Cades
        }
        _ => {
            let message = "the state of a counter-signature; the command prepares none";
            return Err(Stop { exit: Exit::Input, message: message.to_owned() }.of_file(&args.state));
        }
    };
    sign::say_done(&args.output, format.name(), level.name(), lang)?;
    Ok(Exit::Done)
}

/// The octets of a signature value, which services hand out as such or in base64.
///
/// A value of octets that all happen to be base64 is less likely than a broken
/// disk, and the value is verified before anything is written.
fn signature_value(octets: Vec<u8>) -> Vec<u8> {
    let text: Vec<u8> = octets.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    if text.len() > LONGEST_TEXT {
        return octets;
    }
    base64_simd::STANDARD.decode_to_vec(&text).unwrap_or(octets)
}
