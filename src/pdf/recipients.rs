//! Public-key security handlers (ISO 32000-2 §7.6.5): the document's key lies
//! in CMS EnvelopedData (RFC 5652 §6) for each group of recipients.

use zeroize::Zeroizing;

use crate::asn1;
use crate::asn1::Oid;
use crate::asn1::tlv::Reader;
use crate::asn1::tlv::Tlv;
use crate::crypto::DigestAlgorithm;
use crate::crypto::KeyType;
use crate::crypto::PrivateKey;
use crate::crypto::password::CbcCipher;
use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::limits::Limits;

/// `id-envelopedData`.
const ENVELOPED_DATA: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x03]);
/// `rsaEncryption`: PKCS#1 v1.5.
const RSA: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]);
/// `id-RSAES-OAEP`.
const OAEP: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x07]);
/// `id-mgf1`.
const MGF1: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x08]);
/// `rc2-cbc`.
const RC2: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x03, 0x02]);

/// Octets of the seed from which the document's key is derived.
const SEED: usize = 20;
/// RSA operations that one document may cost.
const MOST_TRIES: usize = 256;

/// What a recipient's envelope holds.
pub(super) struct Opened {
    seed: Zeroizing<Vec<u8>>,
    /// Those of the document; an envelope for embedded files alone has none.
    pub(super) permissions: Option<i32>,
}

/// Opens the first of the envelopes of which `key` is a recipient's; `None` where it is of none.
///
/// A recipient is named by a certificate, which is not asked for: the key is
/// tried on whatever has its length.
pub(super) fn open(envelopes: &[Vec<u8>], key: &PrivateKey, limits: &Limits) -> Result<Option<Opened>, Error> {
    let mut tries = 0;
    for envelope in envelopes {
        if let Some(content) = open_envelope(envelope, key, &mut tries, limits)? {
            let Some((seed, rest)) = content.split_at_checked(SEED) else { continue };
            // Four octets, the highest first; some producers write them where nobody asks.
            let permissions = rest.first_chunk::<4>().map(|octets| i32::from_be_bytes(*octets));
            return Ok(Some(Opened { seed: Zeroizing::new(seed.to_vec()), permissions }));
        }
    }
    Ok(None)
}

impl Opened {
    /// §7.6.5.3: over the seed and every envelope in order.
    pub(super) fn key(&self, envelopes: &[Vec<u8>], metadata: bool, length: usize) -> Zeroizing<Vec<u8>> {
        let algorithm = if length > 16 { DigestAlgorithm::Sha256 } else { DigestAlgorithm::Sha1 };
        let mut digester = algorithm.digester();
        digester.update(&self.seed);
        envelopes.iter().for_each(|envelope| digester.update(envelope));
        if !metadata {
            digester.update(&[0xFF; 4]);
        }
        Zeroizing::new(digester.finish().octets().get(..length).unwrap_or_default().to_vec())
    }
}

fn open_envelope(
    envelope: &[u8],
    key: &PrivateKey,
    tries: &mut usize,
    limits: &Limits,
) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    const FORMAT: Format = Format::Cms;
    let (der, _) = asn1::to_der(envelope, limits)?;
    let mut outer = Reader::new(&der, FORMAT).expect(0x30, "ContentInfo")?.reader(FORMAT);
    if outer.expect(0x06, "contentType")?.oid(FORMAT, "contentType")? != ENVELOPED_DATA {
        return Err(outer.fault("contentType", "envelopedData"));
    }
    let mut data = outer.expect(0xA0, "content")?.reader(FORMAT).expect(0x30, "EnvelopedData")?.reader(FORMAT);
    data.expect(0x02, "version")?;
    data.optional(0xA0, "originatorInfo")?;
    let mut recipients = data.expect(0x31, "recipientInfos")?.reader(FORMAT);
    let mut content = data.expect(0x30, "encryptedContentInfo")?.reader(FORMAT);
    content.expect(0x06, "contentType")?;
    let algorithm = content.expect(0x30, "contentEncryptionAlgorithm")?;
    let enciphered = content.expect(0x80, "encryptedContent")?.content;
    let (cipher, iv) = content_cipher(&algorithm)?;
    while !recipients.is_empty() {
        let recipient = recipients.any("recipientInfos")?;
        // KeyTransRecipientInfo; agreed keys and passwords are for other kinds of key than RSA.
        if recipient.tag != 0x30 {
            continue;
        }
        let mut parts = recipient.reader(FORMAT);
        parts.expect(0x02, "version")?;
        parts.any("rid")?;
        let transport = parts.expect(0x30, "keyEncryptionAlgorithm")?;
        let encrypted = parts.expect(0x04, "encryptedKey")?.content;
        let KeyType::Rsa { bits } = key.public_key().key_type() else { continue };
        if encrypted.len() != bits.div_ceil(8) {
            continue;
        }
        *tries += 1;
        if *tries > MOST_TRIES {
            return Err(LimitExceeded::new("recipients of an encrypted document", MOST_TRIES as u64).into());
        }
        // Whatever fails, fails in the same words: nothing is told of the padding.
        let Some(content_key) = transported(&transport, encrypted, key)? else { continue };
        if let Some(content) = cipher.decrypt(&content_key, iv, enciphered) {
            return Ok(Some(content));
        }
    }
    Ok(None)
}

/// The cipher of an AlgorithmIdentifier, with its initialisation vector.
fn content_cipher<'a>(algorithm: &Tlv<'a>) -> Result<(CbcCipher, &'a [u8]), Error> {
    const FORMAT: Format = Format::Cms;
    let field = "contentEncryptionAlgorithm";
    let mut parts = algorithm.reader(FORMAT);
    let oid = parts.expect(0x06, field)?.oid(FORMAT, field)?;
    if oid == RC2 {
        // RFC 3370 §5.2: a table's number stands for the effective bits.
        let mut parameters = parts.expect(0x30, field)?.reader(FORMAT);
        let bits = match parameters.expect(0x02, field)?.small(FORMAT, field)? {
            160 => 40,
            120 => 64,
            58 => 128,
            _ => return Err(algorithm.fault(FORMAT, field, "RC2 of 40, 64 or 128 bits").into()),
        };
        return Ok((CbcCipher::Rc2(bits), parameters.expect(0x04, field)?.content));
    }
    let cipher = CbcCipher::from_oid(&oid);
    let cipher =
        cipher.ok_or_else(|| algorithm.fault(FORMAT, field, "AES, triple DES or RC2 in CBC mode").found(oid))?;
    Ok((cipher, parts.expect(0x04, field)?.content))
}

/// The content's key; `None` where `key` does not open it.
fn transported(algorithm: &Tlv<'_>, encrypted: &[u8], key: &PrivateKey) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    const FORMAT: Format = Format::Cms;
    let field = "keyEncryptionAlgorithm";
    let mut parts = algorithm.reader(FORMAT);
    let oid = parts.expect(0x06, field)?.oid(FORMAT, field)?;
    if oid == RSA {
        return Ok(key.decrypt_pkcs1(encrypted));
    }
    if oid != OAEP {
        return Err(algorithm.fault(FORMAT, field, "RSA with PKCS#1 v1.5 or OAEP").found(oid).into());
    }
    // RSAES-OAEP-params (RFC 8017 appendix A.2.1).
    let (mut digest, mut mgf, mut label) = (DigestAlgorithm::Sha1, DigestAlgorithm::Sha1, &[][..]);
    let unknown = || algorithm.fault(FORMAT, field, "OAEP with a known digest, MGF1 and a label");
    let digest_of = |algorithm: Tlv<'_>| -> Result<DigestAlgorithm, Error> {
        let oid = algorithm.reader(FORMAT).expect(0x06, field)?.oid(FORMAT, field)?;
        DigestAlgorithm::from_oid(&oid).ok_or_else(|| unknown().found(oid).into())
    };
    if let Some(parameters) = parts.optional(0x30, field)? {
        let mut parameters = parameters.reader(FORMAT);
        if let Some(given) = parameters.optional(0xA0, field)? {
            digest = digest_of(given.reader(FORMAT).expect(0x30, field)?)?;
        }
        if let Some(given) = parameters.optional(0xA1, field)? {
            let mut given = given.reader(FORMAT).expect(0x30, field)?.reader(FORMAT);
            if given.expect(0x06, field)?.oid(FORMAT, field)? != MGF1 {
                return Err(unknown().into());
            }
            mgf = digest_of(given.expect(0x30, field)?)?;
        }
        if let Some(given) = parameters.optional(0xA2, field)? {
            let mut given = given.reader(FORMAT).expect(0x30, field)?.reader(FORMAT);
            given.expect(0x06, field)?;
            label = given.expect(0x04, field)?.content;
        }
    }
    Ok(key.decrypt_oaep(digest, mgf, label, encrypted))
}
