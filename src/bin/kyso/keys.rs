//! The signing key from the command line.

use std::io::IsTerminal;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use kyso::Limits;
use kyso::crypto::Backend;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeyType;
use kyso::crypto::PrivateKey;
use kyso::crypto::PssParameters;
use kyso::crypto::SignatureAlgorithm;
use kyso::error::SecretError;
use kyso::key::SignatureValue;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::key::pkcs11::KeySelector;
use kyso::key::pkcs11::Label;
use kyso::key::pkcs11::Login;
use kyso::key::pkcs11::Module;
use kyso::key::pkcs11::Token;
use kyso::key::pkcs11::TokenSelector;
use kyso::key::pkcs11::TokenSession;
use kyso::key::pkcs11::TokenUri;
use kyso::key::soft::SoftKey;
use kyso::secret::Password;
use kyso::secret::Pin;

use crate::args::DigestName;
use crate::args::KeyArgs;
use crate::arithmetic;
use crate::exit::Exit;
use crate::exit::Stop;
use crate::input;
use crate::print;
use crate::trust;
use crate::trust::Given;

/// Opens the key that the options name, to sign so many documents.
pub(crate) fn open(
    args: &KeyArgs,
    digest: Option<DigestName>,
    pss: bool,
    documents: usize,
    given: &Given,
) -> Result<Key, Stop> {
    let token = args.pkcs11.is_some() || args.pkcs11_uri.is_some();
    // An option that is passed over in silence is one that somebody relied on.
    let of_tokens = [
        ("--token", args.token.is_some()),
        ("--key-id", args.key_id.is_some()),
        ("--key-label", args.key_label.is_some() && args.p12.is_none()),
        ("--pin-env", args.pin_env.is_some()),
        ("--pin-file", args.pin_file.is_some()),
        ("--final-try", args.final_try),
    ];
    let of_files = [("--password-env", args.password_env.is_some()), ("--password-file", args.password_file.is_some())];
    let foreign = if token { &of_files[..] } else { &of_tokens };
    if let Some((option, _)) = foreign.iter().find(|(_, given)| *given) {
        let whose = if token { "of a key file; a token has a PIN" } else { "for keys on a token" };
        return Err(Stop::usage(format!("{option} is {whose}")));
    }
    let key = match (&args.p12, &args.key, token) {
        (Some(_), None, false) if args.cert.is_some() => {
            Err(Stop::usage("--cert: the PKCS#12 store holds the certificate of its key"))
        }
        (Some(path), None, false) => with_chain(from_pkcs12(path, args, (digest, pss), documents)?, &args.chain),
        (None, Some(path), false) => from_file(path, args, (digest, pss), documents),
        (None, None, true) => with_chain(from_token(args, digest, pss)?, &args.chain),
        (None, None, false) => {
            Err(Stop::usage("which key? Give --p12 FILE, --key FILE --cert FILE, or --pkcs11 MODULE"))
        }
        _ => Err(Stop::usage("--p12, --key and --pkcs11: give one of them")),
    }?;
    let own = key.identity();
    let identity = own.clone().completed(&given.anchors, given.evidence.certificates(), given.at);
    Ok(if identity.chain().len() == own.chain().len() { key } else { Box::new(WithChain { key, identity }) })
}

/// A key that signs from whatever thread.
pub(crate) type Key = Box<dyn SigningKey + Sync>;

/// A key with further certificates beside those that it came with.
struct WithChain {
    key: Key,
    identity: SignerIdentity,
}

impl SigningKey for WithChain {
    fn identity(&self) -> &SignerIdentity {
        &self.identity
    }

    fn default_algorithm(&self) -> SignatureAlgorithm {
        self.key.default_algorithm()
    }

    fn sign(&self, message: &ToBeSigned) -> Result<SignatureValue, kyso::Error> {
        self.key.sign(message)
    }
}

fn with_chain(key: Key, chain: &[PathBuf]) -> Result<Key, Stop> {
    if chain.is_empty() {
        return Ok(key);
    }
    let mut all = key.identity().chain().to_vec();
    for path in chain {
        let more = trust::certificates(path)?.into_iter().flat_map(|(_, c)| c);
        all.extend(more.filter(|c| c != key.identity().certificate() && !key.identity().chain().contains(c)));
    }
    let identity = SignerIdentity::new(key.identity().certificate().clone(), all);
    Ok(Box::new(WithChain { key, identity }))
}

/// Who signs with a key in memory. To check an RSA key at its loading, aws-lc-rs takes as long as
/// RustCrypto takes to sign some thirty documents.
fn signs_by(documents: usize) -> Backend {
    if documents > 32 { arithmetic::backend() } else { Backend::rust_crypto() }
}

fn from_pkcs12(
    path: &Path,
    args: &KeyArgs,
    (digest, pss): (Option<DigestName>, bool),
    documents: usize,
) -> Result<Key, Stop> {
    let octets = zeroize::Zeroizing::new(input::read(path)?);
    let prompt = format!("Password of {}: ", path.display());
    // A store without a password is opened with an empty one.
    let password = password(args, Some(&prompt))?.unwrap_or_else(|| Password::new(""));
    let limits = Limits::default();
    let key = match &args.key_label {
        Some(name) => SoftKey::from_pkcs12_named(&octets, &password, name, &limits),
        None => SoftKey::from_pkcs12(&octets, &password, &limits),
    };
    let key = key.map_err(|e| Stop::from(e).of_file(path))?;
    let algorithm =
        algorithm(key.identity().certificate().public_key().key_type(), key.default_algorithm(), digest, pss)?;
    Ok(Box::new(key.with_algorithm(algorithm)?.with_backend(signs_by(documents))))
}

fn from_file(
    path: &Path,
    args: &KeyArgs,
    (digest, pss): (Option<DigestName>, bool),
    documents: usize,
) -> Result<Key, Stop> {
    let key = private_key(path, args)?;
    let cert = args.cert.as_ref().ok_or_else(|| Stop::usage("--key needs --cert"))?;
    let identity = identity(cert, &args.chain)?;
    let algorithm = algorithm(key.public_key().key_type(), key.default_algorithm(), digest, pss)?;
    Ok(Box::new(SoftKey::new(key, identity)?.with_algorithm(algorithm)?.with_backend(signs_by(documents))))
}

/// The private key of a file.
pub(crate) fn private_key(path: &Path, args: &KeyArgs) -> Result<PrivateKey, Stop> {
    let octets = zeroize::Zeroizing::new(input::read(path)?);
    match PrivateKey::from_file(&octets, None) {
        Err(kyso::Error::Secret(SecretError::Missing { .. })) => {
            let prompt = format!("Password of {}: ", path.display());
            let password = password(args, Some(&prompt))?;
            PrivateKey::from_file(&octets, password.as_ref())
        }
        outcome => outcome,
    }
    .map_err(|e| Stop::from(e).of_file(path))
}

fn from_token(args: &KeyArgs, digest: Option<DigestName>, pss: bool) -> Result<Key, Stop> {
    let (session, key) = session(args)?;
    let key = match &args.cert {
        Some(cert) => session.signing_key_with(key, identity(cert, &[])?)?,
        None => session.signing_key(key)?,
    };
    let algorithm =
        algorithm(key.identity().certificate().public_key().key_type(), key.default_algorithm(), digest, pss)?;
    Ok(Box::new(key.with_algorithm(algorithm)?))
}

/// Logs in to the token that the options name; with it comes which key they mean.
pub(crate) fn session(args: &KeyArgs) -> Result<(TokenSession, KeySelector), Stop> {
    let uri = args.pkcs11_uri.as_deref().map(TokenUri::parse).transpose()?;
    let module = match (&args.pkcs11, uri.as_ref().and_then(TokenUri::module_path)) {
        (Some(path), _) => path.clone(),
        (None, Some(path)) => PathBuf::from(path),
        (None, None) => return Err(Stop::usage("--pkcs11-uri without module-path needs --pkcs11 MODULE")),
    };
    let (token, key) = match &uri {
        Some(uri) => (TokenSelector::from(uri), KeySelector::from(uri)),
        None => {
            let mut key = KeySelector::only();
            if let Some(label) = &args.key_label {
                key = key.label(label.as_bytes());
            }
            if let Some(id) = &args.key_id {
                key = key.id(key_id(id)?);
            }
            (args.token.as_ref().map_or_else(TokenSelector::only, |label| TokenSelector::only().label(label)), key)
        }
    };
    // Nobody is asked for the PIN of a token that is not there.
    let module = Module::load(module)?;
    let tokens = module.tokens()?;
    let wanted = |t: &&Token| match &uri {
        Some(uri) => {
            let is = |wanted: Option<&str>, label: &Label| wanted.is_none_or(|wanted| label.to_string() == wanted);
            is(uri.token(), t.label()) && is(uri.serial(), t.serial())
        }
        None => args.token.as_ref().is_none_or(|label| t.label().octets() == label.as_bytes()),
    };
    let Some(there) = tokens.iter().find(wanted) else {
        let which = args.token.as_ref().map_or_else(|| "a token".to_owned(), |label| format!("the token \"{label}\""));
        let there: Vec<String> = tokens.iter().map(ToString::to_string).collect();
        let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        return Err(Stop { exit: Exit::Service, message: format!("{which} is not there; there is {there}") });
    };
    let login = login(args, uri.as_ref().and_then(TokenUri::pin_source), there.has_pin_pad())?;
    let login = if args.final_try { login.allow_final_try() } else { login };
    Ok((module.login(token, login)?, key))
}

/// The PIN from an option, from the device's own pad, or from a person at a terminal.
fn login(args: &KeyArgs, uri_source: Option<&str>, pin_pad: bool) -> Result<Login, Stop> {
    let of_uri = match uri_source.filter(|_| args.pin_env.is_none() && args.pin_file.is_none()) {
        Some(source) => Some(pin_source(source)?),
        None => None,
    };
    if let Some(pin) = input::secret(args.pin_env.as_deref(), args.pin_file.as_deref().or(of_uri), None)? {
        // It stays where it came from; a key that wants it for each signature gets it.
        return Ok(Login::with_kept_pin(Pin::new(pin.as_str())));
    }
    if pin_pad {
        print::note("enter the PIN on the device");
        return Ok(Login::on_device());
    }
    if !std::io::stdin().is_terminal() {
        let message = "a PIN is needed: --pin-env, --pin-file, or a terminal".into();
        return Err(Stop { exit: Exit::Secret, message });
    }
    Ok(Login::with_callback(|request| {
        // Of several signatures that want the PIN, one after the other asks.
        static ASKING: Mutex<()> = Mutex::new(());
        let _asking = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
        let prompt = format!("PIN of {}: ", request.token());
        input::secret(None, None, Some(&prompt)).ok().flatten().map(|pin| Pin::new(pin.as_str()))
    }))
}

/// The file that a URI names (RFC 7512 §2.4).
fn pin_source(source: &str) -> Result<&Path, Stop> {
    let path = source.strip_prefix("file:").map_or(source, |path| path.strip_prefix("//").unwrap_or(path));
    if path.starts_with('/') {
        return Ok(Path::new(path));
    }
    Err(Stop::usage("pin-source in the URI: only an absolute path or file: is read; give --pin-env or --pin-file"))
}

/// A `CKA_ID` from hexadecimal digits.
pub(crate) fn key_id(digits: &str) -> Result<Vec<u8>, Stop> {
    hex(digits).ok_or_else(|| Stop::usage("--key-id: expected hexadecimal digits in pairs"))
}

impl From<DigestName> for DigestAlgorithm {
    fn from(name: DigestName) -> Self {
        match name {
            DigestName::Sha256 => Self::Sha256,
            DigestName::Sha384 => Self::Sha384,
            DigestName::Sha512 => Self::Sha512,
        }
    }
}

/// Octets from hexadecimal digits.
pub(crate) fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|b| *b != b':').collect();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// The password of a key file, from where the options say.
fn password(args: &KeyArgs, prompt: Option<&str>) -> Result<Option<Password>, Stop> {
    let secret = input::secret(args.password_env.as_deref(), args.password_file.as_deref(), prompt)?;
    Ok(secret.map(|s| Password::new(s.as_str())))
}

pub(crate) fn identity(cert: &Path, chain: &[PathBuf]) -> Result<SignerIdentity, Stop> {
    let certificate = trust::certificate(cert)?;
    let mut further = Vec::new();
    for path in chain {
        further.extend(trust::certificates(path)?.into_iter().flat_map(|(_, c)| c));
    }
    Ok(SignerIdentity::new(certificate, further))
}

/// The signature algorithm for a key under `--digest` and `--pss`.
pub(crate) fn algorithm(
    key: KeyType,
    default: SignatureAlgorithm,
    digest: Option<DigestName>,
    pss: bool,
) -> Result<SignatureAlgorithm, Stop> {
    let digest = digest.map(DigestAlgorithm::from);
    match (key, digest) {
        (KeyType::Rsa { .. }, _) if pss => {
            Ok(SignatureAlgorithm::RsaPss(PssParameters::new(digest.unwrap_or(DigestAlgorithm::Sha256))))
        }
        _ if pss => Err(Stop::usage("--pss: the key is not an RSA key")),
        (_, None) => Ok(default),
        (KeyType::Rsa { .. }, Some(digest)) => Ok(SignatureAlgorithm::RsaPkcs1v15(digest)),
        (KeyType::Ec(_), Some(digest)) => Ok(SignatureAlgorithm::Ecdsa(digest)),
        (_, Some(DigestAlgorithm::Sha512)) => Ok(default),
        (_, Some(_)) => Err(Stop::usage("--digest: an Ed25519 key signs with SHA-512 alone (RFC 8419)")),
    }
}
