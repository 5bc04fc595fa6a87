//! Keys and certificates on a token, and which belong together.

use cryptoki::object::Attribute;
use cryptoki::object::AttributeType;
use cryptoki::object::ObjectClass;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;

use super::label::Label;
use super::module::failed;
use super::session::ObjectKind;
use super::session::TokenObject;
use super::token::KeySelector;
use super::token::Token;
use crate::asn1::Oid;
use crate::asn1::encode;
use crate::asn1::tlv::Reader;
use crate::crypto::PublicKey;
use crate::crypto::hex;
use crate::error::Error;
use crate::error::Format;
use crate::error::Misuse;
use crate::key::SignerIdentity;
use crate::x509::Certificate;

/// A private key that may sign.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) handle: ObjectHandle,
    pub(super) label: Vec<u8>,
    pub(super) id: Vec<u8>,
    modulus: Option<Vec<u8>>,
    exponent: Option<Vec<u8>>,
    /// `CKA_ALWAYS_AUTHENTICATE`.
    pub(super) always_authenticate: bool,
}

impl Key {
    /// The same object, as found in another session.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (&self.label, &self.id, &self.modulus) == (&other.label, &other.id, &other.modulus)
    }

    pub(super) fn name(&self) -> String {
        format!("\"{}\" (id {})", Label::new(self.label.clone()), hex(&self.id))
    }
}

pub(super) struct Cert {
    label: Vec<u8>,
    id: Vec<u8>,
    pub(super) certificate: Certificate,
}

/// A public key; private keys on a curve do not show their point.
struct Public {
    label: Vec<u8>,
    id: Vec<u8>,
    numbers: Numbers,
}

/// What makes a public key, as far as an object shows it.
#[derive(Default)]
struct Numbers {
    modulus: Option<Vec<u8>>,
    exponent: Option<Vec<u8>>,
    parameters: Option<Vec<u8>>,
    point: Option<Vec<u8>>,
}

impl Numbers {
    const ATTRIBUTES: [AttributeType; 4] =
        [AttributeType::Modulus, AttributeType::PublicExponent, AttributeType::EcParams, AttributeType::EcPoint];

    fn take(&mut self, attribute: Attribute) {
        match attribute {
            Attribute::Modulus(n) if !n.is_empty() => self.modulus = Some(n),
            Attribute::PublicExponent(e) if !e.is_empty() => self.exponent = Some(e),
            Attribute::EcParams(p) if !p.is_empty() => self.parameters = Some(p),
            Attribute::EcPoint(p) if !p.is_empty() => self.point = Some(p),
            _ => {}
        }
    }

    /// The public key, or, from a private key object on a curve, one that has a type and no point.
    fn public_key(&self) -> Option<PublicKey> {
        let (algorithm, key) = match (&self.modulus, &self.parameters) {
            (Some(n), _) => {
                let e = self.exponent.as_deref().unwrap_or(&[]);
                let algorithm = encode::sequence(&[&encode::oid(&RSA_ENCRYPTION), &encode::null()]);
                (algorithm, encode::sequence(&[&encode::unsigned(n), &encode::unsigned(e)]))
            }
            (None, Some(parameters)) => {
                let algorithm = encode::sequence(&[&encode::oid(&EC_PUBLIC_KEY), parameters]);
                (algorithm, self.point.as_deref().map_or(&[][..], bare_point).to_vec())
            }
            (None, None) => return None,
        };
        let bits = encode::tlv(0x03, &[&[0], key.as_slice()].concat());
        PublicKey::from_spki(&encode::sequence(&[&algorithm, &bits])).ok()
    }

    const fn is_whole(&self) -> bool {
        self.modulus.is_some() && self.exponent.is_some() || self.parameters.is_some() && self.point.is_some()
    }
}

/// The point, which is DER (PKCS#11 §6.3.3), or bare, as some tokens have it.
fn bare_point(point: &[u8]) -> &[u8] {
    let mut reader = Reader::new(point, Format::Asn1);
    match reader.expect(0x04, "CKA_EC_POINT") {
        Ok(inner) if reader.is_empty() => inner.content,
        _ => point,
    }
}

/// rsaEncryption (RFC 8017 appendix A.1).
const RSA_ENCRYPTION: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1]);
/// id-ecPublicKey (RFC 5480 §2.1.1).
const EC_PUBLIC_KEY: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1]);

/// What a session sees of keys and certificates.
pub(super) struct Found {
    keys: Vec<Key>,
    certificates: Vec<Cert>,
    publics: Vec<Public>,
}

/// Attributes that a token does not have or does not show are left out.
fn read(session: &Session, handle: ObjectHandle, which: &[AttributeType]) -> Result<Vec<Attribute>, Error> {
    session.get_attributes(handle, which).map_err(|e| failed("read object", &e))
}

fn of_class(session: &Session, class: ObjectClass) -> Result<Vec<ObjectHandle>, Error> {
    session.find_objects(&[Attribute::Class(class)]).map_err(|e| failed("find objects", &e))
}

pub(super) fn find(session: &Session) -> Result<Found, Error> {
    let mut found = Found { keys: Vec::new(), certificates: Vec::new(), publics: Vec::new() };
    for handle in of_class(session, ObjectClass::PRIVATE_KEY)? {
        let mut key = Key {
            handle,
            label: Vec::new(),
            id: Vec::new(),
            modulus: None,
            exponent: None,
            always_authenticate: false,
        };
        let mut signs = true;
        let which = [
            AttributeType::Label,
            AttributeType::Id,
            AttributeType::Sign,
            AttributeType::Modulus,
            AttributeType::PublicExponent,
            AttributeType::AlwaysAuthenticate,
        ];
        for attribute in read(session, handle, &which)? {
            match attribute {
                Attribute::Label(label) => key.label = label,
                Attribute::Id(id) => key.id = id,
                Attribute::Sign(may) => signs = may,
                Attribute::Modulus(n) if !n.is_empty() => key.modulus = Some(n),
                Attribute::PublicExponent(e) if !e.is_empty() => key.exponent = Some(e),
                Attribute::AlwaysAuthenticate(always) => key.always_authenticate = always,
                _ => {}
            }
        }
        if signs {
            found.keys.push(key);
        }
    }
    for handle in of_class(session, ObjectClass::CERTIFICATE)? {
        let (mut label, mut id, mut certificate) = (Vec::new(), Vec::new(), None);
        for attribute in read(session, handle, &[AttributeType::Label, AttributeType::Id, AttributeType::Value])? {
            match attribute {
                Attribute::Label(value) => label = value,
                Attribute::Id(value) => id = value,
                Attribute::Value(der) => certificate = Certificate::from_der(&der).ok(),
                _ => {}
            }
        }
        found.certificates.extend(certificate.map(|certificate| Cert { label, id, certificate }));
    }
    for handle in of_class(session, ObjectClass::PUBLIC_KEY)? {
        let (mut label, mut id, mut numbers) = (Vec::new(), Vec::new(), Numbers::default());
        let which = [&[AttributeType::Label, AttributeType::Id], &Numbers::ATTRIBUTES[..]].concat();
        for attribute in read(session, handle, &which)? {
            match attribute {
                Attribute::Label(value) => label = value,
                Attribute::Id(value) => id = value,
                other => numbers.take(other),
            }
        }
        found.publics.push(Public { label, id, numbers });
    }
    Ok(found)
}

/// Everything that the session sees.
pub(super) fn all(session: &Session) -> Result<Vec<TokenObject>, Error> {
    let handles = session.find_objects(&[]).map_err(|e| failed("find objects", &e))?;
    let mut objects = Vec::new();
    for handle in handles {
        let mut object = TokenObject {
            kind: ObjectKind::Other,
            label: Label::new(Vec::new()),
            id: Vec::new(),
            certificate: None,
            key_type: None,
        };
        for attribute in read(session, handle, &[AttributeType::Class, AttributeType::Label, AttributeType::Id])? {
            match attribute {
                Attribute::Class(ObjectClass::CERTIFICATE) => object.kind = ObjectKind::Certificate,
                Attribute::Class(ObjectClass::PRIVATE_KEY) => object.kind = ObjectKind::PrivateKey,
                Attribute::Class(ObjectClass::PUBLIC_KEY) => object.kind = ObjectKind::PublicKey,
                Attribute::Label(label) => object.label = Label::new(label),
                Attribute::Id(id) => object.id = id,
                _ => {}
            }
        }
        if object.kind == ObjectKind::Certificate {
            for attribute in read(session, handle, &[AttributeType::Value])? {
                if let Attribute::Value(der) = attribute {
                    object.certificate = Certificate::from_der(&der).ok();
                }
            }
        }
        if matches!(object.kind, ObjectKind::PrivateKey | ObjectKind::PublicKey) {
            let mut numbers = Numbers::default();
            read(session, handle, &Numbers::ATTRIBUTES)?.into_iter().for_each(|a| numbers.take(a));
            object.key_type = numbers.public_key().map(|key| key.key_type());
        }
        objects.push(object);
    }
    Ok(objects)
}

impl Found {
    pub(super) fn has_no_key(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key that was found before, in a new session.
    pub(super) fn same(&self, key: &Key) -> Option<&Key> {
        self.keys.iter().find(|k| k.is_same(key))
    }

    /// The one key that fits; an error lists the candidates.
    pub(super) fn choose(&self, selector: &KeySelector, token: &Token) -> Result<Key, Error> {
        if selector.impossible {
            return Err(Misuse::new("the URI names an object of a type that cannot sign").into());
        }
        let labelled = |key: &Key, label: &[u8]| {
            Label::new(key.label.clone()).octets() == label
                || self.certificates_of(key).iter().any(|c| Label::new(c.label.clone()).octets() == label)
        };
        let fits = |key: &&Key| {
            selector.id.as_ref().is_none_or(|id| *id == key.id)
                && selector.label.as_ref().is_none_or(|l| labelled(key, Label::new(l.clone()).octets()))
        };
        let fitting: Vec<&Key> = self.keys.iter().filter(fits).collect();
        let list = |keys: &mut dyn Iterator<Item = &Key>| keys.map(Key::name).collect::<Vec<_>>().join(", ");
        match fitting.as_slice() {
            [key] => Ok((*key).clone()),
            [] if self.keys.is_empty() => Err(Misuse::new(format!("{} holds no key that signs", token.name())).into()),
            [] => {
                let there = list(&mut self.keys.iter());
                Err(Misuse::new(format!("no key of {} fits {selector}; there is {there}", token.name())).into())
            }
            several => {
                let text = format!("{} keys of {} fit {selector}: ", several.len(), token.name());
                Err(Misuse::new(text + &list(&mut several.iter().copied())).into())
            }
        }
    }

    /// Whether a certificate is for a key; `None` where the token does not show enough to tell.
    pub(super) fn is_for(&self, key: &Key, certificate: &Certificate) -> Option<bool> {
        let public = certificate.public_key().key_octets();
        if let Some(modulus) = &key.modulus {
            // RSAPublicKey begins with the modulus; the octets of a curve's point are no SEQUENCE.
            let mut reader = Reader::new(public, Format::Certificate).expect(0x30, "RSAPublicKey").ok()?;
            let n = reader_modulus(&mut reader)?;
            return Some(strip(n) == strip(modulus));
        }
        let point = self.public_of(key)?.numbers.point.as_ref()?;
        Some(bare_point(point) == public || point == public)
    }

    /// The one public key object with the id of a private key, or with its label where it has no id.
    fn public_of(&self, key: &Key) -> Option<&Public> {
        let linked = |p: &&Public| if key.id.is_empty() { p.label == key.label } else { p.id == key.id };
        let mut publics = self.publics.iter().filter(linked);
        publics.next().filter(|_| publics.next().is_none())
    }

    /// The public key of a private one, from whatever object shows it.
    pub(super) fn public_key(&self, key: &Key) -> Option<PublicKey> {
        let own = Numbers { modulus: key.modulus.clone(), exponent: key.exponent.clone(), ..Numbers::default() };
        let same = |p: &&Public| key.modulus.is_none() || p.numbers.modulus == key.modulus;
        let public = self.public_of(key).filter(same).map(|p| &p.numbers);
        let from_object =
            [Some(&own), public].into_iter().flatten().find(|n| n.is_whole()).and_then(Numbers::public_key);
        let known = |c: &&Cert| self.is_for(key, &c.certificate) == Some(true);
        from_object.or_else(|| self.certificates.iter().find(known).map(|c| c.certificate.public_key().clone()))
    }

    /// The keys that a certificate is for.
    pub(super) fn keys_of(&self, certificate: &Certificate) -> Vec<&Key> {
        self.keys.iter().filter(|key| self.is_for(key, certificate) == Some(true)).collect()
    }

    /// Whether a certificate is there under this id.
    pub(super) fn has(&self, certificate: &Certificate, id: &[u8]) -> bool {
        self.certificates.iter().any(|c| c.id == id && c.certificate.der() == certificate.der())
    }

    /// The certificates for a key: by `CKA_ID`, else by public key, else by
    /// label; none that is known to be for another key.
    pub(super) fn certificates_of(&self, key: &Key) -> Vec<&Cert> {
        let distinct = |fits: &dyn Fn(&Cert) -> bool| {
            let mut all: Vec<&Cert> = Vec::new();
            for c in self.certificates.iter().filter(|c| fits(c)) {
                if all.iter().all(|other| other.certificate.der() != c.certificate.der()) {
                    all.push(c);
                }
            }
            all
        };
        let possible = |c: &Cert| self.is_for(key, &c.certificate) != Some(false);
        let by_id = distinct(&|c| !key.id.is_empty() && c.id == key.id && possible(c));
        if !by_id.is_empty() {
            return by_id;
        }
        let by_key = distinct(&|c| self.is_for(key, &c.certificate) == Some(true));
        if !by_key.is_empty() {
            return by_key;
        }
        distinct(&|c| !key.label.is_empty() && c.label == key.label && possible(c))
    }

    /// The certificate for a key, and the CA certificates of the token.
    pub(super) fn identity(&self, key: &Key, token: &Token) -> Result<SignerIdentity, Error> {
        let certificate = match self.certificates_of(key).as_slice() {
            [one] => one.certificate.clone(),
            [] => {
                let text = format!("{} has no certificate for the key {}; give one", token.name(), key.name());
                return Err(Misuse::new(text).into());
            }
            several => {
                let names: Vec<_> = several.iter().map(|c| c.certificate.subject().to_string()).collect();
                let (n, names) = (names.len(), names.join("; "));
                let text = format!("{n} certificates of {} are for the key {}: {names}", token.name(), key.name());
                return Err(Misuse::new(text).into());
            }
        };
        let mut chain: Vec<Certificate> = Vec::new();
        for other in self.certificates.iter().map(|c| &c.certificate) {
            // The token's other certificates are of the same person for other uses.
            let ca = other.basic_constraints().ok().flatten().is_some_and(|b| b.ca);
            if ca && *other != certificate && !chain.contains(other) {
                chain.push(other.clone());
            }
        }
        Ok(SignerIdentity::new(certificate, chain))
    }
}

fn reader_modulus<'a>(sequence: &mut crate::asn1::tlv::Tlv<'a>) -> Option<&'a [u8]> {
    sequence.reader(Format::Certificate).expect(0x02, "modulus").ok().map(|n| n.content)
}

fn strip(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|b| **b == 0).count();
    number.get(zeros..).unwrap_or(&[])
}
