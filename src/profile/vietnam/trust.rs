//! The two hierarchies of Vietnam as named trust sets, without their certificates.

use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::Misuse;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::trust::TrustAnchor;
use crate::trust::TrustSet;
use crate::x509::Certificate;

/// What a certificate that is expected is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // trusted or not: there is no third
pub enum Use {
    /// A root, which becomes an anchor.
    Anchor,
    /// A CA below it: offered for building paths, and not trusted by itself.
    Intermediate,
}

/// A certificate that is expected in the files of a hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expected {
    /// What it is called.
    pub name: String,
    /// Where it is published, as far as is known.
    pub url: Option<&'static str>,
    /// SHA-256 of the certificate, in hexadecimal.
    pub sha256: String,
    /// What it is for.
    pub used: Use,
}

/// A hierarchy: the name of its trust set, and which certificates may be in it.
///
/// No certificate is bundled: the host obtains the files and [loads](Self::load) them. The
/// fingerprints come from integrators' publications; confirm them with the issuing
/// authority, and add those of newer certificates with [`expecting`](Self::expecting).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPreset {
    name: &'static str,
    expected: Vec<Expected>,
}

/// What was loaded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// The anchors, under the name of the hierarchy.
    pub set: TrustSet,
    /// CAs below them, for [`Validator::intermediates`](crate::validate::Validator::intermediates): documents
    /// of the field hold the signer's certificate only.
    pub intermediates: Vec<Certificate>,
}

/// "Chuyên dùng công vụ": the Government's specialised CA (Ban Cơ yếu Chính phủ), for
/// signatures of state agencies and their officials.
#[must_use]
pub fn specialised() -> TrustPreset {
    const ALL: &[(&str, &str, &str, Use)] = &[
        (
            "Co quan chung thuc so chuyen dung Chinh phu (RootCA)",
            "http://ca.gov.vn/pki/pub/cert/rootca.crt",
            "f7bc89054cec7f12730d7b8cd3eb7955b163835087e5eb873edfb584763b3f90",
            Use::Anchor,
        ),
        (
            "CA phuc vu cac co quan Nha nuoc",
            "http://ca.gov.vn/pki/pub/cert/cp.crt",
            "75e969c07ba35c29c72bbc1bfb880f20f3891a619b00b77eb02ca6160736a1fe",
            Use::Intermediate,
        ),
        (
            "RootCA G2",
            "http://ca.gov.vn/pki/pub/crt/rootcag2.crt",
            "f04ba4b459a7c9a1b971ad9b1cb833e695a80c79aea63b174b66a70edfe2fdb8",
            Use::Anchor,
        ),
        (
            "CA G2 phuc vu cac co quan Nha nuoc",
            "http://ca.gov.vn/pki/pub/crt/cpg2.crt",
            "d8cab7a4aef92e6bb2509d7c61cee7b44f3731b2d21074963530277b366fae4b",
            Use::Intermediate,
        ),
        (
            "CA G2 phuc vu cac co quan Dang",
            "http://ca.gov.vn/pki/pub/crt/dcscag2.crt",
            "e4b402e3cb4cacc0a20d21fa49bce76beb4eb47ba7ffb7a8f71c554dbe561a81",
            Use::Intermediate,
        ),
    ];
    preset("Chuyên dùng công vụ", ALL)
}

/// "Công cộng": the national root (NEAC) and the public CAs under it. There is no
/// bridge between the two hierarchies.
#[must_use]
pub fn public() -> TrustPreset {
    const ALL: &[(&str, &str, &str, Use)] = &[(
        "Vietnam National Root CA (vnrca256)",
        "http://rootca.gov.vn/crt/vnrca256.p7b",
        "bac8bf609ab420a8ee1780d74f4de5c7f7184959d2a7375b0a75e4c29f0908e7",
        Use::Anchor,
    )];
    preset("Công cộng", ALL)
}

fn preset(name: &'static str, all: &[(&str, &'static str, &str, Use)]) -> TrustPreset {
    let expected = all.iter().map(|(name, url, sha256, used)| Expected {
        name: (*name).to_owned(),
        url: Some(*url),
        sha256: (*sha256).to_owned(),
        used: *used,
    });
    TrustPreset { name, expected: expected.collect() }
}

impl TrustPreset {
    /// The name of the set, by which reports tell the hierarchy.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What may be loaded.
    #[must_use]
    pub fn expected(&self) -> &[Expected] {
        &self.expected
    }

    /// The set without any anchor: no path ends in it.
    #[must_use]
    pub fn empty(&self) -> TrustSet {
        TrustSet::new(self.name)
    }

    /// Expects a further certificate, whose fingerprint the host has from the authority.
    #[must_use]
    pub fn expecting(mut self, name: impl Into<String>, sha256: &Digest, used: Use) -> Self {
        self.expected.push(Expected { name: name.into(), url: None, sha256: sha256.to_hex(), used });
        self
    }

    /// Takes the certificates of files: PEM, DER or PKCS#7, one or more in each.
    ///
    /// # Errors
    /// [`Error::Refused`] for a certificate that is not expected, with its subject and
    /// fingerprint: nothing is loaded then, also not the others. [`Error::Malformed`] where a file
    /// holds no certificate, [`Error::Misuse`] where an anchor is not among them all.
    pub fn load(&self, files: &[&[u8]]) -> Result<Loaded, Error> {
        let mut loaded = Loaded { set: self.empty(), intermediates: Vec::new() };
        for certificate in files.iter().map(|octets| Certificate::all_from_file(octets)) {
            for certificate in certificate? {
                let sha256 = DigestAlgorithm::Sha256.digest(certificate.der()).to_hex();
                let Some(expected) = self.expected.iter().find(|e| e.sha256.eq_ignore_ascii_case(&sha256)) else {
                    let subject = certificate.subject();
                    let detail = format!("{subject}, SHA-256 {sha256}, is not expected in the set \"{}\"", self.name);
                    return Err(Refused::new(RefusalReason::Fingerprint, detail).into());
                };
                match expected.used {
                    Use::Anchor => loaded.set.add(TrustAnchor::from_certificate(certificate)),
                    Use::Intermediate => loaded.intermediates.push(certificate),
                }
            }
        }
        if loaded.set.anchors().is_empty() {
            return Err(Misuse::new(format!("no root of the set \"{}\" is among the files", self.name)).into());
        }
        Ok(loaded)
    }
}
