//! `kyso cert request`: a PKCS#10 request for a key in a file or on a token.

use kyso::crypto::Message;
use kyso::crypto::PublicKey;
use kyso::crypto::SignatureAlgorithm;
use kyso::x509::CertificationRequest;
use kyso::x509::Name;
use kyso::x509::UnsignedRequest;

use crate::args::CertRequestArgs;
use crate::args::Lang;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::keys;
use crate::print;
use crate::sign;

/// `kyso cert request`.
pub(crate) fn request(args: &CertRequestArgs, lang: Lang) -> Outcome {
    let subject = Name::parse(&args.subject)?;
    let key = &args.key;
    let token = key.pkcs11.is_some() || key.pkcs11_uri.is_some();
    if key.p12.is_some() || key.cert.is_some() || !key.chain.is_empty() {
        return Err(Stop::usage("--p12, --cert, --chain: a request is for a key; give --key FILE or --pkcs11 MODULE"));
    }
    let request = match (&key.key, token) {
        (Some(path), false) => {
            let private = keys::private_key(path, key)?;
            let unsigned = unsigned(args, subject, private.public_key())?;
            let value = private.sign(unsigned.algorithm(), Message::Octets(&unsigned.to_be_signed()))?;
            unsigned.complete(&value)?
        }
        (None, true) => {
            let (session, selector) = keys::session(key)?;
            let unsigned = unsigned(args, subject, &session.public_key(selector.clone())?)?;
            session.sign_request(selector, &unsigned)?
        }
        (Some(_), true) => return Err(Stop::usage("--key and --pkcs11: give one of them")),
        (None, false) => return Err(Stop::usage("which key? Give --key FILE or --pkcs11 MODULE")),
    };
    sign::write(&args.output, request.to_pem().as_bytes())?;
    say(&request, args, lang)?;
    Ok(Exit::Done)
}

fn unsigned(args: &CertRequestArgs, subject: Name, key: &PublicKey) -> Result<UnsignedRequest, Stop> {
    let default = SignatureAlgorithm::default_for(key)
        .ok_or_else(|| Stop::usage(format!("a key of this kind ({}) cannot sign a request", key.key_type())))?;
    let algorithm = keys::algorithm(key.key_type(), default, args.digest, args.pss)?;
    let request = UnsignedRequest::new(subject, key.clone(), algorithm);
    Ok(match &args.email {
        Some(address) => request.email(address)?,
        None => request,
    })
}

fn say(request: &CertificationRequest, args: &CertRequestArgs, lang: Lang) -> Result<(), Stop> {
    let word = if lang == Lang::Vi { "Yêu cầu cấp chứng thư cho" } else { "Certification request for" };
    let kind = request.public_key().key_type();
    print::text(&format!("{}: {word} {} ({kind})", args.output.display(), request.subject()))
}
