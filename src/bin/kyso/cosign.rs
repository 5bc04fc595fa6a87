//! `kyso sign --parallel` and `--counter`: a further signer of a CMS that is there.

use std::path::Path;

use kyso::Limits;
use kyso::Time;
use kyso::cms::SignedData;
use kyso::fetch;
use kyso::files::FileSource;
use kyso::key::SigningKey;
use kyso::pdf::Source;
use kyso::sign::cades::CadesRequest;
use kyso::sign::cades::SignedCms;
use kyso::sign::counter;
use kyso::sign::counter::CounterSignatureRequest;

use crate::args::Level;
use crate::args::SignArgs;
use crate::arithmetic;
use crate::exit::Exit;
use crate::exit::Stop;
use crate::input;
use crate::network;
use crate::progress::Watched;
use crate::request;
use crate::sign;
use crate::sign::Signing;

/// Adds a signer to the CMS `source`.
pub(crate) fn sign(signing: &Signing<'_>, input: &Path, output: &Path, source: &FileSource) -> Result<(), Stop> {
    let Signing { args, key, claimed, raise, evidence } = *signing;
    let watched = Watched::new(source, 2);
    let of_file = |e: kyso::Error| Stop::from(e).of_file(input);
    let (cms, inside) = SignedData::from_source(&watched, &Limits::default()).map_err(of_file)?;
    if cms.signers().is_empty() {
        let stop = Stop { exit: Exit::NoSignature, message: "no signature in it".to_owned() };
        return Err(stop.of_file(input));
    }
    let beside = args.content.as_deref().map(FileSource::open).transpose()?;
    let content: Option<&dyn Source> = match (&inside, &beside) {
        (Some(_), Some(_)) => {
            return Err(Stop::usage("--content is for detached signatures; this one holds its content"));
        }
        (Some(inside), None) => Some(inside),
        (None, Some(beside)) => Some(beside),
        (None, None) => None,
    };
    let mut signed = match args.counter {
        Some(number) => countersign(args, &cms, number, key, claimed)?,
        None => parallel(args, &cms, content, key, claimed)?,
    };
    if args.signature.level.is_long_term() {
        let cms = SignedData::from_octets(signed.octets(), &Limits::default())?;
        signed = raise.cms(cms, content, evidence)?;
    }
    sign::write_cms(output, &signed, inside.as_ref().map(|inside| inside as &dyn Source), || {
        beside.as_ref().map_or(Ok(()), FileSource::check_unchanged)?;
        source.check_unchanged()
    })
}

fn countersign(
    args: &SignArgs,
    cms: &SignedData,
    number: usize,
    key: &dyn SigningKey,
    claimed: Time,
) -> Result<SignedCms, Stop> {
    let Some(index) = number.checked_sub(1).filter(|index| *index < cms.signers().len()) else {
        let count = cms.signers().len();
        return Err(Stop::usage(format!("--counter {number}: the signers are counted from 1, and there are {count}")));
    };
    let request = CounterSignatureRequest::new(cms, index, claimed).backend(arithmetic::backend());
    Ok(match args.signature.tsa.as_deref().filter(|_| args.signature.level != Level::BB) {
        Some(url) => fetch::run(request.sign_timestamped(key, request::timestamp(url)?)?, &network::client()?)?,
        None => request.sign(key)?,
    })
}

fn parallel(
    args: &SignArgs,
    cms: &SignedData,
    content: Option<&dyn Source>,
    key: &dyn SigningKey,
    claimed: Time,
) -> Result<SignedCms, Stop> {
    let Some(content) = content else {
        return Err(Stop::usage("--parallel on a detached signature needs --content FILE"));
    };
    let request = CadesRequest::from_digest(input::digest(content, sign::digest_of(key))?, claimed)
        .backend(arithmetic::backend());
    let own = match args.signature.tsa.as_deref().filter(|_| args.signature.level != Level::BB) {
        Some(url) => fetch::run(request.sign_timestamped(key, request::timestamp(url)?)?, &network::client()?)?,
        None => request.sign(key)?,
    };
    Ok(counter::parallel(cms, &own, &Limits::default())?)
}
