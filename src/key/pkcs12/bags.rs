//! PFX, AuthenticatedSafe and the bags in it (RFC 7292 §4).

use zeroize::Zeroizing;

use super::CertificateEntry;
use super::KeyEntry;
use super::Pfx;
use super::secret::Algorithm;
use super::secret::Opener;
use crate::asn1;
use crate::asn1::Oid;
use crate::asn1::tlv::Reader;
use crate::asn1::tlv::Tlv;
use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Unsupported;
use crate::limits::Limits;
use crate::secret::Password;
use crate::x509::Certificate;

const F: Format = Format::Pkcs12;

const DATA: Oid = pkcs7(1);
const ENCRYPTED_DATA: Oid = pkcs7(6);
const X509_CERTIFICATE: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x16, 0x01]);
const FRIENDLY_NAME: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x14]);
const LOCAL_KEY_ID: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x15]);
const KEY_BAG: Oid = bag(1);
const SHROUDED_KEY_BAG: Oid = bag(2);
const CERT_BAG: Oid = bag(3);
const SAFE_CONTENTS_BAG: Oid = bag(6);

const fn pkcs7(n: u8) -> Oid {
    Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, n])
}

const fn bag(n: u8) -> Oid {
    Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x0A, 0x01, n])
}

struct Store<'a> {
    opener: Opener<'a>,
    limits: &'a Limits,
    pfx: Pfx,
}

pub(super) fn open(octets: &[u8], password: &Password, limits: &Limits) -> Result<Pfx, Error> {
    let pfx = Pfx { keys: Vec::new(), certificates: Vec::new(), authenticated: false };
    let mut store = Store { opener: Opener::new(password, limits), limits, pfx };
    let (der, rest) = asn1::to_der(octets, limits)?;
    if !rest.is_empty() {
        let fault = Malformed::new(F, "PFX", "the end").found(format_args!("{} octets more", rest.len()));
        return Err(fault.at((octets.len() - rest.len()) as u64).into());
    }
    let mut reader = Reader::new(&der, F).expect(0x30, "PFX")?.reader(F);
    let version = reader.expect(0x02, "version")?;
    if version.small(F, "version")? != 3 {
        return Err(version.fault(F, "version", "3").into());
    }
    let (content_type, content) = content_info(&mut reader, "authSafe")?;
    if content_type != DATA {
        return Err(Unsupported::new(F, format!("integrity of content type {content_type}")).into());
    }
    // What the MAC is over: the octets in the file, whether they are DER or not.
    let safe = data(content, "authSafe.content")?;
    let mac = reader.optional(0x30, "macData")?;
    reader.end("PFX")?;
    if let Some(mac) = &mac {
        store.opener.check_mac(mac, safe)?;
        store.pfx.authenticated = true;
    }
    let safe = whole(safe, limits, "AuthenticatedSafe")?;
    let mut contents = Reader::new(&safe, F).expect(0x30, "AuthenticatedSafe")?.reader(F);
    while !contents.is_empty() {
        let (content_type, content) = content_info(&mut contents, "AuthenticatedSafe.contentInfo")?;
        let plain = match content_type {
            DATA => Zeroizing::new(data(content, "SafeContents")?.to_vec()),
            ENCRYPTED_DATA => store.decrypted(content)?,
            other => return Err(Unsupported::new(F, format!("privacy of content type {other}")).into()),
        };
        let plain = whole(&plain, limits, "SafeContents")?;
        store.bags(Reader::new(&plain, F).expect(0x30, "SafeContents")?, 0)?;
    }
    Ok(store.pfx)
}

/// One value in DER, and nothing after it.
fn whole(octets: &[u8], limits: &Limits, field: &'static str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (der, rest) = asn1::to_der(octets, limits)?;
    if rest.is_empty() {
        Ok(Zeroizing::new(der.into_owned()))
    } else {
        Err(Malformed::new(F, field, "the end").found(format_args!("{} octets more", rest.len())).into())
    }
}

/// Whether octets can be one SEQUENCE; what a wrong key leaves behind is not.
fn is_sequence(octets: &[u8], limits: &Limits) -> bool {
    octets.first() == Some(&0x30) && asn1::to_der(octets, limits).is_ok_and(|(_, rest)| rest.is_empty())
}

fn content_info<'a>(reader: &mut Reader<'a>, field: &'static str) -> Result<(Oid, Tlv<'a>), Error> {
    let mut info = reader.expect(0x30, field)?.reader(F);
    let content_type = info.expect(0x06, field)?.oid(F, field)?;
    let content = info.expect(0xA0, field)?;
    info.end(field)?;
    Ok((content_type, content))
}

fn data<'a>(content: Tlv<'a>, field: &'static str) -> Result<&'a [u8], Error> {
    let mut reader = content.reader(F);
    let octets = reader.expect(0x04, field)?.content;
    reader.end(field)?;
    Ok(octets)
}

impl Store<'_> {
    /// EncryptedData (RFC 5652 §8).
    fn decrypted(&self, content: Tlv<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut outer = content.reader(F);
        let mut encrypted = outer.expect(0x30, "EncryptedData")?.reader(F);
        outer.end("EncryptedData")?;
        encrypted.expect(0x02, "EncryptedData.version")?;
        let mut info = encrypted.expect(0x30, "EncryptedContentInfo")?.reader(F);
        let content_type = info.expect(0x06, "contentType")?.oid(F, "contentType")?;
        if content_type != DATA {
            return Err(Unsupported::new(F, format!("encrypted content of type {content_type}")).into());
        }
        let algorithm = Algorithm::read(&mut info, "contentEncryptionAlgorithm")?;
        let octets = info.expect(0x80, "encryptedContent")?.content;
        info.end("EncryptedContentInfo")?;
        self.opener.decrypt(&algorithm, octets, |plain| is_sequence(plain, self.limits))
    }

    /// SafeContents: bags one after the other.
    fn bags(&mut self, contents: Tlv<'_>, depth: usize) -> Result<(), Error> {
        if depth > self.limits.depth {
            return Err(LimitExceeded::new("depth", self.limits.depth as u64).into());
        }
        let mut reader = contents.reader(F);
        while !reader.is_empty() {
            let mut bag = reader.expect(0x30, "SafeBag")?.reader(F);
            let kind = bag.expect(0x06, "bagId")?.oid(F, "bagId")?;
            let mut value = bag.expect(0xA0, "bagValue")?.reader(F);
            let attributes = bag.optional(0x31, "bagAttributes")?;
            bag.end("SafeBag")?;
            match kind {
                KEY_BAG => {
                    let pkcs8 = Zeroizing::new(value.expect(0x30, "keyBag")?.raw.to_vec());
                    self.key(pkcs8, attributes)?;
                }
                SHROUDED_KEY_BAG => {
                    let mut shrouded = value.expect(0x30, "pkcs8ShroudedKeyBag")?.reader(F);
                    let algorithm = Algorithm::read(&mut shrouded, "encryptionAlgorithm")?;
                    let octets = shrouded.expect(0x04, "encryptedData")?.content;
                    shrouded.end("pkcs8ShroudedKeyBag")?;
                    let plain = self.opener.decrypt(&algorithm, octets, |plain| is_sequence(plain, self.limits))?;
                    self.key(whole(&plain, self.limits, "PrivateKeyInfo")?, attributes)?;
                }
                CERT_BAG => {
                    let mut certificate = value.expect(0x30, "certBag")?.reader(F);
                    let kind = certificate.expect(0x06, "certId")?.oid(F, "certId")?;
                    let content = certificate.expect(0xA0, "certValue")?;
                    certificate.end("certBag")?;
                    if kind == X509_CERTIFICATE {
                        let certificate = Certificate::from_der(data(content, "certValue")?)?;
                        let (friendly_name, local_key_id) = names(attributes)?;
                        self.pfx.certificates.push(CertificateEntry { certificate, friendly_name, local_key_id });
                    }
                }
                SAFE_CONTENTS_BAG => self.bags(value.expect(0x30, "safeContentsBag")?, depth + 1)?,
                // CRLs, secrets, and what later standards may add.
                _ => {
                    value.any("bagValue")?;
                }
            }
            value.end("bagValue")?;
        }
        Ok(())
    }

    fn key(&mut self, pkcs8: Zeroizing<Vec<u8>>, attributes: Option<Tlv<'_>>) -> Result<(), Error> {
        let (friendly_name, local_key_id) = names(attributes)?;
        self.pfx.keys.push(KeyEntry { pkcs8, friendly_name, local_key_id });
        Ok(())
    }
}

/// friendlyName and localKeyId (RFC 2985 §5.5); other attributes are passed over.
fn names(attributes: Option<Tlv<'_>>) -> Result<(Option<String>, Option<Vec<u8>>), Error> {
    let (mut friendly_name, mut local_key_id) = (None, None);
    let Some(attributes) = attributes else { return Ok((None, None)) };
    let mut reader = attributes.reader(F);
    while !reader.is_empty() {
        let mut attribute = reader.expect(0x30, "bagAttribute")?.reader(F);
        let kind = attribute.expect(0x06, "attrId")?.oid(F, "attrId")?;
        let mut values = attribute.expect(0x31, "attrValues")?.reader(F);
        attribute.end("bagAttribute")?;
        if kind == FRIENDLY_NAME {
            friendly_name = values.optional(0x1E, "friendlyName")?.map(|v| bmp(v.content));
        } else if kind == LOCAL_KEY_ID {
            local_key_id = values.optional(0x04, "localKeyId")?.map(|v| v.content.to_vec());
        }
    }
    Ok((friendly_name, local_key_id))
}

/// BMPString; writers put surrogate pairs into it, and what is no pair is shown as U+FFFD.
fn bmp(content: &[u8]) -> String {
    let units = content.chunks(2).map(|unit| unit.iter().fold(0, |n, b| n << 8 | u16::from(*b)));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
