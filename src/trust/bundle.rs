//! Trust sets as files.

use super::TrustAnchor;
use super::TrustSet;
use crate::asn1::Oid;
use crate::asn1::encode;
use crate::error::Error;
use crate::error::Misuse;
use crate::x509::Certificate;

/// `id-signedData` and `id-data` (RFC 5652).
const SIGNED_DATA: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]);
const DATA: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01]);

/// Out again. A file holds certificates and no more, so that a bare key, or
/// constraints that the file would silently drop, are refused.
impl TrustSet {
    /// The certificates as a PEM text, each under its subject and SHA-256.
    ///
    /// # Errors
    /// [`Error::Misuse`] for an anchor without a certificate, or with constraints.
    pub fn to_pem(&self) -> Result<String, Error> {
        let mut text = String::new();
        for certificate in self.certificates()? {
            text.push_str(&format!("subject={}\nsha256={}\n", certificate.subject(), certificate.sha256().to_hex()));
            text.push_str(&certificate.to_pem());
        }
        Ok(text)
    }

    /// The certificates as a PKCS#7 bundle: a SignedData without content and
    /// signatures (RFC 5652 §5.1), in DER.
    ///
    /// # Errors
    /// [`Error::Misuse`] for an anchor without a certificate, or with constraints.
    pub fn to_pkcs7(&self) -> Result<Vec<u8>, Error> {
        let certificates: Vec<Vec<u8>> = self.certificates()?.into_iter().map(|c| c.der().to_vec()).collect();
        let mut certificates = encode::set_of(certificates);
        // [0] IMPLICIT
        if let Some(tag) = certificates.first_mut() {
            *tag = 0xA0;
        }
        let empty = encode::set_of(Vec::new());
        let content = encode::sequence(&[&encode::oid(&DATA)]);
        let signed = encode::sequence(&[&encode::integer(1), &empty, &content, &certificates, &empty]);
        Ok(encode::sequence(&[&encode::oid(&SIGNED_DATA), &encode::explicit(0, &signed)]))
    }

    fn certificates(&self) -> Result<Vec<&Certificate>, Error> {
        self.anchors().iter().map(exportable).collect()
    }
}

fn exportable(anchor: &TrustAnchor) -> Result<&Certificate, Error> {
    let refuse = |why: &str| Error::from(Misuse::new(format!("the anchor {} {why}", anchor.name())));
    if *anchor.constraints() != super::AnchorConstraints::default() {
        return Err(refuse("has constraints, which a file of certificates cannot hold"));
    }
    anchor.certificate().ok_or_else(|| refuse("is a name and a key, which a file of certificates cannot hold"))
}
