//! Certification requests (PKCS#10, RFC 2986).

use super::Name;
use super::oids;
use crate::asn1::encode;
use crate::asn1::pem;
use crate::asn1::tlv::Reader;
use crate::crypto::Backend;
use crate::crypto::Message;
use crate::crypto::PublicKey;
use crate::crypto::SignatureAlgorithm;
use crate::crypto::VerifyError;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::error::RefusalReason;
use crate::error::Refused;

const FORMAT: Format = Format::CertificationRequest;

/// What is asked of a CA: a certificate for this name and this key.
///
/// Its signature proves that who asks holds the private key, and nothing else:
/// whether the name is theirs is for the CA to find out.
#[derive(Clone, Debug)]
pub struct CertificationRequest {
    der: Vec<u8>,
    info: std::ops::Range<usize>,
    subject: Name,
    public_key: PublicKey,
    algorithm: SignatureAlgorithm,
    value: Vec<u8>,
}

/// A request that lacks its signature value, which the private key makes
/// wherever it is: in memory, on a token, far away.
#[derive(Clone, Debug)]
pub struct UnsignedRequest {
    subject: Name,
    public_key: PublicKey,
    algorithm: SignatureAlgorithm,
    email: Option<String>,
}

impl UnsignedRequest {
    /// For a name and a key, to be signed with `algorithm`.
    #[must_use]
    pub const fn new(subject: Name, public_key: PublicKey, algorithm: SignatureAlgorithm) -> Self {
        Self { subject, public_key, algorithm, email: None }
    }

    /// Asks for this e-mail address in `subjectAltName`.
    ///
    /// # Errors
    /// [`Error::Misuse`] for an address that is not ASCII (RFC 5280 §4.2.1.6).
    pub fn email(mut self, address: impl Into<String>) -> Result<Self, Error> {
        let address = address.into();
        if !address.is_ascii() || !address.contains('@') {
            return Err(Misuse::new("an e-mail address in a certificate is ASCII with one @").into());
        }
        self.email = Some(address);
        Ok(self)
    }

    /// The algorithm that the private key is to sign with.
    #[must_use]
    pub const fn algorithm(&self) -> &SignatureAlgorithm {
        &self.algorithm
    }

    /// The octets that it is to sign: the DER of `CertificationRequestInfo`.
    #[must_use]
    pub fn to_be_signed(&self) -> Vec<u8> {
        let attributes = self.email.as_ref().map(|address| {
            let names = encode::sequence(&[&encode::tlv(0x81, address.as_bytes())]);
            let extension = encode::sequence(&[&encode::oid(&oids::SUBJECT_ALT_NAME), &encode::octet_string(&names)]);
            let values = encode::set_of(vec![encode::sequence(&[&extension])]);
            encode::sequence(&[&encode::oid(&oids::EXTENSION_REQUEST), &values])
        });
        let attributes = encode::tlv(0xA0, &attributes.unwrap_or_default());
        encode::sequence(&[&encode::integer(0), self.subject.der(), self.public_key.spki(), &attributes])
    }

    /// The whole request, after a look whether the value is right.
    ///
    /// # Errors
    /// [`Error::Refused`] where the value does not verify under the key.
    pub fn complete(&self, value: &[u8]) -> Result<CertificationRequest, Error> {
        let info = self.to_be_signed();
        let signature = encode::tlv(0x03, &[&[0], value].concat());
        let der = encode::sequence(&[&info, &self.algorithm.to_der(), &signature]);
        let request = CertificationRequest::from_der(&der)?;
        request.verify(Backend::default()).map_err(|_| {
            let text = "the signature value does not verify under the key of the request";
            Refused::new(RefusalReason::SignatureValue, text)
        })?;
        Ok(request)
    }
}

impl CertificationRequest {
    /// Reads a DER request, which is all of the input.
    ///
    /// # Errors
    /// DER that is no request of version 1, or an unknown signature algorithm.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let mut outer = Reader::new(der, FORMAT);
        let whole = outer.expect(0x30, "CertificationRequest")?;
        outer.end("CertificationRequest")?;
        let header = der.len() - whole.content.len();
        let mut reader = whole.reader(FORMAT);
        let info = reader.expect(0x30, "certificationRequestInfo")?;
        let algorithm = reader.expect(0x30, "signatureAlgorithm")?;
        let signature = reader.expect(0x03, "signature")?;
        reader.end("CertificationRequest")?;
        let mut fields = info.reader(FORMAT);
        let version = fields.expect(0x02, "version")?;
        if version.content != [0] {
            return Err(version.fault(FORMAT, "version", "0").into());
        }
        let subject = Name::from_der(fields.expect(0x30, "subject")?.raw)?;
        let public_key = PublicKey::from_spki(fields.expect(0x30, "subjectPKInfo")?.raw)?;
        // RFC 2986 §4.1 demands it; requests without are about, and nothing is lost.
        fields.optional(0xA0, "attributes")?;
        fields.end("certificationRequestInfo")?;
        Ok(Self {
            der: der.to_vec(),
            info: header..header + info.raw.len(),
            subject,
            public_key,
            algorithm: SignatureAlgorithm::from_der(algorithm.raw, None)?,
            value: signature.bit_octets(FORMAT, "signature")?.to_vec(),
        })
    }

    /// Reads a request from a PEM or DER file.
    ///
    /// # Errors
    /// As [`from_der`](Self::from_der); PEM without a request.
    pub fn from_file(octets: &[u8]) -> Result<Self, Error> {
        if !pem::is_pem(octets) {
            return Self::from_der(octets);
        }
        for block in pem::blocks(octets) {
            let block = block?;
            if matches!(block.label, b"CERTIFICATE REQUEST" | b"NEW CERTIFICATE REQUEST") {
                return Self::from_der(&block.decode()?);
            }
        }
        Err(Malformed::new(FORMAT, "file", "a block CERTIFICATE REQUEST").into())
    }

    /// The DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// As PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE REQUEST", &self.der)
    }

    /// The name that is asked for.
    #[must_use]
    pub const fn subject(&self) -> &Name {
        &self.subject
    }

    /// The key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Verifies that the request was signed with the private key of its public key.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn verify(&self, backend: Backend) -> Result<(), VerifyError> {
        let info = self.der.get(self.info.clone()).unwrap_or_default();
        backend.verify(&self.public_key, &self.algorithm, Message::Octets(info), &self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KeySpec;
    use crate::crypto::PrivateKey;

    fn request() -> (UnsignedRequest, PrivateKey) {
        let key = PrivateKey::generate(KeySpec::P256).unwrap();
        let subject = Name::parse("CN=Nguyễn Văn A,O=Sở Tài chính,C=VN").unwrap();
        (UnsignedRequest::new(subject, key.public_key().clone(), key.default_algorithm()), key)
    }

    #[test]
    fn what_is_written_is_read_and_verifies() {
        let (unsigned, key) = request();
        let unsigned = unsigned.email("a@stc.gov.vn").unwrap();
        let value = key.sign(unsigned.algorithm(), Message::Octets(&unsigned.to_be_signed())).unwrap();
        let request = unsigned.complete(&value).unwrap();
        let read = CertificationRequest::from_file(request.to_pem().as_bytes()).unwrap();
        assert_eq!((read.subject(), read.public_key()), (request.subject(), key.public_key()));
        assert_eq!(read.subject().to_string(), "CN=Nguyễn Văn A,O=Sở Tài chính,C=VN");
        read.verify(Backend::default()).unwrap();
    }

    #[test]
    fn a_wrong_value_is_not_embedded() {
        let (unsigned, _) = request();
        let other = PrivateKey::generate(KeySpec::P256).unwrap();
        let value = other.sign(unsigned.algorithm(), Message::Octets(&unsigned.to_be_signed())).unwrap();
        assert!(matches!(unsigned.complete(&value), Err(Error::Refused(_))));
    }

    #[test]
    fn each_octet_counts() {
        let (unsigned, key) = request();
        let value = key.sign(unsigned.algorithm(), Message::Octets(&unsigned.to_be_signed())).unwrap();
        let der = unsigned.complete(&value).unwrap().der().to_vec();
        for at in 0..der.len() {
            let mut changed = der.clone();
            changed[at] ^= 1;
            let accepted = CertificationRequest::from_der(&changed).map(|r| r.verify(Backend::default()));
            assert!(!matches!(accepted, Ok(Ok(()))), "octet {at}");
            assert!(CertificationRequest::from_der(&der[..at]).is_err());
        }
    }
}
