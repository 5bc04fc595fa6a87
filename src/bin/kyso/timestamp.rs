//! `kyso timestamp`.

use kyso::Limits;
use kyso::crypto::Digest;
use kyso::crypto::DigestAlgorithm;
use kyso::error::RefusalReason;
use kyso::error::Refused;
use kyso::files::FileSource;
use kyso::timestamp::TimeStampRequest;
use kyso::timestamp::TimeStampResponse;
use kyso::timestamp::TimeStampToken;

use crate::args::Lang;
use crate::args::TimestampArgs;
use crate::args::TimestampVerifyArgs;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::input;
use crate::keys;
use crate::network;
use crate::print;
use crate::progress::Watched;
use crate::sign;
use crate::trust;
use crate::verify;

/// What a file is expected to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    Reply,
    Token,
}

/// `kyso timestamp request`.
pub(crate) fn request(args: &TimestampArgs, lang: Lang) -> Outcome {
    let source = FileSource::open(&args.file)?;
    let algorithm = args.digest.map_or(DigestAlgorithm::Sha256, DigestAlgorithm::from);
    let digest = input::digest(&Watched::new(&source, 1), algorithm)?;
    source.check_unchanged()?;
    let request = TimeStampRequest::new(digest).nonce(&network::nonce::<16>()?);
    sign::write(&args.output, &request.to_der())?;
    let word = match lang {
        Lang::Vi => "Yêu cầu cấp dấu thời gian cho",
        Lang::En => "Request for a time-stamp over",
    };
    print::text(&format!("{word} {} {}", algorithm.name(), digest.to_hex()))?;
    Ok(Exit::Done)
}

/// `kyso timestamp reply` and `kyso timestamp verify`.
pub(crate) fn verify(args: &TimestampVerifyArgs, holds: Holds, lang: Lang) -> Outcome {
    let given = trust::given(&args.trust)?;
    let octets = input::read(&args.file)?;
    let token = token(&octets, holds).map_err(|e| Stop::from(e).of_file(&args.file))?;
    let algorithm = token.imprint().algorithm();
    let digest = match (&args.content, &args.digest) {
        (Some(path), _) => {
            let source = FileSource::open(path)?;
            let digest = input::digest(&Watched::new(&source, 1), algorithm)?;
            source.check_unchanged()?;
            Some(digest)
        }
        (None, Some(text)) => Some(parsed(text, algorithm)?),
        (None, None) => None,
    };
    let report = verify::validate(&given, args.trust.online, &octets, |v| v.timestamp(&token, digest.as_ref()))?;
    verify::show(&report, args.json, lang)
}

/// A token alone, or that of a reply; a token also where a reply is expected is a fault.
fn token(octets: &[u8], holds: Holds) -> Result<TimeStampToken, kyso::Error> {
    let limits = Limits::default();
    if holds == Holds::Token
        && let Ok(token) = TimeStampToken::from_octets(octets, &limits)
    {
        return Ok(token);
    }
    let reply = match TimeStampResponse::from_octets(octets, &limits) {
        Ok(reply) => reply,
        // What was said to be a token is judged as one.
        Err(error) if holds == Holds::Reply => return Err(error),
        Err(_) => return TimeStampToken::from_octets(octets, &limits),
    };
    match reply.token() {
        Some(token) if reply.status() <= 1 => Ok(token.clone()),
        _ => {
            let said: Vec<&str> =
                reply.text().iter().map(String::as_str).chain(reply.failures().iter().copied()).collect();
            let said = if said.is_empty() { "it gave no reason".to_owned() } else { said.join("; ") };
            let detail = format!("the authority granted no time-stamp (status {}): {said}", reply.status());
            Err(Refused::new(RefusalReason::TimeStamp, detail).into())
        }
    }
}

fn parsed(text: &str, algorithm: DigestAlgorithm) -> Result<Digest, Stop> {
    let octets = keys::hex(text).ok_or_else(|| Stop::usage("--digest: expected hexadecimal digits in pairs"))?;
    Digest::from_octets(algorithm, &octets).ok_or_else(|| {
        let (name, expected) = (algorithm.name(), algorithm.output_len());
        Stop::usage(format!("--digest: {} octets; the time-stamp is over {name}, which has {expected}", octets.len()))
    })
}
