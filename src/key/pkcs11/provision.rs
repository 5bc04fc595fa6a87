//! Making keys on a token, asking for their certificates, and putting these beside them.

use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use cryptoki::object::AttributeType;
use cryptoki::object::CertificateType;
use cryptoki::object::ObjectClass;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::types::Ulong;
use std::sync::Arc;

use super::module::failed;
use super::module::slot;
use super::objects;
use super::session::TokenSession;
use super::signing::Signer;
use super::token::KeySelector;
use crate::asn1::Oid;
use crate::asn1::encode;
use crate::crypto::Curve;
use crate::crypto::KeySpec;
use crate::crypto::KeyType;
use crate::crypto::PublicKey;
use crate::crypto::hex;
use crate::error::Error;
use crate::error::Misuse;
use crate::error::TokenError;
use crate::error::TokenFault;
use crate::key::ToBeSigned;
use crate::x509::Certificate;
use crate::x509::CertificationRequest;
use crate::x509::UnsignedRequest;

/// What key to make on a token.
#[derive(Clone, Debug)]
pub struct NewKey {
    spec: KeySpec,
    label: String,
    id: Option<Vec<u8>>,
}

impl NewKey {
    /// A key of this kind (RSA from 2048 to 4096 bits, P-256, P-384) with this label.
    #[must_use]
    pub fn new(spec: KeySpec, label: impl Into<String>) -> Self {
        Self { spec, label: label.into(), id: None }
    }

    /// With this `CKA_ID`; by default a random one.
    #[must_use]
    pub fn id(mut self, id: impl Into<Vec<u8>>) -> Self {
        self.id = Some(id.into());
        self
    }
}

/// A key pair that was made on a token.
#[derive(Clone, Debug)]
pub struct GeneratedKey {
    id: Vec<u8>,
    public_key: PublicKey,
}

impl GeneratedKey {
    /// Its `CKA_ID`, which links the certificate to it.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// The public key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }
}

/// A certificate that was put on a token, as read back from there.
#[derive(Clone, Debug)]
pub struct ImportedCertificate {
    id: Vec<u8>,
    others: usize,
}

impl ImportedCertificate {
    /// The `CKA_ID` that it shares with its key.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// How many other certificates the token holds for the same key. Where there
    /// are any, a key is to be opened together with the certificate that is meant
    /// ([`TokenSession::signing_key_with`]).
    #[must_use]
    pub const fn others(&self) -> usize {
        self.others
    }
}

/// Octets of a random `CKA_ID`.
const ID_LEN: usize = 20;

impl TokenSession {
    /// Makes a key pair on the token. The private key signs, never leaves the
    /// token and cannot be read; what the token made of that is looked at afterwards.
    ///
    /// RSA keys can take a card minutes ([`Module::with_time_limit`](super::Module::with_time_limit)).
    ///
    /// # Errors
    /// [`Error::Misuse`] for a kind of key that is not made here, or an id that
    /// is taken; [`Error::Token`] where the token cannot make such a key, or made
    /// one that could leave it, which is destroyed then.
    pub fn generate_key(&self, new: &NewKey) -> Result<GeneratedKey, Error> {
        let kind = Kind::of(new.spec)?;
        let id = match &new.id {
            Some(id) if id.is_empty() => return Err(Misuse::new("an empty CKA_ID links nothing").into()),
            Some(id) => id.clone(),
            None => random_id()?,
        };
        let slot = slot(self.shared.slot())?;
        let wanted = kind.mechanism().mechanism_type();
        let there = self.shared.module().call("list mechanisms", move |context| {
            let list = context.get_mechanism_list(slot).map_err(|e| failed("list mechanisms", &e))?;
            Ok(list.contains(&wanted))
        })?;
        if !there {
            let text = format!("{} has no mechanism {wanted}", self.token().name());
            return Err(TokenError::new("generate key", text).with_fault(TokenFault::Mechanism).into());
        }
        let (label, made) = (new.label.clone().into_bytes(), id.clone());
        self.shared.with_write("generate key", move |session| generate(session, kind, &label, &made))?;
        let (_, key, found) = self.choose(&KeySelector::only().id(id.clone()))?;
        let unreadable = || TokenError::new("generate key", "the token does not show the public key that it made");
        let public_key = found.public_key(&key).ok_or_else(unreadable)?;
        if public_key.key_type() != kind.key_type() {
            let text = format!("the token made a key of another kind: {}", public_key.key_type());
            return Err(TokenError::new("generate key", text).into());
        }
        Ok(GeneratedKey { id, public_key })
    }

    /// The public key of a signing key.
    ///
    /// # Errors
    /// As [`signing_key`](Self::signing_key); [`Error::Token`] where no object
    /// of the token shows it.
    pub fn public_key(&self, key: impl Into<KeySelector>) -> Result<PublicKey, Error> {
        let (_, key, found) = self.choose(&key.into())?;
        found.public_key(&key).ok_or_else(|| {
            let text = format!("the token does not show the public key of {}", key.name());
            TokenError::new("read public key", text).into()
        })
    }

    /// Signs a certification request (PKCS#10) with a key that needs no certificate yet.
    ///
    /// # Errors
    /// As [`signing_key`](Self::signing_key); [`Error::Refused`] where the
    /// request is for the public key of another one.
    pub fn sign_request(
        &self,
        key: impl Into<KeySelector>,
        request: &UnsignedRequest,
    ) -> Result<CertificationRequest, Error> {
        let selector = key.into();
        let kind = self.public_key(selector.clone())?.key_type();
        let (generation, key, _) = self.choose(&selector)?;
        let signer = Signer::new(Arc::clone(&self.shared), generation, key, kind)?;
        let value = signer.sign(&ToBeSigned::new(*request.algorithm(), request.to_be_signed()))?;
        request.complete(value.octets())
    }

    /// Puts a certificate on the token, with the `CKA_ID` of its key, and reads
    /// it back. The label is that of the key where none is given. A certificate
    /// that is there already is left as it is.
    ///
    /// # Errors
    /// [`Error::Misuse`] where no key of the token is that of the certificate;
    /// [`Error::Token`] where the token does not take it, or gives back something else.
    pub fn import_certificate(
        &self,
        certificate: &Certificate,
        label: Option<&str>,
    ) -> Result<ImportedCertificate, Error> {
        let (_, found) = self.found()?;
        let key = match found.keys_of(certificate).as_slice() {
            [key] => (*key).clone(),
            [] => {
                let text = format!("no key of {} is that of the certificate", self.token().name());
                return Err(Misuse::new(text).into());
            }
            several => {
                let names: Vec<_> = several.iter().map(|key| key.name()).collect();
                let text = format!("several keys of {} are that of the certificate: ", self.token().name());
                return Err(Misuse::new(text + &names.join(", ")).into());
            }
        };
        let id = key.id.clone();
        if !found.has(certificate, &id) {
            let label = label.map_or_else(|| key.label.clone(), |label| label.as_bytes().to_vec());
            let (certificate, id) = (certificate.clone(), id.clone());
            self.shared.with_write("import certificate", move |session| import(session, &certificate, &label, &id))?;
        }
        let (_, found) = self.found()?;
        let kept = found.same(&key).map(|key| found.certificates_of(key)).unwrap_or_default();
        if !found.has(certificate, &id) || !kept.iter().any(|c| c.certificate == *certificate) {
            let text = "the token does not give back what was written";
            return Err(TokenError::new("import certificate", text).into());
        }
        Ok(ImportedCertificate { id, others: kept.len() - 1 })
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Rsa(u16),
    Ec(Curve),
}

impl Kind {
    fn of(spec: KeySpec) -> Result<Self, Error> {
        match spec {
            KeySpec::Rsa2048 => Ok(Self::Rsa(2048)),
            KeySpec::Rsa3072 => Ok(Self::Rsa(3072)),
            KeySpec::Rsa4096 => Ok(Self::Rsa(4096)),
            KeySpec::P256 => Ok(Self::Ec(Curve::P256)),
            KeySpec::P384 => Ok(Self::Ec(Curve::P384)),
            _ => Err(Misuse::new("keys made on a token are RSA of 2048, 3072 or 4096 bits, P-256 or P-384").into()),
        }
    }

    const fn mechanism(self) -> Mechanism<'static> {
        match self {
            Self::Rsa(_) => Mechanism::RsaPkcsKeyPairGen,
            Self::Ec(_) => Mechanism::EccKeyPairGen,
        }
    }

    const fn key_type(self) -> KeyType {
        match self {
            Self::Rsa(bits) => KeyType::Rsa { bits: bits as usize },
            Self::Ec(curve) => KeyType::Ec(curve),
        }
    }

    fn attributes(self) -> Vec<Attribute> {
        match self {
            Self::Rsa(bits) => {
                vec![Attribute::ModulusBits(Ulong::new(bits.into())), Attribute::PublicExponent(vec![1, 0, 1])]
            }
            Self::Ec(curve) => {
                let oid = if curve == Curve::P384 { SECP384R1 } else { PRIME256V1 };
                vec![Attribute::EcParams(encode::oid(&oid))]
            }
        }
    }
}

/// The curves by their identifiers (RFC 5480 §2.1.1.1).
const PRIME256V1: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7]);
const SECP384R1: Oid = Oid::known(&[0x2B, 0x81, 4, 0, 34]);

fn random_id() -> Result<Vec<u8>, Error> {
    let mut id = vec![0; ID_LEN];
    getrandom::fill(&mut id).map_err(|e| TokenError::new("generate key", format!("no randomness: {e}")))?;
    Ok(id)
}

fn generate(session: &Session, kind: Kind, label: &[u8], id: &[u8]) -> Result<(), Error> {
    let taken = session.find_objects(&[Attribute::Id(id.to_vec())]).map_err(|e| failed("find objects", &e))?;
    if !taken.is_empty() {
        return Err(Misuse::new(format!("the id {} is taken by another object of the token", hex(id))).into());
    }
    let common = [Attribute::Token(true), Attribute::Label(label.to_vec()), Attribute::Id(id.to_vec())];
    let public = [&common[..], &[Attribute::Private(false), Attribute::Verify(true)], &kind.attributes()].concat();
    let private =
        [Attribute::Private(true), Attribute::Sensitive(true), Attribute::Extractable(false), Attribute::Sign(true)];
    let private = [&common[..], &private].concat();
    let (public, private) =
        session.generate_key_pair(&kind.mechanism(), &public, &private).map_err(|e| failed("generate key", &e))?;
    let shown = session.get_attributes(private, &[AttributeType::Sensitive, AttributeType::Extractable]);
    let good = shown.is_ok_and(|shown| {
        shown.contains(&Attribute::Sensitive(true)) && shown.contains(&Attribute::Extractable(false))
    });
    if good {
        return Ok(());
    }
    destroy(session, &[private, public]);
    Err(TokenError::new("generate key", "the token made a key that could leave it; it was destroyed again").into())
}

fn destroy(session: &Session, objects: &[ObjectHandle]) {
    for object in objects {
        // What cannot be destroyed stays; the error that follows says why it should not.
        let _ = session.destroy_object(*object);
    }
}

fn import(session: &Session, certificate: &Certificate, label: &[u8], id: &[u8]) -> Result<(), Error> {
    let serial = encode::tlv(0x02, certificate.serial().content());
    let template = [
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Label(label.to_vec()),
        Attribute::Id(id.to_vec()),
        Attribute::Subject(certificate.subject().der().to_vec()),
        Attribute::Issuer(certificate.issuer().der().to_vec()),
        Attribute::SerialNumber(serial),
        Attribute::Value(certificate.der().to_vec()),
    ];
    let object = session.create_object(&template).map_err(|e| failed("import certificate", &e))?;
    let found = objects::find(session)?;
    if found.has(certificate, id) {
        return Ok(());
    }
    destroy(session, &[object]);
    Err(TokenError::new("import certificate", "the token does not give back what was written").into())
}
