//! The signing key from the command line.

use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeyType;
use kyso::crypto::PrivateKey;
use kyso::crypto::PssParameters;
use kyso::crypto::SignatureAlgorithm;
use kyso::error::SecretError;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::soft::SoftKey;
use kyso::secret::Password;

use crate::args::DigestName;
use crate::args::KeyArgs;
use crate::exit::Stop;
use crate::input;
use crate::trust;

/// Opens the key that the options name.
pub(crate) fn open(args: &KeyArgs, digest: Option<DigestName>, pss: bool) -> Result<Box<dyn SigningKey>, Stop> {
    match (&args.p12, &args.key) {
        (Some(_), Some(_)) => Err(Stop::usage("--p12 and --key: give one of them")),
        (None, Some(path)) => {
            let octets = zeroize::Zeroizing::new(input::read(path)?);
            let key = match PrivateKey::from_file(&octets, None) {
                Err(kyso::Error::Secret(SecretError::Missing { .. })) => {
                    let prompt = format!("Password of {}: ", path.display());
                    let password = password(args, Some(&prompt))?;
                    PrivateKey::from_file(&octets, password.as_ref())
                }
                outcome => outcome,
            }
            .map_err(|e| Stop::from(e).of_file(path))?;
            let cert = args.cert.as_ref().ok_or_else(|| Stop::usage("--key needs --cert"))?;
            let identity = identity(cert, &args.chain)?;
            let algorithm = algorithm(key.public_key().key_type(), key.default_algorithm(), digest, pss)?;
            Ok(Box::new(SoftKey::new(key, identity)?.with_algorithm(algorithm)?))
        }
        _ => Err(Stop::usage("which key? Give --p12 FILE, --key FILE --cert FILE, or --pkcs11 MODULE")),
    }
}

/// The password of a key file, from where the options say.
fn password(args: &KeyArgs, prompt: Option<&str>) -> Result<Option<Password>, Stop> {
    let secret = input::secret(args.password_env.as_deref(), args.password_file.as_deref(), prompt)?;
    Ok(secret.map(|s| Password::new(s.as_str())))
}

fn identity(cert: &std::path::Path, chain: &[std::path::PathBuf]) -> Result<SignerIdentity, Stop> {
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
    let digest = digest.map(|d| match d {
        DigestName::Sha256 => DigestAlgorithm::Sha256,
        DigestName::Sha384 => DigestAlgorithm::Sha384,
        DigestName::Sha512 => DigestAlgorithm::Sha512,
    });
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
