//! Encrypted documents: the standard security handler, and public-key handlers
//! (ISO 32000-2 §7.6).
//!
//! Strings and streams are deciphered as objects are read. `/Contents` of a
//! signature never is, nor is anything that a signature covers: digests are
//! over the octets of the file.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::PrivateKey;
use crate::crypto::cipher;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::error::SecretError;
use crate::error::Unsupported;
use crate::pdf::document::Revision;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::PdfString;
use crate::pdf::object::Reference;
use crate::pdf::object::StreamData;
use crate::pdf::recipients;
use crate::secret::Password;

/// What fills a password up to 32 octets (Algorithm 2 a).
const PAD: [u8; 32] = [
    0x28, 0xBF, 0x4E, 0x5E, 0x4E, 0x75, 0x8A, 0x41, 0x64, 0x00, 0x4E, 0x56, 0xFF, 0xFA, 0x01, 0x08, 0x2E, 0x2E, 0x00,
    0xB6, 0xD0, 0x68, 0x3E, 0x80, 0x2F, 0x0C, 0xA9, 0xFE, 0x64, 0x53, 0x69, 0x7A,
];
/// Octets of a password that revision 6 takes.
const MOST_PASSWORD: usize = 127;

/// How a document is encrypted, and what was opened.
#[derive(Clone, Debug)]
pub struct Encryption {
    strings: Cipher,
    streams: Cipher,
    embedded: Cipher,
    named: BTreeMap<Vec<u8>, Cipher>,
    metadata: bool,
    /// The encryption dictionary, whose strings are not encrypted.
    dictionary: Option<Reference>,
    permissions: i32,
    owner: bool,
}

/// What opens an encrypted document.
#[derive(Clone, Copy)]
pub(super) enum Secret<'s> {
    /// Nothing but the empty user password.
    None,
    Password(&'s Password),
    /// The private key of a recipient.
    Key(&'s PrivateKey),
}

/// A method with its key.
#[derive(Clone, Debug)]
struct Cipher {
    method: Method,
    key: Key,
}

/// A file encryption key.
#[derive(Clone)]
struct Key(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Identity,
    Rc4,
    Aes128,
    Aes256,
    /// For recipients of whom the given key is none.
    Closed,
}

/// The entries of the standard security handler.
struct Handler {
    revision: i64,
    /// Octets of the key.
    length: usize,
    owner: Vec<u8>,
    user: Vec<u8>,
    owner_key: Vec<u8>,
    user_key: Vec<u8>,
    permissions: i32,
    metadata: bool,
    id: Vec<u8>,
}

impl Encryption {
    /// Opens the document: with a password as the user's, else as the owner's, or with a
    /// recipient's key. Without either, the empty user password is what the standard tries.
    pub(super) fn open(latest: &Revision<'_>, secret: Secret<'_>) -> Result<Option<Self>, Error> {
        let Some(entry) = latest.trailer().get("Encrypt") else { return Ok(None) };
        let dictionary = latest.resolve(entry)?;
        let Some(encrypt) = dictionary.as_dictionary() else {
            return Err(fault("/Encrypt", "a dictionary"));
        };
        let filter = latest.get(encrypt, "Filter")?;
        let sub_filter = latest.get(encrypt, "SubFilter")?;
        let version = integer(latest, encrypt, "V")?.unwrap_or(0);
        let mut opened = match (filter.as_name(), sub_filter.as_name()) {
            (Some(b"Standard"), _) => Self::open_standard(latest, encrypt, version, secret)?,
            // Handlers of one sub-filter are interchangeable (§7.6.5.1).
            (_, Some(b"adbe.pkcs7.s3" | b"adbe.pkcs7.s4" | b"adbe.pkcs7.s5")) => {
                Self::open_public_key(latest, encrypt, version, secret)?
            }
            (name, _) => {
                let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
                return Err(Unsupported::new(Format::Pdf, format!("the security handler {name:?}")).into());
            }
        };
        opened.dictionary = entry.as_reference();
        Ok(Some(opened))
    }

    fn open_standard(
        latest: &Revision<'_>,
        encrypt: &Dictionary,
        version: i64,
        secret: Secret<'_>,
    ) -> Result<Self, Error> {
        let handler = Handler::read(latest, encrypt, version)?;
        let (key, owner) = match secret {
            Secret::None | Secret::Key(_) => match handler.open_as_user(&[]) {
                Some(key) => (key, false),
                None => return Err(SecretError::Missing { what: "the PDF document".into() }.into()),
            },
            Secret::Password(password) => handler.open(password)?,
        };
        let cipher = |method| Cipher { method, key: Key(key.clone()) };
        let (strings, streams, embedded, named) = if version < 4 {
            let all = || cipher(Method::Rc4);
            (all(), all(), all(), BTreeMap::new())
        } else {
            filters(latest, encrypt, version, &mut |_, method| Ok(cipher(method)))?
        };
        Ok(Self {
            strings,
            streams,
            embedded,
            named,
            metadata: handler.metadata || version < 4,
            dictionary: None,
            permissions: handler.permissions,
            owner,
        })
    }

    /// §7.6.5: the recipients stand in the dictionary, or, from version 4 on, in each crypt filter.
    fn open_public_key(
        latest: &Revision<'_>,
        encrypt: &Dictionary,
        version: i64,
        secret: Secret<'_>,
    ) -> Result<Self, Error> {
        if !matches!(version, 1..=5) {
            return Err(Unsupported::new(Format::Pdf, format!("public-key encryption of version {version}")).into());
        }
        let Secret::Key(private) = secret else {
            return Err(SecretError::NoRecipient { what: "the PDF document".into(), tried: false }.into());
        };
        let limits = latest.pdf().limits();
        let mut permissions = None;
        let mut key = |holder: &Dictionary, metadata: bool, length: usize| -> Result<Key, Error> {
            let list = latest.get(holder, "Recipients")?;
            let envelopes = match &*list {
                // A single one may stand without an array in a crypt filter.
                Object::String(one) => vec![one.octets().to_vec()],
                list => {
                    let each = list.as_array().unwrap_or_default().iter();
                    let each = each.map(|one| Ok(latest.resolve(one)?.as_string().map(<[u8]>::to_vec)));
                    each.collect::<Result<Option<Vec<_>>, Error>>()?.unwrap_or_default()
                }
            };
            if envelopes.is_empty() {
                return Err(fault("/Recipients", "an array of strings"));
            }
            let opened = recipients::open(&envelopes, private, limits)?;
            let opened =
                opened.ok_or_else(|| SecretError::NoRecipient { what: "the PDF document".into(), tried: true })?;
            permissions = permissions.or(opened.permissions);
            Ok(Key(opened.key(&envelopes, metadata, length)))
        };
        let (strings, streams, embedded, named, metadata) = if version < 4 {
            let length = match (version, integer(latest, encrypt, "Length")?) {
                (1, _) | (_, None) => 5,
                (_, Some(bits @ 40..=128)) if bits % 8 == 0 => usize::try_from(bits / 8).unwrap_or(5),
                (_, Some(_)) => return Err(fault("/Length of /Encrypt", "40 to 128 bits, in whole octets")),
            };
            let cipher = Cipher { method: Method::Rc4, key: key(encrypt, true, length)? };
            (cipher.clone(), cipher.clone(), cipher, BTreeMap::new(), true)
        } else {
            let mut all = true;
            let (strings, streams, embedded, named) = filters(latest, encrypt, version, &mut |filter, method| {
                let metadata = latest.get(filter, "EncryptMetadata")?.as_bool().unwrap_or(true);
                let length = match method {
                    Method::Identity | Method::Closed => return Ok(Cipher::identity()),
                    Method::Aes256 => 32,
                    Method::Aes128 => 16,
                    // In octets; some producers write bits.
                    Method::Rc4 => match integer(latest, filter, "Length")? {
                        None => 16,
                        Some(octets @ 5..=16) => usize::try_from(octets).unwrap_or(16),
                        Some(bits @ 40..=128) if bits % 8 == 0 => usize::try_from(bits / 8).unwrap_or(16),
                        Some(_) => return Err(fault("/Length of a crypt filter", "5 to 16 octets")),
                    },
                };
                all &= metadata;
                match key(filter, metadata, length) {
                    Ok(key) => Ok(Cipher { method, key }),
                    // Attachments may be for others than the document.
                    Err(Error::Secret(_)) => Ok(Cipher { method: Method::Closed, ..Cipher::identity() }),
                    Err(error) => Err(error),
                }
            })?;
            if strings.method == Method::Closed || streams.method == Method::Closed {
                return Err(SecretError::NoRecipient { what: "the PDF document".into(), tried: true }.into());
            }
            (strings, streams, embedded, named, all)
        };
        let permissions = permissions.unwrap_or(0);
        Ok(Self {
            strings,
            streams,
            embedded,
            named,
            metadata,
            dictionary: None,
            permissions,
            // Bit 2 of Table 24: whatever the owner of the document may do.
            owner: permissions & 1 << 1 != 0,
        })
    }

    /// `/P`: what the owner permits whoever opens it as a user (Table 22), bit 1 the lowest.
    #[must_use]
    pub const fn permissions(&self) -> i32 {
        self.permissions
    }

    /// Whether filling in an existing form field, a signature field too, is permitted (bits 6 and 9).
    #[must_use]
    pub const fn permits_filling(&self) -> bool {
        self.owner || self.permissions & (1 << 5 | 1 << 8) != 0
    }

    /// Whether making a new form field, a signature field too, is permitted (bits 4 and 6).
    #[must_use]
    pub const fn permits_new_fields(&self) -> bool {
        let both = 1 << 3 | 1 << 5;
        self.owner || self.permissions & both == both
    }

    /// Whether the owner's password opened it, so that nothing is forbidden.
    #[must_use]
    pub const fn opened_as_owner(&self) -> bool {
        self.owner
    }

    /// Deciphers the strings of an object that stands in the file itself.
    pub(super) fn object(&self, id: Reference, object: Object) -> Result<Object, Error> {
        if self.strings.method == Method::Identity || self.dictionary == Some(id) {
            return Ok(object);
        }
        strings(object, &|octets| self.strings.decipher(id, octets))
    }

    /// An object as it has to be written under `id`: strings and stream enciphered.
    pub(super) fn encipher_object(&self, id: Reference, object: Object) -> Result<Object, Error> {
        let object = strings(object, &|octets| self.strings.encipher(id, octets))?;
        let Object::Stream(mut stream) = object else { return Ok(object) };
        if let StreamData::Octets(octets) = &mut stream.data
            && let Some(cipher) = self.cipher(&stream.dictionary)
        {
            *octets = cipher.encipher(id, octets)?;
        }
        Ok(Object::Stream(stream))
    }

    /// Deciphers the octets of a stream; `dictionary` is its own, `filter` the
    /// name that an explicit `/Crypt` filter of it gives, resolved.
    pub(super) fn stream(
        &self,
        id: Reference,
        dictionary: &Dictionary,
        filter: Option<&[u8]>,
        octets: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let cipher = match filter {
            Some(name) => self.named.get(name),
            None => self.cipher(dictionary),
        };
        match cipher {
            Some(cipher) if cipher.method != Method::Identity => cipher.decipher(id, &octets),
            _ => Ok(octets),
        }
    }

    /// The cipher of a stream that names none for itself.
    fn cipher(&self, dictionary: &Dictionary) -> Option<&Cipher> {
        if dictionary.is_type("XRef") || dictionary.is_type("Metadata") && !self.metadata {
            return None;
        }
        Some(if dictionary.is_type("EmbeddedFile") { &self.embedded } else { &self.streams })
    }
}

impl Cipher {
    fn identity() -> Self {
        Self { method: Method::Identity, key: Key(Zeroizing::default()) }
    }

    /// The initialisation vector follows from key, place and content, so that
    /// the same update gives the same octets.
    fn encipher(&self, id: Reference, octets: &[u8]) -> Result<Vec<u8>, Error> {
        let enciphered = match self.method {
            Method::Identity => Some(octets.to_vec()),
            Method::Closed => None,
            Method::Rc4 => cipher::rc4(&self.object_key(id, false), octets),
            Method::Aes128 | Method::Aes256 => {
                let own = self.object_key(id, true);
                let key: &[u8] = if self.method == Method::Aes256 { &self.key.0 } else { &own };
                let mut digester = DigestAlgorithm::Sha256.digester();
                digester.update(&self.key.0);
                digester.update(&id.number.to_le_bytes());
                digester.update(octets);
                let digest = digester.finish();
                digest.octets().get(..16).and_then(|iv| {
                    let body = cipher::aes_cbc_encrypt(key, iv, octets)?;
                    Some([iv, &body].concat())
                })
            }
        };
        enciphered.ok_or_else(|| fault(format!("object {id}"), "a key that enciphers it"))
    }

    fn decipher(&self, id: Reference, octets: &[u8]) -> Result<Vec<u8>, Error> {
        let deciphered = match self.method {
            Method::Identity => Some(octets.to_vec()),
            Method::Closed => None,
            Method::Rc4 => cipher::rc4(&self.object_key(id, false), octets),
            Method::Aes128 | Method::Aes256 => {
                let own;
                let key: &[u8] = if self.method == Method::Aes256 {
                    &self.key.0
                } else {
                    own = self.object_key(id, true);
                    &own
                };
                match octets.split_at_checked(16) {
                    Some((_, [])) => Some(Vec::new()),
                    Some((iv, data)) => cipher::aes_cbc_decrypt(key, iv, data),
                    // Empty strings are met without even a vector.
                    None if octets.is_empty() => Some(Vec::new()),
                    None => None,
                }
            }
        };
        deciphered.ok_or_else(|| fault(format!("object {id}"), "octets that the document's key deciphers"))
    }

    /// Algorithm 1 a to d.
    fn object_key(&self, id: Reference, aes: bool) -> Zeroizing<Vec<u8>> {
        let mut material = Zeroizing::new(self.key.0.to_vec());
        material.extend_from_slice(id.number.to_le_bytes().get(..3).unwrap_or_default());
        material.extend_from_slice(&id.generation.to_le_bytes());
        if aes {
            material.extend_from_slice(b"sAlT");
        }
        let length = self.key.0.len().saturating_add(5).min(16);
        let digest = DigestAlgorithm::Md5.digest(&material);
        Zeroizing::new(digest.octets().get(..length).unwrap_or_default().to_vec())
    }
}

impl Handler {
    fn read(latest: &Revision<'_>, encrypt: &Dictionary, version: i64) -> Result<Self, Error> {
        let revision = integer(latest, encrypt, "R")?.unwrap_or(0);
        if !matches!((version, revision), (1, 2 | 3) | (2 | 3, 3) | (4, 4) | (5, 5 | 6)) {
            let what = format!("encryption of version {version}, revision {revision}");
            return Err(Unsupported::new(Format::Pdf, what).into());
        }
        let string = |key: &str, length: usize| -> Result<Vec<u8>, Error> {
            let value = latest.get(encrypt, key)?;
            let octets = value.as_string().and_then(|octets| octets.get(..length));
            octets.map(<[u8]>::to_vec).ok_or_else(|| fault(format!("/{key} of /Encrypt"), "a string of its length"))
        };
        let bits = match (version, integer(latest, encrypt, "Length")?) {
            (1, _) => 40,
            (5, _) => 256,
            // Some producers write octets, or leave it to the crypt filter.
            (4, _) => 128,
            (_, None) => 40,
            (_, Some(bits @ 40..=128)) if bits % 8 == 0 => bits,
            (_, Some(_)) => return Err(fault("/Length of /Encrypt", "40 to 128 bits, in whole octets")),
        };
        let short = if version == 5 { 48 } else { 32 };
        let permissions = integer(latest, encrypt, "P")?.unwrap_or(0);
        let id = match latest.trailer().get("ID") {
            Some(ids) => {
                let ids = latest.resolve(ids)?;
                let first = ids.as_array().and_then(<[Object]>::first).cloned().unwrap_or_default();
                latest.resolve(&first)?.as_string().map(<[u8]>::to_vec).unwrap_or_default()
            }
            None => Vec::new(),
        };
        let metadata = latest.get(encrypt, "EncryptMetadata")?.as_bool().unwrap_or(true);
        let wrapped = |key: &str| if version == 5 { string(key, 32) } else { Ok(Vec::new()) };
        // Written as a signed number of 32 bits, by some as an unsigned one.
        #[allow(clippy::cast_possible_truncation)]
        let permissions = permissions as i32;
        Ok(Self {
            revision,
            length: usize::try_from(bits / 8).unwrap_or(5),
            owner: string("O", short)?,
            user: string("U", short)?,
            owner_key: wrapped("OE")?,
            user_key: wrapped("UE")?,
            permissions,
            metadata,
            id,
        })
    }

    /// One password, tried as the user's and as the owner's.
    fn open(&self, password: &Password) -> Result<(Zeroizing<Vec<u8>>, bool), Error> {
        for octets in readings(password, self.revision) {
            if let Some(key) = self.open_as_user(&octets) {
                return Ok((key, false));
            }
            if let Some(key) = self.open_as_owner(&octets) {
                return Ok((key, true));
            }
        }
        Err(SecretError::Wrong { what: "the PDF document".into(), tries: None }.into())
    }

    fn open_as_user(&self, password: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        if self.revision >= 5 {
            let (check, salts) = self.user.split_at_checked(32)?;
            let (validation, key) = salts.split_at_checked(8)?;
            if self.hash(password, validation, &[])?.as_slice() != check {
                return None;
            }
            let wrapping = self.hash(password, key.get(..8)?, &[])?;
            return cipher::aes256_unwrap(&wrapping, &self.user_key).map(Zeroizing::new);
        }
        let key = self.legacy_key(password);
        let expected = if self.revision == 2 {
            cipher::rc4(&key, &PAD)?
        } else {
            let mut digester = DigestAlgorithm::Md5.digester();
            digester.update(&PAD);
            digester.update(&self.id);
            nineteen_more(&key, cipher::rc4(&key, digester.finish().octets())?, 1..=19)?
        };
        let compared = if self.revision == 2 { 32 } else { 16 };
        (self.user.get(..compared)? == expected.get(..compared)?).then_some(key)
    }

    fn open_as_owner(&self, password: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        if self.revision >= 5 {
            let (check, salts) = self.owner.split_at_checked(32)?;
            let (validation, key) = salts.split_at_checked(8)?;
            if self.hash(password, validation, &self.user)?.as_slice() != check {
                return None;
            }
            let wrapping = self.hash(password, key.get(..8)?, &self.user)?;
            return cipher::aes256_unwrap(&wrapping, &self.owner_key).map(Zeroizing::new);
        }
        // Algorithm 7: the owner's password holds that of the user.
        let mut digest = DigestAlgorithm::Md5.digest(&padded(password));
        if self.revision >= 3 {
            digest = again(digest, 16);
        }
        let key = Zeroizing::new(digest.octets().get(..self.length)?.to_vec());
        let user = Zeroizing::new(match self.revision {
            2 => cipher::rc4(&key, &self.owner)?,
            _ => nineteen_more(&key, self.owner.clone(), (0..=19).rev())?,
        });
        self.open_as_user(&user)
    }

    /// Algorithm 2.
    fn legacy_key(&self, password: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut digester = DigestAlgorithm::Md5.digester();
        digester.update(&padded(password));
        digester.update(&self.owner);
        digester.update(&self.permissions.to_le_bytes());
        digester.update(&self.id);
        if self.revision >= 4 && !self.metadata {
            digester.update(&[0xFF; 4]);
        }
        let mut digest = digester.finish();
        if self.revision >= 3 {
            digest = again(digest, self.length);
        }
        Zeroizing::new(digest.octets().get(..self.length).unwrap_or_default().to_vec())
    }

    /// Algorithm 2.B; in revision 5 (Adobe's extension level 3) the bare SHA-256.
    fn hash(&self, password: &[u8], salt: &[u8], user: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let first = Zeroizing::new([password, salt, user].concat());
        let mut k = Zeroizing::new(DigestAlgorithm::Sha256.digest(&first).octets().to_vec());
        if self.revision == 5 {
            return Some(k);
        }
        let mut round = 0_u32;
        loop {
            let once = Zeroizing::new([password, &k, user].concat());
            let repeated = Zeroizing::new(once.repeat(64));
            let e = Zeroizing::new(cipher::aes128_cbc_encrypt(k.get(..16)?, k.get(16..32)?, &repeated)?);
            let remainder = e.get(..16)?.iter().map(|b| u32::from(*b)).sum::<u32>() % 3;
            let algorithm = match remainder {
                0 => DigestAlgorithm::Sha256,
                1 => DigestAlgorithm::Sha384,
                _ => DigestAlgorithm::Sha512,
            };
            k = Zeroizing::new(algorithm.digest(&e).octets().to_vec());
            round += 1;
            let last = u32::from(*e.last()?);
            if round >= 64 && last + 32 <= round {
                break;
            }
            // At most 255 + 32 rounds: the last octet cannot be greater.
            if round > 320 {
                return None;
            }
        }
        k.truncate(32);
        Some(k)
    }
}

/// What is done to the octets of a string.
type Change<'c> = dyn Fn(&[u8]) -> Result<Vec<u8>, Error> + 'c;

/// The object with every string in it changed, save the value of a signature,
/// which is not encrypted wherever its dictionary stands (§7.6.2).
fn strings(object: Object, change: &Change<'_>) -> Result<Object, Error> {
    let dictionary_of = |mut dictionary: Dictionary| -> Result<Dictionary, Error> {
        let signature = dictionary.get("ByteRange").is_some();
        for (key, value) in dictionary.values_mut() {
            if !(signature && key.octets() == b"Contents") {
                *value = strings(std::mem::take(value), change)?;
            }
        }
        Ok(dictionary)
    };
    Ok(match object {
        Object::String(string) => {
            let octets = change(string.octets())?;
            let hexadecimal = string.is_hexadecimal();
            Object::String(if hexadecimal { PdfString::hexadecimal(octets) } else { PdfString::literal(octets) })
        }
        Object::Array(values) => {
            Object::Array(values.into_iter().map(|v| strings(v, change)).collect::<Result<_, _>>()?)
        }
        Object::Dictionary(dictionary) => Object::Dictionary(dictionary_of(dictionary)?),
        Object::Stream(mut stream) => {
            stream.dictionary = dictionary_of(stream.dictionary)?;
            Object::Stream(stream)
        }
        other => other,
    })
}

/// The octets that a password may stand for: UTF-8 prepared (RFC 4013) in
/// revision 6, one octet a character before that, else as it was given.
fn readings(password: &Password, revision: i64) -> Vec<Zeroizing<Vec<u8>>> {
    let given = password.expose_octets();
    let mut all = Vec::new();
    if let Ok(text) = std::str::from_utf8(given) {
        let octets = if revision >= 5 {
            let prepared: Zeroizing<String> = Zeroizing::new(text.nfkc().collect());
            let end = prepared.len().min(MOST_PASSWORD);
            prepared.as_bytes().get(..end).map(<[u8]>::to_vec)
        } else {
            text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect::<Option<Vec<u8>>>()
        };
        all.extend(octets.map(Zeroizing::new));
    }
    let given = given.get(..given.len().min(MOST_PASSWORD)).unwrap_or_default();
    if all.iter().all(|known| known.as_slice() != given) {
        all.push(Zeroizing::new(given.to_vec()));
    }
    all
}

fn padded(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut octets = Zeroizing::new(password.get(..password.len().min(32)).unwrap_or_default().to_vec());
    let missing = 32 - octets.len();
    octets.extend_from_slice(PAD.get(..missing).unwrap_or_default());
    octets
}

/// Fifty times MD5 over the first octets.
fn again(mut digest: Digest, length: usize) -> Digest {
    for _ in 0..50 {
        digest = DigestAlgorithm::Md5.digest(digest.octets().get(..length).unwrap_or_default());
    }
    digest
}

/// RC4 again and again, with the key's octets changed by each number.
fn nineteen_more(key: &[u8], mut octets: Vec<u8>, numbers: impl Iterator<Item = u8>) -> Option<Vec<u8>> {
    for number in numbers {
        let changed: Zeroizing<Vec<u8>> = Zeroizing::new(key.iter().map(|b| b ^ number).collect());
        octets = cipher::rc4(&changed, &octets)?;
    }
    Some(octets)
}

type Filters = (Cipher, Cipher, Cipher, BTreeMap<Vec<u8>, Cipher>);

/// Which cipher serves strings, streams and embedded files; `key` gives that of one crypt filter.
fn filters(
    latest: &Revision<'_>,
    encrypt: &Dictionary,
    version: i64,
    cipher: &mut dyn FnMut(&Dictionary, Method) -> Result<Cipher, Error>,
) -> Result<Filters, Error> {
    let mut named = BTreeMap::new();
    named.insert(b"Identity".to_vec(), Cipher::identity());
    let list = latest.get(encrypt, "CF")?;
    for (name, value) in list.as_dictionary().into_iter().flat_map(Dictionary::iter) {
        let filter = latest.resolve(value)?;
        let Some(filter) = filter.as_dictionary() else { continue };
        let method = match latest.get(filter, "CFM")?.as_name() {
            Some(b"V2") => Method::Rc4,
            Some(b"AESV2") => Method::Aes128,
            Some(b"AESV3") => Method::Aes256,
            Some(b"None") | None => Method::Identity,
            Some(other) => {
                let other = String::from_utf8_lossy(other).into_owned();
                return Err(Unsupported::new(Format::Pdf, format!("the crypt filter method {other:?}")).into());
            }
        };
        // A key of one kind cannot serve the other.
        if (method == Method::Aes256) != (version == 5) && method != Method::Identity {
            return Err(fault("/CFM of /Encrypt", "a method of the encryption's version"));
        }
        named.insert(name.octets().to_vec(), cipher(filter, method)?);
    }
    let choose = |key: &str, default: Cipher| -> Result<Cipher, Error> {
        match latest.get(encrypt, key)?.as_name() {
            None => Ok(default),
            Some(name) => {
                named.get(name).cloned().ok_or_else(|| fault(format!("/{key} of /Encrypt"), "a filter of /CF"))
            }
        }
    };
    let streams = choose("StmF", Cipher::identity())?;
    let strings = choose("StrF", Cipher::identity())?;
    let embedded = choose("EFF", streams.clone())?;
    Ok((strings, streams, embedded, named))
}

fn integer(latest: &Revision<'_>, dictionary: &Dictionary, key: &str) -> Result<Option<i64>, Error> {
    Ok(latest.get(dictionary, key)?.as_integer())
}

fn fault(field: impl Into<std::borrow::Cow<'static, str>>, expected: &'static str) -> Error {
    Malformed::new(Format::Pdf, field, expected).into()
}
